/*
 * privileges.c - after the sockets are bound nothing needs root any more.
 *
 * Nothing is kept back: no capability, no saved user, and no exec gives any
 * (PR_SET_NO_NEW_PRIVS). That the way back is closed is tried, not trusted.
 */
#include "server/nameserver/privileges.h"

#include "lib/base/log.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

bool privileges_user_exists(const char *user)
{
	return getpwnam(user) != NULL;
}

static enum status refuse(const char *user, const char *why)
{
	log_error("user '%s': %s", user, why);
	return STATUS_REFUSED;
}

enum status privileges_drop(const char *user, const char *control_path)
{
	const struct passwd *entry = getpwnam(user);
	uid_t uid;
	gid_t gid;

	if (entry == NULL) {
		return refuse(user, "no such user");
	}
	uid = entry->pw_uid;
	gid = entry->pw_gid;
	if (geteuid() == uid && getuid() == uid) {
		return STATUS_OK;
	}
	if (geteuid() != 0) {
		return refuse(user, "only root can become another user");
	}
	if (control_path != NULL && lchown(control_path, uid, gid) != 0) {
		return refuse(control_path, strerror(errno));
	}
	if (initgroups(user, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		return refuse(user, strerror(errno));
	}
	if (uid != 0 && setuid(0) == 0) {
		return refuse(user, "root could be had back");
	}
	return STATUS_OK;
}
