/*
 * folder_load.h - read one zone file, but only when nobody is writing it.
 *
 * Runs on the thread pool; touches nothing but *load. The verdict and what
 * comes with it are for the loop's thread.
 */
#pragma once

#include "lib/dns/dname.h"
#include "lib/zone/load.h"
#include "server/nameserver/folder_scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum folder_verdict {
	FOLDER_LOADED,   /* zone.version is the file's */
	FOLDER_FAILED,   /* zone.error says why */
	FOLDER_WRITING,  /* a process has it, or an $INCLUDE, open to write */
	FOLDER_UNSTABLE, /* changed a moment ago; writers cannot be known */
	FOLDER_CHANGED,  /* changed while it was read */
	FOLDER_VANISHED,
};

struct folder_load {
	/* In; the caller's, unchanged until the load is over. */
	const char *path;
	const struct dname *origin;
	unsigned stable_ms;
	const struct zonemd_rule *rules;
	size_t rule_count;
	/* A state seen before, and since when (clock_monotonic_ns). */
	struct folder_state stable;
	uint64_t stable_since_ns;

	/* Out. */
	enum folder_verdict verdict;
	struct folder_state state; /* before it was read */
	unsigned retry_ms;         /* when to try again */
	struct zone_load zone;
	/* The files below it, as they were read. */
	struct folder_scan_entry *includes;
	size_t include_count;
};

void folder_load_run(struct folder_load *load);
/*
 * Check what was loaded, where zone.unchecked says that this is left to do; the
 * version may be served meanwhile. On the pool, too.
 */
void folder_load_check(struct folder_load *load);
void folder_load_fini(struct folder_load *load);
