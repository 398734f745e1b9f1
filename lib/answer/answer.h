/*
 * answer.h - what a reply is to say: RRsets by section, no octets yet.
 *
 * answer_choose() fills a fixed struct with references into zone versions;
 * reply_write() makes octets of it. Apart, so that a reply can be compiled
 * ahead, judged by a rate limit, or cut to a size without choosing again.
 *
 * A struct answer is a worker's own, allocated once (it is large) and filled
 * for each query; what it refers to is valid while the worker is on-line.
 */
#pragma once

#include "lib/answer/query.h"
#include "lib/dns/dname.h"
#include "lib/dns/rrtype.h"
#include "lib/zone/lookup.h"
#include "lib/zone/rrset.h"
#include "lib/zone/zone_set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* Names of one CNAME and DNAME chain, the question's included. */
	ANSWER_CHAIN_MAX = 16,
	/* RRsets; a chain takes two a name, ANY over TCP what there is. */
	ANSWER_ANSWER_MAX = 64,
	/* A wildcard proof a name of the chain, and the last name's denial. */
	ANSWER_AUTHORITY_MAX = 64,
	/*
	 * Glue that must be there takes at least 30 octets an RRset, with the
	 * NS record it serves: more than this cannot fit a message anyway.
	 */
	ANSWER_ADDITIONAL_MAX = 2304,
	/* Servers whose addresses are added as a courtesy, and no more. */
	ANSWER_TARGETS_MAX = 64,
};

/* How the owner of an item can be named in the message. */
enum answer_owner {
	/* The question's name, or an ancestor of it: a pointer there. */
	ANSWER_OWNER_QUESTION,
	/* The name in record number target of the source's RDATA. */
	ANSWER_OWNER_TARGET,
	/* A name like any other. */
	ANSWER_OWNER_NAME,
};

struct answer_item {
	const uint8_t *owner; /* octets, whole */
	const struct rrset *rrset;
	uint32_t ttl_max; /* of negative answers (RFC 2308 5); UINT32_MAX */
	uint16_t target;
	uint8_t owner_length;
	uint8_t place; /* enum answer_owner */
	bool has_records;
	bool has_signatures;
	bool is_source; /* additional items have their owners in its RDATA */
};

/* A CNAME that a DNAME made (RFC 6672 3.1), as an RRset of one record. */
struct answer_cname {
	union {
		struct rrset rrset;
		uint8_t octets[sizeof(struct rrset) + 2 + DNAME_MAX];
	};
};

struct answer {
	uint16_t rcode;
	int edns_error; /* enum edns_error, or -1 (RFC 8914) */
	uint16_t rrclass;
	bool is_authoritative;
	bool is_truncated;  /* known without writing: what must go in won't */
	bool is_delegation; /* the question's name itself is delegated */
	const struct zone *zone; /* of the question's name, or NULL */
	const struct zone_version *version; /* its, or NULL: nothing there */

	/*
	 * The name found for the question, as its zone spells it: the owner,
	 * cut or closest encloser. From it upwards, and not below, the question
	 * may be pointed into: a compiled reply serves every name below it.
	 */
	const struct dname *anchor; /* or NULL */

	unsigned answers;
	unsigned authorities;
	unsigned additionals;
	unsigned additionals_required; /* the first so many: all, or TC */

	struct answer_item answer[ANSWER_ANSWER_MAX];
	struct answer_item authority[ANSWER_AUTHORITY_MAX];

	/* The chain: names after the question's, and CNAMEs made. */
	struct dname_storage chain[ANSWER_CHAIN_MAX];
	struct answer_cname synthesized[ANSWER_CHAIN_MAX];

	struct answer_item additional[ANSWER_ADDITIONAL_MAX];
};

/* Is the question's name in a zone that is served here? */
enum answer_place {
	ANSWER_PLACE_FOUND,
	ANSWER_PLACE_EMPTY, /* a zone that should be served and is not */
	ANSWER_PLACE_NONE,
};

/*
 * What a zone has for the question's name, before anything is chosen. Together
 * with DO and the type asked for, version, node, encloser and denial tell all
 * that a reply without a chain will say (compiled.c).
 */
struct answer_found {
	enum answer_place place;
	const struct zone *zone;            /* NULL where there is none */
	const struct zone_version *version; /* where FOUND */
	struct lookup lookup;               /* where FOUND */
	/*
	 * With DO, where the name itself is not there (NXDOMAIN, a wildcard):
	 * the NSEC that covers it, or the NSEC3 of its next closer name.
	 */
	const struct zone_node *denial; /* or NULL */
	bool is_begun;                  /* the lookup, and not ended */
};

/* Types that no zone is asked for: transfers, and what is no type. */
static inline bool answer_is_sought(uint16_t qtype)
{
	return qtype != RRTYPE_AXFR && qtype != RRTYPE_IXFR &&
	       qtype != RRTYPE_NXNAME;
}

/* Find it for a query of class IN (or ANY) that parsed well. */
void answer_seek(const struct query *query, const struct zone_set *set,
		 struct answer_found *out);

/*
 * The same in two steps, for those who have other work while what the second
 * needs is on its way into the cache. path and out stay the same.
 */
void answer_seek_begin(const struct query *query, const struct zone_set *set,
		       struct lookup_path *path, struct answer_found *out);
void answer_seek_end(const struct query *query, struct lookup_path *path,
		     struct answer_found *out);

/* What the answer says before it has any RRset. */
void answer_begin(const struct query *query, const struct answer_found *found,
		  struct answer *answer);

/*
 * Choose the answer to a query of class IN (or ANY) that parsed well. room is
 * the most that the reply may take: RRsets that surely do not fit are left out
 * early, and that is all it does. is_full: ANY gets everything that the name
 * has, not one RRset (RFC 8482 4.4: over TCP).
 */
void answer_choose(const struct query *query, const struct zone_set *set,
		   size_t room, bool is_full, struct answer *answer);

/*
 * Choose what to say to those who ask for what only a zone's partners may have,
 * and who have not shown to be any: NOTIFY, AXFR, IXFR. REFUSED where the
 * question names a zone of ours, else NOTAUTH.
 */
void answer_refuse(const struct query *query, const struct zone_set *set,
		   struct answer *answer);

/* The same, where answer_seek() has been asked before. */
void answer_choose_found(const struct query *query, const struct zone_set *set,
			 const struct answer_found *found, size_t room,
			 bool is_full, struct answer *answer);

/* An answer that has no RRsets. */
static inline void answer_fail(struct answer *answer, uint16_t rcode,
			       int edns_error)
{
	answer->rcode = rcode;
	answer->edns_error = edns_error;
	answer->rrclass = RRCLASS_IN;
	answer->is_authoritative = false;
	answer->is_truncated = false;
	answer->is_delegation = false;
	answer->zone = NULL;
	answer->version = NULL;
	answer->anchor = NULL;
	answer->answers = 0;
	answer->authorities = 0;
	answer->additionals = 0;
	answer->additionals_required = 0;
}
