"""Listings for people and programs: every register of every map once, with scales worked by hand.

What is written for tools is in test_exports.py.
"""

import csv
import io
import json
from typing import Any

import pytest

from han2x.modbus.catalogue import MAPS
from han2x.modbus.listing import map_number, render, rows
from han2x.modbus.table import Map
from han2x.modbus.units import UNITS, unit
from han2x.settings.modbus import ModbusMaps


def found(name: str) -> Map:
    """A map by its name, SunSpec with both models."""
    return MAPS[name](ModbusMaps(sunspec_models="203+213"))


def listed(name: str, row: str) -> dict[str, Any]:
    """A row of a map's JSON."""
    table: list[dict[str, Any]] = json.loads(render("json", found(name)))
    return next(line for line in table if line["name"] == row)


@pytest.mark.parametrize("name", MAPS)
def test_every_register_is_listed(name: str) -> None:
    """A listing has each row of the map once, in order, and its example is as long as its registers."""
    table = json.loads(render("json", found(name)))
    assert [row["address"] for row in table] == [row.address for row in found(name).rows]
    assert all(len(row["octets"].split()) == row["words"] for row in table)


@pytest.mark.parametrize("name", MAPS)
def test_listings_agree(name: str) -> None:
    """Markdown and CSV carry what JSON carries."""
    table = json.loads(render("json", found(name)))
    texts = [["" if value is None else str(value) for value in row.values()] for row in table]
    assert list(csv.reader(io.StringIO(render("csv", found(name)))))[1:] == texts
    lines = render("md", found(name)).splitlines()[2:]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert [[cell.replace("None", "") for cell in line] for line in cells] == texts


@pytest.mark.parametrize(
    ("name", "row", "expected"),
    [
        ("han2x", "volt_l1", ("40015-40016", "0x000E", 0.1, "V", "0", 2390, "0000 0956")),
        ("han2x", "curr_l1", ("40009-40010", "0x0008", 0.001, "A", "0", 4120, "0000 1018")),
        ("han2x", "net_pow", ("40119-40120", "0x0076", 1, "W", "8000 0000", 1523, "0000 05F3")),
        ("han2x", "x_volt_l1", ("40137-40138", "0x0088", 0.001, "V", "FFFF FFFF", 239_000, "0003 A598")),
        ("han2x", "scale", ("40049-40050", "0x0030", 0.001, "", "-", 1000, "0000 03E8")),
        ("swapped", "volt_l1", ("40015-40016", "0x000E", 0.1, "V", "0", 2390, "0956 0000")),
        ("swapped", "net_pow", ("40119-40120", "0x0076", 1, "W", "0000 8000", 1523, "05F3 0000")),
        ("float", "volt_l1", ("40017-40018", "0x0010", 1, "V", "7FC0 0000", 239.0, "436F 0000")),
        ("em24", "energy_import", ("40053-40054", "0x0034", 0.1, "kWh", "0", 701_234, "B332 000A")),
        ("em24", "power", ("40041-40042", "0x0028", 0.1, "W", "FFFF 7FFF", 15_230, "3B7E 0000")),
        (
            "sunspec",
            "m203_TotWhImp",
            ("440117-440118", "0x9CB4", 0.001, "kWh", "0000 0000", 70_123_456, None),
        ),
    ],
)
def test_row(name: str, row: str, expected: tuple[object, ...]) -> None:
    """Numbers, scale, unit, "unknown" and example of a row are those worked by hand."""
    line = listed(name, row)
    keys = ("register", "hex", "scale", "base_unit", "unknown", "example", "octets")
    assert all(line[key] == value for key, value in zip(keys, expected, strict=True) if value is not None), (
        line
    )


def test_scale_factor() -> None:
    """A SunSpec integer names the register with its exponent; a float, a total and a text have none."""
    names = ("m203_AphA", "m203_PhVphCA", "m203_W", "m203_TotWhImp", "m213_W", "m1_SN")
    factors = [listed("sunspec", name)["scale_factor"] for name in names]
    assert factors == ["m203_A_SF", "m203_V_SF", "m203_W_SF", "", "", ""]


def test_what_never_changes() -> None:
    """What no meter can tell is said to be never updated."""
    besides = (
        "x_",
        "net_pow_l",
        "net_pow_origin",
        "validity_more",
    )
    never = {row.name for row in rows(found("han2x")) if row.interval == "never"}
    assert {name for name in never if not name.startswith(besides)} == {
        "version",
        "reserved",
        "map_version",
        "net",
    }
    assert listed("sunspec", "m203_Hz")["interval"] == "never"
    assert listed("sunspec", "m203_PhVphAB")["interval"] == "10 s"


@pytest.mark.parametrize("name", MAPS)
def test_units(name: str) -> None:
    """Every unit with a factor in its name is in the table of units."""
    for row in found(name).rows:
        assert row.unit in UNITS or not any(sign in row.unit for sign in ("x", "/", "°")), row.unit


def test_unit() -> None:
    """A unit tells scale and decimals; bits are not a measurement."""
    assert [(unit(name).scale, unit(name).decimals) for name in ("V x 10", "mA", "W")] == [
        (0.1, 1),
        (0.001, 3),
        (1, 0),
    ]
    assert (unit("bits").base, unit("bits").kind) == ("", "")


@pytest.mark.parametrize(("number", "shown"), [(40001, "40001"), (49_999, "49999"), (80_001, "440001")])
def test_modicon_numbers(number: int, shown: str) -> None:
    """Registers beyond 49999 have six digits."""
    assert map_number(number) == shown
