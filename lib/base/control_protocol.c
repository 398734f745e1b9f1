/*
 * control_protocol.c - where the control sockets stand.
 *
 * Whoever starts a daemon by hand and then types rootcastctl must reach it with
 * no option, as root or not: so daemon and client walk the same list of places.
 */
#include "lib/base/control_protocol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char system_folder[] = "/run/rootcast";

/* A folder that is ours, not a link, and closed to others. */
static enum status private_folder(const char *folder, bool make)
{
	struct stat st;

	if (make && mkdir(folder, 0700) != 0 && errno != EEXIST) {
		return status_from_errno(errno);
	}
	if (lstat(folder, &st) != 0) {
		return make ? status_from_errno(errno) : STATUS_OK;
	}
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077) != 0) {
		return STATUS_REFUSED;
	}
	return STATUS_OK;
}

enum status control_default_path(char path[CONTROL_PATH_MAX], const char *name,
				 bool make)
{
	char folder[CONTROL_PATH_MAX];
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const char *temporary = getenv("TMPDIR");
	enum status status = STATUS_OK;
	int length;

	if (make) {
		/* Where it cannot be made, the next place is tried. */
		(void)mkdir(system_folder, 0755);
	}
	if (access(system_folder, W_OK) == 0 ||
	    (geteuid() == 0 && !make && access(system_folder, F_OK) != 0)) {
		snprintf(folder, sizeof(folder), "%s", system_folder);
	} else {
		if (runtime != NULL && runtime[0] == '/') {
			length = snprintf(folder, sizeof(folder), "%s/rootcast",
					  runtime);
		} else {
			length = snprintf(
				folder, sizeof(folder), "%s/rootcast-%lu",
				temporary != NULL && temporary[0] == '/'
					? temporary
					: "/tmp",
				(unsigned long)geteuid());
		}
		if (length < 0 || (size_t)length >= sizeof(folder)) {
			return STATUS_TOO_LONG;
		}
		status = private_folder(folder, make);
	}
	if (status == STATUS_OK) {
		length =
			snprintf(path, CONTROL_PATH_MAX, "%s/%s", folder, name);
		if (length < 0 || length >= CONTROL_PATH_MAX) {
			return STATUS_TOO_LONG;
		}
	}
	return status;
}
