"""From a source's settings to an open link."""

from datetime import UTC, datetime, timedelta

from ..model.instant import Instant
from ..settings.broker import Mqtt
from ..settings.source import MqttSource, ReplaySource, SerialSource, SimulatedSource, Source, TcpSource
from ..vendors.decoding_options import PLAIN, Manner
from .link import Link


async def open_link(
    source: Source, line: str, now: Instant, broker: Mqtt | None = None, manner: Manner = PLAIN
) -> Link:
    """An open link; raises `Trouble` with what is in the way. What is not used is not imported.

    `broker`: the settings of the broker that a source names. `manner`: how a recording's clock is read.
    """
    match source:
        case SerialSource(path, _, request):
            from .serial import SerialLink, find_adapter

            return SerialLink(find_adapter() if path == "auto" else path, line, request)
        case TcpSource(host, port):
            from .tcp import connect

            return await connect(host, port)
        case MqttSource():
            from .mqtt import subscribe

            return await subscribe(source, broker)
        case ReplaySource(path, speed):
            from .replay import ReplayLink

            return ReplayLink(path, speed, manner)
        case SimulatedSource():
            from .simulated import SimulatedLink

            return SimulatedLink(source, _moment(now))


def _moment(now: Instant) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=now.unix_ms)
