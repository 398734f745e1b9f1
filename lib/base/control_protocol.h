/*
 * control_protocol.h - what is said on the control sockets of both daemons.
 *
 * A UNIX stream socket, mode 0660. One JSON document a line, both ways; a
 * request has at most CONTROL_REQUEST_MAX octets, an answer CONTROL_LINE_MAX.
 * Requests of one connection are answered in their order, one at a time. A line
 * that is no JSON object, or is too long, is answered once and ends the
 * connection; so do CONTROL_IDLE_MS without a request, and a reader so slow
 * that an answer cannot be delivered for as long.
 *
 * Request:  {"command": NAME, ...arguments}
 * Reply:    {"ok": true, ...result} or {"ok": false, "error": TEXT, ...result}
 *
 * rootcastd:        status; zones; zone {"name"}; stats; attach; withdrawn;
 *                   reload {"name"?, "force"?}
 * rootcast-routed:  route-status; route-drain, route-undrain, route-disable and
 *                   route-enable {"target"?, "reason"?};
 *                   route-what-if {"action"?, "target"?};
 *                   route-log {"target"?, "last"?}
 *
 * 'attach' is route control's: after its reply the nameserver sends, every
 * CONTROL_REPORT_MS, a report, and no limit or idle time applies any more:
 *
 * {"report": N, "time_ms": MONOTONIC, "state": "running" | "stopping",
 *  "identity": TEXT,
 *  "workers": [
 *    {"id": 0, "online_ms": HOW LONG WITHOUT A QUIESCENT POINT, 0 off-line,
 *     "transports": [
 *       {"transport": "udp" | "tcp" | "xdp", "batches": N, "queries": N,
 *        "drops": N, "last_pass_ms": AGE, "waiting": OCTETS} ] } ],
 *  "zones": [ {"name": TEXT, "serial": N | null, "state": TEXT} ]}
 *
 * "batches", "queries" and "drops" (datagrams that the kernel dropped before
 * the queue) are running totals; "last_pass_ms" is the age of the last time the
 * worker's loop came round for that transport; "zones" stands in the first
 * report and in each one that follows a change of it. The reports come from a
 * thread of their own: they go on when the main loop or every worker stands
 * still, and they say so.
 *
 * On SIGTERM the nameserver sends at once a report with state "stopping", and
 * goes on answering until {"command": "withdrawn"} (answered with a reply, like
 * every request) arrived on every attached connection, or these are closed, or
 * its stop_ms is over. The end of the file means: the nameserver is gone.
 */
#pragma once

#include "lib/base/status.h"

#include <stdbool.h>

enum {
	CONTROL_LINE_MAX = 16 << 20,
	CONTROL_REQUEST_MAX = 64 << 10,
	CONTROL_IDLE_MS = 60000,
	CONTROL_REPORT_MS = 100,
	CONTROL_PATH_MAX = 104, /* sun_path of the strictest system */
};

/*
 * The default socket path: /run/rootcast/NAME where that folder can be written,
 * else $XDG_RUNTIME_DIR/rootcast/NAME, else a folder of the user's own, mode
 * 0700, below the temporary folder. The folder is made when make is set; it is
 * refused (STATUS_REFUSED) when it belongs to somebody else.
 * name: "server.sock" or "route.sock".
 */
must_check enum status control_default_path(char path[CONTROL_PATH_MAX],
					    const char *name, bool make);
