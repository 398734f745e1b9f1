/*
 * checks_keys.c - the apex's keys, and what tells a parent about them.
 *
 * DS of delegations: a digest of the length of its type (RFC 4509, RFC 6605).
 * CDS and CDNSKEY: they speak of the same keys, and of keys that are there
 * (RFC 7344 4, RFC 8078 4).
 */
#include "lib/zone/checks_walk.h"

#include "lib/dns/rrtype.h"

#include <openssl/evp.h>
#include <string.h>

enum {
	DNSKEY_HEAD = 4,     /* flags, protocol, algorithm: RFC 4034 2.1 */
	DNSKEY_ZONE = 0x100, /* flag */
	DNSKEY_REVOKED = 0x80,
	DNSKEY_PROTOCOL = 3,
	DS_HEAD = 4, /* tag, algorithm, digest type: RFC 4034 5.1 */
	/* RFC 9276: what is more costs servers and hides nothing. */
	NSEC3_ITERATIONS_GOOD = 20,
};

/* Octets of a digest of that type; 0: not known. */
static size_t digest_size(uint8_t digest_type)
{
	switch (digest_type) {
	case 1:
		return 20; /* SHA-1, RFC 3658 */
	case 2:
	case 3:            /* GOST R 34.11-94, RFC 5933 */
		return 32; /* SHA-256, RFC 4509 */
	case 4:
		return 48; /* SHA-384, RFC 6605 */
	default:
		return 0;
	}
}

static const EVP_MD *digest_of(uint8_t digest_type)
{
	switch (digest_type) {
	case 1:
		return EVP_sha1();
	case 2:
		return EVP_sha256();
	case 4:
		return EVP_sha384();
	default:
		return NULL;
	}
}

/* --- DNSKEY --------------------------------------------------------------- */

static void check_dnskey(struct check_walk *walk, const uint8_t *record)
{
	const uint8_t *rdata = rdata_octets(record);
	size_t size = rdata_length(record);
	uint16_t flags;

	if (size <= DNSKEY_HEAD) {
		check_tell(walk, walk->apex, RRTYPE_DNSKEY, record,
			   "a DNSKEY without a key");
		return;
	}
	flags = wire_get16(rdata);
	if (rdata[2] != DNSKEY_PROTOCOL) {
		check_tell(walk, walk->apex, RRTYPE_DNSKEY, record,
			   "a DNSKEY of protocol %u, not 3", rdata[2]);
	}
	if (walk->key_count < CHECK_KEYS_MAX) {
		struct check_key *key = &walk->keys[walk->key_count++];
		enum signature_verdict verdict = SIGNATURE_UNSUPPORTED;

		key->tag = signature_key_tag(rdata, size);
		key->algorithm = rdata[3];
		key->key = walk->is_verifying
				   ? signature_key_new(rdata, size, &verdict)
				   : NULL;
		if (verdict == SIGNATURE_BAD) {
			check_tell(walk, walk->apex, RRTYPE_DNSKEY, record,
				   "a DNSKEY that is no key of algorithm %u",
				   rdata[3]);
		}
	}
	/* RFC 4034 2.1.1, RFC 5011 2.1: others sign no data of the zone. */
	if ((flags & DNSKEY_ZONE) != 0 && (flags & DNSKEY_REVOKED) == 0 &&
	    !walk->has_algorithm[rdata[3]]) {
		walk->has_algorithm[rdata[3]] = true;
		walk->algorithm_count++;
	}
}

/* --- CDS and CDNSKEY ------------------------------------------------------ */

/* RFC 8078 4: algorithm 0 asks for the DS set to be removed. */
static bool is_delete(uint16_t type, const uint8_t *record)
{
	return rdata_length(record) >= 4 &&
	       rdata_octets(record)[type == RRTYPE_CDS ? 2 : 3] == 0;
}

static bool has_delete(const struct rrset *rrset)
{
	const uint8_t *record = rrset_first(rrset);

	for (unsigned i = 0; i < rrset->count; i++) {
		if (is_delete(rrset->type, record)) {
			return true;
		}
		record = rrset_next(record);
	}
	return false;
}

/* Is the DS-shaped record the digest of the key (RFC 4034 5.1.4)? */
static bool is_digest_of(const struct dname *owner, const uint8_t *ds,
			 const uint8_t *key)
{
	const uint8_t *rdata = rdata_octets(ds);
	size_t size = rdata_length(ds);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	struct dname_storage folded;
	EVP_MD_CTX *context;
	const EVP_MD *kind;
	bool is_same;

	if (size < DS_HEAD || rdata_length(key) < DNSKEY_HEAD ||
	    rdata[2] != rdata_octets(key)[3] ||
	    wire_get16(rdata) !=
		    signature_key_tag(rdata_octets(key), rdata_length(key))) {
		return false;
	}
	kind = digest_of(rdata[3]);
	if (kind == NULL) {
		return true; /* a digest that nobody here can compute */
	}
	dname_copy(&folded, owner);
	dname_make_canonical(dname_of(&folded));
	context = EVP_MD_CTX_new();
	is_same = context != NULL &&
		  EVP_DigestInit_ex(context, kind, NULL) == 1 &&
		  EVP_DigestUpdate(context, dname_of(&folded)->octets,
				   folded.length) == 1 &&
		  EVP_DigestUpdate(context, rdata_octets(key),
				   rdata_length(key)) == 1 &&
		  EVP_DigestFinal_ex(context, digest, &length) == 1 &&
		  length == size - DS_HEAD &&
		  memcmp(digest, rdata + DS_HEAD, length) == 0;
	EVP_MD_CTX_free(context);
	return is_same;
}

typedef bool (*match_func)(const struct check_walk *walk, const uint8_t *record,
			   const uint8_t *other);

static bool cds_is_of_key(const struct check_walk *walk, const uint8_t *cds,
			  const uint8_t *key)
{
	return is_digest_of(walk->apex, cds, key);
}

static bool key_has_cds(const struct check_walk *walk, const uint8_t *key,
			const uint8_t *cds)
{
	return is_digest_of(walk->apex, cds, key);
}

static bool keys_are_same(const struct check_walk *walk, const uint8_t *a,
			  const uint8_t *b)
{
	(void)walk;
	return rdata_length(a) == rdata_length(b) &&
	       memcmp(rdata_octets(a), rdata_octets(b), rdata_length(a)) == 0;
}

/* Each record of one set has its like in the other. */
static void check_likes(struct check_walk *walk, const struct rrset *rrset,
			const struct rrset *other, match_func match,
			const char *text)
{
	const uint8_t *record = rrset_first(rrset);

	for (unsigned i = 0; i < rrset->count; i++) {
		const uint8_t *candidate = rrset_first(other);
		bool is_found = false;

		for (unsigned k = 0; k < other->count && !is_found; k++) {
			is_found = match(walk, record, candidate);
			candidate = rrset_next(candidate);
		}
		if (!is_found) {
			check_tell(walk, walk->apex, rrset->type, record, "%s",
				   text);
		}
		record = rrset_next(record);
	}
}

static void check_child_sets(struct check_walk *walk, const struct rrset *cds,
			     const struct rrset *cdnskey,
			     const struct rrset *dnskey)
{
	bool is_deleting = (cds != NULL && has_delete(cds)) ||
			   (cdnskey != NULL && has_delete(cdnskey));

	if (cds == NULL && cdnskey == NULL) {
		return;
	}
	if (cds == NULL || cdnskey == NULL) {
		uint16_t type = cds != NULL ? RRTYPE_CDS : RRTYPE_CDNSKEY;

		check_tell(walk, walk->apex, type, NULL, "%s",
			   cds != NULL ? "CDS records, but no CDNSKEY"
				       : "CDNSKEY records, but no CDS");
	}
	if (is_deleting) {
		if ((cds != NULL && (cds->count > 1 || !has_delete(cds))) ||
		    (cdnskey != NULL &&
		     (cdnskey->count > 1 || !has_delete(cdnskey)))) {
			check_tell(walk, walk->apex,
				   cds != NULL ? RRTYPE_CDS : RRTYPE_CDNSKEY,
				   NULL,
				   "CDS or CDNSKEY that ask for deletion stand "
				   "beside others");
		}
		return;
	}
	if (cds != NULL && cdnskey != NULL) {
		check_likes(walk, cds, cdnskey, cds_is_of_key,
			    "a CDS that is the digest of no CDNSKEY");
		check_likes(walk, cdnskey, cds, key_has_cds,
			    "a CDNSKEY that no CDS is the digest of");
	}
	if (dnskey == NULL) {
		return;
	}
	if (cdnskey != NULL) {
		check_likes(walk, cdnskey, dnskey, keys_are_same,
			    "a CDNSKEY that is not in the DNSKEY set");
	} else {
		check_likes(walk, cds, dnskey, cds_is_of_key,
			    "a CDS that is the digest of no DNSKEY");
	}
}

/* --- NSEC3PARAM ----------------------------------------------------------- */

static void check_nsec3param(struct check_walk *walk, const struct rrset *rrset)
{
	const uint8_t *record = rrset_first(rrset);

	for (unsigned i = 0; i < rrset->count; i++) {
		const uint8_t *rdata = rdata_octets(record);

		if (rdata[0] != 1) {
			check_tell(walk, walk->apex, rrset->type, record,
				   "NSEC3PARAM of algorithm %u, not 1",
				   rdata[0]);
		}
		if (rdata[1] != 0) {
			/* RFC 5155 4.1.2 */
			check_tell(walk, walk->apex, rrset->type, record,
				   "NSEC3PARAM with flags %u, not 0", rdata[1]);
		}
		if (wire_get16(rdata + 2) > NSEC3_ITERATIONS_GOOD) {
			check_tell(walk, walk->apex, rrset->type, record,
				   "%u NSEC3 iterations, where 0 are "
				   "recommended (RFC 9276 3.1)",
				   wire_get16(rdata + 2));
		}
		record = rrset_next(record);
	}
	if (rrset->count > 1) {
		check_tell(walk, walk->apex, rrset->type, NULL,
			   "%u NSEC3PARAM records: one chain is served",
			   rrset->count);
	}
}

void check_apex_keys(struct check_walk *walk)
{
	const struct zone_version *version = walk->version;
	const struct zone_node *apex = zone_version_apex_node(version);
	const struct rrset *dnskey =
		zone_node_find(version, apex, RRTYPE_DNSKEY);
	const struct rrset *nsec3param =
		zone_node_find(version, apex, RRTYPE_NSEC3PARAM);

	if (dnskey != NULL) {
		const uint8_t *record = rrset_first(dnskey);

		for (unsigned i = 0; i < dnskey->count; i++) {
			check_dnskey(walk, record);
			record = rrset_next(record);
		}
	}
	check_child_sets(walk, zone_node_find(version, apex, RRTYPE_CDS),
			 zone_node_find(version, apex, RRTYPE_CDNSKEY), dnskey);
	if (nsec3param != NULL) {
		check_nsec3param(walk, nsec3param);
	}
}

void check_ds(struct check_walk *walk, const struct dname *owner,
	      const struct rrset *rrset)
{
	const uint8_t *record = rrset_first(rrset);

	for (unsigned i = 0; i < rrset->count; i++) {
		const uint8_t *rdata = rdata_octets(record);
		size_t size = rdata_length(record);
		size_t wanted = size < DS_HEAD ? 0 : digest_size(rdata[3]);

		if (size < DS_HEAD || wanted == 0) {
			check_tell(walk, owner, rrset->type, record,
				   "a DS whose digest type, %u, is unknown",
				   size < DS_HEAD ? 0 : rdata[3]);
		} else if (size - DS_HEAD != wanted) {
			check_tell(walk, owner, rrset->type, record,
				   "a digest of %zu octets, where type %u has "
				   "%zu",
				   size - DS_HEAD, rdata[3], wanted);
		}
		record = rrset_next(record);
	}
}
