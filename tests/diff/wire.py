"""DNS messages in and out of octets: as much as comparing answers needs.

A codec of its own, since a second opinion that shares code with one of the
servers is none. Names are tuples of labels (octets, folded to lower case); an
RRset is (owner, type, covered type), its value (TTLs, RDATAs). Names in RDATA
are written out and folded where the type is one that may be compressed.
"""
import struct

TYPES = {
    "A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "HINFO": 13, "MX": 15,
    "TXT": 16, "RP": 17, "AFSDB": 18, "SIG": 24, "KEY": 25, "AAAA": 28, "LOC": 29,
    "SRV": 33, "NAPTR": 35, "KX": 36, "CERT": 37, "DNAME": 39,
    "OPT": 41, "APL": 42, "DS": 43, "SSHFP": 44, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48,
    "DHCID": 49, "NSEC3": 50, "NSEC3PARAM": 51, "TLSA": 52, "SMIMEA": 53,
    "CDS": 59, "CDNSKEY": 60, "OPENPGPKEY": 61, "CSYNC": 62,
    "ZONEMD": 63, "SVCB": 64, "HTTPS": 65, "SPF": 99, "NID": 104,
    "EUI48": 108, "TKEY": 249, "TSIG": 250, "IXFR": 251, "AXFR": 252,
    "MAILB": 253, "MAILA": 254, "ANY": 255, "URI": 256, "CAA": 257,
    "TYPE65400": 65400, "TYPE65401": 65401, "TYPE65535": 65535,
}
NAMES = {number: name for name, number in TYPES.items()}

# Where names stand in RDATA: octets before, number of names (RFC 3597 4).
NAMES_IN_RDATA = {2: (0, 1), 5: (0, 1), 6: (0, 2), 12: (0, 1), 15: (2, 1),
                  17: (0, 2), 18: (2, 1), 33: (6, 1), 36: (2, 1), 39: (0, 1)}

OPTION_EDE = 15
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, YXDOMAIN = range(7)


def type_name(number):
    return NAMES.get(number, f"TYPE{number}")


def type_number(name):
    return TYPES[name] if name in TYPES else int(name.removeprefix("TYPE"))


def name_text(labels):
    if not labels:
        return "."
    text = ""
    for label in labels:
        for octet in label:
            if octet in b'.;\\"()@$' or not 33 <= octet <= 126:
                text += f"\\{octet:03d}"
            else:
                text += chr(octet)
        text += "."
    return text


def name_from_text(text):
    """'a\\.b.example.' as labels, case kept."""
    labels, label, i = [], bytearray(), 0
    if text == ".":
        return ()
    while i < len(text):
        if text[i] == "\\":
            if text[i + 1].isdigit():
                label.append(int(text[i + 1:i + 4]))
                i += 4
            else:
                label.append(ord(text[i + 1]))
                i += 2
        elif text[i] == ".":
            labels.append(bytes(label))
            label = bytearray()
            i += 1
        else:
            label.append(ord(text[i]))
            i += 1
    if label:
        raise ValueError(f"{text} is not absolute")
    return tuple(labels)


def folded(labels):
    return tuple(label.lower() for label in labels)


def name_wire(labels):
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def query(number, labels, qtype, dnssec, payload, flags=0, qclass=1,
          version=0, options=b""):
    """A query; payload None: without EDNS."""
    octets = struct.pack(">HHHHHH", number, flags, 1, 0, 0,
                         0 if payload is None else 1)
    octets += name_wire(labels) + struct.pack(">HH", qtype, qclass)
    if payload is not None:
        octets += b"\0" + struct.pack(
            ">HHBBHH", TYPES["OPT"], payload, 0, version,
            0x8000 if dnssec else 0, len(options)) + options
    return octets


class Malformed(Exception):
    """What a server sent is no message."""


def read_name(octets, at, known):
    """(labels, offset behind it); known: names by offset, of this message."""
    labels, end, start, hops = [], None, at, 0
    while True:
        if at in known and end is not None:
            labels.extend(known[at])
            break
        if at >= len(octets):
            raise Malformed("a name runs over the end")
        length = octets[at]
        if length == 0:
            at += 1
            break
        if length >= 0xc0:
            if end is None:
                end = at + 2
            target = (length & 0x3f) << 8 | octets[at + 1]
            if target >= at or hops > 127:
                raise Malformed("a pointer that does not point back")
            hops += 1
            at = target
            continue
        if length > 63:
            raise Malformed("a label of an unknown kind")
        labels.append(octets[at + 1:at + 1 + length].lower())
        at += 1 + length
    labels = tuple(labels)
    if sum(map(len, labels)) + len(labels) > 254:
        raise Malformed("a name of more than 255 octets")
    known[start] = labels
    return labels, at if end is None else end


def read_rdata(octets, kind, at, size, known):
    shape = NAMES_IN_RDATA.get(kind)
    if shape is None:
        return octets[at:at + size]
    end = at + size
    data = octets[at:at + shape[0]]
    at += shape[0]
    for _ in range(shape[1]):
        labels, at = read_name(octets, at, known)
        data += name_wire(labels)
    if at > end:
        raise Malformed("RDATA runs over its length")
    return data + octets[at:end]


class Message:
    """A reply, taken apart."""

    def __init__(self, octets):
        if len(octets) < 12:
            raise Malformed("shorter than a header")
        self.size = len(octets)
        self.number, self.flags, *counts = struct.unpack_from(">HHHHHH",
                                                              octets)
        self.rcode = self.flags & 15
        self.opcode = self.flags >> 11 & 15
        self.qr, self.aa = self.flags >> 15 & 1, self.flags >> 10 & 1
        self.tc, self.rd = self.flags >> 9 & 1, self.flags >> 8 & 1
        self.ra, self.z = self.flags >> 7 & 1, self.flags >> 6 & 1
        self.ad, self.cd = self.flags >> 5 & 1, self.flags >> 4 & 1
        self.edns, self.edns_size = None, 0
        self.doubled = []  # records that stand twice in a section
        known, at = {}, 12
        self.question = []
        try:
            for _ in range(counts[0]):
                begin = at
                _, at = read_name(octets, at, known)
                # As it came: the case must be the client's.
                self.question.append(octets[begin:at + 4])
                at += 4
            sections = []
            # (section number, key, offset behind it) of each record.
            self.marks = []
            self.body = at
            for number, count in enumerate(counts[1:]):
                section, at = self.read_section(octets, at, count, known,
                                                number)
                sections.append(section)
        except (IndexError, struct.error) as error:
            raise Malformed("shorter than its counts say") from error
        if at != len(octets):
            raise Malformed("octets behind the last record")
        self.answer, self.authority, self.additional = sections

    def read_section(self, octets, at, count, known, number):
        section = {}
        for _ in range(count):
            owner, at = read_name(octets, at, known)
            kind, klass, ttl, size = struct.unpack_from(">HHIH", octets, at)
            at += 10
            if at + size > len(octets):
                raise Malformed("RDATA runs over the end")
            if kind == TYPES["OPT"]:
                if self.edns is not None or owner:
                    raise Malformed("a second OPT, or one below the root")
                self.rcode |= ttl >> 24 << 4
                options, data = [], octets[at:at + size]
                while data:
                    code, length = struct.unpack_from(">HH", data)
                    options.append((code, data[4:4 + length]))
                    data = data[4 + length:]
                self.edns = {"payload": klass, "version": ttl >> 16 & 255,
                             "flags": ttl & 0xffff, "options": options}
                at += size
                self.edns_size = 11 + size
                continue
            data = read_rdata(octets, kind, at, size, known)
            covered = struct.unpack_from(">H", octets, at)[0] \
                if kind == TYPES["RRSIG"] else 0
            at += size
            key = (owner, kind, covered)
            self.marks.append((number, key, at))
            ttls, datas = section.setdefault(key, (set(), []))
            ttls.add(ttl)
            if data in datas:
                self.doubled.append(f"{name_text(owner)} {type_name(kind)}")
            else:
                datas.append(data)
        for _, datas in section.values():
            datas.sort()
        return section, at

    def is_referral(self):
        return not self.aa and not self.answer and any(
            kind == 2 for _, kind, _ in self.authority)

    def text(self):
        flags = " ".join(name for name in
                         ("aa", "tc", "rd", "ra", "z", "ad", "cd")
                         if getattr(self, name))
        lines = [f"rcode {self.rcode} flags {flags or '-'} size {self.size} "
                 f"edns {self.edns}"]
        for name in ("answer", "authority", "additional"):
            for (owner, kind, covered), (ttls, datas) in sorted(
                    getattr(self, name).items()):
                kinds = type_name(kind) + (f"({type_name(covered)})"
                                           if covered else "")
                lines.append(f"  {name}: {name_text(owner)} "
                             f"{sorted(ttls)} {kinds} x{len(datas)} "
                             f"{datas[0].hex()[:48]}")
        return "\n".join(lines)
