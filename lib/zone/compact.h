/*
 * compact.h - empty chunks that are mostly dead, a little with each commit.
 *
 * A cycle chooses victims, then walks the names in order, over as many commits
 * as it takes, and moves what lies in a victim. The work of a commit is paid
 * for by the garbage that has become free: never a walk over the whole zone, and
 * none at all while a slow reader would keep what it empties.
 */
#pragma once

#include "lib/base/status.h"
#include "lib/zone/cells.h"
#include "lib/zone/trie.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct compact {
	bool is_active;
	bool has_emptied; /* out: the cycle ended, tell the cells after commit
			   */
	unsigned trie;    /* where the walk stands: which trie, which name */
	struct dname_storage from; /* length 0: at its start */
	uint64_t credit;           /* leaves that may be looked at */
};

/*
 * One step within a transaction. state is changed at once: work on a copy, keep
 * it when the transaction was committed.
 */
must_check enum status compact_step(struct compact *state, struct cells *cells,
				    struct trie *const *tries, unsigned count,
				    size_t names, trie_move_func move);

/* After the commit. */
void compact_committed(struct compact *state, struct cells *cells);

/* The move function of tries whose leaves are nodes. */
must_check enum status compact_node(struct cells *cells, struct trie_node *leaf,
				    void *context);
