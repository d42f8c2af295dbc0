"""What a meter does not say and outputs want: one rule for each value, and where the value comes from. Pure.

Every register map and every look-alike reads this module; none fills anything in itself. A value that the
meter sends is always that value, with its own sign. What is derived sums up to what was measured.

- Power of a phase: import less export as sent. Where only some phases are sent, one that is missing is the
  rest of the total. Where none is, the total is shared in proportion to voltage times current: all phases
  then have the sign of the total, which is true of a display, not of a fuse.
- Current of L2 on an IT net that does not measure it: at most the sum of the other two (Kirchhoff), and that
  bound is served, because too much is the safe error for a charger.
- Voltage between phases on a TN net: sqrt(Ua² + Ub² + Ua·Ub), as for phases 120° apart.
- Energies of a phase, frequency, reactive power of a phase: as sent, else unavailable.
"""

from collections.abc import Sequence
from enum import StrEnum
from math import isqrt
from typing import NamedTuple

from .quantity import CURRENTS, PHASE_QUANTITIES, VOLTAGES, Quantity
from .reading import Net
from .view import FRESH_MS, View

SHARED_MIN_VA = 10
"""Less apparent power than this does not tell how the total is shared."""

UNITY_MAX_VA = 5
"""Below this the power factor is 1: the quotient of two roundings says nothing."""

MICRO = 1_000_000
FULL = 1000
Q = Quantity


class Origin(StrEnum):
    """Where a value comes from."""

    MEASURED = "measured"
    DERIVED = "derived"
    BOUNDED = "bounded"
    UNAVAILABLE = "unavailable"


class Value(NamedTuple):
    """An integer in its quantity's unit, where it comes from, and how old that is; None where unavailable.

    `age_ms` is also None where the list that brought it came before the start of the process.
    """

    value: int | None
    origin: Origin
    age_ms: int | None = None


UNAVAILABLE = Value(None, Origin.UNAVAILABLE)
Three = tuple[Value, Value, Value]


def measured(view: View, quantity: Quantity) -> Value:
    """A quantity as the meter sends it; unavailable where it never did."""
    value = view.values.get(quantity)
    return UNAVAILABLE if value is None else Value(value, Origin.MEASURED, view.age_of(quantity))


def total_power(view: View) -> Value:
    """Net active power, W: as sent, else the sum of the phases where all are sent."""
    if view.net_power is not None:
        return Value(view.net_power, Origin.MEASURED, view.age_of(Q.ACT_POW_POS))
    phases = _sent_powers(view, Q.ACT_POW_POS, Q.ACT_POW_NEG)
    known = [phase.value for phase in phases if phase.value is not None]
    if len(known) < len(phases):
        return UNAVAILABLE
    return Value(sum(known), Origin.DERIVED, phases[0].age_ms)


def phase_powers(view: View) -> Three:
    """Net active power of each phase, W, import positive."""
    sent = _sent_powers(view, Q.ACT_POW_POS, Q.ACT_POW_NEG)
    missing = [index for index, phase in enumerate(sent) if phase.value is None]
    total = view.net_power
    if not missing or total is None:
        return sent
    rest = total - sum(phase.value or 0 for phase in sent)
    shares = _shares(view, rest, missing)
    age_ms = view.age_of(Q.CURR_L1)
    found = list(sent)
    for index, share in zip(missing, shares, strict=False):
        found[index] = Value(share, Origin.DERIVED, age_ms)
    return found[0], found[1], found[2]


def filled_phase_tenths(view: View) -> tuple[int, int, int] | None:
    """For outputs that must say something of each phase: 0.1 W, always summing up to the total.

    As `phase_powers` where the meter sends all phases; else the total is shared as far as currents tell, and
    L1 has what they do not. None while the total is unknown.
    """
    total = total_power(view).value
    if total is None:
        return None
    sent = _sent_powers(view, Q.ACT_POW_POS, Q.ACT_POW_NEG)
    tenths = [None if phase.value is None else 10 * phase.value for phase in sent]
    missing = [index for index, value in enumerate(tenths) if value is None]
    if missing:
        rest = 10 * total - sum(value or 0 for value in tenths)
        weights = [_weight(view, index) for index in missing]
        for index, share in zip(missing, _shared(rest, weights), strict=True):
            tenths[index] = share
    return tenths[0] or 0, tenths[1] or 0, tenths[2] or 0


def phase_reactive_powers(view: View) -> Three:
    """Net reactive power of each phase, var."""
    return _sent_powers(view, Q.REACT_POW_POS, Q.REACT_POW_NEG)


def currents(view: View) -> Three:
    """Current of each phase, mA, without a sign unless the meter sends one."""
    first, second, third = (measured(view, quantity) for quantity in CURRENTS)
    if view.net is Net.IT and second.value is None and first.value is not None and third.value is not None:
        second = Value(abs(first.value) + abs(third.value), Origin.BOUNDED, first.age_ms)
    return first, second, third


def phase_voltages(view: View) -> Three:
    """Voltage of each phase to neutral, mV; an IT net has none."""
    if view.net is Net.IT:
        return UNAVAILABLE, UNAVAILABLE, UNAVAILABLE
    first, second, third = (measured(view, quantity) for quantity in VOLTAGES)
    return first, second, third


def line_voltages(view: View) -> Three:
    """Voltages L1-L2, L2-L3 and L3-L1, mV; an IT meter measures them as its L1, L3 and L2 (AID16, KFM18)."""
    if view.net is Net.IT:
        return measured(view, Q.VOLT_L1), measured(view, Q.VOLT_L3), measured(view, Q.VOLT_L2)
    first, second, third = phase_voltages(view)
    return _between(first, second), _between(second, third), _between(third, first)


def apparent_powers(view: View) -> Three:
    """Voltage times current of each phase, VA; an IT net has none by phase."""
    first, second, third = (
        UNAVAILABLE
        if voltage.value is None or current.value is None
        else Value(abs(voltage.value * current.value) // MICRO, Origin.DERIVED, current.age_ms)
        for voltage, current in zip(phase_voltages(view), currents(view), strict=True)
    )
    return first, second, third


def power_factors(view: View) -> Three:
    """Power factor of each phase, thousandths; derived ones are |P| / S of phases whose power is measured."""
    sent = [measured(view, quantity) for quantity in PHASE_QUANTITIES[Q.POWER_FACTOR]]
    powers, apparent = phase_powers(view), apparent_powers(view)
    first, second, third = (
        factor if factor.value is not None else _factor(power, va)
        for factor, power, va in zip(sent, powers, apparent, strict=True)
    )
    return first, second, third


def power_factor(view: View) -> Value:
    """Power factor of all phases, thousandths: as sent, else |P| over the sum of the phases' U x I."""
    sent = measured(view, Q.POWER_FACTOR)
    if sent.value is not None:
        return sent
    power = total_power(view)
    total = [va.value for va in apparent_powers(view) if va.value is not None]
    if power.value is None or not total:
        return UNAVAILABLE
    return _quotient(power.value, sum(total), power.age_ms)


def phase_energies(view: View, total: Quantity) -> Three:
    """The register of each phase, Wh; never a share of the total, which would disagree with it later."""
    first, second, third = (measured(view, quantity) for quantity in PHASE_QUANTITIES[total])
    return first, second, third


def _sent_powers(view: View, imported: Quantity, exported: Quantity) -> Three:
    """Import less export of each phase, as sent lately."""
    pairs = zip(PHASE_QUANTITIES[imported], PHASE_QUANTITIES[exported], strict=True)
    first, second, third = (_less(view, positive, negative) for positive, negative in pairs)
    return first, second, third


def _less(view: View, positive: Quantity, negative: Quantity) -> Value:
    values = view.values
    if positive not in values and negative not in values:
        return UNAVAILABLE
    age_ms = view.age_of(positive if positive in values else negative)
    if age_ms is not None and age_ms > FRESH_MS:
        return UNAVAILABLE
    return Value(values.get(positive, 0) - values.get(negative, 0), Origin.MEASURED, age_ms)


def _shares(view: View, rest: int, missing: Sequence[int]) -> list[int]:
    """The rest of the total, W, for the phases that are missing; nothing where that cannot be told."""
    if len(missing) == 1:
        return [rest]
    if _has_one_phase(view):
        return [rest] if missing[0] == 0 else []
    amperes, voltages = currents(view), [view.values.get(quantity) for quantity in VOLTAGES]
    if any(amperes[index].value is None or voltages[index] is None for index in missing):
        return []
    weights = [_weight(view, index) for index in missing]
    return _shared(rest, weights) if sum(weights) > SHARED_MIN_VA * MICRO else []


def _has_one_phase(view: View) -> bool:
    """Whether all power is that of L1: by the meter's type, or because nothing is known of the others."""
    others = (*VOLTAGES[1:], *CURRENTS[1:])
    return view.net is Net.ONE_PHASE or (
        view.net is None and Q.VOLT_L1 in view.values and view.values.keys().isdisjoint(others)
    )


def _weight(view: View, index: int) -> int:
    """What share of the total a phase has, in proportion to its apparent power."""
    current = currents(view)[index].value or 0
    return abs(current) * (view.value(VOLTAGES[index]) or 1)


def _shared(total: int, weights: Sequence[int]) -> list[int]:
    """The total in proportion to the weights; the first has what roundings leave."""
    shares = [total * weight // (sum(weights) or 1) for weight in weights]
    return [total - sum(shares[1:]), *shares[1:]]


def _between(one: Value, other: Value) -> Value:
    if one.value is None or other.value is None:
        return UNAVAILABLE
    square = one.value**2 + other.value**2 + one.value * other.value
    return Value(isqrt(square), Origin.DERIVED, one.age_ms)


def _factor(power: Value, apparent: Value) -> Value:
    if power.origin is not Origin.MEASURED or power.value is None or apparent.value is None:
        return UNAVAILABLE
    return _quotient(power.value, apparent.value, power.age_ms)


def _quotient(power: int, apparent: int, age_ms: int | None) -> Value:
    if apparent < UNITY_MAX_VA:
        return Value(FULL, Origin.DERIVED, age_ms)
    return Value(min(FULL, (FULL * abs(power) + apparent // 2) // apparent), Origin.DERIVED, age_ms)
