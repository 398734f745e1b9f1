/*
 * update.c - UPDATE messages, written tightly and read distrustfully.
 *
 * Attributes stand in ascending order of their type, save MP_REACH_NLRI, which
 * comes first (RFC 7606 5.1):
 *
 *	MP_REACH(14)? ORIGIN(1) AS_PATH(2) NEXT_HOP(3)? MED(4)? LOCAL_PREF(5)?
 *	COMMUNITIES(8)? AS4_PATH(17)? LARGE_COMMUNITY(32)? OTC(35)?
 *
 * Everything but the NLRI is written first, into a scratch of its own, so that
 * the room left for prefixes is known before the first of them is placed. At
 * their limits (BGP_PREPEND_MAX and so on) the attributes take under 1,200
 * octets: a message always has room for a prefix.
 *
 * COMMUNITIES of length 0 would make BIRD and FRR drop the route: a list that
 * is empty is no attribute.
 */
#include "lib/bgp/update.h"

#include "lib/base/wire.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	FLAG_OPTIONAL = 0x80,
	FLAG_TRANSITIVE = 0x40,
	FLAG_EXTENDED = 0x10,

	ATTRIBUTE_ORIGIN = 1,
	ATTRIBUTE_AS_PATH = 2,
	ATTRIBUTE_NEXT_HOP = 3,
	ATTRIBUTE_MED = 4,
	ATTRIBUTE_LOCAL_PREF = 5,
	ATTRIBUTE_COMMUNITIES = 8,
	ATTRIBUTE_MP_REACH = 14,
	ATTRIBUTE_MP_UNREACH = 15,
	ATTRIBUTE_AS4_PATH = 17,
	ATTRIBUTE_LARGE_COMMUNITY = 32,
	ATTRIBUTE_OTC = 35,

	ORIGIN_IGP = 0,
	AS_SEQUENCE = 2,
	AFI_IPV4 = 1,
	AFI_IPV6 = 2,
	SAFI_UNICAST = 1,

	ATTRIBUTES_MAX = 1280,
	/* Header, length of withdrawn routes, length of attributes. */
	UPDATE_FIXED = BGP_HEADER_SIZE + 4,
	/*
	 * Flags, type, extended length; AFI, SAFI, next hop's length, reserved.
	 */
	MP_REACH_FIXED = 4 + 5,
	MP_UNREACH_FIXED = 4 + 3,
};

/* --- attributes as values ------------------------------------------------- */

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int compare_large(const void *a, const void *b)
{
	const struct bgp_large_community *x = a;
	const struct bgp_large_community *y = b;

	if (x->global != y->global) {
		return x->global < y->global ? -1 : 1;
	}
	if (x->local1 != y->local1) {
		return x->local1 < y->local1 ? -1 : 1;
	}
	return (x->local2 > y->local2) - (x->local2 < y->local2);
}

/* Sort, keep each once; what is left behind becomes 0. */
static uint16_t sort_unique(void *list, size_t count, size_t size, size_t max,
			    int (*compare)(const void *, const void *))
{
	uint8_t *items = list;
	size_t kept = 0;

	qsort(items, count, size, compare);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 &&
		    compare(items + (kept - 1) * size, items + i * size) == 0) {
			continue;
		}
		memmove(items + kept * size, items + i * size, size);
		kept++;
	}
	memset(items + kept * size, 0, (max - kept) * size);
	return (uint16_t)kept;
}

void bgp_attributes_normalise(struct bgp_attributes *a)
{
	assert(a->community_count <= BGP_COMMUNITIES_MAX);
	assert(a->large_count <= BGP_LARGE_COMMUNITIES_MAX);
	a->community_count = sort_unique(a->communities, a->community_count,
					 sizeof(a->communities[0]),
					 BGP_COMMUNITIES_MAX, compare_u32);
	a->large_count =
		sort_unique(a->large, a->large_count, sizeof(a->large[0]),
			    BGP_LARGE_COMMUNITIES_MAX, compare_large);
	if (!a->has_med) {
		a->med = 0;
	}
	if (!a->has_local_pref) {
		a->local_pref = 0;
	}
	if (a->prepend > BGP_PREPEND_MAX) {
		a->prepend = BGP_PREPEND_MAX;
	}
}

bool bgp_attributes_equal(const struct bgp_attributes *a,
			  const struct bgp_attributes *b)
{
	return a->has_med == b->has_med && a->med == b->med &&
	       a->has_local_pref == b->has_local_pref &&
	       a->local_pref == b->local_pref && a->prepend == b->prepend &&
	       a->community_count == b->community_count &&
	       a->large_count == b->large_count &&
	       memcmp(a->communities, b->communities,
		      a->community_count * sizeof(a->communities[0])) == 0 &&
	       memcmp(a->large, b->large,
		      a->large_count * sizeof(a->large[0])) == 0;
}

bool bgp_attributes_add_community(struct bgp_attributes *attributes,
				  uint32_t community)
{
	for (size_t i = 0; i < attributes->community_count; i++) {
		if (attributes->communities[i] == community) {
			return true;
		}
	}
	if (attributes->community_count >= BGP_COMMUNITIES_MAX) {
		return false;
	}
	attributes->communities[attributes->community_count++] = community;
	bgp_attributes_normalise(attributes);
	return true;
}

/* --- writing -------------------------------------------------------------- */

static void attribute_begin(struct wire_writer *w, uint8_t flags, uint8_t type,
			    size_t size)
{
	if (size > UINT8_MAX) {
		wire_write8(w, flags | FLAG_EXTENDED);
		wire_write8(w, type);
		wire_write16(w, (uint16_t)size);
		return;
	}
	wire_write8(w, flags);
	wire_write8(w, type);
	wire_write8(w, (uint8_t)size);
}

/* Our AS as often as it is to be there; 2 or 4 octets each (RFC 6793 4.2.2). */
static void write_path(struct wire_writer *w, uint8_t flags, uint8_t type,
		       uint32_t as, unsigned count, bool is_wide)
{
	attribute_begin(w, flags, type, 2 + count * (is_wide ? 4u : 2u));
	wire_write8(w, AS_SEQUENCE);
	wire_write8(w, (uint8_t)count);
	for (unsigned i = 0; i < count; i++) {
		if (is_wide) {
			wire_write32(w, as);
		} else {
			wire_write16(w, as > UINT16_MAX ? BGP_AS_TRANS
							: (uint16_t)as);
		}
	}
}

static void write_as_path(struct wire_writer *w,
			  const struct bgp_update_session *session,
			  const struct bgp_attributes *attributes)
{
	if (session->is_internal) {
		attribute_begin(w, FLAG_TRANSITIVE, ATTRIBUTE_AS_PATH, 0);
		return;
	}
	write_path(w, FLAG_TRANSITIVE, ATTRIBUTE_AS_PATH, session->local_as,
		   1u + attributes->prepend, session->has_as4);
}

static void write_communities(struct wire_writer *w,
			      const struct bgp_attributes *attributes)
{
	if (attributes->community_count == 0) {
		return;
	}
	attribute_begin(w, FLAG_OPTIONAL | FLAG_TRANSITIVE,
			ATTRIBUTE_COMMUNITIES,
			4u * attributes->community_count);
	for (size_t i = 0; i < attributes->community_count; i++) {
		wire_write32(w, attributes->communities[i]);
	}
}

static void write_large(struct wire_writer *w,
			const struct bgp_attributes *attributes)
{
	if (attributes->large_count == 0) {
		return;
	}
	attribute_begin(w, FLAG_OPTIONAL | FLAG_TRANSITIVE,
			ATTRIBUTE_LARGE_COMMUNITY,
			12u * attributes->large_count);
	for (size_t i = 0; i < attributes->large_count; i++) {
		wire_write32(w, attributes->large[i].global);
		wire_write32(w, attributes->large[i].local1);
		wire_write32(w, attributes->large[i].local2);
	}
}

/* RFC 9234 5: towards customers, peers and route server clients. */
static bool needs_otc(const struct bgp_update_session *session)
{
	return !session->is_internal &&
	       (session->role == BGP_ROLE_PROVIDER ||
		session->role == BGP_ROLE_PEER ||
		session->role == BGP_ROLE_ROUTE_SERVER);
}

/* Every attribute but MP_REACH_NLRI. */
static void write_attributes(struct wire_writer *w,
			     const struct bgp_update_session *session,
			     const struct bgp_attributes *attributes,
			     uint16_t family)
{
	attribute_begin(w, FLAG_TRANSITIVE, ATTRIBUTE_ORIGIN, 1);
	wire_write8(w, ORIGIN_IGP);
	write_as_path(w, session, attributes);
	if (family == AF_INET) {
		attribute_begin(w, FLAG_TRANSITIVE, ATTRIBUTE_NEXT_HOP, 4);
		wire_write(w, session->next_hop_ipv4, 4);
	}
	if (attributes->has_med) {
		attribute_begin(w, FLAG_OPTIONAL, ATTRIBUTE_MED, 4);
		wire_write32(w, attributes->med);
	}
	if (session->is_internal) {
		attribute_begin(w, FLAG_TRANSITIVE, ATTRIBUTE_LOCAL_PREF, 4);
		wire_write32(w, attributes->has_local_pref
					? attributes->local_pref
					: BGP_LOCAL_PREF_DEFAULT);
	}
	write_communities(w, attributes);
	if (!session->is_internal && !session->has_as4 &&
	    session->local_as > UINT16_MAX) {
		write_path(w, FLAG_OPTIONAL | FLAG_TRANSITIVE,
			   ATTRIBUTE_AS4_PATH, session->local_as,
			   1u + attributes->prepend, true);
	}
	write_large(w, attributes);
	if (needs_otc(session)) {
		attribute_begin(w, FLAG_OPTIONAL | FLAG_TRANSITIVE,
				ATTRIBUTE_OTC, 4);
		wire_write32(w, session->local_as);
	}
}

static size_t prefix_octets(const struct prefix *prefix)
{
	return 1u + (prefix->length + 7u) / 8u;
}

/* How many of the first count prefixes fit in room, and what they take. */
static size_t take_prefixes(const struct prefix *prefixes, size_t count,
			    size_t room, size_t *octets)
{
	size_t taken = 0;

	*octets = 0;
	while (taken < count &&
	       *octets + prefix_octets(&prefixes[taken]) <= room) {
		*octets += prefix_octets(&prefixes[taken]);
		taken++;
	}
	return taken;
}

static void write_prefixes(struct wire_writer *w, const struct prefix *prefixes,
			   size_t count)
{
	for (size_t i = 0; i < count; i++) {
		wire_write8(w, prefixes[i].length);
		wire_write(w, prefixes[i].octets,
			   prefix_octets(&prefixes[i]) - 1);
	}
}

static struct wire_writer update_begin(uint8_t out[BGP_MESSAGE_MAX])
{
	struct wire_writer w = wire_writer_init(out, BGP_MESSAGE_MAX);

	memset(wire_claim(&w, BGP_MARKER_SIZE), 0xff, BGP_MARKER_SIZE);
	wire_write16(&w, 0); /* set by update_end() */
	wire_write8(&w, BGP_TYPE_UPDATE);
	return w;
}

static size_t update_end(struct wire_writer *w)
{
	size_t size = wire_size(w);

	assert(!w->failed);
	wire_put16(w->start + BGP_MARKER_SIZE, (uint16_t)size);
	return size;
}

static void write_mp_reach(struct wire_writer *w,
			   const struct bgp_update_session *session,
			   const struct prefix *prefixes, size_t count,
			   size_t octets)
{
	attribute_begin(w, FLAG_OPTIONAL, ATTRIBUTE_MP_REACH,
			5u + session->next_hop_ipv6_size + octets);
	wire_write16(w, AFI_IPV6);
	wire_write8(w, SAFI_UNICAST);
	wire_write8(w, session->next_hop_ipv6_size);
	wire_write(w, session->next_hop_ipv6, session->next_hop_ipv6_size);
	wire_write8(w, 0); /* RFC 4760 3: reserved */
	write_prefixes(w, prefixes, count);
}

size_t bgp_announce_write(uint8_t out[BGP_MESSAGE_MAX],
			  const struct bgp_update_session *session,
			  const struct bgp_attributes *attributes,
			  const struct prefix *prefixes, size_t *count)
{
	uint8_t scratch[ATTRIBUTES_MAX];
	struct wire_writer common = wire_writer_init(scratch, sizeof(scratch));
	struct wire_writer w = update_begin(out);
	uint16_t family = prefixes[0].family;
	size_t room = BGP_MESSAGE_MAX - UPDATE_FIXED;
	size_t octets;
	uint8_t *length;

	assert(*count > 0);
	assert(family == AF_INET ? session->has_next_hop_ipv4
				 : session->next_hop_ipv6_size > 0);
	write_attributes(&common, session, attributes, family);
	assert(!common.failed);
	room -= wire_size(&common);
	wire_write16(&w, 0); /* withdrawn routes */
	length = wire_claim(&w, 2);
	if (family == AF_INET) {
		*count = take_prefixes(prefixes, *count, room, &octets);
		wire_write(&w, scratch, wire_size(&common));
		wire_put16(length, (uint16_t)wire_size(&common));
		write_prefixes(&w, prefixes, *count);
		return update_end(&w);
	}
	room -= MP_REACH_FIXED + session->next_hop_ipv6_size;
	*count = take_prefixes(prefixes, *count, room, &octets);
	write_mp_reach(&w, session, prefixes, *count, octets);
	wire_write(&w, scratch, wire_size(&common));
	wire_put16(length, (uint16_t)(w.at - length - 2));
	return update_end(&w);
}

size_t bgp_withdraw_write(uint8_t out[BGP_MESSAGE_MAX],
			  const struct prefix *prefixes, size_t *count)
{
	struct wire_writer w = update_begin(out);
	size_t room = BGP_MESSAGE_MAX - UPDATE_FIXED;
	size_t octets;
	uint8_t *length;

	assert(*count > 0);
	if (prefixes[0].family == AF_INET) {
		*count = take_prefixes(prefixes, *count, room, &octets);
		wire_write16(&w, (uint16_t)octets);
		write_prefixes(&w, prefixes, *count);
		wire_write16(&w, 0); /* attributes */
		return update_end(&w);
	}
	*count = take_prefixes(prefixes, *count, room - MP_UNREACH_FIXED,
			       &octets);
	wire_write16(&w, 0);
	length = wire_claim(&w, 2);
	attribute_begin(&w, FLAG_OPTIONAL, ATTRIBUTE_MP_UNREACH, 3 + octets);
	wire_write16(&w, AFI_IPV6);
	wire_write8(&w, SAFI_UNICAST);
	write_prefixes(&w, prefixes, *count);
	wire_put16(length, (uint16_t)(w.at - length - 2));
	return update_end(&w);
}

size_t bgp_end_of_rib_write(uint8_t out[BGP_MESSAGE_MAX],
			    enum bgp_families family)
{
	struct wire_writer w = update_begin(out);

	wire_write16(&w, 0);
	if (family == BGP_IPV4) {
		wire_write16(&w, 0);
		return update_end(&w);
	}
	wire_write16(&w, 6);
	attribute_begin(&w, FLAG_OPTIONAL, ATTRIBUTE_MP_UNREACH, 3);
	wire_write16(&w, AFI_IPV6);
	wire_write8(&w, SAFI_UNICAST);
	return update_end(&w);
}

/* --- reading -------------------------------------------------------------- */

/* Step over prefixes to the end; false where one cannot be. */
static bool count_prefixes(struct wire_reader r, unsigned most, uint32_t *count)
{
	while (wire_left(&r) > 0) {
		uint8_t length = wire_read8(&r);

		if (length > most) {
			return false;
		}
		wire_read(&r, (length + 7u) / 8u);
		if (r.failed) {
			return false;
		}
		(*count)++;
	}
	return true;
}

static unsigned family_of(uint16_t afi, uint8_t safi)
{
	if (safi != SAFI_UNICAST) {
		return 0;
	}
	return afi == AFI_IPV4 ? BGP_IPV4 : afi == AFI_IPV6 ? BGP_IPV6 : 0;
}

/*
 * MP_REACH_NLRI and MP_UNREACH_NLRI; families that are not ours are let pass.
 */
static bool count_multiprotocol(struct bgp_update_count *out, uint8_t type,
				struct wire_reader r)
{
	uint16_t afi = wire_read16(&r);
	uint8_t safi = wire_read8(&r);
	unsigned family = family_of(afi, safi);

	if (type == ATTRIBUTE_MP_REACH) {
		wire_read(&r, wire_read8(&r)); /* next hop */
		wire_read8(&r);                /* reserved */
	}
	if (r.failed) {
		return false;
	}
	if (family == 0) {
		return true;
	}
	if (type == ATTRIBUTE_MP_UNREACH && wire_left(&r) == 0) {
		out->end_of_rib |= (uint8_t)family;
		return true;
	}
	return count_prefixes(r, family == BGP_IPV4 ? 32 : 128,
			      type == ATTRIBUTE_MP_REACH ? &out->announced
							 : &out->withdrawn);
}

static bool count_attributes(struct bgp_update_count *out, struct wire_reader r)
{
	while (wire_left(&r) > 0) {
		uint8_t flags = wire_read8(&r);
		uint8_t type = wire_read8(&r);
		size_t size = flags & FLAG_EXTENDED ? wire_read16(&r)
						    : wire_read8(&r);
		struct wire_reader value = wire_read_sub(&r, size);

		if (r.failed) {
			return false;
		}
		if ((type == ATTRIBUTE_MP_REACH ||
		     type == ATTRIBUTE_MP_UNREACH) &&
		    !count_multiprotocol(out, type, value)) {
			return false;
		}
	}
	return true;
}

bool bgp_update_parse(struct bgp_update_count *out, const uint8_t *message,
		      size_t size)
{
	struct wire_reader r = wire_reader_init(message, size);
	struct wire_reader withdrawn;
	struct wire_reader attributes;

	*out = (struct bgp_update_count){0};
	wire_read(&r, BGP_HEADER_SIZE);
	withdrawn = wire_read_sub(&r, wire_read16(&r));
	attributes = wire_read_sub(&r, wire_read16(&r));
	if (r.failed) {
		out->is_malformed = true;
		return false;
	}
	if (wire_left(&withdrawn) == 0 && wire_left(&attributes) == 0 &&
	    wire_left(&r) == 0) {
		out->end_of_rib = BGP_IPV4;
		return true;
	}
	if (!count_prefixes(withdrawn, 32, &out->withdrawn) ||
	    !count_attributes(out, attributes) ||
	    !count_prefixes(r, 32, &out->announced)) {
		out->is_malformed = true;
		return false;
	}
	return true;
}

/* --- text ----------------------------------------------------------------- */

/* Decimal numbers with colons between, each at most its limit. */
static enum status numbers_load(uint32_t *out, const uint32_t *most,
				size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t value = 0;

		if (*text < '0' || *text > '9') {
			return STATUS_BAD_SYNTAX;
		}
		while (*text >= '0' && *text <= '9') {
			value = value * 10 + (uint64_t)(*text++ - '0');
			if (value > most[i]) {
				return STATUS_OUT_OF_RANGE;
			}
		}
		if (*text != (i + 1 < count ? ':' : '\0')) {
			return STATUS_BAD_SYNTAX;
		}
		text++;
		out[i] = (uint32_t)value;
	}
	return STATUS_OK;
}

enum status bgp_community_load(uint32_t *out, const char *text)
{
	static const uint32_t most[2] = {UINT16_MAX, UINT16_MAX};
	uint32_t numbers[2];
	enum status status = numbers_load(numbers, most, 2, text);

	if (status == STATUS_OK) {
		*out = numbers[0] << 16 | numbers[1];
	}
	return status;
}

enum status bgp_large_community_load(struct bgp_large_community *out,
				     const char *text)
{
	static const uint32_t most[3] = {UINT32_MAX, UINT32_MAX, UINT32_MAX};
	uint32_t numbers[3];
	enum status status = numbers_load(numbers, most, 3, text);

	if (status == STATUS_OK) {
		*out = (struct bgp_large_community){numbers[0], numbers[1],
						    numbers[2]};
	}
	return status;
}
