/*
 * fsm.c - the state machine of one connection, as pure as arithmetic.
 *
 *	      START         TCP_UP          OPEN             KEEPALIVE
 *	Idle ------> Connect ------> OpenSent ----> OpenConfirm -----> Established
 *	 ^  \ passive                   ^                |                |
 *	 |    `-----> Active ------------'                |                |
 *	 `------- any trouble: NOTIFICATION where one is due, CLOSE -------'
 *	          (a passive peer goes back to Active)
 *
 * Differences from RFC 4271 8, and why:
 * - A connecting peer waits in Idle after a failure and tries again by itself
 *   (the RFC's IdleHoldTime, 8.1.1); it is never in Active, where the RFC would
 *   listen while it waits: we listen only for passive peers.
 * - A passive peer returns to Active at once. It is the router that sets the
 *   pace, and a refusal would only start the router's own error delay.
 * - The back-off starts at 1 s, not at 120: while we wait, the site is not
 *   announced, and most ends of a session are a router's restart or a
 *   reconfiguration, over within seconds. It doubles to 60 s, since a peer that
 *   answers with NOTIFICATIONs needs a person. It stays at 5 s where TCP alone
 *   failed or was closed without a word: such a try costs the peer nothing, and
 *   BIRD closes that way for up to 60 s after an error (its error delay):
 *   minutes of silence on top would be ours. It starts anew after 30 s in
 *   Established. A received 6/2 is no exception: routers send it when they
 *   restart.
 * - Each delay is multiplied by a random 0.75 to 1.0 (RFC 4271 10).
 * - OpenSent waits 10 s for an OPEN, not 4 minutes.
 * - The send hold time (RFC 9687) is twice the hold time, not at least 8
 *   minutes: a peer that does not read keeps routes that we wish gone.
 */
#include "lib/bgp/fsm.h"

#include "lib/base/wire.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

enum {
	RETRY_MIN_S = 1,
	RETRY_MAX_S = 60,
	RETRY_TCP_MAX_S = 5, /* where TCP failed, or closed without a word */
	CONNECT_WAIT_S = 10,
	OPEN_WAIT_S = 10,
	STABLE_S = 30,
	SEND_HOLD_NO_HOLD_S = 480, /* RFC 9687 4, where hold time is 0 */
	KEEPALIVES_A_HOLD = 3,
};

void bgp_fsm_init(struct bgp_fsm *fsm, const struct bgp_fsm_config *config)
{
	struct bgp_fsm_config *c = &fsm->config;

	memset(fsm, 0, sizeof(*fsm));
	*c = *config;
	c->retry_min = c->retry_min ? c->retry_min : RETRY_MIN_S * SECOND;
	c->retry_max = c->retry_max ? c->retry_max : RETRY_MAX_S * SECOND;
	c->connect_wait =
		c->connect_wait ? c->connect_wait : CONNECT_WAIT_S * SECOND;
	c->open_wait = c->open_wait ? c->open_wait : OPEN_WAIT_S * SECOND;
	c->stable = c->stable ? c->stable : STABLE_S * SECOND;
	fsm->retry_delay = c->retry_min;
}

void bgp_fsm_succeed(struct bgp_fsm *next, const struct bgp_fsm *previous)
{
	next->retry_delay = previous->retry_delay;
	next->updates_received += previous->updates_received;
	next->updates_malformed += previous->updates_malformed;
	next->routes_received += previous->routes_received;
}

void bgp_fsm_open(const struct bgp_fsm *fsm, struct bgp_open *out)
{
	*out = (struct bgp_open){
		.as = fsm->config.local_as,
		.router_id = fsm->config.router_id,
		.hold_s = fsm->config.hold_s,
		/* BIRD answers 2/7 where other capabilities come without it. */
		.families = fsm->config.families | BGP_IPV4,
		.role = fsm->config.role,
		.has_capabilities = true,
		.has_multiprotocol = true,
		.has_as4 = true,
		.has_refresh = true,
	};
}

/* --- pieces --------------------------------------------------------------- */

static void act(struct bgp_actions *actions, enum bgp_action action)
{
	assert(actions->count < BGP_ACTIONS_MAX);
	actions->list[actions->count++] = action;
}

/* RFC 4271 10: a uniform factor between 0.75 and 1.0. */
static uint64_t jitter(uint64_t span, uint32_t random)
{
	uint64_t quarter = span / 4;

	return span - quarter + (quarter / 1024) * (random % 1025);
}

static bool is_connected(const struct bgp_fsm *fsm)
{
	return fsm->state >= BGP_OPEN_SENT;
}

static void keepalive_arm(struct bgp_fsm *fsm, const struct bgp_event *event)
{
	fsm->keepalive_at = 0;
	if (fsm->hold_s > 0) {
		fsm->keepalive_at =
			event->now +
			jitter(fsm->hold_s * SECOND / KEEPALIVES_A_HOLD,
			       event->random);
	}
}

static void hold_arm(struct bgp_fsm *fsm, const struct bgp_event *event)
{
	fsm->hold_until =
		fsm->hold_s > 0 ? event->now + fsm->hold_s * SECOND : 0;
}

/* How long to wait before the next try, and what the one after will wait. */
static uint64_t retry_take(struct bgp_fsm *fsm, const struct bgp_event *event)
{
	uint64_t most = fsm->config.retry_max;
	uint64_t delay;

	if (fsm->established_at != 0 &&
	    event->now - fsm->established_at >= fsm->config.stable) {
		fsm->retry_delay = fsm->config.retry_min;
	}
	if (fsm->cause.kind != BGP_CAUSE_SENT &&
	    fsm->cause.kind != BGP_CAUSE_RECEIVED &&
	    most > RETRY_TCP_MAX_S * SECOND) {
		most = RETRY_TCP_MAX_S * SECOND;
	}
	delay = fsm->retry_delay < most ? fsm->retry_delay : most;
	fsm->retry_delay = delay * 2 < fsm->config.retry_max
				   ? delay * 2
				   : fsm->config.retry_max;
	return jitter(delay, event->random);
}

/*
 * The connection, or the try, is over. end is CLOSE or RESET where there is one
 * to end; fsm->cause has been set.
 */
static void leave(struct bgp_fsm *fsm, const struct bgp_event *event,
		  struct bgp_actions *actions, enum bgp_action end)
{
	bool has_connection = is_connected(fsm) || fsm->state == BGP_CONNECT;

	if (is_connected(fsm) && fsm->cause.notification.code != 0 &&
	    fsm->cause.kind != BGP_CAUSE_RECEIVED) {
		act(actions, BGP_ACTION_SEND_NOTIFICATION);
	}
	if (fsm->state == BGP_ESTABLISHED) {
		act(actions, BGP_ACTION_DOWN);
	}
	if (has_connection) {
		act(actions, end);
	}
	fsm->state = BGP_IDLE;
	fsm->connect_until = 0;
	fsm->hold_until = 0;
	fsm->keepalive_at = 0;
	fsm->send_hold_until = 0;
	fsm->retry_at = 0;
	if (fsm->is_wanted && fsm->config.is_passive) {
		fsm->state = BGP_ACTIVE;
	} else if (fsm->is_wanted) {
		fsm->retry_at = event->now + retry_take(fsm, event);
	}
	fsm->established_at = 0;
}

static void cause_set(struct bgp_fsm *fsm, enum bgp_cause_kind kind,
		      const struct bgp_notification *notification)
{
	fsm->cause.kind = kind;
	if (notification != NULL) {
		fsm->cause.notification = *notification;
	} else {
		fsm->cause.notification.code = 0;
		fsm->cause.notification.subcode = 0;
		fsm->cause.notification.size = 0;
	}
}

static void leave_quietly(struct bgp_fsm *fsm, const struct bgp_event *event,
			  struct bgp_actions *actions, enum bgp_cause_kind kind)
{
	cause_set(fsm, kind, NULL);
	leave(fsm, event, actions, BGP_ACTION_CLOSE);
}

static void leave_notifying(struct bgp_fsm *fsm, const struct bgp_event *event,
			    struct bgp_actions *actions,
			    const struct bgp_notification *notification)
{
	cause_set(fsm, BGP_CAUSE_SENT, notification);
	leave(fsm, event, actions, BGP_ACTION_CLOSE);
}

static void leave_with_code(struct bgp_fsm *fsm, const struct bgp_event *event,
			    struct bgp_actions *actions, uint8_t code,
			    uint8_t subcode)
{
	struct bgp_notification notification = {.code = code,
						.subcode = subcode};

	leave_notifying(fsm, event, actions, &notification);
}

static void connect_begin(struct bgp_fsm *fsm, const struct bgp_event *event,
			  struct bgp_actions *actions)
{
	fsm->state = BGP_CONNECT;
	fsm->retry_at = 0;
	fsm->connect_until = event->now + fsm->config.connect_wait;
	act(actions, BGP_ACTION_CONNECT);
}

/* --- the peer's OPEN ------------------------------------------------------ */

static bool roles_suit(uint8_t ours, uint8_t theirs)
{
	switch (ours) {
	case BGP_ROLE_PROVIDER:
		return theirs == BGP_ROLE_CUSTOMER;
	case BGP_ROLE_CUSTOMER:
		return theirs == BGP_ROLE_PROVIDER;
	case BGP_ROLE_ROUTE_SERVER:
		return theirs == BGP_ROLE_ROUTE_SERVER_CLIENT;
	case BGP_ROLE_ROUTE_SERVER_CLIENT:
		return theirs == BGP_ROLE_ROUTE_SERVER;
	case BGP_ROLE_PEER:
		return theirs == BGP_ROLE_PEER;
	default:
		return true;
	}
}

/* RFC 9234 4.2; an iBGP session has no roles. */
static bool role_is_good(const struct bgp_fsm_config *config,
			 const struct bgp_open *open)
{
	if (config->role == BGP_ROLE_NONE ||
	    config->local_as == config->peer_as) {
		return true;
	}
	if (open->has_role_conflict) {
		return false;
	}
	if (open->role == BGP_ROLE_NONE) {
		return !config->is_role_strict;
	}
	return roles_suit(config->role, open->role);
}

static void refusal(struct bgp_notification *out, uint8_t subcode)
{
	out->code = BGP_ERROR_OPEN;
	out->subcode = subcode;
	out->size = 0;
}

static void refusal_add(struct bgp_notification *out, uint32_t value,
			size_t size)
{
	uint8_t octets[4];

	wire_put32(octets, value);
	memcpy(out->data + out->size, octets + 4 - size, size);
	out->size = (uint16_t)(out->size + size);
}

/* RFC 5492 3: 2/7 names what is missed, as it stands in an OPEN. */
static void refuse_families(struct bgp_notification *out, unsigned families)
{
	refusal(out, BGP_OPEN_BAD_CAPABILITY);
	for (uint32_t afi = 1; afi <= 2; afi++) {
		if (families & (afi == 1 ? BGP_IPV4 : BGP_IPV6)) {
			refusal_add(out, 0x0104, 2);
			refusal_add(out, afi << 16 | 1, 4);
		}
	}
}

/* RFC 4271 6.2, RFC 6286 2.2. False: out is the NOTIFICATION it has earned. */
static bool open_is_good(const struct bgp_fsm_config *config,
			 const struct bgp_open *open,
			 struct bgp_notification *out)
{
	bool is_internal = config->local_as == config->peer_as;

	if (open->as != config->peer_as || open->as == 0) {
		refusal(out, BGP_OPEN_BAD_AS);
		refusal_add(out, open->as, 4);
		return false;
	}
	if (open->router_id == 0 ||
	    (is_internal && open->router_id == config->router_id)) {
		refusal(out, BGP_OPEN_BAD_ID);
		refusal_add(out, open->router_id, 4);
		return false;
	}
	if ((open->hold_s == 0 && !config->allow_no_hold) ||
	    (open->hold_s > 0 && open->hold_s < BGP_HOLD_MIN_S)) {
		refusal(out, BGP_OPEN_BAD_HOLD);
		refusal_add(out, open->hold_s, 2);
		return false;
	}
	if (!role_is_good(config, open)) {
		refusal(out, BGP_OPEN_BAD_ROLE);
		return false;
	}
	if ((open->families & config->families) == 0) {
		refuse_families(out, config->families);
		return false;
	}
	return true;
}

static void open_take(struct bgp_fsm *fsm, const struct bgp_event *event,
		      struct bgp_actions *actions)
{
	const struct bgp_open *open = &event->open;
	struct bgp_notification notification = {0};

	if (!open_is_good(&fsm->config, open, &notification)) {
		leave_notifying(fsm, event, actions, &notification);
		return;
	}
	fsm->peer = *open;
	fsm->hold_s = open->hold_s < fsm->config.hold_s ? open->hold_s
							: fsm->config.hold_s;
	fsm->families = (fsm->config.families | BGP_IPV4) & open->families;
	fsm->state = BGP_OPEN_CONFIRM;
	act(actions, BGP_ACTION_SEND_KEEPALIVE);
	keepalive_arm(fsm, event);
	hold_arm(fsm, event);
	if (fsm->hold_until == 0) {
		/* Without a hold time the first KEEPALIVE must come still. */
		fsm->hold_until = event->now + fsm->config.open_wait;
	}
}

static void open_begin(struct bgp_fsm *fsm, const struct bgp_event *event,
		       struct bgp_actions *actions)
{
	fsm->state = BGP_OPEN_SENT;
	fsm->connect_until = 0;
	fsm->hold_until = event->now + fsm->config.open_wait;
	act(actions, BGP_ACTION_SEND_OPEN);
}

/* --- one state after the other -------------------------------------------- */

static void step_idle(struct bgp_fsm *fsm, const struct bgp_event *event,
		      struct bgp_actions *actions)
{
	if (event->type == BGP_EVENT_ACCEPTED) {
		fsm->is_wanted = true;
		open_begin(fsm, event, actions);
	} else if (event->type == BGP_EVENT_START && fsm->config.is_passive) {
		fsm->state = BGP_ACTIVE;
	} else if (event->type == BGP_EVENT_START ||
		   (event->type == BGP_EVENT_RETRY_EXPIRED && fsm->is_wanted)) {
		connect_begin(fsm, event, actions);
	}
}

static void step_unconnected(struct bgp_fsm *fsm, const struct bgp_event *event,
			     struct bgp_actions *actions)
{
	switch (event->type) {
	case BGP_EVENT_TCP_UP:
		open_begin(fsm, event, actions);
		return;
	case BGP_EVENT_COLLISION:
		if (fsm->state == BGP_CONNECT) {
			leave_quietly(fsm, event, actions, BGP_CAUSE_COLLISION);
		}
		return;
	case BGP_EVENT_TCP_FAILED:
	case BGP_EVENT_TCP_CLOSED:
		if (fsm->state == BGP_CONNECT) {
			leave_quietly(fsm, event, actions,
				      BGP_CAUSE_CONNECT_FAILED);
		}
		return;
	case BGP_EVENT_CONNECT_EXPIRED:
		if (fsm->state == BGP_CONNECT) {
			leave_quietly(fsm, event, actions,
				      BGP_CAUSE_CONNECT_TIMEOUT);
		}
		return;
	default:
		return;
	}
}

/* What ends a connection alike in all three connected states. True: it did. */
static bool step_end(struct bgp_fsm *fsm, const struct bgp_event *event,
		     struct bgp_actions *actions)
{
	switch (event->type) {
	case BGP_EVENT_TCP_FAILED:
	case BGP_EVENT_TCP_CLOSED:
		leave_quietly(fsm, event, actions,
			      fsm->state == BGP_OPEN_SENT
				      ? BGP_CAUSE_CLOSED_EARLY
				      : BGP_CAUSE_CLOSED);
		return true;
	case BGP_EVENT_BAD_MESSAGE:
		leave_notifying(fsm, event, actions, &event->notification);
		return true;
	case BGP_EVENT_NOTIFICATION:
		cause_set(fsm, BGP_CAUSE_RECEIVED, &event->notification);
		leave(fsm, event, actions, BGP_ACTION_CLOSE);
		return true;
	case BGP_EVENT_HOLD_EXPIRED:
		leave_with_code(fsm, event, actions, BGP_ERROR_HOLD, 0);
		return true;
	case BGP_EVENT_SEND_HOLD_EXPIRED:
		cause_set(fsm, BGP_CAUSE_SENT,
			  &(struct bgp_notification){
				  .code = BGP_ERROR_SEND_HOLD});
		leave(fsm, event, actions, BGP_ACTION_RESET);
		return true;
	case BGP_EVENT_UNACKNOWLEDGED:
		cause_set(fsm, BGP_CAUSE_UNACKNOWLEDGED, NULL);
		leave(fsm, event, actions, BGP_ACTION_RESET);
		return true;
	case BGP_EVENT_BFD_DOWN:
		/* RFC 9384; most likely nobody hears it. */
		leave_with_code(fsm, event, actions, BGP_ERROR_CEASE,
				BGP_CEASE_BFD_DOWN);
		return true;
	case BGP_EVENT_COLLISION:
		cause_set(fsm, BGP_CAUSE_COLLISION,
			  &(struct bgp_notification){
				  .code = BGP_ERROR_CEASE,
				  .subcode = BGP_CEASE_COLLISION});
		leave(fsm, event, actions, BGP_ACTION_CLOSE);
		return true;
	default:
		return false;
	}
}

static bool is_message(enum bgp_event_type type)
{
	return type == BGP_EVENT_OPEN || type == BGP_EVENT_KEEPALIVE ||
	       type == BGP_EVENT_UPDATE || type == BGP_EVENT_REFRESH;
}

static void step_open_sent(struct bgp_fsm *fsm, const struct bgp_event *event,
			   struct bgp_actions *actions)
{
	if (event->type == BGP_EVENT_OPEN) {
		open_take(fsm, event, actions);
	} else if (is_message(event->type)) {
		leave_with_code(fsm, event, actions, BGP_ERROR_FSM,
				BGP_FSM_IN_OPEN_SENT);
	}
}

static void step_open_confirm(struct bgp_fsm *fsm,
			      const struct bgp_event *event,
			      struct bgp_actions *actions)
{
	if (event->type == BGP_EVENT_KEEPALIVE) {
		fsm->state = BGP_ESTABLISHED;
		fsm->established_at = event->now;
		hold_arm(fsm, event);
		act(actions, BGP_ACTION_UP);
	} else if (is_message(event->type)) {
		leave_with_code(fsm, event, actions, BGP_ERROR_FSM,
				BGP_FSM_IN_OPEN_CONFIRM);
	}
}

static void step_established(struct bgp_fsm *fsm, const struct bgp_event *event,
			     struct bgp_actions *actions)
{
	switch (event->type) {
	case BGP_EVENT_KEEPALIVE:
		hold_arm(fsm, event);
		return;
	case BGP_EVENT_UPDATE:
		hold_arm(fsm, event);
		fsm->updates_received++;
		fsm->updates_malformed += event->count.is_malformed;
		fsm->routes_received += event->count.announced;
		return;
	case BGP_EVENT_REFRESH:
		actions->families = event->families & fsm->families;
		if (actions->families != 0) {
			act(actions, BGP_ACTION_REFRESH);
		}
		return;
	case BGP_EVENT_OPEN:
		leave_with_code(fsm, event, actions, BGP_ERROR_FSM,
				BGP_FSM_IN_ESTABLISHED);
		return;
	default:
		return;
	}
}

/* The timers of a connection whose OPENs have been exchanged. */
static void step_sending(struct bgp_fsm *fsm, const struct bgp_event *event,
			 struct bgp_actions *actions)
{
	uint64_t span = fsm->hold_s > 0 ? 2u * fsm->hold_s * SECOND
					: SEND_HOLD_NO_HOLD_S * SECOND;

	switch (event->type) {
	case BGP_EVENT_KEEPALIVE_EXPIRED:
		if (fsm->hold_s > 0) {
			act(actions, BGP_ACTION_SEND_KEEPALIVE);
		}
		keepalive_arm(fsm, event);
		return;
	case BGP_EVENT_SEND_BLOCKED:
		if (fsm->send_hold_until == 0) {
			fsm->send_hold_until = event->now + span;
		}
		return;
	case BGP_EVENT_SEND_CLEAR:
		fsm->send_hold_until = 0;
		return;
	default:
		return;
	}
}

static void stop(struct bgp_fsm *fsm, const struct bgp_event *event,
		 struct bgp_actions *actions)
{
	fsm->is_wanted = false;
	cause_set(fsm, BGP_CAUSE_STOPPED, &event->notification);
	leave(fsm, event, actions, BGP_ACTION_CLOSE);
}

void bgp_fsm_step(struct bgp_fsm *fsm, const struct bgp_event *event,
		  struct bgp_actions *actions)
{
	actions->count = 0;
	actions->families = 0;
	if (event->type == BGP_EVENT_STOP) {
		stop(fsm, event, actions);
		return;
	}
	if (event->type == BGP_EVENT_START) {
		fsm->is_wanted = true;
	}
	if (is_connected(fsm) && step_end(fsm, event, actions)) {
		return;
	}
	if (fsm->state >= BGP_OPEN_CONFIRM) {
		step_sending(fsm, event, actions);
	}
	switch (fsm->state) {
	case BGP_IDLE:
		step_idle(fsm, event, actions);
		return;
	case BGP_CONNECT:
	case BGP_ACTIVE:
		step_unconnected(fsm, event, actions);
		return;
	case BGP_OPEN_SENT:
		step_open_sent(fsm, event, actions);
		return;
	case BGP_OPEN_CONFIRM:
		step_open_confirm(fsm, event, actions);
		return;
	case BGP_ESTABLISHED:
		step_established(fsm, event, actions);
		return;
	case BGP_STATE_COUNT:
		assert(0);
	}
}

/* --- timers --------------------------------------------------------------- */

enum {
	TIMER_COUNT = 5,
};

struct timer {
	uint64_t at;
	enum bgp_event_type type;
};

/*
 * A keepalive that is due goes out before a hold time that is over is judged.
 */
static void timers_get(const struct bgp_fsm *fsm, struct timer out[TIMER_COUNT])
{
	out[0] = (struct timer){fsm->keepalive_at, BGP_EVENT_KEEPALIVE_EXPIRED};
	out[1] = (struct timer){fsm->hold_until, BGP_EVENT_HOLD_EXPIRED};
	out[2] = (struct timer){fsm->send_hold_until,
				BGP_EVENT_SEND_HOLD_EXPIRED};
	out[3] = (struct timer){fsm->connect_until, BGP_EVENT_CONNECT_EXPIRED};
	out[4] = (struct timer){fsm->retry_at, BGP_EVENT_RETRY_EXPIRED};
}

bool bgp_fsm_due(const struct bgp_fsm *fsm, uint64_t now,
		 struct bgp_event *event)
{
	struct timer timers[TIMER_COUNT];

	timers_get(fsm, timers);
	for (size_t i = 0; i < TIMER_COUNT; i++) {
		if (timers[i].at != 0 && timers[i].at <= now) {
			event->type = timers[i].type;
			event->now = now;
			return true;
		}
	}
	return false;
}

uint64_t bgp_fsm_deadline(const struct bgp_fsm *fsm)
{
	struct timer timers[TIMER_COUNT];
	uint64_t least = UINT64_MAX;

	timers_get(fsm, timers);
	for (size_t i = 0; i < TIMER_COUNT; i++) {
		if (timers[i].at != 0 && timers[i].at < least) {
			least = timers[i].at;
		}
	}
	return least;
}

/* --- bytes to events ------------------------------------------------------ */

size_t bgp_event_read(struct bgp_event *event, const uint8_t *data, size_t size)
{
	int length = bgp_header_check(data, size, &event->notification);

	if (length == 0) {
		return 0;
	}
	if (length < 0) {
		event->type = BGP_EVENT_BAD_MESSAGE;
		return size;
	}
	switch ((enum bgp_type)data[BGP_HEADER_SIZE - 1]) {
	case BGP_TYPE_OPEN:
		event->type = BGP_EVENT_OPEN;
		if (!bgp_open_parse(&event->open, data, (size_t)length,
				    &event->notification)) {
			event->type = BGP_EVENT_BAD_MESSAGE;
		}
		break;
	case BGP_TYPE_UPDATE:
		event->type = BGP_EVENT_UPDATE;
		if (!bgp_update_parse(&event->count, data, (size_t)length)) {
			/* Counted as such; see update.h for why no more. */
			event->count.is_malformed = true;
		}
		break;
	case BGP_TYPE_NOTIFICATION:
		event->type = BGP_EVENT_NOTIFICATION;
		bgp_notification_parse(&event->notification, data,
				       (size_t)length);
		break;
	case BGP_TYPE_KEEPALIVE:
		event->type = BGP_EVENT_KEEPALIVE;
		break;
	case BGP_TYPE_ROUTE_REFRESH:
		event->type = BGP_EVENT_REFRESH;
		event->families = bgp_refresh_parse(data, (size_t)length);
		break;
	}
	return (size_t)length;
}

bool bgp_collision_keeps_ours(uint32_t our_id, uint32_t our_as,
			      uint32_t their_id, uint32_t their_as)
{
	if (our_id != their_id) {
		return our_id > their_id;
	}
	return our_as > their_as;
}

/* --- words ---------------------------------------------------------------- */

const char *bgp_state_text(enum bgp_state state)
{
	static const char *const names[BGP_STATE_COUNT] = {
		[BGP_IDLE] = "Idle",
		[BGP_CONNECT] = "Connect",
		[BGP_ACTIVE] = "Active",
		[BGP_OPEN_SENT] = "OpenSent",
		[BGP_OPEN_CONFIRM] = "OpenConfirm",
		[BGP_ESTABLISHED] = "Established",
	};

	return names[state];
}

const char *bgp_event_text(enum bgp_event_type type)
{
	static const char *const names[BGP_EVENT_COUNT] = {
#define BGP_EVENT_NAME(name) #name,
		BGP_EVENT_LIST(BGP_EVENT_NAME)
#undef BGP_EVENT_NAME
	};

	return names[type];
}

static const char *cause_text(enum bgp_cause_kind kind)
{
	switch (kind) {
	case BGP_CAUSE_NONE:
		return "";
	case BGP_CAUSE_STOPPED:
		return "stopped";
	case BGP_CAUSE_CONNECT_FAILED:
		return "cannot connect";
	case BGP_CAUSE_CONNECT_TIMEOUT:
		return "cannot connect: no answer";
	case BGP_CAUSE_CLOSED:
		return "connection closed by the peer";
	case BGP_CAUSE_CLOSED_EARLY:
		return "closed by the peer before its OPEN: it does not expect "
		       "us, or waits out an error delay of its own";
	case BGP_CAUSE_SENT:
		return "sent ";
	case BGP_CAUSE_RECEIVED:
		return "received ";
	case BGP_CAUSE_COLLISION:
		return "closed in favour of another connection";
	case BGP_CAUSE_UNACKNOWLEDGED:
		return "reset: a withdrawal was not acknowledged; the peer may "
		       "hold the route until its hold time";
	}
	return "";
}

const char *bgp_cause_dump(const struct bgp_cause *cause,
			   char text[BGP_TEXT_MAX])
{
	char notification[BGP_TEXT_MAX] = "";

	if (cause->kind == BGP_CAUSE_SENT ||
	    cause->kind == BGP_CAUSE_RECEIVED) {
		bgp_notification_dump(&cause->notification, notification);
	}
	/* What does not fit is the end of a long shutdown text. */
	snprintf(text, BGP_TEXT_MAX, "%s%.*s", cause_text(cause->kind),
		 BGP_TEXT_MAX - 128, notification);
	return text;
}
