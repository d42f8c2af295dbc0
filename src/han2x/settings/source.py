"""Where a meter's telegrams come from, as one line of text.

serial:auto                         the one serial adapter of this machine
serial:/dev/serial/by-id/usb-…      this adapter; ?line=8N1 fixes the serial settings,
                                    ?request=rts holds up that line alone for P1's data request
tcp:bridge.local:3001               a network serial bridge (ser2net and the like)
mqtt:TOPIC?broker=NAME              a reader that publishes telegrams, by way of the broker [[mqtt]] NAME
mqtt://HOST:PORT/TOPIC              the same, by way of a broker that asks for no password
replay:/path/dump.bin?speed=10      a recorded file, raw or hex; speed=max as fast as it is read
simulate:kaifa?net=it&speed=60      a simulated meter
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

VENDORS = ("aidon", "kaifa", "kamstrup")
NETS = ("1", "it", "tn")
LINES = ("auto", "8E1", "8N1", "115200-8N1", "9600-7E1", "9600-8N1", "9600-8E1", "9600-7N1")
REQUESTS = ("both", "rts", "dtr", "none")
FAULTS = (
    "repeat-hour",
    "drop-tail",
    "zero-tail",
    "crlf",
    "flip-bit",
    "truncate",
    "ecb",
    "delay-hourly",
    "old-09",
    "encrypted",
)


class SourceError(ValueError):
    """A source that makes no sense; the message says what is wrong, for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class SerialSource:
    """A tty, "auto" for the only one there is; `line` one of `LINES`, "auto" to find out by listening.

    `request`: which modem lines are held up, where an adapter has P1's data request on one.
    """

    path: str
    line: str = "auto"
    request: str = "both"


@dataclass(frozen=True, slots=True)
class TcpSource:
    """A bridge that sends the meter's bytes to whoever connects."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class MqttSource:
    """A topic that telegrams are published to, as octets or hex text.

    `broker`: the name of the settings' broker, "" where `host` and `port` name one.
    """

    topic: str
    broker: str = ""
    host: str = ""
    port: int = 1883


@dataclass(frozen=True, slots=True)
class ReplaySource:
    """A recorded file; `speed` times the line's real pace, 0 for as fast as it can be read."""

    path: str
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class SimulatedSource:
    """A simulated meter. `solar_w`: peak of the solar plant, 0 for none. `start`: ISO 8601, "" for now."""

    vendor: str
    net: str = "it"
    speed: float = 1.0
    seed: int = 1
    solar_w: int = 0
    faults: tuple[str, ...] = ()
    start: str = ""


Source = SerialSource | TcpSource | MqttSource | ReplaySource | SimulatedSource


@lru_cache(4096)
def parse_source(line: str) -> Source:
    """The source a line of text means; raises `SourceError` with a sentence for its writer."""
    if line.startswith("/"):
        line = f"serial:{line}" if line.startswith("/dev/") else f"replay:{line}"
    scheme, colon, rest = line.partition(":")
    if not colon or scheme not in _READERS:
        raise SourceError(f"{line!r} is no source: write serial:, tcp:, mqtt:, replay: or simulate: first")
    target, _, query = rest.partition("?")
    # A + is a + here, as in start=2025-12-14T16:00:00+01:00: this is no web form.
    options = dict(parse_qsl(query.replace("+", "%2B"), keep_blank_values=True))
    source = _READERS[scheme](target, options)
    if options:
        raise SourceError(f"{scheme}: has no option {', '.join(sorted(options))}")
    return source


def _serial(target: str, options: dict[str, str]) -> Source:
    if not target.startswith("/") and target != "auto":
        raise SourceError("serial: needs auto or the path of a device, such as serial:/dev/ttyUSB0")
    line = _one_of(options, "line", LINES, "auto")
    return SerialSource(target, line, _one_of(options, "request", REQUESTS, "both"))


def _tcp(target: str, options: dict[str, str]) -> Source:
    host, colon, port = target.removeprefix("//").rpartition(":")
    if not colon or not host or not port.isdecimal() or len(port) > 5 or not 0 < int(port) < 65536:
        raise SourceError("tcp: needs a host and a port, such as tcp:bridge.local:3001")
    if "@" in host:
        raise SourceError("tcp: takes no user or password: a bridge asks for none")
    return TcpSource(host.strip("[]"), int(port))


def _mqtt(target: str, options: dict[str, str]) -> Source:
    if not target.startswith("//"):
        broker = options.pop("broker", "main")
        return MqttSource(_topic(target), broker=broker)
    peer, _, topic = target[2:].partition("/")
    host, _, port = peer.rpartition(":") if ":" in peer.rpartition("]")[2] else (peer, "", "1883")
    if "@" in peer:
        raise SourceError("mqtt: takes no password; name a broker of the settings: mqtt:TOPIC?broker=NAME")
    if not host or not port.isdecimal() or len(port) > 5 or not 0 < int(port) < 65536:
        raise SourceError("mqtt: needs a host, such as mqtt://broker.local:1883/topic")
    return MqttSource(_topic(topic), host=host.strip("[]"), port=int(port))


def _topic(topic: str) -> str:
    """A topic to subscribe to, wildcards as MQTT 5, 4.7.1, has them."""
    if not 0 < len(topic) < 256 or not _FILTER.fullmatch(topic):
        raise SourceError("mqtt: needs a topic, such as mqtt:pulse/publish?broker=main")
    return topic


_FILTER = re.compile(r"((\+|[^+#/\0]*)/)*(\+|#|[^+#/\0]*)")


def _replay(target: str, options: dict[str, str]) -> Source:
    if not target:
        raise SourceError("replay: needs the path of a file")
    return ReplaySource(target, _speed(options))


def _simulate(target: str, options: dict[str, str]) -> Source:
    if target not in VENDORS:
        raise SourceError(f"simulate: knows {', '.join(VENDORS)}, not {target!r}")
    faults = tuple(filter(None, options.pop("faults", "").split(",")))
    for fault in faults:
        if fault not in FAULTS:
            raise SourceError(f"simulate: has no fault {fault!r}; it has {', '.join(FAULTS)}")
    return SimulatedSource(
        vendor=target,
        net=_one_of(options, "net", NETS, "it"),
        speed=_speed(options),
        seed=_integer(options, "seed", 1),
        solar_w=_integer(options, "solar", 0),
        faults=faults,
        start=options.pop("start", ""),
    )


_READERS = {"serial": _serial, "tcp": _tcp, "mqtt": _mqtt, "replay": _replay, "simulate": _simulate}


def _one_of(options: dict[str, str], name: str, values: tuple[str, ...], default: str) -> str:
    value = options.pop(name, default)
    if value not in values:
        raise SourceError(f"{name}= must be one of {', '.join(values)}, not {value!r}")
    return value


def _speed(options: dict[str, str]) -> float:
    value = options.pop("speed", "1")
    if value == "max":
        return 0.0
    try:
        speed = float(value)
    except ValueError:
        speed = -1.0
    if not 0 < speed <= 1_000_000:
        raise SourceError(f"speed= must be a number above 0, or max, not {value!r}")
    return speed


def _integer(options: dict[str, str], name: str, default: int) -> int:
    value = options.pop(name, str(default))
    if not value.isdecimal() or len(value) > 9:
        raise SourceError(f"{name}= must be a whole number, not {value!r}")
    return int(value)
