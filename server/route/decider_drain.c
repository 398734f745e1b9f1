/*
 * decider_drain.c - what is wished beside health: drains, what the operator
 * disabled, maintenance files, and the planned stop.
 *
 * A planned stop has one path for its two causes (the nameserver says that it is
 * stopping; this program is asked to stop): drain, withdraw, linger, release.
 */
#include "server/route/decider_internal.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "server/route/journal.h"
#include "server/route/steer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- drains --------------------------------------------------------------- */

/* Peers with a session, as a set; nobody where this is a dry run. */
static uint64_t established_peers(const struct decider *decider)
{
	struct speaker_status *status;
	uint64_t set = 0;

	if (decider->speaker == NULL) {
		return 0;
	}
	status = speaker_status(decider->speaker);
	if (status == NULL) {
		/* Unknown: a drain too long is better than none. */
		return SPEAKER_ALL_PEERS;
	}
	for (size_t i = 0; i < status->peer_count; i++) {
		if (status->peers[i].state == BGP_ESTABLISHED) {
			set |= UINT64_C(1) << i;
		}
	}
	speaker_status_free(status);
	return set;
}

/* Would anybody hear that this prefix is drained? */
static bool prefix_has_use(const struct decider *decider, size_t index,
			   uint64_t established)
{
	const struct config_route *config = decider->config;
	unsigned family = config->prefixes[index].prefix.family == AF_INET
				  ? BGP_IPV4
				  : BGP_IPV6;

	if (!health_is_up(&decider->prefixes[index].health)) {
		return false;
	}
	for (size_t i = 0; i < config->peer_count; i++) {
		if ((established >> i & 1) != 0 &&
		    decider->peer_drains[i].phase != DRAIN_DONE &&
		    (config_route_families(&config->peers[i]) & family) != 0) {
			return true;
		}
	}
	return false;
}

/* True: one has gone on. */
bool decider_step_drains(struct decider *decider, uint64_t now)
{
	const struct config_route *config = decider->config;
	bool is_running = false;
	bool changed = false;
	uint64_t established;

	for (size_t i = 0; i < config->prefix_count; i++) {
		is_running |= decider->prefix_drains[i].phase == DRAIN_RUNNING;
	}
	for (size_t i = 0; i < config->peer_count; i++) {
		is_running |= decider->peer_drains[i].phase == DRAIN_RUNNING;
	}
	if (!is_running) {
		return false;
	}
	established = established_peers(decider);
	for (size_t i = 0; i < config->prefix_count; i++) {
		if (drain_step(&decider->prefix_drains[i],
			       prefix_has_use(decider, i, established), now)) {
			journal_drain(decider, i, EVENT_NONE, "drained");
			changed = true;
		}
	}
	for (size_t i = 0; i < config->peer_count; i++) {
		if (drain_step(&decider->peer_drains[i],
			       (established >> i & 1) != 0, now)) {
			journal_drain(decider, EVENT_NONE, i, "drained");
			changed = true;
		}
	}
	return changed;
}

static void drain_prefix(struct decider *decider, size_t index,
			 enum drain_cause cause, uint64_t established,
			 uint64_t now)
{
	drain_begin(&decider->prefix_drains[index], cause,
		    prefix_has_use(decider, index, established),
		    decider->config->health.drain_ms, now);
}

uint64_t decider_uses(const struct decider *decider, bool *prefix_use)
{
	uint64_t established = established_peers(decider);

	for (size_t i = 0; i < decider->config->prefix_count; i++) {
		prefix_use[i] = prefix_has_use(decider, i, established);
	}
	return established;
}

/* Bring the drains to what is asked for. */
void decider_steer(struct decider *decider, uint64_t now)
{
	struct steer steer = {
		.config = decider->config,
		.overrides = decider->overrides,
		.maintenance = decider->maintenance,
		.prefix_use = decider->prefix_use,
		.now = now,
	};

	steer.established = decider_uses(decider, decider->prefix_use);
	steer_apply(&steer, decider->prefix_drains, decider->peer_drains);
}

const char *decider_verb_text(enum decider_verb verb)
{
	static const char *const texts[] = {
		[DECIDER_DRAIN] = "drain",
		[DECIDER_UNDRAIN] = "undrain",
		[DECIDER_DISABLE] = "disable",
		[DECIDER_ENABLE] = "enable",
	};

	return texts[verb];
}

enum status decider_override(struct overrides *overrides,
			     const struct config_route *config,
			     enum decider_verb verb,
			     const struct target *target, const char *reason)
{
	enum override_action action =
		verb == DECIDER_DRAIN || verb == DECIDER_UNDRAIN
			? OVERRIDE_DRAIN
			: OVERRIDE_DISABLE;

	return verb == DECIDER_DRAIN || verb == DECIDER_DISABLE
		       ? overrides_set(overrides, config, action, target,
				       reason, clock_wall_ms())
		       : overrides_clear(overrides, config, action, target);
}

enum status decider_command(struct decider *decider, enum decider_verb verb,
			    const char *name, const char *reason)
{
	uint64_t now = decider_now();
	char text[EVENT_TEXT_MAX];
	struct overrides *next;
	struct target target;
	enum status status = target_find(&target, decider->config, name);

	if (status != STATUS_OK) {
		return status;
	}
	/* On a copy: it is carried out as a whole, or not at all. */
	next = malloc(sizeof(*next));
	if (next == NULL) {
		return STATUS_NO_MEMORY;
	}
	memcpy(next, decider->overrides, sizeof(*next));
	status = decider_override(next, decider->config, verb, &target, reason);
	if (status != STATUS_OK) {
		free(next);
		return status;
	}
	free(decider->overrides);
	decider->overrides = next;
	snprintf(text, sizeof(text), "%s %.64s%s%.100s",
		 decider_verb_text(verb), name != NULL ? name : "everything",
		 reason != NULL && reason[0] != '\0' ? ": " : "",
		 reason != NULL ? reason : "");
	journal_command(decider, &target, text);
	decider_steer(decider, now);
	decider_apply(decider, now);
	log_notice("by the operator: %s", text);
	if (decider->keeper != NULL) {
		keeper_save(decider->keeper, decider->overrides);
	}
	return STATUS_OK;
}

void decider_on_maintenance(void *context, const char *text)
{
	struct decider *decider = context;
	uint64_t now = decider_now();

	journal_command(decider, &decider_everything, text);
	decider_steer(decider, now);
	decider_apply(decider, now);
	log_notice("%s", text);
}

/*
 * What was asked for before the last end. Where that cannot be known nothing is
 * announced until the operator has said so ('route enable'): a site that was
 * taken out of service must not come back because a disk has failed.
 */
void decider_load_overrides(struct decider *decider, const char *path)
{
	static const char asked[] =
		"what was asked for is not known; 'route enable' takes this "
		"back";
	char error[OVERRIDES_ERROR_MAX];
	char aside[CONFIG_ROUTE_PATH_MAX + 16];
	enum status status = overrides_read_file(decider->overrides,
						 decider->config, path, error);

	if (status == STATUS_OK && decider->overrides->count > 0) {
		log_warning("%zu drains and disables are kept in %s",
			    decider->overrides->count, path);
	}
	if (status == STATUS_OK || status == STATUS_NOT_FOUND) {
		return;
	}
	log_error("drains and disables cannot be read: %s: nothing is "
		  "announced until 'rootcastctl route enable'",
		  error);
	snprintf(aside, sizeof(aside), "%s.bad", path);
	if (status == STATUS_BAD_SYNTAX && rename(path, aside) == 0) {
		log_notice("the file is kept as %s", aside);
	}
	decider->overrides->count = 0;
	status = overrides_set(decider->overrides, decider->config,
			       OVERRIDE_DISABLE, &decider_everything, asked,
			       clock_wall_ms());
	assert(status == STATUS_OK);
	keeper_save(decider->keeper, decider->overrides);
}

/* --- a planned stop ------------------------------------------------------- */

void decider_stop_begin(struct decider *decider, enum drain_cause cause,
			uint64_t now)
{
	uint64_t established = established_peers(decider);

	if ((decider->stop_causes & cause) != 0) {
		return;
	}
	if (decider->stop == DECIDER_RUNS) {
		decider->stop = DECIDER_DRAINS;
		decider->stop_has_routes =
			decider->route_count > 0 && established != 0;
	} else if (decider->stop == DECIDER_RELEASED) {
		/* All is withdrawn already; the other may go as well. */
		decider->stop = DECIDER_LINGERS;
		decider->stop_until = now;
	}
	decider->stop_causes |= cause;
	for (size_t i = 0; i < decider->config->prefix_count; i++) {
		drain_prefix(decider, i, cause, established, now);
	}
	decider_apply(decider, now);
}

/* Take a cause back: the nameserver that was stopping is gone. */
void decider_stop_end(struct decider *decider, enum drain_cause cause)
{
	decider->stop_causes &= ~(unsigned)cause;
	for (size_t i = 0; i < decider->config->prefix_count; i++) {
		drain_end(&decider->prefix_drains[i], cause);
	}
	if (decider->stop_causes == 0) {
		decider->stop = DECIDER_RUNS;
	}
}

static bool is_drained(const struct decider *decider)
{
	for (size_t i = 0; i < decider->config->prefix_count; i++) {
		if (decider->prefix_drains[i].phase == DRAIN_RUNNING) {
			return false;
		}
	}
	return true;
}

/* Is the service still asked, at least once a second, by others than us? */
static bool is_quiet(struct decider *decider, uint64_t now)
{
	uint64_t queries = decider->queries - decider->rate_queries;
	uint64_t window = now - decider->rate_from;

	if (!decider->has_report) {
		return true; /* nobody is there to be asked */
	}
	if (decider->rate_from == 0 || window < DECIDER_RATE_MS) {
		return false;
	}
	decider->rate_from = now;
	decider->rate_queries = decider->queries;
	return queries * 1000 < window;
}

static void release(struct decider *decider)
{
	decider->stop = DECIDER_RELEASED;
	if ((decider->stop_causes & DRAIN_BY_NAMESERVER) != 0) {
		log_notice("the routes are withdrawn: the nameserver may go");
		control_link_withdrawn(decider->link);
	}
	if ((decider->stop_causes & DRAIN_BY_STOP) != 0) {
		decider->is_finished = true;
		decider->finished(decider->context);
	}
}

static void linger(struct decider *decider, uint64_t now)
{
	decider->stop = DECIDER_LINGERS;
	decider->stop_until = now;
	decider->rate_from = 0;
	if (decider->stop_has_routes) {
		decider->stop_until += decider->config->health.linger_ms;
		/* Probes would be counted as queries. */
		prober_pause(decider->prober);
	}
}

static void stop_step(struct decider *decider, uint64_t now)
{
	switch (decider->stop) {
	case DECIDER_RUNS:
	case DECIDER_RELEASED:
		break;
	case DECIDER_DRAINS:
		if (is_drained(decider)) {
			/* The table without these routes was just offered. */
			decider->stop = DECIDER_WITHDRAWS;
			decider->stop_until = now + DECIDER_CONFIRM_MS;
		}
		break;
	case DECIDER_WITHDRAWS:
		if (decider->speaker == NULL || now >= decider->stop_until ||
		    speaker_confirmed(decider->speaker) >= decider->offer) {
			linger(decider, now);
		}
		break;
	case DECIDER_LINGERS:
		if (now >= decider->stop_until || is_quiet(decider, now)) {
			release(decider);
		}
		break;
	}
}

/* As far as it goes now: a stop without routes takes no time. */
void decider_stop_steps(struct decider *decider, uint64_t now)
{
	enum decider_stop before;

	do {
		before = decider->stop;
		stop_step(decider, now);
	} while (decider->stop != before);
}

void decider_stop(struct decider *decider)
{
	if (decider->is_finished) {
		return;
	}
	if ((decider->stop_causes & DRAIN_BY_STOP) != 0) {
		log_notice("stopping now");
		decider->is_finished = true;
		decider->finished(decider->context);
		return;
	}
	log_notice("stopping: draining for up to %u ms",
		   decider->config->health.drain_ms);
	journal_command(decider, &decider_everything,
			"route control is stopping");
	decider_stop_begin(decider, DRAIN_BY_STOP, decider_now());
	decider_stop_steps(decider, decider_now());
}
