/*
 * worker.h - one thread that answers: a loop, its UDP sockets, its AF_XDP rings,
 * its TCP listeners and connections.
 *
 * Workers share nothing that is written but the TCP limits. Each is on-line
 * (grace.h) only inside the callbacks that answer. Made, started, stopped and
 * freed by the main thread. Lifetime: process.
 */
#pragma once

#include "lib/answer/answer_query.h"
#include "lib/base/status.h"
#include "server/nameserver/counters.h"

#include <stdbool.h>
#include <stddef.h>

struct tcp_limits;
struct worker;
struct xdp_ring;

enum {
	WORKER_HEARTBEAT_MS = 100,
	WORKER_NAME_MAX = 16, /* "worker-0": the thread's name */
};

struct worker_settings {
	unsigned id;
	int cpu; /* to be pinned to, or -1 */
	const struct answer_identity *identity;
	const struct zone_set *zones;
	struct counters_worker *counters;
	struct tcp_limits *limits;
	unsigned tcp_idle_ms;
	/*
	 * Bound sockets, one of each kind an address; the worker closes them.
	 */
	const int *udp;
	const int *tcp;
	size_t sockets;
	/* AF_XDP rings that are this worker's to answer; the caller's, until
	 * the worker is freed. */
	struct xdp_ring *const *xdp;
	size_t xdp_count;
	bool xdp_partial_checksum; /* xdp.h */
};

/* NULL with a line logged. The descriptors belong to the worker from then on;
 * on failure they are still the caller's. */
struct worker *worker_new(const struct worker_settings *settings);

must_check enum status worker_start(struct worker *worker);

/* Ask the thread to end, after it has answered what came; does not wait. */
void worker_stop(struct worker *worker);

/* Stop, wait for the thread, close everything. */
void worker_free(struct worker *worker);

/* Main thread: note the kernel's queues of this worker in its counters. */
void worker_watch(struct worker *worker);
