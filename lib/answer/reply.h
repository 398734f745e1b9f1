/*
 * reply.h - a reply's octets: header, question, sections, OPT, TSIG.
 */
#pragma once

#include "lib/answer/answer.h"
#include "lib/answer/query.h"
#include "lib/base/checksum.h"

#include <stddef.h>
#include <stdint.h>

/* A worker's scratch memory for name compression; NULL without memory. */
struct reply_writer;
struct reply_writer *reply_writer_new(void);
void reply_writer_free(struct reply_writer *writer);

/* What we have to say in OPT. */
struct reply_edns {
	uint16_t udp_payload;
	const uint8_t *nsid; /* or NULL */
	size_t nsid_size;    /* at most 255 */
	uint16_t keepalive;  /* units of 100 ms (RFC 7828 3.1) */
	/* Where errors may be reported (RFC 9567), or NULL; not the root. */
	const struct dname *report_agent;
};

/*
 * Write the reply to query into at most limit octets of reply (at least 512):
 * as answer says, or, where what must be there does not fit, header (TC),
 * question and OPT alone. Returns its size; *is_truncated says whether TC is
 * set. RRsets stand whole or not at all; additional ones that need not be there
 * are left out from the first that does not fit.
 *
 * Options that the client asked for count before the sections; those that we
 * send of ourselves (EDE, Report-Channel) go where there is room behind them.
 */
size_t reply_write(struct reply_writer *writer, const struct query *query,
		   const struct answer *answer, const struct reply_edns *edns,
		   uint8_t *reply, size_t limit, bool *is_truncated);

struct compiled;

/* The same with the sections of a compiled reply; of answer only the head.
 * *known: the part of the reply whose checksum comes with them. */
size_t reply_write_compiled(struct reply_writer *writer,
			    const struct compiled *compiled,
			    const struct query *query,
			    const struct answer *answer,
			    const struct reply_edns *edns, uint8_t *reply,
			    size_t limit, bool *is_truncated,
			    struct checksum_part *known);

/* Records by section. */
struct reply_counts {
	unsigned answers;
	unsigned authorities;
	unsigned additionals;
};

enum {
	REPLY_POINTERS_MAX = 512,
	REPLY_STEPS_MAX = 128,
};

/* A reply may be cut here: behind an additional RRset. */
struct reply_step {
	uint16_t end;         /* offset in the message */
	uint16_t additionals; /* records up to there */
};

/* What a compiled reply is made of; offsets are those in the message. */
struct reply_recording {
	struct reply_counts counts;
	unsigned required; /* of the additional records */
	uint16_t start;    /* behind the question */
	uint16_t required_end;
	uint16_t end;
	unsigned pointers;
	unsigned steps;
	uint16_t pointer[REPLY_POINTERS_MAX]; /* those that shift */
	struct reply_step step[REPLY_STEPS_MAX];
};

/*
 * Write the sections of answer, all of them, to where they stand in a message
 * of at most size octets (more than header and question take, and less than
 * 16,383 - 255: every pointer must reach); the octets before are left alone.
 * False where something does not fit: then there is nothing to compile.
 */
bool reply_record(struct reply_writer *writer, const struct query *query,
		  const struct answer *answer, uint8_t *message, size_t size,
		  struct reply_recording *recording);
