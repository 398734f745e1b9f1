#include "tests/unit/worker_fixture.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

enum {
	FRAME_ROOM = 600, /* one framed query */
};

static const char *const hosts[] = {"127.0.0.1", "::1"};

static size_t framed_query(uint8_t *out, uint16_t id)
{
	size_t size = fixture_query(out + 2, FRAME_ROOM - 2, id);

	wire_put16(out, (uint16_t)size);
	return 2 + size;
}

/* count queries with IDs first, first + 1, ...; the caller frees. */
static uint8_t *framed_queries(unsigned count, uint16_t first, size_t *size)
{
	uint8_t *data = malloc((size_t)count * FRAME_ROOM);

	ck_assert_ptr_nonnull(data);
	*size = 0;
	for (unsigned i = 0; i < count; i++) {
		*size += framed_query(data + *size, (uint16_t)(first + i));
	}
	return data;
}

static void send_all(int fd, const uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);

		ck_assert_msg(sent > 0, "send: %s", strerror(errno));
		data += sent;
		size -= (size_t)sent;
	}
}

/* Returns false at the end of the stream. */
static bool receive_exactly(int fd, uint8_t *out, size_t size)
{
	while (size > 0) {
		ssize_t got;

		ck_assert_msg(fixture_readable(fd, FIXTURE_PATIENCE_MS),
			      "nothing to read");
		got = recv(fd, out, size, 0);
		if (got <= 0) {
			return false;
		}
		out += got;
		size -= (size_t)got;
	}
	return true;
}

static void expect_reply(int fd, uint16_t id)
{
	static uint8_t reply[65535];
	uint8_t length[2];

	ck_assert_msg(receive_exactly(fd, length, 2), "no reply %u", id);
	ck_assert(receive_exactly(fd, reply, wire_get16(length)));
	fixture_check_reply(reply, wire_get16(length), id);
}

static void expect_replies(int fd, unsigned count, uint16_t first)
{
	for (unsigned i = 0; i < count; i++) {
		expect_reply(fd, (uint16_t)(first + i));
	}
}

static void ask(int fd, uint16_t id)
{
	uint8_t frame[FRAME_ROOM];

	send_all(fd, frame, framed_query(frame, id));
	expect_reply(fd, id);
}

/* The server closes or resets, without another octet. */
static void expect_end(int fd)
{
	uint8_t octet;

	ck_assert_msg(fixture_readable(fd, FIXTURE_PATIENCE_MS), "not closed");
	ck_assert_int_le(recv(fd, &octet, 1, 0), 0);
}

START_TEST(pipelined_queries_are_all_answered_in_order)
{
	enum {
		COUNT = 1500,
	};
	struct fixture f = fixture_start(
		(struct fixture_settings){.host = hosts[_i], .workers = 2});
	struct counters_totals totals;
	int fd = fixture_connect(&f, SOCK_STREAM);
	size_t size;
	uint8_t *data = framed_queries(COUNT, 0, &size);

	send_all(fd, data, size);
	expect_replies(fd, COUNT, 0);
	totals = fixture_totals(&f, COUNTERS_TCP);
	ck_assert_uint_eq(totals.queries, COUNT);
	ck_assert_uint_eq(totals.replies, COUNT);
	ck_assert_uint_eq(_i == 0 ? totals.queries_ipv6 : totals.queries_ipv4,
			  0);
	ck_assert_uint_eq(totals.open, 1);
	ck_assert_uint_lt(totals.batches, COUNT);
	close(fd);
	FIXTURE_UNTIL(fixture_totals(&f, COUNTERS_TCP).open == 0);
	free(data);
	fixture_stop(&f);
}
END_TEST

START_TEST(segments_of_one_octet_make_whole_queries)
{
	struct fixture f =
		fixture_start((struct fixture_settings){.host = hosts[_i]});
	int fd = fixture_connect(&f, SOCK_STREAM);
	size_t size;
	uint8_t *data = framed_queries(5, 40, &size);

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	for (size_t i = 0; i < size; i++) {
		send_all(fd, data + i, 1);
		/* Let most octets arrive alone. */
		usleep(200);
	}
	expect_replies(fd, 5, 40);
	free(data);
	close(fd);
	fixture_stop(&f);
}
END_TEST

START_TEST(queries_cut_anywhere_are_answered)
{
	enum {
		COUNT = 400,
		ROUNDS = 20,
	};
	struct fixture f =
		fixture_start((struct fixture_settings){.host = hosts[0]});
	size_t size;
	uint8_t *data = framed_queries(COUNT, 0, &size);
	unsigned seed = 1;

	for (unsigned round = 0; round < ROUNDS; round++) {
		int fd = fixture_connect(&f, SOCK_STREAM);

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1},
			   sizeof(int));
		for (size_t at = 0; at < size;) {
			size_t piece = 1 + (size_t)rand_r(&seed) % 997;

			piece = piece < size - at ? piece : size - at;
			send_all(fd, data + at, piece);
			at += piece;
			if (rand_r(&seed) % 4 == 0) {
				usleep(100);
			}
		}
		expect_replies(fd, COUNT, 0);
		close(fd);
	}
	free(data);
	fixture_stop(&f);
}
END_TEST

START_TEST(half_closed_connection_gets_every_reply_and_then_the_end)
{
	enum {
		COUNT = 300,
	};
	struct fixture f =
		fixture_start((struct fixture_settings){.host = hosts[_i]});
	int fd = fixture_connect(&f, SOCK_STREAM);
	size_t size;
	uint8_t *data = framed_queries(COUNT, 7, &size);

	send_all(fd, data, size);
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	expect_replies(fd, COUNT, 7);
	expect_end(fd);
	free(data);
	close(fd);
	fixture_stop(&f);
}
END_TEST

START_TEST(largest_message_is_read_whole)
{
	static uint8_t frame[2 + 65535];
	static uint8_t reply[65535];
	uint8_t length[2];
	struct fixture f =
		fixture_start((struct fixture_settings){.host = hosts[_i]});
	int fd = fixture_connect(&f, SOCK_STREAM);

	/* A query with 65 KiB of zeros behind it: FORMERR, not a close. */
	fixture_query(frame + 2, FRAME_ROOM, 99);
	wire_put16(frame, 65535);
	send_all(fd, frame, sizeof(frame));
	ck_assert(receive_exactly(fd, length, 2));
	ck_assert(receive_exactly(fd, reply, wire_get16(length)));
	ck_assert_uint_eq(wire_get16(reply), 99);
	ck_assert_uint_eq(wire_get16(reply + 2) & MESSAGE_RCODE_MASK,
			  RCODE_FORMERR);
	ask(fd, 100);
	close(fd);
	fixture_stop(&f);
}
END_TEST

static const uint16_t garbage_lengths[] = {0, 1, 11};

START_TEST(length_that_is_no_querys_closes_after_the_replies_before_it)
{
	struct fixture f =
		fixture_start((struct fixture_settings){.host = hosts[0]});
	int fd = fixture_connect(&f, SOCK_STREAM);
	size_t size;
	uint8_t *data = framed_queries(3, 1, &size);

	wire_put16(data + size, garbage_lengths[_i]);
	send_all(fd, data, size + 2);
	expect_replies(fd, 3, 1);
	expect_end(fd);
	ck_assert_uint_eq(fixture_totals(&f, COUNTERS_TCP).closed_garbage, 1);
	free(data);
	close(fd);
	fixture_stop(&f);
}
END_TEST

/* Write queries until the server takes no more; returns how many octets. */
static size_t stuff(int fd, const uint8_t *data, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	size_t total = 0;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	/* Half a second without room: the server has stopped reading. */
	while (poll(&p, 1, 500) == 1) {
		ssize_t sent = send(fd, data + total % size,
				    size - total % size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN) {
			continue;
		}
		ck_assert_msg(sent > 0, "send: %s", strerror(errno));
		total += (size_t)sent;
		ck_assert_msg(total < 256 << 20, "the server reads on and on");
	}
	fcntl(fd, F_SETFL, 0);
	return total;
}

START_TEST(client_that_never_reads_is_stopped_and_closed)
{
	struct fixture f = fixture_start(
		(struct fixture_settings){.host = hosts[_i], .idle_ms = 2000});
	int fd = fixture_connect(&f, SOCK_STREAM);
	int other;
	size_t size;
	uint8_t *data = framed_queries(1000, 0, &size);

	stuff(fd, data, size);
	/* Others do not notice. */
	other = fixture_connect(&f, SOCK_STREAM);
	ask(other, 5);
	close(other);
	FIXTURE_UNTIL(fixture_totals(&f, COUNTERS_TCP).closed_slow == 1);
	FIXTURE_UNTIL(fixture_totals(&f, COUNTERS_TCP).open == 0);
	free(data);
	close(fd);
	fixture_stop(&f);
}
END_TEST

START_TEST(client_that_reads_late_gets_every_reply)
{
	struct fixture f =
		fixture_start((struct fixture_settings){.host = hosts[_i]});
	int fd = fixture_connect(&f, SOCK_STREAM);
	uint8_t frame[FRAME_ROOM];
	size_t one = framed_query(frame, 0);
	size_t size;
	uint8_t *data = framed_queries(1000, 0, &size);
	size_t total = stuff(fd, data, size);

	ck_assert_uint_eq(size, 1000 * one);
	for (size_t i = 0; i < total / one; i++) {
		expect_reply(fd, (uint16_t)(i % 1000));
	}
	/* The rest of the query that was cut off. */
	if (total % one != 0) {
		size_t at = total % size;

		send_all(fd, data + at, one - total % one);
		expect_reply(fd, (uint16_t)(total / one % 1000));
	}
	ask(fd, 4242);
	free(data);
	close(fd);
	fixture_stop(&f);
}
END_TEST

START_TEST(idle_connection_is_closed)
{
	struct fixture f = fixture_start(
		(struct fixture_settings){.host = hosts[_i], .idle_ms = 300});
	int silent = fixture_connect(&f, SOCK_STREAM);
	int asked = fixture_connect(&f, SOCK_STREAM);

	ask(asked, 1);
	expect_end(silent);
	expect_end(asked);
	ck_assert_uint_eq(fixture_totals(&f, COUNTERS_TCP).closed_idle, 2);
	close(silent);
	close(asked);
	fixture_stop(&f);
}
END_TEST

START_TEST(octets_that_never_make_a_query_are_no_progress)
{
	struct fixture f = fixture_start(
		(struct fixture_settings){.host = hosts[0], .idle_ms = 500});
	int fd = fixture_connect(&f, SOCK_STREAM);
	uint8_t octet = 0xff; /* announces 65,535 octets */
	unsigned sent = 0;

	while (!fixture_readable(fd, 20)) {
		ck_assert_uint_lt(sent++, 1000);
		if (send(fd, &octet, 1, MSG_NOSIGNAL) < 0) {
			break;
		}
	}
	FIXTURE_UNTIL(fixture_totals(&f, COUNTERS_TCP).closed_idle == 1);
	close(fd);
	fixture_stop(&f);
}
END_TEST

START_TEST(new_client_takes_the_place_of_the_oldest_idle_one)
{
	struct fixture f = fixture_start(
		(struct fixture_settings){.host = hosts[0], .clients = 4});
	int fds[6];

	for (size_t i = 0; i < 4; i++) {
		fds[i] = fixture_connect(&f, SOCK_STREAM);
		ask(fds[i], (uint16_t)i);
	}
	ask(fds[0], 10); /* now the second is the oldest */
	fds[4] = fixture_connect(&f, SOCK_STREAM);
	ask(fds[4], 11);
	expect_end(fds[1]);
	ask(fds[0], 12);
	ck_assert_uint_eq(fixture_totals(&f, COUNTERS_TCP).evicted, 1);
	ck_assert_uint_eq(fixture_totals(&f, COUNTERS_TCP).open, 4);
	for (size_t i = 0; i < 5; i++) {
		close(fds[i]);
	}
	fixture_stop(&f);
}
END_TEST

static const struct {
	const char *host;
	const char *listen;
	const char *crowd;
	const char *near; /* the same prefix */
	const char *far;
} prefixes[] = {
	{"127.0.0.1", "0.0.0.0", "127.0.0.1", "127.0.0.99", "127.0.1.1"},
};

START_TEST(prefix_has_a_limit_of_its_own)
{
	struct fixture f = fixture_start((struct fixture_settings){
		.host = prefixes[_i].listen, .workers = 2, .per_prefix = 3});
	int fds[3];
	int fd;

	for (size_t i = 0; i < 3; i++) {
		fds[i] = fixture_connect_from(
			&f, SOCK_STREAM, prefixes[_i].host, prefixes[_i].crowd);
		ask(fds[i], (uint16_t)i);
	}
	fd = fixture_connect_from(&f, SOCK_STREAM, prefixes[_i].host,
				  prefixes[_i].near);
	expect_end(fd);
	close(fd);
	ck_assert_uint_eq(fixture_totals(&f, COUNTERS_TCP).refused_prefix, 1);
	fd = fixture_connect_from(&f, SOCK_STREAM, prefixes[_i].host,
				  prefixes[_i].far);
	ask(fd, 9);
	close(fd);
	/* A place that was left can be taken again. */
	close(fds[0]);
	FIXTURE_UNTIL(fixture_totals(&f, COUNTERS_TCP).open == 2);
	fd = fixture_connect_from(&f, SOCK_STREAM, prefixes[_i].host,
				  prefixes[_i].near);
	ask(fd, 10);
	close(fd);
	close(fds[1]);
	close(fds[2]);
	fixture_stop(&f);
}
END_TEST

START_TEST(without_descriptors_clients_are_refused_and_later_welcome)
{
	enum {
		CLIENTS = 8,
	};
	struct fixture f =
		fixture_start((struct fixture_settings){.host = hosts[0]});
	struct sockaddr_storage name;
	socklen_t size = address_to_sockaddr(&f.address, &name);
	struct rlimit before;
	struct rlimit none;
	int fds[CLIENTS];
	uint64_t batches;

	getrlimit(RLIMIT_NOFILE, &before);
	for (size_t i = 0; i < CLIENTS; i++) {
		fds[i] = socket(f.address.family, SOCK_STREAM, 0);
		ck_assert_int_ge(fds[i], 0);
	}
	none = before;
	none.rlim_cur = 3; /* below every descriptor in use */
	setrlimit(RLIMIT_NOFILE, &none);
	for (size_t i = 0; i < CLIENTS; i++) {
		ck_assert_int_eq(
			connect(fds[i], (struct sockaddr *)&name, size), 0);
	}
	FIXTURE_UNTIL(fixture_totals(&f, COUNTERS_TCP).refused_system > 0);
	/* Tried at heartbeats, not in a circle. */
	batches = fixture_totals(&f, COUNTERS_TCP).refused_system;
	ck_assert_uint_lt(batches, 1000);
	setrlimit(RLIMIT_NOFILE, &before);
	for (size_t i = 0; i < CLIENTS; i++) {
		close(fds[i]);
	}
	fds[0] = fixture_connect(&f, SOCK_STREAM);
	ask(fds[0], 1);
	close(fds[0]);
	fixture_stop(&f);
}
END_TEST

START_TEST(standing_worker_shows_connections_that_wait)
{
	struct fixture f = fixture_start((struct fixture_settings){
		.host = hosts[_i], .is_standing = true});
	int a = fixture_connect(&f, SOCK_STREAM);
	int b = fixture_connect(&f, SOCK_STREAM);

	worker_watch(f.workers[0]);
	ck_assert_uint_eq(fixture_totals(&f, COUNTERS_TCP).waiting, 2);
	fixture_go(&f);
	ask(a, 1);
	ask(b, 2);
	worker_watch(f.workers[0]);
	ck_assert_uint_eq(fixture_totals(&f, COUNTERS_TCP).waiting, 0);
	close(a);
	close(b);
	fixture_stop(&f);
}
END_TEST

START_TEST(stop_with_open_connections_leaves_nothing_behind)
{
	struct fixture f = fixture_start(
		(struct fixture_settings){.host = hosts[0], .workers = 2});
	uint8_t half[3] = {0, 40, 1};
	int fds[20];

	for (size_t i = 0; i < 20; i++) {
		fds[i] = fixture_connect(&f, SOCK_STREAM);
		ask(fds[i], (uint16_t)i);
		send_all(fds[i], half, sizeof(half));
	}
	fixture_stop(&f);
	for (size_t i = 0; i < 20; i++) {
		expect_end(fds[i]);
		close(fds[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tcp");
	TCase *tc = tcase_create("tcp");
	SRunner *runner = srunner_create(suite);
	int failed;

	log_init("test_tcp", LOG_LEVEL_ERROR);
	tcase_set_timeout(tc, 200);
	tcase_add_loop_test(tc, pipelined_queries_are_all_answered_in_order, 0,
			    2);
	tcase_add_loop_test(tc, segments_of_one_octet_make_whole_queries, 0, 2);
	tcase_add_test(tc, queries_cut_anywhere_are_answered);
	tcase_add_loop_test(
		tc, half_closed_connection_gets_every_reply_and_then_the_end, 0,
		2);
	tcase_add_loop_test(tc, largest_message_is_read_whole, 0, 2);
	tcase_add_loop_test(
		tc, length_that_is_no_querys_closes_after_the_replies_before_it,
		0, sizeof(garbage_lengths) / sizeof(garbage_lengths[0]));
	tcase_add_loop_test(tc, client_that_never_reads_is_stopped_and_closed,
			    0, 2);
	tcase_add_loop_test(tc, client_that_reads_late_gets_every_reply, 0, 2);
	tcase_add_loop_test(tc, idle_connection_is_closed, 0, 2);
	tcase_add_test(tc, octets_that_never_make_a_query_are_no_progress);
	tcase_add_test(tc, new_client_takes_the_place_of_the_oldest_idle_one);
	tcase_add_loop_test(tc, prefix_has_a_limit_of_its_own, 0,
			    sizeof(prefixes) / sizeof(prefixes[0]));
	tcase_add_test(
		tc, without_descriptors_clients_are_refused_and_later_welcome);
	tcase_add_loop_test(tc, standing_worker_shows_connections_that_wait, 0,
			    2);
	tcase_add_test(tc, stop_with_open_connections_leaves_nothing_behind);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
