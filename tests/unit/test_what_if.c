#include "server/route/what_if.h"

#include "lib/bgp/rib.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PEERS = 2,
	ROUTES = 6,
};

/* Prefix number, peers as bits, MED as the attributes; ends with prefix 0. */
struct entry {
	unsigned prefix;
	unsigned peers;
	uint32_t med;
};

static const char *const prefixes[] = {
	NULL,
	"192.0.2.0/24",
	"198.51.100.0/24",
	"2001:db8::/48",
	"2001:db8:1::/48",
};

static const struct {
	struct entry before[ROUTES];
	struct entry after[ROUTES];
	const char *updates; /* PEER+/-PREFIX NUMBERS/MED */
} cases[] = {
	{{{0, 0, 0}}, {{0, 0, 0}}, ""},
	{{{1, 3, 0}, {3, 3, 0}}, {{1, 3, 0}, {3, 3, 0}}, ""},
	{{{0, 0, 0}},
	 {{1, 3, 5}, {2, 3, 5}, {3, 3, 5}},
	 "0+12/5 0+3/5 1+12/5 1+3/5 "},
	{{{1, 3, 5}, {3, 3, 5}}, {{0, 0, 0}}, "0-1 0-3 1-1 1-3 "},
	/* Withdrawals first, and other attributes without a withdrawal. */
	{{{1, 1, 5}, {2, 1, 5}, {3, 1, 5}},
	 {{1, 1, 9}, {3, 1, 5}, {4, 1, 5}},
	 "0-2 0+1/9 0+4/5 "},
	/* One peer of two. */
	{{{1, 3, 5}}, {{1, 1, 5}, {1, 2, 9}}, "1+1/9 "},
	{{{1, 3, 5}}, {{1, 2, 5}}, "0-1 "},
	/* Those that share attributes go together. */
	{{{0, 0, 0}},
	 {{1, 1, 1}, {2, 1, 2}, {3, 1, 1}, {4, 1, 1}},
	 "0+1/1 0+2/2 0+34/1 "},
};

static size_t make_table(struct route *routes, const struct entry *entries)
{
	size_t count = 0;

	for (; count < ROUTES && entries[count].prefix != 0; count++) {
		memset(&routes[count], 0, sizeof(routes[count]));
		ck_assert_int_eq(prefix_load(&routes[count].prefix,
					     prefixes[entries[count].prefix]),
				 STATUS_OK);
		routes[count].peers = entries[count].peers;
		routes[count].attributes.has_med = true;
		routes[count].attributes.med = entries[count].med;
	}
	return count;
}

static unsigned number_of(const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];

	prefix_dump(prefix, text);
	for (unsigned i = 1; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (strcmp(prefixes[i], text) == 0) {
			return i;
		}
	}
	return 0;
}

static char found[512];

static void on_update(void *context, const struct what_if_update *update)
{
	size_t at = strlen(found);

	(void)context;
	at += (size_t)snprintf(found + at, sizeof(found) - at, "%zu%c",
			       update->peer,
			       update->attributes != NULL ? '+' : '-');
	for (size_t i = 0; i < update->count; i++) {
		at += (size_t)snprintf(found + at, sizeof(found) - at, "%u",
				       number_of(&update->prefixes[i]));
	}
	if (update->attributes != NULL) {
		at += (size_t)snprintf(found + at, sizeof(found) - at, "/%u",
				       update->attributes->med);
	}
	snprintf(found + at, sizeof(found) - at, " ");
}

static const struct speaker_peer peers[PEERS] = {
	{.address = {.family = AF_INET}, .families = BGP_FAMILIES_ALL},
	{.address = {.family = AF_INET}, .families = BGP_FAMILIES_ALL},
};

START_TEST(updates_lead_from_one_table_to_the_other)
{
	struct route before[ROUTES];
	struct route after[ROUTES];
	struct what_if_table from = {before, 0};
	struct what_if_table to = {after, 0};

	from.count = make_table(before, cases[_i].before);
	to.count = make_table(after, cases[_i].after);
	found[0] = '\0';
	what_if(&from, &to, peers, PEERS, on_update, NULL);
	ck_assert_str_eq(found, cases[_i].updates);
}
END_TEST

static size_t wishes(struct bgp_route *out, const struct route *routes,
		     size_t count, size_t peer)
{
	size_t wished = 0;

	for (size_t i = 0; i < count; i++) {
		if ((routes[i].peers >> peer & 1) != 0) {
			out[wished].prefix = routes[i].prefix;
			out[wished++].attributes = routes[i].attributes;
		}
	}
	return wished;
}

/* The same messages, in the same order, as what really tells the peers. */
START_TEST(it_foretells_what_the_rib_sends)
{
	const struct bgp_update_session session = {
		.local_as = 64512,
		.next_hop_ipv6_size = 16,
		.has_next_hop_ipv4 = true,
	};
	struct route before[ROUTES];
	struct route after[ROUTES];
	size_t from = make_table(before, cases[_i].before);
	size_t to = make_table(after, cases[_i].after);
	char sent[512] = "";

	for (size_t i = 0; i < PEERS; i++) {
		struct bgp_rib *rib = bgp_rib_new();
		struct bgp_route routes[ROUTES];
		uint8_t message[BGP_MESSAGE_MAX];
		size_t size;
		size_t count;
		enum bgp_rib_kind kind;

		ck_assert_int_eq(bgp_rib_want(rib, routes,
					      wishes(routes, before, from, i)),
				 STATUS_OK);
		bgp_rib_up(rib, &session, BGP_FAMILIES_ALL);
		while (bgp_rib_next(rib, message, &size, &count) !=
		       BGP_RIB_NOTHING) {
			/* Tell the state before. */
		}
		ck_assert_int_eq(
			bgp_rib_want(rib, routes, wishes(routes, after, to, i)),
			STATUS_OK);
		while ((kind = bgp_rib_next(rib, message, &size, &count)) !=
		       BGP_RIB_NOTHING) {
			size_t at = strlen(sent);

			at += (size_t)snprintf(
				sent + at, sizeof(sent) - at, "%zu%c", i,
				kind == BGP_RIB_ANNOUNCE ? '+' : '-');
			for (size_t k = 0; k < count; k++) {
				at += (size_t)snprintf(
					sent + at, sizeof(sent) - at, "%u",
					number_of(&bgp_rib_last(rib)[k]));
			}
			snprintf(sent + at, sizeof(sent) - at, " ");
		}
		bgp_rib_free(rib);
	}
	/* Without the MED, which stands in the message. */
	found[0] = '\0';
	for (const char *at = cases[_i].updates; *at != '\0'; at++) {
		if (*at == '/') {
			at += strcspn(at, " ");
		}
		strncat(found, at, 1);
	}
	ck_assert_str_eq(sent, found);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("what_if");
	TCase *tests = tcase_create("what_if");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tests, updates_lead_from_one_table_to_the_other, 0,
			    sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tests, it_foretells_what_the_rib_sends, 0,
			    sizeof(cases) / sizeof(cases[0]));
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
