"""A-XDR values (wire/axdr.py): every tag of sheet 3.2, lengths, nesting, and where values end."""

from collections.abc import Callable
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.wire.axdr import DEPTH_MAX, Array, AxdrError, Data, Structure, decode, length


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        ("00", None),
        ("01 02 11 01 11 02", Array((1, 2))),
        ("01 00", Array()),
        ("02 02 0A 01 41 00", Structure(("A", None))),
        ("02 01 01 01 02 00", Structure((Array((Structure(),)),))),
        ("03 00", False),
        ("03 01", True),
        ("03 FF", True),
        ("04 00", b""),
        ("04 08 A5", b"\xa5"),
        ("04 09 A5 80", b"\xa5\x80"),
        ("05 FF FF FF FE", -2),
        ("05 7F FF FF FF", 2_147_483_647),
        ("06 00 00 04 D2", 1234),
        ("06 FF FF FF FF", 4_294_967_295),
        ("09 03 01 02 7E", b"\x01\x02\x7e"),
        ("09 00", b""),
        ("0A 04 36 35 32 35", "6525"),
        ("0A 02 41 E5", "A\N{REPLACEMENT CHARACTER}"),
        ("0C 02 C3 A5", "å"),
        ("0F FF", -1),
        ("0F 7F", 127),
        ("10 FF F3", -13),
        ("11 FF", 255),
        ("12 FF FE", 65_534),
        ("14 FF FF FF FF FF FF FF FF", -1),
        ("15 00 00 00 01 00 00 00 00", 4_294_967_296),
        ("15 FF FF FF FF FF FF FF FF", 18_446_744_073_709_551_615),
        ("16 1B", 27),
        ("17 3F C0 00 00", 1.5),
        ("18 C0 04 00 00 00 00 00 00", -2.5),
        ("19 07E9 0C 0E 07 10 00 02 FF 8000 00", bytes.fromhex("07E90C0E07100002FF800000")),
        ("1A 07E9 0C 0E 07", bytes.fromhex("07E90C0E07")),
        ("1B 10 00 02 FF", bytes.fromhex("100002FF")),
    ],
)
def test_every_tag(octets: str, value: Data) -> None:
    """Each tag gives its value and its kind, and ends with its last octet."""
    data = bytes.fromhex(octets)
    assert decode(b"\xff" + data + b"\xff", 1) == (value, 1 + len(data))
    assert type(decode(data)[0]) is type(value)
    for end in range(len(data)):
        with pytest.raises(AxdrError) as raised:
            decode(data[:end])
        assert raised.value.incomplete


def test_not_a_number() -> None:
    """A float may be no number at all."""
    value, _ = decode(bytes.fromhex("17 7F C0 00 00"))
    assert isinstance(value, float)
    assert isnan(value)


@pytest.mark.parametrize("tag", sorted({*range(0x100)} - {*range(7), 9, 10, 12, *range(0x0F, 0x1C)} | {0x13}))
def test_other_tags(tag: int) -> None:
    """A tag that no meter sends is refused by its number."""
    with pytest.raises(AxdrError, match=f"tag 0x{tag:02X}") as raised:
        decode(bytes((tag, 0, 0)))
    assert not raised.value.incomplete


@pytest.mark.parametrize(
    ("octets", "outcome"),
    [
        ("00", (0, 1)),
        ("7F", (127, 1)),
        ("81 05", (5, 2)),
        ("81 FF", (255, 2)),
        ("82 00 E7", (231, 3)),
        ("82 FF FF", (65_535, 3)),
    ],
)
def test_length_fields(octets: str, outcome: tuple[int, int]) -> None:
    """One octet below 0x80, else one or two more; the long forms may hold small numbers."""
    assert length(bytes.fromhex(octets), 0) == outcome


@pytest.mark.parametrize("first", [0x80, 0x83, 0x84, 0xFF])
def test_other_length_fields(first: int) -> None:
    """A length of no or more than two octets is refused."""
    with pytest.raises(AxdrError, match=f"0x{first:02X}"):
        decode(bytes((0x09, first, 0, 0, 0, 0)))


def test_long_values() -> None:
    """Octet strings and sequences use the long length forms alike."""
    assert decode(b"\x09\x82\x01\x2c" + bytes(300))[0] == bytes(300)
    assert decode(b"\x02\x81\x90" + bytes(144))[0] == Structure([None] * 144)


def test_nesting_is_bounded() -> None:
    """Structures within structures are read down to a limit, then refused."""
    assert decode(b"\x02\x01" * DEPTH_MAX + b"\x00")[1] == 2 * DEPTH_MAX + 1
    with pytest.raises(AxdrError, match="deep"):
        decode(b"\x02\x01" * (DEPTH_MAX + 1) + b"\x00")


def test_kinds_of_sequence() -> None:
    """Array and structure can be told apart."""
    assert isinstance(decode(b"\x01\x00")[0], Array)
    assert isinstance(decode(b"\x02\x00")[0], Structure)


_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.binary(max_size=200)
    | st.text(st.characters(codec="ascii"), max_size=200)
)
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner).map(Array) | st.lists(inner).map(Structure), max_leaves=30
)


def depth(value: Data) -> int:
    """How many sequences stand within each other."""
    return 1 + max(map(depth, value), default=0) if isinstance(value, tuple) else 0


@given(_VALUES)
def test_what_is_encoded_is_decoded(encode: Callable[[Data], bytes], value: Data) -> None:
    """Any value comes back as it was encoded, unless it is nested too deep."""
    octets = encode(value)
    if depth(value) > DEPTH_MAX:
        with pytest.raises(AxdrError, match="deep"):
            decode(octets)
    else:
        assert decode(octets) == (value, len(octets))


@given(st.binary(max_size=200))
def test_any_octets(octets: bytes) -> None:
    """Any octets give a value that ends within them, or the one error."""
    try:
        _, end = decode(octets)
    except AxdrError:
        return
    assert 0 < end <= len(octets)
