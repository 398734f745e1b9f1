/*
 * config_reload.h - may a new configuration take over while we run?
 *
 * Peers are known by their place in the arrays, to the speaker, to BFD and to
 * every set of peers. So that what did not change stays untouched, the new
 * configuration is brought into the places of the old one. Pure.
 */
#pragma once

#include "server/route/config_route.h"

#include <stdbool.h>

/*
 * Bring the peers of 'next' into the places that they have in 'now': new ones
 * take free places, and places may stay empty (AS 0, nothing announced). False,
 * and one line in error, where a restart is needed, or there is no memory.
 */
must_check bool config_reload_align(struct config_route *next,
				    const struct config_route *now,
				    char error[CONFIG_ERROR_MAX]);
