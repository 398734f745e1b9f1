#include "lib/zone/bulk.h"

#include "lib/dns/rrtype.h"
#include "lib/zone/node.h"

#include <stdlib.h>
#include <string.h>

/* Nodes made so far, in the order of the file. */
struct node_list {
	uint32_t *refs;
	size_t count;
	size_t capacity;
	struct dname_storage last;
	bool is_ascending; /* strictly */
};

enum {
	/* Empty non-terminals, for each name and beside: an address in ip6.arpa
	 * may need 31 of its own, a hostile name 126 of 255 octets. */
	EMPTY_A_NAME = 32,
	EMPTY_BESIDE = 65536,
};

enum {
	LIST_NAMES,
	LIST_NSEC3,
	LISTS,
};

struct bulk {
	struct cells *cells;

	/* the records of one owner; rdata is an offset into octets until they
	 * are built */
	struct dname_storage owner; /* length 0: none yet */
	struct node_record *staged;
	size_t staged_count;
	size_t staged_capacity;
	uint8_t *octets;
	size_t octets_size;
	size_t octets_capacity;

	struct node_list lists[LISTS];
	size_t records;
	bool has_apex;
	struct dname_storage apex; /* the owner of the first SOA */
	struct zone_fault fault;   /* reason NULL: none so far */
};

struct bulk *bulk_new(struct cells *cells)
{
	struct bulk *bulk = calloc(1, sizeof(*bulk));

	if (bulk != NULL) {
		bulk->cells = cells;
		bulk->lists[LIST_NAMES].is_ascending = true;
		bulk->lists[LIST_NSEC3].is_ascending = true;
	}
	return bulk;
}

void bulk_free(struct bulk *bulk)
{
	if (bulk == NULL) {
		return;
	}
	free(bulk->staged);
	free(bulk->octets);
	free(bulk->lists[LIST_NAMES].refs);
	free(bulk->lists[LIST_NSEC3].refs);
	free(bulk);
}

/* The first fault is the one to tell. */
static void fault_note(struct bulk *bulk, const char *reason,
		       const struct dname *owner, uint16_t type)
{
	if (bulk->fault.reason == NULL) {
		bulk->fault.reason = reason;
		dname_copy(&bulk->fault.owner, owner);
		bulk->fault.type = type;
	}
}

/* --- one owner ------------------------------------------------------------ */

static enum status list_add(struct node_list *list, uint32_t ref,
			    const struct dname *name)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity * 2 + 64;
		uint32_t *refs = realloc(list->refs, capacity * sizeof(*refs));

		if (refs == NULL) {
			return STATUS_NO_MEMORY;
		}
		list->refs = refs;
		list->capacity = capacity;
	}
	if (list->count > 0 &&
	    dname_compare(dname_of(&list->last), name) >= 0) {
		list->is_ascending = false;
	}
	dname_copy(&list->last, name);
	list->refs[list->count++] = ref;
	return STATUS_OK;
}

static enum status node_add(struct bulk *bulk, unsigned list,
			    struct node_record *record, size_t count)
{
	const struct dname *owner = dname_of(&bulk->owner);
	size_t records;
	uint32_t ref;
	uint16_t type;
	enum status status = node_build(bulk->cells, owner, record, count, &ref,
					&records, &type);

	if (status == STATUS_TOO_LONG) {
		fault_note(bulk,
			   type != 0 ? "RRset too long for a message"
				     : "too many RRsets at one name",
			   owner, type);
		return STATUS_OK;
	}
	if (status != STATUS_OK) {
		return status;
	}
	bulk->records += records;
	return list_add(&bulk->lists[list], ref, owner);
}

/* NSEC3 records come first; how many there are. */
static size_t nsec3_first(struct node_record *record, size_t count)
{
	size_t first = 0;

	for (size_t i = 0; i < count; i++) {
		if (record[i].type == RRTYPE_NSEC3) {
			struct node_record moved = record[i];

			record[i] = record[first];
			record[first++] = moved;
		}
	}
	return first;
}

/* The owner is complete. */
static enum status flush(struct bulk *bulk)
{
	struct node_record *record = bulk->staged;
	size_t count = bulk->staged_count;
	size_t hashed;
	enum status status = STATUS_OK;
	/* None yet where all RDATA so far is empty. */
	const uint8_t *octets =
		bulk->octets != NULL ? bulk->octets : (const uint8_t *)"";

	for (size_t i = 0; i < count; i++) {
		record[i].rdata = octets + (uintptr_t)record[i].rdata;
	}
	hashed = nsec3_first(record, count);
	if (hashed > 0) {
		status = node_add(bulk, LIST_NSEC3, record, hashed);
	}
	if (status == STATUS_OK && hashed < count) {
		status = node_add(bulk, LIST_NAMES, record + hashed,
				  count - hashed);
	}
	bulk->staged_count = 0;
	bulk->octets_size = 0;
	return status;
}

static enum status stage(struct bulk *bulk, const struct node_record *record)
{
	if (bulk->staged_count == bulk->staged_capacity) {
		size_t capacity = bulk->staged_capacity * 2 + 64;
		struct node_record *staged =
			realloc(bulk->staged, capacity * sizeof(*staged));

		if (staged == NULL) {
			return STATUS_NO_MEMORY;
		}
		bulk->staged = staged;
		bulk->staged_capacity = capacity;
	}
	if (bulk->octets_capacity - bulk->octets_size < record->size) {
		size_t capacity = bulk->octets_capacity * 2 + 65536;
		uint8_t *octets = realloc(bulk->octets, capacity);

		if (octets == NULL) {
			return STATUS_NO_MEMORY;
		}
		bulk->octets = octets;
		bulk->octets_capacity = capacity;
	}
	bulk->staged[bulk->staged_count] = *record;
	bulk->staged[bulk->staged_count++].rdata =
		(const uint8_t *)(uintptr_t)bulk->octets_size;
	if (record->size > 0) {
		memcpy(bulk->octets + bulk->octets_size, record->rdata,
		       record->size);
	}
	bulk->octets_size += record->size;
	return STATUS_OK;
}

static void soa_seen(struct bulk *bulk, const struct dname *owner)
{
	if (!bulk->has_apex) {
		dname_copy(&bulk->apex, owner);
		bulk->has_apex = true;
	} else if (!dname_equal(dname_of(&bulk->apex), owner)) {
		fault_note(bulk, "SOA records at two names", owner, RRTYPE_SOA);
	}
}

enum status bulk_add(struct bulk *bulk, const struct dname *owner,
		     uint16_t type, uint32_t ttl, const uint8_t *rdata,
		     size_t rdata_size)
{
	struct node_record record;

	if (!node_record_init(&record, type, ttl, rdata, rdata_size)) {
		return STATUS_BAD_DATA;
	}
	if (bulk->owner.length == 0 ||
	    !dname_equal(dname_of(&bulk->owner), owner)) {
		enum status status = flush(bulk);

		if (status != STATUS_OK) {
			return status;
		}
		dname_copy(&bulk->owner, owner);
	}
	if (type == RRTYPE_SOA) {
		soa_seen(bulk, owner);
	}
	return stage(bulk, &record);
}

/* --- order ---------------------------------------------------------------- */

/* A node and the first symbols of its name below the apex: most comparisons
 * end there. */
struct entry {
	uint64_t start[2];
	uint32_t ref;
};

enum {
	START_SYMBOLS = 10, /* of 6 bits in a word */
};

static const struct zone_node *node_at(const struct bulk *bulk, uint32_t ref)
{
	return cells_at(cells_chunks(bulk->cells), ref);
}

static struct entry entry_of(const struct bulk *bulk, uint32_t ref)
{
	const struct dname *name = &node_at(bulk, ref)->name;
	struct entry entry = {{0, 0}, ref};
	struct trie_key key;
	unsigned at;

	trie_key_init(&key, name);
	at = key.ends[bulk->apex.labels];
	for (unsigned i = 0; i < 2 * START_SYMBOLS; i++, at++) {
		uint8_t symbol = at < key.length ? key.symbols[at] : 0;

		entry.start[i / START_SYMBOLS] =
			entry.start[i / START_SYMBOLS] << 6 | symbol;
	}
	return entry;
}

static int entry_compare(const struct bulk *bulk, const struct entry *a,
			 const struct entry *b)
{
	for (unsigned i = 0; i < 2; i++) {
		if (a->start[i] != b->start[i]) {
			return a->start[i] < b->start[i] ? -1 : 1;
		}
	}
	return dname_compare(&node_at(bulk, a->ref)->name,
			     &node_at(bulk, b->ref)->name);
}

/* The end of the ascending run that starts at from. */
static size_t run_end(const struct bulk *bulk, const struct entry *entry,
		      size_t from, size_t count)
{
	size_t end = from + 1;

	while (end < count &&
	       entry_compare(bulk, &entry[end - 1], &entry[end]) <= 0) {
		end++;
	}
	return end < count ? end : count;
}

static void runs_merge(const struct bulk *bulk, const struct entry *from,
		       size_t start, size_t middle, size_t end,
		       struct entry *to)
{
	size_t left = start;
	size_t right = middle;

	for (size_t at = start; at < end; at++) {
		if (right == end ||
		    (left < middle &&
		     entry_compare(bulk, &from[left], &from[right]) <= 0)) {
			to[at] = from[left++];
		} else {
			to[at] = from[right++];
		}
	}
}

/* Natural merge sort: what is in order already stays so. Returns whichever of
 * the two holds the result. */
static struct entry *entries_sort(const struct bulk *bulk, struct entry *entry,
				  struct entry *other, size_t count)
{
	for (;;) {
		size_t runs = 0;
		struct entry *swapped = entry;

		for (size_t at = 0; at < count; runs++) {
			size_t middle = run_end(bulk, entry, at, count);
			size_t end = middle == count ? count
						     : run_end(bulk, entry,
							       middle, count);

			runs_merge(bulk, entry, at, middle, end, other);
			at = end;
		}
		entry = other;
		other = swapped;
		if (runs <= 1) {
			return entry;
		}
	}
}

/* All records of the nodes of one name become one node. */
static enum status nodes_join(struct bulk *bulk, const struct entry *entry,
			      size_t count, uint32_t *ref)
{
	uint8_t *const *chunks = cells_chunks(bulk->cells);
	const struct dname *name = &node_at(bulk, entry[0].ref)->name;
	struct node_record *record;
	size_t total = 0;
	size_t records = 0;
	uint16_t type;
	enum status status;

	for (size_t i = 0; i < count; i++) {
		total +=
			node_records(chunks, node_at(bulk, entry[i].ref), NULL);
	}
	record = malloc(total * sizeof(*record));
	if (record == NULL) {
		return STATUS_NO_MEMORY;
	}
	bulk->records -= total;
	total = 0;
	for (size_t i = 0; i < count; i++) {
		total += node_records(chunks, node_at(bulk, entry[i].ref),
				      record + total);
	}
	status = node_build(bulk->cells, name, record, total, ref, &records,
			    &type);
	free(record);
	if (status == STATUS_TOO_LONG) {
		fault_note(bulk,
			   type != 0 ? "RRset too long for a message"
				     : "too many RRsets at one name",
			   name, type);
		return STATUS_BAD_DATA;
	}
	if (status != STATUS_OK) {
		return status;
	}
	bulk->records += records;
	for (size_t i = 0; i < count; i++) {
		node_drop(bulk->cells, entry[i].ref);
	}
	return STATUS_OK;
}

/* Write the sorted entries back to the list, each name once. */
static enum status entries_take(struct bulk *bulk, struct node_list *list,
				const struct entry *entry)
{
	size_t kept = 0;
	size_t end;

	for (size_t at = 0; at < list->count; at = end) {
		uint32_t ref = entry[at].ref;

		end = at + 1;
		while (end < list->count &&
		       entry_compare(bulk, &entry[at], &entry[end]) == 0) {
			end++;
		}
		if (end > at + 1) {
			enum status status =
				nodes_join(bulk, entry + at, end - at, &ref);

			if (status != STATUS_OK) {
				return status;
			}
		}
		list->refs[kept++] = ref;
	}
	list->count = kept;
	return STATUS_OK;
}

static enum status list_sort(struct bulk *bulk, struct node_list *list)
{
	struct entry *entry;
	struct entry *other;
	enum status status = STATUS_NO_MEMORY;

	if (list->is_ascending) {
		return STATUS_OK;
	}
	entry = malloc(list->count * sizeof(*entry));
	other = malloc(list->count * sizeof(*other));
	if (entry != NULL && other != NULL) {
		for (size_t i = 0; i < list->count; i++) {
			entry[i] = entry_of(bulk, list->refs[i]);
		}
		status = entries_take(
			bulk, list,
			entries_sort(bulk, entry, other, list->count));
	}
	free(entry);
	free(other);
	return status;
}

/* Everything at or below the apex (RFC 1034 4.2.1)? Before sorting: keys
 * start behind the apex. */
static enum status list_check_owners(struct bulk *bulk,
				     const struct node_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct zone_node *node = node_at(bulk, list->refs[i]);

		if (!dname_is_below_or_equal(&node->name,
					     dname_of(&bulk->apex))) {
			fault_note(bulk, "record outside the zone", &node->name,
				   node->count > 0 ? node_types(node)[0] : 0);
			return STATUS_BAD_DATA;
		}
	}
	return STATUS_OK;
}

/* --- the tries ------------------------------------------------------------ */

/* Empty non-terminals between what came before and name (RFC 4592 2.2.2). */
static enum status add_empty_nodes(struct bulk *bulk,
				   struct trie_builder *builder,
				   const struct dname *before,
				   const struct dname *name, size_t *count)
{
	unsigned labels = dname_common_labels(before, name) + 1;

	for (; labels < name->labels; labels++) {
		struct dname_storage ancestor;
		struct trie_node leaf;
		uint32_t ref;
		enum status status;

		dname_ancestor(&ancestor, name, labels);
		status = node_make(bulk->cells, dname_of(&ancestor), NULL, NULL,
				   0, &ref);
		if (status != STATUS_OK) {
			return status;
		}
		leaf = trie_leaf(ref, 0, false);
		status = trie_builder_add(builder, &leaf);
		if (status != STATUS_OK) {
			return status;
		}
		(*count)++;
	}
	return STATUS_OK;
}

static enum status names_build(struct bulk *bulk, struct trie_builder *builder,
			       size_t *count)
{
	const struct node_list *list = &bulk->lists[LIST_NAMES];
	const struct dname *before = dname_of(&bulk->apex);
	enum status status;

	for (size_t i = 0; i < list->count; i++) {
		const struct zone_node *node = node_at(bulk, list->refs[i]);
		bool is_apex = i == 0; /* it has the SOA, and comes first */
		struct trie_node leaf;
		const char *reason;
		uint16_t type = 0;

		reason = node_fault(cells_chunks(bulk->cells), node, is_apex,
				    &type);
		if (reason != NULL) {
			fault_note(bulk, reason, &node->name, type);
			return STATUS_BAD_DATA;
		}
		status = add_empty_nodes(bulk, builder, before, &node->name,
					 count);
		if (status != STATUS_OK) {
			return status;
		}
		if (*count - i > EMPTY_A_NAME * list->count + EMPTY_BESIDE) {
			fault_note(bulk, "too many empty names", &node->name,
				   0);
			return STATUS_BAD_DATA;
		}
		leaf = node_leaf(cells_chunks(bulk->cells), list->refs[i],
				 is_apex);
		status = trie_builder_add(builder, &leaf);
		if (status != STATUS_OK) {
			return status;
		}
		(*count)++;
		before = &node->name;
	}
	return STATUS_OK;
}

static enum status nsec3_build(struct bulk *bulk, struct trie_builder *builder)
{
	const struct node_list *list = &bulk->lists[LIST_NSEC3];
	enum status status = STATUS_OK;

	for (size_t i = 0; status == STATUS_OK && i < list->count; i++) {
		struct trie_node leaf =
			node_nsec3_leaf(cells_chunks(bulk->cells),
					list->refs[i], dname_of(&bulk->apex));

		status = trie_builder_add(builder, &leaf);
	}
	return status;
}

static enum status tries_build(struct bulk *bulk, struct bulk_result *out)
{
	struct trie_builder *builder = trie_builder_new(bulk->cells);
	enum status status;

	if (builder == NULL) {
		return STATUS_NO_MEMORY;
	}
	out->name_count = 0;
	status = names_build(bulk, builder, &out->name_count);
	if (status != STATUS_OK) {
		trie_builder_free(builder);
		return status;
	}
	status = trie_builder_finish(builder, &out->names);
	if (status != STATUS_OK) {
		return status;
	}
	builder = trie_builder_new(bulk->cells);
	if (builder == NULL) {
		return STATUS_NO_MEMORY;
	}
	status = nsec3_build(bulk, builder);
	if (status != STATUS_OK) {
		trie_builder_free(builder);
		return status;
	}
	return trie_builder_finish(builder, &out->nsec3);
}

/* Sorted, each name once, all in the zone. */
static enum status lists_order(struct bulk *bulk)
{
	for (unsigned i = 0; i < LISTS; i++) {
		enum status status = list_check_owners(bulk, &bulk->lists[i]);

		if (status == STATUS_OK) {
			status = list_sort(bulk, &bulk->lists[i]);
		}
		if (status != STATUS_OK) {
			return status;
		}
	}
	return STATUS_OK;
}

enum status bulk_finish(struct bulk *bulk, struct bulk_result *out,
			struct zone_fault *fault)
{
	enum status status = flush(bulk);

	if (status == STATUS_OK && !bulk->has_apex) {
		fault_note(bulk, "no SOA record", dname_root, RRTYPE_SOA);
	}
	if (status == STATUS_OK && bulk->fault.reason == NULL) {
		status = lists_order(bulk);
	}
	if (status == STATUS_OK && bulk->fault.reason == NULL) {
		status = tries_build(bulk, out);
	}
	if (bulk->fault.reason != NULL) {
		*fault = bulk->fault;
		return STATUS_BAD_DATA;
	}
	out->apex = bulk->apex;
	out->records = bulk->records;
	return status;
}
