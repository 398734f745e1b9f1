/*
 * cells.h - the memory of one zone, shared by all versions derived from each
 * other.
 *
 * A reference is 32 bits: a cell of 8 octets in a chunk of 128 KiB, so that a
 * zone may take 32 GiB. 0 refers to nothing. One transaction at a time
 * allocates (cells_begin .. cells_commit or cells_abort, one thread at a time);
 * what it made may be changed in place until its end, everything else never.
 * What it made unreachable comes back from cells_commit() as garbage, to be
 * given to cells_retire() once no reader can hold it any longer.
 */
#pragma once

#include "lib/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CELL_SIZE = 8,
	CHUNK_BITS = 14,
	CHUNK_CELLS = 1 << CHUNK_BITS,
	CHUNK_SIZE = CHUNK_CELLS * CELL_SIZE,
	CELLS_OBJECT_MAX = CHUNK_SIZE - CELL_SIZE, /* octets of one object */
};

/* Objects of a kind lie together: the trie's twigs are what every descent
 * touches. */
enum cells_pool {
	CELLS_TRIE,
	CELLS_DATA,
	CELLS_POOLS,
};

struct cells;

/* Cells that one commit made unreachable, counted by chunk. */
struct cells_garbage {
	uint32_t count;
	uint32_t capacity;
	uint64_t cells; /* of all */
	struct {
		uint32_t chunk;
		uint32_t cells;
	} items[];
};

/* Where the chunks lie. A version keeps the table that was current when it was
 * made: what the version refers to never moves in it. */
struct cells_table {
	unsigned holds; /* under the lock of cells */
	uint32_t capacity;
	uint8_t *chunks[];
};

static inline void *cells_at(uint8_t *const *chunks, uint32_t ref)
{
	return chunks[ref >> CHUNK_BITS] +
	       (size_t)(ref & (CHUNK_CELLS - 1)) * CELL_SIZE;
}

/* Cells that an object of size octets takes. */
static inline uint32_t cells_count(size_t size)
{
	return (uint32_t)((size + CELL_SIZE - 1) / CELL_SIZE);
}

struct cells *cells_new(void);
/* Gives everything back, whatever is reachable. */
void cells_free(struct cells *cells);

/* The table that the next version keeps, held once; let go when it retires. */
struct cells_table *cells_table_hold(struct cells *cells);
void cells_table_release(struct cells *cells, struct cells_table *table);

void cells_begin(struct cells *cells);

/*
 * size octets (1..CELLS_OBJECT_MAX), aligned to 8, not cleared. NULL when there
 * is no memory or no reference left; the transaction can only be aborted then.
 */
void *cells_alloc(struct cells *cells, enum cells_pool pool, size_t size,
		  uint32_t *ref);
/* The writer's view: valid until its next cells_alloc(). */
uint8_t *const *cells_chunks(const struct cells *cells);
/* Was it made by this transaction? */
bool cells_is_mutable(const struct cells *cells, uint32_t ref);
/* Cells of garbage retired since this was asked last. */
uint64_t cells_take_retired(struct cells *cells);
/* The object is not reachable from the version under construction. */
void cells_drop(struct cells *cells, uint32_t ref, size_t size);

/*
 * End the transaction. *garbage is to be given to cells_retire() in order;
 * *made, what stands of the transaction, is for cells_undo() or free().
 * STATUS_NO_MEMORY: nothing has changed, abort.
 */
must_check enum status cells_commit(struct cells *cells,
				    struct cells_garbage **garbage,
				    struct cells_garbage **made);
void cells_abort(struct cells *cells);

/* Nobody can reach these any more. Any thread. */
void cells_retire(struct cells *cells, struct cells_garbage *garbage);

/*
 * The newest version is gone while the one before it is still there: what its
 * commit made is dead, what it dropped (garbage) is not. No transaction is
 * open. Compaction starts anew.
 */
void cells_undo(struct cells *cells, struct cells_garbage *garbage,
		struct cells_garbage *made);

/*
 * Choose the chunks to empty so that mapped memory comes near what is live, and
 * mark them. Returns false when there is nothing worth doing.
 */
bool cells_choose_victims(struct cells *cells);
bool cells_is_victim(const struct cells *cells, uint32_t ref);
/* Nothing of the newest version lies in the victims any longer. */
void cells_victims_emptied(struct cells *cells);

struct cells_stats {
	size_t mapped;    /* octets of chunks in use */
	size_t live;      /* octets reached by the newest version */
	size_t dead;      /* octets freed in chunks that still hold live ones */
	size_t waiting;   /* octets of garbage that readers may still use */
	size_t allocated; /* octets handed out by the last transaction */
};
void cells_stats_get(struct cells *cells, struct cells_stats *out);
