/*
 * The control socket with real connections: what it answers, what it endures,
 * and that its connections end with the process, however that ends.
 */
#include "server/nameserver/control.h"

#include "lib/base/clock.h"
#include "lib/base/control_protocol.h"
#include "lib/base/log.h"
#include "server/nameserver/counters.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PATIENCE_MS = 20000,
	MEMORY_MB = 64, /* ROOTCAST_TEST_MEMORY_MB for more */
	EOF_LIMIT_MS = 2000,
};

static char folder[64];
static char path[96];

/* --- a client ------------------------------------------------------------- */

struct client {
	int fd;
	size_t size;
	char data[1 << 20];
};

static struct client client;

static int connect_client(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	ck_assert_int_ge(fd, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void open_client(void)
{
	client.fd = connect_client();
	client.size = 0;
	ck_assert_int_ge(client.fd, 0);
}

static void say(const char *text)
{
	size_t size = strlen(text);

	while (size > 0) {
		ssize_t sent = send(client.fd, text, size, MSG_NOSIGNAL);

		if (sent < 0) {
			return; /* closed: the test sees it when it reads */
		}
		text += sent;
		size -= (size_t)sent;
	}
}

/* The next line as JSON; NULL at the end of the file. */
static json_t *hear(void)
{
	for (;;) {
		char *end = memchr(client.data, '\n', client.size);
		struct pollfd readable = {client.fd, POLLIN, 0};
		ssize_t size;

		if (end != NULL) {
			size_t length = (size_t)(end - client.data);
			json_t *line = json_loadb(client.data, length, 0, NULL);

			ck_assert_ptr_nonnull(line);
			client.size -= length + 1;
			memmove(client.data, end + 1, client.size);
			return line;
		}
		ck_assert_int_eq(poll(&readable, 1, PATIENCE_MS), 1);
		size = recv(client.fd, client.data + client.size,
			    sizeof(client.data) - client.size, 0);
		if (size <= 0) {
			return NULL;
		}
		client.size += (size_t)size;
	}
}

static bool is_ok(json_t *reply)
{
	bool ok = json_is_true(json_object_get(reply, "ok"));

	json_decref(reply);
	return ok;
}

/* --- a daemon in a process of its own ------------------------------------- */

struct daemon {
	uv_loop_t loop;
	struct control *control;
	struct counters *counters;
	uv_signal_t terminate;
};

static struct daemon server;

static void on_detached(void *context)
{
	(void)context;
	uv_stop(&server.loop);
}

static void on_withdrawn(void *context)
{
	(void)context;
	uv_close((uv_handle_t *)&server.terminate, NULL);
	control_detach(server.control, on_detached, NULL);
}

static void on_terminate(uv_signal_t *handle, int number)
{
	(void)handle;
	(void)number;
	control_stopping(server.control, on_withdrawn, NULL);
}

static void touch_memory(void)
{
	const char *wanted = getenv("ROOTCAST_TEST_MEMORY_MB");
	size_t size = (size_t)(wanted != NULL ? atoi(wanted) : MEMORY_MB) << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(memory, MAP_FAILED);
	madvise(memory, size, MADV_DONTDUMP);
	memset(memory, 1, size);
}

enum loop_kind {
	LOOP_RUNS,
	LOOP_HANGS, /* the main thread never comes round */
};

static void run_daemon(int ready, enum loop_kind kind)
{
	struct control_options options = {.path = path, .identity = "here"};
	struct rlimit cores = {RLIM_INFINITY, RLIM_INFINITY};
	char error[CONTROL_ERROR_MAX];

	setrlimit(RLIMIT_CORE, &cores);
	if (chdir(folder) != 0 ||
	    control_start(&options, &server.control, error) != STATUS_OK) {
		_exit(9);
	}
	uv_loop_init(&server.loop);
	server.counters = counters_new(2);
	uv_signal_init(&server.loop, &server.terminate);
	uv_signal_start(&server.terminate, on_terminate, SIGTERM);
	if (control_attach(server.control, &server.loop, server.counters,
			   NULL) != STATUS_OK) {
		_exit(9);
	}
	touch_memory();
	if (write(ready, "r", 1) != 1) {
		_exit(9);
	}
	if (kind == LOOP_HANGS) {
		for (;;) {
			pause();
		}
	}
	uv_run(&server.loop, UV_RUN_DEFAULT);
	control_stop(server.control);
	while (uv_run(&server.loop, UV_RUN_DEFAULT) != 0) {
	}
	uv_loop_close(&server.loop);
	counters_free(server.counters);
	exit(0);
}

static pid_t child;

static void start_daemon(enum loop_kind kind)
{
	int ready[2];
	char octet;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		run_daemon(ready[1], kind);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &octet, 1), 1);
	close(ready[0]);
}

static int wait_daemon(void)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	child = 0;
	return status;
}

static void set_up(void)
{
	log_init("test", LOG_LEVEL_ERROR);
	strcpy(folder, "/tmp/test_control.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/server.sock", folder);
}

static void tear_down(void)
{
	char command[128];

	if (child > 0) {
		kill(child, SIGKILL);
		wait_daemon();
	}
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

/* --- the tests ------------------------------------------------------------ */

static const struct {
	const char *line;
	bool ok;
	bool goes_on; /* the connection */
} lines[] = {
	{"{\"command\": \"stats\"}\n", true, true},
	{"{\"command\": \"status\"}\n", true, true},
	{"{\"command\": \"zones\"}\n", true, true},
	{"{\"command\": \"withdrawn\"}\n", true, true},
	{"{\"command\": \"zone\", \"name\": \"nowhere\"}\n", false, true},
	{"{\"command\": \"reload\"}\n", false, true},
	{"{\"command\": \"zone\"}\n", false, true},
	{"{\"command\": \"zone\", \"name\": 7}\n", false, true},
	{"{\"command\": \"zone\", \"name\": \"a..b\"}\n", false, true},
	{"{\"command\": \"reload\", \"force\": 1}\n", false, true},
	{"{\"command\": \"stats\", \"more\": true}\n", false, true},
	{"{\"command\": \"explode\"}\n", false, true},
	{"{\"command\": 1}\n", false, true},
	{"{}\n", false, true},
	{"[]\n", false, false},
	{"nonsense\n", false, false},
	{"\n", false, false},
	{"{\"command\": \"stats\", \"command\": \"stats\"}\n", false, false},
};

START_TEST(every_request_is_answered_once)
{
	start_daemon(LOOP_RUNS);
	open_client();
	say(lines[_i].line);
	ck_assert_int_eq(is_ok(hear()), lines[_i].ok);
	say("{\"command\": \"stats\"}\n");
	if (lines[_i].goes_on) {
		ck_assert(is_ok(hear()));
	} else {
		ck_assert_ptr_null(hear());
	}
	close(client.fd);
}
END_TEST

START_TEST(requests_in_a_row_are_answered_in_order)
{
	start_daemon(LOOP_RUNS);
	open_client();
	say("{\"command\":\"status\"}\n{\"command\":\"stats\"}\n"
	    "{\"command\":\"nothing\"}\n{\"command\":\"zones\"}\n");
	shutdown(client.fd, SHUT_WR);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const keys[] = {"identity", "stats", "error",
						   "zones"};
		json_t *reply = hear();

		ck_assert_ptr_nonnull(json_object_get(reply, keys[i]));
		json_decref(reply);
	}
	ck_assert_ptr_null(hear());
	close(client.fd);
}
END_TEST

START_TEST(endless_line_is_refused)
{
	char block[4096];

	start_daemon(LOOP_RUNS);
	open_client();
	memset(block, 'x', sizeof(block) - 1);
	block[sizeof(block) - 1] = '\0';
	for (unsigned i = 0; i < 20; i++) {
		say(block);
	}
	ck_assert(!is_ok(hear()));
	close(client.fd);
	open_client();
	say("{\"command\": \"stats\"}\n");
	ck_assert(is_ok(hear()));
	close(client.fd);
}
END_TEST

START_TEST(crowd_of_clients_does_not_keep_route_control_out)
{
	int crowd[200];

	start_daemon(LOOP_RUNS);
	open_client();
	say("{\"command\": \"attach\"}\n");
	ck_assert(is_ok(hear()));
	for (unsigned i = 0; i < 200; i++) {
		crowd[i] = connect_client();
		ck_assert_int_ge(crowd[i], 0);
	}
	for (unsigned i = 0; i < 5; i++) {
		json_t *report = hear();

		ck_assert_ptr_nonnull(json_object_get(report, "report"));
		json_decref(report);
	}
	close(client.fd);
	open_client();
	say("{\"command\": \"attach\"}\n");
	ck_assert(is_ok(hear()));
	for (unsigned i = 0; i < 200; i++) {
		close(crowd[i]);
	}
	close(client.fd);
}
END_TEST

START_TEST(report_says_what_each_worker_does)
{
	json_t *report;
	json_t *worker;

	start_daemon(LOOP_RUNS);
	open_client();
	say("{\"command\": \"attach\"}\n");
	ck_assert(is_ok(hear()));
	report = hear();
	ck_assert_str_eq(json_string_value(json_object_get(report, "state")),
			 "running");
	ck_assert(json_is_array(json_object_get(report, "zones")));
	ck_assert_uint_eq(json_array_size(json_object_get(report, "workers")),
			  2);
	worker = json_array_get(json_object_get(report, "workers"), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(worker, "id")), 1);
	ck_assert_uint_eq(
		json_array_size(json_object_get(worker, "transports")), 2);
	json_decref(report);
	close(client.fd);
}
END_TEST

START_TEST(main_thread_that_hangs_stops_no_report)
{
	json_t *line;

	start_daemon(LOOP_HANGS);
	open_client();
	say("{\"command\": \"attach\"}\n");
	ck_assert(is_ok(hear()));
	for (unsigned i = 0; i < 3; i++) {
		line = hear();
		ck_assert_ptr_nonnull(json_object_get(line, "report"));
		json_decref(line);
	}
	say("{\"command\": \"status\"}\n");
	do {
		line = hear();
		ck_assert_ptr_nonnull(line);
		if (json_object_get(line, "ok") != NULL) {
			break;
		}
		json_decref(line);
	} while (true);
	ck_assert(!is_ok(line));
	close(client.fd);
}
END_TEST

START_TEST(stop_waits_for_withdrawn)
{
	bool is_stopping = false;

	start_daemon(LOOP_RUNS);
	open_client();
	say("{\"command\": \"attach\"}\n");
	ck_assert(is_ok(hear()));
	kill(child, SIGTERM);
	while (!is_stopping) {
		json_t *report = hear();

		ck_assert_ptr_nonnull(report);
		is_stopping = strcmp(json_string_value(
					     json_object_get(report, "state")),
				     "stopping") == 0;
		json_decref(report);
	}
	ck_assert_int_eq(waitpid(child, NULL, WNOHANG), 0);
	say("{\"command\": \"withdrawn\"}\n");
	ck_assert_int_eq(wait_daemon(), 0);
	ck_assert_int_ne(access(path, F_OK), 0);
	close(client.fd);
}
END_TEST

START_TEST(stop_waits_for_nobody_when_nobody_is_attached)
{
	start_daemon(LOOP_RUNS);
	kill(child, SIGTERM);
	ck_assert_int_eq(wait_daemon(), 0);
}
END_TEST

START_TEST(stale_socket_is_replaced_and_a_live_one_is_not)
{
	struct control_options options = {.path = path, .identity = "me"};
	struct control *control = NULL;
	char error[CONTROL_ERROR_MAX];
	struct stat st;
	FILE *file;

	start_daemon(LOOP_RUNS);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0660);
	ck_assert_int_eq(control_start(&options, &control, error),
			 STATUS_EXISTS);
	ck_assert_ptr_nonnull(strstr(error, "another rootcastd is running"));
	kill(child, SIGKILL);
	wait_daemon();
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(control_start(&options, &control, error), STATUS_OK);
	control_stop(control);
	ck_assert_int_ne(access(path, F_OK), 0);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	ck_assert_int_eq(control_start(&options, &control, error),
			 STATUS_EXISTS);
}
END_TEST

static const int deaths[] = {SIGKILL, SIGSEGV, SIGABRT};

START_TEST(connection_ends_with_the_process)
{
	uint64_t began;
	uint64_t ended;
	json_t *line;

	start_daemon(LOOP_RUNS);
	open_client();
	say("{\"command\": \"attach\"}\n");
	ck_assert(is_ok(hear()));
	json_decref(hear());
	began = clock_monotonic_ns();
	kill(child, deaths[_i]);
	while ((line = hear()) != NULL) {
		json_decref(line);
	}
	ended = clock_monotonic_ns();
	/* Of the signal, or of a sanitizer's report of it. */
	ck_assert_int_ne(wait_daemon(), 0);
	printf("%s: end of file after %.2f ms, gone after %.2f ms\n",
	       strsignal(deaths[_i]), (double)(ended - began) / 1e6,
	       (double)(clock_monotonic_ns() - began) / 1e6);
	ck_assert_uint_lt((ended - began) / 1000000u, EOF_LIMIT_MS);
	close(client.fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control");
	TCase *tests = tcase_create("control");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, every_request_is_answered_once, 0,
			    sizeof(lines) / sizeof(lines[0]));
	tcase_add_test(tests, requests_in_a_row_are_answered_in_order);
	tcase_add_test(tests, endless_line_is_refused);
	tcase_add_test(tests, crowd_of_clients_does_not_keep_route_control_out);
	tcase_add_test(tests, report_says_what_each_worker_does);
	tcase_add_test(tests, main_thread_that_hangs_stops_no_report);
	tcase_add_test(tests, stop_waits_for_withdrawn);
	tcase_add_test(tests, stop_waits_for_nobody_when_nobody_is_attached);
	tcase_add_test(tests, stale_socket_is_replaced_and_a_live_one_is_not);
	tcase_add_loop_test(tests, connection_ends_with_the_process, 0,
			    sizeof(deaths) / sizeof(deaths[0]));
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
