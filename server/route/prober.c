/*
 * prober.c - see prober.h.
 *
 * Plain non-blocking sockets and uv_poll: a probe is one datagram, or one
 * connect, one write and a few reads, and what matters is to see each errno,
 * since 'refused' and 'no answer' mean different things to health. When a round
 * ends, sockets are read once more before silence is called: after a delay of our
 * own (a suspended host, a slow log) the answers have long been there.
 *
 * A TCP probe that has its answer is reset, not closed: five connections a
 * second would otherwise leave hundreds of sockets in TIME_WAIT.
 */
#include "server/route/prober.h"

#include "lib/base/clock.h"
#include "lib/base/wire.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	STRANGERS_MAX = 16, /* datagrams of others read in one go */
};

/* One question on its way. Lives until its handle is closed. */
struct attempt {
	uv_poll_t poll;
	struct prober *prober; /* NULL once it has its verdict */
	size_t target;
	int fd;
	uint16_t id;
	uint64_t started_ns;
	bool is_tcp;
	bool is_asked; /* TCP: connected, the question written */
	size_t query_size;
	size_t reply_size; /* TCP: octets read so far, length included */
	uint8_t query[2 + PROBE_QUERY_MAX];
	uint8_t reply[2 + PROBE_REPLY_MAX];
};

struct prober {
	uv_loop_t *loop;
	uv_timer_t rounds;
	uv_timer_t timeout;
	unsigned handles; /* open ones of the two; freed when 0 */
	struct prober_target *targets;
	struct attempt **attempts; /* one a target; NULL: none on its way */
	size_t count;
	uint32_t interval_ms;
	uint32_t timeout_ms;
	uint32_t latency_ms; /* 0: no limit */
	char identity[PROBE_NSID_MAX + 1];
	prober_func func;
	void *context;
};

static void on_attempt_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* The verdict is there: close, then tell. */
static void finish(struct attempt *attempt, const struct probe_reply *reply)
{
	struct prober *prober = attempt->prober;
	struct prober_result result = {
		.reply = *reply,
		.duration_us =
			(clock_monotonic_ns() - attempt->started_ns) / 1000,
	};

	probe_reply_limit(&result.reply, result.duration_us,
			  prober->latency_ms);
	prober->attempts[attempt->target] = NULL;
	attempt->prober = NULL;
	uv_close((uv_handle_t *)&attempt->poll, on_attempt_closed);
	if (attempt->is_tcp) {
		const struct linger reset = {.l_onoff = 1};

		setsockopt(attempt->fd, SOL_SOCKET, SO_LINGER, &reset,
			   sizeof(reset));
	}
	close(attempt->fd);
	prober->func(prober->context, attempt->target, &result);
}

static void finish_bad(struct attempt *attempt, enum probe_verdict verdict,
		       const char *reason)
{
	struct probe_reply reply = {.verdict = verdict};

	snprintf(reply.reason, sizeof(reply.reason), "%s", reason);
	finish(attempt, &reply);
}

/*
 * Errors by which the network says that nobody is there. All others may come
 * from a server that is too busy.
 */
static enum probe_verdict errno_verdict(int error)
{
	switch (error) {
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EADDRNOTAVAIL:
	case EACCES:
	case EPERM:
		return PROBE_WRONG;
	default:
		return PROBE_SILENT;
	}
}

static void finish_errno(struct attempt *attempt, int error)
{
	finish_bad(attempt, errno_verdict(error), strerror(error));
}

static bool judge(struct attempt *attempt, const uint8_t *data, size_t size)
{
	struct prober *prober = attempt->prober;
	struct probe_reply reply;

	if (!probe_reply_read(&reply, data, size, attempt->id,
			      prober->targets[attempt->target].question,
			      prober->identity)) {
		return false;
	}
	finish(attempt, &reply);
	return true;
}

static void read_udp(struct attempt *attempt)
{
	for (unsigned i = 0; i < STRANGERS_MAX; i++) {
		ssize_t size = recv(attempt->fd, attempt->reply,
				    sizeof(attempt->reply), MSG_DONTWAIT);

		if (size < 0) {
			if (errno != EAGAIN && errno != EINTR) {
				finish_errno(attempt, errno);
			}
			return;
		}
		if (judge(attempt, attempt->reply, (size_t)size)) {
			return;
		}
	}
}

static void read_tcp(struct attempt *attempt)
{
	for (;;) {
		size_t room = sizeof(attempt->reply) - attempt->reply_size;
		ssize_t size =
			recv(attempt->fd, attempt->reply + attempt->reply_size,
			     room, MSG_DONTWAIT);
		size_t length;

		if (size < 0) {
			if (errno != EAGAIN && errno != EINTR) {
				finish_errno(attempt, errno);
			}
			return;
		}
		if (size == 0) {
			/* A server at its limits closes so. */
			finish_bad(attempt, PROBE_SILENT,
				   "connection closed without an answer");
			return;
		}
		attempt->reply_size += (size_t)size;
		if (attempt->reply_size < 2) {
			continue;
		}
		length = wire_get16(attempt->reply);
		if (length > PROBE_REPLY_MAX) {
			finish_bad(attempt, PROBE_WRONG,
				   "answer is far too long");
			return;
		}
		if (attempt->reply_size < 2 + length) {
			continue;
		}
		if (!judge(attempt, attempt->reply + 2, length)) {
			finish_bad(attempt, PROBE_WRONG,
				   "answer to another question");
		}
		return;
	}
}

static void on_poll(uv_poll_t *poll, int status, int events);

/* TCP: the connection stands, or has failed. */
static void ask_tcp(struct attempt *attempt)
{
	int error = 0;
	socklen_t size = sizeof(error);

	getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error != 0) {
		finish_errno(attempt, error);
		return;
	}
	if (send(attempt->fd, attempt->query, attempt->query_size,
		 MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)attempt->query_size) {
		finish_errno(attempt, errno);
		return;
	}
	attempt->is_asked = true;
	uv_poll_start(&attempt->poll, UV_READABLE, on_poll);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct attempt *attempt = poll->data;

	/* An error shows at the socket itself, with its errno. */
	(void)status;
	(void)events;
	if (!attempt->is_tcp) {
		read_udp(attempt);
	} else if (attempt->is_asked) {
		read_tcp(attempt);
	} else {
		ask_tcp(attempt);
	}
}

/* Open, connect, ask. False with errno: nothing is on its way. */
static bool attempt_open(struct attempt *attempt,
			 const struct prober_target *target)
{
	struct sockaddr_storage to;
	socklen_t size = address_to_sockaddr(&target->address, &to);
	int type = target->is_tcp ? SOCK_STREAM : SOCK_DGRAM;
	int one = 1;

	attempt->fd = socket(target->address.family,
			     type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (attempt->fd < 0) {
		return false;
	}
	if (target->is_tcp) {
		setsockopt(attempt->fd, IPPROTO_TCP, TCP_NODELAY, &one,
			   sizeof(one));
	}
	if (connect(attempt->fd, (struct sockaddr *)&to, size) != 0 &&
	    errno != EINPROGRESS) {
		return false;
	}
	if (!target->is_tcp) {
		if (send(attempt->fd, attempt->query + 2,
			 attempt->query_size - 2, MSG_DONTWAIT) < 0) {
			return false;
		}
	}
	return true;
}

static void begin(struct prober *prober, size_t index)
{
	const struct prober_target *target = &prober->targets[index];
	struct prober_result result = {.reply.verdict = PROBE_SILENT};
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	int error = ENOMEM;

	if (attempt == NULL) {
		goto bad;
	}
	attempt->fd = -1;
	attempt->prober = prober;
	attempt->target = index;
	attempt->is_tcp = target->is_tcp;
	attempt->started_ns = clock_monotonic_ns();
	if (getrandom(&attempt->id, sizeof(attempt->id), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(attempt->id)) {
		error = errno;
		goto bad;
	}
	attempt->query_size =
		2 + probe_query_write(attempt->query + 2, attempt->id,
				      target->question);
	wire_put16(attempt->query, (uint16_t)(attempt->query_size - 2));
	if (!attempt_open(attempt, target)) {
		error = errno;
		goto bad;
	}
	if (uv_poll_init(prober->loop, &attempt->poll, attempt->fd) != 0) {
		goto bad;
	}
	attempt->poll.data = attempt;
	prober->attempts[index] = attempt;
	uv_poll_start(&attempt->poll,
		      target->is_tcp ? UV_WRITABLE : UV_READABLE, on_poll);
	return;
bad:
	result.reply.verdict = errno_verdict(error);
	snprintf(result.reply.reason, sizeof(result.reply.reason), "%s",
		 strerror(error));
	if (attempt != NULL && attempt->fd >= 0) {
		close(attempt->fd);
	}
	free(attempt);
	prober->func(prober->context, index, &result);
}

/* What has no answer by now is silent; but look once more. */
static void end_round(struct prober *prober)
{
	for (size_t i = 0; i < prober->count; i++) {
		struct attempt *attempt = prober->attempts[i];

		if (attempt == NULL) {
			continue;
		}
		if (attempt->is_tcp && !attempt->is_asked) {
			finish_bad(attempt, PROBE_SILENT,
				   "no connection in time");
			continue;
		}
		on_poll(&attempt->poll, 0, 0);
		if (prober->attempts[i] != NULL) {
			finish_bad(attempt, PROBE_SILENT, "no answer in time");
		}
	}
}

static void on_timeout(uv_timer_t *timer)
{
	end_round(timer->data);
}

static void on_round(uv_timer_t *timer)
{
	struct prober *prober = timer->data;

	end_round(prober);
	for (size_t i = 0; i < prober->count; i++) {
		begin(prober, i);
	}
	if (prober->timeout_ms < prober->interval_ms) {
		uv_timer_start(&prober->timeout, on_timeout, prober->timeout_ms,
			       0);
	}
}

struct prober *prober_new(uv_loop_t *loop, const struct prober_target *targets,
			  size_t count, uint32_t interval_ms,
			  uint32_t timeout_ms, prober_func func, void *context)
{
	struct prober *prober = calloc(1, sizeof(*prober));

	assert(timeout_ms <= interval_ms && count > 0);
	if (prober == NULL) {
		return NULL;
	}
	prober->targets = malloc(count * sizeof(*targets));
	prober->attempts = calloc(count, sizeof(*prober->attempts));
	if (prober->targets == NULL || prober->attempts == NULL) {
		free(prober->targets);
		free(prober->attempts);
		free(prober);
		return NULL;
	}
	memcpy(prober->targets, targets, count * sizeof(*targets));
	prober->count = count;
	prober->loop = loop;
	prober->interval_ms = interval_ms;
	prober->timeout_ms = timeout_ms;
	prober->func = func;
	prober->context = context;
	uv_timer_init(loop, &prober->rounds);
	uv_timer_init(loop, &prober->timeout);
	prober->rounds.data = prober;
	prober->timeout.data = prober;
	prober->handles = 2;
	return prober;
}

void prober_start(struct prober *prober)
{
	if (!uv_is_active((uv_handle_t *)&prober->rounds)) {
		uv_timer_start(&prober->rounds, on_round, 0,
			       prober->interval_ms);
	}
}

static void drop_all(struct prober *prober)
{
	for (size_t i = 0; i < prober->count; i++) {
		struct attempt *attempt = prober->attempts[i];

		if (attempt != NULL) {
			uv_close((uv_handle_t *)&attempt->poll,
				 on_attempt_closed);
			close(attempt->fd);
			prober->attempts[i] = NULL;
		}
	}
}

void prober_pause(struct prober *prober)
{
	uv_timer_stop(&prober->rounds);
	uv_timer_stop(&prober->timeout);
	drop_all(prober);
}

void prober_limit(struct prober *prober, uint32_t latency_ms)
{
	prober->latency_ms = latency_ms;
}

void prober_expect(struct prober *prober, const char *identity)
{
	snprintf(prober->identity, sizeof(prober->identity), "%s",
		 identity != NULL ? identity : "");
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct prober *prober = handle->data;

	if (--prober->handles == 0) {
		free(prober->targets);
		free(prober->attempts);
		free(prober);
	}
}

void prober_free(struct prober *prober)
{
	if (prober == NULL) {
		return;
	}
	drop_all(prober);
	uv_close((uv_handle_t *)&prober->rounds, on_timer_closed);
	uv_close((uv_handle_t *)&prober->timeout, on_timer_closed);
}
