#include "lib/zone/zone_set.h"
#include "tests/unit/zone_fixture.h"

#include <check.h>
#include <stdlib.h>

static const char *const apexes[] = {
	".",
	"arpa.",
	"example.",
	"sub.example.",
	"deep.er.sub.example.",
	"root-servers.net.",
};

enum {
	APEXES = sizeof(apexes) / sizeof(apexes[0]),
};

static const struct {
	const char *qname;
	const char *found;
	const char *above;
} cases[] = {
	{".", ".", NULL},
	{"com.", ".", "."},
	{"arpa.", "arpa.", "."},
	{"ARPA.", "arpa.", "."},
	{"1.in-addr.arpa.", "arpa.", "arpa."},
	{"example.", "example.", "."},
	{"xexample.", ".", "."},
	{"er.sub.example.", "sub.example.", "sub.example."},
	{"deep.er.sub.example.", "deep.er.sub.example.", "sub.example."},
	{"x.deep.er.sub.example.", "deep.er.sub.example.",
	 "deep.er.sub.example."},
	{"a.root-servers.net.", "root-servers.net.", "root-servers.net."},
	{"net.", ".", "."},
};

static struct zone_set *set;
static struct zone *zones[APEXES];

static void setup(void)
{
	set = zone_set_new();
	for (unsigned i = 0; i < APEXES; i++) {
		zones[i] = zone_new(name_of(apexes[i]));
		ck_assert_int_eq(zone_set_add(set, zones[i]), STATUS_OK);
	}
}

static void teardown(void)
{
	for (unsigned i = 0; i < APEXES; i++) {
		ck_assert_int_eq(zone_set_remove(set, zones[i]), STATUS_OK);
		zone_free(zones[i]);
	}
	ck_assert_uint_eq(zone_set_count(set), 0);
	zone_set_free(set);
	grace_barrier();
}

static void check_zone(const struct zone *zone, const char *apex)
{
	if (apex == NULL) {
		ck_assert_ptr_null(zone);
	} else {
		ck_assert_ptr_nonnull(zone);
		ck_assert(dname_equal(
			(const struct dname *)(const void *)&zone->apex,
			name_of(apex)));
	}
}

START_TEST(deepest_enclosing_apex_is_found)
{
	check_zone(zone_set_find(set, name_of(cases[_i].qname)),
		   cases[_i].found);
	check_zone(zone_set_find_above(set, name_of(cases[_i].qname)),
		   cases[_i].above);
}
END_TEST

static void count_zone(struct zone *zone, void *context)
{
	unsigned *seen = context;

	check_zone(zone, apexes[(*seen)++]);
}

START_TEST(zones_are_walked_in_canonical_order)
{
	unsigned seen = 0;

	zone_set_walk(set, count_zone, &seen);
	ck_assert_uint_eq(seen, APEXES);
	ck_assert_uint_eq(zone_set_count(set), APEXES);
}
END_TEST

START_TEST(one_place_for_an_apex)
{
	struct zone *twin = zone_new(name_of("EXAMPLE."));

	ck_assert_int_eq(zone_set_add(set, twin), STATUS_EXISTS);
	ck_assert_int_eq(zone_set_remove(set, twin), STATUS_NOT_FOUND);
	ck_assert_ptr_eq(zone_set_get(set, name_of("example.")), zones[2]);
	ck_assert_ptr_null(zone_set_get(set, name_of("nosuch.example.")));
	zone_free(twin);
}
END_TEST

START_TEST(nothing_encloses_in_an_empty_set)
{
	struct zone_set *empty = zone_set_new();

	ck_assert_ptr_null(zone_set_find(empty, name_of("example.")));
	ck_assert_ptr_null(zone_set_find_above(empty, name_of(".")));
	zone_set_free(empty);
}
END_TEST

START_TEST(many_zones_come_and_go)
{
	enum {
		MANY = 20000
	};
	struct zone **many = calloc(MANY, sizeof(*many));
	char text[32];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "z%u.example.", i);
		many[i] = zone_new(name_of(text));
		ck_assert_int_eq(zone_set_add(set, many[i]), STATUS_OK);
	}
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "a.z%u.example.", i);
		ck_assert_ptr_eq(zone_set_find(set, name_of(text)), many[i]);
	}
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_int_eq(zone_set_remove(set, many[i]), STATUS_OK);
		zone_free(many[i]);
		snprintf(text, sizeof(text), "a.z%u.example.", i);
		ck_assert_ptr_eq(zone_set_find(set, name_of(text)), zones[2]);
	}
	free(many);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zone_set");
	TCase *tcase = tcase_create("zone_set");
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_fork_status(runner, CK_NOFORK);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, deepest_enclosing_apex_is_found, 0,
			    sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, zones_are_walked_in_canonical_order);
	tcase_add_test(tcase, one_place_for_an_apex);
	tcase_add_test(tcase, nothing_encloses_in_an_empty_set);
	tcase_add_test(tcase, many_zones_come_and_go);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
