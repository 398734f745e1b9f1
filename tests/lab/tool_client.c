/*
 * tool_client - ask a service address steadily over UDP and TCP, and print for
 * each question who answered.
 *
 * usage: tool_client ADDRESS ZONE UDP_PER_S TCP_PER_S
 *
 * Each question ('ZONE SOA' with an empty NSID option, RFC 5001) has a socket of
 * its own, so that each is routed as a new client's would be, and an old
 * connection never hides a move. Questions leave by the clock, not after
 * the last answer: silence is seen as the number of questions that fell into
 * it. Nothing is asked again. One line a question, when it is over:
 *
 *   SENT KIND SITE MICROSECONDS
 *
 * SENT is the wall clock in seconds when it left; KIND 'u' or 't'; SITE the
 * NSID of the answer, or '-' where none that is right came within TIMEOUT.
 * SIGTERM stops the asking; what is under way is waited for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	SLOTS = 1024,
	TIMEOUT_US = 1000000,
	QUERY_MAX = 512,
	REPLY_MAX = 4096,
	NSID_CODE = 3,
	TYPE_OPT = 41,
	HEADER = 12,
};

struct slot {
	int fd; /* -1: free */
	bool is_tcp;
	bool is_sent;
	uint16_t id;
	int64_t sent_us; /* monotonic */
	double wall;
	size_t length; /* octets received */
	uint8_t reply[REPLY_MAX];
};

static struct slot slots[SLOTS];
static struct sockaddr_in service;
static uint8_t query[QUERY_MAX]; /* with two octets of length before it */
static size_t query_length;
static volatile sig_atomic_t is_stopping;

static void stop(int number)
{
	(void)number;
	is_stopping = 1;
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static double wall(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static unsigned octets16(const uint8_t *octets)
{
	return (unsigned)octets[0] << 8 | octets[1];
}

static bool make_query(const char *zone)
{
	static const uint8_t tail[] = {0, 6, 0,        1, /* SOA IN */
				       0, 0, TYPE_OPT, 4, 208,       0, 0, 0,
				       0, 0, 4,        0, NSID_CODE, 0, 0};
	uint8_t *at = query + 2 + HEADER;

	query[2 + 5] = 1;
	query[2 + 11] = 1;
	while (*zone != '\0') {
		size_t label = strcspn(zone, ".");

		if (label > 63 ||
		    (size_t)(at - query) + label + 40 > QUERY_MAX) {
			return false;
		}
		if (label > 0) {
			*at++ = (uint8_t)label;
			memcpy(at, zone, label);
			at += label;
		}
		zone += label + (zone[label] == '.');
	}
	*at++ = 0;
	memcpy(at, tail, sizeof(tail));
	at += sizeof(tail);
	query_length = (size_t)(at - query) - 2;
	query[0] = (uint8_t)(query_length >> 8);
	query[1] = (uint8_t)query_length;
	return true;
}

/* The octet after the name at 'at', or 0 when it does not end. */
static size_t skip_name(const uint8_t *message, size_t length, size_t at)
{
	while (at < length) {
		if (message[at] >= 0xc0) {
			return at + 2;
		}
		if (message[at] == 0) {
			return at + 1;
		}
		at += (size_t)message[at] + 1;
	}
	return 0;
}

static bool copy_nsid(const uint8_t *data, size_t length, char *site,
		      size_t size)
{
	size_t at = 0;

	while (at + 4 <= length) {
		size_t option = octets16(data + at + 2);

		if (at + 4 + option > length) {
			return false;
		}
		if (octets16(data + at) == NSID_CODE && option > 0 &&
		    option < size) {
			memcpy(site, data + at + 4, option);
			site[option] = '\0';
			return true;
		}
		at += 4 + option;
	}
	return false;
}

/* Is it the right answer to this slot's question: NOERROR, AA, with an NSID? */
static bool find_site(const struct slot *slot, const uint8_t *message,
		      size_t length, char *site, size_t size)
{
	unsigned records;
	size_t at;

	if (length < HEADER || octets16(message) != slot->id ||
	    (message[2] & 0x84) != 0x84 || (message[3] & 15) != 0 ||
	    octets16(message + 4) != 1 || octets16(message + 6) == 0) {
		return false;
	}
	at = skip_name(message, length, HEADER);
	if (at == 0) {
		return false;
	}
	at += 4;
	records = octets16(message + 6) + octets16(message + 8) +
		  octets16(message + 10);
	for (; records > 0; records--) {
		size_t data;

		at = skip_name(message, length, at);
		if (at == 0 || at + 10 > length) {
			return false;
		}
		data = octets16(message + at + 8);
		if (at + 10 + data > length) {
			return false;
		}
		if (octets16(message + at) == TYPE_OPT) {
			return copy_nsid(message + at + 10, data, site, size);
		}
		at += 10 + data;
	}
	return false;
}

static void finish(struct slot *slot, const char *site)
{
	printf("%.6f %c %s %lld\n", slot->wall, slot->is_tcp ? 't' : 'u', site,
	       (long long)(now_us() - slot->sent_us));
	close(slot->fd);
	slot->fd = -1;
}

static void ask(struct slot *slot)
{
	size_t skip = slot->is_tcp ? 0 : 2;

	query[2] = (uint8_t)(slot->id >> 8);
	query[3] = (uint8_t)slot->id;
	slot->is_sent = true;
	/* What cannot be sent counts as unanswered, at its time. */
	if (send(slot->fd, query + skip, query_length + 2 - skip,
		 MSG_NOSIGNAL) < 0) {
		slot->is_sent = errno != EAGAIN;
	}
}

static void begin(bool is_tcp)
{
	static uint16_t next_id;
	struct slot *slot = slots;

	while (slot < slots + SLOTS && slot->fd >= 0) {
		slot++;
	}
	if (slot == slots + SLOTS) {
		fprintf(stderr, "tool_client: too many under way\n");
		exit(1);
	}
	memset(slot, 0, offsetof(struct slot, reply));
	slot->is_tcp = is_tcp;
	slot->id = ++next_id;
	slot->sent_us = now_us();
	slot->wall = wall();
	slot->fd = socket(AF_INET,
			  (is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK |
				  SOCK_CLOEXEC,
			  0);
	if (slot->fd < 0) {
		perror("tool_client: socket");
		exit(1);
	}
	if (connect(slot->fd, (struct sockaddr *)&service, sizeof(service)) !=
		    0 &&
	    errno != EINPROGRESS) {
		finish(slot, "-"); /* no route: as lost as any other */
		return;
	}
	if (!is_tcp) {
		ask(slot);
	}
}

static void receive(struct slot *slot)
{
	char site[128];
	size_t skip = slot->is_tcp ? 2 : 0;
	ssize_t got = recv(slot->fd, slot->reply + slot->length,
			   REPLY_MAX - slot->length, 0);

	if (got < 0 && errno == EAGAIN) {
		return;
	}
	if (got <= 0) {
		finish(slot, "-");
		return;
	}
	slot->length += (size_t)got;
	if (slot->is_tcp &&
	    (slot->length < 2 || slot->length < 2 + octets16(slot->reply))) {
		return;
	}
	finish(slot, find_site(slot, slot->reply + skip, slot->length - skip,
			       site, sizeof(site))
			     ? site
			     : "-");
}

/* Wait until 'until' at most; returns how many questions are under way. */
static int serve(int64_t until)
{
	struct pollfd polls[SLOTS];
	struct slot *of[SLOTS];
	struct timespec wait;
	int64_t left = until - now_us();
	nfds_t count = 0;
	nfds_t i;

	for (struct slot *slot = slots; slot < slots + SLOTS; slot++) {
		if (slot->fd >= 0) {
			of[count] = slot;
			polls[count].fd = slot->fd;
			polls[count].events = slot->is_sent ? POLLIN : POLLOUT;
			polls[count++].revents = 0;
		}
	}
	left = left < 0 ? 0 : left;
	wait.tv_sec = left / 1000000;
	wait.tv_nsec = left % 1000000 * 1000;
	if (ppoll(polls, count, &wait, NULL) < 0) {
		return (int)count;
	}
	for (i = 0; i < count; i++) {
		if (polls[i].revents == 0) {
			if (now_us() - of[i]->sent_us > TIMEOUT_US) {
				finish(of[i], "-");
			}
		} else if (!of[i]->is_sent && polls[i].revents == POLLOUT) {
			ask(of[i]);
		} else {
			receive(of[i]);
		}
	}
	return (int)count;
}

int main(int argc, char **argv)
{
	int64_t every[2], next[2];

	if (argc != 5 || inet_pton(AF_INET, argv[1], &service.sin_addr) != 1 ||
	    !make_query(argv[2]) || atoi(argv[3]) <= 0 || atoi(argv[4]) <= 0) {
		fprintf(stderr, "usage: tool_client ADDRESS ZONE UDP_PER_S "
				"TCP_PER_S\n");
		return 2;
	}
	service.sin_family = AF_INET;
	service.sin_port = htons(53);
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < SLOTS; i++) {
		slots[i].fd = -1;
	}
	for (int i = 0; i < 2; i++) {
		every[i] = 1000000 / atoi(argv[3 + i]);
		next[i] = now_us();
	}
	while (!is_stopping) {
		for (int i = 0; i < 2; i++) {
			if (now_us() >= next[i]) {
				begin(i == 1);
				next[i] += every[i];
			}
		}
		serve(next[0] < next[1] ? next[0] : next[1]);
	}
	while (serve(now_us() + TIMEOUT_US / 10) > 0) {
		;
	}
	return 0;
}
