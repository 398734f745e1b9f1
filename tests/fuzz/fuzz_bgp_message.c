/*
 * fuzz_bgp_message.c - all that happens to a peer's bytes.
 *
 * The first octet chooses where the machine stands when they come (OpenSent,
 * OpenConfirm, Established) and how they are cut into pieces; the rest runs
 * through framing, parsers, state machine and words, as server/route/speaker.c
 * does it. Held: a message's size lies in its bounds, progress is made, no
 * event leads from before OpenConfirm to Established, what is answered can be
 * read.
 */
#include "lib/bgp/fsm.h"

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

static void step_plain(struct bgp_fsm *fsm, enum bgp_event_type type,
		       struct bgp_actions *actions)
{
	struct bgp_event event = {.type = type, .now = 1};

	event.open = (struct bgp_open){.as = 65002,
				       .router_id = 1,
				       .hold_s = 9,
				       .families = BGP_FAMILIES_ALL,
				       .role = BGP_ROLE_NONE};
	bgp_fsm_step(fsm, &event, actions);
}

/* A NOTIFICATION that we would send must be one that we would take. */
static void check_answer(const struct bgp_fsm *fsm)
{
	uint8_t message[BGP_MESSAGE_MAX];
	struct bgp_notification error;
	char text[BGP_TEXT_MAX];
	size_t size = bgp_notification_write(message, &fsm->cause.notification);

	hold(bgp_header_check(message, size, &error) == (int)size);
	hold(strlen(bgp_cause_dump(&fsm->cause, text)) < BGP_TEXT_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bgp_fsm_config config = {.local_as = 65001,
					.peer_as = 65002,
					.router_id = 2,
					.hold_s = 9,
					.families = BGP_FAMILIES_ALL,
					.role = BGP_ROLE_CUSTOMER};
	struct bgp_actions actions;
	struct bgp_fsm fsm;
	size_t at = 1;

	if (size == 0) {
		return 0;
	}
	bgp_fsm_init(&fsm, &config);
	step_plain(&fsm, BGP_EVENT_START, &actions);
	step_plain(&fsm, BGP_EVENT_TCP_UP, &actions);
	if (data[0] & 1) {
		step_plain(&fsm, BGP_EVENT_OPEN, &actions);
	}
	if (data[0] & 2) {
		step_plain(&fsm, BGP_EVENT_KEEPALIVE, &actions);
	}
	while (at < size && fsm.state >= BGP_OPEN_SENT) {
		struct bgp_event event = {.now = 2};
		enum bgp_state before = fsm.state;
		size_t piece = size - at;
		size_t used;

		if (data[0] & 4) { /* an octet more at a time */
			size_t whole = piece;

			for (piece = 1; piece <= whole; piece++) {
				used = bgp_event_read(&event, data + at, piece);
				if (used > 0) {
					break;
				}
			}
			piece = piece > whole ? whole : piece;
		}
		used = bgp_event_read(&event, data + at, piece);
		if (used == 0) {
			break;
		}
		hold(used <= piece);
		hold(used >= BGP_HEADER_SIZE ||
		     event.type == BGP_EVENT_BAD_MESSAGE);
		hold(used <= BGP_MESSAGE_MAX ||
		     event.type == BGP_EVENT_BAD_MESSAGE);
		bgp_fsm_step(&fsm, &event, &actions);
		hold(fsm.state != BGP_ESTABLISHED ||
		     before >= BGP_OPEN_CONFIRM);
		check_answer(&fsm);
		at += used;
	}
	return 0;
}
