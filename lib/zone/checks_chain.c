/*
 * checks_chain.c - is the denial of existence whole (RFC 4034 4, RFC 5155 7.1)?
 *
 * NSEC: the walk is in canonical order, so that each name's NSEC must name the
 * name that comes after it. NSEC3: each name is hashed and looked up, then the
 * records are walked in the order of hashes. What the number of matches leaves
 * over are NSEC3 of no name; only then are they sought.
 *
 * Opt-out (RFC 5155 6): a delegation without DS may have no NSEC3 where the one
 * that covers its hash says so, and so may an empty name below which nothing
 * but such delegations stand. That is known only after its whole subtree, so
 * such names wait in a stack until a name below needs them, or they are left.
 */
#include "lib/zone/checks_walk.h"

#include "lib/dns/rrtype.h"

#include <stdlib.h>
#include <string.h>

enum {
	HASH_DIGITS = 32, /* base32hex of SHA-1 */
	OPT_OUT = 1,      /* RFC 5155 3.1.2.1 */
	TYPES_MAX = 1024, /* more than a node may have */
	BITMAP_MAX = 256 * 34,
};

/* --- type bitmaps --------------------------------------------------------- */

/* Types of the node that a denial names, in order, RRSIG among them. */
static size_t node_types_of(const struct check_walk *walk,
			    const struct zone_node *node, bool is_cut,
			    uint16_t types[TYPES_MAX])
{
	size_t count = 0;
	size_t place = 0;
	bool has_signature = false;

	for (size_t i = 0; i < zone_node_rrset_count(node); i++) {
		const struct rrset *rrset =
			zone_node_rrset_at(walk->version, node, i);

		/* RFC 4034 4.1.2: at a cut, what the parent has to say */
		if (is_cut && rrset->type != RRTYPE_NS &&
		    rrset->type != RRTYPE_DS && rrset->type != RRTYPE_NSEC) {
			continue;
		}
		has_signature |= rrset->signatures > 0;
		if (rrset->count == 0 || count == TYPES_MAX - 1) {
			continue;
		}
		if (rrset->type < RRTYPE_RRSIG) {
			place = count + 1;
		}
		types[count++] = rrset->type;
	}
	if (has_signature) {
		memmove(types + place + 1, types + place,
			(count - place) * sizeof(*types));
		types[place] = RRTYPE_RRSIG;
		count++;
	}
	return count;
}

/* RFC 4034 4.1.2: windows of 256 types. */
static size_t bitmap_write(const uint16_t *types, size_t count,
			   uint8_t out[BITMAP_MAX])
{
	size_t length = 0;

	for (size_t i = 0; i < count;) {
		uint8_t window = (uint8_t)(types[i] >> 8);
		uint8_t *bits = out + length + 2;
		uint8_t used = 0;

		memset(bits, 0, 32);
		for (; i < count && types[i] >> 8 == window; i++) {
			uint8_t bit = (uint8_t)types[i];

			bits[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
			used = (uint8_t)(bit / 8 + 1);
		}
		out[length] = window;
		out[length + 1] = used;
		length += 2 + (size_t)used;
	}
	return length;
}

static void check_bitmap(struct check_walk *walk, const struct zone_node *node,
			 bool is_cut, const struct dname *owner, uint16_t type,
			 const uint8_t *record, size_t skip)
{
	uint16_t types[TYPES_MAX];
	uint8_t bitmap[BITMAP_MAX];
	size_t count = node_types_of(walk, node, is_cut, types);
	size_t length = bitmap_write(types, count, bitmap);

	if (rdata_length(record) < skip ||
	    rdata_length(record) - skip != length ||
	    memcmp(rdata_octets(record) + skip, bitmap, length) != 0) {
		check_count(walk, CHECK_BITMAP, owner, type, record);
	}
}

/* --- NSEC ----------------------------------------------------------------- */

/* Does the NSEC of the name before lead here? */
static void check_next(struct check_walk *walk, const struct dname *next)
{
	const uint8_t *record;

	if (walk->nsec == NULL) {
		return;
	}
	record = rrset_first(walk->nsec);
	if (rdata_length(record) < next->length ||
	    dname_wire_length(rdata_octets(record), rdata_length(record)) !=
		    next->length ||
	    !dname_octets_equal(rdata_octets(record), next->octets,
				next->length)) {
		check_count(walk, CHECK_NSEC_NEXT,
			    zone_node_name(walk->nsec_node), RRTYPE_NSEC,
			    record);
	}
}

void check_nsec(struct check_walk *walk, const struct zone_node *node,
		bool is_cut)
{
	const struct dname *owner = zone_node_name(node);
	const struct rrset *nsec =
		zone_node_find(walk->version, node, RRTYPE_NSEC);

	/* Nobody signs what a DNAME hides alike. */
	if (nsec == NULL && walk->has_dname &&
	    owner->labels > dname_of(&walk->dname)->labels &&
	    dname_is_below_or_equal(owner, dname_of(&walk->dname))) {
		return;
	}
	check_next(walk, owner);
	walk->nsec = nsec;
	walk->nsec_node = node;
	if (nsec == NULL) {
		check_count(walk, CHECK_NSEC_MISSING, owner, RRTYPE_NSEC, NULL);
		return;
	}
	if (nsec->count > 1) {
		check_tell(walk, owner, RRTYPE_NSEC, NULL,
			   "%u NSEC records at one name", nsec->count);
	}
	check_bitmap(walk, node, is_cut, owner, RRTYPE_NSEC, rrset_first(nsec),
		     dname_wire_length(rdata_octets(rrset_first(nsec)),
				       rdata_length(rrset_first(nsec))));
}

/* --- NSEC3: the names ----------------------------------------------------- */

static const struct rrset *nsec3_of(const struct check_walk *walk,
				    const struct zone_node *node)
{
	return zone_node_find(walk->version, node, RRTYPE_NSEC3);
}

/* Octets before the bitmap, 0 where the record is too short. */
static size_t nsec3_skip(const uint8_t *record)
{
	const uint8_t *rdata = rdata_octets(record);
	size_t size = rdata_length(record);

	if (size < 6 || size < 6u + rdata[4] ||
	    size < 6u + rdata[4] + rdata[5 + rdata[4]]) {
		return 0;
	}
	return 6u + rdata[4] + rdata[5 + rdata[4]];
}

/* Leave the empty names that are no ancestors of this one. */
static void leave_pending(struct check_walk *walk, const struct dname *name)
{
	while (walk->pending_count > 0 &&
	       !dname_is_below_or_equal(
		       name, zone_node_name(
				     walk->pending[walk->pending_count - 1]))) {
		walk->pending_count--;
	}
}

/* A name that is in the chain: so are the empty ones above it. */
static void need_pending(struct check_walk *walk)
{
	for (unsigned i = 0; i < walk->pending_count; i++) {
		check_count(walk, CHECK_NSEC3_MISSING,
			    zone_node_name(walk->pending[i]), RRTYPE_NSEC3,
			    NULL);
	}
	walk->pending_count = 0;
}

void check_nsec3(struct check_walk *walk, const struct zone_node *node,
		 bool is_cut)
{
	const struct dname *owner = zone_node_name(node);
	bool is_empty = zone_node_is_empty(node);
	bool is_needed =
		!is_empty &&
		(!is_cut || zone_node_find(walk->version, node, RRTYPE_DS));
	const struct zone_node *found;
	const uint8_t *record;
	uint8_t hash[NSEC3_HASH_SIZE];
	bool is_match;

	/* As with NSEC: what a DNAME hides may be in the chain, or not. */
	if (walk->has_dname && owner->labels > dname_of(&walk->dname)->labels &&
	    dname_is_below_or_equal(owner, dname_of(&walk->dname))) {
		is_needed = false;
		is_empty = false;
	}
	zone_nsec3_hash(walk->version, owner, hash);
	found = zone_find_nsec3(walk->version, hash, &is_match);
	leave_pending(walk, owner);
	if (is_needed) {
		need_pending(walk);
	}
	record = found != NULL ? rrset_first(nsec3_of(walk, found)) : NULL;
	if (record != NULL && is_match) {
		walk->nsec3_matched++;
		check_bitmap(walk, node, is_cut, owner, RRTYPE_NSEC3, record,
			     nsec3_skip(record));
	} else if (is_needed) {
		check_count(walk, CHECK_NSEC3_MISSING, owner, RRTYPE_NSEC3,
			    NULL);
	} else if (record != NULL && (rdata_octets(record)[1] & OPT_OUT) != 0) {
		if (is_empty) {
			walk->pending[walk->pending_count++] = node;
		}
	} else if (is_cut || is_empty) {
		check_count(walk,
			    is_cut ? CHECK_NSEC3_OPT_OUT : CHECK_NSEC3_MISSING,
			    owner, RRTYPE_NSEC3, NULL);
	}
}

/* --- NSEC3: the records --------------------------------------------------- */

/* The hash that a name's first label spells (RFC 4648 7). */
static bool hash_of(const struct dname *owner, uint8_t hash[NSEC3_HASH_SIZE])
{
	const uint8_t *digit = owner->octets + 1;

	if (owner->octets[0] != HASH_DIGITS) {
		return false;
	}
	for (unsigned i = 0; i < NSEC3_HASH_SIZE; i += 5) {
		uint64_t bits = 0;

		for (unsigned k = 0; k < 8; k++, digit++) {
			uint8_t octet = dname_fold(*digit);

			if (octet >= '0' && octet <= '9') {
				bits = bits << 5 | (uint64_t)(octet - '0');
			} else if (octet >= 'a' && octet <= 'v') {
				bits = bits << 5 | (uint64_t)(octet - 'a' + 10);
			} else {
				return false;
			}
		}
		for (unsigned k = 0; k < 5; k++) {
			hash[i + k] = (uint8_t)(bits >> (32 - 8 * k));
		}
	}
	return true;
}

/* Does the NSEC3 before lead to this owner? */
static void check_next_hash(struct check_walk *walk,
			    const struct zone_node *before,
			    const struct zone_node *node)
{
	const uint8_t *record = rrset_first(nsec3_of(walk, before));
	size_t skip = nsec3_skip(record);
	uint8_t hash[NSEC3_HASH_SIZE];

	if (!hash_of(zone_node_name(node), hash) || skip < NSEC3_HASH_SIZE ||
	    rdata_octets(record)[skip - NSEC3_HASH_SIZE - 1] !=
		    NSEC3_HASH_SIZE ||
	    memcmp(rdata_octets(record) + skip - NSEC3_HASH_SIZE, hash,
		   NSEC3_HASH_SIZE) != 0) {
		check_count(walk, CHECK_NSEC3_NEXT, zone_node_name(before),
			    RRTYPE_NSEC3, record);
	}
}

/* Are the parameters those of the NSEC3PARAM that is served? */
static bool is_of_chain(const struct check_walk *walk, const uint8_t *record)
{
	const uint8_t *rdata = rdata_octets(record);
	struct nsec3_parameters parameters;

	return zone_nsec3_parameters(walk->version, &parameters) &&
	       rdata_length(record) >= 5 && rdata[0] == parameters.algorithm &&
	       (rdata[1] & ~OPT_OUT) == 0 &&
	       wire_get16(rdata + 2) == parameters.iterations &&
	       rdata[4] == parameters.salt_length &&
	       memcmp(rdata + 5, parameters.salt, parameters.salt_length) == 0;
}

static bool check_nsec3_node(const struct zone_version *version,
			     const struct zone_node *node, void *context)
{
	struct check_walk *walk = context;
	const struct dname *owner = zone_node_name(node);
	const struct rrset *rrset = zone_node_find(version, node, RRTYPE_NSEC3);
	const uint8_t *record;
	uint8_t hash[NSEC3_HASH_SIZE];

	if (rrset == NULL) {
		return true;
	}
	check_signatures(walk, owner, rrset);
	record = rrset_first(rrset);
	if (owner->labels != walk->apex->labels + 1 || !hash_of(owner, hash) ||
	    rrset->count > 1 || !is_of_chain(walk, record)) {
		check_count(walk, CHECK_NSEC3_FORM, owner, RRTYPE_NSEC3,
			    record);
		return true;
	}
	walk->nsec3_count++;
	if (walk->nsec3_last != NULL) {
		check_next_hash(walk, walk->nsec3_last, node);
	} else {
		walk->nsec3_first = node;
	}
	walk->nsec3_last = node;
	return true;
}

/* The NSEC3 that names have, to find those that no name has. */
struct matches {
	const struct zone_node **nodes;
	size_t count;
	size_t room;
	struct check_walk *walk;
};

static bool note_match(const struct zone_version *version,
		       const struct zone_node *node, void *context)
{
	struct matches *matches = context;
	const struct dname *owner = zone_node_name(node);
	const struct zone_node *cut = zone_find_cut(version, owner);
	const struct zone_node *found;
	uint8_t hash[NSEC3_HASH_SIZE];
	bool is_match;

	if (cut != NULL && cut != node) {
		return true;
	}
	zone_nsec3_hash(version, owner, hash);
	found = zone_find_nsec3(version, hash, &is_match);
	if (found != NULL && is_match && matches->count < matches->room) {
		matches->nodes[matches->count++] = found;
	}
	return true;
}

static int pointer_compare(const void *a, const void *b)
{
	const struct zone_node *const *left = a;
	const struct zone_node *const *right = b;

	return (*left > *right) - (*left < *right);
}

static bool tell_orphan(const struct zone_version *version,
			const struct zone_node *node, void *context)
{
	struct matches *matches = context;

	if (zone_node_find(version, node, RRTYPE_NSEC3) != NULL &&
	    bsearch(&node, matches->nodes, matches->count,
		    sizeof(*matches->nodes), pointer_compare) == NULL) {
		check_count(matches->walk, CHECK_NSEC3_ORPHAN,
			    zone_node_name(node), RRTYPE_NSEC3, NULL);
	}
	return true;
}

static void find_orphans(struct check_walk *walk)
{
	struct matches matches = {
		.room = zone_version_names(walk->version),
		.walk = walk,
	};

	matches.nodes = malloc(matches.room * sizeof(*matches.nodes));
	if (matches.nodes == NULL) {
		return;
	}
	zone_version_walk(walk->version, note_match, &matches);
	qsort(matches.nodes, matches.count, sizeof(*matches.nodes),
	      pointer_compare);
	zone_version_walk_nsec3(walk->version, tell_orphan, &matches);
	free(matches.nodes);
}

static bool note_stray(const struct zone_version *version,
		       const struct zone_node *node, void *context)
{
	(void)version;
	check_count(context, CHECK_STRAY, zone_node_name(node), RRTYPE_NSEC3,
		    NULL);
	return true;
}

static bool stop_at_first(const struct zone_version *version,
			  const struct zone_node *node, void *context)
{
	(void)version;
	(void)node;
	*(bool *)context = true;
	return false;
}

static void check_nsec3_ends(struct check_walk *walk)
{
	zone_version_walk_nsec3(walk->version, check_nsec3_node, walk);
	if (walk->nsec3_last != NULL) {
		check_next_hash(walk, walk->nsec3_last, walk->nsec3_first);
	}
	if (walk->nsec3_matched != walk->nsec3_count) {
		find_orphans(walk);
	}
}

void check_chain_ends(struct check_walk *walk)
{
	bool has_nsec = zone_version_has_nsec(walk->version);
	bool has_nsec3 = zone_version_has_nsec3(walk->version);
	bool has_hashes = false;

	if (!walk->has_dnskey) {
		zone_version_walk_nsec3(walk->version, note_stray, walk);
		return;
	}
	/* RFC 4034 4.1.1: the last NSEC leads back to the apex. */
	check_next(walk, walk->apex);
	zone_version_walk_nsec3(walk->version, stop_at_first, &has_hashes);
	if (has_nsec3) {
		check_nsec3_ends(walk);
	} else if (has_hashes) {
		check_tell(walk, walk->apex, RRTYPE_NSEC3PARAM, NULL,
			   "NSEC3 records, and no NSEC3PARAM of algorithm 1 "
			   "and flags 0 that says how names are hashed");
	}
	if (has_nsec && has_nsec3) {
		check_tell(walk, walk->apex, RRTYPE_NSEC, NULL,
			   "both NSEC and NSEC3 records");
	}
	if (walk->is_signed && !has_nsec && !has_nsec3) {
		check_tell(walk, walk->apex, RRTYPE_DNSKEY, NULL,
			   "signed, but with neither an NSEC nor an NSEC3 "
			   "chain");
	}
}
