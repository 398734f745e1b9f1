/*
 * writer.h - make a zone version: whole, or from another by a few changes.
 *
 * A whole load collects records in any order and builds everything when
 * finished. A derived version copies the paths to what changes (O(k log n) for
 * k records) and shares the rest. At most one writer is open on a memory at a
 * time (STATUS_BUSY). The version that comes out is immutable and held once, by
 * the caller; it goes to zone_publish(). Any thread, one at a time; off the
 * workers.
 */
#pragma once

#include "lib/base/status.h"
#include "lib/dns/dname.h"
#include "lib/zone/zone.h"

#include <stddef.h>
#include <stdint.h>

struct zone_writer;

/* base NULL: a whole load. NULL with *status where it cannot start. */
struct zone_writer *zone_writer_new(struct zone_version *base,
				    enum status *status);

/*
 * Add one record (RRSIG too: it joins the RRset that it covers). A record that
 * is there already (equal in canonical form) changes nothing. rdata must be
 * valid (rdata_is_valid), and stays the caller's. STATUS_BAD_DATA: rdata is not
 * valid. From a derived version's writer only (a whole load says it when
 * finished): STATUS_TOO_LONG: the RRset with its signatures would not fit a
 * message, or the name has too many RRsets; STATUS_OUT_OF_RANGE: the owner is
 * outside the zone.
 */
must_check enum status zone_writer_add(struct zone_writer *writer,
				       const struct dname *owner, uint16_t type,
				       uint32_t ttl, const uint8_t *rdata,
				       size_t rdata_size);

/*
 * Remove one record from a derived version; STATUS_NOT_FOUND where it is not
 * there. A name without records and without names below goes away, and empty
 * non-terminals above it that nothing needs any more.
 */
must_check enum status zone_writer_remove(struct zone_writer *writer,
					  const struct dname *owner,
					  uint16_t type, const uint8_t *rdata,
					  size_t rdata_size);

/*
 * Build the version. What makes it no zone is refused with STATUS_BAD_DATA, and
 * *fault says why: no SOA or several, no NS at the apex, out-of-zone records,
 * CNAME beside other data, an RRset too long, more NSEC3 iterations than
 * NSEC3_ITERATIONS_MAX. The writer is gone afterwards
 * either way; on error the base is as it was.
 */
struct zone_fault {
	const char *reason; /* a static text: 'no NS records at the apex' */
	struct dname_storage owner;
	uint16_t type; /* 0 where none */
};
must_check enum status zone_writer_finish(struct zone_writer *writer,
					  struct zone_version **out,
					  struct zone_fault *fault);

/* Drop everything; the base is as it was. */
void zone_writer_abort(struct zone_writer *writer);
