/*
 * prober.h - the sockets of the probes.
 *
 * Every interval_ms, from start to start, each target is asked once: over UDP
 * from a fresh socket (a fresh port, so that over time every worker of the
 * nameserver is met), over TCP on a fresh connection, as a client would. A
 * target that has not answered after timeout_ms is silent.
 *
 * Lives on the loop's thread.
 */
#pragma once

#include "lib/base/address.h"
#include "server/route/probe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct prober;

struct prober_target {
	struct address address;
	const struct probe_question *question; /* outlives the prober */
	bool is_tcp;
};

struct prober_result {
	struct probe_reply reply; /* verdict, serial, NSID, reason */
	uint64_t duration_us;     /* from the question to the verdict */
};

/* Called from the loop, once a target and round. */
typedef void (*prober_func)(void *context, size_t target,
			    const struct prober_result *result);

/* NULL when there is no memory. targets is copied. */
struct prober *prober_new(uv_loop_t *loop, const struct prober_target *targets,
			  size_t count, uint32_t interval_ms,
			  uint32_t timeout_ms, prober_func func, void *context);

/* Begin the first round now. Without effect while it runs. */
void prober_start(struct prober *prober);

/* A good answer that took longer is none; 0: no limit but the timeout. */
void prober_limit(struct prober *prober, uint32_t latency_ms);

/* No further round until prober_start(); questions on their way end silently. */
void prober_pause(struct prober *prober);

/* The NSID that replies must bear; NULL or "": any. Copied. */
void prober_expect(struct prober *prober, const char *identity);

/* No callback comes afterwards; memory goes once the loop has run. */
void prober_free(struct prober *prober);
