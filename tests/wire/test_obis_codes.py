"""OBIS codes (wire/obis.py) as octets and as people write them."""

from han2x.wire.obis import cde, electricity, obis


def test_written() -> None:
    """Six octets are written as A-B:C.D.E."""
    assert obis(bytes.fromhex("0101000281FF")) == "1-1:0.2.129"


def test_octets() -> None:
    """C.D.E gives its three octets, and with 1-0 before it the code that a bare value stands for."""
    assert cde("96.1.7") == b"\x60\x01\x07"
    assert electricity("31.7.0") == bytes.fromhex("01001F0700FF")
