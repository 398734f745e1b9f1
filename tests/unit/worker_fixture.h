/*
 * worker_fixture.h - real workers on free loopback ports, for test_udp.c and
 * test_tcp.c: the real answers, from a zone set without zones (CH TXT is
 * answered, everything else is REFUSED).
 */
#pragma once

#include "lib/answer/answer_query.h"
#include "lib/base/grace.h"
#include "lib/base/log.h"
#include "lib/dns/message.h"
#include "server/nameserver/socket.h"
#include "server/nameserver/tcp.h"
#include "server/nameserver/worker.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	FIXTURE_WORKERS_MAX = 4,
	FIXTURE_PORT_TRIES = 100,
	FIXTURE_PATIENCE_MS = 20000, /* then a test has failed */
	FIXTURE_CLASS_CH = 3,
	FIXTURE_TYPE_TXT = 16,
};

struct fixture {
	struct address address;
	struct answer_identity identity;
	struct zone_set *zones;
	struct counters *counters;
	struct tcp_limits *limits;
	struct worker *workers[FIXTURE_WORKERS_MAX];
	size_t count;
};

struct fixture_settings {
	const char *host;
	size_t workers;
	unsigned clients;
	unsigned per_prefix;
	unsigned idle_ms;
	bool is_standing; /* the threads are not started */
};

/* What the tests call the server: as long as it may be, for long replies. */
static const char fixture_identity[] =
	"a-server-with-a-name-that-makes-its-replies-long-"
	"a-server-with-a-name-that-makes-its-replies-long-"
	"a-server-with-a-name-that-makes-its-replies-long-"
	"a-server-with-a-name-that-makes-its-replies-long";

/* A port that is free for both; somebody may still take it before us. */
static inline bool fixture_pick_port(struct address *address)
{
	char error[SOCKET_ERROR_MAX];
	struct sockaddr_storage name;
	socklen_t size;
	int fd = socket(address->family, SOCK_DGRAM, 0);

	/* As the server's own: the address need not exist. */
	if (address->family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &(int){1},
			   sizeof(int));
	} else {
		setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &(int){1}, sizeof(int));
	}
	address->port = 0;
	size = address_to_sockaddr(address, &name);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, size), 0);
	size = sizeof(name);
	getsockname(fd, (struct sockaddr *)&name, &size);
	close(fd);
	address->port = ntohs(((struct sockaddr_in *)(void *)&name)->sin_port);
	return socket_probe(SOCKET_UDP, address, error) == STATUS_OK &&
	       socket_probe(SOCKET_TCP, address, error) == STATUS_OK;
}

static inline void fixture_open(struct fixture *f, int *udp, int *tcp)
{
	char error[SOCKET_ERROR_MAX];

	for (size_t i = 0; i < f->count; i++) {
		ck_assert_int_eq(
			socket_open(SOCKET_UDP, &f->address, 0, &udp[i], error),
			STATUS_OK);
		ck_assert_int_eq(
			socket_open(SOCKET_TCP, &f->address, 0, &tcp[i], error),
			STATUS_OK);
	}
}

static inline void fixture_go(struct fixture *f)
{
	for (size_t i = 0; i < f->count; i++) {
		ck_assert_int_eq(worker_start(f->workers[i]), STATUS_OK);
	}
}

static inline struct fixture fixture_start(struct fixture_settings settings)
{
	struct fixture f = {.count = settings.workers ? settings.workers : 1};
	static struct answer_identity identity;
	int udp[FIXTURE_WORKERS_MAX];
	int tcp[FIXTURE_WORKERS_MAX];
	unsigned tries = 0;

	identity = (struct answer_identity){.name = fixture_identity,
					    .version = "test",
					    .udp_payload = 1232,
					    .compiled_budget =
						    ANSWER_COMPILED_BUDGET};
	ck_assert_int_eq(address_load(&f.address, settings.host, 1), STATUS_OK);
	while (!fixture_pick_port(&f.address)) {
		ck_assert_uint_lt(tries++, FIXTURE_PORT_TRIES);
	}
	f.zones = zone_set_new();
	f.counters = counters_new(f.count);
	f.limits = tcp_limits_new(settings.clients ? settings.clients : 1000,
				  settings.per_prefix ? settings.per_prefix
						      : 1000);
	fixture_open(&f, udp, tcp);
	for (size_t i = 0; i < f.count; i++) {
		f.workers[i] = worker_new(&(struct worker_settings){
			.id = (unsigned)i,
			.cpu = -1,
			.identity = &identity,
			.zones = f.zones,
			.counters = &f.counters->worker[i],
			.limits = f.limits,
			.tcp_idle_ms =
				settings.idle_ms ? settings.idle_ms : 60000,
			.udp = &udp[i],
			.tcp = &tcp[i],
			.sockets = 1,
		});
		ck_assert_ptr_nonnull(f.workers[i]);
	}
	if (!settings.is_standing) {
		fixture_go(&f);
	}
	return f;
}

static inline void fixture_stop(struct fixture *f)
{
	for (size_t i = 0; i < f->count; i++) {
		worker_stop(f->workers[i]);
	}
	for (size_t i = 0; i < f->count; i++) {
		worker_free(f->workers[i]);
	}
	zone_set_free(f->zones);
	grace_barrier();
	counters_free(f->counters);
	tcp_limits_free(f->limits);
}

static inline struct counters_totals
fixture_totals(const struct fixture *f, enum counters_transport_id id)
{
	struct counters_totals totals = {0};

	counters_add_all(f->counters, id, &totals);
	return totals;
}

/* Wait until expression holds; its end is a failure, not a speed. */
#define FIXTURE_UNTIL(expression)                                      \
	do {                                                           \
		unsigned waited_ms = 0;                                \
		while (!(expression)) {                                \
			ck_assert_msg(waited_ms < FIXTURE_PATIENCE_MS, \
				      "never came: %s", #expression);  \
			usleep(5000);                                  \
			waited_ms += 5;                                \
		}                                                      \
	} while (0)

/* 'id.server CH TXT' with that ID; returns its size. */
static inline size_t fixture_query(uint8_t *out, size_t room, uint16_t id)
{
	struct wire_writer w = wire_writer_init(out, room);
	struct dname_storage name;

	ck_assert_int_eq(dname_load(&name, "id.server.", 10, NULL), STATUS_OK);
	message_write_query(&w, id, dname_of(&name), FIXTURE_TYPE_TXT,
			    FIXTURE_CLASS_CH, 1232, false, false);
	ck_assert(!w.failed);
	return wire_size(&w);
}

/* A good reply to fixture_query(id), by every sign. */
static inline void fixture_check_reply(const uint8_t *reply, size_t size,
				       uint16_t id)
{
	ck_assert_uint_gt(size, MESSAGE_HEADER_SIZE + strlen(fixture_identity));
	ck_assert_uint_eq(wire_get16(reply), id);
	ck_assert_uint_eq(wire_get16(reply + 2) & MESSAGE_QR, MESSAGE_QR);
	ck_assert_uint_eq(wire_get16(reply + 2) & MESSAGE_RCODE_MASK,
			  RCODE_NOERROR);
	ck_assert_uint_eq(wire_get16(reply + 6), 1);
	ck_assert_ptr_nonnull(memmem(reply, size, fixture_identity,
				     strlen(fixture_identity)));
}

/* A client socket of that kind, connected to host (the server's port). */
static inline int fixture_connect_from(const struct fixture *f, int type,
				       const char *host, const char *source)
{
	struct sockaddr_storage name;
	struct address to = f->address;
	struct address from;
	socklen_t size;
	int fd;

	if (host != NULL) {
		ck_assert_int_eq(address_load(&to, host, f->address.port),
				 STATUS_OK);
	}
	fd = socket(to.family, type, 0);
	ck_assert_int_ge(fd, 0);
	if (source != NULL) {
		ck_assert_int_eq(address_load(&from, source, 1), STATUS_OK);
		from.port = 0;
		size = address_to_sockaddr(&from, &name);
		ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, size), 0);
	}
	size = address_to_sockaddr(&to, &name);
	ck_assert_msg(connect(fd, (struct sockaddr *)&name, size) == 0,
		      "connect: %s", strerror(errno));
	return fd;
}

static inline int fixture_connect(const struct fixture *f, int type)
{
	return fixture_connect_from(f, type, NULL, NULL);
}

/* Is there something to read (or an end) before patience ends? */
static inline bool fixture_readable(int fd, int wait_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int found;

	do {
		found = poll(&p, 1, wait_ms);
	} while (found < 0 && errno == EINTR);
	return found == 1;
}
