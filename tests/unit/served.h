/*
 * served.h - zones to be asked in process, for tests and benchmarks.
 *
 * One thread, which is a reader of its own: on-line from served_init() to
 * served_fini().
 */
#pragma once

#include "lib/answer/answer_query.h"
#include "lib/base/grace.h"
#include "lib/zone/master_file.h"
#include "lib/zone/writer.h"
#include "lib/zone/zone.h"
#include "lib/zone/zone_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SERVED_MAX = 16,
};

struct served {
	struct zone_set *set;
	struct zone *zones[SERVED_MAX];
	unsigned count;
	struct answer_identity identity;
	struct answer_context *context;
	char error[2048]; /* why the last served_add_*() failed */
};

static inline void served_fini(struct served *s)
{
	grace_offline();
	for (unsigned i = 0; i < s->count; i++) {
		if (zone_set_remove(s->set, s->zones[i]) == STATUS_OK) {
			zone_free(s->zones[i]);
		}
	}
	grace_barrier();
	answer_context_free(s->context);
	zone_set_free(s->set);
	grace_thread_unregister();
}

static inline void served_init(struct served *s)
{
	memset(s, 0, sizeof(*s));
	s->identity = (struct answer_identity){.name = "test.example",
					       .version = "Rootcast",
					       .udp_payload = 1232,
					       .tcp_idle_ms = 10000,
					       .compiled_budget =
						       ANSWER_COMPILED_BUDGET};
	s->set = zone_set_new();
	s->context = s->set == NULL ? NULL
				    : answer_context_new(&s->identity, s->set);
	if (s->context == NULL) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	grace_thread_register();
	grace_online();
}

/* Serve a version (held by the caller until now), or NULL: an empty place. */
static inline bool served_add(struct served *s, const struct dname *apex,
			      struct zone_version *version)
{
	struct zone *zone = s->count < SERVED_MAX ? zone_new(apex) : NULL;

	if (zone == NULL || zone_set_add(s->set, zone) != STATUS_OK) {
		snprintf(s->error, sizeof(s->error), "zone exists already");
		zone_version_release(version);
		return false;
	}
	s->zones[s->count++] = zone;
	if (version != NULL) {
		zone_publish(zone, version);
	}
	return true;
}

static inline bool served_add_empty(struct served *s, const char *apex)
{
	struct dname_storage name;

	if (dname_load(&name, apex, strlen(apex), dname_root) != STATUS_OK) {
		snprintf(s->error, sizeof(s->error), "bad name '%s'", apex);
		return false;
	}
	return served_add(s, dname_of(&name), NULL);
}

static inline enum status
served_take_record(const struct master_file_record *record, void *context,
		   char *reason)
{
	(void)reason;
	return zone_writer_add(context, record->owner, record->type,
			       record->ttl, record->rdata, record->rdata_size);
}

/* What there was to load for the last place was no good. */
static inline void served_fail(struct served *s)
{
	zone_set_failed(s->zones[s->count - 1], true);
}

/* Begin anew with an identity changed. */
static inline void served_identity_changed(struct served *s)
{
	answer_context_free(s->context);
	s->context = answer_context_new(&s->identity, s->set);
	if (s->context == NULL) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
}

/* From text of size octets, or, where text is NULL, from the file at path. */
static inline bool served_add_zone(struct served *s, const char *origin,
				   const char *text, size_t size,
				   const char *path)
{
	struct dname_storage name;
	struct master_file_options options = {
		.origin = dname_of(&name),
		.rrclass = 1,
		.record = served_take_record,
	};
	struct master_file_error error;
	struct zone_fault fault;
	struct zone_version *version;
	enum status status;

	memset(&error, 0, sizeof(error));
	memset(&fault, 0, sizeof(fault));
	if (dname_load(&name, origin, strlen(origin), dname_root) !=
	    STATUS_OK) {
		snprintf(s->error, sizeof(s->error), "bad name '%s'", origin);
		return false;
	}
	options.context = zone_writer_new(NULL, &status);
	if (options.context == NULL) {
		snprintf(s->error, sizeof(s->error), "%s", status_text(status));
		return false;
	}
	status = text != NULL ? master_file_parse("text", text, size, &options,
						  &error)
			      : master_file_read(path, &options, &error);
	if (status != STATUS_OK) {
		snprintf(s->error, sizeof(s->error), "zone line %lu: %s",
			 error.line, error.reason);
		zone_writer_abort(options.context);
		return false;
	}
	status = zone_writer_finish(options.context, &version, &fault);
	if (status != STATUS_OK) {
		snprintf(s->error, sizeof(s->error), "%s",
			 fault.reason != NULL ? fault.reason
					      : status_text(status));
		return false;
	}
	return served_add(s, zone_version_apex(version), version);
}

static inline bool served_add_text(struct served *s, const char *origin,
				   const char *text, size_t size)
{
	return served_add_zone(s, origin, text, size, NULL);
}

static inline bool served_add_file(struct served *s, const char *path,
				   const char *origin)
{
	return served_add_zone(s, origin, NULL, 0, path);
}

/*
 * A file of the data that is shared beside the sources (real zones; not part of
 * the project), or NULL where it is absent: the test is to be skipped.
 */
static inline const char *shared_data(const char *name)
{
	static char path[4096];
	const char *folder = getenv("ROOTCAST_SHARED_DATA");
	FILE *file;

	if (folder != NULL) {
		snprintf(path, sizeof(path), "%s/%s", folder, name);
	} else {
		snprintf(path, sizeof(path), "%s/../shared/data/%s",
			 ROOTCAST_SOURCE_DIR, name);
	}
	file = fopen(path, "r");
	if (file == NULL) {
		return NULL;
	}
	fclose(file);
	return path;
}
