#!/usr/bin/env python3
"""ExaBGP as the router: the rows of the matrix that it can play.

ExaBGP keeps no table: it hands what it hears to a process, as JSON, a line a
message. That process writes it down, and the table is made of that.
"""
import json
import os
import time

import matrix
import rct
from matrix import FULL4, LOCAL_AS, PLAIN4, PLAIN6, ROUTER_AS, Row

LISTENER = """import sys
with open(sys.argv[1], "a", buffering=1) as out:
    for line in sys.stdin:
        out.write(line)
"""
BOTH = ("ipv4 unicast", "ipv6 unicast")


def rows(password):
    return [
        Row(1, "MP4+MP6+RR+AS4"),
        Row(2, "hold 3", ours={"hold_s": 3}),
        Row(3, "every capability that ExaBGP offers", capability="""
			asn4 enable; route-refresh enable; graceful-restart 120;
			add-path send/receive; operational enable; nexthop disable;
			aigp enable; extended-message enable; multi-session disable;
			"""),
        Row(4, "AS of ours is not the one expected", "2/2", peer_as=64999),
        Row(5, "AS of theirs is not the one expected", "sent .*2/2",
            ours={"as": 65099}),
        Row(6, "MP4+MP6 to an IPv4-only router", routes=("4", "4"),
            families=BOTH[:1]),
        Row(7, "role: ExaBGP knows none", ours={"role": "customer"}),
        Row(8, "iBGP", ours={"local_as": ROUTER_AS}, peer_as=ROUTER_AS),
        Row(9, "TCP-MD5", password="right",
            ours={"password_file": password("right")}),
        Row(10, "TCP-MD5, passwords differ", "a password that differs",
            password="right", ours={"password_file": password("wrong")}),
        Row(11, "we are passive", ours={"passive": True}),
        Row(12, "ExaBGP is passive", passive=True),
        Row(13, "IPv6 session, IPv4 routes with a configured next hop",
            ours={"next_hop": {"ipv4": "10.99.13.2"}},
            router_address="fd99:0:0:d::1", our_address="fd99:0:0:d::2"),
        Row(14, "GTSM on both ends", ttl=255, ours={"ttl_security": True}),
        Row(15, "identifier equal to ours, eBGP", router_id="10.99.0.2"),
        Row(16, "2-octet AS only", "up", capability="asn4 disable;",
            peer_as=23456, judged_as="old"),
    ]


class Exabgp:
    def __init__(self, test):
        self.test = test
        self.heard = os.path.join(test.folder, "heard.json")
        self.config = os.path.join(test.folder, "exabgp.conf")
        self.listener = os.path.join(test.folder, "listener.py")
        self.daemon = None
        with open(self.listener, "w", encoding="utf-8") as file:
            file.write(LISTENER)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("process watch {\n\trun /usr/bin/python3 "
                       f"{self.listener} {self.heard};\n\tencoder json;\n}}\n")
            for row in test.rows:
                file.write(self.neighbor(row))

    @staticmethod
    def neighbor(row):
        more = row.more
        lines = [
            f"router-id {more.get('router_id', '10.99.0.1')}",
            f"local-address {row.router_address}",
            f"local-as {ROUTER_AS}",
            f"peer-as {more.get('peer_as', LOCAL_AS)}",
            "hold-time 90",
        ]
        if "password" in more:
            lines += [f"md5-password '{more['password']}'"]
        if more.get("passive"):
            lines += ["passive"]
        if "ttl" in more:
            lines += [f"outgoing-ttl {more['ttl']}",
                      f"incoming-ttl {more['ttl']}"]
        families = "".join(f" {name};" for name in more.get("families", BOTH))
        return (f"neighbor {row.our_address} {{\n" +
                "".join(f"\t{line};\n" for line in lines) +
                f"\tcapability {{ {more.get('capability', '')} }}\n"
                f"\tfamily {{{families} }}\n"
                "\tapi {\n\t\tprocesses [ watch ];\n\t\tneighbor-changes;\n"
                "\t\treceive { parsed; update; }\n\t}\n}\n")

    def start(self):
        self.daemon = rct.Daemon(
            "exabgp", ["env", "exabgp.tcp.bind=0.0.0.0 ::",
                       "exabgp.tcp.port=179", "exabgp.daemon.drop=false",
                       "exabgp.api.cli=false", "exabgp.api.ack=false",
                       "exabgp.log.destination=stdout", "exabgp",
                       self.config], self.test.folder, self.test.net.router)

    def messages(self, row):
        """What ExaBGP heard of one row, in order."""
        found = []
        if os.path.exists(self.heard):
            with open(self.heard, encoding="utf-8") as file:
                for line in file:
                    if not line.endswith("}\n"):
                        continue
                    message = json.loads(line)
                    neighbor = message.get("neighbor", {})
                    if neighbor.get("address", {}).get("peer") == \
                            row.our_address:
                        found.append(message)
        return found

    def table(self, row):
        """{prefix: attributes} as told by now."""
        table = {}
        for message in self.messages(row):
            neighbor = message["neighbor"]
            if message["type"] == "state" and neighbor["state"] == "down":
                table.clear()
            update = neighbor.get("message", {}).get("update", {}) if \
                message["type"] == "update" else {}
            for hops in update.get("announce", {}).values():
                for routes in hops.values():
                    for route in routes:
                        if "nlri" in route:
                            table[route["nlri"]] = update["attribute"]
            for routes in update.get("withdraw", {}).values():
                for route in routes:
                    table.pop(route["nlri"], None)
        return table


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

    def tables(self, exabgp):
        for row in self.rows:
            if row.sees != "up":
                continue
            want = {PLAIN4, FULL4}
            if len(row.routes) == 3:
                want.add(PLAIN6)
            self.check(f"{row.name}: ExaBGP has the routes", rct.wait_until(
                lambda: set(exabgp.table(row)) == want, 10, 0.3),
                f"{sorted(exabgp.table(row))}")

    def attributes_there(self, exabgp):
        full = exabgp.table(self.row(1)).get(FULL4, {})
        self.check("ExaBGP reads the attributes as meant",
                   len(full.get("community", [])) == 70 and
                   len(full.get("large-community", [])) == 2 and
                   full.get("med") == 77 and
                   full.get("as-path") == [LOCAL_AS] * 4 and
                   "local-preference" not in full, f"{full}")
        inner = exabgp.table(self.row(8)).get(PLAIN4, {})
        self.check("iBGP: LOCAL_PREF, and an empty AS path",
                   inner.get("local-preference") == 100 and
                   not inner.get("as-path"), f"{inner}")
        old = exabgp.table(self.row(16)).get(PLAIN4, {})
        self.check("2-octet AS only: AS4_PATH has our AS",
                   old.get("as-path") == [LOCAL_AS], f"{old}")

    def crash(self, exabgp):
        """The nameserver dies: each router is told, and told again later."""
        up = [row for row in self.rows if row.sees == "up"]
        self.nameserver.signal(9)
        self.check("rootcastd killed: every session has the withdrawals",
                   rct.wait_until(lambda: not any(
                       exabgp.table(row) for row in up), 10, 0.1))
        self.check("rootcastd killed: no session ended for it", all(
            self.peer(row).get("state") == "Established" for row in up))
        self.nameserver.wait(10)
        self.nameserver = rct.Daemon(
            "rootcastd", [os.path.join(rct.BIN, "rootcastd"), "-c",
                          self.config], self.folder, self.net.server)
        self.check("rootcastd is back: so are the routes", rct.wait_until(
            lambda: all(PLAIN4 in exabgp.table(row) for row in up), 30, 0.2))

    def run(self):
        exabgp = Exabgp(self)
        try:
            exabgp.start()
            self.start()
            self.wait()
            self.one_connection()
            self.attributes(self.row(1))
            self.tables(exabgp)
            self.attributes_there(exabgp)
            self.crash(exabgp)
            self.drain(self.row(7))
            self.lost_and_back(
                self.row(1), "ExaBGP killed and started again", lambda: (
                    exabgp.daemon.end(), time.sleep(1), exabgp.start()),
                "session lost")
            self.stop()
            self.check("SIGTERM: ExaBGP has no route left", rct.wait_until(
                lambda: not any(exabgp.table(row) for row in self.rows), 5,
                0.2))
            self.judge()
            if self.totals.failed:
                print(exabgp.daemon.text()[-6000:])
        finally:
            rct.end_everything()
        self.finish()


rct.need("exabgp", "ip", "ss",
         daemons=("rootcastd", "rootcast-routed", "rootcastctl"))
Test().run()
