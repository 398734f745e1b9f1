/*
 * trie.c - a qp-trie over names: each branch looks at one symbol of the key.
 *
 * A name's key is its labels from the root, folded, each octet one symbol of
 * 0..45 where it is common in host names, else two; symbol 0 ends each label
 * and, once more, the key. So keys compare like names (RFC 4034 6.1), 0 being
 * the least: an ancestor comes before what is below it, "a" before "ab".
 *
 *	0        end of label, end of key      15      '_'
 *	1        escape 00..2c (with '*')      16      escape '`'
 *	2        '-'                           17..42  a..z
 *	3        escape '.', '/'               43..45  escapes 7b..ff, 45 each
 *	4..13    0..9                          14      escape 3a..40, 5b..5e
 *
 * A branch stands where keys part: its word has a bit for each symbol that
 * occurs there, and its twigs lie packed in that order; counting bits finds the
 * twig. A branch right behind a label whose twig 0 is a leaf is an ancestor on
 * the path: every proper ancestor of a name (the zone keeps empty
 * non-terminals) is found by the descent itself. Symbols that all names below
 * share are skipped, so the leaf's own name decides at the end what matched.
 *
 * Rejected: a parent pointer (would make every change of a subtree a copy of
 * it); a hash table beside the trie for exact names (no order, twice the
 * memory); nibbles for symbols (twice the depth).
 */
#include "lib/zone/trie.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	BRANCH = 1,
	END = 0,                         /* the symbol */
	ESCAPES_MOST = TRIE_SYMBOLS - 1, /* second symbols; 0 is END's */
};

#define BITMAP 0x0000fffffffffffeull /* bits 1..47 of the word */

/* --- keys ----------------------------------------------------------------- */

/* For each octet its symbol, and in the upper octet the second one or 0. */
static uint16_t octet_symbols[256];

static bool is_common(unsigned octet)
{
	return octet == '-' || octet == '_' || (octet >= '0' && octet <= '9') ||
	       (octet >= 'a' && octet <= 'z');
}

__attribute__((constructor)) static void octet_symbols_init(void)
{
	unsigned symbol = END;
	unsigned second = ESCAPES_MOST;

	for (unsigned octet = 0; octet < 256; octet++) {
		if (octet >= 'A' && octet <= 'Z') {
			continue;
		}
		if (is_common(octet)) {
			octet_symbols[octet] = (uint16_t)++symbol;
			second = ESCAPES_MOST;
			continue;
		}
		if (second == ESCAPES_MOST) {
			symbol++;
			second = 0;
		}
		second++;
		octet_symbols[octet] = (uint16_t)(symbol | second << 8);
	}
	assert(symbol == TRIE_SYMBOLS - 1);
	for (unsigned octet = 'A'; octet <= 'Z'; octet++) {
		octet_symbols[octet] =
			octet_symbols[dname_fold((uint8_t)octet)];
	}
}

/* The symbols of a label without its end. */
static inline uint8_t *label_encode(uint8_t *to, const uint8_t *label)
{
	for (unsigned k = 1; k <= label[0]; k++) {
		uint16_t symbols = octet_symbols[label[k]];

		*to++ = (uint8_t)symbols;
		if (symbols > 0xff) {
			*to++ = (uint8_t)(symbols >> 8);
		}
	}
	return to;
}

void trie_key_init(struct trie_key *key, const struct dname *name)
{
	uint8_t offsets[DNAME_LABELS_MAX + 1];
	unsigned labels = dname_label_offsets(name, offsets);
	uint8_t *to = key->symbols;

	key->labels = (uint16_t)labels;
	key->ends[0] = 0;
	for (unsigned i = 1; i <= labels; i++) {
		to = label_encode(to, name->octets + offsets[labels - i]);
		*to++ = END;
		key->ends[i] = (uint16_t)(to - key->symbols);
	}
	*to++ = END;
	key->length = (uint16_t)(to - key->symbols);
}

static inline unsigned key_symbol(const struct trie_key *key, unsigned offset)
{
	return offset < key->length ? key->symbols[offset] : END;
}

/* --- nodes ---------------------------------------------------------------- */

static inline bool is_branch(const struct trie_node *node)
{
	return (node->low & BRANCH) != 0;
}

static inline uint64_t node_bits(const struct trie_node *node)
{
	return ((uint64_t)node->high << 32 | node->low) & BITMAP;
}

static inline unsigned node_offset(const struct trie_node *node)
{
	return node->high >> TRIE_OFFSET_SHIFT;
}

static inline uint64_t symbol_bit(unsigned symbol)
{
	return 2ull << symbol;
}

static inline bool has_twig(const struct trie_node *node, unsigned symbol)
{
	return (node_bits(node) & symbol_bit(symbol)) != 0;
}

static inline unsigned bits_count(uint64_t bits)
{
	bits -= bits >> 1 & 0x5555555555555555ull;
	bits = (bits & 0x3333333333333333ull) +
	       (bits >> 2 & 0x3333333333333333ull);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (unsigned)(bits * 0x0101010101010101ull >> 56);
}

/* Twigs before the symbol's place. */
static inline unsigned twig_index(const struct trie_node *node, unsigned symbol)
{
	return bits_count(node_bits(node) & (symbol_bit(symbol) - 1));
}

static inline unsigned twig_count(const struct trie_node *node)
{
	return bits_count(node_bits(node));
}

static inline struct trie_node *twigs_of(uint8_t *const *chunks,
					 const struct trie_node *node)
{
	return cells_at(chunks, node->ref);
}

static inline struct trie_node branch_node(uint64_t bits, unsigned offset,
					   uint32_t ref)
{
	return (struct trie_node){
		(uint32_t)bits | BRANCH,
		(uint32_t)(bits >> 32) | offset << TRIE_OFFSET_SHIFT, ref};
}

static inline size_t twigs_size(unsigned count)
{
	return count * sizeof(struct trie_node);
}

static void mark_update(uint8_t *const *chunks, struct trie_node *branch)
{
	const struct trie_node *twigs = twigs_of(chunks, branch);
	uint32_t mark = 0;

	for (unsigned i = 0; i < twig_count(branch); i++) {
		mark |= twigs[i].high & TRIE_MARK;
	}
	branch->high = (branch->high & ~(uint32_t)TRIE_MARK) | mark;
}

static const struct trie_node *first_leaf(uint8_t *const *chunks,
					  const struct trie_node *node)
{
	while (is_branch(node)) {
		node = twigs_of(chunks, node);
	}
	return node;
}

static bool is_wanted(const struct trie_node *node, bool is_marked)
{
	return !is_marked || trie_is_marked(node);
}

/* The greatest wanted leaf at or below node, which has one. */
static const struct trie_node *
last_leaf(uint8_t *const *chunks, const struct trie_node *node, bool is_marked)
{
	while (is_branch(node)) {
		const struct trie_node *twigs = twigs_of(chunks, node);
		unsigned at = twig_count(node) - 1;

		while (!is_wanted(&twigs[at], is_marked)) {
			at--;
		}
		node = &twigs[at];
	}
	return node;
}

/* --- reading -------------------------------------------------------------- */

/*
 * Compare key with the name of out->leaf, from the root: where do they part?
 * Returns the number of labels that both have in common.
 */
static unsigned leaf_match(const struct trie_key *key, const struct dname *name,
			   struct trie_descent *out)
{
	uint8_t offsets[DNAME_LABELS_MAX + 1];
	unsigned labels = dname_label_offsets(name, offsets);
	const uint8_t *at = key->symbols;
	unsigned common = 0;
	uint8_t symbol = END;

	for (; common < labels; common++) {
		const uint8_t *label =
			name->octets + offsets[labels - common - 1];

		for (unsigned k = 1; k <= label[0]; k++) {
			uint16_t symbols = octet_symbols[label[k]];

			symbol = (uint8_t)symbols;
			if (*at != symbol) {
				goto parted;
			}
			at++;
			if (symbols > 0xff) {
				symbol = (uint8_t)(symbols >> 8);
				if (*at != symbol) {
					goto parted;
				}
				at++;
			}
		}
		symbol = END;
		if (*at != END) {
			goto parted;
		}
		at++;
	}
	symbol = END;
	if (*at == END) {
		out->difference = TRIE_KEY_MAX;
		out->symbol = END;
		return common;
	}
parted:
	out->difference = (unsigned)(at - key->symbols);
	out->symbol = symbol;
	return common;
}

/*
 * Any leaf below a branch tells what the branch's names share. The one before
 * the missing twig is most often the floor too, which is then found already.
 */
static const struct trie_node *nearest_leaf(uint8_t *const *chunks,
					    const struct trie_node *branch,
					    unsigned symbol)
{
	const struct trie_node *twigs = twigs_of(chunks, branch);
	unsigned before = twig_index(branch, symbol);

	if (before == 0) {
		return first_leaf(chunks, twigs);
	}
	return last_leaf(chunks, &twigs[before - 1],
			 trie_is_marked(&twigs[before - 1]));
}

void trie_descend_begin(const struct trie *trie, uint8_t *const *chunks,
			const struct trie_key *key, struct trie_descent *out)
{
	const struct trie_node *node = &trie->root;
	unsigned ancestors = 0;
	unsigned labels = 0;
	unsigned steps = 0;

	out->exact = NULL;
	out->leaf = NULL;
	out->ancestors = 0;
	out->steps = 0;
	if (trie_is_empty(trie)) {
		return;
	}
	while (is_branch(node)) {
		const struct trie_node *twigs = twigs_of(chunks, node);
		unsigned offset = node_offset(node);
		unsigned symbol = key_symbol(key, offset);

		out->step[steps++] = node;
		while (labels < key->labels && key->ends[labels] < offset) {
			labels++;
		}
		if (key->ends[labels] == offset && labels < key->labels &&
		    has_twig(node, END)) {
			struct trie_ancestor *ancestor =
				&out->ancestor[ancestors++];

			ancestor->branch = node;
			ancestor->leaf = twigs;
			ancestor->labels = labels;
		}
		if (!has_twig(node, symbol)) {
			node = nearest_leaf(chunks, node, symbol);
			break;
		}
		node = twigs + twig_index(node, symbol);
	}
	__builtin_prefetch(trie_leaf_name(chunks, node));
	out->leaf = node;
	out->steps = steps;
	out->ancestors = ancestors;
}

void trie_descend_end(uint8_t *const *chunks, const struct trie_key *key,
		      struct trie_descent *out)
{
	unsigned ancestors = out->ancestors;
	const struct dname *found;
	unsigned common;

	if (out->leaf == NULL) {
		return;
	}
	found = trie_leaf_name(chunks, out->leaf);
	common = leaf_match(key, found, out);
	if (out->difference == TRIE_KEY_MAX) {
		out->exact = out->leaf;
		return;
	}
	/* Skipped symbols may not have matched: only the labels that the leaf
	 * shares with name count. */
	while (ancestors > 0 && out->ancestor[ancestors - 1].labels > common) {
		ancestors--;
	}
	/* An ancestor without names below it is a leaf on its own. */
	if (found->labels == common && common < key->labels &&
	    (ancestors == 0 || out->ancestor[ancestors - 1].labels < common)) {
		struct trie_ancestor *ancestor = &out->ancestor[ancestors++];

		ancestor->branch = NULL;
		ancestor->leaf = out->leaf;
		ancestor->labels = common;
	}
	out->ancestors = ancestors;
}

void trie_descend(const struct trie *trie, uint8_t *const *chunks,
		  const struct trie_key *key, struct trie_descent *out)
{
	trie_descend_begin(trie, chunks, key, out);
	trie_descend_end(chunks, key, out);
}

/* The best match: a leaf that shares as long a start with key as any does. */
static const struct trie_node *best_leaf(const struct trie_node *node,
					 uint8_t *const *chunks,
					 const uint8_t *symbols, size_t length)
{
	while (is_branch(node)) {
		unsigned offset = node_offset(node);
		unsigned symbol = offset < length ? symbols[offset] : END;
		const struct trie_node *twigs = twigs_of(chunks, node);

		node = has_twig(node, symbol) ? twigs + twig_index(node, symbol)
					      : twigs;
	}
	return node;
}

const struct trie_node *trie_find(const struct trie *trie,
				  uint8_t *const *chunks,
				  const struct dname *name)
{
	const struct trie_node *leaf;
	struct trie_key key;

	if (trie_is_empty(trie)) {
		return NULL;
	}
	trie_key_init(&key, name);
	leaf = best_leaf(&trie->root, chunks, key.symbols, key.length);
	return dname_equal(trie_leaf_name(chunks, leaf), name) ? leaf : NULL;
}

void trie_finder_init(struct trie_finder *finder, const struct trie *trie,
		      uint8_t *const *chunks)
{
	finder->trie = trie;
	finder->chunks = chunks;
	finder->parent = NULL;
	finder->parent_size = 0;
}

/* Go down to where the names of that parent part from each other. */
static void finder_enter(struct trie_finder *finder, const uint8_t *parent,
			 size_t size)
{
	const struct trie_node *node = &finder->trie->root;
	const uint8_t *labels[DNAME_LABELS_MAX];
	const uint8_t *label = parent;
	uint8_t *to = finder->symbols;
	unsigned count = 0;
	size_t length;

	for (; *label != 0; label += 1u + *label) {
		labels[count++] = label;
	}
	while (count > 0) {
		to = label_encode(to, labels[--count]);
		*to++ = END;
	}
	length = (size_t)(to - finder->symbols);
	while (is_branch(node) && node_offset(node) < length) {
		unsigned symbol = finder->symbols[node_offset(node)];
		const struct trie_node *twigs = twigs_of(finder->chunks, node);

		node = has_twig(node, symbol) ? twigs + twig_index(node, symbol)
					      : twigs;
	}
	finder->parent = parent;
	finder->parent_size = size;
	finder->parent_symbols = length;
	finder->from = node;
}

const struct trie_node *trie_finder_seek(struct trie_finder *finder,
					 const uint8_t *octets, size_t length)
{
	const uint8_t *parent = octets + 1 + octets[0];
	size_t size = length - 1 - octets[0];
	uint8_t *to;

	if (trie_is_empty(finder->trie)) {
		return NULL;
	}
	if (octets[0] == 0) {
		return best_leaf(&finder->trie->root, finder->chunks, NULL, 0);
	}
	if (size != finder->parent_size ||
	    memcmp(parent, finder->parent, size) != 0) {
		finder_enter(finder, parent, size);
	}
	to = label_encode(finder->symbols + finder->parent_symbols, octets);
	/* Two ends follow, as they do behind whatever is too short. */
	return best_leaf(finder->from, finder->chunks, finder->symbols,
			 (size_t)(to - finder->symbols));
}

bool trie_has_below(const struct trie *trie, uint8_t *const *chunks,
		    const struct dname *name)
{
	const struct trie_node *node = &trie->root;
	struct trie_key key;

	trie_key_init(&key, name);
	while (is_branch(node)) {
		unsigned offset = node_offset(node);

		/* A branch behind its last label has others beside it. */
		if (offset == key.ends[key.labels]) {
			return true;
		}
		node = twigs_of(chunks, node) +
		       twig_index(node, key_symbol(&key, offset));
	}
	return false;
}

const struct trie_node *trie_find_wildcard(const struct trie_ancestor *ancestor,
					   uint8_t *const *chunks)
{
	const struct trie_node *node = ancestor->branch;
	const unsigned symbols[4] = {octet_symbols['*'] & 0xff,
				     octet_symbols['*'] >> 8, END, END};
	unsigned start;
	const struct dname *name;

	if (node == NULL) {
		return NULL;
	}
	start = node_offset(node);
	while (is_branch(node)) {
		unsigned at = node_offset(node) - start;
		unsigned symbol = at < 4 ? symbols[at] : END;

		if (!has_twig(node, symbol)) {
			return NULL;
		}
		node = twigs_of(chunks, node) + twig_index(node, symbol);
	}
	name = trie_leaf_name(chunks, node);
	return name->labels == ancestor->labels + 1 && dname_is_wildcard(name)
		       ? node
		       : NULL;
}

/* Offset of the first symbol in which they differ; TRIE_KEY_MAX: none. */
static unsigned key_difference(const struct trie_key *a,
			       const struct trie_key *b)
{
	unsigned least = a->length < b->length ? a->length : b->length;
	unsigned at = 0;

	while (at < least && a->symbols[at] == b->symbols[at]) {
		at++;
	}
	return at == least && a->length == b->length ? TRIE_KEY_MAX : at;
}

const struct trie_node *trie_first(const struct trie *trie,
				   uint8_t *const *chunks)
{
	return first_leaf(chunks, &trie->root);
}

const struct trie_node *trie_last(const struct trie *trie,
				  uint8_t *const *chunks, bool is_marked)
{
	if (trie_is_empty(trie) || !is_wanted(&trie->root, is_marked)) {
		return NULL;
	}
	return last_leaf(chunks, &trie->root, is_marked);
}

const struct trie_node *trie_descent_floor(const struct trie_descent *descent,
					   uint8_t *const *chunks,
					   const struct trie_key *key,
					   bool is_marked)
{
	const struct trie_node *const *step = descent->step;
	const struct trie_node *node = descent->leaf;
	unsigned difference = descent->difference;
	unsigned count = descent->steps;

	if (node == NULL) {
		return NULL;
	}
	if (difference == TRIE_KEY_MAX && is_wanted(node, is_marked)) {
		return node;
	}
	/* Steps beyond the difference followed nothing of the key's. */
	while (count > 0 && node_offset(step[count - 1]) > difference) {
		node = step[--count];
	}
	/* All names below node stand on one side of the key, unless it is a
	 * branch at that very symbol, which has no twig for it. */
	if (difference != TRIE_KEY_MAX &&
	    (count == 0 || node_offset(step[count - 1]) != difference) &&
	    descent->symbol < key_symbol(key, difference) &&
	    is_wanted(node, is_marked)) {
		return last_leaf(chunks, node, is_marked);
	}
	while (count > 0) {
		const struct trie_node *twigs;
		unsigned before;

		node = step[--count];
		twigs = twigs_of(chunks, node);
		before = twig_index(node, key_symbol(key, node_offset(node)));
		while (before > 0) {
			if (is_wanted(&twigs[--before], is_marked)) {
				return last_leaf(chunks, &twigs[before],
						 is_marked);
			}
		}
	}
	return NULL;
}

const struct trie_node *trie_floor(const struct trie *trie,
				   uint8_t *const *chunks,
				   const struct dname *name, bool is_marked)
{
	struct trie_descent descent;
	struct trie_key key;

	trie_key_init(&key, name);
	trie_descend(trie, chunks, &key, &descent);
	return trie_descent_floor(&descent, chunks, &key, is_marked);
}

/* As deep as a key is long. */
static bool walk(const struct trie_node *node, uint8_t *const *chunks,
		 trie_func func, void *context)
{
	const struct trie_node *twigs;

	if (!is_branch(node)) {
		return func(node, context);
	}
	twigs = twigs_of(chunks, node);
	for (unsigned i = 0; i < twig_count(node); i++) {
		if (!walk(&twigs[i], chunks, func, context)) {
			return false;
		}
	}
	return true;
}

void trie_walk(const struct trie *trie, uint8_t *const *chunks, trie_func func,
	       void *context)
{
	if (!trie_is_empty(trie)) {
		walk(&trie->root, chunks, func, context);
	}
}

/* --- changing ------------------------------------------------------------- */

/* The branch's twigs, to be changed: copied where others share them. */
static struct trie_node *twigs_own(struct cells *cells,
				   struct trie_node *branch)
{
	size_t size = twigs_size(twig_count(branch));
	struct trie_node *twigs;
	uint32_t ref;

	if (cells_is_mutable(cells, branch->ref)) {
		return twigs_of(cells_chunks(cells), branch);
	}
	twigs = cells_alloc(cells, CELLS_TRIE, size, &ref);
	if (twigs == NULL) {
		return NULL;
	}
	memcpy(twigs, twigs_of(cells_chunks(cells), branch), size);
	cells_drop(cells, branch->ref, size);
	branch->ref = ref;
	return twigs;
}

/* A path that is ours to change. */
struct path {
	unsigned count;
	struct trie_node *steps[TRIE_KEY_MAX]; /* branches, the root's first */
	struct trie_node *node;                /* where it ended */
};

/* Go down along key to the first node whose offset is `until` or beyond. */
static enum status path_own(struct trie *trie, struct cells *cells,
			    const struct trie_key *key, unsigned until,
			    struct path *path)
{
	path->count = 0;
	path->node = &trie->root;
	while (is_branch(path->node) && node_offset(path->node) < until) {
		unsigned symbol = key_symbol(key, node_offset(path->node));
		struct trie_node *twigs = twigs_own(cells, path->node);

		if (twigs == NULL) {
			return STATUS_NO_MEMORY;
		}
		path->steps[path->count++] = path->node;
		path->node = twigs + twig_index(path->node, symbol);
	}
	return STATUS_OK;
}

static void path_update_marks(const struct path *path, struct cells *cells)
{
	for (unsigned i = path->count; i > 0; i--) {
		mark_update(cells_chunks(cells), path->steps[i - 1]);
	}
}

/* node becomes a branch at offset over what it was and leaf. */
static enum status node_split(struct cells *cells, struct trie_node *node,
			      unsigned offset, unsigned old_symbol,
			      unsigned new_symbol, const struct trie_node *leaf)
{
	uint32_t ref;
	struct trie_node *twigs =
		cells_alloc(cells, CELLS_TRIE, twigs_size(2), &ref);

	if (twigs == NULL) {
		return STATUS_NO_MEMORY;
	}
	twigs[new_symbol < old_symbol ? 0 : 1] = *leaf;
	twigs[new_symbol < old_symbol ? 1 : 0] = *node;
	*node = branch_node(symbol_bit(old_symbol) | symbol_bit(new_symbol),
			    offset, ref);
	mark_update(cells_chunks(cells), node);
	return STATUS_OK;
}

/* One twig more. */
static enum status branch_grow(struct cells *cells, struct trie_node *branch,
			       unsigned symbol, const struct trie_node *leaf)
{
	unsigned count = twig_count(branch);
	unsigned at = twig_index(branch, symbol);
	uint64_t bits = node_bits(branch) | symbol_bit(symbol);
	const struct trie_node *old;
	struct trie_node *twigs;
	uint32_t ref;

	twigs = cells_alloc(cells, CELLS_TRIE, twigs_size(count + 1), &ref);
	if (twigs == NULL) {
		return STATUS_NO_MEMORY;
	}
	old = twigs_of(cells_chunks(cells), branch);
	memcpy(twigs, old, twigs_size(at));
	twigs[at] = *leaf;
	memcpy(twigs + at + 1, old + at, twigs_size(count - at));
	cells_drop(cells, branch->ref, twigs_size(count));
	*branch = branch_node(bits, node_offset(branch), ref);
	mark_update(cells_chunks(cells), branch);
	return STATUS_OK;
}

enum status trie_put(struct trie *trie, struct cells *cells,
		     const struct trie_node *leaf, bool *is_new)
{
	const struct trie_node *best;
	struct path path;
	struct trie_key key;
	struct trie_key found;
	unsigned difference;
	enum status status;

	if (trie_is_empty(trie)) {
		trie->root = *leaf;
		*is_new = true;
		return STATUS_OK;
	}
	trie_key_init(&key, trie_leaf_name(cells_chunks(cells), leaf));
	best = best_leaf(&trie->root, cells_chunks(cells), key.symbols,
			 key.length);
	trie_key_init(&found, trie_leaf_name(cells_chunks(cells), best));
	difference = key_difference(&key, &found);
	status = path_own(trie, cells, &key, difference, &path);
	if (status != STATUS_OK) {
		return status;
	}
	*is_new = difference != TRIE_KEY_MAX;
	if (!*is_new) {
		*path.node = *leaf;
	} else if (is_branch(path.node) &&
		   node_offset(path.node) == difference) {
		status = branch_grow(cells, path.node,
				     key_symbol(&key, difference), leaf);
	} else {
		status = node_split(cells, path.node, difference,
				    key_symbol(&found, difference),
				    key_symbol(&key, difference), leaf);
	}
	if (status == STATUS_OK) {
		path_update_marks(&path, cells);
	}
	return status;
}

/* One twig less; with one left the branch becomes that twig. */
static enum status branch_shrink(struct cells *cells, struct trie_node *branch,
				 unsigned symbol)
{
	unsigned count = twig_count(branch);
	unsigned at = twig_index(branch, symbol);
	uint64_t bits = node_bits(branch) & ~symbol_bit(symbol);
	uint32_t old_ref = branch->ref;
	const struct trie_node *old;
	struct trie_node *twigs;
	uint32_t ref;

	if (count == 2) {
		*branch = twigs_of(cells_chunks(cells), branch)[1 - at];
		cells_drop(cells, old_ref, twigs_size(count));
		return STATUS_OK;
	}
	twigs = cells_alloc(cells, CELLS_TRIE, twigs_size(count - 1), &ref);
	if (twigs == NULL) {
		return STATUS_NO_MEMORY;
	}
	old = twigs_of(cells_chunks(cells), branch);
	memcpy(twigs, old, twigs_size(at));
	memcpy(twigs + at, old + at + 1, twigs_size(count - at - 1));
	cells_drop(cells, old_ref, twigs_size(count));
	*branch = branch_node(bits, node_offset(branch), ref);
	mark_update(cells_chunks(cells), branch);
	return STATUS_OK;
}

enum status trie_remove(struct trie *trie, struct cells *cells,
			const struct dname *name)
{
	const struct trie_node *node = &trie->root;
	unsigned last = TRIE_KEY_MAX;
	struct path path;
	struct trie_key key;
	enum status status;

	if (trie_find(trie, cells_chunks(cells), name) == NULL) {
		return STATUS_NOT_FOUND;
	}
	trie_key_init(&key, name);
	while (is_branch(node)) {
		last = node_offset(node);
		node = twigs_of(cells_chunks(cells), node) +
		       twig_index(node, key_symbol(&key, last));
	}
	if (last == TRIE_KEY_MAX) {
		trie->root = (struct trie_node){0, 0, 0};
		return STATUS_OK;
	}
	status = path_own(trie, cells, &key, last, &path);
	if (status == STATUS_OK) {
		status =
			branch_shrink(cells, path.node, key_symbol(&key, last));
	}
	if (status == STATUS_OK) {
		path_update_marks(&path, cells);
	}
	return status;
}

/* --- building ------------------------------------------------------------- */

/* A branch under construction: its twigs stand on the stack from first on. */
struct frame {
	uint64_t bits;
	unsigned offset;
	size_t first;
};

/*
 * The rightmost path of the trie so far. Each name adds twigs at the branch
 * where it parts from the one before; branches below that are complete.
 */
struct trie_builder {
	struct cells *cells;
	unsigned frames;
	size_t twigs;
	size_t capacity;
	struct frame frame[TRIE_KEY_MAX];
	struct trie_node *twig;
	struct trie_key keys[2];
	unsigned current; /* of keys: the last name's */
};

struct trie_builder *trie_builder_new(struct cells *cells)
{
	struct trie_builder *builder = malloc(sizeof(*builder));

	if (builder == NULL) {
		return NULL;
	}
	builder->cells = cells;
	builder->frames = 0;
	builder->twigs = 0;
	builder->capacity = 1024;
	builder->current = 0;
	builder->twig = malloc(twigs_size(1024));
	if (builder->twig == NULL) {
		free(builder);
		return NULL;
	}
	return builder;
}

void trie_builder_free(struct trie_builder *builder)
{
	if (builder != NULL) {
		free(builder->twig);
		free(builder);
	}
}

/* The deepest branch is complete: its twigs go to cells, it becomes one. */
static enum status frame_close(struct trie_builder *builder)
{
	struct frame *frame = &builder->frame[--builder->frames];
	size_t size =
		(builder->twigs - frame->first) * sizeof(struct trie_node);
	uint32_t ref;
	void *twigs = cells_alloc(builder->cells, CELLS_TRIE, size, &ref);

	if (twigs == NULL) {
		return STATUS_NO_MEMORY;
	}
	memcpy(twigs, builder->twig + frame->first, size);
	builder->twigs = frame->first;
	builder->twig[builder->twigs] =
		branch_node(frame->bits, frame->offset, ref);
	mark_update(cells_chunks(builder->cells),
		    &builder->twig[builder->twigs]);
	builder->twigs++;
	return STATUS_OK;
}

static enum status twig_push(struct trie_builder *builder,
			     const struct trie_node *leaf)
{
	if (builder->twigs == builder->capacity) {
		struct trie_node *grown = realloc(
			builder->twig, 2 * builder->capacity * sizeof(*grown));

		if (grown == NULL) {
			return STATUS_NO_MEMORY;
		}
		builder->twig = grown;
		builder->capacity *= 2;
	}
	builder->twig[builder->twigs++] = *leaf;
	return STATUS_OK;
}

enum status trie_builder_add(struct trie_builder *builder,
			     const struct trie_node *leaf)
{
	struct trie_key *last = &builder->keys[builder->current];
	struct trie_key *key = &builder->keys[1 - builder->current];
	struct frame *frame;
	unsigned difference;

	trie_key_init(key, trie_leaf_name(cells_chunks(builder->cells), leaf));
	builder->current = 1 - builder->current;
	if (builder->twigs == 0) {
		return twig_push(builder, leaf);
	}
	difference = key_difference(key, last);
	assert(difference < TRIE_KEY_MAX &&
	       key_symbol(last, difference) < key_symbol(key, difference));
	while (builder->frames > 0 &&
	       builder->frame[builder->frames - 1].offset > difference) {
		if (frame_close(builder) != STATUS_OK) {
			return STATUS_NO_MEMORY;
		}
	}
	if (builder->frames == 0 ||
	    builder->frame[builder->frames - 1].offset < difference) {
		/* What was complete so far is the new branch's first twig. */
		frame = &builder->frame[builder->frames++];
		frame->offset = difference;
		frame->first = builder->twigs - 1;
		frame->bits = symbol_bit(key_symbol(last, difference));
	}
	frame = &builder->frame[builder->frames - 1];
	frame->bits |= symbol_bit(key_symbol(key, difference));
	return twig_push(builder, leaf);
}

enum status trie_builder_finish(struct trie_builder *builder, struct trie *out)
{
	enum status status = STATUS_OK;

	while (status == STATUS_OK && builder->frames > 0) {
		status = frame_close(builder);
	}
	if (status == STATUS_OK) {
		assert(builder->twigs <= 1);
		out->root = builder->twigs == 1 ? builder->twig[0]
						: (struct trie_node){0, 0, 0};
	}
	trie_builder_free(builder);
	return status;
}

/* --- compaction ----------------------------------------------------------- */

struct compaction {
	struct cells *cells;
	size_t most;
	trie_move_func move;
	void *context;
	struct trie_key from;
	struct trie_key found;      /* the best match of from */
	unsigned difference;        /* where they part */
	struct dname_storage *next; /* where it stopped */
	bool is_stopped;
};

/* Twigs in a victim are moved; those that change are ours anyway. */
static enum status twigs_move(struct compaction *work, struct trie_node *node)
{
	size_t size = twigs_size(twig_count(node));
	struct trie_node *twigs;
	uint32_t ref;

	if (!cells_is_victim(work->cells, node->ref)) {
		return STATUS_OK;
	}
	twigs = cells_alloc(work->cells, CELLS_TRIE, size, &ref);
	if (twigs == NULL) {
		return STATUS_NO_MEMORY;
	}
	memcpy(twigs, twigs_of(cells_chunks(work->cells), node), size);
	cells_drop(work->cells, node->ref, size);
	node->ref = ref;
	return STATUS_OK;
}

static enum status compact(struct compaction *work, struct trie_node *node,
			   bool is_bounded);

/* What shares as much with from as any name does: is it less? */
static bool is_before_from(const struct compaction *work)
{
	return work->difference != TRIE_KEY_MAX &&
	       key_symbol(&work->found, work->difference) <
		       key_symbol(&work->from, work->difference);
}

static enum status compact_leaf(struct compaction *work, struct trie_node *node,
				bool is_bounded)
{
	const struct dname *name =
		trie_leaf_name(cells_chunks(work->cells), node);

	if (is_bounded && is_before_from(work)) {
		return STATUS_OK;
	}
	if (work->most == 0) {
		dname_copy(work->next, name);
		work->is_stopped = true;
		return STATUS_OK;
	}
	work->most--;
	return work->move(work->cells, node, work->context);
}

/*
 * The same for one twig of a branch. The twig is changed in a copy, so that
 * nothing is owned where nothing moved.
 */
static enum status compact_twig(struct compaction *work,
				struct trie_node *branch, unsigned index,
				bool is_bounded)
{
	struct trie_node before =
		twigs_of(cells_chunks(work->cells), branch)[index];
	struct trie_node after = before;
	enum status status = compact(work, &after, is_bounded);
	struct trie_node *twigs;

	if (status != STATUS_OK || before.ref == after.ref) {
		return status;
	}
	twigs = twigs_own(work->cells, branch);
	if (twigs == NULL) {
		return STATUS_NO_MEMORY;
	}
	twigs[index] = after;
	return STATUS_OK;
}

/* is_bounded: from lies below node, or would. */
static enum status compact(struct compaction *work, struct trie_node *node,
			   bool is_bounded)
{
	enum status status;
	unsigned first = 0;
	bool is_first_bounded = false;

	if (!is_branch(node)) {
		return compact_leaf(work, node, is_bounded);
	}
	if (is_bounded && node_offset(node) > work->difference) {
		/* All names below stand on one side of from. */
		if (is_before_from(work)) {
			return STATUS_OK;
		}
		is_bounded = false;
	}
	status = twigs_move(work, node);
	if (is_bounded) {
		unsigned symbol = key_symbol(&work->from, node_offset(node));

		first = twig_index(node, symbol);
		is_first_bounded = has_twig(node, symbol);
	}
	for (unsigned i = first;
	     status == STATUS_OK && i < twig_count(node) && !work->is_stopped;
	     i++) {
		status = compact_twig(work, node, i,
				      i == first && is_first_bounded);
	}
	return status;
}

enum status trie_compact(struct trie *trie, struct cells *cells,
			 struct dname_storage *from, bool *is_done,
			 size_t *most, trie_move_func move, void *context)
{
	struct compaction *work;
	struct trie_node root = trie->root;
	bool has_from = from->length != 0;
	enum status status;

	*is_done = true;
	if (trie_is_empty(trie)) {
		return STATUS_OK;
	}
	work = calloc(1, sizeof(*work));
	if (work == NULL) {
		return STATUS_NO_MEMORY;
	}
	work->cells = cells;
	work->most = *most;
	work->move = move;
	work->context = context;
	work->next = from;
	if (has_from) {
		const struct trie_node *best;

		trie_key_init(&work->from, dname_of(from));
		best = best_leaf(&root, cells_chunks(cells), work->from.symbols,
				 work->from.length);
		trie_key_init(&work->found,
			      trie_leaf_name(cells_chunks(cells), best));
		work->difference = key_difference(&work->from, &work->found);
	}
	status = compact(work, &root, has_from);
	if (status == STATUS_OK) {
		trie->root = root;
		*most = work->most;
		*is_done = !work->is_stopped;
	}
	free(work);
	return status;
}
