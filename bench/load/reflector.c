/*
 * reflector.c - the least a nameserver could do: turn every query into a reply
 * of a fixed size and send it back.
 *
 * What the sender measures against this is the sender's own limit on the
 * machine at hand (and the kernel's): a comparison of servers is worth nothing
 * where they come near it. The header's QR and AA are set, the RCODE is
 * NXDOMAIN where one of the name's labels is as query_set.c makes them up, so
 * that the sender's own checks pass.
 */
#include "bench/load/query_set.h"
#include "lib/base/address.h"
#include "lib/base/wire.h"
#include "lib/dns/message.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BATCH = 64,
	REPLY_DEFAULT = 905, /* octets: the mean of the root's replies */
	REPLY_LIMIT = 4096,
};

static volatile sig_atomic_t stop_wanted;

static void on_signal(int number)
{
	(void)number;
	stop_wanted = 1;
}

static int open_socket(const struct address *address)
{
	struct sockaddr_storage to;
	socklen_t to_size = address_to_sockaddr(address, &to);
	int size = 4 << 20;
	int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&to, to_size) != 0) {
		perror("reflector");
		exit(1);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return fd;
}

int main(int argc, char **argv)
{
	static uint8_t buffers[BATCH][REPLY_LIMIT];
	static struct sockaddr_storage from[BATCH];
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	struct sigaction action = {.sa_handler = on_signal};
	struct address address;
	size_t reply_size = REPLY_DEFAULT;
	int fd;

	if (argc > 2) {
		reply_size = strtoul(argv[2], NULL, 10);
	}
	if (argc < 2 || argc > 3 || reply_size < MESSAGE_HEADER_SIZE ||
	    reply_size > REPLY_LIMIT ||
	    address_load(&address, argv[1], 5300) != STATUS_OK) {
		fprintf(stderr, "usage: reflector ADDR[@PORT] [OCTETS]\n");
		return 2;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	fd = open_socket(&address);
	memset(messages, 0, sizeof(messages));
	for (unsigned i = 0; i < BATCH; i++) {
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
		messages[i].msg_hdr.msg_name = &from[i];
	}
	while (!stop_wanted) {
		int count;

		for (unsigned i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){buffers[i], REPLY_LIMIT};
			messages[i].msg_hdr.msg_namelen = sizeof(from[i]);
		}
		count = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < count; i++) {
			wire_put16(buffers[i] + 2,
				   query_reflected_flags(buffers[i],
							 messages[i].msg_len));
			parts[i].iov_len = reply_size;
		}
		if (count > 0) {
			sendmmsg(fd, messages, (unsigned)count, 0);
		}
	}
	close(fd);
	return 0;
}
