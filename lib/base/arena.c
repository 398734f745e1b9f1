#include "lib/base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
	BLOCK_FIRST = 64 << 10,
	BLOCK_MOST = 4 << 20,
};

struct block {
	struct block *next;
	size_t size; /* octets mapped, this head included */
};

struct arena {
	struct block *blocks;
	uint8_t *at;
	uint8_t *end;
	size_t next_size;
	size_t mapped;
};

struct arena *arena_new(void)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena != NULL) {
		arena->next_size = BLOCK_FIRST;
	}
	return arena;
}

void arena_free(struct arena *arena)
{
	if (arena == NULL) {
		return;
	}
	while (arena->blocks != NULL) {
		struct block *block = arena->blocks;

		arena->blocks = block->next;
		munmap(block, block->size);
	}
	free(arena);
}

/* Map a block that holds at least size octets behind its head. */
static struct block *block_map(struct arena *arena, size_t size)
{
	const size_t page = 4096;
	size_t want = sizeof(struct block) + size;
	struct block *block;

	if (want < arena->next_size) {
		want = arena->next_size;
	}
	want = (want + page - 1) & ~(page - 1);
	block = mmap(NULL, want, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (block == MAP_FAILED) {
		return NULL;
	}
	madvise(block, want, MADV_DONTDUMP);
	block->size = want;
	block->next = arena->blocks;
	arena->blocks = block;
	arena->mapped += want;
	if (arena->next_size < BLOCK_MOST) {
		arena->next_size *= 2;
	}
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	uint8_t *at;

	if (size > SIZE_MAX / 2) {
		return NULL;
	}
	size = (size + 7) & ~(size_t)7;
	if ((size_t)(arena->end - arena->at) < size) {
		struct block *block = block_map(arena, size);

		if (block == NULL) {
			return NULL;
		}
		arena->at = (uint8_t *)(block + 1);
		arena->end = (uint8_t *)block + block->size;
	}
	at = arena->at;
	arena->at += size;
	return at;
}

size_t arena_mapped(const struct arena *arena)
{
	return arena->mapped;
}
