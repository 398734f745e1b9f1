/*
 * control_route.h - the control socket of rootcast-routed: what rootcastctl asks
 * (lib/base/control_protocol.h: route-status, route-drain, route-undrain).
 *
 * Whoever may open the socket may steer; but even they can not stall the
 * decider: lines, connections, unread replies and idle time have limits. Lives
 * on the loop's thread.
 */
#pragma once

#include "lib/base/status.h"

#include <jansson.h>
#include <stddef.h>
#include <uv.h>

struct control_route;
struct decider;

enum {
	CONTROL_ROUTE_LINE_MAX = 4096, /* octets of a request */
	CONTROL_ROUTE_CLIENTS_MAX = 32,
	CONTROL_ROUTE_IDLE_MS = 10000,
	CONTROL_ROUTE_ERROR_MAX = 256,
};

/*
 * Listen at path (0660). A socket that a dead process left is replaced; one
 * that is answered is not: STATUS_EXISTS. NULL with one line in error.
 */
struct control_route *control_route_start(uv_loop_t *loop, const char *path,
					  struct decider *decider,
					  char error[CONTROL_ROUTE_ERROR_MAX]);

/* Remove the socket, close everything; memory goes once the loop has run. */
void control_route_free(struct control_route *control);

/*
 * The reply to one request line; a new reference, NULL when there is no memory.
 * What it asks for has been done.
 */
json_t *control_route_answer(struct decider *decider, const char *line,
			     size_t size);
