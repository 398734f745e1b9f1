/*
 * config_reader.c - JSON by jansson, errors by us.
 *
 * jansson keeps no line for a value once it is read. A line is wanted at most
 * once a run, so nothing is indexed: when an error is noted, the text (known to
 * be valid by then) is walked a second time beside the document, counting
 * lines, until the two stand at the value in question. The path falls out of
 * the same walk.
 *
 * true, false and null are one object each in jansson, so an address does not
 * say which of them is meant: the place asked for last helps out (see
 * place_find).
 *
 * Which keys are known is learnt by asking: every getter notes its key, present
 * or not, so the list of keys cannot drift from the code, and serves as hints
 * too.
 */
#include "lib/base/config_reader.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PATH_TEXT_MAX = 256,  /* octets of 'route.peers[0].address' shown */
	HINT_KEY_MAX = 40,    /* octets; longer keys get no hint */
	HINT_DISTANCE = 2,    /* edits that still look like a slip */
	READ_CHUNK = 64 << 10 /* octets */
};

struct config_reader {
	char *name;          /* of the file, as the operator wrote it */
	char *text;          /* the whole file */
	size_t size;         /* of text, octets */
	json_t *root;        /* the document */
	json_t *known;       /* object address as text -> { key: true } */
	json_t *last_object; /* what config_reader_get() was asked last ... */
	char *last_key;
	json_t *last_value; /* ... and what it gave */
	char error[CONFIG_ERROR_MAX];
	char *warnings; /* lines; NULL: none */
	unsigned warning_count;
};

/* --- lines and paths ------------------------------------------------------ */

/* One walk along the text. Valid JSON is promised; ends are checked anyway. */
struct walk {
	const char *at;
	const char *end;
	unsigned line;
	/* What is looked for: the value, or, where object is set, its key. */
	const json_t *value;
	const json_t *object;
	const char *key;
	const json_t *scope; /* only inside this value; NULL for anywhere */
	unsigned inside;     /* levels below scope */
	/* The path from the root to where the walk stands. */
	char path[PATH_TEXT_MAX];
	size_t path_length;
};

static void path_add(struct walk *walk, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void path_add(struct walk *walk, const char *format, ...)
{
	size_t room = sizeof(walk->path) - walk->path_length;
	va_list arguments;
	int used;

	va_start(arguments, format);
	used = vsnprintf(walk->path + walk->path_length, room, format,
			 arguments);
	va_end(arguments);
	if (used > 0) {
		walk->path_length +=
			(size_t)used < room ? (size_t)used : room - 1;
	}
}

/* 'key' behind a dot, or '["a.key"]' where dots would mislead. */
static void path_add_key(struct walk *walk, const char *key)
{
	bool is_plain = key[0] != '\0';

	for (const char *p = key; *p != '\0'; p++) {
		if (strchr(".[]\" ", *p) != NULL) {
			is_plain = false;
		}
	}
	if (!is_plain) {
		path_add(walk, "[\"%s\"]", key);
	} else {
		path_add(walk, "%s%s", walk->path_length > 0 ? "." : "", key);
	}
}

static void path_cut(struct walk *walk, size_t length)
{
	walk->path_length = length;
	walk->path[length] = '\0';
}

static void skip_space(struct walk *walk)
{
	while (walk->at < walk->end && strchr(" \t\r\n", *walk->at) != NULL &&
	       *walk->at != '\0') {
		if (*walk->at == '\n') {
			walk->line++;
		}
		walk->at++;
	}
}

/* From the opening quote to behind the closing one. */
static void skip_string(struct walk *walk)
{
	walk->at++;
	while (walk->at < walk->end && *walk->at != '"') {
		walk->at +=
			*walk->at == '\\' && walk->end - walk->at > 1 ? 2 : 1;
	}
	if (walk->at < walk->end) {
		walk->at++;
	}
}

static bool walk_is_there(const struct walk *walk, const json_t *parent,
			  const char *key, const json_t *value)
{
	if (walk->scope != NULL && walk->inside == 0) {
		return false;
	}
	if (walk->object != NULL) {
		return parent == walk->object && key != NULL &&
		       strcmp(key, walk->key) == 0;
	}
	return value == walk->value;
}

static bool walk_value(struct walk *walk, const json_t *value, unsigned depth);

/* What both kinds of container do with each member. */
static bool walk_member(struct walk *walk, const json_t *parent,
			const char *key, const json_t *member, unsigned line,
			unsigned depth)
{
	if (walk_is_there(walk, parent, key, member)) {
		walk->line = line;
		return true;
	}
	return walk_value(walk, member, depth + 1);
}

static bool walk_object(struct walk *walk, const json_t *object, unsigned depth)
{
	for (;;) {
		size_t path_length = walk->path_length;
		unsigned line;
		const char *literal;
		json_t *key;
		bool found;

		skip_space(walk);
		if (walk->at < walk->end && *walk->at == ',') {
			walk->at++;
			continue;
		}
		if (walk->at >= walk->end || *walk->at != '"') {
			walk->at += walk->at < walk->end;
			return false;
		}
		line = walk->line;
		literal = walk->at;
		skip_string(walk);
		/* jansson itself undoes the escapes. */
		key = json_loadb(literal, (size_t)(walk->at - literal),
				 JSON_DECODE_ANY, NULL);
		skip_space(walk);
		walk->at += walk->at < walk->end;
		if (!json_is_string(key)) {
			json_decref(key);
			return false;
		}
		path_add_key(walk, json_string_value(key));
		found = walk_member(
			walk, object, json_string_value(key),
			json_object_get(object, json_string_value(key)), line,
			depth);
		json_decref(key);
		if (found) {
			return true;
		}
		path_cut(walk, path_length);
	}
}

static bool walk_array(struct walk *walk, const json_t *array, unsigned depth)
{
	for (size_t i = 0;; i++) {
		size_t path_length = walk->path_length;

		skip_space(walk);
		if (walk->at < walk->end && *walk->at == ',') {
			walk->at++;
			skip_space(walk);
		}
		if (walk->at >= walk->end || *walk->at == ']') {
			walk->at += walk->at < walk->end;
			return false;
		}
		path_add(walk, "[%zu]", i);
		if (walk_member(walk, array, NULL, json_array_get(array, i),
				walk->line, depth)) {
			return true;
		}
		path_cut(walk, path_length);
	}
}

/* Walk over one value; true, and stand still, once the place is found. */
static bool walk_value(struct walk *walk, const json_t *value, unsigned depth)
{
	bool is_scope = value != NULL && value == walk->scope;
	bool found = false;

	skip_space(walk);
	if (walk->at >= walk->end || depth > CONFIG_DEPTH_MAX) {
		walk->at = walk->end;
		return false;
	}
	walk->inside += is_scope;
	switch (*walk->at) {
	case '{':
		walk->at++;
		found = walk_object(walk, value, depth);
		break;
	case '[':
		walk->at++;
		found = walk_array(walk, value, depth);
		break;
	case '"':
		skip_string(walk);
		break;
	default:
		while (walk->at < walk->end &&
		       memchr(",]} \t\r\n", *walk->at, 7) == NULL) {
			walk->at++;
		}
	}
	walk->inside -= is_scope;
	return found;
}

static bool walk_run(const struct config_reader *reader, struct walk *walk,
		     const json_t *scope)
{
	walk->at = reader->text;
	walk->end = reader->text + reader->size;
	walk->line = 1;
	walk->scope = scope;
	walk->inside = 0;
	path_cut(walk, 0);
	skip_space(walk);
	return (scope == NULL && walk->object == NULL &&
		walk->value == reader->root) ||
	       walk_value(walk, reader->root, 0);
}

/*
 * Find where a value, or a key of an object, stands. A value that is one of
 * jansson's shared ones is taken for what the last getter gave, then for one
 * inside of that, then for the first in the file.
 */
static bool place_find(const struct config_reader *reader, struct walk *walk)
{
	bool is_shared =
		walk->object == NULL &&
		(json_is_boolean(walk->value) || json_is_null(walk->value));

	if (is_shared && reader->last_object != NULL) {
		if (reader->last_value == walk->value) {
			walk->object = reader->last_object;
			walk->key = reader->last_key;
		} else if (walk_run(reader, walk, reader->last_value)) {
			return true;
		}
	}
	return walk_run(reader, walk, NULL);
}

/* --- errors
 * ------------------------------------------------------------------- */

/* What came from a file must not break the line nor upset a terminal. */
static void one_line(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f) {
			*text = '?';
		}
	}
}

/* The file, the line, the key and what is to be said of it. */
static void say_at(struct config_reader *reader, struct walk *walk,
		   const char *format, va_list arguments,
		   char out[CONFIG_ERROR_MAX])
{
	char text[300];

	vsnprintf(text, sizeof(text), format, arguments);
	if (!place_find(reader, walk)) {
		snprintf(out, CONFIG_ERROR_MAX, "%.500s: %s", reader->name,
			 text);
	} else {
		snprintf(out, CONFIG_ERROR_MAX, "%.400s:%u: %s%s%s",
			 reader->name, walk->line, walk->path,
			 walk->path[0] != '\0' ? ": " : "", text);
	}
	one_line(out);
}

static void fail_at(struct config_reader *reader, struct walk *walk,
		    const char *format, va_list arguments)
{
	if (reader->error[0] == '\0') {
		say_at(reader, walk, format, arguments, reader->error);
	}
}

void config_reader_warn(struct config_reader *reader, const json_t *value,
			const char *format, ...)
{
	struct walk walk = {.value = value};
	char line[CONFIG_ERROR_MAX];
	va_list arguments;
	size_t size;
	char *grown;

	if (reader->warning_count == CONFIG_WARNINGS_MAX) {
		return;
	}
	va_start(arguments, format);
	say_at(reader, &walk, format, arguments, line);
	va_end(arguments);
	size = reader->warnings != NULL ? strlen(reader->warnings) : 0;
	grown = realloc(reader->warnings, size + strlen(line) + 2);
	if (grown == NULL) {
		return; /* a warning less; errors do not come here */
	}
	sprintf(grown + size, "%s\n", line);
	reader->warnings = grown;
	reader->warning_count++;
}

const char *config_reader_warnings(const struct config_reader *reader)
{
	return reader->warnings != NULL ? reader->warnings : "";
}

void config_reader_fail(struct config_reader *reader, const json_t *value,
			const char *format, ...)
{
	struct walk walk = {.value = value};
	va_list arguments;

	va_start(arguments, format);
	fail_at(reader, &walk, format, arguments);
	va_end(arguments);
}

/* The same at a key of object, which need not hold a value of its own. */
static void fail_key(struct config_reader *reader, const json_t *object,
		     const char *key, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void fail_key(struct config_reader *reader, const json_t *object,
		     const char *key, const char *format, ...)
{
	struct walk walk = {.object = object, .key = key};
	va_list arguments;

	va_start(arguments, format);
	fail_at(reader, &walk, format, arguments);
	va_end(arguments);
}

const char *config_reader_error(const struct config_reader *reader)
{
	return reader->error[0] != '\0' ? reader->error : NULL;
}

/* --- loading
 * ------------------------------------------------------------------- */

/*
 * Refuse what jansson would take or explain badly: a NUL octet, and nesting
 * without end. Runs before the parser, so the text may be anything at all.
 */
static bool text_is_sane(const char *text, size_t size, unsigned *line,
			 const char **reason)
{
	unsigned depth = 0;
	bool in_string = false;

	*line = 1;
	for (size_t i = 0; i < size; i++) {
		switch (text[i]) {
		case '\0':
			*reason = "NUL octet: this is not a text file";
			return false;
		case '\n':
			++*line;
			in_string = false;
			break;
		case '"':
			in_string = !in_string;
			break;
		case '\\':
			i += in_string && i + 1 < size && text[i + 1] != '\n' &&
			     text[i + 1] != '\0';
			break;
		case '{':
		case '[':
			depth += !in_string;
			if (depth > CONFIG_DEPTH_MAX) {
				*reason = "nested too deeply";
				return false;
			}
			break;
		case '}':
		case ']':
			depth -= !in_string && depth > 0;
			break;
		default:
			break;
		}
	}
	return true;
}

/* Parse text, which becomes the reader's own. */
static struct config_reader *reader_new(const char *name, char *text,
					size_t size, char *error,
					size_t error_size)
{
	struct config_reader *reader = calloc(1, sizeof(*reader));
	size_t mark = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	json_error_t trouble;
	const char *reason;
	unsigned line;

	if (reader == NULL) {
		free(text);
		snprintf(error, error_size, "%s: out of memory", name);
		return NULL;
	}
	/* RFC 8259 8.1 lets a reader pass over a byte-order mark. */
	memmove(text, text + mark, size - mark);
	reader->text = text;
	reader->size = size - mark;
	reader->name = strdup(name);
	reader->known = json_object();
	if (reader->name == NULL || reader->known == NULL) {
		snprintf(error, error_size, "%s: out of memory", name);
		goto bad;
	}
	if (!text_is_sane(reader->text, reader->size, &line, &reason)) {
		snprintf(error, error_size, "%s:%u: %s", name, line, reason);
		goto bad;
	}
	reader->root = json_loadb(reader->text, reader->size,
				  JSON_REJECT_DUPLICATES, &trouble);
	if (reader->root == NULL) {
		snprintf(error, error_size, "%s:%d: %s", name,
			 trouble.line > 0 ? trouble.line : 1, trouble.text);
		goto bad;
	}
	if (!json_is_object(reader->root)) {
		snprintf(error, error_size, "%s:1: must be an object: { ... }",
			 name);
		goto bad;
	}
	return reader;
bad:
	one_line(error);
	config_reader_free(reader);
	return NULL;
}

struct config_reader *config_reader_parse(const char *name, const char *text,
					  size_t size, char *error,
					  size_t error_size)
{
	char *copy;

	assert(error_size > 0);
	if (size > CONFIG_FILE_MAX) {
		snprintf(error, error_size, "%s: larger than %d octets", name,
			 CONFIG_FILE_MAX);
		return NULL;
	}
	copy = malloc(size + 1);
	if (copy == NULL) {
		snprintf(error, error_size, "%s: out of memory", name);
		return NULL;
	}
	if (size > 0) {
		memcpy(copy, text, size);
	}
	copy[size] = '\0';
	return reader_new(name, copy, size, error, error_size);
}

/* The whole of fd, or NULL with errno (EFBIG: more than CONFIG_FILE_MAX). */
static char *read_all(int fd, size_t *size)
{
	size_t room = READ_CHUNK;
	size_t length = 0;
	char *text = malloc(room + 1);

	while (text != NULL) {
		ssize_t got = read(fd, text + length, room - length);

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			break;
		}
		length += (size_t)got;
		if (length > CONFIG_FILE_MAX) {
			errno = EFBIG;
			break;
		}
		if (got == 0) {
			text[length] = '\0';
			*size = length;
			return text;
		}
		if (length == room) {
			char *more = realloc(text, room * 2 + 1);

			if (more == NULL) {
				break;
			}
			text = more;
			room *= 2;
		}
	}
	int saved = errno;

	free(text);
	errno = saved;
	return NULL;
}

struct config_reader *config_reader_load(const char *path, char *error,
					 size_t error_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	char *text;
	size_t size;

	assert(error_size > 0);
	if (fd < 0) {
		snprintf(error, error_size, "%s: cannot open: %s", path,
			 strerror(errno));
		return NULL;
	}
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		snprintf(error, error_size,
			 "%s: is a folder, not a configuration file", path);
		return NULL;
	}
	text = read_all(fd, &size);
	if (text == NULL && errno == EFBIG) {
		snprintf(error, error_size, "%s: larger than %d octets", path,
			 CONFIG_FILE_MAX);
	} else if (text == NULL) {
		snprintf(error, error_size, "%s: cannot read: %s", path,
			 strerror(errno));
	}
	close(fd);
	return text != NULL ? reader_new(path, text, size, error, error_size)
			    : NULL;
}

void config_reader_free(struct config_reader *reader)
{
	if (reader == NULL) {
		return;
	}
	json_decref(reader->root);
	json_decref(reader->known);
	free(reader->last_key);
	free(reader->name);
	free(reader->text);
	free(reader->warnings);
	free(reader);
}

json_t *config_reader_root(struct config_reader *reader)
{
	return reader->root;
}

/* --- getters
 * ------------------------------------------------------------------- */

static const char *type_text(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a number";
	case JSON_REAL:
		return "a number with a fraction";
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_NULL:
		return "null";
	}
	return "something else";
}

/* The set of keys asked for in object; NULL where there was none. */
static json_t *known_find(struct config_reader *reader, const json_t *object)
{
	char name[32];

	snprintf(name, sizeof(name), "%p", (const void *)object);
	return json_object_get(reader->known, name);
}

static void known_add(struct config_reader *reader, const json_t *object,
		      const char *key)
{
	json_t *keys = known_find(reader, object);
	char name[32];
	int failed = 0;

	if (keys == NULL) {
		snprintf(name, sizeof(name), "%p", (const void *)object);
		keys = json_object();
		failed = json_object_set_new(reader->known, name, keys);
	}
	if (failed != 0 || json_object_set_new(keys, key, json_true()) != 0) {
		config_reader_fail(reader, object, "out of memory");
	}
}

json_t *config_reader_get(struct config_reader *reader, json_t *object,
			  const char *key)
{
	char *copy;

	if (object == NULL) {
		return NULL;
	}
	known_add(reader, object, key);
	copy = strdup(key);
	if (copy == NULL) {
		config_reader_fail(reader, object, "out of memory");
		return NULL;
	}
	free(reader->last_key);
	reader->last_key = copy;
	reader->last_object = object;
	reader->last_value = json_object_get(object, key);
	return reader->last_value;
}

json_t *config_reader_object(struct config_reader *reader, json_t *object,
			     const char *key)
{
	json_t *value = config_reader_get(reader, object, key);

	if (value != NULL && !json_is_object(value)) {
		fail_key(reader, object, key, "must be an object, not %s",
			 type_text(value));
		return NULL;
	}
	return value;
}

json_t *config_reader_array(struct config_reader *reader, json_t *object,
			    const char *key)
{
	json_t *value = config_reader_get(reader, object, key);

	if (value != NULL && !json_is_array(value)) {
		fail_key(reader, object, key, "must be an array, not %s",
			 type_text(value));
		return NULL;
	}
	return value;
}

bool config_reader_string(struct config_reader *reader, json_t *object,
			  const char *key, const char **out)
{
	json_t *value = config_reader_get(reader, object, key);

	if (value == NULL) {
		return false;
	}
	if (!json_is_string(value)) {
		fail_key(reader, object, key, "must be a string, not %s",
			 type_text(value));
		return false;
	}
	*out = json_string_value(value);
	return true;
}

bool config_reader_integer(struct config_reader *reader, json_t *object,
			   const char *key, int64_t least, int64_t most,
			   int64_t *out)
{
	json_t *value = config_reader_get(reader, object, key);
	int64_t number;

	if (value == NULL) {
		return false;
	}
	if (!json_is_integer(value)) {
		fail_key(reader, object, key, "must be a whole number, not %s",
			 type_text(value));
		return false;
	}
	number = json_integer_value(value);
	if (number < least || number > most) {
		fail_key(reader, object, key,
			 "must be from %lld to %lld, not %lld",
			 (long long)least, (long long)most, (long long)number);
		return false;
	}
	*out = number;
	return true;
}

bool config_reader_boolean(struct config_reader *reader, json_t *object,
			   const char *key, bool *out)
{
	json_t *value = config_reader_get(reader, object, key);

	if (value == NULL) {
		return false;
	}
	if (!json_is_boolean(value)) {
		fail_key(reader, object, key, "must be true or false, not %s",
			 type_text(value));
		return false;
	}
	*out = json_is_true(value);
	return true;
}

bool config_reader_address(struct config_reader *reader, json_t *object,
			   const char *key, uint16_t default_port,
			   struct address *out)
{
	const char *text;
	enum status status;

	if (!config_reader_string(reader, object, key, &text)) {
		return false;
	}
	status = address_load(out, text, default_port);
	if (status == STATUS_NOT_FOUND) {
		fail_key(reader, object, key, "'%s' names no interface here",
			 text);
	} else if (status != STATUS_OK) {
		fail_key(reader, object, key,
			 "'%s' is not an address (ADDR or ADDR@PORT)", text);
	}
	return status == STATUS_OK;
}

void config_reader_refuse(struct config_reader *reader, json_t *object,
			  const char *key)
{
	if (config_reader_get(reader, object, key) != NULL) {
		fail_key(reader, object, key,
			 "this version does not carry it out yet");
	}
}

/* --- unknown keys
 * ------------------------------------------------------------- */

static unsigned least_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * Insertions, deletions, replacements and swaps of neighbours between two keys
 * of at most HINT_KEY_MAX octets.
 */
static unsigned edit_distance(const char *a, size_t a_length, const char *b,
			      size_t b_length)
{
	unsigned rows[3][HINT_KEY_MAX + 1];
	unsigned *before = rows[0];
	unsigned *above = rows[1];
	unsigned *row = rows[2];

	for (unsigned k = 0; k <= b_length; k++) {
		above[k] = k;
	}
	for (size_t i = 1; i <= a_length; i++) {
		unsigned *spare = before;

		row[0] = (unsigned)i;
		for (size_t k = 1; k <= b_length; k++) {
			unsigned cost = a[i - 1] != b[k - 1];

			row[k] = least_of(least_of(above[k], row[k - 1]) + 1,
					  above[k - 1] + cost);
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] &&
			    a[i - 2] == b[k - 1]) {
				row[k] = least_of(row[k], before[k - 2] + 1);
			}
		}
		before = above;
		above = row;
		row = spare;
	}
	return above[b_length];
}

/* The known key nearest to key, or NULL where none looks like it. */
static const char *hint_find(json_t *known, const char *key)
{
	size_t length = strlen(key);
	unsigned best = HINT_DISTANCE + 1;
	const char *hint = NULL;
	const char *name;
	json_t *value;

	if (length > HINT_KEY_MAX) {
		return NULL;
	}
	json_object_foreach(known, name, value)
	{
		size_t name_length = strlen(name);
		unsigned distance;

		if (name_length > HINT_KEY_MAX) {
			continue;
		}
		distance = edit_distance(key, length, name, name_length);
		/* Of a very short key anything is near: ask for more. */
		if (distance < best && distance * 2 <= name_length) {
			best = distance;
			hint = name;
		}
	}
	return hint;
}

void config_reader_finish(struct config_reader *reader, json_t *object)
{
	json_t *known;
	const char *key;
	json_t *value;

	if (object == NULL) {
		return;
	}
	known = known_find(reader, object);
	json_object_foreach(object, key, value)
	{
		const char *hint;

		if (json_object_get(known, key) != NULL) {
			continue;
		}
		hint = hint_find(known, key);
		fail_key(reader, object, key, "unknown key%s%s%s",
			 hint != NULL ? ": did you mean '" : "",
			 hint != NULL ? hint : "", hint != NULL ? "'?" : "");
		return;
	}
}
