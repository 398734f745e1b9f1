#include "lib/zone/dnssec_verify.h"
#include "lib/dns/rrtype.h"
#include "lib/zone/load.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

enum {
	TEXT_MAX = 65536,
	INCEPTION = 1767225600,  /* 2026-01-01T00:00:00Z, of every fixture */
	EXPIRATION = 2082758400, /* 2036-01-01T00:00:00Z */
	GOOD = 1800000000,
	ROOT_AT = 1785585600, /* 2026-08-01T12:00:00Z */
};

#define ROOT_DS      \
	"20326 8 2 " \
	"E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"

/* Of the keys that signed ecdsap256.zone: its KSK, and its ZSK. */
#define KSK_DS        \
	"59113 13 2 " \
	"fdabee4ff96259ba0a2af0c6f3072435454eff41901602482bc39111ad6e5da1"
#define KSK                                                                  \
	"257 3 13 "                                                          \
	"CCW5eLeDsI4rxMEULcm2uITtKzwOzZU57cW1X6s3auDhfCE+6llHW86nDdxksm8IsU" \
	"xUxYvIy3uun28v3GyeIQ=="
#define ZSK                                                                  \
	"256 3 13 "                                                          \
	"q0FteKGeN6GkkFaDP1i07AqVH3BIAdYT982KPkPCYStjnkBTgICaW+pHwWtOhzTJru" \
	"gpEpTR3M8WtAMNWF2XAA=="
#define OTHER_DS      \
	"59113 13 2 " \
	"fdabee4ff96259ba0a2af0c6f3072435454eff41901602482bc39111ad6e5da2"

static char folder[64];
static char text[TEXT_MAX];

static void setup(void)
{
	strcpy(folder, "/tmp/test_dnssec_verify.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

static void teardown(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	unlink(strcat(folder, "/zone"));
	*strrchr(folder, '/') = '\0';
	ck_assert_int_eq(rmdir(folder), 0);
}

static void read_fixture(const char *name)
{
	char path[512];
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "%s/tests/unit/zonemd/%s.zone",
		 ROOTCAST_SOURCE_DIR, name);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s", path);
	size = fread(text, 1, sizeof(text) - 1, file);
	text[size] = '\0';
	fclose(file);
}

/* The first line that holds what; never absent. */
static char *line_with(const char *what)
{
	char *at = strstr(text, what);

	ck_assert_msg(at != NULL, "no '%s'", what);
	while (at > text && at[-1] != '\n') {
		at--;
	}
	return at;
}

/* In the first line that holds what: from becomes to ("": the line goes). */
static void edit(const char *what, const char *from, const char *to)
{
	static char copy[TEXT_MAX];
	char *line = line_with(what);
	char *at = from[0] == '\0' ? line : strstr(line, from);
	char *rest;

	ck_assert_msg(at != NULL && at <= strchr(line, '\n'), "no '%s'", from);
	rest = from[0] == '\0' ? strchr(line, '\n') + 1 : at + strlen(from);
	strcpy(copy, rest);
	strcpy(at, to);
	strcat(text, copy);
}

/* Change an octet of the signature in the line. */
static void spoil(const char *what)
{
	char *at = strchr(line_with(what), '\n') - 20;

	*at = *at == 'A' ? 'B' : 'A';
}

static enum status load(const char *origin, enum zonemd_policy policy,
			const char *const *anchors, int64_t at,
			struct zone_load *out)
{
	struct trust_anchor read[4];
	struct zonemd_rule rule = {.policy = policy, .anchors = read};
	struct zone_load_options options = {.at = at, .default_rule = &rule};
	struct dname_storage name;
	char reason[TRUST_ANCHOR_REASON_MAX];
	FILE *file = fopen("zone", "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	for (; anchors != NULL && anchors[rule.anchor_count] != NULL;
	     rule.anchor_count++) {
		ck_assert_msg(trust_anchor_load(&read[rule.anchor_count],
						anchors[rule.anchor_count],
						reason) == STATUS_OK,
			      "%s", reason);
	}
	ck_assert_int_eq(dname_load(&name, origin, strlen(origin), NULL),
			 STATUS_OK);
	return zone_load_with("zone", dname_of(&name), &options, out);
}

/* --- whole zones ------------------------------------------------------------
 */

static const char *const algorithms[] = {
	"rsasha256", "rsasha512", "ecdsap256", "ecdsap384", "ed25519", "ed448",
};

START_TEST(every_algorithm_verifies)
{
	struct zone_load out;

	read_fixture(algorithms[_i]);
	ck_assert_msg(load("example.", ZONEMD_POLICY_REQUIRE, NULL, GOOD,
			   &out) == STATUS_OK,
		      "%s: %s", algorithms[_i], out.error.reason);
	ck_assert_int_eq(out.zonemd, ZONEMD_SIGNATURE);
	ck_assert_str_eq(out.zonemd_reason, "");
	zone_load_fini(&out);
}
END_TEST

START_TEST(every_algorithm_finds_a_wrong_signature)
{
	struct zone_load out;

	read_fixture(algorithms[_i]);
	spoil("RRSIG\tZONEMD");
	ck_assert_int_eq(
		load("example.", ZONEMD_POLICY_REQUIRE, NULL, GOOD, &out),
		STATUS_BAD_DATA);
	ck_assert_msg(strstr(out.error.reason, "over ZONEMD: the signature is "
					       "wrong") != NULL,
		      "%s: %s", algorithms[_i], out.error.reason);
	ck_assert_uint_gt(out.error.line, 0);
	zone_load_fini(&out);
	ck_assert_int_eq(
		load("example.", ZONEMD_POLICY_CHECK, NULL, GOOD, &out),
		STATUS_OK);
	ck_assert_int_eq(out.zonemd, ZONEMD_DIGEST);
	ck_assert_ptr_nonnull(strstr(out.zonemd_reason, "is wrong"));
	zone_load_fini(&out);
}
END_TEST

struct visit {
	struct dnssec_verifier *verifier;
	size_t sets;
};

static bool verify_node(const struct zone_version *version,
			const struct zone_node *node, void *context)
{
	struct visit *visit = context;
	char name[DNAME_TEXT_MAX];

	for (size_t i = 0; i < zone_node_rrset_count(node); i++) {
		const struct rrset *rrset =
			zone_node_rrset_at(version, node, i);
		const char *reason = "";

		if (rrset->signatures == 0) {
			continue;
		}
		ck_assert_msg(
			dnssec_verify(visit->verifier, zone_node_name(node),
				      rrset, &reason) == STATUS_OK,
			"%s %u: %s", dname_dump(zone_node_name(node), name),
			rrset->type, reason);
		visit->sets++;
	}
	return true;
}

static size_t verify_all(const struct zone_version *version, int64_t at)
{
	struct visit visit = {dnssec_verifier_new(version, at), 0};
	const char *reason = "";

	ck_assert_ptr_nonnull(visit.verifier);
	ck_assert_msg(dnssec_verifier_trust(visit.verifier, NULL, 0, &reason) ==
			      STATUS_OK,
		      "%s", reason);
	zone_version_walk(version, verify_node, &visit);
	zone_version_walk_nsec3(version, verify_node, &visit);
	dnssec_verifier_free(visit.verifier);
	return visit.sets;
}

START_TEST(every_set_of_a_signed_zone_verifies)
{
	struct zone_load out;

	/* A wildcard, an NSEC of it, and mixed case are in there. */
	read_fixture("ecdsap256");
	ck_assert_int_eq(
		load("example.", ZONEMD_POLICY_REQUIRE, NULL, GOOD, &out),
		STATUS_OK);
	ck_assert_uint_eq(verify_all(out.version, GOOD), 9);
	zone_load_fini(&out);
	/* NSEC3, types that are not known, SRV, HINFO. */
	read_fixture("nsec3");
	ck_assert_int_eq(
		load("mix.example.", ZONEMD_POLICY_REQUIRE, NULL, GOOD, &out),
		STATUS_OK);
	ck_assert_uint_eq(verify_all(out.version, GOOD), 23);
	zone_load_fini(&out);
}
END_TEST

START_TEST(the_root_zone_verifies_from_its_trust_anchor)
{
	const char *data = getenv("ROOTCAST_SHARED_DATA");
	struct trust_anchor anchor;
	struct zonemd_rule rule = {
		.policy = ZONEMD_POLICY_REQUIRE,
		.anchors = &anchor,
		.anchor_count = 1,
	};
	struct zone_load_options options = {
		.at = ROOT_AT,
		.default_rule = &rule,
	};
	char reason[TRUST_ANCHOR_REASON_MAX];
	struct zone_load out;
	char path[1024];

	snprintf(path, sizeof(path), "%s/root/root-2026073102.zone",
		 data != NULL ? data : ROOTCAST_SOURCE_DIR "/../shared/data");
	if (access(path, R_OK) != 0) {
		printf("skipped: no root zone at %s\n", path);
		return;
	}
	ck_assert_int_eq(trust_anchor_load(&anchor, ROOT_DS, reason),
			 STATUS_OK);
	ck_assert_msg(zone_load_with(path, dname_root, &options, &out) ==
			      STATUS_OK,
		      "%s", out.error.reason);
	ck_assert_int_eq(out.zonemd, ZONEMD_SIGNATURE);
	ck_assert_uint_eq(verify_all(out.version, ROOT_AT), 2792);
	zone_load_fini(&out);
	options.at = 2000000000; /* long after */
	ck_assert_int_eq(zone_load_with(path, dname_root, &options, &out),
			 STATUS_BAD_DATA);
	ck_assert_msg(strstr(out.error.reason, "expired") != NULL, "%s",
		      out.error.reason);
	zone_load_fini(&out);
}
END_TEST

/* --- what stands against it -------------------------------------------------
 */

static const struct {
	const char *name;
	const char *fixture;
	const char *what; /* edit(); NULL: as it is */
	const char *from;
	const char *to;
	const char *anchors[3];
	int64_t at;
	const char *reason; /* NULL: verified */
} cases[] = {
	{"first_second",
	 "ecdsap256",
	 NULL,
	 NULL,
	 NULL,
	 {NULL},
	 INCEPTION,
	 NULL},
	{"a_second_before",
	 "ecdsap256",
	 NULL,
	 NULL,
	 NULL,
	 {NULL},
	 INCEPTION - 1,
	 "over DNSKEY: the signature is not valid yet"},
	{"last_second",
	 "ecdsap256",
	 NULL,
	 NULL,
	 NULL,
	 {NULL},
	 EXPIRATION,
	 NULL},
	{"a_second_after",
	 "ecdsap256",
	 NULL,
	 NULL,
	 NULL,
	 {NULL},
	 EXPIRATION + 1,
	 "over DNSKEY: the signature has expired"},
	{"no_time",
	 "ecdsap256",
	 NULL,
	 NULL,
	 NULL,
	 {NULL},
	 ZONE_CHECK_NEVER,
	 NULL},
	{"ds_of_the_ksk", "ecdsap256", NULL, NULL, NULL, {KSK_DS}, GOOD, NULL},
	{"dnskey_of_the_ksk", "ecdsap256", NULL, NULL, NULL, {KSK}, GOOD, NULL},
	{"one_anchor_of_two",
	 "ecdsap256",
	 NULL,
	 NULL,
	 NULL,
	 {ROOT_DS, "DNSKEY " KSK},
	 GOOD,
	 NULL},
	{"ds_sha384",
	 "ecdsap384",
	 NULL,
	 NULL,
	 NULL,
	 {"DS 51239 14 4 "
	  "dc3bb508410059cfca18471f187eb6a6f7b1916a984e5003860a149eb2470796"
	  "245f85e238ddd26f6ddfe8110fa11276"},
	 GOOD,
	 NULL},
	{"ds_of_another_key",
	 "ecdsap256",
	 NULL,
	 NULL,
	 NULL,
	 {OTHER_DS},
	 GOOD,
	 "over DNSKEY: no DNSKEY is the one that trust_anchor names"},
	{"anchor_of_another_zone",
	 "ecdsap256",
	 NULL,
	 NULL,
	 NULL,
	 {ROOT_DS},
	 GOOD,
	 "over DNSKEY: no DNSKEY is the one"},
	/* It is in the set, but did not sign it. */
	{"anchor_names_the_zsk",
	 "ecdsap256",
	 NULL,
	 NULL,
	 NULL,
	 {ZSK},
	 GOOD,
	 "over DNSKEY: no signature is made by a key that is trusted"},
	/* Its KSK has the flag of RFC 5011; made by ldns-signzone. */
	{"revoked",
	 "revoked",
	 NULL,
	 NULL,
	 NULL,
	 {NULL},
	 GOOD,
	 "over DNSKEY: no signature is made by a key that is trusted"},
	{"revoked_dnskey_is_no_anchor_any_more",
	 "revoked",
	 NULL,
	 NULL,
	 NULL,
	 {KSK},
	 GOOD,
	 "over DNSKEY: no DNSKEY is the one"},
	{"not_a_zone_key",
	 "ed25519",
	 "DNSKEY\t257",
	 "257",
	 "1",
	 {NULL},
	 GOOD,
	 "over DNSKEY: no signature is made by a key that is trusted"},
	{"another_protocol",
	 "ed25519",
	 "DNSKEY\t257",
	 "257 3",
	 "257 2",
	 {NULL},
	 GOOD,
	 "over DNSKEY: no signature is made by a key that is trusted"},
	{"key_set_changed",
	 "ecdsap256",
	 "DNSKEY\t256",
	 "\n",
	 "\nexample. 60 IN DNSKEY 256 3 13 AAAA\n",
	 {NULL},
	 GOOD,
	 "over DNSKEY: the signature is wrong"},
	{"soa_changed",
	 "ecdsap256",
	 "SOA\t",
	 "3600",
	 "3601",
	 {NULL},
	 GOOD,
	 "over SOA: the signature is wrong"},
	{"soa_not_signed",
	 "ecdsap256",
	 "RRSIG\tSOA",
	 "",
	 "",
	 {NULL},
	 GOOD,
	 "over SOA: there is no signature"},
	{"dnskey_not_signed",
	 "ecdsap256",
	 "RRSIG\tDNSKEY",
	 "",
	 "",
	 {NULL},
	 GOOD,
	 "over DNSKEY: there is no signature"},
	{"zonemd_not_signed",
	 "ecdsap256",
	 "RRSIG\tZONEMD",
	 "",
	 "",
	 {NULL},
	 GOOD,
	 "over ZONEMD: there is no signature"},
	{"a_record_changed",
	 "ecdsap256",
	 "192.0.2.1",
	 "192.0.2.1",
	 "192.0.2.2",
	 {NULL},
	 GOOD,
	 "not what its ZONEMD's digest says"},
	{"a_record_more",
	 "ecdsap256",
	 "192.0.2.1",
	 "\n",
	 "\nns.example. 60 IN TXT x\n",
	 {NULL},
	 GOOD,
	 "not what its ZONEMD's digest says"},
	{"a_wrong_digest_well_signed",
	 "wrong_digest",
	 NULL,
	 NULL,
	 NULL,
	 {NULL},
	 GOOD,
	 "not what its ZONEMD's digest says"},
	{"an_unknown_algorithm_well_signed",
	 "unsupported",
	 NULL,
	 NULL,
	 NULL,
	 {NULL},
	 GOOD,
	 "no ZONEMD is of a scheme and algorithm"},
	{"zonemd_taken_out",
	 "ecdsap256",
	 "ZONEMD\t7",
	 "",
	 "",
	 {NULL},
	 GOOD,
	 "the ZONEMD that the apex's NSEC or NSEC3 tells of is missing"},
	{"no_ns_at_the_apex",
	 "ecdsap256",
	 "IN\tNS\t",
	 "",
	 "",
	 {NULL},
	 GOOD,
	 "no NS records"},
	{"the_signers_algorithm",
	 "ecdsap256",
	 "RRSIG\tZONEMD",
	 "13 1",
	 "250 1",
	 {NULL},
	 GOOD,
	 "over ZONEMD: no signature is of an algorithm"},
	{"the_signature_says_another_algorithm",
	 "ecdsap256",
	 "RRSIG\tZONEMD",
	 "13 1",
	 "15 1",
	 {NULL},
	 GOOD,
	 "over ZONEMD: no signature is made by a key of the zone"},
	{"another_tag",
	 "ecdsap256",
	 "RRSIG\tZONEMD",
	 "38145",
	 "38146",
	 {NULL},
	 GOOD,
	 "over ZONEMD: no signature is made by a key of the zone"},
	{"fewer_labels",
	 "ecdsap256",
	 "RRSIG\tZONEMD",
	 "13 1",
	 "13 0",
	 {NULL},
	 GOOD,
	 "over ZONEMD: a signature is over a name with another number"},
	{"another_signer",
	 "ecdsap256",
	 "RRSIG\tZONEMD",
	 "38145 ",
	 "38145 ns.",
	 {NULL},
	 GOOD,
	 "over ZONEMD: a signature names another"},
	{"the_parent_as_signer",
	 "ecdsap256",
	 "RRSIG\tZONEMD",
	 "38145 example.",
	 "38145 .",
	 {NULL},
	 GOOD,
	 "over ZONEMD: a signature names another"},
	{"another_original_ttl",
	 "ecdsap256",
	 "RRSIG\tZONEMD",
	 "13 1 60",
	 "13 1 61",
	 {NULL},
	 GOOD,
	 "over ZONEMD: the signature is wrong"},
	{"another_expiration",
	 "ecdsap256",
	 "RRSIG\tZONEMD",
	 "20360101000000",
	 "20360101000001",
	 {NULL},
	 GOOD,
	 "over ZONEMD: the signature is wrong"},
	{"an_empty_signature",
	 "ecdsap256",
	 "RRSIG\tZONEMD",
	 "\n",
	 "\nexample. 60 IN RRSIG ZONEMD 13 1 60 20360101000000 20260101000000 "
	 "38145 example. AAAA\n",
	 {NULL},
	 GOOD,
	 NULL},
	{"the_signer_in_capitals",
	 "ecdsap256",
	 "RRSIG\tZONEMD",
	 "38145 example.",
	 "38145 EXAMPLE.",
	 {NULL},
	 GOOD,
	 NULL},
	/* The original TTL is what was signed (RFC 4034 6.2). */
	{"a_lower_ttl_of_what_is_not_digested",
	 "ecdsap256",
	 "ZONEMD\t7",
	 "60",
	 "30",
	 {NULL},
	 GOOD,
	 NULL},
	{"rsa_key_cut",
	 "rsasha256",
	 "DNSKEY\t257",
	 "3 8 ",
	 "3 8 BAEAAQ== ; ",
	 {NULL},
	 GOOD,
	 "over DNSKEY"},
};

START_TEST(what_does_not_hold_is_refused_with_its_reason)
{
	struct zone_load out;
	enum status status;

	read_fixture(cases[_i].fixture);
	if (cases[_i].what != NULL) {
		edit(cases[_i].what, cases[_i].from, cases[_i].to);
	}
	status = load("example.", ZONEMD_POLICY_REQUIRE, cases[_i].anchors,
		      cases[_i].at, &out);
	if (cases[_i].reason == NULL) {
		ck_assert_msg(status == STATUS_OK, "%s: %s", cases[_i].name,
			      out.error.reason);
		ck_assert_int_eq(out.zonemd, ZONEMD_SIGNATURE);
	} else {
		ck_assert_msg(status == STATUS_BAD_DATA, "%s: %d",
			      cases[_i].name, status);
		ck_assert_msg(strstr(out.error.reason, cases[_i].reason) !=
				      NULL,
			      "%s: %s", cases[_i].name, out.error.reason);
		ck_assert_ptr_null(out.version);
	}
	zone_load_fini(&out);
}
END_TEST

START_TEST(nsec3_tells_of_a_zonemd_that_was_taken_out)
{
	struct zone_load out;

	read_fixture("nsec3");
	edit("ZONEMD 7 1 1", "", "");
	edit("ZONEMD 7 1 2", "", "");
	ck_assert_int_eq(
		load("mix.example.", ZONEMD_POLICY_REQUIRE, NULL, GOOD, &out),
		STATUS_BAD_DATA);
	ck_assert_msg(strstr(out.error.reason, "tells of is missing") != NULL,
		      "%s", out.error.reason);
	zone_load_fini(&out);
	ck_assert_int_eq(
		load("mix.example.", ZONEMD_POLICY_CHECK, NULL, GOOD, &out),
		STATUS_OK);
	ck_assert_int_eq(out.zonemd, ZONEMD_NONE);
	zone_load_fini(&out);
}
END_TEST

static const struct {
	const char *text;
	const char *reason;      /* under 'require' */
	enum zonemd_state state; /* under 'check' */
} unsigned_cases[] = {
	{"", "there is no ZONEMD, and it is required", ZONEMD_NONE},
	{"@ NSEC @ NS SOA NSEC\n", "there is no ZONEMD, and it is required",
	 ZONEMD_NONE},
	{"@ NSEC @ NS SOA NSEC TYPE1234\n",
	 "there is no ZONEMD, and it is required", ZONEMD_NONE},
	{"@ NSEC @ NS SOA ZONEMD\n", "tells of is missing", ZONEMD_NONE},
	/* Digest computed by a script of its own. */
	{"@ ZONEMD 1 1 1 84268df46828aaca17f38546e9e3b9c6243bd72c92e2ff735d"
	 "02eb6de21ddae7fbb98ff7517fb80e55c565c746750db4\n",
	 "over DNSKEY: the zone has no DNSKEY", ZONEMD_DIGEST},
};

START_TEST(an_unsigned_zone_is_no_proof)
{
	struct zone_load out;

	snprintf(text, sizeof(text),
		 "$TTL 60\n@ SOA ns h 1 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n%s",
		 unsigned_cases[_i].text);
	ck_assert_int_eq(load("a.", ZONEMD_POLICY_REQUIRE, NULL, GOOD, &out),
			 STATUS_BAD_DATA);
	ck_assert_msg(strstr(out.error.reason, unsigned_cases[_i].reason) !=
			      NULL,
		      "%s", out.error.reason);
	zone_load_fini(&out);
	ck_assert_int_eq(load("a.", ZONEMD_POLICY_CHECK, NULL, GOOD, &out),
			 STATUS_OK);
	ck_assert_int_eq(out.zonemd, unsigned_cases[_i].state);
	zone_load_fini(&out);
}
END_TEST

/* More wrong signatures than are tried stand before the good one. */
START_TEST(many_wrong_signatures_are_not_all_tried)
{
	struct zone_load out;

	read_fixture("ecdsap256");
	for (unsigned i = 0; i < 200; i++) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "example. IN RRSIG ZONEMD 13 1 60 20360101000000 "
			 "20260101000000 38145 example. AAAA%02u%02u\n",
			 i / 100 + 10, i % 100);
	}
	ck_assert_int_eq(
		load("example.", ZONEMD_POLICY_REQUIRE, NULL, GOOD, &out),
		STATUS_BAD_DATA);
	ck_assert_msg(strstr(out.error.reason, "too many signatures") != NULL,
		      "%s", out.error.reason);
	zone_load_fini(&out);
}
END_TEST

/* --- trust anchors ----------------------------------------------------------
 */

static const struct {
	const char *text;
	uint16_t type;
	uint16_t size;
	const char *reason;
} anchors[] = {
	{ROOT_DS, RRTYPE_DS, 36, NULL},
	{"DS " ROOT_DS, RRTYPE_DS, 36, NULL},
	{"ds\t" ROOT_DS, RRTYPE_DS, 36, NULL},
	{KSK, RRTYPE_DNSKEY, 68, NULL},
	{"DNSKEY " KSK, RRTYPE_DNSKEY, 68, NULL},
	{"dnskey 257 3 13 CCW5", RRTYPE_DNSKEY, 7, NULL},
	{"", 0, 0, "not the RDATA"},
	{"DS", 0, 0, "not the RDATA"},
	{"DNSKEY", 0, 0, "not the RDATA"},
	{"DNSKEY 257 3 13", 0, 0, "not the RDATA"},
	{"20326 8 2", 0, 0, "not the RDATA"},
	{"20326 8 2 zz", 0, 0, "not the RDATA"},
	{"70000 8 2 00", 0, 0, "not the RDATA"},
	{"20326 8 2 00", 0, 0, "wrong length"},
	{"20326 8 1 1111111111111111111111111111111111111111", 0, 0,
	 "digest type is not supported"},
	{"20326 5 2 "
	 "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
	 0, 0, "algorithm is not supported"},
	{"257 3 7 CCW5", 0, 0, "algorithm is not supported"},
	{"1 3 13 CCW5", 0, 0, "no zone key"},
	{"DNSKEY 257 2 13 CCW5", 0, 0, "no zone key"},
	{"385 3 13 CCW5", 0, 0, "revoked"},
	{"257 3 13 \"CCW5", 0, 0, "a letter that no"},
	{"257 3 13 CCW5\\", 0, 0, "a letter that no"},
	{"257 3 13 CCW5 ; comment", 0, 0, "a letter that no"},
};

START_TEST(an_anchor_is_read_or_refused)
{
	struct trust_anchor anchor;
	char reason[TRUST_ANCHOR_REASON_MAX] = "";
	enum status status =
		trust_anchor_load(&anchor, anchors[_i].text, reason);

	if (anchors[_i].reason == NULL) {
		ck_assert_msg(status == STATUS_OK, "'%s': %s", anchors[_i].text,
			      reason);
		ck_assert_uint_eq(anchor.type, anchors[_i].type);
		ck_assert_uint_eq(anchor.size, anchors[_i].size);
	} else {
		ck_assert_msg(status != STATUS_OK, "'%s'", anchors[_i].text);
		ck_assert_msg(strstr(reason, anchors[_i].reason) != NULL,
			      "'%s': %s", anchors[_i].text, reason);
	}
}
END_TEST

START_TEST(an_anchor_that_is_too_long_is_refused)
{
	struct trust_anchor anchor;
	char reason[TRUST_ANCHOR_REASON_MAX];

	strcpy(text, "257 3 13 ");
	for (int i = 0; i < 400; i++) {
		strcat(text, "AAAA");
	}
	ck_assert_int_eq(trust_anchor_load(&anchor, text, reason),
			 STATUS_BAD_SYNTAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dnssec_verify");
	TCase *tcase = tcase_create("signatures");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, every_algorithm_verifies, 0,
			    COUNT(algorithms));
	tcase_add_loop_test(tcase, every_algorithm_finds_a_wrong_signature, 0,
			    COUNT(algorithms));
	tcase_add_test(tcase, every_set_of_a_signed_zone_verifies);
	tcase_add_test(tcase, the_root_zone_verifies_from_its_trust_anchor);
	tcase_add_loop_test(tcase,
			    what_does_not_hold_is_refused_with_its_reason, 0,
			    COUNT(cases));
	tcase_add_test(tcase, nsec3_tells_of_a_zonemd_that_was_taken_out);
	tcase_add_loop_test(tcase, an_unsigned_zone_is_no_proof, 0,
			    COUNT(unsigned_cases));
	tcase_add_test(tcase, many_wrong_signatures_are_not_all_tried);
	tcase_add_loop_test(tcase, an_anchor_is_read_or_refused, 0,
			    COUNT(anchors));
	tcase_add_test(tcase, an_anchor_that_is_too_long_is_refused);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
