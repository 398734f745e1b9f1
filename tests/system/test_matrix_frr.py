#!/usr/bin/env python3
"""FRR (zebra, bgpd, bfdd) as the router: the rows of the matrix."""
import json
import os
import shutil
import time

import matrix
import rct
from matrix import LOCAL_AS, ROUTER_AS, Row

FOLDER = "/usr/lib/frr"


def rows(password):
    return [
        Row(1, "MP4+MP6+RR+AS4"),
        Row(2, "hold 3", ours={"hold_s": 3}),
        Row(4, "role: customer to provider", router="local-role provider",
            ours={"role": "customer"}),
        Row(5, "role: peer to provider", "2/11", "local-role provider",
            {"role": "peer"}),
        Row(6, "role: none to a strict provider", "2/11",
            "local-role provider strict-mode"),
        Row(7, "AS of ours is not the one expected", "2/2",
            neighbor_as=64999),
        Row(8, "AS of theirs is not the one expected", "sent .*2/2",
            ours={"as": 65099}),
        Row(9, "MP4+MP6 to an IPv4-only router", routes=("4", "4"),
            families=("ipv4",)),
        Row(10, "MP4 to an IPv6-only router", "2/7",
            ours={"families": ["ipv4"], "next_hop": None},
            families=("ipv6",)),
        Row(11, "GTSM on both ends", router="ttl-security hops 1",
            ours={"ttl_security": True}),
        Row(12, "TCP-MD5", router="password right",
            ours={"password_file": password("right")}),
        Row(13, "FRR is passive", router="passive"),
        Row(14, "we are passive", ours={"passive": True}),
        Row(15, "multihop, with BFD", router="ebgp-multihop 2",
            router2="bfd", ours={"multihop": 2, "bfd": {}}),
        Row(16, "BFD to the next hop", router="bfd", ours={"bfd": {}}),
        Row(17, "IPv6 session, IPv4 routes with a configured next hop",
            ours={"next_hop": {"ipv4": "10.99.17.2"}},
            router_address="fd99:0:0:11::1", our_address="fd99:0:0:11::2"),
        Row(18, "link-local session",
            ours={"address": matrix.LOCAL_ROUTER + "%up0",
                  "families": ["ipv6"],
                  "next_hop": {"ipv6": "fd99:0:0:12::2"}},
            router_address=matrix.LOCAL_ROUTER,
            our_address=matrix.LOCAL_SERVER, interface="down0",
            routes=("6",), families=("ipv6",)),
        Row(19, "iBGP", ours={"local_as": ROUTER_AS}, neighbor_as=ROUTER_AS),
        Row(20, "FRR negotiates no capabilities",
            router="dont-capability-negotiate", neighbor_as=64512,
            ours={"local_as": 64512}, judged_as="old", routes=("4", "4"), families=("ipv4",)),
        Row(21, "TCP-MD5, passwords differ", "a password that differs",
            "password right", {"password_file": password("wrong")}),
        Row(22, "TCP-MD5 over IPv6", router="password right",
            ours={"password_file": password("right"),
                  "next_hop": {"ipv4": "10.99.22.2"}},
            router_address="fd99:0:0:16::1", our_address="fd99:0:0:16::2"),
        Row(23, "GTSM over IPv6", router="ttl-security hops 1",
            ours={"ttl_security": True, "next_hop": {"ipv4": "10.99.23.2"}},
            router_address="fd99:0:0:17::1", our_address="fd99:0:0:17::2"),
    ]


class Frr:
    def __init__(self, test):
        self.test, self.folder = test, os.path.join(test.folder, "frr")
        os.mkdir(self.folder)
        os.chmod(test.folder, 0o711)
        shutil.chown(self.folder, "frr", "frr")
        self.daemons = []
        self.extra = ""
        with open(f"{self.folder}/vtysh.conf", "w", encoding="utf-8"):
            pass

    def neighbor(self, row):
        name = row.our_address
        words = [f"remote-as {row.more.get('neighbor_as', LOCAL_AS)}",
                 "timers connect 2", "advertisement-interval 0"]
        if row.more.get("interface"):
            words.append(f"interface {row.more['interface']}")
        words += [row.router, row.more.get("router2", "")]
        return "".join(f" neighbor {name} {word}\n" for word in words if word)

    def family(self, name):
        lines = f" address-family {name} unicast\n"
        for row in self.test.rows:
            wanted = name in row.more.get("families", ("ipv4", "ipv6"))
            lines += (f"  {'' if wanted else 'no '}neighbor "
                      f"{row.our_address} activate\n")
        return lines + " exit-address-family\n"

    def configuration(self):
        return (f"hostname frr\nlog file {self.folder}/frr.log\n"
                f"router bgp {ROUTER_AS}\n bgp router-id 10.99.0.1\n"
                " no bgp ebgp-requires-policy\n"
                " no bgp default ipv4-unicast\n" +
                "".join(self.neighbor(row) for row in self.test.rows) +
                self.family("ipv4") + self.family("ipv6") + "exit\n")

    def run(self, name, *words):
        config = os.path.join(self.folder, f"{name}.conf")
        if not os.path.exists(config):
            with open(config, "w", encoding="utf-8") as file:
                file.write(self.configuration() if name == "bgpd" else "")
        daemon = rct.Daemon(
            f"frr-{name}", [
                f"{FOLDER}/{name}", "-f", config, "-i",
                f"{self.folder}/{name}.pid", "--vty_socket", self.folder,
                "-P", "0", "-z", f"{self.folder}/zserv.api", *words],
            self.test.folder, self.test.net.router)
        self.daemons.append(daemon)
        return daemon

    def start(self):
        self.run("zebra")
        rct.wait_until(lambda: os.path.exists(f"{self.folder}/zserv.api"), 10)
        self.run("bfdd", "--bfdctl", f"{self.folder}/bfdd.sock")
        self.bgpd()

    def bgpd(self):
        self.run("bgpd")
        rct.wait_until(lambda: "10.99" in self.ask("show bgp summary"), 10,
                       0.2)

    def kill_bgpd(self):
        self.daemons.pop().end()

    def ask(self, *commands):
        words = [word for command in commands for word in ("-c", command)]
        return rct.run("ip", "netns", "exec", self.test.net.router, "vtysh",
                       "--vty_socket", self.folder, "--config_dir",
                       self.folder, *words, check=False).stdout

    def routes(self, row, family="ipv4"):
        text = self.ask(f"show bgp {family} unicast neighbors "
                        f"{row.our_address} routes json")
        try:
            return json.loads(text).get("routes", {})
        except ValueError:
            return {}


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
        frr = Frr(self)
        try:
            frr.start()
            self.start()
            self.wait()
            self.one_connection()
            self.attributes(self.row(1))
            for row in self.rows:
                if row.sees == "up" and "4" not in row.routes and \
                        "6" not in row.routes and row.number != 2:
                    self.check(f"{row.name}: FRR has the routes",
                               rct.wait_until(lambda: matrix.PLAIN4 in
                                              frr.routes(row) and
                                              matrix.PLAIN6 in frr.routes(
                                                  row, "ipv6"), 10, 0.3),
                               f"{frr.routes(row)}")
            shown = frr.ask(f"show bgp ipv4 unicast {matrix.FULL4} json")
            for words in ("4200000000:3:4", "64500:69", '"metric":77'):
                self.check(f"MP4+MP6+RR+AS4: FRR shows {words}", words in
                           shown.replace(" ", ""), shown[:600])
            for number in (15, 16):
                row = self.row(number)
                self.check(f"{row.name}: up", rct.wait_until(
                    lambda: self.peer(row).get("bfd", {}).get("state") ==
                    "Up", 20, 0.2), f"{self.peer(row).get('bfd')}")
            self.soft_in(frr)
            self.lost_and_back(
                self.row(1), "Cease 6/2 with a text from FRR", lambda: (
                    frr.ask("configure", f"router bgp {ROUTER_AS}",
                            "neighbor 10.99.1.2 shutdown message new card"),
                    time.sleep(0.5),
                    frr.ask("configure", f"router bgp {ROUTER_AS}",
                            "no neighbor 10.99.1.2 shutdown")),
                "received .*6/2.*new card")
            self.lost_and_back(
                self.row(11), "a reset by FRR", lambda: frr.ask(
                    "clear bgp 10.99.11.2"), "session lost")
            self.drain(self.row(4))
            self.lost_and_back(
                self.row(4), "bgpd killed and started again", lambda: (
                    frr.kill_bgpd(), time.sleep(1), frr.bgpd()),
                "session lost")
            self.least_hold(frr)
            self.stop()
            self.judge()
        finally:
            rct.end_everything()
        self.finish()

    def soft_in(self, frr):
        row = self.row(1)
        before = len(self.updates(row))
        frr.ask("clear bgp ipv4 unicast 10.99.1.2 soft in")
        self.check("clear soft in: answered once more, nothing withdrawn",
                   rct.wait_until(lambda: any(
                       matrix.PLAIN4 in u.announced
                       for u in self.updates(row)[before:]), 10, 0.1) and
                   not any(u.withdrawn for u in self.updates(row)[before:]))

    def least_hold(self, frr):
        """FRR's minimum is of the instance: it comes last."""
        row = self.row(13)
        frr.ask("configure", f"router bgp {ROUTER_AS}",
                "bgp minimum-holdtime 30")
        frr.ask("clear bgp 10.99.13.2")
        self.check("hold 9 against minimum-holdtime 30: 2/6", rct.wait_until(
            lambda: "2/6" in self.log_of(row), 20, 0.2),
            self.log_of(row)[-300:])
        frr.ask("configure", f"router bgp {ROUTER_AS}",
                "no bgp minimum-holdtime")
        self.check("minimum-holdtime gone: established again", rct.wait_until(
            lambda: self.peer(row).get("state") == "Established", 30, 0.2))


rct.need("ip", "ss", "vtysh", f"{FOLDER}/bgpd", f"{FOLDER}/bfdd",
         f"{FOLDER}/zebra", daemons=("rootcastd", "rootcast-routed",
                                     "rootcastctl"))
Test().run()
