"""The matrix: one rootcast-routed with a peer a row, against one kind of router.

Each row has a subnet of its own on the one link (10.99.N.0/24, fd99:0:0:N::/64,
router .1, we .2), so that every router can tell the rows apart by address, and
all sessions come up together. A row says what both ends are set to and what is
to be seen: 'up', or a pattern of the error in 'route status'.

What we send is captured at our interface and judged by wire.judge(): the rows
of the matrix that need an UPDATE which we never make hold because it is never
made.
"""
import json
import os
import re
import shutil
import time

import rct
import bgp_wire as wire

LOCAL_AS = 4200000000
ROUTER_AS = 65000
UP_S = 45
PLAIN4, PLAIN6, FULL4 = "192.0.2.0/24", "2001:db8::/48", "198.51.100.0/24"
PROBE_FULL = "198.51.100.53"
LOOPBACK_ROUTER, LOOPBACK_SERVER = "10.98.0.1", "10.98.0.2"
LOCAL_ROUTER, LOCAL_SERVER = "fe80::1", "fe80::2"
COMMUNITIES = [f"64500:{n}" for n in range(70)]
LARGE = ["4200000000:1:2", "4200000000:3:4"]


class Row:
    """One session. number: its subnet. router: what the router is to be told,
    in its own words. ours: keys of peers[]. sees: 'up', 'down' or a pattern."""

    def __init__(self, number, name, sees="up", router="", ours=None,
                 router_as=ROUTER_AS, routes=(PLAIN4, PLAIN6, FULL4), **more):
        self.number, self.name, self.sees = number, name, sees
        self.router, self.routes, self.more = router, routes, more
        self.router_as = router_as
        self.router_address = more.get("router_address",
                                       f"10.99.{number}.1")
        self.our_address = more.get("our_address", f"10.99.{number}.2")
        self.ours = {
            "address": self.router_address, "as": router_as,
            "source": self.our_address, "families": ["ipv4", "ipv6"],
            "next_hop": {"ipv6": f"fd99:0:0:{number:x}::2"},
        }
        for key, value in (ours or {}).items():
            if value is None:
                self.ours.pop(key, None)
            else:
                self.ours[key] = value

    def name_of(self):
        return f"r{self.number}"


class Matrix:
    def __init__(self, rows, router_id="10.99.0.2", listen=False):
        self.totals = rct.Totals()
        self.folder = rct.scratch()
        self.net = rct.Net()
        self.rows = rows
        self.router_id = router_id
        self.listen = listen
        self.route = self.nameserver = None
        self.addresses()
        self.sniffer = wire.Sniffer(self.net.server, "up0")
        self.config = self.configure()

    def addresses(self):
        server, router, ip = self.net.server, self.net.router, self.net.ip
        for row in self.rows:
            n = row.number
            for name, device, host in ((server, "up0", 2),
                                       (router, "down0", 1)):
                ip(name, "addr", "add", f"10.99.{n}.{host}/24", "dev", device)
                ip(name, "-6", "addr", "add", f"fd99:0:0:{n:x}::{host}/64",
                   "dev", device, "nodad")
        for name, device, own, local, other, via in (
                (server, "up0", LOOPBACK_SERVER, LOCAL_SERVER,
                 LOOPBACK_ROUTER, rct.ROUTER4),
                (router, "down0", LOOPBACK_ROUTER, LOCAL_ROUTER,
                 LOOPBACK_SERVER, rct.SERVER4)):
            ip(name, "addr", "add", f"{own}/32", "dev", "lo")
            ip(name, "route", "add", f"{other}/32", "via", via)
            ip(name, "-6", "addr", "add", f"{local}/64", "dev", device,
               "nodad")
        ip(server, "addr", "add", f"{PROBE_FULL}/32", "dev", "lo")

    def configure(self):
        zones = os.path.join(self.folder, "zones")
        shutil.copytree(os.path.join(rct.ROOT, "zones"), zones)
        path = rct.configuration(self.folder, zones)
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        document["server"]["listen"].append(PROBE_FULL)
        route = document["route"]
        route["local_as"] = LOCAL_AS
        route["router_id"] = self.router_id
        if self.listen:
            route["listen"] = ["0.0.0.0", "::"]
        route["services"]["full"] = {
            "prefixes": [FULL4], "probe": [PROBE_FULL],
            "required_zones": ["."], "communities": COMMUNITIES + LARGE,
            "med": 77, "prepend": 3,
        }
        route["peers"] = [row.ours for row in self.rows]
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
        return path

    def password(self, text):
        """A file with that password, for a row's password_file."""
        path = os.path.join(self.folder, f"password-{text}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        return path

    def start(self):
        self.nameserver = rct.Daemon(
            "rootcastd", [os.path.join(rct.BIN, "rootcastd"), "-c",
                          self.config], self.folder, self.net.server)
        self.nameserver.wait_for(r"ready: ", 30)
        self.start_route()

    def start_route(self):
        self.route = rct.Daemon(
            "rootcast-routed", [os.path.join(rct.BIN, "rootcast-routed"),
                                "-c", self.config], self.folder,
            self.net.server)

    def check(self, name, ok, detail=""):
        return self.totals.check(name, ok, "" if ok else detail)

    def ctl(self, *words):
        result = rct.run(os.path.join(rct.BIN, "rootcastctl"), "--socket",
                         os.path.join(self.folder, "route.sock"), "--json",
                         "route", *words, check=False)
        try:
            return json.loads(result.stdout)
        except ValueError:
            return {}

    def peers(self):
        """{address: peer} of route status"""
        return {re.sub(r"@179$", "", peer["address"]): peer
                for peer in self.ctl("status").get("peers", [])}

    def peer(self, row):
        return self.peers().get(row.ours["address"], {})

    def log_of(self, row):
        return "\n".join(
            line for line in self.route.text().splitlines()
            if f"peer {row.ours['address']}:" in line)

    def seen(self, row, peers):
        """What the row shows by now: 'up', or the lines of its log."""
        peer = peers.get(row.ours["address"], {})
        if peer.get("state") == "Established" and \
                (row.sees != "up" or peer.get("announced", 0) >=
                 len(row.routes)):
            return "up"
        return peer.get("last_error", "") + "\n" + self.log_of(row)

    def is_as_expected(self, row, peers):
        seen = self.seen(row, peers)
        if row.sees in ("up", "down"):
            return (seen == "up") == (row.sees == "up")
        return seen != "up" and re.search(row.sees, seen) is not None

    def wait(self):
        """All rows at once; 'down' rows are looked at last."""
        waiting = [row for row in self.rows if row.sees != "down"]
        end = time.monotonic() + UP_S
        while waiting and time.monotonic() < end:
            peers = self.peers()
            waiting = [row for row in waiting
                       if not self.is_as_expected(row, peers)]
            time.sleep(0.2)
        peers = self.peers()
        for row in self.rows:
            seen = self.seen(row, peers)
            is_good = row not in waiting and \
                (row.sees != "down" or seen != "up")
            detail = "" if is_good else \
                f"observed '{seen.strip()[-400:]}', bgp.md: '{row.sees}'"
            self.check(f"{row.name}: {row.sees}", is_good, detail)

    def one_connection(self):
        """Never two connections to a peer: a collision leaves one."""
        text = rct.run("ip", "netns", "exec", self.net.server, "ss", "-Htn",
                       "state", "established", "( sport = :179 or "
                       "dport = :179 )").stdout
        counts = {}
        for line in text.splitlines():
            ends = re.findall(r"(\S+):(\d+)", line)
            for address, port in ends[1:2]:
                counts[address] = counts.get(address, 0) + 1
        bad = {key: count for key, count in counts.items() if count > 1}
        self.check("no peer has two connections", not bad, f"{bad}")

    def judge(self):
        """Everything that was sent, by our own rules."""
        as_of = {row.router_address.split("%")[0]:
                 (row.ours.get("local_as", LOCAL_AS),
                  row.more.get("judged_as", row.router_as))
                 for row in self.rows}
        count, wrong = 0, []
        for address, messages in self.sniffer.everything():
            count += len(messages)
            wrong += [f"{address}: {text}" for text in
                      wire.judge(messages, *as_of.get(address,
                                                      (LOCAL_AS, None)))]
        self.check("what we sent breaks no rule of bgp.md 1.1", not wrong and
                   count > 0, "; ".join(wrong[:10]) or f"{count} messages")

    def updates(self, row, since=0):
        """The UPDATEs of the youngest connection, from the n-th message on."""
        streams = self.sniffer.sent(row.router_address.split("%")[0])
        streams = [s for s in streams if any(m.kind == wire.UPDATE
                                             for m in s)]
        if not streams:
            return []
        size = 2 if row.more.get("judged_as") == "old" else 4
        return [wire.Update(m.body, size) for m in streams[-1][since:]
                if m.kind == wire.UPDATE]

    def attributes(self, row):
        """What was announced to one row, attribute by attribute."""
        updates = self.updates(row)
        full = next((u for u in updates if FULL4 in u.announced), None)
        if not self.check(f"{row.name}: attributes were sent",
                          full is not None):
            return
        large = [tuple(int(n) for n in text.split(":")) for text in LARGE]
        self.check(f"{row.name}: 70 communities, large ones, MED 77, "
                   "4 times our AS", len(full.communities) == 70 and
                   full.large == large and
                   full.value(4) == (77).to_bytes(4, "big") and
                   full.path == [LOCAL_AS] * 4, f"{full.attributes}")
        ends = {u.family for u in updates if u.is_end_of_rib()}
        self.check(f"{row.name}: End-of-RIB for both families", ends == {1, 2},
                   f"{ends}")

    def drain(self, row):
        """GRACEFUL_SHUTDOWN is an implicit replace; the withdrawal follows."""
        before = len(self.updates(row))
        self.ctl("drain", "dns")
        rct.wait_until(lambda: any(PLAIN4 in u.withdrawn for u in
                                   self.updates(row)[before:]), 15, 0.1)
        events = [("gshut" if wire.GSHUT in u.communities else "announce"
                   if u.announced else "withdraw", prefix)
                  for u in self.updates(row)[before:]
                  for prefix in u.announced + u.withdrawn]
        self.check(f"{row.name}: drain: GRACEFUL_SHUTDOWN replaces, then the "
                   "withdrawal", [kind for kind, prefix in events
                                  if prefix == PLAIN4] ==
                   ["gshut", "withdraw"] and
                   ("withdraw", FULL4) not in events, f"{events}")
        self.ctl("undrain", "dns")

    def lost_and_back(self, row, name, act, pattern, seconds=UP_S):
        """act() ends the session; the log gives the reason; it comes back."""
        count = len(re.findall("established, hold", self.log_of(row)))
        act()
        self.check(f"{name}: the log says why", rct.wait_until(
            lambda: re.search(pattern, self.log_of(row)), 20, 0.1),
            self.log_of(row)[-300:])
        self.check(f"{name}: established again", rct.wait_until(
            lambda: len(re.findall("established, hold", self.log_of(row))) >
            count, seconds, 0.1), self.log_of(row)[-300:])

    def stop(self):
        """SIGTERM: drained, withdrawn, Cease 6/2 with its text to everyone."""
        up = [row for row in self.rows if row.sees == "up"]
        rct.wait_until(lambda: all(self.seen(row, self.peers()) == "up"
                                   for row in up), UP_S, 0.5)
        self.route.signal(15)
        status = self.route.wait(20)
        self.check("SIGTERM: exit status 0", status == 0, f"{status}")
        time.sleep(0.5)
        wrong = []
        for row in up:
            streams = self.sniffer.sent(row.router_address.split("%")[0])
            streams = [s for s in streams
                       if any(m.kind == wire.UPDATE for m in s)]
            last = streams[-1][-1] if streams else None
            told = set()
            for update in self.updates(row):
                told |= set(update.announced)
                told -= set(update.withdrawn)
            if last is None or last.kind != wire.NOTIFICATION or \
                    last.body[:2] != b"\6\2" or \
                    b"rootcast-routed is stopped" not in last.body or told:
                wrong.append(f"{row.name}: {last} {told}")
        self.check("SIGTERM: every peer: withdrawn, then Cease 6/2 with a text",
                   not wrong, "; ".join(wrong)[:600])

    def logs(self):
        if self.totals.failed and self.route:
            print("--- rootcast-routed")
            print(self.route.text()[-8000:])

    def finish(self):
        self.logs()
        self.sniffer.stop()
        self.net.remove()
        self.totals.finish()
