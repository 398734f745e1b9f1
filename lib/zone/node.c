#include "lib/zone/node.h"

#include "lib/dns/rrtype.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	SORT_BY_INSERTION = 12, /* records; beyond, qsort() */
};

size_t node_size(const struct dname *name, size_t count)
{
	size_t at = offsetof(struct zone_node, name) + dname_stored_size(name);

	return ((at + 3) & ~(size_t)3) +
	       count * (sizeof(uint32_t) + sizeof(uint16_t));
}

bool node_record_init(struct node_record *record, uint16_t type, uint32_t ttl,
		      const uint8_t *rdata, size_t size)
{
	if (type == RRTYPE_RRSIG && size < 2) {
		return false;
	}
	record->is_signature = type == RRTYPE_RRSIG;
	record->type = record->is_signature ? wire_get16(rdata) : type;
	record->size = (uint16_t)size;
	record->ttl = ttl;
	record->rdata = rdata;
	return true;
}

int node_record_compare(const struct node_record *a,
			const struct node_record *b)
{
	if (a->type != b->type) {
		return a->type < b->type ? -1 : 1;
	}
	if (a->is_signature != b->is_signature) {
		return a->is_signature ? 1 : -1;
	}
	return rdata_compare(a->is_signature ? (uint16_t)RRTYPE_RRSIG : a->type,
			     a->rdata, a->size, b->rdata, b->size);
}

static int compare_for_qsort(const void *a, const void *b)
{
	return node_record_compare(a, b);
}

static void records_sort(struct node_record *record, size_t count)
{
	if (count > SORT_BY_INSERTION) {
		qsort(record, count, sizeof(*record), compare_for_qsort);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		struct node_record moved = record[i];
		size_t at = i;

		while (at > 0 &&
		       node_record_compare(&record[at - 1], &moved) > 0) {
			record[at] = record[at - 1];
			at--;
		}
		record[at] = moved;
	}
}

/* Keeps the first of equal ones, with the least TTL. */
static size_t records_unique(struct node_record *record, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (kept > 0 &&
		    node_record_compare(&record[kept - 1], &record[i]) == 0) {
			if (record[i].ttl < record[kept - 1].ttl) {
				record[kept - 1].ttl = record[i].ttl;
			}
			continue;
		}
		record[kept++] = record[i];
	}
	return kept;
}

/* Sizes, counts and TTLs of what will stand in the RRset. */
static void head_count(struct rrset *head, const struct node_record *record,
		       size_t count)
{
	uint32_t *ttl;

	for (size_t i = 0; i < count; i++) {
		bool is_first;

		if (record[i].is_signature) {
			is_first = head->signatures++ == 0;
			head->signature_size += 2u + record[i].size;
			ttl = &head->signature_ttl;
		} else {
			is_first = head->count++ == 0;
			head->size += 2u + record[i].size;
			ttl = &head->ttl;
		}
		/* RFC 2181 5.2: one TTL for all, the least is the safe one. */
		if (is_first || record[i].ttl < *ttl) {
			*ttl = record[i].ttl;
		}
	}
}

bool node_rrset_fits(const struct dname *name, size_t count, size_t octets)
{
	/* The question of a wildcard's answer may be as long as names are. */
	size_t question = dname_is_wildcard(name) ? DNAME_MAX : name->length;

	return octets + count * RECORD_OVERHEAD + question <= MESSAGE_ROOM;
}

enum status node_rrset_build(struct cells *cells, const struct dname *name,
			     const struct node_record *record, size_t count,
			     uint32_t *ref)
{
	struct rrset head = {0};
	struct rrset *rrset;
	uint8_t *to;

	assert(count > 0);
	/* Each record takes more than RECORD_OVERHEAD octets: beyond that many
	 * the counts of the head could wrap. */
	if (count > MESSAGE_ROOM / RECORD_OVERHEAD) {
		return STATUS_TOO_LONG;
	}
	head.type = record->type;
	head_count(&head, record, count);
	if (!node_rrset_fits(name, count,
			     (size_t)head.size + head.signature_size)) {
		return STATUS_TOO_LONG;
	}
	rrset = cells_alloc(cells, CELLS_DATA, rrset_size(&head), ref);
	if (rrset == NULL) {
		return STATUS_NO_MEMORY;
	}
	*rrset = head;
	to = rrset->data;
	for (size_t i = 0; i < count; i++) {
		wire_put16(to, record[i].size);
		if (record[i].size > 0) {
			memcpy(to + 2, record[i].rdata, record[i].size);
		}
		to += 2u + record[i].size;
	}
	return STATUS_OK;
}

enum status node_make(struct cells *cells, const struct dname *name,
		      const uint16_t *types, const uint32_t *refs, size_t count,
		      uint32_t *ref)
{
	struct zone_node *node;

	assert(count <= NODE_RRSETS_MAX);
	node = cells_alloc(cells, CELLS_DATA, node_size(name, count), ref);
	if (node == NULL) {
		return STATUS_NO_MEMORY;
	}
	node->count = (uint16_t)count;
	node->reserved = 0;
	memcpy(&node->name, name, dname_stored_size(name));
	if (count > 0) {
		memcpy((uint32_t *)(uintptr_t)node_refs(node), refs,
		       count * sizeof(*refs));
		memcpy((uint16_t *)(uintptr_t)node_types(node), types,
		       count * sizeof(*types));
	}
	return STATUS_OK;
}

enum status node_build(struct cells *cells, const struct dname *name,
		       struct node_record *record, size_t count, uint32_t *ref,
		       size_t *records, uint16_t *type)
{
	uint16_t types[NODE_RRSETS_MAX];
	uint32_t refs[NODE_RRSETS_MAX];
	size_t rrsets = 0;
	size_t end;
	enum status status;

	records_sort(record, count);
	count = records_unique(record, count);
	for (size_t at = 0; at < count; at = end) {
		end = at + 1;
		while (end < count && record[end].type == record[at].type) {
			end++;
		}
		if (rrsets == NODE_RRSETS_MAX) {
			*type = 0;
			return STATUS_TOO_LONG;
		}
		types[rrsets] = record[at].type;
		status = node_rrset_build(cells, name, record + at, end - at,
					  &refs[rrsets]);
		if (status != STATUS_OK) {
			*type = record[at].type;
			return status;
		}
		rrsets++;
	}
	status = node_make(cells, name, types, refs, rrsets, ref);
	if (status == STATUS_OK) {
		*records = count;
	}
	return status;
}

size_t node_rrset_records(const struct rrset *rrset, struct node_record *record)
{
	size_t count = (size_t)rrset->count + rrset->signatures;
	const uint8_t *at = rrset->data;

	for (size_t i = 0; record != NULL && i < count; i++) {
		record[i].type = rrset->type;
		record[i].is_signature = i >= rrset->count;
		record[i].size = rdata_length(at);
		record[i].ttl =
			i < rrset->count ? rrset->ttl : rrset->signature_ttl;
		record[i].rdata = rdata_octets(at);
		at = rrset_next(at);
	}
	return count;
}

size_t node_records(uint8_t *const *chunks, const struct zone_node *node,
		    struct node_record *record)
{
	size_t total = 0;

	for (size_t i = 0; i < node->count; i++) {
		total += node_rrset_records(node_rrset(chunks, node, i),
					    record != NULL ? record + total
							   : NULL);
	}
	return total;
}

/* Has the node records of that type, not signatures only? */
static bool has_records(uint8_t *const *chunks, const struct zone_node *node,
			uint16_t type)
{
	size_t index = node_index(node, type);

	return index < node->count &&
	       node_rrset(chunks, node, index)->count > 0;
}

struct trie_node node_leaf(uint8_t *const *chunks, uint32_t ref, bool is_apex)
{
	const struct zone_node *node = cells_at(chunks, ref);
	uint32_t flags = 0;

	if (!is_apex && has_records(chunks, node, RRTYPE_NS)) {
		flags |= NODE_CUT;
	}
	if (has_records(chunks, node, RRTYPE_DNAME)) {
		flags |= NODE_DNAME;
	}
	return trie_leaf(ref, flags, has_records(chunks, node, RRTYPE_NSEC));
}

enum {
	HASH_LABEL_SIZE = 32, /* base32hex of a SHA-1 hash, RFC 5155 3.3 */
};

struct trie_node node_nsec3_leaf(uint8_t *const *chunks, uint32_t ref,
				 const struct dname *apex)
{
	const struct zone_node *node = cells_at(chunks, ref);
	const uint8_t *octets = node->name.octets;
	bool is_hash = node->name.labels == apex->labels + 1 &&
		       octets[0] == HASH_LABEL_SIZE;

	for (unsigned i = 1; is_hash && i <= HASH_LABEL_SIZE; i++) {
		uint8_t octet = dname_fold(octets[i]);

		is_hash = (octet >= '0' && octet <= '9') ||
			  (octet >= 'a' && octet <= 'v');
	}
	return trie_leaf(ref, 0,
			 is_hash && has_records(chunks, node, RRTYPE_NSEC3));
}

void node_drop(struct cells *cells, uint32_t ref)
{
	uint8_t *const *chunks = cells_chunks(cells);
	const struct zone_node *node = cells_at(chunks, ref);

	for (size_t i = 0; i < node->count; i++) {
		cells_drop(cells, node_refs(node)[i],
			   rrset_size(node_rrset(chunks, node, i)));
	}
	cells_drop(cells, ref, node_size(&node->name, node->count));
}

/* RFC 4034 3, 4 and RFC 3007 4: what may stand beside a CNAME. */
static bool may_join_cname(uint16_t type)
{
	return type == RRTYPE_CNAME || type == RRTYPE_NSEC ||
	       type == RRTYPE_KEY;
}

const char *node_fault(uint8_t *const *chunks, const struct zone_node *node,
		       bool is_apex, uint16_t *type)
{
	const uint16_t *types = node_types(node);
	bool has_cname = false;
	uint16_t other = 0;

	for (size_t i = 0; i < node->count; i++) {
		uint16_t count = node_rrset(chunks, node, i)->count;

		*type = types[i];
		if (count > 1 && types[i] == RRTYPE_CNAME) {
			return "several CNAME records at one name";
		}
		if (count > 1 && types[i] == RRTYPE_DNAME) {
			return "several DNAME records at one name";
		}
		if (count > 1 && types[i] == RRTYPE_SOA) {
			return "several SOA records";
		}
		if (count > 0 && types[i] == RRTYPE_SOA && !is_apex) {
			return "SOA record below the apex";
		}
		has_cname |= count > 0 && types[i] == RRTYPE_CNAME;
		if (count > 0 && !may_join_cname(types[i])) {
			other = types[i];
		}
	}
	*type = has_cname ? (uint16_t)RRTYPE_CNAME : 0;
	if (has_cname && is_apex) {
		return "CNAME record at the apex";
	}
	if (has_cname && other != 0) {
		return "CNAME record beside other data";
	}
	return NULL;
}
