#include "lib/base/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A decimal number of digits only, 0..most. */
static enum status number_load(unsigned *out, const char *text, unsigned most)
{
	unsigned value = 0;

	if (*text == '\0') {
		return STATUS_BAD_SYNTAX;
	}
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9') {
			return STATUS_BAD_SYNTAX;
		}
		value = value * 10 + (unsigned)(*text - '0');
		if (value > most) {
			return STATUS_OUT_OF_RANGE;
		}
	}
	*out = value;
	return STATUS_OK;
}

enum status address_load(struct address *out, const char *text,
			 uint16_t default_port)
{
	struct address address = {.port = default_port};
	char host[ADDRESS_TEXT_MAX];
	const char *at = strchr(text, '@');
	size_t length = at != NULL ? (size_t)(at - text) : strlen(text);
	char *scope;

	if (length >= sizeof(host)) {
		return STATUS_BAD_SYNTAX;
	}
	memcpy(host, text, length);
	host[length] = '\0';
	if (at != NULL) {
		unsigned port;
		enum status status = number_load(&port, at + 1, 65535);

		if (status != STATUS_OK || port == 0) {
			return STATUS_BAD_SYNTAX;
		}
		address.port = (uint16_t)port;
	}
	scope = strchr(host, '%');
	if (scope != NULL) {
		*scope++ = '\0';
	}
	if (scope == NULL && inet_pton(AF_INET, host, address.octets) == 1) {
		address.family = AF_INET;
	} else if (inet_pton(AF_INET6, host, address.octets) == 1) {
		address.family = AF_INET6;
	} else {
		return STATUS_BAD_SYNTAX;
	}
	if (scope != NULL) {
		/*
		 * RFC 4007 11: a zone tells links apart, not global addresses.
		 */
		if (!address_is_link_local(&address) || *scope == '\0') {
			return STATUS_BAD_SYNTAX;
		}
		address.scope = if_nametoindex(scope);
		if (address.scope == 0) {
			return STATUS_NOT_FOUND;
		}
	}
	*out = address;
	return STATUS_OK;
}

const char *address_dump(const struct address *address,
			 char text[ADDRESS_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN] = "?";
	char name[IF_NAMESIZE] = "";
	int used;

	inet_ntop(address->family, address->octets, host, sizeof(host));
	if (address->scope != 0 &&
	    if_indextoname(address->scope, name) == NULL) {
		snprintf(name, sizeof(name), "%u", address->scope);
	}
	used = snprintf(text, ADDRESS_TEXT_MAX, "%s%s%s", host,
			name[0] != '\0' ? "%" : "", name);
	if (address->port != 0 && used > 0 && used < ADDRESS_TEXT_MAX) {
		snprintf(text + used, (size_t)(ADDRESS_TEXT_MAX - used), "@%u",
			 address->port);
	}
	return text;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && a->port == b->port &&
	       a->scope == b->scope && memcmp(a->octets, b->octets, 16) == 0;
}

bool address_is_wildcard(const struct address *address)
{
	static const uint8_t zero[16];

	return memcmp(address->octets, zero, 16) == 0;
}

bool address_is_loopback(const struct address *address)
{
	static const uint8_t loopback6[16] = {[15] = 1};

	if (address->family == AF_INET) {
		return address->octets[0] == 127;
	}
	return memcmp(address->octets, loopback6, 16) == 0;
}

bool address_is_link_local(const struct address *address)
{
	return address->family == AF_INET6 && address->octets[0] == 0xfe &&
	       (address->octets[1] & 0xc0) == 0x80;
}

socklen_t address_to_sockaddr(const struct address *address,
			      struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (address->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;

		in->sin_family = AF_INET;
		in->sin_port = htons(address->port);
		memcpy(&in->sin_addr, address->octets, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(address->port);
	in6->sin6_scope_id = address->scope;
	memcpy(&in6->sin6_addr, address->octets, 16);
	return sizeof(*in6);
}

enum status address_from_sockaddr(struct address *out,
				  const struct sockaddr *from)
{
	struct address address = {0};

	if (from->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)from;

		address.family = AF_INET;
		address.port = ntohs(in->sin_port);
		memcpy(address.octets, &in->sin_addr, 4);
	} else if (from->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 =
			(const struct sockaddr_in6 *)from;

		address.family = AF_INET6;
		address.port = ntohs(in6->sin6_port);
		address.scope = in6->sin6_scope_id;
		memcpy(address.octets, &in6->sin6_addr, 16);
	} else {
		return STATUS_NOT_SUPPORTED;
	}
	*out = address;
	return STATUS_OK;
}

/* Clear every bit behind the first length bits. */
static void mask_octets(uint8_t octets[16], unsigned length)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned bits = length > i * 8 ? length - i * 8 : 0;

		if (bits < 8) {
			octets[i] &= (uint8_t)(0xff00u >> bits);
		}
	}
}

enum status prefix_load(struct prefix *out, const char *text)
{
	struct address address;
	struct prefix prefix = {0};
	char host[ADDRESS_TEXT_MAX];
	const char *slash = strchr(text, '/');
	unsigned length;
	enum status status;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(host) ||
	    memchr(text, '@', (size_t)(slash - text)) != NULL ||
	    memchr(text, '%', (size_t)(slash - text)) != NULL) {
		return STATUS_BAD_SYNTAX;
	}
	memcpy(host, text, (size_t)(slash - text));
	host[slash - text] = '\0';
	status = address_load(&address, host, 0);
	if (status != STATUS_OK) {
		return status;
	}
	status = number_load(&length, slash + 1,
			     address.family == AF_INET ? 32 : 128);
	if (status != STATUS_OK) {
		return status;
	}
	prefix.family = address.family;
	prefix.length = (uint8_t)length;
	memcpy(prefix.octets, address.octets, 16);
	mask_octets(prefix.octets, length);
	if (memcmp(prefix.octets, address.octets, 16) != 0) {
		return STATUS_BAD_DATA;
	}
	*out = prefix;
	return STATUS_OK;
}

const char *prefix_dump(const struct prefix *prefix, char text[PREFIX_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN] = "?";

	inet_ntop(prefix->family, prefix->octets, host, sizeof(host));
	snprintf(text, PREFIX_TEXT_MAX, "%s/%u", host, prefix->length);
	return text;
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->family == b->family && a->length == b->length &&
	       memcmp(a->octets, b->octets, 16) == 0;
}

bool prefix_contains(const struct prefix *prefix, const struct address *address)
{
	uint8_t octets[16];

	if (prefix->family != address->family) {
		return false;
	}
	memcpy(octets, address->octets, 16);
	mask_octets(octets, prefix->length);
	return memcmp(octets, prefix->octets, 16) == 0;
}
