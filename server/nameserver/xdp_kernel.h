/*
 * xdp_kernel.h - what the program in the kernel (xdp_kernel.bpf.c) and
 * rootcastd share: the keys and values of its maps.
 */
#pragma once

#include <linux/types.h>

enum {
	XDP_KERNEL_LISTENERS_MAX = 4096,
	XDP_KERNEL_MAC_SIZE = 6,
};

/* Key of the map 'listeners'; its value, one octet, means nothing. */
struct xdp_kernel_listener {
	__u8 address[16]; /* IPv4: the first 4, the rest zero */
	__u16 port;       /* network order */
	__u16 family;     /* AF_INET or AF_INET6 */
};

/* The one value of the map 'settings'. */
struct xdp_kernel_settings {
	__u8 mac[XDP_KERNEL_MAC_SIZE]; /* the interface's own */
	__u16 frame_max;               /* octets that a ring's frame takes */
};
