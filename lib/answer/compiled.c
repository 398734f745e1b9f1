/*
 * compiled.c - replies that are copied.
 *
 * Behind the question, the reply to a common query is the same for every name
 * that finds the same node: the referral of a cut, the denial in one span of
 * the NSEC chain, one RRset. It differs in one number: the question's name of L
 * octets shifts all that stands behind it, and with it every compression
 * pointer, whether into the name's tail or into the sections. So the sections
 * are written once, by reply.c as always, with the list of their pointers less
 * L; answering copies them and adds L to each.
 *
 *	index: bucket -> 8 x (tag, position)       seen: fingerprints
 *	          |
 *	          v   in units of 64 octets
 *	ring:  ...| head | pointers | steps | sections |pad| head | ...  next->
 *
 *	head      key, rcode, counts, sizes
 *	pointers  16-bit offsets into sections
 *	steps     (end, records): where additional RRsets that may be left out
 *	          end, so that a smaller limit is a shorter copy
 *
 * An entry is flat: offsets, no addresses. The ring is filled in order and
 * overwrites its oldest entries; positions count on for ever, so that one tells
 * whether its entry is still there. A reply is compiled when it is wanted for
 * the second time within a short while (seen): what a flood of different names
 * asks for once throws nothing out.
 *
 * The key names the zone version by its generation. A new version starts with
 * nothing, and each worker compiles again what it is asked for, about 2 us a
 * reply: a root zone's 3,000 cost 6 ms once a version.
 *
 * Rejected: bodies kept with the zone version. One for each of a million
 * delegations takes three times the memory of the zone, and a changed address
 * would have to find every delegation whose glue it is, where now it costs one
 * node; a body kept with the node could not hold that glue either. Rejected:
 * the apex SOA as a piece of its own, put before the denial when copying: a
 * name in the NSEC may be compressed into the SOA's, so the pieces are not
 * independent, and there are no n pieces to save when nothing is compiled
 * ahead.
 */
#include "lib/answer/compiled.h"

#include "lib/base/checksum.h"
#include "lib/base/pages.h"
#include "lib/dns/rrtype.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	UNIT = 64, /* octets, a cache line */
	WAYS = 8,
	TAG_BITS = 16,
	SEEN_SIZE = 1 << 16,
	PREFETCH_LINES = 14,
};

/* Of struct compiled. */
enum flag {
	IS_GOOD = 1 << 0,
	IS_AUTHORITATIVE = 1 << 1,
	IS_DELEGATION = 1 << 2,
};

/* Of struct compiled_key. */
enum form {
	FORM_DNSSEC = 1 << 0,
	FORM_WILDCARD = 1 << 1,
};

struct compiled {
	struct compiled_key key;
	uint16_t rcode;
	uint16_t flags;
	uint16_t answers;
	uint16_t authorities;
	uint16_t additionals_required;
	uint16_t size;
	uint16_t required_size;
	uint16_t pointers;
	uint16_t steps;
	uint16_t sum;    /* of all sections as they stand here: checksum.h */
	uint16_t data[]; /* pointers, steps (two each), sections */
};

_Static_assert(sizeof(struct compiled) <= UNIT, "a head is one line");

/* position << TAG_BITS | tag; 0: none. */
struct bucket {
	uint64_t way[WAYS];
};

struct compiled_table {
	uint8_t *ring;
	struct bucket *buckets;
	uint64_t units;       /* of the ring */
	uint64_t next;        /* the unit to write at, counted from the start */
	uint32_t bucket_mask; /* their number less one */
	size_t mapped;
	uint16_t seen[SEEN_SIZE];
};

static size_t entry_size(unsigned pointers, unsigned steps, size_t size)
{
	return sizeof(struct compiled) + pointers * sizeof(uint16_t) +
	       steps * sizeof(struct reply_step) + size;
}

struct compiled_table *compiled_table_new(size_t budget)
{
	struct compiled_table *table = calloc(1, sizeof(*table));
	size_t buckets = 1;
	size_t index_size;

	if (table == NULL) {
		return NULL;
	}
	if (budget < COMPILED_BUDGET_LEAST) {
		budget = COMPILED_BUDGET_LEAST;
	}
	/* One way for two units: entries take ten and more. */
	while (buckets * WAYS * 2 * 2 <= budget / UNIT) {
		buckets *= 2;
	}
	index_size = buckets * sizeof(struct bucket);
	table->mapped = budget / UNIT * UNIT;
	table->ring = pages_map(table->mapped);
	if (table->ring == NULL) {
		free(table);
		return NULL;
	}
	pages_touch(table->ring, table->mapped);
	table->units = (table->mapped - index_size) / UNIT;
	table->buckets =
		(struct bucket *)(void *)(table->ring + table->units * UNIT);
	table->bucket_mask = (uint32_t)(buckets - 1);
	table->next = 1; /* 0 is no position */
	return table;
}

void compiled_table_free(struct compiled_table *table)
{
	if (table != NULL) {
		pages_unmap(table->ring, table->mapped);
		free(table);
	}
}

/* --- keys ----------------------------------------------------------------- */

/* Every bit of what goes in changes about half of what comes out. */
static uint32_t key_hash(const struct compiled_key *key)
{
	const uint64_t odd = 0x9e3779b97f4a7c15u;
	uint64_t hash = key->generation * odd ^ key->node;

	hash = (hash ^ hash >> 32) * odd;
	hash ^= key->denial;
	hash = (hash ^ hash >> 29) * odd;
	hash ^= (uint64_t)key->qtype << 16 | (uint64_t)key->kind << 8 |
		key->form;
	hash = (hash ^ hash >> 32) * odd;
	return (uint32_t)(hash >> 32);
}

static bool key_equal(const struct compiled_key *a,
		      const struct compiled_key *b)
{
	return a->node == b->node && a->generation == b->generation &&
	       a->denial == b->denial && a->qtype == b->qtype &&
	       a->kind == b->kind && a->form == b->form;
}

bool compiled_key_init(struct compiled_key *key, const struct query *query,
		       const struct answer_found *found)
{
	const struct lookup *lookup = &found->lookup;
	const struct zone_node *node = lookup->node;

	if (found->place != ANSWER_PLACE_FOUND || query->qclass != RRCLASS_IN) {
		return false;
	}
	key->qtype = 0;
	switch (lookup->kind) {
	case LOOKUP_ANSWER:
		if (lookup->rrset == NULL) {
			return false; /* ANY, RRSIG */
		}
		key->qtype = query->qtype;
		break;
	case LOOKUP_NXDOMAIN:
		node = lookup->encloser;
		break;
	case LOOKUP_DELEGATION:
	case LOOKUP_NODATA:
		break;
	case LOOKUP_CNAME:
	case LOOKUP_DNAME:
		return false;
	}
	key->generation = zone_version_generation(found->version);
	key->node = (uintptr_t)node;
	key->denial = (uintptr_t)found->denial;
	key->kind = (uint8_t)lookup->kind;
	key->form = (uint8_t)((query->wants_dnssec ? FORM_DNSSEC : 0) |
			      (lookup->is_wildcard ? FORM_WILDCARD : 0));
	key->hash = key_hash(key);
	return true;
}

/* --- finding -------------------------------------------------------------- */

static uint64_t tag_of(const struct compiled_key *key)
{
	return key->hash >> (32 - TAG_BITS);
}

static struct bucket *bucket_of(const struct compiled_table *table,
				const struct compiled_key *key)
{
	return &table->buckets[key->hash & table->bucket_mask];
}

static struct compiled *entry_at(const struct compiled_table *table,
				 uint64_t position)
{
	return (struct compiled *)(void *)(table->ring +
					   position % table->units * UNIT);
}

/* Positions of the last round are overwritten from the start of the ring. */
static bool is_there(const struct compiled_table *table, uint64_t position)
{
	return position + table->units >= table->next;
}

const struct compiled *compiled_find(const struct compiled_table *table,
				     const struct compiled_key *key)
{
	const struct bucket *bucket = bucket_of(table, key);
	uint64_t tag = tag_of(key);

	for (unsigned i = 0; i < WAYS; i++) {
		uint64_t way = bucket->way[i];
		uint64_t position = way >> TAG_BITS;
		const struct compiled *entry;

		if (way == 0 || (way & ((1u << TAG_BITS) - 1)) != tag ||
		    !is_there(table, position)) {
			continue;
		}
		entry = entry_at(table, position);
		if (key_equal(&entry->key, key)) {
			return entry;
		}
	}
	return NULL;
}

void compiled_prefetch_index(const struct compiled_table *table,
			     const struct compiled_key *key)
{
	__builtin_prefetch(bucket_of(table, key));
}

void compiled_prefetch(const struct compiled_table *table,
		       const struct compiled_key *key)
{
	const struct bucket *bucket = bucket_of(table, key);
	uint64_t tag = tag_of(key);

	for (unsigned i = 0; i < WAYS; i++) {
		uint64_t way = bucket->way[i];

		if (way != 0 && (way & ((1u << TAG_BITS) - 1)) == tag) {
			const uint8_t *entry = (const uint8_t *)entry_at(
				table, way >> TAG_BITS);

			/* Its size stands in it: the usual one. */
			for (unsigned line = 0; line < PREFETCH_LINES; line++) {
				__builtin_prefetch(entry + line * UNIT);
			}
			return;
		}
	}
}

bool compiled_is_good(const struct compiled *compiled)
{
	return (compiled->flags & IS_GOOD) != 0;
}

/* --- keeping -------------------------------------------------------------- */

bool compiled_is_wanted(struct compiled_table *table,
			const struct compiled_key *key)
{
	uint16_t *seen = &table->seen[key->hash % SEEN_SIZE];
	/* Of other bits than those that choose the place; never 0. */
	uint16_t fingerprint =
		(uint16_t)((key->hash >> 16 ^ key->generation << 1) | 1);
	bool is_wanted = *seen == fingerprint;

	*seen = fingerprint;
	return is_wanted;
}

/* Room for an entry, with its bucket pointing there. */
static struct compiled *entry_new(struct compiled_table *table,
				  const struct compiled_key *key, size_t size)
{
	uint64_t units = (size + UNIT - 1) / UNIT;
	struct bucket *bucket = bucket_of(table, key);
	unsigned oldest = 0;
	struct compiled *entry;

	/* Never around the end of the ring. */
	if (table->next % table->units + units > table->units) {
		table->next += table->units - table->next % table->units;
	}
	for (unsigned i = 1; i < WAYS; i++) {
		if (bucket->way[i] < bucket->way[oldest]) {
			oldest = i;
		}
	}
	bucket->way[oldest] = table->next << TAG_BITS | tag_of(key);
	entry = entry_at(table, table->next);
	table->next += units;
	entry->key = *key;
	return entry;
}

static uint16_t *entry_steps(const struct compiled *entry)
{
	return (uint16_t *)(uintptr_t)entry->data + entry->pointers;
}

static uint8_t *entry_sections(const struct compiled *entry)
{
	return (uint8_t *)(entry_steps(entry) + 2u * entry->steps);
}

static void entry_fill(struct compiled *entry, const struct answer *answer,
		       const uint8_t *message, size_t name_length,
		       const struct reply_recording *recording)
{
	unsigned start = recording->start;
	uint16_t *steps;
	uint8_t *sections;

	entry->rcode = answer->rcode;
	entry->flags =
		(uint16_t)(IS_GOOD |
			   (answer->is_authoritative ? IS_AUTHORITATIVE : 0) |
			   (answer->is_delegation ? IS_DELEGATION : 0));
	entry->answers = (uint16_t)recording->counts.answers;
	entry->authorities = (uint16_t)recording->counts.authorities;
	entry->additionals_required = (uint16_t)recording->required;
	entry->size = (uint16_t)(recording->end - start);
	entry->required_size = (uint16_t)(recording->required_end - start);
	entry->pointers = (uint16_t)recording->pointers;
	entry->steps = (uint16_t)recording->steps;
	steps = entry_steps(entry);
	for (unsigned i = 0; i < recording->steps; i++) {
		steps[2 * i] = (uint16_t)(recording->step[i].end - start);
		steps[2 * i + 1] = recording->step[i].additionals;
	}
	sections = entry_sections(entry);
	memcpy(sections, message + start, entry->size);
	for (unsigned i = 0; i < recording->pointers; i++) {
		unsigned at = recording->pointer[i] - start;

		entry->data[i] = (uint16_t)at;
		/* May wrap below a pointer's upper bits; adding undoes it. */
		wire_put16(sections + at,
			   (uint16_t)(wire_get16(sections + at) - name_length));
	}
	entry->sum = checksum_fold(checksum_sum(sections, entry->size));
}

const struct compiled *compiled_add(struct compiled_table *table,
				    const struct compiled_key *key,
				    const struct answer *answer,
				    const uint8_t *message, size_t name_length,
				    const struct reply_recording *recording)
{
	struct compiled *entry;

	if (recording == NULL) {
		entry = entry_new(table, key, sizeof(*entry));
		entry->flags = 0;
		return entry;
	}
	entry = entry_new(
		table, key,
		entry_size(recording->pointers, recording->steps,
			   (size_t)recording->end - recording->start));
	entry_fill(entry, answer, message, name_length, recording);
	return entry;
}

/* --- copying -------------------------------------------------------------- */

void compiled_head(const struct compiled *compiled, struct answer *answer)
{
	answer->rcode = compiled->rcode;
	answer->is_authoritative = (compiled->flags & IS_AUTHORITATIVE) != 0;
	answer->is_delegation = (compiled->flags & IS_DELEGATION) != 0;
}

/* How much of the sections fits; additionals are those that come with it. */
static size_t size_within(const struct compiled *compiled, size_t room,
			  unsigned *additionals)
{
	const uint16_t *step = entry_steps(compiled);
	size_t size = compiled->required_size;
	unsigned count = compiled->steps;

	*additionals = compiled->additionals_required;
	if (count > 0 && compiled->size <= room) {
		*additionals = step[2 * count - 1];
		return compiled->size;
	}
	for (unsigned i = 0; i < count && step[2 * i] <= room; i++) {
		size = step[2 * i];
		*additionals = step[2 * i + 1];
	}
	return size;
}

/* Put another pointer in place; returns by how much the sum grows. */
static uint32_t pointer_shift(uint8_t *at, unsigned offset, size_t length)
{
	uint16_t before = checksum_load16(at);
	uint16_t after;

	wire_put16(at, (uint16_t)(wire_get16(at) + length));
	after = checksum_load16(at);
	/* One's complement: less a word is more by its complement. */
	return (uint32_t)checksum_at(after, offset) +
	       checksum_at((uint16_t)~before, offset);
}

bool compiled_copy(const struct compiled *compiled, size_t name_length,
		   struct wire_writer *wire, struct reply_counts *counts,
		   uint16_t *sum, bool *has_sum)
{
	const uint16_t *pointer = compiled->data;
	unsigned pointers = compiled->pointers;
	size_t size =
		size_within(compiled, wire_room(wire), &counts->additionals);
	uint8_t *to = wire_claim(wire, size);
	uint64_t total = compiled->sum;

	*has_sum = false;
	if (to == NULL) {
		wire->failed = false;
		return false;
	}
	memcpy(to, entry_sections(compiled), size);
	/* They stand in order: the last ones may be beyond what was copied. */
	while (pointers > 0 && pointer[pointers - 1] >= size) {
		pointers--;
	}
	for (unsigned i = 0; i < pointers; i++) {
		total +=
			pointer_shift(to + pointer[i], pointer[i], name_length);
	}
	*sum = checksum_fold(total);
	*has_sum = size == compiled->size;
	counts->answers = compiled->answers;
	counts->authorities = compiled->authorities;
	return true;
}
