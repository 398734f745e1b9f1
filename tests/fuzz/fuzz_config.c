/*
 * fuzz_config.c - the configuration reader on any octets.
 *
 * Every value of the document is asked for by every getter and failed at, so
 * that the walk that finds lines and paths meets whatever jansson accepts.
 */
#include "lib/base/config_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The error must be one line that names the file. */
static void check_line(const char *error)
{
	if (strncmp(error, "fuzz:", 5) != 0 || strlen(error) < 8 ||
	    strpbrk(error, "\r\n") != NULL) {
		abort();
	}
}

static void ask(struct config_reader *reader, json_t *object, const char *key,
		unsigned kind)
{
	struct address address;
	const char *text;
	int64_t number;
	bool truth;

	switch (kind % 7) {
	case 0:
		config_reader_string(reader, object, key, &text);
		break;
	case 1:
		config_reader_integer(reader, object, key, 0, 9, &number);
		break;
	case 2:
		config_reader_boolean(reader, object, key, &truth);
		break;
	case 3:
		config_reader_address(reader, object, key, 53, &address);
		break;
	case 4:
		config_reader_object(reader, object, key);
		break;
	case 5:
		config_reader_array(reader, object, key);
		break;
	default:
		config_reader_refuse(reader, object, key);
	}
}

static void visit(struct config_reader *reader, json_t *value, unsigned *kind)
{
	const char *key;
	json_t *member;
	size_t index;

	if (json_is_object(value)) {
		json_object_foreach(value, key, member)
		{
			visit(reader, member, kind);
			ask(reader, value, key, (*kind)++);
		}
		config_reader_finish(reader, value);
	}
	json_array_foreach(value, index, member)
	{
		visit(reader, member, kind);
	}
}

static json_t *last_leaf(json_t *value)
{
	const char *key;
	json_t *member;
	json_t *last = value;

	if (json_is_array(value) && json_array_size(value) > 0) {
		return last_leaf(
			json_array_get(value, json_array_size(value) - 1));
	}
	json_object_foreach(value, key, member)
	{
		last = member;
	}
	return last == value ? value : last_leaf(last);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[CONFIG_ERROR_MAX];

	for (unsigned kind = 0; kind < 7; kind++) {
		unsigned counter = kind;
		struct config_reader *reader = config_reader_parse(
			"fuzz", (const char *)data, size, error, sizeof(error));

		if (reader == NULL) {
			check_line(error);
			return 0;
		}
		visit(reader, config_reader_root(reader), &counter);
		config_reader_finish(reader, config_reader_root(reader));
		config_reader_fail(reader,
				   last_leaf(config_reader_root(reader)),
				   "the end");
		check_line(config_reader_error(reader));
		config_reader_free(reader);
	}
	return 0;
}
