#include "lib/zone/zonemd.h"
#include "lib/zone/load.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

#define BASE                                                                \
	"$ORIGIN Example.\n$TTL 60\n"                                       \
	"@ SOA NS.Other. Admin.Other. 7 3600 900 604800 300\n"              \
	"@ NS NS.other.\nMail AAAA 2001:db8::1\n"                           \
	"Mail TYPE65280 \\# 2 abcd\n*.w CNAME Mail\n"                       \
	"m 30 MX 10 Mail.Example.\nsub NS ns.sub\nns.sub A 192.0.2.2\n"     \
	"x.sub TXT \"occluded by a cut\"\nd DNAME Other.\n"                 \
	"x.d TXT \"occluded by a DNAME\"\nnon-apex ZONEMD 7 1 1 "           \
	"616c6c6f776564206275742069676e6f7265642e20616c6c6f776564206275742" \
	"069676e6f7265642e20616c6c6f7765\n"

/* Of BASE, computed by ldns-signzone -Z -z sha384 -z sha512. */
#define SHA384                                                               \
	"e47f1472a71363d62405791b7d966036876927edd37e4a3dcf913bb72e3589f12f" \
	"3caf0bb50a9b5ecfa6223ee22fefd0"
#define SHA512                                                               \
	"77802a1f114d07d81352125b778923f11037602d102a9c9d91c8ef70340cfeb064" \
	"0e62f5d9af9d926e50ed71601773e273d3f40e975eaaeeb2da4574422ca8c2"
#define OTHER384                                                             \
	"000000000000000000000000000000000000000000000000000000000000000000" \
	"000000000000000000000000000000"
#define OTHER512 OTHER384 "00000000000000000000000000000000"

#define MD384 "@ ZONEMD 7 1 1 " SHA384 "\n"
#define MD512 "@ ZONEMD 7 1 2 " SHA512 "\n"

static char folder[64];

static void setup(void)
{
	strcpy(folder, "/tmp/test_zonemd.XXXXXX");
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

static void put(const char *text)
{
	FILE *file = fopen("zone", "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static enum status load_as(const char *path, const char *origin,
			   enum zonemd_policy policy, struct zone_load *out)
{
	struct zonemd_rule rules[] = {
		{.policy = ZONEMD_POLICY_CHECK},
		{.policy = policy},
	};
	struct zone_load_options options = {
		.at = ZONE_CHECK_NEVER,
		.rules = rules,
		.rule_count = COUNT(rules),
	};

	ck_assert_int_eq(dname_load(&rules[0].name, "w.example.", 10, NULL),
			 STATUS_OK);
	ck_assert_int_eq(
		dname_load(&rules[1].name, origin, strlen(origin), NULL),
		STATUS_OK);
	return zone_load_with(path, dname_of(&rules[1].name), &options, out);
}

static const struct {
	const char *name;
	const char *text;
	enum zonemd_state state;
	const char *reason; /* NULL: it is served */
	unsigned long line;
} cases[] = {
	{"no_record", BASE, ZONEMD_NONE, NULL, 0},
	{"sha384", BASE MD384, ZONEMD_DIGEST, NULL, 0},
	{"sha512", BASE MD512, ZONEMD_DIGEST, NULL, 0},
	{"both", BASE MD384 MD512, ZONEMD_DIGEST, NULL, 0},
	{"one_right_is_enough", BASE MD384 "@ ZONEMD 7 1 2 " OTHER512 "\n",
	 ZONEMD_DIGEST, NULL, 0},
	{"the_other_right_is_enough",
	 BASE MD512 "@ ZONEMD 7 1 1 " OTHER384 "\n", ZONEMD_DIGEST, NULL, 0},
	{"wrong", BASE "@ ZONEMD 7 1 1 " OTHER384 "\n", ZONEMD_NONE,
	 "not what its ZONEMD", 15},
	{"both_wrong",
	 BASE "@ ZONEMD 7 1 1 " OTHER384 "\n@ ZONEMD 7 1 2 " OTHER512 "\n",
	 ZONEMD_NONE, "not what its ZONEMD", 15},
	{"last_octet_differs",
	 BASE "@ ZONEMD 7 1 1 e47f1472a71363d62405791b7d966036876927edd37e4a3d"
	      "cf913bb72e3589f12f3caf0bb50a9b5ecfa6223ee22fefd1\n",
	 ZONEMD_NONE, "not what its ZONEMD", 15},
	/* RFC 8976 4: none of the repeated ones may verify. */
	{"repeated", BASE MD384 "@ ZONEMD 7 1 1 " OTHER384 "\n", ZONEMD_NONE,
	 "several ZONEMD records of one scheme", 16},
	{"repeated_beside_one_that_is_right",
	 BASE MD384 MD512 "@ ZONEMD 7 1 1 " OTHER384 "\n", ZONEMD_DIGEST, NULL,
	 0},
	{"the_same_record_twice_is_one", BASE MD384 MD384, ZONEMD_DIGEST, NULL,
	 0},
	{"unknown_scheme", BASE "@ ZONEMD 7 2 1 " SHA384 "\n",
	 ZONEMD_UNSUPPORTED, NULL, 0},
	{"private_scheme", BASE "@ ZONEMD 7 240 1 " SHA384 "\n",
	 ZONEMD_UNSUPPORTED, NULL, 0},
	{"unknown_algorithm", BASE "@ ZONEMD 7 1 3 " SHA384 "\n",
	 ZONEMD_UNSUPPORTED, NULL, 0},
	{"unknown_algorithms_repeated",
	 BASE "@ ZONEMD 7 1 3 " SHA384 "\n@ ZONEMD 7 1 3 " OTHER384 "\n",
	 ZONEMD_UNSUPPORTED, NULL, 0},
	{"unknown_beside_one_that_is_right",
	 BASE MD512 "@ ZONEMD 7 1 3 " SHA384 "\n", ZONEMD_DIGEST, NULL, 0},
	{"unknown_beside_one_that_is_wrong",
	 BASE "@ ZONEMD 7 1 1 " OTHER384 "\n@ ZONEMD 7 1 3 " SHA384 "\n",
	 ZONEMD_NONE, "not what its ZONEMD", 15},
	{"serial_differs", BASE "@ ZONEMD 8 1 1 " SHA384 "\n", ZONEMD_NONE,
	 "serial is not the SOA's", 15},
	{"another_serial_beside_one_that_is_right",
	 BASE MD384 "@ ZONEMD 8 1 2 " SHA512 "\n", ZONEMD_DIGEST, NULL, 0},
	{"digest_too_short", BASE "@ ZONEMD 7 1 1 e47f1472a71363d62405\n",
	 ZONEMD_NONE, "malformed RDATA", 15},
	{"digest_cut_to_the_least_length",
	 BASE "@ ZONEMD 7 1 1 e47f1472a71363d62405791b\n", ZONEMD_NONE,
	 "wrong length", 15},
	{"digest_too_long", BASE "@ ZONEMD 7 1 1 " SHA384 "00\n", ZONEMD_NONE,
	 "wrong length", 15},
	{"digest_of_the_other_algorithm", BASE "@ ZONEMD 7 1 2 " SHA384 "\n",
	 ZONEMD_NONE, "wrong length", 15},
	{"a_record_more", BASE MD384 "new A 192.0.2.1\n", ZONEMD_NONE,
	 "not what its ZONEMD", 15},
	{"glue_more", BASE MD384 "ns.sub A 192.0.2.1\n", ZONEMD_NONE,
	 "not what its ZONEMD", 15},
	{"occluded_more", BASE MD384 "y.d A 192.0.2.1\n", ZONEMD_NONE,
	 "not what its ZONEMD", 15},
	{"non_apex_zonemd_more",
	 BASE MD384 "non-apex ZONEMD 7 1 2 " SHA512 "\n", ZONEMD_NONE,
	 "not what its ZONEMD", 15},
	{"non_apex_only", BASE "a ZONEMD 7 1 1 " OTHER384 "\n", ZONEMD_NONE,
	 NULL, 0},
	/* RFC 8976 3.3.1.1: one instance, whatever the spelling. */
	{"duplicates",
	 BASE MD384 "ns.sub A 192.0.2.2\nM 30 MX 10 mail.example.\n",
	 ZONEMD_DIGEST, NULL, 0},
	{"the_signature_of_zonemd_is_left_out",
	 BASE MD384 "@ RRSIG ZONEMD 13 1 60 20360101000000 20260101000000 1 "
		    "example. AAAA\n",
	 ZONEMD_DIGEST, NULL, 0},
	{"any_other_signature_is_not",
	 BASE MD384 "@ RRSIG SOA 13 1 60 20360101000000 20260101000000 1 "
		    "example. AAAA\n",
	 ZONEMD_NONE, "not what its ZONEMD", 15},
	{"the_signature_of_another_zonemd_is_not",
	 BASE MD384 "non-apex RRSIG ZONEMD 13 2 60 20360101000000 "
		    "20260101000000 1 example. AAAA\n",
	 ZONEMD_NONE, "not what its ZONEMD", 15},
	{"case_and_order_do_not_matter",
	 "$ORIGIN eXAMPLE.\n$TTL 60\nX.D TXT \"occluded by a DNAME\"\n"
	 "D DNAME otheR.\nNON-apex ZONEMD 7 1 1 "
	 "616c6c6f776564206275742069676e6f7265642e20616c6c6f7765642062757420"
	 "69676e6f7265642e20616c6c6f7765\n" MD384
	 "X.sub TXT \"occluded by a cut\"\nNS.sub A 192.0.2.2\nSUB NS NS.SUB\n"
	 "M 30 MX 10 mAIL\nmAIL AAAA 2001:DB8:0::1\n*.W CNAME mAIL\n"
	 "mAIL TYPE65280 \\# 2 ABCD\n@ NS ns.OTHER.\n"
	 "@ SOA ns.oTHER. aDMIN.oTHER. 7 1h 15m 1w 300\n" MD512,
	 ZONEMD_DIGEST, NULL, 0},
	/*
	 * An NSEC3 name with data of its own, types around RRSIG and
	 * signatures over several types; digests computed by a script.
	 */
	{"data_at_an_nsec3_name",
	 "$ORIGIN example.\n$TTL 60\n"
	 "@ SOA ns.other. admin.other. 7 3600 900 604800 300\n@ NS ns.other.\n"
	 "$ORIGIN 0123456789abcdefghijklmnopqrstuv.example.\n@ TXT \"both\"\n"
	 "@ TYPE65280 \\# 2 abcd\n"
	 "@ NSEC3 1 0 0 - 123456789abcdefghijklmnopqrstuv0 A\n"
	 "@ RRSIG NSEC3 13 2 60 20360101000000 20260101000000 1 example. "
	 "AAAA\n@ RRSIG TXT 13 2 60 20360101000000 20260101000000 1 Example. "
	 "AAAA\nW.Example. MX 1 A.Example.\n"
	 "example. ZONEMD 7 1 1 "
	 "2c66c1f6ba35d18066491d05c0039a92dc80a2244a5e189a3de8f131141afa76cf"
	 "8a288bbd8d5d58b5b0b105b64f1f9d\n",
	 ZONEMD_DIGEST, NULL, 0},
	{"data_at_an_nsec3_name_sha512",
	 "$ORIGIN example.\n$TTL 60\n"
	 "@ SOA ns.other. admin.other. 7 3600 900 604800 300\n@ NS ns.other.\n"
	 "$ORIGIN 0123456789abcdefghijklmnopqrstuv.example.\n@ TXT \"both\"\n"
	 "@ TYPE65280 \\# 2 abcd\n"
	 "@ NSEC3 1 0 0 - 123456789abcdefghijklmnopqrstuv0 A\n"
	 "@ RRSIG NSEC3 13 2 60 20360101000000 20260101000000 1 example. "
	 "AAAA\n@ RRSIG TXT 13 2 60 20360101000000 20260101000000 1 Example. "
	 "AAAA\nW.Example. MX 1 A.Example.\n"
	 "example. ZONEMD 7 1 2 "
	 "4436dc07ab28c08e8346ad77a0d82a12367a77a7dbbb0122f067ad7804abdb38bb"
	 "e83fe4a9941dd9c370c22e75954b5d994c1e50892544d1b73b477b699db66b\n",
	 ZONEMD_DIGEST, NULL, 0},
	/* The least TTL of a set is what is served and digested. */
	{"several_ttls_with_the_digest_of_the_least",
	 BASE MD384 "m 31 MX 10 Mail.Example.\n", ZONEMD_DIGEST, NULL, 0},
	{"several_ttls_are_named_where_the_digest_is_wrong",
	 BASE MD384 "m 31 MX 11 Mail.Example.\n", ZONEMD_NONE,
	 "sets with several TTLs", 15},
};

START_TEST(a_digest_is_judged)
{
	struct zone_load out;
	enum status status;

	put(cases[_i].text);
	status = load_as("zone", "example.", ZONEMD_POLICY_CHECK, &out);
	if (cases[_i].reason == NULL) {
		ck_assert_msg(status == STATUS_OK, "%s: %s", cases[_i].name,
			      out.error.reason);
		ck_assert_msg(out.zonemd == cases[_i].state, "%s: %s",
			      cases[_i].name, zonemd_state_text(out.zonemd));
	} else {
		ck_assert_msg(status != STATUS_OK, "%s: served",
			      cases[_i].name);
		ck_assert_ptr_null(out.version);
		ck_assert_msg(strstr(out.error.reason, cases[_i].reason) !=
				      NULL,
			      "%s: %s", cases[_i].name, out.error.reason);
		ck_assert_msg(out.error.line == cases[_i].line,
			      "%s: line %lu: %s", cases[_i].name,
			      out.error.line, out.error.reason);
	}
	zone_load_fini(&out);
}
END_TEST

START_TEST(what_is_ignored_is_served)
{
	struct zone_load out;

	put(BASE "@ ZONEMD 7 1 1 " OTHER384 "\n");
	ck_assert_int_eq(
		load_as("zone", "EXAMPLE.", ZONEMD_POLICY_IGNORE, &out),
		STATUS_OK);
	ck_assert_int_eq(out.zonemd, ZONEMD_IGNORED);
	zone_load_fini(&out);
	put(BASE);
	ck_assert_int_eq(
		load_as("zone", "example.", ZONEMD_POLICY_IGNORE, &out),
		STATUS_OK);
	ck_assert_int_eq(out.zonemd, ZONEMD_NONE);
	zone_load_fini(&out);
}
END_TEST

START_TEST(each_state_has_a_text_of_its_own)
{
	for (unsigned i = 0; i < ZONEMD_STATES; i++) {
		for (unsigned k = 0; k < i; k++) {
			ck_assert_str_ne(
				zonemd_state_text((enum zonemd_state)i),
				zonemd_state_text((enum zonemd_state)k));
		}
	}
	ck_assert_str_eq(zonemd_state_text(ZONEMD_NONE), "none");
	ck_assert_str_eq(zonemd_state_text(ZONEMD_DIGEST), "digest");
}
END_TEST

/* Signed by ldns-signzone with NSEC3 and both digests, lines in any order. */
START_TEST(a_zone_signed_with_nsec3_verifies)
{
	struct zone_load out;

	ck_assert_msg(load_as(ROOTCAST_SOURCE_DIR "/tests/unit/zonemd/nsec3."
						  "zone",
			      "mix.example.", ZONEMD_POLICY_CHECK,
			      &out) == STATUS_OK,
		      "%s", out.error.reason);
	ck_assert_int_eq(out.zonemd, ZONEMD_SIGNATURE);
	zone_load_fini(&out);
}
END_TEST

/* RFC 8976 appendix A, and the real root zone. */
static const struct {
	const char *path;
	const char *origin;
	const char *reason;  /* NULL: verified */
	const char *without; /* a line that begins so is left out */
} vectors[] = {
	{"rfc/A.1.Simple-EXAMPLE-Zone", "example.", NULL, NULL},
	{"rfc/A.2.Complex-EXAMPLE-Zone", "example.", NULL, NULL},
	{"rfc/A.3.EXAMPLE-Zone-with-multiple-digests", "example.", NULL, NULL},
	{"rfc/A.4.The-URI.ARPA-Zone", "uri.arpa.", NULL, NULL},
	{"rfc/A.5.The-ROOT-SERVERS.NET-Zone", "root-servers.net.", NULL, NULL},
	{"rfc/repeated-ZONEMD-scheme-and-algorithm", "example.",
	 "several ZONEMD records", NULL},
	{"root/root-2026073102.zone", ".", NULL, NULL},
};

/* Copy to "zone" what does not begin with without; false: not there. */
static bool copy_vector(const char *path, const char *without)
{
	FILE *in = fopen(path, "r");
	FILE *out;
	char *line = NULL;
	size_t size = 0;

	if (in == NULL) {
		return false;
	}
	out = fopen("zone", "w");
	ck_assert_ptr_nonnull(out);
	while (getline(&line, &size, in) >= 0) {
		if (without == NULL ||
		    strncmp(line, without, strlen(without)) != 0) {
			fputs(line, out);
		}
	}
	free(line);
	fclose(in);
	fclose(out);
	return true;
}

START_TEST(the_examples_of_the_rfc_and_the_root_zone_verify)
{
	const char *data = getenv("ROOTCAST_SHARED_DATA");
	struct zone_load out;
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s",
		 data != NULL ? data : ROOTCAST_SOURCE_DIR "/../shared/data",
		 vectors[_i].path);
	if (!copy_vector(path, vectors[_i].without)) {
		printf("skipped: no zone at %s\n", path);
		return;
	}
	if (vectors[_i].reason != NULL) {
		ck_assert_int_eq(load_as("zone", vectors[_i].origin,
					 ZONEMD_POLICY_CHECK, &out),
				 STATUS_BAD_DATA);
		ck_assert_msg(strstr(out.error.reason, vectors[_i].reason) !=
				      NULL,
			      "%s", out.error.reason);
	} else {
		ck_assert_msg(load_as("zone", vectors[_i].origin,
				      ZONEMD_POLICY_CHECK, &out) == STATUS_OK,
			      "%s: %s", path, out.error.reason);
		ck_assert_int_ge(out.zonemd, ZONEMD_DIGEST);
	}
	zone_load_fini(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zonemd");
	TCase *tcase = tcase_create("digests");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_digest_is_judged, 0, COUNT(cases));
	tcase_add_test(tcase, what_is_ignored_is_served);
	tcase_add_test(tcase, each_state_has_a_text_of_its_own);
	tcase_add_test(tcase, a_zone_signed_with_nsec3_verifies);
	tcase_add_loop_test(tcase,
			    the_examples_of_the_rfc_and_the_root_zone_verify, 0,
			    COUNT(vectors));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
