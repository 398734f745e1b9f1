/*
 * checks.h - what an operator should know about a zone that has been built.
 *
 * What makes a zone no zone is refused when it is built (writer.h). What is
 * looked for here leaves a zone that can be served, but not as its owner meant
 * it: a delegation without glue, a name server that is an alias, a chain with a
 * hole, signatures that have run out. The table of all of them is at the head
 * of checks.c. Off the workers; any thread.
 */
#pragma once

#include "lib/dns/dname.h"
#include "lib/zone/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum zone_check_severity {
	ZONE_CHECK_WARNING, /* served; --strict makes it an error */
	ZONE_CHECK_ERROR,   /* not to be served */
};

enum {
	ZONE_CHECK_TEXT_MAX = 320,
	ZONE_CHECK_NEVER = -1, /* no time: signatures are not judged by it */
	/*
	 * Signatures that end within this many seconds are told: a week.
	 * Signers that live renew earlier (BIND 7.5 days before), and it leaves
	 * a person a week-end and a holiday to look why this one did not.
	 */
	ZONE_CHECK_SOON = 7 * 86400,
	/* Findings told one by one; those beyond are counted. */
	ZONE_CHECK_TOLD_MAX = 1000,
};

struct zone_finding {
	enum zone_check_severity severity;
	const struct dname *owner; /* NULL: the zone as a whole */
	uint16_t type;             /* 0: none */
	const char *text;          /* lower case, no full stop */
	/*
	 * The one record that it is about, as in an RRset (rdlength, RDATA), or
	 * NULL; is_signature: an RRSIG over the type.
	 */
	const uint8_t *record;
	bool is_signature;
	/* Where that stands; filled by load.h. NULL and 0: not known. */
	const char *file;
	unsigned long line;
};

/* Called with each finding; it is valid during the call only. */
typedef void (*zone_finding_func)(const struct zone_finding *finding,
				  void *context);

struct zone_check_result {
	size_t errors;
	size_t warnings;
};

struct zone_check_options {
	/* Signatures are judged by it: seconds since 1970, or
	 * ZONE_CHECK_NEVER. */
	int64_t at;
	/* Verify each signature by its key: some 20 to 100 us apiece. */
	bool is_verifying;
	zone_finding_func finding; /* NULL: count only */
	void *context;
};

/*
 * Look at the whole version, names in canonical order. Findings that can come
 * by the thousand (expired signatures) come once, with their number and the
 * first name.
 */
struct zone_check_result zone_check(const struct zone_version *version,
				    const struct zone_check_options *options);
