/*
 * control_link.h - our connection to the nameserver's control socket.
 *
 * Connects, attaches, reads reports; when the connection ends it says so at once
 * and tries again every CONTROL_LINK_RETRY_MS for as long as it takes. Lives on the
 * loop's thread.
 */
#pragma once

#include "server/route/config_route.h"
#include "server/route/health.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct control_link;

enum {
	CONTROL_LINK_RETRY_MS = 100,
};

struct control_link_events {
	void (*connected)(void *context);
	/* report.zones is set, and valid until the connection is lost. */
	void (*report)(void *context, const struct health_report *report,
		       const char *identity);
	/* The nameserver is gone, or does not speak as it should. */
	void (*lost)(void *context, const char *reason);
	void *context;
};

/* path and zones outlive the link. NULL when there is no memory. */
struct control_link *control_link_new(uv_loop_t *loop, const char *path,
				      const struct probe_zone *zones,
				      size_t zone_count,
				      const struct control_link_events *events);

/*
 * Watch other zones from now on; what was reported of them holds. False: no
 * memory, nothing changed. Reports that were given out lose their zones.
 */
must_check bool control_link_watch(struct control_link *link,
				   const struct probe_zone *zones,
				   size_t zone_count);

/* The states of the zones, as a report has them; until control_link_watch(). */
const enum health_zone *control_link_zones(const struct control_link *link);

void control_link_start(struct control_link *link);

/* Read what has arrived, now: before the time is held against the other side. */
void control_link_read(struct control_link *link);

/* Say 'withdrawn'. Without effect where there is no connection. */
void control_link_withdrawn(struct control_link *link);

/* The serial that the nameserver reported last for a zone; false: none. */
bool control_link_serial(const struct control_link *link, size_t zone,
			 uint32_t *serial);

bool control_link_is_connected(const struct control_link *link);

/* No callback comes afterwards; memory goes once the loop has run. */
void control_link_free(struct control_link *link);
