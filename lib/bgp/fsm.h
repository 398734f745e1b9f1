/*
 * fsm.h - the state machine of one BGP connection (RFC 4271 8), pure.
 *
 * State and event in, state and actions out. No socket, no clock, no memory:
 * time and randomness are arguments, timers are deadlines in the state. The
 * caller (server/route/speaker.c) carries the actions out in the order given.
 *
 *	struct bgp_event event = {.type = BGP_EVENT_START, .now = now};
 *	bgp_fsm_step(&fsm, &event, &actions);
 *	... sleep until bgp_fsm_deadline(&fsm), or bytes ...
 *	while (bgp_fsm_due(&fsm, now, &event)) bgp_fsm_step(...);
 *
 * One machine a TCP connection; a peer may have two for a moment (RFC
 *4271 6.8): bgp_collision_keeps_ours() says which lives, BGP_EVENT_COLLISION
 * ends the other.
 */
#pragma once

#include "lib/bgp/message.h"
#include "lib/bgp/update.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bgp_state {
	BGP_IDLE,
	BGP_CONNECT,
	BGP_ACTIVE, /* waits to be connected to: passive peers */
	BGP_OPEN_SENT,
	BGP_OPEN_CONFIRM,
	BGP_ESTABLISHED,
	BGP_STATE_COUNT,
};

/* X(name): what can happen. */
#define BGP_EVENT_LIST(X)                                                 \
	X(START)       /* the operator wants this session */              \
	X(STOP)        /* .notification: the Cease to send */             \
	X(TCP_UP)      /* connected, or accepted */                       \
	X(ACCEPTED)    /* so, by a machine that was never started */      \
	X(TCP_FAILED)  /* could not connect */                            \
	X(TCP_CLOSED)  /* FIN, RST, or a dead connection */               \
	X(BAD_MESSAGE) /* .notification: what the peer has earned */      \
	X(OPEN)        /* .open */                                        \
	X(KEEPALIVE)                                                      \
	X(UPDATE)         /* .count */                                    \
	X(NOTIFICATION)   /* .notification: what the peer sent */         \
	X(REFRESH)        /* .families */                                 \
	X(COLLISION)      /* the other connection lives */                \
	X(UNACKNOWLEDGED) /* a withdrawal was not acknowledged in time */ \
	X(BFD_DOWN)       /* BFD says that the peer is gone (RFC 5882) */ \
	X(SEND_BLOCKED)   /* octets wait that the peer does not take */   \
	X(SEND_CLEAR)     /* the peer has taken everything */             \
	X(RETRY_EXPIRED)                                                  \
	X(CONNECT_EXPIRED)                                                \
	X(HOLD_EXPIRED)                                                   \
	X(KEEPALIVE_EXPIRED)                                              \
	X(SEND_HOLD_EXPIRED)

enum bgp_event_type {
#define BGP_EVENT_ENUM(name) BGP_EVENT_##name,
	BGP_EVENT_LIST(BGP_EVENT_ENUM)
#undef BGP_EVENT_ENUM
	BGP_EVENT_COUNT,
};

struct bgp_event {
	enum bgp_event_type type;
	uint64_t now;    /* monotonic ns */
	uint32_t random; /* fresh with each event: jitter */
	unsigned families;
	struct bgp_open open;
	struct bgp_notification notification;
	struct bgp_update_count count;
};

enum bgp_action {
	BGP_ACTION_CONNECT,   /* begin a TCP connection */
	BGP_ACTION_SEND_OPEN, /* bgp_fsm_open() */
	BGP_ACTION_SEND_KEEPALIVE,
	BGP_ACTION_SEND_NOTIFICATION, /* fsm->cause.notification */
	BGP_ACTION_UP,                /* Established: routes may be sent */
	BGP_ACTION_REFRESH,           /* actions->families again */
	BGP_ACTION_DOWN,  /* was Established: forget what was told */
	BGP_ACTION_CLOSE, /* what is written may still go out */
	BGP_ACTION_RESET, /* RST at once */
};

enum {
	BGP_ACTIONS_MAX = 8,
};

struct bgp_actions {
	unsigned count;
	unsigned families; /* of BGP_ACTION_REFRESH */
	enum bgp_action list[BGP_ACTIONS_MAX];
};

/* Constant for the life of the machine. Times in ns. */
struct bgp_fsm_config {
	uint32_t local_as;
	uint32_t peer_as;
	uint32_t router_id;
	uint16_t hold_s;     /* offered; 0 only where allow_no_hold */
	uint8_t families;    /* configured, set of enum bgp_families */
	uint8_t role;        /* ours; BGP_ROLE_NONE sends none */
	bool is_role_strict; /* a peer without a role is refused */
	bool is_passive;
	bool allow_no_hold; /* take a peer's hold time of 0 */
	uint64_t retry_min; /* 0 in any of these: the default */
	uint64_t retry_max;
	uint64_t connect_wait; /* for TCP to connect */
	uint64_t open_wait;    /* for OPEN and first KEEPALIVE */
	uint64_t stable;       /* Established so long: back-off starts anew */
};

/* Why the last connection, or try, ended. */
enum bgp_cause_kind {
	BGP_CAUSE_NONE,
	BGP_CAUSE_STOPPED,
	BGP_CAUSE_CONNECT_FAILED,
	BGP_CAUSE_CONNECT_TIMEOUT,
	BGP_CAUSE_CLOSED,       /* by the peer, without a word */
	BGP_CAUSE_CLOSED_EARLY, /* so, before its OPEN came */
	BGP_CAUSE_SENT,         /* we sent .notification */
	BGP_CAUSE_RECEIVED,     /* we got .notification */
	BGP_CAUSE_COLLISION,
	BGP_CAUSE_UNACKNOWLEDGED,
};

struct bgp_cause {
	enum bgp_cause_kind kind;
	struct bgp_notification notification;
};

/* In the caller's memory; read its fields, change none. */
struct bgp_fsm {
	struct bgp_fsm_config config;
	enum bgp_state state;
	bool is_wanted;    /* started, not stopped */
	uint64_t retry_at; /* deadlines; 0: not running */
	uint64_t connect_until;
	uint64_t hold_until;
	uint64_t keepalive_at;
	uint64_t send_hold_until;
	uint64_t established_at; /* 0: is not */
	uint64_t retry_delay;    /* the next back-off, before jitter */
	struct bgp_open peer;    /* their OPEN; valid from OpenConfirm */
	uint16_t hold_s;         /* negotiated; valid from OpenConfirm */
	uint8_t families;        /* negotiated; valid from OpenConfirm */
	struct bgp_cause cause;
	uint64_t updates_received;
	uint64_t updates_malformed;
	uint64_t routes_received;
};

void bgp_fsm_init(struct bgp_fsm *fsm, const struct bgp_fsm_config *config);

/*
 * Take one event. actions is filled anew. Never fails; any event in any state.
 */
void bgp_fsm_step(struct bgp_fsm *fsm, const struct bgp_event *event,
		  struct bgp_actions *actions);

/*
 * Is a timer due? Then event becomes its event (type and now; random is the
 * caller's to set). Call until false: each step moves or stops its timer.
 */
bool bgp_fsm_due(const struct bgp_fsm *fsm, uint64_t now,
		 struct bgp_event *event);

/* When to look again; UINT64_MAX where no timer runs. */
uint64_t bgp_fsm_deadline(const struct bgp_fsm *fsm);

/*
 * next, a machine of the same peer, takes the place of previous: counts and
 * back-off go on where they were.
 */
void bgp_fsm_succeed(struct bgp_fsm *next, const struct bgp_fsm *previous);

/* Our OPEN. */
void bgp_fsm_open(const struct bgp_fsm *fsm, struct bgp_open *out);

/*
 * Turn received bytes into an event: 0 when no whole message is there, else the
 * octets it took. A broken message is BGP_EVENT_BAD_MESSAGE and takes all. Sets
 * all of event but now and random.
 */
size_t bgp_event_read(struct bgp_event *event, const uint8_t *data,
		      size_t size);

/*
 * Two connections to one peer: is the one that we opened kept? (RFC 4271 6.8,
 * RFC 6286 2.3: the higher identifier, then the higher AS number, opened it.)
 */
bool bgp_collision_keeps_ours(uint32_t our_id, uint32_t our_as,
			      uint32_t their_id, uint32_t their_as);

/* 'Idle', 'OpenSent': the RFC's names. Static. */
const char *bgp_state_text(enum bgp_state state);
const char *bgp_event_text(enum bgp_event_type type);

/* One line, without the peer's name. Returns text. */
const char *bgp_cause_dump(const struct bgp_cause *cause,
			   char text[BGP_TEXT_MAX]);
