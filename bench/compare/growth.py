#!/usr/bin/env python3
"""Growth with the number of zones, of names, and of workers. Called by
bench/run, which see.

All servers of a size are started once and stand idle but for the one that is
asked; queries go over all zones and names at random.

Workers: n workers have n cores, the sender CPU 1. With more than two cores
there are as many workers as leave the sender one; with two, the second worker
shares the sender's core, so that the sum cannot grow much. What two cores show
is whether a reply costs more CPU where there are two workers.
"""
import os
import statistics
import sys

import common
import made

ZONES = (1, 10, 100, 1000, 10000)
NAMES = (1000, 10000, 100000, 1000000)
PARTS = ("zones", "names", "workers")


def worker_counts():
    cores = os.cpu_count()
    return [1] + [n for n in (2, 4, 8, 16) if n <= max(2, cores - 1)]


def sizes(part, options):
    """(size, zones, queries, workers, cores) of each step."""
    if part == "zones":
        for count in ZONES:
            if count <= options.most_zones:
                yield (count, made.many_zones(count),
                       made.query_list(f"zones-{count}", made.in_many(count)),
                       1, 0)
    elif part == "names":
        for count in NAMES:
            if count <= options.most_names:
                yield (count, made.plain_zone(count),
                       made.query_list(f"names-{count}", made.in_plain(count)),
                       1, 0)
    else:
        zone = common.find_zone()
        for count in worker_counts():
            cores = ",".join(str(n) for n in range(count + 1)
                             if n != 1 or os.cpu_count() == 2)
            yield count, zone, zone, count, cores if count > 1 else 0


def table(part, figures):
    """One line a size."""
    some = next(iter(figures.values()))
    names = list(some)
    rows = []
    for size, figure in figures.items():
        row = [f"{int(size):,}"]
        for key, form in (("replies_per_s", "{:,.0f}"), ("cpu_us", "{:.2f}"),
                          ("pss_mib", "{:,.0f}")):
            row += [form.format(statistics.median(figure[name][key]))
                    for name in names]
        row += [common.ratio_cell(figure, "replies_per_s", common.better_peer(
            figure, "replies_per_s", True))] if "rootcast" in names else []
        rows.append(row)
    head = [part] + [f"{name}: {what}" for what in
                     ("replies/s", "CPU us", "MiB") for name in names]
    if "rootcast" in names:
        head.append("replies/s, Rootcast / better peer")
    return common.grid(head, rows)


@common.guarded
def main():
    parser = common.parser("growth", seconds=1, names=common.SERVERS + PARTS)
    parser.add_argument("--most-zones", type=int, default=ZONES[-1])
    parser.add_argument("--most-names", type=int, default=NAMES[-1])
    options = parser.parse_args()
    common.start(options)
    names = [n for n in common.SERVERS if n in options.names] or \
        list(common.SERVERS)
    parts = [part for part in PARTS if part in options.names] or list(PARTS)
    figures = {}
    for part in parts:
        figures[part] = {}
        for size, zones, queries, workers, cores in sizes(part, options):
            print(f"{part}: {size}", file=sys.stderr)
            figures[part][str(size)] = common.measure_full(
                names, zones, queries, options, restart=False,
                workers=workers, cores=cores)
    text = [table(part, figures[part]) for part in parts]
    if "workers" in parts and os.cpu_count() == 2:
        text.append("Two cores: the second worker shares CPU 1 with the "
                    "sender, so the sum of both cannot show what a second core "
                    "would add; CPU a reply shows whether workers get in each "
                    "other's way.")
    common.finish(options, "Growth", text + [common.how_long(options)],
                  figures)


if __name__ == "__main__":
    main()
