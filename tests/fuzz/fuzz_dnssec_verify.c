/*
 * fuzz_dnssec_verify.c - keys, signatures, digests and trust anchors as they
 * may stand in hostile zones and files.
 *
 * The input is records of the apex, one after the other: an octet that chooses
 * the type, 16 bits of length, RDATA; and it is tried as a trust anchor's text.
 * Whatever the zone says, each policy must come to a verdict with a reason, and
 * 'require' never be more generous than 'check'.
 */
#include "lib/dns/rrtype.h"
#include "lib/zone/writer.h"
#include "lib/zone/zonemd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	RECORDS_MAX = 64,
	TEXT_MAX = 2048,
	AT = 1800000000,
};

static void check(bool is_true)
{
	if (!is_true) {
		abort();
	}
}

static void add(struct zone_writer *writer, uint16_t type, const uint8_t *rdata,
		size_t size)
{
	if (rdata_is_valid(type, rdata, size)) {
		enum status status = zone_writer_add(writer, dname_root, type,
						     60, rdata, size);

		(void)status;
	}
}

/* A zone of the root with SOA, NS and what the input says. */
static struct zone_version *build(struct wire_reader *reader)
{
	static const uint8_t soa[22] = {0};
	static const uint8_t ns[1] = {0};
	static const uint16_t types[] = {RRTYPE_DNSKEY, RRTYPE_RRSIG,
					 RRTYPE_ZONEMD, RRTYPE_NSEC};
	struct zone_version *version = NULL;
	struct zone_fault fault;
	enum status status;
	struct zone_writer *writer = zone_writer_new(NULL, &status);

	check(writer != NULL);
	add(writer, RRTYPE_SOA, soa, sizeof(soa));
	add(writer, RRTYPE_NS, ns, sizeof(ns));
	for (unsigned i = 0; i < RECORDS_MAX && wire_left(reader) >= 3; i++) {
		uint16_t type = types[wire_read8(reader) % 4];
		size_t size = wire_read16(reader);
		const uint8_t *rdata;

		if (size > wire_left(reader)) {
			size = wire_left(reader);
		}
		rdata = wire_read(reader, size);
		add(writer, type, rdata, size);
	}
	status = zone_writer_finish(writer, &version, &fault);
	return status == STATUS_OK ? version : NULL;
}

static enum status judge(const struct zone_version *version,
			 enum zonemd_policy policy, struct trust_anchor *anchor,
			 struct zonemd_result *out)
{
	struct zonemd_rule rule = {
		.policy = policy,
		.anchors = anchor,
		.anchor_count = anchor != NULL,
	};
	enum status status = zonemd_verify(version, &rule, AT, out);

	check(status == STATUS_OK || status == STATUS_BAD_DATA);
	check(status == STATUS_OK || out->reason != NULL);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_reader reader = wire_reader_init(data, size);
	struct zone_version *version = build(&reader);
	char text[TEXT_MAX];
	char reason[TRUST_ANCHOR_REASON_MAX];
	struct trust_anchor anchor;
	struct zonemd_result result;
	bool has_anchor;

	/* The whole input, too, is tried as a text. */
	snprintf(text, sizeof(text), "%.*s",
		 (int)(size < TEXT_MAX ? size : TEXT_MAX - 1),
		 (const char *)data);
	has_anchor = trust_anchor_load(&anchor, text, reason) == STATUS_OK;
	if (version == NULL) {
		return 0;
	}
	if (judge(version, ZONEMD_POLICY_REQUIRE, NULL, &result) == STATUS_OK) {
		check(judge(version, ZONEMD_POLICY_CHECK, NULL, &result) ==
		      STATUS_OK);
		check(result.state == ZONEMD_SIGNATURE);
	}
	(void)judge(version, ZONEMD_POLICY_CHECK, has_anchor ? &anchor : NULL,
		    &result);
	check(judge(version, ZONEMD_POLICY_IGNORE, NULL, &result) == STATUS_OK);
	zone_version_release(version);
	return 0;
}
