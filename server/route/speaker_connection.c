/*
 * speaker_connection.c - one TCP connection to a peer.
 *
 * A connection that ends with words of ours lingers apart from its session: the
 * write side is shut, what comes is thrown away, until the other side closes or
 * LINGER_NS is over. close() alone would answer unread octets with a RST, and
 * the peer would never see the NOTIFICATION.
 */
#include "server/route/speaker_internal.h"

#include "lib/base/clock.h"
#include "server/route/speaker_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINGER_NS SPEAKER_SECOND

static void on_io(uv_poll_t *poll, int status, int events)
{
	struct connection *c = (struct connection *)poll;
	struct speaker *speaker = c->speaker;

	(void)status; /* a broken socket says so when it is read */
	(void)events;
	if (c->session == NULL) {
		linger_step(c, clock_monotonic_ns());
	} else {
		session_io(c->session);
	}
	speaker_pass(speaker);
}

static void on_connection_closed(uv_handle_t *handle)
{
	free(handle);
}

/* Which side of the socket is worth waking up for. */
void connection_poll(struct connection *c)
{
	int events = UV_READABLE;

	if (c->is_connecting) {
		events = UV_WRITABLE;
	} else if (c->out_at < c->out_size) {
		events |= UV_WRITABLE;
	}
	if (events != c->events) {
		c->events = events;
		uv_poll_start(&c->poll, events, on_io);
	}
}

/* Takes fd over; NULL (and fd closed) when there is no memory. */
struct connection *connection_new(struct session *session, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL ||
	    uv_poll_init(&session->peer->speaker->loop, &c->poll, fd) != 0) {
		free(c);
		close(fd);
		return NULL;
	}
	c->speaker = session->peer->speaker;
	c->session = session;
	c->fd = fd;
	return c;
}

void connection_end(struct connection *c, bool is_reset)
{
	uv_close((uv_handle_t *)&c->poll, on_connection_closed);
	if (is_reset) {
		speaker_socket_reset(c->fd);
	} else {
		close(c->fd);
	}
	c->fd = -1;
}

/*
 * Append one message; false when the peer takes nothing and there is no room.
 */
bool connection_queue(struct connection *c, const uint8_t *data, size_t size)
{
	if (c->out_at == c->out_size) {
		c->out_at = 0;
		c->out_size = 0;
	}
	if (size > SEND_MAX - c->out_size) {
		return false;
	}
	memcpy(c->out + c->out_size, data, size);
	c->out_size += size;
	c->queued += size;
	return true;
}

/* Give TCP what it takes. False: the connection is dead (errno). */
bool connection_flush(struct connection *c)
{
	while (c->out_at < c->out_size && !c->is_connecting) {
		ssize_t sent =
			send(c->fd, c->out + c->out_at, c->out_size - c->out_at,
			     MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR) {
			continue;
		}
		if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			return true;
		}
		if (sent < 0) {
			return false;
		}
		c->out_at += (size_t)sent;
		c->written += (uint64_t)sent;
	}
	return true;
}

/* --- connections that linger ---------------------------------------------- */

static void linger_unlink(struct connection *c)
{
	struct connection **at = &c->speaker->lingering;

	while (*at != c) {
		at = &(*at)->next;
	}
	*at = c->next;
}

/* Move on: write the rest, shut our side, throw away what comes. */
void linger_step(struct connection *c, uint64_t now)
{
	static const size_t bite = RECEIVE_MAX;

	if (!connection_flush(c)) {
		linger_unlink(c);
		connection_end(c, false);
		return;
	}
	if (c->out_at == c->out_size && !c->is_shut) {
		shutdown(c->fd, SHUT_WR);
		c->is_shut = true;
	}
	for (int i = 0; i < RECEIVE_BITES; i++) {
		ssize_t got = recv(c->fd, c->in, bite, MSG_DONTWAIT);

		if (got == 0 || (got < 0 && errno != EAGAIN &&
				 errno != EWOULDBLOCK && errno != EINTR)) {
			linger_unlink(c);
			connection_end(c, false);
			return;
		}
		if (got < 0) {
			break;
		}
	}
	if (now >= c->linger_until) {
		linger_unlink(c);
		connection_end(c, true);
		return;
	}
	connection_poll(c);
}

void linger_begin(struct connection *c, uint64_t now)
{
	struct speaker *speaker = c->speaker;

	c->session = NULL;
	c->linger_until = now + LINGER_NS;
	c->next = speaker->lingering;
	speaker->lingering = c;
	linger_step(c, now);
}
