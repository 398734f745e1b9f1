/*
 * xdp_none.c - stands in for xdp.c and xdp_host.c where libxdp, libbpf or a
 * clang that can make programs for the kernel was missing at the build.
 */
#include "lib/base/log.h"
#include "server/nameserver/xdp.h"
#include "server/nameserver/xdp_host.h"

struct xdp_host *xdp_host_open(const struct xdp_host_settings *settings)
{
	log_warning("xdp: %s: this rootcastd was built without AF_XDP (libxdp, "
		    "libbpf and clang are needed); the socket path serves",
		    settings->interfaces[0].interface);
	return NULL;
}

/* Never reached: there is no host. */

struct xdp_ring *const *xdp_host_rings(const struct xdp_host *host,
				       unsigned worker, size_t *count)
{
	(void)host;
	(void)worker;
	*count = 0;
	return NULL;
}

bool xdp_host_follow(struct xdp_host *host, uv_loop_t *loop)
{
	(void)host;
	(void)loop;
	return false;
}

void xdp_host_watch(struct xdp_host *host, const struct counters *counters)
{
	(void)host;
	(void)counters;
}

void xdp_host_detach(struct xdp_host *host)
{
	(void)host;
}

void xdp_host_close(struct xdp_host *host)
{
	(void)host;
}

void xdp_host_free(struct xdp_host *host)
{
	(void)host;
}

struct xdp *xdp_new(const struct xdp_settings *settings)
{
	(void)settings;
	return NULL;
}

void xdp_heartbeat(struct xdp *xdp)
{
	(void)xdp;
}

void xdp_drain(struct xdp *xdp)
{
	(void)xdp;
}

void xdp_close(struct xdp *xdp)
{
	(void)xdp;
}

void xdp_free(struct xdp *xdp)
{
	(void)xdp;
}

void xdp_watch(struct xdp *xdp)
{
	(void)xdp;
}
