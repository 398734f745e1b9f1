#include "lib/zone/load.h"
#include "lib/dns/rrtype.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

/* Lines 1 and 2 of most zones below. */
#define APEX "$TTL 60\n@ SOA ns admin 1 3600 900 604800 300\n NS ns.other.\n"

static char folder[64];

static void setup(void)
{
	strcpy(folder, "/tmp/test_load.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

static void teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(system(command), 0);
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static struct dname_storage name_of(const char *text)
{
	struct dname_storage out;

	ck_assert_int_eq(dname_load(&out, text, strlen(text), dname_root),
			 STATUS_OK);
	return out;
}

static enum status load(struct zone_load *out)
{
	struct dname_storage origin = name_of("example.");

	return zone_load("example.zone", dname_of(&origin), out);
}

START_TEST(a_good_file_becomes_a_version)
{
	struct zone_load out;
	struct dname_storage apex = name_of("example.");

	put("example.zone", APEX "$INCLUDE more.inc\n");
	put("more.inc", "www A 192.0.2.1\n");
	ck_assert_int_eq(load(&out), STATUS_OK);
	ck_assert_ptr_nonnull(out.version);
	ck_assert_uint_eq(out.records, 3);
	ck_assert_uint_eq(out.warnings, 0);
	ck_assert_uint_eq(zone_version_serial(out.version), 1);
	ck_assert(dname_equal(zone_version_apex(out.version), dname_of(&apex)));
	ck_assert_uint_eq(out.file_count, 2);
	ck_assert_str_eq(out.files[0].path, "example.zone");
	ck_assert_str_eq(out.files[1].path, "more.inc");
	ck_assert(zone_load_is_current(&out));
	zone_load_fini(&out);
	zone_load_fini(&out); /* once more does no harm */
}
END_TEST

START_TEST(the_soa_names_the_zone)
{
	struct zone_load out;
	struct dname_storage apex = name_of("other.");

	put("example.zone", "other. 5 SOA . . 1 2 3 4 5\nother. 5 NS .\n");
	ck_assert_int_eq(load(&out), STATUS_OK);
	ck_assert(dname_equal(zone_version_apex(out.version), dname_of(&apex)));
	zone_load_fini(&out);
}
END_TEST

static const struct {
	const char *text;
	unsigned long line;
	const char *reason;
} bad_cases[] = {
	{"", 0, "no SOA"},
	{"@ 5 NS ns.other.\n", 0, "no SOA"},
	{"@ 5 SOA . . 1 2 3 4 5\n", 1, "no NS records at the apex"},
	{APEX "@ SOA . . 2 2 3 4 5\n", 4, "SOA"},
	{"a.other. 5 A 192.0.2.1\n" APEX, 1, "outside the zone"},
	{APEX "a A 192.0.2.1\nb A 192.0.2.2\na CNAME b\n", 6, "CNAME"},
	{APEX "a CNAME b\na CNAME c\n", 5, "several CNAME"},
	{APEX "a A x\n", 4, "malformed IPv4 address"},
	{APEX "@ NSEC3PARAM 1 0 151 -\n", 4,
	 "more than 150 NSEC3 iterations (RFC 9276)"},
};

START_TEST(a_bad_file_says_where_and_why)
{
	struct zone_load out;

	put("example.zone", bad_cases[_i].text);
	ck_assert_int_ne(load(&out), STATUS_OK);
	ck_assert_ptr_null(out.version);
	ck_assert_str_eq(out.error.file, "example.zone");
	ck_assert_msg(strstr(out.error.reason, bad_cases[_i].reason) != NULL,
		      "%s: %s", bad_cases[_i].text, out.error.reason);
	ck_assert_msg(out.error.line == bad_cases[_i].line, "%s: line %lu: %s",
		      bad_cases[_i].text, out.error.line, out.error.reason);
	/* The caller watches a bad file too. */
	ck_assert_uint_eq(out.file_count, 1);
	zone_load_fini(&out);
}
END_TEST

START_TEST(a_fault_of_the_whole_zone_is_found_in_an_include)
{
	struct zone_load out;

	put("example.zone", APEX "a A 192.0.2.1\n$INCLUDE more.inc\n");
	put("more.inc", "\nb A 192.0.2.1\na CNAME b\n");
	ck_assert_int_eq(load(&out), STATUS_BAD_DATA);
	ck_assert_str_eq(out.error.file, "more.inc");
	ck_assert_uint_eq(out.error.line, 3);
	zone_load_fini(&out);
}
END_TEST

START_TEST(a_missing_file_is_an_error_of_its_own)
{
	struct zone_load out;

	ck_assert_int_eq(load(&out), STATUS_NOT_FOUND);
	ck_assert_uint_eq(out.file_count, 0);
	ck_assert(strstr(out.error.reason, "No such file") != NULL);
	zone_load_fini(&out);
}
END_TEST

/* The finding comes while the load runs: what it does, happens meanwhile. */
static void rewrite(const struct zone_finding *finding, void *context)
{
	(void)finding;
	put("example.zone", context);
}

START_TEST(a_file_that_changes_while_it_is_read_is_not_used)
{
	static const char *const changes[] = {"", APEX, APEX "a A x\n"};

	for (int i = 0; i < COUNT(changes); i++) {
		struct dname_storage origin = name_of("example.");
		struct zone_load_options options = {
			.at = ZONE_CHECK_NEVER,
			.finding = rewrite,
			.context = (void *)changes[i],
		};
		struct zone_load out;

		put("example.zone", APEX "a MX 1 missing\n");
		ck_assert_int_eq(zone_load_with("example.zone",
						dname_of(&origin), &options,
						&out),
				 STATUS_CHANGED);
		ck_assert_ptr_null(out.version);
		zone_load_fini(&out);
	}
}
END_TEST

START_TEST(a_change_afterwards_is_seen)
{
	struct zone_load out;
	struct timespec times[2] = {{1, 0}, {1, 0}};

	put("example.zone", APEX "$INCLUDE more.inc\n");
	put("more.inc", "");
	ck_assert_int_eq(load(&out), STATUS_OK);
	ck_assert(zone_load_is_current(&out));
	ck_assert_int_eq(utimensat(AT_FDCWD, "more.inc", times, 0), 0);
	ck_assert(!zone_load_is_current(&out));
	zone_load_fini(&out);
	ck_assert_int_eq(load(&out), STATUS_OK);
	put("new.inc", "");
	ck_assert_int_eq(utimensat(AT_FDCWD, "new.inc", times, 0), 0);
	ck_assert_int_eq(rename("new.inc", "more.inc"), 0);
	ck_assert_msg(!zone_load_is_current(&out), "another inode");
	zone_load_fini(&out);
	ck_assert_int_eq(load(&out), STATUS_OK);
	ck_assert_int_eq(unlink("more.inc"), 0);
	ck_assert(!zone_load_is_current(&out));
	zone_load_fini(&out);
}
END_TEST

/* --- checks ----------------------------------------------------------------*/

static const struct {
	const char *text;
	size_t warnings;
	const char *first;
} checks[] = {
	{APEX, 0, ""},
	{APEX "sub NS ns.sub\nns.sub A 192.0.2.1\n", 0, ""},
	{APEX "sub NS ns.sub\n", 1, "no glue for 'ns.sub.example.'"},
	{APEX "sub NS sub\n", 1, "no glue for 'sub.example.'"},
	{APEX "sub NS ns\nns AAAA ::1\n", 0, ""},
	{APEX "sub NS ns\n", 1, "names a host that is missing"},
	{APEX "sub NS ns\nns TXT x\n", 1, "names a host without an address"},
	{APEX "sub NS ns\nns CNAME a\na A 192.0.2.1\n", 1, "names an alias"},
	{APEX "a MX 1 b\nb CNAME c\nc A 192.0.2.1\n", 1, "names an alias"},
	{APEX "a MX 1 b\n* A 192.0.2.1\n", 0, ""},
	{APEX "a MX 0 .\n", 0, ""},
	{APEX "a MX 1 mail.sub\nsub NS ns.other.\n", 0, ""},
	{APEX "sub NS ns.other.\nsub MX 1 missing\nx.sub NS y.sub\n", 1,
	 "2 sets below a cut that are no glue"},
	{APEX "sub NS ns.other.\na.sub A 192.0.2.1\n", 1,
	 "1 hosts below a cut that no NS names"},
	{APEX "sub NS ns.other.\nsub A 192.0.2.1\n", 1,
	 "1 hosts below a cut that no NS names"},
	{APEX "sub NS a.sub2\nsub2 NS ns.other.\na.sub2 A 192.0.2.1\n", 0, ""},
	{APEX "sub NS a.sub2\nsub2 NS ns.other.\n", 1,
	 "line 4: no sibling glue for 'a.sub2.example.': sub.example. NS"},
	{APEX "a SRV 1 1 1 b\nb CNAME c\nc A 192.0.2.1\n", 1,
	 "line 4: names an alias"},
	{APEX "a SRV 1 1 1 .\n", 0, ""},
	{APEX "a MX 1 192.0.2.1\n", 1, "names an address"},
	{APEX "a MX 1 192.0.2.1.\n", 1, "names an address"},
	{APEX "a MX 1 b.other.\na MX 2 b_c.other.\n", 1,
	 "line 5: names what is no host name"},
	{APEX "a_b A 192.0.2.1\n-c AAAA ::1\n*.d A 192.0.2.1\n_e TXT x\n", 1,
	 "2 owners of addresses that are no host names, the first: "
	 "-c.example. AAAA"},
	{APEX "*.a NS ns.other.\n", 1, "NS records at a wildcard"},
	{APEX "*.a DNAME b.other.\n", 1, "DNAME at a wildcard"},
	{APEX "a DNAME b.other.\na NS ns.other.\n", 1,
	 "NS records beside a DNAME"},
	{APEX "@ DNAME b.other.\n", 0, ""},
	{APEX "a DS 1 13 1 "
	      "0123456789012345678901234567890123456789\n",
	 1, "a DS where there is no delegation"},
	{APEX "a NS b.other.\na DS 1 13 1 "
	      "0123456789012345678901234567890123456789\n",
	 0, ""},
	{APEX "a NS b.other.\na DS 1 13 2 "
	      "0123456789012345678901234567890123456789\n",
	 1, "line 5: a digest of 20 octets, where type 2 has 32"},
	{APEX "a NS b.other.\na DS 1 13 99 00\n", 1,
	 "a DS whose digest type, 99, is unknown"},
	{APEX "a SPF \"v=spf1 -all\"\n", 1, "an SPF record, and no TXT"},
	{APEX "a SPF \"v=spf1 -all\"\na TXT \"v=spf1 -all\"\n", 0, ""},
	{"$TTL 60\n@ SOA ns.other. admin 1 900 3600 604800 300\n NS "
	 "ns.other.\n",
	 1, "line 2: the SOA's retry, 3600, is above its refresh, 900"},
	{"$TTL 60\n@ SOA ns.other. admin 1 3600 900 4499 300\n NS ns.other.\n",
	 1, "line 2: the SOA's expire, 4499, is below"},
	{APEX "a TXT x\n A6 \\# 1 00\n RRSIG TXT 13 2 60 20300101000000 "
	      "20250101000000 1 @ AA==\n",
	 1, "1 DNSSEC records in a zone that has no DNSKEY"},
	{APEX "@ CDS 1 13 1 0123456789012345678901234567890123456789\n", 1,
	 "CDS records, but no CDNSKEY"},
	{APEX "d DNAME other.\n", 0, ""},
	{APEX "d DNAME other.\na.d A 192.0.2.1\nb.d A 192.0.2.1\n", 1,
	 "line 5: a name below the DNAME of 'd.example.', which hides it: "
	 "a.d.example."},
	{APEX "a 604800 A 192.0.2.1\n", 0, ""},
	{APEX "a 604801 A 192.0.2.1\n", 1, "1 TTLs above the SOA's expire"},
	{APEX "@ NSEC3PARAM 1 0 20 -\n", 0, ""},
	{APEX "@ NSEC3PARAM 1 0 150 -\n", 1,
	 "line 4: 150 NSEC3 iterations, where 0 are recommended"},
	{APEX "@ NSEC3PARAM 1 1 0 -\n", 1, "NSEC3PARAM with flags 1, not 0"},
	{APEX "@ NSEC3PARAM 2 0 0 -\n", 1, "NSEC3PARAM of algorithm 2"},
	{APEX "@ NSEC3PARAM 1 0 0 -\n@ NSEC3PARAM 1 0 1 -\n", 1,
	 "2 NSEC3PARAM records: one chain is served"},
	{APEX "a A 192.0.2.1\na A 192.0.2.1\n", 1,
	 "line 5: 1 records are there already"},
	{APEX "a A 192.0.2.1\nb A 192.0.2.1\na 61 A 192.0.2.2\n", 1,
	 "line 6: 1 records have a TTL above the least of their set"},
	{APEX "$INCLUDE more.inc\n", 1,
	 "line 2: no glue for 'ns.sub.example.'"},
};

START_TEST(warnings_are_counted_and_the_first_is_told)
{
	struct zone_load out;

	put("example.zone", checks[_i].text);
	put("more.inc", "sub NS ns.other.\n NS ns.sub\n");
	ck_assert_msg(load(&out) == STATUS_OK, "%s", out.error.reason);
	ck_assert_msg(out.warnings == checks[_i].warnings, "%s: %zu: %s",
		      checks[_i].text, out.warnings, out.warning);
	ck_assert_msg(strstr(out.warning, checks[_i].first) != NULL, "%s: %s",
		      checks[_i].text, out.warning);
	zone_load_fini(&out);
}
END_TEST

/* Of more than the 8 MiB from which checks may be left. */
static void put_large(const char *text)
{
	FILE *file = fopen("example.zone", "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	for (unsigned i = 0; i < 200000; i++) {
		fprintf(file, "host%u A 192.0.2.%-24u ; number %u\n", i,
			i % 256, i);
	}
	fclose(file);
}

static enum status load_leaving(struct zone_load *out,
				const struct dname *origin)
{
	const struct zone_load_options options = {
		.at = ZONE_CHECK_NEVER,
		.leaves_checks = true,
	};

	return zone_load_with("example.zone", origin, &options, out);
}

START_TEST(checks_of_a_large_zone_may_be_left)
{
	struct dname_storage origin = name_of("example.");
	struct zone_load at_once;
	struct zone_load left;

	put_large(APEX "sub NS ns.sub\na A 192.0.2.1\na A 192.0.2.1\n");
	ck_assert_int_eq(load(&at_once), STATUS_OK);
	ck_assert_ptr_null(at_once.unchecked);
	ck_assert_uint_eq(at_once.warnings, 2);
	ck_assert_int_eq(load_leaving(&left, dname_of(&origin)), STATUS_OK);
	ck_assert_ptr_nonnull(left.unchecked);
	ck_assert_uint_eq(left.warnings, 0);
	/* Its new owner may let it go before the checks are done. */
	zone_version_release(left.version);
	left.version = NULL;
	zone_load_check(&left);
	ck_assert_ptr_null(left.unchecked);
	ck_assert_uint_eq(left.warnings, at_once.warnings);
	ck_assert_str_eq(left.warning, at_once.warning);
	zone_load_fini(&left);
	zone_load_fini(&at_once);
}
END_TEST

START_TEST(checks_left_and_never_done_cost_nothing)
{
	struct dname_storage origin = name_of("example.");
	struct zone_load out;

	put_large(APEX);
	ck_assert_int_eq(load_leaving(&out, dname_of(&origin)), STATUS_OK);
	ck_assert_ptr_nonnull(out.unchecked);
	zone_load_fini(&out);
	ck_assert_ptr_null(out.unchecked);
}
END_TEST

START_TEST(checks_of_a_small_zone_are_never_left)
{
	struct dname_storage origin = name_of("example.");
	struct zone_load out;

	put("example.zone", APEX "sub NS ns.sub\n");
	ck_assert_int_eq(load_leaving(&out, dname_of(&origin)), STATUS_OK);
	ck_assert_ptr_null(out.unchecked);
	ck_assert_uint_eq(out.warnings, 1);
	zone_load_check(&out); /* nothing to do */
	ck_assert_uint_eq(out.warnings, 1);
	zone_load_fini(&out);
}
END_TEST

#define KEY "@ DNSKEY 257 3 13 AA==\n" /* its tag: 1038 */
/* Over type t of an owner of n labels. */
#define SIG(t, n)                                                        \
	" RRSIG " t " 13 " n " 60 20300101000000 20250101000000 1038 @ " \
	"AA==\n"
#define SIGNED                                                        \
	APEX KEY " NSEC a NS SOA RRSIG NSEC DNSKEY\n" SIG("SOA", "1") \
		SIG("NS", "1") SIG("DNSKEY", "1") SIG("NSEC", "1")
#define GOOD                                                                 \
	SIGNED "a A 192.0.2.1\n" SIG("A", "2") " NSEC @ A RRSIG NSEC\n" SIG( \
		"NSEC", "2")

static const struct {
	const char *text;
	int64_t at;
	size_t warnings;
	const char *first;
} signed_cases[] = {
	{GOOD, ZONE_CHECK_NEVER, 0, ""},
	/* 2030-01-01T00:00:00Z, the second of the expiration, and around it and
	 * a week before */
	{GOOD, 1892851200, 0, ""},
	{GOOD, 1892851201, 1,
	 "line 7: 6 sets whose signatures expire within 7 days, the first: "
	 "example. NS"},
	{GOOD, 1893456000, 1, "6 sets whose signatures expire within 7 days"},
	{GOOD, 1893456001, 1, "6 sets whose signatures have expired"},
	{GOOD, 1735689600, 0, ""},
	{GOOD, 1735689599, 1, "6 sets whose signatures are not valid yet"},
	{SIGNED "a A 192.0.2.1\n NSEC @ A RRSIG NSEC\n" SIG("NSEC", "2"),
	 ZONE_CHECK_NEVER, 1, "line 10: 1 sets without a signature, the first"},
	{SIGNED "a A 192.0.2.1\n" SIG("A", "2"), ZONE_CHECK_NEVER, 1,
	 "line 10: 1 names without their NSEC, the first: a.example. NSEC"},
	{SIGNED "a A 192.0.2.1\n" SIG("A", "2") " NSEC b A RRSIG NSEC\n" SIG(
		 "NSEC", "2"),
	 ZONE_CHECK_NEVER, 1,
	 "line 12: 1 NSEC whose next name is not the one that follows"},
	{SIGNED "b NS ns.other.\n NSEC @ NS RRSIG NSEC\n" SIG("NSEC", "2"),
	 ZONE_CHECK_NEVER, 1,
	 "line 5: 1 NSEC whose next name is not the one that follows, the "
	 "first: example. NSEC"},
	{SIGNED
	 "a A 192.0.2.1\n" SIG("A", "2") " NSEC @ A NSEC\n" SIG("NSEC", "2"),
	 ZONE_CHECK_NEVER, 1,
	 "line 12: 1 NSEC or NSEC3 whose types are not those of the name"},
	{SIGNED "a NS ns.a\n NSEC @ NS RRSIG NSEC\n" SIG(
		 "NSEC", "2") "ns.a A 192.0.2.1\n",
	 ZONE_CHECK_NEVER, 0, ""},
	{SIGNED "a NS ns.a\n NSEC @ NS RRSIG NSEC\n" SIG(
		 "NSEC", "2") "ns.a A 192.0.2.1\n NSEC @ A RRSIG NSEC\n",
	 ZONE_CHECK_NEVER, 1, "line 14: 1 NSEC at names that are not"},
	{GOOD "a RRSIG A 13 2 60 20300101000000 20250101000000 1039 @ AA==\n",
	 ZONE_CHECK_NEVER, 1,
	 "line 14: 1 signatures by a key that is not in the DNSKEY set"},
	{GOOD "a RRSIG A 8 2 60 20300101000000 20250101000000 1038 @ AA==\n",
	 ZONE_CHECK_NEVER, 1,
	 "line 14: 1 signatures by a key that is not in the DNSKEY set"},
	{GOOD "a RRSIG A 13 3 60 20300101000000 20250101000000 1038 @ AA==\n",
	 ZONE_CHECK_NEVER, 1,
	 "line 14: 1 signatures whose count of labels is not the owner's"},
	{GOOD "a RRSIG A 13 2 61 20300101000000 20250101000000 1038 @ AA==\n",
	 ZONE_CHECK_NEVER, 1,
	 "line 14: 1 signatures whose original TTL is not the set's TTL"},
	{GOOD "a RRSIG A 13 2 60 20300101000000 20250101000000 1038 a AA==\n",
	 ZONE_CHECK_NEVER, 1,
	 "line 14: 1 signatures whose signer is not the zone"},
	{APEX KEY SIG("NS", "1") SIG("SOA", "1") SIG("DNSKEY", "1"),
	 ZONE_CHECK_NEVER, 1,
	 "line 4: signed, but with neither an NSEC nor an NSEC3 chain"},
	{APEX KEY, ZONE_CHECK_NEVER, 0, ""}, /* a key before its use */
};

START_TEST(signatures_and_chain_are_judged)
{
	struct dname_storage origin = name_of("example.");
	struct zone_load_options options = {.at = signed_cases[_i].at};
	struct zone_load out;

	put("example.zone", signed_cases[_i].text);
	ck_assert_msg(zone_load_with("example.zone", dname_of(&origin),
				     &options, &out) == STATUS_OK,
		      "%s", out.error.reason);
	ck_assert_msg(out.warnings == signed_cases[_i].warnings, "%zu: %s",
		      out.warnings, out.warning);
	ck_assert_msg(strstr(out.warning, signed_cases[_i].first) != NULL, "%s",
		      out.warning);
	zone_load_fini(&out);
}
END_TEST

static void print_finding(const struct zone_finding *finding, void *context)
{
	(void)context;
	printf("finding: %s\n", finding->text);
}

START_TEST(the_root_zone_has_no_finding)
{
	const char *data = getenv("ROOTCAST_SHARED_DATA");
	struct zone_load_options options = {
		.at = 1785585600, /* 2026-08-01T12:00:00Z */
		.finding = print_finding,
	};
	struct zone_load out;
	char path[1024];

	snprintf(path, sizeof(path), "%s/root/root-2026073102.zone",
		 data != NULL ? data : ROOTCAST_SOURCE_DIR "/../shared/data");
	if (access(path, R_OK) != 0) {
		printf("skipped: no root zone at %s\n", path);
		return;
	}
	ck_assert_int_eq(zone_load_with(path, dname_root, &options, &out),
			 STATUS_OK);
	ck_assert_uint_eq(out.records, 24877);
	ck_assert_msg(out.warnings == 0, "%s", out.warning);
	zone_load_fini(&out);
}
END_TEST

/* The samples that the default run serves. */
START_TEST(the_samples_have_no_finding)
{
	static const char *const names[] = {"root", "example", "signed.example",
					    "test"};
	struct dname_storage origin = name_of(_i == 0 ? "." : names[_i]);
	struct zone_load_options options = {
		.at = 2000000000, /* in 2033 */
		.finding = print_finding,
	};
	struct zone_load out;
	char path[1024];

	snprintf(path, sizeof(path), "%s/zones/%s.zone", ROOTCAST_SOURCE_DIR,
		 names[_i]);
	ck_assert_msg(zone_load_with(path, dname_of(&origin), &options, &out) ==
			      STATUS_OK,
		      "%s:%lu: %s", out.error.file, out.error.line,
		      out.error.reason);
	ck_assert_msg(out.warnings == 0, "%s: %s", path, out.warning);
	ck_assert(
		dname_equal(zone_version_apex(out.version), dname_of(&origin)));
	zone_load_fini(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("load");
	TCase *tcase = tcase_create("files");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_good_file_becomes_a_version);
	tcase_add_test(tcase, the_soa_names_the_zone);
	tcase_add_loop_test(tcase, a_bad_file_says_where_and_why, 0,
			    COUNT(bad_cases));
	tcase_add_test(tcase, a_fault_of_the_whole_zone_is_found_in_an_include);
	tcase_add_test(tcase, a_missing_file_is_an_error_of_its_own);
	tcase_add_test(tcase, a_file_that_changes_while_it_is_read_is_not_used);
	tcase_add_test(tcase, a_change_afterwards_is_seen);
	tcase_add_loop_test(tcase, warnings_are_counted_and_the_first_is_told,
			    0, COUNT(checks));
	tcase_add_test(tcase, checks_of_a_large_zone_may_be_left);
	tcase_add_test(tcase, checks_left_and_never_done_cost_nothing);
	tcase_add_test(tcase, checks_of_a_small_zone_are_never_left);
	tcase_add_loop_test(tcase, signatures_and_chain_are_judged, 0,
			    COUNT(signed_cases));
	tcase_add_test(tcase, the_root_zone_has_no_finding);
	tcase_add_loop_test(tcase, the_samples_have_no_finding, 0, 4);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
