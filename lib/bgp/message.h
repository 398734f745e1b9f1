/*
 * message.h - BGP-4 messages but UPDATE: header, OPEN, NOTIFICATION, KEEPALIVE,
 * ROUTE-REFRESH (RFC 4271 4, RFC 2918, RFC 5492, RFC 9072, RFC 9003).
 *
 * Writers put one whole message, header included, into a buffer of
 * BGP_MESSAGE_MAX octets and return its length. Parsers read one whole message
 * that bgp_header_check() has let through. What a peer did wrong comes back as
 * the NOTIFICATION it has earned. No state, no allocation; any thread.
 */
#pragma once

#include "lib/base/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BGP_PORT = 179,
	BGP_VERSION = 4,
	BGP_MARKER_SIZE = 16,
	BGP_HEADER_SIZE = 19,
	BGP_MESSAGE_MAX = 4096, /* RFC 4271 4.1; RFC 8654 is not offered */
	BGP_OPEN_MIN = 29,
	BGP_AS_TRANS = 23456, /* RFC 6793 9 */
	BGP_HOLD_MIN_S = 3,   /* RFC 4271 4.2; 0 means no keepalives */
	BGP_NOTIFICATION_DATA_MAX = 256,
	BGP_SHUTDOWN_TEXT_MAX = 128, /* what RFC 8203 receivers take, too */
	BGP_TEXT_MAX = 512,
};

enum bgp_type {
	BGP_TYPE_OPEN = 1,
	BGP_TYPE_UPDATE = 2,
	BGP_TYPE_NOTIFICATION = 3,
	BGP_TYPE_KEEPALIVE = 4,
	BGP_TYPE_ROUTE_REFRESH = 5,
};

/* Address families, unicast, as a set. */
enum bgp_families {
	BGP_IPV4 = 1 << 0,
	BGP_IPV6 = 1 << 1,
	BGP_FAMILIES_ALL = BGP_IPV4 | BGP_IPV6,
};

/* RFC 9234 4.1 */
enum bgp_role {
	BGP_ROLE_PROVIDER = 0,
	BGP_ROLE_ROUTE_SERVER = 1,
	BGP_ROLE_ROUTE_SERVER_CLIENT = 2,
	BGP_ROLE_CUSTOMER = 3,
	BGP_ROLE_PEER = 4,
	BGP_ROLE_NONE = 255, /* not configured, or not sent */
};

enum bgp_error_code {
	BGP_ERROR_HEADER = 1,
	BGP_ERROR_OPEN = 2,
	BGP_ERROR_UPDATE = 3, /* received only: we never judge an UPDATE so */
	BGP_ERROR_HOLD = 4,
	BGP_ERROR_FSM = 5,
	BGP_ERROR_CEASE = 6,
	BGP_ERROR_REFRESH = 7,
	BGP_ERROR_SEND_HOLD = 8, /* RFC 9687 */
};

enum bgp_error_subcode {
	BGP_HEADER_NOT_SYNCHRONIZED = 1,
	BGP_HEADER_BAD_LENGTH = 2,
	BGP_HEADER_BAD_TYPE = 3,

	BGP_OPEN_MALFORMED = 0,
	BGP_OPEN_BAD_VERSION = 1,
	BGP_OPEN_BAD_AS = 2,
	BGP_OPEN_BAD_ID = 3,
	BGP_OPEN_BAD_PARAMETER = 4,
	BGP_OPEN_BAD_HOLD = 6,
	BGP_OPEN_BAD_CAPABILITY = 7,
	BGP_OPEN_BAD_ROLE = 11,

	BGP_FSM_IN_OPEN_SENT = 1, /* RFC 6608 */
	BGP_FSM_IN_OPEN_CONFIRM = 2,
	BGP_FSM_IN_ESTABLISHED = 3,

	BGP_CEASE_MAX_PREFIXES = 1,
	BGP_CEASE_SHUTDOWN = 2,
	BGP_CEASE_DECONFIGURED = 3,
	BGP_CEASE_RESET = 4,
	BGP_CEASE_REJECTED = 5,
	BGP_CEASE_CONFIGURATION = 6,
	BGP_CEASE_COLLISION = 7,
	BGP_CEASE_RESOURCES = 8,
	BGP_CEASE_HARD_RESET = 9,
	BGP_CEASE_BFD_DOWN = 10,
};

/* A NOTIFICATION, to be sent or received. Longer data is cut. */
struct bgp_notification {
	uint8_t code;
	uint8_t subcode;
	uint16_t size;
	uint8_t data[BGP_NOTIFICATION_DATA_MAX];
};

/* An OPEN, ours or theirs. */
struct bgp_open {
	uint32_t as;        /* capability 65 where there, else the field */
	uint32_t router_id; /* host order */
	uint16_t hold_s;
	uint8_t families;          /* set of enum bgp_families */
	uint8_t role;              /* enum bgp_role; NONE where not said */
	bool has_capabilities;     /* any at all */
	bool has_multiprotocol;    /* capability 1 for any family */
	bool has_as4;              /* capability 65 */
	bool has_refresh;          /* capability 2 */
	bool has_graceful_restart; /* capability 64, for the log only */
	bool has_role_conflict;    /* two different roles: RFC 9234 4.2 */
};

/*
 * Judge what has arrived of a message. 0: well so far, more octets are needed;
 * above 0: one whole message of that many octets stands at data; below 0: error
 * holds the NOTIFICATION (1/1, 1/2, 1/3) and nothing behind can be trusted.
 * The marker and the length are judged as soon as their octets are there.
 */
int bgp_header_check(const uint8_t *data, size_t size,
		     struct bgp_notification *error);

size_t bgp_open_write(uint8_t out[BGP_MESSAGE_MAX],
		      const struct bgp_open *open);
size_t bgp_keepalive_write(uint8_t out[BGP_MESSAGE_MAX]);
size_t bgp_refresh_write(uint8_t out[BGP_MESSAGE_MAX],
			 enum bgp_families family);
size_t bgp_notification_write(uint8_t out[BGP_MESSAGE_MAX],
			      const struct bgp_notification *notification);

/*
 * Read a whole OPEN. Every capability is stepped over by its length; one that
 * is unknown, or of a strange length, is left alone (RFC 5492 4). What our own
 * configuration makes of it is bgp_fsm_step()'s business. On false error holds
 * 2/0, 2/1, 2/4 or 1/2.
 */
must_check bool bgp_open_parse(struct bgp_open *out, const uint8_t *message,
			       size_t size, struct bgp_notification *error);

/* Read a whole NOTIFICATION; the header check has seen that it holds a code. */
void bgp_notification_parse(struct bgp_notification *out,
			    const uint8_t *message, size_t size);

/*
 * Read a whole ROUTE-REFRESH. The family asked for, or 0 for one that is not
 * ours or for a subtype that we never offered (RFC 7313): to be ignored.
 */
unsigned bgp_refresh_parse(const uint8_t *message, size_t size);

/*
 * A Cease that carries a shutdown communication (RFC 9003); text may be NULL.
 */
void bgp_cease(struct bgp_notification *out, enum bgp_error_subcode subcode,
	       const char *text);

/*
 * 'cease 6/2 (administrative shutdown): "maintenance"': the code in words, and
 * what of its data an operator can use. Octets of the peer's that are not
 * printable ASCII stand as \DDD. Returns text.
 */
const char *bgp_notification_dump(const struct bgp_notification *notification,
				  char text[BGP_TEXT_MAX]);

/* 'ipv4 ipv6', 'none': names of the families of a set. Static text. */
const char *bgp_families_text(unsigned families);
