/*
 * bfd.c - see bfd.h. Numbers in comments are sections of RFC 5880.
 *
 * What is sent periodically follows from the state alone: the interval while Up
 * is the configured one, else a second (6.8.3). A change of state is told at
 * once (6.8.7 allows it), since detection by silence takes the longer way.
 *
 * The Poll Sequence that a change of interval needs is begun whenever the
 * session comes Up: there the interval falls from a second to the configured
 * one. It never rises while Up, so that no old value must be kept in use.
 */
#include "lib/bgp/bfd.h"

#include "lib/base/wire.h"

#include <assert.h>
#include <string.h>

#define MICROSECOND UINT64_C(1000)

enum {
	VERSION = 1,
	FLAG_POLL = 0x20,
	FLAG_FINAL = 0x10,
	FLAG_AUTHENTICATION = 0x04,
	FLAG_DEMAND = 0x02,
	FLAG_MULTIPOINT = 0x01,
	STATE_SHIFT = 6,
	VERSION_SHIFT = 5,
	DIAGNOSTIC_MASK = 0x1f,
};

/* --- packets -------------------------------------------------------------- */

bool bfd_packet_parse(const uint8_t *data, size_t size, struct bfd_packet *out)
{
	struct wire_reader r = wire_reader_init(data, size);
	struct bfd_packet packet = {0};
	uint8_t first = wire_read8(&r);
	uint8_t flags = wire_read8(&r);
	uint8_t length;

	packet.multiplier = wire_read8(&r);
	length = wire_read8(&r);
	packet.my_discriminator = wire_read32(&r);
	packet.your_discriminator = wire_read32(&r);
	packet.desired_min_tx_us = wire_read32(&r);
	packet.required_min_rx_us = wire_read32(&r);
	packet.required_min_echo_rx_us = wire_read32(&r);
	if (r.failed || first >> VERSION_SHIFT != VERSION ||
	    length < BFD_PACKET_SIZE || length > size ||
	    packet.multiplier == 0 || packet.my_discriminator == 0 ||
	    (flags & FLAG_MULTIPOINT) != 0) {
		return false;
	}
	/* No authentication is in use: such a packet is not for us. */
	if ((flags & FLAG_AUTHENTICATION) != 0) {
		return false;
	}
	packet.state = flags >> STATE_SHIFT;
	packet.diagnostic = first & DIAGNOSTIC_MASK;
	packet.is_poll = (flags & FLAG_POLL) != 0;
	packet.is_final = (flags & FLAG_FINAL) != 0;
	packet.is_demand = (flags & FLAG_DEMAND) != 0;
	if (packet.your_discriminator == 0 && packet.state != BFD_DOWN &&
	    packet.state != BFD_ADMIN_DOWN) {
		return false;
	}
	*out = packet;
	return true;
}

void bfd_packet_write(const struct bfd_packet *packet,
		      uint8_t out[BFD_PACKET_SIZE])
{
	unsigned flags = (unsigned)packet->state << STATE_SHIFT;

	flags |= packet->is_poll ? FLAG_POLL : 0;
	flags |= packet->is_final ? FLAG_FINAL : 0;
	flags |= packet->is_demand ? FLAG_DEMAND : 0;
	out[0] = (uint8_t)(VERSION << VERSION_SHIFT |
			   (packet->diagnostic & DIAGNOSTIC_MASK));
	out[1] = (uint8_t)flags;
	out[2] = packet->multiplier;
	out[3] = BFD_PACKET_SIZE;
	wire_put32(out + 4, packet->my_discriminator);
	wire_put32(out + 8, packet->your_discriminator);
	wire_put32(out + 12, packet->desired_min_tx_us);
	wire_put32(out + 16, packet->required_min_rx_us);
	wire_put32(out + 20, packet->required_min_echo_rx_us);
}

/* --- times ---------------------------------------------------------------- */

/* 6.8.3: slow while not Up. */
static uint32_t desired_min_tx_us(const struct bfd_session *session)
{
	return session->state != BFD_UP &&
			       session->config.interval_us < BFD_SLOW_US
		       ? BFD_SLOW_US
		       : session->config.interval_us;
}

/* 6.8.7: must packets go out without being asked for? */
static bool is_periodic(const struct bfd_session *session)
{
	if (session->remote_min_rx_us == 0) {
		return false;
	}
	return !(session->remote_demand && session->state == BFD_UP &&
		 session->remote_state == BFD_UP && !session->is_polling);
}

/* 6.8.7: the slower of both, less 0 to 25 %; at multiplier 1 10 to 25 %. */
static uint64_t interval_ns(const struct bfd_session *session, uint32_t random)
{
	uint32_t us = desired_min_tx_us(session);
	uint64_t least = session->config.multiplier == 1 ? 10 : 0;
	uint64_t jitter;

	if (session->remote_min_rx_us > us) {
		us = session->remote_min_rx_us;
	}
	jitter = (uint64_t)us * MICROSECOND / 100;
	jitter =
		jitter * least + jitter * (25 - least) / 1024 * (random % 1024);
	return us * MICROSECOND - jitter;
}

uint64_t bfd_session_detection_ns(const struct bfd_session *session)
{
	uint32_t us = session->config.interval_us;

	if (session->remote_multiplier == 0) {
		return 0;
	}
	if (session->remote_min_tx_us > us) {
		us = session->remote_min_tx_us;
	}
	return session->remote_multiplier * (us * MICROSECOND);
}

/* --- the session ---------------------------------------------------------- */

void bfd_session_init(struct bfd_session *session,
		      const struct bfd_config *config, uint64_t now)
{
	assert(config->discriminator != 0);
	assert(config->interval_us != 0);
	assert(config->multiplier != 0);
	memset(session, 0, sizeof(*session));
	session->config = *config;
	session->state = BFD_DOWN;
	session->remote_state = BFD_DOWN;
	session->remote_min_rx_us = 1;
	session->send_at = now;
	session->since = now;
}

static bool become(struct bfd_session *session, enum bfd_state state,
		   enum bfd_diagnostic diagnostic, uint64_t now)
{
	if (session->state == state) {
		return false;
	}
	session->state = (uint8_t)state;
	session->since = now;
	session->send_at = now;
	session->is_polling = state == BFD_UP;
	session->up_count += state == BFD_UP;
	if (state == BFD_DOWN) {
		session->diagnostic = (uint8_t)diagnostic;
	} else if (state == BFD_UP) {
		session->diagnostic = BFD_DIAG_NONE;
	}
	return true;
}

bool bfd_session_owns(const struct bfd_session *session,
		      const struct bfd_packet *packet)
{
	return packet->your_discriminator == 0 ||
	       packet->your_discriminator == session->config.discriminator;
}

/* 6.8.6, the end: what the peer's state makes of ours. */
static bool follow(struct bfd_session *session, uint64_t now)
{
	if (session->remote_state == BFD_ADMIN_DOWN) {
		return become(session, BFD_DOWN, BFD_DIAG_NEIGHBOR_DOWN, now);
	}
	if (session->is_held) {
		return false;
	}
	switch (session->state) {
	case BFD_DOWN:
		if (session->remote_state == BFD_DOWN) {
			return become(session, BFD_INIT, BFD_DIAG_NONE, now);
		}
		return session->remote_state == BFD_INIT &&
		       become(session, BFD_UP, BFD_DIAG_NONE, now);
	case BFD_INIT:
		return session->remote_state != BFD_DOWN &&
		       become(session, BFD_UP, BFD_DIAG_NONE, now);
	default:
		return session->remote_state == BFD_DOWN &&
		       become(session, BFD_DOWN, BFD_DIAG_NEIGHBOR_DOWN, now);
	}
}

bool bfd_session_receive(struct bfd_session *session,
			 const struct bfd_packet *packet, uint64_t now)
{
	bool changed;

	session->received++;
	session->remote_discriminator = packet->my_discriminator;
	session->remote_state = packet->state;
	session->remote_diagnostic = packet->diagnostic;
	session->remote_demand = packet->is_demand;
	session->remote_min_rx_us = packet->required_min_rx_us;
	session->remote_min_tx_us = packet->desired_min_tx_us;
	session->remote_multiplier = packet->multiplier;
	if (packet->is_final) {
		session->is_polling = false;
	}
	if (packet->is_poll) {
		session->must_finish = true;
	}
	changed = follow(session, now);
	session->detect_at = now + bfd_session_detection_ns(session);
	/* The peer may want packets sooner than it did. */
	if (session->sent_at != 0 && is_periodic(session) &&
	    session->send_at > session->sent_at + interval_ns(session, 0)) {
		session->send_at = session->sent_at + interval_ns(session, 0);
	}
	return changed;
}

bool bfd_session_expire(struct bfd_session *session, uint64_t now)
{
	if (session->detect_at == 0 || now < session->detect_at) {
		return false;
	}
	session->detect_at = 0;
	/* 6.8.1: the peer may come back as somebody else. */
	session->remote_discriminator = 0;
	session->remote_state = BFD_DOWN;
	session->remote_demand = false;
	session->remote_min_rx_us = 1;
	return become(session, BFD_DOWN, BFD_DIAG_EXPIRED, now);
}

bool bfd_session_hold(struct bfd_session *session, bool is_held, uint64_t now)
{
	session->is_held = is_held;
	return is_held && become(session, BFD_DOWN, BFD_DIAG_PATH_DOWN, now);
}

static void fill(const struct bfd_session *session, struct bfd_packet *out)
{
	*out = (struct bfd_packet){
		.state = session->state,
		.diagnostic = session->diagnostic,
		.multiplier = session->config.multiplier,
		.my_discriminator = session->config.discriminator,
		.your_discriminator = session->remote_discriminator,
		.desired_min_tx_us = desired_min_tx_us(session),
		.required_min_rx_us = session->config.interval_us,
	};
}

bool bfd_session_send(struct bfd_session *session, uint64_t now,
		      uint32_t random, struct bfd_packet *out)
{
	/* 6.8.7: an answer goes at once, and has no Poll of its own. */
	if (session->must_finish) {
		session->must_finish = false;
		session->sent++;
		fill(session, out);
		out->is_final = true;
		return true;
	}
	if (now < session->send_at || !is_periodic(session)) {
		return false;
	}
	session->sent++;
	session->sent_at = now;
	session->send_at = now + interval_ns(session, random);
	fill(session, out);
	out->is_poll = session->is_polling;
	return true;
}

uint64_t bfd_session_deadline(const struct bfd_session *session)
{
	uint64_t deadline = UINT64_MAX;

	if (session->must_finish) {
		return 0;
	}
	if (is_periodic(session)) {
		deadline = session->send_at;
	}
	if (session->detect_at != 0 && session->detect_at < deadline) {
		deadline = session->detect_at;
	}
	return deadline;
}

/* --- words ---------------------------------------------------------------- */

const char *bfd_state_text(unsigned state)
{
	static const char *const texts[] = {"AdminDown", "Down", "Init", "Up"};

	return state <= BFD_UP ? texts[state] : "?";
}

const char *bfd_diagnostic_text(unsigned diagnostic)
{
	static const char *const texts[] = {
		"no diagnostic",
		"control detection time expired",
		"echo function failed",
		"neighbor signaled session down",
		"forwarding plane reset",
		"path down",
		"concatenated path down",
		"administratively down",
		"reverse concatenated path down",
	};

	return diagnostic < sizeof(texts) / sizeof(texts[0])
		       ? texts[diagnostic]
		       : "reserved diagnostic";
}
