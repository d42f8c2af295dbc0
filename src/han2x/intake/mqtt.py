"""A reader that publishes telegrams to an MQTT broker, as a link."""

import asyncio
import secrets

from ..runtime.broker import Broker, connect
from ..runtime.gateway import Trouble
from ..runtime.inbox import Keep
from ..settings.broker import Mqtt
from ..settings.source import MqttSource
from ..wire.envelopes import unwrap
from .link import PIECE, Take


class MqttLink:
    """A subscription. A message holds whole telegrams, so a short silence settles what waits."""

    idle_s = 0.1

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def read(self, take: Take) -> None:
        """Hand on each message's octets; raises `Trouble` when the broker has gone."""
        while True:
            payload = (await self._broker.receive()).payload
            found = unwrap(payload) or b""
            for begin in range(0, len(found), PIECE):
                take(found[begin : begin + PIECE])
                await asyncio.sleep(0)  # whatever comes, others have their turn

    def set_line(self, line: str) -> None:
        """The reader has its own serial settings."""

    def close(self) -> None:
        """Let go of the connection."""
        self._broker.abort()


async def subscribe(source: MqttSource, entry: Mqtt | None) -> MqttLink:
    """A link to a topic; raises `Trouble` with what is in the way."""
    if source.host:
        entry = Mqtt(host=source.host, port=source.port)
    if entry is None:
        raise Trouble(f"the settings have no [[mqtt]] named {source.broker!r}: add it, or correct the source")
    client_id = f"han2x-{secrets.token_hex(4)}"
    broker = await connect(entry, client_id=client_id)
    broker.subscribe(source.topic, Keep.ALL)  # an hour's registers come once
    return MqttLink(broker)
