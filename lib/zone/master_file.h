/*
 * master_file.h - master files (RFC 1035 5, RFC 2308 4, RFC 3597 5) as a stream
 * of records.
 *
 * Splitting a file into records, directives ($ORIGIN, $TTL, $INCLUDE,
 * $GENERATE), owner, TTL and class is done here; common RDATA is read here for
 * speed, the rest by ldns, and what ldns does not know by RFC 3597. Reading
 * never trusts the file: every limit has a name. Off the workers; any thread,
 * one reader a thread.
 */
#pragma once

#include "lib/base/status.h"
#include "lib/dns/dname.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum {
	MASTER_FILE_INCLUDE_DEPTH = 8,
	MASTER_FILE_INCLUDES_MAX = 256,
	MASTER_FILE_RECORD_MAX = 1 << 20, /* octets of one record's text */
	/* octets that all $GENERATE of one reading may make */
	MASTER_FILE_GENERATE_TEXT_MAX = 1 << 28,
	MASTER_FILE_GENERATE_MAX = 1 << 20, /* records of one $GENERATE */
	MASTER_FILE_REASON_MAX = 256,
};

/* Where and why reading stopped. */
struct master_file_error {
	char file[1024];
	unsigned long line; /* 1 is the first; 0: the file as a whole */
	char reason[MASTER_FILE_REASON_MAX];
};

/* One record; everything is the reader's and valid during the call only. */
struct master_file_record {
	const struct dname *owner;
	uint16_t type;
	uint16_t rrclass;
	uint32_t ttl;
	const uint8_t *rdata; /* uncompressed, valid (rdata_is_valid) */
	size_t rdata_size;
	const char *file;
	unsigned long line; /* where the record starts */
};

/*
 * Called for each record. A status other than STATUS_OK stops reading; reason
 * (of MASTER_FILE_REASON_MAX octets) may be filled to say why, else
 * status_text() stands.
 */
typedef enum status (*master_file_func)(const struct master_file_record *record,
					void *context, char *reason);

/*
 * Called with each file (the first and every $INCLUDE) after it was opened,
 * before it is read, with its fstat(): the caller remembers what to watch. May
 * be NULL.
 */
typedef enum status (*master_file_opened_func)(const char *path, int fd,
					       const struct stat *st,
					       void *context);

struct master_file_options {
	const struct dname *origin; /* the initial $ORIGIN */
	uint16_t rrclass;           /* records of another class are an error */
	uint64_t size_max; /* octets of all files together; 0: no limit */
	master_file_func record;
	master_file_opened_func opened;
	void *context;
};

/*
 * Read a file, or text in memory (name stands for the file in errors; $INCLUDE
 * is relative to its folder). Records come in the order of the file. On
 * anything but STATUS_OK *error says file, line and reason.
 */
must_check enum status
master_file_read(const char *path, const struct master_file_options *options,
		 struct master_file_error *error);
must_check enum status
master_file_parse(const char *name, const char *text, size_t size,
		  const struct master_file_options *options,
		  struct master_file_error *error);
