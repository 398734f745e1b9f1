/*
 * memory_keeper.h - let somebody else free the memory of a killed process.
 *
 * When a process dies, the last of its threads to exit frees its memory, before
 * that thread closes its files: 100 ms and more a gigabyte. Where that thread
 * is the one that holds the control connections, route control learns late.
 */
#pragma once

#include <sys/types.h>

/*
 * Start a process that shares this one's memory and nothing else (no
 * descriptor), does nothing, and dies after it. Main thread only: it dies with
 * that. Returns its id, or -1 with errno set: then deaths are told later.
 */
pid_t memory_keeper_start(void);
void memory_keeper_stop(pid_t keeper);
