/* What rootcastd makes of a configuration file: it takes it whole, or says one
 * line about it. */
#include "server/nameserver/config.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[CONFIG_ERROR_MAX] = "";
	struct config config;
	enum status status;

	config_init(&config);
	status = config_parse(&config, "fuzz", (const char *)data, size, error);
	assert((status == STATUS_OK) == (error[0] == '\0'));
	assert(config.listen_count <= CONFIG_LISTEN_MAX);
	assert(config.identity == NULL ||
	       strlen(config.identity) <= CONFIG_IDENTITY_MAX);
	config_fini(&config);
	return 0;
}
