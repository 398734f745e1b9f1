#include "server/route/control_route.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "server/route/control_answers.h"
#include "server/route/decider.h"
#include "server/route/log_thread.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	BACKLOG = 128,
};

/* One connection: a request is read, answered, and only then the next. */
struct client {
	uv_pipe_t pipe;
	uv_timer_t idle;
	uv_write_t write;
	unsigned handles; /* open ones of pipe and idle */
	struct control_route *control;
	struct client *next;
	char *reply; /* being written; NULL: none */
	size_t size; /* octets read of the line */
	char line[CONTROL_ROUTE_LINE_MAX];
};

struct control_route {
	uv_pipe_t listener;
	struct decider *decider;
	struct client *clients;
	size_t client_count;
	bool is_closed; /* the listener's handle */
	char *path;
};

/* --- replies -------------------------------------------------------------- */

json_t *control_refuse(const char *format, ...)
{
	char text[CONTROL_ROUTE_ERROR_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return json_pack("{s:b, s:s}", "ok", 0, "error", text);
}

/* Text that may be no UTF-8: what is not ASCII becomes '?'. */
static json_t *show_text(const char *text)
{
	char safe[DECIDER_REASON_MAX];
	size_t i;

	for (i = 0; text[i] != '\0' && i + 1 < sizeof(safe); i++) {
		safe[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	}
	safe[i] = '\0';
	return json_string(safe);
}

/* An NSID as text, or its octets in hexadecimal where it is none. */
static json_t *show_nsid(const struct probe_reply *reply)
{
	char text[2 * PROBE_NSID_MAX + 1];
	bool is_text = true;

	for (size_t i = 0; i < reply->nsid_size; i++) {
		is_text &= reply->nsid[i] >= 0x20 && reply->nsid[i] < 0x7f;
	}
	if (is_text) {
		return json_stringn((const char *)reply->nsid,
				    reply->nsid_size);
	}
	for (size_t i = 0; i < reply->nsid_size; i++) {
		snprintf(text + 2 * i, 3, "%02x", reply->nsid[i]);
	}
	return json_string(text);
}

static json_t *show_probe(const struct decider *decider,
			  const struct decider_prefix *prefix, size_t index)
{
	static const char *const verdicts[] = {
		[PROBE_GOOD] = "good",
		[PROBE_SILENT] = "silent",
		[PROBE_WRONG] = "wrong",
	};
	const struct decider_target *target =
		&decider->targets[prefix->targets[index]];
	const struct health_target *counts = &prefix->health.targets[index];
	const struct probe_reply *reply = &target->result.reply;
	const struct config_question *question =
		&decider->config->questions[target->question];
	char address[ADDRESS_TEXT_MAX];
	json_t *probe = json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:I}", "address",
		address_dump(&decider->config->probes[target->probe].address,
			     address),
		"transport", target->is_tcp ? "tcp" : "udp", "question",
		question->question.text, "result",
		target->has_result ? verdicts[reply->verdict] : "none",
		"good_in_a_row", (json_int_t)counts->good, "bad_in_a_row",
		(json_int_t)counts->bad);

	if (question->zone != CONFIG_ROUTE_NO_ZONE) {
		json_object_set_new(
			probe, "zone",
			json_string(
				decider->config->zones[question->zone].text));
	}
	if (!target->has_result) {
		return probe;
	}
	json_object_set_new(
		probe, "duration_us",
		json_integer((json_int_t)target->result.duration_us));
	if (reply->reason[0] != '\0') {
		json_object_set_new(probe, "reason",
				    json_string(reply->reason));
	}
	if (reply->has_serial) {
		json_object_set_new(probe, "serial",
				    json_integer(reply->serial));
	}
	if (reply->nsid_size > 0) {
		json_object_set_new(probe, "nsid", show_nsid(reply));
	}
	return probe;
}

static json_t *show_command(const struct decider *decider,
			    const struct decider_prefix *prefix, size_t index)
{
	size_t command = prefix->targets[index];
	const struct decider_command *state = &decider->command_states[command];
	const struct health_target *counts = &prefix->health.targets[index];

	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:b}", "run",
			 decider->config->commands[command].arguments[0],
			 "result",
			 state->runs == 0 ? "none"
			 : state->is_good ? "good"
					  : "bad",
			 "reason", state->reason, "good_in_a_row",
			 (json_int_t)counts->good, "bad_in_a_row",
			 (json_int_t)counts->bad, "shared", counts->is_shared);
}

static json_int_t ms_left(uint64_t until, uint64_t now)
{
	return until > now ? (json_int_t)(until - now) : 0;
}

/* Why a prefix that is wished for is not announced, or NULL. */
static const char *untold_reason(const struct decider *decider, size_t index)
{
	if (decider_state(decider, index) != POLICY_WITHDRAWN ||
	    decider->prefixes[index].state == POLICY_WITHDRAWN) {
		return NULL;
	}
	return decider->speaker == NULL
		       ? "healthy, but this is a dry run: nobody is told"
		       : "healthy, but no peer has been told: none is "
			 "established that takes it";
}

static json_t *show_prefix(const struct decider *decider, size_t index,
			   uint64_t now)
{
	const struct decider_prefix *prefix = &decider->prefixes[index];
	const struct health *health = &prefix->health;
	const struct drain *drain = &decider->prefix_drains[index];
	char name[PREFIX_TEXT_MAX];
	const char *untold = untold_reason(decider, index);
	enum policy_state state = decider_state(decider, index);
	uint64_t since = untold != NULL && prefix->told_since != 0
				 ? prefix->told_since
				 : prefix->state_since;
	char reason[DECIDER_REASON_MAX];
	json_t *probes = json_array();
	json_t *commands = json_array();
	json_t *shown;

	for (size_t i = 0; i < health->target_count; i++) {
		json_array_append_new(
			health->targets[i].group == HEALTH_COMMANDS ? commands
								    : probes,
			health->targets[i].group == HEALTH_COMMANDS
				? show_command(decider, prefix, i)
				: show_probe(decider, prefix, i));
	}
	shown = json_pack(
		"{s:s, s:s, s:I, s:b, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:o}",
		"prefix",
		prefix_dump(&decider->config->prefixes[index].prefix, name),
		"state", policy_state_text(state), "since_ms",
		(json_int_t)(since != 0 && now > since ? now - since : 0),
		"healthy", health_is_up(health), "health",
		health_state_text(health->state), "reason",
		untold != NULL ? untold : decider_why(decider, index, reason),
		"good_rounds", (json_int_t)health_good_rounds(health),
		"failures", (json_int_t)health->failures, "hold_down_left_ms",
		ms_left(health->hold_until, now), "hold_down_ms",
		(json_int_t)health->hold_down_ms, "drained",
		drain->phase != DRAIN_NONE, "probes", probes);
	json_object_set_new(shown, "commands", commands);
	json_object_set_new(shown, "desired",
			    json_string(policy_state_text(prefix->state)));
	json_object_set_new(shown, "told_peers",
			    json_integer((json_int_t)prefix->told_peers));
	json_object_set_new(
		shown, "announce_in_ms",
		json_integer((json_int_t)health_wait_ms(health, now)));
	if (health->shared_since != 0) {
		json_object_set_new(
			shown, "shared_fault",
			json_pack("{s:o, s:I, s:I, s:b}", "reason",
				  show_text(decider_shared_reason(
					  decider, index, reason)),
				  "since_ms",
				  (json_int_t)(now - health->shared_since),
				  "grace_left_ms",
				  ms_left(health->shared_since +
						  health->shared_grace_ms,
					  now),
				  "acted_on", health_is_shared(health, now)));
	}
	if (drain->phase != DRAIN_NONE) {
		json_object_set_new(
			shown, "drain_reason",
			show_text(decider_why(decider, index, reason)));
	}
	if (drain->phase == DRAIN_RUNNING) {
		json_object_set_new(shown, "drain_left_ms",
				    json_integer(ms_left(drain->until, now)));
	}
	return shown;
}

/* A service is as well as the least well of its prefixes. */
static json_t *show_service(const struct decider *decider, size_t service,
			    uint64_t now)
{
	const struct config_route *config = decider->config;
	json_t *prefixes = json_array();
	char reason[DECIDER_REASON_MAX] = "healthy";
	bool is_healthy = true;
	bool is_overloaded = false;

	for (size_t i = 0; i < config->prefix_count; i++) {
		const struct health *health = &decider->prefixes[i].health;

		if (config->prefixes[i].service != service) {
			continue;
		}
		if (is_healthy && health->state != HEALTH_HEALTHY) {
			decider_reason(decider, i, reason);
		}
		is_healthy &= health_is_up(health);
		is_overloaded |= health->state == HEALTH_OVERLOAD;
		json_array_append_new(prefixes, show_prefix(decider, i, now));
	}
	return json_pack("{s:s, s:b, s:b, s:s, s:o}", "name",
			 config->services[service].name, "healthy", is_healthy,
			 "overload", is_overloaded, "reason", reason,
			 "prefixes", prefixes);
}

static json_t *show_families(unsigned families)
{
	json_t *list = json_array();

	if ((families & BGP_IPV4) != 0) {
		json_array_append_new(list, json_string("ipv4"));
	}
	if ((families & BGP_IPV6) != 0) {
		json_array_append_new(list, json_string("ipv6"));
	}
	return list;
}

static void show_bfd(const struct decider *decider, size_t index, json_t *shown)
{
	struct bfd_peer_status bfd;

	bfd_status(decider->bfd, index, &bfd);
	if (!bfd.is_configured) {
		return;
	}
	json_object_set_new(
		shown, "bfd",
		json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}",
			  "state", bfd_state_text(bfd.state), "remote_state",
			  bfd_state_text(bfd.remote_state), "diagnostic",
			  bfd_diagnostic_text(bfd.diagnostic), "held",
			  bfd_hold_text(bfd.hold), "detection_ms",
			  (json_int_t)bfd.detection_ms, "falls",
			  (json_int_t)bfd.falls, "received",
			  (json_int_t)bfd.received, "sent",
			  (json_int_t)bfd.sent, "rejected",
			  (json_int_t)bfd.rejected));
}

/* Why it is drained or disabled. */
static void show_peer_reason(const struct decider *decider, size_t index,
			     json_t *shown)
{
	for (int i = OVERRIDE_ACTIONS - 1; i >= 0; i--) {
		const struct override *override = overrides_of_peer(
			decider->overrides, (enum override_action)i, index);

		if (override != NULL) {
			json_object_set_new(shown, "reason",
					    show_text(override->reason));
			return;
		}
	}
}

static json_t *show_peer(const struct decider *decider, size_t index,
			 const struct speaker_peer_status *peer)
{
	json_t *prefixes = json_array();
	struct address address = peer->address;
	char text[ADDRESS_TEXT_MAX];
	json_t *shown;

	for (size_t i = 0; i < peer->announced && peer->prefixes != NULL; i++) {
		char name[PREFIX_TEXT_MAX];

		json_array_append_new(
			prefixes,
			json_string(prefix_dump(&peer->prefixes[i], name)));
	}
	address.port = 0;
	shown = json_pack(
		"{s:s, s:I, s:s, s:o, s:I, s:o, s:I, s:I, s:b, s:b, s:b, s:I, "
		"s:I}",
		"address", address_dump(&address, text), "as",
		(json_int_t)peer->as, "state", peer->state_text, "families",
		show_families(peer->families), "announced",
		(json_int_t)peer->announced, "prefixes", prefixes, "hold_s",
		(json_int_t)peer->hold_s, "since_ms",
		(json_int_t)((clock_monotonic_ns() - peer->since_ns) / 1000000),
		"settled", peer->is_settled, "unconfirmed",
		peer->is_unconfirmed, "drained",
		decider->peer_drains[index].phase != DRAIN_NONE,
		"established_count", (json_int_t)peer->established_count,
		"routes_received", (json_int_t)peer->routes_received);
	json_object_set_new(shown, "acknowledged",
			    json_boolean(peer->is_acknowledged));
	if (peer->is_unconfirmed) {
		json_object_set_new(
			shown, "unconfirmed_left_ms",
			json_integer(ms_left(peer->unconfirmed_until_ns,
					     clock_monotonic_ns()) /
				     1000000));
	}
	json_object_set_new(shown, "disabled", json_boolean(peer->is_disabled));
	show_peer_reason(decider, index, shown);
	if (decider->bfd != NULL) {
		show_bfd(decider, index, shown);
	}
	if (peer->last_error[0] != '\0') {
		json_object_set_new(shown, "last_error",
				    json_string(peer->last_error));
	}
	return shown;
}

static json_t *show_peers(const struct decider *decider,
			  const struct speaker_status *status)
{
	json_t *peers = json_array();

	for (size_t i = 0; status != NULL && i < status->peer_count &&
			   i < decider->config->peer_count;
	     i++) {
		if (status->peers[i].as == 0) {
			continue; /* an empty place: its peer was removed */
		}
		json_array_append_new(peers,
				      show_peer(decider, i, &status->peers[i]));
	}
	return peers;
}

static json_t *show_nameserver(const struct decider *decider, uint64_t now)
{
	bool is_connected = control_link_is_connected(decider->link);
	json_t *shown =
		json_pack("{s:b, s:s}", "connected", is_connected, "state",
			  !is_connected          ? "gone"
			  : !decider->has_report ? "attached"
			  : decider->is_stopping ? "stopping"
						 : "running");

	if (decider->has_report) {
		json_object_set_new(shown, "identity",
				    json_string(decider->identity));
		json_object_set_new(
			shown, "report_age_ms",
			json_integer((json_int_t)(now - decider->reported_at)));
	}
	return shown;
}

static json_t *show_overrides(const struct decider *decider)
{
	json_t *list = json_array();

	for (size_t i = 0; i < decider->overrides->count; i++) {
		const struct override *override = &decider->overrides->list[i];

		json_array_append_new(
			list,
			json_pack("{s:s, s:o, s:o, s:I, s:b}", "action",
				  override_action_text(override->action),
				  "target",
				  show_text(override->name[0] != '\0'
						    ? override->name
						    : "everything"),
				  "reason", show_text(override->reason),
				  "since_ms", (json_int_t) override->since_ms,
				  "known", override->is_known));
	}
	return list;
}

static json_t *answer_status(struct decider *decider)
{
	uint64_t now = clock_monotonic_ms();
	struct speaker_status *status =
		decider->speaker != NULL ? speaker_status(decider->speaker)
					 : NULL;
	json_t *services = json_array();
	json_t *peers = show_peers(decider, status);

	if (status != NULL) {
		decider_note_told(decider, status);
	}
	speaker_status_free(status);
	for (size_t i = 0; i < decider->config->service_count; i++) {
		json_array_append_new(services, show_service(decider, i, now));
	}
	return json_pack(
		"{s:b, s:o, s:o, s:o, s:b, s:b, s:o, s:b, s:s, s:I}", "ok", 1,
		"services", services, "peers", peers, "nameserver",
		show_nameserver(decider, now), "dry_run",
		decider->speaker == NULL, "stopping", decider->stop_causes != 0,
		"overrides", show_overrides(decider), "overrides_saved",
		decider->keeper != NULL && keeper_is_saved(decider->keeper),
		"overrides_error",
		decider->keeper != NULL ? keeper_error(decider->keeper) : "",
		"log_dropped", (json_int_t)log_thread_dropped());
}

static json_t *answer_command(struct decider *decider, const json_t *request,
			      enum decider_verb verb)
{
	const json_t *value = json_object_get(request, "target");
	const json_t *reason = json_object_get(request, "reason");
	const char *target = json_string_value(value);
	enum status status;

	if ((value != NULL && target == NULL) ||
	    (reason != NULL && !json_is_string(reason))) {
		return control_refuse("'target' and 'reason' must be strings");
	}
	status = decider_command(decider, verb, target,
				 json_string_value(reason));
	if (status == STATUS_NOT_FOUND) {
		return control_refuse(
			"no service, prefix or peer is called '%.128s'",
			target);
	}
	if (status != STATUS_OK) {
		return control_refuse("%s", status_text(status));
	}
	return json_pack("{s:b, s:I}", "ok", 1, "drain_ms",
			 verb == DECIDER_DRAIN
				 ? (json_int_t)decider->config->health.drain_ms
				 : 0);
}

/* 'route-drain' and so on. */
static bool find_verb(const char *command, enum decider_verb *out)
{
	for (int i = 0; i < DECIDER_VERBS; i++) {
		if (strncmp(command, "route-", 6) == 0 &&
		    strcmp(command + 6,
			   decider_verb_text((enum decider_verb)i)) == 0) {
			*out = (enum decider_verb)i;
			return true;
		}
	}
	return false;
}

json_t *control_route_answer(struct decider *decider, const char *line,
			     size_t size)
{
	json_t *request = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
	const char *command =
		json_string_value(json_object_get(request, "command"));
	char error[CONFIG_ERROR_MAX];
	enum decider_verb verb;
	json_t *reply;

	if (command == NULL) {
		reply = control_refuse("not a request: {\"command\": NAME}");
	} else if (strcmp(command, "route-status") == 0) {
		reply = answer_status(decider);
	} else if (strcmp(command, "route-reload") == 0) {
		reply = decider_reload(decider, error)
				? json_pack("{s:b}", "ok", 1)
				: control_refuse("%s", error);
	} else if (strcmp(command, "route-log") == 0) {
		reply = control_log_answer(decider, request);
	} else if (strcmp(command, "route-what-if") == 0) {
		reply = control_what_if_answer(decider, request);
	} else if (find_verb(command, &verb)) {
		reply = answer_command(decider, request, verb);
	} else {
		reply = control_refuse("unknown command '%.64s'", command);
	}
	json_decref(request);
	return reply;
}

/* --- connections ---------------------------------------------------------- */

static void maybe_free(struct control_route *control)
{
	if (control->is_closed && control->client_count == 0) {
		free(control->path);
		free(control);
	}
}

static void on_client_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;
	struct control_route *control = client->control;

	if (--client->handles > 0) {
		return;
	}
	for (struct client **at = &control->clients; *at != NULL;
	     at = &(*at)->next) {
		if (*at == client) {
			*at = client->next;
			break;
		}
	}
	control->client_count--;
	free(client->reply);
	free(client);
	maybe_free(control);
}

static void client_close(struct client *client)
{
	if (!uv_is_closing((uv_handle_t *)&client->pipe)) {
		uv_close((uv_handle_t *)&client->pipe, on_client_closed);
		uv_close((uv_handle_t *)&client->idle, on_client_closed);
	}
}

static void on_idle(uv_timer_t *timer)
{
	client_close(timer->data);
}

static void take_line(struct client *client);

static void on_written(uv_write_t *write, int status)
{
	struct client *client = write->data;

	free(client->reply);
	client->reply = NULL;
	if (status != 0) {
		client_close(client);
		return;
	}
	take_line(client);
}

/* Answer the first whole line, unless a reply is still on its way. */
static void take_line(struct client *client)
{
	char *end = memchr(client->line, '\n', client->size);
	size_t next;
	json_t *reply;
	uv_buf_t buffer;

	if (client->reply != NULL || end == NULL ||
	    uv_is_closing((uv_handle_t *)&client->pipe)) {
		return;
	}
	next = (size_t)(end - client->line) + 1;
	reply = control_route_answer(client->control->decider, client->line,
				     next - 1);
	memmove(client->line, client->line + next, client->size - next);
	client->size -= next;
	client->reply = json_dumps(reply, JSON_COMPACT);
	json_decref(reply);
	if (client->reply == NULL) {
		client_close(client);
		return;
	}
	/* The zero that ends the text makes room for the newline. */
	buffer =
		uv_buf_init(client->reply, (unsigned)strlen(client->reply) + 1);
	client->reply[buffer.len - 1] = '\n';
	client->write.data = client;
	uv_timer_start(&client->idle, on_idle, CONTROL_ROUTE_IDLE_MS, 0);
	if (uv_write(&client->write, (uv_stream_t *)&client->pipe, &buffer, 1,
		     on_written) != 0) {
		client_close(client);
	}
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	struct client *client = handle->data;

	(void)suggested;
	*buffer = uv_buf_init(client->line + client->size,
			      (unsigned)(sizeof(client->line) - client->size));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
	struct client *client = stream->data;

	(void)buffer;
	if (got < 0) {
		/* End, or no room: the line is longer than any request. */
		client_close(client);
		return;
	}
	client->size += (size_t)got;
	take_line(client);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct control_route *control = listener->data;
	struct client *client;

	if (status != 0) {
		return;
	}
	client = calloc(1, sizeof(*client));
	if (client == NULL) {
		return;
	}
	uv_pipe_init(listener->loop, &client->pipe, 0);
	uv_timer_init(listener->loop, &client->idle);
	client->pipe.data = client;
	client->idle.data = client;
	client->handles = 2;
	client->control = control;
	client->next = control->clients;
	control->clients = client;
	control->client_count++;
	if (uv_accept(listener, (uv_stream_t *)&client->pipe) != 0 ||
	    control->client_count > CONTROL_ROUTE_CLIENTS_MAX) {
		client_close(client);
		return;
	}
	uv_timer_start(&client->idle, on_idle, CONTROL_ROUTE_IDLE_MS, 0);
	uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read);
}

/* --- the socket ----------------------------------------------------------- */

/* Make way for our socket, unless somebody answers there. */
static bool clear_path(const char *path, char error[CONTROL_ROUTE_ERROR_MAX])
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct stat st;
	int fd;
	int result;

	if (lstat(path, &st) != 0) {
		return true;
	}
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(error, CONTROL_ROUTE_ERROR_MAX,
			 "control socket %.150s: something else stands there",
			 path);
		return false;
	}
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	result = connect(fd, (struct sockaddr *)&to, sizeof(to));
	if (result == 0 || errno != ECONNREFUSED) {
		snprintf(error, CONTROL_ROUTE_ERROR_MAX,
			 "control socket %.150s: another rootcast-routed is "
			 "running",
			 path);
		close(fd);
		return false;
	}
	close(fd);
	unlink(path);
	return true;
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct control_route *control = handle->data;

	control->is_closed = true;
	maybe_free(control);
}

struct control_route *control_route_start(uv_loop_t *loop, const char *path,
					  struct decider *decider,
					  char error[CONTROL_ROUTE_ERROR_MAX])
{
	struct control_route *control;
	mode_t mask;
	int result;

	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		snprintf(error, CONTROL_ROUTE_ERROR_MAX,
			 "control socket: the path is too long");
		return NULL;
	}
	if (!clear_path(path, error)) {
		return NULL;
	}
	control = calloc(1, sizeof(*control));
	if (control == NULL || (control->path = strdup(path)) == NULL) {
		snprintf(error, CONTROL_ROUTE_ERROR_MAX, "out of memory");
		free(control);
		return NULL;
	}
	control->decider = decider;
	uv_pipe_init(loop, &control->listener, 0);
	control->listener.data = control;
	mask = umask(0117); /* 0660 from the first moment on */
	result = uv_pipe_bind(&control->listener, path);
	umask(mask);
	if (result == 0) {
		result = uv_listen((uv_stream_t *)&control->listener, BACKLOG,
				   on_connection);
	}
	if (result != 0) {
		snprintf(error, CONTROL_ROUTE_ERROR_MAX,
			 "control socket %.150s: %s", path,
			 uv_strerror(result));
		uv_close((uv_handle_t *)&control->listener, on_listener_closed);
		return NULL;
	}
	return control;
}

void control_route_free(struct control_route *control)
{
	if (control == NULL) {
		return;
	}
	unlink(control->path);
	for (struct client *client = control->clients; client != NULL;
	     client = client->next) {
		client_close(client);
	}
	uv_close((uv_handle_t *)&control->listener, on_listener_closed);
}
