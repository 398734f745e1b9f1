"""The four servers, on loopback ports of this run's own, and how to ask them.

Their configurations ask for the same thing: no minimising of additional data,
1232 octets by UDP, no rate limits, nothing recursive.
"""
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                "..", "system"))
import rct  # noqa: E402

PAYLOAD = 1232
WINDOW = 48
PATIENCE_S = 2.0
TRIES = 3


def free_port():
    """A port that is free for UDP and TCP now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, \
                socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            udp.bind(("127.0.0.1", 0))
            port = udp.getsockname()[1]
            try:
                tcp.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def rootcast(folder, port, _zones):
    return [os.path.join(rct.BIN, "rootcastd"), "--zones", f"{folder}/zones",
            "--listen", f"127.0.0.1@{port}", "--workers", "1",
            "--control", f"{folder}/control.sock"]


def nsd(folder, port, zones):
    text = f"""server:
	ip-address: 127.0.0.1@{port}
	server-count: 1
	username: ""
	chroot: ""
	zonesdir: "{folder}"
	database: ""
	zonelistfile: "{folder}/nsd.list"
	pidfile: "{folder}/nsd.pid"
	xfrdfile: "{folder}/nsd.xfrd"
	xfrdir: "{folder}"
	cookie-secret-file: "{folder}/nsd.cookies"
	ipv4-edns-size: {PAYLOAD}
	refuse-any: no
	rrl-ratelimit: 0
	rrl-whitelist-ratelimit: 0
	tcp-count: 100
	tcp-query-count: 0
	tcp-timeout: 60
remote-control:
	control-enable: no
"""
    for origin, path in zones:
        text += f'zone:\n\tname: "{origin}"\n\tzonefile: "{path}"\n'
    return ["nsd", "-d", "-c", write(f"{folder}/nsd.conf", text)]


def knot(folder, port, zones):
    text = f"""server:
    rundir: "{folder}"
    listen: 127.0.0.1@{port}
    udp-max-payload: {PAYLOAD}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    tcp-idle-timeout: 60
    automatic-acl: off
control:
    listen: "{folder}/knot.sock"
database:
    storage: "{folder}/knot"
log:
  - target: stderr
    any: info
template:
  - id: default
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
zone:
"""
    os.makedirs(f"{folder}/knot", exist_ok=True)
    for origin, path in zones:
        text += f'  - domain: "{origin}"\n    file: "{path}"\n'
    return ["knotd", "-c", write(f"{folder}/knot.conf", text)]


def bind(folder, port, zones):
    text = f"""controls {{ }};
options {{
	directory "{folder}";
	listen-on port {port} {{ 127.0.0.1; }};
	listen-on-v6 {{ none; }};
	pid-file none;
	session-keyfile none;
	recursion no;
	allow-query {{ any; }};
	dnssec-validation no;
	empty-zones-enable no;
	minimal-responses no-auth;
	minimal-any no;
	max-records-per-type 0;
	max-types-per-name 0;
	zero-no-soa-ttl no;
	answer-cookie no;
	notify no;
	check-integrity no;
	check-names primary ignore;
	check-dup-records ignore;
	check-mx-cname ignore;
	check-srv-cname ignore;
	edns-udp-size {PAYLOAD};
	max-udp-size {PAYLOAD};
	tcp-clients 100;
}};
"""
    for origin, path in zones:
        text += f'zone "{origin}" {{ type primary; file "{path}"; }};\n'
    return ["named", "-g", "-n", "1", "-c", write(f"{folder}/named.conf",
                                                 text)]


KINDS = {"rootcast": rootcast, "nsd": nsd, "knot": knot, "bind": bind}
PROGRAMS = {"nsd": "nsd", "knot": "knotd", "bind": "named"}
PACKAGES = {"nsd": "nsd", "knot": "knot", "bind": "bind9"}


class Server:
    """One server over a list of (origin, file)."""

    def __init__(self, name, folder, zones):
        self.name = name
        self.port = free_port()
        self.daemon = rct.Daemon(f"diff-{name}",
                                 KINDS[name](folder, self.port, zones), folder)
        self.tcp = None

    def wait_ready(self, origins, seconds):
        """Until every zone answers its SOA; the origins that do not."""
        end = time.monotonic() + seconds
        left = list(origins)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", self.port))
            client.settimeout(0.2)
            while left and time.monotonic() < end and self.daemon.is_alive():
                try:
                    client.send(rct.question(left[0], 6))
                    reply = client.recv(4096)
                except OSError:
                    time.sleep(0.05)
                    continue
                if reply[3] & 15 == 0 and reply[2] & 4:
                    left.pop(0)
                else:
                    time.sleep(0.05)
        return left

    def ask_udp(self, queries):
        """[reply or None], a window of queries at a time."""
        replies = [None] * len(queries)
        waiting = list(range(len(queries)))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            client.connect(("127.0.0.1", self.port))
            for _ in range(TRIES):
                self.pass_udp(client, queries, replies, waiting)
                waiting = [i for i in waiting if replies[i] is None]
                if not waiting:
                    break
        return replies

    @staticmethod
    def pass_udp(client, queries, replies, waiting):
        numbers = {struct.unpack_from(">H", queries[i])[0]: i
                   for i in waiting}
        client.settimeout(PATIENCE_S)
        sent = done = 0
        while done < len(waiting):
            while sent < len(waiting) and sent - done < WINDOW:
                client.send(queries[waiting[sent]])
                sent += 1
            try:
                reply = client.recv(65535)
            except OSError:
                # Lost: the next pass asks again for what is missing.
                if sent == len(waiting):
                    return
                done = sent
                continue
            index = numbers.get(struct.unpack_from(">H", reply)[0])
            if index is not None and replies[index] is None:
                replies[index] = reply
                done += 1

    def ask_tcp(self, queries):
        """[reply or None], pipelined on one connection."""
        replies = [None] * len(queries)
        numbers = {struct.unpack_from(">H", query)[0]: i
                   for i, query in enumerate(queries)}
        for _ in range(TRIES):
            waiting = [i for i in range(len(queries)) if replies[i] is None]
            if not waiting:
                break
            try:
                with socket.create_connection(("127.0.0.1", self.port),
                                              PATIENCE_S) as client:
                    self.pass_tcp(client, queries, replies, waiting, numbers)
            except OSError:
                continue
        return replies

    @staticmethod
    def pass_tcp(client, queries, replies, waiting, numbers):
        data = bytearray()
        sent = done = 0
        while done < len(waiting):
            batch = b""
            while sent < len(waiting) and sent - done < 16:
                octets = queries[waiting[sent]]
                batch += struct.pack(">H", len(octets)) + octets
                sent += 1
            if batch:
                client.sendall(batch)
            octets = client.recv(1 << 18)
            if not octets:
                return
            data += octets
            while len(data) >= 2:
                size = data[0] << 8 | data[1]
                if len(data) < size + 2:
                    break
                reply = bytes(data[2:2 + size])
                del data[:2 + size]
                index = numbers.get(struct.unpack_from(">H", reply)[0])
                if index is not None and replies[index] is None:
                    replies[index] = reply
                    done += 1
