#include "server/route/target.h"

#include <string.h>

static bool find_service(struct target *out, const struct config_route *config,
			 const char *text)
{
	for (size_t i = 0; i < config->service_count; i++) {
		if (strcmp(config->services[i].name, text) == 0) {
			*out = (struct target){TARGET_SERVICE, i};
			return true;
		}
	}
	return false;
}

static bool find_prefix(struct target *out, const struct config_route *config,
			const char *text)
{
	struct prefix prefix;

	if (prefix_load(&prefix, text) != STATUS_OK) {
		return false;
	}
	for (size_t i = 0; i < config->prefix_count; i++) {
		if (prefix_equal(&config->prefixes[i].prefix, &prefix)) {
			*out = (struct target){TARGET_PREFIX, i};
			return true;
		}
	}
	return false;
}

static bool find_peer(struct target *out, const struct config_route *config,
		      const char *text)
{
	struct address address;

	if (address_load(&address, text, 0) != STATUS_OK) {
		return false;
	}
	for (size_t i = 0; i < config->peer_count; i++) {
		struct address peer = config->peers[i].address;

		if (address.port == 0) {
			peer.port = 0;
		}
		if (address_equal(&peer, &address)) {
			*out = (struct target){TARGET_PEER, i};
			return true;
		}
	}
	return false;
}

enum status target_find(struct target *out, const struct config_route *config,
			const char *text)
{
	if (text == NULL) {
		*out = (struct target){TARGET_ALL, 0};
		return STATUS_OK;
	}
	return find_service(out, config, text) ||
			       find_prefix(out, config, text) ||
			       find_peer(out, config, text)
		       ? STATUS_OK
		       : STATUS_NOT_FOUND;
}

bool target_has_prefix(const struct target *target,
		       const struct config_route *config, size_t prefix)
{
	switch (target->kind) {
	case TARGET_ALL:
		return true;
	case TARGET_SERVICE:
		return config->prefixes[prefix].service == target->index;
	case TARGET_PREFIX:
		return target->index == prefix;
	case TARGET_PEER:
		break;
	}
	return false;
}

bool target_has_peer(const struct target *target, size_t peer)
{
	return target->kind == TARGET_PEER && target->index == peer;
}
