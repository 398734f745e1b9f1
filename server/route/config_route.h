/*
 * config_route.h - what rootcast-routed was asked to do.
 *
 * The 'route' section of the configuration file, checked as a whole: what comes
 * back can be carried out. Of 'server' only the control socket and the identity
 * are looked at, since the nameserver checks the rest itself. Read once at start;
 * it does not change while the program runs. Lifetime: process.
 */
#pragma once

#include "lib/base/address.h"
#include "lib/base/config_reader.h"
#include "lib/base/control_protocol.h"
#include "lib/base/status.h"
#include "server/route/probe.h"
#include "server/route/speaker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CONFIG_ROUTE_PREFIXES_MAX = 256, /* of all services */
	CONFIG_ROUTE_PROBES_MAX = 256,   /* of all services */
	CONFIG_ROUTE_ZONES_MAX = 32,     /* of one service */
	CONFIG_ROUTE_TARGETS_MAX = 1024, /* probe, question and transport */
	CONFIG_ROUTE_QUESTIONS_MAX = 64, /* of one service */
	CONFIG_ROUTE_COMMANDS_MAX = 32,  /* of all services */
	CONFIG_ROUTE_WORDS_MAX = 64,     /* of one command */
	CONFIG_ROUTE_PROBE_PORT = 53,
	CONFIG_ROUTE_EXTRA_MAX = 8, /* communities of a scope, of an action */
	/* What the Internet's networks accept at most. */
	CONFIG_ROUTE_TRANSIT_IPV4 = 24,
	CONFIG_ROUTE_TRANSIT_IPV6 = 48,
	CONFIG_ROUTE_IDENTITY_MAX = 255,
	CONFIG_ROUTE_PATH_MAX = 500, /* of files that are only opened */
	BFD_INTERVAL_MS = 100,
	BFD_MULTIPLIER = 3,
	/* Less than a scheduler's slice makes false alarms. */
	BFD_INTERVAL_MIN_MS = 10,
	BFD_INTERVAL_MAX_MS = 60000,
};

#define CONFIG_ROUTE_NO_ZONE SIZE_MAX

/* A prefix, announced and withdrawn by itself. */
struct config_prefix {
	struct prefix prefix;
	size_t service; /* index */
};

/* An address that is asked, as a client would. */
struct config_probe {
	struct address address; /* with its port */
	size_t service;
};

/* Communities to be added to a route, plain and large. */
struct community_list {
	size_t count;
	size_t large_count;
	uint32_t plain[CONFIG_ROUTE_EXTRA_MAX];
	struct bgp_large_community large[CONFIG_ROUTE_EXTRA_MAX];
};

/*
 * What is done with the routes of a service that is not quite well (RFC 7094
 * 4.4, RFC 9199 3.4): "absorb", "prepend:N", "community:X", "withdraw".
 */
enum policy_kind {
	POLICY_ABSORB, /* nothing */
	POLICY_PREPEND,
	POLICY_COMMUNITY,
	POLICY_WITHDRAW,
};

struct policy_action {
	enum policy_kind kind;
	uint8_t prepend;                   /* PREPEND: as often more */
	struct community_list communities; /* COMMUNITY */
};

/* A question, and the required zone that it is for. */
struct config_question {
	struct probe_question question;
	size_t zone; /* index into config_route.zones; CONFIG_ROUTE_NO_ZONE */
};

/* A program whose exit status 0 means 'good'. */
struct config_command {
	char **arguments; /* the program first; ends with NULL */
	size_t service;
	uint32_t interval_ms; /* from start to start */
	uint32_t timeout_ms;  /* then it is killed, and was bad */
	uint32_t fall;        /* bad runs in a row */
	uint32_t rise;        /* good runs in a row */
	bool is_shared;       /* its failure may be all sites': the service's
			   shared_fault says what to do */
};

struct config_service {
	char *name;
	size_t *zones; /* required: indices into config_route.zones */
	size_t zone_count;
	size_t *questions; /* indices into config_route.questions */
	size_t question_count;
	/* A required zone is stale: what it has in common with other sites. */
	struct policy_action shared_fault;
	uint32_t shared_grace_ms;         /* so long it is overlooked */
	struct bgp_attributes attributes; /* normalised */
	struct policy_action overload;
	/*
	 * How many of the probe addresses inside a covering prefix must be good
	 * (RFC 4786 4.8.2, 4.8.3); 0: all of them.
	 */
	uint32_t cover;
	char *maintenance_file; /* NULL: none */
	/* Of a drain, beside GRACEFUL_SHUTDOWN: prepended as often more, MED. */
	uint8_t drain_prepend;
	bool has_drain_med;
	uint32_t drain_med;
	bool manages_addresses; /* its host addresses on lo are ours */
};

/* Which lengths a peer is told. */
enum config_lengths {
	CONFIG_LENGTHS_ALL,
	CONFIG_LENGTHS_COVERING, /* all but host routes */
	CONFIG_LENGTHS_HOST,     /* host routes: /32 and /128 */
};

/* What a peer is told, beside what the speaker has to know. */
struct config_peer {
	bool has_overload; /* its own, instead of the services' */
	struct policy_action overload;
	bool has_scope; /* it was said */
	struct community_list
		scope;   /* of every route: NO_EXPORT and the like */
	bool is_transit; /* takes nothing longer than /24 and /48 */
	enum config_lengths lengths;
	bool announces[CONFIG_ROUTE_PREFIXES_MAX]; /* by prefix */
};

struct config_health {
	uint32_t interval_ms; /* from start to start of a round of probes */
	uint32_t timeout_ms;  /* at most interval_ms */
	uint32_t fall;        /* bad probes in a row */
	uint32_t rise;        /* good rounds in a row */
	uint32_t hold_down_ms;
	uint32_t hold_down_max_ms;
	uint32_t drain_ms;
	uint32_t linger_ms;
	uint32_t latency_ms; /* a later answer is none; 0: no limit */
	uint32_t stagger_ms; /* between two services that come up */
};

struct config_route {
	char *state_file;               /* NULL: beside the control socket */
	char *maintenance_file;         /* of all services; NULL: none */
	char control[CONTROL_PATH_MAX]; /* "": the default */
	char server_control[CONTROL_PATH_MAX];        /* "": the default */
	char identity[CONFIG_ROUTE_IDENTITY_MAX + 1]; /* "": not given */
	uint32_t router_id;                           /* host order */
	uint32_t local_as;
	struct config_service *services;
	size_t service_count;
	struct config_prefix *prefixes; /* in the order of the services */
	size_t prefix_count;
	struct config_probe *probes; /* in the order of the services */
	size_t probe_count;
	struct probe_zone *zones; /* each zone that any service requires */
	size_t zone_count;
	struct config_question *questions;
	size_t question_count;
	struct config_command *commands;
	size_t command_count;
	struct speaker_peer *peers;
	size_t peer_count;
	struct config_peer *peer_policies; /* beside peers */
	size_t peer_policy_count;
	bool has_node; /* a large community that names this node (RFC 4786) */
	struct bgp_large_community node;
	char *warnings; /* lines, each with its newline; "": none */
	struct address listen[SPEAKER_LISTEN_MAX]; /* for BGP; with ports */
	size_t listen_count;
	struct config_health health;
};

/*
 * Read and check a file, or text (name stands for the file in errors). Password
 * files are read as well. NULL on any trouble, with one line in error.
 */
struct config_route *config_route_load(const char *path,
				       char error[CONFIG_ERROR_MAX]);
struct config_route *config_route_parse(const char *name, const char *text,
					size_t size,
					char error[CONFIG_ERROR_MAX]);
void config_route_free(struct config_route *config);

/* A single address: /32 or /128. */
bool config_route_is_host(const struct prefix *prefix);

/* Families of a peer: as configured, or else its address's own. */
unsigned config_route_families(const struct speaker_peer *peer);
