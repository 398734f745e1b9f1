/*
 * decider_parts.c - what the decider is made of by a configuration, and how it
 * passes to another one: what both have in common keeps its health, its drains
 * and its turn.
 */
#include "server/route/decider_internal.h"

#include "server/route/journal.h"

#include <stdlib.h>
#include <string.h>

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
bool decider_make_parts(struct decider *decider)
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
		good = make_prefix(decider, i, decider_now());
	}
	if (good) {
		make_uses(decider);
		decider->prober = prober_new(
			decider->loop, asked, decider->target_count,
			config->health.interval_ms, config->health.timeout_ms,
			decider_on_probe, decider);
	}
	free(asked);
	if (good) {
		decider->commands = commands_new(
			decider->loop, config->commands, config->command_count,
			decider_on_command, decider);
	}
	if (decider->prober != NULL) {
		prober_limit(decider->prober, config->health.latency_ms);
	}
	if (good) {
		decider->maintenance = maintenance_new(
			decider->loop, config, decider_on_maintenance, decider);
	}
	return good && decider->prober != NULL && decider->commands != NULL &&
	       decider->maintenance != NULL;
}

/* What decider_make_parts() made. */
void decider_free_parts(struct decider *decider)
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
	health_renew(health, decider_now());
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
	if (!decider_make_parts(decider) ||
	    !control_link_watch(decider->link, config->zones,
				config->zone_count)) {
		decider_free_parts(decider);
		*decider = old;
		return false;
	}
	if (control_link_is_connected(decider->link)) {
		decider_step_all(decider, &attached, decider_now());
	}
	carry_over(decider, &old);
	if (decider->events != NULL && !is_same_places(config, old.config)) {
		decider->events_before = events_count(decider->events);
	}
	decider_free_parts(&old);
	prober_expect(decider->prober, config->identity[0] != '\0'
					       ? config->identity
					       : decider->identity);
	if (decider->stop != DECIDER_LINGERS) {
		prober_start(decider->prober);
	}
	commands_start(decider->commands);
	maintenance_start(decider->maintenance);
	overrides_resolve(decider->overrides, config);
	decider_steer(decider, decider_now());
	return true;
}

void decider_reconfigured(struct decider *decider)
{
	decider_apply(decider, decider_now());
}

bool decider_reload(struct decider *decider, char error[CONFIG_ERROR_MAX])
{
	if (decider->reload == NULL) {
		snprintf(error, CONFIG_ERROR_MAX, "there is no file to read");
		return false;
	}
	return decider->reload(decider->context, error);
}
