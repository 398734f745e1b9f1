#include "server/route/config_route.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char error[CONFIG_ERROR_MAX];

/* One key that is replaced; the rest is good. NULL: as it stands. */
struct change {
	const char *key;
	const char *text; /* "": leave the key out */
};

static const struct change good[] = {
	{"root", "\"server\": {\"control\": \"/run/s.sock\", \"identity\": "
		 "\"lhr1\"}, \"keys\": {}, \"zones\": {\".\": {}}"},
	{"route", "\"control\": \"/run/r.sock\""},
	{"router_id", "\"192.0.2.1\""},
	{"local_as", "64512"},
	{"prefixes", "[\"192.0.2.0/24\", \"2001:db8::/48\"]"},
	{"probe", "[\"192.0.2.53\", \"2001:db8::53@5353\"]"},
	{"required_zones", "[\".\", \"Example.Org\"]"},
	{"communities", "[\"64500:2\", \"64500:1\", \"64500:1:2\"]"},
	{"med", "0"},
	{"prepend", "1"},
	{"overload", "\"absorb\""},
	{"cover", "\"all\""},
	{"service", NULL}, /* anything more */
	{"health", "{\"interval_ms\": 200, \"timeout_ms\": 200, \"fall\": 3, "
		   "\"rise\": 5, \"hold_down_ms\": 5000, "
		   "\"hold_down_max_ms\": 300000, \"drain_ms\": 30000, "
		   "\"linger_ms\": 5000}"},
	{"address", "\"198.51.100.254\""},
	{"as", "64500"},
	{"source", "\"198.51.100.10\""},
	{"hold_s", "9"},
	{"password_file", NULL},
	{"ttl_security", "true"},
	{"multihop", "1"},
	{"passive", "false"},
	{"families", "[\"ipv4\", \"ipv6\"]"},
	{"next_hop", "{\"ipv6\": \"2001:db8:1::10\"}"},
	{"role", "\"customer\""},
	{"port", "179"},
	{"peer", NULL},  /* anything more */
	{"peers", NULL}, /* more of them */
};

static const char *value(const struct change *change, const char *key)
{
	if (change != NULL && strcmp(change->key, key) == 0) {
		return change->text;
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (strcmp(good[i].key, key) == 0) {
			return good[i].text;
		}
	}
	ck_abort_msg("no such key '%s'", key);
	return NULL;
}

static void put(FILE *out, const struct change *change, const char *key)
{
	const char *text = value(change, key);

	if (text != NULL && text[0] != '\0') {
		fprintf(out, ",\n\"%s\": %s", key, text);
	}
}

static void put_raw(FILE *out, const struct change *change, const char *key)
{
	const char *text = value(change, key);

	if (text != NULL && text[0] != '\0') {
		fprintf(out, ",\n%s", text);
	}
}

static struct config_route *parse(const struct change *change)
{
	static const char *const service[] = {
		"probe",   "required_zones", "communities", "med",
		"prepend", "overload",       "cover"};
	static const char *const peer[] = {
		"as",           "source",   "hold_s",  "password_file",
		"ttl_security", "multihop", "passive", "families",
		"next_hop",     "role",     "port"};
	struct config_route *config;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "{\"route\": {\"peers\": [{\"address\": %s",
		value(change, "address"));
	for (size_t i = 0; i < sizeof(peer) / sizeof(peer[0]); i++) {
		put(out, change, peer[i]);
	}
	put_raw(out, change, "peer");
	fprintf(out, "}");
	put_raw(out, change, "peers");
	fprintf(out, "],\n\"services\": {\"dns\": {\"prefixes\": %s",
		value(change, "prefixes"));
	for (size_t i = 0; i < sizeof(service) / sizeof(service[0]); i++) {
		put(out, change, service[i]);
	}
	put_raw(out, change, "service");
	fprintf(out, "}}");
	put_raw(out, change, "route");
	put(out, change, "router_id");
	put(out, change, "local_as");
	put(out, change, "health");
	fprintf(out, "}");
	put_raw(out, change, "root");
	fprintf(out, "}");
	fclose(out);
	config = config_route_parse("x.json", text, size, error);
	free(text);
	return config;
}

START_TEST(whole_section_is_read)
{
	struct config_route *config = parse(NULL);
	const struct speaker_peer *peer;
	char text[ADDRESS_TEXT_MAX];

	ck_assert_msg(config != NULL, "%s", error);
	ck_assert_str_eq(config->control, "/run/r.sock");
	ck_assert_str_eq(config->server_control, "/run/s.sock");
	ck_assert_str_eq(config->identity, "lhr1");
	ck_assert_uint_eq(config->router_id, 0xc0000201);
	ck_assert_uint_eq(config->local_as, 64512);
	ck_assert_uint_eq(config->service_count, 1);
	ck_assert_str_eq(config->services[0].name, "dns");
	ck_assert_uint_eq(config->services[0].zone_count, 2);
	ck_assert(config->services[0].attributes.has_med);
	ck_assert_uint_eq(config->services[0].attributes.prepend, 1);
	ck_assert_uint_eq(config->services[0].attributes.community_count, 2);
	ck_assert_uint_eq(config->services[0].attributes.communities[0],
			  64500u << 16 | 1);
	ck_assert_uint_eq(config->services[0].attributes.large_count, 1);
	ck_assert_uint_eq(config->prefix_count, 2);
	ck_assert_uint_eq(config->probe_count, 2);
	ck_assert_str_eq(address_dump(&config->probes[0].address, text),
			 "192.0.2.53@53");
	ck_assert_str_eq(address_dump(&config->probes[1].address, text),
			 "2001:db8::53@5353");
	ck_assert_uint_eq(config->zone_count, 2);
	ck_assert_str_eq(config->zones[0].text, ".");
	ck_assert_uint_eq(config->peer_count, 1);
	peer = &config->peers[0];
	ck_assert_str_eq(address_dump(&peer->address, text),
			 "198.51.100.254@179");
	ck_assert_uint_eq(peer->as, 64500);
	ck_assert_uint_eq(peer->hold_s, 9);
	ck_assert(peer->ttl_security);
	ck_assert_uint_eq(peer->role, BGP_ROLE_CUSTOMER);
	ck_assert_uint_eq(peer->families, BGP_FAMILIES_ALL);
	config_route_free(config);
}
END_TEST

START_TEST(families_are_those_that_have_a_next_hop)
{
	static const struct {
		struct change change;
		unsigned families;
	} rows[] = {
		/* The next hop of the good one is an IPv6 address. */
		{{"families", ""}, BGP_FAMILIES_ALL},
		{{"families", "[\"ipv4\"]"}, BGP_IPV4},
		{{"next_hop", "{}"}, 0}, /* refused */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_route *config = parse(&rows[i].change);

		ck_assert_uint_eq(config != NULL ? config->peers[0].families
						 : 0,
				  rows[i].families);
		config_route_free(config);
	}
}
END_TEST

START_TEST(defaults_are_those_of_the_design)
{
	const struct change change = {"health", ""};
	struct config_route *config = parse(&change);

	ck_assert_msg(config != NULL, "%s", error);
	ck_assert_uint_eq(config->health.interval_ms, 200);
	ck_assert_uint_eq(config->health.timeout_ms, 200);
	ck_assert_uint_eq(config->health.fall, 3);
	ck_assert_uint_eq(config->health.rise, 5);
	ck_assert_uint_eq(config->health.hold_down_ms, 5000);
	ck_assert_uint_eq(config->health.hold_down_max_ms, 300000);
	ck_assert_uint_eq(config->health.drain_ms, 30000);
	ck_assert_uint_eq(config->health.linger_ms, 5000);
	config_route_free(config);
}
END_TEST

static const struct change accepted[] = {
	{"source", ""},
	{"hold_s", ""},
	{"hold_s", "3"},
	{"hold_s", "65535"},
	{"role", ""},
	{"port", ""},
	{"port", "1790"},
	{"families", "[\"ipv4\"]"},
	{"health", "{\"interval_ms\": 50}"},
	{"health", "{\"hold_down_ms\": 600000}"},
	{"health", "{\"drain_ms\": 0, \"linger_ms\": 0, \"hold_down_ms\": 0}"},
	{"med", ""},
	{"communities", "[]"},
	{"root", ""},
	{"local_as", "4200000000"},
	{"overload", "\"withdraw\""},
	{"required_zones", ""},
	{"service", "\"questions\": [{\"name\": \"x.org\", \"rcode\": "
		    "\"NXDOMAIN\"}, {\"name\": \"version.bind\", \"type\": "
		    "\"TXT\", \"class\": \"CH\", \"aa\": false}]"},
	{"service", "\"commands\": [{\"run\": [\"/bin/true\", \"x\"]}]"},
	{"service", "\"commands\": [{\"run\": [\"/bin/true\"], "
		    "\"shared\": true}]"},
	{"service", "\"drain\": {\"prepend\": 3, \"med\": 1000}"},
	{"service", "\"drain\": {}"},
	{"service", "\"addresses\": \"manage\""},
	{"service", "\"addresses\": \"external\""},
	{"service", "\"maintenance_file\": \"/run/x\""},
	{"route", "\"maintenance_file\": \"/run/x\", \"state_file\": \"y\""},
	{"service", "\"shared_fault\": {\"policy\": \"withdraw\", "
		    "\"grace_ms\": 0}"},
	{"health", "{\"latency_ms\": 50, \"stagger_ms\": 1000}"},
	{"overload", "\"prepend:32\""},
	{"overload", "\"community:64500:1\""},
	{"overload", "\"community:64500:1:2\""},
	{"cover", "\"any\""},
	{"cover", "\"min 1\""},
	{"cover", "{\"min\": 1}"},
	{"peer", "\"scope\": \"global\""},
	{"peer", "\"scope\": [\"no-export\", \"64500:1\", \"64500:1:2\"]"},
	{"peer", "\"services\": [\"dns\"], \"routes\": \"covering\""},
	{"peer", "\"transit\": true, \"prefixes\": [\"192.0.2.0/24\"]"},
	{"peer", "\"local_as\": 64513, \"overload\": \"withdraw\""},
	{"peer", "\"graceful_restart\": false"},
	{"route", "\"node_community\": \"64500:1:2\""},
};

START_TEST(variants_are_accepted)
{
	struct config_route *config = parse(&accepted[_i]);

	ck_assert_msg(config != NULL, "%s", error);
	config_route_free(config);
}
END_TEST

static const struct {
	struct change change;
	const char *holds;
} refused[] = {
	{{"prefixes", "[]"}, "a service needs prefixes"},
	{{"prefixes", "[\"192.0.2.0/24\"]"},
	 "'2001:db8::53@5353' lies in none of the service's prefixes"},
	{{"prefixes",
	  "[\"192.0.2.0/24\", \"2001:db8::/48\", \"198.51.100.0/24\"]"},
	 "route.services.dns.prefixes: no probe address lies in "
	 "'198.51.100.0/24'"},
	{{"prefixes", "[\"192.0.2.1/24\"]"}, "bits set behind its length"},
	{{"prefixes", "[\"192.0.2.0\"]"},
	 "route.services.dns.prefixes[0]: '192.0.2.0' is not a prefix"},
	{{"prefixes", "[\"0.0.0.0/0\"]"}, "default route"},
	{{"prefixes", "[\"192.0.2.0/24\", \"192.0.2.0/24\"]"},
	 "prefixes[1]: '192.0.2.0/24' stands twice"},
	{{"prefixes", "[7]"}, "prefixes[0]: must be a string"},
	{{"prefixes", "7"}, "prefixes: must be an array"},
	{{"probe", ""}, "a service needs probe addresses"},
	{{"probe", "[\"192.0.2.53\"]"}, "no probe address lies in"},
	{{"probe", "[\"192.0.2.53@70000\"]"}, "is not an address"},
	{{"probe", "[\"192.0.2.53\", \"192.0.2.53\", \"2001:db8::1\"]"},
	 "probe[1]: '192.0.2.53' stands twice"},
	{{"service", "\"questions\": [{}]"},
	 "questions[0]: a question needs a"},
	{{"service", "\"questions\": [{\"name\": \"a..b\"}]"},
	 "questions[0]: 'a..b IN A' with rcode 'NOERROR' is no question"},
	{{"service", "\"questions\": [{\"name\": \".\", \"rcode\": \"OK\"}]"},
	 "with rcode 'OK' is no question"},
	{{"service", "\"questions\": [{\"name\": \".\", \"rdata\": 1}]"},
	 "rdata: unknown key"},
	{{"service", "\"commands\": [{}]"},
	 "commands[0]: a command needs 'run'"},
	{{"service", "\"commands\": [{\"run\": [\"true\"]}]"},
	 "run[0]: must be the full path"},
	{{"service", "\"commands\": [{\"run\": [\"/bin/true\"], "
		     "\"interval_ms\": 100, \"timeout_ms\": 101}]"},
	 "timeout_ms: must not exceed interval_ms, 100"},
	{{"service", "\"shared_fault\": {\"policy\": \"wait\"}"},
	 "shared_fault.policy: 'wait' is not 'absorb'"},
	{{"service", "\"shared_fault\": \"withdraw\""},
	 "shared_fault: must be an object"},
	{{"required_zones", "[\"a..b\"]"}, "is not a zone's name"},
	{{"required_zones", "[\"a.b\", \"A.B.\"]"}, "stands twice"},
	{{"communities", "[\"64500\"]"}, "is not a community"},
	{{"communities", "[\"64500:65536\"]"}, "is not a community"},
	{{"med", "-1"}, "med: must be from 0 to 4294967295, not -1"},
	{{"prepend", "33"}, "prepend: must be from 0 to 32, not 33"},
	{{"overload", "\"shed\""}, "overload: 'shed' is not 'absorb'"},
	{{"overload", "\"prepend\""}, "overload: 'prepend' is not"},
	{{"overload", "\"prepend:0\""}, "from prepend:1 to prepend:32"},
	{{"overload", "\"prepend:33\""}, "from prepend:1 to prepend:32"},
	{{"overload", "\"prepend:3x\""}, "from prepend:1 to prepend:32"},
	{{"overload", "\"community:x\""}, "names no community"},
	{{"overload", "7"}, "overload: must be a string"},
	{{"cover", "\"some\""}, "cover: must be 'all', 'any' or 'min N'"},
	{{"cover", "\"min 0\""}, "cover: must be 'all', 'any' or 'min N'"},
	{{"cover", "{}"}, "cover: needs 'min'"},
	{{"cover", "{\"min\": 0}"}, "cover.min: must be from 1 to 256"},
	{{"cover", "\"min 2\""},
	 "cover: 2 probe addresses are asked for, but '192.0.2.0/24' holds 1"},
	{{"peer", "\"scope\": \"local\""}, "scope: 'local' is not 'global'"},
	{{"peer", "\"scope\": []"}, "scope: must be a string, or several"},
	{{"peer", "\"scope\": [\"no-export\", 7]"}, "scope[1]: must be a str"},
	{{"peer", "\"routes\": \"long\""}, "routes: 'long' is not 'all'"},
	{{"peer", "\"services\": [\"web\"]"}, "there is no service 'web'"},
	{{"peer", "\"prefixes\": [\"10.0.0.0/8\"]"},
	 "prefixes[0]: '10.0.0.0/8' is no service's prefix"},
	{{"peer", "\"overload\": \"x\""}, "overload: 'x' is not 'absorb'"},
	{{"peer", "\"local_as\": 0"}, "local_as: must be from 1"},
	{{"peer", "\"graceful_restart\": true"},
	 "graceful_restart: is never offered"},
	{{"peer", "\"tcp_ao\": {}"}, "tcp_ao: TCP-AO needs a kernel"},
	{{"route", "\"node_community\": \"64500:1\""},
	 "node_community: '64500:1' is not a large community"},
	{{"service", "\"comunities\": []"},
	 "comunities: unknown key: did you mean 'communities'?"},
	{{"health", "{\"interval_ms\": 200, \"timeout_ms\": 201}"},
	 "timeout_ms: must not exceed interval_ms, 200"},
	{{"health", "{\"fall\": 0}"}, "fall: must be from 1 to 100, not 0"},
	{{"health", "{\"rise\": 0}"}, "rise: must be from 1"},
	{{"health", "{\"hold_down_max_ms\": 10}"},
	 "must not be below hold_down_ms, 5000"},
	{{"health", "{\"raise\": 1}"}, "unknown key: did you mean 'rise'?"},
	{{"router_id", ""}, "peers need a router_id"},
	{{"router_id", "\"0.0.0.0\""}, "router_id: must look like"},
	{{"router_id", "\"2001:db8::1\""}, "router_id: must look like"},
	{{"local_as", ""}, "peers need a local_as"},
	{{"local_as", "0"}, "local_as: must be from 1"},
	{{"local_as", "4294967296"}, "local_as: must be from 1"},
	{{"address", "\"198.51.100.300\""}, "is not an address"},
	{{"address", "\"0.0.0.0\""}, "must be a peer's own address"},
	{{"address", "\"198.51.100.254@180\""},
	 "port: contradicts the address's port"},
	{{"source", "\"2001:db8::1\""}, "source: must be of the family"},
	{{"as", ""}, "a peer needs its 'as'"},
	{{"hold_s", "0"}, "hold_s: 0 would keep the routes of a dead host"},
	{{"hold_s", "1"}, "hold_s: must be from 3 to 65535, not 1"},
	{{"hold_s", "2"}, "hold_s: must be from 3 to 65535, not 2"},
	{{"hold_s", "65536"}, "hold_s: must be from 0 to 65535, not 65536"},
	{{"multihop", "0"}, "multihop: must be from 1 to 255"},
	{{"multihop", "256"}, "multihop: must be from 1 to 255"},
	{{"passive", "\"no\""}, "passive: must be true or false"},
	{{"families", "[]"}, "families: must name 'ipv4', 'ipv6' or both"},
	{{"families", "[\"ipv5\"]"}, "families[0]: 'ipv5' is not a family"},
	{{"families", "[\"ipv4\", \"ipv4\"]"}, "stands twice"},
	{{"next_hop", "{}"},
	 "route.peers[0]: family 'ipv6' over an IPv4 session needs "
	 "next_hop.ipv6"},
	{{"next_hop", "{\"ipv6\": \"192.0.2.1\"}"},
	 "next_hop.ipv6: must be an address of family 'ipv6'"},
	{{"next_hop", "{\"ipv7\": \"192.0.2.1\"}"}, "next_hop.ipv7: unknown"},
	{{"role", "\"custom\""}, "role: 'custom' is not a role"},
	{{"port", "0"}, "port: must be from 1 to 65535"},
	{{"port", "65536"}, "port: must be from 1 to 65535"},
	{{"password_file", "\"/nonexistent/key\""},
	 "password_file: '/nonexistent/key' cannot be read: No such file"},
	{{"password_file", "\"/\""}, "cannot be read: Is a directory"},
	{{"password_file", "\"/dev/null\""}, "holds no password"},
	{{"password_file", "\"/dev/zero\""}, "holds no password"},
	{{"peer", "\"bfd\": {\"interval_ms\": 9}"},
	 "bfd.interval_ms: must be from 10 to 60000"},
	{{"peer", "\"bfd\": {\"multiplier\": 0}"},
	 "bfd.multiplier: must be from 1 to 255"},
	{{"peer", "\"bfd\": {\"interval\": 100}"}, "bfd.interval"},
	{{"peer", "\"bfd\": true"}, "bfd: must be an object"},
	{{"route", "\"listen\": [\"nonsense\"]"},
	 "route.listen[0]: 'nonsense' is not ADDR or ADDR@PORT"},
	{{"route", "\"listen\": \"::\""}, "route.listen: must be an array"},
	{{"peer", "\"pasive\": true"}, "did you mean 'passive'?"},
	{{"peers", "{\"address\": \"198.51.100.254@1790\", \"as\": 64500}"},
	 "peers[1].address: this peer stands twice"},
	{{"peers", "{\"address\": \"fe80::1\", \"as\": 64500}"},
	 "a link-local address needs its interface"},
	{{"peers", "{\"address\": \"fd00::1\", \"as\": 64500, \"families\": "
		   "[\"ipv4\"]}"},
	 "family 'ipv4' over an IPv6 session needs next_hop.ipv4"},
	{{"route", "\"control\": \"\""}, "route.control: must be a path"},
	{{"service", "\"drain\": {\"prepend\": 33}"},
	 "route.services.dns.drain.prepend: must be"},
	{{"service", "\"drain\": {\"local_pref\": 3}"}, "local_pref"},
	{{"service", "\"addresses\": \"add\""},
	 "route.services.dns.addresses: 'add': must be 'manage' or "
	 "'external'"},
	{{"service", "\"maintenance_file\": \"\""},
	 "route.services.dns.maintenance_file: must be a path"},
	{{"route", "\"state_file\": 7"}, "route.state_file: must be"},
	{{"root", "\"server\": {\"control\": 7}"}, "server.control: must be"},
	{{"root", "\"serve\": {}"},
	 "serve: unknown key: did you mean "
	 "'server'?"},
};

START_TEST(fault_is_refused_with_its_place)
{
	ck_assert_ptr_null(parse(&refused[_i].change));
	ck_assert_int_eq(strncmp(error, "x.json:", 7), 0);
	ck_assert_msg(strstr(error, refused[_i].holds) != NULL, "%s", error);
	ck_assert_ptr_null(strchr(error, '\n'));
}
END_TEST

/* Accepted, with a warning; "": none of ours. */
static const struct {
	struct change change;
	const char *warning;
} warned[] = {
	{{"peer", ""}, "x.json:1: route.peers[0]: has no 'scope'"},
	{{"hold_s", "3"}, "hold_s: 3 s without 'bfd'"},
	{{"source", "\"198.51.100.10\""},
	 "source: 198.51.100.10 is no address of this host now"},
	{{"peers", "{\"address\": \"127.0.0.9\", \"as\": 64500, \"next_hop\": "
		   "{\"ipv4\": \"203.0.113.9\"}}"},
	 "route.peers[1].next_hop.ipv4: 203.0.113.9 is not on the peer's"},
	{{"peers", "{\"address\": \"127.0.0.9\", \"as\": 64500, \"next_hop\": "
		   "{\"ipv4\": \"127.0.0.9\"}}"},
	 "route.peers[1].next_hop.ipv4: is the peer's own address"},
	{{"families", "[\"ipv4\"]"}, "2001:db8::/48 will never be announced"},
	{{"peer", "\"services\": []"}, "192.0.2.0/24 will never be announced"},
};

START_TEST(doubtful_value_is_warned_of)
{
	struct config_route *config = parse(&warned[_i].change);

	ck_assert_msg(config != NULL, "%s", error);
	ck_assert_msg(strstr(config->warnings, warned[_i].warning) != NULL,
		      "%s not in: %s", warned[_i].warning, config->warnings);
	config_route_free(config);
}
END_TEST

/* Next hops that a router on this host, or of our own AS, can look up. */
static const char *const quiet_next_hops[] = {
	"\"as\": 64500, \"next_hop\": {\"ipv4\": \"127.0.0.1\"}",
	"\"as\": 64512, \"next_hop\": {\"ipv4\": \"203.0.113.9\"}",
	"\"as\": 64500, \"local_as\": 64500, "
	"\"next_hop\": {\"ipv4\": \"203.0.113.9\"}",
	"\"as\": 64500, \"multihop\": 2, "
	"\"next_hop\": {\"ipv4\": \"203.0.113.9\"}",
};

START_TEST(next_hop_that_can_be_looked_up_is_not_warned_of)
{
	char peer[256];
	const struct change change = {"peers", peer};
	struct config_route *config;

	snprintf(peer, sizeof(peer), "{\"address\": \"127.0.0.9\", %s}",
		 quiet_next_hops[_i]);
	config = parse(&change);
	ck_assert_msg(config != NULL, "%s", error);
	ck_assert_msg(strstr(config->warnings, "peer's subnet") == NULL, "%s",
		      config->warnings);
	config_route_free(config);
}
END_TEST

static const struct {
	const char *peer;
	const char *refused; /* NULL: accepted ... */
	const char *warning; /* ... with this; NULL: without */
} lengths[] = {
	{"\"as\": 64500, \"transit\": true",
	 "transit: 192.0.2.53/32 is longer than the /24", NULL},
	{"\"as\": 64500, \"transit\": true, \"routes\": \"covering\"", NULL,
	 NULL},
	{"\"as\": 64500", NULL, NULL},
	{"\"as\": 3356", NULL, "192.0.2.53/32 is longer than the /24"},
	{"\"as\": 3356, \"scope\": \"no-export\"", NULL, NULL},
	{"\"as\": 3356, \"routes\": \"covering\"", NULL, NULL},
};

START_TEST(transit_takes_no_long_prefix)
{
	struct config_route *config;
	char text[1024];

	snprintf(text, sizeof(text),
		 "{\"route\": {\"router_id\": \"192.0.2.1\", \"local_as\": "
		 "64512,"
		 "\"services\": {\"a\": {\"prefixes\": [\"192.0.2.0/24\", "
		 "\"192.0.2.53/32\"], \"probe\": [\"192.0.2.53\"], "
		 "\"required_zones\": [\".\"]}}, \"peers\": ["
		 "{\"address\": \"10.0.0.1\", %s}]}}",
		 lengths[_i].peer);
	config = config_route_parse("x", text, strlen(text), error);
	if (lengths[_i].refused != NULL) {
		ck_assert(config == NULL);
		ck_assert_msg(strstr(error, lengths[_i].refused) != NULL, "%s",
			      error);
		return;
	}
	ck_assert_msg(config != NULL, "%s", error);
	ck_assert_int_eq(strstr(config->warnings, "is longer than") != NULL,
			 lengths[_i].warning != NULL);
	config_route_free(config);
}
END_TEST

static const struct {
	const char *text;
	const char *password; /* NULL: refused */
} passwords[] = {
	{"secret", "secret"},
	{"secret\n", "secret"},
	{"secret\r\nmore\n", "secret"},
	{"\n", NULL},
	{"01234567890123456789012345678901234567890123456789012345678901234567"
	 "890123456789\n",
	 "01234567890123456789012345678901234567890123456789012345678901234567"
	 "890123456789"},
	{"01234567890123456789012345678901234567890123456789012345678901234567"
	 "8901234567890\n",
	 NULL},
	{"01234567890123456789012345678901234567890123456789012345678901234567"
	 "8901234567890123456789",
	 NULL},
};

START_TEST(password_is_the_first_line_of_its_file)
{
	char path[] = "/tmp/rootcast-test-password-XXXXXX";
	char quoted[64];
	struct change change = {"password_file", quoted};
	int fd = mkstemp(path);
	struct config_route *config;

	ck_assert_int_eq(
		write(fd, passwords[_i].text, strlen(passwords[_i].text)),
		(ssize_t)strlen(passwords[_i].text));
	close(fd);
	snprintf(quoted, sizeof(quoted), "\"%s\"", path);
	config = parse(&change);
	unlink(path);
	if (passwords[_i].password == NULL) {
		ck_assert_ptr_null(config);
		ck_assert_ptr_null(strstr(error, "0123"));
		return;
	}
	ck_assert_msg(config != NULL, "%s", error);
	ck_assert_str_eq(config->peers[0].password, passwords[_i].password);
	config_route_free(config);
}
END_TEST

static const struct {
	const char *text;
	const char *error;
} wholes[] = {
	{"{}", "x.json:1: there is no 'route' section"},
	{"{\"route\": {}}", "x.json:1: route: there are no services"},
	{"{\"route\": {\"services\": {\"\": {}}}}",
	 "x.json:1: route.services[\"\"]: a service needs a name"},
	{"{\"route\": {\"services\": {\"a\": []}}}",
	 "x.json:1: route.services.a: must be an object"},
	{"{\"route\": {\"services\": {\"a\": {\"prefixes\": [\"10.0.0.0/8\"],"
	 "\"probe\": [\"10.0.0.1\"], \"required_zones\": [\".\"]}},"
	 "\"peers\": [7]}}",
	 "x.json:1: route.peers[0]: must be an object"},
};

START_TEST(missing_parts_are_named)
{
	ck_assert_ptr_null(config_route_parse("x.json", wholes[_i].text,
					      strlen(wholes[_i].text), error));
	ck_assert_str_eq(error, wholes[_i].error);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("config_route");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, whole_section_is_read);
	tcase_add_test(tcase, families_are_those_that_have_a_next_hop);
	tcase_add_test(tcase, defaults_are_those_of_the_design);
	tcase_add_loop_test(tcase, variants_are_accepted, 0, COUNT(accepted));
	tcase_add_loop_test(tcase, fault_is_refused_with_its_place, 0,
			    COUNT(refused));
	tcase_add_loop_test(tcase, doubtful_value_is_warned_of, 0,
			    COUNT(warned));
	tcase_add_loop_test(
		tcase, next_hop_that_can_be_looked_up_is_not_warned_of, 0,
		sizeof(quiet_next_hops) / sizeof(quiet_next_hops[0]));
	tcase_add_loop_test(tcase, transit_takes_no_long_prefix, 0,
			    COUNT(lengths));
	tcase_add_loop_test(tcase, password_is_the_first_line_of_its_file, 0,
			    COUNT(passwords));
	tcase_add_loop_test(tcase, missing_parts_are_named, 0, COUNT(wholes));
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
