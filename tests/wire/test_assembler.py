"""Frames to messages (wire/assemble.py): LLC, segments and general block transfer."""

from collections.abc import Iterable, Mapping

import pytest

from han2x.wire.assemble import LLC, MESSAGE_MAX, Assembler
from han2x.wire.hdlc import Frame
from han2x.wire.result import Apdu, Discarded, Framing, Kind
from han2x.wire.scan import Deframer

HEADER, OTHER = b"\x2b\x21\x13", b"\x41\x03\x13"


def of_vector(octets: bytes) -> list[Frame]:
    """The frames of a vector."""
    return [outcome for outcome in Deframer().feed(octets) if isinstance(outcome, Frame)]


def assembled(frames: Iterable[Frame]) -> list[Apdu | Discarded]:
    """What comes out of frames in this order."""
    assembler = Assembler()
    found = [outcome for frame in frames for outcome in assembler.feed(frame)]
    return found + assembler.broken()


def kinds(found: list[Apdu | Discarded]) -> list[object]:
    """The data of each message, the kind of each loss."""
    return [outcome.data if isinstance(outcome, Apdu) else outcome.kind for outcome in found]


def segment(information: bytes, place: int, *, last: bool = False, header: bytes = HEADER) -> Frame:
    """One of several frames of a message; each takes up ten octets of the stream."""
    return Frame(header, information, not last, place * 10, 10)


def block(number: int, octets: bytes, *, last: bool = False, size: int | None = None) -> Frame:
    """A frame with one transfer block (sheet 6.5): control, number, acknowledged number, length, octets."""
    control = 0xC0 if last else 0x40
    head = bytes((0xE0, control)) + number.to_bytes(2, "big") + b"\x00\x00"
    data = head + bytes((len(octets) if size is None else size,)) + octets
    return Frame(HEADER, LLC + data if number == 1 else data, False, number * 10, 10)


A, B, C = segment(LLC + b"abc", 0), segment(b"def", 1), segment(b"gh", 2, last=True)
ONE, TWO, THREE = block(1, b"abc"), block(2, b"def"), block(3, b"gh", last=True)
LOST = Kind.TRUNCATED


def test_one_frame_is_one_message(vectors: Mapping[str, bytes]) -> None:
    """The LLC header is taken off; places and the HDLC header stay."""
    octets = vectors["KFM-L1"]
    assert assembled(of_vector(octets)) == [
        Apdu(octets[12:-3], Framing.HDLC, 0, 41, bytes.fromhex("01020110"))
    ]


@pytest.mark.parametrize(("name", "length"), [("SEG", 239), ("GBT", 274)])
def test_a_message_in_several_frames(vectors: Mapping[str, bytes], name: str, length: int) -> None:
    """Segments and transfer blocks give the message that they were cut from, with the place of them all."""
    (apdu,) = assembled(of_vector(vectors[name]))
    assert isinstance(apdu, Apdu)
    assert apdu.data == vectors["KAM-L1-3"][11:-3]
    assert (apdu.offset, apdu.length) == (0, length)


def test_a_frame_without_llc() -> None:
    """A frame whose content has no LLC header is told, not guessed at."""
    assert kinds(assembled([Frame(HEADER, b"\x0fabc", False, 0, 10)])) == [Kind.UNKNOWN]
    assert kinds(assembled([Frame(HEADER, b"", False, 0, 10)])) == [Kind.UNKNOWN]


@pytest.mark.parametrize(
    ("frames", "outcome"),
    [
        ([A, B, C], [b"abcdefgh"]),
        ([A, C], [b"abcgh"]),  # segments carry no number: any in order are taken
        ([B, C], [LOST, Kind.UNKNOWN]),
        ([A, B], [LOST]),
        ([A, A, B, C], [LOST, b"abcdefgh"]),
        ([A, B, segment(LLC + b"xyz", 2, last=True)], [LOST, b"xyz"]),
        ([A, segment(b"def", 1, header=OTHER), C], [LOST, LOST, Kind.UNKNOWN]),
        ([A, segment(b"def", 1, last=True, header=OTHER)], [LOST, LOST]),
        ([A, segment(b"def", 1, last=True, header=b"\x2b\x21\x03")], [b"abcdef"]),
    ],
    ids=[
        "all there",
        "in order",
        "the first missing",
        "the last missing",
        "begun twice",
        "overtaken by a whole one",
        "a foreign one between",
        "a foreign end",
        "another control octet",
    ],
)
def test_segments(frames: list[Frame], outcome: list[object]) -> None:
    """Segments of one sender in unbroken order make a message; any gap drops what was gathered."""
    assert kinds(assembled(frames)) == outcome


@pytest.mark.parametrize(
    ("frames", "outcome"),
    [
        ([ONE, TWO, THREE], [b"abcdefgh"]),
        ([ONE, THREE], [LOST, LOST]),
        ([TWO, THREE], [LOST, LOST]),
        ([ONE, TWO, TWO, THREE], [LOST, LOST, LOST]),
        ([ONE, THREE, TWO], [LOST, LOST, LOST]),
        ([ONE, ONE, TWO, THREE], [LOST, b"abcdefgh"]),
        ([ONE, TWO], [LOST]),
        ([block(1, b"whole", last=True)], [b"whole"]),
        ([ONE, block(2, b"def", size=4), THREE], [LOST, LOST, LOST]),
        ([Frame(HEADER, LLC + b"\xe0\x40\x00", False, 0, 10)], [LOST]),
        ([ONE, Frame(HEADER, LLC + b"\x0fplain", False, 0, 10), TWO], [LOST, b"\x0fplain", LOST]),
    ],
    ids=[
        "all there",
        "one lost",
        "the first lost",
        "one repeated",
        "out of order",
        "begun twice",
        "the last missing",
        "a single block",
        "a wrong length",
        "too short",
        "overtaken by a plain message",
    ],
)
def test_blocks(frames: list[Frame], outcome: list[object]) -> None:
    """Blocks numbered 1, 2, 3 … to the last make a message; any gap drops what was gathered."""
    assert kinds(assembled(frames)) == outcome


@pytest.mark.parametrize("name", ["SEG", "GBT"])
def test_damage_between_frames_drops_the_message(vectors: Mapping[str, bytes], name: str) -> None:
    """What came before the damage and what comes after it are never put together."""
    assembler, (first, *rest) = Assembler(), of_vector(vectors[name])
    assert not assembler.feed(first)
    assert kinds(assembler.broken()) == [LOST]
    assert not assembler.broken()
    assert all(isinstance(outcome, Discarded) for frame in rest for outcome in assembler.feed(frame))


def test_a_message_is_bounded() -> None:
    """Segments or blocks without end are dropped at the longest message, empty ones too."""
    for octets in (bytes(1000), b""):
        assembler = Assembler()
        assembler.feed(A)
        dropped = [assembler.feed(segment(octets, place)) for place in range(1, 2 * MESSAGE_MAX)]
        assert any(dropped)


@pytest.mark.parametrize("name", ["SEG", "GBT"])
def test_the_place_of_what_is_lost(vectors: Mapping[str, bytes], name: str) -> None:
    """A message whose end is missing is reported from its first flag to its last."""
    frames = of_vector(vectors[name])[:-1]
    (lost,) = assembled(frames)
    assert (lost.offset, lost.length) == (0, frames[-1].offset + frames[-1].length)
