/*
 * zone.h - a served zone and its immutable versions.
 *
 * A struct zone is a place in the zone set: an apex and one published pointer
 * to the current version, NULL while there is none (never loaded, failed,
 * expired: the caller answers SERVFAIL). A struct zone_version never changes
 * once published. Versions that were derived from each other share cells of one
 * struct zone_memory; a whole load starts a new memory.
 *
 * A version is held by being current, by a grace period (readers on-line,
 * grace.h), or by a counted hold. Versions of one memory retire in order.
 *
 *	version -> root of the name trie  -> zone_node (name, references) -> rrset
 *		-> root of the NSEC3 trie -> zone_node (hashed owner names)
 *
 * A reference is 32 bits: a cell of 8 octets in a chunk, looked up in the
 * version's chunk table. No node refers to a node of another subtree.
 */
#pragma once

#include "lib/base/grace.h"
#include "lib/base/status.h"
#include "lib/dns/dname.h"
#include "lib/zone/rrset.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zone_version;
struct zone_node; /* a name of a zone; valid as long as its version */

struct zone {
	struct grace_pointer current; /* struct zone_version * or NULL */
	/* Why there is none: false, not yet; true, what there was to load was
	 * no good, or has expired (RFC 8914 4.15, 4.25). */
	_Atomic bool has_failed;
	struct dname_storage apex;
};

/* A place without a version. NULL when there is no memory. */
struct zone *zone_new(const struct dname *apex);

/*
 * Let the current version go and free the place itself after a grace period: it
 * must have left every zone set before. Never blocks.
 */
void zone_free(struct zone *zone);

/* Reader, on-line: the version to answer from, or NULL. */
static inline const struct zone_version *zone_current(const struct zone *zone)
{
	return grace_load(&zone->current);
}

/* Any thread, relaxed: it only chooses the words of a SERVFAIL. */
static inline bool zone_has_failed(const struct zone *zone)
{
	return atomic_load_explicit(&zone->has_failed, memory_order_relaxed);
}
static inline void zone_set_failed(struct zone *zone, bool has_failed)
{
	atomic_store_explicit(&zone->has_failed, has_failed,
			      memory_order_relaxed);
}

/*
 * Writer: make version (or NULL) current with one store. The zone takes over
 * the caller's hold; the version before is let go after a grace period. Never
 * blocks.
 */
void zone_publish(struct zone *zone, struct zone_version *version);

/* Counted holds; any thread. A hold taken must start from one that is valid. */
struct zone_version *zone_version_hold(struct zone_version *version);
void zone_version_release(struct zone_version *version);

const struct dname *zone_version_apex(const struct zone_version *version);
const struct zone_node *
zone_version_apex_node(const struct zone_version *version);
/*
 * A number that no other version of any zone in this process has, or had, or
 * will have: what was derived from a version is known by it, without a hold.
 */
uint64_t zone_version_generation(const struct zone_version *version);
uint32_t zone_version_serial(const struct zone_version *version);
/* The TTL of negative answers: the least of the SOA's TTL and its MINIMUM (RFC
 * 2308 5). */
uint32_t zone_version_negative_ttl(const struct zone_version *version);
size_t zone_version_records(const struct zone_version *version);
size_t zone_version_names(const struct zone_version *version);
/*
 * A signed zone: one with DNSKEY at its apex (RFC 4035 2.1). Without it, what
 * DNSSEC records there are prove nothing to anybody.
 */
bool zone_version_is_signed(const struct zone_version *version);
/*
 * Signed with NSEC, or with NSEC3: has the apex DNSKEY and one of these chains?
 */
bool zone_version_has_nsec(const struct zone_version *version);
bool zone_version_has_nsec3(const struct zone_version *version);

struct zone_memory_stats {
	size_t mapped; /* octets */
	size_t live;   /* octets of cells that the newest version reaches */
	size_t dead;   /* octets of cells waiting for readers or compaction */
	size_t versions;
	size_t copied; /* octets allocated by the last commit */
};
void zone_version_memory(const struct zone_version *version,
			 struct zone_memory_stats *out);

const struct dname *zone_node_name(const struct zone_node *node);
/* The RRset of that type, or NULL. One whose count is 0 is not returned. */
const struct rrset *zone_node_find(const struct zone_version *version,
				   const struct zone_node *node, uint16_t type);
/* All RRsets in ascending order of type, those of count 0 included. */
size_t zone_node_rrset_count(const struct zone_node *node);
const struct rrset *zone_node_rrset_at(const struct zone_version *version,
				       const struct zone_node *node,
				       size_t index);
/* An empty non-terminal: no records, but names below (RFC 4592 2.2.2). */
bool zone_node_is_empty(const struct zone_node *node);

/*
 * Every node in canonical order; func returns false to stop. Off the workers.
 */
typedef bool (*zone_node_func)(const struct zone_version *version,
			       const struct zone_node *node, void *context);
void zone_version_walk(const struct zone_version *version, zone_node_func func,
		       void *context);
/* The same over the NSEC3 names. */
void zone_version_walk_nsec3(const struct zone_version *version,
			     zone_node_func func, void *context);
