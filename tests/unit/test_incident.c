#include "server/route/incident.h"

#include <check.h>
#include <stdlib.h>

/* What happens to one prefix, and the incident that it is counted to. */
struct step {
	enum {
		GOOD,
		BAD,
		WITHDRAWN, /* decided */
		ANNOUNCED,
		CALM, /* all signs are good */
	} what;
	bool is_up;
	uint64_t at;
	uint64_t incident; /* expected */
};

static const struct {
	const char *name;
	struct step steps[12];
	unsigned count;
} cases[] = {
	{"good_signs_of_a_healthy_prefix_are_no_news",
	 {{GOOD, true, 0, 0}, {GOOD, true, 10, 0}},
	 2},
	{"a_fault_lasts_over_its_decision",
	 {{BAD, true, 5000, 1},
	  {BAD, true, 5200, 1},
	  {WITHDRAWN, false, 5400, 1},
	  {BAD, false, 5401, 1},
	  {BAD, false, 99000, 1}},
	 5},
	{"a_lost_probe_and_its_recovery_are_one",
	 {{BAD, true, 5000, 1},
	  {GOOD, true, 5200, 1},
	  {CALM, true, 5200, 0},
	  {BAD, true, 9000, 2}},
	 4},
	{"recovery_is_an_incident_of_its_own",
	 {{BAD, true, 5000, 1},
	  {WITHDRAWN, false, 5600, 1},
	  {GOOD, false, 9000, 2},
	  {BAD, false, 9200, 2},
	  {GOOD, false, 9400, 2},
	  {ANNOUNCED, true, 9800, 2},
	  {GOOD, true, 9900, 0},
	  {BAD, true, 20000, 3}},
	 8},
	{"a_fault_during_a_drain_is_another",
	 {{BAD, true, 5000, 1},
	  {WITHDRAWN, true, 5100, 1},
	  {BAD, true, 9000, 2}},
	 3},
	{"what_comes_within_a_second_is_shared",
	 {{BAD, true, 5000, 1},
	  {CALM, true, 5100, 0},
	  {BAD, true, 5900, 1},
	  {CALM, true, 5950, 0},
	  {BAD, true, 6000, 2}},
	 5},
};

START_TEST(signs_belong_to_their_incident)
{
	struct events *events = events_new();
	struct incident incident = {0};
	struct incident_recent recent = {0};

	for (unsigned i = 0; i < cases[_i].count; i++) {
		const struct step *step = &cases[_i].steps[i];
		uint64_t number = 0;

		switch (step->what) {
		case GOOD:
		case BAD:
			number = incident_sign(&incident, &recent, events,
					       step->what == BAD, step->is_up,
					       step->at);
			break;
		case WITHDRAWN:
		case ANNOUNCED:
			number = incident_decided(&incident,
						  step->what == ANNOUNCED);
			break;
		case CALM:
			incident_end(&incident);
			break;
		}
		ck_assert_msg(number == step->incident,
			      "%s: step %u: incident %llu", cases[_i].name, i,
			      (unsigned long long)number);
	}
	events_free(events);
}
END_TEST

START_TEST(a_fault_of_two_prefixes_is_one)
{
	struct events *events = events_new();
	struct incident prefixes[2] = {0};
	struct incident_recent recent = {0};

	ck_assert_uint_eq(
		incident_sign(&prefixes[0], &recent, events, true, true, 5000),
		incident_sign(&prefixes[1], &recent, events, true, true, 5300));
	events_free(events);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("incident");
	TCase *tests = tcase_create("incident");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tests, signs_belong_to_their_incident, 0,
			    sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tests, a_fault_of_two_prefixes_is_one);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
