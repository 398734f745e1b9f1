#include "lib/zone/cells.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct cells *cells;

static void setup(void)
{
	cells = cells_new();
}

static void teardown(void)
{
	cells_free(cells);
}

static struct cells_stats stats(void)
{
	struct cells_stats out;

	cells_stats_get(cells, &out);
	return out;
}

static uint32_t make(size_t size, uint8_t fill)
{
	uint32_t ref;
	void *object = cells_alloc(cells, CELLS_DATA, size, &ref);

	ck_assert_ptr_nonnull(object);
	memset(object, fill, size);
	return ref;
}

static const uint8_t *at(uint32_t ref)
{
	return cells_at(cells_chunks(cells), ref);
}

static struct cells_garbage *commit(struct cells_garbage **made)
{
	struct cells_garbage *garbage;
	struct cells_garbage *own;

	ck_assert_int_eq(cells_commit(cells, &garbage, &own), STATUS_OK);
	if (made != NULL) {
		*made = own;
	} else {
		free(own);
	}
	return garbage;
}

START_TEST(reference_zero_is_never_given)
{
	cells_begin(cells);
	ck_assert_uint_ne(make(8, 1), 0);
	cells_abort(cells);
	cells_begin(cells);
	ck_assert_uint_ne(make(8, 1), 0);
	cells_abort(cells);
	ck_assert_uint_eq(stats().mapped, 0);
}
END_TEST

START_TEST(objects_of_every_size_keep_their_octets)
{
	enum {
		OBJECTS = 3000
	};
	uint32_t refs[OBJECTS];

	cells_begin(cells);
	for (unsigned i = 0; i < OBJECTS; i++) {
		size_t size = i % 500 == 0 ? CELLS_OBJECT_MAX - i : 1 + i % 700;

		refs[i] = make(size, (uint8_t)i);
	}
	for (unsigned i = 0; i < OBJECTS; i++) {
		size_t size = i % 500 == 0 ? CELLS_OBJECT_MAX - i : 1 + i % 700;

		ck_assert_uint_eq(at(refs[i])[0], i & 255);
		ck_assert_uint_eq(at(refs[i])[size - 1], i & 255);
	}
	free(commit(NULL));
}
END_TEST

START_TEST(only_the_transaction_that_made_it_may_change_it)
{
	uint32_t before;
	uint32_t after;

	cells_begin(cells);
	before = make(16, 1);
	ck_assert(cells_is_mutable(cells, before));
	free(commit(NULL));
	cells_begin(cells);
	after = make(16, 2);
	ck_assert(!cells_is_mutable(cells, before));
	ck_assert(cells_is_mutable(cells, after));
	cells_abort(cells);
}
END_TEST

START_TEST(abort_leaves_everything_as_it_was)
{
	struct cells_stats before;
	uint32_t ref;

	cells_begin(cells);
	ref = make(64, 7);
	free(commit(NULL));
	before = stats();
	cells_begin(cells);
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t lost = make(1000, 9);

		if (i % 2 == 0) {
			cells_drop(cells, lost, 1000);
		}
	}
	cells_drop(cells, ref, 64);
	cells_abort(cells);
	ck_assert_uint_eq(stats().mapped, before.mapped);
	ck_assert_uint_eq(stats().live, before.live);
	ck_assert_uint_eq(stats().dead, before.dead);
	ck_assert_uint_eq(at(ref)[63], 7);
}
END_TEST

START_TEST(dead_chunks_go_back_when_garbage_retires)
{
	enum {
		OBJECTS = 1000,
		SIZE = 1024
	};
	uint32_t refs[OBJECTS];
	struct cells_garbage *garbage;
	size_t full;

	cells_begin(cells);
	for (unsigned i = 0; i < OBJECTS; i++) {
		refs[i] = make(SIZE, 1);
	}
	free(commit(NULL));
	full = stats().mapped;
	ck_assert_uint_ge(full, OBJECTS * SIZE);
	cells_begin(cells);
	for (unsigned i = 0; i < OBJECTS; i++) {
		cells_drop(cells, refs[i], SIZE);
	}
	garbage = commit(NULL);
	ck_assert_uint_eq(stats().mapped, full);
	ck_assert_uint_eq(stats().waiting, OBJECTS * SIZE);
	ck_assert_uint_eq(stats().live, 0);
	cells_retire(cells, garbage);
	ck_assert_uint_eq(stats().waiting, 0);
	/* The open chunk stays. */
	ck_assert_uint_eq(stats().mapped, CHUNK_SIZE);
}
END_TEST

START_TEST(undone_commit_leaves_what_it_dropped)
{
	struct cells_garbage *garbage;
	struct cells_garbage *made;
	size_t live;
	uint32_t ref;
	uint32_t lost;

	cells_begin(cells);
	ref = make(800, 5);
	free(commit(NULL));
	live = stats().live;
	cells_begin(cells);
	make(8000, 6);
	lost = make(80, 6);
	cells_drop(cells, lost, 80);
	cells_drop(cells, ref, 800);
	garbage = commit(&made);
	ck_assert_uint_eq(stats().live, 8000);
	cells_undo(cells, garbage, made);
	ck_assert_uint_eq(stats().live, live);
	ck_assert_uint_eq(stats().waiting, 0);
	ck_assert_uint_eq(at(ref)[799], 5);
}
END_TEST

/* Octets of this process that are in memory. */
static size_t resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long all, here;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%lu %lu", &all, &here), 2);
	fclose(file);
	return here * (size_t)sysconf(_SC_PAGESIZE);
}

START_TEST(small_zones_take_little_memory)
{
	enum {
		ZONES = 128,
		MOST = 48 << 10 /* octets a zone */
	};
	struct cells *zones[ZONES];
	struct cells *own = cells;
	size_t before = resident();

	for (int i = 0; i < ZONES; i++) {
		uint32_t ref;

		cells = zones[i] = cells_new();
		cells_begin(cells);
		make(500, 1);
		ck_assert_ptr_nonnull(memset(
			cells_alloc(cells, CELLS_TRIE, 500, &ref), 1, 500));
		free(commit(NULL));
	}
	ck_assert_uint_lt(resident() - before, (size_t)ZONES * MOST);
	for (int i = 0; i < ZONES; i++) {
		cells_free(zones[i]);
	}
	cells = own;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cells");
	TCase *tcase = tcase_create("cells");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, reference_zero_is_never_given);
	tcase_add_test(tcase, objects_of_every_size_keep_their_octets);
	tcase_add_test(tcase, only_the_transaction_that_made_it_may_change_it);
	tcase_add_test(tcase, abort_leaves_everything_as_it_was);
	tcase_add_test(tcase, dead_chunks_go_back_when_garbage_retires);
	tcase_add_test(tcase, undone_commit_leaves_what_it_dropped);
	tcase_add_test(tcase, small_zones_take_little_memory);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
