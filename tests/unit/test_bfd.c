/*
 * test_bfd.c - packets, the state machine and the times of RFC 5880.
 *
 * Two sessions that talk over a wire of this file's making stand for the rest:
 * what one sends the other receives, later or never.
 */
#include "lib/bgp/bfd.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)

static const struct bfd_config config_a = {0x0a0a0a0a, 100000, 3};
static const struct bfd_config config_b = {0x0b0b0b0b, 50000, 5};

/* --- packets -------------------------------------------------------------- */

static const uint8_t up_packet[BFD_PACKET_SIZE] = {
	0x20, 0xc0, 3,    24,   0x0b, 0x0b, 0x0b, 0x0b, 0x0a, 0x0a, 0x0a, 0x0a,
	0,    1,    0x86, 0xa0, 0,    1,    0x86, 0xa0, 0,    0,    0,    0};

struct change {
	const char *name;
	size_t at;
	uint8_t value;
	size_t size; /* of the datagram */
	bool is_good;
};

static const struct change changes[] = {
	{"as_it_is", 0, 0x20, 24, true},
	{"diagnostic_is_no_version", 0, 0x3f, 24, true},
	{"version_0", 0, 0x00, 24, false},
	{"version_2", 0, 0x40, 24, false},
	{"one_octet_short", 0, 0x20, 23, false},
	{"empty", 0, 0x20, 0, false},
	{"one_octet", 0, 0x20, 1, false},
	{"length_23", 3, 23, 24, false},
	{"length_25_of_24", 3, 25, 24, false},
	{"length_24_of_64", 3, 24, 64, true},
	{"length_255", 3, 255, 24, false},
	{"multiplier_0", 2, 0, 24, false},
	{"multiplier_255", 2, 255, 24, true},
	{"multipoint", 1, 0xc1, 24, false},
	{"authentication", 1, 0xc4, 24, false},
	{"demand", 1, 0xc2, 24, true},
	{"poll_and_final", 1, 0xf0, 24, true},
};

START_TEST(parse)
{
	const struct change *c = &changes[_i];
	uint8_t data[64] = {0};
	struct bfd_packet packet;

	memcpy(data, up_packet, sizeof(up_packet));
	data[c->at] = c->value;
	ck_assert_msg(bfd_packet_parse(data, c->size, &packet) == c->is_good,
		      "%s", c->name);
}
END_TEST

START_TEST(parse_refuses_zero_discriminators)
{
	uint8_t data[BFD_PACKET_SIZE];
	struct bfd_packet packet;

	memcpy(data, up_packet, sizeof(data));
	memset(data + 4, 0, 4);
	ck_assert(!bfd_packet_parse(data, sizeof(data), &packet));
	/* 'Your' may be 0 only in Down and AdminDown (RFC 5880 6.8.6). */
	for (unsigned state = 0; state < 4; state++) {
		memcpy(data, up_packet, sizeof(data));
		memset(data + 8, 0, 4);
		data[1] = (uint8_t)(state << 6);
		ck_assert(bfd_packet_parse(data, sizeof(data), &packet) ==
			  (state <= BFD_DOWN));
	}
}
END_TEST

START_TEST(write_and_parse_are_inverse)
{
	const struct bfd_packet packet = {
		.state = BFD_INIT,
		.diagnostic = BFD_DIAG_NEIGHBOR_DOWN,
		.multiplier = 7,
		.is_poll = true,
		.is_demand = true,
		.my_discriminator = 1,
		.your_discriminator = 0xffffffff,
		.desired_min_tx_us = 1000000,
		.required_min_rx_us = 10000,
		.required_min_echo_rx_us = 5,
	};
	uint8_t data[BFD_PACKET_SIZE];
	struct bfd_packet back;

	memset(&back, 0, sizeof(back));
	bfd_packet_write(&packet, data);
	ck_assert(bfd_packet_parse(data, sizeof(data), &back));
	ck_assert_uint_eq(back.state, packet.state);
	ck_assert_uint_eq(back.diagnostic, packet.diagnostic);
	ck_assert_uint_eq(back.multiplier, packet.multiplier);
	ck_assert(back.is_poll && !back.is_final && back.is_demand);
	ck_assert_uint_eq(back.my_discriminator, 1);
	ck_assert_uint_eq(back.your_discriminator, 0xffffffff);
	ck_assert_uint_eq(back.desired_min_tx_us, 1000000);
	ck_assert_uint_eq(back.required_min_rx_us, 10000);
	ck_assert_uint_eq(back.required_min_echo_rx_us, 5);
}
END_TEST

/* --- the state machine ---------------------------------------------------- */

/* RFC 5880 6.8.6: our state, their state, ours afterwards. */
static const struct {
	enum bfd_state ours;
	enum bfd_state theirs;
	enum bfd_state after;
} steps[] = {
	{BFD_DOWN, BFD_ADMIN_DOWN, BFD_DOWN}, {BFD_DOWN, BFD_DOWN, BFD_INIT},
	{BFD_DOWN, BFD_INIT, BFD_UP},         {BFD_DOWN, BFD_UP, BFD_DOWN},
	{BFD_INIT, BFD_ADMIN_DOWN, BFD_DOWN}, {BFD_INIT, BFD_DOWN, BFD_INIT},
	{BFD_INIT, BFD_INIT, BFD_UP},         {BFD_INIT, BFD_UP, BFD_UP},
	{BFD_UP, BFD_ADMIN_DOWN, BFD_DOWN},   {BFD_UP, BFD_DOWN, BFD_DOWN},
	{BFD_UP, BFD_INIT, BFD_UP},           {BFD_UP, BFD_UP, BFD_UP},
};

static void give(struct bfd_session *session, enum bfd_state state,
		 uint64_t now)
{
	const struct bfd_packet packet = {
		.state = (uint8_t)state,
		.multiplier = 3,
		.my_discriminator = 0x0b0b0b0b,
		.your_discriminator = session->config.discriminator,
		.desired_min_tx_us = 100000,
		.required_min_rx_us = 100000,
	};

	bfd_session_receive(session, &packet, now);
}

static void bring(struct bfd_session *session, enum bfd_state state,
		  uint64_t now)
{
	bfd_session_init(session, &config_a, now);
	if (state == BFD_INIT) {
		give(session, BFD_DOWN, now);
	} else if (state == BFD_UP) {
		give(session, BFD_INIT, now);
	}
	ck_assert_uint_eq(session->state, state);
}

START_TEST(state_follows_the_peer)
{
	struct bfd_session session;

	bring(&session, steps[_i].ours, 0);
	give(&session, steps[_i].theirs, 1);
	ck_assert_uint_eq(session.state, steps[_i].after);
}
END_TEST

START_TEST(held_session_never_leaves_down)
{
	struct bfd_session session;
	struct bfd_packet packet;

	bring(&session, steps[_i].ours, 0);
	bfd_session_hold(&session, true, 1);
	ck_assert_uint_eq(session.state, BFD_DOWN);
	give(&session, steps[_i].theirs, 2);
	ck_assert_uint_eq(session.state, BFD_DOWN);
	ck_assert(bfd_session_send(&session, 2, 0, &packet));
	ck_assert_uint_eq(packet.state, BFD_DOWN);
	ck_assert(!bfd_session_hold(&session, false, 3));
	give(&session, BFD_DOWN, 3);
	ck_assert_uint_eq(session.state, BFD_INIT);
}
END_TEST

START_TEST(hold_of_an_up_session_is_told_at_once)
{
	struct bfd_session session;
	struct bfd_packet packet;

	bring(&session, BFD_UP, 0);
	while (bfd_session_send(&session, 0, 0, &packet)) {
	}
	ck_assert(bfd_session_hold(&session, true, 5 * MS));
	ck_assert_uint_eq(bfd_session_deadline(&session), 5 * MS);
	ck_assert(bfd_session_send(&session, 5 * MS, 0, &packet));
	ck_assert_uint_eq(packet.state, BFD_DOWN);
	ck_assert_uint_eq(packet.diagnostic, BFD_DIAG_PATH_DOWN);
}
END_TEST

START_TEST(silence_of_the_detection_time_is_down)
{
	struct bfd_session session;

	bring(&session, BFD_UP, 0);
	/* Three times the slower of their sending and our wish. */
	ck_assert_uint_eq(bfd_session_detection_ns(&session), 300 * MS);
	ck_assert(!bfd_session_expire(&session, 300 * MS - 1));
	ck_assert(bfd_session_expire(&session, 300 * MS));
	ck_assert_uint_eq(session.state, BFD_DOWN);
	ck_assert_uint_eq(session.diagnostic, BFD_DIAG_EXPIRED);
	/* 6.8.1: the peer may come back as somebody else. */
	ck_assert_uint_eq(session.remote_discriminator, 0);
}
END_TEST

START_TEST(packets_of_others_are_not_ours)
{
	struct bfd_session session;
	struct bfd_packet packet = {.my_discriminator = 5, .multiplier = 1};

	bfd_session_init(&session, &config_a, 0);
	packet.your_discriminator = config_a.discriminator;
	ck_assert(bfd_session_owns(&session, &packet));
	packet.your_discriminator = 0;
	ck_assert(bfd_session_owns(&session, &packet));
	packet.your_discriminator = config_b.discriminator;
	ck_assert(!bfd_session_owns(&session, &packet));
}
END_TEST

START_TEST(poll_is_answered_with_final_at_once)
{
	struct bfd_session session;
	struct bfd_packet packet = {
		.state = BFD_UP,
		.is_poll = true,
		.multiplier = 3,
		.my_discriminator = 7,
		.your_discriminator = 0x0a0a0a0a,
		.desired_min_tx_us = 100000,
		.required_min_rx_us = 100000,
	};
	struct bfd_packet out;

	bring(&session, BFD_UP, 0);
	while (bfd_session_send(&session, 0, 0, &out)) {
	}
	bfd_session_receive(&session, &packet, 1 * MS);
	ck_assert_uint_eq(bfd_session_deadline(&session), 0);
	ck_assert(bfd_session_send(&session, 1 * MS, 0, &out));
	ck_assert(out.is_final && !out.is_poll);
	ck_assert(!bfd_session_send(&session, 1 * MS, 0, &out));
}
END_TEST

START_TEST(polls_until_final_when_it_comes_up)
{
	struct bfd_session session;
	struct bfd_packet out;
	struct bfd_packet final = {
		.state = BFD_UP,
		.is_final = true,
		.multiplier = 3,
		.my_discriminator = 7,
		.your_discriminator = 0x0a0a0a0a,
		.desired_min_tx_us = 100000,
		.required_min_rx_us = 100000,
	};

	bring(&session, BFD_UP, 0);
	ck_assert(bfd_session_send(&session, 0, 0, &out));
	ck_assert(out.is_poll);
	ck_assert_uint_eq(out.desired_min_tx_us, 100000);
	bfd_session_receive(&session, &final, 1 * MS);
	ck_assert(bfd_session_send(&session, 200 * MS, 0, &out));
	ck_assert(!out.is_poll);
}
END_TEST

/* 6.8.7: 75 to 100 % of the interval; at multiplier 1 at most 90 %. */
START_TEST(jitter_stays_in_its_bounds)
{
	struct bfd_config config = config_a;
	struct bfd_session session;
	struct bfd_packet out;

	config.multiplier = (uint8_t)(_i == 0 ? 1 : 3);
	for (uint32_t random = 0; random < 5000; random += 7) {
		uint64_t most = config.multiplier == 1 ? 90 * MS : 100 * MS;

		bfd_session_init(&session, &config, 0);
		give(&session, BFD_INIT, 0);
		ck_assert(bfd_session_send(&session, 0, random, &out));
		ck_assert_uint_ge(session.send_at, 75 * MS);
		ck_assert_uint_le(session.send_at, most);
	}
}
END_TEST

START_TEST(slow_while_not_up)
{
	struct bfd_session session;
	struct bfd_packet out;

	bfd_session_init(&session, &config_a, 0);
	ck_assert(bfd_session_send(&session, 0, 0, &out));
	ck_assert_uint_eq(out.desired_min_tx_us, BFD_SLOW_US);
	ck_assert_uint_eq(out.required_min_rx_us, 100000);
	ck_assert_uint_eq(session.send_at, 1000 * MS);
}
END_TEST

START_TEST(peer_that_wants_nothing_gets_nothing)
{
	struct bfd_session session;
	struct bfd_packet out;
	struct bfd_packet packet = {
		.state = BFD_UP,
		.multiplier = 3,
		.my_discriminator = 7,
		.your_discriminator = 0x0a0a0a0a,
		.desired_min_tx_us = 100000,
	};

	bring(&session, BFD_UP, 0);
	bfd_session_receive(&session, &packet, 0);
	ck_assert(!bfd_session_send(&session, 1000 * MS, 0, &out));
	/* ... but an answer to its Poll, and its silence still counts. */
	packet.is_poll = true;
	bfd_session_receive(&session, &packet, 1000 * MS);
	ck_assert(bfd_session_send(&session, 1000 * MS, 0, &out));
	ck_assert_uint_eq(bfd_session_deadline(&session), 1300 * MS);
}
END_TEST

START_TEST(peer_in_demand_mode_gets_no_periodic_packets)
{
	struct bfd_session session;
	struct bfd_packet out;
	struct bfd_packet packet = {
		.state = BFD_UP,
		.is_demand = true,
		.is_final = true,
		.multiplier = 3,
		.my_discriminator = 7,
		.your_discriminator = 0x0a0a0a0a,
		.desired_min_tx_us = 100000,
		.required_min_rx_us = 100000,
	};

	bring(&session, BFD_UP, 0);
	bfd_session_receive(&session, &packet, 0);
	ck_assert(!bfd_session_send(&session, 200 * MS, 0, &out));
}
END_TEST

/* --- two of them ---------------------------------------------------------- */

struct pair {
	struct bfd_session a;
	struct bfd_session b;
	uint32_t random;
};

/* Let everything happen up to that time, in steps of a millisecond. */
static void pair_run(struct pair *pair, uint64_t from, uint64_t to,
		     bool a_hears, bool b_hears)
{
	for (uint64_t now = from; now < to; now += MS) {
		struct bfd_packet packet;
		struct bfd_packet seen;
		uint8_t data[BFD_PACKET_SIZE];

		pair->random = pair->random * 1103515245 + 12345;
		bfd_session_expire(&pair->a, now);
		bfd_session_expire(&pair->b, now);
		while (bfd_session_send(&pair->a, now, pair->random >> 8,
					&packet)) {
			bfd_packet_write(&packet, data);
			ck_assert(bfd_packet_parse(data, sizeof(data), &seen));
			if (b_hears && bfd_session_owns(&pair->b, &seen)) {
				bfd_session_receive(&pair->b, &seen, now);
			}
		}
		while (bfd_session_send(&pair->b, now, pair->random >> 9,
					&packet)) {
			bfd_packet_write(&packet, data);
			ck_assert(bfd_packet_parse(data, sizeof(data), &seen));
			if (a_hears && bfd_session_owns(&pair->a, &seen)) {
				bfd_session_receive(&pair->a, &seen, now);
			}
		}
	}
}

START_TEST(two_come_up_fall_and_come_back)
{
	struct pair pair = {.random = (uint32_t)_i + 1};
	uint64_t sent;

	bfd_session_init(&pair.a, &config_a, 0);
	bfd_session_init(&pair.b, &config_b, 300 * MS);
	pair_run(&pair, 0, 4000 * MS, true, true);
	ck_assert_uint_eq(pair.a.state, BFD_UP);
	ck_assert_uint_eq(pair.b.state, BFD_UP);
	ck_assert(!pair.a.is_polling && !pair.b.is_polling);
	/* The slower wish of both holds: 100 ms each way. */
	sent = pair.b.sent;
	pair_run(&pair, 4000 * MS, 5000 * MS, true, true);
	ck_assert_uint_ge(pair.b.sent - sent, 10);
	ck_assert_uint_le(pair.b.sent - sent, 14);
	/* One way is cut: both fall, the deaf one by silence. */
	pair_run(&pair, 5000 * MS, 5700 * MS, false, true);
	ck_assert_uint_eq(pair.a.state, BFD_DOWN);
	ck_assert_uint_eq(pair.a.diagnostic, BFD_DIAG_EXPIRED);
	ck_assert_uint_eq(pair.b.state, BFD_DOWN);
	ck_assert_uint_eq(pair.b.diagnostic, BFD_DIAG_NEIGHBOR_DOWN);
	pair_run(&pair, 5700 * MS, 9700 * MS, true, true);
	ck_assert_uint_eq(pair.a.state, BFD_UP);
	ck_assert_uint_eq(pair.b.state, BFD_UP);
	ck_assert_uint_eq(pair.a.up_count, 2);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("bfd");
	TCase *t = tcase_create("bfd");

	tcase_add_loop_test(t, parse, 0,
			    (int)(sizeof(changes) / sizeof(changes[0])));
	tcase_add_test(t, parse_refuses_zero_discriminators);
	tcase_add_test(t, write_and_parse_are_inverse);
	tcase_add_loop_test(t, state_follows_the_peer, 0,
			    (int)(sizeof(steps) / sizeof(steps[0])));
	tcase_add_loop_test(t, held_session_never_leaves_down, 0,
			    (int)(sizeof(steps) / sizeof(steps[0])));
	tcase_add_test(t, hold_of_an_up_session_is_told_at_once);
	tcase_add_test(t, silence_of_the_detection_time_is_down);
	tcase_add_test(t, packets_of_others_are_not_ours);
	tcase_add_test(t, poll_is_answered_with_final_at_once);
	tcase_add_test(t, polls_until_final_when_it_comes_up);
	tcase_add_loop_test(t, jitter_stays_in_its_bounds, 0, 2);
	tcase_add_test(t, slow_while_not_up);
	tcase_add_test(t, peer_that_wants_nothing_gets_nothing);
	tcase_add_test(t, peer_in_demand_mode_gets_no_periodic_packets);
	tcase_add_loop_test(t, two_come_up_fall_and_come_back, 0, 50);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
