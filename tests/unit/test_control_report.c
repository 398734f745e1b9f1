#include "server/route/control_report.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct probe_zone zones[2];
static struct control_serial serials[2];
static enum health_zone states[2];
static struct control_message message;

static void load(void)
{
	ck_assert_int_eq(probe_zone_load(&zones[0], "."), STATUS_OK);
	ck_assert_int_eq(probe_zone_load(&zones[1], "example.org"), STATUS_OK);
	states[0] = HEALTH_ZONE_STALE;
	states[1] = HEALTH_ZONE_STALE;
}

static enum status read_line(const char *line)
{
	return control_report_read(&message, line, strlen(line), zones, 2,
				   states, serials);
}

#define TRANSPORT(name, queries, pass)                                        \
	"{\"transport\": \"" name "\", \"batches\": 5, \"queries\": " queries \
	", \"drops\": 1, \"last_pass_ms\": " pass ", \"waiting\": 2}"
#define WORKER(id, transports) \
	"{\"id\": " id ", \"online_ms\": 0, \"transports\": [" transports "]}"
#define REPORT(state, workers, more)                          \
	"{\"report\": 1, \"time_ms\": 5, \"state\": \"" state \
	"\", \"identity\": \"lhr1\", \"workers\": [" workers "]" more "}"

START_TEST(report_is_summed_up)
{
	ck_assert_int_eq(
		read_line(REPORT(
			"running",
			WORKER("0",
			       TRANSPORT("udp", "10", "3") "," TRANSPORT(
				       "tcp", "20",
				       "4")) "," WORKER("7",
							TRANSPORT("udp", "100", "900") "," TRANSPORT(
								"xdp", "1000",
								"5")),
			"")),
		STATUS_OK);
	ck_assert_int_eq(message.kind, CONTROL_LINE_REPORT);
	ck_assert_str_eq(message.text, "lhr1");
	ck_assert(!message.report.is_stopping);
	ck_assert(!message.has_zones);
	ck_assert_uint_eq(message.report.workers, 2);
	ck_assert_uint_eq(message.report.totals[HEALTH_UDP].queries, 1110);
	ck_assert_uint_eq(message.report.totals[HEALTH_TCP].queries, 20);
	ck_assert_uint_eq(message.report.totals[HEALTH_UDP].drops, 3);
	ck_assert_uint_eq(message.report.totals[HEALTH_UDP].waiting, 6);
	ck_assert_uint_eq(message.report.oldest_worker, 7);
	ck_assert_uint_eq(message.report.oldest_pass_ms, 900);
	ck_assert_int_eq(states[0], HEALTH_ZONE_STALE);
}
END_TEST

START_TEST(stopping_is_seen)
{
	ck_assert_int_eq(read_line(REPORT("stopping", "", "")), STATUS_OK);
	ck_assert(message.report.is_stopping);
	ck_assert_uint_eq(message.report.workers, 0);
}
END_TEST

static const struct {
	const char *list;
	enum health_zone root;
	enum health_zone other;
} lists[] = {
	{"[]", HEALTH_ZONE_MISSING, HEALTH_ZONE_MISSING},
	{"[{\"name\": \".\", \"serial\": 1, \"state\": \"served\"}]",
	 HEALTH_ZONE_SERVED, HEALTH_ZONE_MISSING},
	{"[{\"name\": \"EXAMPLE.org.\", \"state\": \"expired\"}]",
	 HEALTH_ZONE_MISSING, HEALTH_ZONE_EXPIRED},
	{"[{\"name\": \".\", \"state\": \"stale\"},"
	 "{\"name\": \"example.org\", \"state\": \"loading\"}]",
	 HEALTH_ZONE_STALE, HEALTH_ZONE_LOADING},
	/* A second file claims the name: what is served counts. */
	{"[{\"name\": \".\", \"state\": \"served\"},"
	 "{\"name\": \".\", \"state\": \"failed\"}]",
	 HEALTH_ZONE_SERVED, HEALTH_ZONE_MISSING},
	{"[{\"name\": \".\", \"state\": \"failed\"},"
	 "{\"name\": \".\", \"state\": \"served\"}]",
	 HEALTH_ZONE_SERVED, HEALTH_ZONE_MISSING},
	/* What is not understood is not fit. */
	{"[{\"name\": \".\", \"state\": \"splendid\"}, 7, {\"name\": 8},"
	 "{\"name\": \"a..b\", \"state\": \"served\"}]",
	 HEALTH_ZONE_MISSING, HEALTH_ZONE_MISSING},
};

START_TEST(zones_are_brought_up_to_date)
{
	char line[1000];

	snprintf(line, sizeof(line),
		 "{\"report\": 1, \"state\": \"running\", \"workers\": [], "
		 "\"zones\": %s}",
		 lists[_i].list);
	ck_assert_int_eq(read_line(line), STATUS_OK);
	ck_assert(message.has_zones);
	ck_assert_int_eq(states[0], lists[_i].root);
	ck_assert_int_eq(states[1], lists[_i].other);
	ck_assert_int_eq(serials[0].is_known, _i == 1);
	ck_assert(!serials[0].is_known || serials[0].serial == 1);
}
END_TEST

static const char *const bad_lines[] = {
	"",
	"{",
	"[]",
	"7",
	"{\"report\": 1}",
	REPORT("running", "7", ""),
	REPORT("running", WORKER("-1", ""), ""),
	REPORT("running", WORKER("0", "{}"), ""),
	REPORT("running", WORKER("0", TRANSPORT("udp", "-1", "0")), ""),
	REPORT("running", WORKER("0", TRANSPORT("udp", "1.5", "0")), ""),
	REPORT("running", "", ", \"zones\": {}"),
	"{\"report\": 1, \"state\": 7, \"workers\": []}",
	"{\"report\": 1, \"state\": \"running\", \"workers\": {}}",
	/* A key that stands twice. */
	("{\"report\": 1, \"state\": \"running\", \"state\": \"stopping\", "
	 "\"workers\": []}"),
};

START_TEST(bad_line_changes_nothing)
{
	message.kind = CONTROL_LINE_OTHER;
	ck_assert_int_eq(read_line(bad_lines[_i]), STATUS_BAD_SYNTAX);
	ck_assert_int_eq(message.kind, CONTROL_LINE_OTHER);
	ck_assert_int_eq(states[0], HEALTH_ZONE_STALE);
	ck_assert_int_eq(states[1], HEALTH_ZONE_STALE);
}
END_TEST

START_TEST(replies_are_told_apart)
{
	ck_assert_int_eq(read_line("{\"ok\": true}"), STATUS_OK);
	ck_assert_int_eq(message.kind, CONTROL_LINE_REPLY_OK);
	ck_assert_int_eq(read_line("{\"ok\": false, \"error\": \"busy\"}"),
			 STATUS_OK);
	ck_assert_int_eq(message.kind, CONTROL_LINE_REPLY_BAD);
	ck_assert_str_eq(message.text, "busy");
	ck_assert_int_eq(read_line("{\"handover\": 2000}"), STATUS_OK);
	ck_assert_int_eq(message.kind, CONTROL_LINE_OTHER);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("control_report");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, load, NULL);
	tcase_add_test(tcase, report_is_summed_up);
	tcase_add_test(tcase, stopping_is_seen);
	tcase_add_loop_test(tcase, zones_are_brought_up_to_date, 0,
			    COUNT(lists));
	tcase_add_loop_test(tcase, bad_line_changes_nothing, 0,
			    COUNT(bad_lines));
	tcase_add_test(tcase, replies_are_told_apart);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
