#include "lib/dns/rrtype.h"
#include "lib/zone/master_file.h"

#include <check.h>
#include <fcntl.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT(s)      (s), sizeof(s) - 1
#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

enum {
	DUMP_SIZE = 1 << 16,
};

/* Records as lines: owner ttl type hex-of-rdata. */
struct dump {
	char text[DUMP_SIZE];
	size_t length;
	size_t records;
	unsigned long last_line;
};

static enum status dump_record(const struct master_file_record *record,
			       void *context, char *reason)
{
	struct dump *dump = context;
	char owner[DNAME_TEXT_MAX];
	char type[RRTYPE_TEXT_MAX];

	(void)reason;
	ck_assert(rdata_is_valid(record->type, record->rdata,
				 record->rdata_size));
	dump->records++;
	dump->last_line = record->line;
	if (dump->length + DNAME_TEXT_MAX + 2 * record->rdata_size + 64 >
	    sizeof(dump->text)) {
		return STATUS_OK;
	}
	dump->length += sprintf(dump->text + dump->length, "%s %u %s ",
				dname_dump(record->owner, owner), record->ttl,
				rrtype_dump(record->type, type));
	for (size_t i = 0; i < record->rdata_size; i++) {
		dump->length += sprintf(dump->text + dump->length, "%02x",
					record->rdata[i]);
	}
	dump->length += sprintf(dump->text + dump->length, "\n");
	return STATUS_OK;
}

static struct dname_storage origin_of(const char *text)
{
	struct dname_storage out;

	ck_assert_int_eq(dname_load(&out, text, strlen(text), dname_root),
			 STATUS_OK);
	return out;
}

static struct dump dump;
static struct master_file_error error;

static enum status parse(const char *text, size_t size)
{
	struct dname_storage origin = origin_of("example.");
	struct master_file_options options = {
		.origin = dname_of(&origin),
		.rrclass = RRCLASS_IN,
		.record = dump_record,
		.context = &dump,
	};
	char *exact = malloc(size > 0 ? size : 1);
	enum status status;

	memset(&dump, 0, sizeof(dump));
	memcpy(exact, text, size);
	status = master_file_parse("test", exact, size, &options, &error);
	free(exact);
	return status;
}

/* --- records ---------------------------------------------------------------*/

static const struct {
	const char *name;
	const char *text;
	size_t size;
	const char *expected;
} good_cases[] = {
	{"nothing", TEXT(""), ""},
	{"comments_and_blanks_only", TEXT("; a\n\n  \t\n;b\r\n \r\n; c"), ""},
	{"a_record", TEXT("a 5 IN A 192.0.2.1\n"), "a.example. 5 A c0000201\n"},
	{"class_before_ttl", TEXT("a IN 5 A 192.0.2.1\n"),
	 "a.example. 5 A c0000201\n"},
	{"class_left_out", TEXT("a 5 A 192.0.2.1\n"),
	 "a.example. 5 A c0000201\n"},
	{"last_line_without_newline", TEXT("a 5 A 192.0.2.1"),
	 "a.example. 5 A c0000201\n"},
	{"last_line_ends_in_a_comment", TEXT("a 5 A 192.0.2.1;c"),
	 "a.example. 5 A c0000201\n"},
	{"crlf", TEXT("a 5 A 192.0.2.1\r\nb 6 A 192.0.2.2\r\n"),
	 "a.example. 5 A c0000201\nb.example. 6 A c0000202\n"},
	{"byte_order_mark",
	 TEXT("\xef\xbb\xbf"
	      "a 5 A 192.0.2.1\n"),
	 "a.example. 5 A c0000201\n"},
	{"byte_order_mark_alone", TEXT("\xef\xbb\xbf"), ""},
	{"blank_owner_is_the_last_one",
	 TEXT("a 5 A 192.0.2.1\n\tA 192.0.2.2\n  TXT x\n"),
	 "a.example. 5 A c0000201\na.example. 5 A c0000202\n"
	 "a.example. 5 TXT 0178\n"},
	{"at_is_the_origin", TEXT("@ 5 NS @\n"),
	 "example. 5 NS 076578616d706c6500\n"},
	{"parentheses_over_lines",
	 TEXT("@ 5 SOA ( a. ; one\n\tb. ( 1 2 )\n\n 3 4\n5)\n@ 6 A "
	      "192.0.2.1\n"),
	 "example. 5 SOA "
	 "01610001620000000001000000020000000300000004"
	 "00000005\nexample. 6 A c0000201\n"},
	{"parenthesis_closes_on_the_first_column",
	 TEXT("a 5 TXT (\nx\n)\nb 5 TXT y\n"),
	 "a.example. 5 TXT 0178\nb.example. 5 TXT 0179\n"},
	{"quotes_hide_everything", TEXT("a 5 TXT \"a;(b) \\\"c\" d\n"),
	 "a.example. 5 TXT 08613b2862292022630164\n"},
	{"empty_string", TEXT("a 5 TXT \"\"\n"), "a.example. 5 TXT 00\n"},
	{"strings_without_a_blank", TEXT("a 5 TXT \"a\"\"b\"c\n"),
	 "a.example. 5 TXT 016101620163\n"},
	{"escapes_in_strings", TEXT("a 5 TXT \\065\\\"\\;\\000 \\#\n"),
	 "a.example. 5 TXT 0441223b000123\n"},
	{"escapes_in_names", TEXT("a\\.b\\032c 5 A 192.0.2.1\n"),
	 "a\\.b\\032c.example. 5 A c0000201\n"},
	{"escaped_owner_like_a_directive", TEXT("\\$TTL 5 A 192.0.2.1\n"),
	 "\\$TTL.example. 5 A c0000201\n"},
	{"ttl_with_units",
	 TEXT("a 1w2d3h4m5s A 192.0.2.1\n"
	      "a 1H A 192.0.2.2\n"),
	 "a.example. 788645 A c0000201\na.example. 3600 A c0000202\n"},
	{"ttl_of_2_31_less_1", TEXT("a 2147483647 A 192.0.2.1\n"),
	 "a.example. 2147483647 A c0000201\n"},
	{"ttl_of_2_31_is_0_by_rfc2181_8", TEXT("a 2147483648 A 192.0.2.1\n"),
	 "a.example. 0 A c0000201\n"},
	{"default_ttl_before_last_ttl",
	 TEXT("$TTL 1h\na 5 A 192.0.2.1\nb A 192.0.2.2\n"),
	 "a.example. 5 A c0000201\nb.example. 3600 A c0000202\n"},
	{"last_ttl_where_there_is_no_default",
	 TEXT("a 5 A 192.0.2.1\nb A 192.0.2.2\n"),
	 "a.example. 5 A c0000201\nb.example. 5 A c0000202\n"},
	{"minimum_of_the_soa_where_there_is_no_ttl",
	 TEXT("@ SOA . . 1 2 3 4 9\n NS .\n"),
	 "example. 9 SOA 00000000000100000002000000030000000400000009\n"
	 "example. 9 NS 00\n"},
	{"origin_is_relative_to_origin",
	 TEXT("$ORIGIN b\na 5 NS c\n$ORIGIN .\na 5 NS c.\n"),
	 "a.b.example. 5 NS 01630162076578616d706c6500\n"
	 "a. 5 NS 016300\n"},
	{"directives_in_any_case", TEXT("$origin b.\n$ttl 7\n@ NS c\n"),
	 "b. 7 NS 0163016200\n"},
	{"type_as_owner", TEXT("MX 5 MX 1 A\n"),
	 "MX.example. 5 MX 0001014107"
	 "6578616d706c6500\n"},
	{"unknown_type", TEXT("a 5 TYPE65280 \\# 3 0102 03\n"),
	 "a.example. 5 TYPE65280 010203\n"},
	{"unknown_type_of_no_octets", TEXT("a 5 TYPE65280 \\# 0\n"),
	 "a.example. 5 TYPE65280 \n"},
	{"known_type_in_generic_form",
	 TEXT("a 5 CLASS1 TYPE1 \\# 4 C0000201\n"),
	 "a.example. 5 A c0000201\n"},
	{"known_type_by_number", TEXT("a 5 TYPE1 192.0.2.1\n"),
	 "a.example. 5 A c0000201\n"},
	{"generate", TEXT("$GENERATE 1-3 a$ 5 A 192.0.2.$\n"),
	 "a1.example. 5 A c0000201\na2.example. 5 A c0000202\n"
	 "a3.example. 5 A c0000203\n"},
	{"generate_in_steps", TEXT("$GENERATE 0-5/3 $ 5 IN PTR h$.\n"),
	 "0.example. 5 PTR 02683000\n3.example. 5 PTR 02683300\n"},
	{"generate_with_offset_width_and_base",
	 TEXT("$GENERATE 10-10 x${-1,3,d}y 5 TXT "
	      "${0,4,x} ${245,2,X} ${0,3,o} ${246,5,n} ${1,0,N}\n"),
	 /* 245 + 10 is FF, 246 + 10 is 0.0.1 backwards, 1 + 10 is B */
	 "x009y.example. 5 TXT 043030306102464603303132"
	 "05302e302e310142\n"},
	{"generate_leaves_escaped_dollars",
	 TEXT("$GENERATE 7-7 \\$$ 5 TXT \"$$ \\$ $\"\n"),
	 "\\$7.example. 5 TXT 0524202420"
	 "37\n"},
};

START_TEST(records_come_out)
{
	enum status status = parse(good_cases[_i].text, good_cases[_i].size);

	ck_assert_msg(status == STATUS_OK, "%s: line %lu: %s",
		      good_cases[_i].name, error.line, error.reason);
	ck_assert_msg(strcmp(dump.text, good_cases[_i].expected) == 0, "%s: %s",
		      good_cases[_i].name, dump.text);
}
END_TEST

/* --- faults ----------------------------------------------------------------*/

#define LABEL63 \
	"123456789012345678901234567890123456789012345678901234567890123"

static const struct {
	const char *text;
	size_t size;
	unsigned long line;
	const char *reason;
} bad_cases[] = {
	{TEXT("a 5 AAAAA ::1\n"), 1, "unknown type 'AAAAA'"},
	{TEXT("a A 192.0.2.1\n"), 1, "TTL missing and no $TTL before"},
	{TEXT("; c\n\na 5 A 192.0.2\n"), 3, "malformed IPv4 address '192.0.2'"},
	{TEXT("a 5 A 192.0.2.256\n"), 1, "malformed IPv4 address"},
	{TEXT("a 5 A 192.0.2.1.\n"), 1, "malformed IPv4 address"},
	{TEXT("a 5 AAAA 1::2::3\n"), 1, "malformed IPv6 address"},
	{TEXT("a 5 A\n"), 1, "RDATA ends too early"},
	{TEXT("a 5 A 192.0.2.1 x\n"), 1, "more than RDATA holds: 'x'"},
	{TEXT("a 5 CH A 192.0.2.1\n"), 1, "not the class of the zone: 'CH'"},
	{TEXT("a 5 IN\n"), 1, "a name without a type"},
	{TEXT("a\n"), 1, "a name without a type"},
	{TEXT("a 5 5 A 192.0.2.1\n"), 1, "unknown type '5'"},
	{TEXT(" 5 A 192.0.2.1\n"), 1, "a line without a name, and none before"},
	{TEXT("a 5 ANY x\n"), 1, "not the class of the zone: 'ANY'"},
	{TEXT("a 5 AXFR x\n"), 1, "a type that stands in no zone: 'AXFR'"},
	{TEXT("a 5 TYPE0 \\# 0\n"), 1, "a type that stands in no zone"},
	{TEXT("a 5 TYPE65536 \\# 0\n"), 1, "unknown type 'TYPE65536'"},
	{TEXT("a..b 5 A 192.0.2.1\n"), 1, "malformed name 'a..b'"},
	{TEXT("1" LABEL63 " 5 A 192.0.2.1\n"), 1,
	 "label longer than 63 octets"},
	{TEXT(LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 " 5 A 192.0.2.1\n"),
	 1, "name longer than 255 octets"},
	{TEXT("a 5 NS " LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 "\n"), 1,
	 "name longer than 255 octets"},
	{TEXT("\n\na 5 TXT ( x\n y\n"), 3, "'(' is never closed"},
	{TEXT("a 5 TXT ( ( x )\n"), 1, "'(' is never closed"},
	{TEXT("a 5 TXT x )\n"), 1, "')' without '('"},
	{TEXT("a 5 TXT ( \n\"x\n)\n"), 2, "a quote is not closed on its line"},
	{TEXT("a 5 TXT \"x"), 1, "a quote is not closed on its line"},
	{TEXT("a 5 TXT x\\"), 1, "a backslash with nothing behind it"},
	{TEXT("a 5 TXT x\\\n"), 1, "a backslash with nothing behind it"},
	{TEXT("a 5 TXT x\0y\n"), 1, "a NUL octet: this is not text"},
	{TEXT("a 5 TXT \\300\n"), 1, "malformed escape in"},
	{TEXT("a 5 TXT \\25"), 1, "malformed escape in"},
	{TEXT("$FOO bar\n"), 1, "unknown directive '$FOO'"},
	{TEXT("$TTL\n"), 1, "$TTL needs more"},
	{TEXT("$TTL 1x\n"), 1, "malformed time '1x'"},
	{TEXT("$TTL 1h30\n"), 1, "malformed time '1h30'"},
	{TEXT("$TTL 4294967296\n"), 1, "malformed time"},
	{TEXT("$TTL 7102w\n"), 1, "time out of range"},
	{TEXT("$TTL 1 2\n"), 1, "more than the directive takes: '2'"},
	{TEXT("$ORIGIN\n"), 1, "$ORIGIN needs more"},
	{TEXT("$INCLUDE\n"), 1, "$INCLUDE needs more"},
	{TEXT("$GENERATE 1\n"), 1, "malformed range '1'"},
	{TEXT("$GENERATE 2-1 a A 192.0.2.1\n"), 1, "malformed range"},
	{TEXT("$GENERATE 1-2/0 a A 192.0.2.1\n"), 1, "malformed range"},
	{TEXT("$GENERATE 0-2147483647 $ 5 A 192.0.2.1\n"), 1,
	 "more than 1048576 records in range"},
	{TEXT("$GENERATE 0-1048576 $ 5 A 192.0.2.1\n"), 1,
	 "more than 1048576 records in range"},
	{TEXT("$GENERATE 1-2147483648 $ 5 A 192.0.2.1\n"), 1,
	 "malformed range"},
	{TEXT("$GENERATE 1-2\n"), 1, "$GENERATE needs more"},
	{TEXT("\n$GENERATE 1-2 ${0,1,q} 5 A 192.0.2.1\n"), 2,
	 "malformed ${...}"},
	{TEXT("$GENERATE 1-2 ${0 5 A 192.0.2.1\n"), 1, "malformed ${...}"},
	{TEXT("$GENERATE 1-2 ${0,256,d} 5 A 192.0.2.1\n"), 1,
	 "malformed ${...}"},
	{TEXT("\n$GENERATE 255-256 a 5 A 192.0.2.$\n"), 2,
	 "malformed IPv4 address '192.0.2.256'"},
	{TEXT("$GENERATE 1-2 $ORIGIN a.\n"), 1, "unknown type 'a.'"},
	{TEXT("@ 5 SOA . . (\n1\n2\nx\n4 5 )\n"), 4, "malformed time 'x'"},
	{TEXT("@ 5 SOA . . (\n1\n2\n)\n"), 4, "RDATA ends too early"},
	{TEXT("a 5 TYPE65280 abc\n"), 1,
	 "type TYPE65280 is read in the form '\\# length hex' only"},
	{TEXT("a 5 TYPE65280 \\# 2 01\n"), 1,
	 "the hex does not have the length '2'"},
	{TEXT("a 5 TYPE65280 \\# 1 012\n"), 1, "an odd number of hex digits"},
	{TEXT("a 5 TYPE65280 \\# 65536 01\n"), 1, "malformed length of RDATA"},
	{TEXT("a 5 A \\# 3 010203\n"), 1, "malformed RDATA of type A"},
	{TEXT("a 5 NS \\# 2 c000\n"), 1, "malformed RDATA of type NS"},
	{TEXT("a 5 MX 65536 b\n"), 1, "malformed number or out of range"},
	{TEXT("a 5 MX -1 b\n"), 1, "malformed number or out of range: '-1'"},
	{TEXT("a 5 DNSKEY 256 3 8 AwE=A\n"), 1, "malformed base64"},
	{TEXT("a 5 DNSKEY 256 3 8 AwEA= \n"), 1, "base64 is not a multiple"},
	{TEXT("a 5 DNSKEY 256 3 8 ====\n"), 1, "malformed base64"},
	{TEXT("a 5 DNSKEY 256 3 8 AA== AA==\n"), 1, "something after base64"},
	{TEXT("a 5 DS 1 8 2 0g\n"), 1, "malformed hex"},
	{TEXT("a 5 DS 1 8 2\n"), 1, "malformed RDATA of type DS"},
	{TEXT("a 5 RRSIG A 8 1 5 20260230000000 20260101000000 1 . AA==\n"), 1,
	 "no such moment '20260230000000'"},
	{TEXT("a 5 RRSIG A 8 1 5 2026 x 1 . AA==\n"), 1, "malformed moment"},
	{TEXT("a 5 NSEC3 1 0 0 - 000000000000000000000000000000! A\n"), 1,
	 "malformed hash"},
	{TEXT("a 5 NSEC3 1 0 0 abc 00000000000000000000000000000000 A\n"), 1,
	 "malformed salt 'abc'"},
	{TEXT("a 5 HTTPS 1 . port=1 port=2\n"), 1, "a service key twice"},
	{TEXT("a 5 HTTPS 1 . prt=1\n"), 1, "unknown service key 'prt'"},
	{TEXT("a 5 HTTPS 1 . alpn=\"a,,b\"\n"), 1, "malformed alpn list"},
	{TEXT("a 5 LOC x\n"), 1, "malformed RDATA of type LOC"},
};

START_TEST(faults_have_line_and_reason)
{
	enum status status = parse(bad_cases[_i].text, bad_cases[_i].size);

	ck_assert_msg(status != STATUS_OK, "%s", bad_cases[_i].text);
	ck_assert_str_eq(error.file, "test");
	ck_assert_msg(error.line == bad_cases[_i].line, "%s: line %lu: %s",
		      bad_cases[_i].text, error.line, error.reason);
	ck_assert_msg(strstr(error.reason, bad_cases[_i].reason) != NULL,
		      "%s: %s", bad_cases[_i].text, error.reason);
}
END_TEST

/* --- types, held against ldns ----------------------------------------------*/

/* What ldns makes of the record; false where it does not read it. */
static bool ldns_rdata(const char *text, uint8_t *out, size_t *size)
{
	ldns_rdf *origin = ldns_dname_new_frm_str("example.");
	ldns_rr *rr = NULL;
	bool is_good = ldns_rr_new_frm_str(&rr, text, 0, origin, NULL) ==
		       LDNS_STATUS_OK;

	ldns_rdf_deep_free(origin);
	*size = 0;
	for (size_t i = 0; is_good && i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *field = ldns_rr_rdf(rr, i);

		memcpy(out + *size, ldns_rdf_data(field), ldns_rdf_size(field));
		*size += ldns_rdf_size(field);
	}
	ldns_rr_free(rr);
	return is_good;
}

static const char *const both_read[] = {
	"a.example. 5 IN A 192.0.2.1",
	"a.example. 5 IN AAAA 2001:db8::1",
	"a.example. 5 IN AAAA ::ffff:192.0.2.1",
	"a.example. 5 IN NS ns1",
	"a.example. 5 IN NS @",
	"a.example. 5 IN CNAME b.example.net.",
	"a.example. 5 IN DNAME b",
	"a.example. 5 IN PTR b",
	"a.example. 5 IN MB b",
	"a.example. 5 IN MG b",
	"a.example. 5 IN MR b",
	"a.example. 5 IN MINFO a b",
	"a.example. 5 IN SOA ns1 admin 2026010101 1h 15m 2w 1d",
	"a.example. 5 IN HINFO \"a b\" c",
	"a.example. 5 IN MX 10 mx",
	"a.example. 5 IN TXT \"a\\\"b\" c \\200",
	"a.example. 5 IN SPF \"v=spf1 -all\"",
	"a.example. 5 IN RP a b",
	"a.example. 5 IN AFSDB 1 a",
	"a.example. 5 IN X25 311061700956",
	"a.example. 5 IN RT 1 a",
	"a.example. 5 IN PX 1 a b",
	"a.example. 5 IN SRV 1 2 443 a",
	"a.example. 5 IN NAPTR 1 2 \"s\" \"SIP+D2U\" \"!^.*$!x!\" a",
	"a.example. 5 IN KX 1 a",
	"a.example. 5 IN CERT 1 2 8 AwEAAQ==",
	"a.example. 5 IN APL 1:192.0.2.0/24 !2:2001:db8::/32",
	"a.example. 5 IN DS 60485 5 1 2BB183AF5F22588179A53B0A "
	"98631FAD1A292118",
	"a.example. 5 IN CDS 0 0 0 00",
	"a.example. 5 IN DLV 1 8 2 0102",
	"a.example. 5 IN SSHFP 2 1 123456789abcdef67890123456789abcdef67890",
	"a.example. 5 IN RRSIG A 8 2 5 20380119031408 20260228235959 1 "
	"example. AwEA AQ==",
	"a.example. 5 IN RRSIG TYPE65280 13 2 3600 2147483648 1 1 @ AwEAAQ==",
	"a.example. 5 IN NSEC b A MX RRSIG NSEC CAA TYPE1234",
	"a.example. 5 IN DNSKEY 257 3 13 AwEAAQ==",
	"a.example. 5 IN CDNSKEY 0 3 0 AA==",
	"a.example. 5 IN DHCID "
	"AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
	"a.example. 5 IN NSEC3 1 1 12 aabbccdd "
	"2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG",
	"a.example. 5 IN NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr",
	"a.example. 5 IN NSEC3PARAM 1 0 12 aabbccdd",
	"a.example. 5 IN NSEC3PARAM 1 0 0 -",
	"a.example. 5 IN TLSA 3 1 1 0102 0304",
	"a.example. 5 IN SMIMEA 3 1 1 0102",
	"a.example. 5 IN HIP 2 200100107B1A74DF365639CC39F1D578 AwEAAQ== a b",
	"a.example. 5 IN TALINK a b",
	"a.example. 5 IN OPENPGPKEY AwEAAQ==",
	"a.example. 5 IN CSYNC 66 3 A NS AAAA",
	"a.example. 5 IN ZONEMD 1 1 1 "
	"0102030405060708090a0b0c0d0e0f10",
	"a.example. 5 IN NID 10 0014:4fff:ff20:ee64",
	"a.example. 5 IN L32 10 10.1.2.0",
	"a.example. 5 IN L64 10 2001:0DB8:1140:1000",
	"a.example. 5 IN LP 10 l64-subnet1",
	"a.example. 5 IN EUI48 00-00-5e-00-53-2a",
	"a.example. 5 IN EUI64 00-00-5e-ef-10-00-00-2a",
	"a.example. 5 IN URI 10 1 \"ftp://ftp1.example.com/public\"",
	"a.example. 5 IN CAA 0 issue \"ca.example.net; x=1\"",
	"a.example. 5 IN LOC 42 21 54 N 71 06 18 W -24m 30m",
	"a.example. 5 IN WKS 192.0.2.1 TCP 25",
	"a.example. 5 IN NSAP "
	"0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00",
	"a.example. 5 IN ISDN 150862028003217 004",
	"a.example. 5 IN GPOS -32.6882 116.8652 10.0",
	"a.example. 5 IN IPSECKEY 10 1 2 192.0.2.38 AQNRU3mG",
	"a.example. 5 IN IPSECKEY 10 0 2 . AQNRU3mG",
	"a.example. 5 IN IPSECKEY 10 2 2 2001:db8::1 AQNRU3mG",
	"a.example. 5 IN IPSECKEY 10 3 2 gw.example.net. AQNRU3mG",
	"a.example. 5 IN TYPE65280 \\# 3 010203",
};

START_TEST(both_readers_make_the_same_wire)
{
	const char *text = both_read[_i];
	uint8_t expected[4096];
	char hex[sizeof(expected) * 2 + 2] = "";
	size_t size;

	ck_assert_msg(ldns_rdata(text, expected, &size), "ldns: %s", text);
	for (size_t i = 0; i < size; i++) {
		sprintf(hex + 2 * i, "%02x", expected[i]);
	}
	strcat(hex, "\n");
	ck_assert_msg(parse(text, strlen(text)) == STATUS_OK, "%s: %s", text,
		      error.reason);
	ck_assert_msg(strcmp(strrchr(dump.text, ' ') + 1, hex) == 0,
		      "%s: %s, ldns: %s", text, dump.text, hex);
}
END_TEST

/* Types that ldns does not read; wire from the RFCs' fields. */
static const struct {
	const char *text;
	const char *hex;
} ours_alone[] = {
	/* RFC 9460 appendix D */
	{"a 5 HTTPS 0 foo.example.com.",
	 "000003666f6f076578616d706c6503636f6d00"},
	{"a 5 SVCB 1 .", "000100"},
	{"a 5 SVCB 16 foo.example.com. port=53",
	 "001003666f6f076578616d706c6503636f6d00000300020035"},
	{"a 5 SVCB 1 foo.example.com. key667=hello",
	 "000103666f6f076578616d706c6503636f6d00029b000568656c6c6f"},
	{"a 5 SVCB 1 foo.example.com. key667=\"hello\\210qoo\"",
	 "000103666f6f076578616d706c6503636f6d00029b000968656c6c6fd2716f6f"},
	{"a 5 SVCB 1 foo.example.com. ipv6hint=\"2001:db8::1,2001:db8::53:1\"",
	 "000103666f6f076578616d706c6503636f6d000006002020010db8000000000000000"
	 "0"
	 "0000000120010db8000000000000000000530001"},
	{"a 5 SVCB 16 foo.example.org. alpn=h2,h3-19 "
	 "mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
	 "001003666f6f076578616d706c65036f7267000000000400010004000100090268320"
	 "568332d3139000400"
	 "04c0000201"},
	{"a 5 SVCB 16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
	 "001003666f6f076578616d706c65036f726700000100"
	 "0c08665c6f6f2c626172026832"},
	{"a 5 SVCB 16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2",
	 "001003666f6f076578616d706c65036f726700000100"
	 "0c08665c6f6f2c626172026832"},
	{"a 5 HTTPS 1 . ech=AwEAAQ== no-default-alpn alpn=h2",
	 "0001000001000302683200020000000500040301"
	 "0001"},
	/* RFC 8777 4.3 */
	{"a 5 AMTRELAY 10 0 1 203.0.113.15", "0a01cb00710f"},
	{"a 5 AMTRELAY 10 1 2 2001:db8::15",
	 "0a8220010db8000000000000000000000015"},
	{"a 5 AMTRELAY 128 1 3 amtrelays.example.com.",
	 "808309616d7472656c617973076578616d706c6503636f6d00"},
	{"a 5 AMTRELAY 10 0 0 .", "0a00"},
	{"a 5 DSYNC CDS NOTIFY 5359 cds", "003b0114ef03636473"
					  "076578616d706c6500"},
	{"a 5 RESINFO qnamemin exterr=15-17", "08716e616d656d696e"
					      "0c6578746572723d31352d3137"},
	{"a 5 AVC \"a\" \"b\"", "01610162"},
	{"a 5 WALLET \"ETH\" \"x\"", "034554480178"},
	{"a 5 IPSECKEY 10 3 2 gw AQNRU3mG",
	 "0a0302026777076578616d706c6500010351537986"},
	{"a 5 NSAP-PTR b", "0162076578616d706c6500"},
};

START_TEST(types_unknown_to_ldns_are_read)
{
	ck_assert_msg(parse(ours_alone[_i].text, strlen(ours_alone[_i].text)) ==
			      STATUS_OK,
		      "%s: %s", ours_alone[_i].text, error.reason);
	dump.text[dump.length - 1] = '\0';
	ck_assert_str_eq(strrchr(dump.text, ' ') + 1, ours_alone[_i].hex);
}
END_TEST

/* --- boundaries ------------------------------------------------------------*/

START_TEST(strings_end_at_255_octets)
{
	for (size_t length = 254; length <= 256; length++) {
		char text[400];
		int head = sprintf(text, "a 5 TXT ");

		memset(text + head, 'x', length);
		ck_assert_int_eq(parse(text, head + length),
				 length <= 255 ? STATUS_OK : STATUS_BAD_SYNTAX);
	}
}
END_TEST

START_TEST(rdata_ends_at_65535_octets)
{
	for (size_t size = 65534; size <= 65536; size++) {
		char *text = malloc(2 * size + 100);
		size_t at;

		/* A key: four octets, and what base64 gives. */
		at = sprintf(text, "a 5 TYPE65280 \\# %zu ", size);
		memset(text + at, 'a', 2 * size);
		at += 2 * size;
		ck_assert_int_eq(parse(text, at),
				 size <= 65535 ? STATUS_OK : STATUS_BAD_SYNTAX);
		/* Strings of one octet: two octets each. */
		at = sprintf(text, "a 5 TXT ");
		for (size_t i = 0; i < size / 2; i++) {
			memcpy(text + at, "x ", 2);
			at += 2;
		}
		ck_assert_int_eq(parse(text, at), size / 2 * 2 <= 65535
							  ? STATUS_OK
							  : STATUS_BAD_SYNTAX);
		if (size == 65536) {
			ck_assert_str_eq(error.reason,
					 "RDATA longer than 65535 octets");
		}
		free(text);
	}
}
END_TEST

START_TEST(a_record_ends_at_its_limit)
{
	size_t size = MASTER_FILE_RECORD_MAX;
	char *text = malloc(size + 1);

	memset(text, ' ', size + 1);
	memcpy(text, "a 5 A 192.0.2.1", 15);
	text[size - 1] = '\n';
	ck_assert_int_eq(parse(text, size), STATUS_OK);
	text[size - 1] = ' ';
	text[size] = '\n';
	ck_assert_int_eq(parse(text, size + 1), STATUS_TOO_LONG);
	ck_assert_uint_eq(error.line, 1);
	free(text);
}
END_TEST

/* --- files -----------------------------------------------------------------*/

static char folder[64];

static void folder_setup(void)
{
	strcpy(folder, "/tmp/test_master_file.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(mkdir("sub", 0700), 0);
}

static void folder_teardown(void)
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

struct opened {
	char paths[1024];
	int count;
};

static struct opened opened;

static enum status note_opened(const char *path, int fd, const struct stat *st,
			       void *context)
{
	(void)context;
	ck_assert_int_ge(fd, 0);
	ck_assert(S_ISREG(st->st_mode));
	opened.count++;
	if (strlen(opened.paths) + strlen(path) + 2 < sizeof(opened.paths)) {
		strcat(opened.paths, path);
		strcat(opened.paths, " ");
	}
	return STATUS_OK;
}

static enum status read_path(const char *path, uint64_t size_max)
{
	struct dname_storage origin = origin_of("example.");
	struct master_file_options options = {
		.origin = dname_of(&origin),
		.rrclass = RRCLASS_IN,
		.size_max = size_max,
		.record = dump_record,
		.opened = note_opened,
		.context = &dump,
	};

	memset(&dump, 0, sizeof(dump));
	memset(&opened, 0, sizeof(opened));
	return master_file_read(path, &options, &error);
}

START_TEST(include_is_relative_and_leaves_all_as_it_was)
{
	put("main.zone", "$TTL 60\n$ORIGIN o.\na A 192.0.2.1\n"
			 "$INCLUDE sub/one.inc inner\n A 192.0.2.4\n"
			 "b A 192.0.2.5\n");
	put("sub/one.inc", "$TTL 5\nx A 192.0.2.2\n$INCLUDE \"two.inc\"\n"
			   "$ORIGIN elsewhere.\n");
	put("sub/two.inc", "y A 192.0.2.3");
	ck_assert_int_eq(read_path("main.zone", 0), STATUS_OK);
	ck_assert_str_eq(dump.text, "a.o. 60 A c0000201\n"
				    "x.inner.o. 5 A c0000202\n"
				    "y.inner.o. 5 A c0000203\n"
				    "a.o. 60 A c0000204\n"
				    "b.o. 60 A c0000205\n");
	ck_assert_str_eq(opened.paths, "main.zone sub/one.inc sub/two.inc ");
}
END_TEST

START_TEST(a_fault_in_an_include_names_that_file)
{
	put("main.zone", "\n$INCLUDE sub/one.inc\n");
	put("sub/one.inc", "\n\na 5 A x\n");
	ck_assert_int_eq(read_path("main.zone", 0), STATUS_BAD_SYNTAX);
	ck_assert_str_eq(error.file, "sub/one.inc");
	ck_assert_uint_eq(error.line, 3);
}
END_TEST

START_TEST(an_include_that_cannot_be_read_is_told_where_it_is_said)
{
	static const struct {
		const char *name;
		const char *reason;
	} cases[] = {
		{"missing", "cannot open 'missing': No such file or directory"},
		{"sub", "'sub' is not a regular file"},
		{"fifo", "'fifo' is not a regular file"},
		{"/dev/zero", "'/dev/zero' is not a regular file"},
		{"main.zone", "'main.zone' includes itself"},
		{"link", "'link' includes itself"},
		{"\"\"", "no file name"},
	};

	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(symlink("main.zone", "link"), 0);
	for (int i = 0; i < COUNT(cases); i++) {
		char text[128];

		snprintf(text, sizeof(text), "\n\n$INCLUDE %s\n",
			 cases[i].name);
		put("main.zone", text);
		ck_assert_int_ne(read_path("main.zone", 0), STATUS_OK);
		ck_assert_msg(strstr(error.reason, cases[i].reason) != NULL,
			      "%s", error.reason);
		ck_assert_str_eq(error.file, "main.zone");
		ck_assert_uint_eq(error.line, 3);
	}
}
END_TEST

START_TEST(what_is_no_file_is_refused_without_waiting)
{
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_ne(read_path("fifo", 0), STATUS_OK);
	ck_assert_int_ne(read_path("sub", 0), STATUS_OK);
	ck_assert_int_eq(read_path("missing", 0), STATUS_NOT_FOUND);
	ck_assert_str_eq(error.file, "missing");
	ck_assert_uint_eq(error.line, 0);
}
END_TEST

START_TEST(includes_are_bounded_in_depth_and_number)
{
	char text[64];

	for (int i = 0; i <= MASTER_FILE_INCLUDE_DEPTH; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%d.inc", i);
		snprintf(text, sizeof(text), "$INCLUDE %d.inc\n", i + 1);
		put(name, text);
	}
	put("9.inc", "a 5 A 192.0.2.1\n");
	ck_assert_int_eq(read_path("1.inc", 0), STATUS_OK);
	ck_assert_int_eq(read_path("0.inc", 0), STATUS_TOO_LONG);
	ck_assert_str_eq(error.file, "8.inc");
	for (int more = 0; more <= 1; more++) {
		FILE *file = fopen("many.zone", "w");

		for (int i = 0; i < MASTER_FILE_INCLUDES_MAX + more; i++) {
			fputs("$INCLUDE 9.inc\n", file);
		}
		fclose(file);
		ck_assert_int_eq(read_path("many.zone", 0),
				 more ? STATUS_TOO_LONG : STATUS_OK);
	}
	ck_assert_uint_eq(error.line, MASTER_FILE_INCLUDES_MAX + 1);
}
END_TEST

START_TEST(all_files_together_have_a_limit)
{
	put("main.zone", "$INCLUDE one.inc\n");
	put("one.inc", "a 5 A 192.0.2.1\n");
	ck_assert_int_eq(read_path("main.zone", 33), STATUS_OK);
	ck_assert_int_eq(read_path("main.zone", 32), STATUS_TOO_LONG);
	ck_assert_str_eq(error.file, "one.inc");
}
END_TEST

/* Records lie across the ends of what read() gives, in every way. */
START_TEST(records_across_reads_are_whole)
{
	const size_t records = 30000;
	FILE *file = fopen("long.zone", "w");

	for (size_t i = 0; i < records; i++) {
		fprintf(file, "n%zu 5 TXT ( \"%.*s\" ; c\n)\n", i,
			(int)(i % 97),
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			"xx"
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	}
	fclose(file);
	ck_assert_int_eq(read_path("long.zone", 0), STATUS_OK);
	ck_assert_uint_eq(dump.records, records);
	ck_assert_uint_eq(dump.last_line, 2 * records - 1);
}
END_TEST

START_TEST(one_line_of_200_mb_is_refused_after_its_first_part)
{
	int fd = open("huge.zone", O_WRONLY | O_CREAT, 0600);
	char block[4096];

	memset(block, 'x', sizeof(block));
	for (size_t i = 0; i < 1024; i++) {
		ck_assert_int_eq(write(fd, block, sizeof(block)),
				 sizeof(block));
	}
	/* The rest is a hole: read, it would be NUL octets. */
	ck_assert_int_eq(ftruncate(fd, 200 << 20), 0);
	close(fd);
	ck_assert_int_eq(read_path("huge.zone", 0), STATUS_TOO_LONG);
	ck_assert_uint_eq(error.line, 1);
	ck_assert_str_eq(error.reason, "a record longer than 1048576 octets");
	/* The same under a limit below what all of it takes. */
	ck_assert_int_eq(read_path("huge.zone", 4 << 20), STATUS_TOO_LONG);
	ck_assert_uint_eq(error.line, 1);
}
END_TEST

/* --- the caller's say ------------------------------------------------------*/

static enum status refuse(const struct master_file_record *record,
			  void *context, char *reason)
{
	(void)record;
	(void)context;
	strcpy(reason, "not that one");
	return STATUS_REFUSED;
}

START_TEST(the_caller_stops_with_its_reason)
{
	struct dname_storage origin = origin_of(".");
	struct master_file_options options = {
		.origin = dname_of(&origin),
		.rrclass = RRCLASS_IN,
		.record = refuse,
	};

	ck_assert_int_eq(master_file_parse("x", TEXT("\na 5 TXT (\nb )\n"),
					   &options, &error),
			 STATUS_REFUSED);
	ck_assert_uint_eq(error.line, 2);
	ck_assert_str_eq(error.reason, "not that one");
}
END_TEST

/* --- the real root zone ----------------------------------------------------*/

static size_t compared;

/* One line is one record there: read the same line by ldns. */
static enum status compare_record(const struct master_file_record *record,
				  void *context, char *reason)
{
	static char line[16384];
	static uint8_t expected[65536];
	size_t size;

	(void)reason;
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), context));
	line[strcspn(line, "\n")] = '\0';
	ck_assert_msg(ldns_rdata(line, expected, &size), "%s", line);
	ck_assert_msg(size == record->rdata_size &&
			      memcmp(expected, record->rdata, size) == 0,
		      "%s", line);
	compared++;
	return STATUS_OK;
}

START_TEST(the_root_zone_reads_as_ldns_reads_it)
{
	const char *data = getenv("ROOTCAST_SHARED_DATA");
	char path[1024];
	FILE *file;
	struct master_file_options options = {
		.origin = dname_root,
		.rrclass = RRCLASS_IN,
		.record = compare_record,
	};

	snprintf(path, sizeof(path), "%s/root/root-2026073102.zone",
		 data != NULL ? data : ROOTCAST_SOURCE_DIR "/../shared/data");
	file = fopen(path, "r");
	if (file == NULL) {
		printf("skipped: no root zone at %s\n", path);
		return;
	}
	options.context = file;
	ck_assert_int_eq(master_file_read(path, &options, &error), STATUS_OK);
	ck_assert_uint_eq(compared, 24877);
	fclose(file);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("master_file");
	TCase *tcase = tcase_create("text");
	TCase *files = tcase_create("files");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, records_come_out, 0, COUNT(good_cases));
	tcase_add_loop_test(tcase, faults_have_line_and_reason, 0,
			    COUNT(bad_cases));
	tcase_add_loop_test(tcase, both_readers_make_the_same_wire, 0,
			    COUNT(both_read));
	tcase_add_loop_test(tcase, types_unknown_to_ldns_are_read, 0,
			    COUNT(ours_alone));
	tcase_add_test(tcase, strings_end_at_255_octets);
	tcase_add_test(tcase, rdata_ends_at_65535_octets);
	tcase_add_test(tcase, a_record_ends_at_its_limit);
	tcase_add_test(tcase, the_caller_stops_with_its_reason);
	tcase_add_test(tcase, the_root_zone_reads_as_ldns_reads_it);
	suite_add_tcase(suite, tcase);
	tcase_set_timeout(files, 60);
	tcase_add_checked_fixture(files, folder_setup, folder_teardown);
	tcase_add_test(files, include_is_relative_and_leaves_all_as_it_was);
	tcase_add_test(files, a_fault_in_an_include_names_that_file);
	tcase_add_test(files,
		       an_include_that_cannot_be_read_is_told_where_it_is_said);
	tcase_add_test(files, what_is_no_file_is_refused_without_waiting);
	tcase_add_test(files, includes_are_bounded_in_depth_and_number);
	tcase_add_test(files, all_files_together_have_a_limit);
	tcase_add_test(files, records_across_reads_are_whole);
	tcase_add_test(files,
		       one_line_of_200_mb_is_refused_after_its_first_part);
	suite_add_tcase(suite, files);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
