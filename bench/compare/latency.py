#!/usr/bin/env python3
"""Latency of the root mix at half load: every server at one steady rate, half
of what the slowest nameserver manages. Called by bench/run, which see.

The sender sends by the clock whatever comes back, and its own part is in every
figure: the reflector's are the least that can be seen.
"""
import os
import sys

import common

PROBE_S = 1.0
LINES = tuple(common.Line(f"{title} (us)", key, "{:,.0f}", False)
              for title, key in (("p10", "p10_us"), ("p50", "p50_us"),
                                 ("p90", "p90_us"), ("p99", "p99_us"),
                                 ("p99.9", "p999_us"))) + (
    common.Line("mean (us)", "mean_us", "{:,.0f}", False),
    common.Line("greatest (us)", "max_us", "{:,.0f}"),
    common.Line("queries/s sent", "offered_per_s", "{:,.0f}"),
    common.Line("share lost", "lost_share", "{:.4f}"),
    common.Line("wrong replies", "wrong", "{:,.0f}"),
)


@common.guarded
def main():
    parser = common.parser("latency", seconds=3,
                           names=common.SERVERS + (common.LIMIT,))
    parser.add_argument("--zone", help="instead of the root zone")
    parser.add_argument("--rate", type=float,
                        help="queries a second, instead of half load")
    options = parser.parse_args()
    common.start(options)
    zone = common.find_zone(options.zone)
    rate = options.rate
    if rate is None:
        least, _ = common.capacity(
            [name for name in options.names if name != common.LIMIT] or
            options.names, zone, zone, options, PROBE_S)
        rate = least / 2
    figures = {name: {} for name in options.names}
    for number in range(options.rounds):
        for name in common.in_turn(options.names, number):
            server = common.Server(name, zone)
            server.wait_ready(zone)
            figure = common.ask_rate(server, zone, options, rate)
            server.stop()
            common.note(figures, name, **figure)
            print(f"round {number + 1}: {name}: p50 {figure['p50_us']:.0f} "
                  f"p99 {figure['p99_us']:.0f} us", file=sys.stderr)
    common.finish(
        options, f"Latency at half load: {rate:,.0f} queries/s",
        [common.table("latency, root mix", figures, LINES),
         "\n".join([common.how_long(options),
                    f"Zone: {os.path.basename(zone)}."])],
        figures, zone=os.path.basename(zone), rate=rate)


if __name__ == "__main__":
    main()
