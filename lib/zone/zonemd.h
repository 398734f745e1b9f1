/*
 * zonemd.h - is a zone what its ZONEMD records say it is (RFC 8976)?
 *
 * Off the workers; any thread. The digest is over the records of the version:
 * those that would be served or transferred, whatever the file looked like. A
 * set whose records had several TTLs stands there with the least of them.
 */
#pragma once

#include "lib/base/status.h"
#include "lib/dns/dname.h"
#include "lib/zone/zone.h"

#include <stddef.h>

/* X(name, text): what `rootcastctl zone` says of a version. */
#define ZONEMD_STATE_LIST(X)                   \
	X(ZONEMD_NONE, "none") /* no record */ \
	X(ZONEMD_DIGEST, "digest")             \
	X(ZONEMD_UNSUPPORTED, "unsupported")   \
	X(ZONEMD_IGNORED, "ignored") /* policy */

enum zonemd_state {
#define ZONEMD_STATE_ENUM(name, text) name,
	ZONEMD_STATE_LIST(ZONEMD_STATE_ENUM)
#undef ZONEMD_STATE_ENUM
	ZONEMD_STATES
};

const char *zonemd_state_text(enum zonemd_state state);

/* What is done about it when a zone is loaded. */
enum zonemd_policy {
	ZONEMD_POLICY_CHECK, /* where there is a record, it must be right */
	ZONEMD_POLICY_IGNORE,
};

/* What was asked for one zone. */
struct zonemd_rule {
	struct dname_storage name; /* the apex */
	enum zonemd_policy policy;
};

/* The reason where a digest differs, and no record is at fault by itself. */
extern const char zonemd_wrong_digest[];

/*
 * Compute what the records at the apex ask for and compare (RFC 8976 4). One
 * that matches is enough. STATUS_OK: *state is NONE, DIGEST, or UNSUPPORTED
 * where every record is of a scheme or an algorithm that is not SIMPLE, SHA-384
 * or SHA-512. STATUS_BAD_DATA: a record that could be checked does not hold;
 * *reason, a static text, says why. STATUS_NO_MEMORY.
 */
must_check enum status zonemd_verify(const struct zone_version *version,
				     enum zonemd_state *state,
				     const char **reason);
