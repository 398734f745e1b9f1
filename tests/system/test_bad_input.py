#!/usr/bin/env python3
"""What operators and the world get wrong: each a clear line on standard error
and the right exit status, and nothing lost that was served already.
"""
import json
import os
import pwd
import re
import signal
import socket
import subprocess
import time

import rct

PORT = 5392
LISTEN = f"127.0.0.1@{PORT}"
GOOD = """$TTL 3600
@ SOA ns1 hostmaster 1 1800 900 604800 86400
@ NS ns1
ns1 A 192.0.2.1
www A 192.0.2.80
"""
LONG_LINE = 200 << 20


class Test:
    def __init__(self):
        self.totals = rct.Totals()
        self.folder = rct.scratch()
        self.count = 0

    def zones(self, **files):
        """A zone folder with these files ('example_org' is example.org)."""
        self.count += 1
        path = os.path.join(self.folder, f"zones{self.count}")
        os.mkdir(path)
        os.chmod(path, 0o755)
        for name, text in files.items():
            with open(os.path.join(path, name.replace("_", ".") + ".zone"),
                      "wb") as file:
                file.write(text if isinstance(text, bytes) else text.encode())
        return path

    def start(self, *arguments, name="rootcastd", control=True):
        self.count += 1
        words = list(arguments)
        if control:
            words += ["--control", f"{self.folder}/c{self.count}.sock"]
        return rct.Daemon(name, [f"{rct.BIN}/{name}", *words], self.folder)

    def ends(self, title, daemon, status, pattern):
        """The program ends by itself with that status and one such line."""
        got = daemon.wait(15)
        text = daemon.text()
        self.totals.check(title, got == status and re.search(pattern, text) and
                          "Sanitizer" not in text,
                          f"exit status {got}, said: {text[-800:].strip()}")
        daemon.end()

    def dig(self, name, kind="SOA", port=PORT):
        return rct.run("dig", "@127.0.0.1", "-p", str(port), "+norec",
                       "+time=2", "+tries=2", f"{name}.", kind,
                       check=False).stdout

    def config(self, text):
        self.count += 1
        path = os.path.join(self.folder, f"config{self.count}.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text if isinstance(text, str) else json.dumps(text))
        return path

    def arguments(self):
        zones = self.zones(example_org=GOOD)
        for title, words, pattern in (
                ("unknown option", ["--frobnicate"], "frobnicate"),
                ("bad address", ["--zones", zones, "--listen", "1.2.3"],
                 r"1\.2\.3"),
                ("bad port", ["--zones", zones, "--listen", "127.0.0.1@99999"],
                 "99999"),
                ("bad number of workers",
                 ["--zones", zones, "--workers", "many"], "many")):
            self.ends(f"{title}: exit status 2", self.start(*words), 2,
                      pattern)

    def bad_configuration(self):
        zones = self.zones(example_org=GOOD)
        for title, text, pattern in (
                ("unknown key", {"server": {"zonez": zones}}, "zonez"),
                ("wrong type", {"server": {"workers": "two"}}, "workers"),
                ("key not carried out yet",
                 {"server": {"metrics": "127.0.0.1@9153"}}, "metrics"),
                ("no JSON", "{\n\"server\": {\n,\n", ":3: "),
                ("unknown key in route",
                 {"route": {"router_id": "192.0.2.1", "local_as": 64512,
                            "services": {"dns": {
                                "prefixes": ["192.0.2.0/24"],
                                "probe": ["192.0.2.53"],
                                "required_zones": ["."]}},
                            "pears": []}}, "pears")):
            path = self.config(text)
            daemon = "rootcast-routed" if "route" in title else "rootcastd"
            self.ends(f"configuration, {title}: exit status 2, file and key",
                      self.start("-c", path, name=daemon, control=False), 2,
                      rf"{re.escape(os.path.basename(path))}.*{pattern}")
        self.ends("configuration that is absent: exit status 2",
                  self.start("-c", f"{self.folder}/absent.json"), 2,
                  r"absent\.json")

    def port_in_use(self):
        zones = self.zones(example_org=GOOD)
        for kind, title in ((socket.SOCK_DGRAM, "UDP"),
                            (socket.SOCK_STREAM, "TCP")):
            with socket.socket(socket.AF_INET, kind) as taken:
                taken.bind(("127.0.0.1", PORT))
                if kind == socket.SOCK_STREAM:
                    taken.listen()
                self.ends(f"{title} port in use: exit status 1",
                          self.start("--zones", zones, "--listen", LISTEN), 1,
                          f"127.0.0.1@{PORT}.*in use")

    def unreadable_folder(self):
        self.ends("zone folder absent: exit status 1 or 2",
                  self.start("--zones", f"{self.folder}/nowhere", "--listen",
                             LISTEN), 1, "nowhere")
        if os.geteuid() != 0:
            nobody = None
        else:
            nobody = pwd.getpwnam("nobody")
        zones = self.zones(example_org=GOOD)
        os.chmod(zones, 0)
        sockets = os.path.join(self.folder, "sockets")
        os.mkdir(sockets)
        if nobody is None:
            daemon = self.start("--zones", zones, "--listen", LISTEN)
        else:
            os.chmod(self.folder, 0o755)
            os.chown(sockets, nobody.pw_uid, nobody.pw_gid)
            daemon = rct.Daemon("rootcastd", [
                "setpriv", "--reuid", str(nobody.pw_uid), "--regid",
                str(nobody.pw_gid), "--clear-groups", f"{rct.BIN}/rootcastd",
                "--zones", zones, "--listen", LISTEN, "--control",
                f"{sockets}/server.sock"], self.folder)
        self.ends("zone folder unreadable: exit status 1", daemon, 1,
                  re.escape(os.path.basename(zones)))
        os.chmod(zones, 0o755)

    def bad_zones(self):
        """Beside a good zone, which is served whatever the others are."""
        name300 = ".".join(["a" * 59] * 5)
        cases = {
            "garbage": os.urandom(100000),
            "name300": GOOD + f"{name300} A 192.0.2.1\n",
            "nosoa": "$TTL 60\n@ NS ns1\nns1 A 192.0.2.1\n",
            "nons": "$TTL 60\n@ SOA ns1 h 1 2 3 4 5\n",
            "cname": GOOD + "www CNAME ns1\n",
            # Behind the SOA record it would be left out with a warning.
            "outside": "www.example.com. 60 A 192.0.2.1\n" + GOOD,
            "unclosed": GOOD + "x TXT ( \"a\"\n",
            "empty": "",
        }
        zones = self.zones(good=GOOD, **cases)
        with open(os.path.join(zones, "long.zone"), "wb") as file:
            file.write(GOOD.encode() + b"x TXT ")
            for _ in range(LONG_LINE >> 20):
                file.write(b"a" * (1 << 20))
        server = self.start("--zones", zones, "--listen", LISTEN)
        ready = server.wait_for(r"ready: 1 zones? served, (\d+) failed", 120)
        text = server.text()
        self.totals.check("bad zones beside a good one: ready says how many",
                          ready and int(ready.group(1)) == len(cases) + 1,
                          text[-2000:])
        self.totals.check("bad zones: the good one is served",
                          "status: NOERROR" in self.dig("good"))
        for name in list(cases) + ["long"]:
            lines = [line for line in text.splitlines()
                     if re.search(rf"\b{name}\.zone\b|'{name}\.'", line)]
            told = [line for line in lines if len(line) < 2100 and (
                name in ("nosoa", "nons", "empty") or
                re.search(r"line \d+|:\d+:", line))]
            self.totals.check(f"{name}.zone: a line with file, line and "
                              "reason", len(told) >= 1, "\n".join(lines))
            self.totals.check(f"{name}.zone: SERVFAIL",
                              "status: SERVFAIL" in self.dig(name))
        path = os.path.join(zones, "good.zone")
        with open(path, "w", encoding="ascii") as file:
            file.write(GOOD.replace("192.0.2.80", "300.1.2.3"))
        told = server.wait_for(r"good.*(line 5|:5:)", 20)
        self.totals.check("a good zone breaks: a line says where", told,
                          server.text()[-1000:])
        self.totals.check("a good zone breaks: served as it was",
                          "192.0.2.80" in self.dig("www.good", "A"))
        with open(path, "w", encoding="ascii") as file:
            file.write(GOOD.replace("192.0.2.80", "192.0.2.81"))
        healed = rct.wait_until(
            lambda: "192.0.2.81" in self.dig("www.good", "A"), 20, 0.2)
        self.totals.check("the zone heals: served anew", healed,
                          server.text()[-1000:])
        os.rename(zones, zones + ".away")
        time.sleep(3)
        self.totals.check("the folder goes away: the zone is served on",
                          "192.0.2.81" in self.dig("www.good", "A"))
        self.totals.check("the folder goes away: a line says so",
                          re.search(os.path.basename(zones),
                                    server.text().split("www")[-1]))
        os.rename(zones + ".away", zones)
        server.signal(signal.SIGTERM)
        self.totals.check("after all that: a clean stop",
                          server.wait(10) == 0)
        server.end()

    def peer_refuses(self):
        """A BGP port that nobody listens on: told, tried again, no exit."""
        zones = self.zones(example_org=GOOD)
        config = self.config({
            "server": {"zones": zones, "listen": [LISTEN],
                       "control": f"{self.folder}/p.sock"},
            "route": {
                "control": f"{self.folder}/r.sock", "router_id": "192.0.2.1",
                "local_as": 64512,
                "services": {"dns": {"prefixes": ["127.0.0.1/32"],
                                     "probe": [LISTEN],
                                     "required_zones": ["example.org"]}},
                "peers": [{"address": "127.0.0.9", "as": 64513,
                           "source": "127.0.0.1", "port": 5399,
                           "families": ["ipv4"]}]}})
        server = self.start("-c", config, control=False)
        server.wait_for("ready:", 10)
        route = self.start("-c", config, name="rootcast-routed", control=False)
        told = route.wait_for(r"127\.0\.0\.9.*refused", 10)
        self.totals.check("peer that refuses: a line says so", told,
                          route.text())
        self.totals.check("peer that refuses: route control runs on",
                          route.is_alive())
        route.signal(signal.SIGTERM)
        self.totals.check("peer that refuses: stops at once, status 0",
                          route.wait(5) == 0, route.text()[-500:])
        server.signal(signal.SIGTERM)
        self.totals.check("peer that refuses: the nameserver stops, status 0",
                          server.wait(5) == 0)

    def check_commands(self):
        """The same through rootcastctl."""
        zones = self.zones(good=GOOD, bad=GOOD + "x A 1\n")
        for name, status in (("good", 0), ("bad", 1)):
            result = subprocess.run(
                [f"{rct.BIN}/rootcastctl", "checkzone",
                 os.path.join(zones, f"{name}.zone")], capture_output=True,
                text=True, check=False)
            self.totals.check(f"checkzone of a {name} file: exit status "
                              f"{status}", result.returncode == status,
                              result.stdout + result.stderr)
        for text, status in (({"server": {"zones": zones}}, 0),
                             ({"server": {"zonez": zones}}, 1)):
            result = subprocess.run(
                [f"{rct.BIN}/rootcastctl", "checkconf", self.config(text)],
                capture_output=True, text=True, check=False)
            self.totals.check(f"checkconf: exit status {status}",
                              result.returncode == status,
                              result.stdout + result.stderr)
        result = subprocess.run(
            [f"{rct.BIN}/rootcastctl", "--socket", f"{self.folder}/no.sock",
             "status"], capture_output=True, text=True, check=False)
        self.totals.check("no daemon there: exit status 3",
                          result.returncode == 3 and "no.sock" in
                          result.stderr, result.stderr)

    def run(self):
        for step in (self.arguments, self.bad_configuration, self.port_in_use,
                     self.unreadable_folder, self.bad_zones,
                     self.peer_refuses, self.check_commands):
            print(f"== {step.__name__}", flush=True)
            step()
            rct.end_everything()
        self.totals.finish()


rct.need("dig", root=False,
         daemons=("rootcastd", "rootcast-routed", "rootcastctl"))
Test().run()
