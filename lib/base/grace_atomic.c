/*
 * grace_atomic.c - grace periods by C11 atomics, for ThreadSanitizer builds.
 *
 * A clock of periods that only goes forward; each reader shows the period in
 * which it was last quiescent, 0 while off-line. One thread takes what was
 * deferred, moves the clock, and waits until every reader shows 0 or the new
 * period. Simple rather than fast: readers share one cache line of the clock.
 *
 * Order: a reader shows its period, then touches the clock with a
 * read-modify-write; the reclaimer touches it the same way after the pointers
 * were replaced. Whichever comes second in the clock's modification order sees
 * what the first did before: either the reader finds the new pointers, or the
 * reclaimer finds the reader.
 */
#include "lib/base/grace.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct reader {
	_Atomic uint64_t period; /* 0: off-line */
	struct reader *next;     /* under lock */
};

struct deferred {
	struct deferred *next;
	grace_func func;
};

_Static_assert(sizeof(struct deferred) <= sizeof(struct grace_head),
	       "grace_head must hold a link and a function");

static _Atomic uint64_t clock_period = 1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;
static struct reader *readers;
static struct deferred *queue;
static struct deferred **queue_tail = &queue;
static uint64_t deferred_count;
static uint64_t run_count;
static _Thread_local struct reader *self;

void grace_thread_register(void)
{
	assert(self == NULL);
	self = calloc(1, sizeof(*self));
	if (self == NULL) {
		abort();
	}
	pthread_mutex_lock(&lock);
	self->next = readers;
	readers = self;
	pthread_mutex_unlock(&lock);
}

void grace_thread_unregister(void)
{
	pthread_mutex_lock(&lock);
	for (struct reader **at = &readers; *at != NULL; at = &(*at)->next) {
		if (*at == self) {
			*at = self->next;
			break;
		}
	}
	pthread_mutex_unlock(&lock);
	free(self);
	self = NULL;
}

void grace_online(void)
{
	uint64_t now = atomic_load(&clock_period);

	assert(atomic_load(&self->period) == 0);
	atomic_store(&self->period, now);
	atomic_fetch_add(&clock_period, 0);
}

void grace_offline(void)
{
	atomic_store_explicit(&self->period, 0, memory_order_release);
}

void grace_quiescent(void)
{
	grace_offline();
	grace_online();
}

/* Under lock: has every reader passed the period? */
static bool has_passed(uint64_t period)
{
	for (struct reader *reader = readers; reader != NULL;
	     reader = reader->next) {
		uint64_t seen = atomic_load(&reader->period);

		if (seen != 0 && seen < period) {
			return false;
		}
	}
	return true;
}

/* Take the queue as it is and run it one grace period later. */
static void run_batch(void)
{
	const struct timespec pause = {0, 1000000};
	struct deferred *batch = queue;
	uint64_t period;
	uint64_t count = 0;

	queue = NULL;
	queue_tail = &queue;
	period = atomic_fetch_add(&clock_period, 1) + 1;
	while (!has_passed(period)) {
		pthread_mutex_unlock(&lock);
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&lock);
	}
	pthread_mutex_unlock(&lock);
	while (batch != NULL) {
		struct deferred *next = batch->next;

		batch->func((struct grace_head *)(void *)batch);
		batch = next;
		count++;
	}
	pthread_mutex_lock(&lock);
	run_count += count;
	pthread_cond_broadcast(&woken);
}

static void *reclaimer_main(void *argument)
{
	(void)argument;
	pthread_mutex_lock(&lock);
	for (;;) {
		while (queue == NULL) {
			pthread_cond_wait(&woken, &lock);
		}
		run_batch();
	}
	return NULL;
}

static void start_reclaimer(void)
{
	pthread_t thread;
	sigset_t all;
	sigset_t before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, reclaimer_main, NULL) != 0) {
		abort();
	}
	pthread_detach(thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void grace_defer(struct grace_head *head, grace_func func)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct deferred *deferred = (struct deferred *)(void *)head;

	pthread_once(&once, start_reclaimer);
	deferred->next = NULL;
	deferred->func = func;
	pthread_mutex_lock(&lock);
	*queue_tail = deferred;
	queue_tail = &deferred->next;
	deferred_count++;
	pthread_cond_broadcast(&woken);
	pthread_mutex_unlock(&lock);
}

void grace_barrier(void)
{
	uint64_t goal;

	pthread_mutex_lock(&lock);
	goal = deferred_count;
	while (run_count < goal) {
		pthread_cond_wait(&woken, &lock);
	}
	pthread_mutex_unlock(&lock);
}
