/*
 * udp.c - queries in batches, answers in batches, never waiting.
 *
 *	wake-up -> recvmmsg (64) -> answer each -> sendmmsg -> again, while the
 *	batch was full and fewer than UDP_BATCHES_A_WAKE were done
 *
 * The socket stays readable beyond that bound, so the loop comes back after
 * TCP, timers and the other sockets had their turn. libuv's own UDP was left
 * aside: it takes 20 datagrams a call and sends one by one.
 *
 * While there is much to do the socket is not watched: one in an epoll set has
 * someone to wake up, and the kernel goes about that once for each datagram it
 * has sent or received, under two locks. So a worker that has met a full batch
 * takes the socket off the set, comes back by an idle handle, and watches it
 * again once there was nothing.
 *
 * All buffers are one mapping, made at start and kept out of core dumps. A
 * buffer's stride is not a power of two: at 4,096 the first lines of all 64
 * queries would share one set of the first-level cache.
 *
 * A wildcard socket learns which address was asked (IP_PKTINFO) and sends from
 * it; the interface is left to routing, since the way back of an anycast
 * packet is often another one, save for link-local IPv6.
 */
#include "server/nameserver/udp.h"

#include "lib/base/log.h"
#include "lib/base/pages.h"
#include "lib/dns/message.h"
#include "server/nameserver/section.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	UDP_BATCH = 64,
	UDP_BATCHES_A_WAKE = 16,
	/* Larger than any udp_payload that may be configured; queries beyond
	 * it are none that an authoritative server can be asked. */
	UDP_MESSAGE_MAX = 4096,
	UDP_STRIDE = UDP_MESSAGE_MAX + 64,
	UDP_CONTROL_MAX = 64, /* holds one in6_pktinfo or in_pktinfo */
};

_Static_assert(CMSG_SPACE(sizeof(struct in6_pktinfo)) <= UDP_CONTROL_MAX,
	       "room for the address that was asked");

/* Lifetime: the worker's; its content: a batch. */
struct udp_batch {
	struct mmsghdr in[UDP_BATCH];
	struct mmsghdr out[UDP_BATCH];
	struct iovec in_vector[UDP_BATCH];
	struct iovec out_vector[UDP_BATCH];
	/* Large enough for both families, and no larger: it is copied. */
	struct sockaddr_in6 peer[UDP_BATCH];
	struct answer_task task[UDP_BATCH];
	uint8_t place[UDP_BATCH]; /* of each task's query among in */
	_Alignas(struct cmsghdr) uint8_t control[UDP_BATCH][UDP_CONTROL_MAX];
	uint8_t query[UDP_BATCH][UDP_STRIDE];
	uint8_t reply[UDP_BATCH][UDP_STRIDE];
};

struct udp_socket {
	uv_poll_t poll;
	struct udp *udp;
	int fd;
	bool is_ipv6;
	bool is_wildcard;
	bool is_busy;        /* not watched, but asked each time round */
	uint32_t drops_seen; /* main thread */
};

struct udp {
	uv_idle_t idle; /* active while a socket is busy */
	size_t busy;    /* how many are */
	struct answer_context *answer;
	struct counters_worker *worker;
	struct counters_transport *counters;
	struct udp_batch *batch;
	size_t count;
	struct udp_socket sockets[];
};

/* One huge page, where there is one: each datagram lies in pages of its own. */
enum {
	UDP_BATCH_PAGES = PAGES_HUGE,
};

_Static_assert(sizeof(struct udp_batch) <= UDP_BATCH_PAGES, "room for a batch");

/* What never changes is set once, the rest before each receive. */
static struct udp_batch *batch_new(void)
{
	struct udp_batch *batch = pages_map(UDP_BATCH_PAGES);

	if (batch == NULL) {
		return NULL;
	}
	for (size_t i = 0; i < UDP_BATCH; i++) {
		batch->in_vector[i].iov_base = batch->query[i];
		batch->in_vector[i].iov_len = UDP_MESSAGE_MAX;
		batch->in[i].msg_hdr.msg_name = &batch->peer[i];
		batch->in[i].msg_hdr.msg_iov = &batch->in_vector[i];
		batch->in[i].msg_hdr.msg_iovlen = 1;
		batch->task[i].reply = batch->reply[i];
		batch->task[i].reply_room = UDP_MESSAGE_MAX;
		batch->out[i].msg_hdr.msg_iov = &batch->out_vector[i];
		batch->out[i].msg_hdr.msg_iovlen = 1;
	}
	return batch;
}

static int receive(struct udp_socket *socket)
{
	struct udp_batch *batch = socket->udp->batch;
	int count;

	for (size_t i = 0; i < UDP_BATCH; i++) {
		struct msghdr *header = &batch->in[i].msg_hdr;

		header->msg_namelen = sizeof(batch->peer[i]);
		header->msg_control =
			socket->is_wildcard ? batch->control[i] : NULL;
		header->msg_controllen =
			socket->is_wildcard ? sizeof(batch->control[i]) : 0;
	}
	do {
		count = recvmmsg(socket->fd, batch->in, UDP_BATCH, MSG_DONTWAIT,
				 NULL);
	} while (count < 0 && errno == EINTR);
	return count;
}

/* Both families keep the port in the same place. */
static bool has_port(const struct sockaddr_in6 *peer)
{
	return peer->sin6_port != 0;
}

/*
 * Turn 'which address was asked' into 'which address to send from', in place.
 * False where the reply could only leave from another one (multicast).
 */
static bool source_from_destination(struct msghdr *in)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(in); c != NULL; c = CMSG_NXTHDR(in, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			if (info.ipi_addr.s_addr != info.ipi_spec_dst.s_addr) {
				return false; /* broadcast or multicast */
			}
			info.ipi_ifindex = 0;
			memcpy(CMSG_DATA(c), &info, sizeof(info));
			return true;
		}
		if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr)) {
				return false;
			}
			if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) {
				info.ipi6_ifindex = 0;
			}
			memcpy(CMSG_DATA(c), &info, sizeof(info));
			return true;
		}
	}
	return false;
}

static bool may_be_answered(struct udp_socket *socket, struct msghdr *in,
			    size_t i)
{
	return (in->msg_flags & MSG_TRUNC) == 0 &&
	       has_port(&socket->udp->batch->peer[i]) &&
	       (!socket->is_wildcard || source_from_destination(in));
}

static void count_reply(struct counters_transport *t, size_t size,
			const struct answer_note *note)
{
	counters_reply_size(t, size);
	counters_rcode(t, note->rcode);
	counter_add(&t->truncated, note->is_truncated);
	counter_add(&t->delegations, note->is_delegation);
}

/* The queries of a batch that deserve an answer become tasks. */
static size_t pick_tasks(struct udp_socket *socket, size_t count)
{
	struct udp *udp = socket->udp;
	struct udp_batch *batch = udp->batch;
	size_t tasks = 0;

	for (size_t i = 0; i < count; i++) {
		if (!may_be_answered(socket, &batch->in[i].msg_hdr, i)) {
			counter_add(&udp->counters->bad_source, 1);
			continue;
		}
		counters_query_size(udp->counters, batch->in[i].msg_len);
		batch->task[tasks].query = batch->query[i];
		batch->task[tasks].query_size = batch->in[i].msg_len;
		batch->place[tasks] = (uint8_t)i;
		tasks++;
	}
	return tasks;
}

/* The reply of a task is number *replies to be sent, if there is one. */
static void queue_reply(struct udp *udp, size_t task, size_t *replies)
{
	struct udp_batch *batch = udp->batch;
	const struct answer_task *done = &batch->task[task];
	const struct msghdr *in = &batch->in[batch->place[task]].msg_hdr;
	struct msghdr *out = &batch->out[*replies].msg_hdr;

	if (done->reply_size == 0) {
		counter_add(&udp->counters->ignored, 1);
		return;
	}
	count_reply(udp->counters, done->reply_size, &done->note);
	batch->out_vector[*replies].iov_base = done->reply;
	batch->out_vector[*replies].iov_len = done->reply_size;
	out->msg_name = in->msg_name;
	out->msg_namelen = in->msg_namelen;
	out->msg_control = in->msg_control;
	out->msg_controllen = in->msg_controllen;
	(*replies)++;
}

/*
 * One reply that the kernel refuses for itself (no route, a firewall) must not
 * hold up the others; a full buffer refuses all that follow.
 */
static void send_batch(struct udp_socket *socket, size_t replies)
{
	struct counters_transport *t = socket->udp->counters;
	counter *sent_counter =
		socket->is_ipv6 ? &t->replies_ipv6 : &t->replies_ipv4;
	size_t at = 0;
	size_t sent_total = 0;

	while (at < replies) {
		int sent = sendmmsg(socket->fd, socket->udp->batch->out + at,
				    (unsigned)(replies - at), MSG_DONTWAIT);

		if (sent > 0) {
			at += (size_t)sent;
			sent_total += (size_t)sent;
		} else if (sent < 0 && errno == EINTR) {
			continue;
		} else if (sent < 0 && errno == EAGAIN) {
			break;
		} else {
			at++;
		}
	}
	counter_add(sent_counter, sent_total);
	counter_add(&t->send_drops, replies - sent_total);
}

/* Returns how many datagrams there were, or less than 0. */
static int pass(struct udp_socket *socket)
{
	struct counters_transport *t = socket->udp->counters;
	size_t replies = 0;
	size_t tasks;
	int count = receive(socket);

	counter_set(&t->last_pass_ns, clock_monotonic_ns());
	if (count <= 0) {
		return count;
	}
	counter_add(&t->batches, 1);
	counter_add(socket->is_ipv6 ? &t->queries_ipv6 : &t->queries_ipv4,
		    (uint64_t)count);
	tasks = pick_tasks(socket, (size_t)count);
	answer_queries(socket->udp->answer, ANSWER_UDP,
		       socket->udp->batch->task, tasks);
	for (size_t i = 0; i < tasks; i++) {
		queue_reply(socket->udp, i, &replies);
	}
	send_batch(socket, replies);
	return count;
}

/* Returns the size of the first batch, or less than 0. */
static int drain(struct udp_socket *socket)
{
	struct counters_worker *worker = socket->udp->worker;
	int first;
	int count;

	section_enter(worker);
	first = pass(socket);
	count = first;
	for (unsigned i = 1; i < UDP_BATCHES_A_WAKE && count == UDP_BATCH;
	     i++) {
		section_pass(worker);
		count = pass(socket);
	}
	section_leave(worker);
	return first;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void on_idle(uv_idle_t *idle)
{
	struct udp *udp = idle->data;

	for (size_t i = 0; i < udp->count; i++) {
		struct udp_socket *socket = &udp->sockets[i];

		if (socket->is_busy && drain(socket) <= 0) {
			socket->is_busy = false;
			udp->busy--;
			(void)uv_poll_start(&socket->poll, UV_READABLE,
					    on_poll);
		}
	}
	if (udp->busy == 0) {
		uv_idle_stop(idle);
	}
}

static void become_busy(struct udp_socket *socket)
{
	uv_poll_stop(&socket->poll);
	socket->is_busy = true;
	socket->udp->busy++;
	uv_idle_start(&socket->udp->idle, on_idle);
}

/* An error of the socket (status < 0) is taken off it by receiving, too. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	if (drain(poll->data) == UDP_BATCH) {
		become_busy(poll->data);
	}
}

static bool socket_is_wildcard(int fd, bool *is_ipv6)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);
	struct address address;

	if (getsockname(fd, (struct sockaddr *)&name, &size) != 0 ||
	    address_from_sockaddr(&address, (struct sockaddr *)&name) !=
		    STATUS_OK) {
		return false;
	}
	*is_ipv6 = address.family == AF_INET6;
	return address_is_wildcard(&address);
}

static int socket_start(struct udp *udp, size_t i,
			const struct udp_settings *settings)
{
	struct udp_socket *socket = &udp->sockets[i];
	int error;

	socket->udp = udp;
	socket->fd = settings->sockets[i];
	socket->is_wildcard = socket_is_wildcard(socket->fd, &socket->is_ipv6);
	error = uv_poll_init(settings->loop, &socket->poll, socket->fd);
	if (error != 0) {
		return error;
	}
	udp->count = i + 1; /* from here on there is a handle to close */
	socket->poll.data = socket;
	return uv_poll_start(&socket->poll, UV_READABLE, on_poll);
}

struct udp *udp_new(const struct udp_settings *settings)
{
	struct udp *udp = calloc(
		1, sizeof(*udp) + settings->count * sizeof(udp->sockets[0]));

	if (udp == NULL) {
		log_error("udp: %s", status_text(STATUS_NO_MEMORY));
		return NULL;
	}
	udp->answer = settings->answer;
	udp->worker = settings->counters;
	udp->counters = &settings->counters->transports[COUNTERS_UDP];
	udp->batch = batch_new();
	if (udp->batch == NULL) {
		log_error("udp: %s", status_text(STATUS_NO_MEMORY));
		free(udp);
		return NULL;
	}
	uv_idle_init(settings->loop, &udp->idle);
	udp->idle.data = udp;
	for (size_t i = 0; i < settings->count; i++) {
		int error = socket_start(udp, i, settings);

		if (error != 0) {
			log_error("udp: %s", uv_strerror(error));
			udp_close(udp);
			uv_run(settings->loop, UV_RUN_NOWAIT);
			udp_free(udp);
			return NULL;
		}
	}
	return udp;
}

void udp_heartbeat(struct udp *udp)
{
	counter_set(&udp->counters->last_pass_ns, clock_monotonic_ns());
}

void udp_drain(struct udp *udp)
{
	for (size_t i = 0; i < udp->count; i++) {
		(void)drain(&udp->sockets[i]);
	}
}

void udp_close(struct udp *udp)
{
	for (size_t i = 0; i < udp->count; i++) {
		uv_close((uv_handle_t *)&udp->sockets[i].poll, NULL);
	}
	uv_close((uv_handle_t *)&udp->idle, NULL);
}

void udp_free(struct udp *udp)
{
	if (udp != NULL) {
		pages_unmap(udp->batch, UDP_BATCH_PAGES);
		free(udp);
	}
}

/*
 * The kernel's own numbers (SO_MEMINFO) rather than a control message a
 * datagram (SO_RXQ_OVFL): they cost nothing on the way of a query, and they are
 * there while nobody receives.
 */
void udp_watch(struct udp *udp)
{
	struct counters_queue *queue = &udp->worker->queues[COUNTERS_UDP];
	uint64_t waiting = 0;

	for (size_t i = 0; i < udp->count; i++) {
		struct udp_socket *socket = &udp->sockets[i];
		uint32_t info[SK_MEMINFO_VARS] = {0};
		socklen_t size = sizeof(info);

		if (getsockopt(socket->fd, SOL_SOCKET, SO_MEMINFO, info,
			       &size) != 0) {
			continue;
		}
		waiting += info[SK_MEMINFO_RMEM_ALLOC];
		/* 32 bits that may turn over: the difference is what counts. */
		counter_add(&queue->drops, (uint32_t)(info[SK_MEMINFO_DROPS] -
						      socket->drops_seen));
		socket->drops_seen = info[SK_MEMINFO_DROPS];
	}
	counter_set(&queue->waiting, waiting);
}
