/*
 * bench_answer.c - ns a reply, octets in to octets out, on the root mix.
 *
 * usage: bench_answer ROOT_ZONE_FILE [ROUNDS]
 *
 * 52 % referrals (names below every TLD), 48 % NXDOMAIN (random labels), DO set,
 * payload 1232, in one shuffled order. Prints the median of the rounds and their
 * spread, for the whole and for its parts.
 */
#include "lib/answer/answer.h"
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
	ROUNDS_MAX = 101,
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
static uint8_t reply[MESSAGE_MAX];
static uint64_t octets;

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

static void round_whole(void)
{
	struct answer_note note;

	for (unsigned i = 0; i < QUERIES; i++) {
		octets += answer_query(served.context, ANSWER_UDP,
				       queries[i].octets, queries[i].size,
				       reply, sizeof(reply), &note);
	}
}

static void round_parse(void)
{
	struct query query;

	for (unsigned i = 0; i < QUERIES; i++) {
		octets +=
			query_parse(queries[i].octets, queries[i].size, &query);
	}
}

static void round_choose(void)
{
	struct query query;

	for (unsigned i = 0; i < QUERIES; i++) {
		octets +=
			query_parse(queries[i].octets, queries[i].size, &query);
		answer_choose(&query, served.set, PAYLOAD, false, answer);
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
	printf("%-22s %8.1f ns  (%.1f to %.1f)\n", name, results[rounds / 2],
	       results[0], results[rounds - 1]);
	return results[rounds / 2];
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : ROUNDS_DEFAULT;
	double parse;
	double choose;
	double whole;

	if (argc < 2 || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr,
			"usage: bench_answer ROOT_ZONE_FILE [ROUNDS]\n");
		return 2;
	}
	served_init(&served);
	answer = calloc(1, sizeof(*answer));
	if (answer == NULL || !served_add_file(&served, argv[1], ".")) {
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
	parse = measure("parse", round_parse, rounds);
	choose = measure("parse, choose", round_choose, rounds);
	octets = 0;
	whole = measure("parse, choose, write", round_whole, rounds);
	printf("%-22s %8.1f ns\n%-22s %8.1f ns\n%-22s %8.1f octets\n",
	       "choose alone", choose - parse, "write alone", whole - choose,
	       "reply", (double)octets / QUERIES / (rounds + 1));
	free(answer);
	served_fini(&served);
	return 0;
}
