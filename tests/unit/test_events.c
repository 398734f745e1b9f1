#include "server/route/events.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct event read_events[EVENTS_MAX];

START_TEST(events_come_back_as_they_were_noted)
{
	struct events *events = events_new();
	uint64_t incident = events_incident(events);

	events_note(events, EVENT_PROBE, incident, 3, EVENT_NONE, "silent %d",
		    7);
	events_note(events, EVENT_UPDATE, incident, EVENT_NONE, 2, "withdraw");
	ck_assert_uint_eq(events_read(events, read_events, EVENTS_MAX), 2);
	ck_assert_uint_eq(read_events[0].number, 1);
	ck_assert_uint_eq(read_events[0].incident, incident);
	ck_assert_uint_eq(read_events[0].kind, EVENT_PROBE);
	ck_assert_uint_eq(read_events[0].prefix, 3);
	ck_assert_uint_eq(read_events[0].peer, EVENT_NONE);
	ck_assert_str_eq(read_events[0].text, "silent 7");
	ck_assert_uint_eq(read_events[1].peer, 2);
	ck_assert_uint_ge(read_events[1].at_ns, read_events[0].at_ns);
	ck_assert_uint_gt((uint64_t)read_events[0].wall_us, 0);
	events_free(events);
}
END_TEST

START_TEST(the_oldest_are_overwritten)
{
	struct events *events = events_new();

	for (unsigned i = 0; i < EVENTS_MAX + 100; i++) {
		events_note(events, EVENT_HEALTH, 0, EVENT_NONE, EVENT_NONE,
			    "%u", i);
	}
	ck_assert_uint_eq(events_count(events), EVENTS_MAX + 100);
	ck_assert_uint_eq(events_read(events, read_events, EVENTS_MAX),
			  EVENTS_MAX);
	ck_assert_str_eq(read_events[0].text, "100");
	ck_assert_uint_eq(events_read(events, read_events, 5), 5);
	ck_assert_uint_eq(read_events[4].number, EVENTS_MAX + 100);
	events_free(events);
}
END_TEST

START_TEST(a_long_text_is_cut)
{
	struct events *events = events_new();
	char text[2 * EVENT_TEXT_MAX];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	events_note(events, EVENT_COMMAND, 0, EVENT_NONE, EVENT_NONE, "%s",
		    text);
	ck_assert_uint_eq(events_read(events, read_events, 1), 1);
	ck_assert_uint_eq(strlen(read_events[0].text), EVENT_TEXT_MAX - 1);
	events_free(events);
}
END_TEST

START_TEST(without_a_ring_nothing_is_noted)
{
	events_note(NULL, EVENT_PROBE, 0, 0, 0, "x");
	ck_assert_uint_eq(events_incident(NULL), 0);
}
END_TEST

enum {
	WRITERS = 3,
	NOTES = 30000,
};

static struct events *shared;
static _Atomic unsigned writers_done;

/* Text that shows whether an event was put together from two. */
static void *writer_main(void *argument)
{
	for (unsigned i = 0; i < NOTES; i++) {
		char fill = (char)('a' + i % 26);
		char text[150];

		memset(text, fill, sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		events_note(shared, EVENT_UPDATE, (uint64_t)fill, EVENT_NONE,
			    EVENT_NONE, "%s", text);
	}
	atomic_fetch_add(&writers_done, 1);
	return argument;
}

START_TEST(a_reader_sees_whole_events_while_others_write)
{
	pthread_t threads[WRITERS];
	size_t seen = 0;

	shared = events_new();
	for (unsigned i = 0; i < WRITERS; i++) {
		pthread_create(&threads[i], NULL, writer_main, NULL);
	}
	do {
		size_t count = events_read(shared, read_events, EVENTS_MAX);

		for (size_t i = 0; i < count; i++) {
			char fill = (char)read_events[i].incident;

			ck_assert(i == 0 || read_events[i].number >
						    read_events[i - 1].number);
			ck_assert_uint_eq(strspn(read_events[i].text,
						 (char[]){fill, '\0'}),
					  149);
		}
		seen += count;
		sched_yield();
	} while (atomic_load(&writers_done) < WRITERS);
	for (unsigned i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], NULL);
	}
	ck_assert_uint_gt(seen, 0);
	ck_assert_uint_eq(events_count(shared), WRITERS * NOTES);
	events_free(shared);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("events");
	TCase *tests = tcase_create("events");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, events_come_back_as_they_were_noted);
	tcase_add_test(tests, the_oldest_are_overwritten);
	tcase_add_test(tests, a_long_text_is_cut);
	tcase_add_test(tests, without_a_ring_nothing_is_noted);
	tcase_add_test(tests, a_reader_sees_whole_events_while_others_write);
	tcase_set_timeout(tests, 120);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
