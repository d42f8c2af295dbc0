"""How services take over what history keeps, without knowing of history: rows and hours as they change.

History puts an `Outbox` into the gateway while it runs. Whoever takes over asks for what has changed since
its cursor, delivers it, and then says so; the cursor outlives the process. So what cannot be delivered waits
in the history file, and what may have been delivered is delivered again: who receives it tells by its key.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ..model.record import Record
from ..settings.broker import Mqtt
from .latest import Latest

if TYPE_CHECKING:
    from .gateway import Gateway

AT_ONCE = 500
"""Changes that are asked for at once: some 100 kB."""

POSTGRES = "postgres"
"""What the gateway's own writer to a database is called among those who take over."""


def history_target(broker: Mqtt) -> str:
    """What a broker is called among those who take over."""
    return f"mqtt {broker.id}"


class Batch(NamedTuple):
    """Records that have changed, and where the cursor is when they are delivered; 0 if there is nothing."""

    records: Sequence[Record]
    upto: int


class Outbox(Protocol):
    """What history offers. While its file cannot be used there is nothing to take; it says itself why.

    `news` is set whenever something may have changed, and when the outbox ends.
    """

    news: Latest[object]

    async def changes(self, target: str, limit: int) -> Batch:
        """What a target has not taken over yet, the oldest changes first."""

    async def taken(self, target: str, upto: int) -> bool:
        """A target has taken over what a batch held; whether that could be kept."""


async def take_over(
    gateway: "Gateway", target: str, deliver: Callable[[Sequence[Record]], Awaitable[object]]
) -> None:
    """Deliver every change for ever, each batch after the one before; raises what `deliver` raises."""
    while True:
        outbox = gateway.outbox.value
        if outbox is None:
            await gateway.outbox.changed(None)
            continue
        seen = outbox.news.value
        batch = await outbox.changes(target, AT_ONCE)
        if batch.records:
            await deliver(batch.records)
        if not batch.upto or not await outbox.taken(target, batch.upto):
            await outbox.news.changed(seen)
