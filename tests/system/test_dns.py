#!/usr/bin/env python3
"""dig and kdig ask rootcastd with the real root zone: the shapes that the root
server operators are measured by (RSSAC047v2), over UDP and TCP, IPv4 and IPv6,
with DO and a payload of 1220.
"""
import re
import signal
import time

import rct

PORT = "5391"
PAIRS = [("127.0.0.1", False), ("127.0.0.1", True), ("::1", False),
         ("::1", True)]
ROOT_SERVERS = 13


class Answer:
    """What dig or kdig has printed, by section."""

    def __init__(self, text):
        self.text = text
        match = re.search(r"status: (\w+)", text)
        self.status = match.group(1) if match else None
        match = re.search(r";; [Ff]lags:([ a-z]*)", text)
        self.flags = match.group(1).split() if match else []
        self.sections = {"ANSWER": [], "AUTHORITY": [], "ADDITIONAL": []}
        section = None
        for line in text.splitlines():
            head = re.match(r";; (\w+)(?: PSEUDOSECTION| SECTION):", line)
            if head:
                section = head.group(1)
            elif section in self.sections and line and line[0] != ";":
                fields = line.split(None, 4)
                if len(fields) == 5:
                    self.sections[section].append(
                        (fields[0].lower(), fields[3], fields[4]))

    def types(self, section):
        return sorted({kind for _, kind, _ in self.sections[section]})

    def records(self, section, kind, owner=None):
        return [record for record in self.sections[section]
                if record[1] == kind and owner in (None, record[0])]

    def signed(self, section, kind, owner):
        """Is the RRset there, and its signature?"""
        return bool(self.records(section, kind, owner)) and any(
            data.split()[0] == kind
            for _, _, data in self.records(section, "RRSIG", owner))

    def empty(self, *sections):
        return all(not self.sections[section] for section in sections)


def canonical(name):
    """The key by which names are ordered (RFC 4034 6.1)."""
    return [label.encode() for label in
            reversed([part for part in name.lower().split(".") if part])]


def covers(owner, following, name):
    first, last, key = canonical(owner), canonical(following), canonical(name)
    return first < key and (key < last or last == [])


class Zone:
    """What the zone file holds, read without any of our own code."""

    def __init__(self, path):
        self.ns, self.ds, self.addresses, self.apex = {}, {}, {}, {}
        with open(path, encoding="ascii") as file:
            for line in file:
                fields = line.split()
                if len(fields) < 5 or line[0] in "; \t":
                    continue
                owner, kind, data = fields[0].lower(), fields[3], fields[4:]
                if kind == "NS":
                    self.ns.setdefault(owner, set()).add(data[0].lower())
                elif kind == "DS":
                    self.ds.setdefault(owner, []).append(data)
                elif kind in ("A", "AAAA"):
                    self.addresses.setdefault(owner, []).append(data[0])
                elif kind == "SOA":
                    self.serial = data[2]


class Test:
    def __init__(self):
        self.totals = rct.Totals()
        self.folder = rct.scratch()
        self.zones = rct.zones_with_root(self.folder)
        self.zone = Zone(rct.root_zone())
        self.server = None

    def ask(self, tool, pair, name, qtype, *words):
        address, tcp = pair
        command = [tool, f"@{address}", "-p", PORT, name, qtype, "+dnssec",
                   "+bufsize=1220", "+norec", "+ignore", "+time=4"]
        if tool == "dig":
            command += ["+nosplit", "+nocookie", "+tries=1", "+noidnout"]
        else:
            command += ["+retry=0", "+noidn"]
        if tcp:
            command.append("+tcp")
        return Answer(rct.run(*command, *words, check=False).stdout)

    def each(self, title, name, qtype, judge):
        """One shape, over the four pairs, by both tools."""
        for pair in PAIRS:
            label = (f"{title}, {'TCP' if pair[1] else 'UDP'} over "
                     f"{'IPv6' if ':' in pair[0] else 'IPv4'}")
            for tool in ("dig", "kdig"):
                answer = self.ask(tool, pair, name, qtype)
                wrong = judge(answer)
                self.totals.check(f"{label}, {tool}", not wrong,
                                  "; ".join(wrong) + (
                                      "\n" + answer.text if wrong else ""))

    def referral(self, tld):
        def judge(answer):
            wrong = []
            if answer.status != "NOERROR" or "aa" in answer.flags:
                wrong.append(f"{answer.status} {answer.flags}")
            if not answer.empty("ANSWER"):
                wrong.append("answer is not empty")
            found = {data.lower() for _, _, data in
                     answer.records("AUTHORITY", "NS", tld)}
            if found != self.zone.ns[tld]:
                wrong.append(f"NS set {found}")
            if tld in self.zone.ds:
                if len(answer.records("AUTHORITY", "DS", tld)) != \
                        len(self.zone.ds[tld]) or \
                        not answer.signed("AUTHORITY", "DS", tld):
                    wrong.append("signed DS set is not there")
            else:
                nsec = answer.records("AUTHORITY", "NSEC", tld)
                if not answer.signed("AUTHORITY", "NSEC", tld) or \
                        " DS " in nsec[0][2] + " ":
                    wrong.append("signed NSEC without DS is not there")
            glue = [owner for owner, kind, _ in answer.sections["ADDITIONAL"]
                    if kind in ("A", "AAAA")]
            if not glue or any(owner not in found for owner in glue):
                wrong.append(f"glue {glue}")
            for host in found:
                if (host == tld or host.endswith("." + tld)) and \
                        host in self.zone.addresses and host not in glue and \
                        "tc" not in answer.flags:
                    wrong.append(f"in-domain glue of {host} is not there")
            return wrong
        return judge

    def ds(self, tld):
        def judge(answer):
            wrong = []
            if answer.status != "NOERROR" or "aa" not in answer.flags:
                wrong.append(f"{answer.status} {answer.flags}")
            if len(answer.records("ANSWER", "DS", tld)) != \
                    len(self.zone.ds[tld]) or \
                    not answer.signed("ANSWER", "DS", tld):
                wrong.append("signed DS set is not there")
            if not answer.empty("AUTHORITY", "ADDITIONAL"):
                wrong.append("authority or additional is not empty")
            return wrong
        return judge

    def soa(self, answer):
        wrong = []
        if answer.status != "NOERROR" or "aa" not in answer.flags:
            wrong.append(f"{answer.status} {answer.flags}")
        if not answer.signed("ANSWER", "SOA", "."):
            wrong.append("signed SOA is not there")
        elif self.zone.serial not in \
                answer.records("ANSWER", "SOA")[0][2].split():
            wrong.append("another serial")
        if not answer.empty("AUTHORITY") and \
                not answer.signed("AUTHORITY", "NS", "."):
            wrong.append("authority is neither empty nor the signed NS")
        return wrong

    def dnskey(self, answer):
        wrong = []
        if answer.status != "NOERROR" or "aa" not in answer.flags:
            wrong.append(f"{answer.status} {answer.flags}")
        if not answer.signed("ANSWER", "DNSKEY", "."):
            wrong.append("signed DNSKEY is not there")
        if not answer.empty("AUTHORITY", "ADDITIONAL"):
            wrong.append("authority or additional is not empty")
        return wrong

    def priming(self, answer):
        wrong = []
        if answer.status != "NOERROR" or "aa" not in answer.flags or \
                "tc" in answer.flags:
            wrong.append(f"{answer.status} {answer.flags}")
        if not answer.signed("ANSWER", "NS", ".") or \
                len(answer.records("ANSWER", "NS")) != ROOT_SERVERS:
            wrong.append("signed NS set is not there")
        if not answer.empty("AUTHORITY"):
            wrong.append("authority is not empty")
        addresses = len(answer.records("ADDITIONAL", "A")) + \
            len(answer.records("ADDITIONAL", "AAAA"))
        if addresses != 2 * ROOT_SERVERS:
            wrong.append(f"{addresses} addresses")
        return wrong

    def missing(self, name):
        def judge(answer):
            wrong = []
            if answer.status != "NXDOMAIN" or "aa" not in answer.flags:
                wrong.append(f"{answer.status} {answer.flags}")
            if not answer.empty("ANSWER", "ADDITIONAL"):
                wrong.append("answer or additional is not empty")
            if not answer.signed("AUTHORITY", "SOA", "."):
                wrong.append("signed SOA is not there")
            if not answer.signed("AUTHORITY", "NSEC", "."):
                wrong.append("NSEC of the apex is not there")
            if not any(covers(owner, data.split()[0], name) and
                       answer.signed("AUTHORITY", "NSEC", owner)
                       for owner, kind, data in answer.sections["AUTHORITY"]
                       if kind == "NSEC"):
                wrong.append("no NSEC covers the name")
            return wrong
        return judge

    def start(self):
        began = time.monotonic()
        self.server = rct.Daemon(
            "rootcastd",
            [f"{rct.BIN}/rootcastd", "--zones", self.zones, "--listen",
             f"127.0.0.1@{PORT}", "--listen", f"::1@{PORT}", "--identity",
             "rct.example", "--control", f"{self.folder}/server.sock"],
            self.folder)
        ready = self.server.wait_for(
            r"ready: 1 zones? served, 0 failed", 10)
        took = time.monotonic() - began
        return self.totals.check(
            "root zone: ready within 1 s", ready and took < 1,
            f"{took * 1000:.0f} ms" if ready else self.server.text())

    def other_shapes(self):
        """What is no RSSAC shape but must hold as well."""
        pair = PAIRS[0]
        answer = self.ask("dig", pair, "id.server", "TXT", "-c", "CH")
        self.totals.check("id.server CH TXT says the identity",
                          any("rct.example" in data for _, _, data in
                              answer.sections["ANSWER"]), answer.text)
        answer = self.ask("dig", pair, "hostname.bind", "TXT", "-c", "CH")
        self.totals.check("hostname.bind CH TXT says the identity",
                          any("rct.example" in data for _, _, data in
                              answer.sections["ANSWER"]), answer.text)
        answer = self.ask("dig", pair, ".", "SOA", "+nsid")
        self.totals.check("NSID is answered", "rct.example" in answer.text,
                          answer.text)
        answer = self.ask("dig", pair, ".", "SOA", "+edns=1", "+noednsneg")
        self.totals.check("EDNS version 1: BADVERS",
                          answer.status == "BADVERS", answer.text)
        for kind in ("AXFR", "IXFR=1"):
            text = rct.run("dig", "@127.0.0.1", "-p", PORT, ".", kind,
                           "+tcp", "+time=4", "+tries=1", check=False).stdout
            self.totals.check(f"{kind} is refused",
                              "Transfer failed" in text or
                              "REFUSED" in text, text[:500])
        answer = self.ask("dig", pair, "wWw.COM", "A", "+qr")
        self.totals.check("the question comes back as it was spelled",
                          answer.text.count("wWw.COM.") >= 2, answer.text)
        text = rct.run("dig", "@127.0.0.1", "-p", PORT, "+tcp", "+keepopen",
                       "+norec", "+tries=1", ". SOA".split()[0], "SOA", "com",
                       "NS", "org", "NS", check=False).stdout
        self.totals.check("three questions on one TCP connection",
                          text.count("status: NOERROR") == 3, text[-500:])

    def run(self):
        if not self.start():
            self.totals.finish()
        with_ds = sorted(set(self.zone.ns) & set(self.zone.ds))
        without = sorted(set(self.zone.ns) - set(self.zone.ds) - {"."})
        for tld in ["com.", with_ds[len(with_ds) // 2], without[0],
                    without[-1]]:
            self.each(f"{tld} NS", tld, "NS", self.referral(tld))
        for tld in ["com.", with_ds[1]]:
            self.each(f"{tld} DS", tld, "DS", self.ds(tld))
        self.each(". SOA", ".", "SOA", self.soa)
        self.each(". DNSKEY", ".", "DNSKEY", self.dnskey)
        self.each(". NS", ".", "NS", self.priming)
        name = "www.rssac047-test.qzkxjvwqzx."
        self.each("name under a missing TLD", name, "A", self.missing(name))
        wrong = [f"{tld} {found[0]}" for tld in sorted(self.zone.ns)
                 if tld != "." and (found := self.referral(tld)(
                     self.ask("kdig", PAIRS[0], tld, "NS")))]
        self.totals.check("every TLD NS over UDP", not wrong,
                          ", ".join(wrong[:20]))
        self.other_shapes()
        self.server.signal(signal.SIGTERM)
        status = self.server.wait(5)
        self.totals.check("SIGTERM without route control: stops at once, 0",
                          status == 0, f"{status}")
        self.totals.finish()


rct.need("dig", "kdig", root=False, zone=True)
Test().run()
