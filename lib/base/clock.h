/*
 * clock.h - the two clocks. Logic takes time as an argument; only programs ask.
 */
#pragma once

#include <stdint.h>
#include <time.h>

/* Nanoseconds that only go forward (CLOCK_MONOTONIC). Any thread. */
static inline uint64_t clock_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_monotonic_ms(void)
{
	return clock_monotonic_ns() / 1000000u;
}

/* Milliseconds since 1970-01-01T00:00Z (CLOCK_REALTIME). Any thread. */
static inline int64_t clock_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
