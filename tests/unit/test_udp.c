#include "tests/unit/worker_fixture.h"

#include <netinet/in.h>
#include <netinet/udp.h>

static const char *const hosts[] = {"127.0.0.1", "::1"};

/* Lost on the way is possible in theory only: loopback, small bursts. */
static size_t receive(int fd, uint8_t *reply, size_t room)
{
	ssize_t got;

	ck_assert_msg(fixture_readable(fd, FIXTURE_PATIENCE_MS), "no reply");
	got = recv(fd, reply, room, 0);
	ck_assert_int_gt(got, 0);
	return (size_t)got;
}

static void send_query(int fd, uint16_t id)
{
	uint8_t query[512];
	size_t size = fixture_query(query, sizeof(query), id);

	ck_assert_int_eq(send(fd, query, size, 0), (ssize_t)size);
}

static void ask(int fd, uint16_t id)
{
	uint8_t reply[4096];
	size_t size;

	send_query(fd, id);
	size = receive(fd, reply, sizeof(reply));
	fixture_check_reply(reply, size, id);
}

START_TEST(every_query_of_many_bursts_is_answered)
{
	enum {
		BURST = 100, /* more than a batch */
		BURSTS = 20,
	};
	struct fixture f = fixture_start(
		(struct fixture_settings){.host = hosts[_i], .workers = 2});
	struct counters_totals totals;
	int fd = fixture_connect(&f, SOCK_DGRAM);

	for (unsigned burst = 0; burst < BURSTS; burst++) {
		bool is_seen[BURST] = {false};

		for (uint16_t i = 0; i < BURST; i++) {
			send_query(fd, i);
		}
		for (uint16_t i = 0; i < BURST; i++) {
			uint8_t reply[4096];
			size_t size = receive(fd, reply, sizeof(reply));
			uint16_t id = wire_get16(reply);

			fixture_check_reply(reply, size, id);
			ck_assert_uint_lt(id, BURST);
			ck_assert(!is_seen[id]);
			is_seen[id] = true;
		}
	}
	close(fd);
	/* Counted once the batch was sent: wait for the last. */
	FIXTURE_UNTIL(fixture_totals(&f, COUNTERS_UDP).replies ==
		      BURST * BURSTS);
	totals = fixture_totals(&f, COUNTERS_UDP);
	ck_assert_uint_eq(totals.queries, BURST * BURSTS);
	ck_assert_uint_eq(_i == 0 ? totals.queries_ipv6 : totals.queries_ipv4,
			  0);
	ck_assert_uint_eq(totals.rcodes[RCODE_NOERROR], BURST * BURSTS);
	ck_assert_uint_eq(totals.send_drops, 0);
	ck_assert_uint_ge(totals.batches, BURST * BURSTS / 64);
	fixture_stop(&f);
}
END_TEST

static uint64_t sum(const uint64_t *bins, size_t count)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++) {
		total += bins[i];
	}
	return total;
}

START_TEST(what_is_no_query_meets_silence_and_is_counted)
{
	static const uint8_t zeros[5000];
	struct fixture f =
		fixture_start((struct fixture_settings){.host = hosts[_i]});
	int fd = fixture_connect(&f, SOCK_DGRAM);
	struct counters_totals totals;
	uint8_t query[512];
	size_t size = fixture_query(query, sizeof(query), 1);

	query[2] |= MESSAGE_QR >> 8;
	ck_assert_int_eq(send(fd, query, size, 0), (ssize_t)size);
	ck_assert_int_eq(send(fd, zeros, 0, 0), 0);
	ck_assert_int_eq(send(fd, zeros, 11, 0), 11);
	ck_assert_int_eq(send(fd, zeros, sizeof(zeros), 0), sizeof(zeros));
	/* One worker answers in order: nothing came before this one's reply. */
	ask(fd, 7);
	close(fd);
	FIXTURE_UNTIL(fixture_totals(&f, COUNTERS_UDP).replies == 1);
	totals = fixture_totals(&f, COUNTERS_UDP);
	ck_assert_uint_eq(totals.queries, 5);
	ck_assert_uint_eq(totals.ignored, 3);
	ck_assert_uint_eq(totals.bad_source, 1);
	ck_assert_uint_eq(sum(totals.query_sizes, COUNTERS_QUERY_BINS), 4);
	ck_assert_uint_eq(sum(totals.reply_sizes, COUNTERS_REPLY_BINS), 1);
	fixture_stop(&f);
}
END_TEST

/* Needs a raw socket, so root. */
START_TEST(source_port_0_is_not_answered)
{
	struct fixture f =
		fixture_start((struct fixture_settings){.host = "127.0.0.1"});
	struct sockaddr_in to = {.sin_family = AF_INET};
	uint8_t packet[512];
	struct udphdr header = {0};
	size_t size;
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
	int fd = fixture_connect(&f, SOCK_DGRAM);

	if (raw >= 0) {
		size = fixture_query(packet + sizeof(header),
				     sizeof(packet) - sizeof(header), 1);
		header.dest = htons(f.address.port);
		header.len = htons((uint16_t)(sizeof(header) + size));
		memcpy(packet, &header, sizeof(header));
		memcpy(&to.sin_addr, f.address.octets, 4);
		ck_assert_int_gt(sendto(raw, packet, sizeof(header) + size, 0,
					(struct sockaddr *)&to, sizeof(to)),
				 0);
		FIXTURE_UNTIL(fixture_totals(&f, COUNTERS_UDP).bad_source == 1);
		close(raw);
	}
	ask(fd, 2);
	close(fd);
	fixture_stop(&f);
}
END_TEST

START_TEST(wildcard_socket_replies_from_the_address_that_was_asked)
{
	struct fixture f = fixture_start(
		(struct fixture_settings){.host = "0.0.0.0", .workers = 2});

	for (unsigned i = 1; i < 255; i++) {
		char host[32];
		int fd;

		snprintf(host, sizeof(host), "127.0.%u.%u", i % 3, i);
		/* A connected socket hears that one address only; and from
		 * another source, or the kernel would choose rightly alone. */
		fd = fixture_connect_from(&f, SOCK_DGRAM, host, "127.0.0.1");
		ask(fd, (uint16_t)i);
		close(fd);
	}
	fixture_stop(&f);
}
END_TEST

START_TEST(wildcard_socket_of_ipv6_leaves_ipv4_alone)
{
	struct fixture f =
		fixture_start((struct fixture_settings){.host = "::"});
	struct sockaddr_in name = {.sin_family = AF_INET,
				   .sin_port = htons(f.address.port)};
	int fd = fixture_connect_from(&f, SOCK_DGRAM, "::1", NULL);
	int ipv4 = socket(AF_INET, SOCK_DGRAM, 0);

	ask(fd, 1);
	ck_assert_int_eq(bind(ipv4, (struct sockaddr *)&name, sizeof(name)), 0);
	close(ipv4);
	close(fd);
	fixture_stop(&f);
}
END_TEST

START_TEST(address_that_does_not_exist_yet_can_be_bound)
{
	static const char *const absent[] = {"192.0.2.53", "2001:db8::53"};
	struct fixture f =
		fixture_start((struct fixture_settings){.host = absent[_i]});

	fixture_stop(&f);
}
END_TEST

START_TEST(worker_that_stands_still_shows_what_waits_and_what_is_lost)
{
	enum {
		FLOOD = 40000, /* beyond any SO_RCVBUF that we ask for */
	};
	struct fixture f = fixture_start((struct fixture_settings){
		.host = hosts[_i], .is_standing = true});
	int fd = fixture_connect(&f, SOCK_DGRAM);
	struct counters_totals totals;

	worker_watch(f.workers[0]);
	totals = fixture_totals(&f, COUNTERS_UDP);
	ck_assert_uint_eq(totals.waiting, 0);
	ck_assert_uint_eq(totals.drops, 0);
	for (unsigned i = 0; i < FLOOD; i++) {
		send_query(fd, (uint16_t)i);
	}
	worker_watch(f.workers[0]);
	worker_watch(f.workers[0]);
	totals = fixture_totals(&f, COUNTERS_UDP);
	ck_assert_uint_gt(totals.waiting, 0);
	ck_assert_uint_gt(totals.drops, 0);
	ck_assert_uint_lt(totals.drops, FLOOD);
	ck_assert_uint_eq(totals.queries, 0);

	fixture_go(&f);
	/* What was not dropped is received, every single one. */
	FIXTURE_UNTIL(fixture_totals(&f, COUNTERS_UDP).queries + totals.drops ==
		      FLOOD);
	worker_watch(f.workers[0]);
	ck_assert_uint_eq(fixture_totals(&f, COUNTERS_UDP).waiting, 0);
	close(fd);
	fixture_stop(&f);
}
END_TEST

START_TEST(second_server_on_the_address_is_found_out)
{
	struct fixture f =
		fixture_start((struct fixture_settings){.host = hosts[_i]});
	char error[SOCKET_ERROR_MAX];
	char text[ADDRESS_TEXT_MAX];
	char line[SOCKET_ERROR_MAX];

	ck_assert_int_eq(socket_probe(SOCKET_UDP, &f.address, error),
			 STATUS_EXISTS);
	snprintf(line, sizeof(line), "cannot listen on udp %s: address in use",
		 address_dump(&f.address, text));
	ck_assert_str_eq(error, line);
	ck_assert_int_eq(socket_probe(SOCKET_TCP, &f.address, error),
			 STATUS_EXISTS);
	snprintf(line, sizeof(line), "cannot listen on tcp %s: address in use",
		 address_dump(&f.address, text));
	ck_assert_str_eq(error, line);
	fixture_stop(&f);
	ck_assert_int_eq(socket_probe(SOCKET_UDP, &f.address, error),
			 STATUS_OK);
}
END_TEST

START_TEST(heartbeat_goes_on_without_queries)
{
	struct fixture f = fixture_start(
		(struct fixture_settings){.host = hosts[0], .workers = 2});

	for (size_t i = 0; i < f.count; i++) {
		for (int id = 0; id < COUNTERS_XDP; id++) {
			const counter *pass = &f.counters->worker[i]
						       .transports[id]
						       .last_pass_ns;
			uint64_t before;

			FIXTURE_UNTIL(counter_get(pass) != 0);
			before = counter_get(pass);
			FIXTURE_UNTIL(counter_get(pass) > before);
		}
		ck_assert_uint_eq(
			counter_get(&f.counters->worker[i].online_since_ns), 0);
		/* No ring, so no pass, and nothing to be reported. */
		ck_assert(
			!counters_in_use(&f.counters->worker[i], COUNTERS_XDP));
	}
	fixture_stop(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("udp");
	TCase *tc = tcase_create("udp");
	SRunner *runner = srunner_create(suite);
	int failed;

	log_init("test_udp", LOG_LEVEL_ERROR);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, every_query_of_many_bursts_is_answered, 0, 2);
	tcase_add_loop_test(tc, what_is_no_query_meets_silence_and_is_counted,
			    0, 2);
	tcase_add_test(tc, source_port_0_is_not_answered);
	tcase_add_test(tc,
		       wildcard_socket_replies_from_the_address_that_was_asked);
	tcase_add_test(tc, wildcard_socket_of_ipv6_leaves_ipv4_alone);
	tcase_add_loop_test(tc, address_that_does_not_exist_yet_can_be_bound, 0,
			    2);
	tcase_add_loop_test(
		tc, worker_that_stands_still_shows_what_waits_and_what_is_lost,
		0, 2);
	tcase_add_loop_test(tc, second_server_on_the_address_is_found_out, 0,
			    2);
	tcase_add_test(tc, heartbeat_goes_on_without_queries);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
