/*
 * bfd.h - the thread that keeps BFD sessions to the peers (RFC 5881, RFC 5883).
 *
 * A peer's router takes this host for alive while BFD is Up. So Up must mean
 * more than 'the host runs': it is sent only while the deciding part and the
 * speaking part have each ticked within BFD_STALE_MS (and, where a peer is
 * configured so, while the nameserver's heartbeat comes). Otherwise the thread
 * signals Down, never AdminDown (RFC 5882 3.2: that asks the peer to keep the
 * routes), and stays so until all tick again and a route may be announced.
 *
 * Nothing can delay the thread: it takes no lock, allocates nothing, writes no
 * log. Others speak to it, and it to them, through atomics and one eventfd.
 */
#pragma once

#include "lib/base/address.h"
#include "lib/base/status.h"
#include "lib/bgp/bfd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bfd;
struct events;

enum {
	BFD_STALE_MS = 300,
	BFD_PEERS_MAX = 64,
};

/* One of peers[], whose index names it from then on. */
struct bfd_peer {
	struct address address;
	struct address source; /* family 0: the system's choice */
	uint32_t interval_us;  /* 0: no BFD with this peer */
	uint8_t multiplier;    /* 1..255 */
	bool is_multihop;      /* RFC 5883: UDP 4784, any TTL */
	bool has_nameserver;   /* Down too when the nameserver is silent */
};

/* Whose sign of life it is. */
enum bfd_part {
	BFD_DECIDER,
	BFD_SPEAKER,
	BFD_NAMESERVER,
	BFD_PARTS,
};

/* Why a session is held down. */
enum bfd_hold {
	BFD_HOLD_NONE,
	BFD_HOLD_DECIDER,
	BFD_HOLD_SPEAKER,
	BFD_HOLD_NAMESERVER,
	BFD_HOLD_UNCONFIRMED, /* bfd_drop() */
	BFD_HOLD_STOPPED,
	BFD_HOLDS,
};

/* NULL: no memory. peers are copied. Nothing is opened yet. */
struct bfd *bfd_new(const struct bfd_peer *peers, size_t count);

/*
 * Open the sockets, start the thread. A fault is logged and returned. Both parts
 * count as having ticked just now. Once.
 */
must_check enum status bfd_start(struct bfd *bfd);

/* Signal Down to all peers, end the thread. Safe where it was not started. */
void bfd_stop(struct bfd *bfd);
void bfd_free(struct bfd *bfd);

/* A sign of life. Any thread, never waits. */
void bfd_tick(struct bfd *bfd, enum bfd_part part);

/*
 * May a route be announced now? Of the decider, at each of its ticks. A session
 * that is held down is let go only after such a 'yes'.
 */
void bfd_permit(struct bfd *bfd, bool is_permitted);

/*
 * The speaker could not confirm that this peer dropped the routes: signal Down,
 * until a route may be announced again (RFC 4271's session is reset as well).
 */
void bfd_drop(struct bfd *bfd, size_t peer);

/*
 * How often the session has fallen from Up by what the peer sent or did not
 * send. A number that grew means: the path or the peer is dead. Any thread.
 */
uint32_t bfd_falls(const struct bfd *bfd, size_t peer);

/* Written to (eventfd) after each change of a session. The speaker's. */
void bfd_set_event(struct bfd *bfd, int event_fd);

/* Changes are noted there from the next one on. Before bfd_start(). */
void bfd_set_events(struct bfd *bfd, struct events *events);

struct bfd_peer_status {
	bool is_configured;
	uint8_t state;      /* enum bfd_state */
	uint8_t diagnostic; /* ours */
	uint8_t remote_state;
	uint8_t hold;          /* enum bfd_hold */
	uint32_t falls;        /* as bfd_falls() */
	uint32_t detection_ms; /* 0: not known */
	uint64_t received;
	uint64_t sent;
	uint64_t rejected; /* wrong TTL, no BFD packet, not this session's */
};

/* A copy; its fields may be of slightly different moments. Any thread. */
void bfd_status(const struct bfd *bfd, size_t peer,
		struct bfd_peer_status *out);

/* 'the deciding part is silent'. Static. */
const char *bfd_hold_text(unsigned hold);
