"""BFD (RFC 5880, asynchronous mode): a neighbour that keeps what it hears, and
a listener on the wire.

Apart from the code under test on purpose: a second reading of the RFC.
"""
import select
import socket
import struct
import threading
import time

import rct

PORT, TTL = 3784, 255  # RFC 5881 4 and 5
ADMIN_DOWN, DOWN, INIT, UP = range(4)
INTERVAL_US = 100000
POLL, FINAL = 0x20, 0x10


class Neighbour(threading.Thread):
    """Speaks from address to other, in the router's namespace."""

    def __init__(self, namespace, address, other):
        super().__init__(daemon=True)
        self.other, self.state, self.theirs = other, DOWN, 0
        self.heard = []  # (monotonic seconds, state, diagnostic)
        self.ended = threading.Event()
        self.listener = rct.in_namespace(namespace, self.socket)
        self.listener.bind((address, PORT))
        self.sender = rct.in_namespace(namespace, self.socket)
        self.sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, TTL)
        self.sender.bind((address, 49152 + PORT))
        self.start()

    @staticmethod
    def socket():
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def say(self, flags=0):
        self.sender.sendto(struct.pack(
            ">BBBBIIIII", 1 << 5, self.state << 6 | flags, 3, 24, 7,
            self.theirs, INTERVAL_US, INTERVAL_US, 0), (self.other, PORT))

    def hear(self, packet):
        if len(packet) < 24:
            return
        theirs = packet[1] >> 6
        self.heard.append((time.monotonic(), theirs, packet[0] & 31))
        self.theirs = struct.unpack(">I", packet[4:8])[0]
        # RFC 5880 6.8.6
        if theirs == ADMIN_DOWN or (theirs == DOWN and self.state == UP):
            self.state = DOWN
        elif self.state == DOWN and theirs in (DOWN, INIT):
            self.state = INIT if theirs == DOWN else UP
        elif self.state == INIT and theirs in (INIT, UP):
            self.state = UP
        if packet[1] & POLL:
            self.say(FINAL)

    def run(self):
        told = 0
        while not self.ended.is_set():
            if select.select([self.listener], [], [], 0.02)[0]:
                self.hear(self.listener.recv(512))
            if time.monotonic() - told >= 0.08:
                told = time.monotonic()
                try:
                    self.say()
                except OSError:
                    pass  # nobody listens there yet

    def states(self, since=0):
        """What it was told from then on."""
        return {state for at, state, _ in list(self.heard) if at >= since}

    def end(self):
        self.ended.set()
        self.join()
        self.listener.close()
        self.sender.close()


class Wire(threading.Thread):
    """What one end of a link says, as it leaves: states."""

    def __init__(self, namespace, interface):
        super().__init__(daemon=True)
        self.heard = []  # (wall clock seconds, state, diagnostic)
        self.capture = rct.in_namespace(namespace, lambda: socket.socket(
            socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
        self.capture.bind((interface, 0))
        self.start()

    def run(self):
        while True:
            try:
                frame, where = self.capture.recvfrom(2048)
            except OSError:
                return  # the link was taken down, or the namespace is gone
            data = frame[14:]
            if (where[2] == 4 and len(data) >= 52 and data[0] == 0x45 and
                    data[9] == socket.IPPROTO_UDP and
                    struct.unpack_from(">H", data, 22)[0] == PORT):
                self.heard.append((time.time(), data[29] >> 6, data[28] & 31))

    def states(self, since):
        return {state for at, state, _ in list(self.heard) if at >= since}
