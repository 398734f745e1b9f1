/*
 * fuzz_bfd.c - a session that hears hostile packets at odd times.
 *
 * The input is a row of records: one octet that chooses what happens (time goes
 * on, hold, let go, a packet of so many octets), then the packet. Held: what is
 * accepted reads back, a held session says Down, a session is never AdminDown,
 * sending ends, and a deadline that is over is acted on.
 */
#include "lib/bgp/bfd.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hold(bool claim)
{
	if (!claim) {
		abort();
	}
}

static void move_on(struct bfd_session *session, uint64_t now)
{
	struct bfd_packet packet;
	struct bfd_packet back;
	uint8_t octets[BFD_PACKET_SIZE];
	unsigned count = 0;

	bfd_session_expire(session, now);
	while (bfd_session_send(session, now, (uint32_t)now, &packet)) {
		hold(++count <= 2);
		bfd_packet_write(&packet, octets);
		hold(bfd_packet_parse(octets, sizeof(octets), &back) ||
		     (packet.your_discriminator == 0 &&
		      packet.state > BFD_DOWN));
		hold(packet.state != BFD_ADMIN_DOWN);
		hold(!session->is_held || packet.state == BFD_DOWN);
	}
	hold(bfd_session_deadline(session) > now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bfd_config config = {0x0a0a0a0a, 100000, 3};
	struct bfd_session session;
	struct bfd_packet packet;
	uint64_t now = 1;
	size_t at = 0;

	bfd_session_init(&session, &config, now);
	while (at < size) {
		uint8_t what = data[at++];
		size_t length = what & 31;

		now += UINT64_C(1000000) * what;
		if ((what & 0xe0) == 0x20) {
			bfd_session_hold(&session, true, now);
		} else if ((what & 0xe0) == 0x40) {
			bfd_session_hold(&session, false, now);
		} else if (length <= size - at) {
			if (bfd_packet_parse(data + at, length, &packet) &&
			    bfd_session_owns(&session, &packet)) {
				bfd_session_receive(&session, &packet, now);
			}
			at += length;
		}
		move_on(&session, now);
		hold(!session.is_held || session.state == BFD_DOWN);
		hold(session.state != BFD_ADMIN_DOWN);
		hold(bfd_state_text(session.state)[0] != '?');
		hold(bfd_diagnostic_text(session.diagnostic) != NULL);
	}
	return 0;
}
