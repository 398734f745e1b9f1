/*
 * config_reader.h - the configuration file, read with good manners.
 *
 * jansson reads the JSON; this adds what operators need of errors: the key's
 * full path and its line. Every getter leaves *out alone where the key is
 * absent, so that defaults stand before reading. The first error is kept, later
 * ones are dropped; config_reader_error() is the line to show. One thread; the
 * reader owns the document and every string it gave out.
 *
 *	reader = config_reader_load(path, error, sizeof(error));
 *	root = config_reader_root(reader);
 *	object = config_reader_object(reader, root, "server");
 *	config_reader_string(reader, object, "identity", &identity);
 *	config_reader_finish(reader, object);      (unknown keys are errors)
 */
#pragma once

#include "lib/base/address.h"
#include "lib/base/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_reader;

enum {
	CONFIG_FILE_MAX = 16 << 20, /* octets */
	CONFIG_ERROR_MAX = 1024,
	CONFIG_DEPTH_MAX = 32,
	CONFIG_WARNINGS_MAX = 64,
};

/*
 * Read and parse. NULL on any trouble, with one line in error: 'FILE:LINE:
 * what'. A key that stands twice in an object is an error.
 */
struct config_reader *config_reader_load(const char *path, char *error,
					 size_t error_size);
/* The same from memory; name stands for the file in errors. */
struct config_reader *config_reader_parse(const char *name, const char *text,
					  size_t size, char *error,
					  size_t error_size);
void config_reader_free(struct config_reader *reader);

json_t *config_reader_root(struct config_reader *reader);

/* NULL where there was no error. */
const char *config_reader_error(const struct config_reader *reader);

/*
 * Note an error at value (any value of the document; its path and line are
 * found): 'FILE:LINE: server.tcp.mss: TEXT'. Only the first is kept.
 */
void config_reader_fail(struct config_reader *reader, const json_t *value,
			const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Note something that can be carried out but is perhaps not meant, in the same
 * words. All are kept, up to CONFIG_WARNINGS_MAX; errors stay apart.
 */
void config_reader_warn(struct config_reader *reader, const json_t *value,
			const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The warnings so far: lines, each with its newline; "" where there are none. */
const char *config_reader_warnings(const struct config_reader *reader);

/* The value at key, marked as known; NULL where absent or object is NULL. */
json_t *config_reader_get(struct config_reader *reader, json_t *object,
			  const char *key);

/* Typed: NULL or false where absent; a wrong type or range is noted. */
json_t *config_reader_object(struct config_reader *reader, json_t *object,
			     const char *key);
json_t *config_reader_array(struct config_reader *reader, json_t *object,
			    const char *key);
bool config_reader_string(struct config_reader *reader, json_t *object,
			  const char *key, const char **out);
bool config_reader_integer(struct config_reader *reader, json_t *object,
			   const char *key, int64_t least, int64_t most,
			   int64_t *out);
bool config_reader_boolean(struct config_reader *reader, json_t *object,
			   const char *key, bool *out);
bool config_reader_address(struct config_reader *reader, json_t *object,
			   const char *key, uint16_t default_port,
			   struct address *out);

/* A key that the design knows but this version does not carry out yet. */
void config_reader_refuse(struct config_reader *reader, json_t *object,
			  const char *key);

/* Note an error for the first key of object that was never asked for. */
void config_reader_finish(struct config_reader *reader, json_t *object);
