"""Unknown lists value by value, and what a table makes of them: plain, encrypted, any. Invented."""

from collections.abc import Callable
from math import floor

from hypothesis import given, settings
from hypothesis import strategies as st

from han2x.intake.teaching import named, unknown_list
from han2x.settings.lists import TaughtList
from han2x.simulator.encode import LLC, hdlc
from han2x.vendors.decoding_options import PLAIN, Manner
from han2x.vendors.teaching import complaints, meanings
from han2x.wire.axdr import Array, Data, Structure
from han2x.wire.cipher import Keyring, Keys, Sealed

Encode = Callable[[Data], bytes]
KEYS = Keys(bytes(range(16)), bytes(range(16, 32)))
TITLE = b"ABC12345"
BODY = Structure((b"17000017", 1393, -211, 2379, 103))
TAUGHT = TaughtList(name="x", pattern="tnnnn", codes="96.1.0 1.7.0 - 32.7.0 31.7.0", factors="- 1 - 0.1 0.01")


def framed(message: bytes) -> bytes:
    return hdlc(bytes.fromhex("41088313"), LLC + message)


def test_an_encrypted_list(encode: Encode) -> None:
    """With the meter's keys it is taught like any other; without them nothing is shown of it."""
    plain = b"\x0f\0\0\0\0\0" + encode(BODY)
    secret = Keyring(KEYS).seal(plain, TITLE, Sealed(TITLE, 0x30, 7, b"", 0))
    content = b"\x30\0\0\0\x07" + secret
    telegram = framed(b"\xdb\x08" + TITLE + bytes((len(content),)) + content)
    assert unknown_list(telegram, PLAIN) is None
    for _ in range(2):  # looking at it is no telegram that was sent before
        found = unknown_list(telegram, Manner(KEYS))
        assert found
        assert [one.value for one in found.places] == ["17000017", "1393", "-211", "2379", "103"]
        assert [one.value for one in named(telegram, Manner(KEYS), TAUGHT)] == ["17000017", 1393, 237.9, 1.03]


def test_power_with_a_sign(encode: Encode) -> None:
    """A power below zero is export, and shown as what it is."""
    telegram = framed(b"\x0f\0\0\0\0\0" + encode(BODY))
    row = TaughtList(name="x", pattern="tnnnn", codes="- - 16.7.0 - -", factors="- - 10 - -")
    assert [one.value for one in named(telegram, PLAIN, row)] == [-2110]


def test_what_is_known_is_no_unknown_list(vectors: dict[str, bytes]) -> None:
    """Neither lists of the program's own tables, nor damage."""
    assert unknown_list(vectors["AID-L1"], PLAIN) is None
    assert unknown_list(vectors["AID-L1"][:-4], PLAIN) is None
    assert unknown_list(b"", PLAIN) is None


VALUES = st.one_of(
    st.integers(-(2**31), 2**32 - 1),
    st.binary(max_size=20),
    st.booleans(),
    st.none(),
    st.text(st.characters(codec="ascii"), max_size=8),
    st.floats(allow_nan=False),
    st.just(Array((1, 2))),
    st.just(Structure((1, b"a"))),
)


@settings(max_examples=200)
@given(st.lists(VALUES, min_size=1, max_size=70), st.data())
def test_any_list_is_shown_and_taught_or_refused(
    encode: Encode, values: list[Data], data: st.DataObject
) -> None:
    """Each value in its place; whatever the names, a number is what was sent times its factor, or nothing."""
    telegram = framed(b"\x0f\0\0\0\0\0" + encode(Structure(values)))[:2040]
    found = unknown_list(telegram, PLAIN)
    if found is None or not found.pattern:
        return
    assert found.size == len(found.places) == len(values)
    possible = {letter: [one for one in meanings() if letter in one.kinds] for letter in set(found.pattern)}
    codes = [
        data.draw(st.sampled_from(["-", *(one.code for one in possible[kind])])) for kind in found.pattern
    ]
    units = {one.code: one.unit for one in meanings() if one.name != "net_power"}
    factors = [
        "0.5" if kind == "n" and code != "-" else "-" for kind, code in zip(found.pattern, codes, strict=True)
    ]
    row = TaughtList(name="x", pattern=found.pattern, codes=" ".join(codes), factors=" ".join(factors))
    if any(complaints((row,))) or any(row.faults()):
        return
    for one in named(telegram, PLAIN, row):
        raw, code = values[one.place - 1], codes[one.place - 1]
        if isinstance(one.value, int | float) and units.get(code) in ("W", "var", "Wh", "varh") and raw >= 0:  # type: ignore[operator]
            assert one.value in (floor(raw * 0.5), 0), one  # type: ignore[operator]
