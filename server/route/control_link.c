/*
 * control_link.c - see control_link.h.
 *
 * A plain descriptor with uv_poll rather than a uv_pipe: the decider can read it
 * whenever it needs to know (control_link_read), and end-of-file is seen by the
 * very read that meets it.
 */
#include "server/route/control_link.h"

#include "lib/base/control_protocol.h"
#include "lib/base/log.h"
#include "server/route/control_report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	BUFFER_START = 64 << 10, /* octets; grows to CONTROL_LINE_MAX */
	READS_AT_ONCE = 64,      /* then others on the loop have a turn */
};

struct control_link {
	uv_loop_t *loop;
	uv_timer_t retry;
	uv_poll_t *poll; /* NULL: not connected */
	int fd;
	const char *path;
	const struct probe_zone *zones;
	size_t zone_count;
	enum health_zone *states;
	struct control_serial *serials;
	size_t zones_fit;
	char *listing; /* the last report that listed zones; NULL: none */
	size_t listing_size;
	struct control_link_events events;
	char *buffer;
	size_t size; /* octets in use, of: */
	size_t room;
	int last_error;     /* of connecting: logged when it changes */
	bool is_bad_logged; /* a line that could not be read */
};

static void on_poll_closed(uv_handle_t *handle)
{
	free(handle);
}

static void drop(struct control_link *link)
{
	uv_close((uv_handle_t *)link->poll, on_poll_closed);
	link->poll = NULL;
	close(link->fd);
	link->fd = -1;
	link->size = 0;
	for (size_t i = 0; i < link->zone_count; i++) {
		link->states[i] = HEALTH_ZONE_MISSING;
		link->serials[i].is_known = false;
	}
	link->zones_fit = 0;
	free(link->listing);
	link->listing = NULL;
}

static void lose(struct control_link *link, const char *reason)
{
	drop(link);
	link->events.lost(link->events.context, reason);
}

/* A command; the socket's buffer is empty enough for it, or the peer is mad. */
static bool say(struct control_link *link, const char *line)
{
	ssize_t size = (ssize_t)strlen(line);

	return send(link->fd, line, (size_t)size,
		    MSG_DONTWAIT | MSG_NOSIGNAL) == size;
}

/* Zones are listed only when they change: who asks later gets this. */
static void keep_listing(struct control_link *link, const char *line,
			 size_t size)
{
	char *copy = malloc(size + 1);

	free(link->listing);
	link->listing = copy;
	link->listing_size = size;
	if (copy != NULL) {
		memcpy(copy, line, size);
		copy[size] = '\0';
	}
}

bool control_link_watch(struct control_link *link,
			const struct probe_zone *zones, size_t zone_count)
{
	enum health_zone *states = calloc(zone_count + 1, sizeof(*states));
	struct control_serial *serials =
		calloc(zone_count + 1, sizeof(*serials));
	struct control_message message;

	if (states == NULL || serials == NULL) {
		free(states);
		free(serials);
		return false;
	}
	free(link->states);
	free(link->serials);
	link->states = states;
	link->serials = serials;
	link->zones = zones;
	link->zone_count = zone_count;
	if (link->listing != NULL &&
	    control_report_read(&message, link->listing, link->listing_size,
				zones, zone_count, states,
				serials) != STATUS_OK) {
		/* It was read before; zones stay missing until the next. */
	}
	return true;
}

const enum health_zone *control_link_zones(const struct control_link *link)
{
	return link->states;
}

/* False: the connection was given up. */
static bool take_line(struct control_link *link, const char *line, size_t size)
{
	struct control_message message;
	char reason[CONTROL_TEXT_MAX + 32];

	if (control_report_read(&message, line, size, link->zones,
				link->zone_count, link->states,
				link->serials) != STATUS_OK) {
		if (!link->is_bad_logged) {
			log_warning("nameserver at %s: a line could not be "
				    "read: '%.80s'",
				    link->path, line);
		}
		link->is_bad_logged = true;
		return true;
	}
	switch (message.kind) {
	case CONTROL_LINE_REPORT:
		if (message.has_zones) {
			link->zones_fit = message.zones_fit;
			keep_listing(link, line, size);
		}
		message.report.zones = link->states;
		message.report.zones_fit = link->zones_fit;
		link->events.report(link->events.context, &message.report,
				    message.text);
		break;
	case CONTROL_LINE_REPLY_BAD:
		snprintf(reason, sizeof(reason), "it refused: %s",
			 message.text);
		lose(link, reason);
		break;
	case CONTROL_LINE_REPLY_OK:
	case CONTROL_LINE_OTHER:
		break;
	}
	return link->poll != NULL;
}

/* Every whole line of the buffer. */
static bool take_lines(struct control_link *link, size_t searched)
{
	size_t start = 0;
	char *end;

	while ((end = memchr(link->buffer + searched, '\n',
			     link->size - searched)) != NULL) {
		size_t next = (size_t)(end - link->buffer) + 1;

		*end = '\0';
		if (!take_line(link, link->buffer + start, next - 1 - start)) {
			return false;
		}
		start = next;
		searched = next;
	}
	memmove(link->buffer, link->buffer + start, link->size - start);
	link->size -= start;
	return true;
}

/* Room for more of a line; false where it is too long. */
static bool grow(struct control_link *link)
{
	char *more;

	if (link->size < link->room) {
		return true;
	}
	if (link->room >= CONTROL_LINE_MAX) {
		return false;
	}
	more = realloc(link->buffer, link->room * 2);
	if (more == NULL) {
		return false;
	}
	link->buffer = more;
	link->room *= 2;
	return true;
}

void control_link_read(struct control_link *link)
{
	for (unsigned i = 0; i < READS_AT_ONCE && link->poll != NULL; i++) {
		size_t searched = link->size;
		ssize_t got;

		if (!grow(link)) {
			lose(link, "it sent a line without end");
			return;
		}
		got = recv(link->fd, link->buffer + link->size,
			   link->room - link->size, MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
			return;
		}
		if (got < 0) {
			lose(link, strerror(errno));
			return;
		}
		if (got == 0) {
			lose(link, "end of its connection");
			return;
		}
		link->size += (size_t)got;
		if (!take_lines(link, searched)) {
			return;
		}
	}
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	control_link_read(poll->data);
}

/* A connected socket, or -1 with errno. */
static int open_socket(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd;
	int saved;

	if (strlen(path) >= sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static void on_retry(uv_timer_t *timer)
{
	struct control_link *link = timer->data;

	if (link->poll != NULL) {
		return;
	}
	link->fd = open_socket(link->path);
	if (link->fd < 0) {
		if (errno != link->last_error) {
			log_notice("nameserver at %s: cannot connect yet: %s",
				   link->path, strerror(errno));
		}
		link->last_error = errno;
		return;
	}
	link->poll = malloc(sizeof(*link->poll));
	if (link->poll == NULL ||
	    uv_poll_init(link->loop, link->poll, link->fd) != 0) {
		free(link->poll);
		link->poll = NULL;
		close(link->fd);
		return;
	}
	link->last_error = 0;
	link->poll->data = link;
	uv_poll_start(link->poll, UV_READABLE, on_poll);
	if (!say(link, "{\"command\":\"attach\"}\n")) {
		drop(link);
		return;
	}
	link->events.connected(link->events.context);
}

struct control_link *control_link_new(uv_loop_t *loop, const char *path,
				      const struct probe_zone *zones,
				      size_t zone_count,
				      const struct control_link_events *events)
{
	struct control_link *link = calloc(1, sizeof(*link));

	if (link == NULL) {
		return NULL;
	}
	link->buffer = malloc(BUFFER_START);
	link->states = calloc(zone_count + 1, sizeof(*link->states));
	link->serials = calloc(zone_count + 1, sizeof(*link->serials));
	if (link->buffer == NULL || link->states == NULL ||
	    link->serials == NULL) {
		free(link->buffer);
		free(link->states);
		free(link->serials);
		free(link);
		return NULL;
	}
	link->room = BUFFER_START;
	link->loop = loop;
	link->fd = -1;
	link->path = path;
	link->zones = zones;
	link->zone_count = zone_count;
	link->events = *events;
	uv_timer_init(loop, &link->retry);
	link->retry.data = link;
	return link;
}

void control_link_start(struct control_link *link)
{
	uv_timer_start(&link->retry, on_retry, 0, CONTROL_LINK_RETRY_MS);
}

void control_link_withdrawn(struct control_link *link)
{
	if (link->poll != NULL && !say(link, "{\"command\":\"withdrawn\"}\n")) {
		log_warning("nameserver at %s: could not be told that the "
			    "routes are withdrawn",
			    link->path);
	}
}

bool control_link_serial(const struct control_link *link, size_t zone,
			 uint32_t *serial)
{
	*serial = link->serials[zone].serial;
	return link->serials[zone].is_known;
}

bool control_link_is_connected(const struct control_link *link)
{
	return link->poll != NULL;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct control_link *link = handle->data;

	free(link->buffer);
	free(link->states);
	free(link->serials);
	free(link);
}

void control_link_free(struct control_link *link)
{
	if (link == NULL) {
		return;
	}
	if (link->poll != NULL) {
		drop(link);
	}
	uv_close((uv_handle_t *)&link->retry, on_timer_closed);
}
