/*
 * test_zone_memory.c - the memory of a zone under many small changes.
 */
#include "lib/zone/lookup.h"
#include "tests/unit/zone_fixture.h"

#include <check.h>
#include <stdlib.h>

enum {
	HOSTS = 50000,
	COMMITS = 100000,
	FEW_COMMITS = 64,
};

static void host_add(struct zone_writer *writer, unsigned host,
		     unsigned address)
{
	char owner[64];
	char text[32];

	snprintf(owner, sizeof(owner), "host-%u.example.", host);
	snprintf(text, sizeof(text), "192.0.%u.%u", address >> 8 & 255,
		 address & 255);
	ck_assert_int_eq(fixture_add(writer, owner, RRTYPE_A, text), STATUS_OK);
}

static void host_remove(struct zone_writer *writer, unsigned host,
			unsigned address)
{
	char owner[64];
	char text[32];

	snprintf(owner, sizeof(owner), "host-%u.example.", host);
	snprintf(text, sizeof(text), "192.0.%u.%u", address >> 8 & 255,
		 address & 255);
	ck_assert_int_eq(fixture_remove(writer, owner, RRTYPE_A, text),
			 STATUS_OK);
}

static struct zone_version *finish(struct zone_writer *writer)
{
	struct zone_version *version = NULL;
	struct zone_fault fault;

	ck_assert_int_eq(zone_writer_finish(writer, &version, &fault),
			 STATUS_OK);
	return version;
}

static struct zone_version *load(const unsigned *address)
{
	enum status status;
	struct zone_writer *writer = zone_writer_new(NULL, &status);

	fixture_add(writer, "example.", RRTYPE_SOA, "1");
	fixture_add(writer, "example.", RRTYPE_NS, "host-1.example.");
	for (unsigned i = 0; i < HOSTS; i++) {
		host_add(writer, i, address[i]);
	}
	return finish(writer);
}

/* One record of one host changes. */
static struct zone_version *commit(struct zone_version *version,
				   unsigned *address, unsigned host)
{
	enum status status;
	struct zone_writer *writer = zone_writer_new(version, &status);
	struct zone_version *next;

	host_remove(writer, host, address[host]);
	address[host]++;
	host_add(writer, host, address[host]);
	next = finish(writer);
	zone_version_release(version);
	return next;
}

static unsigned draw(uint64_t *seed, unsigned below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*seed >> 33) % below;
}

static size_t mapped(const struct zone_version *version)
{
	struct zone_memory_stats stats;

	zone_version_memory(version, &stats);
	return stats.mapped;
}

START_TEST(memory_comes_back_after_a_slow_reader)
{
	unsigned *address = calloc(HOSTS, sizeof(*address));
	struct zone_version *version = load(address);
	struct zone_version *slow = zone_version_hold(version);
	struct zone_version *fresh;
	uint64_t seed = 7;
	size_t worst;
	struct lookup found;

	for (unsigned i = 0; i < COMMITS; i++) {
		version = commit(version, address, draw(&seed, HOSTS));
	}
	worst = mapped(version);
	/* What the slow reader sees has not changed. */
	for (unsigned i = 0; i < HOSTS; i += 97) {
		char owner[64];

		snprintf(owner, sizeof(owner), "host-%u.example.", i);
		zone_lookup(slow, name_of(owner), RRTYPE_A, &found);
		ck_assert_int_eq(found.kind, LOOKUP_ANSWER);
		ck_assert_uint_eq(rdata_octets(rrset_first(found.rrset))[3], 0);
	}
	zone_version_release(slow);
	for (unsigned i = 0; i < FEW_COMMITS; i++) {
		version = commit(version, address, draw(&seed, HOSTS));
	}
	fresh = load(address);
	printf("mapped: fresh %zu, with the slow reader %zu, after it %zu\n",
	       mapped(fresh), worst, mapped(version));
	ck_assert_uint_le(mapped(version), mapped(fresh) + mapped(fresh) / 10);
	for (unsigned i = 0; i < HOSTS; i++) {
		char owner[64];

		snprintf(owner, sizeof(owner), "host-%u.example.", i);
		zone_lookup(version, name_of(owner), RRTYPE_A, &found);
		ck_assert_int_eq(found.kind, LOOKUP_ANSWER);
		ck_assert_uint_eq(rdata_octets(rrset_first(found.rrset))[3],
				  address[i] & 255);
	}
	zone_version_release(fresh);
	zone_version_release(version);
	free(address);
}
END_TEST

START_TEST(memory_stays_under_changes_without_a_reader)
{
	unsigned *address = calloc(HOSTS, sizeof(*address));
	struct zone_version *version = load(address);
	size_t fresh = mapped(version);
	size_t worst = 0;
	uint64_t seed = 11;

	for (unsigned i = 0; i < COMMITS; i++) {
		version = commit(version, address, draw(&seed, HOSTS));
		if (mapped(version) > worst) {
			worst = mapped(version);
		}
	}
	printf("mapped: fresh %zu, worst %zu, at the end %zu\n", fresh, worst,
	       mapped(version));
	ck_assert_uint_le(worst, 2 * fresh);
	zone_version_release(version);
	free(address);
}
END_TEST

/* 100,000 delegations to one host: its address changes. */
START_TEST(glue_of_many_delegations_is_one_node)
{
	enum {
		DELEGATIONS = 100000,
		CELLS_FEW = 16384
	};
	enum status status;
	struct zone_writer *writer = zone_writer_new(NULL, &status);
	struct zone_version *version;
	struct zone_version *next;
	struct zone_memory_stats stats;

	fixture_add(writer, "example.", RRTYPE_SOA, "1");
	fixture_add(writer, "example.", RRTYPE_NS, "ns.example.");
	fixture_add(writer, "ns.example.", RRTYPE_A, "192.0.2.1");
	for (unsigned i = 0; i < DELEGATIONS; i++) {
		char owner[64];

		snprintf(owner, sizeof(owner), "d%u.example.", i);
		ck_assert_int_eq(
			fixture_add(writer, owner, RRTYPE_NS, "ns.example."),
			STATUS_OK);
	}
	version = finish(writer);
	writer = zone_writer_new(version, &status);
	fixture_remove(writer, "ns.example.", RRTYPE_A, "192.0.2.1");
	fixture_add(writer, "ns.example.", RRTYPE_A, "192.0.2.2");
	next = finish(writer);
	zone_version_memory(next, &stats);
	ck_assert_uint_le(stats.copied, CELLS_FEW);
	ck_assert_uint_eq(stats.versions, 2);
	zone_version_release(version);
	zone_version_memory(next, &stats);
	ck_assert_uint_eq(stats.versions, 1);
	zone_version_release(next);
}
END_TEST

START_TEST(one_change_copies_a_path)
{
	unsigned *address = calloc(HOSTS, sizeof(*address));
	struct zone_version *version = load(address);
	struct zone_memory_stats stats;
	size_t most = 0;
	uint64_t seed = 3;

	for (unsigned i = 0; i < 100; i++) {
		version = commit(version, address, draw(&seed, HOSTS));
		zone_version_memory(version, &stats);
		if (stats.copied > most) {
			most = stats.copied;
		}
	}
	printf("copied by one change: at most %zu octets\n", most);
	ck_assert_uint_le(most, 8192);
	zone_version_release(version);
	free(address);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zone_memory");
	TCase *tcase = tcase_create("zone_memory");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 240);
	tcase_add_test(tcase, memory_comes_back_after_a_slow_reader);
	tcase_add_test(tcase, memory_stays_under_changes_without_a_reader);
	tcase_add_test(tcase, glue_of_many_delegations_is_one_node);
	tcase_add_test(tcase, one_change_copies_a_path);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
