"""How many answers that take long there are at once: of each kind, and of each who asks. Pure.

Each kind has its own places, so that captures hold up no history; and the owner's are apart from those of
tokens, so that no token holds up the owner.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from .endpoint import Access, Caller, Refusal

RETRY_S = 5


@dataclass(frozen=True, slots=True)
class Share:
    """Answers at once of one kind: of all tokens together (the owner has as many), and of one of them.

    `seconds`: how long one may take; one that its reader draws out is ended then.
    """

    most: int
    each: int
    seconds: float


class Kind(Enum):
    """What takes long."""

    HISTORY = Share(4, 2, 600)
    CAPTURE = Share(4, 2, 3660)
    TRIAL = Share(2, 1, 180)
    EVENTS = Share(64, 16, float("inf"))
    """Live pages, for as long as who asks may see them."""


class LongAnswers:
    """Those that are being given: of each kind, by the token that asked, "" for the owner."""

    def __init__(self) -> None:
        self._given: Counter[tuple[Kind, str]] = Counter()

    def take(self, kind: Kind, caller: Caller) -> Callable[[], None]:
        """Take a place; returns how to give it back. Raises `Refusal` if there is none."""
        key, share = (kind, caller.token), kind.value
        most = share.most if caller.access is Access.OWNER else share.each
        tokens = sum(count for (one, token), count in self._given.items() if one is kind and token)
        if self._given[key] >= most or (caller.token and tokens >= share.most):
            raise Refusal(503, "busy", "Too much is being sent at once; try again soon.", retry_s=RETRY_S)
        self._given[key] += 1
        return lambda: self._given.subtract([key])
