#!/usr/bin/env python3
"""Root mix over UDP sockets: NSD, Knot DNS, Rootcast and the reflector at full
load. Called by bench/run, which see."""
import os

import common

MARK_PEER, MARK_LIMIT = 0.85, 1.12


@common.guarded
def main():
    parser = common.parser("udp", names=common.SERVERS + (common.LIMIT,))
    parser.add_argument("--zone", help="instead of the root zone")
    options = parser.parse_args()
    common.start(options)
    zone = common.find_zone(options.zone)
    samples = common.Samples()
    figures = common.measure_full(options.names, zone, zone, options, samples)
    marks = common.mark_ratio(figures, "UDP socket, root mix: CPU a reply",
                              "cpu_us", "better", MARK_PEER, "most") + \
        common.mark_ratio(figures, "UDP socket, root mix: CPU a reply",
                          "cpu_us", common.LIMIT, MARK_LIMIT, "most")
    common.finish(
        options, "Root mix over UDP sockets",
        [common.table("UDP, root mix", figures),
         "\n".join(samples.lines() + common.sender_lines(figures) +
                   [common.how_long(options),
                    f"Zone: {os.path.basename(zone)}."])],
        figures, marks, zone=os.path.basename(zone), window=options.window,
        samples=samples.compare())


if __name__ == "__main__":
    main()
