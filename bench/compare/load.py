#!/usr/bin/env python3
"""Load time and memory of NSD, Knot DNS and Rootcast with a zone of a million
delegations. Called by bench/run, which see.

Each round starts each server afresh, in a rotated order, on all cores: the time
from its start to the first right answer to a question for the last delegation
of the file, asked every few milliseconds; and its memory (PSS of all its
processes) once that stands still. The file is read once before, so that all
find it in the page cache. Medians; the spread is in the JSON.
"""
import os
import select
import socket
import struct
import subprocess
import sys
import time

import common

ASK_S = 0.005
LOAD_LIMIT_S = 300
STEADY_S = 1.0      # memory has not grown for so long
STEADY_MAX_S = 30.0


def command_knot(folder, zone, port):
    """As common's, with the threads that the manual advises for loading."""
    command = KNOT(folder, zone, port)
    with open(f"{folder}/knot.conf", encoding="utf-8") as file:
        text = file.read()
    common.write(f"{folder}/knot.conf", text.replace(
        "    semantic-checks: off\n", "    semantic-checks: off\n"
        f"    adjust-threads: {os.cpu_count()}\n"))
    return command


KNOT = common.COMMANDS["knot"]
RRTYPE_NS = 2
NUMBER = 4711
MARK_TIME, MARK_MEMORY = 0.5, 0.75      # of Knot DNS's


def is_referral(reply):
    """Right: NOERROR, and the delegation's NS records."""
    if len(reply) < 12:
        return False
    number, flags, _, answers, authority, _ = struct.unpack("!6H", reply[:12])
    return number == NUMBER and flags & 0x800f == 0x8000 and \
        answers + authority > 0


class Loaded(common.Server):
    """On all cores."""

    def __init__(self, name, zone):
        super().__init__(name, zone, cores=None)

    def wait_answer(self, name):
        """Seconds from the start to the first right answer."""
        packet = common.question(name, RRTYPE_NS, NUMBER)
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
    path = os.path.join(common.ROOT, "build", "bench",
                        f"registry-{shape}-{delegations}.zone")
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".part", "wb") as file:
            subprocess.run(
                [os.path.join(common.ROOT, "bench", "load", "make_zone.sh"),
                 "--registry"] + (["--nsec3-shape"] if is_signed else []) +
                [str(delegations)], stdout=file, check=True)
        os.rename(path + ".part", path)
    return path


def read_once(path):
    with open(path, "rb") as file:
        while file.read(1 << 20):
            pass


LINES = (
    common.Line("start to first right answer (s)", "load_s", "{:.2f}", False),
    common.Line("memory, PSS (MiB)", "pss_mib", "{:,.0f}", False),
    common.Line("memory, RSS of all processes (MiB)", "rss_mib", "{:,.0f}",
                False),
    common.Line("octets a delegation (of PSS)", "octets", "{:,.0f}", False),
)


@common.guarded
def main():
    parser = common.parser("load")
    parser.add_argument("--delegations", type=int, default=1000000)
    parser.add_argument("--signed", action="store_true")
    options = parser.parse_args()
    common.start(options)
    names = options.names
    common.COMMANDS["knot"] = command_knot
    zone = make_zone(options.delegations, options.signed)
    last = f"d{options.delegations:07d}."
    figures = {name: {} for name in names}
    for number in range(options.rounds):
        for name in common.in_turn(names, number):
            read_once(zone)
            server = Loaded(name, zone)
            seconds = server.wait_answer(last)
            pss, rss = server.steady_memory()
            common.note(figures, name, load_s=seconds, pss_mib=pss,
                        rss_mib=rss,
                        octets=pss * 1048576 / options.delegations)
            server.stop()
            print(f"round {number + 1}: {name}: {seconds:.2f} s, "
                  f"{pss:.0f} MiB", file=sys.stderr)
    marks = common.mark_ratio(figures, "a million delegations: load time",
                              "load_s", "knot", MARK_TIME, "most") + \
        common.mark_ratio(figures, "a million delegations: memory", "pss_mib",
                          "knot", MARK_MEMORY, "most")
    common.finish(
        options, f"Load time and memory: {options.delegations:,} delegations",
        [common.table("load", figures, LINES),
         f"{options.delegations:,} delegations"
         f"{', NSEC3 and RRSIG records' if options.signed else ''}, "
         f"{os.path.getsize(zone) / 1e6:.0f} MB of text. Medians of "
         f"{options.rounds} rounds, ± half their spread; one server at a time,"
         f" all {os.cpu_count()} cores."],
        figures, marks if options.delegations == 1000000 and
        not options.signed else [],
        delegations=options.delegations, signed=options.signed)


if __name__ == "__main__":
    main()
