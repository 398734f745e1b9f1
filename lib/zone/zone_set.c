/*
 * zone_set.c - a trie of apexes, with cells of its own.
 *
 *	set -> root (published) -> trie -> entry { apex, zone }
 *
 * Every change makes a new root; the one before goes after a grace period, with
 * the cells that it used last.
 */
#include "lib/zone/zone_set.h"

#include "lib/zone/compact.h"
#include "lib/zone/trie.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * What a leaf refers to: TRIE_NAME_OFFSET spare octets, the apex, and the
 * zone's address, which has no alignment there.
 */

struct root {
	struct trie trie;
	uint8_t *const *chunks;
	struct cells_table *table;
	struct cells *cells;
	struct cells_garbage *garbage;
	struct grace_head grace;
};

struct zone_set {
	struct grace_pointer root; /* struct root *, never NULL */
	struct cells *cells;
	struct compact compact;
	size_t count;
};

static size_t entry_size(const struct dname *apex)
{
	return TRIE_NAME_OFFSET + dname_stored_size(apex) +
	       sizeof(struct zone *);
}

static struct zone *entry_zone(uint8_t *const *chunks,
			       const struct trie_node *leaf)
{
	const uint8_t *entry = cells_at(chunks, leaf->ref);
	struct zone *zone;

	memcpy(&zone,
	       entry + TRIE_NAME_OFFSET +
		       dname_stored_size(trie_leaf_name(chunks, leaf)),
	       sizeof(zone));
	return zone;
}

static struct root *root_of(const struct zone_set *set)
{
	return grace_load(&set->root);
}

static struct root *root_new(struct zone_set *set)
{
	struct root *root = calloc(1, sizeof(*root));

	if (root != NULL) {
		root->cells = set->cells;
	}
	return root;
}

static void root_hold_table(struct root *root)
{
	root->table = cells_table_hold(root->cells);
	root->chunks = root->table->chunks;
}

/* In the order in which roots were replaced. */
static void root_free(struct grace_head *head)
{
	struct root *root =
		(struct root *)(void *)((char *)head -
					offsetof(struct root, grace));

	cells_retire(root->cells, root->garbage);
	cells_table_release(root->cells, root->table);
	free(root);
}

struct zone_set *zone_set_new(void)
{
	struct zone_set *set = calloc(1, sizeof(*set));
	struct root *root;

	if (set == NULL) {
		return NULL;
	}
	set->cells = cells_new();
	root = set->cells != NULL ? root_new(set) : NULL;
	if (root == NULL) {
		cells_free(set->cells);
		free(set);
		return NULL;
	}
	root_hold_table(root);
	grace_store(&set->root, root);
	return set;
}

void zone_set_free(struct zone_set *set)
{
	struct root *root;

	if (set == NULL) {
		return;
	}
	/* Roots before it may wait for readers still. */
	grace_barrier();
	root = root_of(set);
	cells_table_release(set->cells, root->table);
	free(root);
	cells_free(set->cells);
	free(set);
}

static enum status entry_move(struct cells *cells, struct trie_node *leaf,
			      void *context)
{
	size_t size = entry_size(trie_leaf_name(cells_chunks(cells), leaf));
	uint32_t ref;
	void *copy;

	(void)context;
	if (!cells_is_victim(cells, leaf->ref)) {
		return STATUS_OK;
	}
	copy = cells_alloc(cells, CELLS_DATA, size, &ref);
	if (copy == NULL) {
		return STATUS_NO_MEMORY;
	}
	memcpy(copy, cells_at(cells_chunks(cells), leaf->ref), size);
	cells_drop(cells, leaf->ref, size);
	leaf->ref = ref;
	return STATUS_OK;
}

/* Commit the change that stands in root, and publish it. */
static enum status publish(struct zone_set *set, struct root *root)
{
	struct trie *const tries[] = {&root->trie};
	struct root *before = root_of(set);
	struct compact compact = set->compact;
	struct cells_garbage *made;
	enum status status = compact_step(&compact, set->cells, tries, 1,
					  set->count, entry_move);

	if (status == STATUS_OK) {
		status = cells_commit(set->cells, &before->garbage, &made);
	}
	if (status != STATUS_OK) {
		return status;
	}
	free(made);
	compact_committed(&compact, set->cells);
	set->compact = compact;
	root_hold_table(root);
	grace_store(&set->root, root);
	grace_defer(&before->grace, root_free);
	return STATUS_OK;
}

static enum status entry_put(struct zone_set *set, struct root *root,
			     struct zone *zone)
{
	const struct dname *apex = dname_of(&zone->apex);
	uint8_t *entry;
	struct trie_node leaf;
	uint32_t ref;
	bool is_new;

	entry = cells_alloc(set->cells, CELLS_DATA, entry_size(apex), &ref);
	if (entry == NULL) {
		return STATUS_NO_MEMORY;
	}
	memset(entry, 0, TRIE_NAME_OFFSET);
	memcpy(entry + TRIE_NAME_OFFSET, apex, dname_stored_size(apex));
	memcpy(entry + TRIE_NAME_OFFSET + dname_stored_size(apex), &zone,
	       sizeof(zone));
	leaf = trie_leaf(ref, 0, false);
	return trie_put(&root->trie, set->cells, &leaf, &is_new);
}

enum status zone_set_add(struct zone_set *set, struct zone *zone)
{
	struct root *root;
	enum status status;

	if (zone_set_get(set, dname_of(&zone->apex)) != NULL) {
		return STATUS_EXISTS;
	}
	root = root_new(set);
	if (root == NULL) {
		return STATUS_NO_MEMORY;
	}
	root->trie = root_of(set)->trie;
	cells_begin(set->cells);
	status = entry_put(set, root, zone);
	if (status == STATUS_OK) {
		status = publish(set, root);
	}
	if (status != STATUS_OK) {
		cells_abort(set->cells);
		free(root);
		return status;
	}
	set->count++;
	return STATUS_OK;
}

enum status zone_set_remove(struct zone_set *set, struct zone *zone)
{
	const struct dname *apex = dname_of(&zone->apex);
	struct root *root;
	const struct trie_node *leaf;
	enum status status;

	if (zone_set_get(set, apex) != zone) {
		return STATUS_NOT_FOUND;
	}
	root = root_new(set);
	if (root == NULL) {
		return STATUS_NO_MEMORY;
	}
	root->trie = root_of(set)->trie;
	cells_begin(set->cells);
	leaf = trie_find(&root->trie, cells_chunks(set->cells), apex);
	cells_drop(set->cells, leaf->ref, entry_size(apex));
	status = trie_remove(&root->trie, set->cells, apex);
	if (status == STATUS_OK) {
		status = publish(set, root);
	}
	if (status != STATUS_OK) {
		cells_abort(set->cells);
		free(root);
		return status;
	}
	set->count--;
	return STATUS_OK;
}

const struct zone *zone_set_find_path(const struct zone_set *set,
				      struct lookup_path *path)
{
	const struct root *root = root_of(set);
	struct trie_descent *descent = &path->descent;

	trie_descend(&root->trie, root->chunks, &path->key, descent);
	if (descent->exact != NULL) {
		return entry_zone(root->chunks, descent->exact);
	}
	if (descent->ancestors == 0) {
		return NULL;
	}
	return entry_zone(root->chunks,
			  descent->ancestor[descent->ancestors - 1].leaf);
}

const struct zone *zone_set_find(const struct zone_set *set,
				 const struct dname *qname)
{
	struct lookup_path path;

	trie_key_init(&path.key, qname);
	return zone_set_find_path(set, &path);
}

const struct zone *zone_set_find_above(const struct zone_set *set,
				       const struct dname *qname)
{
	const struct root *root = root_of(set);
	struct trie_descent descent;
	struct trie_key key;

	trie_key_init(&key, qname);
	trie_descend(&root->trie, root->chunks, &key, &descent);
	if (descent.ancestors == 0) {
		return NULL;
	}
	return entry_zone(root->chunks,
			  descent.ancestor[descent.ancestors - 1].leaf);
}

struct zone *zone_set_get(const struct zone_set *set, const struct dname *apex)
{
	const struct root *root = root_of(set);
	const struct trie_node *leaf =
		trie_find(&root->trie, root->chunks, apex);

	return leaf != NULL ? entry_zone(root->chunks, leaf) : NULL;
}

struct walk {
	const struct root *root;
	zone_set_func func;
	void *context;
};

static bool walk_leaf(const struct trie_node *leaf, void *context)
{
	const struct walk *walk = context;

	walk->func(entry_zone(walk->root->chunks, leaf), walk->context);
	return true;
}

void zone_set_walk(const struct zone_set *set, zone_set_func func,
		   void *context)
{
	struct walk walk = {root_of(set), func, context};

	trie_walk(&walk.root->trie, walk.root->chunks, walk_leaf, &walk);
}

size_t zone_set_count(const struct zone_set *set)
{
	return set->count;
}
