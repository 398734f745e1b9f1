/*
 * test_answer.c - what scenarios cannot say: limits, notes, EDE, order, and that
 * a reply stands on one version of its zone.
 */
#include "tests/unit/message_builder.h"
#include "tests/unit/served.h"

#include <check.h>

static struct served served;
static uint8_t reply[MESSAGE_MAX];
static size_t size;
static struct answer_note note;
static struct built b;

static const char zone_text[] =
	"$ORIGIN example.\n"
	"$TTL 3600\n"
	"@ SOA ns host 7 7200 3600 604800 300\n"
	"@ NS ns\n"
	"ns A 192.0.2.200\n"
	"ns A 192.0.2.3\n"
	"ns A 192.0.2.40\n"
	"cut NS ns.cut\n"
	"ns.cut A 192.0.2.9\n"
	"big TXT \"0123456789012345678901234567890123456789\"\n"
	"big TXT \"1123456789012345678901234567890123456789\"\n"
	"big TXT \"2123456789012345678901234567890123456789\"\n"
	"big TXT \"3123456789012345678901234567890123456789\"\n"
	"big TXT \"4123456789012345678901234567890123456789\"\n"
	"big TXT \"5123456789012345678901234567890123456789\"\n"
	"big TXT \"6123456789012345678901234567890123456789\"\n"
	"big TXT \"7123456789012345678901234567890123456789\"\n"
	"big TXT \"8123456789012345678901234567890123456789\"\n"
	"big TXT \"9123456789012345678901234567890123456789\"\n";

static void setup(void)
{
	served_init(&served);
	ck_assert_msg(served_add_text(&served, "example.", zone_text,
				      sizeof(zone_text) - 1),
		      "%s", served.error);
	ck_assert(served_add_empty(&served, "empty.example."));
}

static void teardown(void)
{
	served_fini(&served);
}

static void send_built(enum answer_transport transport, size_t room)
{
	size = answer_query(served.context, transport, b.octets, b.size, reply,
			    room, &note);
}

static void ask(const char *name, unsigned qtype, unsigned payload)
{
	built_query(&b, name, qtype, payload, false);
	send_built(ANSWER_UDP, sizeof(reply));
}

static unsigned rcode(void)
{
	return reply[3] & 0xfu;
}

START_TEST(records_stand_in_canonical_order)
{
	ask("ns.example.", RRTYPE_A, 0);
	ck_assert_uint_eq(size, 28 + 3 * 16);
	ck_assert_uint_eq(reply[28 + 15], 3);
	ck_assert_uint_eq(reply[28 + 31], 40);
	ck_assert_uint_eq(reply[28 + 47], 200);
}
END_TEST

/* The reply of 568 octets at each payload: the client's, at most ours. */
START_TEST(limit_is_the_lesser_payload)
{
	static const struct limit_case {
		unsigned payload;
		bool is_truncated;
	} cases[] = {
		{0, true},   {1, true},    {511, true},   {512, true},
		{569, true}, {570, false}, {1232, false}, {65535, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		built_query(&b, "big.example.", RRTYPE_TXT, cases[i].payload,
			    false);
		send_built(ANSWER_UDP, sizeof(reply));
		ck_assert_msg(note.is_truncated == cases[i].is_truncated,
			      "payload %u: %zu octets", cases[i].payload, size);
		ck_assert(((reply[2] & 2) != 0) == cases[i].is_truncated);
		send_built(ANSWER_TCP, sizeof(reply));
		ck_assert(!note.is_truncated);
	}
	ck_assert_uint_eq(size, 29 + 10 * 53 + 11);
	/* What the caller's buffer holds is a limit too. */
	send_built(ANSWER_TCP, 569);
	ck_assert(note.is_truncated);
}
END_TEST

static const struct note_case {
	const char *name;
	unsigned qtype;
	unsigned rcode;
	int edns_error;
	bool is_delegation;
	bool has_zone;
} note_cases[] = {
	{"ns.example.", RRTYPE_A, RCODE_NOERROR, -1, false, true},
	{"x.example.", RRTYPE_A, RCODE_NXDOMAIN, -1, false, true},
	{"www.cut.example.", RRTYPE_A, RCODE_NOERROR, -1, true, true},
	{"empty.example.", RRTYPE_A, RCODE_SERVFAIL, EDE_NOT_READY, false,
	 true},
	{"x.empty.example.", RRTYPE_SOA, RCODE_SERVFAIL, EDE_NOT_READY, false,
	 true},
	{"org.", RRTYPE_A, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE, false, false},
	{".", RRTYPE_NS, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE, false, false},
	{"example.", RRTYPE_AXFR, RCODE_NOTIMP, EDE_NOT_SUPPORTED, false,
	 false},
	{"example.", RRTYPE_IXFR, RCODE_REFUSED, EDE_PROHIBITED, false, true},
	{"empty.example.", RRTYPE_IXFR, RCODE_REFUSED, EDE_PROHIBITED, false,
	 true},
	{"ns.example.", RRTYPE_IXFR, RCODE_NOTAUTH, EDE_NOT_AUTHORITATIVE,
	 false, false},
	{"org.", RRTYPE_IXFR, RCODE_NOTAUTH, EDE_NOT_AUTHORITATIVE, false,
	 false},
	{"example.", RRTYPE_NXNAME, RCODE_FORMERR, EDE_INVALID_QUERY_TYPE,
	 false, false},
};

START_TEST(note_and_extended_error)
{
	const struct note_case *c = &note_cases[_i];

	ask(c->name, c->qtype, 1232);
	ck_assert_uint_eq(rcode(), c->rcode);
	ck_assert_uint_eq(note.rcode, c->rcode);
	ck_assert_uint_eq(note.qtype, c->qtype);
	ck_assert(note.is_delegation == c->is_delegation);
	ck_assert((note.zone != NULL) == c->has_zone);
	if (c->edns_error >= 0) {
		ck_assert_uint_eq(wire_get16(reply + size - 6), EDNS_EDE);
		ck_assert_int_eq(wire_get16(reply + size - 2), c->edns_error);
		/* Without OPT there is nowhere to say it. */
		ask(c->name, c->qtype, 0);
		ck_assert_uint_eq(rcode(), c->rcode);
		ck_assert_uint_eq(wire_get16(reply + 10), 0);
	} else {
		ck_assert_uint_eq(wire_get16(reply + size - 2), 0);
	}
}
END_TEST

/* Every type there is, at names of every kind: a reply, and a sane one. */
START_TEST(every_type_is_answered)
{
	static const char *const names[] = {"example.", "ns.example.",
					    "x.cut.example.", "no.example.",
					    "org."};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (unsigned type = 0; type < 65536; type++) {
			built_query(&b, names[i], type, 1232, true);
			send_built(ANSWER_UDP, 1232);
			ck_assert_uint_ge(size, 12);
			ck_assert_uint_eq(wire_get16(reply + 4), 1);
		}
	}
}
END_TEST

START_TEST(every_class_and_opcode_is_answered)
{
	for (unsigned rrclass = 0; rrclass < 65536; rrclass++) {
		built_start(&b, 1, 0);
		built_question(&b, "example.", RRTYPE_SOA, rrclass);
		built_counts(&b, 1, 0, 0, 0);
		send_built(ANSWER_UDP, 1232);
		ck_assert_uint_eq(
			rcode(), rrclass == RRCLASS_IN || rrclass == RRCLASS_ANY
					 ? RCODE_NOERROR
					 : RCODE_REFUSED);
		/* RFC 1035 6.2: * is not answered with authority. */
		ck_assert(((reply[2] & 4) != 0) == (rrclass == RRCLASS_IN));
	}
	for (unsigned opcode = 1; opcode < 16; opcode++) {
		built_query(&b, "example.", RRTYPE_SOA, 1232, false);
		b.octets[2] = (uint8_t)(opcode << 3);
		send_built(ANSWER_UDP, 1232);
		ck_assert_uint_eq(rcode(), opcode == OPCODE_NOTIFY
						   ? RCODE_REFUSED
						   : RCODE_NOTIMP);
		ck_assert_uint_eq(reply[2] >> 3 & 0xf, opcode);
	}
}
END_TEST

START_TEST(chaos_and_nsid_say_who_answers)
{
	built_start(&b, 1, 0);
	built_question(&b, "ID.server.", RRTYPE_TXT, RRCLASS_CH);
	built_opt(&b, 1232, 0, 0, "\0\3\0\0", 4);
	built_counts(&b, 1, 0, 0, 1);
	send_built(ANSWER_UDP, 1232);
	ck_assert_uint_eq(rcode(), RCODE_NOERROR);
	ck_assert_uint_eq(wire_get16(reply + 6), 1);
	ck_assert_mem_eq(reply + 27, "\300\014\0\20\0\3\0\0\0\0\0\15\14", 13);
	ck_assert_mem_eq(reply + 40, "test.example", 12);
	ck_assert_mem_eq(reply + size - 16, "\0\3\0\14test.example", 16);
}
END_TEST

/*
 * What was asked for counts before the sections, what we send of ourselves
 * behind them: the size of the reply at every limit.
 */
START_TEST(options_count_into_every_limit)
{
	enum {
		QUESTION = 12 + 13 + 4,
		SECTIONS = 10 * 53,
		ASKED = 11 + 4 + 255 + 4 + 6, /* OPT, NSID, ZONEVERSION */
		AGENT = 4 + 255,
	};
	static const uint8_t options[] = {0, 3, 0, 0, 0, 19, 0, 0};
	static struct dname_storage agent;
	char name[256];

	memset(name, 'a', sizeof(name));
	name[63] = name[127] = name[191] = '.';
	name[253] = '\0';
	ck_assert(dname_load(&agent, name, 253, dname_root) == STATUS_OK);
	name[63] = name[127] = name[191] = name[253] = name[254] = 'a';
	name[255] = '\0';
	served.identity.name = name;
	served.identity.report_agent = dname_of(&agent);
	served_identity_changed(&served);
	for (unsigned limit = 512; limit <= 1232; limit++) {
		bool fits = QUESTION + SECTIONS + ASKED <= limit;
		unsigned due = QUESTION + ASKED + (fits ? SECTIONS : 0);

		built_start(&b, 1, 0);
		built_question(&b, "big.example.", RRTYPE_TXT, RRCLASS_IN);
		built_opt(&b, limit, 0, 0, options, sizeof(options));
		built_counts(&b, 1, 0, 0, 1);
		send_built(ANSWER_UDP, sizeof(reply));
		ck_assert_uint_eq(note.is_truncated, !fits);
		ck_assert_uint_eq(size,
				  due + (due + AGENT <= limit ? AGENT : 0));
	}
}
END_TEST

START_TEST(zone_that_failed_is_told_from_one_that_loads)
{
	served_fail(&served);
	ask("x.empty.example.", RRTYPE_A, 1232);
	ck_assert_uint_eq(rcode(), RCODE_SERVFAIL);
	ck_assert_uint_eq(wire_get16(reply + size - 2), EDE_INVALID_DATA);
}
END_TEST

START_TEST(reload_is_answered_from_at_once)
{
	static const char next[] = "$ORIGIN example.\n"
				   "$TTL 60\n"
				   "@ SOA ns host 8 7200 3600 604800 30\n"
				   "@ NS ns\n"
				   "ns A 192.0.2.77\n";
	static struct served other;
	struct zone_version *version;

	ask("ns.example.", RRTYPE_A, 0);
	ck_assert_uint_eq(wire_get16(reply + 6), 3);
	memset(&other, 0, sizeof(other));
	other.set = zone_set_new();
	ck_assert_msg(
		served_add_text(&other, "example.", next, sizeof(next) - 1),
		"%s", other.error);
	version = zone_version_hold(grace_load(&other.zones[0]->current));
	zone_publish(served.zones[0], version);
	ask("ns.example.", RRTYPE_A, 0);
	ck_assert_uint_eq(wire_get16(reply + 6), 1);
	ck_assert_uint_eq(reply[size - 1], 77);
	ck_assert(zone_set_remove(other.set, other.zones[0]) == STATUS_OK);
	zone_free(other.zones[0]);
	grace_offline();
	grace_barrier();
	zone_set_free(other.set);
	grace_online();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("answer");
	TCase *tcase = tcase_create("answer");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, records_stand_in_canonical_order);
	tcase_add_test(tcase, limit_is_the_lesser_payload);
	tcase_add_loop_test(tcase, note_and_extended_error, 0,
			    sizeof(note_cases) / sizeof(note_cases[0]));
	tcase_add_test(tcase, every_type_is_answered);
	tcase_add_test(tcase, every_class_and_opcode_is_answered);
	tcase_add_test(tcase, chaos_and_nsid_say_who_answers);
	tcase_add_test(tcase, options_count_into_every_limit);
	tcase_add_test(tcase, zone_that_failed_is_told_from_one_that_loads);
	tcase_add_test(tcase, reload_is_answered_from_at_once);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
