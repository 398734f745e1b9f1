#include "bench/load/xdp_port.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MTU = 1500,
};

_Static_assert((int)XDP_RING_ERROR_MAX == (int)XDP_PROGRAM_ERROR_MAX,
	       "one buffer for either");

static void fail(const char *interface, const char *what)
{
	fprintf(stderr, "%s: %s\n", interface, what);
	exit(1);
}

static struct xdp_kernel_settings settings_of(const char *interface)
{
	struct xdp_kernel_settings settings = {
		.frame_max = (uint16_t)xdp_ring_room(xdp_ring_chunk(MTU)),
	};
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCGIFHWADDR, &request) != 0) {
		fail(interface, "no such interface");
	}
	close(fd);
	memcpy(settings.mac, request.ifr_hwaddr.sa_data, sizeof(settings.mac));
	return settings;
}

struct xdp_port xdp_port_open(const char *interface,
			      const struct address *addresses, size_t count)
{
	struct xdp_port port = {.settings = settings_of(interface)};
	struct xdp_ring_settings settings = {.interface = interface,
					     .mtu = MTU};
	char error[XDP_RING_ERROR_MAX];

	port.program = xdp_program_load(1, error);
	if (port.program == NULL ||
	    xdp_program_attach(port.program, if_nametoindex(interface),
			       &settings.must_copy, error) != STATUS_OK) {
		fail(interface, error);
	}
	port.ring = xdp_ring_open(&settings, error);
	if (port.ring == NULL) {
		fail(interface, error);
	}
	if (xdp_program_set_socket(port.program, 0, port.ring->fd) !=
		    STATUS_OK ||
	    xdp_program_set(port.program, &port.settings) != STATUS_OK) {
		fail(interface, "the maps cannot be set");
	}
	for (size_t i = 0; i < count; i++) {
		if (xdp_program_listen(port.program, &addresses[i]) !=
		    STATUS_OK) {
			fail(interface, "the addresses cannot be set");
		}
	}
	return port;
}

void xdp_port_close(struct xdp_port *port)
{
	xdp_program_free(port->program);
	xdp_ring_close(port->ring);
}
