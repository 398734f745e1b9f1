/*
 * xdp_host.h - the main thread's part of AF_XDP: interfaces, programs, rings,
 * and which addresses are ours.
 *
 * Made while there are privileges; kept current without any. Lifetime: process.
 */
#pragma once

#include "lib/base/address.h"
#include "server/nameserver/config.h"
#include "server/nameserver/counters.h"

#include <stddef.h>
#include <uv.h>

struct xdp_host;
struct xdp_ring;

struct xdp_host_settings {
	const struct config_xdp *interfaces;
	size_t interface_count;
	const struct address *listen;
	size_t listen_count;
	unsigned workers;
	unsigned busy_poll_us;
};

/*
 * Start on every interface that can; a line says for each what became of it.
 * NULL where none could: the socket path serves.
 */
struct xdp_host *xdp_host_open(const struct xdp_host_settings *settings);

/* The rings of one worker. They stay the host's. */
struct xdp_ring *const *xdp_host_rings(const struct xdp_host *host,
				       unsigned worker, size_t *count);

/* Follow the host's addresses from now on. False with a line logged. */
bool xdp_host_follow(struct xdp_host *host, uv_loop_t *loop);

/* Ten times a second: say what the operator has to know, once. */
void xdp_host_watch(struct xdp_host *host, const struct counters *counters);

/* Off the interfaces, so that nothing comes any more. NULL is fine. */
void xdp_host_detach(struct xdp_host *host);

/* Close the handle of xdp_host_follow(). NULL is fine. */
void xdp_host_close(struct xdp_host *host);

/* After the workers and the loop have ended. NULL is fine. */
void xdp_host_free(struct xdp_host *host);
