/*
 * rdata_text.c - RDATA from text.
 *
 * The idea: most types are a row of fields, and two dozen kinds of field make
 * nearly all types. So a type is a word of letters, one a field, and reading it
 * is a loop over its letters. Types that are not a row of fields (SVCB, HIP,
 * IPSECKEY, AMTRELAY) have a function. What is left to ldns (LOC, APL, WKS,
 * ...) is rare in zones.
 *
 * Nothing is allocated: tokens point into the record, RDATA is written where
 * the caller says. A ragel grammar of every type, as Knot DNS has, is faster
 * still, but would be most of this folder.
 */
#include "lib/zone/rdata_text.h"

#include "lib/dns/rrtype.h"
#include "lib/zone/text_word.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- tokens --------------------------------------------------------------- */

/* Does the octet end a word? */
static const bool ends_word[256] = {
	[' '] = true, ['\t'] = true, ['\r'] = true, ['\n'] = true,
	['('] = true, [')'] = true,  [';'] = true,  ['"'] = true,
};

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end) {
		if (*at == ';') {
			at = memchr(at, '\n', (size_t)(end - at));
			if (at == NULL) {
				return end;
			}
		} else if (*at == '"' || !ends_word[(uint8_t)*at]) {
			break;
		}
		at++;
	}
	return at;
}

/*
 * Octets from at to the first that may end a word or begin an escape, eight at
 * a time: less than '#', a parenthesis, ';' or '\\'. limit: octets up to there
 * may be read. Stops early where fewer than eight are left.
 */
static inline const char *skip_plain(const char *at, const char *end,
				     const char *limit)
{
	while (at < end && limit - at >= TEXT_WORD) {
		uint64_t x = text_word(at);
		uint64_t found = text_first_below(x, '#') |
				 text_first_equal(x & ~TEXT_ONES, '(') |
				 text_first_equal(x, ';') |
				 text_first_equal(x, '\\');

		if ((found & TEXT_HIGHS) != 0) {
			return at + text_first(found);
		}
		at += TEXT_WORD;
	}
	return at;
}

static const char *word_end(const char *at, const char *end, const char *limit)
{
	for (;;) {
		at = skip_plain(at, end, limit);
		if (at >= end || ends_word[(uint8_t)*at]) {
			return at;
		}
		at += *at == '\\' ? 2 : 1;
	}
}

bool text_next(struct rdata_text *text, struct text_token *out)
{
	const char *end = text->end;
	const char *at = skip_blanks(text->at, end);

	if (at == end) {
		text->at = end;
		return false;
	}
	out->is_quoted = *at == '"';
	if (out->is_quoted) {
		out->text = ++at;
		while (at < end && *at != '"') {
			at += *at == '\\' ? 2 : 1;
		}
	} else {
		out->text = at;
		at = word_end(at, end, text->limit);
	}
	if (at > end) {
		at = end; /* a backslash last, or what stands behind it */
	}
	out->length = (size_t)(at - out->text);
	text->at = out->is_quoted && at < end ? at + 1 : at;
	return true;
}

bool text_fail(struct rdata_text *text, const char *where, const char *format,
	       ...)
{
	va_list arguments;

	if (text->fault != NULL) {
		return false;
	}
	text->fault = where;
	va_start(arguments, format);
	vsnprintf(text->reason, sizeof(text->reason), format, arguments);
	va_end(arguments);
	return false;
}

enum {
	SHOWN_MAX = 48, /* octets of a token that a reason shows */
};

bool text_fail_token(struct rdata_text *text, const struct text_token *token,
		     const char *reason)
{
	char shown[SHOWN_MAX * 4 + 4];
	size_t at = 0;

	for (size_t i = 0; i < token->length && i < SHOWN_MAX; i++) {
		uint8_t octet = (uint8_t)token->text[i];

		if (octet < 0x20 || octet >= 0x7f) {
			at += (size_t)sprintf(shown + at, "\\%03u", octet);
		} else {
			shown[at++] = (char)octet;
		}
	}
	strcpy(shown + at, token->length > SHOWN_MAX ? "..." : "");
	return text_fail(text, token->text, "%s '%s'", reason, shown);
}

static bool next_field(struct rdata_text *text, struct text_token *out)
{
	if (!text_next(text, out)) {
		return text_fail(text, text->end, "RDATA ends too early");
	}
	return true;
}

/*
 * The octet at *at, an escape resolved (RFC 1035 5.1); *at moves behind it.
 * -1 where an escape is none.
 */
static int next_octet(const char **at, const char *end)
{
	const char *p = *at;
	unsigned value = 0;

	if (*p != '\\') {
		*at = p + 1;
		return (uint8_t)*p;
	}
	if (end - p < 2) {
		return -1;
	}
	if (p[1] < '0' || p[1] > '9') {
		*at = p + 2;
		return (uint8_t)p[1];
	}
	if (end - p < 4) {
		return -1;
	}
	for (unsigned i = 1; i < 4; i++) {
		if (p[i] < '0' || p[i] > '9') {
			return -1;
		}
		value = value * 10 + (unsigned)(p[i] - '0');
	}
	*at = p + 4;
	return value <= 255 ? (int)value : -1;
}

/* --- names, types, numbers ------------------------------------------------ */

static bool has_long_label(const struct text_token *token)
{
	const char *at = token->text;
	const char *end = at + token->length;
	unsigned length = 0;

	while (at < end) {
		bool is_dot = *at == '.';

		if (next_octet(&at, end) < 0) {
			return false;
		}
		length = is_dot ? 0 : length + 1;
		if (length > DNAME_LABEL_MAX) {
			return true;
		}
	}
	return false;
}

bool text_name(struct rdata_text *text, const struct text_token *token,
	       struct dname_storage *out)
{
	enum status status =
		dname_load(out, token->text, token->length, text->origin);

	if (status == STATUS_OK) {
		return true;
	}
	if (status == STATUS_TOO_LONG) {
		return text_fail_token(text, token,
				       has_long_label(token)
					       ? "label longer than 63 octets"
					       : "name longer than 255 octets");
	}
	return text_fail_token(text, token, "malformed name");
}

/* A word of up to eight letters as a number. */
#define LETTERS(a, b, c, d, e)                                      \
	((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | \
	 (uint64_t)(d) << 24 | (uint64_t)(e) << 32)

/* The types that make up nearly every zone, without a search. */
static uint16_t common_type(const struct text_token *token)
{
	uint64_t letters = 0;

	if (token->length > 5 || token->is_quoted) {
		return 0;
	}
	for (size_t i = 0; i < token->length; i++) {
		letters |= (uint64_t)(uint8_t)token->text[i] << (8 * i);
	}
	switch (letters) {
	case LETTERS('A', 0, 0, 0, 0):
		return RRTYPE_A;
	case LETTERS('N', 'S', 0, 0, 0):
		return RRTYPE_NS;
	case LETTERS('D', 'S', 0, 0, 0):
		return RRTYPE_DS;
	case LETTERS('M', 'X', 0, 0, 0):
		return RRTYPE_MX;
	case LETTERS('T', 'X', 'T', 0, 0):
		return RRTYPE_TXT;
	case LETTERS('A', 'A', 'A', 'A', 0):
		return RRTYPE_AAAA;
	case LETTERS('N', 'S', 'E', 'C', 0):
		return RRTYPE_NSEC;
	case LETTERS('C', 'N', 'A', 'M', 'E'):
		return RRTYPE_CNAME;
	case LETTERS('N', 'S', 'E', 'C', '3'):
		return RRTYPE_NSEC3;
	case LETTERS('R', 'R', 'S', 'I', 'G'):
		return RRTYPE_RRSIG;
	default:
		return 0;
	}
}

bool text_type(struct rdata_text *text, const struct text_token *token,
	       uint16_t *out)
{
	uint16_t type = common_type(token);

	if (type != 0) {
		*out = type;
		return true;
	}
	if (token->is_quoted ||
	    rrtype_load(out, token->text, token->length) != STATUS_OK) {
		return text_fail_token(text, token, "unknown type");
	}
	return true;
}

/* Decimal digits, at most max. */
static bool parse_number(const char *digits, size_t length, uint64_t max,
			 uint64_t *out)
{
	uint64_t value = 0;

	if (length == 0 || length > 20) {
		return false;
	}
	for (size_t i = 0; i < length; i++) {
		unsigned digit = (unsigned)(uint8_t)digits[i] - '0';

		if (digit > 9 || value > (max - digit) / 10) {
			return false;
		}
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

static uint32_t unit_seconds(char unit)
{
	switch (unit | 0x20) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 604800;
	default:
		return 0;
	}
}

bool text_ttl(struct rdata_text *text, const struct text_token *token,
	      uint32_t *out)
{
	uint64_t total = 0;
	size_t at = 0;

	if (token->length == 0) {
		return text_fail_token(text, token, "malformed time");
	}
	/* Nearly always seconds. */
	if (token->length <= 20 &&
	    parse_number(token->text, token->length, UINT32_MAX, &total)) {
		*out = (uint32_t)total;
		return true;
	}
	total = 0;
	while (at < token->length) {
		size_t digits = at;
		uint64_t value;
		uint32_t unit = 1;

		while (at < token->length && token->text[at] >= '0' &&
		       token->text[at] <= '9') {
			at++;
		}
		if (!parse_number(token->text + digits, at - digits, UINT32_MAX,
				  &value)) {
			return text_fail_token(text, token, "malformed time");
		}
		if (at < token->length) {
			unit = unit_seconds(token->text[at++]);
		} else if (digits > 0) {
			unit = 0; /* '1h30': a unit for all or for none */
		}
		if (unit == 0) {
			return text_fail_token(text, token, "malformed time");
		}
		total += value * unit;
		if (total > UINT32_MAX) {
			return text_fail_token(text, token,
					       "time out of range");
		}
	}
	*out = (uint32_t)total;
	return true;
}

static bool load_number(struct rdata_text *text, struct wire_writer *out,
			unsigned octets)
{
	struct text_token token;
	uint64_t max = octets == 8 ? UINT64_MAX : (1ull << (8 * octets)) - 1;
	uint64_t value;

	if (!next_field(text, &token)) {
		return false;
	}
	if (!parse_number(token.text, token.length, max, &value)) {
		return text_fail_token(text, &token,
				       "malformed number or out of range:");
	}
	for (unsigned i = octets; i > 0; i--) {
		wire_write8(out, (uint8_t)(value >> (8 * (i - 1))));
	}
	return true;
}

static bool load_time(struct rdata_text *text, struct wire_writer *out)
{
	struct text_token token;
	uint32_t value;

	if (!next_field(text, &token) || !text_ttl(text, &token, &value)) {
		return false;
	}
	wire_write32(out, value);
	return true;
}

static bool load_name(struct rdata_text *text, struct wire_writer *out)
{
	struct text_token token;
	struct dname_storage name;

	if (!next_field(text, &token) || !text_name(text, &token, &name)) {
		return false;
	}
	wire_write(out, dname_of(&name)->octets, name.length);
	return true;
}

static bool load_type(struct rdata_text *text, struct wire_writer *out)
{
	struct text_token token;
	uint16_t type;

	if (!next_field(text, &token) || !text_type(text, &token, &type)) {
		return false;
	}
	wire_write16(out, type);
	return true;
}

/* --- words that stand for numbers ----------------------------------------- */

struct mnemonic {
	const char *name;
	uint16_t value;
};

/* IANA's registry of DNSSEC algorithms (RFC 4034 A.1 and later). */
static const struct mnemonic algorithms[] = {
	{"DELETE", 0},
	{"RSAMD5", 1},
	{"DH", 2},
	{"DSA", 3},
	{"RSASHA1", 5},
	{"DSA-NSEC3-SHA1", 6},
	{"RSASHA1-NSEC3-SHA1", 7},
	{"RSASHA256", 8},
	{"RSASHA512", 10},
	{"ECC-GOST", 12},
	{"ECDSAP256SHA256", 13},
	{"ECDSAP384SHA384", 14},
	{"ED25519", 15},
	{"ED448", 16},
	{"INDIRECT", 252},
	{"PRIVATEDNS", 253},
	{"PRIVATEOID", 254},
	{NULL, 0},
};

/* RFC 4398 2.1 */
static const struct mnemonic certificate_types[] = {
	{"PKIX", 1},  {"SPKI", 2},  {"PGP", 3},    {"IPKIX", 4},
	{"ISPKI", 5}, {"IPGP", 6},  {"ACPKIX", 7}, {"IACPKIX", 8},
	{"URI", 253}, {"OID", 254}, {NULL, 0},
};

/* RFC 9859 7.2 */
static const struct mnemonic dsync_schemes[] = {
	{"NOTIFY", 1},
	{NULL, 0},
};

static bool load_mnemonic(struct rdata_text *text, struct wire_writer *out,
			  const struct mnemonic *table, unsigned octets)
{
	struct text_token token;
	uint64_t value = 0;
	bool is_known = false;

	if (!next_field(text, &token)) {
		return false;
	}
	for (; table->name != NULL && !is_known; table++) {
		is_known =
			strlen(table->name) == token.length &&
			strncasecmp(table->name, token.text, token.length) == 0;
		value = table->value;
	}
	if (!is_known &&
	    !parse_number(token.text, token.length,
			  octets == 1 ? UINT8_MAX : UINT16_MAX, &value)) {
		return text_fail_token(text, &token,
				       "neither a number nor a known word:");
	}
	if (octets == 2) {
		wire_write16(out, (uint16_t)value);
	} else {
		wire_write8(out, (uint8_t)value);
	}
	return true;
}

/* --- moments (RFC 4034 3.2) ----------------------------------------------- */

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t days_since_1970(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year - 1 : year; /* a year begins in March */
	unsigned m = (month + 9) % 12;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day -
	       719469;
}

static unsigned two_digits(const char *at)
{
	return (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
}

static bool load_moment(struct rdata_text *text, struct wire_writer *out)
{
	static const uint8_t month_days[12] = {31, 29, 31, 30, 31, 30,
					       31, 31, 30, 31, 30, 31};
	struct text_token token;
	uint64_t number;
	unsigned year, month, day, hour, minute, second;
	int64_t seconds;

	if (!next_field(text, &token)) {
		return false;
	}
	if (!parse_number(token.text, token.length, UINT64_MAX, &number)) {
		return text_fail_token(text, &token, "malformed moment");
	}
	if (token.length != 14) {
		if (token.length > 10 || number > UINT32_MAX) {
			return text_fail_token(text, &token,
					       "malformed moment");
		}
		wire_write32(out, (uint32_t)number);
		return true;
	}
	year = two_digits(token.text) * 100 + two_digits(token.text + 2);
	month = two_digits(token.text + 4);
	day = two_digits(token.text + 6);
	hour = two_digits(token.text + 8);
	minute = two_digits(token.text + 10);
	second = two_digits(token.text + 12);
	if (year < 1970 || month < 1 || month > 12 || day < 1 ||
	    day > month_days[month - 1] || hour > 23 || minute > 59 ||
	    second > 60) {
		return text_fail_token(text, &token, "no such moment");
	}
	seconds = days_since_1970(year, month, day) * 86400 +
		  (int64_t)hour * 3600 + minute * 60 + second;
	/* The number is one of a circle of 2^32 (RFC 4034 3.1.5). */
	wire_write32(out, (uint32_t)seconds);
	return true;
}

/* --- addresses ------------------------------------------------------------ */

/* No zeros in front: some read such numbers as octal ones. */
static bool parse_ipv4(const struct text_token *token, uint8_t address[4])
{
	size_t at = 0;

	for (unsigned i = 0; i < 4; i++) {
		size_t digits = at;
		uint64_t value;

		while (at < token->length && token->text[at] != '.') {
			at++;
		}
		if (at - digits > 3 || (i < 3) != (at < token->length) ||
		    (at - digits > 1 && token->text[digits] == '0') ||
		    !parse_number(token->text + digits, at - digits, 255,
				  &value)) {
			return false;
		}
		address[i] = (uint8_t)value;
		at++;
	}
	return true;
}

static bool parse_ipv6(const char *text, size_t length, uint8_t address[16])
{
	char copy[INET6_ADDRSTRLEN];

	if (length >= sizeof(copy)) {
		return false;
	}
	memcpy(copy, text, length);
	copy[length] = '\0';
	return inet_pton(AF_INET6, copy, address) == 1;
}

static bool load_address(struct rdata_text *text, struct wire_writer *out,
			 bool is_ipv6)
{
	struct text_token token;
	uint8_t address[16];

	if (!next_field(text, &token)) {
		return false;
	}
	if (is_ipv6 ? !parse_ipv6(token.text, token.length, address)
		    : !parse_ipv4(&token, address)) {
		return text_fail_token(text, &token,
				       is_ipv6 ? "malformed IPv6 address"
					       : "malformed IPv4 address");
	}
	wire_write(out, address, is_ipv6 ? 16 : 4);
	return true;
}

/* --- strings -------------------------------------------------------------- */

/* The octets of a token, escapes resolved, at most max of them. */
static bool write_octets(struct rdata_text *text,
			 const struct text_token *token,
			 struct wire_writer *out, size_t max)
{
	const char *at = token->text;
	const char *end = at + token->length;
	size_t before = wire_size(out);

	while (at < end) {
		int octet = next_octet(&at, end);

		if (octet < 0) {
			return text_fail_token(text, token,
					       "malformed escape in");
		}
		wire_write8(out, (uint8_t)octet);
		if (wire_size(out) - before > max) {
			return text_fail_token(text, token,
					       "string longer than 255 octets");
		}
	}
	return true;
}

static bool write_string(struct rdata_text *text,
			 const struct text_token *token,
			 struct wire_writer *out)
{
	uint8_t *length = wire_claim(out, 1);
	size_t before = wire_size(out);

	if (!write_octets(text, token, out, 255)) {
		return false;
	}
	if (length != NULL) {
		*length = (uint8_t)(wire_size(out) - before);
	}
	return true;
}

static bool load_string(struct rdata_text *text, struct wire_writer *out)
{
	struct text_token token;

	return next_field(text, &token) && write_string(text, &token, out);
}

static bool load_strings(struct rdata_text *text, struct wire_writer *out)
{
	struct text_token token;

	if (!load_string(text, out)) {
		return false;
	}
	while (text_next(text, &token)) {
		if (!write_string(text, &token, out)) {
			return false;
		}
	}
	return true;
}

/* Text that takes the rest of RDATA, without a length of its own. */
static bool load_long_text(struct rdata_text *text, struct wire_writer *out)
{
	struct text_token token;

	return next_field(text, &token) &&
	       write_octets(text, &token, out, UINT16_MAX);
}

/* RFC 8659 4.1: letters and digits, at least one. */
static bool load_caa_tag(struct rdata_text *text, struct wire_writer *out)
{
	struct text_token token;

	if (!next_field(text, &token)) {
		return false;
	}
	for (size_t i = 0; i < token.length; i++) {
		char c = (char)(token.text[i] | 0x20);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) {
			return text_fail_token(text, &token, "malformed tag");
		}
	}
	if (token.length == 0 || token.length > 255) {
		return text_fail_token(text, &token, "malformed tag");
	}
	return write_string(text, &token, out);
}

/* --- hex, base32, base64 -------------------------------------------------- */

/* The value of a digit and one more; 0: no digit. */
static const uint8_t hex_values[256] = {
	['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['A'] = 11, ['B'] = 12,
	['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

static int hex_digit(char c)
{
	return hex_values[(uint8_t)c] - 1;
}

/* Whole pairs of hex; returns how many digits were taken. */
static size_t write_hex_pairs(const char *digits, size_t length,
			      struct wire_writer *out)
{
	uint8_t *to = out->at;
	size_t at = 0;

	if (out->failed || wire_room(out) < length / 2) {
		return 0;
	}
	for (; at + 1 < length; at += 2) {
		int high = hex_digit(digits[at]);
		int low = hex_digit(digits[at + 1]);

		if ((high | low) < 0) {
			break;
		}
		*to++ = (uint8_t)(high << 4 | low);
	}
	out->at = to;
	return at;
}

/* Hex of one token; *half carries an odd digit on to the next, -1: none. */
static bool write_hex(struct rdata_text *text, const struct text_token *token,
		      struct wire_writer *out, int *half)
{
	size_t i = *half < 0 ? write_hex_pairs(token->text, token->length, out)
			     : 0;

	for (; i < token->length; i++) {
		int digit = hex_digit(token->text[i]);

		if (digit < 0) {
			return text_fail_token(text, token, "malformed hex");
		}
		if (*half < 0) {
			*half = digit;
		} else {
			wire_write8(out, (uint8_t)(*half << 4 | digit));
			*half = -1;
		}
	}
	return true;
}

static bool load_hex(struct rdata_text *text, struct wire_writer *out)
{
	struct text_token token;
	int half = -1;

	while (text_next(text, &token)) {
		if (!write_hex(text, &token, out, &half)) {
			return false;
		}
	}
	if (half >= 0) {
		return text_fail(text, text->end,
				 "an odd number of hex digits");
	}
	return true;
}

/* One token of hex with its length before it; '-' is none (RFC 5155 3.3). */
static bool load_salt(struct rdata_text *text, struct wire_writer *out)
{
	struct text_token token;
	int half = -1;

	if (!next_field(text, &token)) {
		return false;
	}
	if (token.length == 1 && token.text[0] == '-') {
		wire_write8(out, 0);
		return true;
	}
	if (token.length == 0 || token.length % 2 != 0 ||
	    token.length / 2 > 255) {
		return text_fail_token(text, &token, "malformed salt");
	}
	wire_write8(out, (uint8_t)(token.length / 2));
	return write_hex(text, &token, out, &half);
}

static int base32hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'v' ? c - 'a' + 10 : -1;
}

/* RFC 5155 3.3: base32hex without padding, its length before it. */
static bool load_hash(struct rdata_text *text, struct wire_writer *out)
{
	struct text_token token;
	uint32_t bits = 0;
	unsigned held = 0;
	size_t octets;

	if (!next_field(text, &token)) {
		return false;
	}
	octets = token.length * 5 / 8;
	if (octets == 0 || octets > 255) {
		return text_fail_token(text, &token, "malformed hash");
	}
	wire_write8(out, (uint8_t)octets);
	for (size_t i = 0; i < token.length; i++) {
		int digit = base32hex_digit(token.text[i]);

		if (digit < 0) {
			return text_fail_token(text, &token, "malformed hash");
		}
		bits = bits << 5 | (unsigned)digit;
		held += 5;
		if (held >= 8) {
			held -= 8;
			wire_write8(out, (uint8_t)(bits >> held));
		}
	}
	/* What is left over must be no whole digit, and nothing but 0. */
	if (held >= 5 || (bits & ((1u << held) - 1)) != 0) {
		return text_fail_token(text, &token, "malformed hash");
	}
	return true;
}

/* RFC 4648 4: the value of a digit and one more, 65 the padding; 0: neither. */
static const uint8_t base64_values[256] = {
	['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,
	['G'] = 7,  ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12,
	['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18,
	['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30,
	['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
	['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
	['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54,
	['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60,
	['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64, ['='] = 65,
};

/* 64 is the padding, 255 no digit. */
static uint8_t base64_digit(char c)
{
	return (uint8_t)(base64_values[(uint8_t)c] - 1);
}

/* Whole groups without padding; returns how many digits were taken. */
static size_t write_base64_groups(const char *digits, size_t length,
				  struct wire_writer *out)
{
	uint8_t *to = out->at;
	size_t at = 0;

	if (out->failed || wire_room(out) < length / 4 * 3) {
		return 0;
	}
	for (; at + 3 < length; at += 4) {
		uint32_t a = base64_digit(digits[at]);
		uint32_t b = base64_digit(digits[at + 1]);
		uint32_t c = base64_digit(digits[at + 2]);
		uint32_t d = base64_digit(digits[at + 3]);
		uint32_t bits = a << 18 | b << 12 | c << 6 | d;

		if ((a | b | c | d) >= 64) {
			break;
		}
		*to++ = (uint8_t)(bits >> 16);
		*to++ = (uint8_t)(bits >> 8);
		*to++ = (uint8_t)bits;
	}
	out->at = to;
	return at;
}

struct base64 {
	uint32_t bits;
	unsigned digits;  /* of the group of four */
	unsigned padding; /* '=' seen */
};

static bool write_base64(struct rdata_text *text,
			 const struct text_token *token,
			 struct wire_writer *out, struct base64 *state)
{
	size_t i = 0;

	if (state->digits == 0 && state->padding == 0) {
		i = write_base64_groups(token->text, token->length, out);
	}
	for (; i < token->length; i++) {
		uint8_t digit = base64_digit(token->text[i]);

		if (digit == 64) {
			state->padding++;
			digit = 0;
		} else if (digit > 64 || state->padding > 0) {
			return text_fail_token(text, token, "malformed base64");
		}
		state->bits = state->bits << 6 | digit;
		if (++state->digits < 4) {
			continue;
		}
		if (state->padding > 2) {
			return text_fail_token(text, token, "malformed base64");
		}
		wire_write8(out, (uint8_t)(state->bits >> 16));
		if (state->padding < 2) {
			wire_write8(out, (uint8_t)(state->bits >> 8));
		}
		if (state->padding < 1) {
			wire_write8(out, (uint8_t)state->bits);
		}
		state->digits = 0;
	}
	return true;
}

static bool load_base64(struct rdata_text *text, struct wire_writer *out)
{
	struct text_token token;
	struct base64 state = {0, 0, 0};

	while (text_next(text, &token)) {
		/* Padding ends it, whichever token it stands in. */
		if (state.padding > 0 && state.digits == 0) {
			return text_fail_token(text, &token,
					       "something after base64:");
		}
		if (!write_base64(text, &token, out, &state)) {
			return false;
		}
	}
	if (state.digits != 0) {
		return text_fail(text, text->end,
				 "base64 is not a multiple of 4 digits");
	}
	return true;
}

/* --- type bitmaps (RFC 4034 4.1.2) ---------------------------------------- */

static bool load_types(struct rdata_text *text, struct wire_writer *out)
{
	uint8_t windows[256] = {0}; /* octets used; bits below only if > 0 */
	uint8_t bits[256][32];
	struct text_token token;

	while (text_next(text, &token)) {
		uint16_t type;
		unsigned window;
		unsigned octet;

		if (!text_type(text, &token, &type)) {
			return false;
		}
		window = (unsigned)type >> 8;
		octet = (type & 0xffu) / 8;
		if (windows[window] == 0) {
			memset(bits[window], 0, sizeof(bits[window]));
		}
		if (windows[window] < octet + 1) {
			windows[window] = (uint8_t)(octet + 1);
		}
		bits[window][octet] |= (uint8_t)(0x80 >> (type & 7));
	}
	for (unsigned i = 0; i < 256; i++) {
		if (windows[i] > 0) {
			wire_write8(out, (uint8_t)i);
			wire_write8(out, windows[i]);
			wire_write(out, bits[i], windows[i]);
		}
	}
	return true;
}

/* --- SVCB and HTTPS (RFC 9460 2.1, appendix A) ---------------------------- */

enum {
	SVC_MANDATORY = 0,
	SVC_ALPN = 1,
	SVC_NO_DEFAULT_ALPN = 2,
	SVC_PORT = 3,
	SVC_IPV4HINT = 4,
	SVC_ECH = 5,
	SVC_IPV6HINT = 6,
	SVC_DOHPATH = 7,
	SVC_OHTTP = 8,
	SVC_TLS_GROUPS = 9,
	SVC_PARAMS_MAX = 64, /* of one record; a limit of ours */
};

static const struct mnemonic svc_keys[] = {
	{"mandatory", SVC_MANDATORY},
	{"alpn", SVC_ALPN},
	{"no-default-alpn", SVC_NO_DEFAULT_ALPN},
	{"port", SVC_PORT},
	{"ipv4hint", SVC_IPV4HINT},
	{"ech", SVC_ECH},
	{"ipv6hint", SVC_IPV6HINT},
	{"dohpath", SVC_DOHPATH},
	{"ohttp", SVC_OHTTP},
	{"tls-supported-groups", SVC_TLS_GROUPS},
	{NULL, 0},
};

static bool svc_key(const char *name, size_t length, uint16_t *out)
{
	uint64_t value;

	for (const struct mnemonic *m = svc_keys; m->name != NULL; m++) {
		if (strlen(m->name) == length &&
		    strncmp(m->name, name, length) == 0) {
			*out = m->value;
			return true;
		}
	}
	if (length < 4 || strncmp(name, "key", 3) != 0 ||
	    !parse_number(name + 3, length - 3, UINT16_MAX, &value)) {
		return false;
	}
	*out = (uint16_t)value;
	return true;
}

/* Split at a comma that no backslash stands before; NULL after the last. */
static const char *list_next(const char *at, const char *end,
			     struct text_token *item)
{
	item->text = at;
	item->is_quoted = false;
	while (at < end && *at != ',') {
		at++;
	}
	item->length = (size_t)(at - item->text);
	return at < end ? at + 1 : NULL;
}

static int key_order(const void *a, const void *b)
{
	return memcmp(a, b, 2);
}

static void sort_pairs(uint8_t *pairs, size_t count)
{
	/* An insertion sort: at most SVC_PARAMS_MAX, nearly always in order. */
	for (size_t i = 1; i < count; i++) {
		uint8_t moved[2];
		size_t k = i;

		memcpy(moved, pairs + 2 * i, 2);
		for (; k > 0 && key_order(pairs + 2 * (k - 1), moved) > 0;
		     k--) {
			memcpy(pairs + 2 * k, pairs + 2 * (k - 1), 2);
		}
		memcpy(pairs + 2 * k, moved, 2);
	}
}

/* 'mandatory': keys, ascending in wire form (RFC 9460 8). */
static bool svc_mandatory(struct rdata_text *text,
			  const struct text_token *value,
			  struct wire_writer *out)
{
	uint8_t keys[2 * SVC_PARAMS_MAX];
	size_t count = 0;
	const char *at = value->text;
	const char *end = at + value->length;

	while (at != NULL) {
		struct text_token item;
		uint16_t key;

		at = list_next(at, end, &item);
		if (count == SVC_PARAMS_MAX ||
		    !svc_key(item.text, item.length, &key) || key == 0) {
			return text_fail_token(text, value,
					       "malformed mandatory list");
		}
		wire_put16(keys + 2 * count++, key);
	}
	sort_pairs(keys, count);
	for (size_t i = 1; i < count; i++) {
		if (key_order(keys + 2 * i, keys + 2 * (i - 1)) == 0) {
			return text_fail_token(text, value,
					       "a mandatory key twice in");
		}
	}
	wire_write(out, keys, 2 * count);
	return true;
}

/*
 * 'alpn': strings with their lengths. The value is decoded twice (appendix
 * A.1): as a character string, then '\,' and '\\' within the list.
 */
static bool svc_alpn(struct rdata_text *text, const struct text_token *value,
		     struct wire_writer *out)
{
	const char *at = value->text;
	const char *end = at + value->length;
	uint8_t *length = wire_claim(out, 1);
	size_t start = wire_size(out);
	bool is_escaped = false;

	for (;;) {
		int octet = at < end ? next_octet(&at, end) : 256;
		size_t size;

		if (octet < 0) {
			return text_fail_token(text, value,
					       "malformed escape in");
		}
		if (octet == '\\' && !is_escaped) {
			is_escaped = true;
			continue;
		}
		if (octet < 256 && (octet != ',' || is_escaped)) {
			wire_write8(out, (uint8_t)octet);
			is_escaped = false;
			continue;
		}
		size = wire_size(out) - start;
		if (out->failed) {
			return true; /* reported as a whole */
		}
		if (size == 0 || size > 255 || is_escaped) {
			return text_fail_token(text, value,
					       "malformed alpn list");
		}
		*length = (uint8_t)size;
		if (octet == 256) {
			return true;
		}
		length = wire_claim(out, 1);
		start = wire_size(out);
	}
}

static bool svc_addresses(struct rdata_text *text,
			  const struct text_token *value,
			  struct wire_writer *out, bool is_ipv6)
{
	const char *at = value->text;
	const char *end = at + value->length;

	while (at != NULL) {
		struct text_token item;
		uint8_t address[16];

		at = list_next(at, end, &item);
		if (is_ipv6 ? !parse_ipv6(item.text, item.length, address)
			    : !parse_ipv4(&item, address)) {
			return text_fail_token(text, value,
					       "malformed address list");
		}
		wire_write(out, address, is_ipv6 ? 16 : 4);
	}
	return true;
}

static bool svc_numbers(struct rdata_text *text, const struct text_token *value,
			struct wire_writer *out, bool is_list)
{
	const char *at = value->text;
	const char *end = at + value->length;

	while (at != NULL) {
		struct text_token item;
		uint64_t number;

		at = list_next(at, end, &item);
		if ((at != NULL && !is_list) ||
		    !parse_number(item.text, item.length, UINT16_MAX,
				  &number)) {
			return text_fail_token(text, value, "malformed number");
		}
		wire_write16(out, (uint16_t)number);
	}
	return true;
}

static bool svc_base64(struct rdata_text *text, const struct text_token *value,
		       struct wire_writer *out)
{
	struct base64 state = {0, 0, 0};

	if (!write_base64(text, value, out, &state)) {
		return false;
	}
	if (state.digits != 0 || value->length == 0) {
		return text_fail_token(text, value, "malformed base64");
	}
	return true;
}

static bool svc_value(struct rdata_text *text, uint16_t key,
		      const struct text_token *value, struct wire_writer *out)
{
	switch (key) {
	case SVC_MANDATORY:
		return svc_mandatory(text, value, out);
	case SVC_ALPN:
		return svc_alpn(text, value, out);
	case SVC_NO_DEFAULT_ALPN:
	case SVC_OHTTP:
		return value->length == 0 ||
		       text_fail_token(text, value, "a key without value has");
	case SVC_PORT:
		return svc_numbers(text, value, out, false);
	case SVC_TLS_GROUPS:
		return svc_numbers(text, value, out, true);
	case SVC_IPV4HINT:
		return svc_addresses(text, value, out, false);
	case SVC_IPV6HINT:
		return svc_addresses(text, value, out, true);
	case SVC_ECH:
		return svc_base64(text, value, out);
	default:
		return write_octets(text, value, out, UINT16_MAX);
	}
}

/* A parameter as it was written: where it lies among the others. */
struct svc_param {
	uint16_t key;
	struct text_token value;
	const char *where;
};

/* Take 'key', 'key=value' or 'key="value"'. */
static bool svc_param_next(struct rdata_text *text, struct svc_param *out,
			   bool *is_end)
{
	struct text_token token;
	const char *equals;

	*is_end = !text_next(text, &token);
	if (*is_end) {
		return true;
	}
	out->where = token.text;
	out->value = (struct text_token){token.text + token.length, 0, false};
	equals = memchr(token.text, '=', token.length);
	if (equals != NULL) {
		size_t key = (size_t)(equals - token.text);

		out->value.text = equals + 1;
		out->value.length = token.length - key - 1;
		/* The quote ended the word: the value is the next token. */
		if (out->value.length == 0 && text->at < text->end &&
		    *text->at == '"') {
			text_next(text, &out->value);
		}
		token.length = key;
	}
	if (token.is_quoted || !svc_key(token.text, token.length, &out->key)) {
		return text_fail_token(text, &token, "unknown service key");
	}
	return true;
}

static bool load_svc_params(struct rdata_text *text, struct wire_writer *out)
{
	struct svc_param params[SVC_PARAMS_MAX];
	size_t count = 0;

	for (;;) {
		struct svc_param param;
		size_t at = count;
		bool is_end;

		if (!svc_param_next(text, &param, &is_end)) {
			return false;
		}
		if (is_end) {
			break;
		}
		if (count == SVC_PARAMS_MAX) {
			return text_fail(text, param.where,
					 "more than %u service parameters",
					 SVC_PARAMS_MAX);
		}
		for (; at > 0 && params[at - 1].key >= param.key; at--) {
			if (params[at - 1].key == param.key) {
				return text_fail(text, param.where,
						 "a service key twice");
			}
			params[at] = params[at - 1];
		}
		params[at] = param;
		count++;
	}
	for (size_t i = 0; i < count; i++) {
		uint8_t *length;
		size_t start;

		wire_write16(out, params[i].key);
		length = wire_claim(out, 2);
		start = wire_size(out);
		if (!svc_value(text, params[i].key, &params[i].value, out)) {
			return false;
		}
		if (out->failed) {
			break;
		}
		wire_put16(length, (uint16_t)(wire_size(out) - start));
	}
	return true;
}

/* --- types that are no row of fields -------------------------------------- */

enum {
	RELAY_NONE = 0,
	RELAY_IPV4 = 1,
	RELAY_IPV6 = 2,
	RELAY_NAME = 3,
};

/* The gateway of IPSECKEY and the relay of AMTRELAY, by its kind. */
static bool load_relay(struct rdata_text *text, struct wire_writer *out,
		       unsigned kind)
{
	struct text_token token;

	switch (kind) {
	case RELAY_NONE:
		if (!next_field(text, &token)) {
			return false;
		}
		return (token.length == 1 && token.text[0] == '.') ||
		       text_fail_token(text, &token, "expected '.', found");
	case RELAY_IPV4:
		return load_address(text, out, false);
	case RELAY_IPV6:
		return load_address(text, out, true);
	case RELAY_NAME:
		return load_name(text, out);
	default:
		return text_fail(text, text->at, "unknown kind of gateway %u",
				 kind);
	}
}

/* RFC 4025 3.1 */
static bool load_ipseckey(struct rdata_text *text, struct wire_writer *out)
{
	const uint8_t *head = out->at;

	return load_number(text, out, 1) && load_number(text, out, 1) &&
	       load_number(text, out, 1) && !out->failed &&
	       load_relay(text, out, head[1]) && load_base64(text, out);
}

/* RFC 8777 4.3: the discovery bit and the type share an octet. */
static bool load_amtrelay(struct rdata_text *text, struct wire_writer *out)
{
	uint8_t *head = out->at;

	if (!load_number(text, out, 1) || !load_number(text, out, 1) ||
	    !load_number(text, out, 1) || out->failed) {
		return false;
	}
	if (head[1] > 1 || head[2] > RELAY_NAME) {
		return text_fail(text, text->at,
				 "discovery bit or relay type out of range");
	}
	head[1] = (uint8_t)(head[1] << 7 | head[2]);
	out->at--;
	return load_relay(text, out, head[1] & 0x7f);
}

/* RFC 8005 5 and 6: lengths stand first in wire, algorithm first in text. */
static bool load_hip(struct rdata_text *text, struct wire_writer *out)
{
	uint8_t *head = wire_claim(out, 4);
	struct wire_writer algorithm = wire_writer_init(head, 4);
	struct base64 state = {0, 0, 0};
	struct text_token token;
	int half = -1;
	size_t start = wire_size(out);
	size_t size;

	if (head == NULL) {
		return true;
	}
	algorithm.at++;
	if (!load_number(text, &algorithm, 1) || !next_field(text, &token) ||
	    !write_hex(text, &token, out, &half)) {
		return false;
	}
	size = wire_size(out) - start;
	if (half >= 0 || size == 0 || size > 255) {
		return text_fail_token(text, &token, "malformed HIT");
	}
	head[0] = (uint8_t)size;
	start = wire_size(out);
	if (!next_field(text, &token) ||
	    !write_base64(text, &token, out, &state)) {
		return false;
	}
	size = wire_size(out) - start;
	if (state.digits != 0 || size == 0 || size > UINT16_MAX) {
		return text_fail_token(text, &token, "malformed base64");
	}
	wire_put16(head + 2, (uint16_t)size);
	while (text_next(text, &token)) {
		struct dname_storage name;

		if (!text_name(text, &token, &name)) {
			return false;
		}
		wire_write(out, dname_of(&name)->octets, name.length);
	}
	return true;
}

/* RFC 6742 2.1.2: four groups of one to four hex digits. */
static bool load_locator64(struct rdata_text *text, struct wire_writer *out)
{
	struct text_token token;
	size_t at = 0;

	if (!next_field(text, &token)) {
		return false;
	}
	for (unsigned group = 0; group < 4; group++) {
		uint32_t value = 0;
		size_t start = at;

		while (at < token.length && token.text[at] != ':') {
			int digit = hex_digit(token.text[at++]);

			if (digit < 0) {
				return text_fail_token(text, &token,
						       "malformed locator");
			}
			value = value << 4 | (unsigned)digit;
		}
		if (at == start || at - start > 4 ||
		    (group < 3) != (at < token.length)) {
			return text_fail_token(text, &token,
					       "malformed locator");
		}
		wire_write16(out, (uint16_t)value);
		at++;
	}
	return true;
}

/* RFC 7043 3.2, 4.2: pairs of hex digits with '-' between them. */
static bool load_eui(struct rdata_text *text, struct wire_writer *out,
		     unsigned octets)
{
	struct text_token token;

	if (!next_field(text, &token)) {
		return false;
	}
	if (token.length != octets * 3 - 1) {
		return text_fail_token(text, &token, "malformed EUI address");
	}
	for (unsigned i = 0; i < octets; i++) {
		int high = hex_digit(token.text[3 * i]);
		int low = hex_digit(token.text[3 * i + 1]);

		if (high < 0 || low < 0 ||
		    (i + 1 < octets && token.text[3 * i + 2] != '-')) {
			return text_fail_token(text, &token,
					       "malformed EUI address");
		}
		wire_write8(out, (uint8_t)(high << 4 | low));
	}
	return true;
}

/* --- types as rows of fields ---------------------------------------------- */

/*
 * 1 2 4 8: a number of that many octets     t: a time with units, 4 octets
 * n: a name     a A: an IPv4, IPv6 address     T: a type     m: a type bitmap
 * s: a string   S: one or more                 v: text without a length
 * h: hex        b: base64                      D: a moment
 * g: a DNSSEC algorithm   d: a DSYNC scheme     C: a kind of certificate
 * x: a salt     y: a base32hex hash            c: a CAA tag
 * L: 64 bits of a locator                      e E: EUI-48, EUI-64
 * p: service parameters                        H I R: HIP, IPSECKEY, AMTRELAY
 */
static const char *fields_of(uint16_t type)
{
	switch (type) {
	case RRTYPE_A:
		return "a";
	case RRTYPE_AAAA:
		return "A";
	case RRTYPE_NS:
	case RRTYPE_MD:
	case RRTYPE_MF:
	case RRTYPE_CNAME:
	case RRTYPE_MB:
	case RRTYPE_MG:
	case RRTYPE_MR:
	case RRTYPE_PTR:
	case RRTYPE_DNAME:
	case RRTYPE_NSAP_PTR:
		return "n";
	case RRTYPE_SOA:
		return "nn4tttt";
	case RRTYPE_HINFO:
		return "ss";
	case RRTYPE_MINFO:
	case RRTYPE_RP:
	case RRTYPE_TALINK:
		return "nn";
	case RRTYPE_MX:
	case RRTYPE_AFSDB:
	case RRTYPE_RT:
	case RRTYPE_KX:
	case RRTYPE_LP:
		return "2n";
	case RRTYPE_TXT:
	case RRTYPE_SPF:
	case RRTYPE_AVC:
	case RRTYPE_NINFO:
	case RRTYPE_RESINFO:
	case RRTYPE_WALLET:
	case RRTYPE_CLA:
		return "S";
	case RRTYPE_X25:
		return "s";
	case RRTYPE_PX:
		return "2nn";
	case RRTYPE_SRV:
		return "222n";
	case RRTYPE_NAPTR:
		return "22sssn";
	case RRTYPE_DS:
	case RRTYPE_CDS:
	case RRTYPE_DLV:
	case RRTYPE_TA:
		return "2g1h";
	case RRTYPE_DNSKEY:
	case RRTYPE_CDNSKEY:
	case RRTYPE_RKEY:
		return "21gb";
	case RRTYPE_CERT:
		return "C2gb";
	case RRTYPE_RRSIG:
		return "Tg1tDD2nb";
	case RRTYPE_NSEC:
		return "nm";
	case RRTYPE_NSEC3:
		return "112xym";
	case RRTYPE_NSEC3PARAM:
		return "112x";
	case RRTYPE_SSHFP:
		return "11h";
	case RRTYPE_TLSA:
	case RRTYPE_SMIMEA:
		return "111h";
	case RRTYPE_ZONEMD:
		return "411h";
	case RRTYPE_DHCID:
	case RRTYPE_OPENPGPKEY:
	case RRTYPE_HHIT:
	case RRTYPE_BRID:
		return "b";
	case RRTYPE_CSYNC:
		return "42m";
	case RRTYPE_SVCB:
	case RRTYPE_HTTPS:
		return "2np";
	case RRTYPE_DSYNC:
		return "Td2n";
	case RRTYPE_NID:
	case RRTYPE_L64:
		return "2L";
	case RRTYPE_L32:
		return "2a";
	case RRTYPE_EUI48:
		return "e";
	case RRTYPE_EUI64:
		return "E";
	case RRTYPE_URI:
		return "22v";
	case RRTYPE_CAA:
		return "1cv";
	case RRTYPE_IPN:
		return "8";
	case RRTYPE_HIP:
		return "H";
	case RRTYPE_IPSECKEY:
		return "I";
	case RRTYPE_AMTRELAY:
		return "R";
	default:
		return NULL;
	}
}

static bool load_field(struct rdata_text *text, char field,
		       struct wire_writer *out)
{
	switch (field) {
	case '1':
	case '2':
	case '4':
	case '8':
		return load_number(text, out, (unsigned)(field - '0'));
	case 't':
		return load_time(text, out);
	case 'n':
		return load_name(text, out);
	case 'a':
		return load_address(text, out, false);
	case 'A':
		return load_address(text, out, true);
	case 'T':
		return load_type(text, out);
	case 'm':
		return load_types(text, out);
	case 's':
		return load_string(text, out);
	case 'S':
		return load_strings(text, out);
	case 'v':
		return load_long_text(text, out);
	case 'h':
		return load_hex(text, out);
	case 'b':
		return load_base64(text, out);
	case 'D':
		return load_moment(text, out);
	case 'g':
		return load_mnemonic(text, out, algorithms, 1);
	case 'd':
		return load_mnemonic(text, out, dsync_schemes, 1);
	case 'C':
		return load_mnemonic(text, out, certificate_types, 2);
	case 'x':
		return load_salt(text, out);
	case 'y':
		return load_hash(text, out);
	case 'c':
		return load_caa_tag(text, out);
	case 'L':
		return load_locator64(text, out);
	case 'e':
		return load_eui(text, out, 6);
	case 'E':
		return load_eui(text, out, 8);
	case 'p':
		return load_svc_params(text, out);
	case 'H':
		return load_hip(text, out);
	case 'I':
		return load_ipseckey(text, out);
	default:
		return load_amtrelay(text, out);
	}
}

/* --- RFC 3597 5 ----------------------------------------------------------- */

static bool load_generic(struct rdata_text *text, struct wire_writer *out)
{
	struct text_token token;
	uint64_t length;
	size_t start = wire_size(out);

	if (!next_field(text, &token)) {
		return false;
	}
	if (!parse_number(token.text, token.length, UINT16_MAX, &length)) {
		return text_fail_token(text, &token,
				       "malformed length of RDATA");
	}
	if (!load_hex(text, out)) {
		return false;
	}
	if (!out->failed && wire_size(out) - start != length) {
		return text_fail_token(text, &token,
				       "the hex does not have the length");
	}
	return true;
}

static bool is_generic(const struct text_token *token)
{
	return !token->is_quoted && token->length == 2 &&
	       memcmp(token->text, "\\#", 2) == 0;
}

static bool load_known(struct rdata_text *text, const char *fields,
		       struct wire_writer *out)
{
	struct text_token token;

	for (; *fields != '\0'; fields++) {
		if (!load_field(text, *fields, out)) {
			return false;
		}
	}
	if (text_next(text, &token)) {
		return text_fail_token(text, &token, "more than RDATA holds:");
	}
	return true;
}

enum rdata_text_result rdata_text_load(struct rdata_text *text, uint16_t type,
				       struct wire_writer *out)
{
	const char *start = text->at;
	const char *fields = fields_of(type);
	struct text_token token;
	bool is_good;

	if (text_next(text, &token) && is_generic(&token)) {
		is_good = load_generic(text, out);
	} else {
		text->at = start;
		if (fields == NULL) {
			return RDATA_TEXT_UNKNOWN;
		}
		is_good = load_known(text, fields, out);
	}
	if (is_good && !out->failed) {
		return RDATA_TEXT_DONE;
	}
	/* A full writer is the cause, whatever else it led to. */
	if (out->failed) {
		text->fault = NULL;
		text_fail(text, start, "RDATA longer than 65535 octets");
	}
	return RDATA_TEXT_FAILED;
}
