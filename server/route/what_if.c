#include "server/route/what_if.h"

#include "lib/bgp/rib.h"
#include "server/route/config_route.h"

#include <stdlib.h>

/* One prefix of one peer, before and after. */
struct change {
	struct prefix prefix;
	const struct bgp_attributes *attributes; /* NULL: withdrawn */
	bool is_told;
};

static const struct route *find(const struct what_if_table *table, size_t peer,
				const struct prefix *prefix)
{
	for (size_t i = 0; i < table->count; i++) {
		if ((table->routes[i].peers >> peer & 1) != 0 &&
		    prefix_equal(&table->routes[i].prefix, prefix)) {
			return &table->routes[i];
		}
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return bgp_prefix_compare(&((const struct change *)a)->prefix,
				  &((const struct change *)b)->prefix);
}

static size_t find_changes(const struct what_if_table *before,
			   const struct what_if_table *after, size_t peer,
			   unsigned families, struct change *out)
{
	size_t count = 0;

	for (size_t i = 0; i < before->count; i++) {
		const struct route *old = &before->routes[i];

		if ((old->peers >> peer & 1) != 0 &&
		    find(after, peer, &old->prefix) == NULL) {
			out[count++] = (struct change){.prefix = old->prefix};
		}
	}
	for (size_t i = 0; i < after->count; i++) {
		const struct route *now = &after->routes[i];
		const struct route *old;

		if ((now->peers >> peer & 1) == 0) {
			continue;
		}
		old = find(before, peer, &now->prefix);
		if (old == NULL ||
		    !bgp_attributes_equal(&old->attributes, &now->attributes)) {
			out[count++] = (struct change){
				.prefix = now->prefix,
				.attributes = &now->attributes,
			};
		}
	}
	for (size_t i = 0; i < count; i++) {
		unsigned family =
			out[i].prefix.family == AF_INET ? BGP_IPV4 : BGP_IPV6;

		out[i].is_told = (families & family) == 0;
	}
	qsort(out, count, sizeof(*out), compare);
	return count;
}

/* The next message of a kind and family; 0: there is none. */
static size_t take_group(struct change *changes, size_t count, uint16_t family,
			 bool is_withdrawal, struct prefix *prefixes,
			 const struct bgp_attributes **attributes)
{
	size_t found = 0;

	*attributes = NULL;
	for (size_t i = 0; i < count; i++) {
		struct change *change = &changes[i];

		if (change->is_told || change->prefix.family != family ||
		    (change->attributes == NULL) != is_withdrawal ||
		    (*attributes != NULL &&
		     !bgp_attributes_equal(*attributes, change->attributes))) {
			continue;
		}
		*attributes = change->attributes;
		change->is_told = true;
		prefixes[found++] = change->prefix;
	}
	return found;
}

void what_if(const struct what_if_table *before,
	     const struct what_if_table *after,
	     const struct speaker_peer *peers, size_t peer_count,
	     what_if_func found, void *context)
{
	size_t room = before->count + after->count + 1;
	struct change *changes = calloc(room, sizeof(*changes));
	struct prefix *prefixes = calloc(room, sizeof(*prefixes));

	for (size_t i = 0;
	     changes != NULL && prefixes != NULL && i < peer_count; i++) {
		size_t count =
			find_changes(before, after, i,
				     config_route_families(&peers[i]), changes);

		/* Withdrawals of IPv4, of IPv6, announcements likewise. */
		for (unsigned kind = 0; kind < 4; kind++) {
			struct what_if_update update = {.peer = i,
							.prefixes = prefixes};

			while ((update.count = take_group(
					changes, count,
					kind % 2 == 0 ? AF_INET : AF_INET6,
					kind < 2, prefixes,
					&update.attributes)) > 0) {
				found(context, &update);
			}
		}
	}
	free(changes);
	free(prefixes);
}
