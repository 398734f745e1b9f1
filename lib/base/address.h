/*
 * address.h - IP addresses, ports and prefixes as operators write them.
 *
 * Values, copied freely. An IPv4 address stands in the first 4 octets; the rest
 * is zero, so that two equal addresses are equal under memcmp().
 */
#pragma once

#include "lib/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
	uint16_t family;    /* AF_INET or AF_INET6 */
	uint16_t port;      /* host order; 0 where there is none */
	uint32_t scope;     /* interface index of a link-local IPv6 address */
	uint8_t octets[16]; /* network order */
};

struct prefix {
	uint16_t family; /* AF_INET or AF_INET6 */
	uint8_t length;  /* 0..32 or 0..128 bits */
	uint8_t octets[16];
};

enum {
	ADDRESS_TEXT_MAX = 64, /* 'ADDR%scope@PORT' and its zero */
	PREFIX_TEXT_MAX = 64,
};

/*
 * Read 'ADDR' or 'ADDR@PORT' (IPv6 without brackets, '%interface' for a
 * link-local one). default_port stands where no port is given.
 */
must_check enum status address_load(struct address *out, const char *text,
				    uint16_t default_port);

/* Write 'ADDR@PORT', or 'ADDR' where the port is 0. Returns text. */
const char *address_dump(const struct address *address,
			 char text[ADDRESS_TEXT_MAX]);

/* Octets of the address itself: 4 or 16. */
static inline size_t address_size(uint16_t family)
{
	return family == AF_INET ? 4 : 16;
}

bool address_equal(const struct address *a, const struct address *b);
bool address_is_wildcard(const struct address *address);
bool address_is_loopback(const struct address *address);
bool address_is_link_local(const struct address *address);

/* To and from the kernel's form; the size written is returned. */
socklen_t address_to_sockaddr(const struct address *address,
			      struct sockaddr_storage *out);
must_check enum status address_from_sockaddr(struct address *out,
					     const struct sockaddr *from);

/* Read 'ADDR/LENGTH'. Host bits that are set are an error: STATUS_BAD_DATA. */
must_check enum status prefix_load(struct prefix *out, const char *text);
const char *prefix_dump(const struct prefix *prefix,
			char text[PREFIX_TEXT_MAX]);
bool prefix_equal(const struct prefix *a, const struct prefix *b);
bool prefix_contains(const struct prefix *prefix,
		     const struct address *address);
