/*
 * incident.h - which causes and decisions belong together.
 *
 * An incident of a prefix begins with what set it off: the first probe that is
 * not answered, the end of the nameserver, a command; it lasts over the decision
 * that follows. Recovery is an incident of its own, begun by the first good sign.
 * A fault that hits several prefixes within INCIDENT_SHARED_MS is one incident.
 * What an operator asks for is always a new one. Pure, but for the numbers.
 */
#pragma once

#include "server/route/events.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	INCIDENT_SHARED_MS = 1000,
};

/* Of one prefix. All zero at first. */
struct incident {
	uint64_t number; /* 0: nothing goes on */
	bool is_bad;     /* it leads away from being announced */
	bool is_decided; /* what it led to has been decided */
};

/* The youngest that were begun, over all prefixes: recovery, fault. */
struct incident_recent {
	uint64_t number[2];
	uint64_t at[2]; /* ms */
};

/*
 * A sign has come: is_bad, of a prefix that is_up (health) or not. Returns the
 * number of the incident that it belongs to; 0: it is no news.
 */
uint64_t incident_sign(struct incident *incident,
		       struct incident_recent *recent, struct events *events,
		       bool is_bad, bool is_up, uint64_t now);

/* All signs are good and the prefix is up: what went on is over. */
void incident_end(struct incident *incident);

/* What was decided on the prefix followed from it. Returns its number. */
uint64_t incident_decided(struct incident *incident, bool is_announced);
