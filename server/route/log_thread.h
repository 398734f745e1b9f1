/*
 * log_thread.h - the log lines of rootcast-routed, written by a thread that may
 * wait.
 *
 *	any thread --log_write()--> line_ring --> this thread --write(2)--> stderr
 *
 * Standard error may be a pipe that nobody empties. No KEEPALIVE, withdrawal or
 * BFD packet may wait for it: lines that find the ring full are dropped, and
 * the next line that can be written says how many. A crash may lose what still
 * stands in the ring: it is written within microseconds otherwise.
 */
#pragma once

#include "lib/base/status.h"

#include <stdint.h>

/* From now on log lines go through the thread. Logged and returned: no thread. */
must_check enum status log_thread_start(void);

/* Wait until all that was logged is written, at most so long. Any thread. */
void log_thread_flush(unsigned wait_ms);

/*
 * Flush for at most wait_ms; then lines go straight to standard error again, if
 * it takes them, and nowhere if the thread still waits for it. Without a thread
 * it does nothing.
 */
void log_thread_stop(unsigned wait_ms);

/* Lines dropped since start. Any thread. */
uint64_t log_thread_dropped(void);
