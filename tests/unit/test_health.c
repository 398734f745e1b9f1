#include "server/route/health.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

/* Two targets (UDP, TCP) and one required zone; defaults of the design. */
static const struct config_health defaults = {
	.interval_ms = 200,
	.timeout_ms = 200,
	.fall = 3,
	.rise = 5,
	.hold_down_ms = 5000,
	.hold_down_max_ms = 300000,
};

static const size_t zones[] = {0};

struct world {
	struct health health;
	struct health_target targets[2];
	enum health_zone zone;
	struct health_report report; /* totals run on */
	uint64_t now;
};

static void world_init(struct world *world)
{
	memset(world, 0, sizeof(*world));
	world->now = 1000000;
	world->targets[1].transport = HEALTH_TCP;
	world->zone = HEALTH_ZONE_SERVED;
	world->report.workers = 2;
	world->report.oldest_pass_ms = 20;
	health_init(&world->health, &defaults, world->targets, 2, zones, 1,
		    world->now);
}

static void give(struct world *world, enum health_event_type type)
{
	struct health_event event = {.type = type};

	health_step(&world->health, &event, world->now);
}

static void report(struct world *world)
{
	struct health_event event = {.type = HEALTH_EVENT_REPORT,
				     .report = &world->report};

	world->report.zones = &world->zone;
	health_step(&world->health, &event, world->now);
}

static void probe(struct world *world, size_t target,
		  enum probe_verdict verdict)
{
	struct health_event event = {.type = HEALTH_EVENT_PROBE,
				     .target = target,
				     .verdict = verdict};

	health_step(&world->health, &event, world->now);
}

enum traffic {
	IDLE,   /* our own probes only */
	STEADY, /* others are answered one by one */
	DROPS,  /* the kernel drops before the queue */
	QUEUED, /* queries wait while batches are taken out */
	FULL,   /* batches are full */
	STUCK,  /* queries wait and nothing is taken out */
	NONE,   /* no report comes at all */
};

static void run_traffic(struct world *world, enum traffic traffic)
{
	struct health_totals *udp = &world->report.totals[HEALTH_UDP];

	udp->waiting = 0;
	switch (traffic) {
	case NONE:
		return;
	case IDLE:
		break;
	case STEADY:
		udp->batches += 100;
		udp->queries += 120;
		break;
	case DROPS:
		udp->batches += 100;
		udp->queries += 120;
		udp->drops += 1;
		break;
	case QUEUED:
		udp->batches += 100;
		udp->queries += 120;
		udp->waiting = 200000;
		break;
	case FULL:
		udp->batches += 100;
		udp->queries += 6400;
		break;
	case STUCK:
		udp->waiting = 200000;
		break;
	}
	report(world);
}

/* Time passes in steps of 50 ms: reports each 100, probes each 200. */
static void run(struct world *world, uint64_t ms, enum traffic traffic,
		enum probe_verdict udp, enum probe_verdict tcp)
{
	for (uint64_t end = world->now + ms; world->now < end;) {
		world->now += 50;
		if (world->now % 100 == 0) {
			run_traffic(world, traffic);
		}
		if (world->now % 200 == 0) {
			probe(world, 0, udp);
			probe(world, 1, tcp);
		}
		give(world, HEALTH_EVENT_TICK);
	}
}

static void run_well(struct world *world, uint64_t ms)
{
	run(world, ms, STEADY, PROBE_GOOD, PROBE_GOOD);
}

static void make_healthy(struct world *world)
{
	world_init(world);
	give(world, HEALTH_EVENT_CONNECTED);
	run_well(world, 2000);
	ck_assert_int_eq(world->health.state, HEALTH_HEALTHY);
}

/* --- start-up ------------------------------------------------------------- */

START_TEST(start_needs_rise_good_rounds_and_no_hold_down)
{
	struct world world;

	world_init(&world);
	give(&world, HEALTH_EVENT_CONNECTED);
	run_well(&world, 4 * 200);
	ck_assert_int_eq(world.health.state, HEALTH_STARTING);
	ck_assert_int_eq(world.health.reason, HEALTH_REASON_ROUNDS);
	run_well(&world, 200);
	ck_assert_int_eq(world.health.state, HEALTH_HEALTHY);
	ck_assert_int_eq(world.health.reason, HEALTH_REASON_NONE);
}
END_TEST

static const struct {
	bool is_connected;
	enum traffic traffic;
	enum health_zone zone;
	unsigned workers;
	enum probe_verdict udp, tcp;
	enum health_reason reason;
} never[] = {
	{false, NONE, HEALTH_ZONE_SERVED, 2, PROBE_GOOD, PROBE_GOOD,
	 HEALTH_REASON_NO_NAMESERVER},
	{true, NONE, HEALTH_ZONE_SERVED, 2, PROBE_GOOD, PROBE_GOOD,
	 HEALTH_REASON_NO_REPORT},
	{true, STEADY, HEALTH_ZONE_SERVED, 0, PROBE_GOOD, PROBE_GOOD,
	 HEALTH_REASON_NO_WORKERS},
	{true, STEADY, HEALTH_ZONE_MISSING, 2, PROBE_GOOD, PROBE_GOOD,
	 HEALTH_REASON_ZONE},
	{true, STEADY, HEALTH_ZONE_LOADING, 2, PROBE_GOOD, PROBE_GOOD,
	 HEALTH_REASON_ZONE},
	{true, STEADY, HEALTH_ZONE_FAILED, 2, PROBE_GOOD, PROBE_GOOD,
	 HEALTH_REASON_ZONE},
	{true, STEADY, HEALTH_ZONE_EXPIRED, 2, PROBE_GOOD, PROBE_GOOD,
	 HEALTH_REASON_ZONE},
	{true, STEADY, HEALTH_ZONE_SERVED, 2, PROBE_GOOD, PROBE_SILENT,
	 HEALTH_REASON_SILENT},
	{true, STEADY, HEALTH_ZONE_SERVED, 2, PROBE_WRONG, PROBE_GOOD,
	 HEALTH_REASON_WRONG},
	/* Overload is absorbed, but nothing is announced into it. */
	{true, DROPS, HEALTH_ZONE_SERVED, 2, PROBE_SILENT, PROBE_GOOD,
	 HEALTH_REASON_OVERLOAD},
};

START_TEST(nothing_comes_up_while_a_part_is_missing)
{
	struct world world;

	world_init(&world);
	world.zone = never[_i].zone;
	world.report.workers = never[_i].workers;
	if (never[_i].is_connected) {
		give(&world, HEALTH_EVENT_CONNECTED);
	}
	run(&world, 10000, never[_i].traffic, never[_i].udp, never[_i].tcp);
	ck_assert_int_eq(world.health.state, HEALTH_STARTING);
	ck_assert_int_eq(world.health.reason, never[_i].reason);
	ck_assert_uint_eq(world.health.failures, 0);
}
END_TEST

/* --- failures ------------------------------------------------------------- */

static const struct {
	enum traffic traffic;
	enum health_zone zone;
	uint64_t pass_ms;
	enum probe_verdict udp, tcp;
	enum health_reason reason;
	uint64_t within_ms;
	enum health_state state;
} faults[] = {
	/* The process is stopped: no report, no answer. */
	{NONE, HEALTH_ZONE_SERVED, 0, PROBE_SILENT, PROBE_SILENT,
	 HEALTH_REASON_NO_REPORT, 600, HEALTH_FAILED},
	/* Its control thread hangs, its workers answer. */
	{NONE, HEALTH_ZONE_SERVED, 0, PROBE_GOOD, PROBE_GOOD,
	 HEALTH_REASON_NO_REPORT, 600, HEALTH_FAILED},
	/* One worker stands still; others answer. */
	{STEADY, HEALTH_ZONE_SERVED, 500, PROBE_GOOD, PROBE_GOOD,
	 HEALTH_REASON_STALLED, 100, HEALTH_FAILED},
	{DROPS, HEALTH_ZONE_SERVED, 500, PROBE_SILENT, PROBE_GOOD,
	 HEALTH_REASON_STALLED, 100, HEALTH_FAILED},
	{STEADY, HEALTH_ZONE_SERVED, 499, PROBE_GOOD, PROBE_GOOD,
	 HEALTH_REASON_NONE, 5000, HEALTH_HEALTHY},
	{STEADY, HEALTH_ZONE_EXPIRED, 0, PROBE_GOOD, PROBE_GOOD,
	 HEALTH_REASON_ZONE, 100, HEALTH_FAILED},
	{STEADY, HEALTH_ZONE_STALE, 0, PROBE_GOOD, PROBE_GOOD,
	 HEALTH_REASON_NONE, 5000, HEALTH_HEALTHY},
	/* One transport is dead while there is traffic: a black hole. */
	{IDLE, HEALTH_ZONE_SERVED, 0, PROBE_SILENT, PROBE_GOOD,
	 HEALTH_REASON_SILENT, 650, HEALTH_FAILED},
	{STEADY, HEALTH_ZONE_SERVED, 0, PROBE_SILENT, PROBE_GOOD,
	 HEALTH_REASON_SILENT, 650, HEALTH_FAILED},
	{STEADY, HEALTH_ZONE_SERVED, 0, PROBE_GOOD, PROBE_SILENT,
	 HEALTH_REASON_SILENT, 650, HEALTH_FAILED},
	{STUCK, HEALTH_ZONE_SERVED, 0, PROBE_SILENT, PROBE_GOOD,
	 HEALTH_REASON_SILENT, 650, HEALTH_FAILED},
	/* Answered wrongly: no flood excuses it. */
	{STEADY, HEALTH_ZONE_SERVED, 0, PROBE_WRONG, PROBE_GOOD,
	 HEALTH_REASON_WRONG, 650, HEALTH_FAILED},
	{DROPS, HEALTH_ZONE_SERVED, 0, PROBE_GOOD, PROBE_WRONG,
	 HEALTH_REASON_WRONG, 650, HEALTH_FAILED},
	/* A flood. */
	{DROPS, HEALTH_ZONE_SERVED, 0, PROBE_SILENT, PROBE_SILENT,
	 HEALTH_REASON_OVERLOAD, 650, HEALTH_OVERLOAD},
	{QUEUED, HEALTH_ZONE_SERVED, 0, PROBE_SILENT, PROBE_GOOD,
	 HEALTH_REASON_OVERLOAD, 650, HEALTH_OVERLOAD},
	{FULL, HEALTH_ZONE_SERVED, 0, PROBE_SILENT, PROBE_GOOD,
	 HEALTH_REASON_OVERLOAD, 650, HEALTH_OVERLOAD},
};

START_TEST(fault_is_told_apart_in_time)
{
	struct world world;

	make_healthy(&world);
	world.zone = faults[_i].zone;
	world.report.oldest_pass_ms = faults[_i].pass_ms;
	run(&world, faults[_i].within_ms, faults[_i].traffic, faults[_i].udp,
	    faults[_i].tcp);
	ck_assert_str_eq(health_state_text(world.health.state),
			 health_state_text(faults[_i].state));
	ck_assert_str_eq(health_reason_text(world.health.reason),
			 health_reason_text(faults[_i].reason));
	ck_assert_uint_eq(world.health.failures,
			  faults[_i].state == HEALTH_FAILED);
}
END_TEST

START_TEST(end_of_file_fails_at_once)
{
	struct world world;

	make_healthy(&world);
	give(&world, HEALTH_EVENT_LOST);
	ck_assert_int_eq(world.health.state, HEALTH_FAILED);
	ck_assert_int_eq(world.health.reason, HEALTH_REASON_NO_NAMESERVER);
}
END_TEST

START_TEST(fewer_lost_probes_than_fall_are_forgiven)
{
	struct world world;

	make_healthy(&world);
	for (unsigned i = 0; i < 20; i++) {
		run(&world, 400, STEADY, PROBE_SILENT, PROBE_SILENT);
		run(&world, 200, STEADY, PROBE_GOOD, PROBE_GOOD);
		ck_assert_int_eq(world.health.state, HEALTH_HEALTHY);
	}
}
END_TEST

START_TEST(prober_that_stops_is_no_proof_of_health)
{
	struct world world;

	make_healthy(&world);
	for (unsigned i = 0; i < 30; i++) {
		world.now += 50;
		run_traffic(&world, STEADY);
		give(&world, HEALTH_EVENT_TICK);
	}
	ck_assert_int_eq(world.health.state, HEALTH_FAILED);
	ck_assert_int_eq(world.health.reason, HEALTH_REASON_NO_PROBES);
}
END_TEST

/* --- overload ------------------------------------------------------------- */

START_TEST(overload_stays_up_and_heals_without_hold_down)
{
	struct world world;

	make_healthy(&world);
	run(&world, 10000, DROPS, PROBE_SILENT, PROBE_SILENT);
	ck_assert_int_eq(world.health.state, HEALTH_OVERLOAD);
	ck_assert(health_is_up(&world.health));
	run_well(&world, 4 * 200);
	ck_assert_int_eq(world.health.state, HEALTH_OVERLOAD);
	run_well(&world, 200);
	ck_assert_int_eq(world.health.state, HEALTH_HEALTHY);
	ck_assert_uint_eq(world.health.failures, 0);
}
END_TEST

START_TEST(overload_without_further_signs_becomes_failure)
{
	struct world world;

	make_healthy(&world);
	run(&world, 3000, DROPS, PROBE_SILENT, PROBE_SILENT);
	run(&world, HEALTH_WINDOW_MS + 200, STEADY, PROBE_SILENT, PROBE_GOOD);
	ck_assert_int_eq(world.health.state, HEALTH_FAILED);
}
END_TEST

START_TEST(process_that_hangs_under_flood_fails)
{
	struct world world;

	make_healthy(&world);
	run(&world, 3000, DROPS, PROBE_SILENT, PROBE_SILENT);
	run(&world, 600, NONE, PROBE_SILENT, PROBE_SILENT);
	ck_assert_int_eq(world.health.state, HEALTH_FAILED);
}
END_TEST

START_TEST(counters_of_a_new_process_are_no_overload)
{
	struct world world;

	make_healthy(&world);
	world.report.totals[HEALTH_UDP].drops = 1000000;
	report(&world);
	give(&world, HEALTH_EVENT_LOST);
	memset(world.report.totals, 0, sizeof(world.report.totals));
	give(&world, HEALTH_EVENT_CONNECTED);
	run(&world, 2000, IDLE, PROBE_SILENT, PROBE_SILENT);
	ck_assert_int_eq(world.health.reason, HEALTH_REASON_SILENT);
}
END_TEST

/* --- recovery ------------------------------------------------------------- */

/* Until up again; how long that took. */
static uint64_t recovery(struct world *world)
{
	uint64_t start = world->now;

	while (!health_is_up(&world->health)) {
		run_well(world, 50);
		ck_assert_uint_lt(world->now - start, 1000000);
	}
	return world->now - start;
}

START_TEST(hold_down_doubles_up_to_its_limit)
{
	static const uint64_t waits[] = {5000,   10000,  20000,  40000, 80000,
					 160000, 300000, 300000, 300000};
	struct world world;

	make_healthy(&world);
	for (unsigned i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		give(&world, HEALTH_EVENT_LOST);
		give(&world, HEALTH_EVENT_CONNECTED);
		ck_assert_uint_eq(world.health.hold_until - world.now,
				  waits[i]);
		ck_assert_uint_eq(recovery(&world), waits[i]);
	}
}
END_TEST

START_TEST(hold_down_halves_while_up)
{
	struct world world;

	make_healthy(&world);
	for (unsigned i = 0; i < 4; i++) {
		give(&world, HEALTH_EVENT_LOST);
		give(&world, HEALTH_EVENT_CONNECTED);
		recovery(&world);
	}
	ck_assert_uint_eq(world.health.hold_down_ms, 40000);
	run_well(&world, 400000);
	ck_assert_uint_eq(world.health.hold_down_ms, 20000);
	run_well(&world, 200000);
	ck_assert_uint_eq(world.health.hold_down_ms, 10000);
	run_well(&world, 100000);
	ck_assert_uint_eq(world.health.hold_down_ms, 5000);
	run_well(&world, 50000);
	ck_assert_uint_eq(world.health.hold_down_ms, 0);
}
END_TEST

START_TEST(recovery_needs_rise_rounds_after_the_hold_down_was_bad)
{
	struct world world;

	make_healthy(&world);
	run(&world, 650, IDLE, PROBE_SILENT, PROBE_SILENT);
	ck_assert_int_eq(world.health.state, HEALTH_FAILED);
	run(&world, 6000, IDLE, PROBE_SILENT, PROBE_GOOD);
	ck_assert_int_eq(world.health.state, HEALTH_FAILED);
	run_well(&world, 4 * 200);
	ck_assert_int_eq(world.health.state, HEALTH_FAILED);
	run_well(&world, 200);
	ck_assert_int_eq(world.health.state, HEALTH_HEALTHY);
}
END_TEST

START_TEST(planned_end_of_the_nameserver_is_no_failure)
{
	struct world world;

	make_healthy(&world);
	world.report.is_stopping = true;
	report(&world);
	ck_assert(health_is_up(&world.health));
	give(&world, HEALTH_EVENT_LOST);
	ck_assert_int_eq(world.health.state, HEALTH_STARTING);
	world.report.is_stopping = false;
	give(&world, HEALTH_EVENT_CONNECTED);
	run_well(&world, 1000);
	ck_assert_int_eq(world.health.state, HEALTH_HEALTHY);
	ck_assert_uint_eq(world.health.failures, 0);
}
END_TEST

/* RFC 4786 4.4.1: an unstable service must not cause an unstable route. */
/*
 * RFC 4786 4.8: a covering prefix over three services, each silent or not, with
 * each policy; 0 is 'all'.
 */
START_TEST(covering_prefix_follows_its_policy)
{
	static const struct {
		size_t cover;
		unsigned least; /* services that must be good */
	} policies[] = {{0, 3}, {1, 1}, {2, 2}, {3, 3}};
	unsigned silent = (unsigned)_i % 8;
	size_t policy = (size_t)_i / 8;
	unsigned good = 3 - (unsigned)__builtin_popcount(silent);
	struct health_target targets[6] = {{0}};
	struct world world;

	world_init(&world);
	for (size_t i = 0; i < 6; i++) {
		targets[i].group = i / 2;
		targets[i].transport = i % 2 ? HEALTH_TCP : HEALTH_UDP;
	}
	health_init(&world.health, &defaults, targets, 6, zones, 1, world.now);
	world.health.cover = policies[policy].cover;
	give(&world, HEALTH_EVENT_CONNECTED);
	/* First all are good; then some fall silent; then all are good again. */
	for (unsigned round = 0; round < 75; round++) {
		bool is_bad = round >= 25 && round < 40;

		world.now += 200;
		run_traffic(&world, IDLE);
		for (size_t i = 0; i < 6; i++) {
			probe(&world, i,
			      is_bad && (silent >> i / 2 & 1) != 0
				      ? PROBE_SILENT
				      : PROBE_GOOD);
		}
		give(&world, HEALTH_EVENT_TICK);
		if (round == 24 || round == 74) {
			ck_assert(health_is_up(&world.health));
		}
		if (round == 39) {
			ck_assert_int_eq(health_is_up(&world.health),
					 good >= policies[policy].least);
		}
	}
}
END_TEST

/* A stale zone: nothing for the grace time, then what the policy says. */
START_TEST(stale_zone_has_its_grace_time)
{
	bool fails = _i != 0;
	struct world world;

	make_healthy(&world);
	world.health.shared_grace_ms = 60000;
	world.health.shared_fails = fails;
	world.zone = HEALTH_ZONE_STALE;
	run_well(&world, 59000);
	ck_assert_int_eq(world.health.state, HEALTH_HEALTHY);
	ck_assert(!health_is_shared(&world.health, world.now));
	run_well(&world, 2000);
	ck_assert(health_is_shared(&world.health, world.now));
	ck_assert_int_eq(health_is_up(&world.health), !fails);
	ck_assert_int_eq(world.health.reason,
			 fails ? HEALTH_REASON_STALE : HEALTH_REASON_NONE);
	world.zone = HEALTH_ZONE_SERVED;
	run_well(&world, 10000);
	ck_assert(!health_is_shared(&world.health, world.now));
	ck_assert_int_eq(world.health.state, HEALTH_HEALTHY);
}
END_TEST

/* A command whose failure all sites may share: likewise, and no bar to start. */
START_TEST(shared_command_has_its_grace_time)
{
	bool fails = _i != 0;
	struct health_target targets[3] = {
		{.group = 0},
		{.group = 0, .transport = HEALTH_TCP},
		{.group = HEALTH_COMMANDS,
		 .fall = 2,
		 .rise = 1,
		 .is_shared = true},
	};
	struct world world;

	world_init(&world);
	health_init(&world.health, &defaults, targets, 3, zones, 1, world.now);
	world.health.shared_grace_ms = 60000;
	world.health.shared_fails = fails;
	give(&world, HEALTH_EVENT_CONNECTED);
	probe(&world, 2, PROBE_WRONG);
	run_well(&world, 2000);
	ck_assert_int_eq(world.health.state, HEALTH_HEALTHY);
	ck_assert_uint_eq(world.health.shared_since, 0);
	probe(&world, 2, PROBE_WRONG);
	ck_assert_uint_eq(world.health.shared_since, world.now);
	ck_assert_uint_eq(world.health.shared_index, 2);
	run_well(&world, 59000);
	ck_assert(!health_is_shared(&world.health, world.now));
	ck_assert_int_eq(world.health.state, HEALTH_HEALTHY);
	run_well(&world, 2000);
	ck_assert(health_is_shared(&world.health, world.now));
	ck_assert_int_eq(health_is_up(&world.health), !fails);
	ck_assert_int_eq(world.health.reason,
			 fails ? HEALTH_REASON_COMMAND : HEALTH_REASON_NONE);
	health_renew(&world.health, world.now);
	ck_assert(health_is_shared(&world.health, world.now));
	probe(&world, 2, PROBE_GOOD);
	run_well(&world, 10000);
	ck_assert_uint_eq(world.health.shared_since, 0);
	ck_assert_int_eq(world.health.state, HEALTH_HEALTHY);
}
END_TEST

/* Without a required zone there must be some zone all the same. */
START_TEST(server_without_any_zone_is_not_fit)
{
	struct world world;

	world_init(&world);
	health_init(&world.health, &defaults, world.targets, 2, zones, 0,
		    world.now);
	give(&world, HEALTH_EVENT_CONNECTED);
	run_well(&world, 3000);
	ck_assert_int_eq(world.health.reason, HEALTH_REASON_NO_ZONES);
	world.report.zones_fit = 1;
	run_well(&world, 3000);
	ck_assert_int_eq(world.health.state, HEALTH_HEALTHY);
	world.report.zones_fit = 0;
	run_well(&world, 200);
	ck_assert_int_eq(world.health.reason, HEALTH_REASON_NO_ZONES);
	ck_assert_int_eq(world.health.state, HEALTH_FAILED);
}
END_TEST

/* A command counts by itself: its own rise, its own fall. */
START_TEST(command_gates_and_withdraws)
{
	struct health_target targets[3] = {{0}};
	struct world world;

	world_init(&world);
	targets[1].transport = HEALTH_TCP;
	targets[2].group = HEALTH_COMMANDS;
	targets[2].fall = 2;
	targets[2].rise = 2;
	health_init(&world.health, &defaults, targets, 3, zones, 1, world.now);
	world.health.cover = 1;
	give(&world, HEALTH_EVENT_CONNECTED);
	run_well(&world, 3000);
	ck_assert_int_eq(world.health.reason, HEALTH_REASON_COMMAND);
	probe(&world, 2, PROBE_GOOD);
	ck_assert(!health_is_up(&world.health));
	probe(&world, 2, PROBE_GOOD);
	ck_assert(health_is_up(&world.health));
	probe(&world, 2, PROBE_WRONG);
	ck_assert(health_is_up(&world.health));
	probe(&world, 2, PROBE_WRONG);
	ck_assert_int_eq(world.health.state, HEALTH_FAILED);
	ck_assert_int_eq(world.health.reason, HEALTH_REASON_COMMAND);
	ck_assert_uint_eq(health_wait_ms(&world.health, world.now), 5000);
	probe(&world, 2, PROBE_GOOD);
	run_well(&world, 6000);
	ck_assert_int_eq(world.health.reason, HEALTH_REASON_COMMAND);
	probe(&world, 2, PROBE_GOOD);
	ck_assert(health_is_up(&world.health));
}
END_TEST

START_TEST(a_day_of_flapping_is_damped)
{
	struct world world;
	unsigned announcements = 0;
	bool was_up = true;
	uint64_t end;

	make_healthy(&world);
	end = world.now + UINT64_C(24) * 3600 * 1000;
	while (world.now < end) {
		run(&world, 1000, IDLE, PROBE_SILENT, PROBE_SILENT);
		was_up = health_is_up(&world.health);
		run_well(&world, 2000);
		announcements += !was_up && health_is_up(&world.health);
	}
	/* 28,800 flaps; one announcement in 300 s once the limit is reached. */
	ck_assert_uint_ge(announcements, 1);
	ck_assert_uint_le(announcements, 24 * 3600 / 300 + 8);
}
END_TEST

/* --- whatever happens ----------------------------------------------------- */

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void random_event(struct world *world, uint32_t *seed)
{
	uint32_t r = next_random(seed);

	switch (r % 16) {
	case 0:
		give(world, HEALTH_EVENT_LOST);
		break;
	case 1:
		give(world, HEALTH_EVENT_CONNECTED);
		break;
	case 2:
		world->zone =
			r >> 8 & 7 ? HEALTH_ZONE_SERVED : HEALTH_ZONE_EXPIRED;
		break;
	case 3:
		world->report.oldest_pass_ms = r >> 8 & 7 ? 20 : 700;
		break;
	case 4:
		world->report.is_stopping = (r >> 8 & 31) == 0;
		break;
	case 5:
		run_well(world, 2000);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		run_traffic(world, (enum traffic)(r >> 8 & 7) % 7);
		break;
	case 10:
	case 11:
	case 12:
		probe(world, r >> 8 & 1,
		      r >> 9 & 7 ? PROBE_GOOD
				 : (enum probe_verdict)((r >> 12) % 3));
		break;
	default:
		give(world, HEALTH_EVENT_TICK);
	}
}

static void check_invariants(const struct world *world, bool was_up)
{
	const struct health *health = &world->health;
	bool is_up = health_is_up(health);

	ck_assert((health->state == HEALTH_HEALTHY) ==
		  (health->reason == HEALTH_REASON_NONE));
	ck_assert_uint_le(health->since, world->now);
	ck_assert_uint_le(health->hold_down_ms, defaults.hold_down_max_ms);
	ck_assert(health->state != HEALTH_FAILED || health->failures > 0);
	if (is_up) {
		/* Never up without a nameserver whose reports are fresh. */
		ck_assert(health->is_connected);
		ck_assert(health->has_report);
		ck_assert_uint_lt(world->now - health->reported_at,
				  HEALTH_SILENCE_MS);
		ck_assert_uint_lt(health->oldest_pass_ms, HEALTH_STALL_MS);
		ck_assert_int_ge(health->zone_states[0], HEALTH_ZONE_SERVED);
	}
	if (is_up && !was_up) {
		ck_assert_uint_ge(health_good_rounds(health), defaults.rise);
		ck_assert_uint_ge(world->now, health->hold_until);
	}
}

START_TEST(random_events_keep_the_promises)
{
	uint32_t seed = 2463534242u + (uint32_t)_i * 77777u;
	struct world world;
	unsigned ups = 0;

	world_init(&world);
	for (unsigned i = 0; i < 200000; i++) {
		bool was_up = health_is_up(&world.health);

		world.now += next_random(&seed) % 60;
		if (world.now % 7 == 0) {
			world.now += next_random(&seed) % 700;
		}
		give(&world, HEALTH_EVENT_TICK);
		check_invariants(&world, was_up);
		was_up = health_is_up(&world.health);
		if (next_random(&seed) % 16 == 5) {
			/* Several events: only the last state is looked at. */
			run_well(&world, 2000);
			ups += !was_up && health_is_up(&world.health);
			continue;
		}
		random_event(&world, &seed);
		if (seed % 16 != 5) {
			ups += !was_up && health_is_up(&world.health);
		}
	}
	ck_assert_uint_gt(ups, 3); /* the walk meets both sides */
}
END_TEST

START_TEST(oldest_pass_of_a_report_names_its_worker)
{
	struct health_report sum = {0};
	struct health_totals totals = {1, 2, 3, 4};

	health_report_add(&sum, 0, "udp", 10, &totals);
	health_report_add(&sum, 0, "tcp", 11, &totals);
	health_report_add(&sum, 1, "udp", 600, &totals);
	health_report_add(&sum, 1, "xdp", 12, &totals);
	ck_assert_uint_eq(sum.oldest_worker, 1);
	ck_assert_uint_eq(sum.oldest_pass_ms, 600);
	ck_assert_str_eq(sum.oldest_transport, "udp");
	ck_assert_uint_eq(sum.totals[HEALTH_UDP].queries, 6);
	ck_assert_uint_eq(sum.totals[HEALTH_TCP].drops, 3);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("health");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, start_needs_rise_good_rounds_and_no_hold_down);
	tcase_add_loop_test(tcase, nothing_comes_up_while_a_part_is_missing, 0,
			    COUNT(never));
	tcase_add_loop_test(tcase, fault_is_told_apart_in_time, 0,
			    COUNT(faults));
	tcase_add_test(tcase, end_of_file_fails_at_once);
	tcase_add_test(tcase, fewer_lost_probes_than_fall_are_forgiven);
	tcase_add_test(tcase, prober_that_stops_is_no_proof_of_health);
	tcase_add_test(tcase, overload_stays_up_and_heals_without_hold_down);
	tcase_add_test(tcase, overload_without_further_signs_becomes_failure);
	tcase_add_test(tcase, process_that_hangs_under_flood_fails);
	tcase_add_test(tcase, counters_of_a_new_process_are_no_overload);
	tcase_add_test(tcase, hold_down_doubles_up_to_its_limit);
	tcase_add_test(tcase, hold_down_halves_while_up);
	tcase_add_test(tcase,
		       recovery_needs_rise_rounds_after_the_hold_down_was_bad);
	tcase_add_test(tcase, planned_end_of_the_nameserver_is_no_failure);
	tcase_add_loop_test(tcase, stale_zone_has_its_grace_time, 0, 2);
	tcase_add_loop_test(tcase, shared_command_has_its_grace_time, 0, 2);
	tcase_add_test(tcase, server_without_any_zone_is_not_fit);
	tcase_add_test(tcase, command_gates_and_withdraws);
	tcase_add_loop_test(tcase, covering_prefix_follows_its_policy, 0, 32);
	tcase_add_test(tcase, a_day_of_flapping_is_damped);
	tcase_add_loop_test(tcase, random_events_keep_the_promises, 0, 4);
	tcase_add_test(tcase, oldest_pass_of_a_report_names_its_worker);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
