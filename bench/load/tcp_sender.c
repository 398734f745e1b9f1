/*
 * tcp_sender.c - ask a nameserver over TCP at full speed and judge every reply.
 *
 * Three loads (RFC 7766 knows all of them):
 *
 *	--connections N --waiting M   N connections that stay, on each M queries
 *	                              are kept waiting; whatever a read brings is
 *	                              answered by one write of as many new ones
 *	--each                        a connection a query: connect, ask, read,
 *	                              close; N at a time
 *	--idle K                      K more connections that have asked once and
 *	                              then say nothing, beside either; at the end
 *	                              each must still answer
 *
 * A reply counts as in sender.c: its id waits on this connection, it repeats
 * that query's question, its RCODE (and AA) is right. Replies may come in any
 * order. A connection that the server closes with queries waiting counts as
 * 'broken', its queries as lost, and is opened again.
 *
 * Connections leave from 127.0.0.1 and its neighbours in turn where the server
 * is there: a connection a query would else run out of ports in a second.
 */
#include "bench/load/query_set.h"
#include "bench/load/spent.h"
#include "lib/base/address.h"
#include "lib/base/clock.h"
#include "lib/base/histogram.h"
#include "lib/base/wire.h"
#include "lib/dns/message.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	LENGTH_SIZE = 2, /* RFC 1035 4.2.2 */
	FRAME_MAX = LENGTH_SIZE + 65535,
	WAITING_MAX = 256, /* slots a connection; a power of two */
	CONNECTIONS_MAX = 4096,
	IDLE_MAX = 60000,
	EVENTS = 256,
	PIDS_MAX = 64,
	SOURCES = 64, /* 127.0.0.1 to 127.0.0.64 */
	WRONG_SHOWN = 10,
	RECEIVE_SIZE = 256 << 10,
};

struct options {
	struct address server;
	const char *zone;
	const char *list;
	size_t queries;
	uint64_t seed;
	unsigned connections;
	unsigned waiting;
	unsigned idle;
	double duration_s;
	double warmup_s;
	unsigned timeout_ms;
	int pids[PIDS_MAX];
	unsigned pid_count;
	bool is_each;
};

struct slot {
	uint64_t sent_ns; /* 0: free */
	uint32_t query;
};

struct connection {
	int fd;
	bool is_idle;  /* asks once, when it has come up */
	uint16_t next; /* id of the next query */
	unsigned waiting;
	uint64_t begun_ns; /* connecting since */
	uint8_t *part;     /* the head of a reply that has not come whole */
	size_t part_size;
	struct slot *slots; /* WAITING_MAX, by the id's low bits */
};

struct counts {
	uint64_t sent;
	uint64_t answered; /* asked and answered in the measured time */
	uint64_t replies;  /* right ones that came in the measured time */
	uint64_t lost;
	uint64_t broken;
	uint64_t wrong;
	uint64_t octets;
	uint64_t connects;
	uint64_t idle_answers;
};

struct load {
	const struct options *options;
	struct query_set set;
	struct sockaddr_storage address;
	socklen_t address_size;
	int epoll;
	struct connection *connections; /* busy ones first, then idle ones */
	size_t next_query;
	unsigned next_source;
	uint64_t start_ns; /* of the measured time; 0 while warming up */
	bool is_draining;
	struct counts counts;
	struct histogram latency;
};

static volatile sig_atomic_t stop_wanted;

static void on_signal(int number)
{
	(void)number;
	stop_wanted = 1;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* --- connections ---------------------------------------------------------- */

/* A source of our own, where the server is on the loopback. */
static void bind_source(struct load *load, int fd)
{
	struct sockaddr_in source = {.sin_family = AF_INET};
	const struct sockaddr_in *server =
		(const struct sockaddr_in *)&load->address;
	int on = 1;

	if (load->address.ss_family != AF_INET ||
	    ntohl(server->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET) {
		return;
	}
	source.sin_addr.s_addr =
		htonl(INADDR_LOOPBACK + load->next_source++ % SOURCES);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&source, sizeof(source)) != 0) {
		fail("bind");
	}
}

static void connection_open(struct load *load, struct connection *c)
{
	struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
	int on = 1;

	c->fd = socket(load->address.ss_family,
		       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0) {
		fail("socket");
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	bind_source(load, c->fd);
	if (connect(c->fd, (const struct sockaddr *)&load->address,
		    load->address_size) != 0 &&
	    errno != EINPROGRESS) {
		fail("connect");
	}
	c->begun_ns = clock_monotonic_ns();
	c->waiting = 0;
	c->part_size = 0;
	load->counts.connects += load->start_ns != 0;
	if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) {
		fail("epoll_ctl");
	}
}

static void connection_close(struct load *load, struct connection *c)
{
	for (unsigned i = 0; i < WAITING_MAX && c->waiting > 0; i++) {
		if (c->slots[i].sent_ns == 0) {
			continue;
		}
		load->counts.lost += load->start_ns != 0 &&
				     c->slots[i].sent_ns >= load->start_ns;
		c->slots[i].sent_ns = 0;
		c->waiting--;
	}
	close(c->fd);
	c->fd = -1;
}

static void connection_broken(struct load *load, struct connection *c)
{
	if (load->start_ns != 0) {
		load->counts.broken++;
	}
	connection_close(load, c);
	if (!load->is_draining && !stop_wanted) {
		connection_open(load, c);
	}
}

static void watch(struct load *load, struct connection *c, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = c};

	if (epoll_ctl(load->epoll, EPOLL_CTL_MOD, c->fd, &event) != 0) {
		fail("epoll_ctl");
	}
}

/* --- asking --------------------------------------------------------------- */

/* Write wanted queries at once. */
static void ask(struct load *load, struct connection *c, unsigned wanted)
{
	static uint8_t octets[WAITING_MAX * (LENGTH_SIZE + QUERY_SIZE_MAX)];
	uint64_t now = clock_monotonic_ns();
	size_t size = 0;
	ssize_t sent;

	for (unsigned i = 0; i < wanted; i++) {
		const struct query *query =
			&load->set.queries[load->next_query];
		struct slot *slot;

		/* Replies in another order may leave an old id waiting. */
		do {
			slot = &c->slots[++c->next % WAITING_MAX];
		} while (slot->sent_ns != 0);
		slot->query = (uint32_t)load->next_query;
		slot->sent_ns = now;
		wire_put16(octets + size, query->size);
		memcpy(octets + size + LENGTH_SIZE, query->octets, query->size);
		wire_put16(octets + size + LENGTH_SIZE, c->next);
		size += LENGTH_SIZE + query->size;
		load->next_query = (load->next_query + 1) % load->set.count;
	}
	c->waiting += wanted;
	if (load->start_ns != 0) {
		load->counts.sent += wanted;
	}
	sent = send(c->fd, octets, size, MSG_NOSIGNAL);
	if (sent != (ssize_t)size) {
		/* Some KB at most: a server that takes not even these. */
		connection_broken(load, c);
	}
}

static void on_connected(struct load *load, struct connection *c)
{
	int error = 0;
	socklen_t size = sizeof(error);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error != 0) {
		connection_broken(load, c);
		return;
	}
	watch(load, c, EPOLLIN);
	if (!load->is_draining) {
		ask(load, c,
		    c->is_idle || load->options->is_each
			    ? 1
			    : load->options->waiting);
	}
}

/* --- judging -------------------------------------------------------------- */

static void tell_wrong(const struct load *load, const char *what)
{
	if (load->counts.wrong <= WRONG_SHOWN) {
		fprintf(stderr, "wrong reply: %s\n", what);
	}
}

static void take_reply(struct load *load, struct connection *c,
		       const uint8_t *reply, size_t size, uint64_t now)
{
	struct counts *counts = &load->counts;
	struct slot *slot;
	const char *wrong;
	uint64_t sent_ns;

	if (size < MESSAGE_HEADER_SIZE) {
		counts->wrong++;
		tell_wrong(load, "shorter than a header");
		return;
	}
	slot = &c->slots[wire_get16(reply) % WAITING_MAX];
	if (slot->sent_ns == 0) {
		counts->wrong++;
		tell_wrong(load, "an id that does not wait");
		return;
	}
	sent_ns = slot->sent_ns;
	slot->sent_ns = 0;
	c->waiting--;
	wrong = query_judge(&load->set.queries[slot->query], reply, size);
	if (wrong != NULL) {
		counts->wrong++;
		tell_wrong(load, wrong);
		return;
	}
	if (c->is_idle) {
		counts->idle_answers++;
		return;
	}
	if (load->start_ns == 0) {
		return;
	}
	if (sent_ns >= load->start_ns) {
		counts->answered++;
		/* What a client waits for begins with its connection. */
		histogram_add(
			&load->latency,
			now - (load->options->is_each ? c->begun_ns : sent_ns));
	}
	if (!load->is_draining) {
		counts->replies++;
		counts->octets += size;
	}
}

/* Every whole reply in data; returns the octets used. */
static size_t take_replies(struct load *load, struct connection *c,
			   const uint8_t *data, size_t size)
{
	uint64_t now = clock_monotonic_ns();
	size_t at = 0;

	while (size - at >= LENGTH_SIZE) {
		size_t length = wire_get16(data + at);

		if (size - at < LENGTH_SIZE + length) {
			break;
		}
		take_reply(load, c, data + at + LENGTH_SIZE, length, now);
		at += LENGTH_SIZE + length;
	}
	return at;
}

static void on_readable(struct load *load, struct connection *c)
{
	static uint8_t buffer[FRAME_MAX + RECEIVE_SIZE];
	unsigned before = c->waiting;
	size_t size = c->part_size;
	size_t used;
	ssize_t got;

	if (size > 0) {
		memcpy(buffer, c->part, size);
	}
	got = recv(c->fd, buffer + size, RECEIVE_SIZE, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (got <= 0) {
		connection_broken(load, c);
		return;
	}
	size += (size_t)got;
	used = take_replies(load, c, buffer, size);
	c->part_size = size - used;
	if (c->part_size > 0) {
		if (c->part == NULL) {
			c->part = malloc(FRAME_MAX);
			if (c->part == NULL) {
				fail("malloc");
			}
		}
		memcpy(c->part, buffer + used, c->part_size);
	}
	if (load->is_draining || c->is_idle || c->waiting == before) {
		return;
	}
	if (load->options->is_each) {
		connection_close(load, c);
		connection_open(load, c);
		return;
	}
	ask(load, c, before - c->waiting);
}

/* --- the run -------------------------------------------------------------- */

static void poll_once(struct load *load, int wait_ms)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(load->epoll, events, EVENTS, wait_ms);

	for (int i = 0; i < count; i++) {
		struct connection *c = events[i].data.ptr;

		if (c->fd < 0) {
			continue;
		}
		if ((events[i].events & EPOLLOUT) != 0) {
			on_connected(load, c);
		} else {
			on_readable(load, c);
		}
	}
}

static void connection_init(struct connection *c, bool is_idle)
{
	c->slots = calloc(WAITING_MAX, sizeof(*c->slots));
	if (c->slots == NULL) {
		fail("calloc");
	}
	c->is_idle = is_idle;
	c->fd = -1;
}

static struct connection *idle_of(struct load *load, unsigned i)
{
	return &load->connections[load->options->connections + i];
}

/* Open the idle ones, some at a time; each asks once. */
static void open_idle(struct load *load)
{
	uint64_t end = clock_monotonic_ns() + 30000000000ull;

	for (unsigned i = 0; i < load->options->idle; i++) {
		connection_open(load, idle_of(load, i));
		while (i + 1 > load->counts.idle_answers + 100 &&
		       clock_monotonic_ns() < end && !stop_wanted) {
			poll_once(load, 1);
		}
	}
	while (load->counts.idle_answers < load->options->idle &&
	       clock_monotonic_ns() < end && !stop_wanted) {
		poll_once(load, 1);
	}
}

/* Ask each idle one again: how many still answer? */
static void ask_idle(struct load *load)
{
	uint64_t end = clock_monotonic_ns() + 10000000000ull;

	load->counts.idle_answers = 0;
	for (unsigned i = 0; i < load->options->idle; i++) {
		if (idle_of(load, i)->fd >= 0) {
			ask(load, idle_of(load, i), 1);
		}
		poll_once(load, 0);
	}
	while (load->counts.idle_answers < load->options->idle &&
	       clock_monotonic_ns() < end && !stop_wanted) {
		poll_once(load, 10);
	}
}

static double run(struct load *load, struct spent *spent)
{
	const struct options *options = load->options;
	uint64_t now = clock_monotonic_ns();
	uint64_t warm_ns = now + (uint64_t)(options->warmup_s * 1e9);
	uint64_t end_ns = warm_ns + (uint64_t)(options->duration_s * 1e9);
	uint64_t drain_ns;
	struct spent before = {0, 0, 0};
	struct spent after;
	unsigned waiting;

	for (unsigned i = 0; i < options->connections; i++) {
		connection_open(load, &load->connections[i]);
	}
	while (now < end_ns && !stop_wanted) {
		if (load->start_ns == 0 && now >= warm_ns) {
			before = spent_now(options->pids, options->pid_count);
			load->start_ns = now = clock_monotonic_ns();
			end_ns = now + (uint64_t)(options->duration_s * 1e9);
		}
		poll_once(load, 1);
		now = clock_monotonic_ns();
	}
	after = spent_now(options->pids, options->pid_count);
	spent->busy = after.busy - before.busy;
	spent->own = after.own - before.own;
	spent->named = after.named - before.named;
	load->is_draining = true;
	drain_ns = now + options->timeout_ms * 1000000ull;
	do {
		poll_once(load, 1);
		waiting = 0;
		for (unsigned i = 0; i < options->connections; i++) {
			waiting += load->connections[i].waiting;
		}
	} while (waiting > 0 && clock_monotonic_ns() < drain_ns);
	for (unsigned i = 0; i < options->connections; i++) {
		if (load->connections[i].fd >= 0) {
			connection_close(load, &load->connections[i]);
		}
	}
	return load->start_ns != 0 ? (double)(now - load->start_ns) / 1e9 : 0;
}

static void report(const struct load *load, double seconds,
		   const struct spent *spent)
{
	const struct options *options = load->options;
	const struct counts *counts = &load->counts;
	const struct histogram *latency = &load->latency;
	double replies = (double)counts->replies;

	printf("{\"connections\": %u, \"waiting\": %u, \"each\": %s, "
	       "\"idle\": %u, \"idle_answers\": %llu, \"seconds\": %.3f,\n",
	       options->connections, options->is_each ? 1 : options->waiting,
	       options->is_each ? "true" : "false", options->idle,
	       (unsigned long long)counts->idle_answers, seconds);
	printf(" \"sent\": %llu, \"answered\": %llu, \"lost\": %llu, "
	       "\"broken\": %llu, \"wrong\": %llu, \"connects\": %llu,\n",
	       (unsigned long long)counts->sent,
	       (unsigned long long)counts->answered,
	       (unsigned long long)counts->lost,
	       (unsigned long long)counts->broken,
	       (unsigned long long)counts->wrong,
	       (unsigned long long)counts->connects);
	printf(" \"replies_per_s\": %.0f, \"octets_per_reply\": %.1f, "
	       "\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, "
	       "\"max_us\": %.1f,\n",
	       seconds > 0 ? replies / seconds : 0,
	       replies > 0 ? (double)counts->octets / replies : 0,
	       (double)histogram_percentile(latency, 0.5) / 1e3,
	       (double)histogram_percentile(latency, 0.99) / 1e3,
	       (double)histogram_percentile(latency, 0.999) / 1e3,
	       (double)latency->most / 1e3);
	printf(" \"own_cpu_s\": %.3f, \"busy_s\": %.3f, "
	       "\"pids_cpu_s\": %.3f, \"server_cpu_ns_per_reply\": %.1f, "
	       "\"pids_cpu_ns_per_reply\": %.1f}\n",
	       spent->own, spent->busy, spent->named,
	       replies > 0 ? (spent->busy - spent->own) * 1e9 / replies : 0,
	       replies > 0 ? spent->named * 1e9 / replies : 0);
}

/* --- the command line ----------------------------------------------------- */

static void usage(FILE *out)
{
	fputs("usage: tcp_sender (--zone FILE | --list FILE) [option...]\n"
	      "  --server ADDR[@PORT]  who is asked (127.0.0.1@5300)\n"
	      "  --zone FILE           queries for the delegations of a zone\n"
	      "  --list FILE           queries of a list: NAME TYPE [RCODE]\n"
	      "  --queries N           prepared for a zone (65536)\n"
	      "  --seed N              of the queries for a zone (1)\n"
	      "  --connections N       busy ones (20)\n"
	      "  --waiting N           queries kept waiting on each (5)\n"
	      "  --each                a connection a query\n"
	      "  --idle N              more connections that stay silent (0)\n"
	      "  --duration SECONDS    measured time (5)\n"
	      "  --warmup SECONDS      before it (0)\n"
	      "  --timeout-ms N        for what is out at the end (1000)\n"
	      "  --pid N               whose CPU time to report (repeated)\n",
	      out);
}

static double number_of(const char *text, double least, double most)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= least && value <= most)) {
		fprintf(stderr,
			"tcp_sender: '%s' is not a number from %g to %g\n",
			text, least, most);
		exit(2);
	}
	return value;
}

static void options_load(struct options *options, int argc, char **argv)
{
	enum {
		O_SERVER = 256,
		O_ZONE,
		O_LIST,
		O_QUERIES,
		O_SEED,
		O_CONNECTIONS,
		O_WAITING,
		O_EACH,
		O_IDLE,
		O_DURATION,
		O_WARMUP,
		O_TIMEOUT,
		O_PID,
		O_HELP
	};
	static const struct option known[] = {
		{"server", required_argument, NULL, O_SERVER},
		{"zone", required_argument, NULL, O_ZONE},
		{"list", required_argument, NULL, O_LIST},
		{"queries", required_argument, NULL, O_QUERIES},
		{"seed", required_argument, NULL, O_SEED},
		{"connections", required_argument, NULL, O_CONNECTIONS},
		{"waiting", required_argument, NULL, O_WAITING},
		{"each", no_argument, NULL, O_EACH},
		{"idle", required_argument, NULL, O_IDLE},
		{"duration", required_argument, NULL, O_DURATION},
		{"warmup", required_argument, NULL, O_WARMUP},
		{"timeout-ms", required_argument, NULL, O_TIMEOUT},
		{"pid", required_argument, NULL, O_PID},
		{"help", no_argument, NULL, O_HELP},
		{NULL, 0, NULL, 0},
	};
	const char *server = "127.0.0.1@5300";
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case O_SERVER:
			server = optarg;
			break;
		case O_ZONE:
			options->zone = optarg;
			break;
		case O_LIST:
			options->list = optarg;
			break;
		case O_QUERIES:
			options->queries = (size_t)number_of(optarg, 1, 1e7);
			break;
		case O_SEED:
			options->seed = (uint64_t)number_of(optarg, 0, 1e15);
			break;
		case O_CONNECTIONS:
			options->connections =
				(unsigned)number_of(optarg, 1, CONNECTIONS_MAX);
			break;
		case O_WAITING:
			options->waiting =
				(unsigned)number_of(optarg, 1, WAITING_MAX / 2);
			break;
		case O_EACH:
			options->is_each = true;
			break;
		case O_IDLE:
			options->idle =
				(unsigned)number_of(optarg, 0, IDLE_MAX);
			break;
		case O_DURATION:
			options->duration_s = number_of(optarg, 0.01, 86400);
			break;
		case O_WARMUP:
			options->warmup_s = number_of(optarg, 0, 3600);
			break;
		case O_TIMEOUT:
			options->timeout_ms =
				(unsigned)number_of(optarg, 1, 60000);
			break;
		case O_PID:
			if (options->pid_count < PIDS_MAX) {
				options->pids[options->pid_count++] =
					(int)number_of(optarg, 1, 1 << 22);
			}
			break;
		case O_HELP:
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind != argc ||
	    (options->zone == NULL) == (options->list == NULL)) {
		usage(stderr);
		exit(2);
	}
	if (address_load(&options->server, server, 53) != STATUS_OK) {
		fprintf(stderr, "tcp_sender: '%s' is not an address\n", server);
		exit(2);
	}
}

/* As many descriptors as the connections need. */
static void raise_limit(const struct options *options)
{
	rlim_t wanted = options->connections + options->idle + 64;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		fail("getrlimit");
	}
	if (limit.rlim_cur >= wanted) {
		return;
	}
	limit.rlim_cur = wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
		fail("setrlimit: too few descriptors");
	}
}

static void load_init(struct load *load, const struct options *options)
{
	size_t count = options->connections + options->idle;
	enum status status;

	load->options = options;
	status = options->zone != NULL
			 ? query_set_from_zone(&load->set, options->zone,
					       options->queries, options->seed)
			 : query_set_from_list(&load->set, options->list);
	if (status != STATUS_OK) {
		exit(1);
	}
	load->address_size =
		address_to_sockaddr(&options->server, &load->address);
	load->connections = calloc(count, sizeof(*load->connections));
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load->connections == NULL || load->epoll < 0) {
		fail("calloc or epoll_create1");
	}
	for (size_t i = 0; i < count; i++) {
		connection_init(&load->connections[i],
				i >= options->connections);
	}
	histogram_init(&load->latency);
}

static void load_fini(struct load *load)
{
	size_t count = load->options->connections + load->options->idle;

	for (size_t i = 0; i < count; i++) {
		if (load->connections[i].fd >= 0) {
			close(load->connections[i].fd);
		}
		free(load->connections[i].part);
		free(load->connections[i].slots);
	}
	free(load->connections);
	close(load->epoll);
	query_set_fini(&load->set);
}

int main(int argc, char **argv)
{
	static struct load load;
	struct options options = {
		.queries = 65536,
		.seed = 1,
		.connections = 20,
		.waiting = 5,
		.duration_s = 5,
		.timeout_ms = 1000,
	};
	struct sigaction action = {.sa_handler = on_signal};
	struct spent spent = {0, 0, 0};
	double seconds;
	bool is_good;

	options_load(&options, argc, argv);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	raise_limit(&options);
	load_init(&load, &options);
	open_idle(&load);
	seconds = run(&load, &spent);
	ask_idle(&load);
	report(&load, seconds, &spent);
	is_good = load.counts.wrong == 0 && load.counts.answered > 0 &&
		  load.counts.idle_answers == options.idle;
	load_fini(&load);
	return is_good ? 0 : 1;
}
