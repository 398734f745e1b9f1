/*
 * control_log.c - the ring of events as a document.
 *
 * 'target' keeps what concerns a service, prefix or peer: events of its own, and
 * those of the same incidents that concern no other prefix or peer. So the log of a
 * prefix has the UPDATEs that it led to, and the log of a peer the causes of
 * what it was told.
 */
#include "server/route/control_answers.h"
#include "server/route/decider.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	LOG_LAST = 500, /* events, unless it says otherwise */
};

struct log_view {
	const struct config_route *config;
	struct target target;
	struct event *events;
	size_t count;
	uint64_t *incidents; /* that target has a part in; sorted */
	size_t incident_count;
};

/* --- what is asked for ---------------------------------------------------- */

static bool is_own(const struct log_view *view, const struct event *event)
{
	if (view->target.kind == TARGET_ALL) {
		return true;
	}
	if (view->target.kind == TARGET_PEER) {
		return target_has_peer(&view->target, event->peer);
	}
	return event->prefix != EVENT_NONE &&
	       target_has_prefix(&view->target, view->config, event->prefix);
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool is_wanted(const struct log_view *view, const struct event *event)
{
	uint16_t other =
		view->target.kind == TARGET_PEER ? event->peer : event->prefix;

	return is_own(view, event) ||
	       (other == EVENT_NONE && event->incident != 0 &&
		bsearch(&event->incident, view->incidents, view->incident_count,
			sizeof(*view->incidents), compare_numbers) != NULL);
}

/* Keep the newest 'last' events that are asked for. */
static void view_filter(struct log_view *view, size_t last)
{
	size_t kept = 0;

	for (size_t i = 0; i < view->count; i++) {
		if (view->events[i].incident != 0 &&
		    is_own(view, &view->events[i])) {
			view->incidents[view->incident_count++] =
				view->events[i].incident;
		}
	}
	qsort(view->incidents, view->incident_count, sizeof(*view->incidents),
	      compare_numbers);
	for (size_t i = 0; i < view->count; i++) {
		if (is_wanted(view, &view->events[i])) {
			view->events[kept++] = view->events[i];
		}
	}
	view->count = kept;
	if (kept > last) {
		memmove(view->events, view->events + (kept - last),
			last * sizeof(*view->events));
		view->count = last;
	}
}

/* --- what is shown -------------------------------------------------------- */

static json_t *show_time(int64_t wall_us)
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm utc;
	char text[64];
	size_t size;

	gmtime_r(&seconds, &utc);
	size = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + size, sizeof(text) - size, ".%06dZ",
		 (int)(wall_us % 1000000));
	return json_string(text);
}

/* Text of the outside may be cut, or no UTF-8: jansson would refuse it. */
static json_t *show_text(const char *text)
{
	char safe[EVENT_TEXT_MAX];
	size_t i;

	for (i = 0; text[i] != '\0' && i + 1 < sizeof(safe); i++) {
		safe[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	}
	safe[i] = '\0';
	return json_string(safe);
}

static json_t *show_event(const struct config_route *config,
			  const struct event *event)
{
	json_t *shown = json_pack(
		"{s:I, s:o, s:I, s:I, s:s, s:o}", "number",
		(json_int_t)event->number, "time", show_time(event->wall_us),
		"monotonic_us", (json_int_t)(event->at_ns / 1000), "incident",
		(json_int_t)event->incident, "kind",
		event_kind_text(event->kind), "text", show_text(event->text));

	if (event->prefix < config->prefix_count) {
		const struct config_prefix *prefix =
			&config->prefixes[event->prefix];
		char text[PREFIX_TEXT_MAX];

		json_object_set_new(
			shown, "service",
			json_string(config->services[prefix->service].name));
		json_object_set_new(
			shown, "prefix",
			json_string(prefix_dump(&prefix->prefix, text)));
	}
	if (event->peer < config->peer_count) {
		struct address address = config->peers[event->peer].address;
		char text[ADDRESS_TEXT_MAX];

		address.port = 0;
		json_object_set_new(shown, "peer",
				    json_string(address_dump(&address, text)));
	}
	return shown;
}

static void show_since(json_t *shown, const char *key, uint64_t from,
		       uint64_t at)
{
	json_object_set_new(
		shown, key,
		at == 0 ? json_null()
			: json_integer((json_int_t)(at - from) / 1000));
}

/*
 * How long each step took: from the cause, the first event of an incident, to the
 * first decision, the first UPDATE, and the last acknowledgement.
 */
static json_t *show_incident(const struct log_view *view, size_t first)
{
	const struct event *cause = &view->events[first];
	uint64_t decided = 0;
	uint64_t updated = 0;
	uint64_t acknowledged = 0;
	json_t *shown;

	for (size_t i = first; i < view->count; i++) {
		const struct event *event = &view->events[i];

		if (event->incident != cause->incident) {
			continue;
		}
		if (event->kind == EVENT_DECISION && decided == 0) {
			decided = event->at_ns;
		} else if (event->kind == EVENT_UPDATE && updated == 0) {
			updated = event->at_ns;
		} else if (event->kind == EVENT_ACKNOWLEDGED) {
			acknowledged = event->at_ns;
		}
	}
	shown = json_pack("{s:I, s:o, s:o}", "incident",
			  (json_int_t)cause->incident, "began",
			  show_time(cause->wall_us), "cause",
			  show_text(cause->text));
	show_since(shown, "decided_us", cause->at_ns, decided);
	show_since(shown, "updated_us", cause->at_ns, updated);
	show_since(shown, "acknowledged_us", cause->at_ns, acknowledged);
	return shown;
}

static json_t *show_incidents(struct log_view *view)
{
	json_t *list = json_array();
	size_t seen = 0;

	for (size_t i = 0; i < view->count; i++) {
		uint64_t incident = view->events[i].incident;
		bool is_new = incident != 0;

		for (size_t k = seen; is_new && k > 0; k--) {
			is_new = view->incidents[k - 1] != incident;
		}
		if (is_new) {
			/* The filter is done with this array. */
			view->incidents[seen++] = incident;
			json_array_append_new(list, show_incident(view, i));
		}
	}
	return list;
}

json_t *control_log_answer(struct decider *decider, const json_t *request)
{
	const json_t *name = json_object_get(request, "target");
	const json_t *last = json_object_get(request, "last");
	struct log_view view = {.config = decider->config};
	size_t keep = LOG_LAST;
	json_t *events;
	json_t *reply;

	if ((name != NULL && !json_is_string(name)) ||
	    target_find(&view.target, decider->config,
			json_string_value(name)) != STATUS_OK) {
		return control_refuse(
			"no service, prefix or peer is called '%.128s'",
			json_string_value(name) != NULL
				? json_string_value(name)
				: "");
	}
	if (last != NULL) {
		if (json_integer_value(last) < 1) {
			return control_refuse("'last' must be at least 1");
		}
		keep = (size_t)json_integer_value(last);
	}
	if (decider->events == NULL) {
		return control_refuse("no events are kept");
	}
	view.events = calloc(EVENTS_MAX, sizeof(*view.events));
	view.incidents = calloc(EVENTS_MAX, sizeof(*view.incidents));
	events = json_array();
	if (view.events == NULL || view.incidents == NULL || events == NULL) {
		free(view.events);
		free(view.incidents);
		json_decref(events);
		return NULL;
	}
	view.count = events_read(decider->events, view.events, EVENTS_MAX);
	for (size_t i = 0; i < view.count; i++) {
		if (view.events[i].number <= decider->events_before) {
			view.events[i].prefix = EVENT_NONE;
			view.events[i].peer = EVENT_NONE;
		}
	}
	view_filter(&view, keep);
	for (size_t i = 0; i < view.count; i++) {
		json_array_append_new(
			events, show_event(decider->config, &view.events[i]));
	}
	reply = json_pack("{s:b, s:o, s:o, s:I}", "ok", 1, "events", events,
			  "incidents", show_incidents(&view), "noted",
			  (json_int_t)events_count(decider->events));
	free(view.events);
	free(view.incidents);
	return reply;
}
