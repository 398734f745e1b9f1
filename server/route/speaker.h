/*
 * speaker.h - the thread that speaks BGP to the peers.
 *
 * It is given the whole table that is desired (speaker_offer) on a lease, and
 * brings every peer to it: withdrawals first and at once, announcements after.
 * When the lease runs out it withdraws everything by itself: a decider that
 * hangs or dies must not leave a route behind.
 *
 * Peers are known by their index in speaker_config.peers. A route names the
 * peers that are to have it by a set of these indices; the same prefix may
 * stand in the table several times with other attributes for other peers.
 *
 * The speaker connects; it listens where 'listen' says so, and for peers that are
 * 'passive'.
 */
#pragma once

#include "lib/base/address.h"
#include "lib/base/status.h"
#include "lib/bgp/fsm.h"
#include "lib/bgp/message.h"
#include "lib/bgp/update.h"
#include "server/route/bfd.h"
#include "server/route/events.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct speaker;

enum {
	SPEAKER_PEERS_MAX = 64,
	SPEAKER_ROUTES_MAX = 1024,
	SPEAKER_LISTEN_MAX = 8,
	SPEAKER_PASSWORD_MAX = 80, /* TCP_MD5SIG_MAXKEYLEN */
	SPEAKER_TEXT_MAX = 640,
	SPEAKER_ERROR_MAX = 256,
	SPEAKER_TICK_MS = 100,
};

#define SPEAKER_ALL_PEERS UINT64_MAX

/*
 * One of peers[]. 0 (false, an address of family 0) stands for what the
 * configuration left out, except role: BGP_ROLE_NONE, hold_s: SPEAKER_HOLD_S.
 */
struct speaker_peer {
	struct address address; /* with its port: 0 is 179 */
	struct address source;  /* bound before connecting; port unused */
	uint32_t as;
	uint32_t local_as;  /* 0: the speaker's */
	uint32_t router_id; /* host order; 0: the speaker's */
	uint16_t hold_s;    /* 0 or 3..65535 */
	uint8_t multihop;   /* TTL; 0 and 1: a direct neighbour */
	bool ttl_security;  /* GTSM, RFC 5082 */
	bool passive;       /* listen on source (or any) at address.port */
	bool is_role_strict;
	uint8_t role;     /* ours: enum bgp_role */
	uint8_t families; /* enum bgp_families; 0: the address's own */
	struct address next_hop_ipv4; /* family 0: the session's address */
	struct address next_hop_ipv6;
	char password[SPEAKER_PASSWORD_MAX + 1]; /* TCP-MD5; "": none */
	uint32_t bfd_interval_us;                /* 0: no BFD */
	uint8_t bfd_multiplier;
	bool has_bfd_nameserver; /* BFD falls with the nameserver, too */
};

enum {
	SPEAKER_HOLD_S = 9,
};

struct speaker_config {
	uint32_t router_id; /* host order; not 0 where there are peers */
	uint32_t local_as;
	const struct speaker_peer *peers; /* copied */
	size_t peer_count;
	bool is_sparse;        /* peers[] has empty places, with AS 0 */
	struct bfd *bfd;       /* of the same peers; NULL: none. Outlives us */
	struct events *events; /* NULL: none are noted. Outlives us */
	const struct address *listen; /* with ports; copied */
	size_t listen_count;
	/* Tests shorten these; 0: the default. ns. */
	uint64_t retry_min;
	uint64_t retry_max;
	uint64_t acknowledge_wait; /* for a withdrawal: 1 s */
};

/* A route that is desired. */
struct route {
	struct prefix prefix;
	uint64_t peers; /* bit n: peer n is to have it; SPEAKER_ALL_PEERS */
	struct bgp_attributes attributes;
};

/*
 * Check and copy the configuration; nothing is opened yet. NULL on a fault of
 * it (or no memory), with one line in error: 'peer 198.51.100.254: what'.
 */
struct speaker *speaker_new(const struct speaker_config *config, char *error,
			    size_t error_size);

/* Open listeners, start the thread. A fault is logged and returned. Once. */
must_check enum status speaker_start(struct speaker *speaker);

/*
 * Planned end: withdraw everything, wait until each peer's TCP has acknowledged
 * it (at most acknowledge_wait), close with Cease 6/2 and text (RFC 9003, may
 * be NULL), join the thread. Without an established peer it takes no time.
 */
void speaker_stop(struct speaker *speaker, const char *text);

/*
 * End now, without a word where it was not stopped before: sockets just close.
 */
void speaker_free(struct speaker *speaker);

/*
 * The whole table desired from now on, for all peers; copied. It holds until
 * lease_until_ns (clock_monotonic_ns()), then counts as empty until the next
 * offer. An offer that changes nothing costs nothing on the wire. The number of
 * this offer is returned, 1 and up: see speaker_confirmed(). 0: more than
 * SPEAKER_ROUTES_MAX routes, or no memory; the lease was not renewed.
 * Any thread; never waits for the network.
 */
must_check uint64_t speaker_offer(struct speaker *speaker,
				  const struct route *routes, size_t count,
				  uint64_t lease_until_ns);

/*
 * Close a peer's session until speaker_enable(): its routes are withdrawn, and
 * once that is acknowledged (or acknowledge_wait is over) it gets Cease 6/2 with
 * the text (RFC 9003). False: not asked for, the speaker does not answer. Any
 * thread.
 */
must_check bool speaker_disable(struct speaker *speaker, size_t peer,
				const char *text);
must_check bool speaker_enable(struct speaker *speaker, size_t peer);

/*
 * What offers from now on follow from, for the events of their UPDATEs. Of the
 * thread that offers.
 */
void speaker_incident(struct speaker *speaker, uint64_t incident);

/*
 * The youngest offer that every peer has got: it was written, and each peer's
 * TCP has acknowledged every octet. Peers without a session hold nothing and do
 * not count, unless their session was torn down with withdrawals unacknowledged
 * (see 'unconfirmed' below) and may still hold routes. Any thread.
 */
uint64_t speaker_confirmed(const struct speaker *speaker);

/*
 * Readable (eventfd) after any edge: a peer's state, an offer confirmed, the
 * lease run out. The reader reads it empty. Owned by the speaker; valid until
 * free.
 */
int speaker_event_fd(const struct speaker *speaker);

/*
 * When the thread was last awake (monotonic ns); it wakes at least every
 * SPEAKER_TICK_MS. A deciding part that finds this older than a second should
 * end the process: its sockets close, and the routers drop the routes. Any
 * thread, no lock.
 */
uint64_t speaker_tick_ns(const struct speaker *speaker);

struct speaker_peer_status {
	struct address address;
	uint32_t as;
	enum bgp_state state;
	const char *state_text;
	uint8_t families;  /* negotiated; 0 unless established */
	uint16_t hold_s;   /* negotiated; 0 unless established */
	uint64_t since_ns; /* monotonic: in this state */
	size_t announced;  /* routes the peer was told and may hold */
	const struct prefix *prefixes; /* so many; belongs to the snapshot */
	bool is_settled;               /* all that is desired was written */
	bool is_acknowledged;          /* and acknowledged by the peer's TCP */
	bool is_disabled;              /* speaker_disable() */
	bool is_unconfirmed; /* reset; may hold routes until its hold time */
	uint64_t unconfirmed_until_ns; /* monotonic: then it is over; 0 */
	uint64_t updates_received;
	uint64_t routes_received;   /* counted, never stored */
	uint64_t established_count; /* sessions so far */
	uint64_t collision_count;   /* connections closed with 6/7 (RFC 4271) */
	char last_error[SPEAKER_TEXT_MAX]; /* "": none since start */
};

struct speaker_status {
	uint64_t offer;     /* the youngest */
	uint64_t confirmed; /* see speaker_confirmed() */
	bool is_lease_over; /* nothing is offered, or the lease has run out */
	size_t peer_count;
	struct speaker_peer_status *peers;
};

/*
 * Take other peers while running. A peer of the same place and settings is left
 * alone, with its session; one that has changed is closed (Cease 6/6) and begins
 * anew; a place with AS 0 is empty, and whoever stood there is closed (6/3).
 * Places behind peer_count are empty, too. 'bfd' and 'listen' are not looked at.
 * False, and one line in error: nothing changes. The next offer is meant for
 * the new places: what was offered before must hold for both.
 */
must_check bool speaker_reconfigure(struct speaker *speaker,
				    const struct speaker_config *config,
				    char *error, size_t error_size);

/* A snapshot; NULL when there is no memory. Any thread. */
struct speaker_status *speaker_status(const struct speaker *speaker);
void speaker_status_free(struct speaker_status *status);
