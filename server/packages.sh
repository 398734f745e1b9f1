# shellcheck shell=bash
#
# packages.sh - install what a script needs on Debian, and only what is
# missing. Sourced by server/run, tests/run and bench/run.
#
# Packages of other daemons (routers and nameservers) must start nothing: while
# apt-get works, /usr/sbin/policy-rc.d says 101 ("action forbidden by policy"),
# and what stood there before comes back afterwards. Units that such a package
# enables are disabled again, so that nothing starts at the next boot either.
# When everything is there, apt-get is not touched.

# The packages that the programs are built from, and those of the tests.
# shellcheck disable=SC2034 # read by the scripts that source this file
PACKAGES_BUILD="build-essential clang cmake pkg-config libldns-dev libuv1-dev
	libjansson-dev liburcu-dev libssl-dev libxdp-dev libbpf-dev check"
# shellcheck disable=SC2034
PACKAGES_TEST="libclang-rt-14-dev iproute2 procps python3
	bind9-dnsutils bind9-utils knot-dnsutils knot-dnssecutils ldnsutils
	bird2 nftables shellcheck nsd knot bind9"
# Routers beside BIRD: what cannot be had is skipped.
# shellcheck disable=SC2034
PACKAGES_ROUTERS="frr gobgpd exabgp"
# shellcheck disable=SC2034
PACKAGES_BENCH="nsd knot python3 iproute2 procps util-linux bind9-dnsutils
	ldnsutils"

# packages_missing NAME...: print those that are not installed.
packages_missing()
{
	local name state

	for name in "$@"; do
		state=$(dpkg-query -W -f '${db:Status-Status}' "$name" \
			2>/dev/null) || state=absent
		if [ "$state" != installed ]; then
			printf '%s\n' "$name"
		fi
	done
}

# What runs as root: one apt-get at a time (the lock is on dpkg's folder), the
# policy in place meanwhile.
# shellcheck disable=SC2016 # expanded by the shell that runs it
PACKAGES_SCRIPT='
set -u
policy=/usr/sbin/policy-rc.d
saved=/usr/sbin/policy-rc.d.rootcast-saved
restore()
{
	rm -f "$policy"
	if [ -e "$saved" ]; then
		mv -f "$saved" "$policy"
	fi
}
if [ -e "$policy" ] && ! [ -e "$saved" ]; then
	mv "$policy" "$saved"
fi
trap restore EXIT
trap "exit 130" INT TERM HUP
printf "#!/bin/sh\nexit 101\n" > "$policy"
chmod 755 "$policy"
export DEBIAN_FRONTEND=noninteractive
install()
{
	apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
		install --no-install-recommends "$@"
}
install "$@" || { apt-get -q update && install "$@"; } || exit 1
for unit in nsd knot bird bird6 named frr gobgpd exabgp; do
	case " $* " in
	*" $unit "* | *" ${unit}2 "* | *" ${unit/named/bind9} "*)
		if command -v systemctl >/dev/null; then
			systemctl disable "$unit" >/dev/null 2>&1
		fi
		;;
	esac
done
exit 0
'

# packages_install NAME...: 0 when all are there in the end.
packages_install()
{
	local -a missing become
	local log

	mapfile -t missing < <(packages_missing "$@")
	if [ "${#missing[@]}" -eq 0 ]; then
		return 0
	fi
	become=()
	if [ "$(id -u)" -ne 0 ]; then
		if ! command -v sudo >/dev/null; then
			printf 'missing packages, and neither root nor sudo to %s\n' \
				"install them: apt-get install ${missing[*]}" >&2
			return 1
		fi
		become=(sudo)
	fi
	printf 'installing: %s\n' "${missing[*]}"
	log=$(mktemp) || return 1
	if ! ${become[@]+"${become[@]}"} flock /var/lib/dpkg \
		bash -c "$PACKAGES_SCRIPT" packages "${missing[@]}" \
		>"$log" 2>&1 </dev/null; then
		cat "$log" >&2
		rm -f "$log"
		printf 'could not install: %s\n' "${missing[*]}" >&2
		return 1
	fi
	rm -f "$log"
	mapfile -t missing < <(packages_missing "$@")
	if [ "${#missing[@]}" -ne 0 ]; then
		printf 'still missing after apt-get: %s\n' "${missing[*]}" >&2
		return 1
	fi
}

# packages_give_back ROOT FOLDER...: where a script runs as root in a tree that
# belongs to somebody else (sudo), what it has built is handed to the owner.
packages_give_back()
{
	local root=$1 owner folder

	shift
	owner=$(stat -c %u:%g "$root")
	if [ "$(id -u)" -ne 0 ] || [ "$owner" = 0:0 ]; then
		return 0
	fi
	for folder in "$@"; do
		if [ -e "$folder" ]; then
			chown -R -h "$owner" "$folder"
		fi
	done
}
