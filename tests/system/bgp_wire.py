"""BGP messages as octets: written for hostile peers, read from what was sent.

Apart from the code under test on purpose: a second reading of the RFCs.
"""
import collections
import ipaddress
import socket
import struct
import threading

import rct

MARKER = b"\xff" * 16
OPEN, UPDATE, NOTIFICATION, KEEPALIVE, REFRESH = 1, 2, 3, 4, 5
GSHUT = 0xffff0000
AS_TRANS = 23456


def message(kind, body=b""):
    return MARKER + struct.pack(">HB", 19 + len(body), kind) + body


def capability(code, value=b""):
    return bytes([code, len(value)]) + value


def multiprotocol(afi):
    return capability(1, struct.pack(">HBB", afi, 0, 1))


def as4(number):
    return capability(65, struct.pack(">I", number))


def parameter(value, kind=2):
    return bytes([kind, len(value)]) + value


def open_message(number=65000, router_id="10.99.0.1", hold=9, parameters=None,
                 version=4):
    """An OPEN; parameters None: what a plain router says."""
    if parameters is None:
        parameters = parameter(multiprotocol(1) + multiprotocol(2) +
                               capability(2) + as4(number))
    field = number if number < 65536 else AS_TRANS
    return message(OPEN, struct.pack(
        ">BHH", version, field, hold) + socket.inet_aton(router_id) +
        bytes([len(parameters)]) + parameters)


def open_extended(number=65000, router_id="10.99.0.1", hold=9):
    """The form of RFC 9072: 255, 255, a length of two octets."""
    value = multiprotocol(1) + multiprotocol(2) + capability(2) + as4(number)
    parameters = struct.pack(">BH", 2, len(value)) + value
    return message(OPEN, struct.pack(">BHH", 4, number, hold) +
                   socket.inet_aton(router_id) +
                   struct.pack(">BBH", 255, 255, len(parameters)) + parameters)


def keepalive():
    return message(KEEPALIVE)


def notification(code, subcode, data=b""):
    return message(NOTIFICATION, bytes([code, subcode]) + data)


def refresh(afi=1, subtype=0, safi=1):
    return message(REFRESH, struct.pack(">HBB", afi, subtype, safi))


def flood_update(first, count=1000):
    """An UPDATE that announces count /32s from the number first on."""
    attributes = (b"\x40\x01\x01\x00" + b"\x40\x02\x06\x02\x01" +
                  struct.pack(">I", 65000) + b"\x40\x03\x04\x0a\x63\x00\x01")
    routes = b"".join(b"\x20" + struct.pack(">I", 0x0b000000 + first + i)
                      for i in range(count))
    return message(UPDATE, struct.pack(">HH", 0, len(attributes)) +
                   attributes + routes)


Message = collections.namedtuple("Message", "kind body")


def split(data):
    """([whole messages], the rest)"""
    found = []
    while len(data) >= 19:
        size, kind = struct.unpack(">HB", data[16:19])
        if size < 19 or len(data) < size:
            break
        found.append(Message(kind, data[19:size]))
        data = data[size:]
    return found, data


def capabilities(body):
    """[(code, value)] of an OPEN's body."""
    rest, found = body[10:], []
    while len(rest) >= 2:
        kind, size = rest[0], rest[1]
        value, rest = rest[2:2 + size], rest[2 + size:]
        while kind == 2 and len(value) >= 2:
            found.append((value[0], value[2:2 + value[1]]))
            value = value[2 + value[1]:]
    return found


def prefixes(data, family):
    size, found = (4, []) if family == 1 else (16, [])
    while data:
        octets = (data[0] + 7) // 8
        address = data[1:1 + octets] + b"\0" * (size - octets)
        found.append(f"{ipaddress.ip_address(address)}/{data[0]}")
        data = data[1 + octets:]
    return found


class Update:
    """An UPDATE, read as strictly as one that we made deserves."""

    def __init__(self, body, as_size=4):
        self.attributes = []  # (type, flags, value), as they stand
        self.announced, self.withdrawn, self.next_hop = [], [], None
        self.path, self.communities, self.large = None, [], []
        self.family = 1
        size = struct.unpack(">H", body[:2])[0]
        self.withdrawn += prefixes(body[2:2 + size], 1)
        body = body[2 + size:]
        size = struct.unpack(">H", body[:2])[0]
        attributes, routes = body[2:2 + size], body[2 + size:]
        self.announced += prefixes(routes, 1)
        while attributes:
            flags, kind = attributes[0], attributes[1]
            if flags & 16:
                size = struct.unpack(">H", attributes[2:4])[0]
                value, attributes = attributes[4:4 + size], \
                    attributes[4 + size:]
            else:
                size = attributes[2]
                value, attributes = attributes[3:3 + size], \
                    attributes[3 + size:]
            if len(value) != size:
                raise ValueError("attribute runs over the end")
            self.attributes.append((kind, flags, value))
            self.take(kind, value, as_size)

    def take(self, kind, value, as_size):
        if kind == 2:
            self.path = []
            while value:
                count, code = value[1], ">H" if as_size == 2 else ">I"
                self.path += [struct.unpack(code, value[2 + i * as_size:][
                    :as_size])[0] for i in range(count)]
                value = value[2 + count * as_size:]
        elif kind == 3:
            self.next_hop = value
        elif kind == 8:
            self.communities = list(struct.unpack(f">{len(value) // 4}I",
                                                  value))
        elif kind == 32:
            self.large = [struct.unpack(">III", value[i:i + 12])
                          for i in range(0, len(value), 12)]
        elif kind == 14:
            self.family = struct.unpack(">H", value[:2])[0]
            self.next_hop = value[4:4 + value[3]]
            self.announced += prefixes(value[5 + value[3]:], self.family)
        elif kind == 15:
            self.family = struct.unpack(">H", value[:2])[0]
            self.withdrawn += prefixes(value[3:], self.family)

    def has(self, kind):
        return any(entry[0] == kind for entry in self.attributes)

    def value(self, kind):
        return next((v for k, _, v in self.attributes if k == kind), None)

    def is_end_of_rib(self):
        return not self.announced and not self.withdrawn


class Sniffer:
    """What one end of a link sends over TCP, put together by stream."""

    def __init__(self, namespace, interface, port=179):
        self.port = port
        self.lock = threading.Lock()
        self.streams = {}  # (source, destination, ports) -> Stream
        self.socket = rct.in_namespace(namespace, lambda: socket.socket(
            socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # RCVBUFFORCE
        self.socket.bind((interface, 0))
        self.socket.settimeout(0.2)
        self.is_stopping = False
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while not self.is_stopping:
            try:
                frame, where = self.socket.recvfrom(70000)
            except socket.timeout:
                continue
            except OSError:
                return  # the namespace is gone
            self.packet(frame[14:], where)

    def packet(self, data, where):
        version = data[0] >> 4 if data else 0
        if where[2] != 4:  # PACKET_OUTGOING only
            return
        if version == 4 and data[9] == 6:
            header, end = (data[0] & 15) * 4, struct.unpack(
                ">H", data[2:4])[0]
            ends = data[12:16], data[16:20]
        elif version == 6 and data[6] == 6:
            header, end = 40, 40 + struct.unpack(">H", data[4:6])[0]
            ends = data[8:24], data[24:40]
        else:
            return
        segment = data[header:end]
        ports = struct.unpack(">HH", segment[:4])
        if self.port not in ports:
            return
        sequence = struct.unpack(">I", segment[4:8])[0]
        flags, payload = segment[13], segment[(segment[12] >> 4) * 4:]
        key = (str(ipaddress.ip_address(ends[0])),
               str(ipaddress.ip_address(ends[1])), ports)
        with self.lock:
            if flags & 2:
                self.streams.setdefault(key, []).append(Stream(sequence + 1))
            elif key in self.streams:
                self.streams[key][-1].add(sequence, payload)

    def sent(self, to):
        """[[messages of a connection]] to that address, in order."""
        with self.lock:
            return [stream.messages() for key, found in self.streams.items()
                    if key[1] == to for stream in found]

    def everything(self):
        """[(destination, [messages])]"""
        with self.lock:
            return [(key[1], stream.messages())
                    for key, found in self.streams.items()
                    for stream in found]

    def stop(self):
        self.is_stopping = True
        self.thread.join()
        self.socket.close()


class Stream:
    def __init__(self, first):
        self.first, self.data, self.waiting = first & 0xffffffff, b"", {}

    def add(self, sequence, payload):
        at = (sequence - self.first) & 0xffffffff
        if at < 1 << 31 and payload:
            self.waiting[at] = max(payload, self.waiting.get(at, b""), key=len)
        while True:
            at = next((at for at in self.waiting if at <= len(self.data)),
                      None)
            if at is None:
                return
            self.data += self.waiting.pop(at)[len(self.data) - at:]

    def messages(self):
        return split(self.data)[0]


def judge(messages, local_as, peer_as=None):
    """What in a stream of ours breaks a rule that we keep: [texts]."""
    wrong, size = [], 4
    for number, entry in enumerate(messages):
        if entry.kind == OPEN:
            codes = {code for code, _ in capabilities(entry.body)}
            if not codes <= {1, 2, 9, 65}:
                wrong.append(f"capabilities {sorted(codes)}")
            if (1, b"\0\1\0\1") not in capabilities(entry.body):
                wrong.append("OPEN without MP IPv4")
        elif entry.kind == UPDATE:
            if KEEPALIVE not in [m.kind for m in messages[:number]]:
                wrong.append("UPDATE before KEEPALIVE")
            raw = entry.body
            if peer_as == "old":
                size = 2
            update = Update(raw, size)
            wrong += judge_update(update, local_as, peer_as)
        elif entry.kind == NOTIFICATION and entry.body[0] == 3:
            wrong.append(f"NOTIFICATION 3/{entry.body[1]}")
    return wrong


def judge_update(update, local_as, peer_as):
    wrong = []
    kinds = [kind for kind, _, _ in update.attributes]
    if len(kinds) != len(set(kinds)):
        wrong.append(f"an attribute stands twice: {kinds}")
    if not set(kinds) <= {1, 2, 3, 4, 5, 8, 14, 15, 17, 32, 35}:
        wrong.append(f"attributes {kinds}")
    for kind in (14, 15):
        if kind in kinds and kinds[0] != kind:
            wrong.append(f"MP attribute is not first: {kinds}")
    if update.announced and update.withdrawn:
        wrong.append("announces and withdraws in one")
    for kind, flags, value in update.attributes:
        if not value and kind in (8, 32):
            wrong.append("communities of no length")
        if bool(flags & 16) != (len(value) > 255):
            wrong.append(f"attribute {kind}: flags {flags:#x}")
    if update.communities != sorted(set(update.communities)):
        wrong.append("communities are not sorted, or stand twice")
    if not update.announced:
        return wrong
    if not {1, 2} <= set(kinds) or update.next_hop is None:
        wrong.append(f"mandatory attributes are missing: {kinds}")
    if update.next_hop in (bytes(4), bytes(16)):
        wrong.append("next hop of zeros")
    if peer_as == local_as:
        if update.path or 5 not in kinds:
            wrong.append("iBGP: AS_PATH, or no LOCAL_PREF")
    else:
        own = AS_TRANS if peer_as == "old" and local_as > 65535 else local_as
        if 5 in kinds:
            wrong.append("LOCAL_PREF on eBGP")
        if not update.path or set(update.path) != {own}:
            wrong.append(f"AS_PATH {update.path}")
        if (17 in kinds) != (peer_as == "old" and local_as > 65535):
            wrong.append("AS4_PATH")
    return wrong
