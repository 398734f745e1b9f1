#include "server/route/service_address.h"

#include "lib/base/log.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	/* Older headers do not have it; older kernels ignore it. */
	ATTRIBUTE_PROTOCOL = 11,
	OUR_PROTOCOL = 0x52,
	REPLY_MAX = 32768,
	WAIT_S = 2, /* for the kernel's answer */
};

struct service_addresses {
	struct address *list; /* that were added, without ports */
	size_t count;
};

/* A request of one address; everything is aligned to 4 octets. */
struct request {
	struct nlmsghdr header;
	struct ifaddrmsg message;
	uint8_t attributes[64];
};

struct service_addresses *service_addresses_new(void)
{
	return calloc(1, sizeof(struct service_addresses));
}

void service_addresses_free(struct service_addresses *addresses)
{
	if (addresses != NULL) {
		free(addresses->list);
		free(addresses);
	}
}

static void put_attribute(struct request *request, unsigned short type,
			  const void *data, size_t size)
{
	size_t at = request->header.nlmsg_len - NLMSG_LENGTH(0) -
		    sizeof(request->message);
	struct rtattr attribute = {
		.rta_len = (unsigned short)RTA_LENGTH(size),
		.rta_type = type,
	};

	memcpy(request->attributes + at, &attribute, sizeof(attribute));
	memcpy(request->attributes + at + RTA_LENGTH(0), data, size);
	request->header.nlmsg_len += (uint32_t)RTA_SPACE(size);
}

static void request_make(struct request *request, unsigned short type,
			 const struct address *address)
{
	static const uint8_t protocol = OUR_PROTOCOL;
	static const uint32_t flags = IFA_F_NODAD;
	size_t size = address_size(address->family);

	memset(request, 0, sizeof(*request));
	request->header.nlmsg_len = NLMSG_LENGTH(sizeof(request->message));
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	request->message.ifa_family = (uint8_t)address->family;
	request->message.ifa_prefixlen = (uint8_t)(size * 8);
	request->message.ifa_index = if_nametoindex("lo");
	put_attribute(request, IFA_LOCAL, address->octets, size);
	put_attribute(request, IFA_ADDRESS, address->octets, size);
	if (type == RTM_NEWADDR) {
		request->header.nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
		put_attribute(request, ATTRIBUTE_PROTOCOL, &protocol,
			      sizeof(protocol));
		if (address->family == AF_INET6) {
			request->message.ifa_flags = IFA_F_NODAD;
			put_attribute(request, IFA_FLAGS, &flags,
				      sizeof(flags));
		}
	}
}

static int netlink_open(void)
{
	static const struct timeval wait = {.tv_sec = WAIT_S};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	}
	return fd;
}

/* Ask, and wait for the answer: 0 or an errno. */
static int ask(const struct request *request)
{
	uint8_t reply[1024] __attribute__((aligned(8)));
	const struct nlmsghdr *header = (const struct nlmsghdr *)reply;
	const struct nlmsgerr *result;
	int fd = netlink_open();
	int error = 0;
	ssize_t got;

	if (fd < 0 || send(fd, request, request->header.nlmsg_len, 0) < 0) {
		error = errno;
	} else if ((got = recv(fd, reply, sizeof(reply), 0)) < 0) {
		error = errno;
	} else if (!NLMSG_OK(header, (size_t)got) ||
		   header->nlmsg_type != NLMSG_ERROR) {
		error = EPROTO;
	} else {
		result = NLMSG_DATA(header);
		error = -result->error;
	}
	if (fd >= 0) {
		close(fd);
	}
	return error;
}

/* Is this message our address, on lo, with our protocol number? */
static bool is_ours(const struct nlmsghdr *header,
		    const struct address *address)
{
	const struct ifaddrmsg *message = NLMSG_DATA(header);
	const struct rtattr *attribute = IFA_RTA(message);
	size_t left = IFA_PAYLOAD(header);
	bool is_same = false;
	bool has_protocol = false;

	if (message->ifa_family != address->family ||
	    message->ifa_index != if_nametoindex("lo")) {
		return false;
	}
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		const uint8_t *data = RTA_DATA(attribute);
		size_t size = RTA_PAYLOAD(attribute);

		if (attribute->rta_type == IFA_ADDRESS &&
		    size == address_size(address->family)) {
			is_same = memcmp(data, address->octets, size) == 0;
		} else if (attribute->rta_type == ATTRIBUTE_PROTOCOL &&
			   size == 1) {
			has_protocol = data[0] == OUR_PROTOCOL;
		}
	}
	return is_same && has_protocol;
}

/* Was it added by a process like this one, that could not remove it? */
static bool was_left(const struct address *address)
{
	static uint8_t reply[REPLY_MAX] __attribute__((aligned(8)));
	struct request request;
	bool is_found = false;
	bool is_over = false;
	int fd = netlink_open();

	request_make(&request, RTM_GETADDR, address);
	request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	is_over = fd < 0 || send(fd, &request, request.header.nlmsg_len, 0) < 0;
	while (!is_over) {
		ssize_t got = recv(fd, reply, sizeof(reply), 0);
		size_t left = got > 0 ? (size_t)got : 0;
		const struct nlmsghdr *header = (const struct nlmsghdr *)reply;

		is_over = left == 0;
		for (; NLMSG_OK(header, left);
		     header = NLMSG_NEXT(header, left)) {
			if (header->nlmsg_type == NLMSG_DONE ||
			    header->nlmsg_type == NLMSG_ERROR) {
				is_over = true;
			} else if (header->nlmsg_type == RTM_NEWADDR) {
				is_found |= is_ours(header, address);
			}
		}
	}
	if (fd >= 0) {
		close(fd);
	}
	return is_found;
}

static bool is_listed(const struct service_addresses *addresses,
		      const struct address *address)
{
	for (size_t i = 0; i < addresses->count; i++) {
		if (address_equal(&addresses->list[i], address)) {
			return true;
		}
	}
	return false;
}

static void add(struct service_addresses *addresses,
		const struct address *address)
{
	char text[ADDRESS_TEXT_MAX];
	struct request request;
	struct address *grown;
	int error;

	grown = realloc(addresses->list,
			(addresses->count + 1) * sizeof(*grown));
	if (grown == NULL) {
		log_error("service address %s: %s", address_dump(address, text),
			  status_text(STATUS_NO_MEMORY));
		return;
	}
	addresses->list = grown;
	request_make(&request, RTM_NEWADDR, address);
	error = ask(&request);
	address_dump(address, text);
	if (error == EEXIST && !was_left(address)) {
		log_notice("service address %s: is on lo already, and is left "
			   "there at the end",
			   text);
		return;
	}
	if (error != 0 && error != EEXIST) {
		log_error("service address %s: cannot be added to lo: %s%s",
			  text, strerrordesc_np(error),
			  error == EPERM ? " (CAP_NET_ADMIN is needed)" : "");
		return;
	}
	addresses->list[addresses->count++] = *address;
	log_notice("service address %s: %s", text,
		   error == 0 ? "added to lo" : "on lo since a run before");
}

void service_addresses_add(struct service_addresses *addresses,
			   const struct config_route *config)
{
	for (size_t i = 0; i < config->probe_count; i++) {
		const struct config_probe *probe = &config->probes[i];
		struct address address = probe->address;

		address.port = 0;
		if (config->services[probe->service].manages_addresses &&
		    !is_listed(addresses, &address)) {
			add(addresses, &address);
		}
	}
}

void service_addresses_remove(struct service_addresses *addresses)
{
	for (size_t i = 0; i < addresses->count; i++) {
		const struct address *address = &addresses->list[i];
		char text[ADDRESS_TEXT_MAX];
		struct request request;
		int error;

		request_make(&request, RTM_DELADDR, address);
		error = ask(&request);
		address_dump(address, text);
		if (error == 0) {
			log_notice("service address %s: removed from lo", text);
		} else if (error != EADDRNOTAVAIL) {
			log_error("service address %s: cannot be removed from "
				  "lo: %s",
				  text, strerrordesc_np(error));
		}
	}
	addresses->count = 0;
}
