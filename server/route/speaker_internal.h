/*
 * speaker_internal.h - what the files of the speaker share, and nobody else.
 *
 *	speaker.c             offers, lease, the pass, publishing, the thread
 *	speaker_peer.c        one peer: sessions, collisions, routes, log lines
 *	speaker_connection.c  one TCP connection: what is queued and written
 *	speaker_listen.c      connections that peers open
 *
 * Everything here belongs to the loop's thread, save what speaker.c keeps under
 * its lock.
 */
#pragma once

#include "lib/bgp/rib.h"
#include "server/route/speaker.h"

#include <stdatomic.h>
#include <uv.h>

#define SPEAKER_MS     UINT64_C(1000000)
#define SPEAKER_SECOND UINT64_C(1000000000)

enum {
	RECEIVE_MAX = 16384, /* octets a read; four messages at least */
	RECEIVE_BITES = 8,   /* reads a pass and connection */
	SEND_MAX = 3 * BGP_MESSAGE_MAX,
	/* Room beyond what is sent: bgp_cease() cuts between characters. */
	STOP_TEXT_MAX = 2 * BGP_SHUTDOWN_TEXT_MAX,
};

struct peer;

/* Lives as long as its socket. */
struct connection {
	uv_poll_t poll; /* first: handle and connection are one block */
	struct speaker *speaker;
	struct session *session; /* NULL: lingers */
	struct connection *next; /* of those that linger */
	int fd;
	int events; /* polled for */
	bool is_connecting;
	bool is_shut; /* our side */
	uint64_t linger_until;
	uint64_t queued;  /* octets ever put into out */
	uint64_t written; /* octets TCP has taken */
	size_t in_size;
	size_t out_at;
	size_t out_size;
	uint8_t in[RECEIVE_MAX];
	uint8_t out[SEND_MAX];
};

/* One state machine and its connection. */
struct session {
	struct peer *peer;
	struct bgp_fsm fsm;
	struct connection *connection; /* or NULL */
	int error;        /* errno of the last socket call that failed; 0 */
	const char *what; /* that could not be done; NULL */
};

struct peer {
	struct speaker *speaker;
	size_t index;
	struct speaker_peer config;
	char name[ADDRESS_TEXT_MAX];
	bool is_internal;
	struct bgp_fsm_config fsm_config;
	/*
	 * Only 'main' is ever Established. 'caller' is a second connection, one
	 * that the peer opened, until it is known which of both lives (RFC 4271
	 * 6.8); then it is closed, or becomes 'main'.
	 */
	struct session main;
	struct session caller;
	struct bgp_rib *rib;
	/* Marks in the stream: values of main.connection->queued. */
	uint64_t told_mark;     /* behind the last UPDATE */
	uint64_t written_noted; /* marks that events were noted for */
	uint64_t acknowledged_noted;
	uint64_t incident; /* that its UPDATEs follow from */
	uint64_t withdraw_mark;
	uint64_t withdraw_first_mark; /* that withdraw_until is for */
	uint64_t withdraw_until;      /* 0: no withdrawal is under way */
	uint64_t acknowledged;        /* octets */
	uint64_t ack_poll_at;
	uint64_t ack_poll_wait;
	uint64_t unconfirmed_until; /* 0: the peer holds nothing unseen */
	uint64_t since;
	uint64_t established_count;
	uint64_t collision_count;
	uint64_t malformed_logged;
	uint32_t bfd_falls; /* that have been seen */
	bool is_disabled;
	uint64_t disable_until; /* to be stopped by then; 0: it is */
	char cease_text[STOP_TEXT_MAX];
	char last_error[SPEAKER_TEXT_MAX];
	char last_logged[SPEAKER_TEXT_MAX];
	char logged_before[SPEAKER_TEXT_MAX];
};

struct listener {
	uv_poll_t poll;
	struct speaker *speaker;
	struct address address;
	bool is_common; /* for all peers of its family, not passive ones only */
	int fd;
	uint64_t paused_until; /* 0: listens */
};

/* What other threads see; under the lock. */
struct published {
	struct speaker_peer_status status;
	struct prefix *prefixes;
	size_t capacity;
};

/* What another thread wants of a peer. */
struct order {
	bool is_disabled;
	char text[STOP_TEXT_MAX];
};

struct table {
	struct route *routes;
	size_t count;
};

enum stage {
	STAGE_RUN,
	STAGE_WITHDRAW, /* everything; wait for the acknowledgements */
	STAGE_LINGER,   /* NOTIFICATIONs are on their way */
	STAGE_DONE,
};

struct speaker {
	size_t peer_count; /* places; grows under the lock */

	/* Constant after speaker_new(). */
	uint64_t retry_min;
	uint64_t retry_max;
	uint64_t acknowledge_wait;
	struct bfd *bfd;       /* NULL: none */
	struct events *events; /* NULL: none are noted */
	struct address listen[SPEAKER_LISTEN_MAX];
	size_t listen_count;
	int wake_fd;
	int event_fd;

	/* Under the lock. */
	pthread_mutex_t lock;
	struct table pending;
	bool has_pending;
	uint64_t pending_offer;
	uint64_t pending_lease;
	uint64_t pending_incident;
	uint64_t offer_count;
	struct speaker_peer *wanted; /* peers to be taken; NULL: as they are */
	size_t wanted_count;
	bool is_stop_asked;
	bool is_hard_stop_asked;
	char stop_text[STOP_TEXT_MAX];
	struct order *orders; /* by peer */
	bool has_orders;      /* new ones */
	struct published *published;
	uint64_t published_offer;
	bool published_lease_over;

	/*
	 * Any thread. The tick is a plain time; 'confirmed' is released by the
	 * loop's thread and acquired by readers, so that who sees an offer
	 * confirmed sees the status that came before it.
	 */
	_Atomic uint64_t tick;
	_Atomic uint64_t confirmed;

	/* The starter's and stopper's. */
	pthread_t thread;
	bool is_started;
	bool is_joined;

	/* The offering thread's. */
	uint64_t next_incident;

	/* The loop's thread. */
	uv_loop_t loop;
	uv_timer_t timer;
	uv_poll_t wake;
	struct peer *peers;
	struct listener *listeners;
	size_t listener_count;
	struct connection *lingering;
	struct table table;
	uint64_t offer;        /* that table came with, or a later equal one */
	uint64_t offer_change; /* the youngest that changed the table */
	uint64_t lease_until;
	uint64_t incident; /* that the table follows from */
	bool is_lease_over;
	bool is_lock_missed;
	bool has_edge; /* to be signalled once published */
	uint64_t random;
	enum stage stage;
	uint64_t stage_until;
	char cease_text[STOP_TEXT_MAX];
};

/* --- speaker.c ------------------------------------------------------------ */

uint32_t speaker_random(struct speaker *speaker);

/* Whatever has happened, all follows from it: called after every event. */
void speaker_pass(struct speaker *speaker);

/* --- speaker_connection.c ------------------------------------------------- */

/* Takes fd over; NULL (and fd closed) when there is no memory. */
struct connection *connection_new(struct session *session, int fd);
void connection_end(struct connection *c, bool is_reset);

/* Ask for the events that matter now. */
void connection_poll(struct connection *c);

/*
 * Append one message; false when the peer takes nothing and there is no room.
 */
bool connection_queue(struct connection *c, const uint8_t *data, size_t size);

/* Give TCP what it takes. False: the connection is dead (errno). */
bool connection_flush(struct connection *c);

/* Part from the session; what is queued may still reach the peer. */
void linger_begin(struct connection *c, uint64_t now);
void linger_step(struct connection *c, uint64_t now);

/* --- speaker_peer.c ------------------------------------------------------- */

/* Lay the table, or nothing, before one peer. */
void peer_want(struct peer *peer);

/*
 * Everything that is desired was written, and every octet of it acknowledged.
 */
bool peer_is_confirmed(const struct peer *peer);

void peer_start(struct peer *peer);

/* Close for good, with that Cease: the place is free then. */
void peer_retire(struct peer *peer, uint8_t subcode);
void peer_stop(struct peer *peer);

/* Its part of a pass. */
void peer_obey(struct peer *peer, uint64_t now);
void peer_watch_bfd(struct peer *peer);
void peer_reconcile(struct peer *peer, uint64_t now);
void peer_timers(struct peer *peer, uint64_t now);
void peer_acknowledge(struct peer *peer, uint64_t now);
uint64_t peer_deadline(const struct peer *peer);

/* A connection that the peer opened; takes fd over. */
void peer_adopt(struct peer *peer, int fd);

/* A socket is ready. */
void session_io(struct session *session);

/* --- speaker_listen.c ----------------------------------------------------- */

/* A fault is logged and returned. */
must_check enum status listeners_open(struct speaker *speaker);
void listener_resume(struct listener *listener, uint64_t now);
