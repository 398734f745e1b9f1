#include "server/nameserver/counters.h"

#include <stdlib.h>
#include <string.h>

struct counters *counters_new(size_t workers)
{
	struct counters *counters = malloc(sizeof(*counters));
	size_t size = workers * sizeof(struct counters_worker);
	void *memory;

	if (counters == NULL) {
		return NULL;
	}
	if (posix_memalign(&memory, COUNTERS_CACHE_LINE, size) != 0) {
		free(counters);
		return NULL;
	}
	memset(memory, 0, size);
	counters->workers = workers;
	counters->worker = memory;
	return counters;
}

void counters_free(struct counters *counters)
{
	if (counters != NULL) {
		free(counters->worker);
		free(counters);
	}
}

const char *counters_transport_name(enum counters_transport_id id)
{
	static const char *const names[COUNTERS_TRANSPORTS] = {
		[COUNTERS_UDP] = "udp",
		[COUNTERS_TCP] = "tcp",
		[COUNTERS_XDP] = "xdp",
	};

	return names[id];
}

bool counters_in_use(const struct counters_worker *worker,
		     enum counters_transport_id id)
{
	return id != COUNTERS_XDP ||
	       counter_get(&worker->transports[id].last_pass_ns) != 0;
}

void counters_add_worker(const struct counters_worker *worker,
			 enum counters_transport_id id,
			 struct counters_totals *totals)
{
	const struct counters_transport *t = &worker->transports[id];

	totals->open += counter_get(&t->open);
#define COUNTERS_ADD(name) totals->name += counter_get(&t->name);
	COUNTERS_LIST(COUNTERS_ADD)
#undef COUNTERS_ADD
	totals->queries = totals->queries_ipv4 + totals->queries_ipv6;
	totals->replies = totals->replies_ipv4 + totals->replies_ipv6;
	totals->drops += counter_get(&worker->queues[id].drops);
	totals->waiting += counter_get(&worker->queues[id].waiting);
	for (size_t i = 0; i < COUNTERS_RCODES; i++) {
		totals->rcodes[i] += counter_get(&t->rcodes[i]);
	}
	for (size_t i = 0; i < COUNTERS_QUERY_BINS; i++) {
		totals->query_sizes[i] += counter_get(&t->query_sizes[i]);
	}
	for (size_t i = 0; i < COUNTERS_REPLY_BINS; i++) {
		totals->reply_sizes[i] += counter_get(&t->reply_sizes[i]);
	}
}

void counters_add_all(const struct counters *counters,
		      enum counters_transport_id id,
		      struct counters_totals *totals)
{
	for (size_t i = 0; i < counters->workers; i++) {
		counters_add_worker(&counters->worker[i], id, totals);
	}
}
