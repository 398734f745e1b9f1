#!/bin/bash
#
# make_zone.sh - write a zone like the root: N delegations, two nameservers
# each with IPv4 and IPv6 glue, for tests where the real root zone is absent or
# too small.
#
# usage: bench/load/make_zone.sh [--signed-shape] N [APEX] > FILE
#
#   N       delegations: d0000001, d0000002, ...
#   APEX    the zone's name, '.' by default
#   --signed-shape
#           also a DS record for every second delegation, an NSEC chain, a
#           DNSKEY and RRSIG records of the usual size, so that replies
#           have the size of the root's. The signatures are made-up octets: no
#           validator accepts them; sizes and structure are what counts here.
set -u

shape=0
if [ "${1-}" = --signed-shape ]; then
	shape=1
	shift
fi
if ! [[ ${1-} =~ ^[0-9]+$ ]] || [ "$1" -lt 1 ] || [ "$1" -gt 9999999 ]; then
	echo "usage: make_zone.sh [--signed-shape] N [APEX] > FILE" >&2
	exit 2
fi

awk -v n="$1" -v apex="${2:-.}" -v shape="$shape" '
function hex(size, seed,    text, i)
{
	text = ""
	for (i = 0; i < size; i++) {
		seed = (seed * 1103515245 + 12345) % 2147483648
		text = text sprintf("%02x", int(seed / 65536) % 256)
	}
	return text
}
# Base64 of made-up octets, size a multiple of 3.
function base64(size, seed,    text, i)
{
	text = ""
	for (i = 0; i < size / 3 * 4; i++) {
		seed = (seed * 1103515245 + 12345) % 2147483648
		text = text substr(digits, int(seed / 65536) % 64 + 1, 1)
	}
	return text
}
function sign(owner, type, labels, ttl, seed)
{
	printf "%s\t%d\tIN\tRRSIG\t%s 8 %d %d 20400101000000 " \
		"20200101000000 12345 %s %s\n", owner, ttl, type, labels, ttl,
		apex, signatures[seed % 64]
}
BEGIN {
	digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
		"0123456789+/"
	suffix = apex == "." ? "." : "." apex
	depth = apex == "." ? 0 : split(apex, ignored, ".") - 1
	if (shape) {
		for (i = 0; i < 64; i++) {
			signatures[i] = base64(255, i + 1) "AA=="
			digests[i] = hex(32, i + 99)
		}
	}
	printf "%s\t86400\tIN\tSOA\tns1.example%s hostmaster.example%s " \
		"1 1800 900 604800 86400\n", apex, suffix, suffix
	for (i = 1; i <= 2; i++) {
		printf "%s\t518400\tIN\tNS\tns%d.example%s\n", apex, i, suffix
		printf "ns%d.example%s\t518400\tIN\tA\t192.0.2.%d\n",
			i, suffix, i
		printf "ns%d.example%s\t518400\tIN\tAAAA\t2001:db8::%d\n",
			i, suffix, i
	}
	# example, the home of the apex nameservers, is a delegation too.
	printf "example%s\t172800\tIN\tNS\tns1.example%s\n", suffix, suffix
	if (shape) {
		printf "%s\t172800\tIN\tDNSKEY\t257 3 8 AwEAA%s\n", apex,
			base64(255, 7) "AAA"
		sign(apex, "SOA", depth, 86400, 1)
		sign(apex, "NS", depth, 518400, 2)
		sign(apex, "DNSKEY", depth, 172800, 3)
		printf "%s\t86400\tIN\tNSEC\td0000001%s NS SOA RRSIG NSEC " \
			"DNSKEY\n", apex, suffix
		sign(apex, "NSEC", depth, 86400, 4)
		printf "example%s\t86400\tIN\tNSEC\t%s NS RRSIG NSEC\n",
			suffix, apex
		sign("example" suffix, "NSEC", depth + 1, 86400, 5)
	}
	for (i = 1; i <= n; i++) {
		name = sprintf("d%07d%s", i, suffix)
		for (k = 1; k <= 2; k++) {
			printf "%s\t172800\tIN\tNS\tns%d.%s\n", name, k, name
			printf "ns%d.%s\t172800\tIN\tA\t10.%d.%d.%d\n", k,
				name, int(i / 65536), int(i / 256) % 256,
				i % 256
			printf "ns%d.%s\t172800\tIN\tAAAA\t2001:db8:%x:%x::%d\n",
				k, name, int(i / 65536), i % 65536, k
		}
		if (!shape) {
			continue
		}
		if (i % 2) {
			printf "%s\t86400\tIN\tDS\t%d 8 2 %s\n", name,
				i % 65536, digests[i % 64]
			sign(name, "DS", depth + 1, 86400, i)
		}
		next_name = sprintf("d%07d%s", i + 1, suffix)
		if (i == n) {
			next_name = "example" suffix
		}
		printf "%s\t86400\tIN\tNSEC\t%s NS %sRRSIG NSEC\n", name,
			next_name, (i % 2 ? "DS " : "")
		sign(name, "NSEC", depth + 1, 86400, i + 1)
	}
}'
