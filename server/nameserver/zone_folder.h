/*
 * zone_folder.h - every zone file of a folder, loaded, watched and published.
 *
 * Lives on the main thread's loop; files are scanned and read on libuv's thread
 * pool, so neither the loop nor a worker ever waits for a disk. The folder owns
 * the places (struct zone) that it puts into the zone set. Every function is
 * for the loop's thread.
 *
 * What is promised to operators: a zone is published as soon as its file was
 * read; an erroneous, half-written or vanished file never touches the version
 * that is served; a zone that should be there and is not has an empty place
 * (SERVFAIL), never its parent's answer.
 */
#pragma once

#include "lib/base/status.h"
#include "lib/dns/dname.h"
#include "lib/zone/master_file.h"
#include "lib/zone/zone_set.h"
#include "lib/zone/zonemd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct zone_folder;

/* X(name, text): what `rootcastctl zones` calls a zone's state. */
#define ZONE_STATE_LIST(X)               \
	X(ZONE_STATE_SERVED, "served")   \
	X(ZONE_STATE_LOADING, "loading") \
	X(ZONE_STATE_FAILED, "failed")   \
	X(ZONE_STATE_STALE, "stale")     \
	X(ZONE_STATE_EXPIRED, "expired")

enum zone_state {
#define ZONE_STATE_ENUM(name, text) name,
	ZONE_STATE_LIST(ZONE_STATE_ENUM)
#undef ZONE_STATE_ENUM
};

const char *zone_state_text(enum zone_state state);

struct zone_folder_options {
	uv_loop_t *loop;
	const char *path;
	struct zone_set *set; /* outlives the folder */

	/* Zones that the configuration names: places from the start. */
	const struct dname_storage *names;
	size_t name_count;
	/* What to do about ZONEMD; they outlive the folder. */
	const struct zonemd_rule *rules;
	size_t rule_count;

	/*
	 * Once: every file found at start was loaded or has failed (or is held
	 * open for writing for longer than busy_ms: among the failed).
	 */
	void (*ready)(void *context, size_t served, size_t failed);
	/* A zone came, went, or changed its serial or state. Often: note it. */
	void (*changed)(void *context);
	void *context;

	/* Times for tests; 0 stands for the default of zone_folder.c. */
	unsigned settle_ms;     /* quiet time that ends a burst of changes */
	unsigned settle_max_ms; /* the longest that a burst puts off a look */
	unsigned rescan_ms;     /* between looks where nothing was noticed */
	unsigned stable_ms;     /* unchanged for so long counts as written */
	unsigned busy_ms;       /* how long ready and reload wait for writers */
};

/*
 * Open the folder and begin: the first look runs when the loop does.
 * STATUS_NOT_FOUND, STATUS_REFUSED and the like where the folder cannot be
 * opened; that was logged.
 */
must_check enum status zone_folder_start(const struct zone_folder_options *,
					 struct zone_folder **out);

/*
 * Stop watching and loading; handles are closed. A file that is just being read
 * is read to its end: stopped is called from the loop after that. Reloads that
 * still wait are answered with STATUS_CLOSED.
 */
void zone_folder_stop(struct zone_folder *folder,
		      void (*stopped)(void *context), void *context);

/*
 * After stopped, when no reader uses the zone set any more: remove and free
 * every zone. NULL is fine.
 */
void zone_folder_free(struct zone_folder *folder);

/* How a reload ended. Counts are of this reload, or of now. */
struct zone_folder_result {
	enum status status; /* STATUS_NOT_FOUND: no such zone */
	size_t loaded;      /* files read and published by it */
	size_t removed;     /* zones let go by it */
	size_t served;      /* now */
	size_t failed;      /* now: entries in state failed */
	size_t errors;      /* of the zones asked for: with an error now */
	/* One line to show where status is bad or there are errors; else "". */
	char text[512];
};

typedef void (*zone_folder_reload_func)(const struct zone_folder_result *result,
					void *context);

/*
 * Look again and read what changed and what failed; with a name, that zone's
 * file even if it did not change. force: read every file again, and accept the
 * loss of zones that the folder holds back. done is called, later, from the
 * loop, when all of it was read.
 */
void zone_folder_reload(struct zone_folder *folder, const struct dname *name,
			bool force, zone_folder_reload_func done,
			void *context);

/* One zone, or a file that could become none. Valid during the call only. */
struct zone_folder_info {
	const struct dname *name;
	enum zone_state state;
	bool has_serial;
	uint32_t serial;
	const char *source; /* the file, or "" */
	size_t records;
	enum zonemd_state zonemd;              /* where has_serial */
	size_t octets;                         /* memory mapped for the zone */
	const struct master_file_error *error; /* NULL: none */
	size_t warnings;
	const char *warning; /* the first of them, or "" */
	int64_t loaded_ms;   /* wall clock; 0: never */
	/*
	 * False: a further file that failed for a name that is listed already
	 * (two claims); it is no zone of its own.
	 */
	bool is_place;
};

/*
 * Every zone in canonical order, or the entries of one name. Returns how many.
 */
typedef void (*zone_folder_info_func)(const struct zone_folder_info *info,
				      void *context);
size_t zone_folder_walk(const struct zone_folder *folder,
			const struct dname *name, zone_folder_info_func func,
			void *context);

struct zone_folder_totals {
	size_t served;
	size_t loading;
	size_t failed;
	size_t errors; /* entries that show an error, served ones included */
	size_t zonemd[ZONEMD_STATES]; /* of the zones served */
	bool is_ready;                /* the first look is done */
};
void zone_folder_totals(const struct zone_folder *folder,
			struct zone_folder_totals *out);

const char *zone_folder_path(const struct zone_folder *folder);

/* What is wrong with the folder as a whole, or NULL. */
const char *zone_folder_trouble(const struct zone_folder *folder);
