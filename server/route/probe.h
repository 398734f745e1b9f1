/*
 * probe.h - the question that a probe asks, and what its reply is worth.
 *
 * Asked as any client would, with EDNS and NSID. For a zone that is 'ZONE SOA',
 * and a reply is good when it is an authoritative SOA of the zone, from the
 * server we watch; for any other question it is what the question says. Pure:
 * octets in, verdict out; prober.h has the sockets. Any thread.
 */
#pragma once

#include "lib/base/status.h"
#include "lib/dns/dname.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROBE_QUERY_MAX = 12 + DNAME_MAX + 4 + 11 + 4,
	PROBE_PAYLOAD = 1232,   /* octets that we take over UDP */
	PROBE_REPLY_MAX = 4096, /* octets of a reply over TCP that we read */
	PROBE_NSID_MAX = 255,   /* octets kept of an NSID */
	PROBE_REASON_MAX = 384,
	PROBE_QUESTION_TEXT_MAX = DNAME_TEXT_MAX + 24,
};

/* A zone that must be answered for. */
struct probe_zone {
	struct dname_storage name;
	char text[DNAME_TEXT_MAX]; /* with its final dot */
};

/* From text, with or without the final dot. STATUS_BAD_SYNTAX and the like. */
must_check enum status probe_zone_load(struct probe_zone *out,
				       const char *text);
bool probe_zone_equal(const struct probe_zone *a, const struct probe_zone *b);

/* What is asked, and which reply is good. */
struct probe_question {
	struct dname_storage name;
	char text[PROBE_QUESTION_TEXT_MAX]; /* "example. SOA" */
	uint16_t type;
	uint16_t rrclass;
	uint16_t rcode;    /* that the reply must have */
	bool needs_aa;     /* must be authoritative */
	bool needs_soa;    /* the SOA of name must be in the answer */
	bool needs_answer; /* some record must be in the answer section */
	bool needs_empty;  /* none may be: NODATA */
};

/* 'ZONE SOA' */
void probe_question_of_zone(struct probe_question *out,
			    const struct probe_zone *zone);

/*
 * Any question. rcode: a mnemonic (NOERROR, NXDOMAIN, REFUSED, ...), or NODATA
 * for NOERROR with an empty answer section. STATUS_BAD_SYNTAX: the name, the
 * type, the class or the rcode is none.
 */
must_check enum status probe_question_load(struct probe_question *out,
					   const char *name, const char *type,
					   const char *rrclass,
					   const char *rcode, bool needs_aa);

enum probe_verdict {
	PROBE_GOOD,
	PROBE_SILENT, /* no answer in time: broken, or overloaded */
	PROBE_WRONG,  /* an answer that no healthy server gives */
};

struct probe_reply {
	enum probe_verdict verdict;
	bool has_serial;
	uint32_t serial;
	uint8_t nsid_size; /* 0: none */
	uint8_t nsid[PROBE_NSID_MAX];
	char reason[PROBE_REASON_MAX]; /* of a bad verdict; one line */
};

/* Write the query; returns its octets. */
size_t probe_query_write(uint8_t out[PROBE_QUERY_MAX], uint16_t id,
			 const struct probe_question *question);

/*
 * Judge a message. False: it does not answer this question (another identifier
 * or question, not a response), wait for the one that does. identity is the NSID
 * that the reply must bear; NULL: any, or none.
 */
must_check bool probe_reply_read(struct probe_reply *out, const uint8_t *data,
				 size_t size, uint16_t id,
				 const struct probe_question *question,
				 const char *identity);

/* A good reply that took longer than limit_ms (0: no limit) is none. */
void probe_reply_limit(struct probe_reply *reply, uint64_t duration_us,
		       uint32_t limit_ms);
