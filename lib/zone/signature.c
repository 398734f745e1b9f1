/*
 * signature.c - RRSIG by OpenSSL.
 *
 * DNSSEC writes keys and ECDSA signatures in forms of its own (RFC 3110, RFC
 * 6605, RFC 8080), which are turned into OpenSSL's here. What was signed is
 * laid out in one buffer: Ed25519 and Ed448 take nothing piece by piece.
 */
#include "lib/zone/signature.h"

#include "lib/base/wire.h"
#include "lib/dns/rrtype.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

enum {
	DNSKEY_HEAD = 4, /* RFC 4034 2.1 */
	RRSIG_HEAD = 18, /* before the signer, RFC 4034 3.1 */
	RR_HEAD = 10,    /* type, class, TTL, rdlength */
	POINT_MAX = 97,  /* 0x04, x, y of P-384 */
};

enum kind {
	KIND_NONE,
	KIND_RSA,
	KIND_ECDSA,
	KIND_EDDSA,
};

/* IANA's registry of DNSSEC algorithms. */
static const struct algorithm {
	enum kind kind;
	int curve;         /* EdDSA: the key's type */
	const char *group; /* ECDSA */
	size_t half;       /* ECDSA: octets of x, y, r and s */
	const EVP_MD *(*digest)(void);
} algorithms[] = {
	[5] = {KIND_RSA, 0, NULL, 0, EVP_sha1},
	[7] = {KIND_RSA, 0, NULL, 0, EVP_sha1},
	[8] = {KIND_RSA, 0, NULL, 0, EVP_sha256},
	[10] = {KIND_RSA, 0, NULL, 0, EVP_sha512},
	[13] = {KIND_ECDSA, 0, "P-256", 32, EVP_sha256},
	[14] = {KIND_ECDSA, 0, "P-384", 48, EVP_sha384},
	[15] = {KIND_EDDSA, EVP_PKEY_ED25519, NULL, 0, NULL},
	[16] = {KIND_EDDSA, EVP_PKEY_ED448, NULL, 0, NULL},
};

struct signature_key {
	const struct algorithm *algorithm;
	EVP_PKEY *key;
};

uint16_t signature_key_tag(const uint8_t *rdata, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i++) {
		sum += (i & 1) != 0 ? rdata[i] : (uint32_t)rdata[i] << 8;
	}
	return (uint16_t)(sum + (sum >> 16));
}

/* --- keys ----------------------------------------------------------------- */

static EVP_PKEY *key_from(const char *type, OSSL_PARAM_BLD *builder)
{
	OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (parameters == NULL || context == NULL ||
	    EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) !=
		    1) {
		key = NULL;
	}
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(parameters);
	return key;
}

/* RFC 3110 2: the exponent behind its length, of one octet or three. */
static EVP_PKEY *rsa_key(const uint8_t *octets, size_t size)
{
	OSSL_PARAM_BLD *builder;
	BIGNUM *exponent;
	BIGNUM *modulus;
	EVP_PKEY *key = NULL;
	size_t length;

	if (size < 1) {
		return NULL;
	}
	length = *octets++;
	size--;
	if (length == 0 && size >= 2) {
		length = wire_get16(octets);
		octets += 2;
		size -= 2;
	}
	if (length == 0 || length >= size) {
		return NULL;
	}
	builder = OSSL_PARAM_BLD_new();
	exponent = BN_bin2bn(octets, (int)length, NULL);
	modulus = BN_bin2bn(octets + length, (int)(size - length), NULL);
	if (builder != NULL && exponent != NULL && modulus != NULL &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) ==
		    1 &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) ==
		    1) {
		key = key_from("RSA", builder);
	}
	BN_free(exponent);
	BN_free(modulus);
	OSSL_PARAM_BLD_free(builder);
	return key;
}

/* RFC 6605 4: the point without its leading octet. */
static EVP_PKEY *ecdsa_key(const struct algorithm *algorithm,
			   const uint8_t *octets, size_t size)
{
	OSSL_PARAM_BLD *builder;
	uint8_t point[POINT_MAX];
	EVP_PKEY *key = NULL;

	if (size != 2 * algorithm->half) {
		return NULL;
	}
	point[0] = 4; /* not compressed */
	memcpy(point + 1, octets, size);
	builder = OSSL_PARAM_BLD_new();
	if (builder != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME,
					    algorithm->group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY,
					     point, size + 1) == 1) {
		key = key_from("EC", builder);
	}
	OSSL_PARAM_BLD_free(builder);
	return key;
}

static const struct algorithm *algorithm_find(uint8_t number)
{
	if (number >= sizeof(algorithms) / sizeof(algorithms[0]) ||
	    algorithms[number].kind == KIND_NONE) {
		return NULL;
	}
	return &algorithms[number];
}

struct signature_key *signature_key_new(const uint8_t *rdata, size_t size,
					enum signature_verdict *verdict)
{
	const struct algorithm *algorithm =
		size > DNSKEY_HEAD ? algorithm_find(rdata[3]) : NULL;
	struct signature_key *key;
	const uint8_t *octets = rdata + DNSKEY_HEAD;

	*verdict = SIGNATURE_UNSUPPORTED;
	key = algorithm != NULL ? malloc(sizeof(*key)) : NULL;
	if (key == NULL) {
		return NULL;
	}
	size -= DNSKEY_HEAD;
	key->algorithm = algorithm;
	switch (algorithm->kind) {
	case KIND_RSA:
		key->key = rsa_key(octets, size);
		break;
	case KIND_ECDSA:
		key->key = ecdsa_key(algorithm, octets, size);
		break;
	default:
		key->key = EVP_PKEY_new_raw_public_key(algorithm->curve, NULL,
						       octets, size);
	}
	if (key->key == NULL) {
		*verdict = SIGNATURE_BAD;
		free(key);
		return NULL;
	}
	*verdict = SIGNATURE_GOOD;
	return key;
}

void signature_key_free(struct signature_key *key)
{
	if (key != NULL) {
		EVP_PKEY_free(key->key);
		free(key);
	}
}

/* --- what was signed (RFC 4034 3.1.8.1) ----------------------------------- */

/* The owner's name as it was signed: in lower case, a wildcard where labels is
 * less than the owner has (RFC 4034 3.1.8.1, RFC 4035 5.3.2). */
static bool signed_owner(const struct dname *owner, unsigned labels,
			 struct dname_storage *out)
{
	struct dname_storage encloser;

	if (labels >= owner->labels) {
		dname_copy(out, owner);
	} else {
		dname_ancestor(&encloser, owner, labels);
		if (dname_wildcard(out, dname_of(&encloser)) != STATUS_OK) {
			return false;
		}
	}
	dname_make_canonical(dname_of(out));
	return true;
}

/* NULL without memory; else the caller's, *size octets. */
static uint8_t *signed_data(const struct dname *owner,
			    const struct rrset *rrset, const uint8_t *record,
			    size_t signer_size, size_t *size)
{
	const uint8_t *rrsig = rdata_octets(record);
	const uint8_t *rr = rrset_first(rrset);
	struct dname_storage name;
	uint8_t *data;
	uint8_t *at;

	if (!signed_owner(owner, rrsig[3], &name)) {
		return NULL;
	}
	data = malloc(RRSIG_HEAD + signer_size + rrset->size +
		      (size_t)rrset->count * (name.length + RR_HEAD));
	if (data == NULL) {
		return NULL;
	}
	at = data;
	memcpy(at, rrsig, RRSIG_HEAD);
	at += RRSIG_HEAD;
	for (size_t i = 0; i < signer_size; i++) {
		/* A length octet is under 64: no capital. */
		*at++ = dname_fold(rrsig[RRSIG_HEAD + i]);
	}
	for (unsigned i = 0; i < rrset->count; i++) {
		uint16_t length = rdata_length(rr);

		memcpy(at, dname_of(&name)->octets, name.length);
		at += name.length;
		wire_put16(at, rrset->type);
		wire_put16(at + 2, RRCLASS_IN);
		memcpy(at + 4, rrsig + 4, 4); /* the original TTL */
		wire_put16(at + 8, length);
		at += RR_HEAD;
		memcpy(at, rdata_octets(rr), length);
		rdata_make_canonical(rrset->type, at, length);
		at += length;
		rr = rrset_next(rr);
	}
	*size = (size_t)(at - data);
	return data;
}

/* --- verifying ------------------------------------------------------------ */

/* RFC 6605 4: r and s; OpenSSL wants them in DER. NULL: not such a pair. */
static uint8_t *ecdsa_der(const struct algorithm *algorithm,
			  const uint8_t *signature, size_t size, int *der_size)
{
	ECDSA_SIG *pair;
	BIGNUM *r;
	BIGNUM *s;
	uint8_t *der = NULL;

	if (size != 2 * algorithm->half) {
		return NULL;
	}
	pair = ECDSA_SIG_new();
	r = BN_bin2bn(signature, (int)algorithm->half, NULL);
	s = BN_bin2bn(signature + algorithm->half, (int)algorithm->half, NULL);
	if (pair == NULL || r == NULL || s == NULL ||
	    ECDSA_SIG_set0(pair, r, s) != 1) {
		BN_free(r);
		BN_free(s);
	} else {
		*der_size = i2d_ECDSA_SIG(pair, &der);
	}
	ECDSA_SIG_free(pair);
	return der;
}

static bool verify(const struct signature_key *key, const uint8_t *signature,
		   size_t size, const uint8_t *data, size_t data_size)
{
	const EVP_MD *digest = key->algorithm->digest != NULL
				       ? key->algorithm->digest()
				       : NULL;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool is_good;

	is_good = context != NULL &&
		  EVP_DigestVerifyInit(context, NULL, digest, NULL, key->key) ==
			  1 &&
		  EVP_DigestVerify(context, signature, size, data, data_size) ==
			  1;
	EVP_MD_CTX_free(context);
	return is_good;
}

enum signature_verdict signature_verify(const struct signature_key *key,
					const struct dname *owner,
					const struct rrset *rrset,
					const uint8_t *record)
{
	const uint8_t *rdata = rdata_octets(record);
	size_t size = rdata_length(record);
	size_t signer_size = size > RRSIG_HEAD
				     ? dname_wire_length(rdata + RRSIG_HEAD,
							 size - RRSIG_HEAD)
				     : 0;
	const uint8_t *signature = rdata + RRSIG_HEAD + signer_size;
	uint8_t *der = NULL;
	uint8_t *data;
	size_t data_size;
	bool is_good;

	if (signer_size == 0 || algorithm_find(rdata[2]) != key->algorithm) {
		return SIGNATURE_BAD;
	}
	size -= RRSIG_HEAD + signer_size;
	if (key->algorithm->kind == KIND_ECDSA) {
		int der_size = 0;

		der = ecdsa_der(key->algorithm, signature, size, &der_size);
		if (der == NULL) {
			return SIGNATURE_BAD;
		}
		signature = der;
		size = (size_t)der_size;
	}
	data = signed_data(owner, rrset, record, signer_size, &data_size);
	is_good = data != NULL && verify(key, signature, size, data, data_size);
	free(data);
	OPENSSL_free(der);
	return is_good ? SIGNATURE_GOOD : SIGNATURE_BAD;
}
