/*
 * test_root_shapes.c - the shapes that RSSAC047v2 asks of a root server, over
 * the real root zone, with DO and a payload of 1220 (skipped where the zone is
 * not there). Over UDP and TCP; every TLD of the zone, not a sample.
 */
#include "tests/unit/message_builder.h"
#include "tests/unit/served.h"

#include <check.h>
#include <ldns/ldns.h>

enum {
	PAYLOAD = 1220,
	TLDS_LEAST = 1000,
};

static struct served served;
static uint8_t reply[MESSAGE_MAX];
static size_t reply_size;

static const enum answer_transport transports[] = {ANSWER_UDP, ANSWER_TCP};

static ldns_pkt *ask(enum answer_transport transport, const char *name,
		     unsigned qtype)
{
	static struct built b;
	struct answer_note note;
	ldns_pkt *packet = NULL;

	built_query(&b, name, qtype, PAYLOAD, true);
	reply_size = answer_query(served.context, transport, b.octets, b.size,
				  reply, sizeof(reply), &note);
	ck_assert_uint_gt(reply_size, 12);
	if (transport == ANSWER_UDP) {
		ck_assert_uint_le(reply_size, PAYLOAD);
	}
	ck_assert(ldns_wire2pkt(&packet, reply, reply_size) == LDNS_STATUS_OK);
	ck_assert(ldns_pkt_edns(packet));
	return packet;
}

static unsigned count(const ldns_rr_list *list, const char *owner,
		      ldns_rr_type type)
{
	ldns_rdf *name = ldns_dname_new_frm_str(owner);
	unsigned found = 0;

	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);

		if (ldns_rr_get_type(rr) == type &&
		    ldns_dname_compare(ldns_rr_owner(rr), name) == 0) {
			found++;
		}
	}
	ldns_rdf_deep_free(name);
	return found;
}

/* Signatures of owner that cover type. */
static unsigned signatures(const ldns_rr_list *list, const char *owner,
			   ldns_rr_type type)
{
	ldns_rdf *name = ldns_dname_new_frm_str(owner);
	unsigned found = 0;

	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);

		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_RRSIG &&
		    ldns_dname_compare(ldns_rr_owner(rr), name) == 0 &&
		    ldns_rdf2rr_type(ldns_rr_rrsig_typecovered(rr)) == type) {
			found++;
		}
	}
	ldns_rdf_deep_free(name);
	return found;
}

static size_t size_of(const ldns_rr_list *list)
{
	return ldns_rr_list_rr_count(list);
}

/* At least one address in additional belongs to a server in authority. */
static bool has_address(const ldns_pkt *packet)
{
	const ldns_rr_list *servers = ldns_pkt_authority(packet);
	const ldns_rr_list *addresses = ldns_pkt_additional(packet);

	for (size_t i = 0; i < size_of(servers); i++) {
		const ldns_rr *ns = ldns_rr_list_rr(servers, i);

		for (size_t j = 0; ldns_rr_get_type(ns) == LDNS_RR_TYPE_NS &&
				   j < size_of(addresses);
		     j++) {
			if (ldns_dname_compare(ldns_rr_ns_nsdname(ns),
					       ldns_rr_owner(ldns_rr_list_rr(
						       addresses, j))) == 0) {
				return true;
			}
		}
	}
	return false;
}

static void check_tld_ns(enum answer_transport transport, const char *tld,
			 unsigned servers, bool has_ds)
{
	ldns_pkt *packet = ask(transport, tld, RRTYPE_NS);
	const ldns_rr_list *authority = ldns_pkt_authority(packet);

	if (ldns_pkt_tc(packet)) {
		/* Only where glue that must be there does not fit. */
		ck_assert_msg(transport == ANSWER_UDP, "%s", tld);
		ck_assert_uint_eq(size_of(authority), 0);
		ldns_pkt_free(packet);
		return;
	}
	ck_assert(!ldns_pkt_aa(packet));
	ck_assert_uint_eq(size_of(ldns_pkt_answer(packet)), 0);
	ck_assert_uint_eq(count(authority, tld, LDNS_RR_TYPE_NS), servers);
	if (has_ds) {
		ck_assert_uint_ge(count(authority, tld, LDNS_RR_TYPE_DS), 1);
		ck_assert_uint_eq(signatures(authority, tld, LDNS_RR_TYPE_DS),
				  1);
		ck_assert_uint_eq(count(authority, tld, LDNS_RR_TYPE_NSEC), 0);
	} else {
		ck_assert_uint_eq(count(authority, tld, LDNS_RR_TYPE_NSEC), 1);
		ck_assert_uint_eq(signatures(authority, tld, LDNS_RR_TYPE_NSEC),
				  1);
	}
	ck_assert_msg(has_address(packet), "%s: no address", tld);
	ldns_pkt_free(packet);
}

static void check_tld_ds(enum answer_transport transport, const char *tld,
			 bool has_ds)
{
	ldns_pkt *packet = ask(transport, tld, RRTYPE_DS);

	ck_assert(ldns_pkt_aa(packet) && !ldns_pkt_tc(packet));
	ck_assert_uint_eq(size_of(ldns_pkt_additional(packet)), 0);
	if (has_ds) {
		ck_assert_uint_ge(
			count(ldns_pkt_answer(packet), tld, LDNS_RR_TYPE_DS),
			1);
		ck_assert_uint_eq(signatures(ldns_pkt_answer(packet), tld,
					     LDNS_RR_TYPE_DS),
				  1);
		ck_assert_uint_eq(size_of(ldns_pkt_authority(packet)), 0);
	} else {
		ck_assert_uint_eq(size_of(ldns_pkt_answer(packet)), 0);
		ck_assert_uint_eq(count(ldns_pkt_authority(packet), tld,
					LDNS_RR_TYPE_NSEC),
				  1);
	}
	ldns_pkt_free(packet);
}

struct tlds {
	unsigned seen;
	unsigned unsigned_seen;
};

static bool check_tld(const struct zone_version *version,
		      const struct zone_node *node, void *context)
{
	struct tlds *tlds = context;
	const struct rrset *ns = zone_node_find(version, node, RRTYPE_NS);
	bool has_ds = zone_node_find(version, node, RRTYPE_DS) != NULL;
	char text[DNAME_TEXT_MAX];

	if (ns == NULL || zone_node_name(node)->labels != 1) {
		return true;
	}
	dname_dump(zone_node_name(node), text);
	for (size_t i = 0; i < 2; i++) {
		check_tld_ns(transports[i], text, ns->count, has_ds);
		check_tld_ds(transports[i], text, has_ds);
	}
	tlds->seen++;
	tlds->unsigned_seen += !has_ds;
	return true;
}

START_TEST(tld_ns_and_tld_ds)
{
	struct tlds tlds = {0, 0};

	zone_version_walk(zone_current(served.zones[0]), check_tld, &tlds);
	ck_assert_uint_gt(tlds.seen, TLDS_LEAST);
	ck_assert_uint_gt(tlds.unsigned_seen, 0);
}
END_TEST

START_TEST(apex_soa_is_signed)
{
	ldns_pkt *packet = ask(transports[_i], ".", RRTYPE_SOA);
	const ldns_rr_list *answer = ldns_pkt_answer(packet);

	ck_assert(ldns_pkt_aa(packet) && !ldns_pkt_tc(packet));
	ck_assert_uint_eq(count(answer, ".", LDNS_RR_TYPE_SOA), 1);
	ck_assert_uint_eq(signatures(answer, ".", LDNS_RR_TYPE_SOA), 1);
	ck_assert_uint_eq(size_of(ldns_pkt_authority(packet)), 0);
	ldns_pkt_free(packet);
}
END_TEST

START_TEST(apex_dnskey_is_signed_and_alone)
{
	ldns_pkt *packet = ask(transports[_i], ".", RRTYPE_DNSKEY);
	const ldns_rr_list *answer = ldns_pkt_answer(packet);

	ck_assert(ldns_pkt_aa(packet) && !ldns_pkt_tc(packet));
	ck_assert_uint_ge(count(answer, ".", LDNS_RR_TYPE_DNSKEY), 2);
	ck_assert_uint_ge(signatures(answer, ".", LDNS_RR_TYPE_DNSKEY), 1);
	ck_assert_uint_eq(size_of(ldns_pkt_authority(packet)), 0);
	ck_assert_uint_eq(size_of(ldns_pkt_additional(packet)), 0);
	ldns_pkt_free(packet);
}
END_TEST

/* RFC 9609 4.1 */
START_TEST(priming_has_all_26_addresses)
{
	ldns_pkt *packet = ask(transports[_i], ".", RRTYPE_NS);
	const ldns_rr_list *additional = ldns_pkt_additional(packet);

	ck_assert(ldns_pkt_aa(packet) && !ldns_pkt_tc(packet));
	ck_assert_uint_eq(count(ldns_pkt_answer(packet), ".", LDNS_RR_TYPE_NS),
			  13);
	ck_assert_uint_eq(
		signatures(ldns_pkt_answer(packet), ".", LDNS_RR_TYPE_NS), 1);
	ck_assert_uint_eq(size_of(ldns_pkt_authority(packet)), 0);
	ck_assert_uint_eq(size_of(additional), 26);
	for (char letter = 'a'; letter <= 'm'; letter++) {
		char name[] = "?.root-servers.net.";

		name[0] = letter;
		ck_assert_uint_eq(count(additional, name, LDNS_RR_TYPE_A), 1);
		ck_assert_uint_eq(count(additional, name, LDNS_RR_TYPE_AAAA),
				  1);
	}
	ldns_pkt_free(packet);
}
END_TEST

/* Without EDNS: all 13 servers, what fits of their addresses, and no TC. */
START_TEST(priming_in_512_octets_has_no_tc)
{
	static struct built b;
	struct answer_note note;
	size_t size;

	built_query(&b, ".", RRTYPE_NS, 0, false);
	size = answer_query(served.context, ANSWER_UDP, b.octets, b.size, reply,
			    sizeof(reply), &note);
	ck_assert_uint_le(size, 512);
	ck_assert(!note.is_truncated);
	ck_assert_uint_eq(wire_get16(reply + 6), 13);
	ck_assert_uint_ge(wire_get16(reply + 10), 10);
}
END_TEST

START_TEST(missing_tld_is_proven)
{
	static const char *const names[] = {
		"www.rssac047-test.kqzvxwjyph.",
		"www.rssac047-test.aaaaaaaaaa.",
		"www.rssac047-test.zzzzzzzzzz.",
		"a.b.c.0123456789.",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ldns_pkt *packet = ask(transports[_i], names[i], RRTYPE_A);
		const ldns_rr_list *authority = ldns_pkt_authority(packet);
		ldns_rdf *name = ldns_dname_new_frm_str(names[i]);
		unsigned covering = 0;
		unsigned nsecs = 0;

		ck_assert(ldns_pkt_get_rcode(packet) == LDNS_RCODE_NXDOMAIN);
		ck_assert(ldns_pkt_aa(packet) && !ldns_pkt_tc(packet));
		ck_assert_uint_eq(size_of(ldns_pkt_answer(packet)), 0);
		ck_assert_uint_eq(size_of(ldns_pkt_additional(packet)), 0);
		ck_assert_uint_eq(count(authority, ".", LDNS_RR_TYPE_SOA), 1);
		ck_assert_uint_eq(signatures(authority, ".", LDNS_RR_TYPE_SOA),
				  1);
		ck_assert_uint_eq(count(authority, ".", LDNS_RR_TYPE_NSEC), 1);
		for (size_t j = 0; j < size_of(authority); j++) {
			const ldns_rr *rr = ldns_rr_list_rr(authority, j);

			if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_NSEC) {
				nsecs++;
				covering += ldns_nsec_covers_name(rr, name);
			}
		}
		ck_assert_uint_eq(covering, 1);
		/* One more record and signature, unless one NSEC does both. */
		ck_assert_uint_eq(size_of(authority), 2 + 2 * nsecs);
		ldns_rdf_deep_free(name);
		ldns_pkt_free(packet);
	}
}
END_TEST

int main(void)
{
	const char *path = shared_data("root/root-2026073102.zone");
	Suite *suite;
	TCase *tcase;
	SRunner *runner;
	int failed;

	if (path == NULL) {
		puts("skipped: the root zone is not there "
		     "(ROOTCAST_SHARED_DATA)");
		return 77;
	}
	served_init(&served);
	if (!served_add_file(&served, path, ".")) {
		fprintf(stderr, "%s\n", served.error);
		return 1;
	}
	suite = suite_create("root_shapes");
	tcase = tcase_create("root_shapes");
	tcase_add_test(tcase, tld_ns_and_tld_ds);
	tcase_add_loop_test(tcase, apex_soa_is_signed, 0, 2);
	tcase_add_loop_test(tcase, apex_dnskey_is_signed_and_alone, 0, 2);
	tcase_add_loop_test(tcase, priming_has_all_26_addresses, 0, 2);
	tcase_add_test(tcase, priming_in_512_octets_has_no_tc);
	tcase_add_loop_test(tcase, missing_tld_is_proven, 0, 2);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	/* One process: the zone is loaded once, and its threads stay. */
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	served_fini(&served);
	return failed == 0 ? 0 : 1;
}
