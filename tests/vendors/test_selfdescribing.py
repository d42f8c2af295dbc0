"""Lists that say themselves what they are (vendors/selfdescribing.py): built at random, and one a fact.

They are put into octets here, so that each number has the size and each value the tag that a meter
may choose.
"""

import random
import struct
from collections.abc import Callable, Mapping
from datetime import datetime
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.model.quantity import Quantity as Q
from han2x.model.reading import Reading
from han2x.vendors.decoder import Decoder
from han2x.wire.result import Apdu, Discarded, Framing

NOON = bytes.fromhex("07E90C0E070C0000FF800000")

Built = tuple[list[tuple[bytes, bytes, int, int]], Mapping[Q, int]]

CODES: dict[str, tuple[Q, int, int]] = {
    "1.7.0": (Q.ACT_POW_POS, 27, 0),
    "2.7.0": (Q.ACT_POW_NEG, 27, 0),
    "3.7.0": (Q.REACT_POW_POS, 29, 0),
    "4.7.0": (Q.REACT_POW_NEG, 29, 0),
    "31.7.0": (Q.CURR_L1, 33, 3),
    "51.7.0": (Q.CURR_L2, 33, 3),
    "71.7.0": (Q.CURR_L3, 33, 3),
    "32.7.0": (Q.VOLT_L1, 35, 3),
    "52.7.0": (Q.VOLT_L2, 35, 3),
    "72.7.0": (Q.VOLT_L3, 35, 3),
    "1.8.0": (Q.ACT_ENERGY_POS, 30, 0),
    "2.8.0": (Q.ACT_ENERGY_NEG, 30, 0),
    "3.8.0": (Q.REACT_ENERGY_POS, 32, 0),
    "4.8.0": (Q.REACT_ENERGY_NEG, 32, 0),
}
"""Code, quantity, unit (Blue Book table 4), and how many thousands the quantity's unit has in it."""

SIZES = {0x05: "i", 0x06: "I", 0x0F: "b", 0x10: "h", 0x11: "B", 0x12: "H", 0x14: "q", 0x15: "Q"}


def sized(tag: int, *parts: bytes) -> bytes:
    count = len(parts)
    return bytes((tag, count) if count < 128 else (tag, 0x81, count)) + b"".join(parts)


def array(*parts: bytes) -> bytes:
    return sized(0x01, *parts)


def structure(*parts: bytes) -> bytes:
    return sized(0x02, *parts)


def number(value: int, tag: int = 0x06) -> bytes:
    return bytes((tag,)) + struct.pack(">" + SIZES[tag], value)


def octets(value: bytes) -> bytes:
    return bytes((0x09, len(value))) + value


def code(name: str, a: int = 1, b: int = 0, f: int = 255) -> bytes:
    return octets(bytes((a, b, *map(int, name.split(".")), f)))


def scaler_unit(scaler: int, unit: int) -> bytes:
    return structure(number(scaler, 0x0F), bytes((0x16, unit)))


def sent(body: bytes, title: bytes = b"") -> Reading | Discarded:
    message = b"\x0f\0\0\0\0\0" + body
    return Decoder().decode(Apdu(message, Framing.HDLC, 0, len(message)), title)


def read(body: bytes, title: bytes = b"") -> Reading:
    reading = sent(body, title)
    assert isinstance(reading, Reading), reading
    return reading


def refused(body: bytes, title: bytes = b"") -> str:
    outcome = sent(body, title)
    assert isinstance(outcome, Discarded), outcome
    return outcome.reason


def register(name: str, value: bytes, scaler: int = 0, unit: int = 0) -> bytes:
    return structure(code(name), value, scaler_unit(scaler, unit or CODES[name][1]))


@st.composite
def entries(draw: st.DrawFn) -> Built:
    """Code, value, scaler and unit of each entry, and what they mean."""
    made, meant = [], dict[Q, Fraction]()
    for name in draw(st.lists(st.sampled_from(sorted(CODES)), min_size=1, max_size=14, unique=True)):
        quantity, unit, thousands = CODES[name]
        tag = draw(st.sampled_from(sorted(SIZES)))
        size = struct.calcsize(">" + SIZES[tag])
        bits = 8 * size - SIZES[tag].islower()
        raw = draw(st.integers(-(2**bits) if SIZES[tag].islower() else 0, 2**bits - 1))
        scaler = draw(st.integers(-6, 6))
        made.append((code(name, 1, draw(st.integers(0, 1))), number(raw, tag), scaler, unit))
        power = thousands + scaler
        meant[quantity] = raw * Fraction(10) ** power
    return made, {quantity: floor(value) for quantity, value in with_direction(meant).items()}


def with_direction(meant: dict[Q, Fraction]) -> dict[Q, Fraction]:
    """A negative import of a meter that sends no export is export."""
    if meant.get(Q.ACT_POW_POS, 0) < 0 and Q.ACT_POW_NEG not in meant:
        return {**meant, Q.ACT_POW_POS: Fraction(0), Q.ACT_POW_NEG: -meant[Q.ACT_POW_POS]}
    return meant


Shape = Callable[[bytes, bytes, bytes, bytes, bytes], bytes]
SHAPES: dict[str, Shape] = {
    "value, then scaler_unit": lambda c, v, su, *_: structure(c, v, su),
    "scaler_unit, then value": lambda c, v, su, *_: structure(c, su, v),
    "code last": lambda c, v, su, *_: structure(v, su, c),
    "code between": lambda c, v, su, *_: structure(v, c, su),
    "all in one": lambda c, v, _, s, u: structure(c, v, s, u),
    "value in a structure": lambda c, v, su, *_: structure(c, structure(v), su),
    "both in structures": lambda c, v, su, *_: structure(c, structure(v), structure(su)),
    "value and scaler_unit in a structure": lambda c, v, su, *_: structure(c, structure(v, su)),
    "three in a structure": lambda c, v, _, s, u: structure(c, structure(v, s, u)),
    "class and attribute": lambda c, v, su, *_: structure(number(3, 0x12), c, number(2, 0x0F), v, su),
    "class, attribute, scaler_unit first": lambda c, v, su, *_: structure(
        number(3, 0x12), c, number(2, 0x0F), su, v
    ),
    "attributes apart": lambda c, v, su, *_: array(
        structure(number(3, 0x12), c, number(2, 0x0F), v), structure(number(3, 0x12), c, number(3, 0x0F), su)
    ),
}
ROWS: dict[str, Callable[[bytes, bytes, bytes, bytes, bytes], list[bytes]]] = {
    "value, then scaler_unit": lambda c, v, su, *_: [c, v, su],
    "scaler_unit, then value": lambda c, v, su, *_: [c, su, v],
    "all bare": lambda c, v, _, s, u: [c, v, s, u],
    "class and attribute": lambda c, v, su, *_: [number(3, 0x12), c, number(2, 0x0F), v, su],
    "attributes apart": lambda c, v, su, *_: [
        *(number(3, 0x12), c, number(2, 0x0F), v),
        *(number(3, 0x12), c, number(3, 0x0F), su),
    ],
}


def parts(entry: tuple[bytes, bytes, int, int]) -> tuple[bytes, bytes, bytes, bytes, bytes]:
    name, value, scaler, unit = entry
    return name, value, scaler_unit(scaler, unit), number(scaler, 0x0F), bytes((0x16, unit))


@given(entries(), st.data())
def test_any_nesting(built: Built, data: st.DataObject) -> None:
    """Entries of any shape, grouped and wrapped in any way, say what was put into them."""
    made, meant = built
    groups = [SHAPES[data.draw(st.sampled_from(sorted(SHAPES)))](*parts(entry)) for entry in made]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(1, len(groups)))
        wrap = data.draw(st.sampled_from([array, structure]))
        groups = [wrap(*groups[:at]), *groups[at:]]
    body = groups[0] if len(groups) == 1 else structure(*groups)
    assert read(body).values == meant


@given(entries(), st.sampled_from(sorted(ROWS)), st.booleans(), st.booleans())
def test_without_brackets(
    built: Built,
    row: str,
    clock: bool,
    number_last: bool,
) -> None:
    """Entries in a row, with a clock before them and the meter's number behind."""
    made, meant = built
    row_parts = [part for entry in made for part in ROWS[row](*parts(entry))]
    head = [octets(NOON)] if clock else []
    reading = read(structure(*head, *row_parts, *([octets(b"17000042")] if number_last else [])))
    assert reading.values == meant
    assert (reading.clock.local if reading.clock else None) == (datetime(2025, 12, 14, 12) if clock else None)
    assert reading.identity.meter_id == ("17000042" if number_last else None)


def descriptor(name: bytes, attribute: int, *more: bytes) -> bytes:
    return structure(number(3, 0x12), name, number(attribute, 0x0F), number(0, 0x12), *more)


@given(entries(), st.booleans(), st.booleans(), st.booleans(), st.randoms(use_true_random=False))
def test_push_objects(
    built: Built,
    itself: bool,
    restricted: bool,
    apart: bool,
    order: random.Random,
) -> None:
    """Descriptors, then values: with that of the descriptors or without, in a structure of their own too."""
    made, meant = built
    more = (structure(bytes((0x16, 0)), b"\0"),) if restricted else ()
    rows = []
    for name, value, scaler, unit in made:
        rows += [(descriptor(name, 2, *more), value), (descriptor(name, 3, *more), scaler_unit(scaler, unit))]
    order.shuffle(rows)
    own = structure(number(40, 0x12), code("25.9.0", 0), number(2, 0x0F), number(0, 0x12), *more)
    described = array(*([own] if itself else []), *(each for each, _ in rows))
    values = [value for _, value in rows]
    body = structure(described, structure(*values)) if apart else structure(described, *values)
    assert read(body).values == meant


def test_what_comes_without_scaler_and_unit() -> None:
    """No factor is made up: the value is listed as not understood; if there is no other, refused."""
    bare = structure(code("1.8.0"), number(1254))
    assert "act_energy_pos comes without scaler and unit" in refused(array(bare))
    reading = read(array(bare, register("1.7.0", number(5))))
    assert (reading.values, reading.unknown) == ({Q.ACT_POW_POS: 5}, ("1-0:1.8.0",))


@pytest.mark.parametrize(
    ("value", "scaler", "unit"),
    [
        (number(230), 0, 27),  # watts for a voltage
        (number(230), 0, 255),
        (number(230), 127, 35),  # a scaler no meter means
        (number(230), -128, 35),
        (octets(b"230"), 0, 35),
        (b"\x03\x01", 0, 35),
        (b"\x04\x08\xe6", 0, 35),
        (b"\x17" + struct.pack(">f", float("nan")), 0, 35),
        (b"\x18" + struct.pack(">d", float("inf")), 0, 35),
        (structure(number(230), number(231), number(232), number(233)), 0, 35),
    ],
    ids=lambda value: value.hex() if isinstance(value, bytes) else str(value),
)
def test_a_voltage_that_is_none(value: bytes, scaler: int, unit: int) -> None:
    """Another unit, a power of ten out of range, or no number: that value alone is refused, and named."""
    reading = read(array(register("1.7.0", number(5)), register("32.7.0", value, scaler, unit)))
    assert (reading.values, reading.unknown) == ({Q.ACT_POW_POS: 5}, ("1-0:32.7.0",))


@pytest.mark.parametrize(
    ("value", "scaler", "volts"),
    [
        (b"\x17" + struct.pack(">f", 230.1), 0, 230_100),
        (b"\x18" + struct.pack(">d", 2301.0), -1, 230_100),
        (b"\x16\xe6", 0, 230_000),
    ],
)
def test_numbers_of_other_kinds(value: bytes, scaler: int, volts: int) -> None:
    """Floats and enumerations are numbers."""
    assert read(array(register("32.7.0", value, scaler))).values == {Q.VOLT_L1: volts}


def test_null_is_not_sent() -> None:
    """A null is neither a value nor something that was not understood."""
    reading = read(array(register("1.7.0", number(5)), register("32.7.0", b"\0")))
    assert (reading.values, reading.unknown) == ({Q.ACT_POW_POS: 5}, ())


OTHERS = [
    ("1.8.0", 1, 0, 96),
    ("1.8.0", 1, 0, 0),
    ("1.8.0", 0, 1, 255),
    ("1.8.0", 7, 0, 255),
    ("1.8.0", 1, 3, 255),
]


@pytest.mark.parametrize("other", OTHERS, ids=str)
@pytest.mark.parametrize("before", [True, False])
def test_a_register_is_its_own_line(other: tuple[str, int, int, int], before: bool) -> None:
    """Historic values, other media and channels have codes much like it."""
    strange = structure(code(*other), number(6494), scaler_unit(3, 30))
    own = register("1.8.0", number(1254), 3)
    assert read(array(*((strange, own) if before else (own, strange)))).values == {
        Q.ACT_ENERGY_POS: 1_254_000
    }


def test_a_register_that_is_sent_twice() -> None:
    """The same twice is the register; two different values are none, and are listed."""
    total, power = register("1.8.0", number(1254)), register("1.7.0", number(5))
    assert read(array(total, total)).values == {Q.ACT_ENERGY_POS: 1254}
    for other in (17, 1253):
        reading = read(array(total, power, register("1.8.0", number(other))))
        assert reading.values == {Q.ACT_POW_POS: 5}
        assert reading.refused == ("act_energy_pos is sent twice with different values",)


def on_channel(name: str, channel: int, value: int) -> bytes:
    return structure(code(name, 1, channel), number(value), scaler_unit(0, CODES[name][1]))


def test_channel_0_is_the_meters_own() -> None:
    """A meter that numbers itself 1 is read; beside channel 0 that is another one."""
    own, other = on_channel("1.8.0", 0, 1254), on_channel("1.8.0", 1, 17)
    for body in (array(own, other), array(other, own)):
        assert read(body).values == {Q.ACT_ENERGY_POS: 1254}
    assert read(array(other)).values == {Q.ACT_ENERGY_POS: 17}


def tariff(number_of: int, value: int, unit: int = 30, f: int = 255) -> bytes:
    return structure(code(f"1.8.{number_of}", f=f), number(value), scaler_unit(0, unit))


def test_tariffs_of_a_list() -> None:
    """They make the total where it is not sent, if none of them is spoilt."""
    power, sums = register("1.7.0", number(5)), array(tariff(1, 100), tariff(2, 20), tariff(63, 3))
    reading = read(sums)
    assert reading.values == {Q.ACT_ENERGY_POS: 123}
    assert dict(reading.parts) == {Q.ACT_ENERGY_POS: {1, 2, 63}}
    assert read(array(tariff(1, 100), register("1.8.0", number(90)))).values == {Q.ACT_ENERGY_POS: 90}
    assert read(array(tariff(1, 100), tariff(1, 9, f=12))).values == {Q.ACT_ENERGY_POS: 100}
    for spoilt in (tariff(2, 20, unit=27), tariff(1, 99)):
        assert read(array(tariff(1, 100), spoilt, power)).values == {Q.ACT_POW_POS: 5}


@pytest.mark.parametrize(
    ("sent_number", "told"),
    [
        (octets(b"70000001"), "70000001"),
        (number(70_000_001), "70000001"),
        (octets(b"ER23"), "ISK1030000000001"),
        (octets(b""), "ISK1030000000001"),
    ],
)
def test_the_number_of_a_list(sent_number: bytes, told: str) -> None:
    """A mark is none, an integer is one; the logical device name stands in."""
    device = structure(code("42.0.0", 0), octets(b"ISK1030000000001"))
    body = array(device, structure(code("96.1.0", 0), sent_number), register("1.7.0", number(5)))
    assert read(body).identity.meter_id == told


def test_profiles_are_something_else() -> None:
    """What a load profile holds is not the register of now."""
    profile = structure(code("99.1.0"), array(register("1.8.0", number(17))))
    assert read(array(profile, register("1.8.0", number(1254)))).values == {Q.ACT_ENERGY_POS: 1254}


def test_a_device_behind_the_meter_lends_no_number() -> None:
    """The number of a gas meter is not that of this one; a number of six characters is no code."""
    gas = structure(code("96.1.0", 0, 1), octets(b"G4000001"))
    reading = read(
        structure(gas, structure(code("96.1.0", 0), octets(b"110001")), register("1.7.0", number(5)))
    )
    assert reading.identity.meter_id == "110001"


def named(*more: bytes) -> bytes:
    return structure(*more, register("1.7.0", number(5)))


@pytest.mark.parametrize(
    ("body", "title", "vendor"),
    [
        (named(), b"", "unknown vendor, list of 1 values"),
        (named(), b"LGZgs\0\0\1", "landisgyr"),
        (named(), b"KFMg\0\0\0\1", "kaifa"),
        (named(), b"QQQ\0\0\0\0\1", "qqq"),
        (named(), b"\0\0\0\0\0\0\0\1", "unknown vendor, list of 1 values"),
        (named(structure(code("42.0.0", 0), octets(b"ISK1030783821282"))), b"", "iskraemeco"),
        (named(structure(code("42.0.0", 0), octets(b"SAG1030783821282"))), b"LGZgs\0\0\1", "landisgyr"),
        (named(structure(code("96.1.0", 0), octets(b"1KFM0200000017"))), b"", "kaifa"),
        (named(structure(code("96.1.0", 0), octets(b"84000001"))), b"", "unknown vendor, list of 2 values"),
    ],
    ids=str,
)
def test_whose_list_it_is(body: bytes, title: bytes, vendor: str) -> None:
    """By the system title, the device name or the letters in a number; never by what the list looks like."""
    assert read(body, title).vendor == vendor


def test_pairs_without_scalers() -> None:
    """The E450's own list sends W and Wh: so it is where Landis+Gyr says it sent it, and nowhere else."""
    body = structure(octets(NOON), code("1.8.0"), number(4_408_736), code("1.7.0"), number(2893))
    assert read(body, b"LGZgs\0\0\1").values == {Q.ACT_ENERGY_POS: 4_408_736, Q.ACT_POW_POS: 2893}
    assert "without scaler and unit" in refused(body)
    assert "without scaler and unit" in refused(body, b"SAGgs\0\0\1")


@given(
    st.recursive(
        st.sampled_from([code("1.7.0"), number(27, 0x0F), scaler_unit(0, 27), octets(NOON), b"\0"]),
        lambda inner: (
            st.lists(inner, max_size=5).map(lambda parts: structure(*parts))
            | st.lists(inner, max_size=5).map(lambda parts: array(*parts))
        ),
        max_leaves=20,
    )
)
def test_any_list_at_all(body: bytes) -> None:
    """Whatever stands where: a reading or a reason."""
    outcome = sent(body)
    assert outcome.values if isinstance(outcome, Reading) else outcome.reason
