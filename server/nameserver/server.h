/*
 * server.h - rootcastd as a whole: what is started in which order, and how it
 * stops.
 */
#pragma once

#include "server/nameserver/config.h"

/*
 * Start, run until stopped, take everything down. Returns the exit status: 0
 * after a clean stop, 1 where it could not run (one line was logged). Main
 * thread, once in a process's life (it owns the signals).
 */
int server_run(const struct config *config);
