/*
 * test_load_pipe.c - what comes out of the pipe is what the reader says, in
 * order, with its lines and errors, whoever stops first.
 */
#include "lib/zone/load_pipe.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	NEVER = -1,
	/* More text than all blocks of a pipe hold. */
	MANY = 60000,
	FOLDER_SIZE = 64,
	PATH_SIZE = 128,
};

struct runner {
	struct load_thread base;
	pthread_t thread;
	void (*job)(void *argument);
	void *argument;
	bool has_none;
};

static void *runner_main(void *argument)
{
	struct runner *runner = argument;

	runner->job(runner->argument);
	return NULL;
}

static bool runner_run(struct load_thread *thread, void (*job)(void *argument),
		       void *argument)
{
	struct runner *runner = (struct runner *)thread;

	if (runner->has_none) {
		return false;
	}
	runner->job = job;
	runner->argument = argument;
	return pthread_create(&runner->thread, NULL, runner_main, runner) == 0;
}

static void runner_join(struct load_thread *thread)
{
	pthread_join(((struct runner *)thread)->thread, NULL);
}

/* All that was seen of one reading, as a sum. */
struct seen {
	long stop_at; /* the record that is refused, or NEVER */
	long records;
	uint64_t sum;
	unsigned opened;
};

static void mix(struct seen *seen, const void *data, size_t size)
{
	const uint8_t *octets = data;

	for (size_t i = 0; i < size; i++) {
		seen->sum = (seen->sum ^ octets[i]) * UINT64_C(0x100000001b3);
	}
}

static enum status see_record(const struct master_file_record *record,
			      void *context, char *reason)
{
	struct seen *seen = context;

	mix(seen, record->owner, dname_stored_size(record->owner));
	mix(seen, &record->type, sizeof(record->type));
	mix(seen, &record->ttl, sizeof(record->ttl));
	mix(seen, &record->line, sizeof(record->line));
	mix(seen, record->file, strlen(record->file));
	mix(seen, record->rdata, record->rdata_size);
	if (seen->records++ == seen->stop_at) {
		snprintf(reason, MASTER_FILE_REASON_MAX, "enough at %ld",
			 seen->stop_at);
		return STATUS_BAD_DATA;
	}
	return STATUS_OK;
}

static enum status see_opened(const char *path, int fd, const struct stat *st,
			      void *context)
{
	(void)path;
	(void)fd;
	(void)st;
	((struct seen *)context)->opened++;
	return STATUS_OK;
}

static char folder[FOLDER_SIZE];

static void setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/test_load_pipe.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void path_of(char path[PATH_SIZE], const char *name)
{
	snprintf(path, PATH_SIZE, "%s/%s", folder, name);
}

static void teardown(void)
{
	char path[PATH_SIZE];

	path_of(path, "main.zone");
	unlink(path);
	path_of(path, "other");
	unlink(path);
	rmdir(folder);
}

/* A zone of many records; an include in the middle; wrong_at: a bad line. */
static void write_zone(long records, long wrong_at)
{
	char path[PATH_SIZE];
	FILE *file;

	path_of(path, "other");
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "inside 60 IN A 192.0.2.7\n\ninside TXT \"%0400d\"\n", 7);
	fclose(file);
	path_of(path, "main.zone");
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "$ORIGIN example.\n$TTL 3600\n"
		      "@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n");
	for (long i = 0; i < records; i++) {
		if (i == wrong_at) {
			fprintf(file, "wrong A 1.2.3\n");
		}
		if (i == records / 2) {
			fprintf(file, "$INCLUDE other\n");
		}
		fprintf(file, "d%ld (\n NS ns.d%ld ) ; a comment\n", i, i);
	}
	fclose(file);
}

static void check_same(struct runner *runner, long stop_at)
{
	struct seen serial = {.stop_at = stop_at};
	struct seen piped = {.stop_at = stop_at};
	struct master_file_error error = {.line = 0};
	struct master_file_error piped_error = {.line = 0};
	struct master_file_options options = {
		.origin = dname_root,
		.rrclass = 1,
		.record = see_record,
		.opened = see_opened,
	};
	char path[PATH_SIZE];
	enum status status;

	path_of(path, "main.zone");
	options.context = &serial;
	status = master_file_read(path, &options, &error);
	options.context = &piped;
	ck_assert_int_eq(
		load_pipe_read(&runner->base, path, &options, &piped_error),
		status);
	ck_assert_int_eq(piped.records, serial.records);
	ck_assert_uint_eq(piped.sum, serial.sum);
	if (status != STATUS_OK) {
		ck_assert_str_eq(piped_error.file, error.file);
		ck_assert_uint_eq(piped_error.line, error.line);
		ck_assert_str_eq(piped_error.reason, error.reason);
	} else {
		ck_assert_uint_eq(piped.opened, serial.opened);
		ck_assert_int_gt(piped.records, 0);
	}
}

static const struct {
	const char *name;
	long records;
	long wrong_at;
	long stop_at;
	bool has_none;
} cases[] = {
	{"small", 10, NEVER, NEVER, false},
	{"many", MANY, NEVER, NEVER, false},
	{"no_thread_to_be_had", 1000, NEVER, NEVER, true},
	{"error_in_the_text", MANY, MANY / 3, NEVER, false},
	{"error_at_the_end", 1000, 999, NEVER, false},
	{"first_record_refused", MANY, NEVER, 0, false},
	{"refused_in_the_include", MANY, NEVER, MANY / 2 + 4, false},
	{"refused_late", MANY, NEVER, MANY - 1, false},
	{"refused_before_the_error", MANY, 40, 30, false},
	{"error_before_the_refused", MANY, 30, 40, false},
};

START_TEST(pipe_changes_nothing)
{
	struct runner runner = {
		.base = {.run = runner_run, .join = runner_join},
		.has_none = cases[_i].has_none,
	};

	write_zone(cases[_i].records, cases[_i].wrong_at);
	check_same(&runner, cases[_i].stop_at);
}
END_TEST

START_TEST(missing_file_is_told)
{
	struct runner runner = {
		.base = {.run = runner_run, .join = runner_join},
	};

	check_same(&runner, NEVER);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("load_pipe");
	TCase *tcase = tcase_create("load_pipe");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, pipe_changes_nothing, 0,
			    (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(tcase, missing_file_is_told);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
