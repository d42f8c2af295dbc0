"""What a vendor is to the decoder: how its lists are recognised, laid out and to be understood.

A layout turns the body of a notification into items; everything else is the tables below, one row a
vendor or national variant, which `decoder` walks.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ..model.quantity import PRINCIPAL, Quantity, Unit
from ..model.reading import UNKNOWN_FITTING, Fitting, TimeBase
from ..wire.axdr import Data
from .sums import Number, Part

Factor = int | Callable[[int], Number]
"""What makes a raw value the quantity's integer unit: a multiplier, or a function where values decide."""


Factors = Callable[[str | None, Mapping[Quantity, int]], Mapping[Quantity, Factor]]
"""From a list's meter type and raw numbers to the factor of each quantity; what has none is refused."""


WHOLE: Mapping[Quantity, Factor] = dict.fromkeys(PRINCIPAL, 1)
"""Factors of a list that sends every quantity in our unit, which a table then changes."""


Item = tuple[bytes, Data, Data]
"""An element of a list: the OBIS code sent with it or that its place stands for, value, scaler_unit."""


class Mismatch(ValueError):
    """A body that was recognised is not laid out as its vendor's table says; the message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor's lists. Factors are for values without a scaler_unit of their own.

    `recognise`: whether a body is this vendor's. `items`: its layout; raises `Mismatch`.
    `fitting`: from meter type and values to what the type tells. `norwegian`: the lists are
    those of the Norwegian port (fast, ten seconds, hourly). `anonymous`: bodies that several vendors
    send alike, told apart by what the same stream carried before. `send_delay_ms`: from the moment the
    energies are true to sending, where the message itself does not say. `detail_factors`: of what is sent
    besides the quantities, by unit; what has none is left out. `own_factors`: of single details and of parts,
    which go before these and before the factor of the whole. `describes_itself`: the list's
    own numbers tell its layout; its values may be floats.
    """

    name: str
    recognise: Callable[[Data], bool]
    items: Callable[[Data], Iterable[Item]]
    factors: Factors = field(default=lambda *_: {})
    fitting: Callable[[str, Mapping[Quantity, int]], Fitting] = field(default=lambda *_: UNKNOWN_FITTING)
    texts: Mapping[bytes, str] = field(default_factory=dict)
    detail_factors: Mapping[Unit, int] = field(default_factory=dict)
    own_factors: Mapping[Quantity | Part, Factor] = field(default_factory=dict)
    time_base: TimeBase = TimeBase.CIVIL
    send_delay_ms: int = 0
    norwegian: bool = False
    anonymous: bool = False
    describes_itself: bool = False
