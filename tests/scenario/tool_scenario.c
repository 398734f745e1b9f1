/*
 * tool_scenario.c - zones, questions and the answers that are due, as text.
 *
 * usage: tool_scenario FILE...
 *
 * A scenario file is read line by line; ';' starts a comment line:
 *
 *	zone ORIGIN		then the zone as a master file, up to 'end'
 *	empty APEX		a zone that has no version
 *	file ORIGIN NAME	a zone of the shared data; where it is absent,
 * the scenario file is skipped
 *
 *	test WORDS		what the next question shows, with the RFC's
 *				section
 *	query NAME TYPE [WORD...]
 *				do: DNSSEC OK; edns: OPT without it; nsid; tcp;
 *				payload=N; cd; rd; class=CLASS
 *	reply RCODE [FLAG...]	aa, tc, rd; any flag not named is clear
 *	answer | authority | additional
 *				then the records that stand there, in any order,
 *				whole ones and no other; '...' at the end of a
 *				line stands for the rest of that record. OPT is
 *				not counted. A section not named is empty.
 *	end			asks, and compares
 *
 * What comes back is read by ldns, a second opinion on the octets. Prints each
 * failure, and at the end 'N passed, N failed'.
 */
#include "lib/dns/message.h"
#include "lib/dns/rrtype.h"
#include "tests/unit/served.h"

#include <ctype.h>
#include <ldns/ldns.h>
#include <strings.h>

enum {
	LINE_MAX_OCTETS = 1 << 16,
	ZONE_MAX = 1 << 22,
	RECORDS_MAX = 128,
	SECTIONS = 3,
	WORDS_MAX = 16,
};

static const char *const section_names[SECTIONS] = {"answer", "authority",
						    "additional"};

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
	struct dname_storage qname;
	uint16_t qtype;
	uint16_t qclass;
	bool has_edns;
	bool wants_dnssec;
	bool wants_nsid;
	bool is_tcp;
	uint16_t payload;
	uint16_t flags;

	char rcode[16];
	bool aa, tc, rd;
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

/* --- questions ------------------------------------------------------------ */

static void take_query(struct scenario *s, char **words, unsigned count)
{
	if (count < 3 ||
	    dname_load(&s->qname, words[1], strlen(words[1]), dname_root) !=
		    STATUS_OK ||
	    rrtype_load(&s->qtype, words[2], strlen(words[2])) != STATUS_OK) {
		die(s, "bad query", count > 1 ? words[1] : "");
	}
	s->qclass = RRCLASS_IN;
	s->has_edns = s->wants_dnssec = s->wants_nsid = s->is_tcp = false;
	s->payload = 1232;
	s->flags = 0;
	for (unsigned i = 3; i < count; i++) {
		const char *word = words[i];

		if (strcmp(word, "do") == 0) {
			s->has_edns = s->wants_dnssec = true;
		} else if (strcmp(word, "edns") == 0) {
			s->has_edns = true;
		} else if (strcmp(word, "nsid") == 0) {
			s->has_edns = s->wants_nsid = true;
		} else if (strcmp(word, "tcp") == 0) {
			s->is_tcp = true;
		} else if (strcmp(word, "cd") == 0) {
			s->flags |= MESSAGE_CD;
		} else if (strcmp(word, "rd") == 0) {
			s->flags |= MESSAGE_RD;
		} else if (strncmp(word, "payload=", 8) == 0) {
			s->has_edns = true;
			s->payload = (uint16_t)atoi(word + 8);
		} else if (strncmp(word, "class=", 6) != 0 ||
			   rrclass_load(&s->qclass, word + 6,
					strlen(word + 6)) != STATUS_OK) {
			die(s, "unknown word", word);
		}
	}
}

static void take_reply(struct scenario *s, char **words, unsigned count)
{
	if (count < 2) {
		die(s, "reply without RCODE", "");
	}
	snprintf(s->rcode, sizeof(s->rcode), "%s", words[1]);
	s->aa = s->tc = s->rd = false;
	for (unsigned i = 2; i < count; i++) {
		bool *flag = strcmp(words[i], "aa") == 0   ? &s->aa
			     : strcmp(words[i], "tc") == 0 ? &s->tc
			     : strcmp(words[i], "rd") == 0 ? &s->rd
							   : NULL;

		if (flag == NULL) {
			die(s, "unknown flag", words[i]);
		}
		*flag = true;
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
	return is_good;
}

static size_t make_query(const struct scenario *s, uint8_t *out, size_t room)
{
	struct wire_writer w = wire_writer_init(out, room);

	message_write_query(&w, 0x1234,
			    (const struct dname *)(const void *)&s->qname,
			    s->qtype, s->qclass, s->payload, s->wants_dnssec,
			    s->wants_nsid);
	wire_put16(out + 2, s->flags);
	if (!s->has_edns) {
		w.at -= EDNS_OPT_SIZE;
		wire_put16(out + 10, 0);
	}
	return wire_size(&w);
}

static bool ask(struct scenario *s)
{
	static uint8_t reply[MESSAGE_MAX];
	uint8_t query[512];
	size_t query_size = make_query(s, query, sizeof(query));
	struct answer_note note;
	ldns_pkt *packet = NULL;
	bool is_good;
	size_t size = answer_query(s->served.context,
				   s->is_tcp ? ANSWER_TCP : ANSWER_UDP, query,
				   query_size, reply, sizeof(reply), &note);

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

			if (strcmp(words[0], "query") == 0) {
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
		if (split(line, words) < 2) {
			die(s, "unknown line", line);
		}
		if (strcmp(words[0], "zone") == 0) {
			take_zone(s, words[1]);
		} else if (strcmp(words[0], "empty") == 0) {
			if (!served_add_empty(&s->served, words[1])) {
				die(s, "no place", s->served.error);
			}
		} else if (strcmp(words[0], "file") == 0) {
			if (!take_file(s, words[1], words[2])) {
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
			printf("%s: skipped, no shared data\n", s.file);
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
	printf("%u passed, %u failed\n", passed, failed);
	return failed == 0 ? 0 : 1;
}
