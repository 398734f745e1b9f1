/*
 * bench_lookup.c - what loading, looking up and changing a zone cost.
 *
 * A generated zone of a million delegations (2.4 records each: two NS, and a DS
 * for two of five), in order and shuffled, and the real root zone where
 * $ROOTCAST_SHARED_DATA has it. Prints ns a lookup: existing names, missing
 * ones, and the NSEC predecessor.
 */
#include "lib/base/clock.h"
#include "lib/dns/rrtype.h"
#include "lib/zone/load.h"
#include "lib/zone/lookup.h"
#include "lib/zone/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAMES_DEFAULT = 1000000,
	QUERIES = 1 << 16,
	ROUNDS = 16,
	COMMITS = 20000,
};

static uint64_t seed = 1;

static uint32_t draw(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

static void fail(const char *what)
{
	fprintf(stderr, "bench_lookup: %s\n", what);
	exit(1);
}

static void name_load(struct dname_storage *out, const char *text)
{
	if (dname_load(out, text, strlen(text), NULL) != STATUS_OK) {
		fail(text);
	}
}

static void delegation_name(char text[64], unsigned number)
{
	snprintf(text, 64, "name-%07u.example.", number);
}

static void add(struct zone_writer *writer, const struct dname *owner,
		uint16_t type, const void *rdata, size_t size)
{
	if (zone_writer_add(writer, owner, type, 86400, rdata, size) !=
	    STATUS_OK) {
		fail("a record was refused");
	}
}

static void add_ns(struct zone_writer *writer, const struct dname *owner,
		   const char *target)
{
	struct dname_storage name;

	name_load(&name, target);
	add(writer, owner, RRTYPE_NS, dname_of(&name)->octets, name.length);
}

static void add_delegation(struct zone_writer *writer, unsigned number)
{
	uint8_t ds[36] = {0, 1, 8, 2};
	struct dname_storage owner;
	char text[64];

	delegation_name(text, number);
	name_load(&owner, text);
	snprintf(text, sizeof(text), "ns1.provider%u.net.", number % 5000);
	add_ns(writer, dname_of(&owner), text);
	snprintf(text, sizeof(text), "ns2.provider%u.net.", number % 5000);
	add_ns(writer, dname_of(&owner), text);
	if (number % 5 < 2) {
		wire_put32(ds + 4, number);
		add(writer, dname_of(&owner), RRTYPE_DS, ds, sizeof(ds));
	}
}

static struct zone_version *generate(unsigned names, bool is_shuffled)
{
	static const uint8_t soa[22] = {0, 0, 0, 0, 0, 1};
	enum status status;
	struct zone_writer *writer = zone_writer_new(NULL, &status);
	struct zone_version *version;
	struct zone_memory_stats stats;
	struct zone_fault fault;
	struct dname_storage apex;
	unsigned *order = malloc(names * sizeof(*order));
	uint64_t start = clock_monotonic_ns();
	uint64_t built;

	if (writer == NULL || order == NULL) {
		fail("no memory");
	}
	for (unsigned i = 0; i < names; i++) {
		unsigned other = is_shuffled ? draw(i + 1) : i;

		order[i] = order[other];
		order[other] = i;
	}
	name_load(&apex, "example.");
	add(writer, dname_of(&apex), RRTYPE_SOA, soa, sizeof(soa));
	add_ns(writer, dname_of(&apex), "ns.example.");
	for (unsigned i = 0; i < names; i++) {
		add_delegation(writer, order[i]);
	}
	built = clock_monotonic_ns();
	if (zone_writer_finish(writer, &version, &fault) != STATUS_OK) {
		fail(fault.reason);
	}
	zone_version_memory(version, &stats);
	printf("%s load: %zu records, %.2f s to add, %.2f s to finish, "
	       "%.0f MB mapped, %.0f MB live\n",
	       is_shuffled ? "shuffled" : "ordered",
	       zone_version_records(version), (double)(built - start) / 1e9,
	       (double)(clock_monotonic_ns() - built) / 1e9,
	       (double)stats.mapped / 1e6, (double)stats.live / 1e6);
	free(order);
	return version;
}

static struct dname_storage queries[QUERIES];

static void measure(const char *what, const struct zone_version *version)
{
	struct lookup found;
	size_t kinds[LOOKUP_NXDOMAIN + 1] = {0};
	uint64_t start = clock_monotonic_ns();
	double lookup_ns;

	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < QUERIES; i++) {
			zone_lookup(version, dname_of(&queries[i]), RRTYPE_A,
				    &found);
			kinds[found.kind]++;
		}
	}
	lookup_ns = (double)(clock_monotonic_ns() - start) / ROUNDS / QUERIES;
	start = clock_monotonic_ns();
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < QUERIES; i++) {
			(void)zone_find_nsec(version, dname_of(&queries[i]));
		}
	}
	printf("%s: zone_lookup %.0f ns, zone_find_nsec %.0f ns "
	       "(%.0f%% delegations, %.0f%% missing)\n",
	       what, lookup_ns,
	       (double)(clock_monotonic_ns() - start) / ROUNDS / QUERIES,
	       100.0 * (double)kinds[LOOKUP_DELEGATION] / ROUNDS / QUERIES,
	       100.0 * (double)kinds[LOOKUP_NXDOMAIN] / ROUNDS / QUERIES);
}

static void measure_generated(const struct zone_version *version,
			      unsigned names)
{
	char text[64];

	for (unsigned i = 0; i < QUERIES; i++) {
		delegation_name(text, draw(names));
		name_load(&queries[i], text);
	}
	measure("delegations", version);
	for (unsigned i = 0; i < QUERIES; i++) {
		snprintf(text, sizeof(text), "%08x.example.", draw(1u << 30));
		name_load(&queries[i], text);
	}
	measure("random missing names", version);
}

static struct zone_version *measure_commits(struct zone_version *version,
					    unsigned names)
{
	uint64_t start = clock_monotonic_ns();

	for (unsigned i = 0; i < COMMITS; i++) {
		uint8_t address[4] = {192, 0, 2, (uint8_t)i};
		enum status status;
		struct zone_writer *writer = zone_writer_new(version, &status);
		struct zone_version *next;
		struct zone_fault fault;
		struct dname_storage name;
		char text[64];

		delegation_name(text, draw(names));
		name_load(&name, text);
		add(writer, dname_of(&name), RRTYPE_A, address, 4);
		if (zone_writer_finish(writer, &next, &fault) != STATUS_OK) {
			fail(fault.reason);
		}
		zone_version_release(version);
		version = next;
	}
	printf("commit of one record: %.1f us\n",
	       (double)(clock_monotonic_ns() - start) / COMMITS / 1000);
	return version;
}

struct names {
	size_t count;
	struct dname_storage name[8192];
};

static bool take_name(const struct zone_version *version,
		      const struct zone_node *node, void *context)
{
	struct names *names = context;

	(void)version;
	if (zone_node_name(node)->labels == 1 && names->count < 8192) {
		dname_copy(&names->name[names->count++], zone_node_name(node));
	}
	return true;
}

static void measure_root(const char *path)
{
	static struct names names;
	uint64_t start = clock_monotonic_ns();
	struct zone_load load;
	char text[64];

	if (zone_load(path, dname_root, &load) != STATUS_OK) {
		fprintf(stderr, "bench_lookup: %s: %s\n", path,
			load.error.reason);
		zone_load_fini(&load);
		return;
	}
	printf("root zone: %zu records, %.0f ms to load\n", load.records,
	       (double)(clock_monotonic_ns() - start) / 1e6);
	zone_version_walk(load.version, take_name, &names);
	for (unsigned i = 0; i < QUERIES; i++) {
		dname_copy(&queries[i],
			   dname_of(&names.name[draw((uint32_t)names.count)]));
	}
	measure("root: top-level domains", load.version);
	for (unsigned i = 0; i < QUERIES; i++) {
		snprintf(text, sizeof(text), "www.x%08x.", draw(1u << 30));
		name_load(&queries[i], text);
	}
	measure("root: random missing names", load.version);
	zone_load_fini(&load);
}

int main(int argc, char **argv)
{
	const char *data = getenv("ROOTCAST_SHARED_DATA");
	unsigned names =
		argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : NAMES_DEFAULT;
	struct zone_version *version;

	if (names == 0) {
		fprintf(stderr, "usage: bench_lookup [NAMES]\n");
		return 2;
	}
	version = generate(names, true);
	zone_version_release(version);
	version = generate(names, false);
	measure_generated(version, names);
	version = measure_commits(version, names);
	zone_version_release(version);
	if (data != NULL) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/root/root-2026073102.zone",
			 data);
		measure_root(path);
	}
	return 0;
}
