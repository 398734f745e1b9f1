#include "server/route/config_reload.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static char error[CONFIG_ERROR_MAX];

/* A configuration with these peers, and more keys of 'route'. */
static struct config_route *parse(const char *peers, const char *more)
{
	struct config_route *config;
	char text[2048];

	snprintf(text, sizeof(text),
		 "{\"route\": {\"router_id\": \"192.0.2.1\", \"local_as\": "
		 "64512,"
		 "\"services\": {\"a\": {\"prefixes\": [\"192.0.2.0/24\"], "
		 "\"probe\": [\"192.0.2.53\"]}}, \"peers\": [%s]%s}}",
		 peers, more);
	config = config_route_parse("x", text, strlen(text), error);
	ck_assert_msg(config != NULL, "%s", error);
	return config;
}

#define P(n)    "{\"address\": \"10.0.0." #n "\", \"as\": 64500}"
#define Q(n, x) "{\"address\": \"10.0.0." #n "\", \"as\": 64500, " x "}"

/* The last octets of the addresses by place; 0: empty. */
static const struct {
	const char *now;
	const char *next;
	unsigned places[4];
	size_t count;
} orders[] = {
	{P(1) "," P(2), P(1) "," P(2), {1, 2}, 2},
	{P(1) "," P(2), P(2) "," P(1), {1, 2}, 2},
	{P(1) "," P(2), P(2), {0, 2}, 2},
	{P(1) "," P(2), P(1), {1}, 1},
	{P(1) "," P(2), P(3) "," P(2), {3, 2}, 2},
	{P(1), P(3) "," P(2) "," P(1), {1, 3, 2}, 3},
	{P(1), "", {0}, 0},
	{"", P(1), {1}, 1},
};

START_TEST(peers_keep_their_places)
{
	struct config_route *now = parse(orders[_i].now, "");
	struct config_route *next = parse(orders[_i].next, "");

	ck_assert_msg(config_reload_align(next, now, error), "%s", error);
	ck_assert_uint_eq(next->peer_count, orders[_i].count);
	for (size_t i = 0; i < next->peer_count; i++) {
		ck_assert_uint_eq(next->peers[i].address.octets[3],
				  orders[_i].places[i]);
		ck_assert_int_eq(next->peer_policies[i].announces[0],
				 orders[_i].places[i] != 0);
	}
	config_route_free(now);
	config_route_free(next);
}
END_TEST

static const struct {
	const char *now[2];
	const char *next[2];
	const char *reason; /* NULL: it may be */
} changes[] = {
	{{P(1), ""}, {Q(1, "\"hold_s\": 30"), ""}, NULL},
	{{P(1), ""}, {P(1), ", \"local_as\": 7"}, NULL},
	{{P(1), ""}, {P(1), ", \"control\": \"/x\""}, "route.control"},
	{{P(1), ""}, {P(1), ", \"listen\": [\"127.0.0.1\"]"}, "route.listen"},
	{{P(1), ""}, {Q(1, "\"bfd\": {}"), ""}, "'bfd' of a peer"},
	{{Q(1, "\"bfd\": {}"), ""}, {P(2), ""}, "'bfd' of a peer"},
	{{Q(1, "\"bfd\": {}"), ""},
	 {Q(1, "\"bfd\": {}, \"hold_s\": 30"), ""},
	 NULL},
	{{P(1), ""}, {Q(2, "\"passive\": true"), ""}, "a peer that connects"},
	{{Q(1, "\"passive\": true"), ""}, {"", ""}, NULL},
};

START_TEST(what_takes_a_restart_is_refused)
{
	struct config_route *now =
		parse(changes[_i].now[0], changes[_i].now[1]);
	struct config_route *next;
	bool done;

	/* The second key of that name would be an error of the file. */
	if (strstr(changes[_i].next[1], "local_as") != NULL) {
		next = parse(changes[_i].next[0], "");
		next->local_as = 7;
	} else {
		next = parse(changes[_i].next[0], changes[_i].next[1]);
	}
	done = config_reload_align(next, now, error);
	ck_assert_int_eq(done, changes[_i].reason == NULL);
	if (!done) {
		ck_assert_msg(strstr(error, changes[_i].reason) != NULL, "%s",
			      error);
		ck_assert(strstr(error, "takes a restart") != NULL);
	}
	config_route_free(now);
	config_route_free(next);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("config_reload");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, peers_keep_their_places, 0, COUNT(orders));
	tcase_add_loop_test(tcase, what_takes_a_restart_is_refused, 0,
			    COUNT(changes));
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
