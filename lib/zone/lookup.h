/*
 * lookup.h - RFC 1034 4.3.2 step 3 inside one zone: one descent of the tree.
 *
 * A result points into the version and lives as long as it. Nothing is
 * allocated.
 */
#pragma once

#include "lib/dns/dname.h"
#include "lib/zone/trie.h"
#include "lib/zone/zone.h"

#include <stdbool.h>
#include <stdint.h>

enum lookup_kind {
	LOOKUP_ANSWER, /* node has records of the type (rrset), or of any */
	LOOKUP_CNAME,  /* node has a CNAME (rrset), another type was asked */
	LOOKUP_DNAME,  /* node, a proper ancestor, has a DNAME (rrset) */
	LOOKUP_DELEGATION, /* node is the cut (its NS is left to the caller) */
	LOOKUP_NODATA,     /* the name exists (node), the type does not */
	LOOKUP_NXDOMAIN,   /* the name does not exist; encloser does */
};

struct lookup {
	enum lookup_kind kind;
	bool is_wildcard; /* node is a wildcard that stands for qname (RFC 4592)
			   */
	const struct zone_node *node; /* NULL for NXDOMAIN */
	const struct zone_node
		*encloser; /* closest encloser; node where exact */
	const struct rrset *rrset;
};

/*
 * A name on its way through the tries of the zone set and of a zone: its key,
 * made once, and the last descent. A reader's own; large, and not to be cleared.
 */
struct lookup_path {
	struct trie_key key;
	struct trie_descent descent;
};

/*
 * Look qname up, which must be at or below the version's apex. DS at a cut is
 * answered from this, the parent's, side (RFC 4035 3.1.4.1): ANSWER or NODATA
 * with the cut as node. qtype ANY (255) and RRSIG (46) give ANSWER with rrset
 * NULL where the node has any records (for RRSIG: any signatures). A name below
 * a DNAME or a cut is occluded and never answered. At the apex, NS is an
 * answer, not a cut.
 */
void zone_lookup(const struct zone_version *version, const struct dname *qname,
		 uint16_t qtype, struct lookup *out);

/* The same for the name that path->key was made of; leaves the descent. */
void zone_lookup_path(const struct zone_version *version,
		      struct lookup_path *path, uint16_t qtype,
		      struct lookup *out);

/* The same in two steps: trie_descend_begin(). */
void zone_lookup_begin(const struct zone_version *version,
		       struct lookup_path *path);
void zone_lookup_end(const struct zone_version *version,
		     struct lookup_path *path, uint16_t qtype,
		     struct lookup *out);

/* zone_find_nsec() of that name; a lookup in this version was the last to use
 * the path. */
const struct zone_node *zone_path_nsec(const struct zone_version *version,
				       const struct lookup_path *path);

/*
 * Exact node of a name, whatever stands above it (glue below cuts included), or
 * NULL.
 */
const struct zone_node *zone_find_node(const struct zone_version *version,
				       const struct dname *name);

/*
 * The same for several names in two steps: seek each, then ask for their nodes.
 * Seeking starts to bring the node into the cache, so that waiting for one is
 * waiting for all. Names are octets that are one valid name, as in RDATA.
 */
struct zone_finder {
	const struct zone_version *version;
	struct trie_finder names;
};

struct zone_place {
	const struct zone_node *node; /* the only one that it may be, or NULL */
	const uint8_t *octets;
	size_t length;
};

void zone_finder_init(struct zone_finder *finder,
		      const struct zone_version *version);
/* octets must stay until the place has been asked for its node. */
struct zone_place zone_finder_seek(struct zone_finder *finder,
				   const uint8_t *octets, size_t length);
/* The exact node, or NULL. */
const struct zone_node *zone_place_node(const struct zone_place *place);

/*
 * The node of the last cut above or at name (not the apex), or NULL: tells glue
 * from authoritative data.
 */
const struct zone_node *zone_find_cut(const struct zone_version *version,
				      const struct dname *name);

/*
 * The node with an NSEC whose owner is the greatest that is not after name in
 * canonical order: matches name or covers it (RFC 4034 4). NULL where the zone
 * has none. Bounded work, whatever the zone holds.
 */
const struct zone_node *zone_find_nsec(const struct zone_version *version,
				       const struct dname *name);

/*
 * NSEC3 (RFC 5155): the parameters of the chain served; iterations and salt.
 * false where the zone has no NSEC3 chain.
 */
struct nsec3_parameters {
	uint8_t algorithm;
	uint16_t iterations;
	uint8_t salt_length;
	const uint8_t *salt;
};
bool zone_nsec3_parameters(const struct zone_version *version,
			   struct nsec3_parameters *out);

enum {
	NSEC3_HASH_SIZE = 20, /* SHA-1 */
	/*
	 * More iterations than this are refused when a zone is built, so that
	 * a question costs a bounded time (RFC 9276 3.2). It is what BIND 9.18
	 * takes as secure; above it resolvers treat the zone as unsigned.
	 */
	NSEC3_ITERATIONS_MAX = 150,
};

/*
 * The hash of a name under the zone's parameters (RFC 5155 5). No allocation.
 */
void zone_nsec3_hash(const struct zone_version *version,
		     const struct dname *name, uint8_t hash[NSEC3_HASH_SIZE]);

/*
 * The NSEC3 node whose owner hash equals hash (*is_match true), or else the one
 * that covers it, going round at the end of the chain. NULL where there is no
 * chain.
 */
const struct zone_node *zone_find_nsec3(const struct zone_version *version,
					const uint8_t hash[NSEC3_HASH_SIZE],
					bool *is_match);
