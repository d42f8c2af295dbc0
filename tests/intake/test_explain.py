"""Telegrams explained octet by octet: every octet once, and the values that were sent."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.intake.explain import explain
from han2x.intake.pipeline import Outcome, Pipeline
from han2x.model.explained import Part
from han2x.model.reading import Reading
from han2x.wire.result import Discarded

from ..sml_telegrams import dtz541, ehz


def covers(parts: tuple[Part, ...], octets: bytes) -> bool:
    """Whether the parts are the octets, in order and without a gap."""
    at = 0
    for part in parts:
        if part.offset != at or part.length < 1:
            return False
        at += part.length
    return at == len(octets)


def test_every_octet_of_a_telegram_is_in_one_part(vectors: Mapping[str, bytes]) -> None:
    """Of each vendor and wrapping, segmented and encrypted ones too."""
    for name, octets in vectors.items():
        assert covers(explain(octets), octets), name


def test_every_quantity_is_shown_as_it_is_read(vectors: Mapping[str, bytes]) -> None:
    """What a telegram gives stands beside its octets, in the units people read; blocks are not opened."""
    shown = 0
    for name, octets in vectors.items():
        for telegram, outcome in tapped(octets):
            if isinstance(outcome, Reading) and name != "GBT":
                said = {part.text: part.value for part in explain(telegram)}
                for quantity, value in outcome.values.items():
                    assert said[quantity.label] == f"{quantity.displayed(value)} {quantity.unit.display}", (
                        name
                    )
                    shown += 1
    assert shown > 150


def tapped(octets: bytes) -> list[tuple[bytes, Outcome]]:
    """Each telegram as the intake hands it on."""
    found: list[tuple[bytes, Outcome]] = []
    pipeline = Pipeline(lambda telegram, outcome: found.append((telegram, outcome)))
    pipeline.feed(octets, 0)
    pipeline.flush(0)
    return found


def test_damaged_frames_are_handed_on_too(vectors: Mapping[str, bytes]) -> None:
    """A frame with a wrong check, as it came, with the reason; the whole one behind it follows."""
    octets = vectors.get("KFM-L1", FRAME)
    bad = octets[:20] + bytes((octets[20] ^ 0x10,)) + octets[21:]
    first, second = tapped(bad + octets)
    assert first[0] == bad
    assert isinstance(first[1], Discarded)
    assert second[0] == octets
    assert isinstance(second[1], Reading)


FRAME = bytes.fromhex("7ea027010201105a87e6e7000f40000000090c07ea0b1a04013b36ff800000020106000003dd885c7e")


def test_a_fast_list_is_explained() -> None:
    """Worked out by hand: a Kaifa list 1 with 989 W."""
    parts = [(part.offset, part.length, part.text, part.value) for part in explain(FRAME)]
    assert parts == [
        (0, 1, "flag", "begin of a frame"),
        (1, 2, "frame format", "type 3, 39 octets"),
        (3, 1, "destination address", "01"),
        (4, 2, "source address", "0201"),
        (6, 1, "control", "0x10"),
        (7, 2, "header check sequence", "right"),
        (9, 3, "LLC header", "destination, source, quality"),
        (12, 1, "APDU tag", "data-notification"),
        (13, 4, "long invoke id and priority", "40000000"),
        (17, 14, "date-time", "2026-11-26 01:59:54"),
        (31, 2, "structure", "1 elements"),
        (33, 5, "active power import", "989 W"),
        (38, 2, "frame check sequence", "right"),
        (40, 1, "flag", "end of the frame"),
    ]


@pytest.mark.parametrize("at", [10, 20, 34, 36])
def test_damage_is_seen_in_the_check(at: int) -> None:
    """A bit that is wrong makes the frame's check wrong; all octets are still there."""
    octets = FRAME[:at] + bytes((FRAME[at] ^ 0x10,)) + FRAME[at + 1 :]
    parts = explain(octets)
    assert covers(parts, octets)
    assert any(part.text == "frame check sequence" and part.value == "wrong" for part in parts)


@given(st.binary(max_size=300))
def test_any_octets_are_covered(octets: bytes) -> None:
    """Nothing raises, and no octet is left out."""
    assert covers(explain(octets), octets)


@given(st.integers(0, len(FRAME)), st.integers(0, 255), st.integers(0, len(FRAME)))
def test_damaged_frames_are_covered(at: int, value: int, end: int) -> None:
    """Cut off anywhere, with any octet changed."""
    octets = (FRAME[:at] + bytes((value,)) + FRAME[at + 1 :])[:end]
    assert covers(explain(octets), octets)


def test_an_sml_telegram() -> None:
    """Marks, checksum, and each entry of the list with what it means."""
    octets = ehz(-12_609)
    parts = explain(octets)
    assert covers(parts, octets)
    said = {(part.obis, part.text): part.value for part in parts if part.obis}
    assert said["1-0:1.8.0", "active energy import"] == "8571286 Wh"
    assert said["1-0:16.7.0", "active power import, net"] == "-1261 W"
    assert said["1-0:36.7.0", "active power import L1, net"] == "-1411 W"
    assert said["1-0:0.0.9", "meter id"] == "1EMH0012345678"
    assert said["129-129:199.130.3", "maker"] == "EMH"
    assert next(part.text for part in parts if not part.obis) == "start mark"
    assert parts[-1].text == "checksum"


@given(st.integers(0, 400), st.integers(0, 255), st.integers(0, 400))
def test_damaged_sml_is_covered(at: int, value: int, end: int) -> None:
    """Whatever is damaged or cut off, each octet is told once."""
    octets = bytearray(dtz541())
    octets[at % len(octets)] = value
    damaged = bytes(octets[: len(octets) - end])
    assert covers(explain(damaged), damaged)
