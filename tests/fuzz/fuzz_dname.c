/*
 * fuzz_dname.c - names from the wire: parsed, dumped, loaded and compared.
 *
 * The input is a message; names are read from every one of its first offsets.
 */
#include "lib/dns/dname.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	OFFSETS = 64, /* names are read from that many places */
};

static void check(bool is_true)
{
	if (!is_true) {
		abort();
	}
}

static void check_name(const struct dname *name)
{
	char text[DNAME_TEXT_MAX];
	struct dname_storage again;

	check(name->length >= 1);
	check(name->labels <= DNAME_LABELS_MAX);
	check(dname_wire_length(name->octets, name->length) == name->length);
	dname_dump(name, text);
	check(strlen(text) < DNAME_TEXT_MAX);
	check(dname_load(&again, text, strlen(text), NULL) == STATUS_OK);
	check(again.length == name->length && again.labels == name->labels);
	check(memcmp(dname_of(&again)->octets, name->octets, name->length) ==
	      0);
	dname_make_canonical(dname_of(&again));
	check(dname_compare(name, dname_of(&again)) == 0);
}

static int sign_of(int value)
{
	return (value > 0) - (value < 0);
}

static void check_pair(const struct dname *a, const struct dname *b)
{
	unsigned common = dname_common_labels(a, b);
	int order = sign_of(dname_compare(a, b));

	check(order == -sign_of(dname_compare(b, a)));
	check((order == 0) == dname_equal(a, b));
	check(common == dname_common_labels(b, a));
	check(dname_is_below_or_equal(a, b) == (common == b->labels));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dname_storage before;
	struct dname_storage out;

	dname_copy(&before, dname_root);
	for (size_t at = 0; at < size && at < OFFSETS; at++) {
		struct wire_reader r = wire_reader_init(data, size);

		r.at += at;
		if (dname_parse(&r, &out)) {
			check(wire_offset(&r) == at + out.length);
			check_name(dname_of(&out));
		}
		r = wire_reader_init(data, size);
		r.at += at;
		if (dname_parse_compressed(&r, &out)) {
			check(wire_offset(&r) > at && wire_offset(&r) <= size);
			check_name(dname_of(&out));
			check_pair(dname_of(&out), dname_of(&before));
			dname_copy(&before, dname_of(&out));
		}
	}
	if (dname_load(&out, (const char *)data, size, dname_of(&before)) ==
	    STATUS_OK) {
		check_name(dname_of(&out));
	}
	return 0;
}
