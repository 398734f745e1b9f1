/*
 * test_compiled.c - a compiled reply is the reply that would have been written,
 * octet for octet.
 *
 * Two contexts serve the same zones: one compiles, the other has no table. Each
 * query goes to both. Zones and queries are drawn: names out of few labels, so
 * that those of a question occur in RDATA too; every kind of denial, some of it
 * broken.
 */
#include "tests/unit/message_builder.h"
#include "tests/unit/served.h"

#include "lib/answer/compiled.h"

#include <check.h>

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

enum {
	ZONES = 60,
	QUERIES = 4000,
	NAMES_MAX = 60,
	RECORDS_MAX = 4096,
	OPTIONS_MAX = 6,
	SALT = 0xab,
	HASH_LABEL = 32,
};

static uint64_t seed;
static struct served served;
static struct answer_identity plain_identity;
static struct answer_context *plain; /* writes every reply */
static uint8_t compiled_reply[MESSAGE_MAX];
static uint8_t written_reply[MESSAGE_MAX];

/* xorshift64 */
static unsigned draw(unsigned below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % below;
}

static bool chance(unsigned percent)
{
	return draw(100) < percent;
}

static void start(size_t budget)
{
	static const char agent_octets[] = "\6report\5agent";
	static struct dname_storage agent;

	served_init(&served);
	dname_from_octets(&agent, (const uint8_t *)agent_octets);
	served.identity.report_agent = chance(50) ? dname_of(&agent) : NULL;
	served.identity.compiled_budget = budget;
	served_identity_changed(&served);
	plain_identity = served.identity;
	plain_identity.compiled_budget = 0;
	plain = answer_context_new(&plain_identity, served.set);
	ck_assert_ptr_nonnull(plain);
}

static void stop(void)
{
	answer_context_free(plain);
	served_fini(&served);
}

/* Ask both; the note is the compiling one's. */
/* Replies that came with the sum of their sections. */
static unsigned sums_known;

static struct answer_note ask(const struct built *b,
			      enum answer_transport transport, size_t room)
{
	struct answer_note note = {0};
	struct answer_note other = {0};
	size_t size = answer_query(served.context, transport, b->octets,
				   b->size, compiled_reply, room, &note);
	size_t written = answer_query(plain, transport, b->octets, b->size,
				      written_reply, room, &other);

	ck_assert_msg(size == written &&
			      memcmp(compiled_reply, written_reply, size) == 0,
		      "%zu octets, not %zu; is_compiled %d, rcode %u, type %u",
		      size, written, note.is_compiled, note.rcode, note.qtype);
	ck_assert_uint_eq(note.rcode, other.rcode);
	ck_assert_uint_eq(note.qtype, other.qtype);
	ck_assert_uint_eq(note.is_truncated, other.is_truncated);
	ck_assert_uint_eq(note.is_delegation, other.is_delegation);
	ck_assert_uint_le((size_t)note.known.at + note.known.size, size);
	if (note.known.size > 0) {
		sums_known++;
		ck_assert_uint_eq(
			note.known.sum,
			checksum_fold(checksum_sum(compiled_reply +
							   note.known.at,
						   note.known.size)));
	}
	ck_assert_ptr_eq(note.zone, other.zone);
	ck_assert_uint_eq(other.is_compiled, 0);
	return note;
}

/* --- zones that are drawn ------------------------------------------------- */

static const char *const labels[] = {
	"a", "b",       "c", "ns",  "com",
	"z", "example", "*", "w-1", "xn--long-label",
};

struct plan {
	struct zone_writer *writer;
	struct dname_storage apex;
	struct dname_storage names[NAMES_MAX];
	unsigned count;
	bool is_signed;
	bool has_nsec3;
	uint8_t hashes[NAMES_MAX + 1][NSEC3_HASH_SIZE];
	unsigned hash_count;
};

/* Put a label in front; false where the name becomes too long. */
static bool prepend(struct dname_storage *name, const char *label,
		    size_t length)
{
	struct dname *at = dname_of(name);

	if (at->length + 1 + length > DNAME_MAX) {
		return false;
	}
	memmove(at->octets + 1 + length, at->octets, at->length);
	at->octets[0] = (uint8_t)length;
	memcpy(at->octets + 1, label, length);
	at->length = (uint8_t)(at->length + 1 + length);
	at->labels++;
	return true;
}

static void prepend_any(struct dname_storage *name)
{
	const char *label = labels[draw(sizeof(labels) / sizeof(labels[0]))];

	(void)prepend(name, label, strlen(label));
}

static void draw_case(struct dname_storage *name)
{
	struct dname *at = dname_of(name);

	for (unsigned i = 0; i < at->length; i++) {
		uint8_t octet = at->octets[i];

		if (octet >= 'a' && octet <= 'z' && chance(30)) {
			at->octets[i] = (uint8_t)(octet - 0x20);
		}
	}
}

static const struct dname *any_name(struct plan *plan)
{
	return plan->count == 0 || chance(5)
		       ? dname_of(&plan->apex)
		       : dname_of(&plan->names[draw(plan->count)]);
}

static void add(struct plan *plan, const struct dname *owner, uint16_t type,
		const void *rdata, size_t size)
{
	uint32_t ttl = 60 + draw(5) * 1000;
	enum status status =
		zone_writer_add(plan->writer, owner, type, ttl, rdata, size);

	ck_assert_msg(status == STATUS_OK, "type %u: %s", type,
		      status_text(status));
}

static void sign(struct plan *plan, const struct dname *owner, uint16_t type)
{
	uint8_t rdata[18 + DNAME_MAX + 256];
	const struct dname *apex = dname_of(&plan->apex);
	size_t size = 18u + apex->length;
	size_t signature = 8 + draw(120);

	if (!plan->is_signed || chance(5)) {
		return;
	}
	memset(rdata, 0, sizeof(rdata));
	wire_put16(rdata, type);
	rdata[2] = 13;
	rdata[3] = owner->labels;
	memcpy(rdata + 18, apex->octets, apex->length);
	for (size_t i = 0; i < signature; i++) {
		rdata[size++] = (uint8_t)draw(256);
	}
	add(plan, owner, RRTYPE_RRSIG, rdata, size);
}

static void add_address(struct plan *plan, const struct dname *owner)
{
	uint8_t address[16] = {0x20, 1, (uint8_t)draw(256)};
	unsigned count = 1 + draw(3);

	for (unsigned i = 0; i < count; i++) {
		address[3] = (uint8_t)i;
		add(plan, owner, RRTYPE_A, address, 4);
	}
	sign(plan, owner, RRTYPE_A);
	if (chance(50)) {
		add(plan, owner, RRTYPE_AAAA, address, 16);
		sign(plan, owner, RRTYPE_AAAA);
	}
}

/* head octets, then a name. */
static void add_named(struct plan *plan, const struct dname *owner,
		      uint16_t type, const void *head, size_t size,
		      const struct dname *name)
{
	uint8_t rdata[8 + DNAME_MAX];

	memcpy(rdata, head, size);
	memcpy(rdata + size, name->octets, name->length);
	add(plan, owner, type, rdata, size + name->length);
}

/* A host anywhere: of the list, below a name, or out of the zone. */
static void draw_host(struct plan *plan, const struct dname *below,
		      struct dname_storage *out)
{
	switch (draw(4)) {
	case 0:
		dname_copy(out, below);
		prepend_any(out);
		break;
	case 1:
		dname_copy(out, dname_root);
		prepend_any(out);
		prepend_any(out);
		break;
	default:
		dname_copy(out, any_name(plan));
		break;
	}
	if (chance(30)) {
		draw_case(out);
	}
}

static void add_cut(struct plan *plan, const struct dname *owner)
{
	unsigned count = 1 + draw(chance(20) ? 14 : 4);

	for (unsigned i = 0; i < count; i++) {
		struct dname_storage host;

		draw_host(plan, owner, &host);
		add_named(plan, owner, RRTYPE_NS, "", 0, dname_of(&host));
		if (dname_of(&host)->length > owner->length &&
		    dname_is_below_or_equal(dname_of(&host), owner)) {
			add_address(plan, dname_of(&host));
		}
	}
	if (chance(40)) {
		uint8_t digest[4 + 20] = {0, 1, 13, 2};

		add(plan, owner, RRTYPE_DS, digest, sizeof(digest));
		sign(plan, owner, RRTYPE_DS);
	}
}

/* Records of one kind at a name. */
static void add_kind(struct plan *plan, const struct dname *owner)
{
	struct dname_storage host;

	draw_host(plan, owner, &host);
	switch (draw(10)) {
	case 0:
		add_named(plan, owner, RRTYPE_CNAME, "", 0, dname_of(&host));
		sign(plan, owner, RRTYPE_CNAME);
		break;
	case 1:
		add_named(plan, owner, RRTYPE_DNAME, "", 0, dname_of(&host));
		sign(plan, owner, RRTYPE_DNAME);
		break;
	case 2:
		add_named(plan, owner, RRTYPE_MX, "\0\12", 2, dname_of(&host));
		draw_host(plan, owner, &host);
		add_named(plan, owner, RRTYPE_MX, "\0\24", 2, dname_of(&host));
		sign(plan, owner, RRTYPE_MX);
		break;
	case 3:
		/* "." stands for the owner. */
		add_named(plan, owner, RRTYPE_HTTPS, "\0\1", 2,
			  chance(60) ? dname_root : dname_of(&host));
		add_address(plan, owner);
		break;
	case 4:
		add_named(plan, owner, RRTYPE_SRV, "\0\1\0\2\0\3", 6,
			  dname_of(&host));
		add(plan, owner, RRTYPE_TXT, "\3any", 4);
		sign(plan, owner, RRTYPE_TXT);
		break;
	case 5:
		add_address(plan, owner);
		break;
	default:
		add_cut(plan, owner);
		break;
	}
}

static void hash_of(const struct dname *name, uint8_t *hash)
{
	struct dname_storage folded;
	uint8_t octets[DNAME_MAX + 1];

	dname_copy(&folded, name);
	dname_make_canonical(dname_of(&folded));
	memcpy(octets, dname_of(&folded)->octets, name->length);
	octets[name->length] = SALT;
	SHA1(octets, name->length + 1u, hash);
}

static int compare_hashes(const void *a, const void *b)
{
	return memcmp(a, b, NSEC3_HASH_SIZE);
}

static void hash_label(const uint8_t *hash, char *label)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";

	for (unsigned i = 0; i < HASH_LABEL; i++) {
		unsigned bits = 0;

		for (unsigned k = i * 5; k < i * 5 + 5; k++) {
			bits = bits << 1 | (hash[k / 8] >> (7 - k % 8) & 1u);
		}
		label[i] = digits[bits];
	}
}

/* A chain of most names, in the order of their hashes. */
static void add_nsec3_chain(struct plan *plan)
{
	qsort(plan->hashes, plan->hash_count, NSEC3_HASH_SIZE, compare_hashes);
	for (unsigned i = 0; i < plan->hash_count; i++) {
		uint8_t rdata[6 + 1 + NSEC3_HASH_SIZE + 3] = {
			1, (uint8_t)draw(2), 0, 0, 1, SALT, NSEC3_HASH_SIZE};
		struct dname_storage owner;
		char label[HASH_LABEL];

		memcpy(rdata + 7, plan->hashes[(i + 1) % plan->hash_count],
		       NSEC3_HASH_SIZE);
		memcpy(rdata + 7 + NSEC3_HASH_SIZE, "\0\1\x40", 3);
		hash_label(plan->hashes[i], label);
		dname_copy(&owner, dname_of(&plan->apex));
		if (!prepend(&owner, label, HASH_LABEL)) {
			continue;
		}
		add(plan, dname_of(&owner), RRTYPE_NSEC3, rdata, sizeof(rdata));
		sign(plan, dname_of(&owner), RRTYPE_NSEC3);
	}
}

/* The name's place in the chain; some names get none. */
static void add_denial(struct plan *plan, const struct dname *owner)
{
	uint8_t rdata[DNAME_MAX + 3];
	const struct dname *next = any_name(plan);

	if (!plan->is_signed || chance(10)) {
		return;
	}
	if (plan->has_nsec3) {
		hash_of(owner, plan->hashes[plan->hash_count++]);
		return;
	}
	memcpy(rdata, next->octets, next->length);
	memcpy(rdata + next->length, "\0\1\x40", 3);
	add(plan, owner, RRTYPE_NSEC, rdata, next->length + 3u);
	sign(plan, owner, RRTYPE_NSEC);
}

static bool has_name(const struct plan *plan, const struct dname *name)
{
	for (unsigned i = 0; i < plan->count; i++) {
		if (dname_equal((const struct dname *)&plan->names[i], name)) {
			return true;
		}
	}
	return dname_equal((const struct dname *)&plan->apex, name);
}

static void draw_names(struct plan *plan)
{
	unsigned wanted = 2 + draw(NAMES_MAX - 2);

	for (unsigned i = 0; i < wanted; i++) {
		struct dname_storage name;

		dname_copy(&name,
			   chance(40) ? any_name(plan) : dname_of(&plan->apex));
		do {
			prepend_any(&name);
		} while (chance(25));
		if (chance(20)) {
			draw_case(&name);
		}
		if (!has_name(plan, dname_of(&name))) {
			dname_copy(&plan->names[plan->count++],
				   dname_of(&name));
		}
	}
}

static void add_apex(struct plan *plan)
{
	const struct dname *apex = dname_of(&plan->apex);
	uint8_t soa[2 * DNAME_MAX + 20];
	struct dname_storage host;
	size_t size = 0;

	for (unsigned i = 0; i < 2; i++) {
		draw_host(plan, apex, &host);
		memcpy(soa + size, dname_of(&host)->octets,
		       dname_of(&host)->length);
		size += dname_of(&host)->length;
		add_named(plan, apex, RRTYPE_NS, "", 0, dname_of(&host));
	}
	memset(soa + size, 0, 20);
	wire_put16(soa + size + 18, (uint16_t)(30 + draw(100)));
	add(plan, apex, RRTYPE_SOA, soa, size + 20);
	sign(plan, apex, RRTYPE_SOA);
	sign(plan, apex, RRTYPE_NS);
	if (plan->is_signed) {
		add(plan, apex, RRTYPE_DNSKEY, "\1\1\3\15key", 7);
		sign(plan, apex, RRTYPE_DNSKEY);
		if (plan->has_nsec3) {
			add(plan, apex, RRTYPE_NSEC3PARAM, "\1\0\0\0\1\xab", 6);
		}
	}
	add_denial(plan, apex);
}

/* A zone of that apex, and its names for asking. */
static struct zone_version *draw_zone(struct plan *plan,
				      const struct dname *apex)
{
	struct zone_version *version;
	struct zone_fault fault;
	enum status status;

	memset(plan, 0, sizeof(*plan));
	dname_copy(&plan->apex, apex);
	plan->is_signed = chance(75);
	plan->has_nsec3 = chance(50);
	plan->writer = zone_writer_new(NULL, &status);
	ck_assert_ptr_nonnull(plan->writer);
	draw_names(plan);
	add_apex(plan);
	for (unsigned i = 0; i < plan->count; i++) {
		add_kind(plan, dname_of(&plan->names[i]));
		add_denial(plan, dname_of(&plan->names[i]));
	}
	if (plan->is_signed && plan->has_nsec3) {
		add_nsec3_chain(plan);
	}
	status = zone_writer_finish(plan->writer, &version, &fault);
	/* A host drawn below a CNAME may have landed beside it. */
	return status == STATUS_OK ? version : NULL;
}

/* --- queries that are drawn ----------------------------------------------- */

static void draw_qname(struct plan *plan, struct dname_storage *out)
{
	unsigned more = draw(4);

	dname_copy(out, any_name(plan));
	if (chance(10)) {
		/* Up to 255 octets. */
		char label[DNAME_LABEL_MAX];

		memset(label, 'x', sizeof(label));
		while (prepend(out, label, 1 + draw(DNAME_LABEL_MAX))) {
		}
		while (prepend(out, label, 1)) {
		}
		more = draw(2);
	}
	for (unsigned i = 0; i < more; i++) {
		prepend_any(out);
	}
	if (chance(30)) {
		draw_case(out);
	}
}

static void draw_options(struct built *options)
{
	static const struct {
		uint16_t code;
		uint16_t size;
	} kinds[] = {
		{EDNS_NSID, 0},      {EDNS_EXPIRE, 0}, {EDNS_ZONEVERSION, 0},
		{EDNS_KEEPALIVE, 0}, {EDNS_COOKIE, 8}, {65001, 30},
	};
	static const uint8_t zeros[32];
	unsigned count = chance(40) ? draw(OPTIONS_MAX) : 0;

	options->size = 0;
	for (unsigned i = 0; i < count; i++) {
		unsigned kind = draw(sizeof(kinds) / sizeof(kinds[0]));

		built_put16(options, kinds[kind].code);
		built_put16(options, kinds[kind].size);
		built_put(options, zeros, kinds[kind].size);
	}
}

static void draw_query(struct plan *plan, struct built *b)
{
	static const uint16_t types[] = {
		RRTYPE_A,   RRTYPE_A,     RRTYPE_A,     RRTYPE_AAAA,
		RRTYPE_NS,  RRTYPE_MX,    RRTYPE_TXT,   RRTYPE_HTTPS,
		RRTYPE_SRV, RRTYPE_SOA,   RRTYPE_DS,    RRTYPE_DNSKEY,
		RRTYPE_ANY, RRTYPE_RRSIG, RRTYPE_CNAME, RRTYPE_NSEC,
		RRTYPE_AXFR};
	static struct built options;
	struct dname_storage name;
	bool has_edns = chance(80);

	draw_qname(plan, &name);
	built_start(b, (uint16_t)draw(65536), chance(50) ? MESSAGE_RD : 0);
	built_put(b, dname_of(&name)->octets, dname_of(&name)->length);
	built_put16(b, types[draw(sizeof(types) / sizeof(types[0]))]);
	built_put16(b, chance(97) ? RRCLASS_IN : RRCLASS_ANY);
	if (has_edns) {
		draw_options(&options);
		built_opt(b, chance(50) ? 1232 : draw(2000), 0,
			  chance(60) ? EDNS_DO : 0, options.octets,
			  options.size);
	}
	built_counts(b, 1, 0, 0, has_edns);
}

/* How many replies of each kind were copied: a test that compares written ones
 * with written ones would hold always. */
struct tally {
	unsigned referrals;
	unsigned truncated;
	unsigned nxdomain;
	unsigned answers;
	unsigned nodata;
};

static void tally_add(struct tally *tally, const struct answer_note *note)
{
	if (!note->is_compiled) {
		return;
	}
	tally->truncated += note->is_truncated;
	if (note->is_delegation) {
		tally->referrals++;
	} else if (note->rcode == RCODE_NXDOMAIN) {
		tally->nxdomain++;
	} else if (wire_get16(compiled_reply + 6) > 0) {
		tally->answers++;
	} else {
		tally->nodata++;
	}
}

static const char *const apexes[] = {
	".",
	"z.",
	"example.com.",
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx."
	"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy."
	"a.b.c.com.",
};

START_TEST(every_drawn_query_is_answered_as_written)
{
	static struct plan plan;
	static struct built b;
	struct tally tally = {0};
	unsigned served_zones = 0;

	seed = 88172645463325252u;
	for (unsigned i = 0; i < ZONES; i++) {
		const char *text = apexes[i % 4];
		struct dname_storage apex;
		struct zone_version *version;

		ck_assert_int_eq(dname_load(&apex, text, strlen(text), NULL),
				 STATUS_OK);
		version = draw_zone(&plan, dname_of(&apex));
		if (version == NULL) {
			continue;
		}
		/* The least budget: entries are overwritten all the time. */
		start(i % 3 == 0 ? 1 : ANSWER_COMPILED_BUDGET);
		ck_assert(served_add(&served, dname_of(&apex), version));
		served_zones++;
		for (unsigned k = 0; k < QUERIES; k++) {
			bool is_tcp = chance(20);
			struct answer_note note;

			draw_query(&plan, &b);
			note = ask(&b, is_tcp ? ANSWER_TCP : ANSWER_UDP,
				   is_tcp ? MESSAGE_MAX : 512 + draw(800));
			tally_add(&tally, &note);
		}
		stop();
	}
	ck_assert_uint_gt(served_zones, ZONES / 2);
	ck_assert_uint_gt(tally.referrals, 10000);
	ck_assert_uint_gt(tally.truncated, 100);
	ck_assert_uint_gt(tally.nxdomain, 5000);
	ck_assert_uint_gt(tally.answers, 1000);
	ck_assert_uint_gt(tally.nodata, 1000);
}
END_TEST

/* --- cases ---------------------------------------------------------------- */

static const char text[] = "$ORIGIN example.\n"
			   "$TTL 3600\n"
			   "@ SOA ns host 1 7200 3600 604800 300\n"
			   "@ NS ns\n"
			   "ns A 192.0.2.1\n"
			   "alias CNAME ns\n"
			   "cut NS cut\n"
			   "cut NS a.cut\n"
			   "cut NS b.cut\n"
			   "cut NS c.cut\n"
			   "cut NS d.cut\n"
			   "cut NS x.a.cut\n"
			   "cut NS ns\n"
			   "cut NS s1.glue\n"
			   "cut NS s2.glue\n"
			   "cut NS s3.glue\n"
			   "cut NS s4.glue\n"
			   "cut A 192.0.2.9\n"
			   "a.cut A 192.0.2.2\n"
			   "a.cut AAAA 2001:db8::2\n"
			   "b.cut A 192.0.2.3\n"
			   "b.cut AAAA 2001:db8::3\n"
			   "c.cut A 192.0.2.4\n"
			   "c.cut AAAA 2001:db8::4\n"
			   "d.cut A 192.0.2.5\n"
			   "d.cut AAAA 2001:db8::5\n"
			   "x.a.cut AAAA 2001:db8::6\n"
			   "s1.glue A 192.0.2.11\n"
			   "s1.glue AAAA 2001:db8::11\n"
			   "s2.glue A 192.0.2.12\n"
			   "s2.glue A 192.0.2.112\n"
			   "s2.glue AAAA 2001:db8::12\n"
			   "s2.glue AAAA 2001:db8::112\n"
			   "s3.glue A 192.0.2.13\n"
			   "s3.glue AAAA 2001:db8::13\n"
			   "s4.glue A 192.0.2.14\n"
			   "s4.glue AAAA 2001:db8::14\n"
			   "$ORIGIN wild.example.\n"
			   "* MX 10 mail\n"
			   "* MX 20 wild.example.\n"
			   "mail A 192.0.2.7\n"
			   "h HTTPS 1 . alpn=h2\n"
			   "h A 192.0.2.8\n";

static void serve_text(void)
{
	start(ANSWER_COMPILED_BUDGET);
	ck_assert_msg(
		served_add_text(&served, "example.", text, sizeof(text) - 1),
		"%s", served.error);
}

/* Ask so often that it is compiled; the last note. */
static struct answer_note ask_thrice(const struct built *b)
{
	(void)ask(b, ANSWER_UDP, MESSAGE_MAX);
	(void)ask(b, ANSWER_UDP, MESSAGE_MAX);
	return ask(b, ANSWER_UDP, MESSAGE_MAX);
}

START_TEST(every_limit_cuts_where_writing_cuts)
{
	static struct built b;
	unsigned sizes = 0;
	unsigned last = 0;
	unsigned truncated = 0;

	seed = 1;
	serve_text();
	built_query(&b, "cut.example.", RRTYPE_A, 1232, false);
	(void)ask_thrice(&b);
	for (unsigned limit = 512; limit <= 1232; limit++) {
		struct answer_note note;

		/* A question that leaves less room than the limit says. */
		built_query(
			&b,
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			".yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy."
			"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz."
			"a.cut.example.",
			RRTYPE_A, limit, limit % 2 == 0);
		(void)ask(&b, ANSWER_UDP, MESSAGE_MAX);
		note = ask(&b, ANSWER_UDP, MESSAGE_MAX);
		ck_assert_uint_eq(note.is_compiled, 1);
		truncated += note.is_truncated;
		sizes += wire_get16(compiled_reply + 10) != last;
		last = wire_get16(compiled_reply + 10);
	}
	ck_assert_uint_gt(truncated, 10);
	ck_assert_uint_gt(sizes, 8);
	stop();
	/* Not those that were cut: of those the sum is not known. */
	ck_assert_uint_gt(sums_known, 0);
}
END_TEST

START_TEST(names_of_every_length_share_what_is_below_a_cut)
{
	static struct built b;
	struct dname_storage name;
	unsigned lengths = 0;

	seed = 2;
	serve_text();
	built_query(&b, "cut.example.", RRTYPE_A, 1232, true);
	/* First from the cut itself, whose name ends where the others' tail
	 * does. */
	(void)ask_thrice(&b);
	for (unsigned length = 13; length <= DNAME_MAX; length++) {
		unsigned left;
		char label[DNAME_LABEL_MAX];

		memset(label, 'a', sizeof(label));
		ck_assert_int_eq(dname_load(&name, "cut.example.", 12, NULL),
				 STATUS_OK);
		left = length - name.length;
		if (left == 1) {
			continue;
		}
		while (left > 0) {
			unsigned label_length = left > 65 ? 63 : left - 1;

			if (label_length > DNAME_LABEL_MAX) {
				label_length = 40;
			}
			ck_assert(prepend(&name, label, label_length));
			left -= label_length + 1;
		}
		ck_assert_uint_eq(name.length, length);
		built_start(&b, 1, 0);
		built_put(&b, dname_of(&name)->octets, name.length);
		built_put16(&b, RRTYPE_A);
		built_put16(&b, RRCLASS_IN);
		built_opt(&b, 1232, 0, EDNS_DO, "", 0);
		built_counts(&b, 1, 0, 0, 1);
		ck_assert_uint_eq(ask(&b, ANSWER_UDP, MESSAGE_MAX).is_compiled,
				  1);
		lengths++;
	}
	ck_assert_uint_eq(lengths, DNAME_MAX - 13);
	stop();
}
END_TEST

static const struct {
	const char *names[3]; /* all of them get one reply's sections */
	uint16_t qtype;
} shared[] = {
	{{"x.wild.example.", "much-longer.wild.example.", "a.B.Wild.example."},
	 RRTYPE_MX},
	{{"x.wild.example.", "other.wild.example.", "y.x.wild.Example."},
	 RRTYPE_TXT},
	{{"h.wild.example.", "H.wild.example.", "h.WILD.example."},
	 RRTYPE_HTTPS},
	{{"n.example.", "ns.n.example.", "glue.host.n.example."}, RRTYPE_A},
	{{"ns.example.", "NS.example.", "ns.EXAMPLE."}, RRTYPE_TXT},
	{{"example.", "EXAMPLE.", "exAmple."}, RRTYPE_SOA},
};

START_TEST(names_that_find_one_node_share_a_reply)
{
	static struct built b;

	seed = 3;
	serve_text();
	built_query(&b, shared[_i].names[0], shared[_i].qtype, 1232, false);
	(void)ask_thrice(&b);
	for (unsigned i = 0; i < 3; i++) {
		built_query(&b, shared[_i].names[i], shared[_i].qtype, 1232,
			    false);
		ck_assert_uint_eq(ask(&b, ANSWER_UDP, MESSAGE_MAX).is_compiled,
				  1);
	}
	stop();
}
END_TEST

static const struct {
	const char *name;
	uint16_t qtype;
} apart[] = {
	{"ns.example.", RRTYPE_ANY},
	{"alias.example.", RRTYPE_A},
	{"ns.example.", RRTYPE_AXFR},
	{"other.", RRTYPE_A},
};

START_TEST(what_is_no_common_answer_is_written_each_time)
{
	static struct built b;

	seed = 4;
	serve_text();
	built_query(&b, apart[_i].name, apart[_i].qtype, 1232, false);
	ck_assert_uint_eq(ask_thrice(&b).is_compiled, 0);
	stop();
}
END_TEST

START_TEST(a_new_version_is_answered_from_at_once)
{
	static struct built b;
	struct zone_version *version;
	struct zone_writer *writer;
	struct zone_fault fault;
	struct dname_storage name;
	enum status status;

	seed = 5;
	serve_text();
	built_query(&b, "www.cut.example.", RRTYPE_A, 1232, false);
	ck_assert_uint_eq(ask_thrice(&b).is_compiled, 1);
	/* Glue of a host that the cut's node does not hold. */
	version = zone_version_hold((
		struct zone_version *)(uintptr_t)zone_current(served.zones[0]));
	writer = zone_writer_new(version, &status);
	ck_assert_ptr_nonnull(writer);
	ck_assert_int_eq(dname_load(&name, "d.cut.example.", 14, NULL),
			 STATUS_OK);
	ck_assert_int_eq(zone_writer_add(writer, dname_of(&name), RRTYPE_A,
					 3600, (const uint8_t *)"\300\0\2\143",
					 4),
			 STATUS_OK);
	zone_version_release(version);
	ck_assert_int_eq(zone_writer_finish(writer, &version, &fault),
			 STATUS_OK);
	zone_publish(served.zones[0], version);
	ck_assert_uint_eq(ask(&b, ANSWER_UDP, MESSAGE_MAX).is_compiled, 0);
	ck_assert_uint_eq(ask_thrice(&b).is_compiled, 1);
	stop();
}
END_TEST

START_TEST(a_reply_too_large_to_keep_is_written)
{
	static char zone[65536];
	static struct built b;
	struct answer_note note;
	int length =
		snprintf(zone, sizeof(zone),
			 "$ORIGIN example.\n$TTL 60\n"
			 "@ SOA ns host 1 7200 3600 604800 300\n@ NS ns\n");

	for (unsigned i = 0; i < 400; i++) {
		length += snprintf(zone + length, sizeof(zone) - (size_t)length,
				   "big A 192.0.%u.%u\n", i / 256, i % 256);
	}
	seed = 6;
	start(ANSWER_COMPILED_BUDGET);
	ck_assert_msg(
		served_add_text(&served, "example.", zone, (size_t)length),
		"%s", served.error);
	built_query(&b, "big.example.", RRTYPE_A, 1232, false);
	for (unsigned i = 0; i < 4; i++) {
		note = ask(&b, i % 2 ? ANSWER_TCP : ANSWER_UDP, MESSAGE_MAX);
		ck_assert_uint_eq(note.is_compiled, 0);
		ck_assert_uint_eq(note.is_truncated, i % 2 == 0);
	}
	stop();
}
END_TEST

/* --- the root zone -------------------------------------------------------- */

static unsigned tlds;

static bool ask_below(const struct zone_version *version,
		      const struct zone_node *node, void *context)
{
	static struct built b;
	struct dname_storage name;

	(void)context;
	if (zone_node_find(version, node, RRTYPE_NSEC) == NULL) {
		return true;
	}
	tlds++;
	for (unsigned i = 0; i < 8; i++) {
		dname_copy(&name, zone_node_name(node));
		if (i % 2 == 0) {
			prepend_any(&name);
		} else {
			/* Behind the name in canonical order: its span. */
			dname_of(&name)->octets[0] =
				(uint8_t)(dname_of(&name)->octets[0] + 1);
			memmove(dname_of(&name)->octets + name.length,
				dname_of(&name)->octets + name.length - 1, 1);
			dname_of(&name)->octets[name.length - 1] = '0';
			name.length++;
			if (name.labels != 1 ||
			    dname_of(&name)->octets[0] > DNAME_LABEL_MAX) {
				continue;
			}
		}
		built_start(&b, (uint16_t)i, 0);
		built_put(&b, dname_of(&name)->octets, name.length);
		built_put16(&b, RRTYPE_A);
		built_put16(&b, RRCLASS_IN);
		built_opt(&b, 512 + draw(900), 0, i < 4 ? EDNS_DO : 0, "", 0);
		built_counts(&b, 1, 0, 0, 1);
		(void)ask(&b, ANSWER_UDP, MESSAGE_MAX);
		(void)ask_thrice(&b);
	}
	return true;
}

START_TEST(every_name_of_the_root_zone_is_answered_as_written)
{
	const char *path = shared_data("root/root-2026073102.zone");

	if (path == NULL) {
		puts("skipped: the root zone is not there "
		     "(ROOTCAST_SHARED_DATA)");
		return;
	}
	seed = 7;
	start(ANSWER_COMPILED_BUDGET);
	ck_assert_msg(served_add_file(&served, path, "."), "%s", served.error);
	tlds = 0;
	zone_version_walk(zone_current(served.zones[0]), ask_below, NULL);
	ck_assert_uint_gt(tlds, 1000);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("compiled");
	TCase *tcase = tcase_create("compiled");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, every_drawn_query_is_answered_as_written);
	tcase_add_test(tcase, every_limit_cuts_where_writing_cuts);
	tcase_add_test(tcase, names_of_every_length_share_what_is_below_a_cut);
	tcase_add_loop_test(tcase, names_that_find_one_node_share_a_reply, 0,
			    sizeof(shared) / sizeof(shared[0]));
	tcase_add_loop_test(tcase,
			    what_is_no_common_answer_is_written_each_time, 0,
			    sizeof(apart) / sizeof(apart[0]));
	tcase_add_test(tcase, a_new_version_is_answered_from_at_once);
	tcase_add_test(tcase, a_reply_too_large_to_keep_is_written);
	tcase_add_test(tcase,
		       every_name_of_the_root_zone_is_answered_as_written);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
