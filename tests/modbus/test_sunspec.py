"""SunSpec: layout and figures by hand, and pySunSpec2 as a judge over a real port.

pySunSpec2 runs with the tests' own interpreter, or with that of HAN2X_SUNSPEC_PYTHON; skipped without either.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from struct import unpack
from typing import Any

import pytest

from han2x.modbus.maps.sunspec import sunspec
from han2x.modbus.table import Map
from han2x.model.quantity import Quantity
from han2x.model.reading import Identity, Net
from han2x.model.view import View

Q = Quantity
Seen = Callable[..., View]
READER = Path(__file__).with_name("sunspec_reader.py")
METER_203 = 40070


def words(map: Map, view: View, address: int, count: int) -> str:
    """Registers as hexadecimal."""
    octets = map.image(view).read(address, count)
    assert octets is not None
    return octets.hex(" ", 2)


@pytest.mark.parametrize(
    ("models", "chain"),
    [
        ((203,), [(1, 66), (203, 105), (0xFFFF, 0)]),
        ((213,), [(1, 66), (213, 124), (0xFFFF, 0)]),
        ((203, 213), [(1, 66), (203, 105), (213, 124), (0xFFFF, 0)]),
    ],
)
def test_chain(seen: Seen, models: tuple[int, ...], chain: list[tuple[int, int]]) -> None:
    """From the mark at 40000, each model's length leads to the next, up to the end model."""
    image = sunspec(models).image(seen())
    assert image.read(40000, 2) == b"SunS"
    at, found = 40002, []
    while octets := image.read(at, 2):
        number, length = unpack(">HH", octets)
        found.append((number, length))
        at += 2 + length
    assert found == chain


def test_common_model(seen: Seen) -> None:
    """Manufacturer, model, vendor, version and serial number are texts at their places."""
    view = seen(vendor="kaifa", identity=Identity("KFM_001", "6970631400000017", "MA304H4"))
    octets = sunspec().image(view).read(40004, 66) or b""
    texts = [octets[a:b].rstrip(b"\0") for a, b in ((0, 32), (32, 64), (64, 80), (96, 128))]
    assert texts == [b"han2x", b"MA304H4", b"kaifa", b"6970631400000017"]
    assert octets[128:].hex(" ", 2) == "0001 8000"


def test_before_the_first_telegram(seen: Seen) -> None:
    """All instant values are "not implemented", accumulators 0; no event."""
    octets = words(sunspec(), seen(), METER_203 + 2, 105).split()
    assert octets[:4] == ["8000"] * 4
    assert octets[4] == "fffe"
    assert octets[5:13] == ["8000"] * 8
    assert octets[13] == "ffff"
    assert octets[-2:] == ["0000", "0000"]


IT = {Q.VOLT_L1: 231_000, Q.VOLT_L2: 232_000, Q.VOLT_L3: 233_000}


@pytest.mark.parametrize(
    ("net", "fill", "expected"),
    [
        # PhV, A, B, C; PPV, AB, BC, CA; V_SF
        (Net.IT, False, "8000 8000 8000 8000 0910 0906 091a 0910 ffff"),
        (Net.IT, True, "0910 0906 0910 091a 0910 0906 091a 0910 ffff"),
        (Net.TN, False, "0910 0906 0910 091a 8000 8000 8000 8000 ffff"),
        (None, False, "0910 0906 0910 091a 8000 8000 8000 8000 ffff"),
    ],
)
def test_voltages(seen: Seen, net: Net | None, fill: bool, expected: str) -> None:
    """An IT net has AB, BC and CA (L1-L2, L2-L3, L1-L3) and, unless they are copied, none to neutral."""
    view = seen(values=IT, net=net)
    assert words(sunspec(fill=fill), view, METER_203 + 7, 9) == expected


def test_one_phase(seen: Seen) -> None:
    """What one phase does not have is not implemented; the means are of those that are there."""
    view = seen(values={Q.VOLT_L1: 230_000, Q.CURR_L1: 5_120}, net=Net.ONE_PHASE)
    assert words(sunspec(), view, METER_203 + 2, 14) == (
        "0200 0200 8000 8000 fffe 08fc 08fc 8000 8000 8000 8000 8000 8000 ffff"
    )


@pytest.mark.parametrize(
    ("milliamperes", "expected"),
    [
        (327_670, "7fff 7fff 8000 8000 fffe"),  # 327.67 A is the last in hundredths
        (327_680, "0ccd 0ccd 8000 8000 ffff"),  # 3277 tenths
        (3_276_800, "0ccd 0ccd 8000 8000 0000"),
        (-327_680, "f333 f333 8000 8000 ffff"),
    ],
)
def test_current_scale_factor(seen: Seen, milliamperes: int, expected: str) -> None:
    """The scale factor of the currents grows where hundredths do not fit, for all of them together."""
    assert words(sunspec(), seen(values={Q.CURR_L1: milliamperes}), METER_203 + 2, 5) == expected


@pytest.mark.parametrize(
    ("watts", "expected"),
    [
        (32_767, "7fff 8000 8000 8000 0000"),
        (32_768, "0ccd 8000 8000 8000 0001"),
        (-32_768, "f333 8000 8000 8000 0001"),
        (327_671, "0ccd 8000 8000 8000 0002"),
        (10**20, "7fff 8000 8000 8000 000a"),
    ],
)
def test_power_scale_factor(seen: Seen, watts: int, expected: str) -> None:
    """Power is whole watts up to 32767 of them, then tens, then hundreds; import is positive."""
    quantity = Q.ACT_POW_POS if watts > 0 else Q.ACT_POW_NEG
    assert words(sunspec(), seen(values={quantity: abs(watts)}), METER_203 + 18, 5) == expected


EXPORTING = {Q.ACT_POW_POS: 0, Q.ACT_POW_NEG: 420, Q.CURR_L1: 4_400, Q.CURR_L2: 3_100, Q.CURR_L3: 3_100}
BY_PHASE = {Q.ACT_POW_POS_L1: 1000, Q.ACT_POW_NEG_L2: 710, Q.ACT_POW_NEG_L3: 710}


def test_power_of_each_phase_as_sent(seen: Seen) -> None:
    """L1 imports 1000 W while the house exports 420 W: -420 is fe5c, 1000 is 03e8, -710 is fd3a."""
    view = seen(values={**EXPORTING, **BY_PHASE}, net=Net.TN)
    assert words(sunspec(), view, METER_203 + 18, 5) == "fe5c 03e8 fd3a fd3a 0000"
    assert words(sunspec((213,)), view, 40072 + 26, 8) == "c3d2 0000 447a 0000 c431 8000 c431 8000"


def test_power_of_each_phase_that_is_not_sent(seen: Seen) -> None:
    """What would be shared out is not told: its sign is the total's, not the phase's."""
    volts = {Q.VOLT_L1: 230_000, Q.VOLT_L2: 230_000, Q.VOLT_L3: 230_000}
    for values in (EXPORTING, {**EXPORTING, **volts}):
        view = seen(values=values, net=Net.TN)
        assert words(sunspec(), view, METER_203 + 18, 5) == "fe5c 8000 8000 8000 0000"
        assert words(sunspec((213,)), view, 40072 + 26, 4) == "c3d2 0000 7fc0 0000"


def test_energies(seen: Seen) -> None:
    """Export, then import, in Wh, by the estimates; they roll over at 32 bits."""
    view = seen(values={Q.ACT_ENERGY_POS: 1, Q.ACT_ENERGY_NEG: 2**32 + 5}, estimates={Q.ACT_ENERGY_POS: 7})
    assert words(sunspec(), view, METER_203 + 38, 17) == " ".join(
        ["0000 0005", *["0000 0000"] * 3, "0000 0007", *["0000 0000"] * 3, "0000"]
    )


def test_float_model(seen: Seen) -> None:
    """Model 213 has floats without scale factors, NaN where it has nothing to tell."""
    view = seen(values={Q.ACT_POW_NEG: 40_000, Q.VOLT_L1: 239_500}, net=Net.TN)
    map = sunspec((213,))
    assert words(map, view, 40072 + 26, 4) == "c71c 4000 7fc0 0000"
    assert words(map, view, 40072 + 8, 4) == "436f 8000 436f 8000"


# -- pySunSpec2 -------------------------------------------------------------------------------------


def interpreter() -> str:
    """A Python that has pySunSpec2."""
    if find_spec("sunspec2"):
        return sys.executable
    if other := os.environ.get("HAN2X_SUNSPEC_PYTHON"):
        return other
    pytest.skip("pySunSpec2 is not installed, and HAN2X_SUNSPEC_PYTHON names no Python that has it")


def found(served: Any, unit: int) -> dict[str, dict[str, Any]]:
    """The models that pySunSpec2 finds."""
    command = [interpreter(), str(READER), str(served.port), str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    models: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return models


ON = ("meters.0.sunspec_unit_id=4", "modbus_maps.sunspec_models=203+213", "modbus_maps.stale_after_s=3600")


def test_finds_all_models(serve: Callable[..., Any]) -> None:
    """pySunSpec2 finds models 1, 203 and 213, each of the length that it expects."""
    models = found(serve(*ON), 4)
    assert {number: (model["ID"], model["L"]) for number, model in models.items()} == {
        "1": (1, 66),
        "203": (203, 105),
        "213": (213, 124),
    }
    common = models["1"]
    assert [common[name] for name in ("Mn", "Md", "SN", "DA")] == ["han2x", "MA304H3E", "6970631400000000", 1]


POINTS = {
    "A": 5.12,
    "AphA": 5.12,
    "AphB": None,
    "PhVphA": 239.0,
    "PhVphB": 238.4,
    "PhVphC": 240.1,
    "PPV": None,
    "Hz": None,
    "WphA": None,
    "VAR": None,
    "PF": None,
    "TotWhImp": 12_345_678,
}


def test_names_are_sunspecs(serve: Callable[..., Any]) -> None:
    """Every row has the name that pySunSpec2's definitions give the point."""
    models = found(serve(*ON), 4)
    names = [row.name for row in sunspec((203, 213)).rows]
    expected = [f"m{number}_{name}" for number, model in models.items() for name in model]
    assert names == ["SunS", *expected, "m65535_ID", "m65535_L"]


def test_values_are_the_meters(serve: Callable[..., Any]) -> None:
    """What pySunSpec2 reads is what the meter sent, in integers as in floats."""
    models = found(serve(*ON), 4)
    for number in ("203", "213"):
        model = models[number]
        assert {name: rounded(model[name]) for name in POINTS} == POINTS
        assert rounded(model["PhV"]) == 239.2  # (239.0 + 238.4 + 240.1) / 3 = 239.17
    assert (models["203"]["W"], models["213"]["W"]) == (123_460, 123_456.0)


def rounded(value: float | None) -> float | None:
    """A float32 as it was meant; NaN is not implemented, as null is."""
    return None if value is None or value != value else round(value, 1 if 100 < value < 1000 else 2)


def test_it_net(serve: Callable[..., Any]) -> None:
    """On an IT net pySunSpec2 reads voltages between phases, and none to neutral unless they are copied."""
    expected = {"AB": 239.0, "BC": 240.1, "CA": 238.4}
    copies = {"PhVphA": 239.0, "PhVphB": 238.4, "PhVphC": 240.1}
    for fill, phases in (("false", dict.fromkeys(copies)), ("true", copies)):
        models = found(serve(*ON, "net=it", f"modbus_maps.sunspec_fill={fill}"), 4)
        for number, prefix in (("203", "PhVph"), ("213", "PPVph")):
            model = models[number]
            assert {pair: rounded(model[f"{prefix}{pair}"]) for pair in expected} == expected
            assert {name: rounded(model[name]) for name in copies} == phases


def test_scaled_meter(serve: Callable[..., Any]) -> None:
    """With the meter's factor at 1000, values far beyond 16 bits are read within their resolution."""
    model = found(serve(*ON, "meters.0.scale=1000000"), 4)["203"]
    assert model["A"] == pytest.approx(5_120)
    assert model["W"] == pytest.approx(123_456_000, abs=5_000)
    assert model["PhVphA"] == 239.0
    assert model["TotWhImp"] == 12_345_678_000 % 2**32
