#!/usr/bin/env python3
"""rootcastctl checkzone over broken samples: the file, the line, the reason and
the exit status; and kzonecheck and named-checkzone over the same ones.

Where one of the two finds something, so must we: a row may say that a peer is
known to be silent or to speak of something else, and why. Samples are written
here; signed ones are signed afresh and then broken, one line each.
"""
import datetime
import os
import re
import shutil

import rct

HEAD = """$TTL 3600
@ SOA ns1 hostmaster 1 1800 900 604800 86400
@ NS ns1
ns1 A 192.0.2.1
"""
ORIGIN = "example.org"
SIGNED_AT = "20260101000000"
SIGNED_UNTIL = "20300101000000"
GOOD_TIME = "2027-01-01T00:00:00Z"

# name, text behind HEAD (or the whole where it starts with $), the line (0: no
# line; where it stands in another file, 'file:line'), severity, the reason.
SAMPLES = [
    # what no zone is
    ("empty file", "$TTL 1\n", 0, "error", "no SOA record"),
    ("no NS at the apex",
     "$TTL 60\n@ SOA ns1 h 1 1800 900 604800 300\nns1 A 192.0.2.1\n",
     2, "error", "no NS records at the apex"),
    ("several SOA", "@ SOA ns1 h 2 1800 900 604800 300\n", 5, "error",
     "several SOA"),
    ("SOA below the apex", "a SOA ns1 h 2 1800 900 604800 300\n", 5, "error",
     "SOA records at two names"),
    ("CNAME and other data", "a A 192.0.2.2\na CNAME ns1\n", 6, "error",
     "CNAME record beside other data"),
    ("CNAME at the apex", "@ CNAME a\n", 5, "error", "CNAME"),
    ("several CNAME", "a CNAME ns1\na CNAME ns2.example.net.\n", 6, "error",
     "several CNAME"),
    ("several DNAME", "a DNAME b.net.\na DNAME c.net.\n", 6, "error",
     "several DNAME"),
    ("out of zone", "a A 192.0.2.2\nwww.example.net. A 192.0.2.2\n", 6,
     "warning", "outside the zone"),
    ("RRset too long",
     "".join(f"big TXT \"{i:04} {'x' * 245}\"\n" for i in range(260)), 5,
     "error", "too long for a message"),
    ("too many iterations", "@ NSEC3PARAM 1 0 151 -\n", 5, "error",
     "150 NSEC3 iterations"),
    # syntax
    ("unknown type", "a NOSUCH x\n", 5, "error", "unknown type"),
    ("bad address", "a A 192.0.2.256\n", 5, "error", "malformed IPv4"),
    ("label too long", "a" * 64 + " A 192.0.2.1\n", 5, "error", "label"),
    ("open parenthesis", "a TXT ( x\nb A 192.0.2.1\n", 5, "error",
     "never closed"),
    ("open quote", "b A 192.0.2.1\na TXT \"x\n", 6, "error", "quote"),
    ("missing include", "$INCLUDE missing.inc\n", 5, "error", "missing.inc"),
    ("fault in an include", "$INCLUDE bad.inc\n", "bad.inc:2", "error",
     "malformed IPv4"),
    ("warning in an include", "$INCLUDE odd.inc\n", "odd.inc:3", "warning",
     "no glue for"),
    ("bad generate", "$GENERATE 3-1 a$ A 192.0.2.$\n", 5, "error", "range"),
    # hosts and glue
    ("missing glue", "sub NS ns.example.net.\nsub NS ns.sub\n", 6, "warning",
     "no glue for 'ns.sub.example.org.'"),
    ("missing sibling glue", "sub NS ns.other\nother NS ns.example.net.\n", 5,
     "warning", "no sibling glue"),
    ("extra glue",
     "sub NS ns.sub\nns.sub A 192.0.2.2\nold.sub A 192.0.2.3\n", 7, "warning",
     "extra glue"),
    ("data below a cut", "sub NS ns.example.net.\nwww.sub TXT x\n", 6,
     "warning", "never served"),
    ("NS at a CNAME",
     "sub NS ns2\nns2 CNAME ns1\n", 5, "warning", "names an alias"),
    ("apex NS at a CNAME", "@ NS ns2\nns2 CNAME ns1\n", 5, "warning",
     "names an alias"),
    ("NS that is missing", "@ NS ns2\n", 5, "warning", "is missing"),
    ("NS without an address", "@ NS ns2\nns2 TXT x\n", 5, "warning",
     "without an address"),
    ("NS below a DNAME", "@ NS ns.d\nd DNAME example.net.\n", 5, "warning",
     "names an alias"),
    ("NS at an address", "@ NS 192.0.2.1\n", 5, "warning", "an address"),
    ("MX at a CNAME", "@ MX 1 mail\nmail CNAME ns1\n", 5, "warning",
     "names an alias"),
    ("MX that is missing", "@ MX 1 mail\n", 5, "warning", "is missing"),
    ("MX at an address", "@ MX 1 192.0.2.1.\n", 5, "warning", "an address"),
    ("SRV at a CNAME", "_x._tcp SRV 1 1 1 w\nw CNAME ns1\n", 5, "warning",
     "names an alias"),
    ("SRV that is missing", "_x._tcp SRV 1 1 1 w\n", 5, "warning",
     "is missing"),
    ("owner that is no host name", "a_b A 192.0.2.2\n", 5, "warning",
     "no host names"),
    ("NS that is no host name", "sub NS a_b.example.net.\n", 5, "warning",
     "no host name"),
    ("MX that is no host name", "@ MX 1 a_b.example.net.\n", 5, "warning",
     "no host name"),
    # places
    ("name below a DNAME", "d DNAME example.net.\na.d A 192.0.2.2\n", 6,
     "warning", "below the DNAME"),
    ("NS beside a DNAME", "d DNAME example.net.\nd NS ns.example.net.\n", 5,
     "warning", "beside a DNAME"),
    ("NS at a wildcard", "*.w NS ns.example.net.\n", 5, "warning",
     "at a wildcard"),
    ("DNAME at a wildcard", "*.w DNAME example.net.\n", 5, "warning",
     "at a wildcard"),
    ("a dot missing", "www.example.org A 192.0.2.2\n", 5, "warning", "twice"),
    # values
    ("retry above refresh",
     "$TTL 60\n@ SOA ns1 h 1 900 1800 604800 300\n@ NS ns1\n"
     "ns1 A 192.0.2.1\n", 2, "warning", "retry"),
    ("expire below refresh",
     "$TTL 60\n@ SOA ns1 h 1 1800 900 2000 300\n@ NS ns1\nns1 A 192.0.2.1\n",
     2, "warning", "expire"),
    ("TTL above expire", "a 604801 A 192.0.2.2\n", 5, "warning",
     "TTLs above"),
    ("records twice", "a A 192.0.2.2\nA A 192.0.2.2\n", 6, "warning",
     "there already"),
    ("several TTLs", "a A 192.0.2.2\na 60 A 192.0.2.3\n", 5, "warning",
     "TTL above the least"),
    ("SPF alone", "@ SPF \"v=spf1 -all\"\n", 5, "warning", "no TXT"),
    # DNSSEC records without signing
    ("DS digest too short",
     "sub NS ns.example.net.\nsub DS 1 13 2 00112233\n", 6, "warning",
     "digest of 4 octets"),
    ("DS digest unknown", "sub NS ns.example.net.\nsub DS 1 13 99 00112233\n",
     6, "warning", "digest type"),
    ("DS without a delegation", "a DS 1 13 2 " + "00" * 32 + "\n", 5,
     "warning", "no delegation"),
    ("NSEC without DNSKEY", "a A 192.0.2.2\na NSEC @ A NSEC\n", 6,
     "warning", "no DNSKEY"),
    ("NSEC3PARAM flags", "@ NSEC3PARAM 1 1 0 -\n", 5, "warning", "flags 1"),
    ("NSEC3PARAM algorithm", "@ NSEC3PARAM 2 0 0 -\n", 5, "warning",
     "algorithm 2"),
    ("CDS alone", "@ CDS 1 13 2 " + "00" * 32 + "\n", 5, "warning",
     "no CDNSKEY"),
    ("CDNSKEY alone", "@ CDNSKEY 257 3 13 " + "A" * 86 + "==\n", 5, "warning",
     "no CDS"),
    ("CDS of another key",
     "@ CDS 1 13 2 " + "00" * 32 + "\n@ CDNSKEY 257 3 13 " + "A" * 86 +
     "==\n", 5, "warning", "digest of no CDNSKEY"),
    ("CDS that deletes beside others",
     "@ CDS 0 0 0 00\n@ CDS 1 13 2 " + "00" * 32 +
     "\n@ CDNSKEY 0 3 0 AA==\n", 5, "warning", "deletion"),
]
FILES = {
    "bad.inc": "x A 192.0.2.2\ny A 192.0.2\n",
    "odd.inc": "; a comment\nsub NS ns.example.net.\nsub NS ns.sub\n",
}

# What is no fault for us though a peer says something: name, text, why.
SILENT = [
    ("SHA-1 digest", "sub NS ns.example.net.\nsub DS 1 13 1 " + "00" * 20 +
     "\n", "named-checkzone calls SHA-1 deprecated: the child's choice, and "
     "the parent must publish it (RFC 8624 3.3: MUST NOT for new ones only)"),
]

SIGNED_TEXT = HEAD + """www A 192.0.2.80
www AAAA 2001:db8::80
*.w TXT wild
sub NS ns.sub
ns.sub A 192.0.2.2
plain NS ns.example.net.
sec NS ns.example.net.
sec DS 1 13 2 0123456789012345678901234567890123456789012345678901234567890123
a.b.c TXT deep
"""


def drop(pattern):
    """Without the first line that matches."""
    def change(lines):
        at = find(lines, pattern)
        return lines[:at] + lines[at + 1:]
    return change


def edit(pattern, old, new):
    def change(lines):
        at = find(lines, pattern)
        line = re.sub(old, new, lines[at], count=1)
        assert line != lines[at], (pattern, old, lines[at])
        return lines[:at] + [line] + lines[at + 1:]
    return change


def add(text):
    return lambda lines: lines + [text]


def find(lines, pattern):
    for at, line in enumerate(lines):
        if re.search(pattern, line):
            return at
    raise KeyError(pattern)


def same(lines):
    return lines


def swap_signature(line):
    """The last octets of the signature changed."""
    return re.sub(r"(\S{8})==(\s.*)?$",
                  lambda m: ("AAAAAAAA" if m[1] != "AAAAAAAA" else "BBBBBBBB")
                  + "==" + (m[2] or ""), line)


def spoil(pattern):
    def change(lines):
        at = find(lines, pattern)
        return lines[:at] + [swap_signature(lines[at])] + lines[at + 1:]
    return change


WWW = r"^www\.example\.org\.\s"
HASHED = r"^[0-9a-v]{32}\.example\.org\.\s"
# name, kind of chain, change, where the line is found in what came out (None:
# any), the reason, --at
SIGNED = [
    ("NSEC missing", "nsec", drop(WWW + r".*\sIN\s+NSEC\s"), WWW,
     "without their NSEC", GOOD_TIME),
    ("NSEC with a wrong next", "nsec",
     edit(WWW + r".*\sNSEC\s", r"NSEC\s+\S+", "NSEC x.example.org."),
     WWW + r".*\sIN\s+NSEC\s", "whose next name", GOOD_TIME),
    ("NSEC chain not closed", "nsec",
     edit(WWW + r".*\sNSEC\s", r"NSEC\s+\S+", "NSEC zzz.example.org."),
     WWW + r".*\sIN\s+NSEC\s", "whose next name", GOOD_TIME),
    ("NSEC without a type", "nsec",
     edit(WWW + r".*\sIN\s+NSEC\s", r" AAAA ", " "), WWW + r".*\sIN\s+NSEC\s",
     "whose types", GOOD_TIME),
    ("NSEC at glue", "nsec",
     add("ns.sub.example.org. 3600 IN NSEC w.example.org. A NSEC"),
     r"^ns\.sub\S+ 3600 IN NSEC", "not authoritative", GOOD_TIME),
    ("name that nobody signed", "nsec",
     add("new.example.org. 3600 IN A 192.0.2.9"), r"^new\.",
     "without their NSEC", GOOD_TIME),
    ("signature missing", "nsec", drop(WWW + r".*\sRRSIG\s+A\s"),
     WWW + r".*\sIN\s+A\s", "without a signature", GOOD_TIME),
    ("signature spoilt", "nsec", spoil(WWW + r".*\sRRSIG\s+A\s"),
     WWW + r".*\sRRSIG\s+A\s", "do not verify", GOOD_TIME),
    ("data changed after signing", "nsec",
     edit(WWW + r".*\sIN\s+A\s", r"192\.0\.2\.80", "192.0.2.81"),
     WWW + r".*\sRRSIG\s+A\s", "do not verify", GOOD_TIME),
    ("signature by an unknown key", "nsec",
     edit(WWW + r".*\sRRSIG\s+A\s", r"(2026\d+ )\d+ ", r"\g<1>1 "),
     WWW + r".*\sRRSIG\s+A\s", "not in the DNSKEY set", GOOD_TIME),
    ("signature by another zone", "nsec",
     edit(WWW + r".*\sRRSIG\s+A\s", r" example\.org\. ", " example.net. "),
     WWW + r".*\sRRSIG\s+A\s", "signer is not the zone", GOOD_TIME),
    ("signature with wrong labels", "nsec",
     edit(WWW + r".*\sRRSIG\s+A\s", r"A 13 3", "A 13 2"),
     WWW + r".*\sRRSIG\s+A\s", "count of labels", GOOD_TIME),
    ("signature with another TTL", "nsec",
     edit(WWW + r".*\sRRSIG\s+A\s", r"A 13 3 3600", "A 13 3 60"),
     WWW + r".*\sRRSIG\s+A\s", "original TTL", GOOD_TIME),
    ("expired", "nsec", same, r"\sRRSIG\s", "have expired",
     "2030-01-01T00:00:01Z"),
    ("not valid yet", "nsec", same, r"\sRRSIG\s", "not valid yet",
     "20251231235959"),
    ("soon expiring", "nsec", same, r"\sRRSIG\s", "within 7 days",
     "2029-12-30T00:00:00+01:00"),
    ("DNSKEY missing", "nsec", lambda lines:
     [l for l in lines if not re.search(r"\sIN\s+DNSKEY\s", l)], None,
     "no DNSKEY", GOOD_TIME),
    ("DNSKEY that is none", "nsec",
     add("example.org. 3600 IN DNSKEY 256 3 13 AAAA"),
     r"DNSKEY 256 3 13 AAAA", "no key of algorithm", GOOD_TIME),
    ("DNSKEY of another protocol", "nsec",
     edit(r"\sDNSKEY\s+256", r"256 3 ", "256 4 "), r"DNSKEY\s+256 4",
     "protocol 4", GOOD_TIME),
    ("a second algorithm without signatures", "nsec",
     add("example.org. 3600 IN DNSKEY 256 3 15 " + "B" * 43 + "="), None,
     "each algorithm", GOOD_TIME),
    ("chain missing", "nsec", lambda lines:
     [l for l in lines if not re.search(r"\sNSEC\s", l)],
     r"\sIN\s+DNSKEY\s", "neither an NSEC", GOOD_TIME),
    ("NSEC3 missing", "nsec3", drop(HASHED + r".*\sNSEC3\s.*\sA\s"), None,
     "without their NSEC3", GOOD_TIME),
    ("NSEC3 with a wrong next", "nsec3",
     edit(HASHED + r".*\sIN\s+NSEC3\s", r"(-\s+)\S{8}", r"\g<1>00000000"),
     HASHED + r".*00000000", "whose next hash", GOOD_TIME),
    ("NSEC3 with a wrong type", "nsec3",
     edit(HASHED + r".*\sIN\s+NSEC3\s.*\sAAAA\s", r" AAAA ", " "), None,
     "whose types", GOOD_TIME),
    ("NSEC3 of no name", "nsec3",
     lambda lines: [l for l in lines if not re.search(
         r"^a\.b\.c\.\S+\s", l)], HASHED, "of names that are not there",
     GOOD_TIME),
    ("NSEC3 of other parameters", "nsec3",
     edit(HASHED + r".*\sIN\s+NSEC3\s", r"NSEC3\s+1 0 1", "NSEC3 1 0 2"),
     HASHED + r".*NSEC3 1 0 2", "not of the chain", GOOD_TIME),
    ("NSEC3 with flags", "nsec3",
     edit(HASHED + r".*\sIN\s+NSEC3\s", r"NSEC3\s+1 0 1", "NSEC3 1 2 1"),
     HASHED + r".*NSEC3 1 2 1", "not of the chain", GOOD_TIME),
    ("NSEC3 without NSEC3PARAM", "nsec3", lambda lines:
     [l for l in lines if not re.search(r"\sNSEC3PARAM\s", l)], None,
     "no NSEC3PARAM", GOOD_TIME),
    ("delegation without NSEC3", "nsec3",
     add("late.example.org. 3600 IN NS ns.example.net."), r"^late\.",
     "without opt-out", GOOD_TIME),
    ("secure delegation without NSEC3", "optout",
     add("late.example.org. 3600 IN NS ns.example.net.\n"
         "late.example.org. 3600 IN DS 1 13 2 " + "00" * 32),
     r"^late\.\S+ 3600 IN NS", "without their NSEC3", GOOD_TIME),
    ("name without NSEC3 under opt-out", "optout",
     add("late.example.org. 3600 IN TXT x"), r"^late\.",
     "without their NSEC3", GOOD_TIME),
    ("empty name without NSEC3 under opt-out", "optout",
     add("x.late.example.org. 3600 IN TXT x"), None,
     "without their NSEC3", GOOD_TIME),
]
SIGNED_GOOD = [
    ("NSEC", "nsec", same),
    ("NSEC3", "nsec3", same),
    ("NSEC3 with opt-out", "optout", same),
    ("insecure delegations under opt-out", "optout",
     add("late.example.org. 3600 IN NS ns.example.net.\n"
         "x.late2.example.org. 3600 IN NS ns.example.net.")),
]


def seconds_of(at):
    """The time of --at, for kzonecheck, which takes seconds."""
    if at.isdigit():
        when = datetime.datetime.strptime(at + "+0000", "%Y%m%d%H%M%S%z")
    else:
        when = datetime.datetime.fromisoformat(at.replace("Z", "+00:00"))
    return int(when.timestamp())


class Test:
    def __init__(self):
        self.totals = rct.Totals()
        self.folder = rct.scratch()
        self.keys = []

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def ours(self, path, *options):
        result = rct.run(f"{rct.BIN}/rootcastctl", "checkzone", *options, path,
                         ORIGIN, check=False, cwd=self.folder)
        return result.returncode, result.stdout + result.stderr

    def peers(self, path, at):
        """What each peer has to say: a dictionary of first lines."""
        said = {}
        seconds = seconds_of(at)
        if shutil.which("kzonecheck"):
            result = rct.run("kzonecheck", "-o", ORIGIN, "-t", str(seconds), path,
                             check=False, cwd=self.folder)
            lines = (result.stdout + result.stderr).splitlines()
            lines = [l for l in lines if l and "No semantic error" not in l]
            if result.returncode != 0 or lines:
                said["kzonecheck"] = " / ".join(lines)[:160] or "failed"
        if shutil.which("named-checkzone"):
            result = rct.run("named-checkzone", "-i", "local", ORIGIN, path,
                             check=False, cwd=self.folder)
            lines = (result.stdout + result.stderr).splitlines()
            lines = [l for l in lines if l != "OK" and
                     not re.search(r": loaded serial \d+", l)]
            if result.returncode != 0 or lines:
                said["named-checkzone"] = " / ".join(lines)[:160] or "failed"
        return said

    def judge(self, name, path, where, severity, reason, at):
        status, text = self.ours(path, "--at", at)
        pattern = (rf"(?m)^{re.escape(where)} {severity}: .*"
                   rf"{re.escape(reason)}")
        wanted = 1 if severity == "error" else 0
        self.totals.check(f"{name}: {severity}, where and why",
                          status == wanted and re.search(pattern, text),
                          f"exit status {status}, wanted {pattern!r} in: "
                          f"{text[-1500:]}" if not (
                              status == wanted and re.search(pattern, text))
                          else "")
        if severity == "warning":
            status, text = self.ours(path, "--strict", "--at", at)
            self.totals.check(f"{name}: --strict makes it an error",
                              status == 1 and " error: " in text and
                              " warning: " not in text, text[-500:]
                              if status != 1 else "")

    def sample(self, row):
        name, text, line, severity, reason = row
        whole = text if text.startswith("$TTL") else HEAD + text
        path = self.write("sample.zone", whole)
        where = f"{path}:" if line == 0 else (
            f"{path}:{line}:" if isinstance(line, int)
            else f"{self.folder}/{line}:")
        self.judge(name, path, where, severity, reason, GOOD_TIME)
        said = self.peers(path, GOOD_TIME)
        print(f"   {name}: peers: {said or 'silent'}")

    def sign(self, kind):
        source = self.write("plain.zone", SIGNED_TEXT)
        out = os.path.join(self.folder, f"{kind}.signed")
        options = {"nsec": [], "nsec3": ["-n"], "optout": ["-n", "-p"]}[kind]
        rct.run("ldns-signzone", *options, "-i", SIGNED_AT, "-e", SIGNED_UNTIL,
                "-o", ORIGIN, "-f", out, source, *self.keys, cwd=self.folder)
        with open(out, encoding="ascii") as file:
            return [l for l in file.read().splitlines() if l.strip()]

    def signed(self):
        for option in ([], ["-k"]):
            key = rct.run("ldns-keygen", *option, "-a", "ECDSAP256SHA256",
                          ORIGIN, cwd=self.folder).stdout.strip()
            self.keys.append(key)
        zones = {kind: self.sign(kind) for kind in ("nsec", "nsec3", "optout")}
        for name, kind, change in SIGNED_GOOD:
            path = self.write("signed.zone",
                              "\n".join(change(zones[kind])) + "\n")
            status, text = self.ours(path, "--strict", "--at", GOOD_TIME)
            self.totals.check(f"{name}: good, also with --strict",
                              status == 0 and " 0 warnings" in text,
                              text if status else "")
            said = self.peers(path, GOOD_TIME)
            self.totals.check(f"{name}: good to the peers too", not said,
                              str(said or ""))
        for name, kind, change, pattern, reason, at in SIGNED:
            lines = "\n".join(change(zones[kind])).split("\n")
            path = self.write("signed.zone", "\n".join(lines) + "\n")
            where = f"{path}:"
            status, text = self.ours(path, "--at", at)
            found = re.search(
                rf"(?m)^{re.escape(path)}:(\d+:)? warning: .*"
                rf"{re.escape(reason)}", text)
            at_line = found and found[1] and lines[int(found[1][:-1]) - 1]
            self.totals.check(
                f"{name}: warning, where and why",
                status == 0 and found and (pattern is None or (
                    at_line and re.search(pattern, at_line))),
                "" if found and (pattern is None or (
                    at_line and re.search(pattern, at_line)))
                else f"{where} {reason}: {text} at {at_line}")
            status, text = self.ours(path, "--strict", "--at", at)
            self.totals.check(f"{name}: --strict makes it an error",
                              status == 1, text if status != 1 else "")
            print(f"   {name}: peers: "
                  f"{self.peers(path, at) or 'silent'}")

    def clean(self):
        """No row, no finding: and what peers say there is explained."""
        path = self.write("sample.zone", HEAD)
        status, text = self.ours(path, "--strict")
        self.totals.check("a good zone: no finding",
                          status == 0 and not self.peers(path, GOOD_TIME),
                          text if status else "")
        for name, text, why in SILENT:
            path = self.write("sample.zone", HEAD + text)
            status, said = self.ours(path, "--strict")
            self.totals.check(f"{name}: silent", status == 0, why)

    def root(self):
        path = rct.root_zone()
        if path is None:
            self.totals.skip("the root zone", "it is not there")
            return
        result = rct.run(f"{rct.BIN}/rootcastctl", "checkzone", "--strict",
                         "--at", "2026-08-01T12:00:00Z", path, ".",
                         check=False)
        self.totals.check("the root zone: no error, no warning",
                          result.returncode == 0 and
                          " 0 warnings" in result.stdout,
                          result.stdout + result.stderr)

    def usage(self):
        path = self.write("sample.zone", HEAD)
        for at in ("yesterday", "2026-13-01T00:00:00Z", "2026-08-01T12:00:00",
                   "20261301000000", "2026-08-01T12:00:00+1:00", "-1"):
            status, text = self.ours(path, "--at", at)
            self.totals.check(f"--at {at}: bad usage", status == 2, text)

    def run(self):
        for name, text in FILES.items():
            self.write(name, text)
        self.clean()
        self.usage()
        for row in SAMPLES:
            self.sample(row)
        if shutil.which("ldns-signzone"):
            self.signed()
        else:
            self.totals.skip("signed samples", "ldnsutils is not installed")
        self.root()
        self.totals.finish()


def main():
    rct.need(root=False, daemons=("rootcastctl",))
    Test().run()


if __name__ == "__main__":
    main()
