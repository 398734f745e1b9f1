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
#include "lib/zone/dnssec_verify.h"
#include "lib/zone/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(name, text): what `rootcastctl zone` says of a version. */
#define ZONEMD_STATE_LIST(X)                      \
	X(ZONEMD_NONE, "none") /* no record */    \
	X(ZONEMD_UNSUPPORTED, "unsupported")      \
	X(ZONEMD_IGNORED, "ignored") /* policy */ \
	X(ZONEMD_DIGEST, "digest")                \
	X(ZONEMD_SIGNATURE, "signature") /* the digest too */

enum zonemd_state {
#define ZONEMD_STATE_ENUM(name, text) name,
	ZONEMD_STATE_LIST(ZONEMD_STATE_ENUM)
#undef ZONEMD_STATE_ENUM
	ZONEMD_STATES
};

const char *zonemd_state_text(enum zonemd_state state);

/* X(name, text): what is done about it when a zone is loaded. */
#define ZONEMD_POLICY_LIST(X)                                           \
	/* where there is a record, its digest must be right */         \
	X(ZONEMD_POLICY_CHECK, "check")                                 \
	X(ZONEMD_POLICY_IGNORE, "ignore")                               \
	/* there must be one, and signatures over it, SOA and DNSKEY */ \
	X(ZONEMD_POLICY_REQUIRE, "require")

enum zonemd_policy {
#define ZONEMD_POLICY_ENUM(name, text) name,
	ZONEMD_POLICY_LIST(ZONEMD_POLICY_ENUM)
#undef ZONEMD_POLICY_ENUM
	ZONEMD_POLICIES
};

/* false: no such policy. */
must_check bool zonemd_policy_load(enum zonemd_policy *out, const char *text);

/* What was asked for one zone. */
struct zonemd_rule {
	struct dname_storage name; /* the apex */
	enum zonemd_policy policy;
	/* Of whoever made the rule; none: the zone's own keys are believed. */
	struct trust_anchor *anchors;
	size_t anchor_count;
};

struct zonemd_result {
	enum zonemd_state state;
	/* Why the zone is refused, or, where it is not and state is DIGEST, why
	 * the signatures do not hold; a static text. NULL: neither. */
	const char *reason;
	uint16_t type;     /* the apex RRset that it is about; 0: none */
	bool is_signature; /* it is about the signatures over that */
};

/* The reason where a digest differs, and no record is at fault by itself. */
extern const char zonemd_wrong_digest[];

/*
 * Verify as RFC 8976 4 says, in its order: the signatures over the apex DNSKEY,
 * SOA and ZONEMD at that time (seconds since 1970, or DNSSEC_NO_TIME), then
 * what the ZONEMD records ask for; one that matches is enough. rule NULL is
 * CHECK without anchors; its name is not looked at.
 *
 * STATUS_OK: the zone may be served. state is UNSUPPORTED where every record is
 * of a scheme or an algorithm that is not SIMPLE, SHA-384 or SHA-512. Under
 * CHECK signatures that do not hold refuse nothing: state is then DIGEST.
 * STATUS_BAD_DATA: refused, see reason. STATUS_NO_MEMORY.
 */
must_check enum status zonemd_verify(const struct zone_version *version,
				     const struct zonemd_rule *rule, int64_t at,
				     struct zonemd_result *out);
