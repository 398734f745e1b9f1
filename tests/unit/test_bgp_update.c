/* UPDATEs: the bytes that real routers took, limits, and what is read. */
#include "lib/bgp/update.h"
#include "tests/unit/bgp_hex.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARKER "ffffffffffffffffffffffffffffffff"

static struct prefix prefix_of(const char *text)
{
	struct prefix prefix;

	ck_assert_int_eq(prefix_load(&prefix, text), STATUS_OK);
	return prefix;
}

/* AS 65001, next hops 10.9.1.1 and fd00:1::1. */
static const struct bgp_update_session external = {
	.local_as = 65001,
	.has_as4 = true,
	.role = BGP_ROLE_NONE,
	.next_hop_ipv4 = {10, 9, 1, 1},
	.has_next_hop_ipv4 = true,
	.next_hop_ipv6 = {0xfd, 0, 0, 1, [15] = 1},
	.next_hop_ipv6_size = 16,
};

struct announce_case {
	const char *name;
	const char *prefix;
	struct bgp_attributes attributes;
	uint32_t local_as;
	uint8_t role;
	bool is_internal;
	bool is_old; /* the peer knows 2-octet AS numbers only */
	const char *bytes;
};

static const struct announce_case announce_cases[] = {
	{.name = "IPv4",
	 .prefix = "192.0.2.53/32",
	 .bytes = MARKER "003002000000144001010040020602010000fde9"
			 "4003040a09010120c0000235"},
	{.name = "IPv4 with GRACEFUL_SHUTDOWN",
	 .prefix = "192.0.2.53/32",
	 .attributes = {.community_count = 1,
			.communities = {BGP_COMMUNITY_GRACEFUL_SHUTDOWN}},
	 .bytes = MARKER "0037020000001b4001010040020602010000fde9"
			 "4003040a090101c00804ffff000020c0000235"},
	{.name = "IPv6",
	 .prefix = "2001:db8:53::53/128",
	 .bytes = MARKER "004d0200000036"
			 "800e2600020110fd000001000000000000000000000001008020"
			 "010db80053000000000000000000534001010040020602010000"
			 "fde9"},
	{.name = "prepend 2, MED, two communities, a large one",
	 .prefix = "192.0.2.0/24",
	 .attributes = {.has_med = true,
			.med = 100,
			.prepend = 2,
			.community_count = 2,
			.communities = {0xfbf40002, 0xfbf40001},
			.large_count = 1,
			.large = {{1, 2, 3}}},
	 .bytes = MARKER "0058020000003d" /* */
			 "40010100"
			 "40020e02030000fde90000fde90000fde9"
			 "4003040a090101"
			 "80040400000064"
			 "c00808fbf40001fbf40002"
			 "c0200c000000010000000200000003"
			 "18c00002"},
	{.name = "iBGP: empty AS_PATH, LOCAL_PREF 100",
	 .prefix = "192.0.2.0/24",
	 .is_internal = true,
	 .bytes = MARKER "0030020000001540010100"
			 "400200"
			 "4003040a090101"
			 "40050400000064"
			 "18c00002"},
	{.name = "iBGP: LOCAL_PREF 0 is sent, prepending is not",
	 .prefix = "192.0.2.0/24",
	 .attributes = {.has_local_pref = true, .prepend = 3},
	 .is_internal = true,
	 .bytes = MARKER "0030020000001540010100"
			 "400200"
			 "4003040a090101"
			 "40050400000000"
			 "18c00002"},
	{.name = "LOCAL_PREF stays inside",
	 .prefix = "192.0.2.53/32",
	 .attributes = {.has_local_pref = true, .local_pref = 200},
	 .bytes = MARKER "003002000000144001010040020602010000fde9"
			 "4003040a09010120c0000235"},
	{.name = "2-octet peer, small AS: no AS4_PATH",
	 .prefix = "192.0.2.0/24",
	 .is_old = true,
	 .bytes = MARKER "002d020000001240010100"
			 "4002040201fde9"
			 "4003040a090101"
			 "18c00002"},
	{.name = "2-octet peer, large AS: AS_TRANS and AS4_PATH",
	 .prefix = "192.0.2.0/24",
	 .local_as = 4200000000,
	 .is_old = true,
	 .attributes = {.prepend = 1},
	 .bytes = MARKER "003c020000002140010100"
			 "40020602025ba05ba0"
			 "4003040a090101"
			 "c0110a0202fa56ea00fa56ea00"
			 "18c00002"},
	{.name = "role peer: OTC is our AS (RFC 9234)",
	 .prefix = "192.0.2.0/24",
	 .role = BGP_ROLE_PEER,
	 .bytes = MARKER "0036020000001b40010100"
			 "40020602010000fde9"
			 "4003040a090101"
			 "c023040000fde9"
			 "18c00002"},
	{.name = "role customer: no OTC",
	 .prefix = "192.0.2.53/32",
	 .role = BGP_ROLE_CUSTOMER,
	 .bytes = MARKER "003002000000144001010040020602010000fde9"
			 "4003040a09010120c0000235"},
	{.name = "default route has one octet",
	 .prefix = "0.0.0.0/0",
	 .bytes = MARKER "002c02000000144001010040020602010000fde9"
			 "4003040a09010100"},
};

START_TEST(announcement_is_written_as_expected)
{
	const struct announce_case *c = &announce_cases[_i];
	struct prefix prefix = prefix_of(c->prefix);
	struct bgp_update_session session = external;
	struct bgp_attributes attributes = c->attributes;
	uint8_t out[BGP_MESSAGE_MAX];
	size_t count = 1;
	size_t size;

	session.is_internal = c->is_internal;
	session.has_as4 = !c->is_old;
	session.role = c->role != 0 ? c->role : BGP_ROLE_NONE;
	session.local_as = c->local_as != 0 ? c->local_as : 65001;
	bgp_attributes_normalise(&attributes);
	size = bgp_announce_write(out, &session, &attributes, &prefix, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_msg(strcmp(hex(out, size), c->bytes) == 0, "%s:\n%s\n%s",
		      c->name, hex(out, size), c->bytes);
}
END_TEST

START_TEST(withdrawal_and_end_of_rib_are_written_as_expected)
{
	struct prefix v4 = prefix_of("192.0.2.53/32");
	struct prefix v6 = prefix_of("2001:db8:53::53/128");
	uint8_t out[BGP_MESSAGE_MAX];
	size_t count = 1;

	ck_assert_str_eq(hex(out, bgp_withdraw_write(out, &v4, &count)),
			 MARKER "001c02000520c00002350000");
	count = 1;
	ck_assert_str_eq(hex(out, bgp_withdraw_write(out, &v6, &count)), MARKER
			 "002e0200000017800f140002018020010db8005300000000"
			 "000000000053");
	ck_assert_str_eq(hex(out, bgp_end_of_rib_write(out, BGP_IPV4)),
			 MARKER "00170200000000");
	ck_assert_str_eq(hex(out, bgp_end_of_rib_write(out, BGP_IPV6)),
			 MARKER "001d0200000006800f03000201");
}
END_TEST

START_TEST(link_local_next_hop_stands_behind_the_global_one)
{
	struct prefix prefix = prefix_of("2001:db8::/48");
	struct bgp_update_session session = external;
	struct bgp_attributes attributes = {0};
	uint8_t out[BGP_MESSAGE_MAX];
	size_t count = 1;
	size_t size;

	session.next_hop_ipv6[16] = 0xfe;
	session.next_hop_ipv6[17] = 0x80;
	session.next_hop_ipv6[31] = 9;
	session.next_hop_ipv6_size = 32;
	size = bgp_announce_write(out, &session, &attributes, &prefix, &count);
	ck_assert_str_eq(hex(out, size), MARKER
			 "00530200"
			 "00003c800e2c00020120fd00000100000000000000000000"
			 "0001fe800000000000000000000000000009003020010db8"
			 "00004001010040020602010000fde9");
}
END_TEST

/* count prefixes, no two alike. */
static void fill(struct prefix *prefixes, size_t count, uint16_t family)
{
	memset(prefixes, 0, count * sizeof(*prefixes));
	for (size_t i = 0; i < count; i++) {
		prefixes[i].family = family;
		prefixes[i].length = family == AF_INET ? 32 : 128;
		prefixes[i].octets[0] = family == AF_INET ? 10 : 0x20;
		prefixes[i].octets[2] = (uint8_t)(i >> 8);
		prefixes[i].octets[3] = (uint8_t)i;
	}
}

/* Everything at its limit. */
static void fill_attributes(struct bgp_attributes *attributes)
{
	memset(attributes, 0, sizeof(*attributes));
	attributes->has_med = true;
	attributes->prepend = BGP_PREPEND_MAX;
	attributes->community_count = BGP_COMMUNITIES_MAX;
	attributes->large_count = BGP_LARGE_COMMUNITIES_MAX;
	for (size_t i = 0; i < BGP_COMMUNITIES_MAX; i++) {
		attributes->communities[i] = (uint32_t)(1000 - i);
	}
	for (size_t i = 0; i < BGP_LARGE_COMMUNITIES_MAX; i++) {
		attributes->large[i].local2 = (uint32_t)(1000 - i);
	}
	bgp_attributes_normalise(attributes);
}

static const struct {
	uint16_t family;
	bool is_full; /* attributes at their limits */
	size_t least; /* prefixes that must have gone in */
} full_cases[] = {
	{AF_INET, false, 800},
	{AF_INET6, false, 230},
	{AF_INET, true, 500},
	{AF_INET6, true, 150},
};

START_TEST(full_message_stays_within_4096_octets)
{
	static struct prefix prefixes[2000];
	struct bgp_update_session session = external;
	struct bgp_attributes attributes = {0};
	struct bgp_update_count seen;
	uint8_t out[BGP_MESSAGE_MAX];
	size_t count = 2000;
	size_t size;

	session.local_as = 4200000000;
	session.has_as4 = !full_cases[_i].is_full; /* adds AS4_PATH */
	session.role = BGP_ROLE_PEER;              /* adds OTC */
	fill(prefixes, count, full_cases[_i].family);
	if (full_cases[_i].is_full) {
		fill_attributes(&attributes);
	}
	size = bgp_announce_write(out, &session, &attributes, prefixes, &count);
	ck_assert_uint_le(size, BGP_MESSAGE_MAX);
	ck_assert_uint_gt(size, BGP_MESSAGE_MAX - 18);
	ck_assert_uint_ge(count, full_cases[_i].least);
	ck_assert(bgp_update_parse(&seen, out, size));
	ck_assert_uint_eq(seen.announced, count);
	count = 2000;
	size = bgp_withdraw_write(out, prefixes, &count);
	ck_assert_uint_le(size, BGP_MESSAGE_MAX);
	ck_assert_uint_gt(size, BGP_MESSAGE_MAX - 18);
	ck_assert(bgp_update_parse(&seen, out, size));
	ck_assert_uint_eq(seen.withdrawn, count);
}
END_TEST

/* 63 communities take 252 octets, 64 take 256: the flag's edge. */
START_TEST(extended_length_begins_behind_255_octets)
{
	struct prefix prefix = prefix_of("192.0.2.53/32");
	struct bgp_attributes attributes = {0};
	struct bgp_update_count seen;
	uint8_t out[BGP_MESSAGE_MAX];
	size_t size;
	size_t count = 1;
	/* ORIGIN, AS_PATH and NEXT_HOP take 20 octets. */
	const size_t at = BGP_HEADER_SIZE + 4 + 20;

	for (uint32_t i = 0; i < 63; i++) {
		ck_assert(bgp_attributes_add_community(&attributes, i));
	}
	size = bgp_announce_write(out, &external, &attributes, &prefix, &count);
	ck_assert_str_eq(hex(out + at, 3), "c008fc");
	ck_assert(bgp_update_parse(&seen, out, size));
	ck_assert(bgp_attributes_add_community(&attributes, 63));
	size = bgp_announce_write(out, &external, &attributes, &prefix, &count);
	ck_assert_str_eq(hex(out + at, 4), "d0080100");
	ck_assert(bgp_update_parse(&seen, out, size));
	ck_assert_uint_eq(seen.announced, 1);
}
END_TEST

START_TEST(communities_are_sorted_and_each_there_once)
{
	struct bgp_attributes a = {.community_count = 5,
				   .communities = {9, 2, 9, 1, 2},
				   .large_count = 3,
				   .large = {{2, 0, 0}, {1, 9, 9}, {2, 0, 0}},
				   .med = 7,
				   .local_pref = 7};
	struct bgp_attributes b = {.community_count = 3,
				   .communities = {1, 2, 9},
				   .large_count = 2,
				   .large = {{1, 9, 9}, {2, 0, 0}}};

	ck_assert(!bgp_attributes_equal(&a, &b));
	bgp_attributes_normalise(&a);
	bgp_attributes_normalise(&b);
	ck_assert(bgp_attributes_equal(&a, &b));
	b.has_med = true; /* MED 0 is not the same as none */
	ck_assert(!bgp_attributes_equal(&a, &b));
}
END_TEST

START_TEST(community_list_refuses_one_too_many)
{
	struct bgp_attributes a = {0};

	for (uint32_t i = 0; i < BGP_COMMUNITIES_MAX; i++) {
		ck_assert(bgp_attributes_add_community(&a, i));
	}
	ck_assert(bgp_attributes_add_community(&a, 5)); /* is there */
	ck_assert(!bgp_attributes_add_community(&a, 1u << 20));
	ck_assert_uint_eq(a.community_count, BGP_COMMUNITIES_MAX);
}
END_TEST

/* --- reading -------------------------------------------------------------- */

static const struct {
	const char *name;
	const char *body; /* behind the header */
	bool is_good;
	uint32_t announced;
	uint32_t withdrawn;
	uint8_t end;
} parse_cases[] = {
	{"End-of-RIB IPv4", "00000000", true, 0, 0, BGP_IPV4},
	{"End-of-RIB IPv6", "00000006800f03000201", true, 0, 0, BGP_IPV6},
	{"two withdrawn", "000718c0000210c0a80000", true, 0, 2, 0},
	{"announced and withdrawn",
	 "000418c000020004"
	 "4001010020c0000201"
	 "18c00002",
	 true, 2, 1, 0},
	{"MP_REACH of three prefixes",
	 "0000001c"
	 "800e19000201"
	 "10fd000000000000000000000000000001"
	 "00"
	 "0008200018",
	 false, 0, 0, 0},
	{"MP_REACH of two prefixes",
	 "0000001b"
	 "800e18000201"
	 "10fd000000000000000000000000000001"
	 "00"
	 "000820",
	 true, 2, 0, 0},
	{"a family that is not ours is let pass",
	 "0000000a"
	 "800f07001941deadbeef",
	 true, 0, 0, 0},
	{"withdrawn routes longer than the message", "0005000000", false, 0, 0,
	 0},
	{"attributes longer than the message", "0000000500", false, 0, 0, 0},
	{"IPv4 prefix of 33 bits",
	 "0006"
	 "21c000020180"
	 "0000",
	 false, 0, 0, 0},
	{"prefix cut", "0000000018c000", false, 0, 0, 0},
	{"attribute longer than the list",
	 "00000004"
	 "40010500",
	 false, 0, 0, 0},
	{"attribute without a length", "000000024001", false, 0, 0, 0},
	{"extended length cut", "00000003500100", false, 0, 0, 0},
	{"MP_REACH shorter than its next hop",
	 "0000000a"
	 "800e0700020110fd0000",
	 false, 0, 0, 0},
	{"MP_REACH of no octets", "00000003800e00", false, 0, 0, 0},
	{"IPv6 prefix of 129 bits",
	 "00000019"
	 "800f1600020181"
	 "000000000000000000000000000000000000",
	 false, 0, 0, 0},
};

START_TEST(update_is_counted_or_malformed)
{
	uint8_t message[256];
	size_t size = 19 + unhex(message + 19, parse_cases[_i].body);
	struct bgp_update_count seen;
	bool is_good;

	memset(message, 0xff, 16);
	message[16] = 0;
	message[17] = (uint8_t)size;
	message[18] = BGP_TYPE_UPDATE;
	is_good = bgp_update_parse(&seen, message, size);
	ck_assert_msg(is_good == parse_cases[_i].is_good, "%s",
		      parse_cases[_i].name);
	ck_assert_msg(seen.is_malformed == !is_good, "%s",
		      parse_cases[_i].name);
	if (is_good) {
		ck_assert_msg(seen.announced == parse_cases[_i].announced &&
				      seen.withdrawn ==
					      parse_cases[_i].withdrawn &&
				      seen.end_of_rib == parse_cases[_i].end,
			      "%s: %u %u %u", parse_cases[_i].name,
			      seen.announced, seen.withdrawn, seen.end_of_rib);
	}
}
END_TEST

static const struct {
	const char *text;
	enum status status;
	uint32_t value;
} community_cases[] = {
	{"64500:1", STATUS_OK, 0xfbf40001},
	{"65535:0", STATUS_OK, BGP_COMMUNITY_GRACEFUL_SHUTDOWN},
	{"0:0", STATUS_OK, 0},
	{"65536:1", STATUS_OUT_OF_RANGE, 0},
	{"1:65536", STATUS_OUT_OF_RANGE, 0},
	{"99999999999999999999:1", STATUS_OUT_OF_RANGE, 0},
	{"1", STATUS_BAD_SYNTAX, 0},
	{"1:", STATUS_BAD_SYNTAX, 0},
	{":1", STATUS_BAD_SYNTAX, 0},
	{"1:2:3", STATUS_BAD_SYNTAX, 0},
	{"1:2 ", STATUS_BAD_SYNTAX, 0},
	{"-1:2", STATUS_BAD_SYNTAX, 0},
	{"", STATUS_BAD_SYNTAX, 0},
};

START_TEST(community_is_read_from_text)
{
	uint32_t value = 77;
	enum status status =
		bgp_community_load(&value, community_cases[_i].text);

	ck_assert_msg(status == community_cases[_i].status, "'%s'",
		      community_cases[_i].text);
	ck_assert_uint_eq(value,
			  status == STATUS_OK ? community_cases[_i].value : 77);
}
END_TEST

START_TEST(large_community_is_read_from_text)
{
	struct bgp_large_community value;

	ck_assert_int_eq(
		bgp_large_community_load(&value, "4294967295:0:4294967295"),
		STATUS_OK);
	ck_assert_uint_eq(value.global, UINT32_MAX);
	ck_assert_uint_eq(value.local1, 0);
	ck_assert_uint_eq(value.local2, UINT32_MAX);
	ck_assert_int_eq(bgp_large_community_load(&value, "1:2"),
			 STATUS_BAD_SYNTAX);
	ck_assert_int_eq(bgp_large_community_load(&value, "1:2:4294967296"),
			 STATUS_OUT_OF_RANGE);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *suite = suite_create("bgp_update");
	TCase *tcase = tcase_create("bgp_update");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, announcement_is_written_as_expected, 0,
			    COUNT(announce_cases));
	tcase_add_test(tcase,
		       withdrawal_and_end_of_rib_are_written_as_expected);
	tcase_add_test(tcase, link_local_next_hop_stands_behind_the_global_one);
	tcase_add_loop_test(tcase, full_message_stays_within_4096_octets, 0,
			    COUNT(full_cases));
	tcase_add_test(tcase, extended_length_begins_behind_255_octets);
	tcase_add_test(tcase, communities_are_sorted_and_each_there_once);
	tcase_add_test(tcase, community_list_refuses_one_too_many);
	tcase_add_loop_test(tcase, update_is_counted_or_malformed, 0,
			    COUNT(parse_cases));
	tcase_add_loop_test(tcase, community_is_read_from_text, 0,
			    COUNT(community_cases));
	tcase_add_test(tcase, large_community_is_read_from_text);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
