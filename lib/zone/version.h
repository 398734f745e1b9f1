/*
 * version.h - what a zone version is made of; for the files of lib/zone that
 * build and read one.
 */
#pragma once

#include "lib/zone/cells.h"
#include "lib/zone/compact.h"
#include "lib/zone/node.h"
#include "lib/zone/trie.h"
#include "lib/zone/zone.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * The life of versions derived from each other: a list from the oldest to the
 * newest. One retires when it is let go and all older ones have retired; what
 * the commit after it dropped dies then. The last one takes the memory along.
 */
struct zone_memory {
	pthread_mutex_t lock;
	struct cells *cells;
	struct zone_version *oldest; /* under lock */
	struct zone_version *newest; /* under lock */
	size_t versions;             /* under lock */
	bool is_writing;             /* under lock */

	struct compact compact; /* the writer's */
};

struct zone_version {
	struct trie names;
	struct trie nsec3;
	uint8_t *const *chunks;
	const struct zone_node *apex;
	uint64_t generation;
	uint32_t serial;
	uint32_t negative_ttl;
	bool is_signed; /* the apex has DNSKEY */
	bool has_nsec;
	bool has_nsec3;
	size_t records;
	size_t name_count;

	struct cells_table *table;
	struct zone_memory *memory;
	_Atomic uint32_t holds;
	struct grace_head grace;

	/* under memory's lock */
	struct zone_version *newer;
	struct zone_version *older;
	struct cells_garbage *garbage; /* used by this version last */
	struct cells_garbage *made;    /* by this version's commit */
	bool is_gone;
};

static inline const struct zone_node *
version_node(const struct zone_version *version, const struct trie_node *leaf)
{
	return cells_at(version->chunks, leaf->ref);
}

/* A memory without versions; the caller is its writer. NULL: no memory. */
struct zone_memory *zone_memory_new(void);
/* Where no version was made. */
void zone_memory_free(struct zone_memory *memory);

/* Become the writer that derives from version: STATUS_BUSY where there is one,
 * or where version is not the newest. */
must_check enum status zone_memory_lock_writer(struct zone_version *version);
/* Let it be. */
void zone_memory_unlock_writer(struct zone_memory *memory);

/*
 * The cells were committed: version is the newest of its memory, held once;
 * garbage is what the one before it used last, made what is its own. The writer
 * is done.
 */
void zone_version_enter(struct zone_version *version,
			struct cells_garbage *garbage,
			struct cells_garbage *made);

/* The RDATA of the NSEC3PARAM record whose chain is served, or NULL. */
const uint8_t *nsec3_param_find(const struct rrset *rrset);
