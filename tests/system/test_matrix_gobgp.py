#!/usr/bin/env python3
"""GoBGP as the router: the rows of the matrix that it can play."""
import json
import os
import time

import matrix
import rct
from matrix import LOCAL_AS, ROUTER_AS, Row

BOTH = ("ipv4-unicast", "ipv6-unicast")


def rows(password):
    return [
        Row(1, "MP4+MP6+RR+AS4"),
        Row(2, "hold 3", ours={"hold_s": 3}),
        Row(3, "role: GoBGP knows none", ours={"role": "customer"}),
        Row(4, "AS of ours is not the one expected", "2/2", neighbor_as=64999),
        Row(5, "AS of theirs is not the one expected", "sent .*2/2",
            ours={"as": 65099}),
        Row(6, "MP4+MP6 to an IPv4-only router", routes=("4", "4"),
            families=BOTH[:1]),
        Row(7, "MP4+MP6 for IPv6 routes only, IPv4-only router", "2/7",
            ours={"families": ["ipv6"]}, families=BOTH[:1]),
        Row(8, "GTSM on both ends", gtsm=True, ours={"ttl_security": True}),
        Row(9, "TCP-MD5", password="right",
            ours={"password_file": password("right")}),
        Row(10, "GoBGP is passive", passive=True),
        Row(11, "we are passive", ours={"passive": True}),
        Row(12, "multihop", multihop=2, ours={"multihop": 2}),
        Row(13, "IPv6 session, IPv4 routes with a configured next hop",
            ours={"next_hop": {"ipv4": "10.99.13.2"}},
            router_address="fd99:0:0:d::1", our_address="fd99:0:0:d::2"),
        Row(14, "iBGP", ours={"local_as": ROUTER_AS}, neighbor_as=ROUTER_AS),
        Row(15, "TCP-MD5, passwords differ", "a password that differs",
            password="right", ours={"password_file": password("wrong")}),
        Row(16, "TCP-MD5 over IPv6", password="right",
            ours={"password_file": password("right"),
                  "next_hop": {"ipv4": "10.99.16.2"}},
            router_address="fd99:0:0:10::1", our_address="fd99:0:0:10::2"),
    ]


class Gobgp:
    def __init__(self, test):
        self.test = test
        self.port = "50051"  # its namespace is its own
        self.config = os.path.join(test.folder, "gobgp.json")
        self.daemon = None
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump({
                "global": {"config": {"as": ROUTER_AS,
                                      "router-id": "10.99.0.1"}},
                "neighbors": [self.neighbor(row) for row in test.rows],
            }, file)

    @staticmethod
    def neighbor(row):
        more = row.more
        transport = {"passive-mode": more.get("passive", False),
                     "local-address": row.router_address}
        config = {"neighbor-address": row.our_address,
                  "peer-as": more.get("neighbor_as", LOCAL_AS)}
        if "password" in more:
            config["auth-password"] = more["password"]
        found = {
            "config": config, "transport": {"config": transport},
            "timers": {"config": {"connect-retry": 5, "hold-time": 90,
                                  "idle-hold-time-after-reset": 3}},
            "afi-safis": [{"config": {"afi-safi-name": name}}
                          for name in more.get("families", BOTH)],
        }
        if more.get("gtsm"):
            found["ttl-security"] = {"config": {"enabled": True,
                                                "ttl-min": 255}}
        if more.get("multihop"):
            found["ebgp-multihop"] = {"config": {"enabled": True,
                                                 "multihop-ttl": 2}}
        return found

    def start(self):
        self.daemon = rct.Daemon(
            "gobgpd", ["gobgpd", "-p", "-t", "json", "-f", self.config,
                       "--pprof-disable"], self.test.folder,
            self.test.net.router)
        self.daemon.wait_for("Peer|peer", 10)

    def ask(self, *words):
        return rct.run("ip", "netns", "exec", self.test.net.router, "gobgp",
                       *words, check=False).stdout

    def routes(self, row, family="ipv4"):
        return self.ask("neighbor", row.our_address, "adj-in", "-a", family)


class Test(matrix.Matrix):
    def __init__(self):
        super().__init__([], listen=True)

    def addresses(self):
        """The rows come later: their passwords need the folder."""

    def configure(self):
        self.rows = rows(self.password)
        super().addresses()
        return super().configure()

    def row(self, number):
        return next(row for row in self.rows if row.number == number)

    def run(self):
        gobgp = Gobgp(self)
        try:
            gobgp.start()
            self.start()
            self.wait()
            self.one_connection()
            self.attributes(self.row(1))
            for row in self.rows:
                if row.sees == "up" and len(row.routes) == 3:
                    self.check(f"{row.name}: GoBGP has the routes",
                               rct.wait_until(lambda: matrix.PLAIN4 in
                                              gobgp.routes(row) and
                                              matrix.PLAIN6 in gobgp.routes(
                                                  row, "ipv6"), 10, 0.3),
                               gobgp.routes(row))
            row = self.row(1)
            before = len(self.updates(row))
            gobgp.ask("neighbor", row.our_address, "softresetin")
            time.sleep(2)
            again = self.updates(row)[before:]
            self.check("softresetin: asked or not, nothing is withdrawn, and "
                       "GoBGP has the routes", not any(
                           u.withdrawn for u in again) and
                       matrix.PLAIN4 in gobgp.routes(row), f"{len(again)}")
            self.lost_and_back(
                row, "Cease 6/2 with a text from GoBGP", lambda: (
                    gobgp.ask("neighbor", row.our_address, "shutdown",
                              "--reason", "new line card"), time.sleep(0.5),
                    gobgp.ask("neighbor", row.our_address, "enable")),
                "received .*6/2.*new line card")
            self.drain(self.row(3))
            self.lost_and_back(
                self.row(3), "gobgpd killed and started again", lambda: (
                    gobgp.daemon.end(), time.sleep(1), gobgp.start()),
                "session lost")
            self.stop()
            self.judge()
        finally:
            rct.end_everything()
        self.finish()


rct.need("gobgpd", "gobgp", "ip", "ss",
         daemons=("rootcastd", "rootcast-routed", "rootcastctl"))
Test().run()
