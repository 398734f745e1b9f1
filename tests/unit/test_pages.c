#include "lib/base/pages.h"
#include "lib/answer/compiled.h"

#include <check.h>
#include <stdio.h>
#include <unistd.h>

enum {
	LARGE = 8 << 20,
	SLACK = 1 << 20, /* other memory that comes and goes */
};

/* Octets of this process that are in memory. */
static size_t resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long all, here;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%lu %lu", &all, &here), 2);
	fclose(file);
	return here * (size_t)sysconf(_SC_PAGESIZE);
}

START_TEST(large_mapping_begins_at_a_huge_page)
{
	uint8_t *start = pages_map(LARGE);

	ck_assert_ptr_nonnull(start);
	ck_assert_uint_eq((uintptr_t)start % PAGES_HUGE, 0);
	ck_assert_uint_eq(start[0] | start[LARGE - 1], 0);
	pages_unmap(start, LARGE);
}
END_TEST

START_TEST(touched_mapping_is_in_memory)
{
	size_t before = resident();
	uint8_t *start = pages_map(LARGE);

	ck_assert_ptr_nonnull(start);
	ck_assert_uint_lt(resident(), before + SLACK);
	pages_touch(start, LARGE);
	ck_assert_uint_gt(resident() + SLACK, before + LARGE);
	pages_unmap(start, LARGE);
}
END_TEST

/* Else a worker waits milliseconds for a page while queries wait for it. */
START_TEST(table_of_compiled_replies_is_in_memory_from_the_start)
{
	size_t before = resident();
	struct compiled_table *table = compiled_table_new(LARGE);

	ck_assert_ptr_nonnull(table);
	ck_assert_uint_gt(resident() + SLACK, before + LARGE);
	compiled_table_free(table);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pages");
	TCase *tcase = tcase_create("pages");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, large_mapping_begins_at_a_huge_page);
	tcase_add_test(tcase, touched_mapping_is_in_memory);
	tcase_add_test(tcase,
		       table_of_compiled_replies_is_in_memory_from_the_start);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
