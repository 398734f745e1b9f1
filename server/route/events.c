/*
 * events.c - see events.h.
 *
 * A slot is a sequence number and the event as words. Writing turn t:
 *
 *	sequence   2t - 1       words...       2t
 *	           'written'                   'holds number t'
 *
 * A reader copies the words and looks at the sequence before and after: any
 * change spoils the copy. Words are stored with release and read with acquire
 * order, so that who sees a new word sees the odd number before it, too; plain
 * fences would do the same, but ThreadSanitizer does not know them. A writer that
 * finds its slot taken by another (the ring went round once while it stood still)
 * lets its event go: nobody waits, whatever stands still.
 */
#include "server/route/events.h"

#include "lib/base/clock.h"

#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORDS = sizeof(struct event) / sizeof(uint64_t),
};

static_assert(sizeof(struct event) % sizeof(uint64_t) == 0,
	      "an event is made of whole words");

struct slot {
	_Atomic uint64_t sequence;
	_Atomic uint64_t words[WORDS];
};

struct events {
	_Atomic uint64_t count;
	_Atomic uint64_t incidents;
	struct slot slots[EVENTS_MAX];
};

struct events *events_new(void)
{
	return calloc(1, sizeof(struct events));
}

void events_free(struct events *events)
{
	free(events);
}

uint64_t events_incident(struct events *events)
{
	return events == NULL
		       ? 0
		       : 1 + atomic_fetch_add_explicit(&events->incidents, 1,
						       memory_order_relaxed);
}

static struct slot *slot_of(const struct events *events, uint64_t number)
{
	/* The ring is not part of what 'const' promises. */
	return (struct slot *)&events->slots[number % EVENTS_MAX];
}

static void put(struct events *events, const struct event *event)
{
	struct slot *slot = slot_of(events, event->number);
	uint64_t before =
		atomic_load_explicit(&slot->sequence, memory_order_relaxed);
	uint64_t words[WORDS];

	if (before % 2 != 0 || before > 2 * event->number - 1 ||
	    !atomic_compare_exchange_strong_explicit(
		    &slot->sequence, &before, 2 * event->number - 1,
		    memory_order_acquire, memory_order_relaxed)) {
		return;
	}
	memcpy(words, event, sizeof(words));
	for (size_t i = 0; i < WORDS; i++) {
		atomic_store_explicit(&slot->words[i], words[i],
				      memory_order_release);
	}
	atomic_store_explicit(&slot->sequence, 2 * event->number,
			      memory_order_release);
}

void events_note(struct events *events, enum event_kind kind, uint64_t incident,
		 size_t prefix, size_t peer, const char *format, ...)
{
	struct event event;
	struct timespec wall;
	va_list arguments;

	if (events == NULL) {
		return;
	}
	memset(&event, 0, sizeof(event));
	event.at_ns = clock_monotonic_ns();
	clock_gettime(CLOCK_REALTIME, &wall);
	event.wall_us = (int64_t)wall.tv_sec * 1000000 + wall.tv_nsec / 1000;
	event.incident = incident;
	event.kind = (uint16_t)kind;
	event.prefix = (uint16_t)prefix;
	event.peer = (uint16_t)peer;
	va_start(arguments, format);
	vsnprintf(event.text, sizeof(event.text), format, arguments);
	va_end(arguments);
	event.number = 1 + atomic_fetch_add_explicit(&events->count, 1,
						     memory_order_relaxed);
	put(events, &event);
}

/* False: overwritten, or being written. */
static bool get(const struct events *events, uint64_t number, struct event *out)
{
	struct slot *slot = slot_of(events, number);
	uint64_t words[WORDS];

	if (atomic_load_explicit(&slot->sequence, memory_order_acquire) !=
	    2 * number) {
		return false;
	}
	for (size_t i = 0; i < WORDS; i++) {
		words[i] = atomic_load_explicit(&slot->words[i],
						memory_order_acquire);
	}
	if (atomic_load_explicit(&slot->sequence, memory_order_relaxed) !=
	    2 * number) {
		return false;
	}
	memcpy(out, words, sizeof(words));
	return true;
}

size_t events_read(const struct events *events, struct event *out, size_t max)
{
	uint64_t count = events_count(events);
	uint64_t number = 1;
	size_t found = 0;

	if (max > EVENTS_MAX) {
		max = EVENTS_MAX;
	}
	if (count > max) {
		number = count - max + 1;
	}
	for (; number <= count; number++) {
		found += get(events, number, &out[found]);
	}
	return found;
}

uint64_t events_count(const struct events *events)
{
	return atomic_load_explicit(&events->count, memory_order_relaxed);
}

const char *event_kind_text(unsigned kind)
{
	static const char *const texts[] = {
#define EVENT_KIND_TEXT(name, text) text,
		EVENT_KIND_LIST(EVENT_KIND_TEXT)
#undef EVENT_KIND_TEXT
	};

	return kind < EVENT_KINDS ? texts[kind] : "?";
}
