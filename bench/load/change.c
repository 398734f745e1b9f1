/*
 * change.c - how soon after a few records of a large zone have changed is the
 * new version published, while others ask?
 *
 * In process, through the interface that incremental transfer uses: a writer
 * derived from the current version, records removed and added, finished,
 * published. Each change is the SOA's serial and K address records: that of
 * ns1.example., which the delegation of example. needs as glue, and those of
 * ns1.provider0.net. and its neighbours (see make_zone.sh --registry).
 *
 * Meanwhile readers ask without a pause: the delegations of the zone file, and
 * in turn with them the one whose glue changes, with the number of the change
 * for its address. A query is lost where there is no reply; a reply is wrong
 * where query_judge() says so, or where it brings a change that was over before
 * the query began, or one that has not begun when the reply is there.
 */
#include "bench/load/query_set.h"
#include "lib/answer/answer_query.h"
#include "lib/base/clock.h"
#include "lib/base/wire.h"
#include "lib/dns/message.h"
#include "lib/dns/rrtype.h"
#ifndef ROOTCAST_SOURCE_DIR
#define ROOTCAST_SOURCE_DIR "."
#endif
#include "tests/unit/served.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	READERS_MAX = 64,
	RECORDS_MAX = 5000, /* hosts of providers in such a zone */
	CHANGES_DEFAULT = 1000,
	CHANGES_MAX = 1000000,
	PAUSE_US = 200, /* between two changes */
	QUERIES = 65536,
	BATCH = 64,
	ADDRESS_SIZE = 4,
	TTL = 172800,
	SOA_SERIAL_FROM_END = 20,
	FIRST = 0xc0000201, /* 192.0.2.1, as it stands in the file */
};

struct reader {
	pthread_t thread;
	uint64_t queries;
	uint64_t lost;
	uint64_t wrong;
	uint64_t probes;
};

static struct served served;
static struct query_set set;
/* Changes that have begun, and those that are published. */
static _Atomic uint32_t begun;
static _Atomic uint32_t published;
static _Atomic bool is_over;

static void fail(const char *what)
{
	fprintf(stderr, "change: %s\n", what);
	exit(1);
}

static void check(enum status status, const char *what)
{
	if (status != STATUS_OK) {
		fprintf(stderr, "change: %s: %s\n", what, status_text(status));
		exit(1);
	}
}

/* --- readers -------------------------------------------------------------- */

static void ask_one(struct reader *reader, struct answer_context *context,
		    const struct query *query)
{
	static _Thread_local uint8_t reply[MESSAGE_MAX];
	struct answer_note note;
	size_t size = answer_query(context, ANSWER_UDP, query->octets,
				   query->size, reply, sizeof(reply), &note);

	reader->queries++;
	if (size == 0) {
		reader->lost++;
	} else if (query_judge(query, reply, size) != NULL) {
		reader->wrong++;
	}
}

/* The glue of example. ends the reply: no EDNS, one server, one address. */
static void probe(struct reader *reader, struct answer_context *context)
{
	static _Thread_local uint8_t reply[MESSAGE_MAX];
	static const uint8_t query[] = {
		0, 1,   0,   0,   0,   1,   0,   0,   0, 0, 0, 0, 1, 'x',
		7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1,
	};
	struct answer_note note;
	uint32_t least = atomic_load(&published);
	size_t size = answer_query(context, ANSWER_UDP, query, sizeof(query),
				   reply, sizeof(reply), &note);
	uint32_t most = atomic_load(&begun);
	uint32_t address;

	reader->queries++;
	reader->probes++;
	if (size == 0) {
		reader->lost++;
		return;
	}
	address = wire_get32(reply + size - ADDRESS_SIZE);
	reader->wrong += address - FIRST < least || address - FIRST > most;
}

static void *reader_main(void *argument)
{
	struct reader *reader = argument;
	struct answer_context *context =
		answer_context_new(&served.identity, served.set);
	size_t next = 0;

	if (context == NULL) {
		fail("out of memory");
	}
	grace_thread_register();
	while (!atomic_load(&is_over)) {
		grace_online();
		for (unsigned i = 0; i < BATCH; i++) {
			ask_one(reader, context,
				&set.queries[next++ % set.count]);
			probe(reader, context);
		}
		grace_offline();
	}
	grace_thread_unregister();
	answer_context_free(context);
	return NULL;
}

/* --- changes -------------------------------------------------------------- */

static void name_of(struct dname_storage *out, const char *text)
{
	check(dname_load(out, text, strlen(text), dname_root), text);
}

static void replace(struct zone_writer *writer, const struct dname *owner,
		    uint32_t from, uint32_t to)
{
	uint8_t rdata[ADDRESS_SIZE];

	wire_put32(rdata, from);
	check(zone_writer_remove(writer, owner, RRTYPE_A, rdata, sizeof(rdata)),
	      "not a zone of make_zone.sh --registry");
	wire_put32(rdata, to);
	check(zone_writer_add(writer, owner, RRTYPE_A, TTL, rdata,
			      sizeof(rdata)),
	      "an address");
}

static void replace_serial(struct zone_writer *writer,
			   const struct zone_version *version)
{
	const struct zone_node *apex = zone_version_apex_node(version);
	const struct rrset *soa = zone_node_find(version, apex, RRTYPE_SOA);
	const uint8_t *record = rrset_first(soa);
	size_t size = rdata_length(record);
	uint8_t rdata[UINT16_MAX];
	uint8_t *serial = rdata + size - SOA_SERIAL_FROM_END;

	memcpy(rdata, rdata_octets(record), size);
	check(zone_writer_remove(writer, zone_node_name(apex), RRTYPE_SOA,
				 rdata, size),
	      "SOA");
	wire_put32(serial, wire_get32(serial) + 1);
	check(zone_writer_add(writer, zone_node_name(apex), RRTYPE_SOA,
			      soa->ttl, rdata, size),
	      "SOA");
}

/* Change number, of so many address records; returns the nanoseconds. */
static uint64_t change(struct zone *zone, uint32_t number,
		       const struct dname_storage *hosts, unsigned records)
{
	struct zone_version *before;
	struct zone_version *after;
	struct zone_writer *writer;
	struct zone_fault fault;
	enum status status;
	uint64_t start;

	/* The writer is the only one who publishes: it stays current. */
	before = grace_load(&zone->current);
	atomic_store(&begun, number);
	start = clock_monotonic_ns();
	writer = zone_writer_new(before, &status);
	check(status, "a writer");
	replace_serial(writer, before);
	for (unsigned i = 0; i < records; i++) {
		/* The first one's address is its number; the others' had one
		 * of their own at first, which the caller has made alike. */
		replace(writer, (const struct dname *)(const void *)&hosts[i],
			FIRST + number - 1, FIRST + number);
	}
	check(zone_writer_finish(writer, &after, &fault), "finish");
	zone_publish(zone, after);
	atomic_store(&published, number);
	return clock_monotonic_ns() - start;
}

/* Give all hosts the address that the first one has. */
static void make_alike(struct zone *zone, const struct dname_storage *hosts,
		       unsigned records)
{
	struct zone_version *after;
	struct zone_writer *writer;
	struct zone_fault fault;
	enum status status;

	writer = zone_writer_new(grace_load(&zone->current), &status);
	check(status, "a writer");
	for (unsigned i = 1; i < records; i++) {
		uint32_t at = i - 1;

		replace(writer, (const struct dname *)(const void *)&hosts[i],
			0x0aff0000 | at, FIRST);
	}
	check(zone_writer_finish(writer, &after, &fault), "finish");
	zone_publish(zone, after);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static unsigned number_of(const char *text, unsigned most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < 1 || value > most) {
		fprintf(stderr, "change: '%s' is no number from 1 to %u\n",
			text, most);
		exit(2);
	}
	return (unsigned)value;
}

static uint64_t total_of(const struct reader *readers, unsigned count,
			 size_t offset)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < count; i++) {
		sum += *(const uint64_t
				 *)(const void *)((const char *)&readers[i] +
						  offset);
	}
	return sum;
}

int main(int argc, char **argv)
{
	static struct dname_storage hosts[RECORDS_MAX];
	static struct reader readers[READERS_MAX];
	unsigned records = argc > 2 ? number_of(argv[2], RECORDS_MAX) : 1;
	unsigned changes =
		argc > 3 ? number_of(argv[3], CHANGES_MAX) : CHANGES_DEFAULT;
	unsigned count = argc > 4 ? number_of(argv[4], READERS_MAX) : 1;
	struct zone_memory_stats stats;
	uint64_t *took;
	struct zone *zone;

	if (argc < 2 || argc > 5) {
		fprintf(stderr, "usage: change REGISTRY_ZONE_FILE [RECORDS "
				"[CHANGES [READERS]]]\n");
		return 2;
	}
	took = calloc(changes, sizeof(*took));
	if (took == NULL) {
		fail("out of memory");
	}
	name_of(&hosts[0], "ns1.example.");
	for (unsigned i = 1; i < records; i++) {
		char text[64];

		snprintf(text, sizeof(text), "ns1.provider%u.net.", i - 1);
		name_of(&hosts[i], text);
	}
	check(query_set_from_zone(&set, argv[1], QUERIES, 1), argv[1]);
	served_init(&served);
	if (!served_add_file(&served, argv[1], ".")) {
		fail(served.error);
	}
	zone = served.zones[0];
	make_alike(zone, hosts, records);
	grace_offline();
	for (unsigned i = 0; i < count; i++) {
		if (pthread_create(&readers[i].thread, NULL, reader_main,
				   &readers[i]) != 0) {
			fail("no thread");
		}
	}
	for (unsigned i = 0; i < changes; i++) {
		took[i] = change(zone, i + 1, hosts, records);
		usleep(PAUSE_US);
	}
	atomic_store(&is_over, true);
	for (unsigned i = 0; i < count; i++) {
		pthread_join(readers[i].thread, NULL);
	}
	grace_online();
	zone_version_memory(zone_current(zone), &stats);
	qsort(took, changes, sizeof(*took), compare);
	printf("{\"names\": %zu, \"records\": %zu, \"changed\": %u, "
	       "\"changes\": %u, \"readers\": %u,\n"
	       " \"median_us\": %.1f, \"p99_us\": %.1f, \"worst_us\": %.1f, "
	       "\"copied\": %zu, \"mapped\": %zu,\n"
	       " \"queries\": %llu, \"probes\": %llu, \"lost\": %llu, "
	       "\"wrong\": %llu}\n",
	       zone_version_names(zone_current(zone)),
	       zone_version_records(zone_current(zone)), records, changes,
	       count, (double)took[changes / 2] / 1e3,
	       (double)took[changes - 1 - changes / 100] / 1e3,
	       (double)took[changes - 1] / 1e3, stats.copied, stats.mapped,
	       (unsigned long long)total_of(readers, count,
					    offsetof(struct reader, queries)),
	       (unsigned long long)total_of(readers, count,
					    offsetof(struct reader, probes)),
	       (unsigned long long)total_of(readers, count,
					    offsetof(struct reader, lost)),
	       (unsigned long long)total_of(readers, count,
					    offsetof(struct reader, wrong)));
	served_fini(&served);
	query_set_fini(&set);
	free(took);
	return 0;
}
