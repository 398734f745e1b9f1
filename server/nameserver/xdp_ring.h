/*
 * xdp_ring.h - one AF_XDP socket: a queue of an interface, its frames, its
 * rings.
 *
 *	fill ring --kernel--> receive ring --> worker --> fill ring
 *	free frames --> worker --> send ring --kernel--> completion ring
 *		    --> free frames
 *
 * The memory is the ring's own, one mapping made at start, kept out of core
 * dumps. Frames to receive into go round in the order of the rings. Frames to
 * send from are taken last in, first out: those that were in use a moment ago
 * are in the cache still.
 *
 * One thread uses a ring, save where it says otherwise. Lifetime: the caller's.
 */
#pragma once

#include "lib/base/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xdp/xsk.h>

enum {
	XDP_RING_RECEIVE = 2048, /* frames; a burst waits in them */
	XDP_RING_SEND = 1024,
	XDP_RING_ERROR_MAX = 256,
	XDP_RING_MTU_LEAST = 576, /* RFC 791: less holds no answer */
};

struct xdp_ring {
	struct xsk_ring_cons receive;
	struct xsk_ring_prod fill;
	struct xsk_ring_prod send;
	struct xsk_ring_cons completion;
	uint8_t *area;
	uint32_t chunk;      /* octets of a frame */
	uint32_t free_count; /* frames to send from */
	uint32_t in_flight;  /* given to the kernel, not completed yet */
	uint64_t free_frames[XDP_RING_SEND];
	int fd;
	unsigned busy_poll_us; /* 0: off */
	/* Octets of an IP packet; whoever watches the interface may lower it. */
	_Atomic uint32_t mtu;
	size_t area_size;
	struct xsk_umem *umem;
	struct xsk_socket *socket;
	bool is_zero_copy;
	bool is_down; /* the interface was, at the last attempt to send */
};

struct xdp_ring_settings {
	const char *interface; /* its name */
	uint32_t queue;
	uint32_t mtu;
	bool must_copy;        /* generic mode: the device knows nothing */
	unsigned busy_poll_us; /* spin for so long before sleeping; 0: do not */
};

/* What lies in a received frame, valid until xdp_ring_give_back(). */
struct xdp_ring_packet {
	uint8_t *start;
	uint32_t size;
};

/* Octets of a frame for a device of that MTU. */
uint32_t xdp_ring_chunk(uint32_t mtu);
/* The largest received frame that fits into one. */
uint32_t xdp_ring_room(uint32_t chunk);

/*
 * NULL with a line in error ('queue 0: REASON'). A socket of a process that was
 * killed may hold the queue for a moment: that is waited for.
 */
struct xdp_ring *xdp_ring_open(const struct xdp_ring_settings *settings,
			       char error[XDP_RING_ERROR_MAX]);
/* NULL is fine. */
void xdp_ring_close(struct xdp_ring *ring);

/* Take up to most packets. Give all of them back before the next call. */
size_t xdp_ring_take(struct xdp_ring *ring, struct xdp_ring_packet *packets,
		     size_t most);
void xdp_ring_give_back(struct xdp_ring *ring, size_t count);

/* A frame of ring->chunk octets to fill, or NULL: all are under way. It is to
 * be queued or dropped. */
static inline uint8_t *xdp_ring_claim(struct xdp_ring *ring)
{
	return ring->free_count > 0
		       ? ring->area + ring->free_frames[--ring->free_count]
		       : NULL;
}

static inline void xdp_ring_drop(struct xdp_ring *ring, const uint8_t *frame)
{
	ring->free_frames[ring->free_count++] = (uint64_t)(frame - ring->area);
}

/* Send a claimed frame: with the next xdp_ring_flush(). */
static inline void xdp_ring_queue(struct xdp_ring *ring, const uint8_t *frame,
				  size_t size)
{
	uint32_t at = 0;

	/* There are as many places as there are frames. */
	(void)xsk_ring_prod__reserve(&ring->send, 1, &at);
	*xsk_ring_prod__tx_desc(&ring->send, at) = (struct xdp_desc){
		.addr = (uint64_t)(frame - ring->area),
		.len = (uint32_t)size,
	};
	ring->in_flight++;
}

/* Hand what was queued to the kernel, and take back what has gone. */
void xdp_ring_flush(struct xdp_ring *ring, size_t queued);

/* Take back what has gone; make the kernel go on with what has not. Returns how
 * many frames came back. */
size_t xdp_ring_reap(struct xdp_ring *ring);

/* Has the kernel not taken yet what was to be sent? */
bool xdp_ring_is_stuck(const struct xdp_ring *ring);

/* Busy polling: let the device be looked at now, in this thread. */
void xdp_ring_poll(struct xdp_ring *ring);

/* Any thread: packets that wait to be taken. */
uint32_t xdp_ring_waiting(const struct xdp_ring *ring);

/* Any thread: packets that found no frame or no place, since it was opened. */
uint64_t xdp_ring_drops(const struct xdp_ring *ring);
