/*
 * xdp_sender.c - ask a nameserver over AF_XDP at full speed, and judge every
 * reply.
 *
 * A sender on sockets ends at less than what a server on AF_XDP can answer, so
 * this one writes its frames itself, with rootcastd's own rings and frames: IPv4
 * only, on the first queue of one end of a veth pair. So many queries (--window)
 * are kept waiting.
 *
 * As in sender.c a reply counts only when its port and id belong to a query that
 * still waits, and query_judge() has nothing to say; its IPv4 header's checksum,
 * and its UDP checksum where there is one, must be good. Queries take turns on
 * the ports, and ids go up: number n of all that were sent has port n mod P and
 * id n / P, so that the oldest that waits is always the next to be given up.
 */
#include "bench/load/query_set.h"
#include "bench/load/spent.h"
#include "bench/load/xdp_port.h"
#include "lib/base/clock.h"
#include "lib/base/wire.h"

#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BATCH = 64,
	PORTS_BITS = 3,
	PORTS = 1 << PORTS_BITS, /* source ports */
	PORT_FIRST = 20000,
	SLOTS = PORTS << 16, /* one for each port and id */
	PIDS_MAX = 64,
	MAC_SIZE = 6,
	NETWORK = XDP_FRAME_ETHERNET_SIZE,
	HEADERS = NETWORK + XDP_FRAME_IPV4_SIZE + XDP_FRAME_UDP_SIZE,
	TIMEOUT_MS = 500,
	WRONG_SHOWN = 10,
};

struct options {
	const char *interface;
	const char *zone;
	struct address source;
	struct address server;
	uint8_t mac[MAC_SIZE]; /* the server's */
	size_t queries;
	uint64_t seed;
	unsigned window;
	double duration_s;
	double warmup_s;
	double until_ready_s;
	int pids[PIDS_MAX];
	unsigned pid_count;
};

struct counts {
	uint64_t sent;
	uint64_t replies;
	uint64_t lost;
	uint64_t wrong;
	uint64_t stray;
	uint64_t truncated;
	uint64_t octets;
	uint64_t without_checksum;
};

struct load {
	const struct options *options;
	struct query_set set;
	struct xdp_port port;
	uint8_t headers[HEADERS]; /* of a query, but for port and checksums */
	uint64_t *sent_ns;        /* of slot n mod SLOTS; 0: not waiting */
	uint32_t *query;
	uint64_t next; /* number of the next query */
	uint64_t tail; /* of the oldest that may wait */
	unsigned waiting;
	size_t next_query;
	struct counts counts;
	bool is_spinning;
	uint64_t idle_ns; /* of which so much without anything to do */
};

static volatile sig_atomic_t stop_wanted;

static void on_signal(int number)
{
	(void)number;
	stop_wanted = 1;
}

/* What all queries have in common. */
static void write_headers(struct load *load)
{
	uint8_t *ip = load->headers + NETWORK;
	uint8_t *udp = ip + XDP_FRAME_IPV4_SIZE;

	memcpy(load->headers, load->options->mac, MAC_SIZE);
	memcpy(load->headers + MAC_SIZE, load->port.settings.mac, MAC_SIZE);
	wire_put16(load->headers + NETWORK - 2, 0x0800);
	memcpy(ip + 12, load->options->source.octets, 4);
	memcpy(ip + 16, load->options->server.octets, 4);
	wire_put16(udp + 2, load->options->server.port);
}

static void write_query(struct load *load, uint8_t *frame)
{
	const struct query *query = &load->set.queries[load->next_query];
	uint64_t slot = load->next % SLOTS;

	memcpy(frame, load->headers, HEADERS);
	wire_put16(frame + HEADERS - XDP_FRAME_UDP_SIZE,
		   (uint16_t)(PORT_FIRST + load->next % PORTS));
	memcpy(frame + HEADERS, query->octets, query->size);
	wire_put16(frame + HEADERS, (uint16_t)(slot >> PORTS_BITS));
	xdp_ring_queue(load->port.ring, frame,
		       xdp_frame_finish(frame, NETWORK, false, query->size,
					(uint16_t)load->next));
	load->query[slot] = (uint32_t)load->next_query;
	load->next_query = (load->next_query + 1) % load->set.count;
}

/* Fill the window up. Returns whether anything was sent. */
static bool send_queries(struct load *load, unsigned window, uint64_t now)
{
	size_t queued = 0;

	while (load->waiting < window && queued < BATCH &&
	       load->next - load->tail < SLOTS) {
		uint8_t *frame = xdp_ring_claim(load->port.ring);

		if (frame == NULL) {
			break;
		}
		write_query(load, frame);
		load->sent_ns[load->next % SLOTS] = now;
		load->next++;
		load->waiting++;
		queued++;
	}
	load->counts.sent += queued;
	xdp_ring_flush(load->port.ring, queued);
	return queued > 0;
}

static void expire(struct load *load, uint64_t now)
{
	while (load->tail < load->next) {
		uint64_t *sent = &load->sent_ns[load->tail % SLOTS];

		if (*sent != 0 &&
		    now - *sent < UINT64_C(1000000) * TIMEOUT_MS) {
			break;
		}
		if (*sent != 0) {
			*sent = 0;
			load->waiting--;
			load->counts.lost++;
		}
		load->tail++;
	}
}

static const char *judge(struct load *load, const struct xdp_frame *reply,
			 const struct query *query)
{
	uint16_t flags = wire_get16(reply->payload + 2);

	load->counts.truncated += (flags & 0x0200) != 0;
	load->counts.without_checksum += wire_get16(reply->payload - 2) == 0;
	load->counts.octets += reply->payload_size;
	return query_judge(query, reply->payload, reply->payload_size);
}

static void take_reply(struct load *load, const struct xdp_ring_packet *packet)
{
	enum xdp_frame_verdict verdict;
	struct xdp_frame reply;
	const char *trouble;
	uint64_t slot;

	verdict = xdp_frame_parse(packet->start, packet->size, &reply);
	if (verdict != XDP_FRAME_GOOD || reply.payload_size < 12) {
		load->counts.wrong++;
		return;
	}
	slot = (uint64_t)wire_get16(reply.payload) << PORTS_BITS |
	       ((wire_get16(reply.payload - 6) - (unsigned)PORT_FIRST) % PORTS);
	if (load->sent_ns[slot] == 0) {
		load->counts.stray++;
		return;
	}
	load->sent_ns[slot] = 0;
	load->waiting--;
	trouble = judge(load, &reply, &load->set.queries[load->query[slot]]);
	if (trouble == NULL) {
		load->counts.replies++;
	} else if (++load->counts.wrong <= WRONG_SHOWN) {
		fprintf(stderr, "wrong reply to query %u: %s\n",
			load->query[slot], trouble);
	}
}

static size_t take_replies(struct load *load)
{
	struct xdp_ring_packet packets[BATCH];
	size_t count = xdp_ring_take(load->port.ring, packets, BATCH);

	for (size_t i = 0; i < count; i++) {
		take_reply(load, &packets[i]);
	}
	if (count > 0) {
		xdp_ring_give_back(load->port.ring, count);
	}
	return count;
}

static void step(struct load *load, unsigned window)
{
	uint64_t now = clock_monotonic_ns();
	bool moved = take_replies(load) > 0;

	expire(load, now);
	moved = send_queries(load, window, now) || moved;
	if (moved) {
		return;
	}
	(void)xdp_ring_reap(load->port.ring);
	if (load->is_spinning) {
		load->idle_ns += clock_monotonic_ns() - now;
	} else {
		struct pollfd wait = {.fd = load->port.ring->fd,
				      .events = POLLIN};

		(void)poll(&wait, 1, 1);
	}
}

/* Warm up, then measure. Returns the seconds that were measured. */
static double run(struct load *load, struct spent *spent)
{
	const struct options *options = load->options;
	uint64_t begin = clock_monotonic_ns();
	uint64_t warm = begin + (uint64_t)(options->warmup_s * 1e9);
	struct spent before;
	struct spent after;
	uint64_t end;

	load->is_spinning = true;
	while (clock_monotonic_ns() < warm && !stop_wanted) {
		step(load, options->window);
	}
	memset(&load->counts, 0, sizeof(load->counts));
	load->idle_ns = 0;
	before = spent_now(options->pids, options->pid_count);
	begin = clock_monotonic_ns();
	end = begin + (uint64_t)(options->duration_s * 1e9);
	while (clock_monotonic_ns() < end && !stop_wanted) {
		step(load, options->window);
	}
	end = clock_monotonic_ns();
	after = spent_now(options->pids, options->pid_count);
	spent->busy = after.busy - before.busy;
	spent->own = after.own - before.own;
	spent->named = after.named - before.named;
	return (double)(end - begin) / 1e9;
}

/* One query at a time until one is answered rightly. */
static int until_ready(struct load *load)
{
	uint64_t end = clock_monotonic_ns() +
		       (uint64_t)(load->options->until_ready_s * 1e9);

	while (load->counts.replies == 0) {
		if (clock_monotonic_ns() > end || stop_wanted) {
			fprintf(stderr, "xdp_sender: not ready in time\n");
			return 1;
		}
		step(load, 1);
	}
	return 0;
}

static void report(const struct load *load, double seconds,
		   const struct spent *spent)
{
	const struct counts *c = &load->counts;
	double replies = (double)c->replies;

	printf("{\"window\": %u, \"seconds\": %.3f, \"sent\": %llu, "
	       "\"replies\": %llu, \"lost\": %llu, \"wrong\": %llu, "
	       "\"stray\": %llu, \"truncated\": %llu, "
	       "\"without_checksum\": %llu,\n",
	       load->options->window, seconds, (unsigned long long)c->sent,
	       (unsigned long long)c->replies, (unsigned long long)c->lost,
	       (unsigned long long)c->wrong, (unsigned long long)c->stray,
	       (unsigned long long)c->truncated,
	       (unsigned long long)c->without_checksum);
	printf(" \"replies_per_s\": %.0f, \"octets_per_reply\": %.1f, "
	       "\"idle_s\": %.3f, \"own_cpu_s\": %.3f, \"busy_s\": %.3f, "
	       "\"pids_cpu_s\": %.3f, "
	       "\"server_cpu_ns_per_reply\": %.1f, "
	       "\"pids_cpu_ns_per_reply\": %.1f}\n",
	       seconds > 0 ? replies / seconds : 0,
	       replies > 0 ? (double)c->octets / replies : 0,
	       (double)load->idle_ns / 1e9, spent->own, spent->busy,
	       spent->named,
	       replies > 0 ? (spent->busy - spent->own) * 1e9 / replies : 0,
	       replies > 0 ? spent->named * 1e9 / replies : 0);
}

static void usage(void)
{
	fprintf(stderr,
		"usage: xdp_sender --interface NAME --source ADDR --server "
		"ADDR[@PORT]\n"
		"                  --mac MAC --zone FILE [--queries N] "
		"[--seed N]\n"
		"                  [--window N] [--duration S] [--warmup S]\n"
		"                  [--until-ready S] [--pid PID]...\n");
	exit(2);
}

static bool read_mac(const char *text, uint8_t mac[MAC_SIZE])
{
	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &mac[0],
		      &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]) == MAC_SIZE;
}

static void read_option(struct options *options, int option)
{
	bool is_good = true;

	switch (option) {
	case 'i':
		options->interface = optarg;
		break;
	case 'a':
		is_good =
			address_load(&options->source, optarg, 0) == STATUS_OK;
		break;
	case 's':
		is_good =
			address_load(&options->server, optarg, 53) == STATUS_OK;
		break;
	case 'm':
		is_good = read_mac(optarg, options->mac);
		break;
	case 'z':
		options->zone = optarg;
		break;
	case 'q':
		options->queries = strtoul(optarg, NULL, 10);
		break;
	case 'e':
		options->seed = strtoul(optarg, NULL, 10);
		break;
	case 'w':
		options->window = (unsigned)strtoul(optarg, NULL, 10);
		break;
	case 'd':
		options->duration_s = strtod(optarg, NULL);
		break;
	case 'u':
		options->warmup_s = strtod(optarg, NULL);
		break;
	case 'r':
		options->until_ready_s = strtod(optarg, NULL);
		break;
	case 'p':
		is_good = options->pid_count < PIDS_MAX;
		if (is_good) {
			options->pids[options->pid_count++] = atoi(optarg);
		}
		break;
	default:
		is_good = false;
	}
	if (!is_good) {
		usage();
	}
}

static struct options options_load(int argc, char **argv)
{
	static const struct option known[] = {
		{"interface", required_argument, NULL, 'i'},
		{"source", required_argument, NULL, 'a'},
		{"server", required_argument, NULL, 's'},
		{"mac", required_argument, NULL, 'm'},
		{"zone", required_argument, NULL, 'z'},
		{"queries", required_argument, NULL, 'q'},
		{"seed", required_argument, NULL, 'e'},
		{"window", required_argument, NULL, 'w'},
		{"duration", required_argument, NULL, 'd'},
		{"warmup", required_argument, NULL, 'u'},
		{"until-ready", required_argument, NULL, 'r'},
		{"pid", required_argument, NULL, 'p'},
		{NULL, 0, NULL, 0},
	};
	struct options options = {
		.queries = 100000,
		.seed = 1,
		.window = 400,
		.duration_s = 4,
		.warmup_s = 1,
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		read_option(&options, option);
	}
	if (optind != argc || options.interface == NULL ||
	    options.zone == NULL || options.source.family != AF_INET ||
	    options.server.family != AF_INET || options.window == 0 ||
	    options.queries == 0) {
		usage();
	}
	return options;
}

static void load_init(struct load *load, const struct options *options)
{
	struct address addresses[PORTS];

	load->options = options;
	if (query_set_from_zone(&load->set, options->zone, options->queries,
				options->seed) != STATUS_OK) {
		exit(1);
	}
	load->sent_ns = calloc(SLOTS, sizeof(load->sent_ns[0]));
	load->query = calloc(SLOTS, sizeof(load->query[0]));
	if (load->sent_ns == NULL || load->query == NULL) {
		fprintf(stderr, "xdp_sender: out of memory\n");
		exit(1);
	}
	for (unsigned i = 0; i < PORTS; i++) {
		addresses[i] = options->source;
		addresses[i].port = (uint16_t)(PORT_FIRST + i);
	}
	load->port = xdp_port_open(options->interface, addresses, PORTS);
	write_headers(load);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct options options = options_load(argc, argv);
	struct load load = {0};
	struct spent spent = {0};
	double seconds;
	int status = 0;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	load_init(&load, &options);
	if (options.until_ready_s > 0) {
		status = until_ready(&load);
	} else {
		seconds = run(&load, &spent);
		report(&load, seconds, &spent);
		status = load.counts.wrong > 0 || load.counts.replies == 0;
	}
	xdp_port_close(&load.port);
	query_set_fini(&load.set);
	free(load.sent_ns);
	free(load.query);
	return status;
}
