#include "server/route/target.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char configuration[] =
	"{\"route\": {\"router_id\": \"10.0.0.1\", \"local_as\": 64512,"
	" \"services\": {"
	"  \"dns\": {\"prefixes\": [\"192.0.2.0/24\", \"2001:db8::/48\"],"
	"   \"probe\": [\"192.0.2.53\", \"2001:db8::53\"],"
	"   \"required_zones\": [\".\"]},"
	"  \"other\": {\"prefixes\": [\"198.51.100.0/24\"],"
	"   \"probe\": [\"198.51.100.53\"], \"required_zones\": [\".\"]}},"
	" \"peers\": [{\"address\": \"10.0.0.9\", \"as\": 65000},"
	"  {\"address\": \"2001:db8:9::9\", \"as\": 65001}]}}";

static const struct {
	const char *text;
	enum status status;
	enum target_kind kind;
	unsigned prefixes; /* bits */
	unsigned peers;
} cases[] = {
	{NULL, STATUS_OK, TARGET_ALL, 7, 0},
	{"dns", STATUS_OK, TARGET_SERVICE, 3, 0},
	{"other", STATUS_OK, TARGET_SERVICE, 4, 0},
	{"192.0.2.0/24", STATUS_OK, TARGET_PREFIX, 1, 0},
	{"2001:0DB8:0::/48", STATUS_OK, TARGET_PREFIX, 2, 0},
	{"10.0.0.9", STATUS_OK, TARGET_PEER, 0, 1},
	{"10.0.0.9@179", STATUS_OK, TARGET_PEER, 0, 1},
	{"2001:DB8:9:0::9", STATUS_OK, TARGET_PEER, 0, 2},
	{"10.0.0.9@180", STATUS_NOT_FOUND, TARGET_ALL, 0, 0},
	{"192.0.2.0/25", STATUS_NOT_FOUND, TARGET_ALL, 0, 0},
	{"192.0.2.53", STATUS_NOT_FOUND, TARGET_ALL, 0, 0},
	{"DNS", STATUS_NOT_FOUND, TARGET_ALL, 0, 0},
	{"", STATUS_NOT_FOUND, TARGET_ALL, 0, 0},
};

START_TEST(names_find_what_they_mean)
{
	char error[CONFIG_ERROR_MAX];
	struct config_route *config = config_route_parse(
		"test", configuration, strlen(configuration), error);
	struct target target = {TARGET_ALL, 99};
	unsigned prefixes = 0;
	unsigned peers = 0;

	ck_assert_msg(config != NULL, "%s", error);
	ck_assert_int_eq(target_find(&target, config, cases[_i].text),
			 cases[_i].status);
	if (cases[_i].status != STATUS_OK) {
		ck_assert_uint_eq(target.index, 99);
		config_route_free(config);
		return;
	}
	ck_assert_int_eq(target.kind, cases[_i].kind);
	for (size_t i = 0; i < config->prefix_count; i++) {
		prefixes |= (unsigned)target_has_prefix(&target, config, i)
			    << i;
	}
	for (size_t i = 0; i < config->peer_count; i++) {
		peers |= (unsigned)target_has_peer(&target, i) << i;
	}
	ck_assert_uint_eq(prefixes, cases[_i].prefixes);
	ck_assert_uint_eq(peers, cases[_i].peers);
	config_route_free(config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("target");
	TCase *tests = tcase_create("target");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tests, names_find_what_they_mean, 0,
			    sizeof(cases) / sizeof(cases[0]));
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
