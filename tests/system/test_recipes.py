#!/usr/bin/env python3
"""The README's recipes, taken from it and run: a router on the wire, and one on
the same host with BIRD as its upstream."""
import json
import os
import re
import shutil
import signal
import time

import rct

ROUTER4, HOST4 = "198.51.100.254", "198.51.100.10"
ROUTER6, HOST6 = "2001:db8:1::254", "2001:db8:1::10"
PREFIX4, PREFIX6 = "192.0.2.0/24", "2001:db8::/48"
FRR = "/usr/lib/frr"
# What the README has a recipe for.
PLACES = {"bird": ("wire", "host"), "frr": ("wire", "host"),
          "gobgp": ("wire", "host")}
UPSTREAM = f'''
router id {ROUTER4};
protocol device {{ }}
protocol bgp host {{
	local {ROUTER4} as 64500;
	neighbor {HOST4} as 64512;
	connect retry time 1;
	error wait time 1, 4;
	ipv4 {{ import all; export none; }};
}}
protocol bgp host6 {{
	local {ROUTER6} as 64500;
	neighbor {HOST6} as 64512;
	connect retry time 1;
	error wait time 1, 4;
	ipv6 {{ import all; export none; }};
}}
'''


def readme():
    with open(os.path.join(rct.ROOT, "README.md"), encoding="utf-8") as file:
        return file.read()


def recipe(name):
    match = re.search(rf"<!-- recipe: {name} -->\n```\w*\n(.*?)```", readme(),
                      re.S)
    if match is None:
        raise RuntimeError(f"README.md has no recipe '{name}'")
    return match.group(1)


def route_section():
    """The README's first configuration that has peers."""
    for text in re.findall(r"```json\n(.*?)```", readme(), re.S):
        try:
            document = json.loads(text)
        except ValueError:
            continue
        if "peers" in document.get("route", {}):
            return document
    raise RuntimeError("README.md has no configuration with peers")


class Router:
    """A router of one kind, from a configuration as text."""

    def __init__(self, test, kind, config, namespace):
        self.test, self.kind, self.namespace = test, kind, namespace
        self.folder = os.path.join(test.folder, f"{kind}-{time.time_ns()}")
        os.mkdir(self.folder)
        self.path = os.path.join(self.folder, "router.conf")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(config)
        getattr(self, f"start_{kind}")()

    def run(self, name, *command):
        self.daemon = rct.Daemon(name, list(command), self.folder,
                                 self.namespace)

    def start_bird(self):
        self.run("bird", "bird", "-f", "-c", self.path, "-s",
                 f"{self.folder}/ctl")

    def start_frr(self):
        os.chmod(self.test.folder, 0o711)
        shutil.chown(self.folder, "frr", "frr")
        common = ["--vty_socket", self.folder, "-P", "0", "-z",
                  f"{self.folder}/zserv.api"]
        empty = f"{self.folder}/empty.conf"
        for path in (empty, f"{self.folder}/vtysh.conf"):
            with open(path, "w", encoding="utf-8"):
                pass
        self.run("zebra", f"{FRR}/zebra", "-f", empty, "-i",
                 f"{self.folder}/zebra.pid", *common)
        rct.wait_until(lambda: os.path.exists(f"{self.folder}/zserv.api"), 10)
        self.run("bgpd", f"{FRR}/bgpd", "-f", self.path, "-i",
                 f"{self.folder}/bgpd.pid", *common)

    def start_gobgp(self):
        self.run("gobgpd", "gobgpd", "-p", "-f", self.path, "--pprof-disable")

    def table(self):
        """Both families' routes, as text."""
        inside = ["ip", "netns", "exec", self.namespace]
        if self.kind == "bird":
            command = [["birdc", "-s", f"{self.folder}/ctl", "show", "route"]]
        elif self.kind == "frr":
            command = [["vtysh", "--vty_socket", self.folder, "--config_dir",
                        self.folder, "-c", f"show bgp {family} unicast"]
                       for family in ("ipv4", "ipv6")]
        else:
            command = [["gobgp", "global", "rib", "-a", family]
                       for family in ("ipv4", "ipv6")]
        return "".join(rct.run(*inside, *words, check=False).stdout
                       for words in command)


class Test:
    def __init__(self):
        self.totals = rct.Totals()
        self.folder = rct.scratch()
        self.net = rct.Net()
        ip, server, router = self.net.ip, self.net.server, self.net.router
        ip(server, "addr", "add", f"{HOST4}/24", "dev", "up0")
        ip(router, "addr", "add", f"{ROUTER4}/24", "dev", "down0")
        ip(server, "-6", "addr", "add", f"{HOST6}/64", "dev", "up0", "nodad")
        ip(router, "-6", "addr", "add", f"{ROUTER6}/64", "dev", "down0",
           "nodad")
        ip(server, "addr", "add", "10.255.0.2/32", "dev", "lo")
        self.zones = os.path.join(self.folder, "zones")
        shutil.copytree(os.path.join(rct.ROOT, "zones"), self.zones)

    def configuration(self, name, peers):
        document = route_section()
        document["server"] = {
            **document.get("server", {}), "zones": self.zones, "workers": 1,
            "listen": [rct.SERVICE4, rct.SERVICE6],
            "control": f"{self.folder}/server.sock"}
        document["server"].pop("user", None)
        document["server"].pop("state", None)
        document["route"]["control"] = f"{self.folder}/route.sock"
        document["route"]["health"] = {"drain_ms": 100, "linger_ms": 100}
        if peers is not None:
            document["route"]["peers"] = peers
        path = os.path.join(self.folder, f"{name}.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        return path

    def play(self, kind, place):
        name = f"{kind} {place}"
        prefixes = [PREFIX4, PREFIX6]
        peers = None
        if place == "host":
            peers = [json.loads(recipe(
                "peers frr host" if kind == "frr" else "peers host"))]
            if kind == "gobgp":
                prefixes = [PREFIX4]
        config = self.configuration(name.replace(" ", "-"), peers)
        server = rct.Daemon("rootcastd", [
            os.path.join(rct.BIN, "rootcastd"), "-c", config], self.folder,
            self.net.server)
        server.wait_for("ready: ", 20)
        last = inner = Router(self, kind, recipe(name), self.net.server
                              if place == "host" else self.net.router)
        if place == "host":
            last = Router(self, "bird", UPSTREAM, self.net.router)
        route = rct.Daemon("rootcast-routed", [
            os.path.join(rct.BIN, "rootcast-routed"), "-c", config],
            self.folder, self.net.server)
        good = self.totals.check(f"{name}: the routes are there",
                                 rct.wait_until(lambda: all(
                                     prefix in last.table()
                                     for prefix in prefixes), 40, 0.3))
        if not good:
            print(route.text()[-2000:], inner.table(), last.table(),
                  inner.daemon.text()[-1500:])
        server.signal(signal.SIGKILL)
        self.totals.check(f"{name}: rootcastd killed: the routes are gone",
                          good and rct.wait_until(lambda: not any(
                              prefix in last.table()
                              for prefix in prefixes), 10, 0.1))
        rct.end_everything()

    def run(self):
        needed = {"bird": "birdc", "frr": f"{FRR}/bgpd", "gobgp": "gobgpd"}
        try:
            for kind, program in needed.items():
                for place in PLACES[kind]:
                    if shutil.which(program) is None:
                        self.totals.skip(f"{kind} {place}",
                                         f"{program} is not installed")
                    else:
                        self.play(kind, place)
        finally:
            rct.end_everything()
        self.totals.finish()


rct.need("bird", "birdc", "ip", daemons=("rootcastd", "rootcast-routed"))
Test().run()
