/*
 * decider.h - what is announced, and until when: the loop of rootcast-routed.
 *
 *	prober, control_link -> health_step -> policy_decide -> speaker_offer
 *
 * The decider renews the lease on what is announced several times a second. If
 * it hangs or dies the speaker withdraws by itself: whatever fails here fails
 * towards silence. Everything runs on the loop's thread.
 *
 * The structs are open for control_route.c, which shows them; only the
 * decider.*.c files write.
 */
#pragma once

#include "server/route/bfd.h"
#include "server/route/command.h"
#include "server/route/config_route.h"
#include "server/route/control_link.h"
#include "server/route/events.h"
#include "server/route/health.h"
#include "server/route/incident.h"
#include "server/route/keeper.h"
#include "server/route/maintenance.h"
#include "server/route/overrides.h"
#include "server/route/policy.h"
#include "server/route/prober.h"
#include "server/route/speaker.h"
#include "server/route/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum {
	DECIDER_TICK_MS = 50,
	DECIDER_RENEW_MS = 200,    /* the lease is renewed so often */
	DECIDER_LEASE_MS = 1000,   /* ... and lasts so long */
	DECIDER_CONFIRM_MS = 2000, /* the longest wait for peers' TCP */
	DECIDER_SETTLE_MS = 300,   /* until our last probe has been counted */
	DECIDER_RATE_MS = 1000,    /* over which the query rate is taken */
	DECIDER_HANG_MS = 700,     /* without a sign of life from the speaker */
	DECIDER_LAST_WORDS_MS = 50, /* for the log, before the end */
	DECIDER_REASON_MAX = 1024,
};

/* A prefix of the configuration, as it stands. */
struct decider_prefix {
	struct health health;
	/* Of the decider, beside health.targets; then of its commands. */
	size_t *targets;
	enum policy_state state;
	uint64_t state_since; /* ms */
	bool is_shown;        /* state was logged once */
	bool is_shared;       /* health.shared_since was logged ... */
	bool is_acted_on;     /* ... and that the grace time is over */
	size_t told_peers;    /* that were told of it, and may hold it */
	uint64_t told_since;  /* ms: any of them, or none */
};

/* A question of the prober, and what became of it last. */
struct decider_target {
	size_t probe;    /* of the configuration */
	size_t question; /* of the configuration */
	bool is_tcp;
	unsigned serial_misses; /* rounds in a row with another serial */
	bool has_result;
	struct prober_result result;
	size_t first_use; /* in decider.uses; up to the next target's */
};

/* A command, and what became of it last. */
struct decider_command {
	uint64_t runs;
	bool is_good;
	char reason[COMMAND_REASON_MAX];
};

/* A target counts for each prefix that holds its address. */
struct decider_use {
	size_t prefix;
	size_t index; /* in its health.targets */
};

/* How far a planned stop has come. */
enum decider_stop {
	DECIDER_RUNS,
	DECIDER_DRAINS,    /* announced with GRACEFUL_SHUTDOWN */
	DECIDER_WITHDRAWS, /* until the peers have taken the withdrawal */
	DECIDER_LINGERS,   /* until queries stay away */
	DECIDER_RELEASED,  /* who asked for the stop may go */
};

struct decider {
	const struct config_route *config;
	uv_loop_t *loop;
	struct speaker *speaker;           /* NULL: dry run */
	struct bfd *bfd;                   /* NULL: none */
	struct bfd_peer_status *bfd_shown; /* as logged last; a peer each */
	uint64_t speaker_tick;             /* as it was at our last tick, ns */
	unsigned speaker_stands;           /* ticks of ours without one of it */
	void (*finished)(void *context);
	bool (*reload)(void *context, char error[CONFIG_ERROR_MAX]);
	void *context;

	struct prober *prober;
	struct control_link *link;
	uv_timer_t tick;
	uv_poll_t speaker_events;

	struct decider_prefix *prefixes;
	struct decider_target *targets;
	size_t target_count;
	struct commands *commands;
	struct decider_command *command_states;
	bool *service_open;       /* by service: its turn has come */
	uint64_t service_open_at; /* ms: when the last one's turn came; 0 */
	struct decider_use *uses;
	size_t use_count;
	bool *prefix_up; /* for policy_input */
	enum policy_strain *strains;
	struct overrides *overrides;
	struct keeper *keeper; /* NULL: overrides are not kept */
	struct maintenance *maintenance;
	bool *prefix_use;        /* for steer_apply() */
	uint64_t disabled_peers; /* as the speaker was told */
	struct drain *prefix_drains;
	struct drain *peer_drains;
	struct route *routes;
	size_t route_count;
	struct events *events;         /* NULL: none are kept */
	struct incident *incidents;    /* by prefix */
	struct incident_recent recent; /* over all prefixes */
	/* Up to this one, events name prefixes and peers of an earlier file. */
	uint64_t events_before;
	uint64_t *peer_incidents; /* by peer: of the last command */
	uint64_t offer_incident;  /* that the next change follows from */
	uint64_t offered_at;      /* ms */
	uint64_t offer;           /* its number; 0: none yet */

	enum decider_stop stop;
	unsigned stop_causes; /* set of enum drain_cause */
	bool stop_has_routes; /* something was announced when it began */
	uint64_t stop_until;  /* ms: the end of the present step */
	bool is_finished;

	/* The nameserver, by its reports. */
	char identity[CONFIG_ROUTE_IDENTITY_MAX + 1];
	bool is_stopping;
	bool has_report;
	uint64_t reported_at; /* ms */
	uint64_t queries;     /* running total, probes included */
	uint64_t rate_from;   /* ms; 0: not measured now */
	uint64_t rate_queries;
};

struct decider_options {
	const struct config_route *config;
	const char *server_control; /* path */
	const char *state_file;     /* path; NULL: overrides are not kept */
	struct speaker *speaker;    /* NULL: dry run */
	struct bfd *bfd;            /* NULL: none */
	struct events *events;      /* NULL: none are kept */
	/* From the loop: a stop is complete, the program may end. Once. */
	void (*finished)(void *context);
	/* Read and check the file, then decider_reconfigure(). May be NULL. */
	bool (*reload)(void *context, char error[CONFIG_ERROR_MAX]);
	void *context;
};

/* Everything in options outlives the decider. NULL: no memory. */
struct decider *decider_new(uv_loop_t *loop,
			    const struct decider_options *options);
void decider_start(struct decider *decider);

/* A planned stop: drain, withdraw, linger, finished(). The second call: now. */
void decider_stop(struct decider *decider);

/* What an operator may ask for; the second of each takes the first back. */
enum decider_verb {
	DECIDER_DRAIN,
	DECIDER_UNDRAIN,
	DECIDER_DISABLE,
	DECIDER_ENABLE,
	DECIDER_VERBS,
};

/* "drain"; static. */
const char *decider_verb_text(enum decider_verb verb);

/*
 * Another configuration from now on (see config_reload.h: aligned with the one
 * in use). What both have in common keeps its health, its drains and its turn.
 * False: no memory, nothing changed. Afterwards the old one may be freed.
 */
must_check bool decider_reconfigure(struct decider *decider,
				    const struct config_route *config);

/* The speaker has been given the places of its peers: offer to them. */
void decider_reconfigured(struct decider *decider);

/*
 * Read the configuration file again: see decider_options.reload. False, and
 * one line in error: nothing changed.
 */
must_check bool decider_reload(struct decider *decider,
			       char error[CONFIG_ERROR_MAX]);

/*
 * Carry it out, and keep it. target: a service's name, a prefix, or a peer's
 * address; NULL: everything. reason may be NULL. STATUS_NOT_FOUND: there is
 * nothing of that name.
 */
must_check enum status decider_command(struct decider *decider,
				       enum decider_verb verb,
				       const char *target, const char *reason);

/* Likewise on overrides alone, as decider_command() does it. */
must_check enum status decider_override(struct overrides *overrides,
					const struct config_route *config,
					enum decider_verb verb,
					const struct target *target,
					const char *reason);

/* Which drains would be heard of now; returns the peers with a session. */
uint64_t decider_uses(const struct decider *decider, bool *prefix_use);

/* What the decision is made of now; its arrays are the decider's. */
struct policy_input decider_input(const struct decider *decider);

/* What the peers were told of each prefix; NULL: not known, or dry run. */
void decider_note_told(struct decider *decider,
		       const struct speaker_status *status);

/*
 * What is so of a prefix, as far as we can know: announced or draining only
 * where a peer was told. Beside it stands what is wished (prefix->state).
 */
enum policy_state decider_state(const struct decider *decider, size_t prefix);

/* What other sites may share (health.shared_reason). Returns text; "": nothing. */
const char *decider_shared_reason(const struct decider *decider, size_t prefix,
				  char text[DECIDER_REASON_MAX]);

/* Why a prefix is as it is, in one line. Returns text. */
const char *decider_reason(const struct decider *decider, size_t prefix,
			   char text[DECIDER_REASON_MAX]);

/* Why it stands where it stands: a drain comes before what health says. */
const char *decider_why(const struct decider *decider, size_t prefix,
			char text[DECIDER_REASON_MAX]);

/* "192.0.2.53, 'example. SOA' over UDP". Returns text. */
const char *decider_target_text(const struct decider *decider, size_t target,
				char text[DECIDER_REASON_MAX]);

/* No callback comes afterwards; memory goes once the loop has run. */
void decider_free(struct decider *decider);
