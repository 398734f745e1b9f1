/*
 * checks_hosts.c - the hosts that NS, MX and SRV name, and glue.
 *
 * Whether glue is needed is seen at the cut. Whether it is too much is seen
 * from the other end: a host below a cut that the cut itself does not name is
 * set aside, and when any were, the NS sets are walked once more and those that
 * one of them names (sibling glue) are struck out. Most zones have none to
 * strike; a set of all names that NS name was rejected for its memory.
 *
 * A registry's delegations name the same few thousand servers again and again:
 * those that were found good are remembered, as many as fit a small table.
 */
#include "lib/zone/checks_walk.h"

#include "lib/dns/rrtype.h"

#include <stdlib.h>
#include <string.h>

enum {
	GOOD_HOSTS = 8192, /* a power of two */
	/* Looks for a name; beyond them a host is taken as named: nobody
	 * makes the checks slow by names of one hash. */
	LOOKS_MAX = 64,
};

/* FNV-1a over the octets of a name, folded. */
static uint32_t name_hash(const uint8_t *octets, size_t length)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < length; i++) {
		hash = (hash ^ dname_fold(octets[i])) * UINT64_C(0x100000001b3);
	}
	return (uint32_t)(hash ^ hash >> 32);
}

void check_hosts_init(struct check_walk *walk)
{
	walk->good_hosts = calloc(GOOD_HOSTS, sizeof(*walk->good_hosts));
}

void check_hosts_fini(struct check_walk *walk)
{
	free(walk->good_hosts);
}

static bool has_address(const struct zone_version *version,
			const struct zone_node *node)
{
	return zone_node_find(version, node, RRTYPE_A) != NULL ||
	       zone_node_find(version, node, RRTYPE_AAAA) != NULL;
}

/* One record that names a host. */
struct mention {
	const struct dname *owner;
	uint16_t type;
	const uint8_t *record;
	const struct dname *host;
};

static void tell(struct check_walk *walk, const struct mention *mention,
		 const char *what)
{
	char name[DNAME_TEXT_MAX];

	check_tell(walk, mention->owner, mention->type, mention->record,
		   "%s '%.200s'", what, dname_dump(mention->host, name));
}

/* A host of ours, not below a cut. */
static void check_own_host(struct check_walk *walk,
			   const struct mention *mention)
{
	struct lookup lookup;

	zone_lookup(walk->version, mention->host, RRTYPE_A, &lookup);
	switch (lookup.kind) {
	case LOOKUP_CNAME:
	case LOOKUP_DNAME:
		/* RFC 2181 10.3, RFC 2782 */
		tell(walk, mention, "names an alias");
		break;
	case LOOKUP_NXDOMAIN:
		tell(walk, mention, "names a host that is missing");
		break;
	case LOOKUP_NODATA:
		zone_lookup(walk->version, mention->host, RRTYPE_AAAA, &lookup);
		if (lookup.kind == LOOKUP_NODATA) {
			tell(walk, mention, "names a host without an address");
		}
		break;
	case LOOKUP_DELEGATION: {
		const struct zone_node *node =
			zone_find_node(walk->version, mention->host);

		/* A name server of this zone that only its own zone below can
		 * tell where it is (RFC 9471 2.2: sibling glue). */
		if (mention->type == RRTYPE_NS &&
		    (node == NULL || !has_address(walk->version, node))) {
			tell(walk, mention, "no sibling glue for");
		}
		break;
	}
	case LOOKUP_ANSWER:
		break;
	}
}

/* A name server below the cut that it serves is unreachable without glue. */
static void check_glue(struct check_walk *walk, const struct mention *mention)
{
	const struct zone_node *node =
		zone_find_node(walk->version, mention->host);

	if (node == NULL || !has_address(walk->version, node)) {
		tell(walk, mention, "no glue for");
	}
}

/* Is the label a number of 0 to 255? */
static bool is_octet_label(const uint8_t *label)
{
	unsigned value = 0;

	if (label[0] == 0 || label[0] > 3) {
		return false;
	}
	for (unsigned i = 1; i <= label[0]; i++) {
		if (label[i] < '0' || label[i] > '9') {
			return false;
		}
		value = value * 10 + label[i] - '0';
	}
	return value <= 255;
}

/* "192.0.2.1." or "192.0.2.1.example.": an address was written for a name. */
static bool is_address(const struct check_walk *walk, const struct dname *host)
{
	const uint8_t *label = host->octets;

	if (host->labels != 4 && host->labels != walk->apex->labels + 4) {
		return false;
	}
	for (unsigned i = 0; i < 4; i++) {
		if (!is_octet_label(label)) {
			return false;
		}
		label += label[0] + 1;
	}
	return true;
}

/* Letters, digits and hyphens (RFC 952, RFC 1123 2.1). */
static const bool is_host_octet[256] = {
	['-'] = true, ['0'] = true, ['1'] = true, ['2'] = true, ['3'] = true,
	['4'] = true, ['5'] = true, ['6'] = true, ['7'] = true, ['8'] = true,
	['9'] = true, ['a'] = true, ['b'] = true, ['c'] = true, ['d'] = true,
	['e'] = true, ['f'] = true, ['g'] = true, ['h'] = true, ['i'] = true,
	['j'] = true, ['k'] = true, ['l'] = true, ['m'] = true, ['n'] = true,
	['o'] = true, ['p'] = true, ['q'] = true, ['r'] = true, ['s'] = true,
	['t'] = true, ['u'] = true, ['v'] = true, ['w'] = true, ['x'] = true,
	['y'] = true, ['z'] = true,
};

static bool is_host_name(const struct dname *name, bool may_be_wildcard)
{
	const uint8_t *label = name->octets;

	if (may_be_wildcard && dname_is_wildcard(name)) {
		label += label[0] + 1;
	}
	for (; label[0] != 0; label += label[0] + 1) {
		if (label[1] == '-' || label[label[0]] == '-') {
			return false;
		}
		for (unsigned i = 1; i <= label[0]; i++) {
			if (!is_host_octet[dname_fold(label[i])]) {
				return false;
			}
		}
	}
	return true;
}

void check_host_name(struct check_walk *walk, const struct dname *owner,
		     uint16_t type)
{
	if (!is_host_name(owner, true)) {
		check_count(walk, CHECK_HOST_NAMES, owner, type, NULL);
	}
}

/* A record of the version that names such a server, or NULL. */
static const uint8_t **good_place(const struct check_walk *walk,
				  const uint8_t *record)
{
	return &walk->good_hosts[name_hash(rdata_octets(record),
					   rdata_length(record)) %
				 GOOD_HOSTS];
}

/* Was the same server looked at before, and nothing told of it? */
static bool is_known_good(const struct check_walk *walk, const uint8_t *record)
{
	const uint8_t *good = *good_place(walk, record);

	return good != NULL && rdata_length(good) == rdata_length(record) &&
	       dname_octets_equal(rdata_octets(good), rdata_octets(record),
				  rdata_length(record));
}

static void check_host(struct check_walk *walk, const struct mention *mention,
		       bool is_cut)
{
	if (mention->host->length == 1) {
		return; /* RFC 7505, RFC 2782: no such service */
	}
	if (is_address(walk, mention->host)) {
		tell(walk, mention, "names an address, not a host:");
		return;
	}
	if (mention->type != RRTYPE_SRV &&
	    !is_host_name(mention->host, false)) {
		tell(walk, mention, "names what is no host name:");
	}
	if (is_cut && dname_is_below_or_equal(mention->host, mention->owner)) {
		check_glue(walk, mention);
	} else if (dname_is_below_or_equal(mention->host, walk->apex)) {
		check_own_host(walk, mention);
	}
}

void check_hosts(struct check_walk *walk, const struct dname *owner,
		 const struct rrset *rrset, bool is_cut)
{
	size_t skip = rrset->type == RRTYPE_NS   ? 0
		      : rrset->type == RRTYPE_MX ? 2
						 : 6; /* SRV */
	const uint8_t *record = rrset_first(rrset);

	for (unsigned i = 0; i < rrset->count;
	     i++, record = rrset_next(record)) {
		struct dname_storage host;
		struct mention mention = {owner, rrset->type, record,
					  dname_of(&host)};
		/* A delegation's own servers are met once. */
		bool may_come_again =
			rrset->type == RRTYPE_NS && walk->good_hosts != NULL &&
			!(is_cut &&
			  dname_octets_are_below(rdata_octets(record),
						 rdata_length(record), owner));
		size_t told = walk->result.warnings;

		if (may_come_again && is_known_good(walk, record)) {
			continue;
		}
		dname_from_octets(&host, rdata_octets(record) + skip);
		check_host(walk, &mention, is_cut);
		if (may_come_again && told == walk->result.warnings) {
			*good_place(walk, record) = record;
		}
	}
}

/* --- extra glue ----------------------------------------------------------- */

static bool ns_names(const struct rrset *ns, const struct dname *host)
{
	const uint8_t *record = rrset_first(ns);

	for (unsigned i = 0; i < ns->count; i++) {
		if (rdata_length(record) == host->length &&
		    dname_octets_equal(rdata_octets(record), host->octets,
				       host->length)) {
			return true;
		}
		record = rrset_next(record);
	}
	return false;
}

/* Without memory the host is taken as named: a warning less. */
static void set_aside(struct check_walk *walk, const struct zone_node *node)
{
	if (walk->spare_count == walk->spare_capacity) {
		size_t capacity = 2 * walk->spare_capacity + 64;
		const struct zone_node **hosts =
			realloc(walk->spare_hosts, capacity * sizeof(*hosts));

		if (hosts == NULL) {
			return;
		}
		walk->spare_hosts = hosts;
		walk->spare_capacity = capacity;
	}
	walk->spare_hosts[walk->spare_count++] = node;
}

/*
 * RFC 4035 2.2: the parent's own word at a cut. A DNAME beside NS is told for
 * itself.
 */
static bool is_of_parent(uint16_t type)
{
	return type == RRTYPE_NS || type == RRTYPE_DS || type == RRTYPE_NSEC ||
	       type == RRTYPE_DNAME;
}

void check_below_cut(struct check_walk *walk, const struct zone_node *node)
{
	const struct dname *owner = zone_node_name(node);
	bool is_cut = dname_equal(owner, dname_of(&walk->cut));
	uint16_t host = 0;

	for (size_t i = 0; i < zone_node_rrset_count(node); i++) {
		const struct rrset *rrset =
			zone_node_rrset_at(walk->version, node, i);

		if (rrset->count == 0 ||
		    (is_cut && is_of_parent(rrset->type))) {
			continue;
		}
		if (rrset->type == RRTYPE_A || rrset->type == RRTYPE_AAAA) {
			host = rrset->type;
		} else {
			check_count(walk,
				    rrset->type == RRTYPE_NSEC
					    ? CHECK_NSEC_STRAY
					    : CHECK_HIDDEN,
				    owner, rrset->type, NULL);
		}
		if (rrset->ttl > walk->expire) {
			check_count(walk, CHECK_LONG_TTL, owner, rrset->type,
				    NULL);
		}
	}
	if (host != 0) {
		check_host_name(walk, owner, host);
		if (!ns_names(walk->cut_ns, owner)) {
			set_aside(walk, node);
		}
	}
}

/* Which of the hosts set aside some NS names: a table by the hash of names. */
struct strike {
	struct check_walk *walk;
	bool *is_named;
	uint32_t *places; /* index of a host and 1, or 0: free */
	size_t mask;      /* their number, a power of two, less 1 */
};

static bool strike_init(struct strike *strike)
{
	const struct check_walk *walk = strike->walk;
	size_t places = 64;

	while (places < 2 * walk->spare_count) {
		places *= 2;
	}
	strike->mask = places - 1;
	strike->is_named = calloc(walk->spare_count, sizeof(bool));
	strike->places = calloc(places, sizeof(*strike->places));
	if (strike->is_named == NULL || strike->places == NULL) {
		return false;
	}
	for (size_t i = 0; i < walk->spare_count; i++) {
		const struct dname *name = zone_node_name(walk->spare_hosts[i]);
		size_t at = name_hash(name->octets, name->length);
		unsigned looks = 0;

		while (strike->places[at & strike->mask] != 0 &&
		       looks < LOOKS_MAX) {
			at++;
			looks++;
		}
		if (looks == LOOKS_MAX) {
			strike->is_named[i] = true;
		} else {
			strike->places[at & strike->mask] = (uint32_t)(i + 1);
		}
	}
	return true;
}

static void strike_one(struct strike *strike, const uint8_t *octets,
		       size_t length)
{
	size_t at = name_hash(octets, length);
	uint32_t place;

	while ((place = strike->places[at++ & strike->mask]) != 0) {
		const struct dname *name =
			zone_node_name(strike->walk->spare_hosts[place - 1]);

		if (name->length == length &&
		    dname_octets_equal(name->octets, octets, length)) {
			strike->is_named[place - 1] = true;
			return;
		}
	}
}

static bool strike_named(const struct zone_version *version,
			 const struct zone_node *node, void *context)
{
	const struct rrset *ns = zone_node_find(version, node, RRTYPE_NS);
	const uint8_t *record;

	if (ns == NULL) {
		return true;
	}
	record = rrset_first(ns);
	for (unsigned i = 0; i < ns->count; i++) {
		strike_one(context, rdata_octets(record), rdata_length(record));
		record = rrset_next(record);
	}
	return true;
}

void check_spare_hosts(struct check_walk *walk)
{
	struct strike strike = {.walk = walk};

	if (walk->spare_count > 0 && strike_init(&strike)) {
		zone_version_walk(walk->version, strike_named, &strike);
		for (size_t i = 0; i < walk->spare_count; i++) {
			if (!strike.is_named[i]) {
				check_count(
					walk, CHECK_EXTRA_GLUE,
					zone_node_name(walk->spare_hosts[i]), 0,
					NULL);
			}
		}
	}
	free(strike.is_named);
	free(strike.places);
	free(walk->spare_hosts);
	walk->spare_hosts = NULL;
	walk->spare_count = 0;
}
