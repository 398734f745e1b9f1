/* Wish against deed: order, packing, implicit replace, refresh. */
#include "lib/bgp/rib.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct bgp_update_session session = {
	.local_as = 65001,
	.has_as4 = true,
	.role = BGP_ROLE_NONE,
	.next_hop_ipv4 = {10, 9, 1, 1},
	.has_next_hop_ipv4 = true,
	.next_hop_ipv6 = {0xfd, [15] = 1},
	.next_hop_ipv6_size = 16,
};

static struct bgp_rib *rib;

static void setup(void)
{
	rib = bgp_rib_new();
	ck_assert_ptr_nonnull(rib);
}

static void teardown(void)
{
	bgp_rib_free(rib);
}

static struct bgp_route route_of(const char *text, uint8_t prepend)
{
	struct bgp_route route;

	memset(&route, 0, sizeof(route));
	ck_assert_int_eq(prefix_load(&route.prefix, text), STATUS_OK);
	route.attributes.prepend = prepend;
	return route;
}

static void want(const struct bgp_route *routes, size_t count)
{
	ck_assert_int_eq(bgp_rib_want(rib, routes, count), STATUS_OK);
}

/* Everything that would go out now: 'W2 A1 E' (withdraw 2, announce 1, end). */
static const char *drain(void)
{
	static char text[256];
	uint8_t out[BGP_MESSAGE_MAX];
	enum bgp_rib_kind kind;
	size_t at = 0;
	size_t size;
	size_t count;

	text[0] = '\0';
	while ((kind = bgp_rib_next(rib, out, &size, &count)) !=
	       BGP_RIB_NOTHING) {
		struct bgp_update_count seen;

		ck_assert(!(kind != BGP_RIB_NOTHING && size == 0));
		ck_assert(bgp_update_parse(&seen, out, size));
		ck_assert_uint_eq(seen.announced,
				  kind == BGP_RIB_ANNOUNCE ? count : 0);
		ck_assert_uint_eq(seen.withdrawn,
				  kind == BGP_RIB_WITHDRAW ? count : 0);
		if (kind == BGP_RIB_END) {
			at += sprintf(text + at, "%sE%u", at ? " " : "",
				      seen.end_of_rib);
		} else {
			at += sprintf(text + at, "%s%c%zu", at ? " " : "",
				      kind == BGP_RIB_WITHDRAW ? 'W' : 'A',
				      count);
		}
		ck_assert_uint_lt(at, sizeof(text) - 16);
	}
	ck_assert_uint_eq(size, 0);
	ck_assert(bgp_rib_is_settled(rib));
	return text;
}

START_TEST(nothing_is_sent_without_a_session)
{
	struct bgp_route route = route_of("192.0.2.0/24", 0);

	want(&route, 1);
	ck_assert(bgp_rib_is_settled(rib));
	ck_assert_str_eq(drain(), "");
	ck_assert_uint_eq(bgp_rib_told(rib, NULL, 0), 0);
}
END_TEST

START_TEST(end_of_rib_follows_the_first_batch)
{
	struct bgp_route route = route_of("192.0.2.0/24", 0);

	want(&route, 1);
	bgp_rib_up(rib, &session, BGP_FAMILIES_ALL);
	ck_assert(!bgp_rib_is_settled(rib));
	ck_assert_str_eq(drain(), "A1 E1 E2");
	ck_assert_uint_eq(bgp_rib_told(rib, NULL, 0), 1);
}
END_TEST

START_TEST(end_of_rib_is_sent_for_an_empty_table)
{
	bgp_rib_up(rib, &session, BGP_FAMILIES_ALL);
	ck_assert_str_eq(drain(), "E1 E2");
	bgp_rib_up(rib, &session, BGP_IPV4);
	ck_assert_str_eq(drain(), "E1");
}
END_TEST

START_TEST(same_wish_sends_nothing)
{
	struct bgp_route routes[2] = {route_of("192.0.2.0/24", 0),
				      route_of("2001:db8::/48", 0)};
	struct bgp_route turned[2] = {routes[1], routes[0]};

	want(routes, 2);
	bgp_rib_up(rib, &session, BGP_FAMILIES_ALL);
	ck_assert_str_eq(drain(), "A1 A1 E1 E2");
	want(routes, 2);
	ck_assert_str_eq(drain(), "");
	want(turned, 2);
	ck_assert_str_eq(drain(), "");
}
END_TEST

START_TEST(withdrawals_go_before_announcements)
{
	struct bgp_route before[2] = {route_of("192.0.2.0/24", 0),
				      route_of("2001:db8::/48", 0)};
	struct bgp_route after[1] = {route_of("10.0.0.0/8", 0)};

	want(before, 2);
	bgp_rib_up(rib, &session, BGP_FAMILIES_ALL);
	drain();
	want(after, 1);
	ck_assert(bgp_rib_must_withdraw(rib));
	ck_assert_str_eq(drain(), "W1 W1 A1");
	ck_assert(!bgp_rib_must_withdraw(rib));
}
END_TEST

START_TEST(changed_attributes_replace_without_withdrawal)
{
	struct bgp_route route = route_of("192.0.2.0/24", 0);

	want(&route, 1);
	bgp_rib_up(rib, &session, BGP_IPV4);
	drain();
	ck_assert(bgp_attributes_add_community(
		&route.attributes, BGP_COMMUNITY_GRACEFUL_SHUTDOWN));
	want(&route, 1);
	ck_assert(!bgp_rib_must_withdraw(rib));
	ck_assert_str_eq(drain(), "A1");
	want(&route, 1);
	ck_assert_str_eq(drain(), "");
}
END_TEST

START_TEST(wish_that_came_and_went_leaves_no_trace)
{
	struct bgp_route route = route_of("192.0.2.0/24", 0);

	bgp_rib_up(rib, &session, BGP_IPV4);
	drain();
	want(&route, 1);
	want(NULL, 0);
	ck_assert_str_eq(drain(), "");
	want(&route, 1);
	drain();
	want(NULL, 0);
	want(&route, 1);
	ck_assert_str_eq(drain(), "");
}
END_TEST

START_TEST(routes_with_the_same_attributes_share_a_message)
{
	struct bgp_route routes[4] = {
		route_of("192.0.2.0/24", 0), route_of("198.51.100.0/24", 1),
		route_of("203.0.113.0/24", 0), route_of("10.0.0.0/8", 1)};

	want(routes, 4);
	bgp_rib_up(rib, &session, BGP_IPV4);
	ck_assert_str_eq(drain(), "A2 A2 E1");
	want(NULL, 0);
	ck_assert_str_eq(drain(), "W4");
}
END_TEST

START_TEST(same_wishes_give_the_same_bytes)
{
	struct bgp_route routes[3] = {route_of("192.0.2.0/24", 0),
				      route_of("198.51.100.0/24", 0),
				      route_of("10.0.0.0/8", 0)};
	struct bgp_route turned[3] = {routes[2], routes[0], routes[1]};
	uint8_t first[BGP_MESSAGE_MAX];
	uint8_t second[BGP_MESSAGE_MAX];
	size_t first_size;
	size_t second_size;
	size_t count;

	want(routes, 3);
	bgp_rib_up(rib, &session, BGP_IPV4);
	bgp_rib_next(rib, first, &first_size, &count);
	bgp_rib_down(rib);
	want(turned, 3);
	bgp_rib_up(rib, &session, BGP_IPV4);
	bgp_rib_next(rib, second, &second_size, &count);
	ck_assert_uint_eq(first_size, second_size);
	ck_assert_mem_eq(first, second, first_size);
}
END_TEST

START_TEST(first_of_equal_prefixes_holds)
{
	struct bgp_route routes[2] = {route_of("192.0.2.0/24", 3),
				      route_of("192.0.2.0/24", 0)};

	bgp_rib_up(rib, &session, BGP_IPV4);
	drain();
	want(routes, 2);
	ck_assert_str_eq(drain(), "A1");
	want(routes, 1);
	ck_assert_str_eq(drain(), "");
}
END_TEST

START_TEST(refresh_sends_what_was_told_again)
{
	struct bgp_route routes[2] = {route_of("192.0.2.0/24", 0),
				      route_of("2001:db8::/48", 0)};

	want(routes, 2);
	bgp_rib_up(rib, &session, BGP_FAMILIES_ALL);
	drain();
	bgp_rib_refresh(rib, BGP_IPV6);
	ck_assert(!bgp_rib_is_settled(rib));
	ck_assert_str_eq(drain(), "A1 E2");
	bgp_rib_refresh(rib, BGP_FAMILIES_ALL);
	want(NULL, 0); /* a withdrawal overtakes the refresh */
	ck_assert_str_eq(drain(), "W1 W1 E1 E2");
	bgp_rib_refresh(rib, BGP_FAMILIES_ALL);
	ck_assert_str_eq(drain(), "E1 E2");
}
END_TEST

START_TEST(family_that_was_not_negotiated_stays_silent)
{
	struct bgp_route routes[2] = {route_of("192.0.2.0/24", 0),
				      route_of("2001:db8::/48", 0)};

	want(routes, 2);
	bgp_rib_up(rib, &session, BGP_IPV6);
	ck_assert_str_eq(drain(), "A1 E2");
	bgp_rib_refresh(rib, BGP_IPV4);
	ck_assert_str_eq(drain(), "");
	want(NULL, 0);
	ck_assert_str_eq(drain(), "W1");
}
END_TEST

START_TEST(family_without_next_hop_stays_silent)
{
	struct bgp_update_session bare = session;
	struct bgp_route routes[2] = {route_of("192.0.2.0/24", 0),
				      route_of("2001:db8::/48", 0)};

	bare.next_hop_ipv6_size = 0;
	want(routes, 2);
	bgp_rib_up(rib, &bare, BGP_FAMILIES_ALL);
	ck_assert_str_eq(drain(), "A1 E1 E2");
}
END_TEST

START_TEST(new_session_is_told_the_present)
{
	struct bgp_route routes[2] = {route_of("192.0.2.0/24", 0),
				      route_of("198.51.100.0/24", 0)};
	struct prefix told[2];

	want(routes, 2);
	bgp_rib_up(rib, &session, BGP_IPV4);
	drain();
	bgp_rib_down(rib);
	ck_assert_uint_eq(bgp_rib_told(rib, NULL, 0), 0);
	want(routes, 1);
	bgp_rib_up(rib, &session, BGP_IPV4);
	ck_assert_str_eq(drain(), "A1 E1");
	ck_assert_uint_eq(bgp_rib_told(rib, told, 2), 1);
	ck_assert(prefix_equal(&told[0], &routes[0].prefix));
}
END_TEST

/* 1,000 routes take two messages; half of them withdrawn take one. */
START_TEST(large_table_is_packed)
{
	static struct bgp_route routes[1000];

	for (int i = 0; i < 1000; i++) {
		routes[i] = route_of("10.0.0.1/32", 0);
		routes[i].prefix.octets[2] = (uint8_t)(i >> 8);
		routes[i].prefix.octets[3] = (uint8_t)i;
	}
	want(routes, 1000);
	bgp_rib_up(rib, &session, BGP_IPV4);
	ck_assert_str_eq(drain(), "A810 A190 E1");
	want(routes, 500);
	ck_assert_str_eq(drain(), "W500");
	want(routes, 1000);
	ck_assert_str_eq(drain(), "A500");
}
END_TEST

/* Random wishes, refreshes and sessions: a model peer ends up with the wish. */
START_TEST(peer_ends_with_what_was_wished)
{
	enum {
		UNIVERSE = 24,
	};
	uint32_t seed = 4711;
	struct bgp_route universe[UNIVERSE];
	bool is_up = false;

	for (int i = 0; i < UNIVERSE; i++) {
		universe[i] = route_of("10.0.0.0/24", 0);
		universe[i].prefix.octets[1] = (uint8_t)i;
	}
	for (int round = 0; round < 3000; round++) {
		struct bgp_route wished[UNIVERSE];
		struct prefix told[UNIVERSE];
		uint8_t out[BGP_MESSAGE_MAX];
		size_t count = 0;
		size_t size;
		size_t batch;

		for (int i = 0; i < UNIVERSE; i++) {
			seed = seed * 1103515245 + 12345;
			if (seed >> 30 == 0) {
				wished[count] = universe[i];
				wished[count++].attributes.prepend =
					(seed >> 20) % 3;
			}
		}
		want(wished, count);
		switch ((seed >> 16) % 5) {
		case 0:
			bgp_rib_up(rib, &session, BGP_IPV4);
			is_up = true;
			break;
		case 1:
			bgp_rib_down(rib);
			is_up = false;
			break;
		case 2:
			bgp_rib_refresh(rib, BGP_FAMILIES_ALL);
			break;
		case 3: /* only a part gets out before the next wish */
			bgp_rib_next(rib, out, &size, &batch);
			continue;
		default:
			break;
		}
		drain();
		ck_assert_uint_eq(bgp_rib_told(rib, told, UNIVERSE),
				  is_up ? count : 0);
		for (size_t i = 0; is_up && i < count; i++) {
			ck_assert(prefix_equal(&told[i], &wished[i].prefix));
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bgp_rib");
	TCase *tcase = tcase_create("bgp_rib");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, nothing_is_sent_without_a_session);
	tcase_add_test(tcase, end_of_rib_follows_the_first_batch);
	tcase_add_test(tcase, end_of_rib_is_sent_for_an_empty_table);
	tcase_add_test(tcase, same_wish_sends_nothing);
	tcase_add_test(tcase, withdrawals_go_before_announcements);
	tcase_add_test(tcase, changed_attributes_replace_without_withdrawal);
	tcase_add_test(tcase, wish_that_came_and_went_leaves_no_trace);
	tcase_add_test(tcase, routes_with_the_same_attributes_share_a_message);
	tcase_add_test(tcase, same_wishes_give_the_same_bytes);
	tcase_add_test(tcase, first_of_equal_prefixes_holds);
	tcase_add_test(tcase, refresh_sends_what_was_told_again);
	tcase_add_test(tcase, family_that_was_not_negotiated_stays_silent);
	tcase_add_test(tcase, family_without_next_hop_stays_silent);
	tcase_add_test(tcase, new_session_is_told_the_present);
	tcase_add_test(tcase, large_table_is_packed);
	tcase_add_test(tcase, peer_ends_with_what_was_wished);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
