#include "lib/dns/dname.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(s)      (s), sizeof(s) - 1
#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

static struct dname_storage load(const char *text)
{
	struct dname_storage out;

	ck_assert_msg(dname_load(&out, text, strlen(text), dname_root) ==
			      STATUS_OK,
		      "%s", text);
	return out;
}

/* Wire octets of labels of one letter and given lengths; returns their size. */
static size_t build(uint8_t *wire, const unsigned *lengths, size_t count)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		wire[at++] = (uint8_t)lengths[i];
		memset(wire + at, 'x', lengths[i]);
		at += lengths[i];
	}
	wire[at++] = 0;
	return at;
}

static const struct {
	const char *name;
	size_t count;
	unsigned lengths[130];
	size_t valid; /* octets, 0: not a name */
} wire_cases[] = {
	{"the root", 0, {0}, 1},
	{"a label of 1", 1, {1}, 3},
	{"a label of 62", 1, {62}, 64},
	{"a label of 63", 1, {63}, 65},
	{"a label of 64", 1, {64}, 0},
	{"254 octets", 4, {63, 63, 63, 60}, 254},
	{"255 octets", 4, {63, 63, 63, 61}, 255},
	{"256 octets", 4, {63, 63, 63, 62}, 0},
	{"257 octets", 4, {63, 63, 63, 63}, 0},
	{"258 octets in five", 5, {63, 63, 63, 59, 4}, 0},
};

START_TEST(wire_boundaries_hold)
{
	uint8_t wire[512];
	struct dname_storage out;
	size_t size = build(wire, wire_cases[_i].lengths, wire_cases[_i].count);
	size_t valid = wire_cases[_i].valid;
	uint8_t *exact = malloc(size);
	struct wire_reader r = wire_reader_init(exact, size);

	memcpy(exact, wire, size);
	ck_assert_uint_eq(dname_wire_length(exact, size), valid);
	ck_assert_uint_eq(dname_wire_length(exact, size - 1), 0);
	ck_assert_int_eq(dname_parse(&r, &out), valid != 0);
	ck_assert_int_eq(r.failed, valid == 0);
	if (valid != 0) {
		ck_assert_uint_eq(out.length, valid);
		ck_assert_uint_eq(out.labels, wire_cases[_i].count);
		ck_assert_uint_eq(wire_left(&r), 0);
	}
	r = wire_reader_init(exact, size);
	ck_assert_int_eq(dname_parse_compressed(&r, &out), valid != 0);
	if (valid != 0) {
		ck_assert_uint_eq(out.length, valid);
		ck_assert_uint_eq(wire_left(&r), 0);
	}
	r = wire_reader_init(exact, size - 1);
	ck_assert(!dname_parse(&r, &out));
	r = wire_reader_init(exact, size - 1);
	ck_assert(!dname_parse_compressed(&r, &out));
	free(exact);
}
END_TEST

START_TEST(a_name_of_126_127_and_128_labels)
{
	for (unsigned labels = 126; labels <= 128; labels++) {
		unsigned lengths[128];
		uint8_t wire[300];
		uint8_t offsets[DNAME_LABELS_MAX + 1];
		char text[DNAME_TEXT_MAX];
		struct dname_storage out;
		struct dname_storage again;
		struct wire_reader r;
		size_t size;

		for (unsigned i = 0; i < labels; i++) {
			lengths[i] = 1;
		}
		size = build(wire, lengths, labels);
		r = wire_reader_init(wire, size);
		ck_assert_int_eq(dname_parse(&r, &out), labels < 128);
		if (labels == 128) {
			break;
		}
		ck_assert_uint_eq(out.labels, labels);
		ck_assert_uint_eq(dname_label_offsets(dname_of(&out), offsets),
				  labels);
		ck_assert_uint_eq(offsets[labels], size - 1);
		dname_dump(dname_of(&out), text);
		ck_assert_int_eq(dname_load(&again, text, strlen(text), NULL),
				 STATUS_OK);
		ck_assert(dname_equal(dname_of(&out), dname_of(&again)));
		ck_assert_int_eq(dname_wildcard(&again, dname_of(&out)),
				 labels == 126 ? STATUS_OK : STATUS_TOO_LONG);
	}
}
END_TEST

static const struct {
	const char *name;
	const char *message;
	size_t size;
	size_t start;
	const char *text; /* NULL: refused */
	size_t after;
} pointer_cases[] = {
	{"to the start", TEXT("\1a\0\1b\xc0\0"), 3, "b.a.", 7},
	{"a pointer alone", TEXT("\1a\0\xc0\0"), 3, "a.", 5},
	{"a pointer to a pointer", TEXT("\1a\0\xc0\0\1b\xc0\3"), 5, "b.a.", 9},
	{"to itself", TEXT("\xc0\0"), 0, NULL, 0},
	{"forward", TEXT("\xc0\2\0"), 0, NULL, 0},
	{"to its own labels", TEXT("\1a\xc0\0"), 0, NULL, 0},
	{"round in two", TEXT("\1a\xc0\4\1b\xc0\0"), 4, NULL, 0},
	{"cut after its first octet", TEXT("\1a\0\xc0"), 3, NULL, 0},
	{"label type 01",
	 TEXT("\x41"
	      "a\0"),
	 0, NULL, 0},
	{"label type 10",
	 TEXT("\x81"
	      "a\0"),
	 0, NULL, 0},
	{"into the middle of a label", TEXT("\3\1b\0\0\1a\xc0\1"), 5, "a.b.",
	 9},
};

START_TEST(compression_goes_strictly_backwards)
{
	struct wire_reader r = wire_reader_init(pointer_cases[_i].message,
						pointer_cases[_i].size);
	struct dname_storage out;
	char text[DNAME_TEXT_MAX];
	bool parsed;

	r.at += pointer_cases[_i].start;
	parsed = dname_parse_compressed(&r, &out);
	ck_assert_msg(parsed == (pointer_cases[_i].text != NULL), "%s",
		      pointer_cases[_i].name);
	ck_assert_int_eq(r.failed, !parsed);
	if (parsed) {
		ck_assert_str_eq(dname_dump(dname_of(&out), text),
				 pointer_cases[_i].text);
		ck_assert_uint_eq(wire_offset(&r), pointer_cases[_i].after);
	}
}
END_TEST

START_TEST(a_chain_of_pointers_is_bounded)
{
	for (unsigned pointers = 126; pointers <= 129; pointers++) {
		uint8_t message[2 + 2 * 129] = {0};
		struct wire_reader r;
		struct dname_storage out;

		/* A root label, then pointers each to the one before. */
		for (unsigned i = 0; i < pointers; i++) {
			wire_put16(message + 2 + 2 * i,
				   (uint16_t)(0xc000 | (2 * i)));
		}
		r = wire_reader_init(message, 2 + 2 * pointers);
		r.at = r.end - 2;
		ck_assert_int_eq(dname_parse_compressed(&r, &out),
				 pointers <= DNAME_LABELS_MAX);
	}
}
END_TEST

START_TEST(a_compressed_name_over_255_octets_is_refused)
{
	for (unsigned last = 60; last <= 63; last++) {
		const unsigned lengths[3] = {63, 63, 63};
		uint8_t message[512];
		size_t size = build(message, lengths, 3);
		struct wire_reader r;
		struct dname_storage out;

		message[size] = (uint8_t)last;
		memset(message + size + 1, 'y', last);
		wire_put16(message + size + 1 + last, 0xc000);
		r = wire_reader_init(message, size + 1 + last + 2);
		r.at += size;
		ck_assert_int_eq(dname_parse_compressed(&r, &out), last <= 61);
	}
}
END_TEST

static const struct {
	const char *text;
	size_t length;
	const char *origin; /* NULL: none */
	enum status status;
	const char *dump;
} text_cases[] = {
	{TEXT("."), NULL, STATUS_OK, "."},
	{TEXT("@"), "example.", STATUS_OK, "example."},
	{TEXT("@"), NULL, STATUS_BAD_SYNTAX, NULL},
	{TEXT("\\@"), "example.", STATUS_OK, "\\@.example."},
	{TEXT("a"), ".", STATUS_OK, "a."},
	{TEXT("a"), NULL, STATUS_BAD_SYNTAX, NULL},
	{TEXT("a."), NULL, STATUS_OK, "a."},
	{TEXT("a\\."), "b.", STATUS_OK, "a\\..b."},
	{TEXT("a\\.."), "b.", STATUS_OK, "a\\.."},
	{TEXT("A.b"), "C.", STATUS_OK, "A.b.C."},
	{TEXT(""), "a.", STATUS_BAD_SYNTAX, NULL},
	{TEXT(".."), NULL, STATUS_BAD_SYNTAX, NULL},
	{TEXT(".a."), NULL, STATUS_BAD_SYNTAX, NULL},
	{TEXT("a..b."), NULL, STATUS_BAD_SYNTAX, NULL},
	{TEXT("\\000."), NULL, STATUS_OK, "\\000."},
	{TEXT("\\065."), NULL, STATUS_OK, "A."},
	{TEXT("\\255."), NULL, STATUS_OK, "\\255."},
	{TEXT("\\256."), NULL, STATUS_BAD_SYNTAX, NULL},
	{TEXT("\\25."), NULL, STATUS_BAD_SYNTAX, NULL},
	{TEXT("\\25"), NULL, STATUS_BAD_SYNTAX, NULL},
	{TEXT("\\"), ".", STATUS_BAD_SYNTAX, NULL},
	{TEXT("a\\"), ".", STATUS_BAD_SYNTAX, NULL},
	{TEXT("a\0b."), NULL, STATUS_OK, "a\\000b."},
	{TEXT("a b."), NULL, STATUS_OK, "a\\032b."},
	{TEXT("\\\\\\\"\\$\\(\\)\\;."), NULL, STATUS_OK,
	 "\\\\\\\"\\$\\(\\)\\;."},
};

START_TEST(text_is_read_and_written)
{
	struct dname_storage origin;
	struct dname_storage out;
	char text[DNAME_TEXT_MAX];
	enum status status;

	if (text_cases[_i].origin != NULL) {
		origin = load(text_cases[_i].origin);
	}
	status = dname_load(&out, text_cases[_i].text, text_cases[_i].length,
			    text_cases[_i].origin != NULL ? dname_of(&origin)
							  : NULL);
	ck_assert_msg(status == text_cases[_i].status, "%s: %d",
		      text_cases[_i].text, status);
	if (status == STATUS_OK) {
		ck_assert_str_eq(dname_dump(dname_of(&out), text),
				 text_cases[_i].dump);
	}
}
END_TEST

START_TEST(text_boundaries_hold)
{
	/* {labels of 63 before, last label, bound by origin, status} */
	static const struct {
		unsigned full;
		unsigned last;
		const char *origin;
		enum status status;
	} cases[] = {
		{0, 62, ".", STATUS_OK},        {0, 63, ".", STATUS_OK},
		{0, 64, ".", STATUS_TOO_LONG},  {3, 60, ".", STATUS_OK},
		{3, 61, ".", STATUS_OK},        {3, 62, ".", STATUS_TOO_LONG},
		{3, 59, "a.", STATUS_OK},       {3, 60, "a.", STATUS_TOO_LONG},
		{3, 61, "a.", STATUS_TOO_LONG}, {4, 1, ".", STATUS_TOO_LONG},
	};

	for (int i = 0; i < COUNT(cases); i++) {
		struct dname_storage origin = load(cases[i].origin);
		struct dname_storage out;
		char text[512] = "";

		for (unsigned n = 0; n < cases[i].full; n++) {
			memset(text + strlen(text), 'x', 63);
			strcat(text, ".");
		}
		memset(text + strlen(text), 'x', cases[i].last);
		ck_assert_msg(dname_load(&out, text, strlen(text),
					 dname_of(&origin)) == cases[i].status,
			      "case %d", i);
	}
}
END_TEST

START_TEST(the_longest_text_fits)
{
	const unsigned lengths[] = {63, 63, 63, 61};
	uint8_t wire[300];
	char text[DNAME_TEXT_MAX];
	struct dname_storage name;
	struct dname_storage again;

	build(wire, lengths, 4);
	for (unsigned i = 0; i < 255; i++) {
		wire[i] = wire[i] == 'x' ? 0xff : wire[i];
	}
	dname_from_octets(&name, wire);
	dname_dump(dname_of(&name), text);
	ck_assert_uint_eq(strlen(text), 250 * 4 + 4);
	ck_assert_int_eq(dname_load(&again, text, strlen(text), NULL),
			 STATUS_OK);
	ck_assert(dname_equal(dname_of(&name), dname_of(&again)));
}
END_TEST

START_TEST(canonical_order_is_that_of_rfc4034_6_1)
{
	/* The RFC's own example, and some more at its ends. */
	static const char *const ordered[] = {
		".",
		"example.",
		"a.example.",
		"yljkjljk.a.example.",
		"Z.a.example.",
		"zABC.a.EXAMPLE.",
		"z.example.",
		"\\001.z.example.",
		"*.z.example.",
		"\\200.z.example.",
		"zz.example.",
		"f.",
	};

	for (int i = 0; i < COUNT(ordered); i++) {
		for (int k = 0; k < COUNT(ordered); k++) {
			struct dname_storage a = load(ordered[i]);
			struct dname_storage b = load(ordered[k]);
			int order = dname_compare(dname_of(&a), dname_of(&b));

			ck_assert_int_eq((order > 0) - (order < 0),
					 (i > k) - (i < k));
			ck_assert_int_eq(
				dname_equal(dname_of(&a), dname_of(&b)),
				i == k);
		}
	}
}
END_TEST

START_TEST(only_ascii_capitals_fold)
{
	for (unsigned i = 0; i < 256; i++) {
		ck_assert_uint_eq(dname_fold((uint8_t)i),
				  i >= 'A' && i <= 'Z' ? i + 32 : i);
	}
}
END_TEST

/* At each length and place, every octet against itself and its neighbours. */
START_TEST(octets_are_equal_where_they_fold_alike)
{
	uint8_t a[28];
	uint8_t b[28];

	for (size_t size = 1; size < sizeof(a); size++) {
		for (size_t at = 0; at < size; at++) {
			for (unsigned i = 0; i < 256 * 4; i++) {
				static const uint8_t changes[] = {0, 0x20, 0x80,
								  0xa0};

				memset(a, 'q', sizeof(a));
				memset(b, 'Q', sizeof(b));
				a[at] = (uint8_t)(i / 4);
				b[at] = a[at] ^ changes[i % 4];
				/* Nothing behind the end counts. */
				a[size] = 'x';
				ck_assert_int_eq(dname_octets_equal(a, b, size),
						 dname_fold(a[at]) ==
							 dname_fold(b[at]));
			}
		}
	}
}
END_TEST

static const struct {
	const char *name;
	const char *ancestor;
	bool is_below;
	unsigned common;
} below_cases[] = {
	{"a.b.", ".", true, 0},
	{"a.b.", "b.", true, 1},
	{"a.b.", "A.B.", true, 2},
	{"b.", "a.b.", false, 1},
	{"xb.", "b.", false, 0},
	{"a.xb.", "b.", false, 0},
	{"\\003a\\.b.", "b.", false, 0},
	/* The octets of the ancestor are there, but not at a label's start. */
	{"x\\001b.", "b.", false, 0},
	{"aaaa.b.", "bbbbbb.", false, 0},
	{".", ".", true, 0},
	{".", "a.", false, 0},
};

START_TEST(below_is_by_whole_labels)
{
	struct dname_storage name = load(below_cases[_i].name);
	struct dname_storage ancestor = load(below_cases[_i].ancestor);

	ck_assert_int_eq(
		dname_is_below_or_equal(dname_of(&name), dname_of(&ancestor)),
		below_cases[_i].is_below);
	ck_assert_uint_eq(
		dname_common_labels(dname_of(&name), dname_of(&ancestor)),
		below_cases[_i].common);
}
END_TEST

START_TEST(ancestors_are_cut_off_also_in_place)
{
	struct dname_storage name = load("www.a.example.");
	struct dname_storage out;
	char text[DNAME_TEXT_MAX];

	dname_ancestor(&out, dname_of(&name), 2);
	ck_assert_str_eq(dname_dump(dname_of(&out), text), "a.example.");
	dname_ancestor(&out, dname_of(&name), 3);
	ck_assert(dname_equal(dname_of(&out), dname_of(&name)));
	dname_ancestor(&name, dname_of(&name), 2);
	ck_assert_str_eq(dname_dump(dname_of(&name), text), "a.example.");
	ck_assert_uint_eq(name.labels, 2);
	ck_assert_uint_eq(name.length, 11);
	dname_ancestor(&name, dname_of(&name), 0);
	ck_assert(dname_equal(dname_of(&name), dname_root));
	ck_assert_uint_eq(name.length, 1);
}
END_TEST

START_TEST(substitution_ends_at_255_octets)
{
	struct dname_storage owner = load("o.");
	char text[DNAME_TEXT_MAX];

	for (unsigned label = 59; label <= 62; label++) {
		struct dname_storage name = load("www.o.");
		struct dname_storage target;
		struct dname_storage out;
		const unsigned lengths[] = {63, 63, 63, label - 4};
		uint8_t wire[300];

		/* target has 193 + label - 4 + 1 octets, 4 more come on top */
		build(wire, lengths, 4);
		dname_from_octets(&target, wire);
		ck_assert_int_eq(dname_substitute(&out, dname_of(&name),
						  dname_of(&owner),
						  dname_of(&target)),
				 label <= 61 ? STATUS_OK : STATUS_TOO_LONG);
	}
	{
		struct dname_storage name = load("a.b.o.");
		struct dname_storage target = load("t.u.");
		struct dname_storage out;

		ck_assert_int_eq(dname_substitute(&out, dname_of(&name),
						  dname_of(&owner),
						  dname_of(&target)),
				 STATUS_OK);
		ck_assert_str_eq(dname_dump(dname_of(&out), text), "a.b.t.u.");
		ck_assert_uint_eq(out.labels, 4);
	}
}
END_TEST

START_TEST(a_wildcard_is_a_label_of_one_asterisk)
{
	struct dname_storage name = load("*.a.");
	struct dname_storage not_one = load("**.a.");
	struct dname_storage escaped = load("\\042.a.");
	struct dname_storage made;
	struct dname_storage encloser = load("a.");

	ck_assert(dname_is_wildcard(dname_of(&name)));
	ck_assert(!dname_is_wildcard(dname_of(&not_one)));
	ck_assert(dname_is_wildcard(dname_of(&escaped)));
	ck_assert(!dname_is_wildcard(dname_root));
	ck_assert_int_eq(dname_wildcard(&made, dname_of(&encloser)), STATUS_OK);
	ck_assert(dname_equal(dname_of(&made), dname_of(&name)));
}
END_TEST

START_TEST(canonical_form_folds_letters_and_no_length)
{
	char text[DNAME_TEXT_MAX];
	struct dname_storage name = load("ABC.\\001Z.");

	dname_make_canonical(dname_of(&name));
	ck_assert_str_eq(dname_dump(dname_of(&name), text), "abc.\\001z.");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dname");
	TCase *tcase = tcase_create("names");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, wire_boundaries_hold, 0, COUNT(wire_cases));
	tcase_add_test(tcase, a_name_of_126_127_and_128_labels);
	tcase_add_loop_test(tcase, compression_goes_strictly_backwards, 0,
			    COUNT(pointer_cases));
	tcase_add_test(tcase, a_chain_of_pointers_is_bounded);
	tcase_add_test(tcase, a_compressed_name_over_255_octets_is_refused);
	tcase_add_loop_test(tcase, text_is_read_and_written, 0,
			    COUNT(text_cases));
	tcase_add_test(tcase, text_boundaries_hold);
	tcase_add_test(tcase, the_longest_text_fits);
	tcase_add_test(tcase, canonical_order_is_that_of_rfc4034_6_1);
	tcase_add_test(tcase, only_ascii_capitals_fold);
	tcase_add_test(tcase, octets_are_equal_where_they_fold_alike);
	tcase_add_loop_test(tcase, below_is_by_whole_labels, 0,
			    COUNT(below_cases));
	tcase_add_test(tcase, ancestors_are_cut_off_also_in_place);
	tcase_add_test(tcase, substitution_ends_at_255_octets);
	tcase_add_test(tcase, a_wildcard_is_a_label_of_one_asterisk);
	tcase_add_test(tcase, canonical_form_folds_letters_and_no_length);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
