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
import argparse
import atexit
import json
import os
import resource
import signal
import statistics
import subprocess
import sys

import compare

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
PLAIN = dict(compare.COMMANDS)


def edited(path, *changes):
    """Put other lines in place of some of a configuration's."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for old, new in changes:
        if old not in text:
            raise SystemExit(f"{path}: no '{old}'")
        text = text.replace(old, new)
    compare.write(path, text)


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
    compare.write(f"{folder}/rootcast.json", json.dumps({"server": {"tcp": {
        "clients": CLIENTS, "clients_per_prefix": CLIENTS,
        "idle_ms": IDLE_S * 1000}}}))
    return command[:1] + ["-c", f"{folder}/rootcast.json"] + command[1:]


def ask(server, zone, load, options):
    command = compare.pin(1) + [
        f"{compare.BIN}/tcp_sender", "--zone", zone, "--server",
        f"127.0.0.1@{server.port}", "--duration", str(options.duration),
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
                server = compare.Server(name, zone)
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


def table(figures, load):
    names = list(figures)
    peers = [name for name in names if name != "rootcast"]
    has_ratio = "rootcast" in names and peers
    rows = [("replies/s", "replies_per_s", "{:,.0f}", max),
            ("CPU a reply, machine (us)", "cpu_us", "{:.2f}", min),
            ("CPU a reply, its processes (us)", "process_cpu_us", "{:.2f}",
             min),
            ("p50 (us)", "p50_us", "{:.0f}", min),
            ("p99 (us)", "p99_us", "{:.0f}", min),
            ("the sender's share of its CPU", "sender_share", "{:.2f}", None),
            ("lost", "lost", "{:.0f}", None),
            ("connections broken", "broken", "{:.0f}", None),
            ("wrong", "wrong", "{:.0f}", None)]
    if load == "idle":
        rows += [("idle connections that answer at the end", "idle_answers",
                  "{:,.0f}", None),
                 ("memory grown (MiB)", "grown_mib", "{:.1f}", None)]
    lines = [f"| {TITLES[load]} | " + " | ".join(names) +
             (" | Rootcast / better of the others |" if has_ratio else " |"),
             "| --- |" + " ---: |" * (len(names) + (1 if has_ratio else 0))]
    for title, key, form, better in rows:
        values = {name: statistics.median(figures[name][key])
                  for name in names}
        cells = [form.format(values[name]) for name in names]
        if has_ratio:
            best = better(values[name] for name in peers) if better else 0
            cells.append(f"{values['rootcast'] / best:.2f}" if best else "")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def mark(figures):
    """The mark of the busy load, said; whether it is held."""
    values = {name: statistics.median(rows["replies_per_s"])
              for name, rows in figures.items()}
    peers = [values[name] for name in values if name != "rootcast"]
    if "rootcast" not in values or not peers:
        return True
    ratio = values["rootcast"] / max(peers)
    held = ratio >= MARK_BUSY
    print(f"mark: TCP, 20 busy connections, replies/s: {ratio:.2f} of the "
          f"better peer's (>= {MARK_BUSY}): {'held' if held else 'MISSED'}")
    return held


def main():
    parser = argparse.ArgumentParser(prog="bench/run tcp", add_help=False)
    parser.add_argument("names", nargs="*",
                        help="servers and loads; all where none is named")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--duration", type=float, default=3)
    parser.add_argument("--zone")
    parser.add_argument("--json", default=os.path.join(
        compare.ROOT, "build", "bench", "tcp.json"))
    options = parser.parse_args()
    for name in options.names:
        if name not in compare.SERVERS and name not in LOADS:
            raise SystemExit(f"bench/run tcp: no '{name}': " +
                             ", ".join([*compare.SERVERS, *LOADS]))
    names = [n for n in compare.SERVERS if n in options.names] or \
        list(compare.SERVERS)
    loads = [n for n in LOADS if n in options.names] or list(LOADS)
    atexit.register(compare.stop_all)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    compare.COMMANDS.update(nsd=command_nsd, knot=command_knot,
                            rootcast=command_rootcast)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CLIENTS + 1000     # Knot keeps twice as many for reserve
    if hard != resource.RLIM_INFINITY and hard < wanted:
        print(f"warning: {hard} descriptors a process at most", file=sys.stderr)
        wanted = hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    zone = os.path.realpath(options.zone) if options.zone \
        else compare.find_zone()
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"warning: something else runs here (load {load:.1f}): the "
              "figures are not worth much", file=sys.stderr)
    figures = measure(names, loads, zone, options)
    print(f"Zone: {os.path.basename(zone)}\n")
    for name in loads:
        print(table(figures[name], name) + "\n")
    print(f"Medians of {options.rounds} rounds of {options.duration:g} s; one "
          "server at a time on CPU 0, the sender on CPU 1.")
    held = mark(figures["busy"]) if "busy" in figures else True
    os.makedirs(os.path.dirname(os.path.abspath(options.json)), exist_ok=True)
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump({"zone": os.path.basename(zone), "rounds": options.rounds,
                   "duration_s": options.duration, "cpus": os.cpu_count(),
                   "load_before": load, "mark_held": held,
                   "figures": figures}, file, indent=1)
    print(f"\nAll figures: {os.path.relpath(options.json)}")
    wrong = {name: sum(sum(figures[l][name]["wrong"]) for l in loads)
             for name in names}
    if any(wrong.values()):
        raise SystemExit(f"wrong replies: {wrong}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
