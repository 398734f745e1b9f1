/*
 * service_address.h - service addresses that route control puts on lo itself.
 *
 * Of services with '"addresses": "manage"': each probe address is added to lo
 * as a host address before the first probe, so before any route to it is
 * announced, and removed at a planned end, after the withdrawal and linger_ms.
 * IPv6 addresses are added without duplicate address detection: other sites have
 * the same one (RFC 4862 5.4, RFC 7094 4.5). An address that stands there already
 * is somebody else's: it is used, and left. After a crash addresses stay; they are
 * known again by their protocol number, where the kernel keeps one (5.18).
 *
 * The loop's thread, or before it runs. Waits for the kernel only.
 */
#pragma once

#include "server/route/config_route.h"

struct service_addresses;

/* NULL: no memory. */
struct service_addresses *service_addresses_new(void);

/*
 * Add what this configuration manages and is not there. Trouble is logged, an
 * address a line; its probes will fail, and its prefixes stay withdrawn. What an
 * earlier configuration had added stays until the end.
 */
void service_addresses_add(struct service_addresses *addresses,
			   const struct config_route *config);

/* Remove what was added. */
void service_addresses_remove(struct service_addresses *addresses);
void service_addresses_free(struct service_addresses *addresses);
