#!/usr/bin/env python3
"""What BIRD hears of a service that is strained, of one with several addresses,
and when the configuration is changed under way.

One BIRD plays two routers: 'service' is the first peer, 'second' comes and goes
at another address.
"""
import json
import os
import re
import signal
import threading
import time

import rct

SERVICE2 = "192.0.2.54"
SERVER2 = rct.SERVER4.rsplit(".", 1)[0] + ".78"
ROUTER2 = rct.ROUTER4.rsplit(".", 1)[0] + ".77"
HOST1, HOST2 = f"{rct.SERVICE4}/32", f"{SERVICE2}/32"
ZONE = """$TTL 3600
@ SOA ns hostmaster 7 3600 900 604800 300
@ NS ns
ns A 192.0.2.53
"""


class Bird(rct.Bird):
    """Shows what it was told."""

    def attributes(self, prefix, protocol="service"):
        """(AS path, communities, large communities) of a route, or None."""
        text = self.birdc("show", "route", "all", "protocol", protocol, "for",
                          prefix)
        if prefix not in text:
            return None

        def words(key):
            match = re.search(rf"BGP\.{key}: (.*)", text)
            return match.group(1).split() if match else []

        def tuples(key):
            match = re.search(rf"BGP\.{key}: (.*)", text)
            return set(re.findall(r"\([\d, ]+\)", match.group(1))) \
                if match else set()

        return (words("as_path"), tuples("community"),
                tuples("large_community"))

    def updates(self, protocol="service"):
        """UPDATE messages with routes, received so far."""
        text = self.birdc("show", "protocols", "all", protocol)
        return [int(number) for number in
                re.findall(r"Import (?:updates|withdraws): +(\d+)", text)]


class Flood:
    """More queries than are answered, while probes get lost: the service
    address is filtered and other traffic keeps the workers busy."""

    def __init__(self, test):
        self.test = test
        self.result = None

    def __enter__(self):
        """First keep full batches coming, then drop what the prober asks."""
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.flood, daemon=True)
        self.thread.start()
        self.brake = threading.Thread(target=self.slow, daemon=True)
        self.brake.start()
        time.sleep(1)
        rct.run("ip", "netns", "exec", self.test.net.server, "nft", "-f", "-",
                input="table inet loss { chain in { type filter hook input "
                "priority 0;\niifname \"lo\" udp dport 53 drop\n}\n}\n")
        return self

    def flood(self):
        """As fast as the sender can: batches are full."""
        while not self.stop.is_set():
            _, self.result = rct.sender(
                self.test.net, "--zone",
                self.test.names, "--server", rct.SERVICE4, "--window", "20000", "--sockets", "16",
                "--duration", "6", "--loss-is-fine", "--timeout-ms", "300")

    def slow(self):
        """The nameserver gets a fifth of its time, as on a host too small for
        its flood: queries queue up, and are taken out in full batches."""
        server = self.test.site.nameserver
        while not self.stop.is_set():
            server.signal(signal.SIGSTOP)
            time.sleep(0.04)
            server.signal(signal.SIGCONT)
            time.sleep(0.01)

    def __exit__(self, *_):
        rct.run("ip", "netns", "exec", self.test.net.server, "nft", "delete",
                "table", "inet", "loss", check=False)
        self.stop.set()
        self.brake.join()
        self.thread.join()


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
        self.names = os.path.join(self.folder, "flood.txt")
        with open(self.names, "w", encoding="utf-8") as file:
            file.write("example.\t3600\tIN\tSOA\tns h 1 1 1 1 1\n")
            for i in range(50):
                file.write(f"n{i}.example.\t3600\tIN\tNS\tns.example.\n")
        self.site = rct.Site(self.net, self.folder, self.zones,
                             required_zones=["example"])
        with open(self.site.config, encoding="utf-8") as file:
            self.base = json.load(file)
        self.base["server"]["listen"].append(SERVICE2)
        rct.Net.ip(self.net.server, "addr", "add", f"{SERVICE2}/32", "dev",
                   "lo")
        self.updates_seen = None

    def check(self, name, ok, detail=""):
        if not self.totals.check(name, ok, detail):
            self.site.logs()
        return ok

    def write(self, service=None, peer=None, **route):
        """The configuration: the base with these keys changed."""
        document = json.loads(json.dumps(self.base))
        document["route"]["services"]["dns"].update(service or {})
        document["route"]["peers"][0].update(peer or {})
        document["route"].update(route)
        with open(self.site.config, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)

    def restart(self, seconds=8, **changes):
        """Route control anew, with other keys."""
        if self.site.route is not None:
            self.site.route.end()
            self.site.absent(5)
        self.write(**changes)
        self.site.start_route()
        return self.site.announced(seconds)

    @property
    def bird(self):
        return self.site.bird

    def start(self):
        self.write()
        self.site.bird = Bird(self.net, self.folder)
        rct.wait_until(lambda: "service" in self.bird.birdc(
            "show", "protocols"), 10, 0.05)
        self.check("start: rootcastd is ready", self.site.start_nameserver())
        self.check("start: announced", self.restart())

    def overloaded(self, name, service, peer, expected):
        """In a flood the route becomes what is expected, with no withdrawal and
        no new session; afterwards it is as it was."""
        if not self.check(f"{name}: announced",
                          self.restart(service=service, peer=peer)):
            return
        calm = self.bird.attributes(rct.PREFIX4)
        since = time.time()
        with Flood(self) as flood:
            self.check(f"{name}: told", rct.wait_until(
                lambda: self.bird.attributes(rct.PREFIX4) == expected, 10,
                0.05), f"{self.bird.attributes(rct.PREFIX4)} {flood.result}")
        self.check(f"{name}: as before afterwards", rct.wait_until(
            lambda: self.bird.attributes(rct.PREFIX4) == calm, 20, 0.05),
            f"{self.bird.attributes(rct.PREFIX4)}")
        self.check(f"{name}: the session stays",
                   self.bird.first("service: State changed", since) is None)
        if expected is not None:
            self.check(f"{name}: no withdrawal", self.bird.route_event(
                "removed", rct.PREFIX4, since) is None)

    def overload(self):
        own = ["64512"]
        self.overloaded("overload prepend:2", {"overload": "prepend:2"}, {},
                        (own * 3, set(), set()))
        self.overloaded("overload community", {
            "overload": "community:64500:666"}, {},
                        (own, {"(64500,666)"}, set()))
        self.overloaded("overload withdraw", {"overload": "withdraw"}, {},
                        None)
        self.overloaded("overload of the peer", {"overload": "withdraw"},
                        {"overload": "prepend:1"}, (own * 2, set(), set()))

    def scope(self):
        for scope, expected in (
                ("global", set()), ("no-export", {"(65535,65281)"}),
                (["nopeer", "64500:7"], {"(65535,65284)", "(64500,7)"})):
            self.restart(peer={"scope": scope})
            told = self.bird.attributes(rct.PREFIX4)
            self.check(f"scope {scope}", told is not None and
                       told[1] == expected, f"{told}")
        self.restart(node_community="64500:1:2", peer={"local_as": 64512})
        told = self.bird.attributes(rct.PREFIX4)
        self.check("node_community", told is not None and
                   told[2] == {"(64500, 1, 2)"}, f"{told}")

    def drop(self, address):
        """Probes to one address are lost, by UDP and TCP."""
        rct.run("ip", "netns", "exec", self.net.server, "nft", "-f", "-",
                input="table inet loss { chain in { type filter hook input "
                f"priority 0; ip daddr {address} drop\n}}\n}}\n")

    def undrop(self):
        rct.run("ip", "netns", "exec", self.net.server, "nft", "delete",
                "table", "inet", "loss", check=False)

    def cover(self):
        """A covering prefix and two host routes in it."""
        for cover, stays in (("any", True), ("min 2", False), ("all", False)):
            service = {"prefixes": [rct.PREFIX4, HOST1, HOST2, rct.PREFIX6],
                       "probe": [rct.SERVICE4, SERVICE2, rct.SERVICE6],
                       "cover": cover}
            if cover == "min 2":
                service["prefixes"].pop()
                service["probe"].pop()
                self.restart(service=service)
            else:
                self.restart(service=service)
            self.check(f"cover {cover}: all announced", rct.wait_until(
                lambda: all(self.bird.has(prefix) for prefix in
                            (rct.PREFIX4, HOST1, HOST2)), 20, 0.05))
            self.drop(SERVICE2)
            self.check(f"cover {cover}: its host route goes", rct.wait_until(
                lambda: not self.bird.has(HOST2), 5, 0.05))
            time.sleep(0.5)
            self.check(f"cover {cover}: the other host route stays",
                       self.bird.has(HOST1))
            self.check(f"cover {cover}: the covering prefix "
                       f"{'stays' if stays else 'goes'}", rct.wait_until(
                           lambda want=stays: self.bird.has(rct.PREFIX4) ==
                           want, 3, 0.05))
            self.undrop()
        service = {"prefixes": [rct.PREFIX4, HOST1, rct.PREFIX6]}
        self.restart(service=service, peer={"routes": "covering"})
        self.check("routes covering: no host route is told",
                   self.bird.has(rct.PREFIX4) and not self.bird.has(HOST1))

    def commands(self):
        """A command that a file steers; and one that never ends."""
        flag = os.path.join(self.folder, "flag")
        check = {"run": ["/usr/bin/test", "-e", flag], "interval_ms": 100,
                 "fall": 1}
        self.write(service={"commands": [check]})
        self.site.route.end()
        self.site.start_route()
        self.check("command bad: session is established", rct.wait_until(
            self.bird.is_established, 15, 0.1))
        time.sleep(2)
        self.check("command bad: nothing is announced",
                   not self.bird.has(rct.PREFIX4))
        with open(flag, "w", encoding="utf-8"):
            pass
        self.check("command good: announced", self.site.announced())
        os.unlink(flag)
        since = time.time()
        self.check("command bad again: withdrawn", self.site.absent(3))
        self.check("command bad again: within 1 s",
                   self.bird.gone(rct.PREFIX4, since) - since < 1)
        _, document = self.site.ctl("route", "status")
        prefix = document["services"][0]["prefixes"][0]
        self.check("command bad again: status says so",
                   "command" in prefix["reason"] and
                   prefix["failures"] == 1 and
                   "announce_in_ms" in prefix, f"{prefix}")
        check = {"run": ["/usr/bin/sleep", "54321"], "interval_ms": 300,
                 "timeout_ms": 200}
        self.restart(service={"commands": [check]})
        self.check("command without end: nothing is announced",
                   not self.bird.has(rct.PREFIX4))
        self.check("command without end: killed each time",
                   rct.run("pgrep", "-c", "-f", "sleep 54321",
                           check=False).stdout.strip() in ("0", "1"))

    def shared_commands(self):
        for policy, expected in (
                ("absorb", (["64512"], set(), set())),
                ("prepend:2", (["64512"] * 3, set(), set())),
                ("withdraw", None)):
            self.shared(policy, expected)

    def shared(self, policy, expected):
        """A command whose failure all sites may share: nothing is done for the
        grace time, then what the policy says; the start does not wait."""
        name = f"shared command, {policy}"
        flag = os.path.join(self.folder, "shared-flag")
        check = {"run": ["/usr/bin/test", "-e", flag], "interval_ms": 100,
                 "fall": 1, "shared": True}
        service = {"commands": [check], "shared_fault": {
            "policy": policy, "grace_ms": 2500}}
        since = time.time()
        if not self.check(f"{name}: bad at the start: announced all the same",
                          self.restart(service=service)):
            return
        calm = (["64512"], set(), set())
        self.check(f"{name}: nothing happens at first",
                   self.bird.attributes(rct.PREFIX4) == calm,
                   f"{self.bird.attributes(rct.PREFIX4)}")
        shown = rct.wait_until(self.acted_on, 10, 0.05)
        self.check(f"{name}: told after the grace time", rct.wait_until(
            lambda: self.bird.attributes(rct.PREFIX4) == expected, 5, 0.05),
            f"{self.bird.attributes(rct.PREFIX4)}")
        self.check(f"{name}: status shows it, with its reason",
                   shown is not None and shown["grace_left_ms"] == 0 and
                   shown["since_ms"] >= 2500 and
                   "/usr/bin/test" in shown["reason"], f"{shown}")
        self.check(f"{name}: so does route log", rct.wait_until(
            lambda: any("shared fault, longer than the grace time" in
                        event["text"] for event in
                        self.site.ctl("route", "log")[1]["events"]), 3, 0.1))
        with open(flag, "w", encoding="utf-8"):
            pass
        self.check(f"{name}: as before afterwards", rct.wait_until(
            lambda: self.bird.attributes(rct.PREFIX4) == calm, 20, 0.05))
        self.check(f"{name}: and shown no more", rct.wait_until(
            lambda: "shared_fault" not in self.prefix_status(), 5, 0.1))
        self.check(f"{name}: withdrawn only where the policy says so",
                   (self.bird.route_event("removed", rct.PREFIX4, since + 2)
                    is None) == (expected is not None))
        os.unlink(flag)

    def acted_on(self):
        """The shared fault, once its policy rules."""
        shown = self.prefix_status().get("shared_fault", {})
        return shown if shown.get("acted_on") else None

    def prefix_status(self):
        _, document = self.site.ctl("route", "status")
        return document["services"][0]["prefixes"][0]

    def questions(self):
        """No required zone: whatever is served; and a question of one's own."""
        base = self.base["route"]["services"]["dns"]
        zones = base.pop("required_zones")
        self.check("no required_zones: announced", self.restart())
        self.check("question NXDOMAIN: announced", self.restart(service={
            "questions": [{"name": "no.example", "rcode": "NXDOMAIN"}]}))
        base["required_zones"] = zones
        self.restart(service={"questions": [{"name": "no.example"}]})
        _, document = self.site.ctl("route", "status")
        self.check("question with another answer: not announced",
                   not self.bird.has(rct.PREFIX4) and
                   "answered NXDOMAIN" in document["services"][0]["reason"],
                   f"{document}")

    def reload(self, name, answer=0, **changes):
        """Another file, and rootcastctl says that it should be read."""
        self.write(**changes)
        status, document = self.site.ctl("route", "reload")
        self.check(f"{name}: exit status {answer}", status == answer,
                   f"{status} {document}")
        return document

    def still(self, name, act, seconds=1.5):
        """No UPDATE and no new session while act() works."""
        before, since = self.bird.updates(), time.time()
        act()
        time.sleep(seconds)
        self.check(f"{name}: no UPDATE", self.bird.updates() == before,
                   f"{before} {self.bird.updates()}")
        self.check(f"{name}: the session stays", self.bird.first(
            "service: (State changed|Received: [^RU])", since) is None)

    def reloads(self):
        """The configuration changes under way."""
        self.check("reload: announced", self.restart())
        site = self.site
        self.still("SIGHUP without a change",
                   lambda: site.route.signal(signal.SIGHUP))
        self.check("SIGHUP without a change: log says so",
                   "configuration read again" in site.route.text())
        self.still("reload of other policies", lambda: self.reload(
            "reload of other policies", service={
                "overload": "prepend:2", "cover": "any",
                "questions": [{"name": "example", "type": "NS"}]},
            health={**self.base["route"]["health"], "rise": 4,
                    "interval_ms": 150}))
        said = None

        def broken():
            nonlocal said
            said = self.reload("bad file", 1, peer={"hold_s": 2})

        self.still("bad file", broken)
        self.check("bad file: says why, with line and key",
                   re.search(r"rootcast.json:\d+: route.peers\[0\].hold_s",
                             json.dumps(said)) is not None, f"{said}")
        # A prefix comes and goes; the others hear nothing.
        since = time.time()
        host = {"prefixes": [rct.PREFIX4, HOST1, rct.PREFIX6]}
        self.reload("prefix added", service=host)
        self.check("prefix added: announced", rct.wait_until(
            lambda: self.bird.has(HOST1), 10, 0.05))
        self.reload("prefix removed")
        self.check("prefix removed: withdrawn", rct.wait_until(
            lambda: not self.bird.has(HOST1), 3, 0.05))
        events = [text for when, text in self.bird.lines() if when >= since and
                  re.search(r"service\.ipv[46] [><] ", text)]
        self.check("prefix added and removed: the others hear nothing",
                   events and all(HOST1 in text for text in events),
                   f"{events}")
        # Attributes change by implicit replace.
        since = time.time()
        self.reload("communities changed", service={
            "communities": ["64500:9"]})
        self.check("communities changed: told", rct.wait_until(
            lambda: self.bird.attributes(rct.PREFIX4)[1] == {"(64500,9)"}, 2,
            0.05))
        self.check("communities changed: no withdrawal",
                   self.bird.route_event("removed", rct.PREFIX4,
                                         since) is None)
        self.peers()

    def session_age(self, address):
        """How long the session with that peer has been up, in seconds."""
        _, document = self.site.ctl("route", "status")
        return min((peer["since_ms"] / 1000 for peer in document["peers"]
                    if peer["address"] == address and
                    peer["state"] == "Established"), default=1e9)

    def peers(self):
        """A second peer comes, changes and goes; the first hears nothing."""
        rct.Net.ip(self.net.router, "addr", "add", f"{ROUTER2}/24", "dev",
                   "down0")
        rct.Net.ip(self.net.server, "addr", "add", f"{SERVER2}/24", "dev",
                   "up0")
        with open(os.path.join(self.folder, "bird.conf"), "a",
                  encoding="utf-8") as file:
            file.write(f"""
protocol bgp second {{
	local {ROUTER2} as 65001;
	neighbor {SERVER2} as 64512;
	hold time 9;
	connect retry time 1;
	error wait time 1, 4;
	ipv4 {{ import all; export none; }};
}}
""")
        self.bird.birdc("configure")
        first = self.base["route"]["peers"][0]
        second = {"address": ROUTER2, "as": 65001, "source": SERVER2,
                  "scope": "no-export"}

        def community():
            told = self.bird.attributes(rct.PREFIX4, "second")
            return told[1] if told else None

        self.reload("communities back")
        time.sleep(1)
        self.still("peer added", lambda: self.reload(
            "peer added", peers=[second, first]), 0.1)
        self.check("peer added: told", rct.wait_until(
            lambda: community() == {"(65535,65281)"}, 20, 0.1))
        second["scope"] = "64500:3"
        self.still("scope of a peer changed", lambda: self.reload(
            "scope of a peer changed", peers=[second, first]), 0.5)
        self.check("scope of a peer changed: told", rct.wait_until(
            lambda: community() == {"(64500,3)"}, 2, 0.05))
        second["hold_s"] = 30
        since = time.time()
        self.still("hold time of a peer changed", lambda: self.reload(
            "hold time of a peer changed", peers=[first, second]), 0)
        self.check("hold time of a peer changed: its session begins anew",
                   rct.wait_until(lambda: self.session_age(ROUTER2) <
                                  time.time() - since, 20, 0.1))
        self.check("hold time of a peer changed: told again", rct.wait_until(
            lambda: community() == {"(64500,3)"}, 30, 0.1))
        self.still("peer removed", lambda: self.reload("peer removed"))
        self.check("peer removed: its routes are gone",
                   community() is None)
        _, document = self.site.ctl("route", "status")
        self.check("peer removed: not in status",
                   len(document["peers"]) == 1, f"{document['peers']}")

    def run(self):
        try:
            for step in (self.start, self.reloads, self.overload, self.scope, self.cover,
                         self.commands, self.shared_commands,
                         self.questions):
                print(f"== {step.__name__}", flush=True)
                step()
        finally:
            rct.end_everything()
        self.totals.finish()


rct.need("bird", "birdc", "ip", "nft",
         daemons=("rootcastd", "rootcast-routed", "rootcastctl", "sender"))
Test().run()
