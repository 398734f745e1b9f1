/*
 * test_zone.c - versions published to readers, held, and let go.
 */
#include "lib/zone/lookup.h"
#include "lib/zone/zone_set.h"
#include "tests/unit/zone_fixture.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

static struct zone_version *load(const char *serial)
{
	const struct fixture_record records[] = {
		{"example.", RRTYPE_SOA, serial},
		{"example.", RRTYPE_NS, "ns.example."},
		{"serial.example.", RRTYPE_TXT, serial},
	};
	struct zone_fault fault;

	return fixture_load(records, 3, &fault);
}

/* The next serial, as a change of the version before; sometimes anew. */
static struct zone_version *derive(struct zone_version *base, unsigned serial)
{
	char before[16];
	char after[16];
	enum status status;
	struct zone_writer *writer;
	struct zone_version *version = NULL;
	struct zone_fault fault;

	snprintf(before, sizeof(before), "%u", serial - 1);
	snprintf(after, sizeof(after), "%u", serial);
	if (serial % 100 == 0) {
		return load(after);
	}
	writer = zone_writer_new(base, &status);
	ck_assert_ptr_nonnull(writer);
	ck_assert_int_eq(fixture_remove(writer, "example.", RRTYPE_SOA, before),
			 STATUS_OK);
	ck_assert_int_eq(fixture_add(writer, "example.", RRTYPE_SOA, after),
			 STATUS_OK);
	ck_assert_int_eq(
		fixture_remove(writer, "serial.example.", RRTYPE_TXT, before),
		STATUS_OK);
	ck_assert_int_eq(
		fixture_add(writer, "serial.example.", RRTYPE_TXT, after),
		STATUS_OK);
	ck_assert_int_eq(zone_writer_finish(writer, &version, &fault),
			 STATUS_OK);
	return version;
}

/* Does the version say one serial everywhere? */
static bool is_whole(const struct zone_version *version,
		     const struct dname *name)
{
	struct lookup found;
	char text[16] = {0};
	const uint8_t *rdata;

	zone_lookup(version, name, RRTYPE_TXT, &found);
	if (found.kind != LOOKUP_ANSWER || found.rrset->count != 1) {
		return false;
	}
	rdata = rdata_octets(rrset_first(found.rrset));
	memcpy(text, rdata + 1, rdata[0]);
	return strtoul(text, NULL, 10) == zone_version_serial(version);
}

static struct zone_set *set;
static _Atomic bool must_stop;
static _Atomic unsigned faults;
static _Atomic unsigned looks;

static void *reader(void *argument)
{
	struct dname_storage name;
	unsigned least = 0;

	(void)argument;
	dname_copy(&name, name_of("serial.example."));
	grace_thread_register();
	while (!atomic_load(&must_stop)) {
		grace_online();
		for (unsigned i = 0; i < 32; i++) {
			const struct zone *zone =
				zone_set_find(set, dname_of(&name));
			const struct zone_version *version =
				zone != NULL ? zone_current(zone) : NULL;

			if (version == NULL ||
			    !is_whole(version, dname_of(&name)) ||
			    zone_version_serial(version) < least) {
				atomic_fetch_add(&faults, 1);
			} else {
				least = zone_version_serial(version);
			}
			atomic_fetch_add(&looks, 1);
			grace_quiescent();
		}
		grace_offline();
	}
	grace_thread_unregister();
	return NULL;
}

START_TEST(readers_see_whole_versions_in_order)
{
	enum {
		SERIALS = 1500,
		READERS = 2
	};
	pthread_t threads[READERS];
	struct zone *zone = zone_new(name_of("example."));
	struct zone_version *current = load("1");
	struct zone_version *held = NULL;
	struct zone_memory_stats stats;

	set = zone_set_new();
	ck_assert_int_eq(zone_set_add(set, zone), STATUS_OK);
	zone_publish(zone, current);
	for (int i = 0; i < READERS; i++) {
		pthread_create(&threads[i], NULL, reader, NULL);
	}
	for (unsigned serial = 2; serial <= SERIALS; serial++) {
		struct zone_version *next = derive(current, serial);

		/* A transfer out that lasts for a while. */
		if (serial % 37 == 0) {
			zone_version_release(held);
			held = zone_version_hold(current);
		}
		zone_publish(zone, next);
		current = next;
		ck_assert(held == NULL ||
			  is_whole(held, name_of("serial.example.")));
	}
	while (atomic_load(&looks) < 1000) {
		sched_yield();
	}
	atomic_store(&must_stop, true);
	for (int i = 0; i < READERS; i++) {
		pthread_join(threads[i], NULL);
	}
	ck_assert_uint_eq(atomic_load(&faults), 0);
	zone_version_release(held);
	grace_barrier();
	zone_version_memory(current, &stats);
	ck_assert_uint_eq(stats.versions, 1);
	ck_assert_int_eq(zone_set_remove(set, zone), STATUS_OK);
	zone_free(zone);
	zone_set_free(set);
	grace_barrier();
}
END_TEST

START_TEST(place_without_a_version_stays_empty)
{
	struct zone *zone = zone_new(name_of("example."));

	ck_assert_ptr_null(zone_current(zone));
	zone_publish(zone, load("1"));
	ck_assert_uint_eq(zone_version_serial(zone_current(zone)), 1);
	zone_publish(zone, NULL);
	ck_assert_ptr_null(zone_current(zone));
	zone_free(zone);
	grace_barrier();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zone");
	TCase *tcase = tcase_create("zone");
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_fork_status(runner, CK_NOFORK);
	tcase_add_test(tcase, place_without_a_version_stays_empty);
	tcase_add_test(tcase, readers_see_whole_versions_in_order);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
