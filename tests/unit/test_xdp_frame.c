/*
 * The frames of the first table, and the replies due to them, were computed by
 * another program.
 */
#include "server/nameserver/xdp_frame.h"

#include "lib/base/wire.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FRAME_MAX = 2048,
	IPV4_AT = XDP_FRAME_ETHERNET_SIZE,
};

#define MACS "020000000001020000000002"
#define BACK "020000000002020000000001"
#define IP4                                            \
	"0800450000211234400040113c28c6336407c0000235" \
	"9c400035000d"
#define IP6                                                    \
	"86dd60000000000d114020010db8000100000000000000000007" \
	"20010db80000000000000000000000539c400035000d"
#define REPLY4       \
	"0800450000" \
	"23beef00004011cf6ac0000235c633640700359c40000fc991"
#define REPLY6                                                 \
	"86dd60000000000f114020010db8000000000000000000000053" \
	"20010db800010000000000000000000700359c40000f5a35"
#define QUERY   "7175657279"
#define ANSWERS "616e7377657273"
#define TAG     "8100600a"
#define TAGS    "88a800648100000a"

static const struct {
	const char *name;
	const char *frame;
	enum xdp_frame_verdict verdict;
	const char *reply; /* to it, with the text 'answers' */
} frames[] = {
	{"ipv4", MACS IP4 "2706" QUERY, XDP_FRAME_GOOD, BACK REPLY4 ANSWERS},
	{"ipv6", MACS IP6 "b7a9" QUERY, XDP_FRAME_GOOD, BACK REPLY6 ANSWERS},
	{"one tag", MACS TAG IP4 "2706" QUERY, XDP_FRAME_GOOD,
	 BACK TAG REPLY4 ANSWERS},
	{"two tags", MACS TAGS IP6 "b7a9" QUERY, XDP_FRAME_GOOD,
	 BACK TAGS REPLY6 ANSWERS},
	{"three tags", MACS TAGS TAG IP6 "b7a9" QUERY, XDP_FRAME_MALFORMED,
	 NULL},
	{"ipv4 without a checksum", MACS IP4 "0000" QUERY, XDP_FRAME_GOOD,
	 BACK REPLY4 ANSWERS},
	{"ipv6 without a checksum", MACS IP6 "0000" QUERY,
	 XDP_FRAME_BAD_CHECKSUM, NULL},
	{"ipv4, left to the device", MACS IP4 "ec8e" QUERY,
	 XDP_FRAME_PARTIAL_CHECKSUM, BACK REPLY4 ANSWERS},
	{"ipv6, left to the device", MACS IP6 "5beb" QUERY,
	 XDP_FRAME_PARTIAL_CHECKSUM, BACK REPLY6 ANSWERS},
	{"padding behind it", MACS IP4 "2706" QUERY "00000000ffff",
	 XDP_FRAME_GOOD, BACK REPLY4 ANSWERS},
	{"arp",
	 "ffffffffffff020000000002"
	 "0806000108000604000102000000000208080808000000000000c0000235",
	 XDP_FRAME_MALFORMED, NULL},
};

static size_t unhex(uint8_t *out, const char *text)
{
	size_t size = strlen(text) / 2;

	for (size_t i = 0; i < size; i++) {
		unsigned octet;

		ck_assert_int_eq(sscanf(text + 2 * i, "%2x", &octet), 1);
		out[i] = (uint8_t)octet;
	}
	return size;
}

static const struct checksum_part nothing;

START_TEST(frame_is_judged_and_answered)
{
	uint8_t frame[FRAME_MAX];
	uint8_t due[FRAME_MAX];
	uint8_t reply[FRAME_MAX] = {0};
	struct xdp_frame query;
	size_t size = unhex(frame, frames[_i].frame);

	ck_assert_msg(xdp_frame_parse(frame, size, &query) ==
			      frames[_i].verdict,
		      "%s", frames[_i].name);
	if (frames[_i].reply == NULL) {
		return;
	}
	ck_assert_uint_eq(query.payload_size, 5);
	ck_assert_mem_eq(query.payload, "query", 5);
	size = unhex(due, frames[_i].reply);
	memcpy(reply + query.headers, "answers", 7);
	ck_assert_uint_eq(xdp_frame_reply(&query, reply, 7, &nothing, 0xbeef),
			  size);
	ck_assert_mem_eq(reply, due, size);
	/* Whatever part of the payload has a known sum. */
	for (uint16_t at = 0; at < 7; at++) {
		for (uint16_t part = 1; at + part <= 7; part++) {
			const uint8_t *start = reply + query.headers + at;
			struct checksum_part known = {
				at, part,
				checksum_fold(checksum_sum(start, part))};

			ck_assert_uint_eq(xdp_frame_reply(&query, reply, 7,
							  &known, 0xbeef),
					  size);
			ck_assert_mem_eq(reply, due, size);
		}
	}
}
END_TEST

/* The fields of IPv6 that no checksum covers. */
static bool is_uncovered(size_t at)
{
	at -= XDP_FRAME_ETHERNET_SIZE;
	return (at >= 1 && at <= 3) || at == 7;
}

START_TEST(every_wrong_bit_is_noticed)
{
	uint8_t frame[FRAME_MAX];
	struct xdp_frame query;
	size_t size = unhex(frame, frames[_i].frame);
	bool is_ipv6 = _i == 1;

	for (size_t bit = 8 * XDP_FRAME_ETHERNET_SIZE; bit < 8 * size; bit++) {
		/* The traffic class begins in the first octet. */
		if (is_ipv6 && (is_uncovered(bit / 8) ||
				bit / 8 == XDP_FRAME_ETHERNET_SIZE)) {
			continue;
		}
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_msg(xdp_frame_parse(frame, size, &query) !=
				      XDP_FRAME_GOOD,
			      "%s: bit %zu", frames[_i].name, bit);
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ck_assert_int_eq(xdp_frame_parse(frame, size, &query), XDP_FRAME_GOOD);
}
END_TEST

START_TEST(every_cut_frame_is_malformed)
{
	uint8_t frame[FRAME_MAX];
	struct xdp_frame query;
	size_t size = unhex(frame, frames[_i].frame);

	for (size_t cut = 0; cut < size; cut++) {
		/* Of its own size, so that a read beyond it is seen. */
		uint8_t *copy = malloc(cut + 1);

		memcpy(copy, frame, cut);
		ck_assert_msg(xdp_frame_parse(copy, cut, &query) ==
				      XDP_FRAME_MALFORMED,
			      "%s cut at %zu", frames[_i].name, cut);
		free(copy);
	}
}
END_TEST

static const struct {
	const char *name;
	size_t frame; /* of the table above */
	size_t at;    /* offset of what is written, */
	const char *octets;
	enum xdp_frame_verdict verdict;
} changes[] = {
	{"IPv4 with options", 0, 14, "46", XDP_FRAME_MALFORMED},
	{"a short IPv4 header", 0, 14, "44", XDP_FRAME_MALFORMED},
	{"IPv4 that says to be IPv6", 0, 14, "65", XDP_FRAME_MALFORMED},
	{"a total length of 19", 0, 16, "0013", XDP_FRAME_MALFORMED},
	{"a total length that ends in UDP", 0, 16, "001b", XDP_FRAME_MALFORMED},
	{"a first fragment", 0, 20, "2000", XDP_FRAME_MALFORMED},
	{"a later fragment", 0, 20, "0001", XDP_FRAME_MALFORMED},
	{"TCP", 0, 23, "06", XDP_FRAME_MALFORMED},
	{"a UDP length of 7", 0, 38, "0007", XDP_FRAME_MALFORMED},
	{"a UDP length beyond the packet", 0, 38, "000e", XDP_FRAME_MALFORMED},
	{"IPv6 with a hop-by-hop header", 1, 20, "00", XDP_FRAME_MALFORMED},
	{"an IPv6 fragment", 1, 20, "2c", XDP_FRAME_MALFORMED},
	{"an IPv6 length of 7", 1, 18, "0007", XDP_FRAME_MALFORMED},
};

START_TEST(what_is_no_plain_udp_datagram_is_malformed)
{
	uint8_t frame[FRAME_MAX];
	struct xdp_frame query;
	size_t size = unhex(frame, frames[changes[_i].frame].frame);

	unhex(frame + changes[_i].at, changes[_i].octets);
	ck_assert_msg(xdp_frame_parse(frame, size, &query) ==
			      changes[_i].verdict,
		      "%s", changes[_i].name);
}
END_TEST

static const struct {
	const char *name;
	size_t frame;
	size_t at;
	const char *octets;
	enum xdp_frame_verdict verdict;
} sources[] = {
	{"port 0", 0, 34, "0000", XDP_FRAME_BAD_SOURCE},
	{"port 0", 1, 54, "0000", XDP_FRAME_BAD_SOURCE},
	{"a group's MAC", 0, 6, "03", XDP_FRAME_BAD_SOURCE},
	{"0.0.0.0", 0, 26, "00000000", XDP_FRAME_BAD_SOURCE},
	{"0.1.2.3", 0, 26, "00010203", XDP_FRAME_BAD_SOURCE},
	{"127.0.0.1", 0, 26, "7f000001", XDP_FRAME_BAD_SOURCE},
	{"126.255.255.255", 0, 26, "7effffff", XDP_FRAME_GOOD},
	{"128.0.0.1", 0, 26, "80000001", XDP_FRAME_GOOD},
	{"223.255.255.254", 0, 26, "dffffffe", XDP_FRAME_GOOD},
	{"224.0.0.1", 0, 26, "e0000001", XDP_FRAME_BAD_SOURCE},
	{"255.255.255.255", 0, 26, "ffffffff", XDP_FRAME_BAD_SOURCE},
	{"::", 1, 22, "00000000000000000000000000000000", XDP_FRAME_BAD_SOURCE},
	{"::1", 1, 22, "00000000000000000000000000000001",
	 XDP_FRAME_BAD_SOURCE},
	{"::2", 1, 22, "00000000000000000000000000000002", XDP_FRAME_GOOD},
	{"::ffff:192.0.2.1", 1, 22, "00000000000000000000ffffc0000201",
	 XDP_FRAME_BAD_SOURCE},
	{"ff02::1", 1, 22, "ff020000000000000000000000000001",
	 XDP_FRAME_BAD_SOURCE},
	{"fe80::1", 1, 22, "fe800000000000000000000000000001", XDP_FRAME_GOOD},
};

START_TEST(source_that_no_reply_may_go_to_is_refused)
{
	uint8_t frame[FRAME_MAX];
	struct xdp_frame query;
	size_t size = unhex(frame, frames[sources[_i].frame].frame);

	unhex(frame + sources[_i].at, sources[_i].octets);
	/* Good checksums over it. */
	ck_assert_uint_eq(xdp_frame_finish(frame, XDP_FRAME_ETHERNET_SIZE,
					   sources[_i].frame == 1, 5, 1),
			  size);
	ck_assert_msg(xdp_frame_parse(frame, size, &query) ==
			      sources[_i].verdict,
		      "%s", sources[_i].name);
}
END_TEST

/* RFC 768: transmitted as all ones. */
START_TEST(checksum_that_comes_out_as_0_is_sent_as_ffff)
{
	uint8_t frame[FRAME_MAX];
	struct xdp_frame query;
	size_t udp = IPV4_AT + XDP_FRAME_IPV4_SIZE;
	unsigned all_ones = 0;

	unhex(frame, frames[0].frame);
	for (unsigned payload = 0; payload <= UINT16_MAX; payload++) {
		uint16_t checksum;
		size_t size;

		wire_put16(frame + udp + XDP_FRAME_UDP_SIZE, (uint16_t)payload);
		size = xdp_frame_finish(frame, IPV4_AT, false, 2, 1);
		checksum = wire_get16(frame + udp + 6);
		ck_assert_uint_ne(checksum, 0);
		all_ones += checksum == 0xffff;
		ck_assert_int_eq(xdp_frame_parse(frame, size, &query),
				 XDP_FRAME_GOOD);
	}
	ck_assert_uint_eq(all_ones, 1);
}
END_TEST

/* The sum as RFC 1071 4.1 spells it. */
static uint32_t plain_sum(const uint8_t *p, size_t size)
{
	uint32_t total = 0;

	for (size_t i = 0; i + 1 < size; i += 2) {
		total += wire_get16(p + i);
	}
	if (size % 2 != 0) {
		total += (uint32_t)p[size - 1] << 8;
	}
	while (total >> 16 != 0) {
		total = (total & 0xffff) + (total >> 16);
	}
	return total;
}

START_TEST(checksums_of_every_length_are_those_of_the_plain_sum)
{
	uint8_t frame[FRAME_MAX];
	struct xdp_frame query;
	size_t headers = IPV4_AT + XDP_FRAME_IPV4_SIZE + XDP_FRAME_UDP_SIZE;
	uint8_t pseudo[12 + 1500 + XDP_FRAME_UDP_SIZE];

	unhex(frame, frames[0].frame);
	srandom(1);
	for (size_t i = headers; i < sizeof(frame); i++) {
		frame[i] = (uint8_t)random();
	}
	for (size_t payload = 0; payload <= 1500; payload++) {
		size_t udp_size = XDP_FRAME_UDP_SIZE + payload;
		size_t size =
			xdp_frame_finish(frame, IPV4_AT, false, payload, 7);

		ck_assert_uint_eq(size, headers + payload);
		ck_assert_uint_eq(plain_sum(frame + IPV4_AT, 20), 0xffff);
		memcpy(pseudo, frame + IPV4_AT + 12, 8);
		pseudo[8] = 0;
		pseudo[9] = 17;
		wire_put16(pseudo + 10, (uint16_t)udp_size);
		memcpy(pseudo + 12, frame + IPV4_AT + 20, udp_size);
		ck_assert_uint_eq(plain_sum(pseudo, 12 + udp_size), 0xffff);
		ck_assert_int_eq(xdp_frame_parse(frame, size, &query),
				 XDP_FRAME_GOOD);
		ck_assert_uint_eq(query.payload_size, payload);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xdp_frame");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))
	tcase_add_loop_test(tcase, frame_is_judged_and_answered, 0,
			    COUNT(frames));
	tcase_add_loop_test(tcase, every_wrong_bit_is_noticed, 0, 2);
	tcase_add_loop_test(tcase, every_cut_frame_is_malformed, 0, 4);
	tcase_add_loop_test(tcase, what_is_no_plain_udp_datagram_is_malformed,
			    0, COUNT(changes));
	tcase_add_loop_test(tcase, source_that_no_reply_may_go_to_is_refused, 0,
			    COUNT(sources));
	tcase_add_test(tcase, checksum_that_comes_out_as_0_is_sent_as_ffff);
	tcase_add_test(tcase,
		       checksums_of_every_length_are_those_of_the_plain_sum);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
