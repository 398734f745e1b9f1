/* Messages but UPDATE: the bytes that real routers took, and OPENs of every
 * odd shape. */
#include "lib/bgp/message.h"
#include "tests/unit/bgp_hex.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARKER "ffffffffffffffffffffffffffffffff"
/* Version 4, AS 65001, hold time 9, identifier 10.9.1.1. */
#define OPEN9 "04fde900090a090101"

/* --- writing -------------------------------------------------------------- */

static const struct {
	const char *name;
	struct bgp_open open;
	const char *bytes;
} open_cases[] = {
	{"two families, 2-octet AS",
	 {.as = 65001,
	  .router_id = 0x0a090101,
	  .hold_s = 9,
	  .families = BGP_IPV4 | BGP_IPV6,
	  .role = BGP_ROLE_NONE,
	  .has_capabilities = true,
	  .has_refresh = true,
	  .has_as4 = true},
	 MARKER "00330104fde900090a090101160214010400010001010400020001020041"
		"040000fde9"},
	{"4-octet AS stands as AS_TRANS in the old field",
	 {.as = 4200000000,
	  .router_id = 0x0a090101,
	  .hold_s = 9,
	  .families = BGP_IPV4,
	  .role = BGP_ROLE_NONE,
	  .has_capabilities = true,
	  .has_refresh = true,
	  .has_as4 = true},
	 MARKER "002d01045ba000090a09010110020e01040001000102004104fa56ea00"},
	{"role customer is capability 9",
	 {.as = 65001,
	  .router_id = 0x0a090101,
	  .hold_s = 9,
	  .families = BGP_IPV4,
	  .role = BGP_ROLE_CUSTOMER,
	  .has_capabilities = true},
	 MARKER "00280104fde900090a0901010b0209010400010001090103"},
	{"no capabilities: 29 octets",
	 {.as = 65001,
	  .router_id = 0x0a090101,
	  .hold_s = 9,
	  .role = BGP_ROLE_NONE},
	 MARKER "001d0104fde900090a09010100"},
};

START_TEST(open_is_written_as_routers_took_it)
{
	uint8_t out[BGP_MESSAGE_MAX];
	size_t size = bgp_open_write(out, &open_cases[_i].open);

	ck_assert_msg(strcmp(hex(out, size), open_cases[_i].bytes) == 0,
		      "%s: %s", open_cases[_i].name, hex(out, size));
}
END_TEST

START_TEST(small_messages_are_written_as_routers_took_them)
{
	uint8_t out[BGP_MESSAGE_MAX];
	struct bgp_notification n;

	ck_assert_str_eq(hex(out, bgp_keepalive_write(out)), MARKER "001304");
	ck_assert_str_eq(hex(out, bgp_refresh_write(out, BGP_IPV4)),
			 MARKER "00170500010001");
	ck_assert_str_eq(hex(out, bgp_refresh_write(out, BGP_IPV6)),
			 MARKER "00170500020001");
	bgp_cease(&n, BGP_CEASE_SHUTDOWN, "maint");
	ck_assert_str_eq(hex(out, bgp_notification_write(out, &n)),
			 MARKER "001b030602056d61696e74");
	bgp_cease(&n, BGP_CEASE_COLLISION, NULL);
	ck_assert_str_eq(hex(out, bgp_notification_write(out, &n)),
			 MARKER "0015030607");
}
END_TEST

START_TEST(shutdown_text_is_cut_between_characters)
{
	struct bgp_notification n;
	char text[200];

	/* 127 octets, then a character of two: only half of it would fit. */
	memset(text, 'x', 127);
	strcpy(text + 127, "\xc3\xa4 and more");
	bgp_cease(&n, BGP_CEASE_SHUTDOWN, text);
	ck_assert_uint_eq(n.data[0], 127);
	ck_assert_uint_eq(n.size, 128);
	memset(text, 'x', 130);
	text[130] = '\0';
	bgp_cease(&n, BGP_CEASE_SHUTDOWN, text);
	ck_assert_uint_eq(n.data[0], 128);
}
END_TEST

/* --- header --------------------------------------------------------------- */

static const struct {
	const char *name;
	const char *bytes;
	int result; /* -1: error */
	uint8_t code;
	uint8_t subcode;
	const char *data;
} header_cases[] = {
	{"nothing", "", 0, 0, 0, ""},
	{"half a marker", "ffffffff", 0, 0, 0, ""},
	{"bad marker is known at its first octet", "00", -1, 1, 1, ""},
	{"bad marker's last octet", "fffffffffffffffffffffffffffffffe", -1, 1,
	 1, ""},
	{"length 18", MARKER "0012", -1, 1, 2, "0012"},
	{"length 4097", MARKER "1001", -1, 1, 2, "1001"},
	{"length 4096 of an update: more is needed", MARKER "100002", 0, 0, 0,
	 ""},
	{"type 0", MARKER "001300", -1, 1, 3, "00"},
	{"type 6", MARKER "001306", -1, 1, 3, "06"},
	{"open of 28", MARKER "001c01", -1, 1, 2, "001c"},
	{"update of 22", MARKER "001602", -1, 1, 2, "0016"},
	{"notification of 20", MARKER "001403", -1, 1, 2, "0014"},
	{"keepalive of 20", MARKER "001404", -1, 1, 2, "0014"},
	{"refresh of 22", MARKER "001605", -1, 1, 2, "0016"},
	{"keepalive", MARKER "001304", 19, 0, 0, ""},
	{"keepalive and more", MARKER "001304ffff", 19, 0, 0, ""},
	{"notification without its last octet", MARKER "00150306", 0, 0, 0, ""},
};

START_TEST(header_is_judged_as_soon_as_it_can_be)
{
	uint8_t data[64];
	size_t size = unhex(data, header_cases[_i].bytes);
	struct bgp_notification error = {0};
	int result = bgp_header_check(data, size, &error);

	ck_assert_msg(result == header_cases[_i].result, "%s: %d",
		      header_cases[_i].name, result);
	if (result < 0) {
		ck_assert_msg(error.code == header_cases[_i].code &&
				      error.subcode == header_cases[_i].subcode,
			      "%s: %u/%u", header_cases[_i].name, error.code,
			      error.subcode);
		ck_assert_str_eq(hex(error.data, error.size),
				 header_cases[_i].data);
	}
}
END_TEST

/* --- OPENs ---------------------------------------------------------------- */

enum {
	REFRESH = 1,
	AS4 = 2,
	RESTART = 4,
	CONFLICT = 8,
	CAPABLE = 16,
	MULTI = 32,
};

static const struct {
	const char *name;
	const char *body; /* from the version on; lengths are filled in */
	uint8_t subcode;  /* 255: good */
	uint32_t as;
	uint8_t families;
	uint8_t role;
	unsigned flags;
} parse_cases[] = {
	{"29 octets", "04fde900090a09010100", 255, 65001, BGP_IPV4, 255, 0},
	{"our own", OPEN9 "160214010400010001010400020001020041040000fde9", 255,
	 65001, BGP_IPV4 | BGP_IPV6, 255, REFRESH | AS4 | CAPABLE | MULTI},
	{"capability 65 counts, not the field",
	 "045ba000090a090101"
	 "0802064104fa56ea00",
	 255, 4200000000, BGP_IPV4, 255, AS4 | CAPABLE},
	{"three parameters, a capability each",
	 OPEN9 "140206010400010001"
	       "0206010400020001"
	       "02020200",
	 255, 65001, BGP_IPV4 | BGP_IPV6, 255, REFRESH | CAPABLE | MULTI},
	{"the last parameter a lone octet",
	 OPEN9 "0902060104000100"
	       "0102",
	 0, 0, 0, 0, 0},
	{"RFC 9072",
	 OPEN9 "ffff000e"
	       "020006010400020001"
	       "0200020200",
	 255, 65001, BGP_IPV6, 255, REFRESH | CAPABLE | MULTI},
	{"RFC 9072 with another first length",
	 OPEN9 "01ff0009"
	       "020006010400020001",
	 255, 65001, BGP_IPV6, 255, CAPABLE | MULTI},
	{"RFC 9072, parameter longer than the list",
	 OPEN9 "ffff0009"
	       "020007010400020001",
	 0, 0, 0, 0, 0},
	{"RFC 9072, cut in its length", OPEN9 "ffff00", 0, 0, 0, 0, 0},
	{"unknown capabilities 153 and 199",
	 OPEN9 "0b0209"
	       "9903010203"
	       "c7020405",
	 255, 65001, BGP_IPV4, 255, CAPABLE},
	{"FRR's list",
	 OPEN9 "280226"
	       "010400010001"
	       "010400020001"
	       "8000"
	       "0200"
	       "4600"
	       "41040000fde9"
	       "0600"
	       "450400010101"
	       "4002c078"
	       "4700",
	 255, 65001, BGP_IPV4 | BGP_IPV6, 255,
	 REFRESH | AS4 | RESTART | CAPABLE | MULTI},
	{"capability 65 of length 2 is left alone", OPEN9 "0602044102fde9", 255,
	 65001, BGP_IPV4, 255, CAPABLE},
	{"capability 1 of length 3 is left alone", OPEN9 "0702050103000100",
	 255, 65001, BGP_IPV4, 255, CAPABLE},
	{"only a family that is not ours",
	 OPEN9 "0802060104000100"
	       "80",
	 255, 65001, 0, 255, CAPABLE | MULTI},
	{"empty capabilities parameter", OPEN9 "020200", 255, 65001, BGP_IPV4,
	 255, 0},
	{"role", OPEN9 "050203090100", 255, 65001, BGP_IPV4, 0, CAPABLE},
	{"the same role twice", OPEN9 "080206090100090100", 255, 65001,
	 BGP_IPV4, 0, CAPABLE},
	{"two roles", OPEN9 "080206090100090103", 255, 65001, BGP_IPV4, 3,
	 CAPABLE | CONFLICT},
	{"version 5", "05fde900090a09010100", 1, 0, 0, 0, 0},
	{"version 3", "03fde900090a09010100", 1, 0, 0, 0, 0},
	{"parameter 1 (authentication)", OPEN9 "03010100", 4, 0, 0, 0, 0},
	{"parameters longer than the message", OPEN9 "05", 0, 0, 0, 0, 0},
	{"octets behind the parameters", OPEN9 "000000", 0, 0, 0, 0, 0},
	{"parameter longer than the list", OPEN9 "0402060104", 0, 0, 0, 0, 0},
	{"capability longer than its parameter", OPEN9 "0402020104", 0, 0, 0, 0,
	 0},
	{"capability without a length", OPEN9 "03020101", 0, 0, 0, 0, 0},
};

static size_t open_build(uint8_t *out, const char *body)
{
	size_t size = 19 + unhex(out + 19, body);

	memset(out, 0xff, 16);
	out[16] = (uint8_t)(size >> 8);
	out[17] = (uint8_t)size;
	out[18] = BGP_TYPE_OPEN;
	return size;
}

START_TEST(open_of_each_shape_is_read)
{
	uint8_t message[256];
	size_t size = open_build(message, parse_cases[_i].body);
	struct bgp_notification error = {0};
	struct bgp_open open;
	bool is_good = bgp_open_parse(&open, message, size, &error);
	unsigned flags;

	if (parse_cases[_i].subcode != 255) {
		ck_assert_msg(!is_good, "%s", parse_cases[_i].name);
		ck_assert_uint_eq(error.code, 2);
		ck_assert_uint_eq(error.subcode, parse_cases[_i].subcode);
		if (error.subcode == 1) {
			ck_assert_str_eq(hex(error.data, error.size), "0004");
		}
		return;
	}
	ck_assert_msg(is_good, "%s: %u/%u", parse_cases[_i].name, error.code,
		      error.subcode);
	ck_assert_uint_eq(open.as, parse_cases[_i].as);
	ck_assert_uint_eq(open.families, parse_cases[_i].families);
	ck_assert_uint_eq(open.role, parse_cases[_i].role);
	ck_assert_uint_eq(open.router_id, 0x0a090101);
	flags = (open.has_refresh ? REFRESH : 0) | (open.has_as4 ? AS4 : 0) |
		(open.has_graceful_restart ? RESTART : 0) |
		(open.has_role_conflict ? CONFLICT : 0) |
		(open.has_capabilities ? CAPABLE : 0) |
		(open.has_multiprotocol ? MULTI : 0);
	ck_assert_msg(flags == parse_cases[_i].flags, "%s: flags %u",
		      parse_cases[_i].name, flags);
}
END_TEST

START_TEST(open_is_read_back_as_it_was_written)
{
	uint8_t message[BGP_MESSAGE_MAX];
	size_t size = bgp_open_write(message, &open_cases[_i].open);
	struct bgp_notification error;
	struct bgp_open open;

	ck_assert(bgp_open_parse(&open, message, size, &error));
	ck_assert_uint_eq(open.hold_s, open_cases[_i].open.hold_s);
	ck_assert_uint_eq(open.router_id, open_cases[_i].open.router_id);
	ck_assert_uint_eq(open.role, open_cases[_i].open.role);
	if (open_cases[_i].open.has_as4) {
		ck_assert_uint_eq(open.as, open_cases[_i].open.as);
	}
}
END_TEST

/* --- the rest ------------------------------------------------------------- */

static const struct {
	const char *bytes;
	unsigned families;
} refresh_cases[] = {
	{MARKER "00170500010001", BGP_IPV4},
	{MARKER "00170500020001", BGP_IPV6},
	{MARKER "00170500010080", 0}, /* VPN */
	{MARKER "00170500190001", 0}, /* L2VPN */
	{MARKER "00170500010101", 0}, /* RFC 7313 BoRR: not offered */
	{MARKER "001a0500010001414141", BGP_IPV4}, /* ORF behind it */
};

START_TEST(refresh_names_a_family_of_ours_or_none)
{
	uint8_t message[64];
	size_t size = unhex(message, refresh_cases[_i].bytes);

	ck_assert_uint_eq(bgp_refresh_parse(message, size),
			  refresh_cases[_i].families);
}
END_TEST

static const struct {
	const char *bytes;
	const char *text;
} notification_cases[] = {
	{MARKER "001b030602056d61696e74",
	 "cease 6/2 (administrative shutdown): \"maint\""},
	{MARKER "001803060402610a",
	 "cease 6/4 (administrative reset): \"a\\010\""},
	/* a text longer than the data is no text */
	{MARKER "001703060209"
		"61",
	 "cease 6/2 (administrative shutdown), data 0961"},
	{MARKER "0015030400", "hold timer expired 4/0"},
	{MARKER "001b030207010400020001",
	 "open error 2/7 (unsupported capability), data 010400020001"},
	{MARKER "0015036363", "error 99/99"},
};

START_TEST(notification_is_told_in_words)
{
	uint8_t message[64];
	size_t size = unhex(message, notification_cases[_i].bytes);
	struct bgp_notification n;
	char text[BGP_TEXT_MAX];

	bgp_notification_parse(&n, message, size);
	ck_assert_str_eq(bgp_notification_dump(&n, text),
			 notification_cases[_i].text);
}
END_TEST

START_TEST(longest_notification_fits_its_line)
{
	uint8_t message[BGP_MESSAGE_MAX];
	struct bgp_notification n;
	char text[BGP_TEXT_MAX];

	memset(message, 0xff, sizeof(message));
	message[16] = 0x10;
	message[17] = 0;
	message[18] = BGP_TYPE_NOTIFICATION;
	message[19] = 6;
	message[20] = 2;
	bgp_notification_parse(&n, message, sizeof(message));
	ck_assert_uint_eq(n.size, BGP_NOTIFICATION_DATA_MAX);
	bgp_notification_dump(&n, text);
	ck_assert_uint_lt(strlen(text), BGP_TEXT_MAX);
	ck_assert_int_eq(text[strlen(text) - 1], '"');
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *suite = suite_create("bgp_message");
	TCase *tcase = tcase_create("bgp_message");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, open_is_written_as_routers_took_it, 0,
			    COUNT(open_cases));
	tcase_add_test(tcase, small_messages_are_written_as_routers_took_them);
	tcase_add_test(tcase, shutdown_text_is_cut_between_characters);
	tcase_add_loop_test(tcase, header_is_judged_as_soon_as_it_can_be, 0,
			    COUNT(header_cases));
	tcase_add_loop_test(tcase, open_of_each_shape_is_read, 0,
			    COUNT(parse_cases));
	tcase_add_loop_test(tcase, open_is_read_back_as_it_was_written, 0,
			    COUNT(open_cases));
	tcase_add_loop_test(tcase, refresh_names_a_family_of_ours_or_none, 0,
			    COUNT(refresh_cases));
	tcase_add_loop_test(tcase, notification_is_told_in_words, 0,
			    COUNT(notification_cases));
	tcase_add_test(tcase, longest_notification_fits_its_line);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
