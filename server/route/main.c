/*
 * main.c - rootcast-routed: arguments, configuration, signals, exit status.
 */
#include "lib/base/control_protocol.h"
#include "lib/base/log.h"
#include "server/route/config_reload.h"
#include "server/route/config_route.h"
#include "server/route/control_route.h"
#include "server/route/decider.h"
#include "server/route/log_thread.h"
#include "server/route/service_address.h"
#include "server/route/speaker.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

enum exit_status {
	EXIT_DONE = 0,
	EXIT_COULD_NOT_RUN = 1,
	EXIT_BAD_ARGUMENTS = 2,
};

enum {
	LOG_WAIT_MS = 1000, /* for standard error, at the end */
};

struct arguments {
	const char *file;
	bool is_check;
	bool is_dry_run;
	bool is_version;
	bool is_help;
};

enum {
	SIGNALS = 3,
};

struct program {
	const char *file;
	struct config_route *config;
	struct speaker *speaker; /* NULL: dry run */
	struct bfd *bfd;         /* NULL: no peer has it, or dry run */
	struct events *events;
	struct service_addresses *addresses;
	struct decider *decider;
	struct control_route *control;
	uv_loop_t loop;
	uv_signal_t signals[SIGNALS];
};

static const char usage[] =
	"usage: rootcast-routed -c FILE [--check] [--dry-run] [--version]\n"
	"\n"
	"  -c, --config FILE  the configuration (JSON)\n"
	"      --check        check the configuration, then exit\n"
	"      --dry-run      probe and decide, but connect to no peer\n"
	"      --version      show the version, then exit\n";

static bool read_arguments(int argc, char **argv, struct arguments *out)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'C'},
		{"dry-run", no_argument, NULL, 'd'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			out->file = optarg;
			break;
		case 'C':
			out->is_check = true;
			break;
		case 'd':
			out->is_dry_run = true;
			break;
		case 'V':
			out->is_version = true;
			break;
		case 'h':
			out->is_help = true;
			break;
		default:
			return false;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "rootcast-routed: '%s' is no option\n",
			argv[optind]);
		return false;
	}
	if (out->file == NULL && !out->is_version && !out->is_help) {
		fprintf(stderr, "rootcast-routed: -c FILE is missing\n");
		return false;
	}
	return true;
}

/*
 * No thread may wait for the disk because its memory was paged out. Only where
 * no limit stands in the way: one that is met later fails an allocation then.
 */
static void lock_memory(void)
{
	struct rlimit limit = {0};

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (geteuid() != 0 && limit.rlim_cur != RLIM_INFINITY) {
		log_info("memory is not locked: RLIMIT_MEMLOCK is limited");
		return;
	}
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
		log_info("memory is not locked: %s",
			 status_text(status_from_errno(errno)));
	}
}

/* What can run, but will not do what was perhaps meant. */
static void warn(const struct config_route *config)
{
	for (const char *line = config->warnings; *line != '\0';) {
		size_t size = strcspn(line, "\n");

		log_warning("%.*s", (int)size, line);
		line += size + 1;
	}
}

static struct speaker_config speaker_settings(const struct program *program)
{
	const struct config_route *config = program->config;

	return (struct speaker_config){
		.router_id = config->router_id,
		.local_as = config->local_as,
		.peers = config->peers,
		.peer_count = config->peer_count,
		.is_sparse = true,
		.bfd = program->bfd,
		.events = program->events,
		.listen = config->listen,
		.listen_count = config->listen_count,
	};
}

/*
 * Read the file again. All of it is checked before any of it is used; what
 * cannot be used leaves everything as it is.
 */
static bool reload(void *context, char error[CONFIG_ERROR_MAX])
{
	struct program *program = context;
	struct config_route *next = config_route_load(program->file, error);
	struct config_route *now = program->config;
	struct speaker_config settings;

	if (next == NULL || !config_reload_align(next, now, error)) {
		goto bad;
	}
	program->config = next;
	settings = speaker_settings(program);
	if (!decider_reconfigure(program->decider, next)) {
		snprintf(error, CONFIG_ERROR_MAX, "out of memory");
		goto bad;
	}
	if (program->speaker != NULL &&
	    !speaker_reconfigure(program->speaker, &settings, error,
				 SPEAKER_ERROR_MAX)) {
		if (!decider_reconfigure(program->decider, now)) {
			/* Withdrawn when the lease ends, and that is right. */
			log_error("out of memory: no way back");
			next = NULL;
			return false;
		}
		goto bad;
	}
	decider_reconfigured(program->decider);
	if (program->speaker != NULL) {
		service_addresses_add(program->addresses, next);
	}
	config_route_free(now);
	warn(next);
	log_notice("configuration read again: %s", program->file);
	return true;
bad:
	program->config = now;
	config_route_free(next);
	log_error("configuration not changed: %s", error);
	return false;
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct program *program = handle->data;
	char error[CONFIG_ERROR_MAX];

	if (number == SIGHUP) {
		(void)!reload(program, error); /* it said why */
		return;
	}
	log_notice("received %s", number == SIGINT ? "SIGINT" : "SIGTERM");
	decider_stop(program->decider);
}

static void on_finished(void *context)
{
	struct program *program = context;

	uv_stop(&program->loop);
}

static void catch_signals(struct program *program)
{
	static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < SIGNALS; i++) {
		uv_signal_init(&program->loop, &program->signals[i]);
		program->signals[i].data = program;
		uv_signal_start(&program->signals[i], on_signal, numbers[i]);
	}
}

/* Where the two sockets are: as configured, or in the usual place. */
static bool find_paths(const struct config_route *config,
		       char control[CONTROL_PATH_MAX],
		       char server[CONTROL_PATH_MAX])
{
	enum status status = STATUS_OK;

	strcpy(control, config->control);
	strcpy(server, config->server_control);
	if (control[0] == '\0') {
		status = control_default_path(control, "route.sock", true);
	}
	if (status == STATUS_OK && server[0] == '\0') {
		status = control_default_path(server, "server.sock", false);
	}
	if (status != STATUS_OK) {
		log_error("there is no folder for the control socket: %s",
			  status_text(status));
	}
	return status == STATUS_OK;
}

/* Beside the control socket, unless it is said. False: too long. */
static bool find_state(const struct config_route *config, const char *control,
		       char path[CONFIG_ROUTE_PATH_MAX + 1])
{
	const char *slash = strrchr(control, '/');
	int folder = slash != NULL ? (int)(slash - control) + 1 : 0;
	int size;

	if (config->state_file != NULL) {
		size = snprintf(path, CONFIG_ROUTE_PATH_MAX + 1, "%s",
				config->state_file);
	} else {
		size = snprintf(path, CONFIG_ROUTE_PATH_MAX + 1,
				"%.*sroute.overrides", folder, control);
	}
	return size <= CONFIG_ROUTE_PATH_MAX;
}

static void take_down(struct program *program)
{
	for (size_t i = 0; i < SIGNALS; i++) {
		uv_close((uv_handle_t *)&program->signals[i], NULL);
	}
	control_route_free(program->control);
	decider_free(program->decider);
	uv_run(&program->loop, UV_RUN_DEFAULT);
	uv_loop_close(&program->loop);
}

static enum exit_status run(struct program *program)
{
	char control[CONTROL_PATH_MAX];
	char server[CONTROL_PATH_MAX];
	char state[CONFIG_ROUTE_PATH_MAX + 1];
	char error[CONTROL_ROUTE_ERROR_MAX];
	struct decider_options options = {
		.config = program->config,
		.server_control = server,
		.state_file = state,
		.speaker = program->speaker,
		.bfd = program->bfd,
		.events = program->events,
		.finished = on_finished,
		.reload = reload,
		.context = program,
	};
	enum exit_status result = EXIT_COULD_NOT_RUN;

	if (!find_paths(program->config, control, server) ||
	    !find_state(program->config, control, state)) {
		return result;
	}
	if (uv_loop_init(&program->loop) != 0) {
		log_error("no event loop");
		return result;
	}
	catch_signals(program);
	if (log_thread_start() != STATUS_OK) {
		take_down(program);
		return result;
	}
	lock_memory();
	program->decider = decider_new(&program->loop, &options);
	if (program->decider == NULL) {
		log_error("out of memory");
		goto out;
	}
	program->control = control_route_start(&program->loop, control,
					       program->decider, error);
	if (program->control == NULL) {
		log_error("%s", error);
		goto out;
	}
	if (program->speaker != NULL &&
	    speaker_start(program->speaker) != STATUS_OK) {
		goto out; /* it said why */
	}
	if (program->bfd != NULL && bfd_start(program->bfd) != STATUS_OK) {
		goto out;
	}
	warn(program->config);
	if (program->speaker != NULL) {
		service_addresses_add(program->addresses, program->config);
	}
	decider_start(program->decider);
	log_notice("running%s: control socket %s, nameserver %s",
		   program->speaker == NULL ? " dry, no peer is spoken to" : "",
		   control, server);
	uv_run(&program->loop, UV_RUN_DEFAULT);
	if (program->speaker != NULL) {
		speaker_stop(program->speaker, "rootcast-routed is stopped");
	}
	bfd_stop(program->bfd);
	/* Withdrawn, and linger_ms is over: nobody asks here any more. */
	service_addresses_remove(program->addresses);
	log_notice("stopped");
	result = EXIT_DONE;
out:
	take_down(program);
	log_thread_stop(LOG_WAIT_MS);
	return result;
}

/* False: no memory. NULL stays where no peer is configured for it. */
static bool make_bfd(struct program *program)
{
	const struct config_route *config = program->config;
	/* A session for every place that a peer may come to. */
	struct bfd_peer peers[SPEAKER_PEERS_MAX] = {{.interval_us = 0}};
	bool is_wanted = false;

	for (size_t i = 0; i < config->peer_count; i++) {
		const struct speaker_peer *peer = &config->peers[i];

		peers[i] = (struct bfd_peer){
			.address = peer->address,
			.source = peer->source,
			.interval_us = peer->bfd_interval_us,
			.multiplier = peer->bfd_multiplier,
			.is_multihop = peer->multihop > 1,
			.has_nameserver = peer->has_bfd_nameserver,
		};
		is_wanted |= peer->bfd_interval_us != 0;
	}
	if (is_wanted) {
		program->bfd = bfd_new(peers, SPEAKER_PEERS_MAX);
		if (program->bfd != NULL) {
			bfd_set_events(program->bfd, program->events);
		}
	}
	return !is_wanted || program->bfd != NULL;
}

int main(int argc, char **argv)
{
	struct arguments arguments = {0};
	struct program program = {0};
	struct speaker_config speaker;
	struct config_route *config;
	char error[CONFIG_ERROR_MAX];
	enum exit_status result = EXIT_DONE;

	log_init("rootcast-routed", LOG_LEVEL_INFO);
	if (!read_arguments(argc, argv, &arguments)) {
		fputs(usage, stderr);
		return EXIT_BAD_ARGUMENTS;
	}
	if (arguments.is_help || arguments.is_version) {
		fputs(arguments.is_help ? usage
					: "rootcast-routed " ROOTCAST_VERSION
					  "\n",
		      stdout);
		return EXIT_DONE;
	}
	config = config_route_load(arguments.file, error);
	if (config == NULL) {
		fprintf(stderr, "rootcast-routed: %s\n", error);
		return EXIT_BAD_ARGUMENTS;
	}
	program.config = config;
	program.events = events_new();
	program.addresses = service_addresses_new();
	if (program.events == NULL || program.addresses == NULL ||
	    !make_bfd(&program)) {
		fputs("rootcast-routed: out of memory\n", stderr);
		events_free(program.events);
		service_addresses_free(program.addresses);
		config_route_free(config);
		return EXIT_COULD_NOT_RUN;
	}
	program.file = arguments.file;
	speaker = speaker_settings(&program);
	program.speaker = speaker_new(&speaker, error, SPEAKER_ERROR_MAX);
	if (program.speaker == NULL) {
		fprintf(stderr, "rootcast-routed: %s: %s\n", arguments.file,
			error);
		result = EXIT_BAD_ARGUMENTS;
	} else if (arguments.is_check) {
		warn(config);
		printf("%s: good\n", arguments.file);
	} else {
		if (arguments.is_dry_run) {
			speaker_free(program.speaker);
			program.speaker = NULL;
			bfd_free(program.bfd);
			program.bfd = NULL;
		}
		result = run(&program);
	}
	/* It wakes the speaker: it ends first. */
	bfd_stop(program.bfd);
	speaker_free(program.speaker);
	bfd_free(program.bfd);
	service_addresses_free(program.addresses);
	events_free(program.events);
	config_route_free(program.config);
	return (int)result;
}
