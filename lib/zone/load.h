/*
 * load.h - a zone version from a master file: read, build, check.
 *
 * Joins master_file, writer and checks for whoever needs all three: the
 * nameserver's zone folder and `rootcastctl checkzone`. Off the workers.
 */
#pragma once

#include "lib/base/status.h"
#include "lib/zone/checks.h"
#include "lib/zone/load_pipe.h"
#include "lib/zone/master_file.h"
#include "lib/zone/zone.h"
#include "lib/zone/zonemd.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

/* A file that a load read: the zone file itself first, then its $INCLUDEs. */
struct zone_load_file {
	char *path;
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified; /* mtime when opened */
};

struct zone_load {
	struct zone_version *version; /* held once; NULL on error */
	struct zone_load_file *files; /* also on error: what was opened */
	size_t file_count;
	size_t records;
	struct master_file_error error; /* file, line, reason */
	size_t warnings;
	char warning[MASTER_FILE_REASON_MAX]; /* the first one, with its line */
	struct loader *unchecked; /* zone_load_check() is due; or NULL */
	enum zonemd_state zonemd;
	char zonemd_reason[MASTER_FILE_REASON_MAX]; /* of its result, or "" */
};

/*
 * How zone_load_with() judges. finding is called with every warning of
 * zone_check(), and with what only the file shows (records given twice, one set
 * with several TTLs), each with its file and line where it has one (the files
 * are read again for that). NULL: they are counted, the first is kept, and only
 * its line is sought. ZONEMD is verified (zonemd.h) by the rule for the zone's
 * name, or default_rule, or without any. zone_load() is zone_load_with() with
 * at ZONE_CHECK_NEVER, no finding and no rule.
 */
struct zone_load_options {
	int64_t at;        /* seconds since 1970, or ZONE_CHECK_NEVER */
	bool is_verifying; /* each signature, by its key: checks.h */
	zone_finding_func finding;
	void *context;
	const struct zonemd_rule *rules; /* in any order */
	size_t rule_count;
	const struct zonemd_rule *default_rule; /* where no other is; or NULL */
	/* To read large files with, while this one builds; or NULL. */
	struct load_thread *thread;
	/*
	 * Leave the checks of a large zone to zone_load_check(), since they
	 * take a third of its load and refuse nothing. path and origin must
	 * then stay until zone_load_fini(), and *out where it is.
	 */
	bool leaves_checks;
};

/*
 * Load. origin is the initial $ORIGIN; the apex is the owner of the SOA record.
 * On success out->version is set. STATUS_CHANGED: a file changed (size, mtime,
 * inode) while it was read: try again. A check that finds an error, or a wrong
 * ZONEMD, refuses the zone with STATUS_BAD_DATA. *out is always to be given to
 * zone_load_fini(), in any state that zone_load() left it.
 */
must_check enum status zone_load(const char *path, const struct dname *origin,
				 struct zone_load *out);
must_check enum status zone_load_with(const char *path,
				      const struct dname *origin,
				      const struct zone_load_options *options,
				      struct zone_load *out);
/*
 * Do what is left of the checks, where load->unchecked says so: fills warnings
 * and warning. Any thread; the version is held for it, whoever owns it by now.
 */
void zone_load_check(struct zone_load *load);
void zone_load_fini(struct zone_load *load);

/* Have all files of the load still the size, mtime and inode that were read? */
bool zone_load_is_current(const struct zone_load *load);
