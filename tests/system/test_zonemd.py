#!/usr/bin/env python3
"""ZONEMD in the running nameserver: what does not verify is refused, the
version served stays, and status, 'zones' and 'zone' say what was verified.
"""
import json
import os
import signal
import time

import rct

PORT = 5394
SOON_S = 8
FIXTURES = os.path.join(rct.ROOT, "tests", "unit", "zonemd")
INCEPTION, EXPIRATION = 1767225600, 2082758400   # of the fixtures
KSK = ("59113 13 2 fdabee4ff96259ba0a2af0c6f3072435"
       "454eff41901602482bc39111ad6e5da1")
PLAIN = "$TTL 60\n@ SOA ns h {} 1800 900 604800 60\n@ NS ns\nns A 192.0.2.1\n"


def fixture(name):
    with open(os.path.join(FIXTURES, f"{name}.zone"), encoding="ascii") as file:
        return file.read()


class Test:
    def __init__(self):
        self.totals = rct.Totals()
        self.folder = rct.scratch()
        self.zones = os.path.join(self.folder, "zones")
        self.socket = os.path.join(self.folder, "server.sock")
        os.mkdir(self.zones)
        self.server = None

    def put(self, name, text):
        path = os.path.join(self.zones, ".new")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.rename(path, os.path.join(self.zones, f"{name}.zone"))

    def ctl(self, *words):
        """Exit status and document."""
        result = rct.run(f"{rct.BIN}/rootcastctl", "--socket", self.socket,
                         "--json", *words, check=False)
        return result.returncode, json.loads(result.stdout or "{}")

    def zone(self, name):
        zones = self.ctl("zone", name)[1].get("zones", [])
        return zones[0] if zones else {}

    def serves(self, title, name, serial, zonemd):
        """The zone comes to be served in that version, so verified."""
        def good():
            zone = self.zone(name)
            return zone.get("state") == "served" and \
                zone.get("serial") == serial and \
                zone.get("zonemd") == zonemd and not zone.get("error")
        got = rct.wait_until(good, SOON_S, 0.1)
        answer = rct.run("dig", "@127.0.0.1", "-p", str(PORT), "+norec",
                         "+short", name, "SOA", check=False).stdout
        self.totals.check(title, got and f" {serial} " in answer,
                          "" if got else f"{self.zone(name)} {answer}")

    def refuses(self, title, name, reason, serial=None, zonemd=None):
        """The file is refused; the version of that serial is still served,
        or, with None, there is none."""
        def refused():
            error = self.zone(name).get("error")
            return error and reason in error["reason"] and error["line"] > 0
        got = rct.wait_until(refused, SOON_S, 0.1)
        zone = self.zone(name)
        answer = rct.run("dig", "@127.0.0.1", "-p", str(PORT), "+norec",
                         name, "SOA", check=False).stdout
        if serial is None:
            kept = zone.get("state") == "failed" and "SERVFAIL" in answer
        else:
            kept = zone.get("state") == "served" and \
                zone.get("serial") == serial and \
                zone.get("zonemd") == zonemd and f" {serial} " in answer
        self.totals.check(title, got and kept, "" if got and kept else
                          f"{zone} {answer}")

    def start(self, zones):
        path = os.path.join(self.folder, "rootcast.json")
        with open(path, "w", encoding="ascii") as file:
            json.dump({"server": {"listen": [f"127.0.0.1@{PORT}"],
                                  "zones": self.zones, "workers": 1,
                                  "control": self.socket}, "zones": zones},
                      file)
        self.server = rct.Daemon("rootcastd", [f"{rct.BIN}/rootcastd", "-c",
                                               path], self.folder)
        ready = self.server.wait_for(r"ready: ", 15)
        self.totals.check("ready", ready, "" if ready else self.server.text())

    def stop(self):
        self.server.signal(signal.SIGTERM)
        self.totals.check("a clean stop", self.server.wait(10) == 0)

    def test_require(self):
        good = fixture("ecdsap256")
        self.put("example", good)
        self.start({"example": {"zonemd": "require", "trust_anchor": KSK}})
        self.serves("require: signatures and digest hold", "example.", 7,
                    "signature")
        counts = self.ctl("status")[1].get("zonemd", {})
        self.totals.check("status counts the verified",
                          counts.get("signature") == 1 and
                          counts.get("digest") == 0, str(counts))
        self.put("example", good.replace("192.0.2.1", "192.0.2.2"))
        self.refuses("require: a changed record is refused", "example.",
                     "digest", 7, "signature")
        self.totals.check("rootcastctl zone fails while a file is refused",
                          self.ctl("zone", "example.")[0] == 1)
        self.totals.check("status counts the error", self.ctl("status")[1]
                          ["zone_counts"]["errors"] == 1)
        self.put("example", good.replace(" 7 3600", " 8 3600"))
        self.refuses("require: a SOA that was not signed is refused",
                     "example.", "signatures over SOA", 7, "signature")
        self.put("example", fixture("revoked"))
        self.refuses("require: another key than the trust anchor's is refused",
                     "example.", "signatures over DNSKEY", 7, "signature")
        self.put("example", "".join(
            line for line in good.splitlines(True) if "ZONEMD\t7" not in line))
        self.refuses("require: a ZONEMD that was taken out is missed",
                     "example.", "missing", 7, "signature")
        self.put("example", PLAIN.format(9))
        self.refuses("require: a zone without ZONEMD is refused", "example.",
                     "there is no ZONEMD", 7, "signature")
        self.put("example", good)
        self.serves("require: the good file heals", "example.", 7, "signature")
        self.stop()

    def test_policies(self):
        wrong = fixture("wrong_digest")
        self.put("example", wrong)
        self.start({})
        self.refuses("check: a wrong digest at start is not served",
                     "example.", "digest")
        self.put("example", PLAIN.format(10))
        self.serves("check: a zone without ZONEMD is served", "example.", 10,
                    "none")
        self.put("example", fixture("unsupported"))
        self.serves("check: an algorithm that is not known is no fault",
                    "example.", 7, "unsupported")
        self.put("example", wrong)
        self.refuses("check: a wrong digest is refused later", "example.",
                     "digest", 7, "unsupported")
        self.stop()
        self.start({"Example.": {"zonemd": "ignore"}})
        self.serves("ignore: a wrong digest is served", "example.", 7,
                    "ignored")
        self.stop()

    def test_root(self):
        source = rct.root_zone()
        if source is None:
            self.totals.skip("the real root zone", f"not in {rct.DATA}")
            return
        with open(source, encoding="ascii") as file:
            text = file.read()
        os.unlink(os.path.join(self.zones, "example.zone"))
        self.put("root", text)
        self.start({})
        serial = self.zone(".").get("serial")
        state = self.zone(".").get("zonemd")
        self.totals.check("the real root zone's digest holds",
                          state in ("digest", "signature"), str(state))
        self.put("root", text + "zz--new.\t60\tIN\tNS\tns.zz--new.\n")
        self.refuses("a root zone with one record more is refused", ".",
                     "digest", serial, state)
        self.stop()

    def run(self):
        if INCEPTION < time.time() < EXPIRATION:
            self.test_require()
        else:
            self.totals.skip("require", "the clock is not between 2026 and "
                             "2036, where the signatures are good")
        self.test_policies()
        self.test_root()
        self.totals.finish()


rct.need("dig", root=False, daemons=("rootcastd", "rootcastctl"))
Test().run()
