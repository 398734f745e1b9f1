/*
 * fuzz_overrides.c - the file of drains and disables, any octets: what loads is
 * dumped and loads again to the same.
 */
#include "server/route/overrides.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char configuration[] =
	"{\"route\": {\"router_id\": \"10.0.0.1\", \"local_as\": 64512,"
	" \"services\": {\"dns\": {\"prefixes\": [\"192.0.2.0/24\"],"
	" \"probe\": [\"192.0.2.53\"], \"required_zones\": [\".\"]}},"
	" \"peers\": [{\"address\": \"10.0.0.9\", \"as\": 65000}]}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config_route *config;
	static struct overrides loaded;
	static struct overrides again;
	static char text[OVERRIDES_TEXT_MAX];
	char error[OVERRIDES_ERROR_MAX] = "";
	char line[CONFIG_ERROR_MAX];

	if (config == NULL) {
		config = config_route_parse("fuzz", configuration,
					    strlen(configuration), line);
	}
	if (config == NULL) {
		abort();
	}
	if (overrides_load(&loaded, config, (const char *)data, size, error) !=
	    STATUS_OK) {
		if (error[0] == '\0') {
			abort();
		}
		return 0;
	}
	size = overrides_dump(&loaded, text);
	if (overrides_load(&again, config, text, size, error) != STATUS_OK ||
	    again.count != loaded.count) {
		abort();
	}
	for (size_t i = 0; i < loaded.count; i++) {
		if (strcmp(loaded.list[i].name, again.list[i].name) != 0 ||
		    strcmp(loaded.list[i].reason, again.list[i].reason) != 0 ||
		    loaded.list[i].since_ms != again.list[i].since_ms ||
		    loaded.list[i].index != again.list[i].index) {
			abort();
		}
	}
	return 0;
}
