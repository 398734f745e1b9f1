/*
 * xdp_host.c - interfaces, programs, rings, and which addresses are ours.
 *
 *	interface --has--> program --in its map--> sockets, one a queue
 *	                                           listeners: address, port
 *	ring r (of all interfaces, in order) --answered by--> worker r mod n
 *
 * All or nothing for an interface: a device with sockets on half of its queues
 * would be hard to understand. Interfaces stand and fall alone.
 *
 * A listener is an address of 'listen', and for a wildcard each address that
 * the host has. Loopback addresses are none that the wire may ask, link-local
 * ones belong to one interface. The set is computed anew whenever netlink says
 * that an address or a link has changed, and only the differences are written:
 * no packet meets a half-written set.
 */
#include "server/nameserver/xdp_host.h"

#include "lib/base/log.h"
#include "server/nameserver/xdp_program.h"
#include "server/nameserver/xdp_ring.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	XDP_QUEUES_MAX = 256, /* of one interface */
};

/* A set of addresses with ports. */
struct listeners {
	struct address *list;
	size_t count;
};

struct interface {
	const struct config_xdp *config;
	unsigned index;
	uint32_t queues;
	struct xdp_program *program;
	struct xdp_ring *rings[XDP_QUEUES_MAX];
	struct xdp_kernel_settings settings;
	struct listeners listeners; /* that the program knows */
	bool is_generic;
	bool is_gone;
	bool is_full; /* too many addresses: said once */
};

struct xdp_host {
	struct xdp_host_settings settings;
	struct interface *interfaces;
	size_t interface_count;
	struct xdp_ring **rings; /* of worker 0, then of worker 1, ... */
	size_t ring_count;
	uv_poll_t netlink;
	int netlink_fd;
	bool is_followed;
	bool is_partial_told;
};

/* --- what an interface is -------------------------------------------------- */

static bool ask(int fd, unsigned long request, const char *name,
		struct ifreq *out)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->ifr_name, sizeof(out->ifr_name), "%s", name);
	return ioctl(fd, request, out) == 0;
}

/* As many as may bring packets; a device that does not say has one. */
static uint32_t count_queues(int fd, const char *name)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq request = {0};
	uint32_t count;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	request.ifr_data = (char *)&channels;
	if (ioctl(fd, SIOCETHTOOL, &request) != 0) {
		return 1;
	}
	count = channels.combined_count + channels.rx_count;
	return count < 1 ? 1 : count > XDP_QUEUES_MAX ? XDP_QUEUES_MAX : count;
}

/* Is a packet's VLAN tag gone before the program sees it? */
static bool hides_tags(const char *name)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_told;

	if (fd < 0) {
		return false;
	}
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	request.ifr_data = (char *)&flags;
	is_told = ioctl(fd, SIOCETHTOOL, &request) == 0;
	close(fd);
	return is_told && (flags.data & ETH_FLAG_RXVLAN) != 0;
}

/* NULL, or why this interface cannot be used. */
static const char *look_at(struct interface *interface, uint32_t *mtu)
{
	const char *name = interface->config->interface;
	const char *trouble = NULL;
	struct ifreq answer;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return strerror(errno);
	}
	interface->index = if_nametoindex(name);
	if (interface->index == 0 || !ask(fd, SIOCGIFHWADDR, name, &answer)) {
		trouble = "no such interface";
	} else if (answer.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
		trouble = "not an Ethernet interface";
	} else {
		memcpy(interface->settings.mac, answer.ifr_hwaddr.sa_data,
		       XDP_KERNEL_MAC_SIZE);
		interface->queues = count_queues(fd, name);
	}
	if (trouble == NULL && (!ask(fd, SIOCGIFFLAGS, name, &answer) ||
				(answer.ifr_flags & IFF_UP) == 0)) {
		trouble = "the interface is down";
	}
	if (trouble == NULL && (!ask(fd, SIOCGIFMTU, name, &answer) ||
				answer.ifr_mtu < XDP_RING_MTU_LEAST)) {
		trouble = "its MTU is too small";
	}
	*mtu = (uint32_t)answer.ifr_mtu;
	close(fd);
	return trouble;
}

/* --- start and stop of one interface --------------------------------------- */

static void interface_close(struct interface *interface)
{
	xdp_program_free(interface->program);
	for (uint32_t i = 0; i < interface->queues; i++) {
		xdp_ring_close(interface->rings[i]);
	}
	free(interface->listeners.list);
}

static bool open_rings(struct interface *interface, uint32_t mtu,
		       unsigned busy_poll_us, char error[XDP_RING_ERROR_MAX])
{
	for (uint32_t i = 0; i < interface->queues; i++) {
		const struct xdp_ring_settings settings = {
			.interface = interface->config->interface,
			.queue = i,
			.mtu = mtu,
			.must_copy = interface->is_generic,
			.busy_poll_us = busy_poll_us,
		};
		enum status status;

		interface->rings[i] = xdp_ring_open(&settings, error);
		if (interface->rings[i] == NULL) {
			return false;
		}
		status = xdp_program_set_socket(interface->program, i,
						interface->rings[i]->fd);
		if (status != STATUS_OK) {
			snprintf(error, XDP_RING_ERROR_MAX, "queue %u: %s", i,
				 status_text(status));
			return false;
		}
	}
	return true;
}

_Static_assert((int)XDP_RING_ERROR_MAX == (int)XDP_PROGRAM_ERROR_MAX,
	       "one buffer for either");

/* False with a line in error; what was made is interface_close()'s. */
static bool interface_open(struct interface *interface, unsigned busy_poll_us,
			   char error[XDP_RING_ERROR_MAX])
{
	uint32_t mtu;
	const char *trouble = look_at(interface, &mtu);
	enum status status;

	if (trouble != NULL) {
		snprintf(error, XDP_RING_ERROR_MAX, "%s", trouble);
		return false;
	}
	interface->settings.frame_max =
		(uint16_t)xdp_ring_room(xdp_ring_chunk(mtu));
	interface->program = xdp_program_load(interface->queues, error);
	if (interface->program == NULL ||
	    xdp_program_attach(interface->program, interface->index,
			       &interface->is_generic, error) != STATUS_OK ||
	    !open_rings(interface, mtu, busy_poll_us, error)) {
		return false;
	}
	status = xdp_program_set(interface->program, &interface->settings);
	if (status != STATUS_OK) {
		snprintf(error, XDP_RING_ERROR_MAX, "%s", status_text(status));
		return false;
	}
	return true;
}

static void log_interface(const struct interface *interface)
{
	log_notice("xdp: %s: %u queue%s, %s, %s", interface->config->interface,
		   interface->queues, interface->queues == 1 ? "" : "s",
		   interface->is_generic ? "generic mode" : "native mode",
		   interface->rings[0]->is_zero_copy ? "zero-copy" : "copying");
	if (hides_tags(interface->config->interface)) {
		log_warning("xdp: %s: the device takes VLAN tags off, so that "
			    "queries in a VLAN would be answered outside it: "
			    "where VLANs are in use, ethtool -K %s rxvlan off",
			    interface->config->interface,
			    interface->config->interface);
	}
}

/* --- which addresses are ours ---------------------------------------------- */

static bool is_in(const struct listeners *set, const struct address *address)
{
	for (size_t i = 0; i < set->count; i++) {
		if (address_equal(&set->list[i], address) &&
		    set->list[i].port == address->port) {
			return true;
		}
	}
	return false;
}

static bool add(struct interface *interface, struct listeners *set,
		struct address address)
{
	struct address *list;

	address.scope = 0; /* the interface is known */
	if (is_in(set, &address)) {
		return true;
	}
	if (set->count == XDP_KERNEL_LISTENERS_MAX) {
		if (!interface->is_full) {
			interface->is_full = true;
			log_warning("xdp: %s: more than %d addresses: the "
				    "socket path serves the others",
				    interface->config->interface,
				    XDP_KERNEL_LISTENERS_MAX);
		}
		return true;
	}
	list = realloc(set->list, (set->count + 1) * sizeof(list[0]));
	if (list == NULL) {
		return false;
	}
	set->list = list;
	set->list[set->count++] = address;
	return true;
}

/* Every address of the host that a packet on this interface may ask. */
static bool add_host(struct interface *interface, struct listeners *set,
		     const struct address *listen, const struct ifaddrs *host)
{
	for (; host != NULL; host = host->ifa_next) {
		struct address address;

		if (host->ifa_addr == NULL ||
		    host->ifa_addr->sa_family != listen->family ||
		    address_from_sockaddr(&address, host->ifa_addr) !=
			    STATUS_OK ||
		    address_is_loopback(&address) ||
		    (address.family == AF_INET6 &&
		     address_is_link_local(&address) &&
		     if_nametoindex(host->ifa_name) != interface->index)) {
			continue;
		}
		address.port = listen->port;
		if (!add(interface, set, address)) {
			return false;
		}
	}
	return true;
}

static bool wanted(const struct xdp_host *host, struct interface *interface,
		   const struct ifaddrs *addresses, struct listeners *set)
{
	for (size_t i = 0; i < host->settings.listen_count; i++) {
		const struct address *listen = &host->settings.listen[i];
		uint16_t port = interface->config->port;

		if ((port != 0 && listen->port != port) ||
		    address_is_loopback(listen) ||
		    (listen->scope != 0 && listen->scope != interface->index)) {
			continue;
		}
		if (!(address_is_wildcard(listen)
			      ? add_host(interface, set, listen, addresses)
			      : add(interface, set, *listen))) {
			return false;
		}
	}
	return true;
}

/* The new ones first: nothing that stays is away for a moment. */
static bool write_differences(struct interface *interface,
			      const struct listeners *set)
{
	enum status status = STATUS_OK;

	for (size_t i = 0; i < set->count && status == STATUS_OK; i++) {
		if (!is_in(&interface->listeners, &set->list[i])) {
			status = xdp_program_listen(interface->program,
						    &set->list[i]);
		}
	}
	for (size_t i = 0;
	     i < interface->listeners.count && status == STATUS_OK; i++) {
		if (!is_in(set, &interface->listeners.list[i])) {
			status = xdp_program_ignore(
				interface->program,
				&interface->listeners.list[i]);
		}
	}
	if (status != STATUS_OK) {
		log_error("xdp: %s: addresses cannot be set: %s",
			  interface->config->interface, status_text(status));
	}
	return status == STATUS_OK;
}

static bool update_listeners(const struct xdp_host *host,
			     struct interface *interface,
			     const struct ifaddrs *addresses)
{
	struct listeners set = {0};

	if (!wanted(host, interface, addresses, &set) ||
	    !write_differences(interface, &set)) {
		free(set.list);
		return false;
	}
	free(interface->listeners.list);
	interface->listeners = set;
	return true;
}

/* Its MAC and MTU, as they are now. */
static void update_link(struct interface *interface)
{
	struct interface now = {.config = interface->config};
	uint32_t mtu = 0;
	const char *trouble = look_at(&now, &mtu);

	if (now.index != interface->index) {
		interface->is_gone = true;
		log_warning("xdp: %s: the interface has gone; the socket path "
			    "serves",
			    interface->config->interface);
		return;
	}
	if (trouble != NULL) {
		return; /* down, say: it will come back */
	}
	for (uint32_t i = 0; i < interface->queues; i++) {
		atomic_store_explicit(&interface->rings[i]->mtu, mtu,
				      memory_order_relaxed);
	}
	if (memcmp(now.settings.mac, interface->settings.mac,
		   XDP_KERNEL_MAC_SIZE) != 0) {
		memcpy(interface->settings.mac, now.settings.mac,
		       XDP_KERNEL_MAC_SIZE);
		if (xdp_program_set(interface->program, &interface->settings) !=
		    STATUS_OK) {
			log_error("xdp: %s: its new MAC cannot be set",
				  interface->config->interface);
		}
	}
}

static bool update_all(struct xdp_host *host)
{
	struct ifaddrs *addresses = NULL;
	bool is_good = true;

	if (getifaddrs(&addresses) != 0) {
		log_error("xdp: the host's addresses cannot be read: %s",
			  strerror(errno));
		return false;
	}
	for (size_t i = 0; i < host->interface_count; i++) {
		struct interface *interface = &host->interfaces[i];

		if (!interface->is_gone) {
			update_link(interface);
		}
		if (!interface->is_gone) {
			is_good =
				update_listeners(host, interface, addresses) &&
				is_good;
		}
	}
	freeifaddrs(addresses);
	return is_good;
}

/* --- netlink --------------------------------------------------------------- */

static int open_netlink(void)
{
	const struct sockaddr_nl name = {
		.nl_family = AF_NETLINK,
		.nl_groups =
			RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_ROUTE);

	if (fd >= 0 &&
	    bind(fd, (const struct sockaddr *)&name, sizeof(name)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* What exactly changed is not asked: everything is read anew. Messages that
 * were lost (ENOBUFS) change nothing about that. */
static void on_netlink(uv_poll_t *poll, int status, int events)
{
	struct xdp_host *host = poll->data;
	char ignored[8192];
	ssize_t got;

	(void)status;
	(void)events;
	do {
		got = recv(host->netlink_fd, ignored, sizeof(ignored), 0);
	} while (got > 0 || (got < 0 && (errno == EINTR || errno == ENOBUFS)));
	(void)update_all(host);
}

bool xdp_host_follow(struct xdp_host *host, uv_loop_t *loop)
{
	int error = uv_poll_init(loop, &host->netlink, host->netlink_fd);

	if (error == 0) {
		host->is_followed = true;
		host->netlink.data = host;
		error = uv_poll_start(&host->netlink, UV_READABLE, on_netlink);
	}
	if (error != 0) {
		log_error("xdp: netlink: %s", uv_strerror(error));
	}
	return error == 0;
}

/* --- all of them ----------------------------------------------------------- */

/* Ring r is worker r mod n's; a worker's stand in a row. */
static bool deal_rings(struct xdp_host *host)
{
	unsigned workers = host->settings.workers;
	size_t at = 0;

	for (size_t i = 0; i < host->interface_count; i++) {
		host->ring_count += host->interfaces[i].queues;
	}
	host->rings = calloc(host->ring_count, sizeof(host->rings[0]));
	if (host->rings == NULL) {
		return false;
	}
	for (unsigned worker = 0; worker < workers; worker++) {
		size_t r = 0;

		for (size_t i = 0; i < host->interface_count; i++) {
			struct interface *interface = &host->interfaces[i];

			for (uint32_t q = 0; q < interface->queues; q++) {
				if (r++ % workers == worker) {
					host->rings[at++] = interface->rings[q];
				}
			}
		}
	}
	return true;
}

struct xdp_ring *const *xdp_host_rings(const struct xdp_host *host,
				       unsigned worker, size_t *count)
{
	size_t each = host->ring_count / host->settings.workers;
	size_t left = host->ring_count % host->settings.workers;

	*count = each + (worker < left);
	return host->rings + worker * each + (worker < left ? worker : left);
}

static void open_interface(struct xdp_host *host,
			   const struct config_xdp *config)
{
	struct interface *interface = &host->interfaces[host->interface_count];
	char error[XDP_RING_ERROR_MAX];

	interface->config = config;
	if (interface_open(interface, host->settings.busy_poll_us, error)) {
		host->interface_count++;
		log_interface(interface);
		return;
	}
	log_warning("xdp: %s: %s; the socket path serves", config->interface,
		    error);
	interface_close(interface);
	memset(interface, 0, sizeof(*interface));
}

struct xdp_host *xdp_host_open(const struct xdp_host_settings *settings)
{
	struct xdp_host *host = calloc(1, sizeof(*host));

	if (host == NULL) {
		log_error("xdp: %s", status_text(STATUS_NO_MEMORY));
		return NULL;
	}
	host->settings = *settings;
	host->netlink_fd = open_netlink();
	host->interfaces =
		calloc(settings->interface_count, sizeof(host->interfaces[0]));
	if (host->netlink_fd < 0 || host->interfaces == NULL) {
		log_error("xdp: %s", strerror(errno));
		xdp_host_free(host);
		return NULL;
	}
	for (size_t i = 0; i < settings->interface_count; i++) {
		open_interface(host, &settings->interfaces[i]);
	}
	if (host->interface_count == 0 || !deal_rings(host) ||
	    !update_all(host)) {
		xdp_host_free(host);
		return NULL;
	}
	return host;
}

void xdp_host_watch(struct xdp_host *host, const struct counters *counters)
{
	struct counters_totals totals = {0};

	if (host->is_partial_told) {
		return;
	}
	counters_add_all(counters, COUNTERS_XDP, &totals);
	if (totals.partial_checksum > 0) {
		host->is_partial_told = true;
		log_warning("xdp: queries are dropped whose UDP checksum the "
			    "sender has left to its device, which did not "
			    "write it (veth, virtio): turn that off on the "
			    "sender's side, ethtool -K INTERFACE tx off, or "
			    "accept them with \"xdp_partial_checksum\": true");
	}
}

void xdp_host_detach(struct xdp_host *host)
{
	for (size_t i = 0; host != NULL && i < host->interface_count; i++) {
		xdp_program_detach(host->interfaces[i].program);
	}
}

void xdp_host_close(struct xdp_host *host)
{
	if (host != NULL && host->is_followed) {
		host->is_followed = false;
		uv_close((uv_handle_t *)&host->netlink, NULL);
	}
}

void xdp_host_free(struct xdp_host *host)
{
	if (host == NULL) {
		return;
	}
	for (size_t i = 0; i < host->interface_count; i++) {
		interface_close(&host->interfaces[i]);
	}
	if (host->netlink_fd >= 0) {
		close(host->netlink_fd);
	}
	free(host->interfaces);
	free(host->rings);
	free(host);
}
