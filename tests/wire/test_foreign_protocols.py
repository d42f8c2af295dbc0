"""Octets that are no HDLC frame, told by name (wire/foreign.py)."""

from collections.abc import Mapping

import pytest

from han2x.wire.other_protocols import describe
from han2x.wire.result import Apdu, Kind
from han2x.wire.stream import Stream

P1 = "\r\n".join(
    (
        "/SIM5\\HAN00000017",
        "",
        "0-0:1.0.0(251214160000W)",
        "1-0:1.8.0(00012345.678*kWh)",
        "1-0:1.7.0(0001.234*kW)",
        "1-0:32.7.0(231.2*V)",
        "!90EC",
        "",
    )
).encode()


def first_kind_and_reason(octets: bytes, size: int) -> tuple[Kind, str]:
    stream = Stream()
    found = [outcome for i in range(0, len(octets), size) for outcome in stream.feed(octets[i : i + size])]
    found += stream.flush()
    assert found
    first = found[0]
    assert not isinstance(first, Apdu)
    return first.kind, first.reason


@pytest.mark.parametrize("size", [1, 10_000])
def test_p1_in_pieces_is_named(size: int) -> None:
    """P1 text that is joined in its middle or left before its end is called that."""
    for octets in (P1[40:], P1[:-20], P1[:40]):
        kind, reason = first_kind_and_reason(octets, size)
        assert kind is Kind.TRUNCATED
        assert "P1" in reason


@pytest.mark.parametrize("size", [1, 10_000])
def test_m_bus_in_pieces_is_named(vectors: Mapping[str, bytes], size: int) -> None:
    """A wired M-Bus long frame that ends early is called that."""
    kind, reason = first_kind_and_reason(vectors["MBUS"][:90], size)
    assert kind is Kind.TRUNCATED
    assert "M-Bus" in reason


def inverted(octets: bytes) -> bytes:
    """What a UART reads at 8N1 when the line is upside down: bit by bit, as it would sample it."""
    line = [0] * 3  # the idle line, inverted: held low, which is no start bit
    for octet in octets:
        line += [1, *(1 - (octet >> bit & 1) for bit in range(8)), 0]
    read, at = [], 0
    while at < len(line) - 10:
        if not (line[at - 1] == 1 and line[at] == 0 and at):
            at += 1
            continue
        bits, stop = line[at + 1 : at + 9], line[at + 9]
        read.append(sum(bit << place for place, bit in enumerate(bits)))
        at += 10 if stop else 9
    return bytes(read)


def test_an_inverted_signal_is_named() -> None:
    """P1 text through an adapter that does not invert is called what it is."""
    octets = inverted(P1 * 2)
    assert octets != P1
    kind, reason = describe(octets)
    assert kind is Kind.NOISE
    assert "inverted" in reason


@pytest.mark.parametrize(
    ("octets", "kind", "word"),
    [
        ("7E 13 2B 0F 1E E6 D2 A2 48", Kind.NOISE, "8N1"),  # sheet 1.4
        ("E6 E7 00 0F 40", Kind.TRUNCATED, "without HDLC"),
        ("0F 40 00 00 00 09 0C 07", Kind.TRUNCATED, "without HDLC"),
        ("0F 40 00 00 00 00 01 0D", Kind.TRUNCATED, "without HDLC"),
        ("0F 40 00 00 00 55 01 0D", Kind.NOISE, "not HDLC"),
        ("55 AA 00 FF", Kind.NOISE, "not HDLC"),
        ("68 05 06 68 53", Kind.NOISE, "not HDLC"),  # the two lengths differ
    ],
)
def test_looks(octets: str, kind: Kind, word: str) -> None:
    """Octets are called what they look like, and noise when they look like nothing."""
    named, reason = describe(bytes.fromhex(octets))
    assert named is kind
    assert word in reason
