/*
 * steer.h - from what operators ask for to drains of prefixes and peers.
 *
 * Pure, on the caller's arrays: what-if asks the same question on copies.
 */
#pragma once

#include "server/route/maintenance.h"
#include "server/route/overrides.h"
#include "server/route/policy.h"

#include <stdbool.h>
#include <stdint.h>

struct steer {
	const struct config_route *config;
	const struct overrides *overrides;
	const struct maintenance *maintenance; /* NULL: none */
	const bool *prefix_use; /* by prefix: would a drain be heard of? */
	uint64_t established;   /* peers with a session, a set */
	uint64_t now;           /* ms */
};

/*
 * Begin and end the drains that follow; those by other causes are left alone.
 * True: something changed.
 */
bool steer_apply(const struct steer *steer, struct drain *prefix_drains,
		 struct drain *peer_drains);
