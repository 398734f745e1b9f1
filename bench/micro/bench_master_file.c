/*
 * bench_master_file.c - records a second that the reader makes of text.
 *
 *	bench_master_file [FILE ORIGIN]
 *
 * Without a file: a million delegations with glue, in memory. Prints ns a
 * record and records a second, the best of a few rounds.
 */
#include "lib/dns/rrtype.h"
#include "lib/zone/master_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	ROUNDS = 3,
	RECORDS = 1000000,
	LINE_MAX_SIZE = 80,
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static enum status count_record(const struct master_file_record *record,
				void *context, char *reason)
{
	(void)record;
	(void)reason;
	(*(size_t *)context)++;
	return STATUS_OK;
}

static char *make_text(size_t *size)
{
	char *text = malloc((size_t)RECORDS * LINE_MAX_SIZE);
	size_t at = 0;

	if (text == NULL) {
		perror("malloc");
		exit(1);
	}
	for (unsigned i = 0; i < RECORDS / 2; i++) {
		at += (size_t)sprintf(text + at,
				      "domain%u\t3600\tIN\tNS\tns1.domain%u\n"
				      "ns1.domain%u 3600 IN A 192.0.2.%u\n",
				      i, i, i, i % 256);
	}
	*size = at;
	return text;
}

int main(int argc, char **argv)
{
	struct master_file_error error;
	struct dname_storage origin;
	size_t records = 0;
	struct master_file_options options = {
		.origin = dname_root,
		.rrclass = RRCLASS_IN,
		.record = count_record,
		.context = &records,
	};
	size_t size = 0;
	char *text = argc < 3 ? make_text(&size) : NULL;
	double best = 0;

	if (argc >= 3) {
		if (dname_load(&origin, argv[2], strlen(argv[2]), dname_root) !=
		    STATUS_OK) {
			fprintf(stderr, "malformed origin '%s'\n", argv[2]);
			return 2;
		}
		options.origin = dname_of(&origin);
	}
	for (int i = 0; i < ROUNDS; i++) {
		double start = now();
		enum status status;
		double took;

		records = 0;
		status = text != NULL
				 ? master_file_parse("text", text, size,
						     &options, &error)
				 : master_file_read(argv[1], &options, &error);
		took = now() - start;
		if (status != STATUS_OK) {
			fprintf(stderr, "%s:%lu: %s\n", error.file, error.line,
				error.reason);
			return 1;
		}
		best = i == 0 || took < best ? took : best;
	}
	printf("%zu records: %.0f ns a record, %.2f million a second\n",
	       records, best * 1e9 / (double)records,
	       (double)records / best / 1e6);
	free(text);
	return 0;
}
