/*
 * fuzz_zone_update.c - versions derived by random changes are what a whole load
 * of the same records makes.
 *
 * Each octet pair of the input adds or removes one of 512 records of a small
 * family of names, some of which are empty non-terminals of others; now and
 * then a version is finished, and an older one held or let go. In the end the
 * last version and a fresh load of what should be in it are walked side by side,
 * and the versions still held must say what they said when they were made.
 */
#include "lib/zone/lookup.h"
#include "lib/zone/writer.h"
#include "lib/dns/rrtype.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	NAMES = 64,
	VARIANTS = 8,
	HELD = 3,
};

static const char *const heads[8] = {"a",     "b", "a.b",     "*.a",
				     "c.b.a", "*", "x.y.z.a", "b.c"};
static const char *const tails[8] = {"zone.",   "d.zone.",    "A.d.zone.",
				     "_.zone.", "-e.zone.",   "y.z.a.zone.",
				     "*.zone.", "\\000.zone."};

static bool is_there[NAMES][VARIANTS];

struct held {
	struct zone_version *version;
	uint64_t print;
};

static void check(bool is_true)
{
	if (!is_true) {
		abort();
	}
}

static void name_get(unsigned number, struct dname_storage *out)
{
	char text[64];
	size_t length;

	strcpy(text, heads[number % 8]);
	strcat(text, ".");
	strcat(text, tails[number / 8]);
	length = strlen(text);
	check(dname_load(out, text, length, NULL) == STATUS_OK);
}

/* Four addresses, two texts, an NSEC and a signature. */
static uint16_t record_get(unsigned variant, uint8_t rdata[32], size_t *size)
{
	memset(rdata, 0, 32);
	rdata[3] = (uint8_t)variant;
	*size = 4;
	if (variant < 4) {
		return RRTYPE_A;
	}
	if (variant < 6) {
		rdata[0] = 3;
		return RRTYPE_TXT;
	}
	if (variant == 6) {
		memcpy(rdata, "\1a\4zone\0\0\1\x40", 11);
		*size = 11;
		return RRTYPE_NSEC;
	}
	wire_put16(rdata, RRTYPE_A);
	*size = 20;
	return RRTYPE_RRSIG;
}

static void add_apex(struct zone_writer *writer)
{
	static const uint8_t soa[22] = {0, 0, 0, 0, 0, 1};
	static const uint8_t ns[1] = {0};
	struct dname_storage apex;

	check(dname_load(&apex, "zone.", 5, NULL) == STATUS_OK);
	check(zone_writer_add(writer, dname_of(&apex), RRTYPE_SOA, 60, soa,
			      sizeof(soa)) == STATUS_OK);
	check(zone_writer_add(writer, dname_of(&apex), RRTYPE_NS, 60, ns,
			      sizeof(ns)) == STATUS_OK);
}

static struct zone_version *finish(struct zone_writer *writer)
{
	struct zone_version *version = NULL;
	struct zone_fault fault;

	check(zone_writer_finish(writer, &version, &fault) == STATUS_OK);
	return version;
}

static struct zone_writer *writer_new(struct zone_version *base)
{
	enum status status;
	struct zone_writer *writer = zone_writer_new(base, &status);

	check(writer != NULL);
	return writer;
}

static void print_add(uint64_t *print, const void *data, size_t size)
{
	const uint8_t *octets = data;

	for (size_t i = 0; i < size; i++) {
		*print = (*print ^ octets[i]) * 1099511628211u;
	}
}

struct printing {
	uint64_t print;
	struct dname_storage before;
	size_t names;
	size_t records;
};

/* Names ascend, each has its parent, and each is found. */
static bool print_node(const struct zone_version *version,
		       const struct zone_node *node, void *context)
{
	struct printing *printing = context;
	const struct dname *name = zone_node_name(node);
	struct dname_storage folded;

	check(printing->names == 0 ||
	      dname_compare(dname_of(&printing->before), name) < 0);
	check(zone_find_node(version, name) == node);
	if (name->labels > 1) {
		struct dname_storage parent;

		dname_ancestor(&parent, name, name->labels - 1u);
		check(zone_find_node(version, dname_of(&parent)) != NULL);
	}
	dname_copy(&printing->before, name);
	dname_copy(&folded, name);
	dname_make_canonical(dname_of(&folded));
	printing->names++;
	print_add(&printing->print, dname_of(&folded)->octets, folded.length);
	for (size_t i = 0; i < zone_node_rrset_count(node); i++) {
		const struct rrset *rrset =
			zone_node_rrset_at(version, node, i);

		printing->records += rrset->count + rrset->signatures;
		print_add(&printing->print, &rrset->type, sizeof(rrset->type));
		print_add(&printing->print, &rrset->count,
			  sizeof(rrset->count));
		print_add(&printing->print, &rrset->ttl, sizeof(rrset->ttl));
		print_add(&printing->print, rrset->data,
			  rrset->size + rrset->signature_size);
	}
	return true;
}

static uint64_t version_print(const struct zone_version *version)
{
	struct printing printing = {14695981039346656037u, {{{0}}}, 0, 0};

	zone_version_walk(version, print_node, &printing);
	check(printing.names == zone_version_names(version));
	check(printing.records == zone_version_records(version));
	for (unsigned i = 0; i < NAMES; i++) {
		struct dname_storage name;
		const struct zone_node *nsec;

		name_get(i, &name);
		nsec = zone_find_nsec(version, dname_of(&name));
		if (nsec != NULL) {
			print_add(&printing.print, zone_node_name(nsec)->octets,
				  1);
		}
	}
	return printing.print;
}

static uint64_t fresh_print(void)
{
	struct zone_writer *writer = writer_new(NULL);
	struct zone_version *version;
	uint64_t print;

	add_apex(writer);
	for (unsigned i = 0; i < NAMES * VARIANTS; i++) {
		/* In no order. */
		unsigned at = i * 37 % (NAMES * VARIANTS);
		struct dname_storage name;
		uint8_t rdata[32];
		size_t size;
		uint16_t type;

		if (!is_there[at / VARIANTS][at % VARIANTS]) {
			continue;
		}
		name_get(at / VARIANTS, &name);
		type = record_get(at % VARIANTS, rdata, &size);
		check(zone_writer_add(writer, dname_of(&name), type, 60, rdata,
				      size) == STATUS_OK);
	}
	version = finish(writer);
	print = version_print(version);
	zone_version_release(version);
	return print;
}

static void change(struct zone_writer *writer, unsigned number, bool is_added)
{
	/* Equal names of the table (spelled alike or not) share one place. */
	unsigned index = number / VARIANTS;
	unsigned variant = number % VARIANTS;
	struct dname_storage name;
	uint8_t rdata[32];
	size_t size;
	uint16_t type;
	enum status status;

	name_get(index, &name);
	for (unsigned i = 0; i < index; i++) {
		struct dname_storage other;

		name_get(i, &other);
		if (dname_equal(dname_of(&other), dname_of(&name))) {
			index = i;
			break;
		}
	}
	type = record_get(variant, rdata, &size);
	if (is_added) {
		status = zone_writer_add(writer, dname_of(&name), type, 60,
					 rdata, size);
		check(status == STATUS_OK);
	} else {
		status = zone_writer_remove(writer, dname_of(&name), type,
					    rdata, size);
		check(status == (is_there[index][variant] ? STATUS_OK
							  : STATUS_NOT_FOUND));
	}
	is_there[index][variant] = is_added;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct held held[HELD] = {{NULL, 0}};
	struct zone_writer *writer = writer_new(NULL);
	struct zone_version *version;
	unsigned turn = 0;

	memset(is_there, 0, sizeof(is_there));
	add_apex(writer);
	version = finish(writer);
	writer = writer_new(version);
	for (size_t i = 0; i + 1 < size; i += 2) {
		struct zone_version *next;
		struct held *slot;

		change(writer, (unsigned)(data[i] << 8 | data[i + 1]) & 511,
		       (data[i] & 0x80) == 0);
		if ((data[i] & 0x70) != 0x70) {
			continue;
		}
		next = finish(writer);
		slot = &held[turn++ % HELD];
		if (slot->version != NULL) {
			check(version_print(slot->version) == slot->print);
			zone_version_release(slot->version);
			slot->version = NULL;
		}
		if ((data[i] & 0x08) != 0) {
			slot->version = zone_version_hold(version);
			slot->print = version_print(version);
		}
		zone_version_release(version);
		version = next;
		writer = writer_new(version);
	}
	zone_writer_abort(writer);
	writer = writer_new(version);
	{
		struct zone_version *next = finish(writer);

		zone_version_release(version);
		version = next;
	}
	for (unsigned i = 0; i < HELD; i++) {
		if (held[i].version != NULL) {
			check(version_print(held[i].version) == held[i].print);
			zone_version_release(held[i].version);
		}
	}
	/* The last, unfinished changes were dropped: what is there is what the
	 * version says, so compare only where all were finished. */
	if (size >= 2 && (data[(size & ~(size_t)1) - 2] & 0x70) == 0x70) {
		check(version_print(version) == fresh_print());
	}
	zone_version_release(version);
	return 0;
}
