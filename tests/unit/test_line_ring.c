#include "lib/base/line_ring.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WRITERS = 4,
	LINES = 20000,
};

static struct line_ring ring;

static bool put_number(unsigned writer, unsigned number)
{
	char line[32];
	int size = snprintf(line, sizeof(line), "%u %u", writer, number);

	return line_ring_put(&ring, line, (size_t)size);
}

START_TEST(lines_come_out_in_their_order)
{
	char line[LOG_LINE_MAX];

	line_ring_init(&ring);
	ck_assert(line_ring_is_empty(&ring));
	/* Many times around. */
	for (unsigned i = 0; i < 10 * LINE_RING_SLOTS; i++) {
		unsigned writer;
		unsigned number;
		size_t size;

		ck_assert(put_number(7, i));
		ck_assert(!line_ring_is_empty(&ring));
		size = line_ring_take(&ring, line);
		line[size] = '\0';
		ck_assert_int_eq(sscanf(line, "%u %u", &writer, &number), 2);
		ck_assert_uint_eq(writer, 7);
		ck_assert_uint_eq(number, i);
	}
	ck_assert_uint_eq(line_ring_take(&ring, line), 0);
	ck_assert(line_ring_is_empty(&ring));
}
END_TEST

START_TEST(a_full_ring_drops_what_is_new_and_counts)
{
	char line[LOG_LINE_MAX];

	line_ring_init(&ring);
	for (unsigned i = 0; i < LINE_RING_SLOTS; i++) {
		ck_assert(put_number(0, i));
	}
	ck_assert(!put_number(0, 1000));
	ck_assert(!put_number(0, 1001));
	ck_assert_uint_eq(line_ring_dropped(&ring), 2);
	ck_assert_uint_eq(line_ring_dropped(&ring), 0);
	ck_assert_uint_eq(line_ring_take(&ring, line), 3);
	ck_assert_int_eq(memcmp(line, "0 0", 3), 0);
	ck_assert(put_number(0, 1002));
	ck_assert(!put_number(0, 1003));
}
END_TEST

START_TEST(the_longest_line_fits)
{
	char in[LOG_LINE_MAX];
	char out[LOG_LINE_MAX];

	line_ring_init(&ring);
	memset(in, 'x', sizeof(in));
	ck_assert(line_ring_put(&ring, in, sizeof(in)));
	ck_assert_uint_eq(line_ring_take(&ring, out), sizeof(out));
	ck_assert_int_eq(memcmp(in, out, sizeof(in)), 0);
}
END_TEST

static void *writer_main(void *argument)
{
	unsigned writer = *(unsigned *)argument;

	for (unsigned i = 0; i < LINES; i++) {
		while (!put_number(writer, i)) {
			sched_yield();
		}
	}
	return NULL;
}

START_TEST(writers_at_once_keep_each_line_whole_and_in_order)
{
	pthread_t threads[WRITERS];
	unsigned numbers[WRITERS];
	unsigned next[WRITERS] = {0};
	unsigned taken = 0;

	line_ring_init(&ring);
	for (unsigned i = 0; i < WRITERS; i++) {
		numbers[i] = i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, writer_main,
						&numbers[i]),
				 0);
	}
	while (taken < WRITERS * LINES) {
		char line[LOG_LINE_MAX];
		size_t size = line_ring_take(&ring, line);
		unsigned writer;
		unsigned number;

		if (size == 0) {
			sched_yield();
			continue;
		}
		line[size] = '\0';
		ck_assert_int_eq(sscanf(line, "%u %u", &writer, &number), 2);
		ck_assert_uint_lt(writer, WRITERS);
		ck_assert_uint_eq(number, next[writer]);
		next[writer]++;
		taken++;
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], NULL);
	}
	ck_assert(line_ring_is_empty(&ring));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("line_ring");
	TCase *tests = tcase_create("line_ring");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, lines_come_out_in_their_order);
	tcase_add_test(tests, a_full_ring_drops_what_is_new_and_counts);
	tcase_add_test(tests, the_longest_line_fits);
	tcase_add_test(tests,
		       writers_at_once_keep_each_line_whole_and_in_order);
	tcase_set_timeout(tests, 120);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
