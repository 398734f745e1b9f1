#include "server/route/control_report.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A running total or an age: a whole number that is not negative. */
static bool read_total(const json_t *object, const char *key, uint64_t *out)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0) {
		return false;
	}
	*out = (uint64_t)json_integer_value(value);
	return true;
}

static bool read_transport(struct health_report *report, unsigned worker,
			   const json_t *object)
{
	const char *name =
		json_string_value(json_object_get(object, "transport"));
	struct health_totals totals;
	uint64_t last_pass_ms;

	if (name == NULL || !read_total(object, "batches", &totals.batches) ||
	    !read_total(object, "queries", &totals.queries) ||
	    !read_total(object, "drops", &totals.drops) ||
	    !read_total(object, "waiting", &totals.waiting) ||
	    !read_total(object, "last_pass_ms", &last_pass_ms)) {
		return false;
	}
	health_report_add(report, worker, name, last_pass_ms, &totals);
	return true;
}

static bool read_workers(struct health_report *report, const json_t *root)
{
	const json_t *workers = json_object_get(root, "workers");
	json_t *worker;
	size_t index;

	if (!json_is_array(workers) ||
	    json_array_size(workers) > CONTROL_REPORT_WORKERS_MAX) {
		return false;
	}
	json_array_foreach(workers, index, worker)
	{
		const json_t *transports =
			json_object_get(worker, "transports");
		json_t *transport;
		uint64_t id;
		size_t k;

		if (!read_total(worker, "id", &id) || id > UINT32_MAX ||
		    !json_is_array(transports)) {
			return false;
		}
		json_array_foreach(transports, k, transport)
		{
			if (!read_transport(report, (unsigned)id, transport)) {
				return false;
			}
		}
		report->workers++;
	}
	return true;
}

static enum health_zone zone_state(const char *text)
{
	static const struct {
		const char *text;
		enum health_zone state;
	} states[] = {
		{"served", HEALTH_ZONE_SERVED},
		{"stale", HEALTH_ZONE_STALE},
		{"loading", HEALTH_ZONE_LOADING},
		{"failed", HEALTH_ZONE_FAILED},
		{"expired", HEALTH_ZONE_EXPIRED},
	};

	for (size_t i = 0; text != NULL && i < 5; i++) {
		if (strcmp(text, states[i].text) == 0) {
			return states[i].state;
		}
	}
	return HEALTH_ZONE_MISSING;
}

/*
 * A name may be listed twice, where a second file claims it: the best state is
 * that of what is served.
 */
static void read_zones(struct control_message *message, const json_t *list,
		       const struct probe_zone *zones, size_t zone_count,
		       enum health_zone *states, struct control_serial *serials)
{
	json_t *entry;
	size_t index;

	for (size_t i = 0; i < zone_count; i++) {
		states[i] = HEALTH_ZONE_MISSING;
		if (serials != NULL) {
			serials[i].is_known = false;
		}
	}
	json_array_foreach(list, index, entry)
	{
		const char *name =
			json_string_value(json_object_get(entry, "name"));
		enum health_zone state = zone_state(
			json_string_value(json_object_get(entry, "state")));
		const json_t *serial = json_object_get(entry, "serial");
		struct probe_zone zone;

		message->zones_fit += state >= HEALTH_ZONE_SERVED;
		if (zone_count == 0 || name == NULL ||
		    probe_zone_load(&zone, name) != STATUS_OK) {
			continue;
		}
		for (size_t i = 0; i < zone_count; i++) {
			if (state <= states[i] ||
			    !probe_zone_equal(&zones[i], &zone)) {
				continue;
			}
			states[i] = state;
			if (serials != NULL) {
				serials[i] = (struct control_serial){
					json_is_integer(serial),
					(uint32_t)json_integer_value(serial)};
			}
		}
	}
}

static void copy_text(struct control_message *message, const json_t *value)
{
	snprintf(message->text, sizeof(message->text), "%s",
		 json_is_string(value) ? json_string_value(value) : "");
}

/* A report, once it is known to be one. */
static enum status read_report(struct control_message *message,
			       const json_t *root,
			       const struct probe_zone *zones,
			       size_t zone_count, enum health_zone *states,
			       struct control_serial *serials)
{
	const char *state = json_string_value(json_object_get(root, "state"));
	const json_t *list = json_object_get(root, "zones");

	if (state == NULL || (list != NULL && !json_is_array(list)) ||
	    !read_workers(&message->report, root)) {
		return STATUS_BAD_SYNTAX;
	}
	message->kind = CONTROL_LINE_REPORT;
	message->report.is_stopping = strcmp(state, "stopping") == 0;
	copy_text(message, json_object_get(root, "identity"));
	if (list != NULL) {
		message->has_zones = true;
		read_zones(message, list, zones, zone_count, states, serials);
	}
	return STATUS_OK;
}

enum status control_report_read(struct control_message *out, const char *line,
				size_t size, const struct probe_zone *zones,
				size_t zone_count, enum health_zone *states,
				struct control_serial *serials)
{
	struct control_message message = {.kind = CONTROL_LINE_OTHER};
	json_t *root = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
	const json_t *ok = json_object_get(root, "ok");
	enum status status = STATUS_OK;

	if (!json_is_object(root)) {
		status = STATUS_BAD_SYNTAX;
	} else if (json_object_get(root, "report") != NULL) {
		status = read_report(&message, root, zones, zone_count, states,
				     serials);
	} else if (ok != NULL) {
		message.kind = json_is_true(ok) ? CONTROL_LINE_REPLY_OK
						: CONTROL_LINE_REPLY_BAD;
		copy_text(&message, json_object_get(root, "error"));
	}
	json_decref(root);
	if (status == STATUS_OK) {
		*out = message;
	}
	return status;
}
