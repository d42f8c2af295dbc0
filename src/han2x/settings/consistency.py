"""Settings that contradict each other, each value being right by itself: a table of checks. Pure.

A check yields a complaint for every setting that has a part in the contradiction, so that a form shows it at
each of them. `AMBIGUOUS` is what cannot be served at all; `CONTRADICTORY` is what some service could not do.
What files have to say is in `outside`.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from operator import attrgetter
from typing import Any, TypeVar

from .areas import NORWAY, is_area
from .complaint import Complaint
from .device import FILE, Network
from .lists import ListFault
from .schema import REPEATED, SECTIONS, Prices, Settings, rules
from .source import MqttSource, SerialSource, TcpSource, parse_source

Check = Callable[[Settings], Iterator[Complaint]]
T = TypeVar("T")

TEXTS = {
    "ids_clash": 'id "{id}" is that of both "{name}" and "{other}". Give one of them another id',
    "names_clash": 'name "{name}" is there twice. Give one of them another name',
    "list_incomplete": "{pattern} values, {codes} codes and {factors} factors: these are not as many. "
    "Write a code and a factor, or -, for each value of the pattern",
    "list_code_twice": "places {other} and {place} both have the code {obis}. Give one another code, or -",
    "list_factor_zero": "the factor of place {place} is 0, which makes every value 0. Write another, or -",
    "list_code_wrong": 'place {place}: "{obis}" is no code. Write one such as 1.7.0, or -',
    "list_factor_wrong": 'place {place}: "{factor}" is no factor. Write a number such as 0.1, or -',
    "patterns_clash": 'list "{other}" has the same pattern. Change that list, or remove it',
    "topics_clash": 'main topic "{topic}" is also that of meter "{other}". Give one of them another topic',
    "units_clash": 'unit id {unit} of meter "{meter}" is also {setting} of meter "{other}". '
    "Give one of them a free unit id",
    "ports_clash": "TCP port {port} is also {other}.port. Give one of them another port",
    "own_port": "{host}:{port} is this gateway's own {other}. Name the port of the program to connect to",
    "device_clash": '"{device}" is also {other}. A serial device serves one of them',
    "lines_clash": 'line "{line}" is also {other}. Give one of them another line',
    "files_clash": '"{file}" is also {other}. Name another file',
    "clients_clash": 'client id "{client}" is also that of broker "{other}" at the same address, '
    "which ends one connection for the other. Give one of them another client id",
    "broker_unknown": 'there is no [[mqtt]] broker "{broker}"; there are {known}. Name one of these',
    "area_unknown": '"{area}" is no price area here. Name one of {known}',
    "needs": "needs {needed}. Set that too, or leave this as it was",
    "needed": "is needed by {other}. Set it, or take that away",
    "gateway_clash": 'must be another address of {network}, not "{gateway}"',
}
"""What a complaint of each code says; the page has the same in its catalogues."""

UNIT_IDS = ("unit_id", "swapped_unit_id", "float_unit_id", "sunspec_unit_id", "em24_unit_id")
_unit_ids = attrgetter(*UNIT_IDS)
WRITTEN = "history.path"
"""The setting that names a file that is written; all others of the rule `FILE` are read."""

LINES = ("button", "digital_input", "power_lamp", "han_lamp")


def ambiguities(settings: Settings) -> Iterator[Complaint]:
    """What cannot be told apart, and so not be served."""
    for check in AMBIGUOUS:
        yield from check(settings)


def contradictions(settings: Settings) -> Iterator[Complaint]:
    """What some service could not do."""
    for check in CONTRADICTORY:
        yield from check(settings)


def _complaint(path: str, code: str, **params: str | int) -> Complaint:
    return Complaint(path, TEXTS[code].format(**params), code, params)


def _shared(items: Iterable[tuple[Hashable, T]]) -> Iterator[tuple[T, T]]:
    """Each of those that have one key, with another that has it."""
    groups: defaultdict[Hashable, list[T]] = defaultdict(list)
    for key, item in items:
        groups[key].append(item)
    for group in groups.values():
        if len(group) > 1:
            yield from ((one, group[index - 1]) for index, one in enumerate(group))


def _ids(settings: Settings) -> Iterator[Complaint]:
    for section in sorted(REPEATED):
        rows = getattr(settings, section)
        named = ((row.id, (index, row)) for index, row in enumerate(rows))
        for (index, row), (_, other) in _shared(named):
            yield _complaint(f"{section}.{index}.id", "ids_clash", id=row.id, name=row.name, other=other.name)


def _names(settings: Settings) -> Iterator[Complaint]:
    for section in sorted(REPEATED):
        names = [row.name for row in getattr(settings, section)]
        if len(set(names)) == len(names):
            continue
        for (index, name), _ in _shared((name, (index, name)) for index, name in enumerate(names)):
            yield _complaint(f"{section}.{index}.name", "names_clash", name=name)


def _lists(settings: Settings) -> Iterator[Complaint]:
    for index, taught in enumerate(settings.lists):
        yield from (list_complaint(index, fault) for fault in taught.faults())
    named = ((one.pattern, (index, one)) for index, one in enumerate(settings.lists) if one.pattern)
    for (index, _), (_, other) in _shared(named):
        yield _complaint(f"lists.{index}.pattern", "patterns_clash", other=other.name)


def list_complaint(index: int, fault: ListFault) -> Complaint:
    """What is wrong with a list, as a complaint."""
    return _complaint(f"lists.{index}.{fault.setting}", fault.code, **fault.params)


def _topics(settings: Settings) -> Iterator[Complaint]:
    named = (
        (meter.main_topic, (index, meter)) for index, meter in enumerate(settings.meters) if meter.main_topic
    )
    for (index, meter), (_, other) in _shared(named):
        yield _complaint(
            f"meters.{index}.main_topic", "topics_clash", topic=meter.main_topic, other=other.name
        )


def _units(settings: Settings) -> Iterator[Complaint]:
    units = [unit for meter in settings.meters for unit in _unit_ids(meter) if unit]
    if len(set(units)) == len(units):
        return  # at each scale factor that is written: this is quick
    taken = (
        (unit, (index, meter, name, unit))
        for index, meter in enumerate(settings.meters)
        for name in UNIT_IDS
        if (unit := getattr(meter, name))
    )
    for (index, meter, name, unit), (_, other, other_name, _) in _shared(taken):
        yield _complaint(
            f"meters.{index}.{name}",
            "units_clash",
            unit=unit,
            meter=meter.name,
            setting=other_name,
            other=other.name,
        )


def _gateway(settings: Settings) -> Iterator[Complaint]:
    """A gateway that the static address cannot reach would cut the machine off."""
    network = settings.network
    if network == Network() or not network.gateway or network.method != "static":
        return  # most settings have none, and the import costs
    from ipaddress import IPv4Address, IPv4Interface

    address, gateway = IPv4Interface(network.address), IPv4Address(network.gateway)
    if gateway not in address.network or gateway == address.ip:
        yield _complaint(
            "network.gateway", "gateway_clash", network=str(address.network), gateway=network.gateway
        )


def _ports(settings: Settings) -> Iterator[Complaint]:
    from .listeners import listeners, overlap

    running = list(listeners(settings))
    for one in running:
        for other in running:
            if one != other and one.port == other.port and overlap(one.host, other.host):
                yield _complaint(f"{one.section}.port", "ports_clash", port=one.port, other=other.section)


def _own_ports(settings: Settings) -> Iterator[Complaint]:
    from .listeners import listeners, reaches

    running = list(listeners(settings))
    for path, host, port in _peers(settings):
        for one in running:
            if port == one.port and reaches(host, one):
                yield _complaint(path, "own_port", host=host, port=port, other=f"{one.section}.port")


def _peers(settings: Settings) -> Iterator[tuple[str, str, int]]:
    """Who is connected to: by which setting, and where."""
    for index, meter in enumerate(settings.meters):
        if meter.source.startswith(("tcp:", "mqtt://")):
            source = parse_source(meter.source)
            if isinstance(source, TcpSource | MqttSource):
                yield f"meters.{index}.source", source.host, source.port
    for index, broker in enumerate(settings.mqtt):
        if broker.enabled:
            yield f"mqtt.{index}.port", broker.host, broker.port


def serial_devices(settings: Settings) -> Iterator[tuple[str, str]]:
    """Which setting names which serial device; none for `serial:auto`."""
    for index, meter in enumerate(settings.meters):
        if meter.source.startswith(("serial:/", "/dev/")):
            source = parse_source(meter.source)
            if isinstance(source, SerialSource):
                yield f"meters.{index}.source", source.path
    if settings.modbus_rtu.enabled and settings.modbus_rtu.device:
        yield "modbus_rtu.device", settings.modbus_rtu.device


def _devices(settings: Settings) -> Iterator[Complaint]:
    yield from device_clashes((device, (path, device)) for path, device in serial_devices(settings))


def device_clashes(named: Iterable[tuple[str, tuple[str, str]]]) -> Iterator[Complaint]:
    """Complaints about devices that are one; each with what it really is, its setting and its name there."""
    for (path, device), (other, _) in _shared(named):
        yield _complaint(path, "device_clash", device=device, other=other)


def _lines(settings: Settings) -> Iterator[Complaint]:
    """A GPIO line has one use."""
    named = ((line, (name, line)) for name in LINES if (line := getattr(settings.board, name)))
    for (name, line), (other, _) in _shared(named):
        yield _complaint(f"board.{name}", "lines_clash", line=line, other=f"board.{other}")


def _files(settings: Settings) -> Iterator[Complaint]:
    """The history is written; no other setting may name its file."""
    path = settings.history.path
    for other, file in named_files(settings) if path else ():
        if file == path:
            yield _complaint(WRITTEN, "files_clash", file=path, other=other)
            yield _complaint(other, "files_clash", file=path, other=WRITTEN)


def _sections(settings: Settings) -> Iterator[tuple[str, Any]]:
    """Every section but the meters, by its path."""
    for name in SECTIONS:
        section = getattr(settings, name)
        if name not in REPEATED:
            yield name, section
        elif name != "meters":
            yield from ((f"{name}.{index}", row) for index, row in enumerate(section))


def named_files(settings: Settings) -> Iterator[tuple[str, str]]:
    """Which setting names which file that is read."""
    for path, section in _sections(settings):
        for name, rule in rules(type(section)).items():
            if rule is FILE and f"{path}.{name}" != WRITTEN:
                yield f"{path}.{name}", getattr(section, name)
    for index, meter in enumerate(settings.meters):
        if meter.source.startswith("replay:"):
            yield f"meters.{index}.source", meter.source.removeprefix("replay:").partition("?")[0]


def _clients(settings: Settings) -> Iterator[Complaint]:
    """A broker ends the connection that a client id had before (MQTT 5, 3.1.4-3)."""
    named = (
        ((broker.host.lower(), broker.port, broker.client_id), (index, broker))
        for index, broker in enumerate(settings.mqtt)
        if broker.enabled and broker.client_id
    )
    for (index, broker), (_, other) in _shared(named):
        yield _complaint(
            f"mqtt.{index}.client_id", "clients_clash", client=broker.client_id, other=other.name
        )


def _brokers(settings: Settings) -> Iterator[Complaint]:
    names = [broker.id for broker in settings.mqtt]
    known = ", ".join(names)
    for index, meter in enumerate(settings.meters):
        source = parse_source(meter.source) if meter.source.startswith("mqtt:") else None
        if isinstance(source, MqttSource) and not source.host and source.broker not in names:
            yield _complaint(f"meters.{index}.source", "broker_unknown", broker=source.broker, known=known)
    collect = settings.collect
    if collect != type(collect)() and collect.broker not in names:  # who does not collect names none
        yield _complaint("collect.broker", "broker_unknown", broker=collect.broker, known=known)


def _area(settings: Settings) -> Iterator[Complaint]:
    """The web source has Norway's areas; another may have any."""
    prices = settings.prices
    norwegian = prices.source == "web" and prices.url == Prices().url
    if prices.area not in NORWAY if norwegian else not is_area(prices.area):
        yield _complaint("prices.area", "area_unknown", area=prices.area, known=", ".join(NORWAY))


def _needs(settings: Settings) -> Iterator[Complaint]:
    """What is of no use without another setting."""
    for path, needed, value in _wants(settings):
        yield _complaint(path, "needs", needed=f"{needed} = {value}" if value else needed)
        yield _complaint(needed, "needed", other=path)


def _wants(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """A setting, another that it needs and that is not so, and the value that will do, if it is one."""
    if settings.modbus_rtu.enabled and not settings.modbus_rtu.device:
        yield "modbus_rtu.enabled", "modbus_rtu.device", ""
    for path, section in _sections(settings):
        if getattr(section, "key_file", "") and not getattr(section, "cert_file", "x"):
            yield f"{path}.key_file", f"{path}.cert_file", ""
    if settings.postgres.enabled and not settings.history.enabled:
        yield "postgres.enabled", "history.enabled", "true"
    for index, broker in enumerate(settings.mqtt):
        if broker.enabled and broker.history != "off" and not settings.history.enabled:
            yield f"mqtt.{index}.history", "history.enabled", "true"
        if broker.password and not broker.user and broker.protocol == "3.1.1":  # MQTT 3.1.1, 3.1.2-22
            yield f"mqtt.{index}.password", f"mqtt.{index}.user", ""


AMBIGUOUS: tuple[Check, ...] = (_ids, _names, _topics, _units, _gateway)
CONTRADICTORY: tuple[Check, ...] = (
    _lists,
    _ports,
    _own_ports,
    _devices,
    _lines,
    _files,
    _clients,
    _brokers,
    _area,
    _needs,
)
