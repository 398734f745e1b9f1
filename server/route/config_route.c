/*
 * config_route.c - the 'route' section, key by key.
 *
 * Everything that could only be noticed later, when a route is already missing,
 * is refused here: a prefix that no probe proves, a family without a next hop, a
 * hold time that every router rejects. Each getter may note an error and go on:
 * the reader keeps the first, and that one is shown.
 */
#include "server/route/config_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- arrays that grow ----------------------------------------------------- */

/* One more element of size octets, zeroed; NULL when there is no memory. */
void *config_append(struct loading *loading, void **array, size_t *count,
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

/* The text of an array's element; NULL, and an error, where it is none. */
const char *config_element_text(struct loading *loading, const json_t *element)
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

void config_path(struct loading *loading, json_t *object, const char *key,
		 char **out)
{
	const char *text;

	if (!config_reader_string(loading->reader, object, key, &text)) {
		return;
	}
	if (text[0] == '\0' || strlen(text) > CONFIG_ROUTE_PATH_MAX) {
		config_reader_fail(loading->reader,
				   json_object_get(object, key),
				   "must be a path of 1 to %d octets",
				   CONFIG_ROUTE_PATH_MAX);
		return;
	}
	*out = strdup(text);
	loading->is_out_of_memory |= *out == NULL;
}

void config_number(struct loading *loading, json_t *object, const char *key,
		   uint32_t least, uint32_t most, uint32_t *out)
{
	int64_t number;

	if (config_reader_integer(loading->reader, object, key, least, most,
				  &number)) {
		*out = (uint32_t)number;
	}
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

	config_number(loading, object, "interval_ms", 10, 60000,
		      &health->interval_ms);
	/* A probe may take as long as the next one is away, no longer. */
	if (health->timeout_ms > health->interval_ms) {
		health->timeout_ms = health->interval_ms;
	}
	config_number(loading, object, "timeout_ms", 1, 60000,
		      &health->timeout_ms);
	if (health->timeout_ms > health->interval_ms) {
		config_reader_fail(
			loading->reader, json_object_get(object, "timeout_ms"),
			"must not exceed interval_ms, %u", health->interval_ms);
	}
	config_number(loading, object, "fall", 1, 100, &health->fall);
	config_number(loading, object, "rise", 1, 1000, &health->rise);
	config_number(loading, object, "hold_down_ms", 0, DAY_MS,
		      &health->hold_down_ms);
	if (health->hold_down_max_ms < health->hold_down_ms) {
		health->hold_down_max_ms = health->hold_down_ms;
	}
	config_number(loading, object, "hold_down_max_ms", 0, DAY_MS,
		      &health->hold_down_max_ms);
	if (health->hold_down_max_ms < health->hold_down_ms) {
		config_reader_fail(loading->reader,
				   json_object_get(object, "hold_down_max_ms"),
				   "must not be below hold_down_ms, %u",
				   health->hold_down_ms);
	}
	config_number(loading, object, "latency_ms", 0, 60000,
		      &health->latency_ms);
	config_number(loading, object, "stagger_ms", 0, HOUR_MS,
		      &health->stagger_ms);
	config_number(loading, object, "drain_ms", 0, HOUR_MS,
		      &health->drain_ms);
	config_number(loading, object, "linger_ms", 0, HOUR_MS,
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

bool config_route_is_host(const struct prefix *prefix)
{
	return prefix->length == address_size(prefix->family) * 8;
}

/* A prefix that no peer is told. */
static void check_families(struct loading *loading, const json_t *route)
{
	const struct config_route *config = loading->config;

	for (size_t p = 0; p < config->prefix_count; p++) {
		const struct prefix *prefix = &config->prefixes[p].prefix;
		unsigned wanted =
			prefix->family == AF_INET ? BGP_IPV4 : BGP_IPV6;
		char text[PREFIX_TEXT_MAX];
		bool is_told = false;

		for (size_t i = 0; i < config->peer_count; i++) {
			is_told |= config->peer_policies[i].announces[p] &&
				   (config_route_families(&config->peers[i]) &
				    wanted) != 0;
		}
		if (!is_told) {
			config_reader_warn(loading->reader,
					   json_object_get(route, "services"),
					   "%s will never be announced: no "
					   "peer is to have it",
					   prefix_dump(prefix, text));
		}
	}
}

/* A large community that names this node in BGP, as NSID does in DNS. */
static void read_node(struct loading *loading, json_t *route)
{
	struct config_route *config = loading->config;
	const char *text;

	if (!config_reader_string(loading->reader, route, "node_community",
				  &text)) {
		return;
	}
	if (bgp_large_community_load(&config->node, text) != STATUS_OK) {
		config_reader_fail(loading->reader,
				   json_object_get(route, "node_community"),
				   "'%s' is not a large community "
				   "(GLOBAL:LOCAL:LOCAL)",
				   text);
		return;
	}
	config->has_node = true;
}

/* What must hold between parts of the section. */
static void check_whole(struct loading *loading, json_t *route)
{
	const struct config_route *config = loading->config;
	size_t targets = 0;

	for (size_t i = 0; i < config->probe_count; i++) {
		targets += 2 * config->services[config->probes[i].service]
				       .question_count;
	}
	if (targets > CONFIG_ROUTE_TARGETS_MAX) {
		config_reader_fail(
			loading->reader, route,
			"%zu probes a round (addresses, questions and "
			"transports); %d is the limit",
			targets, CONFIG_ROUTE_TARGETS_MAX);
	}
	if (config->peer_count > 0 && config->router_id == 0) {
		config_reader_fail(loading->reader, route,
				   "peers need a router_id");
	}
	for (size_t i = 0; i < config->peer_count; i++) {
		if (config->local_as == 0 && config->peers[i].local_as == 0) {
			config_reader_fail(loading->reader, route,
					   "peers need a local_as");
		}
	}
	check_families(loading, route);
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
		const char *text = config_element_text(loading, element);
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
	config_path(loading, route, "state_file", &loading->config->state_file);
	config_path(loading, route, "maintenance_file",
		    &loading->config->maintenance_file);
	read_router_id(loading, route);
	config_number(loading, route, "local_as", 1, UINT32_MAX,
		      &loading->config->local_as);
	read_node(loading, route);
	read_listen(loading, route);
	services = config_reader_object(reader, route, "services");
	json_object_foreach(services, name, value)
	{
		config_service_read(loading, name, value);
	}
	if (json_object_size(services) == 0) {
		config_reader_fail(reader, route, "there are no services");
	}
	read_health(loading, route);
	peers = config_reader_array(reader, route, "peers");
	json_array_foreach(peers, index, value)
	{
		config_peer_read(loading, value);
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
	loading.host = host_addresses_new();
	root = config_reader_root(reader);
	read_server(&loading, root);
	/* The nameserver's own; rootcastd checks them. */
	config_reader_object(reader, root, "keys");
	config_reader_object(reader, root, "zones");
	read_route(&loading, root);
	config_reader_finish(reader, root);
	host_addresses_free(loading.host);
	loading.config->warnings = strdup(config_reader_warnings(reader));
	if (loading.is_out_of_memory || loading.config->warnings == NULL) {
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
		free(config->services[i].maintenance_file);
		free(config->services[i].zones);
		free(config->services[i].questions);
	}
	for (size_t i = 0; i < config->command_count; i++) {
		for (char **word = config->commands[i].arguments;
		     word != NULL && *word != NULL; word++) {
			free(*word);
		}
		free(config->commands[i].arguments);
	}
	free(config->questions);
	free(config->commands);
	if (config->peers != NULL) {
		explicit_bzero(config->peers,
			       config->peer_count * sizeof(*config->peers));
	}
	free(config->state_file);
	free(config->maintenance_file);
	free(config->services);
	free(config->prefixes);
	free(config->probes);
	free(config->zones);
	free(config->peers);
	free(config->peer_policies);
	free(config->warnings);
	free(config);
}
