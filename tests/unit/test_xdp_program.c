/*
 * The program in the kernel, on frames of its own and without an interface:
 * what it takes, and what it leaves alone. Needs root.
 */
#include "server/nameserver/xdp_program.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	FRAME_MAX = 2048,
	FRAME_TAKEN = 1500, /* the largest */
	ACTION_PASS = 2,    /* enum xdp_action */
	ACTION_REDIRECT = 4,
	SKIPPED = 77,
};

#define US    "020000000001"
#define OTHER "020000000099"
#define PEER  "020000000002"
#define TAG   "8100600a"
#define TAGS  "88a800648100000a"
/* 198.51.100.7 to 192.0.2.53, port 53; 2001:db8:1::7 to 2001:db8::53 */
#define IP4   "0800" IP4_REST("45", "0021", "0000", "11", "35")
#define UDP4  "9c400035000d0000" QUERY
#define QUERY "7175657279"
#define IP6   "86dd60000000000d1140" IP6_ENDS "53"
#define IP6_ENDS                           \
	"20010db8000100000000000000000007" \
	"20010db80000000000000000000000"
#define IP4_REST(version, length, fragment, protocol, host) \
	version "00" length "1234" fragment "40" protocol   \
		"0000c6336407c00002" host

static const struct {
	const char *name;
	const char *frame;
	bool is_taken;
} frames[] = {
	{"IPv4", US PEER IP4 UDP4, true},
	{"IPv6", US PEER IP6 UDP4, true},
	{"IPv4 in a VLAN", US PEER TAG IP4 UDP4, true},
	{"IPv6 behind two tags", US PEER TAGS IP6 UDP4, true},
	{"three tags", US PEER TAGS TAG IP6 UDP4, false},
	{"a tag and nothing", US PEER TAG "81", false},
	{"padding behind it", US PEER IP4 UDP4 "000000000000", true},
	{"DF", US PEER "0800" IP4_REST("45", "0021", "4000", "11", "35") UDP4,
	 true},
	{"another MAC", OTHER PEER IP4 UDP4, false},
	{"broadcast", "ffffffffffff" PEER IP4 UDP4, false},
	{"another address",
	 US PEER "0800" IP4_REST("45", "0021", "0000", "11", "36") UDP4, false},
	{"another IPv6 address",
	 US PEER "86dd60000000000d1140" IP6_ENDS "54" UDP4, false},
	{"another port", US PEER IP4 "9c400036000d0000" QUERY, false},
	{"TCP", US PEER "0800" IP4_REST("45", "0021", "0000", "06", "35") UDP4,
	 false},
	{"ICMPv6", US PEER "86dd60000000000d3a40" IP6_ENDS "53" UDP4, false},
	{"an extension header",
	 US PEER "86dd60000000000d0040" IP6_ENDS "53" UDP4, false},
	{"IPv4 options",
	 US PEER
	 "0800" IP4_REST("46", "0025", "0000", "11", "35") "01010100" UDP4,
	 false},
	{"a first fragment",
	 US PEER "0800" IP4_REST("45", "0021", "2000", "11", "35") UDP4, false},
	{"a later fragment",
	 US PEER "0800" IP4_REST("45", "0021", "0003", "11", "35") UDP4, false},
	{"IPv4 longer than the frame",
	 US PEER "0800" IP4_REST("45", "0022", "0000", "11", "35") UDP4, false},
	{"UDP longer than IPv4 says", US PEER IP4 "9c400035000e0000" QUERY,
	 false},
	{"UDP shorter than its header", US PEER IP4 "9c40003500070000" QUERY,
	 false},
	{"IPv6 longer than the frame",
	 US PEER "86dd60000000000e1140" IP6_ENDS "53" UDP4, false},
	{"ARP",
	 "ffffffffffff" PEER
	 "08060001080006040001020000000002c6336407000000000000c0000235",
	 false},
	{"a frame that ends in the IPv4 header", US PEER "08004500002112340000",
	 false},
};

static struct xdp_program *program;

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

static uint32_t action_of(const uint8_t *frame, size_t size)
{
	uint32_t action = 0;

	ck_assert_int_eq(xdp_program_try(program, frame, size, &action),
			 STATUS_OK);
	return action;
}

static struct address listener(const char *text)
{
	struct address address;

	ck_assert_int_eq(address_load(&address, text, 53), STATUS_OK);
	return address;
}

static void listen_to(const char *text)
{
	struct address address = listener(text);

	ck_assert_int_eq(xdp_program_listen(program, &address), STATUS_OK);
}

static void setup(void)
{
	struct xdp_kernel_settings settings = {.frame_max = FRAME_TAKEN};
	char error[XDP_PROGRAM_ERROR_MAX];

	unhex(settings.mac, US);
	program = xdp_program_load(1, error);
	ck_assert_msg(program != NULL, "%s", error);
	ck_assert_int_eq(xdp_program_set(program, &settings), STATUS_OK);
	listen_to("192.0.2.53");
	listen_to("2001:db8::53");
}

static void teardown(void)
{
	xdp_program_free(program);
}

/* The map takes any AF_XDP socket; no packet will go there. */
static int give_socket(void)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(xdp_program_set_socket(program, 0, fd), STATUS_OK);
	return fd;
}

START_TEST(frame_is_taken_or_left_alone)
{
	uint8_t frame[FRAME_MAX] = {0};
	size_t size = unhex(frame, frames[_i].frame);
	int fd = give_socket();

	ck_assert_msg(
		action_of(frame, size) ==
			(frames[_i].is_taken ? ACTION_REDIRECT : ACTION_PASS),
		"%s", frames[_i].name);
	close(fd);
}
END_TEST

START_TEST(queue_without_a_socket_takes_nothing)
{
	uint8_t frame[FRAME_MAX];
	size_t size = unhex(frame, US PEER IP4 UDP4);

	ck_assert_uint_eq(action_of(frame, size), ACTION_PASS);
}
END_TEST

START_TEST(frame_larger_than_a_ring_takes_is_left_alone)
{
	uint8_t frame[FRAME_MAX] = {0};
	int fd = give_socket();

	unhex(frame, US PEER IP4 UDP4);
	ck_assert_uint_eq(action_of(frame, FRAME_TAKEN), ACTION_REDIRECT);
	ck_assert_uint_eq(action_of(frame, FRAME_TAKEN + 1), ACTION_PASS);
	close(fd);
}
END_TEST

START_TEST(address_that_went_is_left_alone)
{
	uint8_t frame[FRAME_MAX];
	size_t size = unhex(frame, US PEER IP4 UDP4);
	struct address address = listener("192.0.2.53");
	int fd = give_socket();

	ck_assert_int_eq(xdp_program_ignore(program, &address), STATUS_OK);
	ck_assert_uint_eq(action_of(frame, size), ACTION_PASS);
	ck_assert_int_eq(xdp_program_ignore(program, &address), STATUS_OK);
	close(fd);
}
END_TEST

static bool may_load(char error[XDP_PROGRAM_ERROR_MAX])
{
	struct xdp_program *tried = xdp_program_load(1, error);
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	bool may = tried != NULL && fd >= 0;

	if (tried != NULL && fd < 0) {
		snprintf(error, XDP_PROGRAM_ERROR_MAX, "no AF_XDP socket");
	}
	if (fd >= 0) {
		close(fd);
	}
	xdp_program_free(tried);
	return may;
}

int main(void)
{
	char error[XDP_PROGRAM_ERROR_MAX];
	Suite *suite = suite_create("xdp_program");
	TCase *test = tcase_create("frames");
	SRunner *runner;
	int failed;

	if (!may_load(error)) {
		printf("skipped: %s\n", error);
		return SKIPPED;
	}
	tcase_add_checked_fixture(test, setup, teardown);
	tcase_add_loop_test(test, frame_is_taken_or_left_alone, 0,
			    sizeof(frames) / sizeof(frames[0]));
	tcase_add_test(test, queue_without_a_socket_takes_nothing);
	tcase_add_test(test, frame_larger_than_a_ring_takes_is_left_alone);
	tcase_add_test(test, address_that_went_is_left_alone);
	suite_add_tcase(suite, test);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
