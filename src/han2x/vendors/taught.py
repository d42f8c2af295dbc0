"""Lists that the owner has taught, as tables like those that come with the program."""

from collections.abc import Iterable
from fractions import Fraction

from ..model.quantity import Quantity
from ..settings.lists import TaughtList
from ..wire.obis import cde
from .layouts import Positions
from .obis_quantities import DETAILS, QUANTITIES, UNITS
from .sums import PARTS, Part, quotient
from .vendor import Factor, Vendor

Measured = Quantity | Part


def vendors(lists: Iterable[TaughtList]) -> tuple[Vendor, ...]:
    """A vendor for each list that is complete."""
    return tuple(map(_vendor, (one for one in lists if one.complete)))


def _vendor(taught: TaughtList) -> Vendor:
    positions = Positions({taught.pattern: taught.codes})
    factors: dict[Measured, Factor] = {}
    for code, factor in zip(taught.codes.split(), taught.factors.split(), strict=True):
        what = measured(code)
        if what is not None and factor != "-" and float(factor):
            factors.setdefault(what, _factor(what, factor))
    of_quantities = {what: factor for what, factor in factors.items() if isinstance(what, Quantity)}
    return Vendor(
        name=taught.name,
        recognise=lambda body: positions.match(body) is not None,
        items=positions.items,
        factors=lambda *_: of_quantities,
        own_factors=factors,
    )


def measured(code: str) -> Measured | None:
    """What a code C.D.E says of a number; None for a text, the clock, "-" and what nothing explains."""
    group = cde(code) if code != "-" else b""
    return QUANTITIES.get(group) or DETAILS.get(group) or PARTS.get(group)


def _factor(what: Measured, factor: str) -> Factor:
    """From a raw value to the quantity's own unit."""
    quantity = what.quantity if isinstance(what, Part) else what
    multiplier, divisor = (Fraction(factor) * 10 ** UNITS[quantity.unit.symbol][1]).as_integer_ratio()
    return multiplier if divisor == 1 else lambda raw: quotient(raw * multiplier, divisor)
