/*
 * tcp.c - many queries on one connection, answers as they are ready.
 *
 *	readable -> read what is there -> answer every whole query
 *		 -> one write for all replies
 *		    all taken:   the next read
 *		    not all:     keep the rest, read nothing until it is gone
 *
 * Memory. Reading and answering use two buffers of the worker. A connection
 * owns memory only while it holds a query that has not come whole, or replies
 * that its client has not taken; what all connections of a worker hold together
 * has a bound, and so an idle connection costs a few hundred octets.
 *
 * Time. Only two things count as progress: a whole query that came, and replies
 * that were taken. Connections stand in one list, the least recent progress
 * first, so that the heartbeat finds those that are due, and a new client in
 * need of room finds the one to close, without a timer a connection. Octets
 * that never make a query are no progress.
 *
 * Sockets are our own with uv_poll_t. libuv's streams were left aside: they
 * accept without a bound in one callback, which lets a flood of connections
 * starve the UDP of the same worker, and they keep what they could not write
 * where we cannot count it.
 */
#include "server/nameserver/tcp.h"

#include "lib/base/log.h"
#include "lib/dns/message.h"
#include "server/nameserver/section.h"
#include "server/nameserver/tcp_limits.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	TCP_LENGTH_SIZE = 2, /* RFC 1035 4.2.2 */
	TCP_FRAME_MAX = TCP_LENGTH_SIZE + MESSAGE_MAX,
	/* One client's share of a turn: some 400 queries. */
	TCP_READ_MAX = 16 << 10,
	/* Replies are written when fewer than one more might fit. */
	TCP_REPLIES_MAX = 2 * TCP_FRAME_MAX,
	TCP_INPUT_LEAST = 512, /* the first buffer of an incomplete query */
	TCP_ACCEPTS_A_WAKE = 64,
	TCP_EVICT_LOOKS = 16, /* how many old connections are looked at */
	/* One that holds octets but made no progress for so long may go. */
	TCP_EVICT_STALE_MS = 1000,
	/* Octets that a worker's connections may hold in all. */
	TCP_HELD_MAX = 64 << 20,
};

/* Lifetime: the worker's; its content: one callback. */
struct tcp_scratch {
	uint8_t queries[TCP_READ_MAX];
	uint8_t replies[TCP_REPLIES_MAX];
};

struct tcp_listener {
	uv_poll_t poll;
	struct tcp *tcp;
	int fd;
};

/* Lifetime: connection. */
struct connection {
	uv_poll_t poll;
	struct tcp *tcp;
	/* By progress; the list's head stands in struct tcp. */
	struct connection *older;
	struct connection *newer;
	uint64_t progress_ms; /* the loop's time */
	/* Octets read and not answered; NULL while there are none. */
	uint8_t *input;
	uint32_t input_size;
	uint32_t input_room;
	/* Octets of replies not taken; NULL while there are none. */
	uint8_t *output;
	uint32_t output_at;
	uint32_t output_size;
	struct tcp_place place;
	int fd;
	bool is_ipv6;
};

struct tcp {
	struct answer_context *answer;
	struct counters_worker *worker;
	struct counters_transport *counters;
	struct tcp_limits *limits;
	struct tcp_scratch *scratch;
	uv_loop_t *loop;
	unsigned idle_ms;
	size_t held; /* octets of all inputs and outputs */
	struct connection *oldest;
	struct connection *newest;
	int spare;      /* a descriptor to give up when there are no more */
	bool is_paused; /* not accepting until the next heartbeat */
	size_t count;
	struct tcp_listener listeners[];
};

/* --- the list by progress ------------------------------------------------- */

static void list_remove(struct connection *c)
{
	struct tcp *tcp = c->tcp;

	*(c->older != NULL ? &c->older->newer : &tcp->oldest) = c->newer;
	*(c->newer != NULL ? &c->newer->older : &tcp->newest) = c->older;
}

static void list_append(struct connection *c)
{
	struct tcp *tcp = c->tcp;

	c->older = tcp->newest;
	c->newer = NULL;
	*(tcp->newest != NULL ? &tcp->newest->newer : &tcp->oldest) = c;
	tcp->newest = c;
}

static void note_progress(struct connection *c)
{
	c->progress_ms = uv_now(c->tcp->loop);
	if (c->newer != NULL) {
		list_remove(c);
		list_append(c);
	}
}

/* --- the end of a connection ---------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void drop_input(struct connection *c)
{
	c->tcp->held -= c->input_room;
	free(c->input);
	c->input = NULL;
	c->input_size = 0;
	c->input_room = 0;
}

static void drop_output(struct connection *c)
{
	c->tcp->held -= c->output_size;
	free(c->output);
	c->output = NULL;
	c->output_at = 0;
	c->output_size = 0;
}

static void connection_close(struct connection *c)
{
	struct tcp *tcp = c->tcp;

	drop_input(c);
	drop_output(c);
	list_remove(c);
	tcp_limits_leave(tcp->limits, &c->place);
	counter_set(&tcp->counters->open,
		    counter_get(&tcp->counters->open) - 1);
	uv_close((uv_handle_t *)&c->poll, on_closed);
	close(c->fd);
}

/*
 * Close with a reset: a client that does not take its replies would leave them
 * in the kernel's memory for minutes after a plain close.
 */
static void connection_reset(struct connection *c)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	connection_close(c);
}

static void close_for_memory(struct connection *c)
{
	counter_add(&c->tcp->counters->closed_memory, 1);
	connection_reset(c);
}

/* --- answering ------------------------------------------------------------ */

static void on_poll(uv_poll_t *poll, int status, int events);

/* What became of a connection in a call: most may end it. */
enum outcome {
	ALIVE,
	WAITING, /* alive, and replies wait for the client */
	CLOSED,
};

static ssize_t send_some(struct connection *c, const uint8_t *data, size_t size)
{
	ssize_t sent;

	do {
		sent = send(c->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno == EAGAIN) {
		return 0;
	}
	return sent;
}

/* Write replies; what the kernel does not take becomes the output. */
static enum outcome write_replies(struct connection *c, const uint8_t *data,
				  size_t size)
{
	struct tcp *tcp = c->tcp;
	ssize_t sent = send_some(c, data, size);
	size_t rest;

	if (sent < 0) {
		connection_close(c);
		return CLOSED;
	}
	rest = size - (size_t)sent;
	if (rest == 0) {
		return ALIVE;
	}
	if (rest > TCP_HELD_MAX - tcp->held) {
		close_for_memory(c);
		return CLOSED;
	}
	c->output = malloc(rest);
	if (c->output == NULL) {
		close_for_memory(c);
		return CLOSED;
	}
	memcpy(c->output, data + sent, rest);
	c->output_size = (uint32_t)rest;
	tcp->held += rest;
	return WAITING;
}

static void count_reply(struct connection *c, size_t size,
			const struct answer_note *note)
{
	struct counters_transport *t = c->tcp->counters;

	counter_add(c->is_ipv6 ? &t->replies_ipv6 : &t->replies_ipv4, 1);
	counters_reply_size(t, size);
	counters_rcode(t, note->rcode);
	counter_add(&t->truncated, note->is_truncated);
	counter_add(&t->delegations, note->is_delegation);
}

/* Answer one query into frame; returns the octets of the framed reply. */
static size_t answer_one(struct connection *c, const uint8_t *query,
			 size_t size, uint8_t *frame)
{
	struct counters_transport *t = c->tcp->counters;
	struct answer_note note;
	size_t reply;

	counter_add(c->is_ipv6 ? &t->queries_ipv6 : &t->queries_ipv4, 1);
	counters_query_size(t, size);
	reply = answer_query(c->tcp->answer, ANSWER_TCP, query, size,
			     frame + TCP_LENGTH_SIZE, MESSAGE_MAX, &note);
	if (reply == 0) {
		counter_add(&t->ignored, 1);
		return 0;
	}
	count_reply(c, reply, &note);
	wire_put16(frame, (uint16_t)reply);
	return TCP_LENGTH_SIZE + reply;
}

/*
 * Answer the whole queries at the head of data, as long as the client takes
 * the replies. *used tells how many octets are done with; a length that is no
 * query's ends the connection after the replies before it.
 */
static enum outcome answer_all(struct connection *c, const uint8_t *data,
			       size_t size, size_t *used)
{
	uint8_t *replies = c->tcp->scratch->replies;
	enum outcome outcome = ALIVE;
	bool is_garbage = false;
	size_t at = 0;
	size_t filled = 0;

	while (outcome == ALIVE && size - at >= TCP_LENGTH_SIZE) {
		size_t length = wire_get16(data + at);

		if (length < MESSAGE_HEADER_SIZE) {
			is_garbage = true;
			break;
		}
		if (size - at < TCP_LENGTH_SIZE + length) {
			break;
		}
		filled += answer_one(c, data + at + TCP_LENGTH_SIZE, length,
				     replies + filled);
		at += TCP_LENGTH_SIZE + length;
		if (TCP_REPLIES_MAX - filled < TCP_FRAME_MAX) {
			outcome = write_replies(c, replies, filled);
			filled = 0;
		}
	}
	if (filled > 0) {
		outcome = write_replies(c, replies, filled);
	}
	if (outcome == CLOSED) {
		return CLOSED;
	}
	/* While replies wait it stays in the input, and is met again. */
	if (is_garbage && outcome == ALIVE) {
		counter_add(&c->tcp->counters->closed_garbage, 1);
		connection_close(c);
		return CLOSED;
	}
	if (at > 0) {
		note_progress(c);
	}
	*used = at;
	return outcome;
}

/* The same as one read section: entered only where there may be a query. */
static enum outcome answer_in_section(struct connection *c, const uint8_t *data,
				      size_t size, size_t *used)
{
	struct tcp *tcp = c->tcp;
	enum outcome outcome;

	counter_add(&tcp->counters->batches, 1);
	counter_set(&tcp->counters->last_pass_ns, clock_monotonic_ns());
	section_enter(tcp->worker);
	outcome = answer_all(c, data, size, used);
	section_leave(tcp->worker);
	return outcome;
}

static bool has_whole_query(const uint8_t *data, size_t size)
{
	size_t length;

	if (size < TCP_LENGTH_SIZE) {
		return false;
	}
	length = wire_get16(data);
	/* Garbage is 'whole' as soon as it shows. */
	return length < MESSAGE_HEADER_SIZE || size >= TCP_LENGTH_SIZE + length;
}

/* --- reading -------------------------------------------------------------- */

/* Room for at least one octet more of input, within the worker's bound. */
static bool grow_input(struct connection *c, size_t room)
{
	struct tcp *tcp = c->tcp;
	uint8_t *input;

	if (room <= c->input_room) {
		return true;
	}
	if (room - c->input_room > TCP_HELD_MAX - tcp->held) {
		return false;
	}
	input = realloc(c->input, room);
	if (input == NULL) {
		return false;
	}
	tcp->held += room - c->input_room;
	c->input = input;
	c->input_room = (uint32_t)room;
	return true;
}

/* Keep octets of the scratch for later. */
static bool save_input(struct connection *c, const uint8_t *data, size_t size)
{
	size_t room = size > TCP_INPUT_LEAST ? size : TCP_INPUT_LEAST;

	assert(c->input == NULL);
	if (!grow_input(c, room)) {
		return false;
	}
	memcpy(c->input, data, size);
	c->input_size = (uint32_t)size;
	return true;
}

/* Take off the head of the input what was answered. */
static void consume_input(struct connection *c, size_t used)
{
	c->input_size -= (uint32_t)used;
	if (c->input_size == 0) {
		drop_input(c);
	} else if (used > 0) {
		memmove(c->input, c->input + used, c->input_size);
	}
}

static ssize_t receive_some(int fd, uint8_t *data, size_t room)
{
	ssize_t got;

	do {
		got = recv(fd, data, room, MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	return got;
}

/*
 * The rest of a query whose head is here. The buffer grows with what came, not
 * with what was announced: 2 octets must not claim 64 KiB.
 */
static ssize_t read_more_input(struct connection *c)
{
	size_t want = TCP_LENGTH_SIZE;
	size_t room = c->input_room;
	ssize_t got;

	if (c->input_size >= TCP_LENGTH_SIZE) {
		want += wire_get16(c->input);
	}
	assert(c->input_size < want);
	if (c->input_size == room) {
		room = 2 * room < want ? 2 * room : want;
	}
	if (!grow_input(c, room)) {
		errno = ENOMEM;
		return -1;
	}
	/* Not beyond this query: what follows goes through the scratch. */
	if (room > want) {
		room = want;
	}
	got = receive_some(c->fd, c->input + c->input_size,
			   room - c->input_size);
	if (got > 0) {
		c->input_size += (uint32_t)got;
	}
	return got;
}

/* Answer what the input holds; nothing to do where no query is whole. */
static enum outcome answer_input(struct connection *c)
{
	enum outcome outcome;
	size_t used = 0;

	if (c->input == NULL || !has_whole_query(c->input, c->input_size)) {
		return ALIVE;
	}
	outcome = answer_in_section(c, c->input, c->input_size, &used);
	if (outcome != CLOSED) {
		consume_input(c, used);
	}
	return outcome;
}

static enum outcome answer_scratch(struct connection *c, size_t size)
{
	uint8_t *queries = c->tcp->scratch->queries;
	enum outcome outcome = ALIVE;
	size_t used = 0;

	if (has_whole_query(queries, size)) {
		outcome = answer_in_section(c, queries, size, &used);
	}
	if (outcome != CLOSED && used < size &&
	    !save_input(c, queries + used, size - used)) {
		close_for_memory(c);
		return CLOSED;
	}
	return outcome;
}

/* Wait for what this connection needs next. */
static void wait_for(struct connection *c, int events)
{
	int error = uv_poll_start(&c->poll, events, on_poll);

	/* It fails for a closing handle or unknown events only. */
	assert(error == 0);
	(void)error;
}

static void on_readable(struct connection *c)
{
	bool has_input = c->input != NULL;
	enum outcome outcome;
	ssize_t got = has_input ? read_more_input(c)
				: receive_some(c->fd, c->tcp->scratch->queries,
					       TCP_READ_MAX);

	if (got < 0 && errno == EAGAIN) {
		return;
	}
	if (got < 0 && errno == ENOMEM) {
		close_for_memory(c);
		return;
	}
	if (got <= 0) {
		/* Every whole query was answered when it came. */
		connection_close(c);
		return;
	}
	outcome = has_input ? answer_input(c) : answer_scratch(c, (size_t)got);
	if (outcome == WAITING) {
		wait_for(c, UV_WRITABLE);
	}
}

/* Replies wait: write on; when all are taken, go on with the input. */
static void on_writable(struct connection *c)
{
	ssize_t sent = send_some(c, c->output + c->output_at,
				 c->output_size - c->output_at);
	enum outcome outcome;

	if (sent < 0) {
		connection_close(c);
		return;
	}
	if (sent == 0) {
		return;
	}
	note_progress(c);
	c->output_at += (uint32_t)sent;
	if (c->output_at < c->output_size) {
		return;
	}
	drop_output(c);
	outcome = answer_input(c);
	if (outcome == ALIVE) {
		wait_for(c, UV_READABLE);
	}
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct connection *c = poll->data;

	if (status < 0) {
		connection_close(c);
	} else if (c->output != NULL) {
		on_writable(c);
	} else if ((events & UV_READABLE) != 0) {
		on_readable(c);
	}
}

/* --- accepting ------------------------------------------------------------ */

static bool may_be_evicted(const struct connection *c)
{
	return (c->input == NULL && c->output == NULL) ||
	       uv_now(c->tcp->loop) - c->progress_ms >= TCP_EVICT_STALE_MS;
}

/* Make room by closing the oldest connection that does nothing. */
static bool evict_one(struct tcp *tcp)
{
	struct connection *c = tcp->oldest;

	for (unsigned i = 0; i < TCP_EVICT_LOOKS && c != NULL; i++) {
		if (may_be_evicted(c)) {
			counter_add(&tcp->counters->evicted, 1);
			connection_close(c);
			return true;
		}
		c = c->newer;
	}
	return false;
}

static bool is_welcome(struct tcp *tcp, const struct address *peer,
		       struct tcp_place *place)
{
	switch (tcp_limits_enter(tcp->limits, peer, place)) {
	case TCP_OVER_PREFIX:
		counter_add(&tcp->counters->refused_prefix, 1);
		return false;
	case TCP_OVER_CLIENTS:
		if (!evict_one(tcp)) {
			tcp_limits_leave(tcp->limits, place);
			counter_add(&tcp->counters->refused_clients, 1);
			return false;
		}
		return true;
	case TCP_WELCOME:
		break;
	}
	return true;
}

/* False: fd is still the caller's. */
static bool connection_start(struct tcp *tcp, int fd,
			     const struct address *peer,
			     const struct tcp_place *place)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL || uv_poll_init_socket(tcp->loop, &c->poll, fd) != 0) {
		free(c);
		counter_add(&tcp->counters->refused_system, 1);
		return false;
	}
	c->poll.data = c;
	c->tcp = tcp;
	c->fd = fd;
	c->place = *place;
	c->is_ipv6 = peer->family == AF_INET6;
	c->progress_ms = uv_now(tcp->loop);
	list_append(c);
	counter_add(&tcp->counters->open, 1);
	wait_for(c, UV_READABLE);
	return true;
}

static void welcome(struct tcp *tcp, int fd,
		    const struct sockaddr_storage *name)
{
	struct tcp_place place;
	struct address peer;

	if (address_from_sockaddr(&peer, (const struct sockaddr *)name) !=
		    STATUS_OK ||
	    !is_welcome(tcp, &peer, &place)) {
		close(fd);
		return;
	}
	if (!connection_start(tcp, fd, &peer, &place)) {
		tcp_limits_leave(tcp->limits, &place);
		close(fd);
	}
}

static void pause_listeners(struct tcp *tcp)
{
	for (size_t i = 0; i < tcp->count; i++) {
		uv_poll_stop(&tcp->listeners[i].poll);
	}
	tcp->is_paused = true;
}

/*
 * No descriptor is left: take the waiting connection with the spare one, so
 * that its client hears at once and the listener does not stay readable.
 */
static bool refuse_with_spare(struct tcp *tcp, int listener)
{
	int fd;

	counter_add(&tcp->counters->refused_system, 1);
	if (tcp->spare < 0) {
		return false;
	}
	close(tcp->spare);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		close(fd);
	}
	tcp->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd >= 0 && tcp->spare >= 0;
}

/* Accept one; false where there is none, or none can be had for now. */
static bool accept_one(struct tcp *tcp, int listener)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);
	int fd = accept4(listener, (struct sockaddr *)&name, &size,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		counter_add(&tcp->counters->accepted, 1);
		welcome(tcp, fd, &name);
		return true;
	}
	switch (errno) {
	case EAGAIN:
		return false;
	case EMFILE:
	case ENFILE:
		if (refuse_with_spare(tcp, listener)) {
			return true;
		}
		pause_listeners(tcp);
		return false;
	case ENOBUFS:
	case ENOMEM:
		/*
		 * It stays readable: try again at the heartbeat, not at once.
		 */
		counter_add(&tcp->counters->refused_system, 1);
		pause_listeners(tcp);
		return false;
	default:
		/* That connection's own trouble (accept(2)); the next one. */
		return true;
	}
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
	struct tcp_listener *listener = poll->data;

	(void)events;
	if (status < 0) {
		pause_listeners(listener->tcp);
		return;
	}
	counter_set(&listener->tcp->counters->last_pass_ns,
		    clock_monotonic_ns());
	for (unsigned i = 0; i < TCP_ACCEPTS_A_WAKE; i++) {
		if (!accept_one(listener->tcp, listener->fd)) {
			break;
		}
	}
}

static void resume_listeners(struct tcp *tcp)
{
	for (size_t i = 0; i < tcp->count; i++) {
		uv_poll_start(&tcp->listeners[i].poll, UV_READABLE,
			      on_listener);
	}
	tcp->is_paused = false;
}

/* --- the whole ------------------------------------------------------------ */

static int listener_start(struct tcp *tcp, size_t i,
			  const struct tcp_settings *settings)
{
	struct tcp_listener *listener = &tcp->listeners[i];
	int error;

	listener->tcp = tcp;
	listener->fd = settings->sockets[i];
	error = uv_poll_init_socket(settings->loop, &listener->poll,
				    listener->fd);
	if (error != 0) {
		return error;
	}
	tcp->count = i + 1; /* from here on there is a handle to close */
	listener->poll.data = listener;
	return uv_poll_start(&listener->poll, UV_READABLE, on_listener);
}

static struct tcp_scratch *scratch_new(void)
{
	struct tcp_scratch *scratch =
		mmap(NULL, sizeof(*scratch), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (scratch == MAP_FAILED) {
		return NULL;
	}
	(void)madvise(scratch, sizeof(*scratch), MADV_DONTDUMP);
	return scratch;
}

struct tcp *tcp_new(const struct tcp_settings *settings)
{
	struct tcp *tcp = calloc(
		1, sizeof(*tcp) + settings->count * sizeof(tcp->listeners[0]));

	if (tcp == NULL) {
		log_error("tcp: %s", status_text(STATUS_NO_MEMORY));
		return NULL;
	}
	tcp->answer = settings->answer;
	tcp->worker = settings->counters;
	tcp->counters = &settings->counters->transports[COUNTERS_TCP];
	tcp->limits = settings->limits;
	tcp->loop = settings->loop;
	tcp->idle_ms = settings->idle_ms;
	tcp->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	tcp->scratch = scratch_new();
	if (tcp->scratch == NULL) {
		log_error("tcp: %s", status_text(STATUS_NO_MEMORY));
		tcp_free(tcp);
		return NULL;
	}
	for (size_t i = 0; i < settings->count; i++) {
		int error = listener_start(tcp, i, settings);

		if (error != 0) {
			log_error("tcp: %s", uv_strerror(error));
			tcp_close(tcp);
			uv_run(settings->loop, UV_RUN_NOWAIT);
			tcp_free(tcp);
			return NULL;
		}
	}
	return tcp;
}

void tcp_heartbeat(struct tcp *tcp)
{
	uint64_t now = uv_now(tcp->loop);

	counter_set(&tcp->counters->last_pass_ns, clock_monotonic_ns());
	while (tcp->oldest != NULL &&
	       now - tcp->oldest->progress_ms >= tcp->idle_ms) {
		struct connection *c = tcp->oldest;

		if (c->output != NULL) {
			counter_add(&tcp->counters->closed_slow, 1);
			connection_reset(c);
		} else {
			counter_add(&tcp->counters->closed_idle, 1);
			connection_close(c);
		}
	}
	if (tcp->is_paused) {
		resume_listeners(tcp);
	}
}

void tcp_close(struct tcp *tcp)
{
	for (size_t i = 0; i < tcp->count; i++) {
		uv_close((uv_handle_t *)&tcp->listeners[i].poll, NULL);
	}
	while (tcp->oldest != NULL) {
		connection_close(tcp->oldest);
	}
}

void tcp_free(struct tcp *tcp)
{
	if (tcp == NULL) {
		return;
	}
	if (tcp->spare >= 0) {
		close(tcp->spare);
	}
	if (tcp->scratch != NULL) {
		munmap(tcp->scratch, sizeof(*tcp->scratch));
	}
	free(tcp);
}

void tcp_watch(struct tcp *tcp)
{
	uint64_t waiting = 0;

	for (size_t i = 0; i < tcp->count; i++) {
		struct tcp_info info;
		socklen_t size = sizeof(info);

		memset(&info, 0, sizeof(info));
		/* Of a listener this is the length of its accept queue. */
		if (getsockopt(tcp->listeners[i].fd, IPPROTO_TCP, TCP_INFO,
			       &info, &size) == 0) {
			waiting += info.tcpi_unacked;
		}
	}
	counter_set(&tcp->worker->queues[COUNTERS_TCP].waiting, waiting);
}
