/*
 * control_report.c - what the nameserver says of itself, as JSON text.
 *
 * File names may be any octets, and JSON only UTF-8: what is not is written as
 * \DDD, as the log does, instead of being lost.
 */
#include "server/nameserver/control_report.h"

#include "server/nameserver/counters.h"
#include "server/nameserver/steer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A text of any octets. */
static json_t *any_text(const char *text)
{
	json_t *value = json_string(text);
	size_t length = strlen(text);
	char *copy;
	size_t at = 0;

	if (value != NULL) {
		return value;
	}
	copy = malloc(length * 4 + 1);
	if (copy == NULL) {
		return NULL;
	}
	for (; *text != '\0'; text++) {
		unsigned char octet = (unsigned char)*text;

		if (octet >= 0x20 && octet < 0x7f) {
			copy[at++] = (char)octet;
		} else {
			at += (size_t)snprintf(copy + at, 5, "\\%03u", octet);
		}
	}
	copy[at] = '\0';
	value = json_string(copy);
	free(copy);
	return value;
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

/* One line of it; the document is gone afterwards. */
static char *dump_line(json_t *document)
{
	char *text;
	char *line;
	size_t length;

	if (document == NULL) {
		return NULL;
	}
	text = json_dumps(document, JSON_COMPACT);
	json_decref(document);
	if (text == NULL) {
		return NULL;
	}
	length = strlen(text);
	line = realloc(text, length + 2);
	if (line == NULL) {
		free(text);
		return NULL;
	}
	memcpy(line + length, "\n", 2);
	return line;
}

static json_t *new_reply(bool is_good)
{
	json_t *reply = json_object();

	json_object_set_new(reply, "ok", json_boolean(is_good));
	return reply;
}

char *control_report_error(const char *text)
{
	json_t *reply = new_reply(false);

	json_object_set_new(reply, "error", any_text(text));
	return dump_line(reply);
}

char *control_report_done(void)
{
	return dump_line(new_reply(true));
}

static uint64_t age_ms(uint64_t now_ns, uint64_t since_ns)
{
	/* Another thread may have stored a time after now was asked for. */
	return since_ns < now_ns ? (now_ns - since_ns) / 1000000u : 0;
}

static json_t *dump_workers(const struct counters *counters, uint64_t now_ns)
{
	json_t *workers = json_array();

	for (size_t i = 0; counters != NULL && i < counters->workers; i++) {
		const struct counters_worker *from = &counters->worker[i];
		uint64_t online = counter_get(&from->online_since_ns);
		uint64_t online_ms = online != 0 ? age_ms(now_ns, online) : 0;
		json_t *worker = json_object();
		json_t *transports = json_array();

		json_object_set_new(worker, "id", number(i));
		json_object_set_new(worker, "online_ms", number(online_ms));
		json_object_set_new(worker, "fault",
				    json_boolean(online_ms * 1000000u >
						 COUNTERS_ONLINE_FAULT_NS));
		for (unsigned t = 0; t < COUNTERS_TRANSPORTS; t++) {
			struct counters_totals totals = {0};
			uint64_t passed =
				counter_get(&from->transports[t].last_pass_ns);
			json_t *transport;

			if (!counters_in_use(from, t)) {
				continue;
			}
			transport = json_object();
			counters_add_worker(from, t, &totals);
			json_object_set_new(
				transport, "transport",
				json_string(counters_transport_name(t)));
			json_object_set_new(transport, "batches",
					    number(totals.batches));
			json_object_set_new(transport, "queries",
					    number(totals.queries));
			json_object_set_new(transport, "drops",
					    number(totals.drops));
			json_object_set_new(transport, "last_pass_ms",
					    number(age_ms(now_ns, passed)));
			json_object_set_new(transport, "waiting",
					    number(totals.waiting));
			json_array_append_new(transports, transport);
		}
		json_object_set_new(worker, "transports", transports);
		json_array_append_new(workers, worker);
	}
	return workers;
}

char *control_report_dump(const struct control_report *report)
{
	json_t *document = json_object();
	char *head;
	char *line;
	size_t length;

	json_object_set_new(document, "report", number(report->number));
	json_object_set_new(document, "time_ms",
			    number(report->now_ns / 1000000u));
	json_object_set_new(
		document, "state",
		json_string(report->is_stopping ? "stopping" : "running"));
	json_object_set_new(document, "identity", any_text(report->identity));
	json_object_set_new(document, "workers",
			    dump_workers(report->counters, report->now_ns));
	head = dump_line(document);
	if (head == NULL || report->zones == NULL) {
		return head;
	}
	/* The array is text already: {...}\n becomes {...,"zones":[...]}\n. */
	length = strlen(head);
	line = realloc(head, length + strlen(report->zones) + 16);
	if (line == NULL) {
		free(head);
		return NULL;
	}
	sprintf(line + length - 2, ",\"zones\":%s}\n", report->zones);
	return line;
}

static json_t *dump_bins(const uint64_t *bins, size_t count)
{
	json_t *sizes = json_object();
	char key[32];

	for (size_t i = 0; i < count; i++) {
		size_t from = i * COUNTERS_SIZE_BIN;

		if (bins[i] == 0) {
			continue;
		}
		if (i + 1 == count) {
			snprintf(key, sizeof(key), "%zu-", from);
		} else {
			snprintf(key, sizeof(key), "%zu-%zu", from,
				 from + COUNTERS_SIZE_BIN - 1);
		}
		json_object_set_new(sizes, key, number(bins[i]));
	}
	return sizes;
}

char *control_report_stats(const struct counters *counters)
{
	json_t *reply = new_reply(true);
	json_t *stats = json_object();

	for (unsigned t = 0; counters != NULL && t < COUNTERS_TRANSPORTS; t++) {
		struct counters_totals totals = {0};
		json_t *transport = json_object();
		json_t *rcodes = json_object();

		counters_add_all(counters, t, &totals);
		json_object_set_new(transport, "queries",
				    number(totals.queries));
		json_object_set_new(transport, "replies",
				    number(totals.replies));
		json_object_set_new(transport, "drops", number(totals.drops));
		json_object_set_new(transport, "waiting",
				    number(totals.waiting));
		json_object_set_new(transport, "open", number(totals.open));
#define DUMP_COUNTER(name) \
	json_object_set_new(transport, #name, number(totals.name));
		COUNTERS_LIST(DUMP_COUNTER)
#undef DUMP_COUNTER
		for (unsigned i = 0; i < COUNTERS_RCODES; i++) {
			char key[16];

			snprintf(key, sizeof(key), "%u", i);
			if (totals.rcodes[i] != 0) {
				json_object_set_new(rcodes,
						    i == COUNTERS_RCODE_OTHER
							    ? "other"
							    : key,
						    number(totals.rcodes[i]));
			}
		}
		json_object_set_new(transport, "rcodes", rcodes);
		json_object_set_new(
			transport, "query_sizes",
			dump_bins(totals.query_sizes, COUNTERS_QUERY_BINS));
		json_object_set_new(
			transport, "reply_sizes",
			dump_bins(totals.reply_sizes, COUNTERS_REPLY_BINS));
		json_object_set_new(stats, counters_transport_name(t),
				    transport);
	}
	json_object_set_new(reply, "stats", stats);
	return dump_line(reply);
}

static json_t *dump_steer(const struct steer *steer)
{
	json_t *object = json_object();

	json_object_set_new(object, "by",
			    json_string(steer->is_by_cpu ? "cpu" : "hash"));
	json_object_set_new(object, "reason", any_text(steer->reason));
	return object;
}

char *control_report_status(const struct control_report_status *status)
{
	json_t *reply = new_reply(true);
	struct zone_folder_totals totals = {0};
	json_t *zones = json_object();
	json_t *zonemd = json_object();

	json_object_set_new(reply, "version", json_string(ROOTCAST_VERSION));
	json_object_set_new(reply, "identity", any_text(status->identity));
	json_object_set_new(reply, "pid", number((uint64_t)getpid()));
	json_object_set_new(reply, "uptime_ms", number(status->uptime_ms));
	json_object_set_new(
		reply, "state",
		json_string(status->is_stopping ? "stopping" : "running"));
	json_object_set_new(reply, "route_control",
			    json_boolean(status->is_attached));
	if (status->folder != NULL) {
		const char *trouble = zone_folder_trouble(status->folder);

		zone_folder_totals(status->folder, &totals);
		json_object_set_new(reply, "folder",
				    any_text(zone_folder_path(status->folder)));
		json_object_set_new(reply, "folder_error",
				    trouble != NULL ? any_text(trouble)
						    : json_null());
	}
	json_object_set_new(zones, "served", number(totals.served));
	json_object_set_new(zones, "loading", number(totals.loading));
	json_object_set_new(zones, "failed", number(totals.failed));
	json_object_set_new(zones, "errors", number(totals.errors));
	json_object_set_new(reply, "ready", json_boolean(totals.is_ready));
	json_object_set_new(reply, "zone_counts", zones);
	for (unsigned i = 0; i < ZONEMD_STATES; i++) {
		json_object_set_new(zonemd,
				    zonemd_state_text((enum zonemd_state)i),
				    number(totals.zonemd[i]));
	}
	json_object_set_new(reply, "zonemd", zonemd);
	if (status->steer != NULL) {
		json_object_set_new(reply, "steer", dump_steer(status->steer));
	}
	json_object_set_new(reply, "workers",
			    dump_workers(status->counters, status->now_ns));
	return dump_line(reply);
}

static json_t *dump_name(const struct zone_folder_info *info)
{
	char text[DNAME_TEXT_MAX];

	return info->name != NULL ? any_text(dname_dump(info->name, text))
				  : json_null();
}

static void add_brief(json_t *zone, const struct zone_folder_info *info)
{
	json_object_set_new(zone, "name", dump_name(info));
	json_object_set_new(zone, "serial",
			    info->has_serial ? number(info->serial)
					     : json_null());
	json_object_set_new(zone, "state",
			    json_string(zone_state_text(info->state)));
}

static void add_zone(const struct zone_folder_info *info, void *context)
{
	json_t *zone = json_object();
	json_t *error = json_null();

	add_brief(zone, info);
	json_object_set_new(zone, "source", any_text(info->source));
	json_object_set_new(zone, "records", number(info->records));
	json_object_set_new(
		zone, "zonemd",
		info->has_serial ? json_string(zonemd_state_text(info->zonemd))
				 : json_null());
	if (info->error != NULL) {
		error = json_object();
		json_object_set_new(error, "file", any_text(info->error->file));
		json_object_set_new(error, "line", number(info->error->line));
		json_object_set_new(error, "reason",
				    any_text(info->error->reason));
	}
	json_object_set_new(zone, "error", error);
	json_object_set_new(zone, "warnings", number(info->warnings));
	json_object_set_new(zone, "warning",
			    info->warnings > 0 ? any_text(info->warning)
					       : json_null());
	json_object_set_new(zone, "octets", number(info->octets));
	json_object_set_new(zone, "loaded_ms",
			    info->loaded_ms != 0 ? json_integer(info->loaded_ms)
						 : json_null());
	json_array_append_new(context, zone);
}

char *control_report_zones(const struct zone_folder *folder,
			   const struct dname *name)
{
	json_t *reply = new_reply(true);
	json_t *zones = json_array();
	size_t count = 0;

	if (folder != NULL) {
		count = zone_folder_walk(folder, name, add_zone, zones);
	}
	json_object_set_new(reply, "zones", zones);
	if (name != NULL && count == 0) {
		json_decref(reply);
		return control_report_error("no such zone");
	}
	return dump_line(reply);
}

static void add_place(const struct zone_folder_info *info, void *context)
{
	json_t *zone;

	if (info->is_place) {
		zone = json_object();
		add_brief(zone, info);
		json_array_append_new(context, zone);
	}
}

char *control_report_places(const struct zone_folder *folder)
{
	json_t *zones = json_array();
	char *text;

	if (folder != NULL) {
		zone_folder_walk(folder, NULL, add_place, zones);
	}
	text = json_dumps(zones, JSON_COMPACT);
	json_decref(zones);
	return text;
}

char *control_report_reload(const struct zone_folder_result *result)
{
	json_t *reply = new_reply(result->status == STATUS_OK);

	if (result->status != STATUS_OK) {
		json_object_set_new(
			reply, "error",
			any_text(result->text[0] != '\0'
					 ? result->text
					 : status_text(result->status)));
	}
	json_object_set_new(reply, "loaded", number(result->loaded));
	json_object_set_new(reply, "removed", number(result->removed));
	json_object_set_new(reply, "served", number(result->served));
	json_object_set_new(reply, "failed", number(result->failed));
	json_object_set_new(reply, "errors", number(result->errors));
	json_object_set_new(reply, "text", any_text(result->text));
	return dump_line(reply);
}
