#!/usr/bin/env python3
"""Knot DNS, Rootcast and a bare reflector over AF_XDP on a veth pair: the same
zone, the same core, the same queries, in turn, in one run. Called by bench/run,
which see.

Two network namespaces, a veth pair between them. The server has CPU 0 and one
end, the sender (xdp_sender, on AF_XDP itself) CPU 1 and the other. The rest is
as in common.py; NSD 4.6 of Debian 12 has no AF_XDP. The reflector verifies and
writes the same checksums as Rootcast; Knot DNS 3.2 verifies none.
"""
import atexit
import json
import os
import re
import subprocess
import sys

import common

SERVER_SPACE, CLIENT_SPACE = (f"rcb-{os.getpid()}-s", f"rcb-{os.getpid()}-c")
SERVER_IF, CLIENT_IF = "xdp0", "xdp1"
SERVER4, CLIENT4 = "10.97.0.2", "10.97.0.1"
MIX_OCTETS = 861    # what Rootcast and Knot DNS send to these queries, mean
NAMES = ("knot", "rootcast", "reflector")
MARKS = (("replies a second", "replies_per_s", "knot", 1.2, "least"),
         ("replies a second", "replies_per_s", common.LIMIT, 0.85, "least"),
         ("CPU a reply", "cpu_us", "knot", 0.80, "most"))
LINES = (
    common.Line("replies/s at full load", "replies_per_s", "{:,.0f}", True),
    common.Line("CPU a reply, machine (us)", "cpu_us", "{:.2f}", False),
    common.Line("CPU a reply, its processes (us)", "process_cpu_us", "{:.2f}",
                False),
    common.Line("octets a reply", "octets", "{:.0f}"),
    common.Line("lost queries", "lost", "{:,.0f}"),
    common.Line("wrong replies", "wrong", "{:,.0f}"),
    common.Line("replies without UDP checksum", "without_checksum", "{:,.0f}"),
    common.Line("share of its time that the sender was busy", "sender_share",
                "{:.2f}"),
)


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
    """As common's, with the section that the manual's chapter on XDP asks for:
    one queue, so one worker."""
    command = common.command_knot(folder, zone, port)
    with open(f"{folder}/knot.conf", encoding="utf-8") as file:
        text = file.read()
    common.write(f"{folder}/knot.conf", text + f"""
xdp:
    listen: {SERVER_IF}@53
""")
    return inside(*command)


def command_rootcast(folder, zone, port):
    command = common.command_rootcast(folder, zone, port)
    command[command.index("--listen") + 1] = f"{SERVER4}@53"
    return inside(*command, "--xdp", SERVER_IF)


def command_reflector(_folder, _zone, _port, octets=MIX_OCTETS):
    return inside(f"{common.BIN}/xdp_reflector", SERVER_IF, SERVER4,
                  f"{octets:.0f}")


COMMANDS = {"knot": command_knot, "rootcast": command_rootcast,
            "reflector": command_reflector}


class Server(common.Server):
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
        command = ["ip", "netns", "exec", CLIENT_SPACE] + common.pin(1) + [
            f"{common.BIN}/xdp_sender", "--interface", CLIENT_IF, "--source",
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
        for name in common.in_turn(names, number):
            server = Server(name, zone, net)
            if not server.ask(zone, "--until-ready", "30", "--queries", "1"):
                server.tell_log()
                raise SystemExit(f"{name}: does not answer over AF_XDP")
            full = server.ask(zone, "--window", str(options.window),
                              "--duration", str(options.seconds))
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


@common.guarded
def main():
    parser = common.parser("xdp", names=NAMES)
    parser.add_argument("--zone", help="instead of the root zone")
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("bench/run xdp: needs root, to make network "
                         "namespaces")
    if not os.access(f"{common.BIN}/xdp_sender", os.X_OK):
        raise SystemExit("bench/run xdp: built without AF_XDP")
    common.COMMANDS.update(COMMANDS)
    net = Net()
    common.start(options)
    zone = common.find_zone(options.zone)
    figures = measure(options.names, zone, net, options)
    marks = []
    for what, key, other, limit, kind in MARKS:
        marks += common.mark_ratio(figures, f"AF_XDP, root mix: {what}", key,
                                   other, limit, kind)
    common.finish(
        options, "Root mix over AF_XDP (veth pair)",
        [common.table("AF_XDP, root mix", figures, LINES),
         "\n".join(common.sender_lines(figures) + [
             common.how_long(options),
             f"Zone: {os.path.basename(zone)}."])],
        figures, marks, zone=os.path.basename(zone), window=options.window)


if __name__ == "__main__":
    main()
