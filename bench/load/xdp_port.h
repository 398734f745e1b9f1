/*
 * xdp_port.h - one interface's first queue, for the load tools on AF_XDP: over
 * rootcastd's own program, ring and frames. Trouble ends the program, with a
 * line.
 */
#pragma once

#include "lib/base/address.h"
#include "server/nameserver/xdp_frame.h"
#include "server/nameserver/xdp_program.h"
#include "server/nameserver/xdp_ring.h"

#include <stddef.h>

struct xdp_port {
	struct xdp_program *program;
	struct xdp_ring *ring;
	struct xdp_kernel_settings settings; /* its MAC among them */
};

/* Take UDP to these addresses and ports. */
struct xdp_port xdp_port_open(const char *interface,
			      const struct address *addresses, size_t count);
void xdp_port_close(struct xdp_port *port);
