/*
 * decider.c - see decider.h.
 *
 * Events come from three sides (probes, the nameserver's socket, time), change
 * health or drains, and end in apply(): the whole table is decided anew and
 * offered. There are no partial updates to get out of step; an offer that changes
 * nothing costs nothing on the wire.
 *
 * A planned stop has one path for its two causes (the nameserver says that it is
 * stopping; this program is asked to stop): drain, withdraw, linger, release.
 */
#include "server/route/decider.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "server/route/journal.h"
#include "server/route/log_thread.h"
#include "server/route/steer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct target everything = {TARGET_ALL, 0};

static uint64_t now_ms(void)
{
	return clock_monotonic_ms();
}

/* --- what is shown -------------------------------------------------------- */

static const char *zone_trouble(enum health_zone state)
{
	switch (state) {
	case HEALTH_ZONE_LOADING:
		return "is not loaded yet";
	case HEALTH_ZONE_FAILED:
		return "could not be loaded";
	case HEALTH_ZONE_EXPIRED:
		return "has expired";
	case HEALTH_ZONE_MISSING:
	case HEALTH_ZONE_SERVED:
	case HEALTH_ZONE_STALE:
		break;
	}
	return "is not there";
}

const char *decider_target_text(const struct decider *decider, size_t index,
				char text[DECIDER_REASON_MAX])
{
	const struct decider_target *target = &decider->targets[index];
	char address[ADDRESS_TEXT_MAX];

	snprintf(text, DECIDER_REASON_MAX, "%s, '%.300s' over %s",
		 address_dump(&decider->config->probes[target->probe].address,
			      address),
		 decider->config->questions[target->question].question.text,
		 target->is_tcp ? "TCP" : "UDP");
	return text;
}

static void probe_reason(const struct decider *decider, size_t prefix,
			 char text[DECIDER_REASON_MAX])
{
	const struct decider_prefix *p = &decider->prefixes[prefix];
	size_t index = p->targets[p->health.reason_index];
	char target[DECIDER_REASON_MAX];

	decider_target_text(decider, index, target);
	snprintf(text, DECIDER_REASON_MAX, "%s: %.500s: %s",
		 health_reason_text(p->health.reason), target,
		 decider->targets[index].result.reply.reason);
}

static void command_reason(const struct decider *decider, size_t prefix,
			   char text[DECIDER_REASON_MAX])
{
	const struct decider_prefix *p = &decider->prefixes[prefix];
	const struct decider_command *state = NULL;
	size_t index = 0;

	/* The first that does not say 'good'; where all do, they are new. */
	for (size_t i = 0; i < p->health.target_count; i++) {
		if (p->health.targets[i].group != HEALTH_COMMANDS ||
		    p->health.targets[i].is_shared) {
			continue;
		}
		if (state == NULL ||
		    (state->is_good &&
		     !decider->command_states[p->targets[i]].is_good)) {
			index = p->targets[i];
			state = &decider->command_states[index];
		}
	}
	snprintf(text, DECIDER_REASON_MAX, "command '%.200s': %s",
		 decider->config->commands[index].arguments[0],
		 state == NULL || state->runs == 0 ? "has not run yet"
		 : state->is_good ? "good, but not often enough yet"
				  : state->reason);
}

const char *decider_shared_reason(const struct decider *decider, size_t prefix,
				  char text[DECIDER_REASON_MAX])
{
	const struct decider_prefix *p = &decider->prefixes[prefix];
	const struct config_route *config = decider->config;
	size_t index = p->health.shared_index;

	switch (p->health.shared_reason) {
	case HEALTH_REASON_STALE:
		snprintf(text, DECIDER_REASON_MAX,
			 "required zone '%.300s' is stale",
			 config->zones[index].text);
		break;
	case HEALTH_REASON_COMMAND:
		index = p->targets[index];
		snprintf(text, DECIDER_REASON_MAX, "command '%.200s': %s",
			 config->commands[index].arguments[0],
			 decider->command_states[index].reason);
		break;
	default:
		text[0] = '\0';
		break;
	}
	return text;
}

const char *decider_reason(const struct decider *decider, size_t prefix,
			   char text[DECIDER_REASON_MAX])
{
	const struct health *health = &decider->prefixes[prefix].health;
	const char *plain = health_reason_text(health->reason);
	size_t index = health->reason_index;

	switch (health->reason) {
	case HEALTH_REASON_STALLED:
		snprintf(text, DECIDER_REASON_MAX,
			 "worker %zu stands still for %llu ms", index,
			 (unsigned long long)health->oldest_pass_ms);
		break;
	case HEALTH_REASON_ZONE:
		snprintf(text, DECIDER_REASON_MAX, "required zone '%.300s' %s",
			 decider->config->zones[index].text,
			 zone_trouble(health->zone_states != NULL
					      ? health->zone_states[index]
					      : HEALTH_ZONE_MISSING));
		break;
	case HEALTH_REASON_STALE:
	case HEALTH_REASON_COMMAND:
		if (health->shared_fails &&
		    health_is_shared(health, now_ms())) {
			char shared[DECIDER_REASON_MAX];

			decider_shared_reason(decider, prefix, shared);
			snprintf(text, DECIDER_REASON_MAX,
				 "%.900s, longer than the grace time", shared);
		} else {
			command_reason(decider, prefix, text);
		}
		break;
	case HEALTH_REASON_HOLD_DOWN:
		snprintf(text, DECIDER_REASON_MAX,
			 "is held down for %.1f s after failure %llu",
			 (double)health_wait_ms(health, now_ms()) / 1000,
			 (unsigned long long)health->failures);
		break;
	case HEALTH_REASON_WRONG:
	case HEALTH_REASON_SILENT:
	case HEALTH_REASON_OVERLOAD:
		probe_reason(decider, prefix, text);
		break;
	case HEALTH_REASON_ROUNDS:
		snprintf(text, DECIDER_REASON_MAX, "%u of %u good rounds",
			 health_good_rounds(health), health->config->rise);
		break;
	default:
		snprintf(text, DECIDER_REASON_MAX, "%s", plain);
	}
	return text;
}

/* "drained by the operator: ticket 4711" */
static void drain_reason(const struct decider *decider, size_t index,
			 char text[DECIDER_REASON_MAX])
{
	const struct config_route *config = decider->config;
	unsigned causes = decider->prefix_drains[index].causes;
	bool is_disabled = (causes & DRAIN_BY_DISABLE) != 0;
	const struct override *override = overrides_of_prefix(
		decider->overrides, config,
		is_disabled ? OVERRIDE_DISABLE : OVERRIDE_DRAIN, index);
	const char *detail = "";
	const char *what = "drained by the operator";

	if ((causes & DRAIN_BY_STOP) != 0) {
		what = "drained by the end of this program";
	} else if ((causes & DRAIN_BY_NAMESERVER) != 0) {
		what = "drained by the end of the nameserver";
	} else if (override != NULL) {
		what = is_disabled ? "disabled by the operator" : what;
		detail = override->reason;
	} else if ((causes & DRAIN_BY_FILE) != 0) {
		what = "drained by a maintenance file";
		detail = maintenance_reason(decider->maintenance,
					    config->prefixes[index].service);
	}
	snprintf(text, DECIDER_REASON_MAX, "%s%s%s", what,
		 detail != NULL && detail[0] != '\0' ? ": " : "",
		 detail != NULL ? detail : "");
}

const char *decider_why(const struct decider *decider, size_t index,
			char text[DECIDER_REASON_MAX])
{
	if (decider->prefix_drains[index].phase != DRAIN_NONE &&
	    health_is_up(&decider->prefixes[index].health)) {
		drain_reason(decider, index, text);
		return text;
	}
	return decider_reason(decider, index, text);
}

static void log_state(struct decider *decider, size_t index)
{
	const struct decider_prefix *prefix = &decider->prefixes[index];
	const struct config_prefix *config = &decider->config->prefixes[index];
	char name[PREFIX_TEXT_MAX];
	char reason[DECIDER_REASON_MAX];

	log_notice("service '%s': %s %s%s: %s",
		   decider->config->services[config->service].name,
		   prefix_dump(&config->prefix, name),
		   decider->speaker == NULL ? "would be " : "",
		   policy_state_text(prefix->state),
		   decider_why(decider, index, reason));
}

static void log_health(struct decider *decider, size_t index)
{
	const struct decider_prefix *prefix = &decider->prefixes[index];
	char name[PREFIX_TEXT_MAX];
	char reason[DECIDER_REASON_MAX];

	log_notice("%s: %s: %s",
		   prefix_dump(&decider->config->prefixes[index].prefix, name),
		   health_state_text(prefix->health.state),
		   decider_reason(decider, index, reason));
}

/*
 * A fault that other sites may share, and its end. The routes that were made of
 * it do not change the prefix's state, which has its own line.
 */
static void log_shared(struct decider *decider, size_t index)
{
	struct decider_prefix *prefix = &decider->prefixes[index];
	bool is_shared = prefix->health.shared_since != 0;
	bool is_acted_on = decider->strains[index] == POLICY_STRAIN_SHARED;
	char name[PREFIX_TEXT_MAX];
	char reason[DECIDER_REASON_MAX];

	if (is_shared == prefix->is_shared &&
	    is_acted_on == prefix->is_acted_on) {
		return;
	}
	prefix_dump(&decider->config->prefixes[index].prefix, name);
	if (!is_shared) {
		log_notice("%s: the fault that other sites may share is over",
			   name);
	} else {
		log_warning("%s: a fault that other sites may share: %s%s",
			    name, decider_shared_reason(decider, index, reason),
			    is_acted_on ? ", longer than the grace time" : "");
	}
	prefix->is_shared = is_shared;
	prefix->is_acted_on = is_acted_on;
}

/* --- the table ------------------------------------------------------------ */

static enum policy_strain strain_of(const struct health *health, uint64_t now)
{
	if (health->state == HEALTH_OVERLOAD) {
		return POLICY_STRAIN_OVERLOAD;
	}
	return health_is_shared(health, now) ? POLICY_STRAIN_SHARED
					     : POLICY_STRAIN_NONE;
}

/*
 * Services come up one after the other: one whose turn has not come counts as
 * down. A turn is over when none of the service's prefixes is up any more.
 */
static void take_turns(struct decider *decider, uint64_t now)
{
	const struct config_route *config = decider->config;
	uint64_t wait = config->health.stagger_ms;

	for (size_t s = 0; s < config->service_count; s++) {
		bool is_up = false;

		for (size_t i = 0; i < config->prefix_count; i++) {
			is_up |= config->prefixes[i].service == s &&
				 decider->prefix_up[i];
		}
		if (!is_up) {
			decider->service_open[s] = false;
		} else if (!decider->service_open[s] &&
			   (decider->service_open_at == 0 ||
			    now - decider->service_open_at >= wait)) {
			decider->service_open[s] = true;
			decider->service_open_at = now;
		}
	}
	for (size_t i = 0; i < config->prefix_count; i++) {
		decider->prefix_up[i] &=
			decider->service_open[config->prefixes[i].service];
	}
}

struct policy_input decider_input(const struct decider *decider)
{
	return (struct policy_input){
		.config = decider->config,
		.prefix_up = decider->prefix_up,
		.prefix_drains = decider->prefix_drains,
		.peer_drains = decider->peer_drains,
		.strains = decider->strains,
	};
}

/* Peers whose session is to be closed, or opened again, since the last time. */
static void order_peers(struct decider *decider)
{
	for (size_t i = 0; i < decider->config->peer_count; i++) {
		uint64_t bit = UINT64_C(1) << i;
		const struct override *override = overrides_of_peer(
			decider->overrides, OVERRIDE_DISABLE, i);
		bool is_told = (decider->disabled_peers & bit) != 0;

		if ((override != NULL) == is_told ||
		    !(override != NULL
			      ? speaker_disable(decider->speaker, i,
						override->reason[0] != '\0'
							? override->reason
							: "disabled")
			      : speaker_enable(decider->speaker, i))) {
			continue; /* nothing new, or tried again later */
		}
		decider->disabled_peers ^= bit;
	}
}

/* Decide, and offer what changed or whose lease needs renewal. */
static void apply(struct decider *decider, uint64_t now)
{
	const struct policy_input input = decider_input(decider);
	uint64_t offer;

	for (size_t i = 0; i < decider->config->prefix_count; i++) {
		decider->prefix_up[i] =
			health_is_up(&decider->prefixes[i].health);
		decider->strains[i] =
			strain_of(&decider->prefixes[i].health, now);
		journal_shared(decider, i);
	}
	take_turns(decider, now);
	decider->route_count = policy_decide(&input, decider->routes);
	journal_decisions(decider);
	if (decider->speaker != NULL && !decider->is_finished) {
		offer = speaker_offer(
			decider->speaker, decider->routes, decider->route_count,
			clock_monotonic_ns() +
				DECIDER_LEASE_MS * UINT64_C(1000000));
		if (offer != 0) {
			decider->offer = offer;
		} else {
			log_error("the routes could not be offered: they are "
				  "withdrawn when the lease ends");
		}
	}
	if (decider->speaker != NULL && !decider->is_finished) {
		order_peers(decider);
	}
	decider->offered_at = now;
	/* Logged after the offer: a slow log must not delay a withdrawal. */
	for (size_t i = 0; i < decider->config->prefix_count; i++) {
		struct decider_prefix *prefix = &decider->prefixes[i];
		enum policy_state state = policy_state(
			decider->prefix_up[i], &decider->prefix_drains[i]);

		if (state != prefix->state || !prefix->is_shown) {
			prefix->state = state;
			prefix->state_since = now;
			prefix->is_shown = true;
			log_state(decider, i);
		}
		log_shared(decider, i);
	}
}

/* Give an event to one machine. True: its state changed, not just its reason. */
static bool step(struct decider *decider, size_t prefix,
		 const struct health_event *event, uint64_t now)
{
	struct health *health = &decider->prefixes[prefix].health;
	enum health_state state = health->state;

	health_step(health, event, now);
	if (health->state == state) {
		return false;
	}
	journal_health(decider, prefix, state, now);
	if (health->state == HEALTH_OVERLOAD || state == HEALTH_OVERLOAD) {
		log_health(decider, prefix);
	}
	return true;
}

static bool step_all(struct decider *decider, const struct health_event *event,
		     uint64_t now)
{
	bool changed = false;

	for (size_t i = 0; i < decider->config->prefix_count; i++) {
		changed |= step(decider, i, event, now);
	}
	return changed;
}

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
static bool step_drains(struct decider *decider, uint64_t now)
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
static void steer(struct decider *decider, uint64_t now)
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
	uint64_t now = now_ms();
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
	steer(decider, now);
	apply(decider, now);
	log_notice("by the operator: %s", text);
	if (decider->keeper != NULL) {
		keeper_save(decider->keeper, decider->overrides);
	}
	return STATUS_OK;
}

static void on_maintenance(void *context, const char *text)
{
	struct decider *decider = context;
	uint64_t now = now_ms();

	journal_command(decider, &everything, text);
	steer(decider, now);
	apply(decider, now);
	log_notice("%s", text);
}

/*
 * What was asked for before the last end. Where that cannot be known nothing is
 * announced until the operator has said so ('route enable'): a site that was
 * taken out of service must not come back because a disk has failed.
 */
static void load_overrides(struct decider *decider, const char *path)
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
			       OVERRIDE_DISABLE, &everything, asked,
			       clock_wall_ms());
	assert(status == STATUS_OK);
	keeper_save(decider->keeper, decider->overrides);
}

/* --- a planned stop ------------------------------------------------------- */

static void stop_begin(struct decider *decider, enum drain_cause cause,
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
	apply(decider, now);
}

/* Take a cause back: the nameserver that was stopping is gone. */
static void stop_end(struct decider *decider, enum drain_cause cause)
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
static void stop_steps(struct decider *decider, uint64_t now)
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
	journal_command(decider, &everything, "route control is stopping");
	stop_begin(decider, DRAIN_BY_STOP, now_ms());
	stop_steps(decider, now_ms());
}

/* --- what happens --------------------------------------------------------- */

/*
 * Does it answer with the version that the nameserver says it serves? Reports
 * come every 100 ms, so one round may see a new serial before we are told.
 */
static void check_serial(struct decider *decider, struct decider_target *target)
{
	struct probe_reply *reply = &target->result.reply;
	size_t zone = decider->config->questions[target->question].zone;
	uint32_t serial;

	if (reply->verdict != PROBE_GOOD || zone == CONFIG_ROUTE_NO_ZONE ||
	    !control_link_serial(decider->link, zone, &serial) ||
	    reply->serial == serial) {
		target->serial_misses = 0;
		return;
	}
	if (++target->serial_misses > 1) {
		reply->verdict = PROBE_WRONG;
		snprintf(reply->reason, sizeof(reply->reason),
			 "serial %u, but the nameserver reports %u",
			 reply->serial, serial);
	}
}

static void on_command(void *context, size_t index, bool is_good,
		       const char *reason)
{
	struct decider *decider = context;
	struct decider_command *state = &decider->command_states[index];
	uint64_t now = now_ms();
	bool changed = false;
	bool is_news;

	is_news = state->runs == 0 || state->is_good != is_good;
	state->runs++;
	state->is_good = is_good;
	snprintf(state->reason, sizeof(state->reason), "%s", reason);
	journal_run(decider, index, is_news, now);
	for (size_t p = 0; p < decider->config->prefix_count; p++) {
		const struct health *health = &decider->prefixes[p].health;

		for (size_t i = 0; i < health->target_count; i++) {
			const struct health_event event = {
				.type = HEALTH_EVENT_PROBE,
				.target = i,
				.verdict = is_good ? PROBE_GOOD : PROBE_WRONG,
			};

			if (health->targets[i].group == HEALTH_COMMANDS &&
			    decider->prefixes[p].targets[i] == index) {
				changed |= step(decider, p, &event, now);
			}
		}
	}
	if (changed) {
		apply(decider, now);
	}
}

static void on_probe(void *context, size_t index,
		     const struct prober_result *result)
{
	struct decider *decider = context;
	struct decider_target *target = &decider->targets[index];
	uint64_t now = now_ms();
	enum probe_verdict before = target->result.reply.verdict;
	bool is_news = !target->has_result;
	bool changed = false;

	target->result = *result;
	target->has_result = true;
	check_serial(decider, target);
	result = &target->result;
	journal_probe(decider, index,
		      is_news || before != result->reply.verdict, now);
	for (size_t i = target->first_use; i < target[1].first_use; i++) {
		const struct health_event event = {
			.type = HEALTH_EVENT_PROBE,
			.target = decider->uses[i].index,
			.verdict = result->reply.verdict,
		};

		changed |= step(decider, decider->uses[i].prefix, &event, now);
	}
	if (changed) {
		apply(decider, now);
	}
}

static void on_connected(void *context)
{
	struct decider *decider = context;
	const struct health_event event = {.type = HEALTH_EVENT_CONNECTED};

	log_notice("attached to the nameserver");
	journal_nameserver(decider, false, now_ms(), "attached");
	decider->has_report = false;
	decider->is_stopping = false;
	step_all(decider, &event, now_ms());
}

static void on_lost(void *context, const char *reason)
{
	struct decider *decider = context;
	const struct health_event event = {.type = HEALTH_EVENT_LOST};
	uint64_t now = now_ms();

	decider->has_report = false;
	journal_nameserver(decider, true, now, reason);
	step_all(decider, &event, now);
	if ((decider->stop_causes & DRAIN_BY_NAMESERVER) != 0) {
		stop_end(decider, DRAIN_BY_NAMESERVER);
	}
	if (decider->stop_causes == 0) {
		prober_start(decider->prober);
	}
	apply(decider, now);
	/* What matters is on its way; now it may be told. */
	log_warning("the nameserver is gone: %s", reason);
}

static void note_identity(struct decider *decider, const char *identity)
{
	const char *configured = decider->config->identity;

	if (strcmp(decider->identity, identity) == 0) {
		return;
	}
	snprintf(decider->identity, sizeof(decider->identity), "%s", identity);
	if (configured[0] == '\0') {
		prober_expect(decider->prober, decider->identity);
	} else if (strcmp(configured, identity) != 0) {
		log_warning("the nameserver calls itself '%s', the "
			    "configuration '%s'",
			    identity, configured);
	}
}

static void on_report(void *context, const struct health_report *report,
		      const char *identity)
{
	struct decider *decider = context;
	const struct health_event event = {
		.type = HEALTH_EVENT_REPORT,
		.report = report,
	};
	uint64_t now = now_ms();

	note_identity(decider, identity);
	if (decider->bfd != NULL) {
		bfd_tick(decider->bfd, BFD_NAMESERVER);
	}
	decider->has_report = true;
	decider->reported_at = now;
	decider->queries = 0;
	for (unsigned i = 0; i < HEALTH_TRANSPORTS; i++) {
		decider->queries += report->totals[i].queries;
	}
	if (decider->stop == DECIDER_LINGERS && decider->rate_from == 0 &&
	    now + decider->config->health.linger_ms >=
		    decider->stop_until + DECIDER_SETTLE_MS) {
		decider->rate_from = now;
		decider->rate_queries = decider->queries;
	}
	if (step_all(decider, &event, now)) {
		apply(decider, now);
	}
	if (report->is_stopping && !decider->is_stopping) {
		log_notice("the nameserver is stopping");
		decider->is_stopping = true;
		journal_command(decider, &everything,
				"the nameserver is stopping");
		stop_begin(decider, DRAIN_BY_NAMESERVER, now);
		stop_steps(decider, now);
	}
}

/*
 * A speaker that hangs cannot keep its own lease: it would announce until the
 * routers' hold time. The end of the process closes its sessions. It must be seen
 * standing still at several ticks of ours, so that a process that was stopped
 * as a whole and goes on is not taken for one.
 */
static void watch_speaker(struct decider *decider)
{
	uint64_t tick = decider->speaker != NULL
				? speaker_tick_ns(decider->speaker)
				: 0;

	if (tick == 0 || tick != decider->speaker_tick) {
		decider->speaker_tick = tick;
		decider->speaker_stands = 0;
		return;
	}
	decider->speaker_stands++;
	if (decider->speaker_stands * DECIDER_TICK_MS >= DECIDER_HANG_MS) {
		log_error("the thread that speaks to the peers stands still: "
			  "ending, so that they drop the routes");
		log_thread_flush(DECIDER_LAST_WORDS_MS);
		_exit(1);
	}
}

/*
 * What the BFD thread may not log itself. A session that comes and goes between
 * two ticks of ours shows in its count of falls.
 */
static void watch_bfd(struct decider *decider)
{
	for (size_t i = 0;
	     decider->bfd != NULL && i < decider->config->peer_count; i++) {
		const struct speaker_peer *peer = &decider->config->peers[i];
		struct bfd_peer_status *shown = &decider->bfd_shown[i];
		struct bfd_peer_status now;
		struct address address = peer->address;
		char text[ADDRESS_TEXT_MAX];

		bfd_status(decider->bfd, i, &now);
		if (!now.is_configured ||
		    (now.state == shown->state && now.falls == shown->falls &&
		     now.hold == shown->hold)) {
			continue;
		}
		address.port = 0;
		address_dump(&address, text);
		if (now.hold != BFD_HOLD_NONE) {
			log_warning("peer %s: bfd: held down: %s", text,
				    bfd_hold_text(now.hold));
		} else if (now.state == BFD_UP) {
			log_notice("peer %s: bfd: up, detection %u ms", text,
				   now.detection_ms);
		} else if (shown->state == BFD_UP ||
			   now.falls != shown->falls) {
			log_warning("peer %s: bfd: down: %s", text,
				    bfd_diagnostic_text(now.diagnostic));
		}
		*shown = now;
	}
}

/* Our own sign of life, and whether a route could be announced now. */
static void tick_bfd(struct decider *decider)
{
	if (decider->bfd != NULL) {
		bfd_tick(decider->bfd, BFD_DECIDER);
		bfd_permit(decider->bfd,
			   decider->route_count > 0 && !decider->is_finished);
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct decider *decider = timer->data;
	const struct health_event event = {.type = HEALTH_EVENT_TICK};
	uint64_t now;
	bool changed;

	/* After a delay of our own the reports wait in the socket: read first. */
	control_link_read(decider->link);
	watch_speaker(decider);
	now = now_ms();
	changed = step_all(decider, &event, now);
	changed |= step_drains(decider, now);
	/* Drains change little and seldom: the table is decided at each tick. */
	if (changed || now - decider->offered_at >= DECIDER_RENEW_MS ||
	    decider->stop == DECIDER_DRAINS) {
		apply(decider, now);
	}
	stop_steps(decider, now);
	tick_bfd(decider);
	watch_bfd(decider);
}

void decider_note_told(struct decider *decider,
		       const struct speaker_status *status)
{
	for (size_t i = 0; i < decider->config->prefix_count; i++) {
		struct decider_prefix *prefix = &decider->prefixes[i];
		size_t told = 0;

		for (size_t k = 0; status != NULL && k < status->peer_count;
		     k++) {
			const struct speaker_peer_status *peer =
				&status->peers[k];

			for (size_t n = 0; n < peer->announced; n++) {
				told += prefix_equal(
					&peer->prefixes[n],
					&decider->config->prefixes[i].prefix);
			}
		}
		if ((told > 0) != (prefix->told_peers > 0)) {
			prefix->told_since = now_ms();
		}
		prefix->told_peers = told;
	}
}

enum policy_state decider_state(const struct decider *decider, size_t index)
{
	const struct decider_prefix *prefix = &decider->prefixes[index];

	/* A withdrawal that waits for a peer's TCP: it may hold it still. */
	if (prefix->told_peers > 0) {
		return prefix->state == POLICY_WITHDRAWN ? POLICY_DRAINING
							 : prefix->state;
	}
	return POLICY_WITHDRAWN;
}

/* The speaker has news: a peer came or went, or took what was offered. */
static void on_speaker(uv_poll_t *poll, int status, int events)
{
	struct decider *decider = poll->data;
	struct speaker_status *told;
	uint64_t news;

	(void)status;
	(void)events;
	if (read(speaker_event_fd(decider->speaker), &news, sizeof(news)) > 0) {
		stop_steps(decider, now_ms());
		told = speaker_status(decider->speaker);
		if (told != NULL) {
			decider_note_told(decider, told);
		}
		speaker_status_free(told);
	}
}

/* --- life ----------------------------------------------------------------- */

/* Targets: every probe address, required zone and transport. */
static bool make_targets(struct decider *decider,
			 struct prober_target **prober_targets)
{
	const struct config_route *config = decider->config;
	struct prober_target *asked;
	size_t count = 0;

	for (size_t i = 0; i < config->probe_count; i++) {
		count += 2 * config->services[config->probes[i].service]
				     .question_count;
	}
	asked = calloc(count, sizeof(*asked));
	/* One more, whose first_use ends the last one's. */
	decider->targets = calloc(count + 1, sizeof(*decider->targets));
	decider->uses =
		calloc(count * config->prefix_count, sizeof(*decider->uses));
	*prober_targets = asked;
	if (asked == NULL || decider->targets == NULL ||
	    decider->uses == NULL) {
		return false;
	}
	for (size_t i = 0; i < config->probe_count; i++) {
		const struct config_service *service =
			&config->services[config->probes[i].service];

		for (size_t k = 0; k < service->question_count * 2; k++) {
			size_t index = decider->target_count++;
			struct decider_target *target =
				&decider->targets[index];

			target->probe = i;
			target->question = service->questions[k / 2];
			target->is_tcp = k % 2 != 0;
			asked[index].address = config->probes[i].address;
			asked[index].question =
				&config->questions[target->question].question;
			asked[index].is_tcp = target->is_tcp;
		}
	}
	return true;
}

static bool is_inside(const struct decider *decider, size_t target,
		      size_t prefix)
{
	const struct config_route *config = decider->config;
	const struct config_probe *probe =
		&config->probes[decider->targets[target].probe];

	return probe->service == config->prefixes[prefix].service &&
	       prefix_contains(&config->prefixes[prefix].prefix,
			       &probe->address);
}

static bool make_prefix(struct decider *decider, size_t index, uint64_t now)
{
	const struct config_route *config = decider->config;
	struct decider_prefix *prefix = &decider->prefixes[index];
	const struct config_service *service =
		&config->services[config->prefixes[index].service];
	struct health_target *targets;
	size_t count = 0;

	for (size_t i = 0; i < decider->target_count; i++) {
		count += is_inside(decider, i, index);
	}
	for (size_t i = 0; i < config->command_count; i++) {
		count += config->commands[i].service ==
			 config->prefixes[index].service;
	}
	targets = calloc(count, sizeof(*targets));
	prefix->targets = calloc(count, sizeof(*prefix->targets));
	if (targets == NULL || prefix->targets == NULL) {
		free(targets);
		return false;
	}
	count = 0;
	for (size_t i = 0; i < decider->target_count; i++) {
		if (is_inside(decider, i, index)) {
			targets[count].group = decider->targets[i].probe;
			targets[count].transport = decider->targets[i].is_tcp
							   ? HEALTH_TCP
							   : HEALTH_UDP;
			prefix->targets[count++] = i;
		}
	}
	for (size_t i = 0; i < config->command_count; i++) {
		const struct config_command *command = &config->commands[i];

		if (command->service == config->prefixes[index].service) {
			targets[count].group = HEALTH_COMMANDS;
			targets[count].fall = command->fall;
			targets[count].rise = command->rise;
			targets[count].is_shared = command->is_shared;
			prefix->targets[count++] = i;
		}
	}
	health_init(&prefix->health, &config->health, targets, count,
		    service->zones, service->zone_count, now);
	if (!config_route_is_host(&decider->config->prefixes[index].prefix)) {
		prefix->health.cover = service->cover;
	}
	prefix->health.shared_grace_ms = service->shared_grace_ms;
	prefix->health.shared_fails =
		service->shared_fault.kind == POLICY_WITHDRAW;
	prefix->state_since = now;
	return true;
}

static void make_uses(struct decider *decider)
{
	for (size_t i = 0; i < decider->target_count; i++) {
		decider->targets[i].first_use = decider->use_count;
		for (size_t p = 0; p < decider->config->prefix_count; p++) {
			const struct decider_prefix *prefix =
				&decider->prefixes[p];

			for (size_t k = 0; k < prefix->health.target_count;
			     k++) {
				if (prefix->targets[k] != i ||
				    prefix->health.targets[k].group ==
					    HEALTH_COMMANDS) {
					continue;
				}
				decider->uses[decider->use_count].prefix = p;
				decider->uses[decider->use_count++].index = k;
			}
		}
	}
	decider->targets[decider->target_count].first_use = decider->use_count;
}

/* All that follows from the configuration; the link to the nameserver stays. */
static bool make_parts(struct decider *decider)
{
	const struct config_route *config = decider->config;
	struct prober_target *asked = NULL;
	bool good = make_targets(decider, &asked);

	decider->prefixes =
		calloc(config->prefix_count, sizeof(*decider->prefixes));
	decider->prefix_up =
		calloc(config->prefix_count, sizeof(*decider->prefix_up));
	decider->prefix_drains =
		calloc(config->prefix_count, sizeof(*decider->prefix_drains));
	decider->peer_drains =
		calloc(config->peer_count + 1, sizeof(*decider->peer_drains));
	decider->bfd_shown =
		calloc(config->peer_count + 1, sizeof(*decider->bfd_shown));
	decider->routes =
		calloc(policy_routes_max(config), sizeof(*decider->routes));
	decider->command_states = calloc(config->command_count + 1,
					 sizeof(*decider->command_states));
	decider->service_open = calloc(config->service_count + 1,
				       sizeof(*decider->service_open));
	decider->strains =
		calloc(config->prefix_count, sizeof(*decider->strains));
	decider->prefix_use =
		calloc(config->prefix_count, sizeof(*decider->prefix_use));
	decider->incidents =
		calloc(config->prefix_count, sizeof(*decider->incidents));
	decider->peer_incidents = calloc(config->peer_count + 1,
					 sizeof(*decider->peer_incidents));
	good = good && decider->prefixes != NULL &&
	       decider->prefix_up != NULL && decider->prefix_drains != NULL &&
	       decider->peer_drains != NULL && decider->bfd_shown != NULL &&
	       decider->routes != NULL && decider->strains != NULL &&
	       decider->command_states != NULL &&
	       decider->service_open != NULL && decider->incidents != NULL &&
	       decider->peer_incidents != NULL && decider->overrides != NULL &&
	       decider->prefix_use != NULL;
	for (size_t i = 0; good && i < config->prefix_count; i++) {
		good = make_prefix(decider, i, now_ms());
	}
	if (good) {
		make_uses(decider);
		decider->prober = prober_new(
			decider->loop, asked, decider->target_count,
			config->health.interval_ms, config->health.timeout_ms,
			on_probe, decider);
	}
	free(asked);
	if (good) {
		decider->commands = commands_new(
			decider->loop, config->commands, config->command_count,
			on_command, decider);
	}
	if (decider->prober != NULL) {
		prober_limit(decider->prober, config->health.latency_ms);
	}
	if (good) {
		decider->maintenance = maintenance_new(decider->loop, config,
						       on_maintenance, decider);
	}
	return good && decider->prober != NULL && decider->commands != NULL &&
	       decider->maintenance != NULL;
}

/* What make_parts() made. */
static void free_parts(struct decider *decider)
{
	prober_free(decider->prober);
	commands_free(decider->commands);
	maintenance_free(decider->maintenance);
	for (size_t i = 0;
	     decider->prefixes != NULL && i < decider->config->prefix_count;
	     i++) {
		free(decider->prefixes[i].health.targets);
		free(decider->prefixes[i].targets);
	}
	free(decider->prefixes);
	free(decider->targets);
	free(decider->uses);
	free(decider->prefix_up);
	free(decider->strains);
	free(decider->command_states);
	free(decider->service_open);
	free(decider->prefix_drains);
	free(decider->peer_drains);
	free(decider->bfd_shown);
	free(decider->routes);
	free(decider->prefix_use);
	free(decider->incidents);
	free(decider->peer_incidents);
}

struct decider *decider_new(uv_loop_t *loop,
			    const struct decider_options *options)
{
	struct decider *decider = calloc(1, sizeof(*decider));

	assert(options->config->prefix_count > 0);
	if (decider == NULL) {
		return NULL;
	}
	decider->config = options->config;
	decider->loop = loop;
	decider->speaker = options->speaker;
	decider->bfd = options->bfd;
	decider->events = options->events;
	decider->finished = options->finished;
	decider->reload = options->reload;
	decider->context = options->context;
	decider->link = control_link_new(loop, options->server_control,
					 options->config->zones,
					 options->config->zone_count,
					 &(struct control_link_events){
						 .connected = on_connected,
						 .report = on_report,
						 .lost = on_lost,
						 .context = decider,
					 });
	decider->overrides = calloc(1, sizeof(*decider->overrides));
	if (options->state_file != NULL) {
		decider->keeper = keeper_new(loop, options->state_file);
	}
	if (!make_parts(decider) || decider->link == NULL ||
	    decider->overrides == NULL ||
	    (options->state_file != NULL && decider->keeper == NULL)) {
		control_link_free(decider->link);
		free_parts(decider);
		free(decider->overrides);
		keeper_free(decider->keeper);
		free(decider);
		return NULL;
	}
	if (decider->keeper != NULL) {
		load_overrides(decider, options->state_file);
	}
	steer(decider, now_ms());
	if (decider->speaker != NULL) {
		order_peers(decider); /* before there are sessions */
	}
	prober_expect(decider->prober, decider->config->identity);
	uv_timer_init(loop, &decider->tick);
	decider->tick.data = decider;
	return decider;
}

void decider_start(struct decider *decider)
{
	apply(decider, now_ms());
	uv_timer_start(&decider->tick, on_tick, DECIDER_TICK_MS,
		       DECIDER_TICK_MS);
	control_link_start(decider->link);
	prober_start(decider->prober);
	commands_start(decider->commands);
	maintenance_start(decider->maintenance);
	if (decider->speaker != NULL &&
	    uv_poll_init(decider->loop, &decider->speaker_events,
			 speaker_event_fd(decider->speaker)) == 0) {
		decider->speaker_events.data = decider;
		uv_poll_start(&decider->speaker_events, UV_READABLE,
			      on_speaker);
	}
}

/* The same program with the same words? */
static bool is_same_command(const struct config_command *a,
			    const struct config_command *b)
{
	size_t i = 0;

	while (a->arguments[i] != NULL && b->arguments[i] != NULL &&
	       strcmp(a->arguments[i], b->arguments[i]) == 0) {
		i++;
	}
	return a->arguments[i] == NULL && b->arguments[i] == NULL;
}

/* --- another configuration ------------------------------------------------ */

static size_t find_target(const struct decider *decider,
			  const struct decider_prefix *prefix,
			  const struct decider *other,
			  const struct decider_prefix *theirs, size_t index)
{
	const struct health_target *wanted = &theirs->health.targets[index];
	size_t target = theirs->targets[index];

	for (size_t i = 0; i < prefix->health.target_count; i++) {
		size_t own = prefix->targets[i];
		bool is_command =
			prefix->health.targets[i].group == HEALTH_COMMANDS;

		if (is_command != (wanted->group == HEALTH_COMMANDS)) {
			continue;
		}
		if (is_command) {
			const struct config_command *a =
				&decider->config->commands[own];
			const struct config_command *b =
				&other->config->commands[target];

			if (is_same_command(a, b)) {
				return i;
			}
			continue;
		}
		if (decider->targets[own].is_tcp ==
			    other->targets[target].is_tcp &&
		    address_equal(
			    &decider->config
				     ->probes[decider->targets[own].probe]
				     .address,
			    &other->config->probes[other->targets[target].probe]
				     .address) &&
		    strcmp(decider->config
				   ->questions[decider->targets[own].question]
				   .question.text,
			   other->config
				   ->questions[other->targets[target].question]
				   .question.text) == 0) {
			return i;
		}
	}
	return prefix->health.target_count;
}

/*
 * The prefix goes on as it was. A question that is new counts as good so far, as
 * its prefix is announced on the word of the others; it can fail from now on.
 */
static void carry_prefix(struct decider *decider, size_t index,
			 const struct decider *old, size_t old_index)
{
	struct decider_prefix *prefix = &decider->prefixes[index];
	const struct decider_prefix *before = &old->prefixes[old_index];
	struct health fresh = prefix->health;
	struct health *health = &prefix->health;

	*health = before->health;
	health->config = fresh.config;
	health->targets = fresh.targets;
	health->target_count = fresh.target_count;
	health->zones = fresh.zones;
	health->zone_count = fresh.zone_count;
	health->cover = fresh.cover;
	health->shared_grace_ms = fresh.shared_grace_ms;
	health->shared_fails = fresh.shared_fails;
	health->zone_states = before->health.zone_states != NULL
				      ? control_link_zones(decider->link)
				      : NULL;
	for (size_t i = 0; i < health->target_count; i++) {
		struct health_target *target = &health->targets[i];
		size_t at = find_target(old, before, decider, prefix, i);

		if (at < before->health.target_count) {
			target->good = before->health.targets[at].good;
			target->bad = before->health.targets[at].bad;
			target->wrong = before->health.targets[at].wrong;
		}
	}
	health_renew(health, now_ms());
	prefix->state = before->state;
	prefix->state_since = before->state_since;
	prefix->is_shown = before->is_shown;
	prefix->is_shared = before->is_shared;
	prefix->is_acted_on = before->is_acted_on;
	prefix->told_peers = before->told_peers;
	prefix->told_since = before->told_since;
	decider->prefix_drains[index] = old->prefix_drains[old_index];
	decider->incidents[index] = old->incidents[old_index];
}

static void carry_over(struct decider *decider, const struct decider *old)
{
	const struct config_route *config = decider->config;
	const struct config_route *before = old->config;

	for (size_t i = 0; i < config->prefix_count; i++) {
		const char *name =
			config->services[config->prefixes[i].service].name;

		for (size_t k = 0; k < before->prefix_count; k++) {
			size_t service = before->prefixes[k].service;

			if (prefix_equal(&config->prefixes[i].prefix,
					 &before->prefixes[k].prefix) &&
			    strcmp(before->services[service].name, name) == 0) {
				carry_prefix(decider, i, old, k);
				decider->service_open[config->prefixes[i]
							      .service] |=
					old->service_open[service];
			}
		}
		if (decider->stop_causes != 0 &&
		    decider->prefix_drains[i].causes == 0) {
			/* It came during a stop: it is not announced. */
			decider->prefix_drains[i].causes = decider->stop_causes;
			decider->prefix_drains[i].phase = DRAIN_DONE;
		}
	}
	for (size_t i = 0; i < config->peer_count && i < before->peer_count;
	     i++) {
		if (address_equal(&config->peers[i].address,
				  &before->peers[i].address)) {
			decider->peer_drains[i] = old->peer_drains[i];
			decider->bfd_shown[i] = old->bfd_shown[i];
			decider->peer_incidents[i] = old->peer_incidents[i];
		}
	}
	for (size_t i = 0; i < config->command_count; i++) {
		for (size_t k = 0; k < before->command_count; k++) {
			if (is_same_command(&config->commands[i],
					    &before->commands[k])) {
				decider->command_states[i] =
					old->command_states[k];
			}
		}
	}
}

/* Do the numbers of prefixes and peers mean the same in both? */
static bool is_same_places(const struct config_route *a,
			   const struct config_route *b)
{
	if (a->prefix_count != b->prefix_count ||
	    a->peer_count != b->peer_count) {
		return false;
	}
	for (size_t i = 0; i < a->prefix_count; i++) {
		if (!prefix_equal(&a->prefixes[i].prefix,
				  &b->prefixes[i].prefix)) {
			return false;
		}
	}
	for (size_t i = 0; i < a->peer_count; i++) {
		if (!address_equal(&a->peers[i].address,
				   &b->peers[i].address)) {
			return false;
		}
	}
	return true;
}

bool decider_reconfigure(struct decider *decider,
			 const struct config_route *config)
{
	struct decider old = *decider;
	const struct health_event attached = {.type = HEALTH_EVENT_CONNECTED};

	decider->config = config;
	decider->prober = NULL;
	decider->commands = NULL;
	decider->maintenance = NULL;
	decider->prefix_use = NULL;
	decider->prefixes = NULL;
	decider->targets = NULL;
	decider->target_count = 0;
	decider->uses = NULL;
	decider->use_count = 0;
	decider->prefix_up = NULL;
	decider->strains = NULL;
	decider->command_states = NULL;
	decider->service_open = NULL;
	decider->prefix_drains = NULL;
	decider->peer_drains = NULL;
	decider->bfd_shown = NULL;
	decider->routes = NULL;
	decider->route_count = 0;
	decider->incidents = NULL;
	decider->peer_incidents = NULL;
	if (!make_parts(decider) ||
	    !control_link_watch(decider->link, config->zones,
				config->zone_count)) {
		free_parts(decider);
		*decider = old;
		return false;
	}
	if (control_link_is_connected(decider->link)) {
		step_all(decider, &attached, now_ms());
	}
	carry_over(decider, &old);
	if (decider->events != NULL && !is_same_places(config, old.config)) {
		decider->events_before = events_count(decider->events);
	}
	free_parts(&old);
	prober_expect(decider->prober, config->identity[0] != '\0'
					       ? config->identity
					       : decider->identity);
	if (decider->stop != DECIDER_LINGERS) {
		prober_start(decider->prober);
	}
	commands_start(decider->commands);
	maintenance_start(decider->maintenance);
	overrides_resolve(decider->overrides, config);
	steer(decider, now_ms());
	return true;
}

void decider_reconfigured(struct decider *decider)
{
	apply(decider, now_ms());
}

bool decider_reload(struct decider *decider, char error[CONFIG_ERROR_MAX])
{
	if (decider->reload == NULL) {
		snprintf(error, CONFIG_ERROR_MAX, "there is no file to read");
		return false;
	}
	return decider->reload(decider->context, error);
}

static void on_poll_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_tick_closed(uv_handle_t *handle)
{
	struct decider *decider = handle->data;

	if (decider->speaker_events.data != NULL) {
		uv_close((uv_handle_t *)&decider->speaker_events,
			 on_poll_closed);
	} else {
		free(decider);
	}
}

void decider_free(struct decider *decider)
{
	if (decider == NULL) {
		return;
	}
	free_parts(decider);
	control_link_free(decider->link);
	keeper_free(decider->keeper);
	free(decider->overrides);
	if (decider->speaker_events.data != NULL) {
		uv_poll_stop(&decider->speaker_events);
	}
	uv_close((uv_handle_t *)&decider->tick, on_tick_closed);
}
