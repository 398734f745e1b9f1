/*
 * rib.h - what one peer should have been told, and what it was told.
 *
 * Desired state against told state (the Adj-RIB-Out of RFC 4271 1.1),
 * reconciled one message at a time: bgp_rib_next() writes the next UPDATE that
 * brings the peer nearer, withdrawals first. Nothing queues here: a wish that
 * changes before it was written leaves no trace on the wire, and a withdrawal
 * never stands behind an announcement. A route whose attributes change is
 * announced again without a withdrawal (implicit replace, RFC 4271 3.1). The
 * same wishes give the same bytes.
 *
 * Owned and used by one thread. Memory: the routes of one peer.
 */
#pragma once

#include "lib/base/address.h"
#include "lib/bgp/update.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bgp_rib;

struct bgp_route {
	struct prefix prefix;
	struct bgp_attributes attributes;
};

/* NULL when there is no memory. */
struct bgp_rib *bgp_rib_new(void);
void bgp_rib_free(struct bgp_rib *rib);

/*
 * The whole table that is desired from now on (copied; of a prefix that stands
 * there twice the first holds). STATUS_NO_MEMORY leaves the old wish standing;
 * to wish for nothing cannot fail.
 */
must_check enum status
bgp_rib_want(struct bgp_rib *rib, const struct bgp_route *routes, size_t count);

/* A session came up: nothing is told; End-of-RIB is due for each family. */
void bgp_rib_up(struct bgp_rib *rib, const struct bgp_update_session *session,
		unsigned families);

/* The session is gone: the peer holds nothing. */
void bgp_rib_down(struct bgp_rib *rib);

/*
 * The peer asked for a family again (RFC 2918): what was told is due once more.
 */
void bgp_rib_refresh(struct bgp_rib *rib, unsigned families);

enum bgp_rib_kind {
	BGP_RIB_NOTHING, /* the peer was told everything */
	BGP_RIB_WITHDRAW,
	BGP_RIB_ANNOUNCE,
	BGP_RIB_END,
};

/*
 * Write the next UPDATE and take it as told: the caller must either hand it to
 * TCP whole or end the session. *size is 0 with BGP_RIB_NOTHING. *count is the
 * number of prefixes in it.
 */
enum bgp_rib_kind bgp_rib_next(struct bgp_rib *rib,
			       uint8_t out[BGP_MESSAGE_MAX], size_t *size,
			       size_t *count);

/*
 * The prefixes of the UPDATE that bgp_rib_next() wrote last, *count of them.
 * Valid until the next call.
 */
const struct prefix *bgp_rib_last(const struct bgp_rib *rib);

/* Is nothing left to be written? True without a session. */
bool bgp_rib_is_settled(const struct bgp_rib *rib);

/* Is a withdrawal left to be written? */
bool bgp_rib_must_withdraw(const struct bgp_rib *rib);

/* Prefixes that the peer was told and may hold: how many; and the first max. */
size_t bgp_rib_told(const struct bgp_rib *rib, struct prefix *out, size_t max);

/* The order of the told: IPv4 first, then by address, the shorter first. */
int bgp_prefix_compare(const struct prefix *a, const struct prefix *b);
