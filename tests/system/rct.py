"""What the system tests share: namespaces, daemons, BIRD, questions, totals.

A test makes two network namespaces, 'server' and 'router', joined by a veth
pair. The service addresses stand on the server's loopback; the router has
static routes to them, so that they can be asked whatever BGP says. Names start
with 'rct-' and the number of the process that made them: two runs never meet,
and what a killed run left behind is removed by the next.

Times of routes are BIRD's own: its log has microseconds.
"""
import atexit
import ctypes
import datetime
import json
import os
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BIN = os.environ.get("ROOTCAST_BIN", os.path.join(ROOT, "build", "bin"))
DATA = os.environ.get("ROOTCAST_SHARED_DATA",
                      os.path.join(ROOT, "..", "shared", "data"))

ROUTER4, SERVER4 = "10.99.0.1", "10.99.0.2"
ROUTER6, SERVER6 = "fd99::1", "fd99::2"
SERVICE4, SERVICE6 = "192.0.2.53", "2001:db8::53"
PREFIX4, PREFIX6 = "192.0.2.0/24", "2001:db8::/48"
CLONE_NEWNET = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)


class Totals:
    """Named checks, counted; finish() prints the line that tests/run reads."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, ok, detail=""):
        if ok:
            self.passed += 1
            print(f"ok: {name}" + (f" ({detail})" if detail else ""))
        else:
            self.failed += 1
            print(f"FAILED: {name}" + (f": {detail}" if detail else ""))
        sys.stdout.flush()
        return ok

    def skip(self, name, reason):
        self.skipped += 1
        print(f"skipped: {name}: {reason}", flush=True)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed, "
              f"{self.skipped} skipped", flush=True)
        sys.exit(1 if self.failed else 0)


def skip_all(reason):
    """The whole test cannot run here: say so and end as skipped."""
    print(f"skipped: {os.path.basename(sys.argv[0])}: {reason}")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(77)


def need(*programs, root=True, daemons=("rootcastd",), zone=False):
    """End as skipped where something that the test needs is absent."""
    if root and os.geteuid() != 0:
        skip_all("needs root, to make network namespaces")
    for program in programs:
        if shutil.which(program) is None:
            skip_all(f"{program} is not installed")
    for daemon in daemons:
        if not os.access(os.path.join(BIN, daemon), os.X_OK):
            skip_all(f"{daemon} is not built in {BIN}")
    if zone and root_zone() is None:
        skip_all(f"the root zone is not there ({DATA}/root/*.zone)")


def root_zone():
    """The path of the real root zone, or None."""
    folder = os.path.join(DATA, "root")
    try:
        names = sorted(n for n in os.listdir(folder) if n.endswith(".zone"))
    except OSError:
        return None
    return os.path.realpath(os.path.join(folder, names[-1])) if names else None


def scratch():
    """A folder of this run's own, removed at the end."""
    folder = tempfile.mkdtemp(prefix="rct-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def wait_until(condition, seconds, every=0.01):
    """The first true value of condition(), or its last value after the time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() >= end:
            return value
        time.sleep(every)


def run(*command, check=True, **options):
    result = subprocess.run(command, capture_output=True, text=True,
                            check=False, **options)
    if check and result.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {result.stderr.strip()}")
    return result


def in_namespace(name, function):
    """Call function() in a thread that stands in the namespace; a socket that
    it makes stays there."""
    result = {}

    def call():
        try:
            handle = os.open(f"/run/netns/{name}", os.O_RDONLY)
            try:
                if libc.setns(handle, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            finally:
                os.close(handle)
            result["value"] = function()
        except Exception as error:  # handed to the caller below
            result["error"] = error

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    if "error" in result:
        raise result["error"]
    return result["value"]


class Daemon:
    """One program in a namespace, its output in a file, ended with the test."""

    running = []

    def __init__(self, name, command, folder, namespace=None, cores=False):
        self.name = name
        self.path = os.path.join(folder, f"{name}.log")
        self.log = open(self.path, "ab")
        self.offset = self.log.tell()
        if namespace:
            command = ["ip", "netns", "exec", namespace] + command

        def before():
            os.setsid()
            limit = resource.RLIM_INFINITY if cores else 0
            try:
                resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
            except ValueError:
                pass

        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log, cwd=folder, preexec_fn=before,
            env={**os.environ, "TZ": "UTC", "LC_ALL": "C"})
        self.pid = self.process.pid
        Daemon.running.append(self)

    def text(self):
        """What this run of the program has printed."""
        with open(self.path, encoding="utf-8", errors="replace") as file:
            file.seek(self.offset)
            return file.read()

    def wait_for(self, pattern, seconds):
        """The match of pattern in the output, or None."""
        return wait_until(
            lambda: re.search(pattern, self.text()) or
            (self.process.poll() is not None and
             re.search(pattern, self.text())), seconds)

    def signal(self, number):
        """To the program, if it is still there."""
        if self.is_alive():
            os.kill(self.pid, number)

    def is_alive(self):
        return self.process.poll() is None

    def wait(self, seconds):
        """The exit status (negative: by signal), or None when it runs on."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self):
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGCONT)
            os.kill(self.pid, signal.SIGKILL)
            self.process.wait()
        if self in Daemon.running:
            Daemon.running.remove(self)
            self.log.close()

    def threads(self):
        """{thread id: name}"""
        found = {}
        for tid in os.listdir(f"/proc/{self.pid}/task"):
            try:
                with open(f"/proc/{self.pid}/task/{tid}/comm",
                          encoding="utf-8") as file:
                    found[int(tid)] = file.read().strip()
            except OSError:
                pass
        return found


def end_everything():
    for daemon in list(Daemon.running):
        daemon.end()


atexit.register(end_everything)
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda *_: sys.exit(1))


class Net:
    """The two namespaces."""

    def __init__(self):
        remove_stale()
        self.server = f"rct-{os.getpid()}-s"
        self.router = f"rct-{os.getpid()}-r"
        atexit.register(self.remove)
        for name in (self.server, self.router):
            run("ip", "netns", "add", name)
            self.ip(name, "link", "set", "lo", "up")
        self.ip(self.server, "link", "add", "up0", "type", "veth", "peer",
                "name", "down0", "netns", self.router)
        self.ip(self.server, "addr", "add", f"{SERVER4}/24", "dev", "up0")
        self.ip(self.router, "addr", "add", f"{ROUTER4}/24", "dev", "down0")
        self.ip(self.server, "-6", "addr", "add", f"{SERVER6}/64", "dev",
                "up0", "nodad")
        self.ip(self.router, "-6", "addr", "add", f"{ROUTER6}/64", "dev",
                "down0", "nodad")
        self.ip(self.server, "link", "set", "up0", "up")
        self.ip(self.router, "link", "set", "down0", "up")
        self.ip(self.server, "addr", "add", f"{SERVICE4}/32", "dev", "lo")
        self.ip(self.server, "-6", "addr", "add", f"{SERVICE6}/128", "dev",
                "lo", "nodad")
        self.ip(self.router, "route", "add", f"{SERVICE4}/32", "via", SERVER4)
        self.ip(self.router, "-6", "route", "add", f"{SERVICE6}/128", "via",
                SERVER6)

    @staticmethod
    def ip(namespace, *arguments):
        run("ip", "-n", namespace, *arguments)

    def remove(self):
        end_everything()
        for name in (self.server, self.router):
            run("ip", "netns", "del", name, check=False)


def remove_stale():
    """Namespaces of runs that were killed before they could tidy up."""
    for line in run("ip", "netns", "list").stdout.splitlines():
        match = re.match(r"(rct-(\d+)-[sr])\b", line)
        if match and not os.path.exists(f"/proc/{match.group(2)}"):
            run("ip", "netns", "del", match.group(1), check=False)


class Bird:
    """BIRD 2 in the router's namespace, peering with route control."""

    def __init__(self, net, folder, hold=9, bfd=False):
        self.net, self.folder = net, folder
        self.events = os.path.join(folder, "bird-events.log")
        self.socket = os.path.join(folder, "bird.ctl")
        config = os.path.join(folder, "bird.conf")
        session = "bfd on;" if bfd else ""
        protocol = '''
protocol bfd {
	debug { states, events };
	interface "*" {
		min rx interval 100 ms;
		min tx interval 100 ms;
		multiplier 3;
	};
}''' if bfd else ""
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'''
log "{self.events}" all;
timeformat log iso long us;
timeformat protocol iso long us;
router id {ROUTER4};
protocol device {{ }}{protocol}
filter from_service {{
	if (65535, 0) ~ bgp_community then print "gshut ", net;
	accept;
}}
protocol bgp service {{
	local {ROUTER4} as 65000;
	neighbor {SERVER4} as 64512;
	hold time {hold};
	connect retry time 1;
	error wait time 1, 4;
	{session}
	debug {{ states, routes, events }};
	ipv4 {{ import filter from_service; export none; }};
	ipv6 {{ import filter from_service; export none; }};
}}
''')
        open(self.events, "a", encoding="utf-8").close()
        self.daemon = Daemon("bird", ["bird", "-f", "-c", config, "-s",
                                      self.socket], folder, net.router)

    def lines(self):
        """[(time in seconds since 1970, text)]"""
        found = []
        with open(self.events, encoding="utf-8", errors="replace") as file:
            for line in file:
                match = re.match(r"(\d+-\d+-\d+ \d+:\d+:\d+\.\d+) (.*)", line)
                if match:
                    when = datetime.datetime.strptime(
                        match.group(1), "%Y-%m-%d %H:%M:%S.%f").replace(
                            tzinfo=datetime.timezone.utc)
                    found.append((when.timestamp(), match.group(2)))
        return found

    def first(self, pattern, since):
        """The time of the first such line at or after since, or None."""
        for when, text in self.lines():
            if when >= since and re.search(pattern, text):
                return when
        return None

    def route_event(self, kind, prefix, since):
        """kind: 'added' or 'removed'."""
        return self.first(rf"service\.ipv[46] > {kind} \[.*\] "
                          rf"{re.escape(prefix)} ", since)

    def gone(self, prefix, since):
        """When the prefix went: withdrawn, or with its session."""
        removed = self.route_event("removed", prefix, since)
        if removed is None and not self.has(prefix):
            return self.first(r"service: (State changed to|BGP session closed|"
                              r"Down|Error|Received)", since)
        return removed

    def birdc(self, *words):
        return run("birdc", "-s", self.socket, *words, check=False).stdout

    def has(self, prefix):
        return prefix in self.birdc("show", "route", "for", prefix) and \
            "service" in self.birdc("show", "route", "for", prefix)

    def is_established(self):
        return "Established" in self.birdc("show", "protocols", "service")


def configuration(folder, zones, health=None, **changes):
    """Write a configuration file for both daemons; returns its path. A change
    names a top-level key of 'server', or 'services' or 'peers' or
    'required_zones' of 'route'."""
    server = {
        "listen": [SERVICE4, SERVICE6], "zones": zones,
        "control": os.path.join(folder, "server.sock"),
        "identity": "rct", "workers": 2,
    }
    service = {
        "prefixes": [PREFIX4, PREFIX6], "probe": [SERVICE4, SERVICE6],
        "required_zones": changes.pop("required_zones", ["."]),
    }
    peer = {
        "address": ROUTER4, "as": 65000, "source": SERVER4, "hold_s": 9,
        "families": ["ipv4", "ipv6"], "next_hop": {"ipv6": SERVER6},
    }
    route = {
        "control": os.path.join(folder, "route.sock"), "router_id": SERVER4,
        "local_as": 64512, "services": {"dns": service},
        "health": {"hold_down_ms": 500, "hold_down_max_ms": 500,
                   "drain_ms": 500, "linger_ms": 1000, **(health or {})},
        "peers": changes.pop("peers", [peer]),
    }
    server.update(changes)
    path = os.path.join(folder, "rootcast.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"server": server, "route": route}, file, indent=2)
    return path


class Site:
    """A nameserver, route control and BIRD, as they stand at a site."""

    def __init__(self, net, folder, zones, health=None, **changes):
        self.net, self.folder = net, folder
        self.config = configuration(folder, zones, health, **changes)
        self.nameserver = self.route = self.bird = None

    def start_bird(self, **options):
        self.bird = Bird(self.net, self.folder, **options)
        if not wait_until(lambda: "service" in self.bird.birdc(
                "show", "protocols"), 10, 0.05):
            raise RuntimeError(f"BIRD: {self.bird.daemon.text()}")

    def start_nameserver(self, ready_s=30, cores=False):
        self.nameserver = Daemon(
            "rootcastd", [os.path.join(BIN, "rootcastd"), "-c", self.config],
            self.folder, self.net.server, cores)
        return self.nameserver.wait_for(r"ready: (\d+) zones? served, "
                                        r"(\d+) failed", ready_s)

    def start_route(self):
        self.route = Daemon(
            "rootcast-routed",
            [os.path.join(BIN, "rootcast-routed"), "-c", self.config],
            self.folder, self.net.server)

    def announced(self, seconds=20):
        """Wait until BIRD has both prefixes."""
        return wait_until(lambda: self.bird.has(PREFIX4) and
                          self.bird.has(PREFIX6), seconds, 0.05)

    def absent(self, seconds):
        """Wait until BIRD has neither."""
        return wait_until(lambda: not self.bird.has(PREFIX4) and
                          not self.bird.has(PREFIX6), seconds, 0.05)

    def ctl(self, *words):
        """(exit status, document or text) of rootcastctl."""
        name = "route.sock" if words[0] == "route" else "server.sock"
        result = run(os.path.join(BIN, "rootcastctl"), "--socket",
                     os.path.join(self.folder, name), "--json", *words,
                     check=False)
        try:
            return result.returncode, json.loads(result.stdout)
        except ValueError:
            return result.returncode, result.stdout + result.stderr

    def logs(self):
        """The ends of all logs, to be read after a failure."""
        for name in ("rootcastd.log", "rootcast-routed.log",
                     "bird-events.log"):
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                print(f"--- {name}")
                with open(path, encoding="utf-8", errors="replace") as file:
                    print("".join(file.readlines()[-60:]), end="")


def zones_with_root(folder, name="zones"):
    """A zone folder with the real root zone in it."""
    zones = os.path.join(folder, name)
    os.makedirs(zones, exist_ok=True)
    shutil.copyfile(root_zone(), os.path.join(zones, "root.zone"))
    return zones


def made_zone(path, delegations, *arguments):
    """A zone like the root with that many delegations."""
    with open(path, "wb") as file:
        subprocess.run([os.path.join(ROOT, "bench", "load", "make_zone.sh"),
                        *arguments, str(delegations)], stdout=file,
                       check=True)


def question(name, qtype, number=1):
    """A query as octets: DO set, payload 1232."""
    labels = b"".join(bytes([len(label)]) + label.encode()
                      for label in name.strip(".").split(".") if label)
    return (struct.pack(">HHHHHH", number, 0, 1, 0, 0, 1) + labels + b"\0" +
            struct.pack(">HH", qtype, 1) + b"\0" +
            struct.pack(">HHIH", 41, 1232, 0x8000, 0))


class Asker:
    """Ask '. SOA' by UDP from the router every millisecond or so, and note when
    the last right answer came."""

    def __init__(self, net, address=SERVICE4):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = in_namespace(
            net.router, lambda: socket.socket(family, socket.SOCK_DGRAM))
        self.socket.settimeout(0.05)
        self.socket.connect((address, 53))
        self.last = None
        self.asked = self.answered = 0
        self.is_stopping = False
        self.thread = threading.Thread(target=self.ask, daemon=True)
        self.thread.start()

    def ask(self):
        while not self.is_stopping:
            self.asked += 1
            query = question(".", 6, self.asked & 0xffff)
            try:
                self.socket.send(query)
                reply = self.socket.recv(4096)
                if reply[:2] == query[:2] and reply[3] & 15 == 0:
                    self.last = time.time()
                    self.answered += 1
            except OSError:
                pass
            time.sleep(0.001)

    def stop(self):
        self.is_stopping = True
        self.thread.join()
        self.socket.close()


def sender(net, *arguments, **options):
    """Run bench's sender in the router's namespace; (status, document)."""
    result = run("ip", "netns", "exec", net.router,
                 os.path.join(BIN, "sender"), *arguments, check=False,
                 **options)
    try:
        return result.returncode, json.loads(result.stdout)
    except ValueError:
        return result.returncode, {"error": result.stdout + result.stderr}
