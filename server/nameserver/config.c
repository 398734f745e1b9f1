/*
 * config.c - arguments and configuration file of rootcastd.
 *
 * The file is read before the other arguments are applied, wherever -c stands,
 * so that an option always wins. What the design knows and this version does
 * not carry out is refused, not ignored: somebody who asks for a rate limit or
 * a key must not believe that it is there. An empty list or object asks for
 * nothing and passes.
 *
 * Decided here, where the design is silent: udp_payload is 512..4096 (what
 * receive and send buffers are made for); an empty identity is refused, since
 * NSID probes compare it; an interface of xdp without a port takes every port
 * of listen, and one with a port that listen does not have is an error.
 */
#include "server/nameserver/config.h"

#include "lib/base/control_protocol.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	DEFAULT_STOP_MS = 60000,
	DEFAULT_UDP_PAYLOAD = 1232,
	DEFAULT_TCP_CLIENTS = 10000,
	DEFAULT_TCP_CLIENTS_PER_PREFIX = 100,
	DEFAULT_TCP_IDLE_MS = 10000,

	UDP_PAYLOAD_LEAST = 512,
	UDP_PAYLOAD_MOST = 4096,
	TCP_CLIENTS_MOST = 1000000,
	TCP_IDLE_LEAST_MS = 100,
	TCP_MSS_LEAST = 536,  /* RFC 9293 3.7.1 */
	TCP_MSS_MOST = 32767, /* Linux takes no more */
	XDP_BUSY_POLL_MOST_US = 10000,
	HOUR_MS = 3600000,
};

const char config_usage[] =
	"usage: rootcastd [-c FILE] [--zones DIR] [--listen ADDR[@PORT]]...\n"
	"                 [--workers N] [--identity NAME] [--control PATH]\n"
	"                 [--xdp IFACE[@PORT]]... [--check] [--version]\n";

/* As given on the command line; the strings are argv's. */
struct arguments {
	const char *file;
	const char *zones;
	const char *workers;
	const char *identity;
	const char *control;
	const char *listen[CONFIG_LISTEN_MAX];
	size_t listen_count;
	const char *xdp[CONFIG_XDP_MAX];
	size_t xdp_count;
};

enum {
	OPTION_ZONES = 256,
	OPTION_LISTEN,
	OPTION_WORKERS,
	OPTION_IDENTITY,
	OPTION_CONTROL,
	OPTION_XDP,
	OPTION_CHECK,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct option options[] = {
	{"zones", required_argument, NULL, OPTION_ZONES},
	{"listen", required_argument, NULL, OPTION_LISTEN},
	{"workers", required_argument, NULL, OPTION_WORKERS},
	{"identity", required_argument, NULL, OPTION_IDENTITY},
	{"control", required_argument, NULL, OPTION_CONTROL},
	{"xdp", required_argument, NULL, OPTION_XDP},
	{"check", no_argument, NULL, OPTION_CHECK},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

__attribute__((format(printf, 2, 3))) static enum status
bad(char error[CONFIG_ERROR_MAX], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, CONFIG_ERROR_MAX, format, arguments);
	va_end(arguments);
	return STATUS_BAD_SYNTAX;
}

void config_init(struct config *config)
{
	*config = (struct config){
		.stop_ms = DEFAULT_STOP_MS,
		.udp_payload = DEFAULT_UDP_PAYLOAD,
		.tcp = {.clients = DEFAULT_TCP_CLIENTS,
			.clients_per_prefix = DEFAULT_TCP_CLIENTS_PER_PREFIX,
			.idle_ms = DEFAULT_TCP_IDLE_MS},
	};
}

static void free_rules(struct config *config)
{
	for (size_t i = 0; i < config->rule_count; i++) {
		free(config->rules[i].anchors);
	}
	free(config->rules);
	config->rules = NULL;
	config->rule_count = 0;
}

void config_fini(struct config *config)
{
	free(config->zones);
	free(config->identity);
	free(config->control);
	free(config->user);
	free(config->places);
	free_rules(config);
	config_init(config);
}

static enum status replace(char **string, const char *by)
{
	char *copy = strdup(by);

	if (copy == NULL) {
		return STATUS_NO_MEMORY;
	}
	free(*string);
	*string = copy;
	return STATUS_OK;
}

/* A plain decimal number from 0 to most; nothing before or after it. */
static bool load_number(const char *text, unsigned most, unsigned *out)
{
	unsigned long value;
	char *end;

	if (text[0] < '0' || text[0] > '9') {
		return false;
	}
	errno = 0;
	value = strtoul(text, &end, 10);
	if (*end != '\0' || errno != 0 || value > most) {
		return false;
	}
	*out = (unsigned)value;
	return true;
}

/* NULL where the address may be added; else what is wrong with it. */
static const char *listen_add(struct config *config, const char *text)
{
	struct address address;

	if (address_load(&address, text, CONFIG_DEFAULT_PORT) != STATUS_OK) {
		return "not an ADDRESS or ADDRESS@PORT";
	}
	if (config->listen_count == CONFIG_LISTEN_MAX) {
		return "too many addresses";
	}
	for (size_t i = 0; i < config->listen_count; i++) {
		if (address_equal(&config->listen[i], &address) &&
		    config->listen[i].port == address.port) {
			return "given twice";
		}
	}
	config->listen[config->listen_count++] = address;
	return NULL;
}

/* NULL where the interface may be added; else what is wrong with it. */
static const char *xdp_add(struct config *config, const char *text)
{
	const char *at = strrchr(text, '@');
	size_t length = at != NULL ? (size_t)(at - text) : strlen(text);
	struct config_xdp *xdp;
	unsigned port = 0;

	if (config->xdp_count == CONFIG_XDP_MAX) {
		return "too many interfaces";
	}
	if (length < 1 || length >= CONFIG_INTERFACE_MAX ||
	    strcspn(text, "/ \t\n") < length ||
	    (at != NULL &&
	     (!load_number(at + 1, UINT16_MAX, &port) || port == 0))) {
		return "not an INTERFACE or INTERFACE@PORT";
	}
	for (size_t i = 0; i < config->xdp_count; i++) {
		if (strncmp(config->xdp[i].interface, text, length) == 0 &&
		    config->xdp[i].interface[length] == '\0') {
			return "given twice";
		}
	}
	xdp = &config->xdp[config->xdp_count++];
	memset(xdp, 0, sizeof(*xdp));
	memcpy(xdp->interface, text, length);
	xdp->port = (uint16_t)port;
	return NULL;
}

static const char *identity_trouble(const char *identity)
{
	size_t length = strlen(identity);

	return length < 1 || length > CONFIG_IDENTITY_MAX
		       ? "must have 1 to 255 octets"
		       : NULL;
}

static const char *control_trouble(const char *path)
{
	size_t length = strlen(path);

	return length < 1 || length >= CONTROL_PATH_MAX
		       ? "must be a path of 1 to 103 octets"
		       : NULL;
}

static const char *path_trouble(const char *path)
{
	return path[0] == '\0' ? "must not be empty" : NULL;
}

/* --- the file ------------------------------------------------------------- */

/* A string that trouble() has nothing to say about; *out as it was else. */
static enum status read_string(struct config_reader *reader, json_t *object,
			       const char *key,
			       const char *(*trouble)(const char *), char **out)
{
	const char *text;
	const char *wrong;

	if (!config_reader_string(reader, object, key, &text)) {
		return STATUS_OK;
	}
	wrong = trouble(text);
	if (wrong != NULL) {
		config_reader_fail(reader,
				   config_reader_get(reader, object, key), "%s",
				   wrong);
		return STATUS_OK;
	}
	return replace(out, text);
}

static void read_unsigned(struct config_reader *reader, json_t *object,
			  const char *key, int64_t least, int64_t most,
			  unsigned *out)
{
	int64_t value;

	if (config_reader_integer(reader, object, key, least, most, &value)) {
		*out = (unsigned)value;
	}
}

static void read_listen(struct config_reader *reader, json_t *server,
			struct config *config)
{
	json_t *list = config_reader_array(reader, server, "listen");
	const char *wrong;
	json_t *value;
	size_t index;

	if (list == NULL) {
		return;
	}
	if (json_array_size(list) == 0) {
		config_reader_fail(reader, list, "must not be empty");
	}
	json_array_foreach(list, index, value)
	{
		wrong = json_is_string(value)
				? listen_add(config, json_string_value(value))
				: "must be a string";
		if (wrong != NULL) {
			config_reader_fail(reader, value, "%s", wrong);
			return;
		}
	}
}

static void read_report_agent(struct config_reader *reader, json_t *server,
			      struct config *config)
{
	struct dname_storage agent;
	const char *text;
	const char *wrong = NULL;

	if (!config_reader_string(reader, server, "report_agent", &text)) {
		return;
	}
	if (dname_load(&agent, text, strlen(text), dname_root) != STATUS_OK) {
		wrong = "not a domain name";
	} else if (dname_of(&agent)->labels == 0) {
		wrong = "must not be the root (RFC 9567)";
	}
	if (wrong != NULL) {
		config_reader_fail(
			reader,
			config_reader_get(reader, server, "report_agent"), "%s",
			wrong);
		return;
	}
	config->report_agent = agent;
	config->has_report_agent = true;
}

static void read_xdp(struct config_reader *reader, json_t *server,
		     struct config *config)
{
	json_t *list = config_reader_array(reader, server, "xdp");
	const char *wrong;
	json_t *value;
	size_t index;

	json_array_foreach(list, index, value)
	{
		wrong = json_is_string(value)
				? xdp_add(config, json_string_value(value))
				: "must be a string";
		if (wrong != NULL) {
			config_reader_fail(reader, value, "%s", wrong);
			return;
		}
	}
	(void)config_reader_boolean(reader, server, "xdp_partial_checksum",
				    &config->xdp_partial_checksum);
	read_unsigned(reader, server, "xdp_busy_poll_us", 0,
		      XDP_BUSY_POLL_MOST_US, &config->xdp_busy_poll_us);
}

static void read_tcp(struct config_reader *reader, json_t *server,
		     struct config_tcp *tcp)
{
	json_t *object = config_reader_object(reader, server, "tcp");

	if (object == NULL) {
		return;
	}
	read_unsigned(reader, object, "clients", 1, TCP_CLIENTS_MOST,
		      &tcp->clients);
	read_unsigned(reader, object, "clients_per_prefix", 1, TCP_CLIENTS_MOST,
		      &tcp->clients_per_prefix);
	read_unsigned(reader, object, "idle_ms", TCP_IDLE_LEAST_MS, HOUR_MS,
		      &tcp->idle_ms);
	read_unsigned(reader, object, "mss", TCP_MSS_LEAST, TCP_MSS_MOST,
		      &tcp->mss);
	config_reader_finish(reader, object);
}

static bool asks_for_nothing(const json_t *value)
{
	return (json_is_array(value) && json_array_size(value) == 0) ||
	       (json_is_object(value) && json_object_size(value) == 0);
}

static void refuse_unless_empty(struct config_reader *reader, json_t *object,
				const char *key)
{
	if (!asks_for_nothing(config_reader_get(reader, object, key))) {
		config_reader_refuse(reader, object, key);
	}
}

static void read_steer(struct config_reader *reader, json_t *server,
		       enum steer_wish *steer)
{
	static const char *const words[] = {
		[STEER_AUTO] = "auto",
		[STEER_CPU] = "cpu",
		[STEER_HASH] = "hash",
	};
	const char *text;

	if (!config_reader_string(reader, server, "steer", &text)) {
		return;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) == 0) {
			*steer = (enum steer_wish)i;
			return;
		}
	}
	config_reader_fail(reader, config_reader_get(reader, server, "steer"),
			   "must be \"auto\", \"cpu\" or \"hash\"");
}

static enum status read_server(struct config_reader *reader, json_t *server,
			       struct config *config)
{
	unsigned payload = config->udp_payload;
	enum status status;

	read_listen(reader, server, config);
	status = read_string(reader, server, "zones", path_trouble,
			     &config->zones);
	if (status == STATUS_OK) {
		status = read_string(reader, server, "identity",
				     identity_trouble, &config->identity);
	}
	if (status == STATUS_OK) {
		status = read_string(reader, server, "control", control_trouble,
				     &config->control);
	}
	if (status == STATUS_OK) {
		status = read_string(reader, server, "user", path_trouble,
				     &config->user);
	}
	read_unsigned(reader, server, "workers", 0, CONFIG_WORKERS_MAX,
		      &config->workers);
	read_unsigned(reader, server, "stop_ms", 0, HOUR_MS, &config->stop_ms);
	read_unsigned(reader, server, "udp_payload", UDP_PAYLOAD_LEAST,
		      UDP_PAYLOAD_MOST, &payload);
	config->udp_payload = (uint16_t)payload;
	read_steer(reader, server, &config->steer);
	read_report_agent(reader, server, config);
	read_tcp(reader, server, &config->tcp);
	read_xdp(reader, server, config);
	config_reader_refuse(reader, server, "state");
	config_reader_refuse(reader, server, "metrics");
	config_reader_finish(reader, server);
	return status;
}

static bool place_is_known(const struct config *config,
			   struct dname_storage *name)
{
	for (size_t i = 0; i < config->place_count; i++) {
		if (dname_equal(dname_of(&config->places[i]), dname_of(name))) {
			return true;
		}
	}
	return false;
}

static void read_anchor(struct config_reader *reader, const json_t *value,
			struct zonemd_rule *rule)
{
	char reason[TRUST_ANCHOR_REASON_MAX];

	if (!json_is_string(value)) {
		config_reader_fail(reader, value, "must be a string");
	} else if (trust_anchor_load(&rule->anchors[rule->anchor_count],
				     json_string_value(value),
				     reason) != STATUS_OK) {
		config_reader_fail(reader, value, "%s", reason);
	} else {
		rule->anchor_count++;
	}
}

/* "trust_anchor": a text, or a list of them. */
static enum status read_anchors(struct config_reader *reader, json_t *zone,
				struct zonemd_rule *rule)
{
	json_t *value = config_reader_get(reader, zone, "trust_anchor");
	size_t count = json_is_array(value) ? json_array_size(value) : 1;

	if (value == NULL) {
		return STATUS_OK;
	}
	if (count == 0 || count > CONFIG_ANCHORS_MAX) {
		config_reader_fail(reader, value,
				   "must be a text, or a list "
				   "of 1 to %d of them",
				   CONFIG_ANCHORS_MAX);
		return STATUS_OK;
	}
	if (rule->policy == ZONEMD_POLICY_IGNORE) {
		config_reader_fail(reader, value,
				   "is not used where 'zonemd' is 'ignore'");
		return STATUS_OK;
	}
	rule->anchors = calloc(count, sizeof(*rule->anchors));
	if (rule->anchors == NULL) {
		return STATUS_NO_MEMORY;
	}
	for (size_t i = 0; i < count; i++) {
		read_anchor(reader,
			    json_is_array(value) ? json_array_get(value, i)
						 : value,
			    rule);
	}
	return STATUS_OK;
}

/* "zonemd" and "trust_anchor" of one zone: a rule where one of them stands. */
static enum status read_zonemd(struct config_reader *reader, json_t *zone,
			       const struct dname_storage *name,
			       struct config *config)
{
	struct zonemd_rule *rule = &config->rules[config->rule_count];
	const char *text;

	if (config_reader_get(reader, zone, "zonemd") == NULL &&
	    config_reader_get(reader, zone, "trust_anchor") == NULL) {
		return STATUS_OK;
	}
	config->rule_count++;
	*rule = (struct zonemd_rule){
		.name = *name,
		.policy = ZONEMD_POLICY_CHECK,
	};
	if (config_reader_string(reader, zone, "zonemd", &text) &&
	    !zonemd_policy_load(&rule->policy, text)) {
		config_reader_fail(reader,
				   config_reader_get(reader, zone, "zonemd"),
				   "must be 'ignore', 'check' or 'require'");
	}
	return read_anchors(reader, zone, rule);
}

static enum status read_zones(struct config_reader *reader, json_t *zones,
			      struct config *config)
{
	struct dname_storage *places =
		calloc(json_object_size(zones) + 1, sizeof(*places));
	struct zonemd_rule *rules =
		calloc(json_object_size(zones) + 1, sizeof(*rules));
	const char *key;
	json_t *value;
	enum status status;

	if (places == NULL || rules == NULL) {
		free(places);
		free(rules);
		return STATUS_NO_MEMORY;
	}
	free(config->places);
	free_rules(config);
	config->places = places;
	config->place_count = 0;
	config->rules = rules;
	json_object_foreach(zones, key, value)
	{
		struct dname_storage *name = &places[config->place_count];
		json_t *zone = config_reader_object(reader, zones, key);

		if (zone == NULL) {
			break;
		}
		if (dname_load(name, key, strlen(key), dname_root) !=
		    STATUS_OK) {
			config_reader_fail(reader, value, "not a domain name");
			break;
		}
		if (place_is_known(config, name)) {
			config_reader_fail(reader, value, "given twice");
			break;
		}
		config->place_count++;
		config_reader_refuse(reader, zone, "primaries");
		status = read_zonemd(reader, zone, name, config);
		if (status != STATUS_OK) {
			return status;
		}
		config_reader_refuse(reader, zone, "transfer_to");
		config_reader_refuse(reader, zone, "notify");
		config_reader_finish(reader, zone);
	}
	return STATUS_OK;
}

static enum status read_root(struct config_reader *reader,
			     struct config *config)
{
	json_t *root = config_reader_root(reader);
	json_t *server = config_reader_object(reader, root, "server");
	json_t *zones = config_reader_object(reader, root, "zones");
	enum status status = STATUS_OK;

	if (server != NULL) {
		status = read_server(reader, server, config);
	}
	if (status == STATUS_OK && zones != NULL) {
		status = read_zones(reader, zones, config);
	}
	refuse_unless_empty(reader, root, "keys");
	/* rootcast-routed reads and checks what is in it. */
	(void)config_reader_object(reader, root, "route");
	config_reader_finish(reader, root);
	return status;
}

/* The reader's or an error of its own; takes the reader over. */
static enum status read_all(struct config_reader *reader, const char *name,
			    struct config *config, char error[CONFIG_ERROR_MAX])
{
	enum status status;

	if (reader == NULL) {
		return STATUS_BAD_SYNTAX; /* error was written */
	}
	status = read_root(reader, config);
	if (config_reader_error(reader) != NULL) {
		status = bad(error, "%s", config_reader_error(reader));
	} else if (status != STATUS_OK) {
		bad(error, "%s: %s", name, status_text(status));
	}
	config_reader_free(reader);
	return status;
}

enum status config_parse(struct config *config, const char *name,
			 const char *text, size_t size,
			 char error[CONFIG_ERROR_MAX])
{
	return read_all(
		config_reader_parse(name, text, size, error, CONFIG_ERROR_MAX),
		name, config, error);
}

/* --- the command line ----------------------------------------------------- */

static enum status take_option(int option, const char *word,
			       struct arguments *given,
			       enum config_action *action,
			       char error[CONFIG_ERROR_MAX])
{
	switch (option) {
	case 'c':
		given->file = optarg;
		return STATUS_OK;
	case OPTION_ZONES:
		given->zones = optarg;
		return STATUS_OK;
	case OPTION_LISTEN:
		if (given->listen_count == CONFIG_LISTEN_MAX) {
			return bad(error, "--listen: too many addresses");
		}
		given->listen[given->listen_count++] = optarg;
		return STATUS_OK;
	case OPTION_WORKERS:
		given->workers = optarg;
		return STATUS_OK;
	case OPTION_IDENTITY:
		given->identity = optarg;
		return STATUS_OK;
	case OPTION_CONTROL:
		given->control = optarg;
		return STATUS_OK;
	case OPTION_XDP:
		if (given->xdp_count == CONFIG_XDP_MAX) {
			return bad(error, "--xdp: too many interfaces");
		}
		given->xdp[given->xdp_count++] = optarg;
		return STATUS_OK;
	case OPTION_CHECK:
		*action = CONFIG_CHECK;
		return STATUS_OK;
	case OPTION_VERSION:
		*action = CONFIG_VERSION;
		return STATUS_OK;
	case OPTION_HELP:
		*action = CONFIG_HELP;
		return STATUS_OK;
	case ':':
		return bad(error, "'%s' needs a value", word);
	default:
		return bad(error, "unknown option '%s'", word);
	}
}

static enum status read_arguments(int argc, char *const *argv,
				  struct arguments *given,
				  enum config_action *action,
				  char error[CONFIG_ERROR_MAX])
{
	enum status status = STATUS_OK;

	optind = 0; /* glibc: begin anew */
	opterr = 0;
	for (;;) {
		int at = optind > 0 ? optind : 1;
		int option = getopt_long(argc, argv, "+:c:", options, NULL);

		if (option == -1) {
			break;
		}
		status = take_option(option, argv[at], given, action, error);
		if (status != STATUS_OK || *action == CONFIG_VERSION ||
		    *action == CONFIG_HELP) {
			return status;
		}
	}
	if (optind < argc) {
		return bad(error, "unexpected argument '%s'", argv[optind]);
	}
	return STATUS_OK;
}

static enum status apply_string(char **string, const char *option,
				const char *value,
				const char *(*trouble)(const char *),
				char error[CONFIG_ERROR_MAX])
{
	const char *wrong;

	if (value == NULL) {
		return STATUS_OK;
	}
	wrong = trouble(value);
	if (wrong != NULL) {
		return bad(error, "%s '%.100s': %s", option, value, wrong);
	}
	if (replace(string, value) != STATUS_OK) {
		return bad(error, "%s", status_text(STATUS_NO_MEMORY));
	}
	return STATUS_OK;
}

static enum status apply_arguments(struct config *config,
				   const struct arguments *given,
				   char error[CONFIG_ERROR_MAX])
{
	enum status status;

	if (given->listen_count > 0) {
		config->listen_count = 0;
	}
	for (size_t i = 0; i < given->listen_count; i++) {
		const char *wrong = listen_add(config, given->listen[i]);

		if (wrong != NULL) {
			return bad(error, "--listen '%.100s': %s",
				   given->listen[i], wrong);
		}
	}
	if (given->xdp_count > 0) {
		config->xdp_count = 0;
	}
	for (size_t i = 0; i < given->xdp_count; i++) {
		const char *wrong = xdp_add(config, given->xdp[i]);

		if (wrong != NULL) {
			return bad(error, "--xdp '%.100s': %s", given->xdp[i],
				   wrong);
		}
	}
	if (given->workers != NULL &&
	    !load_number(given->workers, CONFIG_WORKERS_MAX,
			 &config->workers)) {
		return bad(error,
			   "--workers '%.100s': not a number from 0 to %d",
			   given->workers, CONFIG_WORKERS_MAX);
	}
	status = apply_string(&config->zones, "--zones", given->zones,
			      path_trouble, error);
	if (status == STATUS_OK) {
		status = apply_string(&config->identity, "--identity",
				      given->identity, identity_trouble, error);
	}
	if (status == STATUS_OK) {
		status = apply_string(&config->control, "--control",
				      given->control, control_trouble, error);
	}
	return status;
}

/* --- defaults that ask the system ----------------------------------------- */

static unsigned count_cpus(void)
{
	cpu_set_t set;
	int count = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0) {
		count = CPU_COUNT(&set);
	}
	return count > CONFIG_WORKERS_MAX ? CONFIG_WORKERS_MAX
					  : (unsigned)count;
}

static enum status default_identity(char **out)
{
	char name[CONFIG_IDENTITY_MAX + 1] = "";

	if (gethostname(name, sizeof(name)) != 0 || name[0] == '\0') {
		return replace(out, "rootcast");
	}
	name[CONFIG_IDENTITY_MAX] = '\0';
	return replace(out, name);
}

static void default_listen(struct config *config)
{
	static const char *const places[] = {"127.0.0.1", "::1"};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct address *address = &config->listen[i];
		enum status status =
			address_load(address, places[i], CONFIG_TRY_PORT);

		assert(status == STATUS_OK);
		(void)status;
	}
	config->listen_count = sizeof(places) / sizeof(places[0]);
	config->listen_is_default = true;
}

static enum status fill_defaults(struct config *config)
{
	enum status status = STATUS_OK;

	if (config->listen_count == 0) {
		default_listen(config);
	}
	if (config->workers == 0) {
		config->workers = count_cpus();
	}
	if (config->zones == NULL) {
		config->zones_is_default = true;
		status = replace(&config->zones, "zones");
	}
	if (status == STATUS_OK && config->identity == NULL) {
		status = default_identity(&config->identity);
	}
	return status;
}

/* An interface that would take nothing is a mistake. */
static enum status check_xdp(const struct config *config,
			     char error[CONFIG_ERROR_MAX])
{
	for (size_t i = 0; i < config->xdp_count; i++) {
		const struct config_xdp *xdp = &config->xdp[i];
		bool has_port = xdp->port == 0;

		for (size_t k = 0; k < config->listen_count; k++) {
			has_port =
				has_port || config->listen[k].port == xdp->port;
		}
		if (!has_port) {
			return bad(error,
				   "xdp '%s@%u': no address of 'listen' has "
				   "that port",
				   xdp->interface, xdp->port);
		}
	}
	return STATUS_OK;
}

enum status config_load(struct config *config, int argc, char *const *argv,
			enum config_action *action,
			char error[CONFIG_ERROR_MAX])
{
	struct arguments given = {0};
	enum status status;

	*action = CONFIG_RUN;
	error[0] = '\0';
	status = read_arguments(argc, argv, &given, action, error);
	if (status != STATUS_OK || *action == CONFIG_VERSION ||
	    *action == CONFIG_HELP) {
		return status;
	}
	if (given.file != NULL) {
		status = read_all(
			config_reader_load(given.file, error, CONFIG_ERROR_MAX),
			given.file, config, error);
	}
	if (status == STATUS_OK) {
		status = apply_arguments(config, &given, error);
	}
	if (status == STATUS_OK) {
		status = fill_defaults(config);
		if (status != STATUS_OK) {
			bad(error, "%s", status_text(status));
		}
	}
	if (status == STATUS_OK) {
		status = check_xdp(config, error);
	}
	return status;
}
