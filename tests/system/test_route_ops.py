#!/usr/bin/env python3
"""What an operator does with route control, and what may get in its way."""
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time

import rct

ZONE = """$TTL 60
example. SOA ns.example. host.example. 1 3600 600 86400 60
example. NS ns.example.
ns.example. A 192.0.2.53
"""
HOLD_S = 3


class Test:
    def __init__(self):
        self.totals = rct.Totals()
        self.folder = rct.scratch()
        self.net = rct.Net()
        self.zones = os.path.join(self.folder, "zones")
        os.mkdir(self.zones)
        with open(os.path.join(self.zones, "example.zone"), "w",
                  encoding="utf-8") as file:
            file.write(ZONE)
        self.site = None

    def check(self, name, ok, detail=""):
        if not self.totals.check(name, ok, detail):
            self.site.logs()
        return ok

    def make_site(self, change=None, **options):
        """A new site, not started; change(document) edits its configuration."""
        rct.end_everything()
        for name in ("bird-events.log", "rootcast-routed.log",
                     "route.overrides"):
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                os.unlink(path)
        self.site = rct.Site(self.net, self.folder, self.zones,
                             required_zones=["example."], **options)
        self.change(lambda document: document["route"]["peers"][0].update(
            hold_s=HOLD_S))
        if change:
            self.change(change)
        return self.site

    def change(self, change):
        with open(self.site.config, encoding="utf-8") as file:
            document = json.load(file)
        change(document)
        with open(self.site.config, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)

    def up(self, name, seconds=20):
        """Everything runs and is announced."""
        site = self.site
        if site.bird is None or not site.bird.daemon.is_alive():
            site.start_bird(hold=HOLD_S)
        if site.nameserver is None or not site.nameserver.is_alive():
            site.start_nameserver()
        if site.route is None or not site.route.is_alive():
            site.start_route()
        return self.check(f"{name}: announced", site.announced(seconds))

    # --- the log ----------------------------------------------------------

    def full_standard_error(self):
        """Nobody reads standard error: nothing but the log may suffer."""
        site = self.make_site()
        site.start_bird(hold=HOLD_S)
        site.start_nameserver()
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x" * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(writer, True)
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.net.server,
             os.path.join(rct.BIN, "rootcast-routed"), "-c", site.config],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=writer)
        os.close(writer)
        try:
            name = "full standard error"
            self.check(f"{name}: announced", site.announced(20))
            since = time.time()
            time.sleep(2 * HOLD_S)
            self.check(f"{name}: the session stays up",
                       site.bird.is_established() and
                       site.bird.route_event("removed", rct.PREFIX4,
                                             since) is None)
            for _ in range(30):  # each a line or more: the ring fills up
                for word in ("drain", "undrain", "drain", "undrain", "drain"):
                    site.ctl("route", word)
            self.check(f"{name}: withdrawals go out", site.absent(5))
            self.check(f"{name}: the session is the same one",
                       site.bird.first("BGP session closed|Received:",
                                       since) is None)
            since = time.time()
            os.kill(process.pid, signal.SIGTERM)
            try:
                status = process.wait(10)
            except subprocess.TimeoutExpired:
                status = None
            self.check(f"{name}: it ends when told to", status == 0,
                       f"{status} after {time.time() - since:.1f} s")
        finally:
            process.kill()
            process.wait()
            os.close(reader)

    # --- route log --------------------------------------------------------

    def log(self, *words):
        """The events and incidents that 'route log' shows."""
        status, document = self.site.ctl("route", "log", *words)
        if status != 0 or not isinstance(document, dict):
            return [], {}
        return (document["events"],
                {one["incident"]: one for one in document["incidents"]})

    def incident_of(self, kind, text):
        """The youngest incident with such an event, and its events."""
        events, incidents = self.log()
        for event in reversed(events):
            if event["kind"] == kind and text in event["text"]:
                number = event["incident"]
                return incidents.get(number), [
                    one for one in events if one["incident"] == number]
        return None, []

    def follow(self, name, incident, events, kinds):
        """The kinds of event stand in that order, with rising times."""
        found = [event["kind"] for event in events]
        places = [found.index(kind) for kind in kinds if kind in found]
        times = [event["monotonic_us"] for event in events]
        self.check(f"{name}: {' -> '.join(kinds)}",
                   incident is not None and len(places) == len(kinds) and
                   places == sorted(places) and
                   0 <= incident["decided_us"] <= incident["updated_us"] <=
                   incident["acknowledged_us"] and
                   max(times) - min(times) < 10e6,
                   f"{incident} {events}")

    def why_withdrawn(self):
        """A crash, a hang, a drain: cause, decision, UPDATE, acknowledged."""
        site = self.make_site()
        if not self.up("route log"):
            return
        site.nameserver.signal(signal.SIGKILL)
        site.absent(5)
        time.sleep(0.1)
        incident, events = self.incident_of("decision",
                                            "announced -> withdrawn")
        self.follow("log of a crash", incident, events,
                    ("nameserver", "health", "decision", "update", "written",
                     "acknowledged"))
        self.check("log of a crash: one incident for both prefixes",
                   {event.get("prefix") for event in events
                    if event["kind"] == "decision"} ==
                   {rct.PREFIX4, rct.PREFIX6})
        site.nameserver.wait(5)
        self.up("route log: restarted")
        incident, events = self.incident_of("decision",
                                            "withdrawn -> announced")
        self.follow("log of a recovery", incident, events,
                    ("health", "decision", "update", "acknowledged"))
        site.nameserver.signal(signal.SIGSTOP)
        site.absent(5)
        site.nameserver.signal(signal.SIGCONT)
        time.sleep(0.1)
        incident, events = self.incident_of("decision",
                                            "announced -> withdrawn")
        self.follow("log of a hang", incident, events,
                    ("probe", "health", "decision", "update", "acknowledged"))
        self.up("route log: goes on")
        site.ctl("route", "drain", rct.PREFIX4)
        rct.wait_until(lambda: not site.bird.has(rct.PREFIX4), 5)
        time.sleep(0.1)
        incident, events = self.incident_of("command", "drain")
        self.follow("log of a drain", incident, events,
                    ("command", "decision", "update", "written",
                     "acknowledged", "drain"))
        kinds = [event["kind"] for event in events]
        self.check("log of a drain: then the withdrawal",
                   kinds[kinds.index("drain"):] ==
                   ["drain", "decision", "update", "written",
                    "acknowledged"], f"{kinds}")
        self.check("log of a drain: the other prefix has no part in it",
                   all(event.get("prefix") in (None, rct.PREFIX4)
                       for event in events))
        of_one, _ = self.log(rct.PREFIX4)
        of_peer, _ = self.log(rct.ROUTER4)
        last, _ = self.log("--last", "3")
        self.check("route log TARGET: only what concerns it",
                   of_one and of_peer and
                   all(event.get("prefix") in (None, rct.PREFIX4)
                       for event in of_one) and
                   any(event["kind"] == "update" for event in of_one) and
                   any(event["kind"] == "session" for event in of_peer))
        self.check("route log --last 3", len(last) == 3)
        status, text = site.ctl("route", "log", "nothing")
        self.check("route log of an unknown target: refused", status == 1,
                   f"{status} {text}")
        result = rct.run(os.path.join(rct.BIN, "rootcastctl"), "--socket",
                         os.path.join(self.folder, "route.sock"), "route",
                         "log", check=False)
        print(result.stdout[-3000:])
        self.check("route log: as text", result.returncode == 0 and
                   "incident" in result.stdout and
                   "acknowledged after" in result.stdout)
        site.ctl("route", "undrain")

    # --- drain, disable, what-if ------------------------------------------

    def prefix(self, name=rct.PREFIX4):
        """One prefix of 'route status'."""
        _, document = self.site.ctl("route", "status")
        if not isinstance(document, dict):
            return None
        for service in document.get("services", []):
            for prefix in service["prefixes"]:
                if prefix["prefix"] == name:
                    return prefix
        return None

    def what_if(self, *words):
        """[(after_ms, action, prefixes, attributes)]"""
        status, document = self.site.ctl("route", "what-if", *words)
        if status != 0:
            return None
        return [(one["after_ms"], one["action"], one["prefixes"],
                 one.get("attributes", {})) for one in document["updates"]]

    def disable(self):
        """At once, with a reason that is kept; enable takes it back."""
        site = self.make_site()
        if not self.up("disable"):
            return
        both = [rct.PREFIX4, rct.PREFIX6]
        foretold = self.what_if("disable", "dns")
        self.check("what-if disable: two withdrawals at once",
                   foretold == [(0, "withdraw", [both[0]], {}),
                                (0, "withdraw", [both[1]], {})],
                   f"{foretold}")
        present = self.what_if()
        self.check("what-if: what a session is told",
                   present is not None and
                   [one[:3] for one in present] ==
                   [(0, "announce", [both[0]]), (0, "announce", [both[1]])],
                   f"{present}")
        foretold = self.what_if("drain", both[0])
        self.check("what-if drain: GRACEFUL_SHUTDOWN, later the withdrawal",
                   foretold is not None and len(foretold) == 2 and
                   foretold[0][:3] == (0, "announce", [both[0]]) and
                   foretold[0][3]["communities"] == ["graceful-shutdown"] and
                   foretold[1] == (500, "withdraw", [both[0]], {}),
                   f"{foretold}")
        time.sleep(0.3)
        self.check("what-if: sends nothing", site.bird.has(both[0]) and
                   site.bird.first("gshut", 0) is None)
        since = time.time()
        status, _ = site.ctl("route", "disable", "--reason", "fibre work",
                             both[0])
        self.check("disable PREFIX: withdrawn at once",
                   status == 0 and rct.wait_until(
                       lambda: site.bird.gone(both[0], since), 2) and
                   site.bird.first("gshut", since) is None)
        self.check("disable PREFIX: the other stays", site.bird.has(both[1]))
        self.check("disable PREFIX: the reason is shown",
                   "fibre work" in self.prefix()["drain_reason"],
                   f"{self.prefix()}")
        self.check("route status: exit status 1 for what is not announced",
                   site.ctl("route", "status")[0] == 1)
        self.check("what-if enable: announces it again",
                   [one[:3] for one in self.what_if("enable")] ==
                   [(0, "announce", [both[0]])])
        site.ctl("route", "enable", both[0])
        self.check("enable: announced again", site.announced(5))

    def disable_peer(self):
        """Withdrawn, acknowledged, Cease 6/2 with the text; no new session."""
        site = self.site
        since = time.time()
        closed = site.ctl("route", "what-if", "disable", rct.ROUTER4)[1]
        self.check("what-if disable PEER: names the session",
                   closed.get("sessions_closed") == [rct.ROUTER4],
                   f"{closed}")
        site.ctl("route", "disable", "--reason", "ticket 4711", rct.ROUTER4)
        self.check("disable PEER: withdrawn, then Cease 6/2 with the reason",
                   rct.wait_until(lambda: site.bird.first(
                       "Administrative shutdown.*ticket 4711", since), 3) and
                   site.bird.route_event("removed", rct.PREFIX4, since) and
                   site.bird.route_event("removed", rct.PREFIX4, since) <=
                   site.bird.first("Administrative shutdown", since))
        time.sleep(3)
        self.check("disable PEER: no session", not site.bird.is_established())
        _, document = site.ctl("route", "status")
        peer = document["peers"][0]
        self.check("disable PEER: route status says so",
                   peer["disabled"] and peer["reason"] == "ticket 4711" and
                   peer["announced"] == 0 and peer["state"] == "Idle",
                   f"{peer}")
        self.restart_keeps("disable PEER", lambda: not
                           site.bird.is_established())
        site.ctl("route", "enable", rct.ROUTER4)
        self.check("enable PEER: announced again", site.announced(60))

    def restart_keeps(self, name, holds):
        """SIGKILL of route control, a new one: holds() after 3 s."""
        site = self.site
        rct.wait_until(lambda: site.ctl("route", "status")[1].get(
            "overrides_saved"), 3)
        site.route.signal(signal.SIGKILL)
        site.route.wait(5)
        site.start_route()
        site.route.wait_for("running", 10)
        time.sleep(3)
        self.check(f"{name}: kept over a restart", holds())

    def survives(self):
        """A drain and its reason survive; a corrupt file is said, and safe."""
        site = self.site or self.make_site()
        if not self.up("restart"):
            return
        site.ctl("route", "drain", "--reason", "rolling", "dns")
        self.check("drain SERVICE: withdrawn", site.absent(5))
        self.restart_keeps("drain SERVICE", lambda: not
                           site.bird.has(rct.PREFIX4) and
                           not site.bird.has(rct.PREFIX6))
        self.check("restart: the session is up without routes",
                   rct.wait_until(site.bird.is_established, 60, 0.1))
        self.change(lambda document: document["route"]["services"][
            "dns"].update(prefixes=[rct.PREFIX6, rct.PREFIX4]))
        status, document = site.ctl("route", "reload")
        time.sleep(0.5)
        self.check("reload, prefixes in another order: stays drained",
                   status == 0 and not site.bird.has(rct.PREFIX4) and
                   not site.bird.has(rct.PREFIX6), f"{document}")
        overrides = site.ctl("route", "status")[1]["overrides"]
        self.check("restart: the reason is kept",
                   [(one["action"], one["target"], one["reason"])
                    for one in overrides] == [("drain", "dns", "rolling")],
                   f"{overrides}")
        site.ctl("route", "undrain", rct.PREFIX6)
        self.check("undrain a part: the other part stays drained",
                   rct.wait_until(lambda: site.bird.has(rct.PREFIX6), 5) and
                   not site.bird.has(rct.PREFIX4))
        site.ctl("route", "undrain")
        self.check("undrain: announced", site.announced(5))
        site.route.signal(signal.SIGTERM)
        site.route.wait(10)
        path = os.path.join(self.folder, "route.overrides")
        with open(path, "w", encoding="utf-8") as file:
            file.write("rootcast-route-overrides 1\ndrain serv")
        site.start_route()
        self.check("corrupt state file: it starts, and says so",
                   site.route.wait_for("running", 10) and
                   "cannot be read" in site.route.text() and
                   "line 2" in site.route.text())
        self.check("corrupt state file: the session comes up",
                   rct.wait_until(site.bird.is_established, 60, 0.1))
        time.sleep(2)
        self.check("corrupt state file: nothing is announced",
                   not site.bird.has(rct.PREFIX4) and
                   os.path.exists(path + ".bad"))
        site.ctl("route", "enable")
        self.check("corrupt state file: announced after 'enable'",
                   site.announced(5))

    # --- what is said of the truth ----------------------------------------

    def told(self):
        """'announced' only when a peer was told; unconfirmed when it may
        hold what was withdrawn."""
        site = self.make_site()
        site.start_nameserver()
        site.start_route()
        healthy = rct.wait_until(lambda: (self.prefix() or {}).get(
            "desired") == "announced", 10)
        prefix = self.prefix()
        self.check("status without a session: wished for, not announced",
                   healthy and prefix["state"] == "withdrawn" and
                   "no peer" in prefix["reason"] and
                   prefix["told_peers"] == 0, f"{prefix}")
        self.check("status without a session: exit status 1",
                   site.ctl("route", "status")[0] == 1)
        self.up("status")
        status, document = site.ctl("route", "status")
        self.check("status with a session: announced",
                   status == 0 and self.prefix()["state"] == "announced" and
                   sorted(document["peers"][0]["prefixes"]) ==
                   [rct.PREFIX4, rct.PREFIX6])
        self.net.ip(self.net.router, "link", "set", "down0", "down")
        site.ctl("route", "disable", "dns")
        peer = rct.wait_until(
            lambda: [one for one in site.ctl("route", "status")[1]["peers"]
                     if one["unconfirmed"]], 3)
        self.check("not acknowledged within 1 s: unconfirmed, with a time",
                   peer and 0 < peer[0]["unconfirmed_left_ms"] <=
                   HOLD_S * 1000 and peer[0]["announced"] == 0, f"{peer}")
        self.check("not acknowledged: the log says so",
                   "it may hold the routes for another 3 s" in
                   site.route.text())
        self.check("not acknowledged: over with the hold time",
                   rct.wait_until(lambda: not site.ctl(
                       "route", "status")[1]["peers"][0]["unconfirmed"],
                       HOLD_S + 2, 0.1))
        self.net.ip(self.net.router, "link", "set", "down0", "up")
        self.net.ip(self.net.router, "-6", "addr", "replace",
                    f"{rct.ROUTER6}/64", "dev", "down0", "nodad")
        for service, via in ((f"{rct.SERVICE4}/32", rct.SERVER4),
                             (f"{rct.SERVICE6}/128", rct.SERVER6)):
            self.net.ip(self.net.router, "route", "replace", service, "via",
                        via)

    # --- maintenance, and how a drain goes --------------------------------

    def maintenance(self):
        """A file drains while it is there; its content is the reason. The
        drain has prepending and a MED as configured."""
        path = os.path.join(self.folder, "maintenance")

        def change(document):
            document["route"]["maintenance_file"] = path
            document["route"]["services"]["dns"]["drain"] = {
                "prepend": 3, "med": 1000}

        site = self.make_site(change)
        if not self.up("maintenance"):
            return
        since = time.time()
        with open(path, "w", encoding="utf-8") as file:
            file.write("new\nswitch\n")
        draining = rct.wait_until(
            lambda: site.bird.first(f"gshut {rct.PREFIX4}", since), 3, 0.005)
        route = site.bird.birdc("show", "route", "for", rct.PREFIX4, "all")
        self.check("maintenance file: GRACEFUL_SHUTDOWN, 3 x prepended, MED",
                   draining and "BGP.as_path: 64512 64512 64512 64512\n" in
                   route and "BGP.med: 1000" in route, route)
        self.check("maintenance file: no withdrawal before drain_ms",
                   site.bird.route_event("removed", rct.PREFIX4,
                                         since) is None)
        self.check("maintenance file: withdrawn", site.absent(5))
        gone = site.bird.gone(rct.PREFIX4, since)
        self.check("maintenance file: after drain_ms",
                   draining and gone and 0.4 < gone - draining < 3,
                   f"{gone} {draining}")
        self.check("maintenance file: its content is the reason",
                   self.prefix()["reason"] ==
                   "drained by a maintenance file: new switch",
                   f"{self.prefix()['reason']}")
        site.route.signal(signal.SIGTERM)
        site.route.wait(10)
        site.start_route()
        self.check("maintenance file at start: the session is up",
                   rct.wait_until(site.bird.is_established, 60, 0.1))
        time.sleep(2)
        self.check("maintenance file at start: nothing is announced",
                   not site.bird.has(rct.PREFIX4))
        os.unlink(path)
        self.check("maintenance file gone: announced", site.announced(5))
        since = time.time()
        site.route.signal(signal.SIGTERM)
        site.route.wait(10)
        self.check("the end: Cease 6/2 with a text",
                   site.bird.first("Administrative shutdown.*"
                                   "rootcast-routed is stopped", since))

    # --- service addresses ------------------------------------------------

    def on_lo(self, address):
        """The line of 'ip addr' for an address on the server's lo, or ''."""
        for line in rct.run("ip", "-n", self.net.server, "-o", "addr", "show",
                            "dev", "lo").stdout.splitlines():
            if f" {address}/" in line:
                return line
        return ""

    def order(self, name, *patterns):
        """These stand in the log of route control, in that order."""
        def places():
            log = self.site.route.text()
            found = [[match.start() for match in re.finditer(one, log)]
                     for one in patterns]
            return [one[-1] for one in found if one]

        rct.wait_until(lambda: len(places()) == len(patterns), 2)
        found = places()
        self.check(name, len(found) == len(patterns) and
                   found == sorted(found), f"{list(zip(patterns, found))}")

    def addresses(self):
        """Added before the announcement, without DAD; removed at the end, if
        they are ours."""
        def change(document):
            document["route"]["services"]["dns"]["addresses"] = "manage"

        site = self.make_site(change)
        remove = ("addr", "del", f"{rct.SERVICE6}/128", "dev", "lo")
        self.net.ip(self.net.server, "-6", *remove)
        self.net.ip(self.net.server, "addr", "del", f"{rct.SERVICE4}/32",
                    "dev", "lo")
        if not self.up("addresses"):
            return
        line = self.on_lo(rct.SERVICE6)
        self.check("addresses: on lo, without DAD",
                   self.on_lo(rct.SERVICE4) and "nodad" in line and
                   "tentative" not in line, line)
        for address, prefix in ((rct.SERVICE4, rct.PREFIX4),
                                (rct.SERVICE6, rct.PREFIX6)):
            self.order(f"addresses: {address} before its announcement",
                       f"service address {address}: added to lo",
                       f"peer .*: announced .*{prefix}")
        site.route.signal(signal.SIGKILL)
        site.route.wait(5)
        self.check("addresses: they outlive a crash",
                   self.on_lo(rct.SERVICE4))
        self.up("addresses: after a crash", 60)
        kept = site.route.text().count("on lo since a run before") == 2
        site.route.signal(signal.SIGTERM)
        site.route.wait(15)
        self.order("addresses: withdrawn before they are left",
                   "withdrew .*" + rct.PREFIX4, "stopped")
        if kept:
            self.check("addresses: those of a run before are removed",
                       not self.on_lo(rct.SERVICE4) and
                       not self.on_lo(rct.SERVICE6))
        else:
            self.totals.skip("addresses: those of a run before are removed",
                             "this kernel keeps no protocol of addresses")
        for address, size in ((rct.SERVICE4, 32), (rct.SERVICE6, 128)):
            rct.run("ip", "-n", self.net.server, "addr", "del",
                    f"{address}/{size}", "dev", "lo", check=False)
        self.net.ip(self.net.server, "addr", "add", f"{rct.SERVICE4}/32",
                    "dev", "lo")
        self.up("addresses: one is there already", 60)
        since = time.time()
        site.route.signal(signal.SIGTERM)
        site.route.wait(15)
        self.order("addresses: removed after withdrawal and linger",
                   "withdrew .*" + rct.PREFIX4,
                   f"service address {rct.SERVICE6}: removed from lo",
                   "stopped")
        self.check("addresses: not before linger_ms",
                   time.time() - site.bird.gone(rct.PREFIX6, since) > 0.9)
        self.check("addresses: somebody else's stays",
                   self.on_lo(rct.SERVICE4) and not self.on_lo(rct.SERVICE6))
        self.not_permitted()

    def not_permitted(self):
        site = self.site
        site.route = rct.Daemon(
            "rootcast-routed",
            ["setpriv", "--inh-caps=-net_admin", "--bounding-set=-net_admin",
             os.path.join(rct.BIN, "rootcast-routed"), "-c", site.config],
            self.folder, self.net.server)
        self.check("addresses: not permitted is said",
                   site.route.wait_for(
                       f"{rct.SERVICE6}: cannot be added to lo: Operation "
                       r"not permitted \(CAP_NET_ADMIN is needed\)", 5),
                   site.route.text()[-1500:])
        self.check("addresses: the other prefix is announced all the same",
                   rct.wait_until(lambda: site.bird.has(rct.PREFIX4), 60))
        self.check("addresses: the one without its address is not",
                   not site.bird.has(rct.PREFIX6))
        self.net.ip(self.net.server, "-6", "addr", "add",
                    f"{rct.SERVICE6}/128", "dev", "lo", "nodad")

    def run(self):
        try:
            steps = (self.full_standard_error, self.why_withdrawn, self.disable,
                         self.disable_peer, self.survives, self.told,
                         self.maintenance, self.addresses)
            for step in steps:
                if sys.argv[1:] and step.__name__ not in sys.argv[1:]:
                    continue
                print(f"== {step.__name__}", flush=True)
                step()
        finally:
            rct.end_everything()
        self.totals.finish()


rct.need("bird", "birdc", "ip",
         daemons=("rootcastd", "rootcast-routed", "rootcastctl"))
Test().run()
