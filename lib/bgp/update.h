/*
 * update.h - UPDATE messages and their path attributes (RFC 4271 4.3 and 5,
 * RFC 4760, RFC 1997, RFC 8092, RFC 6793, RFC 7606, RFC 9234).
 *
 * Writing: one message holds either withdrawals or announcements, of one
 * family, all announcements with the same attributes (RFC 7606 5.1). The
 * writers take as many prefixes as fit in BGP_MESSAGE_MAX octets and say how
 * many. Reading: lengths are checked, routes are counted, nothing is kept.
 */
#pragma once

#include "lib/base/address.h"
#include "lib/bgp/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BGP_COMMUNITIES_MAX = 128,
	BGP_LARGE_COMMUNITIES_MAX = 32,
	BGP_PREPEND_MAX = 32,
	BGP_LOCAL_PREF_DEFAULT = 100,
};

/* Well-known communities (RFC 1997, RFC 3765, RFC 8326, RFC 7999). */
#define BGP_COMMUNITY_GRACEFUL_SHUTDOWN 0xffff0000u
#define BGP_COMMUNITY_BLACKHOLE         0xffff029au
#define BGP_COMMUNITY_NO_EXPORT         0xffffff01u
#define BGP_COMMUNITY_NO_ADVERTISE      0xffffff02u
#define BGP_COMMUNITY_NOPEER            0xffffff04u

/* RFC 8092: 'global:local1:local2' */
struct bgp_large_community {
	uint32_t global;
	uint32_t local1;
	uint32_t local2;
};

/*
 * What is said of a route, apart from what follows from the session. A value.
 */
struct bgp_attributes {
	uint32_t med;
	uint32_t local_pref; /* sent to iBGP peers only */
	bool has_med;
	bool has_local_pref; /* else BGP_LOCAL_PREF_DEFAULT */
	uint8_t prepend;     /* how often our AS is there once more */
	uint16_t community_count;
	uint16_t large_count;
	uint32_t communities[BGP_COMMUNITIES_MAX]; /* 0xAAAAVVVV */
	struct bgp_large_community large[BGP_LARGE_COMMUNITIES_MAX];
};

/* What the session adds. */
struct bgp_update_session {
	uint32_t local_as;
	bool is_internal; /* iBGP: LOCAL_PREF, empty AS_PATH */
	bool has_as4;     /* the peer speaks 4-octet AS numbers */
	uint8_t role;     /* ours: enum bgp_role (OTC, RFC 9234 5) */
	uint8_t next_hop_ipv4[4];
	uint8_t next_hop_ipv6[32];  /* global, or global and link-local */
	uint8_t next_hop_ipv6_size; /* 16 or 32; 0: no IPv6 route can be sent */
	bool has_next_hop_ipv4;
};

/* What an UPDATE held. */
struct bgp_update_count {
	uint32_t announced;
	uint32_t withdrawn;
	uint8_t end_of_rib; /* set of enum bgp_families */
	bool is_malformed;
};

/*
 * Put attributes into the one form that is compared and sent: communities
 * sorted, each once; values without their flag are 0; tails are 0.
 */
void bgp_attributes_normalise(struct bgp_attributes *attributes);
bool bgp_attributes_equal(const struct bgp_attributes *a,
			  const struct bgp_attributes *b);

/* Add a community to a normalised or other list; false where it is full. */
bool bgp_attributes_add_community(struct bgp_attributes *attributes,
				  uint32_t community);

/*
 * Write an UPDATE that announces, or withdraws, the first *count of prefixes
 * (all of one family). The octets written are returned; *count becomes how many
 * went in, at least 1: attributes at their limits leave room for one. The
 * session must have a next hop of the family.
 */
size_t bgp_announce_write(uint8_t out[BGP_MESSAGE_MAX],
			  const struct bgp_update_session *session,
			  const struct bgp_attributes *attributes,
			  const struct prefix *prefixes, size_t *count);
size_t bgp_withdraw_write(uint8_t out[BGP_MESSAGE_MAX],
			  const struct prefix *prefixes, size_t *count);

/* End-of-RIB (RFC 4724 2) */
size_t bgp_end_of_rib_write(uint8_t out[BGP_MESSAGE_MAX],
			    enum bgp_families family);

/*
 * Step through a whole UPDATE and count its routes; nothing is kept. False: its
 * fields contradict each other; *out holds what was counted until there. Since
 * no route of a peer is ever used, that is no reason to end the session, which
 * would take our own routes down for the peer's fault (RFC 7606 asks for a
 * reset only to keep two tables alike: there is none here).
 */
must_check bool bgp_update_parse(struct bgp_update_count *out,
				 const uint8_t *message, size_t size);

/* Text to and from communities: 'AS:VALUE' and 'GLOBAL:LOCAL1:LOCAL2'. */
must_check enum status bgp_community_load(uint32_t *out, const char *text);
must_check enum status bgp_large_community_load(struct bgp_large_community *out,
						const char *text);
