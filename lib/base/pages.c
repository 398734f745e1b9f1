#include "lib/base/pages.h"

#include <stdint.h>
#include <sys/mman.h>

static void *map(size_t size)
{
	void *start = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return start != MAP_FAILED ? start : NULL;
}

/* More than is needed, less what is too much before and behind. */
static void *map_aligned(size_t size)
{
	uint8_t *start = map(size + PAGES_HUGE);
	size_t head;

	if (start == NULL) {
		return NULL;
	}
	head = (size_t)(-(uintptr_t)start & (PAGES_HUGE - 1));
	if (head > 0) {
		munmap(start, head);
	}
	start += head;
	munmap(start + size, PAGES_HUGE - head);
	return start;
}

enum {
	PAGE = 4096, /* the smallest of any machine */
};

/* Whole pages: the end of a mapping is cut off there. */
static size_t whole_pages(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

void *pages_map(size_t size)
{
	void *start;

	size = whole_pages(size);
	start = size >= PAGES_HUGE ? map_aligned(size) : map(size);
	if (start == NULL) {
		return NULL;
	}
	(void)madvise(start, size, MADV_DONTDUMP);
	if (size >= PAGES_HUGE) {
		/* A kernel without them says so, and nothing is lost. */
		(void)madvise(start, size, MADV_HUGEPAGE);
	}
	return start;
}

void pages_touch(void *start, size_t size)
{
	volatile uint8_t *octets = start;

	for (size_t at = 0; at < size; at += PAGE) {
		octets[at] = 0;
	}
}

void pages_unmap(void *start, size_t size)
{
	if (start != NULL) {
		munmap(start, whole_pages(size));
	}
}
