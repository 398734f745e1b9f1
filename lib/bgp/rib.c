/*
 * rib.c - one sorted list that holds, for each prefix, wish and deed.
 *
 * An entry is wanted, or told, or both; the difference between the two is all
 * the work there is, found by walking the list. Tables here are short (an
 * anycast host announces a handful of prefixes, SPEAKER_ROUTES_MAX at most), so
 * a walk a message is cheaper than queues that would have to be kept true.
 *
 * Rejected: a queue of changes. It replays history to a peer that needs only
 * the present, and a withdrawal would have to overtake what stands before it.
 */
#include "lib/bgp/rib.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct prefix prefix;
	bool is_wanted;
	bool is_told;
	bool is_due; /* told, but asked for again */
	struct bgp_attributes wanted;
	struct bgp_attributes told;
};

enum {
	/* The shortest NLRI has one octet: no message holds more. */
	BATCH_MAX = BGP_MESSAGE_MAX - BGP_HEADER_SIZE,
};

struct bgp_rib {
	struct entry *entries; /* sorted by prefix */
	size_t count;
	struct bgp_update_session session;
	unsigned families; /* 0: no session */
	unsigned end_due;  /* families whose End-of-RIB is to come */
	struct prefix batch[BATCH_MAX];
	size_t batch_index[BATCH_MAX];
};

struct bgp_rib *bgp_rib_new(void)
{
	return calloc(1, sizeof(struct bgp_rib));
}

void bgp_rib_free(struct bgp_rib *rib)
{
	if (rib != NULL) {
		free(rib->entries);
		free(rib);
	}
}

int bgp_prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int order;

	if (a->family != b->family) {
		return a->family == AF_INET ? -1 : 1;
	}
	order = memcmp(a->octets, b->octets, sizeof(a->octets));
	return order != 0 ? order : (int)a->length - (int)b->length;
}

/* A route and its place in the caller's list: qsort() alone is not stable. */
struct wish {
	const struct bgp_route *route;
	size_t order;
};

static int wish_compare(const void *a, const void *b)
{
	const struct wish *x = a;
	const struct wish *y = b;
	int order = bgp_prefix_compare(&x->route->prefix, &y->route->prefix);

	if (order != 0) {
		return order;
	}
	return (x->order > y->order) - (x->order < y->order);
}

static void want_nothing(struct bgp_rib *rib)
{
	for (size_t i = 0; i < rib->count; i++) {
		rib->entries[i].is_wanted = false;
	}
}

/* Put the wish into a fresh entry. */
static void entry_want(struct entry *entry, const struct bgp_route *route)
{
	memset(entry, 0, sizeof(*entry));
	entry->prefix = route->prefix;
	entry->is_wanted = true;
	entry->wanted = route->attributes;
	bgp_attributes_normalise(&entry->wanted);
}

/* Merge sorted wishes with what was told; both inputs are in prefix order. */
static size_t merge(struct entry *out, const struct bgp_rib *rib,
		    const struct wish *wishes, size_t wish_count)
{
	size_t used = 0;
	size_t told = 0;
	size_t wish = 0;

	while (told < rib->count || wish < wish_count) {
		const struct entry *old =
			told < rib->count ? &rib->entries[told] : NULL;
		const struct bgp_route *route =
			wish < wish_count ? wishes[wish].route : NULL;
		int order = old == NULL ? 1
			    : route == NULL
				    ? -1
				    : bgp_prefix_compare(&old->prefix,
							 &route->prefix);

		if (order < 0) {
			if (old->is_told) {
				out[used] = *old;
				out[used++].is_wanted = false;
			}
			told++;
			continue;
		}
		entry_want(&out[used], route);
		if (order == 0) {
			out[used].is_told = old->is_told;
			out[used].is_due = old->is_due;
			out[used].told = old->told;
			told++;
		}
		used++;
		do { /* the first of equal prefixes holds */
			wish++;
		} while (wish < wish_count &&
			 prefix_equal(&wishes[wish].route->prefix,
				      &route->prefix));
	}
	return used;
}

enum status bgp_rib_want(struct bgp_rib *rib, const struct bgp_route *routes,
			 size_t count)
{
	struct wish *wishes;
	struct entry *entries;

	if (count == 0) {
		want_nothing(rib);
		return STATUS_OK;
	}
	wishes = malloc(count * sizeof(*wishes));
	entries = malloc((count + rib->count) * sizeof(*entries));
	if (wishes == NULL || entries == NULL) {
		free(wishes);
		free(entries);
		return STATUS_NO_MEMORY;
	}
	for (size_t i = 0; i < count; i++) {
		wishes[i] = (struct wish){&routes[i], i};
	}
	qsort(wishes, count, sizeof(*wishes), wish_compare);
	rib->count = merge(entries, rib, wishes, count);
	free(rib->entries);
	rib->entries = entries;
	free(wishes);
	return STATUS_OK;
}

static unsigned family_bit(const struct prefix *prefix)
{
	return prefix->family == AF_INET ? BGP_IPV4 : BGP_IPV6;
}

void bgp_rib_up(struct bgp_rib *rib, const struct bgp_update_session *session,
		unsigned families)
{
	bgp_rib_down(rib);
	rib->session = *session;
	rib->families = families;
	rib->end_due = families;
}

void bgp_rib_down(struct bgp_rib *rib)
{
	rib->families = 0;
	rib->end_due = 0;
	for (size_t i = 0; i < rib->count; i++) {
		rib->entries[i].is_told = false;
		rib->entries[i].is_due = false;
	}
}

void bgp_rib_refresh(struct bgp_rib *rib, unsigned families)
{
	families &= rib->families;
	rib->end_due |= families;
	for (size_t i = 0; i < rib->count; i++) {
		struct entry *entry = &rib->entries[i];

		if (entry->is_told && family_bit(&entry->prefix) & families) {
			entry->is_due = true;
		}
	}
}

static bool can_send(const struct bgp_rib *rib, const struct prefix *prefix)
{
	if ((family_bit(prefix) & rib->families) == 0) {
		return false;
	}
	return prefix->family == AF_INET ? rib->session.has_next_hop_ipv4
					 : rib->session.next_hop_ipv6_size > 0;
}

static bool needs_withdrawal(const struct entry *entry)
{
	return entry->is_told && !entry->is_wanted;
}

static bool needs_announcement(const struct bgp_rib *rib,
			       const struct entry *entry)
{
	return entry->is_wanted && can_send(rib, &entry->prefix) &&
	       (!entry->is_told || entry->is_due ||
		!bgp_attributes_equal(&entry->wanted, &entry->told));
}

/* Withdrawals of one family; 0 where there are none. */
static size_t next_withdrawal(struct bgp_rib *rib, uint16_t family,
			      uint8_t out[BGP_MESSAGE_MAX], size_t *count)
{
	size_t found = 0;
	size_t size;

	for (size_t i = 0; i < rib->count && found < BATCH_MAX; i++) {
		if (rib->entries[i].prefix.family == family &&
		    needs_withdrawal(&rib->entries[i])) {
			rib->batch_index[found] = i;
			rib->batch[found++] = rib->entries[i].prefix;
		}
	}
	if (found == 0) {
		return 0;
	}
	size = bgp_withdraw_write(out, rib->batch, &found);
	for (size_t i = 0; i < found; i++) {
		rib->entries[rib->batch_index[i]].is_told = false;
		rib->entries[rib->batch_index[i]].is_due = false;
	}
	*count = found;
	return size;
}

/* Announcements of one family that share their attributes; 0 where none are. */
static size_t next_announcement(struct bgp_rib *rib, uint16_t family,
				uint8_t out[BGP_MESSAGE_MAX], size_t *count)
{
	const struct bgp_attributes *shared = NULL;
	size_t found = 0;
	size_t size;

	for (size_t i = 0; i < rib->count && found < BATCH_MAX; i++) {
		const struct entry *entry = &rib->entries[i];

		if (entry->prefix.family != family ||
		    !needs_announcement(rib, entry)) {
			continue;
		}
		if (shared != NULL &&
		    !bgp_attributes_equal(shared, &entry->wanted)) {
			continue;
		}
		shared = &entry->wanted;
		rib->batch_index[found] = i;
		rib->batch[found++] = entry->prefix;
	}
	if (found == 0) {
		return 0;
	}
	size = bgp_announce_write(out, &rib->session, shared, rib->batch,
				  &found);
	for (size_t i = 0; i < found; i++) {
		struct entry *entry = &rib->entries[rib->batch_index[i]];

		entry->is_told = true;
		entry->is_due = false;
		entry->told = entry->wanted;
	}
	*count = found;
	return size;
}

enum bgp_rib_kind bgp_rib_next(struct bgp_rib *rib,
			       uint8_t out[BGP_MESSAGE_MAX], size_t *size,
			       size_t *count)
{
	*size = 0;
	*count = 0;
	if (rib->families == 0) {
		return BGP_RIB_NOTHING;
	}
	*size = next_withdrawal(rib, AF_INET, out, count);
	if (*size == 0) {
		*size = next_withdrawal(rib, AF_INET6, out, count);
	}
	if (*size > 0) {
		return BGP_RIB_WITHDRAW;
	}
	*size = next_announcement(rib, AF_INET, out, count);
	if (*size == 0) {
		*size = next_announcement(rib, AF_INET6, out, count);
	}
	if (*size > 0) {
		return BGP_RIB_ANNOUNCE;
	}
	if (rib->end_due != 0) {
		enum bgp_families family =
			rib->end_due & BGP_IPV4 ? BGP_IPV4 : BGP_IPV6;

		rib->end_due &= ~(unsigned)family;
		*size = bgp_end_of_rib_write(out, family);
		return BGP_RIB_END;
	}
	return BGP_RIB_NOTHING;
}

const struct prefix *bgp_rib_last(const struct bgp_rib *rib)
{
	return rib->batch;
}

bool bgp_rib_is_settled(const struct bgp_rib *rib)
{
	if (rib->families == 0) {
		return true;
	}
	for (size_t i = 0; i < rib->count; i++) {
		if (needs_withdrawal(&rib->entries[i]) ||
		    needs_announcement(rib, &rib->entries[i])) {
			return false;
		}
	}
	return rib->end_due == 0;
}

bool bgp_rib_must_withdraw(const struct bgp_rib *rib)
{
	for (size_t i = 0; i < rib->count; i++) {
		if (needs_withdrawal(&rib->entries[i])) {
			return true;
		}
	}
	return false;
}

size_t bgp_rib_told(const struct bgp_rib *rib, struct prefix *out, size_t max)
{
	size_t told = 0;

	for (size_t i = 0; i < rib->count; i++) {
		if (!rib->entries[i].is_told) {
			continue;
		}
		if (told < max) {
			out[told] = rib->entries[i].prefix;
		}
		told++;
	}
	return told;
}
