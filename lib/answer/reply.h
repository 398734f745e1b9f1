/*
 * reply.h - a reply's octets: header, question, sections, OPT, TSIG.
 */
#pragma once

#include "lib/answer/answer.h"
#include "lib/answer/query.h"

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
