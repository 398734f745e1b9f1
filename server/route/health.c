/*
 * health.c - see health.h for the machine.
 *
 * After each event the state of affairs is looked at as a whole (find_fault),
 * instead of a transition for each pair of state and event: there is one order in
 * which faults are named, and no path by which one could be forgotten.
 *
 * What is evidence of overload? Progress alone is not: with traffic on another
 * address the counters move while the probed one is dead, and a site that
 * stays announced then is a black hole. So there must be more work than is
 * done: the kernel drops queries before the queue, or queries wait in it while
 * batches are taken out, or batches are full. A flood gives all three within the
 * window; a filtered address or a closed port gives none.
 */
#include "server/route/health.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const char *health_state_text(enum health_state state)
{
	static const char *const texts[] = {
		[HEALTH_STARTING] = "starting",
		[HEALTH_HEALTHY] = "healthy",
		[HEALTH_OVERLOAD] = "overload",
		[HEALTH_FAILED] = "failed",
	};

	return texts[state];
}

const char *health_reason_text(enum health_reason reason)
{
	static const char *const texts[] = {
#define HEALTH_REASON_TEXT(name, text) [HEALTH_REASON_##name] = (text),
		HEALTH_REASON_LIST(HEALTH_REASON_TEXT)
#undef HEALTH_REASON_TEXT
	};

	return texts[reason];
}

void health_report_add(struct health_report *report, unsigned worker,
		       const char *transport, uint64_t last_pass_ms,
		       const struct health_totals *totals)
{
	bool is_tcp = strcmp(transport, "tcp") == 0;
	struct health_totals *sum =
		&report->totals[is_tcp ? HEALTH_TCP : HEALTH_UDP];

	sum->batches += totals->batches;
	sum->queries += totals->queries;
	sum->drops += totals->drops;
	sum->waiting += totals->waiting;
	if (last_pass_ms >= report->oldest_pass_ms) {
		report->oldest_pass_ms = last_pass_ms;
		report->oldest_worker = worker;
		snprintf(report->oldest_transport,
			 sizeof(report->oldest_transport), "%s", transport);
	}
}

void health_init(struct health *health, const struct config_health *config,
		 struct health_target *targets, size_t target_count,
		 const size_t *zones, size_t zone_count, uint64_t now)
{
	assert(target_count > 0);
	*health = (struct health){
		.config = config,
		.state = HEALTH_STARTING,
		.reason = HEALTH_REASON_NO_NAMESERVER,
		.since = now,
		.targets = targets,
		.target_count = target_count,
		.zones = zones,
		.zone_count = zone_count,
	};
}

/* Commands stand behind the groups. */
static size_t groups_end(const struct health *health)
{
	size_t end = health->target_count;

	while (end > 0 && health->targets[end - 1].group == HEALTH_COMMANDS) {
		end--;
	}
	return end;
}

/* The first target behind the group that begins at index. */
static size_t group_end(const struct health *health, size_t index)
{
	size_t end = index + 1;

	while (end < health->target_count &&
	       health->targets[end].group == health->targets[index].group) {
		end++;
	}
	return end;
}

/* Of the group that begins at index: good rounds of its worst target. */
static unsigned group_rounds(const struct health *health, size_t index,
			     size_t end)
{
	unsigned least = health->targets[index].good;

	for (size_t i = index + 1; i < end; i++) {
		if (health->targets[i].good < least) {
			least = health->targets[i].good;
		}
	}
	return least;
}

/* How many groups have so many good rounds at least? */
static size_t groups_with(const struct health *health, unsigned rounds)
{
	size_t count = 0;
	size_t end;

	for (size_t i = 0; i < groups_end(health); i = end) {
		end = group_end(health, i);
		count += group_rounds(health, i, end) >= rounds;
	}
	return count;
}

/* How many groups must be good. */
static size_t groups_needed(const struct health *health)
{
	return health->cover > 0 ? health->cover : groups_with(health, 0);
}

unsigned health_good_rounds(const struct health *health)
{
	size_t needed = groups_needed(health);
	unsigned best = 0;
	size_t end;

	/* The most rounds that enough groups have. */
	for (size_t i = 0; i < groups_end(health); i = end) {
		unsigned rounds;

		end = group_end(health, i);
		rounds = group_rounds(health, i, end);
		if (rounds > best && groups_with(health, rounds) >= needed) {
			best = rounds;
		}
	}
	return best;
}

/* --- taking events -------------------------------------------------------- */

/* The first fault that other sites may share, or NONE. */
static enum health_reason find_shared(const struct health *health,
				      size_t *index)
{
	for (size_t i = 0;
	     health->zone_states != NULL && i < health->zone_count; i++) {
		if (health->zone_states[health->zones[i]] ==
		    HEALTH_ZONE_STALE) {
			*index = health->zones[i];
			return HEALTH_REASON_STALE;
		}
	}
	for (size_t i = groups_end(health); i < health->target_count; i++) {
		const struct health_target *target = &health->targets[i];

		if (target->is_shared && target->bad >= target->fall) {
			*index = i;
			return HEALTH_REASON_COMMAND;
		}
	}
	return HEALTH_REASON_NONE;
}

/* Since when is there such a fault? */
static void note_shared(struct health *health, uint64_t now)
{
	size_t index = 0;

	health->shared_reason = find_shared(health, &index);
	health->shared_index = index;
	if (health->shared_reason == HEALTH_REASON_NONE) {
		health->shared_since = 0;
	} else if (health->shared_since == 0) {
		health->shared_since = now;
	}
}

void health_renew(struct health *health, uint64_t now)
{
	health->reason = HEALTH_REASON_NONE;
	health->reason_index = 0;
	note_shared(health, now);
}

bool health_is_shared(const struct health *health, uint64_t now)
{
	return health->shared_since != 0 &&
	       now - health->shared_since >= health->shared_grace_ms;
}

static void take_report(struct health *health,
			const struct health_report *report, uint64_t now)
{
	struct health_sample *sample =
		&health->samples[health->sample_count++ % HEALTH_SAMPLES];

	health->has_report = true;
	health->reported_at = now;
	health->is_planned = report->is_stopping;
	health->workers = report->workers;
	health->oldest_worker = report->oldest_worker;
	health->oldest_pass_ms = report->oldest_pass_ms;
	health->zone_states = report->zones;
	health->zones_fit = report->zones_fit;
	note_shared(health, now);
	sample->at = now;
	memcpy(sample->totals, report->totals, sizeof(sample->totals));
}

static void take_probe(struct health *health, size_t index,
		       enum probe_verdict verdict, uint64_t now)
{
	struct health_target *target = &health->targets[index];

	assert(index < health->target_count);
	if (target->group != HEALTH_COMMANDS) {
		health->probed_at = now;
	}
	if (verdict == PROBE_GOOD) {
		target->good++;
		target->bad = 0;
		target->wrong = 0;
	} else {
		target->good = 0;
		target->bad++;
		target->wrong += verdict == PROBE_WRONG;
	}
	if (target->is_shared) {
		note_shared(health, now);
	}
}

/* Another process, or none: nothing that was counted holds any more. */
static void forget(struct health *health, bool is_connected, uint64_t now)
{
	health->is_connected = is_connected;
	health->has_report = false;
	health->reported_at = now;
	health->sample_count = 0;
	health->zone_states = NULL;
	health->zones_fit = 0;
	/* Commands do not ask the nameserver alone; they run on. */
	for (size_t i = 0; i < groups_end(health); i++) {
		health->targets[i].good = 0;
		health->targets[i].bad = 0;
		health->targets[i].wrong = 0;
	}
}

/* --- looking at the whole ------------------------------------------------- */

/* The sample so many reports back; 0 is the last one. */
static const struct health_sample *sample_at(const struct health *health,
					     size_t back)
{
	return &health->samples[(health->sample_count - 1 - back) %
				HEALTH_SAMPLES];
}

/* Of a running total; one that went back says nothing. */
static uint64_t growth(uint64_t earlier, uint64_t later)
{
	return later > earlier ? later - earlier : 0;
}

/* Is there more work than is done? See the head of this file. */
static bool is_busy(const struct health *health, uint64_t now)
{
	size_t kept = health->sample_count < HEALTH_SAMPLES
			      ? health->sample_count
			      : HEALTH_SAMPLES;
	struct health_totals done[HEALTH_TRANSPORTS] = {{0}};
	unsigned waiting[HEALTH_TRANSPORTS] = {0};
	unsigned steps = 0;

	for (size_t i = 0; i + 1 < kept; i++) {
		const struct health_sample *later = sample_at(health, i);
		const struct health_sample *earlier = sample_at(health, i + 1);

		if (earlier->at + HEALTH_WINDOW_MS < now) {
			break;
		}
		steps++;
		for (unsigned t = 0; t < HEALTH_TRANSPORTS; t++) {
			const struct health_totals *a = &earlier->totals[t];
			const struct health_totals *b = &later->totals[t];

			done[t].batches += growth(a->batches, b->batches);
			done[t].queries += growth(a->queries, b->queries);
			done[t].drops += growth(a->drops, b->drops);
			waiting[t] += b->waiting > 0 && b->batches > a->batches;
		}
	}
	for (unsigned t = 0; t < HEALTH_TRANSPORTS; t++) {
		if (done[t].drops > 0 ||
		    (waiting[t] > 1 && waiting[t] * 2 >= steps) ||
		    (done[t].batches > 0 &&
		     done[t].queries >= done[t].batches * HEALTH_BUSY_BATCH)) {
			return true;
		}
	}
	return false;
}

/* How long results may stay away before the prober itself is in doubt. */
static uint64_t probe_silence(const struct config_health *config)
{
	return (uint64_t)config->interval_ms * (config->fall + 1) +
	       config->timeout_ms;
}

/* What is wrong with one group: NONE, OVERLOAD, SILENT or WRONG. */
static enum health_reason group_fault(const struct health *health, size_t first,
				      size_t end, uint64_t now, size_t *index)
{
	enum health_reason lost = HEALTH_REASON_NONE;

	for (size_t i = first; i < end; i++) {
		const struct health_target *target = &health->targets[i];

		if (target->bad < health->config->fall) {
			continue;
		}
		*index = i;
		if (target->wrong > 0) {
			return HEALTH_REASON_WRONG;
		}
		if (!is_busy(health, now)) {
			return HEALTH_REASON_SILENT;
		}
		lost = HEALTH_REASON_OVERLOAD;
	}
	return lost;
}

/* What the probes show: enough groups are good, or answer but for a flood. */
static enum health_reason find_lost(const struct health *health, uint64_t now,
				    size_t *index)
{
	enum health_reason reason = HEALTH_REASON_NONE;
	size_t needed = groups_needed(health);
	size_t good = 0;
	size_t lost = 0;
	size_t end;

	for (size_t i = 0; i < groups_end(health); i = end) {
		enum health_reason fault;
		size_t at;

		end = group_end(health, i);
		fault = group_fault(health, i, end, now, &at);
		if (fault == HEALTH_REASON_NONE) {
			good++;
			continue;
		}
		lost += fault == HEALTH_REASON_OVERLOAD;
		/* The first is named, but a failure before a loss. */
		if (reason == HEALTH_REASON_NONE ||
		    (reason == HEALTH_REASON_OVERLOAD && fault != reason)) {
			reason = fault;
			*index = at;
		}
	}
	if (good >= needed) {
		*index = 0;
		return HEALTH_REASON_NONE;
	}
	/* A failure beside a flood: those that are lost to it still count. */
	return good + lost >= needed ? HEALTH_REASON_OVERLOAD : reason;
}

/* The first thing that is wrong, or NONE. OVERLOAD is no failure. */
static enum health_reason find_fault(const struct health *health, uint64_t now,
				     size_t *index)
{
	enum health_reason lost = HEALTH_REASON_NONE;

	*index = 0;
	if (!health->is_connected) {
		return HEALTH_REASON_NO_NAMESERVER;
	}
	if (!health->has_report ||
	    now - health->reported_at >= HEALTH_SILENCE_MS) {
		return HEALTH_REASON_NO_REPORT;
	}
	if (health->workers == 0) {
		return HEALTH_REASON_NO_WORKERS;
	}
	if (health->oldest_pass_ms >= HEALTH_STALL_MS) {
		*index = health->oldest_worker;
		return HEALTH_REASON_STALLED;
	}
	for (size_t i = 0; i < health->zone_count; i++) {
		if (health->zone_states == NULL ||
		    health->zone_states[health->zones[i]] <
			    HEALTH_ZONE_SERVED) {
			*index = health->zones[i];
			return HEALTH_REASON_ZONE;
		}
	}
	if (health->zone_count == 0 && health->zones_fit == 0) {
		return HEALTH_REASON_NO_ZONES;
	}
	if (health->shared_fails && health_is_shared(health, now)) {
		*index = health->shared_index;
		return health->shared_reason;
	}
	for (size_t i = groups_end(health); i < health->target_count; i++) {
		if (!health->targets[i].is_shared &&
		    health->targets[i].bad >= health->targets[i].fall) {
			*index = i;
			return HEALTH_REASON_COMMAND;
		}
	}
	lost = find_lost(health, now, index);
	if (lost != HEALTH_REASON_NONE && lost != HEALTH_REASON_OVERLOAD) {
		return lost;
	}
	if (health->probed_at != 0 &&
	    now - health->probed_at > probe_silence(health->config)) {
		return HEALTH_REASON_NO_PROBES;
	}
	return lost;
}

static void enter(struct health *health, enum health_state state, uint64_t now)
{
	if (health->state != state) {
		health->state = state;
		health->since = now;
	}
}

/* A failure of what was up: recovery waits, twice as long as last time. */
static void fail(struct health *health, uint64_t now)
{
	const struct config_health *config = health->config;
	uint64_t wait = health->hold_down_ms * 2;

	if (wait < config->hold_down_ms) {
		wait = config->hold_down_ms;
	}
	if (wait > config->hold_down_max_ms) {
		wait = config->hold_down_max_ms;
	}
	health->hold_down_ms = wait;
	health->hold_until = now + wait;
	health->decay_at = 0;
	health->failures++;
	enter(health, HEALTH_FAILED, now);
	for (size_t i = 0; i < health->target_count; i++) {
		/* A round that was good before the failure proves nothing. */
		health->targets[i].good = 0;
	}
}

static void decay(struct health *health, uint64_t now)
{
	if (health->decay_at == 0 || now < health->decay_at) {
		return;
	}
	health->hold_down_ms /= 2;
	if (health->hold_down_ms < health->config->hold_down_ms) {
		health->hold_down_ms = 0;
	}
	health->decay_at = health->hold_down_ms == 0
				   ? 0
				   : now + health->hold_down_ms * HEALTH_DECAY;
}

static void judge_up(struct health *health, enum health_reason fault,
		     uint64_t now)
{
	if (fault == HEALTH_REASON_OVERLOAD) {
		enter(health, HEALTH_OVERLOAD, now);
	} else if (fault != HEALTH_REASON_NONE && health->is_planned) {
		/* It said that it is stopping: no failure, no hold-down. */
		enter(health, HEALTH_STARTING, now);
	} else if (fault != HEALTH_REASON_NONE) {
		fail(health, now);
	} else if (health->state == HEALTH_OVERLOAD) {
		if (health_good_rounds(health) >= health->config->rise) {
			enter(health, HEALTH_HEALTHY, now);
		}
	}
}

/* Has each command said 'good' often enough? A shared one holds nobody up. */
static bool commands_are_good(const struct health *health)
{
	for (size_t i = groups_end(health); i < health->target_count; i++) {
		if (!health->targets[i].is_shared &&
		    health->targets[i].good < health->targets[i].rise) {
			return false;
		}
	}
	return true;
}

uint64_t health_wait_ms(const struct health *health, uint64_t now)
{
	unsigned rounds = health_good_rounds(health);
	uint64_t held = health->hold_until > now ? health->hold_until - now : 0;
	uint64_t proof = 0;

	if (health_is_up(health)) {
		return 0;
	}
	if (rounds < health->config->rise) {
		proof = (uint64_t)(health->config->rise - rounds) *
			health->config->interval_ms;
	}
	return held > proof ? held : proof;
}

static void judge_down(struct health *health, enum health_reason *fault,
		       uint64_t now)
{
	if (*fault != HEALTH_REASON_NONE) {
		return;
	}
	if (now < health->hold_until) {
		*fault = HEALTH_REASON_HOLD_DOWN;
		return;
	}
	if (health_good_rounds(health) < health->config->rise) {
		*fault = HEALTH_REASON_ROUNDS;
		return;
	}
	if (!commands_are_good(health)) {
		*fault = HEALTH_REASON_COMMAND;
		return;
	}
	enter(health, HEALTH_HEALTHY, now);
	if (health->hold_down_ms > 0) {
		health->decay_at = now + health->hold_down_ms * HEALTH_DECAY;
	}
}

bool health_step(struct health *health, const struct health_event *event,
		 uint64_t now)
{
	enum health_state state = health->state;
	enum health_reason reason = health->reason;
	enum health_reason fault;
	size_t index;

	switch (event->type) {
	case HEALTH_EVENT_CONNECTED:
		forget(health, true, now);
		health->is_planned = false;
		break;
	case HEALTH_EVENT_LOST:
		forget(health, false, now);
		break;
	case HEALTH_EVENT_REPORT:
		take_report(health, event->report, now);
		break;
	case HEALTH_EVENT_PROBE:
		take_probe(health, event->target, event->verdict, now);
		break;
	case HEALTH_EVENT_TICK:
		break;
	}
	decay(health, now);
	fault = find_fault(health, now, &index);
	if (health_is_up(health)) {
		judge_up(health, fault, now);
	} else {
		judge_down(health, &fault, now);
	}
	if (health->state == HEALTH_OVERLOAD && fault == HEALTH_REASON_NONE) {
		/* Not yet long enough without loss to be called healthy. */
		fault = HEALTH_REASON_ROUNDS;
	}
	health->reason = fault;
	health->reason_index = index;
	return health->state != state || health->reason != reason;
}
