#include "server/route/journal.h"

#include "server/route/events.h"
#include "server/route/incident.h"

#include <stdio.h>

static uint64_t sign(struct decider *decider, size_t prefix, bool is_bad,
		     uint64_t now)
{
	return incident_sign(
		&decider->incidents[prefix], &decider->recent, decider->events,
		is_bad, health_is_up(&decider->prefixes[prefix].health), now);
}

/* Is every question inside the prefix answered well, and every command? */
static bool all_is_good(const struct decider *decider, size_t prefix)
{
	const struct decider_prefix *p = &decider->prefixes[prefix];

	for (size_t i = 0; i < p->health.target_count; i++) {
		size_t index = p->targets[i];
		const struct decider_target *target = &decider->targets[index];

		if (p->health.targets[i].group == HEALTH_COMMANDS
			    ? !decider->command_states[index].is_good
			    : !target->has_result ||
				      target->result.reply.verdict !=
					      PROBE_GOOD) {
			return false;
		}
	}
	return true;
}

static void note_probe(struct decider *decider, size_t prefix, bool is_bad,
		       const char *name, const char *reason, uint64_t now)
{
	uint64_t number = sign(decider, prefix, is_bad, now);

	events_note(decider->events, EVENT_PROBE, number, prefix, EVENT_NONE,
		    "%.120s: %s", name, is_bad ? reason : "good");
	if (!is_bad && health_is_up(&decider->prefixes[prefix].health) &&
	    all_is_good(decider, prefix)) {
		incident_end(&decider->incidents[prefix]);
	}
}

void journal_probe(struct decider *decider, size_t index, bool is_news,
		   uint64_t now)
{
	const struct decider_target *target = &decider->targets[index];
	const struct probe_reply *reply = &target->result.reply;
	char name[DECIDER_REASON_MAX];

	if (!is_news) {
		return;
	}
	decider_target_text(decider, index, name);
	for (size_t i = target->first_use; i < target[1].first_use; i++) {
		note_probe(decider, decider->uses[i].prefix,
			   reply->verdict != PROBE_GOOD, name, reply->reason,
			   now);
	}
}

void journal_run(struct decider *decider, size_t index, bool is_news,
		 uint64_t now)
{
	const struct config_command *command =
		&decider->config->commands[index];
	const struct decider_command *state = &decider->command_states[index];

	for (size_t i = 0; is_news && i < decider->config->prefix_count; i++) {
		if (decider->config->prefixes[i].service == command->service) {
			note_probe(decider, i, !state->is_good,
				   command->arguments[0], state->reason, now);
		}
	}
}

void journal_health(struct decider *decider, size_t prefix,
		    enum health_state before, uint64_t now)
{
	const struct health *health = &decider->prefixes[prefix].health;
	char reason[DECIDER_REASON_MAX];
	uint64_t number;

	/*
	 * Its state has moved on already: what it began as decides whether this
	 * is the fault that brings it down.
	 */
	number = decider->incidents[prefix].number;
	if (number == 0) {
		number = sign(decider, prefix, !health_is_up(health), now);
	}
	decider->offer_incident = number;
	events_note(decider->events, EVENT_HEALTH, number, prefix, EVENT_NONE,
		    "%s -> %s: %s", health_state_text(before),
		    health_state_text(health->state),
		    decider_reason(decider, prefix, reason));
}

void journal_shared(struct decider *decider, size_t index)
{
	const struct decider_prefix *prefix = &decider->prefixes[index];
	bool is_shared = prefix->health.shared_since != 0;
	bool is_acted_on = decider->strains[index] == POLICY_STRAIN_SHARED;
	char reason[DECIDER_REASON_MAX];
	uint64_t number;

	if (is_shared == prefix->is_shared &&
	    is_acted_on == prefix->is_acted_on) {
		return;
	}
	number = decider->incidents[index].number;
	if (is_acted_on || prefix->is_acted_on) {
		if (number == 0) {
			number = events_incident(decider->events);
		}
		decider->offer_incident = number; /* UPDATEs follow */
	}
	events_note(decider->events, EVENT_HEALTH, number, index, EVENT_NONE,
		    "shared fault%s%s",
		    !is_shared    ? ": over"
		    : is_acted_on ? ", longer than the grace time: "
				  : ": ",
		    is_shared ? decider_shared_reason(decider, index, reason)
			      : "");
}

void journal_nameserver(struct decider *decider, bool is_bad, uint64_t now,
			const char *text)
{
	uint64_t number = 0;

	for (size_t i = 0; i < decider->config->prefix_count; i++) {
		uint64_t one = sign(decider, i, is_bad, now);

		number = one != 0 ? one : number;
	}
	events_note(decider->events, EVENT_NAMESERVER, number, EVENT_NONE,
		    EVENT_NONE, "%s", text);
}

void journal_command(struct decider *decider, const struct target *target,
		     const char *text)
{
	uint64_t number = events_incident(decider->events);
	size_t peer = target->kind == TARGET_PEER ? target->index : EVENT_NONE;
	size_t prefix =
		target->kind == TARGET_PREFIX ? target->index : EVENT_NONE;

	for (size_t i = 0; i < decider->config->prefix_count; i++) {
		if (target_has_prefix(target, decider->config, i)) {
			decider->incidents[i] = (struct incident){
				.number = number, .is_bad = true};
		}
	}
	if (peer != EVENT_NONE) {
		decider->peer_incidents[peer] = number;
	}
	decider->offer_incident = number;
	events_note(decider->events, EVENT_COMMAND, number, prefix, peer, "%s",
		    text);
}

void journal_drain(struct decider *decider, size_t prefix, size_t peer,
		   const char *text)
{
	uint64_t number = prefix != EVENT_NONE
				  ? decider->incidents[prefix].number
			  : peer != EVENT_NONE ? decider->peer_incidents[peer]
					       : decider->offer_incident;

	decider->offer_incident = number;
	events_note(decider->events, EVENT_DRAIN, number, prefix, peer, "%s",
		    text);
}

void journal_decisions(struct decider *decider)
{
	for (size_t i = 0; i < decider->config->prefix_count; i++) {
		const struct decider_prefix *prefix = &decider->prefixes[i];
		enum policy_state state = policy_state(
			decider->prefix_up[i], &decider->prefix_drains[i]);
		char reason[DECIDER_REASON_MAX];
		uint64_t number;

		if (prefix->is_shown && state == prefix->state) {
			continue;
		}
		number = incident_decided(&decider->incidents[i],
					  state == POLICY_ANNOUNCED);
		decider->offer_incident = number;
		events_note(decider->events, EVENT_DECISION, number, i,
			    EVENT_NONE, "%s -> %s: %s",
			    prefix->is_shown ? policy_state_text(prefix->state)
					     : "start",
			    policy_state_text(state),
			    decider_why(decider, i, reason));
	}
	if (decider->speaker != NULL) {
		speaker_incident(decider->speaker, decider->offer_incident);
	}
}
