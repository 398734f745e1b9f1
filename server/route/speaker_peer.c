/*
 * speaker_peer.c - one peer: its sessions, its routes, what the log says of it.
 *
 * Two connections may exist for a moment, one that we opened and one that the
 * peer opened (RFC 4271 6.8). Each has a state machine; 'main' is the one that
 * counts, 'caller' waits. They are judged when both have had an OPEN: the higher
 * identifier (then AS number, RFC 6286 2.3) decides whose is kept, the other one
 * is closed with Cease 6/7. Where only one gets as far as Established, it is
 * that one. FRR and GoBGP close the loser without a word: a FIN on 'main' while
 * 'caller' lives is a collision that was lost, not an error, and costs no
 * back-off, since 'caller' then takes its place.
 *
 * UPDATEs are made when TCP has room, one at a time, so that nothing stale
 * queues in front of a withdrawal. What the kernel holds is out of our hands: if
 * it has not been acknowledged 1 s after a withdrawal was wished, the connection
 * is reset, which makes the peer drop every route of it.
 *
 * What peers send is read in bounded bites (RECEIVE_BITES a pass and
 * connection), stepped over and forgotten.
 */
#include "server/route/speaker_internal.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "server/route/speaker_socket.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	UPDATES_MAX = 64, /* messages written a pass and peer */
	ROUTES_NAMED = 4, /* in a log line */
	LIST_MAX = ROUTES_NAMED * (PREFIX_TEXT_MAX + 2) + 32,
};

#define UNCONFIRMED_NS  (SPEAKER_HOLD_S * SPEAKER_SECOND) /* hold time 0 */
#define ACK_POLL_NS     SPEAKER_MS /* the first look after a write */
#define ACK_POLL_MAX_NS (20 * SPEAKER_MS)

static void session_event(struct session *session, struct bgp_event *event);
static void session_happens(struct session *session, enum bgp_event_type type);

static bool is_caller(const struct session *session)
{
	return session == &session->peer->caller;
}

/* --- words ---------------------------------------------------------------- */

/* Why it ended, with what the system said of it. */
static void session_explain(const struct session *session)
{
	struct peer *peer = session->peer;
	const struct bgp_cause *cause = &session->fsm.cause;
	char text[BGP_TEXT_MAX];
	const char *because = "";

	bgp_cause_dump(cause, text);
	if (cause->kind == BGP_CAUSE_CONNECT_FAILED && session->what != NULL) {
		snprintf(text, sizeof(text), "%s", session->what);
	}
	if (session->error != 0 && (cause->kind == BGP_CAUSE_CONNECT_FAILED ||
				    cause->kind == BGP_CAUSE_CLOSED)) {
		because = strerrordesc_np(session->error);
		because = because != NULL ? because : "unknown error";
	}
	snprintf(peer->last_error, sizeof(peer->last_error), "%s%s%s%s", text,
		 because[0] != '\0' ? ": " : "", because,
		 cause->kind == BGP_CAUSE_CONNECT_TIMEOUT &&
				 peer->config.password[0] != '\0'
			 ? " (a password that differs looks like this, too)"
			 : "");
}

static void log_up(const struct peer *peer)
{
	unsigned families = peer->main.fsm.families & peer->config.families;
	unsigned missing = peer->config.families & ~families;

	log_notice("peer %s: established, hold %u s, families %s", peer->name,
		   peer->main.fsm.hold_s, bgp_families_text(families));
	if (missing != 0) {
		log_warning("peer %s: it does not offer %s: these routes are "
			    "not announced to it",
			    peer->name, bgp_families_text(missing));
	}
}

static void log_down(struct peer *peer, size_t told, uint64_t now)
{
	uint64_t seconds = (now - peer->since) / SPEAKER_SECOND;

	if (peer->main.fsm.cause.kind == BGP_CAUSE_STOPPED) {
		log_notice("peer %s: closed", peer->name);
		return;
	}
	log_warning("peer %s: session lost after %llu s with %zu routes "
		    "announced: %s",
		    peer->name, (unsigned long long)seconds, told,
		    peer->last_error);
	memcpy(peer->last_logged, peer->last_error, sizeof(peer->last_logged));
}

/*
 * A try that failed: one line for each new reason, not for each try. Two reasons
 * that take turns (a NOTIFICATION, then the peer's error delay) are not new.
 */
static void log_failed(struct session *session)
{
	struct peer *peer = session->peer;

	if (session->fsm.cause.kind == BGP_CAUSE_STOPPED ||
	    session->fsm.cause.kind == BGP_CAUSE_COLLISION ||
	    strcmp(peer->last_logged, peer->last_error) == 0 ||
	    strcmp(peer->logged_before, peer->last_error) == 0) {
		return;
	}
	memcpy(peer->logged_before, peer->last_logged,
	       sizeof(peer->logged_before));
	memcpy(peer->last_logged, peer->last_error, sizeof(peer->last_logged));
	log_warning("peer %s: %s; trying again", peer->name, peer->last_error);
}

/* '192.0.2.0/24, 2001:db8::/48 and 3 more' */
static const char *list_routes(char text[LIST_MAX],
			       const struct prefix *prefixes, size_t count)
{
	char one[PREFIX_TEXT_MAX];
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count && i < ROUTES_NAMED; i++) {
		at += (size_t)snprintf(text + at, LIST_MAX - at, "%s%s",
				       i > 0 ? ", " : "",
				       prefix_dump(&prefixes[i], one));
	}
	if (count > ROUTES_NAMED) {
		snprintf(text + at, LIST_MAX - at, " and %zu more",
			 count - ROUTES_NAMED);
	}
	return text;
}

static void log_routes(const struct peer *peer, const char *verb,
		       const struct prefix *prefixes, size_t count)
{
	char list[LIST_MAX];

	log_info("peer %s: %s %s", peer->name, verb,
		 list_routes(list, prefixes, count));
}

/* --- events --------------------------------------------------------------- */

static void note_update(const struct peer *peer, enum bgp_rib_kind kind,
			size_t count)
{
	char list[LIST_MAX];

	events_note(peer->speaker->events, EVENT_UPDATE, peer->incident,
		    EVENT_NONE, peer->index, "%s %s",
		    kind == BGP_RIB_WITHDRAW   ? "withdraw"
		    : kind == BGP_RIB_ANNOUNCE ? "announce"
					       : "End-of-RIB",
		    list_routes(list, bgp_rib_last(peer->rib), count));
}

/* Once for all UPDATEs that stand before it. */
static void note_mark(const struct peer *peer, enum event_kind kind,
		      uint64_t reached, uint64_t *noted)
{
	if (reached >= peer->told_mark && *noted < peer->told_mark) {
		*noted = peer->told_mark;
		events_note(peer->speaker->events, kind, peer->incident,
			    EVENT_NONE, peer->index, "%s",
			    kind == EVENT_WRITTEN ? "TCP has it"
						  : "the peer's TCP has it");
	}
}

/* --- a peer's routes ------------------------------------------------------ */

static bool peer_wants(const struct peer *peer, const struct route *route)
{
	unsigned family = route->prefix.family == AF_INET ? BGP_IPV4 : BGP_IPV6;

	return !peer->is_disabled && (route->peers >> peer->index & 1) != 0 &&
	       (peer->config.families & family) != 0;
}

void peer_want(struct peer *peer)
{
	const struct speaker *speaker = peer->speaker;
	const struct table *table = &speaker->table;
	struct bgp_route *routes = NULL;
	size_t count = 0;
	enum status status;

	if (!speaker->is_lease_over && table->count > 0) {
		routes = malloc(table->count * sizeof(*routes));
		for (size_t i = 0; routes != NULL && i < table->count; i++) {
			if (peer_wants(peer, &table->routes[i])) {
				routes[count].prefix = table->routes[i].prefix;
				routes[count++].attributes =
					table->routes[i].attributes;
			}
		}
	}
	status = bgp_rib_want(peer->rib, routes, count);
	if (status != STATUS_OK ||
	    (count == 0 && routes == NULL && !speaker->is_lease_over &&
	     table->count > 0)) {
		/* Failing towards silence. */
		log_error("peer %s: withdrawing everything: %s", peer->name,
			  status_text(STATUS_NO_MEMORY));
		status = bgp_rib_want(peer->rib, NULL, 0);
		assert(status == STATUS_OK);
	}
	free(routes);
}

/* Write what the peer is to be told, as far as its TCP takes it. */
static void peer_tell(struct peer *peer, uint64_t now)
{
	struct connection *c = peer->main.connection;
	uint8_t message[BGP_MESSAGE_MAX];

	if (peer->main.fsm.state != BGP_ESTABLISHED) {
		return;
	}
	if (bgp_rib_must_withdraw(peer->rib) && peer->withdraw_until == 0) {
		peer->withdraw_until = now + peer->speaker->acknowledge_wait;
		peer->withdraw_first_mark = UINT64_MAX;
	}
	for (int i = 0; i < UPDATES_MAX; i++) {
		enum bgp_rib_kind kind;
		size_t count;
		size_t size;

		if (!connection_flush(c)) {
			peer->main.error = errno;
			session_happens(&peer->main, BGP_EVENT_TCP_CLOSED);
			return;
		}
		if (c->out_at < c->out_size) {
			break;
		}
		kind = bgp_rib_next(peer->rib, message, &size, &count);
		if (kind == BGP_RIB_NOTHING) {
			break;
		}
		/* The buffer is empty: there is room for one message. */
		if (!connection_queue(c, message, size)) {
			assert(0);
		}
		peer->told_mark = c->queued;
		note_update(peer, kind, count);
		peer->ack_poll_wait = ACK_POLL_NS;
		peer->ack_poll_at = now + ACK_POLL_NS;
		if (kind == BGP_RIB_WITHDRAW) {
			peer->withdraw_mark = c->queued;
			if (peer->withdraw_first_mark == UINT64_MAX) {
				peer->withdraw_first_mark = c->queued;
			}
		}
	}
	note_mark(peer, EVENT_WRITTEN, c->written, &peer->written_noted);
	connection_poll(c);
}

/* What TCP has acknowledged by now, and what that means. */
void peer_acknowledge(struct peer *peer, uint64_t now)
{
	struct connection *c = peer->main.connection;
	uint64_t waiting;

	if (c == NULL || c->is_connecting) {
		return;
	}
	waiting = speaker_socket_unacknowledged(c->fd);
	peer->acknowledged = waiting < c->written ? c->written - waiting : 0;
	session_happens(&peer->main, peer->acknowledged < c->queued
					     ? BGP_EVENT_SEND_BLOCKED
					     : BGP_EVENT_SEND_CLEAR);
	note_mark(peer, EVENT_ACKNOWLEDGED, peer->acknowledged,
		  &peer->acknowledged_noted);
	if (peer->acknowledged >= peer->told_mark) {
		peer->ack_poll_at = 0;
	} else if (now >= peer->ack_poll_at) {
		peer->ack_poll_wait *= 2;
		if (peer->ack_poll_wait > ACK_POLL_MAX_NS) {
			peer->ack_poll_wait = ACK_POLL_MAX_NS;
		}
		peer->ack_poll_at = now + peer->ack_poll_wait;
	}
	if (peer->withdraw_until == 0) {
		return;
	}
	if (!bgp_rib_must_withdraw(peer->rib) &&
	    peer->acknowledged >= peer->withdraw_mark) {
		peer->withdraw_until = 0;
	} else if (peer->acknowledged >= peer->withdraw_first_mark) {
		/* The first is there; later ones have their own second. */
		peer->withdraw_until = now + peer->speaker->acknowledge_wait;
		peer->withdraw_first_mark = peer->withdraw_mark;
	} else if (now >= peer->withdraw_until) {
		session_happens(&peer->main, BGP_EVENT_UNACKNOWLEDGED);
		if (peer->speaker->bfd != NULL) {
			/* The RST may be lost as well: say it a second way. */
			bfd_drop(peer->speaker->bfd, peer->index);
		}
	}
}

bool peer_is_confirmed(const struct peer *peer)
{
	if (peer->unconfirmed_until != 0) {
		return false;
	}
	return peer->main.fsm.state != BGP_ESTABLISHED ||
	       (bgp_rib_is_settled(peer->rib) &&
		peer->acknowledged >= peer->told_mark);
}

/* --- a peer's session ----------------------------------------------------- */

static void next_hop_from(struct bgp_update_session *session,
			  const struct address *address)
{
	if (address->family == AF_INET) {
		memcpy(session->next_hop_ipv4, address->octets, 4);
		session->has_next_hop_ipv4 = true;
	} else if (address->family == AF_INET6) {
		memcpy(session->next_hop_ipv6, address->octets, 16);
		session->next_hop_ipv6_size = 16;
	}
}

/*
 * Next hops: the session's own address for its own family, unless configured.
 * On a link-local session the configured global address stands first and the
 * link-local one behind it (RFC 2545 3); without one the link-local address
 * stands alone.
 */
static void peer_next_hops(struct peer *peer,
			   struct bgp_update_session *session)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);
	struct address local;

	if (getsockname(peer->main.connection->fd, (struct sockaddr *)&name,
			&size) != 0 ||
	    address_from_sockaddr(&local, (struct sockaddr *)&name) !=
		    STATUS_OK) {
		local = (struct address){0};
	}
	next_hop_from(session, &local);
	next_hop_from(session, &peer->config.next_hop_ipv4);
	next_hop_from(session, &peer->config.next_hop_ipv6);
	if (peer->config.next_hop_ipv6.family == AF_INET6 &&
	    local.family == AF_INET6 && address_is_link_local(&local)) {
		memcpy(session->next_hop_ipv6 + 16, local.octets, 16);
		session->next_hop_ipv6_size = 32;
	}
}

static void peer_up(struct peer *peer)
{
	struct bgp_update_session session = {
		.local_as = peer->main.fsm.config.local_as,
		.is_internal = peer->is_internal,
		.has_as4 = peer->main.fsm.peer.has_as4,
		.role = peer->config.role,
	};

	peer_next_hops(peer, &session);
	bgp_rib_up(peer->rib, &session, peer->main.fsm.families);
	peer->withdraw_until = 0;
	/* A new session is the peer's word that the old one is gone. */
	peer->unconfirmed_until = 0;
	peer->established_count++;
	peer->last_logged[0] = '\0';
	peer->logged_before[0] = '\0';
	peer->incident = events_incident(peer->speaker->events);
	events_note(peer->speaker->events, EVENT_SESSION, peer->incident,
		    EVENT_NONE, peer->index, "established, hold %u s",
		    peer->main.fsm.hold_s);
	log_up(peer);
}

/*
 * Does the peer know that the session is gone? It does where it ended it, and
 * where our FIN reaches it; it may not where the path or the peer is dead.
 */
static bool is_end_unseen(const struct bgp_fsm *fsm, int error)
{
	const struct bgp_cause *cause = &fsm->cause;

	return cause->kind == BGP_CAUSE_UNACKNOWLEDGED ||
	       (cause->kind == BGP_CAUSE_SENT &&
		(cause->notification.code == BGP_ERROR_HOLD ||
		 cause->notification.code == BGP_ERROR_SEND_HOLD ||
		 (cause->notification.code == BGP_ERROR_CEASE &&
		  cause->notification.subcode == BGP_CEASE_BFD_DOWN))) ||
	       (cause->kind == BGP_CAUSE_CLOSED &&
		(error == ETIMEDOUT || error == EHOSTUNREACH ||
		 error == ENETUNREACH));
}

static void peer_down(struct peer *peer, uint64_t now)
{
	uint64_t hold = peer->main.fsm.hold_s > 0
				? peer->main.fsm.hold_s * SPEAKER_SECOND
				: UNCONFIRMED_NS;
	size_t told = bgp_rib_told(peer->rib, NULL, 0);

	/*
	 * A withdrawal in flight counts, too: it has been told, as far as the
	 * RIB goes, and is what was not acknowledged.
	 */
	if (is_end_unseen(&peer->main.fsm, peer->main.error) &&
	    (told > 0 || peer->withdraw_until != 0)) {
		peer->unconfirmed_until = now + hold;
		log_warning("peer %s: it may hold the routes for another "
			    "%llu s: it has not acknowledged that they are "
			    "withdrawn",
			    peer->name,
			    (unsigned long long)(hold / SPEAKER_SECOND));
	}
	session_explain(&peer->main);
	if (peer->withdraw_until == 0 &&
	    peer->main.fsm.cause.kind != BGP_CAUSE_STOPPED) {
		/* Else it is the end of what was under way. */
		peer->incident = events_incident(peer->speaker->events);
	}
	events_note(peer->speaker->events, EVENT_SESSION, peer->incident,
		    EVENT_NONE, peer->index, "%s, %zu routes announced: %.100s",
		    peer->unconfirmed_until != 0 ? "lost, unconfirmed" : "lost",
		    told, peer->last_error);
	log_down(peer, told, now);
	bgp_rib_down(peer->rib);
	peer->withdraw_until = 0;
}

/* False where it could not even begin. */
static bool session_connect(struct session *session)
{
	struct peer *peer = session->peer;
	const char *what = NULL;
	int fd =
		speaker_socket_connect(&peer->config, peer->is_internal, &what);

	session->what = NULL;
	session->error = 0;
	if (fd < 0) {
		session->what = what;
		session->error = errno;
		return false;
	}
	session->connection = connection_new(session, fd);
	if (session->connection == NULL) {
		session->error = ENOMEM;
		return false;
	}
	session->connection->is_connecting = true;
	connection_poll(session->connection);
	return true;
}

static void session_send(struct session *session, const uint8_t *data,
			 size_t size)
{
	struct connection *c = session->connection;

	/* No room: the peer takes nothing, and the send hold time runs. */
	if (connection_queue(c, data, size) && !connection_flush(c)) {
		/* Reading will tell the same, with its reason. */
		return;
	}
	connection_poll(c);
}

static void session_send_open(struct session *session)
{
	uint8_t message[BGP_MESSAGE_MAX];
	struct bgp_open open;

	bgp_fsm_open(&session->fsm, &open);
	session_send(session, message, bgp_open_write(message, &open));
}

static void session_send_keepalive(struct session *session)
{
	const struct connection *c = session->connection;
	uint8_t message[BGP_MESSAGE_MAX];

	/* Octets that wait already say as much. */
	if (c->out_at == c->out_size) {
		session_send(session, message, bgp_keepalive_write(message));
	}
}

static void session_send_notification(struct session *session)
{
	const struct bgp_notification *notification =
		&session->fsm.cause.notification;
	uint8_t message[BGP_MESSAGE_MAX];

	session_send(session, message,
		     bgp_notification_write(message, notification));
}

/* Part from the connection as the end of the session asks for. */
static void session_close(struct session *session, bool is_reset, uint64_t now)
{
	struct connection *c = session->connection;
	enum bgp_cause_kind kind = session->fsm.cause.kind;

	session->connection = NULL;
	if (!is_caller(session)) {
		/* Marks are places in this connection's stream. */
		session->peer->told_mark = 0;
		session->peer->written_noted = 0;
		session->peer->acknowledged_noted = 0;
		session->peer->withdraw_mark = 0;
		session->peer->ack_poll_at = 0;
	}
	if (c == NULL) {
		return;
	}
	if (!is_reset && !c->is_connecting &&
	    (kind == BGP_CAUSE_SENT || kind == BGP_CAUSE_STOPPED ||
	     kind == BGP_CAUSE_COLLISION)) {
		linger_begin(c, now);
		return;
	}
	connection_end(c, is_reset);
}

static void session_act(struct session *session,
			const struct bgp_actions *actions,
			enum bgp_action action, uint64_t now)
{
	struct peer *peer = session->peer;

	switch (action) {
	case BGP_ACTION_CONNECT:
		if (!session_connect(session)) {
			session_happens(session, BGP_EVENT_TCP_FAILED);
		}
		return;
	case BGP_ACTION_SEND_OPEN:
		session_send_open(session);
		return;
	case BGP_ACTION_SEND_KEEPALIVE:
		session_send_keepalive(session);
		return;
	case BGP_ACTION_SEND_NOTIFICATION:
		session_send_notification(session);
		return;
	case BGP_ACTION_UP:
		peer_up(peer);
		return;
	case BGP_ACTION_REFRESH:
		bgp_rib_refresh(peer->rib, actions->families);
		return;
	case BGP_ACTION_DOWN:
		peer_down(peer, now);
		return;
	case BGP_ACTION_CLOSE:
		session_close(session, false, now);
		return;
	case BGP_ACTION_RESET:
		session_close(session, true, now);
		return;
	}
}

/* --- two connections ------------------------------------------------------ */

static bool has_caller(const struct peer *peer)
{
	return peer->caller.connection != NULL;
}

/* 'caller' takes the place of 'main', which ends. */
static void caller_promote(struct peer *peer)
{
	struct session next = peer->caller;

	/* Out of sight while 'main' ends: nobody is to judge it meanwhile. */
	peer->caller = (struct session){.peer = peer};
	session_happens(&peer->main, BGP_EVENT_COLLISION);
	bgp_fsm_succeed(&next.fsm, &peer->main.fsm);
	peer->main = next;
	peer->main.connection->session = &peer->main;
	peer->since = clock_monotonic_ns();
	peer->speaker->has_edge = true;
}

static void caller_end(struct peer *peer)
{
	peer->collision_count++;
	session_happens(&peer->caller, BGP_EVENT_COLLISION);
}

/*
 * Which of both lives, as far as it can be said by now. Afterwards 'caller' is
 * there only if it is still open.
 */
static void collision_judge(struct peer *peer)
{
	const struct bgp_fsm *ours = &peer->main.fsm;
	const struct bgp_fsm *theirs = &peer->caller.fsm;

	if (!has_caller(peer)) {
		return;
	}
	if (ours->state == BGP_ESTABLISHED) {
		caller_end(peer);
	} else if (theirs->state == BGP_OPEN_CONFIRM &&
		   ours->state < BGP_OPEN_SENT) {
		caller_promote(peer);
	} else if (theirs->state == BGP_OPEN_CONFIRM &&
		   ours->state == BGP_OPEN_CONFIRM) {
		if (bgp_collision_keeps_ours(
			    ours->config.router_id, ours->config.local_as,
			    theirs->peer.router_id, theirs->peer.as)) {
			caller_end(peer);
		} else {
			peer->collision_count++;
			caller_promote(peer);
		}
	}
}

/*
 * A connection that the peer opened has failed. What was said on it may be the
 * only reason there is: our own tries may meet nothing but an error delay.
 */
static void caller_explain(struct session *session)
{
	enum bgp_cause_kind kind = session->fsm.cause.kind;

	if (kind == BGP_CAUSE_SENT || kind == BGP_CAUSE_RECEIVED) {
		session_explain(session);
		log_failed(session);
	}
}

/* Feed the state machine and do what it says. May end the connection. */
static void session_event(struct session *session, struct bgp_event *event)
{
	struct peer *peer = session->peer;
	struct bgp_actions actions;
	enum bgp_state before = session->fsm.state;

	event->now = clock_monotonic_ns();
	event->random = speaker_random(peer->speaker);
	bgp_fsm_step(&session->fsm, event, &actions);
	if (is_caller(session) && session->fsm.state == BGP_ESTABLISHED) {
		/* 'main' has had no OPEN yet: it is too late now. */
		caller_promote(peer);
		session = &peer->main;
	}
	for (unsigned i = 0; i < actions.count; i++) {
		session_act(session, &actions, actions.list[i], event->now);
	}
	if (session->fsm.state == before) {
		return;
	}
	if (is_caller(session)) {
		if (session->fsm.state < BGP_OPEN_SENT) {
			caller_explain(session);
			peer->caller = (struct session){.peer = peer};
		}
	} else {
		if (session->fsm.state < BGP_OPEN_SENT &&
		    before >= BGP_CONNECT && before != BGP_ESTABLISHED &&
		    !has_caller(peer)) {
			session_explain(session);
			log_failed(session);
		}
		peer->since = event->now;
		peer->speaker->has_edge = true;
	}
	collision_judge(peer);
}

static void session_happens(struct session *session, enum bgp_event_type type)
{
	struct bgp_event event;

	memset(&event, 0, sizeof(event));
	event.type = type;
	session_event(session, &event);
}

/* A new socket for a session that has none. */
static void session_take(struct session *session, int fd,
			 enum bgp_event_type type)
{
	session->what = NULL;
	session->error = 0;
	session->connection = connection_new(session, fd);
	if (session->connection != NULL) {
		connection_poll(session->connection);
		session_happens(session, type);
	}
}

/* Say why not, and close. The few octets fit into any new socket. */
static void refuse(int fd, enum bgp_error_subcode subcode)
{
	uint8_t message[BGP_MESSAGE_MAX];
	struct bgp_notification cease;
	ssize_t sent;

	bgp_cease(&cease, subcode, NULL);
	sent = send(fd, message, bgp_notification_write(message, &cease),
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)sent; /* a courtesy */
	close(fd);
}

static bool session_receive(struct session *session);

void peer_adopt(struct peer *peer, int fd)
{
	struct bgp_fsm *fsm = &peer->main.fsm;

	if (peer->main.connection != NULL &&
	    !peer->main.connection->is_connecting) {
		/* The end of the old one may wait in its socket still. */
		session_receive(&peer->main);
	}
	if (peer->config.passive && fsm->state >= BGP_OPEN_SENT &&
	    fsm->state < BGP_ESTABLISHED) {
		/* The peer has given up on it, or it would not call again. */
		session_happens(&peer->main, BGP_EVENT_COLLISION);
	}
	if (fsm->state == BGP_ESTABLISHED || !fsm->is_wanted) {
		peer->collision_count += fsm->is_wanted;
		refuse(fd, fsm->is_wanted ? BGP_CEASE_COLLISION
					  : BGP_CEASE_REJECTED);
		return;
	}
	if (!speaker_socket_adopt(fd, &peer->config, peer->is_internal)) {
		log_error("peer %s: cannot set its socket: %s", peer->name,
			  strerrordesc_np(errno));
		close(fd);
		return;
	}
	if (fsm->state == BGP_ACTIVE) {
		session_take(&peer->main, fd, BGP_EVENT_TCP_UP);
		return;
	}
	if (has_caller(peer)) {
		caller_end(peer); /* as above */
	}
	bgp_fsm_init(&peer->caller.fsm, &peer->fsm_config);
	session_take(&peer->caller, fd, BGP_EVENT_ACCEPTED);
}

/* --- receiving ------------------------------------------------------------ */

static void log_malformed(struct peer *peer)
{
	if (peer->main.fsm.updates_malformed == peer->malformed_logged) {
		return;
	}
	if (peer->malformed_logged == 0) {
		log_warning("peer %s: sent an UPDATE that is malformed; it is "
			    "counted and ignored",
			    peer->name);
	}
	peer->malformed_logged = peer->main.fsm.updates_malformed;
}

/*
 * Turn what has come into events. False: the connection has left the session it
 * had; a caller that was promoted goes on at the next read.
 */
static bool connection_consume(struct connection *c)
{
	struct session *session = c->session;
	struct peer *peer = session->peer;
	size_t at = 0;

	while (session != NULL && session->connection == c) {
		struct bgp_event event;
		size_t used;

		memset(&event, 0, sizeof(event));
		used = bgp_event_read(&event, c->in + at, c->in_size - at);
		if (used == 0) {
			break;
		}
		at += used;
		session_event(session, &event);
		/* It may stand in the other place by now, or nowhere. */
		session = peer->main.connection == c     ? &peer->main
			  : peer->caller.connection == c ? &peer->caller
							 : NULL;
	}
	if (session == NULL) {
		return false; /* lingers, or is closed */
	}
	memmove(c->in, c->in + at, c->in_size - at);
	c->in_size -= at;
	log_malformed(peer);
	return true;
}

/* Read what there is, a few bites. False: the connection is gone. */
static bool session_receive(struct session *session)
{
	struct connection *c = session->connection;

	for (int i = 0; i < RECEIVE_BITES; i++) {
		/*
		 * A message is shorter than the buffer: there is always room.
		 */
		ssize_t got = recv(c->fd, c->in + c->in_size,
				   RECEIVE_MAX - c->in_size, MSG_DONTWAIT);

		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			return true;
		}
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got <= 0) {
			c->session->error = got < 0 ? errno : 0;
			session_happens(c->session, BGP_EVENT_TCP_CLOSED);
			return false;
		}
		c->in_size += (size_t)got;
		if (!connection_consume(c)) {
			return false;
		}
	}
	return true;
}

static void session_connected(struct session *session)
{
	socklen_t size = sizeof(session->error);

	if (getsockopt(session->connection->fd, SOL_SOCKET, SO_ERROR,
		       &session->error, &size) != 0) {
		session->error = errno;
	}
	if (session->error != 0) {
		session_happens(session, BGP_EVENT_TCP_FAILED);
		return;
	}
	session->connection->is_connecting = false;
	connection_poll(session->connection);
	session_happens(session, BGP_EVENT_TCP_UP);
}

void session_io(struct session *session)
{
	if (session->connection->is_connecting) {
		session_connected(session);
	} else {
		session_receive(session);
	}
}

/* --- its part of a pass --------------------------------------------------- */

static void session_timers(struct session *session, uint64_t now)
{
	struct bgp_event event;
	bool has_read = false;

	memset(&event, 0, sizeof(event));
	while (bgp_fsm_due(&session->fsm, now, &event)) {
		/*
		 * If this process stood still, the peer's KEEPALIVEs wait in
		 * the socket: read before judging its silence.
		 */
		if (event.type == BGP_EVENT_HOLD_EXPIRED && !has_read) {
			has_read = true;
			session_receive(session);
			continue;
		}
		session_event(session, &event);
	}
}

void peer_timers(struct peer *peer, uint64_t now)
{
	session_timers(&peer->main, now);
	if (has_caller(peer)) {
		session_timers(&peer->caller, now);
	}
	if (peer->unconfirmed_until != 0 && now >= peer->unconfirmed_until) {
		peer->unconfirmed_until = 0;
	}
}

static void deadline_take(uint64_t *least, uint64_t at)
{
	if (at != 0 && at < *least) {
		*least = at;
	}
}

uint64_t peer_deadline(const struct peer *peer)
{
	uint64_t at = bgp_fsm_deadline(&peer->main.fsm);

	if (has_caller(peer)) {
		deadline_take(&at, bgp_fsm_deadline(&peer->caller.fsm));
	}
	deadline_take(&at, peer->withdraw_until);
	deadline_take(&at, peer->ack_poll_at);
	deadline_take(&at, peer->unconfirmed_until);
	if (peer->is_disabled) {
		deadline_take(&at, peer->disable_until);
	}
	return at;
}

/* BFD has seen the peer die: its TCP would need the hold time to notice. */
void peer_watch_bfd(struct peer *peer)
{
	struct bfd *bfd = peer->speaker->bfd;
	uint32_t falls = bfd != NULL ? bfd_falls(bfd, peer->index) : 0;

	if (falls != peer->bfd_falls) {
		peer->bfd_falls = falls;
		session_happens(&peer->main, BGP_EVENT_BFD_DOWN);
	}
}

/* Tell, and say in the log what was new in it. */
void peer_reconcile(struct peer *peer, uint64_t now)
{
	struct prefix before[SPEAKER_ROUTES_MAX];
	struct prefix after[SPEAKER_ROUTES_MAX];
	size_t before_count;
	size_t after_count;
	size_t gone = 0;
	size_t come = 0;
	size_t i = 0;
	size_t k = 0;

	if (peer->main.fsm.state != BGP_ESTABLISHED ||
	    bgp_rib_is_settled(peer->rib)) {
		peer_tell(peer, now);
		return;
	}
	before_count = bgp_rib_told(peer->rib, before, SPEAKER_ROUTES_MAX);
	peer_tell(peer, now);
	if (peer->main.fsm.state != BGP_ESTABLISHED) {
		return;
	}
	after_count = bgp_rib_told(peer->rib, after, SPEAKER_ROUTES_MAX);
	/* Both lists are in the same order: what is in one only has changed. */
	while (i < before_count || k < after_count) {
		if (i < before_count && k < after_count &&
		    prefix_equal(&before[i], &after[k])) {
			i++;
			k++;
		} else if (k >= after_count ||
			   (i < before_count &&
			    bgp_prefix_compare(&before[i], &after[k]) < 0)) {
			before[gone++] = before[i++];
		} else {
			after[come++] = after[k++];
		}
	}
	if (gone > 0) {
		log_routes(peer, "withdrew", before, gone);
	}
	if (come > 0) {
		log_routes(peer, "announced", after, come);
	}
	if (gone == 0 && come == 0 && before_count > 0) {
		log_info("peer %s: announced again, changed or asked for",
			 peer->name);
	}
}

void peer_start(struct peer *peer)
{
	session_happens(&peer->main, BGP_EVENT_START);
}

static void peer_close(struct peer *peer, uint8_t subcode, const char *text)
{
	struct bgp_event event;

	if (!peer->main.fsm.is_wanted) {
		return;
	}
	memset(&event, 0, sizeof(event));
	event.type = BGP_EVENT_STOP;
	bgp_cease(&event.notification, subcode, text);
	if (has_caller(peer)) {
		session_event(&peer->caller, &event);
	}
	session_event(&peer->main, &event);
}

void peer_stop(struct peer *peer)
{
	peer_close(peer, BGP_CEASE_SHUTDOWN, peer->speaker->cease_text);
}

void peer_retire(struct peer *peer, uint8_t subcode)
{
	peer_close(peer, subcode, "");
}

void peer_obey(struct peer *peer, uint64_t now)
{
	const struct bgp_fsm *fsm = &peer->main.fsm;

	if (peer->config.as == 0) {
		return; /* an empty place */
	}
	if (!peer->is_disabled) {
		if (!fsm->is_wanted) {
			peer_start(peer);
		}
		return;
	}
	if (fsm->is_wanted &&
	    (fsm->state != BGP_ESTABLISHED || peer_is_confirmed(peer) ||
	     now >= peer->disable_until)) {
		peer_close(peer, BGP_CEASE_SHUTDOWN, peer->cease_text);
	}
	if (!fsm->is_wanted) {
		peer->disable_until = 0;
	}
}
