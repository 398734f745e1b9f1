"""What is seen from outside: the wire, the kernels' routes, the clients.

The wire is captured at the site routers' interface to their site and at the
edge routers' to the transit, with the kernel's own receive times. A message is
looked for by its marker in each segment: these sessions send few and short
ones. Routes are those of the kernels ('ip -ts monitor route'), where packets
really go.
"""
import datetime
import os
import re
import select
import socket
import struct
import threading
import time

import rct
import topology

SO_TIMESTAMPNS = 35
ETH_P_ALL = 3
PREFIX_WIRE = bytes([24, 192, 0, 2])


def updates(payload):
    """[(is_withdrawal, AS path octets)] of UPDATEs about the prefix."""
    found, at = [], 0
    while True:
        at = payload.find(b"\xff" * 16, at)
        if at < 0 or at + 23 > len(payload):
            return found
        length, kind = struct.unpack_from(">HB", payload, at + 16)
        body = payload[at + 19:at + max(length, 19)]
        at += max(length, 19)
        if kind != 2 or len(body) < 4:
            continue
        gone = struct.unpack_from(">H", body)[0]
        if PREFIX_WIRE in body[2:2 + gone]:
            found.append((True, b""))
        elif len(body) >= gone + 4:
            size = struct.unpack_from(">H", body, 2 + gone)[0]
            if PREFIX_WIRE in body[4 + gone + size:]:
                found.append((False, body[4 + gone:4 + gone + size]))


class Wire(threading.Thread):
    """events: [(time, router, 'withdraw' | 'announce' | 'close', path)]"""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.events, self.sockets = [], {}
        for node, far in ([("r" + n, "s" + n) for n in topology.SITES] +
                          [("e" + n, "t" + n) for n in topology.SITES]):
            def make(far=far):
                made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                     socket.htons(ETH_P_ALL))
                made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
                made.bind((far, ETH_P_ALL))
                return made
            self.sockets[rct.in_namespace(lab.name(node), make)] = (
                node, lab.links[node][far][1])
        self.start()

    def run(self):
        while True:
            for ready in select.select(list(self.sockets), [], [])[0]:
                try:
                    data, extra, _, _ = ready.recvmsg(65536, 256)
                except OSError:  # the link was cut, or the lab ends
                    continue
                self.take(self.sockets[ready], data, extra)

    def take(self, where, data, extra):
        node, far = where
        if (len(data) < 54 or data[12:14] != b"\x08\x00" or data[23] != 6 or
                socket.inet_ntoa(data[26:30]) != far):
            return
        tcp = 14 + (data[14] & 15) * 4
        total = 14 + struct.unpack_from(">H", data, 16)[0]
        if 179 not in struct.unpack_from(">HH", data, tcp):
            return
        seconds, nanoseconds = struct.unpack("qq", extra[0][2])
        when = seconds + nanoseconds / 1e9
        for is_withdrawal, path in updates(
                data[tcp + (data[tcp + 12] >> 4) * 4:total]):
            self.events.append(
                (when, node, "withdraw" if is_withdrawal else "announce", path))
        if data[tcp + 13] & 5:  # FIN, RST
            self.events.append((when, node, "close", b""))

    def gone(self, site, since):
        """The site's own withdrawal, or the end of its session."""
        return next((event[0] for event in list(self.events)
                     if event[0] >= since and event[1] == site.router and
                     event[2] in ("withdraw", "close")), None)

    def far_gone(self, site, since):
        """When the edge was told of another path, or of none."""
        own = struct.pack(">I", topology.as_of(site.router))
        return next((event[0] for event in list(self.events)
                     if event[0] >= since and event[1] == site.edge and
                     own not in event[3]), None)


class Routes:
    """What the kernels of routers said of the prefix."""

    def __init__(self, lab, nodes):
        self.monitors = {node: rct.Daemon(
            f"monitor-{node}", ["ip", "-ts", "monitor", "route"], lab.folder,
            lab.name(node)) for node in nodes}

    def gone(self, node, far, since):
        """When packets for the service were no longer sent to 'far'."""
        for line in self.monitors[node].text().splitlines():
            match = re.match(r"\[([\d:T.-]+)\] (Deleted )?.*" +
                             re.escape(topology.PREFIX) + r" .*dev (\w+)", line)
            if match:
                when = datetime.datetime.fromisoformat(match.group(1)).replace(
                    tzinfo=datetime.timezone.utc).timestamp()
                if when >= since and (match.group(2) is not None) == (
                        match.group(3) == far):
                    return when
        return None


class Clients:
    """tool_client in each region; answers: [(sent, region, kind, site, us)]"""

    def __init__(self, lab, udp=200, tcp=20):
        self.daemons = {n: rct.Daemon(
            f"client{n}", [os.path.join(rct.BIN, "tool_client"),
                           topology.SERVICE, "lab.example", str(udp), str(tcp)],
            lab.folder, lab.name("c" + n)) for n in topology.SITES}
        self.offsets = {n: 0 for n in topology.SITES}
        self.answers = []
        self.lock = threading.Lock()    # Screen reads too

    def read(self):
        with self.lock:
            self.read_new()
        return self.answers

    def read_new(self):
        for n, daemon in self.daemons.items():
            with open(daemon.path, encoding="utf-8") as file:
                file.seek(self.offsets[n])
                text = file.read()
            whole = text.rfind("\n") + 1
            self.offsets[n] += whole
            for line in text[:whole].splitlines():
                words = line.split()
                if len(words) == 4:
                    self.answers.append((float(words[0]), n, words[1],
                                         words[2], int(words[3])))

    def between(self, begin, end):
        return [a for a in self.read() if begin <= a[0] < end]

    def shares(self, begin, end):
        """{region: {site: answers}}"""
        found = {n: {} for n in topology.SITES}
        for _, n, _, site, _ in self.between(begin, end):
            found[n][site] = found[n].get(site, 0) + 1
        return found

    @staticmethod
    def catchment(shares):
        """'1>site1 2>site2 ...': the site with most answers of each region."""
        return " ".join(
            f"{n}>" + (max(sites, key=sites.get).replace("site", "")
                       if sites else "-") for n, sites in shares.items())


class Screen(threading.Thread):
    """--watch: who answers whom, twice a second, and what was said last."""

    SECONDS, LINES = 0.5, 12

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.lab, self.said = lab, []
        self.is_over = threading.Event()
        self.start()

    def run(self):
        while not self.is_over.wait(self.SECONDS):
            self.draw()

    def draw(self):
        clients, now = self.lab.clients, time.time()
        out = [time.strftime("%H:%M:%S  ") +
               (self.lab.marks[-1][1] if self.lab.marks else "starting"), ""]
        # Answers of the last second may still be under way.
        shares = clients.shares(now - 2.2, now - 1.2) if clients else {}
        for n, sites in shares.items():
            out.append(f"region {n}: " + "  ".join(
                f"{'unanswered' if site == '-' else site} {count}/s"
                for site, count in sorted(sites.items())))
        for site in self.lab.sites.values():
            out.append(f"site {site.number}: " + (
                "announced" if site.is_announced() else "not announced") +
                f" at {site.router}")
        print("\033[H\033[J" + "\n".join(
            out + [""] + self.said[-self.LINES:]), flush=True)

    def end(self):
        self.is_over.set()
        self.join()
        print("\033[H\033[J" + "\n".join(self.said), flush=True)
