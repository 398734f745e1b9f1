/*
 * config_host.c - which addresses this host has, and on which subnets.
 *
 * Only for warnings: an address may well come later (service addresses are
 * often added by whoever starts us), so nothing is refused for its absence.
 */
#include "server/route/config_internal.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum {
	HOST_ADDRESSES_MAX = 1024,
};

struct host_address {
	struct address address;
	struct prefix subnet;
	unsigned interface; /* index */
};

struct host_addresses {
	size_t count;
	struct host_address list[HOST_ADDRESSES_MAX];
};

static uint8_t mask_length(const struct sockaddr *mask, uint16_t family)
{
	struct sockaddr_storage copy = {0};
	struct address address;
	unsigned length = 0;

	if (mask == NULL) {
		return family == AF_INET ? 32 : 128;
	}
	memcpy(&copy, mask,
	       family == AF_INET ? sizeof(struct sockaddr_in)
				 : sizeof(struct sockaddr_in6));
	copy.ss_family = family;
	if (address_from_sockaddr(&address, (struct sockaddr *)&copy) !=
	    STATUS_OK) {
		return family == AF_INET ? 32 : 128;
	}
	while (length < address_size(family) * 8 &&
	       (address.octets[length / 8] & 0x80 >> length % 8) != 0) {
		length++;
	}
	return (uint8_t)length;
}

struct host_addresses *host_addresses_new(void)
{
	struct host_addresses *host = calloc(1, sizeof(*host));
	struct ifaddrs *all;

	if (host == NULL || getifaddrs(&all) != 0) {
		free(host);
		return NULL;
	}
	for (const struct ifaddrs *at = all;
	     at != NULL && host->count < HOST_ADDRESSES_MAX;
	     at = at->ifa_next) {
		struct host_address *slot = &host->list[host->count];

		if (at->ifa_addr == NULL ||
		    (at->ifa_addr->sa_family != AF_INET &&
		     at->ifa_addr->sa_family != AF_INET6) ||
		    address_from_sockaddr(&slot->address, at->ifa_addr) !=
			    STATUS_OK) {
			continue;
		}
		slot->interface = if_nametoindex(at->ifa_name);
		slot->subnet.family = slot->address.family;
		slot->subnet.length =
			mask_length(at->ifa_netmask, slot->address.family);
		memcpy(slot->subnet.octets, slot->address.octets, 16);
		for (unsigned bit = slot->subnet.length;
		     bit < address_size(slot->subnet.family) * 8; bit++) {
			slot->subnet.octets[bit / 8] &=
				(uint8_t) ~(0x80 >> bit % 8);
		}
		host->count++;
	}
	freeifaddrs(all);
	return host;
}

void host_addresses_free(struct host_addresses *host)
{
	free(host);
}

bool host_has(const struct host_addresses *host, const struct address *address)
{
	for (size_t i = 0; i < host->count; i++) {
		const struct address *own = &host->list[i].address;

		if (own->family == address->family &&
		    memcmp(own->octets, address->octets, sizeof(own->octets)) ==
			    0) {
			return true;
		}
	}
	return false;
}

/* Is address on a subnet of that interface (0: of any)? */
static bool is_on(const struct host_addresses *host, unsigned interface,
		  const struct address *address)
{
	for (size_t i = 0; i < host->count; i++) {
		if ((interface == 0 || host->list[i].interface == interface) &&
		    prefix_contains(&host->list[i].subnet, address)) {
			return true;
		}
	}
	return false;
}

bool host_is_neighbour(const struct host_addresses *host,
		       const struct address *a, const struct address *b)
{
	for (size_t i = 0; i < host->count; i++) {
		if (prefix_contains(&host->list[i].subnet, a) &&
		    (b == NULL || is_on(host, host->list[i].interface, b))) {
			return true;
		}
	}
	return false;
}
