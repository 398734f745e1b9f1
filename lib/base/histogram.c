#include "lib/base/histogram.h"

#include <assert.h>
#include <string.h>

void histogram_init(struct histogram *histogram)
{
	memset(histogram, 0, sizeof(*histogram));
}

uint64_t histogram_bucket_end(size_t bucket)
{
	size_t power = bucket / HISTOGRAM_STEPS;
	uint64_t step = bucket % HISTOGRAM_STEPS;

	assert(bucket < HISTOGRAM_BUCKETS);
	if (power == 0) {
		return step;
	}
	/* In the last bucket the sum wraps to 0, and its end is UINT64_MAX. */
	return ((HISTOGRAM_STEPS + step + 1) << (power - 1)) - 1;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	if (from->count == 0) {
		return;
	}
	if (into->count == 0 || from->least < into->least) {
		into->least = from->least;
	}
	if (from->most > into->most) {
		into->most = from->most;
	}
	into->count += from->count;
	into->sum += from->sum;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		into->buckets[i] += from->buckets[i];
	}
}

uint64_t histogram_percentile(const struct histogram *histogram, double share)
{
	uint64_t wanted, seen = 0;

	assert(share >= 0 && share <= 1);
	if (histogram->count == 0) {
		return 0;
	}
	wanted = (uint64_t)(share * (double)histogram->count);
	if ((double)wanted < share * (double)histogram->count || wanted == 0) {
		wanted++;
	}
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen >= wanted) {
			uint64_t end = histogram_bucket_end(i);

			return end < histogram->most ? end : histogram->most;
		}
	}
	return histogram->most;
}

uint64_t histogram_mean(const struct histogram *histogram)
{
	return histogram->count > 0 ? histogram->sum / histogram->count : 0;
}
