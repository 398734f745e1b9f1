/*
 * fuzz_query.c - any octets as a query, through the whole answer path, over
 * zones of every kind; what comes back must be a message that keeps our word,
 * and the same whether it was compiled before or is written now.
 *
 * The first octet chooses the transport and the room; the rest is the query.
 */
#include "lib/dns/message.h"
#include "lib/dns/rrtype.h"
#include "tests/unit/served.h"

#include <ldns/ldns.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char plain_text[] = "$ORIGIN example.\n"
				 "$TTL 3600\n"
				 "@ SOA ns host 1 7200 3600 604800 300\n"
				 "@ NS ns\n"
				 "@ NS ns.other.\n"
				 "@ MX 10 mail\n"
				 "ns A 192.0.2.1\n"
				 "ns AAAA 2001:db8::1\n"
				 "mail A 192.0.2.2\n"
				 "* TXT \"any\"\n"
				 "*.w CNAME x.w\n"
				 "a CNAME b\n"
				 "b CNAME x.d\n"
				 "d DNAME e\n"
				 "e DNAME d\n"
				 "g DNAME x.g\n"
				 "c NS ns.c\n"
				 "c NS ns\n"
				 "ns.c A 192.0.2.3\n"
				 "s SRV 1 2 3 mail\n"
				 "h HTTPS 1 . alpn=h2\n"
				 "h A 192.0.2.5\n"
				 "a.b.ent A 192.0.2.4\n"
				 "z CNAME www.hashed.\n";

static const char nsec_text[] =
	"$ORIGIN .\n"
	"$TTL 3600\n"
	". SOA ns. host. 1 7200 3600 604800 300\n"
	". NS ns.\n"
	". DNSKEY 257 3 13 "
	"p31VkU/VRhxMfYEC8p/V1dXQNwEruLNMQ2SSLyJXRZdjyFZeWdyePSm8aWrDzz0R1iSE"
	"BOSUH3musc2vYILpUA==\n"
	". NSEC com. NS SOA NSEC DNSKEY\n"
	"com. NS ns.com.\n"
	"com. DS 1 13 2 "
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
	"com. NSEC ns. NS DS NSEC\n"
	"com. RRSIG NSEC 13 1 3600 20360101000000 20260101000000 1 . "
	"p31VkU/VRhxMfYEC8p/V1dXQNwEruLNMQ2SSLyJXRZdjyFZeWdyePSm8aWrDzz0R1iSE"
	"BOSUH3musc2vYILpUA==\n"
	"ns.com. A 192.0.2.1\n"
	"ns. A 192.0.2.2\n"
	"ns. NSEC *.w. A NSEC\n"
	"*.w. A 192.0.2.3\n"
	"*.w. NSEC . A NSEC\n";

static const char nsec3_text[] =
	"$ORIGIN hashed.\n"
	"$TTL 3600\n"
	"@ SOA ns host 1 7200 3600 604800 300\n"
	"@ NS ns\n"
	"@ DNSKEY 257 3 13 "
	"p31VkU/VRhxMfYEC8p/V1dXQNwEruLNMQ2SSLyJXRZdjyFZeWdyePSm8aWrDzz0R1iSE"
	"BOSUH3musc2vYILpUA==\n"
	"@ NSEC3PARAM 1 0 1 aabb\n"
	"4jg96qs3iig2ktpr6khll0tnr06gvb69 NSEC3 1 1 1 aabb "
	"4qt9av1ojfkc1n5ac6a0f6vvijhh88sg NS SOA\n"
	"4qt9av1ojfkc1n5ac6a0f6vvijhh88sg NSEC3 1 1 1 aabb "
	"4jg96qs3iig2ktpr6khll0tnr06gvb69 A\n"
	"ns A 192.0.2.1\n"
	"*.w A 192.0.2.9\n"
	"cut NS ns.cut\n";

static struct served served;
static struct answer_identity plain_identity;
static struct answer_context *plain; /* writes every reply */

static void add(const char *origin, const char *text)
{
	if (!served_add_text(&served, origin, text, strlen(text))) {
		fprintf(stderr, "%s: %s\n", origin, served.error);
		abort();
	}
}

static void start(void)
{
	static struct dname_storage agent;

	served_init(&served);
	if (dname_load(&agent, "agent.c.example", 15, dname_root) !=
	    STATUS_OK) {
		abort();
	}
	served.identity.report_agent = dname_of(&agent);
	served_identity_changed(&served);
	add(".", nsec_text);
	add("example.", plain_text);
	add("hashed.", nsec3_text);
	plain_identity = served.identity;
	plain_identity.compiled_budget = 0;
	plain = answer_context_new(&plain_identity, served.set);
	if (plain == NULL || !served_add_empty(&served, "empty.example.")) {
		abort();
	}
}

#define MUST(condition)                                              \
	do {                                                         \
		if (!(condition)) {                                  \
			fprintf(stderr, "broken: %s\n", #condition); \
			abort();                                     \
		}                                                    \
	} while (0)

static void check(const uint8_t *query, size_t query_size, const uint8_t *reply,
		  size_t size, size_t limit, const struct answer_note *note)
{
	ldns_pkt *packet = NULL;
	uint16_t flags;

	if (size == 0) {
		MUST(query_size < 12 || (query[2] & 0x80) != 0);
		return;
	}
	MUST(query_size >= 12 && (query[2] & 0x80) == 0);
	MUST(size >= 12 && size <= limit);
	flags = wire_get16(reply + 2);
	MUST(reply[0] == query[0] && reply[1] == query[1]);
	MUST((flags & MESSAGE_QR) != 0);
	MUST(((flags ^ wire_get16(query + 2)) &
	      (MESSAGE_OPCODE_MASK | MESSAGE_RD)) == 0);
	MUST((flags & (MESSAGE_AD | MESSAGE_CD | MESSAGE_RA | 0x40)) == 0);
	MUST((flags & 0xf) == (note->rcode & 0xf));
	MUST(wire_get16(reply + 4) <= 1);
	if (wire_get16(reply + 4) == 1) {
		/* The question comes back octet for octet. */
		size_t name = dname_wire_length(query + 12, query_size - 12);

		MUST(name > 0 && size >= 12 + name + 4);
		MUST(memcmp(query + 12, reply + 12, name + 4) == 0);
	}
	if ((flags & MESSAGE_TC) != 0) {
		MUST(note->is_truncated);
		MUST(wire_get16(reply + 6) == 0 && wire_get16(reply + 8) == 0);
		MUST(wire_get16(reply + 10) <= 1);
	}
	MUST(ldns_wire2pkt(&packet, reply, size) == LDNS_STATUS_OK);
	ldns_pkt_free(packet);
}

/* The third time at the latest it is compiled, if ever. */
static void check_compiled(enum answer_transport transport, size_t room,
			   const uint8_t *query, size_t query_size,
			   const uint8_t *reply, size_t size)
{
	struct answer_note note;
	uint8_t *other = malloc(room);

	if (other == NULL) {
		return;
	}
	MUST(answer_query(plain, transport, query, query_size, other, room,
			  &note) == size);
	MUST(memcmp(reply, other, size) == 0);
	for (unsigned i = 0; i < 2; i++) {
		MUST(answer_query(served.context, transport, query, query_size,
				  other, room, &note) == size);
		MUST(memcmp(reply, other, size) == 0);
	}
	free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t rooms[] = {512, 1232, 4096, MESSAGE_MAX};
	enum answer_transport transport;
	struct answer_note note;
	uint8_t *reply;
	size_t room;
	size_t written;

	if (served.context == NULL) {
		start();
	}
	if (size == 0) {
		return 0;
	}
	transport = data[0] & 4 ? ANSWER_TCP : ANSWER_UDP;
	room = rooms[data[0] & 3];
	/* Of exactly that size, so that a sanitizer sees one octet more. */
	reply = malloc(room);
	if (reply == NULL) {
		return 0;
	}
	written = answer_query(served.context, transport, data + 1, size - 1,
			       reply, room, &note);
	if (transport == ANSWER_UDP && room > 1232) {
		room = 1232;
	}
	check(data + 1, size - 1, reply, written, room, &note);
	check_compiled(transport, room, data + 1, size - 1, reply, written);
	free(reply);
	return 0;
}
