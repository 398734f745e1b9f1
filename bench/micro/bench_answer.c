/*
 * bench_answer.c - ns a reply, octets in to octets out, on the root mix.
 *
 * usage: bench_answer ROOT_ZONE_FILE [ROUNDS]
 *
 * 52 % referrals (names below every TLD), 48 % NXDOMAIN (random labels), DO set,
 * payload 1232, in one shuffled order. Prints the median of the rounds and their
 * spread, for the whole with compiled replies and with written ones, and for the
 * stages on the way, each with all that come before it.
 */
#include "lib/answer/answer.h"
#include "lib/answer/compiled.h"
#include "lib/answer/query.h"
#include "lib/base/clock.h"
#include "lib/dns/message.h"
#include "lib/dns/rrtype.h"
#ifndef ROOTCAST_SOURCE_DIR
#define ROOTCAST_SOURCE_DIR "."
#endif
#include "tests/unit/served.h"

enum {
	QUERIES = 8192,
	ROUNDS_MAX = 1001,
	ROUNDS_DEFAULT = 21,
	REFERRALS_PERCENT = 52,
	TLDS_MAX = 4096,
	PAYLOAD = 1232,
};

struct query_octets {
	uint8_t octets[128];
	size_t size;
};

static struct served served;
static struct query_octets queries[QUERIES];
static struct dname_storage tlds[TLDS_MAX];
static unsigned tld_count;
static uint64_t seed = 88172645463325252u;
static struct answer *answer;
static struct answer_identity plain_identity;
static struct answer_context *plain; /* writes every reply */
static struct compiled_table *table;
static uint8_t reply[MESSAGE_MAX];
static uint64_t octets;
static uint64_t replies;
static uint64_t compiled;

/* xorshift64: the same queries in every run. */
static unsigned draw(unsigned below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % below;
}

static bool take_tld(const struct zone_version *version,
		     const struct zone_node *node, void *context)
{
	(void)context;
	if (zone_node_name(node)->labels == 1 && tld_count < TLDS_MAX &&
	    zone_node_find(version, node, RRTYPE_NS) != NULL) {
		dname_copy(&tlds[tld_count++], zone_node_name(node));
	}
	return true;
}

static void make_query(struct query_octets *query, unsigned id)
{
	struct wire_writer w =
		wire_writer_init(query->octets, sizeof(query->octets));
	struct dname_storage name;
	char text[32];
	unsigned length = 6 + draw(10);
	const struct dname *above = dname_root;

	if (draw(100) < REFERRALS_PERCENT) {
		above = dname_of(&tlds[draw(tld_count)]);
	}
	for (unsigned i = 0; i < length; i++) {
		text[i] = (char)('a' + draw(26));
	}
	if (dname_load(&name, text, length, above) != STATUS_OK) {
		abort();
	}
	message_write_query(&w, (uint16_t)id, dname_of(&name), RRTYPE_A,
			    RRCLASS_IN, PAYLOAD, true, false);
	query->size = wire_size(&w);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void answer_all(struct answer_context *context)
{
	struct answer_note note;

	for (unsigned i = 0; i < QUERIES; i++) {
		octets += answer_query(context, ANSWER_UDP, queries[i].octets,
				       queries[i].size, reply, sizeof(reply),
				       &note);
		compiled += note.is_compiled;
	}
	replies += QUERIES;
}

static void round_compiled(void)
{
	answer_all(served.context);
}

static void round_written(void)
{
	answer_all(plain);
}

static void round_parse(void)
{
	struct query query;

	for (unsigned i = 0; i < QUERIES; i++) {
		octets +=
			query_parse(queries[i].octets, queries[i].size, &query);
	}
}

static void round_zone(void)
{
	struct query query;

	for (unsigned i = 0; i < QUERIES; i++) {
		(void)query_parse(queries[i].octets, queries[i].size, &query);
		octets += zone_set_find(served.set, query_name(&query)) != NULL;
	}
}

static void round_seek(void)
{
	struct answer_found found;
	struct query query;

	for (unsigned i = 0; i < QUERIES; i++) {
		(void)query_parse(queries[i].octets, queries[i].size, &query);
		answer_seek(&query, served.set, &found);
		octets += found.denial != NULL;
	}
}

/* Of an empty table: what the way to the index costs. */
static void round_find(void)
{
	struct answer_found found;
	struct compiled_key key;
	struct query query;

	for (unsigned i = 0; i < QUERIES; i++) {
		(void)query_parse(queries[i].octets, queries[i].size, &query);
		answer_seek(&query, served.set, &found);
		octets += compiled_key_init(&key, &query, &found) &&
			  compiled_find(table, &key) != NULL;
	}
}

static void round_choose(void)
{
	struct query query;

	for (unsigned i = 0; i < QUERIES; i++) {
		(void)query_parse(queries[i].octets, queries[i].size, &query);
		answer_choose(&query, served.set, PAYLOAD, false, answer);
		octets += answer->authorities;
	}
}

/* The median in ns a reply. */
static double measure(const char *name, void (*round)(void), unsigned rounds)
{
	double results[ROUNDS_MAX];

	round();
	for (unsigned i = 0; i < rounds; i++) {
		uint64_t start = clock_monotonic_ns();

		round();
		results[i] = (double)(clock_monotonic_ns() - start) / QUERIES;
	}
	qsort(results, rounds, sizeof(results[0]), compare);
	printf("%-32s %8.1f ns  (%.1f to %.1f)\n", name, results[rounds / 2],
	       results[0], results[rounds - 1]);
	return results[rounds / 2];
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : ROUNDS_DEFAULT;
	if (argc < 2 || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr,
			"usage: bench_answer ROOT_ZONE_FILE [ROUNDS]\n");
		return 2;
	}
	served_init(&served);
	plain_identity = served.identity;
	plain_identity.compiled_budget = 0;
	plain = answer_context_new(&plain_identity, served.set);
	table = compiled_table_new(ANSWER_COMPILED_BUDGET);
	answer = calloc(1, sizeof(*answer));
	if (plain == NULL || table == NULL || answer == NULL) {
		fprintf(stderr, "out of memory\n");
		return 1;
	}
	if (!served_add_file(&served, argv[1], ".")) {
		fprintf(stderr, "%s: %s\n", argv[1], served.error);
		return 1;
	}
	zone_version_walk(zone_current(served.zones[0]), take_tld, NULL);
	if (tld_count == 0) {
		fprintf(stderr, "%s: no delegations\n", argv[1]);
		return 1;
	}
	for (unsigned i = 0; i < QUERIES; i++) {
		make_query(&queries[i], i);
	}
	(void)measure("parse", round_parse, rounds);
	(void)measure("parse, zone", round_zone, rounds);
	(void)measure("parse, zone, lookup", round_seek, rounds);
	(void)measure("parse, zone, lookup, key", round_find, rounds);
	(void)measure("parse, zone, lookup, choose", round_choose, rounds);
	(void)measure("all, written", round_written, rounds);
	round_compiled();
	round_compiled();
	octets = 0;
	replies = 0;
	compiled = 0;
	(void)measure("all, compiled", round_compiled, rounds);
	printf("%-32s %8.1f %%\n%-32s %8.1f octets\n", "compiled replies",
	       100.0 * (double)compiled / (double)replies, "reply",
	       (double)octets / (double)replies);
	compiled_table_free(table);
	answer_context_free(plain);
	free(answer);
	served_fini(&served);
	return 0;
}
