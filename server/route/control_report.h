/*
 * control_report.h - a line that the nameserver sent on its control socket
 * (lib/base/control_protocol.h), read. Pure; any thread.
 */
#pragma once

#include "lib/base/status.h"
#include "server/route/config_route.h"
#include "server/route/health.h"

#include <stdbool.h>
#include <stddef.h>

enum control_line {
	CONTROL_LINE_REPLY_OK,
	CONTROL_LINE_REPLY_BAD, /* text: the error */
	CONTROL_LINE_REPORT,
	CONTROL_LINE_OTHER, /* of a later version: passed over */
};

enum {
	CONTROL_TEXT_MAX = 256,
	CONTROL_REPORT_WORKERS_MAX = 4096,
};

/* The serial of a zone, by a report. */
struct control_serial {
	bool is_known;
	uint32_t serial;
};

struct control_message {
	enum control_line kind;
	struct health_report report; /* zones: not set */
	size_t zones_fit;            /* has_zones: served or stale, of all */
	bool has_zones; /* the zones given were brought up to date */
	char text
		[CONTROL_TEXT_MAX]; /* identity of a report, error of a reply */
};

/*
 * Read one line. states[i] is the state of zones[i], serials[i] (may be NULL)
 * its serial: all are set when the line lists zones, none otherwise. STATUS_BAD_SYNTAX: nothing was changed.
 */
must_check enum status
control_report_read(struct control_message *out, const char *line, size_t size,
		    const struct probe_zone *zones, size_t zone_count,
		    enum health_zone *states, struct control_serial *serials);
