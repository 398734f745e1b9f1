#!/usr/bin/env python3
"""TCP: NSD, Knot DNS and Rootcast beside each other. Called by bench/run, which
see.

Three loads with the root mix, each server started afresh for each, in a rotated
order, on CPU 0, the sender (load/tcp_sender.c) on CPU 1:

  busy   20 connections that stay, 5 queries kept waiting on each (dnsperf's
         default: 100 in all); and the same with 1 query on each
  each   a connection a query, 20 at a time
  idle   10,000 connections that have asked once and then say nothing, beside
         20 busy ones; all must still answer at the end

All may hold 20,000 connections for 60 s of silence, and none refuses a client
for having many: they all come from the loopback.
"""
import json
import os
import resource
import subprocess
import sys

import common

CLIENTS = 20000
IDLE_S = 60
MARK_BUSY = 1.3             # replies a second, to the better peer's
LOADS = {
    "busy": ["--connections", "20", "--waiting", "5"],
    "busy-1": ["--connections", "20", "--waiting", "1"],
    "each": ["--connections", "20", "--each"],
    "idle": ["--connections", "20", "--waiting", "5", "--idle", "10000"],
}
TITLES = {
    "busy": "20 busy connections, 5 queries waiting on each",
    "busy-1": "20 busy connections, 1 query waiting on each",
    "each": "a connection a query, 20 at a time",
    "idle": "20 busy connections beside 10,000 idle ones",
}
PLAIN = dict(common.COMMANDS)


def edited(path, *changes):
    """Put other lines in place of some of a configuration's."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for old, new in changes:
        if old not in text:
            raise SystemExit(f"{path}: no '{old}'")
        text = text.replace(old, new)
    common.write(path, text)


def command_nsd(folder, zone, port):
    command = PLAIN["nsd"](folder, zone, port)
    edited(f"{folder}/nsd.conf",
           ("tcp-count: 100", f"tcp-count: {CLIENTS}\n"
            f"\ttcp-timeout: {IDLE_S}\n\ttcp-reject-overflow: no"))
    return command


def command_knot(folder, zone, port):
    command = PLAIN["knot"](folder, zone, port)
    edited(f"{folder}/knot.conf",
           ("tcp-reuseport: on", "tcp-reuseport: on\n"
            f"    tcp-max-clients: {CLIENTS}\n"
            f"    tcp-idle-timeout: {IDLE_S}"))
    return command


def command_rootcast(folder, zone, port):
    command = PLAIN["rootcast"](folder, zone, port)
    common.write(f"{folder}/rootcast.json", json.dumps({"server": {"tcp": {
        "clients": CLIENTS, "clients_per_prefix": CLIENTS,
        "idle_ms": IDLE_S * 1000}}}))
    return command[:1] + ["-c", f"{folder}/rootcast.json"] + command[1:]


def ask(server, zone, load, options):
    command = common.pin(1) + [
        f"{common.BIN}/tcp_sender", "--zone", zone, "--server",
        f"127.0.0.1@{server.port}", "--duration", str(options.seconds),
        "--warmup", "0.5", *LOADS[load]]
    for pid in server.pids():
        command += ["--pid", str(pid)]
    result = subprocess.run(command, capture_output=True, text=True,
                            check=False)
    if result.stderr:
        print(f"{server.name}: {result.stderr.strip()}", file=sys.stderr)
    try:
        return json.loads(result.stdout)
    except ValueError:
        server.tell_log()
        raise SystemExit(f"{server.name}: the sender failed") from None


def measure(names, loads, zone, options):
    """{load: {name: {figure: [one a round]}}}"""
    figures = {load: {name: {} for name in names} for load in loads}
    for number in range(options.rounds):
        turn = number % len(names)
        for load in loads:
            for name in names[turn:] + names[:turn]:
                server = common.Server(name, zone)
                server.wait_ready(zone)
                empty, _ = server.memory()
                told = ask(server, zone, load, options)
                full, _ = server.memory()
                server.stop()
                rows = figures[load][name]
                for key, value in {
                        "replies_per_s": told["replies_per_s"],
                        "cpu_us": told["server_cpu_ns_per_reply"] / 1e3,
                        "process_cpu_us":
                            told["pids_cpu_ns_per_reply"] / 1e3,
                        "p50_us": told["p50_us"], "p99_us": told["p99_us"],
                        "lost": told["lost"], "broken": told["broken"],
                        "wrong": told["wrong"],
                        "idle_answers": told["idle_answers"],
                        "grown_mib": full - empty,
                        "sender_share": told["own_cpu_s"] /
                            told["seconds"]}.items():
                    rows.setdefault(key, []).append(value)
                print(f"round {number + 1}: {load}: {name}: "
                      f"{told['replies_per_s']:.0f} replies/s",
                      file=sys.stderr)
    return figures


LINES = (
    common.Line("replies/s", "replies_per_s", "{:,.0f}", True),
    common.Line("CPU a reply, machine (us)", "cpu_us", "{:.2f}", False),
    common.Line("CPU a reply, its processes (us)", "process_cpu_us", "{:.2f}",
                False),
    common.Line("p50 (us)", "p50_us", "{:,.0f}", False),
    common.Line("p99 (us)", "p99_us", "{:,.0f}", False),
    common.Line("share of its time that the sender was busy", "sender_share",
                "{:.2f}"),
    common.Line("lost queries", "lost", "{:,.0f}"),
    common.Line("connections broken", "broken", "{:,.0f}"),
    common.Line("wrong replies", "wrong", "{:,.0f}"),
)
IDLE_LINES = (
    common.Line("idle connections that answer at the end", "idle_answers",
                "{:,.0f}"),
    common.Line("memory grown (MiB)", "grown_mib", "{:,.1f}", False),
)


@common.guarded
def main():
    parser = common.parser("tcp", seconds=2.5,
                           names=common.SERVERS + tuple(LOADS))
    parser.add_argument("--zone", help="instead of the root zone")
    options = parser.parse_args()
    common.start(options)
    names = [n for n in common.SERVERS if n in options.names] or \
        list(common.SERVERS)
    loads = [n for n in LOADS if n in options.names] or list(LOADS)
    common.COMMANDS.update(nsd=command_nsd, knot=command_knot,
                           rootcast=command_rootcast)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CLIENTS + 1000     # Knot keeps twice as many for reserve
    if hard != resource.RLIM_INFINITY and hard < wanted:
        print(f"warning: {hard} descriptors a process at most", file=sys.stderr)
        wanted = hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    zone = common.find_zone(options.zone)
    figures = measure(names, loads, zone, options)
    marks = common.mark_ratio(
        figures["busy"], "TCP, 20 busy connections: replies a second",
        "replies_per_s", "better", MARK_BUSY, "least") \
        if "busy" in figures else []
    common.finish(
        options, "TCP",
        [common.table(TITLES[load], figures[load],
                      LINES + (IDLE_LINES if load == "idle" else ()))
         for load in loads] +
        [common.how_long(options) + f"\nZone: {os.path.basename(zone)}."],
        figures, marks, zone=os.path.basename(zone))


if __name__ == "__main__":
    main()
