/*
 * dnssec_verify.c - keys, the octets that were signed, and OpenSSL's verdict.
 *
 * RRsets lie in canonical order with their signatures (rrset.h), so what was
 * signed is the RRSIG's RDATA without the signature, then each record with its
 * names folded and the original TTL (RFC 4034 3.1.8.1). It is laid out in one
 * buffer, since EdDSA is verified in one step.
 *
 * A hostile zone may have many keys of one tag and many signatures for each
 * (CVE-2023-50387): verifications are counted, and few are tried for one set.
 *
 * Rejected: ldns, which wants every record as an object of its own.
 */
#include "lib/zone/dnssec_verify.h"

#include "lib/dns/rrtype.h"
#include "lib/zone/rdata_text.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEY_HEAD = 4, /* flags, protocol, algorithm: RFC 4034 2.1 */
	KEY_ZONE = 0x0100,
	KEY_REVOKED = 0x0080, /* RFC 5011 2.1 */
	KEY_PROTOCOL = 3,
	KEYS_MAX = 64, /* of a zone; more are not looked at */

	DS_HEAD = 4, /* tag, algorithm, digest type: RFC 4034 5.1 */
	DS_SHA256 = 2,
	DS_SHA384 = 4,

	SIGNATURE_HEAD = 18, /* before the signer's name: RFC 4034 3.1 */
	RECORD_HEAD = 10,    /* type, class, TTL, RDLENGTH */

	/* Verifications for one set: algorithms x keys of one tag. */
	TRIES_MAX = 16,

	RSA_BITS_MAX = 4096, /* RFC 5702 2.1, 2.2 */
	RSA_EXPONENT_MAX = 8,
	ECDSA_HALF_MAX = 48,
	ECDSA_DER_MAX = 128,
};

enum family {
	FAMILY_RSA,
	FAMILY_ECDSA,
	FAMILY_EDDSA,
};

struct algorithm {
	uint8_t number;
	enum family family;
	const char *group;  /* ECDSA: the curve; EdDSA: the kind of key */
	const char *digest; /* NULL: none apart */
	size_t size; /* RSA: bits at least; ECDSA: octets of r, of s; EdDSA:
		      * octets of a key */
};

static const struct algorithm algorithms[] = {
	{8, FAMILY_RSA, NULL, "SHA256", 512},
	{10, FAMILY_RSA, NULL, "SHA512", 1024},
	{13, FAMILY_ECDSA, "P-256", "SHA256", 32},
	{14, FAMILY_ECDSA, "P-384", "SHA384", 48},
	{15, FAMILY_EDDSA, "ED25519", NULL, 32},
	{16, FAMILY_EDDSA, "ED448", NULL, 57},
};

enum {
	ALGORITHMS = sizeof(algorithms) / sizeof(algorithms[0]),
};

struct key {
	const uint8_t *rdata;
	size_t size;
	const struct algorithm *algorithm;
	EVP_PKEY *key; /* NULL: its octets are no such key */
	uint16_t tag;
	bool is_trusted; /* may sign the DNSKEY set */
};

struct dnssec_verifier {
	const struct zone_version *version;
	int64_t at;
	EVP_MD *digests[ALGORITHMS]; /* fetched once; NULL: none apart */
	EVP_MD_CTX *context;
	struct key keys[KEYS_MAX]; /* those that may sign */
	size_t key_count;
	uint8_t *buffer;
	size_t capacity;
};

static const struct algorithm *algorithm_find(uint8_t number)
{
	for (size_t i = 0; i < ALGORITHMS; i++) {
		if (algorithms[i].number == number) {
			return &algorithms[i];
		}
	}
	return NULL;
}

/* RFC 4034 appendix B; algorithm 1, whose tags differ, is not used. */
static uint16_t key_tag(const uint8_t *rdata, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i++) {
		sum += (i & 1) != 0 ? rdata[i] : (uint32_t)rdata[i] << 8;
	}
	return (uint16_t)(sum + (sum >> 16));
}

/* --- public keys ------------------------------------------------------------
 */

static EVP_PKEY *key_from(const char *kind, OSSL_PARAM *parameters)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
	EVP_PKEY *key = NULL;

	if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) !=
		    1) {
		key = NULL;
	}
	EVP_PKEY_CTX_free(context);
	return key;
}

/* RFC 3110 2: the exponent's length in one octet, or 0 and two octets. */
static EVP_PKEY *rsa_key(const uint8_t *octets, size_t size, size_t least_bits)
{
	struct wire_reader reader = wire_reader_init(octets, size);
	size_t length = wire_read8(&reader);
	const uint8_t *exponent;
	OSSL_PARAM_BLD *builder;
	OSSL_PARAM *parameters = NULL;
	EVP_PKEY *key = NULL;
	BIGNUM *e;
	BIGNUM *n;

	if (length == 0) {
		length = wire_read16(&reader);
	}
	exponent = wire_read(&reader, length);
	if (reader.failed || length == 0 || length > RSA_EXPONENT_MAX ||
	    wire_left(&reader) > RSA_BITS_MAX / 8) {
		return NULL;
	}
	builder = OSSL_PARAM_BLD_new();
	e = BN_bin2bn(exponent, (int)length, NULL);
	n = BN_bin2bn(reader.at, (int)wire_left(&reader), NULL);
	if (builder != NULL && e != NULL && n != NULL &&
	    (size_t)BN_num_bits(n) >= least_bits &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1) {
		parameters = OSSL_PARAM_BLD_to_param(builder);
	}
	if (parameters != NULL) {
		key = key_from("RSA", parameters);
	}
	OSSL_PARAM_free(parameters);
	OSSL_PARAM_BLD_free(builder);
	BN_free(n);
	BN_free(e);
	return key;
}

/* RFC 6605 4: the point without the octet that says 'uncompressed'. */
static EVP_PKEY *ecdsa_key(const uint8_t *octets, size_t size,
			   const struct algorithm *algorithm)
{
	uint8_t point[1 + 2 * ECDSA_HALF_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
	char group[8];
	OSSL_PARAM parameters[3];

	if (size != 2 * algorithm->size) {
		return NULL;
	}
	memcpy(point + 1, octets, size);
	snprintf(group, sizeof(group), "%s", algorithm->group);
	parameters[0] = OSSL_PARAM_construct_utf8_string(
		OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	parameters[1] = OSSL_PARAM_construct_octet_string(
		OSSL_PKEY_PARAM_PUB_KEY, point, 1 + size);
	parameters[2] = OSSL_PARAM_construct_end();
	return key_from("EC", parameters);
}

static EVP_PKEY *public_key(const struct algorithm *algorithm,
			    const uint8_t *octets, size_t size)
{
	switch (algorithm->family) {
	case FAMILY_RSA:
		return rsa_key(octets, size, algorithm->size);
	case FAMILY_ECDSA:
		return ecdsa_key(octets, size, algorithm);
	case FAMILY_EDDSA:
		break;
	}
	return size != algorithm->size
		       ? NULL
		       : EVP_PKEY_new_raw_public_key_ex(NULL, algorithm->group,
							NULL, octets, size);
}

/* Note a key that may sign zone data; others are passed over. */
static void add_key(struct dnssec_verifier *verifier, const uint8_t *record)
{
	const uint8_t *rdata = rdata_octets(record);
	size_t size = rdata_length(record);
	const struct algorithm *algorithm;
	uint16_t flags;

	if (size < KEY_HEAD || verifier->key_count == KEYS_MAX) {
		return;
	}
	flags = wire_get16(rdata);
	algorithm = algorithm_find(rdata[3]);
	if ((flags & KEY_ZONE) == 0 || (flags & KEY_REVOKED) != 0 ||
	    rdata[2] != KEY_PROTOCOL || algorithm == NULL) {
		return;
	}
	verifier->keys[verifier->key_count++] = (struct key){
		.rdata = rdata,
		.size = size,
		.algorithm = algorithm,
		.key = public_key(algorithm, rdata + KEY_HEAD, size - KEY_HEAD),
		.tag = key_tag(rdata, size),
	};
}

struct dnssec_verifier *dnssec_verifier_new(const struct zone_version *version,
					    int64_t at)
{
	struct dnssec_verifier *verifier = calloc(1, sizeof(*verifier));
	const struct rrset *rrset;
	const uint8_t *record;

	if (verifier == NULL) {
		return NULL;
	}
	verifier->version = version;
	verifier->at = at;
	verifier->context = EVP_MD_CTX_new();
	for (size_t i = 0; i < ALGORITHMS; i++) {
		if (algorithms[i].digest != NULL) {
			verifier->digests[i] =
				EVP_MD_fetch(NULL, algorithms[i].digest, NULL);
		}
		if (algorithms[i].digest != NULL &&
		    verifier->digests[i] == NULL) {
			dnssec_verifier_free(verifier);
			return NULL;
		}
	}
	if (verifier->context == NULL) {
		dnssec_verifier_free(verifier);
		return NULL;
	}
	rrset = zone_node_find(version, zone_version_apex_node(version),
			       RRTYPE_DNSKEY);
	if (rrset != NULL) {
		record = rrset_first(rrset);
		for (unsigned i = 0; i < rrset->count; i++) {
			add_key(verifier, record);
			record = rrset_next(record);
		}
	}
	ERR_clear_error();
	return verifier;
}

void dnssec_verifier_free(struct dnssec_verifier *verifier)
{
	if (verifier == NULL) {
		return;
	}
	for (size_t i = 0; i < verifier->key_count; i++) {
		EVP_PKEY_free(verifier->keys[i].key);
	}
	for (size_t i = 0; i < ALGORITHMS; i++) {
		EVP_MD_free(verifier->digests[i]);
	}
	EVP_MD_CTX_free(verifier->context);
	free(verifier->buffer);
	free(verifier);
}

/* --- one signature ----------------------------------------------------------
 */

/* An RRSIG's RDATA; the octets stay where they are. */
struct signature {
	uint8_t algorithm;
	uint8_t labels;
	uint32_t original_ttl;
	uint32_t expiration;
	uint32_t inception;
	uint16_t tag;
	const uint8_t *head; /* all before the signature */
	size_t head_size;
	const uint8_t *octets;
	size_t size;
	size_t signer_size;
};

static bool signature_parse(struct signature *out, const uint8_t *record)
{
	const uint8_t *rdata = rdata_octets(record);
	size_t size = rdata_length(record);
	size_t signer;

	if (size < SIGNATURE_HEAD) {
		return false;
	}
	signer = dname_wire_length(rdata + SIGNATURE_HEAD,
				   size - SIGNATURE_HEAD);
	if (signer == 0) {
		return false;
	}
	*out = (struct signature){
		.algorithm = rdata[2],
		.labels = rdata[3],
		.original_ttl = wire_get32(rdata + 4),
		.expiration = wire_get32(rdata + 8),
		.inception = wire_get32(rdata + 12),
		.tag = wire_get16(rdata + 16),
		.head = rdata,
		.head_size = SIGNATURE_HEAD + signer,
		.octets = rdata + SIGNATURE_HEAD + signer,
		.size = size - SIGNATURE_HEAD - signer,
		.signer_size = signer,
	};
	return true;
}

/* On the circle of RFC 1982 (RFC 4034 3.1.5). */
static bool is_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/*
 * What stands against the signature before any arithmetic, or NULL. The owner
 * has as many labels as the signature says, a wildcard's "*" not counted: fewer
 * is an answer made from a wildcard (RFC 4035 5.3.4), which no zone holds.
 */
static const char *signature_fault(const struct dnssec_verifier *verifier,
				   const struct signature *signature,
				   const struct dname *owner)
{
	const struct dname *apex = zone_version_apex(verifier->version);
	uint32_t now = (uint32_t)verifier->at;

	if (signature->signer_size != apex->length ||
	    !dname_octets_equal(signature->head + SIGNATURE_HEAD, apex->octets,
				apex->length)) {
		return "a signature names another signer than the zone";
	}
	if (signature->labels != owner->labels - dname_is_wildcard(owner)) {
		return "a signature is over a name with another number of "
		       "labels";
	}
	if (verifier->at == DNSSEC_NO_TIME) {
		return NULL;
	}
	if (is_before(now, signature->inception)) {
		return "the signature is not valid yet";
	}
	return is_before(signature->expiration, now)
		       ? "the signature has expired"
		       : NULL;
}

/* Room for size octets in the buffer. */
static bool reserve(struct dnssec_verifier *verifier, size_t size)
{
	uint8_t *buffer;

	if (size <= verifier->capacity) {
		return true;
	}
	buffer = realloc(verifier->buffer, size);
	if (buffer == NULL) {
		return false;
	}
	verifier->buffer = buffer;
	verifier->capacity = size;
	return true;
}

/* Lay out what was signed (RFC 4034 3.1.8.1); 0 without memory. */
static size_t lay_out(struct dnssec_verifier *verifier,
		      const struct signature *signature,
		      const struct dname *owner, const struct rrset *rrset)
{
	size_t most = signature->head_size + rrset->size +
		      (size_t)rrset->count * (owner->length + RECORD_HEAD);
	const uint8_t *record = rrset_first(rrset);
	struct dname_storage name;
	struct wire_writer writer;

	if (!reserve(verifier, most)) {
		return 0;
	}
	writer = wire_writer_init(verifier->buffer, most);
	wire_write(&writer, signature->head, signature->head_size);
	rdata_make_canonical(RRTYPE_RRSIG, verifier->buffer,
			     signature->head_size);
	dname_copy(&name, owner);
	dname_make_canonical(dname_of(&name));
	for (unsigned i = 0; i < rrset->count; i++) {
		size_t size = rdata_length(record);
		uint8_t *rdata;

		wire_write(&writer, dname_of(&name)->octets, owner->length);
		wire_write16(&writer, rrset->type);
		wire_write16(&writer, RRCLASS_IN);
		wire_write32(&writer, signature->original_ttl);
		wire_write16(&writer, (uint16_t)size);
		rdata = wire_claim(&writer, size);
		if (rdata != NULL) {
			memcpy(rdata, rdata_octets(record), size);
			rdata_make_canonical(rrset->type, rdata, size);
		}
		record = rrset_next(record);
	}
	return writer.failed ? 0 : wire_size(&writer);
}

/* r and s (RFC 6605 4) as OpenSSL wants them; 0 where they are not that. */
static size_t ecdsa_to_der(const struct signature *signature, size_t half,
			   uint8_t der[ECDSA_DER_MAX])
{
	ECDSA_SIG *pair;
	BIGNUM *r;
	BIGNUM *s;
	int size = 0;

	if (signature->size != 2 * half) {
		return 0;
	}
	pair = ECDSA_SIG_new();
	r = BN_bin2bn(signature->octets, (int)half, NULL);
	s = BN_bin2bn(signature->octets + half, (int)half, NULL);
	if (pair != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
		r = NULL;
		s = NULL;
		/* 3 x 2 octets of heads and two integers of up to 49 fit. */
		size = i2d_ECDSA_SIG(pair, &der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return size > 0 ? (size_t)size : 0;
}

static bool is_good(struct dnssec_verifier *verifier, const struct key *key,
		    const struct signature *signature, size_t size)
{
	const struct algorithm *algorithm = key->algorithm;
	const EVP_MD *digest = verifier->digests[algorithm - algorithms];
	const uint8_t *octets = signature->octets;
	size_t length = signature->size;
	uint8_t der[ECDSA_DER_MAX];
	bool good;

	if (key->key == NULL) {
		return false;
	}
	if (algorithm->family == FAMILY_ECDSA) {
		length = ecdsa_to_der(signature, algorithm->size, der);
		octets = der;
	}
	good = length > 0 && EVP_MD_CTX_reset(verifier->context) == 1 &&
	       EVP_DigestVerifyInit(verifier->context, NULL, digest, NULL,
				    key->key) == 1 &&
	       EVP_DigestVerify(verifier->context, octets, length,
				verifier->buffer, size) == 1;
	ERR_clear_error();
	return good;
}

/* --- one set ----------------------------------------------------------------
 */

/*
 * What is said of a set of which no signature is good is what was said of the
 * one that came furthest.
 */
enum stage {
	STAGE_NONE,
	STAGE_ALGORITHM,
	STAGE_KEY,
	STAGE_FIELDS,
	STAGE_WRONG,
	STAGE_TOO_MANY,
};

struct verdict {
	enum stage stage;
	const char *reason;
	unsigned tries;
};

static void say(struct verdict *verdict, enum stage stage, const char *reason)
{
	if (stage > verdict->stage) {
		verdict->stage = stage;
		verdict->reason = reason;
	}
}

/* STATUS_OK: good; STATUS_BAD_DATA: not, see the verdict. */
static enum status try_signature(struct dnssec_verifier *verifier,
				 const struct signature *signature,
				 const struct dname *owner,
				 const struct rrset *rrset, bool trusted_only,
				 struct verdict *verdict)
{
	const char *fault = signature_fault(verifier, signature, owner);
	size_t size = 0;

	say(verdict, STAGE_ALGORITHM,
	    "no signature is of an algorithm that is known");
	if (algorithm_find(signature->algorithm) == NULL) {
		return STATUS_BAD_DATA;
	}
	say(verdict, STAGE_KEY,
	    trusted_only ? "no signature is made by a key that is trusted"
			 : "no signature is made by a key of the zone");
	for (size_t i = 0; i < verifier->key_count; i++) {
		const struct key *key = &verifier->keys[i];

		if (key->tag != signature->tag ||
		    key->algorithm->number != signature->algorithm ||
		    (trusted_only && !key->is_trusted)) {
			continue;
		}
		if (fault != NULL) {
			say(verdict, STAGE_FIELDS, fault);
			return STATUS_BAD_DATA;
		}
		if (verdict->tries++ == TRIES_MAX) {
			say(verdict, STAGE_TOO_MANY,
			    "too many signatures that are wrong");
			return STATUS_BAD_DATA;
		}
		if (size == 0) {
			size = lay_out(verifier, signature, owner, rrset);
			if (size == 0) {
				return STATUS_NO_MEMORY;
			}
		}
		if (is_good(verifier, key, signature, size)) {
			return STATUS_OK;
		}
		say(verdict, STAGE_WRONG, "the signature is wrong");
	}
	return STATUS_BAD_DATA;
}

static enum status verify(struct dnssec_verifier *verifier,
			  const struct dname *owner, const struct rrset *rrset,
			  bool trusted_only, const char **reason)
{
	struct verdict verdict = {.reason = "there is no signature"};
	const uint8_t *record = rrset_first_signature(rrset);
	struct signature signature;
	enum status status;

	for (unsigned i = 0; i < rrset->signatures; i++) {
		if (signature_parse(&signature, record)) {
			status = try_signature(verifier, &signature, owner,
					       rrset, trusted_only, &verdict);
			if (status != STATUS_BAD_DATA) {
				return status;
			}
		}
		if (verdict.tries > TRIES_MAX) {
			break;
		}
		record = rrset_next(record);
	}
	*reason = verdict.reason;
	return STATUS_BAD_DATA;
}

enum status dnssec_verify(struct dnssec_verifier *verifier,
			  const struct dname *owner, const struct rrset *rrset,
			  const char **reason)
{
	return verify(verifier, owner, rrset, false, reason);
}

/* --- whom to trust ----------------------------------------------------------
 */

static const char *digest_name(uint8_t digest_type, size_t *size)
{
	switch (digest_type) {
	case DS_SHA256:
		*size = 32;
		return "SHA256";
	case DS_SHA384:
		*size = 48;
		return "SHA384";
	default:
		return NULL;
	}
}

/* RFC 4034 5.1.4: the digest is over the owner's name and the RDATA. */
static bool is_digest_of(const struct trust_anchor *anchor,
			 const struct dname *apex, const struct key *key)
{
	uint8_t input[DNAME_MAX + UINT16_MAX];
	uint8_t digest[EVP_MAX_MD_SIZE];
	struct dname_storage name;
	size_t size = 0;
	size_t made;
	const char *kind = digest_name(anchor->rdata[3], &size);

	if (kind == NULL || anchor->size != DS_HEAD + size ||
	    wire_get16(anchor->rdata) != key->tag ||
	    anchor->rdata[2] != key->algorithm->number) {
		return false;
	}
	dname_copy(&name, apex);
	dname_make_canonical(dname_of(&name));
	memcpy(input, dname_of(&name)->octets, apex->length);
	memcpy(input + apex->length, key->rdata, key->size);
	return EVP_Q_digest(NULL, kind, NULL, input, apex->length + key->size,
			    digest, &made) == 1 &&
	       made == size &&
	       memcmp(digest, anchor->rdata + DS_HEAD, size) == 0;
}

static bool is_named_by(const struct trust_anchor *anchor,
			const struct dname *apex, const struct key *key)
{
	if (anchor->type == RRTYPE_DS) {
		return is_digest_of(anchor, apex, key);
	}
	return anchor->size == key->size &&
	       memcmp(anchor->rdata, key->rdata, key->size) == 0;
}

enum status dnssec_verifier_trust(struct dnssec_verifier *verifier,
				  const struct trust_anchor *anchors,
				  size_t count, const char **reason)
{
	const struct dname *apex = zone_version_apex(verifier->version);
	const struct rrset *rrset = zone_node_find(
		verifier->version, zone_version_apex_node(verifier->version),
		RRTYPE_DNSKEY);
	bool is_any_trusted = count == 0;

	if (rrset == NULL) {
		*reason = "the zone has no DNSKEY";
		return STATUS_BAD_DATA;
	}
	for (size_t i = 0; i < verifier->key_count; i++) {
		struct key *key = &verifier->keys[i];

		key->is_trusted = count == 0;
		for (size_t k = 0; k < count && !key->is_trusted; k++) {
			key->is_trusted = is_named_by(&anchors[k], apex, key);
		}
		is_any_trusted = is_any_trusted || key->is_trusted;
	}
	if (!is_any_trusted) {
		*reason = "no DNSKEY is the one that trust_anchor names";
		return STATUS_BAD_DATA;
	}
	return verify(verifier, apex, rrset, true, reason);
}

/* --- a trust anchor's text ---------------------------------------------------
 */

static const char anchor_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz"
				     "0123456789+/= \t";

/* DNSKEY or DS: by a word before it, else by the protocol, which is always 3
 * (as the algorithm of a DS, 3 is DSA, which is not used any more). */
static uint16_t take_type(struct rdata_text *text)
{
	struct rdata_text ahead = *text;
	struct text_token token;

	if (!text_next(&ahead, &token)) {
		return RRTYPE_DS;
	}
	if (token.length == 2 && strncasecmp(token.text, "DS", 2) == 0) {
		*text = ahead;
		return RRTYPE_DS;
	}
	if (token.length == 6 && strncasecmp(token.text, "DNSKEY", 6) == 0) {
		*text = ahead;
		return RRTYPE_DNSKEY;
	}
	return text_next(&ahead, &token) && token.length == 1 &&
			       token.text[0] == '3'
		       ? RRTYPE_DNSKEY
		       : RRTYPE_DS;
}

/* What about a well-formed anchor makes it prove nothing, or NULL. */
static const char *anchor_fault(const struct trust_anchor *anchor)
{
	size_t size = 0;

	if (anchor->type == RRTYPE_DS) {
		if (algorithm_find(anchor->rdata[2]) == NULL) {
			return "its algorithm is not supported";
		}
		if (digest_name(anchor->rdata[3], &size) == NULL) {
			return "its digest type is not supported";
		}
		return anchor->size != DS_HEAD + size
			       ? "its digest has a wrong length"
			       : NULL;
	}
	if (algorithm_find(anchor->rdata[3]) == NULL) {
		return "its algorithm is not supported";
	}
	if ((wire_get16(anchor->rdata) & KEY_ZONE) == 0 ||
	    anchor->rdata[2] != KEY_PROTOCOL) {
		return "it is no zone key";
	}
	return (wire_get16(anchor->rdata) & KEY_REVOKED) != 0 ? "it is revoked"
							      : NULL;
}

enum status trust_anchor_load(struct trust_anchor *out, const char *text,
			      char reason[TRUST_ANCHOR_REASON_MAX])
{
	struct rdata_text reader = {
		.at = text,
		.end = text + strlen(text),
		.origin = dname_root,
	};
	struct trust_anchor anchor;
	struct wire_writer writer =
		wire_writer_init(anchor.rdata, sizeof(anchor.rdata));
	const char *fault;

	/* Less than a zone file may hold: rdata_text.h wants quotes closed. */
	if (text[strspn(text, anchor_letters)] != '\0') {
		snprintf(reason, TRUST_ANCHOR_REASON_MAX,
			 "a letter that no DS or DNSKEY has");
		return STATUS_BAD_SYNTAX;
	}
	anchor.type = take_type(&reader);
	if (rdata_text_load(&reader, anchor.type, &writer) != RDATA_TEXT_DONE ||
	    writer.failed ||
	    !rdata_is_valid(anchor.type, anchor.rdata, wire_size(&writer)) ||
	    wire_size(&writer) <= KEY_HEAD) {
		snprintf(reason, TRUST_ANCHOR_REASON_MAX,
			 "not the RDATA of a "
			 "DS or DNSKEY%s%.180s",
			 reader.reason[0] != '\0' ? ": " : "", reader.reason);
		return STATUS_BAD_SYNTAX;
	}
	anchor.size = (uint16_t)wire_size(&writer);
	fault = anchor_fault(&anchor);
	if (fault != NULL) {
		snprintf(reason, TRUST_ANCHOR_REASON_MAX, "%s", fault);
		return STATUS_NOT_SUPPORTED;
	}
	*out = anchor;
	return STATUS_OK;
}
