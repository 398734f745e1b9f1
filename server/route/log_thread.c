/*
 * log_thread.c - see log_thread.h.
 *
 * One a process, as the log is: the sink has no context. The thread sleeps on a
 * semaphore, whose post never waits. At the end it may hang in write(2) for ever;
 * then it is left behind, and the process ends around it.
 */
#include "server/route/log_thread.h"

#include "lib/base/clock.h"
#include "lib/base/line_ring.h"
#include "lib/base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static struct line_ring ring;
static sem_t news;
static pthread_t thread;
static bool is_started;
static _Atomic bool is_stopping;
static _Atomic bool is_busy; /* a line was taken and is not written yet */
static _Atomic uint64_t dropped;

static void take_line(const char *line, size_t size)
{
	if (line_ring_put(&ring, line, size)) {
		sem_post(&news);
	} else {
		atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
	}
}

/* All of it, however long it takes; a broken standard error takes nothing. */
static void write_line(const char *line, size_t size)
{
	while (size > 0) {
		ssize_t written = write(STDERR_FILENO, line, size);

		if (written >= 0) {
			line += written;
			size -= (size_t)written;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			struct pollfd fd = {STDERR_FILENO, POLLOUT, 0};

			poll(&fd, 1, -1);
		} else if (errno != EINTR) {
			return;
		}
	}
}

/*
 * is_busy is set before the line leaves the ring, so that flush never sees both
 * empty while a line is in between.
 */
static void write_lines(void)
{
	char line[LOG_LINE_MAX];
	size_t size;

	atomic_store(&is_busy, true);
	while ((size = line_ring_take(&ring, line)) > 0) {
		uint64_t lost;

		write_line(line, size);
		lost = line_ring_dropped(&ring);
		if (lost > 0) {
			size = log_line(line, LOG_LEVEL_WARNING,
					"%llu log lines were dropped: standard "
					"error did not take them",
					(unsigned long long)lost);
			write_line(line, size);
		}
	}
	atomic_store(&is_busy, false);
}

static void *thread_main(void *argument)
{
	while (!atomic_load(&is_stopping)) {
		write_lines();
		while (sem_wait(&news) != 0 && errno == EINTR) {
			/* Again. */
		}
	}
	write_lines();
	return argument;
}

enum status log_thread_start(void)
{
	sigset_t all;
	sigset_t before;
	int error;

	line_ring_init(&ring);
	sem_init(&news, 0, 0);
	/* Signals are for the thread that runs main(). */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, thread_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		log_error("no thread for the log: %s",
			  status_text(status_from_errno(error)));
		return status_from_errno(error);
	}
	pthread_setname_np(thread, "log");
	is_started = true;
	log_set_sink(take_line);
	return STATUS_OK;
}

static bool is_written(void)
{
	/* In this order: see write_lines(). */
	return line_ring_is_empty(&ring) && !atomic_load(&is_busy);
}

void log_thread_flush(unsigned wait_ms)
{
	static const struct timespec pause = {.tv_nsec = 200000};
	uint64_t until = clock_monotonic_ms() + wait_ms;

	while (is_started && !is_written() && clock_monotonic_ms() < until) {
		nanosleep(&pause, NULL);
	}
}

void log_thread_stop(unsigned wait_ms)
{
	if (!is_started) {
		return;
	}
	log_thread_flush(wait_ms);
	if (!is_written()) {
		pthread_detach(thread);
		return;
	}
	log_set_sink(NULL);
	atomic_store(&is_stopping, true);
	sem_post(&news);
	pthread_join(thread, NULL);
	is_started = false;
}

uint64_t log_thread_dropped(void)
{
	return atomic_load_explicit(&dropped, memory_order_relaxed);
}
