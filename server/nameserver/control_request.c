#include "server/nameserver/control_request.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *const command_names[] = {
#define CONTROL_COMMAND_TEXT(name, text) [name] = (text),
	CONTROL_COMMAND_LIST(CONTROL_COMMAND_TEXT)
#undef CONTROL_COMMAND_TEXT
};

enum {
	COMMANDS = sizeof(command_names) / sizeof(command_names[0]),
};

static bool find_command(const char *name, enum control_command *out)
{
	for (unsigned i = 0; i < COMMANDS; i++) {
		if (strcmp(name, command_names[i]) == 0) {
			*out = (enum control_command)i;
			return true;
		}
	}
	return false;
}

static bool read_name(const json_t *value, struct control_request *out,
		      char error[CONTROL_REQUEST_ERROR_MAX])
{
	const char *text = json_string_value(value);

	if (text == NULL ||
	    dname_load(&out->name, text, json_string_length(value),
		       dname_root) != STATUS_OK) {
		snprintf(error, CONTROL_REQUEST_ERROR_MAX,
			 "'name' is no domain name");
		return false;
	}
	out->has_name = true;
	return true;
}

/* Arguments; one that is not known is refused, never passed over. */
static bool read_arguments(json_t *document, struct control_request *out,
			   char error[CONTROL_REQUEST_ERROR_MAX])
{
	const char *key;
	json_t *value;

	json_object_foreach(document, key, value)
	{
		bool takes_name = out->command == CONTROL_ZONE ||
				  out->command == CONTROL_RELOAD;

		if (strcmp(key, "command") == 0) {
			continue;
		}
		if (strcmp(key, "name") == 0 && takes_name) {
			if (!read_name(value, out, error)) {
				return false;
			}
		} else if (strcmp(key, "force") == 0 &&
			   out->command == CONTROL_RELOAD &&
			   json_is_boolean(value)) {
			out->force = json_is_true(value);
		} else {
			snprintf(error, CONTROL_REQUEST_ERROR_MAX,
				 "'%.60s' is not for command '%s'", key,
				 command_names[out->command]);
			return false;
		}
	}
	if (out->command == CONTROL_ZONE && !out->has_name) {
		snprintf(error, CONTROL_REQUEST_ERROR_MAX,
			 "command 'zone' needs a 'name'");
		return false;
	}
	return true;
}

enum control_request_kind
control_request_parse(const char *line, size_t size,
		      struct control_request *out,
		      char error[CONTROL_REQUEST_ERROR_MAX])
{
	struct control_request request = {0};
	enum control_request_kind kind = CONTROL_REQUEST_GARBAGE;
	const char *command;
	json_error_t trouble;
	json_t *document;

	document = json_loadb(line, size, JSON_REJECT_DUPLICATES, &trouble);
	if (!json_is_object(document)) {
		snprintf(error, CONTROL_REQUEST_ERROR_MAX,
			 "the request is no JSON object");
		goto out;
	}
	kind = CONTROL_REQUEST_REFUSED;
	command = json_string_value(json_object_get(document, "command"));
	if (command == NULL) {
		snprintf(error, CONTROL_REQUEST_ERROR_MAX,
			 "the request has no 'command'");
		goto out;
	}
	if (!find_command(command, &request.command)) {
		snprintf(error, CONTROL_REQUEST_ERROR_MAX,
			 "command '%.60s' is not carried out by this version",
			 command);
		goto out;
	}
	if (read_arguments(document, &request, error)) {
		*out = request;
		kind = CONTROL_REQUEST_GOOD;
	}
out:
	json_decref(document);
	return kind;
}
