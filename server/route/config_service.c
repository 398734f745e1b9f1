/*
 * config_service.c - services: what is announced, what proves it, and what is
 * done where it is not well.
 *
 * See config_route.c for the manners.
 */
#include "server/route/config_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	/* Room for GRACEFUL_SHUTDOWN, a scope and two actions is kept free. */
	COMMUNITIES_MAX = BGP_COMMUNITIES_MAX - 1 - 3 * CONFIG_ROUTE_EXTRA_MAX,
	SHARED_GRACE_MS = 3600000, /* an hour */
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

/* --- questions and commands ----------------------------------------------- */

/* One more question of a service; two services may share it. */
static void add_question(struct loading *loading, size_t service,
			 const struct probe_question *question, size_t zone)
{
	struct config_route *config = loading->config;
	struct config_service *s = &config->services[service];
	struct config_question *slot =
		APPEND(loading, config->questions, config->question_count);
	size_t *index = APPEND(loading, s->questions, s->question_count);

	if (slot != NULL && index != NULL) {
		slot->question = *question;
		slot->zone = zone;
		*index = config->question_count - 1;
	}
}

static void read_question(struct loading *loading, const json_t *element,
			  size_t service)
{
	struct config_reader *reader = loading->reader;
	json_t *object = (json_t *)element; /* ours; asking marks its keys */
	struct probe_question question;
	const char *name = NULL;
	const char *type = "A";
	const char *rrclass = "IN";
	const char *rcode = "NOERROR";
	bool needs_aa = true;

	if (!json_is_object(element)) {
		config_reader_fail(reader, element, "must be an object");
		return;
	}
	config_reader_string(reader, object, "name", &name);
	config_reader_string(reader, object, "type", &type);
	config_reader_string(reader, object, "class", &rrclass);
	config_reader_string(reader, object, "rcode", &rcode);
	config_reader_boolean(reader, object, "aa", &needs_aa);
	config_reader_finish(reader, object);
	if (name == NULL) {
		config_reader_fail(reader, element, "a question needs a name");
		return;
	}
	if (loading->config->services[service].question_count >=
	    CONFIG_ROUTE_QUESTIONS_MAX) {
		config_reader_fail(reader, element, "more than %d questions",
				   CONFIG_ROUTE_QUESTIONS_MAX);
		return;
	}
	if (probe_question_load(&question, name, type, rrclass, rcode,
				needs_aa) != STATUS_OK) {
		config_reader_fail(reader, element,
				   "'%.100s %.20s %.20s' with rcode '%.20s' is "
				   "no question",
				   name, rrclass, type, rcode);
		return;
	}
	add_question(loading, service, &question, CONFIG_ROUTE_NO_ZONE);
}

/*
 * What the probes ask: the SOA of each required zone, and further questions.
 * Where neither is configured, any server that serves anything will do, and only
 * it can answer this: 'id.server' (RFC 4892). Not AA: no zone stands behind it.
 */
static void make_questions(struct loading *loading, json_t *object,
			   size_t service)
{
	struct config_service *s = &loading->config->services[service];
	struct probe_question question;
	json_t *list;
	json_t *element;
	size_t index;

	for (size_t i = 0; i < s->zone_count; i++) {
		probe_question_of_zone(&question,
				       &loading->config->zones[s->zones[i]]);
		add_question(loading, service, &question, s->zones[i]);
	}
	list = config_reader_array(loading->reader, object, "questions");
	json_array_foreach(list, index, element)
	{
		read_question(loading, element, service);
	}
	if (s->question_count == 0 &&
	    probe_question_load(&question, "id.server", "TXT", "CH", "NOERROR",
				false) == STATUS_OK) {
		add_question(loading, service, &question, CONFIG_ROUTE_NO_ZONE);
	}
}

static void read_words(struct loading *loading, json_t *object,
		       struct config_command *command)
{
	json_t *list = config_reader_array(loading->reader, object, "run");
	size_t count = json_array_size(list);
	const json_t *element;
	size_t index;

	if (count == 0 || count > CONFIG_ROUTE_WORDS_MAX) {
		config_reader_fail(loading->reader, object,
				   "a command needs 'run': the program and its "
				   "arguments, 1 to %d",
				   CONFIG_ROUTE_WORDS_MAX);
		return;
	}
	command->arguments = calloc(count + 1, sizeof(char *));
	if (command->arguments == NULL) {
		loading->is_out_of_memory = true;
		return;
	}
	json_array_foreach(list, index, element)
	{
		const char *text = config_element_text(loading, element);

		if (text == NULL) {
			return;
		}
		command->arguments[index] = strdup(text);
		loading->is_out_of_memory |= command->arguments[index] == NULL;
	}
	if (command->arguments[0] != NULL && command->arguments[0][0] != '/') {
		config_reader_fail(loading->reader, json_array_get(list, 0),
				   "must be the full path of a program");
	} else if (command->arguments[0] != NULL &&
		   access(command->arguments[0], X_OK) != 0) {
		config_reader_warn(loading->reader, json_array_get(list, 0),
				   "'%s' cannot be run now: %s",
				   command->arguments[0], strerror(errno));
	}
}

static void read_command(struct loading *loading, const json_t *element,
			 size_t service)
{
	struct config_route *config = loading->config;
	json_t *object = (json_t *)element;
	struct config_command *command;

	if (!json_is_object(element)) {
		config_reader_fail(loading->reader, element,
				   "must be an object");
		return;
	}
	if (config->command_count == CONFIG_ROUTE_COMMANDS_MAX) {
		config_reader_fail(loading->reader, element,
				   "more than %d commands",
				   CONFIG_ROUTE_COMMANDS_MAX);
		return;
	}
	command = APPEND(loading, config->commands, config->command_count);
	if (command == NULL) {
		return;
	}
	command->service = service;
	command->interval_ms = 1000;
	command->fall = 2;
	command->rise = 1;
	read_words(loading, object, command);
	config_number(loading, object, "interval_ms", 50, 3600000,
		      &command->interval_ms);
	command->timeout_ms = command->interval_ms;
	config_number(loading, object, "timeout_ms", 10, 3600000,
		      &command->timeout_ms);
	config_number(loading, object, "fall", 1, 100, &command->fall);
	config_number(loading, object, "rise", 1, 100, &command->rise);
	config_reader_boolean(loading->reader, object, "shared",
			      &command->is_shared);
	config_reader_finish(loading->reader, object);
	if (command->timeout_ms > command->interval_ms) {
		config_reader_fail(loading->reader,
				   json_object_get(object, "timeout_ms"),
				   "must not exceed interval_ms, %u",
				   command->interval_ms);
	}
}

/* {"policy": ACTION, "grace_ms": N} */
static void read_shared_fault(struct loading *loading, json_t *object,
			      struct config_service *service)
{
	json_t *fault =
		config_reader_object(loading->reader, object, "shared_fault");
	const char *text;

	if (config_reader_string(loading->reader, fault, "policy", &text)) {
		config_action_read(loading, json_object_get(fault, "policy"),
				   text, &service->shared_fault);
	}
	config_number(loading, fault, "grace_ms", 0, UINT32_MAX,
		      &service->shared_grace_ms);
	config_reader_finish(loading->reader, fault);
}

/* --- a service ------------------------------------------------------------ */

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

/* Whose the service addresses on lo are. */
static void read_addresses(struct loading *loading, json_t *object,
			   struct config_service *s)
{
	const char *text;

	if (!config_reader_string(loading->reader, object, "addresses",
				  &text)) {
		return;
	}
	s->manages_addresses = strcmp(text, "manage") == 0;
	if (!s->manages_addresses && strcmp(text, "external") != 0) {
		config_reader_fail(
			loading->reader, json_object_get(object, "addresses"),
			"'%s': must be 'manage' or 'external'", text);
	}
}

/* What a drain says beside GRACEFUL_SHUTDOWN. */
static void read_drain(struct loading *loading, json_t *object,
		       struct config_service *s)
{
	json_t *drain = config_reader_object(loading->reader, object, "drain");
	uint32_t prepend = 0;

	if (drain == NULL) {
		return;
	}
	config_number(loading, drain, "prepend", 0, BGP_PREPEND_MAX, &prepend);
	s->drain_prepend = (uint8_t)prepend;
	if (config_reader_get(loading->reader, drain, "med") != NULL) {
		s->has_drain_med = true;
		config_number(loading, drain, "med", 0, UINT32_MAX,
			      &s->drain_med);
	}
	config_reader_finish(loading->reader, drain);
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
	read_each(loading, object, "required_zones", service, read_zone);
	make_questions(loading, object, service);
	read_each(loading, object, "commands", service, read_command);
	s->shared_grace_ms = SHARED_GRACE_MS;
	read_shared_fault(loading, object, s);
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
	read_drain(loading, object, s);
	read_addresses(loading, object, s);
	config_path(loading, object, "maintenance_file", &s->maintenance_file);
	config_reader_finish(reader, object);
	check_probed(loading, object, service);
	bgp_attributes_normalise(&s->attributes);
}
