/*
 * bfd.c - see bfd.h.
 *
 *	for ever:
 *	    sleep until a packet, a deadline, or STALE_LOOK_NS
 *	    hold or let go       (before anything is sent: a process that was
 *	                          stopped and goes on must not say Up first)
 *	    receive, expire, send
 *	    publish
 *
 * Received is with one socket for each family, port and source that is
 * configured (single hop 3784, multihop 4784); a packet's session is the peer
 * of its source address (RFC 5880 6.8.6 allows it for all packets where there
 * is one session a peer). Sent is with a socket a peer, from a port of its own
 * in 49152..65535 (RFC 5881 4).
 *
 * Rejected: libuv here (a loop that others could add to), and one socket for
 * both directions (the source port must not be 3784).
 */
#include "server/route/bfd.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "server/route/events.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MILLISECOND   UINT64_C(1000000)
#define STALE_NS      (BFD_STALE_MS * MILLISECOND)
#define STALE_LOOK_NS (10 * MILLISECOND)
#define RETRY_NS      (1000 * MILLISECOND) /* to open a socket again */

enum {
	PORT_FIRST = 49152, /* RFC 5881 4 */
	PORT_COUNT = 16384,
	PORT_TRIES = 64,
	RECEIVE_MAX = 64, /* datagrams a pass and socket */
	PACKET_MAX = 512, /* longer is no BFD packet of ours */
	DSCP_CS6 = 0xc0,
	STOP_MS = 100, /* for the last Down to leave */
};

/* What other threads read; written by the thread alone. */
struct published {
	_Atomic uint32_t states; /* state, diagnostic, remote, hold: 8 bits */
	_Atomic uint32_t falls;
	_Atomic uint32_t detection_ms;
	_Atomic uint64_t received;
	_Atomic uint64_t sent;
	_Atomic uint64_t rejected;
};

struct session {
	struct bfd_peer peer;
	struct bfd_session bfd;
	enum bfd_hold hold;
	int fd; /* to send with; -1: not open */
	uint64_t open_at;
	uint32_t falls;
	uint64_t rejected;
	struct sockaddr_storage to;
	socklen_t to_size;
	_Atomic bool is_dropped; /* set by bfd_drop(), taken by the thread */
	struct published published;
};

struct receiver {
	struct address address; /* bound to; with its port */
	bool is_multihop;
	int fd;
};

struct bfd {
	struct session *sessions;
	size_t count;
	struct receiver receivers[BFD_PEERS_MAX];
	size_t receiver_count;
	_Atomic uint64_t ticks[BFD_PARTS]; /* ns; plain times */
	_Atomic bool is_permitted;
	_Atomic bool is_stopping;
	_Atomic int event_fd;
	int wake_fd;
	struct events *events; /* NULL: none are noted */
	pthread_t thread;
	bool is_started;
	uint64_t random; /* the thread's */
};

static const char *const hold_texts[BFD_HOLDS] = {
	[BFD_HOLD_NONE] = "not held",
	[BFD_HOLD_DECIDER] = "the deciding part is silent",
	[BFD_HOLD_SPEAKER] = "the speaking part is silent",
	[BFD_HOLD_NAMESERVER] = "the nameserver is silent",
	[BFD_HOLD_UNCONFIRMED] = "the peer may still hold withdrawn routes",
	[BFD_HOLD_STOPPED] = "stopped",
};

const char *bfd_hold_text(unsigned hold)
{
	return hold < BFD_HOLDS ? hold_texts[hold] : "?";
}

/* xorshift64*: jitter and ports need spread, not secrecy. */
static uint32_t random_next(struct bfd *bfd)
{
	uint64_t x = bfd->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	bfd->random = x;
	return (uint32_t)((x * UINT64_C(2685821657736338717)) >> 32);
}

/* --- sockets -------------------------------------------------------------- */

static bool option_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

static bool bind_to(int fd, const struct address *address)
{
	struct sockaddr_storage to;
	socklen_t size = address_to_sockaddr(address, &to);

	return bind(fd, (struct sockaddr *)&to, size) == 0;
}

static int socket_new(uint16_t family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && family == AF_INET6) {
		option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	}
	return fd;
}

/* TTL 255 out, so that the peer can see that we are near (RFC 5881 5). */
static bool near_set(int fd, uint16_t family)
{
	if (family == AF_INET) {
		option_set(fd, IPPROTO_IP, IP_TOS, DSCP_CS6);
		return option_set(fd, IPPROTO_IP, IP_TTL, BFD_TTL);
	}
	option_set(fd, IPPROTO_IPV6, IPV6_TCLASS, DSCP_CS6);
	return option_set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, BFD_TTL);
}

static struct address source_of(const struct bfd_peer *peer)
{
	struct address source = peer->source;

	source.family = peer->address.family;
	if (source.scope == 0 && address_is_link_local(&source)) {
		source.scope = peer->address.scope;
	}
	return source;
}

/* Our end of a session. It may fail while the address is not there yet. */
static void sender_open(struct bfd *bfd, struct session *session, uint64_t now)
{
	struct address source = source_of(&session->peer);
	int fd = socket_new(source.family);

	session->open_at = now + RETRY_NS;
	if (fd < 0) {
		return;
	}
	for (int i = 0; i < PORT_TRIES; i++) {
		source.port =
			(uint16_t)(PORT_FIRST + random_next(bfd) % PORT_COUNT);
		if (bind_to(fd, &source)) {
			if (!near_set(fd, source.family)) {
				break;
			}
			session->fd = fd;
			return;
		}
		if (errno != EADDRINUSE) {
			break;
		}
	}
	close(fd);
}

static bool receiver_open(struct receiver *receiver)
{
	uint16_t family = receiver->address.family;
	char text[ADDRESS_TEXT_MAX];
	int fd = socket_new(family);

	receiver->fd = fd;
	/* An address that comes later is no reason not to start. */
	if (fd < 0 || !option_set(fd, SOL_SOCKET, SO_REUSEADDR, 1) ||
	    !(family == AF_INET
		      ? option_set(fd, IPPROTO_IP, IP_RECVTTL, 1) &&
				option_set(fd, IPPROTO_IP, IP_FREEBIND, 1)
		      : option_set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) &&
				option_set(fd, IPPROTO_IPV6, IPV6_FREEBIND,
					   1)) ||
	    !bind_to(fd, &receiver->address)) {
		log_error("bfd: cannot listen on %s: %s",
			  address_dump(&receiver->address, text),
			  strerrordesc_np(errno));
		return false;
	}
	return true;
}

static struct receiver *receiver_find(struct bfd *bfd,
				      const struct address *address)
{
	for (size_t i = 0; i < bfd->receiver_count; i++) {
		if (address_equal(&bfd->receivers[i].address, address)) {
			return &bfd->receivers[i];
		}
	}
	return NULL;
}

static bool receivers_open(struct bfd *bfd)
{
	for (size_t i = 0; i < bfd->count; i++) {
		const struct bfd_peer *peer = &bfd->sessions[i].peer;
		struct address address = source_of(peer);
		struct receiver *receiver;

		if (peer->interval_us == 0) {
			continue;
		}
		address.port = peer->is_multihop ? BFD_PORT_MULTIHOP : BFD_PORT;
		if (receiver_find(bfd, &address) != NULL) {
			continue;
		}
		receiver = &bfd->receivers[bfd->receiver_count++];
		receiver->address = address;
		receiver->is_multihop = peer->is_multihop;
		if (!receiver_open(receiver)) {
			return false;
		}
	}
	return true;
}

/* --- receiving ------------------------------------------------------------ */

static struct session *session_find(struct bfd *bfd, const struct address *from,
				    bool is_multihop)
{
	for (size_t i = 0; i < bfd->count; i++) {
		struct session *session = &bfd->sessions[i];
		struct address address = session->peer.address;

		address.port = from->port;
		if (session->peer.interval_us != 0 &&
		    session->peer.is_multihop == is_multihop &&
		    address_equal(&address, from)) {
			return session;
		}
	}
	return NULL;
}

/* The TTL it came with; -1: the kernel did not say. */
static int ttl_of(struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL;
	     c = CMSG_NXTHDR(message, c)) {
		int ttl;

		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
		    (c->cmsg_level == IPPROTO_IPV6 &&
		     c->cmsg_type == IPV6_HOPLIMIT)) {
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
			return ttl;
		}
	}
	return -1;
}

static void fell(struct session *session, enum bfd_state before)
{
	if (before == BFD_UP && session->bfd.state != BFD_UP) {
		session->falls++;
	}
}

static void take(struct bfd *bfd, const struct receiver *receiver,
		 const struct address *from, int ttl, const uint8_t *data,
		 size_t size, uint64_t now)
{
	struct session *session =
		session_find(bfd, from, receiver->is_multihop);
	struct bfd_packet packet;
	enum bfd_state before;

	if (session == NULL) {
		return;
	}
	if ((!receiver->is_multihop && ttl != BFD_TTL) ||
	    !bfd_packet_parse(data, size, &packet) ||
	    !bfd_session_owns(&session->bfd, &packet)) {
		session->rejected++;
		return;
	}
	before = session->bfd.state;
	bfd_session_receive(&session->bfd, &packet, now);
	fell(session, before);
}

static void receive(struct bfd *bfd, const struct receiver *receiver,
		    uint64_t now)
{
	for (int i = 0; i < RECEIVE_MAX; i++) {
		uint8_t data[PACKET_MAX];
		_Alignas(struct cmsghdr) uint8_t control[128];
		struct sockaddr_storage name;
		struct iovec part = {data, sizeof(data)};
		struct msghdr message = {.msg_name = &name,
					 .msg_namelen = sizeof(name),
					 .msg_iov = &part,
					 .msg_iovlen = 1,
					 .msg_control = control,
					 .msg_controllen = sizeof(control)};
		struct address from;
		ssize_t size = recvmsg(receiver->fd, &message, MSG_DONTWAIT);

		if (size < 0) {
			return;
		}
		if ((message.msg_flags & MSG_TRUNC) == 0 &&
		    address_from_sockaddr(&from, (struct sockaddr *)&name) ==
			    STATUS_OK) {
			take(bfd, receiver, &from, ttl_of(&message), data,
			     (size_t)size, now);
		}
	}
}

/* --- holding -------------------------------------------------------------- */

static bool is_stale(const struct bfd *bfd, enum bfd_part part, uint64_t now)
{
	uint64_t tick =
		atomic_load_explicit(&bfd->ticks[part], memory_order_relaxed);

	return now > tick && now - tick > STALE_NS;
}

/* Why this session must be down now. */
static enum bfd_hold hold_reason(const struct bfd *bfd,
				 const struct session *session, uint64_t now)
{
	if (atomic_load_explicit(&bfd->is_stopping, memory_order_relaxed)) {
		return BFD_HOLD_STOPPED;
	}
	if (is_stale(bfd, BFD_DECIDER, now)) {
		return BFD_HOLD_DECIDER;
	}
	if (is_stale(bfd, BFD_SPEAKER, now)) {
		return BFD_HOLD_SPEAKER;
	}
	if (session->peer.has_nameserver &&
	    is_stale(bfd, BFD_NAMESERVER, now)) {
		return BFD_HOLD_NAMESERVER;
	}
	return BFD_HOLD_NONE;
}

static void judge(struct bfd *bfd, struct session *session, uint64_t now)
{
	enum bfd_hold reason = hold_reason(bfd, session, now);

	if (atomic_exchange_explicit(&session->is_dropped, false,
				     memory_order_relaxed) &&
	    reason == BFD_HOLD_NONE) {
		reason = BFD_HOLD_UNCONFIRMED;
	}
	if (reason != BFD_HOLD_NONE) {
		if (session->hold == BFD_HOLD_NONE) {
			/* A 'yes' from before does not count. */
			atomic_store_explicit(&bfd->is_permitted, false,
					      memory_order_relaxed);
		}
		session->hold = reason;
		bfd_session_hold(&session->bfd, true, now);
	} else if (session->hold != BFD_HOLD_NONE &&
		   atomic_load_explicit(&bfd->is_permitted,
					memory_order_relaxed)) {
		session->hold = BFD_HOLD_NONE;
		bfd_session_hold(&session->bfd, false, now);
	}
}

/* --- the thread ----------------------------------------------------------- */

static void publish(struct bfd *bfd, struct session *session)
{
	static const uint64_t one = 1;
	struct published *p = &session->published;
	uint32_t states = (uint32_t)session->bfd.state |
			  (uint32_t)session->bfd.diagnostic << 8 |
			  (uint32_t)session->bfd.remote_state << 16 |
			  (uint32_t)session->hold << 24;
	uint64_t detection = bfd_session_detection_ns(&session->bfd);
	int event_fd;

	atomic_store_explicit(&p->received, session->bfd.received,
			      memory_order_relaxed);
	atomic_store_explicit(&p->sent, session->bfd.sent,
			      memory_order_relaxed);
	atomic_store_explicit(&p->rejected, session->rejected,
			      memory_order_relaxed);
	atomic_store_explicit(&p->detection_ms,
			      (uint32_t)(detection / MILLISECOND),
			      memory_order_relaxed);
	atomic_store_explicit(&p->falls, session->falls, memory_order_relaxed);
	if (atomic_load_explicit(&p->states, memory_order_relaxed) == states) {
		return;
	}
	events_note(bfd->events, EVENT_BFD, 0, EVENT_NONE,
		    (size_t)(session - bfd->sessions), "%s%s%s",
		    bfd_state_text(session->bfd.state),
		    session->hold != BFD_HOLD_NONE ? ", held down: " : ": ",
		    session->hold != BFD_HOLD_NONE
			    ? bfd_hold_text(session->hold)
			    : bfd_diagnostic_text(session->bfd.diagnostic));
	/* Released: who sees the new state sees the fall that made it. */
	atomic_store_explicit(&p->states, states, memory_order_release);
	event_fd = atomic_load_explicit(&bfd->event_fd, memory_order_acquire);
	if (event_fd >= 0 && write(event_fd, &one, sizeof(one)) < 0) {
		/* Full: its reader has not looked yet, and will. */
	}
}

static void send_due(struct bfd *bfd, struct session *session, uint64_t now)
{
	struct bfd_packet packet;
	uint8_t octets[BFD_PACKET_SIZE];

	if (session->fd < 0 && now >= session->open_at) {
		sender_open(bfd, session, now);
	}
	/* At most an answer and one of its own. */
	while (bfd_session_send(&session->bfd, now, random_next(bfd),
				&packet)) {
		bfd_packet_write(&packet, octets);
		if (session->fd >= 0 &&
		    sendto(session->fd, octets, sizeof(octets),
			   MSG_DONTWAIT | MSG_NOSIGNAL,
			   (struct sockaddr *)&session->to,
			   session->to_size) < 0 &&
		    errno == EADDRNOTAVAIL) {
			/* Our address went: bind anew when it is back. */
			close(session->fd);
			session->fd = -1;
		}
	}
}

static void session_step(struct bfd *bfd, struct session *session)
{
	uint64_t now = clock_monotonic_ns();
	enum bfd_state before = session->bfd.state;

	bfd_session_expire(&session->bfd, now);
	fell(session, before);
	send_due(bfd, session, now);
	publish(bfd, session);
}

static void pass(struct bfd *bfd)
{
	uint64_t now = clock_monotonic_ns();

	for (size_t i = 0; i < bfd->count; i++) {
		if (bfd->sessions[i].peer.interval_us != 0) {
			judge(bfd, &bfd->sessions[i], now);
		}
	}
	/* Before the expiry: what waits may be the peer's sign of life. */
	for (size_t i = 0; i < bfd->receiver_count; i++) {
		receive(bfd, &bfd->receivers[i], now);
	}
	for (size_t i = 0; i < bfd->count; i++) {
		if (bfd->sessions[i].peer.interval_us != 0) {
			session_step(bfd, &bfd->sessions[i]);
		}
	}
}

static void sleep_until_due(struct bfd *bfd)
{
	struct pollfd fds[BFD_PEERS_MAX + 1];
	uint64_t now = clock_monotonic_ns();
	uint64_t at = now + STALE_LOOK_NS;
	struct timespec wait;
	uint64_t news;

	for (size_t i = 0; i < bfd->count; i++) {
		const struct session *session = &bfd->sessions[i];

		if (session->peer.interval_us != 0 &&
		    bfd_session_deadline(&session->bfd) < at) {
			at = bfd_session_deadline(&session->bfd);
		}
	}
	for (size_t i = 0; i < bfd->receiver_count; i++) {
		fds[i] = (struct pollfd){bfd->receivers[i].fd, POLLIN, 0};
	}
	fds[bfd->receiver_count] = (struct pollfd){bfd->wake_fd, POLLIN, 0};
	at = at > now ? at - now : 0;
	wait.tv_sec = (time_t)(at / (1000 * MILLISECOND));
	wait.tv_nsec = (long)(at % (1000 * MILLISECOND));
	ppoll(fds, bfd->receiver_count + 1, &wait, NULL);
	if (read(bfd->wake_fd, &news, sizeof(news)) < 0) {
		/* Nothing new was said. */
	}
}

static void *thread_main(void *argument)
{
	struct bfd *bfd = argument;
	struct sched_param parameter = {.sched_priority = 1};

	/* Where we may: ahead of whatever else the host computes. */
	pthread_setschedparam(pthread_self(), SCHED_RR, &parameter);
	while (!atomic_load_explicit(&bfd->is_stopping, memory_order_relaxed)) {
		pass(bfd);
		sleep_until_due(bfd);
	}
	pass(bfd);
	return NULL;
}

/* --- life ----------------------------------------------------------------- */

/* Ours must be unique here (RFC 5880 6.8.1), and hard to guess. */
static uint32_t discriminator_new(struct bfd *bfd, size_t count)
{
	for (;;) {
		uint32_t value = random_next(bfd);
		bool is_taken = value == 0;

		for (size_t i = 0; i < count; i++) {
			is_taken |= bfd->sessions[i].bfd.config.discriminator ==
				    value;
		}
		if (!is_taken) {
			return value;
		}
	}
}

static void session_init(struct bfd *bfd, size_t index,
			 const struct bfd_peer *peer)
{
	struct session *session = &bfd->sessions[index];
	struct address to = peer->address;
	struct bfd_config config = {
		.interval_us = peer->interval_us,
		.multiplier = peer->multiplier,
	};

	session->peer = *peer;
	session->fd = -1;
	if (peer->interval_us == 0) {
		return;
	}
	config.discriminator = discriminator_new(bfd, index);
	to.port = peer->is_multihop ? BFD_PORT_MULTIHOP : BFD_PORT;
	session->to_size = address_to_sockaddr(&to, &session->to);
	bfd_session_init(&session->bfd, &config, clock_monotonic_ns());
}

struct bfd *bfd_new(const struct bfd_peer *peers, size_t count)
{
	struct bfd *bfd = calloc(1, sizeof(*bfd));

	assert(count <= BFD_PEERS_MAX);
	if (bfd == NULL) {
		return NULL;
	}
	bfd->count = count;
	bfd->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	bfd->sessions = calloc(count + 1, sizeof(*bfd->sessions));
	if (bfd->wake_fd < 0 || bfd->sessions == NULL) {
		bfd_free(bfd);
		return NULL;
	}
	atomic_init(&bfd->event_fd, -1);
	if (getrandom(&bfd->random, sizeof(bfd->random), GRND_NONBLOCK) !=
		    sizeof(bfd->random) ||
	    bfd->random == 0) {
		bfd->random = clock_monotonic_ns() | 1;
	}
	for (size_t i = 0; i < count; i++) {
		session_init(bfd, i, &peers[i]);
	}
	return bfd;
}

enum status bfd_start(struct bfd *bfd)
{
	sigset_t all;
	sigset_t before;
	int error;

	assert(!bfd->is_started);
	if (!receivers_open(bfd)) {
		return status_from_errno(errno);
	}
	if (bfd->receiver_count == 0) {
		return STATUS_OK; /* no peer wants it */
	}
	for (unsigned i = 0; i < BFD_PARTS; i++) {
		bfd_tick(bfd, (enum bfd_part)i);
	}
	/* Signals are for the thread that runs main(). */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&bfd->thread, NULL, thread_main, bfd);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		return status_from_errno(error);
	}
	pthread_setname_np(bfd->thread, "bfd");
	bfd->is_started = true;
	return STATUS_OK;
}

static void wake(struct bfd *bfd)
{
	static const uint64_t one = 1;

	if (write(bfd->wake_fd, &one, sizeof(one)) < 0) {
		/* Full: it is awake already. */
	}
}

void bfd_stop(struct bfd *bfd)
{
	if (bfd == NULL || !bfd->is_started) {
		return;
	}
	atomic_store_explicit(&bfd->is_stopping, true, memory_order_relaxed);
	wake(bfd);
	pthread_join(bfd->thread, NULL);
	bfd->is_started = false;
}

void bfd_free(struct bfd *bfd)
{
	if (bfd == NULL) {
		return;
	}
	bfd_stop(bfd);
	for (size_t i = 0; bfd->sessions != NULL && i < bfd->count; i++) {
		if (bfd->sessions[i].fd >= 0) {
			close(bfd->sessions[i].fd);
		}
	}
	for (size_t i = 0; i < bfd->receiver_count; i++) {
		if (bfd->receivers[i].fd >= 0) {
			close(bfd->receivers[i].fd);
		}
	}
	if (bfd->wake_fd >= 0) {
		close(bfd->wake_fd);
	}
	free(bfd->sessions);
	free(bfd);
}

/* --- calls from other threads --------------------------------------------- */

void bfd_tick(struct bfd *bfd, enum bfd_part part)
{
	atomic_store_explicit(&bfd->ticks[part], clock_monotonic_ns(),
			      memory_order_relaxed);
}

void bfd_permit(struct bfd *bfd, bool is_permitted)
{
	atomic_store_explicit(&bfd->is_permitted, is_permitted,
			      memory_order_relaxed);
}

void bfd_drop(struct bfd *bfd, size_t peer)
{
	if (bfd->sessions[peer].peer.interval_us == 0) {
		return;
	}
	atomic_store_explicit(&bfd->sessions[peer].is_dropped, true,
			      memory_order_relaxed);
	wake(bfd);
}

uint32_t bfd_falls(const struct bfd *bfd, size_t peer)
{
	return atomic_load_explicit(&bfd->sessions[peer].published.falls,
				    memory_order_relaxed);
}

void bfd_set_event(struct bfd *bfd, int event_fd)
{
	atomic_store_explicit(&bfd->event_fd, event_fd, memory_order_release);
}

void bfd_set_events(struct bfd *bfd, struct events *events)
{
	bfd->events = events;
}

void bfd_status(const struct bfd *bfd, size_t peer, struct bfd_peer_status *out)
{
	const struct published *p = &bfd->sessions[peer].published;
	uint32_t states =
		atomic_load_explicit(&p->states, memory_order_acquire);

	*out = (struct bfd_peer_status){
		.is_configured = bfd->sessions[peer].peer.interval_us != 0,
		.state = (uint8_t)states,
		.diagnostic = (uint8_t)(states >> 8),
		.remote_state = (uint8_t)(states >> 16),
		.hold = (uint8_t)(states >> 24),
		.falls = bfd_falls(bfd, peer),
		.detection_ms = atomic_load_explicit(&p->detection_ms,
						     memory_order_relaxed),
		.received = atomic_load_explicit(&p->received,
						 memory_order_relaxed),
		.sent = atomic_load_explicit(&p->sent, memory_order_relaxed),
		.rejected = atomic_load_explicit(&p->rejected,
						 memory_order_relaxed),
	};
}
