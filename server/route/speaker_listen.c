/*
 * speaker_listen.c - connections that peers open.
 *
 * There is a listener for each address of 'listen', for all peers of its family,
 * and where there is none, one for each 'passive' peer's source. Connections
 * are taken from configured peers only; what becomes of a second one is decided
 * in speaker_peer.c.
 */
#include "server/route/speaker_internal.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "server/route/speaker_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ACCEPTS_MAX = 16, /* a pass and listener */
};

#define LISTEN_PAUSE_NS (100 * SPEAKER_MS) /* after accept() failed */

static bool listens_for(const struct listener *listener,
			const struct speaker_peer *peer)
{
	struct address at = peer->source;

	if (listener->is_common) {
		return listener->address.family == peer->address.family;
	}
	if (!peer->passive) {
		return false;
	}
	at.port = peer->address.port;
	if (at.family == 0) {
		at.family = peer->address.family;
	}
	return address_equal(&at, &listener->address);
}

static struct peer *listener_find_peer(const struct listener *listener,
				       const struct address *from)
{
	struct speaker *speaker = listener->speaker;

	for (size_t i = 0; i < speaker->peer_count; i++) {
		struct peer *peer = &speaker->peers[i];
		struct address address = peer->config.address;

		address.port = from->port;
		if (listens_for(listener, &peer->config) &&
		    address_equal(&address, from)) {
			return peer;
		}
	}
	return NULL;
}

static void on_listen(uv_poll_t *poll, int status, int events)
{
	struct listener *listener = (struct listener *)poll;

	(void)status;
	(void)events;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		struct sockaddr_storage name;
		socklen_t size = sizeof(name);
		struct address from;
		struct peer *peer;
		int fd = accept4(listener->fd, (struct sockaddr *)&name, &size,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			break;
		}
		if (fd < 0 && (errno == EMFILE || errno == ENFILE ||
			       errno == ENOBUFS || errno == ENOMEM)) {
			/* It would be ready again at once, for ever. */
			uv_poll_stop(&listener->poll);
			listener->paused_until =
				clock_monotonic_ns() + LISTEN_PAUSE_NS;
			break;
		}
		if (fd < 0) {
			continue;
		}
		if (address_from_sockaddr(&from, (struct sockaddr *)&name) !=
			    STATUS_OK ||
		    (peer = listener_find_peer(listener, &from)) == NULL) {
			close(fd);
			continue;
		}
		peer_adopt(peer, fd);
	}
	speaker_pass(listener->speaker);
}

void listener_resume(struct listener *listener, uint64_t now)
{
	if (listener->paused_until != 0 && now >= listener->paused_until) {
		listener->paused_until = 0;
		uv_poll_start(&listener->poll, UV_READABLE, on_listen);
	}
}

static struct listener *listener_get(struct speaker *speaker,
				     const struct speaker_peer *peer)
{
	for (size_t i = 0; i < speaker->listener_count; i++) {
		if (listens_for(&speaker->listeners[i], peer)) {
			return &speaker->listeners[i];
		}
	}
	return NULL;
}

static enum status listener_open(struct speaker *speaker,
				 const struct address *address, bool is_common)
{
	struct listener *listener =
		&speaker->listeners[speaker->listener_count];
	const char *what = NULL;
	char text[ADDRESS_TEXT_MAX];

	listener->speaker = speaker;
	listener->address = *address;
	listener->is_common = is_common;
	listener->fd = speaker_socket_listen(address, &what);
	if (listener->fd < 0) {
		log_error("bgp: %s on %s: %s", what,
			  address_dump(address, text), strerrordesc_np(errno));
		return status_from_errno(errno);
	}
	if (uv_poll_init(&speaker->loop, &listener->poll, listener->fd) != 0) {
		close(listener->fd);
		return STATUS_NO_MEMORY;
	}
	uv_poll_start(&listener->poll, UV_READABLE, on_listen);
	speaker->listener_count++;
	return STATUS_OK;
}

/* A passive peer needs to be heard, whatever 'listen' says. */
static enum status passive_open(struct speaker *speaker,
				const struct peer *peer)
{
	struct address address = peer->config.source;

	if (!peer->config.passive ||
	    listener_get(speaker, &peer->config) != NULL) {
		return STATUS_OK;
	}
	address.family = peer->config.address.family;
	address.port = peer->config.address.port;
	return listener_open(speaker, &address, false);
}

/* TCP-MD5 is checked by the kernel: each listener needs each peer's key. */
static enum status keys_set(const struct listener *listener)
{
	const struct speaker *speaker = listener->speaker;

	for (size_t i = 0; i < speaker->peer_count; i++) {
		const struct peer *peer = &speaker->peers[i];

		if (listens_for(listener, &peer->config) &&
		    !speaker_socket_set_key(listener->fd, &peer->config)) {
			log_error("peer %s: cannot set the password "
				  "(TCP-MD5): %s",
				  peer->name, strerrordesc_np(errno));
			return status_from_errno(errno);
		}
	}
	return STATUS_OK;
}

enum status listeners_open(struct speaker *speaker)
{
	enum status status = STATUS_OK;

	for (size_t i = 0; i < speaker->listen_count && status == STATUS_OK;
	     i++) {
		status = listener_open(speaker, &speaker->listen[i], true);
	}
	for (size_t i = 0; i < speaker->peer_count && status == STATUS_OK;
	     i++) {
		status = passive_open(speaker, &speaker->peers[i]);
	}
	for (size_t i = 0; i < speaker->listener_count && status == STATUS_OK;
	     i++) {
		status = keys_set(&speaker->listeners[i]);
	}
	return status;
}
