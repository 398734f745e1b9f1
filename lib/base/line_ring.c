#include "lib/base/line_ring.h"

#include <assert.h>
#include <string.h>

static struct line_ring_slot *slot_at(struct line_ring *ring, uint64_t position)
{
	return &ring->slots[position % LINE_RING_SLOTS];
}

void line_ring_init(struct line_ring *ring)
{
	atomic_init(&ring->head, 0);
	atomic_init(&ring->tail, 0);
	atomic_init(&ring->dropped, 0);
	for (uint64_t i = 0; i < LINE_RING_SLOTS; i++) {
		atomic_init(&ring->slots[i].turn, i);
	}
}

bool line_ring_put(struct line_ring *ring, const char *line, size_t size)
{
	uint64_t at = atomic_load_explicit(&ring->head, memory_order_relaxed);
	struct line_ring_slot *slot;

	assert(size <= LOG_LINE_MAX);
	for (;;) {
		uint64_t turn;

		slot = slot_at(ring, at);
		turn = atomic_load_explicit(&slot->turn, memory_order_acquire);
		if (turn == at) {
			/* On failure 'at' becomes the head: others went on. */
			if (atomic_compare_exchange_weak_explicit(
				    &ring->head, &at, at + 1,
				    memory_order_relaxed,
				    memory_order_relaxed)) {
				break;
			}
		} else if (turn < at) {
			atomic_fetch_add_explicit(&ring->dropped, 1,
						  memory_order_relaxed);
			return false;
		} else {
			at = atomic_load_explicit(&ring->head,
						  memory_order_relaxed);
		}
	}
	memcpy(slot->text, line, size);
	slot->size = size;
	atomic_store_explicit(&slot->turn, at + 1, memory_order_release);
	return true;
}

size_t line_ring_take(struct line_ring *ring, char line[LOG_LINE_MAX])
{
	uint64_t at = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	struct line_ring_slot *slot = slot_at(ring, at);
	size_t size;

	if (atomic_load_explicit(&slot->turn, memory_order_acquire) != at + 1) {
		return 0;
	}
	size = slot->size;
	memcpy(line, slot->text, size);
	atomic_store_explicit(&slot->turn, at + LINE_RING_SLOTS,
			      memory_order_release);
	atomic_store_explicit(&ring->tail, at + 1, memory_order_release);
	return size;
}

bool line_ring_is_empty(const struct line_ring *ring)
{
	return atomic_load_explicit(&ring->tail, memory_order_acquire) ==
	       atomic_load_explicit(&ring->head, memory_order_acquire);
}

uint64_t line_ring_dropped(struct line_ring *ring)
{
	return atomic_exchange_explicit(&ring->dropped, 0,
					memory_order_relaxed);
}
