/*
 * tcp_limits.c - counting connections by prefix, in constant memory.
 *
 * Two rows of counters; a prefix is counted in one slot of each, chosen by a
 * keyed hash, and its count is the lesser of the two. A prefix is never counted
 * too low, and too high only where both of its slots are shared with busy
 * prefixes: with 16,384 slots a row and a hundred prefixes at their limit, one
 * in some 27,000. The key is random, so nobody can choose whom to share with.
 * Rejected: an exact table, which needs a lock or a size without bound.
 */
#include "server/nameserver/tcp_limits.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	SLOTS = 1 << 14,
	PREFIX_OCTETS_IPV4 = 3, /* /24 */
	PREFIX_OCTETS_IPV6 = 7, /* /56 */
};

struct tcp_limits {
	unsigned clients_most;
	unsigned prefix_most;
	uint64_t key[TCP_LIMITS_ROWS];
	/* Only counts, which guard no other memory: relaxed order is enough. */
	_Atomic unsigned clients;
	_Atomic unsigned rows[TCP_LIMITS_ROWS][SLOTS];
};

struct tcp_limits *tcp_limits_new(unsigned clients, unsigned per_prefix)
{
	struct tcp_limits *limits = calloc(1, sizeof(*limits));

	if (limits == NULL) {
		return NULL;
	}
	limits->clients_most = clients;
	limits->prefix_most = per_prefix;
	/* Never short for so few octets (getrandom(2)). */
	while (getrandom(limits->key, sizeof(limits->key), 0) < 0 &&
	       errno == EINTR) {
	}
	return limits;
}

void tcp_limits_free(struct tcp_limits *limits)
{
	free(limits);
}

/* Every bit of the prefix and of the key moves every bit of the result. */
static uint64_t mix(uint64_t prefix, uint64_t key)
{
	uint64_t hash = prefix ^ key;

	for (unsigned round = 0; round < 2; round++) {
		hash ^= hash >> 32;
		hash *= UINT64_C(0xd6e8feb86659fd93);
		hash += key;
	}
	return hash ^ (hash >> 32);
}

static uint64_t prefix_of(const struct address *peer)
{
	uint64_t prefix = peer->family == AF_INET6;
	size_t octets = peer->family == AF_INET6 ? PREFIX_OCTETS_IPV6
						 : PREFIX_OCTETS_IPV4;

	for (size_t i = 0; i < octets; i++) {
		prefix = prefix << 8 | peer->octets[i];
	}
	return prefix;
}

static void leave_prefix(struct tcp_limits *limits,
			 const struct tcp_place *place)
{
	for (size_t row = 0; row < TCP_LIMITS_ROWS; row++) {
		atomic_fetch_sub_explicit(&limits->rows[row][place->slot[row]],
					  1, memory_order_relaxed);
	}
}

enum tcp_verdict tcp_limits_enter(struct tcp_limits *limits,
				  const struct address *peer,
				  struct tcp_place *place)
{
	uint64_t prefix = prefix_of(peer);
	unsigned least = UINT32_MAX;

	for (size_t row = 0; row < TCP_LIMITS_ROWS; row++) {
		uint32_t slot =
			(uint32_t)mix(prefix, limits->key[row]) & (SLOTS - 1);
		unsigned count = atomic_fetch_add_explicit(
			&limits->rows[row][slot], 1, memory_order_relaxed);

		place->slot[row] = slot;
		least = count < least ? count : least;
	}
	if (least >= limits->prefix_most) {
		leave_prefix(limits, place);
		return TCP_OVER_PREFIX;
	}
	return atomic_fetch_add_explicit(&limits->clients, 1,
					 memory_order_relaxed) >=
			       limits->clients_most
		       ? TCP_OVER_CLIENTS
		       : TCP_WELCOME;
}

void tcp_limits_leave(struct tcp_limits *limits, const struct tcp_place *place)
{
	leave_prefix(limits, place);
	atomic_fetch_sub_explicit(&limits->clients, 1, memory_order_relaxed);
}
