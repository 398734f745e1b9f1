#!/usr/bin/env python3
"""Every row, one after the other, and what they say put together. Called by
bench/run, which see.

Each row is a program of its own: one that fails, or cannot run here, is said
and does not stop the others. build/bench/all.json keeps every row's JSON,
build/bench/all.md its tables; the marks of all rows stand at the end.
"""
import argparse
import json
import os
import subprocess
import sys
import time

import common

# Rows in their order: those that decide first.
ROWS = ("micro", "udp", "xdp", "tcp", "load", "change", "reload", "latency",
        "plot", "positive", "nsec3", "delegations", "zones", "growth")


def program(row):
    return os.path.join(common.ROOT, "bench", "compare", f"{row}.py")


def run_row(row, options):
    """(the row's JSON, or None; seconds; exit status)"""
    path = os.path.join(common.OUTPUT, f"{row}.json")
    if os.path.exists(path):
        os.unlink(path)
    command = [sys.executable, program(row)]
    if options.rounds is not None:
        command += ["--rounds", str(options.rounds)]
    if options.seconds is not None:
        command += ["--seconds", str(options.seconds)]
    begin = time.monotonic()
    status = subprocess.run(command, check=False, env={
        **os.environ, "ROOTCAST_BENCH_ALL": "1"}).returncode
    try:
        with open(path, encoding="utf-8") as file:
            told = json.load(file)
    except (OSError, ValueError):
        told = None
    return told, time.monotonic() - begin, status


def main():
    parser = argparse.ArgumentParser(prog="bench/run")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", "--duration", type=float)
    parser.add_argument("--only", metavar="ROW,ROW...",
                        help=f"some of {', '.join(ROWS)}")
    options = parser.parse_args()
    rows = options.only.split(",") if options.only else ROWS
    for row in rows:
        if row not in ROWS:
            raise SystemExit(f"bench/run: no row '{row}': {', '.join(ROWS)}")
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"warning: something else runs here (load {load:.1f}): compare "
              "ratios only", file=sys.stderr)
    os.makedirs(common.OUTPUT, exist_ok=True)
    told, trouble = {}, []
    for row in rows:
        print(f"-- {row}", file=sys.stderr, flush=True)
        result, seconds, status = run_row(row, options)
        if result is not None:
            result["took_s"] = seconds
            told[row] = result
        if status != 0:
            trouble.append(f"{row}: exit status {status}" +
                           ("" if result else ", no figures"))
        if status == 130:
            raise SystemExit(130)
    marks = [mark for result in told.values() for mark in result["marks"]]
    text = [f"## {result['title']}\n\n{result['text']}"
            for result in told.values()]
    text.append("## Marks\n\n" + common.marks_table(marks))
    text += [f"Not measured: {line}" for line in trouble]
    with open(os.path.join(common.OUTPUT, "all.md"), "w",
              encoding="utf-8") as file:
        file.write("\n\n".join(text) + "\n")
    with open(os.path.join(common.OUTPUT, "all.json"), "w",
              encoding="utf-8") as file:
        json.dump({"cpus": os.cpu_count(), "load_before": load,
                   "trouble": trouble, "marks": marks, "rows": told}, file,
                  indent=1)
    print("\n\n".join(text[len(told):]))
    missed = sum(not mark["pass"] for mark in marks)
    print(f"\n{len(marks)} marks, {missed} missed; "
          f"{sum(result['took_s'] for result in told.values()):.0f} s. Tables: "
          f"{os.path.relpath(common.OUTPUT)}/all.md, figures: all.json")
    if trouble:
        sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
