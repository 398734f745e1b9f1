/*
 * trie.h - names in canonical order (RFC 4034 6.1): a copy-on-write qp-trie.
 *
 * A leaf refers to an object in cells whose name is a struct dname,
 * TRIE_NAME_OFFSET octets into it. Beside the reference a leaf has flags of its
 * user's, and a mark: "greatest marked name that is not after this one" is one
 * bounded descent (trie_floor), since each branch knows whether a mark stands
 * below it. Readers need the root and the chunk table only, and write nothing.
 */
#pragma once

#include "lib/dns/dname.h"
#include "lib/zone/cells.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TRIE_NAME_OFFSET = 4,
	TRIE_KEY_MAX = 512,    /* symbols: 2 an octet, 1 a label, and the end */
	TRIE_SYMBOLS = 46,     /* see trie.c */
	TRIE_FLAGS = 0xfffe,   /* bits that a leaf may carry */
	TRIE_MARK = 1 << 17,   /* in high */
	TRIE_OFFSET_SHIFT = 18 /* in high */
};

/*
 * Branch: low bit 0 is set; one bit for each symbol that has a twig, from bit 1
 * on; mark; the offset in the key; ref: the twigs, packed, in order of symbols.
 * Leaf: low bit 0 is clear; flags; mark; ref: the object, 0 in an empty trie.
 */
struct trie_node {
	uint32_t low;
	uint32_t high;
	uint32_t ref;
};

struct trie {
	struct trie_node root;
};

/* A name as symbols, labels from the root. */
struct trie_key {
	uint16_t length;
	uint16_t labels;
	uint16_t ends[DNAME_LABELS_MAX + 1]; /* offset behind that many labels
					      */
	uint8_t symbols[TRIE_KEY_MAX];
};

void trie_key_init(struct trie_key *key, const struct dname *name);

/* An ancestor that stands in the trie: its leaf, and the branch behind its
 * labels, where the names below it part. */
struct trie_ancestor {
	const struct trie_node *branch;
	const struct trie_node *leaf;
	unsigned labels;
};

/*
 * Names looked up one after another, of which neighbours often differ in their
 * first labels only (the hosts of an NS RRset): those start where the names of
 * their parent part. The trie's version must be held meanwhile.
 */
struct trie_finder {
	const struct trie *trie;
	uint8_t *const *chunks;
	const uint8_t *parent; /* of the name before, in its octets; or NULL */
	size_t parent_size;
	size_t parent_symbols;
	const struct trie_node *from; /* all names below parent are here */
	uint8_t symbols[TRIE_KEY_MAX];
};

/* What one descent finds, and the way it went, for trie_descent_floor(). */
struct trie_descent {
	const struct trie_node *exact; /* or NULL */
	/* Its name shares as long a start with the key as any does; NULL: an
	 * empty trie. */
	const struct trie_node *leaf;
	unsigned
		difference; /* the symbol where they part; TRIE_KEY_MAX: none */
	unsigned symbol;    /* that of the leaf's name there */
	unsigned ancestors; /* proper ones, the highest first */
	unsigned steps;     /* branches on the way */
	struct trie_ancestor ancestor[DNAME_LABELS_MAX + 1];
	const struct trie_node *step[TRIE_KEY_MAX];
};

static inline bool trie_is_empty(const struct trie *trie)
{
	return trie->root.ref == 0;
}

static inline bool trie_is_marked(const struct trie_node *node)
{
	return (node->high & TRIE_MARK) != 0;
}

static inline const struct dname *trie_leaf_name(uint8_t *const *chunks,
						 const struct trie_node *leaf)
{
	return (const struct dname *)(const void *)((const uint8_t *)cells_at(
							    chunks, leaf->ref) +
						    TRIE_NAME_OFFSET);
}

/* Exact leaf and ancestors of the name that key was made of. */
void trie_descend(const struct trie *trie, uint8_t *const *chunks,
		  const struct trie_key *key, struct trie_descent *out);

/*
 * The same in two steps, for those who have other work while the leaf's name is
 * on its way into the cache; out stays the same.
 */
void trie_descend_begin(const struct trie *trie, uint8_t *const *chunks,
			const struct trie_key *key, struct trie_descent *out);
void trie_descend_end(uint8_t *const *chunks, const struct trie_key *key,
		      struct trie_descent *out);

/* trie_floor() of that name, without another descent. */
const struct trie_node *trie_descent_floor(const struct trie_descent *descent,
					   uint8_t *const *chunks,
					   const struct trie_key *key,
					   bool is_marked);

/* The leaf of exactly that name, or NULL. */
const struct trie_node *trie_find(const struct trie *trie,
				  uint8_t *const *chunks,
				  const struct dname *name);

/* Does anything stand below name, which is there? */
bool trie_has_below(const struct trie *trie, uint8_t *const *chunks,
		    const struct dname *name);

void trie_finder_init(struct trie_finder *finder, const struct trie *trie,
		      uint8_t *const *chunks);
/*
 * The only leaf that may have that name, which the caller is to compare; NULL
 * in an empty trie. octets must stay until the next call.
 */
const struct trie_node *trie_finder_seek(struct trie_finder *finder,
					 const uint8_t *octets, size_t length);

/* The leaf of "*" directly below that ancestor, or NULL: looks at the
 * ancestor's branch only where no such name is. */
const struct trie_node *trie_find_wildcard(const struct trie_ancestor *ancestor,
					   uint8_t *const *chunks);

/*
 * The greatest leaf (of the marked ones, where is_marked) that is not after
 * name, or NULL.
 */
const struct trie_node *trie_floor(const struct trie *trie,
				   uint8_t *const *chunks,
				   const struct dname *name, bool is_marked);

/* The least leaf of a trie that is not empty. */
const struct trie_node *trie_first(const struct trie *trie,
				   uint8_t *const *chunks);

/* The greatest leaf (of the marked ones, where is_marked), or NULL. */
const struct trie_node *trie_last(const struct trie *trie,
				  uint8_t *const *chunks, bool is_marked);

/* Every leaf in canonical order; func returns false to stop. */
typedef bool (*trie_func)(const struct trie_node *leaf, void *context);
void trie_walk(const struct trie *trie, uint8_t *const *chunks, trie_func func,
	       void *context);

/*
 * Change, within a transaction of cells. Paths that older versions share are
 * copied. STATUS_NO_MEMORY: the transaction can only be aborted.
 * trie_put() adds the leaf of the object that leaf refers to, or replaces the
 * one of that name; *is_new says which.
 */
must_check enum status trie_put(struct trie *trie, struct cells *cells,
				const struct trie_node *leaf, bool *is_new);
/* STATUS_NOT_FOUND. */
must_check enum status trie_remove(struct trie *trie, struct cells *cells,
				   const struct dname *name);

static inline struct trie_node trie_leaf(uint32_t ref, uint32_t flags,
					 bool is_marked)
{
	return (struct trie_node){flags & TRIE_FLAGS,
				  is_marked ? (uint32_t)TRIE_MARK : 0, ref};
}

/*
 * Build from leaves in strictly ascending order, without garbage. After an
 * error the transaction can only be aborted.
 */
struct trie_builder;
struct trie_builder *trie_builder_new(struct cells *cells);
must_check enum status trie_builder_add(struct trie_builder *builder,
					const struct trie_node *leaf);
/* The builder is gone afterwards. */
must_check enum status trie_builder_finish(struct trie_builder *builder,
					   struct trie *out);
void trie_builder_free(struct trie_builder *builder);

/*
 * Compaction: go on from the least name not before *from (an empty trie_key:
 * the start) over at most `most` leaves; move twigs that lie in victims and let
 * move do the same for the object of each leaf (it may change leaf->ref). *from
 * becomes the place to go on from; *is_done when the end was reached.
 */
typedef enum status (*trie_move_func)(struct cells *cells,
				      struct trie_node *leaf, void *context);
must_check enum status trie_compact(struct trie *trie, struct cells *cells,
				    struct dname_storage *from, bool *is_done,
				    size_t *most, trie_move_func move,
				    void *context);
