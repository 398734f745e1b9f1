#include "lib/dns/rrtype.h"

#include "lib/dns/dname.h"

#include <stdio.h>
#include <strings.h>

static const struct rrtype_entry {
	uint16_t type;
	const char *name;
	const char *shape;
} entries[] = {
#define RRTYPE_ENTRY(name, value, shape) {(value), #name, (shape)},
	RRTYPE_LIST(RRTYPE_ENTRY)
#undef RRTYPE_ENTRY
};

enum {
	ENTRIES = sizeof(entries) / sizeof(entries[0]),
};

/* The table is in the order of its values. */
static const struct rrtype_entry *entry_find(uint16_t type)
{
	size_t low = 0;
	size_t high = ENTRIES;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (entries[middle].type == type) {
			return &entries[middle];
		}
		if (entries[middle].type < type) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NULL;
}

/* "TYPE123" or "CLASS123" (RFC 3597 5). */
static enum status generic_load(uint16_t *out, const char *prefix,
				const char *text, size_t length)
{
	size_t skip = strlen(prefix);
	unsigned value = 0;

	if (length <= skip || length > skip + 5 ||
	    strncasecmp(text, prefix, skip) != 0) {
		return STATUS_NOT_FOUND;
	}
	for (size_t i = skip; i < length; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return STATUS_NOT_FOUND;
		}
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	if (value > 65535) {
		return STATUS_OUT_OF_RANGE;
	}
	*out = (uint16_t)value;
	return STATUS_OK;
}

/* Text may hold any octet, NUL too: strncasecmp() alone would stop there. */
static bool is_word(const char *word, const char *text, size_t length)
{
	return strlen(word) == length && strncasecmp(word, text, length) == 0;
}

enum status rrtype_load(uint16_t *out, const char *text, size_t length)
{
	/* The one mnemonic that is no C identifier. */
	if (is_word("NSAP-PTR", text, length)) {
		*out = RRTYPE_NSAP_PTR;
		return STATUS_OK;
	}
	for (size_t i = 0; i < ENTRIES; i++) {
		if (entries[i].type != RRTYPE_NSAP_PTR &&
		    is_word(entries[i].name, text, length)) {
			*out = entries[i].type;
			return STATUS_OK;
		}
	}
	return generic_load(out, "TYPE", text, length);
}

const char *rrtype_dump(uint16_t type, char text[RRTYPE_TEXT_MAX])
{
	const struct rrtype_entry *entry = entry_find(type);

	if (type == RRTYPE_NSAP_PTR) {
		return strcpy(text, "NSAP-PTR");
	}
	if (entry == NULL) {
		snprintf(text, RRTYPE_TEXT_MAX, "TYPE%u", type);
	} else {
		snprintf(text, RRTYPE_TEXT_MAX, "%s", entry->name);
	}
	return text;
}

static const struct {
	uint16_t value;
	const char *name;
} classes[] = {
	{RRCLASS_IN, "IN"},     {RRCLASS_CH, "CH"},   {RRCLASS_HS, "HS"},
	{RRCLASS_NONE, "NONE"}, {RRCLASS_ANY, "ANY"},
};

enum status rrclass_load(uint16_t *out, const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (is_word(classes[i].name, text, length)) {
			*out = classes[i].value;
			return STATUS_OK;
		}
	}
	return generic_load(out, "CLASS", text, length);
}

const char *rrclass_dump(uint16_t rrclass, char text[RRTYPE_TEXT_MAX])
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (classes[i].value == rrclass) {
			return strcpy(text, classes[i].name);
		}
	}
	snprintf(text, RRTYPE_TEXT_MAX, "CLASS%u", rrclass);
	return text;
}

const char *rrtype_shape(uint16_t type)
{
	const struct rrtype_entry *entry = entry_find(type);

	return entry != NULL ? entry->shape : "*";
}

bool rrtype_is_meta(uint16_t type)
{
	return type == 0 || type == RRTYPE_OPT || type == 65535 ||
	       (type >= 128 && type <= 255);
}

/* Octets of a fixed field; 0 where the letter is not one. */
static size_t field_octets(char letter)
{
	switch (letter) {
	case '1':
		return 1;
	case '2':
		return 2;
	case '4':
		return 4;
	case '8':
		return 8;
	case '6':
		return 16;
	default:
		return 0;
	}
}

static bool is_name(char letter)
{
	return letter == 'c' || letter == 'n' || letter == 'u';
}

/* Octets of the field that starts at rdata; size + 1 where it is not there. */
static size_t field_size(char letter, const uint8_t *rdata, size_t size)
{
	size_t octets = field_octets(letter);

	if (octets == 0 && is_name(letter)) {
		octets = dname_wire_length(rdata, size);
		return octets != 0 ? octets : size + 1;
	}
	if (letter == 's') {
		octets = size > 0 ? 1u + rdata[0] : 1u;
	} else if (letter == '*') {
		octets = size;
	}
	return octets <= size ? octets : size + 1;
}

/*
 * Windows ascending, 1 to 32 octets each, no zero octet last (RFC 4034 4.1.2).
 */
static bool bitmap_is_valid(const uint8_t *bitmap, size_t size)
{
	int last = -1;

	while (size > 0) {
		if (size < 2 || bitmap[0] <= last || bitmap[1] < 1 ||
		    bitmap[1] > 32 || 2u + bitmap[1] > size ||
		    bitmap[1u + bitmap[1]] == 0) {
			return false;
		}
		last = bitmap[0];
		size -= 2u + bitmap[1];
		bitmap += 2u + bitmap[1];
	}
	return true;
}

/* Counted strings up to the end, at least one. */
static bool strings_are_valid(const uint8_t *rdata, size_t size)
{
	size_t at = 0;

	while (at < size) {
		at += 1u + rdata[at];
	}
	return at == size && size > 0;
}

/*
 * What stands behind NSEC3's fixed fields: salt, hash, bitmap (RFC 5155 3.2).
 */
static bool nsec3_tail_is_valid(const uint8_t *rdata, size_t size)
{
	size_t salt = size > 0 ? 1u + rdata[0] : 1u;
	size_t hash;

	if (salt >= size) {
		return false;
	}
	hash = 1u + rdata[salt];
	return hash > 1 && salt + hash <= size &&
	       bitmap_is_valid(rdata + salt + hash, size - salt - hash);
}

/* SvcParams: keys strictly ascending, each with its octets (RFC 9460 2.2). */
static bool svc_params_are_valid(const uint8_t *rdata, size_t size)
{
	int last = -1;

	while (size > 0) {
		size_t length;

		if (size < 4 || wire_get16(rdata) <= last) {
			return false;
		}
		last = wire_get16(rdata);
		length = 4u + wire_get16(rdata + 2);
		if (length > size) {
			return false;
		}
		rdata += length;
		size -= length;
	}
	return true;
}

/* Items of a fixed head and counted octets (RFC 3123 4). */
static bool apl_is_valid(const uint8_t *rdata, size_t size)
{
	while (size > 0) {
		size_t length;

		if (size < 4) {
			return false;
		}
		length = 4u + (rdata[3] & 0x7fu);
		if (length > size) {
			return false;
		}
		rdata += length;
		size -= length;
	}
	return true;
}

/* The part of RDATA that the shape calls '*'. */
static bool rest_is_valid(uint16_t type, const uint8_t *rest, size_t size)
{
	switch (type) {
	case RRTYPE_TXT:
	case RRTYPE_SPF:
	case RRTYPE_AVC:
	case RRTYPE_NINFO:
	case RRTYPE_RESINFO:
	case RRTYPE_WALLET:
		return strings_are_valid(rest, size);
	case RRTYPE_NSEC:
	case RRTYPE_CSYNC:
		return bitmap_is_valid(rest, size);
	case RRTYPE_NSEC3:
		return nsec3_tail_is_valid(rest, size);
	case RRTYPE_SVCB:
	case RRTYPE_HTTPS:
		return svc_params_are_valid(rest, size);
	case RRTYPE_APL:
		return apl_is_valid(rest, size);
	case RRTYPE_EUI48:
		return size == 6;
	case RRTYPE_WKS:
		return size >= 5; /* address, protocol: RFC 1035 3.4.2 */
	case RRTYPE_LOC:
		return size > 0 && (rest[0] != 0 || size == 16); /* RFC 1876 */
	case RRTYPE_ZONEMD:
		return size >= 12; /* RFC 8976 2.2.4 */
	case RRTYPE_URI:
		return size > 0; /* RFC 7553 4.4 */
	case RRTYPE_RRSIG:
	case RRTYPE_DNSKEY:
	case RRTYPE_DS:
	case RRTYPE_CDS:
	case RRTYPE_CDNSKEY:
		return size > 0;
	default:
		return true;
	}
}

bool rdata_is_valid(uint16_t type, const uint8_t *rdata, size_t size)
{
	if (size > 65535) {
		return false;
	}
	for (const char *shape = rrtype_shape(type); *shape != '\0'; shape++) {
		size_t field = field_size(*shape, rdata, size);

		if (field > size ||
		    (*shape == '*' && !rest_is_valid(type, rdata, size))) {
			return false;
		}
		rdata += field;
		size -= field;
	}
	return size == 0;
}

void rdata_make_canonical(uint16_t type, uint8_t *rdata, size_t size)
{
	for (const char *shape = rrtype_shape(type); *shape != '\0'; shape++) {
		size_t field = field_size(*shape, rdata, size);

		if (field > size) {
			return;
		}
		if (*shape == 'c' || *shape == 'n') {
			for (size_t i = 0; i < field; i++) {
				rdata[i] = dname_fold(rdata[i]);
			}
		}
		rdata += field;
		size -= field;
	}
}

/* How many octets from here on are alike in folding, and whether they fold. */
static size_t run_length(const char **shape, const uint8_t *rdata, size_t size,
			 bool *is_folded)
{
	size_t length = 0;

	*is_folded = **shape == 'c' || **shape == 'n';
	while (**shape != '\0' &&
	       (**shape == 'c' || **shape == 'n') == *is_folded) {
		size_t field =
			field_size(**shape, rdata + length, size - length);

		if (field > size - length) {
			return size; /* not valid: as it is */
		}
		length += field;
		(*shape)++;
	}
	return **shape == '\0' ? size : length;
}

static uint8_t octet_of(const uint8_t *data, size_t at, bool is_folded)
{
	return is_folded ? dname_fold(data[at]) : data[at];
}

int rdata_compare(uint16_t type, const uint8_t *a, size_t a_size,
		  const uint8_t *b, size_t b_size)
{
	const char *a_shape = rrtype_shape(type);
	const char *b_shape = a_shape;
	size_t least = a_size < b_size ? a_size : b_size;
	size_t a_run = 0;
	size_t b_run = 0;
	bool a_folded = false;
	bool b_folded = false;

	for (size_t i = 0; i < least; i++) {
		int difference;

		if (i == a_run && *a_shape != '\0') {
			a_run = i + run_length(&a_shape, a + i, a_size - i,
					       &a_folded);
		}
		if (i == b_run && *b_shape != '\0') {
			b_run = i + run_length(&b_shape, b + i, b_size - i,
					       &b_folded);
		}
		difference =
			octet_of(a, i, a_folded) - octet_of(b, i, b_folded);
		if (difference != 0) {
			return difference;
		}
	}
	return a_size == b_size ? 0 : a_size < b_size ? -1 : 1;
}
