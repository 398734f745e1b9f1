/*
 * config_peer.c - peers: how they are spoken to, and what they are told.
 *
 * See config_route.c for the manners.
 */
#include "server/route/config_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* --- peers ---------------------------------------------------------------- */

static void read_families(struct loading *loading, json_t *object,
			  struct speaker_peer *peer)
{
	json_t *array =
		config_reader_array(loading->reader, object, "families");
	json_t *element;
	size_t index;

	if (array != NULL && json_array_size(array) == 0) {
		config_reader_fail(loading->reader, array,
				   "must name 'ipv4', 'ipv6' or both");
	}
	json_array_foreach(array, index, element)
	{
		const char *text = config_element_text(loading, element);
		unsigned family;

		if (text == NULL) {
			return;
		}
		family = strcmp(text, "ipv4") == 0   ? BGP_IPV4
			 : strcmp(text, "ipv6") == 0 ? BGP_IPV6
						     : 0;
		if (family == 0) {
			config_reader_fail(loading->reader, element,
					   "'%s' is not a family: 'ipv4' or "
					   "'ipv6'",
					   text);
		} else if ((peer->families & family) != 0) {
			config_reader_fail(loading->reader, element,
					   "'%s' stands twice", text);
		}
		peer->families = (uint8_t)(peer->families | family);
	}
}

static void read_role(struct loading *loading, json_t *object,
		      struct speaker_peer *peer)
{
	static const struct {
		const char *text;
		uint8_t role;
	} roles[] = {
		{"provider", BGP_ROLE_PROVIDER},
		{"rs", BGP_ROLE_ROUTE_SERVER},
		{"rs-client", BGP_ROLE_ROUTE_SERVER_CLIENT},
		{"customer", BGP_ROLE_CUSTOMER},
		{"peer", BGP_ROLE_PEER},
	};
	const char *text;

	peer->role = BGP_ROLE_NONE;
	if (!config_reader_string(loading->reader, object, "role", &text)) {
		return;
	}
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (strcmp(text, roles[i].text) == 0) {
			peer->role = roles[i].role;
			return;
		}
	}
	config_reader_fail(loading->reader, json_object_get(object, "role"),
			   "'%s' is not a role: 'customer', 'peer', "
			   "'provider', 'rs' or 'rs-client'",
			   text);
}

/* The first line of the file is the password. */
static void read_password(struct loading *loading, json_t *object,
			  struct speaker_peer *peer)
{
	/* One octet more than fits, CR LF, and room to see that. */
	char text[SPEAKER_PASSWORD_MAX + 4];
	const json_t *value;
	const char *path;
	ssize_t size;
	int fd;

	if (!config_reader_string(loading->reader, object, "password_file",
				  &path)) {
		return;
	}
	value = json_object_get(object, "password_file");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	size = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
	if (size < 0) {
		config_reader_fail(loading->reader, value,
				   "'%s' cannot be read: %s", path,
				   strerror(errno));
		size = 0;
	} else {
		const char *end = memchr(text, '\n', (size_t)size);

		size = end != NULL ? end - text : size;
		size -= size > 0 && text[size - 1] == '\r';
		if (size == 0 || memchr(text, '\0', (size_t)size) != NULL) {
			config_reader_fail(loading->reader, value,
					   "'%s' holds no password", path);
		} else if (size > SPEAKER_PASSWORD_MAX) {
			config_reader_fail(loading->reader, value,
					   "'%s' holds more than %d octets, "
					   "the limit of TCP-MD5",
					   path, SPEAKER_PASSWORD_MAX);
		} else {
			memcpy(peer->password, text, (size_t)size);
		}
	}
	explicit_bzero(text, sizeof(text));
	if (fd >= 0) {
		close(fd);
	}
}

/* Left out: that of the session, and those that were given a next hop. */
static void default_families(struct speaker_peer *peer)
{
	if (peer->families != 0) {
		return;
	}
	peer->families = (uint8_t)config_route_families(peer);
	if (peer->next_hop_ipv4.family != 0) {
		peer->families |= BGP_IPV4;
	}
	if (peer->next_hop_ipv6.family != 0) {
		peer->families |= BGP_IPV6;
	}
}

/* One of next_hop: an address of that family. */
static void read_next_hop(struct loading *loading, json_t *object,
			  const char *key, uint16_t family, struct address *out)
{
	struct address address;

	if (!config_reader_address(loading->reader, object, key, 0, &address)) {
		return;
	}
	if (address.family != family || address.port != 0 ||
	    address_is_wildcard(&address)) {
		config_reader_fail(loading->reader,
				   json_object_get(object, key),
				   "must be an address of family '%s', without "
				   "a port",
				   key);
		return;
	}
	*out = address;
}

unsigned config_route_families(const struct speaker_peer *peer)
{
	if (peer->families != 0) {
		return peer->families;
	}
	return peer->address.family == AF_INET ? BGP_IPV4 : BGP_IPV6;
}

static bool is_ibgp(const struct config_route *config,
		    const struct speaker_peer *peer)
{
	return peer->as ==
	       (peer->local_as != 0 ? peer->local_as : config->local_as);
}

/*
 * Is that next hop on a subnet that the router shares? A router on this host
 * has all of the host's subnets.
 */
static bool is_in_reach(const struct host_addresses *host,
			const struct speaker_peer *peer,
			const struct address *next_hop)
{
	if (address_is_loopback(&peer->address) ||
	    host_has(host, &peer->address)) {
		return host_is_neighbour(host, next_hop, NULL);
	}
	return host_is_neighbour(host, &peer->address, next_hop);
}

/*
 * Can the router reach that next hop? It says nothing where it cannot. On iBGP
 * and over several hops it looks the next hop up among its routes (RFC 4271
 * 5.1.3), which cannot be known here.
 */
static void check_next_hop(struct loading *loading, const json_t *object,
			   const struct speaker_peer *peer, const char *key,
			   const struct address *next_hop)
{
	const json_t *value =
		json_object_get(json_object_get(object, "next_hop"), key);
	char text[ADDRESS_TEXT_MAX];

	if (next_hop->family == 0 || loading->host == NULL ||
	    peer->multihop > 1 ||
	    !host_is_neighbour(loading->host, &peer->address, NULL)) {
		return;
	}
	if (!is_ibgp(loading->config, peer) &&
	    !is_in_reach(loading->host, peer, next_hop)) {
		config_reader_warn(loading->reader, value,
				   "%s is not on the peer's subnet: routers "
				   "drop such routes without a word",
				   address_dump(next_hop, text));
	} else if (next_hop->family == peer->address.family &&
		   memcmp(next_hop->octets, peer->address.octets, 16) == 0) {
		config_reader_warn(loading->reader, value,
				   "is the peer's own address: routers drop "
				   "such routes");
	}
}

/*
 * A route's next hop is our end of the session, where that is of the route's
 * family; else there is none unless it is configured (RFC 4760 3).
 */
static void check_next_hops(struct loading *loading, const json_t *object,
			    const struct speaker_peer *peer)
{
	unsigned families = config_route_families(peer);

	if ((families & BGP_IPV6) != 0 && peer->address.family == AF_INET &&
	    peer->next_hop_ipv6.family == 0) {
		config_reader_fail(loading->reader, object,
				   "family 'ipv6' over an IPv4 session needs "
				   "next_hop.ipv6");
	}
	if ((families & BGP_IPV4) != 0 && peer->address.family == AF_INET6 &&
	    peer->next_hop_ipv4.family == 0) {
		config_reader_fail(loading->reader, object,
				   "family 'ipv4' over an IPv6 session needs "
				   "next_hop.ipv4");
	}
}

static void read_peer_address(struct loading *loading, json_t *object,
			      struct speaker_peer *peer)
{
	struct config_reader *reader = loading->reader;
	const struct config_route *config = loading->config;
	uint32_t port = 0;

	if (!config_reader_address(reader, object, "address", 0,
				   &peer->address)) {
		config_reader_fail(reader, object, "a peer needs an address");
		return;
	}
	config_number(loading, object, "port", 1, 65535, &port);
	if (port != 0 && peer->address.port != 0 &&
	    peer->address.port != port) {
		config_reader_fail(reader, json_object_get(object, "port"),
				   "contradicts the address's port");
	}
	if (port != 0) {
		peer->address.port = (uint16_t)port;
	} else if (peer->address.port == 0) {
		peer->address.port = BGP_PORT;
	}
	if (address_is_wildcard(&peer->address)) {
		config_reader_fail(reader, json_object_get(object, "address"),
				   "must be a peer's own address");
	}
	if (address_is_link_local(&peer->address) && peer->address.scope == 0) {
		config_reader_fail(reader, json_object_get(object, "address"),
				   "a link-local address needs its interface: "
				   "'ADDR%%eth0'");
	}
	for (size_t i = 0; i + 1 < config->peer_count; i++) {
		struct address other = config->peers[i].address;

		other.port = peer->address.port;
		if (address_equal(&other, &peer->address)) {
			config_reader_fail(reader,
					   json_object_get(object, "address"),
					   "this peer stands twice");
		}
	}
	if (config_reader_address(reader, object, "source", 0, &peer->source)) {
		if (peer->source.family != peer->address.family) {
			config_reader_fail(reader,
					   json_object_get(object, "source"),
					   "must be of the family of the "
					   "peer's address");
		}
		if (peer->source.port != 0) {
			config_reader_fail(reader,
					   json_object_get(object, "source"),
					   "must not have a port");
		}
	}
}

/* RFC 5880: 3 x 100 ms unless it says otherwise; '{}' is enough. */
static void read_bfd(struct loading *loading, json_t *object,
		     struct speaker_peer *peer)
{
	json_t *bfd = config_reader_object(loading->reader, object, "bfd");
	uint32_t interval = BFD_INTERVAL_MS;
	uint32_t multiplier = BFD_MULTIPLIER;

	if (bfd == NULL) {
		return;
	}
	config_number(loading, bfd, "interval_ms", BFD_INTERVAL_MIN_MS,
		      BFD_INTERVAL_MAX_MS, &interval);
	config_number(loading, bfd, "multiplier", 1, BFD_MULTIPLIER_MAX,
		      &multiplier);
	config_reader_boolean(loading->reader, bfd, "nameserver",
			      &peer->has_bfd_nameserver);
	config_reader_finish(loading->reader, bfd);
	peer->bfd_interval_us = interval * 1000;
	peer->bfd_multiplier = (uint8_t)multiplier;
}

/* --- what it is told ------------------------------------------------------ */

/* One word of a scope: nothing is ever added that was not said here. */
static void read_scope_word(struct loading *loading, const json_t *value,
			    const char *text, struct config_peer *policy)
{
	static const struct {
		const char *text;
		uint32_t community;
	} words[] = {
		{"no-export", BGP_COMMUNITY_NO_EXPORT},
		{"nopeer", BGP_COMMUNITY_NOPEER},
		{"no-advertise", BGP_COMMUNITY_NO_ADVERTISE},
	};
	struct community_list *scope = &policy->scope;

	policy->has_scope = true;
	if (strcmp(text, "global") == 0) {
		return;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i].text) == 0 &&
		    scope->count < CONFIG_ROUTE_EXTRA_MAX) {
			scope->plain[scope->count++] = words[i].community;
			return;
		}
	}
	if (!config_community_read(loading, value, text, scope)) {
		config_reader_fail(loading->reader, value,
				   "'%s' is not 'global', 'no-export', "
				   "'nopeer', 'no-advertise' or a community",
				   text);
	}
}

/* A word, or several. */
static void read_scope(struct loading *loading, json_t *object,
		       struct config_peer *policy)
{
	json_t *value = config_reader_get(loading->reader, object, "scope");
	const json_t *element;
	size_t index;

	if (value == NULL) {
		config_reader_warn(loading->reader, object,
				   "has no 'scope': 'global' is taken; say "
				   "'global', 'no-export', 'nopeer' or "
				   "communities");
		return;
	}
	if (json_is_string(value)) {
		read_scope_word(loading, value, json_string_value(value),
				policy);
		return;
	}
	if (!json_is_array(value) || json_array_size(value) == 0) {
		config_reader_fail(loading->reader, value,
				   "must be a string, or several in an array");
		return;
	}
	json_array_foreach(value, index, element)
	{
		const char *text = config_element_text(loading, element);

		if (text != NULL) {
			read_scope_word(loading, element, text, policy);
		}
	}
}

static void read_lengths(struct loading *loading, json_t *object,
			 struct config_peer *policy)
{
	static const char *const words[] = {
		[CONFIG_LENGTHS_ALL] = "all",
		[CONFIG_LENGTHS_COVERING] = "covering",
		[CONFIG_LENGTHS_HOST] = "host",
	};
	const char *text;

	if (!config_reader_string(loading->reader, object, "routes", &text)) {
		return;
	}
	for (unsigned i = 0; i < 3; i++) {
		if (strcmp(text, words[i]) == 0) {
			policy->lengths = (enum config_lengths)i;
			return;
		}
	}
	config_reader_fail(loading->reader, json_object_get(object, "routes"),
			   "'%s' is not 'all', 'covering' or 'host'", text);
}

/* Take away all that 'services' does not name; true where it is there. */
static void select_services(struct loading *loading, json_t *object,
			    struct config_peer *policy)
{
	const struct config_route *config = loading->config;
	json_t *list = config_reader_array(loading->reader, object, "services");
	bool named[CONFIG_ROUTE_PREFIXES_MAX] = {false};
	const json_t *element;
	size_t index;

	if (list == NULL) {
		return;
	}
	json_array_foreach(list, index, element)
	{
		const char *text = config_element_text(loading, element);
		bool is_found = false;

		for (size_t i = 0; text != NULL && i < config->prefix_count;
		     i++) {
			size_t service = config->prefixes[i].service;

			if (strcmp(config->services[service].name, text) == 0) {
				named[i] = true;
				is_found = true;
			}
		}
		if (text != NULL && !is_found) {
			config_reader_fail(loading->reader, element,
					   "there is no service '%s'", text);
		}
	}
	for (size_t i = 0; i < config->prefix_count; i++) {
		policy->announces[i] &= named[i];
	}
}

/* The same for 'prefixes': configured ones only (RFC 7094 4.4). */
static void select_prefixes(struct loading *loading, json_t *object,
			    struct config_peer *policy)
{
	const struct config_route *config = loading->config;
	json_t *list = config_reader_array(loading->reader, object, "prefixes");
	bool named[CONFIG_ROUTE_PREFIXES_MAX] = {false};
	const json_t *element;
	size_t index;

	if (list == NULL) {
		return;
	}
	json_array_foreach(list, index, element)
	{
		const char *text = config_element_text(loading, element);
		struct prefix prefix;
		bool is_found = false;

		if (text == NULL) {
			continue;
		}
		if (prefix_load(&prefix, text) == STATUS_OK) {
			for (size_t i = 0; i < config->prefix_count; i++) {
				if (prefix_equal(&config->prefixes[i].prefix,
						 &prefix)) {
					named[i] = true;
					is_found = true;
				}
			}
		}
		if (!is_found) {
			config_reader_fail(loading->reader, element,
					   "'%s' is no service's prefix", text);
		}
	}
	for (size_t i = 0; i < config->prefix_count; i++) {
		policy->announces[i] &= named[i];
	}
}

static bool is_public_as(uint32_t as)
{
	/* RFC 6996, RFC 5398 */
	return !((as >= 64496 && as <= 65535) || (as >= 65536 && as <= 65551) ||
		 as >= 4200000000U);
}

/*
 * What networks of the Internet do not take (RFC 7454 6.1.3): refused where
 * the peer is a transit; warned of where it is likely one.
 */
static void check_lengths(struct loading *loading, const json_t *object,
			  const struct speaker_peer *peer,
			  const struct config_peer *policy)
{
	const struct config_route *config = loading->config;
	unsigned families = config_route_families(peer);

	for (size_t i = 0; i < config->prefix_count; i++) {
		const struct prefix *prefix = &config->prefixes[i].prefix;
		bool is_ipv4 = prefix->family == AF_INET;
		unsigned most = is_ipv4 ? CONFIG_ROUTE_TRANSIT_IPV4
					: CONFIG_ROUTE_TRANSIT_IPV6;
		char text[PREFIX_TEXT_MAX];

		if (!policy->announces[i] || prefix->length <= most ||
		    (families & (is_ipv4 ? BGP_IPV4 : BGP_IPV6)) == 0) {
			continue;
		}
		prefix_dump(prefix, text);
		if (policy->is_transit) {
			config_reader_fail(
				loading->reader,
				json_object_get(object, "transit"),
				"%s is longer than the /%u that a transit "
				"accepts: say '\"routes\": \"covering\"', or "
				"name its 'prefixes'",
				text, most);
		} else if (is_public_as(peer->as) && policy->scope.count == 0) {
			config_reader_warn(loading->reader, object,
					   "%s is longer than the /%u that "
					   "networks accept from others",
					   text, most);
		}
	}
}

/* After the speaker's part: families and AS are known. */
static void read_policy(struct loading *loading, json_t *object,
			const struct speaker_peer *peer,
			struct config_peer *policy)
{
	struct config_route *config = loading->config;
	const char *text;

	for (size_t i = 0; i < config->prefix_count; i++) {
		policy->announces[i] = true;
	}
	if (config_reader_string(loading->reader, object, "overload", &text)) {
		policy->has_overload = true;
		config_action_read(loading, json_object_get(object, "overload"),
				   text, &policy->overload);
	}
	read_scope(loading, object, policy);
	read_lengths(loading, object, policy);
	config_reader_boolean(loading->reader, object, "transit",
			      &policy->is_transit);
	select_services(loading, object, policy);
	select_prefixes(loading, object, policy);
	for (size_t i = 0; i < config->prefix_count; i++) {
		bool is_host =
			config_route_is_host(&config->prefixes[i].prefix);

		if ((policy->lengths == CONFIG_LENGTHS_COVERING && is_host) ||
		    (policy->lengths == CONFIG_LENGTHS_HOST && !is_host)) {
			policy->announces[i] = false;
		}
	}
	check_lengths(loading, object, peer, policy);
}

/* What others offer and we never do, with the reason. */
static void refuse_unwanted(struct loading *loading, json_t *object)
{
	static const char *const kinds[] = {"tcp_ao", "tcp_ao_file"};
	bool is_wanted = false;

	if (config_reader_boolean(loading->reader, object, "graceful_restart",
				  &is_wanted) &&
	    is_wanted) {
		config_reader_fail(loading->reader,
				   json_object_get(object, "graceful_restart"),
				   "is never offered: routers would keep the "
				   "routes of a dead server");
	}
	for (size_t i = 0; i < 2; i++) {
		const json_t *value =
			config_reader_get(loading->reader, object, kinds[i]);

		if (value != NULL) {
			config_reader_fail(loading->reader, value,
					   "TCP-AO needs a kernel that has it, "
					   "and is not carried out: use "
					   "'password_file' (TCP-MD5)");
		}
	}
}

/* An address of ours that is not there: the session would never come up. */
static void check_host(struct loading *loading, const json_t *object,
		       const struct speaker_peer *peer)
{
	const json_t *value = json_object_get(object, "source");
	char text[ADDRESS_TEXT_MAX];

	if (loading->host == NULL) {
		return;
	}
	/* All of 127.0.0.0/8 is this host's. */
	if (peer->source.family != 0 && !address_is_loopback(&peer->source) &&
	    !host_has(loading->host, &peer->source)) {
		config_reader_warn(loading->reader, value,
				   "%s is no address of this host now",
				   address_dump(&peer->source, text));
	}
	check_next_hop(loading, object, peer, "ipv4", &peer->next_hop_ipv4);
	check_next_hop(loading, object, peer, "ipv6", &peer->next_hop_ipv6);
}

void config_peer_read(struct loading *loading, json_t *object)
{
	struct config_reader *reader = loading->reader;
	struct config_route *config = loading->config;
	struct speaker_peer *peer;
	struct config_peer *policy;
	json_t *next_hop;
	uint32_t hold = SPEAKER_HOLD_S;
	uint32_t multihop = 0;

	if (!json_is_object(object)) {
		config_reader_fail(reader, object, "must be an object");
		return;
	}
	if (config->peer_count == SPEAKER_PEERS_MAX) {
		config_reader_fail(reader, object, "more than %d peers",
				   SPEAKER_PEERS_MAX);
		return;
	}
	peer = APPEND(loading, config->peers, config->peer_count);
	policy = APPEND(loading, config->peer_policies,
			config->peer_policy_count);
	if (peer == NULL || policy == NULL) {
		return;
	}
	read_peer_address(loading, object, peer);
	config_number(loading, object, "as", 1, UINT32_MAX, &peer->as);
	if (peer->as == 0) {
		config_reader_fail(reader, object, "a peer needs its 'as'");
	}
	config_number(loading, object, "local_as", 1, UINT32_MAX,
		      &peer->local_as);
	config_number(loading, object, "hold_s", 0, 65535, &hold);
	if (hold == 0) {
		config_reader_fail(reader, json_object_get(object, "hold_s"),
				   "0 would keep the routes of a dead host "
				   "for ever: 3 to 65535");
	} else if (hold < BGP_HOLD_MIN_S) {
		config_reader_fail(reader, json_object_get(object, "hold_s"),
				   "must be from 3 to 65535, not %u: routers "
				   "refuse less (RFC 4271 4.2)",
				   hold);
	}
	peer->hold_s = (uint16_t)hold;
	read_password(loading, object, peer);
	config_reader_boolean(reader, object, "ttl_security",
			      &peer->ttl_security);
	config_number(loading, object, "multihop", 1, 255, &multihop);
	peer->multihop = (uint8_t)multihop;
	config_reader_boolean(reader, object, "passive", &peer->passive);
	read_families(loading, object, peer);
	next_hop = config_reader_object(reader, object, "next_hop");
	read_next_hop(loading, next_hop, "ipv4", AF_INET, &peer->next_hop_ipv4);
	read_next_hop(loading, next_hop, "ipv6", AF_INET6,
		      &peer->next_hop_ipv6);
	config_reader_finish(reader, next_hop);
	default_families(peer);
	read_role(loading, object, peer);
	read_bfd(loading, object, peer);
	if (hold >= BGP_HOLD_MIN_S && hold < SPEAKER_HOLD_S &&
	    peer->bfd_interval_us == 0) {
		config_reader_warn(
			reader, json_object_get(object, "hold_s"),
			"%u s without 'bfd': a busy moment of either "
			"side may end the session",
			hold);
	}
	read_policy(loading, object, peer, policy);
	refuse_unwanted(loading, object);
	config_reader_finish(reader, object);
	check_next_hops(loading, object, peer);
	check_host(loading, object, peer);
}
