"""Zones and lists of queries that rows make for themselves; the same seed, the
same queries."""
import os
import random
import shutil
import string
import subprocess

import common

QUERIES = 65536
MISSING_LABEL, MISSING_END = 10, "7"    # as query_set.h: the reflector knows it
SIGNED_APEX = "signed.example."
SIGNED_HOSTS = 10000
PLAIN_APEX = "plain.example."
MANY_SUFFIX = "many.example."
HOST_TYPES = ("A", "AAAA", "TXT")


def head(apex):
    """SOA, NS and their addresses: where every made zone begins."""
    return [f"{apex} 3600 IN SOA ns1.{apex} hostmaster.{apex} "
            "1 1800 900 604800 3600",
            f"{apex} 3600 IN NS ns1.{apex}", f"{apex} 3600 IN NS ns2.{apex}",
            f"ns1.{apex} 3600 IN A 192.0.2.1",
            f"ns2.{apex} 3600 IN A 192.0.2.2"]


def address(number):
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def folder(name):
    """An empty folder of this run's under build/bench."""
    path = os.path.join(common.OUTPUT, name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def lines(path, made):
    with open(path, "w", encoding="ascii") as file:
        for line in made:
            file.write(line + "\n")
    return path


def signed_zone():
    """{origin: path} of a zone of hosts with addresses and texts, signed with
    NSEC3 by ldns-signzone as RFC 9276 advises: no salt, no extra iteration."""
    where = folder("signed")
    lines(f"{where}/plain", head(SIGNED_APEX) + [
        f"h{i}.{SIGNED_APEX} 3600 IN {data}" for i in range(SIGNED_HOSTS)
        for data in (f"A {address(i)}", f"AAAA 2001:db8::{i:x}",
                     f'TXT "host number {i}"')])
    for tool in ("ldns-keygen", "ldns-signzone"):
        if shutil.which(tool) is None:
            raise SystemExit(f"{tool} is missing: Debian's ldnsutils")
    key = subprocess.run(
        ["ldns-keygen", "-a", "ECDSAP256SHA256", SIGNED_APEX], cwd=where,
        capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run(["ldns-signzone", "-n", "-t", "0", "-f", f"{where}/zone",
                    "-o", SIGNED_APEX, f"{where}/plain", key], cwd=where,
                   check=True, stdout=subprocess.DEVNULL)
    return {SIGNED_APEX: f"{where}/zone"}


def plain_zone(names):
    """{origin: path} of a zone of so many hosts, unsigned."""
    where = folder(f"plain-{names}")
    lines(f"{where}/zone", head(PLAIN_APEX) + [
        f"h{i}.{PLAIN_APEX} 3600 IN A {address(i)}" for i in range(names)])
    return {PLAIN_APEX: f"{where}/zone"}


def many_zones(count):
    """{origin: path} of so many small zones."""
    where = folder(f"many-{count}")
    made = {}
    for i in range(count):
        apex = f"z{i}.{MANY_SUFFIX}"
        made[apex] = lines(f"{where}/{i}", head(apex) + [
            f"www.{apex} 3600 IN A {address(i)}",
            f"www.{apex} 3600 IN AAAA 2001:db8::{i:x}",
            f"{apex} 3600 IN MX 10 mail.{apex}",
            f"mail.{apex} 3600 IN A {address(i + 1)}"])
    return made


def missing_label(random_):
    return "".join(random_.choices(string.ascii_lowercase,
                                   k=MISSING_LABEL - 1)) + MISSING_END


def query_list(name, make):
    """The sender's options for QUERIES queries; make(random) gives one line of
    the list: NAME TYPE [RCODE]."""
    random_ = random.Random(name)
    path = os.path.join(common.OUTPUT, f"{name}.queries")
    return ["--list", lines(path, (make(random_) for _ in range(QUERIES)))]


def existing_signed(random_):
    return (f"h{random_.randrange(SIGNED_HOSTS)}.{SIGNED_APEX} "
            f"{random_.choice(HOST_TYPES)}")


def missing_signed(random_):
    return f"{missing_label(random_)}.{SIGNED_APEX} A 3"


def in_plain(names):
    """Three of four exist."""
    def make(random_):
        if random_.randrange(4) == 0:
            return f"{missing_label(random_)}.{PLAIN_APEX} A 3"
        return f"h{random_.randrange(names)}.{PLAIN_APEX} A"
    return make


def in_many(count):
    """Three of four exist."""
    def make(random_):
        apex = f"z{random_.randrange(count)}.{MANY_SUFFIX}"
        kind = random_.randrange(4)
        if kind == 0:
            return f"{missing_label(random_)}.{apex} A 3"
        return f"www.{apex} {'A' if kind < 3 else 'AAAA'}"
    return make


def in_registry(delegations):
    """Four of five are delegated: d0000001. and so on, or www below."""
    def make(random_):
        if random_.randrange(5) == 0:
            return f"{missing_label(random_)}. A 3"
        below = "www." if random_.randrange(2) else ""
        return (f"{below}d{random_.randrange(delegations) + 1:07d}. "
                f"{random_.choice(('A', 'AAAA', 'NS'))}")
    return make
