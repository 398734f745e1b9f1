#include "lib/dns/rrtype.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* A string literal with its length: it may hold NUL octets. */
#define TEXT(s) (s), sizeof(s) - 1

static const struct {
	const char *text;
	size_t length;
	enum status status;
	uint16_t value;
} type_cases[] = {
	{TEXT("A"), STATUS_OK, 1},
	{TEXT("aaaa"), STATUS_OK, 28},
	{TEXT("NsEc3PaRaM"), STATUS_OK, 51},
	{TEXT("NSAP-PTR"), STATUS_OK, 23},
	{TEXT("NSAP_PTR"), STATUS_NOT_FOUND, 0},
	{TEXT("DLV"), STATUS_OK, 32769},
	{TEXT("TYPE0"), STATUS_OK, 0},
	{TEXT("type255"), STATUS_OK, 255},
	{TEXT("TYPE65535"), STATUS_OK, 65535},
	{TEXT("TYPE65536"), STATUS_OUT_OF_RANGE, 0},
	{TEXT("TYPE99999"), STATUS_OUT_OF_RANGE, 0},
	{TEXT("TYPE100000"), STATUS_NOT_FOUND, 0},
	{TEXT("TYPE"), STATUS_NOT_FOUND, 0},
	{TEXT("TYPE-1"), STATUS_NOT_FOUND, 0},
	{TEXT("TYPE1x"), STATUS_NOT_FOUND, 0},
	{TEXT("AAAAA"), STATUS_NOT_FOUND, 0},
	{TEXT("AA"), STATUS_NOT_FOUND, 0},
	{TEXT(""), STATUS_NOT_FOUND, 0},
	{TEXT("A\0"), STATUS_NOT_FOUND, 0},
	{TEXT("A\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), STATUS_NOT_FOUND, 0},
	{TEXT("TYPE1\0"), STATUS_NOT_FOUND, 0},
};

START_TEST(type_is_read)
{
	uint16_t value = 77;
	enum status status =
		rrtype_load(&value, type_cases[_i].text, type_cases[_i].length);

	ck_assert_int_eq(status, type_cases[_i].status);
	ck_assert_uint_eq(value,
			  status == STATUS_OK ? type_cases[_i].value : 77);
}
END_TEST

static const struct {
	const char *text;
	size_t length;
	enum status status;
	uint16_t value;
} class_cases[] = {
	{TEXT("IN"), STATUS_OK, 1},
	{TEXT("ch"), STATUS_OK, 3},
	{TEXT("CLASS1"), STATUS_OK, 1},
	{TEXT("CLASS65535"), STATUS_OK, 65535},
	{TEXT("CLASS65536"), STATUS_OUT_OF_RANGE, 0},
	{TEXT("I"), STATUS_NOT_FOUND, 0},
	{TEXT("IN\0\0\0\0\0"), STATUS_NOT_FOUND, 0},
	{TEXT(""), STATUS_NOT_FOUND, 0},
};

START_TEST(class_is_read)
{
	uint16_t value = 77;
	enum status status = rrclass_load(&value, class_cases[_i].text,
					  class_cases[_i].length);

	ck_assert_int_eq(status, class_cases[_i].status);
	ck_assert_uint_eq(value,
			  status == STATUS_OK ? class_cases[_i].value : 77);
}
END_TEST

START_TEST(every_type_and_class_survives_text)
{
	for (unsigned i = 0; i <= 65535; i++) {
		char text[RRTYPE_TEXT_MAX];
		uint16_t value;

		rrtype_dump((uint16_t)i, text);
		ck_assert_int_eq(rrtype_load(&value, text, strlen(text)),
				 STATUS_OK);
		ck_assert_uint_eq(value, i);
		rrclass_dump((uint16_t)i, text);
		ck_assert_int_eq(rrclass_load(&value, text, strlen(text)),
				 STATUS_OK);
		ck_assert_uint_eq(value, i);
	}
}
END_TEST

START_TEST(meta_types_are_those_of_rfc6895)
{
	for (unsigned type = 0; type <= 65535; type++) {
		bool expected = type == 0 || type == 41 || type == 65535 ||
				(type >= 128 && type <= 255);

		ck_assert_int_eq(rrtype_is_meta((uint16_t)type), expected);
	}
}
END_TEST

static const struct {
	const char *name;
	uint16_t type;
	const char *rdata;
	size_t size;
	bool is_valid;
} rdata_cases[] = {
	{"A of 3", RRTYPE_A, TEXT("123"), false},
	{"A of 4", RRTYPE_A, TEXT("1234"), true},
	{"A of 5", RRTYPE_A, TEXT("12345"), false},
	{"A of 0", RRTYPE_A, TEXT(""), false},
	{"AAAA of 15", RRTYPE_AAAA, TEXT("123456789012345"), false},
	{"AAAA of 16", RRTYPE_AAAA, TEXT("1234567890123456"), true},
	{"NS of the root", RRTYPE_NS, TEXT("\0"), true},
	{"NS with an octet more", RRTYPE_NS, TEXT("\0\0"), false},
	{"NS without an end", RRTYPE_NS, TEXT("\1a"), false},
	{"NS compressed", RRTYPE_NS, TEXT("\xc0\x0c"), false},
	{"SOA", RRTYPE_SOA, TEXT("\0\0aaaabbbbccccddddeeee"), true},
	{"SOA short", RRTYPE_SOA, TEXT("\0\0aaaabbbbccccddddeee"), false},
	{"TXT empty", RRTYPE_TXT, TEXT(""), false},
	{"TXT of an empty string", RRTYPE_TXT, TEXT("\0"), true},
	{"TXT beyond the end", RRTYPE_TXT, TEXT("\2a"), false},
	{"MX", RRTYPE_MX, TEXT("\0\12\1a\0"), true},
	{"MX without a name", RRTYPE_MX, TEXT("\0\12"), false},
	{"HINFO of two", RRTYPE_HINFO, TEXT("\1a\1b"), true},
	{"HINFO of one", RRTYPE_HINFO, TEXT("\1a"), false},
	{"NSEC without types", RRTYPE_NSEC, TEXT("\0"), true},
	{"NSEC", RRTYPE_NSEC, TEXT("\0\0\1\x40"), true},
	{"NSEC window of 0", RRTYPE_NSEC, TEXT("\0\0\0"), false},
	{"NSEC last octet 0", RRTYPE_NSEC, TEXT("\0\0\1\0"), false},
	{"NSEC windows descending", RRTYPE_NSEC, TEXT("\0\1\1\1\0\1\1"), false},
	{"NSEC window twice", RRTYPE_NSEC, TEXT("\0\0\1\1\0\1\1"), false},
	{"NSEC window of 33", RRTYPE_NSEC,
	 TEXT("\0\0\41"
	      "123456789012345678901234567890123"),
	 false},
	{"NSEC3 bare", RRTYPE_NSEC3, TEXT("\1\0\0\0\0\1h"), true},
	{"NSEC3 without hash", RRTYPE_NSEC3, TEXT("\1\0\0\0\0"), false},
	{"NSEC3 hash of 0", RRTYPE_NSEC3, TEXT("\1\0\0\0\0\0"), false},
	{"NSEC3 salt beyond", RRTYPE_NSEC3, TEXT("\1\0\0\0\4abc"), false},
	{"NSEC3PARAM", RRTYPE_NSEC3PARAM, TEXT("\1\0\0\0\1s"), true},
	{"NSEC3PARAM salt short", RRTYPE_NSEC3PARAM, TEXT("\1\0\0\0\2s"),
	 false},
	{"DS without digest", RRTYPE_DS, TEXT("\0\1\5\2"), false},
	{"DS", RRTYPE_DS, TEXT("\0\1\5\2d"), true},
	{"ZONEMD digest of 11", RRTYPE_ZONEMD,
	 TEXT("1234\1\1"
	      "12345678901"),
	 false},
	{"ZONEMD digest of 12", RRTYPE_ZONEMD,
	 TEXT("1234\1\1"
	      "123456789012"),
	 true},
	{"SVCB", RRTYPE_SVCB, TEXT("\0\1\0\0\3\0\2\1\273"), true},
	{"SVCB keys descending", RRTYPE_SVCB,
	 TEXT("\0\1\0\0\3\0\2\1\273\0\2\0\0"), false},
	{"SVCB key twice", RRTYPE_SVCB, TEXT("\0\1\0\0\2\0\0\0\2\0\0"), false},
	{"SVCB value beyond", RRTYPE_SVCB, TEXT("\0\1\0\0\3\0\3\1\273"), false},
	{"APL empty", RRTYPE_APL, TEXT(""), true},
	{"APL beyond", RRTYPE_APL, TEXT("\0\1\30\4abc"), false},
	{"CAA", RRTYPE_CAA, TEXT("\0\5issueca"), true},
	{"LOC of version 0 and 15 octets", RRTYPE_LOC,
	 TEXT("\0"
	      "12345678901234"),
	 false},
	{"an unknown type, empty", 65280, TEXT(""), true},
	{"an unknown type", 65280, TEXT("\xc0"), true},
};

START_TEST(rdata_is_judged)
{
	uint8_t *exact = malloc(rdata_cases[_i].size + 1);

	/* A block of exactly that size: ASAN sees one step beyond. */
	exact = realloc(exact, rdata_cases[_i].size ? rdata_cases[_i].size : 1);
	memcpy(exact, rdata_cases[_i].rdata, rdata_cases[_i].size);
	ck_assert_msg(rdata_is_valid(rdata_cases[_i].type, exact,
				     rdata_cases[_i].size) ==
			      rdata_cases[_i].is_valid,
		      "%s", rdata_cases[_i].name);
	free(exact);
}
END_TEST

START_TEST(rdata_over_65535_octets_is_not_valid)
{
	uint8_t *rdata = calloc(1, 65536);

	ck_assert(rdata_is_valid(65280, rdata, 65535));
	ck_assert(!rdata_is_valid(65280, rdata, 65536));
	ck_assert(rdata_is_valid(RRTYPE_TXT, rdata, 65535));
	free(rdata);
}
END_TEST

static const struct {
	const char *name;
	uint16_t type;
	const char *a;
	size_t a_size;
	const char *b;
	size_t b_size;
	int sign;
} order_cases[] = {
	{"A", RRTYPE_A, TEXT("\1\2\3\4"), TEXT("\1\2\3\5"), -1},
	{"A is not folded", RRTYPE_A, TEXT("AAAA"), TEXT("aaaa"), -1},
	{"NS is folded", RRTYPE_NS, TEXT("\1A\0"), TEXT("\1a\0"), 0},
	{"NSEC is not folded", RRTYPE_NSEC, TEXT("\1A\0"), TEXT("\1a\0"), -1},
	{"octets, not labels", RRTYPE_NS, TEXT("\1b\0"), TEXT("\2aa\0"), -1},
	{"MX preference is not folded", RRTYPE_MX, TEXT("\0A\0"), TEXT("\0a\0"),
	 -1},
	{"MX name is", RRTYPE_MX, TEXT("\0a\1X\0"), TEXT("\0a\1x\0"), 0},
	{"SOA numbers are not", RRTYPE_SOA, TEXT("\1A\0\0AAAAbbbbccccddddeeee"),
	 TEXT("\1a\0\0aaaabbbbccccddddeeee"), -1},
	{"the shorter first", RRTYPE_TXT, TEXT("\1a"), TEXT("\1a\0"), -1},
	{"NAPTR strings are not, the name is", RRTYPE_NAPTR,
	 TEXT("\0\1\0\1\1a\1b\1c\1D\0"), TEXT("\0\1\0\1\1a\1b\1c\1d\0"), 0},
	{"NAPTR strings are not", RRTYPE_NAPTR, TEXT("\0\1\0\1\1A\1b\1c\1d\0"),
	 TEXT("\0\1\0\1\1a\1b\1c\1d\0"), -1},
	{"RRSIG signer is, signature is not", RRTYPE_RRSIG,
	 TEXT("aabcddddeeeeffffgg\1A\0a"), TEXT("aabcddddeeeeffffgg\1a\0A"), 1},
};

static int sign_of(int value)
{
	return (value > 0) - (value < 0);
}

START_TEST(rdata_stands_in_canonical_order)
{
	const uint8_t *a = (const uint8_t *)order_cases[_i].a;
	const uint8_t *b = (const uint8_t *)order_cases[_i].b;
	size_t a_size = order_cases[_i].a_size;
	size_t b_size = order_cases[_i].b_size;
	uint16_t type = order_cases[_i].type;
	uint8_t a_form[64];
	uint8_t b_form[64];
	int difference = rdata_compare(type, a, a_size, b, b_size);

	ck_assert_msg(sign_of(difference) == order_cases[_i].sign, "%s",
		      order_cases[_i].name);
	ck_assert_int_eq(sign_of(rdata_compare(type, b, b_size, a, a_size)),
			 -sign_of(difference));
	/* The same as comparing the canonical forms octet by octet. */
	memcpy(a_form, a, a_size);
	memcpy(b_form, b, b_size);
	rdata_make_canonical(type, a_form, a_size);
	rdata_make_canonical(type, b_form, b_size);
	difference = memcmp(a_form, b_form, a_size < b_size ? a_size : b_size);
	if (difference == 0) {
		difference = (a_size > b_size) - (a_size < b_size);
	}
	ck_assert_int_eq(sign_of(difference), order_cases[_i].sign);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

int main(void)
{
	Suite *suite = suite_create("rrtype");
	TCase *tcase = tcase_create("types");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, type_is_read, 0, COUNT(type_cases));
	tcase_add_loop_test(tcase, class_is_read, 0, COUNT(class_cases));
	tcase_add_test(tcase, every_type_and_class_survives_text);
	tcase_add_test(tcase, meta_types_are_those_of_rfc6895);
	tcase_add_loop_test(tcase, rdata_is_judged, 0, COUNT(rdata_cases));
	tcase_add_test(tcase, rdata_over_65535_octets_is_not_valid);
	tcase_add_loop_test(tcase, rdata_stands_in_canonical_order, 0,
			    COUNT(order_cases));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
