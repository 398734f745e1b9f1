/*
 * test_writer.c - what makes a zone, what does not, and how versions differ.
 */
#include "lib/zone/lookup.h"
#include "tests/unit/zone_fixture.h"

#include <check.h>
#include <stdlib.h>

enum {
	CASE_RECORDS = 6,
};

static const struct {
	const char *name;
	struct fixture_record records[CASE_RECORDS];
	const char *reason; /* NULL: a zone */
	const char *owner;
} cases[] = {
	{"least_zone",
	 {{"a.", RRTYPE_SOA, "1"}, {"a.", RRTYPE_NS, "ns.a."}},
	 NULL,
	 NULL},
	{"no_soa", {{"a.", RRTYPE_NS, "ns.a."}}, "no SOA record", NULL},
	{"nothing", {{NULL, 0, NULL}}, "no SOA record", NULL},
	{"two_soa_records",
	 {{"a.", RRTYPE_SOA, "1"},
	  {"a.", RRTYPE_SOA, "2"},
	  {"a.", RRTYPE_NS, "ns.a."}},
	 "several SOA records",
	 "a."},
	{"one_soa_record_twice",
	 {{"a.", RRTYPE_SOA, "1"},
	  {"a.", RRTYPE_SOA, "1"},
	  {"a.", RRTYPE_NS, "ns.a."}},
	 NULL,
	 NULL},
	{"soa_at_two_names",
	 {{"a.", RRTYPE_SOA, "1"},
	  {"a.", RRTYPE_NS, "ns.a."},
	  {"b.a.", RRTYPE_SOA, "1"}},
	 "SOA records at two names",
	 "b.a."},
	{"no_apex_ns",
	 {{"a.", RRTYPE_SOA, "1"}, {"b.a.", RRTYPE_NS, "ns.a."}},
	 "no NS records at the apex",
	 "a."},
	{"record_outside_the_zone",
	 {{"a.", RRTYPE_SOA, "1"},
	  {"a.", RRTYPE_NS, "ns.a."},
	  {"b.", RRTYPE_A, "192.0.2.1"}},
	 "record outside the zone",
	 "b."},
	{"record_above_the_zone",
	 {{"b.a.", RRTYPE_SOA, "1"},
	  {"b.a.", RRTYPE_NS, "ns.a."},
	  {"a.", RRTYPE_A, "192.0.2.1"}},
	 "record outside the zone",
	 "a."},
	{"cname_beside_address",
	 {{"a.", RRTYPE_SOA, "1"},
	  {"a.", RRTYPE_NS, "ns.a."},
	  {"c.a.", RRTYPE_CNAME, "a."},
	  {"c.a.", RRTYPE_A, "192.0.2.1"}},
	 "CNAME record beside other data",
	 "c.a."},
	{"cname_beside_address_elsewhere_in_the_file",
	 {{"a.", RRTYPE_SOA, "1"},
	  {"a.", RRTYPE_NS, "ns.a."},
	  {"c.a.", RRTYPE_CNAME, "a."},
	  {"b.a.", RRTYPE_A, "192.0.2.1"},
	  {"C.a.", RRTYPE_A, "192.0.2.1"}},
	 "CNAME record beside other data",
	 "c.a."},
	{"cname_beside_nsec_and_signatures",
	 {{"a.", RRTYPE_SOA, "1"},
	  {"a.", RRTYPE_NS, "ns.a."},
	  {"c.a.", RRTYPE_CNAME, "a."},
	  {"c.a.", RRTYPE_NSEC, "d.a."},
	  {"c.a.", RRTYPE_RRSIG, "5"},
	  {"c.a.", RRTYPE_RRSIG, "47"}},
	 NULL,
	 NULL},
	{"two_cnames",
	 {{"a.", RRTYPE_SOA, "1"},
	  {"a.", RRTYPE_NS, "ns.a."},
	  {"c.a.", RRTYPE_CNAME, "a."},
	  {"c.a.", RRTYPE_CNAME, "b.a."}},
	 "several CNAME records at one name",
	 "c.a."},
	{"two_dnames",
	 {{"a.", RRTYPE_SOA, "1"},
	  {"a.", RRTYPE_NS, "ns.a."},
	  {"c.a.", RRTYPE_DNAME, "a."},
	  {"c.a.", RRTYPE_DNAME, "b.a."}},
	 "several DNAME records at one name",
	 "c.a."},
	{"one_cname_in_two_spellings",
	 {{"a.", RRTYPE_SOA, "1"},
	  {"a.", RRTYPE_NS, "ns.a."},
	  {"c.a.", RRTYPE_CNAME, "b.a."},
	  {"c.a.", RRTYPE_CNAME, "B.a."}},
	 NULL,
	 NULL},
	{"cname_at_the_apex",
	 {{"a.", RRTYPE_SOA, "1"},
	  {"a.", RRTYPE_NS, "ns.a."},
	  {"a.", RRTYPE_CNAME, "b.a."}},
	 "CNAME record at the apex",
	 "a."},
};

static size_t records_of(const struct fixture_record *record)
{
	size_t count = 0;

	while (count < CASE_RECORDS && record[count].owner != NULL) {
		count++;
	}
	return count;
}

static void check_fault(const struct zone_fault *fault, const char *name,
			const char *reason, const char *owner)
{
	char text[DNAME_TEXT_MAX];

	ck_assert_msg(fault->reason != NULL, "%s", name);
	ck_assert_str_eq(fault->reason, reason);
	if (owner != NULL) {
		dname_dump((const struct dname *)(const void *)&fault->owner,
			   text);
		ck_assert_str_eq(text, owner);
	}
}

START_TEST(load_keeps_the_rules)
{
	struct zone_fault fault;
	struct zone_version *version = fixture_load(
		cases[_i].records, records_of(cases[_i].records), &fault);

	ck_assert_msg((version != NULL) == (cases[_i].reason == NULL), "%s",
		      cases[_i].name);
	if (version == NULL) {
		check_fault(&fault, cases[_i].name, cases[_i].reason,
			    cases[_i].owner);
	}
	zone_version_release(version);
}
END_TEST

static struct zone_version *base_new(void)
{
	static const struct fixture_record records[] = {
		{"a.", RRTYPE_SOA, "1"},
		{"a.", RRTYPE_NS, "ns.a."},
		{"ns.a.", RRTYPE_A, "192.0.2.1"},
	};
	struct zone_fault fault;
	struct zone_version *version = fixture_load(records, 3, &fault);

	ck_assert_ptr_nonnull(version);
	return version;
}

/* The same rules hold where a version is derived by these records. */
START_TEST(change_keeps_the_rules)
{
	const struct fixture_record *record = cases[_i].records;
	struct zone_version *base = base_new();
	struct zone_version *version = NULL;
	struct zone_writer *writer;
	struct zone_fault fault;
	enum status status;

	/* Those that the base makes others, or that are told when added. */
	if (cases[_i].reason != NULL &&
	    (strncmp(cases[_i].reason, "no ", 3) == 0 ||
	     strncmp(cases[_i].reason, "record ", 7) == 0 ||
	     strncmp(cases[_i].reason, "SOA ", 4) == 0)) {
		zone_version_release(base);
		return;
	}
	writer = zone_writer_new(base, &status);
	ck_assert_ptr_nonnull(writer);
	for (size_t i = 0; i < records_of(record); i++) {
		ck_assert_int_eq(fixture_add(writer, record[i].owner,
					     record[i].type, record[i].text),
				 STATUS_OK);
	}
	status = zone_writer_finish(writer, &version, &fault);
	ck_assert_msg((status == STATUS_OK) == (cases[_i].reason == NULL), "%s",
		      cases[_i].name);
	if (status != STATUS_OK) {
		check_fault(&fault, cases[_i].name, cases[_i].reason,
			    cases[_i].owner);
	}
	zone_version_release(version);
	zone_version_release(base);
}
END_TEST

START_TEST(derived_version_leaves_its_base)
{
	struct zone_version *base = base_new();
	struct zone_version *version;
	struct zone_writer *writer;
	struct zone_fault fault;
	enum status status;

	writer = zone_writer_new(base, &status);
	ck_assert_ptr_null(zone_writer_new(base, &status));
	ck_assert_int_eq(status, STATUS_BUSY);
	ck_assert_int_eq(fixture_remove(writer, "a.", RRTYPE_SOA, "1"),
			 STATUS_OK);
	ck_assert_int_eq(fixture_add(writer, "a.", RRTYPE_SOA, "2"), STATUS_OK);
	ck_assert_int_eq(fixture_remove(writer, "a.", RRTYPE_SOA, "1"),
			 STATUS_NOT_FOUND);
	ck_assert_int_eq(fixture_remove(writer, "x.a.", RRTYPE_A, "192.0.2.1"),
			 STATUS_NOT_FOUND);
	ck_assert_int_eq(fixture_add(writer, "b.", RRTYPE_A, "192.0.2.1"),
			 STATUS_OUT_OF_RANGE);
	ck_assert_int_eq(fixture_add(writer, "x.y.a.", RRTYPE_A, "192.0.2.2"),
			 STATUS_OK);
	ck_assert_int_eq(zone_writer_finish(writer, &version, &fault),
			 STATUS_OK);
	ck_assert_uint_eq(zone_version_serial(base), 1);
	ck_assert_uint_eq(zone_version_serial(version), 2);
	ck_assert_uint_eq(zone_version_negative_ttl(version), 300);
	ck_assert_uint_eq(zone_version_records(base), 3);
	ck_assert_uint_eq(zone_version_records(version), 4);
	ck_assert_uint_eq(zone_version_names(base), 2);
	ck_assert_uint_eq(zone_version_names(version), 4);
	ck_assert_ptr_null(zone_find_node(base, name_of("y.a.")));
	ck_assert(zone_node_is_empty(zone_find_node(version, name_of("y.a."))));
	zone_version_release(base);
	ck_assert_uint_eq(zone_version_serial(version), 2);

	/* What nothing needs goes again. */
	writer = zone_writer_new(version, &status);
	ck_assert_int_eq(
		fixture_remove(writer, "x.y.a.", RRTYPE_A, "192.0.2.2"),
		STATUS_OK);
	base = version;
	ck_assert_int_eq(zone_writer_finish(writer, &version, &fault),
			 STATUS_OK);
	ck_assert_ptr_null(zone_find_node(version, name_of("y.a.")));
	ck_assert_uint_eq(zone_version_names(version), 2);
	zone_version_release(base);
	zone_version_release(version);
}
END_TEST

START_TEST(refused_version_leaves_its_base_to_others)
{
	struct zone_version *base = base_new();
	struct zone_version *refused;
	struct zone_version *version;
	struct zone_version *next;
	struct zone_writer *writer;
	struct zone_fault fault;
	enum status status;

	writer = zone_writer_new(base, &status);
	ck_assert_int_eq(fixture_add(writer, "x.a.", RRTYPE_A, "192.0.2.2"),
			 STATUS_OK);
	ck_assert_int_eq(zone_writer_finish(writer, &refused, &fault),
			 STATUS_OK);
	writer = zone_writer_new(base, &status);
	ck_assert_ptr_null(writer);
	ck_assert_int_eq(status, STATUS_BUSY);
	writer = zone_writer_new(refused, &status);
	ck_assert_int_eq(zone_writer_finish(writer, &next, &fault), STATUS_OK);
	zone_version_release(refused);
	zone_version_release(next);
	writer = zone_writer_new(base, &status);
	ck_assert_ptr_nonnull(writer);
	ck_assert_int_eq(fixture_add(writer, "y.a.", RRTYPE_A, "192.0.2.2"),
			 STATUS_OK);
	ck_assert_int_eq(zone_writer_finish(writer, &version, &fault),
			 STATUS_OK);
	ck_assert_ptr_null(zone_find_node(version, name_of("x.a.")));
	ck_assert_ptr_nonnull(zone_find_node(version, name_of("y.a.")));
	zone_version_release(base);
	zone_version_release(version);
}
END_TEST

START_TEST(rrset_is_canonical)
{
	static const struct fixture_record records[] = {
		{"a.", RRTYPE_SOA, "1"},         {"a.", RRTYPE_NS, "z.a."},
		{"a.", RRTYPE_NS, "b.a."},       {"a.", RRTYPE_RRSIG, "2"},
		{"b.a.", RRTYPE_A, "192.0.2.1"}, {"A.", RRTYPE_NS, "Z.a."},
	};
	struct zone_fault fault;
	struct zone_version *version = fixture_load(records, 6, &fault);
	const struct zone_node *apex = zone_version_apex_node(version);
	const struct rrset *ns = zone_node_find(version, apex, RRTYPE_NS);
	const uint8_t *record = rrset_first(ns);

	ck_assert_uint_eq(ns->count, 2);
	ck_assert_uint_eq(ns->signatures, 1);
	ck_assert_uint_eq(rdata_octets(record)[1], 'b');
	ck_assert_uint_eq(rdata_octets(rrset_next(record))[1], 'z');
	ck_assert_ptr_eq(rrset_next(rrset_next(record)),
			 rrset_first_signature(ns));
	ck_assert_uint_eq(ns->size + ns->signature_size, 2 * 7 + 2 + 28);
	ck_assert_uint_eq(zone_version_records(version), 5);
	zone_version_release(version);
}
END_TEST

/* A record of 1000 octets, told apart by number. */
static enum status add_long(struct zone_writer *writer, unsigned number)
{
	uint8_t rdata[1000] = {0};

	for (unsigned at = 0; at < sizeof(rdata); at += 250) {
		rdata[at] = 249;
	}
	wire_put16(rdata + 1, (uint16_t)number);
	return zone_writer_add(writer, name_of("big.a."), RRTYPE_TXT, 60, rdata,
			       sizeof(rdata));
}

START_TEST(rrset_too_long_for_a_message_is_refused)
{
	enum status status;
	struct zone_writer *writer = zone_writer_new(NULL, &status);
	struct zone_version *version;
	struct zone_fault fault;
	unsigned number = 0;

	ck_assert_int_eq(fixture_add(writer, "a.", RRTYPE_SOA, "1"), STATUS_OK);
	ck_assert_int_eq(fixture_add(writer, "a.", RRTYPE_NS, "b."), STATUS_OK);
	for (; number < 64; number++) {
		ck_assert_int_eq(add_long(writer, number), STATUS_OK);
	}
	ck_assert_int_eq(zone_writer_finish(writer, &version, &fault),
			 STATUS_OK);
	writer = zone_writer_new(version, &status);
	ck_assert_int_eq(add_long(writer, number), STATUS_TOO_LONG);
	zone_writer_abort(writer);
	zone_version_release(version);

	writer = zone_writer_new(NULL, &status);
	for (number = 0; number < 65; number++) {
		ck_assert_int_eq(add_long(writer, number), STATUS_OK);
	}
	ck_assert_int_eq(fixture_add(writer, "a.", RRTYPE_SOA, "1"), STATUS_OK);
	ck_assert_int_eq(zone_writer_finish(writer, &version, &fault),
			 STATUS_BAD_DATA);
	check_fault(&fault, "too long", "RRset too long for a message",
		    "big.a.");
}
END_TEST

enum {
	MANY = 3000, /* addresses of one name that fit a message */
};

static enum status change_address(struct zone_writer *writer, unsigned number,
				  uint32_t ttl, bool is_added)
{
	uint8_t rdata[4] = {10, 0, (uint8_t)(number >> 8), (uint8_t)number};

	return is_added ? zone_writer_add(writer, name_of("big.a."), RRTYPE_A,
					  ttl, rdata, sizeof(rdata))
			: zone_writer_remove(writer, name_of("big.a."),
					     RRTYPE_A, rdata, sizeof(rdata));
}

static struct zone_version *version_with_many(void)
{
	enum status status;
	struct zone_writer *writer = zone_writer_new(NULL, &status);
	struct zone_version *version;
	struct zone_fault fault;

	ck_assert_int_eq(fixture_add(writer, "a.", RRTYPE_SOA, "1"), STATUS_OK);
	ck_assert_int_eq(fixture_add(writer, "a.", RRTYPE_NS, "b."), STATUS_OK);
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_int_eq(change_address(writer, 2 * i, 60, true),
				 STATUS_OK);
	}
	ck_assert_int_eq(zone_writer_finish(writer, &version, &fault),
			 STATUS_OK);
	return version;
}

/* Cost is memory here: each rewriting of the RRset would copy 18 kB. */
START_TEST(many_changes_of_one_rrset_write_it_once)
{
	struct zone_version *base = version_with_many();
	enum status status;
	struct zone_writer *writer = zone_writer_new(base, &status);
	struct zone_version *version;
	struct zone_memory_stats stats;
	struct zone_fault fault;
	const struct rrset *rrset;
	const uint8_t *record;

	/* Every second one goes, as many come between them. */
	for (unsigned i = 0; i < MANY; i += 2) {
		ck_assert_int_eq(change_address(writer, 2 * i, 0, false),
				 STATUS_OK);
		ck_assert_int_eq(change_address(writer, 2 * i, 0, false),
				 STATUS_NOT_FOUND);
		ck_assert_int_eq(change_address(writer, 2 * i + 1, 60, true),
				 STATUS_OK);
		ck_assert_int_eq(change_address(writer, 2 * i + 1, 60, true),
				 STATUS_OK);
	}
	ck_assert_int_eq(zone_writer_finish(writer, &version, &fault),
			 STATUS_OK);
	zone_version_memory(version, &stats);
	ck_assert_uint_lt(stats.copied, 2 * MANY * 6);
	ck_assert_uint_eq(zone_version_records(version), MANY + 2);
	rrset = zone_node_find(
		version, zone_find_node(version, name_of("big.a.")), RRTYPE_A);
	ck_assert_uint_eq(rrset->count, MANY);
	record = rrset_first(rrset);
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_uint_eq(wire_get16(rdata_octets(record) + 2),
				  2 * i + (i % 2 == 0));
		record = rrset_next(record);
	}
	zone_version_release(base);
	zone_version_release(version);
}
END_TEST

START_TEST(records_given_again_have_the_new_ttl)
{
	struct zone_version *base = version_with_many();
	enum status status;
	struct zone_writer *writer = zone_writer_new(base, &status);
	struct zone_version *version;
	struct zone_fault fault;

	/* The order of an incremental transfer (RFC 1995 4). */
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_int_eq(change_address(writer, 2 * i, 0, false),
				 STATUS_OK);
	}
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_int_eq(change_address(writer, 2 * i, 90, true),
				 STATUS_OK);
	}
	ck_assert_int_eq(zone_writer_finish(writer, &version, &fault),
			 STATUS_OK);
	ck_assert_uint_eq(
		zone_node_find(version,
			       zone_find_node(version, name_of("big.a.")),
			       RRTYPE_A)
			->ttl,
		90);
	zone_version_release(base);
	zone_version_release(version);
}
END_TEST

START_TEST(what_comes_and_goes_again_leaves_nothing)
{
	struct zone_version *base = base_new();
	enum status status;
	struct zone_writer *writer = zone_writer_new(base, &status);
	struct zone_version *version;
	struct zone_fault fault;

	ck_assert_int_eq(fixture_add(writer, "x.y.a.", RRTYPE_A, "192.0.2.2"),
			 STATUS_OK);
	ck_assert_int_eq(
		fixture_remove(writer, "x.y.a.", RRTYPE_A, "192.0.2.2"),
		STATUS_OK);
	ck_assert_int_eq(zone_writer_finish(writer, &version, &fault),
			 STATUS_OK);
	ck_assert_uint_eq(zone_version_names(version),
			  zone_version_names(base));
	ck_assert_uint_eq(zone_version_records(version),
			  zone_version_records(base));
	ck_assert_ptr_null(zone_find_node(version, name_of("y.a.")));
	zone_version_release(base);
	zone_version_release(version);
}
END_TEST

START_TEST(bad_rdata_is_refused)
{
	enum status status;
	struct zone_writer *writer = zone_writer_new(NULL, &status);

	ck_assert_int_eq(zone_writer_add(writer, name_of("a."), RRTYPE_A, 60,
					 (const uint8_t *)"abc", 3),
			 STATUS_BAD_DATA);
	ck_assert_int_eq(zone_writer_add(writer, name_of("a."), RRTYPE_ANY, 60,
					 (const uint8_t *)"", 0),
			 STATUS_BAD_DATA);
	zone_writer_abort(writer);
}
END_TEST

static size_t mapped(const struct zone_version *version)
{
	struct zone_memory_stats stats;

	zone_version_memory(version, &stats);
	return stats.mapped;
}

/* Any order of the records makes the same zone. */
START_TEST(order_of_records_does_not_matter)
{
	enum {
		HOSTS = 3000
	};
	struct zone_version *version[2];
	struct zone_fault fault;

	for (unsigned turn = 0; turn < 2; turn++) {
		enum status status;
		struct zone_writer *writer = zone_writer_new(NULL, &status);

		for (unsigned i = 0; i < 2 * HOSTS; i++) {
			char owner[64];
			char address[32];
			unsigned host = turn == 0 ? i / 2 : (i * 1237u) % HOSTS;

			snprintf(owner, sizeof(owner), "h%u.d%u.a.", host,
				 host % 10);
			snprintf(address, sizeof(address), "192.0.2.%u",
				 turn == 0 ? i % 2 : i / HOSTS);
			ck_assert_int_eq(
				fixture_add(writer, owner, RRTYPE_A, address),
				STATUS_OK);
		}
		ck_assert_int_eq(fixture_add(writer, "a.", RRTYPE_SOA, "1"),
				 STATUS_OK);
		ck_assert_int_eq(fixture_add(writer, "a.", RRTYPE_NS, "b."),
				 STATUS_OK);
		ck_assert_int_eq(
			zone_writer_finish(writer, &version[turn], &fault),
			STATUS_OK);
		ck_assert_uint_eq(zone_version_records(version[turn]),
				  2 * HOSTS + 2);
		ck_assert_uint_eq(zone_version_names(version[turn]),
				  HOSTS + 10 + 1);
	}
	ck_assert(mapped(version[1]) <=
		  mapped(version[0]) + mapped(version[0]) / 2);
	for (unsigned host = 0; host < HOSTS; host++) {
		char owner[64];

		snprintf(owner, sizeof(owner), "h%u.d%u.a.", host, host % 10);
		for (unsigned turn = 0; turn < 2; turn++) {
			struct lookup found;

			zone_lookup(version[turn], name_of(owner), RRTYPE_A,
				    &found);
			ck_assert_int_eq(found.kind, LOOKUP_ANSWER);
			ck_assert_uint_eq(found.rrset->count, 2);
		}
	}
	zone_version_release(version[0]);
	zone_version_release(version[1]);
}
END_TEST

/* Names of 120 labels that share nothing: 119 empty ones for each. */
static enum status load_deep(unsigned names)
{
	enum status status;
	struct zone_writer *writer = zone_writer_new(NULL, &status);
	struct zone_version *version = NULL;
	struct zone_fault fault;

	fixture_add(writer, "a.", RRTYPE_SOA, "1");
	fixture_add(writer, "a.", RRTYPE_NS, "b.");
	for (unsigned i = 0; i < names; i++) {
		char owner[512];
		size_t at = 0;

		for (unsigned label = 0; label < 100; label++) {
			at += (size_t)snprintf(owner + at, 8, "x.");
		}
		snprintf(owner + at, sizeof(owner) - at, "%u.a.", i);
		ck_assert_int_eq(
			fixture_add(writer, owner, RRTYPE_A, "192.0.2.1"),
			STATUS_OK);
	}
	status = zone_writer_finish(writer, &version, &fault);
	if (status == STATUS_OK) {
		ck_assert_uint_eq(zone_version_names(version), 1 + names * 101);
		zone_version_release(version);
	} else {
		ck_assert_str_eq(fault.reason, "too many empty names");
	}
	return status;
}

START_TEST(deep_names_are_bounded)
{
	ck_assert_int_eq(load_deep(500), STATUS_OK);
	ck_assert_int_eq(load_deep(3000), STATUS_BAD_DATA);
}
END_TEST

/* A million records of one name, most of them alike, take their time once. */
START_TEST(many_equal_records_are_one)
{
	enum status status;
	struct zone_writer *writer = zone_writer_new(NULL, &status);
	struct zone_version *version;
	struct zone_fault fault;
	struct zone_memory_stats stats;

	fixture_add(writer, "a.", RRTYPE_SOA, "1");
	fixture_add(writer, "a.", RRTYPE_NS, "b.");
	for (unsigned i = 0; i < 300000; i++) {
		const uint8_t rdata[4] = {192, 0, 2, (uint8_t)(i % 7)};
		const char *owner = i % 2 == 0 ? "h.a." : "g.a.";

		ck_assert_int_eq(zone_writer_add(writer, name_of(owner),
						 RRTYPE_A, 60, rdata, 4),
				 STATUS_OK);
	}
	ck_assert_int_eq(zone_writer_finish(writer, &version, &fault),
			 STATUS_OK);
	ck_assert_uint_eq(zone_version_records(version), 2 + 14);
	zone_version_memory(version, &stats);
	ck_assert_uint_le(stats.mapped, 1 << 20);
	zone_version_release(version);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("writer");
	TCase *tcase = tcase_create("writer");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, load_keeps_the_rules, 0,
			    sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, change_keeps_the_rules, 0,
			    sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, derived_version_leaves_its_base);
	tcase_add_test(tcase, refused_version_leaves_its_base_to_others);
	tcase_add_test(tcase, rrset_is_canonical);
	tcase_add_test(tcase, rrset_too_long_for_a_message_is_refused);
	tcase_add_test(tcase, many_changes_of_one_rrset_write_it_once);
	tcase_add_test(tcase, records_given_again_have_the_new_ttl);
	tcase_add_test(tcase, what_comes_and_goes_again_leaves_nothing);
	tcase_add_test(tcase, bad_rdata_is_refused);
	tcase_add_test(tcase, deep_names_are_bounded);
	tcase_add_test(tcase, many_equal_records_are_one);
	tcase_add_test(tcase, order_of_records_does_not_matter);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
