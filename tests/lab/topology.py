"""The laboratory's network: namespaces, links, routers, sites.

    c1 - e1 - t1 --- t2 - e2 - c2      c: client   e: router at the edge
          r1 -'|     |'- r2            t: transit  r: the site's router
         s1    '-t3-'     s2           s: rootcastd and rootcast-routed
              / |
        r3 -'  e3 - c3                 t1 and t3 prepend twice to each other
        s3

r2, t2 and e1 are FRR, the others BIRD. Each router is an AS of its own; all
sites announce 192.0.2.0/24 from AS 64512. Each link is 10.0.N.0/30, its
interfaces are named after the neighbour. The hold time is 9 s; s and r speak
BFD, 3 x 100 ms.
"""
import atexit
import json
import os
import re
import shutil

import rct

SITES = ("1", "2", "3")
LINKS = (["s" + n + " r" + n for n in SITES] + ["r" + n + " t" + n for n in SITES]
         + ["t1 t2", "t2 t3", "t3 t1"] + ["t" + n + " e" + n for n in SITES]
         + ["e" + n + " c" + n for n in SITES])
FRR = ("r2", "t2", "e1")
LIB_FRR = "/usr/lib/frr"
AS = {"s": 64510, "r": 65000, "t": 65010, "e": 65020}
SERVICE, PREFIX = "192.0.2.53", "192.0.2.0/24"
# A hold-down that does not grow: a hundred tries are no flapping site.
HEALTH = {"hold_down_ms": 500, "hold_down_max_ms": 500, "drain_ms": 1000,
          "linger_ms": 1000}
ZONE = """$TTL 3600
@ SOA ns.lab.example. hostmaster.lab.example. %d 3600 900 604800 300
@ NS ns.lab.example.
ns A 192.0.2.53
"""


def as_of(node):
    return 64512 if node[0] == "s" else AS[node[0]] + int(node[1])


class Lab:
    def __init__(self, folder):
        remove_stale()
        self.folder = folder
        self.nodes = sorted({node for link in LINKS for node in link.split()})
        self.links = {}  # node: {neighbour: (own address, its address)}
        atexit.register(self.remove)
        for node in self.nodes:
            rct.run("ip", "netns", "add", self.name(node))
            self.ip(node, "link", "set", "lo", "up")
            rct.run("ip", "netns", "exec", self.name(node), "sysctl", "-qw",
                    "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0",
                    "net.ipv4.conf.default.rp_filter=0")
        for number, link in enumerate(LINKS, 1):
            one, two = link.split()
            self.ip(one, "link", "add", two, "type", "veth", "peer", "name",
                    one, "netns", self.name(two))
            for node, far, a, b in ((one, two, 1, 2), (two, one, 2, 1)):
                self.ip(node, "addr", "add", f"10.0.{number}.{a}/30", "dev", far)
                self.ip(node, "link", "set", far, "up")
                self.links.setdefault(node, {})[far] = (
                    f"10.0.{number}.{a}", f"10.0.{number}.{b}")
        self.sites = {n: Site(self, n) for n in SITES}
        for n in SITES:
            self.default_route("s" + n)
            self.default_route("c" + n)
        self.routers = {}

    def default_route(self, node):
        (_, far), = self.links[node].values()
        self.ip(node, "route", "replace", "default", "via", far)

    @staticmethod
    def name(node):
        return f"lab-{os.getpid()}-{node}"

    def ip(self, node, *words, check=True):
        return rct.run("ip", "-n", self.name(node), *words, check=check).stdout

    def nft(self, node, text):
        rct.run("ip", "netns", "exec", self.name(node), "nft", "-f", "-",
                input=text)

    def start_routers(self):
        for node in self.nodes:
            if node[0] in AS and node[0] != "s":
                self.start_router(node)

    def start_router(self, node):
        make = self.frr if node in FRR else self.bird
        self.routers[node] = make(node)

    def stop_router(self, node):
        for daemon in self.routers.pop(node):
            daemon.end()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def peers(self, node):
        return [(far, *pair) for far, pair in self.links[node].items()
                if far[0] != "c"]

    def bird(self, node):
        own = next(iter(self.links[node].values()))[0]
        text = [f'log "{self.path(node + ".events")}" all;', f"router id {own};",
                "protocol device { scan time 1; }",
                'protocol direct { ipv4; interface "c*"; }',
                "protocol kernel { ipv4 { import none; "
                "export where source = RTS_BGP; }; }",
                "protocol bfd { interface \"*\" { interval 100 ms; "
                "multiplier 3; }; }"]
        for far, mine, theirs in self.peers(node):
            export = "accept;"
            if {node, far} == {"t1", "t3"}:
                export = f"bgp_path.prepend({as_of(node)}); " * 2 + export
            if far[0] == "s":
                export = "reject;"
            text.append(
                f"protocol bgp {far} {{ local {mine} as {as_of(node)}; neighbor "
                f"{theirs} as {as_of(far)}; hold time 9; connect retry time 1; "
                f"error wait time 1, 4; {'bfd on;' if far[0] == 's' else ''} "
                f"ipv4 {{ import all; export filter {{ {export} }}; }}; }}")
        conf = self.write(node + ".conf", "\n".join(text) + "\n")
        return [rct.Daemon(node, ["bird", "-f", "-c", conf, "-s",
                                  self.path(node + ".ctl")],
                           self.folder, self.name(node))]

    def frr(self, node):
        own = next(iter(self.links[node].values()))[0]
        bfd = ("bfd\n profile lab\n  detect-multiplier 3\n"
               "  receive-interval 100\n  transmit-interval 100\n")
        text = [f"router bgp {as_of(node)}", f" bgp router-id {own}",
                " no bgp ebgp-requires-policy", " no bgp network import-check"]
        for far, _, theirs in self.peers(node):
            text += [f" neighbor {theirs} remote-as {as_of(far)}",
                     f" neighbor {theirs} timers 3 9",
                     f" neighbor {theirs} timers connect 1"]
            if far[0] == "s":
                text.append(f" neighbor {theirs} bfd profile lab")
        for far, (mine, _) in self.links[node].items():
            if far[0] == "c":
                text.append(f" network {mine.rsplit('.', 1)[0]}.0/30")
        own_text = {"zebra": "", "bfdd": bfd, "bgpd": "\n".join(text) + "\n"}
        # FRR leaves root behind before it makes its sockets.
        os.makedirs(self.path(node), exist_ok=True)
        os.chmod(self.folder, 0o755)
        shutil.chown(self.path(node), "frr", "frr")
        daemons = []
        for program, more in (("zebra", []), ("bfdd", ["--bfdctl",
                              self.path(node + "/bfd")]), ("bgpd", [])):
            conf = self.write(f"{node}-{program}.conf", own_text[program])
            daemons.append(rct.Daemon(
                f"{node}-{program}",
                [f"{LIB_FRR}/{program}", "-f", conf, "-P", "0", "-i",
                 self.path(f"{node}/{program}.pid"), "-z",
                 self.path(f"{node}/zserv"), "--vty_socket", self.path(node),
                 "--log", "stdout", *more], self.folder, self.name(node)))
            if program == "zebra":
                rct.wait_until(lambda: os.path.exists(
                    self.path(f"{node}/zserv")), 5)
        return daemons

    def has_route(self, node, far):
        """Does the kernel of that router send the service to 'far'?"""
        shown = self.ip(node, "route", "show", PREFIX)
        return f"dev {far} " in shown

    def remove(self):
        rct.end_everything()
        for node in self.nodes:
            rct.run("ip", "netns", "del", self.name(node), check=False)


def remove_stale():
    for line in rct.run("ip", "netns", "list").stdout.splitlines():
        match = re.match(r"(lab-(\d+)-\w+)\b", line)
        if match and not os.path.exists(f"/proc/{match.group(2)}"):
            rct.run("ip", "netns", "del", match.group(1), check=False)


class Site:
    """A nameserver and its route control."""

    def __init__(self, lab, number):
        self.lab, self.number, self.node = lab, number, "s" + number
        self.router, self.edge = "r" + number, "e" + number
        self.folder = lab.path("site" + number)
        self.zones = os.path.join(self.folder, "zones")
        os.makedirs(self.zones)
        self.zone_file = os.path.join(self.zones, "lab.example.zone")
        self.put_zone()
        lab.ip(self.node, "addr", "add", f"{SERVICE}/32", "dev", "lo")
        own, far = lab.links[self.node][self.router]
        self.config = os.path.join(self.folder, "rootcast.json")
        self.service = {"prefixes": [PREFIX], "probe": [SERVICE],
                        "required_zones": ["lab.example"]}
        self.document = {
            "server": {
                "listen": [SERVICE], "zones": self.zones, "workers": 2,
                "identity": "site" + number,
                "control": os.path.join(self.folder, "server.sock")},
            "route": {
                "control": os.path.join(self.folder, "route.sock"),
                "router_id": own, "local_as": 64512,
                "services": {"dns": self.service},
                "health": dict(HEALTH),
                "peers": [{"address": far, "as": as_of(self.router),
                           "source": own, "hold_s": 9, "scope": "global",
                           "bfd": {"interval_ms": 100, "multiplier": 3}}]}}
        self.write_config()
        self.server = self.route = self.check = None
        self.announcer = "rootcast"

    def write_config(self):
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump(self.document, file, indent=1)

    def reload(self):
        self.write_config()
        answer = self.ctl("route", "reload")
        if not answer.get("ok"):
            raise RuntimeError(f"{self.node}: reload: {answer}")

    def set_health(self, **changes):
        """HEALTH with changes, in the running route control."""
        self.document["route"]["health"] = {**HEALTH, **changes}
        self.reload()

    def set_service(self, **changes):
        """The service as it was at first, with changes, likewise."""
        services = self.document["route"]["services"]
        services["dns"] = {**self.service, **changes}
        self.reload()

    def prefix_status(self):
        services = self.ctl("route", "status").get("services")
        return services[0]["prefixes"][0] if services else {}

    def put_zone(self, serial=1):
        with open(self.zone_file + ".new", "w", encoding="utf-8") as file:
            file.write(ZONE % serial)
        os.rename(self.zone_file + ".new", self.zone_file)

    def start(self):
        def begin(program):
            return rct.Daemon(program, [os.path.join(rct.BIN, program), "-c",
                                        self.config], self.folder,
                              self.lab.name(self.node))
        if self.server is None or not self.server.is_alive():
            self.server = begin("rootcastd")
            self.server.wait_for("ready:", 20)
        if self.route is None or not self.route.is_alive():
            self.route = begin("rootcast-routed") if \
                self.announcer == "rootcast" else self.run(
                    "route", *getattr(self, "peer_" + self.announcer)())
        if self.announcer == "bird" and (self.check is None or
                                         not self.check.is_alive()):
            self.check = self.run("check", "sh", "-c", self.loop())

    def run(self, name, *command):
        return rct.Daemon(name, list(command), self.folder,
                          self.lab.name(self.node))

    def announce_with(self, announcer):
        """Another program than rootcast-routed, for comparison."""
        for daemon in (self.check, self.route):
            if daemon is not None:
                daemon.end()
        self.check = self.route = None
        self.announcer = announcer
        self.start()

    def peer_exabgp(self):
        """ExaBGP with the health check that it comes with, withdrawing when
        that fails; intervals and counts are its defaults."""
        own, far = self.lab.links[self.node][self.router]
        check = ("dig +short +tries=1 +time=1 @" + SERVICE +
                 " lab.example SOA | grep -q host")
        conf = self.lab.write(f"{self.node}-exabgp.conf", f"""
process health {{
	run /usr/bin/python3 -m exabgp healthcheck --no-syslog --no-ip-setup \
--withdraw-on-down --ip {PREFIX} --cmd "{check}";
	encoder text;
}}
neighbor {far} {{
	router-id {own};
	local-address {own};
	local-as 64512;
	peer-as {as_of(self.router)};
	hold-time 9;
	family {{ ipv4 unicast; }}
	api {{ processes [ health ]; }}
}}
""")
        return ("env", "exabgp.daemon.drop=false", "exabgp.api.cli=false",
                "exabgp.log.destination=stdout", "exabgp", conf)

    def peer_bird(self):
        """BIRD, told by loop() whether to announce."""
        own, far = self.lab.links[self.node][self.router]
        conf = self.lab.write(f"{self.node}-bird.conf", f"""
router id {own};
protocol device {{ }}
protocol static service {{ ipv4; disabled; route {PREFIX} unreachable; }}
protocol bgp upstream {{
	local {own} as 64512; neighbor {far} as {as_of(self.router)};
	hold time 9; connect retry time 1; error wait time 1, 4;
	ipv4 {{ import none; export where proto = "service"; next hop self; }};
}}
""")
        return ("bird", "-f", "-c", conf, "-s",
                self.lab.path(f"{self.node}-bird.ctl"))

    def loop(self):
        """As sites write it: three failures in a row, once a second."""
        birdc = f"birdc -s {self.lab.path(f'{self.node}-bird.ctl')}"
        return f"""failed=3
while :; do
	if dig +short +tries=1 +time=1 @{SERVICE} lab.example SOA |
		grep -q host; then
		failed=0; {birdc} enable service
	else
		failed=$((failed + 1))
		if [ $failed -ge 3 ]; then {birdc} disable service; fi
	fi
	sleep 1
done"""

    def is_announced(self):
        return self.lab.has_route(self.router, self.node)

    def wait_up(self, seconds=60):
        return rct.wait_until(self.is_announced, seconds, 0.05)

    def ctl(self, *words):
        result = rct.run(os.path.join(rct.BIN, "rootcastctl"), "--socket",
                         os.path.join(self.folder, "route.sock"), "--json",
                         *words, check=False)
        try:
            return json.loads(result.stdout)
        except ValueError:
            return {}
