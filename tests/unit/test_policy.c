#include "server/route/policy.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two services, three prefixes; peers: IPv4, IPv6, both. */
static const char text[] =
	"{\"route\": {\"router_id\": \"192.0.2.1\", \"local_as\": 64512,"
	" \"services\": {"
	"  \"a\": {\"prefixes\": [\"192.0.2.0/24\", \"2001:db8::/48\"],"
	"   \"probe\": [\"192.0.2.53\", \"2001:db8::53\"],"
	"   \"required_zones\": [\".\"], \"communities\": [\"64500:1\"],"
	"   \"med\": 7, \"prepend\": 2},"
	"  \"b\": {\"prefixes\": [\"198.51.100.0/24\"],"
	"   \"probe\": [\"198.51.100.53\"], \"required_zones\": [\".\"]}},"
	" \"peers\": [{\"address\": \"10.0.0.1\", \"as\": 64500},"
	"  {\"address\": \"fd00::1\", \"as\": 64500},"
	"  {\"address\": \"10.0.0.2\", \"as\": 64500,"
	"   \"families\": [\"ipv4\", \"ipv6\"],"
	"   \"next_hop\": {\"ipv6\": \"fd00::2\"}}]}}";

static struct config_route *config;

static void load(void)
{
	char error[CONFIG_ERROR_MAX];

	config = config_route_parse("x", text, strlen(text), error);
	ck_assert_msg(config != NULL, "%s", error);
}

static void unload(void)
{
	config_route_free(config);
}

#define U DRAIN_NONE
#define R DRAIN_RUNNING
#define D DRAIN_DONE

/* What is expected of one route: prefix, peers and GRACEFUL_SHUTDOWN. */
struct expected {
	unsigned prefix;
	uint64_t peers;
	bool is_draining;
};

static const struct {
	bool up[3];
	enum drain_phase prefixes[3];
	enum drain_phase peers[3];
	size_t count;
	struct expected routes[6];
} decisions[] = {
	{{0, 0, 0}, {U, U, U}, {U, U, U}, 0, {{0}}},
	{{1, 1, 1}, {U, U, U}, {U, U, U}, 3, {{0, 5, 0}, {1, 6, 0}, {2, 5, 0}}},
	/* Each prefix by itself, families apart. */
	{{1, 0, 1}, {U, U, U}, {U, U, U}, 2, {{0, 5, 0}, {2, 5, 0}}},
	{{0, 1, 0}, {U, U, U}, {U, U, U}, 1, {{1, 6, 0}}},
	/* Drained prefixes. */
	{{1, 1, 1}, {R, U, D}, {U, U, U}, 2, {{0, 5, 1}, {1, 6, 0}}},
	{{0, 1, 1}, {R, R, R}, {U, U, U}, 2, {{1, 6, 1}, {2, 5, 1}}},
	/* Drained peers. */
	{{1, 1, 0}, {U, U, U}, {R, U, U}, 3, {{0, 1, 1}, {0, 4, 0}, {1, 6, 0}}},
	{{1, 1, 0}, {U, U, U}, {D, U, U}, 2, {{0, 4, 0}, {1, 6, 0}}},
	{{1, 1, 1}, {U, U, U}, {D, D, D}, 0, {{0}}},
	/* Both. */
	{{1, 0, 0}, {R, U, U}, {U, U, R}, 1, {{0, 5, 1}}},
	{{1, 0, 0}, {R, U, U}, {D, U, R}, 1, {{0, 4, 1}}},
	{{1, 0, 0}, {D, U, U}, {R, U, U}, 0, {{0}}},
};

static bool has_community(const struct route *route, uint32_t community)
{
	for (unsigned i = 0; i < route->attributes.community_count; i++) {
		if (route->attributes.communities[i] == community) {
			return true;
		}
	}
	return false;
}

START_TEST(table_follows_health_and_drains)
{
	struct drain prefix_drains[3] = {{0}};
	struct drain peer_drains[3] = {{0}};
	const enum policy_strain strains[3] = {0};
	const struct policy_input input = {config, decisions[_i].up,
					   prefix_drains, peer_drains, strains};
	struct route routes[9];

	ck_assert_uint_eq(policy_routes_max(config), 9);
	for (unsigned i = 0; i < 3; i++) {
		prefix_drains[i].phase = decisions[_i].prefixes[i];
		peer_drains[i].phase = decisions[_i].peers[i];
	}
	ck_assert_uint_eq(policy_decide(&input, routes), decisions[_i].count);
	for (size_t i = 0; i < decisions[_i].count; i++) {
		const struct expected *expected = &decisions[_i].routes[i];

		ck_assert(prefix_equal(
			&routes[i].prefix,
			&config->prefixes[expected->prefix].prefix));
		ck_assert_uint_eq(routes[i].peers, expected->peers);
		ck_assert_int_eq(has_community(&routes[i],
					       BGP_COMMUNITY_GRACEFUL_SHUTDOWN),
				 expected->is_draining);
		/* The service's own attributes stay. */
		ck_assert_int_eq(has_community(&routes[i], 64500u << 16 | 1),
				 expected->prefix < 2);
		ck_assert_int_eq(routes[i].attributes.has_med,
				 expected->prefix < 2);
		ck_assert_uint_eq(routes[i].attributes.prepend,
				  expected->prefix < 2 ? 2 : 0);
	}
}
END_TEST

/* --- strains, scopes, selections ------------------------------------------ */

/*
 * One covering prefix and a host route in it; peer 0 and 1 as given, peer 2
 * plain. What is expected is written as text: a route a line.
 */
static const struct {
	const char *service;
	const char *peers[2];
	bool is_overloaded;
	bool is_draining; /* peer 0 */
	const char *expected;
} tellings[] = {
	{"", {"", ""}, false, false, "/24 7\n/32 7\n"},
	/* The service's policy, and a peer's own. */
	{"", {"", ""}, true, false, "/24 7\n/32 7\n"},
	{"\"overload\": \"prepend:3\"",
	 {"", ""},
	 false,
	 false,
	 "/24 7\n/32 7\n"},
	{"\"overload\": \"prepend:3\"",
	 {"", ""},
	 true,
	 false,
	 "/24 7 prepend 3\n/32 7 prepend 3\n"},
	{"\"overload\": \"prepend:3\", \"prepend\": 31",
	 {"", ""},
	 true,
	 false,
	 "/24 7 prepend 32\n/32 7 prepend 32\n"},
	{"\"overload\": \"community:64500:666\"",
	 {"", ""},
	 true,
	 false,
	 "/24 7 64500:666\n/32 7 64500:666\n"},
	{"\"overload\": \"community:64500:6:7\"",
	 {"", ""},
	 true,
	 false,
	 "/24 7 64500:6:7\n/32 7 64500:6:7\n"},
	{"\"overload\": \"withdraw\"", {"", ""}, true, false, ""},
	{"\"overload\": \"withdraw\"",
	 {"\"overload\": \"absorb\"", ""},
	 true,
	 false,
	 "/24 1\n/32 1\n"},
	{"",
	 {"\"overload\": \"prepend:2\"", "\"overload\": \"withdraw\""},
	 true,
	 false,
	 "/24 1 prepend 2\n/24 4\n/32 1 prepend 2\n/32 4\n"},
	{"\"overload\": \"prepend:2\"",
	 {"", ""},
	 true,
	 true,
	 "/24 1 prepend 2 65535:0\n/24 6 prepend 2\n"
	 "/32 1 prepend 2 65535:0\n/32 6 prepend 2\n"},
	/* Scope. */
	{"", {"\"scope\": \"global\"", ""}, false, false, "/24 7\n/32 7\n"},
	{"",
	 {"\"scope\": \"no-export\"", ""},
	 false,
	 false,
	 "/24 1 65535:65281\n/24 6\n/32 1 65535:65281\n/32 6\n"},
	{"",
	 {"\"scope\": \"nopeer\"", "\"scope\": [\"64500:1\", \"nopeer\"]"},
	 false,
	 false,
	 "/24 1 65535:65284\n/24 2 64500:1 65535:65284\n/24 4\n"
	 "/32 1 65535:65284\n/32 2 64500:1 65535:65284\n/32 4\n"},
	{"",
	 {"\"scope\": \"no-export\"", "\"scope\": \"no-export\""},
	 false,
	 false,
	 "/24 3 65535:65281\n/24 4\n/32 3 65535:65281\n/32 4\n"},
	/* Covering prefixes outside, host routes inside. */
	{"",
	 {"\"routes\": \"covering\"", "\"routes\": \"host\""},
	 false,
	 false,
	 "/24 5\n/32 6\n"},
	{"",
	 {"\"prefixes\": [\"192.0.2.0/24\"]", "\"services\": []"},
	 false,
	 false,
	 "/24 5\n/32 4\n"},
	{"",
	 {"\"services\": [\"a\"], \"transit\": true, "
	  "\"routes\": \"covering\"",
	  ""},
	 false,
	 false,
	 "/24 7\n/32 6\n"},
};

static void print_route(FILE *out, const struct route *route)
{
	fprintf(out, "/%u %llu", route->prefix.length,
		(unsigned long long)route->peers);
	if (route->attributes.prepend > 0) {
		fprintf(out, " prepend %u", route->attributes.prepend);
	}
	for (unsigned i = 0; i < route->attributes.community_count; i++) {
		fprintf(out, " %u:%u", route->attributes.communities[i] >> 16,
			route->attributes.communities[i] & 0xffff);
	}
	for (unsigned i = 0; i < route->attributes.large_count; i++) {
		const struct bgp_large_community *large =
			&route->attributes.large[i];

		fprintf(out, " %u:%u:%u", large->global, large->local1,
			large->local2);
	}
	fprintf(out, "\n");
}

START_TEST(peers_are_told_what_policy_says)
{
	struct drain prefix_drains[2] = {{0}};
	struct drain peer_drains[3] = {{0}};
	const bool up[2] = {true, true};
	const enum policy_strain strain = tellings[_i].is_overloaded
						  ? POLICY_STRAIN_OVERLOAD
						  : POLICY_STRAIN_NONE;
	const enum policy_strain strains[2] = {strain, strain};
	struct config_route *parsed;
	struct route routes[6];
	char error[CONFIG_ERROR_MAX];
	char file[2048];
	char *told;
	size_t size;
	FILE *out = open_memstream(&told, &size);
	size_t count;

	snprintf(file, sizeof(file),
		 "{\"route\": {\"router_id\": \"192.0.2.1\", \"local_as\": "
		 "64512,"
		 "\"services\": {\"a\": {\"prefixes\": [\"192.0.2.0/24\", "
		 "\"192.0.2.53/32\"], \"probe\": [\"192.0.2.53\"], "
		 "\"required_zones\": [\".\"]%s%s}}, \"peers\": ["
		 "{\"address\": \"10.0.0.1\", \"as\": 64500%s%s}, "
		 "{\"address\": \"10.0.0.2\", \"as\": 64500%s%s}, "
		 "{\"address\": \"10.0.0.3\", \"as\": 64500}]}}",
		 tellings[_i].service[0] != '\0' ? ", " : "",
		 tellings[_i].service,
		 tellings[_i].peers[0][0] != '\0' ? ", " : "",
		 tellings[_i].peers[0],
		 tellings[_i].peers[1][0] != '\0' ? ", " : "",
		 tellings[_i].peers[1]);
	parsed = config_route_parse("x", file, strlen(file), error);
	ck_assert_msg(parsed != NULL, "%s", error);
	peer_drains[0].phase =
		tellings[_i].is_draining ? DRAIN_RUNNING : DRAIN_NONE;
	const struct policy_input input = {parsed, up, prefix_drains,
					   peer_drains, strains};

	count = policy_decide(&input, routes);
	for (size_t i = 0; i < count; i++) {
		print_route(out, &routes[i]);
	}
	fclose(out);
	ck_assert_str_eq(told, tellings[_i].expected);
	free(told);
	config_route_free(parsed);
}
END_TEST

START_TEST(drain_runs_its_time_then_is_done)
{
	struct drain drain = {0};

	drain_begin(&drain, DRAIN_BY_OPERATOR, true, 30000, 1000);
	ck_assert_int_eq(drain.phase, DRAIN_RUNNING);
	ck_assert(!drain_step(&drain, true, 30999));
	ck_assert(drain_step(&drain, true, 31000));
	ck_assert_int_eq(drain.phase, DRAIN_DONE);
	ck_assert(!drain_step(&drain, true, 40000));
	drain_end(&drain, DRAIN_BY_OPERATOR);
	ck_assert_int_eq(drain.phase, DRAIN_NONE);
}
END_TEST

START_TEST(drain_that_nobody_hears_takes_no_time)
{
	struct drain drain = {0};

	drain_begin(&drain, DRAIN_BY_STOP, false, 30000, 1000);
	ck_assert_int_eq(drain.phase, DRAIN_DONE);
	memset(&drain, 0, sizeof(drain));
	drain_begin(&drain, DRAIN_BY_STOP, true, 30000, 1000);
	ck_assert(drain_step(&drain, false, 1001));
}
END_TEST

START_TEST(second_cause_does_not_start_the_clock_again)
{
	struct drain drain = {0};

	drain_begin(&drain, DRAIN_BY_OPERATOR, true, 30000, 1000);
	drain_begin(&drain, DRAIN_BY_NAMESERVER, true, 30000, 20000);
	ck_assert_uint_eq(drain.until, 31000);
	drain_end(&drain, DRAIN_BY_OPERATOR);
	ck_assert_int_eq(drain.phase, DRAIN_RUNNING);
	drain_step(&drain, true, 31000);
	drain_begin(&drain, DRAIN_BY_STOP, true, 30000, 32000);
	ck_assert_int_eq(drain.phase, DRAIN_DONE);
	drain_end(&drain, DRAIN_BY_NAMESERVER);
	ck_assert_int_eq(drain.phase, DRAIN_DONE);
	drain_end(&drain, DRAIN_BY_STOP);
	ck_assert_int_eq(drain.phase, DRAIN_NONE);
}
END_TEST

static const struct {
	bool is_up;
	enum drain_phase phase;
	const char *text;
} states[] = {
	{false, DRAIN_NONE, "withdrawn"},    {true, DRAIN_NONE, "announced"},
	{false, DRAIN_RUNNING, "withdrawn"}, {true, DRAIN_RUNNING, "draining"},
	{false, DRAIN_DONE, "withdrawn"},    {true, DRAIN_DONE, "withdrawn"},
};

START_TEST(state_is_named_as_promised)
{
	struct drain drain = {.phase = states[_i].phase};

	ck_assert_str_eq(
		policy_state_text(policy_state(states[_i].is_up, &drain)),
		states[_i].text);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, load, unload);
	tcase_add_loop_test(tcase, table_follows_health_and_drains, 0,
			    COUNT(decisions));
	tcase_add_loop_test(tcase, peers_are_told_what_policy_says, 0,
			    COUNT(tellings));
	tcase_add_test(tcase, drain_runs_its_time_then_is_done);
	tcase_add_test(tcase, drain_that_nobody_hears_takes_no_time);
	tcase_add_test(tcase, second_cause_does_not_start_the_clock_again);
	tcase_add_loop_test(tcase, state_is_named_as_promised, 0,
			    COUNT(states));
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
