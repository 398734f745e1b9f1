/*
 * folder_load.c - read one zone file, but only when nobody is writing it.
 *
 * The kernel knows who has a file open for writing and tells its owner, by
 * refusing a lease. Where it does not (another's file, a file system without
 * leases), a file that has not changed for stable_ms counts as written: by its
 * own times against the wall clock, or, where those are nonsense, by having
 * been seen so before. Either way what was read counts only if nothing changed
 * meanwhile.
 *
 * A change within FOLDER_TICK_MS of the reading could carry the same time as
 * one after it; such a file is left to cool for that long first.
 */
#include "server/nameserver/folder_load.h"

#include "lib/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	FOLDER_TICK_MS = 20, /* the coarsest clock tick of files is 10 ms */
	FOLDER_RETRY_MS = 100,
	LOAD_NICE = 5, /* a third of a worker's share, where they meet */
};

static int64_t wall_ms(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000 + time->tv_nsec / 1000000;
}

/* Milliseconds since the file's own times; negative where they are to come. */
static int64_t state_age_ms(const struct folder_state *state)
{
	int64_t modified = wall_ms(&state->modified);
	int64_t changed = wall_ms(&state->changed);

	return clock_wall_ms() - (modified > changed ? modified : changed);
}

/* error: an errno, or 0 where what says it all. */
static void fail(struct folder_load *load, const char *what, int error)
{
	struct master_file_error *out = &load->zone.error;

	load->verdict = FOLDER_FAILED;
	out->line = 0;
	snprintf(out->file, sizeof(out->file), "%s", load->path);
	snprintf(out->reason, sizeof(out->reason), "%s%s%s", what,
		 error != 0 ? ": " : "", error != 0 ? strerror(error) : "");
}

/* May what fd is be read now? Else the verdict is set. */
static bool is_written(struct folder_load *load, int fd,
		       const struct folder_state *state, bool is_zone_file)
{
	int64_t age = state_age_ms(state);

	switch (folder_writers_find(fd)) {
	case FOLDER_WRITERS_SOME:
		load->verdict = FOLDER_WRITING;
		load->retry_ms = FOLDER_RETRY_MS;
		return false;
	case FOLDER_WRITERS_NONE:
		if (age >= 0 && age < FOLDER_TICK_MS) {
			load->verdict = FOLDER_UNSTABLE;
			load->retry_ms = FOLDER_TICK_MS;
			return false;
		}
		return true;
	case FOLDER_WRITERS_UNKNOWN:
		break;
	}
	if (age >= (int64_t)load->stable_ms) {
		return true;
	}
	if (is_zone_file && folder_state_equal(state, &load->stable) &&
	    clock_monotonic_ns() - load->stable_since_ns >=
		    (uint64_t)load->stable_ms * 1000000u) {
		return true;
	}
	load->verdict = FOLDER_UNSTABLE;
	load->retry_ms = FOLDER_RETRY_MS;
	return false;
}

static int open_file(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* The same question for the $INCLUDE files, known only now. */
static bool are_includes_written(struct folder_load *load)
{
	for (size_t i = 0; i < load->include_count; i++) {
		struct folder_scan_entry *include = &load->includes[i];
		struct stat st;
		bool is_good;
		int fd = open_file(include->path);

		if (fd < 0) {
			continue; /* then zone_load() has said so */
		}
		is_good = fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
			  is_written(load, fd, &include->state, false);
		close(fd);
		if (!is_good) {
			return false;
		}
	}
	return true;
}

static bool note_includes(struct folder_load *load)
{
	size_t count = load->zone.file_count;

	if (count < 2) {
		return true;
	}
	load->includes = calloc(count - 1, sizeof(*load->includes));
	if (load->includes == NULL) {
		return false;
	}
	for (size_t i = 1; i < count; i++) {
		struct folder_scan_entry *include =
			&load->includes[load->include_count];

		include->path = strdup(load->zone.files[i].path);
		if (include->path == NULL) {
			return false;
		}
		load->include_count++;
		folder_state_get(&include->state, include->path);
	}
	return true;
}

/* A thread beside this one, for a large file. */
struct reading_thread {
	struct load_thread base;
	pthread_t thread;
	void (*job)(void *argument);
	void *argument;
};

static void *reading_main(void *argument)
{
	struct reading_thread *reading = argument;

	pthread_setname_np(pthread_self(), "zone-reader");
	reading->job(reading->argument);
	return NULL;
}

/* It inherits the signals that are blocked, and the priority. */
static bool reading_run(struct load_thread *thread, void (*job)(void *argument),
			void *argument)
{
	struct reading_thread *reading = (struct reading_thread *)thread;

	reading->job = job;
	reading->argument = argument;
	return pthread_create(&reading->thread, NULL, reading_main, reading) ==
	       0;
}

static void reading_join(struct load_thread *thread)
{
	pthread_join(((struct reading_thread *)thread)->thread, NULL);
}

/*
 * A worker that has queries to answer comes before a load: where both are on
 * one core, a load at the workers' own priority takes half of it.
 */
static void yield_to_workers(void)
{
	static _Thread_local bool is_done;

	if (!is_done) {
		(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid),
				  LOAD_NICE);
		is_done = true;
	}
}

static void read_file(struct folder_load *load)
{
	struct reading_thread reading = {
		.base = {.run = reading_run, .join = reading_join},
	};
	struct zone_load_options options = {
		.thread = &reading.base,
		.at = clock_wall_ms() / 1000,
		.rules = load->rules,
		.rule_count = load->rule_count,
		.leaves_checks = true,
	};
	struct folder_state after;
	enum status status;

	yield_to_workers();
	status =
		zone_load_with(load->path, load->origin, &options, &load->zone);
	if (status == STATUS_CHANGED) {
		load->verdict = FOLDER_CHANGED;
		load->retry_ms = FOLDER_RETRY_MS;
		return;
	}
	if (!note_includes(load)) {
		fail(load, "cannot remember its files", ENOMEM);
		return;
	}
	if (!are_includes_written(load)) {
		return;
	}
	/* An error that was read from half a file is no error of the file. */
	folder_state_get(&after, load->path);
	if (!folder_state_equal(&after, &load->state) ||
	    !zone_load_is_current(&load->zone)) {
		load->verdict = FOLDER_CHANGED;
		load->retry_ms = FOLDER_RETRY_MS;
		return;
	}
	if (status == STATUS_OK) {
		load->verdict = FOLDER_LOADED;
		return;
	}
	load->verdict = FOLDER_FAILED;
	if (load->zone.error.reason[0] == '\0') {
		snprintf(load->zone.error.reason,
			 sizeof(load->zone.error.reason), "%s",
			 status_text(status));
	}
	if (load->zone.error.file[0] == '\0') {
		snprintf(load->zone.error.file, sizeof(load->zone.error.file),
			 "%s", load->path);
	}
}

/*
 * Is there a regular file at path? Else the verdict is set. Asked before it is
 * opened: to open a device may do something.
 */
static bool is_file(struct folder_load *load)
{
	struct stat st;

	if (stat(load->path, &st) == 0) {
		if (S_ISREG(st.st_mode)) {
			return true;
		}
		folder_state_from_stat(&load->state, &st);
		fail(load, "no regular file", 0);
		return false;
	}
	if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
		return true; /* open() says it again */
	}
	if (lstat(load->path, &st) != 0) {
		load->verdict = FOLDER_VANISHED;
		return false;
	}
	/* The link's own state: its target, once there, is a change. */
	folder_state_from_stat(&load->state, &st);
	fail(load, "a symbolic link to nothing", 0);
	return false;
}

void folder_load_run(struct folder_load *load)
{
	bool is_good;
	struct stat st;
	int fd;

	if (!is_file(load)) {
		return;
	}
	fd = open_file(load->path);
	if (fd < 0) {
		if (errno == ENOENT || errno == ENOTDIR) {
			load->verdict = FOLDER_VANISHED;
			return;
		}
		fail(load, "cannot open", errno);
		folder_state_get(&load->state, load->path);
		return;
	}
	if (fstat(fd, &st) != 0) {
		fail(load, "cannot read", errno);
		close(fd);
		return;
	}
	folder_state_from_stat(&load->state, &st);
	if (!S_ISREG(st.st_mode)) {
		fail(load, "no regular file", 0);
		close(fd);
		return;
	}
	is_good = is_written(load, fd, &load->state, true);
	close(fd);
	if (is_good) {
		read_file(load);
	}
}

void folder_load_check(struct folder_load *load)
{
	yield_to_workers();
	zone_load_check(&load->zone);
}

void folder_load_fini(struct folder_load *load)
{
	zone_load_fini(&load->zone);
	for (size_t i = 0; i < load->include_count; i++) {
		free(load->includes[i].path);
	}
	free(load->includes);
	load->includes = NULL;
	load->include_count = 0;
}
