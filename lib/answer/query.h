/*
 * query.h - a query read and judged: header, one question, OPT, TSIG.
 *
 * What is wrong with a message is data, not an error: the RCODE that is due. A
 * struct query lives on the reader's stack for one query; its pointers lead
 * into the message. Pure; any thread.
 */
#pragma once

#include "lib/dns/dname.h"
#include "lib/dns/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct query {
	uint16_t id;
	uint16_t flags; /* the header's second word as it came */
	uint16_t qtype; /* 0 where no question was read */
	uint16_t qclass;
	uint16_t rcode; /* RCODE_NOERROR, or what the reply is to say */

	/* The question as spelled, 0 octets where none could be read. */
	const uint8_t *question;
	uint16_t question_size;
	struct dname_storage qname; /* valid where question_size > 0 */

	bool has_edns;          /* one OPT record was read (RFC 6891) */
	bool wants_dnssec;      /* DO (RFC 3225) */
	bool wants_nsid;        /* RFC 5001 */
	bool wants_expire;      /* RFC 7314 */
	bool wants_version;     /* of the zone: ZONEVERSION (RFC 9660) */
	bool wants_keepalive;   /* RFC 7828; of no meaning over UDP */
	bool has_bad_keepalive; /* one that says a timeout: FORMERR over TCP */
	uint16_t udp_payload; /* the client's, at least 512; 512 without EDNS */

	/* A TSIG record (RFC 8945 4.2), told apart but not verified. */
	bool has_tsig;
	struct dname_storage tsig_key;
	struct dname_storage tsig_algorithm;
	uint8_t tsig_time[8]; /* time signed and fudge, as they came */
};

/*
 * Read a message. false: stay silent, since it is no query (shorter than a
 * header, or QR set: answering those would let two servers talk for ever).
 * Otherwise *out is filled as far as the message could be read, and out->rcode
 * says whether to go on (NOERROR) or what to answer.
 */
bool query_parse(const uint8_t *data, size_t size, struct query *out);

/* Its name, where there is a question. */
static inline const struct dname *query_name(const struct query *query)
{
	return (const struct dname *)(const void *)&query->qname;
}
