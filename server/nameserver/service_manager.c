#include "server/nameserver/service_manager.h"

#include "lib/base/log.h"
#include "lib/base/status.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void service_manager_tell(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t size;
	int fd;

	if (path == NULL || path[0] == '\0') {
		return;
	}
	if (strlen(path) >= sizeof(name.sun_path)) {
		log_warning("NOTIFY_SOCKET: %s", status_text(STATUS_TOO_LONG));
		return;
	}
	memcpy(name.sun_path, path, strlen(path));
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			   strlen(path));
	if (path[0] == '@') {
		name.sun_path[0] = '\0';
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL,
			     (const struct sockaddr *)&name, size) < 0) {
		log_warning("NOTIFY_SOCKET '%s': %s", path, strerror(errno));
	}
	if (fd >= 0) {
		close(fd);
	}
}
