/*
 * compiled.h - the sections of common replies, kept ready to be copied.
 *
 * A table is one worker's own: nothing in it is shared, and nothing is
 * allocated after compiled_table_new(). What it keeps belongs to one zone
 * version and is never found again once another one is current.
 */
#pragma once

#include "lib/answer/answer.h"
#include "lib/answer/query.h"
#include "lib/answer/reply.h"
#include "lib/base/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct compiled; /* one reply's sections; valid until the next is added */
struct compiled_table;

enum {
	/* Octets of sections; larger ones are written each time. */
	COMPILED_SIZE_MAX = 4096,
	/* For reply_record(): header, question and sections. */
	COMPILED_MESSAGE_MAX = 12 + 255 + 4 + COMPILED_SIZE_MAX,
	COMPILED_BUDGET_LEAST = 128 << 10,
};

/* What a reply's sections follow from, all of it. */
struct compiled_key {
	uint64_t generation; /* of the zone version */
	uint64_t node;       /* the one found; only compared, never followed */
	uint64_t denial;     /* likewise, or 0 */
	uint16_t qtype;      /* 0 where the type makes no difference */
	uint8_t kind;        /* enum lookup_kind */
	uint8_t form;        /* DO, wildcard */
	uint32_t hash;       /* of the above */
};

/* A table of budget octets, at least COMPILED_BUDGET_LEAST; NULL: no memory. */
struct compiled_table *compiled_table_new(size_t budget);
void compiled_table_free(struct compiled_table *table);

/*
 * The key of the reply to query where found is; false where such replies are
 * not compiled: chains (they leave the zone), ANY and RRSIG (they depend on the
 * transport, or are rare), and all that is no answer from a zone.
 */
bool compiled_key_init(struct compiled_key *key, const struct query *query,
		       const struct answer_found *found);

/* The reply of that key, or NULL. */
const struct compiled *compiled_find(const struct compiled_table *table,
				     const struct compiled_key *key);

/*
 * Two steps ahead of compiled_find(), for those who have other work meanwhile:
 * bring what it will read of the index into the cache, then the reply.
 */
void compiled_prefetch_index(const struct compiled_table *table,
			     const struct compiled_key *key);
void compiled_prefetch(const struct compiled_table *table,
		       const struct compiled_key *key);

/* False: it was tried, and is not to be copied but written each time. */
bool compiled_is_good(const struct compiled *compiled);

/*
 * Has a reply of that key been asked for a short while ago? Notes that it is
 * now: what is asked for once only is not worth its place.
 */
bool compiled_is_wanted(struct compiled_table *table,
			const struct compiled_key *key);

/*
 * Keep the sections that reply_record() wrote into message for a question name
 * of name_length octets; recording NULL: keep that there is nothing to copy.
 */
const struct compiled *compiled_add(struct compiled_table *table,
				    const struct compiled_key *key,
				    const struct answer *answer,
				    const uint8_t *message, size_t name_length,
				    const struct reply_recording *recording);

/* The head of answer that goes with it; answer_begin() was called. */
void compiled_head(const struct compiled *compiled, struct answer *answer);

/*
 * Write the sections behind a question whose name has name_length octets, as
 * much of them as fits. False where what must be there does not. *sum is that
 * of what was written, as checksum_part has it, where *has_sum.
 */
bool compiled_copy(const struct compiled *compiled, size_t name_length,
		   struct wire_writer *wire, struct reply_counts *counts,
		   uint16_t *sum, bool *has_sum);
