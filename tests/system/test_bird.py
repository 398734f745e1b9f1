#!/usr/bin/env python3
"""A site with BIRD as its router: what is announced when, and how fast it goes.

Bounds here are generous, so that a busy machine does not fail the test; the
medians that the README shows come from 'bench/run withdraw', which uses the
same steps.
"""
import os
import shutil
import signal
import subprocess
import time

import rct

KILL_S = 0.25   # the design says 50 ms
HANG_S = 1.5    # 1 s
HOLD_S = 12     # the hold time is 9 s
FLOOD_S = 10


class Test:
    def __init__(self):
        self.totals = rct.Totals()
        self.folder = rct.scratch()
        self.net = rct.Net()
        self.zones = rct.zones_with_root(self.folder)
        self.site = rct.Site(self.net, self.folder, self.zones)

    def check(self, name, ok, detail=""):
        if not self.totals.check(name, ok, detail):
            self.site.logs()
        return ok

    def up(self, name, seconds=20):
        """Everything runs and is announced."""
        site = self.site
        if site.bird is None or not site.bird.daemon.is_alive():
            site.start_bird()
        if site.nameserver is None or not site.nameserver.is_alive():
            if not site.start_nameserver(cores=True):
                self.check(f"{name}: rootcastd is ready", False)
        if site.route is None or not site.route.is_alive():
            site.start_route()
        return self.check(f"{name}: announced", site.announced(seconds))

    def withdrawn_after(self, name, act, bound):
        """Both prefixes go within bound seconds of act()."""
        since = time.time()
        act()
        gone = rct.wait_until(
            lambda: self.site.bird.gone(rct.PREFIX4, since) and
            self.site.bird.gone(rct.PREFIX6, since), bound + 3, 0.05)
        took = None
        if gone:
            took = max(self.site.bird.gone(rct.PREFIX4, since),
                       self.site.bird.gone(rct.PREFIX6, since)) - since
        return self.check(f"{name}: withdrawn within {bound * 1000:.0f} ms",
                          took is not None and took <= bound,
                          "not at all" if took is None
                          else f"{took * 1000:.1f} ms")

    def nothing_before_the_zone(self):
        """A required zone is missing: the session comes up, no route does."""
        empty = os.path.join(self.folder, "empty")
        os.mkdir(empty)
        site = rct.Site(self.net, self.folder, empty)
        self.site = site
        site.start_bird()
        self.check("required zone missing: rootcastd runs without it",
                   site.start_nameserver())
        site.start_route()
        self.check("required zone missing: session is established",
                   rct.wait_until(site.bird.is_established, 15, 0.1))
        time.sleep(2.5)
        self.check("required zone missing: nothing is announced",
                   not site.bird.has(rct.PREFIX4) and
                   not site.bird.has(rct.PREFIX6) and
                   site.bird.route_event("added", rct.PREFIX4, 0) is None)
        shutil.copyfile(rct.root_zone(), os.path.join(empty, "root.zone"))
        self.check("required zone comes: announced", site.announced())
        since = time.time()
        os.unlink(os.path.join(empty, "root.zone"))
        self.check("required zone goes: withdrawn",
                   site.absent(10), "still announced after 10 s")
        del since
        rct.end_everything()
        os.unlink(site.bird.events)

    def start(self):
        self.site = rct.Site(self.net, self.folder, self.zones)
        since = time.time()
        self.up("start")
        ready = self.site.nameserver.text().find("ready:") >= 0
        added = self.site.bird.route_event("added", rct.PREFIX4, since)
        self.check("start: IPv4 and IPv6 learnt by BIRD after ready",
                   ready and added is not None)
        status, document = self.site.ctl("route", "status")
        self.check("route status: exit status 0, both announced",
                   status == 0 and isinstance(document, dict) and
                   all(prefix["state"] == "announced"
                       for service in document["services"]
                       for prefix in service["prefixes"]), f"{document}")

    def kill(self):
        for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT):
            name = f"{signal.Signals(number).name} of rootcastd"
            if not self.up(name):
                return
            self.withdrawn_after(
                name, lambda n=number: self.site.nameserver.signal(n), KILL_S)
            self.site.nameserver.wait(20)
        for core in os.listdir(self.folder):
            if core.startswith("core"):
                os.unlink(os.path.join(self.folder, core))

    def stopped(self):
        if not self.up("SIGSTOP of rootcastd"):
            return
        server = self.site.nameserver
        self.withdrawn_after("SIGSTOP of rootcastd",
                             lambda: server.signal(signal.SIGSTOP), HANG_S)
        server.signal(signal.SIGCONT)
        self.check("SIGCONT of rootcastd: announced again",
                   self.site.announced())

    def frozen(self, name, thread):
        """Withdrawn when that one thread stands still; gives the freezer."""
        freezer = None

        def freeze():
            nonlocal freezer
            freezer = subprocess.Popen(
                [os.path.join(rct.BIN, "tool_freeze"), str(thread)],
                stdout=subprocess.PIPE)
            freezer.stdout.readline()

        self.withdrawn_after(name, freeze, HANG_S)
        return freezer

    def one_worker(self):
        """One of two workers stands still; the other answers on."""
        if not self.up("one worker of two"):
            return
        workers = [tid for tid, name in self.site.nameserver.threads().items()
                   if name.startswith("worker")]
        if not self.check("one worker of two: there are two",
                          len(workers) == 2, f"{workers}"):
            return
        freezer = self.frozen("one worker of two stands still", workers[-1])
        freezer.kill()
        freezer.wait()
        self.check("one worker of two: announced again when it goes on",
                   self.site.announced())

    def flood(self):
        if not self.up("flood"):
            return
        since = time.time()
        _, result = rct.sender(
            self.net, "--zone", rct.root_zone(), "--server", rct.SERVICE4,
            "--window", "20000", "--sockets", "16", "--duration", str(FLOOD_S),
            "--loss-is-fine", "--timeout-ms", "300")
        removed = self.site.bird.route_event("removed", rct.PREFIX4, since)
        self.check("flood of 10 s: answered and stays announced",
                   removed is None and result.get("answered", 0) > 0 and
                   self.site.bird.has(rct.PREFIX4) and
                   self.site.bird.has(rct.PREFIX6),
                   f"{result.get('replies_per_s')} replies/s, "
                   f"{result.get('lost')} lost")

    def drain(self):
        if not self.up("drain"):
            return
        since = time.time()
        status, document = self.site.ctl("route", "drain")
        self.check("route drain: done", status == 0, f"{status} {document}")
        self.check("route drain: withdrawn", self.site.absent(10))
        self.planned("route drain", since)
        status, document = self.site.ctl("route", "status")
        self.check("route drain: status says so by exit status 1",
                   status == 1, f"{status} {document}")
        time.sleep(1.5)
        self.check("route drain: stays withdrawn",
                   not self.site.bird.has(rct.PREFIX4))
        status, document = self.site.ctl("route", "undrain")
        self.check("route undrain: done", status == 0, f"{status} {document}")
        self.check("route undrain: announced again", self.site.announced())

    def planned(self, name, since):
        """GRACEFUL_SHUTDOWN first, the withdrawal drain_ms later."""
        for prefix in (rct.PREFIX4, rct.PREFIX6):
            gshut = self.site.bird.first(f"gshut {prefix}", since)
            removed = self.site.bird.gone(prefix, since)
            self.check(f"{name}: {prefix} GRACEFUL_SHUTDOWN, then withdrawn",
                       gshut is not None and removed is not None and
                       gshut < removed and 0.4 < removed - gshut < 3,
                       f"{gshut} {removed}")

    def terminate_nameserver(self):
        if not self.up("SIGTERM of rootcastd"):
            return
        asker = rct.Asker(self.net)
        time.sleep(0.3)
        since = time.time()
        self.site.nameserver.signal(signal.SIGTERM)
        status = self.site.nameserver.wait(20)
        asker.stop()
        self.check("SIGTERM of rootcastd: exit status 0", status == 0,
                   f"{status}")
        self.planned("SIGTERM of rootcastd", since)
        removed = self.site.bird.gone(rct.PREFIX4, since)
        self.check("SIGTERM of rootcastd: answers until after the withdrawal",
                   removed is not None and asker.last is not None and
                   asker.last > removed, f"last answer {asker.last}, "
                   f"withdrawn {removed}")

    def terminate_route(self):
        if not self.up("SIGTERM of rootcast-routed"):
            return
        since = time.time()
        self.site.route.signal(signal.SIGTERM)
        status = self.site.route.wait(20)
        self.check("SIGTERM of rootcast-routed: exit status 0", status == 0,
                   f"{status}")
        self.check("SIGTERM of rootcast-routed: withdrawn",
                   self.site.absent(5))
        self.planned("SIGTERM of rootcast-routed", since)
        self.check("SIGTERM of rootcast-routed: Cease, shut down",
                   self.site.bird.first(
                       "Administrative shutdown", since) is not None)
        self.check("SIGTERM of rootcast-routed: rootcastd runs on",
                   self.site.nameserver.is_alive())

    def kill_route(self):
        if not self.up("SIGKILL of rootcast-routed", 30):
            return
        self.withdrawn_after("SIGKILL of rootcast-routed",
                             lambda: self.site.route.signal(signal.SIGKILL),
                             KILL_S)
        self.site.route.wait(5)
        self.check("SIGKILL of rootcast-routed: rootcastd runs on",
                   self.site.nameserver.is_alive())

    def stop_route(self):
        if not self.up("SIGSTOP of rootcast-routed", 30):
            return
        self.withdrawn_after("SIGSTOP of rootcast-routed",
                             lambda: self.site.route.signal(signal.SIGSTOP),
                             HOLD_S)
        self.site.route.signal(signal.SIGCONT)
        self.check("SIGCONT of rootcast-routed: announced again",
                   self.site.announced(90))

    def hung_decider(self):
        """The lease runs out at the speaker."""
        if not self.up("the decider stands still", 30):
            return
        freezer = self.frozen("the decider stands still",
                              self.site.route.pid)
        freezer.kill()
        freezer.wait()
        self.check("the decider goes on: announced again",
                   self.site.announced(30))

    def hung_speaker(self):
        """The decider ends the process; its sessions close."""
        if not self.up("the speaker stands still", 30):
            return
        speaker = [tid for tid, name in self.site.route.threads().items()
                   if name == "speaker"]
        freezer = self.frozen("the speaker stands still", speaker[0])
        freezer.kill()
        freezer.wait()
        self.check("the speaker stands still: the process has ended with 1",
                   self.site.route.wait(5) == 1)

    def restart_bird(self):
        if not self.up("BIRD restarted", 90):
            return
        self.site.bird.daemon.end()
        time.sleep(1)
        self.site.start_bird()
        self.check("BIRD restarted: announced again", self.site.announced(30))
        self.check("BIRD restarted: both daemons run on",
                   self.site.nameserver.is_alive() and
                   self.site.route.is_alive())

    def run(self):
        try:
            for step in (self.nothing_before_the_zone, self.start, self.kill,
                         self.stopped, self.one_worker, self.flood, self.drain,
                         self.terminate_nameserver, self.kill_route,
                         self.terminate_route, self.hung_decider,
                         self.hung_speaker, self.restart_bird,
                         self.stop_route):
                print(f"== {step.__name__}", flush=True)
                step()
        finally:
            rct.end_everything()
        self.totals.finish()


rct.need("bird", "birdc", "ip", zone=True,
         daemons=("rootcastd", "rootcast-routed", "rootcastctl", "sender",
                  "tool_freeze"))
Test().run()
