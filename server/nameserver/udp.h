/*
 * udp.h - one worker's UDP: receive a batch, answer, send the batch.
 *
 * Everything but udp_watch() is for the worker's thread, or for the main thread
 * while that does not run. Lifetime: the worker's.
 */
#pragma once

#include "lib/answer/answer_query.h"
#include "lib/base/status.h"
#include "server/nameserver/counters.h"

#include <uv.h>

struct udp;

struct udp_settings {
	uv_loop_t *loop;
	struct answer_context *answer;
	struct counters_worker *counters;
	const int *sockets; /* bound; stay open as long as the struct udp */
	size_t count;
};

/* NULL with a line logged. The handles are on the loop afterwards. */
struct udp *udp_new(const struct udp_settings *settings);

/* The loop came round: note it. */
void udp_heartbeat(struct udp *udp);

/* Answer what waits, within the bound of one wake-up. */
void udp_drain(struct udp *udp);

/* Close the handles. */
void udp_close(struct udp *udp);

/* After the loop has run the handles' ends. NULL is fine. */
void udp_free(struct udp *udp);

/* Main thread: note how full the kernel's queues are. */
void udp_watch(struct udp *udp);
