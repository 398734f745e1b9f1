/*
 * tool_validate.c - judges replies as a validating resolver would.
 *
 * usage: tool_validate --key FILE... [--unsigned NAME]... [--at TIME]
 *
 *	--key FILE	DNSKEY or DS records as text; each owner is the apex of
 *			a zone that is signed, and these are its trust points
 *	--unsigned NAME	the apex of a zone that is served without signatures
 *	--at TIME	the time to judge at: RFC 3339, or seconds since 1970
 *
 * Standard input is a stream of records, all numbers big endian: u16 length and
 * zone apex in wire form; u16 length and query; u16 length and reply. A line is
 * printed for each reply that fails (number of the record from 1, question,
 * reason), then 'N validated, N unsigned, N failed'; the exit status is 1 when
 * one failed, 2 when the stream or the options are bad.
 *
 * A reply counts as unsigned where there is nothing to validate: the query did
 * not say DO, the zone has no trust point, the reply is an error or truncated,
 * or holds signatures alone (QTYPE RRSIG). Everything else must be proved by
 * RFC 4035 5, RFC 5155 8, RFC 6840 and RFC 6672 5.3: each RRset by a signature,
 * each wildcard expansion by the absence of a closer name, each absence by its
 * denial, each referral by DS or by the proof that there is none.
 *
 * The idea: the octets are read and the signatures verified by ldns and
 * OpenSSL, and names, their order and the proofs are compared by code of this
 * file alone; nothing of lib/ is used, so that a mistake there cannot hide
 * itself here. ldns_dnssec_verify_denial() and its NSEC3 twin were rejected:
 * they take an NSEC from above a cut, do not tell an empty non-terminal, and
 * check neither the closest encloser nor opt-out as RFC 5155 8 asks. Verdicts
 * of signatures are kept by the SHA-256 of what was signed, so that the RRsets
 * which most replies share cost one hash.
 *
 * Records that fail are judged once more at the end of the stream: by then
 * every DNSKEY RRset that the stream held, and every apex, is known.
 *
 * Memory is the process's; what a record allocates goes when it is judged.
 */
#include <ldns/ldns.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
	NAME_OCTETS = 255,
	NAME_LABELS = 127,
	RRSETS_MAX = 512,
	MESSAGE_OCTETS = 65535,
	/* What is signed is longer than a message: names are written out. */
	SIGNED_OCTETS = 1 << 22,
	RECORDS_MAX = 8192,
	VERDICT_SLOTS = 1 << 12,
	HASH_OCTETS = 20, /* SHA-1, RFC 5155 11 */
	FLAG_ZONE_KEY = 0x0100,
	FLAG_REVOKED = 0x0080,
	NSEC3_OPT_OUT = 1,
	/*
	 * rootcastd gives up a chain of more names than 16 (ANSWER_CHAIN_MAX):
	 * after so many links there may be no proof for the last name.
	 */
	CHAIN_LONG = 15,
	CHAIN_MAX = 256,
};

/* --- names ---------------------------------------------------------------- */

/* In lower case, with the offset of each label, leftmost first. */
struct name {
	uint8_t size;
	uint8_t labels; /* root not counted */
	uint8_t octets[NAME_OCTETS];
	uint8_t at[NAME_LABELS + 1];
};

static bool name_read(struct name *out, const uint8_t *octets, size_t size)
{
	size_t at = 0;

	out->labels = 0;
	while (at < size) {
		uint8_t length = octets[at];

		if (length > 63 || at + length + 1 > size ||
		    at + length + 1 > NAME_OCTETS) {
			return false;
		}
		out->octets[at] = length;
		out->at[out->labels] = (uint8_t)at;
		if (length == 0) {
			out->size = (uint8_t)(at + 1);
			return true;
		}
		for (size_t i = at + 1; i <= at + length; i++) {
			uint8_t c = octets[i];

			out->octets[i] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
		}
		out->labels++;
		at += (size_t)length + 1;
	}
	return false;
}

static bool name_of_rdf(struct name *out, const ldns_rdf *rdf)
{
	return rdf != NULL &&
	       name_read(out, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
}

static bool name_equal(const struct name *a, const struct name *b)
{
	return a->size == b->size && memcmp(a->octets, b->octets, a->size) == 0;
}

/* Canonical order, RFC 4034 6.1: the rightmost label counts most. */
static int name_compare(const struct name *a, const struct name *b)
{
	unsigned shared = a->labels < b->labels ? a->labels : b->labels;

	for (unsigned i = 1; i <= shared; i++) {
		const uint8_t *p = a->octets + a->at[a->labels - i];
		const uint8_t *q = b->octets + b->at[b->labels - i];
		size_t size = *p < *q ? *p : *q;
		int order = memcmp(p + 1, q + 1, size);

		if (order == 0) {
			order = *p - *q;
		}
		if (order != 0) {
			return order;
		}
	}
	return a->labels - b->labels;
}

static unsigned name_shared(const struct name *a, const struct name *b)
{
	unsigned count = 0;

	while (count < a->labels && count < b->labels) {
		const uint8_t *p = a->octets + a->at[a->labels - count - 1];
		const uint8_t *q = b->octets + b->at[b->labels - count - 1];

		if (*p != *q || memcmp(p + 1, q + 1, *p) != 0) {
			break;
		}
		count++;
	}
	return count;
}

/* Equal to top, or below it. */
static bool name_within(const struct name *name, const struct name *top)
{
	return name_shared(name, top) == top->labels;
}

static bool name_below(const struct name *name, const struct name *top)
{
	return name->labels > top->labels && name_within(name, top);
}

static void name_suffix(struct name *out, const struct name *name,
			unsigned labels)
{
	unsigned from = name->at[name->labels - labels];

	if (!name_read(out, name->octets + from, (size_t)(name->size - from))) {
		abort();
	}
}

/* "*" before encloser; false when that is too long to exist. */
static bool name_wildcard(struct name *out, const struct name *encloser)
{
	uint8_t octets[NAME_OCTETS + 2] = {1, '*'};

	if (encloser->size + 2 > NAME_OCTETS) {
		return false;
	}
	memcpy(octets + 2, encloser->octets, encloser->size);
	return name_read(out, octets, (size_t)encloser->size + 2);
}

static bool name_is_wildcard(const struct name *name)
{
	return name->octets[0] == 1 && name->octets[1] == '*';
}

static const char *name_text(const struct name *name, char *text, size_t room)
{
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < name->labels; i++) {
		const uint8_t *label = name->octets + name->at[i];

		for (unsigned j = 1; j <= label[0] && at + 6 < room; j++) {
			bool is_plain = label[j] > ' ' && label[j] < 0x7f &&
					label[j] != '.' && label[j] != '\\';

			at += (size_t)snprintf(text + at, room - at,
					       is_plain ? "%c" : "\\%03u",
					       label[j]);
		}
		if (at + 2 < room) {
			at += (size_t)snprintf(text + at, room - at, ".");
		}
	}
	if (name->labels == 0) {
		snprintf(text, room, ".");
	}
	return text;
}

/* --- zones and keys ------------------------------------------------------- */

struct key {
	struct key *next;
	ldns_rr *rr;
	uint16_t flags;
	uint16_t tag;
	uint8_t algorithm;
};

struct zone {
	struct zone *next;
	struct name apex;
	bool is_signed;   /* a trust point is known */
	bool has_learnt;  /* keys holds a validated DNSKEY RRset */
	struct key *keys; /* trusted */
	ldns_rr_list *ds; /* trusted digests of keys */
	char text[NAME_OCTETS * 4 + 2];
};

struct verdict {
	struct verdict *next;
	uint8_t hash[SHA256_DIGEST_LENGTH];
	bool is_good;
};

struct validator {
	struct zone *zones;
	time_t now;
	struct verdict *verdicts[VERDICT_SLOTS];
	ldns_buffer *scratch;
	ldns_buffer *signed_data;
};

static void *allocate(size_t size)
{
	void *memory = calloc(1, size);

	if (memory == NULL) {
		abort();
	}
	return memory;
}

static struct zone *zone_get(struct validator *v, const struct name *apex)
{
	struct zone *zone = v->zones;

	while (zone != NULL && !name_equal(&zone->apex, apex)) {
		zone = zone->next;
	}
	if (zone == NULL) {
		zone = allocate(sizeof(*zone));
		zone->apex = *apex;
		zone->next = v->zones;
		v->zones = zone;
	}
	return zone;
}

/* The zone that answers for name; for a DS record the parent's. */
static struct zone *zone_of(const struct validator *v, const struct name *name,
			    uint16_t type)
{
	struct zone *best = NULL;
	struct zone *own = NULL;

	for (struct zone *zone = v->zones; zone != NULL; zone = zone->next) {
		if (!name_within(name, &zone->apex)) {
			continue;
		}
		if (name_equal(name, &zone->apex)) {
			own = zone;
			if (type == LDNS_RR_TYPE_DS) {
				continue;
			}
		}
		if (best == NULL || zone->apex.labels > best->apex.labels) {
			best = zone;
		}
	}
	return best != NULL ? best : own;
}

static uint16_t rdf16(const ldns_rr *rr, size_t field)
{
	return ldns_rdf2native_int16(ldns_rr_rdf(rr, field));
}

static uint8_t rdf8(const ldns_rr *rr, size_t field)
{
	return ldns_rdf2native_int8(ldns_rr_rdf(rr, field));
}

static uint32_t rdf32(const ldns_rr *rr, size_t field)
{
	return ldns_rdf2native_int32(ldns_rr_rdf(rr, field));
}

/* RFC 4034 2.1: a key that may sign a zone's data; RFC 5011 2.1: not revoked */
static void zone_add_key(struct zone *zone, const ldns_rr *rr)
{
	struct key *key;
	uint16_t flags;

	if (ldns_rr_rd_count(rr) != 4) {
		return;
	}
	flags = rdf16(rr, 0);
	if ((flags & FLAG_ZONE_KEY) == 0 || (flags & FLAG_REVOKED) != 0 ||
	    rdf8(rr, 1) != 3) {
		return;
	}
	for (key = zone->keys; key != NULL; key = key->next) {
		if (ldns_rr_compare(key->rr, rr) == 0) {
			return;
		}
	}
	key = allocate(sizeof(*key));
	key->rr = ldns_rr_clone(rr);
	key->flags = flags;
	key->tag = ldns_calc_keytag(rr);
	key->algorithm = rdf8(rr, 2);
	key->next = zone->keys;
	zone->keys = key;
}

/* --- a reply, by RRsets --------------------------------------------------- */

enum section {
	ANSWER,
	AUTHORITY,
	ADDITIONAL
};

struct rrset {
	struct name owner;
	uint16_t type;
	enum section section;
	ldns_rr_list *rrs;
	ldns_rr_list *sigs;
	struct zone *zone; /* whose signature holds */
	/* Labels of the signed owner, RFC 4034 3.1.3. */
	unsigned sig_labels;
	bool is_verified;
	bool is_used; /* a link of the answer's chain */
};

struct reply {
	struct validator *v;
	ldns_pkt *packet;
	struct rrset rrsets[RRSETS_MAX];
	unsigned count;
	struct name qname;
	uint16_t qtype;
	unsigned rcode;
	bool is_proved; /* a signature was needed, and held */
	char reason[2400];
};

__attribute__((format(printf, 2, 3))) static bool
refuse(struct reply *r, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(r->reason, sizeof(r->reason), format, arguments);
	va_end(arguments);
	return false;
}

static bool refuse_rrset(struct reply *r, const struct rrset *set,
			 const char *why)
{
	static const char *const sections[] = {"answer", "authority",
					       "additional"};
	char text[1100];
	char *type = ldns_rr_type2str((ldns_rr_type)set->type);

	refuse(r, "%s: %s %s: %s", sections[set->section],
	       name_text(&set->owner, text, sizeof(text)), type, why);
	free(type);
	return false;
}

static struct rrset *rrset_find(struct reply *r, enum section section,
				const struct name *owner, uint16_t type)
{
	for (unsigned i = 0; i < r->count; i++) {
		struct rrset *set = &r->rrsets[i];

		if (set->section == section && set->type == type &&
		    name_equal(&set->owner, owner)) {
			return set;
		}
	}
	return NULL;
}

static bool split_section(struct reply *r, enum section section,
			  const ldns_rr_list *list)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		ldns_rr *rr = ldns_rr_list_rr(list, i);
		uint16_t type = (uint16_t)ldns_rr_get_type(rr);
		bool is_signature = type == LDNS_RR_TYPE_RRSIG;
		struct rrset *set;
		struct name owner;

		if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN) {
			return refuse(r, "a record of another class");
		}
		if (!name_of_rdf(&owner, ldns_rr_owner(rr))) {
			return refuse(r, "an owner that is no name");
		}
		if (is_signature) {
			if (ldns_rr_rd_count(rr) != 9) {
				return refuse(r, "RRSIG without its fields");
			}
			type = rdf16(rr, 0);
		}
		set = rrset_find(r, section, &owner, type);
		if (set == NULL) {
			if (r->count == RRSETS_MAX) {
				return refuse(r, "too many RRsets to judge");
			}
			set = &r->rrsets[r->count++];
			memset(set, 0, sizeof(*set));
			set->owner = owner;
			set->type = type;
			set->section = section;
			set->rrs = ldns_rr_list_new();
			set->sigs = ldns_rr_list_new();
		}
		ldns_rr_list_push_rr(is_signature ? set->sigs : set->rrs, rr);
	}
	return true;
}

static void reply_fini(struct reply *r)
{
	for (unsigned i = 0; i < r->count; i++) {
		ldns_rr_list_free(r->rrsets[i].rrs);
		ldns_rr_list_free(r->rrsets[i].sigs);
	}
	r->count = 0;
	ldns_pkt_free(r->packet);
	r->packet = NULL;
}

/* --- signatures ----------------------------------------------------------- */

struct piece {
	const uint8_t *octets;
	size_t size;
};

static int piece_compare(const void *a, const void *b)
{
	const struct piece *p = a;
	const struct piece *q = b;
	size_t size = p->size < q->size ? p->size : q->size;
	int order = memcmp(p->octets, q->octets, size);

	if (order != 0) {
		return order;
	}
	return p->size < q->size ? -1 : p->size > q->size;
}

/*
 * What the signature covers, RFC 4034 3.1.8.1: RRSIG RDATA without the
 * signature, then each record in canonical form with the original TTL and the
 * signed owner, in canonical order. Returns NULL, or what is wrong.
 */
static const char *signed_octets(struct validator *v, const struct rrset *set,
				 const ldns_rr *sig)
{
	static struct piece pieces[RECORDS_MAX];
	size_t count = ldns_rr_list_rr_count(set->rrs);
	uint8_t labels = rdf8(sig, 2);
	struct name signer;
	struct name owner = set->owner;
	uint8_t head[18];
	ldns_buffer *out = v->signed_data;

	if (count > RECORDS_MAX) {
		return "too many records";
	}
	ldns_buffer_clear(out);
	ldns_buffer_clear(v->scratch);
	if (!name_of_rdf(&signer, ldns_rr_rdf(sig, 7))) {
		return "signer is no name";
	}
	for (size_t i = 0, at = 0; i < 7; i++) {
		size_t size = ldns_rdf_size(ldns_rr_rdf(sig, i));

		memcpy(head + at, ldns_rdf_data(ldns_rr_rdf(sig, i)), size);
		at += size;
	}
	ldns_buffer_write(out, head, sizeof(head));
	ldns_buffer_write(out, signer.octets, signer.size);

	/* RFC 4035 5.3.2: an expanded name was signed as its wildcard. */
	if (labels + (name_is_wildcard(&owner) ? 1u : 0u) < owner.labels) {
		name_suffix(&owner, &set->owner, labels);
		if (!name_wildcard(&owner, &owner)) {
			return "its wildcard would be too long";
		}
	}
	for (size_t i = 0; i < count; i++) {
		const ldns_rr *rr = ldns_rr_list_rr(set->rrs, i);
		size_t from = ldns_buffer_position(v->scratch);
		size_t skip = ldns_rdf_size(ldns_rr_owner(rr)) + 8;

		if (ldns_rr2buffer_wire_canonical(v->scratch, rr,
						  LDNS_SECTION_ANSWER) !=
		    LDNS_STATUS_OK) {
			return "too long to judge";
		}
		/* From RDLENGTH on; the order is that of RDATA. */
		pieces[i].octets = ldns_buffer_at(v->scratch, from + skip + 2);
		pieces[i].size =
			ldns_buffer_position(v->scratch) - from - skip - 2;
	}
	/* The buffer moves when it grows: only now are places fixed. */
	for (size_t i = 0, at = 0; i < count; i++) {
		const ldns_rr *rr = ldns_rr_list_rr(set->rrs, i);

		at += ldns_rdf_size(ldns_rr_owner(rr)) + 10;
		pieces[i].octets = ldns_buffer_at(v->scratch, at);
		at += pieces[i].size;
	}
	qsort(pieces, count, sizeof(pieces[0]), piece_compare);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && piece_compare(&pieces[i - 1], &pieces[i]) == 0) {
			return "the same record twice";
		}
		if (!ldns_buffer_reserve(out, (size_t)owner.size + 10 +
						      pieces[i].size)) {
			return "too long to judge";
		}
		ldns_buffer_write(out, owner.octets, owner.size);
		ldns_buffer_write_u16(out, set->type);
		ldns_buffer_write_u16(out, LDNS_RR_CLASS_IN);
		ldns_buffer_write_u32(out, rdf32(sig, 3));
		ldns_buffer_write_u16(out, (uint16_t)pieces[i].size);
		ldns_buffer_write(out, pieces[i].octets, pieces[i].size);
	}
	return NULL;
}

static bool verify(ldns_buffer *data, const ldns_rr *sig, const ldns_rr *key)
{
	const ldns_rdf *signature = ldns_rr_rdf(sig, 8);
	const ldns_rdf *public = ldns_rr_rdf(key, 3);
	uint8_t algorithm = rdf8(sig, 1);
	ldns_buffer *raw = ldns_buffer_new(ldns_rdf_size(signature));
	ldns_status status = LDNS_STATUS_ERR;

	/* RFC 6605 4 has two numbers, OpenSSL a structure around them. */
	if (algorithm == LDNS_ECDSAP256SHA256 ||
	    algorithm == LDNS_ECDSAP384SHA384) {
		size_t half = algorithm == LDNS_ECDSAP256SHA256 ? 32 : 48;

		if (ldns_rdf_size(signature) == 2 * half) {
			status = ldns_convert_ecdsa_rrsig_rdf2asn1(raw,
								   signature);
		}
	} else {
		status = ldns_rdf2buffer_wire(raw, signature);
	}
	if (status == LDNS_STATUS_OK) {
		status = ldns_verify_rrsig_buffers_raw(
			ldns_buffer_begin(raw), ldns_buffer_position(raw), data,
			ldns_rdf_data(public), ldns_rdf_size(public),
			algorithm);
	}
	ldns_buffer_free(raw);
	return status == LDNS_STATUS_OK;
}

/* The same, from the table where it was asked before. */
static bool verify_once(struct validator *v, const ldns_rr *sig,
			const ldns_rr *key)
{
	const ldns_rdf *parts[] = {ldns_rr_rdf(sig, 8), ldns_rr_rdf(key, 3)};
	uint8_t hash[SHA256_DIGEST_LENGTH];
	struct verdict **slot;
	struct verdict *verdict;
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (context == NULL ||
	    EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
		abort();
	}
	for (unsigned i = 0; i < 2; i++) {
		EVP_DigestUpdate(context, ldns_rdf_data(parts[i]),
				 ldns_rdf_size(parts[i]));
	}
	EVP_DigestUpdate(context, ldns_buffer_begin(v->signed_data),
			 ldns_buffer_position(v->signed_data));
	EVP_DigestFinal_ex(context, hash, NULL);
	EVP_MD_CTX_free(context);

	slot = &v->verdicts[(hash[0] | hash[1] << 8) % VERDICT_SLOTS];
	for (verdict = *slot; verdict != NULL; verdict = verdict->next) {
		if (memcmp(verdict->hash, hash, sizeof(hash)) == 0) {
			return verdict->is_good;
		}
	}
	verdict = allocate(sizeof(*verdict));
	memcpy(verdict->hash, hash, sizeof(hash));
	verdict->is_good = verify(v->signed_data, sig, key);
	verdict->next = *slot;
	*slot = verdict;
	return verdict->is_good;
}

/*
 * One signature of an RRset of zone, RFC 4035 5.3.1. Returns NULL when it
 * holds, else why not. *is_bad: not merely of no use, but wrong in itself.
 */
static const char *judge_signature(struct validator *v, struct zone *zone,
				   const struct rrset *set, const ldns_rr *sig,
				   bool *is_bad)
{
	const char *why = "signed by a key that is not known";
	uint8_t labels = rdf8(sig, 2);
	unsigned most = set->owner.labels;
	int32_t expires = (int32_t)(rdf32(sig, 4) - (uint32_t)v->now);
	int32_t begins = (int32_t)(rdf32(sig, 5) - (uint32_t)v->now);
	struct name signer;

	*is_bad = true;
	if (!name_of_rdf(&signer, ldns_rr_rdf(sig, 7)) ||
	    !name_equal(&signer, &zone->apex)) {
		return "signer is not the zone";
	}
	if (name_is_wildcard(&set->owner)) {
		most--;
	}
	if (labels > most || labels < zone->apex.labels) {
		return "label count of RRSIG does not fit the owner";
	}
	for (size_t i = 0; i < ldns_rr_list_rr_count(set->rrs); i++) {
		if (ldns_rr_ttl(ldns_rr_list_rr(set->rrs, i)) > rdf32(sig, 3)) {
			return "TTL above the original TTL";
		}
	}
	if (ldns_rr_ttl(sig) != ldns_rr_ttl(ldns_rr_list_rr(set->rrs, 0))) {
		return "TTL of RRSIG is not the RRset's (RFC 4034 3)";
	}
	why = signed_octets(v, set, sig);
	if (why != NULL) {
		return why;
	}
	why = "signed by a key that is not known";
	*is_bad = false;
	for (struct key *key = zone->keys; key != NULL; key = key->next) {
		if (key->algorithm != rdf8(sig, 1) ||
		    key->tag != rdf16(sig, 6)) {
			continue;
		}
		if (verify_once(v, sig, key->rr)) {
			*is_bad = false;
			if (expires < 0) {
				return "signature has expired";
			}
			if (begins > 0) {
				return "signature is not valid yet";
			}
			return NULL;
		}
		/* Another key may have the same tag. */
		*is_bad = true;
		why = "signature does not verify";
	}
	return why;
}

/*
 * RRset: one signature must hold, and none may be wrong. Sets what the proofs
 * ask for: zone, sig_labels, is_verified.
 */
static bool judge_rrset(struct reply *r, struct rrset *set, struct zone *zone)
{
	const char *reason = "not signed";
	bool is_good = false;

	if (set->is_verified) {
		return true;
	}
	for (size_t i = 0; i < ldns_rr_list_rr_count(set->sigs); i++) {
		const ldns_rr *sig = ldns_rr_list_rr(set->sigs, i);
		bool is_bad;
		const char *why =
			judge_signature(r->v, zone, set, sig, &is_bad);

		if (why == NULL) {
			is_good = true;
			set->sig_labels = rdf8(sig, 2);
			continue;
		}
		if (is_bad) {
			return refuse_rrset(r, set, why);
		}
		reason = why;
	}
	if (!is_good) {
		return refuse_rrset(r, set, reason);
	}
	set->zone = zone;
	set->is_verified = true;
	r->is_proved = true;
	return true;
}

static bool is_expanded(const struct rrset *set)
{
	unsigned most = set->owner.labels;

	return set->sig_labels < most - (name_is_wildcard(&set->owner) ? 1 : 0);
}

/*
 * A DNSKEY RRset that a trust point signs makes all its keys known, RFC 4035 5.
 */
static void learn_keys(struct validator *v, struct rrset *set)
{
	struct zone *zone = zone_of(v, &set->owner, LDNS_RR_TYPE_DNSKEY);

	if (zone == NULL || !zone->is_signed || zone->has_learnt ||
	    !name_equal(&zone->apex, &set->owner) ||
	    ldns_rr_list_rr_count(set->rrs) == 0) {
		return;
	}
	for (size_t i = 0; i < ldns_rr_list_rr_count(set->rrs); i++) {
		const ldns_rr *key = ldns_rr_list_rr(set->rrs, i);

		for (size_t j = 0; j < ldns_rr_list_rr_count(zone->ds); j++) {
			const ldns_rr *ds = ldns_rr_list_rr(zone->ds, j);
			ldns_rr *own =
				ldns_key_rr2ds(key, (ldns_hash)rdf8(ds, 2));

			if (own != NULL &&
			    ldns_rdf_compare(ldns_rr_rdf(own, 3),
					     ldns_rr_rdf(ds, 3)) == 0) {
				zone_add_key(zone, key);
			}
			ldns_rr_free(own);
		}
	}
	for (size_t i = 0; i < ldns_rr_list_rr_count(set->sigs); i++) {
		bool is_bad;

		if (judge_signature(v, zone, set, ldns_rr_list_rr(set->sigs, i),
				    &is_bad) == NULL) {
			zone->has_learnt = true;
		}
	}
	for (size_t i = 0;
	     zone->has_learnt && i < ldns_rr_list_rr_count(set->rrs); i++) {
		zone_add_key(zone, ldns_rr_list_rr(set->rrs, i));
	}
}

/* --- NSEC and NSEC3 records ----------------------------------------------- */

/* Type bitmaps, RFC 4034 4.1.2. */
static bool bitmap_has(const ldns_rdf *bitmap, uint16_t type)
{
	const uint8_t *at;
	size_t left;

	if (bitmap == NULL) {
		return false;
	}
	at = ldns_rdf_data(bitmap);
	left = ldns_rdf_size(bitmap);
	while (left >= 2 && left >= 2u + at[1]) {
		unsigned octet = (type & 0xffu) / 8;

		if (at[0] == type >> 8) {
			return octet < at[1] &&
			       (at[2 + octet] & (0x80 >> (type & 7))) != 0;
		}
		left -= 2u + at[1];
		at += 2 + at[1];
	}
	return false;
}

/* Does any type stand there besides those of DNSSEC itself (QTYPE ANY)? */
static bool bitmap_has_data(const ldns_rdf *bitmap)
{
	for (unsigned type = 1; type < 65536; type++) {
		if (type != LDNS_RR_TYPE_RRSIG && type != LDNS_RR_TYPE_NSEC &&
		    bitmap_has(bitmap, (uint16_t)type)) {
			return true;
		}
	}
	return false;
}

/*
 * The name of bitmap exists: does the bitmap deny qtype there? Returns NULL, or
 * why not. RFC 4035 5.4, RFC 6840 4.1 and 4.3, RFC 5155 8.5 to 8.7.
 */
static const char *bitmap_denies(const struct reply *r, const ldns_rdf *bitmap,
				 const struct zone *zone,
				 const struct name *name)
{
	bool is_apex = name_equal(name, &zone->apex);
	bool is_cut = bitmap_has(bitmap, LDNS_RR_TYPE_NS) &&
		      !bitmap_has(bitmap, LDNS_RR_TYPE_SOA);

	if (r->qtype == LDNS_RR_TYPE_ANY) {
		return bitmap_has_data(bitmap) ? "the denial has types" : NULL;
	}
	if (bitmap_has(bitmap, r->qtype)) {
		return "the denial has the type that was asked for";
	}
	if (bitmap_has(bitmap, LDNS_RR_TYPE_CNAME)) {
		return "the denial has CNAME";
	}
	if (is_apex != bitmap_has(bitmap, LDNS_RR_TYPE_SOA)) {
		return "the denial is from the other side of the cut";
	}
	if (is_cut && r->qtype != LDNS_RR_TYPE_DS) {
		return "the denial is of the parent, for a type of the child";
	}
	return NULL;
}

struct denial {
	const struct rrset *set;
	const ldns_rdf *bitmap;
	struct name owner;
	struct name next;                /* NSEC */
	uint8_t owner_hash[HASH_OCTETS]; /* NSEC3 */
	uint8_t next_hash[HASH_OCTETS];
	bool is_opt_out;
};

struct denials {
	struct denial list[RRSETS_MAX];
	unsigned count;
	const struct zone *zone;
	/* NSEC3: the one set of parameters that all must have (RFC 5155 8.2) */
	uint16_t iterations;
	uint8_t salt_size;
	uint8_t salt[255];
};

/* RFC 4648 7, as RFC 5155 3.3 has it: 32 letters, no padding. */
static bool read_hash(uint8_t out[HASH_OCTETS], const uint8_t *label)
{
	unsigned bits = 0;
	unsigned have = 0;
	unsigned at = 0;

	if (label[0] != 32) {
		return false;
	}
	for (unsigned i = 1; i <= 32; i++) {
		uint8_t c = label[i];
		unsigned value = c >= '0' && c <= '9'   ? c - (unsigned)'0'
				 : c >= 'a' && c <= 'v' ? c - (unsigned)'a' + 10
							: 32;

		if (value == 32) {
			return false;
		}
		bits = bits << 5 | value;
		have += 5;
		if (have >= 8) {
			have -= 8;
			out[at++] = (uint8_t)(bits >> have);
			bits &= (1u << have) - 1;
		}
	}
	return at == HASH_OCTETS;
}

/* RFC 5155 5 */
static void hash_name(const struct denials *d, const struct name *name,
		      uint8_t out[HASH_OCTETS])
{
	uint8_t data[NAME_OCTETS + 255];
	size_t size = name->size;

	memcpy(data, name->octets, size);
	for (unsigned i = 0; i <= d->iterations; i++) {
		memcpy(data + size, d->salt, d->salt_size);
		if (EVP_Digest(data, size + d->salt_size, out, NULL, EVP_sha1(),
			       NULL) != 1) {
			abort();
		}
		memcpy(data, out, HASH_OCTETS);
		size = HASH_OCTETS;
	}
}

static bool take_nsec(struct denials *d, const struct rrset *set)
{
	const ldns_rr *rr = ldns_rr_list_rr(set->rrs, 0);
	struct denial *denial = &d->list[d->count];

	if (ldns_rr_rd_count(rr) < 1 ||
	    !name_of_rdf(&denial->next, ldns_rr_rdf(rr, 0)) ||
	    !name_within(&denial->next, &d->zone->apex)) {
		return false;
	}
	denial->bitmap = ldns_rr_rd_count(rr) > 1 ? ldns_rr_rdf(rr, 1) : NULL;
	return true;
}

static bool take_nsec3(struct denials *d, const struct rrset *set)
{
	const ldns_rr *rr = ldns_rr_list_rr(set->rrs, 0);
	struct denial *denial = &d->list[d->count];
	const uint8_t *salt;
	const uint8_t *next;
	uint16_t iterations;
	uint8_t flags;

	if (ldns_rr_rd_count(rr) < 5 ||
	    set->owner.labels != d->zone->apex.labels + 1 ||
	    !read_hash(denial->owner_hash, set->owner.octets)) {
		return false;
	}
	flags = rdf8(rr, 1);
	iterations = rdf16(rr, 2);
	salt = ldns_rdf_data(ldns_rr_rdf(rr, 3));
	next = ldns_rdf_data(ldns_rr_rdf(rr, 4));
	/* RFC 5155 8.1 and 8.2: SHA-1, and no flag but opt-out */
	if (rdf8(rr, 0) != 1 || flags > NSEC3_OPT_OUT ||
	    next[0] != HASH_OCTETS) {
		return false;
	}
	if (d->count == 0) {
		d->iterations = iterations;
		d->salt_size = salt[0];
		memcpy(d->salt, salt + 1, salt[0]);
	} else if (d->iterations != iterations || d->salt_size != salt[0] ||
		   memcmp(d->salt, salt + 1, salt[0]) != 0) {
		return false;
	}
	memcpy(denial->next_hash, next + 1, HASH_OCTETS);
	denial->is_opt_out = (flags & NSEC3_OPT_OUT) != 0;
	denial->bitmap = ldns_rr_rd_count(rr) > 5 ? ldns_rr_rdf(rr, 5) : NULL;
	return true;
}

/* The authority section's records of type that zone has signed. */
static bool take_denials(struct reply *r, struct denials *d,
			 const struct zone *zone, uint16_t type)
{
	d->count = 0;
	d->zone = zone;
	for (unsigned i = 0; i < r->count; i++) {
		struct rrset *set = &r->rrsets[i];
		bool is_good;

		if (set->section != AUTHORITY || set->type != type ||
		    set->zone != zone) {
			continue;
		}
		if (ldns_rr_list_rr_count(set->rrs) != 1) {
			return refuse_rrset(r, set, "not one record");
		}
		/* RFC 4035 5.4, RFC 7129 5.4: not out of a wildcard. */
		if (is_expanded(set)) {
			return refuse_rrset(r, set, "from a wildcard");
		}
		d->list[d->count].set = set;
		d->list[d->count].owner = set->owner;
		d->list[d->count].is_opt_out = false;
		is_good = type == LDNS_RR_TYPE_NSEC ? take_nsec(d, set)
						    : take_nsec3(d, set);
		if (!is_good) {
			return refuse_rrset(r, set, "cannot be used");
		}
		d->count++;
	}
	return true;
}

/*
 * RFC 6840 4.1: what stands at a cut or a DNAME says nothing of names below.
 */
static bool hides_below(const struct denial *denial)
{
	return bitmap_has(denial->bitmap, LDNS_RR_TYPE_DNAME) ||
	       (bitmap_has(denial->bitmap, LDNS_RR_TYPE_NS) &&
		!bitmap_has(denial->bitmap, LDNS_RR_TYPE_SOA));
}

static const struct denial *nsec_match(const struct denials *d,
				       const struct name *name)
{
	for (unsigned i = 0; i < d->count; i++) {
		if (name_equal(&d->list[i].owner, name)) {
			return &d->list[i];
		}
	}
	return NULL;
}

/* The record whose span, without its ends, holds name. */
static const struct denial *nsec_cover(const struct denials *d,
				       const struct name *name)
{
	for (unsigned i = 0; i < d->count; i++) {
		const struct denial *denial = &d->list[i];
		bool is_last = name_equal(&denial->next, &d->zone->apex);

		if (name_compare(&denial->owner, name) >= 0 ||
		    (!is_last && name_compare(name, &denial->next) >= 0)) {
			continue;
		}
		if (name_below(name, &denial->owner) && hides_below(denial)) {
			continue;
		}
		return denial;
	}
	return NULL;
}

/* RFC 4035 5.4, RFC 7129 5.3: the span's ends tell what encloses name. */
static void nsec_encloser(const struct denial *cover, const struct name *name,
			  struct name *out)
{
	unsigned left = name_shared(name, &cover->owner);
	unsigned right = name_shared(name, &cover->next);

	name_suffix(out, name, left > right ? left : right);
}

static const struct denial *nsec3_match(const struct denials *d,
					const struct name *name)
{
	uint8_t hash[HASH_OCTETS];

	hash_name(d, name, hash);
	for (unsigned i = 0; i < d->count; i++) {
		if (memcmp(d->list[i].owner_hash, hash, HASH_OCTETS) == 0) {
			return &d->list[i];
		}
	}
	return NULL;
}

static const struct denial *nsec3_cover(const struct denials *d,
					const struct name *name)
{
	uint8_t hash[HASH_OCTETS];

	hash_name(d, name, hash);
	for (unsigned i = 0; i < d->count; i++) {
		const uint8_t *from = d->list[i].owner_hash;
		const uint8_t *to = d->list[i].next_hash;
		bool is_after = memcmp(hash, from, HASH_OCTETS) > 0;
		bool is_before = memcmp(hash, to, HASH_OCTETS) < 0;
		bool wraps = memcmp(from, to, HASH_OCTETS) >= 0;

		if (memcmp(hash, from, HASH_OCTETS) != 0 &&
		    memcmp(hash, to, HASH_OCTETS) != 0 &&
		    (wraps ? is_after || is_before : is_after && is_before)) {
			return &d->list[i];
		}
	}
	return NULL;
}

/*
 * RFC 5155 8.3: the deepest ancestor of name that a record matches, and the
 * record that covers the next closer name; NULL where there is no such proof.
 */
static const struct denial *nsec3_encloser(const struct denials *d,
					   const struct name *name,
					   struct name *encloser)
{
	for (unsigned labels = name->labels; labels > d->zone->apex.labels;
	     labels--) {
		const struct denial *match;
		struct name next_closer;

		name_suffix(encloser, name, labels - 1);
		match = nsec3_match(d, encloser);
		if (match == NULL) {
			continue;
		}
		if (hides_below(match)) {
			return NULL;
		}
		name_suffix(&next_closer, name, labels);
		return nsec3_cover(d, &next_closer);
	}
	return NULL;
}

/* --- proofs --------------------------------------------------------------- */

/* RFC 4035 5.3.4 and 5.4 */
static bool nsec_proves_nxdomain(struct reply *r, const struct denials *d,
				 const struct name *name)
{
	const struct denial *cover = nsec_cover(d, name);
	struct name encloser;
	struct name wildcard;

	if (cover == NULL) {
		return refuse(r, "no NSEC covers the name");
	}
	if (name_below(&cover->next, name)) {
		return refuse(r, "NXDOMAIN for an empty non-terminal");
	}
	nsec_encloser(cover, name, &encloser);
	if (!name_wildcard(&wildcard, &encloser)) {
		return true;
	}
	cover = nsec_cover(d, &wildcard);
	if (cover == NULL || name_below(&cover->next, &wildcard)) {
		return refuse(r, "no NSEC covers the wildcard");
	}
	return true;
}

static bool nsec_proves_nodata(struct reply *r, const struct denials *d,
			       const struct name *name)
{
	const struct denial *denial = nsec_match(d, name);
	const char *why;
	struct name encloser;
	struct name wildcard;

	if (denial != NULL) {
		why = bitmap_denies(r, denial->bitmap, d->zone, name);
		return why == NULL || refuse(r, "%s", why);
	}
	denial = nsec_cover(d, name);
	if (denial == NULL) {
		return refuse(r, "NODATA: no NSEC of the name");
	}
	if (name_below(&denial->next, name)) {
		return true; /* an empty non-terminal */
	}
	nsec_encloser(denial, name, &encloser);
	if (!name_wildcard(&wildcard, &encloser)) {
		return refuse(r, "NODATA: the name does not exist");
	}
	denial = nsec_match(d, &wildcard);
	if (denial != NULL) {
		why = bitmap_denies(r, denial->bitmap, d->zone, &wildcard);
		return why == NULL || refuse(r, "wildcard: %s", why);
	}
	denial = nsec_cover(d, &wildcard);
	if (denial != NULL && name_below(&denial->next, &wildcard)) {
		return true;
	}
	return refuse(r, "NODATA: the name does not exist, nor is there an "
			 "NSEC of its wildcard");
}

/* RFC 5155 8.4 */
static bool nsec3_proves_nxdomain(struct reply *r, const struct denials *d,
				  const struct name *name)
{
	struct name encloser;
	struct name wildcard;

	if (nsec3_match(d, name) != NULL) {
		return refuse(r, "NXDOMAIN, and an NSEC3 matches the name");
	}
	if (nsec3_encloser(d, name, &encloser) == NULL) {
		return refuse(r, "no closest encloser proof");
	}
	if (name_wildcard(&wildcard, &encloser) &&
	    nsec3_cover(d, &wildcard) == NULL) {
		return refuse(r, "no NSEC3 covers the wildcard");
	}
	return true;
}

/* RFC 5155 8.5 to 8.7 */
static bool nsec3_proves_nodata(struct reply *r, const struct denials *d,
				const struct name *name)
{
	const struct denial *denial = nsec3_match(d, name);
	const char *why;
	struct name encloser;
	struct name wildcard;

	if (denial != NULL) {
		why = bitmap_denies(r, denial->bitmap, d->zone, name);
		return why == NULL || refuse(r, "%s", why);
	}
	denial = nsec3_encloser(d, name, &encloser);
	if (denial == NULL) {
		return refuse(r, "NODATA: no NSEC3 of the name, and no closest "
				 "encloser proof");
	}
	if (name_wildcard(&wildcard, &encloser)) {
		const struct denial *match = nsec3_match(d, &wildcard);

		if (match != NULL) {
			why = bitmap_denies(r, match->bitmap, d->zone,
					    &wildcard);
			return why == NULL || refuse(r, "wildcard: %s", why);
		}
	}
	/*
	 * RFC 5155 8.6 for DS. An empty non-terminal that stands only above
	 * unsigned cuts has no NSEC3 either under opt-out (RFC 5155 7.1, errata
	 * 3441): the span is the proof there is.
	 */
	if (!denial->is_opt_out) {
		return refuse(r, "NODATA: the name does not exist");
	}
	return true;
}

/* RFC 4035 5.3.4, RFC 5155 8.8: nothing closer than the wildcard exists. */
static bool proves_expansion(struct reply *r, const struct rrset *set)
{
	static struct denials d;
	const struct denial *cover;
	struct name encloser;

	if (!take_denials(r, &d, set->zone, LDNS_RR_TYPE_NSEC)) {
		return false;
	}
	if (d.count > 0) {
		cover = nsec_cover(&d, &set->owner);
		if (cover == NULL) {
			return refuse_rrset(r, set,
					    "from a wildcard, and no NSEC "
					    "covers the name");
		}
		nsec_encloser(cover, &set->owner, &encloser);
		return (!name_below(&cover->next, &set->owner) &&
			encloser.labels == set->sig_labels) ||
		       refuse_rrset(r, set,
				    "a closer name than the wildcard's "
				    "encloser exists");
	}
	if (!take_denials(r, &d, set->zone, LDNS_RR_TYPE_NSEC3)) {
		return false;
	}
	if (d.count == 0) {
		return refuse_rrset(r, set, "from a wildcard, without proof");
	}
	name_suffix(&encloser, &set->owner, set->sig_labels + 1);
	return nsec3_cover(&d, &encloser) != NULL ||
	       refuse_rrset(r, set,
			    "from a wildcard, and no NSEC3 covers the "
			    "next closer name");
}

/* SOA of the zone, signed, with the TTL of RFC 2308 3. */
static bool proves_soa(struct reply *r, const struct zone *zone)
{
	const struct rrset *soa =
		rrset_find(r, AUTHORITY, &zone->apex, LDNS_RR_TYPE_SOA);
	const ldns_rr *rr;

	if (soa == NULL || ldns_rr_list_rr_count(soa->rrs) != 1) {
		return refuse(r, "a denial without the SOA of %s", zone->text);
	}
	rr = ldns_rr_list_rr(soa->rrs, 0);
	if (ldns_rr_ttl(rr) > rdf32(rr, 6)) {
		return refuse_rrset(r, soa, "TTL above MINIMUM");
	}
	return true;
}

static bool proves_denial(struct reply *r, const struct zone *zone,
			  const struct name *name)
{
	static struct denials d;

	if (!proves_soa(r, zone) ||
	    !take_denials(r, &d, zone, LDNS_RR_TYPE_NSEC)) {
		return false;
	}
	if (d.count > 0) {
		return r->rcode == LDNS_RCODE_NXDOMAIN
			       ? nsec_proves_nxdomain(r, &d, name)
			       : nsec_proves_nodata(r, &d, name);
	}
	if (!take_denials(r, &d, zone, LDNS_RR_TYPE_NSEC3)) {
		return false;
	}
	if (d.count == 0) {
		return refuse(r, "a denial without NSEC or NSEC3");
	}
	return r->rcode == LDNS_RCODE_NXDOMAIN
		       ? nsec3_proves_nxdomain(r, &d, name)
		       : nsec3_proves_nodata(r, &d, name);
}

/* RFC 4035 5.2, RFC 5155 8.9: DS, or the proof that there is none. */
static bool proves_referral(struct reply *r, const struct zone *zone,
			    const struct rrset *ns, const struct name *name)
{
	static struct denials d;
	const struct name *cut = &ns->owner;
	const struct denial *denial;
	struct name encloser;

	if (r->rcode != LDNS_RCODE_NOERROR) {
		return refuse(r, "a referral that is not NOERROR");
	}
	if (!name_within(name, cut)) {
		return refuse(r, "a referral that is not above the name");
	}
	if (r->qtype == LDNS_RR_TYPE_DS && name_equal(cut, name)) {
		return refuse(r, "a referral where DS was asked for");
	}
	if (rrset_find(r, AUTHORITY, cut, LDNS_RR_TYPE_DS) != NULL) {
		return true;
	}
	if (!take_denials(r, &d, zone, LDNS_RR_TYPE_NSEC)) {
		return false;
	}
	if (d.count > 0) {
		denial = nsec_match(&d, cut);
		if (denial == NULL) {
			return refuse(r, "referral: no DS, no NSEC of the cut");
		}
	} else {
		if (!take_denials(r, &d, zone, LDNS_RR_TYPE_NSEC3)) {
			return false;
		}
		if (d.count == 0) {
			return refuse(r, "referral: no DS, and no denial");
		}
		denial = nsec3_match(&d, cut);
		if (denial == NULL) {
			denial = nsec3_encloser(&d, cut, &encloser);
			return (denial != NULL && denial->is_opt_out) ||
			       refuse(r, "referral: no DS, and no opt-out span "
					 "around the cut");
		}
	}
	if (!bitmap_has(denial->bitmap, LDNS_RR_TYPE_NS) ||
	    bitmap_has(denial->bitmap, LDNS_RR_TYPE_SOA) ||
	    bitmap_has(denial->bitmap, LDNS_RR_TYPE_DS)) {
		return refuse(r, "referral: the denial is not of an unsigned "
				 "cut");
	}
	return true;
}

/* --- chains --------------------------------------------------------------- */

/*
 * Put the DNAME's target in the place of its owner (RFC 6672 2.2); false when
 * the name becomes too long.
 */
static bool substitute(struct name *out, const struct name *name,
		       const struct name *owner, const struct name *target)
{
	uint8_t octets[2 * NAME_OCTETS];
	size_t kept = name->at[name->labels - owner->labels];

	memcpy(octets, name->octets, kept);
	memcpy(octets + kept, target->octets, target->size);
	return kept + target->size <= NAME_OCTETS &&
	       name_read(out, octets, kept + target->size);
}

static bool target_of(struct reply *r, const struct rrset *set,
		      struct name *out)
{
	if (ldns_rr_list_rr_count(set->rrs) != 1 ||
	    !name_of_rdf(out, ldns_rr_rdf(ldns_rr_list_rr(set->rrs, 0), 0))) {
		return refuse_rrset(r, set, "not one name");
	}
	return true;
}

static struct rrset *find_dname(struct reply *r, const struct name *name)
{
	for (unsigned i = 0; i < r->count; i++) {
		struct rrset *set = &r->rrsets[i];

		if (set->section == ANSWER && set->type == LDNS_RR_TYPE_DNAME &&
		    ldns_rr_list_rr_count(set->rrs) > 0 &&
		    name_below(name, &set->owner)) {
			return set;
		}
	}
	return NULL;
}

/* An RRset of the answer, with all that it needs. */
static bool judge_link(struct reply *r, struct rrset *set)
{
	struct zone *zone = zone_of(r->v, &set->owner, set->type);

	set->is_used = true;
	if (zone == NULL || !zone->is_signed) {
		return ldns_rr_list_rr_count(set->sigs) == 0 ||
		       refuse_rrset(r, set, "signed, and its zone is not");
	}
	return judge_rrset(r, set, zone) &&
	       (!is_expanded(set) || proves_expansion(r, set));
}

/* RFC 6672 3.1 and 5.3.1: the CNAME follows from its DNAME, and is unsigned. */
static bool judge_synthesis(struct reply *r, struct rrset *dname,
			    struct rrset *cname, const struct name *name,
			    struct name *next)
{
	struct name owner = dname->owner;
	struct name target;
	struct name shown;

	if (!judge_link(r, dname) || !target_of(r, dname, &target)) {
		return false;
	}
	if (!substitute(next, name, &owner, &target)) {
		return r->rcode == LDNS_RCODE_YXDOMAIN ||
		       refuse_rrset(r, dname,
				    "too long a result, and not YXDOMAIN");
	}
	if (cname == NULL) {
		return refuse_rrset(r, dname, "no CNAME was made of it");
	}
	cname->is_used = true;
	if (ldns_rr_list_rr_count(cname->sigs) != 0) {
		return refuse_rrset(r, cname, "signed below a DNAME");
	}
	if (!target_of(r, cname, &shown)) {
		return false;
	}
	if (!name_equal(&shown, next)) {
		return refuse_rrset(r, cname, "not what its DNAME gives");
	}
	if (ldns_rr_ttl(ldns_rr_list_rr(cname->rrs, 0)) !=
	    ldns_rr_ttl(ldns_rr_list_rr(dname->rrs, 0))) {
		return refuse_rrset(r, cname, "TTL is not the DNAME's");
	}
	return true;
}

/* All that stands at name answers QTYPE ANY. */
static bool judge_any(struct reply *r, const struct name *name, bool *is_found)
{
	*is_found = false;
	for (unsigned i = 0; i < r->count; i++) {
		struct rrset *set = &r->rrsets[i];

		if (set->section != ANSWER || !name_equal(&set->owner, name)) {
			continue;
		}
		*is_found = true;
		set->is_used = true;
		/* RFC 8482 4.1: signatures alone are an answer too. */
		if (ldns_rr_list_rr_count(set->rrs) > 0 &&
		    !judge_link(r, set)) {
			return false;
		}
	}
	return true;
}

/* QTYPE RRSIG: signatures, without what they sign. */
static bool take_signatures(struct reply *r, const struct name *name)
{
	bool is_found = false;

	for (unsigned i = 0; i < r->count; i++) {
		struct rrset *set = &r->rrsets[i];

		if (set->section == ANSWER && name_equal(&set->owner, name) &&
		    ldns_rr_list_rr_count(set->rrs) == 0) {
			set->is_used = true;
			is_found = true;
		}
	}
	return is_found;
}

enum chain_end {
	CHAIN_BAD,
	CHAIN_ANSWERED,
	CHAIN_OPEN, /* *last is to be denied or referred */
};

static enum chain_end follow_chain(struct reply *r, struct name *last)
{
	static struct name seen[CHAIN_MAX];
	struct name next;

	*last = r->qname;
	for (unsigned links = 0; links < CHAIN_MAX; links++) {
		struct rrset *set = rrset_find(r, ANSWER, last, r->qtype);
		struct rrset *dname = find_dname(r, last);
		struct rrset *cname =
			rrset_find(r, ANSWER, last, LDNS_RR_TYPE_CNAME);
		bool is_found;

		for (unsigned i = 0; i < links; i++) {
			if (name_equal(&seen[i], last)) {
				return CHAIN_ANSWERED; /* a loop */
			}
		}
		seen[links] = *last;
		if (dname != NULL) {
			if (!judge_synthesis(r, dname, cname, last, &next)) {
				return CHAIN_BAD;
			}
			if (r->rcode == LDNS_RCODE_YXDOMAIN && cname == NULL) {
				return CHAIN_ANSWERED;
			}
			/*
			 * The CNAME is what was asked for. ANY goes on with it,
			 * as the server does.
			 */
			if (r->qtype == LDNS_RR_TYPE_CNAME) {
				return CHAIN_ANSWERED;
			}
			*last = next;
			continue;
		}
		if (r->qtype == LDNS_RR_TYPE_ANY) {
			if (!judge_any(r, last, &is_found)) {
				return CHAIN_BAD;
			}
			return is_found ? CHAIN_ANSWERED : CHAIN_OPEN;
		}
		if (r->qtype == LDNS_RR_TYPE_RRSIG &&
		    take_signatures(r, last)) {
			return CHAIN_ANSWERED;
		}
		if (set != NULL) {
			return judge_link(r, set) ? CHAIN_ANSWERED : CHAIN_BAD;
		}
		if (cname == NULL) {
			struct zone *zone = zone_of(r->v, last, r->qtype);

			if (zone == NULL) {
				return CHAIN_ANSWERED; /* not ours */
			}
			return links >= CHAIN_LONG &&
					       ldns_pkt_nscount(r->packet) == 0
				       ? CHAIN_ANSWERED
				       : CHAIN_OPEN;
		}
		if (!judge_link(r, cname) || !target_of(r, cname, last)) {
			return CHAIN_BAD;
		}
	}
	refuse(r, "a chain too long to judge");
	return CHAIN_BAD;
}

/* --- replies -------------------------------------------------------------- */

/* What every RRset must be, wherever it stands. */
static bool judge_shape(struct reply *r, struct rrset *set)
{
	size_t count = ldns_rr_list_rr_count(set->rrs);

	if (count == 0) {
		if (set->section == ANSWER && (r->qtype == LDNS_RR_TYPE_RRSIG ||
					       r->qtype == LDNS_RR_TYPE_ANY)) {
			return true;
		}
		return refuse_rrset(r, set, "RRSIG without what it covers");
	}
	for (size_t i = 1; i < count; i++) {
		if (ldns_rr_ttl(ldns_rr_list_rr(set->rrs, i)) !=
		    ldns_rr_ttl(ldns_rr_list_rr(set->rrs, 0))) {
			return refuse_rrset(r, set, "differing TTLs");
		}
	}
	return true;
}

/*
 * The authority section: everything signed, NS of a referral excepted (RFC 4035
 * 3.1.4.1). *referral: those NS, where they are.
 */
static bool judge_authority(struct reply *r, struct rrset **referral)
{
	*referral = NULL;
	for (unsigned i = 0; i < r->count; i++) {
		struct rrset *set = &r->rrsets[i];
		struct zone *zone;

		if (set->section != AUTHORITY) {
			continue;
		}
		zone = zone_of(r->v, &set->owner, set->type);
		/* The parent's NSEC at a cut whose child is served too. */
		if (zone != NULL && name_equal(&set->owner, &zone->apex) &&
		    set->type == LDNS_RR_TYPE_NSEC &&
		    ldns_rr_list_rr_count(set->sigs) > 0) {
			struct name signer;
			const ldns_rr *sig = ldns_rr_list_rr(set->sigs, 0);

			if (name_of_rdf(&signer, ldns_rr_rdf(sig, 7)) &&
			    !name_equal(&signer, &zone->apex)) {
				zone = zone_of(r->v, &set->owner,
					       LDNS_RR_TYPE_DS);
			}
		}
		if (zone != NULL && set->type == LDNS_RR_TYPE_NS &&
		    !name_equal(&set->owner, &zone->apex) &&
		    ldns_rr_list_rr_count(set->sigs) == 0) {
			if (*referral != NULL) {
				return refuse_rrset(r, set,
						    "a second referral");
			}
			*referral = set;
			continue;
		}
		if (zone == NULL || !zone->is_signed) {
			continue;
		}
		if (!judge_rrset(r, set, zone)) {
			return false;
		}
	}
	return true;
}

static bool judge_additional(struct reply *r)
{
	for (unsigned i = 0; i < r->count; i++) {
		struct rrset *set = &r->rrsets[i];
		struct zone *zone = zone_of(r->v, &set->owner, set->type);

		/* RFC 4035 3.1.1: signatures may be left out here. */
		if (set->section == ADDITIONAL && zone != NULL &&
		    zone->is_signed && ldns_rr_list_rr_count(set->sigs) > 0 &&
		    !judge_rrset(r, set, zone)) {
			return false;
		}
	}
	return true;
}

/* What the reply says of the name at which the chain ends. */
static bool judge_end(struct reply *r, const struct name *last,
		      struct rrset *referral)
{
	struct zone *zone;

	if (referral != NULL) {
		zone = zone_of(r->v, &referral->owner, LDNS_RR_TYPE_DS);
		if (zone == NULL || !zone->is_signed) {
			return true;
		}
		return proves_referral(r, zone, referral, last);
	}
	zone = zone_of(r->v, last, r->qtype);
	if (zone == NULL || !zone->is_signed) {
		return true;
	}
	return proves_denial(r, zone, last);
}

static bool judge_sections(struct reply *r)
{
	struct rrset *referral;
	struct name last;

	for (unsigned i = 0; i < r->count; i++) {
		if (!judge_shape(r, &r->rrsets[i])) {
			return false;
		}
	}
	if (!judge_authority(r, &referral) || !judge_additional(r)) {
		return false;
	}
	switch (follow_chain(r, &last)) {
	case CHAIN_BAD:
		return false;
	case CHAIN_ANSWERED:
		if (r->rcode == LDNS_RCODE_NXDOMAIN) {
			return refuse(r, "NXDOMAIN with an answer");
		}
		break;
	case CHAIN_OPEN:
		if (r->rcode == LDNS_RCODE_YXDOMAIN) {
			return refuse(r, "YXDOMAIN without a DNAME");
		}
		if (!judge_end(r, &last, referral)) {
			return false;
		}
		break;
	}
	for (unsigned i = 0; i < r->count; i++) {
		if (r->rrsets[i].section == ANSWER && !r->rrsets[i].is_used) {
			return refuse_rrset(r, &r->rrsets[i],
					    "answers nothing");
		}
	}
	return true;
}

enum outcome {
	VALIDATED,
	UNSIGNED,
	FAILED
};

struct octets {
	const uint8_t *data;
	size_t size;
};

/* Is there anything in this reply that a resolver would validate? */
static bool is_in_scope(const struct reply *r, const ldns_pkt *query,
			const struct name *apex)
{
	const ldns_rr *question;

	if (ldns_pkt_get_opcode(r->packet) != LDNS_PACKET_QUERY ||
	    ldns_pkt_qdcount(r->packet) != 1 || ldns_pkt_tc(r->packet) ||
	    !ldns_pkt_edns_do(query != NULL ? query : r->packet) ||
	    (r->rcode != LDNS_RCODE_NOERROR &&
	     r->rcode != LDNS_RCODE_NXDOMAIN &&
	     r->rcode != LDNS_RCODE_YXDOMAIN)) {
		return false;
	}
	question = ldns_rr_list_rr(ldns_pkt_question(r->packet), 0);
	if (ldns_rr_get_class(question) != LDNS_RR_CLASS_IN) {
		return false;
	}
	for (const struct zone *zone = r->v->zones; zone != NULL;
	     zone = zone->next) {
		if (zone->is_signed && (name_equal(&zone->apex, apex) ||
					ldns_pkt_ancount(r->packet) > 0)) {
			return true;
		}
	}
	return false;
}

static bool judge_header(struct reply *r, const ldns_pkt *query)
{
	const ldns_rr *asked;
	const ldns_rr *question;

	if (!ldns_pkt_qr(r->packet)) {
		return refuse(r, "not a reply");
	}
	if (query == NULL || ldns_pkt_qdcount(query) != 1 ||
	    ldns_pkt_qdcount(r->packet) != 1) {
		return true;
	}
	asked = ldns_rr_list_rr(ldns_pkt_question(query), 0);
	question = ldns_rr_list_rr(ldns_pkt_question(r->packet), 0);
	if (ldns_pkt_id(query) != ldns_pkt_id(r->packet) ||
	    ldns_rr_get_type(asked) != ldns_rr_get_type(question) ||
	    ldns_dname_compare(ldns_rr_owner(asked), ldns_rr_owner(question)) !=
		    0) {
		return refuse(r, "answers another question");
	}
	return true;
}

static enum outcome judge(struct validator *v, struct reply *r,
			  const struct octets part[3])
{
	ldns_pkt *query = NULL;
	struct name apex;
	enum outcome outcome = FAILED;
	const ldns_rr *question;

	r->v = v;
	r->packet = NULL;
	r->count = 0;
	r->is_proved = false;
	r->reason[0] = '\0';
	r->qname.size = 0;
	r->qtype = 0;
	if (!name_read(&apex, part[0].data, part[0].size)) {
		refuse(r, "the record's apex is no name");
		return FAILED;
	}
	zone_get(v, &apex);
	if (ldns_wire2pkt(&r->packet, part[2].data, part[2].size) !=
	    LDNS_STATUS_OK) {
		r->packet = NULL;
		refuse(r, "the reply cannot be read");
		return FAILED;
	}
	if (ldns_wire2pkt(&query, part[1].data, part[1].size) !=
	    LDNS_STATUS_OK) {
		query = NULL;
	}
	r->rcode = (unsigned)ldns_pkt_get_rcode(r->packet) |
		   (unsigned)ldns_pkt_edns_extended_rcode(r->packet) << 4;
	if (!judge_header(r, query)) {
		goto out;
	}
	if (!is_in_scope(r, query, &apex)) {
		outcome = UNSIGNED;
		goto out;
	}
	question = ldns_rr_list_rr(ldns_pkt_question(r->packet), 0);
	r->qtype = (uint16_t)ldns_rr_get_type(question);
	if (!name_of_rdf(&r->qname, ldns_rr_owner(question)) ||
	    !split_section(r, ANSWER, ldns_pkt_answer(r->packet)) ||
	    !split_section(r, AUTHORITY, ldns_pkt_authority(r->packet)) ||
	    !split_section(r, ADDITIONAL, ldns_pkt_additional(r->packet))) {
		goto out;
	}
	for (unsigned i = 0; i < r->count; i++) {
		if (r->rrsets[i].section == ANSWER &&
		    r->rrsets[i].type == LDNS_RR_TYPE_DNSKEY) {
			learn_keys(v, &r->rrsets[i]);
		}
	}
	if (judge_sections(r)) {
		outcome = r->is_proved ? VALIDATED : UNSIGNED;
	}
out:
	ldns_pkt_free(query);
	return outcome;
}

/* --- the stream ----------------------------------------------------------- */

struct kept {
	struct kept *next;
	unsigned long number;
	struct octets part[3];
	uint8_t octets[];
};

/* False at the end of the stream; exits where it ends within a record. */
static bool read_part(uint8_t *out, size_t *size, bool may_end)
{
	uint8_t head[2];
	size_t got = fread(head, 1, 2, stdin);

	if (got == 0 && may_end && !ferror(stdin)) {
		return false;
	}
	if (got == 2) {
		*size = (size_t)head[0] << 8 | head[1];
		if (fread(out, 1, *size, stdin) == *size) {
			return true;
		}
	}
	fprintf(stderr, "tool_validate: the stream ends within a record\n");
	exit(2);
}

static struct kept *keep(const struct octets part[3], unsigned long number)
{
	struct kept *kept = allocate(sizeof(*kept) + part[0].size +
				     part[1].size + part[2].size);
	size_t at = 0;

	kept->number = number;
	for (unsigned i = 0; i < 3; i++) {
		memcpy(kept->octets + at, part[i].data, part[i].size);
		kept->part[i].data = kept->octets + at;
		kept->part[i].size = part[i].size;
		at += part[i].size;
	}
	return kept;
}

static void print_failure(const struct reply *r, unsigned long number)
{
	char name[1100] = "?";
	char *type = ldns_rr_type2str((ldns_rr_type)r->qtype);

	if (r->qname.size > 0) {
		name_text(&r->qname, name, sizeof(name));
	}
	printf("%lu: %s %s: %s\n", number, name, type, r->reason);
	free(type);
}

static int judge_stream(struct validator *v)
{
	static uint8_t octets[3][MESSAGE_OCTETS];
	static struct reply r;
	unsigned long counts[3] = {0, 0, 0};
	unsigned long number = 0;
	struct kept *first = NULL;
	struct kept **last = &first;
	struct octets part[3];

	while (read_part(octets[0], &part[0].size, true)) {
		enum outcome outcome;

		read_part(octets[1], &part[1].size, false);
		read_part(octets[2], &part[2].size, false);
		for (unsigned i = 0; i < 3; i++) {
			part[i].data = octets[i];
		}
		number++;
		outcome = judge(v, &r, part);
		reply_fini(&r);
		if (outcome == FAILED) {
			*last = keep(part, number);
			last = &(*last)->next;
		} else {
			counts[outcome]++;
		}
	}
	while (first != NULL) {
		struct kept *kept = first;
		enum outcome outcome = judge(v, &r, kept->part);

		counts[outcome]++;
		if (outcome == FAILED) {
			print_failure(&r, kept->number);
		}
		reply_fini(&r);
		first = kept->next;
		free(kept);
	}
	printf("%lu validated, %lu unsigned, %lu failed\n", counts[VALIDATED],
	       counts[UNSIGNED], counts[FAILED]);
	return counts[FAILED] == 0 ? 0 : 1;
}

/* --- options -------------------------------------------------------------- */

static void die(const char *what, const char *which)
{
	fprintf(stderr, "tool_validate: %s '%s'\n", what, which);
	exit(2);
}

static void take_anchors(struct validator *v, const char *file)
{
	FILE *in = fopen(file, "r");
	uint32_t ttl = 3600;
	ldns_rdf *origin = NULL;
	ldns_rdf *previous = NULL;

	if (in == NULL) {
		die("cannot read", file);
	}
	while (!feof(in)) {
		ldns_rr *rr = NULL;
		ldns_status status =
			ldns_rr_new_frm_fp(&rr, in, &ttl, &origin, &previous);
		struct zone *zone;
		struct name apex;

		if (status == LDNS_STATUS_SYNTAX_EMPTY ||
		    status == LDNS_STATUS_SYNTAX_TTL ||
		    status == LDNS_STATUS_SYNTAX_ORIGIN) {
			continue;
		}
		if (status != LDNS_STATUS_OK ||
		    !name_of_rdf(&apex, ldns_rr_owner(rr))) {
			die("not a record of trust points in", file);
		}
		zone = zone_get(v, &apex);
		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_DNSKEY) {
			zone_add_key(zone, rr);
			zone->is_signed = true;
		} else if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_DS) {
			if (zone->ds == NULL) {
				zone->ds = ldns_rr_list_new();
			}
			ldns_rr_list_push_rr(zone->ds, ldns_rr_clone(rr));
			zone->is_signed = true;
		}
		name_text(&zone->apex, zone->text, sizeof(zone->text));
		ldns_rr_free(rr);
	}
	ldns_rdf_deep_free(origin);
	ldns_rdf_deep_free(previous);
	fclose(in);
}

static void take_unsigned(struct validator *v, const char *text)
{
	ldns_rdf *rdf = ldns_dname_new_frm_str(text);
	struct name apex;

	if (!name_of_rdf(&apex, rdf)) {
		die("not a name:", text);
	}
	zone_get(v, &apex);
	ldns_rdf_deep_free(rdf);
}

static time_t take_time(const char *text)
{
	struct tm tm;
	char *end;
	long long seconds = strtoll(text, &end, 10);

	if (*text != '\0' && *end == '\0') {
		return (time_t)seconds;
	}
	memset(&tm, 0, sizeof(tm));
	end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (end == NULL || strcasecmp(end, "Z") != 0) {
		die("not a time:", text);
	}
	return timegm(&tm);
}

static void validator_fini(struct validator *v)
{
	while (v->zones != NULL) {
		struct zone *zone = v->zones;

		while (zone->keys != NULL) {
			struct key *key = zone->keys;

			zone->keys = key->next;
			ldns_rr_free(key->rr);
			free(key);
		}
		ldns_rr_list_deep_free(zone->ds);
		v->zones = zone->next;
		free(zone);
	}
	for (unsigned i = 0; i < VERDICT_SLOTS; i++) {
		while (v->verdicts[i] != NULL) {
			struct verdict *verdict = v->verdicts[i];

			v->verdicts[i] = verdict->next;
			free(verdict);
		}
	}
	ldns_buffer_free(v->scratch);
	ldns_buffer_free(v->signed_data);
}

int main(int argc, char **argv)
{
	static struct validator v;
	int status;

	v.now = time(NULL);
	v.scratch = ldns_buffer_new(SIGNED_OCTETS);
	v.signed_data = ldns_buffer_new(SIGNED_OCTETS);
	for (int i = 1; i < argc; i += 2) {
		if (i + 1 == argc) {
			die("no value for", argv[i]);
		}
		if (strcmp(argv[i], "--key") == 0) {
			take_anchors(&v, argv[i + 1]);
		} else if (strcmp(argv[i], "--unsigned") == 0) {
			take_unsigned(&v, argv[i + 1]);
		} else if (strcmp(argv[i], "--at") == 0) {
			v.now = take_time(argv[i + 1]);
		} else {
			die("unknown option", argv[i]);
		}
	}
	status = judge_stream(&v);
	validator_fini(&v);
	return status;
}
