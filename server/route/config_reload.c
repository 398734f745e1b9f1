#include "server/route/config_reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool refuse(char error[CONFIG_ERROR_MAX], const char *what)
{
	snprintf(error, CONFIG_ERROR_MAX, "%s: this takes a restart", what);
	return false;
}

static bool bfd_equal(const struct speaker_peer *a,
		      const struct speaker_peer *b)
{
	if (a->bfd_interval_us == 0 || b->bfd_interval_us == 0) {
		return a->bfd_interval_us == b->bfd_interval_us;
	}
	return a->bfd_interval_us == b->bfd_interval_us &&
	       a->bfd_multiplier == b->bfd_multiplier &&
	       a->has_bfd_nameserver == b->has_bfd_nameserver &&
	       address_equal(&a->address, &b->address) &&
	       address_equal(&a->source, &b->source) &&
	       (a->multihop > 1) == (b->multihop > 1);
}

/* What is opened once, at start. */
static bool is_fixed(const struct config_route *next,
		     const struct config_route *now,
		     char error[CONFIG_ERROR_MAX])
{
	bool is_listening = now->listen_count > 0;

	if (strcmp(next->control, now->control) != 0) {
		return refuse(error, "route.control has changed");
	}
	if (strcmp(next->server_control, now->server_control) != 0) {
		return refuse(error, "server.control has changed");
	}
	if (next->listen_count != now->listen_count) {
		return refuse(error, "route.listen has changed");
	}
	for (size_t i = 0; i < next->listen_count; i++) {
		if (!address_equal(&next->listen[i], &now->listen[i])) {
			return refuse(error, "route.listen has changed");
		}
	}
	for (size_t i = 0; i < next->peer_count || i < now->peer_count; i++) {
		static const struct speaker_peer none;
		const struct speaker_peer *a =
			i < next->peer_count ? &next->peers[i] : &none;
		const struct speaker_peer *b =
			i < now->peer_count ? &now->peers[i] : &none;

		if (!bfd_equal(a, b)) {
			return refuse(error, "'bfd' of a peer has changed");
		}
		if (a->as != 0 && memcmp(a, b, sizeof(*a)) != 0 &&
		    (a->passive || (is_listening && a->password[0] != '\0'))) {
			return refuse(error, "a peer that connects to us, or "
					     "its password, has changed");
		}
	}
	return true;
}

/* The place of that address among peers[]; count: none. */
static size_t place_of(const struct speaker_peer *peers, size_t count,
		       const struct address *address)
{
	for (size_t i = 0; i < count; i++) {
		if (peers[i].as != 0 &&
		    address_equal(&peers[i].address, address)) {
			return i;
		}
	}
	return count;
}

bool config_reload_align(struct config_route *next,
			 const struct config_route *now,
			 char error[CONFIG_ERROR_MAX])
{
	struct speaker_peer *peers = calloc(SPEAKER_PEERS_MAX, sizeof(*peers));
	struct config_peer *policies =
		calloc(SPEAKER_PEERS_MAX, sizeof(*policies));
	size_t count = 0;

	if (peers == NULL || policies == NULL) {
		free(peers);
		free(policies);
		snprintf(error, CONFIG_ERROR_MAX, "out of memory");
		return false;
	}
	/* First those that have a place, then the others. */
	for (unsigned turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < next->peer_count; i++) {
			size_t at = place_of(now->peers, now->peer_count,
					     &next->peers[i].address);
			bool is_known = at < now->peer_count;

			if (is_known != (turn == 0)) {
				continue;
			}
			for (at = is_known ? at : 0;
			     !is_known && peers[at].as != 0;) {
				at++;
			}
			memcpy(&peers[at], &next->peers[i], sizeof(*peers));
			policies[at] = next->peer_policies[i];
			count = at >= count ? at + 1 : count;
		}
	}
	if (next->peers != NULL) {
		explicit_bzero(next->peers,
			       next->peer_count * sizeof(*next->peers));
	}
	free(next->peers);
	free(next->peer_policies);
	next->peers = peers;
	next->peer_policies = policies;
	next->peer_count = count;
	next->peer_policy_count = count;
	return is_fixed(next, now, error);
}
