/*
 * zone_set.h - all zones that this server has a place for, by apex.
 *
 * One published root; readers find the deepest enclosing apex in one descent,
 * whatever the number of zones. One writer thread. Adding or removing one zone
 * of n costs O(log n). Zones are the caller's; they are freed (zone_free) after
 * they were removed.
 */
#pragma once

#include "lib/base/status.h"
#include "lib/dns/dname.h"
#include "lib/zone/lookup.h"
#include "lib/zone/zone.h"

#include <stddef.h>

struct zone_set;

struct zone_set *zone_set_new(void);
void zone_set_free(struct zone_set *set);

/* Writer. STATUS_EXISTS where the apex is there, STATUS_NO_MEMORY. */
must_check enum status zone_set_add(struct zone_set *set, struct zone *zone);
/*
 * Writer. Removes the zone; readers that are on-line may still use it.
 * STATUS_NOT_FOUND; STATUS_NO_MEMORY: it is still there, and must not be freed.
 */
must_check enum status zone_set_remove(struct zone_set *set, struct zone *zone);

/*
 * Reader, on-line: the deepest zone that encloses qname (RFC 1034 4.3.2, step
 * 2), or NULL: the caller answers REFUSED. The zone may have no version: the
 * caller answers SERVFAIL. Valid until the reader's next quiescent point.
 */
const struct zone *zone_set_find(const struct zone_set *set,
				 const struct dname *qname);

/* The same of the name that path->key was made of. */
const struct zone *zone_set_find_path(const struct zone_set *set,
				      struct lookup_path *path);

/* The same among the zones whose apex is a proper ancestor of qname (DS at an
 * apex). */
const struct zone *zone_set_find_above(const struct zone_set *set,
				       const struct dname *qname);

/* Writer: the zone of exactly that apex, or NULL. */
struct zone *zone_set_get(const struct zone_set *set, const struct dname *apex);

/* Writer: every zone in canonical order. func must not change the set. */
typedef void (*zone_set_func)(struct zone *zone, void *context);
void zone_set_walk(const struct zone_set *set, zone_set_func func,
		   void *context);
size_t zone_set_count(const struct zone_set *set);
