"""Passes the history on at one broker, as compact JSON with QoS 1, for whoever collects it to a database.

A batch counts as taken over when the broker has acknowledged all of it, and says that somebody is there who
gets it: a broker that nobody has subscribed at would forget it. Until then it waits in the history file.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from ..model.record import Record, texts
from ..runtime.broker import Broker
from ..runtime.gateway import Gateway
from ..runtime.message import Message
from ..runtime.outbox import take_over

HISTORY = "history"
"""Below the main topic, with the resolution below it."""

ON_THEIR_WAY = 16
AGAIN_S = 20.0
"""Pause before what nobody has taken is offered again."""

TAKEN = "Success"
NOBODY = "No matching subscribers"


class PassingOn:
    """The history of all meters at one broker; `topic_of`: the main topic of any meter there ever was.

    `tell`: takes what to say of it in health, "" for nothing.
    """

    def __init__(
        self,
        gateway: Gateway,
        broker: Broker,
        topic_of: Callable[[str], str],
        tell: Callable[[str], None],
    ) -> None:
        self._gateway, self._broker, self._topic_of = gateway, broker, topic_of
        self._tell = tell

    async def run(self, target: str) -> None:
        """Pass on for ever; raises `Trouble` when the broker is lost."""
        if not self._gateway.settings.value.history.enabled:
            self._tell("no history is published, as none is kept: enable [history]")
        await take_over(self._gateway, target, self._deliver)

    async def _deliver(self, records: Sequence[Record]) -> None:
        """Offer records until the broker has taken them all."""
        waiting = list(self._messages(records))
        while True:
            waiting = await self._refused(waiting)
            if not waiting:
                self._tell("")
                return
            await asyncio.sleep(AGAIN_S)

    async def _refused(self, messages: list[Message]) -> list[Message]:
        """Publish, a few at a time; those that were not taken."""
        refused = []
        for begin in range(0, len(messages), ON_THEIR_WAY):
            some = messages[begin : begin + ON_THEIR_WAY]
            reasons = await asyncio.gather(*map(self._broker.delivered, some))
            for message, reason in zip(some, reasons, strict=True):
                if reason != TAKEN:
                    refused.append(message)
                    self._complain(message.topic, reason)
        return refused

    def _messages(self, records: Sequence[Record]) -> Iterator[Message]:
        for name, resolution, text in texts(records):
            yield Message(f"{self._topic_of(name)}/{HISTORY}/{resolution}", text.encode(), 1)

    def _complain(self, topic: str, reason: str) -> None:
        if reason == NOBODY:
            self._tell("its history waits, as nobody collects it: start han2x collect")
        else:
            self._tell(f"its history waits, as {topic} is refused: {reason}. Check the user's rights")
