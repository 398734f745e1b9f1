#!/usr/bin/env python3
"""BIRD 2 as the router: the rows of the matrix, one session each."""
import os
import re
import time

import matrix
import rct
from matrix import LOCAL_AS, Row

BIRD_ID = "10.99.0.1"
BOTH = "ipv4 { import all; export none; }; ipv6 { import all; export none; };"


def rows(password):
    """Our router id, 10.99.0.2, is above BIRD's."""
    return [
        Row(1, "MP4+MP6+RR+AS4", error_wait="1, 4"),
        Row(2, "hold 3", ours={"hold_s": 3}),
        Row(3, "hold 9 against min hold time 30",
            "2/6", "min hold time 30;"),
        Row(4, "role: customer to provider", router="local role provider;",
            ours={"role": "customer"}),
        Row(5, "role: peer to provider", "2/11", "local role provider;",
            {"role": "peer"}),
        Row(6, "role: none to a strict provider", "2/11",
            "local role provider; require roles yes;"),
        Row(7, "AS of ours is not the one expected", "2/2",
            neighbor_as=64999),
        Row(8, "AS of theirs is not the one expected", "sent .*2/2",
            local_as=65099),
        Row(9, "router identifiers equal, eBGP", router="router id 10.99.0.2;"),
        Row(10, "router identifiers equal, iBGP", "2/3",
            "router id 10.99.0.2;", router_as=LOCAL_AS),
        Row(11, "MP4+MP6 to an IPv4-only router", routes=("4", "4"),
            channels="ipv4 { import all; export none; };"),
        Row(12, "MP4 to an IPv6-only router", "2/7",
            ours={"families": ["ipv4"], "next_hop": None},
            channels="ipv6 { import all; export none; };"),
        Row(13, "GTSM on both ends", router="ttl security yes;",
            ours={"ttl_security": True}),
        Row(14, "GTSM on BIRD's end only", "down", "ttl security yes;"),
        Row(15, "TCP-MD5", router='password "right";',
            ours={"password_file": password("right")}),
        Row(16, "TCP-MD5, passwords that differ",
            "password that differs", 'password "left";',
            {"password_file": password("right")}),
        Row(17, "BIRD is passive", router="passive yes;"),
        Row(18, "we are passive", ours={"passive": True}),
        Row(19, "multihop, loopback to loopback", router="multihop 2;",
            ours={"multihop": 2, "next_hop": {"ipv4": "10.99.19.2",
                                              "ipv6": "fd99:0:0:13::2"}},
            router_address=matrix.LOOPBACK_ROUTER,
            our_address=matrix.LOOPBACK_SERVER),
        Row(20, "IPv6 session, IPv4 routes with a configured next hop",
            ours={"next_hop": {"ipv4": "10.99.20.2"}},
            router_address="fd99:0:0:14::1", our_address="fd99:0:0:14::2"),
        Row(21, "link-local session",
            ours={"address": matrix.LOCAL_ROUTER + "%up0",
                  "next_hop": {"ipv4": "10.99.21.2",
                               "ipv6": "fd99:0:0:15::2"}},
            router_address=matrix.LOCAL_ROUTER,
            our_address=matrix.LOCAL_SERVER, interface="down0"),
        Row(23, "iBGP", router_as=LOCAL_AS),
        Row(24, "both connect, our identifier is lower",
            router="router id 10.99.0.9; connect delay time 1;"),
        Row(25, "no capabilities at all, so no 4-octet AS", router="capabilities no;",
            neighbor_as=23456, judged_as="old", routes=("4", "4")),
        Row(26, "first refused by the filter", filtered=True),
        Row(27, "BFD over several hops", router="multihop 2; bfd on;",
            ours={"multihop": 2, "bfd": {}}),
        Row(28, "GTSM over IPv6", router="ttl security yes;",
            ours={"ttl_security": True,
                  "next_hop": {"ipv4": "10.99.28.2"}},
            router_address="fd99:0:0:1c::1", our_address="fd99:0:0:1c::2"),
        Row(29, "TCP-MD5 over IPv6, we are passive",
            router='password "six";',
            ours={"password_file": password("six"), "passive": True,
                  "next_hop": {"ipv4": "10.99.29.2"}},
            router_address="fd99:0:0:1d::1", our_address="fd99:0:0:1d::2"),
    ]


class Bird:
    def __init__(self, test):
        self.test, self.folder = test, test.folder
        self.socket = os.path.join(test.folder, "bird.ctl")
        self.config = os.path.join(test.folder, "bird.conf")
        self.daemon = None
        self.write(False)

    def protocol(self, row, is_open):
        channels = row.more.get("channels", BOTH)
        if row.more.get("filtered") and not is_open:
            channels = channels.replace("import all", "import none")
        local = row.more.get("local_as", row.router_as)
        interface = row.more.get("interface")
        return f'''
protocol bgp {row.name_of()} {{
	local {row.router_address} as {local};
	neighbor {row.our_address} as {row.more.get("neighbor_as", LOCAL_AS)};
	{f'interface "{interface}";' if interface else ""}
	strict bind no;
	connect delay time {row.number % 3};
	connect retry time 2;
	error wait time {row.more.get("error_wait", "60, 300")};
	{row.router}
	{channels}
}}
'''

    def write(self, is_open):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f'''
log "{self.folder}/bird-events.log" all;
router id {BIRD_ID};
protocol device {{ }}
protocol bfd {{
	multihop {{ min rx interval 100 ms; min tx interval 100 ms; }};
}}
''' + "".join(self.protocol(row, is_open) for row in self.test.rows))

    def start(self):
        self.daemon = rct.Daemon(
            "bird", ["bird", "-f", "-c", self.config, "-s", self.socket],
            self.folder, self.test.net.router)
        if not rct.wait_until(lambda: "r1 " in self.ask("show", "protocols"),
                              10, 0.05):
            raise RuntimeError(f"BIRD: {self.daemon.text()}")

    def ask(self, *words):
        return rct.run("birdc", "-s", self.socket, *words, check=False).stdout

    def routes(self, row):
        return self.ask("show", "route", "protocol", row.name_of(), "all")

    def log(self):
        with open(f"{self.folder}/bird-events.log", encoding="utf-8",
                  errors="replace") as file:
            return file.read()


class Test(matrix.Matrix):
    def __init__(self):
        self.folder = None
        super().__init__([], listen=True)

    def configure(self):
        self.rows = rows(self.password)
        self.addresses_of_rows()
        return super().configure()

    def addresses(self):
        """The rows come later: their passwords need the folder."""

    def addresses_of_rows(self):
        super().addresses()

    def row(self, number):
        return next(row for row in self.rows if row.number == number)

    def seen_at_bird(self, bird):
        wanted = (
            (1, r"as_path: 4200000000\n"),
            (1, r"as_path: 4200000000 4200000000 4200000000 4200000000\n"),
            (1, r"BGP.med: 77"), (1, r"\(64500,69\)"),
            (1, r"\(4200000000, 3, 4\)"), (1, r"2001:db8::/48"),
            (19, r"next_hop: 10.99.19.2"),
            (20, r"next_hop: 10.99.20.2"), (20, "2001:db8::/48"),
            (21, r"next_hop: fd99:0:0:15::2 fe80::2"),
            (21, r"next_hop: 10.99.21.2"),
            (25, r"as_path: 4200000000\n"),
            (23, r"as_path: *\n"), (23, r"local_pref: 100"),
        )
        for number, pattern in wanted:
            row = self.row(number)
            self.check(f"{row.name}: BIRD shows {pattern!r}",
                       rct.wait_until(lambda: re.search(
                           pattern, bird.routes(row)), 10, 0.2),
                       bird.routes(row)[:600])

    def filter_opens(self, bird):
        """Without an answer to ROUTE-REFRESH the route would never appear."""
        row = self.row(26)
        self.check(f"{row.name}: no route", "/" not in re.sub(
            "Table.*|BIRD.*", "", bird.routes(row)), bird.routes(row))
        bird.write(True)
        bird.ask("configure")
        self.check(f"{row.name}: the filter opens: the routes come by refresh",
                   rct.wait_until(lambda: matrix.PLAIN4 in bird.routes(row)
                                  and matrix.PLAIN6 in bird.routes(row), 10,
                                  0.2), bird.routes(row))

    def reload_in(self, bird):
        row = self.row(1)
        before = len(self.updates(row))
        bird.ask("reload", "in", "r1")
        self.check("reload in: answered with everything once more",
                   rct.wait_until(lambda: len([
                       u for u in self.updates(row)[before:]
                       if matrix.PLAIN4 in u.announced or
                       matrix.PLAIN6 in u.announced]) >= 2, 10, 0.1))
        self.check("reload in: nothing was withdrawn", not any(
            u.withdrawn for u in self.updates(row)[before:]))

    def run(self):
        bird = Bird(self)
        try:
            bird.start()
            self.start()
            self.wait()
            self.check("error delay: the log names it", rct.wait_until(
                lambda: "error delay" in self.log_of(self.row(3)), 20, 0.2),
                self.log_of(self.row(3)))
            self.one_connection()
            self.attributes(self.row(1))
            self.seen_at_bird(bird)
            self.check("link-local session: next hop of 32 octets", any(
                u.next_hop is not None and len(u.next_hop) == 32
                for u in self.updates(self.row(21))))
            self.check("no AS4: AS4_PATH goes along", any(
                u.value(17) is not None and u.value(17)[2:] ==
                LOCAL_AS.to_bytes(4, "big") * (len(u.value(17)) // 4)
                for u in self.updates(self.row(25)) if u.announced))
            self.check("BFD over several hops is up", rct.wait_until(
                lambda: self.peer(self.row(27)).get("bfd", {}).get("state") ==
                "Up", 15, 0.2), f"{self.peer(self.row(27)).get('bfd')}")
            self.filter_opens(bird)
            self.reload_in(bird)
            self.lost_and_back(
                self.row(1), "Cease 6/2 with a text from BIRD", lambda: (
                    bird.ask("disable", "r1", '"new line card"'),
                    time.sleep(0.5), bird.ask("enable", "r1")),
                r'received .*6/2.*new line card')
            self.drain(self.row(4))
            self.lost_and_back(
                self.row(4), "BIRD killed and started again", lambda: (
                    bird.daemon.end(), time.sleep(1), bird.start()),
                "session lost")
            self.stop()
            self.check("SIGTERM: BIRD has our text", rct.wait_until(
                lambda: "rootcast-routed is stopped" in bird.log(), 5))
            self.judge()
        finally:
            rct.end_everything()
        self.finish()


rct.need("bird", "birdc", "ip", "ss", daemons=("rootcastd", "rootcast-routed",
                                               "rootcastctl"))
Test().run()
