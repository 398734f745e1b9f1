/*
 * sender.c - ask a nameserver at full speed or at a steady rate, and judge
 * every reply.
 *
 * A reply counts only when its id belongs to a query that is still waiting, it
 * repeats that query's question octet for octet, and its RCODE is the one a
 * right answer carries (and AA is set where that is NXDOMAIN). Everything else
 * is 'wrong' or 'stray' and makes the exit status 1, as does a reply that
 * never comes (unless --loss-is-fine).
 *
 * Two ways to send. With --window, so many queries are kept waiting: what the
 * server answers then is its capacity. With --rate, queries leave by the clock
 * whatever comes back (open loop): latency means something only then. The id of
 * a query is the number of its slot, given out in order, so the oldest waiting
 * query is always the next to expire and there is no list to keep.
 *
 * CPU time, over exactly the time that is measured, in two ways. The machine's
 * busy time (/proc/stat) less the sender's own is everything that answering
 * costs, whoever the kernel charges it to; it is counted in clock ticks and
 * holds whatever else runs, so it is for a full load on a quiet machine. What
 * the threads of the processes named with --pid have run (schedstat, exact) is
 * right at any load, but misses work the kernel does for them elsewhere.
 *
 * One thread: a core of its own reflects what it can do (see reflector.c).
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
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SLOTS = 65536, /* one for each message id */
	BATCH_MAX = 64,
	SOCKETS_MAX = 64,
	REPLY_MAX = 4096,
	SOCKET_BUFFER = 4 << 20,
	PIDS_MAX = 64,
	PACE_NS = 20000,   /* shortest sleep between batches at a rate */
	WRONG_SHOWN = 10,  /* wrong replies told on standard error */
	SAVE_EVERY = 1000, /* the reply to one query in so many is saved */
	NS_PER_S = 1000000000,
};

struct options {
	struct address server;
	const char *zone;
	const char *list;
	const char *save;
	size_t queries;
	uint64_t seed;
	unsigned window;
	double rate;
	double duration_s;
	double warmup_s;
	double until_ready_s;
	unsigned sockets;
	unsigned batch;
	unsigned timeout_ms;
	int pids[PIDS_MAX];
	unsigned pid_count;
	bool connected;
	bool loss_is_fine;
	bool spins;
};

struct slot {
	uint64_t sent_ns; /* 0: free */
	uint32_t query;
};

/* One UDP socket and the queries that wait on it. */
struct channel {
	int fd;
	uint16_t next; /* id of the next query */
	uint16_t tail; /* id of the oldest that may wait */
	unsigned waiting;
	struct slot slots[SLOTS];
};

struct counts {
	uint64_t sent; /* queries of the measured time, */
	uint64_t answered;
	uint64_t lost;
	uint64_t replies; /* right ones that came in the measured time */
	uint64_t wrong;
	uint64_t stray;
	uint64_t truncated;
	uint64_t octets;
	uint64_t send_errors;
	uint64_t longest_gap_ns;
};

struct load {
	const struct options *options;
	struct query_set set;
	struct sockaddr_storage address;
	socklen_t address_size;
	struct channel *channels;
	size_t next_query;
	unsigned next_channel; /* who sends next, at a rate */
	uint64_t start_ns;     /* of the measured time; 0 while warming up */
	uint64_t last_reply_ns;
	uint64_t idle_ns; /* of the measured time, with nothing to do */
	bool is_draining;
	FILE *save;
	uint8_t *saved; /* a flag for each SAVE_EVERY queries */
	struct counts counts;
	struct histogram latency;
};

static volatile sig_atomic_t stop_wanted;

static void on_signal(int number)
{
	(void)number;
	stop_wanted = 1;
}

static int channel_open(const struct load *load)
{
	int size = SOCKET_BUFFER;
	int fd = socket(load->address.ss_family,
			SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		perror("socket");
		exit(1);
	}
	/* FORCE needs privilege; the plain one is bounded by rmem_max. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) !=
	    0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	}
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) !=
	    0) {
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	}
	if (load->options->connected &&
	    connect(fd, (const struct sockaddr *)&load->address,
		    load->address_size) != 0) {
		perror("connect");
		exit(1);
	}
	return fd;
}

/* The first wrong replies are worth a line each. */
static void tell_wrong(const struct load *load, const struct query *query,
		       const uint8_t *reply, size_t size, const char *what)
{
	char name[DNAME_TEXT_MAX];
	struct dname_storage storage;

	if (load->counts.wrong > WRONG_SHOWN) {
		return;
	}
	dname_from_octets(&storage, query->octets + MESSAGE_HEADER_SIZE);
	dname_dump(dname_of(&storage), name);
	fprintf(stderr,
		"wrong reply to %s type %u: %s (%zu octets, flags %04x, RCODE "
		"%u expected)\n",
		name, wire_get16(query->octets + query->question_end - 4), what,
		size, size >= 4 ? wire_get16(reply + 2) : 0, query->rcode);
}

/* One reply whole, to be compared with another server's. */
static void save_reply(struct load *load, uint32_t index, const uint8_t *reply,
		       size_t size)
{
	char name[DNAME_TEXT_MAX];
	struct dname_storage storage;
	const struct query *query = &load->set.queries[index];

	if (load->saved[index / SAVE_EVERY]) {
		return;
	}
	load->saved[index / SAVE_EVERY] = 1;
	dname_from_octets(&storage, query->octets + MESSAGE_HEADER_SIZE);
	fprintf(load->save, "%u %s type %u: ", index,
		dname_dump(dname_of(&storage), name),
		wire_get16(query->octets + query->question_end - 4));
	for (size_t i = 0; i < size; i++) {
		fprintf(load->save, "%02x", reply[i]);
	}
	fputc('\n', load->save);
}

static void take_reply(struct load *load, struct channel *channel,
		       const uint8_t *reply, size_t size, uint64_t now)
{
	struct counts *counts = &load->counts;
	const struct query *query;
	struct slot *slot;
	const char *wrong;
	bool is_measured;

	if (size < MESSAGE_HEADER_SIZE) {
		counts->stray++;
		return;
	}
	slot = &channel->slots[wire_get16(reply)];
	if (slot->sent_ns == 0) {
		counts->stray++;
		return;
	}
	query = &load->set.queries[slot->query];
	is_measured = load->start_ns != 0 && slot->sent_ns >= load->start_ns;
	wrong = query_judge(query, reply, size);
	if (wrong != NULL) {
		counts->wrong++;
		tell_wrong(load, query, reply, size, wrong);
	} else {
		if (is_measured) {
			counts->answered++;
			histogram_add(&load->latency, now - slot->sent_ns);
		}
		if (load->start_ns != 0 && !load->is_draining) {
			counts->replies++;
			counts->octets += size;
			counts->truncated +=
				(wire_get16(reply + 2) & MESSAGE_TC) != 0;
		}
		if (load->last_reply_ns != 0 && !load->is_draining &&
		    now - load->last_reply_ns > counts->longest_gap_ns) {
			counts->longest_gap_ns = now - load->last_reply_ns;
		}
		load->last_reply_ns = now;
		if (load->save != NULL && slot->query % SAVE_EVERY == 0) {
			save_reply(load, slot->query, reply, size);
		}
	}
	slot->sent_ns = 0;
	channel->waiting--;
}

/* Receive what is there, a batch at most. Returns the number of datagrams. */
static int channel_receive(struct load *load, struct channel *channel)
{
	static uint8_t buffers[BATCH_MAX][REPLY_MAX];
	static struct sockaddr_storage from[BATCH_MAX];
	struct mmsghdr messages[BATCH_MAX];
	struct iovec parts[BATCH_MAX];
	uint64_t now;
	int count;

	memset(messages, 0, sizeof(messages[0]) * load->options->batch);
	for (unsigned i = 0; i < load->options->batch; i++) {
		parts[i] = (struct iovec){buffers[i], REPLY_MAX};
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
		if (!load->options->connected) {
			messages[i].msg_hdr.msg_name = &from[i];
			messages[i].msg_hdr.msg_namelen = sizeof(from[i]);
		}
	}
	count = recvmmsg(channel->fd, messages, load->options->batch,
			 MSG_DONTWAIT, NULL);
	if (count <= 0) {
		return 0;
	}
	now = clock_monotonic_ns();
	for (int i = 0; i < count; i++) {
		struct address source;

		if (!load->options->connected &&
		    (address_from_sockaddr(&source,
					   (struct sockaddr *)&from[i]) !=
			     STATUS_OK ||
		     !address_equal(&source, &load->options->server))) {
			load->counts.stray++;
			continue;
		}
		take_reply(load, channel, buffers[i], messages[i].msg_len, now);
	}
	return count;
}

/* Give up the queries that have waited too long; the oldest come first. */
static void channel_expire(struct load *load, struct channel *channel,
			   uint64_t now)
{
	uint64_t timeout_ns = load->options->timeout_ms * 1000000ull;

	while (channel->tail != channel->next) {
		struct slot *slot = &channel->slots[channel->tail];

		if (slot->sent_ns != 0) {
			if (slot->sent_ns + timeout_ns > now) {
				return;
			}
			if (load->start_ns != 0 &&
			    slot->sent_ns >= load->start_ns) {
				load->counts.lost++;
			}
			slot->sent_ns = 0;
			channel->waiting--;
		}
		channel->tail++;
	}
}

/* Send up to wanted queries. Returns how many the kernel took. */
static unsigned channel_send(struct load *load, struct channel *channel,
			     unsigned wanted, uint64_t now)
{
	static uint8_t buffers[BATCH_MAX][QUERY_SIZE_MAX];
	struct mmsghdr messages[BATCH_MAX];
	struct iovec parts[BATCH_MAX];
	unsigned count = 0;
	int sent;

	if (wanted > load->options->batch) {
		wanted = load->options->batch;
	}
	memset(messages, 0, sizeof(messages[0]) * wanted);
	/* next must not catch up with tail: 65,535 at most are waiting. */
	while (count < wanted &&
	       (uint16_t)(channel->next + count + 1) != channel->tail) {
		size_t index = (load->next_query + count) % load->set.count;
		const struct query *query = &load->set.queries[index];
		uint16_t id = (uint16_t)(channel->next + count);

		memcpy(buffers[count], query->octets, query->size);
		wire_put16(buffers[count], id);
		channel->slots[id].query = (uint32_t)index;
		channel->slots[id].sent_ns = now;
		parts[count] = (struct iovec){buffers[count], query->size};
		messages[count].msg_hdr.msg_iov = &parts[count];
		messages[count].msg_hdr.msg_iovlen = 1;
		if (!load->options->connected) {
			messages[count].msg_hdr.msg_name = &load->address;
			messages[count].msg_hdr.msg_namelen =
				load->address_size;
		}
		count++;
	}
	if (count == 0) {
		return 0;
	}
	sent = sendmmsg(channel->fd, messages, count, MSG_DONTWAIT);
	if (sent < 0) {
		if (errno != EAGAIN && errno != ENOBUFS) {
			load->counts.send_errors++;
			usleep(1000); /* nobody listens: no busy loop */
		}
		sent = 0;
	}
	for (unsigned i = (unsigned)sent; i < count; i++) {
		channel->slots[(uint16_t)(channel->next + i)].sent_ns = 0;
	}
	channel->next = (uint16_t)(channel->next + sent);
	channel->waiting += (unsigned)sent;
	load->next_query =
		(load->next_query + (unsigned)sent) % load->set.count;
	if (load->start_ns != 0) {
		load->counts.sent += (unsigned)sent;
	}
	return (unsigned)sent;
}

static void wait_for_replies(const struct load *load, uint64_t wait_ns)
{
	struct pollfd polls[SOCKETS_MAX];
	struct timespec timeout = {(time_t)(wait_ns / NS_PER_S),
				   (long)(wait_ns % NS_PER_S)};

	for (unsigned i = 0; i < load->options->sockets; i++) {
		polls[i] = (struct pollfd){load->channels[i].fd, POLLIN, 0};
	}
	ppoll(polls, load->options->sockets, &timeout, NULL);
}

/* Keep the window full. Returns whether anything happened. */
static bool step_window(struct load *load, uint64_t now)
{
	unsigned share = load->options->window / load->options->sockets;
	bool moved = false;

	for (unsigned i = 0; i < load->options->sockets; i++) {
		struct channel *channel = &load->channels[i];

		moved |= channel_receive(load, channel) > 0;
		channel_expire(load, channel, now);
		if (channel->waiting < share) {
			moved |= channel_send(load, channel,
					      share - channel->waiting,
					      clock_monotonic_ns()) > 0;
		}
	}
	return moved;
}

/* Send what the clock says is due. Returns whether anything happened. */
static bool step_rate(struct load *load, uint64_t now, uint64_t begin_ns,
		      uint64_t *total)
{
	double due = (double)(now - begin_ns) / 1e9 * load->options->rate;
	bool moved = false;

	for (unsigned i = 0; i < load->options->sockets; i++) {
		moved |= channel_receive(load, &load->channels[i]) > 0;
		channel_expire(load, &load->channels[i], now);
	}
	while ((double)*total < due) {
		double left = due - (double)*total;
		struct channel *channel =
			&load->channels[load->next_channel++ %
					load->options->sockets];
		/* What is due is shared out, so that a clock that is behind
		 * costs a system call a socket and not one a query. */
		unsigned count = (unsigned)(left / load->options->sockets) + 1;

		count = channel_send(load, channel, count,
				     clock_monotonic_ns());
		if (count == 0) {
			break;
		}
		*total += count;
		moved = true;
		if (count >= load->options->batch) {
			break; /* look for replies before the next batch */
		}
	}
	return moved;
}

static unsigned all_waiting(const struct load *load)
{
	unsigned waiting = 0;

	for (unsigned i = 0; i < load->options->sockets; i++) {
		waiting += load->channels[i].waiting;
	}
	return waiting;
}

/* Warm up, measure, then wait for what is still out. */
static double run(struct load *load, struct spent *spent)
{
	const struct options *options = load->options;
	uint64_t begin_ns = clock_monotonic_ns(), now = begin_ns;
	uint64_t warm_ns = begin_ns + (uint64_t)(options->warmup_s * 1e9);
	uint64_t end_ns = warm_ns + (uint64_t)(options->duration_s * 1e9);
	uint64_t total = 0, measured_ns;
	struct spent before = {0, 0, 0}, after;

	while (now < end_ns && !stop_wanted) {
		bool moved;

		if (load->start_ns == 0 && now >= warm_ns) {
			before = spent_now(options->pids, options->pid_count);
			load->start_ns = now = clock_monotonic_ns();
			end_ns = now + (uint64_t)(options->duration_s * 1e9);
		}
		moved = options->rate > 0
				? step_rate(load, now, begin_ns, &total)
				: step_window(load, now);
		if (options->rate > 0) {
			wait_for_replies(load, PACE_NS);
		} else if (!moved && !options->spins) {
			wait_for_replies(load, 1000000);
		}
		if (!moved && load->start_ns != 0) {
			load->idle_ns += clock_monotonic_ns() - now;
		}
		now = clock_monotonic_ns();
	}
	after = spent_now(options->pids, options->pid_count);
	measured_ns = load->start_ns != 0 ? now - load->start_ns : 0;
	spent->busy = after.busy - before.busy;
	spent->own = after.own - before.own;
	spent->named = after.named - before.named;
	load->is_draining = true;
	while (all_waiting(load) > 0) {
		for (unsigned i = 0; i < options->sockets; i++) {
			while (channel_receive(load, &load->channels[i]) > 0) {
			}
			channel_expire(load, &load->channels[i],
				       clock_monotonic_ns());
		}
		wait_for_replies(load, 1000000);
	}
	return (double)measured_ns / 1e9;
}

static void report_percentiles(const struct histogram *latency)
{
	static const struct {
		const char *name;
		double share;
	} told[] = {{"p10", 0.1},  {"p25", 0.25},  {"p50", 0.5},
		    {"p75", 0.75}, {"p90", 0.9},   {"p95", 0.95},
		    {"p99", 0.99}, {"p999", 0.999}};

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		printf(" \"%s_us\": %.1f,", told[i].name,
		       (double)histogram_percentile(latency, told[i].share) /
			       1e3);
	}
	putchar('\n');
}

static void report(const struct load *load, double seconds,
		   const struct spent *spent)
{
	const struct counts *counts = &load->counts;
	const struct histogram *latency = &load->latency;
	double replies = (double)counts->replies;
	char server[ADDRESS_TEXT_MAX];

	printf("{\"server\": \"%s\", \"queries\": %zu, \"delegations\": %zu, "
	       "\"seed\": %llu, \"window\": %u, \"rate\": %.0f, "
	       "\"seconds\": %.3f,\n",
	       address_dump(&load->options->server, server), load->set.count,
	       load->set.delegations, (unsigned long long)load->options->seed,
	       load->options->rate > 0 ? 0 : load->options->window,
	       load->options->rate, seconds);
	printf(" \"sent\": %llu, \"answered\": %llu, \"lost\": %llu, "
	       "\"wrong\": %llu, \"stray\": %llu, \"truncated\": %llu, "
	       "\"send_errors\": %llu,\n",
	       (unsigned long long)counts->sent,
	       (unsigned long long)counts->answered,
	       (unsigned long long)counts->lost,
	       (unsigned long long)counts->wrong,
	       (unsigned long long)counts->stray,
	       (unsigned long long)counts->truncated,
	       (unsigned long long)counts->send_errors);
	report_percentiles(latency);
	printf(" \"replies_per_s\": %.0f, \"octets_per_reply\": %.1f, "
	       "\"max_us\": %.1f, \"mean_us\": %.1f, "
	       "\"longest_gap_us\": %.1f,\n",
	       seconds > 0 ? replies / seconds : 0,
	       replies > 0 ? (double)counts->octets / replies : 0,
	       (double)latency->most / 1e3,
	       (double)histogram_mean(latency) / 1e3,
	       (double)counts->longest_gap_ns / 1e3);
	printf(" \"idle_s\": %.3f, \"own_cpu_s\": %.3f, \"busy_s\": %.3f, "
	       "\"pids_cpu_s\": %.3f, "
	       "\"server_cpu_ns_per_reply\": %.1f, "
	       "\"pids_cpu_ns_per_reply\": %.1f}\n",
	       (double)load->idle_ns / 1e9, spent->own, spent->busy,
	       spent->named,
	       replies > 0 ? (spent->busy - spent->own) * 1e9 / replies : 0,
	       replies > 0 ? spent->named * 1e9 / replies : 0);
}

/* Ask the first query every half millisecond until the right answer comes. */
static int until_ready(struct load *load)
{
	const struct query *query = &load->set.queries[0];
	uint64_t begin = clock_monotonic_ns(), now = begin;
	uint64_t limit = (uint64_t)(load->options->until_ready_s * 1e9);
	uint8_t reply[REPLY_MAX];
	int fd = load->channels[0].fd;

	while (now - begin < limit && !stop_wanted) {
		ssize_t size;

		if (sendto(fd, query->octets, query->size, MSG_DONTWAIT,
			   (const struct sockaddr *)&load->address,
			   load->address_size) < 0) {
			usleep(200); /* nobody listens yet */
		}
		wait_for_replies(load, 500000);
		size = recv(fd, reply, sizeof(reply), MSG_DONTWAIT);
		now = clock_monotonic_ns();
		if (size >= MESSAGE_HEADER_SIZE &&
		    query_judge(query, reply, (size_t)size) == NULL) {
			printf("{\"ready_monotonic_ns\": %llu, "
			       "\"waited_ms\": %.3f}\n",
			       (unsigned long long)now,
			       (double)(now - begin) / 1e6);
			return 0;
		}
	}
	fprintf(stderr, "no right answer within %.1f s\n",
		load->options->until_ready_s);
	return 1;
}

static void usage(FILE *out)
{
	fputs("usage: sender (--zone FILE | --list FILE) [option...]\n"
	      "  --server ADDR[@PORT]  who is asked (127.0.0.1@5300)\n"
	      "  --zone FILE           queries for the delegations of a zone\n"
	      "  --list FILE           queries of a list: NAME TYPE [RCODE]\n"
	      "  --queries N           prepared for a zone (65536)\n"
	      "  --seed N              of the queries for a zone (1)\n"
	      "  --window N            queries kept waiting (512)\n"
	      "  --rate N              queries a second, instead of a window\n"
	      "  --duration SECONDS    measured time (5)\n"
	      "  --warmup SECONDS      before it (0)\n"
	      "  --sockets N           source ports (1)\n"
	      "  --batch N             messages a system call (32)\n"
	      "  --unconnected         sockets that are not connected\n"
	      "  --spin                with a window: look for replies "
	      "without\n"
	      "                        sleeping, and cost no wake-ups\n"
	      "  --timeout-ms N        after which a query is lost (1000)\n"
	      "  --loss-is-fine        lost queries do not fail the run\n"
	      "  --save FILE           the reply to one query in a thousand\n"
	      "  --pid N               whose CPU time to report (repeated)\n"
	      "  --until-ready SECONDS only wait for the first right answer\n",
	      out);
}

static double number_of(const char *text, double least, double most)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= least && value <= most)) {
		fprintf(stderr, "sender: '%s' is not a number from %g to %g\n",
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
		O_WINDOW,
		O_RATE,
		O_DURATION,
		O_WARMUP,
		O_SOCKETS,
		O_BATCH,
		O_UNCONNECTED,
		O_TIMEOUT,
		O_LOSS,
		O_SAVE,
		O_SPIN,
		O_UNTIL,
		O_PID,
		O_HELP
	};
	static const struct option known[] = {
		{"server", required_argument, NULL, O_SERVER},
		{"zone", required_argument, NULL, O_ZONE},
		{"list", required_argument, NULL, O_LIST},
		{"queries", required_argument, NULL, O_QUERIES},
		{"seed", required_argument, NULL, O_SEED},
		{"window", required_argument, NULL, O_WINDOW},
		{"rate", required_argument, NULL, O_RATE},
		{"duration", required_argument, NULL, O_DURATION},
		{"warmup", required_argument, NULL, O_WARMUP},
		{"sockets", required_argument, NULL, O_SOCKETS},
		{"batch", required_argument, NULL, O_BATCH},
		{"unconnected", no_argument, NULL, O_UNCONNECTED},
		{"timeout-ms", required_argument, NULL, O_TIMEOUT},
		{"loss-is-fine", no_argument, NULL, O_LOSS},
		{"save", required_argument, NULL, O_SAVE},
		{"spin", no_argument, NULL, O_SPIN},
		{"until-ready", required_argument, NULL, O_UNTIL},
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
		case O_WINDOW:
			options->window = (unsigned)number_of(optarg, 1, 60000);
			break;
		case O_RATE:
			options->rate = number_of(optarg, 1, 1e8);
			break;
		case O_DURATION:
			options->duration_s = number_of(optarg, 0.01, 86400);
			break;
		case O_WARMUP:
			options->warmup_s = number_of(optarg, 0, 3600);
			break;
		case O_SOCKETS:
			options->sockets =
				(unsigned)number_of(optarg, 1, SOCKETS_MAX);
			break;
		case O_BATCH:
			options->batch =
				(unsigned)number_of(optarg, 1, BATCH_MAX);
			break;
		case O_UNCONNECTED:
			options->connected = false;
			break;
		case O_TIMEOUT:
			options->timeout_ms =
				(unsigned)number_of(optarg, 1, 60000);
			break;
		case O_LOSS:
			options->loss_is_fine = true;
			break;
		case O_SAVE:
			options->save = optarg;
			break;
		case O_SPIN:
			options->spins = true;
			break;
		case O_UNTIL:
			options->until_ready_s = number_of(optarg, 0.01, 3600);
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
		fprintf(stderr, "sender: '%s' is not an address\n", server);
		exit(2);
	}
	if (options->window < options->sockets) {
		options->window = options->sockets;
	}
}

static void load_init(struct load *load, const struct options *options)
{
	enum status status;

	memset(load, 0, sizeof(*load));
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
	load->channels = calloc(options->sockets, sizeof(*load->channels));
	load->saved = calloc(load->set.count / SAVE_EVERY + 1, 1);
	if (load->channels == NULL || load->saved == NULL) {
		perror("calloc");
		exit(1);
	}
	for (unsigned i = 0; i < options->sockets; i++) {
		load->channels[i].fd = channel_open(load);
	}
	if (options->save != NULL) {
		load->save = fopen(options->save, "w");
		if (load->save == NULL) {
			perror(options->save);
			exit(1);
		}
	}
	histogram_init(&load->latency);
}

static void load_fini(struct load *load)
{
	for (unsigned i = 0; i < load->options->sockets; i++) {
		close(load->channels[i].fd);
	}
	if (load->save != NULL) {
		fclose(load->save);
	}
	free(load->channels);
	free(load->saved);
	query_set_fini(&load->set);
}

int main(int argc, char **argv)
{
	static struct load load;
	struct options options = {
		.queries = 65536,
		.seed = 1,
		.window = 512,
		.duration_s = 5,
		.sockets = 1,
		.batch = 32,
		.timeout_ms = 1000,
		.connected = true,
	};
	struct sigaction action = {.sa_handler = on_signal};
	struct spent spent;
	double seconds;
	int result;

	options_load(&options, argc, argv);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* Short sleeps are to be short. */
	prctl(PR_SET_TIMERSLACK, 1000ul, 0ul, 0ul, 0ul);
	load_init(&load, &options);
	if (options.until_ready_s > 0) {
		result = until_ready(&load);
	} else {
		seconds = run(&load, &spent);
		report(&load, seconds, &spent);
		result = load.counts.wrong > 0 || load.counts.answered == 0 ||
			 (load.counts.lost > 0 && !options.loss_is_fine);
	}
	load_fini(&load);
	return result;
}
