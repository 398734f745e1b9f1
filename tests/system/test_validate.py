#!/usr/bin/env python3
"""tool_validate believes what rootcastd says of signed zones, and nothing else.

Zones with each algorithm in use, NSEC, NSEC3 and opt-out are signed by
ldns-signzone and served; every reply must validate. Then each reply is spoilt
in every way that applies (a record dropped, an octet changed, a proof taken from
another reply, a time at which no signature holds), and each must be refused: a
validator that cannot fail proves nothing. With the real root zone beside.
"""
import copy
import os
import re
import socket
import struct
import subprocess

import rct

PORT = 5394
A, NS, CNAME, SOA, TXT, AAAA, DNAME, DS = 1, 2, 5, 6, 16, 28, 39, 43
RRSIG, NSEC, DNSKEY, NSEC3 = 46, 47, 48, 50
NSEC3PARAM, ANY, MX = 51, 255, 15
NXDOMAIN = 3
AT = "2026-08-01T12:00:00Z"
ROOT_NAMES = ["com", "de", "arpa", "www.example.com", "nothing-here",
              "a.b.nothing-here", "0", "zzzzzz", "abogado", "zw", "aaa", "*"]

ZONE = """$ORIGIN {apex}.
$TTL 3600
@ SOA ns.{apex}. host.{apex}. 1 7200 3600 604800 300
@ NS ns
@ MX 10 mail
ns A 192.0.2.1
ns AAAA 2001:db8::1
mail A 192.0.2.2
www A 192.0.2.3
www A 192.0.2.4
a.b.ent TXT "deep"
*.wild TXT "wild"
*.wild A 192.0.2.5
host.wild A 192.0.2.6
below.host.wild A 192.0.2.7
alias CNAME www
walias CNAME some.wild
nalias CNAME missing
ralias CNAME www.insecure
salias CNAME www.secure
loop CNAME pool
pool CNAME loop
*.cwild CNAME www
dn DNAME wild
long DNAME {long}.wild
far CNAME www.plain.test.
secure NS ns.secure
ns.secure A 192.0.2.8
secure DS 12345 13 2 {digest}
insecure NS ns.insecure
ns.insecure A 192.0.2.9
only.cut NS ns.only.cut
ns.only.cut A 192.0.2.10
zz A 192.0.2.11
"""
LONG = ".".join(["x" * 60] * 3)
QUESTIONS = [(name, kind) for name in (
    "", "www", "WwW", "nothing", "a.nothing", "zzz", "0", "ent", "b.ent",
    "a.b.ent", "c.b.ent", "x.a.b.ent", "wild", "one.wild", "two.one.wild",
    "*.wild", "host.wild", "x.host.wild", "below.host.wild", "alias", "walias",
    "nalias", "ralias", "salias", "loop", "any.cwild", "x.dn", "y.x.dn", "dn",
    "far", "secure", "www.secure", "insecure", "www.insecure", "cut",
    "only.cut", "x.only.cut", "y" * 60 + ".long", "mail", "zz")
    for kind in (A, AAAA, TXT, DS, CNAME)] + [
    ("", SOA), ("", NS), ("", DNSKEY), ("", NSEC3PARAM), ("", MX), ("", NSEC),
    ("", ANY), ("www", ANY), ("one.wild", ANY), ("one.wild", NSEC),
    ("ent", ANY), ("nothing", ANY), ("www", NSEC), ("wild", NSEC)]
# Apex, algorithms of its keys, options of ldns-signzone.
SIGNED = [
    ("rsa256.test", ["RSASHA256"], []),
    ("rsa512.test", ["RSASHA512"], ["-n"]),
    ("p256.test", ["ECDSAP256SHA256"], []),
    ("p384.test", ["ECDSAP384SHA384"], ["-n", "-s", "ABCD", "-t", "3"]),
    ("ed25519.test", ["ED25519"], ["-n", "-p"]),
    ("ed448.test", ["ED448"], []),
    ("two.test", ["RSASHA256", "ECDSAP256SHA256"], []),
    ("out.test", ["ECDSAP256SHA256"], ["-n", "-p"]),
]


# --- messages ----------------------------------------------------------------

def to_wire(name):
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def read_name(data, at):
    """The name at an offset, uncompressed, and the offset after it."""
    out, end = b"", None
    while True:
        length = data[at]
        if length >= 0xc0:
            end = end or at + 2
            at = (length & 0x3f) << 8 | data[at + 1]
            continue
        out += data[at:at + length + 1]
        at += length + 1
        if length == 0:
            return out, end or at


class Record:
    def __init__(self, data, at):
        self.owner, at = read_name(data, at)
        self.kind, self.rrclass, self.ttl, size = struct.unpack_from(
            ">HHIH", data, at)
        at += 10
        self.end = at + size
        if self.kind in (NS, CNAME):
            self.rdata = read_name(data, at)[0]
        elif self.kind == MX:
            self.rdata = data[at:at + 2] + read_name(data, at + 2)[0]
        elif self.kind == SOA:
            first, at = read_name(data, at)
            second, at = read_name(data, at)
            self.rdata = first + second + data[at:self.end]
        else:
            self.rdata = data[at:self.end]

    def covers(self):
        return struct.unpack_from(">H", self.rdata)[0] \
            if self.kind == RRSIG else None

    def wire(self):
        return self.owner + struct.pack(">HHIH", self.kind, self.rrclass,
                                        self.ttl, len(self.rdata)) + self.rdata


class Message:
    def __init__(self, data):
        self.id, self.flags, questions, *counts = struct.unpack_from(
            ">6H", data)
        at = 12
        assert questions == 1
        self.qname, at = read_name(data, at)
        self.qtype, self.qclass = struct.unpack_from(">HH", data, at)
        at += 4
        self.sections = []
        for count in counts:
            section = []
            for _ in range(count):
                section.append(Record(data, at))
                at = section[-1].end
            self.sections.append(section)

    def wire(self):
        out = struct.pack(">6H", self.id, self.flags, 1,
                          *[len(section) for section in self.sections])
        out += self.qname + struct.pack(">HH", self.qtype, self.qclass)
        return out + b"".join(record.wire() for section in self.sections
                              for record in section)

    def rcode(self):
        return self.flags & 15

    def rrsets(self, section):
        return sorted({(record.owner.lower(), record.kind)
                       for record in self.sections[section]
                       if record.kind not in (RRSIG, 41)})

    def drop(self, section, owner, kind, signatures=True, records=True):
        self.sections[section] = [
            record for record in self.sections[section]
            if record.owner.lower() != owner or not (
                (records and record.kind == kind) or
                (signatures and record.covers() == kind))]

    def of(self, section, owner, kind):
        return [record for record in self.sections[section]
                if record.owner.lower() == owner and record.kind == kind]

    def signatures(self, section, owner, kind):
        return [record for record in self.sections[section]
                if record.owner.lower() == owner and record.covers() == kind]


def query(name, kind, number=7):
    return struct.pack(">6H", number, 0, 1, 0, 0, 1) + to_wire(name) + \
        struct.pack(">HH", kind, 1) + b"\0" + struct.pack(
            ">HHIH", 41, 1232, 0x8000, 0)


class Asked:
    """A question, and what rootcastd said."""

    def __init__(self, apex, name, kind):
        self.apex = apex
        self.name = ".".join(part for part in (name, apex) if part)
        self.kind = kind
        self.query = query(self.name, kind)
        self.reply = self.exchange()

    def exchange(self):
        with socket.create_connection(("127.0.0.1", PORT), 5) as stream:
            stream.sendall(struct.pack(">H", len(self.query)) + self.query)
            data = b""
            while len(data) < 2 or len(data) < 2 + (data[0] << 8 | data[1]):
                got = stream.recv(65536)
                if not got:
                    raise OSError("no reply")
                data += got
        return data[2:]

    def record(self, reply=None):
        parts = (to_wire(self.apex), self.query, reply or self.reply)
        return b"".join(struct.pack(">H", len(part)) + part for part in parts)

    def title(self):
        return f"{self.name} {self.kind}"


# --- ways to spoil a reply ---------------------------------------------------

def flip(data, at):
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def is_synthesis(message, section, owner, kind):
    return kind == CNAME and section == 0 and \
        not message.signatures(section, owner, kind)


def spoil_rrsets(message, opt_out):
    """What is done to each RRset that a signature stands for."""
    for section in (0, 1):
        for owner, kind in message.rrsets(section):
            signatures = message.signatures(section, owner, kind)
            if not signatures:
                continue

            def changed(what, change, names=(section, owner, kind)):
                spoilt = copy.deepcopy(message)
                change(spoilt, *names)
                return f"{what} of type {kind}", spoilt

            def rdata(spoilt, *names):
                record = spoilt.of(*names)[0]
                record.rdata = flip(record.rdata, -1)

            def signature(at):
                def change(spoilt, *names):
                    for record in spoilt.signatures(*names):
                        record.rdata = flip(record.rdata, at)
                return change

            def ttl(spoilt, *names):
                for record in spoilt.of(*names) + spoilt.signatures(*names):
                    record.ttl = struct.unpack_from(">I", signatures[0].rdata,
                                                    4)[0] + 1

            def one_ttl(spoilt, *names):
                for record in spoilt.signatures(*names):
                    record.ttl -= 1

            def signer(spoilt, *names):
                for record in spoilt.signatures(*names):
                    name, end = read_name(record.rdata, 18)
                    record.rdata = record.rdata[:18] + b"\5other" + name + \
                        record.rdata[end:]

            def twice(spoilt, *names):
                spoilt.sections[section].append(
                    copy.deepcopy(spoilt.of(*names)[0]))

            def added(spoilt, *names):
                record = copy.deepcopy(spoilt.of(*names)[0])
                record.rdata = flip(record.rdata, len(record.rdata) - 1)
                spoilt.sections[section].append(record)

            yield changed("unsigned RRset", lambda spoilt, *names:
                          spoilt.drop(*names, records=False))
            # A part of what stands at the name answers ANY (RFC 8482 4.1).
            if message.qtype != ANY or section != 0:
                yield changed("orphan signature", lambda spoilt, *names:
                              spoilt.drop(*names, signatures=False))
                # Under opt-out the span alone says 'no proof', which holds
                # for a wildcard's denial as well (RFC 5155 12.1).
                if kind != NSEC3 or not opt_out:
                    yield changed("dropped RRset", lambda spoilt, *names:
                                  spoilt.drop(*names))
            yield changed("octet changed", rdata)
            yield changed("signature changed", signature(-1))
            yield changed("algorithm changed", signature(2))
            yield changed("label count changed", signature(3))
            yield changed("original TTL changed", signature(7))
            yield changed("expiration changed", signature(11))
            yield changed("inception changed", signature(15))
            yield changed("key tag changed", signature(17))
            yield changed("signer changed", signer)
            yield changed("TTL above the original", ttl)
            yield changed("TTL of RRSIG differs", one_ttl)
            yield changed("record twice", twice)
            yield changed("record added", added)


def spoil_whole(message, stranger, opt_out):
    """What is done to the whole reply. stranger: an unsigned A record."""
    spoilt = copy.deepcopy(message)
    for section in (0, 1):
        spoilt.sections[section] = [record for record in
                                    spoilt.sections[section]
                                    if record.kind != RRSIG]
    yield "all signatures dropped", spoilt
    if message.rcode() in (0, NXDOMAIN) and not opt_out:
        spoilt = copy.deepcopy(message)
        spoilt.flags ^= NXDOMAIN
        yield "other RCODE", spoilt
    for section, where in ((0, "answer"), (1, "authority")):
        spoilt = copy.deepcopy(message)
        spoilt.sections[section].append(stranger)
        yield f"stranger in the {where}", spoilt
    spoilt = copy.deepcopy(message)
    spoilt.sections[0] = spoilt.sections[1] = []
    yield "emptied", spoilt
    for owner, kind in message.rrsets(0):
        if is_synthesis(message, 0, owner, kind):
            spoilt = copy.deepcopy(message)
            record = spoilt.of(0, owner, kind)[0]
            record.rdata = b"\3bad" + record.rdata
            yield "synthesis with another target", spoilt
            spoilt = copy.deepcopy(message)
            spoilt.of(0, owner, kind)[0].ttl -= 1
            yield "synthesis with another TTL", spoilt
            spoilt = copy.deepcopy(message)
            spoilt.drop(0, owner, kind)
            yield "synthesis dropped", spoilt
    for owner, kind in message.rrsets(1):
        if kind == NS and not message.signatures(1, owner, kind):
            spoilt = copy.deepcopy(message)
            spoilt.drop(1, owner, kind)
            yield "referral without NS", spoilt


class Test:
    def __init__(self):
        self.totals = rct.Totals()
        self.folder = rct.scratch()
        self.zones = os.path.join(self.folder, "zones")
        os.mkdir(self.zones)
        os.chmod(self.zones, 0o755)
        self.anchors = {}
        self.made = []

    def sign(self, apex, algorithms, options):
        path = os.path.join(self.folder, apex)
        with open(path, "w", encoding="ascii") as file:
            file.write(ZONE.format(apex=apex, long=LONG, digest="AB" * 32))
        keys, anchors = [], []
        for algorithm in algorithms:
            for role in ([], ["-k"]):
                size = ["-b", "2048"] if algorithm[0] == "R" else []
                keys.append(rct.run("ldns-keygen", "-r", "/dev/urandom", "-a",
                                    algorithm, *size, *role, apex,
                                    cwd=self.folder).stdout.strip())
                anchors.append(keys[-1])
        rct.run("ldns-signzone", "-f", f"{self.zones}/{apex}.zone", *options,
                path, *keys, cwd=self.folder)
        self.made.append(apex)
        self.anchors[apex] = [os.path.join(self.folder, key)
                              for key in anchors]

    def validate(self, records, *options, at=None, anchors=None):
        """Failures by record number, and the counts."""
        words = [f"{rct.BIN}/tool_validate"]
        if anchors is None:
            anchors = [f"{path}.key" for paths in self.anchors.values()
                       for path in paths]
        for path in anchors:
            words += ["--key", path]
        if at:
            words += ["--at", at]
        done = subprocess.run(words + list(options), input=b"".join(records),
                              stdout=subprocess.PIPE, check=False)
        lines = done.stdout.decode().splitlines()
        match = re.fullmatch(r"(\d+) validated, (\d+) unsigned, (\d+) failed",
                             lines[-1] if lines else "")
        if not match or done.returncode != (1 if match.group(3) != "0" else 0):
            raise RuntimeError(f"status {done.returncode}, said {lines[-1:]}")
        reasons = {int(line.split(":")[0]): line for line in lines[:-1]}
        return reasons, [int(word) for word in match.groups()]

    def good(self, title, asked, unsigned=0, **options):
        """All validate; returns those that a signature proves."""
        reasons, counts = self.validate([one.record() for one in asked],
                                        **options)
        self.totals.check(
            title, counts == [len(asked) - unsigned, unsigned, 0],
            f"{counts} {list(reasons.values())[:12]}")

    def refused(self, title, spoilt, **options):
        """Each (what, record) is refused."""
        spoilt = list(spoilt)
        reasons, _ = self.validate([record for _, record in spoilt], **options)
        believed = [what for number, (what, _) in enumerate(spoilt, 1)
                    if number not in reasons]
        self.totals.check(title, spoilt and not believed,
                          f"{len(spoilt)} replies, believed: {believed[:12]}")

    def spoil(self, title, asked, opt_out=False, **options):
        spoilt = []
        for one in asked:
            message = Message(one.reply)
            stranger = copy.deepcopy(message.sections[2][-1])
            stranger.owner, stranger.kind = b"\1q" + to_wire(one.apex), A
            stranger.rrclass, stranger.ttl, stranger.rdata = 1, 60, b"\1\2\3\4"
            for what, changed in [
                    *spoil_rrsets(message, opt_out),
                    *spoil_whole(message, stranger, opt_out)]:
                spoilt.append((f"{one.title()}: {what}",
                               one.record(changed.wire())))
        self.refused(title, spoilt, **options)

    def swaps(self, apex):
        """Proofs that are good, and prove something else."""
        def ask(name, kind):
            return Asked(apex, name, kind)

        def with_parts(one, answer=None, authority=None, rcode=None):
            message = Message(one.reply)
            if answer is not None:
                message.sections[0] = answer
            if authority is not None:
                message.sections[1] = authority
            if rcode is not None:
                message.flags = message.flags & ~15 | rcode
            return one.record(message.wire())

        def section(one, number, *kinds):
            return [record for record in Message(one.reply).sections[number]
                    if not kinds or record.kind in kinds or
                    record.covers() in kinds]

        denials = (NSEC, NSEC3)
        deep = ask("x.host.wild", TXT)

        def own(one, *others):
            """Has it a denial that none of the others has?"""
            names = {record.owner for record in section(one, 1, *denials)}
            return names - {record.owner for other in others
                            for record in section(other, 1, *denials)}

        # Two names may share a span, by hash: then each proves the other.
        gone, last, nodata, wild = next(
            four for four in (
                (ask(f"b{number}", A), ask(f"zzz{number}", A),
                 ask(("www", "mail", "zz", "ns")[number % 4], TXT),
                 ask(f"w{number}.wild", TXT)) for number in range(50))
            if own(four[0], *four[1:]) and own(four[1], *four[2:], four[0]) and
            own(four[2], *four[:2]) and own(four[3], four[1]))
        cut, below = ask("insecure", A), ask("www.insecure", A)
        secure, ent = ask("secure", A), ask("ent", A)
        soa = section(gone, 1, SOA)
        proofs = [
            ("NXDOMAIN by the proof of another name",
             with_parts(gone, authority=section(last, 1))),
            ("NXDOMAIN by a NODATA proof",
             with_parts(gone, authority=section(nodata, 1))),
            ("NODATA by the proof of another name",
             with_parts(nodata, authority=section(ask("host.wild", TXT), 1))),
            ("NODATA by the proof of NXDOMAIN",
             with_parts(nodata, authority=section(gone, 1))),
            ("NODATA for a type that is there",
             with_parts(ask("www", A), [], section(nodata, 1))),
            ("wildcard by the proof of another name",
             with_parts(wild, authority=section(last, 1, *denials))),
            ("wildcard without proof", with_parts(wild, authority=[])),
            ("NXDOMAIN for what the wildcard answers",
             with_parts(wild, [], soa + section(wild, 1, *denials), NXDOMAIN)),
            ("NODATA for what the wildcard answers",
             with_parts(wild, [], soa + section(wild, 1, *denials))),
            ("NODATA of a cut by the parent's record",
             with_parts(cut, authority=soa + section(cut, 1, *denials))),
            ("NODATA below a cut by the parent's record",
             with_parts(below, authority=soa + section(cut, 1, *denials))),
            ("NXDOMAIN below a cut by the parent's records",
             with_parts(below, authority=soa + section(cut, 1, *denials) +
                        section(gone, 1, *denials), rcode=NXDOMAIN)),
            ("secure cut called unsigned",
             with_parts(secure, authority=section(secure, 1, NS) +
                        section(cut, 1, *denials))),
            ("secure cut without DS",
             with_parts(secure, authority=section(secure, 1, NS))),
            ("NXDOMAIN for an empty non-terminal",
             with_parts(ent, authority=section(ent, 1) +
                        section(gone, 1, *denials), rcode=NXDOMAIN)),
            ("DS denied by the denial of another name",
             with_parts(ask("secure", DS), [], section(nodata, 1))),
            ("answer of another name",
             with_parts(ask("www", A), section(ask("mail", A), 0))),
            ("SOA of the answer missing",
             with_parts(gone, authority=section(gone, 1, *denials))),
        ]
        # x.host.wild does not exist, and *.wild does not apply to it.
        expansion = copy.deepcopy(section(wild, 0))
        for record in expansion:
            record.owner = Message(deep.reply).qname
        proofs.append(("wildcard past a closer name",
                       with_parts(deep, expansion,
                                  section(deep, 1, *denials), 0)))
        self.refused(f"{apex}: proofs of something else", proofs)

    def times(self, apex, asked):
        records = [(one.title(), one.record()) for one in asked]
        self.refused(f"{apex}: before the signatures begin", records, at="1000")
        self.refused(f"{apex}: after they end", records,
                     at="2038-01-01T00:00:00Z")

    def trust(self, apex, asked):
        """Trust points: DS, the key of keys alone, and another zone's."""
        files = {}
        for path in self.anchors[apex]:
            with open(path + ".key", encoding="ascii") as file:
                files[path] = file.read()
        keys = [path for path, text in files.items() if "257 3" in text]
        # The DNSKEY RRset comes after what needs it.
        late = sorted(asked, key=lambda one: one.kind == DNSKEY)
        self.good(f"{apex}: the key of keys alone", late,
                  anchors=[path + ".key" for path in keys])
        self.good(f"{apex}: DS", late, anchors=[path + ".ds" for path in keys])
        other = next(name for name in self.made if name != apex)
        with open(self.anchors[other][0] + ".key", encoding="ascii") as file:
            text = file.read().replace(other, apex)
        stranger = os.path.join(self.folder, f"stranger.{apex}")
        with open(stranger, "w", encoding="ascii") as file:
            file.write(text)
        self.refused(f"{apex}: a stranger's key",
                     [(one.title(), one.record()) for one in asked],
                     anchors=[stranger])

    def root(self):
        daemon = self.start(rct.zones_with_root(self.folder, "root"))
        keys = os.path.join(self.folder, "root.keys")
        with open(rct.root_zone(), encoding="ascii") as file, \
                open(keys, "w", encoding="ascii") as out:
            out.writelines(line for line in file
                           if re.match(r"\.\s+\d+\s+IN\s+DNSKEY\s", line))
        asked = [Asked("", name, kind) for name in ROOT_NAMES
                 for kind in (A, DS, NS)]
        asked += [Asked("", "", kind)
                  for kind in (SOA, NS, DNSKEY, A, NSEC, ANY, 63)]
        self.good("the real root zone", asked, at=AT, anchors=[keys])
        self.spoil("the real root zone, spoilt", asked, at=AT, anchors=[keys])
        self.refused("the real root zone, after its signatures ended",
                     [(one.title(), one.record()) for one in asked],
                     anchors=[keys])
        daemon.end()

    def start(self, zones):
        daemon = rct.Daemon("rootcastd", [
            f"{rct.BIN}/rootcastd", "--zones", zones, "--listen",
            f"127.0.0.1@{PORT}", "--control", f"{self.folder}/c.sock"],
            self.folder)
        daemon.wait_for(r"ready: \d+ zones served, 0 failed", 30)
        return daemon

    def run(self):
        for apex, algorithms, options in SIGNED:
            self.sign(apex, algorithms, options)
        with open(f"{self.zones}/plain.test.zone", "w",
                  encoding="ascii") as file:
            file.write(ZONE.format(apex="plain.test", long=LONG,
                                   digest="AB" * 32))
        daemon = self.start(self.zones)
        for apex, _, options in SIGNED:
            asked = [Asked(apex, name, kind) for name, kind in QUESTIONS]
            self.good(f"{apex}: every reply validates", asked)
            self.spoil(f"{apex}: spoilt replies", asked[::3],
                       opt_out="-p" in options)
            self.swaps(apex)
            self.times(apex, asked)
            self.trust(apex, asked)
        plain = [Asked("plain.test", name, kind) for name, kind in QUESTIONS]
        self.good("an unsigned zone", plain, unsigned=len(plain))
        daemon.end()
        if rct.root_zone() is not None:
            self.root()
        else:
            self.totals.skip("the real root zone", "no shared data")
        self.totals.finish()


if __name__ == "__main__":
    rct.need("ldns-signzone", "ldns-keygen", root=False,
             daemons=("rootcastd", "tool_validate"))
    Test().run()
