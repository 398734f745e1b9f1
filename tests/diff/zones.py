"""Generated zones: one body of traps from a seed, in four kinds of signing, and
a few zones of one trap each.

The same seed gives the same names and records; keys are made afresh each time.
Signatures are valid from SIGNED_FROM to SIGNED_TO, so that one time of
validation suits them and the real root zone.

dnssec-signzone writes octets bare that Knot refuses in an owner ('^', '[') and
escapes that ldns does not know: what it has written is spelled anew, every
octet that is not plain as \\DDD.
"""
import os
import random
import re

import rct
import wire

LETTERS = "abcdefghijklmnopqrstuvwxyz"
KINDS = ("plain", "nsec", "nsec3", "optout")
SIGNED_FROM, SIGNED_TO = "20260725000000", "20360101000000"
SIGNING = {
    "nsec": [],
    "nsec3": ["-3", "ABCD", "-H", "2"],
    "optout": ["-3", "-", "-H", "0", "-A"],
}
ALGORITHMS = {
    "nsec": ["ED25519"], "nsec3": ["ECDSAP256SHA256"],
    "optout": ["RSASHA256"],
}


class Maker:
    """The text of one zone; names are the owners that it has."""

    def __init__(self, origin, seed, size):
        self.origin, self.random, self.size = origin, random.Random(seed), size
        self.lines, self.names, self.hosts = [], [origin], []
        self.used = set()

    def add(self, owner, kind, data, ttl=None):
        """owner is relative; '@' is the apex."""
        name = self.origin if owner == "@" else f"{owner}.{self.origin}"
        self.lines.append(f"{name} {ttl or 3600} IN {kind} {data}")
        self.names.append(name)

    def full(self, owner):
        return f"{owner}.{self.origin}"

    def label(self):
        while True:
            label = "".join(self.random.choice(LETTERS) for _ in
                            range(self.random.choice((1, 2, 3, 5, 8))))
            if label not in self.used:
                self.used.add(label)
                return label

    def address(self):
        return "192.0.2." + str(self.random.randrange(1, 255))

    def address6(self):
        return f"2001:db8::{self.random.randrange(1, 65535):x}"

    def host(self, owner):
        self.add(owner, "A", self.address())
        if self.random.random() < 0.6:
            self.add(owner, "AAAA", self.address6())
        if not owner.startswith("*"):
            self.hosts.append(owner)

    def some_host(self):
        return self.full(self.random.choice(self.hosts))

    def ds(self, owner):
        self.add(owner, "DS", "12345 15 2 " + "".join(
            self.random.choice("0123456789ABCDEF") for _ in range(64)))

    # --- the pieces, each in a corner of its own --------------------------

    def apex(self):
        self.add("@", "SOA", f"ns1.{self.origin} host.{self.origin} 7 7200 "
                             "3600 604800 300")
        self.add("@", "NS", self.full("ns1"))
        self.add("@", "NS", self.full("ns2"))
        self.add("@", "NS", "ns.elsewhere.invalid.")
        self.add("@", "MX", f"10 {self.full('ns2')}")
        self.add("@", "TXT", '"apex"')
        self.host("ns1")
        self.host("ns2")

    def records(self):
        owner = self.label()
        self.host(owner)
        self.add(owner, "TXT", f'"{owner}" "second string"', 60)
        self.add(owner, "MX", f"5 {self.some_host()}")
        self.add(owner, "MX", "6 mail.elsewhere.invalid.")
        if self.random.random() < 0.5:
            self.add(owner, "CAA", '0 issue "ca.example"')
            self.add(owner, "TYPE65400", "\\# 3 010203")
        self.add(f"_sip._tcp.{owner}", "SRV", f"1 2 5060 {self.some_host()}")
        self.add(f"svc.{owner}", "HTTPS", "1 . alpn=h2")
        self.host(f"svc.{owner}")
        self.add(f"svb.{owner}", "SVCB", f"1 {self.some_host()} port=53")
        self.add(f"ptr.{owner}", "PTR", self.some_host())

    def empty_nonterminal(self):
        self.host(f"{self.label()}.{self.label()}.{self.label()}")

    def wildcard(self):
        top = self.label()
        self.host(f"*.{top}")
        self.add(f"*.{top}", "MX", f"1 {self.full(top)}")
        self.add(f"*.{top}", "TXT", '"star"', 77)
        self.add(f"there.{top}", "TXT", '"blocks"')
        self.add(f"leaf.empty.{top}", "TXT", '"so does an empty one"')
        self.add(f"sub.*.{top}", "TXT", '"below a star"')
        self.add(f"*.deep.{top}", "TXT", '"another star"')
        self.names.append(self.full(f"made-up.{top}"))
        self.names.append(self.full(f"a.b.made-up.{top}"))
        self.names.append(self.full(f"other.empty.{top}"))
        self.names.append(self.full(f"there.deep.{top}"))

    def wildcard_alias(self):
        top = self.label()
        target = self.random.choice((self.some_host(), self.full("nowhere"),
                                     f"made-up.{top}.{self.origin}",
                                     "out.elsewhere.invalid."))
        self.add(f"*.{top}", "CNAME", target)
        self.add(f"there.{top}", "A", self.address())
        self.names.append(self.full(f"made-up.{top}"))
        self.names.append(self.full(f"a.made-up.{top}"))

    def wildcard_chain(self):
        one, two = self.label(), self.label()
        self.add(f"*.{one}", "CNAME", self.full(f"x.{two}"))
        self.add(f"*.{two}", "A", self.address())
        self.names.append(self.full(f"made-up.{one}"))

    def wildcard_to_cut(self):
        top, cut = self.label(), self.label()
        self.add(f"*.{top}", "CNAME", self.full(f"www.{cut}"))
        self.add(cut, "NS", self.full(f"ns.{cut}"))
        self.add(f"ns.{cut}", "A", self.address())
        self.names.append(self.full(f"made-up.{top}"))

    def alias(self):
        one, two, three = self.label(), self.label(), self.label()
        self.add(one, "CNAME", self.full(two))
        self.add(two, "CNAME", self.full(three), 99)
        self.add(three, "CNAME", self.random.choice((
            self.some_host(), self.full("nowhere"), "elsewhere.invalid.",
            self.full("nowhere.ns1"))))

    def alias_loop(self):
        one, two = self.label(), self.label()
        self.add(one, "CNAME", self.full(two))
        self.add(two, "CNAME", self.full(one))
        self.add(self.label(), "CNAME", self.full(one))

    def alias_long(self):
        top = self.label()
        for i in range(7):
            self.add(f"n{i}.{top}", "CNAME", self.full(f"n{i + 1}.{top}"))
        self.host(f"n7.{top}")

    def dname(self):
        source, target = self.label(), self.label()
        self.add(source, "DNAME", self.full(target), 1200)
        self.add(source, "TXT", '"beside the DNAME"')
        self.host(f"www.{target}")
        self.add(f"alias.{target}", "CNAME", self.full(f"www.{target}"))
        self.names.append(self.full(f"www.{source}"))
        self.names.append(self.full(f"alias.{source}"))
        self.names.append(self.full(f"none.{source}"))
        via = self.label()
        self.add(via, "CNAME", self.full(f"www.{source}"))
        away = self.label()
        self.add(away, "DNAME", "away.elsewhere.invalid.")
        self.names.append(self.full(f"x.{away}"))

    def dname_long(self):
        source = self.label()
        labels = ".".join(("l" * 60, "m" * 60, "n" * 50))
        self.add(source, "DNAME", self.full(labels))
        self.names.append(self.full(f"{'x' * 60}.{source}"))
        self.names.append(self.full(f"{'y' * 20}.{source}"))
        self.names.append(self.full(f"{'z' * 63}.{'z' * 63}.{source}"))

    def dname_loop(self):
        one, two = self.label(), self.label()
        self.add(one, "DNAME", self.full(two))
        self.add(two, "DNAME", self.full(one))
        self.names.append(self.full(f"x.{one}"))

    def cut(self):
        """Delegations: with glue, without, sibling glue, hosts of ours."""
        cut = self.label() + self.random.choice(("", f".{self.label()}"))
        choice = self.random.randrange(6)
        if self.random.random() < 0.5:
            self.ds(cut)
        if choice in (0, 1, 4):
            for i in range(self.random.choice((1, 2, 4))):
                self.add(cut, "NS", self.full(f"ns{i}.{cut}"))
                self.add(f"ns{i}.{cut}", "A", self.address())
                if self.random.random() < 0.5:
                    self.add(f"ns{i}.{cut}", "AAAA", self.address6())
        if choice in (1, 2):
            self.add(cut, "NS", "ns.elsewhere.invalid.")
        if choice in (3, 4):
            self.add(cut, "NS", self.full("ns1"))
            sibling = self.label()
            self.add(sibling, "NS", self.full(f"ns.{sibling}"))
            self.add(f"ns.{sibling}", "A", self.address())
            self.add(cut, "NS", self.full(f"ns.{sibling}"))
        if choice == 5:
            self.add(cut, "NS", self.some_host())
        self.names.append(self.full(f"www.{cut}"))
        self.names.append(self.full(f"a.b.{cut}"))
        alias = self.label()
        self.add(alias, "CNAME", self.full(f"www.{cut}"))

    def big_cut(self):
        cut = self.label()
        for i in range(13):
            name = f"nameserver-number-{i}.{cut}"
            self.add(cut, "NS", self.full(name))
            self.add(name, "A", self.address())
            self.add(name, "AAAA", self.address6())
        if self.random.random() < 0.5:
            self.ds(cut)

    def cut_below_wildcard(self):
        top = self.label()
        self.add(f"*.{top}", "TXT", '"star above a cut"')
        self.add(f"cut.{top}", "NS", "ns.elsewhere.invalid.")
        self.names.append(self.full(f"www.cut.{top}"))

    def big_set(self):
        top = self.label()
        count = self.random.choice((25, 28, 29, 60, 120))
        for i in range(count):
            self.add(top, "A", f"198.51.{i}.1")
        for i in range(self.random.choice((3, 5, 12, 40))):
            self.add(f"t.{top}", "TXT", f'"{i:03d}{"x" * 100}" "{"y" * 120}"')
        # Each its own host: Knot 3.2 hangs where a long list repeats some.
        for i in range(40):
            self.add(f"m.{top}", "MX", f"{i} {self.full(f'h{i}.{top}')}")
            self.add(f"h{i}.{top}", "A", self.address())

    def odd(self):
        top = self.label()
        # As \\DDD: Knot and ldns refuse some of these octets bare.
        for label in ("\\000", "\\255\\254", "a\\046b", "UPPER", "mIxEd",
                      "\\042x", "x\\042", "-", "_", "with\\032space",
                      "\\064", "x" * 63, "\\091", "\\096"):
            self.add(f"{label}.{top}", "TXT", '"odd"')
        # dnssec-signzone refuses a name below which no wildcard fits.
        room = (248 if "nsec3" in self.origin or "optout" in self.origin
                else 252) - len(self.origin) - len(top)
        long = ""
        while room > 2:
            take = min(63, room - 1)
            long += "q" * take + "."
            room -= take + 1
        self.add(long + top, "A", self.address())
        labels = (252 - len(self.origin) - len(top)) // 2
        self.add("z." * min(labels, 110) + top, "A", self.address())

    def many_types(self):
        """One of each type that all four read."""
        owner = self.label()
        for kind, data in (
                ("HINFO", '"cpu" "os"'), ("RP", f"box.{self.origin} ."),
                ("AFSDB", f"1 {self.some_host()}"),
                ("LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m "
                        "10m"),
                ("NAPTR", f'100 50 "s" "http" "" {self.some_host()}'),
                ("KX", f"10 {self.some_host()}"),
                ("SSHFP", "2 1 123456789abcdef67890123456789abcdef67890"),
                ("TLSA", "0 0 1 d2abde240d7cd3ee6b4b28c54df034b9"
                         "7983a1d16e8a410e4561cb106618e971"),
                ("OPENPGPKEY", "AQIDBA=="), ("URI", '10 1 "ftp://a.example/"'),
                ("EUI48", "00-00-5e-00-53-2a"), ("CERT", "1 0 0 AQID"),
                ("DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="),
                ("APL", "1:192.168.32.0/21 !1:192.168.38.0/28"),
                ("SPF", '"v=spf1 -all"'), ("SMIMEA", "0 0 0 d2abde24"),
                ("CSYNC", "66 3 A NS AAAA"), ("NID", "10 1014:4fff:ff20:ee64"),
                ("TYPE65400", "\\# 3 010203"), ("TYPE65401", "\\# 0")):
            self.add(owner, kind, data)
        self.add(f"cds.{owner}", "CDS", f"1 8 2 {'AB' * 32}")
        self.add(f"cds.{owner}", "CDNSKEY", "257 3 15 "
                 "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=")
        self.add(f"sv.{owner}", "SVCB", f"0 {self.some_host()}")
        self.add(f"s1.{owner}", "SVCB", f"1 {self.some_host()} alpn=h2 "
                 "port=8443 ipv4hint=192.0.2.1")
        self.add(f"s2.{owner}", "HTTPS", f"0 {self.some_host()}")
        self.add(f"s3.{owner}", "HTTPS", f"1 {self.some_host()} key667=hi")
        self.add(f"strings.{owner}", "TXT", " ".join(
            f'"{letter * 255}"' for letter in "abc"))

    def occluded(self):
        """Data below a cut that is no glue, and a cut below a cut."""
        cut = self.label()
        self.add(cut, "NS", self.full(f"ns.in.{cut}"))
        self.add(f"ns.in.{cut}", "A", self.address())
        self.add(f"www.{cut}", "TXT", '"hidden"')
        self.add(f"www.{cut}", "A", self.address())
        self.add(f"*.{cut}", "TXT", '"hidden star"')
        self.add(f"alias.{cut}", "CNAME", self.some_host())
        self.add(f"deep.{cut}", "NS", "ns.elsewhere.invalid.")
        self.names.append(self.full(f"made-up.{cut}"))
        self.names.append(self.full(f"x.deep.{cut}"))
        pointer = self.label()
        self.add(pointer, "MX", f"1 {self.full(f'www.{cut}')}")
        self.add(pointer, "SRV", f"1 1 1 {self.full(f'ns.in.{cut}')}")

    def nested_stars(self):
        top = self.label()
        self.add(f"*.*.{top}", "TXT", '"star below a star"')
        self.add(f"*.{top}", "A", self.address())
        self.add(f"*.a.{top}", "TXT", '"a star beside"')
        self.add(f"b.*.{top}", "TXT", '"a name below a star"')
        for name in ("x", "x.y", "x.*", "x.a", "x.y.a", "b.x", "c.*"):
            self.names.append(self.full(f"{name}.{top}"))

    def abroad(self):
        """Aliases into the other zones of the run."""
        for kind in KINDS:
            other = f"{kind}.test."
            for name in ("ns1.", "nowhere.", "", "_abroad.", "x._stars.",
                         "www._cut.", "www.child.", "ns1.child.", "child.",
                         "_back.", "x._dname."):
                self.add(self.label(), "CNAME", f"{name}{other}")
            label = self.label()
            self.add(label, "DNAME", other)
            for name in ("ns1", "ns2", "nowhere", "x._stars", "www._cut",
                         "x._dname"):
                self.names.append(self.full(f"{name}.{label}"))
        self.add("_abroad", "CNAME", "ns2.optout.test.")
        self.add("_back", "CNAME", "_abroad.nsec.test.")
        self.add("*._stars", "CNAME", "x._stars.nsec3.test."
                 if self.origin != "nsec3.test." else "ns1.plain.test.")
        self.add("_cut", "NS", self.full("ns._cut"))
        self.add("ns._cut", "A", self.address())
        self.add("_dname", "DNAME", "apexdname-nsec.test.")
        self.add(self.label(), "CNAME", "ns1.apexdname-plain.test.")
        self.add(self.label(), "CNAME", "apexdname-plain.test.")

    def apex_dname(self):
        # RFC 6672 2.4: nothing may stand below it.
        self.add("@", "SOA", "ns1.plain.test. host.plain.test. 7 7200 3600 "
                             "604800 300")
        self.add("@", "NS", "ns1.plain.test.")
        self.add("@", "NS", "ns.elsewhere.invalid.")
        self.add("@", "TXT", '"apex"')
        self.add("@", "DNAME", "plain.test.", 600)
        self.names += [self.full(name) for name in (
            "ns1", "ns2", "nowhere", "x._stars", "www._cut", "_abroad",
            "child", "ns1.child", "www.nowhere.child")]

    def stray(self):
        """An unsigned zone that has records of DNSSEC here and there."""
        self.apex()
        self.records()
        self.wildcard()
        self.cut()
        self.add("signed", "A", self.address())
        self.add("signed", "RRSIG", "A 15 3 3600 20360101000000 "
                 f"20260725000000 1 {self.origin} " + "A" * 86 + "==")
        self.add("@", "NSEC", f"signed.{self.origin} A NS SOA RRSIG NSEC")
        self.add("signed", "NSEC", f"{self.origin} A RRSIG NSEC")
        self.add("cutds", "NS", "ns.elsewhere.invalid.")
        self.add("cutds", "DS", f"1 15 2 {'AB' * 32}")
        self.names += [self.full("x.cutds"), self.full("x.signed")]

    def text(self):
        self.apex()
        pieces = [
            self.records, self.empty_nonterminal, self.wildcard,
            self.wildcard_alias, self.wildcard_chain, self.wildcard_to_cut,
            self.alias, self.alias_loop, self.alias_long, self.dname,
            self.dname_long, self.dname_loop, self.cut, self.cut, self.cut,
            self.cut, self.big_cut, self.cut_below_wildcard, self.big_set,
            self.many_types, self.occluded, self.nested_stars, self.odd]
        for _ in range(self.size):
            for piece in pieces:
                piece()
        self.abroad()
        return "\n".join(self.lines) + "\n"


def keys_of(folder, origin, algorithms):
    """Files of keys made for the zone: a key- and a zone-signing one each."""
    found = []
    for algorithm in algorithms:
        size = ["-b", "1024"] if algorithm.startswith("RSA") else []
        for flag in ([], ["-f", "KSK"]):
            found.append(rct.run("dnssec-keygen", "-q", "-K", folder, "-a",
                                 algorithm, *size, *flag, origin,
                                 cwd=folder).stdout.strip())
    return found


def sign(folder, origin, path, kind, algorithms):
    """Sign the file in place; its keys are appended to the run's list."""
    keys = keys_of(folder, origin, algorithms)
    lines = []
    for key in keys:
        with open(f"{folder}/{key}.key", encoding="utf-8") as key_file:
            lines += [line for line in key_file if line[0] != ";"]
    with open(path, "a", encoding="utf-8") as file:
        file.writelines(lines)
    with open(f"{folder}/keys", "a", encoding="utf-8") as file:
        file.writelines(lines)
    rct.run("dnssec-signzone", "-q", "-P", "-O", "full", "-o", origin,
            "-s", SIGNED_FROM, "-e", SIGNED_TO, *SIGNING[kind],
            "-f", f"{path}.signed", path, *keys, cwd=folder)
    with open(f"{path}.signed", encoding="utf-8") as file:
        text = spelled_anew(file)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.unlink(f"{path}.signed")


def plain_octet(match):
    """Of one escape or odd octet: as \\DDD."""
    return f"\\{ord(match.group(0)[-1]):03d}"


def spelled_anew(lines):
    """Owners, and names behind NSEC, with every odd octet as \\DDD; comments
    are left out."""
    text = []
    for line in lines:
        if line[0] in ";\n":
            continue
        owner, ttl, klass, kind, data = line.rstrip("\n").split(None, 4)
        owner = spell(owner)
        if kind in ("NSEC", "CNAME", "DNAME", "NS"):
            name, *rest = data.split(None, 1)
            data = " ".join([spell(name), *rest])
        text.append(f"{owner} {ttl} {klass} {kind} {data}\n")
    return "".join(text)


def spell(name):
    return re.sub(r"\\[0-9]{3}|\\[^0-9]|[^A-Za-z0-9._*\\-]",
                  lambda m: m.group(0) if re.fullmatch(r"\\[0-9]{3}",
                                                       m.group(0))
                  else plain_octet(m), name)


def write_keys(path, keys_path):
    """Copy the DNSKEY records of a file with one whole record a line."""
    with open(path, encoding="utf-8") as file, \
            open(keys_path, "w", encoding="utf-8") as keys:
        keys.writelines(line for line in file
                        if line.split()[3:4] == ["DNSKEY"])


class Zone:
    """A zone to serve and ask about. names: where to ask; types: owner (folded
    labels) to the types that its file has there."""

    def __init__(self, origin, path, names=()):
        self.origin, self.path = origin, path
        self.labels = wire.folded(wire.name_from_text(origin))
        self.types, owners, self.is_signed = {}, [], False
        cache = {}
        with open(path, encoding="utf-8") as file:
            for line in file:
                fields = line.split(None, 4)
                if len(fields) < 5 or line[0] in ";$ \t":
                    continue
                labels = cache.get(fields[0])
                if labels is None:
                    labels = wire.name_from_text(fields[0])
                    cache[fields[0]] = labels
                    owners.append(labels)
                self.types.setdefault(wire.folded(labels),
                                      set()).add(fields[3])
                self.is_signed |= fields[3] == "DNSKEY"
        # Hashed owners are asked for as well: a few are enough.
        hashed = [labels for labels in owners
                  if self.types[wire.folded(labels)] <= {"NSEC3", "RRSIG"}]
        dropped = set(hashed[12:])
        self.names = list(dict.fromkeys(
            [labels for labels in owners if labels not in dropped] +
            [wire.name_from_text(text) for text in names]))


def write_zone(folder, origin, text, names, kind="plain", algorithms=()):
    path = f"{folder}/zones/{origin}zone"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    if kind != "plain":
        sign(folder, origin, path, kind, algorithms)
    return Zone(origin, path, names)


def make(folder, seed, size):
    """Zones of all kinds; each has a child that is served beside it."""
    made = []
    os.makedirs(f"{folder}/zones")
    for kind in KINDS:
        origin = f"{kind}.test."
        maker = Maker(origin, f"{seed} {kind}", size)
        text = maker.text()
        child = Maker(f"child.{origin}", f"{seed} child {kind}", 1)
        text += (f"child.{origin} 3600 IN NS ns1.child.{origin}\n"
                 f"ns1.child.{origin} 3600 IN A 192.0.2.1\n")
        if kind == "nsec":
            text += f"child.{origin} 3600 IN DS 1 15 2 {'AB' * 32}\n"
        child.apex()
        child.records()
        child.wildcard()
        child.cut()
        child_text = "\n".join(child.lines) + "\n"
        algorithms = ALGORITHMS.get(kind, [])
        made.append(write_zone(folder, origin, text, maker.names, kind,
                               algorithms))
        # Two algorithms at once: each RRset has two signatures.
        made.append(write_zone(folder, child.origin, child_text, child.names,
                               kind, ["ECDSAP256SHA256", "ED25519"]))
    for kind in ("plain", "nsec"):
        maker = Maker(f"apexdname-{kind}.test.", f"{seed} apex {kind}", 1)
        maker.apex_dname()
        made.append(write_zone(folder, maker.origin,
                               "\n".join(maker.lines) + "\n", maker.names,
                               kind, ["ED25519"]))
    maker = Maker("stray.test.", f"{seed} stray", 1)
    maker.stray()
    made.append(write_zone(folder, maker.origin,
                           "\n".join(maker.lines) + "\n", maker.names))
    return made


def neighbours(labels, chance):
    """The name and what stands around it."""
    first = labels[0] if labels else b""
    found = [labels, (b"zz-none",) + labels, (b"a", b"b") + labels,
             (b"*",) + labels]
    if labels:
        parent = labels[1:]
        found += [parent, (first[:-1] + b"0",) + parent,
                  ((first + b"0")[-63:],) + parent,
                  (bytes([first[0] ^ 1]) + first[1:],) + parent,
                  tuple(bytes(octet ^ 0x20 if chance.random() < 0.5 and
                              chr(octet).isalpha() and octet < 128 else octet
                              for octet in label) for label in labels)]
    return [name for name in found
            if sum(map(len, name)) + len(name) <= 254 and
            all(0 < len(label) < 64 for label in name)]
