/*
 * fuzz_bgp_fsm.c - the state machine of a connection: any events at any times.
 * Seen from its actions alone: nothing is sent without a socket, nothing follows
 * a close, and Established is said once and taken back once.
 */
#include "lib/bgp/fsm.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECOND UINT64_C(1000000000)

/* A caller's view. */
struct view {
	bool is_tcp;
	bool is_up;
};

static void check(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static void follow(struct view *view, const struct bgp_actions *actions)
{
	for (unsigned i = 0; i < actions->count; i++) {
		switch (actions->list[i]) {
		case BGP_ACTION_CONNECT:
			check(!view->is_tcp);
			view->is_tcp = true;
			break;
		case BGP_ACTION_SEND_OPEN:
		case BGP_ACTION_SEND_KEEPALIVE:
		case BGP_ACTION_SEND_NOTIFICATION:
			check(view->is_tcp);
			break;
		case BGP_ACTION_UP:
			check(view->is_tcp && !view->is_up);
			view->is_up = true;
			break;
		case BGP_ACTION_REFRESH:
			check(view->is_up && actions->families != 0);
			break;
		case BGP_ACTION_DOWN:
			check(view->is_up);
			view->is_up = false;
			break;
		case BGP_ACTION_CLOSE:
		case BGP_ACTION_RESET:
			check(view->is_tcp && i == actions->count - 1);
			view->is_tcp = false;
			break;
		}
	}
}

/* Of three octets: what, a value, and how much later. */
static struct bgp_event event_of(const uint8_t *octets, uint64_t now)
{
	struct bgp_event event = {
		.type = (enum bgp_event_type)(octets[0] % BGP_EVENT_COUNT),
		.now = now,
		.random = octets[1] * UINT32_C(16777619),
		.families = octets[1] % 4,
		.open = {.as = octets[1] % 16 == 1 ? 65099 : 65002,
			 .router_id = octets[1] % 16 == 2 ? 0 : 0x0a090102,
			 .hold_s = (uint16_t)(octets[1] % 16),
			 .families = octets[1] >> 6,
			 .role = BGP_ROLE_NONE,
			 .has_capabilities = octets[1] % 16 != 3,
			 .has_multiprotocol = octets[1] % 16 != 4,
			 .has_as4 = octets[1] % 16 != 5},
		.notification = {.code = octets[1] >> 4,
				 .subcode = octets[1] & 15},
	};

	return event;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bgp_fsm_config config = {
		.local_as = 65001,
		.peer_as = 65002,
		.router_id = 0x0a090101,
		.hold_s = 9,
		.families = BGP_FAMILIES_ALL,
		.role = BGP_ROLE_NONE,
	};
	struct bgp_actions actions;
	struct bgp_fsm fsm;
	struct view view = {false, false};
	uint64_t now = SECOND;

	config.is_passive = size > 0 && data[0] % 2 != 0;
	config.allow_no_hold = size > 0 && data[0] % 4 > 1;
	bgp_fsm_init(&fsm, &config);
	for (size_t i = 1; i + 2 < size; i += 3) {
		struct bgp_event event;

		now += data[i + 2] * (SECOND / 16);
		event = event_of(data + i, now);
		if (data[i + 2] % 2 != 0 && !bgp_fsm_due(&fsm, now, &event)) {
			continue;
		}
		view.is_tcp |= event.type == BGP_EVENT_TCP_UP &&
			       fsm.state == BGP_ACTIVE;
		view.is_tcp |= event.type == BGP_EVENT_ACCEPTED &&
			       fsm.state == BGP_IDLE;
		bgp_fsm_step(&fsm, &event, &actions);
		follow(&view, &actions);
		check(view.is_up == (fsm.state == BGP_ESTABLISHED));
		check(view.is_tcp ==
		      (fsm.state != BGP_IDLE && fsm.state != BGP_ACTIVE));
		check(fsm.state != BGP_ACTIVE || config.is_passive);
		check(!fsm.is_wanted || fsm.state == BGP_ACTIVE ||
		      (view.is_up && fsm.hold_s == 0) ||
		      bgp_fsm_deadline(&fsm) != UINT64_MAX);
	}
	return 0;
}
