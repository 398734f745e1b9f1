#!/usr/bin/env python3
"""How long after a fault BIRD has lost the routes: many tries of each, with the
median and the worst. Called by 'bench/run withdraw'; times are BIRD's own.

usage: measure_withdraw.py [--tries N] [--million] [--only NAME]

  --tries N    of each row (20)
  --million    also with a zone of a million delegations loaded
  --only NAME  one row: SIGKILL, SIGSEGV, SIGABRT, SIGSTOP, SIGTERM

Settings are the defaults (probe every 200 ms, fall 3), but for the waits
before a route comes back, which are short so that the tries follow each other.
"""
import argparse
import os
import signal
import statistics
import sys
import time

import rct

MILLION = 1000000
READY_S = 300


class Measurement:
    def __init__(self, net, folder, zones, title):
        self.net, self.folder, self.title = net, folder, title
        self.site = rct.Site(net, folder, zones)
        self.rows = []

    def up(self):
        site = self.site
        if site.bird is None:
            site.start_bird()
        if site.nameserver is None or not site.nameserver.is_alive():
            if not site.start_nameserver(READY_S, cores=True):
                site.logs()
                sys.exit("rootcastd does not get ready")
        if site.route is None or not site.route.is_alive():
            site.start_route()
        if not site.announced(60):
            site.logs()
            sys.exit("the routes are not announced")
        time.sleep(0.3)

    def gone(self, since, seconds):
        """When the later of both prefixes went, or None."""
        found = rct.wait_until(
            lambda: self.site.bird.gone(rct.PREFIX4, since) and
            self.site.bird.gone(rct.PREFIX6, since), seconds, 0.05)
        return found and max(self.site.bird.gone(rct.PREFIX4, since),
                             self.site.bird.gone(rct.PREFIX6, since))

    def fault(self, number, tries, bound_ms):
        """The times in ms from the signal to the loss of both routes."""
        times = []
        for _ in range(tries):
            self.up()
            since = time.time()
            self.site.nameserver.signal(number)
            gone = self.gone(since, 10)
            if gone is None:
                self.site.logs()
                sys.exit(f"{signal.Signals(number).name}: not withdrawn")
            times.append((gone - since) * 1000)
            if number == signal.SIGSTOP:
                self.site.nameserver.signal(signal.SIGCONT)
            else:
                self.site.nameserver.wait(60)
            for name in os.listdir(self.folder):
                if name.startswith("core"):
                    os.unlink(os.path.join(self.folder, name))
        self.row(signal.Signals(number).name, times, bound_ms)

    def planned(self, tries):
        """SIGTERM: GRACEFUL_SHUTDOWN, the withdrawal, the last answer."""
        drains, answers = [], []
        for _ in range(tries):
            self.up()
            asker = rct.Asker(self.net)
            time.sleep(0.2)
            since = time.time()
            self.site.nameserver.signal(signal.SIGTERM)
            self.site.nameserver.wait(30)
            asker.stop()
            gone = self.gone(since, 5)
            gshut = self.site.bird.first(f"gshut {rct.PREFIX4}", since)
            if None in (gone, gshut, asker.last):
                self.site.logs()
                sys.exit("SIGTERM: no GRACEFUL_SHUTDOWN or no withdrawal")
            drains.append((gone - gshut) * 1000)
            answers.append((asker.last - gone) * 1000)
        self.row("SIGTERM: GRACEFUL_SHUTDOWN to withdrawal (drain_ms 500)",
                 drains, None)
        self.row("SIGTERM: withdrawal to last answer", answers, None)

    def row(self, name, times, bound_ms):
        self.rows.append((self.title, name, bound_ms, times))
        print(f"{self.title}: {name}: median {statistics.median(times):.1f} "
              f"worst {max(times):.1f} least {min(times):.1f} ms",
              file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(prog="bench/run withdraw")
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--only")
    options = parser.parse_args()
    rct.need("bird", "birdc", "ip", daemons=("rootcastd", "rootcast-routed"))
    net = rct.Net()
    kinds = []
    if rct.root_zone():
        kinds.append(("root zone", rct.zones_with_root))
    else:
        print(f"the root zone is not in {rct.DATA}/root: left out",
              file=sys.stderr)
    if options.million:
        def make(folder):
            zones = os.path.join(folder, "zones")
            os.mkdir(zones)
            rct.made_zone(os.path.join(zones, "root.zone"), MILLION)
            return zones
        kinds.append(("million delegations", make))
    rows = []
    for title, make_zones in kinds:
        folder = rct.scratch()
        measurement = Measurement(net, folder, make_zones(folder), title)
        for number, bound in ((signal.SIGKILL, 50), (signal.SIGSEGV, 50),
                              (signal.SIGABRT, 50), (signal.SIGSTOP, 1000)):
            if options.only in (None, signal.Signals(number).name):
                measurement.fault(number, options.tries, bound)
        if options.only in (None, "SIGTERM"):
            measurement.planned(options.tries)
        rct.end_everything()
        rows += measurement.rows
    print("| zone | event at rootcastd | required (ms) | median (ms) | "
          "worst (ms) |")
    print("| --- | --- | ---: | ---: | ---: |")
    missed = 0
    for title, name, bound, times in rows:
        worst = max(times)
        missed += bound is not None and worst > bound
        print(f"| {title} | {name} | {bound or ''} | "
              f"{statistics.median(times):.1f} | {worst:.1f} |")
    print(f"\n{options.tries} tries each; times from the signal to BIRD's own "
          "log, both prefixes gone.")
    sys.exit(1 if missed else 0)


main()
