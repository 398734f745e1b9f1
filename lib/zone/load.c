/*
 * load.c - read a master file, build a version, check it.
 *
 * Records outside the zone, once its SOA has said what that is, are left out
 * and told as a warning, as Knot and BIND do (RFC 8976 A.2 has such a zone).
 *
 * Faults that only the whole zone shows (a CNAME beside other data, two SOA
 * records) have no line when they are found. Keeping a line with every
 * record would cost memory on each load for the sake of the rare bad one, so
 * the file is read a second time to find the line: places.h.
 */
#include "lib/zone/load.h"

#include "lib/dns/rrtype.h"
#include "lib/zone/lookup.h"
#include "lib/zone/places.h"
#include "lib/zone/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Tallies and what the text shows, told beside the single ones. */
	FINDINGS_BESIDE = 64,
	/* Octets of files that are read again for the line of a warning that
	 * nobody has asked for: half a second at most. */
	READ_AGAIN_MAX = 16 << 20,
	/* Octets of a file from which a second thread is worth its start. */
	PIPE_LEAST = 1 << 20,
	/* Octets of files from which checks are worth being left. */
	LEAVE_LEAST = 8 << 20,
};

/* What the second reading looks for: faults that only the text shows. */
struct text_search {
	const struct zone_version *version;
	size_t count;
	struct dname_storage owner; /* of the first */
	uint16_t type;
	unsigned long line;
	char file[sizeof(((struct master_file_error *)0)->file)];
	uint64_t *seen; /* hashes of records, open addressing; 0: free */
	size_t slots;   /* a power of two */
	const struct dname *apex;
};

static void note_first(struct text_search *search,
		       const struct master_file_record *record)
{
	if (search->count++ > 0) {
		return;
	}
	dname_copy(&search->owner, record->owner);
	search->type = record->type;
	search->line = record->line;
	snprintf(search->file, sizeof(search->file), "%s", record->file);
}

struct loader {
	const char *path;
	const struct dname *origin;
	const struct zone_load_options *options;
	struct zone_load *load;
	struct zone_writer *writer;
	struct places *findings;
	size_t added;
	uint64_t ttl_sum; /* of all that was added */
	bool has_several_ttls;
	bool has_apex;
	struct dname_storage apex;  /* owner of the first SOA */
	struct text_search outside; /* records that are not of this zone */
	/* Where the checks are left. */
	struct zone_load_options kept;
	struct zone_version *version; /* held */
};

static enum status file_opened(const char *path, int fd, const struct stat *st,
			       void *context)
{
	struct zone_load *load = ((struct loader *)context)->load;
	struct zone_load_file *files =
		realloc(load->files, (load->file_count + 1) * sizeof(*files));
	char *copy = strdup(path);

	(void)fd;
	if (files != NULL) {
		load->files = files;
	}
	if (files == NULL || copy == NULL) {
		free(copy);
		return STATUS_NO_MEMORY;
	}
	files[load->file_count++] = (struct zone_load_file){
		.path = copy,
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = st->st_size,
		.modified = st->st_mtim,
	};
	return STATUS_OK;
}

static enum status add_record(const struct master_file_record *record,
			      void *context, char *reason)
{
	struct loader *loader = context;

	(void)reason;
	if (loader->has_apex && record->type != RRTYPE_SOA &&
	    !dname_is_below_or_equal(record->owner, dname_of(&loader->apex))) {
		/* RFC 1034 4.2.1 has no place for it; Knot and BIND agree. */
		note_first(&loader->outside, record);
		return STATUS_OK;
	}
	if (record->type == RRTYPE_SOA && !loader->has_apex) {
		loader->has_apex = true;
		dname_copy(&loader->apex, record->owner);
	}
	loader->added++;
	loader->ttl_sum += record->ttl;
	return zone_writer_add(loader->writer, record->owner, record->type,
			       record->ttl, record->rdata, record->rdata_size);
}

static enum status read_records(struct loader *loader, master_file_func record,
				void *context, struct master_file_error *error)
{
	struct master_file_options options = {
		.origin = loader->origin,
		.rrclass = RRCLASS_IN,
		.record = record,
		.context = context,
	};

	return master_file_read(loader->path, &options, error);
}

/* The records of the zone to be, with a thread of their own where they are
 * many. */
static enum status add_records(struct loader *loader)
{
	struct master_file_options options = {
		.origin = loader->origin,
		.rrclass = RRCLASS_IN,
		.record = add_record,
		.opened = file_opened,
		.context = loader,
	};
	struct stat st;
	bool is_large =
		stat(loader->path, &st) == 0 && st.st_size >= PIPE_LEAST;

	return load_pipe_read(is_large ? loader->options->thread : NULL,
			      loader->path, &options, &loader->load->error);
}

static off_t octets_read(const struct zone_load *load)
{
	off_t octets = 0;

	for (size_t i = 0; i < load->file_count; i++) {
		octets += load->files[i].size;
	}
	return octets;
}

/* The same again, for the sake of a warning: STATUS_TOO_LONG where it would
 * make the load of a large zone twice as long, and nobody asked. */
static enum status read_for_warning(struct loader *loader,
				    master_file_func record, void *context)
{
	struct master_file_error ignored;

	if (loader->options->finding == NULL &&
	    octets_read(loader->load) > READ_AGAIN_MAX) {
		return STATUS_TOO_LONG;
	}
	return read_records(loader, record, context, &ignored);
}

/* Text that did not fit ends in dots; length is what snprintf() said. */
static void mark_cut(char *text, size_t size, int length)
{
	if (length >= (int)size) {
		memcpy(text + size - 4, "...", 4);
	}
}

/* --- the line of a fault -------------------------------------------------- */

struct search {
	const struct dname *owner;
	uint16_t type; /* 0: any */
	bool wants_last;
	bool has_type;
	unsigned long line; /* 0: not found */
	char file[sizeof(((struct master_file_error *)0)->file)];
};

static enum status search_record(const struct master_file_record *record,
				 void *context, char *reason)
{
	struct search *search = context;
	bool is_type = search->type == 0 || record->type == search->type;

	(void)reason;
	if (!dname_equal(record->owner, search->owner)) {
		return STATUS_OK;
	}
	/* A record of the type, else the first one of that name. */
	if (search->line == 0 || (is_type && !search->has_type) ||
	    (is_type && search->wants_last)) {
		search->line = record->line;
		search->has_type = is_type;
		snprintf(search->file, sizeof(search->file), "%s",
			 record->file);
	}
	return STATUS_OK;
}

/* Say in the load's error what is wrong, and where in the file. */
static void set_error(struct loader *loader, const struct dname *owner,
		      uint16_t type, const char *reason)
{
	struct master_file_error *error = &loader->load->error;
	struct master_file_error ignored;
	struct search search = {
		.owner = owner,
		.type = type,
		.wants_last = strncmp(reason, "several", 7) == 0,
	};

	snprintf(error->file, sizeof(error->file), "%s", loader->path);
	error->line = 0;
	if (owner == NULL) {
		snprintf(error->reason, sizeof(error->reason), "%s", reason);
		return;
	}
	{
		char name[DNAME_TEXT_MAX];

		/* The reason comes first: a long name must not push it out. */
		mark_cut(error->reason, sizeof(error->reason),
			 snprintf(error->reason, sizeof(error->reason),
				  "%s: '%s'", reason, dname_dump(owner, name)));
	}
	/* A second reading that fails has changed: then there is no line. */
	if (read_records(loader, search_record, &search, &ignored) ==
		    STATUS_OK &&
	    search.line != 0) {
		memcpy(error->file, search.file, sizeof(error->file));
		error->line = search.line;
	}
}

/* --- findings ------------------------------------------------------------- */

static void note_finding(const struct zone_finding *finding, void *context)
{
	struct loader *loader = context;

	if (loader->findings != NULL) {
		/* Without memory it is counted, not told. */
		enum status status = places_add(loader->findings, finding);

		(void)status;
	}
}

/* The first warning, as the log and 'status' show it. */
static void set_warning(struct zone_load *load,
			const struct zone_finding *finding)
{
	char name[DNAME_TEXT_MAX] = "";
	char type[RRTYPE_TEXT_MAX] = "";
	char line[32] = "";

	if (finding->owner != NULL) {
		dname_dump(finding->owner, name);
	}
	if (finding->type != 0) {
		rrtype_dump(finding->type, type);
	}
	if (finding->line != 0) {
		snprintf(line, sizeof(line), "line %lu: ", finding->line);
	}
	mark_cut(load->warning, sizeof(load->warning),
		 snprintf(load->warning, sizeof(load->warning), "%s%s%s%s%s%s",
			  line, finding->text, name[0] != '\0' ? ": " : "",
			  name, type[0] != '\0' ? " " : "", type));
}

/* Find the lines, and tell. */
static void tell_findings(struct loader *loader)
{
	size_t count =
		loader->findings != NULL ? places_count(loader->findings) : 0;
	enum status status;

	if (count == 0) {
		return;
	}
	/* A file that cannot be read again has changed: then without lines. */
	status = read_for_warning(loader, places_look, loader->findings);
	(void)status;
	set_warning(loader->load, places_get(loader->findings, 0));
	for (size_t i = 0; loader->options->finding != NULL && i < count; i++) {
		loader->options->finding(places_get(loader->findings, i),
					 loader->options->context);
	}
}

static bool sum_ttls(const struct zone_version *version,
		     const struct zone_node *node, void *context)
{
	uint64_t *sum = context;

	for (size_t i = 0; i < zone_node_rrset_count(node); i++) {
		const struct rrset *rrset =
			zone_node_rrset_at(version, node, i);

		*sum += (uint64_t)rrset->count * rrset->ttl +
			(uint64_t)rrset->signatures * rrset->signature_ttl;
	}
	return true;
}

/* Does the record have another TTL than the set that came out? */
static bool has_other_ttl(const struct zone_version *version,
			  const struct master_file_record *record)
{
	bool is_signature = record->type == RRTYPE_RRSIG;
	uint16_t type = is_signature ? wire_get16(record->rdata) : record->type;
	const struct zone_node *node = zone_find_node(version, record->owner);

	for (size_t i = 0; node != NULL && i < zone_node_rrset_count(node);
	     i++) {
		const struct rrset *rrset =
			zone_node_rrset_at(version, node, i);

		if (rrset->type == type) {
			return record->ttl != (is_signature
						       ? rrset->signature_ttl
						       : rrset->ttl);
		}
	}
	return false;
}

static enum status search_ttl(const struct master_file_record *record,
			      void *context, char *reason)
{
	struct text_search *search = context;

	(void)reason;
	if (has_other_ttl(search->version, record)) {
		note_first(search, record);
	}
	return STATUS_OK;
}

/* FNV-1a, with the bits of the end spread to the front. */
static uint64_t hash_octets(uint64_t hash, const uint8_t *octets, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		hash = (hash ^ octets[i]) * UINT64_C(0x100000001b3);
	}
	return hash ^ hash >> 29;
}

/*
 * A record whose hash was there is one given before: two different ones of one
 * hash are met once in 2^64/n^2 zones of n records, and then it is a line.
 */
static enum status search_twice(const struct master_file_record *record,
				void *context, char *reason)
{
	struct text_search *search = context;
	uint8_t rdata[UINT16_MAX];
	uint8_t type[2];
	struct dname_storage owner;
	uint64_t hash;
	size_t slot;

	(void)reason;
	if (!dname_is_below_or_equal(record->owner, search->apex)) {
		return STATUS_OK;
	}
	dname_copy(&owner, record->owner);
	dname_make_canonical(dname_of(&owner));
	memcpy(rdata, record->rdata, record->rdata_size);
	rdata_make_canonical(record->type, rdata, record->rdata_size);
	wire_put16(type, record->type);
	hash = hash_octets(UINT64_C(0xcbf29ce484222325), owner.bytes,
			   2 + (size_t)owner.length);
	hash = hash_octets(hash, type, sizeof(type));
	hash = hash_octets(hash, rdata, record->rdata_size) | 1;
	slot = (size_t)(hash >> 1) & (search->slots - 1);
	while (search->seen[slot] != 0 && search->seen[slot] != hash) {
		slot = (slot + 1) & (search->slots - 1);
	}
	if (search->seen[slot] == hash) {
		note_first(search, record);
	}
	search->seen[slot] = hash;
	return STATUS_OK;
}

static void tell_text(struct loader *loader, const struct text_search *search,
		      struct zone_finding *finding)
{
	struct dname_storage owner;

	if (search->count > 0) {
		owner = search->owner;
		finding->owner = dname_of(&owner);
		finding->type = search->type;
		finding->file = search->file;
		finding->line = search->line;
	}
	loader->load->warnings++;
	note_finding(finding, loader);
}

/* Records that are there already. */
static void check_twice(struct loader *loader, size_t twice)
{
	struct text_search search = {.slots = 64,
				     .apex = dname_of(&loader->apex)};
	char text[ZONE_CHECK_TEXT_MAX];
	struct zone_finding finding = {.text = text};

	while (search.slots < 2 * loader->added) {
		search.slots *= 2;
	}
	search.seen = calloc(search.slots, sizeof(*search.seen));
	if (search.seen == NULL ||
	    read_for_warning(loader, search_twice, &search) != STATUS_OK) {
		search.count = 0;
	}
	snprintf(text, sizeof(text),
		 "%zu records are there already and change nothing%s", twice,
		 search.count > 0 ? ", the first" : "");
	tell_text(loader, &search, &finding);
	free(search.seen);
}

/* One set with several TTLs. */
static void check_ttls(struct loader *loader,
		       const struct zone_version *version)
{
	struct text_search search = {.version = version};
	char text[ZONE_CHECK_TEXT_MAX];
	struct zone_finding finding = {.text = text};

	enum status status = read_for_warning(loader, search_ttl, &search);

	if (status == STATUS_TOO_LONG) {
		/* Records given twice may be all that the sum shows. */
		if (loader->added != zone_version_records(version)) {
			return;
		}
		loader->has_several_ttls = true;
		snprintf(text, sizeof(text),
			 "records have a TTL above the least of their set, "
			 "which is served (RFC 2181 5.2)");
		tell_text(loader, &search, &finding);
		return;
	}
	if (status != STATUS_OK || search.count == 0) {
		return;
	}
	loader->has_several_ttls = true;
	snprintf(text, sizeof(text),
		 "%zu records have a TTL above the least of their set, which "
		 "is served (RFC 2181 5.2), the first",
		 search.count);
	tell_text(loader, &search, &finding);
}

/* Records of another zone, which were left out. */
static void check_outside(struct loader *loader)
{
	char text[ZONE_CHECK_TEXT_MAX];
	struct zone_finding finding = {.text = text};

	if (loader->outside.count > 0) {
		snprintf(text, sizeof(text),
			 "%zu records are outside the zone and left out, the "
			 "first",
			 loader->outside.count);
		tell_text(loader, &loader->outside, &finding);
	}
}

/* What only the file shows. */
static void check_text(struct loader *loader,
		       const struct zone_version *version)
{
	size_t twice = loader->added - zone_version_records(version);
	uint64_t sum = 0;

	check_outside(loader);
	if (twice > 0) {
		check_twice(loader, twice);
	}
	zone_version_walk(version, sum_ttls, &sum);
	zone_version_walk_nsec3(version, sum_ttls, &sum);
	if (sum != loader->ttl_sum) {
		check_ttls(loader, version);
	}
}

/* --- loading -------------------------------------------------------------- */

static enum status build(struct loader *loader, struct zone_version **out)
{
	struct zone_load *load = loader->load;
	struct zone_fault zone_fault = {.reason = NULL};
	enum status status;

	loader->writer = zone_writer_new(NULL, &status);
	if (loader->writer == NULL) {
		set_error(loader, NULL, 0, status_text(status));
		return status;
	}
	status = add_records(loader);
	if (status != STATUS_OK) {
		zone_writer_abort(loader->writer);
		return status;
	}
	load->error.reason[0] = '\0';
	status = zone_writer_finish(loader->writer, out, &zone_fault);
	if (status != STATUS_OK) {
		bool has_fault =
			status == STATUS_BAD_DATA && zone_fault.reason != NULL;

		set_error(loader,
			  has_fault && zone_fault.owner.length > 0
				  ? dname_of(&zone_fault.owner)
				  : NULL,
			  zone_fault.type,
			  has_fault ? zone_fault.reason : status_text(status));
	}
	return status;
}

static void check(struct loader *loader, const struct zone_version *version)
{
	size_t max = loader->options->finding != NULL
			     ? ZONE_CHECK_TOLD_MAX + FINDINGS_BESIDE
			     : 1;
	struct zone_check_options options = {
		.at = loader->options->at,
		.is_verifying = loader->options->is_verifying,
		.finding = note_finding,
		.context = loader,
	};
	struct zone_check_result result;

	loader->findings = places_new(max);
	result = zone_check(version, &options);
	loader->load->warnings += result.warnings;
	check_text(loader, version);
	tell_findings(loader);
	places_free(loader->findings);
	loader->findings = NULL;
}

/* The rule for the zone, or NULL. */
static const struct zonemd_rule *find_rule(const struct loader *loader,
					   const struct dname *apex)
{
	const struct zone_load_options *options = loader->options;

	for (size_t i = 0; i < options->rule_count; i++) {
		const struct zonemd_rule *rule = &options->rules[i];

		if (dname_equal((const struct dname *)(const void *)&rule->name,
				apex)) {
			return rule;
		}
	}
	return options->default_rule;
}

static void set_zonemd_reason(struct loader *loader,
			      const struct zonemd_result *result)
{
	struct zone_load *load = loader->load;
	char type[RRTYPE_TEXT_MAX];

	if (result->is_signature) {
		snprintf(load->zonemd_reason, sizeof(load->zonemd_reason),
			 "signatures over %s: %s",
			 rrtype_dump(result->type, type), result->reason);
	} else if (result->reason != NULL) {
		bool is_by_ttl =
			loader->has_several_ttls &&
			strcmp(result->reason, zonemd_wrong_digest) == 0;

		snprintf(load->zonemd_reason, sizeof(load->zonemd_reason),
			 "%s%s", result->reason,
			 is_by_ttl ? "; sets with several TTLs are taken with "
				     "the least"
				   : "");
	}
}

/* Is the whole what its ZONEMD says, where somebody wants to know? */
static enum status verify(struct loader *loader,
			  const struct zone_version *version)
{
	struct zone_load *load = loader->load;
	const struct dname *apex = zone_version_apex(version);
	int64_t at = loader->options->at;
	struct zonemd_result result = {.reason = NULL};
	enum status status = zonemd_verify(
		version, find_rule(loader, apex),
		at == ZONE_CHECK_NEVER ? DNSSEC_NO_TIME : at, &result);

	load->zonemd = result.state;
	set_zonemd_reason(loader, &result);
	if (status != STATUS_OK) {
		set_error(loader, apex, result.type,
			  result.reason != NULL ? load->zonemd_reason
						: status_text(status));
	}
	return status;
}

/* Keep what the checks need; false: no memory. */
static bool keep_loader(const struct loader *loader,
			struct zone_version *version)
{
	struct loader *kept = malloc(sizeof(*kept));

	if (kept == NULL) {
		return false;
	}
	*kept = *loader;
	kept->kept = *loader->options;
	kept->kept.thread = NULL;
	kept->options = &kept->kept;
	kept->writer = NULL;
	kept->version = zone_version_hold(version);
	loader->load->unchecked = kept;
	return true;
}

/*
 * Checks only warn, but what a wrong ZONEMD is told with depends on what they
 * find: then they come first.
 */
static enum status check_and_verify(struct loader *loader,
				    struct zone_version *version)
{
	struct zone_load *load = loader->load;

	if (loader->options->leaves_checks &&
	    octets_read(load) >= LEAVE_LEAST) {
		enum status status = verify(loader, version);

		if (status == STATUS_OK && load->zonemd_reason[0] == '\0' &&
		    keep_loader(loader, version)) {
			return STATUS_OK;
		}
	}
	check(loader, version);
	return verify(loader, version);
}

enum status zone_load_with(const char *path, const struct dname *origin,
			   const struct zone_load_options *options,
			   struct zone_load *out)
{
	struct loader loader = {.path = path,
				.origin = origin,
				.options = options,
				.load = out};
	struct zone_version *version = NULL;
	enum status status;

	memset(out, 0, sizeof(*out));
	status = build(&loader, &version);
	out->records = loader.added;
	if (status == STATUS_OK) {
		out->records = zone_version_records(version);
		status = check_and_verify(&loader, version);
	}
	/* A fault in a file that is being written is no fault of the zone. */
	if (out->file_count > 0 && !zone_load_is_current(out)) {
		status = STATUS_CHANGED;
		snprintf(out->error.file, sizeof(out->error.file), "%s", path);
		out->error.line = 0;
		snprintf(out->error.reason, sizeof(out->error.reason), "%s",
			 status_text(status));
	}
	if (status != STATUS_OK) {
		if (version != NULL) {
			zone_version_release(version);
		}
		return status;
	}
	out->error.file[0] = '\0';
	out->error.line = 0;
	out->version = version;
	return STATUS_OK;
}

enum status zone_load(const char *path, const struct dname *origin,
		      struct zone_load *out)
{
	static const struct zone_load_options options = {
		.at = ZONE_CHECK_NEVER,
	};

	return zone_load_with(path, origin, &options, out);
}

static void drop_loader(struct zone_load *load)
{
	if (load->unchecked != NULL) {
		zone_version_release(load->unchecked->version);
		free(load->unchecked);
		load->unchecked = NULL;
	}
}

void zone_load_check(struct zone_load *load)
{
	if (load->unchecked != NULL) {
		check(load->unchecked, load->unchecked->version);
		drop_loader(load);
	}
}

void zone_load_fini(struct zone_load *load)
{
	drop_loader(load);
	if (load->version != NULL) {
		zone_version_release(load->version);
	}
	for (size_t i = 0; i < load->file_count; i++) {
		free(load->files[i].path);
	}
	free(load->files);
	load->version = NULL;
	load->files = NULL;
	load->file_count = 0;
}

bool zone_load_is_current(const struct zone_load *load)
{
	for (size_t i = 0; i < load->file_count; i++) {
		const struct zone_load_file *file = &load->files[i];
		struct stat st;

		if (stat(file->path, &st) != 0 || st.st_dev != file->device ||
		    st.st_ino != file->inode || st.st_size != file->size ||
		    st.st_mtim.tv_sec != file->modified.tv_sec ||
		    st.st_mtim.tv_nsec != file->modified.tv_nsec) {
			return false;
		}
	}
	return true;
}
