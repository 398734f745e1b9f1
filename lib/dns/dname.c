#include "lib/dns/dname.h"

#include <assert.h>
#include <stdio.h>

#define FOLD_ROW(n) \
	(n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6, (n) + 7
#define FOLD_ROW4(n) \
	FOLD_ROW(n), FOLD_ROW((n) + 8), FOLD_ROW((n) + 16), FOLD_ROW((n) + 24)

const uint8_t dname_fold_table[256] = {
	FOLD_ROW4(0x00),
	FOLD_ROW4(0x20),
	0x40, /* then A to Z as a to z */
	0x61,
	0x62,
	0x63,
	0x64,
	0x65,
	0x66,
	0x67,
	FOLD_ROW(0x68),
	FOLD_ROW(0x70),
	0x78,
	0x79,
	0x7a,
	0x5b,
	0x5c,
	0x5d,
	0x5e,
	0x5f,
	FOLD_ROW4(0x60),
	FOLD_ROW4(0x80),
	FOLD_ROW4(0xa0),
	FOLD_ROW4(0xc0),
	FOLD_ROW4(0xe0),
};

static const struct {
	uint8_t length;
	uint8_t labels;
	uint8_t octets[1];
} root_name = {1, 0, {0}};

const struct dname *const dname_root =
	(const struct dname *)(const void *)&root_name;

/* Append a label to a name under construction; false when it does not fit. */
static bool append_label(struct dname *name, const uint8_t *label,
			 unsigned length)
{
	if (name->length + 1u + length + 1u > DNAME_MAX) {
		return false;
	}
	name->octets[name->length] = (uint8_t)length;
	memcpy(name->octets + name->length + 1, label, length);
	name->length = (uint8_t)(name->length + 1 + length);
	name->labels++;
	return true;
}

bool dname_parse(struct wire_reader *r, struct dname_storage *out)
{
	size_t length = dname_wire_length(r->at, r->failed ? 0 : wire_left(r));

	if (length == 0) {
		r->failed = true;
		return false;
	}
	dname_from_octets(out, r->at);
	r->at += length;
	return true;
}

bool dname_parse_compressed(struct wire_reader *r, struct dname_storage *out)
{
	struct wire_reader at = *r;
	struct dname *name = dname_of(out);
	size_t limit = wire_offset(r); /* the next pointer must be below */
	unsigned pointers = 0;

	name->length = 0;
	name->labels = 0;
	for (;;) {
		uint8_t length = wire_read8(&at);
		const uint8_t *label;

		if (at.failed) {
			break;
		}
		if ((length & 0xc0) == 0xc0) {
			size_t target =
				(size_t)(length & 0x3f) << 8 | wire_read8(&at);

			if (at.failed || target >= limit ||
			    pointers == DNAME_LABELS_MAX) {
				break;
			}
			if (pointers == 0) {
				r->at = at.at;
			}
			pointers++;
			limit = target;
			at.at = at.start + target;
			continue;
		}
		if ((length & 0xc0) != 0) {
			break;
		}
		if (length == 0) {
			name->octets[name->length++] = 0;
			if (pointers == 0) {
				r->at = at.at;
			}
			return true;
		}
		label = wire_read(&at, length);
		if (label == NULL || !append_label(name, label, length)) {
			break;
		}
	}
	r->failed = true;
	return false;
}

size_t dname_wire_length(const uint8_t *data, size_t size)
{
	size_t at = 0;

	while (at < size && at < DNAME_MAX) {
		unsigned length = data[at];

		if (length == 0) {
			return at + 1;
		}
		if (length > DNAME_LABEL_MAX) {
			return 0;
		}
		at += 1 + length;
	}
	return 0;
}

void dname_from_octets(struct dname_storage *out, const uint8_t *octets)
{
	struct dname *name = dname_of(out);
	unsigned at = 0;
	unsigned labels = 0;

	while (octets[at] != 0) {
		at += 1u + octets[at];
		labels++;
	}
	memcpy(name->octets, octets, at + 1);
	name->length = (uint8_t)(at + 1);
	name->labels = (uint8_t)labels;
}

void dname_copy(struct dname_storage *out, const struct dname *name)
{
	memcpy(out->bytes, name, dname_stored_size(name));
}

/*
 * One octet of a label: plain, \X or \DDD. Returns characters used, 0 if bad.
 */
static size_t load_octet(const char *text, size_t length, uint8_t *out)
{
	unsigned value = 0;

	if (text[0] != '\\') {
		*out = (uint8_t)text[0];
		return 1;
	}
	if (length < 2) {
		return 0;
	}
	if (text[1] < '0' || text[1] > '9') {
		*out = (uint8_t)text[1];
		return 2;
	}
	if (length < 4) {
		return 0;
	}
	for (unsigned i = 1; i < 4; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return 0;
		}
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	if (value > 255) {
		return 0;
	}
	*out = (uint8_t)value;
	return 4;
}

enum status dname_load(struct dname_storage *out, const char *text,
		       size_t length, const struct dname *origin)
{
	struct dname *name = dname_of(out);
	uint8_t label[DNAME_LABEL_MAX];
	unsigned filled = 0;
	bool is_absolute = false;

	name->length = 0;
	name->labels = 0;
	if (length == 0) {
		return STATUS_BAD_SYNTAX;
	}
	if (length == 1 && text[0] == '@') {
		if (origin == NULL) {
			return STATUS_BAD_SYNTAX;
		}
		dname_copy(out, origin);
		return STATUS_OK;
	}
	if (length == 1 && text[0] == '.') {
		dname_copy(out, dname_root);
		return STATUS_OK;
	}
	for (size_t i = 0; i < length;) {
		size_t used;

		if (text[i] == '.') {
			if (filled == 0) {
				return STATUS_BAD_SYNTAX;
			}
			if (!append_label(name, label, filled)) {
				return STATUS_TOO_LONG;
			}
			filled = 0;
			i++;
			is_absolute = i == length;
			continue;
		}
		if (filled == DNAME_LABEL_MAX) {
			return STATUS_TOO_LONG;
		}
		used = load_octet(text + i, length - i, &label[filled]);
		if (used == 0) {
			return STATUS_BAD_SYNTAX;
		}
		filled++;
		i += used;
	}
	if (filled > 0 && !append_label(name, label, filled)) {
		return STATUS_TOO_LONG;
	}
	if (is_absolute) {
		name->octets[name->length++] = 0;
		return STATUS_OK;
	}
	if (origin == NULL) {
		return STATUS_BAD_SYNTAX;
	}
	if (name->length + origin->length > DNAME_MAX) {
		return STATUS_TOO_LONG;
	}
	memcpy(name->octets + name->length, origin->octets, origin->length);
	name->length = (uint8_t)(name->length + origin->length);
	name->labels = (uint8_t)(name->labels + origin->labels);
	return STATUS_OK;
}

const char *dname_dump(const struct dname *name, char text[DNAME_TEXT_MAX])
{
	char *to = text;
	unsigned at = 0;

	if (name->length == 1) {
		return strcpy(text, ".");
	}
	while (name->octets[at] != 0) {
		unsigned end = at + 1u + name->octets[at];

		for (at++; at < end; at++) {
			uint8_t octet = name->octets[at];

			if (octet <= 0x20 || octet >= 0x7f) {
				to += sprintf(to, "\\%03u", octet);
				continue;
			}
			if (strchr(".\\\"@$();", octet) != NULL) {
				*to++ = '\\';
			}
			*to++ = (char)octet;
		}
		*to++ = '.';
	}
	*to = '\0';
	return text;
}

/* Eight octets as they lie in memory. */
static inline uint64_t octets_load(const uint8_t *octets)
{
	uint64_t eight;

	memcpy(&eight, octets, sizeof(eight));
	return eight;
}

/*
 * dname_fold() of eight octets at once: the upper bit of an octet's sum tells
 * whether it is beyond 'A' - 1, or beyond 'Z'; where it is the one only, 0x20
 * is what makes the letter small.
 */
static inline uint64_t octets_fold(uint64_t octets)
{
	const uint64_t each = 0x0101010101010101u;
	uint64_t seven = octets & each * 0x7f;
	uint64_t from_a = seven + each * (0x80 - 'A');
	uint64_t beyond_z = seven + each * (0x80 - 'Z' - 1);
	uint64_t is_capital = (from_a ^ beyond_z) & ~octets & each * 0x80;

	return octets | is_capital >> 2;
}

static inline bool eight_equal(const uint8_t *a, const uint8_t *b)
{
	uint64_t of_a = octets_load(a);
	uint64_t of_b = octets_load(b);

	/* Most names are spelled one way. */
	return of_a == of_b || octets_fold(of_a) == octets_fold(of_b);
}

/* Length octets (below 64) are not letters, so folding all is right. */
bool dname_octets_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
	if (size >= 8) {
		for (size_t i = 0; i + 8 < size; i += 8) {
			if (!eight_equal(a + i, b + i)) {
				return false;
			}
		}
		/* The last eight, some of them once more. */
		return eight_equal(a + size - 8, b + size - 8);
	}
	for (size_t i = 0; i < size; i++) {
		if (dname_fold(a[i]) != dname_fold(b[i])) {
			return false;
		}
	}
	return true;
}

bool dname_equal(const struct dname *a, const struct dname *b)
{
	return a->length == b->length &&
	       dname_octets_equal(a->octets, b->octets, a->length);
}

static int label_compare(const uint8_t *a, const uint8_t *b)
{
	unsigned least = a[0] < b[0] ? a[0] : b[0];

	for (unsigned i = 1; i <= least; i++) {
		int difference = dname_fold(a[i]) - dname_fold(b[i]);

		if (difference != 0) {
			return difference;
		}
	}
	return a[0] - b[0];
}

int dname_compare(const struct dname *a, const struct dname *b)
{
	uint8_t offsets_a[DNAME_LABELS_MAX + 1];
	uint8_t offsets_b[DNAME_LABELS_MAX + 1];
	unsigned labels_a = dname_label_offsets(a, offsets_a);
	unsigned labels_b = dname_label_offsets(b, offsets_b);
	unsigned least = labels_a < labels_b ? labels_a : labels_b;

	for (unsigned i = 1; i <= least; i++) {
		int difference =
			label_compare(a->octets + offsets_a[labels_a - i],
				      b->octets + offsets_b[labels_b - i]);

		if (difference != 0) {
			return difference;
		}
	}
	return (int)labels_a - (int)labels_b;
}

bool dname_octets_are_below(const uint8_t *octets, size_t length,
			    const struct dname *ancestor)
{
	if (ancestor->length == 1) {
		return true;
	}
	while (length > ancestor->length) {
		size_t label = 1u + octets[0];

		octets += label;
		length -= label;
	}
	return length == ancestor->length &&
	       dname_octets_equal(octets, ancestor->octets, length);
}

bool dname_is_below_or_equal(const struct dname *name,
			     const struct dname *ancestor)
{
	return dname_octets_are_below(name->octets, name->length, ancestor);
}

unsigned dname_common_labels(const struct dname *a, const struct dname *b)
{
	uint8_t offsets_a[DNAME_LABELS_MAX + 1];
	uint8_t offsets_b[DNAME_LABELS_MAX + 1];
	unsigned labels_a = dname_label_offsets(a, offsets_a);
	unsigned labels_b = dname_label_offsets(b, offsets_b);
	unsigned least = labels_a < labels_b ? labels_a : labels_b;
	unsigned common = 0;

	while (common < least &&
	       label_compare(a->octets + offsets_a[labels_a - common - 1],
			     b->octets + offsets_b[labels_b - common - 1]) ==
		       0) {
		common++;
	}
	return common;
}

unsigned dname_label_offsets(const struct dname *name,
			     uint8_t offsets[DNAME_LABELS_MAX + 1])
{
	unsigned at = 0;
	unsigned count = 0;

	while (name->octets[at] != 0) {
		offsets[count++] = (uint8_t)at;
		at += 1u + name->octets[at];
	}
	offsets[count] = (uint8_t)at;
	return count;
}

const uint8_t *dname_suffix(const struct dname *name, unsigned labels)
{
	const uint8_t *at = name->octets;

	assert(labels <= name->labels);
	for (unsigned skip = name->labels - labels; skip > 0; skip--) {
		at += 1u + at[0];
	}
	return at;
}

void dname_ancestor(struct dname_storage *out, const struct dname *name,
		    unsigned labels)
{
	struct dname *ancestor = dname_of(out);
	const uint8_t *suffix = dname_suffix(name, labels);

	ancestor->length =
		(uint8_t)(name->length - (size_t)(suffix - name->octets));
	ancestor->labels = (uint8_t)labels;
	memmove(ancestor->octets, suffix, ancestor->length);
}

enum status dname_wildcard(struct dname_storage *out,
			   const struct dname *encloser)
{
	struct dname *name = dname_of(out);

	if (encloser->length + 2u > DNAME_MAX) {
		return STATUS_TOO_LONG;
	}
	name->octets[0] = 1;
	name->octets[1] = '*';
	memcpy(name->octets + 2, encloser->octets, encloser->length);
	name->length = (uint8_t)(encloser->length + 2);
	name->labels = (uint8_t)(encloser->labels + 1);
	return STATUS_OK;
}

enum status dname_substitute(struct dname_storage *out,
			     const struct dname *name,
			     const struct dname *owner,
			     const struct dname *target)
{
	struct dname *result = dname_of(out);
	size_t kept = (size_t)name->length - owner->length;

	assert(dname_is_below_or_equal(name, owner));
	if (kept + target->length > DNAME_MAX) {
		return STATUS_TOO_LONG;
	}
	memcpy(result->octets, name->octets, kept);
	memcpy(result->octets + kept, target->octets, target->length);
	result->length = (uint8_t)(kept + target->length);
	result->labels =
		(uint8_t)(name->labels - owner->labels + target->labels);
	return STATUS_OK;
}

bool dname_is_wildcard(const struct dname *name)
{
	return name->octets[0] == 1 && name->octets[1] == '*';
}

void dname_make_canonical(struct dname *name)
{
	for (unsigned i = 0; i < name->length; i++) {
		name->octets[i] = dname_fold(name->octets[i]);
	}
}
