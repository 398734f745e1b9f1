/*
 * changes.c - changes by owner and RRset, in trees.
 *
 * An RRset that is touched is opened: its records become an array that a flag a
 * record takes them out of, and what is added stands in a tree beside it. So an
 * addition is O(log k) and nothing is moved. Rejected: hash tables (what comes
 * in by transfer is chosen by others; a tree needs no secret), and one sorted
 * array (an insertion moves half of it).
 *
 * Records of the base point into the base's cells, which stay; others are
 * copied to an arena that lives as long as the writer.
 */
#include "lib/zone/changes.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct changes {
	struct arena *arena;
	void *owners; /* tsearch() tree of struct owner_change */
	struct owner_change *last;
};

struct changes *changes_new(void)
{
	struct changes *changes = calloc(1, sizeof(*changes));

	if (changes != NULL) {
		changes->arena = arena_new();
		if (changes->arena == NULL) {
			free(changes);
			return NULL;
		}
	}
	return changes;
}

/* What the trees hold lies in the arena. */
static void keep(void *item)
{
	(void)item;
}

static void free_rrsets(void *item)
{
	struct owner_change *owner = item;

	for (struct rrset_change *rrset = owner->rrsets; rrset != NULL;
	     rrset = rrset->next) {
		tdestroy(rrset->added, keep);
	}
}

void changes_free(struct changes *changes)
{
	if (changes == NULL) {
		return;
	}
	tdestroy(changes->owners, free_rrsets);
	arena_free(changes->arena);
	free(changes);
}

/* --- owners and RRsets ---------------------------------------------------- */

static int owner_compare(const void *left, const void *right)
{
	const struct owner_change *a = left;
	const struct owner_change *b = right;

	if (a->is_nsec3 != b->is_nsec3) {
		return a->is_nsec3 ? 1 : -1;
	}
	return dname_compare(a->name, b->name);
}

struct owner_change *changes_owner(struct changes *changes,
				   const struct dname *name, bool is_nsec3)
{
	struct owner_change key = {.name = name, .is_nsec3 = is_nsec3};
	struct owner_change *const *found;
	struct owner_change *owner = changes->last;
	struct dname *copy;

	if (owner != NULL && owner_compare(owner, &key) == 0) {
		return owner;
	}
	found = tfind(&key, &changes->owners, owner_compare);
	if (found != NULL) {
		changes->last = *found;
		return *found;
	}
	owner = arena_alloc(changes->arena, sizeof(*owner));
	copy = arena_alloc(changes->arena, dname_stored_size(name));
	if (owner == NULL || copy == NULL) {
		return NULL;
	}
	memcpy(copy, name, dname_stored_size(name));
	*owner = (struct owner_change){.name = copy, .is_nsec3 = is_nsec3};
	if (tsearch(owner, &changes->owners, owner_compare) == NULL) {
		return NULL;
	}
	changes->last = owner;
	return owner;
}

struct rrset_change *changes_find_rrset(const struct owner_change *owner,
					uint16_t type)
{
	struct rrset_change *rrset = owner->rrsets;

	while (rrset != NULL && rrset->type < type) {
		rrset = rrset->next;
	}
	return rrset != NULL && rrset->type == type ? rrset : NULL;
}

/* The records of the RRset before. */
static bool open_base(struct changes *changes, struct rrset_change *rrset,
		      const struct rrset *before)
{
	size_t count = node_rrset_records(before, NULL);

	rrset->base = arena_alloc(changes->arena, count * sizeof(*rrset->base));
	rrset->is_removed =
		arena_alloc(changes->arena, count * sizeof(*rrset->is_removed));
	if (rrset->base == NULL || rrset->is_removed == NULL) {
		return false;
	}
	memset(rrset->is_removed, 0, count * sizeof(*rrset->is_removed));
	rrset->base_count = node_rrset_records(before, rrset->base);
	rrset->count = count;
	rrset->octets = (size_t)before->size + before->signature_size;
	return true;
}

struct rrset_change *changes_rrset(struct changes *changes,
				   struct owner_change *owner, uint16_t type,
				   const struct rrset *before, uint32_t ref)
{
	struct rrset_change **link = &owner->rrsets;
	struct rrset_change *rrset =
		arena_alloc(changes->arena, sizeof(*rrset));

	if (rrset == NULL) {
		return NULL;
	}
	*rrset = (struct rrset_change){.type = type, .old_ref = ref};
	if (before != NULL && !open_base(changes, rrset, before)) {
		return NULL;
	}
	while (*link != NULL && (*link)->type < type) {
		link = &(*link)->next;
	}
	rrset->next = *link;
	*link = rrset;
	return rrset;
}

/* --- records -------------------------------------------------------------- */

static int record_compare(const void *left, const void *right)
{
	return node_record_compare(left, right);
}

/* The record's index among those of the base, or their number. */
static size_t base_find(const struct rrset_change *rrset,
			const struct node_record *record)
{
	const struct node_record *found = NULL;

	if (rrset->base_count > 0) {
		found = bsearch(record, rrset->base, rrset->base_count,
				sizeof(*record), record_compare);
	}
	return found != NULL ? (size_t)(found - rrset->base)
			     : rrset->base_count;
}

static struct node_record *record_copy(struct changes *changes,
				       const struct node_record *record)
{
	struct node_record *copy = arena_alloc(
		changes->arena, sizeof(*copy) + (size_t)record->size);

	if (copy != NULL) {
		*copy = *record;
		copy->rdata = (const uint8_t *)(copy + 1);
		if (record->size > 0) {
			memcpy(copy + 1, record->rdata, record->size);
		}
	}
	return copy;
}

static bool has_room(const struct owner_change *owner,
		     const struct rrset_change *rrset,
		     const struct node_record *record)
{
	return node_rrset_fits(owner->name, rrset->count + 1,
			       rrset->octets + 2 + record->size) &&
	       (rrset->count > 0 || owner->rrset_count < NODE_RRSETS_MAX);
}

enum status changes_add(struct changes *changes, struct owner_change *owner,
			struct rrset_change *rrset,
			const struct node_record *record)
{
	size_t at = base_find(rrset, record);
	struct node_record *copy;

	if ((at < rrset->base_count && !rrset->is_removed[at]) ||
	    tfind(record, &rrset->added, record_compare) != NULL) {
		return STATUS_OK;
	}
	if (!has_room(owner, rrset, record)) {
		return STATUS_TOO_LONG;
	}
	copy = record_copy(changes, record);
	if (copy == NULL ||
	    tsearch(copy, &rrset->added, record_compare) == NULL) {
		return STATUS_NO_MEMORY;
	}
	owner->rrset_count += rrset->count++ == 0;
	rrset->octets += 2u + record->size;
	rrset->is_changed = true;
	return STATUS_OK;
}

enum status changes_remove(struct owner_change *owner,
			   struct rrset_change *rrset,
			   const struct node_record *record)
{
	size_t at = base_find(rrset, record);

	if (at < rrset->base_count && !rrset->is_removed[at]) {
		rrset->is_removed[at] = true;
	} else if (tdelete(record, &rrset->added, record_compare) == NULL) {
		return STATUS_NOT_FOUND;
	}
	owner->rrset_count -= --rrset->count == 0;
	rrset->octets -= 2u + record->size;
	rrset->is_changed = true;
	return STATUS_OK;
}

/* --- as they will be ------------------------------------------------------ */

struct collecting {
	struct rrset_change *rrset;
	struct node_record *out;
	size_t count;
};

/* The records of the base up to the one before `before`; NULL: all. */
static void take_base(struct collecting *collecting,
		      const struct node_record *before)
{
	struct rrset_change *rrset = collecting->rrset;

	while (rrset->base_at < rrset->base_count &&
	       (before == NULL ||
		node_record_compare(&rrset->base[rrset->base_at], before) <=
			0)) {
		if (!rrset->is_removed[rrset->base_at]) {
			collecting->out[collecting->count++] =
				rrset->base[rrset->base_at];
		}
		rrset->base_at++;
	}
}

static void take_added(const void *node, VISIT order, void *context)
{
	struct collecting *collecting = context;

	if (order == postorder || order == leaf) {
		const struct node_record *record =
			*(const struct node_record *const *)node;

		take_base(collecting, record);
		collecting->out[collecting->count++] = *record;
	}
}

void changes_collect(struct rrset_change *rrset, struct node_record *out)
{
	struct collecting collecting = {rrset, out, 0};

	rrset->base_at = 0;
	twalk_r(rrset->added, take_added, &collecting);
	take_base(&collecting, NULL);
}

struct walking {
	changes_func func;
	void *context;
	bool is_stopped;
};

static void walk_owner(const void *node, VISIT order, void *context)
{
	struct walking *walking = context;

	if ((order == postorder || order == leaf) && !walking->is_stopped) {
		walking->is_stopped = !walking->func(
			*(struct owner_change *const *)node, walking->context);
	}
}

void changes_walk(const struct changes *changes, changes_func func,
		  void *context)
{
	struct walking walking = {func, context, false};

	twalk_r(changes->owners, walk_owner, &walking);
}
