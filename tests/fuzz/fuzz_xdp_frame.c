/*
 * fuzz_xdp_frame.c - any octets as a received frame; what is taken lies within
 * it, and the reply to it is a good frame of exactly the size that was said.
 *
 * The first octet is the size of the reply's payload.
 */
#include "server/nameserver/xdp_frame.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(const struct xdp_frame *query, size_t payload_size)
{
	size_t size = query->headers + payload_size;
	uint8_t *reply = malloc(size);
	enum xdp_frame_verdict verdict;
	struct xdp_frame back;
	struct checksum_part known;

	assert(reply != NULL);
	memset(reply, 0x5a, size);
	known.at = (uint16_t)(payload_size / 3);
	known.size = (uint16_t)(payload_size / 2);
	known.sum = checksum_fold(
		checksum_sum(reply + query->headers + known.at, known.size));
	assert(xdp_frame_reply(query, reply, payload_size, &known, 1) == size);
	verdict = xdp_frame_parse(reply, size, &back);
	/* The query may have gone to an address that cannot be a source. */
	assert(verdict == XDP_FRAME_GOOD || verdict == XDP_FRAME_BAD_SOURCE);
	free(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xdp_frame query;
	enum xdp_frame_verdict verdict;

	if (size < 1) {
		return 0;
	}
	verdict = xdp_frame_parse(data + 1, size - 1, &query);
	if (verdict == XDP_FRAME_GOOD ||
	    verdict == XDP_FRAME_PARTIAL_CHECKSUM) {
		assert(query.headers <= XDP_FRAME_HEADERS_MAX);
		assert(query.payload == data + 1 + query.headers);
		assert(query.headers + query.payload_size <= size - 1);
		answer(&query, data[0]);
	}
	return 0;
}
