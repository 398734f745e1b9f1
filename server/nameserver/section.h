/*
 * section.h - a worker's read section: grace.h, with the time it began noted
 * for whoever watches.
 *
 * Worker thread only. Everything that was found in the zones is gone after
 * section_pass() and section_leave().
 */
#pragma once

#include "lib/base/clock.h"
#include "lib/base/grace.h"
#include "server/nameserver/counters.h"

static inline void section_enter(struct counters_worker *worker)
{
	counter_set(&worker->online_since_ns, clock_monotonic_ns());
	grace_online();
}

/* A quiescent point between two batches. */
static inline void section_pass(struct counters_worker *worker)
{
	grace_quiescent();
	counter_set(&worker->online_since_ns, clock_monotonic_ns());
}

static inline void section_leave(struct counters_worker *worker)
{
	grace_offline();
	counter_set(&worker->online_since_ns, 0);
}
