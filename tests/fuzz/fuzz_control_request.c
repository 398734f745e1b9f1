/*
 * Any line may come over the control socket: it is read, refused or taken, and
 * what is taken has a valid name.
 */
#include "server/nameserver/control_request.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_request request;
	char error[CONTROL_REQUEST_ERROR_MAX] = "";

	memset(&request, 0xff, sizeof(request));
	if (control_request_parse((const char *)data, size, &request, error) ==
	    CONTROL_REQUEST_GOOD) {
		assert(!request.has_name || request.name.length <= DNAME_MAX);
		assert(request.command != CONTROL_ZONE || request.has_name);
	} else {
		assert(error[0] != '\0' &&
		       memchr(error, '\0', sizeof(error)) != NULL);
	}
	return 0;
}
