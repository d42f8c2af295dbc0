"""What the API's JSON looks like: a TypedDict each. The OpenAPI file is made of these.

Times are ISO 8601 in UTC with Z unless named local. Numbers are in the units people read. Absent is null.
"""

from typing import Any, Literal, NotRequired, TypedDict

from . import live_shapes


class ComplaintShape(TypedDict):
    """Why one value is refused: where, by which rule with which bounds, and in a sentence."""

    path: str
    code: str
    params: dict[str, Any]
    text: str
    line: NotRequired[int]


class Problem(TypedDict):
    """Why there is no answer; `error` is a stable code."""

    error: str
    text: str
    complaints: NotRequired[list[ComplaintShape]]
    retry_s: NotRequired[int]
    default_password: NotRequired[bool]
    initial_password: NotRequired[bool]


class Session(TypedDict):
    """Who is logged in, and what a page needs to begin; `build`: which files the page is made of."""

    user: str
    default_password: bool
    initial_password: bool
    csrf: str
    language: Literal["nb", "en"] | None
    version: str
    build: str
    name: str
    demo: bool
    wizard: bool


class Login(TypedDict):
    """A log-in."""

    user: str
    password: str


class NewUser(TypedDict):
    """Other credentials, with those of now."""

    user: NotRequired[str]
    password: str
    new_user: NotRequired[str]
    new_password: str


class TokenShape(TypedDict):
    """A token; never its secret."""

    id: str
    name: str
    scope: Literal["read", "write"]
    created: str
    last_used: str | None


class NewToken(TypedDict):
    """A token to be made."""

    name: str
    scope: Literal["read", "write"]


class TokenSecret(TypedDict):
    """A token's secret, shown once."""

    id: str
    token: str


class ClientCertificate(TypedDict):
    """A certificate of a Modbus Security client; `days`: from `created` until it expires."""

    serial: str
    name: str
    role: str
    created: str
    days: int
    revoked: bool


class NewCertificate(TypedDict):
    """A certificate to be made."""

    name: str
    role: NotRequired[str]
    days: NotRequired[int]


class IssuedCertificate(TypedDict):
    """What a client needs, as PEM; the key is shown once and not kept."""

    serial: str
    certificate: str
    key: str
    ca: str


class ListToTry(TypedDict):
    """A list as in [[lists]]."""

    name: NotRequired[str]
    pattern: str
    codes: str
    factors: str


class TriedList(TypedDict):
    """What a list means by a table, and what the settings would refuse the table for."""

    complaints: list[ComplaintShape]
    values: list[live_shapes.NamedShape]


class TrySource(TypedDict):
    """A source to listen to."""

    source: str
    seconds: NotRequired[int]


class TryResult(TypedDict):
    """Whether it worked, and how."""

    ok: bool
    text: str


class AdapterShape(TypedDict):
    """A serial adapter; `known`: such are known to work."""

    path: str
    name: str
    known: bool
    hint: str


class ClientShape(TypedDict):
    """A Modbus client."""

    peer: str
    connected_s: int
    idle_s: int
    requests: int
    exceptions: int
    last_exception: int


class ServerShape(TypedDict):
    """A Modbus server and its clients."""

    name: str
    condition: str
    text: str
    clients: list[ClientShape]
    refused: int


class UnitShape(TypedDict):
    """What a unit id shows."""

    unit_id: int
    meter: str
    name: str
    map: str
    title: str


class ModbusShape(TypedDict):
    """The Modbus servers, what their unit ids show, and the tools that lists are written for."""

    servers: list[ServerShape]
    units: list[UnitShape]
    lists: list[str]


class RegisterShape(TypedDict):
    """A register as it reads now."""

    register: str
    address: int
    hex: str
    name: str
    meaning: str
    type: str
    unit: str
    access: str
    raw: str | None
    value: float | str | None


class TopicShape(TypedDict):
    """A topic's last message."""

    topic: str
    payload: str
    at: str
    retained: bool


class DiscoveryShape(TypedDict):
    """What Home Assistant was told."""

    form: str
    announced: list[str]


class BrokerShape(TypedDict):
    """A broker."""

    id: str
    name: str
    enabled: bool
    condition: str
    text: str
    topics: list[TopicShape]
    discovery: DiscoveryShape


class Brokers(TypedDict):
    """All brokers."""

    brokers: list[BrokerShape]


class ExtentShape(TypedDict):
    """How much there is, and from when to when its rows begin."""

    count: int
    first: str | None
    last: str | None


class PeriodCostShape(live_shapes.CostShape):
    """What an hour, a local day or a month from `t` to `end` cost."""

    t: str
    end: str


class PriceRow(TypedDict):
    """The spot price of a quarter of an hour, without taxes."""

    t: str
    nok_per_kwh: float
    provisional: bool


class FedPrice(TypedDict):
    """A price to take in: `start` with its offset, for `minutes` (60), `final` unless it is provisional."""

    start: str
    price: float
    minutes: NotRequired[int]
    final: NotRequired[bool]


class SystemShape(TypedDict):
    """The program and its machine."""

    version: str
    python: str
    machine: str
    started: str
    now: str
    uptime_s: int
    memory_mb: float
    settings_file: str | None
    state_dir: str | None
    demo: bool
    services: list[live_shapes.ServiceShape]
    pages: int
    refused: int


class LogLine(TypedDict):
    """A log line."""

    at: str
    level: str
    text: str


class AuditLine(TypedDict):
    """Who changed which settings, never to what, or handed out or revoked something, or reset everything.

    `name`: a token's name, else an address; `more`: settings that are not named; `times`: so many changes.
    """

    at: str
    who: Literal["owner", "undo", "restore", "token", "modbus", "file", "button", "command", "program"]
    name: str
    settings: list[str]
    more: int
    times: int


class BoxShape(TypedDict):
    """The box; null for what the machine has not. `temperature`: °C. `button`: pressed."""

    digital_input: bool | None
    temperature: float | None
    power_lamp: Literal["on", "off", "blink"] | None
    han_lamp: Literal["on", "off", "blink"] | None
    button: bool | None


class NetworkShape(TypedDict):
    """The network. `addresses`: with prefix. `method`: static, dhcp, or empty where nobody knows.

    `fallback`: DHCP gave nothing. `rest_s`: until an unconfirmed setting is taken back, null if all is kept.
    """

    managed: bool
    interface: str
    method: str
    addresses: list[str]
    gateway: str
    dns: list[str]
    host_name: str
    fallback: bool
    rest_s: int | None


class Reset(TypedDict):
    """A factory reset; `history`: forget that too."""

    history: NotRequired[bool]
    password: str
