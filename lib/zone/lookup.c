#include "lib/zone/lookup.h"

#include "lib/dns/rrtype.h"
#include "lib/zone/version.h"

#include <assert.h>

/* What a node says of the type; the node is authoritative data. */
static void choose(const struct zone_version *version, uint16_t qtype,
		   struct lookup *out)
{
	const struct zone_node *node = out->node;
	bool has_signatures = false;

	out->rrset = NULL;
	if (qtype == RRTYPE_ANY) {
		out->kind = node->count > 0 ? LOOKUP_ANSWER : LOOKUP_NODATA;
		return;
	}
	out->kind = LOOKUP_ANSWER;
	if (qtype == RRTYPE_RRSIG) {
		for (size_t i = 0; i < node->count && !has_signatures; i++) {
			has_signatures = node_rrset(version->chunks, node, i)
						 ->signatures > 0;
		}
		if (has_signatures) {
			return;
		}
	} else {
		out->rrset = zone_node_find(version, node, qtype);
		if (out->rrset != NULL) {
			return;
		}
	}
	out->rrset = zone_node_find(version, node, RRTYPE_CNAME);
	out->kind = out->rrset != NULL ? LOOKUP_CNAME : LOOKUP_NODATA;
}

static void set_cut(const struct zone_version *version,
		    const struct trie_node *leaf, struct lookup *out)
{
	out->kind = LOOKUP_DELEGATION;
	out->node = version_node(version, leaf);
	out->encloser = out->node;
	out->rrset = NULL;
}

/* Does something above the name decide: a cut, or a DNAME? The highest does. */
static bool is_decided_above(const struct zone_version *version,
			     const struct trie_descent *descent,
			     struct lookup *out)
{
	for (unsigned i = 0; i < descent->ancestors; i++) {
		const struct trie_node *leaf = descent->ancestor[i].leaf;

		if ((leaf->low & NODE_CUT) != 0) {
			set_cut(version, leaf, out);
			return true;
		}
		if ((leaf->low & NODE_DNAME) != 0) {
			out->kind = LOOKUP_DNAME;
			out->node = version_node(version, leaf);
			out->encloser = out->node;
			out->rrset = zone_node_find(version, out->node,
						    RRTYPE_DNAME);
			return true;
		}
	}
	return false;
}

void zone_lookup_begin(const struct zone_version *version,
		       struct lookup_path *path)
{
	trie_descend_begin(&version->names, version->chunks, &path->key,
			   &path->descent);
}

void zone_lookup_end(const struct zone_version *version,
		     struct lookup_path *path, uint16_t qtype,
		     struct lookup *out)
{
	struct trie_descent *descent = &path->descent;
	const struct trie_ancestor *encloser;
	const struct trie_node *wildcard;

	out->is_wildcard = false;
	trie_descend_end(version->chunks, &path->key, descent);
	if (is_decided_above(version, descent, out)) {
		return;
	}
	if (descent->exact != NULL) {
		/* RFC 4035 3.1.4.1: DS at a cut is the parent's. */
		if ((descent->exact->low & NODE_CUT) != 0 &&
		    qtype != RRTYPE_DS) {
			set_cut(version, descent->exact, out);
			return;
		}
		out->node = version_node(version, descent->exact);
		out->encloser = out->node;
		choose(version, qtype, out);
		return;
	}
	assert(descent->ancestors > 0); /* the apex at least */
	encloser = &descent->ancestor[descent->ancestors - 1];
	out->encloser = version_node(version, encloser->leaf);
	wildcard = trie_find_wildcard(encloser, version->chunks);
	if (wildcard != NULL) {
		/* RFC 4592 3.3: it answers in qname's place. An NS or DNAME
		 * of a wildcard is plain data (4.2, 4.4). */
		out->is_wildcard = true;
		out->node = version_node(version, wildcard);
		choose(version, qtype, out);
		return;
	}
	out->kind = LOOKUP_NXDOMAIN;
	out->node = NULL;
	out->rrset = NULL;
}

void zone_lookup_path(const struct zone_version *version,
		      struct lookup_path *path, uint16_t qtype,
		      struct lookup *out)
{
	zone_lookup_begin(version, path);
	zone_lookup_end(version, path, qtype, out);
}

void zone_lookup(const struct zone_version *version, const struct dname *qname,
		 uint16_t qtype, struct lookup *out)
{
	struct lookup_path path;

	assert(dname_is_below_or_equal(qname, &version->apex->name));
	trie_key_init(&path.key, qname);
	zone_lookup_path(version, &path, qtype, out);
}

const struct zone_node *zone_path_nsec(const struct zone_version *version,
				       const struct lookup_path *path)
{
	const struct trie_node *leaf = trie_descent_floor(
		&path->descent, version->chunks, &path->key, true);

	return leaf != NULL ? version_node(version, leaf) : NULL;
}

const struct zone_node *zone_find_node(const struct zone_version *version,
				       const struct dname *name)
{
	const struct trie_node *leaf =
		trie_find(&version->names, version->chunks, name);

	return leaf != NULL ? version_node(version, leaf) : NULL;
}

void zone_finder_init(struct zone_finder *finder,
		      const struct zone_version *version)
{
	finder->version = version;
	trie_finder_init(&finder->names, &version->names, version->chunks);
}

/* A node follows its RRsets: a host's addresses are in the line before it. */
static void prefetch(const struct zone_node *node)
{
	enum {
		CACHE_LINE = 64
	};

	__builtin_prefetch(node);
	__builtin_prefetch((const void *)((uintptr_t)node - CACHE_LINE));
}

struct zone_place zone_finder_seek(struct zone_finder *finder,
				   const uint8_t *octets, size_t length)
{
	const struct trie_node *leaf =
		trie_finder_seek(&finder->names, octets, length);
	struct zone_place place = {NULL, octets, length};

	if (leaf != NULL) {
		place.node = version_node(finder->version, leaf);
		prefetch(place.node);
	}
	return place;
}

const struct zone_node *zone_place_node(const struct zone_place *place)
{
	const struct zone_node *node = place->node;

	return node != NULL && node->name.length == place->length &&
			       dname_octets_equal(node->name.octets,
						  place->octets, place->length)
		       ? node
		       : NULL;
}

const struct zone_node *zone_find_cut(const struct zone_version *version,
				      const struct dname *name)
{
	struct trie_descent descent;
	struct trie_key key;

	trie_key_init(&key, name);
	trie_descend(&version->names, version->chunks, &key, &descent);
	for (unsigned i = 0; i < descent.ancestors; i++) {
		if ((descent.ancestor[i].leaf->low & NODE_CUT) != 0) {
			return version_node(version, descent.ancestor[i].leaf);
		}
	}
	if (descent.exact != NULL && (descent.exact->low & NODE_CUT) != 0) {
		return version_node(version, descent.exact);
	}
	return NULL;
}

const struct zone_node *zone_find_nsec(const struct zone_version *version,
				       const struct dname *name)
{
	const struct trie_node *leaf =
		trie_floor(&version->names, version->chunks, name, true);

	return leaf != NULL ? version_node(version, leaf) : NULL;
}
