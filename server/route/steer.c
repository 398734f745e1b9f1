#include "server/route/steer.h"

static bool set_cause(const struct steer *steer, struct drain *drain,
		      enum drain_cause cause, bool is_wanted, bool has_use)
{
	bool is_there = (drain->causes & (unsigned)cause) != 0;

	if (is_wanted && !is_there) {
		drain_begin(drain, cause, has_use,
			    steer->config->health.drain_ms, steer->now);
	} else if (!is_wanted && is_there) {
		drain_end(drain, cause);
	}
	return is_wanted != is_there;
}

bool steer_apply(const struct steer *steer, struct drain *prefix_drains,
		 struct drain *peer_drains)
{
	const struct config_route *config = steer->config;
	bool changed = false;

	for (size_t i = 0; i < config->prefix_count; i++) {
		struct drain *drain = &prefix_drains[i];
		bool has_use = steer->prefix_use[i];

		changed |= set_cause(steer, drain, DRAIN_BY_OPERATOR,
				     overrides_of_prefix(steer->overrides,
							 config, OVERRIDE_DRAIN,
							 i) != NULL,
				     has_use);
		changed |= set_cause(
			steer, drain, DRAIN_BY_FILE,
			steer->maintenance != NULL &&
				maintenance_reason(
					steer->maintenance,
					config->prefixes[i].service) != NULL,
			has_use);
		/* Last, and at once: nobody is to be told first. */
		changed |= set_cause(
			steer, drain, DRAIN_BY_DISABLE,
			overrides_of_prefix(steer->overrides, config,
					    OVERRIDE_DISABLE, i) != NULL,
			false);
	}
	for (size_t i = 0; i < config->peer_count; i++) {
		changed |=
			set_cause(steer, &peer_drains[i], DRAIN_BY_OPERATOR,
				  overrides_of_peer(steer->overrides,
						    OVERRIDE_DRAIN, i) != NULL,
				  (steer->established >> i & 1) != 0);
		changed |= set_cause(steer, &peer_drains[i], DRAIN_BY_DISABLE,
				     overrides_of_peer(steer->overrides,
						       OVERRIDE_DISABLE,
						       i) != NULL,
				     false);
	}
	return changed;
}
