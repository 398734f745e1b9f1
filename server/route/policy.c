#include "server/route/policy.h"

#include <string.h>

void drain_begin(struct drain *drain, enum drain_cause cause, bool has_use,
		 uint64_t drain_ms, uint64_t now)
{
	drain->causes |= cause;
	if (drain->phase == DRAIN_NONE) {
		drain->phase = DRAIN_RUNNING;
		drain->until = now + drain_ms;
	}
	drain_step(drain, has_use, now);
}

bool drain_step(struct drain *drain, bool has_use, uint64_t now)
{
	if (drain->phase != DRAIN_RUNNING || (has_use && now < drain->until)) {
		return false;
	}
	drain->phase = DRAIN_DONE;
	return true;
}

void drain_end(struct drain *drain, enum drain_cause cause)
{
	drain->causes &= ~(unsigned)cause;
	if (drain->causes == 0) {
		drain->phase = DRAIN_NONE;
	}
}

enum policy_state policy_state(bool is_up, const struct drain *drain)
{
	if (!is_up || drain->phase == DRAIN_DONE) {
		return POLICY_WITHDRAWN;
	}
	return drain->phase == DRAIN_RUNNING ? POLICY_DRAINING
					     : POLICY_ANNOUNCED;
}

const char *policy_state_text(enum policy_state state)
{
	static const char *const texts[] = {
		[POLICY_WITHDRAWN] = "withdrawn",
		[POLICY_DRAINING] = "draining",
		[POLICY_ANNOUNCED] = "announced",
	};

	return texts[state];
}

/* Peers that carry the family of a prefix, by the phase of their own drain. */
static uint64_t peers_in_phase(const struct policy_input *input,
			       uint16_t family, enum drain_phase phase)
{
	const struct config_route *config = input->config;
	unsigned wanted = family == AF_INET ? BGP_IPV4 : BGP_IPV6;
	uint64_t set = 0;

	for (size_t i = 0; i < config->peer_count; i++) {
		if (input->peer_drains[i].phase == phase &&
		    (config_route_families(&config->peers[i]) & wanted) != 0) {
			set |= UINT64_C(1) << i;
		}
	}
	return set;
}

static void add_route(struct route *route, const struct prefix *prefix,
		      uint64_t peers, const struct bgp_attributes *attributes,
		      bool is_draining)
{
	route->prefix = *prefix;
	route->peers = peers;
	route->attributes = *attributes;
	if (is_draining) {
		/* Never fails: the configuration leaves room for one more. */
		(void)bgp_attributes_add_community(
			&route->attributes, BGP_COMMUNITY_GRACEFUL_SHUTDOWN);
		bgp_attributes_normalise(&route->attributes);
	}
}

size_t policy_decide(const struct policy_input *input, struct route *routes)
{
	const struct config_route *config = input->config;
	size_t count = 0;

	for (size_t i = 0; i < config->prefix_count; i++) {
		const struct config_prefix *prefix = &config->prefixes[i];
		const struct bgp_attributes *attributes =
			&config->services[prefix->service].attributes;
		uint16_t family = prefix->prefix.family;
		uint64_t normal = peers_in_phase(input, family, DRAIN_NONE);
		uint64_t draining =
			peers_in_phase(input, family, DRAIN_RUNNING);

		switch (policy_state(input->prefix_up[i],
				     &input->prefix_drains[i])) {
		case POLICY_WITHDRAWN:
			continue;
		case POLICY_DRAINING:
			draining |= normal;
			normal = 0;
			break;
		case POLICY_ANNOUNCED:
			break;
		}
		if (normal != 0) {
			add_route(&routes[count++], &prefix->prefix, normal,
				  attributes, false);
		}
		if (draining != 0) {
			add_route(&routes[count++], &prefix->prefix, draining,
				  attributes, true);
		}
	}
	return count;
}
