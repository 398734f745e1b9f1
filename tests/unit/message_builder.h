/*
 * message_builder.h - queries for tests, octet by octet where it matters.
 */
#pragma once

#include "lib/base/wire.h"
#include "lib/dns/dname.h"
#include "lib/dns/message.h"
#include "lib/dns/rrtype.h"

#include <stdlib.h>
#include <string.h>

struct built {
	uint8_t octets[2048];
	size_t size;
};

static inline void built_put(struct built *b, const void *data, size_t size)
{
	if (b->size + size > sizeof(b->octets)) {
		abort();
	}
	memcpy(b->octets + b->size, data, size);
	b->size += size;
}

static inline void built_put16(struct built *b, unsigned value)
{
	uint8_t octets[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	built_put(b, octets, 2);
}

static inline void built_name(struct built *b, const char *text)
{
	struct dname_storage name;

	if (dname_load(&name, text, strlen(text), dname_root) != STATUS_OK) {
		abort();
	}
	built_put(b, dname_of(&name)->octets, dname_of(&name)->length);
}

/* The header; counts are set by built_counts(). */
static inline void built_start(struct built *b, uint16_t id, unsigned flags)
{
	b->size = 0;
	built_put16(b, id);
	built_put16(b, flags);
	for (int i = 0; i < 4; i++) {
		built_put16(b, 0);
	}
}

static inline void built_counts(struct built *b, uint16_t qd, uint16_t an,
				uint16_t ns, uint16_t ar)
{
	wire_put16(b->octets + 4, qd);
	wire_put16(b->octets + 6, an);
	wire_put16(b->octets + 8, ns);
	wire_put16(b->octets + 10, ar);
}

static inline void built_question(struct built *b, const char *name,
				  unsigned qtype, unsigned qclass)
{
	built_name(b, name);
	built_put16(b, qtype);
	built_put16(b, qclass);
}

static inline void built_record(struct built *b, const char *owner,
				unsigned type, unsigned rrclass,
				const void *rdata, size_t size)
{
	built_name(b, owner);
	built_put16(b, type);
	built_put16(b, rrclass);
	built_put16(b, 0);
	built_put16(b, 0);
	built_put16(b, (unsigned)size);
	built_put(b, rdata, size);
}

static inline void built_opt(struct built *b, unsigned payload,
			     unsigned version, unsigned flags,
			     const void *options, size_t size)
{
	uint8_t root = 0;

	built_put(b, &root, 1);
	built_put16(b, RRTYPE_OPT);
	built_put16(b, payload);
	built_put16(b, version);
	built_put16(b, flags);
	built_put16(b, (unsigned)size);
	built_put(b, options, size);
}

/* A plain query; payload 0: without OPT. */
static inline void built_query(struct built *b, const char *name,
			       unsigned qtype, unsigned payload, bool dnssec)
{
	built_start(b, 0x1234, 0);
	built_question(b, name, qtype, RRCLASS_IN);
	if (payload > 0) {
		built_opt(b, payload, 0, dnssec ? EDNS_DO : 0, "", 0);
	}
	built_counts(b, 1, 0, 0, payload > 0 ? 1 : 0);
}
