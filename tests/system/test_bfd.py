#!/usr/bin/env python3
"""BFD with BIRD: what only the loss of BFD can tell goes within half a second.

The hold time is 9 s, so that whatever goes faster went by BFD. Bounds are
generous: a busy machine must not fail the test.
"""
import os
import signal
import subprocess
import time

import bfd_wire
import rct

BOUND_S = 1.5  # the design says 500 ms
LONG_S = 30


class Test:
    def __init__(self):
        self.totals = rct.Totals()
        self.folder = rct.scratch()
        self.net = rct.Net()
        self.zones = rct.zones_with_root(self.folder)
        peer = {
            "address": rct.ROUTER4, "as": 65000, "source": rct.SERVER4,
            "hold_s": 9, "families": ["ipv4", "ipv6"],
            "next_hop": {"ipv6": rct.SERVER6},
            "bfd": {"interval_ms": 100, "multiplier": 3, "nameserver": True},
        }
        self.site = rct.Site(self.net, self.folder, self.zones, peers=[peer])
        self.wire = bfd_wire.Wire(self.net.server, "up0")

    def check(self, name, ok, detail=""):
        if not self.totals.check(name, ok, detail):
            self.site.logs()
        return ok

    def bfd(self):
        """What route status says of the session."""
        _, document = self.site.ctl("route", "status")
        if not isinstance(document, dict) or not document.get("peers"):
            return {}  # not there yet
        return document["peers"][0].get("bfd", {})

    def up(self, name):
        site = self.site
        if site.bird is None:
            site.start_bird(bfd=True)
        if site.nameserver is None or not site.nameserver.is_alive():
            site.start_nameserver()
        if site.route is None or not site.route.is_alive():
            site.start_route()
        return (self.check(f"{name}: BFD is up", rct.wait_until(
                    lambda: self.bfd().get("state") == "Up", LONG_S, 0.1),
                    f"{self.bfd()}") and
                self.check(f"{name}: announced", site.announced(LONG_S)))

    def gone(self, name, act):
        """Both prefixes are gone at BIRD within the bound."""
        since = time.time()
        act()
        ended = rct.wait_until(
            lambda: self.site.bird.gone(rct.PREFIX4, since) and
            self.site.bird.gone(rct.PREFIX6, since), BOUND_S + 10, 0.02)
        took = None
        if ended:
            took = max(self.site.bird.gone(rct.PREFIX4, since),
                       self.site.bird.gone(rct.PREFIX6, since)) - since
        return self.check(f"{name}: withdrawn within {BOUND_S * 1000:.0f} ms",
                          took is not None and took <= BOUND_S,
                          "not at all" if took is None
                          else f"{took * 1000:.0f} ms")

    def start(self):
        if not self.up("start"):
            return
        shown = self.site.bird.birdc("show", "bfd", "sessions")
        self.check("start: BIRD calls the session up", "Up" in shown, shown)
        self.check("start: 3 x 100 ms",
                   rct.wait_until(lambda: self.bfd().get("detection_ms") ==
                                  300, 5), f"{self.bfd()}")

    def says_down(self, name, since):
        """It says so itself: Down, which is not AdminDown (RFC 5882 3.2)."""
        self.check(f"{name}: Down is said, and no other state after Up",
                   rct.wait_until(lambda: bfd_wire.DOWN in
                                  self.wire.states(since), 2, 0.02) and
                   self.wire.states(since) <= {bfd_wire.UP, bfd_wire.DOWN},
                   f"{self.wire.states(since)}")

    def frozen(self):
        """The whole process stands still: nothing is said on TCP."""
        if not self.up("SIGSTOP of rootcast-routed"):
            return
        self.gone("SIGSTOP of rootcast-routed",
                  lambda: self.site.route.signal(signal.SIGSTOP))
        time.sleep(1)
        self.site.route.signal(signal.SIGCONT)
        self.check("SIGCONT: it says Down before it says Up",
                   rct.wait_until(lambda: "held down" in
                                  self.site.route.text(), 5))
        self.check("SIGCONT of rootcast-routed: announced again",
                   self.site.announced(90))

    def thread(self, name):
        """One thread of it stands still."""
        if not self.up(f"the {name} thread stands still"):
            return
        route = self.site.route
        found = [tid for tid, text in route.threads().items()
                 if text == name] if name != "deciding" else [route.pid]
        freezer = None

        def freeze():
            nonlocal freezer
            freezer = subprocess.Popen(
                [os.path.join(rct.BIN, "tool_freeze"), str(found[0])],
                stdout=subprocess.PIPE)
            freezer.stdout.readline()

        since = time.time()
        self.gone(f"the {name} thread stands still", freeze)
        self.check(f"the {name} thread stands still: BIRD saw BFD go down",
                   rct.wait_until(lambda: self.site.bird.first(
                       r"changed state from Up to Down", since), 2, 0.05))
        if name != "bfd":  # that one says nothing any more
            self.says_down(f"the {name} thread stands still", since)
        freezer.kill()
        freezer.wait()
        route.wait(2)

    def silent_nameserver(self):
        """Its heartbeat stops; 'nameserver' is configured for the peer."""
        if not self.up("SIGSTOP of rootcastd"):
            return
        since = time.time()
        self.gone("SIGSTOP of rootcastd",
                  lambda: self.site.nameserver.signal(signal.SIGSTOP))
        self.check("SIGSTOP of rootcastd: BIRD saw BFD go down",
                   rct.wait_until(lambda: self.site.bird.first(
                       r"changed state from Up to Down", since), 2, 0.05))
        self.says_down("SIGSTOP of rootcastd", since)
        time.sleep(1)
        self.check("SIGSTOP of rootcastd: BFD stays down, by the nameserver",
                   self.bfd().get("state") == "Down" and
                   "nameserver" in self.bfd().get("held", ""),
                   f"{self.bfd()}")
        self.site.nameserver.signal(signal.SIGCONT)
        self.check("SIGCONT of rootcastd: announced again",
                   self.site.announced(90))

    def link(self):
        """Nothing passes any more; both ends must notice."""
        if not self.up("link cut"):
            return
        before = self.bfd().get("falls", 0)
        # Only one end goes: the address stays, and so does the TCP socket.
        self.gone("link cut", lambda: self.net.ip(
            self.net.router, "link", "set", "down0", "down"))
        self.check("link cut: our side ended the session, by BFD",
                   rct.wait_until(lambda: self.bfd().get("falls", 0) > before
                                  and "6/10" in self.site.route.text(), 5),
                   f"{self.bfd()}")
        status, document = self.site.ctl("route", "status")
        self.check("link cut: the peer is unconfirmed",
                   document["peers"][0]["unconfirmed"] is True,
                   f"{status} {document['peers'][0]}")
        self.net.ip(self.net.router, "link", "set", "down0", "up")
        self.net.ip(self.net.router, "-6", "addr", "replace",
                    f"{rct.ROUTER6}/64", "dev", "down0", "nodad")
        self.check("link back: announced again", self.site.announced(90))

    def planned(self):
        """A drain's end must not look like a failure."""
        if not self.up("SIGTERM of rootcast-routed"):
            return
        since = time.time()
        self.site.route.signal(signal.SIGTERM)
        self.check("SIGTERM of rootcast-routed: exit status 0",
                   self.site.route.wait(20) == 0)
        removed = self.site.bird.gone(rct.PREFIX4, since)
        down = self.site.bird.first(r"changed state from Up to Down", since)
        self.check("SIGTERM: the routes go before BFD does",
                   removed is not None and (down is None or removed < down),
                   f"withdrawn {removed}, BFD down {down}")

    def run(self):
        try:
            self.start()
            self.frozen()
            for name in ("speaker", "deciding", "bfd"):
                self.thread(name)
            self.silent_nameserver()
            self.check("never AdminDown", bfd_wire.ADMIN_DOWN not in
                       self.wire.states(0) and len(self.wire.heard) > 100,
                       f"{self.wire.states(0)}, {len(self.wire.heard)} heard")
            self.link()
            self.planned()
        finally:
            rct.end_everything()
        self.totals.finish()


rct.need("bird", "birdc", "ip", zone=True,
         daemons=("rootcastd", "rootcast-routed", "rootcastctl",
                  "tool_freeze"))
Test().run()
