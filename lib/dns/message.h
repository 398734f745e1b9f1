/*
 * message.h - the fixed parts of a DNS message (RFC 1035 4.1, RFC 6891).
 */
#pragma once

#include "lib/base/wire.h"
#include "lib/dns/dname.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	MESSAGE_HEADER_SIZE = 12,
	MESSAGE_MAX = 65535,
	MESSAGE_UDP_PLAIN_MAX = 512, /* without EDNS, RFC 1035 2.3.4 */
	EDNS_OPT_SIZE = 11,          /* an OPT record without options */
};

/* Bits of the second 16-bit word of the header. */
enum message_flag {
	MESSAGE_QR = 0x8000,
	MESSAGE_AA = 0x0400,
	MESSAGE_TC = 0x0200,
	MESSAGE_RD = 0x0100,
	MESSAGE_RA = 0x0080,
	MESSAGE_AD = 0x0020,
	MESSAGE_CD = 0x0010,
	MESSAGE_OPCODE_SHIFT = 11,
	MESSAGE_OPCODE_MASK = 0x7800,
	MESSAGE_RCODE_MASK = 0x000f,
};

enum opcode {
	OPCODE_QUERY = 0,
	OPCODE_IQUERY = 1,
	OPCODE_STATUS = 2,
	OPCODE_NOTIFY = 4,
	OPCODE_UPDATE = 5,
	OPCODE_DSO = 6,
};

enum rcode {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_YXDOMAIN = 6,
	RCODE_NOTAUTH = 9,
	RCODE_BADVERS = 16, /* above 15: the upper bits stand in OPT */
	RCODE_BADCOOKIE = 23,
};

enum edns_option {
	EDNS_NSID = 3,            /* RFC 5001 */
	EDNS_EXPIRE = 9,          /* RFC 7314 */
	EDNS_COOKIE = 10,         /* RFC 7873 */
	EDNS_KEEPALIVE = 11,      /* RFC 7828 */
	EDNS_PADDING = 12,        /* RFC 7830 */
	EDNS_EDE = 15,            /* RFC 8914 */
	EDNS_REPORT_CHANNEL = 18, /* RFC 9567 */
	EDNS_ZONEVERSION = 19,    /* RFC 9660 */
};

enum {
	EDNS_DO = 0x8000, /* RFC 3225 */
};

/* Extended DNS Errors, RFC 8914 and IANA's registry. */
enum edns_error {
	EDE_OTHER = 0,
	EDE_NOT_READY = 14,
	EDE_PROHIBITED = 18,
	EDE_NOT_AUTHORITATIVE = 20,
	EDE_NOT_SUPPORTED = 21,
	EDE_INVALID_DATA = 24,
	EDE_INVALID_QUERY_TYPE = 30, /* RFC 9824 */
};

/*
 * Write a query of class rrclass with an OPT record: DO where dnssec is set,
 * NSID asked for where nsid is. The writer fails where there is no room.
 */
void message_write_query(struct wire_writer *w, uint16_t id,
			 const struct dname *qname, uint16_t qtype,
			 uint16_t rrclass, uint16_t udp_payload, bool dnssec,
			 bool nsid);
