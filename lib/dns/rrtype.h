/*
 * rrtype.h - resource record types, classes, and the shape of their RDATA.
 *
 * The shape says where names stand in RDATA: what may be compressed (only in
 * the types of RFC 1035: RFC 3597 4), and what canonical form folds (RFC 4034
 * 6.2, RFC 6840 5.1). One letter a field:
 *
 * - 1 2 4 8: a field of that many octets
 * - 6: an IPv6 address, 16 octets
 * - s: a character string
 * - c: a name that may be compressed, folded in canonical form
 * - n: a name never compressed, folded in canonical form
 * - u: a name never compressed and never folded
 * - *: the rest, taken as it is
 */
#pragma once

#include "lib/base/status.h"
#include "lib/base/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(mnemonic, value, shape): IANA's registry, RFC 6895. */
#define RRTYPE_LIST(X)            \
	X(A, 1, "4")              \
	X(NS, 2, "c")             \
	X(MD, 3, "c")             \
	X(MF, 4, "c")             \
	X(CNAME, 5, "c")          \
	X(SOA, 6, "cc44444")      \
	X(MB, 7, "c")             \
	X(MG, 8, "c")             \
	X(MR, 9, "c")             \
	X(NULL, 10, "*")          \
	X(WKS, 11, "*")           \
	X(PTR, 12, "c")           \
	X(HINFO, 13, "ss")        \
	X(MINFO, 14, "cc")        \
	X(MX, 15, "2c")           \
	X(TXT, 16, "*")           \
	X(RP, 17, "nn")           \
	X(AFSDB, 18, "2n")        \
	X(X25, 19, "s")           \
	X(ISDN, 20, "*")          \
	X(RT, 21, "2n")           \
	X(NSAP, 22, "*")          \
	X(NSAP_PTR, 23, "u")      \
	X(SIG, 24, "2114442n*")   \
	X(KEY, 25, "211*")        \
	X(PX, 26, "2nn")          \
	X(GPOS, 27, "sss")        \
	X(AAAA, 28, "6")          \
	X(LOC, 29, "*")           \
	X(NXT, 30, "n*")          \
	X(EID, 31, "*")           \
	X(NIMLOC, 32, "*")        \
	X(SRV, 33, "222n")        \
	X(ATMA, 34, "*")          \
	X(NAPTR, 35, "22sssn")    \
	X(KX, 36, "2n")           \
	X(CERT, 37, "221*")       \
	X(A6, 38, "*")            \
	X(DNAME, 39, "n")         \
	X(SINK, 40, "*")          \
	X(OPT, 41, "*")           \
	X(APL, 42, "*")           \
	X(DS, 43, "211*")         \
	X(SSHFP, 44, "11*")       \
	X(IPSECKEY, 45, "*")      \
	X(RRSIG, 46, "2114442n*") \
	X(NSEC, 47, "u*")         \
	X(DNSKEY, 48, "211*")     \
	X(DHCID, 49, "*")         \
	X(NSEC3, 50, "112*")      \
	X(NSEC3PARAM, 51, "112s") \
	X(TLSA, 52, "111*")       \
	X(SMIMEA, 53, "111*")     \
	X(HIP, 55, "*")           \
	X(NINFO, 56, "*")         \
	X(RKEY, 57, "*")          \
	X(TALINK, 58, "uu")       \
	X(CDS, 59, "211*")        \
	X(CDNSKEY, 60, "211*")    \
	X(OPENPGPKEY, 61, "*")    \
	X(CSYNC, 62, "42*")       \
	X(ZONEMD, 63, "411*")     \
	X(SVCB, 64, "2u*")        \
	X(HTTPS, 65, "2u*")       \
	X(DSYNC, 66, "212u")      \
	X(HHIT, 67, "*")          \
	X(BRID, 68, "*")          \
	X(SPF, 99, "*")           \
	X(UINFO, 100, "*")        \
	X(UID, 101, "*")          \
	X(GID, 102, "*")          \
	X(UNSPEC, 103, "*")       \
	X(NID, 104, "28")         \
	X(L32, 105, "24")         \
	X(L64, 106, "28")         \
	X(LP, 107, "2u")          \
	X(EUI48, 108, "*")        \
	X(EUI64, 109, "8")        \
	X(NXNAME, 128, "*")       \
	X(TKEY, 249, "*")         \
	X(TSIG, 250, "*")         \
	X(IXFR, 251, "*")         \
	X(AXFR, 252, "*")         \
	X(MAILB, 253, "*")        \
	X(MAILA, 254, "*")        \
	X(ANY, 255, "*")          \
	X(URI, 256, "22*")        \
	X(CAA, 257, "1s*")        \
	X(AVC, 258, "*")          \
	X(DOA, 259, "*")          \
	X(AMTRELAY, 260, "*")     \
	X(RESINFO, 261, "*")      \
	X(WALLET, 262, "*")       \
	X(CLA, 263, "*")          \
	X(IPN, 264, "*")          \
	X(TA, 32768, "211*")      \
	X(DLV, 32769, "211*")

enum rrtype {
#define RRTYPE_ENUM(name, value, shape) RRTYPE_##name = (value),
	RRTYPE_LIST(RRTYPE_ENUM)
#undef RRTYPE_ENUM
};

enum rrclass {
	RRCLASS_IN = 1,
	RRCLASS_CH = 3,
	RRCLASS_HS = 4,
	RRCLASS_NONE = 254,
	RRCLASS_ANY = 255,
};

enum {
	RRTYPE_TEXT_MAX = 16,
};

/* "A", "TYPE65280" (RFC 3597 5), any case. */
must_check enum status rrtype_load(uint16_t *out, const char *text,
				   size_t length);
const char *rrtype_dump(uint16_t type, char text[RRTYPE_TEXT_MAX]);

/* "IN", "CLASS32", any case. */
must_check enum status rrclass_load(uint16_t *out, const char *text,
				    size_t length);
const char *rrclass_dump(uint16_t rrclass, char text[RRTYPE_TEXT_MAX]);

/* The shape of the type's RDATA; "*" for types not known. Never NULL. */
const char *rrtype_shape(uint16_t type);

/*
 * Types that stand in queries or messages only, never in a zone (RFC 6895 3.1).
 */
bool rrtype_is_meta(uint16_t type);

/*
 * Does RDATA have the shape of its type: fields there, names valid and
 * uncompressed, no octet more? The few types whose fields depend on each other
 * (APL, SVCB, NSEC, NSEC3 type bitmaps, TXT strings) are checked too, as far as
 * serving them needs.
 */
bool rdata_is_valid(uint16_t type, const uint8_t *rdata, size_t size);

/* Fold the names that canonical form folds, in place. rdata must be valid. */
void rdata_make_canonical(uint16_t type, uint8_t *rdata, size_t size);

/*
 * RDATA in canonical order (RFC 4034 6.3): compares two valid RDATA as if both
 * were in canonical form, without copying them.
 */
int rdata_compare(uint16_t type, const uint8_t *a, size_t a_size,
		  const uint8_t *b, size_t b_size);
