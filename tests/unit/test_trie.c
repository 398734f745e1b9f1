/*
 * test_trie.c - the trie against a sorted array of the same names.
 */
#include "lib/zone/trie.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum {
	MODEL_MAX = 400,
};

/* What is in the trie, in canonical order. */
struct model {
	size_t count;
	struct {
		struct dname_storage name;
		bool is_marked;
	} item[MODEL_MAX];
};

static uint64_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

/* Few octets and few labels, so that names meet; any octet now and then. */
static void draw_name(struct dname_storage *out)
{
	static const char common[] = "abAB*-_0z\x00\xff.[`{";
	struct dname *name = dname_of(out);
	unsigned labels = draw(5);

	name->length = 0;
	name->labels = (uint8_t)labels;
	for (unsigned i = 0; i < labels; i++) {
		unsigned size = draw(40) == 0 ? 1 + draw(62) : 1 + draw(2);

		name->octets[name->length++] = (uint8_t)size;
		for (unsigned k = 0; k < size; k++) {
			name->octets[name->length++] =
				draw(30) == 0 ? (uint8_t)draw(256)
					      : (uint8_t)common[draw(
							sizeof(common) - 1)];
		}
	}
	name->octets[name->length++] = 0;
}

/* The first item that is not before name. */
static size_t model_place(const struct model *model, const struct dname *name)
{
	size_t at = 0;

	while (at < model->count &&
	       dname_compare(
		       dname_of((struct dname_storage *)&model->item[at].name),
		       name) < 0) {
		at++;
	}
	return at;
}

static const struct dname *model_name(const struct model *model, size_t at)
{
	return (const struct dname *)(const void *)&model->item[at].name;
}

static bool model_has(const struct model *model, const struct dname *name)
{
	size_t at = model_place(model, name);

	return at < model->count && dname_equal(model_name(model, at), name);
}

static void model_put(struct model *model, const struct dname *name,
		      bool is_marked)
{
	size_t at = model_place(model, name);

	if (!model_has(model, name)) {
		memmove(&model->item[at + 1], &model->item[at],
			(model->count - at) * sizeof(model->item[0]));
		model->count++;
	}
	dname_copy(&model->item[at].name, name);
	model->item[at].is_marked = is_marked;
}

static void model_remove(struct model *model, const struct dname *name)
{
	size_t at = model_place(model, name);

	model->count--;
	memmove(&model->item[at], &model->item[at + 1],
		(model->count - at) * sizeof(model->item[0]));
}

static const struct dname *model_floor(const struct model *model,
				       const struct dname *name, bool is_marked)
{
	size_t at = model_place(model, name);

	if (model_has(model, name)) {
		at++;
	}
	while (at-- > 0) {
		if (!is_marked || model->item[at].is_marked) {
			return model_name(model, at);
		}
	}
	return NULL;
}

static struct cells *cells;
static struct trie trie;
static struct model *model;

static struct trie_node leaf_new(const struct dname *name, bool is_marked)
{
	uint32_t ref;
	uint8_t *object =
		cells_alloc(cells, CELLS_DATA,
			    TRIE_NAME_OFFSET + dname_stored_size(name), &ref);

	ck_assert_ptr_nonnull(object);
	memcpy(object + TRIE_NAME_OFFSET, name, dname_stored_size(name));
	return trie_leaf(ref, 0, is_marked);
}

static void put(const struct dname *name, bool is_marked)
{
	struct trie_node leaf = leaf_new(name, is_marked);
	bool is_new;

	ck_assert_int_eq(trie_put(&trie, cells, &leaf, &is_new), STATUS_OK);
	ck_assert(is_new == !model_has(model, name));
	model_put(model, name, is_marked);
}

static void take(const struct dname *name)
{
	enum status expected =
		model_has(model, name) ? STATUS_OK : STATUS_NOT_FOUND;

	ck_assert_int_eq(trie_remove(&trie, cells, name), expected);
	if (expected == STATUS_OK) {
		model_remove(model, name);
	}
}

static void setup(void)
{
	cells = cells_new();
	model = calloc(1, sizeof(*model));
	memset(&trie, 0, sizeof(trie));
	cells_begin(cells);
	seed = 42;
}

static void teardown(void)
{
	cells_abort(cells);
	cells_free(cells);
	free(model);
}

static void check_same(const struct trie_node *leaf,
		       const struct dname *expected)
{
	if (expected == NULL) {
		ck_assert_ptr_null(leaf);
		return;
	}
	ck_assert_ptr_nonnull(leaf);
	ck_assert(dname_equal(trie_leaf_name(cells_chunks(cells), leaf),
			      expected));
}

/* Every ancestor of name that is in the model, and nothing else. */
static void check_descent(const struct dname *name)
{
	struct trie_descent descent;
	struct trie_key key;
	unsigned expected = 0;

	trie_key_init(&key, name);
	trie_descend(&trie, cells_chunks(cells), &key, &descent);
	ck_assert((descent.exact != NULL) == model_has(model, name));
	for (unsigned labels = 0; labels < name->labels; labels++) {
		struct dname_storage ancestor;

		dname_ancestor(&ancestor, name, labels);
		if (model_has(model, dname_of(&ancestor))) {
			ck_assert_uint_lt(expected, descent.ancestors);
			check_same(descent.ancestor[expected].leaf,
				   dname_of(&ancestor));
			ck_assert_uint_eq(descent.ancestor[expected].labels,
					  labels);
			expected++;
		}
	}
	ck_assert_uint_eq(expected, descent.ancestors);
}

/* Is the wildcard of each ancestor found where there is one? */
static void check_wildcards(const struct dname *name)
{
	struct trie_descent descent;
	struct trie_key key;

	trie_key_init(&key, name);
	trie_descend(&trie, cells_chunks(cells), &key, &descent);
	for (unsigned i = 0; i < descent.ancestors; i++) {
		struct dname_storage ancestor;
		struct dname_storage wildcard;

		dname_ancestor(&ancestor, name, descent.ancestor[i].labels);
		if (dname_wildcard(&wildcard, dname_of(&ancestor)) !=
		    STATUS_OK) {
			continue;
		}
		check_same(trie_find_wildcard(&descent.ancestor[i],
					      cells_chunks(cells)),
			   model_has(model, dname_of(&wildcard))
				   ? dname_of(&wildcard)
				   : NULL);
	}
}

/* Names that are there, and this one, in turn through one finder. */
static void check_finder(const struct dname *name)
{
	struct trie_finder finder;

	trie_finder_init(&finder, &trie, cells_chunks(cells));
	for (unsigned i = 0; i < 6; i++) {
		const struct dname *sought =
			i % 3 == 2 || model->count == 0
				? name
				: model_name(model, (model_place(model, name) +
						     i) % model->count);
		const struct trie_node *leaf = trie_finder_seek(
			&finder, sought->octets, sought->length);

		ck_assert((leaf == NULL) == (model->count == 0));
		if (leaf != NULL) {
			ck_assert_int_eq(
				dname_equal(trie_leaf_name(cells_chunks(cells),
							   leaf),
					    sought),
				model_has(model, sought));
		}
	}
	if (model->count > 0) {
		/* The root has no parent to remember. */
		(void)trie_finder_seek(&finder, dname_root->octets, 1);
		check_same(trie_finder_seek(&finder,
					    model_name(model, 0)->octets,
					    model_name(model, 0)->length),
			   model_name(model, 0));
	}
}

static void check_has_below(const struct dname *name)
{
	size_t next = model_place(model, name) + 1;

	if (model_has(model, name)) {
		ck_assert(trie_has_below(&trie, cells_chunks(cells), name) ==
			  (next < model->count &&
			   dname_is_below_or_equal(model_name(model, next),
						   name)));
	}
}

struct order {
	size_t seen;
};

static bool check_next(const struct trie_node *leaf, void *context)
{
	struct order *order = context;

	check_same(leaf, model_name(model, order->seen));
	ck_assert(trie_is_marked(leaf) == model->item[order->seen].is_marked);
	order->seen++;
	return true;
}

static void check_order(void)
{
	struct order order = {0};

	trie_walk(&trie, cells_chunks(cells), check_next, &order);
	ck_assert_uint_eq(order.seen, model->count);
}

START_TEST(trie_agrees_with_a_sorted_array)
{
	enum {
		STEPS = 60000,
		LOOK_EVERY = 997
	};

	for (unsigned step = 0; step < STEPS; step++) {
		struct dname_storage name;
		unsigned kind = draw(8);

		draw_name(&name);
		if (kind < 2 && model->count < MODEL_MAX) {
			put(dname_of(&name), draw(3) == 0);
		} else if (kind == 2 && model->count > 0) {
			dname_copy(&name,
				   model_name(model,
					      draw((uint32_t)model->count)));
			take(dname_of(&name));
		} else if (kind == 3) {
			take(dname_of(&name));
		}
		check_descent(dname_of(&name));
		check_wildcards(dname_of(&name));
		check_has_below(dname_of(&name));
		check_finder(dname_of(&name));
		check_same(
			trie_find(&trie, cells_chunks(cells), dname_of(&name)),
			model_has(model, dname_of(&name)) ? dname_of(&name)
							  : NULL);
		for (unsigned marked = 0; marked < 2; marked++) {
			check_same(trie_floor(&trie, cells_chunks(cells),
					      dname_of(&name), marked),
				   model_floor(model, dname_of(&name), marked));
		}
		if (step % LOOK_EVERY == 0) {
			check_order();
		}
	}
	check_order();
}
END_TEST

START_TEST(built_trie_equals_one_by_one)
{
	for (unsigned round = 0; round < 200; round++) {
		struct trie_builder *builder = trie_builder_new(cells);
		unsigned count = draw(MODEL_MAX);

		model->count = 0;
		memset(&trie, 0, sizeof(trie));
		for (unsigned i = 0; i < count; i++) {
			struct dname_storage name;

			draw_name(&name);
			model_put(model, dname_of(&name), draw(2) == 0);
		}
		for (size_t i = 0; i < model->count; i++) {
			struct trie_node leaf = leaf_new(
				model_name(model, i), model->item[i].is_marked);

			ck_assert_int_eq(trie_builder_add(builder, &leaf),
					 STATUS_OK);
		}
		ck_assert_int_eq(trie_builder_finish(builder, &trie),
				 STATUS_OK);
		check_order();
		for (size_t i = 0; i < model->count; i++) {
			check_descent(model_name(model, i));
		}
	}
}
END_TEST

static bool count_leaf(const struct trie_node *leaf, void *context)
{
	(void)leaf;
	(*(size_t *)context)++;
	return true;
}

START_TEST(older_root_does_not_change)
{
	struct cells_garbage *garbage;
	struct cells_garbage *made;
	struct trie before;
	size_t count = 0;
	size_t expected;

	for (unsigned i = 0; i < 300; i++) {
		struct dname_storage name;

		draw_name(&name);
		put(dname_of(&name), false);
	}
	expected = model->count;
	ck_assert_int_eq(cells_commit(cells, &garbage, &made), STATUS_OK);
	ck_assert_ptr_null(garbage);
	free(made);
	before = trie;
	cells_begin(cells);
	while (model->count > 0) {
		struct dname_storage name;

		dname_copy(&name,
			   model_name(model, draw((uint32_t)model->count)));
		take(dname_of(&name));
	}
	trie_walk(&before, cells_chunks(cells), count_leaf, &count);
	ck_assert_uint_eq(count, expected);
}
END_TEST

START_TEST(longest_names_fit)
{
	struct dname_storage name;
	struct dname *long_name = dname_of(&name);

	/* 127 labels of one octet, and four of as many octets as fit, all of
	 * them escaped to two symbols. */
	for (unsigned size = 1; size < 64; size += 62) {
		long_name->length = 0;
		long_name->labels = 0;
		while (long_name->length + size + 2 <= DNAME_MAX ||
		       DNAME_MAX - long_name->length > 2) {
			unsigned left = DNAME_MAX - long_name->length - 2u;
			unsigned take_octets = size < left ? size : left;

			long_name->octets[long_name->length++] =
				(uint8_t)take_octets;
			memset(long_name->octets + long_name->length, 0xff,
			       take_octets);
			long_name->length =
				(uint8_t)(long_name->length + take_octets);
			long_name->labels++;
		}
		long_name->octets[long_name->length++] = 0;
		put(long_name, true);
		check_descent(long_name);
		check_same(
			trie_floor(&trie, cells_chunks(cells), long_name, true),
			long_name);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trie");
	TCase *tcase = tcase_create("trie");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, trie_agrees_with_a_sorted_array);
	tcase_add_test(tcase, built_trie_equals_one_by_one);
	tcase_add_test(tcase, older_root_does_not_change);
	tcase_add_test(tcase, longest_names_fit);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
