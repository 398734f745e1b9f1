/*
 * A real folder, a real loop, real files: every way in which operators and
 * their tools change a folder of zone files.
 */
#include "server/nameserver/zone_folder.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/zone/zone.h"
#include "lib/zone/zone_set.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PATIENCE_MS = 20000, /* a limit for a machine under load, not a time */
	QUIET_LOOKS_MS = 300,
};

static uv_loop_t loop;
static uv_timer_t tick;
static struct zone_set *set;
static struct zone_folder *folder;
static char root[64];
static bool is_ready;
static size_t ready_served;
static size_t ready_failed;
static bool is_stopped;
static struct zone_folder_result reloaded;
static int reloads;

static void on_ready(void *context, size_t served, size_t failed)
{
	(void)context;
	is_ready = true;
	ready_served = served;
	ready_failed = failed;
}

static void on_stopped(void *context)
{
	(void)context;
	is_stopped = true;
}

static void on_reloaded(const struct zone_folder_result *result, void *context)
{
	(void)context;
	reloaded = *result;
	reloads++;
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

/* --- the folder ----------------------------------------------------------- */

static const char *path_of(const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, 256, "%s/%s", root, name);
	return path;
}

static void write_text(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static const char *zone_text(unsigned serial)
{
	static char text[256];

	snprintf(text, sizeof(text),
		 "$TTL 60\n@ SOA ns h %u 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n",
		 serial);
	return text;
}

static void write_zone(const char *name, unsigned serial)
{
	write_text(name, zone_text(serial));
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* --- what is served ------------------------------------------------------- */

struct found {
	size_t count;
	enum zonemd_state zonemd;
	enum zone_state state;
	uint32_t serial;
	char source[256];
	char reason[256];
	unsigned long line;
};

static void take_info(const struct zone_folder_info *info, void *context)
{
	struct found *found = context;

	if (found->count++ > 0) {
		return;
	}
	found->state = info->state;
	found->zonemd = info->zonemd;
	found->serial = info->serial;
	snprintf(found->source, sizeof(found->source), "%.255s", info->source);
	if (info->error != NULL) {
		snprintf(found->reason, sizeof(found->reason), "%s",
			 info->error->reason);
		found->line = info->error->line;
	}
}

static struct found find(const char *name)
{
	struct dname_storage storage;
	struct found found = {0};

	ck_assert_int_eq(dname_load(&storage, name, strlen(name), dname_root),
			 0);
	zone_folder_walk(folder, dname_of(&storage), take_info, &found);
	return found;
}

/* Would SERVFAIL say that the data are bad, not that they are on their way? */
static bool has_failed(const char *name)
{
	struct dname_storage storage;
	const struct zone *zone;

	ck_assert_int_eq(dname_load(&storage, name, strlen(name), dname_root),
			 0);
	zone = zone_set_find(set, dname_of(&storage));
	return zone != NULL && zone_has_failed(zone);
}

/* The serial that a query would be answered from: -1 REFUSED, 0 SERVFAIL. */
static long answered(const char *name)
{
	struct dname_storage storage;
	const struct zone *zone;
	const struct zone_version *version;

	ck_assert_int_eq(dname_load(&storage, name, strlen(name), dname_root),
			 0);
	zone = zone_set_find(set, dname_of(&storage));
	if (zone == NULL) {
		return -1;
	}
	version = zone_current(zone);
	return version == NULL ? 0 : (long)zone_version_serial(version);
}

#define run_until(condition)                                              \
	do {                                                              \
		uint64_t end_ = clock_monotonic_ms() + PATIENCE_MS;       \
		while (!(condition) && clock_monotonic_ms() < end_) {     \
			uv_run(&loop, UV_RUN_ONCE);                       \
		}                                                         \
		ck_assert_msg((condition), "never came: %s", #condition); \
	} while (0)

static void run_for(unsigned ms)
{
	uint64_t end = clock_monotonic_ms() + ms;

	while (clock_monotonic_ms() < end) {
		uv_run(&loop, UV_RUN_ONCE);
	}
}

static void reload(const char *name, bool force)
{
	struct dname_storage storage;
	int before = reloads;

	if (name != NULL) {
		ck_assert_int_eq(
			dname_load(&storage, name, strlen(name), dname_root),
			0);
	}
	zone_folder_reload(folder, name != NULL ? dname_of(&storage) : NULL,
			   force, on_reloaded, NULL);
	run_until(reloads > before);
}

static void make_folder(void)
{
	strcpy(root, "/tmp/test_zone_folder.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static struct zonemd_rule rule;
static bool has_rule;

static void start(void)
{
	static struct dname_storage names[1];
	struct zone_folder_options options = {
		.loop = &loop,
		.path = root,
		.set = set,
		.ready = on_ready,
		.names = names,
		.name_count = 1,
		.rules = &rule,
		.rule_count = has_rule,
		.settle_ms = 20,
		.settle_max_ms = 100,
		.stable_ms = 300,
		.busy_ms = 500,
	};

	ck_assert_int_eq(dname_load(&names[0], "configured.", 11, NULL), 0);
	ck_assert_int_eq(zone_folder_start(&options, &folder), STATUS_OK);
	run_until(is_ready);
}

static void set_up(void)
{
	log_init("test", LOG_LEVEL_ERROR);
	is_ready = false;
	is_stopped = false;
	has_rule = false;
	uv_loop_init(&loop);
	uv_timer_init(&loop, &tick);
	uv_timer_start(&tick, on_tick, 5, 5);
	set = zone_set_new();
	make_folder();
}

static void tear_down(void)
{
	if (folder != NULL) {
		zone_folder_stop(folder, on_stopped, NULL);
		run_until(is_stopped);
		zone_folder_free(folder);
		folder = NULL;
	}
	ck_assert_uint_eq(zone_set_count(set), 0);
	zone_set_free(set);
	uv_close((uv_handle_t *)&tick, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- the tests ------------------------------------------------------------ */

START_TEST(good_and_bad_files_at_start_are_told_apart)
{
	write_zone("example.com.zone", 5);
	write_zone("root.zone", 6);
	write_text("bad.zone", "@ SOA ns h 1 1 1 1 1\n@ NS ns\n@ NOSUCH x\n");
	write_text("empty.zone", "");
	write_zone(".hidden.zone", 7);
	write_zone("notes.txt", 8);
	mkdir(path_of("sub"), 0755);
	write_zone("sub/below.zone", 9);
	start();
	ck_assert_uint_eq(ready_served, 3);
	ck_assert_uint_eq(ready_failed, 3); /* bad, empty, configured */
	ck_assert_int_eq(answered("example.com"), 5);
	ck_assert_int_eq(answered("elsewhere"), 6);
	ck_assert_int_eq(answered("below"), 9);
	/* Never the answer of the root above them. */
	ck_assert_int_eq(answered("bad"), 0);
	ck_assert_int_eq(answered("www.empty"), 0);
	ck_assert_int_eq(answered("configured"), 0);
	ck_assert(has_failed("bad"));
	ck_assert(has_failed("empty"));
	ck_assert(has_failed("configured"));
	ck_assert(!has_failed("example.com"));
	ck_assert_int_eq(find("bad").state, ZONE_STATE_FAILED);
	ck_assert_uint_eq(find("bad").line, 3);
	ck_assert_uint_eq(find("hidden").count, 0);
}
END_TEST

START_TEST(configured_zone_fails_when_its_file_goes_and_not_before)
{
	start();
	write_zone("configured.zone", 1);
	run_until(answered("configured") == 1);
	ck_assert(!has_failed("configured"));
	unlink(path_of("configured.zone"));
	run_until(answered("configured") == 0);
	ck_assert(has_failed("configured"));
}
END_TEST

START_TEST(file_added_changed_and_removed_is_noticed)
{
	start();
	write_zone("a.zone", 1);
	run_until(answered("a") == 1);
	write_zone("a.zone", 2); /* in place */
	run_until(answered("a") == 2);
	write_zone("a.new", 3);
	ck_assert_int_eq(rename(path_of("a.new"), path_of("a.zone")), 0);
	run_until(answered("a") == 3);
	unlink(path_of("a.zone"));
	run_until(answered("a") == -1);
	mkdir(path_of("deep"), 0755);
	mkdir(path_of("deep/er"), 0755);
	write_zone("deep/er/b.zone", 4);
	run_until(answered("b") == 4);
}
END_TEST

START_TEST(broken_file_leaves_what_is_served_until_mended)
{
	write_zone("a.zone", 1);
	start();
	write_text("a.zone", "$TTL 60\n@ SOA ns h 2 1 1 1 1\n@ FOO bar\n");
	run_until(find("a").reason[0] != '\0');
	ck_assert_int_eq(answered("a"), 1);
	ck_assert_int_eq(find("a").state, ZONE_STATE_SERVED);
	ck_assert_uint_eq(find("a").line, 3);
	reload(NULL, false);
	ck_assert_uint_ge(reloaded.errors, 1);
	ck_assert_int_eq(answered("a"), 1);
	write_zone("a.zone", 3);
	run_until(answered("a") == 3);
	ck_assert_str_eq(find("a").reason, "");
}
END_TEST

/* Digest computed by a script of its own. */
#define WITH_DIGEST                                                            \
	"$TTL 60\n@ SOA ns h 1 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n"             \
	"@ ZONEMD 1 1 1 "                                                      \
	"84268df46828aaca17f38546e9e3b9c6243bd72c92e2ff735d02eb6de21ddae7fbb9" \
	"8ff7517fb80e55c565c746750db4\n"

START_TEST(wrong_digest_leaves_what_is_served_until_mended)
{
	write_text("a.zone", WITH_DIGEST);
	start();
	ck_assert_int_eq(answered("a"), 1);
	ck_assert_int_eq(find("a").zonemd, ZONEMD_DIGEST);
	write_text("a.zone", WITH_DIGEST "new A 192.0.2.2\n");
	run_until(find("a").reason[0] != '\0');
	ck_assert_ptr_nonnull(strstr(find("a").reason, "ZONEMD"));
	ck_assert_uint_eq(find("a").line, 5);
	ck_assert_int_eq(answered("a"), 1);
	ck_assert_int_eq(find("a").state, ZONE_STATE_SERVED);
	ck_assert_int_eq(find("a").zonemd, ZONEMD_DIGEST);
	write_zone("a.zone", 3);
	run_until(answered("a") == 3);
	ck_assert_str_eq(find("a").reason, "");
	ck_assert_int_eq(find("a").zonemd, ZONEMD_NONE);
}
END_TEST

START_TEST(wrong_digest_is_served_where_it_is_ignored)
{
	ck_assert_int_eq(dname_load(&rule.name, "a.", 2, NULL), STATUS_OK);
	rule.policy = ZONEMD_POLICY_IGNORE;
	has_rule = true;
	write_text("a.zone", WITH_DIGEST "new A 192.0.2.2\n");
	write_text("b.zone", WITH_DIGEST "new A 192.0.2.2\n");
	start();
	ck_assert_int_eq(answered("a"), 1);
	ck_assert_int_eq(find("a").zonemd, ZONEMD_IGNORED);
	ck_assert_int_eq(answered("b"), 0);
	ck_assert_int_eq(find("b").state, ZONE_STATE_FAILED);
}
END_TEST

START_TEST(include_is_watched_and_may_come_late)
{
	char text[512];
	char other[] = "/tmp/test_zone_include.XXXXXX";
	char include[128];
	FILE *file;

	ck_assert_ptr_nonnull(mkdtemp(other));
	snprintf(include, sizeof(include), "%s/soa", other);
	snprintf(text, sizeof(text), "$INCLUDE %s\n", include);
	write_text("a.zone", text);
	start();
	ck_assert_int_eq(find("a").state, ZONE_STATE_FAILED);
	for (unsigned serial = 4; serial < 7; serial++) {
		file = fopen(include, "w");
		fputs(zone_text(serial), file);
		fclose(file);
		if (serial == 4) {
			/* Nothing was there to be watched. */
			reload(NULL, false);
		}
		run_until(answered("a") == (long)serial);
	}
	unlink(include);
	run_until(find("a").reason[0] != '\0');
	ck_assert_int_eq(answered("a"), 6);
	rmdir(other);
}
END_TEST

START_TEST(swapped_link_is_a_change)
{
	mkdir(path_of(".v1"), 0755);
	mkdir(path_of(".v2"), 0755);
	write_zone(".v1/a.zone", 1);
	write_zone(".v2/a.zone", 2);
	ck_assert_int_eq(symlink(".v1", path_of("..data")), 0);
	ck_assert_int_eq(symlink("..data/a.zone", path_of("a.zone")), 0);
	ck_assert_int_eq(symlink(".", path_of("loop")), 0);
	start();
	ck_assert_int_eq(answered("a"), 1);
	ck_assert_int_eq(symlink(".v2", path_of("..tmp")), 0);
	ck_assert_int_eq(rename(path_of("..tmp"), path_of("..data")), 0);
	run_until(answered("a") == 2);
	/* The target changes in place, in a folder that is not ours. */
	write_zone(".v2/a.zone", 3);
	run_until(answered("a") == 3);
}
END_TEST

START_TEST(file_open_for_writing_is_not_read)
{
	int fd;

	write_zone("a.zone", 1);
	start();
	fd = open(path_of("a.zone"), O_WRONLY | O_TRUNC);
	ck_assert_int_eq(write(fd, zone_text(2), 30), 30);
	run_for(QUIET_LOOKS_MS);
	ck_assert_int_eq(answered("a"), 1);
	ck_assert_int_eq(
		write(fd, zone_text(2) + 30, strlen(zone_text(2)) - 30),
		(ssize_t)strlen(zone_text(2)) - 30);
	/* Whole, but still open: a reload says so instead of reading it. */
	reload(NULL, false);
	ck_assert_uint_ge(reloaded.errors, 1);
	ck_assert_ptr_nonnull(strstr(find("a").reason, "open for writing"));
	ck_assert_int_eq(answered("a"), 1);
	close(fd);
	run_until(answered("a") == 2);
	ck_assert_str_eq(find("a").reason, "");
}
END_TEST

START_TEST(writer_at_start_does_not_hold_up_ready)
{
	int fd;

	write_zone("a.zone", 1);
	write_zone("b.zone", 2);
	fd = open(path_of("a.zone"), O_WRONLY);
	start();
	ck_assert_uint_eq(ready_served, 1);
	ck_assert_int_eq(answered("b"), 2);
	ck_assert_int_eq(answered("a"), 0);
	ck_assert_int_eq(find("a").state, ZONE_STATE_LOADING);
	close(fd);
	run_until(answered("a") == 1);
}
END_TEST

START_TEST(two_claims_at_start_serve_neither)
{
	write_text("one.zone",
		   "$ORIGIN same.\n$TTL 60\n"
		   "@ SOA ns h 1 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n");
	write_text("two.zone",
		   "$ORIGIN same.\n$TTL 60\n"
		   "@ SOA ns h 2 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n");
	start();
	ck_assert_int_eq(answered("same"), 0);
	ck_assert_uint_eq(find("same").count, 2);
	ck_assert_int_eq(find("same").state, ZONE_STATE_FAILED);
	ck_assert_uint_eq(find("one").count, 0);
	unlink(path_of("one.zone"));
	run_until(answered("same") == 2);
	ck_assert_uint_eq(find("same").count, 1);
}
END_TEST

START_TEST(second_claim_later_leaves_the_first_served)
{
	write_zone("same.zone", 1);
	start();
	write_text("other.zone",
		   "$ORIGIN same.\n$TTL 60\n"
		   "@ SOA ns h 2 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n");
	run_until(find("same").count == 2);
	ck_assert_int_eq(answered("same"), 1);
	ck_assert_int_eq(find("same").state, ZONE_STATE_SERVED);
	reload(NULL, false);
	ck_assert_int_eq(answered("same"), 1);
	/* The owner goes: no moment without the zone. */
	unlink(path_of("same.zone"));
	{
		uint64_t end = clock_monotonic_ms() + PATIENCE_MS;

		while (answered("same") != 2 && clock_monotonic_ms() < end) {
			ck_assert_int_ge(answered("same"), 1);
			uv_run(&loop, UV_RUN_ONCE);
		}
	}
	ck_assert_int_eq(answered("same"), 2);
}
END_TEST

START_TEST(moved_file_is_served_throughout)
{
	uint64_t end = clock_monotonic_ms() + PATIENCE_MS;

	mkdir(path_of("sub"), 0755);
	write_zone("a.zone", 1);
	start();
	rename(path_of("a.zone"), path_of("sub/a.zone"));
	while (strstr(find("a").source, "/sub/") == NULL &&
	       clock_monotonic_ms() < end) {
		ck_assert_int_eq(answered("a"), 1);
		uv_run(&loop, UV_RUN_ONCE);
	}
	ck_assert_ptr_nonnull(strstr(find("a").source, "/sub/"));
	run_for(QUIET_LOOKS_MS);
	ck_assert_int_eq(answered("a"), 1);
	ck_assert_uint_eq(find("a").count, 1);
}
END_TEST

START_TEST(zone_that_changes_its_name_moves)
{
	write_zone("a.zone", 1);
	start();
	write_text("a.zone", "$ORIGIN b.\n$TTL 60\n"
			     "@ SOA ns h 2 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n");
	run_until(answered("b") == 2);
	ck_assert_int_eq(answered("a"), -1);
}
END_TEST

static void write_many(unsigned from, unsigned to)
{
	char name[64];

	for (unsigned i = from; i < to; i++) {
		snprintf(name, sizeof(name), "z%u.zone", i);
		write_zone(name, i + 1);
	}
}

static void remove_many(unsigned from, unsigned to)
{
	char name[64];

	for (unsigned i = from; i < to; i++) {
		snprintf(name, sizeof(name), "z%u.zone", i);
		unlink(path_of(name));
	}
}

START_TEST(half_lost_is_kept_until_forced)
{
	write_many(0, 10);
	start();
	remove_many(0, 6);
	run_until(zone_folder_trouble(folder) != NULL);
	for (unsigned i = 0; i < 6; i++) {
		char name[16];

		snprintf(name, sizeof(name), "z%u", i);
		ck_assert_int_eq(answered(name), i + 1);
	}
	reload(NULL, false);
	ck_assert_int_ne(reloaded.status, STATUS_OK);
	ck_assert_int_eq(answered("z0"), 1);
	write_zone("z0.zone", 100); /* one is back */
	run_until(answered("z0") == 100);
	ck_assert_int_eq(answered("z1"), 2);
	reload(NULL, true);
	ck_assert_int_eq(reloaded.status, STATUS_OK);
	ck_assert_int_eq(answered("z1"), -1);
	ck_assert_int_eq(answered("z0"), 100);
	ck_assert_ptr_null(zone_folder_trouble(folder));
	/* Half and less is believed. */
	remove_many(7, 8);
	run_until(answered("z7") == -1);
}
END_TEST

START_TEST(folder_gone_is_kept_until_it_is_back)
{
	char away[80];

	write_many(0, 3);
	start();
	snprintf(away, sizeof(away), "%s.away", root);
	ck_assert_int_eq(rename(root, away), 0);
	run_until(zone_folder_trouble(folder) != NULL);
	ck_assert_int_eq(answered("z1"), 2);
	ck_assert_int_eq(rename(away, root), 0);
	run_until(zone_folder_trouble(folder) == NULL);
	write_zone("z1.zone", 50);
	run_until(answered("z1") == 50);
	ck_assert_int_eq(rename(root, away), 0);
	run_until(zone_folder_trouble(folder) != NULL);
	reload(NULL, true);
	ck_assert_int_eq(answered("z1"), -1);
	ck_assert_int_eq(rename(away, root), 0);
	run_until(answered("z1") == 50);
}
END_TEST

START_TEST(reload_of_one_zone_says_how_it_ended)
{
	write_zone("a.zone", 1);
	start();
	reload("a", false);
	ck_assert_int_eq(reloaded.status, STATUS_OK);
	ck_assert_uint_eq(reloaded.loaded, 1);
	ck_assert_uint_eq(reloaded.errors, 0);
	reload("nowhere", false);
	ck_assert_int_eq(reloaded.status, STATUS_NOT_FOUND);
	write_text("a.zone", "garbage\n");
	reload("a", false);
	ck_assert_int_eq(reloaded.status, STATUS_OK);
	ck_assert_uint_eq(reloaded.errors, 1);
	ck_assert_str_ne(reloaded.text, "");
	ck_assert_int_eq(answered("a"), 1);
}
END_TEST

START_TEST(garbage_and_odd_names_harm_nothing)
{
	FILE *file;
	char text[512];

	memset(text, 'a', sizeof(text));
	memcpy(text + 300, ".zone", 6);
	write_zone("good.zone", 1);
	write_zone("a..b.zone", 1);
	write_zone("\xff\x01.zone", 1);
	file = fopen(path_of("bytes.zone"), "w");
	for (unsigned i = 0; i < 100000; i++) {
		fputc((int)(i * 2654435761u >> 13) & 255, file);
	}
	fclose(file);
	mkfifo(path_of("fifo.zone"), 0644);
	mkdir(path_of("folder.zone"), 0755);
	ck_assert_int_eq(symlink("nowhere", path_of("dangling.zone")), 0);
	start();
	ck_assert_int_eq(answered("good"), 1);
	ck_assert_int_eq(find("bytes").state, ZONE_STATE_FAILED);
}
END_TEST

START_TEST(name_of_no_readable_file_is_not_left_to_the_parent)
{
	static const char *const names[] = {"fifo", "dangling", "loop"};

	write_zone("root.zone", 1);
	ck_assert_int_eq(mkfifo(path_of("fifo.zone"), 0644), 0);
	ck_assert_int_eq(symlink("nowhere", path_of("dangling.zone")), 0);
	ck_assert_int_eq(symlink("loop.zone", path_of("loop.zone")), 0);
	start();
	ck_assert_int_eq(answered("elsewhere"), 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert_int_eq(find(names[i]).state, ZONE_STATE_FAILED);
		ck_assert_int_eq(answered(names[i]), 0);
	}
	/* What it leads to comes: that is a change. */
	write_zone("nowhere", 2);
	run_until(answered("dangling") == 2);
	/* It goes again: the version served stays. */
	unlink(path_of("nowhere"));
	run_until(find("dangling").reason[0] != '\0');
	ck_assert_int_eq(answered("dangling"), 2);
	unlink(path_of("dangling.zone"));
	run_until(answered("dangling") == 1);
}
END_TEST

START_TEST(unreadable_folder_is_refused_at_start)
{
	struct zone_folder_options options = {
		.loop = &loop,
		.path = "/nonexistent/folder",
		.set = set,
	};
	struct zone_folder *none = NULL;

	log_init("test", LOG_LEVEL_ERROR - 1);
	ck_assert_int_ne(zone_folder_start(&options, &none), STATUS_OK);
	ck_assert_ptr_null(none);
}
END_TEST

START_TEST(many_zones_are_loaded_and_looked_at_again)
{
	uint64_t began;

	write_many(0, 2000);
	began = clock_monotonic_ms();
	start();
	printf("2,000 zones: ready after %llu ms\n",
	       (unsigned long long)(clock_monotonic_ms() - began));
	ck_assert_uint_eq(ready_served, 2000);
	ck_assert_int_eq(answered("z1999"), 2000);
	began = clock_monotonic_ms();
	reload(NULL, false);
	printf("unchanged: looked at in %llu ms\n",
	       (unsigned long long)(clock_monotonic_ms() - began));
	ck_assert_uint_eq(reloaded.loaded, 0);
	write_zone("z1000.zone", 77777);
	run_until(answered("z1000") == 77777);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zone_folder");
	TCase *tests = tcase_create("folder");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, good_and_bad_files_at_start_are_told_apart);
	tcase_add_test(tests,
		       configured_zone_fails_when_its_file_goes_and_not_before);
	tcase_add_test(tests, file_added_changed_and_removed_is_noticed);
	tcase_add_test(tests, broken_file_leaves_what_is_served_until_mended);
	tcase_add_test(tests, wrong_digest_leaves_what_is_served_until_mended);
	tcase_add_test(tests, wrong_digest_is_served_where_it_is_ignored);
	tcase_add_test(tests, include_is_watched_and_may_come_late);
	tcase_add_test(tests, swapped_link_is_a_change);
	tcase_add_test(tests, file_open_for_writing_is_not_read);
	tcase_add_test(tests, writer_at_start_does_not_hold_up_ready);
	tcase_add_test(tests, two_claims_at_start_serve_neither);
	tcase_add_test(tests, second_claim_later_leaves_the_first_served);
	tcase_add_test(tests, moved_file_is_served_throughout);
	tcase_add_test(tests, zone_that_changes_its_name_moves);
	tcase_add_test(tests, half_lost_is_kept_until_forced);
	tcase_add_test(tests, folder_gone_is_kept_until_it_is_back);
	tcase_add_test(tests, reload_of_one_zone_says_how_it_ended);
	tcase_add_test(tests, garbage_and_odd_names_harm_nothing);
	tcase_add_test(tests,
		       name_of_no_readable_file_is_not_left_to_the_parent);
	tcase_add_test(tests, unreadable_folder_is_refused_at_start);
	tcase_add_test(tests, many_zones_are_loaded_and_looked_at_again);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
