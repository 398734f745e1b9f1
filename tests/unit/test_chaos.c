#include "lib/answer/chaos.h"

#include "tests/unit/message_builder.h"

#include <check.h>

static struct answer answer;
static struct query query;

static void ask(const struct chaos *chaos, const char *name, unsigned qtype)
{
	struct built b;

	built_start(&b, 1, 0);
	built_question(&b, name, qtype, RRCLASS_CH);
	built_counts(&b, 1, 0, 0, 0);
	ck_assert(query_parse(b.octets, b.size, &query));
	chaos_choose(chaos, &query, &answer);
}

static const struct chaos_case {
	const char *name;
	unsigned qtype;
	const char *text; /* NULL: REFUSED */
} cases[] = {
	{"id.server.", RRTYPE_TXT, "lhr1"},
	{"hostname.bind.", RRTYPE_TXT, "lhr1"},
	{"version.server.", RRTYPE_TXT, "Rootcast 1"},
	{"version.bind.", RRTYPE_TXT, "Rootcast 1"},
	{"VERSION.Bind.", RRTYPE_TXT, "Rootcast 1"},
	{"version.bind.", RRTYPE_ANY, "Rootcast 1"},
	{"version.bind.", RRTYPE_A, NULL},
	{"authors.bind.", RRTYPE_TXT, NULL},
	{"bind.", RRTYPE_TXT, NULL},
	{".", RRTYPE_TXT, NULL},
	{"x.id.server.", RRTYPE_TXT, NULL},
};

START_TEST(question_gives)
{
	const struct chaos_case *c = &cases[_i];
	struct chaos *chaos = chaos_new("lhr1", "Rootcast 1");

	ask(chaos, c->name, c->qtype);
	if (c->text == NULL) {
		ck_assert_uint_eq(answer.rcode, RCODE_REFUSED);
		ck_assert_uint_eq(answer.answers, 0);
	} else {
		const uint8_t *record;
		size_t length = strlen(c->text);

		ck_assert_uint_eq(answer.rcode, RCODE_NOERROR);
		ck_assert_uint_eq(answer.rrclass, RRCLASS_CH);
		ck_assert_uint_eq(answer.answers, 1);
		record = rrset_first(answer.answer[0].rrset);
		ck_assert_uint_eq(rdata_length(record), length + 1);
		ck_assert_uint_eq(rdata_octets(record)[0], length);
		ck_assert_mem_eq(rdata_octets(record) + 1, c->text, length);
		ck_assert_uint_eq(answer.answer[0].rrset->ttl, 0);
	}
	chaos_free(chaos);
}
END_TEST

START_TEST(without_identity_is_refused)
{
	struct chaos *chaos = chaos_new("", NULL);

	ask(chaos, "id.server.", RRTYPE_TXT);
	ck_assert_uint_eq(answer.rcode, RCODE_REFUSED);
	ask(chaos, "version.bind.", RRTYPE_TXT);
	ck_assert_uint_eq(answer.rcode, RCODE_REFUSED);
	chaos_free(chaos);
}
END_TEST

START_TEST(long_text_is_cut_into_strings)
{
	static const size_t lengths[] = {1, 254, 255, 256, 510, 511};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char text[600];
		struct chaos *chaos;
		const uint8_t *record;

		memset(text, 'v', lengths[i]);
		text[lengths[i]] = '\0';
		chaos = chaos_new("x", text);
		ask(chaos, "version.server.", RRTYPE_TXT);
		record = rrset_first(answer.answer[0].rrset);
		ck_assert(rdata_is_valid(RRTYPE_TXT, rdata_octets(record),
					 rdata_length(record)));
		ck_assert_uint_eq(rdata_length(record),
				  lengths[i] + (lengths[i] + 254) / 255);
		chaos_free(chaos);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("chaos");
	TCase *tcase = tcase_create("chaos");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, question_gives, 0,
			    sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, without_identity_is_refused);
	tcase_add_test(tcase, long_text_is_cut_into_strings);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
