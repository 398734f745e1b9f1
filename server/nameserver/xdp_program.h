/*
 * xdp_program.h - the program of xdp_kernel.bpf.c on one interface.
 *
 * The attachment is held by a descriptor of this process: when it ends, however
 * it ends, the program is gone. Main thread. Lifetime: the caller's.
 */
#pragma once

#include "lib/base/address.h"
#include "lib/base/status.h"
#include "server/nameserver/xdp_kernel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xdp_program;

enum {
	XDP_PROGRAM_ERROR_MAX = 256,
};

/* NULL with a line in error. queues: sockets it has places for. */
struct xdp_program *xdp_program_load(uint32_t queues,
				     char error[XDP_PROGRAM_ERROR_MAX]);

/* Detaches too. NULL is fine. */
void xdp_program_free(struct xdp_program *program);

/*
 * Put it on the interface: in the driver where that can, else in generic mode.
 * It passes every packet to the kernel until sockets and listeners are set.
 */
must_check enum status xdp_program_attach(struct xdp_program *program,
					  unsigned interface_index,
					  bool *is_generic,
					  char error[XDP_PROGRAM_ERROR_MAX]);

/* Take it off; packets go to the kernel from then on. */
void xdp_program_detach(struct xdp_program *program);

must_check enum status xdp_program_set_socket(struct xdp_program *program,
					      uint32_t queue, int fd);

/* The interface's MAC, and the largest frame to be taken. */
must_check enum status
xdp_program_set(struct xdp_program *program,
		const struct xdp_kernel_settings *settings);

/* Addresses with their ports: to take, and to leave alone again. */
must_check enum status xdp_program_listen(struct xdp_program *program,
					  const struct address *address);
must_check enum status xdp_program_ignore(struct xdp_program *program,
					  const struct address *address);

/*
 * For tests: what the program says of a frame (XDP_PASS, or XDP_REDIRECT from
 * a queue that has a socket), without an interface.
 */
must_check enum status xdp_program_try(struct xdp_program *program,
				       const uint8_t *frame, size_t size,
				       uint32_t *action);
