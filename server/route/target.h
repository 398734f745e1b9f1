/*
 * target.h - what an operator means by SERVICE, PREFIX or PEER.
 */
#pragma once

#include "lib/base/status.h"
#include "server/route/config_route.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum target_kind {
	TARGET_ALL, /* nothing was named */
	TARGET_SERVICE,
	TARGET_PREFIX,
	TARGET_PEER,
};

struct target {
	enum target_kind kind;
	size_t index; /* of the service, prefix or peer */
};

/*
 * text: a service's name, a prefix, a peer's address (with or without its port);
 * NULL: everything. Addresses may be written in any form. A service's name comes
 * first. STATUS_NOT_FOUND: the configuration has nothing of that name.
 */
must_check enum status target_find(struct target *out,
				   const struct config_route *config,
				   const char *text);

/* Is this prefix meant? All prefixes are TARGET_ALL; none is a peer's. */
bool target_has_prefix(const struct target *target,
		       const struct config_route *config, size_t prefix);

/* Is this peer itself meant? TARGET_ALL means all prefixes, and no peer. */
bool target_has_peer(const struct target *target, size_t peer);
