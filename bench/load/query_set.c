#include "bench/load/query_set.h"

#include "lib/base/wire.h"
#include "lib/dns/dname.h"
#include "lib/dns/message.h"
#include "lib/dns/rrtype.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RANDOM_TRIES = 100,
};

/* The delegations of a zone: owners of NS below the apex, in file order. */
struct delegations {
	struct dname_storage apex;
	size_t count;
	size_t room;
	struct dname_storage *names;
};

/* splitmix64: small, seeded, good enough to pick names. */
static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static size_t random_below(uint64_t *state, size_t limit)
{
	return (size_t)(random_next(state) % limit);
}

static enum status delegations_add(struct delegations *found,
				   const struct dname_storage *name)
{
	struct dname_storage *names;

	/* NS records of one owner stand together. */
	if (found->count > 0 && memcmp(&found->names[found->count - 1], name,
				       2u + name->length) == 0) {
		return STATUS_OK;
	}
	if (found->count == found->room) {
		found->room = found->room > 0 ? found->room * 2 : 4096;
		names = realloc(found->names, found->room * sizeof(*names));
		if (names == NULL) {
			return STATUS_NO_MEMORY;
		}
		found->names = names;
	}
	memcpy(&found->names[found->count++], name, 2u + name->length);
	return STATUS_OK;
}

/*
 * One line: an owner at its start, then TTL and class in any order, then the
 * type. Lines that do not start with an absolute owner are not records of the
 * kind looked for.
 */
static enum status delegations_line(struct delegations *found, char *line)
{
	struct dname_storage owner;
	const char *word;
	char *rest;
	size_t length = strcspn(line, " \t\r\n");
	bool is_soa, is_ns;

	if (length == 0 || line[0] == ';' || line[0] == '$') {
		return STATUS_OK;
	}
	word = strtok_r(line + length, " \t\r\n", &rest);
	while (word != NULL && (strspn(word, "0123456789") == strlen(word) ||
				strcasecmp(word, "IN") == 0)) {
		word = strtok_r(NULL, " \t\r\n", &rest);
	}
	if (word == NULL) {
		return STATUS_OK;
	}
	is_soa = strcasecmp(word, "SOA") == 0;
	is_ns = strcasecmp(word, "NS") == 0;
	if ((!is_soa && !is_ns) ||
	    dname_load(&owner, line, length, NULL) != STATUS_OK) {
		return STATUS_OK;
	}
	dname_make_canonical(dname_of(&owner));
	if (is_soa) {
		memcpy(&found->apex, &owner, sizeof(owner));
		return STATUS_OK;
	}
	/* arpa. and its like may be served beside their parent: not asked. */
	if (owner.labels != found->apex.labels + 1 ||
	    (owner.length == 6 &&
	     memcmp(dname_of(&owner)->octets, "\4arpa", 6) == 0)) {
		return STATUS_OK;
	}
	return delegations_add(found, &owner);
}

static int delegations_order(const void *a, const void *b)
{
	/* Any total order serves; names are canonical. */
	const struct dname_storage *x = a, *y = b;
	size_t shorter = x->length < y->length ? x->length : y->length;
	int order =
		memcmp(dname_of((struct dname_storage *)x)->octets,
		       dname_of((struct dname_storage *)y)->octets, shorter);

	return order != 0 ? order : x->length - y->length;
}

static enum status delegations_load(struct delegations *found, const char *path)
{
	FILE *file = fopen(path, "r");
	enum status status = STATUS_OK;
	char *line = NULL;
	size_t size = 0;

	memset(found, 0, sizeof(*found));
	dname_copy(&found->apex, dname_root);
	if (file == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return status_from_errno(errno);
	}
	while (status == STATUS_OK && getline(&line, &size, file) >= 0) {
		status = delegations_line(found, line);
	}
	free(line);
	fclose(file);
	if (status == STATUS_OK && found->count == 0) {
		fprintf(stderr, "%s: no delegations found\n", path);
		status = STATUS_BAD_DATA;
	}
	if (status == STATUS_OK) {
		qsort(found->names, found->count, sizeof(*found->names),
		      delegations_order);
	}
	return status;
}

static void query_make(struct query *query, const struct dname *name,
		       uint16_t type, uint16_t rcode)
{
	struct wire_writer w =
		wire_writer_init(query->octets, sizeof(query->octets));

	message_write_query(&w, 0, name, type, RRCLASS_IN, QUERY_PAYLOAD, true,
			    false);
	if (w.failed) {
		abort(); /* QUERY_SIZE_MAX holds any query */
	}
	query->size = (uint16_t)wire_size(&w);
	query->question_end =
		(uint16_t)(MESSAGE_HEADER_SIZE + name->length + 4);
	query->rcode = rcode;
}

/* Put one label in front of name; false where that is too long. */
static bool label_before(struct dname_storage *out, const char *label,
			 size_t size, const struct dname *name)
{
	uint8_t octets[DNAME_MAX];

	if (size + 1 + name->length > DNAME_MAX) {
		return false;
	}
	octets[0] = (uint8_t)size;
	memcpy(octets + 1, label, size);
	memcpy(octets + 1 + size, name->octets, name->length);
	dname_from_octets(out, octets);
	return true;
}

static void random_label(char *label, size_t size, uint64_t *state)
{
	for (size_t i = 0; i < size; i++) {
		label[i] = (char)('a' + random_below(state, 26));
	}
}

static void make_referral(struct query *query, struct delegations *zone,
			  uint64_t *state)
{
	static const uint16_t types[] = {RRTYPE_A, RRTYPE_AAAA, RRTYPE_NS};
	struct dname_storage *cut =
		&zone->names[random_below(state, zone->count)];
	struct dname_storage below;
	uint16_t type = types[random_below(state, 3)];

	if (random_below(state, 2) == 0 &&
	    label_before(&below, "www", 3, dname_of(cut))) {
		query_make(query, dname_of(&below), type, RCODE_NOERROR);
	} else {
		query_make(query, dname_of(cut), type, RCODE_NOERROR);
	}
}

static void make_missing(struct query *query, struct delegations *zone,
			 uint64_t *state)
{
	struct dname_storage top, name;
	char label[QUERY_MISSING_LABEL];

	for (unsigned i = 0; i < RANDOM_TRIES; i++) {
		random_label(label, sizeof(label), state);
		label[sizeof(label) - 1] = QUERY_MISSING_END;
		if (label_before(&top, label, sizeof(label),
				 dname_of(&zone->apex)) &&
		    bsearch(&top, zone->names, zone->count,
			    sizeof(*zone->names), delegations_order) == NULL) {
			break;
		}
	}
	random_label(label, sizeof(label), state);
	if (random_below(state, 2) == 0 &&
	    label_before(&name, label, 4 + random_below(state, 7),
			 dname_of(&top))) {
		query_make(query, dname_of(&name), RRTYPE_A, RCODE_NXDOMAIN);
	} else {
		query_make(query, dname_of(&top), RRTYPE_A, RCODE_NXDOMAIN);
	}
}

enum status query_set_from_zone(struct query_set *set, const char *path,
				size_t count, uint64_t seed)
{
	struct delegations zone;
	struct query *queries;
	uint64_t state = seed;
	enum status status = delegations_load(&zone, path);

	if (status != STATUS_OK) {
		free(zone.names);
		return status;
	}
	queries = calloc(count, sizeof(*queries));
	if (queries == NULL) {
		free(zone.names);
		return STATUS_NO_MEMORY;
	}
	for (size_t i = 0; i < count; i++) {
		size_t kind = random_below(&state, 1000);

		if (kind < QUERY_REFERRALS) {
			make_referral(&queries[i], &zone, &state);
		} else if (kind < QUERY_REFERRALS + QUERY_PRIMING) {
			query_make(&queries[i], dname_of(&zone.apex), RRTYPE_NS,
				   RCODE_NOERROR);
		} else {
			make_missing(&queries[i], &zone, &state);
		}
	}
	set->count = count;
	set->delegations = zone.count;
	set->queries = queries;
	free(zone.names);
	return STATUS_OK;
}

/* One line of a list; false where it is neither empty nor a query. */
static bool list_line(struct query_set *set, char *line)
{
	struct dname_storage name;
	char *rest, *end;
	const char *owner = strtok_r(line, " \t\r\n", &rest);
	const char *type_text, *rcode_text;
	uint16_t type;
	unsigned long rcode = RCODE_NOERROR;

	if (owner == NULL || owner[0] == '#' || owner[0] == ';') {
		return true;
	}
	type_text = strtok_r(NULL, " \t\r\n", &rest);
	rcode_text = strtok_r(NULL, " \t\r\n", &rest);
	if (type_text == NULL ||
	    dname_load(&name, owner, strlen(owner), dname_root) != STATUS_OK ||
	    rrtype_load(&type, type_text, strlen(type_text)) != STATUS_OK) {
		return false;
	}
	if (rcode_text != NULL) {
		rcode = strtoul(rcode_text, &end, 10);
		if (*end != '\0' || rcode > MESSAGE_RCODE_MASK) {
			return false;
		}
	}
	query_make(&set->queries[set->count++], dname_of(&name), type,
		   (uint16_t)rcode);
	return true;
}

enum status query_set_from_list(struct query_set *set, const char *path)
{
	FILE *file = fopen(path, "r");
	enum status status = STATUS_OK;
	struct query_set read = {0};
	size_t room = 0, size = 0;
	unsigned long number = 0;
	char *line = NULL;

	if (file == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return status_from_errno(errno);
	}
	while (status == STATUS_OK && getline(&line, &size, file) >= 0) {
		number++;
		if (read.count == room) {
			struct query *more;

			room = room > 0 ? room * 2 : 1024;
			more = realloc(read.queries, room * sizeof(*more));
			if (more == NULL) {
				status = STATUS_NO_MEMORY;
				break;
			}
			read.queries = more;
		}
		if (!list_line(&read, line)) {
			fprintf(stderr, "%s:%lu: not 'NAME TYPE [RCODE]'\n",
				path, number);
			status = STATUS_BAD_SYNTAX;
		}
	}
	free(line);
	fclose(file);
	if (status == STATUS_OK && read.count == 0) {
		fprintf(stderr, "%s: no queries\n", path);
		status = STATUS_BAD_DATA;
	}
	if (status != STATUS_OK) {
		free(read.queries);
		return status;
	}
	*set = read;
	return STATUS_OK;
}

void query_set_fini(struct query_set *set)
{
	free(set->queries);
	set->queries = NULL;
	set->count = 0;
}

const char *query_judge(const struct query *query, const uint8_t *reply,
			size_t size)
{
	uint16_t flags;

	if (size < query->question_end) {
		return "shorter than its question";
	}
	flags = wire_get16(reply + 2);
	if (!(flags & MESSAGE_QR)) {
		return "not a reply";
	}
	if ((flags & MESSAGE_RCODE_MASK) != query->rcode) {
		return "RCODE";
	}
	if (wire_get16(reply + 4) != 1 ||
	    memcmp(reply + MESSAGE_HEADER_SIZE,
		   query->octets + MESSAGE_HEADER_SIZE,
		   query->question_end - (size_t)MESSAGE_HEADER_SIZE) != 0) {
		return "question";
	}
	if (query->rcode == RCODE_NXDOMAIN && !(flags & MESSAGE_AA)) {
		return "NXDOMAIN without AA";
	}
	return NULL;
}

static bool is_missing(const uint8_t *message, size_t size)
{
	size_t at = MESSAGE_HEADER_SIZE;

	while (at < size && message[at] != 0) {
		const uint8_t *label = message + at;

		at += 1u + label[0];
		if (at < size && label[0] == QUERY_MISSING_LABEL &&
		    label[QUERY_MISSING_LABEL] == QUERY_MISSING_END &&
		    memcmp(label + 1, "xn--", 4) != 0) {
			return true;
		}
	}
	return false;
}

uint16_t query_reflected_flags(const uint8_t *message, size_t size)
{
	return (uint16_t)(MESSAGE_QR | MESSAGE_AA |
			  (is_missing(message, size) ? RCODE_NXDOMAIN : 0));
}
