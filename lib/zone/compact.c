#include "lib/zone/compact.h"

#include "lib/zone/node.h"

#include <string.h>

enum {
	OCTETS_A_LEAF = 2, /* freed ones that pay for looking at a leaf */
	CREDIT_CYCLES = 4, /* as many walks over all names may be saved up */
	STEP_LEAST = 2048, /* leaves that a commit may look at, beside ... */
	STEP_PART = 16,    /* ... this part of all */
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

enum status compact_step(struct compact *state, struct cells *cells,
			 struct trie *const *tries, unsigned count,
			 size_t names, trie_move_func move)
{
	size_t most;
	size_t left;

	state->has_emptied = false;
	state->credit += cells_take_retired(cells) * CELL_SIZE / OCTETS_A_LEAF;
	state->credit = least(state->credit,
			      CREDIT_CYCLES * (uint64_t)names + STEP_LEAST);
	if (!state->is_active) {
		if (!cells_choose_victims(cells)) {
			return STATUS_OK;
		}
		state->is_active = true;
		state->trie = 0;
		state->from.length = 0;
	}
	most = (size_t)least(state->credit, STEP_LEAST + names / STEP_PART);
	left = most;
	while (left > 0 && state->trie < count) {
		bool is_done;
		enum status status =
			trie_compact(tries[state->trie], cells, &state->from,
				     &is_done, &left, move, NULL);

		if (status != STATUS_OK) {
			return status;
		}
		if (is_done) {
			state->trie++;
			state->from.length = 0;
		}
	}
	state->credit -= most - left;
	if (state->trie == count) {
		state->is_active = false;
		state->has_emptied = true;
	}
	return STATUS_OK;
}

void compact_committed(struct compact *state, struct cells *cells)
{
	if (state->has_emptied) {
		state->has_emptied = false;
		cells_victims_emptied(cells);
	}
}

/* An object with the same octets elsewhere. */
static enum status object_move(struct cells *cells, uint32_t *ref, size_t size)
{
	uint32_t to;
	void *copy = cells_alloc(cells, CELLS_DATA, size, &to);

	if (copy == NULL) {
		return STATUS_NO_MEMORY;
	}
	memcpy(copy, cells_at(cells_chunks(cells), *ref), size);
	cells_drop(cells, *ref, size);
	*ref = to;
	return STATUS_OK;
}

enum status compact_node(struct cells *cells, struct trie_node *leaf,
			 void *context)
{
	const struct zone_node *node = cells_at(cells_chunks(cells), leaf->ref);
	bool must_move = cells_is_victim(cells, leaf->ref);
	uint32_t refs[NODE_RRSETS_MAX];
	size_t size;

	(void)context;
	for (size_t i = 0; i < node->count && !must_move; i++) {
		must_move = cells_is_victim(cells, node_refs(node)[i]);
	}
	if (!must_move) {
		return STATUS_OK;
	}
	for (size_t i = 0; i < node->count; i++) {
		refs[i] = node_refs(node)[i];
		size = rrset_size(node_rrset(cells_chunks(cells), node, i));
		if (cells_is_victim(cells, refs[i]) &&
		    object_move(cells, &refs[i], size) != STATUS_OK) {
			return STATUS_NO_MEMORY;
		}
	}
	size = node_size(&node->name, node->count);
	if (object_move(cells, &leaf->ref, size) != STATUS_OK) {
		return STATUS_NO_MEMORY;
	}
	node = cells_at(cells_chunks(cells), leaf->ref);
	if (node->count > 0) {
		memcpy((uint32_t *)(uintptr_t)node_refs(node), refs,
		       node->count * sizeof(refs[0]));
	}
	return STATUS_OK;
}
