#include "lib/base/config_reader.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char error[CONFIG_ERROR_MAX];

static struct config_reader *parse(const char *text)
{
	return config_reader_parse("x.json", text, strlen(text), error,
				   sizeof(error));
}

/* --- text that is refused
 * ------------------------------------------------------ */

static const struct {
	const char *text;
	size_t size; /* 0: strlen */
	const char *starts;
	const char *holds;
} bad_texts[] = {
	{"", 0, "x.json:1: ", "end of file"},
	{"{", 0, "x.json:1: ", "end of file"},
	{"[]", 0, "x.json:1: ", "must be an object"},
	{"7", 0, "x.json:1: ", ""},
	{"{} {}", 0, "x.json:1: ", "end of file expected"},
	{"{\n \"a\": 1,\n \"a\": 2\n}", 0, "x.json:3: ", "duplicate"},
	{"{\n\"a\":\n tru }", 0, "x.json:3: ", "tru"},
	{"{\"a\": \"\\u0000\"}", 0, "x.json:1: ", ""},
	{"{\n\"a\0b\": 1}", 12, "x.json:2: ", "NUL"},
	{"\0", 1, "x.json:1: ", "NUL"},
	{"{\n\n\"a\": \"\xff\"}", 0, "x.json:", ""},
	{"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n", 0,
	 "x.json:1: ", "too deeply"},
	{"{\"a\":\n123456789012345678901234567890}", 0, "x.json:2: ", "big"},
	{"{\"a\": 'b'}", 0, "x.json:1: ", ""},
	{"{\"a\x1b\": 1}", 0, "x.json:1: ", ""},
};

START_TEST(bad_text_is_one_line_with_its_place)
{
	const char *text = bad_texts[_i].text;
	size_t size = bad_texts[_i].size;

	ck_assert_ptr_null(config_reader_parse("x.json", text,
					       size ? size : strlen(text),
					       error, sizeof(error)));
	ck_assert_msg(strncmp(error, bad_texts[_i].starts,
			      strlen(bad_texts[_i].starts)) == 0,
		      "%s", error);
	ck_assert_msg(strstr(error, bad_texts[_i].holds) != NULL, "%s", error);
	for (const char *p = error; *p != '\0'; p++) {
		ck_assert((unsigned char)*p >= 0x20);
	}
}
END_TEST

START_TEST(deep_brackets_in_strings_are_no_nesting)
{
	struct config_reader *reader = parse(
		"{\"a\":\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[[[[[[[[[[[[\"}");

	ck_assert_ptr_nonnull(reader);
	config_reader_free(reader);
}
END_TEST

START_TEST(byte_order_mark_is_passed_over)
{
	struct config_reader *reader = parse("\xef\xbb\xbf{\"a\": 1}");
	int64_t number = 0;

	ck_assert_msg(reader != NULL, "%s", error);
	ck_assert(config_reader_integer(reader, config_reader_root(reader), "a",
					0, 9, &number));
	ck_assert_int_eq(number, 1);
	config_reader_free(reader);
}
END_TEST

/* --- values that are refused
 * ----------------------------------------------------- */

enum kind {
	OBJECT,
	ARRAY,
	STRING,
	INTEGER,
	BOOLEAN,
	ADDRESS,
	REFUSE
};

static const struct {
	const char *text; /* the key is 'key', in object 'o' */
	enum kind kind;
	const char *error; /* NULL: good */
} values[] = {
	{"{\"o\": {\"key\": {}}}", OBJECT, NULL},
	{"{\"o\": {\"key\": []}}", OBJECT,
	 "x.json:1: o.key: must be an object, not an array"},
	{"{\"o\":\n {\n \"key\": 3}}", ARRAY,
	 "x.json:3: o.key: must be an array, not a number"},
	{"{\"o\": {\"key\": true}}", STRING,
	 "x.json:1: o.key: must be a string, not true"},
	{"{\"z\": null, \"o\": {\n\"key\": null}}", STRING,
	 "x.json:2: o.key: must be a string, not null"},
	{"{\"o\": {\"key\": \"5\"}}", INTEGER,
	 "x.json:1: o.key: must be a whole number, not a string"},
	{"{\"o\": {\"key\": 5.0}}", INTEGER,
	 "x.json:1: o.key: must be a whole number, not a number with a "
	 "fraction"},
	{"{\"o\": {\"key\": 10}}", INTEGER, NULL},
	{"{\"o\": {\"key\": 11}}", INTEGER,
	 "x.json:1: o.key: must be from -3 to 10, not 11"},
	{"{\"o\": {\"key\": -3}}", INTEGER, NULL},
	{"{\"o\": {\"key\": -4}}", INTEGER,
	 "x.json:1: o.key: must be from -3 to 10, not -4"},
	{"{\"o\": {\"key\": 0}}", BOOLEAN,
	 "x.json:1: o.key: must be true or false, not a number"},
	{"{\"o\": {\"key\": false}}", BOOLEAN, NULL},
	{"{\"o\": {\"key\": \"192.0.2.1@53\"}}", ADDRESS, NULL},
	{"{\"o\": {\"key\": \"192.0.2.1:53\"}}", ADDRESS,
	 "x.json:1: o.key: '192.0.2.1:53' is not an address (ADDR or "
	 "ADDR@PORT)"},
	{"{\"o\": {\"key\": \"fe80::1%nosuch0\"}}", ADDRESS,
	 "x.json:1: o.key: 'fe80::1%nosuch0' names no interface here"},
	{"{\"o\": {\"key\": [1]}}", REFUSE,
	 "x.json:1: o.key: this version does not carry it out yet"},
	{"{\"o\": {}}", REFUSE, NULL},
};

static bool ask(struct config_reader *reader, json_t *object, enum kind kind,
		const char *key)
{
	struct address address;
	const char *text;
	int64_t number;
	bool truth;

	switch (kind) {
	case OBJECT:
		return config_reader_object(reader, object, key) != NULL;
	case ARRAY:
		return config_reader_array(reader, object, key) != NULL;
	case STRING:
		return config_reader_string(reader, object, key, &text);
	case INTEGER:
		return config_reader_integer(reader, object, key, -3, 10,
					     &number);
	case BOOLEAN:
		return config_reader_boolean(reader, object, key, &truth);
	case ADDRESS:
		return config_reader_address(reader, object, key, 53, &address);
	case REFUSE:
		config_reader_refuse(reader, object, key);
		return config_reader_error(reader) == NULL;
	}
	return false;
}

START_TEST(value_of_wrong_type_or_range_is_an_error_with_line_and_path)
{
	struct config_reader *reader = parse(values[_i].text);
	json_t *object;
	bool good;

	ck_assert_msg(reader != NULL, "%s", error);
	object = config_reader_object(reader, config_reader_root(reader), "o");
	ck_assert_ptr_nonnull(object);
	good = ask(reader, object, values[_i].kind, "key");
	if (values[_i].error == NULL) {
		ck_assert_msg(good, "%s", config_reader_error(reader));
		ck_assert_ptr_null(config_reader_error(reader));
	} else {
		ck_assert(!good);
		ck_assert_str_eq(config_reader_error(reader), values[_i].error);
	}
	config_reader_free(reader);
}
END_TEST

START_TEST(absent_keys_leave_defaults_alone)
{
	struct config_reader *reader = parse("{}");
	json_t *root = config_reader_root(reader);
	struct address address = {.port = 7};
	const char *text = "default";
	int64_t number = 42;
	bool truth = true;

	ck_assert(!config_reader_string(reader, root, "a", &text));
	ck_assert(!config_reader_integer(reader, root, "b", 0, 1, &number));
	ck_assert(!config_reader_boolean(reader, root, "c", &truth));
	ck_assert(!config_reader_address(reader, root, "d", 53, &address));
	ck_assert_ptr_null(config_reader_object(reader, root, "e"));
	ck_assert_ptr_null(config_reader_array(reader, root, "f"));
	ck_assert_ptr_null(config_reader_get(reader, NULL, "g"));
	config_reader_finish(reader, NULL);
	ck_assert_str_eq(text, "default");
	ck_assert_int_eq(number, 42);
	ck_assert(truth);
	ck_assert_uint_eq(address.port, 7);
	ck_assert_ptr_null(config_reader_error(reader));
	config_reader_free(reader);
}
END_TEST

/* --- where a value stands
 * ---------------------------------------------------------- */

static const char document[] = "{\n"                                /* 1 */
			       "  \"zones\": {\n"                   /* 2 */
			       "    \".\": { \"a\": 1 },\n"         /* 3 */
			       "    \"example.org\": {\n"           /* 4 */
			       "      \"list\": [ \"x, ]}\",\n"     /* 5 */
			       "        { \"k\\u00e9\": 2 },\n"     /* 6 */
			       "        true, false,\n"             /* 7 */
			       "        [ ], [ [ null ] ] ] } },\n" /* 8 */
			       "  \"flag\": true,\n"                /* 9 */
			       "  \"tru\\\"e\":\n"                  /* 10 */
			       "     {\"\": true} }\n";             /* 11 */

static json_t *at(json_t *value, const char *const *steps)
{
	for (; *steps != NULL; steps++) {
		value = json_is_array(value)
				? json_array_get(value, (size_t)atoi(*steps))
				: json_object_get(value, *steps);
	}
	return value;
}

static const struct {
	const char *steps[7];
	const char *error;
} places[] = {
	{{NULL}, "x.json:1: here"},
	{{"zones", NULL}, "x.json:2: zones: here"},
	{{"zones", ".", NULL}, "x.json:3: zones[\".\"]: here"},
	{{"zones", ".", "a", NULL}, "x.json:3: zones[\".\"].a: here"},
	{{"zones", "example.org", "list", "0", NULL},
	 "x.json:5: zones[\"example.org\"].list[0]: here"},
	{{"zones", "example.org", "list", "1", "k\xc3\xa9", NULL},
	 "x.json:6: zones[\"example.org\"].list[1].k\xc3\xa9: here"},
	{{"zones", "example.org", "list", "5", "0", NULL},
	 "x.json:8: zones[\"example.org\"].list[5][0]: here"},
	{{"zones", "example.org", "list", "5", "0", "0", NULL},
	 "x.json:8: zones[\"example.org\"].list[5][0][0]: here"},
	{{"tru\"e", NULL}, "x.json:10: [\"tru\"e\"]: here"},
};

START_TEST(every_value_has_its_line_and_path)
{
	struct config_reader *reader = parse(document);

	ck_assert_msg(reader != NULL, "%s", error);
	config_reader_fail(reader,
			   at(config_reader_root(reader), places[_i].steps),
			   "%s", "here");
	ck_assert_str_eq(config_reader_error(reader), places[_i].error);
	/* Only the first is kept. */
	config_reader_fail(reader, config_reader_root(reader), "later");
	ck_assert_str_eq(config_reader_error(reader), places[_i].error);
	config_reader_free(reader);
}
END_TEST

START_TEST(shared_values_are_taken_for_the_one_asked_for_last)
{
	struct config_reader *reader = parse(document);
	json_t *root = config_reader_root(reader);

	config_reader_fail(reader, config_reader_get(reader, root, "flag"),
			   "here");
	ck_assert_str_eq(config_reader_error(reader), "x.json:9: flag: here");
	config_reader_free(reader);
}
END_TEST

START_TEST(shared_values_are_sought_inside_the_container_asked_for_last)
{
	struct config_reader *reader = parse(document);
	json_t *root = config_reader_root(reader);
	json_t *object = config_reader_object(reader, root, "tru\"e");

	config_reader_fail(reader, json_object_get(object, ""), "here");
	ck_assert_str_eq(config_reader_error(reader),
			 "x.json:11: [\"tru\"e\"][\"\"]: here");
	config_reader_free(reader);
}
END_TEST

START_TEST(value_of_another_document_is_named_without_a_line)
{
	struct config_reader *reader = parse(document);
	json_t *stranger = json_integer(1);

	config_reader_fail(reader, stranger, "lost\nhere");
	ck_assert_str_eq(config_reader_error(reader), "x.json: lost?here");
	json_decref(stranger);
	config_reader_free(reader);
}
END_TEST

START_TEST(long_texts_stay_one_bounded_line)
{
	char key[3000];
	char text[4000];
	struct config_reader *reader;

	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	snprintf(text, sizeof(text), "{\n\"%s\": 1}", key);
	reader = parse(text);
	config_reader_finish(reader, config_reader_root(reader));
	ck_assert_uint_lt(strlen(config_reader_error(reader)),
			  CONFIG_ERROR_MAX);
	ck_assert_int_eq(
		strncmp(config_reader_error(reader), "x.json:2: kkkk", 14), 0);
	ck_assert_ptr_nonnull(
		strstr(config_reader_error(reader), "unknown key"));
	config_reader_free(reader);
}
END_TEST

/* --- unknown keys
 * -------------------------------------------------------------------- */

static const struct {
	const char *key;
	const char *error; /* NULL: known */
} keys[] = {
	{"interval_ms", NULL},
	{"mss", NULL},
	{"interval_sm", "x.json:2: o.interval_sm: unknown key: did you mean "
			"'interval_ms'?"},
	{"intervalms",
	 "x.json:2: o.intervalms: unknown key: did you mean 'interval_ms'?"},
	{"Interval-ms",
	 "x.json:2: o.Interval-ms: unknown key: did you mean 'interval_ms'?"},
	{"interva", "x.json:2: o.interva: unknown key"},
	{"ms", "x.json:2: o.ms: unknown key: did you mean 'mss'?"},
	{"mxy", "x.json:2: o.mxy: unknown key"},
	{"as", NULL},
	{"sa", "x.json:2: o.sa: unknown key: did you mean 'as'?"},
	{"colour", "x.json:2: o.colour: unknown key"},
	{"", "x.json:2: o[\"\"]: unknown key"},
};

START_TEST(unknown_key_is_named_with_a_hint)
{
	char text[100];
	struct config_reader *reader;
	json_t *object;
	int64_t number;

	snprintf(text, sizeof(text), "{\"o\": {\n\"%s\": 1}}", keys[_i].key);
	reader = parse(text);
	ck_assert_msg(reader != NULL, "%s", error);
	object = config_reader_object(reader, config_reader_root(reader), "o");
	config_reader_integer(reader, object, "interval_ms", 0, 9, &number);
	config_reader_integer(reader, object, "mss", 0, 9, &number);
	config_reader_integer(reader, object, "as", 0, 9, &number);
	config_reader_finish(reader, object);
	config_reader_finish(reader, config_reader_root(reader));
	if (keys[_i].error == NULL) {
		ck_assert_ptr_null(config_reader_error(reader));
	} else {
		ck_assert_ptr_nonnull(config_reader_error(reader));
		ck_assert_str_eq(config_reader_error(reader), keys[_i].error);
	}
	config_reader_free(reader);
}
END_TEST

START_TEST(object_of_which_nothing_was_asked_has_unknown_keys)
{
	struct config_reader *reader = parse("{\"a\": 1}");

	config_reader_finish(reader, config_reader_root(reader));
	ck_assert_str_eq(config_reader_error(reader),
			 "x.json:1: a: unknown key");
	config_reader_free(reader);
}
END_TEST

/* --- files
 * ------------------------------------------------------------------------------
 */

START_TEST(missing_file_is_named)
{
	ck_assert_ptr_null(config_reader_load("/nonexistent/x.json", error,
					      sizeof(error)));
	ck_assert_str_eq(error, "/nonexistent/x.json: cannot open: No such "
				"file or directory");
}
END_TEST

START_TEST(folder_is_refused)
{
	ck_assert_ptr_null(config_reader_load("/", error, sizeof(error)));
	ck_assert_str_eq(error, "/: is a folder, not a configuration file");
}
END_TEST

START_TEST(endless_file_is_too_large)
{
	ck_assert_ptr_null(
		config_reader_load("/dev/zero", error, sizeof(error)));
	ck_assert_str_eq(error, "/dev/zero: larger than 16777216 octets");
}
END_TEST

START_TEST(file_is_read_whole)
{
	char path[] = "/tmp/rootcast-test-config-XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");
	struct config_reader *reader;
	int64_t number = 0;

	ck_assert_ptr_nonnull(file);
	fprintf(file, "{");
	for (int i = 0; i < 20000; i++) {
		fprintf(file, "\"key%d\": %d,\n", i, i);
	}
	fprintf(file, "\"last\": 7}");
	fclose(file);
	reader = config_reader_load(path, error, sizeof(error));
	ck_assert_msg(reader != NULL, "%s", error);
	ck_assert(config_reader_integer(reader, config_reader_root(reader),
					"last", 0, 9, &number));
	ck_assert_int_eq(number, 7);
	ck_assert(!config_reader_integer(reader, config_reader_root(reader),
					 "key19999", 0, 9, &number));
	ck_assert_ptr_nonnull(strstr(config_reader_error(reader),
				     ":20000: key19999: must be from 0 to 9"));
	config_reader_free(reader);
	unlink(path);
}
END_TEST

START_TEST(unreadable_file_is_named)
{
	char path[] = "/tmp/rootcast-test-config-XXXXXX";
	int fd = mkstemp(path);

	close(fd);
	chmod(path, 0);
	if (geteuid() == 0 && setegid(65534) == 0 && seteuid(65534) == 0) {
		/* Root reads everything: be nobody for a moment. */
	}
	ck_assert_ptr_null(config_reader_load(path, error, sizeof(error)));
	ck_assert_ptr_nonnull(strstr(error, "Permission denied"));
	if (getuid() == 0 && seteuid(0) == 0 && setegid(0) == 0) {
		/* Itself again. */
	}
	unlink(path);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("config_reader");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, bad_text_is_one_line_with_its_place, 0,
			    COUNT(bad_texts));
	tcase_add_test(tcase, deep_brackets_in_strings_are_no_nesting);
	tcase_add_test(tcase, byte_order_mark_is_passed_over);
	tcase_add_loop_test(
		tcase,
		value_of_wrong_type_or_range_is_an_error_with_line_and_path, 0,
		COUNT(values));
	tcase_add_test(tcase, absent_keys_leave_defaults_alone);
	tcase_add_loop_test(tcase, every_value_has_its_line_and_path, 0,
			    COUNT(places));
	tcase_add_test(tcase,
		       shared_values_are_taken_for_the_one_asked_for_last);
	tcase_add_test(
		tcase,
		shared_values_are_sought_inside_the_container_asked_for_last);
	tcase_add_test(tcase,
		       value_of_another_document_is_named_without_a_line);
	tcase_add_test(tcase, long_texts_stay_one_bounded_line);
	tcase_add_loop_test(tcase, unknown_key_is_named_with_a_hint, 0,
			    COUNT(keys));
	tcase_add_test(tcase,
		       object_of_which_nothing_was_asked_has_unknown_keys);
	tcase_add_test(tcase, missing_file_is_named);
	tcase_add_test(tcase, folder_is_refused);
	tcase_add_test(tcase, endless_file_is_too_large);
	tcase_add_test(tcase, file_is_read_whole);
	tcase_add_test(tcase, unreadable_file_is_named);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
