/*
 * checks.c - one walk over a version, in canonical order.
 *
 * The walk knows where it is: below which cut (then a name is glue or
 * occluded), and below which DNAME. So every check is a look at one node, and
 * the whole costs one pass. Findings that can come by the thousand are tallied
 * and told once at the end, with the first name.
 */
#include "lib/zone/checks.h"

#include "lib/dns/rrtype.h"
#include "lib/zone/lookup.h"

#include <stdio.h>
#include <string.h>

/* A kind of finding that is told once: how many, and where first. */
struct tally {
	size_t count;
	struct dname_storage owner;
	uint16_t type;
};

struct walk {
	const struct zone_version *version;
	const struct dname *apex;
	int64_t at;
	uint32_t expire;
	bool is_signed;

	struct dname_storage cut; /* the last one */
	struct dname_storage dname;
	struct dname_storage nsec_owner; /* of the last authoritative name */
	struct dname_storage nsec_next;
	bool has_cut;
	bool has_dname;
	bool is_dname_told;
	bool has_nsec; /* nsec_owner and nsec_next are set */

	struct tally long_ttl;
	struct tally unsigned_sets;
	struct tally expired;
	struct tally early;
	struct tally chain;

	zone_finding_func func;
	void *context;
	struct zone_check_result result;
};

static void tell(struct walk *walk, enum zone_check_severity severity,
		 const struct dname *owner, uint16_t type, const char *text)
{
	struct zone_finding finding = {severity, owner, type, text};

	if (severity == ZONE_CHECK_ERROR) {
		walk->result.errors++;
	} else {
		walk->result.warnings++;
	}
	if (walk->func != NULL) {
		walk->func(&finding, walk->context);
	}
}

static void count(struct tally *tally, const struct dname *owner, uint16_t type)
{
	if (tally->count++ == 0) {
		dname_copy(&tally->owner, owner);
		tally->type = type;
	}
}

static void tell_tally(struct walk *walk, struct tally *tally, const char *what)
{
	char text[ZONE_CHECK_TEXT_MAX];

	if (tally->count > 0) {
		snprintf(text, sizeof(text), "%zu %s, the first", tally->count,
			 what);
		tell(walk, ZONE_CHECK_WARNING, dname_of(&tally->owner),
		     tally->type, text);
	}
}

/* --- the hosts that NS and MX name ---------------------------------------- */

static bool has_address(const struct zone_version *version,
			const struct zone_node *node)
{
	return zone_node_find(version, node, RRTYPE_A) != NULL ||
	       zone_node_find(version, node, RRTYPE_AAAA) != NULL;
}

static void tell_host(struct walk *walk, const struct dname *owner,
		      uint16_t type, const char *format,
		      const struct dname *host)
{
	char text[ZONE_CHECK_TEXT_MAX];
	char name[DNAME_TEXT_MAX];

	snprintf(text, sizeof(text), "%s '%.180s'", format,
		 dname_dump(host, name));
	tell(walk, ZONE_CHECK_WARNING, owner, type, text);
}

/* A host of ours (not below a cut) that a record of owner names. */
static void check_own_host(struct walk *walk, const struct dname *owner,
			   uint16_t type, const struct dname *host)
{
	struct lookup lookup;

	zone_lookup(walk->version, host, RRTYPE_A, &lookup);
	switch (lookup.kind) {
	case LOOKUP_CNAME:
	case LOOKUP_DNAME:
		/* RFC 2181 10.3 */
		tell_host(walk, owner, type, "names an alias", host);
		break;
	case LOOKUP_NXDOMAIN:
		tell_host(walk, owner, type, "names a host that is missing",
			  host);
		break;
	case LOOKUP_NODATA:
		zone_lookup(walk->version, host, RRTYPE_AAAA, &lookup);
		if (lookup.kind == LOOKUP_NODATA) {
			tell_host(walk, owner, type,
				  "names a host without an address", host);
		}
		break;
	case LOOKUP_ANSWER:
	case LOOKUP_DELEGATION:
		break;
	}
}

/* A name server below the cut that it serves is unreachable without glue. */
static void check_glue(struct walk *walk, const struct dname *cut,
		       const struct dname *host)
{
	const struct zone_node *node = zone_find_node(walk->version, host);

	if (node == NULL || !has_address(walk->version, node)) {
		tell_host(walk, cut, RRTYPE_NS, "no glue for", host);
	}
}

static void check_hosts(struct walk *walk, const struct dname *owner,
			const struct rrset *rrset, size_t skip, bool is_cut)
{
	const uint8_t *record = rrset_first(rrset);

	for (unsigned i = 0; i < rrset->count; i++) {
		struct dname_storage storage;
		const struct dname *host = dname_of(&storage);

		dname_from_octets(&storage, rdata_octets(record) + skip);
		record = rrset_next(record);
		if (is_cut && dname_is_below_or_equal(host, owner)) {
			check_glue(walk, owner, host);
		} else if (host->length > 1 && /* RFC 7505: MX of '.' */
			   dname_is_below_or_equal(host, walk->apex)) {
			check_own_host(walk, owner, rrset->type, host);
		}
	}
}

/* --- signatures and the NSEC chain ---------------------------------------- */

/* Is a before b on the circle of RFC 1982? */
static bool is_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* A set is good as long as one of its signatures is. */
static void check_signatures(struct walk *walk, const struct dname *owner,
			     const struct rrset *rrset)
{
	const uint8_t *record = rrset_first_signature(rrset);
	uint32_t now = (uint32_t)walk->at;
	bool has_current = false;
	bool has_early = false;

	if (rrset->signatures == 0) {
		count(&walk->unsigned_sets, owner, rrset->type);
		return;
	}
	if (walk->at == ZONE_CHECK_NEVER) {
		return;
	}
	for (unsigned i = 0; i < rrset->signatures; i++) {
		/* RFC 4034 3.1: expiration at 8, inception at 12 */
		uint32_t expiration = wire_get32(rdata_octets(record) + 8);
		uint32_t inception = wire_get32(rdata_octets(record) + 12);

		if (is_before(now, inception)) {
			has_early = true;
		} else if (!is_before(expiration, now)) {
			has_current = true;
		}
		record = rrset_next(record);
	}
	if (!has_current) {
		count(has_early ? &walk->early : &walk->expired, owner,
		      rrset->type);
	}
}

/* Each authoritative name's NSEC names the one that comes after it. */
static void check_chain(struct walk *walk, const struct zone_node *node)
{
	const struct dname *owner = zone_node_name(node);
	const struct rrset *nsec =
		zone_node_find(walk->version, node, RRTYPE_NSEC);

	if (walk->has_nsec && !dname_equal(dname_of(&walk->nsec_next), owner)) {
		count(&walk->chain, dname_of(&walk->nsec_owner), RRTYPE_NSEC);
	}
	walk->has_nsec = nsec != NULL;
	if (nsec == NULL) {
		count(&walk->chain, owner, RRTYPE_NSEC);
		return;
	}
	dname_copy(&walk->nsec_owner, owner);
	dname_from_octets(&walk->nsec_next, rdata_octets(rrset_first(nsec)));
}

/* --- the walk ------------------------------------------------------------- */

static void check_rrset(struct walk *walk, const struct dname *owner,
			const struct rrset *rrset, bool is_cut)
{
	if (rrset->ttl > walk->expire) {
		count(&walk->long_ttl, owner, rrset->type);
	}
	if (rrset->type == RRTYPE_NS) {
		check_hosts(walk, owner, rrset, 0, is_cut);
	} else if (rrset->type == RRTYPE_MX && !is_cut) {
		check_hosts(walk, owner, rrset, 2, false);
	}
	/* RFC 4035 2.2: at a cut, DS and NSEC alone are signed */
	if (walk->is_signed && (!is_cut || rrset->type == RRTYPE_DS ||
				rrset->type == RRTYPE_NSEC)) {
		check_signatures(walk, owner, rrset);
	}
}

static void check_below_dname(struct walk *walk, const struct dname *owner)
{
	/* RFC 6672 2.4 */
	if (walk->has_dname && !walk->is_dname_told &&
	    dname_is_below_or_equal(owner, dname_of(&walk->dname))) {
		tell_host(walk, dname_of(&walk->dname), RRTYPE_DNAME,
			  "a DNAME hides names below it:", owner);
		walk->is_dname_told = true;
	}
}

static bool check_node(const struct zone_version *version,
		       const struct zone_node *node, void *context)
{
	struct walk *walk = context;
	const struct dname *owner = zone_node_name(node);
	bool is_cut;

	check_below_dname(walk, owner);
	if ((walk->has_cut &&
	     dname_is_below_or_equal(owner, dname_of(&walk->cut))) ||
	    zone_node_is_empty(node)) {
		return true;
	}
	is_cut = !dname_equal(owner, walk->apex) &&
		 zone_node_find(version, node, RRTYPE_NS) != NULL;
	if (is_cut) {
		dname_copy(&walk->cut, owner);
		walk->has_cut = true;
	}
	if (zone_version_has_nsec(version)) {
		check_chain(walk, node);
	}
	for (size_t i = 0; i < zone_node_rrset_count(node); i++) {
		const struct rrset *rrset =
			zone_node_rrset_at(version, node, i);

		if (rrset->count > 0) {
			check_rrset(walk, owner, rrset, is_cut);
		}
	}
	if (zone_node_find(version, node, RRTYPE_DNAME) != NULL) {
		dname_copy(&walk->dname, owner);
		walk->has_dname = true;
		walk->is_dname_told = false;
	}
	return true;
}

/* NSEC3 records are signed like all others. */
static bool check_nsec3_node(const struct zone_version *version,
			     const struct zone_node *node, void *context)
{
	const struct rrset *rrset = zone_node_find(version, node, RRTYPE_NSEC3);

	if (rrset != NULL) {
		check_rrset(context, zone_node_name(node), rrset, false);
	}
	return true;
}

static uint32_t expire_of(const struct zone_version *version)
{
	const struct rrset *soa = zone_node_find(
		version, zone_version_apex_node(version), RRTYPE_SOA);
	const uint8_t *end = rrset_next(rrset_first(soa));

	return wire_get32(end - 8); /* before MINIMUM, RFC 1035 3.3.13 */
}

struct zone_check_result zone_check(const struct zone_version *version,
				    int64_t at, zone_finding_func func,
				    void *context)
{
	struct walk walk = {
		.version = version,
		.apex = zone_version_apex(version),
		.at = at,
		.expire = expire_of(version),
		.is_signed = zone_version_has_nsec(version) ||
			     zone_version_has_nsec3(version),
		.func = func,
		.context = context,
	};

	zone_version_walk(version, check_node, &walk);
	zone_version_walk_nsec3(version, check_nsec3_node, &walk);
	/* The last NSEC leads back to the apex (RFC 4034 4.1.1). */
	if (walk.has_nsec &&
	    !dname_equal(dname_of(&walk.nsec_next), walk.apex)) {
		count(&walk.chain, dname_of(&walk.nsec_owner), RRTYPE_NSEC);
	}
	tell_tally(&walk, &walk.chain, "faults in the NSEC chain");
	tell_tally(&walk, &walk.unsigned_sets, "sets without a signature");
	tell_tally(&walk, &walk.expired, "sets whose signatures have expired");
	tell_tally(&walk, &walk.early,
		   "sets whose signatures are not valid yet");
	tell_tally(&walk, &walk.long_ttl, "TTLs above the SOA's expire");
	return walk.result;
}
