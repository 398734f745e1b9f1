/*
 * health.h - is the service behind one prefix fit to be announced?
 *
 * Pure: state and event in, state out, time an argument. One machine a prefix,
 * fed with the results of the probes inside that prefix and with the worker
 * reports of the nameserver. Two questions are kept apart (RFC 7094 4.4):
 *
 *   failure   the service does not answer and is not busy either, or answers
 *             wrongly, or a part of it stands still: not up, withdrawn
 *   overload  probes are lost, but every worker makes progress and there is
 *             more work than is done: stays up, since withdrawing would only
 *             move the flood to the next site
 *
 *   STARTING --rise good rounds--> HEALTHY <--rise good rounds-- OVERLOAD
 *                                   |   \---probes lost, busy---> |
 *                                   +--------- failure -----------+
 *                                                 v
 *                 HEALTHY <--rise good rounds and hold-down over-- FAILED
 *
 * The hold-down doubles with each failure, up to a limit, and halves again after
 * the prefix has stayed up ten times as long. Start-up needs no hold-down.
 */
#pragma once

#include "server/route/config_route.h"
#include "server/route/probe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HEALTH_SILENCE_MS = 500, /* without a report: the nameserver hangs */
	HEALTH_STALL_MS = 500,   /* a worker's transport that stands still */
	HEALTH_WINDOW_MS = 1000, /* in which signs of overload count */
	HEALTH_SAMPLES = 16,     /* reports kept for that window */
	HEALTH_BUSY_BATCH = 8, /* queries a batch: more come than one by one */
	HEALTH_DECAY = 10,     /* times the hold-down, up: it halves */
};

enum health_state {
	HEALTH_STARTING,
	HEALTH_HEALTHY,
	HEALTH_OVERLOAD,
	HEALTH_FAILED,
};

/* X(name, text): why a prefix is not healthy. */
#define HEALTH_REASON_LIST(X)                                    \
	X(NONE, "healthy")                                       \
	X(NO_NAMESERVER, "the nameserver is not there")          \
	X(NO_REPORT, "no report from the nameserver")            \
	X(NO_WORKERS, "the nameserver has no workers")           \
	X(STALLED, "a worker stands still")                      \
	X(ZONE, "a required zone is not served")                 \
	X(NO_ZONES, "the nameserver serves no zone")             \
	X(STALE, "a required zone is stale")                     \
	X(COMMAND, "a command does not say 'good'")              \
	X(WRONG, "a probe was answered wrongly")                 \
	X(SILENT, "a probe was not answered")                    \
	X(NO_PROBES, "no probes were made")                      \
	X(OVERLOAD, "probes are lost, but the workers are busy") \
	X(ROUNDS, "waits for good rounds of probes")             \
	X(HOLD_DOWN, "is held down after a failure")

enum health_reason {
#define HEALTH_REASON_ENUM(name, text) HEALTH_REASON_##name,
	HEALTH_REASON_LIST(HEALTH_REASON_ENUM)
#undef HEALTH_REASON_ENUM
};

/* The group of commands: these count for the prefix as a whole. */
#define HEALTH_COMMANDS SIZE_MAX

enum health_transport {
	HEALTH_UDP, /* XDP included */
	HEALTH_TCP,
	HEALTH_TRANSPORTS,
};

/* What the nameserver calls a zone's state, as far as it matters here. */
enum health_zone {
	HEALTH_ZONE_MISSING,
	HEALTH_ZONE_LOADING,
	HEALTH_ZONE_FAILED,
	HEALTH_ZONE_EXPIRED,
	HEALTH_ZONE_SERVED, /* this and those behind it are fit */
	HEALTH_ZONE_STALE,
};

/* Running totals of all workers. */
struct health_totals {
	uint64_t batches;
	uint64_t queries;
	uint64_t drops;
	uint64_t waiting; /* now */
};

/* A worker report, summed up (see health_report_add()). */
struct health_report {
	bool is_stopping;
	unsigned workers;
	/* The worker and transport that has stood still longest. */
	unsigned oldest_worker;
	char oldest_transport[8];
	uint64_t oldest_pass_ms;
	struct health_totals totals[HEALTH_TRANSPORTS];
	/* One a zone of the configuration; the caller's, valid for the call. */
	const enum health_zone *zones;
	size_t zones_fit; /* of all that the nameserver has: served or stale */
};

/* Count one worker's transport into a report that began as all zero. */
void health_report_add(struct health_report *report, unsigned worker,
		       const char *transport, uint64_t last_pass_ms,
		       const struct health_totals *totals);

enum health_event_type {
	HEALTH_EVENT_CONNECTED, /* to the nameserver's control socket */
	HEALTH_EVENT_LOST,      /* end-of-file: the nameserver is gone */
	HEALTH_EVENT_REPORT,
	HEALTH_EVENT_PROBE,
	HEALTH_EVENT_TICK, /* time has passed; several times a second */
};

struct health_event {
	enum health_event_type type;
	const struct health_report *report; /* REPORT */
	size_t target;                      /* PROBE: index below */
	enum probe_verdict verdict;         /* PROBE */
};

/* One question asked again and again: address, zone and transport. */
struct health_target {
	enum health_transport transport;
	size_t group;   /* its address; those of a group stand together */
	bool is_shared; /* of a command: its failure may be all sites' */
	unsigned fall;  /* bad results in a row; 0: the configuration's */
	unsigned rise;  /* good results in a row; 0: the configuration's */
	unsigned good;  /* in a row */
	unsigned bad;   /* in a row, and of these: */
	unsigned wrong; /* those that were answered wrongly */
};

struct health_sample {
	uint64_t at;
	struct health_totals totals[HEALTH_TRANSPORTS];
};

/*
 * Lives as long as its prefix. Others read, only health_step() writes. Times in
 * ms of one clock.
 */
struct health {
	const struct config_health *config;
	enum health_state state;
	enum health_reason reason; /* NONE only when HEALTHY */
	size_t reason_index; /* SILENT, WRONG, OVERLOAD: target; ZONE: zone;
				STALLED: worker */
	uint64_t since;      /* in this state */

	struct health_target *targets; /* the caller's array */
	size_t target_count;
	/*
	 * How many groups of targets must be good (RFC 4786 4.8); 0: all. Set
	 * by the caller after health_init().
	 */
	size_t cover;
	uint64_t probed_at; /* the last result; 0: none */

	const size_t *zones; /* the caller's: required, indices of a report's */
	size_t zone_count;
	const enum health_zone *zone_states; /* of the last report */

	/*
	 * A fault that other sites may share: a required zone is stale, or a
	 * shared command fails. Longer than the grace time it is a strain, or,
	 * if so wished, a failure. The first two are set by the caller after
	 * health_init().
	 */
	uint64_t shared_grace_ms;
	bool shared_fails;
	uint64_t shared_since;            /* 0: there is none */
	enum health_reason shared_reason; /* STALE or COMMAND ... */
	size_t shared_index;              /* ... of this zone or target */

	bool is_connected;
	bool is_planned; /* the nameserver said that it is stopping */
	bool has_report;
	unsigned workers;
	size_t zones_fit;
	unsigned oldest_worker;
	uint64_t oldest_pass_ms;
	uint64_t reported_at; /* the last report, or the connection */
	struct health_sample samples[HEALTH_SAMPLES]; /* a ring */
	size_t sample_count;                          /* ever */

	uint64_t hold_down_ms; /* the last one; 0: no failure on record */
	uint64_t hold_until;   /* no recovery before */
	uint64_t decay_at;     /* while up: when hold_down_ms halves */
	uint64_t failures;
};

/* targets: transport set, counts 0. Everything is kept by reference. */
void health_init(struct health *health, const struct config_health *config,
		 struct health_target *targets, size_t target_count,
		 const size_t *zones, size_t zone_count, uint64_t now);

/* Take an event. True: state or reason changed. now never goes back. */
bool health_step(struct health *health, const struct health_event *event,
		 uint64_t now);

/*
 * Targets and zones were replaced (by a reload of the configuration), with their
 * counts carried over: what names them by number is found anew.
 */
void health_renew(struct health *health, uint64_t now);

/* Fit to be announced? Overload is absorbed. */
static inline bool health_is_up(const struct health *health)
{
	return health->state == HEALTH_HEALTHY ||
	       health->state == HEALTH_OVERLOAD;
}

/* Has a fault that may be shared lasted longer than its grace time? */
bool health_is_shared(const struct health *health, uint64_t now);

/*
 * Good rounds in a row: in each, every target of as many groups as 'cover' asks
 * for answered well.
 */
unsigned health_good_rounds(const struct health *health);

/*
 * In how many ms the prefix may be announced at the earliest, if all goes well
 * from now on; 0: it is.
 */
uint64_t health_wait_ms(const struct health *health, uint64_t now);

const char *health_state_text(enum health_state state);
const char *health_reason_text(enum health_reason reason);
