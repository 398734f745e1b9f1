/*
 * zone.c - places of zones, and the life of their versions.
 *
 *	memory: oldest -> version -> version -> newest
 *	                  garbage    garbage
 *
 * A version's garbage is what it used and the next one does not: it dies when
 * this version and every older one are gone. The newest version may go before
 * an older one (it was refused after it was built): then its commit is undone,
 * so that another can be derived from the version before it.
 */
#include "lib/zone/zone.h"

#include "lib/dns/rrtype.h"
#include "lib/zone/version.h"

#include <assert.h>
#include <stdlib.h>

/* --- places --------------------------------------------------------------- */

struct place {
	struct zone zone;
	struct grace_head grace;
};

struct zone *zone_new(const struct dname *apex)
{
	struct place *place = calloc(1, sizeof(*place));

	if (place == NULL) {
		return NULL;
	}
	grace_store(&place->zone.current, NULL);
	dname_copy(&place->zone.apex, apex);
	return &place->zone;
}

static void place_free(struct grace_head *head)
{
	free((char *)head - offsetof(struct place, grace));
}

void zone_free(struct zone *zone)
{
	if (zone == NULL) {
		return;
	}
	zone_publish(zone, NULL);
	grace_defer(&((struct place *)(void *)zone)->grace, place_free);
}

static void release_after_grace(struct grace_head *head)
{
	char *version = (char *)head - offsetof(struct zone_version, grace);

	zone_version_release((struct zone_version *)(void *)version);
}

void zone_publish(struct zone *zone, struct zone_version *version)
{
	struct zone_version *before = grace_load(&zone->current);

	grace_store(&zone->current, version);
	if (before != NULL) {
		grace_defer(&before->grace, release_after_grace);
	}
}

/* --- memories ------------------------------------------------------------- */

struct zone_memory *zone_memory_new(void)
{
	struct zone_memory *memory = calloc(1, sizeof(*memory));

	if (memory == NULL) {
		return NULL;
	}
	memory->cells = cells_new();
	if (memory->cells == NULL) {
		free(memory);
		return NULL;
	}
	pthread_mutex_init(&memory->lock, NULL);
	memory->is_writing = true;
	return memory;
}

void zone_memory_free(struct zone_memory *memory)
{
	if (memory == NULL) {
		return;
	}
	cells_free(memory->cells);
	pthread_mutex_destroy(&memory->lock);
	free(memory);
}

enum status zone_memory_lock_writer(struct zone_version *version)
{
	struct zone_memory *memory = version->memory;
	enum status status = STATUS_BUSY;

	pthread_mutex_lock(&memory->lock);
	if (!memory->is_writing && memory->newest == version) {
		memory->is_writing = true;
		status = STATUS_OK;
	}
	pthread_mutex_unlock(&memory->lock);
	return status;
}

void zone_memory_unlock_writer(struct zone_memory *memory)
{
	pthread_mutex_lock(&memory->lock);
	memory->is_writing = false;
	pthread_mutex_unlock(&memory->lock);
}

void zone_version_enter(struct zone_version *version,
			struct cells_garbage *garbage,
			struct cells_garbage *made)
{
	/* Different is all that the numbers have to be: no order needed. */
	static _Atomic uint64_t generations;
	struct zone_memory *memory = version->memory;

	version->generation = 1 + atomic_fetch_add_explicit(
					  &generations, 1,
					  memory_order_relaxed);
	pthread_mutex_lock(&memory->lock);
	version->made = made;
	version->older = memory->newest;
	if (memory->newest != NULL) {
		memory->newest->garbage = garbage;
		memory->newest->newer = version;
	} else {
		memory->oldest = version;
		free(garbage);
	}
	memory->newest = version;
	memory->versions++;
	memory->is_writing = false;
	pthread_mutex_unlock(&memory->lock);
}

/* Under lock. */
static void version_unlink(struct zone_version *version)
{
	struct zone_memory *memory = version->memory;

	if (version->older != NULL) {
		version->older->newer = version->newer;
	} else {
		memory->oldest = version->newer;
	}
	if (version->newer != NULL) {
		version->newer->older = version->older;
	} else {
		memory->newest = version->older;
	}
	memory->versions--;
	cells_table_release(memory->cells, version->table);
}

/* Under lock: a version that was let go before the one it came from. */
static void undo_newest(struct zone_memory *memory)
{
	struct zone_version *version = memory->newest;
	struct zone_version *older = version->older;

	version_unlink(version);
	cells_undo(memory->cells, older->garbage, version->made);
	older->garbage = NULL;
	memory->compact.is_active = false;
	free(version);
}

/* Under lock. */
static void retire_oldest(struct zone_memory *memory)
{
	struct zone_version *version = memory->oldest;

	version_unlink(version);
	cells_retire(memory->cells, version->garbage);
	free(version->made);
	free(version);
}

static void version_gone(struct zone_version *version)
{
	struct zone_memory *memory = version->memory;
	bool is_last;

	pthread_mutex_lock(&memory->lock);
	version->is_gone = true;
	while (memory->newest != memory->oldest && memory->newest->is_gone) {
		undo_newest(memory);
	}
	while (memory->oldest != NULL && memory->oldest->is_gone) {
		retire_oldest(memory);
	}
	is_last = memory->oldest == NULL;
	assert(!is_last || !memory->is_writing);
	pthread_mutex_unlock(&memory->lock);
	if (is_last) {
		zone_memory_free(memory);
	}
}

struct zone_version *zone_version_hold(struct zone_version *version)
{
	atomic_fetch_add_explicit(&version->holds, 1, memory_order_relaxed);
	return version;
}

void zone_version_release(struct zone_version *version)
{
	/* Release: what this holder read was read before; acquire: the last one
	 * frees after all of them. */
	if (version != NULL &&
	    atomic_fetch_sub_explicit(&version->holds, 1,
				      memory_order_acq_rel) == 1) {
		version_gone(version);
	}
}

/* --- what a version says -------------------------------------------------- */

const struct dname *zone_version_apex(const struct zone_version *version)
{
	return &version->apex->name;
}

const struct zone_node *
zone_version_apex_node(const struct zone_version *version)
{
	return version->apex;
}

uint64_t zone_version_generation(const struct zone_version *version)
{
	return version->generation;
}

uint32_t zone_version_serial(const struct zone_version *version)
{
	return version->serial;
}

uint32_t zone_version_negative_ttl(const struct zone_version *version)
{
	return version->negative_ttl;
}

size_t zone_version_records(const struct zone_version *version)
{
	return version->records;
}

size_t zone_version_names(const struct zone_version *version)
{
	return version->name_count;
}

bool zone_version_is_signed(const struct zone_version *version)
{
	return version->is_signed;
}

bool zone_version_has_nsec(const struct zone_version *version)
{
	return version->has_nsec;
}

bool zone_version_has_nsec3(const struct zone_version *version)
{
	return version->has_nsec3;
}

void zone_version_memory(const struct zone_version *version,
			 struct zone_memory_stats *out)
{
	struct zone_memory *memory = version->memory;
	struct cells_stats stats;

	cells_stats_get(memory->cells, &stats);
	out->mapped = stats.mapped;
	out->live = stats.live;
	out->dead = stats.dead + stats.waiting;
	out->copied = stats.allocated;
	pthread_mutex_lock(&memory->lock);
	out->versions = memory->versions;
	pthread_mutex_unlock(&memory->lock);
}

/* --- nodes ---------------------------------------------------------------- */

const struct dname *zone_node_name(const struct zone_node *node)
{
	return &node->name;
}

const struct rrset *zone_node_find(const struct zone_version *version,
				   const struct zone_node *node, uint16_t type)
{
	size_t index = node_index(node, type);
	const struct rrset *rrset;

	if (index == node->count) {
		return NULL;
	}
	rrset = node_rrset(version->chunks, node, index);
	return rrset->count > 0 ? rrset : NULL;
}

size_t zone_node_rrset_count(const struct zone_node *node)
{
	return node->count;
}

const struct rrset *zone_node_rrset_at(const struct zone_version *version,
				       const struct zone_node *node,
				       size_t index)
{
	assert(index < node->count);
	return node_rrset(version->chunks, node, index);
}

bool zone_node_is_empty(const struct zone_node *node)
{
	return node->count == 0;
}

struct walk {
	const struct zone_version *version;
	zone_node_func func;
	void *context;
};

static bool walk_leaf(const struct trie_node *leaf, void *context)
{
	struct walk *walk = context;

	return walk->func(walk->version, version_node(walk->version, leaf),
			  walk->context);
}

void zone_version_walk(const struct zone_version *version, zone_node_func func,
		       void *context)
{
	struct walk walk = {version, func, context};

	trie_walk(&version->names, version->chunks, walk_leaf, &walk);
}

void zone_version_walk_nsec3(const struct zone_version *version,
			     zone_node_func func, void *context)
{
	struct walk walk = {version, func, context};

	trie_walk(&version->nsec3, version->chunks, walk_leaf, &walk);
}
