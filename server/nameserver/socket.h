/*
 * socket.h - sockets made for anycast, before anything answers on them.
 *
 * Made by the main thread while it still has its privileges; each worker gets
 * one of each kind an address (SO_REUSEPORT).
 */
#pragma once

#include "lib/base/address.h"
#include "lib/base/status.h"

enum socket_kind {
	SOCKET_UDP,
	SOCKET_TCP,
};

enum {
	SOCKET_ERROR_MAX = 256,
	SOCKET_MSS_IPV6 = 1220, /* what fits 1280 octets, RFC 8200 5 */
};

/*
 * Does anybody, a second rootcastd too, have the address already? SO_REUSEPORT
 * would let two servers share it in silence, each with half of the queries. The
 * error line is 'cannot listen on udp 127.0.0.1@53: address in use'.
 */
must_check enum status socket_probe(enum socket_kind kind,
				    const struct address *address,
				    char error[SOCKET_ERROR_MAX]);

/*
 * Open and bind (TCP: listen). mss: for TCP, 0 for SOCKET_MSS_IPV6 on IPv6 and
 * nothing on IPv4. On success the caller closes *out.
 */
must_check enum status socket_open(enum socket_kind kind,
				   const struct address *address, unsigned mss,
				   int *out, char error[SOCKET_ERROR_MAX]);
