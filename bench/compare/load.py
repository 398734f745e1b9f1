#!/usr/bin/env python3
"""Load time and memory of NSD, Knot DNS and Rootcast with a zone of a million
delegations. Called by bench/run, which see.

Each round starts each server afresh, in a rotated order, on all cores: the time
from its start to the first right answer to a question for the last delegation
of the file, asked every few milliseconds; and its memory (PSS of all its
processes) once that stands still. The file is read once before, so that all
find it in the page cache. Medians; the spread is in the JSON.
"""
import argparse
import atexit
import json
import os
import select
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time

import compare

ASK_S = 0.005
LOAD_LIMIT_S = 300
STEADY_S = 1.0      # memory has not grown for so long
STEADY_MAX_S = 30.0


def command_knot(folder, zone, port):
    """As compare's, with the threads that the manual advises for loading."""
    command = KNOT(folder, zone, port)
    with open(f"{folder}/knot.conf", encoding="utf-8") as file:
        text = file.read()
    compare.write(f"{folder}/knot.conf", text.replace(
        "    semantic-checks: off\n", "    semantic-checks: off\n"
        f"    adjust-threads: {os.cpu_count()}\n"))
    return command


KNOT = compare.COMMANDS["knot"]


def question(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return (struct.pack("!HHHHHH", 4711, 0, 1, 0, 0, 0) +
            b"".join(bytes([len(label)]) + label for label in labels) +
            b"\0" + struct.pack("!HH", 2, 1))


def is_referral(reply):
    """Right: NOERROR, and the delegation's NS records."""
    if len(reply) < 12:
        return False
    number, flags, _, answers, authority, _ = struct.unpack("!6H", reply[:12])
    return number == 4711 and flags & 0x800f == 0x8000 and \
        answers + authority > 0


class Loaded(compare.Server):
    def __init__(self, name, zone):
        self.cores = compare.pin
        compare.pin = lambda core: []
        try:
            super().__init__(name, zone)
        finally:
            compare.pin = self.cores

    def wait_answer(self, name):
        """Seconds from the start to the first right answer."""
        packet = question(name)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", self.port))
            client.setblocking(False)
            while True:
                now = time.clock_gettime(time.CLOCK_MONOTONIC)
                if now - self.started > LOAD_LIMIT_S or \
                        self.process.poll() is not None:
                    self.tell_log()
                    raise SystemExit(f"{self.name}: does not answer")
                try:
                    client.send(packet)
                    select.select([client], [], [], ASK_S)
                    while True:
                        if is_referral(client.recv(4096)):
                            return time.clock_gettime(
                                time.CLOCK_MONOTONIC) - self.started
                except BlockingIOError:
                    pass
                except ConnectionRefusedError:
                    time.sleep(ASK_S)

    def steady_memory(self):
        """(PSS, RSS) in MiB once they have settled."""
        begin = time.monotonic()
        last = self.memory()
        since = begin
        while time.monotonic() - since < STEADY_S and \
                time.monotonic() - begin < STEADY_MAX_S:
            time.sleep(0.1)
            present = self.memory()
            if abs(present[0] - last[0]) > 1:
                last = present
                since = time.monotonic()
        return last


def make_zone(delegations, is_signed):
    """The zone's path; it is made once."""
    shape = "nsec3" if is_signed else "plain"
    path = os.path.join(compare.ROOT, "build", "bench",
                        f"registry-{shape}-{delegations}.zone")
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".part", "wb") as file:
            subprocess.run(
                [os.path.join(compare.ROOT, "bench", "load", "make_zone.sh"),
                 "--registry"] + (["--nsec3-shape"] if is_signed else []) +
                [str(delegations)], stdout=file, check=True)
        os.rename(path + ".part", path)
    return path


def read_once(path):
    with open(path, "rb") as file:
        while file.read(1 << 20):
            pass


def table(figures, delegations):
    rows = [("start to first right answer (s)", "load_s", "{:.2f}"),
            ("memory, PSS (MiB)", "pss_mib", "{:.0f}"),
            ("memory, RSS of all processes (MiB)", "rss_mib", "{:.0f}"),
            ("octets a delegation (of PSS)", "octets", "{:.0f}")]
    names = list(figures)
    peers = [name for name in names if name != "rootcast"]
    ratio = "rootcast" in names and peers
    lines = ["| | " + " | ".join(names) + " |" +
             ("".join(f" Rootcast / {name} |" for name in peers)
              if ratio else ""),
             "| --- |" + " ---: |" * (len(names) +
                                      (len(peers) if ratio else 0))]
    for title, key, form in rows:
        values = {}
        for name in names:
            of = figures[name]["pss_mib" if key == "octets" else key]
            values[name] = statistics.median(of)
            if key == "octets":
                values[name] *= 1048576 / delegations
        cells = [form.format(values[name]) for name in names]
        if ratio:
            cells += [f"{values['rootcast'] / values[name]:.2f}"
                      for name in peers]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="bench/run load", add_help=False)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--delegations", type=int, default=1000000)
    parser.add_argument("--signed", action="store_true")
    parser.add_argument("--json", default=os.path.join(
        compare.ROOT, "build", "bench", "load.json"))
    options = parser.parse_args()
    names = options.names or list(compare.SERVERS)
    for name in names:
        if name not in compare.SERVERS:
            raise SystemExit(f"bench/run load: no server '{name}': "
                             f"{', '.join(compare.SERVERS)}")
    atexit.register(compare.stop_all)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    compare.COMMANDS["knot"] = command_knot
    zone = make_zone(options.delegations, options.signed)
    last = f"d{options.delegations:07d}."
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"warning: something else runs here (load {load:.1f}): the "
              "figures are not worth much", file=sys.stderr)
    figures = {name: {"load_s": [], "pss_mib": [], "rss_mib": []}
               for name in names}
    for number in range(options.rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            read_once(zone)
            server = Loaded(name, zone)
            seconds = server.wait_answer(last)
            pss, rss = server.steady_memory()
            figures[name]["load_s"].append(seconds)
            figures[name]["pss_mib"].append(pss)
            figures[name]["rss_mib"].append(rss)
            server.stop()
            print(f"round {number + 1}: {name}: {seconds:.2f} s, "
                  f"{pss:.0f} MiB", file=sys.stderr)
    print(f"Zone: {options.delegations:,} delegations"
          f"{', NSEC3 and RRSIG records' if options.signed else ''}, "
          f"{os.path.getsize(zone) / 1e6:.0f} MB of text\n")
    print(table(figures, options.delegations))
    print(f"\nMedians of {options.rounds} rounds; one server at a time, all "
          f"{os.cpu_count()} cores.")
    os.makedirs(os.path.dirname(os.path.abspath(options.json)), exist_ok=True)
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump({"delegations": options.delegations,
                   "signed": options.signed, "rounds": options.rounds,
                   "cpus": os.cpu_count(), "load_before": load,
                   "figures": figures}, file, indent=1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
