#!/usr/bin/env python3
"""Nanoseconds a call of each stage, in process. Called by bench/run, which see.

The programs of bench/micro, pinned to CPU 0, each round a fresh process; the
mark is 'all, compiled' of bench_answer: one reply of the root mix parsed,
looked up and written.
"""
import os
import re
import subprocess
import sys

import common

MARK_NS = 300
REPLY = "all, compiled"
PROGRAMS = {"bench_answer": True,       # does it take the zone?
            "bench_lookup": False, "bench_master_file": False}
STAGE = re.compile(r"^(\S.*?)(?:\s{2,}|:\s)(.*)")
TIME = re.compile(r"(?:(\w+) )?([\d.]+) (ns|us)\b")


def stages(program, zone):
    """{stage: ns} of one run."""
    result = subprocess.run(
        common.pin(0) + [f"{common.BIN}/{program}"] +
        ([zone] if PROGRAMS[program] else []),
        capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SystemExit(f"{program}: {result.stderr.strip()}")
    found = {}
    for line in result.stdout.splitlines():
        stage = STAGE.match(line)
        for word, number, unit in TIME.findall(stage.group(2)) if stage else ():
            name = f"{stage.group(1)} {word}".strip()
            found[name] = float(number) * (1000 if unit == "us" else 1)
    return found


@common.guarded
def main():
    parser = common.parser("micro", names=tuple(PROGRAMS))
    parser.add_argument("--zone", help="instead of the root zone")
    options = parser.parse_args()
    common.start(options)
    zone = common.find_zone(options.zone)
    figures = {}
    for number in range(options.rounds):
        for program in common.in_turn(options.names, number):
            common.note(figures, program, **stages(program, zone))
        print(f"round {number + 1}", file=sys.stderr)
    rows = [[f"{program}: {stage}",
             f"{common.median(figures, program, stage):.1f}",
             f"{min(values):.1f} to {max(values):.1f}"]
            for program in figures
            for stage, values in figures[program].items()]
    marks = []
    if REPLY in figures.get("bench_answer", {}):
        marks.append(common.mark_of(
            "parse, look up and write one root-mix reply, in process (ns)",
            figures["bench_answer"][REPLY], MARK_NS, "most"))
    common.finish(
        options, "Nanoseconds a call",
        [common.grid(["stage", "ns", "spread"], rows),
         f"Medians of {options.rounds} processes, each the median of its own "
         f"rounds, on CPU 0. Zone: {os.path.basename(zone)}."],
        figures, marks, zone=os.path.basename(zone))


if __name__ == "__main__":
    main()
