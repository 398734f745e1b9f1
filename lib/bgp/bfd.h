/*
 * bfd.h - Bidirectional Forwarding Detection (RFC 5880), one session, pure.
 *
 * Packets and time in, packets and deadlines out: no socket, no clock, no
 * memory. Asynchronous mode without echo and without authentication. The caller
 * (server/route/bfd.c) finds the session a packet belongs to, and has checked
 * its TTL (RFC 5881 5).
 *
 *	bfd_session_init(&session, &config, now);
 *	... sleep until bfd_session_deadline(&session), or a packet ...
 *	bfd_session_receive(&session, &packet, now);
 *	bfd_session_expire(&session, now);
 *	while (bfd_session_send(&session, now, random, &packet)) ...
 *
 * A session can be held down: it then says Down (never AdminDown, which tells
 * the peer to keep its routes, RFC 5882 3.2) whatever the peer says, until it is
 * let go. Times are ns of one monotonic clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BFD_PACKET_SIZE = 24, /* without authentication */
	BFD_PORT = 3784,      /* RFC 5881 4 */
	BFD_PORT_MULTIHOP = 4784,
	BFD_TTL = 255,
	/* RFC 5880 6.8.3: no faster than this while not Up. us. */
	BFD_SLOW_US = 1000000,
	BFD_MULTIPLIER_MAX = 255,
};

/* RFC 5880 4.1: Sta. */
enum bfd_state {
	BFD_ADMIN_DOWN,
	BFD_DOWN,
	BFD_INIT,
	BFD_UP,
};

/* RFC 5880 4.1: Diag; those that we send. */
enum bfd_diagnostic {
	BFD_DIAG_NONE = 0,
	BFD_DIAG_EXPIRED = 1, /* control detection time */
	BFD_DIAG_NEIGHBOR_DOWN = 3,
	BFD_DIAG_PATH_DOWN = 5, /* held: what is behind us does not answer */
};

struct bfd_packet {
	uint8_t state; /* enum bfd_state */
	uint8_t diagnostic;
	uint8_t multiplier;
	bool is_poll;
	bool is_final;
	bool is_demand;
	uint32_t my_discriminator;
	uint32_t your_discriminator;
	uint32_t desired_min_tx_us;
	uint32_t required_min_rx_us;
	uint32_t required_min_echo_rx_us;
};

/*
 * Read what came in one datagram, with the checks of RFC 5880 6.8.6 that need
 * no session. False: it is to be thrown away; *out is untouched then.
 */
bool bfd_packet_parse(const uint8_t *data, size_t size, struct bfd_packet *out);
void bfd_packet_write(const struct bfd_packet *packet,
		      uint8_t out[BFD_PACKET_SIZE]);

struct bfd_config {
	uint32_t discriminator; /* ours: unique on this system, not 0 */
	uint32_t interval_us;   /* between our packets, and wished of theirs */
	uint8_t multiplier;     /* 1..255 */
};

/* In the caller's memory; read its fields, change none. */
struct bfd_session {
	struct bfd_config config;
	uint8_t state; /* enum bfd_state; never BFD_ADMIN_DOWN */
	uint8_t diagnostic;
	bool is_held;
	bool is_polling;    /* a Poll Sequence is under way (6.5) */
	bool must_finish;   /* a Poll of the peer is to be answered */
	bool remote_demand; /* the peer wants no periodic packets (6.6) */
	uint8_t remote_state;
	uint8_t remote_diagnostic;
	uint8_t remote_multiplier;
	uint32_t remote_discriminator; /* 0: not known */
	uint32_t remote_min_tx_us;
	uint32_t remote_min_rx_us; /* 1 at first (6.8.1) */
	uint64_t send_at;
	uint64_t sent_at;
	uint64_t detect_at; /* 0: no packet yet, or already expired */
	uint64_t since;     /* in this state */
	uint64_t up_count;
	uint64_t received;
	uint64_t sent;
};

void bfd_session_init(struct bfd_session *session,
		      const struct bfd_config *config, uint64_t now);

/*
 * Does a parsed packet that came from the peer's address belong here? Its
 * discriminators agree with what is known (6.8.6).
 */
bool bfd_session_owns(const struct bfd_session *session,
		      const struct bfd_packet *packet);

/* Take one packet of this session. True: our state changed. */
bool bfd_session_receive(struct bfd_session *session,
			 const struct bfd_packet *packet, uint64_t now);

/* Judge the detection time (6.8.4). True: our state changed. */
bool bfd_session_expire(struct bfd_session *session, uint64_t now);

/* Hold down, or let go. True: our state changed. */
bool bfd_session_hold(struct bfd_session *session, bool is_held, uint64_t now);

/*
 * Is a packet due? Then it is written and counted as sent. random: jitter
 * (6.8.7). Call until false.
 */
bool bfd_session_send(struct bfd_session *session, uint64_t now,
		      uint32_t random, struct bfd_packet *out);

/* When to look again; UINT64_MAX: only when a packet comes. */
uint64_t bfd_session_deadline(const struct bfd_session *session);

/* In how much silence the peer is taken for dead: ns; 0: not known yet. */
uint64_t bfd_session_detection_ns(const struct bfd_session *session);

/* 'Up'; 'control detection time expired'. Static. */
const char *bfd_state_text(unsigned state);
const char *bfd_diagnostic_text(unsigned diagnostic);
