/*
 * control.h - the nameserver's control socket (lib/base/control_protocol.h).
 *
 * One small thread with a descriptor table of its own: when the process dies,
 * its connections end at once, while the kernel still frees gigabytes of zones
 * or writes a core. It answers 'attach' and 'stats' from counters, whatever the
 * main thread does; what needs the main thread (status, zones, reload) is
 * handed over and has 5 s to be taken up.
 *
 *	control_start()      first of all, before any socket is opened
 *	control_attach()     when the loop, the workers and the zones are there
 *	control_stopping()   on SIGTERM; calls back when the process may go
 *	control_stop()       last
 */
#pragma once

#include "lib/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct control;
struct counters;
struct steer;
struct zone_folder;

enum {
	CONTROL_ERROR_MAX = 256,
};

struct control_options {
	const char *path;     /* the socket */
	const char *identity; /* as in reports; copied */
};

/*
 * Make the socket (0660; a stale file is replaced, but only when nobody answers
 * there) and the thread. On return the thread has its own descriptor table, and
 * nothing that is opened later will be in it. error takes one line:
 * STATUS_EXISTS 'another rootcastd is running'.
 */
must_check enum status control_start(const struct control_options *options,
				     struct control **out,
				     char error[CONTROL_ERROR_MAX]);

/*
 * Serve: counters, and folder (NULL: no zones), outlive control_stop(). The
 * control thread reads the counters itself. Main thread; loop is its loop.
 */
must_check enum status control_attach(struct control *control, uv_loop_t *loop,
				      const struct counters *counters,
				      struct zone_folder *folder);

/* What 'status' says of steering; outlives control_stop(). Main thread. */
void control_tell_steer(struct control *control, const struct steer *steer);

/*
 * A zone's serial or state changed: the next report lists zones. Main thread.
 */
void control_zones_changed(struct control *control);

/* Is any route control attached? Main thread. */
bool control_is_attached(const struct control *control);

/*
 * Say 'stopping' in a report at once. withdrawn is called from the loop when
 * every attached connection has said 'withdrawn' or has closed; soon, where
 * none is attached. The caller keeps its own limit (stop_ms).
 */
void control_stopping(struct control *control, void (*withdrawn)(void *context),
		      void *context);

/*
 * Close the handles on the loop (before it ends): no callback comes afterwards
 * but closed.
 */
void control_detach(struct control *control, void (*closed)(void *context),
		    void *context);

/* End the thread, close every connection, remove the socket. NULL is fine. */
void control_stop(struct control *control);
