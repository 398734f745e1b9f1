#!/usr/bin/env python3
"""A zone of a million delegations is loaded anew while the server answers.
Called by bench/run, which see.

Server on CPU 0, with all its threads, sender on CPU 1: the load takes the
processor from the answers. Every server is asked for the same time twice, at
half load (by the clock: latency) and at full load (replies a second), each
without a reload first and then with one, which begins half a second after the
start. Each server is told in its own way: Rootcast finds the new file in its
folder, Knot DNS gets `knotc zone-reload`, NSD SIGHUP. A reload that is not over
when the time is up is said, and its figures are those of the reload's first
part.
"""
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import common
import load

BEGIN_S = 0.5
CAPACITY_S = 1.0
RRTYPE_SOA = 6
SERIAL_FROM_END = 20


def second_version(path):
    """The same zone with serial 2; made once."""
    other = path.replace(".zone", "-2.zone")
    if not os.path.exists(other):
        with open(path, encoding="ascii") as source, \
                open(other + ".part", "w", encoding="ascii") as target:
            first = source.readline()
            if " 1 1800 " not in first:
                raise SystemExit(f"{path}: no SOA with serial 1 at its head")
            target.write(first.replace(" 1 1800 ", " 2 1800 "))
            shutil.copyfileobj(source, target, 1 << 20)
        os.rename(other + ".part", other)
    return other


class Reloaded(common.Server):
    """A server whose zone file can be put in place of another."""

    def __init__(self, name, first, second):
        # Of its own: it is renamed over.
        self.path = os.path.join(common.OUTPUT, f"reload-{name}",
                                 "registry.zone")
        shutil.rmtree(os.path.dirname(self.path), ignore_errors=True)
        os.makedirs(os.path.dirname(self.path))
        os.link(first, self.path)
        self.second = second
        super().__init__(name, self.path)

    def reload(self):
        os.link(self.second, self.path + ".new")
        os.rename(self.path + ".new", self.path)
        if self.name == "nsd":
            self.process.send_signal(signal.SIGHUP)
        elif self.name == "knot":
            subprocess.run(
                ["/usr/sbin/knotc", "-s", f"{self.folder}/knot.sock",
                 "zone-reload", "."], check=True, capture_output=True)

    def serial(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", self.port))
            client.settimeout(0.5)
            try:
                client.send(common.question(".", RRTYPE_SOA, 1))
                reply = client.recv(4096)
            except OSError:
                return None
        # Nothing follows the SOA in its own answer.
        return struct.unpack("!I", reply[-SERIAL_FROM_END:][:4])[0] \
            if len(reply) > SERIAL_FROM_END else None

    def stop(self):
        super().stop()
        shutil.rmtree(os.path.dirname(self.path), ignore_errors=True)


def watch(server, seconds, told):
    """Begin the reload, and note how long it took."""
    time.sleep(BEGIN_S)
    begin = time.monotonic()
    server.reload()
    while time.monotonic() - begin < seconds - BEGIN_S:
        if server.serial() == 2:
            told["reload_s"] = time.monotonic() - begin
            return
        time.sleep(0.05)


def ask(server, queries, how, seconds, with_reload):
    told = {}
    watcher = threading.Thread(target=watch, args=(server, seconds, told))
    if with_reload:
        watcher.start()
    figure = server.ask(queries, *how, "--sockets", str(common.SOCKETS),
                        "--duration", str(seconds), "--loss-is-fine",
                        "--timeout-ms", "2000")
    if with_reload:
        watcher.join()
    return figure, told.get("reload_s")


def measure(name, first, second, how, options):
    """{figure: value} of one server at one load."""
    server = Reloaded(name, first, second)
    server.wait_ready(first)
    before, _ = ask(server, first, how, options.seconds, False)
    during, took = ask(server, first, how, options.seconds, True)
    server.stop()
    return {"before_p50_us": before["p50_us"], "p50_us": during["p50_us"],
            "before_p99_us": before["p99_us"], "p99_us": during["p99_us"],
            "before_p999_us": before["p999_us"], "p999_us": during["p999_us"],
            "gap_ms": during["longest_gap_us"] / 1000,
            "replies_before": before["replies_per_s"],
            "replies_during": during["replies_per_s"],
            "lost": during["lost"], "wrong": during["wrong"],
            "reload_s": took if took is not None else options.seconds,
            "unfinished": int(took is None)}


def lines(is_half):
    if is_half:
        first = tuple(
            common.Line(f"{title} (us), {when}", prefix + key, "{:,.0f}",
                        False)
            for title, key in (("p50", "p50_us"), ("p99", "p99_us"),
                               ("p99.9", "p999_us"))
            for when, prefix in (("before", "before_"), ("during", "")))
    else:
        first = (common.Line("replies/s, before", "replies_before", "{:,.0f}",
                             True),
                 common.Line("replies/s, during", "replies_during", "{:,.0f}",
                             True))
    return first + (
        common.Line("longest time without a reply (ms)", "gap_ms", "{:,.1f}",
                    False),
        common.Line("the new version answers after (s)", "reload_s", "{:.1f}",
                    False),
        common.Line("rounds in which the time was too short", "unfinished",
                    "{:.0f}"),
        common.Line("lost queries", "lost", "{:,.0f}"),
        common.Line("wrong replies", "wrong", "{:,.0f}"))


@common.guarded
def main():
    parser = common.parser("reload", rounds=3, seconds=15)
    parser.add_argument("--delegations", type=int, default=1000000)
    options = parser.parse_args()
    common.start(options)
    first = load.make_zone(options.delegations, False)
    second = second_version(first)
    least, _ = common.capacity(options.names, first, first, options,
                               CAPACITY_S)
    loads = {"half load": ["--rate", f"{least / 2:.0f}"],
             "full load": ["--window", str(options.window), "--spin"]}
    figures = {title: {name: {} for name in options.names} for title in loads}
    for number in range(options.rounds):
        for title, how in loads.items():
            for name in common.in_turn(options.names, number):
                figure = measure(name, first, second, how, options)
                common.note(figures[title], name, **figure)
                print(f"round {number + 1}: {title}: {name}: p99 "
                      f"{figure['before_p99_us']:.0f} -> "
                      f"{figure['p99_us']:.0f} us, {figure['lost']} lost",
                      file=sys.stderr)
    lost = [value for title in loads
            for value in figures[title].get("rootcast", {}).get("lost", [])]
    common.finish(
        options, f"A reload of {options.delegations:,} delegations under load",
        [common.table(title, figures[title], lines(title == "half load"))
         for title in loads] +
        [f"Half load: {least / 2:,.0f} queries/s. {options.rounds} rounds of "
         f"{options.seconds:g} s, one server at a time with all its threads on "
         "CPU 0, the sender on CPU 1."],
        figures,
        [common.mark_of("a reload under full load: queries lost, each round",
                        lost, 0, "most")] if lost else [],
        delegations=options.delegations, rate=least / 2)


if __name__ == "__main__":
    main()
