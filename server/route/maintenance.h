/*
 * maintenance.h - files whose being there drains a service, or all of them.
 *
 * Looked at every MAINTENANCE_MS, by a thread of libuv's pool, since a file
 * system may wait. What a file holds is the reason that is shown. A file that is
 * there and cannot be read counts as there. Where it cannot be said whether it
 * is there (a folder that may not be searched), it counts as there, too: who
 * drains a site must not be overruled by a file mode.
 */
#pragma once

#include "server/route/config_route.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

enum {
	MAINTENANCE_MS = 500,
	MAINTENANCE_REASON_MAX = 256,
};

struct maintenance;

/*
 * Looks once, and waits for it. changed: a file came, went, or has another
 * reason. Without files nothing happens. NULL: no memory.
 */
struct maintenance *
maintenance_new(uv_loop_t *loop, const struct config_route *config,
		void (*changed)(void *context, const char *text),
		void *context);
void maintenance_start(struct maintenance *maintenance);

/* The reason by which this service is drained; NULL: it is not. */
const char *maintenance_reason(const struct maintenance *maintenance,
			       size_t service);

/* No call comes afterwards; memory goes once the loop has run. */
void maintenance_free(struct maintenance *maintenance);

/*
 * What stands in a file, as one line: false where there is no such file. Waits
 * for the file system.
 */
bool maintenance_look(const char *path, char reason[MAINTENANCE_REASON_MAX]);
