/*
 * The speaking thread against scripted peers over 127.0.0.1.
 *
 * The script is a TCP listener whose port the system chose; it sees bytes only.
 * Waits have generous limits (a test that passes never comes near them), and
 * what is asserted is order and content, not speed.
 */
#include "server/route/speaker.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/wire.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define LONG   (60 * SECOND) /* a lease that does not matter */

enum {
	WAIT_MS = 10000,
	SCRIPTS_MAX = 2,
};

struct script {
	int listener;
	int fd;
	uint16_t port;
};

static struct script scripts[SCRIPTS_MAX];
static struct speaker *speaker;
static uint32_t their_id;

/* --- the scripted peer ---------------------------------------------------- */

static int listen_somewhere(uint16_t *port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &size), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static void setup(void)
{
	log_init("test", LOG_LEVEL_ERROR);
	their_id = 0x0a000002;
	for (int i = 0; i < SCRIPTS_MAX; i++) {
		scripts[i].fd = -1;
		scripts[i].listener = listen_somewhere(&scripts[i].port);
	}
}

static void teardown(void)
{
	speaker_free(speaker);
	for (int i = 0; i < SCRIPTS_MAX; i++) {
		close(scripts[i].listener);
		if (scripts[i].fd >= 0) {
			close(scripts[i].fd);
		}
	}
}

static bool wait_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, WAIT_MS) == 1;
}

/* Exactly size octets; false at the end of the stream. */
static bool take(int fd, uint8_t *out, size_t size)
{
	size_t at = 0;

	while (at < size) {
		ssize_t got;

		ck_assert_msg(wait_readable(fd), "nothing came");
		got = recv(fd, out + at, size - at, 0);
		if (got <= 0) {
			return false;
		}
		at += (size_t)got;
	}
	return true;
}

/* The next message, KEEPALIVEs left out unless asked for; 0 at the end. */
static size_t take_message(struct script *s, uint8_t out[BGP_MESSAGE_MAX],
			   bool with_keepalives)
{
	for (;;) {
		struct bgp_notification error;
		size_t size;

		if (!take(s->fd, out, BGP_HEADER_SIZE)) {
			return 0;
		}
		size = wire_get16(out + 16);
		ck_assert_uint_ge(size, BGP_HEADER_SIZE);
		ck_assert_uint_le(size, BGP_MESSAGE_MAX);
		if (!take(s->fd, out + BGP_HEADER_SIZE,
			  size - BGP_HEADER_SIZE)) {
			return 0;
		}
		ck_assert_int_eq(bgp_header_check(out, size, &error),
				 (int)size);
		if (with_keepalives || out[18] != BGP_TYPE_KEEPALIVE) {
			return size;
		}
	}
}

static void give(struct script *s, const uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(s->fd, data, size, MSG_NOSIGNAL);

		ck_assert_int_gt(sent, 0);
		data += sent;
		size -= (size_t)sent;
	}
}

/*
 * One line for the next message: 'A1', 'W1', 'E1' (End-of-RIB), 'N6/2', 'end'.
 */
static const char *next(struct script *s)
{
	static char text[64];
	uint8_t message[BGP_MESSAGE_MAX];
	size_t size = take_message(s, message, false);
	struct bgp_update_count seen;

	if (size == 0) {
		return "end";
	}
	switch (message[18]) {
	case BGP_TYPE_UPDATE:
		ck_assert(bgp_update_parse(&seen, message, size));
		if (seen.end_of_rib != 0) {
			snprintf(text, sizeof(text), "E%u", seen.end_of_rib);
		} else {
			snprintf(text, sizeof(text), "%c%u",
				 seen.announced > 0 ? 'A' : 'W',
				 seen.announced + seen.withdrawn);
		}
		return text;
	case BGP_TYPE_NOTIFICATION:
		snprintf(text, sizeof(text), "N%u/%u", message[19],
			 message[20]);
		return text;
	case BGP_TYPE_OPEN:
		return "open";
	default:
		return "?";
	}
}

static void accept_next(struct script *s)
{
	if (s->fd >= 0) {
		close(s->fd);
	}
	ck_assert_msg(wait_readable(s->listener), "nobody connected");
	s->fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(s->fd, 0);
}

static size_t their_open(uint8_t out[BGP_MESSAGE_MAX], unsigned families,
			 uint16_t hold_s)
{
	struct bgp_open open = {.as = 65002,
				.router_id = their_id,
				.hold_s = hold_s,
				.families = (uint8_t)families,
				.role = BGP_ROLE_NONE,
				.has_capabilities = true,
				.has_refresh = true,
				.has_as4 = true};

	return bgp_open_write(out, &open);
}

/* From a fresh connection to Established. */
static void greet(struct script *s, unsigned families)
{
	uint8_t message[BGP_MESSAGE_MAX];

	ck_assert_str_eq(next(s), "open");
	give(s, message, their_open(message, families, 90));
	give(s, message, bgp_keepalive_write(message));
	ck_assert_uint_eq(take_message(s, message, true), 19);
	ck_assert_int_eq(message[18], BGP_TYPE_KEEPALIVE);
}

/* --- the speaker's side --------------------------------------------------- */

static struct address loopback(uint16_t port)
{
	return (struct address){
		.family = AF_INET, .port = port, .octets = {127, 0, 0, 1}};
}

static struct speaker_peer peer_to(uint16_t port)
{
	struct speaker_peer peer = {.as = 65002,
				    .hold_s = 9,
				    .families = BGP_FAMILIES_ALL,
				    .role = BGP_ROLE_NONE};

	peer.address = loopback(port);
	ck_assert_int_eq(address_load(&peer.next_hop_ipv6, "fd00:1::1", 0),
			 STATUS_OK);
	return peer;
}

static void begin_listening(const struct speaker_peer *peers, size_t count,
			    const struct address *listen_on)
{
	struct speaker_config config = {.router_id = 0x0a000001,
					.local_as = 65001,
					.peers = peers,
					.peer_count = count,
					.listen = listen_on,
					.listen_count = listen_on != NULL,
					.retry_min = SECOND / 50,
					.retry_max = SECOND / 10,
					.acknowledge_wait = SECOND / 5};
	char error[SPEAKER_ERROR_MAX] = "";

	speaker = speaker_new(&config, error, sizeof(error));
	ck_assert_msg(speaker != NULL, "%s", error);
	ck_assert_int_eq(speaker_start(speaker), STATUS_OK);
}

static void begin_with(const struct speaker_peer *peers, size_t count)
{
	begin_listening(peers, count, NULL);
}

static void begin(void)
{
	struct speaker_peer peer = peer_to(scripts[0].port);

	begin_with(&peer, 1);
	accept_next(&scripts[0]);
}

static struct route route_of(const char *text)
{
	struct route route;

	memset(&route, 0, sizeof(route));
	ck_assert_int_eq(prefix_load(&route.prefix, text), STATUS_OK);
	route.peers = SPEAKER_ALL_PEERS;
	return route;
}

static uint64_t offer(const struct route *routes, size_t count, uint64_t lease)
{
	uint64_t number = speaker_offer(speaker, routes, count,
					clock_monotonic_ns() + lease);

	ck_assert_uint_gt(number, 0);
	return number;
}

static void wait_confirmed(uint64_t number)
{
	for (int i = 0; i < WAIT_MS; i++) {
		if (speaker_confirmed(speaker) >= number) {
			return;
		}
		usleep(1000);
	}
	ck_abort_msg("offer %llu was not confirmed",
		     (unsigned long long)number);
}

typedef bool (*claim_func)(const struct speaker_peer_status *peer);

static void wait_until(size_t index, claim_func claim)
{
	for (int i = 0; i < WAIT_MS; i++) {
		struct speaker_status *status = speaker_status(speaker);
		bool is_so = status != NULL && claim(&status->peers[index]);

		speaker_status_free(status);
		if (is_so) {
			return;
		}
		usleep(1000);
	}
	ck_abort_msg("the status did not come");
}

static bool is_established(const struct speaker_peer_status *peer)
{
	return peer->state == BGP_ESTABLISHED;
}

static bool is_unconfirmed(const struct speaker_peer_status *peer)
{
	return peer->is_unconfirmed && peer->state != BGP_ESTABLISHED;
}

static bool has_malformed(const struct speaker_peer_status *peer)
{
	return peer->updates_received == 1;
}

static bool has_error(const struct speaker_peer_status *peer)
{
	return peer->last_error[0] != '\0';
}

static bool has_100000_routes(const struct speaker_peer_status *peer)
{
	return peer->routes_received == 100000;
}

/* --- stories -------------------------------------------------------------- */

START_TEST(empty_table_is_ended_for_each_family)
{
	begin();
	greet(&scripts[0], BGP_FAMILIES_ALL);
	ck_assert_str_eq(next(&scripts[0]), "E1");
	ck_assert_str_eq(next(&scripts[0]), "E2");
	wait_until(0, is_established);
}
END_TEST

START_TEST(open_is_the_one_that_routers_took)
{
	static const uint8_t expected[] = {
		0,  51, 1,  4, 0xfd, 0xe9, 0, 9, 10, 0,    0,   1,
		22, 2,  20, 1, 4,    0,    1, 0, 1,  1,    4,   0,
		2,  0,  1,  2, 0,    65,   4, 0, 0,  0xfd, 0xe9};
	uint8_t message[BGP_MESSAGE_MAX];

	begin();
	ck_assert_uint_eq(take_message(&scripts[0], message, true), 51);
	ck_assert_mem_eq(message + 16, expected, sizeof(expected));
}
END_TEST

START_TEST(offer_is_announced_replaced_and_withdrawn)
{
	struct route routes[2] = {route_of("192.0.2.0/24"),
				  route_of("2001:db8::/48")};
	struct speaker_status *status;

	begin();
	offer(routes, 2, LONG);
	greet(&scripts[0], BGP_FAMILIES_ALL);
	ck_assert_str_eq(next(&scripts[0]), "A1");
	ck_assert_str_eq(next(&scripts[0]), "A1");
	ck_assert_str_eq(next(&scripts[0]), "E1");
	ck_assert_str_eq(next(&scripts[0]), "E2");
	wait_confirmed(offer(routes, 2, LONG)); /* sends nothing */
	status = speaker_status(speaker);
	ck_assert_ptr_nonnull(status);
	ck_assert_uint_eq(status->peers[0].announced, 2);
	ck_assert(
		prefix_equal(&status->peers[0].prefixes[0], &routes[0].prefix));
	ck_assert(status->peers[0].is_settled);
	ck_assert(status->peers[0].is_acknowledged);
	ck_assert_uint_eq(status->peers[0].hold_s, 9);
	ck_assert_uint_eq(status->peers[0].families, BGP_FAMILIES_ALL);
	ck_assert_str_eq(status->peers[0].state_text, "Established");
	ck_assert(!status->is_lease_over);
	speaker_status_free(status);
	/* GRACEFUL_SHUTDOWN is an implicit replace: no withdrawal. */
	for (int i = 0; i < 2; i++) {
		ck_assert(bgp_attributes_add_community(
			&routes[i].attributes,
			BGP_COMMUNITY_GRACEFUL_SHUTDOWN));
	}
	offer(routes, 2, LONG);
	ck_assert_str_eq(next(&scripts[0]), "A1");
	ck_assert_str_eq(next(&scripts[0]), "A1");
	wait_confirmed(offer(NULL, 0, LONG));
	ck_assert_str_eq(next(&scripts[0]), "W1");
	ck_assert_str_eq(next(&scripts[0]), "W1");
	offer(routes, 1, LONG);
	ck_assert_str_eq(next(&scripts[0]), "A1");
}
END_TEST

START_TEST(lease_that_runs_out_withdraws_everything)
{
	struct route route = route_of("192.0.2.0/24");

	begin();
	greet(&scripts[0], BGP_FAMILIES_ALL);
	ck_assert_str_eq(next(&scripts[0]), "E1");
	ck_assert_str_eq(next(&scripts[0]), "E2");
	offer(&route, 1, SECOND / 5);
	ck_assert_str_eq(next(&scripts[0]), "A1");
	ck_assert_str_eq(next(&scripts[0]), "W1"); /* nobody asked for it */
	offer(&route, 1, LONG);
	ck_assert_str_eq(next(&scripts[0]), "A1");
}
END_TEST

START_TEST(lease_in_the_past_announces_nothing)
{
	struct route route = route_of("192.0.2.0/24");

	begin();
	ck_assert_uint_gt(speaker_offer(speaker, &route, 1, 1), 0);
	greet(&scripts[0], BGP_FAMILIES_ALL);
	ck_assert_str_eq(next(&scripts[0]), "E1");
}
END_TEST

START_TEST(refresh_is_answered_by_announcing_again)
{
	struct route routes[2] = {route_of("192.0.2.0/24"),
				  route_of("2001:db8::/48")};
	uint8_t message[BGP_MESSAGE_MAX];

	begin();
	offer(routes, 2, LONG);
	greet(&scripts[0], BGP_FAMILIES_ALL);
	for (int i = 0; i < 4; i++) {
		next(&scripts[0]);
	}
	give(&scripts[0], message, bgp_refresh_write(message, BGP_IPV6));
	ck_assert_str_eq(next(&scripts[0]), "A1");
	ck_assert_str_eq(next(&scripts[0]), "E2");
}
END_TEST

START_TEST(family_that_the_peer_lacks_is_left_out)
{
	struct route routes[2] = {route_of("192.0.2.0/24"),
				  route_of("2001:db8::/48")};

	begin();
	offer(routes, 2, LONG);
	greet(&scripts[0], BGP_IPV4);
	ck_assert_str_eq(next(&scripts[0]), "A1");
	ck_assert_str_eq(next(&scripts[0]), "E1");
	wait_confirmed(offer(NULL, 0, LONG));
	ck_assert_str_eq(next(&scripts[0]), "W1");
}
END_TEST

START_TEST(stop_withdraws_then_says_why_then_closes)
{
	struct route route = route_of("192.0.2.0/24");
	uint8_t message[BGP_MESSAGE_MAX];
	struct bgp_notification n;
	char text[BGP_TEXT_MAX];
	size_t size;

	begin();
	offer(&route, 1, LONG);
	greet(&scripts[0], BGP_FAMILIES_ALL);
	for (int i = 0; i < 3; i++) {
		next(&scripts[0]);
	}
	speaker_stop(speaker, "planned stop");
	ck_assert_str_eq(next(&scripts[0]), "W1");
	size = take_message(&scripts[0], message, false);
	ck_assert_uint_gt(size, 0);
	ck_assert_int_eq(message[18], BGP_TYPE_NOTIFICATION);
	bgp_notification_parse(&n, message, size);
	ck_assert_str_eq(
		bgp_notification_dump(&n, text),
		"cease 6/2 (administrative shutdown): \"planned stop\"");
	ck_assert_str_eq(next(&scripts[0]), "end");
	speaker_stop(speaker, "again"); /* does nothing */
}
END_TEST

START_TEST(free_without_stop_just_closes)
{
	begin();
	greet(&scripts[0], BGP_IPV4);
	ck_assert_str_eq(next(&scripts[0]), "E1");
	speaker_free(speaker);
	speaker = NULL;
	ck_assert_str_eq(next(&scripts[0]), "end");
}
END_TEST

START_TEST(speaker_without_peers_starts_and_stops)
{
	struct route route = route_of("192.0.2.0/24");

	begin_with(NULL, 0);
	wait_confirmed(offer(&route, 1, LONG));
	speaker_stop(speaker, NULL);
}
END_TEST

/* --- peers that misbehave ------------------------------------------------- */

START_TEST(open_that_comes_octet_by_octet_is_taken)
{
	uint8_t message[BGP_MESSAGE_MAX];
	size_t size;

	begin();
	ck_assert_str_eq(next(&scripts[0]), "open");
	size = their_open(message, BGP_IPV4, 9);
	size += bgp_keepalive_write(message + size);
	for (size_t i = 0; i < size; i++) {
		give(&scripts[0], message + i, 1);
		usleep(500);
	}
	ck_assert_str_eq(next(&scripts[0]), "E1");
}
END_TEST

static const struct {
	const char *name;
	const char *octets; /* hexadecimal, sent where the OPEN is due */
	const char *answer;
} nonsense_cases[] = {
	{"bad marker", "47455420", "N1/1"},
	{"bad length", "ffffffffffffffffffffffffffffffff000001", "N1/2"},
	{"4097 octets", "ffffffffffffffffffffffffffffffff100102", "N1/2"},
	{"bad type", "ffffffffffffffffffffffffffffffff001309", "N1/3"},
	{"keepalive first", "ffffffffffffffffffffffffffffffff001304", "N5/1"},
	{"update first", "ffffffffffffffffffffffffffffffff00170200000000",
	 "N5/1"},
	{"version 3",
	 "ffffffffffffffffffffffffffffffff001d0103fdea00090a000002"
	 "00",
	 "N2/1"},
	{"another AS",
	 "ffffffffffffffffffffffffffffffff001d0104fdeb00090a0000"
	 "0200",
	 "N2/2"},
	{"identifier 0",
	 "ffffffffffffffffffffffffffffffff001d0104fdea00090000"
	 "000000",
	 "N2/3"},
	{"hold time 2",
	 "ffffffffffffffffffffffffffffffff001d0104fdea00020a00"
	 "000200",
	 "N2/6"},
	{"notification", "ffffffffffffffffffffffffffffffff0015030602", "end"},
};

/* Each ends in its NOTIFICATION, the other peer never notices, and the speaker
 * calls again. */
START_TEST(nonsense_is_answered_and_tried_again)
{
	struct speaker_peer peers[2] = {peer_to(scripts[0].port),
					peer_to(scripts[1].port)};
	struct route route = route_of("192.0.2.0/24");
	const char *octets = nonsense_cases[_i].octets;

	begin_with(peers, 2);
	accept_next(&scripts[1]);
	greet(&scripts[1], BGP_IPV4);
	ck_assert_str_eq(next(&scripts[1]), "E1");
	accept_next(&scripts[0]);
	ck_assert_str_eq(next(&scripts[0]), "open");
	for (; *octets != '\0'; octets += 2) {
		unsigned octet;
		uint8_t value;

		ck_assert_int_eq(sscanf(octets, "%2x", &octet), 1);
		value = (uint8_t)octet;
		give(&scripts[0], &value, 1);
	}
	ck_assert_msg(strcmp(next(&scripts[0]), nonsense_cases[_i].answer) == 0,
		      "%s", nonsense_cases[_i].name);
	accept_next(&scripts[0]);
	greet(&scripts[0], BGP_IPV4);
	ck_assert_str_eq(next(&scripts[0]), "E1");
	offer(&route, 1, LONG);
	ck_assert_str_eq(next(&scripts[0]), "A1");
	ck_assert_str_eq(next(&scripts[1]), "A1");
}
END_TEST

START_TEST(malformed_update_is_counted_and_ignored)
{
	static const char bad[] =
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
		"\xff\x00\x17\x02\xff\xff\x00\x00";
	struct route route = route_of("192.0.2.0/24");

	begin();
	greet(&scripts[0], BGP_IPV4);
	ck_assert_str_eq(next(&scripts[0]), "E1");
	give(&scripts[0], (const uint8_t *)bad, sizeof(bad) - 1);
	wait_until(0, has_malformed);
	offer(&route, 1, LONG);
	ck_assert_str_eq(next(&scripts[0]), "A1");
}
END_TEST

START_TEST(flood_of_routes_is_counted_and_forgotten)
{
	struct bgp_update_session session = {.local_as = 65002,
					     .has_as4 = true,
					     .role = BGP_ROLE_NONE,
					     .has_next_hop_ipv4 = true,
					     .next_hop_ipv4 = {127, 0, 0, 1}};
	static const struct bgp_attributes attributes;
	static struct prefix prefixes[100];
	uint8_t message[BGP_MESSAGE_MAX];
	struct route route = route_of("192.0.2.0/24");

	begin();
	greet(&scripts[0], BGP_IPV4);
	ck_assert_str_eq(next(&scripts[0]), "E1");
	for (size_t i = 0; i < 100; i++) {
		prefixes[i].family = AF_INET;
		prefixes[i].length = 24;
		prefixes[i].octets[2] = (uint8_t)i;
	}
	for (int i = 0; i < 1000; i++) {
		size_t count = 100;
		size_t size = bgp_announce_write(message, &session, &attributes,
						 prefixes, &count);

		ck_assert_uint_eq(count, 100);
		give(&scripts[0], message, size);
	}
	wait_until(0, has_100000_routes);
	offer(&route, 1, LONG);
	ck_assert_str_eq(next(&scripts[0]), "A1");
}
END_TEST

/*
 * The peer asks again and again and reads nothing until its window is closed. A
 * withdrawal that it cannot acknowledge ends in a RST, the status says so, and
 * the other peer gets its own at once.
 */
START_TEST(peer_that_never_reads_is_reset_and_shown)
{
	enum {
		TABLE = 800,
	};
	static struct route routes[TABLE];
	struct speaker_peer peers[2] = {peer_to(scripts[0].port),
					peer_to(scripts[1].port)};
	uint8_t message[BGP_MESSAGE_MAX];
	uint8_t rest[65536];
	size_t size = bgp_refresh_write(message, BGP_IPV4);
	int small = 4096;
	uint64_t number;
	ssize_t got;

	ck_assert_int_eq(setsockopt(scripts[0].listener, SOL_SOCKET, SO_RCVBUF,
				    &small, sizeof(small)),
			 0);
	for (int i = 0; i < TABLE; i++) {
		routes[i] = route_of("10.0.0.1/32");
		routes[i].prefix.octets[2] = (uint8_t)(i >> 8);
		routes[i].prefix.octets[3] = (uint8_t)i;
		routes[i].attributes.prepend = (uint8_t)(i % 32);
	}
	begin_with(peers, 2);
	offer(routes, TABLE, LONG);
	accept_next(&scripts[1]);
	greet(&scripts[1], BGP_IPV4);
	accept_next(&scripts[0]);
	greet(&scripts[0], BGP_IPV4);
	/* Ask until the speaker's TCP is full: then nothing is settled. */
	for (int i = 0; i < 3000; i++) {
		give(&scripts[0], message, size);
		if (i % 50 == 0) {
			usleep(1000);
		}
	}
	while (next(&scripts[1])[0] != 'E') {
	}
	number = offer(NULL, 0, LONG);
	ck_assert_str_eq(next(&scripts[1]), "W800");
	wait_until(0, is_unconfirmed);
	ck_assert_uint_lt(speaker_confirmed(speaker), number);
	/* What the kernel took before may be read; then the RST. */
	while ((got = recv(scripts[0].fd, rest, sizeof(rest), 0)) > 0) {
	}
	ck_assert_int_eq(got, -1);
	ck_assert_int_eq(errno, ECONNRESET);
	/* A new session is the peer's word that the old one is gone. */
	accept_next(&scripts[0]);
	greet(&scripts[0], BGP_IPV4);
	ck_assert_str_eq(next(&scripts[0]), "E1");
	wait_confirmed(number);
}
END_TEST

START_TEST(peer_that_closes_is_called_again)
{
	struct route route = route_of("192.0.2.0/24");

	begin();
	offer(&route, 1, LONG);
	for (int i = 0; i < 3; i++) {
		greet(&scripts[0], BGP_IPV4);
		ck_assert_str_eq(next(&scripts[0]), "A1");
		ck_assert_str_eq(next(&scripts[0]), "E1");
		accept_next(&scripts[0]);
	}
}
END_TEST

START_TEST(silent_peer_gets_hold_timer_expired)
{
	uint8_t message[BGP_MESSAGE_MAX];
	size_t size;

	begin();
	ck_assert_str_eq(next(&scripts[0]), "open");
	size = their_open(message, BGP_IPV4, 3);
	size += bgp_keepalive_write(message + size);
	give(&scripts[0], message, size);
	ck_assert_str_eq(next(&scripts[0]), "E1");
	ck_assert_str_eq(next(&scripts[0]), "N4/0");
	ck_assert_str_eq(next(&scripts[0]), "end");
}
END_TEST

START_TEST(keepalives_keep_a_session_beyond_its_hold_time)
{
	uint8_t message[BGP_MESSAGE_MAX];
	uint64_t end = clock_monotonic_ns() + 4 * SECOND;
	size_t size;
	int count = 0;

	begin();
	ck_assert_str_eq(next(&scripts[0]), "open");
	size = their_open(message, BGP_IPV4, 3);
	give(&scripts[0], message, size);
	while (clock_monotonic_ns() < end) {
		ck_assert_uint_gt(take_message(&scripts[0], message, true), 0);
		if (message[18] == BGP_TYPE_KEEPALIVE) {
			give(&scripts[0], message,
			     bgp_keepalive_write(message));
			count++;
		} else {
			ck_assert_int_eq(message[18], BGP_TYPE_UPDATE);
		}
	}
	ck_assert_int_ge(count, 4);
	wait_until(0, is_established);
}
END_TEST

START_TEST(refused_connection_is_told)
{
	struct speaker_peer peer = peer_to(scripts[0].port);
	struct speaker_status *status;

	close(scripts[0].listener);
	scripts[0].listener = dup(scripts[1].listener);
	begin_with(&peer, 1);
	wait_until(0, has_error);
	status = speaker_status(speaker);
	ck_assert_ptr_nonnull(status);
	ck_assert_str_eq(status->peers[0].last_error,
			 "cannot connect: Connection refused");
	speaker_status_free(status);
}
END_TEST

/* --- several peers, passive peers ----------------------------------------- */

START_TEST(each_peer_gets_the_routes_that_name_it)
{
	struct speaker_peer peers[2] = {peer_to(scripts[0].port),
					peer_to(scripts[1].port)};
	struct route routes[3] = {route_of("192.0.2.0/24"),
				  route_of("198.51.100.0/24"),
				  route_of("198.51.100.0/24")};

	routes[0].peers = 1;
	routes[1].peers = 1;
	routes[2].peers = 2; /* the same prefix, otherwise for another peer */
	routes[2].attributes.prepend = 3;
	begin_with(peers, 2);
	offer(routes, 3, LONG);
	for (int i = 0; i < 2; i++) {
		accept_next(&scripts[i]);
		greet(&scripts[i], BGP_IPV4);
		ck_assert_str_eq(next(&scripts[i]), i == 0 ? "A2" : "A1");
		ck_assert_str_eq(next(&scripts[i]), "E1");
	}
	routes[1].peers = 0;
	offer(routes, 3, LONG);
	ck_assert_str_eq(next(&scripts[0]), "W1");
	offer(NULL, 0, LONG);
	ck_assert_str_eq(next(&scripts[0]), "W1");
	ck_assert_str_eq(next(&scripts[1]), "W1");
}
END_TEST

static int call(uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

START_TEST(passive_peer_is_waited_for)
{
	struct speaker_peer peer;
	struct script second;

	/* A port that was free a moment ago. */
	close(scripts[0].listener);
	peer = peer_to(scripts[0].port);
	peer.passive = true;
	begin_with(&peer, 1);
	scripts[0].listener = dup(scripts[1].listener);
	scripts[0].fd = call(peer.address.port);
	ck_assert_str_eq(next(&scripts[0]), "open");
	/* It calls again before its OPEN: the newer connection lives. */
	second.fd = call(peer.address.port);
	ck_assert_str_eq(next(&scripts[0]), "N6/7");
	close(scripts[0].fd);
	scripts[0].fd = second.fd;
	greet(&scripts[0], BGP_IPV4);
	ck_assert_str_eq(next(&scripts[0]), "E1");
	wait_until(0, is_established);
	/* Established: the older one lives. */
	second.fd = call(peer.address.port);
	ck_assert_str_eq(next(&second), "N6/7");
	close(second.fd);
	/* After it has gone the peer is welcome at once. */
	close(scripts[0].fd);
	scripts[0].fd = call(peer.address.port);
	greet(&scripts[0], BGP_IPV4);
	ck_assert_str_eq(next(&scripts[0]), "E1");
}
END_TEST

/* The listener takes signed segments only, then only those with a TTL of 255: a
 * session proves that the first SYN already carried both. */
START_TEST(password_and_ttl_stand_in_the_first_segment)
{
	struct speaker_peer peer = peer_to(scripts[0].port);
	struct sockaddr_in from = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct tcp_md5sig key = {.tcpm_keylen = 6, .tcpm_key = "secret"};
	int least = 255;

	memcpy(&key.tcpm_addr, &from, sizeof(from));
	if (setsockopt(scripts[0].listener, IPPROTO_TCP, TCP_MD5SIG, &key,
		       sizeof(key)) != 0) {
		printf("skipped: the kernel has no TCP-MD5\n");
		return;
	}
	ck_assert_int_eq(setsockopt(scripts[0].listener, IPPROTO_IP, IP_TTL,
				    &least, sizeof(least)),
			 0);
	ck_assert_int_eq(setsockopt(scripts[0].listener, IPPROTO_IP, IP_MINTTL,
				    &least, sizeof(least)),
			 0);
	strcpy(peer.password, "secret");
	peer.ttl_security = true;
	begin_with(&peer, 1);
	accept_next(&scripts[0]);
	greet(&scripts[0], BGP_IPV4);
	ck_assert_str_eq(next(&scripts[0]), "E1");
}
END_TEST

START_TEST(event_descriptor_tells_of_edges)
{
	struct route route = route_of("192.0.2.0/24");
	uint64_t count;

	begin();
	greet(&scripts[0], BGP_IPV4);
	wait_until(0, is_established);
	ck_assert(wait_readable(speaker_event_fd(speaker)));
	ck_assert_int_eq(read(speaker_event_fd(speaker), &count, 8), 8);
	wait_confirmed(offer(&route, 1, LONG));
	ck_assert(wait_readable(speaker_event_fd(speaker)));
}
END_TEST

START_TEST(tick_goes_on)
{
	uint64_t first;

	begin();
	first = speaker_tick_ns(speaker);
	for (int i = 0; i < WAIT_MS; i++) {
		if (speaker_tick_ns(speaker) > first + SECOND / 5) {
			return;
		}
		usleep(1000);
	}
	ck_abort_msg("the tick stands still");
}
END_TEST

/* --- two connections (RFC 4271 6.8) ---------------------------------------- */

/*
 * Both sides connect: scripts[0] is the connection that the speaker opened,
 * scripts[1] the one that the peer did. Both have had our OPEN afterwards.
 */
static void collide(void)
{
	struct speaker_peer peer = peer_to(scripts[0].port);
	struct sockaddr_storage to;
	struct address address;
	uint16_t port;
	socklen_t size;

	close(listen_somewhere(&port));
	address = loopback(port);
	begin_listening(&peer, 1, &address);
	accept_next(&scripts[0]);
	ck_assert_str_eq(next(&scripts[0]), "open");
	size = address_to_sockaddr(&address, &to);
	scripts[1].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(scripts[1].fd, (struct sockaddr *)&to, size),
			 0);
	ck_assert_str_eq(next(&scripts[1]), "open");
}

static void give_open(struct script *s)
{
	uint8_t message[BGP_MESSAGE_MAX];

	give(s, message, their_open(message, BGP_IPV4, 90));
}

static void take_keepalive(struct script *s)
{
	uint8_t message[BGP_MESSAGE_MAX];

	ck_assert_uint_eq(take_message(s, message, true), 19);
	ck_assert_int_eq(message[18], BGP_TYPE_KEEPALIVE);
}

/* This connection lives: it gets as far as the table and a route. */
static void lives(struct script *s)
{
	struct route route = route_of("192.0.2.0/24");
	uint8_t message[BGP_MESSAGE_MAX];

	give(s, message, bgp_keepalive_write(message));
	ck_assert_str_eq(next(s), "E1");
	wait_until(0, is_established);
	wait_confirmed(offer(&route, 1, LONG));
	ck_assert_str_eq(next(s), "A1");
}

START_TEST(collision_is_won_by_the_higher_identifier)
{
	int winner = _i & 1; /* 1: theirs */

	their_id = winner ? 0x0a000002 : 0x09ffffff;
	collide();
	/* Whichever OPEN comes first. */
	give_open(&scripts[_i >> 1]);
	take_keepalive(&scripts[_i >> 1]);
	give_open(&scripts[1 - (_i >> 1)]);
	ck_assert_str_eq(next(&scripts[1 - winner]), "N6/7");
	ck_assert_str_eq(next(&scripts[1 - winner]), "end");
	if ((_i >> 1) != winner) {
		take_keepalive(&scripts[winner]);
	}
	lives(&scripts[winner]);
}
END_TEST

START_TEST(collision_with_an_established_session_is_refused)
{
	collide();
	give_open(&scripts[0]);
	take_keepalive(&scripts[0]);
	lives(&scripts[0]);
	ck_assert_str_eq(next(&scripts[1]), "N6/7");
	ck_assert_str_eq(next(&scripts[1]), "end");
}
END_TEST

static void caller_gets_through(void)
{
	collide();
	give_open(&scripts[1]);
	take_keepalive(&scripts[1]);
	lives(&scripts[1]);
	ck_assert_str_eq(next(&scripts[0]), "N6/7");
}

START_TEST(only_connection_that_gets_its_open_lives)
{
	caller_gets_through();
}
END_TEST

/* FRR and GoBGP end the loser so. */
START_TEST(fin_on_ours_while_theirs_lives_is_no_error)
{
	struct speaker_status *status;

	collide();
	close(scripts[0].fd);
	scripts[0].fd = -1;
	give_open(&scripts[1]);
	take_keepalive(&scripts[1]);
	lives(&scripts[1]);
	status = speaker_status(speaker);
	ck_assert_str_eq(status->peers[0].last_error, "");
	speaker_status_free(status);
}
END_TEST

START_TEST(caller_that_leaves_changes_nothing)
{
	collide();
	close(scripts[1].fd);
	scripts[1].fd = -1;
	give_open(&scripts[0]);
	take_keepalive(&scripts[0]);
	lives(&scripts[0]);
}
END_TEST

START_TEST(session_of_a_caller_is_tried_again_when_it_is_lost)
{
	caller_gets_through();
	close(scripts[1].fd);
	scripts[1].fd = -1;
	accept_next(&scripts[0]);
	greet(&scripts[0], BGP_IPV4);
	ck_assert_str_eq(next(&scripts[0]), "A1");
}
END_TEST

/* A loop that never sleeps: the marks of a dead connection kept a deadline. */
START_TEST(early_close_after_a_session_costs_no_time)
{
	struct route route = route_of("192.0.2.0/24");
	clock_t before;

	begin();
	greet(&scripts[0], BGP_IPV4);
	wait_confirmed(offer(&route, 1, LONG));
	close(scripts[0].fd);
	scripts[0].fd = -1;
	for (int i = 0; i < 4; i++) {
		accept_next(&scripts[0]); /* closed before its OPEN */
	}
	close(scripts[0].fd);
	close(scripts[0].listener);
	scripts[0].fd = -1;
	scripts[0].listener = listen_somewhere(&scripts[0].port);
	before = clock();
	usleep(500000);
	/* Ticks and tries take some milliseconds, spinning the half second. */
	ck_assert_int_lt(clock() - before, CLOCKS_PER_SEC / 4);
}
END_TEST

/* --- configuration -------------------------------------------------------- */

enum fault {
	FAULT_NONE,
	FAULT_AS,
	FAULT_LOCAL_AS,
	FAULT_ROUTER_ID,
	FAULT_HOLD,
	FAULT_NEXT_HOP,
	FAULT_SOURCE,
	FAULT_ROLE,
	FAULT_TWICE,
	FAULT_ADDRESS,
};

static const struct {
	enum fault fault;
	const char *error;
} fault_cases[] = {
	{FAULT_NONE, NULL},
	{FAULT_AS, "peer 127.0.0.1: as: not an AS number that a peer can have"},
	{FAULT_LOCAL_AS, "peer 127.0.0.1: local_as: missing, or not an AS "
			 "number that we can have"},
	{FAULT_ROUTER_ID, "peer 127.0.0.1: router_id: missing"},
	{FAULT_HOLD,
	 "peer 127.0.0.1: hold_s: must be 0 or at least 3 (RFC 4271 4.2)"},
	{FAULT_NEXT_HOP, "peer 127.0.0.1: next_hop.ipv6: needed, since the "
			 "session runs over IPv4"},
	{FAULT_SOURCE, "peer 127.0.0.1: source: not of the address's family"},
	{FAULT_ROLE, "peer 127.0.0.1: role: only for peers of another AS "
		     "(RFC 9234 4)"},
	{FAULT_TWICE, "peer 127.0.0.1: address: stands there twice"},
	{FAULT_ADDRESS, "peer 0.0.0.0: address: names no host"},
};

START_TEST(fault_of_the_configuration_is_named)
{
	struct speaker_peer peers[2] = {peer_to(0), peer_to(0)};
	struct speaker_config config = {.router_id = 1,
					.local_as = 65001,
					.peers = peers,
					.peer_count = 1};
	char error[SPEAKER_ERROR_MAX] = "";

	switch (fault_cases[_i].fault) {
	case FAULT_NONE:
		break;
	case FAULT_AS:
		peers[0].as = BGP_AS_TRANS;
		break;
	case FAULT_LOCAL_AS:
		config.local_as = 0;
		break;
	case FAULT_ROUTER_ID:
		config.router_id = 0;
		break;
	case FAULT_HOLD:
		peers[0].hold_s = 2;
		break;
	case FAULT_NEXT_HOP:
		peers[0].next_hop_ipv6.family = 0;
		break;
	case FAULT_SOURCE:
		peers[0].source.family = AF_INET6;
		break;
	case FAULT_ROLE:
		peers[0].as = 65001;
		peers[0].role = BGP_ROLE_CUSTOMER;
		break;
	case FAULT_TWICE:
		config.peer_count = 2;
		break;
	case FAULT_ADDRESS:
		memset(peers[0].address.octets, 0, 16);
		break;
	}
	speaker = speaker_new(&config, error, sizeof(error));
	if (fault_cases[_i].error == NULL) {
		ck_assert_msg(speaker != NULL, "%s", error);
		return;
	}
	ck_assert_ptr_null(speaker);
	ck_assert_str_eq(error, fault_cases[_i].error);
}
END_TEST

START_TEST(too_many_routes_are_refused)
{
	static struct route routes[SPEAKER_ROUTES_MAX + 1];

	begin_with(NULL, 0);
	ck_assert_uint_eq(speaker_offer(speaker, routes, SPEAKER_ROUTES_MAX + 1,
					UINT64_MAX),
			  0);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *suite = suite_create("speaker");
	TCase *tcase = tcase_create("speaker");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, empty_table_is_ended_for_each_family);
	tcase_add_test(tcase, open_is_the_one_that_routers_took);
	tcase_add_test(tcase, offer_is_announced_replaced_and_withdrawn);
	tcase_add_test(tcase, lease_that_runs_out_withdraws_everything);
	tcase_add_test(tcase, lease_in_the_past_announces_nothing);
	tcase_add_test(tcase, refresh_is_answered_by_announcing_again);
	tcase_add_test(tcase, family_that_the_peer_lacks_is_left_out);
	tcase_add_test(tcase, stop_withdraws_then_says_why_then_closes);
	tcase_add_test(tcase, free_without_stop_just_closes);
	tcase_add_test(tcase, speaker_without_peers_starts_and_stops);
	tcase_add_test(tcase, open_that_comes_octet_by_octet_is_taken);
	tcase_add_loop_test(tcase, nonsense_is_answered_and_tried_again, 0,
			    COUNT(nonsense_cases));
	tcase_add_test(tcase, malformed_update_is_counted_and_ignored);
	tcase_add_test(tcase, flood_of_routes_is_counted_and_forgotten);
	tcase_add_test(tcase, peer_that_never_reads_is_reset_and_shown);
	tcase_add_test(tcase, peer_that_closes_is_called_again);
	tcase_add_test(tcase, silent_peer_gets_hold_timer_expired);
	tcase_add_test(tcase, keepalives_keep_a_session_beyond_its_hold_time);
	tcase_add_test(tcase, refused_connection_is_told);
	tcase_add_test(tcase, each_peer_gets_the_routes_that_name_it);
	tcase_add_test(tcase, passive_peer_is_waited_for);
	tcase_add_test(tcase, password_and_ttl_stand_in_the_first_segment);
	tcase_add_loop_test(tcase, collision_is_won_by_the_higher_identifier, 0,
			    4);
	tcase_add_test(tcase, collision_with_an_established_session_is_refused);
	tcase_add_test(tcase, only_connection_that_gets_its_open_lives);
	tcase_add_test(tcase, fin_on_ours_while_theirs_lives_is_no_error);
	tcase_add_test(tcase, caller_that_leaves_changes_nothing);
	tcase_add_test(tcase,
		       session_of_a_caller_is_tried_again_when_it_is_lost);
	tcase_add_test(tcase, early_close_after_a_session_costs_no_time);
	tcase_add_test(tcase, event_descriptor_tells_of_edges);
	tcase_add_test(tcase, tick_goes_on);
	tcase_add_loop_test(tcase, fault_of_the_configuration_is_named, 0,
			    COUNT(fault_cases));
	tcase_add_test(tcase, too_many_routes_are_refused);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
