"""RTU frames without a line: checksums, lengths, and what is heard in lumps, gaps, noise and others' traffic.

Silence is an event here, so no test waits. The service on a tty is in test_line.py, other programs as
masters are in test_rtu_interop.py.
"""

import struct
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from han2x.modbus.rtu import BROADCAST, MAX_HELD, Line, Request, answer, crc, frame

OURS, OTHER = 1, 5
READ = bytes.fromhex("03 000E 0002")
MASK = bytes.fromhex("16 0031 00F2 0025")
LITERAL = bytes.fromhex("16 0030 0002 04 0178 A3CD")

octets = st.binary(max_size=300)
words = st.integers(0, 0xFFFF)
quantities = st.integers(1, 125)


def line() -> Line:
    """A line on which unit 1 is ours."""
    return Line(lambda unit: unit == OURS)


def read(address: int, quantity: int) -> bytes:
    """The PDU of a read."""
    return struct.pack(">BHH", 3, address, quantity)


def write(address: int, data: bytes, function: int = 0x10) -> bytes:
    """The PDU of a write-multiple, or of what a client makes of it that took the manual literally."""
    return struct.pack(">BHHB", function, address, len(data) // 2, len(data)) + data


def cut(whole: bytes, places: list[int]) -> list[bytes]:
    """Octets in lumps."""
    edges = sorted({0, len(whole), *(place for place in places if place < len(whole))})
    return [whole[a:b] for a, b in pairwise(edges)]


def hear(heard: Line, *lumps: bytes) -> list[Request]:
    """What lumps without a silence between them ask for, and then the gap."""
    return [request for lump in lumps for request in heard.feed(lump)] + heard.gap()


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """The PDU of any good request."""
    data = draw(st.binary(min_size=1, max_size=60)) * 2
    return draw(
        st.sampled_from(
            [
                read(draw(words), draw(quantities)),
                b"\x06" + draw(st.binary(min_size=4, max_size=4)),
                write(draw(words), data),
                write(draw(words), data, function=0x16),
                MASK,
                struct.pack(">BHHHHB", 0x17, 0, draw(quantities), 48, len(data) // 2, len(data)) + data,
                b"\x2b\x0e\x01\x00",
                b"\x08\x00\x00\xa5\x37",
                b"\x41" + data,
            ]
        )
    )


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A master's request to another slave, and that slave's answer, whose data may be a request to us."""
    to_us = frame(OURS, draw(requests()))[:200]
    data = draw(st.binary(max_size=20)) + to_us + draw(st.binary(max_size=20))
    data += bytes(len(data) % 2)
    request = read(draw(words), len(data) // 2)
    response = draw(st.sampled_from([bytes((3, len(data))) + data, b"\x83\x02"]))
    return frame(OTHER, request), frame(OTHER, response)


@pytest.mark.parametrize(
    ("text", "checksum"),
    [("0207", 0x1241), ("01030000000A", 0xCDC5), ("", 0xFFFF), ("313233343536373839", 0x4B37)],
)
def test_checksum(text: str, checksum: int) -> None:
    """The standard's example (SER 6.2.2), a well-known request, and the CRC catalogue's check value."""
    assert crc(bytes.fromhex(text)) == checksum


def test_frame() -> None:
    """The checksum's low octet comes first, and a frame with its own checksum has checksum 0."""
    assert frame(2, b"\x07").hex() == "02074112"
    assert crc(frame(2, b"\x07")) == 0


AT_ONCE = {
    "read": READ,
    "read input": b"\x04" + READ[1:],
    "write single": bytes.fromhex("06 0030 0001"),
    "write multiple": write(0x30, b"\0\0\x03\xe8"),
    "read and write": bytes.fromhex("17 0000 0002 0030 0001 02 0001"),
    "loopback": bytes.fromhex("08 0000 A537"),
    "identification": bytes.fromhex("2B 0E 01 00"),
    "coils, which there are not": bytes.fromhex("01 0000 0008"),
}


@pytest.mark.parametrize("message", AT_ONCE.values(), ids=AT_ONCE.keys())
def test_known_length_is_heard_at_once(message: bytes) -> None:
    """A request whose function tells its length is heard with its last octet, and not before."""
    heard, whole = line(), frame(OURS, message)
    assert heard.feed(whole[:-1]) == []
    assert heard.feed(whole[-1:]) == [Request(OURS, message)]
    assert heard.asked
    assert heard.gap() == []


AT_THE_GAP = {
    "mask write": MASK,
    "literal write-multiple": LITERAL,
    "unknown function": b"\x41\0\0\0\1",
    "longest frame": b"\x41" + bytes(range(252)),
    "read with too much": READ + b"\0",
    "write with the wrong count": bytes.fromhex("10 0030 0002 02 0000 03E8"),
    "long loopback": bytes.fromhex("08 0000 0102 0304"),
}


@pytest.mark.parametrize("message", AT_THE_GAP.values(), ids=AT_THE_GAP.keys())
def test_the_rest_is_heard_at_the_gap(message: bytes) -> None:
    """What only silence can end, or is malformed, is heard when the line falls silent."""
    heard = line()
    assert heard.feed(frame(OURS, message)) == []
    assert heard.gap() == [Request(OURS, message)]
    assert heard.asked


def test_literal_write_that_begins_like_a_mask_write() -> None:
    """A literal write whose first ten octets are a mask write with a right checksum is not taken for one."""
    head = frame(OURS, write(0x30, b"\x15\0\0\0", function=0x16))[:8]
    message = write(0x30, b"\x15" + crc(head).to_bytes(2, "little") + b"\x21", function=0x16)
    whole = frame(OURS, message)
    assert crc(whole[:10]) == 0
    assert hear(line(), whole[:10], whole[10:]) == [Request(OURS, message)]


@pytest.mark.parametrize("stray", [b"\0", b"\0\0", b"\xff", b"\0\xff\0"], ids=bytes.hex)
@pytest.mark.parametrize("message", [READ, MASK, LITERAL, b"\x2b\x0e\x01\x00", write(0x30, b"\0\0\0\x0a")])
def test_stray_octets(message: bytes, stray: bytes) -> None:
    """What a driver leaves on the line before and after a request costs neither request nor answer."""
    for before, after in ((stray, b""), (b"", stray), (stray, stray)):
        heard = line()
        assert hear(heard, before + frame(OURS, message) + after) == [Request(OURS, message)]
        assert heard.asked


@pytest.mark.parametrize("unit", [2, OTHER, 16, 247, 248, 255])
@pytest.mark.parametrize("message", [*AT_ONCE.values(), *AT_THE_GAP.values()])
def test_other_units(unit: int, message: bytes) -> None:
    """What is for another slave, or for an address that no slave has, is heard and left alone."""
    heard = line()
    assert hear(heard, frame(unit, message)) == []
    assert (heard.frames, heard.discarded, heard.asked) == (1, 0, False)


def test_reserved_addresses_are_nobodys() -> None:
    """255 is the first meter on TCP; on a serial line it is reserved (SER 2.2)."""
    assert hear(Line(lambda unit: True), frame(255, READ)) == []


@pytest.mark.parametrize(
    "message", [write(0x30, b"\0\0\0\x0a"), MASK, LITERAL, bytes.fromhex("06 0030 0001")]
)
def test_broadcast_writes(message: bytes) -> None:
    """A broadcast that writes is to be done, and nobody waits for an answer (SER 2.1)."""
    heard = line()
    assert hear(heard, frame(BROADCAST, message)) == [Request(BROADCAST, message)]
    assert not heard.asked


@pytest.mark.parametrize("message", [READ, b"\x08\0\0\0\0", b"\x2b\x0e\x01\x00", b"\x41\0\0"])
def test_other_broadcasts(message: bytes) -> None:
    """A broadcast of anything else is nothing."""
    assert hear(line(), frame(BROADCAST, message)) == []


@pytest.mark.parametrize(
    "message", [b"\x83\x02", bytes.fromhex("03 04 0000 0956"), bytes.fromhex("10 0030 0002")]
)
def test_answers_under_our_address(message: bytes) -> None:
    """An answer is no request, even if it comes from our own address."""
    assert hear(line(), frame(OURS, message)) == []


def test_a_frame_too_long() -> None:
    """More octets than any frame has are not kept, and nothing in them is heard until the gap."""
    heard = line()
    for _ in range(100):
        assert heard.feed(b"\x01\x41" + bytes(range(50))) == []
    assert heard.feed(frame(OURS, READ)) == []
    assert heard.discarded > MAX_HELD
    assert heard.gap() == []
    assert heard.feed(frame(OURS, READ)) == [Request(OURS, READ)]


def test_the_master_goes_on() -> None:
    """A request after which the master says more, other than stray octets, wants its answer no more."""
    for more in (b"\x5a", frame(OTHER, READ), frame(BROADCAST, MASK)):
        heard = line()
        assert heard.feed(frame(OURS, READ) + more) == [Request(OURS, READ)]
        heard.gap()
        assert not heard.asked


def test_a_late_answer_of_another() -> None:
    """The rest of another slave's answer that comes after a hiccup is no request, whatever it looks like."""
    inner = frame(OURS, READ)
    response = frame(OTHER, bytes((3, 10)) + inner + b"\0\0")
    heard = line()
    assert hear(heard, frame(OTHER, read(0, 5))) == []
    assert hear(heard, response[:3]) == []
    assert hear(heard, response[3:11]) == []
    assert hear(heard, response[11:]) == []
    assert heard.feed(frame(OURS, READ)) == [Request(OURS, READ)]


def test_an_answer_that_broke_off() -> None:
    """After a long silence, another slave's answer that broke off is waited for no more."""
    heard = line()
    hear(heard, frame(OTHER, read(0, 5)))
    hear(heard, b"\x05\x03\x0a\x01")
    heard.quiet()
    assert heard.feed(frame(OURS, READ)) == [Request(OURS, READ)]


def test_another_that_does_not_answer() -> None:
    """A master that asks in vain, asks again and then asks us, is answered."""
    heard = line()
    for message in (read(0, 2), read(0x0400, 2), write(0, b"\1\2"), b"\x41\1\2\3"):
        for _ in range(2):
            assert hear(heard, frame(OTHER, message)) == []
        assert heard.feed(frame(OURS, READ)) == [Request(OURS, READ)]
        assert heard.gap() == []


@given(st.lists(st.tuples(octets, st.sampled_from(["", "gap", "quiet"])), max_size=20))
def test_anything_may_come(events: list[tuple[bytes, str]]) -> None:
    """Arbitrary octets and silences raise nothing, and what is asked for is ours or everybody's."""
    heard = line()
    for lump, silence in events:
        asked = heard.feed(lump)
        if silence == "gap":
            asked += heard.gap()
        elif silence == "quiet":
            heard.quiet()
        assert all(request.unit in (OURS, BROADCAST) and request.pdu for request in asked)


@given(requests(), st.lists(st.integers(1, 255)))
def test_any_cut(message: bytes, places: list[int]) -> None:
    """A good request in any lumps is heard once, as it was sent."""
    assert hear(line(), *cut(frame(OURS, message), places)) == [Request(OURS, message)]


@given(st.lists(octets, max_size=5), requests())
@example([frame(OURS, READ)[:-1]], READ)
@example([b"\x01\x41" * 200], MASK)
def test_after_noise_and_silence(noise: list[bytes], message: bytes) -> None:
    """A good request after any noise and a silence is heard."""
    heard = line()
    hear(heard, *noise)
    heard.quiet()
    assert hear(heard, frame(OURS, message)) == [Request(OURS, message)]


@given(st.binary(max_size=300).filter(lambda noise: noise[:1] != bytes((OTHER,))), requests())
def test_after_noise_and_a_gap(noise: bytes, message: bytes) -> None:
    """The gap alone is enough, unless the noise is the beginning of an answer that is owed."""
    heard = line()
    hear(heard, frame(OTHER, READ))
    hear(heard, noise)
    assert hear(heard, frame(OURS, message)) == [Request(OURS, message)]


@given(exchanges(), st.lists(st.integers(1, 255)), st.booleans())
def test_foreign_exchanges(exchange: tuple[bytes, bytes], places: list[int], hiccups: bool) -> None:
    """What others say to one another is never done or answered, in whatever lumps, also with false gaps."""
    heard = line()
    request, response = exchange
    assert hear(heard, request) == []
    for lump in cut(response, places):
        assert heard.feed(lump) == []
        if hiccups:
            assert heard.gap() == []
    assert heard.gap() == []
    assert heard.feed(frame(OURS, READ)) == [Request(OURS, READ)]


@given(st.lists(exchanges(), max_size=4), st.lists(st.integers(1, 2000)))
def test_a_shared_line_without_gaps(others: list[tuple[bytes, bytes]], places: list[int]) -> None:
    """An adapter that hands on everything at once, silences swallowed: still only ours is heard."""
    traffic = b"".join(request + response for request, response in others) + frame(OURS, READ)
    assert hear(line(), *cut(traffic, places)) == [Request(OURS, READ)]


class Bank:
    """A unit that answers everything with its own request, a sign after it."""

    def respond(self, unit: int, request: bytes, peer: str) -> bytes:
        return request + b"!"


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        ("08 0000 A537", "08 0000 A537"),
        ("08 0000 0102 0304", "08 0000 0102 0304"),
        ("08 0001 0000", "88 01"),
        ("08 000A 0000", "88 01"),
        ("08 0000", "88 03"),
        ("08 0000 01", "88 03"),
        ("08", "88 03"),
        ("03 0000 0001", "03 0000 0001 21"),
    ],
)
def test_loopback(request_: str, response: str) -> None:
    """Function 08 gives its request back, has no other sub-function; the rest is the unit's (APP 6.8)."""
    told = answer(Request(OURS, bytes.fromhex(request_)), Bank(), "tty")
    assert told == frame(OURS, bytes.fromhex(response))
