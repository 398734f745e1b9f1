#include "lib/base/control_protocol.h"
#include "server/nameserver/config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	ARGUMENTS_MAX = 80,
};

static struct config config;
static char error[CONFIG_ERROR_MAX];
static enum config_action action;
static char folder[] = "/tmp/test_server_config.XXXXXX";
static char path[256];

static void setup(void)
{
	config_init(&config);
	memset(error, 0, sizeof(error));
}

static void teardown(void)
{
	config_fini(&config);
}

static enum status parse(const char *text)
{
	return config_parse(&config, "x.json", text, strlen(text), error);
}

/* Words separated by single spaces; '$' stands for the file. */
static enum status load(const char *words)
{
	static char copy[4096];
	static char name[] = "rootcastd";
	char *argv[ARGUMENTS_MAX] = {name};
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", words);
	for (char *word = strtok(copy, " "); word != NULL;
	     word = strtok(NULL, " ")) {
		ck_assert_int_lt(argc, ARGUMENTS_MAX - 1);
		argv[argc++] = strcmp(word, "$") == 0 ? path : word;
	}
	return config_load(&config, argc, argv, &action, error);
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static const char *listen_text(size_t i)
{
	static char text[ADDRESS_TEXT_MAX];

	ck_assert_uint_lt(i, config.listen_count);
	return address_dump(&config.listen[i], text);
}

START_TEST(without_arguments_it_serves_zones_on_loopback_5300)
{
	ck_assert_int_eq(load(""), STATUS_OK);
	ck_assert_int_eq(action, CONFIG_RUN);
	ck_assert_uint_eq(config.listen_count, 2);
	ck_assert_str_eq(listen_text(0), "127.0.0.1@5300");
	ck_assert_str_eq(listen_text(1), "::1@5300");
	ck_assert(config.listen_is_default);
	ck_assert_str_eq(config.zones, "zones");
	ck_assert(config.zones_is_default);
	ck_assert_uint_ge(config.workers, 1);
	ck_assert_uint_ge(strlen(config.identity), 1);
	ck_assert_ptr_null(config.control);
	ck_assert_ptr_null(config.user);
	ck_assert_uint_eq(config.stop_ms, 60000);
	ck_assert_uint_eq(config.udp_payload, 1232);
	ck_assert_uint_eq(config.tcp.clients, 10000);
	ck_assert_uint_eq(config.tcp.clients_per_prefix, 100);
	ck_assert_uint_eq(config.tcp.idle_ms, 10000);
	ck_assert_uint_eq(config.tcp.mss, 0);
	ck_assert(!config.has_report_agent);
	ck_assert_uint_eq(config.place_count, 0);
}
END_TEST

START_TEST(every_option_is_taken)
{
	ck_assert_int_eq(load("--zones /z --listen 192.0.2.1 "
			      "--listen=2001:db8::1@5353 --workers 3 "
			      "--identity lhr1 --control /c.sock --check"),
			 STATUS_OK);
	ck_assert_int_eq(action, CONFIG_CHECK);
	ck_assert_uint_eq(config.listen_count, 2);
	ck_assert_str_eq(listen_text(0), "192.0.2.1@53");
	ck_assert_str_eq(listen_text(1), "2001:db8::1@5353");
	ck_assert(!config.listen_is_default);
	ck_assert_str_eq(config.zones, "/z");
	ck_assert(!config.zones_is_default);
	ck_assert_uint_eq(config.workers, 3);
	ck_assert_str_eq(config.identity, "lhr1");
	ck_assert_str_eq(config.control, "/c.sock");
}
END_TEST

static const struct {
	const char *words;
	const char *holds;
} bad_arguments[] = {
	{"--nonsense", "'--nonsense'"},
	{"-q", "'-q'"},
	{"zones", "'zones'"},
	{"--check zones", "'zones'"},
	{"-c", "'-c' needs a value"},
	{"--zones", "'--zones' needs a value"},
	{"--check=1", "'--check=1'"},
	{"-c /nonexistent/x.json", "/nonexistent/x.json"},
	{"--listen example.org", "--listen 'example.org'"},
	{"--listen 192.0.2.1@", "--listen '192.0.2.1@'"},
	{"--listen 192.0.2.1@65536", "65536"},
	{"--listen 192.0.2.1@0", "--listen '192.0.2.1@0'"},
	{"--listen ::1@5300 --listen 0:0::1@5300", "given twice"},
	{"--workers many", "--workers 'many'"},
	{"--workers -1", "--workers '-1'"},
	{"--workers +1", "--workers '+1'"},
	{"--workers 2x", "--workers '2x'"},
	{"--workers 257", "--workers '257'"},
	{"--workers 99999999999999999999", "--workers"},
	{"--zones=", "--zones ''"},
	{"--identity=", "--identity ''"},
	{"--control=", "--control ''"},
	{"--xdp=", "--xdp ''"},
	{"--xdp @53", "--xdp '@53'"},
	{"--xdp eth0@", "--xdp 'eth0@'"},
	{"--xdp eth0@0", "--xdp 'eth0@0'"},
	{"--xdp eth0@65536", "--xdp 'eth0@65536'"},
	{"--xdp eth0/1", "--xdp 'eth0/1'"},
	{"--xdp sixteen-letters-", "--xdp 'sixteen-letters-'"},
	{"--xdp eth0 --xdp eth0@53 --listen ::1", "given twice"},
	{"--xdp eth0@5301", "no address of 'listen' has that port"},
};

START_TEST(bad_argument_is_named)
{
	ck_assert_int_ne(load(bad_arguments[_i].words), STATUS_OK);
	ck_assert_msg(strstr(error, bad_arguments[_i].holds) != NULL,
		      "'%s': %s", bad_arguments[_i].words, error);
}
END_TEST

START_TEST(too_long_identity_and_control_path_are_refused)
{
	char words[512] = "--identity ";

	memset(words + strlen(words), 'i', 255);
	ck_assert_int_eq(load(words), STATUS_OK);
	ck_assert_uint_eq(strlen(config.identity), 255);
	strcat(words, "i");
	ck_assert_int_ne(load(words), STATUS_OK);
	ck_assert_ptr_nonnull(strstr(error, "255 octets"));

	memset(words, 0, sizeof(words));
	strcpy(words, "--control /");
	memset(words + strlen(words), 'c', CONTROL_PATH_MAX - 1);
	ck_assert_int_ne(load(words), STATUS_OK);
	ck_assert_ptr_nonnull(strstr(error, "--control"));
}
END_TEST

START_TEST(too_many_addresses_are_refused)
{
	char words[4096] = "";

	for (unsigned i = 0; i <= CONFIG_LISTEN_MAX / 2; i++) {
		char word[64];

		snprintf(word, sizeof(word), "--listen=192.0.2.1@%u ", i + 1);
		strcat(words, word);
		snprintf(word, sizeof(word), "--listen=192.0.2.2@%u ", i + 1);
		strcat(words, word);
	}
	ck_assert_int_ne(load(words), STATUS_OK);
	ck_assert_ptr_nonnull(strstr(error, "too many addresses"));
}
END_TEST

START_TEST(version_and_help_need_nothing_else)
{
	ck_assert_int_eq(load("--version -c /nonexistent"), STATUS_OK);
	ck_assert_int_eq(action, CONFIG_VERSION);
	ck_assert_int_eq(load("--help"), STATUS_OK);
	ck_assert_int_eq(action, CONFIG_HELP);
}
END_TEST

START_TEST(whole_file_is_read)
{
	ck_assert_int_eq(
		parse("{\"server\": {\"listen\": [\"192.0.2.53\", "
		      "\"2001:db8::53@54\"], \"zones\": \"/etc/z\", "
		      "\"workers\": 4, \"identity\": \"lhr1\", "
		      "\"control\": \"/run/x.sock\", \"user\": \"nobody\", "
		      "\"stop_ms\": 5, \"udp_payload\": 1400, "
		      "\"xdp\": [\"eth0@54\", \"eth1\"], "
		      "\"xdp_partial_checksum\": true, "
		      "\"xdp_busy_poll_us\": 50, \"steer\": \"cpu\", "
		      "\"report_agent\": \"a01.agent.example\", "
		      "\"tcp\": {\"clients\": 7, \"clients_per_prefix\": 3, "
		      "\"idle_ms\": 200, \"mss\": 1400}}, \"keys\": {}, "
		      "\"zones\": {\".\": {}, \"example.org\": {}, "
		      "\"example.net.\": {}}, "
		      "\"route\": {\"anything\": [1, 2]}}"),
		STATUS_OK);
	ck_assert_uint_eq(config.listen_count, 2);
	ck_assert_str_eq(listen_text(0), "192.0.2.53@53");
	ck_assert_str_eq(listen_text(1), "2001:db8::53@54");
	ck_assert_str_eq(config.zones, "/etc/z");
	ck_assert_uint_eq(config.workers, 4);
	ck_assert_str_eq(config.identity, "lhr1");
	ck_assert_str_eq(config.control, "/run/x.sock");
	ck_assert_str_eq(config.user, "nobody");
	ck_assert_uint_eq(config.stop_ms, 5);
	ck_assert_uint_eq(config.udp_payload, 1400);
	ck_assert(config.has_report_agent);
	ck_assert_mem_eq(dname_of(&config.report_agent)->octets,
			 "\3a01\5agent\7example", 19);
	ck_assert_uint_eq(config.tcp.clients, 7);
	ck_assert_uint_eq(config.tcp.clients_per_prefix, 3);
	ck_assert_uint_eq(config.tcp.idle_ms, 200);
	ck_assert_uint_eq(config.tcp.mss, 1400);
	ck_assert_uint_eq(config.xdp_count, 2);
	ck_assert_str_eq(config.xdp[0].interface, "eth0");
	ck_assert_uint_eq(config.xdp[0].port, 54);
	ck_assert_str_eq(config.xdp[1].interface, "eth1");
	ck_assert_uint_eq(config.xdp[1].port, 0);
	ck_assert(config.xdp_partial_checksum);
	ck_assert_uint_eq(config.xdp_busy_poll_us, 50);
	ck_assert_int_eq(config.steer, STEER_CPU);
	ck_assert_uint_eq(config.place_count, 3);
	ck_assert(dname_equal(dname_of(&config.places[0]), dname_root));
}
END_TEST

static const struct {
	const char *text;
	const char *starts; /* the line */
	const char *holds;
} bad_files[] = {
	{"{\"server\":\n{\"lisen\": []}}", "x.json:2: ", "lisen"},
	{"{\n\n\"sever\": {}}", "x.json:3: ", "sever"},
	{"{\"server\": []}", "x.json:1: ", "server"},
	{"{\"server\": {\n\"listen\": []}}", "x.json:2: ", "server.listen"},
	{"{\"server\": {\n\"listen\": [7]}}", "x.json:2: ", "server.listen"},
	{"{\"server\": {\"listen\": [\n\"x\"]}}", "x.json:2: ", "ADDRESS"},
	{"{\"server\": {\"listen\": [\"::1\",\n\"::1\"]}}",
	 "x.json:2: ", "twice"},
	{"{\"server\": {\"workers\": -1}}", "x.json:1: ", "server.workers"},
	{"{\"server\": {\"workers\": 257}}", "x.json:1: ", "server.workers"},
	{"{\"server\": {\"workers\": \"2\"}}", "x.json:1: ", "server.workers"},
	{"{\"server\": {\"identity\": \"\"}}", "x.json:1: ", "server.identity"},
	{"{\"server\": {\"udp_payload\": 511}}", "x.json:1: ", "udp_payload"},
	{"{\"server\": {\"udp_payload\": 4097}}", "x.json:1: ", "udp_payload"},
	{"{\"server\": {\n\"report_agent\": \".\"}}",
	 "x.json:2: ", "server.report_agent: must not be the root"},
	{"{\"server\": {\n\"report_agent\": \"\"}}",
	 "x.json:2: ", "server.report_agent: not a domain name"},
	{"{\"server\": {\n\"report_agent\": \"a..b\"}}",
	 "x.json:2: ", "server.report_agent: not a domain name"},
	{"{\"server\": {\n\"report_agent\": 5}}",
	 "x.json:2: ", "server.report_agent"},
	{"{\"server\": {\"tcp\": {\"clients\": 0}}}",
	 "x.json:1: ", "server.tcp.clients"},
	{"{\"server\": {\"tcp\": {\"idle_ms\": 99}}}",
	 "x.json:1: ", "server.tcp.idle_ms"},
	{"{\"server\": {\"tcp\": {\"mss\": 100}}}",
	 "x.json:1: ", "server.tcp.mss"},
	{"{\"server\": {\"tcp\": {\"client\": 1}}}",
	 "x.json:1: ", "server.tcp.client"},
	{"{\"server\": {\n\"xdp\": [\"eth0@x\"]}}", "x.json:2: ", "INTERFACE"},
	{"{\"server\": {\"xdp\": [\n7]}}", "x.json:2: ", "server.xdp"},
	{"{\"server\": {\n\"xdp\": \"eth0\"}}", "x.json:2: ", "server.xdp"},
	{"{\"server\": {\n\"xdp_partial_checksum\": 1}}",
	 "x.json:2: ", "server.xdp_partial_checksum"},
	{"{\"server\": {\n\"xdp_busy_poll_us\": 10001}}",
	 "x.json:2: ", "server.xdp_busy_poll_us"},
	{"{\"server\": {\n\"steer\": \"core\"}}",
	 "x.json:2: ", "server.steer: must be \"auto\""},
	{"{\"server\": {\n\"steer\": true}}", "x.json:2: ", "server.steer"},
	{"{\"server\": {\n\"metrics\": \"::1@9153\"}}",
	 "x.json:2: ", "not carry"},
	{"{\"server\": {\n\"state\": \"/var\"}}", "x.json:2: ", "not carry"},
	{"{\n\"keys\": {\"k\": {}}}", "x.json:2: ", "not carry"},
	{"{\"zones\": {\".\": {\n\"primaries\": []}}}",
	 "x.json:2: ", "not carry"},
	{"{\"zones\": {\".\": {\n\"trust_anchor\": 1}}}",
	 "x.json:2: ", "zones[\".\"].trust_anchor: must be a string"},
	{"{\"zones\": {\".\": {\n\"trust_anchor\": []}}}",
	 "x.json:2: ", "a list of 1 to 16"},
	{"{\"zones\": {\".\": {\n\"trust_anchor\": [\n\"1 8 2 00\"]}}}",
	 "x.json:3: ", "trust_anchor[0]: its digest has a wrong length"},
	{"{\"zones\": {\".\": {\"zonemd\": \"ignore\",\n\"trust_anchor\": "
	 "\"257 3 15 AAAA\"}}}",
	 "x.json:2: ", "is not used where"},
	{"{\"zones\": {\".\": {\n\"zonemd\": \"Check\"}}}",
	 "x.json:2: ", "zones[\".\"].zonemd"},
	{"{\"zones\": {\".\": {\n\"zonemd\": true}}}", "x.json:2: ", "zonemd"},
	{"{\"zones\": {\".\": {\n\"transfer_to\": []}}}",
	 "x.json:2: ", "not carry"},
	{"{\"zones\": {\".\": {\n\"notify\": []}}}", "x.json:2: ", "not carry"},
	{"{\"zones\": {\".\": {\n\"primary\": []}}}", "x.json:2: ", "primary"},
	{"{\"zones\": {\".\": 1}}", "x.json:1: ", "zones"},
	{"{\"zones\": {\n\"a..b\": {}}}", "x.json:2: ", "domain name"},
	{"{\"zones\": {\"a.b\": {},\n\"A.B.\": {}}}", "x.json:2: ", "twice"},
	{"{\"route\": 1}", "x.json:1: ", "route"},
};

START_TEST(bad_file_is_one_line_with_key_and_place)
{
	ck_assert_int_ne(parse(bad_files[_i].text), STATUS_OK);
	ck_assert_msg(strncmp(error, bad_files[_i].starts,
			      strlen(bad_files[_i].starts)) == 0,
		      "%s", error);
	ck_assert_msg(strstr(error, bad_files[_i].holds) != NULL, "%s", error);
}
END_TEST

START_TEST(zonemd_policies_are_kept_with_their_zones)
{
	ck_assert_msg(
		parse("{\"zones\": {\"a\": {}, \"B.\": {\"zonemd\": "
		      "\"ignore\"}, \".\": {\"zonemd\": \"require\", "
		      "\"trust_anchor\": [\"257 3 15 AAAA\", \"DNSKEY 257 "
		      "3 13 AAAAAA==\"]}, \"c\": {\"trust_anchor\": \"257 3 "
		      "8 AA==\"}}}") == STATUS_OK,
		"%s", error);
	ck_assert_uint_eq(config.place_count, 4);
	ck_assert_uint_eq(config.rule_count, 3);
	ck_assert_int_eq(config.rules[0].policy, ZONEMD_POLICY_IGNORE);
	ck_assert(dname_equal(dname_of(&config.rules[0].name),
			      dname_of(&config.places[1])));
	ck_assert_uint_eq(config.rules[0].anchor_count, 0);
	ck_assert_int_eq(config.rules[1].policy, ZONEMD_POLICY_REQUIRE);
	ck_assert_uint_eq(config.rules[1].name.length, 1);
	ck_assert_uint_eq(config.rules[1].anchor_count, 2);
	ck_assert_uint_eq(config.rules[1].anchors[1].size, 8);
	ck_assert_int_eq(config.rules[2].policy, ZONEMD_POLICY_CHECK);
	ck_assert_uint_eq(config.rules[2].anchor_count, 1);
}
END_TEST

START_TEST(options_override_the_file_wherever_it_stands)
{
	write_file("{\"server\": {\"listen\": [\"192.0.2.1\", \"192.0.2.2\"], "
		   "\"workers\": 9, \"identity\": \"file\", "
		   "\"zones\": \"/file\", \"control\": \"/file.sock\"}}");
	ck_assert_int_eq(load("--listen ::1 --workers 2 --identity me -c $ "
			      "--zones /mine --control /mine.sock"),
			 STATUS_OK);
	ck_assert_uint_eq(config.listen_count, 1);
	ck_assert_str_eq(listen_text(0), "::1@53");
	ck_assert_uint_eq(config.workers, 2);
	ck_assert_str_eq(config.identity, "me");
	ck_assert_str_eq(config.zones, "/mine");
	ck_assert_str_eq(config.control, "/mine.sock");
}
END_TEST

START_TEST(file_without_options_is_what_runs)
{
	write_file("{\"server\": {\"listen\": [\"192.0.2.1\"], "
		   "\"identity\": \"file\"}}");
	ck_assert_int_eq(load("-c $"), STATUS_OK);
	ck_assert_uint_eq(config.listen_count, 1);
	ck_assert(!config.listen_is_default);
	ck_assert_str_eq(config.identity, "file");
}
END_TEST

START_TEST(bad_file_stops_even_where_options_are_good)
{
	write_file("{\"server\": {\n\"listens\": []}}");
	ck_assert_int_ne(load("-c $ --listen ::1"), STATUS_OK);
	ck_assert_msg(strncmp(error, path, strlen(path)) == 0, "%s", error);
	ck_assert_ptr_nonnull(strstr(error, ":2: "));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("server_config");
	TCase *tc = tcase_create("config");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (mkdtemp(folder) == NULL) {
		perror(folder);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/config.json", folder);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, without_arguments_it_serves_zones_on_loopback_5300);
	tcase_add_test(tc, every_option_is_taken);
	tcase_add_loop_test(tc, bad_argument_is_named, 0,
			    sizeof(bad_arguments) / sizeof(bad_arguments[0]));
	tcase_add_test(tc, too_long_identity_and_control_path_are_refused);
	tcase_add_test(tc, too_many_addresses_are_refused);
	tcase_add_test(tc, version_and_help_need_nothing_else);
	tcase_add_test(tc, whole_file_is_read);
	tcase_add_loop_test(tc, bad_file_is_one_line_with_key_and_place, 0,
			    sizeof(bad_files) / sizeof(bad_files[0]));
	tcase_add_test(tc, zonemd_policies_are_kept_with_their_zones);
	tcase_add_test(tc, options_override_the_file_wherever_it_stands);
	tcase_add_test(tc, file_without_options_is_what_runs);
	tcase_add_test(tc, bad_file_stops_even_where_options_are_good);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	unlink(path);
	rmdir(folder);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
