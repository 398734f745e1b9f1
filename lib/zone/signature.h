/*
 * signature.h - does an RRSIG verify (RFC 4034 3.1.8.1)?
 *
 * The arithmetic only: whether signer, labels, times and key tag are right is
 * the caller's to judge. Off the workers; any thread, a key in one at a time.
 */
#pragma once

#include "lib/dns/dname.h"
#include "lib/zone/rrset.h"

#include <stddef.h>
#include <stdint.h>

enum signature_verdict {
	SIGNATURE_GOOD,
	SIGNATURE_BAD,
	SIGNATURE_UNSUPPORTED, /* algorithm not here, or no memory */
};

struct signature_key; /* a public key, ready to verify with; heap */

/*
 * The key in the RDATA of a DNSKEY: RSA with SHA-1, SHA-256 and SHA-512, ECDSA
 * P-256 and P-384, Ed25519, Ed448 (RFC 8624). NULL where it is another kind
 * (*verdict SIGNATURE_UNSUPPORTED) or no key of its kind (SIGNATURE_BAD).
 */
struct signature_key *signature_key_new(const uint8_t *rdata, size_t size,
					enum signature_verdict *verdict);
void signature_key_free(struct signature_key *key);

/* The key tag of a DNSKEY's RDATA (RFC 4034 appendix B). */
uint16_t signature_key_tag(const uint8_t *rdata, size_t size);

/*
 * Verify one signature of the RRset at owner. record: at its rdlength, as
 * rrset_first_signature() gives it; its RDATA must be valid.
 */
enum signature_verdict signature_verify(const struct signature_key *key,
					const struct dname *owner,
					const struct rrset *rrset,
					const uint8_t *record);
