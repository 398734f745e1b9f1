/*
 * server_commands.c - status, zones, zone, reload and stats of the nameserver.
 */
#include "server/ctl/ctl.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char socket_name[] = "server.sock";

enum {
	TEXT_MAX = 2048,
};

static json_t *new_request(const char *command)
{
	json_t *request = json_object();

	json_object_set_new(request, "command", json_string(command));
	return request;
}

static int no_arguments(const char *command, int count)
{
	return count > 0 ? ctl_usage("'%s' takes no argument", command)
			 : CTL_DONE;
}

static void format_time(json_int_t wall_ms, char text[32])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm utc;

	if (wall_ms == 0 || gmtime_r(&seconds, &utc) == NULL) {
		strcpy(text, "-");
		return;
	}
	strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static void format_span(json_int_t ms, char text[32])
{
	long long seconds = ms / 1000;

	if (seconds >= 86400) {
		snprintf(text, 32, "%lld d %lld h", seconds / 86400,
			 seconds / 3600 % 24);
	} else if (seconds >= 3600) {
		snprintf(text, 32, "%lld h %lld min", seconds / 3600,
			 seconds / 60 % 60);
	} else if (seconds >= 60) {
		snprintf(text, 32, "%lld min %lld s", seconds / 60,
			 seconds % 60);
	} else {
		snprintf(text, 32, "%lld.%03lld s", seconds,
			 (long long)ms % 1000);
	}
}

/* 'FILE: line 12: reason' */
static void format_error(const json_t *error, char *text, size_t size)
{
	const char *file = json_string_value(json_object_get(error, "file"));
	json_int_t line = ctl_number(error, "line");

	text[0] = '\0';
	if (!json_is_object(error)) {
		return;
	}
	if (file != NULL && file[0] != '\0' && line > 0) {
		snprintf(text, size, "%s: line %lld: %s", file, (long long)line,
			 ctl_text(error, "reason"));
	} else if (file != NULL && file[0] != '\0') {
		snprintf(text, size, "%s: %s", file, ctl_text(error, "reason"));
	} else {
		snprintf(text, size, "%s", ctl_text(error, "reason"));
	}
}

static void show_workers(const json_t *workers)
{
	struct ctl_table *table = ctl_table_new(7);
	static const char *const head[] = {"worker",   "transport", "queries",
					   "batches",  "drops",     "waiting",
					   "last pass"};
	const json_t *worker;
	size_t i;

	for (size_t k = 0; k < 7; k++) {
		ctl_table_add(table, "%s", head[k]);
	}
	json_array_foreach(workers, i, worker)
	{
		const json_t *transport;
		size_t k;

		json_array_foreach(json_object_get(worker, "transports"), k,
				   transport)
		{
			bool is_fault =
				json_is_true(json_object_get(worker, "fault"));

			ctl_table_add(table, "%lld%s",
				      (long long)ctl_number(worker, "id"),
				      is_fault ? " (stands still)" : "");
			ctl_table_add(table, "%s",
				      ctl_text(transport, "transport"));
			ctl_table_add(
				table, "%lld",
				(long long)ctl_number(transport, "queries"));
			ctl_table_add(
				table, "%lld",
				(long long)ctl_number(transport, "batches"));
			ctl_table_add(
				table, "%lld",
				(long long)ctl_number(transport, "drops"));
			ctl_table_add(
				table, "%lld",
				(long long)ctl_number(transport, "waiting"));
			ctl_table_add(table, "%lld ms ago",
				      (long long)ctl_number(transport,
							    "last_pass_ms"));
		}
	}
	ctl_table_print(table);
}

/* Does any worker stand still? */
static bool has_fault(const json_t *workers)
{
	const json_t *worker;
	size_t i;

	json_array_foreach(workers, i, worker)
	{
		if (json_is_true(json_object_get(worker, "fault"))) {
			return true;
		}
	}
	return false;
}

static void show_steer(const json_t *steer)
{
	if (steer != NULL) {
		printf("steering: by %s (%s)\n",
		       strcmp(ctl_text(steer, "by"), "cpu") == 0
			       ? "CPU"
			       : "the kernel's hash",
		       ctl_safe(ctl_text(steer, "reason")));
	}
}

static void show_status(const json_t *reply)
{
	const json_t *counts = json_object_get(reply, "zone_counts");
	const char *trouble =
		json_string_value(json_object_get(reply, "folder_error"));
	char span[32];

	format_span(ctl_number(reply, "uptime_ms"), span);
	printf("rootcastd %s, process %lld, %s for %s\n",
	       ctl_text(reply, "version"), (long long)ctl_number(reply, "pid"),
	       ctl_text(reply, "state"), span);
	printf("identity: %s\n", ctl_safe(ctl_text(reply, "identity")));
	printf("route control: %s\n",
	       json_is_true(json_object_get(reply, "route_control"))
		       ? "attached"
		       : "not attached");
	printf("zones: %lld served, %lld loading, %lld failed, %lld with an "
	       "error\n",
	       (long long)ctl_number(counts, "served"),
	       (long long)ctl_number(counts, "loading"),
	       (long long)ctl_number(counts, "failed"),
	       (long long)ctl_number(counts, "errors"));
	counts = json_object_get(reply, "zonemd");
	printf("zonemd: %lld signature and digest verified, %lld digest only, "
	       "%lld unsupported, %lld ignored, %lld without a record\n",
	       (long long)ctl_number(counts, "signature"),
	       (long long)ctl_number(counts, "digest"),
	       (long long)ctl_number(counts, "unsupported"),
	       (long long)ctl_number(counts, "ignored"),
	       (long long)ctl_number(counts, "none"));
	printf("folder: %s\n", ctl_safe(ctl_text(reply, "folder")));
	if (trouble != NULL) {
		printf("WRONG: %s\n", ctl_safe(trouble));
	}
	show_steer(json_object_get(reply, "steer"));
	show_workers(json_object_get(reply, "workers"));
}

int ctl_status(const struct ctl *ctl, int count, char *const *arguments)
{
	int status = no_arguments("status", count);
	json_t *reply;

	(void)arguments;
	if (status != CTL_DONE) {
		return status;
	}
	reply = ctl_ask(ctl, socket_name, new_request("status"), &status);
	if (reply != NULL && status == CTL_DONE) {
		const json_t *counts = json_object_get(reply, "zone_counts");

		if (!ctl->json) {
			show_status(reply);
		}
		if (ctl_number(counts, "failed") > 0 ||
		    ctl_number(counts, "errors") > 0 ||
		    json_is_string(json_object_get(reply, "folder_error")) ||
		    has_fault(json_object_get(reply, "workers"))) {
			status = CTL_WRONG;
		}
	}
	json_decref(reply);
	return status;
}

static bool is_wrong(const json_t *zone)
{
	const char *state = ctl_text(zone, "state");

	return json_is_object(json_object_get(zone, "error")) ||
	       (strcmp(state, "served") != 0 && strcmp(state, "loading") != 0);
}

static void show_zones(const json_t *zones)
{
	static const char *const head[] = {"zone", "state", "serial", "records",
					   "source"};
	struct ctl_table *table = ctl_table_new(5);
	const json_t *zone;
	size_t i;
	char error[TEXT_MAX];

	for (size_t k = 0; k < 5; k++) {
		ctl_table_add(table, "%s", head[k]);
	}
	json_array_foreach(zones, i, zone)
	{
		bool has_serial =
			json_is_integer(json_object_get(zone, "serial"));

		ctl_table_add(table, "%s", ctl_text(zone, "name"));
		ctl_table_add(table, "%s", ctl_text(zone, "state"));
		if (has_serial) {
			ctl_table_add(table, "%lld",
				      (long long)ctl_number(zone, "serial"));
			ctl_table_add(table, "%lld",
				      (long long)ctl_number(zone, "records"));
		} else {
			ctl_table_add(table, "-");
			ctl_table_add(table, "-");
		}
		ctl_table_add(table, "%s", ctl_text(zone, "source"));
	}
	ctl_table_print(table);
	json_array_foreach(zones, i, zone)
	{
		format_error(json_object_get(zone, "error"), error,
			     sizeof(error));
		if (error[0] != '\0') {
			printf("WRONG: %s ", ctl_safe(ctl_text(zone, "name")));
			printf("%s\n", ctl_safe(error));
		}
	}
}

static void show_zone(const json_t *zone)
{
	char text[TEXT_MAX];

	printf("zone:     %s\n", ctl_safe(ctl_text(zone, "name")));
	printf("state:    %s\n", ctl_text(zone, "state"));
	if (json_is_integer(json_object_get(zone, "serial"))) {
		printf("serial:   %lld\n",
		       (long long)ctl_number(zone, "serial"));
		printf("records:  %lld\n",
		       (long long)ctl_number(zone, "records"));
		printf("zonemd:   %s\n", ctl_text(zone, "zonemd"));
		printf("memory:   %lld octets\n",
		       (long long)ctl_number(zone, "octets"));
		format_time(ctl_number(zone, "loaded_ms"), text);
		printf("loaded:   %s\n", text);
	}
	printf("source:   %s\n", ctl_safe(ctl_text(zone, "source")));
	if (ctl_number(zone, "warnings") > 0) {
		printf("warnings: %lld, the first: %s\n",
		       (long long)ctl_number(zone, "warnings"),
		       ctl_safe(ctl_text(zone, "warning")));
	}
	format_error(json_object_get(zone, "error"), text, sizeof(text));
	if (text[0] != '\0') {
		printf("error:    %s\n", ctl_safe(text));
	}
}

static int show_reply(const struct ctl *ctl, json_t *request, bool is_table)
{
	int status;
	json_t *reply = ctl_ask(ctl, socket_name, request, &status);
	const json_t *zones = json_object_get(reply, "zones");
	const json_t *zone;
	size_t i;

	if (reply == NULL || status != CTL_DONE) {
		json_decref(reply);
		return status;
	}
	if (!ctl->json && is_table) {
		show_zones(zones);
	}
	json_array_foreach(zones, i, zone)
	{
		if (!ctl->json && !is_table) {
			show_zone(zone);
		}
		if (is_wrong(zone)) {
			status = CTL_WRONG;
		}
	}
	json_decref(reply);
	return status;
}

int ctl_zones(const struct ctl *ctl, int count, char *const *arguments)
{
	int status = no_arguments("zones", count);

	(void)arguments;
	return status != CTL_DONE ? status
				  : show_reply(ctl, new_request("zones"), true);
}

int ctl_zone(const struct ctl *ctl, int count, char *const *arguments)
{
	json_t *request;

	if (count != 1) {
		return ctl_usage("'zone' takes one NAME");
	}
	request = new_request("zone");
	if (json_object_set_new(request, "name", json_string(arguments[0])) !=
	    0) {
		json_decref(request);
		return ctl_usage("the name is no UTF-8");
	}
	return show_reply(ctl, request, false);
}

int ctl_reload(const struct ctl *ctl, int count, char *const *arguments)
{
	json_t *request = new_request("reload");
	const char *name = NULL;
	json_t *reply;
	int status = CTL_DONE;

	for (int i = 0; i < count; i++) {
		if (strcmp(arguments[i], "--force") == 0) {
			json_object_set_new(request, "force", json_true());
		} else if (arguments[i][0] == '-' || name != NULL) {
			json_decref(request);
			return ctl_usage("'reload' takes [--force] [NAME]");
		} else {
			name = arguments[i];
		}
	}
	if (name != NULL &&
	    json_object_set_new(request, "name", json_string(name)) != 0) {
		json_decref(request);
		return ctl_usage("the name is no UTF-8");
	}
	reply = ctl_ask(ctl, socket_name, request, &status);
	if (reply != NULL && json_object_get(reply, "loaded") != NULL) {
		if (!ctl->json) {
			printf("%lld loaded, %lld removed; now %lld served, "
			       "%lld failed\n",
			       (long long)ctl_number(reply, "loaded"),
			       (long long)ctl_number(reply, "removed"),
			       (long long)ctl_number(reply, "served"),
			       (long long)ctl_number(reply, "failed"));
		}
		if (status == CTL_DONE && ctl_number(reply, "errors") > 0) {
			if (!ctl->json) {
				printf("WRONG: %s\n",
				       ctl_safe(ctl_text(reply, "text")));
			}
			status = CTL_WRONG;
		}
	}
	json_decref(reply);
	return status;
}

static void add_stats(struct ctl_table *table, const char *prefix,
		      const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		char name[128];

		snprintf(name, sizeof(name), "%s%s%s", prefix,
			 prefix[0] != '\0' ? "." : "", key);
		if (json_is_object(value)) {
			add_stats(table, name, value);
		} else if (json_is_integer(value)) {
			ctl_table_add(table, "%s", name);
			ctl_table_add(table, "%lld",
				      (long long)json_integer_value(value));
		}
	}
}

int ctl_stats(const struct ctl *ctl, int count, char *const *arguments)
{
	int status = no_arguments("stats", count);
	json_t *reply;

	(void)arguments;
	if (status != CTL_DONE) {
		return status;
	}
	reply = ctl_ask(ctl, socket_name, new_request("stats"), &status);
	if (reply != NULL && status == CTL_DONE && !ctl->json) {
		struct ctl_table *table = ctl_table_new(2);

		add_stats(table, "", json_object_get(reply, "stats"));
		ctl_table_print(table);
	}
	json_decref(reply);
	return status;
}
