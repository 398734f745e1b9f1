/*
 * writer.c - one version from records, or from another version by changes.
 *
 * A derived version collects its changes by owner and RRset (changes.c). When
 * finished it starts with the roots of its base and changes them within a
 * transaction of the memory's cells: what older versions share is copied, what
 * this one made is changed in place. Each RRset and each node that changes is
 * written once. Names that were changed are checked against the rules at the
 * end, since a change may pass through states that break them (a CNAME replaced
 * by an address).
 */
#include "lib/zone/writer.h"

#include "lib/dns/rrtype.h"
#include "lib/zone/bulk.h"
#include "lib/zone/changes.h"
#include "lib/zone/compact.h"
#include "lib/zone/lookup.h"
#include "lib/zone/version.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct zone_writer {
	struct zone_memory *memory;
	struct bulk *bulk; /* a whole load; NULL: derived */

	struct zone_version *base; /* held */
	struct trie names;
	struct trie nsec3;
	size_t records;
	size_t name_count;
	struct changes *changes;
	struct node_record *scratch;
	size_t scratch_capacity;
	bool has_failed;
};

static struct zone_writer *writer_free(struct zone_writer *writer)
{
	if (writer != NULL) {
		bulk_free(writer->bulk);
		changes_free(writer->changes);
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
	writer->changes = changes_new();
	if (writer->changes == NULL) {
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
static struct trie *trie_of(struct zone_writer *writer, bool is_nsec3)
{
	return is_nsec3 ? &writer->nsec3 : &writer->names;
}

/* The node of that name in the base, or NULL. The tries change only when the
 * writer finishes. */
static const struct zone_node *
base_node(struct zone_writer *writer, const struct dname *name, bool is_nsec3)
{
	uint8_t *const *chunks = cells_chunks(writer->memory->cells);
	const struct trie_node *leaf =
		trie_find(trie_of(writer, is_nsec3), chunks, name);

	return leaf != NULL ? cells_at(chunks, leaf->ref) : NULL;
}

/* The changes of the record's owner and RRset. */
static enum status change_find(struct zone_writer *writer,
			       const struct dname *name,
			       const struct node_record *record,
			       struct owner_change **owner,
			       struct rrset_change **rrset)
{
	bool is_nsec3 = record->type == RRTYPE_NSEC3;
	const struct zone_node *node;
	const struct rrset *before = NULL;
	uint32_t ref = 0;

	*owner = changes_owner(writer->changes, name, is_nsec3);
	if (*owner == NULL) {
		return STATUS_NO_MEMORY;
	}
	*rrset = changes_find_rrset(*owner, record->type);
	if (*rrset != NULL) {
		return STATUS_OK;
	}
	node = base_node(writer, name, is_nsec3);
	if (node != NULL) {
		size_t index = node_index(node, record->type);

		if ((*owner)->rrsets == NULL) {
			(*owner)->rrset_count = node->count;
		}
		if (index < node->count) {
			ref = node_refs(node)[index];
			before = cells_at(cells_chunks(writer->memory->cells),
					  ref);
		}
	}
	*rrset = changes_rrset(writer->changes, *owner, record->type, before,
			       ref);
	return *rrset != NULL ? STATUS_OK : STATUS_NO_MEMORY;
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
		struct owner_change *change;
		struct rrset_change *rrset;

		status = change_find(writer, owner, &record, &change, &rrset);
		if (status == STATUS_OK) {
			status = changes_add(writer->changes, change, rrset,
					     &record);
		}
	}
	writer->has_failed |= status == STATUS_NO_MEMORY;
	return status;
}

enum status zone_writer_remove(struct zone_writer *writer,
			       const struct dname *owner, uint16_t type,
			       const uint8_t *rdata, size_t rdata_size)
{
	struct node_record record;
	struct owner_change *change;
	struct rrset_change *rrset;
	enum status status;

	assert(writer->bulk == NULL);
	if (!rdata_is_valid(type, rdata, rdata_size) ||
	    !node_record_init(&record, type, 0, rdata, rdata_size)) {
		return STATUS_NOT_FOUND;
	}
	status = change_find(writer, owner, &record, &change, &rrset);
	if (status == STATUS_OK) {
		status = changes_remove(change, rrset, &record);
	}
	writer->has_failed |= status == STATUS_NO_MEMORY;
	return status;
}

/* --- the changes into the tries ------------------------------------------- */

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

/* Names without records, and without names below, from this one upwards. */
static enum status prune(struct zone_writer *writer, const struct dname *from)
{
	struct cells *cells = writer->memory->cells;

	for (unsigned labels = from->labels; labels > apex_of(writer)->labels;
	     labels--) {
		struct dname_storage name;
		const struct trie_node *leaf;
		const struct zone_node *node;
		uint32_t ref;
		enum status status;

		dname_ancestor(&name, from, labels);
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

static enum status scratch_reserve(struct zone_writer *writer, size_t count)
{
	struct node_record *scratch;

	if (count <= writer->scratch_capacity) {
		return STATUS_OK;
	}
	scratch = realloc(writer->scratch, 2 * count * sizeof(*scratch));
	if (scratch == NULL) {
		return STATUS_NO_MEMORY;
	}
	writer->scratch = scratch;
	writer->scratch_capacity = 2 * count;
	return STATUS_OK;
}

/* The RRset as it will be: *ref, 0 where it has no records. */
static enum status rrset_make(struct zone_writer *writer,
			      const struct dname *name,
			      struct rrset_change *rrset, uint32_t *ref)
{
	struct cells *cells = writer->memory->cells;
	enum status status = scratch_reserve(writer, rrset->count);

	*ref = 0;
	if (status == STATUS_OK && rrset->count > 0) {
		changes_collect(rrset, writer->scratch);
		status = node_rrset_build(cells, name, writer->scratch,
					  rrset->count, ref);
	}
	if (status != STATUS_OK) {
		return status;
	}
	if (rrset->old_ref != 0) {
		cells_drop(cells, rrset->old_ref,
			   rrset_size(cells_at(cells_chunks(cells),
					       rrset->old_ref)));
	}
	writer->records += rrset->count;
	writer->records -= rrset->base_count;
	return STATUS_OK;
}

/* The RRsets of a node as it will be, ascending by type. */
struct node_rrsets {
	size_t count;
	uint16_t types[NODE_RRSETS_MAX];
	uint32_t refs[NODE_RRSETS_MAX];
};

static void rrsets_put(struct node_rrsets *rrsets, uint16_t type, uint32_t ref)
{
	if (ref != 0) {
		assert(rrsets->count < NODE_RRSETS_MAX);
		rrsets->types[rrsets->count] = type;
		rrsets->refs[rrsets->count++] = ref;
	}
}

/* old_ref 0: there was no node. */
static enum status rrsets_make(struct zone_writer *writer,
			       struct owner_change *owner, uint32_t old_ref,
			       struct node_rrsets *out)
{
	struct cells *cells = writer->memory->cells;
	struct rrset_change *rrset = owner->rrsets;
	size_t at = 0;

	out->count = 0;
	for (;;) {
		/* Cells never move, but their table does. */
		const struct zone_node *node =
			old_ref != 0 ? cells_at(cells_chunks(cells), old_ref)
				     : NULL;
		bool has_old = node != NULL && at < node->count;
		uint32_t ref;
		enum status status;

		if (!has_old && rrset == NULL) {
			return STATUS_OK;
		}
		if (rrset == NULL ||
		    (has_old && node_types(node)[at] < rrset->type)) {
			rrsets_put(out, node_types(node)[at],
				   node_refs(node)[at]);
			at++;
			continue;
		}
		at += has_old && node_types(node)[at] == rrset->type;
		if (rrset->is_changed) {
			status = rrset_make(writer, owner->name, rrset, &ref);
			if (status != STATUS_OK) {
				return status;
			}
		} else {
			ref = rrset->old_ref;
		}
		rrsets_put(out, rrset->type, ref);
		rrset = rrset->next;
	}
}

/* Is the name to leave its trie, having no records any more? */
static bool is_to_go(const struct zone_writer *writer,
		     const struct owner_change *owner)
{
	if (owner->is_nsec3) {
		return true;
	}
	return !dname_equal(owner->name, apex_of(writer)) &&
	       !trie_has_below(&writer->names,
			       cells_chunks(writer->memory->cells),
			       owner->name);
}

static enum status node_remove(struct zone_writer *writer,
			       const struct owner_change *owner)
{
	enum status status = trie_remove(trie_of(writer, owner->is_nsec3),
					 writer->memory->cells, owner->name);
	struct dname_storage parent;

	if (status != STATUS_OK || owner->is_nsec3) {
		return status;
	}
	writer->name_count--;
	dname_ancestor(&parent, owner->name, owner->name->labels - 1u);
	return prune(writer, dname_of(&parent));
}

static enum status node_put(struct zone_writer *writer,
			    const struct owner_change *owner, uint32_t old_ref,
			    const struct node_rrsets *rrsets)
{
	struct cells *cells = writer->memory->cells;
	/* The spelling stays. */
	const struct dname *name = owner->name;
	enum status status = STATUS_OK;
	uint32_t ref;

	if (old_ref != 0) {
		const struct zone_node *node =
			cells_at(cells_chunks(cells), old_ref);

		name = &node->name;
	} else if (!owner->is_nsec3) {
		status = add_ancestors(writer, name);
	}
	if (status == STATUS_OK) {
		status = node_make(cells, name, rrsets->types, rrsets->refs,
				   rrsets->count, &ref);
	}
	return status == STATUS_OK
		       ? leaf_put(writer, trie_of(writer, owner->is_nsec3), ref)
		       : status;
}

static enum status owner_apply(struct zone_writer *writer,
			       struct owner_change *owner)
{
	struct cells *cells = writer->memory->cells;
	const struct trie_node *leaf =
		trie_find(trie_of(writer, owner->is_nsec3), cells_chunks(cells),
			  owner->name);
	uint32_t old_ref = leaf != NULL ? leaf->ref : 0;
	bool is_changed = false;
	struct node_rrsets rrsets;
	enum status status;

	for (const struct rrset_change *rrset = owner->rrsets; rrset != NULL;
	     rrset = rrset->next) {
		is_changed |= rrset->is_changed;
	}
	if (!is_changed) {
		return STATUS_OK;
	}
	status = rrsets_make(writer, owner, old_ref, &rrsets);
	if (status != STATUS_OK || (rrsets.count == 0 && old_ref == 0)) {
		return status;
	}
	if (rrsets.count == 0 && is_to_go(writer, owner)) {
		status = node_remove(writer, owner);
	} else {
		status = node_put(writer, owner, old_ref, &rrsets);
	}
	if (status == STATUS_OK && old_ref != 0) {
		const struct zone_node *node =
			cells_at(cells_chunks(cells), old_ref);

		cells_drop(cells, old_ref, node_size(&node->name, node->count));
	}
	return status;
}

struct applying {
	struct zone_writer *writer;
	enum status status;
};

static bool apply_owner(struct owner_change *owner, void *context)
{
	struct applying *applying = context;

	applying->status = owner_apply(applying->writer, owner);
	return applying->status == STATUS_OK;
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

struct checking {
	const struct zone_writer *writer;
	struct zone_fault *fault;
	enum status status;
};

/* Only now: changes may pass through states that break the rules. */
static bool check_owner(struct owner_change *owner, void *context)
{
	struct checking *checking = context;
	const struct dname *apex = apex_of(checking->writer);
	uint8_t *const *chunks = cells_chunks(checking->writer->memory->cells);
	const struct trie_node *leaf;
	const struct zone_node *node;
	const char *reason;
	uint16_t type;

	if (owner->is_nsec3) {
		return true;
	}
	leaf = trie_find(&checking->writer->names, chunks, owner->name);
	if (leaf == NULL) {
		return true;
	}
	node = cells_at(chunks, leaf->ref);
	reason =
		node_fault(chunks, node, dname_equal(&node->name, apex), &type);
	if (reason != NULL) {
		checking->status =
			refuse(checking->fault, reason, &node->name, type);
	}
	return reason == NULL;
}

static enum status changes_apply(struct zone_writer *writer,
				 struct zone_fault *fault)
{
	struct applying applying = {writer, STATUS_OK};
	struct checking checking = {writer, fault, STATUS_OK};

	changes_walk(writer->changes, apply_owner, &applying);
	if (applying.status != STATUS_OK) {
		return applying.status;
	}
	changes_walk(writer->changes, check_owner, &checking);
	return checking.status;
}

/* Does every chain named at the apex hash within the limit? */
static bool has_good_iterations(const struct rrset *nsec3param)
{
	const uint8_t *record =
		nsec3param != NULL ? rrset_first(nsec3param) : NULL;

	for (unsigned i = 0; nsec3param != NULL && i < nsec3param->count; i++) {
		/* RFC 5155 4.2 */
		if (wire_get16(rdata_octets(record) + 2) >
		    NSEC3_ITERATIONS_MAX) {
			return false;
		}
		record = rrset_next(record);
	}
	return true;
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
	if (!has_good_iterations(zone_node_find(version, version->apex,
						RRTYPE_NSEC3PARAM))) {
		return refuse(fault,
			      "more than 150 NSEC3 iterations (RFC 9276)", apex,
			      RRTYPE_NSEC3PARAM);
	}
	/* RFC 1035 3.3.13: five 32-bit fields end the RDATA. */
	end = rrset_next(rrset_first(soa));
	version->serial = wire_get32(end - 20);
	minimum = wire_get32(end - 4);
	version->negative_ttl = soa->ttl < minimum ? soa->ttl : minimum;
	version->is_signed =
		zone_node_find(version, version->apex, RRTYPE_DNSKEY) != NULL;
	if (version->is_signed) {
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
	enum status status = changes_apply(writer, fault);

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
