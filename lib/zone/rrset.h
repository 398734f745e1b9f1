/*
 * rrset.h - an RRset with its signatures, as it lies in a cell of a zone.
 *
 * Immutable once its version is published. The octets behind the head are ready
 * to be copied into a message:
 *
 *	+------+-----------------------------+------------------------------+
 *	| head | count x (rdlength, rdata)   | signatures x (rdlength, rdata)|
 *	+------+-----------------------------+------------------------------+
 *
 * rdlength is 16 bits in network order; names in RDATA are whole; RDATA stand
 * in canonical order (RFC 4034 6.3). count is 0 where a zone holds signatures
 * over a type that has no records (they are served when RRSIG is asked for).
 */
#pragma once

#include "lib/base/wire.h"

#include <stdint.h>

struct rrset {
	uint16_t type;
	uint16_t count;      /* records */
	uint16_t signatures; /* RRSIG records that cover it */
	uint16_t reserved;
	uint32_t ttl; /* seconds; the least of the set's (RFC 2181 5.2) */
	uint32_t signature_ttl;
	uint32_t size;           /* octets of the records part */
	uint32_t signature_size; /* octets of the signatures part */
	uint8_t data[];
};

/* Walk records: at the rdlength of the first; step with rrset_next(). */
static inline const uint8_t *rrset_first(const struct rrset *rrset)
{
	return rrset->data;
}

static inline const uint8_t *rrset_first_signature(const struct rrset *rrset)
{
	return rrset->data + rrset->size;
}

static inline uint16_t rdata_length(const uint8_t *record)
{
	return wire_get16(record);
}

static inline const uint8_t *rdata_octets(const uint8_t *record)
{
	return record + 2;
}

static inline const uint8_t *rrset_next(const uint8_t *record)
{
	return record + 2 + wire_get16(record);
}
