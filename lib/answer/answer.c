/*
 * answer.c - RFC 1034 4.3.2 with all that came after it, on lookups.
 *
 * One turn of the loop in answer_choose() is one name of a chain: find its
 * zone, look it up, add what the kind of the result asks for. The kinds, and
 * what goes in (+ only when DO is set, RFC 4035 3.1):
 *
 *	ANSWER		answer: RRset	authority: + proof of a wildcard
 *			additional: addresses of the hosts it names (NS, MX...)
 *	CNAME		answer: CNAME	and again with its target
 *	DNAME		answer: DNAME, CNAME made of it; again with its target
 *	DELEGATION	authority: NS, + DS or proof of none
 *			additional: glue
 *	NODATA		authority: SOA, + proof
 *	NXDOMAIN	authority: SOA, + proofs of no name and no wildcard
 *
 * Where RFCs leave room (peers: NSD 4.6, Knot DNS 3.2, BIND 9.18, asked):
 *
 *	positive answers have no NS in authority (Knot, BIND): RSSAC047 asks for
 *	it where DNSKEY and DS are concerned, and it saves octets elsewhere.
 *
 *	ANY over UDP: the first RRset of the name, RFC 8482 4.1; over TCP all,
 *	4.4. ANY below a DNAME follows the CNAME that was made (NSD, Knot);
 *	CNAME asked below a DNAME is answered by it.
 *
 *	RRSIG: every signature of the name (NSD; Knot sends those of one RRset).
 *
 *	a chain goes on in every zone that is served here; it ends without a
 *	word where it leaves them, where a name comes again, at
 *	ANSWER_CHAIN_MAX names, or at a zone that has no version: the resolver
 *	asks again for the last name. At a cut it ends with the referral in
 *	authority (all three). AA belongs to the first name (RFC 1034 4.3.1,
 *	RFC 1035 4.1.1), the RCODE to the last (RFC 6604 3).
 *
 *	class ANY: answered from class IN, never AA (NSD; RFC 1035 6.2, since
 *	other classes are not covered; Knot sets AA, BIND says FORMERR).
 *
 *	types of queries only (MAILA, TKEY, OPT, 0 ...) are looked up as any
 *	type that no name has (NSD, Knot), except NXNAME: FORMERR (RFC 9824
 *	3.5), and AXFR and IXFR. Those are REFUSED for a zone of ours until
 *	there are transfers, NOTAUTH elsewhere (RFC 5936 2.2.1; all three), and
 *	AXFR over UDP is NOTIMP (RFC 5936 4.2; NSD, Knot).
 *
 *	DO in a zone without DNSKEY: its DNSSEC records, RRSIG and DS too, are
 *	sent only to those who ask for them (all three).
 *
 *	both chains in a zone: NSEC3 is used. While one chain replaces the
 *	other, NSEC3PARAM is there exactly as long as the NSEC3 chain is whole
 *	(RFC 5155 10.4, 10.5; NSD, Knot).
 *
 *	SVCB and HTTPS bring the records of that type of the names they point
 *	at as well (RFC 9460 4.1; Knot), but go no further.
 *
 *	additional addresses come from the zone of the answer, glue included:
 *	what a compiled reply is made of changes with one zone only.
 */
#include "lib/answer/answer.h"

#include "lib/dns/rrtype.h"

enum {
	/* A record with its owner as a pointer, less RDLENGTH and RDATA. */
	RECORD_LEAST = 2 + 2 + 2 + 4,
	/* Servers looked up together: those of nearly every delegation. */
	HOSTS_WINDOW = 16,
};

struct chooser {
	struct answer *answer;
	const struct answer_found *found;   /* for the question's name */
	const struct zone_version *version; /* of the current name's zone */
	const struct dname *question;
	const struct dname *name; /* the one of the chain looked up now */
	uint16_t qtype;
	unsigned names;    /* of the chain so far */
	bool wants_dnssec; /* DO, and the zone is signed */
	bool is_full;
	size_t room; /* octets of the reply */
};

static bool is_first(const struct chooser *c)
{
	return c->names == 1;
}

static struct answer_item item_of(const struct chooser *c,
				  const struct dname *owner,
				  const struct rrset *rrset)
{
	return (struct answer_item){
		.owner = owner->octets,
		.rrset = rrset,
		.ttl_max = UINT32_MAX,
		.owner_length = owner->length,
		.place = ANSWER_OWNER_NAME,
		.has_records = true,
		.has_signatures = c->wants_dnssec && rrset->signatures > 0,
	};
}

/* The current name, or an ancestor of it, as an owner. */
static struct answer_item item_above(const struct chooser *c,
				     const struct dname *owner,
				     const struct rrset *rrset)
{
	struct answer_item item = item_of(c, owner, rrset);

	if (is_first(c)) {
		item.place = ANSWER_OWNER_QUESTION;
	}
	return item;
}

static void add_answer(struct chooser *c, struct answer_item item)
{
	if (c->answer->answers < ANSWER_ANSWER_MAX) {
		c->answer->answer[c->answer->answers++] = item;
	}
}

/* Two proofs may need one RRset; it stands once. */
static void add_authority(struct chooser *c, struct answer_item item)
{
	struct answer *answer = c->answer;

	for (unsigned i = 0; i < answer->authorities; i++) {
		if (answer->authority[i].rrset == item.rrset) {
			return;
		}
	}
	if (answer->authorities < ANSWER_AUTHORITY_MAX) {
		answer->authority[answer->authorities++] = item;
	}
}

/* --- denial --------------------------------------------------------------- */

static void add_soa(struct chooser *c)
{
	const struct zone_node *apex = zone_version_apex_node(c->version);
	const struct rrset *soa = zone_node_find(c->version, apex, RRTYPE_SOA);
	struct answer_item item;

	if (soa == NULL) {
		return;
	}
	item = item_above(c, zone_node_name(apex), soa);
	/* RFC 2308 3: also the TTL that its signature is sent with. */
	item.ttl_max = zone_version_negative_ttl(c->version);
	add_authority(c, item);
}

/* The RRset of type of a node, with its signatures; false where it has none. */
static bool add_proof(struct chooser *c, const struct zone_node *node,
		      uint16_t type)
{
	const struct rrset *rrset =
		node == NULL ? NULL : zone_node_find(c->version, node, type);

	if (rrset == NULL) {
		return false;
	}
	add_authority(c, item_of(c, zone_node_name(node), rrset));
	return true;
}

/* RFC 5155 10.4: where there is an NSEC3 chain, it is the one to be used. */
static bool uses_nsec(const struct zone_version *version)
{
	return zone_version_has_nsec(version) &&
	       !zone_version_has_nsec3(version);
}

/* The NSEC that matches or covers name. */
static void add_nsec(struct chooser *c, const struct dname *name)
{
	(void)add_proof(c, zone_find_nsec(c->version, name), RRTYPE_NSEC);
}

/* The NSEC that covers the current name, which is not there. */
static void add_covering_nsec(struct chooser *c)
{
	if (is_first(c)) {
		(void)add_proof(c, c->found->denial, RRTYPE_NSEC);
	} else {
		add_nsec(c, c->name);
	}
}

/* The NSEC3 that matches or covers name; true where it matches. */
static bool add_nsec3(struct chooser *c, const struct dname *name)
{
	uint8_t hash[NSEC3_HASH_SIZE];
	bool is_match = false;

	zone_nsec3_hash(c->version, name, hash);
	(void)add_proof(c, zone_find_nsec3(c->version, hash, &is_match),
			RRTYPE_NSEC3);
	return is_match;
}

static bool add_matching_nsec3(struct chooser *c, const struct dname *name)
{
	uint8_t hash[NSEC3_HASH_SIZE];
	bool is_match = false;
	const struct zone_node *node;

	zone_nsec3_hash(c->version, name, hash);
	node = zone_find_nsec3(c->version, hash, &is_match);
	return is_match && add_proof(c, node, RRTYPE_NSEC3);
}

/* The NSEC3 of name's ancestor that is one label longer than encloser. */
static void add_next_closer(struct chooser *c, const struct dname *name,
			    unsigned encloser_labels)
{
	struct dname_storage closer;

	if (name->labels <= encloser_labels) {
		return;
	}
	/* That of the question has been hashed before. */
	if (is_first(c) && name == c->name && c->found->denial != NULL &&
	    zone_node_name(c->found->lookup.encloser)->labels ==
		    encloser_labels) {
		(void)add_proof(c, c->found->denial, RRTYPE_NSEC3);
		return;
	}
	dname_ancestor(&closer, name, encloser_labels + 1);
	(void)add_nsec3(c, dname_of(&closer));
}

/*
 * RFC 5155 7.2.1: the closest encloser that the chain can prove, and the next
 * closer name covered. Under opt-out an empty non-terminal may have no NSEC3:
 * then it is an ancestor. *out is that encloser; false where the chain is
 * broken.
 */
static bool add_closest_encloser_proof(struct chooser *c,
				       const struct dname *name,
				       unsigned labels,
				       struct dname_storage *out)
{
	unsigned apex_labels = zone_version_apex(c->version)->labels;

	for (;;) {
		dname_ancestor(out, name, labels);
		if (add_matching_nsec3(c, dname_of(out))) {
			break;
		}
		if (labels <= apex_labels) {
			return false;
		}
		labels--;
	}
	add_next_closer(c, name, labels);
	return true;
}

static void add_nxdomain_proof(struct chooser *c, const struct dname *encloser)
{
	struct dname_storage wildcard;

	if (uses_nsec(c->version)) {
		add_covering_nsec(c);
		/* A wildcard too long to be is no name that needs a proof. */
		if (dname_wildcard(&wildcard, encloser) == STATUS_OK) {
			add_nsec(c, dname_of(&wildcard));
		}
	} else if (zone_version_has_nsec3(c->version)) {
		struct dname_storage proven;

		/* RFC 5155 7.2.2 */
		if (add_closest_encloser_proof(c, c->name, encloser->labels,
					       &proven) &&
		    dname_wildcard(&wildcard, dname_of(&proven)) == STATUS_OK) {
			(void)add_nsec3(c, dname_of(&wildcard));
		}
	}
}

/*
 * That a name has not the type: its own NSEC or NSEC3, or what stands for it.
 */
static void add_nodata_proof(struct chooser *c, const struct zone_node *node)
{
	const struct dname *name = zone_node_name(node);

	if (uses_nsec(c->version)) {
		/*
		 * An empty non-terminal has no NSEC: it lies in another's span.
		 */
		if (!add_proof(c, node, RRTYPE_NSEC)) {
			add_nsec(c, name);
		}
	} else if (zone_version_has_nsec3(c->version)) {
		struct dname_storage proven;

		/* RFC 5155 7.2.3; 7.2.4 where opt-out left the name out. */
		if (!add_matching_nsec3(c, name) && name->labels > 0) {
			(void)add_closest_encloser_proof(
				c, name, name->labels - 1u, &proven);
		}
	}
}

/* That a wildcard was right to stand for the name (RFC 4035 3.1.3.3). */
static void add_wildcard_proof(struct chooser *c, const struct dname *encloser)
{
	if (!c->wants_dnssec) {
		return;
	}
	if (uses_nsec(c->version)) {
		add_covering_nsec(c);
	} else if (zone_version_has_nsec3(c->version)) {
		/* RFC 5155 7.2.6: the signature's labels tell the encloser. */
		add_next_closer(c, c->name, encloser->labels);
	}
}

static void add_wildcard_nodata_proof(struct chooser *c,
				      const struct lookup *found)
{
	if (uses_nsec(c->version)) {
		/* RFC 4035 3.1.3.4 */
		add_nodata_proof(c, found->node);
		add_covering_nsec(c);
	} else if (zone_version_has_nsec3(c->version)) {
		struct dname_storage proven;

		/* RFC 5155 7.2.5 */
		(void)add_closest_encloser_proof(
			c, c->name, zone_node_name(found->encloser)->labels,
			&proven);
		(void)add_matching_nsec3(c, zone_node_name(found->node));
	}
}

/* --- addresses ------------------------------------------------------------ */

/*
 * Where a record of that type names a host, its offset into RDATA; -1 for types
 * that do not.
 */
static int target_offset(uint16_t type)
{
	switch (type) {
	case RRTYPE_NS:
		return 0;
	case RRTYPE_MX:
	case RRTYPE_AFSDB: /* RFC 1183 1 */
	case RRTYPE_RT:    /* RFC 1183 3.3 */
	case RRTYPE_KX:    /* RFC 2230 3.2 */
	case RRTYPE_SVCB:
	case RRTYPE_HTTPS:
		return 2;
	case RRTYPE_SRV:
		return 6;
	default:
		return -1;
	}
}

static bool is_service(uint16_t type)
{
	return type == RRTYPE_SVCB || type == RRTYPE_HTTPS;
}

static bool has_additional(const struct answer *answer,
			   const struct rrset *rrset)
{
	for (unsigned i = 0; i < answer->additionals; i++) {
		if (answer->additional[i].rrset == rrset) {
			return true;
		}
	}
	return false;
}

static size_t least_size(const struct rrset *rrset)
{
	return rrset->size + (size_t)rrset->count * RECORD_LEAST;
}

/* A host of record number index of an RRset. */
struct host {
	struct zone_place place;
	uint16_t index;
	uint8_t owner; /* enum answer_owner */
};

/* One RRset of a host; false where the room is known to be too small. */
static bool add_additional(struct chooser *c, const struct host *host,
			   const struct rrset *rrset)
{
	struct answer *answer = c->answer;
	struct answer_item *item;

	if (answer->additionals == ANSWER_ADDITIONAL_MAX ||
	    least_size(rrset) > c->room) {
		return false;
	}
	c->room -= least_size(rrset);
	item = &answer->additional[answer->additionals++];
	item->owner = host->place.octets;
	item->rrset = rrset;
	item->ttl_max = UINT32_MAX;
	item->target = host->index;
	item->owner_length = (uint8_t)host->place.length;
	item->place = host->owner;
	item->has_records = true;
	item->has_signatures = c->wants_dnssec && rrset->signatures > 0;
	item->is_source = false;
	return true;
}

/* A and AAAA of a host that source names; false as above. */
static bool add_addresses(struct chooser *c, const struct host *host,
			  const struct zone_node *node,
			  const struct rrset *source)
{
	/* The third is looked for only where a service is named. */
	const uint16_t types[] = {RRTYPE_A, RRTYPE_AAAA, source->type};
	const size_t count = is_service(source->type) ? 3 : 2;
	const bool is_ns = source->type == RRTYPE_NS;

	for (size_t i = 0; i < count; i++) {
		const struct rrset *rrset =
			zone_node_find(c->version, node, types[i]);

		if (rrset == NULL || rrset == source) {
			continue;
		}
		/* The hosts of an NS RRset differ; those of others may not. */
		if (!is_ns && has_additional(c->answer, rrset)) {
			continue;
		}
		if (!add_additional(c, host, rrset)) {
			return false;
		}
	}
	return true;
}

/* Those of hosts that were sought; false as above. */
static bool add_hosts(struct chooser *c, const struct host *hosts,
		      unsigned count, const struct rrset *source)
{
	for (unsigned i = 0; i < count; i++) {
		const struct zone_node *node = zone_place_node(&hosts[i].place);

		if (node != NULL &&
		    !add_addresses(c, &hosts[i], node, source)) {
			return false;
		}
	}
	return true;
}

/*
 * The addresses of the servers below the cut, or of the others that are in this
 * zone, at most ANSWER_TARGETS_MAX of them; a window of servers is sought
 * before the first of it is looked at. False where the room is too small.
 */
static bool add_servers(struct chooser *c, struct zone_finder *finder,
			const struct rrset *ns, const struct dname *cut,
			bool is_below)
{
	const struct dname *apex = zone_version_apex(c->version);
	const uint8_t *record = rrset_first(ns);
	struct host hosts[HOSTS_WINDOW];
	unsigned others = 0;
	uint16_t i = 0;

	while (i < ns->count && others < ANSWER_TARGETS_MAX) {
		unsigned count = 0;

		while (i < ns->count && count < HOSTS_WINDOW &&
		       others < ANSWER_TARGETS_MAX) {
			const uint8_t *octets = rdata_octets(record);
			size_t length = rdata_length(record);

			if (dname_octets_are_below(octets, length, cut) ==
				    is_below &&
			    dname_octets_are_below(octets, length, apex)) {
				hosts[count].index = i;
				hosts[count].owner = ANSWER_OWNER_TARGET;
				hosts[count++].place = zone_finder_seek(
					finder, octets, length);
				others += !is_below;
			}
			i++;
			record = rrset_next(record);
		}
		if (!add_hosts(c, hosts, count, ns)) {
			return false;
		}
	}
	return true;
}

/*
 * Glue of a referral: first that of every server below the cut, which must be
 * there (RFC 9471 3.1), then that of others in this zone (3.2).
 */
static void add_glue(struct chooser *c, const struct rrset *ns,
		     const struct dname *cut)
{
	struct answer *answer = c->answer;
	struct zone_finder finder;

	zone_finder_init(&finder, c->version);
	answer->is_truncated = !add_servers(c, &finder, ns, cut, true);
	if (!answer->is_truncated) {
		answer->additionals_required = answer->additionals;
		(void)add_servers(c, &finder, ns, cut, false);
	}
}

/* What an answer's hosts have for it (RFC 1035 3.3, RFC 2782, RFC 9460 4.1). */
static void add_targets(struct chooser *c, const struct rrset *rrset,
			const struct dname *owner)
{
	int offset = target_offset(rrset->type);
	const struct dname *apex = zone_version_apex(c->version);
	const uint8_t *record = rrset_first(rrset);
	struct host hosts[ANSWER_TARGETS_MAX];
	struct zone_finder finder;
	unsigned count = 0;

	if (offset < 0) {
		return;
	}
	zone_finder_init(&finder, c->version);
	for (uint16_t i = 0; i < rrset->count && i < ANSWER_TARGETS_MAX;
	     i++, record = rrset_next(record)) {
		const uint8_t *octets = rdata_octets(record) + offset;
		enum answer_owner how = rrset->type == RRTYPE_NS
						? ANSWER_OWNER_TARGET
						: ANSWER_OWNER_NAME;
		size_t length;

		/*
		 * RFC 9460 2.5: "." stands for the owner; elsewhere for none.
		 */
		if (*octets == 0 && is_service(rrset->type)) {
			octets = owner->octets;
			how = is_first(c) ? ANSWER_OWNER_QUESTION : how;
		}
		length = dname_wire_length(octets, DNAME_MAX);
		if (dname_octets_are_below(octets, length, apex)) {
			hosts[count].index = i;
			hosts[count].owner = (uint8_t)how;
			hosts[count++].place =
				zone_finder_seek(&finder, octets, length);
		}
	}
	(void)add_hosts(c, hosts, count, rrset);
}

/* --- the kinds ------------------------------------------------------------ */

/* The reply's pointers into the question start here (rule 1 of the design). */
static void set_anchor(struct chooser *c, const struct zone_node *node)
{
	if (is_first(c)) {
		c->answer->anchor = zone_node_name(node);
	}
}

/* Everything at the node, or the first RRset of it (RFC 8482 4.1). */
static void answer_any(struct chooser *c, const struct zone_node *node)
{
	size_t count = zone_node_rrset_count(node);

	for (size_t i = 0; i < count; i++) {
		const struct rrset *rrset =
			zone_node_rrset_at(c->version, node, i);

		if (rrset->count == 0) {
			continue;
		}
		add_answer(c, item_above(c, c->name, rrset));
		if (!c->is_full) {
			return;
		}
	}
}

static void answer_signatures(struct chooser *c, const struct zone_node *node)
{
	size_t count = zone_node_rrset_count(node);

	for (size_t i = 0; i < count; i++) {
		const struct rrset *rrset =
			zone_node_rrset_at(c->version, node, i);
		struct answer_item item = item_above(c, c->name, rrset);

		if (rrset->signatures > 0) {
			item.has_records = false;
			item.has_signatures = true;
			add_answer(c, item);
		}
	}
}

static void choose_answer(struct chooser *c, const struct lookup *found)
{
	set_anchor(c, found->is_wildcard ? found->encloser : found->node);
	if (found->rrset != NULL) {
		struct answer_item item = item_above(c, c->name, found->rrset);

		item.is_source = found->rrset->type == RRTYPE_NS;
		add_answer(c, item);
		add_targets(c, found->rrset, c->name);
	} else if (c->qtype == RRTYPE_RRSIG) {
		answer_signatures(c, found->node);
	} else {
		answer_any(c, found->node);
	}
	if (found->is_wildcard) {
		add_wildcard_proof(c, zone_node_name(found->encloser));
	}
}

static void choose_delegation(struct chooser *c, const struct lookup *found)
{
	const struct dname *cut = zone_node_name(found->node);
	const struct rrset *ns =
		zone_node_find(c->version, found->node, RRTYPE_NS);
	struct answer_item item = item_above(c, cut, ns);
	const struct rrset *ds;

	set_anchor(c, found->node);
	if (is_first(c)) {
		c->answer->is_authoritative = false;
		c->answer->is_delegation = true;
	}
	item.is_source = true;
	item.has_signatures = false; /* the NS of a cut are the child's */
	add_authority(c, item);
	if (c->wants_dnssec) {
		ds = zone_node_find(c->version, found->node, RRTYPE_DS);
		if (ds == NULL) {
			add_nodata_proof(c, found->node);
		} else if (ds->signatures > 0) {
			/*
			 * RFC 4035 3.1.4: with its signature. One that has none
			 * stands in an unsigned zone, and says nothing.
			 */
			add_authority(c, item_above(c, cut, ds));
		}
	}
	add_glue(c, ns, cut);
}

static void choose_nodata(struct chooser *c, const struct lookup *found)
{
	set_anchor(c, found->is_wildcard ? found->encloser : found->node);
	add_soa(c);
	if (!c->wants_dnssec) {
		return;
	}
	if (found->is_wildcard) {
		add_wildcard_nodata_proof(c, found);
	} else {
		add_nodata_proof(c, found->node);
	}
}

static void choose_nxdomain(struct chooser *c, const struct lookup *found)
{
	set_anchor(c, found->encloser);
	c->answer->rcode = RCODE_NXDOMAIN;
	add_soa(c);
	if (c->wants_dnssec) {
		add_nxdomain_proof(c, zone_node_name(found->encloser));
	}
}

/*
 * Go on with the name in octets. False at the end of the chain's room, and
 * where the name has been there before: the chain is a loop.
 */
static bool follow(struct chooser *c, const uint8_t *octets)
{
	struct answer *answer = c->answer;
	struct dname_storage *next;

	if (c->names == ANSWER_CHAIN_MAX) {
		return false;
	}
	next = &answer->chain[c->names];
	dname_from_octets(next, octets);
	if (dname_equal(c->question, dname_of(next))) {
		return false;
	}
	for (unsigned i = 1; i < c->names; i++) {
		if (dname_equal(dname_of(&answer->chain[i]), dname_of(next))) {
			return false;
		}
	}
	c->names++;
	c->name = dname_of(next);
	return true;
}

static bool choose_cname(struct chooser *c, const struct lookup *found)
{
	set_anchor(c, found->is_wildcard ? found->encloser : found->node);
	add_answer(c, item_above(c, c->name, found->rrset));
	if (found->is_wildcard) {
		add_wildcard_proof(c, zone_node_name(found->encloser));
	}
	return follow(c, rdata_octets(rrset_first(found->rrset)));
}

/* RFC 6672 3.1: the CNAME has the TTL of the DNAME. */
static const struct rrset *synthesize(struct answer_cname *cname,
				      const struct dname *target, uint32_t ttl)
{
	uint8_t *record = cname->octets + sizeof(struct rrset);

	cname->rrset.type = RRTYPE_CNAME;
	cname->rrset.count = 1;
	cname->rrset.signatures = 0;
	cname->rrset.ttl = ttl;
	cname->rrset.signature_ttl = 0;
	cname->rrset.size = 2u + target->length;
	cname->rrset.signature_size = 0;
	wire_put16(record, target->length);
	memcpy(record + 2, target->octets, target->length);
	return &cname->rrset;
}

static bool has_answer(const struct answer *answer, const struct rrset *rrset)
{
	for (unsigned i = 0; i < answer->answers; i++) {
		if (answer->answer[i].rrset == rrset) {
			return true;
		}
	}
	return false;
}

static bool choose_dname(struct chooser *c, const struct lookup *found)
{
	const struct dname *owner = zone_node_name(found->node);
	struct dname_storage target;
	struct dname_storage result;
	const struct rrset *cname;

	set_anchor(c, found->node);
	/* One DNAME may serve many names of a chain; it stands once. */
	if (!has_answer(c->answer, found->rrset)) {
		add_answer(c, item_above(c, owner, found->rrset));
	}
	dname_from_octets(&target, rdata_octets(rrset_first(found->rrset)));
	if (dname_substitute(&result, c->name, owner, dname_of(&target)) !=
	    STATUS_OK) {
		c->answer->rcode = RCODE_YXDOMAIN; /* RFC 6672 2.2 */
		return false;
	}
	cname = synthesize(&c->answer->synthesized[c->names - 1],
			   dname_of(&result), found->rrset->ttl);
	add_answer(c, item_above(c, c->name, cname));
	return c->qtype != RRTYPE_CNAME && follow(c, dname_of(&result)->octets);
}

/* --- zones ---------------------------------------------------------------- */

static enum answer_place enter(struct answer_found *found,
			       const struct zone *zone)
{
	if (zone == NULL) {
		return ANSWER_PLACE_NONE;
	}
	/* One reply, one version of a zone, whatever is published meanwhile. */
	if (zone != found->zone) {
		found->zone = zone;
		found->version = zone_current(zone);
	}
	return found->version != NULL ? ANSWER_PLACE_FOUND : ANSWER_PLACE_EMPTY;
}

/*
 * DS at an apex is the parent's to answer (RFC 4035 3.1.4.1), if that, and not
 * some zone further up, is served here. True where it is.
 */
static bool find_parent_side(const struct zone_set *set,
			     const struct dname *name, uint16_t qtype,
			     const struct zone *child, struct lookup_path *path,
			     struct answer_found *found)
{
	const struct zone *above;

	if (qtype != RRTYPE_DS || child->apex.length != name->length) {
		return false;
	}
	above = zone_set_find_above(set, name);
	found->place = enter(found, above);
	if (found->place != ANSWER_PLACE_FOUND) {
		return found->place == ANSWER_PLACE_EMPTY;
	}
	zone_lookup_path(found->version, path, qtype, &found->lookup);
	return found->lookup.kind != LOOKUP_DELEGATION;
}

/*
 * The zone of a name, and the way to what it has for it. found says which zone
 * was entered last, if any.
 */
static void look_up_begin(const struct zone_set *set, const struct dname *name,
			  uint16_t qtype, struct lookup_path *path,
			  struct answer_found *found)
{
	const struct zone *zone;

	found->is_begun = false;
	found->place = ANSWER_PLACE_NONE;
	trie_key_init(&path->key, name);
	zone = zone_set_find_path(set, path);
	if (zone == NULL ||
	    find_parent_side(set, name, qtype, zone, path, found)) {
		return;
	}
	found->place = enter(found, zone);
	if (found->place == ANSWER_PLACE_FOUND) {
		zone_lookup_begin(found->version, path);
		found->is_begun = true;
	}
}

static void look_up_end(uint16_t qtype, struct lookup_path *path,
			struct answer_found *found)
{
	if (found->is_begun) {
		zone_lookup_end(found->version, path, qtype, &found->lookup);
		found->is_begun = false;
	}
}

/* Must its absence be proven to those who ask with DO? */
static bool is_denied(const struct answer_found *found)
{
	const struct lookup *lookup = &found->lookup;

	return found->place == ANSWER_PLACE_FOUND &&
	       zone_version_is_signed(found->version) &&
	       (lookup->kind == LOOKUP_NXDOMAIN || lookup->is_wildcard);
}

/* What covers a name that is not there; path is that of its lookup. */
static const struct zone_node *find_denial(const struct answer_found *found,
					   const struct lookup_path *path,
					   const struct dname *name)
{
	const struct zone_version *version = found->version;
	uint8_t hash[NSEC3_HASH_SIZE];
	struct dname_storage closer;
	bool is_match;

	if (uses_nsec(version)) {
		return zone_path_nsec(version, path);
	}
	if (!zone_version_has_nsec3(version)) {
		return NULL;
	}
	dname_ancestor(&closer, name,
		       zone_node_name(found->lookup.encloser)->labels + 1u);
	zone_nsec3_hash(version, dname_of(&closer), hash);
	return zone_find_nsec3(version, hash, &is_match);
}

void answer_seek_begin(const struct query *query, const struct zone_set *set,
		       struct lookup_path *path, struct answer_found *out)
{
	out->zone = NULL;
	out->version = NULL;
	out->denial = NULL;
	look_up_begin(set, query_name(query), query->qtype, path, out);
}

void answer_seek_end(const struct query *query, struct lookup_path *path,
		     struct answer_found *out)
{
	look_up_end(query->qtype, path, out);
	if (query->wants_dnssec && is_denied(out)) {
		out->denial = find_denial(out, path, query_name(query));
	}
}

void answer_seek(const struct query *query, const struct zone_set *set,
		 struct answer_found *out)
{
	struct lookup_path path;

	answer_seek_begin(query, set, &path, out);
	answer_seek_end(query, &path, out);
}

/* Add what was found; true where the chain goes on. */
static bool choose(struct chooser *c, const struct lookup *found)
{
	switch (found->kind) {
	case LOOKUP_ANSWER:
		choose_answer(c, found);
		return false;
	case LOOKUP_CNAME:
		return choose_cname(c, found);
	case LOOKUP_DNAME:
		return choose_dname(c, found);
	case LOOKUP_DELEGATION:
		choose_delegation(c, found);
		return false;
	case LOOKUP_NODATA:
		choose_nodata(c, found);
		return false;
	case LOOKUP_NXDOMAIN:
		choose_nxdomain(c, found);
		return false;
	}
	return false;
}

void answer_refuse(const struct query *query, const struct zone_set *set,
		   struct answer *answer)
{
	const struct zone *zone = zone_set_find(set, query_name(query));

	if (zone == NULL || zone->apex.length != query_name(query)->length) {
		answer_fail(answer, RCODE_NOTAUTH, EDE_NOT_AUTHORITATIVE);
		return;
	}
	answer_fail(answer, RCODE_REFUSED, EDE_PROHIBITED);
	answer->zone = zone;
}

void answer_begin(const struct query *query, const struct answer_found *found,
		  struct answer *answer)
{
	switch (found->place) {
	case ANSWER_PLACE_FOUND:
		answer_fail(answer, RCODE_NOERROR, -1);
		/* RFC 1035 6.2: no word for the other classes of ANY. */
		answer->is_authoritative = query->qclass != RRCLASS_ANY;
		answer->zone = found->zone;
		answer->version = found->version;
		break;
	case ANSWER_PLACE_EMPTY:
		answer_fail(answer, RCODE_SERVFAIL,
			    zone_has_failed(found->zone) ? EDE_INVALID_DATA
							 : EDE_NOT_READY);
		answer->zone = found->zone;
		break;
	case ANSWER_PLACE_NONE:
		answer_fail(answer, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE);
		break;
	}
}

void answer_choose_found(const struct query *query, const struct zone_set *set,
			 const struct answer_found *found, size_t room,
			 bool is_full, struct answer *answer)
{
	struct answer_found next = *found;
	struct lookup_path path;
	struct chooser c = {
		.answer = answer,
		.found = found,
		.question = query_name(query),
		.name = query_name(query),
		.qtype = query->qtype,
		.names = 1,
		.is_full = is_full,
		.room = room,
	};

	answer_begin(query, found, answer);
	while (next.place == ANSWER_PLACE_FOUND) {
		c.version = next.version;
		c.wants_dnssec = query->wants_dnssec &&
				 zone_version_is_signed(next.version);
		if (!choose(&c, &next.lookup)) {
			break;
		}
		look_up_begin(set, c.name, c.qtype, &path, &next);
		look_up_end(c.qtype, &path, &next);
	}
}

void answer_choose(const struct query *query, const struct zone_set *set,
		   size_t room, bool is_full, struct answer *answer)
{
	struct answer_found found;

	if (query->qtype == RRTYPE_NXNAME) {
		answer_fail(answer, RCODE_FORMERR, EDE_INVALID_QUERY_TYPE);
		return;
	}
	if (query->qtype == RRTYPE_AXFR && !is_full) {
		answer_fail(answer, RCODE_NOTIMP, EDE_NOT_SUPPORTED);
		return;
	}
	if (!answer_is_sought(query->qtype)) {
		answer_refuse(query, set, answer);
		return;
	}
	answer_seek(query, set, &found);
	answer_choose_found(query, set, &found, room, is_full, answer);
}
