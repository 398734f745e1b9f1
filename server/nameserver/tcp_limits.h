/*
 * tcp_limits.h - what tcp.c asks of the limits that tcp.h declares. Any thread.
 */
#pragma once

#include "lib/base/address.h"
#include "server/nameserver/tcp.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	TCP_LIMITS_ROWS = 2,
};

/* Where one connection is counted; kept by it until it ends. */
struct tcp_place {
	uint32_t slot[TCP_LIMITS_ROWS];
};

enum tcp_verdict {
	TCP_WELCOME,
	TCP_OVER_CLIENTS, /* counted nevertheless: leave, or make room */
	TCP_OVER_PREFIX,  /* not counted */
};

/*
 * Count a connection from that address. After TCP_WELCOME and TCP_OVER_CLIENTS
 * tcp_limits_leave() must follow in the end.
 */
enum tcp_verdict tcp_limits_enter(struct tcp_limits *limits,
				  const struct address *peer,
				  struct tcp_place *place);
void tcp_limits_leave(struct tcp_limits *limits, const struct tcp_place *place);
