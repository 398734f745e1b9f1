#include "lib/base/address.h"

#include <arpa/inet.h>
#include <check.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* --- addresses ------------------------------------------------------------ */

static const struct {
	const char *text;
	enum status status;
	const char *dump; /* with default port 53 */
} addresses[] = {
	{"192.0.2.1", STATUS_OK, "192.0.2.1@53"},
	{"192.0.2.1@5300", STATUS_OK, "192.0.2.1@5300"},
	{"0.0.0.0", STATUS_OK, "0.0.0.0@53"},
	{"2001:DB8::1", STATUS_OK, "2001:db8::1@53"},
	{"2001:db8:0:0:0:0:0:1@65535", STATUS_OK, "2001:db8::1@65535"},
	{"::", STATUS_OK, "::@53"},
	{"::ffff:192.0.2.1", STATUS_OK, "::ffff:192.0.2.1@53"},
	{"fe80::1", STATUS_OK, "fe80::1@53"},
	{"fe80::1%lo", STATUS_OK, "fe80::1%lo@53"},
	{"fe80::1%lo@54", STATUS_OK, "fe80::1%lo@54"},
	{"fe80::1%nosuchif0", STATUS_NOT_FOUND, NULL},
	{"", STATUS_BAD_SYNTAX, NULL},
	{"@53", STATUS_BAD_SYNTAX, NULL},
	{"192.0.2.1@", STATUS_BAD_SYNTAX, NULL},
	{"192.0.2.1@0", STATUS_BAD_SYNTAX, NULL},
	{"192.0.2.1@65536", STATUS_BAD_SYNTAX, NULL},
	{"192.0.2.1@4294967349", STATUS_BAD_SYNTAX, NULL},
	{"192.0.2.1@+53", STATUS_BAD_SYNTAX, NULL},
	{"192.0.2.1@ 53", STATUS_BAD_SYNTAX, NULL},
	{"192.0.2.1@53@53", STATUS_BAD_SYNTAX, NULL},
	{"192.0.2.1:53", STATUS_BAD_SYNTAX, NULL},
	{"192.0.2.256", STATUS_BAD_SYNTAX, NULL},
	{"192.0.2", STATUS_BAD_SYNTAX, NULL},
	{" 192.0.2.1", STATUS_BAD_SYNTAX, NULL},
	{"192.0.2.1 ", STATUS_BAD_SYNTAX, NULL},
	{"[2001:db8::1]@53", STATUS_BAD_SYNTAX, NULL},
	{"2001:db8::1::", STATUS_BAD_SYNTAX, NULL},
	{"192.0.2.1%lo", STATUS_BAD_SYNTAX, NULL},
	{"2001:db8::1%lo", STATUS_BAD_SYNTAX, NULL},
	{"nonsense%nosuchif0", STATUS_BAD_SYNTAX, NULL},
	{"fe80::1%", STATUS_BAD_SYNTAX, NULL},
	{"localhost", STATUS_BAD_SYNTAX, NULL},
	{"11111111111111111111111111111111111111111111111111111111111111111111"
	 "111",
	 STATUS_BAD_SYNTAX, NULL},
};

START_TEST(address_is_read_and_written_back)
{
	struct address address;
	struct address again;
	char text[ADDRESS_TEXT_MAX];

	memset(&address, 0xaa, sizeof(address));
	ck_assert_int_eq(address_load(&address, addresses[_i].text, 53),
			 addresses[_i].status);
	if (addresses[_i].status != STATUS_OK) {
		ck_assert_uint_eq(address.port, 0xaaaa); /* untouched */
		return;
	}
	ck_assert_str_eq(address_dump(&address, text), addresses[_i].dump);
	ck_assert_int_eq(address_load(&again, text, 1), STATUS_OK);
	ck_assert(address_equal(&address, &again));
	ck_assert_int_eq(memcmp(&address, &again, sizeof(again)), 0);
}
END_TEST

START_TEST(address_survives_the_kernels_form)
{
	struct address address;
	struct address again;
	struct sockaddr_storage storage;

	if (addresses[_i].status != STATUS_OK) {
		return;
	}
	ck_assert_int_eq(address_load(&address, addresses[_i].text, 53),
			 STATUS_OK);
	ck_assert_uint_eq(address_to_sockaddr(&address, &storage),
			  address.family == AF_INET
				  ? sizeof(struct sockaddr_in)
				  : sizeof(struct sockaddr_in6));
	ck_assert_int_eq(
		address_from_sockaddr(&again, (struct sockaddr *)&storage),
		STATUS_OK);
	ck_assert(address_equal(&address, &again));
}
END_TEST

START_TEST(address_without_port_is_written_without)
{
	struct address address;
	char text[ADDRESS_TEXT_MAX];

	ck_assert_int_eq(address_load(&address, "192.0.2.1", 0), STATUS_OK);
	ck_assert_str_eq(address_dump(&address, text), "192.0.2.1");
}
END_TEST

START_TEST(longest_address_fits_its_text)
{
	struct address address;
	char text[ADDRESS_TEXT_MAX];

	ck_assert_int_eq(
		address_load(&address,
			     "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff@65535",
			     0),
		STATUS_OK);
	address.scope = UINT32_MAX; /* no such interface: shown as a number */
	ck_assert_str_eq(address_dump(&address, text),
			 "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295"
			 "@65535");
}
END_TEST

START_TEST(unix_sockets_are_no_addresses)
{
	struct sockaddr from = {.sa_family = AF_UNIX};
	struct address address;

	ck_assert_int_eq(address_from_sockaddr(&address, &from),
			 STATUS_NOT_SUPPORTED);
}
END_TEST

static const struct {
	const char *text;
	bool wildcard;
	bool loopback;
	bool link_local;
} kinds[] = {
	{"0.0.0.0", true, false, false},
	{"::", true, false, false},
	{"127.0.0.1", false, true, false},
	{"127.255.255.254", false, true, false},
	{"126.0.0.1", false, false, false},
	{"::1", false, true, false},
	{"::2", false, false, false},
	{"fe80::1", false, false, true},
	{"febf::1", false, false, true},
	{"fec0::1", false, false, false},
	{"254.128.0.1", false, false, false},
	{"7f00::1", false, false, false},
};

START_TEST(kinds_of_address_are_told_apart)
{
	struct address address;

	ck_assert_int_eq(address_load(&address, kinds[_i].text, 53), STATUS_OK);
	ck_assert_int_eq(address_is_wildcard(&address), kinds[_i].wildcard);
	ck_assert_int_eq(address_is_loopback(&address), kinds[_i].loopback);
	ck_assert_int_eq(address_is_link_local(&address), kinds[_i].link_local);
}
END_TEST

/* --- prefixes
 * ------------------------------------------------------------------ */

static const struct {
	const char *text;
	enum status status;
	const char *inside; /* separated by spaces */
	const char *outside;
} prefixes[] = {
	{"192.0.2.0/24", STATUS_OK, "192.0.2.0 192.0.2.255",
	 "192.0.3.0 192.0.1.255 c000:200:: ::c000:200"},
	{"192.0.2.128/25", STATUS_OK, "192.0.2.128 192.0.2.255", "192.0.2.127"},
	{"192.0.2.53/32", STATUS_OK, "192.0.2.53", "192.0.2.52 192.0.2.54"},
	{"0.0.0.0/0", STATUS_OK, "0.0.0.0 255.255.255.255", ":: ::1"},
	{"128.0.0.0/1", STATUS_OK, "128.0.0.0 255.0.0.1", "127.255.255.255"},
	{"2001:db8::/48", STATUS_OK, "2001:db8:: 2001:db8:0:ffff::1",
	 "2001:db8:1:: 32.1.13.184"},
	{"2001:db8::53/128", STATUS_OK, "2001:db8::53", "2001:db8::54"},
	{"2001:db8:0:8000::/49", STATUS_OK, "2001:db8:0:8000::1",
	 "2001:db8:0:7fff::1"},
	{"::/0", STATUS_OK, ":: ffff::", "0.0.0.0"},
	{"192.0.2.1/24", STATUS_BAD_DATA, NULL, NULL},
	{"192.0.2.129/25", STATUS_BAD_DATA, NULL, NULL},
	{"2001:db8::1/64", STATUS_BAD_DATA, NULL, NULL},
	{"1.0.0.0/0", STATUS_BAD_DATA, NULL, NULL},
	{"192.0.2.0/33", STATUS_OUT_OF_RANGE, NULL, NULL},
	{"2001:db8::/129", STATUS_OUT_OF_RANGE, NULL, NULL},
	{"192.0.2.0/99999999999", STATUS_OUT_OF_RANGE, NULL, NULL},
	{"192.0.2.0", STATUS_BAD_SYNTAX, NULL, NULL},
	{"192.0.2.0/", STATUS_BAD_SYNTAX, NULL, NULL},
	{"192.0.2.0/-1", STATUS_BAD_SYNTAX, NULL, NULL},
	{"192.0.2.0/24/24", STATUS_BAD_SYNTAX, NULL, NULL},
	{"192.0.2.0/24 ", STATUS_BAD_SYNTAX, NULL, NULL},
	{"192.0.2.0@53/24", STATUS_BAD_SYNTAX, NULL, NULL},
	{"fe80::%lo/64", STATUS_BAD_SYNTAX, NULL, NULL},
	{"/24", STATUS_BAD_SYNTAX, NULL, NULL},
	{"", STATUS_BAD_SYNTAX, NULL, NULL},
};

static void check_inside(const struct prefix *prefix, const char *list,
			 bool inside)
{
	char copy[200];

	snprintf(copy, sizeof(copy), "%s", list);
	for (char *word = strtok(copy, " "); word != NULL;
	     word = strtok(NULL, " ")) {
		struct address address;

		ck_assert_int_eq(address_load(&address, word, 53), STATUS_OK);
		ck_assert_msg(prefix_contains(prefix, &address) == inside, "%s",
			      word);
	}
}

START_TEST(prefix_holds_its_addresses_and_no_other)
{
	struct prefix prefix;
	struct prefix again;
	char text[PREFIX_TEXT_MAX];

	ck_assert_int_eq(prefix_load(&prefix, prefixes[_i].text),
			 prefixes[_i].status);
	if (prefixes[_i].status != STATUS_OK) {
		return;
	}
	ck_assert_str_eq(prefix_dump(&prefix, text), prefixes[_i].text);
	ck_assert_int_eq(prefix_load(&again, text), STATUS_OK);
	ck_assert(prefix_equal(&prefix, &again));
	check_inside(&prefix, prefixes[_i].inside, true);
	check_inside(&prefix, prefixes[_i].outside, false);
	again.length--;
	ck_assert(!prefix_equal(&prefix, &again));
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("address");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, address_is_read_and_written_back, 0,
			    COUNT(addresses));
	tcase_add_loop_test(tcase, address_survives_the_kernels_form, 0,
			    COUNT(addresses));
	tcase_add_test(tcase, address_without_port_is_written_without);
	tcase_add_test(tcase, longest_address_fits_its_text);
	tcase_add_test(tcase, unix_sockets_are_no_addresses);
	tcase_add_loop_test(tcase, kinds_of_address_are_told_apart, 0,
			    COUNT(kinds));
	tcase_add_loop_test(tcase, prefix_holds_its_addresses_and_no_other, 0,
			    COUNT(prefixes));
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
