#include "lib/answer/reply.h"

#include "tests/unit/message_builder.h"
#include "tests/unit/rrset_builder.h"

#include <check.h>
#include <stdio.h>

static struct answer answer;
static struct query query;
static struct reply_writer *writer;
static struct reply_edns edns;
static uint8_t reply[MESSAGE_MAX];
static size_t size;
static bool is_truncated;

static void setup(void)
{
	writer = reply_writer_new();
	edns = (struct reply_edns){.udp_payload = 1232,
				   .nsid = (const uint8_t *)"lhr1",
				   .nsid_size = 4};
	answer_fail(&answer, RCODE_NOERROR, -1);
}

static void teardown(void)
{
	reply_writer_free(writer);
}

static void ask(const char *name, unsigned qtype, unsigned payload)
{
	static struct built b;

	built_query(&b, name, qtype, payload, true);
	ck_assert(query_parse(b.octets, b.size, &query));
}

static void write_reply(size_t limit)
{
	memset(reply, 0xee, limit < sizeof(reply) ? limit + 1 : limit);
	size = reply_write(writer, &query, &answer, &edns, reply, limit,
			   &is_truncated);
	ck_assert_uint_le(size, limit);
	ck_assert(limit == sizeof(reply) || reply[limit] == 0xee);
}

static unsigned count_of(unsigned section)
{
	return wire_get16(reply + 4 + 2 * section);
}

static struct answer_item item(const char *owner, const struct rrset *rrset)
{
	static struct dname_storage names[64];
	static unsigned used;
	struct dname_storage *name = &names[used++ % 64];

	ck_assert(dname_load(name, owner, strlen(owner), dname_root) ==
		  STATUS_OK);
	return (struct answer_item){
		.owner = dname_of(name)->octets,
		.rrset = rrset,
		.ttl_max = UINT32_MAX,
		.owner_length = dname_of(name)->length,
		.place = ANSWER_OWNER_NAME,
		.has_records = true,
		.has_signatures = rrset->signatures > 0,
	};
}

/* The owner name and type of record number index of all sections. */
static void record_at(unsigned index, struct dname_storage *owner,
		      uint16_t *type, uint32_t *ttl)
{
	struct wire_reader r = wire_reader_init(reply, size);
	struct dname_storage skipped;

	(void)wire_read(&r, 12);
	ck_assert(dname_parse_compressed(&r, &skipped));
	(void)wire_read(&r, 4);
	for (unsigned i = 0; i <= index; i++) {
		ck_assert(dname_parse_compressed(&r, owner));
		*type = wire_read16(&r);
		(void)wire_read16(&r);
		*ttl = wire_read32(&r);
		(void)wire_read(&r, wire_read16(&r));
	}
	ck_assert(!r.failed);
}

static void expect_record(unsigned index, const char *owner, unsigned type)
{
	struct dname_storage name;
	char text[DNAME_TEXT_MAX];
	uint16_t found;
	uint32_t ttl;

	record_at(index, &name, &found, &ttl);
	ck_assert_str_eq(dname_dump(dname_of(&name), text), owner);
	ck_assert_uint_eq(found, type);
}

static struct rrset *addresses(unsigned count)
{
	struct rrset *rrset = made_rrset(RRTYPE_A, 300);

	for (unsigned i = 0; i < count; i++) {
		uint8_t octets[4] = {192, 0, 2, (uint8_t)i};

		made_add(rrset, octets, 4);
	}
	return rrset;
}

START_TEST(header_copies_id_opcode_rd_only)
{
	static struct built b;

	built_query(&b, "a.", RRTYPE_A, 0, false);
	wire_put16(b.octets + 2, 0x7fff & ~MESSAGE_OPCODE_MASK);
	ck_assert(query_parse(b.octets, b.size, &query));
	write_reply(512);
	ck_assert_uint_eq(wire_get16(reply), 0x1234);
	ck_assert_uint_eq(wire_get16(reply + 2), MESSAGE_QR | MESSAGE_RD);
	ck_assert_uint_eq(size, 12 + 3 + 4);
	answer.is_authoritative = true;
	answer.rcode = RCODE_NXDOMAIN;
	write_reply(512);
	ck_assert_uint_eq(wire_get16(reply + 2),
			  MESSAGE_QR | MESSAGE_AA | MESSAGE_RD | 3);
}
END_TEST

START_TEST(question_is_echoed_as_spelled)
{
	struct rrset *a = addresses(1);

	ask("wWw.ExAmPlE.", RRTYPE_A, 0);
	answer.answer[0] = item("www.example.", a);
	answer.answer[0].place = ANSWER_OWNER_QUESTION;
	answer.answers = 1;
	write_reply(512);
	ck_assert_mem_eq(reply + 12, "\3wWw\7ExAmPlE\0\0\1\0\1", 17);
	ck_assert_mem_eq(reply + 29, "\300\014\0\1\0\1\0\0\1\54\0\4", 12);
	expect_record(0, "wWw.ExAmPlE.", RRTYPE_A);
	free(a);
}
END_TEST

START_TEST(owner_above_question_points_into_it)
{
	struct rrset *ns = made_rrset(RRTYPE_NS, 300);

	made_add_name(ns, "ns.other.");
	ask("a.b.EXAMPLE.", RRTYPE_A, 0);
	answer.authority[0] = item("example.", ns);
	answer.authority[0].place = ANSWER_OWNER_QUESTION;
	answer.authorities = 1;
	write_reply(512);
	ck_assert_mem_eq(reply + 12 + 13 + 4, "\300\020", 2);
	expect_record(0, "EXAMPLE.", RRTYPE_NS);
	free(ns);
}
END_TEST

/* Rule 1 of compiled replies: lower labels of the question are no targets. */
START_TEST(rdata_points_at_anchor_and_not_below)
{
	struct rrset *ns = made_rrset(RRTYPE_NS, 300);
	struct dname_storage anchor;

	made_add_name(ns, "www.example.");
	ask("www.example.", RRTYPE_A, 0);
	ck_assert(dname_load(&anchor, "example.", 8, NULL) == STATUS_OK);
	answer.anchor = dname_of(&anchor);
	answer.authority[0] = item(".", ns);
	answer.authorities = 1;
	write_reply(512);
	ck_assert_mem_eq(reply + 29, "\0\0\2\0\1\0\0\1\54\0\6\3www\300\020",
			 17);
	free(ns);
}
END_TEST

START_TEST(names_share_tails)
{
	struct rrset *ns = made_rrset(RRTYPE_NS, 300);
	struct rrset *a = addresses(2);

	made_add_name(ns, "a.gtld.net.");
	made_add_name(ns, "b.gtld.net.");
	made_add_name(ns, "gtld.net.");
	made_add_name(ns, "c.net.");
	made_add_name(ns, "C.net.");
	made_add_name(ns, "net.");
	made_add_name(ns, ".");
	ask("com.", RRTYPE_A, 0);
	answer.authority[0] = item("com.", ns);
	answer.authority[0].place = ANSWER_OWNER_QUESTION;
	answer.authority[0].is_source = true;
	answer.authorities = 1;
	answer.additional[0] = item("b.gtld.net.", a);
	answer.additional[0].place = ANSWER_OWNER_TARGET;
	answer.additional[0].target = 1;
	answer.additional[1] = item("d.gtld.net.", a);
	answer.additionals = 2;
	write_reply(512);
	/* 12 octets of each record, and what is not known of each name. */
	ck_assert_uint_eq(size, 21 + 7 * 12 + 12 + 4 + 2 + 4 + 4 + 2 + 1 +
					2 * 16 + (16 + 2) + 16);
	expect_record(0, "com.", RRTYPE_NS);
	expect_record(7, "b.gtld.net.", RRTYPE_A);
	expect_record(8, "b.gtld.net.", RRTYPE_A);
	expect_record(9, "d.gtld.net.", RRTYPE_A);
	expect_record(10, "d.gtld.net.", RRTYPE_A);
	free(ns);
	free(a);
}
END_TEST

/* RFC 3597 4: names in RDATA of newer types stay whole. */
START_TEST(new_types_are_not_compressed)
{
	struct rrset *srv = made_rrset(RRTYPE_SRV, 300);

	made_add(srv, "\0\1\0\1\0\65\3www\7example", 19);
	ask("www.example.", RRTYPE_SRV, 0);
	answer.anchor = query_name(&query);
	answer.answer[0] = item("www.example.", srv);
	answer.answers = 1;
	write_reply(512);
	ck_assert_uint_eq(size, 29 + 12 + 19);
	free(srv);
}
END_TEST

START_TEST(negative_ttl_bounds_records_and_signatures)
{
	struct rrset *soa = made_rrset(RRTYPE_SOA, 86400);
	struct dname_storage owner;
	uint16_t type;
	uint32_t ttl;

	made_add(soa, "\1a\0\1b\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5", 26);
	made_sign(soa, "signature of no meaning here", 28);
	ask("x.", RRTYPE_A, 1232);
	answer.authority[0] = item(".", soa);
	answer.authority[0].ttl_max = 5;
	answer.authorities = 1;
	write_reply(512);
	record_at(0, &owner, &type, &ttl);
	ck_assert_uint_eq(type, RRTYPE_SOA);
	ck_assert_uint_eq(ttl, 5);
	record_at(1, &owner, &type, &ttl);
	ck_assert_uint_eq(type, RRTYPE_RRSIG);
	ck_assert_uint_eq(ttl, 5);
	free(soa);
}
END_TEST

/* For every limit: whole where it fits, header, question and OPT elsewhere. */
START_TEST(answer_fits_exactly_or_is_truncated)
{
	struct rrset *a = addresses(40);
	size_t whole;

	ask("www.example.", RRTYPE_A, 4096);
	answer.answer[0] = item("www.example.", a);
	answer.answers = 1;
	write_reply(4096);
	whole = size;
	ck_assert(!is_truncated);
	for (size_t limit = 512; limit < whole + 10; limit++) {
		write_reply(limit);
		ck_assert(is_truncated == (limit < whole));
		if (limit >= whole) {
			ck_assert_uint_eq(size, whole);
			continue;
		}
		ck_assert_uint_eq(size, 29 + 11);
		ck_assert(reply[2] & 2);
		ck_assert_uint_eq(count_of(0), 1);
		ck_assert_uint_eq(count_of(1), 0);
		ck_assert_uint_eq(count_of(3), 1);
	}
	free(a);
}
END_TEST

START_TEST(optional_addresses_are_left_out_whole_and_silently)
{
	struct rrset *ns = made_rrset(RRTYPE_NS, 300);
	struct rrset *a = addresses(3);
	unsigned last = 0;

	ask("com.", RRTYPE_A, 4096);
	for (unsigned i = 0; i < 20; i++) {
		char name[32];

		snprintf(name, sizeof(name), "ns%u.example.", i);
		made_add_name(ns, name);
		answer.additional[i] = item(name, a);
		answer.additional[i].place = ANSWER_OWNER_TARGET;
		answer.additional[i].target = (uint16_t)i;
	}
	answer.authority[0] = item("com.", ns);
	answer.authority[0].is_source = true;
	answer.authorities = 1;
	answer.additionals = 20;
	for (size_t limit = 512; limit < 1700; limit += 7) {
		write_reply(limit);
		ck_assert(!is_truncated);
		ck_assert_uint_eq((count_of(3) - 1) % 3, 0);
		ck_assert_uint_ge(count_of(3), last);
		last = count_of(3);
		for (unsigned i = 20; i < 20 + last - 1; i++) {
			char name[32];

			snprintf(name, sizeof(name), "ns%u.example.",
				 (i - 20) / 3);
			expect_record(i, name, RRTYPE_A);
		}
	}
	ck_assert_uint_eq(last, 61);
	/* The same addresses, all required: TC where one is missing. */
	answer.additionals_required = 20;
	write_reply(512);
	ck_assert(is_truncated);
	write_reply(1700);
	ck_assert(!is_truncated);
	free(ns);
	free(a);
}
END_TEST

START_TEST(pointers_end_at_16383)
{
	struct rrset *filler = made_rrset(RRTYPE_TXT, 300);
	struct rrset *ns = made_rrset(RRTYPE_NS, 300);
	static uint8_t text[16384];

	/* Names cross the border of what a pointer reaches. */
	for (unsigned border = 0; border < 80; border++) {
		filler->count = 0;
		filler->size = 0;
		ns->count = 0;
		ns->size = 0;
		made_add(filler, text, 16256 + border);
		for (unsigned i = 0; i < 8; i++) {
			char label[64];

			snprintf(label, sizeof(label), "ns%u.long.example.",
				 i % 4);
			made_add_name(ns, label);
		}
		ask(".", RRTYPE_ANY, 0);
		answer.answer[0] = item("big.", filler);
		answer.answer[1] = item("owner.example.", ns);
		answer.answers = 2;
		write_reply(MESSAGE_MAX);
		ck_assert(!is_truncated);
		for (unsigned i = 1; i <= 8; i++) {
			expect_record(i, "owner.example.", RRTYPE_NS);
		}
	}
	free(filler);
	free(ns);
}
END_TEST

START_TEST(opt_is_ours)
{
	ask("a.", RRTYPE_A, 4096);
	write_reply(512);
	ck_assert_uint_eq(size, 19 + 11);
	ck_assert_mem_eq(reply + 19, "\0\0\51\4\320\0\0\200\0\0\0", 11);
	answer.rcode = RCODE_BADVERS;
	query.wants_dnssec = false;
	query.wants_nsid = true;
	write_reply(512);
	ck_assert_mem_eq(reply + 19, "\0\0\51\4\320\1\0\0\0\0\010\0\3\0\4lhr1",
			 19);
	ck_assert_uint_eq(reply[3] & 0xf, 0);
	answer.rcode = RCODE_REFUSED;
	answer.edns_error = EDE_NOT_AUTHORITATIVE;
	write_reply(512);
	ck_assert_uint_eq(size, 19 + 11 + 8 + 6);
	ck_assert_mem_eq(reply + size - 6, "\0\17\0\2\0\24", 6);
	query.has_edns = false;
	write_reply(512);
	ck_assert_uint_eq(size, 19);
	answer.rcode = RCODE_BADVERS;
	write_reply(512);
	ck_assert_uint_eq(reply[3] & 0xf, RCODE_SERVFAIL);
}
END_TEST

START_TEST(option_without_room_is_left_out)
{
	static uint8_t nsid[255];
	char name[256];

	memset(name, 'a', sizeof(name));
	name[63] = name[127] = name[191] = '.';
	name[253] = '\0';
	edns.nsid = nsid;
	edns.nsid_size = sizeof(nsid);
	ask(name, RRTYPE_A, 512);
	query.wants_nsid = true;
	write_reply(512);
	ck_assert_uint_eq(size, 12 + 259 + 11);
	write_reply(12 + 259 + 11 + 4 + 255);
	ck_assert_uint_eq(size, 12 + 259 + 11 + 4 + 255);
}
END_TEST

/* RFC 8945 5.2.1 */
START_TEST(unknown_key_is_told)
{
	static const uint8_t rdata[] = {1,  'h', 0, 1, 2, 3, 4, 5, 6, 1,
					44, 0,   0, 0, 7, 0, 0, 0, 0};
	static struct built b;

	built_query(&b, "a.", 1, 1232, false);
	built_record(&b, "key.", RRTYPE_TSIG, RRCLASS_ANY, rdata,
		     sizeof(rdata));
	built_counts(&b, 1, 0, 0, 2);
	ck_assert(query_parse(b.octets, b.size, &query));
	answer.rcode = query.rcode;
	write_reply(512);
	ck_assert_uint_eq(reply[3] & 0xf, RCODE_NOTAUTH);
	ck_assert_uint_eq(count_of(3), 2);
	ck_assert_mem_eq(reply + size - 19,
			 "\1h\0\1\2\3\4\5\6\1\54\0\0\022\064\0\021\0\0", 19);
}
END_TEST

START_TEST(error_without_question_is_header_alone)
{
	static const uint8_t short_query[12] = {0xab, 0xcd, 1};

	ck_assert(query_parse(short_query, 12, &query));
	answer.rcode = query.rcode;
	write_reply(512);
	ck_assert_uint_eq(size, 12);
	ck_assert_mem_eq(reply, "\253\315\201\1\0\0\0\0\0\0\0\0", 12);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reply");
	TCase *tcase = tcase_create("reply");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, header_copies_id_opcode_rd_only);
	tcase_add_test(tcase, question_is_echoed_as_spelled);
	tcase_add_test(tcase, owner_above_question_points_into_it);
	tcase_add_test(tcase, rdata_points_at_anchor_and_not_below);
	tcase_add_test(tcase, names_share_tails);
	tcase_add_test(tcase, new_types_are_not_compressed);
	tcase_add_test(tcase, negative_ttl_bounds_records_and_signatures);
	tcase_add_test(tcase, answer_fits_exactly_or_is_truncated);
	tcase_add_test(tcase,
		       optional_addresses_are_left_out_whole_and_silently);
	tcase_add_test(tcase, pointers_end_at_16383);
	tcase_add_test(tcase, opt_is_ours);
	tcase_add_test(tcase, option_without_room_is_left_out);
	tcase_add_test(tcase, unknown_key_is_told);
	tcase_add_test(tcase, error_without_question_is_header_alone);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
