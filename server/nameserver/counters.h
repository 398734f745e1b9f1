/*
 * counters.h - what the workers have done, readable by any thread at any time.
 *
 * One struct counters_worker a worker, on cache lines of its own. Every counter
 * has one writer: the worker itself, or (struct counters_queue) the main
 * thread, which looks at the kernel's queues so that they are known even while
 * a worker stands still. Writer and readers use relaxed order: each number is
 * whole, running totals never go backwards, and two numbers read one after the
 * other may belong to different moments. Lifetime: process.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum counters_transport_id {
	COUNTERS_UDP,
	COUNTERS_TCP,
	COUNTERS_XDP, /* UDP again, through another door */
	COUNTERS_TRANSPORTS,
};

/* RSSAC002 bins of 16 octets; the last bin holds all that is larger. */
enum {
	COUNTERS_CACHE_LINE = 64,
	COUNTERS_SIZE_BIN = 16,
	COUNTERS_QUERY_BINS = 288 / COUNTERS_SIZE_BIN + 1,
	COUNTERS_REPLY_BINS = 4096 / COUNTERS_SIZE_BIN + 1,
	COUNTERS_RCODES = 25, /* 0..23, then every other */
	COUNTERS_RCODE_OTHER = COUNTERS_RCODES - 1,
};

/*
 * X(name): running totals of one transport.
 *
 * batches:        receive calls that brought at least one query
 * queries_*:      messages received, by the address family of the client
 * replies_*:      messages handed to the kernel
 * ignored:        queries that are no queries: silence (QR set, too short)
 * bad_source:     UDP datagrams from port 0, or too large to be a query; of
 *                 XDP also those from an address that no host has
 * send_drops:     UDP replies that the kernel did not take; never waited for
 * truncated:      replies with TC
 * delegations:    replies that are referrals
 * XDP only, where the kernel does this for sockets:
 * bad_checksum:   datagrams dropped for their IPv4 header or UDP checksum
 * partial_checksum: dropped since their sender has not finished the checksum
 * malformed:      no UDP datagrams after all
 * The rest is TCP's:
 * accepted:       connections
 * refused_clients, refused_prefix: closed at once, tcp.clients or
 *                 tcp.clients_per_prefix was reached
 * refused_system: closed at once, or not accepted: no descriptor or memory
 * evicted:        idle connections closed to make room for a new one
 * closed_idle:    no complete query for tcp.idle_ms
 * closed_slow:    had replies waiting and read nothing for tcp.idle_ms
 * closed_memory:  would have held more than its part of the worker's memory
 * closed_garbage: announced a message too short for a header
 */
#define COUNTERS_LIST(X)    \
	X(batches)          \
	X(queries_ipv4)     \
	X(queries_ipv6)     \
	X(replies_ipv4)     \
	X(replies_ipv6)     \
	X(ignored)          \
	X(bad_source)       \
	X(send_drops)       \
	X(truncated)        \
	X(delegations)      \
	X(bad_checksum)     \
	X(partial_checksum) \
	X(malformed)        \
	X(accepted)         \
	X(refused_clients)  \
	X(refused_prefix)   \
	X(refused_system)   \
	X(evicted)          \
	X(closed_idle)      \
	X(closed_slow)      \
	X(closed_memory)    \
	X(closed_garbage)

typedef _Atomic uint64_t counter;

struct counters_transport {
	/* Monotonic nanoseconds of the last time the loop came round. */
	counter last_pass_ns;
	counter open; /* TCP connections now */
#define COUNTERS_FIELD(name) counter name;
	COUNTERS_LIST(COUNTERS_FIELD)
#undef COUNTERS_FIELD
	counter rcodes[COUNTERS_RCODES];
	counter query_sizes[COUNTERS_QUERY_BINS];
	counter reply_sizes[COUNTERS_REPLY_BINS];
};

/* Written by the main thread every 100 ms. */
struct counters_queue {
	/* Of UDP: octets in the kernel's queues. Of TCP: connections that wait
	 * to be accepted. */
	counter waiting;
	counter drops; /* of UDP and XDP: datagrams that found no room */
};

struct counters_worker {
	_Alignas(COUNTERS_CACHE_LINE) struct counters_transport
		transports[COUNTERS_TRANSPORTS];
	/*
	 * Monotonic nanoseconds since which the worker has been on-line
	 * (grace.h) without a quiescent point; 0 while it is off-line. Older
	 * than COUNTERS_ONLINE_FAULT_NS is a fault.
	 */
	counter online_since_ns;
	counter thread_id; /* the kernel's, 0 before it runs */
	_Alignas(COUNTERS_CACHE_LINE) struct counters_queue
		queues[COUNTERS_TRANSPORTS];
};

#define COUNTERS_ONLINE_FAULT_NS UINT64_C(1000000000)

struct counters {
	size_t workers;
	struct counters_worker *worker; /* that many */
};

/* All zero. NULL when there is no memory. */
struct counters *counters_new(size_t workers);
void counters_free(struct counters *counters);

/* "udp", "tcp", "xdp": what the control protocol calls it. */
const char *counters_transport_name(enum counters_transport_id id);

/* Does this worker have that transport? Not every one has XDP. */
bool counters_in_use(const struct counters_worker *worker,
		     enum counters_transport_id id);

/* One transport of one worker, or of all workers added up, as plain numbers. */
struct counters_totals {
	uint64_t open;
#define COUNTERS_FIELD(name) uint64_t name;
	COUNTERS_LIST(COUNTERS_FIELD)
#undef COUNTERS_FIELD
	uint64_t queries; /* of both families */
	uint64_t replies;
	uint64_t drops; /* struct counters_queue */
	uint64_t waiting;
	uint64_t rcodes[COUNTERS_RCODES];
	uint64_t query_sizes[COUNTERS_QUERY_BINS];
	uint64_t reply_sizes[COUNTERS_REPLY_BINS];
};

/* Add to *totals, which the caller cleared. Any thread. */
void counters_add_worker(const struct counters_worker *worker,
			 enum counters_transport_id id,
			 struct counters_totals *totals);
void counters_add_all(const struct counters *counters,
		      enum counters_transport_id id,
		      struct counters_totals *totals);

static inline uint64_t counter_get(const counter *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

static inline void counter_set(counter *c, uint64_t value)
{
	atomic_store_explicit(c, value, memory_order_relaxed);
}

/* The one writer only: a load and a store, no locked instruction. */
static inline void counter_add(counter *c, uint64_t more)
{
	counter_set(c, counter_get(c) + more);
}

static inline void counters_query_size(struct counters_transport *t,
				       size_t size)
{
	size_t bin = size / COUNTERS_SIZE_BIN;

	counter_add(&t->query_sizes[bin < COUNTERS_QUERY_BINS
					    ? bin
					    : COUNTERS_QUERY_BINS - 1],
		    1);
}

static inline void counters_reply_size(struct counters_transport *t,
				       size_t size)
{
	size_t bin = size / COUNTERS_SIZE_BIN;

	counter_add(&t->reply_sizes[bin < COUNTERS_REPLY_BINS
					    ? bin
					    : COUNTERS_REPLY_BINS - 1],
		    1);
}

static inline void counters_rcode(struct counters_transport *t, unsigned rcode)
{
	counter_add(
		&t->rcodes[rcode < COUNTERS_RCODE_OTHER ? rcode
							: COUNTERS_RCODE_OTHER],
		1);
}
