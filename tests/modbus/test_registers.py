"""The manual's register table against figures worked by hand: addresses, units, saturation.

The extension and the other maps are in test_maps.py, listings in test_listing.py, requests and responses
in test_pdu.py, sockets in test_tcp.py.
"""

from collections.abc import Mapping
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x import __version__
from han2x.modbus.maps.han2x import HAN2X, TABLE, version_number
from han2x.modbus.types import INT32, UINT16, UINT32, Type
from han2x.model.estimate import Estimate
from han2x.model.instant import ZERO
from han2x.model.quantity import ENERGIES, Quantity
from han2x.model.reading import MeterClock, TimeBase
from han2x.model.state import EMPTY, Snapshot
from han2x.model.view import view

Q = Quantity


def shown(snapshot: Snapshot, scale: int = 1000, uptime_s: int = 0) -> bytes:
    """The manual's registers of a snapshot."""
    octets = HAN2X.image(view(snapshot, scale=scale, now=ZERO, uptime_s=uptime_s)).read(0, 51)
    assert octets is not None
    return octets


def words(octets: bytes, address: int, count: int = 2) -> str:
    """Registers as hexadecimal."""
    return octets[2 * address : 2 * (address + count)].hex(" ", 2)


def test_table_has_no_gap() -> None:
    """The table covers 40001 to 40051, each register once, in order (M15)."""
    assert [address for row in TABLE for address in row.addresses] == list(range(51))


@pytest.mark.parametrize(
    ("quantity", "value", "address", "expected"),
    [
        (Q.ACT_POW_POS, 123_456, 0, "0001 e240"),
        (Q.ACT_POW_NEG, 1, 2, "0000 0001"),
        (Q.REACT_POW_POS, 65_536, 4, "0001 0000"),
        (Q.REACT_POW_NEG, 65_535, 6, "0000 ffff"),
        (Q.CURR_L1, 5_120, 8, "0000 1400"),
        (Q.CURR_L2, 1, 10, "0000 0001"),
        (Q.CURR_L3, -1, 12, "ffff ffff"),
        (Q.VOLT_L1, 239_000, 14, "0000 0956"),
        (Q.VOLT_L2, 238_499, 16, "0000 0950"),
        (Q.VOLT_L3, 99, 18, "0000 0000"),
        (Q.ACT_ENERGY_POS, 12_345_999, 20, "0000 3039"),
        (Q.ACT_ENERGY_NEG, 999, 22, "0000 0000"),
        (Q.REACT_ENERGY_POS, 1_000, 24, "0000 0001"),
        (Q.REACT_ENERGY_NEG, 65_536_000, 26, "0001 0000"),
    ],
)
def test_quantity(quantity: Quantity, value: int, address: int, expected: str) -> None:
    """A quantity is at its address in the manual's unit, truncated, high word first (M13, M14, M18)."""
    assert words(shown(Snapshot(values={quantity: value})), address) == expected


@pytest.mark.parametrize(("energy", "address"), list(zip(ENERGIES, (28, 30, 32, 34), strict=True)))
def test_estimate(energy: Quantity, address: int) -> None:
    """An estimated energy is at its address in whole kWh (M19)."""
    snapshot = Snapshot(estimates={energy: Estimate().registered(12_345_999, mark_ms=0)})
    assert words(shown(snapshot), address) == "0000 3039"


def test_clock() -> None:
    """The meter's own local time is at 40037 to 40042 (M20)."""
    clock = MeterClock(datetime(2026, 11, 22, 17, 30, 59), True, TimeBase.STANDARD)
    assert words(shown(Snapshot(clock=clock)), 36, 6) == "07ea 000b 0016 0011 001e 003b"


def test_empty() -> None:
    """Before the first telegram all is 0 but the version and the scale factor (M6, M7, M20)."""
    expected = bytearray(102)
    expected[84:86] = version_number(__version__).to_bytes(2, "big")
    expected[88:92] = expected[96:100] = bytes.fromhex("000003e8")
    assert shown(EMPTY) == bytes(expected)


@pytest.mark.parametrize(
    ("version", "number"), [("0.1.0", 10), ("1.2.3", 1023), ("12.34.5", 12345), ("2.0.1rc1", 2001), ("x", 0)]
)
def test_version(version: str, number: int) -> None:
    """The version is major x 1000 + minor x 10 + patch (M21)."""
    assert version_number(version) == number


@pytest.mark.parametrize(
    ("uptime_s", "expected"), [(3599, "0000"), (3600, "0001"), (65_535 * 3600, "ffff"), (10**12, "ffff")]
)
def test_uptime(uptime_s: int, expected: str) -> None:
    """Uptime is whole hours, and stops at 65535 (M21)."""
    assert words(shown(EMPTY, uptime_s=uptime_s), 47, 1) == expected


@pytest.mark.parametrize("address", [44, 48])
def test_scale(address: int) -> None:
    """The scale factor is at 40049-40050, and at 40045-40046 as the manual's text says (M22)."""
    assert words(shown(EMPTY, scale=999_999_999), address) == "3b9a c9ff"


SCALED: Mapping[Quantity, int] = {
    Q.ACT_POW_POS: 1_500,
    Q.CURR_L1: -2_001,
    Q.VOLT_L1: 239_000,
    Q.ACT_ENERGY_POS: 70_000_000,
}


@pytest.mark.parametrize(
    ("scale", "power", "current", "energy"),
    [
        (1_000, "0000 05dc", "ffff f82f", "0001 1170"),  # 1500 W, -2001 mA, 70000 kWh
        (2_500, "0000 0ea6", "ffff ec76", "0002 ab98"),  # 3750 W, -5002 mA, 175000 kWh
        (10, "0000 000f", "ffff ffec", "0000 02bc"),  # 15 W, -20 mA, 700 kWh
        (999_999_999, "5968 2efe", "88bb 29c3", "ffff ffff"),  # 1499999998 W, -2000999997 mA, stops
    ],
)
def test_scaled(scale: int, power: str, current: str, energy: str) -> None:
    """The factor scales powers, currents and energies, never voltages, and nothing wraps (M22)."""
    octets = shown(Snapshot(values=SCALED), scale=scale)
    assert [words(octets, address) for address in (0, 8, 14, 20)] == [power, current, "0000 0956", energy]


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        (UINT16, -1, "0000"),
        (UINT16, 65_536, "ffff"),
        (UINT32, -1, "00000000"),
        (UINT32, 4_294_967_295, "ffffffff"),
        (UINT32, 4_294_967_296, "ffffffff"),
        (INT32, 2_147_483_648, "7fffffff"),
        (INT32, -2_147_483_648, "80000000"),
        (INT32, -2_147_483_649, "80000000"),
    ],
)
def test_saturation(type_: Type, value: int, expected: str) -> None:
    """A value beyond a register stops at the end nearest to it (M22)."""
    assert type_.octets(value).hex() == expected


@given(values=st.dictionaries(st.sampled_from(Quantity), st.integers()), scale=st.integers(10, 999_999_999))
def test_image_of_anything(values: dict[Quantity, int], scale: int) -> None:
    """Whatever a meter sends, the image has its 102 octets."""
    assert len(shown(Snapshot(values=values), scale=scale)) == 102
