/*
 * fuzz_control_report.c - lines of the nameserver's control socket, any octets.
 */
#include "server/route/control_report.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct probe_zone zones[2];
	enum health_zone states[2] = {HEALTH_ZONE_STALE, HEALTH_ZONE_STALE};
	struct control_serial serials[2] = {{0}};
	struct control_message message;

	if (probe_zone_load(&zones[0], ".") != STATUS_OK ||
	    probe_zone_load(&zones[1], "example.org") != STATUS_OK) {
		abort();
	}
	if (control_report_read(&message, (const char *)data, size, zones, 2,
				states, serials) != STATUS_OK) {
		return 0;
	}
	if (message.has_zones && message.kind != CONTROL_LINE_REPORT) {
		abort();
	}
	if (!message.has_zones && (states[0] != HEALTH_ZONE_STALE ||
				   states[1] != HEALTH_ZONE_STALE)) {
		abort();
	}
	return 0;
}
