#!/usr/bin/env python3
"""Zone files come, break, heal and go under a steady query load: no query is
lost and none is answered wrongly, and what a file says is served soon after.
"""
import os
import signal
import subprocess
import time

import rct

PORT = 5393
RATE = 2000         # queries a second
SOON_S = 8          # from a change of a file to its being served
ROUNDS = 6


def zone(serial, extra=""):
    return f"""$TTL 3600
@ SOA ns1 hostmaster {serial} 1800 900 604800 86400
@ NS ns1
ns1 A 192.0.2.1
www A 192.0.2.80
serial TXT "{serial}"
sub NS ns1.sub
ns1.sub A 192.0.2.9
{extra}"""


class Test:
    def __init__(self):
        self.totals = rct.Totals()
        self.folder = rct.scratch()
        self.zones = os.path.join(self.folder, "zones")
        os.mkdir(self.zones)
        os.mkdir(os.path.join(self.zones, "deep"))
        self.server = None

    def path(self, name):
        return os.path.join(self.zones, name)

    def overwrite(self, name, text):
        """In place, in two writes with a pause between."""
        half = len(text) // 2
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text[:half])
            file.flush()
            time.sleep(0.05)
            file.write(text[half:])

    def rename(self, name, text):
        with open(self.path(".new"), "w", encoding="ascii") as file:
            file.write(text)
        os.rename(self.path(".new"), self.path(name))

    def swap_link(self, name, text):
        """A symbolic link comes to point elsewhere, atomically."""
        target = os.path.join(self.folder, f"target-{time.time_ns()}")
        with open(target, "w", encoding="ascii") as file:
            file.write(text)
        os.symlink(target, self.path(".link"))
        os.rename(self.path(".link"), self.path(name))

    def dig(self, name, kind):
        return rct.run("dig", "@127.0.0.1", "-p", str(PORT), "+norec",
                       "+time=1", "+tries=2", name, kind, check=False).stdout

    def soon(self, title, name, kind, wanted):
        got = rct.wait_until(lambda: wanted in self.dig(name, kind), SOON_S,
                             0.1)
        self.totals.check(title, got, "" if got else
                          self.server.text()[-1500:])

    def churn(self):
        """Everything that happens to zone files, while the load runs."""
        serial = 1
        for number in range(ROUNDS):
            for way in (self.overwrite, self.rename, self.swap_link):
                serial += 1
                way("changing.zone", zone(serial))
                self.soon(f"round {number}: {way.__name__}: new serial is "
                          "served", "serial.changing", "TXT", f'"{serial}"')
            self.overwrite("changing.zone", "garbage ( in\n\0 the file")
            self.rename("deep/coming.zone", zone(number + 1))
            self.soon(f"round {number}: a zone that comes is served",
                      "coming", "SOA", f"hostmaster.coming. {number + 1} ")
            self.rename("included.inc", f'included TXT "{number}"\n')
            self.soon(f"round {number}: a change of an $INCLUDE is served",
                      "included.including", "TXT", f'"{number}"')
            self.totals.check(f"round {number}: a broken file leaves the zone "
                              "as it was", f'"{serial}"' in
                              self.dig("serial.changing", "TXT"))
            os.unlink(self.path("deep/coming.zone"))
            self.soon(f"round {number}: a zone that goes is refused",
                      "coming", "SOA", "status: REFUSED")
            serial += 1
            self.rename("changing.zone", zone(serial))
            self.soon(f"round {number}: the broken file heals",
                      "serial.changing", "TXT", f'"{serial}"')

    def put_large(self, serial):
        """Large enough to be served before it is checked."""
        cuts = "".join(f"sub{i} NS ns{i % 100}.sub{i // 100} ; {i:>24}\n"
                       for i in range(200000))
        self.rename("large.zone", zone(serial, cuts))

    def log_comes(self, title, pattern):
        self.totals.check(title, self.server.wait_for(pattern, 60),
                          self.server.text()[-3000:])

    def large(self):
        self.put_large(1)
        self.log_comes("a large zone is served",
                       r"'large\.?': serial 1 loaded from \S+, 20000\d "
                       r"records\n")
        self.log_comes("then it is checked",
                       r"'large\.?': serial 1 checked; .*no glue")
        self.put_large(2)
        self.log_comes("a change of it", r"'large\.?': serial 2 loaded")
        self.put_large(3)
        self.log_comes("another one, while it is checked",
                       r"'large\.?': serial 3 checked; ")
        self.put_large(4)
        self.log_comes("once more", r"'large\.?': serial 4 loaded")
        os.unlink(self.path("large.zone"))
        self.log_comes("gone while it is checked",
                       r"'large\.?': removed")

    def run(self):
        for name in ("steady", "changing"):
            self.rename(f"{name}.zone", zone(1))
        self.rename("included.inc", 'included TXT "none"\n')
        self.rename("including.zone", zone(
            1, f"$INCLUDE {self.path('included.inc')}\n"))
        queries = os.path.join(self.folder, "queries")
        with open(queries, "w", encoding="ascii") as file:
            for name in ("steady", "changing", "including"):
                file.write(f"www.{name}. A 0\n{name}. SOA 0\n"
                           f"no.{name}. A 3\nwww.sub.{name}. A 0\n"
                           f"serial.{name}. TXT 0\n")
        self.server = rct.Daemon("rootcastd", [
            f"{rct.BIN}/rootcastd", "--zones", self.zones, "--listen",
            f"127.0.0.1@{PORT}", "--workers", "2", "--control",
            f"{self.folder}/server.sock"], self.folder)
        if not self.totals.check("ready with three zones", self.server.wait_for(
                r"ready: 3 zones served, 0 failed", 10), self.server.text()):
            self.totals.finish()
        load = subprocess.Popen(
            [f"{rct.BIN}/sender", "--server", f"127.0.0.1@{PORT}", "--list",
             queries, "--rate", str(RATE), "--sockets", "8", "--duration",
             "600", "--timeout-ms", "2000"], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        try:
            self.churn()
        finally:
            load.send_signal(signal.SIGTERM)
            output, errors = load.communicate(timeout=20)
        self.totals.check("no query lost, none answered wrongly",
                          load.returncode == 0 and '"lost": 0' in output and
                          '"wrong": 0' in output, output + errors)
        print(output)
        self.large()
        self.server.signal(signal.SIGTERM)
        self.totals.check("a clean stop", self.server.wait(10) == 0)
        self.totals.finish()


rct.need("dig", root=False, daemons=("rootcastd", "sender"))
Test().run()
