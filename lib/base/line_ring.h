/*
 * line_ring.h - lines from many threads to one, without a wait.
 *
 * Bounded and lock-free: who puts a line in never waits, neither for the reader
 * nor for another writer that was stopped half-way; where the ring is full the
 * line is dropped and counted. A writer that stands still in the middle of a line
 * holds back only what comes behind it. Lines of one writer keep their order.
 */
#pragma once

#include "lib/base/log.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LINE_RING_SLOTS = 256, /* a power of two */
};

struct line_ring_slot {
	/*
	 * Position p may be written when this is p, read when it is p + 1.
	 * Released by who is done, acquired by who comes next.
	 */
	_Atomic uint64_t turn;
	size_t size;
	char text[LOG_LINE_MAX];
};

/* Lifetime: process. */
struct line_ring {
	_Atomic uint64_t head;    /* where the next writer writes */
	_Atomic uint64_t dropped; /* since line_ring_dropped() */
	_Atomic uint64_t tail;    /* the reader's; others only look */
	struct line_ring_slot slots[LINE_RING_SLOTS];
};

void line_ring_init(struct line_ring *ring);

/* size: at most LOG_LINE_MAX. False: full, dropped. Any thread, never waits. */
bool line_ring_put(struct line_ring *ring, const char *line, size_t size);

/* The oldest line; its size, 0 where there is none. One thread only. */
size_t line_ring_take(struct line_ring *ring, char line[LOG_LINE_MAX]);

/* Is all that was put in taken out? Any thread. */
bool line_ring_is_empty(const struct line_ring *ring);

/* Lines dropped since the last call. */
uint64_t line_ring_dropped(struct line_ring *ring);
