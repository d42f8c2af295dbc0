"""Lists that the owner has taught, as tables like those that come with the program."""

from collections.abc import Iterable
from fractions import Fraction

from ..model.quantity import Quantity
from ..settings.lists import TaughtList
from ..wire.obis import cde
from .layouts import Positions
from .obis_quantities import QUANTITIES, UNITS
from .vendor import Factor, Vendor


def vendors(lists: Iterable[TaughtList]) -> tuple[Vendor, ...]:
    """A vendor for each list that is complete."""
    return tuple(map(_vendor, (one for one in lists if one.complete)))


def _vendor(taught: TaughtList) -> Vendor:
    positions = Positions({taught.pattern: taught.codes})
    factors: dict[Quantity, Factor] = {}
    for code, factor in zip(taught.codes.split(), taught.factors.split(), strict=True):
        quantity = QUANTITIES.get(cde(code)) if code != "-" else None
        if quantity and factor != "-" and float(factor):
            factors.setdefault(quantity, _factor(quantity, factor))
    return Vendor(
        name=taught.name,
        recognise=lambda body: positions.match(body) is not None,
        items=positions.items,
        factors=lambda *_: factors,
    )


def _factor(quantity: Quantity, factor: str) -> Factor:
    """From a raw value to the quantity's own unit."""
    multiplier, divisor = (Fraction(factor) * 10 ** UNITS[quantity.unit.symbol][1]).as_integer_ratio()
    return multiplier if divisor == 1 else lambda raw: raw * multiplier // divisor
