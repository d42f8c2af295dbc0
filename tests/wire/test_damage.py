"""Damage, from single octets to endless garbage: nothing raised, nothing kept, no wrong reading, no good
telegram lost. Runs the whole way from octets to readings.
"""

import pickle
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.model.reading import Reading
from han2x.simulator.cipher import AUTHENTICATION_KEY, ECB_KEY, ENCRYPTED_ONLY, ENCRYPTION_KEY, ciphered
from han2x.vendors.decoder import Decoder
from han2x.wire.cipher import Keyring, Keys
from han2x.wire.result import Apdu, Discarded, Kind
from han2x.wire.stream import Stream

from ..conftest import VECTORS, mbus_frames, p1_text

HELD_MAX = 9000
"""Octets of a pickled stream: a frame (2049) or text (4096), noise (2048), a message, and the names."""

_SINGLE = """
AID-L1 AID-L2-1 AID-L2-3w AID-L2-4w AID-L3-1 AID-L3-3w AID-L3-4w AID-7E EMB-L2 KFM-L1 KFM-L2-1 KFM-L2-H3E
KFM-L2-H4 KFM-L2-T3 KFM-L3-1 KFM-L3-H3E KFM-L3-H4 KFM-L1-ECB KAM-L1-3 KAM-L2-3 KAM-L1-1 KAM-L2-1 KAM-L1-1Q
KAM-L1-3-OLD KAM-L1-3-GLO KAM-L1-3-GLO20 SEG GBT
"""
SINGLE = _SINGLE.split()
"""The vectors that hold one telegram in HDLC."""

GOOD_NAME = "KFM-L2-1"
"""The telegram that follows the damage: no other vector has the same values."""

KEYS = Keys(ENCRYPTION_KEY, AUTHENTICATION_KEY)
TITLE = b"KAM\x45\x01\0\0\x11"
P1 = p1_text({"1.7.0": "0001.234*kW", "32.7.0": "231.2*V", "1.8.0": "00012345.678*kWh"})
P1_NEXT = p1_text({"1.7.0": "0000.777*kW", "52.7.0": "230.1*V", "1.8.0": "00012345.679*kWh"})


class Case(NamedTuple):
    """A telegram to damage, the one behind it, and the keys that both are read with."""

    telegram: bytes
    good: bytes
    keys: Keys | None = None


def cases() -> dict[str, Case]:
    """Every framing: what is damaged is followed by a telegram of its own framing, and by HDLC."""
    vectors = VECTORS
    good = vectors[GOOD_NAME]
    plain = {name: Case(vectors[name], good) for name in SINGLE}
    with_keys = {
        f"{name} with keys": Case(vectors[name], good, KEYS) for name in ("KAM-L1-3-GLO", "KAM-L1-3-GLO20")
    }
    ecb = {"KFM-L1-ECB with key": Case(vectors["KFM-L1-ECB"], good, Keys(ECB_KEY))}
    mbus = vectors["MBUS"]
    notification = vectors["KFM-L2-1"][12:-3]
    later = mbus_frames(ciphered(notification, title=TITLE, counter=0x43, control=ENCRYPTED_ONLY))
    sealed = [ciphered(text, title=TITLE, counter=counter) for counter, text in enumerate((P1, P1_NEXT), 1)]
    return {
        **plain,
        **with_keys,
        **ecb,
        "M-Bus": Case(mbus, later, KEYS),
        "M-Bus, then HDLC": Case(mbus, good, KEYS),
        "P1": Case(P1, P1_NEXT),
        "P1, then HDLC": Case(P1, good),
        "encrypted P1": Case(sealed[0], sealed[1], KEYS),
        "hex text": Case(hex_text(vectors["KFM-L3-1"]), hex_text(good)),
        "spaced hex text, then P1": Case(vectors["AID-L1"].hex(" ").encode() + b"\r\n", P1),
    }


def hex_text(octets: bytes) -> bytes:
    return octets.hex().upper().encode() + b"\r\n"


CASES = cases()


def streamed(*pieces: bytes) -> list[Apdu | Discarded]:
    stream = Stream()
    found = [outcome for piece in pieces for outcome in stream.feed(piece)]
    return found + stream.flush()


def readings(octets: bytes, keys: Keys | None = None) -> list[Reading]:
    """The readings in a stream of octets."""
    keyring = Keyring(keys) if keys else None
    stream, decoder = Stream(keyring), Decoder(keyring)
    items = [*stream.feed(octets), *stream.flush()]
    outcomes = [decoder.decode(item) for item in items if isinstance(item, Apdu)]
    return [outcome for outcome in outcomes if isinstance(outcome, Reading)]


@cache
def good_reading(octets: bytes, keys: Keys | None = None) -> Reading:
    (reading,) = readings(octets, keys)
    return reading


def survives(case: Case, damaged: bytes) -> bool:
    """Whether the damaged telegram gives nothing and the one behind it is read."""
    return readings(damaged + case.good, case.keys) == [good_reading(case.good, case.keys)]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("change", [0x01, 0x24, 0x80, 0xFF])
def test_any_octet_changed(name: str, change: int) -> None:
    """One octet changed at any place: no reading from that telegram, and the one behind it is read."""
    case = CASES[name]
    for position in meaningful(case.telegram):
        damaged = bytearray(case.telegram)
        damaged[position] ^= change
        assert survives(case, bytes(damaged)), position


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("octet", [0x7E, 0x00, 0xA0, 0x68, 0x2F])
def test_any_octet_overwritten(name: str, octet: int) -> None:
    """A first octet of any framing written anywhere makes no wrong reading and costs no good one."""
    case = CASES[name]
    for position in meaningful(case.telegram):
        if case.telegram[position] != octet:
            damaged = case.telegram[:position] + bytes((octet,)) + case.telegram[position + 1 :]
            assert survives(case, damaged), position


@pytest.mark.parametrize("name", CASES)
def test_cut_short_or_joined_late(name: str) -> None:
    """A telegram whose end or beginning is missing gives no reading and does not cost the next one."""
    case = CASES[name]
    closing = -2 if name == "hex text" else -1  # without its closing flag alone it would share the next one's
    for cut in meaningful(case.telegram)[1:closing]:
        assert survives(case, case.telegram[:cut]), cut
        assert survives(case, case.telegram[cut:]), cut


@pytest.mark.parametrize("name", CASES)
def test_an_octet_lost_or_added(name: str) -> None:
    """An octet lost or doubled anywhere but beside a flag gives no reading and does not cost the next one."""
    case = CASES[name]
    telegram = case.telegram
    for position in meaningful(telegram)[1:-1]:
        if 0x7E in telegram[position - 1 : position + 2] or telegram[position] in b"\r\n ":
            continue
        before, octet, after = (
            telegram[:position],
            telegram[position : position + 1],
            telegram[position + 1 :],
        )
        assert survives(case, before + after), position
        assert survives(case, before + 2 * octet + after), position


def meaningful(telegram: bytes) -> list[int]:
    """The places of a telegram where damage matters: not between the digits of hex text."""
    if telegram[:1] != b"7":
        return list(range(len(telegram)))
    return [place for place, octet in enumerate(telegram) if octet not in b" \r\n"]


@pytest.mark.parametrize("name", CASES)
def test_framings_change_within_a_stream(name: str) -> None:
    """A stream that turns to another framing and back loses nothing: the meter was replaced."""
    case = CASES[name]
    twice = good_reading(case.good, case.keys)
    octets = case.good + VECTORS["KFM-L1"] + P1 + VECTORS["AID-L1"]
    assert readings(octets, case.keys) == [
        twice,
        *readings(VECTORS["KFM-L1"]),
        *readings(P1),
        *(replace(reading, vendor="kaifa") for reading in readings(VECTORS["AID-L1"])),
    ]


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
        b"/KAM5\r\n",
        b"1-0:1.7.0(1*kW)\r\n!\r\n",
        b"7EA0",
        b"6816 1668",
        b"\xdb\x08KAM",
    ]
)


PIECES = [case.telegram for case in CASES.values()]
PIECES += [VECTORS["MBUS"][:256], VECTORS["MBUS"][256:]]  # its two segments


@given(st.lists(_FRAGMENT, max_size=40), st.sets(st.integers(0, len(PIECES) - 1)), st.data())
def test_any_octets_in_any_cuts(fragments: list[bytes], chosen: set[int], data: st.DataObject) -> None:
    """Whatever arrives: nothing raised, little held, places within the input, messages that never overlap."""
    pieces = [*fragments, *(PIECES[index] for index in chosen)]
    octets = b"".join(data.draw(st.permutations(pieces)))
    size = data.draw(st.integers(1, 400))
    keyring = data.draw(st.sampled_from([None, Keyring(KEYS)]))
    stream, decoder, end = Stream(keyring), Decoder(keyring), 0
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
        if not keyring:  # which cannot be pickled
            assert len(pickle.dumps(stream)) < HELD_MAX + size


@given(st.binary(max_size=3000))
def test_noise_is_accounted_for(octets: bytes) -> None:
    """Octets that hold no frame are all reported, but for what separates telegrams."""
    told = set[int]()
    for item in streamed(octets):
        told.update(range(item.offset, item.offset + item.length))
    assert all(octets[place] in b"\x7e\r\n\t ,;:-0xX" for place in range(len(octets)) if place not in told)


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
        b"/KAM5",
        b"/KAM5\r\n1-0:1.7.0(0001.234*kW)\r\n",
        b"/KAM5\r\n" + b"1-0:1.7.0(0001.234*kW)\r\n" * 200,
        b"\xdb\x08KAM12345\x82\x0f\xf0" + b"\xdb\x08KAM" * 600,
        b"7E A3 FF ",
        b"7EA3FF41088313" + b"00" * 2000,
        b"68FFFF68" + b"00" * 2000,
        b"\x68\x01\x01\x68\x53\xff\x00",
        b"\x68\xff\xff\x68\x53\xff\x10\x01\x67",
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
