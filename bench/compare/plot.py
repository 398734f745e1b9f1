#!/usr/bin/env python3
"""Replies, and the 99th percentile of their latency, against offered load: root
mix over UDP sockets, drawn as SVG. Called by bench/run, which see.

Rates are shares of what the best of the measured manages; queries leave by the
clock, so past its limit a server loses what it cannot answer. What is drawn as
offered is what the sender has really sent. All servers are started once and
stand idle but for the one that is asked.
"""
import os
import statistics
import sys

import common
import svg

PROBE_S = 1.0
SHARES = (0.05, 0.15, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15)
COLOURS = {"nsd": "#c2571a", "knot": "#1b7f4b", "rootcast": "#2456a6",
           "reflector": "#888888"}


def points(figures, name, key, scale):
    """[(offered, median, least, greatest)] in thousands and scaled."""
    made = []
    for rounds in figures[name].values():
        values = [value * scale for value in rounds[key]]
        made.append((statistics.median(rounds["offered_per_s"]) / 1e3,
                     statistics.median(values), min(values), max(values)))
    return sorted(made)


def draw(path, figures, zone, options):
    names = list(figures)
    note = (f"root mix ({zone}), UDP over loopback, one core a server; "
            f"medians of {options.rounds} rounds of {options.seconds:g} s")
    svg.write(path, "Replies and latency against offered load", note, [
        svg.Panel("offered, thousand queries/s", "thousand replies/s", False,
                  {name: points(figures, name, "replies_per_s", 1e-3)
                   for name in names}, diagonal=True),
        svg.Panel("offered, thousand queries/s", "p99, ms", True,
                  {name: points(figures, name, "p99_us", 1e-3)
                   for name in names}),
    ], COLOURS)


@common.guarded
def main():
    parser = common.parser("plot", seconds=0.6,
                           names=common.SERVERS + (common.LIMIT,))
    parser.add_argument("--zone", help="instead of the root zone")
    parser.add_argument("--svg",
                        default=os.path.join(common.OUTPUT, "plot.svg"))
    options = parser.parse_args()
    common.start(options)
    zone = common.find_zone(options.zone)
    _, most = common.capacity(options.names, zone, zone, options, PROBE_S)
    rates = [round(most * share, -2) for share in SHARES]
    figures = {name: {} for name in options.names}
    servers = {}
    for name in options.names:
        servers[name] = common.Server(name, zone)
        servers[name].wait_ready(zone)
    for number in range(options.rounds):
        for rate in rates:
            for name in common.in_turn(options.names, number):
                common.note(figures[name], f"{rate:.0f}", **common.ask_rate(
                    servers[name], zone, options, rate))
        print(f"round {number + 1}", file=sys.stderr)
    common.stop_all()
    draw(options.svg, figures, os.path.basename(zone), options)
    rows = []
    for rate in rates:
        row = [f"{rate:,.0f}"]
        for name in options.names:
            rounds = figures[name][f"{rate:.0f}"]
            row.append(
                f"{statistics.median(rounds['replies_per_s']):,.0f} of "
                f"{statistics.median(rounds['offered_per_s']):,.0f}; "
                f"{statistics.median(rounds['p99_us']):,.0f}")
        rows.append(row)
    common.finish(
        options, "Replies against offered load",
        [common.grid(["queries/s wanted"] +
                     [f"{name}: replies/s of sent/s; p99 us"
                      for name in options.names], rows),
         f"{common.how_long(options)} Drawn in "
         f"{os.path.relpath(options.svg, common.ROOT)}."],
        figures, zone=os.path.basename(zone))


if __name__ == "__main__":
    main()
