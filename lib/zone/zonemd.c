/*
 * zonemd.c - the digest over a whole zone (RFC 8976), and its comparison.
 *
 * The scheme SIMPLE digests every record once, in canonical form and order:
 * names by RFC 4034 6.1, at a name types by number, in a set RDATA by RFC 4034
 * 6.3. A version keeps all that sorted already, but for three things that are
 * made good here:
 *
 * - NSEC3 names stand in a trie of their own. They are listed first, and the
 *   walk over the other names takes each when its turn has come.
 * - Signatures lie with the set that they cover, while RRSIG (46) has its turn
 *   among the types. Their RDATA begins with the type covered, so signatures in
 *   the order of the types covered are in canonical order.
 * - Names keep their spelling: they are folded on the way out.
 *
 * All digests that are asked for are made in one walk. The records of a zone
 * are short, so they are gathered in a buffer before they are digested.
 */
#include "lib/zone/zonemd.h"

#include "lib/base/wire.h"
#include "lib/dns/rrtype.h"
#include "lib/zone/lookup.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum {
	SCHEME_SIMPLE = 1, /* RFC 8976 5.2 */
	HASH_SHA384 = 1,   /* RFC 8976 5.3 */
	HASH_SHA512 = 2,
	HASHES = 2,

	RDATA_HEAD = 6,   /* serial, scheme, hash algorithm */
	RECORD_HEAD = 10, /* type, class, TTL, RDLENGTH */
	BUFFER_SIZE = 2 * 65536,
};

_Static_assert(BUFFER_SIZE > DNAME_MAX + RECORD_HEAD + 65535,
	       "one record fits");

static const struct {
	uint8_t algorithm;
	uint8_t size; /* octets */
	const EVP_MD *(*method)(void);
} hashes[HASHES] = {
	{HASH_SHA384, 48, EVP_sha384},
	{HASH_SHA512, 64, EVP_sha512},
};

struct digest {
	EVP_MD_CTX *context; /* NULL: not asked for */
	uint8_t octets[EVP_MAX_MD_SIZE];
};

struct digester {
	const struct zone_version *version;
	struct digest digests[HASHES];
	const struct zone_node **hashed; /* the NSEC3 names, in order */
	size_t hashed_count;
	size_t hashed_capacity;
	size_t hashed_next; /* the first whose turn has not come */
	uint8_t *buffer;
	size_t used;
	bool failed; /* no memory; or OpenSSL says so */
};

const char zonemd_wrong_digest[] =
	"the zone is not what its ZONEMD's digest says";

const char *zonemd_state_text(enum zonemd_state state)
{
	switch (state) {
#define ZONEMD_STATE_CASE(name, text) \
	case name:                    \
		return text;
		ZONEMD_STATE_LIST(ZONEMD_STATE_CASE)
#undef ZONEMD_STATE_CASE
	case ZONEMD_STATES:
		break;
	}
	return "unknown";
}

bool zonemd_policy_load(enum zonemd_policy *out, const char *text)
{
	static const char *const texts[] = {
#define ZONEMD_POLICY_TEXT(name, text) [name] = (text),
		ZONEMD_POLICY_LIST(ZONEMD_POLICY_TEXT)
#undef ZONEMD_POLICY_TEXT
	};

	for (unsigned i = 0; i < ZONEMD_POLICIES; i++) {
		if (strcmp(texts[i], text) == 0) {
			*out = (enum zonemd_policy)i;
			return true;
		}
	}
	return false;
}

/* --- octets in -----------------------------------------------------------
 */

static void flush(struct digester *digester)
{
	for (size_t i = 0; i < HASHES; i++) {
		EVP_MD_CTX *context = digester->digests[i].context;

		if (context != NULL &&
		    EVP_DigestUpdate(context, digester->buffer,
				     digester->used) != 1) {
			digester->failed = true;
		}
	}
	digester->used = 0;
}

static void add_record(struct digester *digester, const struct dname *owner,
		       uint16_t type, uint32_t ttl, const uint8_t *record)
{
	size_t size = rdata_length(record);
	uint8_t *at;

	if (digester->used + owner->length + RECORD_HEAD + size > BUFFER_SIZE) {
		flush(digester);
	}
	at = digester->buffer + digester->used;
	memcpy(at, owner->octets, owner->length);
	at += owner->length;
	wire_put16(at, type);
	wire_put16(at + 2, RRCLASS_IN);
	wire_put32(at + 4, ttl);
	wire_put16(at + 8, (uint16_t)size);
	memcpy(at + RECORD_HEAD, rdata_octets(record), size);
	rdata_make_canonical(type, at + RECORD_HEAD, size);
	digester->used += owner->length + RECORD_HEAD + size;
}

static void add_records(struct digester *digester, const struct dname *owner,
			const struct rrset *rrset)
{
	const uint8_t *record = rrset_first(rrset);

	for (unsigned i = 0; i < rrset->count; i++) {
		add_record(digester, owner, rrset->type, rrset->ttl, record);
		record = rrset_next(record);
	}
}

static void add_signatures(struct digester *digester, const struct dname *owner,
			   const struct rrset *rrset)
{
	const uint8_t *record = rrset_first_signature(rrset);

	for (unsigned i = 0; i < rrset->signatures; i++) {
		add_record(digester, owner, RRTYPE_RRSIG, rrset->signature_ttl,
			   record);
		record = rrset_next(record);
	}
}

/* --- a name: its node among the names, among the NSEC3 names, or both -------
 */

struct place {
	const struct zone_node *nodes[2]; /* NULL: none */
	size_t next[2];
};

/* The RRset of the least type that has not been taken yet, or NULL. */
static const struct rrset *take(const struct zone_version *version,
				struct place *place)
{
	const struct rrset *least = NULL;
	size_t from = 0;

	for (size_t i = 0; i < 2; i++) {
		const struct zone_node *node = place->nodes[i];
		const struct rrset *rrset;

		if (node == NULL ||
		    place->next[i] == zone_node_rrset_count(node)) {
			continue;
		}
		rrset = zone_node_rrset_at(version, node, place->next[i]);
		if (least == NULL || rrset->type < least->type) {
			least = rrset;
			from = i;
		}
	}
	place->next[from] += least != NULL;
	return least;
}

static void add_name(struct digester *digester, const struct zone_node *node,
		     const struct zone_node *hashed)
{
	const struct zone_version *version = digester->version;
	const struct dname *name = zone_node_name(node != NULL ? node : hashed);
	bool is_apex = dname_equal(name, zone_version_apex(version));
	struct place places[3] = {
		{.nodes = {node, hashed}}, /* types up to RRSIG */
		{.nodes = {node, hashed}}, /* signatures */
		{.nodes = {node, hashed}}, /* types after it */
	};
	struct dname_storage owner;
	const struct rrset *rrset;

	dname_copy(&owner, name);
	dname_make_canonical(dname_of(&owner));
	name = dname_of(&owner);
	while ((rrset = take(version, &places[0])) != NULL) {
		if (rrset->type <= RRTYPE_RRSIG) {
			add_records(digester, name, rrset);
		}
	}
	while ((rrset = take(version, &places[1])) != NULL) {
		/* RFC 8976 3.3.1: not the apex ZONEMD, not its signatures */
		if (!is_apex || rrset->type != RRTYPE_ZONEMD) {
			add_signatures(digester, name, rrset);
		}
	}
	while ((rrset = take(version, &places[2])) != NULL) {
		if (rrset->type > RRTYPE_RRSIG &&
		    (!is_apex || rrset->type != RRTYPE_ZONEMD)) {
			add_records(digester, name, rrset);
		}
	}
}

static bool list_hashed(const struct zone_version *version,
			const struct zone_node *node, void *context)
{
	struct digester *digester = context;

	(void)version;
	if (digester->hashed_count == digester->hashed_capacity) {
		size_t capacity = digester->hashed_capacity * 2 + 64;
		const struct zone_node **hashed =
			realloc(digester->hashed, capacity * sizeof(*hashed));

		if (hashed == NULL) {
			digester->failed = true;
			return false;
		}
		digester->hashed = hashed;
		digester->hashed_capacity = capacity;
	}
	digester->hashed[digester->hashed_count++] = node;
	return true;
}

static bool add_node(const struct zone_version *version,
		     const struct zone_node *node, void *context)
{
	struct digester *digester = context;
	const struct dname *name = zone_node_name(node);

	(void)version;
	while (digester->hashed_next < digester->hashed_count) {
		const struct zone_node *hashed =
			digester->hashed[digester->hashed_next];
		int order = dname_compare(zone_node_name(hashed), name);

		if (order > 0) {
			break;
		}
		digester->hashed_next++;
		if (order == 0) {
			add_name(digester, node, hashed);
			return !digester->failed;
		}
		add_name(digester, NULL, hashed);
	}
	add_name(digester, node, NULL);
	return !digester->failed;
}

/* Make all digests that have a context. */
static enum status digest_zone(struct digester *digester)
{
	digester->buffer = malloc(BUFFER_SIZE);
	if (digester->buffer == NULL) {
		return STATUS_NO_MEMORY;
	}
	zone_version_walk_nsec3(digester->version, list_hashed, digester);
	if (!digester->failed) {
		zone_version_walk(digester->version, add_node, digester);
	}
	while (!digester->failed &&
	       digester->hashed_next < digester->hashed_count) {
		add_name(digester, NULL,
			 digester->hashed[digester->hashed_next++]);
	}
	flush(digester);
	for (size_t i = 0; i < HASHES; i++) {
		struct digest *digest = &digester->digests[i];

		if (digest->context != NULL &&
		    EVP_DigestFinal_ex(digest->context, digest->octets, NULL) !=
			    1) {
			digester->failed = true;
		}
	}
	return digester->failed ? STATUS_NO_MEMORY : STATUS_OK;
}

static void digester_fini(struct digester *digester)
{
	for (size_t i = 0; i < HASHES; i++) {
		EVP_MD_CTX_free(digester->digests[i].context);
	}
	free(digester->hashed);
	free(digester->buffer);
}

/* --- the records ------------------------------------------------------------
 */

/* The index of the hash that the record asks for; HASHES: not supported. */
static size_t hash_of(const uint8_t *rdata)
{
	size_t i = 0;

	if (rdata[4] != SCHEME_SIMPLE) {
		return HASHES;
	}
	while (i < HASHES && hashes[i].algorithm != rdata[5]) {
		i++;
	}
	return i;
}

/* Do other records have the same scheme and algorithm? */
static bool is_repeated(const struct rrset *rrset, const uint8_t *rdata)
{
	const uint8_t *record = rrset_first(rrset);
	unsigned same = 0;

	for (unsigned i = 0; i < rrset->count; i++) {
		same += rdata_length(record) >= RDATA_HEAD &&
			memcmp(rdata_octets(record) + 4, rdata + 4, 2) == 0;
		record = rrset_next(record);
	}
	return same > 1;
}

/* What is wrong with a record of a hash that is supported, or NULL. */
static const char *record_fault(const struct zone_version *version,
				const struct rrset *rrset,
				const uint8_t *record, size_t hash)
{
	const uint8_t *rdata = rdata_octets(record);

	if (is_repeated(rrset, rdata)) {
		return "several ZONEMD records of one scheme and algorithm "
		       "(RFC 8976 4)";
	}
	if (wire_get32(rdata) != zone_version_serial(version)) {
		return "the ZONEMD's serial is not the SOA's";
	}
	if (rdata_length(record) != RDATA_HEAD + hashes[hash].size) {
		return "the ZONEMD's digest has a wrong length";
	}
	return NULL;
}

/*
 * Which hashes are to be made; expected[i] is what the record says. false
 * without memory.
 */
static bool ask(struct digester *digester, const struct rrset *rrset,
		const uint8_t *expected[HASHES], bool *is_supported,
		const char **fault)
{
	const uint8_t *record = rrset_first(rrset);

	for (unsigned i = 0; i < rrset->count;
	     i++, record = rrset_next(record)) {
		const uint8_t *rdata = rdata_octets(record);
		struct digest *digest;
		const char *wrong;
		size_t hash;

		if (rdata_length(record) < RDATA_HEAD) {
			continue; /* the reader lets none through */
		}
		hash = hash_of(rdata);
		if (hash == HASHES) {
			continue;
		}
		*is_supported = true;
		wrong = record_fault(digester->version, rrset, record, hash);
		if (wrong != NULL) {
			*fault = wrong;
			continue;
		}
		digest = &digester->digests[hash];
		digest->context = EVP_MD_CTX_new();
		if (digest->context == NULL ||
		    EVP_DigestInit_ex(digest->context, hashes[hash].method(),
				      NULL) != 1) {
			return false;
		}
		expected[hash] = rdata + RDATA_HEAD;
	}
	return true;
}

/* One that matches is enough (RFC 8976 4, step 5). */
static bool is_any_right(const struct digester *digester,
			 const uint8_t *const expected[HASHES])
{
	for (size_t i = 0; i < HASHES; i++) {
		if (expected[i] != NULL &&
		    memcmp(digester->digests[i].octets, expected[i],
			   hashes[i].size) == 0) {
			return true;
		}
	}
	return false;
}

/* Compare what the records say with the zone (RFC 8976 4, steps 3 and 4). */
static enum status verify_digest(const struct zone_version *version,
				 const struct rrset *rrset,
				 struct zonemd_result *out)
{
	struct digester digester = {.version = version};
	const uint8_t *expected[HASHES] = {NULL, NULL};
	bool is_supported = false;
	enum status status = STATUS_OK;

	if (!ask(&digester, rrset, expected, &is_supported, &out->reason)) {
		status = STATUS_NO_MEMORY;
		goto out;
	}
	if (!is_supported) {
		out->state = ZONEMD_UNSUPPORTED;
		goto out;
	}
	if (expected[0] != NULL || expected[1] != NULL) {
		status = digest_zone(&digester);
		if (status != STATUS_OK) {
			goto out;
		}
		if (is_any_right(&digester, expected)) {
			out->state = ZONEMD_DIGEST;
			out->reason = NULL;
			goto out;
		}
		out->reason = zonemd_wrong_digest;
	}
	status = STATUS_BAD_DATA;
out:
	digester_fini(&digester);
	return status;
}

/* --- the signatures --------------------------------------------------------
 */

/* Over DNSKEY, SOA and ZONEMD, in this order; *type is the one at fault. */
static enum status verify_signatures(const struct zone_version *version,
				     const struct zonemd_rule *rule, int64_t at,
				     const char **reason, uint16_t *type)
{
	static const uint16_t types[] = {RRTYPE_SOA, RRTYPE_ZONEMD};
	const struct zone_node *apex = zone_version_apex_node(version);
	struct dnssec_verifier *verifier = dnssec_verifier_new(version, at);
	enum status status;

	if (verifier == NULL) {
		return STATUS_NO_MEMORY;
	}
	*type = RRTYPE_DNSKEY;
	status = dnssec_verifier_trust(
		verifier, rule != NULL ? rule->anchors : NULL,
		rule != NULL ? rule->anchor_count : 0, reason);
	for (size_t i = 0; i < 2 && status == STATUS_OK; i++) {
		*type = types[i];
		status = dnssec_verify(verifier, zone_version_apex(version),
				       zone_node_find(version, apex, types[i]),
				       reason);
	}
	dnssec_verifier_free(verifier);
	return status;
}

/* --- all together -----------------------------------------------------------
 */

/*
 * Does an NSEC or NSEC3 record say that its name has a ZONEMD? The type is in
 * the first window of the bitmap (RFC 4034 4.1.2).
 */
static bool is_told_of(uint16_t type, const uint8_t *record)
{
	enum {
		BITMAP_HEAD = 2
	};
	struct wire_reader reader =
		wire_reader_init(rdata_octets(record), rdata_length(record));
	const uint8_t *head;
	const uint8_t *octet;

	if (type == RRTYPE_NSEC) {
		wire_read(&reader,
			  dname_wire_length(reader.at, wire_left(&reader)));
	} else {
		wire_read(&reader, 4); /* RFC 5155 3.2: salt and hash follow */
		wire_read(&reader, wire_read8(&reader));
		wire_read(&reader, wire_read8(&reader));
	}
	head = wire_read(&reader, BITMAP_HEAD);
	octet = wire_read(&reader, RRTYPE_ZONEMD / 8 + 1);
	return head != NULL && octet != NULL && head[0] == 0 &&
	       head[1] > RRTYPE_ZONEMD / 8 &&
	       (octet[RRTYPE_ZONEMD / 8] & 0x80 >> RRTYPE_ZONEMD % 8) != 0;
}

/* RFC 8976 4, step 1: a record that was taken out shows in the bitmap. */
static bool is_taken_out(const struct zone_version *version)
{
	const struct zone_node *node = zone_version_apex_node(version);
	const struct rrset *rrset = zone_node_find(version, node, RRTYPE_NSEC);
	uint8_t hash[NSEC3_HASH_SIZE];
	bool is_match = false;

	if (rrset == NULL && zone_version_has_nsec3(version)) {
		zone_nsec3_hash(version, zone_version_apex(version), hash);
		node = zone_find_nsec3(version, hash, &is_match);
		rrset = node != NULL && is_match
				? zone_node_find(version, node, RRTYPE_NSEC3)
				: NULL;
	}
	return rrset != NULL && is_told_of(rrset->type, rrset_first(rrset));
}

static enum status refuse(struct zonemd_result *out, uint16_t type,
			  const char *reason)
{
	out->type = type;
	out->reason = reason;
	return STATUS_BAD_DATA;
}

enum status zonemd_verify(const struct zone_version *version,
			  const struct zonemd_rule *rule, int64_t at,
			  struct zonemd_result *out)
{
	const struct rrset *rrset = zone_node_find(
		version, zone_version_apex_node(version), RRTYPE_ZONEMD);
	enum zonemd_policy policy =
		rule != NULL ? rule->policy : ZONEMD_POLICY_CHECK;
	const char *reason = NULL;
	uint16_t type = 0;
	enum status signatures;
	enum status status;

	*out = (struct zonemd_result){.state = ZONEMD_NONE};
	if (rrset == NULL) {
		if (policy != ZONEMD_POLICY_REQUIRE) {
			return STATUS_OK;
		}
		return refuse(out, 0,
			      is_taken_out(version)
				      ? "the ZONEMD that the apex's NSEC or "
					"NSEC3 tells of is missing"
				      : "there is no ZONEMD, and it is "
					"required");
	}
	if (policy == ZONEMD_POLICY_IGNORE) {
		out->state = ZONEMD_IGNORED;
		return STATUS_OK;
	}
	signatures = verify_signatures(version, rule, at, &reason, &type);
	if (signatures == STATUS_NO_MEMORY) {
		return signatures;
	}
	if (signatures != STATUS_OK && policy == ZONEMD_POLICY_REQUIRE) {
		out->is_signature = true;
		return refuse(out, type, reason);
	}
	status = verify_digest(version, rrset, out);
	if (status != STATUS_OK) {
		out->type = RRTYPE_ZONEMD;
		return status;
	}
	if (out->state != ZONEMD_DIGEST) {
		return policy != ZONEMD_POLICY_REQUIRE
			       ? STATUS_OK
			       : refuse(out, RRTYPE_ZONEMD,
					"no ZONEMD is of a scheme and "
					"algorithm that is known");
	}
	if (signatures == STATUS_OK) {
		out->state = ZONEMD_SIGNATURE;
	} else {
		out->reason = reason;
		out->type = type;
		out->is_signature = true;
	}
	return STATUS_OK;
}
