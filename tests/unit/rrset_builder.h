/*
 * rrset_builder.h - RRsets by hand, for tests that need no zone.
 */
#pragma once

#include "lib/dns/dname.h"
#include "lib/dns/rrtype.h"
#include "lib/zone/rrset.h"

#include <stdlib.h>
#include <string.h>

enum {
	MADE_MAX = 65536,
};

/* Room for count records; filled by made_add(). free() it. */
static inline struct rrset *made_rrset(uint16_t type, uint32_t ttl)
{
	struct rrset *rrset = calloc(1, sizeof(*rrset) + MADE_MAX);

	if (rrset == NULL) {
		abort();
	}
	rrset->type = type;
	rrset->ttl = ttl;
	rrset->signature_ttl = ttl;
	return rrset;
}

/* Records first, then signatures. */
static inline void made_add(struct rrset *rrset, const void *rdata, size_t size)
{
	uint8_t *at = rrset->data + rrset->size;

	wire_put16(at, (uint16_t)size);
	memcpy(at + 2, rdata, size);
	rrset->size += (uint32_t)(2 + size);
	rrset->count++;
}

static inline void made_add_name(struct rrset *rrset, const char *text)
{
	struct dname_storage name;

	if (dname_load(&name, text, strlen(text), dname_root) != STATUS_OK) {
		abort();
	}
	made_add(rrset, dname_of(&name)->octets, dname_of(&name)->length);
}

static inline void made_sign(struct rrset *rrset, const void *rdata,
			     size_t size)
{
	uint8_t *at = rrset->data + rrset->size + rrset->signature_size;

	wire_put16(at, (uint16_t)size);
	memcpy(at + 2, rdata, size);
	rrset->signature_size += (uint32_t)(2 + size);
	rrset->signatures++;
}
