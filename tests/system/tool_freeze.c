/*
 * tool_freeze.c - stop one thread of a process, and nothing else of it.
 *
 * SIGSTOP stops a whole process; a worker that deadlocks or spins stops alone.
 * PTRACE_SEIZE and PTRACE_INTERRUPT hold exactly one thread until this program
 * ends or is killed, upon which the kernel lets the thread run on.
 *
 * usage: tool_freeze TID     prints 'frozen' once the thread stands still
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "tool_freeze: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	int status;
	pid_t tid = argc == 2 ? (pid_t)strtol(argv[1], NULL, 10) : 0;

	if (tid <= 0) {
		fprintf(stderr, "usage: tool_freeze TID\n");
		return 2;
	}
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0) {
		return fail("seize");
	}
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) != 0) {
		return fail("interrupt");
	}
	if (waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status)) {
		return fail("wait");
	}
	printf("frozen\n");
	fflush(stdout);
	for (;;) {
		pause();
	}
}
