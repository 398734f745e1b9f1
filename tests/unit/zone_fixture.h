/*
 * zone_fixture.h - small zones for tests: records as text, through the writer.
 *
 * Names are absolute. RDATA is given by helpers for the types that tests need,
 * so that no master file reader is needed to test the tree.
 */
#pragma once

#include "lib/dns/dname.h"
#include "lib/dns/rrtype.h"
#include "lib/zone/writer.h"
#include "lib/zone/zone.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline const struct dname *name_of(const char *text)
{
	static _Thread_local struct dname_storage pool[16];
	static _Thread_local unsigned next;
	struct dname_storage *name = &pool[next++ % 16];
	enum status status = dname_load(name, text, strlen(text), NULL);

	assert(status == STATUS_OK);
	return dname_of(name);
}

struct fixture_rdata {
	uint8_t octets[1024];
	size_t size;
};

static inline void rdata_add(struct fixture_rdata *rdata, const void *octets,
			     size_t size)
{
	memcpy(rdata->octets + rdata->size, octets, size);
	rdata->size += size;
}

static inline void rdata_add_name(struct fixture_rdata *rdata, const char *text)
{
	const struct dname *name = name_of(text);

	rdata_add(rdata, name->octets, name->length);
}

static inline void rdata_add32(struct fixture_rdata *rdata, uint32_t value)
{
	uint8_t octets[4];

	wire_put32(octets, value);
	rdata_add(rdata, octets, 4);
}

/*
 * RDATA by type: a name (NS, CNAME, DNAME, PTR), an address (A), a serial (SOA:
 * MINIMUM 300), a next name (NSEC, bitmap A), a covered type's number (RRSIG),
 * and any text for the rest (TXT: one string; DS, DNSKEY: a fixed head).
 */
static inline struct fixture_rdata fixture_rdata(uint16_t type,
						 const char *text)
{
	static const uint8_t bitmap[] = {0, 1, 0x40};
	static const uint8_t head[] = {0, 1, 8, 2};
	struct fixture_rdata rdata = {{0}, 0};
	uint8_t octet;

	switch (type) {
	case RRTYPE_NS:
	case RRTYPE_CNAME:
	case RRTYPE_DNAME:
	case RRTYPE_PTR:
		rdata_add_name(&rdata, text);
		break;
	case RRTYPE_A:
		inet_pton(AF_INET, text, rdata.octets);
		rdata.size = 4;
		break;
	case RRTYPE_SOA:
		rdata_add_name(&rdata, "ns.fixture.");
		rdata_add_name(&rdata, "admin.fixture.");
		rdata_add32(&rdata, (uint32_t)strtoul(text, NULL, 10));
		rdata_add32(&rdata, 1800);
		rdata_add32(&rdata, 900);
		rdata_add32(&rdata, 604800);
		rdata_add32(&rdata, 300);
		break;
	case RRTYPE_NSEC:
		rdata_add_name(&rdata, text);
		rdata_add(&rdata, bitmap, sizeof(bitmap));
		break;
	case RRTYPE_RRSIG:
		wire_put16(rdata.octets, (uint16_t)strtoul(text, NULL, 10));
		rdata.size = 18;
		rdata_add_name(&rdata, ".");
		rdata_add(&rdata, "signature", 9);
		break;
	case RRTYPE_TXT:
		octet = (uint8_t)strlen(text);
		rdata_add(&rdata, &octet, 1);
		rdata_add(&rdata, text, octet);
		break;
	default:
		rdata_add(&rdata, head, sizeof(head));
		rdata_add(&rdata, text, strlen(text));
	}
	return rdata;
}

struct fixture_record {
	const char *owner;
	uint16_t type;
	const char *text;
};

enum {
	FIXTURE_TTL = 3600,
};

static inline enum status fixture_add(struct zone_writer *writer,
				      const char *owner, uint16_t type,
				      const char *text)
{
	struct fixture_rdata rdata = fixture_rdata(type, text);

	return zone_writer_add(writer, name_of(owner), type, FIXTURE_TTL,
			       rdata.octets, rdata.size);
}

static inline enum status fixture_remove(struct zone_writer *writer,
					 const char *owner, uint16_t type,
					 const char *text)
{
	struct fixture_rdata rdata = fixture_rdata(type, text);

	return zone_writer_remove(writer, name_of(owner), type, rdata.octets,
				  rdata.size);
}

/* NULL where it was refused; *fault says why. */
static inline struct zone_version *
fixture_load(const struct fixture_record *record, size_t count,
	     struct zone_fault *fault)
{
	enum status status;
	struct zone_writer *writer = zone_writer_new(NULL, &status);
	struct zone_version *version = NULL;

	assert(writer != NULL);
	for (size_t i = 0; i < count; i++) {
		status = fixture_add(writer, record[i].owner, record[i].type,
				     record[i].text);
		assert(status == STATUS_OK);
	}
	status = zone_writer_finish(writer, &version, fault);
	assert((status == STATUS_OK) == (version != NULL));
	return version;
}
