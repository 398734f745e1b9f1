/*
 * writer.c - one version from records, or from another version by changes.
 *
 * A derived version starts with the roots of its base and changes them within a
 * transaction of the memory's cells: what older versions share is copied, what
 * this one made is changed in place. Names that were touched are checked
 * against the rules at the end, since a change may pass through states that
 * break them (a CNAME replaced by an address).
 */
#include "lib/zone/writer.h"

#include "lib/base/arena.h"
#include "lib/dns/rrtype.h"
#include "lib/zone/bulk.h"
#include "lib/zone/compact.h"
#include "lib/zone/version.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A name that a derived version changed. */
struct touched {
	struct touched *next;
	struct dname name;
};

struct zone_writer {
	struct zone_memory *memory;
	struct bulk *bulk; /* a whole load; NULL: derived */

	struct zone_version *base; /* held */
	struct trie names;
	struct trie nsec3;
	size_t records;
	size_t name_count;
	struct arena *arena;
	struct touched *touched;
	struct node_record *scratch;
	size_t scratch_capacity;
	bool has_failed;
};

static struct zone_writer *writer_free(struct zone_writer *writer)
{
	if (writer != NULL) {
		bulk_free(writer->bulk);
		arena_free(writer->arena);
		free(writer->scratch);
		free(writer);
	}
	return NULL;
}

static struct zone_writer *new_load(struct zone_writer *writer)
{
	writer->memory = zone_memory_new();
	if (writer->memory == NULL) {
		return writer_free(writer);
	}
	writer->bulk = bulk_new(writer->memory->cells);
	if (writer->bulk == NULL) {
		zone_memory_free(writer->memory);
		return writer_free(writer);
	}
	cells_begin(writer->memory->cells);
	return writer;
}

static struct zone_writer *new_derived(struct zone_writer *writer,
				       struct zone_version *base,
				       enum status *status)
{
	writer->arena = arena_new();
	if (writer->arena == NULL) {
		return writer_free(writer);
	}
	*status = zone_memory_lock_writer(base);
	if (*status != STATUS_OK) {
		return writer_free(writer);
	}
	writer->memory = base->memory;
	writer->base = zone_version_hold(base);
	writer->names = base->names;
	writer->nsec3 = base->nsec3;
	writer->records = base->records;
	writer->name_count = base->name_count;
	cells_begin(writer->memory->cells);
	return writer;
}

struct zone_writer *zone_writer_new(struct zone_version *base,
				    enum status *status)
{
	struct zone_writer *writer = calloc(1, sizeof(*writer));

	*status = STATUS_NO_MEMORY;
	if (writer == NULL) {
		return NULL;
	}
	writer = base == NULL ? new_load(writer)
			      : new_derived(writer, base, status);
	if (writer != NULL) {
		*status = STATUS_OK;
	}
	return writer;
}

void zone_writer_abort(struct zone_writer *writer)
{
	if (writer == NULL) {
		return;
	}
	cells_abort(writer->memory->cells);
	if (writer->base != NULL) {
		zone_memory_unlock_writer(writer->memory);
		zone_version_release(writer->base);
	} else {
		zone_memory_free(writer->memory);
	}
	writer_free(writer);
}

/* --- changes of a derived version ----------------------------------------- */

static const struct dname *apex_of(const struct zone_writer *writer)
{
	return &writer->base->apex->name;
}

/* NSEC3 records and their signatures stand in a trie of their own. */
static struct trie *trie_for(struct zone_writer *writer,
			     const struct node_record *record)
{
	return record->type == RRTYPE_NSEC3 ? &writer->nsec3 : &writer->names;
}

static enum status touch(struct zone_writer *writer, const struct dname *name)
{
	struct touched *touched = writer->touched;

	if (touched != NULL && dname_equal(&touched->name, name)) {
		return STATUS_OK;
	}
	touched = arena_alloc(writer->arena, offsetof(struct touched, name) +
						     dname_stored_size(name));
	if (touched == NULL) {
		return STATUS_NO_MEMORY;
	}
	memcpy(&touched->name, name, dname_stored_size(name));
	touched->next = writer->touched;
	writer->touched = touched;
	return STATUS_OK;
}

static enum status leaf_put(struct zone_writer *writer, struct trie *trie,
			    uint32_t ref)
{
	struct cells *cells = writer->memory->cells;
	const struct zone_node *node = cells_at(cells_chunks(cells), ref);
	struct trie_node leaf;
	bool is_new;
	enum status status;

	leaf = trie == &writer->nsec3
		       ? node_nsec3_leaf(cells_chunks(cells), ref,
					 apex_of(writer))
		       : node_leaf(cells_chunks(cells), ref,
				   dname_equal(&node->name, apex_of(writer)));
	status = trie_put(trie, cells, &leaf, &is_new);
	if (status == STATUS_OK && is_new && trie == &writer->names) {
		writer->name_count++;
	}
	return status;
}

/*
 * The node in the place of old_ref (0: there was none) with the type's RRset
 * replaced, added, or (rrset 0) removed.
 */
static enum status node_change(struct zone_writer *writer, struct trie *trie,
			       const struct dname *name, uint32_t old_ref,
			       uint16_t type, uint32_t rrset)
{
	struct cells *cells = writer->memory->cells;
	uint16_t types[NODE_RRSETS_MAX + 1];
	uint32_t refs[NODE_RRSETS_MAX + 1];
	size_t count = 0;
	bool is_placed = rrset == 0;
	uint32_t ref;
	enum status status;

	if (old_ref != 0) {
		const struct zone_node *node =
			cells_at(cells_chunks(cells), old_ref);

		name = &node->name; /* the spelling stays */
		for (size_t i = 0; i < node->count; i++) {
			if (!is_placed && node_types(node)[i] >= type) {
				types[count] = type;
				refs[count++] = rrset;
				is_placed = true;
			}
			if (node_types(node)[i] != type) {
				types[count] = node_types(node)[i];
				refs[count++] = node_refs(node)[i];
			}
		}
	}
	if (!is_placed) {
		types[count] = type;
		refs[count++] = rrset;
	}
	if (count > NODE_RRSETS_MAX) {
		return STATUS_TOO_LONG;
	}
	status = node_make(cells, name, types, refs, count, &ref);
	if (status != STATUS_OK) {
		return status;
	}
	status = leaf_put(writer, trie, ref);
	if (status == STATUS_OK && old_ref != 0) {
		const struct zone_node *node =
			cells_at(cells_chunks(cells), old_ref);

		cells_drop(cells, old_ref, node_size(&node->name, node->count));
	}
	return status;
}

/* Every name between a new one and the apex stands in the tree. */
static enum status add_ancestors(struct zone_writer *writer,
				 const struct dname *name)
{
	struct cells *cells = writer->memory->cells;

	for (unsigned labels = name->labels;
	     labels-- > apex_of(writer)->labels;) {
		struct dname_storage ancestor;
		uint32_t ref;
		enum status status;

		dname_ancestor(&ancestor, name, labels);
		if (trie_find(&writer->names, cells_chunks(cells),
			      dname_of(&ancestor)) != NULL) {
			return STATUS_OK;
		}
		status = node_make(cells, dname_of(&ancestor), NULL, NULL, 0,
				   &ref);
		if (status == STATUS_OK) {
			status = leaf_put(writer, &writer->names, ref);
		}
		if (status != STATUS_OK) {
			return status;
		}
	}
	return STATUS_OK;
}

/* The RRset's records in scratch, with room for one more. */
static enum status scratch_fill(struct zone_writer *writer,
				const struct rrset *rrset, size_t *count)
{
	size_t need = node_rrset_records(rrset, NULL) + 1;

	if (need > writer->scratch_capacity) {
		struct node_record *scratch =
			realloc(writer->scratch, 2 * need * sizeof(*scratch));

		if (scratch == NULL) {
			return STATUS_NO_MEMORY;
		}
		writer->scratch = scratch;
		writer->scratch_capacity = 2 * need;
	}
	*count = node_rrset_records(rrset, writer->scratch);
	return STATUS_OK;
}

/* Where the record stands in scratch, or would; is it there? */
static size_t scratch_place(const struct zone_writer *writer, size_t count,
			    const struct node_record *record, bool *is_there)
{
	size_t low = 0;
	size_t high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (node_record_compare(&writer->scratch[middle], record) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	*is_there = low < count &&
		    node_record_compare(&writer->scratch[low], record) == 0;
	return low;
}

/* The node's RRset of the type: its reference, or 0. */
static uint32_t rrset_ref(const struct cells *cells, uint32_t node_ref,
			  uint16_t type)
{
	const struct zone_node *node;
	size_t index;

	if (node_ref == 0) {
		return 0;
	}
	node = cells_at(cells_chunks(cells), node_ref);
	index = node_index(node, type);
	return index < node->count ? node_refs(node)[index] : 0;
}

static enum status derived_add(struct zone_writer *writer,
			       const struct dname *owner,
			       const struct node_record *record)
{
	struct cells *cells = writer->memory->cells;
	struct trie *trie = trie_for(writer, record);
	const struct trie_node *leaf =
		trie_find(trie, cells_chunks(cells), owner);
	uint32_t node_ref = leaf != NULL ? leaf->ref : 0;
	uint32_t old_ref = rrset_ref(cells, node_ref, record->type);
	const struct node_record *all = record;
	size_t count = 0;
	uint32_t ref;
	enum status status;

	if (old_ref != 0) {
		size_t at;
		bool is_there;

		status = scratch_fill(
			writer, cells_at(cells_chunks(cells), old_ref), &count);
		if (status != STATUS_OK) {
			return status;
		}
		at = scratch_place(writer, count, record, &is_there);
		if (is_there) {
			return STATUS_OK;
		}
		memmove(writer->scratch + at + 1, writer->scratch + at,
			(count - at) * sizeof(*record));
		writer->scratch[at] = *record;
		all = writer->scratch;
	}
	status = node_rrset_build(cells, owner, all, count + 1, &ref);
	if (status != STATUS_OK) {
		return status;
	}
	if (node_ref == 0 && trie == &writer->names) {
		status = add_ancestors(writer, owner);
		if (status != STATUS_OK) {
			return status;
		}
	}
	status = node_change(writer, trie, owner, node_ref, record->type, ref);
	if (status != STATUS_OK) {
		return status;
	}
	if (old_ref != 0) {
		cells_drop(cells, old_ref,
			   rrset_size(cells_at(cells_chunks(cells), old_ref)));
	}
	writer->records++;
	return touch(writer, owner);
}

enum status zone_writer_add(struct zone_writer *writer,
			    const struct dname *owner, uint16_t type,
			    uint32_t ttl, const uint8_t *rdata,
			    size_t rdata_size)
{
	struct node_record record;
	enum status status;

	if (rrtype_is_meta(type) || !rdata_is_valid(type, rdata, rdata_size) ||
	    !node_record_init(&record, type, ttl, rdata, rdata_size)) {
		return STATUS_BAD_DATA;
	}
	if (writer->bulk != NULL) {
		status = bulk_add(writer->bulk, owner, type, ttl, rdata,
				  rdata_size);
	} else if (!dname_is_below_or_equal(owner, apex_of(writer))) {
		return STATUS_OUT_OF_RANGE;
	} else {
		status = derived_add(writer, owner, &record);
	}
	writer->has_failed |= status == STATUS_NO_MEMORY;
	return status;
}

/* The name has no records any more: it goes, and empty ones above it that
 * nothing needs. */
static enum status prune(struct zone_writer *writer, const struct dname *owner)
{
	struct cells *cells = writer->memory->cells;

	for (unsigned labels = owner->labels; labels > apex_of(writer)->labels;
	     labels--) {
		struct dname_storage name;
		const struct trie_node *leaf;
		const struct zone_node *node;
		uint32_t ref;
		enum status status;

		dname_ancestor(&name, owner, labels);
		leaf = trie_find(&writer->names, cells_chunks(cells),
				 dname_of(&name));
		assert(leaf != NULL);
		ref = leaf->ref;
		node = cells_at(cells_chunks(cells), ref);
		if (node->count > 0 ||
		    trie_has_below(&writer->names, cells_chunks(cells),
				   dname_of(&name))) {
			return STATUS_OK;
		}
		status = trie_remove(&writer->names, cells, dname_of(&name));
		if (status != STATUS_OK) {
			return status;
		}
		cells_drop(cells, ref, node_size(&node->name, 0));
		writer->name_count--;
	}
	return STATUS_OK;
}

/* The node lost its last RRset of the type. */
static enum status rrset_remove(struct zone_writer *writer, struct trie *trie,
				const struct dname *owner, uint32_t node_ref,
				uint16_t type)
{
	struct cells *cells = writer->memory->cells;
	const struct zone_node *node = cells_at(cells_chunks(cells), node_ref);
	enum status status;

	if (trie == &writer->nsec3 && node->count == 1) {
		status = trie_remove(trie, cells, owner);
		if (status == STATUS_OK) {
			cells_drop(cells, node_ref, node_size(&node->name, 1));
		}
		return status;
	}
	status = node_change(writer, trie, owner, node_ref, type, 0);
	if (status == STATUS_OK && trie == &writer->names) {
		status = prune(writer, owner);
	}
	return status;
}

static enum status derived_remove(struct zone_writer *writer,
				  const struct dname *owner,
				  const struct node_record *record)
{
	struct cells *cells = writer->memory->cells;
	struct trie *trie = trie_for(writer, record);
	const struct trie_node *leaf =
		trie_find(trie, cells_chunks(cells), owner);
	uint32_t node_ref = leaf != NULL ? leaf->ref : 0;
	uint32_t old_ref = rrset_ref(cells, node_ref, record->type);
	size_t count;
	size_t at;
	bool is_there;
	enum status status;

	if (old_ref == 0) {
		return STATUS_NOT_FOUND;
	}
	status = scratch_fill(writer, cells_at(cells_chunks(cells), old_ref),
			      &count);
	if (status != STATUS_OK) {
		return status;
	}
	at = scratch_place(writer, count, record, &is_there);
	if (!is_there) {
		return STATUS_NOT_FOUND;
	}
	memmove(writer->scratch + at, writer->scratch + at + 1,
		(count - at - 1) * sizeof(*record));
	if (count == 1) {
		status = rrset_remove(writer, trie, owner, node_ref,
				      record->type);
	} else {
		uint32_t ref;

		status = node_rrset_build(cells, owner, writer->scratch,
					  count - 1, &ref);
		if (status == STATUS_OK) {
			status = node_change(writer, trie, owner, node_ref,
					     record->type, ref);
		}
	}
	if (status != STATUS_OK) {
		return status;
	}
	cells_drop(cells, old_ref,
		   rrset_size(cells_at(cells_chunks(cells), old_ref)));
	writer->records--;
	return touch(writer, owner);
}

enum status zone_writer_remove(struct zone_writer *writer,
			       const struct dname *owner, uint16_t type,
			       const uint8_t *rdata, size_t rdata_size)
{
	struct node_record record;
	enum status status;

	assert(writer->bulk == NULL);
	if (!rdata_is_valid(type, rdata, rdata_size) ||
	    !node_record_init(&record, type, 0, rdata, rdata_size)) {
		return STATUS_NOT_FOUND;
	}
	status = derived_remove(writer, owner, &record);
	writer->has_failed |= status == STATUS_NO_MEMORY;
	return status;
}

/* --- the version ---------------------------------------------------------- */

static enum status refuse(struct zone_fault *fault, const char *reason,
			  const struct dname *owner, uint16_t type)
{
	fault->reason = reason;
	dname_copy(&fault->owner, owner);
	fault->type = type;
	return STATUS_BAD_DATA;
}

static enum status touched_check(const struct zone_writer *writer,
				 struct zone_fault *fault)
{
	uint8_t *const *chunks = cells_chunks(writer->memory->cells);

	for (const struct touched *touched = writer->touched; touched != NULL;
	     touched = touched->next) {
		const struct trie_node *leaf =
			trie_find(&writer->names, chunks, &touched->name);
		const struct zone_node *node;
		const char *reason;
		uint16_t type;

		if (leaf == NULL) {
			continue;
		}
		node = cells_at(chunks, leaf->ref);
		reason = node_fault(chunks, node,
				    dname_equal(&node->name, apex_of(writer)),
				    &type);
		if (reason != NULL) {
			return refuse(fault, reason, &node->name, type);
		}
	}
	return STATUS_OK;
}

/*
 * The fields of the version, from its apex; what is missing there is refused.
 */
static enum status version_fill(struct zone_version *version,
				const struct dname *apex,
				struct zone_fault *fault)
{
	const struct trie_node *leaf =
		trie_find(&version->names, version->chunks, apex);
	const struct rrset *soa;
	const uint8_t *end;
	uint32_t minimum;

	if (leaf == NULL) {
		return refuse(fault, "no SOA record", apex, RRTYPE_SOA);
	}
	version->apex = version_node(version, leaf);
	soa = zone_node_find(version, version->apex, RRTYPE_SOA);
	if (soa == NULL) {
		return refuse(fault, "no SOA record", apex, RRTYPE_SOA);
	}
	if (zone_node_find(version, version->apex, RRTYPE_NS) == NULL) {
		return refuse(fault, "no NS records at the apex", apex,
			      RRTYPE_NS);
	}
	/* RFC 1035 3.3.13: five 32-bit fields end the RDATA. */
	end = rrset_next(rrset_first(soa));
	version->serial = wire_get32(end - 20);
	minimum = wire_get32(end - 4);
	version->negative_ttl = soa->ttl < minimum ? soa->ttl : minimum;
	if (zone_node_find(version, version->apex, RRTYPE_DNSKEY) != NULL) {
		version->has_nsec = trie_is_marked(&version->names.root);
		version->has_nsec3 =
			trie_is_marked(&version->nsec3.root) &&
			nsec3_param_find(zone_node_find(version, version->apex,
							RRTYPE_NSEC3PARAM)) !=
				NULL;
	}
	return STATUS_OK;
}

static enum status derived_finish(struct zone_writer *writer,
				  struct compact *compact,
				  struct zone_version *version,
				  struct zone_fault *fault)
{
	struct trie *const tries[] = {&writer->names, &writer->nsec3};
	enum status status = touched_check(writer, fault);

	if (status == STATUS_OK) {
		status = compact_step(compact, writer->memory->cells, tries, 2,
				      writer->name_count, compact_node);
	}
	if (status != STATUS_OK) {
		return status;
	}
	version->names = writer->names;
	version->nsec3 = writer->nsec3;
	version->records = writer->records;
	version->name_count = writer->name_count;
	version->chunks = cells_chunks(writer->memory->cells);
	return version_fill(version, apex_of(writer), fault);
}

static enum status load_finish(struct zone_writer *writer,
			       struct zone_version *version,
			       struct zone_fault *fault)
{
	struct bulk_result result;
	enum status status = bulk_finish(writer->bulk, &result, fault);

	if (status != STATUS_OK) {
		return status;
	}
	version->names = result.names;
	version->nsec3 = result.nsec3;
	version->records = result.records;
	version->name_count = result.name_count;
	version->chunks = cells_chunks(writer->memory->cells);
	return version_fill(version, dname_of(&result.apex), fault);
}

/*
 * A file whose names come in several places leaves dead parts behind. Nobody
 * uses the version yet, so everything is moved at once. Without memory for it
 * the version stays as it is.
 */
static void load_compact(struct zone_memory *memory,
			 struct zone_version *version)
{
	struct compact compact = {.credit = 0};

	do {
		struct trie names = version->names;
		struct trie nsec3 = version->nsec3;
		struct trie *const tries[] = {&names, &nsec3};
		struct cells_garbage *garbage;
		struct cells_garbage *made;

		compact.credit = UINT64_MAX / 2;
		cells_begin(memory->cells);
		if (compact_step(&compact, memory->cells, tries, 2,
				 version->name_count,
				 compact_node) != STATUS_OK ||
		    cells_commit(memory->cells, &garbage, &made) != STATUS_OK) {
			cells_abort(memory->cells);
			return;
		}
		version->names = names;
		version->nsec3 = nsec3;
		compact_committed(&compact, memory->cells);
		cells_retire(memory->cells, garbage);
		free(made);
	} while (compact.is_active);
}

enum status zone_writer_finish(struct zone_writer *writer,
			       struct zone_version **out,
			       struct zone_fault *fault)
{
	struct zone_memory *memory = writer->memory;
	struct zone_version *version = calloc(1, sizeof(*version));
	struct compact compact = memory->compact;
	struct cells_garbage *garbage;
	struct cells_garbage *made;
	enum status status = STATUS_NO_MEMORY;

	memset(fault, 0, sizeof(*fault));
	if (version != NULL && !writer->has_failed) {
		status = writer->bulk != NULL
				 ? load_finish(writer, version, fault)
				 : derived_finish(writer, &compact, version,
						  fault);
	}
	if (status == STATUS_OK) {
		status = cells_commit(memory->cells, &garbage, &made);
	}
	if (status != STATUS_OK) {
		free(version);
		zone_writer_abort(writer);
		return status;
	}
	if (writer->bulk != NULL) {
		load_compact(memory, version);
	} else {
		compact_committed(&compact, memory->cells);
		memory->compact = compact;
	}
	version->memory = memory;
	version->table = cells_table_hold(memory->cells);
	version->chunks = version->table->chunks;
	version->apex = version_node(
		version, trie_first(&version->names, version->chunks));
	atomic_init(&version->holds, 1);
	zone_version_enter(version, garbage, made);
	zone_version_release(writer->base);
	writer_free(writer);
	*out = version;
	return STATUS_OK;
}
