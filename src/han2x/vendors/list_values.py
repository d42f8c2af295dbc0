"""The numbers of a list in their quantities' units: by their own scaler and unit, or by a vendor's table."""

from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from functools import lru_cache
from struct import Struct

from ..model.quantity import Quantity
from ..model.reading import Parts
from ..wire.axdr import Data, Structure
from . import sums
from .known_lists import Number, Part
from .obis_quantities import QUANTITIES, UNITS, own
from .sums import TWICE, add_up, quotient
from .vendor import Factor, Mismatch, Vendor

NUMBER_MAX = 2.0**63
SCALER_MAX = 9  # powers of ten; meters send -3 to 1


def add_parts(
    vendor: Vendor, values: dict[Quantity, sums.Number], sent: list[Part], refused: dict[bytes, str]
) -> Parts:
    """Add to `values` what is sent in parts alone; what sums are made of."""
    parts: dict[sums.Part, sums.Number] = {}
    spoilt: set[object] = {QUANTITIES.get(own(code)) for code in refused}
    factors = vendor.factors(None, {})
    for part, code, raw, scaler_unit in sent:
        if raw is None:
            continue
        try:
            factor = vendor.own_factors.get(part) or factors.get(part.quantity)
            number = _number(vendor, part.quantity, raw, scaler_unit, factor)
        except Mismatch as mismatch:
            if part.quantity not in values:
                refused[code] = str(mismatch)
            spoilt.add(part)
            continue
        if parts.setdefault(part, number) != number:
            refused[code] = f"{part.quantity} in tariff {part.number} is {TWICE}"
            spoilt.add(part)
    return add_up(values, parts, {}, frozenset(spoilt))


def details_of(vendor: Vendor, sent: list[Number]) -> dict[Quantity, sums.Number]:
    """The numbers that are sent besides, in their units; what is no number in that unit is left out."""
    values: dict[Quantity, sums.Number] = {}
    for detail, _, raw, scaler_unit in sent:
        with suppress(Mismatch):
            factor = vendor.own_factors.get(detail) or vendor.detail_factors.get(detail.unit)
            values[detail] = _number(vendor, detail, raw, scaler_unit, factor)
    return values


def values_of(
    vendor: Vendor, meter_type: str | None, numbers: list[Number]
) -> tuple[dict[Quantity, sums.Number], dict[bytes, str]]:
    """The numbers in their quantities' units, and by code why some are refused.

    A null is a value that is not sent. A quantity that is sent twice with different values has none;
    channel 0 goes before channel 1.
    """
    factors: Mapping[Quantity, Factor] | None = None
    values: dict[Quantity, sums.Number] = {}
    refused: dict[bytes, str] = {}
    for quantity, code, raw, scaler_unit in numbers:
        if raw is None:
            continue
        try:
            value: sums.Number
            if scaler_unit is not None and type(raw) is int:
                multiplier, divisor = _by_scaler(quantity, scaler_unit)
                value = quotient(raw * multiplier, divisor) if divisor > 1 else raw * multiplier
            else:
                if factors is None:
                    raws = {each: sent for each, _, sent, _ in numbers if type(sent) is int}
                    factors = vendor.factors(meter_type, raws)
                factor = factors.get(quantity)
                if scaler_unit is None and type(raw) is int and type(factor) is int:  # by far the most
                    value = raw * factor
                else:
                    value = _number(vendor, quantity, raw, scaler_unit, factor)
        except Mismatch as mismatch:
            refused[code] = str(mismatch)
            continue
        if values.setdefault(quantity, value) != value:
            channel = _first_channel(quantity, numbers)
            values[quantity] = value if code[1] < channel else values[quantity]
            refused.update({code: f"{quantity} is {TWICE}"} if code[1] == channel else {})
    for code in refused:
        values.pop(QUANTITIES[own(code)], None)
    return values, refused


def _first_channel(quantity: Quantity, numbers: list[Number]) -> int:
    """The channel of the first value that is sent for a quantity."""
    return next(code[1] for each, code, sent, _ in numbers if each is quantity and sent is not None)


def _number(
    vendor: Vendor, quantity: Quantity, raw: Data, scaler_unit: Data, factor: Factor | None
) -> sums.Number:
    """A raw value in its quantity's unit, by its own scaler_unit, else by the vendor's factor."""
    sent = raw if type(raw) is int else _fraction(vendor, quantity, raw)
    if scaler_unit is not None:
        multiplier, divisor = _by_scaler(quantity, scaler_unit)
        return quotient(sent.numerator * multiplier, sent.denominator * divisor)
    if factor is None:
        raise Mismatch(f"{quantity} comes without scaler and unit, and no table has them")
    if type(raw) is not int:
        raise Mismatch(f"{quantity} is no integer")
    return raw * factor if isinstance(factor, int) else factor(raw)


def _fraction(vendor: Vendor, quantity: Quantity, raw: Data) -> Fraction:
    """A number that is no integer, which only lists that say what it is may have: in its fewest digits."""
    if not vendor.describes_itself or not isinstance(raw, float) or not abs(raw) < NUMBER_MAX:
        raise Mismatch(f"{quantity} is no {'number' if vendor.describes_itself else 'integer'}")
    sent = _SINGLE.pack(raw)
    if _SINGLE.unpack(sent)[0] != raw:
        return Fraction(repr(raw))
    texts = (f"{raw:.{digits}g}" for digits in _SINGLE_DIGITS)
    return Fraction(next(text for text in texts if _SINGLE.pack(float(text)) == sent))


_SINGLE = Struct(">f")
_SINGLE_DIGITS = (6, 7, 8, 9)
"""The digits that tell a floating-point number of 32 bits from all others."""


@lru_cache(maxsize=64)
def _by_scaler(quantity: Quantity, scaler_unit: Data) -> tuple[int, int]:
    """Multiplier and divisor from a register's own scaler and unit to the quantity's unit."""
    scaler: Data = None
    unit: Data = None
    if isinstance(scaler_unit, Structure) and len(scaler_unit) == 2:
        scaler, unit = scaler_unit
    code, exponent = UNITS[quantity.unit.symbol]
    if type(scaler) is not int or unit != code:
        raise Mismatch(f"{quantity} is in unit {unit!r}, not {code}")
    if abs(scaler) > SCALER_MAX:
        raise Mismatch(f"{quantity} has scaler {scaler}")
    exponent += scaler
    return (10**exponent, 1) if exponent >= 0 else (1, 10**-exponent)
