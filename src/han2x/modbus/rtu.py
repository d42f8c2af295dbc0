"""Modbus RTU frames, told apart in what a line carries (MODBUS over Serial Line V1.02, below SER; M11).

Rules: pure. Octets in, in lumps of any size; requests out. Time enters only as `gap`, the silence that
ends a frame, and `quiet`, one so long that nothing of what was before can still come. A process behind a
USB adapter sees neither t1.5 nor t3.5, so a frame ends where its function code says and its checksum is
right; silence is the backstop for all else. Function 0x16 for us is decided by silence alone: the first
10 octets of the manual's literal write-multiple can be a mask write with a right checksum (M12). What is
addressed to others is followed from request to answer, because an answer may hold anything, also a
request to us. Nothing is searched for inside a frame that failed: after noise the line is deaf until the gap.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

from . import pdu

MAX_FRAME = 256
"""Octets in a frame at most: unit id, PDU, checksum (SER 2.3)."""

MIN_FRAME = 4
BROADCAST = 0
ADDRESSES = range(1, 248)
"""Slave addresses; 248 to 255 are reserved (SER 2.2)."""

STRAY = b"\x00\xff"
"""What an RS485 driver leaves on the line as it is switched."""

MAX_STRAY = 4
"""Stray octets put up with at each end of a frame."""

MAX_HELD = MAX_FRAME + 2 * MAX_STRAY
LOOPBACK = b"\x08\x00\x00"
MASK_OR_MULTIPLE = 0x16
_EXCEPTION = 0x80


def _rest(octet: int) -> int:
    for _ in range(8):
        octet = octet >> 1 ^ (0xA001 if octet & 1 else 0)
    return octet


_RESTS = tuple(_rest(octet) for octet in range(256))


def crc(octets: bytes) -> int:
    """CRC-16/MODBUS: polynomial 0x8005 reflected, from 0xFFFF (SER 6.2); 0 over a frame with its own.

    A table of our own, because `binascii` has no CRC with this polynomial.
    """
    value = 0xFFFF
    for octet in octets:
        value = value >> 8 ^ _RESTS[(value ^ octet) & 0xFF]
    return value


def frame(unit: int, message: bytes) -> bytes:
    """A PDU as it goes over the line; the checksum's low octet comes first (SER 2.5.1.2)."""
    octets = bytes((unit,)) + message
    return octets + crc(octets).to_bytes(2, "little")


class Size(NamedTuple):
    """Octets in a frame: `fixed`, and as many more as the octet at `count_at` says (0: no such octet)."""

    fixed: int
    count_at: int = 0

    def of(self, octets: bytes) -> int:
        """The length of the frame that begins with `octets`; too little to tell is less than `fixed`."""
        counts = self.count_at and len(octets) > self.count_at
        return self.fixed + (octets[self.count_at] if counts else 0)


_WORDS, _COUNTED = Size(8), Size(5, count_at=2)

REQUESTS: dict[int, tuple[Size, ...]] = {
    **dict.fromkeys((0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x08), (_WORDS,)),
    **dict.fromkeys((0x07, 0x0B, 0x0C, 0x11), (Size(4),)),
    **dict.fromkeys((0x0F, 0x10), (Size(9, count_at=6),)),
    **dict.fromkeys((0x14, 0x15), (_COUNTED,)),
    0x16: (Size(10), Size(9, count_at=6)),
    0x17: (Size(13, count_at=10),),
    0x18: (Size(6),),
    0x2B: (Size(7),),
}
"""How long a request is, by its function code (APP 6)."""

RESPONSES: dict[int, tuple[Size, ...]] = {
    **dict.fromkeys((0x01, 0x02, 0x03, 0x04, 0x0C, 0x11, 0x14, 0x15, 0x17), (_COUNTED,)),
    **dict.fromkeys((0x05, 0x06, 0x08, 0x0B, 0x0F, 0x10), (_WORDS,)),
    0x07: (Size(5),),
    0x16: (Size(10), _WORDS),
    **dict.fromkeys(range(_EXCEPTION, 0x100), (Size(5),)),
}
"""How long a response is, by its function code (APP 6, 7)."""

READ_QUANTITY = {0x01: 1, 0x02: 1, 0x03: 16, 0x04: 16, 0x17: 16}
"""Functions whose request tells the count of their response: bits for each item of the quantity at 4."""


class Request(NamedTuple):
    """Something to be done: for a unit of ours, or for all of them (`BROADCAST`), which nobody answers."""

    unit: int
    pdu: bytes


class Awaited(NamedTuple):
    """The answer that another slave owes: its third octet will be `size`, None if nothing tells."""

    unit: int
    function: int
    size: int | None

    def begun(self, octets: bytes) -> bool:
        """Whether the octets may be the beginning of it."""
        if not octets or octets[0] != self.unit:
            return False
        if len(octets) < 2 or octets[1] == self.function | _EXCEPTION:
            return True
        same = len(octets) < 3 or self.size is None or octets[2] == self.size
        return octets[1] == self.function and same


class Found(NamedTuple):
    """A frame with a right checksum, and where in what is held the next one begins."""

    octets: bytes
    end: int


class Line:
    """What is heard on a line, until it makes sense. `serves`: whether a slave address is ours.

    `frames` counts those with a right checksum, whoever they are for; `discarded` the octets that made none.
    """

    def __init__(self, serves: Callable[[int], bool]) -> None:
        self._serves = serves
        self._held = bytearray()
        self._deaf = False
        self._awaited: Awaited | None = None
        self._asked = False
        self.frames = 0
        self.discarded = 0

    @property
    def asked(self) -> bool:
        """Whether the newest on the line is a request to one of our units: it still wants its answer."""
        return self._asked and not self._held.strip(STRAY)

    @property
    def unfinished(self) -> bool:
        """Whether a gap would end something, or the time after which one is deaf no longer."""
        return bool(self._held) or self._deaf

    def feed(self, octets: bytes) -> list[Request]:
        """The requests that these octets complete, in order."""
        if self._deaf:
            self.discarded += len(octets)
            return []
        self._held += octets
        requests = list(self._requests())
        if len(self._held) > MAX_HELD:
            self._discard(deaf=True)
        return requests

    def gap(self) -> list[Request]:
        """The line has been silent: what is held was a frame, or noise, or an answer that is late."""
        if self._late():
            return []
        found = self._at_gap(bytes(self._held))
        if found is None:
            self._discard(deaf=False)
            return []
        self._held.clear()
        request = self._heard(found)
        return [request] if request else []

    def quiet(self) -> None:
        """The line has been silent for so long that nothing belongs to what was before."""
        self._discard(deaf=False)

    def _requests(self) -> Iterator[Request]:
        while self._held and (found := self._at_once(bytes(self._held))):
            request = self._heard(found)
            del self._held[: found.end]
            if request:
                yield request

    def _discard(self, *, deaf: bool) -> None:
        self.discarded += len(self._held.strip(STRAY))
        self._asked = self._asked and not self._held.strip(STRAY)
        self._held.clear()
        self._deaf = deaf

    def _at_once(self, held: bytes) -> Found | None:
        """The frame at the beginning, as soon as its function code and its checksum agree on its end."""
        for start in _starts(held):
            octets = held[start:]
            lengths = self._lengths(octets)
            for length in lengths:
                if _intact(octets, length):
                    return Found(octets[:length], start + length)
            if any(length > len(octets) for length in lengths):
                break
        return None

    def _at_gap(self, held: bytes) -> Found | None:
        """The frame that the gap ended: all of what is held but stray octets at its ends."""
        for start in _starts(held):
            octets = held[start:]
            for length in (*_decided_by_silence(octets), *_ends(octets)):
                if _intact(octets, length) and not octets[length:].strip(STRAY):
                    return Found(octets[:length], len(held))
        return None

    def _lengths(self, octets: bytes) -> list[int]:
        """Where a frame that begins so may end; more than there is while that cannot be told."""
        if len(octets) < 2:
            return [MIN_FRAME]
        if self._ours(octets[0]):
            by_silence = octets[1] == MASK_OR_MULTIPLE
            return [MAX_HELD + 1] if by_silence else _by_function(REQUESTS, octets)
        lengths = _by_function(RESPONSES, octets)
        if self._awaited and self._awaited.size is not None and self._awaited.begun(octets):
            return lengths
        return [*lengths, *_by_function(REQUESTS, octets)]

    def _ours(self, unit: int) -> bool:
        return unit == BROADCAST or (unit in ADDRESSES and self._serves(unit))

    def _late(self) -> bool:
        """Whether the answer of another slave has begun and is not all there: more comes after a hiccup."""
        held = bytes(self._held)
        if self._awaited is None or not self._awaited.begun(held) or self._at_gap(held):
            return False
        lengths = self._lengths(held)
        return not lengths or max(lengths) > len(held)

    def _heard(self, found: Found) -> Request | None:
        """Note whose frame it was; the request it makes to us."""
        self.frames += 1
        unit, message = found.octets[0], found.octets[1:-2]
        if self._ours(unit):
            self._awaited = None
            wanted = _wanted(found.octets)
            self._asked = wanted and unit != BROADCAST
            return Request(unit, message) if wanted else None
        self._asked = False
        answered = self._awaited is not None and self._awaited.begun(found.octets)
        self._awaited = None if answered else _awaited(found.octets)
        return None


def _starts(held: bytes) -> Iterator[int]:
    """Where a frame may begin: at the first octet, and after each stray one."""
    yield 0
    for index in range(min(MAX_STRAY, len(held) - 1)):
        if held[index] not in STRAY:
            return
        yield index + 1


def _ends(octets: bytes) -> Iterator[int]:
    """Where a frame of unknown length may end: after the last octet, and before each stray one."""
    yield len(octets)
    for index in range(1, MAX_STRAY + 1):
        if len(octets) - index < MIN_FRAME or octets[-index] not in STRAY:
            return
        yield len(octets) - index


def _intact(octets: bytes, length: int) -> bool:
    return MIN_FRAME <= length <= min(len(octets), MAX_FRAME) and crc(octets[:length]) == 0


def _by_function(sizes: Mapping[int, tuple[Size, ...]], octets: bytes) -> list[int]:
    return [size.of(octets) for size in sizes.get(octets[1], ())]


def _decided_by_silence(octets: bytes) -> Iterator[int]:
    """The lengths of function 0x16: write-multiple if its counts agree, else a mask write.

    Octets of 00 after a frame leave its checksum right, so that a mask write and a stray 00 could pass for
    a write of one register: only its counts tell (sheet 1.5).
    """
    if octets[1:2] == bytes((MASK_OR_MULTIPLE,)) and len(octets) > 6:
        if octets[6] == 2 * int.from_bytes(octets[4:6], "big"):
            yield 9 + octets[6]
        yield 10


def _wanted(octets: bytes) -> bool:
    """Whether a frame for us is a request: not an answer under our address, nor a broadcast that reads."""
    unit, function = octets[0], octets[1]
    if unit == BROADCAST:
        return function in pdu.WRITES
    answer = len(octets) in _by_function(RESPONSES, octets)
    return function < _EXCEPTION and (not answer or len(octets) in _by_function(REQUESTS, octets))


def _awaited(octets: bytes) -> Awaited | None:
    """What a frame that is not for us makes one expect: an answer, unless it can only be one itself."""
    unit, function = octets[0], octets[1]
    request = len(octets) in _by_function(REQUESTS, octets) or function not in REQUESTS
    if function >= _EXCEPTION or not request:
        return None
    bits = READ_QUANTITY.get(function)
    quantity = int.from_bytes(octets[4:6], "big")
    return Awaited(unit, function, (bits * quantity + 7) // 8 & 0xFF if bits else None)


class Units(Protocol):
    """The register banks of all units; `peer` is who asks, for the log."""

    def respond(self, unit: int, request: bytes, peer: str) -> bytes: ...


def answer(request: Request, units: Units, peer: str) -> bytes:
    """The frame that answers a request to one unit."""
    response = _diagnose(request.pdu) or units.respond(request.unit, request.pdu, peer)
    return frame(request.unit, response)


def _diagnose(request: bytes) -> bytes:
    """Function 0x08, on serial lines only (APP 6.8): the loopback, and no other sub-function."""
    if request[0] != LOOPBACK[0]:
        return b""
    if len(request) < len(LOOPBACK):
        return pdu.exception(request, pdu.ExceptionCode.ILLEGAL_VALUE)
    if not request.startswith(LOOPBACK):
        return pdu.exception(request, pdu.ExceptionCode.ILLEGAL_FUNCTION)
    if len(request) < len(LOOPBACK) + 2 or len(request) % 2 == 0:
        return pdu.exception(request, pdu.ExceptionCode.ILLEGAL_VALUE)
    return request
