/*
 * decider_reason.c - what the decider's state is called: for the log, 'route
 * status' and the ring of events. Reads, and changes nothing but what was logged.
 */
#include "server/route/decider_internal.h"

#include "lib/base/log.h"

#include <stdio.h>
#include <string.h>

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
		    health_is_shared(health, decider_now())) {
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
			 (double)health_wait_ms(health, decider_now()) / 1000,
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

void decider_log_state(struct decider *decider, size_t index)
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

void decider_log_health(struct decider *decider, size_t index)
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
void decider_log_shared(struct decider *decider, size_t index)
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
