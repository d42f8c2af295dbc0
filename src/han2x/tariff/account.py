"""What a meter's finished hours make at one moment: its capacity step and its costs."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # they cost start time, and most gateways have no account
    from .capacity import Capacity
    from .cost import Costs


class Account(NamedTuple):
    """None where no tariff, or no prices, are chosen."""

    capacity: "Capacity | None" = None
    costs: "Costs | None" = None


NO_ACCOUNT = Account()
