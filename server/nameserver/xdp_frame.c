/*
 * xdp_frame.c - UDP datagrams as they lie on an Ethernet.
 *
 * The checksum of a reply is not taken anew from octets whose sum is known
 * already: most of a compiled reply.
 *
 * Addresses that no host can have as a source are refused, as the kernel does
 * before its sockets (RFC 1122 3.2.1.3, RFC 4291 2.5 and 2.7): a reply to them
 * would be a broadcast, or come back to us.
 */
#include "server/nameserver/xdp_frame.h"

#include "lib/base/checksum.h"
#include "lib/base/wire.h"

#include <stdbool.h>

enum {
	MAC_SIZE = 6,
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_TAG = 0x8100,         /* IEEE 802.1Q */
	TYPE_SERVICE_TAG = 0x88a8, /* IEEE 802.1ad */
	PROTOCOL_UDP = 17,
	HOPS = 64, /* RFC 1700's recommended TTL */

	/* From the start of the IP header. */
	IPV4_LENGTH = 2,
	IPV4_ID = 4,
	IPV4_FRAGMENT = 6,
	IPV4_TTL = 8,
	IPV4_PROTOCOL = 9,
	IPV4_CHECKSUM = 10,
	IPV4_SOURCE = 12,
	IPV4_DESTINATION = 16,
	IPV6_LENGTH = 4,
	IPV6_NEXT = 6,
	IPV6_HOPS = 7,
	IPV6_SOURCE = 8,
	IPV6_DESTINATION = 24,

	/* From the start of the UDP header. */
	UDP_SOURCE = 0,
	UDP_DESTINATION = 2,
	UDP_LENGTH = 4,
	UDP_CHECKSUM = 6,

	IPV4_DONT_FRAGMENT = 0x4000,
};

static inline void store16(uint8_t *p, uint16_t word)
{
	memcpy(p, &word, sizeof(word));
}

/* RFC 768 and RFC 8200 8.1: the two addresses, the protocol, the length. */
static uint64_t sum_pseudo_header(const uint8_t *network, bool is_ipv6,
				  size_t udp_size)
{
	const uint8_t rest[4] = {0, PROTOCOL_UDP, (uint8_t)(udp_size >> 8),
				 (uint8_t)udp_size};
	uint64_t addresses = is_ipv6 ? checksum_sum(network + IPV6_SOURCE, 32)
				     : checksum_sum(network + IPV4_SOURCE, 8);

	return addresses + checksum_load32(rest);
}

/* --- in -------------------------------------------------------------------- */

static bool is_bad_source_ipv4(const uint8_t *address)
{
	/* 'this' network, loopback, multicast, reserved and broadcast */
	return address[0] == 0 || address[0] == 127 || address[0] >= 224;
}

static bool is_bad_source_ipv6(const uint8_t *address)
{
	static const uint8_t zeros[16];
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return address[0] == 0xff ||
	       memcmp(address, mapped, sizeof(mapped)) == 0 ||
	       /* unspecified (::) and loopback (::1) */
	       (memcmp(address, zeros, 15) == 0 && address[15] <= 1);
}

static enum xdp_frame_verdict check_udp(const uint8_t *network, bool is_ipv6,
					const uint8_t *udp, size_t udp_size)
{
	uint16_t given = checksum_load16(udp + UDP_CHECKSUM);
	uint64_t pseudo = sum_pseudo_header(network, is_ipv6, udp_size);

	if (given == 0) {
		return is_ipv6 ? XDP_FRAME_BAD_CHECKSUM : XDP_FRAME_GOOD;
	}
	if (checksum_fold(pseudo + checksum_sum(udp, udp_size)) == 0xffff) {
		return XDP_FRAME_GOOD;
	}
	return given == checksum_fold(pseudo) ? XDP_FRAME_PARTIAL_CHECKSUM
					      : XDP_FRAME_BAD_CHECKSUM;
}

/* The size of what the IPv4 header carries, or 0 where that cannot be ours. */
static size_t ipv4_content(const uint8_t *network, size_t left)
{
	size_t length;

	if (left < XDP_FRAME_IPV4_SIZE || network[0] != 0x45 ||
	    network[IPV4_PROTOCOL] != PROTOCOL_UDP ||
	    (wire_get16(network + IPV4_FRAGMENT) & ~IPV4_DONT_FRAGMENT) != 0) {
		return 0;
	}
	length = wire_get16(network + IPV4_LENGTH);
	return length >= XDP_FRAME_IPV4_SIZE && length <= left
		       ? length - XDP_FRAME_IPV4_SIZE
		       : 0;
}

static size_t ipv6_content(const uint8_t *network, size_t left)
{
	size_t length;

	if (left < XDP_FRAME_IPV6_SIZE || network[0] >> 4 != 6 ||
	    network[IPV6_NEXT] != PROTOCOL_UDP) {
		return 0;
	}
	length = wire_get16(network + IPV6_LENGTH);
	return length <= left - XDP_FRAME_IPV6_SIZE ? length : 0;
}

/* The offset behind the VLAN tags, and the type that stands there. */
static size_t skip_tags(const uint8_t *frame, size_t size, uint16_t *type)
{
	size_t at = XDP_FRAME_ETHERNET_SIZE;

	*type = wire_get16(frame + at - 2);
	for (unsigned i = 0; i < XDP_FRAME_TAGS_MAX; i++) {
		if ((*type != TYPE_TAG && *type != TYPE_SERVICE_TAG) ||
		    size < at + XDP_FRAME_TAG_SIZE) {
			break;
		}
		at += XDP_FRAME_TAG_SIZE;
		*type = wire_get16(frame + at - 2);
	}
	return at;
}

enum xdp_frame_verdict xdp_frame_parse(const uint8_t *frame, size_t size,
				       struct xdp_frame *out)
{
	const uint8_t *network;
	const uint8_t *udp;
	uint16_t type;
	size_t at;
	size_t content;
	size_t udp_size;
	bool is_ipv6;
	enum xdp_frame_verdict verdict;

	if (size < XDP_FRAME_ETHERNET_SIZE) {
		return XDP_FRAME_MALFORMED;
	}
	at = skip_tags(frame, size, &type);
	is_ipv6 = type == TYPE_IPV6;
	if (!is_ipv6 && type != TYPE_IPV4) {
		return XDP_FRAME_MALFORMED;
	}
	network = frame + at;
	content = is_ipv6 ? ipv6_content(network, size - at)
			  : ipv4_content(network, size - at);
	if (content < XDP_FRAME_UDP_SIZE) {
		return XDP_FRAME_MALFORMED;
	}
	udp = network + (is_ipv6 ? XDP_FRAME_IPV6_SIZE : XDP_FRAME_IPV4_SIZE);
	udp_size = wire_get16(udp + UDP_LENGTH);
	if (udp_size < XDP_FRAME_UDP_SIZE || udp_size > content) {
		return XDP_FRAME_MALFORMED;
	}
	if (!is_ipv6 && checksum_fold(checksum_sum(
				network, XDP_FRAME_IPV4_SIZE)) != 0xffff) {
		return XDP_FRAME_BAD_CHECKSUM;
	}
	verdict = check_udp(network, is_ipv6, udp, udp_size);
	if (verdict == XDP_FRAME_BAD_CHECKSUM) {
		return verdict;
	}
	if ((frame[MAC_SIZE] & 1) != 0 ||
	    checksum_load16(udp + UDP_SOURCE) == 0 ||
	    (is_ipv6 ? is_bad_source_ipv6(network + IPV6_SOURCE)
		     : is_bad_source_ipv4(network + IPV4_SOURCE))) {
		return XDP_FRAME_BAD_SOURCE;
	}
	*out = (struct xdp_frame){
		.start = frame,
		.payload = udp + XDP_FRAME_UDP_SIZE,
		.payload_size = (uint16_t)(udp_size - XDP_FRAME_UDP_SIZE),
		.network = (uint16_t)at,
		.headers = (uint16_t)(udp + XDP_FRAME_UDP_SIZE - frame),
		.is_ipv6 = is_ipv6,
	};
	return verdict;
}

/* --- out ------------------------------------------------------------------- */

static void write_ipv4(uint8_t *network, size_t udp_size, uint16_t id)
{
	wire_put16(network, 0x4500);
	wire_put16(network + IPV4_LENGTH,
		   (uint16_t)(XDP_FRAME_IPV4_SIZE + udp_size));
	wire_put16(network + IPV4_ID, id);
	/* As the socket path: may be fragmented, keeps no path MTU. */
	wire_put16(network + IPV4_FRAGMENT, 0);
	network[IPV4_TTL] = HOPS;
	network[IPV4_PROTOCOL] = PROTOCOL_UDP;
	store16(network + IPV4_CHECKSUM, 0);
	store16(network + IPV4_CHECKSUM,
		(uint16_t)~checksum_fold(
			checksum_sum(network, XDP_FRAME_IPV4_SIZE)));
}

static void write_ipv6(uint8_t *network, size_t udp_size)
{
	wire_put32(network, UINT32_C(6) << 28);
	wire_put16(network + IPV6_LENGTH, (uint16_t)udp_size);
	network[IPV6_NEXT] = PROTOCOL_UDP;
	network[IPV6_HOPS] = HOPS;
}

/* The sum of a UDP header and its payload, of which a part's sum is known. */
static uint64_t sum_udp(const uint8_t *udp, size_t udp_size,
			const struct checksum_part *known)
{
	size_t before = XDP_FRAME_UDP_SIZE + (size_t)known->at;
	size_t after = before + known->size;

	if (known->size == 0) {
		return checksum_sum(udp, udp_size);
	}
	return checksum_sum(udp, before) + checksum_at(known->sum, before) +
	       checksum_at(checksum_fold(
				   checksum_sum(udp + after, udp_size - after)),
			   after);
}

static size_t finish(uint8_t *frame, size_t network, int is_ipv6,
		     size_t payload_size, const struct checksum_part *known,
		     uint16_t id)
{
	size_t udp_size = XDP_FRAME_UDP_SIZE + payload_size;
	uint8_t *ip = frame + network;
	uint8_t *udp =
		ip + (is_ipv6 ? XDP_FRAME_IPV6_SIZE : XDP_FRAME_IPV4_SIZE);
	uint16_t checksum;

	if (is_ipv6) {
		write_ipv6(ip, udp_size);
	} else {
		write_ipv4(ip, udp_size, id);
	}
	wire_put16(udp + UDP_LENGTH, (uint16_t)udp_size);
	store16(udp + UDP_CHECKSUM, 0);
	checksum = (uint16_t)~checksum_fold(
		sum_pseudo_header(ip, is_ipv6, udp_size) +
		sum_udp(udp, udp_size, known));
	/* RFC 768: 0 would mean that there is none. */
	store16(udp + UDP_CHECKSUM, checksum != 0 ? checksum : 0xffff);
	return (size_t)(udp - frame) + udp_size;
}

size_t xdp_frame_finish(uint8_t *frame, size_t network, int is_ipv6,
			size_t payload_size, uint16_t id)
{
	static const struct checksum_part nothing;

	return finish(frame, network, is_ipv6, payload_size, &nothing, id);
}

size_t xdp_frame_reply(const struct xdp_frame *query, uint8_t *reply,
		       size_t payload_size, const struct checksum_part *known,
		       uint16_t id)
{
	const uint8_t *from = query->start;
	const uint8_t *ip = from + query->network;
	const uint8_t *udp = query->payload - XDP_FRAME_UDP_SIZE;
	uint8_t *to = reply + query->network;
	uint8_t *reply_udp = reply + query->headers - XDP_FRAME_UDP_SIZE;

	memcpy(reply, from + MAC_SIZE, MAC_SIZE);
	memcpy(reply + MAC_SIZE, from, MAC_SIZE);
	/* The type, and the tags with their priority. */
	memcpy(reply + 2 * MAC_SIZE, from + 2 * MAC_SIZE,
	       query->network - (size_t)(2 * MAC_SIZE));
	if (query->is_ipv6) {
		memcpy(to + IPV6_SOURCE, ip + IPV6_DESTINATION, 16);
		memcpy(to + IPV6_DESTINATION, ip + IPV6_SOURCE, 16);
	} else {
		memcpy(to + IPV4_SOURCE, ip + IPV4_DESTINATION, 4);
		memcpy(to + IPV4_DESTINATION, ip + IPV4_SOURCE, 4);
	}
	memcpy(reply_udp + UDP_SOURCE, udp + UDP_DESTINATION, 2);
	memcpy(reply_udp + UDP_DESTINATION, udp + UDP_SOURCE, 2);
	return finish(reply, query->network, query->is_ipv6, payload_size,
		      known, id);
}
