/*
 * checks_walk.h - what the files of the checks share: where the walk is, and
 * how a finding is told. Internal to checks*.c.
 */
#pragma once

#include "lib/dns/dname.h"
#include "lib/zone/checks.h"
#include "lib/zone/lookup.h"
#include "lib/zone/rrset.h"
#include "lib/zone/signature.h"
#include "lib/zone/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * X(name, text): findings that can come by the thousand. Each is told once, at
 * the end, with its number and its first place.
 */
#define CHECK_TALLY_LIST(X)                                                   \
	X(HIDDEN, "sets below a cut that are no glue and never served")       \
	X(EXTRA_GLUE, "hosts below a cut that no NS names: extra glue")       \
	X(HOST_NAMES, "owners of addresses that are no host names")           \
	X(TWICE, "names that end in the zone's name twice: a dot missing?")   \
	X(LONG_TTL, "TTLs above the SOA's expire")                            \
	X(NSEC_MISSING, "names without their NSEC")                           \
	X(NSEC_NEXT, "NSEC whose next name is not the one that follows")      \
	X(NSEC_STRAY, "NSEC at names that are not authoritative")             \
	X(NSEC3_MISSING, "names without their NSEC3")                         \
	X(NSEC3_OPT_OUT, "delegations without NSEC3 and without opt-out")     \
	X(NSEC3_NEXT, "NSEC3 whose next hash is not the one that follows")    \
	X(NSEC3_ORPHAN, "NSEC3 of names that are not there")                  \
	X(NSEC3_FORM, "NSEC3 that are not of the chain of NSEC3PARAM")        \
	X(BITMAP, "NSEC or NSEC3 whose types are not those of the name")      \
	X(STRAY, "DNSSEC records in a zone that has no DNSKEY")               \
	X(UNSIGNED, "sets without a signature")                               \
	X(ALGORITHM, "sets without a signature of each algorithm in use")     \
	X(NO_KEY, "signatures by a key that is not in the DNSKEY set")        \
	X(SIGNER, "signatures whose signer is not the zone")                  \
	X(LABELS, "signatures whose count of labels is not the owner's")      \
	X(ORIGINAL_TTL, "signatures whose original TTL is not the set's TTL") \
	X(BOGUS, "signatures that do not verify")                             \
	X(EXPIRED, "sets whose signatures have expired")                      \
	X(EARLY, "sets whose signatures are not valid yet")                   \
	X(SOON, "sets whose signatures expire within 7 days")

enum check_tally {
#define CHECK_TALLY_ENUM(name, text) CHECK_##name,
	CHECK_TALLY_LIST(CHECK_TALLY_ENUM)
#undef CHECK_TALLY_ENUM
	CHECK_TALLIES
};

/* How many, and where first. */
struct check_first {
	size_t count;
	struct dname_storage owner;
	uint16_t type;
	const uint8_t *record;
	bool is_signature;
};

enum {
	CHECK_ALGORITHMS = 256,
	CHECK_KEYS_MAX = 64, /* keys of a DNSKEY set that are looked at */
};

/* A key of the apex, for who signed what. */
struct check_key {
	uint16_t tag;
	uint8_t algorithm;
	struct signature_key *key; /* NULL: not verified with */
};

struct check_walk {
	const struct zone_version *version;
	const struct dname *apex;
	int64_t at;
	uint32_t expire;
	bool is_verifying;
	bool is_signed;
	bool has_dnskey;

	struct dname_storage cut; /* the last one */
	const struct rrset *cut_ns;
	struct dname_storage dname;
	bool has_cut;
	bool has_dname;
	bool is_dname_told;

	/* the NSEC chain: of the last authoritative name */
	const struct zone_node *nsec_node;
	const struct rrset *nsec;

	/* the NSEC3 chain: empty names that have no NSEC3 under opt-out, so
	 * far; each is an ancestor of the next */
	const struct zone_node *pending[DNAME_LABELS_MAX + 1];
	unsigned pending_count;
	size_t nsec3_matched;
	size_t nsec3_count;
	const struct zone_node *nsec3_first;
	const struct zone_node *nsec3_last;

	/* NS records whose server has nothing to be told of, by the hash of
	 * its name; NULL where there is no memory */
	const uint8_t **good_hosts;

	/* hosts below cuts that their own cut does not name, in order */
	const struct zone_node **spare_hosts;
	size_t spare_count;
	size_t spare_capacity;

	struct check_key keys[CHECK_KEYS_MAX];
	unsigned key_count;
	bool has_algorithm[CHECK_ALGORITHMS];
	unsigned algorithm_count;

	struct check_first first[CHECK_TALLIES];
	zone_finding_func func;
	void *context;
	struct zone_check_result result;
};

/* Tell one finding; record as in struct zone_finding. */
void check_tell(struct check_walk *walk, const struct dname *owner,
		uint16_t type, const uint8_t *record, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

void check_count(struct check_walk *walk, enum check_tally kind,
		 const struct dname *owner, uint16_t type,
		 const uint8_t *record);
/* The same about a signature over the type. */
void check_count_signature(struct check_walk *walk, enum check_tally kind,
			   const struct dname *owner, uint16_t type,
			   const uint8_t *record);

/* --- checks_hosts.c: what names name -------------------------------------- */

/* Around the walk. */
void check_hosts_init(struct check_walk *walk);
void check_hosts_fini(struct check_walk *walk);
/* The hosts of an NS, MX or SRV set; is_cut: the NS of a delegation. */
void check_hosts(struct check_walk *walk, const struct dname *owner,
		 const struct rrset *rrset, bool is_cut);
/* A node with addresses: is its name a host name? */
void check_host_name(struct check_walk *walk, const struct dname *owner,
		     uint16_t type);
/* A node below the cut of the walk. */
void check_below_cut(struct check_walk *walk, const struct zone_node *node);
/* After the walk: hosts that no NS of the zone names. */
void check_spare_hosts(struct check_walk *walk);

/* --- checks_chain.c: NSEC and NSEC3 --------------------------------------- */

/* A name that is authoritative, or a cut. */
void check_nsec(struct check_walk *walk, const struct zone_node *node,
		bool is_cut);
/* The same, and empty non-terminals. */
void check_nsec3(struct check_walk *walk, const struct zone_node *node,
		 bool is_cut);
/* After the walk over all names: the records themselves. */
void check_chain_ends(struct check_walk *walk);

/* --- checks_keys.c: DNSKEY, DS, CDS, CDNSKEY, NSEC3PARAM ------------------ */

/* Before the walk: the keys are kept for the signatures. */
void check_apex_keys(struct check_walk *walk);
void check_ds(struct check_walk *walk, const struct dname *owner,
	      const struct rrset *rrset);

/* --- checks_signatures.c -------------------------------------------------- */

/* A set that is to be signed. */
void check_signatures(struct check_walk *walk, const struct dname *owner,
		      const struct rrset *rrset);
