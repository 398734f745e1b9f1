#include "lib/answer/chaos.h"

#include "lib/dns/rrtype.h"

#include <stdlib.h>

enum {
	CHARACTER_STRING_MAX = 255, /* RFC 1035 3.3.14 */
};

struct chaos {
	struct rrset *name;
	struct rrset *version;
};

static const struct chaos_name {
	const char *octets; /* wire form, lower case; the zero is the root's */
	size_t size;
	bool is_version;
} names[] = {
	{"\2id\6server", 11, false},
	{"\10hostname\4bind", 15, false},
	{"\7version\6server", 16, true},
	{"\7version\4bind", 14, true},
};

/* A TXT RRset of TTL 0 (RFC 4892 2) with the text cut into strings. */
static struct rrset *txt_new(const char *text)
{
	size_t length = strlen(text);
	size_t strings =
		(length + CHARACTER_STRING_MAX - 1) / CHARACTER_STRING_MAX;
	size_t size = 2 + strings + length;
	struct rrset *rrset = calloc(1, sizeof(*rrset) + size);
	uint8_t *at;

	if (rrset == NULL) {
		return NULL;
	}
	rrset->type = RRTYPE_TXT;
	rrset->count = 1;
	rrset->size = (uint32_t)size;
	at = rrset->data;
	wire_put16(at, (uint16_t)(size - 2));
	at += 2;
	while (length > 0) {
		size_t part = length < CHARACTER_STRING_MAX
				      ? length
				      : CHARACTER_STRING_MAX;

		*at = (uint8_t)part;
		memcpy(at + 1, text, part);
		at += 1 + part;
		text += part;
		length -= part;
	}
	return rrset;
}

struct chaos *chaos_new(const char *name, const char *version)
{
	struct chaos *chaos = calloc(1, sizeof(*chaos));
	bool has_name = name != NULL && *name != '\0';
	bool has_version = version != NULL && *version != '\0';

	if (chaos == NULL) {
		return NULL;
	}
	if (has_name) {
		chaos->name = txt_new(name);
	}
	if (has_version) {
		chaos->version = txt_new(version);
	}
	if ((has_name && chaos->name == NULL) ||
	    (has_version && chaos->version == NULL)) {
		chaos_free(chaos);
		return NULL;
	}
	return chaos;
}

void chaos_free(struct chaos *chaos)
{
	if (chaos != NULL) {
		free(chaos->name);
		free(chaos->version);
		free(chaos);
	}
}

static bool name_is(const struct dname *name, const struct chaos_name *known)
{
	if (name->length != known->size) {
		return false;
	}
	for (size_t i = 0; i < known->size; i++) {
		if (dname_fold(name->octets[i]) != (uint8_t)known->octets[i]) {
			return false;
		}
	}
	return true;
}

static const struct rrset *chaos_find(const struct chaos *chaos,
				      const struct query *query)
{
	if (query->qtype != RRTYPE_TXT && query->qtype != RRTYPE_ANY) {
		return NULL;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (name_is(query_name(query), &names[i])) {
			return names[i].is_version ? chaos->version
						   : chaos->name;
		}
	}
	return NULL;
}

void chaos_choose(const struct chaos *chaos, const struct query *query,
		  struct answer *answer)
{
	const struct rrset *rrset = chaos_find(chaos, query);
	const struct dname *name = query_name(query);

	if (rrset == NULL) {
		answer_fail(answer, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE);
		return;
	}
	/* Not AA: no zone of class CH stands behind this (as NSD, Knot). */
	answer_fail(answer, RCODE_NOERROR, -1);
	answer->rrclass = RRCLASS_CH;
	answer->answers = 1;
	answer->answer[0] = (struct answer_item){
		.owner = name->octets,
		.rrset = rrset,
		.ttl_max = UINT32_MAX,
		.owner_length = name->length,
		.place = ANSWER_OWNER_QUESTION,
		.has_records = true,
	};
}
