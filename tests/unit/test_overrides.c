#include "server/route/overrides.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char configuration[] =
	"{\"route\": {\"router_id\": \"10.0.0.1\", \"local_as\": 64512,"
	" \"services\": {"
	"  \"dns\": {\"prefixes\": [\"192.0.2.0/24\", \"2001:db8::/48\"],"
	"   \"probe\": [\"192.0.2.53\", \"2001:db8::53\"],"
	"   \"required_zones\": [\".\"]},"
	"  \"an other\": {\"prefixes\": [\"198.51.100.0/24\"],"
	"   \"probe\": [\"198.51.100.53\"], \"required_zones\": [\".\"]}},"
	" \"peers\": [{\"address\": \"10.0.0.9\", \"as\": 65000},"
	"  {\"address\": \"2001:db8:9::9\", \"as\": 65001}]}}";

static struct config_route *config;
static struct overrides *overrides;
static char text[OVERRIDES_TEXT_MAX];
static char error[OVERRIDES_ERROR_MAX];

static void setup(void)
{
	char line[CONFIG_ERROR_MAX];

	config = config_route_parse("test", configuration,
				    strlen(configuration), line);
	ck_assert_msg(config != NULL, "%s", line);
	overrides = calloc(1, sizeof(*overrides));
}

static void teardown(void)
{
	config_route_free(config);
	free(overrides);
}

/* A command: +/- for set and clear, d/x for drain and disable, the target. */
static void command(const char *words)
{
	enum override_action action =
		words[1] == 'd' ? OVERRIDE_DRAIN : OVERRIDE_DISABLE;
	struct target target;

	ck_assert_int_eq(target_find(&target, config,
				     words[2] != '\0' ? words + 2 : NULL),
			 STATUS_OK);
	ck_assert_int_eq(
		words[0] == '+'
			? overrides_set(overrides, config, action, &target,
					"why", 1)
			: overrides_clear(overrides, config, action, &target),
		STATUS_OK);
}

/* Which prefixes and peers are overridden, as bits. */
static unsigned drained(enum override_action action)
{
	unsigned bits = 0;

	for (size_t i = 0; i < config->prefix_count; i++) {
		bits |= (unsigned)(overrides_of_prefix(overrides, config,
						       action, i) != NULL)
			<< i;
	}
	for (size_t i = 0; i < config->peer_count; i++) {
		bits |= (unsigned)(overrides_of_peer(overrides, action, i) !=
				   NULL)
			<< (i + 4);
	}
	return bits;
}

static const struct {
	const char *commands[5];
	unsigned drains;
	unsigned disables;
	size_t count;
} cases[] = {
	{{NULL}, 0, 0, 0},
	{{"+d"}, 7, 0, 1},
	{{"+ddns"}, 3, 0, 1},
	{{"+d2001:db8::/48"}, 2, 0, 1},
	{{"+d10.0.0.9"}, 0x10, 0, 1},
	{{"+x2001:db8:9::9"}, 0, 0x20, 1},
	{{"+ddns", "+ddns"}, 3, 0, 1},
	{{"+ddns", "+xdns"}, 3, 3, 2},
	{{"+ddns", "-xdns"}, 3, 0, 1},
	{{"+ddns", "-ddns"}, 0, 0, 0},
	/* A part that is taken back leaves the others. */
	{{"+ddns", "-d192.0.2.0/24"}, 2, 0, 1},
	{{"+d", "-ddns"}, 4, 0, 1},
	{{"+d", "-d192.0.2.0/24"}, 6, 0, 2},
	{{"+d", "-d10.0.0.9"}, 7, 0, 1},
	/* The whole takes its parts along; of everything, peers as well. */
	{{"+d192.0.2.0/24", "+d2001:db8::/48", "-ddns"}, 0, 0, 0},
	{{"+d192.0.2.0/24", "+dan other", "-ddns"}, 4, 0, 1},
	{{"+d10.0.0.9", "+d192.0.2.0/24", "+x10.0.0.9", "-d"}, 0, 0x10, 1},
	{{"+d192.0.2.0/24", "+ddns", "-d2001:db8::/48"}, 1, 0, 1},
};

START_TEST(commands_add_up)
{
	for (size_t i = 0; i < 5 && cases[_i].commands[i] != NULL; i++) {
		command(cases[_i].commands[i]);
	}
	ck_assert_uint_eq(drained(OVERRIDE_DRAIN), cases[_i].drains);
	ck_assert_uint_eq(drained(OVERRIDE_DISABLE), cases[_i].disables);
	ck_assert_uint_eq(overrides->count, cases[_i].count);
}
END_TEST

START_TEST(what_is_dumped_loads_again)
{
	struct overrides *copy = calloc(1, sizeof(*copy));
	struct target target = {TARGET_SERVICE, 1};
	size_t size;

	command("+d");
	command("+x2001:db8:9::9");
	ck_assert_int_eq(overrides_set(overrides, config, OVERRIDE_DISABLE,
				       &target, "a\\b \"c\"\n\xc3\xa4 end 3 ",
				       77),
			 STATUS_OK);
	size = overrides_dump(overrides, text);
	ck_assert_uint_eq(size, strlen(text));
	ck_assert_msg(overrides_load(copy, config, text, size, error) ==
			      STATUS_OK,
		      "%s", error);
	ck_assert_uint_eq(copy->count, 3);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(copy->list[i].action,
				 overrides->list[i].action);
		ck_assert_int_eq(copy->list[i].kind, overrides->list[i].kind);
		ck_assert_str_eq(copy->list[i].name, overrides->list[i].name);
		ck_assert_str_eq(copy->list[i].reason,
				 overrides->list[i].reason);
		ck_assert_int_eq(copy->list[i].since_ms,
				 overrides->list[i].since_ms);
		ck_assert(copy->list[i].is_known);
		ck_assert_uint_eq(copy->list[i].index,
				  overrides->list[i].index);
	}
	free(copy);
}
END_TEST

START_TEST(the_largest_set_fits)
{
	struct override *last;

	for (size_t i = 0; i < OVERRIDES_MAX; i++) {
		last = &overrides->list[overrides->count++];
		last->kind = TARGET_SERVICE;
		last->since_ms = INT64_MAX;
		memset(last->name, 0xff, OVERRIDE_NAME_MAX - 1);
		memset(last->reason, 0xff, OVERRIDE_REASON_MAX - 1);
	}
	ck_assert_uint_lt(overrides_dump(overrides, text), OVERRIDES_TEXT_MAX);
	command("-d");
	ck_assert_uint_eq(overrides->count, 0);
}
END_TEST

static const struct {
	const char *text;
	const char *error; /* NULL: good */
} files[] = {
	{"rootcast-route-overrides 1\nend 0\n", NULL},
	{"rootcast-route-overrides 1\ndrain all - 1\nend 1\n", NULL},
	{"rootcast-route-overrides 1\ndrain service gone 1 x\nend 1\n", NULL},
	{"rootcast-route-overrides 1\ndrain service an\\032other 1\nend 1\n",
	 NULL},
	{"", "line 1: the file ends too early"},
	{"rootcast-route-overrides 1", "line 1: the file ends too early"},
	{"rootcast-route-overrides 2\nend 0\n",
	 "line 1: not a file of overrides"},
	{"rootcast-route-overrides 1\n", "line 2: the file ends too early"},
	{"rootcast-route-overrides 1\ndrain all - 1\n",
	 "line 3: the file ends too early"},
	{"rootcast-route-overrides 1\ndrain all - 1\nend 0\n",
	 "line 3: neither 'drain', 'disable' nor 'end'"},
	{"rootcast-route-overrides 1\nend 0\nx\n",
	 "line 2: text behind the end"},
	{"rootcast-route-overrides 1\ndrain city x 1\nend 1\n",
	 "line 2: neither 'all', 'service', 'prefix' nor 'peer'"},
	{"rootcast-route-overrides 1\ndrain peer\nend 1\n",
	 "line 2: a name is missing, or malformed"},
	{"rootcast-route-overrides 1\ndrain peer \\0 1\nend 1\n",
	 "line 2: a name is missing, or malformed"},
	{"rootcast-route-overrides 1\ndrain peer x\nend 1\n",
	 "line 2: a time is missing, or malformed"},
	{"rootcast-route-overrides 1\ndrain peer x -1\nend 1\n",
	 "line 2: a time is missing, or malformed"},
	{"rootcast-route-overrides 1\ndrain peer x 99999999999999999999\nend "
	 "1\n",
	 "line 2: a time is missing, or malformed"},
	{"rootcast-route-overrides 1\ndrain peer x 1 a\tb\nend 1\n",
	 "line 2: a reason that is malformed"},
};

START_TEST(files_are_judged)
{
	enum status status;

	command("+ddns");
	error[0] = '\0';
	status = overrides_load(overrides, config, files[_i].text,
				strlen(files[_i].text), error);
	if (files[_i].error == NULL) {
		ck_assert_msg(status == STATUS_OK, "%s", error);
		return;
	}
	ck_assert_int_eq(status, STATUS_BAD_SYNTAX);
	ck_assert_str_eq(error, files[_i].error);
	/* As it was. */
	ck_assert_uint_eq(drained(OVERRIDE_DRAIN), 3);
}
END_TEST

START_TEST(what_the_configuration_does_not_know_is_kept)
{
	static const char file[] = "rootcast-route-overrides 1\n"
				   "drain service gone 1 x\nend 1\n";

	ck_assert_int_eq(overrides_load(overrides, config, file,
					sizeof(file) - 1, error),
			 STATUS_OK);
	ck_assert_uint_eq(drained(OVERRIDE_DRAIN), 0);
	overrides_dump(overrides, text);
	ck_assert_str_eq(text, file);
}
END_TEST

START_TEST(a_file_is_written_whole_and_read_again)
{
	char folder[] = "/tmp/test_overrides.XXXXXX";
	char path[64];
	size_t size;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/state", folder);
	ck_assert_int_eq(overrides_read_file(overrides, config, path, error),
			 STATUS_NOT_FOUND);
	command("+ddns");
	size = overrides_dump(overrides, text);
	for (int i = 0; i < 2; i++) {
		ck_assert_msg(overrides_write_file(path, text, size, error) ==
				      STATUS_OK,
			      "%s", error);
	}
	overrides->count = 0;
	ck_assert_int_eq(overrides_read_file(overrides, config, path, error),
			 STATUS_OK);
	ck_assert_uint_eq(drained(OVERRIDE_DRAIN), 3);
	ck_assert_int_eq(truncate(path, (off_t)size - 1), 0);
	ck_assert_int_eq(overrides_read_file(overrides, config, path, error),
			 STATUS_BAD_SYNTAX);
	ck_assert_ptr_nonnull(strstr(error, path));
	unlink(path);
	rmdir(folder);
	ck_assert_int_ne(overrides_write_file(path, text, size, error),
			 STATUS_OK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("overrides");
	TCase *tests = tcase_create("overrides");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, commands_add_up, 0,
			    sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tests, what_is_dumped_loads_again);
	tcase_add_test(tests, the_largest_set_fits);
	tcase_add_loop_test(tests, files_are_judged, 0,
			    sizeof(files) / sizeof(files[0]));
	tcase_add_test(tests, what_the_configuration_does_not_know_is_kept);
	tcase_add_test(tests, a_file_is_written_whole_and_read_again);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
