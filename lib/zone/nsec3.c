/*
 * nsec3.c - hashed denial (RFC 5155): the hash of a name, and the record that
 * matches or covers a hash.
 *
 * The hashed owner names stand in a trie of their own, in which the order of
 * names is the order of hashes: base32hex keeps it (RFC 4648 7).
 *
 * SHA-1 by OpenSSL's own functions of the 1.x kind: an EVP context frees and
 * allocates its inner state with every digest in OpenSSL 3.0, and nothing may
 * be allocated between receive and send. They are the same code underneath.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "lib/dns/rrtype.h"
#include "lib/zone/lookup.h"
#include "lib/zone/version.h"

#include <openssl/sha.h>

enum {
	NSEC3_SHA1 = 1,  /* RFC 5155 11 */
	HASH_LABEL = 32, /* base32hex digits of a hash */
};

_Static_assert(SHA_DIGEST_LENGTH == NSEC3_HASH_SIZE, "one hash");

const uint8_t *nsec3_param_find(const struct rrset *rrset)
{
	const uint8_t *record;

	if (rrset == NULL) {
		return NULL;
	}
	record = rrset_first(rrset);
	for (unsigned i = 0; i < rrset->count; i++) {
		const uint8_t *rdata = rdata_octets(record);

		/* RFC 5155 4.1.2: other flags mean a chain not complete. */
		if (rdata[0] == NSEC3_SHA1 && rdata[1] == 0) {
			return rdata;
		}
		record = rrset_next(record);
	}
	return NULL;
}

bool zone_nsec3_parameters(const struct zone_version *version,
			   struct nsec3_parameters *out)
{
	const uint8_t *rdata;

	if (!version->has_nsec3) {
		return false;
	}
	rdata = nsec3_param_find(
		zone_node_find(version, version->apex, RRTYPE_NSEC3PARAM));
	out->algorithm = rdata[0];
	out->iterations = wire_get16(rdata + 2);
	out->salt_length = rdata[4];
	out->salt = rdata + 5;
	return true;
}

void zone_nsec3_hash(const struct zone_version *version,
		     const struct dname *name, uint8_t hash[NSEC3_HASH_SIZE])
{
	struct nsec3_parameters parameters = {0};
	struct dname_storage folded;
	SHA_CTX context;

	zone_nsec3_parameters(version, &parameters);
	dname_copy(&folded, name);
	dname_make_canonical(dname_of(&folded));
	SHA1_Init(&context);
	SHA1_Update(&context, dname_of(&folded)->octets, folded.length);
	SHA1_Update(&context, parameters.salt, parameters.salt_length);
	SHA1_Final(hash, &context);
	for (unsigned i = 0; i < parameters.iterations; i++) {
		SHA1_Init(&context);
		SHA1_Update(&context, hash, NSEC3_HASH_SIZE);
		SHA1_Update(&context, parameters.salt, parameters.salt_length);
		SHA1_Final(hash, &context);
	}
}

/* The hash as a label in front of the apex. false where that is too long. */
static bool hash_name(const struct dname *apex,
		      const uint8_t hash[NSEC3_HASH_SIZE],
		      struct dname_storage *out)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	struct dname *name = dname_of(out);
	uint8_t *to = name->octets + 1;

	if (apex->length + 1 + HASH_LABEL > DNAME_MAX) {
		return false;
	}
	/* 5 octets are 8 digits. */
	for (unsigned i = 0; i < NSEC3_HASH_SIZE; i += 5) {
		uint64_t bits = 0;

		for (unsigned k = 0; k < 5; k++) {
			bits = bits << 8 | hash[i + k];
		}
		for (unsigned k = 0; k < 8; k++) {
			*to++ = (uint8_t)digits[bits >> (35 - 5 * k) & 31];
		}
	}
	name->octets[0] = HASH_LABEL;
	memcpy(to, apex->octets, apex->length);
	name->length = (uint8_t)(apex->length + 1 + HASH_LABEL);
	name->labels = (uint8_t)(apex->labels + 1);
	return true;
}

const struct zone_node *zone_find_nsec3(const struct zone_version *version,
					const uint8_t hash[NSEC3_HASH_SIZE],
					bool *is_match)
{
	struct dname_storage name;
	const struct trie_node *leaf;
	const struct zone_node *node;

	*is_match = false;
	if (!version->has_nsec3 ||
	    !hash_name(&version->apex->name, hash, &name)) {
		return NULL;
	}
	leaf = trie_floor(&version->nsec3, version->chunks, dname_of(&name),
			  true);
	if (leaf == NULL) {
		/* RFC 5155 3.1.7: the last one covers what is before the
		 * first. */
		leaf = trie_last(&version->nsec3, version->chunks, true);
	}
	if (leaf == NULL) {
		return NULL;
	}
	node = version_node(version, leaf);
	*is_match = dname_equal(&node->name, dname_of(&name));
	return node;
}
