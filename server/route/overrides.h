/*
 * overrides.h - what operators have asked for and not taken back: drains and
 * disables, each of everything, a service, a prefix or a peer, with its reason.
 *
 *	drain    GRACEFUL_SHUTDOWN for drain_ms, then withdrawn; a peer keeps its
 *	         session
 *	disable  withdrawn at once; a peer's session is closed as well
 *
 * An override stands as it was given. Taking a part of it back (undrain a prefix
 * of a drained service) leaves it for the other parts.
 *
 * They survive a restart in a file of lines (overrides_dump(), overrides_load()).
 * An override of something that the configuration does not have (any more) is
 * kept, and does nothing. Pure, but for overrides_read_file() and
 * overrides_write_file().
 */
#pragma once

#include "lib/base/status.h"
#include "server/route/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OVERRIDES_MAX = 1024,
	OVERRIDE_NAME_MAX = 256,   /* octets with the zero */
	OVERRIDE_REASON_MAX = 256, /* likewise; a longer reason is cut */
	OVERRIDES_TEXT_MAX = OVERRIDES_MAX * 2400 + 64,
	OVERRIDES_ERROR_MAX = 512,
};

enum override_action {
	OVERRIDE_DRAIN,
	OVERRIDE_DISABLE,
	OVERRIDE_ACTIONS,
};

struct override {
	enum override_action action;
	enum target_kind kind;
	char name[OVERRIDE_NAME_MAX];     /* as it is shown; "" of ALL */
	char reason[OVERRIDE_REASON_MAX]; /* "": none was given */
	int64_t since_ms;                 /* wall clock */
	bool is_known;                    /* by this configuration: index */
	size_t index;
};

/* The caller's memory; all zero: none. */
struct overrides {
	size_t count;
	struct override list[OVERRIDES_MAX];
};

/*
 * Add one, or give the one that stands there a new reason. reason may be NULL.
 * STATUS_NO_SPACE: there are too many.
 */
must_check enum status overrides_set(struct overrides *overrides,
				     const struct config_route *config,
				     enum override_action action,
				     const struct target *target,
				     const char *reason, int64_t now_ms);

/*
 * Take back all that target holds, whatever it was given as. TARGET_ALL means
 * peers, too.
 */
must_check enum status overrides_clear(struct overrides *overrides,
				       const struct config_route *config,
				       enum override_action action,
				       const struct target *target);

/* Another configuration: what each name means in it. */
void overrides_resolve(struct overrides *overrides,
		       const struct config_route *config);

/* The override of a prefix, or of a peer; NULL: none. The narrowest. */
const struct override *overrides_of_prefix(const struct overrides *overrides,
					   const struct config_route *config,
					   enum override_action action,
					   size_t prefix);
const struct override *overrides_of_peer(const struct overrides *overrides,
					 enum override_action action,
					 size_t peer);

/* The lines; their size is returned. Fits whatever is in overrides. */
size_t overrides_dump(const struct overrides *overrides,
		      char text[OVERRIDES_TEXT_MAX]);

/*
 * Read lines; they are hostile. On failure *out is as it was, and error says
 * what and where ("line 3: ...").
 */
must_check enum status overrides_load(struct overrides *out,
				      const struct config_route *config,
				      const char *text, size_t size,
				      char error[OVERRIDES_ERROR_MAX]);

/*
 * A file, whole or not at all (a new one takes its place). STATUS_NOT_FOUND:
 * there is none yet. Both may wait for the disk.
 */
must_check enum status overrides_read_file(struct overrides *out,
					   const struct config_route *config,
					   const char *path,
					   char error[OVERRIDES_ERROR_MAX]);
must_check enum status overrides_write_file(const char *path, const char *text,
					    size_t size,
					    char error[OVERRIDES_ERROR_MAX]);

/* "drain", "disable"; static. */
const char *override_action_text(enum override_action action);
