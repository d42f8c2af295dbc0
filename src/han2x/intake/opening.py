"""From a source's settings to an open link."""

from datetime import UTC, datetime, timedelta

from ..model.instant import Instant
from ..settings.source import ReplaySource, SerialSource, SimulatedSource, Source, TcpSource
from .link import Link


async def open_link(source: Source, line: str, now: Instant) -> Link:
    """An open link; raises `Trouble` with what is in the way. What is not used is not imported."""
    match source:
        case SerialSource(path):
            from .serial import SerialLink, find_adapter

            return SerialLink(find_adapter() if path == "auto" else path, line)
        case TcpSource(host, port):
            from .tcp import connect

            return await connect(host, port)
        case ReplaySource(path, speed):
            from .replay import ReplayLink

            return ReplayLink(path, speed)
        case SimulatedSource():
            from .simulated import SimulatedLink

            return SimulatedLink(source, _moment(now))


def _moment(now: Instant) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=now.unix_ms)
