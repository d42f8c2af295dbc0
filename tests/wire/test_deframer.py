"""HDLC frames out of a byte stream (wire/hdlc.py): what is found, where, and what is said of the rest."""

from collections.abc import Mapping

import pytest

from han2x.wire.crc import check_sequence
from han2x.wire.hdlc import Frame
from han2x.wire.result import Discarded, Kind
from han2x.wire.scan import NOISE_MAX, Deframer, Found

HEADER = bytes.fromhex("01020110")


def hdlc(information: bytes, header: bytes = HEADER, *, segmented: bool = False) -> bytes:
    """A right frame with its flags."""
    length = 2 + len(header) + 2 + (len(information) + 2 if information else 0)
    begin = (0xA000 | segmented << 11 | length).to_bytes(2, "big") + header
    if information:
        begin += check_sequence(begin) + information
    return b"\x7e" + begin + check_sequence(begin) + b"\x7e"


def deframed(*pieces: bytes) -> list[Found | Discarded]:
    """All that comes out of octets handed over in these pieces."""
    deframer = Deframer()
    found = [outcome for piece in pieces for outcome in deframer.feed(piece)]
    return found + deframer.flush()


def places(found: list[Found | Discarded]) -> list[tuple[object, int, int]]:
    """Kind ("frame" for a good one), offset and length of each outcome."""
    return [(o.kind if isinstance(o, Discarded) else "frame", o.offset, o.length) for o in found]


def test_cut_at_every_place(hdlc_vector: bytes) -> None:
    """A telegram cut in two at any place, or into single octets, gives what it gives whole."""
    whole = deframed(hdlc_vector)
    assert any(isinstance(outcome, Frame) for outcome in whole)
    for cut in range(1, len(hdlc_vector)):
        assert deframed(hdlc_vector[:cut], hdlc_vector[cut:]) == whole
    assert deframed(*(hdlc_vector[i : i + 1] for i in range(len(hdlc_vector)))) == whole


def test_a_frame_is_exact(vectors: Mapping[str, bytes]) -> None:
    """Header, information, offset and length are those of the octets."""
    octets = vectors["KFM-L1"]  # 7E A027 | 01 0201 10 | 5A87 | information | 3A96 7E
    assert deframed(octets) == [Frame(HEADER, octets[9:-3], False, 0, 41)]


def test_flags_inside_are_ordinary_octets(vectors: Mapping[str, bytes]) -> None:
    """7E and 7D in a frame are neither flags nor escapes."""
    assert places(deframed(vectors["AID-7E"])) == [("frame", 0, 44)]
    octets = hdlc(b"\x7e\x7d\x5e\x7e\xa0\x27\x7d\x5d")
    (frame,) = deframed(octets)
    assert isinstance(frame, Frame)
    assert frame.information == b"\x7e\x7d\x5e\x7e\xa0\x27\x7d\x5d"


@pytest.mark.parametrize(
    ("between", "second"),
    [(-1, 40), (0, 41), (1, 42), (2, 43)],
    ids=["one shared flag", "a flag each", "three flags", "four flags"],
)
def test_flags_between_frames(vectors: Mapping[str, bytes], between: int, second: int) -> None:
    """Frames may share a flag or have any number between them, and nothing is said of the flags."""
    one = vectors["KFM-L1"]
    octets = one[:between] + one if between < 0 else one + b"\x7e" * between + one
    assert places(deframed(octets)) == [("frame", 0, 41), ("frame", second, 41)]


def test_flags_alone_are_idle() -> None:
    """A line that only repeats flags has nothing to report."""
    assert deframed(b"\x7e" * 5000) == []


def test_noise_before_between_and_after(vectors: Mapping[str, bytes]) -> None:
    """Stray octets around frames are reported once, with their places, and cost no frame."""
    one = vectors["KFM-L1"]
    octets = b"\x00\xff\x55" + one + b"\x01\x02" + one + b"\xaa\xbb\xcc\xdd"
    assert places(deframed(octets)) == [
        (Kind.NOISE, 0, 3),
        ("frame", 3, 41),
        (Kind.NOISE, 44, 2),
        ("frame", 46, 41),
        (Kind.NOISE, 87, 4),
    ]


def test_a_frame_without_information(vectors: Mapping[str, bytes]) -> None:
    """A frame of header and FCS alone has no HCS (sheet 2.1)."""
    octets = bytes.fromhex("7E A0 08 01 02 01 10 37 8D 7E")
    assert deframed(octets) == [Frame(HEADER, b"", False, 0, 10)]


def test_the_segmentation_bit() -> None:
    """Bit S of the format field is told."""
    (frame,) = deframed(hdlc(b"abc", segmented=True))
    assert isinstance(frame, Frame)
    assert frame.segmented


@pytest.mark.parametrize("header", ["010110", "2B2113", "41088313", "CEFF0313", "000200030002000113"])
def test_addresses_of_one_two_and_four_octets(header: str) -> None:
    """Both addresses end at their first odd octet."""
    (frame,) = deframed(hdlc(b"abc", bytes.fromhex(header)))
    assert isinstance(frame, Frame)
    assert (frame.header, frame.information) == (bytes.fromhex(header), b"abc")


def test_the_longest_frame() -> None:
    """The length field's eleven bits are all used: 2047 octets between the flags."""
    octets = hdlc(bytes(2047 - 2 - 4 - 2 - 2))
    assert octets[1:3] == b"\xa7\xff"
    assert places(deframed(octets)) == [("frame", 0, 2049)]


@pytest.mark.parametrize(
    ("position", "reason", "length"),
    [
        (4, "HCS", 9),  # an address; 9 octets from the flag to the end of the HCS
        (7, "HCS", 9),  # the HCS itself
        (20, "FCS", 41),
        (38, "FCS", 41),  # the FCS itself
        (40, "closing flag", 41),
    ],
)
def test_damage_is_told_and_costs_no_other_frame(
    vectors: Mapping[str, bytes], position: int, reason: str, length: int
) -> None:
    """Which check failed is said in words, and the next frame is found."""
    damaged = bytearray(vectors["KFM-L1"])
    damaged[position] ^= 0x02
    first, *rest = deframed(bytes(damaged) + vectors["KFM-L1"])
    assert isinstance(first, Discarded)
    assert (first.kind, first.offset, first.length) == (Kind.CHECKSUM, 0, length)
    assert reason in first.reason
    assert places(rest)[-1] == ("frame", 41, 41)


def test_a_frame_cut_short_by_the_next(vectors: Mapping[str, bytes]) -> None:
    """92 of 157 octets followed by two good frames give exactly those two (vector TRUNC)."""
    found = places(deframed(vectors["TRUNC"]))
    assert found[0][:2] == (Kind.CHECKSUM, 0)
    assert [place for place in found if place[0] == "frame"] == [("frame", 92, 41), ("frame", 133, 41)]


def test_a_frame_cut_short_by_the_end(vectors: Mapping[str, bytes]) -> None:
    """What is left of a frame at the end is told with both its sizes."""
    (left,) = deframed(vectors["KFM-L1"][:30])
    assert left == Discarded(Kind.TRUNCATED, "truncated: a frame of 41 octets ends after 30", 0, 30)


def test_silence_ends_a_frame(vectors: Mapping[str, bytes]) -> None:
    """After a flush the stream goes on: later frames are found, and places still count from its beginning."""
    deframer, one = Deframer(), vectors["KFM-L1"]
    steps = [
        (deframer.feed(one[:30]), deframer.waiting),
        (deframer.flush(), deframer.waiting),
        (deframer.feed(one), deframer.waiting),
    ]
    assert [(places(found), waiting) for found, waiting in steps] == [
        ([], True),
        ([(Kind.TRUNCATED, 0, 30)], False),
        ([("frame", 30, 41)], False),
    ]


def test_a_given_first_offset(vectors: Mapping[str, bytes]) -> None:
    """A deframer that joins a stream later counts from where it was told."""
    assert places(Deframer(1000).feed(vectors["KFM-L1"])) == [("frame", 1000, 41)]


def test_long_noise_is_told_in_pieces() -> None:
    """Noise longer than is kept is reported piece by piece, octet for octet."""
    places_ = places(deframed(b"\x55" * 5000))
    assert places_ == [
        (Kind.NOISE, 0, NOISE_MAX),
        (Kind.NOISE, NOISE_MAX, NOISE_MAX),
        (Kind.NOISE, 2 * NOISE_MAX, 5000 - 2 * NOISE_MAX),
    ]


def test_a_frame_is_told_as_soon_as_it_is_complete(vectors: Mapping[str, bytes]) -> None:
    """The closing flag completes a frame; the next telegram is not waited for."""
    deframer, one = Deframer(), vectors["KFM-L1"]
    assert not deframer.feed(one[:-1])
    assert places(deframer.feed(one[-1:])) == [("frame", 0, 41)]
