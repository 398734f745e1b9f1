#!/usr/bin/env python3
"""UDP on a host with many addresses: every reply leaves from the address that
was asked, over a wildcard and over a list; what overflows is counted; and which
worker gets a query.
"""
import json
import os
import re
import shutil
import signal
import socket
import struct

import rct

LIST4 = [rct.SERVER4, rct.SERVICE4, "10.99.0.50", "10.99.0.51", "198.51.100.7"]
LIST6 = [rct.SERVER6, rct.SERVICE6, "fd99::50", "fd99::51", "2001:db8:77::7"]
BROADCAST4, GROUP6 = "10.99.0.255", "ff02::1"
FLOOD = 40000       # more than a receive buffer of 4 MiB (doubled) holds
QUESTIONS = 32


class Test:
    def __init__(self):
        self.totals = rct.Totals()
        self.folder = rct.scratch()
        self.zones = os.path.join(self.folder, "zones")
        shutil.copytree(os.path.join(rct.ROOT, "zones"), self.zones)
        self.control = os.path.join(self.folder, "server.sock")
        self.net = rct.Net()
        self.server = None
        self.runs = 0

    def check(self, name, ok, detail=""):
        self.totals.check(name, ok, "" if ok else detail)

    def addresses(self):
        """More of them: on the link, on lo, with routes there."""
        for place in LIST4[2:4]:
            self.net.ip(self.net.server, "addr", "add", f"{place}/24", "dev",
                        "up0")
        for place in LIST6[2:4]:
            self.net.ip(self.net.server, "-6", "addr", "add", f"{place}/64",
                        "dev", "up0", "nodad")
        for place, bits, via in ((LIST4[4], 32, rct.SERVER4),
                                 (LIST6[4], 128, rct.SERVER6)):
            self.net.ip(self.net.server, "addr", "add", f"{place}/{bits}",
                        "dev", "lo")
            self.net.ip(self.net.router, "route", "add", f"{place}/{bits}",
                        "via", via)

    def start(self, listen, **changes):
        self.runs += 1
        path = os.path.join(self.folder, f"{self.runs}.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"server": {"listen": listen, "zones": self.zones,
                                  "control": self.control, "identity": "rct",
                                  "workers": 1, **changes}}, file)
        self.server = rct.Daemon(
            f"rootcastd-{self.runs}",
            [os.path.join(rct.BIN, "rootcastd"), "-c", path], self.folder,
            self.net.server)
        if not self.server.wait_for(r"ready: \d+ zones served", 20):
            self.check("rootcastd is ready", False, self.server.text())

    def stop(self):
        self.server.signal(signal.SIGTERM)
        self.server.wait(10)

    def ctl(self, *words):
        return rct.run(os.path.join(rct.BIN, "rootcastctl"), "--socket",
                       self.control, *words, check=False).stdout

    def udp(self, key):
        """[of each worker]"""
        return [transport[key]
                for worker in json.loads(self.ctl("--json", "status"))["workers"]
                for transport in worker["transports"]
                if transport["transport"] == "udp"]

    def client(self, family, port=0):
        """An unconnected socket: it hears who really answers."""
        def make():
            made = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            made.bind(("", port))
            return made
        return rct.in_namespace(self.net.router, make)

    def ask(self, where, seconds=2.0, scope=0):
        """The address that the reply came from, or None."""
        family = socket.AF_INET6 if ":" in where else socket.AF_INET
        with self.client(family) as made:
            made.settimeout(seconds)
            to = (where, 53, 0, scope) if ":" in where else (where, 53)
            try:
                made.sendto(rct.question("example.", 6), to)
                reply, sender = made.recvfrom(4096)
            except OSError:
                return None
        return sender[0].split("%")[0] if len(reply) > 12 else None

    def each_replies(self, title, places):
        for place in places:
            sender = self.ask(place)
            self.check(f"{title}: {place} answers from {place}",
                       sender == place, f"{sender}")

    def link_local(self):
        text = rct.run("ip", "-n", self.net.server, "-o", "-6", "addr", "show",
                       "dev", "up0", "scope", "link").stdout
        match = re.search(r"inet6 (fe80:[^/]+)", text)
        if not match:
            self.totals.skip("link-local address", "up0 has none")
            return
        scope = rct.in_namespace(self.net.router,
                                 lambda: socket.if_nametoindex("down0"))
        rct.wait_until(lambda: self.ask(match.group(1), 0.2, scope), 5)
        sender = self.ask(match.group(1), scope=scope)
        self.check("wildcard: the link-local address answers from itself",
                   sender == match.group(1), f"{sender}")

    def wildcard(self):
        self.start(["0.0.0.0", "::"], workers=2)
        self.each_replies("wildcard", LIST4 + LIST6)
        self.link_local()
        scope = rct.in_namespace(self.net.router,
                                 lambda: socket.if_nametoindex("down0"))
        self.check("wildcard: a broadcast is not answered",
                   self.ask(BROADCAST4, 0.3) is None)
        self.check("wildcard: a group is not answered",
                   self.ask(GROUP6, 0.3, scope) is None)
        self.net.ip(self.net.server, "addr", "add", "10.99.0.60/24", "dev",
                    "up0")
        self.each_replies("wildcard: one that comes later", ["10.99.0.60"])
        self.stop()

    def listed(self):
        self.start([LIST4[1], LIST4[3], LIST6[1], LIST6[3], "10.99.0.61"])
        self.each_replies("listed", [LIST4[1], LIST4[3], LIST6[1], LIST6[3]])
        for place in (LIST4[0], LIST4[2], LIST6[0], LIST6[2]):
            self.check(f"not listed: {place} is silent",
                       self.ask(place, 0.3) is None)
        self.net.ip(self.net.server, "addr", "add", "10.99.0.61/24", "dev",
                    "up0")
        self.each_replies("listed before it exists", ["10.99.0.61"])
        self.stop()

    def overflow(self):
        """A server that stands still: its queue runs over, and that shows."""
        self.start([rct.SERVER4])
        before = self.udp("drops")[0]
        self.server.signal(signal.SIGSTOP)
        octets = rct.question("example.", 6)
        with self.client(socket.AF_INET) as made:
            for _ in range(FLOOD):
                try:
                    made.sendto(octets, (rct.SERVER4, 53))
                except OSError:
                    pass
        self.server.signal(signal.SIGCONT)
        rct.wait_until(lambda: self.udp("drops")[0] > before and
                       self.udp("waiting")[0] == 0, 10)
        drops, queries = self.udp("drops")[0], self.udp("queries")[0]
        self.check("queries that found the queue full are counted",
                   before == 0 and drops > 0 and queries + drops == FLOOD,
                   f"{queries} queries, {drops} drops")
        self.check("rootcastctl status shows them",
                   re.search(rf"(?m)^0 +udp +\d+ +\d+ +{drops} ",
                             self.ctl("status")), self.ctl("status"))
        sender = self.ask(rct.SERVER4)
        self.check("and it answers again", sender == rct.SERVER4)
        self.stop()

    def ask_from(self, cpu):
        """QUESTIONS from many ports, all from one CPU: over a veth pair that
        is the CPU that receives them."""
        def call():
            before = os.sched_getaffinity(0)
            os.sched_setaffinity(0, {cpu})
            got = 0
            for number in range(QUESTIONS):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
                    made.settimeout(2)
                    made.connect((rct.SERVER4, 53))
                    made.send(struct.pack(">H", number) +
                              rct.question("example.", 6)[2:])
                    try:
                        got += made.recv(4096)[:2] == struct.pack(">H", number)
                    except OSError:
                        pass
            os.sched_setaffinity(0, before)
            return got
        before = self.udp("queries")
        got = rct.in_namespace(self.net.router, call)
        return got, [now - then
                     for now, then in zip(self.udp("queries"), before)]

    def steering(self):
        self.start([rct.SERVER4], workers=2)
        text = self.ctl("status")
        self.check("steer auto: status says which, and why",
                   re.search(r"steering: by (the kernel's hash|CPU) \(.+\)",
                             text), text)
        self.stop()
        self.start([rct.SERVER4], workers=2, steer="hash")
        text = self.ctl("status")
        self.check("steer hash: status says so",
                   "steering: by the kernel's hash (configured)" in text, text)
        got, moved = self.ask_from(0)
        self.check("by the hash: both workers answer what one CPU received",
                   got == QUESTIONS and min(moved) > 0, f"{got} {moved}")
        self.stop()
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) < 2:
            self.totals.skip("by CPU", "there is one CPU")
            return
        self.start([rct.SERVER4, rct.SERVER6], workers=2, steer="cpu")
        text = self.ctl("status")
        self.check("steer cpu: status says so",
                   "steering: by CPU (configured)" in text, text)
        for worker, expected in ((0, [QUESTIONS, 0]), (1, [0, QUESTIONS])):
            got, moved = self.ask_from(cpus[worker])
            self.check(f"by CPU: worker {worker} answers what its CPU "
                       "received", got == QUESTIONS and moved == expected,
                       f"{got} {moved}")
        self.stop()
        self.start([rct.SERVER4], workers=1, steer="cpu")
        self.check("steer cpu with one worker: a line says why not",
                   self.server.wait_for('"steer": "cpu": there is one worker',
                                        2), self.server.text())
        self.stop()

    def run(self):
        self.addresses()
        self.wildcard()
        self.listed()
        self.overflow()
        self.steering()
        self.totals.finish()


rct.need("ip")
Test().run()
