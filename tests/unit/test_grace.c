#include "lib/base/grace.h"

#include <check.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

struct thing {
	struct grace_head head;
	_Atomic int value; /* 1 while it may be read */
};

static struct grace_pointer published;
static _Atomic int freed;

static void thing_free(struct grace_head *head)
{
	struct thing *thing = (struct thing *)(void *)head;

	atomic_store(&thing->value, 0);
	free(thing);
	atomic_fetch_add(&freed, 1);
}

static struct thing *thing_new(void)
{
	struct thing *thing = calloc(1, sizeof(*thing));

	atomic_store(&thing->value, 1);
	return thing;
}

START_TEST(deferred_runs_without_readers)
{
	atomic_store(&freed, 0);
	grace_defer(&thing_new()->head, thing_free);
	grace_barrier();
	ck_assert_int_eq(atomic_load(&freed), 1);
}
END_TEST

START_TEST(idle_process_frees_within_a_second)
{
	const struct timespec pause = {0, 10000000};
	int waited;

	atomic_store(&freed, 0);
	grace_defer(&thing_new()->head, thing_free);
	for (waited = 0; waited < 100 && atomic_load(&freed) == 0; waited++) {
		nanosleep(&pause, NULL);
	}
	ck_assert_int_eq(atomic_load(&freed), 1);
}
END_TEST

static sem_t reading;
static sem_t go_on;

static void *reader_that_stays(void *argument)
{
	struct thing *thing;

	grace_thread_register();
	grace_online();
	thing = grace_load(&published);
	sem_post(&reading);
	sem_wait(&go_on);
	*(int *)argument = atomic_load(&thing->value);
	grace_offline();
	grace_thread_unregister();
	return NULL;
}

START_TEST(deferred_waits_for_a_reader_on_line)
{
	const struct timespec pause = {0, 50000000};
	struct thing *old = thing_new();
	pthread_t thread;
	int seen = 0;

	atomic_store(&freed, 0);
	sem_init(&reading, 0, 0);
	sem_init(&go_on, 0, 0);
	grace_store(&published, old);
	pthread_create(&thread, NULL, reader_that_stays, &seen);
	sem_wait(&reading);
	grace_store(&published, NULL);
	grace_defer(&old->head, thing_free);
	nanosleep(&pause, NULL);
	ck_assert_int_eq(atomic_load(&freed), 0);
	sem_post(&go_on);
	pthread_join(thread, NULL);
	grace_barrier();
	ck_assert_int_eq(seen, 1);
	ck_assert_int_eq(atomic_load(&freed), 1);
}
END_TEST

static _Atomic bool must_stop;
static _Atomic int faults;

static void *reader_that_turns(void *argument)
{
	(void)argument;
	grace_thread_register();
	while (!atomic_load(&must_stop)) {
		grace_online();
		for (int i = 0; i < 64; i++) {
			struct thing *thing = grace_load(&published);

			if (atomic_load(&thing->value) != 1) {
				atomic_fetch_add(&faults, 1);
			}
			grace_quiescent();
		}
		grace_offline();
	}
	grace_thread_unregister();
	return NULL;
}

START_TEST(readers_never_see_what_was_freed)
{
	enum {
		TURNS = 2000
	};
	pthread_t threads[2];

	atomic_store(&freed, 0);
	atomic_store(&must_stop, false);
	atomic_store(&faults, 0);
	grace_store(&published, thing_new());
	for (int i = 0; i < 2; i++) {
		pthread_create(&threads[i], NULL, reader_that_turns, NULL);
	}
	for (int i = 0; i < TURNS; i++) {
		struct thing *old = grace_load(&published);

		grace_store(&published, thing_new());
		grace_defer(&old->head, thing_free);
	}
	atomic_store(&must_stop, true);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
	}
	grace_defer(grace_load(&published), thing_free);
	grace_barrier();
	ck_assert_int_eq(atomic_load(&faults), 0);
	ck_assert_int_eq(atomic_load(&freed), TURNS + 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("grace");
	TCase *tcase = tcase_create("grace");
	SRunner *runner = srunner_create(suite);
	int failed;

	/* A forked child would have no reclaimer. */
	srunner_set_fork_status(runner, CK_NOFORK);
	tcase_add_test(tcase, deferred_runs_without_readers);
	tcase_add_test(tcase, idle_process_frees_within_a_second);
	tcase_add_test(tcase, deferred_waits_for_a_reader_on_line);
	tcase_add_test(tcase, readers_never_see_what_was_freed);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
