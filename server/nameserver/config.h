/*
 * config.h - what rootcastd was asked to do: defaults, then the file, then the
 * command line, each over the one before.
 *
 * Read once at start, by the main thread; it does not change while the program
 * runs. Lifetime: process.
 */
#pragma once

#include "lib/base/address.h"
#include "lib/base/config_reader.h"
#include "lib/base/status.h"
#include "lib/dns/dname.h"
#include "lib/zone/zonemd.h"
#include "server/nameserver/steer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CONFIG_LISTEN_MAX = 64,
	CONFIG_ANCHORS_MAX = 16, /* of one zone */
	CONFIG_WORKERS_MAX = 256,
	CONFIG_IDENTITY_MAX = 255, /* one character-string, RFC 4892 */
	CONFIG_DEFAULT_PORT = 53,
	CONFIG_INTERFACE_MAX = 16, /* IFNAMSIZ: the zero too */
	CONFIG_XDP_MAX = 16,
	CONFIG_TRY_PORT = 5300, /* where no address is given at all */
};

struct config_tcp {
	unsigned clients;            /* connections of the whole server */
	unsigned clients_per_prefix; /* of one /24 or /56 */
	unsigned idle_ms;
	unsigned mss; /* octets; 0: 1220 on IPv6, IPv4 as the kernel decides */
};

/* An interface whose UDP queries AF_XDP takes. */
struct config_xdp {
	char interface[CONFIG_INTERFACE_MAX];
	uint16_t port; /* of the addresses in listen; 0: every port there */
};

struct config {
	struct address listen[CONFIG_LISTEN_MAX];
	size_t listen_count;
	bool listen_is_default; /* nobody gave one: 127.0.0.1 and ::1, 5300 */
	char *zones;            /* the folder */
	bool zones_is_default;
	unsigned workers; /* at least 1: CPUs were counted */
	char *identity;   /* at most CONFIG_IDENTITY_MAX octets */
	char *control;    /* path, or NULL: control_default_path() */
	char *user;       /* or NULL: stay who we are */
	unsigned stop_ms;
	uint16_t udp_payload;
	enum steer_wish steer;
	bool has_report_agent; /* RFC 9567: not the root */
	struct dname_storage report_agent;
	struct config_tcp tcp;
	struct config_xdp xdp[CONFIG_XDP_MAX];
	size_t xdp_count;
	bool xdp_partial_checksum; /* answer what a veth leaves unfinished */
	unsigned xdp_busy_poll_us; /* 0: sleep at once */
	/* The names of the "zones" section: places that answer SERVFAIL until
	 * there is a version. Canonical spelling is not enforced. */
	struct dname_storage *places;
	size_t place_count;
	/* Of those that say what to do about ZONEMD, or whom to trust. */
	struct zonemd_rule *rules;
	size_t rule_count;
};

enum config_action {
	CONFIG_RUN,
	CONFIG_CHECK,
	CONFIG_VERSION,
	CONFIG_HELP,
};

/* Defaults; config_fini() must follow. */
void config_init(struct config *config);
void config_fini(struct config *config);

/*
 * Read the arguments and the file that they name. STATUS_OK, or anything else
 * with one line in error: nothing may be run from config then.
 */
must_check enum status config_load(struct config *config, int argc,
				   char *const *argv,
				   enum config_action *action,
				   char error[CONFIG_ERROR_MAX]);

/* Only the file's part, from memory; name stands for the file in errors. */
must_check enum status config_parse(struct config *config, const char *name,
				    const char *text, size_t size,
				    char error[CONFIG_ERROR_MAX]);

extern const char config_usage[];
