/*
 * grace.h - publication to readers that never wait (RCU, quiescent-state
 * based).
 *
 * A reader thread registers once. It is off-line whenever it may sleep; it goes
 * on-line at the head of each piece of work that follows published pointers and
 * off-line (or through a quiescent point) at its end. What was reachable before
 * a quiescent point may be gone after it. Writers publish with one store and
 * hand what they replaced to grace_defer(), which never blocks.
 *
 * Two bodies: grace_urcu.c (liburcu QSBR) and, for ThreadSanitizer builds,
 * which cannot see into Debian's liburcu, grace_atomic.c (C11 atomics).
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

/* Embedded in what is to be freed; opaque, owned by grace until called. */
struct grace_head {
	void *opaque[4];
};

typedef void (*grace_func)(struct grace_head *head);

/* A reader thread, before its first and after its last section. Starts
 * off-line. */
void grace_thread_register(void);
void grace_thread_unregister(void);

/* Reader: enter and leave; on-line calls must not nest. */
void grace_online(void);
void grace_offline(void);

/* Reader, on-line: nothing found before this point is held any longer. */
void grace_quiescent(void);

/*
 * Writer: run func(head), on a thread of grace's own, once every reader that
 * was on-line now has been quiescent. Never blocks. Any thread, registered or
 * not.
 */
void grace_defer(struct grace_head *head, grace_func func);

/*
 * Wait until every grace_defer() before this call has run. Not from a reader.
 */
void grace_barrier(void);

/* One published pointer: stored with release, loaded with acquire order. */
struct grace_pointer {
	_Atomic(void *) value;
};

static inline void *grace_load(const struct grace_pointer *pointer)
{
	return atomic_load_explicit(&pointer->value, memory_order_acquire);
}

static inline void grace_store(struct grace_pointer *pointer, void *value)
{
	atomic_store_explicit(&pointer->value, value, memory_order_release);
}
