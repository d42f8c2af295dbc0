"""Damage, from single octets to endless garbage: nothing raised, nothing kept, no wrong reading, no good
telegram lost. Runs the whole way from octets to readings.
"""

import pickle
from collections.abc import Mapping
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.model.reading import Reading
from han2x.vendors.decoder import Decoder
from han2x.wire.result import Apdu, Discarded, Kind
from han2x.wire.stream import Stream

HELD_MAX = 9000
"""Octets of a pickled stream: a frame (2049), noise (2048), one message in the making, and the names."""

_SINGLE = """
AID-L1 AID-L2-1 AID-L2-3w AID-L2-4w AID-L3-1 AID-L3-3w AID-L3-4w AID-7E EMB-L2 KFM-L1 KFM-L2-1 KFM-L2-H3E
KFM-L2-H4 KFM-L2-T3 KFM-L3-1 KFM-L3-H3E KFM-L3-H4 KFM-L1-ECB KAM-L1-3 KAM-L2-3 KAM-L1-1 KAM-L2-1 KAM-L1-1Q
KAM-L1-3-OLD KAM-L1-3-GLO KAM-L1-3-GLO20 SEG GBT
"""
SINGLE = _SINGLE.split()
"""The vectors that hold one telegram in HDLC."""

GOOD_NAME = "KFM-L2-1"
"""The telegram that follows the damage: no other vector has the same values."""


def streamed(*pieces: bytes) -> list[Apdu | Discarded]:
    stream = Stream()
    found = [outcome for piece in pieces for outcome in stream.feed(piece)]
    return found + stream.flush()


def readings(octets: bytes) -> list[Reading]:
    """The readings in a stream of octets."""
    decoder = Decoder()
    outcomes = [decoder.decode(item) for item in streamed(octets) if isinstance(item, Apdu)]
    return [outcome for outcome in outcomes if isinstance(outcome, Reading)]


@cache
def good_reading(octets: bytes) -> Reading:
    (reading,) = readings(octets)
    return reading


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("change", [0x01, 0x24, 0x80, 0xFF])
def test_any_octet_changed(vectors: Mapping[str, bytes], name: str, change: int) -> None:
    """One octet changed at any place: no reading from that telegram, and the one behind it is read."""
    telegram, good = vectors[name], vectors[GOOD_NAME]
    for position in range(len(telegram)):
        damaged = bytearray(telegram)
        damaged[position] ^= change
        assert readings(bytes(damaged) + good) == [good_reading(good)], position


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("octet", [0x7E, 0x00, 0xA0])
def test_any_octet_overwritten(vectors: Mapping[str, bytes], name: str, octet: int) -> None:
    """A flag, a nought or a format octet written anywhere makes no wrong reading and costs no good one."""
    telegram, good = vectors[name], vectors[GOOD_NAME]
    for position in range(len(telegram)):
        if telegram[position] != octet:
            damaged = telegram[:position] + bytes((octet,)) + telegram[position + 1 :]
            assert readings(damaged + good) == [good_reading(good)], position


@pytest.mark.parametrize("name", SINGLE)
def test_cut_short_or_joined_late(vectors: Mapping[str, bytes], name: str) -> None:
    """A telegram whose end or beginning is missing gives no reading and does not cost the next one."""
    telegram, good = vectors[name], vectors[GOOD_NAME]
    for cut in range(1, len(telegram) - 1):  # without its closing flag alone it would share the next one's
        assert readings(telegram[:cut] + good) == [good_reading(good)], cut
        assert readings(telegram[cut:] + good) == [good_reading(good)], cut


@pytest.mark.parametrize("name", SINGLE)
def test_an_octet_lost_or_added(vectors: Mapping[str, bytes], name: str) -> None:
    """An octet lost or doubled anywhere but beside a flag gives no reading and does not cost the next one."""
    telegram, good = vectors[name], vectors[GOOD_NAME]
    for position in range(1, len(telegram) - 1):
        if 0x7E in telegram[position - 1 : position + 2]:
            continue
        before, octet, after = (
            telegram[:position],
            telegram[position : position + 1],
            telegram[position + 1 :],
        )
        assert readings(before + after + good) == [good_reading(good)], position
        assert readings(before + 2 * octet + after + good) == [good_reading(good)], position


def test_every_damage_of_one_telegram(vectors: Mapping[str, bytes]) -> None:
    """All 255 changes of all octets of a fast list, one at a time."""
    telegram, good = vectors["KFM-L1"], vectors[GOOD_NAME]
    for position in range(len(telegram)):
        for change in range(1, 256):
            damaged = bytearray(telegram)
            damaged[position] ^= change
            assert readings(bytes(damaged) + good) == [good_reading(good)], (position, change)


def test_two_good_ones_survive_a_third(vectors: Mapping[str, bytes]) -> None:
    """Whatever happens to the frame cut short in vector TRUNC, the two behind it are read."""
    octets = vectors["TRUNC"]
    for position in range(92):
        damaged = bytearray(octets)
        damaged[position] ^= 0x01
        assert [reading.values for reading in readings(bytes(damaged))] == [
            reading.values for reading in readings(octets[92:])
        ]


_FRAGMENT = st.binary(max_size=60) | st.sampled_from(
    [
        b"\x7e",
        b"\x7e\xa0",
        b"\x7e\xa7\xff",
        b"\x7e\xa0\x27\x01\x02\x01\x10\x5a\x87",
        b"\xe6\xe7\x00\x0f",
        b"\x0f",
        b"\xdb\x08ABCDEFGH\x82\xff\xff",
        b"\x0f\x40\x00\x00\x00\x00\x02\x82\xff\xff",
        b"\x68\xfa\xfa\x68\x53",
    ]
)


@given(st.lists(_FRAGMENT, max_size=40), st.sets(st.integers(0, len(SINGLE) - 1)), st.data())
def test_any_octets_in_any_cuts(
    vectors: Mapping[str, bytes], fragments: list[bytes], chosen: set[int], data: st.DataObject
) -> None:
    """Whatever arrives: nothing raised, little held, places within the input, messages that never overlap."""
    pieces = [*fragments, *(vectors[SINGLE[index]] for index in chosen)]
    octets = b"".join(data.draw(st.permutations(pieces)))
    size = data.draw(st.integers(1, 400))
    stream, decoder, end = Stream(), Decoder(), 0
    for first in range(0, len(octets) + 1, size):
        last = first + size > len(octets)
        found = stream.feed(octets[first : first + size])
        for item in [*found, *(stream.flush() if last else ())]:
            assert 0 <= item.offset < item.offset + item.length <= len(octets)
            if isinstance(item, Apdu):
                assert item.offset >= end
                end = item.offset + item.length - 1  # frames may share a flag
                decoder.decode(item)
            else:
                assert item.reason
        assert len(pickle.dumps(stream)) < HELD_MAX + size


@given(st.binary(max_size=3000))
def test_noise_is_accounted_for(octets: bytes) -> None:
    """Octets that hold no frame are all reported, but for flags that stand idle between them."""
    told = set[int]()
    for item in streamed(octets):
        told.update(range(item.offset, item.offset + item.length))
    assert all(octets[place] == 0x7E for place in range(len(octets)) if place not in told)


@pytest.mark.parametrize(
    "garbage",
    [
        bytes(64),
        b"\x7e",
        b"\x7e\xa0",
        b"\x7e\xa7\xff\x01\x02\x01\x10",
        b"\x7e\xa7\xfe\x02\x02\x02",
        b"\xe6\xe7\x00",
        b"\x0f\x40\x00\x00\x00\x00\x02\xff",
        b"\x0f\x40\x00\x00\x00\x00\x02\x82\xff\xff" + b"\x00" * 1000,
        b"\xdb\x08ABCDEFGH\x82\x0f\xff" + b"\xdb" * 1000,
        bytes(range(256)),
        b"1-0:1.7.0(0001.234*kW)\r\n",
    ],
    ids=repr,
)
def test_endless_garbage(garbage: bytes, vectors: Mapping[str, bytes]) -> None:
    """Whatever repeats without end, no more than a few KiB are held, and a telegram behind it is found."""
    stream = Stream()
    chunk = (garbage * (4096 // len(garbage) + 1))[:4096]
    for _ in range(40):
        stream.feed(chunk)
        assert len(pickle.dumps(stream)) < HELD_MAX
    found = [*stream.feed(vectors["KFM-L1"] * 3), *stream.flush()]
    assert sum(isinstance(item, Apdu) for item in found) >= 2


def test_frames_whose_message_never_ends(vectors: Mapping[str, bytes]) -> None:
    """A sender of first segments or first blocks alone fills no memory."""
    for name in ("SEG", "GBT"):
        first = vectors[name][: vectors[name].index(b"\x7e\x7e") + 1]
        stream = Stream()
        kinds = {item.kind for _ in range(200) for item in stream.feed(first) if isinstance(item, Discarded)}
        assert kinds == {Kind.TRUNCATED}
        assert len(pickle.dumps(stream)) < HELD_MAX
