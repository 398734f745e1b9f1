/*
 * server.c - what is started in which order, and how it stops.
 *
 *	control thread      before any socket is open: it must have none of them
 *	sockets             all or none; a port in use ends the start here
 *	AF_XDP              where it is asked for; where it cannot, without
 *	privileges          dropped, when the configuration names a user
 *	zone folder         opened; it loads once the loop runs
 *	workers             answer from now on (SERVFAIL until a zone is there)
 *	loop                signals, zones, control, the watch over the workers
 *
 *	running --SIGTERM, SIGINT--> stopping --> finishing --> exit 0
 *
 * 'stopping' goes on answering, until route control has withdrawn the routes or
 * has gone, or stop_ms is over, or a second signal says now; where no route
 * control is attached it ends at once. 'finishing' ends the workers and waits
 * for handles to close; a file that is just being read may hold it up for
 * FINISH_MS and no longer.
 *
 * All signals are blocked in every thread but this one: libuv's handler writes
 * to a descriptor, and in the control thread's own table that number may be
 * something else.
 */
#include "server/nameserver/server.h"

#include "lib/base/clock.h"
#include "lib/base/control_protocol.h"
#include "lib/base/grace.h"
#include "lib/base/log.h"
#include "server/nameserver/control.h"
#include "server/nameserver/counters.h"
#include "server/nameserver/privileges.h"
#include "server/nameserver/service_manager.h"
#include "server/nameserver/socket.h"
#include "server/nameserver/steer.h"
#include "server/nameserver/tcp.h"
#include "server/nameserver/worker.h"
#include "server/nameserver/xdp_host.h"
#include "server/nameserver/zone_folder.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

enum {
	WATCH_MS = 100,
	FINISH_MS = 2000,
	SERVER_SIGNALS = 3,
	DESCRIPTORS_A_WORKER = 8, /* of its loop, and one to spare */
	DESCRIPTORS_OTHER = 128,  /* zone files, control, inotify */
};

enum server_state {
	SERVER_STARTING,
	SERVER_RUNNING,
	SERVER_STOPPING,
	SERVER_FINISHING,
};

static const int signal_numbers[SERVER_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

/* Lifetime: process. */
struct server {
	const struct config *config;
	enum server_state state;
	struct answer_identity identity;
	uv_loop_t loop;
	uv_signal_t signals[SERVER_SIGNALS];
	uv_timer_t watch;
	uv_timer_t limit; /* stop_ms, then FINISH_MS */
	struct counters *counters;
	struct tcp_limits *limits;
	struct zone_set *zones;
	struct zone_folder *folder;
	struct control *control; /* NULL: runs without one */
	char control_path[CONTROL_PATH_MAX];
	/* Descriptors until a worker takes them over, a worker's in a row: of
	 * UDP, then of TCP. */
	int *sockets;
	struct address listen[CONFIG_LISTEN_MAX];
	size_t listen_count;
	struct steer steer;
	struct xdp_host *xdp; /* NULL: none */
	struct worker **workers;
	bool *is_standing; /* worker i was reported as on-line for too long */
};

/* --- start ---------------------------------------------------------------- */

/*
 * A socket path that was asked for must be had. The default one is a
 * convenience: a second server by hand runs without it, and says so.
 */
static enum status start_control(struct server *server)
{
	const struct config *config = server->config;
	char error[CONTROL_ERROR_MAX];
	struct control_options options = {
		.path = server->control_path,
		.identity = config->identity,
	};
	enum status status = STATUS_OK;

	if (config->control != NULL) {
		assert(strlen(config->control) < CONTROL_PATH_MAX);
		strcpy(server->control_path, config->control);
	} else {
		status = control_default_path(server->control_path,
					      "server.sock", true);
		snprintf(error, sizeof(error),
			 "no folder for the control socket: %s",
			 status_text(status));
	}
	if (status == STATUS_OK) {
		status = control_start(&options, &server->control, error);
	}
	if (status == STATUS_OK) {
		return STATUS_OK;
	}
	server->control = NULL;
	if (config->control != NULL) {
		log_error("%s", error);
		return status;
	}
	log_warning("%s; this server runs without a control socket, --control "
		    "PATH gives it one",
		    error);
	return STATUS_OK;
}

/* As many descriptors as tcp.clients may take, where the system allows it. */
static void raise_descriptor_limit(const struct config *config)
{
	struct rlimit limit;
	rlim_t need = config->tcp.clients + DESCRIPTORS_OTHER +
		      config->workers *
			      (2 * config->listen_count + DESCRIPTORS_A_WORKER);

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need) {
		return;
	}
	limit.rlim_cur = need;
	if (limit.rlim_max < need) {
		struct rlimit more = {need, need};

		if (setrlimit(RLIMIT_NOFILE, &more) == 0) {
			return;
		}
		limit.rlim_cur = limit.rlim_max;
		log_warning("only %llu file descriptors may be opened, "
			    "tcp.clients %u may need %llu",
			    (unsigned long long)limit.rlim_max,
			    config->tcp.clients, (unsigned long long)need);
	}
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
		log_warning("the limit of file descriptors cannot be raised to "
			    "%llu",
			    (unsigned long long)limit.rlim_cur);
	}
}

static enum status probe_address(const struct address *address,
				 char error[SOCKET_ERROR_MAX])
{
	enum status status = socket_probe(SOCKET_UDP, address, error);

	return status == STATUS_OK ? socket_probe(SOCKET_TCP, address, error)
				   : status;
}

/*
 * Is every address to be had? Of the default ones a family that this host does
 * not speak is left out.
 */
static enum status probe_addresses(struct server *server)
{
	const struct config *config = server->config;
	char error[SOCKET_ERROR_MAX];

	for (size_t i = 0; i < config->listen_count; i++) {
		enum status status = probe_address(&config->listen[i], error);

		if (status == STATUS_OK) {
			server->listen[server->listen_count++] =
				config->listen[i];
		} else if (config->listen_is_default &&
			   status != STATUS_EXISTS) {
			log_warning("%s", error);
		} else {
			log_error("%s", error);
			return status;
		}
	}
	return server->listen_count > 0 ? STATUS_OK : STATUS_IO;
}

static int *worker_sockets(const struct server *server, size_t worker)
{
	return server->sockets + worker * 2 * server->listen_count;
}

static enum status open_worker_sockets(struct server *server, int *sockets)
{
	char error[SOCKET_ERROR_MAX];
	size_t count = server->listen_count;
	enum status status = STATUS_OK;

	for (size_t i = 0; i < count && status == STATUS_OK; i++) {
		status = socket_open(SOCKET_UDP, &server->listen[i], 0,
				     &sockets[i], error);
		if (status == STATUS_OK) {
			status = socket_open(SOCKET_TCP, &server->listen[i],
					     server->config->tcp.mss,
					     &sockets[count + i], error);
		}
	}
	if (status != STATUS_OK) {
		log_error("%s", error);
	}
	return status;
}

static enum status open_sockets(struct server *server)
{
	size_t workers = server->config->workers;
	enum status status = probe_addresses(server);
	size_t total;

	if (status != STATUS_OK) {
		return status;
	}
	total = workers * 2 * server->listen_count;
	server->sockets = malloc(total * sizeof(server->sockets[0]));
	if (server->sockets == NULL) {
		log_error("sockets: %s", status_text(STATUS_NO_MEMORY));
		return STATUS_NO_MEMORY;
	}
	for (size_t i = 0; i < total; i++) {
		server->sockets[i] = -1;
	}
	for (size_t i = 0; i < workers && status == STATUS_OK; i++) {
		status = open_worker_sockets(server, worker_sockets(server, i));
	}
	return status;
}

static void close_sockets(struct server *server)
{
	size_t total = server->config->workers * 2 * server->listen_count;

	for (size_t i = 0; server->sockets != NULL && i < total; i++) {
		if (server->sockets[i] >= 0) {
			close(server->sockets[i]);
		}
	}
	free(server->sockets);
}

/* CPU number worker of those that we may use, or -1 when there are fewer. */
static int cpu_for(unsigned worker, unsigned workers)
{
	cpu_set_t set;
	unsigned at = 0;

	if (sched_getaffinity(0, sizeof(set), &set) != 0 ||
	    (unsigned)CPU_COUNT(&set) < workers) {
		return -1;
	}
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET((size_t)cpu, &set) && at++ == worker) {
			return cpu;
		}
	}
	return -1;
}

/*
 * All sockets of an address are there, worker 0's first. Connections are left
 * to the hash: which of the queues their first packet came by says little.
 */
static void steer(struct server *server)
{
	const struct config *config = server->config;
	struct steer_queue queues[STEER_QUEUES_MAX];
	int cpus[CONFIG_WORKERS_MAX];
	size_t count = 0;

	for (unsigned i = 0; i < config->workers; i++) {
		cpus[i] = cpu_for(i, config->workers);
	}
	if (config->steer == STEER_AUTO && config->workers > 1) {
		count = steer_read("", queues, STEER_QUEUES_MAX);
	}
	steer_decide(&server->steer, config->steer, cpus, config->workers,
		     queues, count);
	for (size_t i = 0; server->steer.is_by_cpu && i < server->listen_count;
	     i++) {
		if (!steer_attach(server->sockets[i], cpus, config->workers)) {
			server->steer.is_by_cpu = false;
			snprintf(server->steer.reason,
				 sizeof(server->steer.reason),
				 "the kernel refuses another: %s",
				 strerror(errno));
		}
	}
	if (config->steer == STEER_CPU && !server->steer.is_by_cpu) {
		log_warning("\"steer\": \"cpu\": %s; the kernel's hash chooses "
			    "the worker",
			    server->steer.reason);
	} else if (config->workers > 1) {
		log_notice("queries are steered by %s: %s",
			   server->steer.is_by_cpu ? "CPU"
						   : "the kernel's hash",
			   server->steer.reason);
	}
}

/* Whatever it says, the sockets serve. */
static void open_xdp(struct server *server)
{
	const struct config *config = server->config;

	if (config->xdp_count > 0) {
		server->xdp = xdp_host_open(&(struct xdp_host_settings){
			.interfaces = config->xdp,
			.interface_count = config->xdp_count,
			.listen = server->listen,
			.listen_count = server->listen_count,
			.workers = config->workers,
			.busy_poll_us = config->xdp_busy_poll_us,
		});
	}
}

static enum status make_worker(struct server *server, unsigned id)
{
	const struct config *config = server->config;
	int *sockets = worker_sockets(server, id);
	size_t xdp_count = 0;
	struct xdp_ring *const *xdp =
		server->xdp != NULL
			? xdp_host_rings(server->xdp, id, &xdp_count)
			: NULL;
	struct worker *worker = worker_new(&(struct worker_settings){
		.id = id,
		.cpu = cpu_for(id, config->workers),
		.identity = &server->identity,
		.zones = server->zones,
		.counters = &server->counters->worker[id],
		.limits = server->limits,
		.tcp_idle_ms = config->tcp.idle_ms,
		.udp = sockets,
		.tcp = sockets + server->listen_count,
		.sockets = server->listen_count,
		.xdp = xdp,
		.xdp_count = xdp_count,
		.xdp_partial_checksum = config->xdp_partial_checksum,
	});

	if (worker == NULL) {
		return STATUS_NO_MEMORY;
	}
	for (size_t i = 0; i < 2 * server->listen_count; i++) {
		sockets[i] = -1;
	}
	server->workers[id] = worker;
	return STATUS_OK;
}

static enum status start_workers(struct server *server)
{
	unsigned count = server->config->workers;
	enum status status = STATUS_OK;

	for (unsigned i = 0; i < count && status == STATUS_OK; i++) {
		status = make_worker(server, i);
	}
	for (unsigned i = 0; i < count && status == STATUS_OK; i++) {
		status = worker_start(server->workers[i]);
	}
	return status;
}

static enum status allocate(struct server *server)
{
	const struct config *config = server->config;

	server->counters = counters_new(config->workers);
	server->limits = tcp_limits_new(config->tcp.clients,
					config->tcp.clients_per_prefix);
	server->zones = zone_set_new();
	server->workers = calloc(config->workers, sizeof(server->workers[0]));
	server->is_standing =
		calloc(config->workers, sizeof(server->is_standing[0]));
	if (server->counters == NULL || server->limits == NULL ||
	    server->zones == NULL || server->workers == NULL ||
	    server->is_standing == NULL) {
		log_error("start: %s", status_text(STATUS_NO_MEMORY));
		return STATUS_NO_MEMORY;
	}
	return STATUS_OK;
}

/* --- zones ---------------------------------------------------------------- */

struct first_zone {
	const struct server *server;
	bool is_found;
};

static void try_first_zone(const struct zone_folder_info *info, void *context)
{
	struct first_zone *first = context;
	const struct address *listen = &first->server->listen[0];
	struct address host = *listen;
	char name[DNAME_TEXT_MAX];
	char text[ADDRESS_TEXT_MAX];

	if (first->is_found || info->state != ZONE_STATE_SERVED) {
		return;
	}
	first->is_found = true;
	host.port = 0;
	printf("try: dig @%s -p %u %s SOA\n", address_dump(&host, text),
	       listen->port, dname_dump(info->name, name));
}

/* For who starts it by hand, without a word where to listen. */
static void print_dig_line(const struct server *server)
{
	struct first_zone first = {.server = server};
	struct address host = server->listen[0];
	char text[ADDRESS_TEXT_MAX];

	zone_folder_walk(server->folder, NULL, try_first_zone, &first);
	if (!first.is_found) {
		host.port = 0;
		printf("try: dig @%s -p %u CH TXT id.server\n",
		       address_dump(&host, text), server->listen[0].port);
	}
	fflush(stdout);
}

static void on_ready(void *context, size_t served, size_t failed)
{
	struct server *server = context;

	log_notice("ready: %zu zones served, %zu failed", served, failed);
	if (server->config->listen_is_default) {
		print_dig_line(server);
	}
	service_manager_tell("READY=1");
}

static void on_zones_changed(void *context)
{
	struct server *server = context;

	if (server->control != NULL) {
		control_zones_changed(server->control);
	}
}

static void on_reloaded(const struct zone_folder_result *result, void *context)
{
	(void)context;
	if (result->status != STATUS_OK) {
		log_error("reload: %s", result->text[0] != '\0'
						? result->text
						: status_text(result->status));
		return;
	}
	log_notice("reload: %zu files read, %zu zones let go; %zu served, %zu "
		   "failed",
		   result->loaded, result->removed, result->served,
		   result->failed);
}

static enum status start_folder(struct server *server)
{
	const struct config *config = server->config;
	struct zone_folder_options options = {
		.loop = &server->loop,
		.path = config->zones,
		.set = server->zones,
		.names = config->places,
		.name_count = config->place_count,
		.rules = config->rules,
		.rule_count = config->rule_count,
		.ready = on_ready,
		.changed = on_zones_changed,
		.context = server,
	};

	return zone_folder_start(&options, &server->folder);
}

/* --- stop ----------------------------------------------------------------- */

static void close_handle(uv_handle_t *handle)
{
	if (!uv_is_closing(handle)) {
		uv_close(handle, NULL);
	}
}

/*
 * Everything was let go: the loop ends once the last handle is closed. libuv
 * gives each signal its default action back; one more SIGTERM (two are what
 * timeout(1) and an impatient operator send) must not turn a clean stop, while
 * memory is freed, into a death.
 */
static void close_own_handles(struct server *server)
{
	for (size_t i = 0; i < SERVER_SIGNALS; i++) {
		close_handle((uv_handle_t *)&server->signals[i]);
		signal(signal_numbers[i], SIG_IGN);
	}
	xdp_host_close(server->xdp);
	close_handle((uv_handle_t *)&server->watch);
	close_handle((uv_handle_t *)&server->limit);
}

static void on_control_closed(void *context)
{
	struct server *server = context;

	close_own_handles(server);
}

static void on_folder_stopped(void *context)
{
	struct server *server = context;

	if (server->control != NULL) {
		control_detach(server->control, on_control_closed, server);
	} else {
		close_own_handles(server);
	}
}

/* A zone of a million names is still being read: do not wait for it. */
static void on_finish_limit(uv_timer_t *timer)
{
	struct server *server = timer->data;

	log_notice("stopped while a zone file was being read");
	control_stop(server->control);
	_exit(0);
}

static void free_workers(struct server *server)
{
	unsigned count = server->config->workers;

	/* The sockets take what comes from here on, and are drained last. */
	xdp_host_detach(server->xdp);
	for (unsigned i = 0; server->workers != NULL && i < count; i++) {
		if (server->workers[i] != NULL) {
			worker_stop(server->workers[i]);
		}
	}
	for (unsigned i = 0; server->workers != NULL && i < count; i++) {
		worker_free(server->workers[i]);
		server->workers[i] = NULL;
	}
}

static void finish(struct server *server)
{
	if (server->state == SERVER_FINISHING) {
		return;
	}
	server->state = SERVER_FINISHING;
	uv_timer_stop(&server->watch);
	uv_timer_stop(&server->limit);
	free_workers(server);
	uv_timer_start(&server->limit, on_finish_limit, FINISH_MS, 0);
	zone_folder_stop(server->folder, on_folder_stopped, server);
}

static void on_withdrawn(void *context)
{
	struct server *server = context;

	if (server->state == SERVER_STOPPING) {
		log_notice("stopping: route control has let go");
		finish(server);
	}
}

static void on_stop_limit(uv_timer_t *timer)
{
	struct server *server = timer->data;

	log_warning("stopping: route control did not answer within %u ms",
		    server->config->stop_ms);
	finish(server);
}

static void begin_stop(struct server *server, int signal_number)
{
	service_manager_tell("STOPPING=1");
	server->state = SERVER_STOPPING;
	if (server->control == NULL || !control_is_attached(server->control)) {
		log_notice("stopping: signal %d", signal_number);
		finish(server);
		return;
	}
	log_notice("stopping: signal %d; answering until route control has "
		   "withdrawn, at most %u ms",
		   signal_number, server->config->stop_ms);
	uv_timer_start(&server->limit, on_stop_limit, server->config->stop_ms,
		       0);
	control_stopping(server->control, on_withdrawn, server);
}

static void on_signal(uv_signal_t *handle, int signal_number)
{
	struct server *server = handle->data;

	if (signal_number == SIGHUP) {
		if (server->state == SERVER_RUNNING) {
			zone_folder_reload(server->folder, NULL, false,
					   on_reloaded, server);
		}
		return;
	}
	if (server->state == SERVER_RUNNING) {
		begin_stop(server, signal_number);
	} else if (server->state == SERVER_STOPPING) {
		log_notice("stopping: second signal, now");
		finish(server);
	}
}

/* --- run ------------------------------------------------------------------ */

/* A worker that follows old pointers for so long holds all memory back. */
static void watch_section(struct server *server, unsigned id, uint64_t now)
{
	uint64_t since =
		counter_get(&server->counters->worker[id].online_since_ns);
	bool is_standing = since != 0 && now > since + COUNTERS_ONLINE_FAULT_NS;

	if (is_standing && !server->is_standing[id]) {
		log_error("worker %u: on-line for more than 1 s", id);
	} else if (!is_standing && server->is_standing[id]) {
		log_notice("worker %u: goes on", id);
	}
	server->is_standing[id] = is_standing;
}

static void on_watch(uv_timer_t *timer)
{
	struct server *server = timer->data;
	uint64_t now = clock_monotonic_ns();

	for (unsigned i = 0; i < server->config->workers; i++) {
		worker_watch(server->workers[i]);
		watch_section(server, i, now);
	}
	if (server->xdp != NULL) {
		xdp_host_watch(server->xdp, server->counters);
	}
}

static void init_handles(struct server *server)
{
	for (size_t i = 0; i < SERVER_SIGNALS; i++) {
		uv_signal_init(&server->loop, &server->signals[i]);
		server->signals[i].data = server;
	}
	uv_timer_init(&server->loop, &server->watch);
	server->watch.data = server;
	uv_timer_init(&server->loop, &server->limit);
	server->limit.data = server;
}

static enum status start_handles(struct server *server)
{
	for (size_t i = 0; i < SERVER_SIGNALS; i++) {
		int error = uv_signal_start(&server->signals[i], on_signal,
					    signal_numbers[i]);

		if (error != 0) {
			log_error("signals: %s", uv_strerror(error));
			return STATUS_IO;
		}
	}
	if (server->xdp != NULL &&
	    !xdp_host_follow(server->xdp, &server->loop)) {
		return STATUS_IO;
	}
	uv_timer_start(&server->watch, on_watch, WATCH_MS, WATCH_MS);
	return STATUS_OK;
}

static enum status attach_control(struct server *server)
{
	enum status status;

	if (server->control == NULL) {
		return STATUS_OK;
	}
	control_tell_steer(server->control, &server->steer);
	status = control_attach(server->control, &server->loop,
				server->counters, server->folder);
	if (status != STATUS_OK) {
		log_error("control: %s", status_text(status));
	}
	return status;
}

static void log_start(const struct server *server)
{
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < server->listen_count; i++) {
		log_notice("listening on %s",
			   address_dump(&server->listen[i], text));
	}
	log_notice("rootcastd %s: identity '%s', %u workers, zones in '%s'",
		   ROOTCAST_VERSION, server->config->identity,
		   server->config->workers, server->config->zones);
}

/* Signals are blocked meanwhile; one that comes is met by the loop. */
static enum status start(struct server *server)
{
	const struct config *config = server->config;
	enum status status = allocate(server);

	if (status == STATUS_OK) {
		status = start_control(server);
	}
	if (status == STATUS_OK) {
		raise_descriptor_limit(config);
		status = open_sockets(server);
	}
	if (status == STATUS_OK) {
		steer(server);
		open_xdp(server);
	}
	if (status == STATUS_OK && config->user != NULL) {
		status = privileges_drop(
			config->user,
			server->control != NULL ? server->control_path : NULL);
	}
	if (status == STATUS_OK) {
		status = start_folder(server);
	}
	if (status == STATUS_OK) {
		status = start_workers(server);
	}
	if (status == STATUS_OK) {
		status = attach_control(server);
	}
	if (status == STATUS_OK) {
		status = start_handles(server);
	}
	return status;
}

/* After the loop: nothing runs any more but the control thread. */
static void free_all(struct server *server)
{
	free_workers(server);
	control_stop(server->control);
	zone_folder_free(server->folder);
	zone_set_free(server->zones);
	grace_barrier();
	xdp_host_free(server->xdp);
	close_sockets(server);
	tcp_limits_free(server->limits);
	counters_free(server->counters);
	free(server->workers);
	free(server->is_standing);
}

static void run_loop(struct server *server)
{
	server->state = SERVER_RUNNING;
	log_start(server);
	uv_run(&server->loop, UV_RUN_DEFAULT);
}

/* What was started goes; the loop runs until every handle is closed. */
static void abandon_start(struct server *server)
{
	free_workers(server);
	if (server->folder != NULL) {
		finish(server);
	} else {
		server->state = SERVER_FINISHING;
		close_own_handles(server);
	}
	uv_run(&server->loop, UV_RUN_DEFAULT);
}

int server_run(const struct config *config)
{
	struct server *server = calloc(1, sizeof(*server));
	enum status status;
	sigset_t all;
	sigset_t before;
	const struct dname *agent = (const void *)&config->report_agent;
	int error;

	if (server == NULL || uv_loop_init(&server->loop) != 0) {
		log_error("start: %s", status_text(STATUS_NO_MEMORY));
		free(server);
		return EXIT_FAILURE;
	}
	server->config = config;
	server->identity = (struct answer_identity){
		.name = config->identity,
		.version = "rootcast " ROOTCAST_VERSION,
		.udp_payload = config->udp_payload,
		.tcp_idle_ms = config->tcp.idle_ms,
		.report_agent = config->has_report_agent ? agent : NULL,
		.compiled_budget = ANSWER_COMPILED_BUDGET,
	};
	signal(SIGPIPE, SIG_IGN);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	init_handles(server);
	status = start(server);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (status == STATUS_OK) {
		run_loop(server);
		log_notice("stopped");
	} else {
		abandon_start(server);
	}
	free_all(server);
	error = uv_loop_close(&server->loop);
	assert(error == 0);
	(void)error;
	free(server);
	return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
