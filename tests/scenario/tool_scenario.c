/*
 * tool_scenario.c - zones, questions and the answers that are due, as text.
 *
 * usage: tool_scenario FILE...
 *
 * A scenario file is read line by line; ';' starts a comment line:
 *
 *	zone ORIGIN		then the zone as a master file, up to 'end'
 *	empty APEX		a zone that has no version, not yet
 *	failed APEX		a zone whose file was no good
 *	agent NAME		where errors may be reported (RFC 9567)
 *	file ORIGIN NAME	a zone of the shared data; where it is absent,
 * the scenario file is skipped
 *	sign ORIGIN NAME [SALT ITERATIONS]
 *				the same, signed afresh (ECDSA P-256) with NSEC,
 *				or with NSEC3 and opt-out; SALT in hexadecimal
 *
 *	test WORDS		what the next question shows, with the RFC's
 *				section
 *	query NAME TYPE [WORD...]
 *				do: DNSSEC OK; edns: OPT without it; nsid; tcp;
 *				payload=N; cd; rd; class=CLASS; opcode=N;
 *				version=N of EDNS; flags=N of it; option=CODE
 *				or option=CODE:HEX
 *	message HEX...		instead of query: the octets, on as many such
 *				lines as it takes
 *	reply RCODE [FLAG...]	aa, tc, rd; any flag not named is clear; do in
 *				OPT, which is due where the query line has it;
 *				noopt: no OPT, although octets look like one;
 *				or SILENCE: none at all
 *	answer | authority | additional
 *				then the records that stand there, in any order,
 *				whole ones and no other; '...' at the end of a
 *				line stands for the rest of that record. OPT is
 *				not counted. A section not named is empty.
 *	options			then the options that OPT holds, in any order:
 *				NSID TEXT, EDE CODE, ZONEVERSION LABELS TYPE
 *				SERIAL, EXPIRE S, KEEPALIVE UNITS,
 *				REPORT-CHANNEL NAME; any other: CODE HEX
 *	end			asks, and compares
 *
 * What comes back is read by ldns, a second opinion on the octets. Prints each
 * failure, and at the end 'N passed, N failed, N skipped' (files).
 */
#include "lib/dns/message.h"
#include "lib/dns/rrtype.h"
#include "tests/unit/served.h"

#include <ctype.h>
#include <ldns/ldns.h>
#include <strings.h>
#include <time.h>

enum {
	LINE_MAX_OCTETS = 1 << 16,
	ZONE_MAX = 1 << 22,
	RECORDS_MAX = 128,
	SECTIONS = 4,
	OPTIONS = 3, /* the section of that number */
	WORDS_MAX = 16,
	QUERY_MAX = 2048,
};

static const char *const section_names[SECTIONS] = {"answer", "authority",
						    "additional", "options"};

struct expected {
	char *records[RECORDS_MAX];
	unsigned count;
};

struct scenario {
	const char *file;
	unsigned long line;
	FILE *in;
	struct served served;
	unsigned passed;
	unsigned failed;

	char title[256];
	uint8_t query[QUERY_MAX];
	size_t query_size;
	bool has_edns;
	bool wants_dnssec;
	bool is_tcp;

	char rcode[16];
	bool aa, tc, rd;
	bool is_do; /* in OPT */
	struct expected sections[SECTIONS];
};

static void die(const struct scenario *s, const char *what, const char *which)
{
	fprintf(stderr, "%s:%lu: %s '%s'\n", s->file, s->line, what, which);
	exit(2);
}

static char *read_line(struct scenario *s)
{
	static char line[LINE_MAX_OCTETS];

	while (fgets(line, sizeof(line), s->in) != NULL) {
		s->line++;
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] != ';') {
			return line;
		}
	}
	return NULL;
}

static unsigned split(char *line, char **words)
{
	unsigned count = 0;

	for (char *word = strtok(line, " \t"); word != NULL;
	     word = strtok(NULL, " \t")) {
		if (count < WORDS_MAX) {
			words[count++] = word;
		}
	}
	return count;
}

/* Every run of white space one blank, none at the ends. */
static char *squeeze(const char *text)
{
	char *out = malloc(strlen(text) + 1);
	char *to = out;

	if (out == NULL) {
		abort();
	}
	for (const char *at = text; *at != '\0'; at++) {
		if (!isspace((unsigned char)*at)) {
			*to++ = *at;
		} else if (to > out && to[-1] != ' ') {
			*to++ = ' ';
		}
	}
	if (to > out && to[-1] == ' ') {
		to--;
	}
	*to = '\0';
	return out;
}

/* --- zones ---------------------------------------------------------------- */

static void take_zone(struct scenario *s, const char *origin)
{
	char *text = malloc(ZONE_MAX);
	char name[1100];
	size_t size = 0;
	const char *line;

	if (text == NULL) {
		abort();
	}
	snprintf(name, sizeof(name), "%s", origin);
	for (;;) {
		size_t length;

		line = read_line(s);
		if (line == NULL) {
			die(s, "zone without end", name);
		}
		if (strcmp(line, "end") == 0) {
			break;
		}
		length = strlen(line);
		if (size + length + 1 > ZONE_MAX) {
			die(s, "zone too large", name);
		}
		memcpy(text + size, line, length);
		text[size + length] = '\n';
		size += length + 1;
	}
	if (!served_add_text(&s->served, name, text, size)) {
		die(s, "zone does not load", s->served.error);
	}
	free(text);
}

/* False where the shared data are not there. */
static bool take_file(struct scenario *s, const char *origin, const char *name)
{
	const char *path = shared_data(name);

	if (path == NULL) {
		return false;
	}
	if (!served_add_file(&s->served, path, origin)) {
		die(s, "zone does not load", s->served.error);
	}
	return true;
}

/* One key that signs everything, from a day ago to a day ahead. */
static ldns_key_list *make_keys(const ldns_rdf *apex)
{
	ldns_key_list *keys = ldns_key_list_new();
	ldns_key *key =
		ldns_key_new_frm_algorithm(LDNS_SIGN_ECDSAP256SHA256, 256);
	uint32_t now = (uint32_t)time(NULL);
	ldns_rr *rr;

	if (keys == NULL || key == NULL) {
		abort();
	}
	ldns_key_set_pubkey_owner(key, ldns_rdf_clone(apex));
	ldns_key_set_flags(key, LDNS_KEY_ZONE_KEY | LDNS_KEY_SEP_KEY);
	ldns_key_set_inception(key, now - 86400);
	ldns_key_set_expiration(key, now + 86400);
	rr = ldns_key2rr(key);
	ldns_key_set_keytag(key, ldns_calc_keytag(rr));
	ldns_rr_free(rr);
	ldns_key_list_push_key(keys, key);
	return keys;
}

static ldns_status sign(ldns_dnssec_zone *zone, ldns_key_list *keys,
			char **words, unsigned count)
{
	ldns_rr_list *made = ldns_rr_list_new();
	ldns_rr *rr = ldns_key2rr(ldns_key_list_key(keys, 0));
	ldns_status status;
	ldns_rdf *salt;

	ldns_rr_set_ttl(rr, 3600);
	status = ldns_dnssec_zone_add_rr(zone, rr);
	if (status == LDNS_STATUS_OK && count < 5) {
		status = ldns_dnssec_zone_sign_flg(
			zone, made, keys, ldns_dnssec_default_add_to_signatures,
			NULL, LDNS_SIGN_DNSKEY_WITH_ZSK);
	} else if (status == LDNS_STATUS_OK) {
		status = ldns_str2rdf_nsec3_salt(&salt, words[3]);
		if (status == LDNS_STATUS_OK) {
			status = ldns_dnssec_zone_sign_nsec3_flg(
				zone, made, keys,
				ldns_dnssec_default_add_to_signatures, NULL,
				LDNS_SHA1, LDNS_NSEC3_VARS_OPTOUT_MASK,
				(uint16_t)atoi(words[4]),
				ldns_rdf_data(salt)[0], ldns_rdf_data(salt) + 1,
				LDNS_SIGN_DNSKEY_WITH_ZSK);
			ldns_rdf_deep_free(salt);
		}
	}
	ldns_rr_list_free(made);
	return status;
}

static bool has_type(const ldns_rr_list *records, const ldns_rdf *owner,
		     ldns_rr_type type)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(records, i);

		if (ldns_rr_get_type(rr) == type &&
		    ldns_dname_compare(ldns_rr_owner(rr), owner) == 0) {
			return true;
		}
	}
	return false;
}

/* At an unsigned cut below apex, or below one? */
static bool is_insecure(const ldns_rr_list *records, const ldns_rr *record,
			const ldns_rdf *apex)
{
	const ldns_rdf *owner = ldns_rr_owner(record);

	for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++) {
		const ldns_rr *ns = ldns_rr_list_rr(records, i);
		const ldns_rdf *cut = ldns_rr_owner(ns);

		if (ldns_rr_get_type(ns) == LDNS_RR_TYPE_NS &&
		    ldns_dname_compare(cut, apex) != 0 &&
		    (ldns_dname_compare(owner, cut) == 0 ||
		     ldns_dname_is_subdomain(owner, cut)) &&
		    !has_type(records, cut, LDNS_RR_TYPE_DS)) {
			return true;
		}
	}
	return false;
}

/*
 * The zone of records, signed, as text. ldns sets the flag of opt-out, but
 * gives every cut its NSEC3: unsigned cuts are kept from it, and added as they
 * are (RFC 5155 7.1).
 */
static void print_signed(struct scenario *s, FILE *out, ldns_zone *plain,
			 char **words, unsigned count)
{
	ldns_dnssec_zone *zone = ldns_dnssec_zone_new();
	ldns_rr *soa = ldns_zone_soa(plain);
	ldns_rr_list *records = ldns_zone_rrs(plain);
	const ldns_rdf *apex = ldns_rr_owner(soa);
	ldns_key_list *keys = make_keys(apex);
	ldns_status status = ldns_dnssec_zone_add_rr(zone, ldns_rr_clone(soa));

	for (size_t i = 0;
	     status == LDNS_STATUS_OK && i < ldns_rr_list_rr_count(records);
	     i++) {
		ldns_rr *rr = ldns_rr_list_rr(records, i);

		if (count >= 5 && is_insecure(records, rr, apex)) {
			ldns_rr_print(out, rr);
		} else {
			status = ldns_dnssec_zone_add_rr(zone,
							 ldns_rr_clone(rr));
		}
	}
	if (status == LDNS_STATUS_OK) {
		status = sign(zone, keys, words, count);
	}
	if (status != LDNS_STATUS_OK) {
		die(s, ldns_get_errorstr_by_id(status), words[2]);
	}
	ldns_dnssec_zone_print(out, zone);
	ldns_key_list_free(keys);
	ldns_dnssec_zone_deep_free(zone);
}

/* words: sign ORIGIN NAME [SALT ITERATIONS]; false as take_file(). */
static bool take_signed(struct scenario *s, char **words, unsigned count)
{
	const char *path = shared_data(words[2]);
	ldns_zone *plain = NULL;
	ldns_status status;
	char *text = NULL;
	size_t size = 0;
	FILE *file;

	if (path == NULL) {
		return false;
	}
	file = fopen(path, "r");
	if (file == NULL) {
		die(s, "cannot read", path);
	}
	status = ldns_zone_new_frm_fp(&plain, file, NULL, 3600,
				      LDNS_RR_CLASS_IN);
	fclose(file);
	if (status != LDNS_STATUS_OK) {
		die(s, ldns_get_errorstr_by_id(status), words[2]);
	}
	file = open_memstream(&text, &size);
	if (file == NULL) {
		abort();
	}
	print_signed(s, file, plain, words, count);
	fclose(file);
	if (!served_add_text(&s->served, words[1], text, size)) {
		die(s, "zone does not load", s->served.error);
	}
	free(text);
	ldns_zone_deep_free(plain);
	return true;
}

static void take_empty(struct scenario *s, const char *apex)
{
	if (!served_add_empty(&s->served, apex)) {
		die(s, "no place", s->served.error);
	}
}

static void take_agent(struct scenario *s, const char *text)
{
	static struct dname_storage agent;

	if (dname_load(&agent, text, strlen(text), dname_root) != STATUS_OK) {
		die(s, "bad name", text);
	}
	s->served.identity.report_agent = dname_of(&agent);
	served_identity_changed(&s->served);
}

/* --- questions ------------------------------------------------------------ */

static bool take_hex(struct wire_writer *out, const char *text)
{
	unsigned octet;

	for (; isxdigit((unsigned char)text[0]) &&
	       isxdigit((unsigned char)text[1]);
	     text += 2) {
		if (sscanf(text, "%2x", &octet) != 1) {
			return false;
		}
		wire_write8(out, (uint8_t)octet);
	}
	return *text == '\0' && !out->failed;
}

/* CODE or CODE:HEX */
static bool take_option(struct wire_writer *out, const char *text)
{
	uint8_t *head = wire_claim(out, 4);
	char *end;
	long code = strtol(text, &end, 10);

	if (head == NULL || end == text ||
	    (*end == ':' && !take_hex(out, end + 1)) ||
	    (*end != ':' && *end != '\0')) {
		return false;
	}
	wire_put16(head, (uint16_t)code);
	wire_put16(head + 2, (uint16_t)(out->at - head - 4));
	return true;
}

/* What the words of a query line say beyond name and type. */
struct asked {
	uint16_t qclass;
	uint16_t header_flags;
	uint16_t payload;
	uint8_t version;
	uint16_t edns_flags;
	struct wire_writer options;
	uint8_t option_octets[512];
};

/* word is NAME=N: its number into *out. */
static bool is_number(const char *word, const char *name, unsigned *out)
{
	size_t length = strlen(name);

	if (strncmp(word, name, length) != 0 || word[length] != '=') {
		return false;
	}
	*out = (unsigned)strtoul(word + length + 1, NULL, 0);
	return true;
}

static void take_word(struct scenario *s, struct asked *asked, const char *word)
{
	unsigned number;

	if (strcmp(word, "tcp") == 0) {
		s->is_tcp = true;
	} else if (strcmp(word, "cd") == 0) {
		asked->header_flags |= MESSAGE_CD;
	} else if (strcmp(word, "rd") == 0) {
		asked->header_flags |= MESSAGE_RD;
	} else if (is_number(word, "opcode", &number)) {
		asked->header_flags |=
			(uint16_t)(number << MESSAGE_OPCODE_SHIFT);
	} else if (strncmp(word, "class=", 6) == 0) {
		if (rrclass_load(&asked->qclass, word + 6, strlen(word + 6)) !=
		    STATUS_OK) {
			die(s, "unknown class", word);
		}
	} else {
		s->has_edns = true;
		if (strcmp(word, "do") == 0) {
			asked->edns_flags |= EDNS_DO;
			s->wants_dnssec = true;
		} else if (is_number(word, "payload", &number)) {
			asked->payload = (uint16_t)number;
		} else if (is_number(word, "version", &number)) {
			asked->version = (uint8_t)number;
		} else if (is_number(word, "flags", &number)) {
			asked->edns_flags |= (uint16_t)number;
		} else if (strcmp(word, "nsid") == 0) {
			(void)take_option(&asked->options, "3");
		} else if ((strncmp(word, "option=", 7) != 0 ||
			    !take_option(&asked->options, word + 7)) &&
			   strcmp(word, "edns") != 0) {
			die(s, "unknown word", word);
		}
	}
}

static void take_query(struct scenario *s, char **words, unsigned count)
{
	static struct asked asked;
	struct dname_storage qname;
	struct wire_writer w;
	uint16_t qtype;
	size_t options;

	if (count < 3 ||
	    dname_load(&qname, words[1], strlen(words[1]), dname_root) !=
		    STATUS_OK ||
	    rrtype_load(&qtype, words[2], strlen(words[2])) != STATUS_OK) {
		die(s, "bad query", count > 1 ? words[1] : "");
	}
	asked = (struct asked){.qclass = RRCLASS_IN, .payload = 1232};
	asked.options = wire_writer_init(asked.option_octets,
					 sizeof(asked.option_octets));
	for (unsigned i = 3; i < count; i++) {
		take_word(s, &asked, words[i]);
	}
	options = wire_size(&asked.options);
	w = wire_writer_init(s->query, sizeof(s->query));
	wire_write16(&w, 0x1234);
	wire_write16(&w, asked.header_flags);
	wire_write16(&w, 1);
	wire_write32(&w, 0);
	wire_write16(&w, s->has_edns ? 1 : 0);
	wire_write(&w, dname_of(&qname)->octets, dname_of(&qname)->length);
	wire_write16(&w, qtype);
	wire_write16(&w, asked.qclass);
	if (s->has_edns) {
		wire_write8(&w, 0);
		wire_write16(&w, RRTYPE_OPT);
		wire_write16(&w, asked.payload);
		wire_write8(&w, 0);
		wire_write8(&w, asked.version);
		wire_write16(&w, asked.edns_flags);
		wire_write16(&w, (uint16_t)options);
		wire_write(&w, asked.option_octets, options);
	}
	s->query_size = wire_size(&w);
}

/* OPT is expected where the octets 00 0029 stand behind the header. */
static void take_message(struct scenario *s, char **words, unsigned count)
{
	static const uint8_t opt[] = {0, 0, RRTYPE_OPT};
	struct wire_writer w = wire_writer_init(
		s->query + s->query_size, sizeof(s->query) - s->query_size);

	for (unsigned i = 1; i < count; i++) {
		if (!take_hex(&w, words[i])) {
			die(s, "bad octets", words[i]);
		}
	}
	s->query_size += wire_size(&w);
	s->has_edns = s->query_size > MESSAGE_HEADER_SIZE &&
		      memmem(s->query + MESSAGE_HEADER_SIZE,
			     s->query_size - MESSAGE_HEADER_SIZE, opt,
			     sizeof(opt)) != NULL;
}

static void take_reply(struct scenario *s, char **words, unsigned count)
{
	if (count < 2) {
		die(s, "reply without RCODE", "");
	}
	snprintf(s->rcode, sizeof(s->rcode), "%s", words[1]);
	s->aa = s->tc = s->rd = false;
	s->is_do = s->wants_dnssec;
	for (unsigned i = 2; i < count; i++) {
		bool *flag = strcmp(words[i], "aa") == 0   ? &s->aa
			     : strcmp(words[i], "tc") == 0 ? &s->tc
			     : strcmp(words[i], "rd") == 0 ? &s->rd
			     : strcmp(words[i], "do") == 0 ? &s->is_do
							   : NULL;

		if (strcmp(words[i], "noopt") == 0) {
			s->has_edns = false;
		} else if (flag == NULL) {
			die(s, "unknown flag", words[i]);
		} else {
			*flag = true;
		}
	}
	for (unsigned i = 0; i < SECTIONS; i++) {
		for (unsigned j = 0; j < s->sections[i].count; j++) {
			free(s->sections[i].records[j]);
		}
		s->sections[i].count = 0;
	}
}

/* Record lines up to the next keyword, which is returned. */
static char *take_records(struct scenario *s, struct expected *section)
{
	char *line;

	while ((line = read_line(s)) != NULL) {
		if (strcmp(line, "end") == 0) {
			return line;
		}
		for (unsigned i = 0; i < SECTIONS; i++) {
			if (strcmp(line, section_names[i]) == 0) {
				return line;
			}
		}
		if (*line == '\0') {
			continue;
		}
		if (section->count == RECORDS_MAX) {
			die(s, "too many records", line);
		}
		section->records[section->count++] = squeeze(line);
	}
	die(s, "file ends in", "a section");
	return NULL;
}

/* As ldns would print it, so that spelling of numbers and names agrees. */
static void normalize(const struct scenario *s, char **record)
{
	size_t length = strlen(*record);
	ldns_rr *rr = NULL;
	char *text;

	if (length >= 3 && strcmp(*record + length - 3, "...") == 0) {
		return;
	}
	if (ldns_rr_new_frm_str(&rr, *record, 0, NULL, NULL) !=
	    LDNS_STATUS_OK) {
		die(s, "bad record", *record);
	}
	free(*record);
	text = ldns_rr2str(rr);
	*record = squeeze(text);
	free(text);
	ldns_rr_free(rr);
}

static bool matches(const char *expected, const char *record)
{
	size_t length = strlen(expected);

	if (length >= 3 && strcmp(expected + length - 3, "...") == 0) {
		return strncasecmp(expected, record, length - 3) == 0;
	}
	return strcmp(expected, record) == 0;
}

static bool section_matches(struct scenario *s, unsigned which,
			    const ldns_rr_list *list)
{
	struct expected *section = &s->sections[which];
	bool is_used[RECORDS_MAX] = {false};
	bool is_good = true;

	for (unsigned i = 0; i < section->count; i++) {
		normalize(s, &section->records[i]);
	}
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		char *raw = ldns_rr2str(ldns_rr_list_rr(list, i));
		char *text = squeeze(raw);
		unsigned at = 0;

		while (at < section->count &&
		       (is_used[at] || !matches(section->records[at], text))) {
			at++;
		}
		if (at == section->count) {
			printf("  %s has, and should not: %s\n",
			       section_names[which], text);
			is_good = false;
		} else {
			is_used[at] = true;
		}
		free(text);
		free(raw);
	}
	for (unsigned i = 0; i < section->count; i++) {
		if (!is_used[i]) {
			printf("  %s lacks: %s\n", section_names[which],
			       section->records[i]);
			is_good = false;
		}
	}
	return is_good;
}

/* One option as text; returns its octets. */
static size_t option_dump(const uint8_t *at, size_t room, char *text,
			  size_t size)
{
	struct wire_reader r = wire_reader_init(at, room);
	uint16_t code = wire_read16(&r);
	uint16_t length = wire_read16(&r);
	const uint8_t *data = wire_read(&r, length);
	struct dname_storage name;
	char name_text[DNAME_TEXT_MAX];
	int used;

	if (data == NULL) {
		snprintf(text, size, "broken");
		return room;
	}
	r = wire_reader_init(data, length);
	if (code == EDNS_NSID) {
		snprintf(text, size, "NSID %.*s", length, (const char *)data);
	} else if (code == EDNS_EDE && length == 2) {
		snprintf(text, size, "EDE %u", wire_get16(data));
	} else if (code == EDNS_ZONEVERSION && length == 6) {
		snprintf(text, size, "ZONEVERSION %u %u %u", data[0], data[1],
			 wire_get32(data + 2));
	} else if (code == EDNS_EXPIRE && length == 4) {
		snprintf(text, size, "EXPIRE %u", wire_get32(data));
	} else if (code == EDNS_KEEPALIVE && length == 2) {
		snprintf(text, size, "KEEPALIVE %u", wire_get16(data));
	} else if (code == EDNS_REPORT_CHANNEL && dname_parse(&r, &name) &&
		   wire_left(&r) == 0) {
		snprintf(text, size, "REPORT-CHANNEL %s",
			 dname_dump(dname_of(&name), name_text));
	} else {
		used = snprintf(text, size, "%u ", code);
		for (unsigned i = 0; i < length && used + 3 < (int)size; i++) {
			used += snprintf(text + used, size - (size_t)used,
					 "%02x", data[i]);
		}
	}
	return 4u + length;
}

static bool options_match(struct scenario *s, const ldns_pkt *packet)
{
	const struct expected *section = &s->sections[OPTIONS];
	const ldns_rdf *rdf = ldns_pkt_edns_data(packet);
	const uint8_t *at = rdf != NULL ? ldns_rdf_data(rdf) : NULL;
	size_t left = rdf != NULL ? ldns_rdf_size(rdf) : 0;
	bool is_used[RECORDS_MAX] = {false};
	bool is_good = true;

	while (left > 0) {
		char text[2048];
		size_t size = option_dump(at, left, text, sizeof(text));
		unsigned i = 0;

		while (i < section->count &&
		       (is_used[i] || strcmp(section->records[i], text) != 0)) {
			i++;
		}
		if (i < section->count) {
			is_used[i] = true;
		} else {
			printf("  OPT has, and should not: %s\n", text);
			is_good = false;
		}
		at += size;
		left -= size;
	}
	for (unsigned i = 0; i < section->count; i++) {
		if (!is_used[i]) {
			printf("  OPT lacks: %s\n", section->records[i]);
			is_good = false;
		}
	}
	return is_good;
}

static bool flag_matches(const char *name, bool expected, bool is_set)
{
	if (expected != is_set) {
		printf("  %s is %s\n", name, is_set ? "set" : "clear");
	}
	return expected == is_set;
}

static const char *rcode_text(unsigned rcode)
{
	static const char *const texts[] = {
		"NOERROR", "FORMERR",  "SERVFAIL", "NXDOMAIN", "NOTIMP",
		"REFUSED", "YXDOMAIN", "7",        "8",        "NOTAUTH",
	};

	return rcode < sizeof(texts) / sizeof(texts[0]) ? texts[rcode]
	       : rcode == RCODE_BADVERS                 ? "BADVERS"
							: "?";
}

static bool packet_matches(struct scenario *s, const ldns_pkt *packet)
{
	unsigned rcode = (unsigned)ldns_pkt_get_rcode(packet) |
			 (unsigned)ldns_pkt_edns_extended_rcode(packet) << 4;
	bool is_good = true;

	if (strcmp(rcode_text(rcode), s->rcode) != 0) {
		printf("  RCODE is %s, not %s\n", rcode_text(rcode), s->rcode);
		is_good = false;
	}
	is_good &= flag_matches("aa", s->aa, ldns_pkt_aa(packet));
	is_good &= flag_matches("tc", s->tc, ldns_pkt_tc(packet));
	is_good &= flag_matches("rd", s->rd, ldns_pkt_rd(packet));
	is_good &= flag_matches("cd", false, ldns_pkt_cd(packet));
	is_good &= flag_matches("ra", false, ldns_pkt_ra(packet));
	is_good &= flag_matches("ad", false, ldns_pkt_ad(packet));
	is_good &= flag_matches("OPT", s->has_edns, ldns_pkt_edns(packet));
	is_good &= section_matches(s, 0, ldns_pkt_answer(packet));
	is_good &= section_matches(s, 1, ldns_pkt_authority(packet));
	is_good &= section_matches(s, 2, ldns_pkt_additional(packet));
	is_good &= options_match(s, packet);
	is_good &= flag_matches("do", s->is_do,
				(ldns_pkt_edns_z(packet) & EDNS_DO) != 0 ||
					ldns_pkt_edns_do(packet));
	is_good &= flag_matches("z", false,
				(ldns_pkt_edns_z(packet) & ~EDNS_DO) != 0);
	return is_good;
}

static bool ask(struct scenario *s)
{
	static uint8_t reply[MESSAGE_MAX];
	struct answer_note note;
	ldns_pkt *packet = NULL;
	bool is_good;
	size_t size = answer_query(
		s->served.context, s->is_tcp ? ANSWER_TCP : ANSWER_UDP,
		s->query, s->query_size, reply, sizeof(reply), &note);

	if (strcmp(s->rcode, "SILENCE") == 0) {
		return size == 0;
	}
	if (size == 0 ||
	    ldns_wire2pkt(&packet, reply, size) != LDNS_STATUS_OK) {
		printf("  no reply that can be read (%zu octets)\n", size);
		return false;
	}
	is_good = packet_matches(s, packet);
	if (!is_good) {
		char *text = ldns_pkt2str(packet);

		printf("%s\n", text);
		free(text);
	}
	ldns_pkt_free(packet);
	return is_good;
}

static void take_test(struct scenario *s)
{
	char *words[WORDS_MAX];
	char *line;

	s->query_size = 0;
	s->has_edns = s->wants_dnssec = s->is_tcp = false;
	line = read_line(s);
	while (line != NULL) {
		unsigned section = 0;

		if (strcmp(line, "end") == 0) {
			break;
		}
		while (section < SECTIONS &&
		       strcmp(line, section_names[section]) != 0) {
			section++;
		}
		if (section < SECTIONS) {
			line = take_records(s, &s->sections[section]);
			continue;
		}
		if (*line != '\0') {
			unsigned count = split(line, words);

			if (strcmp(words[0], "message") == 0) {
				take_message(s, words, count);
			} else if (strcmp(words[0], "query") == 0) {
				take_query(s, words, count);
			} else if (strcmp(words[0], "reply") == 0) {
				take_reply(s, words, count);
			} else {
				die(s, "unknown line", words[0]);
			}
		}
		line = read_line(s);
	}
	if (ask(s)) {
		s->passed++;
	} else {
		printf("%s:%lu: failed: %s\n", s->file, s->line, s->title);
		s->failed++;
	}
}

/* False where the file needs data that are not there. */
static bool run_file(struct scenario *s)
{
	char *line;

	while ((line = read_line(s)) != NULL) {
		char *words[WORDS_MAX];
		unsigned count;
		char *title;

		if (*line == '\0') {
			continue;
		}
		if (strncmp(line, "test ", 5) == 0) {
			title = squeeze(line + 5);
			snprintf(s->title, sizeof(s->title), "%.255s", title);
			free(title);
			take_test(s);
			continue;
		}
		count = split(line, words);
		if (count < 2) {
			die(s, "unknown line", line);
		}
		if (strcmp(words[0], "zone") == 0) {
			take_zone(s, words[1]);
		} else if (strcmp(words[0], "empty") == 0) {
			take_empty(s, words[1]);
		} else if (strcmp(words[0], "failed") == 0) {
			take_empty(s, words[1]);
			served_fail(&s->served);
		} else if (strcmp(words[0], "agent") == 0) {
			take_agent(s, words[1]);
		} else if (strcmp(words[0], "file") == 0 && count > 2) {
			if (!take_file(s, words[1], words[2])) {
				return false;
			}
		} else if (strcmp(words[0], "sign") == 0 && count > 2) {
			if (!take_signed(s, words, count)) {
				return false;
			}
		} else {
			die(s, "unknown line", words[0]);
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	unsigned passed = 0;
	unsigned failed = 0;
	unsigned skipped = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: tool_scenario FILE...\n");
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		static struct scenario s;

		memset(&s, 0, sizeof(s));
		s.file = argv[i];
		s.in = fopen(argv[i], "r");
		if (s.in == NULL) {
			perror(argv[i]);
			return 2;
		}
		served_init(&s.served);
		if (!run_file(&s)) {
			printf("skipped: %s: no shared data\n", s.file);
			skipped++;
		}
		for (unsigned j = 0; j < SECTIONS; j++) {
			for (unsigned k = 0; k < s.sections[j].count; k++) {
				free(s.sections[j].records[k]);
			}
		}
		served_fini(&s.served);
		fclose(s.in);
		passed += s.passed;
		failed += s.failed;
	}
	printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return failed == 0 ? 0 : 1;
}
