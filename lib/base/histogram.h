/*
 * histogram.h - how long things took, in constant memory.
 *
 * Values (nanoseconds, octets, whatever counts up) fall into buckets whose
 * width grows with the value: HISTOGRAM_STEPS to each power of two, so a
 * percentile is right to within 1/HISTOGRAM_STEPS of itself. Adding is a few
 * instructions and never allocates; one thread a histogram, merged afterwards.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	HISTOGRAM_STEP_BITS = 6,
	HISTOGRAM_STEPS = 1 << HISTOGRAM_STEP_BITS,
	/* Values below STEPS have a bucket each; every higher power of two
	 * of a 64-bit number has STEPS of them. */
	HISTOGRAM_BUCKETS =
		HISTOGRAM_STEPS + (64 - HISTOGRAM_STEP_BITS) * HISTOGRAM_STEPS,
};

struct histogram {
	uint64_t count;
	uint64_t sum;
	uint64_t least; /* meaningless while count is 0 */
	uint64_t most;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_init(struct histogram *histogram);

/* The bucket that value falls into, and the highest value of a bucket. */
static inline size_t histogram_bucket(uint64_t value)
{
	unsigned shift;

	if (value < HISTOGRAM_STEPS) {
		return (size_t)value;
	}
	shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_STEP_BITS;
	return (size_t)(shift + 1) * HISTOGRAM_STEPS +
	       (size_t)((value >> shift) - HISTOGRAM_STEPS);
}
uint64_t histogram_bucket_end(size_t bucket);

static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
	if (histogram->count == 0 || value < histogram->least) {
		histogram->least = value;
	}
	if (value > histogram->most) {
		histogram->most = value;
	}
	histogram->count++;
	histogram->sum += value;
	histogram->buckets[histogram_bucket(value)]++;
}

/* Add everything that from has counted. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/*
 * The value that share (0 to 1) of all values do not exceed, rounded up to the
 * end of its bucket and never beyond the highest value seen; 0 when empty.
 */
uint64_t histogram_percentile(const struct histogram *histogram, double share);
uint64_t histogram_mean(const struct histogram *histogram);
