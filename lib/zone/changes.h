/*
 * changes.h - what a derived version changes, collected until it is made.
 *
 * Records added and removed are kept by owner and by RRset, so that each RRset
 * and each node is written once a version, however many of its records change:
 * k changes of an RRset of n records cost O(n + k log k). For writer.c only.
 */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/status.h"
#include "lib/dns/dname.h"
#include "lib/zone/cells.h"
#include "lib/zone/node.h"
#include "lib/zone/rrset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One RRset that may become another. */
struct rrset_change {
	struct rrset_change *next; /* of the owner, ascending by type */
	uint16_t type;
	bool is_changed;
	uint32_t old_ref;         /* the RRset before; 0: none */
	struct node_record *base; /* its records, in order */
	bool *is_removed;         /* of each */
	size_t base_count;
	size_t base_at; /* while the records are collected */
	void *added;    /* tsearch() tree of struct node_record */
	size_t count;   /* records as they will be */
	size_t octets;  /* lengths and RDATA of these */
};

struct owner_change {
	const struct dname *name; /* first two: the tree compares them */
	bool is_nsec3;
	struct rrset_change *rrsets;
	size_t rrset_count; /* of the node as it will be */
};

struct changes;

struct changes *changes_new(void);
void changes_free(struct changes *changes);

/*
 * The owner's changes. Where there are none yet, node (NULL: the name is not
 * there) is the node before. NULL: no memory.
 */
struct owner_change *changes_owner(struct changes *changes,
				   const struct dname *name, bool is_nsec3);
/* The owner's RRset of the type; before is what it was (NULL: not there). */
struct rrset_change *changes_rrset(struct changes *changes,
				   struct owner_change *owner, uint16_t type,
				   const struct rrset *before, uint32_t ref);
/* One that is there already, or NULL. */
struct rrset_change *changes_find_rrset(const struct owner_change *owner,
					uint16_t type);

/* As zone_writer_add() and zone_writer_remove() have it. */
must_check enum status changes_add(struct changes *changes,
				   struct owner_change *owner,
				   struct rrset_change *rrset,
				   const struct node_record *record);
must_check enum status changes_remove(struct owner_change *owner,
				      struct rrset_change *rrset,
				      const struct node_record *record);

/* The records of the RRset as it will be, in order: rrset->count of them. */
void changes_collect(struct rrset_change *rrset, struct node_record *out);

/* Every owner in canonical order; func returns false to stop. */
typedef bool (*changes_func)(struct owner_change *owner, void *context);
void changes_walk(const struct changes *changes, changes_func func,
		  void *context);
