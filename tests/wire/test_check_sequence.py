"""The check sequence of HDLC (wire/crc.py), against the vectors of sheet 2.2 and a bit-by-bit CRC."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.wire.crc import RESIDUE, check_sequence, remainder

_HEADERS = """
A02A41088313 0413   A0D241088313 82D6   A10B41088313 FA7C   A11E41088313 EEEE   A13E41088313 7F8E
A17741088313 391E   A18A41088313 EBFD   A14F41088313 C890   A24341088313 85EB   A0BA2B2113 EDAA
A0E22B2113 239A     A1042B2113 776E     A12C2B2113 FC04     A100410313 2F7A     A1CB2B2113 57E7
A02701020110 5A87   A06501020110 F050   A07801020110 C498   A07901020110 8093   A08701020110 9E6D
A09A01020110 AAA5   A09B01020110 EEAE   A02D01020110 F2CB   A06D01020110 D00A   A07D01020110 90BE
A11D01000110 B0AE   A09B01000110 561B   A0E32B2113 9886     A12D2B2113 4718     A0992B2113 7300
A1E9410313 C637     A13B410313 C8F6
"""
HEADERS = _HEADERS.split()
"""The table of constants of sheet 2.2: a header from its format field on, and its HCS as sent."""


def bit_by_bit(data: bytes) -> bytes:
    """CRC-16/X-25 as its definition reads: polynomial 0x1021 reflected, all ones before and after."""
    register = 0xFFFF
    for octet in data:
        register ^= octet
        for _ in range(8):
            register = register >> 1 ^ (0x8408 if register & 1 else 0)
    return (register ^ 0xFFFF).to_bytes(2, "little")


@pytest.mark.parametrize(
    ("data", "check"), [(b"123456789", "6E90"), (b"\x03\x3f", "5BEC"), (b"", "0000")], ids=repr
)
def test_standard_vectors(data: bytes, check: str) -> None:
    """The published vectors come out, least significant octet first."""
    assert check_sequence(data) == bytes.fromhex(check)


@pytest.mark.parametrize(("header", "check"), list(zip(HEADERS[::2], HEADERS[1::2], strict=True)))
def test_header_check_sequences(header: str, check: str) -> None:
    """The header check sequences that real meters send come out."""
    assert check_sequence(bytes.fromhex(header)) == bytes.fromhex(check)


@given(st.binary(max_size=300))
def test_as_defined(data: bytes) -> None:
    """Any octets give what a bit-by-bit CRC gives, and with it behind them leave the residue."""
    assert check_sequence(data) == bit_by_bit(data)
    assert remainder(data + check_sequence(data)) == RESIDUE


@given(st.binary(min_size=1, max_size=60), st.data())
def test_every_damaged_octet_shows(data: bytes, draw: st.DataObject) -> None:
    """One octet changed anywhere, in the check sequence too, never leaves the residue."""
    sent = bytearray(data + check_sequence(data))
    sent[draw.draw(st.integers(0, len(sent) - 1))] ^= draw.draw(st.integers(1, 255))
    assert remainder(sent) != RESIDUE
