/*
 * route_commands.c - route status, drain and undrain of route control.
 */
#include "server/ctl/ctl.h"

#include <stdio.h>
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
			ctl_table_add(table, "%s", ctl_text(service, "name"));
			ctl_table_add(
				table, "%s",
				yes_or_no(json_object_get(service, "healthy")));
			ctl_table_add(table, "%s", ctl_text(prefix, "prefix"));
			ctl_table_add(table, "%s", ctl_text(prefix, "state"));
			ctl_table_add(table, "%.1f s",
				      (double)ctl_number(prefix, "since_ms") /
					      1000);
			ctl_table_add(table, "%s", ctl_text(service, "reason"));
		}
	}
	ctl_table_print(table);
}

static void show_peers(const json_t *peers)
{
	struct ctl_table *table = ctl_table_new(6);
	static const char *const head[] = {"peer",     "as",        "state",
					   "families", "announced", "bfd"};
	const json_t *peer;
	size_t i;

	for (size_t k = 0; k < 6; k++) {
		ctl_table_add(table, "%s", head[k]);
	}
	json_array_foreach(peers, i, peer)
	{
		char families[128] = "";
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
		}
		if (!is_all_announced(reply)) {
			status = CTL_WRONG;
		}
	}
	json_decref(reply);
	return status;
}

static int route_drain(const struct ctl *ctl, const char *command,
		       const char *target)
{
	json_t *request = json_pack("{s:s}", "command", command);
	json_t *reply;
	int status;

	if (target != NULL &&
	    json_object_set_new(request, "target", json_string(target)) != 0) {
		json_decref(request);
		return ctl_usage("the target is no UTF-8");
	}
	reply = ctl_ask(ctl, socket_name, request, &status);
	if (reply != NULL && status == CTL_DONE && !ctl->json) {
		puts("done");
	}
	json_decref(reply);
	return status;
}

int ctl_route(const struct ctl *ctl, int count, char *const *arguments)
{
	static const char *const later[] = {"enable", "disable", "what-if",
					    "log"};

	if (count == 0) {
		return ctl_usage("'route' needs a command");
	}
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		if (strcmp(arguments[0], later[i]) == 0) {
			return ctl_later(ctl, count - 1, arguments + 1);
		}
	}
	if (strcmp(arguments[0], "status") == 0) {
		return count == 1 ? route_status(ctl)
				  : ctl_usage("'route status' takes no "
					      "argument");
	}
	if (count > 2) {
		return ctl_usage("'route %s' takes one TARGET", arguments[0]);
	}
	if (strcmp(arguments[0], "drain") == 0) {
		return route_drain(ctl, "route-drain", arguments[1]);
	}
	if (strcmp(arguments[0], "undrain") == 0) {
		return route_drain(ctl, "route-undrain", arguments[1]);
	}
	return ctl_usage("unknown command 'route %s'", arguments[0]);
}
