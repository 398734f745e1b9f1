/*
 * grace_urcu.c - grace periods by liburcu, quiescent-state based.
 *
 * The body behind grace.h for every build but ThreadSanitizer's. call_rcu()
 * hands callbacks to one thread of liburcu's, made at the first grace_defer();
 * it may be called from threads that are not registered, since that thread is
 * never replaced.
 */
#include "lib/base/grace.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <urcu-qsbr.h>
#include <urcu-call-rcu.h>

/* How liburcu's head and our function share a struct grace_head. */
struct deferred {
	struct rcu_head head;
	grace_func func;
};

_Static_assert(sizeof(struct deferred) <= sizeof(struct grace_head),
	       "grace_head must hold liburcu's head and a function");

void grace_thread_register(void)
{
	rcu_register_thread();
	rcu_thread_offline();
}

void grace_thread_unregister(void)
{
	rcu_unregister_thread();
}

void grace_online(void)
{
	rcu_thread_online();
}

void grace_offline(void)
{
	rcu_thread_offline();
}

void grace_quiescent(void)
{
	rcu_quiescent_state();
}

static void deferred_run(struct rcu_head *head)
{
	struct deferred *deferred =
		caa_container_of(head, struct deferred, head);

	deferred->func((struct grace_head *)deferred);
}

/* Signals are the programs' own business: liburcu's thread takes none. */
static void start_reclaimer(void)
{
	sigset_t all;
	sigset_t before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	(void)get_default_call_rcu_data();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void grace_defer(struct grace_head *head, grace_func func)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct deferred *deferred = (struct deferred *)(void *)head;

	pthread_once(&once, start_reclaimer);
	deferred->func = func;
	call_rcu(&deferred->head, deferred_run);
}

void grace_barrier(void)
{
	rcu_barrier();
}
