/*
 * test_lookup.c - each rule of RFC 1034 4.3.2 and of those that amend it, by
 * one zone and a table of questions.
 */
#include "lib/zone/lookup.h"
#include "tests/unit/zone_fixture.h"

#include <check.h>
#include <stdlib.h>

/* RFC 4592 2.2.1, with cuts, aliases, empty non-terminals and glue beside. */
static const struct fixture_record records[] = {
	{"example.", RRTYPE_SOA, "1"},
	{"example.", RRTYPE_NS, "ns.example."},
	{"example.", RRTYPE_NS, "ns.sub.example."},
	{"*.example.", RRTYPE_TXT, "this is a wildcard"},
	{"*.nswild.example.", RRTYPE_NS, "ns.elsewhere."},
	{"sub.*.example.", RRTYPE_TXT, "this is not a wildcard"},
	{"host1.example.", RRTYPE_A, "192.0.2.1"},
	{"_ssh._tcp.host1.example.", RRTYPE_TXT, "srv"},
	{"_ssh._tcp.host2.example.", RRTYPE_TXT, "srv"},
	{"subdel.example.", RRTYPE_NS, "ns.example.com."},
	{"subdel.example.", RRTYPE_NS, "ns.subdel.example."},
	{"ns.subdel.example.", RRTYPE_A, "192.0.2.7"},
	{"a.b.ns.subdel.example.", RRTYPE_A, "192.0.2.7"},
	{"deep.subdel.example.", RRTYPE_NS, "ns.deep.subdel.example."},
	{"deep.subdel.example.", RRTYPE_DNAME, "elsewhere."},
	{"signed.example.", RRTYPE_NS, "ns.subdel.example."},
	{"signed.example.", RRTYPE_DS, "digest"},
	{"signed.example.", RRTYPE_RRSIG, "43"},
	{"alias.example.", RRTYPE_CNAME, "host1.example."},
	{"tree.example.", RRTYPE_DNAME, "other.example."},
	{"tree.example.", RRTYPE_A, "192.0.2.9"},
	{"under.tree.example.", RRTYPE_A, "192.0.2.10"},
	{"*.wild.example.", RRTYPE_CNAME, "host1.example."},
	{"x.*.empty.example.", RRTYPE_A, "192.0.2.11"},
	{"*.dname.example.", RRTYPE_DNAME, "other.example."},
	{"*x.star.example.", RRTYPE_A, "192.0.2.12"},
	{"sigs.example.", RRTYPE_RRSIG, "1"},
};

enum {
	RECORDS = sizeof(records) / sizeof(records[0]),
};

static const struct {
	const char *name;
	const char *qname;
	uint16_t qtype;
	enum lookup_kind kind;
	const char *node; /* NULL: none */
	const char *encloser;
	bool is_wildcard;
	uint16_t rrset; /* 0: none */
} cases[] = {
	{"apex_ns_is_an_answer", "example.", RRTYPE_NS, LOOKUP_ANSWER,
	 "example.", "example.", false, RRTYPE_NS},
	{"apex_soa", "EXAMPLE.", RRTYPE_SOA, LOOKUP_ANSWER, "example.",
	 "example.", false, RRTYPE_SOA},
	{"apex_lacks_ds", "example.", RRTYPE_DS, LOOKUP_NODATA, "example.",
	 "example.", false, 0},
	{"exact_name", "host1.example.", RRTYPE_A, LOOKUP_ANSWER,
	 "host1.example.", "host1.example.", false, RRTYPE_A},
	{"exact_name_any_case", "hOsT1.eXample.", RRTYPE_A, LOOKUP_ANSWER,
	 "host1.example.", "host1.example.", false, RRTYPE_A},
	{"exact_name_without_type", "host1.example.", RRTYPE_MX, LOOKUP_NODATA,
	 "host1.example.", "host1.example.", false, 0},
	{"any_has_no_single_rrset", "host1.example.", RRTYPE_ANY, LOOKUP_ANSWER,
	 "host1.example.", "host1.example.", false, 0},
	{"any_at_empty_nonterminal", "_tcp.host2.example.", RRTYPE_ANY,
	 LOOKUP_NODATA, "_tcp.host2.example.", "_tcp.host2.example.", false, 0},
	{"rrsig_without_signatures", "host1.example.", RRTYPE_RRSIG,
	 LOOKUP_NODATA, "host1.example.", "host1.example.", false, 0},
	{"rrsig_over_nothing_is_there", "sigs.example.", RRTYPE_RRSIG,
	 LOOKUP_ANSWER, "sigs.example.", "sigs.example.", false, 0},
	{"rrset_of_signatures_only_is_no_rrset", "sigs.example.", RRTYPE_A,
	 LOOKUP_NODATA, "sigs.example.", "sigs.example.", false, 0},
	/* RFC 4592 2.2.1 */
	{"wildcard_answers", "host3.example.", RRTYPE_TXT, LOOKUP_ANSWER,
	 "*.example.", "example.", true, RRTYPE_TXT},
	{"wildcard_nodata", "host3.example.", RRTYPE_A, LOOKUP_NODATA,
	 "*.example.", "example.", true, 0},
	{"wildcard_many_labels", "foo.bar.example.", RRTYPE_TXT, LOOKUP_ANSWER,
	 "*.example.", "example.", true, RRTYPE_TXT},
	{"wildcard_ns_is_data", "a.nswild.example.", RRTYPE_NS, LOOKUP_ANSWER,
	 "*.nswild.example.", "nswild.example.", true, RRTYPE_NS},
	{"wildcard_not_below_existing_name", "ghost.host1.example.", RRTYPE_TXT,
	 LOOKUP_NXDOMAIN, NULL, "host1.example.", false, 0},
	{"wildcard_blocked_by_empty_nonterminal", "_telnet._tcp.host2.example.",
	 RRTYPE_TXT, LOOKUP_NXDOMAIN, NULL, "_tcp.host2.example.", false, 0},
	{"wildcard_blocked_by_empty_nonterminal_above", "x.host2.example.",
	 RRTYPE_TXT, LOOKUP_NXDOMAIN, NULL, "host2.example.", false, 0},
	{"wildcard_not_below_itself", "ghost.*.example.", RRTYPE_TXT,
	 LOOKUP_NXDOMAIN, NULL, "*.example.", false, 0},
	{"name_below_asterisk_is_plain", "sub.*.example.", RRTYPE_TXT,
	 LOOKUP_ANSWER, "sub.*.example.", "sub.*.example.", false, RRTYPE_TXT},
	{"wildcard_asked_for_itself", "*.example.", RRTYPE_TXT, LOOKUP_ANSWER,
	 "*.example.", "*.example.", false, RRTYPE_TXT},
	{"wildcard_asked_for_itself_is_cut", "*.nswild.example.", RRTYPE_TXT,
	 LOOKUP_DELEGATION, "*.nswild.example.", "*.nswild.example.", false, 0},
	{"wildcard_cname", "a.wild.example.", RRTYPE_A, LOOKUP_CNAME,
	 "*.wild.example.", "wild.example.", true, RRTYPE_CNAME},
	{"wildcard_cname_asked_for", "a.wild.example.", RRTYPE_CNAME,
	 LOOKUP_ANSWER, "*.wild.example.", "wild.example.", true, RRTYPE_CNAME},
	{"wildcard_that_is_empty_nonterminal", "a.empty.example.", RRTYPE_A,
	 LOOKUP_NODATA, "*.empty.example.", "empty.example.", true, 0},
	{"wildcard_dname_is_data", "a.dname.example.", RRTYPE_A, LOOKUP_NODATA,
	 "*.dname.example.", "dname.example.", true, 0},
	{"label_that_starts_with_asterisk", "a.star.example.", RRTYPE_A,
	 LOOKUP_NXDOMAIN, NULL, "star.example.", false, 0},
	/* empty non-terminals, RFC 8020 */
	{"empty_nonterminal_exists", "_tcp.host1.example.", RRTYPE_A,
	 LOOKUP_NODATA, "_tcp.host1.example.", "_tcp.host1.example.", false, 0},
	/* cuts */
	{"cut", "subdel.example.", RRTYPE_A, LOOKUP_DELEGATION,
	 "subdel.example.", "subdel.example.", false, 0},
	{"cut_asked_for_ns", "subdel.example.", RRTYPE_NS, LOOKUP_DELEGATION,
	 "subdel.example.", "subdel.example.", false, 0},
	{"below_cut", "host.subdel.example.", RRTYPE_A, LOOKUP_DELEGATION,
	 "subdel.example.", "subdel.example.", false, 0},
	{"ds_below_cut", "host.subdel.example.", RRTYPE_DS, LOOKUP_DELEGATION,
	 "subdel.example.", "subdel.example.", false, 0},
	{"glue_is_not_answered", "ns.subdel.example.", RRTYPE_A,
	 LOOKUP_DELEGATION, "subdel.example.", "subdel.example.", false, 0},
	{"below_glue", "b.ns.subdel.example.", RRTYPE_A, LOOKUP_DELEGATION,
	 "subdel.example.", "subdel.example.", false, 0},
	{"cut_below_cut_is_occluded", "x.deep.subdel.example.", RRTYPE_A,
	 LOOKUP_DELEGATION, "subdel.example.", "subdel.example.", false, 0},
	{"ds_at_cut", "signed.example.", RRTYPE_DS, LOOKUP_ANSWER,
	 "signed.example.", "signed.example.", false, RRTYPE_DS},
	{"no_ds_at_cut", "subdel.example.", RRTYPE_DS, LOOKUP_NODATA,
	 "subdel.example.", "subdel.example.", false, 0},
	/* aliases */
	{"cname", "alias.example.", RRTYPE_A, LOOKUP_CNAME, "alias.example.",
	 "alias.example.", false, RRTYPE_CNAME},
	{"cname_asked_for", "alias.example.", RRTYPE_CNAME, LOOKUP_ANSWER,
	 "alias.example.", "alias.example.", false, RRTYPE_CNAME},
	{"cname_and_any", "alias.example.", RRTYPE_ANY, LOOKUP_ANSWER,
	 "alias.example.", "alias.example.", false, 0},
	{"dname", "a.tree.example.", RRTYPE_A, LOOKUP_DNAME, "tree.example.",
	 "tree.example.", false, RRTYPE_DNAME},
	{"dname_not_at_its_owner", "tree.example.", RRTYPE_A, LOOKUP_ANSWER,
	 "tree.example.", "tree.example.", false, RRTYPE_A},
	{"name_below_dname_is_occluded", "under.tree.example.", RRTYPE_A,
	 LOOKUP_DNAME, "tree.example.", "tree.example.", false, RRTYPE_DNAME},
};

static struct zone_version *version;

static void setup(void)
{
	struct zone_fault fault;

	version = fixture_load(records, RECORDS, &fault);
	ck_assert_ptr_nonnull(version);
}

static void teardown(void)
{
	zone_version_release(version);
}

static void check_node(const struct zone_node *node, const char *expected)
{
	char text[DNAME_TEXT_MAX];

	if (expected == NULL) {
		ck_assert_ptr_null(node);
		return;
	}
	ck_assert_ptr_nonnull(node);
	ck_assert_str_eq(dname_dump(zone_node_name(node), text), expected);
}

START_TEST(lookup_follows_the_rules)
{
	struct lookup found;

	zone_lookup(version, name_of(cases[_i].qname), cases[_i].qtype, &found);
	ck_assert_msg(found.kind == cases[_i].kind, "%s: kind %d",
		      cases[_i].name, (int)found.kind);
	check_node(found.node, cases[_i].node);
	check_node(found.encloser, cases[_i].encloser);
	ck_assert_msg(found.is_wildcard == cases[_i].is_wildcard, "%s",
		      cases[_i].name);
	if (cases[_i].rrset == 0) {
		ck_assert_ptr_null(found.rrset);
	} else {
		ck_assert_ptr_nonnull(found.rrset);
		ck_assert_uint_eq(found.rrset->type, cases[_i].rrset);
	}
}
END_TEST

START_TEST(find_node_sees_glue)
{
	check_node(zone_find_node(version, name_of("ns.subdel.example.")),
		   "ns.subdel.example.");
	check_node(zone_find_node(version, name_of("b.ns.subdel.example.")),
		   "b.ns.subdel.example.");
	check_node(zone_find_node(version, name_of("nx.subdel.example.")),
		   NULL);
	check_node(zone_find_node(version, name_of("elsewhere.")), NULL);
}
END_TEST

START_TEST(find_cut_is_the_highest)
{
	check_node(zone_find_cut(version, name_of("ns.subdel.example.")),
		   "subdel.example.");
	check_node(zone_find_cut(version, name_of("ns.deep.subdel.example.")),
		   "subdel.example.");
	check_node(zone_find_cut(version, name_of("subdel.example.")),
		   "subdel.example.");
	check_node(zone_find_cut(version, name_of("host1.example.")), NULL);
	check_node(zone_find_cut(version, name_of("example.")), NULL);
}
END_TEST

static const struct fixture_record nsec_records[] = {
	{"example.", RRTYPE_SOA, "1"},
	{"example.", RRTYPE_NS, "ns.example."},
	{"example.", RRTYPE_NSEC, "b.example."},
	{"b.example.", RRTYPE_NS, "ns.b.example."},
	{"b.example.", RRTYPE_NSEC, "x.y.c.example."},
	{"ns.b.example.", RRTYPE_A, "192.0.2.1"},
	{"ns1.b.example.", RRTYPE_A, "192.0.2.1"},
	{"x.y.c.example.", RRTYPE_A, "192.0.2.1"},
	{"x.y.c.example.", RRTYPE_NSEC, "example."},
};

static const struct {
	const char *name;
	const char *nsec;
} nsec_cases[] = {
	{"example.", "example."},          {"a.example.", "example."},
	{"b.example.", "b.example."},      {"a.b.example.", "b.example."},
	{"o.b.example.", "b.example."},    {"bb.example.", "b.example."},
	{"c.example.", "b.example."},      {"y.c.example.", "b.example."},
	{"w.y.c.example.", "b.example."},  {"x.y.c.example.", "x.y.c.example."},
	{"zz.example.", "x.y.c.example."},
};

START_TEST(nsec_matches_or_covers)
{
	struct zone_fault fault;
	struct zone_version *signed_version = fixture_load(
		nsec_records, sizeof(nsec_records) / sizeof(nsec_records[0]),
		&fault);

	check_node(zone_find_nsec(signed_version, name_of(nsec_cases[_i].name)),
		   nsec_cases[_i].nsec);
	zone_version_release(signed_version);
	check_node(zone_find_nsec(version, name_of("host1.example.")), NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lookup");
	TCase *tcase = tcase_create("lookup");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, lookup_follows_the_rules, 0,
			    sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, find_node_sees_glue);
	tcase_add_test(tcase, find_cut_is_the_highest);
	tcase_add_loop_test(tcase, nsec_matches_or_covers, 0,
			    sizeof(nsec_cases) / sizeof(nsec_cases[0]));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
