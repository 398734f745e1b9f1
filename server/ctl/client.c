/*
 * client.c - one question to a daemon's control socket, one reply.
 */
#include "server/ctl/ctl.h"

#include "lib/base/control_protocol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	FIRST_ROOM = 16384,
};

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -1;
	}
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static bool send_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR) {
			continue;
		}
		if (sent <= 0) {
			return false;
		}
		data += sent;
		size -= (size_t)sent;
	}
	return true;
}

/* One line, its line feed excluded; NULL where none came. */
static char *receive_line(int fd, size_t *out_size)
{
	size_t room = FIRST_ROOM;
	size_t size = 0;
	char *line = malloc(room);

	while (line != NULL) {
		ssize_t more = recv(fd, line + size, room - size, 0);
		char *end;

		if (more < 0 && errno == EINTR) {
			continue;
		}
		if (more <= 0) {
			break;
		}
		end = memchr(line + size, '\n', (size_t)more);
		if (end != NULL) {
			*out_size = (size_t)(end - line);
			return line;
		}
		size += (size_t)more;
		if (size == room) {
			char *larger;

			if (room >= CONTROL_LINE_MAX) {
				break;
			}
			room *= 2;
			larger = realloc(line, room);
			if (larger == NULL) {
				break;
			}
			line = larger;
		}
	}
	free(line);
	return NULL;
}

static json_t *exchange(int fd, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	json_t *reply = NULL;
	json_error_t error;
	size_t size;
	char *line;

	if (text == NULL) {
		return NULL;
	}
	if (send_all(fd, text, strlen(text)) && send_all(fd, "\n", 1) &&
	    (line = receive_line(fd, &size)) != NULL) {
		reply = json_loadb(line, size, 0, &error);
		free(line);
	}
	free(text);
	if (reply != NULL && !json_is_object(reply)) {
		json_decref(reply);
		reply = NULL;
	}
	return reply;
}

static int fail(const struct ctl *ctl, int status, const char *format,
		const char *path, const char *reason)
{
	char text[1024];

	snprintf(text, sizeof(text), format, path, reason);
	fprintf(stderr, "rootcastctl: %s\n", ctl_safe(text));
	if (ctl->json) {
		json_t *document = json_pack("{s:b, s:s}", "ok", 0, "error",
					     ctl_safe(text));

		ctl_print(document);
		json_decref(document);
	}
	return status;
}

json_t *ctl_ask(const struct ctl *ctl, const char *name, json_t *request,
		int *exit_status)
{
	char standard[CONTROL_PATH_MAX];
	const char *path = ctl->socket;
	json_t *reply = NULL;
	int fd = -1;

	if (path == NULL) {
		enum status status =
			control_default_path(standard, name, false);

		if (status != STATUS_OK) {
			*exit_status =
				fail(ctl, CTL_NO_DAEMON, "no place for %s: %s",
				     name, status_text(status));
			goto out;
		}
		path = standard;
	}
	fd = connect_to(path);
	if (fd < 0) {
		*exit_status = fail(ctl, CTL_NO_DAEMON, "no daemon at %s: %s",
				    path, strerror(errno));
		goto out;
	}
	reply = exchange(fd, request);
	if (reply == NULL) {
		*exit_status = fail(ctl, CTL_WRONG, "%s: %s", path,
				    "the daemon went without a reply");
		goto out;
	}
	*exit_status = CTL_DONE;
	if (ctl->json) {
		*exit_status = ctl_print(reply);
	}
	if (!json_is_true(json_object_get(reply, "ok"))) {
		fprintf(stderr, "rootcastctl: %s\n",
			ctl_safe(ctl_text(reply, "error")));
		*exit_status = CTL_WRONG;
	}
out:
	if (fd >= 0) {
		close(fd);
	}
	json_decref(request);
	return reply;
}
