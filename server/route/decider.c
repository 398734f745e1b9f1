/*
 * decider.c - see decider.h.
 *
 * Events come from three sides (probes, the nameserver's socket, time), change
 * health or drains, and end in decider_apply(): the whole table is decided anew
 * and offered. There are no partial updates to get out of step; an offer that
 * changes nothing costs nothing on the wire.
 */
#include "server/route/decider_internal.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "server/route/journal.h"
#include "server/route/log_thread.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct target decider_everything = {TARGET_ALL, 0};

uint64_t decider_now(void)
{
	return clock_monotonic_ms();
}

/* --- the table ------------------------------------------------------------ */

static enum policy_strain strain_of(const struct health *health, uint64_t now)
{
	if (health->state == HEALTH_OVERLOAD) {
		return POLICY_STRAIN_OVERLOAD;
	}
	return health_is_shared(health, now) ? POLICY_STRAIN_SHARED
					     : POLICY_STRAIN_NONE;
}

/*
 * Services come up one after the other: one whose turn has not come counts as
 * down. A turn is over when none of the service's prefixes is up any more.
 */
static void take_turns(struct decider *decider, uint64_t now)
{
	const struct config_route *config = decider->config;
	uint64_t wait = config->health.stagger_ms;

	for (size_t s = 0; s < config->service_count; s++) {
		bool is_up = false;

		for (size_t i = 0; i < config->prefix_count; i++) {
			is_up |= config->prefixes[i].service == s &&
				 decider->prefix_up[i];
		}
		if (!is_up) {
			decider->service_open[s] = false;
		} else if (!decider->service_open[s] &&
			   (decider->service_open_at == 0 ||
			    now - decider->service_open_at >= wait)) {
			decider->service_open[s] = true;
			decider->service_open_at = now;
		}
	}
	for (size_t i = 0; i < config->prefix_count; i++) {
		decider->prefix_up[i] &=
			decider->service_open[config->prefixes[i].service];
	}
}

struct policy_input decider_input(const struct decider *decider)
{
	return (struct policy_input){
		.config = decider->config,
		.prefix_up = decider->prefix_up,
		.prefix_drains = decider->prefix_drains,
		.peer_drains = decider->peer_drains,
		.strains = decider->strains,
	};
}

/* Peers whose session is to be closed, or opened again, since the last time. */
static void order_peers(struct decider *decider)
{
	for (size_t i = 0; i < decider->config->peer_count; i++) {
		uint64_t bit = UINT64_C(1) << i;
		const struct override *override = overrides_of_peer(
			decider->overrides, OVERRIDE_DISABLE, i);
		bool is_told = (decider->disabled_peers & bit) != 0;

		if ((override != NULL) == is_told ||
		    !(override != NULL
			      ? speaker_disable(decider->speaker, i,
						override->reason[0] != '\0'
							? override->reason
							: "disabled")
			      : speaker_enable(decider->speaker, i))) {
			continue; /* nothing new, or tried again later */
		}
		decider->disabled_peers ^= bit;
	}
}

/* Decide, and offer what changed or whose lease needs renewal. */
void decider_apply(struct decider *decider, uint64_t now)
{
	const struct policy_input input = decider_input(decider);
	uint64_t offer;

	for (size_t i = 0; i < decider->config->prefix_count; i++) {
		decider->prefix_up[i] =
			health_is_up(&decider->prefixes[i].health);
		decider->strains[i] =
			strain_of(&decider->prefixes[i].health, now);
		journal_shared(decider, i);
	}
	take_turns(decider, now);
	decider->route_count = policy_decide(&input, decider->routes);
	journal_decisions(decider);
	if (decider->speaker != NULL && !decider->is_finished) {
		offer = speaker_offer(
			decider->speaker, decider->routes, decider->route_count,
			clock_monotonic_ns() +
				DECIDER_LEASE_MS * UINT64_C(1000000));
		if (offer != 0) {
			decider->offer = offer;
		} else {
			log_error("the routes could not be offered: they are "
				  "withdrawn when the lease ends");
		}
	}
	if (decider->speaker != NULL && !decider->is_finished) {
		order_peers(decider);
	}
	decider->offered_at = now;
	/* Logged after the offer: a slow log must not delay a withdrawal. */
	for (size_t i = 0; i < decider->config->prefix_count; i++) {
		struct decider_prefix *prefix = &decider->prefixes[i];
		enum policy_state state = policy_state(
			decider->prefix_up[i], &decider->prefix_drains[i]);

		if (state != prefix->state || !prefix->is_shown) {
			prefix->state = state;
			prefix->state_since = now;
			prefix->is_shown = true;
			decider_log_state(decider, i);
		}
		decider_log_shared(decider, i);
	}
}

/* Give an event to one machine. True: its state changed, not just its reason. */
static bool step(struct decider *decider, size_t prefix,
		 const struct health_event *event, uint64_t now)
{
	struct health *health = &decider->prefixes[prefix].health;
	enum health_state state = health->state;

	health_step(health, event, now);
	if (health->state == state) {
		return false;
	}
	journal_health(decider, prefix, state, now);
	if (health->state == HEALTH_OVERLOAD || state == HEALTH_OVERLOAD) {
		decider_log_health(decider, prefix);
	}
	return true;
}

bool decider_step_all(struct decider *decider, const struct health_event *event,
		      uint64_t now)
{
	bool changed = false;

	for (size_t i = 0; i < decider->config->prefix_count; i++) {
		changed |= step(decider, i, event, now);
	}
	return changed;
}

/* --- what happens --------------------------------------------------------- */

/*
 * Does it answer with the version that the nameserver says it serves? Reports
 * come every 100 ms, so one round may see a new serial before we are told.
 */
static void check_serial(struct decider *decider, struct decider_target *target)
{
	struct probe_reply *reply = &target->result.reply;
	size_t zone = decider->config->questions[target->question].zone;
	uint32_t serial;

	if (reply->verdict != PROBE_GOOD || zone == CONFIG_ROUTE_NO_ZONE ||
	    !control_link_serial(decider->link, zone, &serial) ||
	    reply->serial == serial) {
		target->serial_misses = 0;
		return;
	}
	if (++target->serial_misses > 1) {
		reply->verdict = PROBE_WRONG;
		snprintf(reply->reason, sizeof(reply->reason),
			 "serial %u, but the nameserver reports %u",
			 reply->serial, serial);
	}
}

void decider_on_command(void *context, size_t index, bool is_good,
			const char *reason)
{
	struct decider *decider = context;
	struct decider_command *state = &decider->command_states[index];
	uint64_t now = decider_now();
	bool changed = false;
	bool is_news;

	is_news = state->runs == 0 || state->is_good != is_good;
	state->runs++;
	state->is_good = is_good;
	snprintf(state->reason, sizeof(state->reason), "%s", reason);
	journal_run(decider, index, is_news, now);
	for (size_t p = 0; p < decider->config->prefix_count; p++) {
		const struct health *health = &decider->prefixes[p].health;

		for (size_t i = 0; i < health->target_count; i++) {
			const struct health_event event = {
				.type = HEALTH_EVENT_PROBE,
				.target = i,
				.verdict = is_good ? PROBE_GOOD : PROBE_WRONG,
			};

			if (health->targets[i].group == HEALTH_COMMANDS &&
			    decider->prefixes[p].targets[i] == index) {
				changed |= step(decider, p, &event, now);
			}
		}
	}
	if (changed) {
		decider_apply(decider, now);
	}
}

void decider_on_probe(void *context, size_t index,
		      const struct prober_result *result)
{
	struct decider *decider = context;
	struct decider_target *target = &decider->targets[index];
	uint64_t now = decider_now();
	enum probe_verdict before = target->result.reply.verdict;
	bool is_news = !target->has_result;
	bool changed = false;

	target->result = *result;
	target->has_result = true;
	check_serial(decider, target);
	result = &target->result;
	journal_probe(decider, index,
		      is_news || before != result->reply.verdict, now);
	for (size_t i = target->first_use; i < target[1].first_use; i++) {
		const struct health_event event = {
			.type = HEALTH_EVENT_PROBE,
			.target = decider->uses[i].index,
			.verdict = result->reply.verdict,
		};

		changed |= step(decider, decider->uses[i].prefix, &event, now);
	}
	if (changed) {
		decider_apply(decider, now);
	}
}

static void on_connected(void *context)
{
	struct decider *decider = context;
	const struct health_event event = {.type = HEALTH_EVENT_CONNECTED};

	log_notice("attached to the nameserver");
	journal_nameserver(decider, false, decider_now(), "attached");
	decider->has_report = false;
	decider->is_stopping = false;
	decider_step_all(decider, &event, decider_now());
}

static void on_lost(void *context, const char *reason)
{
	struct decider *decider = context;
	const struct health_event event = {.type = HEALTH_EVENT_LOST};
	uint64_t now = decider_now();

	decider->has_report = false;
	journal_nameserver(decider, true, now, reason);
	decider_step_all(decider, &event, now);
	if ((decider->stop_causes & DRAIN_BY_NAMESERVER) != 0) {
		decider_stop_end(decider, DRAIN_BY_NAMESERVER);
	}
	if (decider->stop_causes == 0) {
		prober_start(decider->prober);
	}
	decider_apply(decider, now);
	/* What matters is on its way; now it may be told. */
	log_warning("the nameserver is gone: %s", reason);
}

static void note_identity(struct decider *decider, const char *identity)
{
	const char *configured = decider->config->identity;

	if (strcmp(decider->identity, identity) == 0) {
		return;
	}
	snprintf(decider->identity, sizeof(decider->identity), "%s", identity);
	if (configured[0] == '\0') {
		prober_expect(decider->prober, decider->identity);
	} else if (strcmp(configured, identity) != 0) {
		log_warning("the nameserver calls itself '%s', the "
			    "configuration '%s'",
			    identity, configured);
	}
}

static void on_report(void *context, const struct health_report *report,
		      const char *identity)
{
	struct decider *decider = context;
	const struct health_event event = {
		.type = HEALTH_EVENT_REPORT,
		.report = report,
	};
	uint64_t now = decider_now();

	note_identity(decider, identity);
	if (decider->bfd != NULL) {
		bfd_tick(decider->bfd, BFD_NAMESERVER);
	}
	decider->has_report = true;
	decider->reported_at = now;
	decider->queries = 0;
	for (unsigned i = 0; i < HEALTH_TRANSPORTS; i++) {
		decider->queries += report->totals[i].queries;
	}
	if (decider->stop == DECIDER_LINGERS && decider->rate_from == 0 &&
	    now + decider->config->health.linger_ms >=
		    decider->stop_until + DECIDER_SETTLE_MS) {
		decider->rate_from = now;
		decider->rate_queries = decider->queries;
	}
	if (decider_step_all(decider, &event, now)) {
		decider_apply(decider, now);
	}
	if (report->is_stopping && !decider->is_stopping) {
		log_notice("the nameserver is stopping");
		decider->is_stopping = true;
		journal_command(decider, &decider_everything,
				"the nameserver is stopping");
		decider_stop_begin(decider, DRAIN_BY_NAMESERVER, now);
		decider_stop_steps(decider, now);
	}
}

/*
 * A speaker that hangs cannot keep its own lease: it would announce until the
 * routers' hold time. The end of the process closes its sessions. It must be seen
 * standing still at several ticks of ours, so that a process that was stopped
 * as a whole and goes on is not taken for one.
 */
static void watch_speaker(struct decider *decider)
{
	uint64_t tick = decider->speaker != NULL
				? speaker_tick_ns(decider->speaker)
				: 0;

	if (tick == 0 || tick != decider->speaker_tick) {
		decider->speaker_tick = tick;
		decider->speaker_stands = 0;
		return;
	}
	decider->speaker_stands++;
	if (decider->speaker_stands * DECIDER_TICK_MS >= DECIDER_HANG_MS) {
		log_error("the thread that speaks to the peers stands still: "
			  "ending, so that they drop the routes");
		log_thread_flush(DECIDER_LAST_WORDS_MS);
		_exit(1);
	}
}

/*
 * What the BFD thread may not log itself. A session that comes and goes between
 * two ticks of ours shows in its count of falls.
 */
static void watch_bfd(struct decider *decider)
{
	for (size_t i = 0;
	     decider->bfd != NULL && i < decider->config->peer_count; i++) {
		const struct speaker_peer *peer = &decider->config->peers[i];
		struct bfd_peer_status *shown = &decider->bfd_shown[i];
		struct bfd_peer_status now;
		struct address address = peer->address;
		char text[ADDRESS_TEXT_MAX];

		bfd_status(decider->bfd, i, &now);
		if (!now.is_configured ||
		    (now.state == shown->state && now.falls == shown->falls &&
		     now.hold == shown->hold)) {
			continue;
		}
		address.port = 0;
		address_dump(&address, text);
		if (now.hold != BFD_HOLD_NONE) {
			log_warning("peer %s: bfd: held down: %s", text,
				    bfd_hold_text(now.hold));
		} else if (now.state == BFD_UP) {
			log_notice("peer %s: bfd: up, detection %u ms", text,
				   now.detection_ms);
		} else if (shown->state == BFD_UP ||
			   now.falls != shown->falls) {
			log_warning("peer %s: bfd: down: %s", text,
				    bfd_diagnostic_text(now.diagnostic));
		}
		*shown = now;
	}
}

/* Our own sign of life, and whether a route could be announced now. */
static void tick_bfd(struct decider *decider)
{
	if (decider->bfd != NULL) {
		bfd_tick(decider->bfd, BFD_DECIDER);
		bfd_permit(decider->bfd,
			   decider->route_count > 0 && !decider->is_finished);
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct decider *decider = timer->data;
	const struct health_event event = {.type = HEALTH_EVENT_TICK};
	uint64_t now;
	bool changed;

	/* After a delay of our own the reports wait in the socket: read first. */
	control_link_read(decider->link);
	watch_speaker(decider);
	now = decider_now();
	changed = decider_step_all(decider, &event, now);
	changed |= decider_step_drains(decider, now);
	/* Drains change little and seldom: the table is decided at each tick. */
	if (changed || now - decider->offered_at >= DECIDER_RENEW_MS ||
	    decider->stop == DECIDER_DRAINS) {
		decider_apply(decider, now);
	}
	decider_stop_steps(decider, now);
	tick_bfd(decider);
	watch_bfd(decider);
}

void decider_note_told(struct decider *decider,
		       const struct speaker_status *status)
{
	for (size_t i = 0; i < decider->config->prefix_count; i++) {
		struct decider_prefix *prefix = &decider->prefixes[i];
		size_t told = 0;

		for (size_t k = 0; status != NULL && k < status->peer_count;
		     k++) {
			const struct speaker_peer_status *peer =
				&status->peers[k];

			for (size_t n = 0; n < peer->announced; n++) {
				told += prefix_equal(
					&peer->prefixes[n],
					&decider->config->prefixes[i].prefix);
			}
		}
		if ((told > 0) != (prefix->told_peers > 0)) {
			prefix->told_since = decider_now();
		}
		prefix->told_peers = told;
	}
}

enum policy_state decider_state(const struct decider *decider, size_t index)
{
	const struct decider_prefix *prefix = &decider->prefixes[index];

	/* A withdrawal that waits for a peer's TCP: it may hold it still. */
	if (prefix->told_peers > 0) {
		return prefix->state == POLICY_WITHDRAWN ? POLICY_DRAINING
							 : prefix->state;
	}
	return POLICY_WITHDRAWN;
}

/* The speaker has news: a peer came or went, or took what was offered. */
static void on_speaker(uv_poll_t *poll, int status, int events)
{
	struct decider *decider = poll->data;
	struct speaker_status *told;
	uint64_t news;

	(void)status;
	(void)events;
	if (read(speaker_event_fd(decider->speaker), &news, sizeof(news)) > 0) {
		decider_stop_steps(decider, decider_now());
		told = speaker_status(decider->speaker);
		if (told != NULL) {
			decider_note_told(decider, told);
		}
		speaker_status_free(told);
	}
}

/* --- life ----------------------------------------------------------------- */

struct decider *decider_new(uv_loop_t *loop,
			    const struct decider_options *options)
{
	struct decider *decider = calloc(1, sizeof(*decider));

	assert(options->config->prefix_count > 0);
	if (decider == NULL) {
		return NULL;
	}
	decider->config = options->config;
	decider->loop = loop;
	decider->speaker = options->speaker;
	decider->bfd = options->bfd;
	decider->events = options->events;
	decider->finished = options->finished;
	decider->reload = options->reload;
	decider->context = options->context;
	decider->link = control_link_new(loop, options->server_control,
					 options->config->zones,
					 options->config->zone_count,
					 &(struct control_link_events){
						 .connected = on_connected,
						 .report = on_report,
						 .lost = on_lost,
						 .context = decider,
					 });
	decider->overrides = calloc(1, sizeof(*decider->overrides));
	if (options->state_file != NULL) {
		decider->keeper = keeper_new(loop, options->state_file);
	}
	if (!decider_make_parts(decider) || decider->link == NULL ||
	    decider->overrides == NULL ||
	    (options->state_file != NULL && decider->keeper == NULL)) {
		control_link_free(decider->link);
		decider_free_parts(decider);
		free(decider->overrides);
		keeper_free(decider->keeper);
		free(decider);
		return NULL;
	}
	if (decider->keeper != NULL) {
		decider_load_overrides(decider, options->state_file);
	}
	decider_steer(decider, decider_now());
	if (decider->speaker != NULL) {
		order_peers(decider); /* before there are sessions */
	}
	prober_expect(decider->prober, decider->config->identity);
	uv_timer_init(loop, &decider->tick);
	decider->tick.data = decider;
	return decider;
}

void decider_start(struct decider *decider)
{
	decider_apply(decider, decider_now());
	uv_timer_start(&decider->tick, on_tick, DECIDER_TICK_MS,
		       DECIDER_TICK_MS);
	control_link_start(decider->link);
	prober_start(decider->prober);
	commands_start(decider->commands);
	maintenance_start(decider->maintenance);
	if (decider->speaker != NULL &&
	    uv_poll_init(decider->loop, &decider->speaker_events,
			 speaker_event_fd(decider->speaker)) == 0) {
		decider->speaker_events.data = decider;
		uv_poll_start(&decider->speaker_events, UV_READABLE,
			      on_speaker);
	}
}

static void on_poll_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_tick_closed(uv_handle_t *handle)
{
	struct decider *decider = handle->data;

	if (decider->speaker_events.data != NULL) {
		uv_close((uv_handle_t *)&decider->speaker_events,
			 on_poll_closed);
	} else {
		free(decider);
	}
}

void decider_free(struct decider *decider)
{
	if (decider == NULL) {
		return;
	}
	decider_free_parts(decider);
	control_link_free(decider->link);
	keeper_free(decider->keeper);
	free(decider->overrides);
	if (decider->speaker_events.data != NULL) {
		uv_poll_stop(&decider->speaker_events);
	}
	uv_close((uv_handle_t *)&decider->tick, on_tick_closed);
}
