/*
 * control_report.h - what the nameserver says of itself, as JSON text.
 *
 * Each returns one line with its line feed, to be given to free(), or NULL
 * where there is no memory.
 */
#pragma once

#include "server/nameserver/zone_folder.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct counters;
struct steer;

struct control_report {
	uint64_t number;
	bool is_stopping;
	const char *identity;
	const struct counters *counters; /* NULL: no workers yet */
	const char *zones; /* text of the array, or NULL: left out */
	uint64_t now_ns;
};

/* Any thread. */
char *control_report_dump(const struct control_report *report);
char *control_report_stats(const struct counters *counters);
char *control_report_error(const char *text);
char *control_report_done(void);

/* The thread of the folder's loop; folder NULL: no zones. */
struct control_report_status {
	const char *identity;
	uint64_t uptime_ms;
	bool is_stopping;
	bool is_attached;
	const struct counters *counters;
	const struct zone_folder *folder;
	const struct steer *steer; /* NULL: left out */
	uint64_t now_ns;
};
char *control_report_status(const struct control_report_status *status);
/* name NULL: all. */
char *control_report_zones(const struct zone_folder *folder,
			   const struct dname *name);
/* For reports: only the array, of places only: name, serial, state. */
char *control_report_places(const struct zone_folder *folder);
char *control_report_reload(const struct zone_folder_result *result);
