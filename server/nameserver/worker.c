/*
 * worker.c - a thread, its loop, and the transports on it.
 *
 * Everything is made and freed by the main thread while the worker's thread
 * does not run; between that the main thread touches only the stop handle and
 * what counters.h shares. The heartbeat marks every transport ten times a
 * second, so that a loop that stands still shows even without queries.
 */
#include "server/nameserver/worker.h"

#include "lib/base/grace.h"
#include "lib/base/log.h"
#include "server/nameserver/tcp.h"
#include "server/nameserver/udp.h"
#include "server/nameserver/xdp.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

struct worker {
	uv_loop_t loop;
	uv_async_t stop;
	uv_timer_t heartbeat;
	struct answer_context *answer;
	struct udp *udp;
	struct tcp *tcp;
	struct xdp *xdp; /* NULL: none */
	struct counters_worker *counters;
	pthread_t thread;
	bool is_running; /* there is a thread to join */
	bool is_asked;   /* to stop: the handle may be gone any time now */
	unsigned id;
	int cpu;
	size_t sockets;
	int descriptors[]; /* of UDP, then of TCP */
};

static void on_heartbeat(uv_timer_t *timer)
{
	struct worker *worker = timer->data;

	udp_heartbeat(worker->udp);
	tcp_heartbeat(worker->tcp);
	if (worker->xdp != NULL) {
		xdp_heartbeat(worker->xdp);
	}
}

/* Worker thread, or main thread where it never ran. */
static void close_handles(struct worker *worker)
{
	if (worker->udp != NULL) {
		udp_close(worker->udp);
	}
	if (worker->tcp != NULL) {
		tcp_close(worker->tcp);
	}
	if (worker->xdp != NULL) {
		xdp_close(worker->xdp);
	}
	uv_close((uv_handle_t *)&worker->heartbeat, NULL);
	uv_close((uv_handle_t *)&worker->stop, NULL);
}

/* What came before the stop is answered: nobody else can. */
static void on_stop(uv_async_t *async)
{
	struct worker *worker = async->data;

	if (worker->xdp != NULL) {
		xdp_drain(worker->xdp);
	}
	udp_drain(worker->udp);
	close_handles(worker);
}

static enum status init_loop(struct worker *worker)
{
	int error = uv_loop_init(&worker->loop);

	if (error != 0) {
		log_error("worker %u: %s", worker->id, uv_strerror(error));
		return STATUS_NO_MEMORY;
	}
	error = uv_async_init(&worker->loop, &worker->stop, on_stop);
	if (error != 0) {
		log_error("worker %u: %s", worker->id, uv_strerror(error));
		uv_loop_close(&worker->loop);
		return STATUS_IO;
	}
	worker->stop.data = worker;
	uv_timer_init(&worker->loop, &worker->heartbeat);
	worker->heartbeat.data = worker;
	uv_timer_start(&worker->heartbeat, on_heartbeat, WORKER_HEARTBEAT_MS,
		       WORKER_HEARTBEAT_MS);
	return STATUS_OK;
}

/* After the loop has ended, or before it ever ran. */
static void take_down(struct worker *worker)
{
	int error;

	uv_run(&worker->loop, UV_RUN_DEFAULT);
	error = uv_loop_close(&worker->loop);
	assert(error == 0);
	(void)error;
	udp_free(worker->udp);
	tcp_free(worker->tcp);
	xdp_free(worker->xdp);
	answer_context_free(worker->answer);
}

static bool init_transports(struct worker *worker,
			    const struct worker_settings *settings)
{
	worker->answer =
		answer_context_new(settings->identity, settings->zones);
	if (worker->answer == NULL) {
		log_error("worker %u: %s", worker->id,
			  status_text(STATUS_NO_MEMORY));
		return false;
	}
	worker->udp = udp_new(&(struct udp_settings){
		.loop = &worker->loop,
		.answer = worker->answer,
		.counters = settings->counters,
		.sockets = settings->udp,
		.count = settings->sockets,
	});
	if (worker->udp == NULL) {
		return false;
	}
	worker->tcp = tcp_new(&(struct tcp_settings){
		.loop = &worker->loop,
		.answer = worker->answer,
		.counters = settings->counters,
		.limits = settings->limits,
		.idle_ms = settings->tcp_idle_ms,
		.sockets = settings->tcp,
		.count = settings->sockets,
	});
	if (worker->tcp == NULL || settings->xdp_count == 0) {
		return worker->tcp != NULL;
	}
	worker->xdp = xdp_new(&(struct xdp_settings){
		.loop = &worker->loop,
		.answer = worker->answer,
		.counters = settings->counters,
		.rings = settings->xdp,
		.count = settings->xdp_count,
		.takes_partial_checksum = settings->xdp_partial_checksum,
	});
	return worker->xdp != NULL;
}

struct worker *worker_new(const struct worker_settings *settings)
{
	size_t count = settings->sockets;
	struct worker *worker =
		calloc(1, sizeof(*worker) +
				  2 * count * sizeof(worker->descriptors[0]));

	if (worker == NULL) {
		log_error("worker %u: %s", settings->id,
			  status_text(STATUS_NO_MEMORY));
		return NULL;
	}
	worker->id = settings->id;
	worker->cpu = settings->cpu;
	worker->counters = settings->counters;
	if (init_loop(worker) != STATUS_OK) {
		free(worker);
		return NULL;
	}
	if (!init_transports(worker, settings)) {
		close_handles(worker);
		take_down(worker);
		free(worker);
		return NULL;
	}
	worker->sockets = count;
	memcpy(worker->descriptors, settings->udp, count * sizeof(int));
	memcpy(worker->descriptors + count, settings->tcp, count * sizeof(int));
	return worker;
}

static void pin(const struct worker *worker)
{
	cpu_set_t set;
	int error;

	if (worker->cpu < 0) {
		return;
	}
	CPU_ZERO(&set);
	CPU_SET((size_t)worker->cpu, &set);
	error = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	if (error != 0) {
		log_warning("worker %u: cannot be pinned to cpu %d: %s",
			    worker->id, worker->cpu, strerror(error));
	}
}

static void *run(void *argument)
{
	struct worker *worker = argument;
	char name[WORKER_NAME_MAX];

	snprintf(name, sizeof(name), "worker-%u", worker->id);
	pthread_setname_np(pthread_self(), name);
	pin(worker);
	counter_set(&worker->counters->thread_id,
		    (uint64_t)syscall(SYS_gettid));
	grace_thread_register();
	on_heartbeat(&worker->heartbeat);
	uv_run(&worker->loop, UV_RUN_DEFAULT);
	grace_thread_unregister();
	return NULL;
}

/* Signals are the main thread's: here they would only interrupt. */
enum status worker_start(struct worker *worker)
{
	sigset_t all;
	sigset_t before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		log_error("worker %u: no thread: %s", worker->id,
			  strerror(error));
		return status_from_errno(error);
	}
	worker->is_running = true;
	return STATUS_OK;
}

void worker_stop(struct worker *worker)
{
	if (worker->is_running && !worker->is_asked) {
		worker->is_asked = true;
		uv_async_send(&worker->stop);
	}
}

void worker_free(struct worker *worker)
{
	if (worker == NULL) {
		return;
	}
	if (worker->is_running) {
		worker_stop(worker);
		pthread_join(worker->thread, NULL);
	} else {
		close_handles(worker);
	}
	take_down(worker);
	for (size_t i = 0; i < 2 * worker->sockets; i++) {
		close(worker->descriptors[i]);
	}
	free(worker);
}

void worker_watch(struct worker *worker)
{
	udp_watch(worker->udp);
	tcp_watch(worker->tcp);
	if (worker->xdp != NULL) {
		xdp_watch(worker->xdp);
	}
}
