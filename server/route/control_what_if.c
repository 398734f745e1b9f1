/*
 * control_what_if.c - what a command would send, without sending it.
 *
 * The decision is made once more, on copies: of the overrides with the command
 * carried out, and of the drains that follow. A drain has two steps, now and
 * after drain_ms; both are shown. Health is taken to stay as it is.
 */
#include "lib/base/clock.h"
#include "server/route/control_answers.h"
#include "server/route/decider.h"
#include "server/route/steer.h"
#include "server/route/what_if.h"

#include <stdlib.h>
#include <string.h>

/* The copies. */
struct trial {
	const struct decider *decider;
	struct overrides *overrides;
	struct drain *prefix_drains;
	struct drain *peer_drains;
	bool *prefix_use;
	struct route *before;
	struct route *now;
	struct route *later;
	uint64_t established;
	struct target target; /* of a what-if without a command */
	json_t *updates;
	json_int_t after_ms; /* of the step that is shown */
};

static bool trial_make(struct trial *trial, const struct decider *decider)
{
	const struct config_route *config = decider->config;
	size_t routes = policy_routes_max(config) + 1;

	trial->decider = decider;
	trial->overrides = malloc(sizeof(*trial->overrides));
	trial->prefix_drains =
		calloc(config->prefix_count, sizeof(*trial->prefix_drains));
	trial->peer_drains =
		calloc(config->peer_count + 1, sizeof(*trial->peer_drains));
	trial->prefix_use =
		calloc(config->prefix_count, sizeof(*trial->prefix_use));
	trial->before = calloc(routes, sizeof(*trial->before));
	trial->now = calloc(routes, sizeof(*trial->now));
	trial->later = calloc(routes, sizeof(*trial->later));
	trial->updates = json_array();
	if (trial->overrides == NULL || trial->prefix_drains == NULL ||
	    trial->peer_drains == NULL || trial->prefix_use == NULL ||
	    trial->before == NULL || trial->now == NULL ||
	    trial->later == NULL || trial->updates == NULL) {
		return false;
	}
	memcpy(trial->overrides, decider->overrides, sizeof(*trial->overrides));
	memcpy(trial->prefix_drains, decider->prefix_drains,
	       config->prefix_count * sizeof(*trial->prefix_drains));
	memcpy(trial->peer_drains, decider->peer_drains,
	       config->peer_count * sizeof(*trial->peer_drains));
	trial->established = decider_uses(decider, trial->prefix_use);
	return true;
}

static void trial_free(struct trial *trial)
{
	free(trial->overrides);
	free(trial->prefix_drains);
	free(trial->peer_drains);
	free(trial->prefix_use);
	free(trial->before);
	free(trial->now);
	free(trial->later);
}

/* --- what is shown -------------------------------------------------------- */

static json_t *show_attributes(const struct bgp_attributes *attributes)
{
	json_t *communities = json_array();
	json_t *shown =
		json_pack("{s:I}", "prepend", (json_int_t)attributes->prepend);

	for (size_t i = 0; i < attributes->community_count; i++) {
		uint32_t community = attributes->communities[i];

		json_array_append_new(
			communities,
			community == BGP_COMMUNITY_GRACEFUL_SHUTDOWN
				? json_string("graceful-shutdown")
				: json_sprintf("%u:%u", community >> 16,
					       community & 0xffff));
	}
	for (size_t i = 0; i < attributes->large_count; i++) {
		const struct bgp_large_community *large = &attributes->large[i];

		json_array_append_new(communities,
				      json_sprintf("%u:%u:%u", large->global,
						   large->local1,
						   large->local2));
	}
	json_object_set_new(shown, "communities", communities);
	if (attributes->has_med) {
		json_object_set_new(shown, "med",
				    json_integer(attributes->med));
	}
	return shown;
}

/* Without a command 'target' says what is of interest. */
static bool is_wanted(const struct trial *trial, size_t peer,
		      const struct prefix *prefix)
{
	const struct config_route *config = trial->decider->config;

	if (trial->target.kind == TARGET_ALL ||
	    trial->target.kind == TARGET_PEER) {
		return trial->target.kind == TARGET_ALL ||
		       target_has_peer(&trial->target, peer);
	}
	for (size_t i = 0; i < config->prefix_count; i++) {
		if (prefix_equal(&config->prefixes[i].prefix, prefix)) {
			return target_has_prefix(&trial->target, config, i);
		}
	}
	return false;
}

static void on_update(void *context, const struct what_if_update *update)
{
	struct trial *trial = context;
	const struct config_route *config = trial->decider->config;
	struct address address = config->peers[update->peer].address;
	char text[ADDRESS_TEXT_MAX];
	json_t *prefixes = json_array();
	json_t *shown;

	for (size_t i = 0; i < update->count; i++) {
		char name[PREFIX_TEXT_MAX];

		if (is_wanted(trial, update->peer, &update->prefixes[i])) {
			json_array_append_new(
				prefixes, json_string(prefix_dump(
						  &update->prefixes[i], name)));
		}
	}
	if (json_array_size(prefixes) == 0) {
		json_decref(prefixes);
		return;
	}
	address.port = 0;
	shown = json_pack("{s:s, s:b, s:I, s:s, s:o}", "peer",
			  address_dump(&address, text), "established",
			  (int)(trial->established >> update->peer & 1),
			  "after_ms", trial->after_ms, "action",
			  update->attributes != NULL ? "announce" : "withdraw",
			  "prefixes", prefixes);
	if (update->attributes != NULL) {
		json_object_set_new(shown, "attributes",
				    show_attributes(update->attributes));
	}
	json_array_append_new(trial->updates, shown);
}

static void show_step(struct trial *trial, const struct what_if_table *before,
		      const struct what_if_table *after, json_int_t after_ms)
{
	const struct config_route *config = trial->decider->config;

	trial->after_ms = after_ms;
	what_if(before, after, config->peers, config->peer_count, on_update,
		trial);
}

/* --- what would be decided ------------------------------------------------ */

static size_t decide(const struct trial *trial, struct route *routes)
{
	struct policy_input input = decider_input(trial->decider);

	input.prefix_drains = trial->prefix_drains;
	input.peer_drains = trial->peer_drains;
	return policy_decide(&input, routes);
}

/* Drains that run come to their end. */
static void finish_drains(struct drain *drains, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		drain_step(&drains[i], false, 0);
	}
}

/* The drains that the command begins, apart from what runs already. */
static void keep_own(struct drain *drains, const struct drain *before,
		     size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (before[i].phase == DRAIN_RUNNING) {
			drains[i].phase = before[i].phase;
		}
	}
}

static void try_command(struct trial *trial)
{
	const struct decider *decider = trial->decider;
	const struct config_route *config = decider->config;
	const struct steer steer = {
		.config = config,
		.overrides = trial->overrides,
		.maintenance = decider->maintenance,
		.prefix_use = trial->prefix_use,
		.established = trial->established,
		.now = clock_monotonic_ms(),
	};
	struct what_if_table before = {trial->before, 0};
	struct what_if_table now = {trial->now, 0};
	struct what_if_table later = {trial->later, 0};

	before.count = decide(trial, trial->before);
	steer_apply(&steer, trial->prefix_drains, trial->peer_drains);
	now.count = decide(trial, trial->now);
	show_step(trial, &before, &now, 0);
	finish_drains(trial->prefix_drains, config->prefix_count);
	finish_drains(trial->peer_drains, config->peer_count);
	keep_own(trial->prefix_drains, decider->prefix_drains,
		 config->prefix_count);
	keep_own(trial->peer_drains, decider->peer_drains, config->peer_count);
	later.count = decide(trial, trial->later);
	show_step(trial, &now, &later, config->health.drain_ms);
}

/* Every session comes up anew. */
static void try_present(struct trial *trial)
{
	struct what_if_table nothing = {trial->before, 0};
	struct what_if_table present = {trial->now, 0};

	present.count = decide(trial, trial->now);
	show_step(trial, &nothing, &present, 0);
}

static json_t *sessions_closed(const struct trial *trial)
{
	const struct config_route *config = trial->decider->config;
	json_t *list = json_array();

	for (size_t i = 0; i < config->peer_count; i++) {
		struct address address = config->peers[i].address;
		char text[ADDRESS_TEXT_MAX];

		address.port = 0;
		if (overrides_of_peer(trial->overrides, OVERRIDE_DISABLE, i) !=
			    NULL &&
		    overrides_of_peer(trial->decider->overrides,
				      OVERRIDE_DISABLE, i) == NULL) {
			json_array_append_new(list, json_string(address_dump(
							    &address, text)));
		}
	}
	return list;
}

static bool find_verb(const char *action, enum decider_verb *out)
{
	for (int i = 0; i < DECIDER_VERBS; i++) {
		if (strcmp(action, decider_verb_text((enum decider_verb)i)) ==
		    0) {
			*out = (enum decider_verb)i;
			return true;
		}
	}
	return false;
}

json_t *control_what_if_answer(struct decider *decider, const json_t *request)
{
	const char *action =
		json_string_value(json_object_get(request, "action"));
	const json_t *name = json_object_get(request, "target");
	struct trial trial = {0};
	enum decider_verb verb = DECIDER_DRAIN;
	enum status status = STATUS_OK;
	struct target target;
	json_t *reply;

	if ((name != NULL && !json_is_string(name)) ||
	    target_find(&target, decider->config, json_string_value(name)) !=
		    STATUS_OK) {
		return control_refuse(
			"no service, prefix or peer is called '%.128s'",
			json_is_string(name) ? json_string_value(name) : "");
	}
	if (action != NULL && !find_verb(action, &verb)) {
		return control_refuse("no such action: '%.64s'", action);
	}
	if (!trial_make(&trial, decider)) {
		trial_free(&trial);
		json_decref(trial.updates);
		return NULL;
	}
	if (action == NULL) {
		trial.target = target;
		try_present(&trial);
	} else {
		status = decider_override(trial.overrides, decider->config,
					  verb, &target, NULL);
		try_command(&trial);
	}
	if (status != STATUS_OK) {
		json_decref(trial.updates);
		reply = control_refuse("%s", status_text(status));
	} else {
		reply = json_pack("{s:b, s:o, s:o}", "ok", 1, "updates",
				  trial.updates, "sessions_closed",
				  sessions_closed(&trial));
	}
	trial_free(&trial);
	return reply;
}
