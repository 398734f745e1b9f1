#include "server/route/probe.h"

#include "lib/dns/message.h"
#include "lib/dns/rrtype.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum {
	ID = 0x1234
};

/* What a reply is made of; zero is a good one. */
struct shape {
	uint16_t id;    /* xor */
	uint16_t flags; /* xor */
	const char *qname;
	const char *owner;
	uint16_t qtype;         /* xor */
	uint16_t type;          /* xor, of the answer */
	unsigned questions_off; /* 1: none */
	unsigned answers_off;   /* 1: none */
	unsigned cut;           /* octets off the SOA's RDATA */
	unsigned upper_rcode;
	const char *nsid; /* NULL: no option; "-": no OPT */
	bool is_compressed;
};

static void put_name(struct wire_writer *w, const char *text)
{
	struct dname_storage name;

	ck_assert_int_eq(dname_load(&name, text, strlen(text), dname_root),
			 STATUS_OK);
	wire_write(w, dname_of(&name)->octets, dname_of(&name)->length);
}

static size_t reply_make(uint8_t *out, size_t room, const struct shape *shape)
{
	struct wire_writer w = wire_writer_init(out, room);
	const char *zone = "example.org.";
	bool has_opt = shape->nsid == NULL || strcmp(shape->nsid, "-") != 0;
	uint8_t *length;

	wire_write16(&w, ID ^ shape->id);
	wire_write16(&w, (MESSAGE_QR | MESSAGE_AA) ^ shape->flags);
	wire_write16(&w, !shape->questions_off);
	wire_write16(&w, !shape->answers_off);
	wire_write16(&w, 0);
	wire_write16(&w, has_opt);
	if (!shape->questions_off) {
		put_name(&w, shape->qname ? shape->qname : zone);
		wire_write16(&w, RRTYPE_SOA ^ shape->qtype);
		wire_write16(&w, RRCLASS_IN);
	}
	if (!shape->answers_off) {
		if (shape->is_compressed) {
			wire_write16(&w, 0xc00c);
		} else {
			put_name(&w, shape->owner ? shape->owner : zone);
		}
		wire_write16(&w, RRTYPE_SOA ^ shape->type);
		wire_write16(&w, RRCLASS_IN);
		wire_write32(&w, 3600);
		length = wire_claim(&w, 2);
		if (shape->is_compressed) {
			wire_write8(&w, 2);
			wire_write(&w, "ns", 2);
			wire_write16(&w, 0xc00c);
			wire_write16(&w, 0xc00c);
		} else {
			put_name(&w, "ns.example.org.");
			put_name(&w, ".");
		}
		wire_write32(&w, 2026112300);
		wire_write32(&w, 1);
		wire_write32(&w, 2);
		wire_write32(&w, 3);
		wire_write32(&w, 4);
		w.at -= shape->cut;
		wire_put16(length, (uint16_t)(w.at - length - 2));
	}
	if (has_opt) {
		size_t size = shape->nsid != NULL ? strlen(shape->nsid) : 0;

		wire_write8(&w, 0);
		wire_write16(&w, RRTYPE_OPT);
		wire_write16(&w, 1232);
		wire_write32(&w, shape->upper_rcode << 24);
		wire_write16(&w, shape->nsid != NULL ? 4 + size : 0);
		if (shape->nsid != NULL) {
			wire_write16(&w, EDNS_NSID);
			wire_write16(&w, size);
			wire_write(&w, shape->nsid, size);
		}
	}
	ck_assert(!w.failed);
	return wire_size(&w);
}

static const struct {
	struct shape shape;
	const char *identity;
	bool is_ours;
	const char *reason; /* NULL: good */
} replies[] = {
	{{0}, NULL, true, NULL},
	{{0}, "", true, NULL},
	{{.is_compressed = true}, NULL, true, NULL},
	{{.owner = "EXAMPLE.org."}, NULL, true, NULL},
	{{.qname = "EXAMPLE.org."}, NULL, true, NULL},
	{{.nsid = "lhr1"}, "lhr1", true, NULL},
	{{.nsid = "-"}, NULL, true, NULL},
	/* Not ours: the right one may still come. */
	{{.id = 1}, NULL, false, NULL},
	{{.flags = MESSAGE_QR}, NULL, false, NULL},
	{{.qname = "example.com."}, NULL, false, NULL},
	{{.qtype = RRTYPE_SOA ^ RRTYPE_NS}, NULL, false, NULL},
	{{.questions_off = 1}, NULL, false, NULL},
	/* Wrong. */
	{{.flags = RCODE_SERVFAIL}, NULL, true, "answered SERVFAIL"},
	{{.flags = RCODE_REFUSED}, NULL, true, "answered REFUSED"},
	{{.flags = RCODE_NXDOMAIN}, NULL, true, "answered NXDOMAIN"},
	{{.flags = RCODE_FORMERR,
	  .questions_off = 1,
	  .answers_off = 1,
	  .nsid = "-"},
	 NULL,
	 true,
	 "answered FORMERR"},
	{{.upper_rcode = 1}, NULL, true, "answered RCODE 16"},
	{{.flags = MESSAGE_AA}, NULL, true, "answer is not authoritative"},
	{{.flags = MESSAGE_TC}, NULL, true, "answer is truncated"},
	{{.flags = 0x0800}, NULL, true, "answered with another opcode"},
	{{.answers_off = 1}, NULL, true, "answer has no SOA of the zone"},
	{{.owner = "example.com."},
	 NULL,
	 true,
	 "answer has no SOA of the zone"},
	{{.type = RRTYPE_SOA ^ RRTYPE_TXT},
	 NULL,
	 true,
	 "answer has no SOA of the zone"},
	{{.cut = 1}, NULL, true, "malformed SOA"},
	{{.cut = 20}, NULL, true, "malformed SOA"},
	{{.nsid = "lhr2"},
	 "lhr1",
	 true,
	 "another server answers: NSID 'lhr2', not 'lhr1'"},
	{{.nsid = "lhr"},
	 "lhr1",
	 true,
	 "another server answers: NSID 'lhr', not 'lhr1'"},
	{{.nsid = "\x01\n\xff"},
	 "lhr1",
	 true,
	 "another server answers: NSID '?"
	 "?"
	 "?', not 'lhr1'"},
	{{0}, "lhr1", true, "answer bears no NSID, not 'lhr1'"},
	{{.nsid = "-"}, "lhr1", true, "answer bears no NSID, not 'lhr1'"},
};

START_TEST(reply_is_judged)
{
	uint8_t data[512];
	struct probe_zone zone;
	struct probe_question question;
	struct probe_reply reply;
	size_t size = reply_make(data, sizeof(data), &replies[_i].shape);

	ck_assert_int_eq(probe_zone_load(&zone, "example.org"), STATUS_OK);
	probe_question_of_zone(&question, &zone);
	ck_assert_int_eq(probe_reply_read(&reply, data, size, ID, &question,
					  replies[_i].identity),
			 replies[_i].is_ours);
	if (!replies[_i].is_ours) {
		return;
	}
	if (replies[_i].reason != NULL) {
		ck_assert_int_eq(reply.verdict, PROBE_WRONG);
		ck_assert_str_eq(reply.reason, replies[_i].reason);
		return;
	}
	ck_assert_str_eq(reply.reason, "");
	ck_assert_int_eq(reply.verdict, PROBE_GOOD);
	ck_assert(reply.has_serial);
	ck_assert_uint_eq(reply.serial, 2026112300);
}
END_TEST

START_TEST(reply_cut_short_is_never_good)
{
	const struct shape shape = {.nsid = "lhr1"};
	uint8_t data[512];
	struct probe_zone zone;
	struct probe_question question;
	struct probe_reply reply;
	size_t size = reply_make(data, sizeof(data), &shape);

	ck_assert_int_eq(probe_zone_load(&zone, "example.org."), STATUS_OK);
	probe_question_of_zone(&question, &zone);
	for (size_t cut = 0; cut < size; cut++) {
		ck_assert(!probe_reply_read(&reply, data, cut, ID, &question,
					    NULL) ||
			  reply.verdict == PROBE_WRONG);
	}
}
END_TEST

START_TEST(query_asks_for_soa_with_edns_and_nsid)
{
	static const uint8_t expected[] = {
		0x12, 0x34, 0,   0,   0, 1, 0, 0, 0, 0, 0, 1,
		3,    'o',  'r', 'g', 0, 0, 6, 0, 1, 0, 0, 41,
		0x04, 0xd0, 0,   0,   0, 0, 0, 4, 0, 3, 0, 0};
	uint8_t query[PROBE_QUERY_MAX];
	struct probe_zone zone;
	struct probe_question question;

	ck_assert_int_eq(probe_zone_load(&zone, "org"), STATUS_OK);
	probe_question_of_zone(&question, &zone);
	ck_assert_str_eq(zone.text, "org.");
	ck_assert_uint_eq(probe_query_write(query, ID, &question),
			  sizeof(expected));
	ck_assert_mem_eq(query, expected, sizeof(expected));
}
END_TEST

START_TEST(zones_are_equal_whatever_their_spelling)
{
	struct probe_zone a;
	struct probe_zone b;
	struct probe_zone c;

	ck_assert_int_eq(probe_zone_load(&a, "Example.ORG"), STATUS_OK);
	ck_assert_int_eq(probe_zone_load(&b, "example.org."), STATUS_OK);
	ck_assert_int_eq(probe_zone_load(&c, "."), STATUS_OK);
	ck_assert(probe_zone_equal(&a, &b));
	ck_assert(!probe_zone_equal(&a, &c));
	ck_assert_int_ne(probe_zone_load(&a, "a..b"), STATUS_OK);
	ck_assert_int_ne(probe_zone_load(&a, ""), STATUS_OK);
}
END_TEST

/* A reply with an SOA, or none, against questions of several kinds. */
START_TEST(reply_is_held_against_its_question)
{
	static const struct {
		const char *rcode;
		uint16_t flags; /* xor */
		unsigned answers_off;
		enum probe_verdict verdict;
	} rows[] = {
		{"NOERROR", 0, 0, PROBE_GOOD},
		{"NOERROR", 0, 1, PROBE_WRONG},
		{"noerror", RCODE_NXDOMAIN, 0, PROBE_WRONG},
		{"NODATA", 0, 1, PROBE_GOOD},
		{"NODATA", 0, 0, PROBE_WRONG},
		{"NXDOMAIN", RCODE_NXDOMAIN, 1, PROBE_GOOD},
		{"NXDOMAIN", 0, 1, PROBE_WRONG},
		{"REFUSED", RCODE_REFUSED, 1, PROBE_GOOD},
		{"NOERROR", MESSAGE_AA, 0, PROBE_WRONG},
	};
	const struct shape shape = {.flags = rows[_i].flags,
				    .answers_off = rows[_i].answers_off};
	struct probe_question question;
	struct probe_reply reply;
	uint8_t data[1024];
	size_t size = reply_make(data, sizeof(data), &shape);

	ck_assert_int_eq(probe_question_load(&question, "example.org", "SOA",
					     "IN", rows[_i].rcode, true),
			 STATUS_OK);
	ck_assert_str_eq(question.text, "example.org. SOA");
	ck_assert(probe_reply_read(&reply, data, size, ID, &question, NULL));
	ck_assert_msg(reply.verdict == rows[_i].verdict, "%s", reply.reason);
}
END_TEST

START_TEST(late_answer_is_none)
{
	struct probe_reply reply = {.verdict = PROBE_GOOD};

	probe_reply_limit(&reply, 1000000, 0);
	probe_reply_limit(&reply, 50000, 50);
	ck_assert_int_eq(reply.verdict, PROBE_GOOD);
	probe_reply_limit(&reply, 50001, 50);
	ck_assert_int_eq(reply.verdict, PROBE_SILENT);
	ck_assert(strstr(reply.reason, "the limit is 50 ms") != NULL);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("probe");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, reply_is_judged, 0, COUNT(replies));
	tcase_add_test(tcase, reply_cut_short_is_never_good);
	tcase_add_test(tcase, query_asks_for_soa_with_edns_and_nsid);
	tcase_add_test(tcase, zones_are_equal_whatever_their_spelling);
	tcase_add_loop_test(tcase, reply_is_held_against_its_question, 0, 9);
	tcase_add_test(tcase, late_answer_is_none);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
