"""SML telegrams out of a stream: cut anywhere, damaged anywhere, escaped, with either checksum."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from han2x.wire.other_protocols import SML_CHECKSUM, SML_TRUNCATED
from han2x.wire.result import Apdu, Discarded, Framing, Kind
from han2x.wire.scan import Deframer
from han2x.wire.sml import TELEGRAM_MAX, framed
from han2x.wire.sml_messages import SmlError, Sum, messages

from .. import sml_telegrams as sml
from ..conftest import VECTORS

EHZ = sml.ehz(5364)
HOLLEY = sml.dtz541()
NORWEGIAN = next(octets for octets in VECTORS.values() if octets[:1] == b"\x7e")


def found(*pieces: bytes) -> list[object]:
    deframer = Deframer()
    items = [item for piece in pieces for item in deframer.feed(piece)]
    return [*items, *deframer.flush()]


def plain(octets: bytes) -> bytes:
    """The messages in a telegram without escapes."""
    return octets[8 : len(octets) - 8 - octets[-3]]


@given(st.integers(1, len(EHZ) - 1), st.sampled_from((EHZ, HOLLEY)))
def test_every_cut(cut: int, octets: bytes) -> None:
    """A telegram in two pieces is the same telegram, given out with its last octet."""
    deframer = Deframer()
    assert not deframer.feed(octets[:cut])
    (item,) = deframer.feed(octets[cut:])
    assert item == Apdu(plain(octets), Framing.SML, 0, len(octets))


def test_octet_by_octet_among_others() -> None:
    """Telegrams of both kinds, one behind the other, in single octets."""
    octets = EHZ + NORWEGIAN + HOLLEY + EHZ
    items = found(*(octets[at : at + 1] for at in range(len(octets))))
    assert [type(item).__name__ for item in items] == ["Apdu", "Frame", "Apdu", "Apdu"]


@given(st.integers(0, len(EHZ) - 1), st.integers(1, 255), st.sampled_from((EHZ, HOLLEY)))
@example(at=100, change=1, octets=HOLLEY)
def test_damage_at_every_octet(at: int, change: int, octets: bytes) -> None:
    """One octet that is wrong costs that telegram, and never the one behind it."""
    damaged = octets[:at] + bytes((octets[at] ^ change,)) + octets[at + 1 :]
    items = found(damaged, EHZ)
    assert [item for item in items if isinstance(item, Apdu)] == [
        Apdu(plain(EHZ), Framing.SML, len(octets), len(EHZ))
    ]


@given(st.integers(1, len(EHZ) - 1))
def test_octets_lost_at_the_end(kept: int) -> None:
    """A telegram that stops early is damaged, the next one is not."""
    items = found(EHZ[:kept] + HOLLEY)
    assert [item.length for item in items if isinstance(item, Apdu)] == [len(HOLLEY)]


@given(st.binary(max_size=40).map(lambda tail: b"\x1b" * (len(tail) % 13) + tail), st.integers(0, 12))
def test_escapes(content: bytes, escapes: int) -> None:
    """Whatever a message holds, it comes out as it went in: any run of 1B, also at its end and before 1A."""
    value = content + b"\x1b" * escapes + b"\x1a\0" * (escapes % 2)
    octets = sml.telegram((sml.entry("1-0:96.1.0", sml.text(value)),), sml.EMH)
    (item,) = found(octets)
    assert isinstance(item, Apdu)
    assert sml.text(value) in item.data
    assert framed(item.data) == octets


@pytest.mark.parametrize("count", range(1, 14))
def test_a_message_that_ends_in_escapes(count: int) -> None:
    """A run of 1B against the end mark, for every remainder of padding."""
    body = sml.message(1, 0x0201, sml.listed(sml.text(b"\x1b" * count)), sml.x25)
    for extra in range(4):
        octets = sml.framed(body[:-1] + body[-1:] + b"")
        (item,) = found(octets + b"\x1b" * extra)[:1]
        assert isinstance(item, Apdu)
        assert item.data == body


def test_checksums_are_not_mixed() -> None:
    """KERMIT outside and X-25 inside is nobody's telegram."""
    inside = plain(EHZ)
    (item,) = found(sml.framed(inside, sml.kermit))
    assert item == Discarded(Kind.CHECKSUM, SML_CHECKSUM, 0, len(EHZ))


def test_a_message_with_a_wrong_checksum() -> None:
    """The telegram's own being right, whoever made it from a damaged message is not believed."""
    inside = bytearray(plain(EHZ))
    inside[60] ^= 1
    (item,) = found(sml.framed(bytes(inside)))
    assert isinstance(item, Discarded)
    assert item.kind in (Kind.CHECKSUM, Kind.UNKNOWN)


def test_the_end_alone() -> None:
    """What comes in the middle of a telegram is named."""
    (item,) = found(EHZ[60:])
    assert isinstance(item, Discarded)
    assert (item.kind, item.reason) == (Kind.TRUNCATED, SML_TRUNCATED)


def test_nothing_without_end() -> None:
    """A start mark and then anything holds no more than a telegram's octets."""
    deframer = Deframer()
    items = [item for _ in range(40) for item in deframer.feed(EHZ[:8] + bytes(400))]
    assert items
    assert len(deframer._buffer) <= TELEGRAM_MAX + 408


@given(st.binary(max_size=300))
@example(b"\x76" + b"\x71" * 200)
@example(b"\x76\xff\xff\xff\xff")
@example(b"\x76\x8f\x8f\x8f\x0f")
def test_any_octets_as_messages(octets: bytes) -> None:
    """Octets that are no message are refused with a sentence."""
    with suppress(SmlError):
        assert all(isinstance(one.sum, Sum) for one in messages(octets))
