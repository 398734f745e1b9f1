/*
 * reply.c - octets of a reply, in one pass, and nothing that the chosen answer
 * does not say.
 *
 * Names are compressed against a tree of labels, root first: an entry is a
 * label under a parent entry, and the offset where the name that starts with it
 * stands in the message. A name is walked from its last label towards its first
 * as long as entries are there; what is left is written, and entered. Labels
 * are compared octet for octet, not folded: so a name never changes its
 * spelling (the question's own ancestors are entered as the zone spells them,
 * and owners that are the question's name point at it without a comparison).
 *
 * Three short cuts make the common cases free of searching: owners at or above
 * the question point into it; glue points at the NS record that named it; and a
 * name whose tail is that of the name before goes straight to its first label.
 *
 * Rejected: a table of offsets compared by following pointers in the message
 * (each comparison walks half the message), and compressing against the
 * question's lower labels (a compiled reply could not be shared by all names
 * below one cut).
 *
 * Only RDATA of the types of RFC 1035 is compressed (RFC 3597 4); pointers
 * reach the first 16,384 octets (RFC 1035 4.1.4).
 */
#include "lib/answer/reply.h"

#include "lib/answer/compiled.h"
#include "lib/dns/rrtype.h"
#include "lib/zone/zone.h"

#include <assert.h>
#include <stdlib.h>

enum {
	ROOT_ENTRY = 0, /* the parent of top-level labels */
	ENTRIES_MAX = 1024,
	BUCKETS = 128,
	SOURCE_MAX = 256, /* records of a source whose offsets are kept */
	POINTER_END = 0x4000,
	POINTER = 0xc000,
	RECORD_FIXED = 8, /* type, class, TTL */
	OPTION_HEAD = 4,
	/* What options carry behind their heads. */
	KEEPALIVE_SIZE = 2, /* RFC 7828 3.1 */
	VERSION_SIZE = 6,   /* RFC 9660 2: label count, type, serial */
	EXPIRE_SIZE = 4,    /* RFC 7314 3 */
	ERROR_SIZE = 2,     /* RFC 8914 2, without text */
	VERSION_SOA_SERIAL = 0,
	SOA_EXPIRE_FROM_END = 8, /* EXPIRE and MINIMUM are the last of it */
	TSIG_BADKEY = 17,        /* RFC 8945 3 */
	TSIG_TAIL = 8, /* MAC size, original id, error, other length */
};

struct entry {
	const uint8_t *label; /* the zone's or the query's octets */
	uint16_t parent;
	uint16_t offset;
	uint16_t next; /* of the bucket; 0: the last */
};

struct reply_writer {
	struct wire_writer wire;
	struct reply_recording *recording; /* or NULL */
	unsigned entries;                  /* entry 0 is the root */
	/*
	 * The name written last, less its first label, and the entry of that.
	 */
	const uint8_t *tail;
	size_t tail_size;
	uint16_t tail_entry;
	uint16_t buckets[BUCKETS];
	uint16_t source[SOURCE_MAX]; /* where names of the source stand, or 0 */
	struct entry entry[ENTRIES_MAX];
};

struct reply_writer *reply_writer_new(void)
{
	return calloc(1, sizeof(struct reply_writer));
}

void reply_writer_free(struct reply_writer *writer)
{
	free(writer);
}

/* --- names ---------------------------------------------------------------- */

/* A pointer into what moves with the length of the question's name. */
static void pointer_write(struct reply_writer *w, size_t target)
{
	struct reply_recording *recording = w->recording;

	if (recording != NULL) {
		if (recording->pointers == REPLY_POINTERS_MAX) {
			w->wire.failed = true;
			return;
		}
		recording->pointer[recording->pointers++] =
			(uint16_t)wire_size(&w->wire);
	}
	wire_write16(&w->wire, (uint16_t)(POINTER | target));
}

static unsigned bucket_of(unsigned parent, const uint8_t *label)
{
	unsigned length = label[0];

	/* Names of one RRset differ in a first, middle or last octet. */
	return (parent * 29u + length + label[1] * 7u +
		label[(length + 1) / 2] * 3u + label[length] * 5u) %
	       BUCKETS;
}

static uint16_t entry_find(const struct reply_writer *w, uint16_t parent,
			   const uint8_t *label)
{
	uint16_t at = w->buckets[bucket_of(parent, label)];

	while (at != 0) {
		const struct entry *entry = &w->entry[at];

		if (entry->parent == parent && entry->label[0] == label[0] &&
		    memcmp(entry->label, label, 1u + label[0]) == 0) {
			break;
		}
		at = entry->next;
	}
	return at;
}

/* The new entry, or 0 where the table or the reach of pointers ends. */
static uint16_t entry_add(struct reply_writer *w, uint16_t parent,
			  const uint8_t *label, size_t offset)
{
	uint16_t *bucket;
	struct entry *entry;

	if (w->entries == ENTRIES_MAX || offset >= POINTER_END) {
		return 0;
	}
	bucket = &w->buckets[bucket_of(parent, label)];
	entry = &w->entry[w->entries];
	entry->label = label;
	entry->parent = parent;
	entry->offset = (uint16_t)offset;
	entry->next = *bucket;
	*bucket = (uint16_t)w->entries;
	return (uint16_t)w->entries++;
}

/*
 * Forget the entries from number count on: what they point to was taken back.
 */
static void entries_cut(struct reply_writer *w, unsigned count)
{
	while (w->entries > count) {
		const struct entry *entry = &w->entry[--w->entries];

		w->buckets[bucket_of(entry->parent, entry->label)] =
			entry->next;
	}
	if (w->tail_entry >= count) {
		w->tail_entry = 0;
	}
}

static void names_reset(struct reply_writer *w)
{
	memset(w->buckets, 0, sizeof(w->buckets));
	w->entries = ROOT_ENTRY + 1;
	w->tail_entry = 0;
}

/* Enter a name that stands at offset already. */
static void name_enter(struct reply_writer *w, const struct dname *name,
		       size_t offset)
{
	uint8_t starts[DNAME_LABELS_MAX + 1];
	unsigned left = dname_label_offsets(name, starts);
	uint16_t parent = ROOT_ENTRY;

	while (left-- > 0) {
		parent = entry_add(w, parent, name->octets + starts[left],
				   offset + starts[left]);
		if (parent == 0) {
			return;
		}
	}
}

/*
 * Write a name, with a pointer where its end is known. Returns the offset that
 * later pointers to the whole name may use, or 0.
 */
static size_t name_write(struct reply_writer *w, const uint8_t *octets)
{
	uint8_t starts[DNAME_LABELS_MAX + 1];
	unsigned labels = 0;
	unsigned left;
	uint16_t parent = ROOT_ENTRY;
	size_t end = 0;
	size_t base = wire_size(&w->wire);

	while (octets[end] != 0) {
		starts[labels++] = (uint8_t)end;
		end += 1u + octets[end];
	}
	starts[labels] = (uint8_t)end;
	left = labels;
	if (labels > 1 && w->tail_entry != 0 &&
	    end + 1 - starts[1] == w->tail_size &&
	    memcmp(octets + starts[1], w->tail, w->tail_size) == 0) {
		parent = w->tail_entry;
		left = 1;
	}
	while (left > 0) {
		uint16_t found =
			entry_find(w, parent, octets + starts[left - 1]);

		if (found == 0) {
			break;
		}
		parent = found;
		left--;
		if (left == 1) {
			w->tail = octets + starts[1];
			w->tail_size = end + 1 - starts[1];
			w->tail_entry = parent;
		}
	}
	if (left == 0 && labels > 0) {
		pointer_write(w, w->entry[parent].offset);
		return w->entry[parent].offset;
	}
	wire_write(&w->wire, octets, starts[left]);
	if (left < labels) {
		pointer_write(w, w->entry[parent].offset);
	} else {
		wire_write8(&w->wire, 0);
	}
	while (left > 0 && !w->wire.failed) {
		left--;
		parent = entry_add(w, parent, octets + starts[left],
				   base + starts[left]);
		if (parent == 0) {
			break;
		}
		if (left == 1) {
			w->tail = octets + starts[1];
			w->tail_size = end + 1 - starts[1];
			w->tail_entry = parent;
		}
	}
	return base < POINTER_END ? base : 0;
}

/* --- records -------------------------------------------------------------- */

/* How the records of one RRset name their owner. */
struct owner {
	const uint8_t *octets;
	size_t offset; /* of the name in the message; 0: not there */
	/* The question's own name, which stands there at any length. */
	bool is_question;
};

static void owner_write(struct reply_writer *w, struct owner *owner)
{
	if (owner->octets[0] == 0) {
		wire_write8(&w->wire, 0);
	} else if (owner->is_question) {
		wire_write16(&w->wire, POINTER | MESSAGE_HEADER_SIZE);
	} else if (owner->offset != 0) {
		pointer_write(w, owner->offset);
	} else {
		owner->offset = name_write(w, owner->octets);
	}
}

static struct owner owner_of(const struct reply_writer *w,
			     const struct query *query,
			     const struct answer_item *item)
{
	struct owner owner = {item->owner, 0, false};

	if (item->owner == query_name(query)->octets) {
		owner.is_question = true;
	} else if (item->place == ANSWER_OWNER_QUESTION) {
		owner.offset = MESSAGE_HEADER_SIZE +
			       (size_t)query->qname.length - item->owner_length;
	} else if (item->place == ANSWER_OWNER_TARGET &&
		   item->target < SOURCE_MAX) {
		owner.offset = w->source[item->target];
	}
	return owner;
}

/* The types of RFC 1035 that have names in RDATA; the others are copied. */
static const char *compressed_shape(uint16_t type)
{
	const char *shape = type <= RRTYPE_MX ? rrtype_shape(type) : "*";

	return strchr(shape, 'c') != NULL ? shape : NULL;
}

/* RDATA by its shape; returns the offset of the first name in it, or 0. */
static size_t rdata_write(struct reply_writer *w, const char *shape,
			  const uint8_t *rdata, size_t size)
{
	const uint8_t *end = rdata + size;
	size_t first = 0;

	for (; *shape != '\0' && rdata < end; shape++) {
		if (*shape == 'c') {
			size_t offset = name_write(w, rdata);

			first = first == 0 ? offset : first;
			rdata +=
				dname_wire_length(rdata, (size_t)(end - rdata));
		} else {
			size_t field = (size_t)(*shape - '0');

			wire_write(&w->wire, rdata, field);
			rdata += field;
		}
	}
	return first;
}

static void fixed_put(uint8_t *at, uint16_t type, uint16_t rrclass,
		      uint32_t ttl)
{
	wire_put16(at, type);
	wire_put16(at + 2, rrclass);
	wire_put32(at + 4, ttl);
}

/* A record whose RDATA may be compressed; the offset of its first name. */
static size_t record_write(struct reply_writer *w, const char *shape,
			   uint16_t type, uint16_t rrclass, uint32_t ttl,
			   const uint8_t *record)
{
	uint8_t *fixed = wire_claim(&w->wire, RECORD_FIXED + 2);
	size_t start = wire_size(&w->wire);
	size_t name;

	if (fixed == NULL) {
		return 0;
	}
	fixed_put(fixed, type, rrclass, ttl);
	name = rdata_write(w, shape, rdata_octets(record),
			   rdata_length(record));
	wire_put16(fixed + RECORD_FIXED,
		   (uint16_t)(wire_size(&w->wire) - start));
	return name;
}

/*
 * count records of one type, copied: RDLENGTH and RDATA lie as they are sent.
 */
static void records_copy(struct reply_writer *w, struct owner *owner,
			 uint16_t type, uint16_t rrclass, uint32_t ttl,
			 const uint8_t *record, unsigned count)
{
	for (unsigned i = 0; i < count; i++, record = rrset_next(record)) {
		size_t size = 2u + rdata_length(record);
		uint8_t *at;

		owner_write(w, owner);
		at = wire_claim(&w->wire, RECORD_FIXED + size);
		if (at == NULL) {
			return;
		}
		fixed_put(at, type, rrclass, ttl);
		memcpy(at + RECORD_FIXED, record, size);
	}
}

static void records_compress(struct reply_writer *w, struct owner *owner,
			     const char *shape, const struct answer_item *item,
			     uint16_t rrclass, uint32_t ttl)
{
	const struct rrset *rrset = item->rrset;
	const uint8_t *record = rrset_first(rrset);

	for (unsigned i = 0; i < rrset->count;
	     i++, record = rrset_next(record)) {
		size_t name;

		owner_write(w, owner);
		name = record_write(w, shape, rrset->type, rrclass, ttl,
				    record);
		if (item->is_source && i < SOURCE_MAX) {
			w->source[i] = (uint16_t)name;
		}
	}
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/*
 * An RRset with its signatures, whole. Returns its records; 0 where it does not
 * fit, and nothing has been written then.
 */
static unsigned item_write(struct reply_writer *w, const struct query *query,
			   const struct answer_item *item, uint16_t rrclass)
{
	const struct rrset *rrset = item->rrset;
	struct owner owner = owner_of(w, query, item);
	const char *shape = compressed_shape(rrset->type);
	uint8_t *start = w->wire.at;
	unsigned entries = w->entries;
	unsigned count = 0;

	if (item->has_records && shape != NULL) {
		records_compress(w, &owner, shape, item, rrclass,
				 lesser(rrset->ttl, item->ttl_max));
	} else if (item->has_records) {
		records_copy(w, &owner, rrset->type, rrclass,
			     lesser(rrset->ttl, item->ttl_max),
			     rrset_first(rrset), rrset->count);
	}
	if (item->has_signatures) {
		records_copy(w, &owner, RRTYPE_RRSIG, rrclass,
			     lesser(rrset->signature_ttl, item->ttl_max),
			     rrset_first_signature(rrset), rrset->signatures);
		count = rrset->signatures;
	}
	if (w->wire.failed) {
		w->wire.at = start;
		w->wire.failed = false;
		entries_cut(w, entries);
		return 0;
	}
	return item->has_records ? count + rrset->count : count;
}

/* --- OPT and TSIG --------------------------------------------------------- */

/* What OPT will hold. */
struct opt {
	size_t size; /* of the whole record; 0 without EDNS */
	bool has_keepalive;
	bool has_nsid;
	bool has_version;
	bool has_expire;
	bool has_error;
	bool has_agent;
};

/* Take one more option, where it is wanted and there is room. */
static bool opt_take(struct opt *opt, bool is_wanted, size_t data, size_t room)
{
	if (!is_wanted || opt->size + OPTION_HEAD + data > room) {
		return false;
	}
	opt->size += OPTION_HEAD + data;
	return true;
}

/* RFC 7314 4.2: SOA of a zone that is here; transfers come with them. */
static bool expire_is_due(const struct query *query,
			  const struct answer *answer)
{
	return query->wants_expire && query->qtype == RRTYPE_SOA &&
	       answer->version != NULL &&
	       query_name(query)->length ==
		       zone_version_apex(answer->version)->length;
}

/*
 * What was asked for. It stays out where it does not fit beside the question,
 * and otherwise comes before what the sections hold.
 */
static struct opt opt_plan(const struct query *query,
			   const struct answer *answer,
			   const struct reply_edns *edns, size_t room)
{
	struct opt opt = {.size = 0};

	if (!query->has_edns) {
		return opt;
	}
	opt.size = EDNS_OPT_SIZE;
	opt.has_keepalive =
		opt_take(&opt, query->wants_keepalive && edns->keepalive > 0,
			 KEEPALIVE_SIZE, room);
	opt.has_nsid = opt_take(&opt, query->wants_nsid && edns->nsid != NULL,
				edns->nsid_size, room);
	/* RFC 9660 3: not where no zone of ours encloses the name. */
	opt.has_version =
		opt_take(&opt, query->wants_version && answer->version != NULL,
			 VERSION_SIZE, room);
	opt.has_expire =
		opt_take(&opt, expire_is_due(query, answer), EXPIRE_SIZE, room);
	return opt;
}

/*
 * RFC 9567 6: told without being asked, wherever a resolver may find fault with
 * a zone of ours; but not about the names that reports are made of, or one
 * report would bring another.
 */
static bool agent_is_due(const struct query *query, const struct answer *answer,
			 const struct reply_edns *edns)
{
	return edns->report_agent != NULL && answer->zone != NULL &&
	       !dname_is_below_or_equal(query_name(query), edns->report_agent);
}

/* What we say of ourselves goes into the room that the sections left. */
static void opt_fill(struct opt *opt, const struct query *query,
		     const struct answer *answer, const struct reply_edns *edns,
		     size_t room)
{
	if (!query->has_edns) {
		return;
	}
	opt->has_error =
		opt_take(opt, answer->edns_error >= 0, ERROR_SIZE, room);
	if (agent_is_due(query, answer, edns)) {
		opt->has_agent =
			opt_take(opt, true, edns->report_agent->length, room);
	}
}

static void option_write(struct wire_writer *wire, enum edns_option code,
			 size_t size)
{
	wire_write16(wire, (uint16_t)code);
	wire_write16(wire, (uint16_t)size);
}

/* RFC 9660 2: the labels of the zone's name, type SOA-SERIAL, the serial. */
static void version_write(struct wire_writer *wire,
			  const struct zone_version *version)
{
	option_write(wire, EDNS_ZONEVERSION, VERSION_SIZE);
	wire_write8(wire, zone_version_apex(version)->labels);
	wire_write8(wire, VERSION_SOA_SERIAL);
	wire_write32(wire, zone_version_serial(version));
}

/* RFC 7314 3: seconds. A zone from a file is as fresh as its SOA says. */
static void expire_write(struct wire_writer *wire,
			 const struct zone_version *version)
{
	const struct rrset *soa = zone_node_find(
		version, zone_version_apex_node(version), RRTYPE_SOA);
	const uint8_t *record = rrset_first(soa);
	const uint8_t *end = rdata_octets(record) + rdata_length(record);

	option_write(wire, EDNS_EXPIRE, EXPIRE_SIZE);
	wire_write32(wire, wire_get32(end - SOA_EXPIRE_FROM_END));
}

static void options_write(struct wire_writer *wire, const struct opt *opt,
			  const struct answer *answer,
			  const struct reply_edns *edns)
{
	if (opt->has_keepalive) {
		option_write(wire, EDNS_KEEPALIVE, KEEPALIVE_SIZE);
		wire_write16(wire, edns->keepalive);
	}
	if (opt->has_nsid) {
		option_write(wire, EDNS_NSID, edns->nsid_size);
		wire_write(wire, edns->nsid, edns->nsid_size);
	}
	if (opt->has_version) {
		version_write(wire, answer->version);
	}
	if (opt->has_expire) {
		expire_write(wire, answer->version);
	}
	if (opt->has_error) {
		option_write(wire, EDNS_EDE, ERROR_SIZE);
		wire_write16(wire, (uint16_t)answer->edns_error);
	}
	if (opt->has_agent) {
		option_write(wire, EDNS_REPORT_CHANNEL,
			     edns->report_agent->length);
		wire_write(wire, edns->report_agent->octets,
			   edns->report_agent->length);
	}
}

static void opt_write(struct wire_writer *wire, const struct opt *opt,
		      const struct query *query, const struct answer *answer,
		      const struct reply_edns *edns)
{
	wire_write8(wire, 0);
	wire_write16(wire, RRTYPE_OPT);
	wire_write16(wire, edns->udp_payload);
	wire_write8(wire, (uint8_t)(answer->rcode >> 4));
	wire_write8(wire, 0); /* version */
	/* RFC 3225 3: DO is copied; RFC 6891 6.1.4: the other bits are zero. */
	wire_write16(wire, query->wants_dnssec ? EDNS_DO : 0);
	wire_write16(wire, (uint16_t)(opt->size - EDNS_OPT_SIZE));
	if (opt->size > EDNS_OPT_SIZE) {
		options_write(wire, opt, answer, edns);
	}
}

/*
 * RFC 8945 5.2.1: an unsigned TSIG that says BADKEY. False where it does not
 * fit: the RCODE alone must do then.
 */
static bool tsig_write(struct wire_writer *wire, const struct query *query)
{
	const struct dname *key =
		(const struct dname *)(const void *)&query->tsig_key;
	const struct dname *algorithm =
		(const struct dname *)(const void *)&query->tsig_algorithm;
	size_t rdata_size =
		algorithm->length + sizeof(query->tsig_time) + TSIG_TAIL;

	if (wire_room(wire) < key->length + RECORD_FIXED + 2u + rdata_size) {
		return false;
	}
	wire_write(wire, key->octets, key->length);
	wire_write16(wire, RRTYPE_TSIG);
	wire_write16(wire, RRCLASS_ANY);
	wire_write32(wire, 0);
	wire_write16(wire, (uint16_t)rdata_size);
	wire_write(wire, algorithm->octets, algorithm->length);
	wire_write(wire, query->tsig_time, sizeof(query->tsig_time));
	wire_write16(wire, 0);
	wire_write16(wire, query->id);
	wire_write16(wire, TSIG_BADKEY);
	wire_write16(wire, 0);
	return true;
}

/* --- the message ---------------------------------------------------------- */

/* One section, all of it; false where it does not fit. */
static bool section_write(struct reply_writer *w, const struct query *query,
			  const struct answer_item *items, unsigned length,
			  uint16_t rrclass, unsigned *count)
{
	for (unsigned i = 0; i < length; i++) {
		unsigned records = item_write(w, query, &items[i], rrclass);

		if (records == 0) {
			return false;
		}
		*count += records;
	}
	return true;
}

/* What must be there; false where it does not fit. */
static bool required_write(struct reply_writer *w, const struct query *query,
			   const struct answer *answer,
			   struct reply_counts *counts)
{
	if (answer->is_truncated) {
		return false;
	}
	names_reset(w);
	if (answer->anchor != NULL) {
		name_enter(w, answer->anchor,
			   MESSAGE_HEADER_SIZE + (size_t)query->qname.length -
				   answer->anchor->length);
	}
	return section_write(w, query, answer->answer, answer->answers,
			     answer->rrclass, &counts->answers) &&
	       section_write(w, query, answer->authority, answer->authorities,
			     answer->rrclass, &counts->authorities) &&
	       section_write(w, query, answer->additional,
			     answer->additionals_required, answer->rrclass,
			     &counts->additionals);
}

static bool sections_write(struct reply_writer *w, const struct query *query,
			   const struct answer *answer,
			   struct reply_counts *counts)
{
	unsigned required = answer->additionals_required;

	if (!required_write(w, query, answer, counts)) {
		return false;
	}
	/* RFC 2181 9, RFC 9471 3.2: what is left out here sets no TC. */
	(void)section_write(w, query, answer->additional + required,
			    answer->additionals - required, answer->rrclass,
			    &counts->additionals);
	return true;
}

static void header_put(uint8_t *reply, const struct query *query,
		       const struct answer *answer, bool is_truncated,
		       const struct reply_counts *counts)
{
	/*
	 * RFC 1035 4.1.1: opcode and RD are copied. CD is cleared: RFC 4035
	 * 3.1.6 says so of authoritative answers, and the rule to copy it
	 * (3.2.2) is for servers that recurse (NSD and Knot clear it, BIND
	 * copies it). Never AD, RA.
	 */
	unsigned flags = MESSAGE_QR |
			 (query->flags & (MESSAGE_OPCODE_MASK | MESSAGE_RD));
	unsigned rcode = answer->rcode;

	/* RFC 6891 6.1.3: without OPT there is no place for the upper bits. */
	if (rcode > MESSAGE_RCODE_MASK && !query->has_edns) {
		rcode = RCODE_SERVFAIL;
	}
	flags |= rcode & MESSAGE_RCODE_MASK;
	flags |= answer->is_authoritative ? MESSAGE_AA : 0u;
	flags |= is_truncated ? MESSAGE_TC : 0u;
	wire_put16(reply, query->id);
	wire_put16(reply + 2, (uint16_t)flags);
	wire_put16(reply + 4, query->question_size > 0 ? 1 : 0);
	wire_put16(reply + 6, (uint16_t)counts->answers);
	wire_put16(reply + 8, (uint16_t)counts->authorities);
	wire_put16(reply + 10, (uint16_t)counts->additionals);
}

/*
 * The message around its sections, which are those of the compiled reply where
 * there is one, and otherwise written.
 */
static size_t
message_write(struct reply_writer *writer, const struct compiled *compiled,
	      const struct query *query, const struct answer *answer,
	      const struct reply_edns *edns, uint8_t *reply, size_t limit,
	      bool *is_truncated, struct checksum_part *known)
{
	struct wire_writer *wire = &writer->wire;
	struct reply_counts counts = {0, 0, 0};
	bool has_sum = false;
	uint8_t *body;
	struct opt opt;

	assert(limit >= MESSAGE_UDP_PLAIN_MAX);
	*wire = wire_writer_init(reply, limit);
	(void)wire_claim(wire, MESSAGE_HEADER_SIZE);
	wire_write(wire, query->question, query->question_size);
	body = wire->at;
	opt = opt_plan(query, answer, edns, wire_room(wire));
	wire->end -= opt.size;
	*is_truncated =
		compiled != NULL
			? !compiled_copy(compiled, query->qname.length, wire,
					 &counts, &known->sum, &has_sum)
			: !sections_write(writer, query, answer, &counts);
	if (*is_truncated) {
		/* What a client must not use need not be sent (RFC 2181 9). */
		wire->at = body;
		counts = (struct reply_counts){0, 0, 0};
		has_sum = false;
	}
	known->at = (uint16_t)(body - reply);
	known->size = has_sum ? (uint16_t)(wire->at - body) : 0;
	wire->end += opt.size;
	opt_fill(&opt, query, answer, edns, wire_room(wire));
	if (opt.size > 0) {
		opt_write(wire, &opt, query, answer, edns);
		counts.additionals++;
	}
	if (query->has_tsig && query->rcode == RCODE_NOTAUTH &&
	    tsig_write(wire, query)) {
		counts.additionals++;
	}
	header_put(reply, query, answer, *is_truncated, &counts);
	return wire_size(wire);
}

size_t reply_write(struct reply_writer *writer, const struct query *query,
		   const struct answer *answer, const struct reply_edns *edns,
		   uint8_t *reply, size_t limit, bool *is_truncated)
{
	struct checksum_part nothing;

	return message_write(writer, NULL, query, answer, edns, reply, limit,
			     is_truncated, &nothing);
}

size_t reply_write_compiled(struct reply_writer *writer,
			    const struct compiled *compiled,
			    const struct query *query,
			    const struct answer *answer,
			    const struct reply_edns *edns, uint8_t *reply,
			    size_t limit, bool *is_truncated,
			    struct checksum_part *known)
{
	return message_write(writer, compiled, query, answer, edns, reply,
			     limit, is_truncated, known);
}

/* --- compiling ------------------------------------------------------------ */

/* The additional RRsets that may be left out, each with where it ends. */
static bool steps_record(struct reply_writer *w, const struct query *query,
			 const struct answer *answer,
			 struct reply_recording *recording)
{
	for (unsigned i = answer->additionals_required; i < answer->additionals;
	     i++) {
		struct reply_step *step = &recording->step[recording->steps];
		unsigned records;

		if (recording->steps == REPLY_STEPS_MAX) {
			return false;
		}
		records = item_write(w, query, &answer->additional[i],
				     answer->rrclass);
		if (records == 0) {
			return false;
		}
		recording->counts.additionals += records;
		step->end = (uint16_t)wire_size(&w->wire);
		step->additionals = (uint16_t)recording->counts.additionals;
		recording->steps++;
	}
	return true;
}

bool reply_record(struct reply_writer *writer, const struct query *query,
		  const struct answer *answer, uint8_t *message, size_t size,
		  struct reply_recording *recording)
{
	size_t start = MESSAGE_HEADER_SIZE + (size_t)query->question_size;
	bool is_good;

	assert(size > start);
	recording->pointers = 0;
	recording->steps = 0;
	recording->counts = (struct reply_counts){0, 0, 0};
	writer->wire = wire_writer_init(message, size);
	(void)wire_claim(&writer->wire, start);
	writer->recording = recording;
	is_good = required_write(writer, query, answer, &recording->counts);
	recording->start = (uint16_t)start;
	recording->required = recording->counts.additionals;
	recording->required_end = (uint16_t)wire_size(&writer->wire);
	is_good = is_good && steps_record(writer, query, answer, recording);
	recording->end = (uint16_t)wire_size(&writer->wire);
	writer->recording = NULL;
	return is_good;
}
