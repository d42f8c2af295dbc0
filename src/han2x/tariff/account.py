"""What a meter's finished hours make at one moment: its capacity step and its costs."""

from typing import NamedTuple

from .capacity import Capacity
from .cost import Costs


class Account(NamedTuple):
    """None where no tariff, or no prices, are chosen."""

    capacity: Capacity | None = None
    costs: Costs | None = None


NO_ACCOUNT = Account()
