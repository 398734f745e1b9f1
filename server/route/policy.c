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

/* --- the table ------------------------------------------------------------ */

static bool communities_equal(const struct community_list *a,
			      const struct community_list *b)
{
	return a->count == b->count && a->large_count == b->large_count &&
	       memcmp(a->plain, b->plain, a->count * sizeof(a->plain[0])) ==
		       0 &&
	       memcmp(a->large, b->large,
		      a->large_count * sizeof(a->large[0])) == 0;
}

static bool actions_equal(const struct policy_action *a,
			  const struct policy_action *b)
{
	return a->kind == b->kind && a->prepend == b->prepend &&
	       communities_equal(&a->communities, &b->communities);
}

/* What one peer is told of one prefix. */
struct telling {
	bool is_draining;
	struct policy_action action;
	const struct community_list *scope;
};

static bool telling_equal(const struct telling *a, const struct telling *b)
{
	return a->is_draining == b->is_draining &&
	       actions_equal(&a->action, &b->action) &&
	       communities_equal(a->scope, b->scope);
}

static void add_communities(struct bgp_attributes *attributes,
			    const struct community_list *list)
{
	/* Never fails: the configuration leaves room. */
	for (size_t i = 0; i < list->count; i++) {
		(void)bgp_attributes_add_community(attributes, list->plain[i]);
	}
	for (size_t i = 0; i < list->large_count; i++) {
		attributes->large[attributes->large_count++] = list->large[i];
	}
}

static void tell(struct bgp_attributes *attributes,
		 const struct config_route *config, size_t prefix,
		 const struct telling *telling)
{
	size_t service = config->prefixes[prefix].service;
	unsigned prepend;

	*attributes = config->services[service].attributes;
	prepend = attributes->prepend;
	if (telling->action.kind == POLICY_PREPEND) {
		prepend += telling->action.prepend;
	}
	if (telling->is_draining) {
		/* For those who do not honour GRACEFUL_SHUTDOWN. */
		prepend += config->services[service].drain_prepend;
		if (config->services[service].has_drain_med) {
			attributes->has_med = true;
			attributes->med = config->services[service].drain_med;
		}
	}
	attributes->prepend =
		(uint8_t)(prepend < BGP_PREPEND_MAX ? prepend
						    : BGP_PREPEND_MAX);
	add_communities(attributes, &telling->action.communities);
	add_communities(attributes, telling->scope);
	if (config->has_node) {
		attributes->large[attributes->large_count++] = config->node;
	}
	if (telling->is_draining) {
		(void)bgp_attributes_add_community(
			attributes, BGP_COMMUNITY_GRACEFUL_SHUTDOWN);
	}
	bgp_attributes_normalise(attributes);
}

/* Is this peer to hear of this prefix at all, and what? */
static bool find_telling(const struct policy_input *input, size_t prefix,
			 size_t peer, struct telling *out)
{
	const struct config_route *config = input->config;
	const struct config_peer *policy = &config->peer_policies[peer];
	const struct config_prefix *p = &config->prefixes[prefix];
	const struct config_service *service = &config->services[p->service];
	unsigned family = p->prefix.family == AF_INET ? BGP_IPV4 : BGP_IPV6;
	enum drain_phase drain = input->peer_drains[peer].phase;
	struct telling telling = {.scope = &policy->scope};

	if (!policy->announces[prefix] || drain == DRAIN_DONE ||
	    (config_route_families(&config->peers[peer]) & family) == 0) {
		return false;
	}
	if (input->strains[prefix] == POLICY_STRAIN_OVERLOAD) {
		telling.action = policy->has_overload ? policy->overload
						      : service->overload;
	}
	if (input->strains[prefix] == POLICY_STRAIN_SHARED) {
		telling.action = service->shared_fault;
	}
	telling.is_draining =
		drain == DRAIN_RUNNING ||
		input->prefix_drains[prefix].phase == DRAIN_RUNNING;
	*out = telling;
	return telling.action.kind != POLICY_WITHDRAW;
}

/* The routes of one prefix: peers that are told the same share one. */
static size_t decide_prefix(const struct policy_input *input, size_t prefix,
			    struct route *routes)
{
	const struct config_route *config = input->config;
	struct telling tellings[SPEAKER_PEERS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < config->peer_count; i++) {
		struct telling telling;
		size_t at = 0;

		if (!find_telling(input, prefix, i, &telling)) {
			continue;
		}
		while (at < count && !telling_equal(&tellings[at], &telling)) {
			at++;
		}
		if (at == count) {
			tellings[count++] = telling;
			routes[at].prefix = config->prefixes[prefix].prefix;
			routes[at].peers = 0;
			tell(&routes[at].attributes, config, prefix, &telling);
		}
		routes[at].peers |= UINT64_C(1) << i;
	}
	return count;
}

size_t policy_routes_max(const struct config_route *config)
{
	return config->prefix_count *
	       (config->peer_count > 0 ? config->peer_count : 1);
}

size_t policy_decide(const struct policy_input *input, struct route *routes)
{
	size_t count = 0;

	for (size_t i = 0; i < input->config->prefix_count; i++) {
		if (policy_state(input->prefix_up[i],
				 &input->prefix_drains[i]) !=
		    POLICY_WITHDRAWN) {
			count += decide_prefix(input, i, &routes[count]);
		}
	}
	return count;
}
