/*
 * control.c - the nameserver's control socket.
 *
 * Route control knows that the nameserver is gone by the end of its connection.
 * The kernel closes a process's files late, after its memory is freed or its
 * core written, but it closes a thread's own descriptor table when that thread
 * exits. So connections belong to one small thread that has left the shared
 * table (unshare(CLONE_FILES)) before any other descriptor was there; the main
 * thread then closes its copy of the listening socket.
 *
 *	control thread                          main thread
 *	poll: listener, connections, wake
 *	line -> request --- inbox (stack) --->  uv_poll on wake_main
 *	reply <------------ outbox (stack) ---  answer, or later: reload
 *
 * Both ways are a list with one atomic head: neither thread can ever hold a
 * lock that the other wants, so a main thread that hangs stops no report. The
 * thread runs at real-time priority where it may, so that a flood that takes
 * every CPU does not make the reports late. It must not be the last thread to
 * exit, which frees the memory first: memory_keeper.h.
 *
 * A core is written while every thread still has its files (the kernel stops
 * them before they can exit), so a crash is told before it happens: the handler
 * of the deadly signals has this thread close its connections, waits for that,
 * CRASH_WAIT_MS at most, and dies of the signal. Measured with 1 GB of touched
 * memory that is not dumped, cores on: SIGSEGV 87 to 132 ms without the handler.
 *
 * Rejected: a loop of libuv in the thread (its descriptors, signal pipe and
 * pool live in the table that it must not share); a mutex around the zones for
 * 'status'; a helper process (it learns of a death only after the memory went).
 */
#include "server/nameserver/control.h"

#include "lib/base/clock.h"
#include "lib/base/control_protocol.h"
#include "lib/base/log.h"
#include "server/nameserver/control_report.h"
#include "server/nameserver/control_request.h"
#include "server/nameserver/memory_keeper.h"
#include "server/nameserver/zone_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	CLIENTS_MAX = 64,      /* that are not attached */
	CONNECTIONS_MAX = 256, /* with attached ones */
	READ_SIZE = 16384,
	TAKE_UP_MS = 5000,      /* the main thread's time to take a request */
	BACKLOG_MAX = 64 << 10, /* octets; reports wait above it */
	ZONES_MS = 100,         /* between two lists of zones */
	ACCEPTS_MAX = 16,       /* in a row */
	ACCEPT_PAUSE_MS = 100,
	FIRST_DESCRIPTOR = 3,
	NICE = -10,
	CRASH_WAIT_MS = 20,
};

enum job_state {
	JOB_NEW,
	JOB_TAKEN,
	JOB_LATE, /* answered in the main thread's place */
};

/* A request on its way to the main thread, and its reply on the way back. */
struct job {
	struct job *next;
	struct control *control;
	uint64_t connection;
	uint64_t asked_ms;
	struct control_request request;
	_Atomic int state;
	char *reply;
};

struct connection {
	uint64_t id;
	int fd;
	bool is_attached;
	bool has_withdrawn;
	bool wants_zones;
	bool has_ended;  /* the other side sends nothing more */
	bool is_closing; /* when all was sent */
	bool is_broken;
	struct job *job; /* under way; NULL: none, or no longer ours */
	uint64_t active_ms;
	size_t in_size;
	char *out;
	size_t out_size;
	size_t out_sent;
	char in[CONTROL_REQUEST_MAX];
};

struct control {
	char path[CONTROL_PATH_MAX];
	char *identity;
	dev_t device; /* of the socket file, so that only ours is removed */
	ino_t inode;
	uint64_t started_ms;
	pthread_t thread;
	int wake_control; /* eventfds, in both descriptor tables */
	int wake_main;

	/* Between the threads. */
	_Atomic int setup; /* 0: under way, 1: good, negative: -errno */
	_Atomic bool must_stop;
	_Atomic bool is_crashing;
	_Atomic bool has_closed; /* the connections, for the crash */
	_Atomic bool is_stopping;
	_Atomic bool is_released;
	_Atomic unsigned attached;
	_Atomic(struct job *) inbox;
	_Atomic(struct job *) outbox;
	_Atomic(char *) zones; /* the newest list, not yet taken */
	_Atomic(const struct counters *) counters;

	/* The control thread's. */
	int listener;
	struct connection *connections[CONNECTIONS_MAX];
	size_t connection_count;
	uint64_t next_id;
	uint64_t report;
	uint64_t report_ms; /* when the next is due */
	bool said_stopping;
	uint64_t accept_ms; /* not earlier: the last one failed */
	char *zones_text;

	/* The main thread's. */
	pid_t keeper;
	uv_loop_t *loop;
	struct zone_folder *folder;
	const struct steer *steer;
	uv_poll_t poll;
	uv_timer_t zones_timer;
	unsigned handles;
	void (*withdrawn)(void *context);
	void *withdrawn_context;
	void (*closed)(void *context);
	void *closed_context;
};

static void wake(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0) {
		/* EAGAIN: it is awake already. */
	}
}

static void clear_wake(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0) {
		/* EAGAIN: somebody else was woken. */
	}
}

static void push_job(_Atomic(struct job *) *head, struct job *job)
{
	struct job *first = atomic_load_explicit(head, memory_order_relaxed);

	do {
		job->next = first;
	} while (!atomic_compare_exchange_weak_explicit(
		head, &first, job, memory_order_release, memory_order_relaxed));
}

/* All jobs, the oldest first. */
static struct job *take_jobs(_Atomic(struct job *) *head)
{
	struct job *from =
		atomic_exchange_explicit(head, NULL, memory_order_acquire);
	struct job *list = NULL;

	while (from != NULL) {
		struct job *next = from->next;

		from->next = list;
		list = from;
		from = next;
	}
	return list;
}

static void free_job(struct job *job)
{
	if (job != NULL) {
		free(job->reply);
		free(job);
	}
}

/* --- connections: the control thread -------------------------------------- */

/* Put a line (taken over; NULL: no memory) behind what is still to be sent. */
static void queue_line(struct connection *c, char *line)
{
	size_t left = c->out_size - c->out_sent;
	size_t size;
	char *out;

	if (line == NULL) {
		c->is_broken = true;
		return;
	}
	size = strlen(line);
	if (left == 0) {
		free(c->out);
		c->out = line;
		c->out_size = size;
		c->out_sent = 0;
		return;
	}
	memmove(c->out, c->out + c->out_sent, left);
	out = realloc(c->out, left + size);
	if (out == NULL) {
		c->is_broken = true;
	} else {
		memcpy(out + left, line, size);
		c->out = out;
		c->out_size = left + size;
		c->out_sent = 0;
	}
	free(line);
}

static void send_queued(struct connection *c, uint64_t now_ms)
{
	while (!c->is_broken && c->out_sent < c->out_size) {
		ssize_t sent = send(c->fd, c->out + c->out_sent,
				    c->out_size - c->out_sent,
				    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR) {
			continue;
		}
		if (sent < 0) {
			c->is_broken = errno != EAGAIN;
			return;
		}
		c->out_sent += (size_t)sent;
		c->active_ms = now_ms;
	}
	if (c->out != NULL && c->out_sent == c->out_size) {
		free(c->out);
		c->out = NULL;
		c->out_size = 0;
		c->out_sent = 0;
	}
}

static void hand_over(struct control *control, struct connection *c,
		      const struct control_request *request, uint64_t now_ms)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL) {
		c->is_broken = true;
		return;
	}
	job->control = control;
	job->connection = c->id;
	job->asked_ms = now_ms;
	job->request = *request;
	c->job = job;
	push_job(&control->inbox, job);
	wake(control->wake_main);
}

static void serve(struct control *control, struct connection *c,
		  const struct control_request *request, uint64_t now_ms)
{
	switch (request->command) {
	case CONTROL_ATTACH:
		if (!c->is_attached) {
			c->is_attached = true;
			c->wants_zones = true;
			atomic_fetch_add(&control->attached, 1);
			control->report_ms = 0; /* the first comes at once */
		}
		queue_line(c, control_report_done());
		return;
	case CONTROL_WITHDRAWN:
		c->has_withdrawn = true;
		queue_line(c, control_report_done());
		return;
	case CONTROL_STATS:
		queue_line(c, control_report_stats(
				      atomic_load(&control->counters)));
		return;
	case CONTROL_STATUS:
	case CONTROL_ZONES:
	case CONTROL_ZONE:
	case CONTROL_RELOAD:
		hand_over(control, c, request, now_ms);
		return;
	}
}

static void serve_line(struct control *control, struct connection *c,
		       const char *line, size_t size, uint64_t now_ms)
{
	struct control_request request;
	char error[CONTROL_REQUEST_ERROR_MAX];

	switch (control_request_parse(line, size, &request, error)) {
	case CONTROL_REQUEST_GOOD:
		serve(control, c, &request, now_ms);
		return;
	case CONTROL_REQUEST_GARBAGE:
		c->is_closing = true;
		break;
	case CONTROL_REQUEST_REFUSED:
		break;
	}
	queue_line(c, control_report_error(error));
}

/* Requests that are complete, one at a time: the next waits for the reply. */
static void serve_input(struct control *control, struct connection *c,
			uint64_t now_ms)
{
	size_t start = 0;

	while (!c->is_closing && !c->is_broken && c->job == NULL &&
	       (c->is_attached || c->out == NULL)) {
		char *line = c->in + start;
		char *end = memchr(line, '\n', c->in_size - start);

		if (end == NULL) {
			break;
		}
		start += (size_t)(end - line) + 1;
		serve_line(control, c, line, (size_t)(end - line), now_ms);
		send_queued(c, now_ms);
	}
	c->in_size -= start;
	memmove(c->in, c->in + start, c->in_size);
	if (c->in_size == sizeof(c->in) && !c->is_closing &&
	    memchr(c->in, '\n', c->in_size) == NULL) {
		c->is_closing = true;
		queue_line(c, control_report_error("the request is too long"));
		send_queued(c, now_ms);
	}
}

static void receive(struct control *control, struct connection *c,
		    uint64_t now_ms)
{
	size_t room = sizeof(c->in) - c->in_size;
	ssize_t size;

	if (room > READ_SIZE) {
		room = READ_SIZE;
	}
	size = recv(c->fd, c->in + c->in_size, room, MSG_DONTWAIT);
	if (size < 0) {
		c->is_broken = errno != EAGAIN && errno != EINTR;
		return;
	}
	if (size == 0) {
		c->has_ended = true;
		return;
	}
	c->active_ms = now_ms;
	c->in_size += (size_t)size;
	serve_input(control, c, now_ms);
}

static void close_connection(struct control *control, size_t at)
{
	struct connection *c = control->connections[at];

	if (c->is_attached) {
		atomic_fetch_sub(&control->attached, 1);
	}
	close(c->fd);
	free(c->out);
	free(c);
	control->connections[at] =
		control->connections[--control->connection_count];
}

/*
 * Room for a newcomer, who may be route control: the one longest silent goes.
 */
static bool make_room(struct control *control)
{
	size_t clients = 0;
	size_t oldest = CONNECTIONS_MAX;

	for (size_t i = 0; i < control->connection_count; i++) {
		const struct connection *c = control->connections[i];

		if (c->is_attached) {
			continue;
		}
		clients++;
		if (oldest == CONNECTIONS_MAX ||
		    c->active_ms < control->connections[oldest]->active_ms ||
		    (c->active_ms == control->connections[oldest]->active_ms &&
		     c->id < control->connections[oldest]->id)) {
			oldest = i;
		}
	}
	if (clients < CLIENTS_MAX &&
	    control->connection_count < CONNECTIONS_MAX) {
		return true;
	}
	if (oldest == CONNECTIONS_MAX) {
		return false;
	}
	close_connection(control, oldest);
	return true;
}

static void accept_some(struct control *control, uint64_t now_ms)
{
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(control->listener, NULL, NULL,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct connection *c;

		if (fd < 0) {
			if (errno != EAGAIN && errno != EINTR &&
			    errno != ECONNABORTED) {
				/* No descriptor or memory: no busy loop. */
				control->accept_ms = now_ms + ACCEPT_PAUSE_MS;
			}
			return;
		}
		if (!make_room(control) ||
		    (c = calloc(1, sizeof(*c))) == NULL) {
			close(fd);
			continue;
		}
		c->fd = fd;
		c->id = ++control->next_id;
		c->active_ms = now_ms;
		control->connections[control->connection_count++] = c;
	}
}

static struct connection *find_connection(struct control *control, uint64_t id)
{
	for (size_t i = 0; i < control->connection_count; i++) {
		if (control->connections[i]->id == id) {
			return control->connections[i];
		}
	}
	return NULL;
}

static void take_replies(struct control *control, uint64_t now_ms)
{
	struct job *job = take_jobs(&control->outbox);

	while (job != NULL) {
		struct job *next = job->next;
		struct connection *c =
			find_connection(control, job->connection);

		if (c != NULL && c->job == job) {
			c->job = NULL;
			c->active_ms = now_ms;
			queue_line(c, job->reply);
			job->reply = NULL;
			send_queued(c, now_ms);
			serve_input(control, c, now_ms);
		}
		free_job(job);
		job = next;
	}
}

/* What the main thread does not take up is answered in its place. */
static void check_late(struct connection *c, uint64_t now_ms)
{
	int state = JOB_NEW;

	if (c->job == NULL || now_ms - c->job->asked_ms < TAKE_UP_MS ||
	    !atomic_compare_exchange_strong(&c->job->state, &state, JOB_LATE)) {
		return;
	}
	c->job = NULL; /* the main thread frees it */
	queue_line(c, control_report_error("the main thread does not answer; "
					   "nothing was done"));
	send_queued(c, now_ms);
}

static bool is_over(struct connection *c, uint64_t now_ms)
{
	if (c->is_broken || (c->is_attached && c->has_ended)) {
		return true;
	}
	if (c->out == NULL && c->job == NULL &&
	    (c->is_closing || c->has_ended)) {
		return true;
	}
	/* Idle, or a reader so slow that nothing moves. */
	return !c->is_attached && c->job == NULL &&
	       now_ms - c->active_ms >= CONTROL_IDLE_MS;
}

static void send_reports(struct control *control, uint64_t now_ns)
{
	struct control_report report = {
		.number = ++control->report,
		.is_stopping = atomic_load(&control->is_stopping),
		.identity = control->identity,
		.counters = atomic_load(&control->counters),
		.now_ns = now_ns,
	};
	char *plain = NULL;
	char *full = NULL;

	for (size_t i = 0; i < control->connection_count; i++) {
		struct connection *c = control->connections[i];
		char **line = c->wants_zones ? &full : &plain;
		char *copy;

		if (!c->is_attached ||
		    c->out_size - c->out_sent > BACKLOG_MAX) {
			continue;
		}
		if (*line == NULL) {
			report.zones = !c->wants_zones ? NULL
				       : control->zones_text != NULL
					       ? control->zones_text
					       : "[]";
			*line = control_report_dump(&report);
		}
		copy = *line != NULL ? strdup(*line) : NULL;
		if (copy != NULL) {
			queue_line(c, copy);
			c->wants_zones = false;
		}
		send_queued(c, now_ns / 1000000u);
	}
	free(plain);
	free(full);
}

static void take_zones(struct control *control)
{
	char *zones = atomic_exchange(&control->zones, NULL);

	if (zones == NULL) {
		return;
	}
	free(control->zones_text);
	control->zones_text = zones;
	for (size_t i = 0; i < control->connection_count; i++) {
		control->connections[i]->wants_zones = true;
	}
}

/* May the process go, as far as route control is concerned? */
static void check_released(struct control *control)
{
	if (!atomic_load(&control->is_stopping) ||
	    atomic_load(&control->is_released)) {
		return;
	}
	for (size_t i = 0; i < control->connection_count; i++) {
		const struct connection *c = control->connections[i];

		if (c->is_attached && !c->has_withdrawn) {
			return;
		}
	}
	atomic_store(&control->is_released, true);
	wake(control->wake_main);
}

static int poll_timeout(const struct control *control, uint64_t now_ms)
{
	if (atomic_load(&control->attached) > 0) {
		return control->report_ms > now_ms
			       ? (int)(control->report_ms - now_ms)
			       : 0;
	}
	if (now_ms < control->accept_ms) {
		return ACCEPT_PAUSE_MS;
	}
	return control->connection_count > 0 ? 1000 : -1;
}

/* A report every CONTROL_REPORT_MS, and one at once that says 'stopping'. */
static void send_due(struct control *control, uint64_t now_ms)
{
	bool is_stopping = atomic_load(&control->is_stopping);

	if (atomic_load(&control->attached) == 0 ||
	    (now_ms < control->report_ms &&
	     is_stopping == control->said_stopping)) {
		return;
	}
	control->said_stopping = is_stopping;
	send_reports(control, clock_monotonic_ns());
	control->report_ms += CONTROL_REPORT_MS;
	if (control->report_ms <= now_ms) {
		control->report_ms = now_ms + CONTROL_REPORT_MS;
	}
}

static void run_once(struct control *control)
{
	struct pollfd polls[CONNECTIONS_MAX + 2];
	struct connection *polled[CONNECTIONS_MAX];
	size_t count = control->connection_count;
	uint64_t now_ms = clock_monotonic_ms();

	polls[0] = (struct pollfd){control->wake_control, POLLIN, 0};
	polls[1] = (struct pollfd){
		control->listener,
		now_ms < control->accept_ms ? 0 : POLLIN,
		0,
	};
	for (size_t i = 0; i < count; i++) {
		struct connection *c = control->connections[i];
		short events = 0;

		polled[i] = c;
		if (!c->has_ended && !c->is_closing &&
		    c->in_size < sizeof(c->in)) {
			events |= POLLIN;
		}
		if (c->out != NULL) {
			events |= POLLOUT;
		}
		polls[i + 2] = (struct pollfd){c->fd, events, 0};
	}
	if (poll(polls, count + 2, poll_timeout(control, now_ms)) < 0) {
		return;
	}
	now_ms = clock_monotonic_ms();
	if (polls[0].revents != 0) {
		clear_wake(control->wake_control);
	}
	take_zones(control);
	take_replies(control, now_ms);
	for (size_t i = 0; i < count; i++) {
		short events = polls[i + 2].revents;

		if ((events & POLLOUT) != 0) {
			send_queued(polled[i], now_ms);
			serve_input(control, polled[i], now_ms);
		}
		if ((events & POLLIN) != 0) {
			receive(control, polled[i], now_ms);
		} else if ((events & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
			polled[i]->is_broken = true;
		}
	}
	send_due(control, now_ms);
	for (size_t i = control->connection_count; i-- > 0;) {
		check_late(control->connections[i], now_ms);
		if (is_over(control->connections[i], now_ms)) {
			close_connection(control, i);
		}
	}
	if (polls[1].revents != 0) {
		accept_some(control, now_ms);
	}
	check_released(control);
}

/* --- crashes -------------------------------------------------------------- */

static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

enum {
	DEADLY = sizeof(deadly) / sizeof(deadly[0]),
};

static struct sigaction before_crash[DEADLY];
static _Atomic(struct control *) crash_control;

/* Only what a signal handler may call. */
static void close_for_crash(struct control *control)
{
	for (size_t i = 0; i < control->connection_count; i++) {
		/* Both: the other thread may stand between two closes. */
		(void)shutdown(control->connections[i]->fd, SHUT_RDWR);
		(void)close(control->connections[i]->fd);
	}
	atomic_store(&control->has_closed, true);
}

static void on_crash(int number)
{
	struct control *control = atomic_load(&crash_control);
	const struct timespec pause_time = {.tv_nsec = 100000};

	if (control != NULL && !atomic_exchange(&control->is_crashing, true)) {
		if (pthread_equal(pthread_self(), control->thread)) {
			close_for_crash(control);
		} else {
			wake(control->wake_control);
		}
		for (int i = 0; i < CRASH_WAIT_MS * 10 &&
				!atomic_load(&control->has_closed);
		     i++) {
			(void)nanosleep(&pause_time, NULL);
		}
	}
	for (size_t i = 0; i < DEADLY; i++) {
		if (deadly[i] == number) {
			(void)sigaction(number, &before_crash[i], NULL);
		}
	}
	(void)raise(number);
}

static void catch_crashes(struct control *control)
{
	struct sigaction action = {.sa_handler = on_crash};

	/* Blocked while it runs, raise() takes effect when it returns. */
	action.sa_flags = SA_ONSTACK;
	sigemptyset(&action.sa_mask);
	atomic_store(&crash_control, control);
	for (size_t i = 0; i < DEADLY; i++) {
		(void)sigaction(deadly[i], &action, &before_crash[i]);
	}
}

static void leave_crashes(void)
{
	for (size_t i = 0; i < DEADLY; i++) {
		(void)sigaction(deadly[i], &before_crash[i], NULL);
	}
	atomic_store(&crash_control, NULL);
}

/* --- the thread ----------------------------------------------------------- */

/* Leave the shared descriptor table; keep only what is needed here. */
static int leave_table(struct control *control)
{
	int keep[3] = {control->listener, control->wake_control,
		       control->wake_main};
	unsigned from = FIRST_DESCRIPTOR;

	if (unshare(CLONE_FILES) != 0) {
		return -errno;
	}
	for (size_t i = 0; i < 3; i++) {
		for (size_t k = i + 1; k < 3; k++) {
			if (keep[k] < keep[i]) {
				int higher = keep[i];

				keep[i] = keep[k];
				keep[k] = higher;
			}
		}
		if ((unsigned)keep[i] > from) {
			close_range(from, (unsigned)keep[i] - 1, 0);
		}
		from = (unsigned)keep[i] + 1;
	}
	close_range(from, ~0u, 0);
	return 1;
}

static void hurry(void)
{
	struct sched_param parameter = {.sched_priority = 1};

	if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameter) !=
	    0) {
		/* Without the privilege it runs like every other thread. */
		(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid),
				  NICE);
	}
}

static void *thread_main(void *argument)
{
	struct control *control = argument;
	int setup = leave_table(control);

	pthread_setname_np(pthread_self(), "control");
	hurry();
	atomic_store(&control->setup, setup);
	wake(control->wake_main);
	if (setup < 0) {
		return NULL;
	}
	while (!atomic_load(&control->must_stop)) {
		run_once(control);
		if (atomic_load(&control->is_crashing)) {
			close_for_crash(control);
			for (;;) {
				(void)pause(); /* until the process is gone */
			}
		}
	}
	while (control->connection_count > 0) {
		close_connection(control, control->connection_count - 1);
	}
	close(control->listener);
	return NULL;
}

static bool start_thread(struct control *control)
{
	sigset_t all;
	sigset_t before;
	int error;

	/*
	 * Signals are for the main thread's loop, but those of its own faults.
	 */
	sigfillset(&all);
	for (size_t i = 0; i < DEADLY; i++) {
		sigdelset(&all, deadly[i]);
	}
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&control->thread, NULL, thread_main, control);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error == 0;
}

/* --- the socket ----------------------------------------------------------- */

static void fail(char error[CONTROL_ERROR_MAX], const char *path,
		 const char *text)
{
	snprintf(error, CONTROL_ERROR_MAX, "control socket %s: %s", path, text);
}

/* Does anybody answer at the socket file that is there already? */
static enum status check_stale(const char *path,
			       const struct sockaddr_un *address,
			       char error[CONTROL_ERROR_MAX])
{
	struct stat st;
	int fd;
	int result;
	int reason;

	if (lstat(path, &st) != 0) {
		return errno == ENOENT ? STATUS_OK : status_from_errno(errno);
	}
	if (!S_ISSOCK(st.st_mode)) {
		fail(error, path, "is there and is no socket");
		return STATUS_EXISTS;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		fail(error, path, strerror(errno));
		return status_from_errno(errno);
	}
	result =
		connect(fd, (const struct sockaddr *)address, sizeof(*address));
	reason = errno;
	close(fd);
	if (result == 0 || reason != ECONNREFUSED) {
		fail(error, path,
		     result == 0 || reason == EAGAIN
			     ? "another rootcastd is running"
			     : strerror(reason));
		return STATUS_EXISTS;
	}
	if (unlink(path) != 0 && errno != ENOENT) {
		fail(error, path, strerror(errno));
		return status_from_errno(errno);
	}
	return STATUS_OK;
}

static enum status open_socket(struct control *control,
			       char error[CONTROL_ERROR_MAX])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	enum status status;
	struct stat st;
	mode_t mask;
	int result;

	strcpy(address.sun_path, control->path);
	status = check_stale(control->path, &address, error);
	if (status != STATUS_OK) {
		return status;
	}
	control->listener =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->listener < 0) {
		fail(error, control->path, strerror(errno));
		return status_from_errno(errno);
	}
	mask = umask(0117); /* 0660 from its first moment */
	result = bind(control->listener, (struct sockaddr *)&address,
		      sizeof(address));
	umask(mask);
	if (result != 0 || listen(control->listener, SOMAXCONN) != 0 ||
	    lstat(control->path, &st) != 0) {
		fail(error, control->path, strerror(errno));
		return status_from_errno(errno);
	}
	control->device = st.st_dev;
	control->inode = st.st_ino;
	return STATUS_OK;
}

static void remove_socket(const struct control *control)
{
	struct stat st;

	if (control->inode != 0 && lstat(control->path, &st) == 0 &&
	    st.st_dev == control->device && st.st_ino == control->inode) {
		unlink(control->path);
	}
}

static void free_control(struct control *control)
{
	if (control->wake_control >= 0) {
		close(control->wake_control);
	}
	if (control->wake_main >= 0) {
		close(control->wake_main);
	}
	free(atomic_load(&control->zones));
	free(control->zones_text);
	free(control->identity);
	free(control);
}

static void wait_for_setup(struct control *control)
{
	struct pollfd woken = {control->wake_main, POLLIN, 0};

	while (atomic_load(&control->setup) == 0) {
		(void)poll(&woken, 1, -1);
	}
	clear_wake(control->wake_main);
}

enum status control_start(const struct control_options *options,
			  struct control **out, char error[CONTROL_ERROR_MAX])
{
	enum status status = STATUS_NO_MEMORY;
	struct control *control;

	error[0] = '\0';
	if (strlen(options->path) >= CONTROL_PATH_MAX) {
		fail(error, options->path, "the path is too long");
		return STATUS_TOO_LONG;
	}
	control = calloc(1, sizeof(*control));
	if (control == NULL) {
		fail(error, options->path, status_text(STATUS_NO_MEMORY));
		return STATUS_NO_MEMORY;
	}
	strcpy(control->path, options->path);
	control->listener = -1;
	control->started_ms = clock_monotonic_ms();
	control->identity = strdup(options->identity);
	control->wake_control = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	control->wake_main = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (control->identity == NULL || control->wake_control < 0 ||
	    control->wake_main < 0) {
		fail(error, options->path, status_text(status));
		goto out;
	}
	json_object_seed(0); /* before two threads do it at once */
	status = open_socket(control, error);
	if (status != STATUS_OK) {
		goto out;
	}
	status = STATUS_NO_MEMORY;
	if (!start_thread(control)) {
		fail(error, options->path, "cannot start a thread");
		goto out;
	}
	wait_for_setup(control);
	if (atomic_load(&control->setup) < 0) {
		status = status_from_errno(-atomic_load(&control->setup));
		fail(error, options->path,
		     strerror(-atomic_load(&control->setup)));
		pthread_join(control->thread, NULL);
		goto out;
	}
	/* The thread's copy is the only one: the file closes with it. */
	close(control->listener);
	catch_crashes(control);
	*out = control;
	return STATUS_OK;
out:
	if (control->listener >= 0) {
		close(control->listener);
	}
	remove_socket(control);
	free_control(control);
	return status;
}

void control_stop(struct control *control)
{
	struct job *job;
	struct job *next;

	if (control == NULL) {
		return;
	}
	leave_crashes();
	memory_keeper_stop(control->keeper);
	atomic_store(&control->must_stop, true);
	wake(control->wake_control);
	pthread_join(control->thread, NULL);
	remove_socket(control);
	for (job = take_jobs(&control->inbox); job != NULL; job = next) {
		next = job->next;
		free_job(job);
	}
	for (job = take_jobs(&control->outbox); job != NULL; job = next) {
		next = job->next;
		free_job(job);
	}
	free_control(control);
}

/* --- the main thread's side ----------------------------------------------- */

static void answer(struct job *job, char *reply)
{
	struct control *control = job->control;

	job->reply = reply;
	push_job(&control->outbox, job);
	wake(control->wake_control);
}

static void reload_done(const struct zone_folder_result *result, void *context)
{
	answer(context, control_report_reload(result));
}

static void take_up(struct control *control, struct job *job)
{
	const struct control_request *request = &job->request;
	const struct dname *name =
		request->has_name
			? (const struct dname *)(const void *)&request->name
			: NULL;
	struct control_report_status status = {
		.identity = control->identity,
		.uptime_ms = clock_monotonic_ms() - control->started_ms,
		.is_stopping = atomic_load(&control->is_stopping),
		.is_attached = atomic_load(&control->attached) > 0,
		.counters = atomic_load(&control->counters),
		.folder = control->folder,
		.steer = control->steer,
		.now_ns = clock_monotonic_ns(),
	};

	switch (request->command) {
	case CONTROL_STATUS:
		answer(job, control_report_status(&status));
		return;
	case CONTROL_ZONES:
	case CONTROL_ZONE:
		answer(job, control_report_zones(control->folder, name));
		return;
	case CONTROL_RELOAD:
		if (control->folder != NULL) {
			zone_folder_reload(control->folder, name,
					   request->force, reload_done, job);
			return;
		}
		break;
	case CONTROL_STATS:
	case CONTROL_ATTACH:
	case CONTROL_WITHDRAWN:
		break; /* the control thread's own */
	}
	answer(job, control_report_error("there is no zone folder"));
}

static void on_wake(uv_poll_t *poll_handle, int status, int events)
{
	struct control *control = poll_handle->data;
	struct job *job;
	struct job *next;

	(void)status;
	(void)events;
	clear_wake(control->wake_main);
	for (job = take_jobs(&control->inbox); job != NULL; job = next) {
		int state = JOB_NEW;

		next = job->next;
		if (atomic_compare_exchange_strong(&job->state, &state,
						   JOB_TAKEN)) {
			take_up(control, job);
		} else {
			free_job(job);
		}
	}
	if (atomic_load(&control->is_released) && control->withdrawn != NULL) {
		void (*withdrawn)(void *context) = control->withdrawn;

		control->withdrawn = NULL;
		withdrawn(control->withdrawn_context);
	}
}

void control_tell_steer(struct control *control, const struct steer *steer)
{
	control->steer = steer;
}

enum status control_attach(struct control *control, uv_loop_t *loop,
			   const struct counters *counters,
			   struct zone_folder *folder)
{
	control->loop = loop;
	control->folder = folder;
	/* Not in control_start(): by now privileges were dropped. */
	control->keeper = memory_keeper_start();
	if (control->keeper < 0) {
		log_warning("no keeper of the memory: %s; route control may "
			    "learn of a crash late",
			    strerror(errno));
	}
	if (uv_poll_init(loop, &control->poll, control->wake_main) != 0) {
		return STATUS_IO;
	}
	control->poll.data = control;
	uv_timer_init(loop, &control->zones_timer);
	control->zones_timer.data = control;
	control->handles = 2;
	if (uv_poll_start(&control->poll, UV_READABLE, on_wake) != 0) {
		return STATUS_IO;
	}
	atomic_store(&control->counters, counters);
	/* Requests may have come before. */
	wake(control->wake_main);
	control_zones_changed(control);
	return STATUS_OK;
}

static void on_zones(uv_timer_t *timer)
{
	struct control *control = timer->data;
	char *zones = control_report_places(control->folder);

	if (zones != NULL) {
		free(atomic_exchange(&control->zones, zones));
		wake(control->wake_control);
	}
}

void control_zones_changed(struct control *control)
{
	if (control->handles == 2 && control->closed == NULL &&
	    !uv_is_active((uv_handle_t *)&control->zones_timer)) {
		uv_timer_start(&control->zones_timer, on_zones, ZONES_MS, 0);
	}
}

bool control_is_attached(const struct control *control)
{
	return atomic_load(&control->attached) > 0;
}

void control_stopping(struct control *control, void (*withdrawn)(void *context),
		      void *context)
{
	control->withdrawn = withdrawn;
	control->withdrawn_context = context;
	atomic_store(&control->is_stopping, true);
	wake(control->wake_control);
}

static void on_closed(uv_handle_t *handle)
{
	struct control *control = handle->data;

	if (--control->handles == 0 && control->closed != NULL) {
		control->closed(control->closed_context);
	}
}

void control_detach(struct control *control, void (*closed)(void *context),
		    void *context)
{
	control->withdrawn = NULL;
	control->folder = NULL;
	control->closed = closed;
	control->closed_context = context;
	uv_close((uv_handle_t *)&control->poll, on_closed);
	uv_close((uv_handle_t *)&control->zones_timer, on_closed);
}
