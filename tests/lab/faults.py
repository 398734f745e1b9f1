"""The faults that the laboratory plays, and how each is ended.

A fault is a Step: make() plays it at a site, mend() ends it. What is then
measured and judged is run's business.
"""
import os
import re
import signal
import subprocess
import threading
import time

import rct
import topology

SILENCE = """table inet lab {
	chain input {
		type filter hook input priority 0;
		%s
	}
	chain output {
		type filter hook output priority 0;
		%s
	}
}
"""
# A site's own check of what it cannot mend: has it what the primary published?
FRESH = """test "$(dig +short +tries=1 +time=1 @%s lab.example SOA |
	cut -d ' ' -f 3)" -ge "$(cat %s)" """
# Of a server that a flood is too much for: it runs, and stands still.
RUNS_S, STANDS_S = 0.04, 0.21


class Step:
    """make(site) plays the fault, mend(site) ends it. site: where. mark_ms:
    the bound; median_ms: of the crash, where mark_ms is of 99 in 100. planned:
    not one query may be lost, ever. stays: the route must not be withdrawn.
    is_elsewhere: the routers withdraw, and may lose queries while they learn
    their routes again. seen(site): what must be true at some time of it. moves: whether the site's
    region must be answered elsewhere in the end; None: either."""

    def __init__(self, name, make, mend, mark_ms=None, site="1", short=False,
                 median_ms=None, planned=False, stays=False, wait_s=0,
                 is_compared=False, is_elsewhere=False, seen=None, moves=None,
                 once=False):
        self.name, self.make, self.mend = name, make, mend
        self.mark_ms, self.median_ms, self.site = mark_ms, median_ms, site
        self.short, self.planned, self.stays = short, planned, stays
        self.is_compared = is_compared  # another's: reported, not judged
        self.is_elsewhere = is_elsewhere
        self.seen, self.moves, self.once = seen, moves, once
        self.wait_s = wait_s or (mark_ms or 3000) / 1000 + 4


class Faults:
    def __init__(self, lab):
        self.lab, self.net, self.sites = lab, lab.net, lab.sites
        self.freezers = []
        self.load = self.brake = None
        self.published = lab.net.write("published", "1\n")
        self.serial = 1

    def end(self):
        """Leave nothing of ours behind."""
        self.thaw(None)
        self.flood_over(None)

    # --- processes and threads ----------------------------------------------
    @staticmethod
    def kill_server(number):
        def make(site):
            site.server.signal(number)
        return make

    @staticmethod
    def start_again(site):
        for daemon in (site.server, site.route):
            if daemon.is_alive():
                daemon.signal(signal.SIGCONT)
        if not site.server.is_alive() or not site.route.is_alive():
            site.server.wait(20) if not site.server.is_alive() else None
            site.start()

    @staticmethod
    def server_again(site):
        site.server.wait(20)
        site.start()

    @staticmethod
    def route_again(site):
        site.route.wait(20)
        site.start()

    def freeze(self, program, which):
        """One thread of the site's rootcastd ('server') or rootcast-routed
        ('route'): the last whose name begins so; '': the first of all."""
        def make(site):
            threads = getattr(site, program).threads()
            found = [t for t, name in sorted(threads.items())
                     if name.startswith(which)]
            freezer = subprocess.Popen(
                [os.path.join(rct.BIN, "tool_freeze"),
                 str(found[-1] if which else found[0])],
                stdout=subprocess.PIPE)
            self.freezers.append(freezer)
            freezer.stdout.readline()
        return make

    def thaw(self, _site):
        for freezer in self.freezers:
            freezer.kill()
            freezer.wait()
        self.freezers.clear()

    def thaw_and_start(self, site):
        """Route control ends itself where its speaking thread hangs."""
        self.thaw(site)
        site.route.wait(10)
        site.start()

    @staticmethod
    def stop_route(site):
        site.route.signal(signal.SIGTERM)

    def maintenance(self, _site):
        """Each site in turn: SIGTERM to both daemons, start, announced."""
        for site in self.sites.values():
            self.lab.marks.append((time.time(), "stop " + site.node))
            site.server.signal(signal.SIGTERM)
            site.route.signal(signal.SIGTERM)
            for daemon in (site.server, site.route):
                if daemon.wait(30) != 0:
                    self.lab.verdict(
                        "rolling maintenance: clean stop", False,
                        f"{daemon.name}: {daemon.process.returncode}")
            site.start()
            site.wait_up()
            time.sleep(1)

    def flap(self, site):
        site.set_health(hold_down_max_ms=4000)
        for _ in range(3):
            site.server.signal(signal.SIGKILL)
            site.server.wait(10)
            site.start()
            site.wait_up(20)
        site.server.signal(signal.SIGKILL)

    def flap_is_over(self, site):
        self.start_again(site)
        site.wait_up()
        site.set_health()

    # --- links and routers --------------------------------------------------
    def filtered(self, inward, outward=""):
        return lambda site: self.net.nft(site.node,
                                         SILENCE % (inward, outward))

    def unfilter(self, site):
        self.net.nft(site.node, "delete table inet lab\n")

    def cut(self, site):
        self.net.ip(site.node, "link", "set", site.router, "down")

    def join(self, site):
        self.net.ip(site.node, "link", "set", site.router, "up")
        self.net.default_route(site.node)

    def split(self, site):
        self.net.ip(site.router, "link", "set", "t" + site.number, "down")

    def unsplit(self, site):
        self.net.ip(site.router, "link", "set", "t" + site.number, "up")

    def restart_router(self, site):
        self.net.stop_router(site.router)

    def router_again(self, site):
        self.net.start_router(site.router)

    # --- zones --------------------------------------------------------------
    @staticmethod
    def zone_away(site):
        os.unlink(site.zone_file)

    @staticmethod
    def zone_broken(site):
        with open(site.zone_file, "a", encoding="utf-8") as file:
            file.write("broken A not-an-address\n")

    def zone_back(self, site):
        site.put_zone(self.serial)

    def publish(self, sites):
        """The primary has a new zone, and it reaches these sites only."""
        self.serial += 1
        for site in sites:
            site.put_zone(self.serial)
        for site in sites:
            rct.wait_until(lambda site=site: f"serial {self.serial} " in
                           site.server.text(), 10, 0.05)
        self.net.write("published", f"{self.serial}\n")

    def check_freshness(self, site):
        """From now on the site looks whether its zone is the primary's."""
        site.set_service(commands=[{
            "run": ["/bin/sh", "-c", FRESH % (topology.SERVICE,
                                              self.published)],
            "interval_ms": 500, "shared": True}],
            shared_fault={"policy": "prepend:4", "grace_ms": 500})

    def stale_here(self, site):
        self.check_freshness(site)
        self.publish([other for other in self.sites.values()
                      if other is not site])

    def stale_everywhere(self, _site):
        for site in self.sites.values():
            self.check_freshness(site)
        self.publish([])

    def fresh_again(self, _site):
        self.publish(self.sites.values())
        for site in self.sites.values():
            rct.wait_until(lambda site=site: not self.is_shared(site), 10, 0.1)
        for site in self.sites.values():
            site.set_service()

    @staticmethod
    def is_shared(site):
        return site.prefix_status().get("shared_fault", {}).get("acted_on",
                                                                False)

    def all_are_shared(self, _site):
        return all(self.is_shared(site) for site in self.sites.values())

    # --- load ---------------------------------------------------------------
    def flood(self, site):
        """Queries that the site cannot all answer, since it gets a sixth of the
        time; its region's client sends them."""
        zone = self.net.write("flood.zone", "".join(
            f"{name}lab.example.\t3600\tIN\t{data}\n" for name, data in
            [("", "SOA\tns.lab.example. h. 1 1 1 1 1")] +
            [(f"n{i}.", "NS\tns.lab.example.") for i in range(50)]))
        self.load = rct.Daemon(
            "flood", [os.path.join(rct.BIN, "sender"), "--zone", zone,
                      "--server", topology.SERVICE, "--window", "20000",
                      "--sockets", "16", "--duration", "7", "--spin",
                      "--loss-is-fine", "--timeout-ms", "100"],
            self.lab.folder, self.net.name("c" + site.number))
        self.brake = threading.Thread(target=self.slow, args=(site.server,))
        self.brake.start()

    def slow(self, server):
        load = self.load
        while load.is_alive():
            server.signal(signal.SIGSTOP)
            time.sleep(STANDS_S)
            server.signal(signal.SIGCONT)
            time.sleep(RUNS_S)

    def flood_over(self, _site):
        if self.load is None:
            return
        load, self.load = self.load, None
        load.wait(30)
        self.brake.join()
        text = load.text()
        sent = re.search(r'"sent": (\d+)', text)
        if sent is None or int(sent.group(1)) < 10000:
            self.lab.verdict("a flood: is sent", False, text[:300])
        load.end()

    def flood_shifted(self, site):
        site.set_service(overload="prepend:4")
        self.flood(site)

    def shifted_flood_over(self, site):
        self.flood_over(site)
        site.set_service()

    @staticmethod
    def is_overloaded(site):
        return site.prefix_status().get("health") == "overload"

    # --- the list -----------------------------------------------------------
    def steps(self):
        again, nothing = self.start_again, lambda _site: None
        kill = self.kill_server(signal.SIGKILL)
        quick = {"mark_ms": 50, "median_ms": 20}
        return [
            Step("crash: SIGKILL of rootcastd", kill, again, short=True,
                 **quick),
            Step("crash: SIGSEGV of rootcastd",
                 self.kill_server(signal.SIGSEGV), again, **quick),
            Step("crash: SIGABRT of rootcastd",
                 self.kill_server(signal.SIGABRT), again, **quick),
            Step("crash behind FRR: SIGKILL of rootcastd", kill, again,
                 site="2", mark_ms=200),
            Step("hang: SIGSTOP of rootcastd",
                 self.kill_server(signal.SIGSTOP), again, 1000, short=True),
            Step("one worker of two stands still",
                 self.freeze("server", "worker"), self.thaw, 1000),
            Step("UDP alone is not answered", self.filtered(
                "udp dport 53 drop;"), self.unfilter, 1000),
            Step("TCP alone is not answered", self.filtered(
                "tcp dport 53 drop;"), self.unfilter, 1000),
            Step("a flood of queries: absorb", self.flood, self.flood_over,
                 stays=True, wait_s=7, seen=self.is_overloaded, once=True),
            Step("a flood of queries: prepend:4", self.flood_shifted,
                 self.shifted_flood_over, stays=True, wait_s=7,
                 seen=self.is_overloaded, once=True),
            Step("the required zone goes", self.zone_away, self.zone_back,
                 wait_s=10),
            Step("the required zone's file breaks", self.zone_broken,
                 self.zone_back, stays=True, wait_s=3),
            Step("an old zone at one site: prepend:4", self.stale_here,
                 self.fresh_again, stays=True, planned=True, wait_s=6,
                 seen=self.is_shared, moves=True, once=True),
            Step("an old zone at all sites: prepend:4", self.stale_everywhere,
                 self.fresh_again, stays=True, planned=True, wait_s=6,
                 seen=self.all_are_shared, moves=False, once=True),
            Step("rootcast-routed killed", lambda site: site.route.signal(
                signal.SIGKILL), again, 100, short=True),
            Step("rootcast-routed frozen (BFD)", lambda site:
                 site.route.signal(signal.SIGSTOP), again, 500, short=True),
            Step("its deciding thread alone stands still (BFD)",
                 self.freeze("route", ""), self.thaw, 1000),
            Step("its speaking thread alone stands still (BFD)",
                 self.freeze("route", "speaker"), self.thaw_and_start, 1000),
            Step("host silent (BFD)", self.filtered(
                'iifname "r*" drop;', 'oifname "r*" drop;'),
                self.unfilter, 500),
            Step("link of the host cut (BFD)", self.cut, self.join, 500),
            Step("route drain", lambda site: site.ctl("route", "drain"),
                 lambda site: site.ctl("route", "undrain"), planned=True,
                 wait_s=8, short=True),
            Step("SIGTERM of rootcastd", self.kill_server(signal.SIGTERM),
                 self.server_again, planned=True, wait_s=8),
            Step("SIGTERM of rootcast-routed", self.stop_route,
                 self.route_again, planned=True, wait_s=8),
            Step("rolling maintenance of all sites", self.maintenance, nothing,
                 planned=True, short=True, once=True),
            Step("a site that flaps four times", self.flap,
                 self.flap_is_over, once=True),
            Step("split: a site loses its transit", self.split, self.unsplit,
                 stays=True, wait_s=4, is_elsewhere=True),
            Step("the site's router restarts", self.restart_router,
                 self.router_again, is_elsewhere=True),
        ]

    def compared_steps(self):
        """The same faults where another program announces."""
        again = self.start_again

        def signal_check(number):
            """The loop, or the health check that ExaBGP has started."""
            def make(site):
                pid = (site.check or site.route).process.pid
                if site.check is None:
                    with open(f"/proc/{pid}/task/{pid}/children",
                              encoding="ascii") as file:
                        pid = int(file.read().split()[0])
                os.kill(pid, number)
            return make

        def begun_again(site):
            site.announce_with(site.announcer)
        return [Step(name, make, mend, wait_s=wait_s, is_compared=True)
                for name, make, mend, wait_s in (
                    ("crash: SIGKILL of rootcastd",
                     self.kill_server(signal.SIGKILL), again, 30),
                    ("hang: SIGSTOP of rootcastd",
                     self.kill_server(signal.SIGSTOP), again, 40),
                    ("the health check is killed",
                     signal_check(signal.SIGKILL), begun_again, 12),
                    ("the health check is stopped",
                     signal_check(signal.SIGSTOP), begun_again, 12))]
