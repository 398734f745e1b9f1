/*
 * decider_internal.h - between the decider's files: decider.c (events in, the
 * table out), decider_drain.c (drains and stops), decider_parts.c (what a
 * configuration makes of it), decider_reason.c (words). The loop's thread.
 */
#pragma once

#include "server/route/decider.h"

/* All services: of what concerns everything. */
extern const struct target decider_everything;

/* ms of the monotonic clock. */
uint64_t decider_now(void);

/* --- decider.c ------------------------------------------------------------ */

/* Decide, and offer what changed or whose lease needs renewal. */
void decider_apply(struct decider *decider, uint64_t now);

/* Give an event to every prefix. True: the state of one changed. */
bool decider_step_all(struct decider *decider, const struct health_event *event,
		      uint64_t now);

/* Callbacks of the prober and of commands. */
void decider_on_probe(void *context, size_t index,
		      const struct prober_result *result);
void decider_on_command(void *context, size_t index, bool is_good,
			const char *reason);

/* --- decider_drain.c ------------------------------------------------------ */

/* Take drains to their next phase. True: one has gone on. */
bool decider_step_drains(struct decider *decider, uint64_t now);

/* Begin and end drains as the operator and the maintenance files wish. */
void decider_steer(struct decider *decider, uint64_t now);

/* Callback of maintenance files. */
void decider_on_maintenance(void *context, const char *text);

/* What an operator wished before a restart. */
void decider_load_overrides(struct decider *decider, const char *path);

/* A planned stop for that cause begins, goes on, or is called off. */
void decider_stop_begin(struct decider *decider, enum drain_cause cause,
			uint64_t now);
void decider_stop_steps(struct decider *decider, uint64_t now);
void decider_stop_end(struct decider *decider, enum drain_cause cause);

/* --- decider_parts.c ------------------------------------------------------ */

/* All that depends on the configuration. False: no memory; then free_parts. */
must_check bool decider_make_parts(struct decider *decider);
void decider_free_parts(struct decider *decider);

/* --- decider_reason.c ----------------------------------------------------- */

/* Log what a prefix has become: its state, its health, a shared fault. */
void decider_log_state(struct decider *decider, size_t index);
void decider_log_health(struct decider *decider, size_t index);
void decider_log_shared(struct decider *decider, size_t index);
