/*
 * control_request.h - one line of a control connection, read with suspicion.
 *
 * Pure; any thread. Whoever can reach the socket may send anything.
 */
#pragma once

#include "lib/dns/dname.h"

#include <stdbool.h>
#include <stddef.h>

/* X(name, text) */
#define CONTROL_COMMAND_LIST(X)     \
	X(CONTROL_STATUS, "status") \
	X(CONTROL_ZONES, "zones")   \
	X(CONTROL_ZONE, "zone")     \
	X(CONTROL_RELOAD, "reload") \
	X(CONTROL_STATS, "stats")   \
	X(CONTROL_ATTACH, "attach") \
	X(CONTROL_WITHDRAWN, "withdrawn")

enum control_command {
#define CONTROL_COMMAND_ENUM(name, text) name,
	CONTROL_COMMAND_LIST(CONTROL_COMMAND_ENUM)
#undef CONTROL_COMMAND_ENUM
};

enum {
	CONTROL_REQUEST_ERROR_MAX = 160,
};

struct control_request {
	enum control_command command;
	bool has_name;
	bool force;
	struct dname_storage name;
};

/* What a line turned out to be. */
enum control_request_kind {
	CONTROL_REQUEST_GOOD,
	CONTROL_REQUEST_REFUSED, /* answered with error; the next may be good */
	CONTROL_REQUEST_GARBAGE, /* answered with error; ends the connection */
};

/* line: without its line feed. error is written unless it is good. */
enum control_request_kind
control_request_parse(const char *line, size_t size,
		      struct control_request *out,
		      char error[CONTROL_REQUEST_ERROR_MAX]);
