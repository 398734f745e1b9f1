/*
 * text_word.h - look at eight octets of text at once.
 *
 * Arithmetic on a whole word tells where the first octet of a kind stands: the
 * highest bit of that octet is set. Bits of later octets are not to be relied
 * on, since a subtraction may borrow from them.
 */
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

enum {
	TEXT_WORD = sizeof(uint64_t),
};

static const uint64_t TEXT_ONES = 0x0101010101010101;
static const uint64_t TEXT_HIGHS = 0x8080808080808080;

/* The first octet in memory is the lowest. */
static inline uint64_t text_word(const char *at)
{
	uint64_t x;

	memcpy(&x, at, sizeof(x));
	return le64toh(x);
}

/* The first octet below n, which is at most 128. */
static inline uint64_t text_first_below(uint64_t x, unsigned n)
{
	return (x - TEXT_ONES * n) & ~x;
}

static inline uint64_t text_first_equal(uint64_t x, unsigned octet)
{
	return text_first_below(x ^ TEXT_ONES * octet, 1);
}

/* Index of the first octet found; found & TEXT_HIGHS is not 0. */
static inline unsigned text_first(uint64_t found)
{
	return (unsigned)__builtin_ctzll(found & TEXT_HIGHS) / 8;
}
