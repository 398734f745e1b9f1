/*
 * xdp.h - one worker's AF_XDP: take a batch, answer, send the batch.
 *
 * Everything but xdp_watch() is for the worker's thread, or for the main thread
 * while that does not run. Lifetime: the worker's.
 */
#pragma once

#include "lib/answer/answer_query.h"
#include "lib/base/status.h"
#include "server/nameserver/counters.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct xdp;
struct xdp_ring;

struct xdp_settings {
	uv_loop_t *loop;
	struct answer_context *answer;
	struct counters_worker *counters;
	struct xdp_ring *const *rings; /* open as long as the struct xdp */
	size_t count;
	bool takes_partial_checksum; /* answer, not drop, such queries */
};

/* NULL with a line logged. The handles are on the loop afterwards. */
struct xdp *xdp_new(const struct xdp_settings *settings);

/* The loop came round: note it, unless a ring stands still. */
void xdp_heartbeat(struct xdp *xdp);

/* Answer what waits, within the bound of one wake-up. */
void xdp_drain(struct xdp *xdp);

/* Close the handles. */
void xdp_close(struct xdp *xdp);

/* After the loop has run the handles' ends. NULL is fine. */
void xdp_free(struct xdp *xdp);

/* Main thread: note how full the rings are. */
void xdp_watch(struct xdp *xdp);
