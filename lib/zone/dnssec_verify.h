/*
 * dnssec_verify.h - do the signatures of a zone hold (RFC 4035 5.3)?
 *
 * A verifier knows the keys of one version's apex and the time by which
 * signatures are judged. First it is told whom to trust, then it is asked about
 * RRsets. Algorithms: RSASHA256, RSASHA512 (RFC 5702), ECDSAP256SHA256,
 * ECDSAP384SHA384 (RFC 6605), ED25519, ED448 (RFC 8080). What rests on SHA-1 is
 * not taken as proof (RFC 9905). Off the workers; one thread a verifier.
 */
#pragma once

#include "lib/base/status.h"
#include "lib/dns/dname.h"
#include "lib/zone/zone.h"

#include <stddef.h>
#include <stdint.h>

enum {
	/* A DNSKEY with 4096 bits of RSA and an exponent of 4 octets has 521.
	 */
	TRUST_ANCHOR_MAX = 1024,
	TRUST_ANCHOR_REASON_MAX = 256,
	DNSSEC_NO_TIME = -1, /* signatures are not judged by time */
};

/* A key that is known from elsewhere: the RDATA of a DS or a DNSKEY. */
struct trust_anchor {
	uint16_t type;
	uint16_t size;
	uint8_t rdata[TRUST_ANCHOR_MAX];
};

/*
 * Read '20326 8 2 E06D...' (DS) or '257 3 8 AwEAA...' (DNSKEY); the word 'DS'
 * or 'DNSKEY' may stand before it. STATUS_BAD_SYNTAX, or STATUS_NOT_SUPPORTED
 * for an algorithm or digest that proves nothing here: reason says why.
 */
must_check enum status trust_anchor_load(struct trust_anchor *out,
					 const char *text,
					 char reason[TRUST_ANCHOR_REASON_MAX]);

struct dnssec_verifier;

/*
 * at: seconds since 1970, or DNSSEC_NO_TIME. The version must outlive the
 * verifier. NULL without memory.
 */
struct dnssec_verifier *dnssec_verifier_new(const struct zone_version *version,
					    int64_t at);
void dnssec_verifier_free(struct dnssec_verifier *verifier);

/*
 * Verify the apex DNSKEY RRset: signed by a key that an anchor names, or, with
 * count 0, by any of its own. Only then, and with all of its keys, may
 * dnssec_verify() be asked. STATUS_BAD_DATA: *reason, a static text, says why
 * not. STATUS_NO_MEMORY.
 */
must_check enum status dnssec_verifier_trust(struct dnssec_verifier *verifier,
					     const struct trust_anchor *anchors,
					     size_t count, const char **reason);

/*
 * Is one of the signatures over the set good? One is enough (RFC 6840 5.4). The
 * set must be authoritative data of the version, owner its name. Returns as
 * above.
 */
must_check enum status dnssec_verify(struct dnssec_verifier *verifier,
				     const struct dname *owner,
				     const struct rrset *rrset,
				     const char **reason);
