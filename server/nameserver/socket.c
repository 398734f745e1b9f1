/*
 * socket.c - the options that an anycast server's sockets need, in one place.
 *
 *	IP_FREEBIND         bound before route control's address exists
 *	IPV6_V6ONLY         the families never mix
 *	IP_PMTUDISC_OMIT    UDP keeps no path MTU: a forged or misrouted
 *	                    'packet too big' changes nothing; IPv4 without DF,
 *	                    IPv6 cut at the interface's MTU only
 *	IP_PKTINFO          wildcard sockets: which address was asked
 *	TCP_MAXSEG          a 'packet too big' may reach another site
 *	SO_RCVBUF           a burst waits; 4 MiB are some 5,000 queries: under
 *	                    50 ms of work, so that no answer is late and useless
 *	SO_SNDBUF           one neighbour without an answer to ARP must not fill
 *	                    it for all
 *
 * Not used: TCP_DEFER_ACCEPT (a client whose first segment is late is cut off
 * in strange ways) and SO_RXQ_OVFL (a control message a datagram; SO_MEMINFO
 * tells the same number, even of a worker that stands still).
 */
#include "server/nameserver/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SOCKET_BUFFER = 4 << 20, /* octets */
};

static const char *reason(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "address in use";
	case EACCES:
		return "permission denied";
	case EADDRNOTAVAIL:
		return "no such address on this host";
	case EAFNOSUPPORT:
		return "this system does not speak that address family";
	default:
		return strerror(error);
	}
}

static enum status fail(enum socket_kind kind, const struct address *address,
			char error[SOCKET_ERROR_MAX])
{
	char text[ADDRESS_TEXT_MAX];
	int saved = errno;

	snprintf(error, SOCKET_ERROR_MAX, "cannot listen on %s %s: %s",
		 kind == SOCKET_UDP ? "udp" : "tcp",
		 address_dump(address, text), reason(saved));
	return saved == EADDRINUSE ? STATUS_EXISTS : status_from_errno(saved);
}

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

static int new_socket(enum socket_kind kind, const struct address *address)
{
	int type = kind == SOCKET_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int fd =
		socket(address->family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		return -1;
	}
	if ((address->family == AF_INET6 &&
	     (set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) != 0 ||
	      set(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1) != 0)) ||
	    (address->family == AF_INET &&
	     set(fd, IPPROTO_IP, IP_FREEBIND, 1) != 0) ||
	    (kind == SOCKET_TCP && set(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0)) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* Ask for more than net.core.[rw]mem_max where privileges allow it. */
static void set_buffers(int fd)
{
	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER) != 0) {
		(void)set(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
	}
	if (set(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER) != 0) {
		(void)set(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
	}
}

static int set_udp(int fd, const struct address *address)
{
	bool is_wildcard = address_is_wildcard(address);

	set_buffers(fd);
	if (address->family == AF_INET6) {
		if (set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
			IPV6_PMTUDISC_OMIT) != 0) {
			return -1;
		}
		return is_wildcard ? set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
				   : 0;
	}
	if (set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT) != 0) {
		return -1;
	}
	return is_wildcard ? set(fd, IPPROTO_IP, IP_PKTINFO, 1) : 0;
}

static int set_tcp(int fd, const struct address *address, unsigned mss)
{
	if (mss == 0 && address->family == AF_INET6) {
		mss = SOCKET_MSS_IPV6;
	}
	/* Accepted connections inherit both. */
	if (mss != 0 && set(fd, IPPROTO_TCP, TCP_MAXSEG, (int)mss) != 0) {
		return -1;
	}
	return set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

static int bind_to(int fd, const struct address *address)
{
	struct sockaddr_storage name;
	socklen_t size = address_to_sockaddr(address, &name);

	return bind(fd, (const struct sockaddr *)&name, size);
}

enum status socket_probe(enum socket_kind kind, const struct address *address,
			 char error[SOCKET_ERROR_MAX])
{
	enum status status = STATUS_OK;
	int fd = new_socket(kind, address);

	if (fd < 0) {
		return fail(kind, address, error);
	}
	if (bind_to(fd, address) != 0 ||
	    (kind == SOCKET_TCP && listen(fd, 1) != 0)) {
		status = fail(kind, address, error);
	}
	close(fd);
	return status;
}

enum status socket_open(enum socket_kind kind, const struct address *address,
			unsigned mss, int *out, char error[SOCKET_ERROR_MAX])
{
	enum status status;
	int fd = new_socket(kind, address);

	if (fd < 0) {
		return fail(kind, address, error);
	}
	if (set(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0 ||
	    (kind == SOCKET_UDP ? set_udp(fd, address)
				: set_tcp(fd, address, mss)) != 0 ||
	    bind_to(fd, address) != 0 ||
	    /* The kernel cuts the backlog down to net.core.somaxconn. */
	    (kind == SOCKET_TCP && listen(fd, 65535) != 0)) {
		status = fail(kind, address, error);
		close(fd);
		return status;
	}
	*out = fd;
	return STATUS_OK;
}
