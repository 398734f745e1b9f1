#!/bin/bash
#
# make_zone.sh - write a zone like the root: N delegations, two nameservers
# each with IPv4 and IPv6 glue, for tests where the real root zone is absent or
# too small.
#
# usage: bench/load/make_zone.sh [--signed-shape] N [APEX] > FILE
#        bench/load/make_zone.sh --registry [--nsec3-shape] N [APEX] > FILE
#
#   N       delegations: d0000001, d0000002, ...
#   APEX    the zone's name, '.' by default
#   --signed-shape
#           also a DS record for every second delegation, an NSEC chain, a
#           DNSKEY and RRSIG records of the usual size, so that replies
#           have the size of the root's. The signatures are made-up octets: no
#           validator accepts them; sizes and structure are what counts here.
#   --registry
#           the delegations of a large registry instead: two NS records each,
#           to hosts of 5,000 providers; two in five have a host of
#           their own, with its address: 2.4 records a delegation.
#   --nsec3-shape
#           with it, a DS record for every second delegation, an NSEC3 chain and
#           RRSIG records (ECDSA's size). Hashes and signatures are made up.
set -u

shape=0
registry=0
nsec3=0
while :; do
	case ${1-} in
	--signed-shape) shape=1 ;;
	--registry) registry=1 ;;
	--nsec3-shape) nsec3=1 ;;
	*) break ;;
	esac
	shift
done
if ! [[ ${1-} =~ ^[0-9]+$ ]] || [ "$1" -lt 1 ] || [ "$1" -gt 9999999 ]; then
	echo "usage: make_zone.sh [--signed-shape | --registry" \
		"[--nsec3-shape]] N [APEX] > FILE" >&2
	exit 2
fi
if [ "$registry" -eq 1 ]; then
	exec awk -v n="$1" -v apex="${2:-.}" -v nsec3="$nsec3" '
	function made(seed, size, letters,    text)
	{
		text = ""
		while (length(text) < size) {
			seed = (seed * 1103515245 + 12345) % 2147483648
			text = text substr(letters,
				int(seed / 65536) % length(letters) + 1, 1)
		}
		return text
	}
	function sign(owner, type, labels, seed)
	{
		printf "%s 86400 IN RRSIG %s 13 %d 86400 20400101000000 " \
			"20200101000000 12345 %s %s\n", owner, type, labels,
			apex, signatures[seed % 64]
	}
	# Ascending, as hashes in an NSEC3 chain are.
	function hash(i)
	{
		return sprintf("%07d", i) hashes[i % 64]
	}
	BEGIN {
		suffix = apex == "." ? "." : "." apex
		depth = apex == "." ? 0 : split(apex, ignored, ".") - 1
		base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
			"0123456789+/"
		for (i = 0; i < 64; i++) {
			signatures[i] = made(i + 1, 86, base64) "=="
			sub(/.==$/, "A==", signatures[i])
			digests[i] = made(i + 99, 64, "0123456789ABCDEF")
			hashes[i] = made(i + 7, 25,
				"0123456789ABCDEFGHIJKLMNOPQRSTUV")
		}
		printf "%s 86400 IN SOA ns1.example%s hostmaster.example%s " \
			"1 1800 900 604800 86400\n", apex, suffix, suffix
		printf "%s 518400 IN NS ns1.example%s\n", apex, suffix
		printf "example%s 172800 IN NS ns1.example%s\n", suffix, suffix
		printf "ns1.example%s 172800 IN A 192.0.2.1\n", suffix
		printf "net%s 172800 IN NS ns1.example%s\n", suffix, suffix
		for (i = 0; i < 5000; i++) {
			for (k = 1; k <= 2; k++) {
				printf "ns%d.provider%d.net%s 172800 IN A " \
					"10.255.%d.%d\n", k, i, suffix,
					int(i / 256), i % 256
			}
		}
		if (nsec3) {
			printf "%s 86400 IN DNSKEY 257 3 13 %s\n", apex,
				signatures[1]
			printf "%s 0 IN NSEC3PARAM 1 0 0 -\n", apex
			sign(apex, "SOA", depth, 1)
			sign(apex, "NS", depth, 2)
			sign(apex, "DNSKEY", depth, 3)
			sign(apex, "NSEC3PARAM", depth, 4)
		}
		for (i = 1; i <= n; i++) {
			name = sprintf("d%07d%s", i, suffix)
			host = i % 5 < 2 ? name : \
				"provider" i % 5000 ".net" suffix
			printf "%s 172800 IN NS ns1.%s\n", name, host
			printf "%s 172800 IN NS ns2.provider%d.net%s\n", name,
				i % 5000, suffix
			if (i % 5 < 2) {
				printf "ns1.%s 172800 IN A 10.%d.%d.%d\n",
					name, int(i / 65536),
					int(i / 256) % 256, i % 256
			}
			if (!nsec3) {
				continue
			}
			if (i % 2) {
				printf "%s 86400 IN DS %d 13 2 %s\n", name,
					i % 65536, digests[i % 64]
				sign(name, "DS", depth + 1, i)
			}
			printf "%s%s 86400 IN NSEC3 1 1 0 - %s NS%s\n",
				hash(i), suffix, hash(i == n ? 1 : i + 1),
				(i % 2 ? " DS RRSIG" : "")
			sign(hash(i) suffix, "NSEC3", depth + 1, i + 1)
		}
	}'
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
