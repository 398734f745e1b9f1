/*
 * arena.h - memory that is given back all at once.
 *
 * For work with one end: reading a file, building a version. Blocks come from
 * mmap() and are kept out of core dumps (MADV_DONTDUMP): a crash must not wait
 * for them. One thread at a time.
 */
#pragma once

#include <stddef.h>

struct arena;

/* NULL when there is no memory. */
struct arena *arena_new(void);
void arena_free(struct arena *arena);

/* size octets, aligned to 8, not cleared; NULL when there is no memory. */
void *arena_alloc(struct arena *arena, size_t size);

/* Octets mapped. */
size_t arena_mapped(const struct arena *arena);
