/*
 * fuzz_rdata.c - the text of RDATA of every type.
 *
 * The first two octets choose the type, the rest is its text. What was read
 * must be valid; written as RFC 3597 has it, it must come back the same; and
 * canonical form must compare equal.
 */
#include "lib/dns/rrtype.h"
#include "lib/zone/master_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	INPUT_MAX = 4096,
};

struct taken {
	size_t records;
	uint16_t type;
	size_t size;
	uint8_t rdata[65535];
};

static void check(bool is_true)
{
	if (!is_true) {
		abort();
	}
}

static enum status take(const struct master_file_record *record, void *context,
			char *reason)
{
	struct taken *taken = context;

	(void)reason;
	check(rdata_is_valid(record->type, record->rdata, record->rdata_size));
	taken->records++;
	taken->type = record->type;
	taken->size = record->rdata_size;
	memcpy(taken->rdata, record->rdata, record->rdata_size);
	return STATUS_OK;
}

static enum status parse(const char *text, size_t size, struct taken *taken)
{
	struct master_file_error error;
	struct master_file_options options = {
		.origin = dname_root,
		.rrclass = RRCLASS_IN,
		.record = take,
		.context = taken,
	};

	taken->records = 0;
	return master_file_parse("/nonexistent/fuzz", text, size, &options,
				 &error);
}

static void check_again(const struct taken *taken)
{
	static char text[2 * 65535 + 64];
	static struct taken again;
	size_t at = (size_t)sprintf(text, ". 0 IN TYPE%u \\# %zu ", taken->type,
				    taken->size);

	for (size_t i = 0; i < taken->size; i++) {
		at += (size_t)sprintf(text + at, "%02x", taken->rdata[i]);
	}
	check(parse(text, at, &again) == STATUS_OK);
	check(again.records == 1 && again.size == taken->size);
	check(memcmp(again.rdata, taken->rdata, taken->size) == 0);
	rdata_make_canonical(again.type, again.rdata, again.size);
	check(rdata_is_valid(again.type, again.rdata, again.size));
	check(rdata_compare(taken->type, taken->rdata, taken->size, again.rdata,
			    again.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct taken taken;
	char text[INPUT_MAX + 64];
	int head;

	if (size < 2 || size > INPUT_MAX) {
		return 0;
	}
	/* One line only: no directives behind it. */
	if (memchr(data + 2, '\n', size - 2) != NULL) {
		return 0;
	}
	head = sprintf(text, ". 0 IN TYPE%u ", wire_get16(data));
	memcpy(text + head, data + 2, size - 2);
	if (parse(text, (size_t)head + size - 2, &taken) == STATUS_OK &&
	    taken.records == 1) {
		check_again(&taken);
	}
	return 0;
}
