/*
 * dname.h - domain names in wire form (RFC 1035 3.1, RFC 4034 6.1).
 *
 * A name is its uncompressed octets with two counts before them, so that it can
 * lie anywhere: on the stack in a struct dname_storage, or inside a cell of a
 * zone. The spelling is kept; every comparison folds ASCII case (RFC 4343). A
 * valid struct dname always ends with the root label: length is 1..255, labels
 * 0..127 (the root label is not counted). Functions are pure; any thread.
 */
#pragma once

#include "lib/base/status.h"
#include "lib/base/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DNAME_MAX = 255,        /* octets, RFC 1035 2.3.4 */
	DNAME_LABEL_MAX = 63,   /* octets */
	DNAME_LABELS_MAX = 127, /* root label not counted */
	DNAME_TEXT_MAX = 1025,  /* every octet as \DDD, and the zero */
};

struct dname {
	uint8_t length; /* octets, root label included */
	uint8_t labels; /* labels, root label not included */
	uint8_t octets[];
};

struct dname_storage {
	union {
		uint8_t bytes[2 + DNAME_MAX];
		struct {
			uint8_t length;
			uint8_t labels;
		};
	};
};

static inline struct dname *dname_of(struct dname_storage *storage)
{
	return (struct dname *)(void *)storage;
}

extern const uint8_t dname_fold_table[256];

/* One octet, ASCII capitals folded (RFC 4343). */
static inline uint8_t dname_fold(uint8_t octet)
{
	return dname_fold_table[octet];
}

/* "." */
extern const struct dname *const dname_root;

/*
 * Read an uncompressed name from a message or RDATA. A compression pointer, a
 * label type that is not 00, or a name over 255 octets fails the reader.
 * Returns false (and *out is undefined) when it failed.
 */
must_check bool dname_parse(struct wire_reader *r, struct dname_storage *out);

/*
 * Read a name that may be compressed: pointers must go strictly backwards
 * (RFC 1035 4.1.4), at most DNAME_LABELS_MAX of them. r->start is the message.
 */
must_check bool dname_parse_compressed(struct wire_reader *r,
				       struct dname_storage *out);

/*
 * The octets that an uncompressed name takes at data, of at most size octets;
 * 0 where there is no valid name.
 */
size_t dname_wire_length(const uint8_t *data, size_t size);

/* Copy octets known to be one valid uncompressed name. */
void dname_from_octets(struct dname_storage *out, const uint8_t *octets);
void dname_copy(struct dname_storage *out, const struct dname *name);

/* Octets that a copy of name takes as a struct dname. */
static inline size_t dname_stored_size(const struct dname *name)
{
	return sizeof(struct dname) + name->length;
}

/*
 * Read presentation format (RFC 1035 5.1: \X and \DDD), length octets of text.
 * A name without a final dot is relative to origin; origin NULL makes that an
 * error.
 * "@" is origin. out must not be the storage of origin. STATUS_BAD_SYNTAX,
 * STATUS_TOO_LONG.
 */
must_check enum status dname_load(struct dname_storage *out, const char *text,
				  size_t length, const struct dname *origin);

/* Write presentation format with a final dot. Returns text. */
const char *dname_dump(const struct dname *name, char text[DNAME_TEXT_MAX]);

bool dname_equal(const struct dname *a, const struct dname *b);

/* Canonical order, RFC 4034 6.1: negative, 0 or positive. */
int dname_compare(const struct dname *a, const struct dname *b);

/* Is name equal to ancestor, or below it? */
bool dname_is_below_or_equal(const struct dname *name,
			     const struct dname *ancestor);

/*
 * The same of octets that are one valid name, or the end of one, size and
 * length octets long: in RDATA, where there is no struct dname.
 */
bool dname_octets_equal(const uint8_t *a, const uint8_t *b, size_t size);
bool dname_octets_are_below(const uint8_t *octets, size_t length,
			    const struct dname *ancestor);

/* Labels that both have in common, counted from the root. */
unsigned dname_common_labels(const struct dname *a, const struct dname *b);

/*
 * Offsets into octets of each label, leftmost first; offsets[labels] is the
 * root label's. Returns the number of labels.
 */
unsigned dname_label_offsets(const struct dname *name,
			     uint8_t offsets[DNAME_LABELS_MAX + 1]);

/* The octets of the ancestor of name that has that many labels (<= name's). */
const uint8_t *dname_suffix(const struct dname *name, unsigned labels);

/* Copy that ancestor; out may be the storage of name. */
void dname_ancestor(struct dname_storage *out, const struct dname *name,
		    unsigned labels);

/* "*" in front of encloser. STATUS_TOO_LONG over 255 octets. */
must_check enum status dname_wildcard(struct dname_storage *out,
				      const struct dname *encloser);

/*
 * Put target in the place of owner, which name is below (RFC 6672 2.2).
 * STATUS_TOO_LONG over 255 octets: the caller answers YXDOMAIN.
 */
must_check enum status dname_substitute(struct dname_storage *out,
					const struct dname *name,
					const struct dname *owner,
					const struct dname *target);

/* Is the leftmost label "*" (RFC 4592 2.1.1)? */
bool dname_is_wildcard(const struct dname *name);

/* Spell every octet in lower case, in place (RFC 4034 6.2). */
void dname_make_canonical(struct dname *name);
