/*
 * answer_query.h - octets in, octets out: the way of every query through this
 * library.
 *
 *	query_parse -> zone_set_find -> zone_lookup -> answer_choose
 *		    -> reply_write
 *
 * Nothing here allocates, locks, logs, or asks the system; a test holds it. One
 * context a worker thread; the worker is on-line (grace.h) during the call.
 */
#pragma once

#include "lib/base/address.h"
#include "lib/base/checksum.h"
#include "lib/base/status.h"
#include "lib/zone/zone_set.h"

#include <stddef.h>
#include <stdint.h>

enum {
	/* Queries of a batch that are worked on together. */
	ANSWER_GROUP = 8,
	/* Room for twice the 3,000 replies that a root zone's questions take.
	 */
	ANSWER_COMPILED_BUDGET = 8 << 20,
};

enum answer_transport {
	ANSWER_UDP,
	ANSWER_TCP, /* replies up to 65,535 octets */
};

/* What is said of ourselves; the caller's, unchanging while workers run. */
struct answer_identity {
	const char *name;    /* id.server, hostname.bind, NSID (RFC 4892, 5001);
			   * at most 255 octets; "" or NULL: not told */
	const char *version; /* version.server, version.bind */
	uint16_t udp_payload; /* what we offer and the most we send (1232) */
	/* After which a silent TCP client is left; 0: not told (RFC 7828). */
	unsigned tcp_idle_ms;
	const struct dname *report_agent; /* RFC 9567, not the root; or NULL */
	/* Octets that each worker keeps compiled replies in; 0: none. */
	size_t compiled_budget;
};

struct answer_context; /* a worker's own scratch memory */

/* NULL when there is no memory. identity and set must outlive the context. */
struct answer_context *
answer_context_new(const struct answer_identity *identity,
		   const struct zone_set *set);
void answer_context_free(struct answer_context *context);

/* What statistics want to know of the last reply. */
struct answer_note {
	uint16_t rcode; /* the extended one */
	uint16_t qtype; /* 0 where no question was read */
	uint8_t is_truncated;
	uint8_t is_delegation;
	uint8_t is_compiled;        /* its sections were copied */
	const struct zone *zone;    /* or NULL; valid while on-line */
	struct checksum_part known; /* of the reply */
};

/*
 * Answer one query. Writes at most reply_room octets (at least 512 of it;
 * 65,535 for TCP) and returns how many; 0 means silence: the query is no query
 * (QR set, too short).
 */
size_t answer_query(struct answer_context *context,
		    enum answer_transport transport, const uint8_t *query,
		    size_t query_size, uint8_t *reply, size_t reply_room,
		    struct answer_note *note);

/* One query of a batch. */
struct answer_task {
	const uint8_t *query;
	size_t query_size;
	uint8_t *reply;
	size_t reply_room;
	size_t reply_size; /* out; 0: silence */
	struct answer_note note;
};

/*
 * answer_query() of each. Faster than one by one: while one query is looked up,
 * the replies of those before it are on their way into the cache.
 */
void answer_queries(struct answer_context *context,
		    enum answer_transport transport, struct answer_task *tasks,
		    size_t count);
