/*
 * pages.h - large memory straight from the system, for what is read at random.
 *
 * Mappings of 2 MiB and more begin at a multiple of that and ask for huge
 * pages: where every query touches a few lines anywhere in megabytes, finding
 * the pages costs more than reading the lines. Nothing of it is written to a
 * core: a crash must not wait for that. Any thread.
 */
#pragma once

#include <stddef.h>

enum {
	PAGES_HUGE = 2 << 20, /* octets */
};

/* Zeroed, of size octets, for reading and writing; NULL: no memory. */
void *pages_map(size_t size);

/*
 * Have every page of a mapping, still all zero, in memory now. The first touch
 * of a huge page takes the system milliseconds (it is cleared, and where the
 * machine is virtual its host finds room first): not for a thread that answers.
 */
void pages_touch(void *start, size_t size);

/* The same size as it was mapped with. NULL is fine. */
void pages_unmap(void *start, size_t size);
