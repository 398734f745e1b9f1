#include "server/route/probe.h"

#include "lib/dns/message.h"
#include "lib/dns/rrtype.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum status probe_zone_load(struct probe_zone *out, const char *text)
{
	struct probe_zone zone = {0};
	enum status status =
		dname_load(&zone.name, text, strlen(text), dname_root);

	if (status == STATUS_OK) {
		dname_dump(dname_of(&zone.name), zone.text);
		*out = zone;
	}
	return status;
}

bool probe_zone_equal(const struct probe_zone *a, const struct probe_zone *b)
{
	struct dname_storage name_a = a->name;
	struct dname_storage name_b = b->name;

	return dname_equal(dname_of(&name_a), dname_of(&name_b));
}

void probe_question_of_zone(struct probe_question *out,
			    const struct probe_zone *zone)
{
	*out = (struct probe_question){
		.name = zone->name,
		.type = RRTYPE_SOA,
		.rrclass = RRCLASS_IN,
		.rcode = RCODE_NOERROR,
		.needs_aa = true,
		.needs_soa = true,
	};
	snprintf(out->text, sizeof(out->text), "%s SOA", zone->text);
}

/* X(name): codes that a question may ask for. */
#define RCODE_LIST(X) \
	X(NOERROR)    \
	X(FORMERR)    \
	X(SERVFAIL)   \
	X(NXDOMAIN)   \
	X(NOTIMP)     \
	X(REFUSED)    \
	X(NOTAUTH)

static bool rcode_load(uint16_t *out, const char *text)
{
	static const struct {
		const char *text;
		uint16_t rcode;
	} codes[] = {
#define RCODE_ROW(name) {#name, RCODE_##name},
		RCODE_LIST(RCODE_ROW)
#undef RCODE_ROW
			{"NODATA", RCODE_NOERROR},
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcasecmp(codes[i].text, text) == 0) {
			*out = codes[i].rcode;
			return true;
		}
	}
	return false;
}

enum status probe_question_load(struct probe_question *out, const char *name,
				const char *type, const char *rrclass,
				const char *rcode, bool needs_aa)
{
	struct probe_question question = {.needs_aa = needs_aa};
	char text[DNAME_TEXT_MAX];

	if (dname_load(&question.name, name, strlen(name), dname_root) !=
		    STATUS_OK ||
	    rrtype_load(&question.type, type, strlen(type)) != STATUS_OK ||
	    !rcode_load(&question.rcode, rcode)) {
		return STATUS_BAD_SYNTAX;
	}
	if (strcasecmp(rrclass, "IN") == 0) {
		question.rrclass = RRCLASS_IN;
	} else if (strcasecmp(rrclass, "CH") == 0) {
		question.rrclass = RRCLASS_CH;
	} else {
		return STATUS_BAD_SYNTAX;
	}
	question.needs_empty = strcasecmp(rcode, "NODATA") == 0;
	question.needs_answer =
		question.rcode == RCODE_NOERROR && !question.needs_empty;
	snprintf(question.text, sizeof(question.text), "%s%s %.16s",
		 dname_dump(dname_of(&question.name), text),
		 question.rrclass == RRCLASS_CH ? " CH" : "", type);
	*out = question;
	return STATUS_OK;
}

void probe_reply_limit(struct probe_reply *reply, uint64_t duration_us,
		       uint32_t limit_ms)
{
	if (reply->verdict != PROBE_GOOD || limit_ms == 0 ||
	    duration_us <= (uint64_t)limit_ms * 1000) {
		return;
	}
	reply->verdict = PROBE_SILENT;
	snprintf(reply->reason, sizeof(reply->reason),
		 "answered after %.1f ms, the limit is %u ms",
		 (double)duration_us / 1000, limit_ms);
}

size_t probe_query_write(uint8_t out[PROBE_QUERY_MAX], uint16_t id,
			 const struct probe_question *question)
{
	struct dname_storage name = question->name;
	struct wire_writer w = wire_writer_init(out, PROBE_QUERY_MAX);

	message_write_query(&w, id, dname_of(&name), question->type,
			    question->rrclass, PROBE_PAYLOAD, false, true);
	assert(!w.failed);
	return wire_size(&w);
}

static void wrong(struct probe_reply *reply, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void wrong(struct probe_reply *reply, const char *format, ...)
{
	va_list arguments;

	if (reply->verdict == PROBE_WRONG) {
		return;
	}
	reply->verdict = PROBE_WRONG;
	va_start(arguments, format);
	vsnprintf(reply->reason, sizeof(reply->reason), format, arguments);
	va_end(arguments);
	/* An NSID may be any octets; the reason is shown to people. */
	for (char *p = reply->reason; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f) {
			*p = '?';
		}
	}
}

/* The counts and the code of the reply while it is read. */
struct reading {
	struct wire_reader r;
	struct dname_storage name; /* of the question */
	const struct probe_question *question;
	unsigned answers; /* records of the answer section */
	struct probe_reply reply;
	uint16_t flags;
	unsigned rcode;
};

/* One record of the answer section: is it the SOA that was asked for? */
static void read_soa(struct reading *reading, const struct dname *owner,
		     uint16_t type, uint16_t rrclass, const uint8_t *end)
{
	struct wire_reader r = reading->r;
	struct dname_storage name;
	uint32_t serial;

	if (!reading->question->needs_soa || type != RRTYPE_SOA ||
	    rrclass != RRCLASS_IN ||
	    !dname_equal(owner, dname_of(&reading->name))) {
		return;
	}
	/* Names may point back into the message, so r is the message's own. */
	if (!dname_parse_compressed(&r, &name) ||
	    !dname_parse_compressed(&r, &name)) {
		wrong(&reading->reply, "malformed SOA");
		return;
	}
	serial = wire_read32(&r);
	wire_read(&r, 16);
	if (r.failed || r.at != end) {
		wrong(&reading->reply, "malformed SOA");
		return;
	}
	reading->reply.has_serial = true;
	reading->reply.serial = serial;
}

/* RFC 6891 6.1: upper bits of the RCODE in the TTL, options in RDATA. */
static void read_opt(struct reading *reading, uint32_t ttl,
		     struct wire_reader options)
{
	reading->rcode |= ttl >> 24 << 4;
	while (wire_left(&options) > 0) {
		uint16_t code = wire_read16(&options);
		uint16_t size = wire_read16(&options);
		const uint8_t *value = wire_read(&options, size);

		if (options.failed) {
			wrong(&reading->reply, "malformed OPT record");
			return;
		}
		if (code == EDNS_NSID && size > 0) {
			reading->reply.nsid_size =
				(uint8_t)(size < PROBE_NSID_MAX
						  ? size
						  : PROBE_NSID_MAX);
			memcpy(reading->reply.nsid, value,
			       reading->reply.nsid_size);
		}
	}
}

/* One record; false where the message breaks off. */
static bool read_record(struct reading *reading, bool is_answer)
{
	struct dname_storage owner;
	uint16_t type;
	uint16_t rrclass;
	uint32_t ttl;
	uint16_t size;

	if (!dname_parse_compressed(&reading->r, &owner)) {
		return false;
	}
	type = wire_read16(&reading->r);
	rrclass = wire_read16(&reading->r);
	ttl = wire_read32(&reading->r);
	size = wire_read16(&reading->r);
	if (reading->r.failed || size > wire_left(&reading->r)) {
		return false;
	}
	if (is_answer) {
		read_soa(reading, dname_of(&owner), type, rrclass,
			 reading->r.at + size);
	} else if (type == RRTYPE_OPT) {
		read_opt(reading, ttl, wire_reader_init(reading->r.at, size));
	}
	return wire_read(&reading->r, size) != NULL || size == 0;
}

static const char *rcode_text(unsigned rcode, char text[16])
{
	static const char *const names[] = {
		[RCODE_NOERROR] = "NOERROR",   [RCODE_FORMERR] = "FORMERR",
		[RCODE_SERVFAIL] = "SERVFAIL", [RCODE_NXDOMAIN] = "NXDOMAIN",
		[RCODE_NOTIMP] = "NOTIMP",     [RCODE_REFUSED] = "REFUSED",
		[RCODE_NOTAUTH] = "NOTAUTH",
	};

	if (rcode < sizeof(names) / sizeof(names[0]) && names[rcode] != NULL) {
		return names[rcode];
	}
	snprintf(text, 16, "RCODE %u", rcode & 0xfff);
	return text;
}

static void judge(struct reading *reading, const char *identity)
{
	struct probe_reply *reply = &reading->reply;
	const struct probe_question *question = reading->question;
	char text[16];

	if (reading->rcode != question->rcode) {
		wrong(reply, "answered %s", rcode_text(reading->rcode, text));
	}
	if (question->needs_aa && (reading->flags & MESSAGE_AA) == 0) {
		wrong(reply, "answer is not authoritative");
	}
	if ((reading->flags & MESSAGE_TC) != 0) {
		wrong(reply, "answer is truncated");
	}
	if (question->needs_soa && !reply->has_serial) {
		wrong(reply, "answer has no SOA of the zone");
	}
	if (question->needs_answer && reading->answers == 0) {
		wrong(reply, "answer is empty");
	}
	if (question->needs_empty && reading->answers > 0) {
		wrong(reply, "answer is not empty");
	}
	if (identity == NULL || identity[0] == '\0') {
		return;
	}
	/* Anycast: without this another site may answer for us. */
	if (reply->nsid_size == 0) {
		wrong(reply, "answer bears no NSID, not '%s'", identity);
	} else if (strlen(identity) != reply->nsid_size ||
		   memcmp(identity, reply->nsid, reply->nsid_size) != 0) {
		wrong(reply, "another server answers: NSID '%.*s', not '%s'",
		      (int)reply->nsid_size, (const char *)reply->nsid,
		      identity);
	}
}

bool probe_reply_read(struct probe_reply *out, const uint8_t *data, size_t size,
		      uint16_t id, const struct probe_question *question,
		      const char *identity)
{
	struct reading reading = {.r = wire_reader_init(data, size),
				  .name = question->name,
				  .question = question};
	struct dname_storage qname;
	unsigned questions;
	unsigned answers;
	unsigned others;

	if (wire_read16(&reading.r) != id) {
		return false;
	}
	reading.flags = wire_read16(&reading.r);
	questions = wire_read16(&reading.r);
	answers = wire_read16(&reading.r);
	others = wire_read16(&reading.r);
	others += wire_read16(&reading.r);
	if (reading.r.failed || (reading.flags & MESSAGE_QR) == 0 ||
	    questions > 1) {
		return false;
	}
	reading.rcode = reading.flags & MESSAGE_RCODE_MASK;
	if (questions == 1 &&
	    (!dname_parse_compressed(&reading.r, &qname) ||
	     !dname_equal(dname_of(&qname), dname_of(&reading.name)) ||
	     wire_read16(&reading.r) != question->type ||
	     wire_read16(&reading.r) != question->rrclass ||
	     reading.r.failed)) {
		return false;
	}
	/* Only an error may leave the question out (RFC 6891 7). */
	if (questions == 0 && reading.rcode == RCODE_NOERROR) {
		return false;
	}
	if ((reading.flags & MESSAGE_OPCODE_MASK) != 0) {
		wrong(&reading.reply, "answered with another opcode");
	}
	reading.answers = answers;
	/* Each record takes 11 octets at least: size bounds both loops. */
	for (unsigned i = 0; i < answers + others; i++) {
		if (!read_record(&reading, i < answers)) {
			wrong(&reading.reply, "malformed answer");
			break;
		}
	}
	judge(&reading, identity);
	*out = reading.reply;
	return true;
}
