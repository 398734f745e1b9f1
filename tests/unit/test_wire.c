#include "lib/base/wire.h"

#include <check.h>
#include <stdlib.h>

START_TEST(reads_in_network_order_and_stops_at_the_end)
{
	static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7};
	struct wire_reader r = wire_reader_init(data, sizeof(data));

	ck_assert_uint_eq(wire_read8(&r), 1);
	ck_assert_uint_eq(wire_read16(&r), 0x0203);
	ck_assert_uint_eq(wire_read32(&r), 0x04050607);
	ck_assert(!r.failed);
	ck_assert_uint_eq(wire_left(&r), 0);
	ck_assert_uint_eq(wire_offset(&r), 7);
	ck_assert_uint_eq(wire_read8(&r), 0);
	ck_assert(r.failed);
}
END_TEST

START_TEST(an_error_sticks_and_moves_nothing)
{
	static const uint8_t data[] = {1, 2, 3};
	struct wire_reader r = wire_reader_init(data, sizeof(data));

	ck_assert_uint_eq(wire_read32(&r), 0);
	ck_assert(r.failed);
	ck_assert_uint_eq(wire_offset(&r), 0);
	/* There is an octet left, but the cursor has failed. */
	ck_assert_uint_eq(wire_read8(&r), 0);
	ck_assert_ptr_null(wire_read(&r, 0));
	ck_assert_uint_eq(wire_offset(&r), 0);
}
END_TEST

START_TEST(no_size_wraps_around)
{
	static const uint8_t data[] = {1, 2, 3};
	uint8_t room[3];
	struct wire_reader r = wire_reader_init(data, sizeof(data));
	struct wire_writer w = wire_writer_init(room, sizeof(room));

	ck_assert_ptr_null(wire_read(&r, SIZE_MAX));
	ck_assert_ptr_null(wire_claim(&w, SIZE_MAX));
	ck_assert(r.failed && w.failed);
}
END_TEST

START_TEST(a_sub_cursor_ends_with_its_part)
{
	static const uint8_t data[] = {1, 2, 3, 4};
	struct wire_reader r = wire_reader_init(data, sizeof(data));
	struct wire_reader sub = wire_read_sub(&r, 2);

	ck_assert_uint_eq(wire_read16(&sub), 0x0102);
	ck_assert_uint_eq(wire_read8(&sub), 0);
	ck_assert(sub.failed && !r.failed);
	ck_assert_uint_eq(wire_read8(&r), 3);
	sub = wire_read_sub(&r, 2);
	ck_assert(sub.failed && r.failed);
	ck_assert_uint_eq(wire_left(&sub), 0);
	ck_assert_uint_eq(wire_read8(&sub), 0);
}
END_TEST

START_TEST(nothing_at_all_can_be_read)
{
	struct wire_reader r = wire_reader_init("", 0);

	ck_assert_uint_eq(wire_left(&r), 0);
	ck_assert_ptr_nonnull(wire_read(&r, 0));
	ck_assert(!r.failed);
	ck_assert_uint_eq(wire_read16(&r), 0);
	ck_assert(r.failed);
}
END_TEST

START_TEST(writes_fill_exactly_the_room)
{
	uint8_t room[9] = {0};
	static const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 0};
	struct wire_writer w = wire_writer_init(room, 8);

	wire_write8(&w, 1);
	wire_write16(&w, 0x0203);
	wire_write32(&w, 0x04050607);
	wire_write(&w, "\x08", 1);
	ck_assert(!w.failed);
	ck_assert_uint_eq(wire_size(&w), 8);
	ck_assert_uint_eq(wire_room(&w), 0);
	wire_write(&w, NULL, 0);
	ck_assert(!w.failed);
	wire_write8(&w, 9);
	ck_assert(w.failed);
	ck_assert_uint_eq(wire_size(&w), 8);
	ck_assert_mem_eq(room, expected, sizeof(room));
}
END_TEST

START_TEST(a_failed_writer_writes_no_part)
{
	uint8_t room[3] = {0};
	static const uint8_t untouched[3] = {0};
	struct wire_writer w = wire_writer_init(room, sizeof(room));

	wire_write32(&w, 0xffffffff);
	wire_write8(&w, 0xff);
	ck_assert(w.failed);
	ck_assert_mem_eq(room, untouched, sizeof(room));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *tcase = tcase_create("cursor");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, reads_in_network_order_and_stops_at_the_end);
	tcase_add_test(tcase, an_error_sticks_and_moves_nothing);
	tcase_add_test(tcase, no_size_wraps_around);
	tcase_add_test(tcase, a_sub_cursor_ends_with_its_part);
	tcase_add_test(tcase, nothing_at_all_can_be_read);
	tcase_add_test(tcase, writes_fill_exactly_the_room);
	tcase_add_test(tcase, a_failed_writer_writes_no_part);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
