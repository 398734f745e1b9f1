/*
 * checksum.h - the Internet checksum (RFC 1071): sums of 16-bit words.
 *
 * Sums are taken in the order of octets that memory has (RFC 1071 2 B): stored
 * the same way they are right on every machine. A running sum is 64 bits wide
 * and cannot run over; it is folded once, at its end. What begins at an odd
 * offset of the whole counts with its octets changed over. Pure; any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t checksum_load32(const uint8_t *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static inline uint16_t checksum_load16(const uint8_t *p)
{
	uint16_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* The sum of size octets; below 2^51 for all that a message may be. */
static inline uint64_t checksum_sum(const uint8_t *p, size_t size)
{
	uint64_t a = 0;
	uint64_t b = 0;

	for (; size >= 16; p += 16, size -= 16) {
		a += checksum_load32(p) + checksum_load32(p + 4);
		b += checksum_load32(p + 8) + checksum_load32(p + 12);
	}
	for (; size >= 4; p += 4, size -= 4) {
		a += checksum_load32(p);
	}
	if (size >= 2) {
		a += checksum_load16(p);
		p += 2;
		size -= 2;
	}
	if (size > 0) {
		const uint8_t last[2] = {*p, 0};

		a += checksum_load16(last);
	}
	return a + b;
}

static inline uint16_t checksum_fold(uint64_t total)
{
	total = (total & 0xffffffff) + (total >> 32);
	total = (total & 0xffffffff) + (total >> 32);
	total = (total & 0xffff) + (total >> 16);
	total = (total & 0xffff) + (total >> 16);
	return (uint16_t)total;
}

/* A folded sum of octets that begin at that offset of the whole. */
static inline uint16_t checksum_at(uint16_t sum, size_t offset)
{
	return offset % 2 == 0 ? sum : __builtin_bswap16(sum);
}

/* Octets of a message whose sum is known: size from offset at on; size 0: none.
 * sum is folded, as if they began at an even offset. */
struct checksum_part {
	uint16_t at;
	uint16_t size;
	uint16_t sum;
};
