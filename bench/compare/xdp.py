#!/usr/bin/env python3
"""Knot DNS, Rootcast and a bare reflector over AF_XDP on a veth pair: the same
zone, the same core, the same queries, in turn, in one run. Called by bench/run,
which see.

Two network namespaces, a veth pair between them. The server has CPU 0 and one
end, the sender (xdp_sender, on AF_XDP itself) CPU 1 and the other. The rest is
as in compare.py; NSD 4.6 of Debian 12 has no AF_XDP. The reflector verifies and
writes the same checksums as Rootcast; Knot DNS 3.2 verifies none.
"""
import argparse
import atexit
import json
import os
import re
import signal
import statistics
import subprocess
import sys

import compare

SERVER_SPACE, CLIENT_SPACE = (f"rcb-{os.getpid()}-s", f"rcb-{os.getpid()}-c")
SERVER_IF, CLIENT_IF = "xdp0", "xdp1"
SERVER4, CLIENT4 = "10.97.0.2", "10.97.0.1"
NAMES = ("knot", "rootcast", "reflector")
MARKS = (("replies_per_s", "knot", 1.2, "least"),
         ("replies_per_s", "reflector", 0.85, "least"),
         ("cpu_us", "knot", 0.80, "most"))


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True,
                            check=False)
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {result.stderr.strip()}")
    return result.stdout


class Net:
    """The two namespaces."""

    def __init__(self):
        self.remove(stale=True)
        atexit.register(self.remove)
        for name in (SERVER_SPACE, CLIENT_SPACE):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", SERVER_SPACE, "link", "add", SERVER_IF, "type", "veth",
            "peer", "name", CLIENT_IF, "netns", CLIENT_SPACE)
        for name, interface, address in (
                (SERVER_SPACE, SERVER_IF, SERVER4),
                (CLIENT_SPACE, CLIENT_IF, CLIENT4)):
            run("ip", "-n", name, "addr", "add", f"{address}/24", "dev",
                interface)
            run("ip", "-n", name, "link", "set", interface, "up")
        self.mac = re.search(r"link/ether (\S+)", run(
            "ip", "-n", SERVER_SPACE, "-o", "link", "show",
            SERVER_IF)).group(1)

    @staticmethod
    def remove(stale=False):
        """Ours, or those of runs that were killed before they could."""
        for line in run("ip", "netns", "list").splitlines():
            match = re.match(r"(rcb-(\d+)-[sc])\b", line)
            if match and (os.path.exists(f"/proc/{match.group(2)}") !=
                          stale) and (stale or
                                      match.group(2) == str(os.getpid())):
                subprocess.run(["ip", "netns", "del", match.group(1)],
                               check=False)


def inside(*command):
    return ["ip", "netns", "exec", SERVER_SPACE, *command]


def command_knot(folder, zone, port):
    """As compare's, with the section that the manual's chapter on XDP asks for:
    one queue, so one worker."""
    command = compare.command_knot(folder, zone, port)
    with open(f"{folder}/knot.conf", encoding="utf-8") as file:
        text = file.read()
    compare.write(f"{folder}/knot.conf", text + f"""
xdp:
    listen: {SERVER_IF}@53
""")
    return inside(*command)


def command_rootcast(folder, zone, port):
    command = compare.command_rootcast(folder, zone, port)
    command[command.index("--listen") + 1] = f"{SERVER4}@53"
    return inside(*command, "--xdp", SERVER_IF)


def command_reflector(_folder, _zone, _port):
    return inside(f"{compare.BIN}/xdp_reflector", SERVER_IF, SERVER4)


COMMANDS = {"knot": command_knot, "rootcast": command_rootcast,
            "reflector": command_reflector}


class Server(compare.Server):
    """One server in its namespace, asked over the wire."""

    def __init__(self, name, zone, net):
        self.net = net
        # Knot DNS may leave its program on the interface.
        for mode in ("xdp", "xdpdrv", "xdpgeneric"):
            subprocess.run(["ip", "-n", SERVER_SPACE, "link", "set",
                            SERVER_IF, mode, "off"], check=False,
                           capture_output=True)
        super().__init__(name, zone)

    def ask(self, zone, *arguments, may_fail=False):
        command = ["ip", "netns", "exec", CLIENT_SPACE] + compare.pin(1) + [
            f"{compare.BIN}/xdp_sender", "--interface", CLIENT_IF, "--source",
            CLIENT4, "--server", SERVER4, "--mac", self.net.mac, "--zone",
            zone, *arguments]
        for pid in self.pids():
            command += ["--pid", str(pid)]
        result = subprocess.run(command, capture_output=True, text=True,
                                check=False)
        if result.stderr:
            print(f"{self.name}: {result.stderr.strip()}", file=sys.stderr)
        if "--until-ready" in arguments:
            return result.returncode == 0
        try:
            return json.loads(result.stdout)
        except ValueError:
            self.tell_log()
            raise SystemExit(f"{self.name}: the sender failed") from None


def measure(names, zone, net, options):
    figures = {name: {} for name in names}
    for number in range(options.rounds):
        for name in names[number % len(names):] + \
                names[:number % len(names)]:
            server = Server(name, zone, net)
            if not server.ask(zone, "--until-ready", "30", "--queries", "1"):
                server.tell_log()
                raise SystemExit(f"{name}: does not answer over AF_XDP")
            full = server.ask(zone, "--window", str(options.window),
                              "--duration", str(options.duration))
            server.stop()
            for key, value in {
                    "replies_per_s": full["replies_per_s"],
                    "cpu_us": full["server_cpu_ns_per_reply"] / 1e3,
                    "process_cpu_us": full["pids_cpu_ns_per_reply"] / 1e3,
                    "octets": full["octets_per_reply"],
                    "wrong": full["wrong"], "lost": full["lost"],
                    "without_checksum": full["without_checksum"],
                    "sender_share": 1 - full["idle_s"] / full["seconds"],
            }.items():
                figures[name].setdefault(key, []).append(value)
            print(f"round {number + 1}: {name}: "
                  f"{full['replies_per_s']:.0f} replies/s", file=sys.stderr)
    return figures


def ratios(figures, key, one, other):
    """Of each round: they stood beside each other."""
    return [a / b if b > 0 else 0 for a, b in zip(figures[one][key],
                                                   figures[other][key])]


def table(figures, options):
    names = list(figures)
    lines = ["| AF_XDP, root mix | " + " | ".join(names) + " |",
             "| --- |" + " ---: |" * len(names)]
    for title, key, form in (
            ("replies/s at full load", "replies_per_s", "{:,.0f}"),
            ("CPU a reply, machine (us)", "cpu_us", "{:.2f}"),
            ("CPU a reply, its processes (us)", "process_cpu_us", "{:.2f}"),
            ("octets a reply", "octets", "{:.0f}"),
            ("wrong replies", "wrong", "{:.0f}"),
            ("replies without UDP checksum", "without_checksum", "{:.0f}"),
            ("share of its time that the sender was busy", "sender_share", "{:.2f}")):
        lines.append(f"| {title} | " + " | ".join(
            form.format(statistics.median(figures[name][key]))
            for name in names) + " |")
    lines.append("")
    for key, other, mark, kind in MARKS:
        if "rootcast" not in figures or other not in figures:
            continue
        each = ratios(figures, key, "rootcast", other)
        value = statistics.median(each)
        holds = value >= mark if kind == "least" else value <= mark
        lines.append(f"- {key}, Rootcast / {other}: {value:.2f} "
                     f"({min(each):.2f} to {max(each):.2f}); mark: at {kind} "
                     f"{mark:.2f}: {'reached' if holds else 'NOT reached'}")
    lines.append("")
    lines.append(f"Medians of {options.rounds} rounds of "
                 f"{options.duration:g} s, ratios round by round; one server "
                 "at a time on CPU 0, the sender on CPU 1.")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="bench/run xdp", add_help=False)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--duration", type=float, default=4)
    parser.add_argument("--window", type=int, default=compare.WINDOW)
    parser.add_argument("--zone")
    parser.add_argument("--json", default=os.path.join(
        compare.ROOT, "build", "bench", "xdp.json"))
    options = parser.parse_args()
    names = options.names or list(NAMES)
    for name in names:
        if name not in COMMANDS:
            raise SystemExit(f"bench/run xdp: no server '{name}': "
                             f"{', '.join(COMMANDS)}")
    if os.geteuid() != 0:
        raise SystemExit("bench/run xdp: needs root, to make network "
                         "namespaces")
    if not os.access(f"{compare.BIN}/xdp_sender", os.X_OK):
        raise SystemExit("bench/run xdp: built without AF_XDP")
    compare.COMMANDS = COMMANDS
    net = Net()
    atexit.register(compare.stop_all)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    zone = os.path.realpath(options.zone) if options.zone else \
        compare.find_zone()
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"warning: something else runs here (load {load:.1f}): compare "
              "ratios only", file=sys.stderr)
    figures = measure(names, zone, net, options)
    print(f"Zone: {os.path.basename(zone)}\n")
    print(table(figures, options))
    os.makedirs(os.path.dirname(os.path.abspath(options.json)), exist_ok=True)
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump({"zone": os.path.basename(zone), "rounds": options.rounds,
                   "duration_s": options.duration, "window": options.window,
                   "load_before": load, "figures": figures}, file, indent=1)
    print(f"\nAll figures: {os.path.relpath(options.json)}")
    wrong = {name: sum(figures[name]["wrong"]) for name in names}
    if any(wrong.values()):
        raise SystemExit(f"wrong replies: {wrong}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
