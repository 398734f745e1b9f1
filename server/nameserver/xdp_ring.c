/*
 * xdp_ring.c - one AF_XDP socket, over libxdp's rings.
 *
 * libxdp makes the socket and maps the rings; programs are none of its business
 * here (INHIBIT_PROG_LOAD): its dispatcher would stay on the interface after a
 * crash, where ours is held by a descriptor and goes with the process.
 *
 * Whether the device copies is left to the kernel, which takes zero-copy where
 * the driver has it.
 */
#include "server/nameserver/xdp_ring.h"

#include "lib/base/pages.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum {
	HEADROOM = 256, /* XDP_PACKET_HEADROOM: the kernel leaves it free */
	CHUNK_SMALL = 2048,
	CHUNK_LARGE = 4096, /* a page: no larger ones exist */
	LINK_MAX = 22,      /* Ethernet header and two VLAN tags */
	SEND_CALLS_MAX =
		2 * XDP_RING_SEND / 32, /* the kernel sends 32 a call */
	CACHE_LINE = 64,
	BUSY_TRIES = 40,
	BUSY_WAIT_MS = 50,
	BUSY_POLL_BUDGET = 64,
};

uint32_t xdp_ring_chunk(uint32_t mtu)
{
	return mtu + LINK_MAX + HEADROOM <= CHUNK_SMALL ? CHUNK_SMALL
							: CHUNK_LARGE;
}

uint32_t xdp_ring_room(uint32_t chunk)
{
	return chunk - HEADROOM;
}

/* Pinned memory counts as locked. root may raise the limit. */
static void raise_memory_limit(void)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

	(void)setrlimit(RLIMIT_MEMLOCK, &all);
}

static int make_umem(struct xdp_ring *ring)
{
	const struct xsk_umem_config config = {
		.fill_size = XDP_RING_RECEIVE,
		.comp_size = XDP_RING_SEND,
		.frame_size = ring->chunk,
	};

	ring->area_size =
		(size_t)(XDP_RING_RECEIVE + XDP_RING_SEND) * ring->chunk;
	ring->area = pages_map(ring->area_size);
	if (ring->area == NULL) {
		return -ENOMEM;
	}
	return xsk_umem__create(&ring->umem, ring->area, ring->area_size,
				&ring->fill, &ring->completion, &config);
}

static void sleep_ms(long ms)
{
	const struct timespec time = {.tv_nsec = ms * 1000000};

	nanosleep(&time, NULL);
}

static int make_socket(struct xdp_ring *ring,
		       const struct xdp_ring_settings *settings)
{
	const struct xsk_socket_config config = {
		.rx_size = XDP_RING_RECEIVE,
		.tx_size = XDP_RING_SEND,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = (uint16_t)(XDP_USE_NEED_WAKEUP |
					 (settings->must_copy ? XDP_COPY : 0)),
	};
	int error = 0;

	for (unsigned i = 0; i < BUSY_TRIES; i++) {
		error = xsk_socket__create(
			&ring->socket, settings->interface, settings->queue,
			ring->umem, &ring->receive, &ring->send, &config);
		if (error != -EBUSY) {
			break;
		}
		sleep_ms(BUSY_WAIT_MS);
	}
	return error;
}

static bool is_zero_copy(int fd)
{
	struct xdp_options options = {0};
	socklen_t size = sizeof(options);

	return getsockopt(fd, SOL_XDP, XDP_OPTIONS, &options, &size) == 0 &&
	       (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

static int set_busy_poll(int fd, unsigned us)
{
	const int on = 1;
	const int time = (int)us;
	const int budget = BUSY_POLL_BUDGET;

	if (setsockopt(fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &on, sizeof(on)) !=
		    0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &time, sizeof(time)) !=
		    0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL_BUDGET, &budget,
		       sizeof(budget)) != 0) {
		return -errno;
	}
	return 0;
}

/* All receive frames to the kernel, all others free. */
static void deal_frames(struct xdp_ring *ring)
{
	uint32_t at = 0;

	(void)xsk_ring_prod__reserve(&ring->fill, XDP_RING_RECEIVE, &at);
	for (uint32_t i = 0; i < XDP_RING_RECEIVE; i++) {
		*xsk_ring_prod__fill_addr(&ring->fill, at + i) =
			(uint64_t)i * ring->chunk;
	}
	xsk_ring_prod__submit(&ring->fill, XDP_RING_RECEIVE);
	for (uint32_t i = 0; i < XDP_RING_SEND; i++) {
		ring->free_frames[i] =
			(uint64_t)(XDP_RING_RECEIVE + i) * ring->chunk;
	}
	ring->free_count = XDP_RING_SEND;
}

static int open_all(struct xdp_ring *ring,
		    const struct xdp_ring_settings *settings)
{
	int error = make_umem(ring);

	if (error == 0) {
		error = make_socket(ring, settings);
	}
	if (error != 0) {
		return error;
	}
	ring->fd = xsk_socket__fd(ring->socket);
	ring->is_zero_copy = is_zero_copy(ring->fd);
	deal_frames(ring);
	return settings->busy_poll_us != 0
		       ? set_busy_poll(ring->fd, settings->busy_poll_us)
		       : 0;
}

static const char *reason(int error)
{
	switch (error) {
	case EBUSY:
		return "another AF_XDP socket has it";
	case EPERM:
		return "not permitted (AF_XDP needs CAP_NET_RAW)";
	case ENOBUFS:
	case ENOMEM:
		return "no memory that may be locked";
	case EAFNOSUPPORT:
		return "this kernel has no AF_XDP";
	default:
		return strerror(error);
	}
}

struct xdp_ring *xdp_ring_open(const struct xdp_ring_settings *settings,
			       char error[XDP_RING_ERROR_MAX])
{
	struct xdp_ring *ring = calloc(1, sizeof(*ring));
	int code;

	if (ring == NULL) {
		snprintf(error, XDP_RING_ERROR_MAX, "queue %u: %s",
			 settings->queue, status_text(STATUS_NO_MEMORY));
		return NULL;
	}
	raise_memory_limit();
	ring->chunk = xdp_ring_chunk(settings->mtu);
	ring->busy_poll_us = settings->busy_poll_us;
	atomic_init(&ring->mtu, settings->mtu);
	code = open_all(ring, settings);
	if (code != 0) {
		snprintf(error, XDP_RING_ERROR_MAX, "queue %u: %s",
			 settings->queue, reason(-code));
		xdp_ring_close(ring);
		return NULL;
	}
	return ring;
}

void xdp_ring_close(struct xdp_ring *ring)
{
	if (ring == NULL) {
		return;
	}
	if (ring->socket != NULL) {
		xsk_socket__delete(ring->socket);
	}
	if (ring->umem != NULL) {
		(void)xsk_umem__delete(ring->umem);
	}
	pages_unmap(ring->area, ring->area_size);
	free(ring);
}

size_t xdp_ring_take(struct xdp_ring *ring, struct xdp_ring_packet *packets,
		     size_t most)
{
	uint32_t at;
	uint32_t count =
		xsk_ring_cons__peek(&ring->receive, (uint32_t)most, &at);

	for (uint32_t i = 0; i < count; i++) {
		const struct xdp_desc *slot =
			xsk_ring_cons__rx_desc(&ring->receive, at + i);

		packets[i].start = ring->area + slot->addr;
		packets[i].size = slot->len;
		/* The kernel may have written it on another CPU. */
		__builtin_prefetch(packets[i].start);
		__builtin_prefetch(packets[i].start + CACHE_LINE);
	}
	return count;
}

void xdp_ring_give_back(struct xdp_ring *ring, size_t count)
{
	uint32_t number = (uint32_t)count;
	uint32_t first = ring->receive.cached_cons - number;
	uint32_t at = 0;

	/* As many places as frames: it cannot fail. */
	(void)xsk_ring_prod__reserve(&ring->fill, number, &at);
	for (uint32_t i = 0; i < number; i++) {
		uint64_t address =
			xsk_ring_cons__rx_desc(&ring->receive, first + i)->addr;

		*xsk_ring_prod__fill_addr(&ring->fill, at + i) =
			address & ~(uint64_t)(ring->chunk - 1);
	}
	xsk_ring_prod__submit(&ring->fill, number);
	xsk_ring_cons__release(&ring->receive, number);
	if (xsk_ring_prod__needs_wakeup(&ring->fill)) {
		(void)recvfrom(ring->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
	}
}

static bool has_unsent(const struct xdp_ring *ring)
{
	return __atomic_load_n(ring->send.consumer, __ATOMIC_RELAXED) !=
	       *ring->send.producer;
}

/*
 * EAGAIN: the kernel took a part and would be asked again. Anything else (a
 * device that is busy or down) leaves the rest for the next flush, which is
 * bounded in its turn by the frames there are.
 */
static void kick(struct xdp_ring *ring)
{
	for (unsigned i = 0; i < SEND_CALLS_MAX && has_unsent(ring); i++) {
		if (!xsk_ring_prod__needs_wakeup(&ring->send)) {
			return;
		}
		ring->is_down = false;
		if (sendto(ring->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 &&
		    errno != EAGAIN && errno != EINTR) {
			ring->is_down = errno == ENETDOWN;
			return;
		}
	}
}

static size_t take_completions(struct xdp_ring *ring)
{
	uint32_t at = 0;
	uint32_t count =
		xsk_ring_cons__peek(&ring->completion, XDP_RING_SEND, &at);

	for (uint32_t i = 0; i < count; i++) {
		ring->free_frames[ring->free_count++] =
			*xsk_ring_cons__comp_addr(&ring->completion, at + i);
	}
	if (count > 0) {
		xsk_ring_cons__release(&ring->completion, count);
	}
	ring->in_flight -= count;
	return count;
}

void xdp_ring_flush(struct xdp_ring *ring, size_t queued)
{
	if (queued > 0) {
		xsk_ring_prod__submit(&ring->send, (uint32_t)queued);
		kick(ring);
	}
	(void)take_completions(ring);
}

size_t xdp_ring_reap(struct xdp_ring *ring)
{
	if (has_unsent(ring)) {
		kick(ring);
	}
	return take_completions(ring);
}

bool xdp_ring_is_stuck(const struct xdp_ring *ring)
{
	return !ring->is_down && has_unsent(ring);
}

void xdp_ring_poll(struct xdp_ring *ring)
{
	(void)recvfrom(ring->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

uint32_t xdp_ring_waiting(const struct xdp_ring *ring)
{
	return __atomic_load_n(ring->receive.producer, __ATOMIC_RELAXED) -
	       __atomic_load_n(ring->receive.consumer, __ATOMIC_RELAXED);
}

uint64_t xdp_ring_drops(const struct xdp_ring *ring)
{
	struct xdp_statistics statistics = {0};
	socklen_t size = sizeof(statistics);

	if (getsockopt(ring->fd, SOL_XDP, XDP_STATISTICS, &statistics, &size) !=
	    0) {
		return 0;
	}
	return statistics.rx_dropped + statistics.rx_ring_full;
}
