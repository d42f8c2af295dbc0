"""What the API's JSON looks like: a TypedDict each. The OpenAPI file is made of these.

Times are ISO 8601 in UTC with Z unless named local. Numbers are in the units people read. Absent is null.
"""

from typing import Any, Literal, NotRequired, TypedDict


class ComplaintShape(TypedDict):
    """Why one value is refused: where, by which rule with which bounds, and in a sentence."""

    path: str
    code: str
    params: dict[str, Any]
    text: str


class Problem(TypedDict):
    """Why there is no answer; `error` is a stable code."""

    error: str
    text: str
    complaints: NotRequired[list[ComplaintShape]]
    retry_s: NotRequired[int]


class Session(TypedDict):
    """Who is logged in, and what a page needs to begin."""

    user: str
    default_password: bool
    csrf: str
    language: Literal["nb", "en"] | None
    version: str
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


class Age(TypedDict):
    """Seconds since a list came."""

    age_s: float


class LineShape(TypedDict):
    """How the line to a meter fares; `line`: its serial settings."""

    open: bool
    fault: str
    checksum_errors: int
    discarded: int
    octets: int
    octets_per_s: float
    source: str
    line: str | None


class Seen(TypedDict):
    """What a verdict rests on."""

    octets: int
    age_s: float | None
    good: int
    discarded: dict[str, int]
    text: str


class DiagnosisShape(TypedDict):
    """What the line is like, and what to do next."""

    verdict: Literal[
        "good",
        "weak",
        "encrypted",
        "foreign",
        "unknown",
        "damaged",
        "no-frames",
        "silent",
        "waiting",
        "no-source",
    ]
    text: str
    next: str
    seen: Seen


class ValueShape(TypedDict):
    """A quantity; `valid`: it came lately."""

    value: float
    unit: str
    valid: bool
    age_s: float | None
    label: str


class Basis(TypedDict):
    """The power a forecast rests on, over how long, and how long of the hour nothing was known."""

    power_w: int
    rests_on_s: float
    gap_s: float


class BudgetShape(TypedDict):
    """The running hour; energies in kWh, `left_w` what may be drawn for its rest."""

    elapsed_s: float
    rest_s: int
    used: float
    forecast: float
    limit: float | None
    left_w: int | None
    basis: Basis


class PeakShape(TypedDict):
    """A peak that counts."""

    hour: str
    kw: float
    weight: int
    estimated: bool


class CapacityShape(TypedDict):
    """The capacity step of the month; prices in NOK a month with VAT."""

    tariff: str
    rule: str
    month: str
    peaks: list[PeakShape]
    mean_kw: float | None
    step: int | None
    limit_kw: float | None
    next_limit_kw: float | None
    price_nok: float
    next_price_nok: float | None
    billed_price_nok: float | None
    headroom_kwh: float | None
    estimated: bool
    missing: int


class PriceShape(TypedDict):
    """The spot price now, without taxes."""

    nok_per_kwh: float
    provisional: bool


class CostShape(TypedDict):
    """What some hours cost, in NOK with all taxes."""

    total: float
    power: float
    support: float
    grid: float
    export: float
    imported_kwh: float
    exported_kwh: float
    unpriced_kwh: float
    complete: bool


class CostsShape(TypedDict):
    """So far today and this month."""

    area: str
    price: PriceShape | None
    today: CostShape
    month: CostShape


class Meter(TypedDict):
    """A meter as it is now."""

    name: str
    number: int
    vendor: str
    meter_id: str | None
    meter_type: str | None
    list_version: str | None
    net: Literal["1", "it", "tn"] | None
    label: str
    live: bool
    lamp: bool
    age_s: float | None
    received: int
    last_telegram: str | None
    clock: str | None
    clock_plausible: bool
    scale: int
    lists: dict[str, Age]
    line: LineShape
    diagnosis: DiagnosisShape
    values: dict[str, ValueShape]
    net_power: int | None
    estimates: dict[str, float]
    hour: dict[str, float]
    budget: BudgetShape | None
    capacity: CapacityShape | None
    costs: CostsShape | None
    fuse_a: int | None
    digital_input: bool


class Summary(TypedDict):
    """A meter in a list of meters."""

    name: str
    number: int
    vendor: str
    meter_id: str | None
    meter_type: str | None
    net: Literal["1", "it", "tn"] | None
    label: str
    live: bool
    lamp: bool
    age_s: float | None
    net_power: int | None
    verdict: str


class ServiceShape(TypedDict):
    """How a service fares."""

    name: str
    condition: Literal["ok", "starting", "failing"]
    text: str


class Health(TypedDict):
    """How all services fare."""

    services: list[ServiceShape]


class PartShape(TypedDict):
    """Some octets of a telegram, and what they are."""

    offset: int
    length: int
    hex: str
    obis: str | None
    text: str
    value: str | None


class TelegramShape(TypedDict):
    """A telegram octet by octet; `reason`: why it gave no reading."""

    id: int
    at: str
    octets: str
    vendor: str
    list: Literal["1", "2", "3", "other"] | None
    reason: str
    tree: list[PartShape]


class MinuteRate(TypedDict):
    """Telegrams of a list in the last minute."""

    list: str
    count: int


class Rates(TypedDict):
    """What came in the last `per` seconds."""

    minute: list[MinuteRate]
    errors: dict[str, int]
    per: int


class FieldShape(TypedDict):
    """A setting, for a form."""

    key: str
    type: str
    default: Any
    doc: str
    must: str
    choices: NotRequired[list[Any]]
    low: NotRequired[int]
    high: NotRequired[int]


class SectionShape(TypedDict):
    """A section of the settings."""

    name: str
    repeated: bool
    fields: list[FieldShape]


class SettingsSchema(TypedDict):
    """All settings there are."""

    sections: list[SectionShape]


class SettingsShape(TypedDict):
    """The settings in force; a secret is `{"set": bool}`. `undo`: whether there are former ones."""

    version: int
    undo: bool
    settings: dict[str, Any]


class Changes(TypedDict):
    """Values to change by their path, `mqtt.0.host`; refused if `version` is given and not that of now."""

    version: NotRequired[int]
    changes: dict[str, Any]


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
    services: list[ServiceShape]
    pages: int
    refused: int


class LogLine(TypedDict):
    """A log line."""

    at: str
    level: str
    text: str


class Reset(TypedDict):
    """A factory reset; `history`: forget that too."""

    history: NotRequired[bool]
    password: str
