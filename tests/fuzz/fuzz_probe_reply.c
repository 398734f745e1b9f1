/*
 * fuzz_probe_reply.c - replies to probes, any octets.
 *
 * The first two octets choose the zone and whether an identity is asked for; the
 * rest is the reply, judged under the identifier that it bears.
 */
#include "server/route/probe.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const zones[] = {".", "example.",
					    "a.much.longer.zone.example."};
	struct probe_zone zone;
	struct probe_question question;
	struct probe_reply reply;
	uint16_t id = 0;

	if (size < 2 ||
	    probe_zone_load(&zone, zones[data[0] % 3]) != STATUS_OK) {
		return 0;
	}
	/* The upper bits choose another kind of question. */
	probe_question_of_zone(&question, &zone);
	if ((data[1] & 2) != 0 &&
	    probe_question_load(&question, zones[data[0] % 3], "TXT",
				data[1] & 4 ? "CH" : "IN",
				data[1] & 8 ? "NODATA" : "NXDOMAIN",
				(data[1] & 16) != 0) != STATUS_OK) {
		abort();
	}
	if (size >= 4) {
		id = (uint16_t)(data[2] << 8 | data[3]);
	}
	if (!probe_reply_read(&reply, data + 2, size - 2, id, &question,
			      data[1] & 1 ? "lhr1" : NULL)) {
		return 0;
	}
	if (reply.verdict == PROBE_SILENT ||
	    (reply.verdict == PROBE_GOOD) != (reply.reason[0] == '\0') ||
	    (reply.verdict == PROBE_GOOD && question.needs_soa &&
	     !reply.has_serial) ||
	    strlen(reply.reason) >= PROBE_REASON_MAX) {
		abort();
	}
	return 0;
}
