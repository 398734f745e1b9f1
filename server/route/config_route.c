/*
 * config_route.c - the 'route' section, key by key.
 *
 * Everything that could only be noticed later, when a route is already missing,
 * is refused here: a prefix that no probe proves, a family without a next hop, a
 * hold time that every router rejects. Each getter may note an error and go on:
 * the reader keeps the first, and that one is shown.
 */
#include "server/route/config_route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct loading {
	struct config_reader *reader;
	struct config_route *config;
	bool is_out_of_memory;
};

/* --- arrays that grow ----------------------------------------------------- */

/* One more element of size octets, zeroed; NULL when there is no memory. */
static void *append(struct loading *loading, void **array, size_t *count,
		    size_t size)
{
	uint8_t *grown = realloc(*array, (*count + 1) * size);

	if (grown == NULL) {
		loading->is_out_of_memory = true;
		return NULL;
	}
	*array = grown;
	memset(grown + *count * size, 0, size);
	return grown + (*count)++ * size;
}

#define APPEND(loading, array, count) \
	append((loading), (void **)&(array), &(count), sizeof(*(array)))

/* The text of an array's element; NULL, and an error, where it is none. */
static const char *element_text(struct loading *loading, const json_t *element)
{
	if (!json_is_string(element)) {
		config_reader_fail(loading->reader, element,
				   "must be a string");
		return NULL;
	}
	return json_string_value(element);
}

static void read_path(struct loading *loading, json_t *object, const char *key,
		      char out[CONTROL_PATH_MAX])
{
	const char *text;

	if (!config_reader_string(loading->reader, object, key, &text)) {
		return;
	}
	if (text[0] == '\0' || strlen(text) >= CONTROL_PATH_MAX) {
		config_reader_fail(loading->reader,
				   json_object_get(object, key),
				   "must be a path of 1 to %d octets",
				   CONTROL_PATH_MAX - 1);
		return;
	}
	strcpy(out, text);
}

static void read_number(struct loading *loading, json_t *object,
			const char *key, uint32_t least, uint32_t most,
			uint32_t *out)
{
	int64_t number;

	if (config_reader_integer(loading->reader, object, key, least, most,
				  &number)) {
		*out = (uint32_t)number;
	}
}

/* --- services ------------------------------------------------------------- */

static void read_prefix(struct loading *loading, const json_t *element,
			size_t service)
{
	struct config_route *config = loading->config;
	const char *text = element_text(loading, element);
	struct config_prefix *slot;
	struct prefix prefix;
	enum status status;

	if (text == NULL) {
		return;
	}
	status = prefix_load(&prefix, text);
	if (status == STATUS_BAD_DATA) {
		config_reader_fail(loading->reader, element,
				   "'%s' has bits set behind its length", text);
		return;
	}
	if (status != STATUS_OK) {
		config_reader_fail(loading->reader, element,
				   "'%s' is not a prefix (ADDR/LENGTH)", text);
		return;
	}
	if (prefix.length == 0) {
		config_reader_fail(loading->reader, element,
				   "a default route is no service's prefix");
		return;
	}
	for (size_t i = 0; i < config->prefix_count; i++) {
		if (prefix_equal(&config->prefixes[i].prefix, &prefix)) {
			config_reader_fail(loading->reader, element,
					   "'%s' stands twice", text);
			return;
		}
	}
	if (config->prefix_count == CONFIG_ROUTE_PREFIXES_MAX) {
		config_reader_fail(loading->reader, element,
				   "more than %d prefixes",
				   CONFIG_ROUTE_PREFIXES_MAX);
		return;
	}
	slot = APPEND(loading, config->prefixes, config->prefix_count);
	if (slot != NULL) {
		slot->prefix = prefix;
		slot->service = service;
	}
}

static bool is_inside(const struct config_route *config, size_t service,
		      const struct address *address)
{
	for (size_t i = 0; i < config->prefix_count; i++) {
		if (config->prefixes[i].service == service &&
		    prefix_contains(&config->prefixes[i].prefix, address)) {
			return true;
		}
	}
	return false;
}

static void read_probe(struct loading *loading, const json_t *element,
		       size_t service)
{
	struct config_route *config = loading->config;
	const char *text = element_text(loading, element);
	struct config_probe *slot;
	struct address address;

	if (text == NULL) {
		return;
	}
	if (address_load(&address, text, CONFIG_ROUTE_PROBE_PORT) !=
	    STATUS_OK) {
		config_reader_fail(loading->reader, element,
				   "'%s' is not an address (ADDR or ADDR@PORT)",
				   text);
		return;
	}
	if (!is_inside(config, service, &address)) {
		config_reader_fail(
			loading->reader, element,
			"'%s' lies in none of the service's prefixes", text);
		return;
	}
	for (size_t i = 0; i < config->probe_count; i++) {
		if (config->probes[i].service == service &&
		    address_equal(&config->probes[i].address, &address)) {
			config_reader_fail(loading->reader, element,
					   "'%s' stands twice", text);
			return;
		}
	}
	if (config->probe_count == CONFIG_ROUTE_PROBES_MAX) {
		config_reader_fail(loading->reader, element,
				   "more than %d probes",
				   CONFIG_ROUTE_PROBES_MAX);
		return;
	}
	slot = APPEND(loading, config->probes, config->probe_count);
	if (slot != NULL) {
		slot->address = address;
		slot->service = service;
	}
}

/* The index of a zone in config->zones, where it is added if need be. */
static size_t zone_index(struct loading *loading, const struct probe_zone *zone)
{
	struct config_route *config = loading->config;
	struct probe_zone *slot;

	for (size_t i = 0; i < config->zone_count; i++) {
		if (probe_zone_equal(&config->zones[i], zone)) {
			return i;
		}
	}
	slot = APPEND(loading, config->zones, config->zone_count);
	if (slot == NULL) {
		return 0;
	}
	*slot = *zone;
	return config->zone_count - 1;
}

static void read_zone(struct loading *loading, const json_t *element,
		      size_t service)
{
	struct config_service *s = &loading->config->services[service];
	const char *text = element_text(loading, element);
	struct probe_zone zone;
	size_t index;
	size_t *slot;

	if (text == NULL) {
		return;
	}
	if (probe_zone_load(&zone, text) != STATUS_OK) {
		config_reader_fail(loading->reader, element,
				   "'%s' is not a zone's name", text);
		return;
	}
	index = zone_index(loading, &zone);
	for (size_t i = 0; i < s->zone_count; i++) {
		if (s->zones[i] == index) {
			config_reader_fail(loading->reader, element,
					   "'%s' stands twice", text);
			return;
		}
	}
	if (s->zone_count == CONFIG_ROUTE_ZONES_MAX) {
		config_reader_fail(loading->reader, element,
				   "more than %d zones",
				   CONFIG_ROUTE_ZONES_MAX);
		return;
	}
	slot = APPEND(loading, s->zones, s->zone_count);
	if (slot != NULL) {
		*slot = index;
	}
}

static void read_community(struct loading *loading, const json_t *element,
			   size_t service)
{
	struct bgp_attributes *attributes =
		&loading->config->services[service].attributes;
	const char *text = element_text(loading, element);
	struct bgp_large_community large;
	uint32_t community;

	if (text == NULL) {
		return;
	}
	if (bgp_community_load(&community, text) == STATUS_OK) {
		/* One place is kept free for GRACEFUL_SHUTDOWN. */
		if (attributes->community_count + 1 >= BGP_COMMUNITIES_MAX ||
		    !bgp_attributes_add_community(attributes, community)) {
			config_reader_fail(loading->reader, element,
					   "more than %d communities",
					   BGP_COMMUNITIES_MAX - 1);
		}
		return;
	}
	if (bgp_large_community_load(&large, text) != STATUS_OK) {
		config_reader_fail(loading->reader, element,
				   "'%s' is not a community (AS:VALUE or "
				   "GLOBAL:LOCAL:LOCAL)",
				   text);
		return;
	}
	if (attributes->large_count == BGP_LARGE_COMMUNITIES_MAX) {
		config_reader_fail(loading->reader, element,
				   "more than %d large communities",
				   BGP_LARGE_COMMUNITIES_MAX);
		return;
	}
	attributes->large[attributes->large_count++] = large;
}

/* Every element of an array; false where it is absent. */
static bool read_each(struct loading *loading, json_t *object, const char *key,
		      size_t service,
		      void (*read)(struct loading *, const json_t *, size_t))
{
	json_t *array = config_reader_array(loading->reader, object, key);
	json_t *element;
	size_t index;

	json_array_foreach(array, index, element)
	{
		read(loading, element, service);
	}
	return json_array_size(array) > 0;
}

/* Only one of the values that the design knows is carried out. */
static void read_only_choice(struct loading *loading, json_t *object,
			     const char *key, const char *choice)
{
	const char *text = choice;

	config_reader_string(loading->reader, object, key, &text);
	if (strcmp(text, choice) != 0) {
		config_reader_fail(loading->reader,
				   json_object_get(object, key),
				   "'%s': this version carries out '%s' only",
				   text, choice);
	}
}

/* Each prefix is judged by the probes inside it: there must be one. */
static void check_probed(struct loading *loading, json_t *object,
			 size_t service)
{
	const struct config_route *config = loading->config;
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < config->prefix_count; i++) {
		const struct config_prefix *prefix = &config->prefixes[i];
		bool is_probed = false;

		for (size_t k = 0; k < config->probe_count; k++) {
			is_probed |=
				config->probes[k].service == service &&
				prefix_contains(&prefix->prefix,
						&config->probes[k].address);
		}
		if (prefix->service == service && !is_probed) {
			config_reader_fail(loading->reader,
					   json_object_get(object, "prefixes"),
					   "no probe address lies in '%s'",
					   prefix_dump(&prefix->prefix, text));
		}
	}
}

static void read_service(struct loading *loading, const char *name,
			 json_t *object)
{
	struct config_route *config = loading->config;
	struct config_reader *reader = loading->reader;
	size_t service = config->service_count;
	struct config_service *s;
	uint32_t number = 0;

	if (!json_is_object(object)) {
		config_reader_fail(reader, object, "must be an object");
		return;
	}
	if (name[0] == '\0') {
		config_reader_fail(reader, object, "a service needs a name");
	}
	s = APPEND(loading, config->services, config->service_count);
	if (s == NULL) {
		return;
	}
	s->name = strdup(name);
	loading->is_out_of_memory |= s->name == NULL;
	if (!read_each(loading, object, "prefixes", service, read_prefix)) {
		config_reader_fail(reader, object, "a service needs prefixes");
	}
	if (!read_each(loading, object, "probe", service, read_probe)) {
		config_reader_fail(reader, object,
				   "a service needs probe addresses");
	}
	if (!read_each(loading, object, "required_zones", service, read_zone)) {
		config_reader_fail(reader, object,
				   "a service needs required_zones: its probes "
				   "ask for their SOA");
	}
	read_each(loading, object, "communities", service, read_community);
	if (config_reader_get(reader, object, "med") != NULL) {
		s->attributes.has_med = true;
		read_number(loading, object, "med", 0, UINT32_MAX,
			    &s->attributes.med);
	}
	read_number(loading, object, "prepend", 0, BGP_PREPEND_MAX, &number);
	s->attributes.prepend = (uint8_t)number;
	read_only_choice(loading, object, "overload", "absorb");
	read_only_choice(loading, object, "cover", "all");
	config_reader_finish(reader, object);
	check_probed(loading, object, service);
	bgp_attributes_normalise(&s->attributes);
}

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
		const char *text = element_text(loading, element);
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
	read_number(loading, object, "port", 1, 65535, &port);
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
	read_number(loading, bfd, "interval_ms", BFD_INTERVAL_MIN_MS,
		    BFD_INTERVAL_MAX_MS, &interval);
	read_number(loading, bfd, "multiplier", 1, BFD_MULTIPLIER_MAX,
		    &multiplier);
	config_reader_boolean(loading->reader, bfd, "nameserver",
			      &peer->has_bfd_nameserver);
	config_reader_finish(loading->reader, bfd);
	peer->bfd_interval_us = interval * 1000;
	peer->bfd_multiplier = (uint8_t)multiplier;
}

static void read_peer(struct loading *loading, json_t *object)
{
	struct config_reader *reader = loading->reader;
	struct config_route *config = loading->config;
	struct speaker_peer *peer;
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
	if (peer == NULL) {
		return;
	}
	read_peer_address(loading, object, peer);
	read_number(loading, object, "as", 1, UINT32_MAX, &peer->as);
	if (peer->as == 0) {
		config_reader_fail(reader, object, "a peer needs its 'as'");
	}
	read_number(loading, object, "hold_s", 0, 65535, &hold);
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
	read_number(loading, object, "multihop", 1, 255, &multihop);
	peer->multihop = (uint8_t)multihop;
	config_reader_boolean(reader, object, "passive", &peer->passive);
	read_families(loading, object, peer);
	next_hop = config_reader_object(reader, object, "next_hop");
	read_next_hop(loading, next_hop, "ipv4", AF_INET, &peer->next_hop_ipv4);
	read_next_hop(loading, next_hop, "ipv6", AF_INET6,
		      &peer->next_hop_ipv6);
	config_reader_finish(reader, next_hop);
	read_role(loading, object, peer);
	read_bfd(loading, object, peer);
	config_reader_finish(reader, object);
	check_next_hops(loading, object, peer);
}

/* --- the whole ------------------------------------------------------------ */

static void read_health(struct loading *loading, json_t *route)
{
	enum {
		HOUR_MS = 3600000,
		DAY_MS = 24 * HOUR_MS,
	};
	struct config_health *health = &loading->config->health;
	json_t *object = config_reader_object(loading->reader, route, "health");

	read_number(loading, object, "interval_ms", 10, 60000,
		    &health->interval_ms);
	/* A probe may take as long as the next one is away, no longer. */
	if (health->timeout_ms > health->interval_ms) {
		health->timeout_ms = health->interval_ms;
	}
	read_number(loading, object, "timeout_ms", 1, 60000,
		    &health->timeout_ms);
	if (health->timeout_ms > health->interval_ms) {
		config_reader_fail(
			loading->reader, json_object_get(object, "timeout_ms"),
			"must not exceed interval_ms, %u", health->interval_ms);
	}
	read_number(loading, object, "fall", 1, 100, &health->fall);
	read_number(loading, object, "rise", 1, 1000, &health->rise);
	read_number(loading, object, "hold_down_ms", 0, DAY_MS,
		    &health->hold_down_ms);
	if (health->hold_down_max_ms < health->hold_down_ms) {
		health->hold_down_max_ms = health->hold_down_ms;
	}
	read_number(loading, object, "hold_down_max_ms", 0, DAY_MS,
		    &health->hold_down_max_ms);
	if (health->hold_down_max_ms < health->hold_down_ms) {
		config_reader_fail(loading->reader,
				   json_object_get(object, "hold_down_max_ms"),
				   "must not be below hold_down_ms, %u",
				   health->hold_down_ms);
	}
	read_number(loading, object, "drain_ms", 0, HOUR_MS, &health->drain_ms);
	read_number(loading, object, "linger_ms", 0, HOUR_MS,
		    &health->linger_ms);
	config_reader_finish(loading->reader, object);
}

static void read_router_id(struct loading *loading, json_t *route)
{
	struct config_route *config = loading->config;
	struct address address;

	if (!config_reader_address(loading->reader, route, "router_id", 0,
				   &address)) {
		return;
	}
	config->router_id = wire_get32(address.octets);
	if (address.family != AF_INET || address.port != 0 ||
	    config->router_id == 0) {
		config_reader_fail(loading->reader,
				   json_object_get(route, "router_id"),
				   "must look like an IPv4 address, not "
				   "0.0.0.0");
	}
}

/* What must hold between parts of the section. */
static void check_whole(struct loading *loading, json_t *route)
{
	const struct config_route *config = loading->config;
	size_t targets = 0;

	for (size_t i = 0; i < config->probe_count; i++) {
		targets +=
			2 *
			config->services[config->probes[i].service].zone_count;
	}
	if (targets > CONFIG_ROUTE_TARGETS_MAX) {
		config_reader_fail(loading->reader, route,
				   "%zu probes a round (addresses, zones and "
				   "transports); %d is the limit",
				   targets, CONFIG_ROUTE_TARGETS_MAX);
	}
	if (config->peer_count > 0 && config->router_id == 0) {
		config_reader_fail(loading->reader, route,
				   "peers need a router_id");
	}
	if (config->peer_count > 0 && config->local_as == 0) {
		config_reader_fail(loading->reader, route,
				   "peers need a local_as");
	}
}

static void read_server(struct loading *loading, json_t *root)
{
	json_t *server = config_reader_object(loading->reader, root, "server");
	const char *identity = "";

	read_path(loading, server, "control", loading->config->server_control);
	config_reader_string(loading->reader, server, "identity", &identity);
	if (strlen(identity) > CONFIG_ROUTE_IDENTITY_MAX) {
		config_reader_fail(
			loading->reader, json_object_get(server, "identity"),
			"longer than %d octets", CONFIG_ROUTE_IDENTITY_MAX);
		return;
	}
	strcpy(loading->config->identity, identity);
}

/* Where peers may connect to; nowhere by default. */
static void read_listen(struct loading *loading, json_t *route)
{
	struct config_reader *reader = loading->reader;
	struct config_route *config = loading->config;
	json_t *list = config_reader_array(reader, route, "listen");
	const json_t *element;
	size_t index;

	json_array_foreach(list, index, element)
	{
		const char *text = element_text(loading, element);
		struct address address;

		if (text == NULL) {
			continue;
		}
		if (address_load(&address, text, BGP_PORT) != STATUS_OK) {
			config_reader_fail(reader, element,
					   "'%s' is not ADDR or ADDR@PORT",
					   text);
		} else if (config->listen_count == SPEAKER_LISTEN_MAX) {
			config_reader_fail(reader, element,
					   "more than %d addresses",
					   SPEAKER_LISTEN_MAX);
		} else {
			config->listen[config->listen_count++] = address;
		}
	}
}

static void read_route(struct loading *loading, json_t *root)
{
	struct config_reader *reader = loading->reader;
	json_t *route = config_reader_object(reader, root, "route");
	const char *name;
	json_t *services;
	json_t *peers;
	json_t *value;
	size_t index;

	if (route == NULL) {
		config_reader_fail(reader, root, "there is no 'route' section");
		return;
	}
	read_path(loading, route, "control", loading->config->control);
	read_router_id(loading, route);
	read_number(loading, route, "local_as", 1, UINT32_MAX,
		    &loading->config->local_as);
	read_listen(loading, route);
	services = config_reader_object(reader, route, "services");
	json_object_foreach(services, name, value)
	{
		read_service(loading, name, value);
	}
	if (json_object_size(services) == 0) {
		config_reader_fail(reader, route, "there are no services");
	}
	read_health(loading, route);
	peers = config_reader_array(reader, route, "peers");
	json_array_foreach(peers, index, value)
	{
		read_peer(loading, value);
	}
	config_reader_finish(reader, route);
	check_whole(loading, route);
}

/* Takes the reader, which may be NULL: error is set then. */
static struct config_route *build(struct config_reader *reader,
				  const char *name,
				  char error[CONFIG_ERROR_MAX])
{
	static const struct config_health defaults = {
		.interval_ms = 200,
		.timeout_ms = 200,
		.fall = 3,
		.rise = 5,
		.hold_down_ms = 5000,
		.hold_down_max_ms = 300000,
		.drain_ms = 30000,
		.linger_ms = 5000,
	};
	struct loading loading = {.reader = reader};
	json_t *root;

	if (reader == NULL) {
		return NULL;
	}
	loading.config = calloc(1, sizeof(*loading.config));
	if (loading.config == NULL) {
		snprintf(error, CONFIG_ERROR_MAX, "%s: out of memory", name);
		config_reader_free(reader);
		return NULL;
	}
	loading.config->health = defaults;
	root = config_reader_root(reader);
	read_server(&loading, root);
	/* The nameserver's own; rootcastd checks them. */
	config_reader_object(reader, root, "keys");
	config_reader_object(reader, root, "zones");
	read_route(&loading, root);
	config_reader_finish(reader, root);
	if (loading.is_out_of_memory) {
		snprintf(error, CONFIG_ERROR_MAX, "%s: out of memory", name);
	} else if (config_reader_error(reader) != NULL) {
		snprintf(error, CONFIG_ERROR_MAX, "%s",
			 config_reader_error(reader));
	} else {
		config_reader_free(reader);
		return loading.config;
	}
	config_reader_free(reader);
	config_route_free(loading.config);
	return NULL;
}

struct config_route *config_route_load(const char *path,
				       char error[CONFIG_ERROR_MAX])
{
	return build(config_reader_load(path, error, CONFIG_ERROR_MAX), path,
		     error);
}

struct config_route *config_route_parse(const char *name, const char *text,
					size_t size,
					char error[CONFIG_ERROR_MAX])
{
	return build(
		config_reader_parse(name, text, size, error, CONFIG_ERROR_MAX),
		name, error);
}

void config_route_free(struct config_route *config)
{
	if (config == NULL) {
		return;
	}
	for (size_t i = 0; i < config->service_count; i++) {
		free(config->services[i].name);
		free(config->services[i].zones);
	}
	if (config->peers != NULL) {
		explicit_bzero(config->peers,
			       config->peer_count * sizeof(*config->peers));
	}
	free(config->services);
	free(config->prefixes);
	free(config->probes);
	free(config->zones);
	free(config->peers);
	free(config);
}
