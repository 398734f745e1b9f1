/*
 * test_ldns_text.c - our reader of RDATA and that of ldns on the same records.
 *
 * Records of every type that zones of millions are made of, and of more, in as
 * many spellings as their fields have, and then with octets changed, taken out
 * and put in. Where both take a record, the wire is the same. Where only one
 * takes it, a row of the table below says why that is so; a row that nothing
 * meets is an error too, since it has no reason to stand there any more.
 */
#include "lib/dns/rrtype.h"
#include "lib/zone/master_file.h"

#include <arpa/inet.h>
#include <check.h>
#include <ctype.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TEXT_MAX = 8192,
	SPELLINGS = 400, /* of each type */
	MUTANTS = 3500,
	TOLD_MAX = 40,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ORIGIN       "origin.example."

/*
 * 1 2 4: a number of that many octets   t: a time   n: a name   a A: addresses
 * T: a type   m: a type bitmap   s S: a string, one or more   h: hex   b: base64
 * D: a moment   g: an algorithm   x: a salt   y: a base32hex hash
 */
static const struct {
	uint16_t type;
	const char *name;
	const char *fields;
} types[] = {
	{RRTYPE_SOA, "SOA", "nn4tttt"},
	{RRTYPE_NS, "NS", "n"},
	{RRTYPE_A, "A", "a"},
	{RRTYPE_AAAA, "AAAA", "A"},
	{RRTYPE_CNAME, "CNAME", "n"},
	{RRTYPE_MX, "MX", "2n"},
	{RRTYPE_TXT, "TXT", "S"},
	{RRTYPE_DS, "DS", "2g1h"},
	{RRTYPE_DNSKEY, "DNSKEY", "21gb"},
	{RRTYPE_RRSIG, "RRSIG", "Tg1tDD2nb"},
	{RRTYPE_NSEC, "NSEC", "nm"},
	{RRTYPE_NSEC3, "NSEC3", "112xym"},
	{RRTYPE_NSEC3PARAM, "NSEC3PARAM", "112x"},
	{RRTYPE_PTR, "PTR", "n"},
	{RRTYPE_DNAME, "DNAME", "n"},
	{RRTYPE_SRV, "SRV", "222n"},
	{RRTYPE_HINFO, "HINFO", "ss"},
	{RRTYPE_SSHFP, "SSHFP", "11h"},
	{RRTYPE_TLSA, "TLSA", "111h"},
};

static uint64_t seed = 88172645463325252u;

static unsigned draw(unsigned below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % below;
}

/* --- texts ---------------------------------------------------------------- */

struct text {
	char octets[TEXT_MAX];
	size_t size;
};

static void put(struct text *text, const char *more)
{
	size_t size = strlen(more);

	ck_assert_uint_lt(text->size + size, TEXT_MAX);
	memcpy(text->octets + text->size, more, size + 1);
	text->size += size;
}

static void put_number(struct text *text, uint64_t number)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%s%llu", draw(10) == 0 ? "00" : "",
		 (unsigned long long)number);
	put(text, digits);
}

static uint32_t draw_number(unsigned octets)
{
	uint32_t most = octets == 1   ? UINT8_MAX
			: octets == 2 ? UINT16_MAX
				      : UINT32_MAX;

	switch (draw(4)) {
	case 0:
		return most;
	case 1:
		return draw(3);
	default:
		return (draw(1u << 16) << 16 | draw(1u << 16)) & most;
	}
}

/* An octet of a name or string, escaped where it must be, or may. */
static void put_octet(struct text *text, bool is_quoted)
{
	char escaped[8];
	unsigned octet = draw(8) == 0 ? draw(256) : 'a' + draw(26);

	if (draw(6) == 0) {
		octet = (unsigned)"-_*AZ09.\"\\;() @$"[draw(16)];
	}
	if (octet <= ' ' || octet >= 127 || draw(20) == 0) {
		if (octet == ' ' && is_quoted) {
			put(text, " ");
			return;
		}
		snprintf(escaped, sizeof(escaped), "\\%03u", octet);
	} else if (strchr(".\"\\;()@$", (int)octet) != NULL) {
		snprintf(escaped, sizeof(escaped), "\\%c", (char)octet);
	} else {
		snprintf(escaped, sizeof(escaped), "%c", (char)octet);
	}
	put(text, escaped);
}

static void put_name(struct text *text)
{
	unsigned labels = draw(5);

	if (draw(12) == 0) {
		put(text, draw(2) == 0 ? "@" : ".");
		return;
	}
	for (unsigned i = 0; i <= labels; i++) {
		unsigned length = 1 + draw(draw(10) == 0 ? 40 : 8);

		if (i > 0) {
			put(text, ".");
		}
		for (unsigned k = 0; k < length; k++) {
			put_octet(text, false);
		}
	}
	put(text, draw(2) == 0 ? "." : "");
}

static void put_string(struct text *text)
{
	bool is_quoted = draw(2) == 0;
	unsigned length = (is_quoted ? 0 : 1) + draw(draw(10) == 0 ? 120 : 12);

	put(text, is_quoted ? "\"" : "");
	for (unsigned i = 0; i < length; i++) {
		put_octet(text, is_quoted);
	}
	put(text, is_quoted ? "\"" : "");
}

/* Digits of a base, with blanks between them now and then. */
static void put_digits(struct text *text, const char *alphabet, unsigned count,
		       bool may_part)
{
	unsigned most = (unsigned)strlen(alphabet);

	for (unsigned i = 0; i < count; i++) {
		char digit[2] = {alphabet[draw(most)], '\0'};

		if (may_part && i > 0 && draw(12) == 0) {
			put(text, " ");
		}
		put(text, digit);
	}
}

static void put_base64(struct text *text)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789+/";

	put_digits(text, alphabet, 4 * (1 + draw(20)), true);
	switch (draw(3)) {
	case 0: /* the bits beyond the last octet are 0 */
		put_digits(text, alphabet, 1, false);
		put(text, draw(2) == 0 ? "A==" : "g==");
		break;
	case 1:
		put_digits(text, alphabet, 2, false);
		put(text, draw(2) == 0 ? "A=" : "E=");
		break;
	default:
		break;
	}
}

static void put_time(struct text *text)
{
	static const char units[] = "smhdwSMHDW";

	if (draw(3) > 0) {
		put_number(text, draw_number(4) >> 1);
		return;
	}
	for (unsigned i = 1 + draw(3); i > 0; i--) {
		char unit[2] = {units[draw(10)], '\0'};

		put_number(text, draw(100));
		put(text, unit);
	}
}

static void put_moment(struct text *text)
{
	char moment[32];

	if (draw(4) == 0) {
		put_number(text, draw_number(4));
		return;
	}
	snprintf(moment, sizeof(moment), "%04u%02u%02u%02u%02u%02u",
		 1970 + draw(136), 1 + draw(12), 1 + draw(28), draw(24),
		 draw(60), draw(60));
	put(text, moment);
}

static void put_address6(struct text *text)
{
	uint8_t octets[16];
	char written[INET6_ADDRSTRLEN];

	for (unsigned i = 0; i < 16; i += 2) {
		bool is_zero = draw(2) == 0;

		octets[i] = (uint8_t)(is_zero ? 0 : draw(256));
		octets[i + 1] = (uint8_t)(is_zero ? 0 : draw(256));
	}
	if (draw(8) == 0) { /* ::ffff:192.0.2.1 */
		memset(octets, 0, 10);
		octets[10] = octets[11] = 0xff;
	}
	inet_ntop(AF_INET6, octets, written, sizeof(written));
	if (draw(4) == 0) {
		snprintf(written, sizeof(written),
			 "%02X%02X:%x:%x:%x:%x:%x:%x:%02x%02x", octets[0],
			 octets[1], octets[3], octets[5], octets[7], octets[9],
			 octets[11], octets[13], octets[14], octets[15]);
	}
	put(text, written);
}

static void put_type(struct text *text)
{
	static const char *const names[] = {
		"A",     "NS",   "SOA",    "MX",    "TXT",        "AAAA",
		"RRSIG", "NSEC", "DNSKEY", "CAA",   "NSEC3PARAM", "TYPE1234",
		"TYPE1", "DS",   "SRV",    "CNAME", "TYPE65280",
	};

	put(text, names[draw(COUNT(names))]);
}

static void put_field(struct text *text, char field)
{
	static const char *const algorithms[] = {
		"RSASHA256", "ECDSAP256SHA256", "ED25519", "RSASHA1", "8", "13",
	};
	char address[INET_ADDRSTRLEN];

	switch (field) {
	case '1':
	case '2':
	case '4':
		put_number(text, draw_number((unsigned)(field - '0')));
		break;
	case 't':
		put_time(text);
		break;
	case 'n':
		put_name(text);
		break;
	case 'a':
		snprintf(address, sizeof(address), "%u.%u.%u.%u", draw(256),
			 draw(256), draw(256), draw(256));
		put(text, address);
		break;
	case 'A':
		put_address6(text);
		break;
	case 'T':
		put_type(text);
		break;
	case 'm':
		for (unsigned i = draw(6); i > 0; i--) {
			put_type(text);
			put(text, " ");
		}
		put(text, "AAAA");
		break;
	case 's':
		put_string(text);
		break;
	case 'S':
		for (unsigned i = draw(4); i > 0; i--) {
			put_string(text);
			put(text, " ");
		}
		put_string(text);
		break;
	case 'h':
		put_digits(text, "0123456789abcdefABCDEF", 2 * (1 + draw(40)),
			   true);
		break;
	case 'b':
		put_base64(text);
		break;
	case 'D':
		put_moment(text);
		break;
	case 'g':
		put(text, algorithms[draw(COUNT(algorithms))]);
		break;
	case 'x':
		if (draw(3) == 0) {
			put(text, "-");
		} else {
			put_digits(text, "0123456789abcdefABCDEF",
				   2 * (1 + draw(8)), false);
		}
		break;
	default:
		put_digits(text, "0123456789ABCDEFGHIJKLMNOPQRSTUV", 32, false);
		break;
	}
}

/* Blanks between two fields, in as many ways as there are. */
static void put_blank(struct text *text, bool *is_open)
{
	switch (draw(12)) {
	case 0:
		put(text, "\t");
		break;
	case 1:
		put(text, *is_open ? " ) " : " ( ");
		*is_open = !*is_open;
		break;
	case 2:
		put(text, *is_open ? "\n " : "  ");
		break;
	case 3:
		put(text, *is_open ? " ; a comment\n " : " ");
		break;
	default:
		put(text, " ");
		break;
	}
}

/* The record's text; the RDATA begins at *start. */
static void make_record(struct text *text, size_t type, size_t *start)
{
	const char *fields = types[type].fields;
	bool is_open = false;

	text->size = 0;
	put(text, "owner.example. 3600 IN ");
	put(text, types[type].name);
	put(text, " ");
	*start = text->size;
	for (size_t i = 0; fields[i] != '\0'; i++) {
		if (i > 0) {
			put_blank(text, &is_open);
		}
		put_field(text, fields[i]);
	}
	put(text, is_open ? " )\n" : "\n");
}

static void mutate(struct text *text, size_t start)
{
	static const char chars[] = "0123456789abcxyzAFGZ.-+=/:*@\"\\ ;_$#\t";
	char *octets = text->octets;

	for (unsigned i = 1 + draw(2); i > 0 && text->size > start + 2; i--) {
		size_t at = start + draw((unsigned)(text->size - start - 1));
		size_t rest = text->size - at;
		char octet = chars[draw(sizeof(chars) - 1)];

		switch (draw(3)) {
		case 0:
			octets[at] = octet;
			break;
		case 1:
			memmove(octets + at, octets + at + 1, rest);
			text->size--;
			break;
		default:
			if (text->size + 1 < TEXT_MAX) {
				memmove(octets + at + 1, octets + at, rest + 1);
				octets[at] = octet;
				text->size++;
			}
			break;
		}
	}
}

/* --- the two readers ------------------------------------------------------ */

struct reading {
	unsigned records;
	uint16_t type;
	size_t size;
	uint8_t rdata[UINT16_MAX];
	char reason[MASTER_FILE_REASON_MAX];
};

static enum status take(const struct master_file_record *record, void *context,
			char *reason)
{
	struct reading *reading = context;

	(void)reason;
	reading->records++;
	reading->type = record->type;
	reading->size = record->rdata_size;
	memcpy(reading->rdata, record->rdata, record->rdata_size);
	return STATUS_OK;
}

static bool read_ours(const struct text *text, struct reading *out)
{
	static struct dname_storage origin;
	struct master_file_options options = {
		.origin = dname_of(&origin),
		.rrclass = 1,
		.record = take,
		.context = out,
	};
	struct master_file_error error = {.line = 0};
	enum status status;

	ck_assert_int_eq(
		dname_load(&origin, ORIGIN, strlen(ORIGIN), dname_root),
		STATUS_OK);
	out->records = 0;
	status = master_file_parse("text", text->octets, text->size, &options,
				   &error);
	snprintf(out->reason, sizeof(out->reason), "%s", error.reason);
	return status == STATUS_OK && out->records == 1;
}

static bool read_ldns(const struct text *text, struct reading *out)
{
	FILE *file = fmemopen((void *)(uintptr_t)text->octets, text->size, "r");
	ldns_rdf *origin = ldns_dname_new_frm_str(ORIGIN);
	ldns_rdf *before = NULL;
	ldns_rr *rr = NULL;
	uint32_t ttl = 3600;
	ldns_status status;
	int line = 1;

	ck_assert_ptr_nonnull(file);
	status = ldns_rr_new_frm_fp_l(&rr, file, &ttl, &origin, &before, &line);
	snprintf(out->reason, sizeof(out->reason), "%s",
		 ldns_get_errorstr_by_id(status));
	out->records = 0;
	out->size = 0;
	if (status == LDNS_STATUS_OK && rr != NULL) {
		int next = fgetc(file);

		/* Something behind the record: then it is not one. */
		while (next != EOF && isspace(next)) {
			next = fgetc(file);
		}
		out->records = next == EOF ? 1 : 2;
		out->type = (uint16_t)ldns_rr_get_type(rr);
		for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
			const ldns_rdf *field = ldns_rr_rdf(rr, i);

			ck_assert_uint_le(out->size + ldns_rdf_size(field),
					  sizeof(out->rdata));
			if (ldns_rdf_size(field) > 0) {
				memcpy(out->rdata + out->size,
				       ldns_rdf_data(field),
				       ldns_rdf_size(field));
			}
			out->size += ldns_rdf_size(field);
		}
	}
	ldns_rr_free(rr);
	ldns_rdf_deep_free(origin);
	ldns_rdf_deep_free(before);
	fclose(file);
	return out->records == 1;
}

/* --- differences ---------------------------------------------------------- */

enum side {
	OURS,    /* only we take it */
	THEIRS,  /* only ldns takes it */
	ANOTHER, /* both take it, with another wire */
};

struct difference {
	enum side side;
	const char *reason; /* how the one who refuses begins; ANOTHER: "" */
	const char *has;    /* what stands in the text; "": anything */
	const char *only;   /* types, with blanks around each; NULL: any */
	const char *why;
	unsigned met;
};

static struct difference differences[] = {
	{ANOTHER, "", "\\@", NULL,
	 "an escaped @ is a label of that octet, not the origin", 0},
	{ANOTHER, "", "\\064", NULL,
	 "an escaped @ is a label of that octet, not the origin", 0},
	{ANOTHER, "", "@.", NULL, "@ is the origin only where it is alone", 0},
	{ANOTHER, "", "\"", " TXT HINFO ",
	 "a quote ends a word: two strings, which ldns joins", 0},
	{OURS, "Syntax error, could not parse", "", " RRSIG ",
	 "the original TTL may have units; base64 with bits left over", 0},
	{OURS, "Syntax error, could not parse", "", " NSEC3 DNSKEY ",
	 "base32 and base64 with bits left over, which are dropped", 0},
	{OURS, "Syntax error, value expected", ";", " SSHFP TLSA ",
	 "a semicolon ends a word", 0},
	{OURS, "Syntax error, value expected", "", " SSHFP TLSA ",
	 "one hex digit is none for ldns, and here the end of a pair", 0},
	{OURS, "Syntax error, value expected", "\"", " HINFO ",
	 "a quote ends a word: two strings", 0},
	{OURS, "Syntax error, superfluous text", "", " HINFO ",
	 "a quote ends a word", 0},
	{THEIRS, "'('", "(", NULL, "a parenthesis that stays open", 0},
	{THEIRS, "')' without", ")", NULL, "a parenthesis that none opened", 0},
	{THEIRS, "a quote is not closed", "\"", NULL,
	 "a quote that stays open, in a name too", 0},
	{THEIRS, "a backslash", "\\", NULL, "an escape of nothing", 0},
	{THEIRS, "an odd number of hex digits", "", NULL,
	 "half an octet, which ldns leaves out", 0},
	{THEIRS, "malformed hash", "=", " NSEC3 ",
	 "no padding in a hash (RFC 5155 3.3)", 0},
	{THEIRS, "malformed moment", "", " RRSIG ",
	 "neither 14 digits nor 32 bits", 0},
	{THEIRS, "malformed number or out of range", "", NULL,
	 "more than the field holds, or a sign", 0},
	{THEIRS, "malformed time", "", NULL,
	 "no number with units, or more than 32 bits", 0},
	{THEIRS, "time out of range", "", NULL, "more than 32 bits", 0},
	{THEIRS, "more than RDATA holds", "", NULL, "superfluous text", 0},
	{THEIRS, "neither a number nor", "", NULL, "no such algorithm", 0},
	{THEIRS, "unknown type", "", NULL,
	 "a type that nobody knows is not left out", 0},
};

static unsigned told;

static void judge(const char *type, const struct text *text, enum side side,
		  const char *reason)
{
	static const char *const sides[] = {"only ours", "only ldns",
					    "both, differently"};
	char word[32];

	snprintf(word, sizeof(word), " %s ", type);
	for (size_t i = 0; i < COUNT(differences); i++) {
		struct difference *d = &differences[i];

		if (d->side == side &&
		    strncmp(d->reason, reason, strlen(d->reason)) == 0 &&
		    strstr(text->octets, d->has) != NULL &&
		    (d->only == NULL || strstr(d->only, word) != NULL)) {
			d->met++;
			return;
		}
	}
	if (told++ < TOLD_MAX) {
		fprintf(stderr, "taken by %s: %s: %s", sides[side], reason,
			text->octets);
	}
}

static void compare(size_t type, const struct text *text)
{
	static struct reading ours;
	static struct reading theirs;
	bool we_take = read_ours(text, &ours);
	bool they_take = read_ldns(text, &theirs);

	if (we_take && they_take) {
		if (ours.type != theirs.type || ours.size != theirs.size ||
		    memcmp(ours.rdata, theirs.rdata, ours.size) != 0) {
			judge(types[type].name, text, ANOTHER, "");
		}
	} else if (we_take) {
		judge(types[type].name, text, OURS, theirs.reason);
	} else if (they_take) {
		judge(types[type].name, text, THEIRS, ours.reason);
	}
}

START_TEST(spellings_are_read_alike)
{
	static struct text text;
	size_t start;

	for (unsigned i = 0; i < SPELLINGS; i++) {
		make_record(&text, (size_t)_i, &start);
		compare((size_t)_i, &text);
	}
	ck_assert_uint_eq(told, 0);
}
END_TEST

START_TEST(mutants_are_read_alike)
{
	static struct text text;
	size_t start;

	for (unsigned i = 0; i < MUTANTS; i++) {
		make_record(&text, (size_t)_i, &start);
		mutate(&text, start);
		compare((size_t)_i, &text);
	}
	ck_assert_uint_eq(told, 0);
}
END_TEST

/* After all the others: nothing stands in the table without a reason. */
START_TEST(every_difference_is_met)
{
	for (size_t i = 0; i < COUNT(differences); i++) {
		ck_assert_msg(differences[i].met > 0, "never met: %s",
			      differences[i].why);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ldns_text");
	TCase *tcase = tcase_create("ldns_text");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 300);
	tcase_add_loop_test(tcase, spellings_are_read_alike, 0,
			    (int)COUNT(types));
	tcase_add_loop_test(tcase, mutants_are_read_alike, 0,
			    (int)COUNT(types));
	tcase_add_test(tcase, every_difference_is_met);
	suite_add_tcase(suite, tcase);
	/* One process: the table counts over all tests. */
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
