"""What is compared, and the table of differences that are allowed.

A row names a difference between Rootcast and one or more peers that is a
choice which RFCs leave open, or a fault of the peer's; it says by which RFC our
side is right. Its predicate sees one difference at a time, as narrow as can be
told: a row that explains too much hides faults.

Replies by UDP are judged twice: against the peers', and against our own whole
reply by TCP, from which everything about truncation follows (own_faults). So a
row about room need only say that the peer chose otherwise.
"""
import collections

import wire

ALL = ("nsd", "knot", "bind")
A, NS, CNAME, SOA, MX, AAAA, SRV = 1, 2, 5, 6, 15, 28, 33
DNAME, DS, RRSIG, NSEC, DNSKEY, NSEC3 = 39, 43, 46, 47, 48, 50
SVCB, HTTPS, ANY = 64, 65, 255
AFSDB, RT, KX = 18, 21, 36
PLAIN_LIMIT = 512
SERVER_LIMIT = 1232

SECTIONS = ("answer", "authority", "additional")
FLAGS = ("rcode", "opcode", "qr", "aa", "tc", "rd", "ra", "z", "ad", "cd")


class Difference:
    """One field that differs. where: a flag, 'edns', 'question' or a section;
    side: 'ours' (only we have it), 'theirs', 'ttl', 'data', or 'value'."""

    def __init__(self, where, side, key=None, ours=None, theirs=None):
        self.where, self.side, self.key = where, side, key
        self.ours, self.theirs = ours, theirs

    @property
    def kind(self):
        """The RR type; for a signature the type that it covers."""
        return self.key[2] or self.key[1]

    @property
    def owner(self):
        return self.key[0]

    @property
    def shape(self):
        if self.key is None:
            return f"{self.where} {self.ours}/{self.theirs}"
        kinds = wire.type_name(self.key[1])
        if self.key[2]:
            kinds += f"({wire.type_name(self.key[2])})"
        return f"{self.where} {self.side} {kinds}"

    def __str__(self):
        if self.key is None:
            return f"{self.where}: ours {self.ours}, theirs {self.theirs}"
        text = f"{self.shape} {wire.name_text(self.key[0])}"
        if self.side in ("ttl", "data"):
            text += f": ours {self.ours}, theirs {self.theirs}"[:300]
        return text


Row = collections.namedtuple("Row", "name peers source explains")


class Case:
    """A question with our reply and a peer's, and what both say to it by TCP
    (the reply itself where it came by TCP). origin: the zone asked about."""

    def __init__(self, question, peer, origin, ours, theirs, ours_full,
                 theirs_full):
        self.question, self.peer, self.origin = question, peer, origin
        self.ours, self.theirs = ours, theirs
        self.ours_full, self.theirs_full = ours_full, theirs_full
        self.name = wire.folded(question.labels)
        self.qtype = question.qtype
        self.tcp = question.tcp
        self.limit = limit_of(question)
        # Of all that the peer had to say, with this reply's OPT.
        self.theirs_size = (theirs_full.size - theirs_full.edns_size +
                            theirs.edns_size)


def limit_of(question):
    """Octets that a reply may take."""
    if question.tcp:
        return 65535
    return min(max(question.payload or 0, PLAIN_LIMIT), SERVER_LIMIT)


def is_below(name, ancestor):
    """At or below."""
    return len(name) >= len(ancestor) and \
        name[len(name) - len(ancestor):] == ancestor


def differences(ours, theirs):
    found = [Difference(flag, "value", None, getattr(ours, flag),
                        getattr(theirs, flag))
             for flag in FLAGS if getattr(ours, flag) != getattr(theirs, flag)]
    if ours.question != theirs.question:
        found.append(Difference("question", "value", None, ours.question,
                                theirs.question))
    if ours.edns != theirs.edns:
        found.append(Difference("edns", "value", None, ours.edns,
                                theirs.edns))
    if ours.doubled or theirs.doubled:
        found.append(Difference("doubled", "value", None, ours.doubled,
                                theirs.doubled))
    for section in SECTIONS:
        mine, other = getattr(ours, section), getattr(theirs, section)
        if mine == other:
            continue
        for key in mine.keys() - other.keys():
            found.append(Difference(section, "ours", key, mine[key]))
        for key in other.keys() - mine.keys():
            found.append(Difference(section, "theirs", key, None, other[key]))
        for key in mine.keys() & other.keys():
            if mine[key][0] != other[key][0]:
                found.append(Difference(section, "ttl", key, mine[key][0],
                                        other[key][0]))
            if mine[key][1] != other[key][1]:
                found.append(Difference(section, "data", key, mine[key][1],
                                        other[key][1]))
    return found


# --- our own reply, whatever the peers say ---------------------------------

def names_of(datas):
    """The names that NS RDATAs are, folded."""
    return {wire.read_name(data, 0, {})[0] for data in datas}


def cut_of(message):
    """(owner, hosts) of the delegation in the authority section, or None."""
    if any(kind == SOA for _, kind, _ in message.authority):
        return None
    for (owner, kind, _), (_, datas) in message.authority.items():
        if kind == NS:
            return owner, names_of(datas)
    return None


def is_required(message, key):
    """Must this RRset of the additional section be there, or TC set (RFC 9471
    3.1)? Yes for addresses of servers below the cut."""
    cut = cut_of(message)
    return cut is not None and not message.aa | bool(message.answer) and \
        key[1] in (A, AAAA) and key[0] in cut[1] and is_below(key[0], cut[0])


def required_size(full):
    """Octets without OPT of what must be there of a whole reply."""
    end = full.body
    for section, key, at in full.marks:
        if section < 2 or is_required_chain(full, key):
            end = at
    return end


def is_required_chain(full, key):
    """As is_required, for a reply that may be a chain that ends in a cut."""
    cut = cut_of(full)
    return cut is not None and (not full.aa or bool(full.answer)) and \
        key[1] in (A, AAAA) and key[0] in cut[1] and is_below(key[0], cut[0])


def own_faults(question, query, ours, full):
    """What is wrong with our reply; full: our reply by TCP."""
    wrong = []
    if not ours.qr or ours.opcode != query[2] >> 3 & 15:
        wrong.append("header: no reply to this query")
    has_opt = query[11] != 0
    if ours.question != [query[12:-11] if has_opt else query[12:]]:
        wrong.append("question: not echoed octet for octet")
    if (ours.edns is not None) != has_opt:
        wrong.append("edns: an OPT where and only where there was one")
    if ours.ra or ours.z or ours.ad or ours.cd:
        wrong.append("flags: RA, Z, AD or CD set")
    if ours.rd != query[2] & 1:
        wrong.append("flags: RD not copied")
    if ours.tc and (ours.answer or ours.authority or ours.additional):
        wrong.append("tc: more than header, question and OPT")
    if ours.doubled:
        wrong.append(f"doubled: {ours.doubled}")
    if ours.size > limit_of(question):
        wrong.append(f"size: {ours.size} octets, {limit_of(question)} allowed")
    for section in SECTIONS:
        for (owner, kind, _), (ttls, _) in getattr(ours, section).items():
            if len(ttls) > 1:
                wrong.append(f"{section}: TTLs differ in "
                             f"{wire.name_text(owner)} {wire.type_name(kind)}")
    if not question.tcp and question.qtype != ANY:
        wrong += truncation_faults(question, ours, full)
    return wrong


def truncation_faults(question, ours, full):
    """Of a reply by UDP, given all that there was to say."""
    room = limit_of(question) - ours.edns_size
    if full.tc:
        return ["tc: set by TCP"]
    if ours.rcode != full.rcode or ours.aa != full.aa:
        return ["header: not that of the reply by TCP"]
    if full.size - full.edns_size <= room:
        if ours.tc:
            return ["tc: set, and all would fit"]
        if any(getattr(ours, s) != getattr(full, s) for s in SECTIONS):
            return ["sections: less than by TCP, and all would fit"]
        return []
    if required_size(full) > room:
        return [] if ours.tc else ["tc: not set, and not all fits"]
    if ours.tc:
        return ["tc: set, and what is needed would fit"]
    if ours.answer != full.answer or ours.authority != full.authority:
        return ["sections: not those of the reply by TCP"]
    wrong = []
    for key, value in full.additional.items():
        if key not in ours.additional and is_required_chain(full, key):
            wrong.append("additional: glue missing (RFC 9471 3.1): "
                         f"{wire.name_text(key[0])}")
        elif ours.additional.get(key, value) != value:
            wrong.append("additional: not the RRset sent by TCP")
    # The first RRset that was left out had no room.
    out = [mark for mark in full.marks
           if mark[0] == 2 and mark[1] not in ours.additional]
    if out:
        first = out[0][1]
        if max(at for n, key, at in full.marks
               if n == 2 and rrset_key(key) == rrset_key(first)) <= room:
            wrong.append("additional: left out, and would fit: "
                         f"{wire.name_text(first[0])}")
    return wrong


def rrset_key(key):
    """One key for an RRset and its signatures."""
    return key[0], key[2] or key[1]


# --- the table --------------------------------------------------------------

ROWS = []


def row(name, peers, source):
    """Add the predicate below it to the table."""
    def add(predicate):
        ROWS.append(Row(name, peers, source, predicate))
        return predicate
    return add


def explain(case, difference):
    for candidate in ROWS:
        if case.peer in candidate.peers and candidate.explains(case,
                                                               difference):
            return candidate
    return None


ZONES = {}  # the zones that are served by their apexes, set by the runner


def zone_of(name):
    """Labels of the apex above the name, or None."""
    for i in range(len(name) + 1):
        if name[i:] in ZONES:
            return name[i:]
    return None


def chain_of(message, name):
    """The names that the answer's CNAMEs lead to, the question's first."""
    names = [name]
    while len(names) < 40:
        cname = message.answer.get((names[-1], CNAME, 0))
        if cname is None:
            break
        names.append(wire.read_name(cname[1][0], 0, {})[0])
    return names


def is_apex_ns(key):
    return (key[2] or key[1]) == NS and key[0] in ZONES


@row("a truncated reply is header, question and OPT", ALL, "RFC 2181 9: what a "
     "client must not use need not be sent")
def _(case, difference):
    # That TC is right is held by truncation_faults(); a peer that has not set
    # it differs in the flag, which takes a row of its own.
    return case.ours.tc and difference.side == "theirs"


@row("a positive answer has no NS in authority", ("nsd",),
     "RFC 1034 4.3.2 3a: what matches is copied into the answer section")
def _(case, difference):
    if difference.side != "theirs" or not case.theirs.answer:
        return False
    if difference.where == "authority":
        return is_apex_ns(difference.key)
    hosts = set()
    for (owner, kind, _), (_, datas) in case.theirs.authority.items():
        if kind == NS and owner in ZONES:
            hosts |= names_of(datas)
    return difference.where == "additional" and \
        difference.kind in (A, AAAA) and difference.owner in hosts


@row("a chain goes on in every zone that is served", ("knot", "bind"),
     "RFC 1034 4.3.2 3a: 'change QNAME and go back to step 1'")
def _(case, difference):
    theirs = chain_of(case.theirs_full if case.theirs.tc else case.theirs,
                      case.name)
    if len(theirs) < 2 or zone_of(theirs[-1]) in (None,
                                                  zone_of(theirs[-2])):
        return False
    if theirs[-1] not in chain_of(case.ours_full, case.name):
        return False
    if difference.where == "rcode":
        return difference.theirs == wire.NOERROR and \
            difference.ours == case.ours_full.rcode
    if difference.where == "tc":
        return difference.ours == 1
    if difference.side in ("theirs", "data"):
        # The child's zone is served too; from the parent comes a referral.
        cut = cut_of(case.theirs)
        return cut is not None and cut[0] == zone_of(theirs[-1]) and \
            difference.where != "answer"
    return difference.side == "ours" and difference.owner not in theirs[:-1]


def is_loop(message, name):
    names = chain_of(message, name)
    return len(set(names)) < len(names)


def in_referral(message, key):
    """Is this an address of a server of the delegation in authority?"""
    cut = cut_of(message)
    return cut is not None and key[0] in cut[1] and \
        (key[2] or key[1]) in (A, AAAA)


def is_authoritative(name):
    """Has the name data of its zone's own, not glue?"""
    apex = zone_of(name)
    if apex is None:
        return False
    types = ZONES[apex].types
    return all("NS" not in types.get(name[i:], ())
               for i in range(len(name) - len(apex)))


@row("RRSIG asked for: all that the name has", ("knot", "bind"),
     "RFC 1034 4.3.2 3a: all RRs which match QTYPE")
def _(case, difference):
    if case.qtype != RRSIG or not case.theirs.answer:
        return False
    if difference.where == "tc":
        return difference.ours == 1 and \
            len(case.theirs.answer) < len(case.ours_full.answer)
    return difference.where == "answer" and difference.side == "ours" and \
        difference.key[1] == RRSIG


@row("addresses that need not be there: those that fit", ALL,
     "RFC 9471 3.2, RFC 2181 9: left out without TC")
def _(case, difference):
    if case.tcp or difference.where != "additional":
        return False
    if difference.side == "theirs":
        return difference.key in case.ours_full.additional
    # BIND adds nothing where 512 octets are the limit.
    return difference.side == "ours" and \
        difference.key in case.theirs_full.additional and \
        (case.theirs_size > case.limit or case.peer == "bind" and
         case.limit == PLAIN_LIMIT)


@row("glue below the cut is there, or TC set", ALL, "RFC 9471 3.1")
def _(case, difference):
    return difference.where == "tc" and difference.ours == 1 and any(
        is_required_chain(case.ours_full, key) and
        key not in case.theirs.additional
        for key in case.ours_full.additional)


@row("TC follows from what there is to say", ALL,
     "RFC 2181 9; that we say more is a difference, and a row, by TCP")
def _(case, difference):
    if difference.where != "tc" or not case.ours.tc:
        return False
    return any(key not in getattr(case.theirs_full, section)
               for section in ("answer", "authority")
               for key in getattr(case.ours_full, section))


@row("a message may be compressed less", ALL,
     "RFC 1035 4.1.4: programs are free to avoid pointers")
def _(case, difference):
    ours, theirs = case.ours_full, case.theirs
    return difference.where == "tc" and difference.ours == 1 and \
        ours.answer == theirs.answer and ours.authority == theirs.authority


@row("TC is not set where all that is needed fits", ALL,
     "RFC 2181 9, RFC 1035 4.2.1")
def _(case, difference):
    if case.ours.tc or not case.theirs.tc or \
            case.theirs_size <= case.limit:
        return False
    return difference.where == "tc" or difference.side == "ours"


@row("a DNAME whose result is too long: YXDOMAIN", ("knot",),
     "RFC 6672 2.2")
def _(case, difference):
    if case.ours_full.rcode != wire.YXDOMAIN:
        return False
    return difference.where == "rcode" or difference.where == "authority" \
        and difference.side == "theirs" and \
        difference.kind in (SOA, NSEC, NSEC3)


@row("a truncated reply has the RCODE of the whole", ("knot",),
     "RFC 6604 3: that of the last name")
def _(case, difference):
    return difference.where == "rcode" and case.theirs.tc and \
        case.theirs_full.rcode == case.ours.rcode


@row("MAILA and MAILB are types like others", ("bind",),
     "RFC 6895 3.1, RFC 1034 4.3.2: no NOTIMP for a QTYPE")
def _(case, _difference):
    return case.qtype in (253, 254) and case.theirs.rcode == wire.NOTIMP


@row("Extended DNS Errors go where they help", ("nsd", "bind"),
     "RFC 8914 3: may be included in any reply")
def _(case, difference):
    def rest(edns):
        return {**edns, "options": [option for option in edns["options"]
                                    if option[0] != wire.OPTION_EDE]}
    return difference.where == "edns" and difference.ours is not None and \
        difference.theirs is not None and \
        rest(difference.ours) == rest(difference.theirs)


@row("a referral has the addresses that are known", ("bind",),
     "RFC 1034 4.3.2 3b: 'whatever addresses are available'")
def _(case, difference):
    return difference.where == "additional" and difference.side == "ours" and \
        in_referral(case.ours, difference.key) and \
        is_authoritative(difference.owner)


@row("an alias that leads round is answered with its records", ("bind",),
     "RFC 1034 3.6.2: no failure; NSD and Knot")
def _(case, difference):
    return difference.where == "rcode" and \
        difference.theirs == wire.SERVFAIL and \
        difference.ours == wire.NOERROR and \
        is_loop(case.theirs_full, case.name)


@row("a record stands once in a section", ("nsd", "knot"), "RFC 2181 5.5")
def _(case, difference):
    return difference.where == "doubled" and \
        is_loop(case.theirs, case.name)


@row("a CNAME stands for every type that its name has not", ALL,
     "RFC 1034 3.6.2; RFC 4034 4 only lets an NSEC stand beside it")
def _(case, difference):
    # The peers take the name for one that could have an NSEC, and say NODATA.
    last = chain_of(case.theirs, case.name)[-1]
    types = (NSEC3,) if case.peer == "nsd" else (NSEC, RRSIG)
    return case.qtype in types and difference.where != "edns" and \
        (last, CNAME, 0) in case.ours_full.answer


@row("ANY: one RRset by UDP, all by TCP", ALL, "RFC 8482 4.1, 4.4")
def _(case, difference):
    if case.qtype != ANY or difference.where != "answer":
        return False
    here = [key for key in case.ours.answer if key[0] == difference.owner]
    there = [key for key in case.theirs.answer if key[0] == difference.owner]
    return difference.side in ("ours", "theirs") and bool(here and there)


@row("ANY: by UDP one RRset fits where all do not", ALL, "RFC 8482 4.1")
def _(case, difference):
    return case.qtype == ANY and difference.where == "tc" and \
        difference.theirs == 1 and bool(case.ours.answer)


@row("ANY below a DNAME follows the CNAME made of it", ("bind",),
     "RFC 6672 3.2 3c: restart with the new name")
def _(case, difference):
    theirs = case.theirs_full if case.theirs.tc else case.theirs
    names = chain_of(theirs, case.name)
    if case.qtype != ANY or len(names) < 2 or \
            not any(kind == DNAME for _, kind, _ in theirs.answer):
        return False
    if difference.where == "rcode":
        return difference.ours == wire.NXDOMAIN
    return difference.where == "tc" and difference.ours == 1 or \
        difference.side == "ours" and difference.owner not in names[:-1]


@row("ANY: no addresses of hosts", ("nsd", "knot"),
     "RFC 8482 4: as little as will do")
def _(case, difference):
    return case.qtype == ANY and difference.where == "additional" and \
        difference.side == "theirs" and difference.kind in (A, AAAA)


@row("a name that starts with '*' and is none needs the proof that it is none",
     ("knot",), "RFC 4035 3.1.3.3 and 3.1.3.4, RFC 5155 7.2.5 and 7.2.6")
def _(case, difference):
    return case.name[:1] == (b"*",) and \
        case.name not in ZONES[zone_of(case.name)].types and \
        difference.where == "authority" and \
        difference.side == "ours" and difference.kind in (NSEC, NSEC3)


@row("a wildcard asked for literally matches: NODATA is one NSEC3", ("nsd",),
     "RFC 5155 7.2.3")
def _(case, difference):
    return case.name[:1] == (b"*",) and \
        case.name in ZONES[zone_of(case.name)].types and \
        difference.where == "authority" and \
        difference.side == "theirs" and difference.kind == NSEC3


@row("names of NSEC3 records do not exist", ("nsd",), "RFC 5155 7.2.8")
def _(case, difference):
    types = ZONES[zone_of(case.name)].types
    return difference.where == "authority" and difference.kind == NSEC3 and \
        any("NSEC3" in types.get(case.name[i:], ())
            for i in range(len(case.name)))


@row("wildcard NODATA: closest encloser, next closer name, wildcard",
     ("nsd",), "RFC 5155 7.2.5")
def _(case, difference):
    # NSD leaves a part out for DS, and where a wildcard stands below another.
    return difference.where == "authority" and difference.side == "ours" and \
        difference.kind == NSEC3 and case.ours.rcode == wire.NOERROR and \
        not case.ours.answer and \
        case.name not in ZONES[zone_of(case.name)].types


@row("SOA of a denial that does not fit: TC", ("knot",),
     "RFC 2181 9, RFC 2308 3")
def _(case, difference):
    return difference.where == "tc" and difference.ours == 1 and \
        case.theirs_size > case.limit and any(
            key not in case.theirs.authority
            for key in case.theirs_full.authority)


@row("SVCB and HTTPS: '.' is the owner", ("nsd", "knot"), "RFC 9460 2.5, 4.1")
def _(case, difference):
    return difference.where == "additional" and difference.side == "ours" and \
        difference.kind in (A, AAAA) and any(
            (difference.owner, kind, 0) in case.ours.answer
            for kind in (SVCB, HTTPS))


@row("SVCB and HTTPS: addresses of the target", ("nsd",),
     "RFC 9460 4.1: SHOULD return A, AAAA of TargetNames in the zone")
def _(case, difference):
    return difference.where == "additional" and difference.side == "ours" and \
        difference.kind in (A, AAAA) and \
        any(kind in (SVCB, HTTPS) for _, kind, _ in case.ours.answer)


@row("SVCB and HTTPS: addresses of the target, nothing else", ("knot",),
     "RFC 9460 4.1: SHOULD for its SVCB, and for the proof of none; NSD, BIND")
def _(case, difference):
    return difference.where == "additional" and \
        difference.side == "theirs" and \
        difference.kind in (NSEC, NSEC3, SVCB, HTTPS) and \
        any(kind in (SVCB, HTTPS) for _, kind, _ in case.ours.answer)


@row("SVCB and HTTPS: what the target has of that type", ("nsd", "bind"),
     "RFC 9460 4.1: SHOULD return the SVCB of TargetNames in the zone; Knot")
def _(case, difference):
    return difference.where == "additional" and difference.side == "ours" and \
        difference.kind in (SVCB, HTTPS) and any(
            kind == difference.kind for _, kind, _ in case.ours.answer)


@row("AFSDB, RT and KX: addresses of the hosts", ALL,
     "RFC 1183 1 and 3.3, RFC 2230 3.2: additional section processing")
def _(case, difference):
    return difference.where == "additional" and difference.side == "ours" and \
        difference.kind in (A, AAAA) and \
        any(kind in (AFSDB, RT, KX) for _, kind, _ in case.ours.answer)


@row("NSEC at a wildcard: it stands in the answer for the name, and in "
     "authority as the proof that there is none closer", ("knot",),
     "RFC 4035 3.1.3.3; NSD, BIND")
def _(case, difference):
    return case.qtype == NSEC and difference.where == "authority" and \
        difference.side == "ours" and difference.kind == NSEC and \
        difference.owner[:1] == (b"*",) and \
        (case.name, NSEC, 0) in case.ours.answer


def is_empty(name):
    """Does the name only exist by names below it?"""
    apex = zone_of(name)
    types = ZONES[apex].types
    return name not in types and len(name) > len(apex) and any(
        len(other) > len(name) and is_below(other, name) for other in types)


@row("an empty name without an NSEC3: the proof starts above it", ("nsd",),
     "RFC 5155 7.1 and 7.2.1: the closest provable encloser; Knot, BIND")
def _(case, difference):
    return difference.where == "authority" and difference.kind == NSEC3 and \
        case.ours.rcode == case.theirs.rcode == wire.NXDOMAIN and \
        any(is_empty(case.name[i:]) for i in range(1, len(case.name)))


@row("denial of a name that a DNAME led to", ("nsd",),
     "RFC 4035 3.1.3.2, RFC 5155 7.2.2: for the last name")
def _(case, difference):
    return difference.where == "authority" and \
        difference.kind in (NSEC, NSEC3) and \
        any(kind == DNAME for _, kind, _ in case.ours_full.answer)


@row("NSEC asked at a cut: a referral", ("bind",),
     "RFC 1034 4.3.2 3b; RFC 4035 3.1.4.1 excepts DS alone")
def _(case, difference):
    return case.qtype == NSEC and case.theirs.aa and not case.ours.aa and \
        (case.name, NS, 0) in case.ours_full.authority and \
        difference.where != "edns" and difference.where != "rcode"


@row("long chains are followed", ("knot",),
     "RFC 1034 3.6.2: CNAME chains should be followed")
def _(case, difference):
    names = chain_of(case.theirs, case.name)
    if len(names) < 6 or names[-1] not in chain_of(case.ours_full, case.name):
        return False
    return difference.side == "ours" and difference.owner not in names[:-1] \
        or difference.where == "rcode" and difference.theirs == wire.NOERROR


@row("AD is never set", ("bind",),
     "RFC 4035 3.1.6: only where all data is authentic by local policy")
def _(case, difference):
    return difference.where == "ad" and difference.ours == 0 and \
        case.question.flags & 0x20 != 0


@row("CD is cleared", ("bind",),
     "RFC 4035 3.1.6: MUST ignore the setting of CD, and clear it")
def _(case, difference):
    return difference.where == "cd" and difference.ours == 0 and \
        case.question.flags & 0x10 != 0


@row("addresses below a cut are better than none", ("nsd", "bind"),
     "RFC 1034 4.3.2 6: 'using local data only'; Knot")
def _(case, difference):
    return difference.where == "additional" and difference.side == "ours" and \
        difference.key[1] in (A, AAAA) and bool(case.ours.answer) and \
        not is_authoritative(difference.owner) and \
        not in_referral(case.ours, difference.key)


@row("a truncated reply has no part of an RRset", ("bind",), "RFC 2181 9")
def _(case, difference):
    return difference.side == "data" and case.theirs.tc and \
        set(difference.theirs) < set(difference.ours)


@row("addresses also where an RRset names more than 13 hosts", ("bind",),
     "RFC 1034 4.3.2 6; NSD and Knot")
def _(case, difference):
    return difference.where == "additional" and difference.side == "ours" and \
        any(len(datas) > 13 for _, datas in case.ours.answer.values())
