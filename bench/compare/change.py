#!/usr/bin/env python3
"""Records changed in a zone of a million delegations: how soon is the new
version published? Called by bench/run, which see.

In process (load/change.c), through the interface that incremental transfer
uses, while another thread asks without a pause and judges every reply. The cost
grows with what changes, not with the zone: so the same for 1, 10, 100 and 1,000
records, and for zones of 10,000 and 100,000 delegations. Peers have nothing
that could be called the same way: their figures are not here.
"""
import json
import subprocess
import sys

import common
import load

MARK_MS = 50
MILLION = 1000000
# (delegations, records changed, how often)
CASES = ((MILLION, 1, 2000), (MILLION, 10, 1000), (MILLION, 100, 500),
         (MILLION, 1000, 100), (MILLION // 10, 1, 2000),
         (MILLION // 100, 1, 2000))


def run(delegations, records, changes):
    zone = load.make_zone(delegations, False)
    result = subprocess.run(
        [f"{common.BIN}/change", zone, str(records), str(changes)],
        capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SystemExit(result.stderr.strip())
    return json.loads(result.stdout)


@common.guarded
def main():
    parser = common.parser("change", rounds=3, names=("rootcast",))
    options = parser.parse_args()
    common.start(options)
    figures = {}
    for number in range(options.rounds):
        for delegations, records, changes in CASES:
            told = run(delegations, records, changes)
            common.note(figures, f"{delegations:,} delegations, {records:,} "
                        "changed", **told)
        print(f"round {number + 1}", file=sys.stderr)
    rows = [[case] + [form.format(common.median(figures, case, key))
                      for key, form in (("median_us", "{:,.0f}"),
                                        ("p99_us", "{:,.0f}"))] +
            [f"{max(figures[case]['worst_us']):,.0f}",
             f"{sum(figures[case]['queries']):,}",
             f"{sum(figures[case]['lost']):,}",
             f"{sum(figures[case]['wrong']):,}"] for case in figures]
    one = figures[f"{MILLION:,} delegations, 1 changed"]
    lost = sum(sum(values["lost"]) for values in figures.values())
    marks = [common.mark_of(
        "one record changed in a zone of a million delegations: published "
        "after (ms), the worst of each round",
        [value / 1000 for value in one["worst_us"]], MARK_MS, "most"),
        common.mark_of("queries lost meanwhile", [lost], 0, "most")]
    common.finish(
        options, "Records changed in a zone",
        [common.grid(["zone, records changed", "median (us)", "p99 (us)",
                      "worst (us)", "queries meanwhile", "lost", "wrong"],
                     rows),
         f"{options.rounds} rounds; from the first call of the writer to the "
         "return of publishing, the SOA's serial in every change too. A reply "
         "that brings a change that was over before the query began counts as "
         "wrong."],
        figures, marks)


if __name__ == "__main__":
    main()
