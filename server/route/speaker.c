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
 * - UPDATEs are made when TCP has room, one at a time, so that nothing stale
 *   queues in front of a withdrawal. What the kernel holds is out of our hands:
 *   if it has not been acknowledged 1 s after a withdrawal was wished, the
 *   connection is reset, which makes the peer drop every route of it.
 * - A connection that ends with words of ours lingers apart from its peer: the
 *   write side is shut, what comes is thrown away, until the other side closes
 *   or LINGER_NS is over. close() alone would answer unread octets with a RST,
 *   and the peer would never see the NOTIFICATION.
 * - It listens only for peers that are 'passive', and takes connections from
 *   these addresses only. A second connection from a peer replaces the first
 *   one while that is not Established, and is refused with 6/7 when it is
 *   (RFC 4271 6.8: there the older one lives).
 * - What peers send is read in bounded bites (RECEIVE_BITES a pass and peer),
 *   stepped over and forgotten.
 *
 * Rejected: uv_tcp_t (no options before connect, no SIOCOUTQ at hand, its own
 * write queue), a timer a purpose (one deadline over all is enough and cannot
 * leak).
 */
#include "server/route/speaker.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/bgp/rib.h"
#include "server/route/speaker_socket.h"

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

#define MILLISECOND UINT64_C(1000000)
#define SECOND      UINT64_C(1000000000)

enum {
	RECEIVE_MAX = 16384, /* octets a read; four messages at least */
	RECEIVE_BITES = 8,   /* reads a pass and connection */
	UPDATES_MAX = 64,    /* messages written a pass and peer */
	ACCEPTS_MAX = 16,    /* a pass and listener */
	SEND_MAX = 3 * BGP_MESSAGE_MAX,
	LOCK_TRIES = 20,
	LOCK_WAIT_NS = 100 * 1000 * 1000, /* of other threads */
	ROUTES_NAMED = 4,                 /* in a log line */
	/* Room beyond what is sent: bgp_cease() cuts between characters. */
	STOP_TEXT_MAX = 2 * BGP_SHUTDOWN_TEXT_MAX,
};

#define LINGER_NS       SECOND
#define ACKNOWLEDGE_NS  SECOND
#define UNCONFIRMED_NS  (SPEAKER_HOLD_S * SECOND) /* hold time 0 */
#define ACK_POLL_NS     MILLISECOND /* the first look after a write */
#define ACK_POLL_MAX_NS (20 * MILLISECOND)
#define LISTEN_PAUSE_NS (100 * MILLISECOND) /* after accept() failed */

/* Lives as long as its socket; the loop's thread alone. */
struct connection {
	uv_poll_t poll; /* first: handle and connection are one block */
	struct speaker *speaker;
	struct peer *peer;       /* NULL: lingers */
	struct connection *next; /* of those that linger */
	int fd;
	int events; /* polled for */
	bool is_connecting;
	bool is_shut; /* our side */
	uint64_t linger_until;
	uint64_t queued;  /* octets ever put into out */
	uint64_t written; /* octets TCP has taken */
	size_t in_size;
	size_t out_at;
	size_t out_size;
	uint8_t in[RECEIVE_MAX];
	uint8_t out[SEND_MAX];
};

struct peer {
	struct speaker *speaker;
	size_t index;
	struct speaker_peer config;
	char name[ADDRESS_TEXT_MAX];
	bool is_internal;
	struct bgp_fsm fsm;
	struct bgp_rib *rib;
	struct connection *connection;
	/* Marks in the stream: values of connection->queued. */
	uint64_t told_mark; /* behind the last UPDATE */
	uint64_t withdraw_mark;
	uint64_t withdraw_first_mark; /* that withdraw_until is for */
	uint64_t withdraw_until;      /* 0: no withdrawal is under way */
	uint64_t acknowledged;        /* octets */
	uint64_t ack_poll_at;
	uint64_t ack_poll_wait;
	uint64_t unconfirmed_until; /* 0: the peer holds nothing unseen */
	uint64_t since;
	uint64_t established_count;
	uint64_t malformed_logged;
	int error;        /* errno of the last socket call that failed; 0 */
	const char *what; /* that could not be done; NULL */
	char last_error[SPEAKER_TEXT_MAX];
	char last_logged[SPEAKER_TEXT_MAX];
	uint32_t bfd_falls; /* that have been seen */
};

struct listener {
	uv_poll_t poll;
	struct speaker *speaker;
	struct address address;
	int fd;
	uint64_t paused_until; /* 0: listens */
};

/* What other threads see; under the lock. */
struct published {
	struct speaker_peer_status status;
	struct prefix *prefixes;
	size_t capacity;
};

struct table {
	struct route *routes;
	size_t count;
};

enum stage {
	STAGE_RUN,
	STAGE_WITHDRAW, /* everything; wait for the acknowledgements */
	STAGE_LINGER,   /* NOTIFICATIONs are on their way */
	STAGE_DONE,
};

struct speaker {
	/* Constant after speaker_new(). */
	size_t peer_count;
	uint64_t acknowledge_wait;
	struct bfd *bfd; /* NULL: none */
	int wake_fd;
	int event_fd;

	/* Under the lock. */
	pthread_mutex_t lock;
	struct table pending;
	bool has_pending;
	uint64_t pending_offer;
	uint64_t pending_lease;
	uint64_t offer_count;
	bool is_stop_asked;
	bool is_hard_stop_asked;
	char stop_text[STOP_TEXT_MAX];
	struct published *published;
	uint64_t published_offer;
	bool published_lease_over;

	/*
	 * Any thread. The tick is a plain time; 'confirmed' is released by the
	 * loop's thread and acquired by readers, so that who sees an offer
	 * confirmed sees the status that came before it.
	 */
	_Atomic uint64_t tick;
	_Atomic uint64_t confirmed;

	/* The starter's and stopper's. */
	pthread_t thread;
	bool is_started;
	bool is_joined;

	/* The loop's thread. */
	uv_loop_t loop;
	uv_timer_t timer;
	uv_poll_t wake;
	struct peer *peers;
	struct listener *listeners;
	size_t listener_count;
	struct connection *lingering;
	struct table table;
	uint64_t offer;        /* that table came with, or a later equal one */
	uint64_t offer_change; /* the youngest that changed the table */
	uint64_t lease_until;
	bool is_lease_over;
	bool is_lock_missed;
	bool has_edge; /* to be signalled once published */
	uint64_t random;
	enum stage stage;
	uint64_t stage_until;
	char cease_text[STOP_TEXT_MAX];
};

static void peer_event(struct peer *peer, struct bgp_event *event);
static void peer_happens(struct peer *peer, enum bgp_event_type type);
static void on_io(uv_poll_t *poll, int status, int events);
static void pass(struct speaker *speaker);

/* xorshift64*: jitter needs spread, not secrecy. */
static uint32_t random_next(struct speaker *speaker)
{
	uint64_t x = speaker->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	speaker->random = x;
	return (uint32_t)((x * UINT64_C(2685821657736338717)) >> 32);
}

/* --- connections ---------------------------------------------------------- */

static void on_connection_closed(uv_handle_t *handle)
{
	free(handle);
}

/* Which side of the socket is worth waking up for. */
static void connection_poll(struct connection *c)
{
	int events = UV_READABLE;

	if (c->is_connecting) {
		events = UV_WRITABLE;
	} else if (c->out_at < c->out_size) {
		events |= UV_WRITABLE;
	}
	if (events != c->events) {
		c->events = events;
		uv_poll_start(&c->poll, events, on_io);
	}
}

/* Takes fd over; NULL (and fd closed) when there is no memory. */
static struct connection *connection_new(struct peer *peer, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL ||
	    uv_poll_init(&peer->speaker->loop, &c->poll, fd) != 0) {
		free(c);
		close(fd);
		return NULL;
	}
	c->speaker = peer->speaker;
	c->peer = peer;
	c->fd = fd;
	return c;
}

static void connection_end(struct connection *c, bool is_reset)
{
	uv_close((uv_handle_t *)&c->poll, on_connection_closed);
	if (is_reset) {
		speaker_socket_reset(c->fd);
	} else {
		close(c->fd);
	}
	c->fd = -1;
}

/*
 * Append one message; false when the peer takes nothing and there is no room.
 */
static bool connection_queue(struct connection *c, const uint8_t *data,
			     size_t size)
{
	if (c->out_at == c->out_size) {
		c->out_at = 0;
		c->out_size = 0;
	}
	if (size > SEND_MAX - c->out_size) {
		return false;
	}
	memcpy(c->out + c->out_size, data, size);
	c->out_size += size;
	c->queued += size;
	return true;
}

/* Give TCP what it takes. False: the connection is dead (errno). */
static bool connection_flush(struct connection *c)
{
	while (c->out_at < c->out_size && !c->is_connecting) {
		ssize_t sent =
			send(c->fd, c->out + c->out_at, c->out_size - c->out_at,
			     MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR) {
			continue;
		}
		if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			return true;
		}
		if (sent < 0) {
			return false;
		}
		c->out_at += (size_t)sent;
		c->written += (uint64_t)sent;
	}
	return true;
}

/* --- connections that linger ---------------------------------------------- */

static void linger_unlink(struct connection *c)
{
	struct connection **at = &c->speaker->lingering;

	while (*at != c) {
		at = &(*at)->next;
	}
	*at = c->next;
}

/* Move on: write the rest, shut our side, throw away what comes. */
static void linger_step(struct connection *c, uint64_t now)
{
	static const size_t bite = RECEIVE_MAX;

	if (!connection_flush(c)) {
		linger_unlink(c);
		connection_end(c, false);
		return;
	}
	if (c->out_at == c->out_size && !c->is_shut) {
		shutdown(c->fd, SHUT_WR);
		c->is_shut = true;
	}
	for (int i = 0; i < RECEIVE_BITES; i++) {
		ssize_t got = recv(c->fd, c->in, bite, MSG_DONTWAIT);

		if (got == 0 || (got < 0 && errno != EAGAIN &&
				 errno != EWOULDBLOCK && errno != EINTR)) {
			linger_unlink(c);
			connection_end(c, false);
			return;
		}
		if (got < 0) {
			break;
		}
	}
	if (now >= c->linger_until) {
		linger_unlink(c);
		connection_end(c, true);
		return;
	}
	connection_poll(c);
}

static void linger_begin(struct connection *c, uint64_t now)
{
	struct speaker *speaker = c->speaker;

	c->peer = NULL;
	c->linger_until = now + LINGER_NS;
	c->next = speaker->lingering;
	speaker->lingering = c;
	linger_step(c, now);
}

/* --- words ---------------------------------------------------------------- */

/* Why it ended, with what the system said of it. */
static void peer_explain(struct peer *peer)
{
	const struct bgp_cause *cause = &peer->fsm.cause;
	char text[BGP_TEXT_MAX];
	const char *because = "";

	bgp_cause_dump(cause, text);
	if (cause->kind == BGP_CAUSE_CONNECT_FAILED && peer->what != NULL) {
		snprintf(text, sizeof(text), "%s", peer->what);
	}
	if (peer->error != 0 && (cause->kind == BGP_CAUSE_CONNECT_FAILED ||
				 cause->kind == BGP_CAUSE_CLOSED)) {
		because = strerrordesc_np(peer->error);
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
	unsigned families = peer->fsm.families & peer->config.families;
	unsigned missing = peer->config.families & ~families;

	log_notice("peer %s: established, hold %u s, families %s", peer->name,
		   peer->fsm.hold_s, bgp_families_text(families));
	if (missing != 0) {
		log_warning("peer %s: it does not offer %s: these routes are "
			    "not announced to it",
			    peer->name, bgp_families_text(missing));
	}
}

static void log_down(struct peer *peer, size_t told, uint64_t now)
{
	uint64_t seconds = (now - peer->since) / SECOND;

	if (peer->fsm.cause.kind == BGP_CAUSE_STOPPED) {
		log_notice("peer %s: closed", peer->name);
		return;
	}
	log_warning("peer %s: session lost after %llu s with %zu routes "
		    "announced: %s",
		    peer->name, (unsigned long long)seconds, told,
		    peer->last_error);
	memcpy(peer->last_logged, peer->last_error, sizeof(peer->last_logged));
}

/* A try that failed: one line for each new reason, not for each try. */
static void log_failed(struct peer *peer)
{
	if (peer->fsm.cause.kind == BGP_CAUSE_STOPPED ||
	    strcmp(peer->last_logged, peer->last_error) == 0) {
		return;
	}
	memcpy(peer->last_logged, peer->last_error, sizeof(peer->last_logged));
	log_warning("peer %s: %s; trying again", peer->name, peer->last_error);
}

/* 'announced 192.0.2.0/24, 2001:db8::/48 and 3 more' */
static void log_routes(const struct peer *peer, const char *verb,
		       const struct prefix *prefixes, size_t count)
{
	char list[ROUTES_NAMED * (PREFIX_TEXT_MAX + 2)] = "";
	char text[PREFIX_TEXT_MAX];
	char more[32] = "";
	size_t at = 0;

	for (size_t i = 0; i < count && i < ROUTES_NAMED; i++) {
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s",
				       i > 0 ? ", " : "",
				       prefix_dump(&prefixes[i], text));
	}
	if (count > ROUTES_NAMED) {
		snprintf(more, sizeof(more), " and %zu more",
			 count - ROUTES_NAMED);
	}
	log_info("peer %s: %s %s%s", peer->name, verb, list, more);
}

/* --- a peer's routes ------------------------------------------------------ */

static bool peer_wants(const struct peer *peer, const struct route *route)
{
	unsigned family = route->prefix.family == AF_INET ? BGP_IPV4 : BGP_IPV6;

	return (route->peers >> peer->index & 1) != 0 &&
	       (peer->config.families & family) != 0;
}

/* Lay the table, or nothing, before one peer. */
static void peer_want(struct peer *peer)
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
	struct connection *c = peer->connection;
	uint8_t message[BGP_MESSAGE_MAX];

	if (peer->fsm.state != BGP_ESTABLISHED) {
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
			peer->error = errno;
			peer_happens(peer, BGP_EVENT_TCP_CLOSED);
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
		peer->ack_poll_wait = ACK_POLL_NS;
		peer->ack_poll_at = now + ACK_POLL_NS;
		if (kind == BGP_RIB_WITHDRAW) {
			peer->withdraw_mark = c->queued;
			if (peer->withdraw_first_mark == UINT64_MAX) {
				peer->withdraw_first_mark = c->queued;
			}
		}
	}
	connection_poll(c);
}

/* What TCP has acknowledged by now, and what that means. */
static void peer_acknowledge(struct peer *peer, uint64_t now)
{
	struct connection *c = peer->connection;
	uint64_t waiting;

	if (c == NULL || c->is_connecting) {
		return;
	}
	waiting = speaker_socket_unacknowledged(c->fd);
	peer->acknowledged = waiting < c->written ? c->written - waiting : 0;
	peer_happens(peer, peer->acknowledged < c->queued
				   ? BGP_EVENT_SEND_BLOCKED
				   : BGP_EVENT_SEND_CLEAR);
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
		peer_happens(peer, BGP_EVENT_UNACKNOWLEDGED);
		if (peer->speaker->bfd != NULL) {
			/* The RST may be lost as well: say it a second way. */
			bfd_drop(peer->speaker->bfd, peer->index);
		}
	}
}

/*
 * Everything that is desired was written, and every octet of it acknowledged.
 */
static bool peer_is_confirmed(const struct peer *peer)
{
	if (peer->unconfirmed_until != 0) {
		return false;
	}
	return peer->fsm.state != BGP_ESTABLISHED ||
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

	if (getsockname(peer->connection->fd, (struct sockaddr *)&name,
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
		.local_as = peer->fsm.config.local_as,
		.is_internal = peer->is_internal,
		.has_as4 = peer->fsm.peer.has_as4,
		.role = peer->config.role,
	};

	peer_next_hops(peer, &session);
	bgp_rib_up(peer->rib, &session, peer->fsm.families);
	peer->withdraw_until = 0;
	/* A new session is the peer's word that the old one is gone. */
	peer->unconfirmed_until = 0;
	peer->established_count++;
	peer->last_logged[0] = '\0';
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
	uint64_t hold = peer->fsm.hold_s > 0 ? peer->fsm.hold_s * SECOND
					     : UNCONFIRMED_NS;
	size_t told = bgp_rib_told(peer->rib, NULL, 0);

	/*
	 * A withdrawal in flight counts, too: it has been told, as far as the
	 * RIB goes, and is what was not acknowledged.
	 */
	if (is_end_unseen(&peer->fsm, peer->error) &&
	    (told > 0 || peer->withdraw_until != 0)) {
		peer->unconfirmed_until = now + hold;
	}
	peer_explain(peer);
	log_down(peer, told, now);
	bgp_rib_down(peer->rib);
	peer->withdraw_until = 0;
}

/* False where it could not even begin. */
static bool peer_connect(struct peer *peer)
{
	const char *what = NULL;
	int fd =
		speaker_socket_connect(&peer->config, peer->is_internal, &what);

	peer->what = NULL;
	peer->error = 0;
	if (fd < 0) {
		peer->what = what;
		peer->error = errno;
		return false;
	}
	peer->connection = connection_new(peer, fd);
	if (peer->connection == NULL) {
		peer->error = ENOMEM;
		return false;
	}
	peer->connection->is_connecting = true;
	connection_poll(peer->connection);
	return true;
}

static void peer_send(struct peer *peer, const uint8_t *data, size_t size)
{
	/* No room: the peer takes nothing, and the send hold time runs. */
	if (connection_queue(peer->connection, data, size)) {
		if (!connection_flush(peer->connection)) {
			/* Reading will tell the same, with its reason. */
			return;
		}
	}
	connection_poll(peer->connection);
}

static void peer_send_open(struct peer *peer)
{
	uint8_t message[BGP_MESSAGE_MAX];
	struct bgp_open open;

	bgp_fsm_open(&peer->fsm, &open);
	peer_send(peer, message, bgp_open_write(message, &open));
}

static void peer_send_keepalive(struct peer *peer)
{
	uint8_t message[BGP_MESSAGE_MAX];

	/* Octets that wait already say as much. */
	if (peer->connection->out_at == peer->connection->out_size) {
		peer_send(peer, message, bgp_keepalive_write(message));
	}
}

static void peer_send_notification(struct peer *peer)
{
	uint8_t message[BGP_MESSAGE_MAX];

	peer_send(
		peer, message,
		bgp_notification_write(message, &peer->fsm.cause.notification));
}

/* Part from the connection as the end of the session asks for. */
static void peer_close(struct peer *peer, bool is_reset, uint64_t now)
{
	struct connection *c = peer->connection;
	enum bgp_cause_kind kind = peer->fsm.cause.kind;

	peer->connection = NULL;
	/* Marks are places in this connection's stream. */
	peer->told_mark = 0;
	peer->withdraw_mark = 0;
	peer->ack_poll_at = 0;
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

static void peer_act(struct peer *peer, const struct bgp_actions *actions,
		     enum bgp_action action, uint64_t now)
{
	switch (action) {
	case BGP_ACTION_CONNECT:
		if (!peer_connect(peer)) {
			peer_happens(peer, BGP_EVENT_TCP_FAILED);
		}
		return;
	case BGP_ACTION_SEND_OPEN:
		peer_send_open(peer);
		return;
	case BGP_ACTION_SEND_KEEPALIVE:
		peer_send_keepalive(peer);
		return;
	case BGP_ACTION_SEND_NOTIFICATION:
		peer_send_notification(peer);
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
		peer_close(peer, false, now);
		return;
	case BGP_ACTION_RESET:
		peer_close(peer, true, now);
		return;
	}
}

/* Feed the state machine and do what it says. May end the connection. */
static void peer_event(struct peer *peer, struct bgp_event *event)
{
	struct bgp_actions actions;
	enum bgp_state before = peer->fsm.state;

	event->now = clock_monotonic_ns();
	event->random = random_next(peer->speaker);
	bgp_fsm_step(&peer->fsm, event, &actions);
	for (unsigned i = 0; i < actions.count; i++) {
		peer_act(peer, &actions, actions.list[i], event->now);
	}
	if (peer->fsm.state == before) {
		return;
	}
	if (peer->fsm.state < BGP_OPEN_SENT && before >= BGP_CONNECT &&
	    before != BGP_ESTABLISHED) {
		peer_explain(peer);
		log_failed(peer);
	}
	peer->since = event->now;
	peer->speaker->has_edge = true;
}

static void peer_happens(struct peer *peer, enum bgp_event_type type)
{
	struct bgp_event event;

	memset(&event, 0, sizeof(event));
	event.type = type;
	peer_event(peer, &event);
}

/* --- receiving ------------------------------------------------------------ */

/* Turn what has come into events. False: the connection is gone. */
static bool connection_consume(struct connection *c)
{
	struct peer *peer = c->peer;
	size_t at = 0;

	for (;;) {
		struct bgp_event event;
		size_t used;

		memset(&event, 0, sizeof(event));
		used = bgp_event_read(&event, c->in + at, c->in_size - at);
		if (used == 0) {
			break;
		}
		at += used;
		peer_event(peer, &event);
		if (peer->connection != c) {
			return false;
		}
	}
	memmove(c->in, c->in + at, c->in_size - at);
	c->in_size -= at;
	if (peer->fsm.updates_malformed != peer->malformed_logged) {
		if (peer->malformed_logged == 0) {
			log_warning("peer %s: sent an UPDATE that is "
				    "malformed; it is counted and ignored",
				    peer->name);
		}
		peer->malformed_logged = peer->fsm.updates_malformed;
	}
	return true;
}

/* Read what there is, a few bites. False: the connection is gone. */
static bool connection_receive(struct connection *c)
{
	struct peer *peer = c->peer;

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
			peer->error = got < 0 ? errno : 0;
			peer_happens(peer, BGP_EVENT_TCP_CLOSED);
			return peer->connection == c;
		}
		c->in_size += (size_t)got;
		if (!connection_consume(c)) {
			return false;
		}
	}
	return true;
}

static void connection_connected(struct connection *c)
{
	struct peer *peer = c->peer;
	socklen_t size = sizeof(peer->error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &peer->error, &size) != 0) {
		peer->error = errno;
	}
	if (peer->error != 0) {
		peer_happens(peer, BGP_EVENT_TCP_FAILED);
		return;
	}
	c->is_connecting = false;
	connection_poll(c);
	peer_happens(peer, BGP_EVENT_TCP_UP);
}

static void on_io(uv_poll_t *poll, int status, int events)
{
	struct connection *c = (struct connection *)poll;
	struct speaker *speaker = c->speaker;

	(void)status; /* a broken socket says so when it is read */
	(void)events;
	if (c->peer == NULL) {
		linger_step(c, clock_monotonic_ns());
	} else if (c->is_connecting) {
		connection_connected(c);
	} else {
		connection_receive(c);
	}
	pass(speaker);
}

/* --- listening ------------------------------------------------------------ */

static bool listens_for(const struct listener *listener,
			const struct speaker_peer *peer)
{
	struct address at = peer->source;

	if (!peer->passive) {
		return false;
	}
	at.port = peer->address.port;
	if (at.family == 0) {
		at.family = peer->address.family;
	}
	return address_equal(&at, &listener->address);
}

static struct peer *listener_find_peer(const struct listener *listener,
				       const struct address *from)
{
	struct speaker *speaker = listener->speaker;

	for (size_t i = 0; i < speaker->peer_count; i++) {
		struct peer *peer = &speaker->peers[i];
		struct address address = peer->config.address;

		address.port = from->port;
		if (listens_for(listener, &peer->config) &&
		    address_equal(&address, from)) {
			return peer;
		}
	}
	return NULL;
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

static void peer_adopt(struct peer *peer, int fd)
{
	if (peer->connection != NULL) {
		/* The end of the old one may wait in its socket still. */
		connection_receive(peer->connection);
	}
	if (peer->fsm.state >= BGP_OPEN_SENT &&
	    peer->fsm.state < BGP_ESTABLISHED) {
		/* The peer has given up on it, or it would not call again. */
		peer_happens(peer, BGP_EVENT_COLLISION);
	}
	if (peer->fsm.state != BGP_ACTIVE) {
		refuse(fd, peer->fsm.state == BGP_ESTABLISHED
				   ? BGP_CEASE_COLLISION
				   : BGP_CEASE_REJECTED);
		return;
	}
	if (!speaker_socket_adopt(fd, &peer->config, peer->is_internal)) {
		log_error("peer %s: cannot set its socket: %s", peer->name,
			  strerrordesc_np(errno));
		close(fd);
		return;
	}
	peer->what = NULL;
	peer->error = 0;
	peer->connection = connection_new(peer, fd);
	if (peer->connection == NULL) {
		return;
	}
	connection_poll(peer->connection);
	peer_happens(peer, BGP_EVENT_TCP_UP);
}

static void on_listen(uv_poll_t *poll, int status, int events)
{
	struct listener *listener = (struct listener *)poll;

	(void)status;
	(void)events;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		struct sockaddr_storage name;
		socklen_t size = sizeof(name);
		struct address from;
		struct peer *peer;
		int fd = accept4(listener->fd, (struct sockaddr *)&name, &size,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			break;
		}
		if (fd < 0 && (errno == EMFILE || errno == ENFILE ||
			       errno == ENOBUFS || errno == ENOMEM)) {
			/* It would be ready again at once, for ever. */
			uv_poll_stop(&listener->poll);
			listener->paused_until =
				clock_monotonic_ns() + LISTEN_PAUSE_NS;
			break;
		}
		if (fd < 0) {
			continue;
		}
		if (address_from_sockaddr(&from, (struct sockaddr *)&name) !=
			    STATUS_OK ||
		    (peer = listener_find_peer(listener, &from)) == NULL) {
			close(fd);
			continue;
		}
		peer_adopt(peer, fd);
	}
	pass(listener->speaker);
}

static void listener_resume(struct listener *listener, uint64_t now)
{
	if (listener->paused_until != 0 && now >= listener->paused_until) {
		listener->paused_until = 0;
		uv_poll_start(&listener->poll, UV_READABLE, on_listen);
	}
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

/* What other threads have asked for since the last pass. */
static void offers_take(struct speaker *speaker, uint64_t now)
{
	struct table table = {0};
	uint64_t offer = 0;
	uint64_t lease = 0;
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
		speaker->pending = (struct table){0};
		speaker->has_pending = false;
	}
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
	bool is_up = peer->fsm.state == BGP_ESTABLISHED;
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
	s->state = peer->fsm.state;
	s->families = is_up ? peer->fsm.families & peer->config.families : 0;
	s->hold_s = is_up ? peer->fsm.hold_s : 0;
	s->since_ns = peer->since;
	s->is_settled = bgp_rib_is_settled(peer->rib);
	s->is_acknowledged = peer_is_confirmed(peer);
	s->is_unconfirmed = peer->unconfirmed_until != 0;
	s->updates_received = peer->fsm.updates_received;
	s->routes_received = peer->fsm.routes_received;
	s->established_count = peer->established_count;
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

static void peer_timers(struct peer *peer, uint64_t now)
{
	struct bgp_event event;
	bool has_read = false;

	memset(&event, 0, sizeof(event));
	while (bgp_fsm_due(&peer->fsm, now, &event)) {
		/*
		 * If this process stood still, the peer's KEEPALIVEs wait in
		 * the socket: read before judging its silence.
		 */
		if (event.type == BGP_EVENT_HOLD_EXPIRED && !has_read) {
			has_read = true;
			connection_receive(peer->connection);
			continue;
		}
		peer_event(peer, &event);
	}
	if (peer->unconfirmed_until != 0 && now >= peer->unconfirmed_until) {
		peer->unconfirmed_until = 0;
	}
}

/* BFD has seen the peer die: its TCP would need the hold time to notice. */
static void peer_watch_bfd(struct peer *peer)
{
	struct bfd *bfd = peer->speaker->bfd;
	uint32_t falls = bfd != NULL ? bfd_falls(bfd, peer->index) : 0;

	if (falls != peer->bfd_falls) {
		peer->bfd_falls = falls;
		peer_happens(peer, BGP_EVENT_BFD_DOWN);
	}
}

/* Tell, and say in the log what was new in it. */
static void peer_reconcile(struct peer *peer, uint64_t now)
{
	struct prefix before[SPEAKER_ROUTES_MAX];
	struct prefix after[SPEAKER_ROUTES_MAX];
	size_t before_count;
	size_t after_count;
	size_t gone = 0;
	size_t come = 0;
	size_t i = 0;
	size_t k = 0;

	if (peer->fsm.state != BGP_ESTABLISHED ||
	    bgp_rib_is_settled(peer->rib)) {
		peer_tell(peer, now);
		return;
	}
	before_count = bgp_rib_told(peer->rib, before, SPEAKER_ROUTES_MAX);
	peer_tell(peer, now);
	if (peer->fsm.state != BGP_ESTABLISHED) {
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

static void peer_stop(struct peer *peer)
{
	struct bgp_event event;

	if (!peer->fsm.is_wanted) {
		return;
	}
	memset(&event, 0, sizeof(event));
	event.type = BGP_EVENT_STOP;
	bgp_cease(&event.notification, BGP_CEASE_SHUTDOWN,
		  peer->speaker->cease_text);
	peer_event(peer, &event);
}

/*
 * Peers whose withdrawals have been acknowledged part; then the farewells end.
 */
static void stop_step(struct speaker *speaker, uint64_t now)
{
	bool is_over = true;

	if (speaker->stage == STAGE_WITHDRAW) {
		for (size_t i = 0; i < speaker->peer_count; i++) {
			struct peer *peer = &speaker->peers[i];

			if (peer->fsm.state != BGP_ESTABLISHED ||
			    peer_is_confirmed(peer) ||
			    now >= speaker->stage_until) {
				peer_stop(peer);
			}
			is_over = is_over && !peer->fsm.is_wanted;
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
	pass(timer->data);
}

/* One timer over everything that has a time. */
static void timer_arm(struct speaker *speaker, uint64_t now)
{
	uint64_t at = now + SPEAKER_TICK_MS * MILLISECOND;

	if (speaker->is_lock_missed) {
		deadline_take(&at, now + MILLISECOND);
	}
	if (!speaker->is_lease_over) {
		deadline_take(&at, speaker->lease_until);
	}
	for (size_t i = 0; i < speaker->peer_count; i++) {
		const struct peer *peer = &speaker->peers[i];

		deadline_take(&at, bgp_fsm_deadline(&peer->fsm));
		deadline_take(&at, peer->withdraw_until);
		deadline_take(&at, peer->ack_poll_at);
		deadline_take(&at, peer->unconfirmed_until);
	}
	for (const struct connection *c = speaker->lingering; c != NULL;
	     c = c->next) {
		deadline_take(&at, c->linger_until);
	}
	if (speaker->stage == STAGE_WITHDRAW) {
		deadline_take(&at, speaker->stage_until);
	}
	uv_update_time(&speaker->loop);
	uv_timer_start(
		&speaker->timer, on_timer,
		at > now ? (at - now + MILLISECOND - 1) / MILLISECOND : 0, 0);
}

static void pass(struct speaker *speaker)
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
	pass(speaker);
}

static void wake(const struct speaker *speaker)
{
	static const uint64_t one = 1;

	if (write(speaker->wake_fd, &one, sizeof(one)) < 0) {
		/* Full: it is awake already. */
	}
}

/* Close what is open still, and let the loop run dry. */
static void loop_end(struct speaker *speaker)
{
	struct connection *next;

	for (size_t i = 0; i < speaker->peer_count; i++) {
		if (speaker->peers[i].connection != NULL) {
			connection_end(speaker->peers[i].connection, false);
			speaker->peers[i].connection = NULL;
		}
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

	for (size_t i = 0; i < speaker->peer_count; i++) {
		peer_happens(&speaker->peers[i], BGP_EVENT_START);
	}
	pass(speaker);
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

static struct listener *listener_get(struct speaker *speaker,
				     const struct speaker_peer *peer)
{
	for (size_t i = 0; i < speaker->listener_count; i++) {
		if (listens_for(&speaker->listeners[i], peer)) {
			return &speaker->listeners[i];
		}
	}
	return NULL;
}

static enum status listener_open(struct speaker *speaker,
				 const struct peer *peer)
{
	struct listener *listener =
		&speaker->listeners[speaker->listener_count];
	const char *what = NULL;
	char text[ADDRESS_TEXT_MAX];

	listener->speaker = speaker;
	listener->address = peer->config.source;
	listener->address.family = peer->config.address.family;
	listener->address.port = peer->config.address.port;
	listener->fd = speaker_socket_listen(&listener->address, &what);
	if (listener->fd < 0) {
		log_error("peer %s: %s on %s: %s", peer->name, what,
			  address_dump(&listener->address, text),
			  strerrordesc_np(errno));
		return status_from_errno(errno);
	}
	if (uv_poll_init(&speaker->loop, &listener->poll, listener->fd) != 0) {
		close(listener->fd);
		return STATUS_NO_MEMORY;
	}
	uv_poll_start(&listener->poll, UV_READABLE, on_listen);
	speaker->listener_count++;
	return STATUS_OK;
}

static enum status listeners_open(struct speaker *speaker)
{
	for (size_t i = 0; i < speaker->peer_count; i++) {
		const struct peer *peer = &speaker->peers[i];
		struct listener *listener;
		enum status status;

		if (!peer->config.passive) {
			continue;
		}
		listener = listener_get(speaker, &peer->config);
		if (listener == NULL) {
			status = listener_open(speaker, peer);
			if (status != STATUS_OK) {
				return status;
			}
			listener = &speaker->listeners[speaker->listener_count -
						       1];
		}
		if (!speaker_socket_set_key(listener->fd, &peer->config)) {
			log_error("peer %s: cannot set the password "
				  "(TCP-MD5): %s",
				  peer->name, strerrordesc_np(errno));
			return status_from_errno(errno);
		}
	}
	return STATUS_OK;
}

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
	free(speaker->published);
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

/* Fill in one peer. False: error holds the line. */
static bool peer_init(struct speaker *speaker, size_t index,
		      const struct speaker_config *config, char *error,
		      size_t error_size)
{
	struct peer *peer = &speaker->peers[index];
	struct bgp_fsm_config fsm;
	const char *fault;

	peer->speaker = speaker;
	peer->index = index;
	peer->config = config->peers[index];
	peer_defaults(&peer->config, config);
	peer_name(&peer->config, peer->name);
	fault = peer_fault(&peer->config);
	for (size_t i = 0; fault == NULL && i < index; i++) {
		if (address_equal(&speaker->peers[i].config.address,
				  &peer->config.address)) {
			fault = "address: stands there twice";
		}
	}
	peer->rib = fault == NULL ? bgp_rib_new() : NULL;
	if (fault == NULL && peer->rib == NULL) {
		fault = status_text(STATUS_NO_MEMORY);
	}
	if (fault != NULL) {
		snprintf(error, error_size, "peer %s: %s", peer->name, fault);
		return false;
	}
	peer->is_internal = peer->config.as == peer->config.local_as;
	fsm = (struct bgp_fsm_config){
		.local_as = peer->config.local_as,
		.peer_as = peer->config.as,
		.router_id = peer->config.router_id,
		.hold_s = peer->config.hold_s,
		.families = peer->config.families,
		.role = peer->config.role,
		.is_role_strict = peer->config.is_role_strict,
		.is_passive = peer->config.passive,
		.allow_no_hold = peer->config.hold_s == 0,
		.retry_min = config->retry_min,
		.retry_max = config->retry_max,
	};
	bgp_fsm_init(&peer->fsm, &fsm);
	peer->since = clock_monotonic_ns();
	speaker->published[index].status.address = peer->config.address;
	speaker->published[index].status.as = peer->config.as;
	return true;
}

static bool speaker_allocate(struct speaker *speaker, size_t peer_count)
{
	size_t count = peer_count > 0 ? peer_count : 1;

	speaker->peer_count = peer_count;
	speaker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	speaker->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	speaker->peers = calloc(count, sizeof(*speaker->peers));
	speaker->published = calloc(count, sizeof(*speaker->published));
	speaker->listeners = calloc(count, sizeof(*speaker->listeners));
	return speaker->wake_fd >= 0 && speaker->event_fd >= 0 &&
	       speaker->peers != NULL && speaker->published != NULL &&
	       speaker->listeners != NULL;
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
	speaker->is_lease_over = true; /* nothing is offered yet */
	speaker->published_lease_over = true;
	if (getrandom(&speaker->random, sizeof(speaker->random),
		      GRND_NONBLOCK) != sizeof(speaker->random) ||
	    speaker->random == 0) {
		speaker->random = clock_monotonic_ns() | 1;
	}
	for (size_t i = 0; i < config->peer_count; i++) {
		if (!peer_init(speaker, i, config, error, error_size)) {
			speaker_free(speaker);
			return NULL;
		}
	}
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
	pthread_mutex_unlock(&speaker->lock);
	/* Behind the unlock: who wakes up must find the lock free. */
	wake(speaker);
	free(old);
	return offer;
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
