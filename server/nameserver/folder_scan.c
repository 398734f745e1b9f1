/*
 * folder_scan.c - one look at the zone folder.
 *
 * The walk keeps a list of folders to read instead of recursing: real folders
 * first, links to folders after all of those, each only once by device and
 * inode. So loops end, and a file that can be reached by its real path is found
 * by that path, whatever links there are.
 *
 * Watches: every folder read, with all its events; and, for each symbolic link
 * and $INCLUDE on the way, the folder that its target stands in, with the one
 * name that matters there, so that a busy /tmp beside a target costs nothing.
 * Links in the middle of a path are not followed hop by hop: a swap there is
 * found by the look once a minute.
 *
 * Rejected: fanotify (root only); a table of paths below each watch, kept in
 * step with events (every overflow and rename makes it wrong; a look is 20 ms
 * for 10,000 files).
 */
#include "server/nameserver/folder_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static const uint32_t watch_mask =
	IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE |
	IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

static const char zone_ending[] = ".zone";

void folder_state_from_stat(struct folder_state *out, const struct stat *st)
{
	*out = (struct folder_state){
		.exists = true,
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = st->st_size,
		.modified = st->st_mtim,
		.changed = st->st_ctim,
	};
}

void folder_state_get(struct folder_state *out, const char *path)
{
	struct stat st;

	/* A link to nothing has a state too: its own. */
	if (stat(path, &st) == 0 || lstat(path, &st) == 0) {
		folder_state_from_stat(out, &st);
	} else {
		*out = (struct folder_state){0};
	}
}

static bool time_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool folder_state_equal(const struct folder_state *a,
			const struct folder_state *b)
{
	return a->exists == b->exists && a->device == b->device &&
	       a->inode == b->inode && a->size == b->size &&
	       time_equal(&a->modified, &b->modified) &&
	       time_equal(&a->changed, &b->changed);
}

/* --- arrays that grow ----------------------------------------------------- */

/* Room for one more element; arrays grow by doubling from a power of two. */
static bool grow(void **array, size_t count, size_t element)
{
	void *larger;

	if ((count & (count - 1)) != 0) {
		return true;
	}
	larger = reallocarray(*array, count == 0 ? 1 : count * 2, element);
	if (larger == NULL) {
		return false;
	}
	*array = larger;
	return true;
}

static enum status add_entry(struct folder_scan_entry **entries, size_t *count,
			     const char *path, const struct folder_state *state)
{
	void *array = *entries;
	char *copy = strdup(path);

	if (copy == NULL || !grow(&array, *count, sizeof(**entries))) {
		free(copy);
		return STATUS_NO_MEMORY;
	}
	*entries = array;
	(*entries)[(*count)++] = (struct folder_scan_entry){copy, *state};
	return STATUS_OK;
}

enum status folder_scan_add_extra(struct folder_scan *scan, const char *path)
{
	static const struct folder_state absent;

	return add_entry(&scan->extras, &scan->extra_count, path, &absent);
}

static enum status add_failure(struct folder_scan *scan, const char *path,
			       int error)
{
	void *array = scan->failures;
	char *copy;

	if (scan->failure_count == FOLDER_SCAN_FAILURES_MAX) {
		/* So many that nothing below the root can be called gone. */
		scan->is_cut = true;
		return STATUS_OK;
	}
	copy = strdup(path);
	if (copy == NULL ||
	    !grow(&array, scan->failure_count, sizeof(*scan->failures))) {
		free(copy);
		return STATUS_NO_MEMORY;
	}
	scan->failures = array;
	scan->failures[scan->failure_count++] =
		(struct folder_scan_failure){copy, error};
	return STATUS_OK;
}

/* --- watching ------------------------------------------------------------- */

static enum status add_watch(struct folder_scan *scan, const char *folder,
			     const char *name)
{
	void *array = scan->watches;
	char *copy = NULL;
	int wd;

	if (scan->inotify < 0) {
		return STATUS_OK;
	}
	wd = inotify_add_watch(scan->inotify, folder, watch_mask);
	if (wd < 0) {
		if (errno != ENOENT && errno != ENOTDIR && errno != EACCES &&
		    scan->watch_error == 0) {
			scan->watch_error = errno;
		}
		return STATUS_OK;
	}
	if (name != NULL && (copy = strdup(name)) == NULL) {
		return STATUS_NO_MEMORY;
	}
	if (!grow(&array, scan->watch_count, sizeof(*scan->watches))) {
		free(copy);
		return STATUS_NO_MEMORY;
	}
	scan->watches = array;
	scan->watches[scan->watch_count++] =
		(struct folder_scan_watch){wd, copy};
	return STATUS_OK;
}

/* The folder that path stands in (to out), and its name there. */
static const char *split(const char *path, char out[PATH_MAX])
{
	size_t length = strlen(path);
	const char *name;

	while (length > 1 && path[length - 1] == '/') {
		length--;
	}
	if (length >= PATH_MAX) {
		return NULL;
	}
	memcpy(out, path, length);
	out[length] = '\0';
	name = strrchr(out, '/');
	if (name == NULL) {
		strcpy(out, ".");
		return path;
	}
	name = path + (name - out) + 1;
	out[name - path - 1 > 0 ? name - path - 1 : 1] = '\0';
	return *name != '\0' && *name != '/' ? name : NULL;
}

/*
 * Watch what path, and each link that it leads to, is called where it stands.
 */
static enum status watch_way(struct folder_scan *scan, const char *path)
{
	char current[PATH_MAX];
	char folder[PATH_MAX];
	char target[PATH_MAX];
	enum status status = STATUS_OK;

	if (scan->inotify < 0 || strlen(path) >= sizeof(current)) {
		return STATUS_OK;
	}
	strcpy(current, path);
	for (int hop = 0; status == STATUS_OK && hop < FOLDER_SCAN_LINKS;
	     hop++) {
		const char *name = split(current, folder);
		char last[NAME_MAX + 2];
		ssize_t length;

		if (name == NULL || strlen(name) >= sizeof(last)) {
			break;
		}
		strcpy(last, name);
		last[strcspn(last, "/")] = '\0';
		status = add_watch(scan, folder, last);
		length = readlink(current, target, sizeof(target) - 1);
		if (length <= 0) {
			break; /* no link: the way ends here */
		}
		target[length] = '\0';
		if (target[0] == '/') {
			strcpy(current, target);
		} else {
			size_t before = strlen(folder);

			if (before + 1 + (size_t)length >= sizeof(current)) {
				break;
			}
			memcpy(current, folder, before);
			current[before] = '/';
			strcpy(current + before + 1, target);
		}
	}
	return status;
}

static int compare_watches(const void *left, const void *right)
{
	const struct folder_scan_watch *a = left;
	const struct folder_scan_watch *b = right;

	if (a->wd != b->wd) {
		return a->wd < b->wd ? -1 : 1;
	}
	if (a->name == NULL || b->name == NULL) {
		return (a->name != NULL) - (b->name != NULL);
	}
	return strcmp(a->name, b->name);
}

/* The first watch of that descriptor, or count. */
static size_t first_watch(const struct folder_scan_watch *watches, size_t count,
			  int wd)
{
	size_t low = 0;
	size_t high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (watches[middle].wd < wd) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

bool folder_scan_has_watch(const struct folder_scan_watch *watches,
			   size_t count, int wd)
{
	size_t at = first_watch(watches, count, wd);

	return at < count && watches[at].wd == wd;
}

bool folder_scan_matches(const struct folder_scan_watch *watches, size_t count,
			 int wd, const char *name)
{
	struct folder_scan_watch wanted = {wd, NULL};
	size_t at = first_watch(watches, count, wd);
	char copy[NAME_MAX + 1];

	if (at == count || watches[at].wd != wd) {
		return false;
	}
	if (name == NULL || watches[at].name == NULL) {
		return true;
	}
	if (strlen(name) >= sizeof(copy)) {
		return true;
	}
	wanted.name = strcpy(copy, name);
	return bsearch(&wanted, watches, count, sizeof(*watches),
		       compare_watches) != NULL;
}

/* --- walking -------------------------------------------------------------- */

struct folder {
	char *path;
	unsigned depth;
};

struct folder_list {
	struct folder *items;
	size_t count;
	size_t next;
};

struct seen {
	dev_t device;
	ino_t inode;
};

struct walk {
	struct folder_scan *scan;
	struct folder_list real;
	struct folder_list links;
	struct seen *seen; /* folders read; a table with open addressing */
	size_t seen_count;
	size_t seen_size; /* a power of two, or 0 */
	size_t looked;
};

static size_t seen_slot(const struct seen *table, size_t size, dev_t device,
			ino_t inode)
{
	uint64_t key = ((uint64_t)inode * 31 + (uint64_t)device) *
		       UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(key >> 32) & (size - 1);

	while (table[at].inode != 0 &&
	       (table[at].inode != inode || table[at].device != device)) {
		at = (at + 1) & (size - 1);
	}
	return at;
}

/* Note a folder; *is_new is false where it was there. */
static enum status see(struct walk *walk, const struct stat *st, bool *is_new)
{
	size_t at;

	if (walk->seen_count * 2 >= walk->seen_size) {
		size_t size = walk->seen_size ? walk->seen_size * 2 : 64;
		struct seen *table = calloc(size, sizeof(*table));

		if (table == NULL) {
			return STATUS_NO_MEMORY;
		}
		for (size_t i = 0; i < walk->seen_size; i++) {
			if (walk->seen[i].inode != 0) {
				table[seen_slot(
					table, size, walk->seen[i].device,
					walk->seen[i].inode)] = walk->seen[i];
			}
		}
		free(walk->seen);
		walk->seen = table;
		walk->seen_size = size;
	}
	at = seen_slot(walk->seen, walk->seen_size, st->st_dev, st->st_ino);
	*is_new = walk->seen[at].inode == 0;
	if (*is_new) {
		walk->seen[at] = (struct seen){st->st_dev, st->st_ino};
		walk->seen_count++;
	}
	return STATUS_OK;
}

static enum status push(struct folder_list *list, const char *path,
			unsigned depth)
{
	void *array = list->items;
	char *copy = strdup(path);

	if (copy == NULL || !grow(&array, list->count, sizeof(*list->items))) {
		free(copy);
		return STATUS_NO_MEMORY;
	}
	list->items = array;
	list->items[list->count++] = (struct folder){copy, depth};
	return STATUS_OK;
}

static bool is_zone_name(const char *name)
{
	size_t length = strlen(name);
	size_t ending = sizeof(zone_ending) - 1;

	return length > ending &&
	       strcmp(name + length - ending, zone_ending) == 0;
}

/* One name in a folder. path is the whole path. */
static enum status look_at(struct walk *walk, const char *path,
			   const char *name, unsigned char type, unsigned depth)
{
	struct folder_scan *scan = walk->scan;
	struct folder_state state;
	enum status status = STATUS_OK;
	struct stat st;
	bool is_link = type == DT_LNK;

	if (type == DT_REG && !is_zone_name(name)) {
		return STATUS_OK;
	}
	if (type == DT_UNKNOWN) {
		is_link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
	}
	if (is_link && is_zone_name(name)) {
		/* Also where the target is away: it may come. */
		status = watch_way(scan, path);
	}
	if (status != STATUS_OK) {
		return status;
	}
	if (stat(path, &st) != 0) {
		if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
			return add_failure(scan, path, errno);
		}
		/*
		 * Away between reading and looking, or a link to nothing. Such
		 * a link still names a zone, which must not be answered from
		 * its parent; reading it says what is wrong.
		 */
		if (!is_link || !is_zone_name(name) || lstat(path, &st) != 0) {
			return STATUS_OK;
		}
	}
	if (S_ISDIR(st.st_mode)) {
		if (depth >= FOLDER_SCAN_DEPTH) {
			return add_failure(scan, path, ELOOP);
		}
		if (is_link) {
			status = watch_way(scan, path);
		}
		if (status == STATUS_OK) {
			status = push(is_link ? &walk->links : &walk->real,
				      path, depth + 1);
		}
		return status;
	}
	/* One that is no regular file names a zone as well: it fails. */
	if (!is_zone_name(name)) {
		return STATUS_OK;
	}
	folder_state_from_stat(&state, &st);
	return add_entry(&scan->entries, &scan->entry_count, path, &state);
}

static enum status read_folder(struct walk *walk, const struct folder *folder)
{
	struct folder_scan *scan = walk->scan;
	enum status status;
	struct dirent *entry;
	struct stat st;
	char path[PATH_MAX];
	size_t length = strlen(folder->path);
	bool is_new = false;
	DIR *directory;
	int error = 0;

	status = add_watch(scan, folder->path, NULL);
	if (status != STATUS_OK) {
		return status;
	}
	directory = opendir(folder->path);
	if (directory == NULL) {
		error = errno;
		if (folder->depth == 0) {
			scan->error = error;
			return STATUS_OK;
		}
		return error == ENOENT ? STATUS_OK
				       : add_failure(scan, folder->path, error);
	}
	if (fstat(dirfd(directory), &st) != 0) {
		error = errno;
		goto out;
	}
	status = see(walk, &st, &is_new);
	if (status != STATUS_OK || !is_new) {
		goto out;
	}
	while (status == STATUS_OK) {
		size_t name;

		errno = 0;
		entry = readdir(directory);
		if (entry == NULL) {
			error = errno;
			break;
		}
		if (entry->d_name[0] == '.') {
			continue;
		}
		if (++walk->looked > FOLDER_SCAN_ENTRIES) {
			scan->is_cut = true;
			break;
		}
		name = strlen(entry->d_name);
		if (length + 1 + name >= sizeof(path)) {
			status = add_failure(scan, folder->path, ENAMETOOLONG);
			continue;
		}
		memcpy(path, folder->path, length);
		path[length] = '/';
		memcpy(path + length + 1, entry->d_name, name + 1);
		status = look_at(walk, path, entry->d_name, entry->d_type,
				 folder->depth);
	}
out:
	closedir(directory);
	if (status == STATUS_OK && error != 0) {
		if (folder->depth == 0) {
			scan->error = error;
		} else {
			status = add_failure(scan, folder->path, error);
		}
	}
	return status;
}

static int compare_entries(const void *left, const void *right)
{
	const struct folder_scan_entry *a = left;
	const struct folder_scan_entry *b = right;

	return strcmp(a->path, b->path);
}

static void free_list(struct folder_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].path);
	}
	free(list->items);
}

enum status folder_scan_run(struct folder_scan *scan)
{
	struct walk walk = {.scan = scan};
	enum status status = watch_way(scan, scan->root);

	if (status == STATUS_OK) {
		status = push(&walk.real, scan->root, 0);
	}
	while (status == STATUS_OK && scan->error == 0) {
		struct folder_list *list = &walk.real;
		struct folder folder;

		if (list->next == list->count) {
			list = &walk.links;
		}
		if (list->next == list->count) {
			break;
		}
		folder = list->items[list->next++];
		status = read_folder(&walk, &folder);
	}
	for (size_t i = 0; status == STATUS_OK && i < scan->extra_count; i++) {
		status = watch_way(scan, scan->extras[i].path);
		folder_state_get(&scan->extras[i].state, scan->extras[i].path);
	}
	if (scan->entry_count > 0) {
		qsort(scan->entries, scan->entry_count, sizeof(*scan->entries),
		      compare_entries);
	}
	if (scan->extra_count > 0) {
		qsort(scan->extras, scan->extra_count, sizeof(*scan->extras),
		      compare_entries);
	}
	if (scan->watch_count > 0) {
		qsort(scan->watches, scan->watch_count, sizeof(*scan->watches),
		      compare_watches);
	}
	free_list(&walk.real);
	free_list(&walk.links);
	free(walk.seen);
	return status;
}

const struct folder_scan_entry *
folder_scan_find_extra(const struct folder_scan *scan, const char *path)
{
	size_t low = 0;
	size_t high = scan->extra_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(scan->extras[middle].path, path);

		if (order == 0) {
			return &scan->extras[middle];
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NULL;
}

static void free_entries(struct folder_scan_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(entries[i].path);
	}
	free(entries);
}

void folder_scan_fini(struct folder_scan *scan)
{
	free_entries(scan->entries, scan->entry_count);
	free_entries(scan->extras, scan->extra_count);
	for (size_t i = 0; i < scan->failure_count; i++) {
		free(scan->failures[i].path);
	}
	free(scan->failures);
	for (size_t i = 0; i < scan->watch_count; i++) {
		free(scan->watches[i].name);
	}
	free(scan->watches);
	*scan = (struct folder_scan){.inotify = -1};
}

/* --- writers -------------------------------------------------------------- */

enum folder_writers folder_writers_find(int fd)
{
	/*
	 * A process that opens the file for writing while the lease is held
	 * has it broken: the kernel then sends SIGIO, whose default is death.
	 * SIGURG's is nothing.
	 */
	if (fcntl(fd, F_SETSIG, SIGURG) != 0) {
		return FOLDER_WRITERS_UNKNOWN;
	}
	if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0) {
		return errno == EAGAIN ? FOLDER_WRITERS_SOME
				       : FOLDER_WRITERS_UNKNOWN;
	}
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return FOLDER_WRITERS_NONE;
}
