/*
 * query.c - judge a message that a stranger sent.
 *
 * Where RFCs leave room, the choices, and how BIND 9.18, NSD 4.6 and Knot DNS
 * 3.2 chose (asked, not read):
 *
 *	which fault wins	BADVERS, then NOTIMP, then FORMERR: RFC 6891
 *				6.1.3 has no exception for opcodes; what another
 *				opcode puts into the sections is not ours to
 *				judge.
 *	QDCOUNT 0 or above 1	FORMERR (RFC 9619; all three)
 *	pointer in QNAME	FORMERR: there is nothing before it to point
 *				at (all three; Knot stays silent)
 *	octets behind the last	FORMERR (Knot; the others ignore them): no
 *	record			client sends them, and what the counts do not
 *				cover has no meaning that we could honour.
 *	records in sections	skipped within their bounds (BIND, Knot; NSD
 *	where a query has none	FORMERR): meaningless, harmless.
 *	OPT elsewhere than in	FORMERR (all three; RFC 6891 6.1.1)
 *	additional, two OPT,
 *	owner not the root
 *	option past the end	FORMERR (all three). Options of a version that
 *				is not ours are not looked at (NSD).
 *	OPT in a FORMERR reply	yes, where one was read: RFC 6891 6.1.1 has no
 *				exception (the three leave it out)
 *	UPDATE, others		NOTIMP (RFC 2136 2.2; NSD. Knot says NOTAUTH,
 *				BIND REFUSED)
 *	NOTIFY			REFUSED for a zone of ours, since none has a
 *				primary yet (NSD; Knot NOTAUTH, BIND NOERROR);
 *				NOTAUTH for others (Knot, BIND): answer.c
 *	keepalive with a	FORMERR over TCP: RFC 7828 3.2.1 forbids it
 *	timeout			(Unbound; BIND answers)
 *	TSIG			not the last record: FORMERR; else NOTAUTH with
 *				BADKEY (RFC 8945 5.2; all three), since there
 * are no keys yet.
 */
#include "lib/answer/query.h"

#include "lib/dns/rrtype.h"

enum {
	FLAG_WORD = 2,
	QDCOUNT_WORD = 4,
	ANCOUNT_WORD = 6,
	NSCOUNT_WORD = 8,
	ARCOUNT_WORD = 10,
	RECORD_FIXED = 10, /* type, class, TTL, RDLENGTH */
	TSIG_TIME_SIZE = 8,
	TSIG_ID_AND_ERROR_SIZE = 4,
};

/* Step over an owner name: labels, then the root or a pointer. */
static bool skip_name(struct wire_reader *r)
{
	/* No more labels than a name may have, whatever the octets say. */
	for (unsigned i = 0; i <= DNAME_LABELS_MAX; i++) {
		uint8_t length = wire_read8(r);

		if (r->failed || length == 0) {
			return !r->failed;
		}
		if ((length & 0xc0) == 0xc0) {
			wire_read8(r);
			return !r->failed;
		}
		if ((length & 0xc0) != 0) {
			break;
		}
		wire_read(r, length);
	}
	r->failed = true;
	return false;
}

/*
 * What NSID, EXPIRE and ZONEVERSION carry in a query is ignored: RFC 5001 2.1
 * and RFC 9660 3 say so, RFC 7314 says nothing.
 */
static void note_option(struct query *out, uint16_t code, uint16_t length)
{
	switch (code) {
	case EDNS_NSID:
		out->wants_nsid = true;
		break;
	case EDNS_EXPIRE:
		out->wants_expire = true;
		break;
	case EDNS_KEEPALIVE:
		/* RFC 7828 3.2.1: a client leaves the timeout out. */
		out->wants_keepalive = true;
		out->has_bad_keepalive |= length != 0;
		break;
	case EDNS_ZONEVERSION:
		out->wants_version = true;
		break;
	default:
		break; /* RFC 6891 6.1.2: an unknown one is ignored */
	}
}

/* Options by their lengths (RFC 6891 6.1.2); false where one runs over. */
static bool parse_options(struct wire_reader *options, struct query *out)
{
	while (wire_left(options) > 0) {
		uint16_t code = wire_read16(options);
		uint16_t length = wire_read16(options);

		wire_read(options, length);
		if (options->failed) {
			return false;
		}
		note_option(out, code, length);
	}
	return true;
}

/*
 * What is behind the owner and type of an OPT record. Sets out->rcode to
 * BADVERS; false where the record is malformed.
 */
static bool parse_opt(struct wire_reader *r, struct query *out)
{
	uint16_t payload = wire_read16(r);
	uint8_t version;
	uint16_t flags;
	uint16_t length;
	struct wire_reader options;

	wire_read8(r); /* the upper bits of an RCODE: none in a query */
	version = wire_read8(r);
	flags = wire_read16(r);
	length = wire_read16(r);
	options = wire_read_sub(r, length);
	if (r->failed) {
		return false;
	}
	out->has_edns = true;
	out->wants_dnssec = (flags & EDNS_DO) != 0;
	/* RFC 6891 6.2.3: less than 512 means 512. */
	out->udp_payload = payload < MESSAGE_UDP_PLAIN_MAX
				   ? MESSAGE_UDP_PLAIN_MAX
				   : payload;
	if (version != 0) {
		out->rcode = RCODE_BADVERS;
		return true;
	}
	return parse_options(&options, out);
}

/* A TSIG record from its owner on; false where it is malformed. */
static bool parse_tsig(struct wire_reader *r, struct query *out)
{
	struct wire_reader rdata;
	const uint8_t *time;
	uint16_t length;

	if (!dname_parse_compressed(r, &out->tsig_key)) {
		return false;
	}
	wire_read(r, RECORD_FIXED - 2);
	length = wire_read16(r);
	rdata = wire_read_sub(r, length);
	if (!dname_parse(&rdata, &out->tsig_algorithm)) {
		return false;
	}
	time = wire_read(&rdata, TSIG_TIME_SIZE);
	wire_read(&rdata, wire_read16(&rdata)); /* the MAC */
	wire_read(&rdata, TSIG_ID_AND_ERROR_SIZE);
	wire_read(&rdata, wire_read16(&rdata)); /* other data */
	if (rdata.failed || wire_left(&rdata) > 0) {
		return false;
	}
	memcpy(out->tsig_time, time, TSIG_TIME_SIZE);
	out->has_tsig = true;
	return true;
}

/* One record of the additional section. */
static bool parse_additional(struct wire_reader *r, struct query *out,
			     bool is_last)
{
	struct wire_reader owner = *r;
	uint16_t type;

	if (!skip_name(r)) {
		return false;
	}
	type = wire_read16(r);
	if (type == RRTYPE_OPT) {
		/* RFC 6891 6.1.1 and 6.1.2: one, and it belongs to the root. */
		return !r->failed && !out->has_edns && *owner.at == 0 &&
		       parse_opt(r, out);
	}
	if (type == RRTYPE_TSIG) {
		*r = owner;
		return is_last && parse_tsig(r, out);
	}
	wire_read(r, RECORD_FIXED - 4);
	wire_read(r, wire_read16(r));
	return !r->failed;
}

/* A record of a section where a query has no use for one. */
static bool skip_record(struct wire_reader *r)
{
	uint16_t type;

	if (!skip_name(r)) {
		return false;
	}
	type = wire_read16(r);
	wire_read(r, RECORD_FIXED - 4);
	wire_read(r, wire_read16(r));
	return !r->failed && type != RRTYPE_OPT && type != RRTYPE_TSIG;
}

static bool parse_question(struct wire_reader *r, struct query *out)
{
	const uint8_t *start = r->at;
	uint16_t qtype;
	uint16_t qclass;

	if (!dname_parse(r, &out->qname)) {
		return false;
	}
	qtype = wire_read16(r);
	qclass = wire_read16(r);
	if (r->failed) {
		return false;
	}
	out->qtype = qtype;
	out->qclass = qclass;
	out->question = start;
	out->question_size = (uint16_t)(r->at - start);
	return true;
}

/*
 * All sections; false where the message is malformed. Each record takes at
 * least 11 octets, so the loops end with the message, whatever the counts say.
 */
static bool parse_sections(struct wire_reader *r, struct query *out)
{
	unsigned qdcount = wire_get16(r->start + QDCOUNT_WORD);
	unsigned records = wire_get16(r->start + ANCOUNT_WORD) +
			   wire_get16(r->start + NSCOUNT_WORD);
	unsigned arcount = wire_get16(r->start + ARCOUNT_WORD);

	if (qdcount > 1 || (qdcount == 1 && !parse_question(r, out))) {
		return false;
	}
	for (unsigned i = 0; i < records; i++) {
		if (!skip_record(r)) {
			return false;
		}
	}
	for (unsigned i = 0; i < arcount; i++) {
		if (!parse_additional(r, out, i + 1 == arcount)) {
			return false;
		}
	}
	return wire_left(r) == 0 && qdcount == 1;
}

/* The RCODE of an opcode that we do not carry out. */
static uint16_t opcode_rcode(unsigned opcode, bool is_sound, bool has_tsig)
{
	if (opcode != OPCODE_NOTIFY) {
		return RCODE_NOTIMP;
	}
	/* RFC 1996 3.1: a NOTIFY has a question, as a query has. */
	if (!is_sound) {
		return RCODE_FORMERR;
	}
	return has_tsig ? RCODE_NOTAUTH : RCODE_REFUSED;
}

bool query_parse(const uint8_t *data, size_t size, struct query *out)
{
	struct wire_reader r = wire_reader_init(data, size);
	unsigned opcode;
	bool is_sound;

	if (size < MESSAGE_HEADER_SIZE ||
	    (wire_get16(data + FLAG_WORD) & MESSAGE_QR) != 0) {
		return false;
	}
	out->id = wire_get16(data);
	out->flags = wire_get16(data + FLAG_WORD);
	out->qtype = 0;
	out->qclass = 0;
	out->rcode = RCODE_NOERROR;
	out->question = NULL;
	out->question_size = 0;
	out->has_edns = false;
	out->wants_dnssec = false;
	out->wants_nsid = false;
	out->wants_expire = false;
	out->wants_version = false;
	out->wants_keepalive = false;
	out->has_bad_keepalive = false;
	out->udp_payload = MESSAGE_UDP_PLAIN_MAX;
	out->has_tsig = false;

	r.at += MESSAGE_HEADER_SIZE;
	is_sound = parse_sections(&r, out);
	if (out->rcode != RCODE_NOERROR) {
		return true;
	}
	opcode = (unsigned)(out->flags & MESSAGE_OPCODE_MASK) >>
		 MESSAGE_OPCODE_SHIFT;
	if (opcode != OPCODE_QUERY) {
		out->rcode = opcode_rcode(opcode, is_sound, out->has_tsig);
	} else if (!is_sound) {
		out->rcode = RCODE_FORMERR;
	} else if (out->has_tsig) {
		out->rcode = RCODE_NOTAUTH;
	}
	return true;
}
