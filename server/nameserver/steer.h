/*
 * steer.h - which worker's socket gets a datagram: the kernel's hash of
 * addresses and ports, or the worker of the CPU that has received it.
 *
 * By CPU a query never changes cores between the device and the answer. That is
 * good only where every worker's CPU serves receive queues of its own and no
 * other CPU serves any; else some workers would stand idle while one is
 * overrun.
 *
 * Main thread, at start.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum steer_wish {
	STEER_AUTO, /* by CPU where steer_decide() says so */
	STEER_CPU,
	STEER_HASH,
};

enum {
	STEER_REASON_MAX = 160,
	STEER_INTERFACE_MAX = 16, /* IFNAMSIZ: the zero too */
	STEER_QUEUES_MAX = 1024,  /* of the whole host */
};

/* A receive queue, and who serves it. */
struct steer_queue {
	char interface[STEER_INTERFACE_MAX];
	int cpu; /* or -1: several, or it is not told */
};

/* What was decided, and why, in words for the operator. */
struct steer {
	bool is_by_cpu;
	char reason[STEER_REASON_MAX];
};

/*
 * Pure. cpus: of each worker, -1 where it is not pinned. queues: of one
 * interface in a row.
 */
void steer_decide(struct steer *steer, enum steer_wish wish, const int *cpus,
		  unsigned workers, const struct steer_queue *queues,
		  size_t count);

/*
 * The receive queues of every interface with a device behind it that is up, as
 * /sys and /proc below root ("" but in tests) tell. Returns how many, at most
 * most.
 */
size_t steer_read(const char *root, struct steer_queue *queues, size_t most);

/*
 * Have the sockets that share fd's address chosen by CPU: number n of them (in
 * the order in which they were bound) for cpus[n]; other CPUs' datagrams by the
 * hash. False with errno set.
 */
bool steer_attach(int fd, const int *cpus, unsigned workers);
