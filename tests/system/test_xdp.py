#!/usr/bin/env python3
"""AF_XDP on a veth pair: what is taken, what is left to the kernel, and that
nothing stays behind.

Raw frames are made and read here, octet by octet, through packet sockets: they
bypass the checksums and tags that a kernel would write.
"""
import array
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import struct
import time

import rct

AF_XDP = 44
ETH_ALL = 3
SOL_PACKET, PACKET_AUXDATA, VLAN_VALID = 263, 8, 1 << 4
SIOCETHTOOL, ETHTOOL_STXCSUM, ETHTOOL_SFLAGS = 0x8946, 0x17, 0x26
ETH_FLAG_RXVLAN = 1 << 8
SERVER_IF, CLIENT_IF = "up0", "down0"
EXTRA4, TRANSIT4 = "10.99.0.77", "203.0.113.1"
QUIET_S = 0.4  # for what must not come


def total(octets):
    """The folded one's complement sum (RFC 1071)."""
    octets += b"\0" * (len(octets) % 2)
    value = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while value >> 16:
        value = (value & 0xffff) + (value >> 16)
    return value


def complement(value):
    return ~value & 0xffff


def udp(source, destination, ports, payload, checksum="good"):
    """A UDP datagram; checksum: good, bad, none or partial."""
    size = 8 + len(payload)
    pseudo = source + destination + struct.pack(">II", size, 17)
    head = struct.pack(">HHH", *ports, size)
    value = {
        "good": complement(total(pseudo + head + b"\0\0" + payload)) or 0xffff,
        "none": 0, "partial": total(pseudo)}.get(checksum)
    if value is None:
        value = complement(total(pseudo + head + b"\0\0" + payload)) ^ 0x0101
    return head + struct.pack(">H", value) + payload


def ipv4(source, destination, content, protocol=17, fragment=0, options=b"",
         header="good"):
    words = 5 + len(options) // 4
    head = struct.pack(">BBHHHBB", 0x40 | words, 0,
                       4 * words + len(content), 77, fragment, 64, protocol)
    value = complement(total(head + b"\0\0" + source + destination + options))
    if header != "good":
        value ^= 0x0101
    return head + struct.pack(">H", value) + source + destination + options + \
        content


def ipv6(source, destination, content):
    return struct.pack(">IHBB", 6 << 28, len(content), 17, 64) + source + \
        destination + content


def query(number, name="example.", kind=6):
    labels = b"".join(bytes([len(word)]) + word.encode()
                      for word in name.split(".") if word)
    return struct.pack(">HHHHHH", number, 0, 1, 0, 0, 0) + labels + b"\0" + \
        struct.pack(">HH", kind, 1)


def address(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else
                            socket.AF_INET, text)


class Wire:
    """The client's end of the veth pair, frame by frame."""

    def __init__(self, net):
        self.mine = self.mac(net.router, CLIENT_IF)
        self.theirs = self.mac(net.server, SERVER_IF)
        self.socket = rct.in_namespace(net.router, self.open)
        self.number = 100

    @staticmethod
    def mac(namespace, interface):
        text = rct.run("ip", "-n", namespace, "-o", "link", "show",
                       interface).stdout
        return bytes.fromhex(re.search(r"link/ether (\S+)", text)
                             .group(1).replace(":", ""))

    @staticmethod
    def open():
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                             socket.htons(ETH_ALL))
        made.bind((CLIENT_IF, 0))
        made.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        return made

    def send(self, packet, tags=b"", to=None, sender=None):
        kind = 0x0800 if packet[0] >> 4 == 4 else 0x86dd
        self.socket.send((to or self.theirs) + (sender or self.mine) + tags +
                         struct.pack(">H", kind) + packet)

    def receive(self, wanted, seconds=2.0):
        """The first frame that wanted() likes, its tag put back, or None."""
        end = time.monotonic() + seconds
        while True:
            self.socket.settimeout(max(end - time.monotonic(), 0.001))
            try:
                frame, ancillary, _, _ = self.socket.recvmsg(4096, 256)
            except TimeoutError:
                return None
            for level, kind, data in ancillary:
                if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                    status, _, _, _, _, tag, protocol = struct.unpack(
                        "IIIHHHH", data[:20])
                    if status & VLAN_VALID:
                        frame = frame[:12] + struct.pack(
                            ">HH", protocol or 0x8100, tag) + frame[12:]
            if frame[:6] == self.mine and wanted(frame):
                return frame

    def ask(self, build, seconds=2.0, **where):
        """Send what build(query) makes; the reply's frame, or None."""
        self.number += 1
        number = struct.pack(">H", self.number)
        self.send(build(query(self.number)), **where)
        return self.receive(lambda frame: number + b"\x84\0" in frame,
                            seconds)


class Test:
    def __init__(self):
        self.totals = rct.Totals()
        self.folder = rct.scratch()
        os.chmod(self.folder, 0o755)  # for the user 'nobody'
        self.zones = os.path.join(self.folder, "zones")
        shutil.copytree(os.path.join(rct.ROOT, "zones"), self.zones)
        self.net = None
        self.server = None

    def check(self, name, ok, detail=""):
        """As rct's, with the detail only where something is wrong."""
        self.totals.check(name, ok, "" if ok else detail)

    # --- the server ---------------------------------------------------------

    def start(self, name="rootcastd", wrapper=(), **changes):
        server = {"listen": [rct.SERVER4, rct.SERVER6, rct.SERVICE4,
                             rct.SERVICE6], "zones": self.zones,
                  "control": os.path.join(self.folder, f"{name}.sock"),
                  "identity": "rct", "workers": 1, "xdp": [SERVER_IF],
                  "xdp_partial_checksum": True, **changes}
        path = os.path.join(self.folder, f"{name}.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"server": server}, file)
        self.server = rct.Daemon(
            name, [*wrapper, os.path.join(rct.BIN, "rootcastd"), "-c", path],
            self.folder, self.net.server)
        if not self.server.wait_for(r"ready: \d+ zones served", 20):
            self.check(f"{name} is ready", False, self.server.text())
        return self.server

    def stop(self):
        self.server.signal(signal.SIGTERM)
        return self.server.wait(10)

    def stats(self, transport, key):
        reply = rct.run(os.path.join(rct.BIN, "rootcastctl"), "--socket",
                        os.path.join(self.folder, f"{self.server.name}.sock"),
                        "--json", "stats")
        return json.loads(reply.stdout)["stats"][transport][key]

    def counts(self, transport, key, act):
        """What act() returns, and how far it moves a counter."""
        before = self.stats(transport, key)
        result = act()
        after = rct.wait_until(
            lambda: (now := self.stats(transport, key)) != before and now, 1)
        return result, (after or before) - before

    def has_program(self, interface=SERVER_IF):
        return "prog/xdp" in rct.run("ip", "-n", self.net.server, "-d",
                                     "link", "show", interface).stdout

    # --- the client ---------------------------------------------------------

    def dig(self, where, *words, tries=3):
        return rct.run("ip", "netns", "exec", self.net.router, "dig",
                       f"@{where}", "+norec", "+time=1", f"+tries={tries}",
                       *(words or ("example.", "SOA")), check=False).stdout

    def answered(self, name, where, transport="xdp", *words):
        text, moved = self.counts(transport, "replies",
                                  lambda: self.dig(where, *words))
        self.check(name, "status: NOERROR" in text and moved >= 1,
                   f"{transport} replies: {moved}; {text[-400:]}")

    def offload(self, namespace, interface, value,
                command=ETHTOOL_STXCSUM):
        """What 'ethtool -K INTERFACE tx on|off' (rxvlan on|off) does."""
        setting = int(value)

        def call():
            value = array.array("I", [command, setting])
            request = struct.pack("16sP", interface.encode(),
                                  value.buffer_info()[0])
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
                fcntl.ioctl(made, SIOCETHTOOL, request)
        rct.in_namespace(namespace, call)

    # --- the tests ----------------------------------------------------------

    def ordinary(self):
        for where in (rct.SERVER4, rct.SERVER6, rct.SERVICE4, rct.SERVICE6):
            self.answered(f"{where}: answered over AF_XDP", where)
            self.answered(f"{where}: TCP goes to the kernel", where, "tcp",
                          "+tcp", "example.", "SOA")
        self.check("nothing came to the UDP sockets",
                   self.stats("udp", "queries") == 0)
        status = rct.run(os.path.join(rct.BIN, "rootcastctl"), "--socket",
                         os.path.join(self.folder, "rootcastd.sock"),
                         "status").stdout
        self.check("rootcastctl status shows the transport",
                   re.search(r"(?m)^0 +xdp +\d", status), status)

    def same_as_sockets(self):
        """Octet for octet what the socket path says (from the server's own
        namespace packets do not pass the interface)."""
        def replies(namespace):
            def call():
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
                    made.settimeout(2)
                    made.connect((rct.SERVICE4, 53))
                    for octets in questions:
                        made.send(octets)
                        try:
                            yield made.recv(8192)
                        except TimeoutError:
                            yield b"no reply"
            return rct.in_namespace(namespace, lambda: list(call()))

        questions = [
            query(1, name, kind)[:10] +
            (b"\0\1" + query(1, name, kind)[12:] + b"\0\0\x29" +
             struct.pack(">HHHH", size, 0, flags, 0)
             if size else query(1, name, kind)[10:])
            for name, kind in (
                ("example.", 6), ("www.example.", 1), ("nothing.example.", 1),
                (".", 2), ("signed.example.", 48), ("signed.example.", 255),
                ("nothing.signed.example.", 1), ("test.", 255))
            for size, flags in ((0, 0), (512, 0), (512, 0x8000),
                                (1232, 0x8000), (4096, 0x8000))]
        _, moved = self.counts("xdp", "replies",
                               lambda: replies(self.net.router))
        over_xdp = replies(self.net.router)
        over_sockets = replies(self.net.server)
        wrong = [one.hex() for one, other in zip(over_xdp, over_sockets)
                 if one != other or one == b"no reply"]
        self.check("replies are those of the socket path, octet for octet",
                   not wrong and moved == len(questions), f"{wrong}")
        self.check("and some of them are truncated",
                   any(one[2] & 2 for one in over_xdp))

    def kernel_keeps_its_own(self):
        for family, place in (("-4", rct.SERVER4), ("-6", rct.SERVER6)):
            self.net.ip(self.net.router, family, "neigh", "flush", "dev",
                        CLIENT_IF)
            self.answered(f"{place}: found anew by ARP or ND", place)
        wire = Wire(self.net)
        echo = struct.pack(">BBHHH", 8, 0, 0, 1, 1)
        echo = echo[:2] + struct.pack(">H", complement(total(echo))) + echo[4:]
        wire.send(ipv4(address(rct.ROUTER4), address(rct.SERVER4), echo, 1))
        self.check("an echo request is answered",
                   wire.receive(lambda f: f[23] == 1 and f[34] == 0))

        def open_echo():
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.bind((rct.SERVER4, 5353))
            made.settimeout(2)
            return made

        other = rct.in_namespace(self.net.server, open_echo)
        wire.send(ipv4(address(rct.ROUTER4), address(rct.SERVER4),
                       udp(address(rct.ROUTER4), address(rct.SERVER4),
                           (40000, 5353), b"hello")))
        try:
            text = other.recv(100)
        except TimeoutError:
            text = b""
        self.check("another UDP port reaches its own socket", text == b"hello")
        other.close()
        # Transit: sent back to us by the server's routes, one hop older.
        rct.run("ip", "netns", "exec", self.net.server, "sysctl", "-qw",
                "net.ipv4.ip_forward=1")
        self.net.ip(self.net.server, "route", "add", f"{TRANSIT4}/32", "via",
                    rct.ROUTER4)
        payload = query(9999)
        packet = ipv4(address(rct.ROUTER4), address(TRANSIT4),
                      udp(address(rct.ROUTER4), address(TRANSIT4),
                          (40000, 53), payload))
        _, taken = self.counts("xdp", "queries", lambda: wire.send(packet))
        back = wire.receive(lambda f: f[30:34] == address(TRANSIT4) and
                            f[23] == 17)
        self.check("transit to port 53 is forwarded, and untouched",
                   taken == 0 and back is not None and back[22] == 63 and
                   back[34:] == packet[20:])

    def frames(self):
        wire = Wire(self.net)
        client4, server4 = address(rct.ROUTER4), address(rct.SERVICE4)
        client6, server6 = address(rct.ROUTER6), address(rct.SERVICE6)

        def v4(payload, source=client4, checksum="good", port=53, **more):
            return ipv4(source, server4, udp(source, server4, (40000, port),
                                             payload, checksum), **more)

        def v6(payload, source=client6, checksum="good"):
            return ipv6(source, server6, udp(source, server6, (40000, 53),
                                             payload, checksum))

        tag, two = bytes.fromhex("8100600a"), bytes.fromhex("88a800648100000a")
        for name, build, tags, at in (
                ("IPv4", v4, b"", 14), ("IPv6", v6, b"", 14),
                ("IPv4 in a VLAN", v4, tag, 18),
                ("IPv6 in a VLAN", v6, tag, 18),
                ("IPv4 behind two tags", v4, two, 22),
                ("IPv6 behind two tags", v6, two, 22)):
            reply = wire.ask(build, tags=tags)
            ok = reply is not None and reply[6:12] == wire.theirs and \
                reply[12:12 + len(tags)] == tags
            if ok and build is v4:
                packet = reply[at:at + int.from_bytes(reply[at + 2:at + 4],
                                                      "big")]
                pseudo = packet[12:20] + struct.pack(
                    ">II", len(packet) - 20, 17)
                ok = total(packet[:20]) == 0xffff and \
                    packet[26:28] != b"\0\0" and \
                    total(pseudo + packet[20:]) == 0xffff
            elif ok:
                packet = reply[at:]
                pseudo = packet[8:40] + struct.pack(">II", len(packet) - 40,
                                                    17)
                ok = packet[46:48] != b"\0\0" and \
                    total(pseudo + packet[40:]) == 0xffff
            self.check(f"{name}: to the MAC it came from, tags kept, "
                       "checksums good", ok,
                       reply.hex() if reply else "no reply")
        for name, build, counter in (
                ("IPv4 with a bad UDP checksum",
                 lambda p: v4(p, checksum="bad"), "bad_checksum"),
                ("IPv6 with a bad UDP checksum",
                 lambda p: v6(p, checksum="bad"), "bad_checksum"),
                ("IPv6 without a UDP checksum",
                 lambda p: v6(p, checksum="none"), "bad_checksum"),
                ("a bad IPv4 header checksum",
                 lambda p: v4(p, header="bad"), "bad_checksum"),
                ("source 127.0.0.1",
                 lambda p: v4(p, source=address("127.0.0.1")), "bad_source"),
                ("source ::1", lambda p: v6(p, source=address("::1")),
                 "bad_source")):
            reply, moved = self.counts(
                "xdp", counter, lambda b=build: wire.ask(b, QUIET_S))
            self.check(f"{name}: silence, and counted",
                       reply is None and moved == 1, f"{counter} {moved}")
        self.check("IPv4 without a UDP checksum is answered",
                   wire.ask(lambda p: v4(p, checksum="none")))
        for name, build in (("IPv4", lambda p: v4(p, checksum="partial")),
                            ("IPv6", lambda p: v6(p, checksum="partial"))):
            self.check(f"{name} with the pseudo-header's sum only, "
                       "accepted where that is asked for", wire.ask(build))
        reply, moved = self.counts("xdp", "queries", lambda: wire.ask(
            v4, QUIET_S, to=bytes.fromhex("020000000099")))
        self.check("a frame to another MAC is not taken",
                   reply is None and moved == 0)
        reply, moved = self.counts(
            "udp", "replies",
            lambda: wire.ask(lambda p: v4(p, options=b"\1\1\1\0")))
        self.check("IPv4 with options is answered by the socket path",
                   reply and moved == 1, f"{moved}")

        def fragments(payload):
            whole = udp(client4, server4, (40000, 53), payload)
            wire.send(ipv4(client4, server4, whole[:24], fragment=0x2000))
            return ipv4(client4, server4, whole[24:], fragment=3)

        reply, moved = self.counts("udp", "replies",
                                   lambda: wire.ask(fragments))
        self.check("a query in two fragments is answered by the socket path",
                   reply and moved == 1, f"{moved}")
        refused = []

        def unreachable(frame):
            refused.append(frame[23] == 1 and frame[34:36] == b"\3\3")
            return refused[-1]

        wire.send(v4(query(1), port=54))
        self.check("a port that nobody has: the kernel says so",
                   wire.receive(unreachable))

    def partial(self):
        """What a veth peer sends as it is: dropped, unless told otherwise."""
        self.start(xdp_partial_checksum=False)
        for where in (rct.SERVER4, rct.SERVER6):
            text, moved = self.counts("xdp", "partial_checksum",
                                      lambda w=where: self.dig(w, tries=1))
            self.check(f"{where}: an unfinished checksum is dropped, counted",
                       "status:" not in text and moved == 1, f"{moved}")
        self.check("a line says what to turn off",
                   self.server.wait_for(
                       r"ethtool -K \S+ tx off.*xdp_partial_checksum", 2),
                   self.server.text())
        self.offload(self.net.router, CLIENT_IF, False)
        for where in (rct.SERVER4, rct.SERVER6):
            self.answered(f"{where}: answered with the peer's offload off",
                          where)
        self.check("the line was said once",
                   self.server.text().count("tx off") == 1)
        self.offload(self.net.router, CLIENT_IF, True)
        self.stop()

    def addresses(self):
        """A wildcard follows the host, without any privilege."""
        self.start(listen=["0.0.0.0", "::"], user="nobody")
        for where in (rct.SERVER4, rct.SERVER6, rct.SERVICE4, rct.SERVICE6):
            self.answered(f"wildcard: {where} over AF_XDP", where)
        text, moved = self.counts("xdp", "queries", lambda: self.dig(
            EXTRA4, tries=1))
        self.check("wildcard: an address that is not there is not taken",
                   moved == 0 and "status:" not in text)
        self.net.ip(self.net.server, "addr", "add", f"{EXTRA4}/32", "dev",
                    "lo")
        self.net.ip(self.net.router, "neigh", "flush", "dev", CLIENT_IF)
        self.answered("wildcard: an address that comes is taken", EXTRA4)
        mac = Wire.mac(self.net.server, SERVER_IF).hex(":")
        self.net.ip(self.net.server, "addr", "del", f"{EXTRA4}/32", "dev",
                    "lo")
        self.net.ip(self.net.router, "neigh", "replace", EXTRA4, "lladdr",
                    mac, "dev", CLIENT_IF)
        time.sleep(0.2)
        _, moved = self.counts("xdp", "queries",
                               lambda: self.dig(EXTRA4, tries=1))
        self.check("wildcard: an address that went is left alone", moved == 0)
        self.net.ip(self.net.server, "link", "set", SERVER_IF, "address",
                    "02:00:00:00:53:53")
        self.net.ip(self.net.router, "neigh", "flush", "dev", CLIENT_IF)
        time.sleep(0.2)
        self.answered("a new MAC is followed", rct.SERVER4)
        self.check("SIGTERM as user nobody: exit status 0, program gone",
                   self.stop() == 0 and not self.has_program())

    def ends(self):
        self.start()
        self.check("a program is on the interface", self.has_program())
        self.server.signal(signal.SIGKILL)
        self.server.wait(10)
        self.check("kill -9 leaves none behind",
                   rct.wait_until(lambda: not self.has_program(), 2))
        self.start()
        self.answered("after kill -9: answered over AF_XDP again",
                      rct.SERVER4)
        self.check("SIGTERM: exit status 0, program gone",
                   self.stop() == 0 and not self.has_program())

    def refusals(self):
        first = self.start(name="first")
        port = "@5301"
        self.start(name="second", listen=[rct.SERVER4 + port])
        self.check("another program is there: a line says so",
                   "another XDP program is on it; the socket path serves" in
                   self.server.text(), self.server.text())
        self.answered("and the socket path serves", rct.SERVER4, "udp", "-p",
                      port[1:], "example.", "SOA")
        self.stop()
        self.server = first
        self.answered("the first goes on", rct.SERVER4)
        self.stop()
        self.start(xdp=["lo", "nothing0"])
        for line in ("xdp: lo: not an Ethernet interface; the socket path",
                     "xdp: nothing0: no such interface; the socket path"):
            self.check(f"'{line}...'", line in self.server.text(),
                       self.server.text())
        self.answered("and the socket path serves", rct.SERVER4, "udp")
        self.stop()
        if shutil.which("setpriv") is None:
            self.totals.skip("without privilege", "setpriv is not installed")
            return
        os.chmod(self.folder, 0o777)
        self.start(name="unprivileged", listen=[rct.SERVER4 + port],
                   wrapper=["setpriv", "--reuid", "65534", "--regid", "65534",
                            "--clear-groups"])
        self.check("without privilege: a line says so",
                   "not permitted" in self.server.text(), self.server.text())
        self.answered("and the socket path serves", rct.SERVER4, "udp", "-p",
                      port[1:], "example.", "SOA")
        self.stop()

    def port_of_an_interface(self):
        self.start(listen=[rct.SERVER4, rct.SERVER4 + "@5301"],
                   xdp=[SERVER_IF + "@5301"])
        self.answered("INTERFACE@PORT: that port over AF_XDP", rct.SERVER4,
                      "xdp", "-p", "5301", "example.", "SOA")
        self.answered("INTERFACE@PORT: another port by its socket",
                      rct.SERVER4, "udp")
        self.stop()

    def tags_taken_off(self):
        """By a device that does so: a line says what to turn off."""
        for value, expected in ((ETH_FLAG_RXVLAN, 1), (0, 0)):
            self.offload(self.net.server, SERVER_IF, value, ETHTOOL_SFLAGS)
            self.start()
            self.check(f"a device that {'hides' if value else 'shows'} VLAN "
                       f"tags: {'a' if value else 'no'} line",
                       self.server.text().count(
                           f"ethtool -K {SERVER_IF} rxvlan off") == expected,
                       self.server.text())
            self.stop()
        self.offload(self.net.server, SERVER_IF, ETH_FLAG_RXVLAN,
                     ETHTOOL_SFLAGS)

    def busy_poll(self):
        self.start(xdp_busy_poll_us=100)
        self.answered("busy polling: answered over AF_XDP", rct.SERVER4)
        self.stop()

    def generic(self):
        """A bridge has no driver that could do XDP."""
        self.net.ip(self.net.server, "link", "add", "br0", "type", "bridge")
        self.net.ip(self.net.server, "link", "set", SERVER_IF, "master", "br0")
        self.net.ip(self.net.server, "link", "set", "br0", "up")
        self.net.ip(self.net.server, "addr", "flush", "dev", SERVER_IF)
        self.net.ip(self.net.server, "addr", "add", f"{rct.SERVER4}/24", "dev",
                    "br0")
        self.net.ip(self.net.server, "-6", "addr", "add",
                    f"{rct.SERVER6}/64", "dev", "br0", "nodad")
        self.net.ip(self.net.router, "neigh", "flush", "dev", CLIENT_IF)
        self.start(xdp=["br0"])
        self.check("a bridge: generic mode",
                   "br0: 1 queue, generic mode, copying" in
                   self.server.text(), self.server.text())
        for where in (rct.SERVER4, rct.SERVER6):
            self.answered(f"generic mode: {where} over AF_XDP", where)
        self.check("generic mode: SIGTERM, program gone",
                   self.stop() == 0 and not self.has_program("br0"))
        self.net.ip(self.net.server, "link", "del", "br0")

    def many(self):
        """Two interfaces, one of them with two queues, two workers."""
        self.net.ip(self.net.server, "link", "add", "up1", "numrxqueues", "2",
                    "numtxqueues", "2", "type", "veth", "peer", "name",
                    "down1", "numrxqueues", "2", "numtxqueues", "2", "netns",
                    self.net.router)
        for namespace, name, place in (
                (self.net.server, "up1", "10.98.0.2/24"),
                (self.net.router, "down1", "10.98.0.1/24")):
            self.net.ip(namespace, "addr", "add", place, "dev", name)
            self.net.ip(namespace, "link", "set", name, "up")
        self.start(listen=["0.0.0.0"], xdp=[SERVER_IF, "up1"], workers=2)
        self.check("two interfaces, three queues",
                   f"{SERVER_IF}: 1 queue, " in self.server.text() and
                   "up1: 2 queues, " in self.server.text(),
                   self.server.text())
        for where in [rct.SERVER4] + 8 * ["10.98.0.2"]:
            self.answered(f"{where} over AF_XDP, one of many", where)
        self.net.ip(self.net.server, "link", "del", "up1")
        self.check("an interface goes: a line says so",
                   self.server.wait_for("up1: the interface has gone", 3),
                   self.server.text())
        self.answered("and the other goes on", rct.SERVER4)
        self.check("SIGTERM after that: exit status 0", self.stop() == 0)

    def run(self):
        self.net = rct.Net()
        self.start()
        self.check("native mode on a veth",
                   f"{SERVER_IF}: 1 queue, native mode, copying" in
                   self.server.text(), self.server.text())
        self.ordinary()
        self.same_as_sockets()
        self.kernel_keeps_its_own()
        self.frames()
        self.check("SIGTERM: exit status 0", self.stop() == 0)
        self.partial()
        self.ends()
        self.refusals()
        self.port_of_an_interface()
        self.tags_taken_off()
        self.busy_poll()
        self.many()
        self.addresses()
        self.generic()
        self.totals.finish()


rct.need("dig", "ip")
try:
    socket.socket(AF_XDP, socket.SOCK_RAW).close()
except OSError as trouble:
    rct.skip_all(f"no AF_XDP here: {trouble}")
if "without AF_XDP" in rct.run(
        "strings", "-n", "20", os.path.join(rct.BIN, "rootcastd"),
        check=False).stdout:
    rct.skip_all("rootcastd was built without AF_XDP")
Test().run()
