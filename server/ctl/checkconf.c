/*
 * checkconf.c - let both daemons check a configuration file.
 *
 * Only the daemons know what they read; so they are run, from the folder that
 * this program stands in, and what they say is passed on.
 */
#include "server/ctl/ctl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The daemon of that name beside this program. */
static bool beside(const char *name, char path[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (length <= 0) {
		return false;
	}
	path[length] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL ||
	    (size_t)(slash - path) + 2 + strlen(name) > PATH_MAX) {
		return false;
	}
	strcpy(slash + 1, name);
	return true;
}

/* Run 'NAME -c FILE --check'; its exit status, or negative. */
static int run_check(const char *name, const char *file)
{
	char path[PATH_MAX];
	int status;
	pid_t child;

	if (!beside(name, path) || access(path, X_OK) != 0) {
		fprintf(stderr, "rootcastctl: %s does not stand beside me\n",
			name);
		return -1;
	}
	fflush(stdout);
	child = fork();
	if (child < 0) {
		perror("rootcastctl: fork");
		return -1;
	}
	if (child == 0) {
		/* Standard output is this program's: one JSON document. */
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execl(path, name, "-c", file, "--check", (char *)NULL);
		perror(path);
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR) {
			return -1;
		}
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/*
 * Is this a file for the nameserver alone? A site without route control has no
 * 'route' section, and nothing is wrong with that. What cannot be read is
 * left to the daemons to complain of.
 */
static bool is_nameserver_only(const char *file)
{
	json_t *root = json_load_file(file, 0, NULL);
	bool only =
		json_is_object(root) && json_object_get(root, "route") == NULL;

	json_decref(root);
	return only;
}

int ctl_checkconf(const struct ctl *ctl, int count, char *const *arguments)
{
	static const char *const daemons[] = {"rootcastd", "rootcast-routed"};
	json_t *document = json_object();
	int exit_status = CTL_DONE;

	if (count != 1) {
		json_decref(document);
		return ctl_usage("'checkconf' takes one FILE");
	}
	for (size_t i = 0; i < 2; i++) {
		int status;

		if (i == 1 && is_nameserver_only(arguments[0])) {
			if (!ctl->json) {
				printf("%s: no 'route' section, not checked\n",
				       daemons[i]);
			}
			continue;
		}
		status = run_check(daemons[i], arguments[0]);
		json_object_set_new(document, daemons[i],
				    json_boolean(status == 0));
		if (status != 0) {
			exit_status = CTL_WRONG;
		}
		if (!ctl->json) {
			printf("%s: %s\n", daemons[i],
			       status == 0 ? "good" : "refused");
		}
	}
	json_object_set_new(document, "ok",
			    json_boolean(exit_status == CTL_DONE));
	if (ctl->json) {
		ctl_print(document);
	}
	json_decref(document);
	return exit_status;
}
