/*
 * overrides.c - see overrides.h.
 *
 * The file:
 *
 *	rootcast-route-overrides 1
 *	drain service dns 1732412345678 fibre work, ticket 4711
 *	disable peer 192.0.2.1 1732412345999
 *	end 2
 *
 * Octets of names and reasons that are no printable ASCII, and the space in
 * names, stand as \DDD. 'end' tells a whole file from one that was cut.
 */
#include "server/route/overrides.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char head[] = "rootcast-route-overrides 1";

static const char *const action_texts[] = {
	[OVERRIDE_DRAIN] = "drain",
	[OVERRIDE_DISABLE] = "disable",
};

static const char *const kind_texts[] = {
	[TARGET_ALL] = "all",
	[TARGET_SERVICE] = "service",
	[TARGET_PREFIX] = "prefix",
	[TARGET_PEER] = "peer",
};

const char *override_action_text(enum override_action action)
{
	return action_texts[action];
}

/* --- the set -------------------------------------------------------------- */

static bool is_at(const struct override *override, enum override_action action,
		  enum target_kind kind, size_t index)
{
	return override->action == action && override->kind == kind &&
	       override->is_known && override->index == index;
}

static void name_target(struct override *out, const struct config_route *config)
{
	struct address address;
	char text[PREFIX_TEXT_MAX];

	switch (out->kind) {
	case TARGET_ALL:
		out->name[0] = '\0';
		return;
	case TARGET_SERVICE:
		snprintf(out->name, sizeof(out->name), "%s",
			 config->services[out->index].name);
		return;
	case TARGET_PREFIX:
		prefix_dump(&config->prefixes[out->index].prefix, text);
		snprintf(out->name, sizeof(out->name), "%s", text);
		return;
	case TARGET_PEER:
		address = config->peers[out->index].address;
		address.port = 0;
		address_dump(&address, text);
		snprintf(out->name, sizeof(out->name), "%s", text);
		return;
	}
}

enum status overrides_set(struct overrides *overrides,
			  const struct config_route *config,
			  enum override_action action,
			  const struct target *target, const char *reason,
			  int64_t now_ms)
{
	struct override *slot = NULL;

	for (size_t i = 0; i < overrides->count; i++) {
		if (is_at(&overrides->list[i], action, target->kind,
			  target->index)) {
			slot = &overrides->list[i];
		}
	}
	if (slot == NULL) {
		if (overrides->count == OVERRIDES_MAX) {
			return STATUS_NO_SPACE;
		}
		slot = &overrides->list[overrides->count++];
		*slot = (struct override){.action = action,
					  .kind = target->kind,
					  .since_ms = now_ms,
					  .is_known = true,
					  .index = target->index};
		name_target(slot, config);
	}
	snprintf(slot->reason, sizeof(slot->reason), "%s",
		 reason != NULL ? reason : "");
	return STATUS_OK;
}

static void remove_at(struct overrides *overrides, size_t index)
{
	overrides->count--;
	memmove(&overrides->list[index], &overrides->list[index + 1],
		(overrides->count - index) * sizeof(overrides->list[0]));
}

/* Does the target lie within the override, or is it the same? */
static bool covers(const struct override *override,
		   const struct config_route *config,
		   const struct target *target)
{
	if (!override->is_known) {
		return false;
	}
	if (override->kind == target->kind) {
		return override->index == target->index;
	}
	if (override->kind == TARGET_ALL) {
		return target->kind != TARGET_PEER;
	}
	return override->kind == TARGET_SERVICE &&
	       target->kind == TARGET_PREFIX &&
	       config->prefixes[target->index].service == override->index;
}

/* Put the parts of an override in its place, one step down. */
static enum status split(struct overrides *overrides,
			 const struct config_route *config, size_t index)
{
	const struct override whole = overrides->list[index];
	bool is_all = whole.kind == TARGET_ALL;
	size_t count = is_all ? config->service_count : config->prefix_count;
	enum status status = STATUS_OK;

	remove_at(overrides, index);
	for (size_t i = 0; i < count && status == STATUS_OK; i++) {
		struct target part = {is_all ? TARGET_SERVICE : TARGET_PREFIX,
				      i};

		if (!is_all && config->prefixes[i].service != whole.index) {
			continue;
		}
		/* What stands for the part already keeps its own reason. */
		status = STATUS_OK;
		for (size_t k = 0; k < overrides->count; k++) {
			if (is_at(&overrides->list[k], whole.action, part.kind,
				  i)) {
				status = STATUS_EXISTS;
			}
		}
		status = status == STATUS_EXISTS
				 ? STATUS_OK
				 : overrides_set(overrides, config,
						 whole.action, &part,
						 whole.reason, whole.since_ms);
	}
	return status;
}

enum status overrides_clear(struct overrides *overrides,
			    const struct config_route *config,
			    enum override_action action,
			    const struct target *target)
{
	size_t i = 0;

	while (i < overrides->count) {
		const struct override *override = &overrides->list[i];
		struct target own = {override->kind, override->index};
		struct override given = {
			.kind = target->kind,
			.is_known = true,
			.index = target->index,
		};
		enum status status;

		if (override->action != action) {
			i++;
		} else if (target->kind == TARGET_ALL ||
			   (override->is_known &&
			    covers(&given, config, &own))) {
			remove_at(overrides, i);
		} else if (covers(override, config, target)) {
			status = split(overrides, config, i);
			if (status != STATUS_OK) {
				return status;
			}
			i = 0;
		} else {
			i++;
		}
	}
	return STATUS_OK;
}

const struct override *overrides_of_prefix(const struct overrides *overrides,
					   const struct config_route *config,
					   enum override_action action,
					   size_t prefix)
{
	const struct target target = {TARGET_PREFIX, prefix};
	const struct override *best = NULL;

	for (size_t i = 0; i < overrides->count; i++) {
		const struct override *override = &overrides->list[i];

		if (override->action == action &&
		    covers(override, config, &target) &&
		    (best == NULL || override->kind > best->kind)) {
			best = override;
		}
	}
	return best;
}

const struct override *overrides_of_peer(const struct overrides *overrides,
					 enum override_action action,
					 size_t peer)
{
	for (size_t i = 0; i < overrides->count; i++) {
		if (is_at(&overrides->list[i], action, TARGET_PEER, peer)) {
			return &overrides->list[i];
		}
	}
	return NULL;
}

/* --- as text -------------------------------------------------------------- */

static size_t put_escaped(char *out, const char *text, bool has_space)
{
	size_t at = 0;

	for (; *text != '\0'; text++) {
		unsigned char octet = (unsigned char)*text;

		if (octet > 0x20 && octet < 0x7f && octet != '\\') {
			out[at++] = (char)octet;
		} else if (octet == ' ' && has_space) {
			out[at++] = ' ';
		} else {
			at += (size_t)sprintf(out + at, "\\%03u", octet);
		}
	}
	return at;
}

size_t overrides_dump(const struct overrides *overrides,
		      char text[OVERRIDES_TEXT_MAX])
{
	size_t at = (size_t)sprintf(text, "%s\n", head);

	for (size_t i = 0; i < overrides->count; i++) {
		const struct override *override = &overrides->list[i];

		at += (size_t)sprintf(text + at, "%s %s ",
				      action_texts[override->action],
				      kind_texts[override->kind]);
		at += put_escaped(text + at,
				  override->name[0] != '\0' ? override->name
							    : "-",
				  false);
		at += (size_t)sprintf(text + at, " %" PRId64,
				      override->since_ms);
		if (override->reason[0] != '\0') {
			text[at++] = ' ';
			at += put_escaped(text + at, override->reason, true);
		}
		text[at++] = '\n';
	}
	return at + (size_t)sprintf(text + at, "end %zu\n", overrides->count);
}

/* Text that is read, and where. */
struct reading {
	const char *at;
	const char *end;
	size_t line;
	char *error;
};

static enum status bad(struct reading *reading, const char *what)
{
	snprintf(reading->error, OVERRIDES_ERROR_MAX, "line %zu: %s",
		 reading->line, what);
	return STATUS_BAD_SYNTAX;
}

/*
 * The next word of a line that ends at 'end'; false: there is none, it is too
 * long, or badly escaped. A word goes on over spaces where it is the last.
 */
static bool take_word(const char **at, const char *end, bool is_last, char *out,
		      size_t room)
{
	size_t size = 0;

	while (*at < end && (is_last || **at != ' ')) {
		unsigned octet = (unsigned char)*(*at)++;

		if (octet == '\\') {
			if (end - *at < 3) {
				return false;
			}
			octet = 0;
			for (int i = 0; i < 3; i++) {
				char digit = *(*at)++;

				if (digit < '0' || digit > '9') {
					return false;
				}
				octet = octet * 10 + (unsigned)(digit - '0');
			}
			if (octet == 0 || octet > 255) {
				return false;
			}
		} else if (octet < 0x20 || octet > 0x7e) {
			return false;
		}
		if (size + 1 >= room) {
			return false;
		}
		out[size++] = (char)octet;
	}
	out[size] = '\0';
	if (*at < end) {
		(*at)++; /* the space */
	}
	return size > 0;
}

static bool find_text(const char *const *texts, size_t count, const char *text,
		      size_t *out)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(texts[i], text) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool read_number(const char *text, int64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

/* What the configuration knows of it. */
static void resolve(struct override *override,
		    const struct config_route *config)
{
	struct target target;

	override->is_known =
		override->kind == TARGET_ALL ||
		(target_find(&target, config, override->name) == STATUS_OK &&
		 target.kind == override->kind);
	override->index = override->is_known && override->kind != TARGET_ALL
				  ? target.index
				  : 0;
}

void overrides_resolve(struct overrides *overrides,
		       const struct config_route *config)
{
	for (size_t i = 0; i < overrides->count; i++) {
		resolve(&overrides->list[i], config);
	}
}

static enum status read_override(struct reading *reading, const char *at,
				 const char *end, struct override *out)
{
	char word[32];
	size_t action;
	size_t kind;

	*out = (struct override){0};
	if (!take_word(&at, end, false, word, sizeof(word)) ||
	    !find_text(action_texts, OVERRIDE_ACTIONS, word, &action)) {
		return bad(reading, "neither 'drain', 'disable' nor 'end'");
	}
	if (!take_word(&at, end, false, word, sizeof(word)) ||
	    !find_text(kind_texts, TARGET_PEER + 1, word, &kind)) {
		return bad(reading, "neither 'all', 'service', 'prefix' nor "
				    "'peer'");
	}
	out->action = (enum override_action)action;
	out->kind = (enum target_kind)kind;
	if (!take_word(&at, end, false, out->name, sizeof(out->name))) {
		return bad(reading, "a name is missing, or malformed");
	}
	if (out->kind == TARGET_ALL) {
		out->name[0] = '\0';
	}
	if (!take_word(&at, end, false, word, sizeof(word)) ||
	    !read_number(word, &out->since_ms)) {
		return bad(reading, "a time is missing, or malformed");
	}
	if (at < end &&
	    !take_word(&at, end, true, out->reason, sizeof(out->reason))) {
		return bad(reading, "a reason that is malformed");
	}
	return STATUS_OK;
}

static enum status read_lines(struct reading *reading, struct overrides *out,
			      const struct config_route *config)
{
	char expected[32];

	for (;;) {
		const char *end = memchr(reading->at, '\n',
					 (size_t)(reading->end - reading->at));
		size_t size;
		enum status status;

		reading->line++;
		if (end == NULL) {
			return bad(reading, "the file ends too early");
		}
		size = (size_t)(end - reading->at);
		if (reading->line == 1) {
			if (size != sizeof(head) - 1 ||
			    memcmp(reading->at, head, size) != 0) {
				return bad(reading, "not a file of overrides");
			}
			reading->at = end + 1;
			continue;
		}
		snprintf(expected, sizeof(expected), "end %zu", out->count);
		if (size == strlen(expected) &&
		    memcmp(reading->at, expected, size) == 0) {
			if (end + 1 != reading->end) {
				return bad(reading, "text behind the end");
			}
			return STATUS_OK;
		}
		if (out->count == OVERRIDES_MAX) {
			return bad(reading, "too many overrides");
		}
		status = read_override(reading, reading->at, end,
				       &out->list[out->count]);
		if (status != STATUS_OK) {
			return status;
		}
		resolve(&out->list[out->count++], config);
		reading->at = end + 1;
	}
}

enum status overrides_load(struct overrides *out,
			   const struct config_route *config, const char *text,
			   size_t size, char error[OVERRIDES_ERROR_MAX])
{
	struct reading reading = {text, text + size, 0, error};
	struct overrides *loaded = calloc(1, sizeof(*loaded));
	enum status status;

	if (loaded == NULL) {
		snprintf(error, OVERRIDES_ERROR_MAX, "%s",
			 status_text(STATUS_NO_MEMORY));
		return STATUS_NO_MEMORY;
	}
	status = read_lines(&reading, loaded, config);
	if (status == STATUS_OK) {
		*out = *loaded;
	}
	free(loaded);
	return status;
}

/* --- the file ------------------------------------------------------------- */

static enum status fail(char error[OVERRIDES_ERROR_MAX], const char *path,
			const char *what)
{
	int number = errno;

	snprintf(error, OVERRIDES_ERROR_MAX, "%.300s: %s: %s", path, what,
		 strerrordesc_np(number));
	return number == ENOENT ? STATUS_NOT_FOUND : status_from_errno(number);
}

enum status overrides_read_file(struct overrides *out,
				const struct config_route *config,
				const char *path,
				char error[OVERRIDES_ERROR_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char line[OVERRIDES_ERROR_MAX];
	enum status status;
	ssize_t got = 0;
	size_t size = 0;
	char *text;

	if (fd < 0) {
		return fail(error, path, "cannot be opened");
	}
	text = malloc(OVERRIDES_TEXT_MAX);
	while (text != NULL && size < OVERRIDES_TEXT_MAX &&
	       (got = read(fd, text + size, OVERRIDES_TEXT_MAX - size)) > 0) {
		size += (size_t)got;
	}
	if (text == NULL || got < 0) {
		if (text == NULL) {
			errno = ENOMEM;
		}
		status = fail(error, path, "cannot be read");
	} else {
		status = overrides_load(out, config, text, size, line);
		if (status != STATUS_OK) {
			snprintf(error, OVERRIDES_ERROR_MAX, "%.300s: %.150s",
				 path, line);
		}
	}
	free(text);
	close(fd);
	return status;
}

/* Its folder, so that the new name is on the disk, too. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL   ? strdup(".")
		       : slash == path ? strdup("/")
				       : strndup(path, (size_t)(slash - path));
	int fd = folder != NULL
			 ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
			 : -1;

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(folder);
}

enum status overrides_write_file(const char *path, const char *text,
				 size_t size, char error[OVERRIDES_ERROR_MAX])
{
	char *fresh = NULL;
	enum status status = STATUS_OK;
	size_t at = 0;
	int fd;

	if (asprintf(&fresh, "%s.new", path) < 0) {
		errno = ENOMEM;
		return fail(error, path, "cannot be written");
	}
	unlink(fresh); /* of a process that died meanwhile */
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		  0640);
	while (fd >= 0 && at < size) {
		ssize_t written = write(fd, text + at, size - at);

		if (written < 0 && errno == EINTR) {
			continue;
		}
		if (written < 0) {
			break;
		}
		at += (size_t)written;
	}
	if (fd < 0 || at < size || fsync(fd) != 0 || rename(fresh, path) != 0) {
		status = fail(error, path, "cannot be written");
		/* A folder that is missing is no file that is missing. */
		status = status == STATUS_NOT_FOUND ? STATUS_IO : status;
		unlink(fresh);
	} else {
		sync_folder(path);
	}
	if (fd >= 0) {
		close(fd);
	}
	free(fresh);
	return status;
}
