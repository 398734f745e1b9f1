/*
 * message.c - the fixed forms of BGP messages.
 *
 * What is odd here is OPEN's optional parameters. They come in three shapes
 * that must all be read: none at all (29 octets, old routers),
 * type-length-value with one octet of length, and RFC 9072's with two. We write
 * the second only: it always suffices, and GoBGP 3.10 answers the third with
 * 1/2.
 */
#include "lib/bgp/message.h"

#include "lib/base/wire.h"

#include <stdio.h>
#include <string.h>

enum {
	CAPABILITY_MULTIPROTOCOL = 1,
	CAPABILITY_REFRESH = 2,
	CAPABILITY_ROLE = 9,
	CAPABILITY_GRACEFUL_RESTART = 64,
	CAPABILITY_AS4 = 65,

	PARAMETER_CAPABILITIES = 2,
	PARAMETER_EXTENDED = 255, /* RFC 9072 2 */

	AFI_IPV4 = 1,
	AFI_IPV6 = 2,
	SAFI_UNICAST = 1,

	DATA_SHOWN_MAX = 24, /* octets of a NOTIFICATION's data in a log line */
};

static void notification_set(struct bgp_notification *out, uint8_t code,
			     uint8_t subcode, const void *data, size_t size)
{
	out->code = code;
	out->subcode = subcode;
	out->size = (uint16_t)size;
	if (size > 0) {
		memcpy(out->data, data, size);
	}
}

static bool length_suits(uint8_t type, unsigned length)
{
	switch (type) {
	case BGP_TYPE_OPEN:
		return length >= BGP_OPEN_MIN;
	case BGP_TYPE_UPDATE:
		return length >= BGP_HEADER_SIZE + 4;
	case BGP_TYPE_NOTIFICATION:
		return length >= BGP_HEADER_SIZE + 2;
	case BGP_TYPE_KEEPALIVE:
		return length == BGP_HEADER_SIZE;
	case BGP_TYPE_ROUTE_REFRESH:
		return length >= BGP_HEADER_SIZE + 4;
	default:
		return true;
	}
}

int bgp_header_check(const uint8_t *data, size_t size,
		     struct bgp_notification *error)
{
	unsigned length;
	uint8_t type;

	for (size_t i = 0; i < size && i < BGP_MARKER_SIZE; i++) {
		if (data[i] != 0xff) {
			notification_set(error, BGP_ERROR_HEADER,
					 BGP_HEADER_NOT_SYNCHRONIZED, NULL, 0);
			return -1;
		}
	}
	if (size < BGP_MARKER_SIZE + 2) {
		return 0;
	}
	length = wire_get16(data + BGP_MARKER_SIZE);
	if (length < BGP_HEADER_SIZE || length > BGP_MESSAGE_MAX) {
		notification_set(error, BGP_ERROR_HEADER, BGP_HEADER_BAD_LENGTH,
				 data + BGP_MARKER_SIZE, 2);
		return -1;
	}
	if (size < BGP_HEADER_SIZE) {
		return 0;
	}
	type = data[BGP_HEADER_SIZE - 1];
	if (type < BGP_TYPE_OPEN || type > BGP_TYPE_ROUTE_REFRESH) {
		notification_set(error, BGP_ERROR_HEADER, BGP_HEADER_BAD_TYPE,
				 &type, 1);
		return -1;
	}
	if (!length_suits(type, length)) {
		notification_set(error, BGP_ERROR_HEADER, BGP_HEADER_BAD_LENGTH,
				 data + BGP_MARKER_SIZE, 2);
		return -1;
	}
	return size >= length ? (int)length : 0;
}

/* --- writing -------------------------------------------------------------- */

static struct wire_writer message_begin(uint8_t out[BGP_MESSAGE_MAX],
					enum bgp_type type)
{
	struct wire_writer w = wire_writer_init(out, BGP_MESSAGE_MAX);
	uint8_t *marker = wire_claim(&w, BGP_MARKER_SIZE);

	memset(marker, 0xff, BGP_MARKER_SIZE);
	wire_write16(&w, 0); /* set by message_end() */
	wire_write8(&w, (uint8_t)type);
	return w;
}

static size_t message_end(struct wire_writer *w)
{
	size_t size = wire_size(w);

	wire_put16(w->start + BGP_MARKER_SIZE, (uint16_t)size);
	return size;
}

static void write_multiprotocol(struct wire_writer *w, uint16_t afi)
{
	wire_write8(w, CAPABILITY_MULTIPROTOCOL);
	wire_write8(w, 4);
	wire_write16(w, afi);
	wire_write8(w, 0);
	wire_write8(w, SAFI_UNICAST);
}

static void write_capabilities(struct wire_writer *w,
			       const struct bgp_open *open)
{
	if (open->families & BGP_IPV4) {
		write_multiprotocol(w, AFI_IPV4);
	}
	if (open->families & BGP_IPV6) {
		write_multiprotocol(w, AFI_IPV6);
	}
	if (open->has_refresh) {
		wire_write8(w, CAPABILITY_REFRESH);
		wire_write8(w, 0);
	}
	if (open->has_as4) {
		wire_write8(w, CAPABILITY_AS4);
		wire_write8(w, 4);
		wire_write32(w, open->as);
	}
	if (open->role != BGP_ROLE_NONE) {
		wire_write8(w, CAPABILITY_ROLE);
		wire_write8(w, 1);
		wire_write8(w, open->role);
	}
}

size_t bgp_open_write(uint8_t out[BGP_MESSAGE_MAX], const struct bgp_open *open)
{
	struct wire_writer w = message_begin(out, BGP_TYPE_OPEN);
	uint8_t *lengths;

	wire_write8(&w, BGP_VERSION);
	wire_write16(&w,
		     open->as > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)open->as);
	wire_write16(&w, open->hold_s);
	wire_write32(&w, open->router_id);
	if (!open->has_capabilities) {
		wire_write8(&w, 0);
		return message_end(&w);
	}
	lengths = wire_claim(&w, 3);
	write_capabilities(&w, open);
	lengths[0] = (uint8_t)(w.at - lengths - 1);
	lengths[1] = PARAMETER_CAPABILITIES;
	lengths[2] = (uint8_t)(w.at - lengths - 3);
	return message_end(&w);
}

size_t bgp_keepalive_write(uint8_t out[BGP_MESSAGE_MAX])
{
	struct wire_writer w = message_begin(out, BGP_TYPE_KEEPALIVE);

	return message_end(&w);
}

size_t bgp_refresh_write(uint8_t out[BGP_MESSAGE_MAX], enum bgp_families family)
{
	struct wire_writer w = message_begin(out, BGP_TYPE_ROUTE_REFRESH);

	wire_write16(&w, family == BGP_IPV4 ? AFI_IPV4 : AFI_IPV6);
	wire_write8(&w, 0);
	wire_write8(&w, SAFI_UNICAST);
	return message_end(&w);
}

size_t bgp_notification_write(uint8_t out[BGP_MESSAGE_MAX],
			      const struct bgp_notification *notification)
{
	struct wire_writer w = message_begin(out, BGP_TYPE_NOTIFICATION);

	wire_write8(&w, notification->code);
	wire_write8(&w, notification->subcode);
	wire_write(&w, notification->data, notification->size);
	return message_end(&w);
}

void bgp_cease(struct bgp_notification *out, enum bgp_error_subcode subcode,
	       const char *text)
{
	size_t size = text != NULL ? strlen(text) : 0;

	notification_set(out, BGP_ERROR_CEASE, (uint8_t)subcode, NULL, 0);
	if (size == 0) {
		return;
	}
	if (size > BGP_SHUTDOWN_TEXT_MAX) {
		size = BGP_SHUTDOWN_TEXT_MAX;
		/* RFC 9003 2: UTF-8, so never half a character. */
		while (size > 0 && ((uint8_t)text[size] & 0xc0) == 0x80) {
			size--;
		}
	}
	out->data[0] = (uint8_t)size;
	memcpy(out->data + 1, text, size);
	out->size = (uint16_t)(size + 1);
}

/* --- reading -------------------------------------------------------------- */

/*
 * One capability. A length that its kind does not have leaves it unread: RFC
 * 5492 knows no error for that, and a session is worth more than a complaint.
 */
static void read_capability(struct bgp_open *open, uint8_t code,
			    struct wire_reader value)
{
	size_t size = wire_left(&value);

	open->has_capabilities = true;
	if (code == CAPABILITY_MULTIPROTOCOL && size == 4) {
		uint16_t afi = wire_read16(&value);
		uint8_t safi;

		wire_read8(&value); /* reserved */
		safi = wire_read8(&value);
		open->has_multiprotocol = true;
		if (safi == SAFI_UNICAST && afi == AFI_IPV4) {
			open->families |= BGP_IPV4;
		} else if (safi == SAFI_UNICAST && afi == AFI_IPV6) {
			open->families |= BGP_IPV6;
		}
	} else if (code == CAPABILITY_REFRESH) {
		open->has_refresh = true;
	} else if (code == CAPABILITY_AS4 && size == 4) {
		open->has_as4 = true;
		open->as = wire_read32(&value);
	} else if (code == CAPABILITY_ROLE && size == 1) {
		uint8_t role = wire_read8(&value);

		if (open->role != BGP_ROLE_NONE && open->role != role) {
			open->has_role_conflict = true;
		}
		open->role = role;
	} else if (code == CAPABILITY_GRACEFUL_RESTART) {
		open->has_graceful_restart = true;
	}
}

static bool read_capabilities(struct bgp_open *open, struct wire_reader r)
{
	while (wire_left(&r) > 0) {
		uint8_t code = wire_read8(&r);
		uint8_t size = wire_read8(&r);
		struct wire_reader value = wire_read_sub(&r, size);

		if (r.failed) {
			return false;
		}
		read_capability(open, code, value);
	}
	return true;
}

/* The parameters themselves; false with error filled. */
static bool read_parameters(struct bgp_open *open, struct wire_reader r,
			    bool is_extended, struct bgp_notification *error)
{
	while (wire_left(&r) > 0) {
		uint8_t type = wire_read8(&r);
		size_t size = is_extended ? wire_read16(&r) : wire_read8(&r);
		struct wire_reader value = wire_read_sub(&r, size);

		if (r.failed) {
			break;
		}
		if (type != PARAMETER_CAPABILITIES) {
			notification_set(error, BGP_ERROR_OPEN,
					 BGP_OPEN_BAD_PARAMETER, NULL, 0);
			return false;
		}
		if (!read_capabilities(open, value)) {
			r.failed = true;
			break;
		}
	}
	if (r.failed) {
		notification_set(error, BGP_ERROR_OPEN, BGP_OPEN_MALFORMED,
				 NULL, 0);
		return false;
	}
	return true;
}

bool bgp_open_parse(struct bgp_open *out, const uint8_t *message, size_t size,
		    struct bgp_notification *error)
{
	static const uint8_t version[2] = {0, BGP_VERSION};
	struct wire_reader r = wire_reader_init(message, size);
	struct bgp_open open = {.role = BGP_ROLE_NONE};
	bool is_extended = false;
	size_t length;

	wire_read(&r, BGP_HEADER_SIZE);
	if (wire_read8(&r) != BGP_VERSION && !r.failed) {
		/* RFC 4271 6.2: the data is the version that we do speak. */
		notification_set(error, BGP_ERROR_OPEN, BGP_OPEN_BAD_VERSION,
				 version, sizeof(version));
		return false;
	}
	open.as = wire_read16(&r);
	open.hold_s = wire_read16(&r);
	open.router_id = wire_read32(&r);
	length = wire_read8(&r);
	/* RFC 9072 2: the first parameter's type tells, not the length. */
	if (length > 0 && wire_left(&r) > 0 && *r.at == PARAMETER_EXTENDED) {
		is_extended = true;
		wire_read8(&r);
		length = wire_read16(&r);
	}
	if (r.failed || length != wire_left(&r)) {
		notification_set(error, BGP_ERROR_OPEN, BGP_OPEN_MALFORMED,
				 NULL, 0);
		return false;
	}
	if (!read_parameters(&open, r, is_extended, error)) {
		return false;
	}
	if (!open.has_multiprotocol) {
		open.families = BGP_IPV4; /* RFC 4760 8: what was before it */
	}
	*out = open;
	return true;
}

void bgp_notification_parse(struct bgp_notification *out,
			    const uint8_t *message, size_t size)
{
	struct wire_reader r = wire_reader_init(message, size);
	size_t data;

	wire_read(&r, BGP_HEADER_SIZE);
	out->code = wire_read8(&r);
	out->subcode = wire_read8(&r);
	data = r.failed ? 0 : wire_left(&r);
	if (data > BGP_NOTIFICATION_DATA_MAX) {
		data = BGP_NOTIFICATION_DATA_MAX;
	}
	out->size = (uint16_t)data;
	if (data > 0) {
		memcpy(out->data, r.at, data);
	}
}

unsigned bgp_refresh_parse(const uint8_t *message, size_t size)
{
	struct wire_reader r = wire_reader_init(message, size);
	uint16_t afi;
	uint8_t subtype;
	uint8_t safi;

	wire_read(&r, BGP_HEADER_SIZE);
	afi = wire_read16(&r);
	subtype = wire_read8(&r);
	safi = wire_read8(&r);
	if (r.failed || safi != SAFI_UNICAST || subtype != 0) {
		return 0;
	}
	return afi == AFI_IPV4 ? BGP_IPV4 : afi == AFI_IPV6 ? BGP_IPV6 : 0;
}

/* --- words ---------------------------------------------------------------- */

struct error_name {
	uint8_t code;
	uint8_t subcode;
	const char *text;
};

static const char *const code_names[] = {
	[BGP_ERROR_HEADER] = "message header error",
	[BGP_ERROR_OPEN] = "open error",
	[BGP_ERROR_UPDATE] = "update error",
	[BGP_ERROR_HOLD] = "hold timer expired",
	[BGP_ERROR_FSM] = "unexpected message",
	[BGP_ERROR_CEASE] = "cease",
	[BGP_ERROR_REFRESH] = "route refresh error",
	[BGP_ERROR_SEND_HOLD] = "send hold timer expired",
};

/* RFC 4271 6, RFC 4486, RFC 5492, RFC 6608, RFC 8538, RFC 9234, RFC 9384 */
static const struct error_name error_names[] = {
	{1, 1, "connection not synchronized"},
	{1, 2, "bad message length"},
	{1, 3, "bad message type"},
	{2, 1, "unsupported version"},
	{2, 2, "bad peer as"},
	{2, 3, "bad bgp identifier"},
	{2, 4, "unsupported optional parameter"},
	{2, 5, "authentication failure"},
	{2, 6, "unacceptable hold time"},
	{2, 7, "unsupported capability"},
	{2, 11, "role mismatch"},
	{3, 1, "malformed attribute list"},
	{3, 2, "unrecognized well-known attribute"},
	{3, 3, "missing well-known attribute"},
	{3, 4, "attribute flags"},
	{3, 5, "attribute length"},
	{3, 6, "invalid origin"},
	{3, 8, "invalid next hop"},
	{3, 9, "optional attribute"},
	{3, 10, "invalid network field"},
	{3, 11, "malformed as path"},
	{5, 1, "in OpenSent"},
	{5, 2, "in OpenConfirm"},
	{5, 3, "in Established"},
	{6, 1, "maximum number of prefixes"},
	{6, 2, "administrative shutdown"},
	{6, 3, "peer de-configured"},
	{6, 4, "administrative reset"},
	{6, 5, "connection rejected"},
	{6, 6, "configuration change"},
	{6, 7, "connection collision"},
	{6, 8, "out of resources"},
	{6, 9, "hard reset"},
	{6, 10, "bfd down"},
	{7, 1, "invalid message length"},
};

static const char *error_name(uint8_t code, uint8_t subcode)
{
	size_t count = sizeof(error_names) / sizeof(error_names[0]);

	for (size_t i = 0; i < count; i++) {
		if (error_names[i].code == code &&
		    error_names[i].subcode == subcode) {
			return error_names[i].text;
		}
	}
	return NULL;
}

/* Append octets as printable ASCII, the others and quotes as \DDD. */
static size_t text_escape(char *text, size_t at, const uint8_t *data,
			  size_t size)
{
	for (size_t i = 0; i < size && at + 5 < BGP_TEXT_MAX; i++) {
		uint8_t octet = data[i];

		if (octet >= 0x20 && octet < 0x7f && octet != '"' &&
		    octet != '\\') {
			text[at++] = (char)octet;
			continue;
		}
		text[at++] = '\\';
		text[at++] = (char)('0' + octet / 100);
		text[at++] = (char)('0' + octet / 10 % 10);
		text[at++] = (char)('0' + octet % 10);
	}
	text[at] = '\0';
	return at;
}

static bool has_shutdown_text(const struct bgp_notification *n)
{
	return n->code == BGP_ERROR_CEASE &&
	       (n->subcode == BGP_CEASE_SHUTDOWN ||
		n->subcode == BGP_CEASE_RESET) &&
	       n->size > 1 && n->data[0] <= n->size - 1;
}

const char *bgp_notification_dump(const struct bgp_notification *n,
				  char text[BGP_TEXT_MAX])
{
	const size_t known = sizeof(code_names) / sizeof(code_names[0]);
	const char *code = n->code < known ? code_names[n->code] : NULL;
	const char *name = error_name(n->code, n->subcode);
	size_t shown = n->size < DATA_SHOWN_MAX ? n->size : DATA_SHOWN_MAX;
	size_t at;

	at = (size_t)snprintf(text, BGP_TEXT_MAX, "%s %u/%u%s%s%s",
			      code != NULL ? code : "error", n->code,
			      n->subcode, name != NULL ? " (" : "",
			      name != NULL ? name : "",
			      name != NULL ? ")" : "");
	if (has_shutdown_text(n)) {
		at += (size_t)snprintf(text + at, BGP_TEXT_MAX - at, ": \"");
		/* Room for the quote is kept: escapes stop 5 octets early. */
		at = text_escape(text, at, n->data + 1, n->data[0]);
		snprintf(text + at, BGP_TEXT_MAX - at, "\"");
	} else if (shown > 0) {
		at += (size_t)snprintf(text + at, BGP_TEXT_MAX - at, ", data ");
		for (size_t i = 0; i < shown; i++) {
			at += (size_t)snprintf(text + at, BGP_TEXT_MAX - at,
					       "%02x", n->data[i]);
		}
		if (shown < n->size) {
			snprintf(text + at, BGP_TEXT_MAX - at, "...");
		}
	}
	return text;
}

const char *bgp_families_text(unsigned families)
{
	static const char *const names[] = {"none", "ipv4", "ipv6",
					    "ipv4 ipv6"};

	return names[families & BGP_FAMILIES_ALL];
}
