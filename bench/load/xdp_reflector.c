/*
 * xdp_reflector.c - the least a nameserver on AF_XDP could do: verify every
 * query's checksums, turn it into a reply of a fixed size, write the checksums,
 * and send it back.
 *
 * Rings, frames and the program in the kernel are rootcastd's own, so that the
 * difference to rootcastd is what answering costs. What is said of the reply in
 * reflector.c holds here too.
 */
#include "bench/load/query_set.h"
#include "bench/load/xdp_port.h"
#include "lib/base/address.h"
#include "lib/base/wire.h"
#include "lib/dns/message.h"
#include "server/nameserver/xdp_frame.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BATCH = 64,
	REPLY_DEFAULT = 905, /* octets: the mean of the root's replies */
	REPLY_LIMIT = 1452,
};

static volatile sig_atomic_t stop_wanted;

static void on_signal(int number)
{
	(void)number;
	stop_wanted = 1;
}

/* Returns 1 where there is a reply to send. */
static size_t reflect(struct xdp_ring *ring,
		      const struct xdp_ring_packet *packet, size_t reply_size)
{
	static const struct checksum_part nothing;
	struct xdp_frame query;
	uint8_t *frame;
	uint8_t *reply;

	if (xdp_frame_parse(packet->start, packet->size, &query) !=
		    XDP_FRAME_GOOD ||
	    query.payload_size > reply_size) {
		return 0;
	}
	frame = xdp_ring_claim(ring);
	if (frame == NULL) {
		return 0;
	}
	reply = frame + query.headers;
	memcpy(reply, query.payload, query.payload_size);
	wire_put16(reply + 2, query_reflected_flags(reply, query.payload_size));
	xdp_ring_queue(ring, frame,
		       xdp_frame_reply(&query, frame, reply_size, &nothing, 1));
	return 1;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct xdp_ring_packet packets[BATCH];
	struct address address;
	struct xdp_port port;
	size_t reply_size = REPLY_DEFAULT;

	if (argc > 3) {
		reply_size = strtoul(argv[3], NULL, 10);
	}
	if (argc < 3 || argc > 4 || reply_size < MESSAGE_HEADER_SIZE ||
	    reply_size > REPLY_LIMIT ||
	    address_load(&address, argv[2], 53) != STATUS_OK) {
		fprintf(stderr, "usage: xdp_reflector INTERFACE ADDR[@PORT] "
				"[OCTETS]\n");
		return 2;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	port = xdp_port_open(argv[1], &address, 1);
	while (!stop_wanted) {
		struct pollfd wait = {.fd = port.ring->fd, .events = POLLIN};
		size_t count = xdp_ring_take(port.ring, packets, BATCH);
		size_t replies = 0;

		if (count == 0) {
			(void)xdp_ring_reap(port.ring);
			(void)poll(&wait, 1, 100);
			continue;
		}
		for (size_t i = 0; i < count; i++) {
			replies += reflect(port.ring, &packets[i], reply_size);
		}
		xdp_ring_give_back(port.ring, count);
		xdp_ring_flush(port.ring, replies);
	}
	xdp_port_close(&port);
	return 0;
}
