/*
 * events.h - what happened, and when: the ring that 'route log' shows.
 *
 * From the cause (a probe, an operator, the end of a session) over the decision
 * and the UPDATE to the peer's acknowledgement, each with both clocks, so that
 * 'why were we withdrawn at 03:12, and how long did it take?' has an answer.
 * What belongs together carries the same incident, a number counted from 1.
 *
 * Any thread notes, and none ever waits: no lock, no memory, no system call but
 * the clocks'. The oldest are overwritten. One thread reads.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct events;

enum {
	EVENTS_MAX = 4096,    /* a power of two */
	EVENT_TEXT_MAX = 200, /* octets with the zero; longer text is cut */
	EVENT_NONE =
		UINT16_MAX, /* of prefix and peer: concerns no single one */
};

/* X(name, text): kinds, in the order in which they follow each other. */
#define EVENT_KIND_LIST(X)                                                   \
	X(PROBE, "probe")           /* its result changed */                 \
	X(NAMESERVER, "nameserver") /* came, went, is stopping */            \
	X(COMMAND, "command")       /* by the operator; a file */            \
	X(BFD, "bfd")                                                        \
	X(SESSION, "session") /* up or down */                               \
	X(LEASE, "lease")     /* the deciding part is silent */              \
	X(HEALTH, "health")                                                  \
	X(DRAIN, "drain")               /* a step of a drain or stop */      \
	X(DECISION, "decision")         /* announced, draining, withdrawn */ \
	X(UPDATE, "update")             /* made, and put in TCP's way */     \
	X(WRITTEN, "written")           /* TCP has all UPDATEs so far */     \
	X(ACKNOWLEDGED, "acknowledged") /* the peer's TCP has them */

enum event_kind {
#define EVENT_KIND_ENUM(name, text) EVENT_##name,
	EVENT_KIND_LIST(EVENT_KIND_ENUM)
#undef EVENT_KIND_ENUM
	EVENT_KINDS,
};

struct event {
	uint64_t number;   /* from 1, in the order of noting */
	uint64_t at_ns;    /* monotonic */
	int64_t wall_us;   /* since 1970 */
	uint64_t incident; /* 0: stands alone */
	uint16_t kind;     /* enum event_kind */
	uint16_t prefix;   /* of the configuration, or EVENT_NONE */
	uint16_t peer;     /* likewise */
	uint16_t unused;
	char text[EVENT_TEXT_MAX];
};

/* NULL: no memory. */
struct events *events_new(void);
void events_free(struct events *events);

/* A new incident's number. events may be NULL: 0. Any thread. */
uint64_t events_incident(struct events *events);

/* Note an event. events may be NULL: nothing is noted. Any thread. */
void events_note(struct events *events, enum event_kind kind, uint64_t incident,
		 size_t prefix, size_t peer, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/*
 * Copy the newest, at most max of them, the oldest first. Those that are being
 * written just now are left out. Returns how many.
 */
size_t events_read(const struct events *events, struct event *out, size_t max);

/* Ever noted. More than EVENTS_MAX: the oldest are gone. */
uint64_t events_count(const struct events *events);

/* "probe"; static. "?" for what is no kind. */
const char *event_kind_text(unsigned kind);
