/*
 * xdp_frame.h - UDP datagrams as they lie on an Ethernet: taken apart, checked,
 * and written.
 *
 *	Ethernet | up to two VLAN tags | IPv4 without options, or IPv6
 *	without extension headers | UDP | payload
 *
 * Pure: octets in, octets out. The octets stay the caller's. Any thread.
 */
#pragma once

#include "lib/base/checksum.h"

#include <stddef.h>
#include <stdint.h>

enum {
	XDP_FRAME_ETHERNET_SIZE = 14,
	XDP_FRAME_TAG_SIZE = 4,
	XDP_FRAME_TAGS_MAX = 2,
	XDP_FRAME_IPV4_SIZE = 20,
	XDP_FRAME_IPV6_SIZE = 40,
	XDP_FRAME_UDP_SIZE = 8,
	XDP_FRAME_HEADERS_MAX = XDP_FRAME_ETHERNET_SIZE +
				XDP_FRAME_TAGS_MAX * XDP_FRAME_TAG_SIZE +
				XDP_FRAME_IPV6_SIZE + XDP_FRAME_UDP_SIZE,
};

enum xdp_frame_verdict {
	XDP_FRAME_GOOD,
	/* Only the pseudo-header's sum stands where the UDP checksum belongs:
	 * the sender has left the rest to its device, and that has done
	 * nothing (veth, virtio). Everything else is as in a good one. */
	XDP_FRAME_PARTIAL_CHECKSUM,
	/* IPv4 header or UDP checksum; none at all over IPv6 (RFC 8200 8.1). */
	XDP_FRAME_BAD_CHECKSUM,
	/* No reply may go there: port 0, or an address that no host has. */
	XDP_FRAME_BAD_SOURCE,
	XDP_FRAME_MALFORMED, /* nothing of the above shape */
};

/* Where things are. Set for verdicts GOOD and PARTIAL_CHECKSUM. */
struct xdp_frame {
	const uint8_t *start;
	const uint8_t *payload;
	uint16_t payload_size;
	uint16_t network; /* offset of the IP header */
	uint16_t headers; /* offset of the payload, in a reply too */
	uint8_t is_ipv6;
};

/* Take a received frame apart and verify it; octets behind the datagram (the
 * padding of short frames) are ignored. */
enum xdp_frame_verdict xdp_frame_parse(const uint8_t *frame, size_t size,
				       struct xdp_frame *out);

/*
 * Write the headers of a reply in front of its payload, which the caller has
 * put at reply + query->headers: back to the MAC, VLAN, address and port that
 * the query came from, from those that it went to, with every checksum. known:
 * the part of the payload whose sum the caller knows. id: the identification of
 * an IPv4 packet. Returns the size of the frame.
 */
size_t xdp_frame_reply(const struct xdp_frame *query, uint8_t *reply,
		       size_t payload_size, const struct checksum_part *known,
		       uint16_t id);

/*
 * Fill in what is left of a frame whose Ethernet header, addresses, ports and
 * payload stand: lengths, the fixed fields of IP, checksums. Returns the size
 * of the frame.
 */
size_t xdp_frame_finish(uint8_t *frame, size_t network, int is_ipv6,
			size_t payload_size, uint16_t id);
