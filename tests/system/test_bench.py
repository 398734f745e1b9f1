#!/usr/bin/env python3
"""bench/: rows run, and what they say cannot flatter: a reply that differs is
told, a missed mark is a missed mark, a wrong reply counts nowhere. Short: the
figures themselves are worth nothing here.
"""
import json
import os
import shutil
import struct
import subprocess
import sys
import xml.etree.ElementTree

import rct

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(rct.ROOT, "bench", "compare"))
import common  # noqa: E402 the folder is named above
import svg  # noqa: E402

SECONDS = "0.3"


def reply(address, compressed=True, ttl=60, order=(0, 1)):
    """www.example. A, in two records, one of them as given."""
    name = b"\3www\7example\0"
    owner = b"\xc0\x0c" if compressed else name
    records = [owner + struct.pack("!HHIH", 1, 1, ttl, 4) + bytes(data)
               for data in (address, (192, 0, 2, 99))]
    return (struct.pack("!6H", 7, 0x8400, 1, 2, 0, 0) + name +
            struct.pack("!HH", 1, 1) + b"".join(records[i] for i in order))


def compare(ours, theirs):
    samples = common.Samples()
    samples.replies["rootcast"] = {"0 www": ours}
    samples.replies["nsd"] = {"0 www": theirs}
    return samples.compare()


def test_samples(totals):
    ours = reply((192, 0, 2, 1))
    for name, theirs, same in (
            ("the same reply", reply((192, 0, 2, 1)), 1),
            ("other compression", reply((192, 0, 2, 1), False), 1),
            ("another order", reply((192, 0, 2, 1), order=(1, 0)), 1),
            ("another address", reply((192, 0, 2, 2)), 0),
            ("another TTL", reply((192, 0, 2, 1), ttl=61), 0),
            ("other flags", b"\0\7\x80" + reply((192, 0, 2, 1))[3:], 0)):
        told = compare(ours, theirs)
        totals.check(f"samples: {name}",
                     told["same_as_one"] == same and
                     len(told["different"]) == 1 - same, str(told))


def test_marks(totals):
    figures = {"nsd": {"cpu_us": [4, 4, 4]}, "knot": {"cpu_us": [5, 5, 5]},
               "rootcast": {"cpu_us": [3, 3.6, 2]}}
    mark, = common.mark_ratio(figures, "x", "cpu_us", "better", 0.85, "most")
    totals.check("marks: the median, to the better peer",
                 mark["value"] == 0.75 and mark["pass"] and
                 mark["what"].endswith("nsd") and
                 (mark["low"], mark["high"]) == (0.5, 0.9), str(mark))
    mark, = common.mark_ratio(figures, "x", "cpu_us", "better", 0.7, "most")
    totals.check("marks: one that is missed is missed",
                 not mark["pass"] and "FAIL" in common.mark_line(mark))
    totals.check("marks: none where the peers were not measured",
                 common.mark_ratio({"rootcast": figures["rootcast"]}, "x",
                                   "cpu_us", "better", 0.85, "most") == [])


def test_svg(totals, folder):
    path = os.path.join(folder, "plot.svg")
    series = {"nsd": [(0, 0, 0, 0), (50, 40, 30, 45)],
              "rootcast": [(10, 10, 9, 11)]}
    svg.write(path, "a < b", "note", [
        svg.Panel("x", "y", False, series, diagonal=True),
        svg.Panel("x", "log y", True, series)], {})
    tree = xml.etree.ElementTree.parse(path)
    lines = [element for element in tree.iter()
             if element.tag.endswith("polyline")]
    totals.check("svg: well-formed, a line a series and panel",
                 len(lines) == 4, str(len(lines)))


def test_wrong(totals, folder, zone):
    """What is answered as it should not be counts as wrong alone."""
    wrong = os.path.join(folder, "wrong.queries")
    with open(wrong, "w", encoding="ascii") as file:
        file.write("no-such-name-here-7. A 0\n")
    server = common.Server("rootcast", zone)
    server.wait_ready(zone)
    told = server.ask(["--list", wrong], "--window", "8", "--duration", "0.1",
                      "--timeout-ms", "100", "--loss-is-fine")
    server.stop()
    totals.check("sender: another RCODE is wrong, and no reply",
                 told["wrong"] > 0 and told["replies_per_s"] == 0, str(told))


def run_row(row, folder, *arguments):
    path = os.path.join(folder, f"{row}.json")
    result = subprocess.run(
        [sys.executable, os.path.join(rct.ROOT, "bench", "compare",
                                      f"{row}.py"),
         "--rounds", "1", "--seconds", SECONDS, "--json", path, *arguments],
        capture_output=True, text=True, check=False)
    if result.returncode != 0:
        return None, result.stderr[-1000:]
    with open(path, encoding="utf-8") as file:
        return json.load(file), result.stdout


def test_row(totals, row, told, output, marks):
    if not totals.check(f"{row}: runs", told is not None, output if told is
                        None else ""):
        return
    figures = told["figures"]
    totals.check(f"{row}: every server was measured",
                 all(figures[name]["replies_per_s"][0] > 0
                     for name in common.SERVERS + (common.LIMIT,)),
                 str(sorted(figures)))
    totals.check(f"{row}: no wrong reply",
                 not common.wrong_replies(figures))
    totals.check(f"{row}: replies compared whole, and the same as a peer's",
                 told["samples"]["samples"] > 0 and
                 not told["samples"]["different"],
                 str(told["samples"])[:500])
    totals.check(f"{row}: {marks} marks, printed",
                 len(told["marks"]) == marks and
                 all(common.mark_line(mark) in output
                     for mark in told["marks"]))


def main():
    rct.need("taskset", root=False, daemons=("rootcastd", "sender",
                                             "reflector"))
    totals = rct.Totals()
    folder = rct.scratch()
    test_samples(totals)
    test_marks(totals)
    test_svg(totals, folder)
    common.atexit.register(common.stop_all)
    zone = common.find_zone()
    test_wrong(totals, folder, zone)
    if all(os.access(path, os.X_OK) for path in ("/usr/sbin/nsd",
                                                 "/usr/sbin/knotd")):
        test_row(totals, "udp", *run_row("udp", folder), 2)
        if shutil.which("ldns-signzone"):
            test_row(totals, "nsec3", *run_row("nsec3", folder), 0)
        else:
            totals.skip("nsec3", "ldns-signzone is not installed")
    else:
        totals.skip("udp, nsec3", "NSD or Knot DNS is not installed")
    totals.finish()


main()
