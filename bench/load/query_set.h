/*
 * query_set.h - the queries that a load tool sends, prepared in memory.
 *
 * Each query is a finished message (id 0) with the RCODE that a right answer
 * carries. A set is made from a zone file's delegations (what a root server
 * sees: referrals, names under missing TLDs, a few priming queries) or from a
 * list of names. The same seed makes the same set, so that every server under
 * comparison is asked the same.
 */
#pragma once

#include "lib/base/status.h"

#include <stddef.h>
#include <stdint.h>

enum {
	QUERY_SIZE_MAX = 320, /* header, name of 255, type, class, OPT */
	QUERY_PAYLOAD = 1232, /* octets, what the queries offer */
	/* Of a thousand queries: the mix that root servers answer. */
	QUERY_REFERRALS = 520,
	QUERY_PRIMING = 4,
	/* A delegation that is missing has a label of this many octets with
	 * this one at the end (so that reflector.c knows it). */
	QUERY_MISSING_LABEL = 10,
	QUERY_MISSING_END = '7',
};

struct query {
	uint16_t size;
	uint16_t question_end; /* offset of the octet after the question */
	uint16_t rcode;        /* of a right answer */
	uint8_t octets[QUERY_SIZE_MAX];
};

struct query_set {
	size_t count;
	size_t delegations; /* found in the zone file; 0 for a list */
	struct query *queries;
};

/*
 * count queries over the delegations of the zone in the file at path: records
 * one a line with absolute owners, as the root zone is published. 52 % ask for
 * A, AAAA or NS of a delegated name or of www below it; the rest for random
 * names under random labels that are not delegated, but for a few '. NS'.
 * All carry OPT with DO. Trouble is told on standard error.
 */
must_check enum status query_set_from_zone(struct query_set *set,
					   const char *path, size_t count,
					   uint64_t seed);

/*
 * The queries of a list: 'NAME TYPE [RCODE]' a line, RCODE a number (0 where it
 * is left out), in order. Trouble is told on standard error.
 */
must_check enum status query_set_from_list(struct query_set *set,
					   const char *path);

/*
 * NULL where a reply is the right one to query as far as the sender can tell:
 * it repeats the question, and has the RCODE (and AA where that is NXDOMAIN).
 * Else what is wrong. The id is the caller's to look at.
 */
const char *query_judge(const struct query *query, const uint8_t *reply,
			size_t size);

/* The flags with which a reflector sends a query of query_set_from_zone() back,
 * so that query_judge() is content. */
uint16_t query_reflected_flags(const uint8_t *message, size_t size);

void query_set_fini(struct query_set *set);
