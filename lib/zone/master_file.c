/*
 * master_file.c - master files as a stream of records.
 *
 * Two steps. First the end of a record is looked for: the next line end outside
 * quotes, parentheses and comments. Everything that could hide that end (a
 * quote left open, a parenthesis, a NUL octet) is refused there, with the line
 * where it began, so the second step works on one piece of sound text, never
 * runs out of input, and is the same for a file, text in memory and $GENERATE.
 *
 *	buffer:  ...| record being read | rest of what read() gave |   free   |
 *		    start		start + scanned			 filled
 *
 * Input comes by read() into one buffer a file. Rejected: mmap(), since a file
 * that shrinks meanwhile would kill the process (SIGBUS), and a lexer that can
 * stop in mid-token, since every reader would have to be able to go on.
 * The buffer is as large as the longest record so far, at most
 * MASTER_FILE_RECORD_MAX and what one read() adds: a line of 200 MB is refused
 * after its first megabyte.
 *
 * ldns sees the RDATA of types that rdata_text.c does not know, one record at a
 * time, always behind the owner '.', with the origin given as a name.
 */
#include "lib/zone/master_file.h"

#include "lib/dns/rrtype.h"
#include "lib/zone/rdata_text.h"
#include "lib/zone/text_word.h"

#include <errno.h>
#include <fcntl.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	READ_SIZE = 1 << 18,
	PATH_SIZE = sizeof(((struct master_file_error *)0)->file),
	RDATA_SIZE = 65535,
	LDNS_TEXT_MAX = 32768, /* octets of RDATA text that ldns is given */
	TTL_MAX = 0x7fffffff,  /* RFC 2181 8 */
};

/* What an $INCLUDE must leave as it was (RFC 1035 5.1). */
struct scope {
	struct dname_storage origin;
	struct dname_storage owner; /* of the record before */
	bool has_owner;
	bool has_default_ttl; /* $TTL */
	bool has_last_ttl;
	uint32_t default_ttl;
	uint32_t last_ttl;
};

/* A file, or text in memory, that is being read; frames of $INCLUDE nest. */
struct input {
	struct input *parent;
	const char *path;
	char *buffer; /* NULL where data is the caller's */
	const char *data;
	size_t start; /* of the record */
	size_t filled;
	size_t capacity;
	unsigned long line; /* of the record's start */
	int fd;
	bool is_ended; /* nothing more comes behind filled */
	dev_t device;
	ino_t inode;
};

/* The search for a record's end, kept while more input is fetched. */
struct scan {
	size_t at; /* octets of the record that were looked at */
	unsigned depth;
	unsigned long lines;
	unsigned long paren_line; /* where the outermost one opened */
	bool is_quoted;
	bool is_comment;
};

struct reader {
	const struct master_file_options *options;
	struct master_file_error *error;
	struct scope scope;
	uint64_t octets; /* read of all files */
	uint64_t generated;
	unsigned depth;
	unsigned includes;
	uint8_t rdata[RDATA_SIZE];
	char ldns_text[LDNS_TEXT_MAX + 64];
};

/* One piece of text that is a record or a directive. */
struct piece {
	const char *text;
	size_t length;
	struct input *input;
	unsigned long line; /* where it starts */
	bool is_generated;  /* its lines are not the file's */
	const char *limit;  /* octets up to here may be read; NULL: none more */
};

/* --- faults --------------------------------------------------------------- */

static enum status fault(struct reader *reader, const struct input *input,
			 unsigned long line, enum status status,
			 const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static enum status fault(struct reader *reader, const struct input *input,
			 unsigned long line, enum status status,
			 const char *format, ...)
{
	struct master_file_error *error = reader->error;
	va_list arguments;

	snprintf(error->file, sizeof(error->file), "%s", input->path);
	error->line = line;
	va_start(arguments, format);
	vsnprintf(error->reason, sizeof(error->reason), format, arguments);
	va_end(arguments);
	return status;
}

/* The fault that the text of a piece has noted, at its own line. */
static enum status piece_fault(struct reader *reader, const struct piece *piece,
			       const struct rdata_text *text)
{
	unsigned long line = piece->line;

	if (!piece->is_generated) {
		for (const char *p = piece->text; p < text->fault; p++) {
			line += *p == '\n';
		}
		/* A fault at the very end belongs to the last line. */
		if (text->fault == text->end && text->fault[-1] == '\n') {
			line--;
		}
	}
	return fault(reader, piece->input, line, STATUS_BAD_SYNTAX, "%s",
		     text->reason);
}

/* --- input ---------------------------------------------------------------- */

static enum status input_grow(struct reader *reader, struct input *input)
{
	size_t capacity = input->capacity == 0 ? 2 * (size_t)READ_SIZE
					       : 2 * input->capacity;
	char *buffer = realloc(input->buffer, capacity);

	if (buffer == NULL) {
		return fault(reader, input, input->line, STATUS_NO_MEMORY,
			     "out of memory");
	}
	input->buffer = buffer;
	input->data = buffer;
	input->capacity = capacity;
	return STATUS_OK;
}

/* Fetch more behind the record that starts at input->start. */
static enum status input_fill(struct reader *reader, struct input *input)
{
	uint64_t size_max = reader->options->size_max;
	ssize_t size;

	if (input->start > 0) {
		memmove(input->buffer, input->buffer + input->start,
			input->filled - input->start);
		input->filled -= input->start;
		input->start = 0;
	}
	if (input->capacity - input->filled < READ_SIZE) {
		enum status status = input_grow(reader, input);

		if (status != STATUS_OK) {
			return status;
		}
	}
	do {
		size = read(input->fd, input->buffer + input->filled,
			    READ_SIZE);
	} while (size < 0 && errno == EINTR);
	if (size < 0) {
		int error = errno;

		return fault(reader, input, 0, status_from_errno(error),
			     "cannot read: %s", strerror(error));
	}
	if (size == 0) {
		input->is_ended = true;
		return STATUS_OK;
	}
	input->filled += (size_t)size;
	reader->octets += (uint64_t)size;
	if (size_max > 0 && reader->octets > size_max) {
		return fault(reader, input, 0, STATUS_TOO_LONG,
			     "more than %llu octets",
			     (unsigned long long)size_max);
	}
	return STATUS_OK;
}

/* --- the end of a record -------------------------------------------------- */

static const bool is_special[256] = {
	['\n'] = true, ['"'] = true,  ['('] = true,  [')'] = true,
	[';'] = true,  ['\\'] = true, ['\0'] = true,
};

static const char *skip_plain(const char *at, const char *end)
{
	while (end - at >= TEXT_WORD) {
		uint64_t x = text_word(at);
		uint64_t found =
			text_first_below(x, 1) | text_first_equal(x, '\n') |
			text_first_equal(x, '"') |
			text_first_equal(x & ~TEXT_ONES, '(') |
			text_first_equal(x, ';') | text_first_equal(x, '\\');

		if ((found & TEXT_HIGHS) != 0) {
			return at + text_first(found);
		}
		at += TEXT_WORD;
	}
	while (at < end && !is_special[(uint8_t)*at]) {
		at++;
	}
	return at;
}

enum scan_result {
	SCAN_DONE,
	SCAN_MORE,
	SCAN_FAULT,
};

static enum scan_result scan_fault(struct reader *reader, struct input *input,
				   unsigned long line, const char *reason)
{
	fault(reader, input, line, STATUS_BAD_SYNTAX, "%s", reason);
	return SCAN_FAULT;
}

/*
 * Look for the end of the record between data and end. scan->at is behind the
 * last octet that was taken; on SCAN_DONE, behind the record.
 */
static enum scan_result scan_record(struct reader *reader, struct input *input,
				    struct scan *scan, const char *data,
				    const char *end)
{
	const char *at = data + scan->at;

	for (;; at++) {
		unsigned long line;

		if (scan->is_comment) {
			at = memchr(at, '\n', (size_t)(end - at));
			if (at == NULL) {
				at = end;
				break;
			}
			scan->is_comment = false;
		}
		at = skip_plain(at, end);
		if (at == end) {
			break;
		}
		line = input->line + scan->lines;
		switch (*at) {
		case '\0':
			return scan_fault(reader, input, line,
					  "a NUL octet: this is not text");
		case '\n':
			if (scan->is_quoted) {
				return scan_fault(
					reader, input, line,
					"a quote is not closed on its line");
			}
			scan->lines++;
			if (scan->depth == 0) {
				scan->at = (size_t)(at + 1 - data);
				return SCAN_DONE;
			}
			break;
		case '\\':
			if (end - at < 2) {
				scan->at = (size_t)(at - data);
				return SCAN_MORE;
			}
			at++;
			if (*at == '\n' || *at == '\0') {
				return scan_fault(
					reader, input, line,
					"a backslash with nothing behind it");
			}
			break;
		case '"':
			scan->is_quoted = !scan->is_quoted;
			break;
		case ';':
			scan->is_comment = !scan->is_quoted;
			break;
		case '(':
			if (!scan->is_quoted && scan->depth++ == 0) {
				scan->paren_line = line;
			}
			break;
		default:
			if (scan->is_quoted) {
				break;
			}
			if (scan->depth == 0) {
				return scan_fault(reader, input, line,
						  "')' without '('");
			}
			scan->depth--;
			break;
		}
	}
	scan->at = (size_t)(at - data);
	return SCAN_MORE;
}

/* The input ends where a record goes on: may it? */
static enum status scan_end(struct reader *reader, struct input *input,
			    const struct scan *scan)
{
	unsigned long line = input->line + scan->lines;
	size_t size = input->filled - input->start;

	if (scan->depth > 0) {
		return fault(reader, input, scan->paren_line, STATUS_BAD_SYNTAX,
			     "'(' is never closed");
	}
	if (scan->is_quoted) {
		return fault(reader, input, line, STATUS_BAD_SYNTAX,
			     "a quote is not closed on its line");
	}
	if (scan->at < size) {
		return fault(reader, input, line, STATUS_BAD_SYNTAX,
			     "a backslash with nothing behind it");
	}
	return STATUS_OK;
}

/*
 * The next piece of the input; piece->length is 0 at its end. lines is how many
 * the piece has.
 */
static enum status next_piece(struct reader *reader, struct input *input,
			      struct piece *piece, unsigned long *lines)
{
	struct scan scan = {0};

	for (;;) {
		enum scan_result result = scan_record(
			reader, input, &scan, input->data + input->start,
			input->data + input->filled);
		enum status status;

		if (result == SCAN_FAULT) {
			return STATUS_BAD_SYNTAX;
		}
		if (scan.at > MASTER_FILE_RECORD_MAX) {
			return fault(reader, input,
				     scan.depth > 0 ? scan.paren_line
						    : input->line,
				     STATUS_TOO_LONG,
				     "a record longer than %d octets",
				     MASTER_FILE_RECORD_MAX);
		}
		if (result == SCAN_DONE) {
			break;
		}
		if (!input->is_ended) {
			status = input_fill(reader, input);
			if (status != STATUS_OK) {
				return status;
			}
			continue;
		}
		status = scan_end(reader, input, &scan);
		if (status != STATUS_OK) {
			return status;
		}
		break;
	}
	*piece = (struct piece){
		input->data + input->start, scan.at, input, input->line, false,
		input->data + input->filled};
	*lines = scan.lines;
	return STATUS_OK;
}

/* --- RDATA by ldns -------------------------------------------------------- */

/* Put the tokens that are left behind 'length' octets of text. */
static size_t join_tokens(struct rdata_text *text, char *out, size_t length,
			  size_t size)
{
	struct text_token token;

	while (text_next(text, &token)) {
		const char *quote = token.is_quoted ? "\"" : "";

		if (token.length + 4 > size - length) {
			return 0;
		}
		length += (size_t)sprintf(out + length, " %s%.*s%s", quote,
					  (int)token.length, token.text, quote);
	}
	return length;
}

/* The wire form of what ldns understood; false where it does not fit. */
static bool write_ldns(const ldns_rr *rr, struct wire_writer *out)
{
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *field = ldns_rr_rdf(rr, i);

		wire_write(out, ldns_rdf_data(field), ldns_rdf_size(field));
	}
	return !out->failed;
}

static bool load_by_ldns(struct reader *reader, struct rdata_text *text,
			 uint16_t type, struct wire_writer *out)
{
	const char *start = text->at;
	const struct dname *origin = text->origin;
	char name[RRTYPE_TEXT_MAX];
	ldns_rdf *origin_field;
	ldns_rr *rr = NULL;
	ldns_status status;
	size_t length;
	bool is_good;

	length = (size_t)sprintf(reader->ldns_text, ". 0 IN %s",
				 rrtype_dump(type, name));
	length = join_tokens(text, reader->ldns_text, length, LDNS_TEXT_MAX);
	if (length == 0) {
		return text_fail(text, start, "RDATA of type %s is too long",
				 name);
	}
	origin_field = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME,
					     origin->length, origin->octets);
	if (origin_field == NULL) {
		return text_fail(text, start, "out of memory");
	}
	status = ldns_rr_new_frm_str(&rr, reader->ldns_text, 0, origin_field,
				     NULL);
	ldns_rdf_deep_free(origin_field);
	if (status != LDNS_STATUS_OK) {
		return text_fail(text, start, "malformed RDATA of type %s",
				 name);
	}
	is_good = ldns_rr_get_type(rr) == (ldns_rr_type)type &&
		  write_ldns(rr, out);
	ldns_rr_free(rr);
	return is_good ||
	       text_fail(text, start, "malformed RDATA of type %s", name);
}

static bool load_rdata(struct reader *reader, struct rdata_text *text,
		       uint16_t type, struct wire_writer *out)
{
	const char *start = text->at;
	char name[RRTYPE_TEXT_MAX];

	switch (rdata_text_load(text, type, out)) {
	case RDATA_TEXT_FAILED:
		return false;
	case RDATA_TEXT_UNKNOWN:
		if (ldns_rr_descript(type)->_type != (ldns_rr_type)type) {
			return text_fail(
				text, start,
				"type %s is read in the form '\\# length hex' "
				"only",
				rrtype_dump(type, name));
		}
		if (!load_by_ldns(reader, text, type, out)) {
			return false;
		}
		break;
	case RDATA_TEXT_DONE:
		break;
	}
	if (!rdata_is_valid(type, out->start, wire_size(out))) {
		return text_fail(text, start, "malformed RDATA of type %s",
				 rrtype_dump(type, name));
	}
	return true;
}

/* --- records -------------------------------------------------------------- */

struct record_head {
	uint32_t ttl;
	uint16_t type;
	bool has_ttl;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* TTL, class and type (RFC 1035 5.1): the first two in either order. */
static bool load_head(struct reader *reader, struct rdata_text *text,
		      struct record_head *head)
{
	bool has_class = false;
	struct text_token token;
	uint16_t rrclass;

	head->has_ttl = false;
	for (;;) {
		if (!text_next(text, &token)) {
			return text_fail(text, text->end,
					 "a name without a type");
		}
		if (!head->has_ttl && token.length > 0 &&
		    is_digit(token.text[0])) {
			if (!text_ttl(text, &token, &head->ttl)) {
				return false;
			}
			head->has_ttl = true;
			continue;
		}
		if (has_class || rrclass_load(&rrclass, token.text,
					      token.length) != STATUS_OK) {
			break;
		}
		if (rrclass != reader->options->rrclass) {
			return text_fail_token(text, &token,
					       "not the class of the zone:");
		}
		has_class = true;
	}
	if (!text_type(text, &token, &head->type)) {
		return false;
	}
	if (rrtype_is_meta(head->type)) {
		return text_fail_token(text, &token,
				       "a type that stands in no zone:");
	}
	return true;
}

/* The TTL of a record by what was written and what stood before. */
static bool choose_ttl(struct reader *reader, struct rdata_text *text,
		       struct record_head *head,
		       const struct wire_writer *rdata)
{
	struct scope *scope = &reader->scope;

	if (head->has_ttl) {
		/* RFC 2181 8: the topmost bit set means 0 */
		head->ttl = head->ttl > TTL_MAX ? 0 : head->ttl;
	} else if (scope->has_default_ttl) {
		head->ttl = scope->default_ttl;
		return true;
	} else if (scope->has_last_ttl) {
		head->ttl = scope->last_ttl;
	} else if (head->type == RRTYPE_SOA) {
		/* No $TTL: what RFC 1035 3.3.13 meant MINIMUM to be. */
		head->ttl = wire_get32(rdata->at - 4);
		head->ttl = head->ttl > TTL_MAX ? 0 : head->ttl;
	} else {
		return text_fail(text, text->end,
				 "TTL missing and no $TTL before");
	}
	scope->last_ttl = head->ttl;
	scope->has_last_ttl = true;
	return true;
}

static bool load_owner(struct reader *reader, const struct piece *piece,
		       struct rdata_text *text)
{
	struct scope *scope = &reader->scope;
	struct text_token token;

	if (piece->text[0] == ' ' || piece->text[0] == '\t') {
		return scope->has_owner ||
		       text_fail(text, text->at,
				 "a line without a name, and none before");
	}
	if (!text_next(text, &token)) {
		return false; /* not from load_piece() */
	}
	scope->has_owner = text_name(text, &token, &scope->owner);
	return scope->has_owner;
}

static enum status load_record(struct reader *reader, const struct piece *piece,
			       struct rdata_text *text)
{
	const struct master_file_options *options = reader->options;
	struct wire_writer rdata = wire_writer_init(reader->rdata, RDATA_SIZE);
	struct master_file_record record;
	struct record_head head = {0};
	char reason[MASTER_FILE_REASON_MAX] = "";
	enum status status;

	if (!load_owner(reader, piece, text) ||
	    !load_head(reader, text, &head) ||
	    !load_rdata(reader, text, head.type, &rdata) ||
	    !choose_ttl(reader, text, &head, &rdata)) {
		return piece_fault(reader, piece, text);
	}
	record = (struct master_file_record){
		.owner = dname_of(&reader->scope.owner),
		.type = head.type,
		.rrclass = options->rrclass,
		.ttl = head.ttl,
		.rdata = reader->rdata,
		.rdata_size = wire_size(&rdata),
		.file = piece->input->path,
		.line = piece->line,
	};
	status = options->record(&record, options->context, reason);
	if (status != STATUS_OK) {
		reason[sizeof(reason) - 1] = '\0';
		return fault(reader, piece->input, piece->line, status, "%s",
			     reason[0] != '\0' ? reason : status_text(status));
	}
	return STATUS_OK;
}

/* --- directives ----------------------------------------------------------- */

static enum status read_input(struct reader *reader, struct input *input);
static enum status load_piece(struct reader *reader, const struct piece *piece);

static bool next_argument(struct rdata_text *text, const char *directive,
			  struct text_token *out)
{
	return text_next(text, out) ||
	       text_fail(text, text->end, "%s needs more", directive);
}

static bool no_more(struct rdata_text *text)
{
	struct text_token token;

	return !text_next(text, &token) ||
	       text_fail_token(text, &token, "more than the directive takes:");
}

static bool load_origin(struct reader *reader, struct rdata_text *text)
{
	struct text_token token;
	struct dname_storage origin;

	if (!next_argument(text, "$ORIGIN", &token) ||
	    !text_name(text, &token, &origin) || !no_more(text)) {
		return false;
	}
	reader->scope.origin = origin;
	return true;
}

static bool load_default_ttl(struct reader *reader, struct rdata_text *text)
{
	struct text_token token;
	uint32_t ttl;

	if (!next_argument(text, "$TTL", &token) ||
	    !text_ttl(text, &token, &ttl) || !no_more(text)) {
		return false;
	}
	reader->scope.default_ttl = ttl > TTL_MAX ? 0 : ttl; /* RFC 2181 8 */
	reader->scope.has_default_ttl = true;
	return true;
}

/* The path of an $INCLUDE, from the folder of the file that says it. */
static bool include_path(struct rdata_text *text, const struct text_token *name,
			 const char *includer, char path[PATH_SIZE])
{
	const char *slash = strrchr(includer, '/');
	size_t folder = slash != NULL ? (size_t)(slash + 1 - includer) : 0;

	if (name->length == 0) {
		return text_fail_token(text, name, "no file name:");
	}
	if (name->text[0] == '/') {
		folder = 0;
	}
	if (folder + name->length + 1 > PATH_SIZE) {
		return text_fail_token(text, name, "file name too long:");
	}
	memcpy(path, includer, folder);
	memcpy(path + folder, name->text, name->length);
	path[folder + name->length] = '\0';
	return true;
}

/*
 * Open a regular file. O_NONBLOCK: opening a FIFO must not wait for a writer.
 * The fault is told at the line of input, which is NULL for the first file.
 */
static enum status open_file(struct reader *reader, const struct input *from,
			     unsigned long line, struct input *out)
{
	const struct input *where = from != NULL ? from : out;
	struct stat st;
	enum status status;

	out->fd = open(out->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (out->fd < 0 || fstat(out->fd, &st) != 0) {
		int error = errno;

		return fault(reader, where, line, status_from_errno(error),
			     "cannot open '%s': %s", out->path,
			     strerror(error));
	}
	if (!S_ISREG(st.st_mode)) {
		return fault(reader, where, line, STATUS_NOT_SUPPORTED,
			     "'%s' is not a regular file", out->path);
	}
	for (const struct input *p = out->parent; p != NULL; p = p->parent) {
		if (p->fd >= 0 && p->device == st.st_dev &&
		    p->inode == st.st_ino) {
			return fault(reader, where, line, STATUS_BAD_SYNTAX,
				     "'%s' includes itself", out->path);
		}
	}
	out->device = st.st_dev;
	out->inode = st.st_ino;
	if (reader->options->opened == NULL) {
		return STATUS_OK;
	}
	status = reader->options->opened(out->path, out->fd, &st,
					 reader->options->context);
	if (status != STATUS_OK) {
		return fault(reader, where, line, status, "%s",
			     status_text(status));
	}
	return STATUS_OK;
}

static void input_close(struct input *input)
{
	free(input->buffer);
	if (input->fd >= 0) {
		close(input->fd);
	}
}

static enum status load_include(struct reader *reader,
				const struct piece *piece,
				struct rdata_text *text)
{
	struct scope before = reader->scope;
	char path[PATH_SIZE];
	struct input input = {
		.parent = piece->input, .path = path, .line = 1, .fd = -1};
	struct text_token token;
	enum status status;

	if (!next_argument(text, "$INCLUDE", &token) ||
	    !include_path(text, &token, piece->input->path, path)) {
		return piece_fault(reader, piece, text);
	}
	if (text_next(text, &token)) {
		struct dname_storage
			origin; /* relative to the one it follows */

		if (!text_name(text, &token, &origin) || !no_more(text)) {
			return piece_fault(reader, piece, text);
		}
		reader->scope.origin = origin;
	}
	if (reader->depth == MASTER_FILE_INCLUDE_DEPTH) {
		return fault(reader, piece->input, piece->line, STATUS_TOO_LONG,
			     "$INCLUDE deeper than %d",
			     MASTER_FILE_INCLUDE_DEPTH);
	}
	if (reader->includes == MASTER_FILE_INCLUDES_MAX) {
		return fault(reader, piece->input, piece->line, STATUS_TOO_LONG,
			     "more than %d $INCLUDE", MASTER_FILE_INCLUDES_MAX);
	}
	reader->includes++;
	reader->depth++;
	status = open_file(reader, piece->input, piece->line, &input);
	if (status == STATUS_OK) {
		status = read_input(reader, &input);
	}
	input_close(&input);
	reader->depth--;
	reader->scope = before;
	return status;
}

/* --- $GENERATE (BIND's: range, then a record with '$' in it) -------------- */

struct generate_range {
	uint32_t start;
	uint32_t stop;
	uint32_t step;
};

/* Digits at *at, at most 2^31-1. */
static bool take_number(const char **at, const char *end, uint32_t *out)
{
	uint64_t value = 0;
	const char *p = *at;

	while (p < end && is_digit(*p)) {
		value = value * 10 + (unsigned)(*p++ - '0');
		if (value > TTL_MAX) {
			return false;
		}
	}
	if (p == *at) {
		return false;
	}
	*at = p;
	*out = (uint32_t)value;
	return true;
}

static bool load_range(struct rdata_text *text, struct generate_range *range)
{
	struct text_token token;
	const char *at;
	const char *end;

	if (!next_argument(text, "$GENERATE", &token)) {
		return false;
	}
	at = token.text;
	end = at + token.length;
	range->step = 1;
	if (!take_number(&at, end, &range->start) || at == end ||
	    *at++ != '-' || !take_number(&at, end, &range->stop)) {
		return text_fail_token(text, &token, "malformed range");
	}
	if (at < end &&
	    (*at++ != '/' || !take_number(&at, end, &range->step))) {
		return text_fail_token(text, &token, "malformed range");
	}
	if (at != end || range->step == 0 || range->stop < range->start) {
		return text_fail_token(text, &token, "malformed range");
	}
	if ((range->stop - range->start) / range->step >=
	    MASTER_FILE_GENERATE_MAX) {
		return text_fail_token(text, &token,
				       "more than 1048576 records in range");
	}
	return true;
}

enum {
	GENERATE_WIDTH_MAX = 255,
	GENERATE_NUMBER_MAX = GENERATE_WIDTH_MAX + 32,
};

/* ${offset[,width[,base]]} */
struct generate_format {
	int32_t offset;
	uint32_t width;
	char base;
};

/* What stands between the braces; *at moves behind the closing one. */
static bool take_format(const char **at, const char *end,
			struct generate_format *format)
{
	const char *p = *at;
	bool is_negative = p < end && *p == '-';
	uint32_t offset;

	p += is_negative;
	if (!take_number(&p, end, &offset)) {
		return false;
	}
	format->offset = is_negative ? -(int32_t)offset : (int32_t)offset;
	if (p < end && *p == ',') {
		p++;
		if (!take_number(&p, end, &format->width) ||
		    format->width > GENERATE_WIDTH_MAX) {
			return false;
		}
	}
	if (end - p >= 2 && *p == ',') {
		format->base = p[1];
		if (memchr("doxXnN", p[1], 6) == NULL) {
			return false;
		}
		p += 2;
	}
	if (p == end || *p != '}') {
		return false;
	}
	*at = p + 1;
	return true;
}

/* Nibbles, the least first, with dots; width counts the dots too. */
static size_t write_nibbles(char *out, uint32_t value, uint32_t width,
			    bool is_upper)
{
	const char *digits = is_upper ? "0123456789ABCDEF" : "0123456789abcdef";
	size_t length = 0;

	do {
		out[length++] = digits[value & 15];
		value >>= 4;
		if (value != 0 || length < width) {
			out[length++] = '.';
		}
	} while (value != 0 || length < width);
	return length;
}

static size_t write_formatted(char *out, const struct generate_format *format,
			      uint32_t iterator)
{
	/* Offsets may lead below 0: shown as BIND does, with a sign in 'd'. */
	int64_t value = (int64_t)iterator + format->offset;
	int width = (int)format->width;
	uint32_t bits = (uint32_t)value;

	switch (format->base) {
	case 'o':
		return (size_t)sprintf(out, "%0*o", width, bits);
	case 'x':
		return (size_t)sprintf(out, "%0*x", width, bits);
	case 'X':
		return (size_t)sprintf(out, "%0*X", width, bits);
	case 'n':
	case 'N':
		return write_nibbles(out, bits, format->width,
				     format->base == 'N');
	default:
		return (size_t)sprintf(out, "%0*lld", width, (long long)value);
	}
}

struct generate_buffer {
	char *text;
	size_t length;
	size_t size;
};

static bool append(struct generate_buffer *out, const char *text, size_t length)
{
	if (length > out->size - out->length) {
		return false;
	}
	memcpy(out->text + out->length, text, length);
	out->length += length;
	return true;
}

/*
 * Write the template with every '$' replaced. '$$' is a '$', and '\$' stays as
 * it is: the name's reader knows it.
 */
static bool expand(struct rdata_text *text, const char *template_start,
		   const char *template_end, uint32_t iterator,
		   struct generate_buffer *out)
{
	const char *at = template_start;
	bool has_room = true;

	out->length = 0;
	while (at < template_end && has_room) {
		struct generate_format format = {0, 0, 'd'};
		char number[GENERATE_NUMBER_MAX];
		const char *special = at;

		while (special < template_end && *special != '$' &&
		       *special != '\\') {
			special++;
		}
		has_room = append(out, at, (size_t)(special - at));
		at = special;
		if (at == template_end || !has_room) {
			break;
		}
		if (*at == '\\') {
			size_t taken = template_end - at < 2 ? 1 : 2;

			has_room = append(out, at, taken);
			at += taken;
			continue;
		}
		at++;
		if (at < template_end && *at == '$') {
			has_room = append(out, "\\$", 2);
			at++;
			continue;
		}
		if (at < template_end && *at == '{') {
			at++;
			if (!take_format(&at, template_end, &format)) {
				return text_fail(text, text->at,
						 "malformed ${...}");
			}
		}
		has_room = append(out, number,
				  write_formatted(number, &format, iterator));
	}
	return has_room || text_fail(text, text->at,
				     "a generated record longer than %d "
				     "octets",
				     MASTER_FILE_RECORD_MAX);
}

static enum status generate(struct reader *reader, const struct piece *piece,
			    struct rdata_text *text,
			    const struct generate_range *range,
			    const char *template_start,
			    const char *template_end,
			    struct generate_buffer *buffer)
{
	for (uint64_t i = range->start; i <= range->stop; i += range->step) {
		struct piece made = {buffer->text, 0,    piece->input,
				     piece->line,  true, NULL};
		enum status status;

		if (!expand(text, template_start, template_end, (uint32_t)i,
			    buffer)) {
			return piece_fault(reader, piece, text);
		}
		reader->generated += buffer->length;
		if (reader->generated > MASTER_FILE_GENERATE_TEXT_MAX) {
			return fault(reader, piece->input, piece->line,
				     STATUS_TOO_LONG,
				     "$GENERATE makes more than %d octets",
				     MASTER_FILE_GENERATE_TEXT_MAX);
		}
		made.length = buffer->length;
		status = load_piece(reader, &made);
		if (status != STATUS_OK) {
			return status;
		}
	}
	return STATUS_OK;
}

static enum status load_generate(struct reader *reader,
				 const struct piece *piece,
				 struct rdata_text *text)
{
	struct generate_range range = {0};
	struct generate_buffer buffer = {NULL, 0, 0};
	const char *template_end = text->end;
	size_t expanded;
	enum status status;
	char *joined;
	size_t length;

	if (!load_range(text, &range)) {
		return piece_fault(reader, piece, text);
	}
	/* One line, no comments or parentheses, no blank before the owner. */
	expanded = (size_t)(template_end - text->at) * 2 + 8;
	joined = malloc(expanded);
	buffer.size = 2 * MASTER_FILE_RECORD_MAX;
	if (expanded < MASTER_FILE_RECORD_MAX / GENERATE_NUMBER_MAX) {
		buffer.size = expanded * GENERATE_NUMBER_MAX;
	}
	buffer.text = malloc(buffer.size);
	if (joined == NULL || buffer.text == NULL) {
		status = fault(reader, piece->input, piece->line,
			       STATUS_NO_MEMORY, "out of memory");
		goto out;
	}
	length = join_tokens(text, joined, 0, expanded);
	if (length == 0) {
		text_fail(text, text->end, "$GENERATE needs more");
		status = piece_fault(reader, piece, text);
		goto out;
	}
	status = generate(reader, piece, text, &range, joined + 1,
			  joined + length, &buffer);
out:
	free(joined);
	free(buffer.text);
	return status;
}

static bool is_directive(const struct text_token *token, const char *name)
{
	return strlen(name) == token->length &&
	       strncasecmp(name, token->text, token->length) == 0;
}

static enum status load_directive(struct reader *reader,
				  const struct piece *piece,
				  struct rdata_text *text,
				  const struct text_token *token)
{
	bool is_good = false;

	if (is_directive(token, "$INCLUDE")) {
		return load_include(reader, piece, text);
	}
	if (is_directive(token, "$GENERATE")) {
		return load_generate(reader, piece, text);
	}
	if (is_directive(token, "$ORIGIN")) {
		is_good = load_origin(reader, text);
	} else if (is_directive(token, "$TTL")) {
		is_good = load_default_ttl(reader, text);
	} else {
		text_fail_token(text, token, "unknown directive");
	}
	return is_good ? STATUS_OK : piece_fault(reader, piece, text);
}

/* --- pieces --------------------------------------------------------------- */

static enum status load_piece(struct reader *reader, const struct piece *piece)
{
	struct rdata_text text;
	struct text_token token;

	text.at = piece->text;
	text.end = piece->text + piece->length;
	text.limit = piece->limit != NULL ? piece->limit : text.end;
	text.origin = dname_of(&reader->scope.origin);
	text.fault = NULL;
	if (!text_next(&text, &token)) {
		return STATUS_OK; /* blank, or a comment */
	}
	if (token.length > 0 && token.text[0] == '$' && !token.is_quoted &&
	    !piece->is_generated) {
		return load_directive(reader, piece, &text, &token);
	}
	text.at = piece->text;
	return load_record(reader, piece, &text);
}

static enum status skip_byte_order_mark(struct reader *reader,
					struct input *input)
{
	static const char mark[3] = {'\xef', '\xbb', '\xbf'};

	while (!input->is_ended && input->filled < sizeof(mark)) {
		enum status status = input_fill(reader, input);

		if (status != STATUS_OK) {
			return status;
		}
	}
	if (input->filled >= sizeof(mark) &&
	    memcmp(input->data, mark, sizeof(mark)) == 0) {
		input->start = sizeof(mark);
	}
	return STATUS_OK;
}

static enum status read_input(struct reader *reader, struct input *input)
{
	enum status status = skip_byte_order_mark(reader, input);

	while (status == STATUS_OK) {
		struct piece piece = {0};
		unsigned long lines = 0;

		status = next_piece(reader, input, &piece, &lines);
		if (status != STATUS_OK) {
			break;
		}
		if (piece.length == 0) {
			return STATUS_OK;
		}
		status = load_piece(reader, &piece);
		input->start += piece.length;
		input->line += lines;
	}
	return status;
}

static struct reader *reader_new(const struct master_file_options *options,
				 struct master_file_error *error)
{
	struct reader *reader = malloc(sizeof(*reader));

	error->line = 0;
	error->file[0] = '\0';
	if (reader == NULL) {
		snprintf(error->reason, sizeof(error->reason), "out of memory");
		return NULL;
	}
	snprintf(error->reason, sizeof(error->reason), "%s",
		 status_text(STATUS_OK));
	reader->options = options;
	reader->error = error;
	reader->octets = 0;
	reader->generated = 0;
	reader->depth = 0;
	reader->includes = 0;
	memset(&reader->scope, 0, sizeof(reader->scope));
	dname_copy(&reader->scope.origin, options->origin);
	return reader;
}

enum status master_file_read(const char *path,
			     const struct master_file_options *options,
			     struct master_file_error *error)
{
	struct reader *reader = reader_new(options, error);
	struct input input = {.path = path, .line = 1, .fd = -1};
	enum status status;

	if (reader == NULL) {
		return STATUS_NO_MEMORY;
	}
	status = open_file(reader, NULL, 0, &input);
	if (status == STATUS_OK) {
		status = read_input(reader, &input);
	}
	input_close(&input);
	free(reader);
	return status;
}

enum status master_file_parse(const char *name, const char *text, size_t size,
			      const struct master_file_options *options,
			      struct master_file_error *error)
{
	struct reader *reader = reader_new(options, error);
	struct input input = {.path = name,
			      .data = size > 0 ? text : "",
			      .filled = size,
			      .line = 1,
			      .fd = -1,
			      .is_ended = true};
	enum status status;

	if (reader == NULL) {
		return STATUS_NO_MEMORY;
	}
	if (options->size_max > 0 && size > options->size_max) {
		status = fault(reader, &input, 0, STATUS_TOO_LONG,
			       "more than %llu octets",
			       (unsigned long long)options->size_max);
	} else {
		status = read_input(reader, &input);
	}
	free(reader);
	return status;
}
