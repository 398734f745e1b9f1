/*
 * config_service.c - services: what is announced, what proves it, and what is
 * done where it is not well.
 *
 * See config_route.c for the manners.
 */
#include "server/route/config_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* Room for GRACEFUL_SHUTDOWN, a scope and two actions is kept free. */
	COMMUNITIES_MAX = BGP_COMMUNITIES_MAX - 1 - 3 * CONFIG_ROUTE_EXTRA_MAX,
	/* The same, and the node's. */
	LARGE_COMMUNITIES_MAX =
		BGP_LARGE_COMMUNITIES_MAX - 1 - 3 * CONFIG_ROUTE_EXTRA_MAX,
};

/* --- services ------------------------------------------------------------- */

static void read_prefix(struct loading *loading, const json_t *element,
			size_t service)
{
	struct config_route *config = loading->config;
	const char *text = config_element_text(loading, element);
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
	const char *text = config_element_text(loading, element);
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
	const char *text = config_element_text(loading, element);
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

bool config_community_read(struct loading *loading, const json_t *value,
			   const char *text, struct community_list *out)
{
	if (out->count == CONFIG_ROUTE_EXTRA_MAX ||
	    out->large_count == CONFIG_ROUTE_EXTRA_MAX) {
		config_reader_fail(loading->reader, value,
				   "more than %d communities",
				   CONFIG_ROUTE_EXTRA_MAX - 1);
		return false;
	}
	if (bgp_community_load(&out->plain[out->count], text) == STATUS_OK) {
		out->count++;
		return true;
	}
	if (bgp_large_community_load(&out->large[out->large_count], text) ==
	    STATUS_OK) {
		out->large_count++;
		return true;
	}
	return false;
}

static void read_community(struct loading *loading, const json_t *element,
			   size_t service)
{
	struct bgp_attributes *attributes =
		&loading->config->services[service].attributes;
	const char *text = config_element_text(loading, element);
	struct bgp_large_community large;
	uint32_t community;

	if (text == NULL) {
		return;
	}
	if (bgp_community_load(&community, text) == STATUS_OK) {
		if (attributes->community_count >= COMMUNITIES_MAX ||
		    !bgp_attributes_add_community(attributes, community)) {
			config_reader_fail(loading->reader, element,
					   "more than %d communities",
					   COMMUNITIES_MAX);
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
	if (attributes->large_count == LARGE_COMMUNITIES_MAX) {
		config_reader_fail(loading->reader, element,
				   "more than %d large communities",
				   LARGE_COMMUNITIES_MAX);
		return;
	}
	attributes->large[attributes->large_count++] = large;
}

/* --- policies ------------------------------------------------------------- */

/* 'N' of 'min N' or 'prepend:N': digits alone; 0 where it is none. */
static uint32_t whole_number(const char *text)
{
	uint32_t number = 0;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p < '0' || *p > '9' || number > 100000) {
			return 0;
		}
		number = number * 10 + (uint32_t)(*p - '0');
	}
	return number;
}

void config_action_read(struct loading *loading, const json_t *value,
			const char *text, struct policy_action *out)
{
	static const char prepend[] = "prepend:";
	static const char community[] = "community:";
	struct policy_action action = {.kind = POLICY_ABSORB};

	if (strcmp(text, "withdraw") == 0) {
		action.kind = POLICY_WITHDRAW;
	} else if (strncmp(text, prepend, strlen(prepend)) == 0) {
		uint32_t number = whole_number(text + strlen(prepend));

		if (number == 0 || number > BGP_PREPEND_MAX) {
			config_reader_fail(loading->reader, value,
					   "'%s': from prepend:1 to "
					   "prepend:%d",
					   text, BGP_PREPEND_MAX);
			return;
		}
		action.kind = POLICY_PREPEND;
		action.prepend = (uint8_t)number;
	} else if (strncmp(text, community, strlen(community)) == 0) {
		if (!config_community_read(loading, value,
					   text + strlen(community),
					   &action.communities)) {
			config_reader_fail(loading->reader, value,
					   "'%s' names no community "
					   "(community:AS:VALUE or "
					   "community:GLOBAL:LOCAL:LOCAL)",
					   text);
			return;
		}
		action.kind = POLICY_COMMUNITY;
	} else if (strcmp(text, "absorb") != 0) {
		config_reader_fail(loading->reader, value,
				   "'%s' is not 'absorb', 'prepend:N', "
				   "'community:X' or 'withdraw'",
				   text);
		return;
	}
	*out = action;
}

/* "all", "any", "min N" or {"min": N} */
static void read_cover(struct loading *loading, json_t *object,
		       struct config_service *service)
{
	json_t *value = config_reader_get(loading->reader, object, "cover");
	const char *text = json_string_value(value);

	if (value == NULL) {
		return;
	}
	if (json_is_object(value)) {
		config_number(loading, value, "min", 1, CONFIG_ROUTE_PROBES_MAX,
			      &service->cover);
		if (service->cover == 0) {
			config_reader_fail(loading->reader, value,
					   "needs 'min'");
		}
		config_reader_finish(loading->reader, value);
		return;
	}
	if (text != NULL && strcmp(text, "any") == 0) {
		service->cover = 1;
		return;
	}
	if (text != NULL && strncmp(text, "min ", 4) == 0 &&
	    whole_number(text + 4) > 0) {
		service->cover = whole_number(text + 4);
		return;
	}
	if (text == NULL || strcmp(text, "all") != 0) {
		config_reader_fail(loading->reader, value,
				   "must be 'all', 'any' or 'min N'");
	}
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

/* Each prefix is judged by the probes inside it: there must be one. */
static void check_probed(struct loading *loading, json_t *object,
			 size_t service)
{
	const struct config_route *config = loading->config;
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < config->prefix_count; i++) {
		const struct config_prefix *prefix = &config->prefixes[i];
		uint32_t inside = 0;

		for (size_t k = 0; k < config->probe_count; k++) {
			inside += config->probes[k].service == service &&
				  prefix_contains(&prefix->prefix,
						  &config->probes[k].address);
		}
		if (prefix->service != service) {
			continue;
		}
		if (inside == 0) {
			config_reader_fail(loading->reader,
					   json_object_get(object, "prefixes"),
					   "no probe address lies in '%s'",
					   prefix_dump(&prefix->prefix, text));
		} else if (!config_route_is_host(&prefix->prefix) &&
			   config->services[service].cover > inside) {
			config_reader_fail(loading->reader,
					   json_object_get(object, "cover"),
					   "%u probe addresses are asked for, "
					   "but '%s' holds %u",
					   config->services[service].cover,
					   prefix_dump(&prefix->prefix, text),
					   inside);
		}
	}
}

void config_service_read(struct loading *loading, const char *name,
			 json_t *object)
{
	struct config_route *config = loading->config;
	struct config_reader *reader = loading->reader;
	size_t service = config->service_count;
	struct config_service *s;
	const char *text;
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
		config_number(loading, object, "med", 0, UINT32_MAX,
			      &s->attributes.med);
	}
	config_number(loading, object, "prepend", 0, BGP_PREPEND_MAX, &number);
	s->attributes.prepend = (uint8_t)number;
	if (config_reader_string(reader, object, "overload", &text)) {
		config_action_read(loading, json_object_get(object, "overload"),
				   text, &s->overload);
	}
	read_cover(loading, object, s);
	config_reader_finish(reader, object);
	check_probed(loading, object, service);
	bgp_attributes_normalise(&s->attributes);
}
