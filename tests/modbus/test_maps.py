"""The extension, the word-swapped mirror and the float32 map, against figures worked by hand; unit ids.

The manual's own registers are in test_registers.py, SunSpec in test_sunspec.py, the EM24 in test_em24.py,
what a silent meter does to a map in test_staleness.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from struct import unpack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.modbus.bank import Banks
from han2x.modbus.catalogue import MAPS
from han2x.modbus.maps.extension import EXTENSION, STATUS_BITS
from han2x.modbus.maps.float32 import FLOAT
from han2x.modbus.maps.han2x import HAN2X
from han2x.modbus.maps.swapped import SWAPPED
from han2x.modbus.table import Map, Register
from han2x.modbus.types import FLOAT32, INT16, UINT16, UINT64, text
from han2x.model.instant import ZERO, Instant
from han2x.model.line import Fault, LineStatus
from han2x.model.quantity import BESIDES, ENERGIES, PRINCIPAL, Quantity
from han2x.model.reading import Identity, ListType, Net
from han2x.model.state import Snapshot
from han2x.model.view import View
from han2x.runtime.gateway import Gateway
from han2x.settings.modbus import ModbusMaps
from han2x.settings.schema import Meter, Settings
from han2x.tariff.budget import Budget, Pace
from han2x.tariff.capacity import Capacity
from han2x.tariff.cost import Cost, Costs, KwhPrice
from han2x.tariff.prices import Price

Q = Quantity
Seen = Callable[..., View]


def words(map: Map, view: View, address: int, count: int) -> str:
    """Registers as hexadecimal."""
    octets = map.image(view).read(address, count)
    assert octets is not None
    return octets.hex(" ", 2)


BUDGET = Budget(
    pace=Pace(elapsed_ms=2_700_000, used=2_250, gap_ms=0, power=3_000, rests_on_ms=600_000),
    rest_s=900,
    forecast=3_000,
    limit=2_200,
    left=-200,
)
CAPACITY = Capacity(
    tariff="any",
    month=date(2026, 11, 1),
    rule="days",
    mean=6_500,
    step=3,
    limit=10_000,
    next_limit=300_000,  # far above 255 kW
    price=24_000_000,
    billed_price=24_000_000,
    next_price=33_600_000,
    headroom=12_001,
)
COSTS = Costs(
    area="NO4",
    today=Cost(power=1_000_000, support=50_000, grid=284_500),  # 12.345 NOK
    month=Cost(power=499, export=1_000),  # less than an øre was earned
    price=Price(-1_280, True),
)

PINNED = """
100 1 map_version      101 1 heartbeat        102 1 status           103 1 last_fault
104 2 validity         106 2 telegrams        108 2 errors           110 1 age
111 1 age_list_1       112 1 age_list_2       113 1 age_list_3       114 2 unix_time
116 2 uptime_s         118 2 net_pow          120 2 net_react        122 2 x_act_pow_pos
124 2 x_act_pow_neg    126 2 x_react_pow_pos  128 2 x_react_pow_neg  130 2 x_curr_l1
132 2 x_curr_l2        134 2 x_curr_l3        136 2 x_volt_l1        138 2 x_volt_l2
140 2 x_volt_l3        142 4 x_act_energy_pos 146 4 x_act_energy_neg 150 4 x_react_energy_pos
154 4 x_react_energy_neg       158 4 x_act_energy_pos_est     162 4 x_act_energy_neg_est
166 4 x_react_energy_pos_est   170 4 x_react_energy_neg_est   174 2 hour_act_pos
176 2 hour_act_neg     178 2 hour_react_pos   180 2 hour_react_neg   182 2 x_scale
184 1 net              185 1 capacity_step    186 2 hour_forecast    188 2 power_left
190 2 month_peak       192 2 step_limit       194 2 next_limit       196 2 step_left
198 1 hour_rest        200 8 vendor           208 8 list_version     216 10 meter_id
226 10 meter_type      240 2 spot_price       242 2 cost_today       244 2 cost_month
246 2 step_price       248 2 next_price
300 2 validity_more         302 1 net_pow_origin        304 2 net_pow_l1
306 2 net_pow_l2            308 2 net_pow_l3            310 2 x_act_pow_pos_l1
312 2 x_act_pow_pos_l2      314 2 x_act_pow_pos_l3      316 2 x_act_pow_neg_l1
318 2 x_act_pow_neg_l2      320 2 x_act_pow_neg_l3      322 2 x_react_pow_pos_l1
324 2 x_react_pow_pos_l2    326 2 x_react_pow_pos_l3    328 2 x_react_pow_neg_l1
330 2 x_react_pow_neg_l2    332 2 x_react_pow_neg_l3    334 1 x_power_factor
335 1 x_power_factor_l1     336 1 x_power_factor_l2     337 1 x_power_factor_l3
338 2 x_frequency           340 4 x_act_energy_pos_l1   344 4 x_act_energy_pos_l2
348 4 x_act_energy_pos_l3   352 4 x_act_energy_neg_l1   356 4 x_act_energy_neg_l2
360 4 x_act_energy_neg_l3   364 2 x_demand              366 2 x_demand_max
368 2 price_total           370 2 price_export
"""


def test_extension_addresses() -> None:
    """Every row of the extension stays where it is, for what is published never moves; the rest is 0."""
    pinned = [(int(a), int(w), name) for a, w, name in zip(*[iter(PINNED.split())] * 3, strict=True)]
    named = [(row.address, row.words, row.name) for row in EXTENSION if row.name != "reserved"]
    assert named == pinned
    assert [a for row in EXTENSION for a in row.addresses] == [*range(100, 250), *range(300, 372)]


def test_before_the_first_telegram(seen: Seen) -> None:
    """What is not known has its type's marker, never a 0; counters, scale and reserved are numbers."""
    zeros = "0000 0000"
    unknown32, signed32 = "ffff ffff", "8000 0000"
    expected = [
        "0003 0000 0000 0000",  # version, heartbeat, status, last fault
        f"{zeros} {zeros} {zeros}",  # validity, telegrams, errors
        "ffff ffff ffff ffff",  # ages
        f"{unknown32} {zeros}",  # Unix time, uptime
        f"{signed32} {signed32}",  # net powers
        " ".join([unknown32] * 4 + [signed32] * 3 + [unknown32] * 3),
        " ".join(["ffff ffff ffff ffff"] * 8),
        " ".join([unknown32] * 4),
        "0000 03e8 0000",  # scale, net
        f"ffff {unknown32} {signed32}",  # step, forecast, power left
        " ".join([unknown32] * 4),  # peak, limits, what is left of the step
        "ffff 0000",  # rest of the hour
    ]
    assert words(HAN2X, seen(), 100, 100) == " ".join(expected)
    assert words(HAN2X, seen(), 200, 40) == " ".join(["0000"] * 40)
    assert words(HAN2X, seen(), 240, 10) == " ".join([signed32] * 3 + [unknown32] * 2)
    assert words(HAN2X, seen(), 300, 10) == " ".join([zeros] * 2 + [signed32] * 3)
    assert words(HAN2X, seen(), 334, 6) == f"8000 8000 8000 8000 {unknown32}"


@pytest.mark.parametrize(
    ("quantity", "value", "address", "expected"),
    [
        (Q.ACT_POW_POS, 70_000, 122, "0001 1170"),
        (Q.ACT_POW_NEG, 1, 124, "0000 0001"),
        (Q.REACT_POW_POS, 65_535, 126, "0000 ffff"),
        (Q.REACT_POW_NEG, 0, 128, "0000 0000"),
        (Q.CURR_L1, 5_120, 130, "0000 1400"),
        (Q.CURR_L2, -1, 132, "ffff ffff"),
        (Q.CURR_L3, 2_000, 134, "0000 07d0"),
        (Q.VOLT_L1, 239_000, 136, "0003 a598"),
        (Q.VOLT_L2, 230_001, 138, "0003 8271"),
        (Q.VOLT_L3, 0, 140, "0000 0000"),
        (Q.ACT_ENERGY_POS, 5_000_000_001, 142, "0000 0001 2a05 f201"),
        (Q.ACT_ENERGY_NEG, 999, 146, "0000 0000 0000 03e7"),
        (Q.REACT_ENERGY_POS, 2**40 + 1, 150, "0000 0100 0000 0001"),
        (Q.REACT_ENERGY_NEG, 0, 154, "0000 0000 0000 0000"),
    ],
)
def test_known_value(seen: Seen, quantity: Quantity, value: int, address: int, expected: str) -> None:
    """A known value is there in its integer unit, a 0 as a 0, an energy to the Wh."""
    assert words(HAN2X, seen(values={quantity: value}), address, len(expected.split())) == expected


@pytest.mark.parametrize(
    ("changes", "address", "expected"),
    [
        ({"uptime_s": 65_537}, 101, "0001"),
        ({"uptime_s": 65_537}, 116, "0001 0001"),
        ({"line": LineStatus(last_fault=Fault.CHECKSUM)}, 103, "0003"),
        ({"line": LineStatus(checksum_errors=65_536)}, 108, "0001 0000"),
        ({"received": 1_800}, 106, "0000 0708"),
        ({"last_unix_ms": 1_795_368_610_999}, 114, "6b03 26a2"),
        ({"estimates": {Q.ACT_ENERGY_POS: 5_000_000_001}}, 158, "0000 0001 2a05 f201"),
        ({"estimates": {Q.ACT_ENERGY_NEG: 0}}, 162, "0000 0000 0000 0000"),
        ({"estimates": {Q.REACT_ENERGY_POS: 7}}, 166, "0000 0000 0000 0007"),
        ({"estimates": {Q.REACT_ENERGY_NEG: 8}}, 170, "0000 0000 0000 0008"),
        ({"hour": {Q.ACT_ENERGY_POS: 1_234}}, 174, "0000 04d2"),
        ({"hour": {Q.ACT_ENERGY_NEG: 0}}, 176, "0000 0000"),
        ({"hour": {Q.REACT_ENERGY_POS: 1}}, 178, "0000 0001"),
        ({"hour": {Q.REACT_ENERGY_NEG: 2}}, 180, "0000 0002"),
        ({"budget": BUDGET}, 186, "0000 0bb8"),
        ({"budget": BUDGET}, 188, "ffff ff38"),
        ({"budget": BUDGET}, 198, "0384"),
        ({"budget": replace(BUDGET, limit=None, left=None)}, 188, "8000 0000"),
        ({"capacity": CAPACITY}, 185, "0003"),
        ({"capacity": CAPACITY}, 190, "0000 1964"),
        ({"capacity": CAPACITY}, 192, "0000 2710"),
        ({"capacity": CAPACITY}, 194, "0004 93e0"),
        ({"capacity": CAPACITY}, 196, "0000 2ee1"),
        ({"capacity": CAPACITY}, 246, "0000 5dc0"),
        ({"capacity": CAPACITY}, 248, "0000 8340"),
        ({"capacity": replace(CAPACITY, next_price=None, headroom=None)}, 248, "ffff ffff"),
        ({"costs": COSTS}, 240, "ffff fb00"),
        ({"costs": replace(COSTS, price=None)}, 240, "8000 0000"),
        ({"costs": replace(COSTS, kwh=KwhPrice(0, 90_000, 145_375, 88_000, True))}, 368, "0002 37df"),
        ({"costs": replace(COSTS, kwh=KwhPrice(0, 90_000, 145_375, 88_000, True))}, 370, "0001 57c0"),
        ({"costs": replace(COSTS, kwh=KwhPrice(0, 90_000, None, None, True))}, 368, "8000 0000"),
        ({"costs": COSTS}, 370, "8000 0000"),
        ({"costs": COSTS}, 242, "0000 04d3"),
        ({"costs": COSTS}, 244, "ffff ffff"),
        ({"costs": replace(COSTS, month=Cost(power=5_000, missing=1))}, 244, "8000 0000"),
        ({"costs": replace(COSTS, today=Cost(power=5_000, unpriced=1))}, 242, "8000 0000"),
        ({"scale": 999_999_999}, 182, "3b9a c9ff"),
        ({"net": Net.ONE_PHASE}, 184, "0001"),
        ({"net": Net.IT}, 184, "0002"),
        ({"net": Net.TN}, 184, "0003"),
    ],
)
def test_other_row(seen: Seen, changes: dict[str, Any], address: int, expected: str) -> None:
    """Counters, times, estimates, the hour so far, factor and net are at their addresses."""
    assert words(HAN2X, seen(**changes), address, len(expected.split())) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"line": LineStatus(open=True)}, "0001"),
        ({"age_ms": 0}, "0006"),
        ({"age_ms": 30_000}, "0006"),
        ({"age_ms": 30_001}, "0002"),
        ({"age_ms": 60_000}, "0002"),
        ({"age_ms": 60_001}, "0000"),
        ({"values": {Q.REACT_ENERGY_NEG: 0}}, "0008"),
        ({"values": {Q.ACT_POW_POS: 1}}, "0000"),
        ({"list_age_ms": {ListType.HOURLY: 10**12}}, "0010"),
        ({"list_age_ms": {ListType.FAST: 0}}, "0000"),
        ({"clock_plausible": True}, "0020"),
        ({"scale": 1_001}, "0040"),
        ({"estimates": {Q.ACT_ENERGY_POS: 0}}, "0080"),
    ],
)
def test_status_bit(seen: Seen, changes: dict[str, Any], expected: str) -> None:
    """Each status bit tells its own fact and nothing else does."""
    assert words(HAN2X, seen(**changes), 102, 1) == expected
    assert len(STATUS_BITS) == 8


VALIDITY = [
    (Q.ACT_POW_POS, ListType.FAST, 30_000, "0000 0001"),
    (Q.ACT_POW_NEG, ListType.TEN_SECONDS, 30_000, "0000 0002"),
    (Q.REACT_POW_POS, ListType.TEN_SECONDS, 30_000, "0000 0004"),
    (Q.REACT_POW_NEG, ListType.OTHER, 30_000, "0000 0008"),
    (Q.CURR_L1, ListType.TEN_SECONDS, 30_000, "0000 0010"),
    (Q.CURR_L2, ListType.TEN_SECONDS, 30_000, "0000 0020"),
    (Q.CURR_L3, ListType.HOURLY, 30_000, "0000 0040"),
    (Q.VOLT_L1, ListType.TEN_SECONDS, 30_000, "0000 0080"),
    (Q.VOLT_L2, ListType.TEN_SECONDS, 30_000, "0000 0100"),
    (Q.VOLT_L3, ListType.TEN_SECONDS, 30_000, "0000 0200"),
    (Q.ACT_ENERGY_POS, ListType.HOURLY, 7_200_000, "0000 0400"),
    (Q.ACT_ENERGY_NEG, ListType.HOURLY, 7_200_000, "0000 0800"),
    (Q.REACT_ENERGY_POS, ListType.OTHER, 7_200_000, "0000 1000"),
    (Q.REACT_ENERGY_NEG, ListType.HOURLY, 7_200_000, "0000 2000"),
]


@pytest.mark.parametrize(("quantity", "kind", "age_ms", "expected"), VALIDITY)
def test_validity_bit(seen: Seen, quantity: Quantity, kind: ListType, age_ms: int, expected: str) -> None:
    """A quantity's bit is set while it is known and a list that carries it is recent, to the millisecond."""
    fresh = seen(values={quantity: 0}, list_age_ms={kind: age_ms})
    stale = seen(values={quantity: 0}, list_age_ms={kind: age_ms + 1})
    never = seen(values={}, list_age_ms={kind: 0})
    assert [words(HAN2X, view, 104, 2) for view in (fresh, stale, never)] == [expected, *["0000 0000"] * 2]


def test_validity_needs_the_list_that_carries_it(seen: Seen) -> None:
    """A fast list makes no current valid, a 10 s list no energy."""
    both = {Q.CURR_L1: 1, Q.ACT_ENERGY_POS: 1}
    assert words(HAN2X, seen(values=both, list_age_ms={ListType.FAST: 0}), 104, 2) == "0000 0000"
    assert words(HAN2X, seen(values=both, list_age_ms={ListType.TEN_SECONDS: 0}), 104, 2) == "0000 0010"


@pytest.mark.parametrize(
    ("age_ms", "expected"),
    [(0, "0000"), (1_999, "0001"), (65_534_999, "fffe"), (65_535_000, "fffe"), (10**15, "fffe")],
)
def test_age_saturates(seen: Seen, age_ms: int, expected: str) -> None:
    """Ages are whole seconds and stop at 65534, so that an old value is not taken for one never seen."""
    lists = dict.fromkeys((ListType.FAST, ListType.TEN_SECONDS, ListType.HOURLY), age_ms)
    view = seen(age_ms=age_ms, list_age_ms=lists)
    assert words(HAN2X, view, 110, 4) == " ".join([expected] * 4)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({Q.ACT_POW_POS: 1_500}, "0000 05dc"),
        ({Q.ACT_POW_NEG: 1_500}, "ffff fa24"),
        ({Q.ACT_POW_POS: 300, Q.ACT_POW_NEG: 301}, "ffff ffff"),
        ({Q.ACT_POW_POS: 0}, "0000 0000"),
        ({Q.ACT_POW_POS: 2**40}, "7fff ffff"),
    ],
)
def test_net_power(seen: Seen, values: Mapping[Quantity, int], expected: str) -> None:
    """Net power is import less export, with its sign."""
    assert words(HAN2X, seen(values=values), 118, 2) == expected


def test_texts(seen: Seen) -> None:
    """Texts are ASCII from the left, padded with NULs, cut where they are too long."""
    view = seen(vendor="kaifa", identity=Identity("KFM_001", "6970631400000017", "X" * 30))
    octets = HAN2X.image(view).read(200, 40)
    assert octets == (
        b"kaifa".ljust(16, b"\0")
        + b"KFM_001".ljust(16, b"\0")
        + b"6970631400000017".ljust(20, b"\0")
        + b"X" * 20
        + bytes(8)
    )


@pytest.mark.parametrize(
    ("address", "count", "exists"),
    [
        (100, 100, True),
        (200, 40, True),
        (115, 125, True),
        (0, 51, True),
        (50, 2, False),
        (51, 1, False),
        (99, 1, False),
        (99, 2, False),
        (0, 125, False),
        (300, 72, True),
        (249, 2, False),
        (250, 1, False),
        (371, 2, False),
    ],
)
def test_blocks(seen: Seen, address: int, count: int, exists: bool) -> None:
    """Each block is read in one go; what touches a gap or the end does not exist."""
    octets = HAN2X.image(seen()).read(address, count)
    assert (octets is not None and len(octets) == 2 * count) is exists


# -- the word-swapped mirror ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (0, "e240 0001"),
        (14, "0956 0000"),
        (36, "07ea"),
        (118, "e240 0001"),
        (142, "f201 2a05 0001 0000"),
        (146, "ffff ffff ffff ffff"),
        (120, "0000 8000"),
        (200, "6b61 6966 6100"),
    ],
)
def test_swapped(seen: Seen, address: int, expected: str) -> None:
    """Numbers begin with their lowest word, markers too; single words and texts are as ever."""
    view = seen(
        vendor="kaifa",
        values={Q.ACT_POW_POS: 123_456, Q.VOLT_L1: 239_000, Q.ACT_ENERGY_POS: 5_000_000_001},
        clock=datetime(2026, 11, 22),
    )
    assert words(SWAPPED, view, address, len(expected.split())) == expected


# -- float32 ----------------------------------------------------------------------------------------

FLOATS = ["net_pow", *PRINCIPAL, *(f"{energy}_est" for energy in ENERGIES), *BESIDES]


def floats(view: View) -> dict[str, float]:
    """The float map by names."""
    octets = FLOAT.image(view).read(0, 2 * len(FLOATS)) or b""
    return dict(zip(FLOATS, unpack(f">{len(FLOATS)}f", octets), strict=True))


def test_float_addresses() -> None:
    """Two registers each, without a gap from 0 on."""
    assert [(row.address, row.name) for row in FLOAT.rows] == [(2 * n, name) for n, name in enumerate(FLOATS)]


def test_float_unknown(seen: Seen) -> None:
    """What is not known is NaN, the quiet one that every reader knows."""
    assert words(FLOAT, seen(), 0, 88) == " ".join(["7fc0 0000"] * 44)


def test_float_values(seen: Seen) -> None:
    """Values are in W, A, V and kWh."""
    known = floats(
        seen(
            values={Q.ACT_POW_NEG: 1_500, Q.CURR_L1: 5_125, Q.VOLT_L1: 239_500, Q.ACT_ENERGY_POS: 12_345_500},
            estimates={Q.ACT_ENERGY_POS: 12_346_250},
        )
    )
    assert {name: value for name, value in known.items() if value == value} == {
        "net_pow": -1500.0,
        "act_pow_neg": 1500.0,
        "curr_l1": 5.125,
        "volt_l1": 239.5,
        "act_energy_pos": 12345.5,
        "act_energy_pos_est": 12346.25,
    }


def test_float_octets(seen: Seen) -> None:
    """239.5 V is 0x436F8000, high word first."""
    assert words(FLOAT, seen(values={Q.VOLT_L1: 239_500}), 16, 2) == "436f 8000"


# -- types ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (UINT16.octets(None), "ffff"),
        (INT16.octets(None), "8000"),
        (INT16.octets(40_000), "7fff"),
        (UINT64.octets(2**65), "ffffffffffffffff"),
        (FLOAT32.octets(10**60), "7f7fffff"),
        (FLOAT32.octets(-(10**60)), "ff7fffff"),
        (text(2).octets("Blåbær"), "426c3f62"),
        (text(2).octets(None), "00000000"),
    ],
)
def test_type(octets: bytes, expected: str) -> None:
    """Markers, ends and what ASCII does not have."""
    assert octets.hex() == expected


def test_overlapping_rows_are_no_map() -> None:
    """A slip in a table is found when it is loaded."""
    one = Register(0, UINT64, "one", "", "", lambda _: 0)
    two = Register(3, UINT16, "two", "", "", lambda _: 0)
    with pytest.raises(AssertionError, match="two overlaps one"):
        Map(name="bad", title="", rows=(one, two))


# -- any view ---------------------------------------------------------------------------------------

INTEGERS = st.integers(-(2**64) * 10**6, 2**64 * 10**6)
VALUES = st.dictionaries(st.sampled_from(Quantity), INTEGERS)
OF_ENERGIES = st.dictionaries(st.sampled_from(ENERGIES), INTEGERS)
AGES = st.integers(0, 2**63)
TEXT = st.none() | st.text(max_size=40)
VIEWS = st.builds(
    View,
    vendor=st.text(max_size=40),
    identity=st.builds(Identity, TEXT, TEXT, TEXT),
    net=st.none() | st.sampled_from(Net),
    values=VALUES,
    estimates=OF_ENERGIES,
    hour=OF_ENERGIES,
    clock=st.none() | st.datetimes(),
    clock_plausible=st.booleans(),
    age_ms=st.none() | AGES,
    list_age_ms=st.dictionaries(st.sampled_from(ListType), AGES),
    last_unix_ms=st.none() | AGES,
    energies_unix_ms=st.none() | AGES,
    received=AGES,
    line=st.builds(
        LineStatus,
        open=st.booleans(),
        checksum_errors=AGES,
        discarded=AGES,
        last_fault=st.sampled_from(Fault),
    ),
    scale=st.integers(10, 999_999_999),
    uptime_s=AGES,
    budget=st.none() | st.builds(replace, st.just(BUDGET), forecast=INTEGERS, left=st.none() | INTEGERS),
    capacity=st.none() | st.builds(replace, st.just(CAPACITY), mean=st.none() | AGES, price=AGES),
    costs=st.none()
    | st.builds(
        Costs,
        area=st.just("NO1"),
        today=st.builds(Cost, power=INTEGERS),
        month=st.builds(Cost, grid=INTEGERS, missing=st.integers(0, 1)),
        price=st.none() | st.builds(Price, INTEGERS, st.booleans()),
    ),
)
ANY_MAP = [
    *(load(ModbusMaps()) for load in MAPS.values()),
    MAPS["sunspec"](ModbusMaps(sunspec_models="203+213", sunspec_fill=True)),
]


@given(view=VIEWS)
def test_any_view(view: View) -> None:
    """Whatever there is to show, every map has all its registers."""
    for map in ANY_MAP:
        image = map.image(view)
        for addresses in map.blocks:
            octets = image.read(addresses.start, len(addresses))
            assert octets is not None
            assert len(octets) == 2 * len(addresses)


# -- unit ids ---------------------------------------------------------------------------------------


class House:
    """A gateway whose clock is moved by hand, and its units."""

    def __init__(self, *meters: Meter) -> None:
        self.instant = ZERO
        self.gateway = Gateway(Settings(meters=meters), clock=self._now)
        self.banks = Banks(self.gateway, writable=True)

    def _now(self) -> Instant:
        return self.instant

    def show(self, meter: str, watts: int) -> None:
        """A telegram with an import has just come."""
        values = {Q.ACT_POW_POS: watts}
        self.gateway.snapshot(meter).set(Snapshot(values=values, last=self.instant, vendor="kaifa"))

    def ask(self, unit: int, request: str) -> str:
        """The response PDU of a unit."""
        return self.banks.respond(unit, bytes.fromhex(request), "test").hex(" ", 2)


EVERY_MAP = Meter(
    name="a", unit_id=1, swapped_unit_id=2, float_unit_id=3, sunspec_unit_id=4, em24_unit_id=247
)
READ_POWER = [(1, 0), (2, 0), (3, 0), (4, 40088), (247, 0x28), (0, 0), (255, 0)]


def test_each_map_on_its_own_unit() -> None:
    """One meter in five shapes at the same time, and the first as 0 and 255 (M17)."""
    house = House(EVERY_MAP)
    house.show("a", 70_000)
    answers = [house.ask(unit, f"03 {address:04x} 0002")[5:] for unit, address in READ_POWER]
    assert answers == [
        "0001 1170",  # 70000
        "1170 0001",
        "4788 b800",  # 70000.0
        "1b58 8000",  # 7000 with the scale factor 1; phase A is not told
        "ae60 000a",  # 700000
        "0001 1170",
        "0001 1170",
    ]


def test_maps_are_off_by_default() -> None:
    """Where no unit id is set there is no map: exception 0B."""
    house = House(Meter(name="a", unit_id=1))
    assert [house.ask(unit, "03 0000 0001") for unit in (2, 3, 4, 247)] == ["830b"] * 4


def test_several_meters() -> None:
    """Each meter has its own unit ids for each map."""
    house = House(
        Meter(name="a", unit_id=1, swapped_unit_id=11), Meter(name="b", unit_id=2, swapped_unit_id=12)
    )
    house.show("a", 5)
    house.show("b", 6)
    assert [house.ask(unit, "03 0000 0002")[5:] for unit in (1, 2, 11, 12, 0)] == [
        "0000 0005",
        "0000 0006",
        "0005 0000",
        "0006 0000",
        "0000 0005",
    ]


@pytest.mark.parametrize("address", ["002c", "0030"])
def test_scale_is_written_through_the_swapped_map(address: str) -> None:
    """The factor is written low word first, whole and by halves, and is the same in all maps."""
    house = House(EVERY_MAP)
    assert house.ask(2, f"10 {address} 0002 04 86a0 0001") == f"10 {address} 0002"
    assert house.gateway.settings.value.meters[0].scale == 100_000
    assert house.ask(1, f"03 {address} 0002") == "0304 0001 86a0"
    house.ask(2, f"06 {address} 0001")
    assert house.gateway.settings.value.meters[0].scale == 65_537
    assert house.ask(2, f"03 {address} 0002") == "0304 0001 0001"


@pytest.mark.parametrize(
    ("unit", "address", "code"), [(2, 0, "8602"), (3, 0, "8602"), (4, 40000, "8602"), (247, 0xA000, "8602")]
)
def test_nothing_else_is_written(unit: int, address: int, code: str) -> None:
    """Readings, SunSpec and the EM24's settings take no writes: exception 02."""
    house = House(EVERY_MAP)
    house.show("a", 1)
    assert house.ask(unit, f"06 {address:04x} 0001") == code


@pytest.mark.parametrize(("address", "count"), [(50, 2), (51, 1), (99, 2), (250, 1)])
def test_gap_is_exception_02(address: int, count: int) -> None:
    """Between the manual's registers and the extension there is nothing (M15)."""
    house = House(EVERY_MAP)
    for unit in (1, 2):
        assert house.ask(unit, f"03 {address:04x} {count:04x}") == "8302"


def test_a_map_is_turned_on_while_serving() -> None:
    """A unit id that is set answers at once, one that is taken away no more."""
    house = House(Meter(name="a", unit_id=1))
    house.gateway.amend({"meters.0.float_unit_id": 9})
    assert house.ask(9, "03 0000 0002") == "0304 7fc0 0000"
    house.gateway.amend({"meters.0.float_unit_id": 0})
    assert house.ask(9, "03 0000 0002") == "830b"
    assert house.banks.knows(1)
    assert not house.banks.knows(9)
