/*
 * bulk.h - a whole load: records in any order, then one trie without garbage.
 *
 * Records of one owner that come together become a node at once, so that only
 * one name's records are ever held beside the zone itself. Names out of order
 * are sorted at the end; a name that came in several places is built anew from
 * its parts.
 */
#pragma once

#include "lib/base/status.h"
#include "lib/dns/dname.h"
#include "lib/zone/cells.h"
#include "lib/zone/trie.h"
#include "lib/zone/writer.h"

#include <stddef.h>
#include <stdint.h>

struct bulk;

struct bulk_result {
	struct trie names;
	struct trie nsec3;
	struct dname_storage apex;
	size_t records;
	size_t name_count;
};

/* Within a transaction of cells, which stay the caller's. */
struct bulk *bulk_new(struct cells *cells);
void bulk_free(struct bulk *bulk);

/* STATUS_NO_MEMORY, or STATUS_TOO_LONG for the owner that came before. */
must_check enum status bulk_add(struct bulk *bulk, const struct dname *owner,
				uint16_t type, uint32_t ttl,
				const uint8_t *rdata, size_t rdata_size);

/* Build; the rules of a zone are checked. */
must_check enum status bulk_finish(struct bulk *bulk, struct bulk_result *out,
				   struct zone_fault *fault);
