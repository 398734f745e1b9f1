/*
 * fuzz_decide.c - the pure half of route control: any reports, probes, commands
 * and times go through health_step() and policy_decide(). What is announced
 * must be configured, up, and proven.
 */
#include "server/route/health.h"
#include "server/route/policy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	TARGETS = 4, /* two addresses' UDP and TCP would be two groups each */
	COMMAND = TARGETS - 1,
	ROUTES = 16,
};

static const char configuration[] =
	"{\"route\": {\"router_id\": \"10.0.0.1\", \"local_as\": 64512,"
	" \"services\": {\"a\": {\"prefixes\": [\"192.0.2.0/24\","
	" \"192.0.2.53/32\"], \"probe\": [\"192.0.2.53\"],"
	" \"required_zones\": [\".\"], \"overload\": \"prepend:3\","
	" \"shared_fault\": {\"policy\": \"community:64500:9\"}},"
	" \"b\": {\"prefixes\": [\"2001:db8::/48\"],"
	" \"probe\": [\"2001:db8::53\"], \"required_zones\": [\".\"],"
	" \"overload\": \"withdraw\"}},"
	" \"peers\": [{\"address\": \"10.0.0.9\", \"as\": 65000},"
	" {\"address\": \"10.0.0.10\", \"as\": 64512, \"routes\": \"host\"},"
	" {\"address\": \"fd00::9\", \"as\": 65001, \"overload\": \"absorb\"}"
	"]}}";

struct play {
	const struct config_route *config;
	struct health health;
	struct health_target targets[TARGETS];
	struct health_report report;
	enum health_zone zone;
	struct drain prefix_drains[3];
	struct drain peer_drains[3];
	uint64_t now;
};

static void check(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static void check_health(const struct play *play, bool was_up)
{
	const struct health *health = &play->health;
	bool is_up = health_is_up(health);

	check((health->state == HEALTH_HEALTHY) ==
	      (health->reason == HEALTH_REASON_NONE));
	check(health->hold_down_ms <= health->config->hold_down_max_ms);
	check(health->state != HEALTH_FAILED || health->failures > 0);
	if (is_up) {
		check(health->is_connected && health->has_report);
		check(play->now - health->reported_at < HEALTH_SILENCE_MS);
		check(health->oldest_pass_ms < HEALTH_STALL_MS);
		check(health->zone_states[0] >= HEALTH_ZONE_SERVED);
	}
	if (is_up && !was_up) {
		check(health_good_rounds(health) >= health->config->rise);
		check(play->now >= health->hold_until);
	}
}

static void check_routes(const struct play *play)
{
	bool is_up = health_is_up(&play->health);
	const bool up[3] = {is_up, is_up, play->now % 3 == 0};
	const enum policy_strain strain =
		play->health.state == HEALTH_OVERLOAD ? POLICY_STRAIN_OVERLOAD
		: health_is_shared(&play->health, play->now)
			? POLICY_STRAIN_SHARED
			: POLICY_STRAIN_NONE;
	const enum policy_strain strains[3] = {strain, strain, strain};
	const struct policy_input input = {play->config, up,
					   play->prefix_drains,
					   play->peer_drains, strains};
	struct route routes[ROUTES];
	size_t count;

	check(policy_routes_max(play->config) <= ROUTES);
	count = policy_decide(&input, routes);
	check(count <= policy_routes_max(play->config));
	for (size_t i = 0; i < count; i++) {
		size_t prefix = 0;

		while (prefix < 3 &&
		       !prefix_equal(&routes[i].prefix,
				     &play->config->prefixes[prefix].prefix)) {
			prefix++;
		}
		check(prefix < 3 && up[prefix]);
		check(play->prefix_drains[prefix].phase != DRAIN_DONE);
		check(routes[i].peers != 0 && routes[i].peers < 8);
		for (size_t peer = 0; peer < 3; peer++) {
			check((routes[i].peers >> peer & 1) == 0 ||
			      play->peer_drains[peer].phase != DRAIN_DONE);
		}
	}
}

static void take(struct play *play, uint8_t what, uint8_t value)
{
	struct health_event event = {.type = HEALTH_EVENT_TICK};
	struct health_totals *udp = &play->report.totals[HEALTH_UDP];

	switch (what % 8) {
	case 0:
		event.type = value % 2 == 0 ? HEALTH_EVENT_CONNECTED
					    : HEALTH_EVENT_LOST;
		break;
	case 1:
	case 2:
		event.type = HEALTH_EVENT_REPORT;
		event.report = &play->report;
		udp->batches += value;
		udp->queries += (uint64_t)value * (what >> 3);
		udp->drops += what >> 7;
		break;
	case 3:
	case 4:
		event.type = HEALTH_EVENT_PROBE;
		event.target = value % TARGETS;
		event.verdict = (enum probe_verdict)((value >> 2) % 3);
		break;
	case 5:
		play->zone = (enum health_zone)(value % 6);
		play->report.workers = value >> 5;
		play->report.oldest_pass_ms = what >> 3 == 31 ? 600 : 10;
		play->report.is_stopping = what >> 3 == 30;
		break;
	case 6:
		play->prefix_drains[value % 3].phase =
			(enum drain_phase)((value >> 2) % 3);
		play->peer_drains[(value >> 4) % 3].phase =
			(enum drain_phase)((value >> 6) % 3);
		break;
	default:
		play->now += (uint64_t)value * (what >> 3);
		break;
	}
	health_step(&play->health, &event, play->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config_route *config;
	static const size_t zones[] = {0};
	char error[CONFIG_ERROR_MAX] = "";
	struct play play = {.now = 1000, .zone = HEALTH_ZONE_SERVED};

	if (config == NULL) {
		config = config_route_parse("fuzz", configuration,
					    strlen(configuration), error);
	}
	check(config != NULL);
	play.config = config;
	play.targets[1].transport = HEALTH_TCP;
	play.targets[2].group = 1;
	play.targets[COMMAND] = (struct health_target){
		.group = HEALTH_COMMANDS,
		.fall = 2,
		.rise = 1,
		.is_shared = size > 0 && data[0] % 2 == 0,
	};
	play.report.workers = 2;
	play.report.zones = &play.zone;
	play.report.zones_fit = 1;
	health_init(&play.health, &config->health, play.targets, TARGETS, zones,
		    1, play.now);
	play.health.shared_grace_ms = 1000;
	play.health.shared_fails = size > 1 && data[1] % 2 == 0;
	for (size_t i = 0; i + 1 < size; i += 2) {
		bool was_up = health_is_up(&play.health);

		play.now += data[i + 1] % 60;
		take(&play, data[i], data[i + 1]);
		check_health(&play, was_up);
		check_routes(&play);
	}
	return 0;
}
