/*
 * node.h - a name of a zone as it lies in a cell, and how its RRsets are made.
 *
 *	+-------+-------+------------------+-----+-----------+-----------+
 *	| count | spare | name (dname) ... | pad | count ref | count type|
 *	+-------+-------+------------------+-----+-----------+-----------+
 *
 * References and types stand in ascending order of type. Writer's side; readers
 * use zone.h and lookup.h.
 */
#pragma once

#include "lib/base/status.h"
#include "lib/dns/dname.h"
#include "lib/zone/cells.h"
#include "lib/zone/rrset.h"
#include "lib/zone/trie.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* RRsets at one name: more are no zone but an attack. */
	NODE_RRSETS_MAX = 1000,
	/* Header, question and OPT beside the records of one RRset. */
	MESSAGE_ROOM = 65535 - 12 - 4 - 11,
	RECORD_OVERHEAD = 10, /* compressed owner to TTL: rdlength is counted */
};

struct zone_node {
	uint16_t count; /* RRsets */
	uint16_t reserved;
	struct dname name;
};

/* What a leaf of the name trie says of its node, so that the way down need not
 * touch it. */
enum node_flag {
	NODE_CUT = 1 << 1,   /* has NS, and is not the apex */
	NODE_DNAME = 1 << 2, /* has DNAME */
};

_Static_assert(offsetof(struct zone_node, name) == TRIE_NAME_OFFSET,
	       "the trie finds names there");

static inline const uint32_t *node_refs(const struct zone_node *node)
{
	size_t at = offsetof(struct zone_node, name) +
		    dname_stored_size(&node->name);

	return (const uint32_t *)(const void *)((const uint8_t *)node +
						((at + 3) & ~(size_t)3));
}

static inline const uint16_t *node_types(const struct zone_node *node)
{
	return (const uint16_t *)(node_refs(node) + node->count);
}

size_t node_size(const struct dname *name, size_t count);

static inline size_t rrset_size(const struct rrset *rrset)
{
	return sizeof(*rrset) + rrset->size + rrset->signature_size;
}

static inline const struct rrset *
node_rrset(uint8_t *const *chunks, const struct zone_node *node, size_t index)
{
	return cells_at(chunks, node_refs(node)[index]);
}

/* Index of the type, or the count. */
static inline size_t node_index(const struct zone_node *node, uint16_t type)
{
	const uint16_t *types = node_types(node);
	size_t i = 0;

	while (i < node->count && types[i] < type) {
		i++;
	}
	return i < node->count && types[i] == type ? i : node->count;
}

/* One record to build from; rdata is the caller's. */
struct node_record {
	uint16_t type; /* for RRSIG: the type covered */
	bool is_signature;
	uint16_t size;
	uint32_t ttl;
	const uint8_t *rdata;
};

/* Sorts out RRSIG. false where rdata is too short to say what it covers. */
bool node_record_init(struct node_record *record, uint16_t type, uint32_t ttl,
		      const uint8_t *rdata, size_t size);

/*
 * Build a node of that name from records in any order (sorted in place),
 * duplicates removed: its RRsets first, itself behind them. An empty
 * non-terminal has no records. STATUS_TOO_LONG: *type is the RRset that no
 * message would hold, or 0 where there are too many RRsets. *records: how many
 * were kept. STATUS_NO_MEMORY.
 */
must_check enum status node_build(struct cells *cells, const struct dname *name,
				  struct node_record *record, size_t count,
				  uint32_t *ref, size_t *records,
				  uint16_t *type);

/* May an RRset of that many records, their lengths and RDATA octets long, with
 * its signatures be answered in one message? */
bool node_rrset_fits(const struct dname *name, size_t count, size_t octets);

/*
 * Build one RRset from records of one type in ascending order without
 * duplicates. STATUS_TOO_LONG, STATUS_NO_MEMORY.
 */
must_check enum status node_rrset_build(struct cells *cells,
					const struct dname *name,
					const struct node_record *record,
					size_t count, uint32_t *ref);

int node_record_compare(const struct node_record *a,
			const struct node_record *b);

/*
 * The records of a node's RRsets: how many; written to record where not NULL.
 */
size_t node_records(uint8_t *const *chunks, const struct zone_node *node,
		    struct node_record *record);
/* The same of one RRset. */
size_t node_rrset_records(const struct rrset *rrset,
			  struct node_record *record);

/* A node with these RRsets. */
must_check enum status node_make(struct cells *cells, const struct dname *name,
				 const uint16_t *types, const uint32_t *refs,
				 size_t count, uint32_t *ref);

/* A node and all its RRsets are not reachable any more. */
void node_drop(struct cells *cells, uint32_t ref);

/* The leaf of the name trie: marked where the node has an NSEC. */
struct trie_node node_leaf(uint8_t *const *chunks, uint32_t ref, bool is_apex);

/* The leaf of the NSEC3 trie: marked where the name is a hash of the chain's
 * form, directly below the apex (RFC 5155 3). */
struct trie_node node_nsec3_leaf(uint8_t *const *chunks, uint32_t ref,
				 const struct dname *apex);

/*
 * What no name of a zone may hold: CNAME beside other data, several CNAMEs or
 * DNAMEs, CNAME at the apex, SOA elsewhere. NULL, or why; *type the RRset.
 */
const char *node_fault(uint8_t *const *chunks, const struct zone_node *node,
		       bool is_apex, uint16_t *type);
