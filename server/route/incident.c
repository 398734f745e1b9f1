#include "server/route/incident.h"

static uint64_t begin(struct incident *incident, struct incident_recent *recent,
		      struct events *events, bool is_bad, uint64_t now)
{
	uint64_t *number = &recent->number[is_bad];

	if (*number == 0 || now - recent->at[is_bad] >= INCIDENT_SHARED_MS) {
		*number = events_incident(events);
		recent->at[is_bad] = now;
	}
	*incident = (struct incident){.number = *number, .is_bad = is_bad};
	return *number;
}

uint64_t incident_sign(struct incident *incident,
		       struct incident_recent *recent, struct events *events,
		       bool is_bad, bool is_up, uint64_t now)
{
	bool goes_on = incident->number != 0;

	if (is_up && !is_bad) {
		return incident->number; /* a fault that was none */
	}
	if (is_up) {
		goes_on = goes_on && incident->is_bad && !incident->is_decided;
	} else if (!is_bad) {
		goes_on = goes_on && !incident->is_bad;
	}
	/* Down and bad: it is the fault still, or a recovery that failed. */
	return goes_on ? incident->number
		       : begin(incident, recent, events, is_bad, now);
}

void incident_end(struct incident *incident)
{
	*incident = (struct incident){0};
}

uint64_t incident_decided(struct incident *incident, bool is_announced)
{
	uint64_t number = incident->number;

	if (is_announced) {
		incident_end(incident);
	} else {
		incident->is_decided = true;
	}
	return number;
}
