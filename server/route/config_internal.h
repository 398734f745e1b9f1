/*
 * config_internal.h - what the files that read the 'route' section share, and
 * nobody else.
 *
 *	config_route.c    the section as a whole, health
 *	config_service.c  services: prefixes, probes, policies
 *	config_peer.c     peers: sessions, scope, what is announced to them
 *	config_host.c     what this host has, for warnings
 */
#pragma once

#include "server/route/config_route.h"

struct host_addresses;

struct loading {
	struct config_reader *reader;
	struct config_route *config;
	struct host_addresses *host; /* NULL: unknown, nothing is warned of */
	bool is_out_of_memory;
};

/* One more element of size octets, zeroed; NULL when there is no memory. */
void *config_append(struct loading *loading, void **array, size_t *count,
		    size_t size);

#define APPEND(loading, array, count) \
	config_append((loading), (void **)&(array), &(count), sizeof(*(array)))

/* The text of an array's element; NULL, and an error, where it is none. */
const char *config_element_text(struct loading *loading, const json_t *element);

void config_number(struct loading *loading, json_t *object, const char *key,
		   uint32_t least, uint32_t most, uint32_t *out);

/* The path of a file, allocated; *out stays where the key is not there. */
void config_path(struct loading *loading, json_t *object, const char *key,
		 char **out);

/* --- config_service.c ----------------------------------------------------- */

void config_service_read(struct loading *loading, const char *name,
			 json_t *object);

/*
 * A text that names an action (see enum policy_kind); value stands for it in
 * errors.
 */
void config_action_read(struct loading *loading, const json_t *value,
			const char *text, struct policy_action *out);

/* Room in attributes for n more communities of each kind? Notes an error. */
bool config_community_read(struct loading *loading, const json_t *value,
			   const char *text, struct community_list *out);

/* --- config_peer.c -------------------------------------------------------- */

void config_peer_read(struct loading *loading, json_t *object);

/* --- config_host.c -------------------------------------------------------- */

/* The addresses of this host's interfaces now; NULL: not to be had. */
struct host_addresses *host_addresses_new(void);
void host_addresses_free(struct host_addresses *host);

/* Is this an address of ours? */
bool host_has(const struct host_addresses *host, const struct address *address);

/* Is there an interface whose subnet holds a? And b as well (may be NULL)? */
bool host_is_neighbour(const struct host_addresses *host,
		       const struct address *a, const struct address *b);
