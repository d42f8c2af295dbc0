"""Every setting, one line each: default, rule, meaning. Form, file, check and documentation follow.

A section is a frozen dataclass; a service is restarted when its section is no longer equal.
"""

from dataclasses import dataclass, field, fields

from ..tariff.contracts import BY_SUPPLIER, CONTRACTS
from .broker import TOPIC, Mqtt
from .database import Collect, Postgres
from .device import FILE, Announce, Board, Network
from .identity import identify
from .lists import TaughtList
from .modbus import ModbusMaps, ModbusRtu, ModbusRtuTcp, ModbusTcp, ModbusTls
from .page import Web
from .reach import (
    PLAIN,
    READS_FILE,
    SHOWS_BYTES,
    TAKES_SECRET,
    WRITES_FILE,
    source_reach,
)
from .rule import (
    BOOLEAN,
    IDENTITY,
    KEY,
    LABEL,
    NAME,
    SOURCE,
    TIME_ZONE,
    Rule,
    choice,
    integer,
    setting,
    text,
)

UNIT = integer(0, 247)
WH = Rule("1 or 10", lambda value: type(value) is int and value in (1, 10))
SCALE = integer(10, 999_999_999)
TARIFF = text(r"([a-z0-9][a-z0-9_-]{0,63})?", "the name of a tariff: a-z, 0-9, - and _; or empty")
FOLDER = text(r"(/[^\0\n]{1,1023})?", "the path of a folder, from /, or empty")
AREA = text(r"[A-Za-z0-9_-]{1,16}", "the name of a price area, such as NO1")
_URL = r"https://[^\s?#@]{1,500}|http://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?(/[^\s?#@]*)?"
URL = text(_URL, "an address that begins with https://, without user and password")
OPTIONAL_URL = text(f"({_URL})?", "an address that begins with https://, without user and password; or empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """`[[meters]]`: one meter. Repeat the table for each meter."""

    id: str = setting(
        "", IDENTITY, PLAIN, "Who the meter is: all stored and published data hang on it. Made once."
    )
    name: str = setting("main", LABEL, PLAIN, "Name of the meter, for people; may be changed at any time.")
    source: str = setting("serial:auto", SOURCE, source_reach, "Where its telegrams come from.")
    unit_id: int = setting(1, integer(1, 247), PLAIN, "Modbus unit id (slave address) that answers for it.")
    swapped_unit_id: int = setting(
        0, UNIT, PLAIN, "Unit id of the HAN2X map with the low word first; 0 is off."
    )
    float_unit_id: int = setting(0, UNIT, PLAIN, "Unit id of the float32 map; 0 is off.")
    sunspec_unit_id: int = setting(0, UNIT, PLAIN, "Unit id of the SunSpec map; 0 is off.")
    em24_unit_id: int = setting(0, UNIT, PLAIN, "Unit id of the Carlo Gavazzi EM24 map; 0 is off.")
    scale: int = setting(1000, SCALE, PLAIN, "Factor for powers, currents and energies, in thousandths.")
    main_topic: str = setting("", TOPIC, PLAIN, "MQTT main topic; empty for HAN2X_ and a number drawn once.")
    key: str = setting(
        "", KEY, SHOWS_BYTES, "Encryption key (EK, GPK60) of a meter that encrypts; empty for none."
    )
    auth_key: str = setting(
        "", KEY, SHOWS_BYTES, "Authentication key (AK, GPK61); empty if unknown: tags go unchecked."
    )
    unchecked: bool = setting(False, BOOLEAN, PLAIN, "Believe P1 text that carries no check sum.")
    kamstrup_energy_wh: int = setting(
        10,
        WH,
        PLAIN,
        "What a Kamstrup counts its energies in, in Wh: 10, or 1 on some Swedish and Swiss meters.",
    )
    tariff: str = setting(
        "", TARIFF, PLAIN, "Grid tariff, by the name of its file without .toml; empty for none."
    )
    fuse_a: int = setting(0, integer(0, 10_000), PLAIN, "Main fuse in A, for tariffs by fuse; 0 is unknown.")
    limit_w: int = setting(
        0,
        integer(0, 100_000_000),
        PLAIN,
        "Most power an hour may have as its mean; 0 is what the capacity step leaves.",
    )

    def __post_init__(self) -> None:
        identify(self, "meter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """`[site]`: where the gateway is."""

    time_zone: str = setting(
        "Europe/Oslo", TIME_ZONE, PLAIN, "Time zone of local times, of days and of months."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariffs:
    """`[tariffs]`: where price lists of grid companies are."""

    folder: str = setting(
        "", FOLDER, READS_FILE, "Folder of tariff files of your own; they go before those built in."
    )
    update: str = setting(
        "",
        OPTIONAL_URL,
        TAKES_SECRET,
        "Fetch price lists daily from here: an archive (.tar.gz) or a file; empty for never.",
    )
    update_levies: str = setting(
        "",
        OPTIONAL_URL,
        TAKES_SECRET,
        "Fetch taxes, support and Norgespris daily from here: a levies.toml; empty for never.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """`[prices]`: what power costs."""

    enabled: bool = setting(False, BOOLEAN, PLAIN, "Work out costs.")
    area: str = setting("NO1", AREA, PLAIN, "Price area, NO1 to NO5 in Norway.")
    source: str = setting(
        "file", choice("file", "web"), PLAIN, "Where spot prices come from; web is hvakosterstrommen.no."
    )
    file: str = setting("", FILE, READS_FILE, "File of spot prices, CSV or JSON; read again when it changes.")
    url: str = setting(
        "https://www.hvakosterstrommen.no/api/v1/prices",
        URL,
        TAKES_SECRET,
        "Address of the web source, without the day.",
    )
    contract: str = setting(
        "support",
        choice(*CONTRACTS, *BY_SUPPLIER),
        PLAIN,
        "How power is bought: at the spot price, with support, at Norgespris, or at a fixed price.",
    )
    tax_zone: str = setting(
        "south", NAME, PLAIN, "Tax zone of the home: south, north (no VAT) or action (no power tax either)."
    )
    markup: int = setting(
        0,
        integer(-100_000, 100_000),
        PLAIN,
        "The supplier's markup, thousandths of an øre per kWh without VAT.",
    )
    fixed_price: int = setting(
        0,
        integer(0, 10_000_000),
        PLAIN,
        "The price of a fixed contract, thousandths of an øre per kWh without VAT; 0 is unknown.",
    )
    monthly_fee: int = setting(
        0, integer(0, 1_000_000), PLAIN, "What the supplier asks a month, in øre with VAT."
    )
    export_markup: int = setting(
        0,
        integer(-1_000_000, 1_000_000),
        PLAIN,
        "What is added to the spot price of power that is sold, thousandths of an øre per kWh.",
    )
    export_minimum: int = setting(
        -10_000_000,
        integer(-10_000_000, 10_000_000),
        PLAIN,
        "The least that is paid for power that is sold, thousandths of an øre per kWh.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffFiles:
    """What the reading of tariff files depends on: the folder, and the tariffs that meters name."""

    folder: str
    names: tuple[str, ...]
    tax_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffUpdates:
    """What fetching depends on: the addresses, "" for none, and what must not get lost by it."""

    address: str
    levies: str
    names: tuple[str, ...]
    tax_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What reading a meter depends on: no name, factor or unit id. `broker`: of a source that has one."""

    id: str
    source: str
    broker: "Mqtt | None" = None
    key: str = field(default="", repr=False)
    auth_key: str = field(default="", repr=False)
    unchecked: bool = False
    kamstrup_energy_wh: int = 10
    lists: tuple[TaughtList, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """`[history]`: what is kept of what was measured."""

    enabled: bool = setting(True, BOOLEAN, PLAIN, "Keep a history, where there is a place for it.")
    path: str = setting(
        "", FILE, WRITES_FILE, "File it is kept in; empty for history.sqlite in the state directory."
    )
    keep_raw_days: int = setting(14, integer(1, 3650), PLAIN, "Days for which means of ten seconds are kept.")
    keep_minute_days: int = setting(
        400, integer(1, 36_500), PLAIN, "Days for which means of minutes are kept; hours are kept for ever."
    )
    max_mb: int = setting(
        512,
        integer(16, 1_000_000),
        PLAIN,
        "Most megabytes of the file; then the oldest means go first, never hours.",
    )
    write_every_s: int = setting(
        60,
        integer(5, 600),
        PLAIN,
        "Seconds between writes, which a power cut may cost; hours are written at once.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the web server's sockets depend on; all other settings of the page are looked up as needed."""

    host: str
    port: int
    tls: bool
    cert_file: str
    key_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What the history service depends on: its settings, the ids of its meters, and their time zone.

    `targets`: who takes it over, by name, and what of it, a word of `EXTENTS`.
    """

    history: History
    meters: tuple[str, ...]
    time_zone: str
    targets: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Collecting:
    """What a collecting worker depends on; `broker`: None if the settings have none so called."""

    collect: Collect
    postgres: Postgres
    broker: Mqtt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """What publishing at one broker depends on: the broker, and each meter's id and main topic."""

    broker: Mqtt
    meters: tuple[tuple[str, str], ...]
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one gateway."""

    meters: tuple[Meter, ...] = (Meter(),)
    lists: tuple[TaughtList, ...] = ()
    site: Site = Site()
    tariffs: Tariffs = Tariffs()
    prices: Prices = Prices()
    modbus_tcp: ModbusTcp = field(default=ModbusTcp())
    modbus_maps: ModbusMaps = field(default=ModbusMaps())
    modbus_rtu: ModbusRtu = field(default=ModbusRtu())
    modbus_rtu_tcp: ModbusRtuTcp = field(default=ModbusRtuTcp())
    modbus_tls: ModbusTls = field(default=ModbusTls())
    mqtt: tuple[Mqtt, ...] = (Mqtt(),)
    history: History = History()
    postgres: Postgres = field(default=Postgres())
    collect: Collect = field(default=Collect())
    board: Board = field(default=Board())
    network: Network = field(default=Network())
    announce: Announce = field(default=Announce())
    web: Web = field(default=Web())


SECTIONS: dict[str, type] = {
    "meters": Meter,
    "lists": TaughtList,
    "site": Site,
    "tariffs": Tariffs,
    "prices": Prices,
    "modbus_tcp": ModbusTcp,
    "modbus_maps": ModbusMaps,
    "modbus_rtu": ModbusRtu,
    "modbus_rtu_tcp": ModbusRtuTcp,
    "modbus_tls": ModbusTls,
    "mqtt": Mqtt,
    "history": History,
    "postgres": Postgres,
    "collect": Collect,
    "board": Board,
    "network": Network,
    "announce": Announce,
    "web": Web,
}
"""Sections by the name of their TOML table."""

REPEATED = frozenset({"lists", "meters", "mqtt"})
"""Those that are arrays of tables, each with an `id` and a `name`."""

OPTIONAL = frozenset({"lists"})
"""Those of them that may have no row."""


def rules(section: type) -> dict[str, Rule]:
    """The rule of each setting of a section."""
    return {f.name: f.metadata["rule"] for f in fields(section)}
