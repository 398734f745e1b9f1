/*
 * folder_scan.h - one look at the zone folder: what is there, in which state.
 *
 * Pure of policy: it walks, stats and watches; zone_folder.c decides. Blocks on
 * the disk, so it runs on the thread pool; one thread at a time a scan.
 */
#pragma once

#include "lib/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

enum {
	FOLDER_SCAN_DEPTH = 16,         /* folders below the first */
	FOLDER_SCAN_LINKS = 8,          /* symbolic links in a row */
	FOLDER_SCAN_ENTRIES = 1 << 21,  /* files and folders looked at */
	FOLDER_SCAN_FAILURES_MAX = 256, /* unreadable folders remembered */
};

/* What tells one state of a file from another. All zero: it is not there. */
struct folder_state {
	bool exists;
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
	struct timespec changed; /* ctime: also chmod, and cp -p in place */
};

void folder_state_from_stat(struct folder_state *out, const struct stat *st);
/* The state of what path leads to; links are followed. */
void folder_state_get(struct folder_state *out, const char *path);
bool folder_state_equal(const struct folder_state *a,
			const struct folder_state *b);

struct folder_scan_entry {
	char *path;
	struct folder_state state;
};

/* A folder that could not be read: what is below it is unknown, not gone. */
struct folder_scan_failure {
	char *path;
	int error; /* errno */
};

/*
 * Events of watch wd matter: all of them (name is NULL), or those of one name.
 */
struct folder_scan_watch {
	int wd;
	char *name;
};

/* What a look is asked, and what it found. */
struct folder_scan {
	/* In: the caller's, except extras (the scan's own). */
	const char *root;
	int inotify;                      /* < 0: nothing is watched */
	struct folder_scan_entry *extras; /* $INCLUDE files: state is filled */
	size_t extra_count;

	/* Out. */
	int error;                         /* errno: the root is unreadable */
	struct folder_scan_entry *entries; /* *.zone, by strcmp() of path */
	size_t entry_count;
	struct folder_scan_failure *failures;
	size_t failure_count;
	struct folder_scan_watch *watches; /* by wd, then name, NULL first */
	size_t watch_count;
	int watch_error; /* errno of the first folder not watched */
	bool is_cut;     /* a limit above was reached */
};

/* Note another file to look at. */
must_check enum status folder_scan_add_extra(struct folder_scan *scan,
					     const char *path);

/*
 * Look. Each folder is watched before it is read, so that nothing falls between
 * two looks, and read once, however many links lead to it; real folders come
 * before links. STATUS_NO_MEMORY is the only failure: everything else is in
 * *scan.
 */
must_check enum status folder_scan_run(struct folder_scan *scan);
void folder_scan_fini(struct folder_scan *scan);

/* After a run: the extra of that path, or NULL. */
const struct folder_scan_entry *
folder_scan_find_extra(const struct folder_scan *scan, const char *path);

/* Does an inotify event (name NULL: of the folder itself) ask for a look? */
bool folder_scan_matches(const struct folder_scan_watch *watches, size_t count,
			 int wd, const char *name);

/* Does the watched set hold wd? */
bool folder_scan_has_watch(const struct folder_scan_watch *watches,
			   size_t count, int wd);

/* Who else has the file open? */
enum folder_writers {
	FOLDER_WRITERS_NONE,
	FOLDER_WRITERS_SOME,
	FOLDER_WRITERS_UNKNOWN, /* not our file, or no leases there */
};

/*
 * Ask the kernel for a read lease on fd (opened for reading only) and give it
 * back at once: it is refused while any process has the file open for writing.
 */
enum folder_writers folder_writers_find(int fd);
