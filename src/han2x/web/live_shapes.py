"""What the API tells of meters, services and telegrams: a TypedDict each, as in `shapes`."""

from typing import Literal, TypedDict


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
        "inverted",
        "unchecked",
        "silent",
        "waiting",
        "no-source",
        "weak-bridge",
        "weak-feed",
        "damaged-bridge",
        "damaged-feed",
        "no-frames-bridge",
        "no-frames-feed",
        "silent-bridge",
        "silent-feed",
        "parity-8e1",
        "parity-7e1",
        "p1-header",
        "sml",
        "reduced",
        "sml-feed",
        "modbus",
        "mbus",
        "body",
        "text",
        "http",
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
    """What some hours cost, in NOK with all taxes; of `hours` that have ended, `missing` are not known."""

    total: float
    power: float
    support: float
    grid: float
    fee: float
    export: float
    imported_kwh: float
    exported_kwh: float
    unpriced_kwh: float
    hours: int
    missing: int
    complete: bool


class CostsShape(TypedDict):
    """So far today and this month; now: the spot price, what a kWh costs with all, what a sold one earns."""

    area: str
    price: PriceShape | None
    total_nok_per_kwh: float | None
    export_nok_per_kwh: float | None
    today: CostShape
    month: CostShape


class KwhPriceShape(TypedDict):
    """A quarter from `start`, NOK: the spot price, what a kWh costs with all, what a sold one earns."""

    start: str
    spot: float | None
    total: float | None
    export: float | None
    final: bool


class KwhPricesShape(TypedDict):
    """Today's and tomorrow's quarters that have a price, and the beginnings of hours, the cheapest first."""

    area: str
    prices: list[KwhPriceShape]
    cheapest_hours: list[str]


class TariffShape(TypedDict):
    """A grid tariff today: whose, for homes, cabins or businesses, and how old its price list is.

    `state`: ended where no price list is in force, ending in the last 30 days of the last one, old a year
    after it was checked, else ok. `begins`: of the price list in force; `ends`: the first day without one,
    null where none is to come.
    """

    name: str
    title: str
    customers: list[str]
    source: str
    checked: str | None
    age_days: int | None
    begins: str | None
    ends: str | None
    state: Literal["ended", "ending", "old", "ok"]
    by_fuse: bool


class NoticeShape(TypedDict):
    """What is to be said of the price lists a meter's money rests on: a sentence's code, and its day."""

    code: str
    day: str | None
    tariff: str


class Meter(TypedDict):
    """A meter as it is now."""

    id: str
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
    tariff: TariffShape | None
    notices: list[NoticeShape]
    fuse_a: int | None
    digital_input: bool


class Summary(TypedDict):
    """A meter in a list of meters."""

    id: str
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
    """How a service fares; `label`: its name with what a meter or broker is called now instead of its id.

    `verdict`: what is wrong with the source of a meter that is not read well, as in `DiagnosisShape`.
    """

    name: str
    label: str
    condition: Literal["ok", "starting", "failing"]
    text: str
    verdict: str | None


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
    """A telegram octet by octet; `reason`: why it gave no reading, `kind`: what kind of reason that is."""

    id: int
    at: str
    octets: str
    vendor: str
    list: Literal["1", "2", "3", "other"] | None
    reason: str
    kind: Literal["noise", "truncated", "checksum", "encrypted", "foreign", "unknown"] | None
    tree: list[PartShape]


ValueKind = Literal["number", "octets", "text", "clock", "boolean", "array", "structure", "float", "null"]
KINDS: dict[str, ValueKind] = {
    "n": "number",
    "t": "octets",
    "v": "text",
    "c": "clock",
    "b": "boolean",
    "a": "array",
    "s": "structure",
    "f": "float",
    "z": "null",
}
"""Kinds of values by their letters in a pattern."""


class PlaceShape(TypedDict):
    """A value of a list in its place, counted from 1, as it was sent."""

    place: int
    kind: ValueKind
    value: str


class MeaningShape(TypedDict):
    """What a value of one of these kinds may mean; a factor makes `unit` of a number."""

    code: str
    name: str
    label: str
    unit: str
    kinds: list[ValueKind]


class TaughtShape(TypedDict):
    """What was taught of a list."""

    name: str
    codes: str
    factors: str


class UnknownListShape(TypedDict):
    """A list that no table of the program explains; `pattern` is empty where it cannot be taught."""

    telegram: int
    at: str
    pattern: str
    count: int
    values: list[PlaceShape]
    taught: TaughtShape | None


class UnknownLists(TypedDict):
    """A meter's lists that no table of the program explains, and what their values may mean."""

    lists: list[UnknownListShape]
    meanings: list[MeaningShape]


class NamedShape(TypedDict):
    """What a value means by a table; `value`: null for one that cannot be used."""

    place: int
    label: str
    value: float | str | None
    unit: str


class MinuteRate(TypedDict):
    """Telegrams of a list in the last minute."""

    list: str
    count: int


class Rates(TypedDict):
    """What came in the last `per` seconds."""

    minute: list[MinuteRate]
    errors: dict[str, int]
    per: int
