/*
 * policy.h - from health and drains to the table of routes that is desired.
 *
 * Pure. Health says what may be announced, a drain says what must not be for
 * much longer: the prefix (or all prefixes of one peer) is announced with
 * GRACEFUL_SHUTDOWN (RFC 8326) for drain_ms, so that routers elsewhere move to
 * other sites while packets are still answered, and is withdrawn then.
 */
#pragma once

#include "server/route/config_route.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum drain_phase {
	DRAIN_NONE,    /* announced while healthy */
	DRAIN_RUNNING, /* announced with GRACEFUL_SHUTDOWN while healthy */
	DRAIN_DONE,    /* withdrawn */
};

/* Why something is drained; several may hold at once. A set. */
enum drain_cause {
	DRAIN_BY_OPERATOR = 1 << 0,   /* rootcastctl route drain */
	DRAIN_BY_NAMESERVER = 1 << 1, /* it said that it is stopping */
	DRAIN_BY_STOP = 1 << 2,       /* rootcast-routed is stopping */
	DRAIN_BY_FILE = 1 << 3,       /* a maintenance file is there */
	DRAIN_BY_DISABLE = 1 << 4,    /* rootcastctl route disable */
};

/* Of one prefix, or of one peer. All zero at first. Times in ms. */
struct drain {
	enum drain_phase phase;
	unsigned causes;
	uint64_t until; /* RUNNING */
};

/*
 * Add a cause. The first one starts the clock; has_use says whether anybody
 * is there to hear of it: if not, the drain is done at once.
 */
void drain_begin(struct drain *drain, enum drain_cause cause, bool has_use,
		 uint64_t drain_ms, uint64_t now);

/* Time has passed, or its use has gone. True: the phase changed. */
bool drain_step(struct drain *drain, bool has_use, uint64_t now);

/* Take a cause back; without any the prefix is announced again. */
void drain_end(struct drain *drain, enum drain_cause cause);

/* A prefix that is up, but not quite well; the worse one stands. */
enum policy_strain {
	POLICY_STRAIN_NONE,
	POLICY_STRAIN_SHARED,   /* a fault that other sites may share */
	POLICY_STRAIN_OVERLOAD, /* probes are lost to a flood */
};

/* What the decision is made of. Arrays run beside those of the configuration. */
struct policy_input {
	const struct config_route *config;
	const bool *prefix_up;
	const struct drain *prefix_drains;
	const struct drain *peer_drains;
	const enum policy_strain *strains; /* by prefix */
};

/* How many routes a decision can have at most. */
size_t policy_routes_max(const struct config_route *config);

/*
 * The desired table; routes has room for policy_routes_max(). Returns how many
 * there are: one for each prefix and set of peers that are told the same of it.
 * A prefix without a single peer to hear of it is left out.
 */
size_t policy_decide(const struct policy_input *input, struct route *routes);

enum policy_state {
	POLICY_WITHDRAWN,
	POLICY_DRAINING,
	POLICY_ANNOUNCED,
};

/* How a prefix stands by itself, whatever single peers are drained. */
enum policy_state policy_state(bool is_up, const struct drain *drain);

/* "withdrawn", "draining", "announced" */
const char *policy_state_text(enum policy_state state);
