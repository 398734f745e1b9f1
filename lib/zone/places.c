/*
 * places.c - a hash table from owner names to the findings about them.
 *
 * It is filled before the first look and never grows afterwards, so that a look
 * at a record nobody seeks costs one hash of its name.
 */
#include "lib/zone/places.h"

#include "lib/dns/rrtype.h"

#include <stdlib.h>
#include <string.h>

/* How well the place that was found so far fits. */
enum fit {
	FIT_NONE,
	FIT_NAME,
	FIT_TYPE,
	FIT_RECORD,
};

struct place {
	struct zone_finding finding; /* its pointers lead into this struct */
	struct place *next;          /* of the same bucket */
	enum fit fit;
	struct dname_storage owner;
	char text[ZONE_CHECK_TEXT_MAX];
	char *file;
};

struct places {
	struct place **list;
	size_t count;
	size_t max;
	size_t capacity;
	struct place **buckets; /* made by the first look */
	size_t bucket_count;    /* a power of two */
	size_t sought;          /* not found as well as they could be */
};

struct places *places_new(size_t max)
{
	struct places *places = calloc(1, sizeof(*places));

	if (places != NULL) {
		places->max = max;
	}
	return places;
}

void places_free(struct places *places)
{
	if (places == NULL) {
		return;
	}
	for (size_t i = 0; i < places->count; i++) {
		free(places->list[i]->file);
		free(places->list[i]);
	}
	free(places->list);
	free(places->buckets);
	free(places);
}

static struct place *place_new(const struct zone_finding *finding)
{
	struct place *place = calloc(1, sizeof(*place));

	if (place == NULL) {
		return NULL;
	}
	place->finding = *finding;
	strncpy(place->text, finding->text, sizeof(place->text) - 1);
	place->finding.text = place->text;
	if (finding->owner != NULL) {
		dname_copy(&place->owner, finding->owner);
		place->finding.owner = dname_of(&place->owner);
	}
	place->finding.file = NULL;
	if (finding->file != NULL) {
		place->fit = FIT_RECORD;
		place->file = strdup(finding->file);
		place->finding.file = place->file;
	}
	return place;
}

enum status places_add(struct places *places,
		       const struct zone_finding *finding)
{
	struct place *place;

	if (places->count == places->max) {
		return STATUS_OK;
	}
	if (places->count == places->capacity) {
		size_t capacity = 2 * places->capacity + 16;
		struct place **list =
			realloc(places->list, capacity * sizeof(*list));

		if (list == NULL) {
			return STATUS_NO_MEMORY;
		}
		places->list = list;
		places->capacity = capacity;
	}
	place = place_new(finding);
	if (place == NULL) {
		return STATUS_NO_MEMORY;
	}
	places->list[places->count++] = place;
	return STATUS_OK;
}

/* FNV-1a over the folded name. */
static size_t bucket_of(const struct places *places, const struct dname *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (unsigned i = 0; i < name->length; i++) {
		hash = (hash ^ dname_fold(name->octets[i])) *
		       UINT64_C(0x100000001b3);
	}
	return (size_t)(hash ^ hash >> 32) & (places->bucket_count - 1);
}

static bool buckets_make(struct places *places)
{
	size_t count = 16;

	while (count < 2 * places->count) {
		count *= 2;
	}
	places->buckets = calloc(count, sizeof(*places->buckets));
	if (places->buckets == NULL) {
		return false;
	}
	places->bucket_count = count;
	for (size_t i = 0; i < places->count; i++) {
		struct place *place = places->list[i];
		struct place **bucket;

		if (place->finding.owner == NULL || place->fit == FIT_RECORD) {
			continue;
		}
		bucket = &places->buckets[bucket_of(places,
						    place->finding.owner)];
		place->next = *bucket;
		*bucket = place;
		places->sought++;
	}
	return true;
}

static enum fit fit_of(const struct zone_finding *finding,
		       const struct master_file_record *record)
{
	uint16_t type =
		finding->is_signature ? (uint16_t)RRTYPE_RRSIG : finding->type;

	if (!dname_equal(record->owner, finding->owner)) {
		return FIT_NONE;
	}
	if (record->type != type) {
		return FIT_NAME;
	}
	if (finding->record != NULL &&
	    rdata_compare(type, record->rdata, record->rdata_size,
			  rdata_octets(finding->record),
			  rdata_length(finding->record)) == 0) {
		return FIT_RECORD;
	}
	return FIT_TYPE;
}

enum status places_look(const struct master_file_record *record, void *context,
			char *reason)
{
	struct places *places = context;

	(void)reason;
	if (places->buckets == NULL && !buckets_make(places)) {
		return STATUS_OK; /* then without lines */
	}
	for (struct place *place =
		     places->buckets[bucket_of(places, record->owner)];
	     place != NULL; place = place->next) {
		enum fit fit = fit_of(&place->finding, record);

		if (fit <= place->fit) {
			continue;
		}
		place->fit = fit;
		place->finding.line = record->line;
		if (fit == FIT_RECORD ||
		    (fit == FIT_TYPE && place->finding.record == NULL)) {
			places->sought--;
		}
		if (place->file == NULL ||
		    strcmp(place->file, record->file) != 0) {
			free(place->file);
			place->file = strdup(record->file);
			place->finding.file = place->file;
		}
	}
	return places->sought > 0 ? STATUS_OK : STATUS_CLOSED;
}

size_t places_count(const struct places *places)
{
	return places->count;
}

const struct zone_finding *places_get(const struct places *places, size_t index)
{
	return &places->list[index]->finding;
}
