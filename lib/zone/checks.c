/*
 * checks.c - one walk over a version, in canonical order.
 *
 * The walk knows where it is: below which cut (then a name is glue or
 * occluded), and below which DNAME. So every check is a look at one node, and
 * the whole costs one pass. Findings that can come by the thousand are tallied
 * and told once at the end, with the first name.
 *
 * Errors are what cannot be served, or would be served wrong; they are found
 * where the zone is built (node.c, bulk.c, writer.c) and refuse it. All else
 * is a warning: it is the owner's zone, and half of what is odd is meant so.
 *
 * | what                                                | severity | where    |
 * | --------------------------------------------------- | -------- | -------- |
 * | no SOA, several SOA, SOA below the apex             | error    | building |
 * | no NS at the apex                                   | error    | building |
 * | CNAME beside other data, at the apex, several       | error    | building |
 * | several DNAME                                       | error    | building |
 * | a record outside the zone: it is left out           | warning  | loading  |
 * | an RRset that no message of 65,535 octets would hold| error    | building |
 * | NSEC3 iterations over the limit (RFC 9276)          | error    | building |
 * | names below a DNAME; NS beside a DNAME              | warning  | here     |
 * | NS or DNAME at a wildcard (RFC 4592 4.2, 4.4)       | warning  | here     |
 * | DS without a delegation                             | warning  | here     |
 * | SOA: retry above refresh, expire below both         | warning  | here     |
 * | TTL above the SOA's expire                          | warning  | here     |
 * | a name that ends in the zone's name twice           | warning  | here     |
 * | SPF (99) without the same as TXT (RFC 7208 3.1)     | warning  | here     |
 * | missing glue, sibling glue, extra glue              | warning  | _hosts   |
 * | NS, MX or SRV at an alias, at nothing, at an address| warning  | _hosts   |
 * | hosts that are no host names                        | warning  | _hosts   |
 * | data below a cut that is no glue                    | warning  | _hosts   |
 * | NSEC, NSEC3: missing, wrong next, types, stray      | warning  | _chain   |
 * | NSEC3PARAM, DNSKEY, DS, CDS and CDNSKEY             | warning  | _keys    |
 * | signatures: missing, fields, key, time              | warning  | _sign... |
 * | records given twice, several TTLs in a set          | warning  | load.c   |
 */
#include "lib/zone/checks.h"

#include "lib/dns/rrtype.h"
#include "lib/zone/checks_walk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void tell(struct check_walk *walk, const struct zone_finding *finding)
{
	walk->result.warnings++;
	if (walk->func != NULL &&
	    walk->result.warnings <= ZONE_CHECK_TOLD_MAX) {
		walk->func(finding, walk->context);
	}
}

void check_tell(struct check_walk *walk, const struct dname *owner,
		uint16_t type, const uint8_t *record, const char *format, ...)
{
	char text[ZONE_CHECK_TEXT_MAX];
	struct zone_finding finding = {
		.severity = ZONE_CHECK_WARNING,
		.owner = owner,
		.type = type,
		.text = text,
		.record = record,
	};
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	tell(walk, &finding);
}

void check_count(struct check_walk *walk, enum check_tally kind,
		 const struct dname *owner, uint16_t type,
		 const uint8_t *record)
{
	struct check_first *first = &walk->first[kind];

	if (first->count++ == 0) {
		dname_copy(&first->owner, owner);
		first->type = type;
		first->record = record;
	}
}

void check_count_signature(struct check_walk *walk, enum check_tally kind,
			   const struct dname *owner, uint16_t type,
			   const uint8_t *record)
{
	check_count(walk, kind, owner, type, record);
	walk->first[kind].is_signature = true;
}

static void tell_tallies(struct check_walk *walk)
{
	static const char *const texts[] = {
#define CHECK_TALLY_TEXT(name, text) text,
		CHECK_TALLY_LIST(CHECK_TALLY_TEXT)
#undef CHECK_TALLY_TEXT
	};

	for (unsigned i = 0; i < CHECK_TALLIES; i++) {
		struct check_first *first = &walk->first[i];
		char text[ZONE_CHECK_TEXT_MAX];
		struct zone_finding finding = {
			.severity = ZONE_CHECK_WARNING,
			.owner = dname_of(&first->owner),
			.type = first->type,
			.text = text,
			.record = first->record,
			.is_signature = first->is_signature,
		};

		if (first->count > 0) {
			snprintf(text, sizeof(text), "%zu %s, the first",
				 first->count, texts[i]);
			walk->result.warnings++;
			if (walk->func != NULL) {
				walk->func(&finding, walk->context);
			}
		}
	}
}

/* --- one node ------------------------------------------------------------- */

/* RFC 7208 3.1: type 99 is not looked up any more. */
static void check_spf(struct check_walk *walk, const struct zone_node *node)
{
	const struct rrset *txt =
		zone_node_find(walk->version, node, RRTYPE_TXT);
	const uint8_t *record = txt != NULL ? rrset_first(txt) : NULL;

	for (unsigned i = 0; txt != NULL && i < txt->count; i++) {
		if (rdata_length(record) > 6 &&
		    memcmp(rdata_octets(record) + 1, "v=spf1", 6) == 0) {
			return;
		}
		record = rrset_next(record);
	}
	check_tell(walk, zone_node_name(node), RRTYPE_SPF, NULL,
		   "an SPF record, and no TXT record with its text");
}

static void check_rrset(struct check_walk *walk, const struct zone_node *node,
			const struct rrset *rrset, bool is_cut)
{
	const struct dname *owner = zone_node_name(node);
	bool is_glue = is_cut &&
		       (rrset->type == RRTYPE_A || rrset->type == RRTYPE_AAAA);

	/* What check_below_cut() looks at is not counted twice. */
	if (rrset->ttl > walk->expire && !is_glue) {
		check_count(walk, CHECK_LONG_TTL, owner, rrset->type, NULL);
	}
	switch (rrset->type) {
	case RRTYPE_A:
	case RRTYPE_AAAA:
		if (!is_glue) {
			check_host_name(walk, owner, rrset->type);
		}
		break;
	case RRTYPE_NS:
		check_hosts(walk, owner, rrset, is_cut);
		break;
	case RRTYPE_MX:
	case RRTYPE_SRV:
		if (!is_cut) {
			check_hosts(walk, owner, rrset, false);
		}
		break;
	case RRTYPE_SPF:
		check_spf(walk, node);
		break;
	case RRTYPE_DS:
		check_ds(walk, owner, rrset);
		if (!is_cut) {
			/* RFC 4035 2.4 */
			check_tell(walk, owner, RRTYPE_DS, NULL,
				   "a DS where there is no delegation");
		}
		break;
	default:
		break;
	}
	/* RFC 4035 2.2: at a cut, DS and NSEC alone are signed */
	if (walk->is_signed && (!is_cut || rrset->type == RRTYPE_DS ||
				rrset->type == RRTYPE_NSEC)) {
		check_signatures(walk, owner, rrset);
	}
	if (!walk->has_dnskey && !is_cut &&
	    (rrset->signatures > 0 || rrset->type == RRTYPE_NSEC)) {
		check_count(walk, CHECK_STRAY, owner, rrset->type, NULL);
	}
}

/* "www.example.com.example.com.": the final dot was forgotten. */
static bool ends_twice(const struct check_walk *walk, const struct dname *owner)
{
	unsigned labels = walk->apex->labels;
	size_t size = walk->apex->length - 1u;
	const uint8_t *tail;

	/* 'com.com.' and the like are meant so. */
	if (labels < 2 || owner->labels < 2 * labels) {
		return false;
	}
	tail = dname_suffix(owner, 2 * labels);
	return dname_octets_equal(tail, walk->apex->octets, size) &&
	       dname_octets_equal(tail + size, walk->apex->octets, size + 1);
}

static void check_place(struct check_walk *walk, const struct zone_node *node,
			bool is_cut)
{
	const struct dname *owner = zone_node_name(node);
	bool has_dname =
		zone_node_find(walk->version, node, RRTYPE_DNAME) != NULL;

	if (is_cut && has_dname) {
		/* RFC 6672 2.3: beside an apex's NS only */
		check_tell(walk, owner, RRTYPE_DNAME, NULL,
			   "NS records beside a DNAME");
	}
	if (dname_is_wildcard(owner) && (is_cut || has_dname)) {
		check_tell(walk, owner, is_cut ? RRTYPE_NS : RRTYPE_DNAME, NULL,
			   "%s at a wildcard", is_cut ? "NS records" : "DNAME");
	}
	if (ends_twice(walk, owner)) {
		check_count(walk, CHECK_TWICE, owner, 0, NULL);
	}
}

static bool is_below(const struct dname *name, bool is_there,
		     const struct dname *ancestor)
{
	return is_there && name->labels > ancestor->labels &&
	       dname_is_below_or_equal(name, ancestor);
}

static void check_below_dname(struct check_walk *walk,
			      const struct dname *owner)
{
	char name[DNAME_TEXT_MAX];

	/* RFC 6672 2.4 */
	if (!walk->is_dname_told &&
	    is_below(owner, walk->has_dname, dname_of(&walk->dname))) {
		check_tell(walk, owner, 0, NULL,
			   "a name below the DNAME of '%.200s', which hides it",
			   dname_dump(dname_of(&walk->dname), name));
		walk->is_dname_told = true;
	}
}

/* --- the walk ------------------------------------------------------------- */

static bool check_node(const struct zone_version *version,
		       const struct zone_node *node, void *context)
{
	struct check_walk *walk = context;
	const struct dname *owner = zone_node_name(node);
	bool is_empty = zone_node_is_empty(node);
	bool is_cut;

	if (is_below(owner, walk->has_cut, dname_of(&walk->cut))) {
		check_below_cut(walk, node);
		return true;
	}
	is_cut = !dname_equal(owner, walk->apex) &&
		 zone_node_find(version, node, RRTYPE_NS) != NULL;
	if (zone_version_has_nsec3(version)) {
		check_nsec3(walk, node, is_cut);
	}
	if (is_empty) {
		return true;
	}
	check_below_dname(walk, owner);
	if (is_cut) {
		dname_copy(&walk->cut, owner);
		walk->cut_ns = zone_node_find(version, node, RRTYPE_NS);
		walk->has_cut = true;
	}
	if (zone_version_has_nsec(version)) {
		check_nsec(walk, node, is_cut);
	}
	if (is_cut) {
		check_below_cut(walk, node);
	}
	check_place(walk, node, is_cut);
	for (size_t i = 0; i < zone_node_rrset_count(node); i++) {
		const struct rrset *rrset =
			zone_node_rrset_at(version, node, i);

		if (rrset->count > 0) {
			check_rrset(walk, node, rrset, is_cut);
		}
	}
	if (zone_node_find(version, node, RRTYPE_DNAME) != NULL) {
		dname_copy(&walk->dname, owner);
		walk->has_dname = true;
		walk->is_dname_told = false;
	}
	return true;
}

static void check_soa(struct check_walk *walk)
{
	const struct rrset *soa = zone_node_find(
		walk->version, zone_version_apex_node(walk->version),
		RRTYPE_SOA);
	/* RFC 1035 3.3.13: SERIAL to MINIMUM end the RDATA. */
	const uint8_t *end = rrset_next(rrset_first(soa));
	uint32_t refresh = wire_get32(end - 16);
	uint32_t retry = wire_get32(end - 12);

	walk->expire = wire_get32(end - 8);
	if (retry > refresh) {
		check_tell(walk, walk->apex, RRTYPE_SOA, NULL,
			   "the SOA's retry, %u, is above its refresh, %u",
			   retry, refresh);
	}
	if (walk->expire < (uint64_t)refresh + retry) {
		check_tell(walk, walk->apex, RRTYPE_SOA, NULL,
			   "the SOA's expire, %u, is below its refresh and "
			   "retry, %u and %u",
			   walk->expire, refresh, retry);
	}
}

static bool apex_has_signatures(const struct zone_version *version)
{
	const struct rrset *soa = zone_node_find(
		version, zone_version_apex_node(version), RRTYPE_SOA);

	return soa->signatures > 0;
}

struct zone_check_result zone_check(const struct zone_version *version,
				    const struct zone_check_options *options)
{
	const struct zone_node *apex = zone_version_apex_node(version);
	struct check_walk walk = {
		.version = version,
		.apex = zone_node_name(apex),
		.at = options->at,
		.is_verifying = options->is_verifying,
		.has_dnskey =
			zone_node_find(version, apex, RRTYPE_DNSKEY) != NULL,
		.func = options->finding,
		.context = options->context,
	};

	walk.is_signed = walk.has_dnskey && (zone_version_has_nsec(version) ||
					     zone_version_has_nsec3(version) ||
					     apex_has_signatures(version));
	check_soa(&walk);
	check_apex_keys(&walk);
	check_hosts_init(&walk);
	zone_version_walk(version, check_node, &walk);
	check_chain_ends(&walk);
	check_spare_hosts(&walk);
	check_hosts_fini(&walk);
	tell_tallies(&walk);
	for (unsigned i = 0; i < walk.key_count; i++) {
		signature_key_free(walk.keys[i].key);
	}
	return walk.result;
}
