/* bgp_hex.h - messages as hexadecimal text, for the suites of lib/bgp. */
#pragma once

#include "lib/bgp/message.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

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

static const char *hex(const uint8_t *data, size_t size)
{
	static char text[2 * BGP_MESSAGE_MAX + 1];

	for (size_t i = 0; i < size; i++) {
		sprintf(text + 2 * i, "%02x", data[i]);
	}
	text[2 * size] = '\0';
	return text;
}
