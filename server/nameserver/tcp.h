/*
 * tcp.h - one worker's TCP: listeners and connections (RFC 7766).
 *
 * Everything but tcp_watch() and the limits is for the worker's thread, or for
 * the main thread while that does not run. Lifetime: the worker's.
 */
#pragma once

#include "lib/answer/answer_query.h"
#include "lib/base/status.h"
#include "server/nameserver/counters.h"

#include <uv.h>

struct tcp;

/*
 * How many connections there are: of the whole server, and of each /24 (IPv4)
 * or /56 (IPv6). Shared by all workers; touched when a connection comes and
 * goes, never for a query. Lifetime: process.
 */
struct tcp_limits;

/* NULL when there is no memory. */
struct tcp_limits *tcp_limits_new(unsigned clients, unsigned per_prefix);
void tcp_limits_free(struct tcp_limits *limits);

struct tcp_settings {
	uv_loop_t *loop;
	struct answer_context *answer;
	struct counters_worker *counters;
	struct tcp_limits *limits;
	unsigned idle_ms;
	const int *sockets; /* listening; stay open as long as the struct tcp */
	size_t count;
};

/* NULL with a line logged. The handles are on the loop afterwards. */
struct tcp *tcp_new(const struct tcp_settings *settings);

/* The loop came round: note it, close what was idle for too long. */
void tcp_heartbeat(struct tcp *tcp);

/* Close listeners and connections. */
void tcp_close(struct tcp *tcp);

/* After the loop has run the handles' ends. NULL is fine. */
void tcp_free(struct tcp *tcp);

/* Main thread: note how many connections wait to be accepted. */
void tcp_watch(struct tcp *tcp);
