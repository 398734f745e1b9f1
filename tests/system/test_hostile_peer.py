#!/usr/bin/env python3
"""A peer that does everything wrong, while another one, BIRD, must not notice.

Hostile connections come from addresses of their own in the router's namespace:
10.99.N.1 talks to 10.99.N.2, where we are passive (so that no back-off of ours
sets the pace), but for 10.99.7.1, port 1790, which we call. After each step the
process lives, and BIRD has kept its session and its route.
"""
import json
import os
import re
import select
import shutil
import socket
import struct
import threading
import time

import rct
import bfd_wire
import bgp_wire as wire

AS, OURS = 65000, 64512
PLAIN, FULL4, PROBE_FULL = "192.0.2.0/24", "198.51.100.0/24", "198.51.100.53"
HOSTILE = range(1, 9)
CALLED, CALLED_PORT = 7, 1790  # the one that we connect to
GROWTH_KB = 6000
CAPABILITIES = wire.multiprotocol(1) + wire.capability(2) + wire.as4(AS)


class Peer:
    """One hostile TCP connection."""

    def __init__(self, test, number, sock=None, window=None):
        self.test, self.data = test, b""
        self.socket = sock
        if sock is None:
            self.socket = rct.in_namespace(
                test.net.router, lambda: socket.socket(socket.AF_INET,
                                                       socket.SOCK_STREAM))
            if window:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                       window)
            self.socket.bind((f"10.99.{number}.1", 0))
            self.socket.settimeout(5)
            self.socket.connect((f"10.99.{number}.2", 179))
        # Blocking, since a reader's time-out would be the writer's as well.
        self.socket.settimeout(None)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO,
                               struct.pack("ll", 10, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def read(self, until, seconds):
        """Read until until(messages); all whole messages by then."""
        end = time.monotonic() + seconds
        while True:
            found = wire.split(self.data)[0]
            left = end - time.monotonic()
            if until(found) or left <= 0:
                return found
            try:
                if not select.select([self.socket], [], [], left)[0]:
                    return found
                got = self.socket.recv(65536, socket.MSG_DONTWAIT)
            except OSError:
                return found
            if not got:
                return found
            self.data += got

    def verdict(self, seconds=5):
        """'up', '2/6' (their NOTIFICATION) or 'closed'."""
        found = self.read(lambda m: any(e.kind in (wire.UPDATE,
                                                   wire.NOTIFICATION)
                                        for e in m), seconds)
        for entry in found:
            if entry.kind == wire.NOTIFICATION:
                return f"{entry.body[0]}/{entry.body[1]}"
            if entry.kind == wire.UPDATE:
                return "up"
        return "closed"

    def establish(self, **options):
        self.send(wire.open_message(AS, **options) + wire.keepalive())
        return self.verdict() == "up"

    def close(self, is_reset=False):
        if is_reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
        self.socket.close()


def opens():
    """(name, octets, verdicts that are right)"""
    one = wire.parameter
    plain = wire.open_message(AS)
    cut = bytearray(plain)
    cut[28] += 5
    over = bytearray(plain)
    over[30] += 9
    caps = CAPABILITIES
    unknown = b"".join(wire.capability(153, b"x" * 200) for _ in range(19))
    value = caps + unknown
    long_open = struct.pack(">BHH", 4, AS, 9) + b"\x0a\x63\0\1" + struct.pack(
        ">BBHBH", 255, 255, len(value) + 3, 2, len(value)) + value
    yes = ("up",)
    cases = [
        ("29 octets, no parameters", wire.open_message(AS, parameters=b""),
         yes),
        ("extended parameters (RFC 9072)", wire.open_extended(AS), yes),
        ("nearly 4,096 octets of unknown capabilities",
         wire.message(wire.OPEN, long_open), yes),
        ("a parameter for each capability", wire.open_message(
            AS, parameters=one(wire.multiprotocol(1)) +
            one(wire.capability(2)) + one(wire.as4(AS))), yes),
        ("the same capabilities twice", wire.open_message(
            AS, parameters=one(caps) + one(caps)), yes),
        ("parameters that end behind the message", bytes(cut),
         ("2/0",)),
        ("a parameter that ends behind the others", bytes(over),
         ("2/0",)),
        ("parameter of type 1", wire.open_message(
            AS, parameters=one(b"secret", 1)), ("2/4",)),
        ("capability 65 of 3 octets", wire.open_message(
            AS, parameters=one(wire.multiprotocol(1) +
                               wire.capability(65, b"abc"))), yes),
        ("capability 1 of 3 octets beside a good one", wire.open_message(
            AS, parameters=one(wire.capability(1, b"abc") + caps)), yes),
        ("capabilities of length 0", wire.open_message(
            AS, parameters=one(b"".join(wire.capability(code) for code in
                                        (1, 2, 9, 64, 65, 70, 73)) + caps)),
         yes),
        ("a capability that ends behind its parameter", wire.open_message(
            AS, parameters=one(caps + b"\x49\xff")), ("2/0",)),
        ("unknown capabilities 153 and 199", wire.open_message(
            AS, parameters=one(caps + wire.capability(153, b"abc") +
                               wire.capability(199))), yes),
        ("hold 3", wire.open_message(AS, hold=3), yes),
        ("identifier equal to ours", wire.open_message(
            AS, router_id=rct.SERVER4), yes),
        ("identifier 0", wire.open_message(AS, router_id="0.0.0.0"),
         ("2/3",)),
        ("version 5", wire.open_message(AS, version=5), ("2/1",)),
        ("wrong AS, no capability 65", wire.open_message(
            65001, parameters=b""), ("2/2",)),
        ("wrong AS in capability 65", wire.open_message(
            AS, parameters=one(wire.multiprotocol(1) + wire.as4(65001))),
         ("2/2",)),
        ("wrong AS in the old field, right one in capability 65",
         wire.open_message(65001, parameters=one(caps)), yes),
        ("AS 0", wire.open_message(0, parameters=b""), ("2/2",)),
        ("28 octets", wire.message(wire.OPEN, plain[19:28]), ("1/2",)),
        ("bad marker", b"\xfe" + plain[1:], ("1/1",)),
        ("KEEPALIVE of 20 octets", wire.message(wire.KEEPALIVE, b"x"),
         ("1/2",)),
        ("KEEPALIVE instead of OPEN", wire.keepalive() * 2, ("5/1",)),
        ("UPDATE instead of OPEN", wire.flood_update(0, 1), ("5/1",)),
        ("UPDATE in OpenConfirm", plain + wire.flood_update(0, 1), ("5/2",)),
        ("two OPENs", plain + plain, ("5/2",)),
        ("NOTIFICATION instead of OPEN", wire.notification(2, 6),
         ("closed",)),
        ("4,097 octets", wire.MARKER + struct.pack(">HB", 4097, 1) +
         b"\0" * 4078, ("1/2",)),
        ("65,535 octets", wire.MARKER + b"\xff\xff\1", ("1/2",)),
    ]
    cases += [(f"hold {n}", wire.open_message(AS, hold=n), ("2/6",))
              for n in (0, 1, 2)]
    cases += [(f"length {n}", wire.MARKER + struct.pack(">HB", n, 1) + b"\0" *
               40, ("1/2",)) for n in range(19)]
    cases += [(f"type {n}", wire.MARKER + struct.pack(">HB", 19, n), ("1/3",))
              for n in (0, 6, 255)]
    return cases


class Test:
    def __init__(self):
        self.totals = rct.Totals()
        self.folder = rct.scratch()
        self.net = rct.Net()
        zones = os.path.join(self.folder, "zones")
        shutil.copytree(os.path.join(rct.ROOT, "zones"), zones)
        for n in HOSTILE:
            self.net.ip(self.net.server, "addr", "add", f"10.99.{n}.2/24",
                        "dev", "up0")
            self.net.ip(self.net.router, "addr", "add", f"10.99.{n}.1/24",
                        "dev", "down0")
        self.net.ip(self.net.server, "addr", "add", f"{PROBE_FULL}/32", "dev",
                    "lo")
        self.site = rct.Site(self.net, self.folder, zones)
        self.configure()

    def configure(self):
        with open(self.site.config, encoding="utf-8") as file:
            document = json.load(file)
        document["server"]["listen"].append(PROBE_FULL)
        route = document["route"]
        route["listen"] = ["0.0.0.0"]
        route["services"]["full"] = {
            "prefixes": [FULL4], "probe": [PROBE_FULL],
            "required_zones": ["."],
            "communities": [f"64500:{n}" for n in range(100)]}
        for n in HOSTILE:
            peer = {"address": f"10.99.{n}.1", "as": AS,
                    "source": f"10.99.{n}.2", "families": ["ipv4"]}
            if n == CALLED:
                peer["port"] = CALLED_PORT
            else:
                peer["passive"] = True
            if n in (5, 6):
                peer["hold_s"] = 3
            if n == 2:
                peer["bfd"] = {"interval_ms": 100, "multiplier": 3}
            route["peers"].append(peer)
        with open(self.site.config, "w", encoding="utf-8") as file:
            json.dump(document, file)

    def check(self, name, ok, detail=""):
        return self.totals.check(name, ok, "" if ok else detail)

    def well(self, name):
        """The process lives; BIRD has seen nothing of it."""
        text = self.site.route.text()
        count = len(re.findall(rf"peer {rct.ROUTER4}: established", text))
        self.check(f"{name}: the process lives, BIRD has its session and its "
                   "route", self.site.route.is_alive() and count == 1 and
                   self.site.bird.is_established() and
                   self.site.bird.route_event("removed", PLAIN, 0) is None,
                   f"alive {self.site.route.is_alive()}, {count} sessions")

    def memory(self):
        with open(f"/proc/{self.site.route.pid}/status",
                  encoding="utf-8") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def status(self, number):
        _, document = self.site.ctl("route", "status")
        port = f"@{CALLED_PORT}" if number == CALLED else ""
        return next(peer for peer in document["peers"] if
                    peer["address"] == f"10.99.{number}.1{port}")

    def start(self):
        self.site.start_bird()
        self.site.start_nameserver()
        self.site.start_route()
        return self.check("start: announced to BIRD", self.site.announced())

    def odd_opens(self):
        for name, data, right in opens():
            peer = Peer(self, 1)
            peer.send(data)
            if "up" in right:
                peer.send(wire.keepalive())
            got = peer.verdict()
            self.check(f"OPEN: {name}: {' or '.join(right)}", got in right,
                       f"observed {got}")
            peer.close()
        self.well("odd OPENs")

    def octet_by_octet(self):
        peer = Peer(self, 2)
        for octet in wire.open_message(AS) + wire.keepalive():
            peer.send(bytes([octet]))
            time.sleep(0.001)
        self.check("octet by octet: up", peer.verdict() == "up")
        peer.close()

    def in_session(self):
        """What is wrong, or merely odd, once the session is up."""
        big = wire.message(wire.UPDATE, b"\0\0\0\0" + b"\x20\x0b\0\0\1" * 814 +
                           b"\0" * 3)
        cases = (
            ("UPDATE of 4,096 octets", big, "up"),
            ("UPDATE whose lengths contradict", wire.message(
                wire.UPDATE, b"\xff\xff" + b"x" * 50), "up"),
            ("UPDATE of 22 octets", wire.message(wire.UPDATE, b"abc"), "1/2"),
            ("4,097 octets", wire.MARKER + struct.pack(">HB", 4097, 2),
             "1/2"),
            ("bad marker", b"\0" * 19, "1/1"), ("OPEN", wire.open_message(AS),
                                                "5/3"),
            ("ROUTE-REFRESH of another family", wire.refresh(99), "up"),
            ("ROUTE-REFRESH of subtypes 1 and 2", wire.refresh(1, 1) +
             wire.refresh(1, 2), "up"),
            ("ROUTE-REFRESH", wire.refresh(), "up"),
        )
        for name, data, right in cases:
            peer = Peer(self, 2)
            if not self.check(f"session: {name}: up before", peer.establish()):
                continue
            time.sleep(0.1)
            peer.read(lambda m: False, 0.1)
            peer.data = b""
            peer.send(data + wire.refresh())
            got = peer.verdict(3)
            self.check(f"session: {name}: {right}", got == right,
                       f"observed {got}")
            peer.close()
        self.well("odd messages in a session")

    def ends(self):
        """FIN and RST in each state, NOTIFICATIONs without end."""
        for is_reset in (False, True):
            word = "RST" if is_reset else "FIN"
            for state, data in (("OpenSent", b""), ("half a header", b"\xff"),
                                ("OpenConfirm", wire.open_message(AS)),
                                ("Established", wire.open_message(AS) +
                                 wire.keepalive())):
                for _ in range(5):
                    peer = Peer(self, 3)
                    peer.read(len, 2)
                    peer.send(data)
                    time.sleep(0.02)
                    peer.close(is_reset)
                peer = Peer(self, 3)
                self.check(f"{word} in {state}, 5 times: the next one comes "
                           "up", peer.establish())
                peer.close()
        for _ in range(50):
            peer = Peer(self, 3)
            peer.send(wire.open_message(AS) + wire.notification(6, 4, b"no"))
            peer.close()
        peer = Peer(self, 3)
        self.check("50 NOTIFICATIONs: the next one comes up", peer.establish())
        peer.close()
        self.well("ends in each state")

    def refresh_storm(self):
        peer = Peer(self, 4)
        if not self.check("refresh storm: up", peer.establish()):
            return
        before = self.memory()
        reader = threading.Thread(target=lambda: peer.read(lambda m: False,
                                                           4))
        reader.start()
        storm = wire.refresh() * 1000
        for _ in range(50):
            peer.send(storm)
        peer.send(wire.keepalive())
        reader.join()
        state = self.status(4)["state"]
        self.check("refresh storm of 50,000: the session stays", state ==
                   "Established", state)
        self.check("refresh storm: memory stays", self.memory() - before <
                   GROWTH_KB, f"{before} to {self.memory()} kB")
        peer.close()
        self.well("refresh storm")

    def flood(self):
        """1,000,000 routes: counted, not kept; our KEEPALIVEs go on."""
        peer = Peer(self, 4)
        if not self.check("flood: up", peer.establish()):
            return
        before, heard, stopping = self.memory(), [time.monotonic()], []

        def listen():
            while not stopping:
                peer.read(lambda m: any(e.kind == wire.KEEPALIVE for e in m),
                          0.5)
                if any(e.kind == wire.KEEPALIVE
                       for e in wire.split(peer.data)[0]):
                    heard.append(time.monotonic())
                    peer.data = b""
            heard.append(time.monotonic())

        peer.data = b""
        reader = threading.Thread(target=listen)
        reader.start()
        begin = time.monotonic()
        count = 0
        blob = [b"".join(wire.flood_update((k * 100 + i) * 800, 800)
                         for i in range(100)) for k in range(13)]
        while count < 1000000 or time.monotonic() - begin < 7:
            for data in blob:
                peer.send(data)
                count += 80000
            time.sleep(0.2)
        took = time.monotonic() - begin
        stopping.append(True)
        reader.join()
        gap = max(b - a for a, b in zip(heard, heard[1:]))
        status = rct.wait_until(lambda: self.status(4), 1)
        self.check(f"flood of {count} routes: the session stays",
                   status["state"] == "Established", f"{status}")
        self.check("flood: memory stays", self.memory() - before < GROWTH_KB,
                   f"{before} to {self.memory()} kB")
        self.check("flood: our KEEPALIVEs are not late", gap < 5,
                   f"{gap:.1f} s between two, {took:.1f} s in all")
        peer.close()
        self.well("flood")

    def fill_window(self, peer):
        """Ask until our TCP cannot send any more, and never read."""
        for _ in range(40):
            peer.send(wire.refresh() * 20)
            time.sleep(0.02)

    def told(self, number, since):
        """route log: what concerns that peer, from event number on."""
        _, document = self.site.ctl("route", "log", f"10.99.{number}.1")
        return [event for event in document["events"]
                if event["number"] > since]

    def stalled(self):
        """A window that closes before a withdrawal, and peers that stop."""
        slow = Peer(self, 6)
        silent = Peer(self, 8)
        bfd = bfd_wire.Neighbour(self.net.router, "10.99.2.1", "10.99.2.2")
        window = Peer(self, 2, window=2304)
        for peer in (slow, window):
            peer.send(wire.open_message(AS) + wire.keepalive())
        self.check("closed window: BFD is up before", rct.wait_until(
            lambda: bfd.state == bfd_wire.UP, 10))
        self.fill_window(window)
        slow.send(b"\xff" * 10)  # half a header, and no more
        stopping = []

        def keep_alive():
            while not stopping and window.send(wire.keepalive()):
                time.sleep(0.5)

        keeper = threading.Thread(target=keep_alive)
        keeper.start()
        before = max([event["number"] for event in self.told(2, 0)])
        began = time.monotonic()
        self.site.ctl("route", "drain", "full")
        self.check("closed window: BIRD has its withdrawal at once",
                   rct.wait_until(lambda: not self.site.bird.has(FULL4), 5))
        lost = rct.wait_until(lambda: next((
            event for event in self.told(2, before)
            if event["kind"] == "session"), None), 10, 0.05)
        status = self.status(2)
        self.closed_window(before, began, lost, status, bfd)
        stopping.append(True)
        keeper.join()
        self.check("half a header, then silence: 4/0", any(
            e.kind == wire.NOTIFICATION and e.body[:2] == b"\4\0"
            for e in slow.read(lambda m: any(
                e.kind == wire.NOTIFICATION for e in m), 15)))
        self.check("silence instead of OPEN: 4/0 after 10 s", any(
            e.kind == wire.NOTIFICATION and e.body[:2] == b"\4\0"
            for e in silent.read(lambda m: any(
                e.kind == wire.NOTIFICATION for e in m), 15)))
        self.check("closed window: confirmed once the hold time is over",
                   rct.wait_until(
                       lambda: not self.status(2)["unconfirmed"], 15))
        self.site.ctl("route", "undrain", "full")
        self.check("closed window: BFD comes up again", rct.wait_until(
            lambda: self.status(2)["bfd"]["state"] == "Up", 15),
                   f"{self.status(2)['bfd']}")
        bfd.end()
        for peer in (slow, silent, window):
            peer.close()
        self.well("closed window and silence")

    def closed_window(self, before, began, lost, status, bfd):
        """What must have happened by then."""
        name = "closed window"
        if not self.check(f"{name}: the session is ended", lost is not None):
            return
        log = self.site.route.text()
        withdrawal = [event for event in self.told(2, before)
                      if event["kind"] == "update" and
                      "withdraw" in event["text"]]
        self.check(f"{name}: reset, since nothing was acknowledged",
                   "not acknowledged" in lost["text"], f"{lost}")
        took = None
        if withdrawal:
            took = (lost["monotonic_us"] -
                    withdrawal[0]["monotonic_us"]) / 1e6
        # The time that it waits is 1 s; a busy machine may see to it later.
        self.check(f"{name}: reset 1 s after the withdrawal",
                   took is not None and 0.9 <= took <= 2.5,
                   f"{took} s: {withdrawal}")
        self.check(f"{name}: the log says that it may hold the route",
                   re.search(r"peer 10\.99\.2\.1: it may hold the routes for "
                             r"another 9 s", log) is not None, log[-800:])
        self.check(f"{name}: 'unconfirmed', with the time left",
                   status["unconfirmed"] is True and
                   0 < status["unconfirmed_left_ms"] <= 9000, f"{status}")
        # Up again only by the neighbour's own way through Down (RFC 5880 6.8.6),
        # since another route may still be announced.
        self.check(f"{name}: BFD says Down, never AdminDown", rct.wait_until(
            lambda: bfd_wire.DOWN in bfd.states(began), 3) and
                   bfd_wire.ADMIN_DOWN not in bfd.states(began),
                   f"{bfd.states(began)}, {self.status(2)['bfd']}")

    def send_hold(self):
        """Nothing is withdrawn; the peer just never reads: 2 x hold."""
        peer = Peer(self, 5, window=2304)
        peer.send(wire.open_message(AS) + wire.keepalive())
        time.sleep(0.3)
        self.fill_window(peer)
        end = time.monotonic() + 20
        found = None
        while time.monotonic() < end and not found:
            peer.send(wire.keepalive())
            time.sleep(0.3)
            found = re.search(r"peer 10\.99\.5\.1: session lost.*8/0",
                              self.site.route.text())
        self.check("never reads, nothing withdrawn: 8/0 (RFC 9687)",
                   found is not None, self.site.route.text()[-500:])
        peer.close()
        self.well("send hold timer")

    def collision(self, listener, router_id, keeps_ours):
        """Both sides connect; the higher identifier decides."""
        name = f"collision, their identifier is {router_id}"
        try:
            listener.settimeout(20)
            accepted, _ = listener.accept()
        except OSError:
            self.check(f"{name}: we connect", False)
            return
        ours = Peer(self, CALLED, accepted)
        theirs = Peer(self, CALLED)
        for peer in (ours, theirs):
            peer.send(wire.open_message(AS, router_id=router_id))
        kept, lost = (ours, theirs) if keeps_ours else (theirs, ours)
        self.check(f"{name}: the other connection gets 6/7",
                   lost.verdict() == "6/7")
        kept.send(wire.keepalive())
        self.check(f"{name}: {'ours' if keeps_ours else 'theirs'} comes up",
                   kept.verdict() == "up")
        third = Peer(self, CALLED)
        self.check(f"{name}: a third is refused with 6/7",
                   third.verdict() == "6/7")
        third.close()
        kept.close()
        lost.close()

    def collisions(self):
        listener = rct.in_namespace(
            self.net.router, lambda: socket.socket(socket.AF_INET,
                                                   socket.SOCK_STREAM))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((f"10.99.{CALLED}.1", CALLED_PORT))
        listener.listen(8)
        self.collision(listener, "10.99.0.200", False)
        self.collision(listener, "10.99.0.1", True)
        listener.close()
        self.well("collisions")

    def run(self):
        try:
            if self.start():
                first = self.memory()
                for step in (self.odd_opens, self.octet_by_octet,
                             self.in_session, self.ends, self.collisions,
                             self.refresh_storm, self.flood, self.send_hold,
                             self.stalled):
                    begin = time.monotonic()
                    step()
                    print(f"== {step.__name__}: "
                          f"{time.monotonic() - begin:.1f} s", flush=True)
                self.check("memory after all of it", self.memory() - first <
                           2 * GROWTH_KB, f"{first} to {self.memory()} kB")
            if self.totals.failed:
                self.site.logs()
        finally:
            rct.end_everything()
        self.totals.finish()


rct.need("bird", "birdc", "ip", daemons=("rootcastd", "rootcast-routed",
                                         "rootcastctl"))
Test().run()
