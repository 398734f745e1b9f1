#include "lib/base/histogram.h"

#include <check.h>
#include <stdlib.h>

static struct histogram histogram, other;

START_TEST(empty_histogram_says_zero)
{
	histogram_init(&histogram);
	ck_assert_uint_eq(histogram_percentile(&histogram, 0.5), 0);
	ck_assert_uint_eq(histogram_mean(&histogram), 0);
}
END_TEST

static const struct {
	uint64_t value;
	size_t bucket;
} places[] = {
	{0, 0},
	{1, 1},
	{63, 63},
	{64, 64},
	{127, 127},
	{128, 128},
	{129, 128},
	{130, 129},
	{255, 191},
	{256, 192},
	{259, 192},
	{260, 193},
	{511, 255},
	{512, 256},
	{1023, 319},
	{1024, 320},
	{UINT64_MAX, HISTOGRAM_BUCKETS - 1},
};

START_TEST(value_falls_into_its_bucket)
{
	ck_assert_uint_eq(histogram_bucket(places[_i].value),
			  places[_i].bucket);
	ck_assert_uint_ge(histogram_bucket_end(places[_i].bucket),
			  places[_i].value);
}
END_TEST

START_TEST(buckets_leave_no_gap_and_do_not_overlap)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t end = histogram_bucket_end(i);

		ck_assert_uint_eq(histogram_bucket(end), i);
		if (i + 1 < HISTOGRAM_BUCKETS) {
			ck_assert_uint_eq(histogram_bucket(end + 1), i + 1);
		}
	}
	ck_assert_uint_eq(histogram_bucket_end(HISTOGRAM_BUCKETS - 1),
			  UINT64_MAX);
}
END_TEST

static const struct {
	double share;
	uint64_t exact;
} shares[] = {
	{0, 1},        {0.5, 50000},   {0.9, 90000},
	{0.99, 99000}, {0.999, 99900}, {1, 100000},
};

START_TEST(percentile_is_right_to_one_step)
{
	uint64_t got;

	histogram_init(&histogram);
	for (uint64_t value = 1; value <= 100000; value++) {
		histogram_add(&histogram, value);
	}
	got = histogram_percentile(&histogram, shares[_i].share);
	ck_assert_uint_ge(got, shares[_i].exact);
	ck_assert_uint_le(got, shares[_i].exact +
				       shares[_i].exact / HISTOGRAM_STEPS + 1);
	ck_assert_uint_eq(histogram_mean(&histogram), 50000);
}
END_TEST

START_TEST(percentile_never_exceeds_the_highest_value)
{
	histogram_init(&histogram);
	histogram_add(&histogram, 1000001);
	ck_assert_uint_eq(histogram_percentile(&histogram, 0.999), 1000001);
	ck_assert_uint_eq(histogram.least, 1000001);
}
END_TEST

START_TEST(merge_equals_adding_everything_to_one)
{
	struct histogram *all = malloc(sizeof(*all));

	ck_assert_ptr_nonnull(all);
	histogram_init(all);
	histogram_init(&histogram);
	histogram_init(&other);
	histogram_merge(&histogram, &other);
	ck_assert_uint_eq(histogram.count, 0);
	for (uint64_t value = 7; value < 5000000; value = value * 5 / 4) {
		histogram_add(all, value);
		histogram_add(value % 2 ? &histogram : &other, value);
	}
	histogram_merge(&histogram, &other);
	ck_assert_mem_eq(&histogram, all, sizeof(*all));
	free(all);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("histogram");
	TCase *tcase = tcase_create("histogram");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, empty_histogram_says_zero);
	tcase_add_loop_test(tcase, value_falls_into_its_bucket, 0,
			    sizeof(places) / sizeof(places[0]));
	tcase_add_test(tcase, buckets_leave_no_gap_and_do_not_overlap);
	tcase_add_loop_test(tcase, percentile_is_right_to_one_step, 0,
			    sizeof(shares) / sizeof(shares[0]));
	tcase_add_test(tcase, percentile_never_exceeds_the_highest_value);
	tcase_add_test(tcase, merge_equals_adding_everything_to_one);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
