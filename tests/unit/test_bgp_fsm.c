/*
 * The state machine: each state against each event, then chance, then stories.
 */
#include "lib/bgp/fsm.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

static const struct bgp_fsm_config plain = {
	.local_as = 65001,
	.peer_as = 65002,
	.router_id = 0x0a090101,
	.hold_s = 9,
	.families = BGP_FAMILIES_ALL,
	.role = BGP_ROLE_NONE,
};

static const struct bgp_open good_open = {
	.as = 65002,
	.router_id = 0x0a090102,
	.hold_s = 90,
	.families = BGP_FAMILIES_ALL,
	.role = BGP_ROLE_NONE,
	.has_capabilities = true,
	.has_multiprotocol = true,
	.has_as4 = true,
};

static struct bgp_fsm fsm;
static struct bgp_actions actions;
static uint64_t now;

/* One letter an action. */
static const char *letters(void)
{
	static const char names[] = {
		[BGP_ACTION_CONNECT] = 'T',
		[BGP_ACTION_SEND_OPEN] = 'O',
		[BGP_ACTION_SEND_KEEPALIVE] = 'K',
		[BGP_ACTION_SEND_NOTIFICATION] = 'N',
		[BGP_ACTION_UP] = 'U',
		[BGP_ACTION_REFRESH] = 'R',
		[BGP_ACTION_DOWN] = 'D',
		[BGP_ACTION_CLOSE] = 'C',
		[BGP_ACTION_RESET] = 'X',
	};
	static char text[BGP_ACTIONS_MAX + 1];

	for (unsigned i = 0; i < actions.count; i++) {
		text[i] = names[actions.list[i]];
	}
	text[actions.count] = '\0';
	return text;
}

static const char *step_event(const struct bgp_event *event)
{
	bgp_fsm_step(&fsm, event, &actions);
	return letters();
}

static const char *step(enum bgp_event_type type)
{
	struct bgp_event event = {.type = type, .now = now, .open = good_open};

	switch (type) {
	case BGP_EVENT_STOP:
		bgp_cease(&event.notification, BGP_CEASE_SHUTDOWN, "maint");
		break;
	case BGP_EVENT_BAD_MESSAGE:
		event.notification.code = BGP_ERROR_HEADER;
		event.notification.subcode = BGP_HEADER_BAD_TYPE;
		break;
	case BGP_EVENT_NOTIFICATION:
		bgp_cease(&event.notification, BGP_CEASE_RESET, NULL);
		break;
	case BGP_EVENT_REFRESH:
		event.families = BGP_IPV4;
		break;
	default:
		break;
	}
	return step_event(&event);
}

/* Bring a fresh machine into a state. */
static void reach(enum bgp_state state, const struct bgp_fsm_config *config)
{
	struct bgp_fsm_config passive = *config;

	now = 1000 * SECOND;
	passive.is_passive = state == BGP_ACTIVE;
	bgp_fsm_init(&fsm, &passive);
	if (state == BGP_IDLE) {
		return;
	}
	step(BGP_EVENT_START);
	if (state > BGP_ACTIVE) {
		ck_assert_str_eq(step(BGP_EVENT_TCP_UP), "O");
	}
	if (state > BGP_OPEN_SENT) {
		ck_assert_str_eq(step(BGP_EVENT_OPEN), "K");
	}
	if (state > BGP_OPEN_CONFIRM) {
		ck_assert_str_eq(step(BGP_EVENT_KEEPALIVE), "U");
	}
	ck_assert_int_eq(fsm.state, state);
}

/* --- the table ------------------------------------------------------------ */

/* For each event and state: what is done, and where it leads (I C A S O E). */
static const struct {
	enum bgp_event_type event;
	const char *cells[BGP_STATE_COUNT];
} table[] = {
	/*
	 *                        Idle   Connect Active OpenSent OpenConf Estab.
	 */
	{BGP_EVENT_START, {"T C", " C", " A", " S", " O", " E"}},
	{BGP_EVENT_STOP, {" I", "C I", " I", "NC I", "NC I", "NDC I"}},
	{BGP_EVENT_TCP_UP, {" I", "O S", "O S", " S", " O", " E"}},
	{BGP_EVENT_ACCEPTED, {"O S", " C", " A", " S", " O", " E"}},
	{BGP_EVENT_TCP_FAILED, {" I", "C I", " A", "C I", "C I", "DC I"}},
	{BGP_EVENT_TCP_CLOSED, {" I", "C I", " A", "C I", "C I", "DC I"}},
	{BGP_EVENT_BAD_MESSAGE, {" I", " C", " A", "NC I", "NC I", "NDC I"}},
	{BGP_EVENT_OPEN, {" I", " C", " A", "K O", "NC I", "NDC I"}},
	{BGP_EVENT_KEEPALIVE, {" I", " C", " A", "NC I", "U E", " E"}},
	{BGP_EVENT_UPDATE, {" I", " C", " A", "NC I", "NC I", " E"}},
	{BGP_EVENT_NOTIFICATION, {" I", " C", " A", "C I", "C I", "DC I"}},
	{BGP_EVENT_REFRESH, {" I", " C", " A", "NC I", "NC I", "R E"}},
	{BGP_EVENT_COLLISION, {" I", "C I", " A", "NC I", "NC I", "NDC I"}},
	{BGP_EVENT_UNACKNOWLEDGED, {" I", " C", " A", "X I", "X I", "DX I"}},
	{BGP_EVENT_BFD_DOWN, {" I", " C", " A", "NC I", "NC I", "NDC I"}},
	{BGP_EVENT_SEND_BLOCKED, {" I", " C", " A", " S", " O", " E"}},
	{BGP_EVENT_SEND_CLEAR, {" I", " C", " A", " S", " O", " E"}},
	{BGP_EVENT_RETRY_EXPIRED, {" I", " C", " A", " S", " O", " E"}},
	{BGP_EVENT_CONNECT_EXPIRED, {" I", "C I", " A", " S", " O", " E"}},
	{BGP_EVENT_HOLD_EXPIRED, {" I", " C", " A", "NC I", "NC I", "NDC I"}},
	{BGP_EVENT_KEEPALIVE_EXPIRED, {" I", " C", " A", " S", "K O", "K E"}},
	{BGP_EVENT_SEND_HOLD_EXPIRED,
	 {" I", " C", " A", "NX I", "NX I", "NDX I"}},
};

START_TEST(each_event_in_each_state_does_what_the_table_says)
{
	for (int state = 0; state < BGP_STATE_COUNT; state++) {
		char seen[32];

		reach(state, &plain);
		step(table[_i].event);
		snprintf(seen, sizeof(seen), "%s %c", letters(),
			 "ICASOE"[fsm.state]);
		ck_assert_msg(strcmp(seen, table[_i].cells[state]) == 0,
			      "%s in %s: '%s', not '%s'",
			      bgp_event_text(table[_i].event),
			      bgp_state_text(state), seen,
			      table[_i].cells[state]);
	}
}
END_TEST

START_TEST(table_names_every_event)
{
	ck_assert_uint_eq(sizeof(table) / sizeof(table[0]), BGP_EVENT_COUNT);
	for (int i = 0; i < BGP_EVENT_COUNT; i++) {
		ck_assert_int_eq(table[i].event, i);
	}
}
END_TEST

/* --- chance --------------------------------------------------------------- */

/* What must hold for every sequence of events; is_tcp and is_up are a caller's
 * view, kept from the actions alone. */
START_TEST(random_events_break_no_invariant)
{
	uint32_t seed = 1 + (uint32_t)_i;
	struct bgp_fsm_config config = plain;
	bool is_tcp = false; /* a socket exists */
	bool is_up = false;

	config.is_passive = _i % 2 == 1;
	config.allow_no_hold = _i % 3 == 0;
	now = SECOND;
	bgp_fsm_init(&fsm, &config);
	for (int round = 0; round < 20000; round++) {
		struct bgp_event event = {.open = good_open};
		enum bgp_state before = fsm.state;

		seed = seed * 1664525 + 1013904223;
		now += seed >> 8;
		event.random = seed;
		event.now = now;
		event.type = (seed >> 16) % BGP_EVENT_COUNT;
		event.families = seed >> 28;
		event.open.hold_s = (uint16_t)(seed >> 24) % 12;
		event.notification.code = (uint8_t)(seed >> 5);
		if (seed % 3 == 0 && !bgp_fsm_due(&fsm, now, &event)) {
			continue;
		}
		if (event.type == BGP_EVENT_TCP_UP && fsm.state == BGP_ACTIVE) {
			is_tcp = true; /* accepted */
		}
		if (event.type == BGP_EVENT_ACCEPTED && fsm.state == BGP_IDLE) {
			is_tcp = true;
		}
		bgp_fsm_step(&fsm, &event, &actions);
		for (unsigned i = 0; i < actions.count; i++) {
			switch (actions.list[i]) {
			case BGP_ACTION_CONNECT:
				ck_assert(!is_tcp);
				ck_assert(!config.is_passive);
				is_tcp = true;
				break;
			case BGP_ACTION_SEND_OPEN:
			case BGP_ACTION_SEND_KEEPALIVE:
			case BGP_ACTION_SEND_NOTIFICATION:
				ck_assert(is_tcp);
				break;
			case BGP_ACTION_UP:
				ck_assert(is_tcp && !is_up);
				is_up = true;
				break;
			case BGP_ACTION_REFRESH:
				ck_assert(is_up && actions.families != 0);
				break;
			case BGP_ACTION_DOWN:
				ck_assert(is_up);
				is_up = false;
				break;
			case BGP_ACTION_CLOSE:
			case BGP_ACTION_RESET:
				ck_assert(is_tcp);
				is_tcp = false;
				/* nothing goes out behind it */
				ck_assert_uint_eq(i, actions.count - 1);
				break;
			}
		}
		ck_assert_int_eq(is_up, fsm.state == BGP_ESTABLISHED);
		ck_assert_int_eq(is_tcp, fsm.state != BGP_IDLE &&
						 fsm.state != BGP_ACTIVE);
		ck_assert(fsm.state != BGP_ACTIVE || config.is_passive);
		/* Established is only ever reached through OpenConfirm. */
		ck_assert(fsm.state != BGP_ESTABLISHED ||
			  before == BGP_ESTABLISHED ||
			  before == BGP_OPEN_CONFIRM);
		/* A machine that is wanted never sleeps for ever. */
		if (fsm.is_wanted && fsm.state != BGP_ACTIVE &&
		    !(fsm.state == BGP_ESTABLISHED && fsm.hold_s == 0)) {
			ck_assert(bgp_fsm_deadline(&fsm) != UINT64_MAX);
		}
		if (!fsm.is_wanted && fsm.state == BGP_IDLE) {
			ck_assert(bgp_fsm_deadline(&fsm) == UINT64_MAX);
		}
	}
}
END_TEST

/* Each due timer is gone or moved after its step: the caller's loop ends. */
START_TEST(due_timers_run_out)
{
	for (int state = 0; state < BGP_STATE_COUNT; state++) {
		struct bgp_event event = {0};
		int rounds = 0;

		reach(state, &plain);
		step(BGP_EVENT_SEND_BLOCKED);
		now += 3600 * SECOND;
		while (bgp_fsm_due(&fsm, now, &event)) {
			bgp_fsm_step(&fsm, &event, &actions);
			ck_assert_int_lt(rounds++, 10);
		}
		ck_assert(bgp_fsm_deadline(&fsm) > now);
	}
}
END_TEST

/* --- the peer's OPEN ------------------------------------------------------ */

static const struct {
	const char *name;
	struct bgp_fsm_config config; /* zeroes: as in plain */
	struct bgp_open open;
	uint8_t subcode; /* 0: accepted */
	size_t data_size;
	uint8_t data[12];
} open_cases[] = {
	{.name = "good", .open = {.hold_s = 9}},
	{.name = "wrong AS",
	 .open = {.as = 65003, .hold_s = 9},
	 .subcode = 2,
	 .data_size = 4,
	 .data = {0, 0, 0xfd, 0xeb}},
	{.name = "hold time 1",
	 .open = {.hold_s = 1},
	 .subcode = 6,
	 .data_size = 2,
	 .data = {0, 1}},
	{.name = "hold time 2",
	 .open = {.hold_s = 2},
	 .subcode = 6,
	 .data_size = 2,
	 .data = {0, 2}},
	{.name = "hold time 3", .open = {.hold_s = 3}},
	{.name = "hold time 0",
	 .open = {.hold_s = 0},
	 .subcode = 6,
	 .data_size = 2},
	{.name = "hold time 0, allowed",
	 .config = {.allow_no_hold = true},
	 .open = {.hold_s = 0}},
	{.name = "identifier 0.0.0.0",
	 .open = {.hold_s = 9, .router_id = UINT32_MAX}, /* made 0 below */
	 .subcode = 3,
	 .data_size = 4},
	{.name = "our identifier, eBGP (RFC 6286)",
	 .open = {.hold_s = 9, .router_id = 0x0a090101}},
	{.name = "our identifier, iBGP",
	 .config = {.peer_as = 65001},
	 .open = {.as = 65001, .hold_s = 9, .router_id = 0x0a090101},
	 .subcode = 3,
	 .data_size = 4,
	 .data = {10, 9, 1, 1}},
	{.name = "only IPv6, we are IPv4 only",
	 .config = {.families = BGP_IPV4},
	 .open = {.hold_s = 9, .families = BGP_IPV6},
	 .subcode = 7,
	 .data_size = 6,
	 .data = {1, 4, 0, 1, 0, 1}},
	{.name = "only IPv4, we are IPv6 only",
	 .config = {.families = BGP_IPV6},
	 .open = {.hold_s = 9, .families = BGP_IPV4},
	 .subcode = 7,
	 .data_size = 6,
	 .data = {1, 4, 0, 2, 0, 1}},
	{.name = "provider to our customer",
	 .config = {.role = BGP_ROLE_CUSTOMER},
	 .open = {.hold_s = 9, .role = BGP_ROLE_PROVIDER}},
	{.name = "peer to our customer",
	 .config = {.role = BGP_ROLE_CUSTOMER},
	 .open = {.hold_s = 9, .role = BGP_ROLE_PEER},
	 .subcode = 11},
	{.name = "no role to our customer",
	 .config = {.role = BGP_ROLE_CUSTOMER},
	 .open = {.hold_s = 9}},
	{.name = "no role to our strict customer",
	 .config = {.role = BGP_ROLE_CUSTOMER, .is_role_strict = true},
	 .open = {.hold_s = 9},
	 .subcode = 11},
	{.name = "two roles",
	 .config = {.role = BGP_ROLE_CUSTOMER},
	 .open = {.hold_s = 9,
		  .role = BGP_ROLE_PROVIDER,
		  .has_role_conflict = true},
	 .subcode = 11},
	{.name = "a role when we have none",
	 .open = {.hold_s = 9, .role = BGP_ROLE_PEER}},
};

START_TEST(open_is_accepted_or_refused)
{
	struct bgp_fsm_config config = open_cases[_i].config;
	struct bgp_event event = {.type = BGP_EVENT_OPEN,
				  .open = open_cases[_i].open};

	config.local_as = plain.local_as;
	config.router_id = plain.router_id;
	config.hold_s = plain.hold_s;
	config.peer_as = config.peer_as ? config.peer_as : plain.peer_as;
	config.families = config.families ? config.families : plain.families;
	config.role = config.role ? config.role : BGP_ROLE_NONE;
	event.open.as = event.open.as ? event.open.as : 65002;
	event.open.families =
		event.open.families ? event.open.families : BGP_FAMILIES_ALL;
	/* PROVIDER is 0: only the cases that name a customer mean it. */
	if (event.open.role == 0 &&
	    strstr(open_cases[_i].name, "provider") == NULL) {
		event.open.role = BGP_ROLE_NONE;
	}
	if (event.open.router_id == 0) {
		event.open.router_id = 0x0a090102;
	} else if (event.open.router_id == UINT32_MAX) {
		event.open.router_id = 0;
	}
	if (event.open.has_role_conflict) {
		event.open.role = BGP_ROLE_PROVIDER;
	}
	reach(BGP_OPEN_SENT, &config);
	event.now = now;
	step_event(&event);
	if (open_cases[_i].subcode == 0) {
		ck_assert_msg(strcmp(letters(), "K") == 0, "%s: %s",
			      open_cases[_i].name, letters());
		return;
	}
	ck_assert_msg(strcmp(letters(), "NC") == 0, "%s: %s",
		      open_cases[_i].name, letters());
	ck_assert_int_eq(fsm.cause.kind, BGP_CAUSE_SENT);
	ck_assert_uint_eq(fsm.cause.notification.code, 2);
	ck_assert_uint_eq(fsm.cause.notification.subcode,
			  open_cases[_i].subcode);
	ck_assert_uint_eq(fsm.cause.notification.size,
			  open_cases[_i].data_size);
	ck_assert_mem_eq(fsm.cause.notification.data, open_cases[_i].data,
			 open_cases[_i].data_size);
}
END_TEST

START_TEST(our_open_always_names_ipv4)
{
	struct bgp_fsm_config config = plain;
	struct bgp_open open;

	config.families = BGP_IPV6;
	bgp_fsm_init(&fsm, &config);
	bgp_fsm_open(&fsm, &open);
	ck_assert_uint_eq(open.families, BGP_FAMILIES_ALL);
	ck_assert(open.has_as4);
	ck_assert(open.has_refresh);
	ck_assert(!open.has_graceful_restart);
}
END_TEST

/* --- times ---------------------------------------------------------------- */

START_TEST(hold_time_is_the_smaller_one)
{
	reach(BGP_ESTABLISHED, &plain);
	ck_assert_uint_eq(fsm.hold_s, 9);
	ck_assert_uint_eq(fsm.hold_until, now + 9 * SECOND);
	ck_assert_uint_ge(fsm.keepalive_at, now + 9 * SECOND / 4);
	ck_assert_uint_le(fsm.keepalive_at, now + 3 * SECOND);
}
END_TEST

START_TEST(only_update_and_keepalive_move_the_hold_time)
{
	reach(BGP_ESTABLISHED, &plain);
	now += SECOND;
	step(BGP_EVENT_REFRESH);
	ck_assert_uint_eq(fsm.hold_until, now + 8 * SECOND);
	step(BGP_EVENT_UPDATE);
	ck_assert_uint_eq(fsm.hold_until, now + 9 * SECOND);
	now += SECOND;
	step(BGP_EVENT_KEEPALIVE);
	ck_assert_uint_eq(fsm.hold_until, now + 9 * SECOND);
}
END_TEST

START_TEST(open_must_come_within_10_s)
{
	struct bgp_event event;

	reach(BGP_OPEN_SENT, &plain);
	ck_assert(!bgp_fsm_due(&fsm, now + 10 * SECOND - 1, &event));
	ck_assert(bgp_fsm_due(&fsm, now + 10 * SECOND, &event));
	ck_assert_int_eq(event.type, BGP_EVENT_HOLD_EXPIRED);
}
END_TEST

START_TEST(hold_time_0_keeps_the_session_without_keepalives)
{
	struct bgp_fsm_config config = plain;
	struct bgp_event event = {.type = BGP_EVENT_OPEN, .open = good_open};

	config.allow_no_hold = true;
	reach(BGP_OPEN_SENT, &config);
	event.now = now;
	event.open.hold_s = 0;
	step_event(&event);
	ck_assert(fsm.hold_until != 0); /* a first KEEPALIVE must come */
	step(BGP_EVENT_KEEPALIVE);
	ck_assert_int_eq(fsm.state, BGP_ESTABLISHED);
	ck_assert(bgp_fsm_deadline(&fsm) == UINT64_MAX);
}
END_TEST

START_TEST(send_hold_is_twice_the_hold_time)
{
	struct bgp_event event;

	reach(BGP_ESTABLISHED, &plain);
	fsm.hold_until = 0; /* the peer's KEEPALIVEs come */
	fsm.keepalive_at = 0;
	step(BGP_EVENT_SEND_BLOCKED);
	now += 10 * SECOND;
	step(BGP_EVENT_SEND_BLOCKED); /* still: the first moment counts */
	ck_assert(!bgp_fsm_due(&fsm, now + 8 * SECOND - 1, &event));
	ck_assert(bgp_fsm_due(&fsm, now + 8 * SECOND, &event));
	ck_assert_int_eq(event.type, BGP_EVENT_SEND_HOLD_EXPIRED);
	step(BGP_EVENT_SEND_CLEAR);
	ck_assert(!bgp_fsm_due(&fsm, now + 100 * SECOND, &event));
}
END_TEST

/* The delay, in ms, that follows event in the state reached (with the most
 * jitter). */
static uint64_t delay_after(enum bgp_event_type type)
{
	struct bgp_event event = {.type = type, .now = now, .random = 1024};

	if (type == BGP_EVENT_NOTIFICATION) {
		bgp_cease(&event.notification, BGP_CEASE_SHUTDOWN, NULL);
	}
	step_event(&event);
	ck_assert_int_eq(fsm.state, BGP_IDLE);
	return (fsm.retry_at - now + 999999) / 1000000;
}

static void reconnect(void)
{
	now = fsm.retry_at;
	ck_assert_str_eq(step(BGP_EVENT_RETRY_EXPIRED), "T");
}

START_TEST(back_off_doubles_and_has_two_limits)
{
	static const uint64_t tcp[] = {1000, 2000, 4000, 5000, 5000};
	static const uint64_t words[] = {1000,  2000,  4000,  8000,
					 16000, 32000, 60000, 60000};

	reach(BGP_CONNECT, &plain);
	for (int i = 0; i < 5; i++) {
		ck_assert_uint_eq(delay_after(BGP_EVENT_TCP_FAILED), tcp[i]);
		reconnect();
	}
	reach(BGP_CONNECT, &plain);
	for (int i = 0; i < 8; i++) {
		step(BGP_EVENT_TCP_UP);
		ck_assert_uint_eq(delay_after(BGP_EVENT_NOTIFICATION),
				  words[i]);
		reconnect();
	}
}
END_TEST

START_TEST(back_off_starts_anew_after_a_stable_session)
{
	reach(BGP_CONNECT, &plain);
	for (int i = 0; i < 6; i++) {
		step(BGP_EVENT_TCP_UP);
		delay_after(BGP_EVENT_NOTIFICATION);
		reconnect();
	}
	step(BGP_EVENT_TCP_UP);
	step(BGP_EVENT_OPEN);
	step(BGP_EVENT_KEEPALIVE);
	now += 29 * SECOND;
	ck_assert_uint_eq(delay_after(BGP_EVENT_NOTIFICATION), 60000);
	reconnect();
	step(BGP_EVENT_TCP_UP);
	step(BGP_EVENT_OPEN);
	step(BGP_EVENT_KEEPALIVE);
	now += 30 * SECOND;
	ck_assert_uint_eq(delay_after(BGP_EVENT_NOTIFICATION), 1000);
}
END_TEST

START_TEST(jitter_stays_between_three_quarters_and_one)
{
	for (uint32_t random = 0; random < 5000; random += 7) {
		struct bgp_event event = {.type = BGP_EVENT_TCP_FAILED,
					  .random = random};

		reach(BGP_CONNECT, &plain);
		event.now = now;
		step_event(&event);
		ck_assert_uint_ge(fsm.retry_at, now + SECOND * 3 / 4);
		ck_assert_uint_le(fsm.retry_at, now + SECOND);
	}
}
END_TEST

START_TEST(stop_sends_cease_with_its_text_and_stays_idle)
{
	struct bgp_event event;
	char text[BGP_TEXT_MAX];

	reach(BGP_ESTABLISHED, &plain);
	ck_assert_str_eq(step(BGP_EVENT_STOP), "NDC");
	bgp_notification_dump(&fsm.cause.notification, text);
	ck_assert_str_eq(text,
			 "cease 6/2 (administrative shutdown): \"maint\"");
	ck_assert(!bgp_fsm_due(&fsm, now + 3600 * SECOND, &event));
}
END_TEST

START_TEST(passive_peer_waits_again_after_trouble)
{
	struct bgp_fsm_config config = plain;

	config.is_passive = true;
	bgp_fsm_init(&fsm, &config);
	ck_assert_str_eq(step(BGP_EVENT_START), "");
	ck_assert_int_eq(fsm.state, BGP_ACTIVE);
	step(BGP_EVENT_TCP_UP);
	ck_assert_str_eq(step(BGP_EVENT_BAD_MESSAGE), "NC");
	ck_assert_int_eq(fsm.state, BGP_ACTIVE);
	ck_assert_str_eq(step(BGP_EVENT_TCP_UP), "O");
}
END_TEST

START_TEST(collision_is_won_by_the_higher_identifier_then_as)
{
	ck_assert(bgp_collision_keeps_ours(2, 1, 1, 2));
	ck_assert(!bgp_collision_keeps_ours(1, 2, 2, 1));
	ck_assert(bgp_collision_keeps_ours(0x80000000, 1, 0x7fffffff, 1));
	ck_assert(bgp_collision_keeps_ours(1, 2, 1, 1));
	ck_assert(!bgp_collision_keeps_ours(1, 1, 1, 2));
}
END_TEST

START_TEST(every_cause_has_words)
{
	char text[BGP_TEXT_MAX];

	for (int kind = BGP_CAUSE_STOPPED; kind <= BGP_CAUSE_UNACKNOWLEDGED;
	     kind++) {
		struct bgp_cause cause = {.kind = kind};

		ck_assert_uint_gt(strlen(bgp_cause_dump(&cause, text)), 0);
	}
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *suite = suite_create("bgp_fsm");
	TCase *tcase = tcase_create("bgp_fsm");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase,
			    each_event_in_each_state_does_what_the_table_says,
			    0, COUNT(table));
	tcase_add_test(tcase, table_names_every_event);
	tcase_add_loop_test(tcase, random_events_break_no_invariant, 0, 24);
	tcase_add_test(tcase, due_timers_run_out);
	tcase_add_loop_test(tcase, open_is_accepted_or_refused, 0,
			    COUNT(open_cases));
	tcase_add_test(tcase, our_open_always_names_ipv4);
	tcase_add_test(tcase, hold_time_is_the_smaller_one);
	tcase_add_test(tcase, only_update_and_keepalive_move_the_hold_time);
	tcase_add_test(tcase, open_must_come_within_10_s);
	tcase_add_test(tcase, hold_time_0_keeps_the_session_without_keepalives);
	tcase_add_test(tcase, send_hold_is_twice_the_hold_time);
	tcase_add_test(tcase, back_off_doubles_and_has_two_limits);
	tcase_add_test(tcase, back_off_starts_anew_after_a_stable_session);
	tcase_add_test(tcase, jitter_stays_between_three_quarters_and_one);
	tcase_add_test(tcase, stop_sends_cease_with_its_text_and_stays_idle);
	tcase_add_test(tcase, passive_peer_waits_again_after_trouble);
	tcase_add_test(tcase,
		       collision_is_won_by_the_higher_identifier_then_as);
	tcase_add_test(tcase, every_cause_has_words);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
