/*
 * fuzz_master_file.c - text read as a zone, and a zone built from it.
 *
 * $INCLUDE finds files of the folder that the process runs in; the name that
 * stands for the text lies in a folder that is not there, so it opens nothing.
 */
#include "lib/dns/rrtype.h"
#include "lib/zone/checks.h"
#include "lib/zone/master_file.h"
#include "lib/zone/writer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	INPUT_MAX = 1 << 16,
	RECORDS_MAX = 2000, /* $GENERATE makes many of few octets */
};

struct sink {
	struct zone_writer *writer;
	size_t records;
};

static enum status take(const struct master_file_record *record, void *context,
			char *reason)
{
	struct sink *sink = context;

	(void)reason;
	if (record->line == 0 || rrtype_is_meta(record->type) ||
	    record->ttl > 0x7fffffff ||
	    !rdata_is_valid(record->type, record->rdata, record->rdata_size)) {
		abort();
	}
	if (sink->records++ == RECORDS_MAX) {
		return STATUS_TOO_LONG;
	}
	return zone_writer_add(sink->writer, record->owner, record->type,
			       record->ttl, record->rdata, record->rdata_size);
}

static void build(struct sink *sink)
{
	const struct zone_check_options options = {.at = 1800000000,
						   .is_verifying = true};
	struct zone_version *version;
	struct zone_fault fault;

	if (zone_writer_finish(sink->writer, &version, &fault) != STATUS_OK) {
		return;
	}
	zone_check(version, &options);
	zone_version_release(version);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct master_file_error error;
	struct sink sink = {NULL, 0};
	struct master_file_options options = {
		.origin = dname_root,
		.rrclass = RRCLASS_IN,
		.record = take,
		.context = &sink,
	};
	enum status status;

	if (size > INPUT_MAX || memmem(data, size, "/", 1) != NULL) {
		return 0; /* '/': no path but below the missing folder */
	}
	sink.writer = zone_writer_new(NULL, &status);
	if (sink.writer == NULL) {
		return 0;
	}
	status = master_file_parse("/nonexistent/fuzz", (const char *)data,
				   size, &options, &error);
	if (status == STATUS_OK) {
		build(&sink);
		return 0;
	}
	zone_writer_abort(sink.writer);
	if (error.reason[0] == '\0' ||
	    memchr(error.reason, '\0', sizeof(error.reason)) == NULL) {
		abort();
	}
	return 0;
}
