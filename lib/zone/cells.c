/*
 * cells.c - chunks of cells, filled in order, freed whole.
 *
 *	slab (2 MiB, of the process)   [chunk|chunk| ... 16 of 128 KiB ... ]
 *	chunk (of one zone)            [object|object|dead|object|...|  free  ]
 *	                                                            ^ fill
 *
 * Allocation moves `fill` of the pool's open chunk. Nothing inside a chunk is
 * ever used twice: freed cells are only counted, and a chunk whose cells are
 * all dead goes back to the slabs. Chunks that are mostly dead are emptied by
 * compaction (compact.c), which walks names, not chunks: so no object says
 * what it is or whose it is.
 *
 * Rejected: free lists by size (fragments for good, and a freed cell could be
 * used again while a reader still looks at it in an older version); a walk over
 * chunks (needs an owner in every object: 8 octets and more for each RRset).
 *
 * Threads: the writer allocates without the lock; versions retire on any
 * thread, under it. A field is written either by the writer alone or under the
 * lock.
 */
#include "lib/zone/cells.h"

#include "lib/base/pages.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	SLAB_CHUNKS = 16,
	SLAB_SIZE = SLAB_CHUNKS * CHUNK_SIZE,
	CHUNKS_MAX = 1 << (32 - CHUNK_BITS),
	/* A zone's first chunks are on small pages: of thousands of zones most
	 * fill a few KiB of theirs, and a huge page is there whole. */
	CHUNKS_SMALL = 4,
	TABLE_FIRST = 8,
	GARBAGE_FIRST = 16,
	/* Compaction starts where memory stands this much above what is live
	 * (each pool has a chunk that is being filled), and goes down to the
	 * second. */
	START_CHUNKS = 3,
	START_PERCENT = 5,
	GOAL_CHUNKS = 2,
	GOAL_PERCENT = 2,
};

/* --- slabs, of the process ------------------------------------------------ */

struct slab {
	uint8_t *base;
	uint32_t used; /* a bit a chunk */
	bool is_small; /* on small pages */
	struct slab *next;
	struct slab *previous;
};

static pthread_mutex_t slab_lock = PTHREAD_MUTEX_INITIALIZER;
/* Those with a free chunk, on huge pages and on small ones; full ones are in
 * no list. */
static struct slab *slabs[2];

static void slab_link(struct slab *slab)
{
	struct slab **list = &slabs[slab->is_small];

	slab->next = *list;
	slab->previous = NULL;
	if (*list != NULL) {
		(*list)->previous = slab;
	}
	*list = slab;
}

static void slab_unlink(struct slab *slab)
{
	if (slab->previous != NULL) {
		slab->previous->next = slab->next;
	} else {
		slabs[slab->is_small] = slab->next;
	}
	if (slab->next != NULL) {
		slab->next->previous = slab->previous;
	}
}

static struct slab *slab_map(bool is_small)
{
	struct slab *slab = malloc(sizeof(*slab));

	if (slab == NULL) {
		return NULL;
	}
	slab->base = pages_map(SLAB_SIZE);
	if (slab->base == NULL) {
		free(slab);
		return NULL;
	}
	if (is_small) {
		(void)madvise(slab->base, SLAB_SIZE, MADV_NOHUGEPAGE);
	}
	slab->is_small = is_small;
	slab->used = 0;
	return slab;
}

static uint8_t *slab_take(struct slab **from, bool is_small)
{
	struct slab *slab;
	unsigned index;

	pthread_mutex_lock(&slab_lock);
	if (slabs[is_small] == NULL) {
		slab = slab_map(is_small);
		if (slab == NULL) {
			pthread_mutex_unlock(&slab_lock);
			return NULL;
		}
		slab_link(slab);
	}
	slab = slabs[is_small];
	index = (unsigned)__builtin_ctz(~slab->used);
	slab->used |= 1u << index;
	if (slab->used == (1u << SLAB_CHUNKS) - 1) {
		slab_unlink(slab);
	}
	pthread_mutex_unlock(&slab_lock);
	*from = slab;
	return slab->base + (size_t)index * CHUNK_SIZE;
}

static void slab_give(struct slab *slab, uint8_t *chunk)
{
	unsigned index = (unsigned)((size_t)(chunk - slab->base) / CHUNK_SIZE);

	pthread_mutex_lock(&slab_lock);
	if (slab->used == (1u << SLAB_CHUNKS) - 1) {
		slab_link(slab);
	}
	slab->used &= ~(1u << index);
	if (slab->used == 0) {
		slab_unlink(slab);
		pages_unmap(slab->base, SLAB_SIZE);
		free(slab);
	} else {
		madvise(chunk, CHUNK_SIZE, MADV_DONTNEED);
	}
	pthread_mutex_unlock(&slab_lock);
}

/* --- chunks --------------------------------------------------------------- */

struct chunk {
	struct slab *slab; /* NULL: not in use; under lock */
	uint32_t dead;     /* cells; under lock */
	uint32_t fill;     /* cells; the writer's while is_open or is_fresh */
	uint32_t mark;     /* the writer's: cells from here on are mutable */
	bool is_open;   /* under lock: a pool allocates from it, or may again */
	bool is_fresh;  /* the writer's: made by this transaction */
	bool is_victim; /* under lock; read by the writer */
	bool is_emptied; /* under lock: the newest version has nothing here */
};

struct cells {
	pthread_mutex_t lock;
	struct cells_table *table; /* swapped under lock, by the writer only */
	struct chunk *chunks;      /* as many as the table has room for */
	uint32_t chunk_limit;      /* chunks at and above were never in use */
	uint32_t chunk_free_hint;
	uint32_t chunks_used;       /* under lock */
	uint64_t filled;            /* cells of committed chunks; under lock */
	uint64_t dead;              /* under lock */
	uint64_t waiting;           /* under lock */
	uint32_t emptied;           /* chunks; under lock */
	uint64_t emptied_cells;     /* in them, not dead yet; under lock */
	uint32_t open[CELLS_POOLS]; /* chunk, or CHUNKS_MAX: none */
	uint64_t last_allocated;    /* cells; under lock */
	uint64_t retired;           /* cells, since it was asked; under lock */

	/* the transaction */
	bool is_writing;
	bool has_failed;
	uint32_t open_before[CELLS_POOLS];
	uint64_t allocated;
	uint32_t *fresh; /* chunks made by it */
	size_t fresh_count;
	size_t fresh_capacity;
	struct cells_garbage *garbage; /* made before, dropped by it */
	struct cells_garbage *lost;    /* made and dropped by it */
};

struct cells *cells_new(void)
{
	struct cells *cells = calloc(1, sizeof(*cells));
	size_t table_size =
		sizeof(struct cells_table) + TABLE_FIRST * sizeof(uint8_t *);

	if (cells == NULL) {
		return NULL;
	}
	cells->table = calloc(1, table_size);
	cells->chunks = calloc(TABLE_FIRST, sizeof(struct chunk));
	if (cells->table == NULL || cells->chunks == NULL) {
		free(cells->table);
		free(cells->chunks);
		free(cells);
		return NULL;
	}
	cells->table->holds = 1;
	cells->table->capacity = TABLE_FIRST;
	pthread_mutex_init(&cells->lock, NULL);
	for (int i = 0; i < CELLS_POOLS; i++) {
		cells->open[i] = CHUNKS_MAX;
	}
	return cells;
}

void cells_free(struct cells *cells)
{
	if (cells == NULL) {
		return;
	}
	for (uint32_t i = 0; i < cells->chunk_limit; i++) {
		if (cells->chunks[i].slab != NULL) {
			slab_give(cells->chunks[i].slab,
				  cells->table->chunks[i]);
		}
	}
	assert(cells->table->holds == 1);
	free(cells->table);
	free(cells->chunks);
	free(cells->fresh);
	free(cells->garbage);
	free(cells->lost);
	pthread_mutex_destroy(&cells->lock);
	free(cells);
}

struct cells_table *cells_table_hold(struct cells *cells)
{
	pthread_mutex_lock(&cells->lock);
	cells->table->holds++;
	pthread_mutex_unlock(&cells->lock);
	return cells->table;
}

static void table_release(struct cells_table *table)
{
	if (--table->holds == 0) {
		free(table);
	}
}

void cells_table_release(struct cells *cells, struct cells_table *table)
{
	pthread_mutex_lock(&cells->lock);
	table_release(table);
	pthread_mutex_unlock(&cells->lock);
}

/* Under lock: twice the room for chunks. */
static bool table_grow(struct cells *cells)
{
	struct cells_table *old = cells->table;
	uint32_t capacity = old->capacity * 2;
	struct cells_table *table;
	struct chunk *chunks;

	if (capacity > CHUNKS_MAX) {
		return false;
	}
	table = calloc(1, sizeof(*table) + capacity * sizeof(uint8_t *));
	if (table == NULL) {
		return false;
	}
	chunks = realloc(cells->chunks, capacity * sizeof(struct chunk));
	if (chunks == NULL) {
		free(table);
		return false;
	}
	memset(chunks + old->capacity, 0,
	       (capacity - old->capacity) * sizeof(struct chunk));
	memcpy(table->chunks, old->chunks, old->capacity * sizeof(uint8_t *));
	table->holds = 1;
	table->capacity = capacity;
	cells->chunks = chunks;
	cells->table = table;
	table_release(old);
	return true;
}

/* Under lock: a number without a chunk, or CHUNKS_MAX. */
static uint32_t number_find(struct cells *cells)
{
	while (cells->chunk_free_hint < cells->chunk_limit) {
		if (cells->chunks[cells->chunk_free_hint].slab == NULL) {
			return cells->chunk_free_hint;
		}
		cells->chunk_free_hint++;
	}
	if (cells->chunk_limit == cells->table->capacity &&
	    !table_grow(cells)) {
		return CHUNKS_MAX;
	}
	return cells->chunk_limit++;
}

static bool fresh_note(struct cells *cells, uint32_t number)
{
	if (cells->fresh_count == cells->fresh_capacity) {
		size_t capacity = cells->fresh_capacity * 2 + 16;
		uint32_t *fresh =
			realloc(cells->fresh, capacity * sizeof(*fresh));

		if (fresh == NULL) {
			return false;
		}
		cells->fresh = fresh;
		cells->fresh_capacity = capacity;
	}
	cells->fresh[cells->fresh_count++] = number;
	return true;
}

/* A new chunk for the pool; the one before is filled no further. */
static bool chunk_open(struct cells *cells, enum cells_pool pool)
{
	struct chunk *chunk;
	struct slab *slab;
	uint32_t number;
	uint8_t *base;
	bool is_small;

	pthread_mutex_lock(&cells->lock);
	is_small = cells->chunks_used < CHUNKS_SMALL;
	pthread_mutex_unlock(&cells->lock);
	base = slab_take(&slab, is_small);
	if (base == NULL) {
		return false;
	}
	pthread_mutex_lock(&cells->lock);
	number = number_find(cells);
	if (number == CHUNKS_MAX || !fresh_note(cells, number)) {
		pthread_mutex_unlock(&cells->lock);
		slab_give(slab, base);
		return false;
	}
	chunk = &cells->chunks[number];
	memset(chunk, 0, sizeof(*chunk));
	chunk->slab = slab;
	chunk->is_open = true;
	chunk->is_fresh = true;
	/* Reference 0 means nothing. */
	if (number == 0) {
		chunk->fill = 1;
		chunk->dead = 1;
		cells->dead++;
		cells->filled++;
	}
	cells->table->chunks[number] = base;
	cells->chunks_used++;
	cells->open[pool] = number;
	pthread_mutex_unlock(&cells->lock);
	return true;
}

/* Under lock. */
static void chunk_close(struct cells *cells, uint32_t number)
{
	struct chunk *chunk = &cells->chunks[number];

	cells->filled -= chunk->fill;
	cells->dead -= chunk->dead;
	cells->chunks_used--;
	slab_give(chunk->slab, cells->table->chunks[number]);
	chunk->slab = NULL;
	chunk->is_victim = false;
	if (chunk->is_emptied) {
		cells->emptied--;
		cells->emptied_cells -= chunk->fill - chunk->dead;
	}
	cells->table->chunks[number] = NULL;
	if (number < cells->chunk_free_hint) {
		cells->chunk_free_hint = number;
	}
}

/* Under lock. */
static void chunk_add_dead(struct cells *cells, uint32_t number, uint32_t dead)
{
	struct chunk *chunk = &cells->chunks[number];

	chunk->dead += dead;
	cells->dead += dead;
	if (chunk->is_emptied) {
		cells->emptied_cells -= dead;
	}
	if (!chunk->is_open && chunk->dead == chunk->fill) {
		chunk_close(cells, number);
	}
}

/* --- transactions --------------------------------------------------------- */

void cells_begin(struct cells *cells)
{
	assert(!cells->is_writing);
	cells->is_writing = true;
	cells->has_failed = false;
	cells->allocated = 0;
	cells->fresh_count = 0;
	for (int i = 0; i < CELLS_POOLS; i++) {
		cells->open_before[i] = cells->open[i];
		if (cells->open[i] != CHUNKS_MAX) {
			struct chunk *chunk = &cells->chunks[cells->open[i]];

			chunk->mark = chunk->fill;
		}
	}
}

void *cells_alloc(struct cells *cells, enum cells_pool pool, size_t size,
		  uint32_t *ref)
{
	uint32_t count = cells_count(size);
	uint32_t number = cells->open[pool];
	struct chunk *chunk;

	assert(size > 0 && size <= CELLS_OBJECT_MAX && cells->is_writing);
	if (number == CHUNKS_MAX ||
	    cells->chunks[number].fill + count > CHUNK_CELLS) {
		if (!chunk_open(cells, pool)) {
			cells->has_failed = true;
			return NULL;
		}
		number = cells->open[pool];
	}
	chunk = &cells->chunks[number];
	*ref = number << CHUNK_BITS | chunk->fill;
	chunk->fill += count;
	cells->allocated += count;
	return cells_at(cells->table->chunks, *ref);
}

uint8_t *const *cells_chunks(const struct cells *cells)
{
	return cells->table->chunks;
}

uint64_t cells_take_retired(struct cells *cells)
{
	uint64_t retired;

	pthread_mutex_lock(&cells->lock);
	retired = cells->retired;
	cells->retired = 0;
	pthread_mutex_unlock(&cells->lock);
	return retired;
}

bool cells_is_mutable(const struct cells *cells, uint32_t ref)
{
	const struct chunk *chunk = &cells->chunks[ref >> CHUNK_BITS];

	return chunk->is_fresh || (ref & (CHUNK_CELLS - 1)) >= chunk->mark;
}

static bool garbage_note(struct cells_garbage **garbage, uint32_t number,
			 uint32_t count)
{
	struct cells_garbage *list = *garbage;

	if (list == NULL || list->count == list->capacity) {
		uint32_t capacity =
			list == NULL ? GARBAGE_FIRST : list->capacity * 2;

		list = realloc(list, sizeof(*list) +
					     capacity * sizeof(list->items[0]));
		if (list == NULL) {
			return false;
		}
		if (*garbage == NULL) {
			list->count = 0;
			list->cells = 0;
		}
		list->capacity = capacity;
		*garbage = list;
	}
	list->cells += count;
	if (list->count > 0 && list->items[list->count - 1].chunk == number) {
		list->items[list->count - 1].cells += count;
		return true;
	}
	list->items[list->count].chunk = number;
	list->items[list->count].cells = count;
	list->count++;
	return true;
}

void cells_drop(struct cells *cells, uint32_t ref, size_t size)
{
	struct cells_garbage **garbage =
		cells_is_mutable(cells, ref) ? &cells->lost : &cells->garbage;

	if (!garbage_note(garbage, ref >> CHUNK_BITS, cells_count(size))) {
		cells->has_failed = true;
	}
}

/* The chunks that this transaction may have filled: fresh ones and those that
 * were open before. Returns how many; index counts them. */
static size_t touched_count(const struct cells *cells)
{
	return CELLS_POOLS + cells->fresh_count;
}

static uint32_t touched_at(const struct cells *cells, size_t index)
{
	return index < CELLS_POOLS ? cells->open_before[index]
				   : cells->fresh[index - CELLS_POOLS];
}

/* Cells that the transaction took from the chunk. */
static uint32_t touched_cells(const struct cells *cells, uint32_t number)
{
	const struct chunk *chunk = &cells->chunks[number];

	return chunk->is_fresh ? chunk->fill - (number == 0 ? 1u : 0u)
			       : chunk->fill - chunk->mark;
}

static bool is_open_in_a_pool(const struct cells *cells, uint32_t number)
{
	for (int i = 0; i < CELLS_POOLS; i++) {
		if (cells->open[i] == number) {
			return true;
		}
	}
	return false;
}

/* What this transaction made and kept, should its version be undone. */
static bool made_collect(struct cells *cells, struct cells_garbage **made)
{
	for (size_t i = 0; i < touched_count(cells); i++) {
		uint32_t number = touched_at(cells, i);
		uint32_t count;

		if (number == CHUNKS_MAX) {
			continue;
		}
		count = touched_cells(cells, number);
		if (count > 0 && !garbage_note(made, number, count)) {
			return false;
		}
	}
	return true;
}

/* What was lost within the transaction is no longer there to be undone. */
static void made_subtract_lost(struct cells *cells, struct cells_garbage *made)
{
	const struct cells_garbage *lost = cells->lost;

	for (uint32_t i = 0; lost != NULL && i < lost->count; i++) {
		/* The chunk's number is borrowed for an index meanwhile. */
		uint32_t number = lost->items[i].chunk;
		struct chunk *chunk = &cells->chunks[number];
		uint32_t at = chunk->mark;

		made->items[at].cells -= lost->items[i].cells;
		made->cells -= lost->items[i].cells;
	}
}

enum status cells_commit(struct cells *cells, struct cells_garbage **garbage,
			 struct cells_garbage **out_made)
{
	struct cells_garbage *made = NULL;

	if (cells->has_failed || !made_collect(cells, &made)) {
		free(made);
		return STATUS_NO_MEMORY;
	}
	pthread_mutex_lock(&cells->lock);
	cells->filled += cells->allocated;
	for (uint32_t i = 0; made != NULL && i < made->count; i++) {
		cells->chunks[made->items[i].chunk].mark = i;
	}
	made_subtract_lost(cells, made);
	for (size_t i = 0; i < touched_count(cells); i++) {
		uint32_t number = touched_at(cells, i);

		if (number != CHUNKS_MAX) {
			cells->chunks[number].mark = CHUNK_CELLS;
			cells->chunks[number].is_fresh = false;
			cells->chunks[number].is_open =
				is_open_in_a_pool(cells, number);
		}
	}
	for (size_t i = 0; i < touched_count(cells); i++) {
		uint32_t number = touched_at(cells, i);

		if (number != CHUNKS_MAX &&
		    cells->chunks[number].slab != NULL) {
			chunk_add_dead(cells, number, 0);
		}
	}
	for (uint32_t i = 0; cells->lost != NULL && i < cells->lost->count;
	     i++) {
		chunk_add_dead(cells, cells->lost->items[i].chunk,
			       cells->lost->items[i].cells);
	}
	if (cells->garbage != NULL) {
		cells->waiting += cells->garbage->cells;
	}
	cells->last_allocated = cells->allocated;
	pthread_mutex_unlock(&cells->lock);
	free(cells->lost);
	cells->lost = NULL;
	*garbage = cells->garbage;
	*out_made = made;
	cells->garbage = NULL;
	cells->is_writing = false;
	return STATUS_OK;
}

void cells_abort(struct cells *cells)
{
	assert(cells->is_writing);
	pthread_mutex_lock(&cells->lock);
	for (size_t i = 0; i < cells->fresh_count; i++) {
		uint32_t number = cells->fresh[i];

		/* What it was filled with was not counted yet. */
		cells->chunks[number].fill = cells->chunks[number].dead;
		cells->chunks[number].is_fresh = false;
		cells->chunks[number].is_open = false;
		chunk_close(cells, number);
	}
	for (int i = 0; i < CELLS_POOLS; i++) {
		uint32_t number = cells->open_before[i];

		cells->open[i] = number;
		if (number != CHUNKS_MAX) {
			cells->chunks[number].fill = cells->chunks[number].mark;
			cells->chunks[number].mark = CHUNK_CELLS;
		}
	}
	pthread_mutex_unlock(&cells->lock);
	free(cells->lost);
	free(cells->garbage);
	cells->lost = NULL;
	cells->garbage = NULL;
	cells->is_writing = false;
}

void cells_retire(struct cells *cells, struct cells_garbage *garbage)
{
	if (garbage == NULL) {
		return;
	}
	pthread_mutex_lock(&cells->lock);
	cells->waiting -= garbage->cells;
	cells->retired += garbage->cells;
	for (uint32_t i = 0; i < garbage->count; i++) {
		chunk_add_dead(cells, garbage->items[i].chunk,
			       garbage->items[i].cells);
	}
	pthread_mutex_unlock(&cells->lock);
	free(garbage);
}

void cells_undo(struct cells *cells, struct cells_garbage *garbage,
		struct cells_garbage *made)
{
	pthread_mutex_lock(&cells->lock);
	assert(!cells->is_writing);
	if (garbage != NULL) {
		cells->waiting -= garbage->cells;
	}
	for (uint32_t i = 0; i < cells->chunk_limit; i++) {
		cells->chunks[i].is_victim = false;
		cells->chunks[i].is_emptied = false;
	}
	cells->emptied = 0;
	cells->emptied_cells = 0;
	for (uint32_t i = 0; made != NULL && i < made->count; i++) {
		chunk_add_dead(cells, made->items[i].chunk,
			       made->items[i].cells);
	}
	pthread_mutex_unlock(&cells->lock);
	free(made);
	free(garbage);
}

/* --- compaction's choice -------------------------------------------------- */

/*
 * Under lock: cells of chunks above what live cells need, and that part more.
 */
static uint64_t excess_cells(const struct cells *cells, unsigned chunks,
			     unsigned percent)
{
	uint64_t used =
		(uint64_t)(cells->chunks_used - cells->emptied) * CHUNK_CELLS;
	uint64_t live = cells->filled - cells->dead - cells->emptied_cells;
	uint64_t fair =
		live + live * percent / 100 + (uint64_t)chunks * CHUNK_CELLS;

	return used > fair ? used - fair : 0;
}

enum {
	BUCKETS = 64, /* chunks by the part of them that is dead */
};

static uint32_t chunk_gain(const struct chunk *chunk)
{
	return CHUNK_CELLS - (chunk->fill - chunk->dead);
}

static unsigned bucket_of(const struct chunk *chunk)
{
	return chunk_gain(chunk) * BUCKETS / (CHUNK_CELLS + 1);
}

static bool may_be_victim(const struct chunk *chunk)
{
	return chunk->slab != NULL && !chunk->is_open && !chunk->is_emptied;
}

bool cells_choose_victims(struct cells *cells)
{
	uint64_t gains[BUCKETS] = {0};
	uint64_t excess;
	uint64_t gain = 0;
	unsigned least = BUCKETS;
	bool has_any = false;

	pthread_mutex_lock(&cells->lock);
	excess = excess_cells(cells, START_CHUNKS, START_PERCENT);
	if (excess > 0) {
		excess = excess_cells(cells, GOAL_CHUNKS, GOAL_PERCENT);
	}
	for (uint32_t i = 0; excess > 0 && i < cells->chunk_limit; i++) {
		const struct chunk *chunk = &cells->chunks[i];

		if (may_be_victim(chunk)) {
			gains[bucket_of(chunk)] += chunk_gain(chunk);
		}
	}
	/* The emptiest first, and what is nearly full never. */
	while (least > 1 && gain < excess) {
		least--;
		gain += gains[least];
	}
	gain = 0;
	for (uint32_t i = 0; gain < excess && i < cells->chunk_limit; i++) {
		struct chunk *chunk = &cells->chunks[i];

		if (may_be_victim(chunk) && bucket_of(chunk) >= least) {
			chunk->is_victim = true;
			gain += chunk_gain(chunk);
			has_any = true;
		}
	}
	pthread_mutex_unlock(&cells->lock);
	return has_any;
}

bool cells_is_victim(const struct cells *cells, uint32_t ref)
{
	return cells->chunks[ref >> CHUNK_BITS].is_victim;
}

void cells_victims_emptied(struct cells *cells)
{
	pthread_mutex_lock(&cells->lock);
	for (uint32_t i = 0; i < cells->chunk_limit; i++) {
		struct chunk *chunk = &cells->chunks[i];

		if (chunk->is_victim) {
			chunk->is_victim = false;
			chunk->is_emptied = true;
			cells->emptied++;
			cells->emptied_cells += chunk->fill - chunk->dead;
		}
	}
	pthread_mutex_unlock(&cells->lock);
}

void cells_stats_get(struct cells *cells, struct cells_stats *out)
{
	pthread_mutex_lock(&cells->lock);
	out->mapped = (size_t)cells->chunks_used * CHUNK_SIZE;
	out->live = (size_t)(cells->filled - cells->dead - cells->waiting) *
		    CELL_SIZE;
	out->dead = (size_t)cells->dead * CELL_SIZE;
	out->waiting = (size_t)cells->waiting * CELL_SIZE;
	out->allocated = (size_t)cells->last_allocated * CELL_SIZE;
	pthread_mutex_unlock(&cells->lock);
}
