#!/usr/bin/env python3
"""NSD, Knot DNS and Rootcast beside each other: the same zone, the same core,
the same queries, in turn, in one run. Called by bench/run, which see.

One server runs at a time, pinned to CPU 0; the sender has CPU 1. In each round
each server is started afresh (load time: from its start to the first right
answer), asked at full load (replies a second, CPU a reply, memory afterwards) and
stopped. Then all are asked once more, round by round, at one common rate: half
of what the slowest of them managed (latency). Every figure is the median of the
rounds, its spread beside it in the JSON.

CPU a reply: the machine's busy time less the sender's own, divided by the right
replies, so that the kernel's work for the server counts wherever it is done.
"""
import argparse
import atexit
import ctypes
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BIN = os.environ.get("ROOTCAST_BIN", os.path.join(ROOT, "build", "bin"))
DATA = os.environ.get("ROOTCAST_SHARED_DATA",
                      os.path.join(ROOT, "..", "shared", "data"))
SERVERS = ("nsd", "knot", "rootcast")
MADE_DELEGATIONS = 1450     # about the root's, where the root is not there
LOAD_LIMIT_S = 300
LIBC = ctypes.CDLL(None, use_errno=True)
KCMP = 312 if os.uname().machine == "x86_64" else 272   # asm-generic/unistd.h
KCMP_VM = 1
SOCKETS = 8                 # source ports of the sender
WINDOW = 400


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def command_nsd(folder, zone, port):
    """As nsd.conf(5) and the manual's chapter on tuning advise: one server
    process on the one core, SO_REUSEPORT, large socket buffers, no round
    robin, no rate limit, no database file."""
    write(f"{folder}/nsd.conf", f"""
server:
	server-count: 1
	ip-address: 127.0.0.1@{port}
	reuseport: yes
	receive-buffer-size: 4194304
	send-buffer-size: 4194304
	tcp-count: 100
	minimal-responses: yes
	round-robin: no
	rrl-ratelimit: 0
	rrl-whitelist-ratelimit: 0
	ipv4-edns-size: 1232
	database: ""
	username: ""
	zonesdir: "{folder}"
	pidfile: "{folder}/nsd.pid"
	xfrdfile: "{folder}/xfrd.state"
	xfrdir: "{folder}"
	zonelistfile: "{folder}/zone.list"
	logfile: "{folder}/nsd.log"
	verbosity: 0
remote-control:
	control-enable: no
zone:
	name: "."
	zonefile: "{zone}"
""")
    return ["/usr/sbin/nsd", "-d", "-c", f"{folder}/nsd.conf"]


def command_knot(folder, zone, port):
    """As knot.conf(5) and the manual's chapter on performance advise: one UDP
    worker on the one core, no journal, no modules, no rotation."""
    write(f"{folder}/knot.conf", f"""
server:
    rundir: "{folder}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    tcp-reuseport: on
    udp-max-payload: 1232
    answer-rotation: off
database:
    storage: "{folder}"
template:
  - id: default
    storage: "{folder}"
    journal-content: none
    zonefile-sync: -1
    semantic-checks: off
zone:
  - domain: .
    file: "{zone}"
log:
  - target: stderr
    any: error
""")
    return ["/usr/sbin/knotd", "-c", f"{folder}/knot.conf"]


def command_rootcast(folder, zone, port):
    """One worker, everything else as it comes."""
    zones = f"{folder}/zones"
    os.makedirs(zones, exist_ok=True)
    link = f"{zones}/root.zone"
    if not os.path.lexists(link):
        os.symlink(zone, link)
    return [f"{BIN}/rootcastd", "--zones", zones, "--listen",
            f"127.0.0.1@{port}", "--workers", "1", "--control",
            f"{folder}/server.sock"]


def command_reflector(_folder, _zone, port):
    return [f"{BIN}/reflector", f"127.0.0.1@{port}"]


COMMANDS = {"nsd": command_nsd, "knot": command_knot,
            "rootcast": command_rootcast, "reflector": command_reflector}
RUNNING = []


def pin(core):
    return ["taskset", "-c", str(core)] if os.cpu_count() > 1 else []


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def share_memory(one, other):
    """Do two processes live in one address space (clone(2), CLONE_VM), as
    rootcastd and its memory keeper do? Nothing is mapped twice then."""
    return LIBC.syscall(KCMP, one, other, KCMP_VM, 0, 0) == 0


class Server:
    """One server process tree, in a folder and a session of its own."""

    def __init__(self, name, zone):
        self.name = name
        self.folder = tempfile.mkdtemp(prefix=f"rootcast-bench-{name}-")
        self.port = free_port()
        RUNNING.append(self)
        with open(f"{self.folder}/output", "wb") as log:
            self.started = time.clock_gettime(time.CLOCK_MONOTONIC)
            self.process = subprocess.Popen(
                pin(0) + COMMANDS[name](self.folder, zone, self.port),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.folder, start_new_session=True)

    def pids(self):
        """Every process of its session."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    if os.getsid(int(entry)) == self.process.pid:
                        found.append(int(entry))
                except OSError:
                    pass
        return found

    def memory(self):
        """(PSS, RSS) in MiB, summed over its address spaces."""
        pss = rss = 0
        pids = self.pids()
        for pid in [pid for at, pid in enumerate(pids)
                    if not any(share_memory(pid, other)
                               for other in pids[:at])]:
            try:
                with open(f"/proc/{pid}/smaps_rollup",
                          encoding="ascii") as file:
                    for line in file:
                        if line.startswith("Pss:"):
                            pss += int(line.split()[1])
                        elif line.startswith("Rss:"):
                            rss += int(line.split()[1])
            except OSError:
                pass
        return pss / 1024, rss / 1024

    def ask(self, zone, *arguments, may_fail=False):
        command = pin(1) + [f"{BIN}/sender", "--zone", zone, "--server",
                            f"127.0.0.1@{self.port}", *arguments]
        for pid in self.pids():
            command += ["--pid", str(pid)]
        result = subprocess.run(command, capture_output=True, text=True,
                                check=False)
        if result.stderr:
            print(f"{self.name}: {result.stderr.strip()}", file=sys.stderr)
        try:
            return json.loads(result.stdout)
        except ValueError:
            if may_fail:
                return None
            self.tell_log()
            raise SystemExit(f"{self.name}: the sender failed") from None

    def tell_log(self):
        with open(f"{self.folder}/output", encoding="utf-8",
                  errors="replace") as file:
            sys.stderr.write(file.read()[-2000:])

    def wait_ready(self, zone):
        """Seconds from the start to the first right answer."""
        ready = self.ask(zone, "--queries", "1", "--until-ready",
                         str(LOAD_LIMIT_S))
        return ready["ready_monotonic_ns"] / 1e9 - self.started

    def stop(self):
        if self not in RUNNING:
            return
        RUNNING.remove(self)
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.pids():
                try:
                    os.kill(pid, number)
                except OSError:
                    pass
            end = time.monotonic() + 5
            while self.pids() and time.monotonic() < end:
                self.process.poll()
                time.sleep(0.02)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def stop_all():
    for server in list(RUNNING):
        server.stop()


def find_zone():
    """The root zone's path, or that of a zone made like it."""
    folder = os.path.join(DATA, "root")
    try:
        names = sorted(n for n in os.listdir(folder) if n.endswith(".zone"))
    except OSError:
        names = []
    if names:
        return os.path.realpath(os.path.join(folder, names[-1]))
    path = os.path.join(ROOT, "build", "bench", "made.zone")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        subprocess.run([os.path.join(ROOT, "bench", "load", "make_zone.sh"),
                        "--signed-shape", str(MADE_DELEGATIONS)], stdout=file,
                       check=True)
    print(f"the root zone is not in {folder}: a made zone of "
          f"{MADE_DELEGATIONS} delegations stands in for it")
    return path


def read_shapes(path):
    """{query: 'rcode N aa tc'} of the replies that the sender has saved."""
    shapes = {}
    with open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            query, _, shape = line.partition(": ")
            shapes[query] = shape.split(" answer ")[0]
    return shapes


def differences(figures):
    """Sampled queries to which not all gave the same RCODE, AA and TC."""
    samples = [rounds["shapes"][0] for rounds in figures.values()]
    told = []
    for query in samples[0]:
        if len({sample.get(query) for sample in samples}) > 1:
            told.append(f"{query}: " + "; ".join(
                f"{name} {sample.get(query)}"
                for name, sample in zip(figures, samples)))
    return told


def measure(names, zone, options):
    """{name: {figure: [one a round]}}"""
    figures = {name: {} for name in names}

    def note(name, **values):
        for key, value in values.items():
            figures[name].setdefault(key, []).append(value)

    common = ["--sockets", str(SOCKETS), "--duration", str(options.duration),
              "--warmup", "1", "--loss-is-fine"]
    for number in range(options.rounds):
        # Rotated, so that no server always follows the same one.
        for name in names[number % len(names):] + \
                names[:number % len(names)]:
            server = Server(name, zone)
            loaded = server.wait_ready(zone)
            full = server.ask(zone, "--window", str(options.window), "--spin",
                              *common,
                              "--save", f"{server.folder}/shapes")
            note(name, shapes=read_shapes(f"{server.folder}/shapes"))
            pss, rss = server.memory()
            note(name, load_s=loaded, replies_per_s=full["replies_per_s"],
                 cpu_us=full["server_cpu_ns_per_reply"] / 1e3,
                 process_cpu_us=full["pids_cpu_ns_per_reply"] / 1e3,
                 octets=full["octets_per_reply"], wrong=full["wrong"],
                 lost=full["lost"], truncated=full["truncated"], pss_mib=pss,
                 rss_mib=rss,
                 sender_share=1 - full["idle_s"] / full["seconds"])
            server.stop()
            print(f"round {number + 1}: {name}: "
                  f"{full['replies_per_s']:.0f} replies/s", file=sys.stderr)
    rate = options.rate or min(
        statistics.median(figures[name]["replies_per_s"])
        for name in names) / 2
    for number in range(options.rounds):
        for name in names[number % len(names):] + \
                names[:number % len(names)]:
            server = Server(name, zone)
            server.wait_ready(zone)
            half = server.ask(zone, "--rate", f"{rate:.0f}", *common)
            note(name, p50_us=half["p50_us"], p99_us=half["p99_us"],
                 p999_us=half["p999_us"], half_lost=half["lost"],
                 half_wrong=half["wrong"])
            server.stop()
    return figures, rate


def table(figures, rate, options):
    """The Markdown table; ratios are Rootcast's to the better of the others."""
    rows = [
        ("replies/s at full load", "replies_per_s", "{:,.0f}", True),
        ("CPU a reply, machine (us)", "cpu_us", "{:.2f}", False),
        ("CPU a reply, its processes (us)", "process_cpu_us", "{:.2f}", False),
        (f"p50 at {rate:,.0f} queries/s (us)", "p50_us", "{:.0f}", False),
        (f"p99 at {rate:,.0f} queries/s (us)", "p99_us", "{:.0f}", False),
        ("start to first right answer (ms)", "load_s", "{:.0f}", False),
        ("memory, PSS (MiB)", "pss_mib", "{:.1f}", False),
        ("octets a reply", "octets", "{:.0f}", None),
        ("wrong replies", "wrong", "{:.0f}", None),
    ]
    names = list(figures)
    others = [name for name in names if name in ("nsd", "knot")]
    ratio = "rootcast" in names and others
    lines = ["| | " + " | ".join(names) +
             (" | Rootcast / better of the others |" if ratio else " |"),
             "| --- |" + " ---: |" * (len(names) + (1 if ratio else 0))]
    for title, key, form, more_is_better in rows:
        values = {}
        for name in names:
            value = statistics.median(figures[name][key])
            values[name] = value * 1000 if key == "load_s" else value
        cells = [form.format(values[name]) for name in names]
        if ratio:
            if more_is_better is None:
                cells.append("")
            else:
                best = (max if more_is_better else min)(
                    values[name] for name in others)
                cells.append(f"{values['rootcast'] / best:.2f}"
                             if best > 0 else "")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    lines.append("")
    lines.append(f"Medians of {options.rounds} rounds of "
                 f"{options.duration:g} s; one server at a time on CPU 0, "
                 "the sender on CPU 1.")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="bench/run", add_help=False)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--duration", type=float, default=4)
    parser.add_argument("--window", type=int, default=WINDOW)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--zone")
    parser.add_argument("--json", default=os.path.join(
        ROOT, "build", "bench", "compare.json"))
    options = parser.parse_args()
    names = options.names or list(SERVERS)
    for name in names:
        if name not in COMMANDS:
            raise SystemExit(f"bench/run: no server '{name}': "
                             f"{', '.join(COMMANDS)}")
    atexit.register(stop_all)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    zone = os.path.realpath(options.zone) if options.zone else find_zone()
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"warning: something else runs here (load {load:.1f}): the "
              "figures are not worth much", file=sys.stderr)
    figures, rate = measure(names, zone, options)
    print(f"Zone: {os.path.basename(zone)}\n")
    print(table(figures, rate, options))
    for line in differences(figures)[:20]:
        print(f"different: {line}")
    for rounds in figures.values():
        del rounds["shapes"]
    os.makedirs(os.path.dirname(os.path.abspath(options.json)), exist_ok=True)
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump({"zone": os.path.basename(zone), "rate": rate,
                   "rounds": options.rounds, "duration_s": options.duration,
                   "window": options.window, "cpus": os.cpu_count(),
                   "load_before": load, "figures": figures}, file, indent=1)
    print(f"\nAll figures: {os.path.relpath(options.json)}")
    wrong = {name: sum(figures[name]["wrong"] + figures[name]["half_wrong"])
             for name in names}
    if any(wrong.values()):
        raise SystemExit(f"wrong replies: {wrong}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
