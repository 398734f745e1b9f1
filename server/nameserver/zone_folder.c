/*
 * zone_folder.c - every zone file of a folder, loaded, watched and published.
 *
 * The idea: events never say what changed, only that it is time to look. A look
 * (folder_scan.c) lists every file with its state; what differs from the state
 * that was read last is read again (folder_load.c). So a lost event, an
 * overflow or a file system without events costs time, never correctness, and a
 * restart and a running server come to the same zones.
 *
 *	inotify, timer, reload -> look (pool) -> compare -> queue
 *	queue, small files first -> batches (pool) -> accept or fail -> publish
 *	-> checks (pool), if the file is large -> warnings
 *
 * A file refers to one zone: the one it is named for until it was read, then
 * the owner of its SOA record. A zone is there as long as a file refers to it,
 * or the configuration names it; it is served while it has an owner, the file
 * whose version is published. Only adopt() makes an owner; only a missing
 * file, or one that now holds another zone, ends one.
 *
 * Two claims on one zone: the owner keeps it, and the other file fails. Which
 * of two files found by one look is read first is chance, so while that look's
 * files are still being read the second claim unseats the first: neither is
 * served, as if both had been known at once.
 *
 * A missing file is 'gone': its zone is let go only after the files that the
 * same look found new were read (for GONE_WAIT_MS at most), so that a zone
 * file moved to another name changes hands without a gap. 'Held' is a gone file
 * whose zone is kept because too many went at once.
 *
 * Rejected: one watch a file, and acting on the event's name (every rename,
 * overflow and link makes the picture wrong for good); reading in the order of
 * the folder (a huge file first would hold up the small ones behind it).
 */
#include "server/nameserver/zone_folder.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/zone/zone.h"
#include "server/nameserver/folder_load.h"
#include "server/nameserver/folder_scan.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
	SETTLE_MS = 50,
	SETTLE_MAX_MS = 500,
	RESCAN_MS = 60000,
	STABLE_MS = 2000,
	BUSY_MS = 5000,
	GONE_WAIT_MS = 10000,
	RETRY_TICK_MS = 50,
	/* A look may take at most one part in so many of the time. */
	LOOK_SHARE = 10,

	HOLD_LEAST = 8, /* zones, below which every loss is believed */

	RETRIES_A_LOOK = 64,
	BATCH_FILES = 32,
	BATCH_OCTETS = 1 << 20,
	LARGE_OCTETS = 8 << 20,
	POOL_LEAST = 4,
	POOL_MOST = 16,
	QUIET_FILES = 64, /* more at start are not logged one by one */
};

enum phase {
	PHASE_IDLE,
	PHASE_QUEUED,
	PHASE_READING,
	PHASE_CHECKING, /* what was read is published */
	PHASE_WAITING,  /* for writers, until retry_ms */
};

enum trouble {
	TROUBLE_NONE,
	TROUBLE_NAME,  /* the file's name is no domain name */
	TROUBLE_WAIT,  /* writers do not come to an end */
	TROUBLE_READ,  /* what the file holds is no zone */
	TROUBLE_CLAIM, /* it is a zone, but another file's */
};

struct place;

struct file {
	char *path;
	struct dname_storage origin;
	struct folder_state seen;  /* by the last look */
	struct folder_state tried; /* what was read last */
	struct folder_scan_entry *includes;
	size_t include_count;

	struct place *place; /* the zone it refers to; NULL: TROUBLE_NAME */
	struct file *next;   /* of the same place */
	struct file *previous;

	enum phase phase;
	enum trouble trouble;
	struct master_file_error *error;

	bool again;   /* wanted while it was being read */
	bool gone;    /* not there at the last look */
	bool held;    /* gone, but kept */
	bool dead;    /* to be freed when its phase ends */
	bool counted; /* among folder->unsettled */
	bool fresh;   /* gone files wait for it */
	uint64_t found_look;
	uint64_t busy_since_ms; /* 0: not busy */
	uint64_t retry_ms;
	struct folder_state stable;
	uint64_t stable_since_ns;
};

/* A zone that is or should be served. */
struct place {
	struct dname_storage name; /* first: the tree compares it */
	struct zone *zone;
	struct file *owner; /* whose version is published */
	struct file *files; /* all that refer to it */
	bool is_configured;
	/* The look that found an owner for a zone that had none. */
	uint64_t contest_look;
	/* Of the version published. */
	uint32_t serial;
	size_t records;
	enum zonemd_state zonemd;
	size_t octets;
	int64_t loaded_ms;
	size_t warnings;
	char *warning;
};

struct reload {
	struct reload *next;
	struct dname_storage name;
	bool has_name;
	bool force;
	uint64_t look; /* the one that it waits for; 0: not begun */
	bool is_looked;
	size_t loaded_before;
	size_t removed_before;
	zone_folder_reload_func done;
	void *context;
};

struct look {
	uv_work_t work;
	struct zone_folder *folder;
	struct folder_scan scan;
	uint64_t number;
	uint64_t began_ns;
	bool force;
	enum status status;
};

struct batch {
	uv_work_t work;
	struct zone_folder *folder;
	size_t count;
	bool is_large;
	struct file *files[BATCH_FILES];
	struct folder_load loads[BATCH_FILES];
};

struct zone_folder {
	struct zone_folder_options options;
	char *path;

	void *places;        /* tsearch() tree of struct place by name */
	struct file **files; /* by path */
	size_t file_count;

	struct file **queue; /* the largest first: taken from the end */
	size_t queue_count;
	size_t queue_size;
	bool queue_sorted;
	size_t batches; /* on the pool now */
	size_t large_batches;
	size_t batches_max;

	size_t waiting;   /* files in PHASE_WAITING */
	size_t unsettled; /* files that ready and reloads wait for */
	size_t fresh;     /* files that gone ones wait for */
	size_t gone;      /* files gone and not held */
	size_t held;
	uint64_t gone_since_ms;

	struct look *look; /* on the pool now */
	bool look_again;
	uint64_t looks;         /* begun */
	uint64_t looked;        /* the last one evaluated */
	uint64_t settled_look;  /* everything that it found was read */
	uint64_t look_ready_ms; /* not earlier than this */
	uint64_t burst_ms;      /* when the present burst began; 0: none */

	int inotify;
	struct folder_scan_watch *watches;
	size_t watch_count;
	uv_poll_t poll;
	uv_timer_t settle;
	uv_timer_t rescan;
	uv_timer_t retry;
	unsigned handles;

	struct reload *reloads;
	size_t loaded; /* running totals */
	size_t removed;
	bool is_ready;
	char *trouble;

	bool is_stopping;
	void (*stopped)(void *context);
	void *stopped_context;
};

static void start_look(struct zone_folder *folder);
static void note_change(struct zone_folder *folder);
static void dispatch(struct zone_folder *folder);
static void settle_up(struct zone_folder *folder);

const char *zone_state_text(enum zone_state state)
{
	static const char *const texts[] = {
#define ZONE_STATE_TEXT(name, text) [name] = (text),
		ZONE_STATE_LIST(ZONE_STATE_TEXT)
#undef ZONE_STATE_TEXT
	};

	return texts[state];
}

static void changed(struct zone_folder *folder)
{
	if (folder->options.changed != NULL) {
		folder->options.changed(folder->options.context);
	}
}

/* --- places --------------------------------------------------------------- */

static int compare_places(const void *left, const void *right)
{
	return dname_compare(left, right);
}

static struct place *find_place(const struct zone_folder *folder,
				const struct dname *name)
{
	struct place *const *found =
		tfind(name, &folder->places, compare_places);

	return found != NULL ? *found : NULL;
}

/* Without memory to take it out, the zone stays there without a version. */
static void leave_zone_set(struct zone_folder *folder, struct zone *zone)
{
	if (zone_set_remove(folder->options.set, zone) == STATUS_OK) {
		zone_free(zone);
	} else {
		zone_publish(zone, NULL);
	}
}

/* The place of that name, made empty (SERVFAIL) where there is none. */
static struct place *get_place(struct zone_folder *folder,
			       const struct dname *name)
{
	struct place *place = find_place(folder, name);

	if (place != NULL) {
		return place;
	}
	place = calloc(1, sizeof(*place));
	if (place == NULL) {
		return NULL;
	}
	dname_copy(&place->name, name);
	place->zone = zone_new(name);
	if (place->zone == NULL) {
		free(place);
		return NULL;
	}
	if (zone_set_add(folder->options.set, place->zone) != STATUS_OK) {
		zone_free(place->zone);
		free(place);
		return NULL;
	}
	if (tsearch(place, &folder->places, compare_places) == NULL) {
		leave_zone_set(folder, place->zone);
		free(place);
		return NULL;
	}
	return place;
}

static void free_place(struct zone_folder *folder, struct place *place)
{
	tdelete(place, &folder->places, compare_places);
	leave_zone_set(folder, place->zone);
	free(place->warning);
	free(place);
}

static const char *place_text(const struct place *place,
			      char text[DNAME_TEXT_MAX])
{
	return dname_dump((const struct dname *)&place->name, text);
}

/* --- files: waiting for them ---------------------------------------------- */

/* ready, reloads and gone files need not wait for it any longer. */
static void settle(struct zone_folder *folder, struct file *file)
{
	if (file->counted) {
		file->counted = false;
		folder->unsettled--;
	}
	if (file->fresh) {
		file->fresh = false;
		folder->fresh--;
	}
}

static void set_gone(struct zone_folder *folder, struct file *file, bool gone,
		     bool held)
{
	folder->gone -= file->gone && !file->held;
	folder->held -= file->gone && file->held;
	file->gone = gone;
	file->held = held;
	folder->gone += gone && !held;
	folder->held += gone && held;
}

/* Read it (again), whatever it is doing now. */
static void want(struct zone_folder *folder, struct file *file)
{
	if (file->place == NULL) {
		return;
	}
	file->found_look = folder->looked;
	if (!file->counted) {
		file->counted = true;
		folder->unsettled++;
	}
	switch (file->phase) {
	case PHASE_READING:
	case PHASE_CHECKING:
		file->again = true;
		return;
	case PHASE_QUEUED:
		return;
	case PHASE_WAITING:
		folder->waiting--;
		break;
	case PHASE_IDLE:
		break;
	}
	/* The queue has room for every file, once: see merge(). */
	assert(folder->queue_count < folder->queue_size);
	file->phase = PHASE_QUEUED;
	folder->queue[folder->queue_count++] = file;
	folder->queue_sorted = false;
}

static void set_error(struct file *file, enum trouble trouble,
		      const struct master_file_error *error)
{
	if (error == NULL) {
		free(file->error);
		file->error = NULL;
		file->trouble = TROUBLE_NONE;
		return;
	}
	if (file->error == NULL) {
		file->error = malloc(sizeof(*file->error));
	}
	if (file->error != NULL) {
		*file->error = *error;
	}
	file->trouble = trouble;
}

/* 'FILE: line 12: reason', the line only where there is one. */
static void error_text(const struct master_file_error *error, char *text,
		       size_t size)
{
	if (error->line != 0) {
		snprintf(text, size, "%s: line %lu: %s", error->file,
			 error->line, error->reason);
	} else {
		snprintf(text, size, "%s: %s", error->file, error->reason);
	}
}

static void log_trouble(const struct file *file,
			const struct master_file_error *error)
{
	char name[DNAME_TEXT_MAX];
	char text[sizeof(struct master_file_error) + 32];
	const struct place *place = file->place;

	error_text(error, text, sizeof(text));
	place_text(place, name);
	if (place->owner == NULL) {
		log_error("zone '%s': load failed: %s; answered with SERVFAIL",
			  name, text);
	} else if (place->owner == file) {
		log_error("zone '%s': load failed: %s; still serving serial "
			  "%u",
			  name, text, place->serial);
	} else {
		log_error("zone '%s': load failed: %s; still serving serial "
			  "%u from %s",
			  name, text, place->serial, place->owner->path);
	}
}

/* Note an error; the same one is logged once. */
static void fail(struct zone_folder *folder, struct file *file,
		 enum trouble trouble, const struct master_file_error *error,
		 bool is_new_state)
{
	bool is_known = file->error != NULL && file->trouble == trouble &&
			file->error->line == error->line &&
			strcmp(file->error->reason, error->reason) == 0 &&
			strcmp(file->error->file, error->file) == 0;

	set_error(file, trouble, error);
	if (file->place != NULL && trouble != TROUBLE_WAIT) {
		zone_set_failed(file->place->zone, true);
	}
	if (!is_known || is_new_state) {
		log_trouble(file, error);
		changed(folder);
	}
}

static void fail_claim(struct zone_folder *folder, struct file *file,
		       const struct place *place, const struct file *other,
		       bool is_new_state)
{
	struct master_file_error error = {.line = 0};
	char name[DNAME_TEXT_MAX];

	place_text(place, name);
	snprintf(error.file, sizeof(error.file), "%s", file->path);
	snprintf(error.reason, sizeof(error.reason),
		 other == place->owner
			 ? "zone '%.80s' is served from %.120s"
			 : "zone '%.80s' is claimed by %.120s too",
		 name, other->path);
	fail(folder, file, TROUBLE_CLAIM, &error, is_new_state);
}

/* --- files and their places ----------------------------------------------- */

static void attach(struct place *place, struct file *file)
{
	file->place = place;
	file->previous = NULL;
	file->next = place->files;
	if (file->next != NULL) {
		file->next->previous = file;
	}
	place->files = file;
}

/*
 * The file refers to the place no longer. Whoever waited for the zone may have
 * it now; a place that nobody needs goes away.
 */
static void detach(struct zone_folder *folder, struct file *file)
{
	struct place *place = file->place;
	bool is_owner;

	if (place == NULL) {
		return;
	}
	is_owner = place->owner == file;
	if (file->previous != NULL) {
		file->previous->next = file->next;
	} else {
		place->files = file->next;
	}
	if (file->next != NULL) {
		file->next->previous = file->previous;
	}
	file->place = NULL;
	file->next = NULL;
	file->previous = NULL;
	if (is_owner) {
		place->owner = NULL;
		changed(folder);
	}
	if (place->files == NULL && !place->is_configured) {
		free_place(folder, place);
		return;
	}
	if (is_owner) {
		zone_publish(place->zone, NULL);
	}
	if (place->files == NULL) {
		zone_set_failed(place->zone, folder->is_ready);
	}
	for (struct file *rest = place->files;
	     place->owner == NULL && rest != NULL; rest = rest->next) {
		if (rest->trouble == TROUBLE_CLAIM && !rest->gone) {
			want(folder, rest);
		}
	}
}

static void free_file(struct file *file)
{
	for (size_t i = 0; i < file->include_count; i++) {
		free(file->includes[i].path);
	}
	free(file->includes);
	free(file->error);
	free(file->path);
	free(file);
}

/* The file is no more; the array of files is the caller's business. */
static void drop(struct zone_folder *folder, struct file *file)
{
	settle(folder, file);
	set_gone(folder, file, false, false);
	detach(folder, file);
	switch (file->phase) {
	case PHASE_QUEUED:
	case PHASE_READING:
	case PHASE_CHECKING:
		file->dead = true;
		return;
	case PHASE_WAITING:
		folder->waiting--;
		break;
	case PHASE_IDLE:
		break;
	}
	free_file(file);
}

/* What the file is named for: 'root.zone' is '.'. */
static enum status origin_of(const char *path, struct dname_storage *out)
{
	const char *name = strrchr(path, '/');
	size_t length;

	name = name != NULL ? name + 1 : path;
	length = strlen(name) - strlen(".zone");
	if (length == 4 && memcmp(name, "root", 4) == 0) {
		dname_copy(out, dname_root);
		return STATUS_OK;
	}
	if (length == 1 && name[0] == '@') {
		return STATUS_BAD_SYNTAX;
	}
	return dname_load(out, name, length, dname_root);
}

static struct file *new_file(struct zone_folder *folder, const char *path)
{
	struct file *file = calloc(1, sizeof(*file));
	struct place *place;

	if (file == NULL || (file->path = strdup(path)) == NULL) {
		free(file);
		return NULL;
	}
	if (origin_of(path, &file->origin) != STATUS_OK) {
		struct master_file_error error = {.line = 0};

		snprintf(error.file, sizeof(error.file), "%s", path);
		snprintf(error.reason, sizeof(error.reason),
			 "the file's name is no domain name");
		set_error(file, TROUBLE_NAME, &error);
		log_error("%s: %s; it is not loaded", path, error.reason);
		return file;
	}
	place = get_place(folder, dname_of(&file->origin));
	if (place == NULL) {
		free_file(file);
		return NULL;
	}
	attach(place, file);
	file->fresh = true;
	folder->fresh++;
	changed(folder);
	return file;
}

/* --- what a load brought -------------------------------------------------- */

static bool is_quiet(const struct zone_folder *folder)
{
	return !folder->is_ready && folder->file_count > QUIET_FILES;
}

static void set_warnings(struct place *place, const struct folder_load *load)
{
	place->warnings = load->zone.warnings;
	free(place->warning);
	place->warning =
		load->zone.warnings > 0 ? strdup(load->zone.warning) : NULL;
}

/* The checks that were left are done: what have they found? */
static void take_warnings(struct zone_folder *folder, struct place *place,
			  const struct folder_load *load)
{
	char name[DNAME_TEXT_MAX];

	set_warnings(place, load);
	if (place->warning != NULL) {
		log_write(is_quiet(folder) ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
			  "zone '%s': serial %u checked; %s",
			  place_text(place, name), place->serial,
			  place->warning);
	}
	changed(folder);
}

/* Make the file the owner of the place, and its version the current one. */
static void publish(struct zone_folder *folder, struct place *place,
		    struct file *file, struct folder_load *load)
{
	struct zone_version *version = load->zone.version;
	uint32_t serial = zone_version_serial(version);
	struct zone_memory_stats memory;
	char name[DNAME_TEXT_MAX];

	place_text(place, name);
	/* RFC 1982: secondaries do not follow a serial that goes back. */
	if (place->owner != NULL && (int32_t)(serial - place->serial) < 0) {
		log_warning("zone '%s': serial %u is older than %u, which was "
			    "served; secondaries will not follow",
			    name, serial, place->serial);
	}
	if (place->owner == NULL) {
		place->contest_look = file->found_look;
	}
	zone_version_memory(version, &memory);
	place->owner = file;
	place->serial = serial;
	place->records = load->zone.records;
	place->zonemd = load->zone.zonemd;
	place->octets = memory.mapped;
	place->loaded_ms = clock_wall_ms();
	set_warnings(place, load);
	load->zone.version = NULL;
	zone_set_failed(place->zone, false);
	zone_publish(place->zone, version);
	folder->loaded++;
	log_write(is_quiet(folder) ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
		  "zone '%s': serial %u loaded from %s, %zu records%s%s", name,
		  serial, file->path, place->records,
		  place->warnings > 0 ? "; " : "",
		  place->warning != NULL ? place->warning : "");
	changed(folder);
}

/* Another file that holds the same zone and was refused for it. */
static struct file *find_rival(const struct place *place,
			       const struct file *file)
{
	for (struct file *rest = place->files; rest != NULL;
	     rest = rest->next) {
		if (rest != file && rest->trouble == TROUBLE_CLAIM &&
		    !rest->gone) {
			return rest;
		}
	}
	return NULL;
}

/* The file holds the zone of place: may it have it? */
static struct file *find_opponent(struct zone_folder *folder,
				  struct place *place, struct file *file)
{
	struct file *owner = place->owner;

	if (owner == file) {
		return NULL;
	}
	if (owner == NULL || owner->gone) {
		return find_rival(place, file);
	}
	if (place->contest_look == file->found_look &&
	    place->contest_look > folder->settled_look) {
		/* Both were found at once: neither is served. */
		place->owner = NULL;
		zone_publish(place->zone, NULL);
		fail_claim(folder, owner, place, file, true);
	}
	return owner;
}

static void adopt(struct zone_folder *folder, struct file *file,
		  struct folder_load *load, bool is_new_state)
{
	struct place *before = file->place;
	struct place *place;
	struct file *opponent;

	place = get_place(folder, zone_version_apex(load->zone.version));
	if (place == NULL) {
		struct master_file_error error = {.line = 0};

		snprintf(error.file, sizeof(error.file), "%s", file->path);
		snprintf(error.reason, sizeof(error.reason), "%s",
			 status_text(STATUS_NO_MEMORY));
		fail(folder, file, TROUBLE_READ, &error, is_new_state);
		return;
	}
	opponent = find_opponent(folder, place, file);
	if (opponent != NULL) {
		if (before != place && before->owner != file) {
			detach(folder, file);
			attach(place, file);
		} else if (place->files == NULL && !place->is_configured) {
			free_place(folder, place);
		}
		fail_claim(folder, file, place, opponent, is_new_state);
		return;
	}
	set_error(file, TROUBLE_NONE, NULL);
	publish(folder, place, file, load);
	if (before != place) {
		/* Only now: where the zone's name changed, there is no gap. */
		detach(folder, file);
		attach(place, file);
	}
}

/* Writers are at it: try again later. */
static void wait_for(struct zone_folder *folder, struct file *file,
		     const struct folder_load *load)
{
	uint64_t now = clock_monotonic_ms();
	struct master_file_error error = {.line = 0};

	if (load->verdict == FOLDER_UNSTABLE &&
	    !folder_state_equal(&file->stable, &load->state)) {
		file->stable = load->state;
		file->stable_since_ns = clock_monotonic_ns();
	}
	if (file->busy_since_ms == 0) {
		file->busy_since_ms = now;
	}
	file->phase = PHASE_WAITING;
	file->retry_ms = now + load->retry_ms;
	folder->waiting++;
	if (now - file->busy_since_ms < folder->options.busy_ms) {
		return;
	}
	snprintf(error.file, sizeof(error.file), "%s", file->path);
	snprintf(error.reason, sizeof(error.reason), "%s",
		 load->verdict == FOLDER_WRITING
			 ? "open for writing by another process; it is read "
			   "once that is over"
			 : "keeps changing; it is read once it rests");
	fail(folder, file, TROUBLE_WAIT, &error, false);
	settle(folder, file);
}

static bool has_include(const struct file *file, const char *path)
{
	for (size_t i = 0; i < file->include_count; i++) {
		if (strcmp(file->includes[i].path, path) == 0) {
			return true;
		}
	}
	return false;
}

static void keep_includes(struct zone_folder *folder, struct file *file,
			  struct folder_load *load)
{
	struct folder_scan_entry *includes = file->includes;
	size_t count = file->include_count;

	for (size_t i = 0; i < load->include_count; i++) {
		if (!has_include(file, load->includes[i].path)) {
			/* A look watches its folder. */
			note_change(folder);
			break;
		}
	}
	file->includes = load->includes;
	file->include_count = load->include_count;
	load->includes = includes;
	load->include_count = count;
}

/* It was wanted while it was being read. */
static void read_again(struct zone_folder *folder, struct file *file)
{
	if (file->again) {
		file->again = false;
		want(folder, file);
	}
}

static bool is_served(const struct file *file)
{
	return file->place != NULL && file->place->owner == file;
}

/* Is its version served, and the checks of it left? */
static bool is_unchecked(const struct file *file,
			 const struct folder_load *load)
{
	return load->zone.unchecked != NULL && is_served(file);
}

/* Returns whether it is still to be checked. */
static bool finish(struct zone_folder *folder, struct file *file,
		   struct folder_load *load)
{
	bool is_new_state;

	file->phase = PHASE_IDLE;
	if (file->dead) {
		free_file(file);
		return false;
	}
	switch (load->verdict) {
	case FOLDER_WRITING:
	case FOLDER_UNSTABLE:
	case FOLDER_CHANGED:
		file->again = false;
		wait_for(folder, file, load);
		return false;
	case FOLDER_VANISHED:
		/* The next look decides; it may be there again by then. */
		file->tried = (struct folder_state){0};
		file->again = false;
		settle(folder, file);
		if (!file->gone) {
			note_change(folder);
		}
		return false;
	case FOLDER_LOADED:
	case FOLDER_FAILED:
		break;
	}
	is_new_state = !folder_state_equal(&file->tried, &load->state);
	file->tried = load->state;
	file->busy_since_ms = 0;
	keep_includes(folder, file, load);
	if (load->verdict == FOLDER_LOADED) {
		adopt(folder, file, load, is_new_state);
	} else {
		bool was_claim = file->trouble == TROUBLE_CLAIM;

		fail(folder, file, TROUBLE_READ, &load->zone.error,
		     is_new_state);
		if (was_claim && file->place->owner == NULL) {
			struct file *rival = find_rival(file->place, file);

			if (rival != NULL) {
				want(folder, rival);
			}
		}
	}
	settle(folder, file);
	if (is_unchecked(file, load)) {
		file->phase = PHASE_CHECKING;
		return true;
	}
	read_again(folder, file);
	return false;
}

/* --- the queue ------------------------------------------------------------ */

static int compare_sizes(const void *left, const void *right)
{
	const struct file *a = *(struct file *const *)left;
	const struct file *b = *(struct file *const *)right;

	if (a->seen.size != b->seen.size) {
		return a->seen.size > b->seen.size ? -1 : 1;
	}
	return strcmp(b->path, a->path);
}

static void batch_run(uv_work_t *work)
{
	struct batch *batch = work->data;

	for (size_t i = 0; i < batch->count; i++) {
		folder_load_run(&batch->loads[i]);
	}
}

static void end_batch(struct batch *batch)
{
	struct zone_folder *folder = batch->folder;

	for (size_t i = 0; i < batch->count; i++) {
		folder_load_fini(&batch->loads[i]);
	}
	folder->batches--;
	folder->large_batches -= batch->is_large;
	free(batch);
	dispatch(folder);
	settle_up(folder);
}

static void check_run(uv_work_t *work)
{
	struct batch *batch = work->data;

	for (size_t i = 0; i < batch->count; i++) {
		folder_load_check(&batch->loads[i]);
	}
}

static void check_done(uv_work_t *work, int status)
{
	struct batch *batch = work->data;
	struct zone_folder *folder = batch->folder;

	for (size_t i = 0; i < batch->count; i++) {
		struct file *file = batch->files[i];

		if (file == NULL) {
			continue; /* had none left */
		}
		file->phase = PHASE_IDLE;
		if (file->dead) {
			free_file(file);
		} else if (!folder->is_stopping) {
			if (status == 0 && is_served(file)) {
				take_warnings(folder, file->place,
					      &batch->loads[i]);
			}
			read_again(folder, file);
		}
	}
	end_batch(batch);
}

static void batch_done(uv_work_t *work, int status)
{
	struct batch *batch = work->data;
	struct zone_folder *folder = batch->folder;
	size_t unchecked = 0;

	for (size_t i = 0; i < batch->count; i++) {
		struct file *file = batch->files[i];

		if (status == 0 && !folder->is_stopping) {
			bool is_checking =
				finish(folder, file, &batch->loads[i]);

			batch->files[i] = is_checking ? file : NULL;
			unchecked += is_checking;
		} else {
			batch->files[i] = NULL;
			file->phase = PHASE_IDLE;
			if (file->dead) {
				free_file(file);
			}
		}
	}
	if (unchecked == 0) {
		end_batch(batch);
		return;
	}
	settle_up(folder);
	if (uv_queue_work(folder->options.loop, &batch->work, check_run,
			  check_done) != 0) {
		/* Cannot be with these arguments. */
		abort();
	}
}

/* Take the smallest file; NULL where the queue is empty or must wait. */
static struct file *take(struct zone_folder *folder, bool may_be_large)
{
	while (folder->queue_count > 0) {
		struct file *file = folder->queue[folder->queue_count - 1];

		if (file->dead) {
			folder->queue_count--;
			free_file(file);
			continue;
		}
		if (!may_be_large && file->seen.size >= LARGE_OCTETS) {
			return NULL;
		}
		folder->queue_count--;
		file->phase = PHASE_READING;
		return file;
	}
	return NULL;
}

static void add_to_batch(struct batch *batch, struct file *file)
{
	struct folder_load *load = &batch->loads[batch->count];

	load->path = file->path;
	load->origin = dname_of(&file->origin);
	load->stable_ms = batch->folder->options.stable_ms;
	load->rules = batch->folder->options.rules;
	load->rule_count = batch->folder->options.rule_count;
	load->stable = file->stable;
	load->stable_since_ns = file->stable_since_ns;
	batch->files[batch->count++] = file;
}

/*
 * Give the pool what it can take; small files first, some room kept for them.
 */
static void dispatch(struct zone_folder *folder)
{
	if (folder->is_stopping) {
		return;
	}
	if (!folder->queue_sorted && folder->queue_count > 1) {
		qsort(folder->queue, folder->queue_count,
		      sizeof(*folder->queue), compare_sizes);
	}
	folder->queue_sorted = true;
	while (folder->batches < folder->batches_max) {
		size_t most = folder->queue_count / folder->batches_max;
		struct file *file = take(folder, folder->large_batches * 2 <
							 folder->batches_max);
		struct batch *batch;
		off_t octets;

		if (file == NULL) {
			return;
		}
		batch = calloc(1, sizeof(*batch));
		if (batch == NULL) {
			/* Not lost: the next look finds it unread. */
			file->phase = PHASE_IDLE;
			settle(folder, file);
			log_error("%s: %s", file->path,
				  status_text(STATUS_NO_MEMORY));
			return;
		}
		batch->work.data = batch;
		batch->folder = folder;
		batch->is_large = file->seen.size >= LARGE_OCTETS;
		octets = file->seen.size;
		add_to_batch(batch, file);
		while (batch->count < BATCH_FILES && batch->count < most &&
		       octets < BATCH_OCTETS &&
		       (file = take(folder, false)) != NULL) {
			octets += file->seen.size;
			add_to_batch(batch, file);
		}
		if (uv_queue_work(folder->options.loop, &batch->work, batch_run,
				  batch_done) != 0) {
			/* Cannot be with these arguments. */
			abort();
		}
		folder->batches++;
		folder->large_batches += batch->is_large;
	}
}

/* --- looks ---------------------------------------------------------------- */

/* Say what is wrong with the folder, once. */
static void set_folder_trouble(struct zone_folder *folder, const char *text)
{
	if (text == NULL) {
		if (folder->trouble != NULL) {
			log_notice("folder %s: in order again", folder->path);
		}
		free(folder->trouble);
		folder->trouble = NULL;
		return;
	}
	if (folder->trouble != NULL && strcmp(folder->trouble, text) == 0) {
		return;
	}
	log_error("%s", text);
	free(folder->trouble);
	folder->trouble = strdup(text);
}

static size_t count_owners(const struct zone_folder *folder)
{
	size_t count = 0;

	for (size_t i = 0; i < folder->file_count; i++) {
		const struct file *file = folder->files[i];

		count += file->place != NULL && file->place->owner == file;
	}
	return count;
}

/* Does path stand in, or is it, one that could not be looked at? */
static bool is_unknown(const struct folder_scan *scan, const char *path)
{
	for (size_t i = 0; i < scan->failure_count; i++) {
		size_t length = strlen(scan->failures[i].path);

		if (strncmp(path, scan->failures[i].path, length) == 0 &&
		    (path[length] == '/' || path[length] == '\0')) {
			return true;
		}
	}
	return scan->is_cut;
}

/* The file is not there. Its zone is kept (held), or goes in a while. */
static void miss(struct zone_folder *folder, struct file *file, bool hold)
{
	if (file->gone && file->held == hold) {
		return;
	}
	if (folder->gone == 0 && !hold) {
		folder->gone_since_ms = clock_monotonic_ms();
	}
	set_gone(folder, file, true, hold);
	if (hold || !is_served(file)) {
		return;
	}
	/* Another file that holds the zone may take it over. */
	for (struct file *rest = file->place->files; rest != NULL;
	     rest = rest->next) {
		if (rest->trouble == TROUBLE_CLAIM && !rest->gone) {
			want(folder, rest);
			if (!rest->fresh) {
				rest->fresh = true;
				folder->fresh++;
			}
		}
	}
}

/* The file is there, in that state. */
static void meet(struct zone_folder *folder, struct file *file,
		 const struct folder_state *state)
{
	bool is_same = folder_state_equal(&file->tried, state);

	if (file->gone) {
		set_gone(folder, file, false, false);
	}
	file->seen = *state;
	if (is_same) {
		return;
	}
	if (file->phase == PHASE_WAITING) {
		file->retry_ms = 0; /* a writer may have closed it */
	} else {
		want(folder, file);
	}
}

/* Room for every file in files and in the queue (dead ones may wait there). */
static bool reserve(struct zone_folder *folder, size_t more)
{
	size_t need = folder->file_count + folder->queue_count + more;
	struct file **files;

	if (need > folder->queue_size) {
		files = reallocarray(folder->queue, need * 2,
				     sizeof(struct file *));
		if (files == NULL) {
			return false;
		}
		folder->queue = files;
		folder->queue_size = need * 2;
	}
	return true;
}

/*
 * Bring files in step with what a look found: both are sorted by path. Returns
 * false where there is no memory: nothing is lost then, the next look tries
 * again.
 */
static bool merge(struct zone_folder *folder, const struct look *look)
{
	const struct folder_scan *scan = &look->scan;
	size_t owners = count_owners(folder);
	size_t missing = 0;
	size_t old = 0;
	size_t count = 0;
	bool hold;
	struct file **files;

	files = calloc(folder->file_count + scan->entry_count + 1,
		       sizeof(struct file *));
	if (files == NULL || !reserve(folder, scan->entry_count)) {
		free(files);
		return false;
	}
	for (size_t i = 0; i < scan->entry_count || old < folder->file_count;) {
		struct file *file =
			old < folder->file_count ? folder->files[old] : NULL;
		int order = file == NULL ? -1
			    : i == scan->entry_count
				    ? 1
				    : strcmp(scan->entries[i].path, file->path);

		if (order < 0) {
			file = new_file(folder, scan->entries[i].path);
			if (file != NULL) {
				meet(folder, file, &scan->entries[i].state);
				files[count++] = file;
			}
			i++;
			continue;
		}
		old++;
		files[count++] = file;
		if (order == 0) {
			meet(folder, file, &scan->entries[i].state);
			i++;
		} else if (look->force || !is_unknown(scan, file->path)) {
			file->seen.exists = false;
			missing += is_served(file);
		}
	}
	free(folder->files);
	folder->files = files;
	folder->file_count = count;
	hold = !look->force && owners >= HOLD_LEAST && missing * 2 > owners;
	for (size_t i = 0; i < count; i++) {
		if (!files[i]->seen.exists) {
			/* What was held stays held until it is back. */
			miss(folder, files[i],
			     hold || (files[i]->held && !look->force));
		}
	}
	return true;
}

/* $INCLUDE files that changed. */
static void check_includes(struct zone_folder *folder,
			   const struct folder_scan *scan)
{
	for (size_t i = 0; i < folder->file_count; i++) {
		struct file *file = folder->files[i];

		for (size_t k = 0; k < file->include_count && !file->gone;
		     k++) {
			const struct folder_scan_entry *found =
				folder_scan_find_extra(scan,
						       file->includes[k].path);

			if (found != NULL &&
			    !folder_state_equal(&found->state,
						&file->includes[k].state)) {
				want(folder, file);
				break;
			}
		}
	}
}

/*
 * A file may fail for what is not in it: an $INCLUDE that is not there. So what
 * failed is tried again, as long as that is cheap; the same error is not logged
 * again.
 */
static void retry_failed(struct zone_folder *folder)
{
	size_t count = 0;

	for (size_t i = 0; i < folder->file_count && count < RETRIES_A_LOOK;
	     i++) {
		struct file *file = folder->files[i];

		if (file->trouble == TROUBLE_READ && !file->gone &&
		    file->phase == PHASE_IDLE &&
		    file->seen.size <= BATCH_OCTETS) {
			want(folder, file);
			count++;
		}
	}
}

/* What reloads that waited for this look ask for. */
static void serve_reloads(struct zone_folder *folder, const struct look *look)
{
	for (struct reload *reload = folder->reloads; reload != NULL;
	     reload = reload->next) {
		struct place *place = NULL;

		if (reload->look != look->number) {
			continue;
		}
		reload->is_looked = true;
		if (reload->has_name) {
			place = find_place(folder, dname_of(&reload->name));
			if (place == NULL) {
				continue;
			}
		}
		for (size_t i = 0; i < folder->file_count; i++) {
			struct file *file = folder->files[i];

			if (reload->has_name && file->place != place) {
				continue;
			}
			if (file->held && reload->force) {
				folder->gone_since_ms = clock_monotonic_ms();
				set_gone(folder, file, true, false);
			}
			if (!file->gone && file->place != NULL &&
			    (reload->has_name || reload->force ||
			     file->trouble != TROUBLE_NONE)) {
				want(folder, file);
			}
		}
	}
}

static void take_watches(struct zone_folder *folder, struct folder_scan *scan)
{
	int last = -1;

	for (size_t i = 0; i < folder->watch_count; i++) {
		int wd = folder->watches[i].wd;

		if (wd != last &&
		    !folder_scan_has_watch(scan->watches, scan->watch_count,
					   wd)) {
			/* EINVAL where the folder went first: fine. */
			(void)inotify_rm_watch(folder->inotify, wd);
		}
		last = wd;
		free(folder->watches[i].name);
	}
	free(folder->watches);
	folder->watches = scan->watches;
	folder->watch_count = scan->watch_count;
	scan->watches = NULL;
	scan->watch_count = 0;
}

static void judge(struct zone_folder *folder, const struct look *look)
{
	const struct folder_scan *scan = &look->scan;
	char text[1024];

	if (look->status != STATUS_OK) {
		snprintf(text, sizeof(text), "folder %s: %s", folder->path,
			 status_text(look->status));
	} else if (scan->error != 0) {
		snprintf(text, sizeof(text),
			 "folder %s: %s; what was loaded is still served, "
			 "until 'rootcastctl reload --force'",
			 folder->path, strerror(scan->error));
	} else if (folder->held > 0) {
		snprintf(text, sizeof(text),
			 "folder %s: %zu of %zu zone files went at once; their "
			 "zones are still served, until 'rootcastctl reload "
			 "--force' or they are back",
			 folder->path, folder->held, folder->file_count);
	} else if (scan->failure_count > 0) {
		snprintf(text, sizeof(text),
			 "%s: %s; what was loaded from there is still served",
			 scan->failures[0].path,
			 strerror(scan->failures[0].error));
	} else if (scan->is_cut) {
		snprintf(text, sizeof(text),
			 "folder %s: more than %d entries: the rest is not "
			 "looked at",
			 folder->path, FOLDER_SCAN_ENTRIES);
	} else if (scan->watch_error != 0) {
		snprintf(text, sizeof(text),
			 "folder %s: cannot be watched (%s): changes are found "
			 "every %u s",
			 folder->path, strerror(scan->watch_error),
			 folder->options.rescan_ms / 1000);
	} else {
		set_folder_trouble(folder, NULL);
		return;
	}
	set_folder_trouble(folder, text);
}

static void evaluate(struct zone_folder *folder, struct look *look)
{
	struct folder_scan *scan = &look->scan;

	folder->looked = look->number;
	if (look->status == STATUS_OK && (scan->error == 0 || look->force) &&
	    !merge(folder, look)) {
		look->status = STATUS_NO_MEMORY;
	}
	if (look->status == STATUS_OK) {
		check_includes(folder, scan);
		retry_failed(folder);
		take_watches(folder, scan);
	}
	serve_reloads(folder, look);
	judge(folder, look);
	dispatch(folder);
}

static void look_run(uv_work_t *work)
{
	struct look *look = work->data;

	look->status = folder_scan_run(&look->scan);
}

static void finish_stop(struct zone_folder *folder);

static void look_done(uv_work_t *work, int status)
{
	struct look *look = work->data;
	struct zone_folder *folder = look->folder;
	uint64_t now = clock_monotonic_ms();

	folder->look = NULL;
	if (status == 0 && !folder->is_stopping) {
		evaluate(folder, look);
		folder->look_ready_ms =
			now + (now - look->began_ns / 1000000u) * LOOK_SHARE;
	}
	folder_scan_fini(&look->scan);
	free(look);
	settle_up(folder);
	if (folder->look_again && !folder->is_stopping) {
		folder->look_again = false;
		start_look(folder);
	}
}

/* Look now; or once more, where one is under way (it may have missed it). */
static void start_look(struct zone_folder *folder)
{
	struct look *look;

	if (folder->is_stopping) {
		return;
	}
	if (folder->look != NULL) {
		folder->look_again = true;
		return;
	}
	look = calloc(1, sizeof(*look));
	if (look == NULL) {
		return; /* the timer comes again */
	}
	look->folder = folder;
	look->work.data = look;
	look->number = ++folder->looks;
	look->began_ns = clock_monotonic_ns();
	look->scan.root = folder->path;
	look->scan.inotify = folder->inotify;
	for (size_t i = 0; i < folder->file_count; i++) {
		const struct file *file = folder->files[i];

		for (size_t k = 0; k < file->include_count; k++) {
			if (folder_scan_add_extra(&look->scan,
						  file->includes[k].path) !=
			    STATUS_OK) {
				break; /* not looked at this time */
			}
		}
	}
	for (struct reload *reload = folder->reloads; reload != NULL;
	     reload = reload->next) {
		if (reload->look == 0) {
			reload->look = look->number;
			look->force |= reload->force && !reload->has_name;
		}
	}
	folder->look = look;
	if (uv_queue_work(folder->options.loop, &look->work, look_run,
			  look_done) != 0) {
		abort(); /* cannot be with these arguments */
	}
}

/* --- events and timers ---------------------------------------------------- */

static void on_settled(uv_timer_t *timer)
{
	struct zone_folder *folder = timer->data;

	folder->burst_ms = 0;
	start_look(folder);
}

/* Something happened: look when it is quiet again, or soon anyway. */
static void note_change(struct zone_folder *folder)
{
	uint64_t now = clock_monotonic_ms();
	uint64_t when = now + folder->options.settle_ms;

	if (folder->is_stopping) {
		return;
	}
	if (folder->burst_ms == 0) {
		folder->burst_ms = now;
	}
	if (when > folder->burst_ms + folder->options.settle_max_ms) {
		when = folder->burst_ms + folder->options.settle_max_ms;
	}
	if (when < folder->look_ready_ms) {
		when = folder->look_ready_ms;
	}
	uv_update_time(folder->options.loop);
	uv_timer_start(&folder->settle, on_settled, when > now ? when - now : 0,
		       0);
}

static void on_rescan(uv_timer_t *timer)
{
	start_look(timer->data);
}

static void on_retry(uv_timer_t *timer)
{
	struct zone_folder *folder = timer->data;
	uint64_t now = clock_monotonic_ms();

	for (size_t i = 0; folder->waiting > 0 && i < folder->file_count; i++) {
		struct file *file = folder->files[i];

		if (file->phase == PHASE_WAITING && file->retry_ms <= now) {
			folder->waiting--;
			file->phase = PHASE_QUEUED;
			folder->queue[folder->queue_count++] = file;
			folder->queue_sorted = false;
		}
	}
	dispatch(folder);
	settle_up(folder);
}

static void on_events(uv_poll_t *poll, int status, int events)
{
	struct zone_folder *folder = poll->data;
	_Alignas(struct inotify_event) char buffer[16384];
	bool matters = status < 0;
	ssize_t size;

	(void)events;
	while ((size = read(folder->inotify, buffer, sizeof(buffer))) > 0) {
		for (size_t at = 0; at < (size_t)size;) {
			const struct inotify_event *event =
				(const void *)(buffer + at);

			at += sizeof(*event) + event->len;
			if ((event->mask & IN_Q_OVERFLOW) != 0) {
				matters = true;
			} else if ((event->mask & IN_IGNORED) == 0) {
				matters |= folder_scan_matches(
					folder->watches, folder->watch_count,
					event->wd,
					event->len > 0 ? event->name : NULL);
			}
		}
	}
	/* Watches of a look that is under way are not known yet. */
	if (matters || folder->look != NULL) {
		note_change(folder);
	}
}

/* --- when all is read ----------------------------------------------------- */

/* Let the zones of files go that are gone. */
static void sweep(struct zone_folder *folder)
{
	size_t kept = 0;

	for (size_t i = 0; i < folder->file_count; i++) {
		struct file *file = folder->files[i];

		if (!file->gone || file->held) {
			folder->files[kept++] = file;
			continue;
		}
		if (is_served(file)) {
			char name[DNAME_TEXT_MAX];

			log_notice("zone '%s': removed: %s is gone",
				   place_text(file->place, name), file->path);
			folder->removed++;
		}
		drop(folder, file);
	}
	folder->file_count = kept;
	changed(folder);
}

static bool is_pending(const struct zone_folder *folder, struct reload *reload)
{
	const struct place *place;

	if (!reload->is_looked) {
		return true;
	}
	if (!reload->has_name) {
		return folder->unsettled > 0 || folder->gone > 0;
	}
	place = find_place(folder, dname_of(&reload->name));
	for (const struct file *file = place != NULL ? place->files : NULL;
	     file != NULL; file = file->next) {
		if (file->counted || (file->gone && !file->held)) {
			return true;
		}
	}
	/* A file may hold another zone than it is named for. */
	return place == NULL && (folder->unsettled > 0 || folder->gone > 0);
}

struct errors {
	size_t count;
	char text[sizeof(struct master_file_error) + 32];
};

static void count_error(const struct zone_folder_info *info, void *context)
{
	struct errors *errors = context;

	if (info->error != NULL && errors->count++ == 0) {
		error_text(info->error, errors->text, sizeof(errors->text));
	}
}

static void finish_reload(struct zone_folder *folder, struct reload *reload)
{
	struct zone_folder_result result = {
		.loaded = folder->loaded - reload->loaded_before,
		.removed = folder->removed - reload->removed_before,
	};
	const struct dname *name =
		reload->has_name ? dname_of(&reload->name) : NULL;
	struct zone_folder_totals totals;
	struct errors errors = {0};
	size_t found;

	zone_folder_totals(folder, &totals);
	result.served = totals.served;
	result.failed = totals.failed;
	found = zone_folder_walk(folder, name, count_error, &errors);
	result.errors = errors.count;
	snprintf(result.text, sizeof(result.text), "%.511s", errors.text);
	if (folder->is_stopping) {
		result.status = STATUS_CLOSED;
		snprintf(result.text, sizeof(result.text),
			 "the server is stopping");
	} else if (name != NULL && found == 0 && result.removed == 0) {
		result.status = STATUS_NOT_FOUND;
		snprintf(result.text, sizeof(result.text), "no such zone");
	} else if (folder->trouble != NULL) {
		result.status = STATUS_IO;
		snprintf(result.text, sizeof(result.text), "%s",
			 folder->trouble);
	}
	reload->done(&result, reload->context);
	free(reload);
}

/* Everything was read: what has no file now is not on its way. */
static void give_up(const void *node, VISIT visit, int depth)
{
	const struct place *place = *(struct place *const *)node;

	(void)depth;
	if ((visit == preorder || visit == leaf) && place->files == NULL) {
		zone_set_failed(place->zone, true);
	}
}

static void settle_up(struct zone_folder *folder)
{
	struct reload **link = &folder->reloads;
	struct zone_folder_totals totals;

	if (folder->is_stopping) {
		finish_stop(folder);
		return;
	}
	if (folder->gone > 0 &&
	    (folder->fresh == 0 ||
	     clock_monotonic_ms() - folder->gone_since_ms >= GONE_WAIT_MS)) {
		sweep(folder);
		dispatch(folder);
	}
	if (folder->unsettled == 0) {
		folder->settled_look = folder->looked;
	}
	if (folder->waiting == 0 && folder->gone == 0) {
		uv_timer_stop(&folder->retry);
	} else if (!uv_is_active((uv_handle_t *)&folder->retry)) {
		uv_timer_start(&folder->retry, on_retry, RETRY_TICK_MS,
			       RETRY_TICK_MS);
	}
	if (!folder->is_ready && folder->looked > 0 && folder->unsettled == 0 &&
	    folder->gone == 0) {
		folder->is_ready = true;
		twalk(folder->places, give_up);
		zone_folder_totals(folder, &totals);
		if (folder->options.ready != NULL) {
			folder->options.ready(folder->options.context,
					      totals.served,
					      totals.failed + totals.loading);
		}
	}
	while (*link != NULL) {
		struct reload *reload = *link;

		if (is_pending(folder, reload)) {
			link = &reload->next;
			continue;
		}
		*link = reload->next;
		finish_reload(folder, reload);
		/* done() may have asked for another. */
		link = &folder->reloads;
	}
}

void zone_folder_reload(struct zone_folder *folder, const struct dname *name,
			bool force, zone_folder_reload_func done, void *context)
{
	struct reload *reload = calloc(1, sizeof(*reload));

	if (reload == NULL || folder->is_stopping) {
		struct zone_folder_result result = {
			.status = reload == NULL ? STATUS_NO_MEMORY
						 : STATUS_CLOSED,
		};

		snprintf(result.text, sizeof(result.text), "%s",
			 reload == NULL ? status_text(STATUS_NO_MEMORY)
					: "the server is stopping");
		free(reload);
		done(&result, context);
		return;
	}
	reload->force = force;
	if (name != NULL) {
		reload->has_name = true;
		dname_copy(&reload->name, name);
	}
	reload->loaded_before = folder->loaded;
	reload->removed_before = folder->removed;
	reload->done = done;
	reload->context = context;
	reload->next = folder->reloads;
	folder->reloads = reload;
	start_look(folder);
}

/* --- what there is -------------------------------------------------------- */

/* The file that speaks for a place that has no owner. */
static const struct file *speaker(const struct place *place)
{
	const struct file *best = place->files;

	for (const struct file *file = place->files; file != NULL;
	     file = file->next) {
		if (file->error != NULL &&
		    (best->error == NULL ||
		     strcmp(file->path, best->path) < 0)) {
			best = file;
		}
	}
	return best;
}

static size_t walk_place(const struct zone_folder *folder,
			 const struct place *place, zone_folder_info_func func,
			 void *context)
{
	static const struct master_file_error no_file = {
		.reason = "no zone file holds it",
	};
	const struct file *first =
		place->owner != NULL ? place->owner : speaker(place);
	struct zone_folder_info info = {
		.name = (const struct dname *)&place->name,
		.source = first != NULL ? first->path : "",
		.error = first != NULL ? first->error : NULL,
		.warning = "",
		.is_place = true,
	};
	size_t count = 1;

	if (place->owner != NULL) {
		info.state = ZONE_STATE_SERVED;
		info.has_serial = true;
		info.serial = place->serial;
		info.records = place->records;
		info.zonemd = place->zonemd;
		info.octets = place->octets;
		info.loaded_ms = place->loaded_ms;
		info.warnings = place->warnings;
		info.warning = place->warning != NULL ? place->warning : "";
	} else if (first == NULL) {
		info.state = folder->is_ready ? ZONE_STATE_FAILED
					      : ZONE_STATE_LOADING;
		info.error = folder->is_ready ? &no_file : NULL;
	} else if (first->error == NULL || first->trouble == TROUBLE_WAIT) {
		info.state = ZONE_STATE_LOADING;
	} else {
		info.state = ZONE_STATE_FAILED;
	}
	func(&info, context);
	for (const struct file *file = place->files; file != NULL;
	     file = file->next) {
		if (file == first || file->error == NULL) {
			continue;
		}
		info = (struct zone_folder_info){
			.name = (const struct dname *)&place->name,
			.state = ZONE_STATE_FAILED,
			.source = file->path,
			.error = file->error,
			.warning = "",
		};
		func(&info, context);
		count++;
	}
	return count;
}

struct place_walk {
	const struct zone_folder *folder;
	zone_folder_info_func func;
	void *context;
	size_t count;
};

static void walk_node(const void *node, VISIT order, void *context)
{
	struct place_walk *walk = context;

	if (order == postorder || order == leaf) {
		walk->count +=
			walk_place(walk->folder, *(struct place *const *)node,
				   walk->func, walk->context);
	}
}

size_t zone_folder_walk(const struct zone_folder *folder,
			const struct dname *name, zone_folder_info_func func,
			void *context)
{
	struct place_walk walk = {folder, func, context, 0};

	if (name != NULL) {
		const struct place *place = find_place(folder, name);

		return place != NULL ? walk_place(folder, place, func, context)
				     : 0;
	}
	twalk_r(folder->places, walk_node, &walk);
	for (size_t i = 0; i < folder->file_count; i++) {
		const struct file *file = folder->files[i];

		if (file->trouble == TROUBLE_NAME) {
			struct zone_folder_info info = {
				.state = ZONE_STATE_FAILED,
				.source = file->path,
				.error = file->error,
				.warning = "",
			};

			func(&info, context);
			walk.count++;
		}
	}
	return walk.count;
}

static void add_to_totals(const struct zone_folder_info *info, void *context)
{
	struct zone_folder_totals *totals = context;

	if (info->state == ZONE_STATE_SERVED) {
		totals->served++;
		totals->zonemd[info->zonemd]++;
	}
	totals->loading += info->state == ZONE_STATE_LOADING;
	totals->failed += info->state == ZONE_STATE_FAILED;
	totals->errors += info->error != NULL;
}

void zone_folder_totals(const struct zone_folder *folder,
			struct zone_folder_totals *out)
{
	*out = (struct zone_folder_totals){.is_ready = folder->is_ready};
	zone_folder_walk(folder, NULL, add_to_totals, out);
}

const char *zone_folder_path(const struct zone_folder *folder)
{
	return folder->path;
}

const char *zone_folder_trouble(const struct zone_folder *folder)
{
	return folder->trouble;
}

/* --- start and stop ------------------------------------------------------- */

static void set_default(unsigned *value, unsigned standard)
{
	if (*value == 0) {
		*value = standard;
	}
}

/*
 * libuv's pool has four threads unless told otherwise. One stays free for the
 * looks, and large files get at most half of the rest.
 */
static size_t size_pool(void)
{
	const char *present = getenv("UV_THREADPOOL_SIZE");
	long threads =
		present != NULL ? atol(present) : sysconf(_SC_NPROCESSORS_ONLN);
	char text[16];

	if (threads > POOL_MOST) {
		threads = POOL_MOST;
	}
	if (present == NULL) {
		if (threads < POOL_LEAST) {
			threads = POOL_LEAST;
		}
		snprintf(text, sizeof(text), "%ld", threads);
		setenv("UV_THREADPOOL_SIZE", text, 1);
	}
	return threads > 2 ? (size_t)threads - 1 : 1;
}

static enum status check_folder(const char *path)
{
	DIR *directory = opendir(path);
	int error = errno;

	if (directory == NULL) {
		log_error("folder %s: %s", path, strerror(error));
		return status_from_errno(error);
	}
	closedir(directory);
	return STATUS_OK;
}

static bool start_watching(struct zone_folder *folder)
{
	folder->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (folder->inotify < 0) {
		log_warning("folder %s: cannot be watched (%s): changes are "
			    "found every %u s",
			    folder->path, strerror(errno),
			    folder->options.rescan_ms / 1000);
		return true;
	}
	if (uv_poll_init(folder->options.loop, &folder->poll,
			 folder->inotify) != 0) {
		return false;
	}
	folder->poll.data = folder;
	folder->handles++;
	return uv_poll_start(&folder->poll, UV_READABLE, on_events) == 0;
}

static void start_timer(struct zone_folder *folder, uv_timer_t *timer)
{
	uv_timer_init(folder->options.loop, timer);
	timer->data = folder;
	folder->handles++;
}

enum status zone_folder_start(const struct zone_folder_options *options,
			      struct zone_folder **out)
{
	enum status status = check_folder(options->path);
	struct zone_folder *folder;
	size_t length;

	if (status != STATUS_OK) {
		return status;
	}
	folder = calloc(1, sizeof(*folder));
	if (folder == NULL || (folder->path = strdup(options->path)) == NULL) {
		free(folder);
		return STATUS_NO_MEMORY;
	}
	length = strlen(folder->path);
	while (length > 1 && folder->path[length - 1] == '/') {
		folder->path[--length] = '\0';
	}
	folder->options = *options;
	folder->options.path = folder->path;
	set_default(&folder->options.settle_ms, SETTLE_MS);
	set_default(&folder->options.settle_max_ms, SETTLE_MAX_MS);
	set_default(&folder->options.rescan_ms, RESCAN_MS);
	set_default(&folder->options.stable_ms, STABLE_MS);
	set_default(&folder->options.busy_ms, BUSY_MS);
	folder->batches_max = size_pool();
	for (size_t i = 0; i < options->name_count; i++) {
		struct place *place = get_place(
			folder,
			(const struct dname *)(const void *)&options->names[i]);

		if (place == NULL) {
			zone_folder_free(folder);
			return STATUS_NO_MEMORY;
		}
		place->is_configured = true;
	}
	/* From here on the loop knows it: the caller stops, then frees. */
	start_timer(folder, &folder->settle);
	start_timer(folder, &folder->rescan);
	start_timer(folder, &folder->retry);
	if (!start_watching(folder)) {
		/* The descriptor is there but the loop cannot poll: a look a
		 * minute still finds everything. */
		log_warning("folder %s: cannot be watched: changes are found "
			    "every %u s",
			    folder->path, folder->options.rescan_ms / 1000);
	}
	uv_timer_start(&folder->rescan, on_rescan, folder->options.rescan_ms,
		       folder->options.rescan_ms);
	start_look(folder);
	*out = folder;
	return STATUS_OK;
}

/* Everything closed, nothing on the pool? */
static void finish_stop(struct zone_folder *folder)
{
	void (*stopped)(void *context) = folder->stopped;

	if (folder->handles == 0 && folder->batches == 0 &&
	    folder->look == NULL && stopped != NULL) {
		folder->stopped = NULL;
		stopped(folder->stopped_context);
	}
}

static void on_closed(uv_handle_t *handle)
{
	struct zone_folder *folder = handle->data;

	folder->handles--;
	finish_stop(folder);
}

void zone_folder_stop(struct zone_folder *folder,
		      void (*stopped)(void *context), void *context)
{
	folder->is_stopping = true;
	folder->stopped = stopped;
	folder->stopped_context = context;
	while (folder->reloads != NULL) {
		struct reload *reload = folder->reloads;

		folder->reloads = reload->next;
		finish_reload(folder, reload);
	}
	uv_close((uv_handle_t *)&folder->settle, on_closed);
	uv_close((uv_handle_t *)&folder->rescan, on_closed);
	uv_close((uv_handle_t *)&folder->retry, on_closed);
	if (folder->handles > 3) {
		uv_close((uv_handle_t *)&folder->poll, on_closed);
	}
}

void zone_folder_free(struct zone_folder *folder)
{
	if (folder == NULL) {
		return;
	}
	/* Those still in the queue that are no files any more. */
	for (size_t i = 0; i < folder->queue_count; i++) {
		if (folder->queue[i]->dead) {
			free_file(folder->queue[i]);
		}
	}
	for (size_t i = 0; i < folder->file_count; i++) {
		free_file(folder->files[i]);
	}
	while (folder->places != NULL) {
		free_place(folder, *(struct place **)folder->places);
	}
	for (size_t i = 0; i < folder->watch_count; i++) {
		free(folder->watches[i].name);
	}
	if (folder->inotify > 0) {
		close(folder->inotify);
	}
	free(folder->watches);
	free(folder->files);
	free(folder->queue);
	free(folder->trouble);
	free(folder->path);
	free(folder);
}
