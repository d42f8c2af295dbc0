"""Quantities that are sent in parts: energies by tariff, power by phase. A sum is complete or it is not made.

Pure. A part that is missing from one telegram only is told by what came before: see `model/partial.py`.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import NamedTuple

from ..model.partial import TARIFF_MAX, TOTAL
from ..model.quantity import ENERGIES, PHASE_QUANTITIES, Quantity
from ..model.reading import Parts
from ..wire.obis import cde
from .obis_quantities import DETAILS

Number = int | Fraction
"""A value in its quantity's integer unit, as exact as it was sent."""


TWICE = "sent twice with different values"


class Part(NamedTuple):
    """What is sent in place of a whole quantity: its energy in a tariff (1 to 63), or net power (0)."""

    quantity: Quantity
    number: int


NET = 0
NET_POWER = Part(Quantity.ACT_POW_POS, NET)
EXPORTS: dict[Quantity, Quantity] = {
    Quantity.ACT_POW_POS: Quantity.ACT_POW_NEG,
    **dict(zip(PHASE_QUANTITIES[Quantity.ACT_POW_POS], PHASE_QUANTITIES[Quantity.ACT_POW_NEG], strict=True)),
}
"""The power that a negative net power is."""

PARTS: dict[bytes, Part] = {
    cde("16.7.0"): NET_POWER,
    **{
        cde(f"{16 + 20 * phase}.7.0"): Part(power, NET)
        for phase, power in enumerate(PHASE_QUANTITIES[Quantity.ACT_POW_POS], 1)
    },
    **{
        cde(f"{c}.8.{tariff}"): Part(energy, tariff)
        for c, energy in enumerate(ENERGIES, 1)
        for tariff in range(1, TARIFF_MAX + 1)
    },
}
"""By C.D.E."""

_PHASES = (1, 2, 3)
_IMPORT = {phase: DETAILS[cde(f"{20 * phase + 1}.7.0")] for phase in _PHASES}
_EXPORT = {phase: DETAILS[cde(f"{20 * phase + 2}.7.0")] for phase in _PHASES}
_SEEN = {
    1: (Quantity.VOLT_L1, Quantity.CURR_L1),
    2: (Quantity.VOLT_L2, Quantity.CURR_L2),
    3: (Quantity.VOLT_L3, Quantity.CURR_L3),
}
"""What else shows that a phase is there."""


def add_up(
    values: dict[Quantity, Number],
    parts: Mapping[Part, Number],
    details: Mapping[Quantity, Number],
    refused: frozenset[object],
) -> Parts:
    """Add what is sent in parts alone to `values`; what each energy and sum is made of.

    `refused`: quantities and parts that were sent, but not so that they can be used; what they belong to is
    not made of the rest.
    """
    made: dict[Quantity, frozenset[int]] = {energy: TOTAL for energy in ENERGIES if energy in values}
    if not parts and values.get(Quantity.ACT_POW_POS, -1) >= 0:  # by far the most
        return made
    by_tariff: dict[Quantity, dict[int, Number]] = {}
    spoilt = {part.quantity for part in refused if isinstance(part, Part)} | refused
    for part, number in parts.items():
        if part.number == NET:
            _net(values, part.quantity, number, spoilt)
        else:
            by_tariff.setdefault(part.quantity, {})[part.number] = number
    for energy, tariffs in by_tariff.items():
        if energy not in values and energy not in spoilt:
            values[energy] = sum(tariffs.values())
            made[energy] = frozenset(tariffs)
    if NET_POWER not in parts and not spoilt & {Quantity.ACT_POW_POS, Quantity.ACT_POW_NEG}:
        made.update(_by_phase(values, details, refused))
    return made


def signed(numbers: dict[Quantity, Number], refused: Mapping[object, str]) -> None:
    """Of meters that send import with a sign, a negative one is export (EasyMeter)."""
    for power, export in EXPORTS.items():
        if numbers.get(power, 0) < 0 and export not in numbers and export not in refused:
            numbers[export], numbers[power] = -numbers[power], 0


def is_held_back(values: Mapping[Quantity, Number]) -> bool:
    """Whether a meter sends as little as before its PIN is entered: whole kWh and nothing else."""
    if not values.keys() <= _ENERGIES:
        return False
    return any(values.values()) and all(count % WHOLE_KWH == 0 for count in values.values())


_ENERGIES = set(ENERGIES)
WHOLE_KWH = 1000
HELD_BACK = "the meter sends whole kWh and no power: enter the meter's PIN to have it send all"


def _net(values: dict[Quantity, Number], power: Quantity, net: Number, refused: set[object]) -> None:
    """A meter that sends only the difference imports or exports it."""
    for sent, number in ((power, net), (EXPORTS[power], -net)):
        if sent not in refused:
            values.setdefault(sent, max(number, 0))


def _by_phase(
    values: dict[Quantity, Number], details: Mapping[Quantity, Number], refused: frozenset[object]
) -> Parts:
    """Power of all phases where a meter sends it by phase alone. It imports or exports, never both."""
    if Quantity.ACT_POW_POS in values or Quantity.ACT_POW_NEG in values:
        return {}
    phases = frozenset(phase for phase in _PHASES if _IMPORT[phase] in details)
    exporting = frozenset(phase for phase in _PHASES if _EXPORT[phase] in details)
    there = frozenset(
        phase for phase in _PHASES if any(seen in values or seen in refused for seen in _SEEN[phase])
    )
    if not phases or not there <= phases or (exporting and exporting != phases):
        return {}
    net = sum(details[_IMPORT[phase]] for phase in phases) - sum(
        details[_EXPORT[phase]] for phase in exporting
    )
    values[Quantity.ACT_POW_POS] = max(net, 0)
    if exporting:
        values[Quantity.ACT_POW_NEG] = max(-net, 0)
    return dict.fromkeys((Quantity.ACT_POW_POS, *([Quantity.ACT_POW_NEG] if exporting else [])), phases)


def rounded(number: Number) -> int:
    """To a whole unit, halves away from zero."""
    if isinstance(number, int):
        return number
    size = abs(number)
    whole = (2 * size.numerator + size.denominator) // (2 * size.denominator)
    return whole if number > 0 else -whole


def quotient(dividend: int, divisor: int) -> Number:
    """A quotient, exactly: an integer where it is one."""
    whole, rest = divmod(dividend, divisor)
    return Fraction(dividend, divisor) if rest else whole


def in_whole_units(
    numbers: dict[Quantity, Number], whole: Callable[[Number], int] = rounded
) -> tuple[dict[Quantity, int], tuple[tuple[Quantity, float], ...]]:
    """Numbers in their integer units, made so by `whole`, and those that say more, as they were sent."""
    if Fraction not in set(map(type, numbers.values())):  # by far the most
        return numbers, ()  # type: ignore[return-value]
    return {quantity: whole(number) for quantity, number in numbers.items()}, finer(numbers)


def finer(numbers: Mapping[Quantity, Number]) -> tuple[tuple[Quantity, float], ...]:
    """Those that say more than their integer unit, in the unit people read."""
    return tuple(
        (what, number.numerator / (number.denominator * what.unit.per_display))
        for what, number in numbers.items()
        if isinstance(number, Fraction) and number.denominator != 1
    )
