"""What a meter's finished hours make at one moment, and how the price lists stand that this rests on."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # they cost start time, and most gateways have no account
    from .capacity import Capacity
    from .cost import Costs
    from .standing import Said, Standing


class Account(NamedTuple):
    """None where no tariff, or no prices, are chosen."""

    capacity: "Capacity | None" = None
    costs: "Costs | None" = None
    standing: "Standing | None" = None
    notices: "tuple[Said, ...]" = ()


NO_ACCOUNT = Account()
