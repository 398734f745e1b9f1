"""What the rows of bench/run share: servers in turn on a core of their own,
what is measured of them, tables, marks, JSON.

A row is one module here: `python3 bench/compare/ROW.py [NAME...] [--rounds N]
[--seconds S] [--json FILE]`. It measures and ends with finish(), which prints
the row and leaves build/bench/ROW.json behind; bench/run without a row runs all
of them and puts those files together (all.py).

One server runs at a time, pinned to CPU 0; the sender has CPU 1. Every round
takes every server once, in a rotated order. A ratio is taken round by round,
between servers that stood beside each other; what is shown is the median of the
rounds, with its spread.

CPU a reply: busy time of all cores (user, nice, system, interrupts, softirq;
/proc/stat) less the sender's own process time, divided by the right replies, so
that the kernel's work for the server counts wherever it is done.
"""
import argparse
import atexit
import collections
import ctypes
import functools
import json
import os
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BIN = os.environ.get("ROOTCAST_BIN", os.path.join(ROOT, "build", "bin"))
DATA = os.environ.get("ROOTCAST_SHARED_DATA",
                      os.path.join(ROOT, "..", "shared", "data"))
OUTPUT = os.path.join(ROOT, "build", "bench")
PEERS = ("nsd", "knot")
SERVERS = PEERS + ("rootcast",)
LIMIT = "reflector"         # what sender and kernel can do: no nameserver
MADE_DELEGATIONS = 1450     # about the root's, where the root is not there
MIX_OCTETS = 905            # the mean of the root mix's replies
LOAD_LIMIT_S = 300
LIBC = ctypes.CDLL(None, use_errno=True)
KCMP = 312 if os.uname().machine == "x86_64" else 272   # asm-generic/unistd.h
KCMP_VM = 1
SOCKETS = 8                 # source ports of the sender
WINDOW = 400                # queries kept waiting at full load
WARMUP_S = 0.5
TIMEOUT_MS = 300            # a query without a reply is lost then
PERCENTILES = ("p10_us", "p25_us", "p50_us", "p75_us", "p90_us", "p95_us",
               "p99_us", "p999_us")
SENDER_LIMIT = 0.97         # busier than that, the sender is what is measured
SHOWN = 10                  # differences told in full


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def zones_of(zones):
    """{origin: path}; a path alone is the root zone's."""
    return {".": zones} if isinstance(zones, str) else zones


def command_nsd(folder, zones, port, workers=1):
    """As nsd.conf(5) and the manual's chapter on tuning advise: a server
    process a core, SO_REUSEPORT, large socket buffers, no round robin, no rate
    limit, no database file."""
    write(f"{folder}/nsd.conf", f"""
server:
	server-count: {workers}
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
""" + "".join(f"""zone:
	name: "{origin}"
	zonefile: "{path}"
""" for origin, path in zones_of(zones).items()))
    return ["/usr/sbin/nsd", "-d", "-c", f"{folder}/nsd.conf"]


def command_knot(folder, zones, port, workers=1):
    """As knot.conf(5) and the manual's chapter on performance advise: a UDP
    worker a core, no journal, no modules, no rotation."""
    write(f"{folder}/knot.conf", f"""
server:
    rundir: "{folder}"
    listen: 127.0.0.1@{port}
    udp-workers: {workers}
    tcp-workers: {workers}
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
log:
  - target: stderr
    any: error
zone:
""" + "".join(f"""  - domain: {origin}
    file: "{path}"
""" for origin, path in zones_of(zones).items()))
    return ["/usr/sbin/knotd", "-c", f"{folder}/knot.conf"]


def command_rootcast(folder, zones, port, workers=1):
    """So many workers, everything else as it comes."""
    served = f"{folder}/zones"
    os.makedirs(served, exist_ok=True)
    for origin, path in zones_of(zones).items():
        link = f"{served}/{origin.rstrip('.') or 'root'}.zone"
        if not os.path.lexists(link):
            os.symlink(path, link)
    return [f"{BIN}/rootcastd", "--zones", served, "--listen",
            f"127.0.0.1@{port}", "--workers", str(workers), "--control",
            f"{folder}/server.sock"]


def command_reflector(_folder, _zones, port, octets=MIX_OCTETS):
    return [f"{BIN}/reflector", f"127.0.0.1@{port}", f"{octets:.0f}"]


# A row that runs a server in another way puts its own function here.
COMMANDS = {"nsd": command_nsd, "knot": command_knot,
            "rootcast": command_rootcast, "reflector": command_reflector}
RUNNING = []


def pin(cores):
    """In front of a command; no pinning for None, or with a single core."""
    if cores is None or os.cpu_count() < 2:
        return []
    return ["taskset", "-c", str(cores)]


def free_port():
    """Free for UDP and for TCP: every server opens both."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, \
                socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                continue
            return udp.getsockname()[1]


def share_memory(one, other):
    """Do two processes live in one address space (clone(2), CLONE_VM), as
    rootcastd and its memory keeper do? Nothing is mapped twice then."""
    return LIBC.syscall(KCMP, one, other, KCMP_VM, 0, 0) == 0


class Server:
    """One server process tree, in a folder and a session of its own."""

    def __init__(self, name, zones, cores=0, **how):
        """how: further arguments of the server's command function."""
        self.name = name
        self.folder = tempfile.mkdtemp(prefix=f"rootcast-bench-{name}-")
        self.port = free_port()
        RUNNING.append(self)
        with open(f"{self.folder}/output", "wb") as log:
            command = COMMANDS[name](self.folder, zones, self.port, **how)
            self.started = time.clock_gettime(time.CLOCK_MONOTONIC)
            self.process = subprocess.Popen(
                pin(cores) + command, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, cwd=self.folder, start_new_session=True)

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

    def ask(self, queries, *arguments):
        """What the sender has measured. queries: the path of the zone whose
        delegations are asked for, or the sender's options for queries."""
        if isinstance(queries, str):
            queries = ["--zone", queries]
        command = pin(1) + [f"{BIN}/sender", *queries, "--server",
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
            self.tell_log()
            raise SystemExit(f"{self.name}: the sender failed") from None

    def tell_log(self):
        with open(f"{self.folder}/output", encoding="utf-8",
                  errors="replace") as file:
            sys.stderr.write(file.read()[-2000:])

    def wait_ready(self, queries):
        """Seconds from the start to the first right answer."""
        if isinstance(queries, str):
            queries = ["--zone", queries, "--queries", "1"]
        ready = self.ask(queries, "--until-ready", str(LOAD_LIMIT_S))
        return ready["ready_monotonic_ns"] / 1e9 - self.started

    def wait_zones(self, origins):
        """Until every zone is served."""
        left = list(origins)
        end = time.monotonic() + LOAD_LIMIT_S
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", self.port))
            client.settimeout(0.2)
            while left:
                if time.monotonic() > end:
                    self.tell_log()
                    raise SystemExit(f"{self.name}: does not serve {left[-1]}")
                try:
                    client.send(question(left[-1], RRTYPE_SOA, len(left)))
                    number, flags = struct.unpack("!HH",
                                                  client.recv(4096)[:4])
                except OSError:
                    time.sleep(0.01)
                    continue
                if number != len(left) & 0xffff:
                    continue
                if flags & 0x000f == 0:
                    left.pop()
                else:
                    time.sleep(0.01)

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


# Queries and replies.

RRTYPE_SOA, RRTYPE_OPT = 6, 41
# Where names stand in RDATA that may be compressed (RFC 3597 4): octets
# before, names.
COMPRESSED = {2: (0, 1), 5: (0, 1), 6: (0, 2), 12: (0, 1), 15: (2, 1)}


def question(name, rrtype, number):
    """A query's octets."""
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return (struct.pack("!HHHHHH", number & 0xffff, 0, 1, 0, 0, 0) +
            b"".join(bytes([len(label)]) + label for label in labels) +
            b"\0" + struct.pack("!HH", rrtype, 1))


def read_name(octets, at):
    """(the name without compression, in lower case; the offset after it)"""
    name, end, jumps = b"", None, 0
    while octets[at]:
        if octets[at] >= 0xc0:
            if end is None:
                end = at + 2
            at = (octets[at] & 0x3f) << 8 | octets[at + 1]
            jumps += 1
            if jumps > 127:
                raise ValueError("compression loop")
        else:
            name += octets[at:at + 1 + octets[at]]
            at += 1 + octets[at]
    return name.lower() + b"\0", at + 1 if end is None else end


def read_record(octets, at):
    owner, at = read_name(octets, at)
    rrtype, rrclass, ttl, size = struct.unpack_from("!HHIH", octets, at)
    at += 10
    end = at + size
    if rrtype == RRTYPE_OPT:
        # Its size and options are each server's own; DO and version are not.
        return (owner, rrtype, 0, ttl, b""), end
    before, names = COMPRESSED.get(rrtype, (0, 0))
    rdata = octets[at:at + before]
    at += before
    for _ in range(names):
        name, at = read_name(octets, at)
        rdata += name
    return (owner, rrtype, rrclass, ttl, rdata + octets[at:end]), end


def read_message(octets):
    """{part: what it says}: two replies that say the same are equal whole; the
    order of records, and compression, say nothing."""
    _, flags, *counts = struct.unpack_from("!6H", octets)
    said = {"flags and RCODE": flags}
    at = 12
    name, at = read_name(octets, at)
    said["question"] = (name, octets[at:at + 4])
    at += 4
    for part, count in zip(("answer", "authority", "additional"), counts[1:]):
        records = []
        for _ in range(count):
            record, at = read_record(octets, at)
            records.append(record)
        said[part] = sorted(records)
    if at != len(octets):
        raise ValueError("octets after the message")
    return said


def read_samples(path):
    """{query: the reply's octets} that the sender has saved."""
    samples = {}
    with open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            query, _, octets = line.strip().rpartition(": ")
            samples[query] = bytes.fromhex(octets)
    return samples


class Samples:
    """Replies of each server to the same queries: one query in a thousand."""

    def __init__(self):
        self.replies = collections.defaultdict(dict)

    def add(self, name, path):
        if name != LIMIT:
            self.replies[name].update(read_samples(path))

    def compare(self):
        """Rootcast's replies whole with each peer's: {"samples", "compared":
        {peer: n}, "same": {peer: n}, "same_as_one", "different": [...]}."""
        ours = self.replies.get("rootcast", {})
        peers = [name for name in self.replies if name in PEERS]
        told = {"samples": 0, "compared": {name: 0 for name in peers},
                "same": {name: 0 for name in peers}, "same_as_one": 0,
                "different": []}
        for query, octets in ours.items():
            theirs = {name: self.replies[name][query] for name in peers
                      if query in self.replies[name]}
            if not theirs:
                continue
            told["samples"] += 1
            said = read_message(octets)
            parts = {name: [part for part, value in
                            read_message(reply).items()
                            if value != said[part]]
                     for name, reply in theirs.items()}
            for name, found in parts.items():
                told["compared"][name] += 1
                told["same"][name] += not found
            if all(parts.values()):
                told["different"].append(f"{query}: " + "; ".join(
                    f"{', '.join(found)} unlike {name}'s"
                    for name, found in parts.items()))
            else:
                told["same_as_one"] += 1
        return told

    def lines(self):
        told = self.compare()
        if not told["samples"]:
            return []
        lines = [f"Replies compared whole: {told['samples']} (one query in a "
                 f"thousand); {told['same_as_one']} say the same as a peer's ("
                 + ", ".join(f"{name}: {count} of {told['compared'][name]}"
                             for name, count in told["same"].items()) + ")."]
        return lines + [f"different: {line}"
                        for line in told["different"][:SHOWN]]


# What a row measures.

def find_zone(path=None):
    """The root zone's path, or that of a zone made like it."""
    if path:
        return os.path.realpath(path)
    folder = os.path.join(DATA, "root")
    try:
        names = sorted(n for n in os.listdir(folder) if n.endswith(".zone"))
    except OSError:
        names = []
    if names:
        return os.path.realpath(os.path.join(folder, names[-1]))
    path = os.path.join(OUTPUT, "made.zone")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        subprocess.run([os.path.join(ROOT, "bench", "load", "make_zone.sh"),
                        "--signed-shape", str(MADE_DELEGATIONS)], stdout=file,
                       check=True)
    print(f"the root zone is not in {folder}: a made zone of "
          f"{MADE_DELEGATIONS} delegations stands in for it", file=sys.stderr)
    return path


def in_turn(names, number):
    """Rotated, so that no server always follows the same one."""
    turn = number % len(names)
    return list(names[turn:]) + list(names[:turn])


def note(figures, name, **values):
    """{name: {figure: [one a round]}}"""
    rounds = figures.setdefault(name, {})
    for key, value in values.items():
        rounds.setdefault(key, []).append(value)


def sender_options(options):
    return ["--sockets", str(SOCKETS), "--duration", str(options.seconds),
            "--warmup", str(min(WARMUP_S, options.seconds)),
            "--timeout-ms", str(TIMEOUT_MS), "--loss-is-fine"]


def ask_rate(server, queries, options, rate):
    """One server once at a steady rate, whatever comes back (open loop):
    its figures, times in microseconds from sending to the reply's arrival."""
    told = server.ask(queries, "--rate", f"{rate:.0f}",
                      *sender_options(options))
    return {"offered_per_s": told["sent"] / told["seconds"],
            "replies_per_s": told["replies_per_s"],
            "lost_share": told["lost"] / max(told["sent"], 1),
            "wrong": told["wrong"], "mean_us": told["mean_us"],
            "max_us": told["max_us"],
            **{key: told[key] for key in PERCENTILES}}


def ask_full(server, queries, options, samples=None):
    """One server once at full load: its figures."""
    saved = f"{server.folder}/saved"
    full = server.ask(queries, "--window", str(options.window), "--spin",
                      *sender_options(options), "--save", saved)
    if samples is not None:
        samples.add(server.name, saved)
    return {"replies_per_s": full["replies_per_s"],
            "cpu_us": full["server_cpu_ns_per_reply"] / 1e3,
            "process_cpu_us": full["pids_cpu_ns_per_reply"] / 1e3,
            "octets": full["octets_per_reply"], "wrong": full["wrong"],
            "lost": full["lost"], "truncated": full["truncated"],
            "sender_share": 1 - full["idle_s"] / full["seconds"]}


def capacity(names, zones, queries, options, seconds):
    """(the least, the most) replies a second that servers manage, each asked
    once for a moment: to choose rates by."""
    brief = argparse.Namespace(**vars(options))
    brief.seconds = min(seconds, options.seconds)
    managed = []
    for name in names:
        server = Server(name, zones)
        server.wait_ready(queries)
        managed.append(ask_full(server, queries, brief)["replies_per_s"])
        server.stop()
    return min(managed), max(managed)


def measure_full(names, zones, queries, options, samples=None, restart=True,
                 octets=MIX_OCTETS, workers=1, cores=0):
    """{name: {figure: [one a round]}} at full load. restart: every server is
    started afresh in every round; else all run side by side, idle but for the
    one that is asked (where loading takes longer than asking)."""
    figures = {name: {} for name in names}
    origins = list(zones_of(zones))

    def started(name):
        how = {"octets": octets} if name == LIMIT else {"workers": workers}
        server = Server(name, zones, cores=cores, **how)
        loaded = server.wait_ready(queries)
        if len(origins) > 1 and name != LIMIT:
            server.wait_zones(origins)
        return server, loaded

    kept = {} if restart else {name: started(name) for name in names}
    for number in range(options.rounds):
        for name in in_turn(names, number):
            server, loaded = kept.get(name) or started(name)
            figure = ask_full(server, queries, options, samples)
            pss, rss = server.memory()
            note(figures, name, load_s=loaded, pss_mib=pss, rss_mib=rss,
                 **figure)
            if restart:
                server.stop()
            print(f"round {number + 1}: {name}: "
                  f"{figure['replies_per_s']:,.0f} replies/s",
                  file=sys.stderr)
    for server, _ in kept.values():
        server.stop()
    return figures


# Figures to text.

def median(figures, name, key):
    return statistics.median(figures[name][key])


def spread(values):
    """'±3 %': half the way from the least to the greatest round."""
    middle = statistics.median(values)
    if len(values) < 2 or middle == 0:
        return ""
    share = (max(values) - min(values)) / 2 / abs(middle)
    return f" ±{share * 100:.0f} %"


def better_peer(figures, key, more_is_better):
    """The peer with the better median; None where no peer was measured."""
    peers = [name for name in PEERS if figures.get(name, {}).get(key)]
    best = max if more_is_better else min
    return best(peers, key=lambda name: median(figures, name, key),
                default=None)


def ratios(figures, key, other, one="rootcast"):
    """Round by round."""
    return [a / b if b else float("nan")
            for a, b in zip(figures[one][key], figures[other][key])]


Line = collections.namedtuple("Line", "title key form more_is_better",
                              defaults=(None,))
FULL_LINES = (
    Line("replies/s at full load", "replies_per_s", "{:,.0f}", True),
    Line("CPU a reply, machine (us)", "cpu_us", "{:.2f}", False),
    Line("CPU a reply, its processes (us)", "process_cpu_us", "{:.2f}", False),
    Line("memory, PSS (MiB)", "pss_mib", "{:,.1f}", False),
    Line("octets a reply", "octets", "{:.0f}"),
    Line("lost queries", "lost", "{:,.0f}"),
    Line("wrong replies", "wrong", "{:,.0f}"),
    Line("share of its time that the sender was busy", "sender_share",
         "{:.2f}"),
)


def ratio_cell(figures, key, other):
    if other is None or other not in figures or not figures[other].get(key):
        return ""
    values = ratios(figures, key, other)
    if any(value != value for value in values):
        return ""
    return (f"{statistics.median(values):.2f} ({min(values):.2f} to "
            f"{max(values):.2f})")


def table(title, figures, lines=FULL_LINES):
    """Markdown: a line a figure, a column a server, then the ratios."""
    names = list(figures)
    with_peers = "rootcast" in names and any(p in names for p in PEERS)
    with_limit = "rootcast" in names and LIMIT in names
    head = list(names) + (["Rootcast / better peer"] if with_peers else []) + \
        (["Rootcast / reflector"] if with_limit else [])
    out = [f"| {title} | " + " | ".join(head) + " |",
           "| --- |" + " ---: |" * len(head)]
    for line in lines:
        cells = []
        for name in names:
            values = figures[name].get(line.key)
            judged = line.more_is_better is not None
            cells.append("" if not values else line.form.format(
                statistics.median(values)) + (spread(values) if judged
                                              else ""))
        compared = line.more_is_better is not None
        if with_peers:
            cells.append(ratio_cell(figures, line.key, better_peer(
                figures, line.key, line.more_is_better)) if compared else "")
        if with_limit:
            cells.append(ratio_cell(figures, line.key, LIMIT)
                         if compared else "")
        out.append(f"| {line.title} | " + " | ".join(cells) + " |")
    return "\n".join(out)


def grid(head, rows):
    """Markdown of ready cells."""
    return "\n".join(["| " + " | ".join(head) + " |",
                      "| --- |" + " ---: |" * (len(head) - 1)] +
                     ["| " + " | ".join(row) + " |" for row in rows])


def sender_lines(figures):
    """Where the sender, not the server, was at its end."""
    return [f"{name}: the sender was busy all the time: its figure is a lower "
            "bound" for name in figures
            if figures[name].get("sender_share") and name != LIMIT and
            median(figures, name, "sender_share") >= SENDER_LIMIT]


def mark_of(what, values, limit, kind):
    """A mark of the values, one a round. kind: 'most' or 'least'."""
    value = statistics.median(values)
    return {"what": what, "value": value, "low": min(values),
            "high": max(values), "mark": limit, "kind": kind,
            "pass": value <= limit if kind == "most" else value >= limit}


def mark_ratio(figures, what, key, other, limit, kind):
    """Marks: of the ratio of Rootcast's to another's, where both were
    measured. other 'better': the better peer's."""
    if other == "better":
        other = better_peer(figures, key, kind == "least")
    if "rootcast" not in figures or other not in figures:
        return []
    return [mark_of(f"{what}, to {other}", ratios(figures, key, other), limit,
                    kind)]


def mark_line(mark):
    sign = "<=" if mark["kind"] == "most" else ">="
    return (f"| {mark['what']} | {sign} {mark['mark']:g} | "
            f"{mark['value']:.2f} ({mark['low']:.2f} to {mark['high']:.2f}) | "
            f"{'pass' if mark['pass'] else 'FAIL'} |")


def marks_table(marks):
    return "\n".join(["| mark | asked for | measured | |",
                      "| --- | ---: | ---: | --- |"] +
                     [mark_line(mark) for mark in marks])


# A row's command line and its end.

def parser(row, rounds=5, seconds=4.0, names=SERVERS, window=WINDOW):
    made = argparse.ArgumentParser(
        prog=f"bench/run {row}",
        description="See bench/README.md for what the row measures.")
    made.set_defaults(row=row, known=names)
    made.add_argument("names", nargs="*", metavar="NAME",
                      help=f"some of {', '.join(names)}; all by default")
    made.add_argument("--rounds", type=int, default=rounds,
                      help=f"every server so many times ({rounds})")
    made.add_argument("--seconds", "--duration", type=float, default=seconds,
                      help=f"measured time, each ({seconds:g})")
    made.add_argument("--window", type=int, default=window,
                      help=f"queries kept waiting at full load ({window})")
    made.add_argument("--json", default=os.path.join(OUTPUT, f"{row}.json"))
    return made


def start(options):
    """Names checked, servers stopped whatever happens, load warned of."""
    for name in options.names:
        if name not in options.known:
            raise SystemExit(f"bench/run {options.row}: no '{name}': "
                             f"{', '.join(options.known)}")
    if options.rounds < 1 or options.seconds <= 0:
        raise SystemExit(f"bench/run {options.row}: --rounds and --seconds "
                         "are above 0")
    options.names = options.names or list(options.known)
    atexit.register(stop_all)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    options.load_before = os.getloadavg()[0]
    if options.load_before > 0.5 and "ROOTCAST_BENCH_ALL" not in os.environ:
        print(f"warning: something else runs here (load "
              f"{options.load_before:.1f}): compare ratios only",
              file=sys.stderr)
    os.makedirs(OUTPUT, exist_ok=True)


def how_long(options):
    return (f"Medians of {options.rounds} rounds of {options.seconds:g} s, ± "
            "half their spread; ratios round by round (least to greatest). "
            "One server at a time on CPU 0, the sender on CPU 1.")


def finish(options, title, text, figures, marks=(), **more):
    """Print the row, write its JSON; wrong replies end in exit status 1."""
    text = "\n\n".join(text)
    print(f"## {title}\n\n{text}\n")
    if marks:
        print(marks_table(marks) + "\n")
    told = {"row": options.row, "title": title, "rounds": options.rounds,
            "seconds": options.seconds, "cpus": os.cpu_count(),
            "load_before": options.load_before, **more, "text": text,
            "marks": list(marks), "figures": figures}
    os.makedirs(os.path.dirname(os.path.abspath(options.json)), exist_ok=True)
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump(told, file, indent=1)
    print(f"All figures: {os.path.relpath(options.json)}", file=sys.stderr)
    wrong = wrong_replies(figures)
    if wrong:
        raise SystemExit(f"wrong replies: {wrong}")


def wrong_replies(figures, path=""):
    """{path: how many} of every 'wrong' in the figures, at any depth."""
    found = {}
    for key, value in figures.items():
        if isinstance(value, dict):
            found.update(wrong_replies(value, f"{path}{key} "))
        elif key.endswith("wrong") and isinstance(value, list) and sum(value):
            found[path.strip()] = found.get(path.strip(), 0) + sum(value)
    return found


def guarded(main):
    """A row's main(), quiet when interrupted."""
    @functools.wraps(main)
    def run():
        try:
            main()
        except KeyboardInterrupt:
            sys.exit(130)
    return run
