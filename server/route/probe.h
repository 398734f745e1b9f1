/*
 * probe.h - the question that a probe asks, and what its reply is worth.
 *
 * 'ZONE SOA' as any client would ask it, with EDNS and NSID. A reply is good
 * when it is an authoritative SOA of the zone, from the server we watch. Pure:
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
			 const struct probe_zone *zone);

/*
 * Judge a message. False: it does not answer this question (another identifier
 * or question, not a response), wait for the one that does. identity is the NSID
 * that the reply must bear; NULL: any, or none.
 */
must_check bool probe_reply_read(struct probe_reply *out, const uint8_t *data,
				 size_t size, uint16_t id,
				 const struct probe_zone *zone,
				 const char *identity);
