/*
 * speaker.c - one thread, one loop, all peers.
 *
 *	decider --speaker_offer()--> pending table --.  (lock, wake descriptor)
 *	                                             v
 *	sockets, timers ----------> pass(): take the offer, judge the lease,
 *	                                    run due timers, bring each peer's RIB
 *	                                    to the table, look at what TCP has
 *	                                    acknowledged, publish the status
 *
 * Every wake-up, whatever its reason, ends in one pass over all peers. There
 * are few peers and the pass costs microseconds; in return no event can be
 * forgotten.
 *
 * - The thread never waits for a lock: another thread that stands still while
 *   it holds it must not keep a withdrawal back. It tries, goes on, and tries
 *   again 1 ms later.
 *
 * Rejected: uv_tcp_t (no options before connect, no SIOCOUTQ at hand, its own
 * write queue), a timer a purpose (one deadline over all is enough and cannot
 * leak).
 */
#include "server/route/speaker_internal.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

enum {
	LOCK_TRIES = 20,
	LOCK_WAIT_NS = 100 * 1000 * 1000, /* of other threads */
};

#define ACKNOWLEDGE_NS SPEAKER_SECOND

static void wake(const struct speaker *speaker);

/* xorshift64*: jitter needs spread, not secrecy. */
uint32_t speaker_random(struct speaker *speaker)
{
	uint64_t x = speaker->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	speaker->random = x;
	return (uint32_t)((x * UINT64_C(2685821657736338717)) >> 32);
}

/* --- offers and the lease ------------------------------------------------- */

static bool route_equal(const struct route *a, const struct route *b)
{
	return a->peers == b->peers && prefix_equal(&a->prefix, &b->prefix) &&
	       bgp_attributes_equal(&a->attributes, &b->attributes);
}

static bool table_equal(const struct table *a, const struct table *b)
{
	if (a->count != b->count) {
		return false;
	}
	for (size_t i = 0; i < a->count; i++) {
		if (!route_equal(&a->routes[i], &b->routes[i])) {
			return false;
		}
	}
	return true;
}

/* The lock, if it is free now or in a moment; never a wait. */
static bool lock_try(struct speaker *speaker)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (pthread_mutex_trylock(&speaker->lock) == 0) {
			return true;
		}
		sched_yield();
	}
	speaker->is_lock_missed = true;
	return false;
}

static void want_all(struct speaker *speaker)
{
	for (size_t i = 0; i < speaker->peer_count; i++) {
		speaker->peers[i].incident = speaker->incident;
		peer_want(&speaker->peers[i]);
	}
}

static void stop_begin(struct speaker *speaker, uint64_t now)
{
	speaker->stage = STAGE_WITHDRAW;
	speaker->stage_until = now + speaker->acknowledge_wait;
	speaker->is_lease_over = true;
	want_all(speaker);
}

static bool peer_init(struct speaker *speaker, size_t index,
		      const struct speaker_peer *wanted);
static void session_abandon(struct session *session);
static void wanted_free(struct speaker *speaker);

/* The place of a peer becomes that of another, or empty. Under the lock. */
static void peer_take(struct speaker *speaker, size_t index,
		      const struct speaker_peer *wanted)
{
	struct peer *peer = &speaker->peers[index];
	struct published *published = &speaker->published[index];

	if (memcmp(&peer->config, wanted, sizeof(*wanted)) == 0) {
		return;
	}
	if (peer->config.as != 0) {
		log_notice("peer %s: %s", peer->name,
			   wanted->as == 0 ? "removed from the configuration"
					   : "configured anew");
		peer_retire(peer, wanted->as == 0 ? BGP_CEASE_DECONFIGURED
						  : BGP_CEASE_CONFIGURATION);
		session_abandon(&peer->main);
		session_abandon(&peer->caller);
		explicit_bzero(&peer->config, sizeof(peer->config));
	}
	bgp_rib_free(peer->rib);
	memset(peer, 0, sizeof(*peer));
	memset(&published->status, 0, sizeof(published->status));
	/* What is offered was meant for the one who stood here before. */
	for (size_t i = 0; i < speaker->table.count; i++) {
		speaker->table.routes[i].peers &= ~(UINT64_C(1) << index);
	}
	/* An empty place is a peer that is never started. */
	if (peer_init(speaker, index, wanted) && wanted->as != 0) {
		peer_start(peer);
	}
}

static void peers_take(struct speaker *speaker)
{
	static const struct speaker_peer empty;

	if (speaker->wanted_count > speaker->peer_count) {
		speaker->peer_count = speaker->wanted_count;
	}
	for (size_t i = 0; i < speaker->peer_count; i++) {
		peer_take(speaker, i,
			  i < speaker->wanted_count ? &speaker->wanted[i]
						    : &empty);
	}
	wanted_free(speaker);
	/* What is wanted of a place holds for who stands there now. */
	speaker->has_orders = true;
}

/* Peers that are to be disabled, or enabled again. */
static void orders_take(struct speaker *speaker, uint64_t now)
{
	if (!speaker->has_orders) {
		return;
	}
	speaker->has_orders = false;
	for (size_t i = 0; i < speaker->peer_count; i++) {
		struct peer *peer = &speaker->peers[i];
		const struct order *order = &speaker->orders[i];

		if (order->is_disabled == peer->is_disabled) {
			continue;
		}
		peer->is_disabled = order->is_disabled;
		peer->disable_until = now + speaker->acknowledge_wait;
		memcpy(peer->cease_text, order->text, sizeof(order->text));
		peer_want(peer);
	}
}

/* What other threads have asked for since the last pass. */
static void offers_take(struct speaker *speaker, uint64_t now)
{
	struct table table = {0};
	uint64_t offer = 0;
	uint64_t lease = 0;
	uint64_t incident = 0;
	bool has_table;
	bool is_stop;
	bool is_hard_stop;

	if (!lock_try(speaker)) {
		return;
	}
	has_table = speaker->has_pending;
	if (has_table) {
		table = speaker->pending;
		offer = speaker->pending_offer;
		lease = speaker->pending_lease;
		incident = speaker->pending_incident;
		speaker->pending = (struct table){0};
		speaker->has_pending = false;
	}
	if (speaker->wanted != NULL && speaker->stage == STAGE_RUN) {
		peers_take(speaker);
	}
	orders_take(speaker, now);
	is_stop = speaker->is_stop_asked;
	is_hard_stop = speaker->is_hard_stop_asked;
	if (is_stop) {
		memcpy(speaker->cease_text, speaker->stop_text,
		       sizeof(speaker->cease_text));
	}
	pthread_mutex_unlock(&speaker->lock);

	if (is_hard_stop) {
		speaker->stage = STAGE_DONE;
	} else if (is_stop && speaker->stage == STAGE_RUN) {
		stop_begin(speaker, now);
	}
	if (!has_table || speaker->stage != STAGE_RUN) {
		free(table.routes);
		return;
	}
	speaker->offer = offer;
	speaker->lease_until = lease;
	if (table_equal(&table, &speaker->table) && !speaker->is_lease_over) {
		free(table.routes);
		return;
	}
	free(speaker->table.routes);
	speaker->table = table;
	speaker->offer_change = offer;
	speaker->incident = incident;
	speaker->is_lease_over = now >= lease;
	want_all(speaker);
}

static void lease_check(struct speaker *speaker, uint64_t now)
{
	if (speaker->is_lease_over || now < speaker->lease_until ||
	    speaker->stage != STAGE_RUN) {
		return;
	}
	speaker->is_lease_over = true;
	speaker->has_edge = true;
	speaker->incident = events_incident(speaker->events);
	events_note(speaker->events, EVENT_LEASE, speaker->incident, EVENT_NONE,
		    EVENT_NONE,
		    "the deciding part has not renewed its lease: withdrawing "
		    "everything");
	want_all(speaker);
	if (speaker->table.count > 0) {
		log_error("the deciding part has not renewed its lease: "
			  "withdrawing everything");
	}
}

/* --- publishing ----------------------------------------------------------- */

/* Copies one peer; keeps the old prefixes where there is no memory for new. */
static void publish_peer(struct published *out, const struct peer *peer)
{
	bool is_up = peer->main.fsm.state == BGP_ESTABLISHED;
	size_t told = bgp_rib_told(peer->rib, NULL, 0);
	struct speaker_peer_status *s = &out->status;

	if (told > out->capacity) {
		struct prefix *grown =
			realloc(out->prefixes, told * sizeof(*grown));

		if (grown != NULL) {
			out->prefixes = grown;
			out->capacity = told;
		}
	}
	s->announced = told < out->capacity ? told : out->capacity;
	bgp_rib_told(peer->rib, out->prefixes, s->announced);
	s->state = peer->main.fsm.state;
	s->families =
		is_up ? peer->main.fsm.families & peer->config.families : 0;
	s->hold_s = is_up ? peer->main.fsm.hold_s : 0;
	s->since_ns = peer->since;
	s->is_settled = bgp_rib_is_settled(peer->rib);
	s->is_acknowledged = peer_is_confirmed(peer);
	s->is_disabled = peer->is_disabled;
	s->is_unconfirmed = peer->unconfirmed_until != 0;
	s->unconfirmed_until_ns = peer->unconfirmed_until;
	s->updates_received = peer->main.fsm.updates_received;
	s->routes_received = peer->main.fsm.routes_received;
	s->established_count = peer->established_count;
	s->collision_count = peer->collision_count;
	memcpy(s->last_error, peer->last_error, sizeof(s->last_error));
}

static void publish(struct speaker *speaker)
{
	static const uint64_t one = 1;
	uint64_t before =
		atomic_load_explicit(&speaker->confirmed, memory_order_relaxed);
	bool is_confirmed = true;

	for (size_t i = 0; i < speaker->peer_count; i++) {
		is_confirmed =
			is_confirmed && peer_is_confirmed(&speaker->peers[i]);
	}
	if (is_confirmed && before < speaker->offer_change) {
		speaker->has_edge = true;
	}
	if (!lock_try(speaker)) {
		return;
	}
	for (size_t i = 0; i < speaker->peer_count; i++) {
		publish_peer(&speaker->published[i], &speaker->peers[i]);
	}
	speaker->published_offer = speaker->offer;
	speaker->published_lease_over = speaker->is_lease_over;
	pthread_mutex_unlock(&speaker->lock);
	if (is_confirmed) {
		atomic_store_explicit(&speaker->confirmed, speaker->offer,
				      memory_order_release);
	}
	if (speaker->has_edge) {
		speaker->has_edge = false;
		if (write(speaker->event_fd, &one, sizeof(one)) < 0) {
			/* Full: the reader has not looked yet, and will. */
		}
	}
}

/* --- the pass ------------------------------------------------------------- */

/*
 * Peers whose withdrawals have been acknowledged part; then the farewells end.
 */
static void stop_step(struct speaker *speaker, uint64_t now)
{
	bool is_over = true;

	if (speaker->stage == STAGE_WITHDRAW) {
		for (size_t i = 0; i < speaker->peer_count; i++) {
			struct peer *peer = &speaker->peers[i];

			if (peer->main.fsm.state != BGP_ESTABLISHED ||
			    peer_is_confirmed(peer) ||
			    now >= speaker->stage_until) {
				peer_stop(peer);
			}
			is_over = is_over && !peer->main.fsm.is_wanted;
		}
		if (!is_over) {
			return;
		}
		speaker->stage = STAGE_LINGER;
	}
	if (speaker->stage == STAGE_LINGER && speaker->lingering == NULL) {
		speaker->stage = STAGE_DONE;
	}
}

static void deadline_take(uint64_t *least, uint64_t at)
{
	if (at != 0 && at < *least) {
		*least = at;
	}
}

static void on_timer(uv_timer_t *timer)
{
	speaker_pass(timer->data);
}

/* One timer over everything that has a time. */
static void timer_arm(struct speaker *speaker, uint64_t now)
{
	uint64_t at = now + SPEAKER_TICK_MS * SPEAKER_MS;

	if (speaker->is_lock_missed) {
		deadline_take(&at, now + SPEAKER_MS);
	}
	if (!speaker->is_lease_over) {
		deadline_take(&at, speaker->lease_until);
	}
	for (size_t i = 0; i < speaker->peer_count; i++) {
		deadline_take(&at, peer_deadline(&speaker->peers[i]));
	}
	for (const struct connection *c = speaker->lingering; c != NULL;
	     c = c->next) {
		deadline_take(&at, c->linger_until);
	}
	if (speaker->stage == STAGE_WITHDRAW) {
		deadline_take(&at, speaker->stage_until);
	}
	uv_update_time(&speaker->loop);
	uv_timer_start(&speaker->timer, on_timer,
		       at > now ? (at - now + SPEAKER_MS - 1) / SPEAKER_MS : 0,
		       0);
}

void speaker_pass(struct speaker *speaker)
{
	uint64_t now = clock_monotonic_ns();
	struct connection *next;

	atomic_store_explicit(&speaker->tick, now, memory_order_relaxed);
	if (speaker->bfd != NULL) {
		bfd_tick(speaker->bfd, BFD_SPEAKER);
	}
	if (speaker->stage == STAGE_DONE) {
		uv_stop(&speaker->loop);
		return;
	}
	speaker->is_lock_missed = false;
	offers_take(speaker, now);
	lease_check(speaker, now);
	for (size_t i = 0; i < speaker->peer_count; i++) {
		peer_watch_bfd(&speaker->peers[i]);
		peer_reconcile(&speaker->peers[i], now);
	}
	for (size_t i = 0; i < speaker->peer_count; i++) {
		peer_timers(&speaker->peers[i], now);
		peer_acknowledge(&speaker->peers[i], now);
		if (speaker->stage == STAGE_RUN) {
			peer_obey(&speaker->peers[i], now);
		}
	}
	for (struct connection *c = speaker->lingering; c != NULL; c = next) {
		next = c->next;
		linger_step(c, now);
	}
	for (size_t i = 0; i < speaker->listener_count; i++) {
		listener_resume(&speaker->listeners[i], now);
	}
	stop_step(speaker, now);
	publish(speaker);
	if (speaker->stage == STAGE_DONE) {
		uv_stop(&speaker->loop);
		return;
	}
	timer_arm(speaker, now);
}

/* --- the thread ----------------------------------------------------------- */

static void on_wake(uv_poll_t *poll, int status, int events)
{
	struct speaker *speaker = poll->data;
	uint64_t count;

	(void)status;
	(void)events;
	if (read(speaker->wake_fd, &count, sizeof(count)) < 0) {
		/* Somebody else's wake-up was read before: a pass anyway. */
	}
	speaker_pass(speaker);
}

static void wake(const struct speaker *speaker)
{
	static const uint64_t one = 1;

	if (write(speaker->wake_fd, &one, sizeof(one)) < 0) {
		/* Full: it is awake already. */
	}
}

static void session_abandon(struct session *session)
{
	if (session->connection != NULL) {
		connection_end(session->connection, false);
		session->connection = NULL;
	}
}

/* Close what is open still, and let the loop run dry. */
static void loop_end(struct speaker *speaker)
{
	struct connection *next;

	for (size_t i = 0; i < speaker->peer_count; i++) {
		session_abandon(&speaker->peers[i].main);
		session_abandon(&speaker->peers[i].caller);
	}
	for (struct connection *c = speaker->lingering; c != NULL; c = next) {
		next = c->next;
		connection_end(c, false);
	}
	speaker->lingering = NULL;
	for (size_t i = 0; i < speaker->listener_count; i++) {
		uv_close((uv_handle_t *)&speaker->listeners[i].poll, NULL);
		close(speaker->listeners[i].fd);
	}
	uv_close((uv_handle_t *)&speaker->timer, NULL);
	uv_close((uv_handle_t *)&speaker->wake, NULL);
	uv_run(&speaker->loop, UV_RUN_DEFAULT);
	uv_loop_close(&speaker->loop);
}

static void *thread_main(void *argument)
{
	struct speaker *speaker = argument;

	pthread_mutex_lock(&speaker->lock);
	orders_take(speaker, clock_monotonic_ns());
	pthread_mutex_unlock(&speaker->lock);
	for (size_t i = 0; i < speaker->peer_count; i++) {
		if (!speaker->peers[i].is_disabled) {
			peer_start(&speaker->peers[i]);
		}
	}
	speaker_pass(speaker);
	uv_run(&speaker->loop, UV_RUN_DEFAULT);
	loop_end(speaker);
	return NULL;
}

/* Signals are for the thread that runs main(). */
static int thread_start(struct speaker *speaker)
{
	sigset_t all;
	sigset_t before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&speaker->thread, NULL, thread_main, speaker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error == 0) {
		pthread_setname_np(speaker->thread, "speaker");
	}
	return error;
}

/* --- starting ------------------------------------------------------------- */

enum status speaker_start(struct speaker *speaker)
{
	enum status status;
	int error;

	assert(!speaker->is_started);
	if (uv_loop_init(&speaker->loop) != 0) {
		return STATUS_NO_MEMORY;
	}
	uv_timer_init(&speaker->loop, &speaker->timer);
	speaker->timer.data = speaker;
	uv_poll_init(&speaker->loop, &speaker->wake, speaker->wake_fd);
	speaker->wake.data = speaker;
	uv_poll_start(&speaker->wake, UV_READABLE, on_wake);
	status = listeners_open(speaker);
	if (status == STATUS_OK) {
		error = thread_start(speaker);
		status = status_from_errno(error);
	}
	if (status != STATUS_OK) {
		loop_end(speaker);
		speaker->listener_count = 0;
		return status;
	}
	if (speaker->bfd != NULL) {
		bfd_set_event(speaker->bfd, speaker->wake_fd);
	}
	speaker->is_started = true;
	return STATUS_OK;
}

void speaker_stop(struct speaker *speaker, const char *text)
{
	if (!speaker->is_started || speaker->is_joined) {
		return;
	}
	pthread_mutex_lock(&speaker->lock);
	speaker->is_stop_asked = true;
	snprintf(speaker->stop_text, sizeof(speaker->stop_text), "%s",
		 text != NULL ? text : "");
	pthread_mutex_unlock(&speaker->lock);
	wake(speaker);
	pthread_join(speaker->thread, NULL);
	speaker->is_joined = true;
}

static void speaker_stop_hard(struct speaker *speaker)
{
	if (!speaker->is_started || speaker->is_joined) {
		return;
	}
	pthread_mutex_lock(&speaker->lock);
	speaker->is_hard_stop_asked = true;
	pthread_mutex_unlock(&speaker->lock);
	wake(speaker);
	pthread_join(speaker->thread, NULL);
	speaker->is_joined = true;
}

void speaker_free(struct speaker *speaker)
{
	if (speaker == NULL) {
		return;
	}
	if (speaker->bfd != NULL) {
		bfd_set_event(speaker->bfd, -1);
	}
	speaker_stop_hard(speaker);
	for (size_t i = 0; speaker->peers != NULL && i < speaker->peer_count;
	     i++) {
		bgp_rib_free(speaker->peers[i].rib);
		explicit_bzero(speaker->peers[i].config.password,
			       sizeof(speaker->peers[i].config.password));
	}
	for (size_t i = 0;
	     speaker->published != NULL && i < speaker->peer_count; i++) {
		free(speaker->published[i].prefixes);
	}
	wanted_free(speaker);
	free(speaker->published);
	free(speaker->orders);
	free(speaker->peers);
	free(speaker->listeners);
	free(speaker->table.routes);
	free(speaker->pending.routes);
	if (speaker->wake_fd >= 0) {
		close(speaker->wake_fd);
	}
	if (speaker->event_fd >= 0) {
		close(speaker->event_fd);
	}
	pthread_mutex_destroy(&speaker->lock);
	free(speaker);
}

/* --- configuration -------------------------------------------------------- */

static unsigned own_family(const struct speaker_peer *peer)
{
	return peer->address.family == AF_INET ? BGP_IPV4 : BGP_IPV6;
}

/* NULL, or what is wrong with one peer (defaults are filled in). */
static const char *peer_fault(const struct speaker_peer *peer)
{
	if (peer->address.family != AF_INET &&
	    peer->address.family != AF_INET6) {
		return "address: missing";
	}
	if (address_is_wildcard(&peer->address)) {
		return "address: names no host";
	}
	if (address_is_link_local(&peer->address) && peer->address.scope == 0) {
		return "address: a link-local address needs its interface "
		       "(fe80::1%eth0)";
	}
	if (peer->as == 0 || peer->as == BGP_AS_TRANS ||
	    peer->as == UINT32_MAX) {
		return "as: not an AS number that a peer can have";
	}
	if (peer->local_as == 0 || peer->local_as == BGP_AS_TRANS ||
	    peer->local_as == UINT32_MAX) {
		return "local_as: missing, or not an AS number that we can "
		       "have";
	}
	if (peer->router_id == 0) {
		return "router_id: missing";
	}
	if (peer->hold_s > 0 && peer->hold_s < BGP_HOLD_MIN_S) {
		return "hold_s: must be 0 or at least 3 (RFC 4271 4.2)";
	}
	if (peer->source.family != 0 &&
	    peer->source.family != peer->address.family) {
		return "source: not of the address's family";
	}
	if (peer->next_hop_ipv4.family != 0 &&
	    (peer->next_hop_ipv4.family != AF_INET ||
	     address_is_wildcard(&peer->next_hop_ipv4))) {
		return "next_hop.ipv4: not an IPv4 address";
	}
	if (peer->next_hop_ipv6.family != 0 &&
	    (peer->next_hop_ipv6.family != AF_INET6 ||
	     address_is_wildcard(&peer->next_hop_ipv6))) {
		return "next_hop.ipv6: not an IPv6 address";
	}
	if ((peer->families & ~BGP_FAMILIES_ALL) != 0) {
		return "families: unknown";
	}
	if ((peer->families & BGP_IPV4) && peer->address.family == AF_INET6 &&
	    peer->next_hop_ipv4.family == 0) {
		return "next_hop.ipv4: needed, since the session runs over "
		       "IPv6";
	}
	if ((peer->families & BGP_IPV6) && peer->address.family == AF_INET &&
	    peer->next_hop_ipv6.family == 0) {
		return "next_hop.ipv6: needed, since the session runs over "
		       "IPv4";
	}
	if (peer->role != BGP_ROLE_NONE && peer->role > BGP_ROLE_PEER) {
		return "role: unknown";
	}
	if (peer->role != BGP_ROLE_NONE && peer->as == peer->local_as) {
		return "role: only for peers of another AS (RFC 9234 4)";
	}
	return NULL;
}

static void peer_defaults(struct speaker_peer *peer,
			  const struct speaker_config *config)
{
	if (peer->address.port == 0) {
		peer->address.port = BGP_PORT;
	}
	if (peer->local_as == 0) {
		peer->local_as = config->local_as;
	}
	if (peer->router_id == 0) {
		peer->router_id = config->router_id;
	}
	if (peer->families == 0) {
		peer->families = (uint8_t)own_family(peer);
	}
	peer->source.port = 0;
}

static void peer_name(const struct speaker_peer *peer,
		      char name[ADDRESS_TEXT_MAX])
{
	struct address address = peer->address;

	if (address.port == BGP_PORT) {
		address.port = 0;
	}
	if (address.family == 0) {
		snprintf(name, ADDRESS_TEXT_MAX, "?");
	} else {
		address_dump(&address, name);
	}
}

/* Defaults and checks for all places. False: error holds the line. */
static bool peers_check(struct speaker_peer *peers, size_t count,
			const struct speaker_config *config, char *error,
			size_t error_size)
{
	char name[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < count; i++) {
		const char *fault;

		peers[i] = config->peers[i];
		if (config->is_sparse && peers[i].as == 0) {
			memset(&peers[i], 0, sizeof(peers[i]));
			continue;
		}
		peer_defaults(&peers[i], config);
		fault = peer_fault(&peers[i]);
		for (size_t k = 0; fault == NULL && k < i; k++) {
			if (address_equal(&peers[k].address,
					  &peers[i].address)) {
				fault = "address: stands there twice";
			}
		}
		if (fault != NULL) {
			peer_name(&peers[i], name);
			snprintf(error, error_size, "peer %s: %s", name, fault);
			return false;
		}
	}
	return true;
}

/* Fill in one place, or an empty one. False: no memory. */
static bool peer_init(struct speaker *speaker, size_t index,
		      const struct speaker_peer *wanted)
{
	struct peer *peer = &speaker->peers[index];

	peer->speaker = speaker;
	peer->index = index;
	peer->main.peer = peer;
	peer->caller.peer = peer;
	memcpy(&peer->config, wanted, sizeof(peer->config));
	peer_name(&peer->config, peer->name);
	peer->rib = bgp_rib_new();
	if (peer->rib == NULL) {
		log_error("peer %s: %s", peer->name,
			  status_text(STATUS_NO_MEMORY));
		return false;
	}
	peer->is_internal = peer->config.as == peer->config.local_as;
	peer->fsm_config = (struct bgp_fsm_config){
		.local_as = peer->config.local_as,
		.peer_as = peer->config.as,
		.router_id = peer->config.router_id,
		.hold_s = peer->config.hold_s,
		.families = peer->config.families,
		.role = peer->config.role,
		.is_role_strict = peer->config.is_role_strict,
		.is_passive = peer->config.passive,
		.allow_no_hold = peer->config.hold_s == 0,
		.retry_min = speaker->retry_min,
		.retry_max = speaker->retry_max,
	};
	bgp_fsm_init(&peer->main.fsm, &peer->fsm_config);
	peer->since = clock_monotonic_ns();
	if (speaker->bfd != NULL) {
		peer->bfd_falls = bfd_falls(speaker->bfd, index);
	}
	speaker->published[index].status.address = peer->config.address;
	speaker->published[index].status.as = peer->config.as;
	return true;
}

static bool speaker_allocate(struct speaker *speaker, size_t peer_count)
{
	/* Room for all that may come: see speaker_reconfigure(). */
	const size_t count = SPEAKER_PEERS_MAX;

	speaker->peer_count = peer_count;
	speaker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	speaker->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	speaker->peers = calloc(count, sizeof(*speaker->peers));
	speaker->published = calloc(count, sizeof(*speaker->published));
	speaker->orders = calloc(count, sizeof(*speaker->orders));
	speaker->listeners =
		calloc(count + SPEAKER_LISTEN_MAX, sizeof(*speaker->listeners));
	return speaker->wake_fd >= 0 && speaker->event_fd >= 0 &&
	       speaker->peers != NULL && speaker->published != NULL &&
	       speaker->orders != NULL && speaker->listeners != NULL;
}

static bool lock_wait(struct speaker *speaker);

/* It holds passwords. */
static void wanted_free(struct speaker *speaker)
{
	if (speaker->wanted != NULL) {
		explicit_bzero(speaker->wanted,
			       SPEAKER_PEERS_MAX * sizeof(*speaker->wanted));
	}
	free(speaker->wanted);
	speaker->wanted = NULL;
}

bool speaker_reconfigure(struct speaker *speaker,
			 const struct speaker_config *config, char *error,
			 size_t error_size)
{
	struct speaker_peer *wanted;

	if (config->peer_count > SPEAKER_PEERS_MAX) {
		snprintf(error, error_size, "more than %d peers",
			 SPEAKER_PEERS_MAX);
		return false;
	}
	wanted = calloc(SPEAKER_PEERS_MAX, sizeof(*wanted));
	if (wanted == NULL || !peers_check(wanted, config->peer_count, config,
					   error, error_size)) {
		if (wanted == NULL) {
			snprintf(error, error_size, "%s",
				 status_text(STATUS_NO_MEMORY));
		}
		free(wanted);
		return false;
	}
	if (!lock_wait(speaker)) {
		snprintf(error, error_size, "the speaker does not answer");
		free(wanted);
		return false;
	}
	wanted_free(speaker);
	speaker->wanted = wanted;
	speaker->wanted_count = config->peer_count;
	/* What waits was meant for the places as they were. */
	free(speaker->pending.routes);
	speaker->pending = (struct table){0};
	speaker->has_pending = false;
	pthread_mutex_unlock(&speaker->lock);
	wake(speaker);
	return true;
}

struct speaker *speaker_new(const struct speaker_config *config, char *error,
			    size_t error_size)
{
	struct speaker *speaker;

	if (config->peer_count > SPEAKER_PEERS_MAX) {
		snprintf(error, error_size, "more than %d peers",
			 SPEAKER_PEERS_MAX);
		return NULL;
	}
	if (config->listen_count > SPEAKER_LISTEN_MAX) {
		snprintf(error, error_size,
			 "more than %d addresses to listen "
			 "on",
			 SPEAKER_LISTEN_MAX);
		return NULL;
	}
	speaker = calloc(1, sizeof(*speaker));
	if (speaker == NULL) {
		snprintf(error, error_size, "%s",
			 status_text(STATUS_NO_MEMORY));
		return NULL;
	}
	pthread_mutex_init(&speaker->lock, NULL);
	if (!speaker_allocate(speaker, config->peer_count)) {
		snprintf(error, error_size, "%s",
			 status_text(STATUS_NO_MEMORY));
		speaker_free(speaker);
		return NULL;
	}
	speaker->acknowledge_wait = config->acknowledge_wait
					    ? config->acknowledge_wait
					    : ACKNOWLEDGE_NS;
	speaker->bfd = config->bfd;
	speaker->events = config->events;
	for (size_t i = 0; i < config->listen_count; i++) {
		speaker->listen[speaker->listen_count++] = config->listen[i];
	}
	speaker->is_lease_over = true; /* nothing is offered yet */
	speaker->published_lease_over = true;
	if (getrandom(&speaker->random, sizeof(speaker->random),
		      GRND_NONBLOCK) != sizeof(speaker->random) ||
	    speaker->random == 0) {
		speaker->random = clock_monotonic_ns() | 1;
	}
	speaker->retry_min = config->retry_min;
	speaker->retry_max = config->retry_max;
	speaker->wanted = calloc(SPEAKER_PEERS_MAX, sizeof(*speaker->wanted));
	if (speaker->wanted == NULL) {
		snprintf(error, error_size, "%s",
			 status_text(STATUS_NO_MEMORY));
		speaker_free(speaker);
		return NULL;
	}
	if (!peers_check(speaker->wanted, config->peer_count, config, error,
			 error_size)) {
		speaker_free(speaker);
		return NULL;
	}
	for (size_t i = 0; i < config->peer_count; i++) {
		if (!peer_init(speaker, i, &speaker->wanted[i])) {
			snprintf(error, error_size, "%s",
				 status_text(STATUS_NO_MEMORY));
			speaker_free(speaker);
			return NULL;
		}
	}
	wanted_free(speaker);
	atomic_store(&speaker->tick, clock_monotonic_ns());
	return speaker;
}

/* --- calls from other threads --------------------------------------------- */

/* A lock that a speaker which hangs cannot keep the caller behind. */
static bool lock_wait(struct speaker *speaker)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += LOCK_WAIT_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	return pthread_mutex_timedlock(&speaker->lock, &until) == 0;
}

static struct route *routes_copy(const struct route *routes, size_t count)
{
	struct route *copy = malloc((count > 0 ? count : 1) * sizeof(*copy));

	for (size_t i = 0; copy != NULL && i < count; i++) {
		copy[i] = routes[i];
		bgp_attributes_normalise(&copy[i].attributes);
	}
	return copy;
}

uint64_t speaker_offer(struct speaker *speaker, const struct route *routes,
		       size_t count, uint64_t lease_until_ns)
{
	struct route *copy;
	struct route *old;
	uint64_t offer;

	if (count > SPEAKER_ROUTES_MAX) {
		return 0;
	}
	copy = routes_copy(routes, count);
	if (copy == NULL || !lock_wait(speaker)) {
		free(copy);
		return 0;
	}
	old = speaker->pending.routes;
	offer = ++speaker->offer_count;
	speaker->pending = (struct table){copy, count};
	speaker->has_pending = true;
	speaker->pending_offer = offer;
	speaker->pending_lease = lease_until_ns;
	speaker->pending_incident = speaker->next_incident;
	pthread_mutex_unlock(&speaker->lock);
	/* Behind the unlock: who wakes up must find the lock free. */
	wake(speaker);
	free(old);
	return offer;
}

static bool give_order(struct speaker *speaker, size_t peer, bool is_disabled,
		       const char *text)
{
	struct order *order = &speaker->orders[peer];

	assert(peer < SPEAKER_PEERS_MAX);
	if (!lock_wait(speaker)) {
		return false;
	}
	order->is_disabled = is_disabled;
	snprintf(order->text, sizeof(order->text), "%s",
		 text != NULL ? text : "");
	speaker->has_orders = true;
	pthread_mutex_unlock(&speaker->lock);
	wake(speaker);
	return true;
}

bool speaker_disable(struct speaker *speaker, size_t peer, const char *text)
{
	return give_order(speaker, peer, true, text);
}

bool speaker_enable(struct speaker *speaker, size_t peer)
{
	return give_order(speaker, peer, false, NULL);
}

void speaker_incident(struct speaker *speaker, uint64_t incident)
{
	speaker->next_incident = incident;
}

uint64_t speaker_confirmed(const struct speaker *speaker)
{
	return atomic_load_explicit(&speaker->confirmed, memory_order_acquire);
}

uint64_t speaker_tick_ns(const struct speaker *speaker)
{
	return atomic_load_explicit(&speaker->tick, memory_order_relaxed);
}

int speaker_event_fd(const struct speaker *speaker)
{
	return speaker->event_fd;
}

/* One block: the snapshot, its peers, their prefixes. */
static struct speaker_status *status_copy(const struct speaker *speaker)
{
	struct speaker_status *status;
	struct prefix *prefixes;
	size_t total = 0;

	for (size_t i = 0; i < speaker->peer_count; i++) {
		total += speaker->published[i].status.announced;
	}
	status = malloc(sizeof(*status) +
			speaker->peer_count * sizeof(*status->peers) +
			total * sizeof(*prefixes));
	if (status == NULL) {
		return NULL;
	}
	status->offer = speaker->published_offer;
	status->is_lease_over = speaker->published_lease_over;
	status->peer_count = speaker->peer_count;
	status->peers = (struct speaker_peer_status *)(status + 1);
	prefixes = (struct prefix *)(status->peers + speaker->peer_count);
	for (size_t i = 0; i < speaker->peer_count; i++) {
		const struct published *from = &speaker->published[i];
		struct speaker_peer_status *to = &status->peers[i];

		*to = from->status;
		to->state_text = bgp_state_text(to->state);
		to->prefixes = prefixes;
		if (to->announced > 0) {
			memcpy(prefixes, from->prefixes,
			       to->announced * sizeof(*prefixes));
		}
		prefixes += to->announced;
	}
	return status;
}

struct speaker_status *speaker_status(const struct speaker *speaker)
{
	/* The lock is not part of what 'const' promises. */
	struct speaker *shared = (struct speaker *)speaker;
	struct speaker_status *status;

	if (!lock_wait(shared)) {
		return NULL;
	}
	status = status_copy(speaker);
	pthread_mutex_unlock(&shared->lock);
	if (status != NULL) {
		status->confirmed = speaker_confirmed(speaker);
	}
	return status;
}

void speaker_status_free(struct speaker_status *status)
{
	free(status);
}
