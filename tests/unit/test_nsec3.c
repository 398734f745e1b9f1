#include "lib/zone/lookup.h"
#include "tests/unit/zone_fixture.h"

#include <check.h>
#include <stdlib.h>

/* RFC 5155 appendix A: SHA-1, 12 iterations, salt aabbccdd. */
static const uint8_t param[] = {1, 0, 0, 12, 4, 0xaa, 0xbb, 0xcc, 0xdd};

static const struct {
	const char *name;
	const char *hash;
} vectors[] = {
	{"example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"},
	{"EXAMPLE.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"},
	{"a.example.", "35mthgpgcu1qg68fab165klnsnk3dpvl"},
	{"ai.example.", "gjeqe526plbf1g8mklp59enfd789njgi"},
	{"ns1.example.", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"},
	{"x.y.w.example.", "2vptu5timamqttgl4luu9kg21e0aor3s"},
};

static void text_of(const uint8_t hash[NSEC3_HASH_SIZE], char text[33])
{
	for (unsigned i = 0; i < 32; i++) {
		unsigned value = 0;

		for (unsigned bit = i * 5; bit < i * 5 + 5; bit++) {
			value = value << 1 |
				(hash[bit / 8] >> (7 - bit % 8) & 1u);
		}
		text[i] = "0123456789abcdefghijklmnopqrstuv"[value];
	}
	text[32] = '\0';
}

static void add_nsec3(struct zone_writer *writer, const char *hash)
{
	uint8_t rdata[9 + 1 + 20 + 3] = {1,    0,    0,    12,   4,
					 0xaa, 0xbb, 0xcc, 0xdd, 20};
	char owner[64];

	rdata[sizeof(rdata) - 2] = 1;
	rdata[sizeof(rdata) - 1] = 0x40;
	snprintf(owner, sizeof(owner), "%s.example.", hash);
	ck_assert_int_eq(zone_writer_add(writer, name_of(owner), RRTYPE_NSEC3,
					 60, rdata, sizeof(rdata)),
			 STATUS_OK);
}

static struct zone_version *load(void)
{
	enum status status;
	struct zone_writer *writer = zone_writer_new(NULL, &status);
	struct zone_version *version;
	struct zone_fault fault;

	fixture_add(writer, "example.", RRTYPE_SOA, "1");
	fixture_add(writer, "example.", RRTYPE_NS, "ns1.example.");
	fixture_add(writer, "example.", RRTYPE_DNSKEY, "key");
	ck_assert_int_eq(zone_writer_add(writer, name_of("example."),
					 RRTYPE_NSEC3PARAM, 0, param,
					 sizeof(param)),
			 STATUS_OK);
	add_nsec3(writer, "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom");
	add_nsec3(writer, "GJEQE526PLBF1G8MKLP59ENFD789NJGI");
	add_nsec3(writer, "35mthgpgcu1qg68fab165klnsnk3dpvl");
	ck_assert_int_eq(zone_writer_finish(writer, &version, &fault),
			 STATUS_OK);
	return version;
}

START_TEST(hash_is_that_of_the_rfc)
{
	struct zone_version *version = load();
	uint8_t hash[NSEC3_HASH_SIZE];
	char text[33];

	zone_nsec3_hash(version, name_of(vectors[_i].name), hash);
	text_of(hash, text);
	ck_assert_str_eq(text, vectors[_i].hash);
	zone_version_release(version);
}
END_TEST

static const struct {
	uint8_t first; /* octets of the hash, all alike */
	const char *found;
} covers[] = {
	{0x00, "GJEQE526PLBF1G8MKLP59ENFD789NJGI.example."}, /* goes round */
	{0x10, "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example."},
	{0x20, "35mthgpgcu1qg68fab165klnsnk3dpvl.example."},
	{0xff, "GJEQE526PLBF1G8MKLP59ENFD789NJGI.example."},
};

START_TEST(hash_between_records_is_covered)
{
	struct zone_version *version = load();
	uint8_t hash[NSEC3_HASH_SIZE];
	char text[DNAME_TEXT_MAX];
	bool is_match = true;

	memset(hash, covers[_i].first, sizeof(hash));
	ck_assert_str_eq(dname_dump(zone_node_name(zone_find_nsec3(
					    version, hash, &is_match)),
				    text),
			 covers[_i].found);
	ck_assert(!is_match);
	zone_version_release(version);
}
END_TEST

START_TEST(hash_of_a_record_matches)
{
	struct zone_version *version = load();
	uint8_t hash[NSEC3_HASH_SIZE];
	bool is_match;

	zone_nsec3_hash(version, name_of("ai.example."), hash);
	ck_assert_ptr_nonnull(zone_find_nsec3(version, hash, &is_match));
	ck_assert(is_match);
	zone_nsec3_hash(version, name_of("ns1.example."), hash);
	ck_assert_ptr_nonnull(zone_find_nsec3(version, hash, &is_match));
	ck_assert(!is_match);
	zone_version_release(version);
}
END_TEST

/* RFC 5155 7.2.8 */
START_TEST(hashed_owner_is_no_name_of_the_zone)
{
	struct zone_version *version = load();
	struct lookup found;

	zone_lookup(version,
		    name_of("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example."),
		    RRTYPE_NSEC3, &found);
	ck_assert_int_eq(found.kind, LOOKUP_NXDOMAIN);
	ck_assert(zone_version_has_nsec3(version));
	ck_assert(!zone_version_has_nsec(version));
	ck_assert_uint_eq(zone_version_names(version), 1);
	ck_assert_uint_eq(zone_version_records(version), 7);
	zone_version_release(version);
}
END_TEST

START_TEST(chain_follows_changes)
{
	struct zone_version *base = load();
	struct zone_version *version;
	struct zone_writer *writer;
	struct zone_fault fault;
	enum status status;
	uint8_t hash[NSEC3_HASH_SIZE];
	bool is_match;

	writer = zone_writer_new(base, &status);
	add_nsec3(writer, "2t7b4g4vsa5smi47k61mv5bv1a22bojr");
	ck_assert_int_eq(zone_writer_finish(writer, &version, &fault),
			 STATUS_OK);
	zone_nsec3_hash(version, name_of("ns1.example."), hash);
	zone_find_nsec3(version, hash, &is_match);
	ck_assert(is_match);
	zone_find_nsec3(base, hash, &is_match);
	ck_assert(!is_match);
	zone_version_release(base);
	writer = zone_writer_new(version, &status);
	ck_assert_int_eq(zone_writer_remove(writer, name_of("example."),
					    RRTYPE_NSEC3PARAM, param,
					    sizeof(param)),
			 STATUS_OK);
	base = version;
	ck_assert_int_eq(zone_writer_finish(writer, &version, &fault),
			 STATUS_OK);
	ck_assert(!zone_version_has_nsec3(version));
	ck_assert_ptr_null(zone_find_nsec3(version, hash, &is_match));
	zone_version_release(base);
	zone_version_release(version);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nsec3");
	TCase *tcase = tcase_create("nsec3");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, hash_is_that_of_the_rfc, 0,
			    sizeof(vectors) / sizeof(vectors[0]));
	tcase_add_loop_test(tcase, hash_between_records_is_covered, 0,
			    sizeof(covers) / sizeof(covers[0]));
	tcase_add_test(tcase, hash_of_a_record_matches);
	tcase_add_test(tcase, hashed_owner_is_no_name_of_the_zone);
	tcase_add_test(tcase, chain_follows_changes);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
