"""What is made of a meter's values for outputs that want more: figures worked out by hand."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.model import derived
from han2x.model.derived import Origin, Three
from han2x.model.instant import Instant
from han2x.model.quantity import PHASE_QUANTITIES, Quantity
from han2x.model.reading import Fitting, ListType, Net, Reading
from han2x.model.state import EMPTY, fold
from han2x.model.view import View, view

Q = Quantity
NOW = Instant(1_750_000_000_000, 5_000)
MAINS = {Q.VOLT_L1: 230_000, Q.VOLT_L2: 230_000, Q.VOLT_L3: 230_000}
M, D, B, U = Origin.MEASURED, Origin.DERIVED, Origin.BOUNDED, Origin.UNAVAILABLE


def seen(values: Mapping[Quantity, int], net: Net | None = Net.TN, age_ms: int = 0) -> View:
    """A meter that has sent these values, so long ago."""
    reading = Reading(vendor="x", list_type=ListType.OTHER, values=values, fitting=Fitting(net))
    now = NOW.plus_ms(age_ms)
    return view(fold(EMPTY, reading, NOW), scale=1000, now=now, uptime_s=0)


def pairs(three: Three) -> list[tuple[int | None, Origin]]:
    """Values and where they come from."""
    return [(value, origin) for value, origin, _ in three]


def amperes(*milliamperes: int) -> dict[Quantity, int]:
    """Currents of L1, L2, L3."""
    return dict(zip((Q.CURR_L1, Q.CURR_L2, Q.CURR_L3), milliamperes, strict=True))


def test_the_meters_own_sign() -> None:
    """A house that exports 420 W in all while L1 imports 1000 W: each phase is what the meter says."""
    found = seen(
        {
            Q.ACT_POW_POS: 0, Q.ACT_POW_NEG: 420, **MAINS, **amperes(4_400, 3_100, 3_100),
            Q.ACT_POW_POS_L1: 1000, Q.ACT_POW_NEG_L1: 0, Q.ACT_POW_POS_L2: 0, Q.ACT_POW_NEG_L2: 710,
            Q.ACT_POW_POS_L3: 0, Q.ACT_POW_NEG_L3: 710,
        }
    )  # fmt: skip
    assert pairs(derived.phase_powers(found)) == [(1000, M), (-710, M), (-710, M)]
    assert derived.filled_phase_tenths(found) == (10_000, -7_100, -7_100)


@pytest.mark.parametrize(
    ("values", "net", "expected"),
    [
        ({Q.ACT_POW_POS: 1200, **MAINS, **amperes(12_400, 8_100, 300)}, Net.TN,
         [(716, D), (467, D), (17, D)]),
        ({Q.ACT_POW_NEG: 1000, **MAINS, **amperes(1000, 1000, 2000)}, Net.TN,
         [(-250, D), (-250, D), (-500, D)]),
        ({Q.ACT_POW_POS: 900, **amperes(1000, 1000, 1000)}, Net.TN, [(None, U)] * 3),
        ({Q.ACT_POW_POS: 900, **MAINS}, Net.TN, [(None, U)] * 3),
        ({Q.ACT_POW_POS: 9, **MAINS, **amperes(10, 10, 10)}, Net.TN, [(None, U)] * 3),
        ({Q.ACT_POW_POS: 900}, Net.ONE_PHASE, [(900, D), (None, U), (None, U)]),
        ({Q.ACT_POW_POS: 900, Q.VOLT_L1: 230_000, Q.CURR_L1: 4000}, None, [(900, D), (None, U), (None, U)]),
        ({Q.ACT_POW_POS: 900, Q.ACT_POW_POS_L1: 1000, Q.ACT_POW_NEG_L3: 300}, Net.TN,
         [(1000, M), (200, D), (-300, M)]),
        ({}, Net.TN, [(None, U)] * 3),
    ],
)  # fmt: skip
def test_phase_powers(
    values: dict[Quantity, int], net: Net | None, expected: list[tuple[int | None, Origin]]
) -> None:
    """Shared by voltage times current, or the rest of what is sent, or not told: never a third."""
    assert pairs(derived.phase_powers(seen(values, net))) == expected


@given(
    total=st.integers(-50_000, 50_000),
    currents=st.tuples(*[st.integers(-70_000, 70_000) | st.none()] * 3),
    sent=st.tuples(*[st.integers(-20_000, 20_000) | st.none()] * 3),
)
def test_what_is_filled_sums_up(
    total: int, currents: tuple[int | None, ...], sent: tuple[int | None, ...]
) -> None:
    """Unless the meter sends every phase, the phases make the total; what it sends stays as sent."""
    values = {Q.ACT_POW_POS: max(total, 0), Q.ACT_POW_NEG: max(-total, 0), **MAINS}
    names = (Q.CURR_L1, Q.CURR_L2, Q.CURR_L3)
    values |= {name: value for name, value in zip(names, currents, strict=True) if value is not None}
    for phase, power in enumerate(sent):
        if power is not None:
            values[PHASE_QUANTITIES[Q.ACT_POW_POS][phase]] = max(power, 0)
            values[PHASE_QUANTITIES[Q.ACT_POW_NEG][phase]] = max(-power, 0)
    found = seen(values)
    filled = derived.filled_phase_tenths(found)
    assert filled is not None
    assert all(power is None or tenths == 10 * power for power, tenths in zip(sent, filled, strict=True))
    powers = [value for value, _, _ in derived.phase_powers(found) if value is not None]
    if None in sent:
        assert sum(filled) == 10 * total
        assert len(powers) < 3 or sum(powers) == total


def test_old_phases_beside_a_new_total() -> None:
    """After 30 s a phase's power is no longer told."""
    values = {Q.ACT_POW_POS: 100, Q.ACT_POW_POS_L1: 40, Q.ACT_POW_POS_L2: 30, Q.ACT_POW_POS_L3: 30}
    assert pairs(derived.phase_powers(seen(values, age_ms=30_000)))[0] == (40, M)
    assert pairs(derived.phase_powers(seen(values, age_ms=30_001))) == [(None, U)] * 3


def test_an_it_net() -> None:
    """L2 is bounded by the sum of the other two, its voltages are between phases, and none is to neutral."""
    found = seen({Q.CURR_L1: 18_200, Q.CURR_L3: 14_600, **MAINS}, Net.IT)
    assert pairs(derived.currents(found)) == [(18_200, M), (32_800, B), (14_600, M)]
    assert pairs(derived.phase_voltages(found)) == [(None, U)] * 3
    assert pairs(derived.line_voltages(found)) == [(230_000, M)] * 3


def test_voltages_between_phases() -> None:
    """sqrt(230.8² + 230.3² + 230.8 x 230.3) = 399.32 V."""
    found = seen({Q.VOLT_L1: 230_800, Q.VOLT_L2: 230_300, Q.VOLT_L3: 229_400})
    assert [(round((value or 0) / 100), origin) for value, origin, _ in derived.line_voltages(found)] == [
        (3993, D), (3981, D), (3985, D),
    ]  # fmt: skip


def test_power_factors() -> None:
    """As sent; else |P| over U x I, 1 where nothing flows, and nothing for a phase that only has a share."""
    assert derived.power_factor(seen({Q.ACT_POW_POS: 1, Q.POWER_FACTOR: 970}))[:2] == (970, M)
    found = seen({Q.ACT_POW_POS: 1800, Q.ACT_POW_POS_L1: 414, **MAINS, **amperes(2000, 4000, 4000)})
    assert derived.power_factor(found)[:2] == (783, D)
    assert pairs(derived.power_factors(found)) == [(900, D), (None, U), (None, U)]
    assert derived.power_factor(seen({Q.ACT_POW_POS: 0, **MAINS, **amperes(0, 0, 0)}))[:2] == (1000, D)


def test_a_total_of_the_phases() -> None:
    """Where only the phases are sent, they make the total; two of three do not."""
    phases = {Q.ACT_POW_POS_L1: 500, Q.ACT_POW_NEG_L2: 200, Q.ACT_POW_POS_L3: 100}
    assert derived.total_power(seen(phases))[:2] == (400, D)
    del phases[Q.ACT_POW_POS_L3]
    assert derived.total_power(seen(phases)) == derived.UNAVAILABLE


def test_energies_of_the_phases_are_as_sent() -> None:
    """Never a third of the total."""
    found = seen({Q.ACT_ENERGY_POS: 3_000_000, Q.ACT_ENERGY_POS_L2: 1_234_000})
    assert pairs(derived.phase_energies(found, Q.ACT_ENERGY_POS)) == [(None, U), (1_234_000, M), (None, U)]


def test_an_import_ends_an_export_of_the_same_phase() -> None:
    """A list that carries the import of a phase alone ends the export known from before."""
    first = Reading(vendor="x", list_type=ListType.OTHER, values={Q.ACT_POW_POS: 1, Q.ACT_POW_NEG_L2: 300})
    then = Reading(vendor="x", list_type=ListType.OTHER, values={Q.ACT_POW_POS: 1, Q.ACT_POW_POS_L2: 200})
    after = fold(fold(EMPTY, first, NOW), then, NOW)
    assert after.values[Q.ACT_POW_NEG_L2] == 0
