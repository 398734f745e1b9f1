/*
 * xdp.c - queries from AF_XDP rings, answers into them, never waiting.
 *
 *	wake-up -> take (64) -> verify, answer each -> one system call sends
 *	        -> again, while there was something and fewer than
 *	           XDP_BATCHES_A_WAKE were done
 *
 * The same line as udp.c, with another door: answer_query() reads the query
 * where the device has put it and writes the reply where the device will take
 * it; xdp_frame.c does what the kernel does for a socket.
 *
 * A reply has to fit a packet of the interface's MTU: nothing is fragmented
 * here. With an MTU of 1,280 or more that changes nothing for the default
 * udp_payload.
 *
 * While there is much to do the rings are not watched: a socket in an epoll set
 * has someone to wake up, and the kernel goes about that once for every packet
 * that it has sent and for every batch that it has received, under two locks. A
 * worker that has met a full batch takes its ring off the set, comes back by an
 * idle handle, after TCP and timers had their turn, and watches it again once
 * it has found it empty. (udp.c does the same.)
 *
 * Busy polling: where it is asked for, the worker goes on looking at its rings
 * for that many microseconds after the last packet, and has the device looked
 * at in its own thread, before it sleeps.
 */
#include "server/nameserver/xdp.h"

#include "lib/base/log.h"
#include "server/nameserver/section.h"
#include "server/nameserver/xdp_frame.h"
#include "server/nameserver/xdp_ring.h"

#include <stdlib.h>

enum {
	XDP_BATCH = 64,
	XDP_BATCHES_A_WAKE = 16,
	XDP_MESSAGE_MAX = 4096, /* as udp.c's */
};

struct xdp_queue {
	uv_poll_t poll;
	struct xdp *xdp;
	struct xdp_ring *ring;
	bool is_busy;        /* not watched, but asked each time round */
	uint32_t id_state;   /* of the IPv4 identification */
	uint64_t drops_seen; /* main thread */
};

struct xdp {
	uv_idle_t idle; /* active while a queue is busy */
	size_t busy;    /* how many are */
	struct answer_context *answer;
	struct counters_worker *worker;
	struct counters_transport *counters;
	bool takes_partial_checksum;
	/* Of one batch. */
	struct answer_task task[XDP_BATCH];
	struct xdp_frame query[XDP_BATCH];
	size_t count;
	struct xdp_queue queues[];
};

/* Any number will do that does not follow from the one before it at a glance:
 * xorshift, seeded from the system (RFC 6864 4.1 asks for no more of replies
 * that are not fragmented at their source). */
static uint16_t next_id(struct xdp_queue *queue)
{
	uint32_t x = queue->id_state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	queue->id_state = x;
	return (uint16_t)x;
}

static bool may_be_answered(struct xdp *xdp, enum xdp_frame_verdict verdict)
{
	struct counters_transport *t = xdp->counters;

	switch (verdict) {
	case XDP_FRAME_GOOD:
		return true;
	case XDP_FRAME_PARTIAL_CHECKSUM:
		if (xdp->takes_partial_checksum) {
			return true;
		}
		counter_add(&t->partial_checksum, 1);
		return false;
	case XDP_FRAME_BAD_CHECKSUM:
		counter_add(&t->bad_checksum, 1);
		return false;
	case XDP_FRAME_BAD_SOURCE:
		counter_add(&t->bad_source, 1);
		return false;
	case XDP_FRAME_MALFORMED:
		counter_add(&t->malformed, 1);
		return false;
	}
	return false;
}

/* Room for a message in one packet, and in one frame. */
static size_t reply_room(const struct xdp_ring *ring,
			 const struct xdp_frame *query)
{
	size_t mtu = atomic_load_explicit(&ring->mtu, memory_order_relaxed);
	size_t packet = mtu - (size_t)(query->headers - query->network);
	size_t frame = ring->chunk - query->headers;
	size_t room = packet < frame ? packet : frame;

	return room < XDP_MESSAGE_MAX ? room : XDP_MESSAGE_MAX;
}

static void count_reply(struct counters_transport *t, size_t size,
			const struct answer_note *note)
{
	counters_reply_size(t, size);
	counters_rcode(t, note->rcode);
	counter_add(&t->truncated, note->is_truncated);
	counter_add(&t->delegations, note->is_delegation);
}

/* The queries among the packets that deserve an answer become tasks, each with
 * a frame for its reply. */
static size_t pick_tasks(struct xdp_queue *queue,
			 const struct xdp_ring_packet *packets, size_t count)
{
	struct xdp *xdp = queue->xdp;
	struct counters_transport *t = xdp->counters;
	size_t tasks = 0;

	for (size_t i = 0; i < count; i++) {
		struct xdp_frame *query = &xdp->query[tasks];
		struct answer_task *task = &xdp->task[tasks];
		uint8_t *frame;

		if (!may_be_answered(xdp,
				     xdp_frame_parse(packets[i].start,
						     packets[i].size, query))) {
			continue;
		}
		counter_add(query->is_ipv6 ? &t->queries_ipv6
					   : &t->queries_ipv4,
			    1);
		frame = xdp_ring_claim(queue->ring);
		if (frame == NULL) {
			counter_add(&t->send_drops, 1);
			continue;
		}
		counters_query_size(t, query->payload_size);
		task->query = query->payload;
		task->query_size = query->payload_size;
		task->reply = frame + query->headers;
		task->reply_room = reply_room(queue->ring, query);
		tasks++;
	}
	return tasks;
}

/* Returns whether there is a reply to send. */
static bool queue_reply(struct xdp_queue *queue, size_t task)
{
	struct xdp *xdp = queue->xdp;
	struct counters_transport *t = xdp->counters;
	const struct xdp_frame *query = &xdp->query[task];
	const struct answer_task *done = &xdp->task[task];
	uint8_t *frame = done->reply - query->headers;

	if (done->reply_size == 0) {
		counter_add(&t->ignored, 1);
		xdp_ring_drop(queue->ring, frame);
		return false;
	}
	count_reply(t, done->reply_size, &done->note);
	counter_add(query->is_ipv6 ? &t->replies_ipv6 : &t->replies_ipv4, 1);
	xdp_ring_queue(queue->ring, frame,
		       xdp_frame_reply(query, frame, done->reply_size,
				       &done->note.known, next_id(queue)));
	return true;
}

/* Returns how many packets there were. */
static size_t pass(struct xdp_queue *queue)
{
	struct xdp_ring_packet packets[XDP_BATCH];
	struct xdp *xdp = queue->xdp;
	struct xdp_ring *ring = queue->ring;
	size_t replies = 0;
	size_t count = xdp_ring_take(ring, packets, XDP_BATCH);
	size_t tasks;

	if (count == 0) {
		return 0;
	}
	counter_add(&xdp->counters->batches, 1);
	tasks = pick_tasks(queue, packets, count);
	/* A group's replies are in the first cache while they are summed. */
	for (size_t at = 0; at < tasks; at += ANSWER_GROUP) {
		size_t end =
			tasks - at < ANSWER_GROUP ? tasks : at + ANSWER_GROUP;

		answer_queries(xdp->answer, ANSWER_UDP, xdp->task + at,
			       end - at);
		for (size_t i = at; i < end; i++) {
			replies += queue_reply(queue, i);
		}
	}
	xdp_ring_give_back(ring, count);
	xdp_ring_flush(ring, replies);
	return count;
}

/*
 * Not only while batches are full, as with sockets: a look at an empty ring
 * costs a load, a sleep and a wake-up two system calls. Returns the size of the
 * largest batch.
 */
static size_t drain(struct xdp_queue *queue)
{
	struct counters_worker *worker = queue->xdp->worker;
	size_t largest = 0;

	section_enter(worker);
	for (unsigned i = 0; i < XDP_BATCHES_A_WAKE; i++) {
		size_t count = pass(queue);

		if (count == 0) {
			break;
		}
		largest = count > largest ? count : largest;
		section_pass(worker);
	}
	section_leave(worker);
	return largest;
}

static void busy_poll(struct xdp_queue *queue)
{
	uint64_t span = UINT64_C(1000) * queue->ring->busy_poll_us;
	uint64_t end = clock_monotonic_ns() + span;

	for (unsigned i = 0; i < XDP_BATCHES_A_WAKE;) {
		xdp_ring_poll(queue->ring);
		if (xdp_ring_waiting(queue->ring) > 0) {
			(void)drain(queue);
			end = clock_monotonic_ns() + span;
			i++;
		} else if (clock_monotonic_ns() >= end) {
			break;
		}
	}
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void on_idle(uv_idle_t *idle)
{
	struct xdp *xdp = idle->data;

	for (size_t i = 0; i < xdp->count; i++) {
		struct xdp_queue *queue = &xdp->queues[i];

		if (queue->is_busy && drain(queue) == 0) {
			queue->is_busy = false;
			xdp->busy--;
			(void)uv_poll_start(&queue->poll, UV_READABLE, on_poll);
		}
	}
	if (xdp->busy == 0) {
		uv_idle_stop(idle);
	}
}

static void become_busy(struct xdp_queue *queue)
{
	uv_poll_stop(&queue->poll);
	queue->is_busy = true;
	queue->xdp->busy++;
	uv_idle_start(&queue->xdp->idle, on_idle);
}

/* libuv ends the watch by itself where the socket is done for: the interface
 * has gone, and the others serve. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct xdp_queue *queue = poll->data;
	size_t largest;

	(void)events;
	if (status < 0) {
		return;
	}
	largest = drain(queue);
	if (queue->ring->busy_poll_us > 0) {
		busy_poll(queue);
	} else if (largest == XDP_BATCH) {
		become_busy(queue);
	}
}

static int queue_start(struct xdp *xdp, size_t i,
		       const struct xdp_settings *settings)
{
	struct xdp_queue *queue = &xdp->queues[i];
	int error;

	queue->xdp = xdp;
	queue->ring = settings->rings[i];
	queue->id_state = (uint32_t)clock_monotonic_ns() | 1;
	(void)uv_random(NULL, NULL, &queue->id_state, sizeof(queue->id_state),
			0, NULL);
	queue->id_state |= 1; /* 0 would stay 0 */
	error = uv_poll_init(settings->loop, &queue->poll, queue->ring->fd);
	if (error != 0) {
		return error;
	}
	xdp->count = i + 1; /* from here on there is a handle to close */
	queue->poll.data = queue;
	return uv_poll_start(&queue->poll, UV_READABLE, on_poll);
}

struct xdp *xdp_new(const struct xdp_settings *settings)
{
	struct xdp *xdp = calloc(
		1, sizeof(*xdp) + settings->count * sizeof(xdp->queues[0]));

	if (xdp == NULL) {
		log_error("xdp: %s", status_text(STATUS_NO_MEMORY));
		return NULL;
	}
	xdp->answer = settings->answer;
	xdp->worker = settings->counters;
	xdp->counters = &settings->counters->transports[COUNTERS_XDP];
	xdp->takes_partial_checksum = settings->takes_partial_checksum;
	uv_idle_init(settings->loop, &xdp->idle);
	xdp->idle.data = xdp;
	for (size_t i = 0; i < settings->count; i++) {
		int error = queue_start(xdp, i, settings);

		if (error != 0) {
			log_error("xdp: %s", uv_strerror(error));
			xdp_close(xdp);
			uv_run(settings->loop, UV_RUN_NOWAIT);
			xdp_free(xdp);
			return NULL;
		}
	}
	return xdp;
}

/*
 * A ring that the kernel does not empty lets the time of the last pass grow
 * old: route control takes that for the failure that it is.
 */
void xdp_heartbeat(struct xdp *xdp)
{
	bool is_stuck = false;

	for (size_t i = 0; i < xdp->count; i++) {
		(void)drain(&xdp->queues[i]);
		if (xdp_ring_reap(xdp->queues[i].ring) == 0 &&
		    xdp_ring_is_stuck(xdp->queues[i].ring)) {
			is_stuck = true;
		}
	}
	if (!is_stuck) {
		counter_set(&xdp->counters->last_pass_ns, clock_monotonic_ns());
	}
}

void xdp_drain(struct xdp *xdp)
{
	for (size_t i = 0; i < xdp->count; i++) {
		(void)drain(&xdp->queues[i]);
	}
}

void xdp_close(struct xdp *xdp)
{
	for (size_t i = 0; i < xdp->count; i++) {
		uv_close((uv_handle_t *)&xdp->queues[i].poll, NULL);
	}
	uv_close((uv_handle_t *)&xdp->idle, NULL);
}

void xdp_free(struct xdp *xdp)
{
	free(xdp);
}

void xdp_watch(struct xdp *xdp)
{
	struct counters_queue *counters = &xdp->worker->queues[COUNTERS_XDP];
	uint64_t waiting = 0;

	for (size_t i = 0; i < xdp->count; i++) {
		struct xdp_queue *queue = &xdp->queues[i];
		uint64_t drops = xdp_ring_drops(queue->ring);

		waiting += xdp_ring_waiting(queue->ring);
		if (drops > queue->drops_seen) {
			counter_add(&counters->drops,
				    drops - queue->drops_seen);
			queue->drops_seen = drops;
		}
	}
	counter_set(&counters->waiting, waiting);
}
