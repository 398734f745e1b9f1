#include "server/route/speaker_socket.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	TTL_MAX = 255,
	DSCP_CS6 = 0xc0, /* RFC 4594 3.1: network control */
	LISTEN_BACKLOG = 64,
};

static bool option_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

static bool ttl_set(int fd, uint16_t family, int ttl)
{
	return family == AF_INET
		       ? option_set(fd, IPPROTO_IP, IP_TTL, ttl)
		       : option_set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
}

static bool least_ttl_set(int fd, uint16_t family, int ttl)
{
	return family == AF_INET
		       ? option_set(fd, IPPROTO_IP, IP_MINTTL, ttl)
		       : option_set(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, ttl);
}

static bool hops_set(int fd, const struct speaker_peer *peer, bool is_internal)
{
	int hops = peer->multihop > 1 ? peer->multihop : 1;
	uint16_t family = peer->address.family;

	if (peer->ttl_security) {
		/* RFC 5082 3: what comes from further away has a lower TTL. */
		return ttl_set(fd, family, TTL_MAX) &&
		       least_ttl_set(fd, family, TTL_MAX + 1 - hops);
	}
	if (is_internal && hops == 1) {
		return true; /* iBGP may cross the site: the system's TTL */
	}
	return ttl_set(fd, family, hops);
}

bool speaker_socket_set_key(int fd, const struct speaker_peer *peer)
{
	struct tcp_md5sig key;
	size_t size = strlen(peer->password);

	if (size == 0) {
		return true;
	}
	memset(&key, 0, sizeof(key));
	address_to_sockaddr(&peer->address, &key.tcpm_addr);
	key.tcpm_keylen = (uint16_t)size;
	memcpy(key.tcpm_key, peer->password, size);
	return setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)) == 0;
}

/* What every connection gets, however it came about. */
static bool session_set(int fd, const struct speaker_peer *peer,
			bool is_internal)
{
	/* RFC 9687's send hold time, kept by the kernel as well. */
	int hold = peer->hold_s > 0 ? peer->hold_s : SPEAKER_HOLD_S;

	return option_set(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
	       option_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 2 * hold * 1000) &&
	       hops_set(fd, peer, is_internal);
}

static void class_set(int fd, uint16_t family)
{
	/* A courtesy: a session works without it. */
	if (family == AF_INET) {
		option_set(fd, IPPROTO_IP, IP_TOS, DSCP_CS6);
	} else {
		option_set(fd, IPPROTO_IPV6, IPV6_TCLASS, DSCP_CS6);
	}
}

static bool bind_to(int fd, const struct address *address)
{
	struct sockaddr_storage to;
	socklen_t size = address_to_sockaddr(address, &to);

	return bind(fd, (struct sockaddr *)&to, size) == 0;
}

static bool connect_to(int fd, const struct address *address)
{
	struct sockaddr_storage to;
	socklen_t size = address_to_sockaddr(address, &to);

	return connect(fd, (struct sockaddr *)&to, size) == 0 ||
	       errno == EINPROGRESS;
}

/* Prepare a fresh socket step by step; NULL, or what could not be done. */
static const char *connect_prepare(int fd, const struct speaker_peer *peer,
				   bool is_internal)
{
	struct address source = peer->source;

	source.port = 0;
	if (source.family != 0 && source.scope == 0 &&
	    address_is_link_local(&source)) {
		source.scope = peer->address.scope;
	}
	class_set(fd, peer->address.family);
	if (!session_set(fd, peer, is_internal)) {
		return "cannot set the TTL";
	}
	if (!speaker_socket_set_key(fd, peer)) {
		return "cannot set the password (TCP-MD5)";
	}
	if (source.family != 0 && !bind_to(fd, &source)) {
		return "cannot bind to its source";
	}
	if (!connect_to(fd, &peer->address)) {
		return "cannot connect";
	}
	return NULL;
}

static int socket_new(uint16_t family)
{
	return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int give_up(int fd, const char **what, const char *reason)
{
	int saved = errno;

	*what = reason;
	if (fd >= 0) {
		close(fd);
	}
	errno = saved;
	return -1;
}

int speaker_socket_connect(const struct speaker_peer *peer, bool is_internal,
			   const char **what)
{
	int fd = socket_new(peer->address.family);
	const char *trouble;

	if (fd < 0) {
		return give_up(fd, what, "cannot open a socket");
	}
	trouble = connect_prepare(fd, peer, is_internal);
	return trouble == NULL ? fd : give_up(fd, what, trouble);
}

int speaker_socket_listen(const struct address *address, const char **what)
{
	int fd = socket_new(address->family);

	if (fd < 0) {
		return give_up(fd, what, "cannot open a socket");
	}
	if (address->family == AF_INET6) {
		option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	}
	option_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	/* The SYN-ACK is ours already: a peer with GTSM wants 255 in it. */
	ttl_set(fd, address->family, TTL_MAX);
	class_set(fd, address->family);
	if (!bind_to(fd, address)) {
		return give_up(fd, what, "cannot bind");
	}
	if (listen(fd, LISTEN_BACKLOG) != 0) {
		return give_up(fd, what, "cannot listen");
	}
	return fd;
}

bool speaker_socket_adopt(int fd, const struct speaker_peer *peer,
			  bool is_internal)
{
	class_set(fd, peer->address.family);
	return session_set(fd, peer, is_internal);
}

size_t speaker_socket_unacknowledged(int fd)
{
	int octets = 0;

	if (ioctl(fd, SIOCOUTQ, &octets) != 0 || octets < 0) {
		return 0;
	}
	return (size_t)octets;
}

void speaker_socket_reset(int fd)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}
