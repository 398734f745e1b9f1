/*
 * test_boundaries.c - every counted field at the lengths where counts break.
 *
 * For each field of a query, of a master file and of RDATA the lengths 0, 1, 63,
 * 64, 127, 255, 256, 65535 and their neighbours are made on purpose: each must
 * be taken, or refused in the way that is due, and what is taken must come back
 * the same. ldns is asked as well where it can judge. Buffers have the size of
 * their content, so that a sanitizer sees one octet more.
 */
#include "lib/answer/query.h"
#include "tests/unit/message_builder.h"
#include "tests/unit/served.h"

#include <check.h>
#include <ldns/ldns.h>

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

static const size_t lengths[] = {
	0,    1,     2,     3,     15,    16,    17,    62,    63,   64,
	65,   126,   127,   128,   191,   192,   193,   253,   254,  255,
	256,  257,   511,   512,   513,   1231,  1232,  1233,  4095, 4096,
	4097, 16383, 16384, 32767, 32768, 65533, 65534, 65535,
};

/* --- queries -------------------------------------------------------------- */

static struct served served;

static void start_serving(void)
{
	static const char text[] = "$ORIGIN example.\n$TTL 60\n"
				   "@ SOA ns host 1 2 3 4 5\n@ NS ns\n"
				   "ns A 192.0.2.1\n* TXT \"any\"\nd DNAME e\n";

	served_init(&served);
	ck_assert(served_add_text(&served, "example.", text, sizeof(text) - 1));
}

static void stop_serving(void)
{
	served_fini(&served);
}

/* The RCODE of the reply, or -1 for silence; the reply must be whole. */
static int ask(const uint8_t *octets, size_t size)
{
	static const size_t rooms[] = {512, 1232, MESSAGE_MAX};
	uint8_t *query = malloc(size > 0 ? size : 1);
	int rcode = -1;

	memcpy(query, octets, size);
	for (int i = 0; i < COUNT(rooms) * 2; i++) {
		size_t room = rooms[i % COUNT(rooms)];
		uint8_t *reply = malloc(room);
		struct answer_note note;
		ldns_pkt *packet = NULL;
		size_t written = answer_query(
			served.context, i % 2 == 0 ? ANSWER_UDP : ANSWER_TCP,
			query, size, reply, room, &note);

		if (written > 0) {
			ck_assert_uint_le(written, room);
			ck_assert_int_eq(ldns_wire2pkt(&packet, reply, written),
					 LDNS_STATUS_OK);
			rcode = note.rcode;
			ldns_pkt_free(packet);
		}
		free(reply);
	}
	free(query);
	return rcode;
}

/* What we answer ldns must be able to read too. */
static int ask_both(const uint8_t *octets, size_t size)
{
	int rcode = ask(octets, size);
	ldns_pkt *packet = NULL;

	if (rcode == RCODE_NOERROR || rcode == RCODE_NXDOMAIN) {
		ck_assert_int_eq(ldns_wire2pkt(&packet, octets, size),
				 LDNS_STATUS_OK);
		ldns_pkt_free(packet);
	}
	return rcode;
}

struct message {
	uint8_t octets[MESSAGE_MAX + 512];
	struct wire_writer w;
};

static void message_start(struct message *m, uint16_t qd, uint16_t an,
			  uint16_t ns, uint16_t ar)
{
	const uint16_t words[] = {0x1234, 0, qd, an, ns, ar};

	m->w = wire_writer_init(m->octets, sizeof(m->octets));
	for (int i = 0; i < COUNT(words); i++) {
		wire_write16(&m->w, words[i]);
	}
}

static void message_fill(struct message *m, uint8_t octet, size_t size)
{
	uint8_t *at = wire_claim(&m->w, size);

	ck_assert_ptr_nonnull(at);
	memset(at, octet, size);
}

static void message_type(struct message *m, uint16_t type)
{
	wire_write16(&m->w, type);
	wire_write16(&m->w, RRCLASS_IN);
}

static struct message m;

START_TEST(a_label_of_a_question_has_1_to_63_octets)
{
	for (unsigned length = 0; length <= 255; length++) {
		int rcode;

		message_start(&m, 1, 0, 0, 0);
		wire_write8(&m.w, (uint8_t)length);
		if (length > 0) {
			message_fill(&m, 'x', length);
			wire_write8(&m.w, 0);
		}
		message_type(&m, RRTYPE_A);
		rcode = ask_both(m.octets, wire_size(&m.w));
		ck_assert_msg((rcode == RCODE_FORMERR) == (length > 63),
			      "label of %u: %d", length, rcode);
	}
}
END_TEST

START_TEST(a_name_of_a_question_ends_at_255_octets)
{
	for (size_t total = 240; total <= 320; total++) {
		size_t left = total - 9 - 1; /* 'example' and the root */
		int rcode;

		message_start(&m, 1, 0, 0, 0);
		while (left > 0) {
			size_t label = left > 64 ? 63 : left - 1;

			/* No label of no octets at the end. */
			label -= left - label - 1 == 1 ? 1 : 0;
			wire_write8(&m.w, (uint8_t)label);
			message_fill(&m, 'x', label);
			left -= label + 1;
		}
		wire_write(&m.w, "\7example\0\0", 9);
		wire_write8(&m.w, 0);
		m.w.at--;
		message_type(&m, RRTYPE_TXT);
		rcode = ask_both(m.octets, wire_size(&m.w));
		ck_assert_msg(rcode == (total - 1 <= 255 ? RCODE_NOERROR
							 : RCODE_FORMERR),
			      "name of %zu: %d", total - 1, rcode);
	}
}
END_TEST

START_TEST(counts_other_than_what_is_there_are_refused)
{
	static const uint16_t counts[] = {0,     1,     2,     3,    63,
					  64,    127,   255,   256,  257,
					  32767, 32768, 65534, 65535};

	for (int i = 0; i < COUNT(counts); i++) {
		for (int section = 0; section < 4; section++) {
			uint16_t n[4] = {1, 0, 0, 0};
			int rcode;

			n[section] = counts[i];
			message_start(&m, n[0], n[1], n[2], n[3]);
			wire_write(&m.w, "\7example", 9);
			message_type(&m, RRTYPE_SOA);
			rcode = ask(m.octets, wire_size(&m.w));
			ck_assert_msg(rcode == (counts[i] == (section == 0)
							? RCODE_NOERROR
							: RCODE_FORMERR) ||
					      (rcode == RCODE_NOERROR &&
					       counts[i] == 0),
				      "section %d count %u: %d", section,
				      counts[i], rcode);
		}
	}
}
END_TEST

START_TEST(an_option_must_end_where_opt_ends)
{
	static const uint16_t codes[] = {3,  8,  9,  10, 11,
					 12, 15, 18, 19, 65001};

	for (int c = 0; c < COUNT(codes); c++) {
		for (int i = 0; i < COUNT(lengths); i++) {
			for (int off = -1; off <= 1; off++) {
				size_t data = lengths[i];
				size_t told = data + (size_t)off;
				int rcode;

				if (data > 65000 || (off < 0 && data == 0)) {
					continue;
				}
				message_start(&m, 1, 0, 0, 1);
				wire_write(&m.w, "\7example", 9);
				message_type(&m, RRTYPE_SOA);
				wire_write(&m.w, "\0\0\x29\x04\xd0\0\0\0\0", 9);
				wire_write16(&m.w, (uint16_t)(data + 4));
				wire_write16(&m.w, codes[c]);
				wire_write16(&m.w, (uint16_t)told);
				message_fill(&m, 'x', data);
				rcode = ask(m.octets, wire_size(&m.w));
				/* One octet is no option: 4 is the least. */
				ck_assert_msg(off == 0 ||
						      rcode == RCODE_FORMERR,
					      "option %u of %zu, told %zu: %d",
					      codes[c], data, told, rcode);
				ck_assert_msg(off != 0 || codes[c] != 65001 ||
						      rcode == RCODE_NOERROR,
					      "option of %zu: %d", data, rcode);
			}
		}
	}
}
END_TEST

START_TEST(opt_of_every_length_is_read_or_refused)
{
	for (int i = 0; i < COUNT(lengths); i++) {
		for (int off = -2; off <= 2; off++) {
			int rcode;
			size_t told = lengths[i] + (size_t)off;

			if ((off < 0 && lengths[i] < 2) || lengths[i] > 65000) {
				continue;
			}
			message_start(&m, 1, 0, 0, 1);
			wire_write(&m.w, "\7example", 9);
			message_type(&m, RRTYPE_SOA);
			wire_write(&m.w, "\0\0\x29\x04\xd0\0\0\0\0", 9);
			wire_write16(&m.w, (uint16_t)told);
			message_fill(&m, 0, lengths[i]);
			rcode = ask(m.octets, wire_size(&m.w));
			ck_assert_msg(off <= 0 || rcode == RCODE_FORMERR,
				      "OPT of %zu, told %zu: %d", lengths[i],
				      told, rcode);
			/* Zeros are options of code 0 and length 0, 4 each. */
			ck_assert_msg(off != 0 || (rcode == RCODE_NOERROR) ==
							  (lengths[i] % 4 == 0),
				      "OPT of %zu: %d", lengths[i], rcode);
		}
	}
}
END_TEST

START_TEST(a_message_of_every_length_is_answered_or_not)
{
	for (int i = 0; i < COUNT(lengths); i++) {
		for (int octet = 0; octet < 3; octet++) {
			static const uint8_t octets[] = {0, 1, 0xff};
			int rcode;

			memset(m.octets, octets[octet], lengths[i]);
			rcode = ask(m.octets, lengths[i]);
			ck_assert(lengths[i] >= 12 || rcode == -1);
		}
		/* A good query and octets behind it. */
		message_start(&m, 1, 0, 0, 0);
		wire_write(&m.w, "\7example", 9);
		message_type(&m, RRTYPE_SOA);
		if (lengths[i] + wire_size(&m.w) <= MESSAGE_MAX) {
			message_fill(&m, 'x', lengths[i]);
			ck_assert_int_eq(ask(m.octets, wire_size(&m.w)),
					 lengths[i] == 0 ? RCODE_NOERROR
							 : RCODE_FORMERR);
		}
	}
}
END_TEST

START_TEST(replies_keep_to_any_payload)
{
	for (int i = 0; i < COUNT(lengths); i++) {
		size_t payload = lengths[i];
		size_t limit = payload < 512    ? 512
			       : payload > 1232 ? 1232
						: payload;
		uint8_t reply[MESSAGE_MAX];
		struct answer_note note;

		message_start(&m, 1, 0, 0, 1);
		wire_write(&m.w, "\7example", 9);
		message_type(&m, RRTYPE_SOA);
		wire_write(&m.w, "\0\0\x29", 3);
		wire_write16(&m.w, (uint16_t)payload);
		wire_write(&m.w, "\0\0\x80\0\0\0", 6);
		ck_assert_uint_le(answer_query(served.context, ANSWER_UDP,
					       m.octets, wire_size(&m.w), reply,
					       sizeof(reply), &note),
				  limit);
	}
}
END_TEST

START_TEST(tsig_of_every_length_is_told_apart_or_refused)
{
	for (int i = 0; i < COUNT(lengths); i++) {
		for (int off = -1; off <= 1; off++) {
			size_t mac = lengths[i];
			int rcode;

			if (mac > 65000 || (off < 0 && mac == 0)) {
				continue;
			}
			message_start(&m, 1, 0, 0, 1);
			wire_write(&m.w, "\7example", 9);
			message_type(&m, RRTYPE_SOA);
			wire_write(&m.w, "\3key\0\0\xfa\0\xff\0\0\0\0", 13);
			wire_write16(&m.w, (uint16_t)(13 + 8 + 2 + mac + 6));
			wire_write(&m.w, "\13hmac-sha256", 13);
			wire_write(&m.w, "\0\0\0\0\0\1\1\x2c", 8);
			wire_write16(&m.w, (uint16_t)(mac + (size_t)off));
			message_fill(&m, 'x', mac);
			wire_write(&m.w, "\x12\x34\0\0\0\0", 6);
			rcode = ask(m.octets, wire_size(&m.w));
			ck_assert_msg(off == 0 || rcode == RCODE_FORMERR,
				      "MAC of %zu off %d: %d", mac, off, rcode);
			ck_assert_msg(off != 0 || rcode == RCODE_NOTAUTH ||
					      rcode == RCODE_FORMERR,
				      "MAC of %zu: %d", mac, rcode);
		}
	}
}
END_TEST

/* --- master files --------------------------------------------------------- */

struct taken {
	unsigned records;
	uint16_t type;
	size_t size;
	uint8_t rdata[65535];
	struct dname_storage owner;
	uint32_t ttl;
};

static struct taken taken;
static struct master_file_error error;

static enum status take(const struct master_file_record *record, void *context,
			char *reason)
{
	struct taken *out = context;

	(void)reason;
	ck_assert(rdata_is_valid(record->type, record->rdata,
				 record->rdata_size));
	out->records++;
	out->type = record->type;
	out->ttl = record->ttl;
	out->size = record->rdata_size;
	memcpy(out->rdata, record->rdata, record->rdata_size);
	dname_copy(&out->owner, record->owner);
	return STATUS_OK;
}

static bool parse(struct taken *out, const char *text, size_t size)
{
	struct master_file_options options = {
		.origin = dname_root,
		.rrclass = RRCLASS_IN,
		.record = take,
		.context = out,
	};
	char *exact = malloc(size > 0 ? size : 1);
	enum status status;

	out->records = 0;
	memcpy(exact, text, size);
	status = master_file_parse("/nonexistent/x", exact, size, &options,
				   &error);
	free(exact);
	/* Refused cleanly: with a reason and a line. */
	ck_assert(status == STATUS_OK ||
		  (error.reason[0] != '\0' && error.line > 0));
	return status == STATUS_OK;
}

struct text {
	char *octets;
	size_t size;
	size_t room;
};

static struct text text;

static void put(const char *octets, size_t size)
{
	if (text.size + size + 1 > text.room) {
		text.room = 2 * (text.size + size + 1);
		text.octets = realloc(text.octets, text.room);
	}
	memcpy(text.octets + text.size, octets, size);
	text.size += size;
	text.octets[text.size] = '\0';
}

static void put_text(const char *octets)
{
	put(octets, strlen(octets));
}

static void put_many(char octet, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		put(&octet, 1);
	}
}

static void put_number(size_t number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%zu", number);
	put_text(digits);
}

/* A name of that many octets in wire form, absolute. */
static void put_name(size_t octets)
{
	size_t left = octets - 1;

	while (left > 0) {
		size_t label = left > 64 ? 63 : left - 1;

		if (left - label - 1 == 1) {
			label--;
		}
		put_many('n', label);
		put_text(".");
		left -= label + 1;
	}
	if (octets == 1) {
		put_text(".");
	}
}

static void put_base64(size_t octets)
{
	put_many('A', octets / 3 * 4);
	put_text(octets % 3 == 0 ? "" : octets % 3 == 1 ? "AA==" : "AAA=");
}

/*
 * RDATA with a field of n: '%' stands for it, and the letter behind says how:
 * x: n letters; q: n letters in quotes; h: n octets in hexadecimal; b: in
 * base64; l: a label; n: a name of n octets; d: the number; D: as \DDD; 0, (, _
 * and /: n zeros, parentheses, blanks, line ends.
 */
static void put_pattern(const char *pattern, size_t n)
{
	for (const char *at = pattern; *at != '\0'; at++) {
		if (*at != '%') {
			put(at, 1);
			continue;
		}
		switch (*++at) {
		case 'x':
			put_many('x', n);
			break;
		case '_':
			put_many(' ', n);
			break;
		case '/':
			put_many('\n', n);
			break;
		case '(':
			put_many('(', n);
			break;
		case '0':
			put_many('0', n);
			break;
		case 'q':
			put_text("\"");
			put_many('x', n);
			put_text("\"");
			break;
		case 'D':
			for (size_t i = 0; i < n; i++) {
				put_text("\\200");
			}
			break;
		case 'h':
			put_many('a', 2 * n);
			break;
		case 'b':
			put_base64(n);
			break;
		case 'l':
			put_many('l', n);
			put_text(".");
			break;
		case 'n':
			put_name(n);
			break;
		case 'd':
			put_number(n);
			break;
		default:
			abort();
		}
	}
}

/*
 * The lengths from least to most are taken, others refused. odd: what ldns
 * makes of the least, where that is not what was read.
 */
struct field {
	const char *what;
	const char *pattern;
	size_t least;
	size_t most;
	const char *odd;
};

enum {
	ALL = 65535,
	NAME_LEAST = 3, /* the pattern gives no name of 2 octets */
};

static const struct field fields[] = {
	{"label", "a%l A 192.0.2.1", 0, 62, NULL},
	{"label_of_escapes", "%D. A 192.0.2.1", 0, 63, NULL},
	{"owner", "%n A 192.0.2.1", NAME_LEAST, 255, NULL},
	{"ns_name", "a NS %n", NAME_LEAST, 255, NULL},
	{"mx_name", "a MX 1 %n", NAME_LEAST, 255, NULL},
	{"srv_name", "a SRV 1 2 3 %n", NAME_LEAST, 255, NULL},
	{"soa_name", "a SOA . %n 1 2 3 4 5", NAME_LEAST, 255, NULL},
	{"dname", "a DNAME %n", NAME_LEAST, 255, NULL},
	{"nsec_next", "a NSEC %n A", NAME_LEAST, 255, NULL},
	{"svcb_target", "a SVCB 1 %n", NAME_LEAST, 255, NULL},
	{"rrsig_signer",
	 "a RRSIG A 8 1 2 20260101000000 20260101000000 3 %n AA==", NAME_LEAST,
	 255, NULL},
	{"txt_string", "a TXT %q", 0, 255, NULL},
	{"txt_word", "a TXT %x", 1, 255, NULL},
	{"txt_escapes", "a TXT \"%D\"", 0, 255, NULL},
	{"spf_string", "a SPF %q", 0, 255, NULL},
	{"hinfo_string", "a HINFO %q \"\"", 0, 255, NULL},
	{"hinfo_second", "a HINFO \"\" %q", 0, 255, NULL},
	{"x25_string", "a X25 %d", 0, ALL, NULL},
	{"naptr_flags", "a NAPTR 1 2 %q \"\" \"\" .", 0, 255, NULL},
	{"naptr_service", "a NAPTR 1 2 \"\" %q \"\" .", 0, 255, NULL},
	{"naptr_regexp", "a NAPTR 1 2 \"\" \"\" %q .", 0, 255, NULL},
	{"uri_target", "a URI 1 2 %q", 1, ALL - 4, NULL},
	{"caa_value", "a CAA 0 issue %q", 0, ALL - 7,
	 "nothing is written for an empty value"},
	{"caa_tag", "a CAA 0 %x \"v\"", 1, 255, NULL},
	{"mx_preference", "a MX %d .", 0, 65535, NULL},
	{"ttl", "a %d A 192.0.2.1", 0, 65535, NULL},
	{"ds_digest", "a DS 1 8 200 %h", 1, ALL - 4, NULL},
	{"sshfp", "a SSHFP 1 200 %h", 0, ALL - 2, NULL},
	{"tlsa", "a TLSA 3 1 0 %h", 0, ALL - 3, NULL},
	{"smimea", "a SMIMEA 3 1 0 %h", 0, ALL - 3, NULL},
	{"zonemd_digest", "a ZONEMD 1 1 240 %h", 12, ALL - 6, NULL},
	{"dnskey", "a DNSKEY 256 3 8 %b", 1, ALL - 4, NULL},
	{"cert", "a CERT 1 2 3 %b", 0, ALL - 5, NULL},
	{"openpgpkey", "a OPENPGPKEY %b", 0, ALL, NULL},
	{"dhcid", "a DHCID %b", 0, ALL, NULL},
	{"rrsig_signature",
	 "a RRSIG A 8 1 2 20260101000000 20260101000000 3 . %b", 1, ALL - 19,
	 NULL},
	{"nsec3_salt", "a NSEC3 1 0 1 %h 00000000000000000000000000000000 A", 1,
	 255, NULL},
	{"nsec3param_salt", "a NSEC3PARAM 1 0 1 %h", 1, 255, NULL},
	{"nsec_bitmap", "a NSEC . TYPE%d", 0, 65535, NULL},
	{"csync_bitmap", "a CSYNC 1 1 TYPE%d", 0, 65535, NULL},
	{"type_number", "a TYPE65%d \\# 1 00", 0, 535, NULL},
	{"unknown_rdata", "a TYPE65280 \\# %d ", 0, 0, NULL},
	{"svcb_value", "a SVCB 1 . key65000=%x", 0, ALL - 3 - 4, NULL},
	{"svcb_key", "a SVCB 1 . key65%d=", 0, 534, NULL},
	{"svcb_alpn", "a SVCB 1 . alpn=%x", 1, 255, NULL},
	{"svcb_port", "a SVCB 1 . port=%d", 0, 65535, NULL},
	{"svcb_priority", "a SVCB %d .", 0, 65535, NULL},
	{"hip_hit", "a HIP 1 %h AQ==", 1, 255, NULL},
	/* ldns reads it, from 32 KiB of text; longer ones by RFC 3597. */
	{"eid", "a EID %h", 1, 16000, NULL},
};

/* The same RDATA in the form of RFC 3597. */
static void check_unknown_form(const struct taken *first)
{
	static struct taken again;
	char head[64];

	text.size = 0;
	snprintf(head, sizeof(head), "a 60 TYPE%u \\# %zu ", first->type,
		 first->size);
	put_text(head);
	for (size_t i = 0; i < first->size; i++) {
		static const char digits[] = "0123456789abcdef";

		put(&digits[first->rdata[i] >> 4], 1);
		put(&digits[first->rdata[i] & 15], 1);
	}
	ck_assert(parse(&again, text.octets, text.size));
	ck_assert_uint_eq(again.records, 1);
	ck_assert_uint_eq(again.size, first->size);
	ck_assert_int_eq(memcmp(again.rdata, first->rdata, first->size), 0);
}

/*
 * ldns reads the wire, writes text, and we read that: the same wire. Where ldns
 * cannot read what we took, *is_odd.
 */
static bool survives_ldns(const struct taken *first, const char *what, size_t n)
{
	static uint8_t wire[70000];
	static struct taken again;
	struct wire_writer w = wire_writer_init(wire, sizeof(wire));
	ldns_rr *rr = NULL;
	size_t at = 0;
	char *written;
	bool is_same;

	wire_write(&w, "\0", 1);
	wire_write16(&w, first->type);
	wire_write16(&w, RRCLASS_IN);
	wire_write32(&w, 60);
	wire_write16(&w, (uint16_t)first->size);
	wire_write(&w, first->rdata, first->size);
	if (ldns_wire2rr(&rr, wire, wire_size(&w), &at, LDNS_SECTION_ANSWER) !=
	    LDNS_STATUS_OK) {
		fprintf(stderr, "%s of %zu: ldns does not read the wire\n",
			what, n);
		return false;
	}
	written = ldns_rr2str(rr);
	is_same = written != NULL && parse(&again, written, strlen(written)) &&
		  again.records == 1 && again.size == first->size &&
		  memcmp(again.rdata, first->rdata, first->size) == 0;
	if (!is_same) {
		fprintf(stderr, "%s of %zu: not what ldns writes: %s: %.200s\n",
			what, n, error.reason, written);
	}
	free(written);
	ldns_rr_free(rr);
	return is_same;
}

START_TEST(a_field_of_text_is_taken_up_to_its_length)
{
	const struct field *field = &fields[_i];

	for (int i = 0; i < COUNT(lengths); i++) {
		size_t n = lengths[i];
		bool is_due = n >= field->least && n <= field->most;
		bool is_taken;

		if (strstr(field->pattern, "%n") != NULL && n < NAME_LEAST) {
			continue;
		}
		text.size = 0;
		put_text("$TTL 60\n");
		put_pattern(field->pattern, n);
		put_text("\n");
		is_taken = parse(&taken, text.octets, text.size) &&
			   taken.records == 1;
		ck_assert_msg(is_taken == is_due, "%s of %zu: %s", field->what,
			      n, is_taken ? "taken" : error.reason);
		if (!is_taken) {
			continue;
		}
		check_unknown_form(&taken);
		ck_assert_msg(survives_ldns(&taken, field->what, n) ||
				      (field->odd != NULL && n == field->least),
			      "%s of %zu does not survive ldns", field->what,
			      n);
	}
}
END_TEST

/* --- texts around records ------------------------------------------------- */

/* Text in which '%' stands for n as above; taken up to most. */
static const struct field around[] = {
	{"comment", "a A 192.0.2.1 ;%x", 0, ALL, NULL},
	{"blanks", "a A (%_) 192.0.2.1", 0, ALL, NULL},
	{"line_ends_in_parentheses", "a A (%/) 192.0.2.1", 0, ALL, NULL},
	{"opened_parentheses", "a A %( 192.0.2.1 )", 1, 1, NULL},
	{"leading_zeros", "a MX %01 .", 0, 17, NULL},
	{"ttl_of_zeros", "a %060 A 192.0.2.1", 0, 17, NULL},
	{"ttl_units", "a %ds A 192.0.2.1", 0, ALL, NULL},
	{"origin", "$ORIGIN %n\n@ A 192.0.2.1", NAME_LEAST, 255, NULL},
	{"origin_and_a_label", "$ORIGIN %n\nw A 192.0.2.1", NAME_LEAST, 253,
	 NULL},
	{"unknown_directive", "$%x\na A 192.0.2.1", 1, 0, NULL},
	{"type_of_letters", "a %x", 1, 0, NULL},
	{"generate_owner", "$GENERATE 7-7 %x$ A 192.0.2.1", 0, 62, NULL},
	{"generate_width", "$GENERATE 7-7 a${0,%d,d} A 192.0.2.1", 0, 62, NULL},
	{"generate_start", "$GENERATE %d-65535/65535 a$ A 192.0.2.1", 0, ALL,
	 NULL},
	{"generate_octet", "$GENERATE %d-%d a A 192.0.2.$", 0, 255, NULL},
};

START_TEST(a_line_is_taken_up_to_its_length)
{
	const struct field *line = &around[_i];

	for (int i = 0; i < COUNT(lengths); i++) {
		size_t n = lengths[i];
		bool is_taken;

		if (strstr(line->pattern, "%n") != NULL && n < NAME_LEAST) {
			continue;
		}
		text.size = 0;
		put_text("$TTL 60\n");
		put_pattern(line->pattern, n);
		put_text("\n");
		is_taken = parse(&taken, text.octets, text.size) &&
			   taken.records >= 1;
		ck_assert_msg(is_taken == (n >= line->least && n <= line->most),
			      "%s of %zu: %s", line->what, n,
			      is_taken ? "taken" : error.reason);
	}
}
END_TEST

START_TEST(a_ttl_has_31_bits)
{
	static const struct {
		const char *text;
		bool is_good;
		uint32_t ttl; /* RFC 2181 8: above 31 bits it is 0 */
	} ttls[] = {
		{"0", true, 0},
		{"2147483647", true, 2147483647},
		{"2147483648", true, 0},
		{"4294967295", true, 0},
		{"4294967296", false, 0},
		{"18446744073709551616", false, 0},
		{"3550w", true, 2147040000},
		{"3551w", true, 0},
		{"7102w", false, 0},
		{"-1", false, 0},
	};
	static const char *const forms[] = {"a %s A 192.0.2.1\n",
					    "$TTL %s\na A 192.0.2.1\n"};
	char line[128];

	for (int i = 0; i < COUNT(ttls) * COUNT(forms); i++) {
		int at = i / COUNT(forms);
		bool is_taken;

		snprintf(line, sizeof(line), forms[i % COUNT(forms)],
			 ttls[at].text);
		is_taken = parse(&taken, line, strlen(line));
		ck_assert_msg(is_taken == ttls[at].is_good, "%s", line);
		ck_assert(!is_taken || taken.ttl == ttls[at].ttl);
	}
}
END_TEST

START_TEST(generate_makes_as_many_as_it_says)
{
	static const size_t counts[] = {1,   2,   63,  64,  65,    127,
					128, 255, 256, 257, 65535, 65536};
	char line[128];

	for (int i = 0; i < COUNT(counts); i++) {
		snprintf(line, sizeof(line),
			 "$TTL 1\n$GENERATE 1-%zu a$ A 192.0.2.1\n", counts[i]);
		ck_assert(parse(&taken, line, strlen(line)));
		ck_assert_uint_eq(taken.records, counts[i]);
	}
	snprintf(line, sizeof(line), "$TTL 1\n$GENERATE 1-%d a$ A 192.0.2.1\n",
		 MASTER_FILE_GENERATE_MAX + 1);
	ck_assert(!parse(&taken, line, strlen(line)));
}
END_TEST

/* --- RDATA from the wire -------------------------------------------------- */

static const uint16_t types[] = {
#define TYPE_VALUE(name, value, shape) (value),
	RRTYPE_LIST(TYPE_VALUE)
#undef TYPE_VALUE
};

/*
 * Octets that make fields of many kinds: one repeated, a name and then one, a
 * count and as many, a window of a bitmap.
 */
static void make_rdata(uint8_t *out, int how, size_t n)
{
	static const uint8_t repeated[] = {0, 1, 4, 16, 63, 64, 127, 128, 255};

	if (how < COUNT(repeated)) {
		memset(out, repeated[how], n);
		return;
	}
	how -= COUNT(repeated);
	memset(out, 'x', n);
	if (n > 3 && how == 0) {
		out[0] = (uint8_t)(n - 1);
	} else if (n > 8 && how == 1) {
		memcpy(out, "\1a\0", 3);
	} else if (n > 8 && how == 2) {
		memcpy(out, "\0\1\1a\0", 5);
	} else if (n > 8 && how == 3) {
		memcpy(out, "\0\1\0", 3); /* SVCB: 1 . and one key */
		out[3] = 0xfd;
		out[4] = 0xe8;
		wire_put16(out + 5, (uint16_t)(n - 7));
	} else if (n > 8 && how == 4) {
		memset(out, 0, n);
		out[1] = 0;
		out[2] = (uint8_t)(n - 3);
		out[n - 1] = 1;
	} else if (n > 30 && how == 5) {
		memset(out, 0, n);
		memcpy(out, "\1\0\0\1", 4); /* NSEC3: salt, hash, no types */
		out[4] = (uint8_t)(n - 7);
		out[n - 2] = 1;
	}
}

enum {
	HOW_MANY = 15,
};

/*
 * Where ldns cannot judge: it reads fields that RFC 3597 servers take as they
 * are (CAA, HIP, IPSECKEY, ISDN, LOC), writes a form of its own for what it
 * cannot make out (APL, NSEC3 of short hashes, NXT, SINK), the services of the
 * machine's list (WKS), or a name of escapes otherwise (NSAP-PTR).
 */
static bool is_ldns_blind(uint16_t type)
{
	static const uint16_t blind[] = {
		RRTYPE_APL,      RRTYPE_CAA,   RRTYPE_HIP, RRTYPE_IPSECKEY,
		RRTYPE_ISDN,     RRTYPE_LOC,   RRTYPE_NXT, RRTYPE_SINK,
		RRTYPE_NSAP_PTR, RRTYPE_NSEC3, RRTYPE_WKS,
	};

	for (int i = 0; i < COUNT(blind); i++) {
		if (blind[i] == type) {
			return true;
		}
	}
	return false;
}

enum {
	/* Above it ldns takes long, and its text is over our limit for it. */
	LDNS_JUDGES_MAX = 4097,
};

START_TEST(rdata_of_every_type_and_length_survives_text)
{
	static uint8_t rdata[65535];
	static struct taken made;
	uint16_t type = types[_i];

	if (rrtype_is_meta(type)) {
		return;
	}
	for (int i = 0; i < COUNT(lengths); i++) {
		for (int how = 0; how < HOW_MANY; how++) {
			size_t n = lengths[i];
			uint8_t *exact = malloc(n > 0 ? n : 1);
			bool is_good;

			make_rdata(rdata, how, n);
			memcpy(exact, rdata, n);
			is_good = rdata_is_valid(type, exact, n);
			made.type = type;
			made.size = n;
			memcpy(made.rdata, exact, n);
			free(exact);
			if (!is_good) {
				continue;
			}
			/* Long ones with one content: others add nothing. */
			if (n <= LDNS_JUDGES_MAX || how == 0) {
				check_unknown_form(&made);
			}
			ck_assert(n > LDNS_JUDGES_MAX || is_ldns_blind(type) ||
				  survives_ldns(&made, "rdata", n));
		}
	}
}
END_TEST

/* --- RRsets near 64 KiB --------------------------------------------------- */

/*
 * A zone with one RRset at owner, of one string-less type, that takes exactly
 * 'room' octets of a message but for the question's name. The records: two, and
 * a signature.
 */
static bool add_large(struct served *s, const char *owner, size_t octets)
{
	/* Of each: pointer, type, class, TTL, RDLENGTH. */
	size_t left = octets - 3 * 12 - 19 - 64;

	text.size = 0;
	put_text("large. 60 SOA . . 1 2 3 4 5\nlarge. 60 NS ns.other.\n"
		 "large. 60 DNSKEY 257 3 13 ");
	put_base64(64);
	put_text("\n");
	for (int i = 0; i < 2; i++) {
		size_t size = i == 0 ? left / 2 : left - left / 2;

		put_text(owner);
		put_text(" 60 TYPE65280 \\# ");
		put_number(size);
		put_text(i == 0 ? " 01" : " 02");
		put_many('0', 2 * (size - 1));
		put_text("\n");
	}
	put_text(owner);
	put_text(" 60 RRSIG TYPE65280 13 1 60 20360101000000 20260101000000 1 "
		 ". ");
	put_base64(64);
	put_text("\n");
	return served_add_text(s, "large.", text.octets, text.size);
}

static const struct {
	const char *owner;
	const char *qname;
} large[] = {
	{"a.large.", "a.large."},
	{"large.", "large."},
	/* The question of a wildcard may be as long as names are. */
	{"*.large.", NULL},
};

START_TEST(an_rrset_that_fits_no_message_is_refused)
{
	static uint8_t reply[MESSAGE_MAX];
	struct dname_storage qname;
	size_t most;

	text.size = 0;
	if (large[_i].qname != NULL) {
		put_text(large[_i].qname);
	} else {
		put_name(255 - 6);
		put_text("large.");
	}
	ck_assert_int_eq(dname_load(&qname, text.octets, text.size, dname_root),
			 STATUS_OK);
	/* Header, question, OPT. */
	most = MESSAGE_MAX - 12 - qname.length - 4 - 11;
	for (size_t octets = most - 2; octets <= most + 2; octets++) {
		struct served s;
		struct answer_note note;
		size_t size;
		bool is_taken;

		served_init(&s);
		is_taken = add_large(&s, large[_i].owner, octets);
		ck_assert_msg(is_taken == (octets <= most), "%zu of %zu: %s",
			      octets, most, s.error);
		if (is_taken) {
			struct wire_writer w =
				wire_writer_init(m.octets, sizeof(m.octets));

			message_write_query(&w, 7, dname_of(&qname), 65280,
					    RRCLASS_IN, 1232, true, false);
			size = answer_query(s.context, ANSWER_TCP, m.octets,
					    wire_size(&w), reply, sizeof(reply),
					    &note);
			ck_assert_uint_eq(size, MESSAGE_MAX - most + octets);
			ck_assert(!note.is_truncated);
		}
		served_fini(&s);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("boundaries");
	TCase *queries = tcase_create("queries");
	TCase *texts = tcase_create("text");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(queries, start_serving, stop_serving);
	tcase_set_timeout(queries, 60);
	tcase_add_test(queries, a_label_of_a_question_has_1_to_63_octets);
	tcase_add_test(queries, a_name_of_a_question_ends_at_255_octets);
	tcase_add_test(queries, counts_other_than_what_is_there_are_refused);
	tcase_add_test(queries, an_option_must_end_where_opt_ends);
	tcase_add_test(queries, opt_of_every_length_is_read_or_refused);
	tcase_add_test(queries, a_message_of_every_length_is_answered_or_not);
	tcase_add_test(queries, replies_keep_to_any_payload);
	tcase_add_test(queries, tsig_of_every_length_is_told_apart_or_refused);
	suite_add_tcase(suite, queries);

	tcase_set_timeout(texts, 60);
	tcase_add_loop_test(texts, a_field_of_text_is_taken_up_to_its_length, 0,
			    COUNT(fields));
	tcase_add_loop_test(texts, a_line_is_taken_up_to_its_length, 0,
			    COUNT(around));
	tcase_add_test(texts, a_ttl_has_31_bits);
	tcase_add_test(texts, generate_makes_as_many_as_it_says);
	tcase_add_loop_test(texts, rdata_of_every_type_and_length_survives_text,
			    0, COUNT(types));
	tcase_add_loop_test(texts, an_rrset_that_fits_no_message_is_refused, 0,
			    COUNT(large));
	suite_add_tcase(suite, texts);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	free(text.octets);
	return failed == 0 ? 0 : 1;
}
