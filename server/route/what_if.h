/*
 * what_if.h - the UPDATEs that lead from one table to another (RFC 9199 3.3:
 * predict what a change does before it is made). Pure.
 *
 * The order and the grouping are those of the speaker (lib/bgp/rib.h): for each
 * peer withdrawals first, IPv4 before IPv6, and one message for all prefixes of a
 * family that share their attributes.
 */
#pragma once

#include "server/route/speaker.h"

#include <stdbool.h>
#include <stddef.h>

struct what_if_table {
	const struct route *routes;
	size_t count;
};

/* One UPDATE. */
struct what_if_update {
	size_t peer;
	const struct bgp_attributes *attributes; /* NULL: a withdrawal */
	const struct prefix *prefixes;
	size_t count;
};

typedef void (*what_if_func)(void *context,
			     const struct what_if_update *update);

/* Calls found for each; what it is given is valid for the call. */
void what_if(const struct what_if_table *before,
	     const struct what_if_table *after,
	     const struct speaker_peer *peers, size_t peer_count,
	     what_if_func found, void *context);
