/*
 * checks_signatures.c - what RRSIG records say (RFC 4034 3.1), set by set.
 */
#include "lib/zone/checks_walk.h"

#include "lib/dns/rrtype.h"

#include <string.h>

enum {
	RRSIG_HEAD = 18, /* octets before the signer's name */
};

/* Is a before b on the circle of RFC 1982 (RFC 4034 3.1.5)? */
static bool is_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* How a set stands by the clock: as good as the best of its signatures. */
struct by_time {
	const uint8_t *expired; /* a record of the kind, or NULL */
	const uint8_t *early;
	const uint8_t *soon;
	bool is_current; /* and for a while */
};

static void judge_time(const struct check_walk *walk, const uint8_t *record,
		       struct by_time *by_time)
{
	const uint8_t *rdata = rdata_octets(record);
	uint32_t now = (uint32_t)walk->at;
	uint32_t expiration = wire_get32(rdata + 8);
	uint32_t inception = wire_get32(rdata + 12);

	if (is_before(now, inception)) {
		by_time->early = record;
	} else if (is_before(expiration, now)) {
		by_time->expired = record;
	} else if (is_before(expiration, now + ZONE_CHECK_SOON)) {
		by_time->soon = record;
	} else {
		by_time->is_current = true;
	}
}

static void count_time(struct check_walk *walk, const struct dname *owner,
		       uint16_t type, const struct by_time *by_time)
{
	if (by_time->is_current) {
		return;
	}
	if (by_time->soon != NULL) {
		check_count_signature(walk, CHECK_SOON, owner, type,
				      by_time->soon);
	} else if (by_time->early != NULL) {
		check_count_signature(walk, CHECK_EARLY, owner, type,
				      by_time->early);
	} else if (by_time->expired != NULL) {
		check_count_signature(walk, CHECK_EXPIRED, owner, type,
				      by_time->expired);
	}
}

/*
 * Is there a key that the signature may be by, and does it verify? Tags may
 * collide: one key that fits is enough.
 */
static void check_key(struct check_walk *walk, const struct dname *owner,
		      const struct rrset *rrset, const uint8_t *record)
{
	const uint8_t *rdata = rdata_octets(record);
	uint16_t tag = wire_get16(rdata + 16);
	bool is_there = walk->key_count == CHECK_KEYS_MAX;
	bool is_good = is_there || !walk->is_verifying;

	for (unsigned i = 0; i < walk->key_count; i++) {
		const struct check_key *key = &walk->keys[i];

		if (key->tag != tag || key->algorithm != rdata[2]) {
			continue;
		}
		is_there = true;
		is_good = is_good || key->key == NULL ||
			  signature_verify(key->key, owner, rrset, record) ==
				  SIGNATURE_GOOD;
	}
	if (!is_there) {
		check_count_signature(walk, CHECK_NO_KEY, owner, rrset->type,
				      record);
	} else if (!is_good) {
		check_count_signature(walk, CHECK_BOGUS, owner, rrset->type,
				      record);
	}
}

static void check_fields(struct check_walk *walk, const struct dname *owner,
			 const struct rrset *rrset, const uint8_t *record)
{
	const uint8_t *rdata = rdata_octets(record);
	const uint8_t *signer = rdata + RRSIG_HEAD;
	size_t signer_size =
		dname_wire_length(signer, rdata_length(record) - RRSIG_HEAD);
	/* RFC 4034 3.1.3: the asterisk is not counted */
	unsigned labels = owner->labels - (dname_is_wildcard(owner) ? 1u : 0u);

	if (signer_size != walk->apex->length ||
	    !dname_octets_equal(signer, walk->apex->octets, signer_size)) {
		check_count_signature(walk, CHECK_SIGNER, owner, rrset->type,
				      record);
	} else {
		check_key(walk, owner, rrset, record);
	}
	if (rdata[3] != labels) {
		check_count_signature(walk, CHECK_LABELS, owner, rrset->type,
				      record);
	}
	if (wire_get32(rdata + 4) != rrset->ttl) {
		check_count_signature(walk, CHECK_ORIGINAL_TTL, owner,
				      rrset->type, record);
	}
}

void check_signatures(struct check_walk *walk, const struct dname *owner,
		      const struct rrset *rrset)
{
	const uint8_t *record = rrset_first_signature(rrset);
	struct by_time by_time = {NULL, NULL, NULL, false};
	uint64_t seen[CHECK_ALGORITHMS / 64] = {0};
	unsigned algorithms = 0;

	if (rrset->signatures == 0) {
		check_count(walk, CHECK_UNSIGNED, owner, rrset->type, NULL);
		return;
	}
	for (unsigned i = 0; i < rrset->signatures; i++) {
		const uint8_t *rdata = rdata_octets(record);
		uint64_t bit;

		if (rdata_length(record) <= RRSIG_HEAD) {
			return; /* not from rdata_is_valid() */
		}
		bit = (uint64_t)1 << rdata[2] % 64;
		if (walk->has_algorithm[rdata[2]] &&
		    (seen[rdata[2] / 64] & bit) == 0) {
			seen[rdata[2] / 64] |= bit;
			algorithms++;
		}
		check_fields(walk, owner, rrset, record);
		if (walk->at != ZONE_CHECK_NEVER) {
			judge_time(walk, record, &by_time);
		}
		record = rrset_next(record);
	}
	/* RFC 4035 2.2: each algorithm of the DNSKEY set signs each set. */
	if (algorithms < walk->algorithm_count) {
		check_count(walk, CHECK_ALGORITHM, owner, rrset->type, NULL);
	}
	count_time(walk, owner, rrset->type, &by_time);
}
