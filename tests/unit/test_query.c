#include "lib/answer/query.h"

#include "tests/unit/message_builder.h"

#include <check.h>

static const uint8_t tsig_rdata[] = {
	11, 'h', 'm', 'a', 'c', '-', 's', 'h', 'a', '2', '5', '6', 0, /* name */
	1,  2,   3,   4,   5,   6,                                    /* time */
	0,  44,  0,   0, /* fudge, no MAC */
	0,  7,   0,   0,   0,   0,
};

/* Each builder makes one message; the table says what must come of it. */
static void plain(struct built *b)
{
	built_query(b, "www.Example.", RRTYPE_A, 0, false);
}

static void with_opt(struct built *b)
{
	built_query(b, "www.example.", RRTYPE_A, 1400, true);
}

static void small_payload(struct built *b)
{
	built_query(b, ".", RRTYPE_NS, 511, true);
}

static void largest_name(struct built *b)
{
	char text[256];

	/* 3 labels of 63 octets and one of 61: 255 octets with the root. */
	memset(text, 'a', sizeof(text));
	text[63] = text[127] = text[191] = '.';
	text[253] = '\0';
	built_query(b, text, RRTYPE_A, 1232, true);
}

static void name_too_long(struct built *b)
{
	uint8_t label[64];

	memset(label, 'a', sizeof(label));
	label[0] = 62;
	built_start(b, 1, 0);
	for (int i = 0; i < 4; i++) {
		label[0] = 63;
		built_put(b, label, 64);
	}
	built_put(b, "", 1);
	built_put16(b, 1);
	built_put16(b, 1);
	built_counts(b, 1, 0, 0, 0);
}

static void no_question(struct built *b)
{
	built_start(b, 1, 0);
}

static void no_question_with_opt(struct built *b)
{
	built_start(b, 1, 0);
	built_opt(b, 1232, 0, 0, "", 0);
	built_counts(b, 0, 0, 0, 1);
}

static void two_questions(struct built *b)
{
	built_start(b, 1, 0);
	built_question(b, "a.", 1, 1);
	built_question(b, "b.", 1, 1);
	built_counts(b, 2, 0, 0, 0);
}

static void question_missing(struct built *b)
{
	built_start(b, 1, 0);
	built_counts(b, 1, 0, 0, 0);
}

static void pointer_in_question(struct built *b)
{
	built_start(b, 1, 0);
	built_put(b, "\1a\300\014\0\1\0\1", 8);
	built_counts(b, 1, 0, 0, 0);
}

static void extended_label(struct built *b)
{
	built_start(b, 1, 0);
	built_put(b, "\101\0\0\1\0\1", 6);
	built_counts(b, 1, 0, 0, 0);
}

static void trailing_octet(struct built *b)
{
	built_query(b, "a.", 1, 1232, false);
	built_put(b, "", 1);
}

static void answer_record(struct built *b)
{
	built_start(b, 1, 0);
	built_question(b, "a.", 1, 1);
	built_record(b, "a.", RRTYPE_A, 1, "\1\2\3\4", 4);
	built_counts(b, 1, 1, 0, 0);
}

static void records_around_opt(struct built *b)
{
	built_start(b, 1, 0);
	built_question(b, "a.", 1, 1);
	built_record(b, "a.", RRTYPE_A, 1, "\1\2\3\4", 4);
	built_opt(b, 4096, 0, EDNS_DO, "", 0);
	built_record(b, "a.", RRTYPE_TXT, 1, "\0", 1);
	built_counts(b, 1, 0, 0, 3);
}

static void record_past_end(struct built *b)
{
	built_start(b, 1, 0);
	built_question(b, "a.", 1, 1);
	built_record(b, "a.", RRTYPE_A, 1, "\1\2\3\4", 4);
	b->octets[b->size - 5] = 5;
	built_counts(b, 1, 0, 0, 1);
}

static void fewer_records(struct built *b)
{
	built_query(b, "a.", 1, 1232, false);
	built_counts(b, 1, 0, 0, 2);
}

static void all_counts_high(struct built *b)
{
	built_query(b, "a.", 1, 1232, false);
	built_counts(b, 1, 65535, 65535, 65535);
}

static void two_opts(struct built *b)
{
	built_query(b, "a.", 1, 1232, true);
	built_opt(b, 1232, 0, 0, "", 0);
	built_counts(b, 1, 0, 0, 2);
}

static void opt_in_answer(struct built *b)
{
	built_query(b, "a.", 1, 1232, true);
	built_counts(b, 1, 1, 0, 0);
}

static void opt_not_root(struct built *b)
{
	built_start(b, 1, 0);
	built_question(b, "a.", 1, 1);
	built_record(b, "a.", RRTYPE_OPT, 1232, "", 0);
	built_counts(b, 1, 0, 0, 1);
}

static void opt_root_by_pointer(struct built *b)
{
	built_start(b, 1, 0);
	built_question(b, ".", 1, 1);
	built_put(b, "\300\014\0\51\4\320\0\0\0\0\0\0", 12);
	built_counts(b, 1, 0, 0, 1);
}

static void version_1(struct built *b)
{
	built_start(b, 1, 0);
	built_question(b, "a.", 1, 1);
	built_opt(b, 1232, 1, EDNS_DO, "", 0);
	built_counts(b, 1, 0, 0, 1);
}

static void version_1_strange_options(struct built *b)
{
	built_start(b, 1, 0);
	built_question(b, "a.", 1, 1);
	built_opt(b, 1232, 1, 0, "\0\3\0\5", 4);
	built_counts(b, 1, 0, 0, 1);
}

static void version_1_unknown_opcode(struct built *b)
{
	version_1(b);
	b->octets[2] = 15 << 3;
}

static void nsid(struct built *b)
{
	built_start(b, 1, 0);
	built_question(b, "a.", 1, 1);
	built_opt(b, 1232, 0, 0xffff, "\0\3\0\0", 4);
	built_counts(b, 1, 0, 0, 1);
}

static void unknown_options(struct built *b)
{
	built_start(b, 1, 0);
	built_question(b, "a.", 1, 1);
	built_opt(b, 1232, 0, 0, "\377\360\0\3abc\0\12\0\10abcdefgh", 19);
	built_counts(b, 1, 0, 0, 1);
}

static void option_past_end(struct built *b)
{
	built_start(b, 1, 0);
	built_question(b, "a.", 1, 1);
	built_opt(b, 1232, 0, 0, "\0\3\0\2a", 5);
	built_counts(b, 1, 0, 0, 1);
}

static void option_head_cut(struct built *b)
{
	built_start(b, 1, 0);
	built_question(b, "a.", 1, 1);
	built_opt(b, 1232, 0, 0, "\0\3\0", 3);
	built_counts(b, 1, 0, 0, 1);
}

static void opcode_status(struct built *b)
{
	built_query(b, "a.", 1, 1232, false);
	b->octets[2] = OPCODE_STATUS << 3;
}

static void opcode_dso(struct built *b)
{
	built_start(b, 1, OPCODE_DSO << 11);
	built_put(b, "\0\1\0\0", 4);
}

static void opcode_update(struct built *b)
{
	built_query(b, "a.", RRTYPE_SOA, 0, false);
	b->octets[2] = OPCODE_UPDATE << 3;
}

static void opcode_notify(struct built *b)
{
	built_query(b, "a.", RRTYPE_SOA, 0, false);
	b->octets[2] = OPCODE_NOTIFY << 3;
}

static void opcode_notify_empty(struct built *b)
{
	built_start(b, 1, OPCODE_NOTIFY << 11);
}

static void tsig(struct built *b)
{
	built_query(b, "a.", 1, 1232, false);
	built_record(b, "key.", RRTYPE_TSIG, RRCLASS_ANY, tsig_rdata,
		     sizeof(tsig_rdata));
	built_counts(b, 1, 0, 0, 2);
}

static void notify_with_tsig(struct built *b)
{
	tsig(b);
	b->octets[2] = OPCODE_NOTIFY << 3;
}

static void tsig_not_last(struct built *b)
{
	built_start(b, 1, 0);
	built_question(b, "a.", 1, 1);
	built_record(b, "key.", RRTYPE_TSIG, RRCLASS_ANY, tsig_rdata,
		     sizeof(tsig_rdata));
	built_opt(b, 1232, 0, 0, "", 0);
	built_counts(b, 1, 0, 0, 2);
}

static void tsig_short(struct built *b)
{
	built_start(b, 1, 0);
	built_question(b, "a.", 1, 1);
	built_record(b, "key.", RRTYPE_TSIG, RRCLASS_ANY, tsig_rdata,
		     sizeof(tsig_rdata) - 3);
	built_counts(b, 1, 0, 0, 1);
}

static const struct parse_case {
	const char *name;
	void (*build)(struct built *b);
	unsigned rcode;
	bool has_question;
	bool has_edns;
	bool wants_dnssec;
	unsigned payload;
} cases[] = {
	{"plain", plain, RCODE_NOERROR, true, false, false, 512},
	{"with_opt", with_opt, RCODE_NOERROR, true, true, true, 1400},
	{"payload_under_512_is_512", small_payload, RCODE_NOERROR, true, true,
	 true, 512},
	{"name_of_255_octets", largest_name, RCODE_NOERROR, true, true, true,
	 1232},
	{"name_of_257_octets", name_too_long, RCODE_FORMERR, false, false,
	 false, 512},
	{"no_question", no_question, RCODE_FORMERR, false, false, false, 512},
	{"no_question_with_opt", no_question_with_opt, RCODE_FORMERR, false,
	 true, false, 1232},
	{"two_questions", two_questions, RCODE_FORMERR, false, false, false,
	 512},
	{"question_missing", question_missing, RCODE_FORMERR, false, false,
	 false, 512},
	{"pointer_in_question", pointer_in_question, RCODE_FORMERR, false,
	 false, false, 512},
	{"extended_label", extended_label, RCODE_FORMERR, false, false, false,
	 512},
	{"trailing_octet", trailing_octet, RCODE_FORMERR, true, true, false,
	 1232},
	{"answer_record_is_skipped", answer_record, RCODE_NOERROR, true, false,
	 false, 512},
	{"records_around_opt_are_skipped", records_around_opt, RCODE_NOERROR,
	 true, true, true, 4096},
	{"record_past_end", record_past_end, RCODE_FORMERR, true, false, false,
	 512},
	{"fewer_records_than_counted", fewer_records, RCODE_FORMERR, true, true,
	 false, 1232},
	{"all_counts_65535", all_counts_high, RCODE_FORMERR, true, false, false,
	 512},
	{"two_opts", two_opts, RCODE_FORMERR, true, true, true, 1232},
	{"opt_in_answer", opt_in_answer, RCODE_FORMERR, true, false, false,
	 512},
	{"opt_owner_not_root", opt_not_root, RCODE_FORMERR, true, false, false,
	 512},
	{"opt_owner_root_by_pointer", opt_root_by_pointer, RCODE_FORMERR, true,
	 false, false, 512},
	{"version_1", version_1, RCODE_BADVERS, true, true, true, 1232},
	{"version_1_strange_options", version_1_strange_options, RCODE_BADVERS,
	 true, true, false, 1232},
	{"version_1_beats_unknown_opcode", version_1_unknown_opcode,
	 RCODE_BADVERS, true, true, true, 1232},
	{"nsid_and_all_flags", nsid, RCODE_NOERROR, true, true, true, 1232},
	{"unknown_options_ignored", unknown_options, RCODE_NOERROR, true, true,
	 false, 1232},
	{"option_past_end", option_past_end, RCODE_FORMERR, true, true, false,
	 1232},
	{"option_head_cut", option_head_cut, RCODE_FORMERR, true, true, false,
	 1232},
	{"opcode_status", opcode_status, RCODE_NOTIMP, true, true, false, 1232},
	{"opcode_dso_with_tlv", opcode_dso, RCODE_NOTIMP, false, false, false,
	 512},
	{"opcode_update", opcode_update, RCODE_NOTIMP, true, false, false, 512},
	{"opcode_notify", opcode_notify, RCODE_REFUSED, true, false, false,
	 512},
	{"opcode_notify_empty", opcode_notify_empty, RCODE_FORMERR, false,
	 false, false, 512},
	{"tsig", tsig, RCODE_NOTAUTH, true, true, false, 1232},
	{"notify_with_tsig", notify_with_tsig, RCODE_NOTAUTH, true, true, false,
	 1232},
	{"tsig_not_last", tsig_not_last, RCODE_FORMERR, true, false, false,
	 512},
	{"tsig_short", tsig_short, RCODE_FORMERR, true, false, false, 512},
};

START_TEST(message_gives)
{
	const struct parse_case *c = &cases[_i];
	struct built b;
	struct query query;

	c->build(&b);
	ck_assert_msg(query_parse(b.octets, b.size, &query), "%s", c->name);
	ck_assert_msg(query.rcode == c->rcode, "%s: rcode %u", c->name,
		      query.rcode);
	ck_assert_msg((query.question_size > 0) == c->has_question,
		      "%s: question", c->name);
	ck_assert_msg(query.has_edns == c->has_edns, "%s: edns", c->name);
	ck_assert_msg(query.wants_dnssec == c->wants_dnssec, "%s: DO", c->name);
	ck_assert_msg(query.udp_payload == c->payload, "%s: payload %u",
		      c->name, query.udp_payload);
}
END_TEST

/* Cut anywhere, a message is silence or an error, never an answer. */
START_TEST(message_cut_short_is_never_good)
{
	const struct parse_case *c = &cases[_i];
	struct built b;

	c->build(&b);
	for (size_t size = 0; size < b.size; size++) {
		/* Of exactly that size, so that a sanitizer sees one more. */
		uint8_t *exact = malloc(size + (size == 0));
		struct query query;
		bool is_query;

		memcpy(exact, b.octets, size);
		is_query = query_parse(exact, size, &query);
		ck_assert_msg(is_query == (size >= 12), "%s: %zu", c->name,
			      size);
		/* That message is good without its last octet. */
		if (is_query &&
		    (c->build != trailing_octet || size + 1 < b.size)) {
			ck_assert_msg(query.rcode != RCODE_NOERROR,
				      "%s: %zu octets", c->name, size);
		}
		free(exact);
	}
}
END_TEST

START_TEST(response_is_ignored)
{
	struct built b;
	struct query query;

	plain(&b);
	b.octets[2] |= 0x80;
	ck_assert(!query_parse(b.octets, b.size, &query));
}
END_TEST

START_TEST(question_is_kept_as_spelled)
{
	struct built b;
	struct query query;

	plain(&b);
	ck_assert(query_parse(b.octets, b.size, &query));
	ck_assert_uint_eq(query.id, 0x1234);
	ck_assert_uint_eq(query.qtype, RRTYPE_A);
	ck_assert_uint_eq(query.qclass, RRCLASS_IN);
	ck_assert_uint_eq(query.question_size, 13 + 4);
	ck_assert_ptr_eq(query.question, b.octets + 12);
	ck_assert_mem_eq(query_name(&query)->octets, "\3www\7Example", 13);
	ck_assert_uint_eq(query_name(&query)->labels, 2);
	ck_assert(!query.wants_nsid);
	nsid(&b);
	ck_assert(query_parse(b.octets, b.size, &query));
	ck_assert(query.wants_nsid);
}
END_TEST

START_TEST(tsig_fields_are_kept)
{
	struct built b;
	struct query query;

	tsig(&b);
	ck_assert(query_parse(b.octets, b.size, &query));
	ck_assert(query.has_tsig);
	ck_assert_mem_eq(dname_of(&query.tsig_key)->octets, "\3key", 5);
	ck_assert_mem_eq(query.tsig_time, "\1\2\3\4\5\6\0\54", 8);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("query");
	TCase *tcase = tcase_create("query");
	int count = sizeof(cases) / sizeof(cases[0]);
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, message_gives, 0, count);
	tcase_add_loop_test(tcase, message_cut_short_is_never_good, 0, count);
	tcase_add_test(tcase, response_is_ignored);
	tcase_add_test(tcase, question_is_kept_as_spelled);
	tcase_add_test(tcase, tsig_fields_are_kept);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
