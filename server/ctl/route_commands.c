/*
 * route_commands.c - the commands of route control.
 */
#include "server/ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char socket_name[] = "route.sock";

static const char *yes_or_no(const json_t *value)
{
	return json_is_true(value) ? "yes" : "no";
}

/* Is every prefix announced and every service healthy? */
static bool is_all_announced(const json_t *reply)
{
	const json_t *service;
	const json_t *prefix;
	size_t i;
	size_t k;

	json_array_foreach(json_object_get(reply, "services"), i, service)
	{
		if (!json_is_true(json_object_get(service, "healthy"))) {
			return false;
		}
		json_array_foreach(json_object_get(service, "prefixes"), k,
				   prefix)
		{
			if (strcmp(ctl_text(prefix, "state"), "announced") !=
			    0) {
				return false;
			}
		}
	}
	return true;
}

static void show_services(const json_t *services)
{
	struct ctl_table *table = ctl_table_new(6);
	static const char *const head[] = {"service", "healthy", "prefix",
					   "state",   "for",     "reason"};
	const json_t *service;
	const json_t *prefix;
	const json_t *shared;
	size_t i;
	size_t k;

	for (k = 0; k < 6; k++) {
		ctl_table_add(table, "%s", head[k]);
	}
	json_array_foreach(services, i, service)
	{
		json_array_foreach(json_object_get(service, "prefixes"), k,
				   prefix)
		{
			shared = json_object_get(prefix, "shared_fault");
			ctl_table_add(table, "%s", ctl_text(service, "name"));
			ctl_table_add(
				table, "%s",
				yes_or_no(json_object_get(service, "healthy")));
			ctl_table_add(table, "%s", ctl_text(prefix, "prefix"));
			ctl_table_add(table, "%s", ctl_text(prefix, "state"));
			ctl_table_add(table, "%.1f s",
				      (double)ctl_number(prefix, "since_ms") /
					      1000);
			ctl_table_add(
				table, "%s%s%s", ctl_text(prefix, "reason"),
				shared != NULL ? "; shared fault: " : "",
				shared != NULL ? ctl_text(shared, "reason")
					       : "");
		}
	}
	ctl_table_print(table);
}

/* 'a, b' of an array of texts. */
static void join(char *out, size_t room, const json_t *list)
{
	const json_t *one;
	size_t at = 0;
	size_t i;

	out[0] = '\0';
	json_array_foreach(list, i, one)
	{
		const char *text = json_string_value(one);

		if (text != NULL && at < room) {
			at += (size_t)snprintf(out + at, room - at, "%s%s",
					       i > 0 ? ", " : "", text);
		}
	}
}

/* The prefixes that a peer was told. */
static const char *told_text(const json_t *peer, char text[512])
{
	if (json_is_true(json_object_get(peer, "disabled"))) {
		return "(disabled)";
	}
	join(text, 512, json_object_get(peer, "prefixes"));
	return text[0] != '\0' ? text : "-";
}

static void show_peers(const json_t *peers)
{
	struct ctl_table *table = ctl_table_new(7);
	static const char *const head[] = {
		"peer", "as", "state", "families", "announced", "bfd", "told"};
	const json_t *peer;
	size_t i;

	for (size_t k = 0; k < 7; k++) {
		ctl_table_add(table, "%s", head[k]);
	}
	json_array_foreach(peers, i, peer)
	{
		char families[128] = "";
		char told[512];
		char unconfirmed[96] = "";
		const json_t *family;
		size_t k;

		json_array_foreach(json_object_get(peer, "families"), k, family)
		{
			size_t used = strlen(families);

			snprintf(families + used, sizeof(families) - used,
				 "%s%.32s", used > 0 ? "," : "",
				 json_is_string(family)
					 ? json_string_value(family)
					 : "?");
		}
		if (json_is_true(json_object_get(peer, "unconfirmed"))) {
			snprintf(unconfirmed, sizeof(unconfirmed),
				 " (unconfirmed: may hold routes for %.1f s)",
				 (double)ctl_number(peer,
						    "unconfirmed_left_ms") /
					 1000);
		}
		ctl_table_add(table, "%s", ctl_text(peer, "address"));
		ctl_table_add(table, "%lld", (long long)ctl_number(peer, "as"));
		ctl_table_add(table, "%s", ctl_text(peer, "state"));
		ctl_table_add(table, "%s", families);
		ctl_table_add(table, "%lld",
			      (long long)ctl_number(peer, "announced"));
		ctl_table_add(table, "%s",
			      json_object_get(peer, "bfd") == NULL
				      ? "-"
				      : ctl_text(json_object_get(peer, "bfd"),
						 "state"));
		ctl_table_add(table, "%s%s", told_text(peer, told),
			      unconfirmed);
	}
	ctl_table_print(table);
}

/* What was asked for by operators, and stands. */
static void show_overrides(const json_t *reply)
{
	const json_t *overrides = json_object_get(reply, "overrides");
	const char *trouble =
		json_string_value(json_object_get(reply, "overrides_error"));
	struct ctl_table *table;
	const json_t *override;
	size_t i;

	if (trouble != NULL && trouble[0] != '\0') {
		printf("\nnot saved: %s\n", ctl_safe(trouble));
	}
	if (json_array_size(overrides) == 0) {
		return;
	}
	putchar('\n');
	table = ctl_table_new(3);
	ctl_table_add(table, "by the operator");
	ctl_table_add(table, "target");
	ctl_table_add(table, "reason");
	json_array_foreach(overrides, i, override)
	{
		bool is_known =
			json_is_true(json_object_get(override, "known"));

		ctl_table_add(table, "%s", ctl_text(override, "action"));
		ctl_table_add(table, "%s%s", ctl_text(override, "target"),
			      is_known ? "" : " (not in the configuration)");
		ctl_table_add(table, "%s", ctl_text(override, "reason"));
	}
	ctl_table_print(table);
}

static int route_status(const struct ctl *ctl)
{
	int status;
	json_t *reply =
		ctl_ask(ctl, socket_name,
			json_pack("{s:s}", "command", "route-status"), &status);

	if (reply != NULL && status == CTL_DONE) {
		if (!ctl->json) {
			show_services(json_object_get(reply, "services"));
			putchar('\n');
			show_peers(json_object_get(reply, "peers"));
			show_overrides(reply);
		}
		if (!is_all_announced(reply)) {
			status = CTL_WRONG;
		}
	}
	json_decref(reply);
	return status;
}

/* Where text is given, put it into the request. False: it is no UTF-8. */
static bool put_text(json_t *request, const char *key, const char *text)
{
	return text == NULL ||
	       json_object_set_new(request, key, json_string(text)) == 0;
}

/* drain | undrain | disable | enable [--reason TEXT] [TARGET] */
static int route_steer(const struct ctl *ctl, int count, char *const *arguments)
{
	json_t *request =
		json_pack("{s:s+}", "command", "route-", arguments[0]);
	const char *reason = NULL;
	const char *target = NULL;
	json_t *reply;
	int status;

	for (int i = 1; i < count; i++) {
		if (strcmp(arguments[i], "--reason") == 0 && i + 1 < count) {
			reason = arguments[++i];
		} else if (target == NULL && arguments[i][0] != '-') {
			target = arguments[i];
		} else {
			json_decref(request);
			return ctl_usage("'route %s' takes --reason TEXT and "
					 "one TARGET",
					 arguments[0]);
		}
	}
	if (!put_text(request, "target", target) ||
	    !put_text(request, "reason", reason)) {
		json_decref(request);
		return ctl_usage("the target or the reason is no UTF-8");
	}
	reply = ctl_ask(ctl, socket_name, request, &status);
	if (reply != NULL && status == CTL_DONE && !ctl->json) {
		puts("done");
	}
	json_decref(reply);
	return status;
}

static bool is_steering(const char *word)
{
	static const char *const words[] = {"drain", "undrain", "disable",
					    "enable"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], word) == 0) {
			return true;
		}
	}
	return false;
}

/* --- route what-if -------------------------------------------------------- */

static void show_update(struct ctl_table *table, const json_t *update)
{
	const json_t *attributes = json_object_get(update, "attributes");
	char prefixes[512];
	char communities[256];

	join(prefixes, sizeof(prefixes), json_object_get(update, "prefixes"));
	join(communities, sizeof(communities),
	     json_object_get(attributes, "communities"));
	ctl_table_add(table, "%lld ms",
		      (long long)ctl_number(update, "after_ms"));
	ctl_table_add(table, "%s%s", ctl_text(update, "peer"),
		      json_is_true(json_object_get(update, "established"))
			      ? ""
			      : " (no session)");
	ctl_table_add(table, "%s", ctl_text(update, "action"));
	ctl_table_add(table, "%s", prefixes);
	if (attributes == NULL) {
		ctl_table_add(table, "%s", "");
		return;
	}
	ctl_table_add(table, "%s%s%sprepend %lld%s%.0lld",
		      communities[0] != '\0' ? "communities " : "", communities,
		      communities[0] != '\0' ? "; " : "",
		      (long long)ctl_number(attributes, "prepend"),
		      json_object_get(attributes, "med") != NULL ? "; med "
								 : "",
		      (long long)ctl_number(attributes, "med"));
}

static void show_what_if(const json_t *reply)
{
	const json_t *updates = json_object_get(reply, "updates");
	const json_t *closed = json_object_get(reply, "sessions_closed");
	struct ctl_table *table;
	const json_t *one;
	size_t i;

	json_array_foreach(closed, i, one)
	{
		printf("the session with %s is closed\n",
		       json_is_string(one) ? ctl_safe(json_string_value(one))
					   : "?");
	}
	if (json_array_size(updates) == 0) {
		puts("no UPDATE is sent");
		return;
	}
	table = ctl_table_new(5);
	ctl_table_add(table, "after");
	ctl_table_add(table, "peer");
	ctl_table_add(table, "UPDATE");
	ctl_table_add(table, "prefixes");
	ctl_table_add(table, "attributes");
	json_array_foreach(updates, i, one)
	{
		show_update(table, one);
	}
	ctl_table_print(table);
}

/* what-if [drain | undrain | disable | enable] [TARGET] */
static int route_what_if(const struct ctl *ctl, int count,
			 char *const *arguments)
{
	bool has_action = count > 0 && is_steering(arguments[0]);
	json_t *request = json_pack("{s:s}", "command", "route-what-if");
	json_t *reply;
	int status;

	if (count > (has_action ? 2 : 1)) {
		json_decref(request);
		return ctl_usage("'route what-if' takes a command and one "
				 "TARGET");
	}
	if (!put_text(request, "action", has_action ? arguments[0] : NULL) ||
	    !put_text(request, "target", arguments[has_action ? 1 : 0])) {
		json_decref(request);
		return ctl_usage("the target is no UTF-8");
	}
	reply = ctl_ask(ctl, socket_name, request, &status);
	if (reply != NULL && status == CTL_DONE && !ctl->json) {
		show_what_if(reply);
	}
	json_decref(reply);
	return status;
}

/* --- route log ------------------------------------------------------------ */

static const char *text_or_nothing(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static void add_event(struct ctl_table *table, const json_t *event,
		      json_int_t from)
{
	double after = (double)(ctl_number(event, "monotonic_us") - from);

	ctl_table_add(table, "  +%.3f ms", after / 1000);
	ctl_table_add(table, "%s", ctl_text(event, "kind"));
	ctl_table_add(table, "%s%s%s", text_or_nothing(event, "service"),
		      text_or_nothing(event, "service")[0] != '\0' ? " " : "",
		      text_or_nothing(event, "prefix"));
	ctl_table_add(table, "%s", text_or_nothing(event, "peer"));
	ctl_table_add(table, "%s", text_or_nothing(event, "text"));
}

static void show_step(const json_t *incident, const char *key, const char *text)
{
	const json_t *value = json_object_get(incident, key);

	if (json_is_integer(value)) {
		printf(", %s after %.3f ms", text,
		       (double)json_integer_value(value) / 1000);
	}
}

/* An incident, or one event that belongs to none: a head and its events. */
static void show_group(const json_t *events, size_t first,
		       const json_t *incidents)
{
	const json_t *head = json_array_get(events, first);
	json_int_t number = ctl_number(head, "incident");
	struct ctl_table *table = ctl_table_new(5);
	const json_t *one;
	size_t i;

	printf("%s", ctl_safe(ctl_text(head, "time")));
	if (number != 0) {
		printf("  incident %lld", (long long)number);
	}
	json_array_foreach(incidents, i, one)
	{
		if (number != 0 && ctl_number(one, "incident") == number) {
			show_step(one, "decided_us", "decided");
			show_step(one, "updated_us", "UPDATE");
			show_step(one, "acknowledged_us", "acknowledged");
		}
	}
	putchar('\n');
	json_array_foreach(events, i, one)
	{
		if (i == first || (i > first && number != 0 &&
				   ctl_number(one, "incident") == number)) {
			add_event(table, one, ctl_number(head, "monotonic_us"));
		}
	}
	ctl_table_print(table);
}

/* Each incident once, where its first event stands. */
static void show_log(const json_t *events, const json_t *incidents)
{
	const json_t *event;
	size_t i;

	json_array_foreach(events, i, event)
	{
		json_int_t number = ctl_number(event, "incident");
		bool is_first = true;

		for (size_t k = 0; k < i && number != 0 && is_first; k++) {
			is_first = ctl_number(json_array_get(events, k),
					      "incident") != number;
		}
		if (is_first) {
			show_group(events, i, incidents);
		}
	}
}

/* route log [--last N] [TARGET] */
static int route_log(const struct ctl *ctl, int count, char *const *arguments)
{
	json_t *request = json_pack("{s:s}", "command", "route-log");
	json_t *reply;
	int status;
	int at = 0;

	if (count >= 2 && strcmp(arguments[0], "--last") == 0) {
		char *end;
		long last = strtol(arguments[1], &end, 10);

		if (*end != '\0' || last < 1) {
			json_decref(request);
			return ctl_usage("--last needs a number");
		}
		json_object_set_new(request, "last", json_integer(last));
		at = 2;
	}
	if (count > at + 1 ||
	    (count > at && json_object_set_new(request, "target",
					       json_string(arguments[at])))) {
		json_decref(request);
		return ctl_usage("'route log' takes --last N and one TARGET");
	}
	reply = ctl_ask(ctl, socket_name, request, &status);
	if (reply != NULL && status == CTL_DONE && !ctl->json) {
		show_log(json_object_get(reply, "events"),
			 json_object_get(reply, "incidents"));
	}
	json_decref(reply);
	return status;
}

int ctl_route(const struct ctl *ctl, int count, char *const *arguments)
{
	if (count == 0) {
		return ctl_usage("'route' needs a command");
	}
	if (is_steering(arguments[0])) {
		return route_steer(ctl, count, arguments);
	}
	if (strcmp(arguments[0], "status") == 0) {
		return count == 1 ? route_status(ctl)
				  : ctl_usage("'route status' takes no "
					      "argument");
	}
	if (strcmp(arguments[0], "log") == 0) {
		return route_log(ctl, count - 1, arguments + 1);
	}
	if (strcmp(arguments[0], "reload") == 0) {
		return count == 1 ? route_steer(ctl, 1, arguments)
				  : ctl_usage("'route reload' takes no "
					      "argument");
	}
	if (strcmp(arguments[0], "what-if") == 0) {
		return route_what_if(ctl, count - 1, arguments + 1);
	}
	return ctl_usage("unknown command 'route %s'", arguments[0]);
}
