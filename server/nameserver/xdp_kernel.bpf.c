/*
 * xdp_kernel.bpf.c - the program in the kernel: which packets are ours.
 *
 * A UDP datagram in one piece, without IPv4 options or IPv6 extension headers,
 * to the interface's own MAC and to a listener, goes to the AF_XDP socket of
 * the queue it came on. Everything else goes on to the kernel as if nobody had
 * looked: ARP and ND, TCP, transit, fragments, what is malformed. So does what
 * comes on a queue without a socket. Checksums are looked at by rootcastd, which
 * counts.
 */
#include "server/nameserver/xdp_kernel.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stddef.h>

enum {
	FAMILY_IPV4 = 2,  /* AF_INET */
	FAMILY_IPV6 = 10, /* AF_INET6 */
	PROTOCOL_UDP = 17,
	TAGS_MAX = 2,
	MORE_OR_OFFSET = 0x3fff, /* of the IPv4 fragment field */
};

struct tag {
	__be16 control;
	__be16 type;
};

/* Sized by rootcastd before it is loaded: as many as the device has queues. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDP_KERNEL_LISTENERS_MAX);
	__type(key, struct xdp_kernel_listener);
	__type(value, __u8);
} listeners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xdp_kernel_settings);
} settings SEC(".maps");

static __always_inline int is_to_us(const struct ethhdr *ethernet, long size)
{
	const __u32 zero = 0;
	const struct xdp_kernel_settings *ours =
		bpf_map_lookup_elem(&settings, &zero);
	__u8 differs = 0;

	if (ours == NULL || size > ours->frame_max) {
		return 0;
	}
	/* There is no memcmp() to call in here. */
#pragma unroll
	for (int i = 0; i < XDP_KERNEL_MAC_SIZE; i++) {
		differs |= ethernet->h_dest[i] ^ ours->mac[i];
	}
	return differs == 0;
}

/* The UDP header where it lies whole and its length fits, or NULL. */
static __always_inline const struct udphdr *
udp_within(const void *at, long size, const void *end)
{
	const struct udphdr *udp = at;

	if ((const void *)(udp + 1) > end || size < (long)sizeof(*udp) ||
	    bpf_ntohs(udp->len) < sizeof(*udp) || bpf_ntohs(udp->len) > size) {
		return NULL;
	}
	return udp;
}

static __always_inline const struct udphdr *
read_ipv4(const void *at, const void *end, struct xdp_kernel_listener *key)
{
	const struct iphdr *ip = at;
	long length;

	if ((const void *)(ip + 1) > end || ip->version != 4 || ip->ihl != 5 ||
	    ip->protocol != PROTOCOL_UDP ||
	    (ip->frag_off & bpf_htons(MORE_OR_OFFSET)) != 0) {
		return NULL;
	}
	length = bpf_ntohs(ip->tot_len);
	if (length > end - at) {
		return NULL;
	}
	key->family = FAMILY_IPV4;
	__builtin_memcpy(key->address, &ip->daddr, sizeof(ip->daddr));
	return udp_within(ip + 1, length - (long)sizeof(*ip), end);
}

static __always_inline const struct udphdr *
read_ipv6(const void *at, const void *end, struct xdp_kernel_listener *key)
{
	const struct ipv6hdr *ip = at;
	long length;

	if ((const void *)(ip + 1) > end || ip->version != 6 ||
	    ip->nexthdr != PROTOCOL_UDP) {
		return NULL;
	}
	length = bpf_ntohs(ip->payload_len);
	if (length > end - (const void *)(ip + 1)) {
		return NULL;
	}
	key->family = FAMILY_IPV6;
	__builtin_memcpy(key->address, &ip->daddr, sizeof(ip->daddr));
	return udp_within(ip + 1, length, end);
}

SEC("xdp")
int xdp_kernel(struct xdp_md *context)
{
	const void *start = (const void *)(long)context->data;
	const void *end = (const void *)(long)context->data_end;
	const struct ethhdr *ethernet = start;
	const void *at = ethernet + 1;
	struct xdp_kernel_listener key = {0};
	const struct udphdr *udp;
	__be16 type;

	if (at > end || !is_to_us(ethernet, end - start)) {
		return XDP_PASS;
	}
	type = ethernet->h_proto;
#pragma unroll
	for (int i = 0; i < TAGS_MAX; i++) {
		const struct tag *tag = at;

		if (type != bpf_htons(ETH_P_8021Q) &&
		    type != bpf_htons(ETH_P_8021AD)) {
			break;
		}
		if ((const void *)(tag + 1) > end) {
			return XDP_PASS;
		}
		type = tag->type;
		at = tag + 1;
	}
	if (type == bpf_htons(ETH_P_IP)) {
		udp = read_ipv4(at, end, &key);
	} else if (type == bpf_htons(ETH_P_IPV6)) {
		udp = read_ipv6(at, end, &key);
	} else {
		return XDP_PASS;
	}
	if (udp == NULL) {
		return XDP_PASS;
	}
	key.port = udp->dest;
	if (bpf_map_lookup_elem(&listeners, &key) == NULL) {
		return XDP_PASS;
	}
	return (int)bpf_redirect_map(&sockets, context->rx_queue_index,
				     XDP_PASS);
}

char xdp_license[] SEC("license") = "BSD";
