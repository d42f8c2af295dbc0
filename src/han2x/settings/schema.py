"""Every setting, one line each: default, rule, meaning. Form, file, check and documentation follow.

A section is a frozen dataclass; a service is restarted when its section is no longer equal.
"""

from dataclasses import dataclass, field, fields

from ..tariff.contracts import CONTRACTS
from .database import EXTENTS, Collect, Postgres
from .device import FILE, Announce, Board, Network
from .identity import made_of
from .lists import TaughtList
from .modbus_tls import ModbusTls
from .reach import (
    ADMITS,
    OPENS_DEVICE,
    PLAIN,
    READS_FILE,
    SHOWS_BYTES,
    TAKES_SECRET,
    WRITES_FILE,
    source_reach,
)
from .rule import (
    BOOLEAN,
    HOST,
    IDENTITY,
    KEY,
    LABEL,
    NAME,
    NETWORKS,
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
WHEN_STALE = choice("hold", "unavailable", "zero", "exception")
SCALE = integer(10, 999_999_999)
DEVICE = text(r"(/[^\0\n]{1,255})?", "the path of a serial device, such as /dev/ttyUSB0, or empty")
TARIFF = text(r"([a-z0-9][a-z0-9_-]{0,63})?", "the name of a tariff: a-z, 0-9, - and _; or empty")
FOLDER = text(r"(/[^\0\n]{1,1023})?", "the path of a folder, from /, or empty")
AREA = text(r"[A-Za-z0-9_-]{1,16}", "the name of a price area, such as NO1")
URL = text(
    r"https://[^\s?#]{1,500}|http://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?(/[^\s?#]*)?",
    "an address that begins with https://",
)
BROKER_HOST = text(r"[A-Za-z0-9.:%_-]{1,255}", "a host name or an IP address", kind="host")
LINE = text(r"[^\0\r\n]{0,255}", "a line of at most 255 characters")
SECRET = text(r"[^\0\r\n]{0,255}", "a line of at most 255 characters", secret=True)
PATH = text(r"/[!-~]{0,255}", "a path such as /mqtt")
PREFIX = text(r"[^\0-\x20+#/$][^\0-\x20+#]{0,64}(?<!/)", "a topic without spaces, + and #")
TOPIC = text(
    r"([^\0-\x20+#/$][^\0-\x20+#]{0,127}(?<!/))?", "a topic without spaces, + and #, or empty for the default"
)
BAUD_RATES = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
BAUD_RATE = Rule(
    f"one of {', '.join(map(str, BAUD_RATES))}",
    lambda value: type(value) is int and value in BAUD_RATES,
    kind="choice",
    choices=BAUD_RATES,
)
HASH = r"(scrypt:[A-Za-z0-9+/=]{24}:[A-Za-z0-9+/=]{44})?"
PASSWORD_HASH = text(HASH, "a hash that the page has written, or empty", secret=True)
USER = text(r"[^\0\r\n:]{1,64}", "a name of 1 to 64 characters")
TITLE = text(r"[^\0\r\n]{1,64}", "a line of 1 to 64 characters")


def _identify(row: "Meter | Mqtt", stem: str) -> None:
    """One that is made without an id has one made of its name; the settings file's are told apart before."""
    if row.id == "":
        object.__setattr__(row, "id", made_of(row.name, stem=stem))


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
    unchecked: bool = setting(False, BOOLEAN, PLAIN, "Whether P1 text that carries no check sum is believed.")
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
        _identify(self, "meter")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """`[prices]`: what power costs."""

    enabled: bool = setting(False, BOOLEAN, PLAIN, "Whether costs are worked out.")
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
        choice(*CONTRACTS),
        PLAIN,
        "What the state does to the price: nothing, support, or Norgespris.",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffFiles:
    """What the reading of tariff files depends on: the folder, and the tariffs that meters name."""

    folder: str
    names: tuple[str, ...]
    tax_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusMaps:
    """`[modbus_maps]`: what the maps show, on TCP and on serial lines alike."""

    stale_after_s: int = setting(
        30, integer(30, 3600), PLAIN, "Silence of the meter after which its values are stale."
    )
    han2x_when_stale: str = setting(
        "hold", WHEN_STALE, PLAIN, "What the HAN2X map then does; hold is as the device."
    )
    swapped_when_stale: str = setting("hold", WHEN_STALE, PLAIN, "What the word-swapped map then does.")
    float_when_stale: str = setting("unavailable", WHEN_STALE, PLAIN, "What the float32 map then does.")
    sunspec_when_stale: str = setting("unavailable", WHEN_STALE, PLAIN, "What the SunSpec map then does.")
    em24_when_stale: str = setting("exception", WHEN_STALE, PLAIN, "What the EM24 map then does.")
    sunspec_models: str = setting(
        "203", choice("203", "213", "203+213"), PLAIN, "SunSpec meter models that are served."
    )
    sunspec_fill: bool = setting(
        False, BOOLEAN, PLAIN, "Copy an IT net's voltages to the phase voltages of SunSpec."
    )


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
class ModbusTcp:
    """`[modbus_tcp]`: the Modbus TCP server."""

    enabled: bool = setting(True, BOOLEAN, PLAIN, "Whether the server runs.")
    host: str = setting("", HOST, PLAIN, "Address to listen on; empty for all.")
    port: int = setting(
        1502, integer(1, 65535), PLAIN, "TCP port; 502 is the standard's and needs privileges."
    )
    allow: str = setting("", NETWORKS, PLAIN, "Networks that clients may come from; empty for everyone.")
    writable: bool = setting(True, BOOLEAN, PLAIN, "Whether clients may write the scale factor.")
    max_connections: int = setting(
        512, integer(1, 4096), PLAIN, "Most clients at once; the longest idle one makes room."
    )
    idle_timeout_s: int = setting(
        0, integer(0, 86_400), PLAIN, "Close a client idle for so many seconds; 0 never does."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusRtu:
    """`[modbus_rtu]`: the Modbus server on a serial line; the meters' unit ids are its slave addresses."""

    enabled: bool = setting(False, BOOLEAN, PLAIN, "Whether the server runs.")
    device: str = setting("", DEVICE, OPENS_DEVICE, "Serial device; best the name under /dev/serial/by-id.")
    baud_rate: int = setting(19200, BAUD_RATE, PLAIN, "Bits a second, as the line's master has it.")
    parity: str = setting(
        "E", choice("N", "E", "O"), PLAIN, "Parity: none, even or odd; even is the standard's."
    )
    stop_bits: int = setting(
        1, integer(1, 2), PLAIN, "Stop bits; the standard has 2 where there is no parity."
    )
    rs485: str = setting(
        "auto",
        choice("auto", "on", "off"),
        PLAIN,
        "Whether the driver switches the direction; auto: if it can.",
    )
    gap_ms: int = setting(
        0,
        integer(0, 1000),
        PLAIN,
        "Least silence, in ms, that ends a frame; 0 chooses by what the driver can do.",
    )
    writable: bool = setting(True, BOOLEAN, PLAIN, "Whether the master may write the scale factor.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusRtuTcp:
    """`[modbus_rtu_tcp]`: Modbus RTU frames over TCP, for serial device servers that connect to us."""

    enabled: bool = setting(False, BOOLEAN, PLAIN, "Whether the server runs.")
    host: str = setting("", HOST, PLAIN, "Address to listen on; empty for all.")
    port: int = setting(1503, integer(1, 65535), PLAIN, "TCP port, unlike that of modbus_tcp.")
    allow: str = setting("", NETWORKS, PLAIN, "Networks that clients may come from; empty for everyone.")
    writable: bool = setting(True, BOOLEAN, PLAIN, "Whether clients may write the scale factor.")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """`[history]`: what is kept of what was measured."""

    enabled: bool = setting(True, BOOLEAN, PLAIN, "Whether a history is kept, where there is a place for it.")
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
class Mqtt:
    """`[[mqtt]]`: an MQTT broker. Repeat the table for each broker."""

    id: str = setting("", IDENTITY, PLAIN, "Who the broker is: sources and stored state go by it. Made once.")
    name: str = setting("main", LABEL, PLAIN, "Name of the broker, for people; may be changed at any time.")
    enabled: bool = setting(False, BOOLEAN, PLAIN, "Whether values are published there.")
    host: str = setting("localhost", BROKER_HOST, TAKES_SECRET, "Host name or IP address of the broker.")
    port: int = setting(1883, integer(1, 65535), TAKES_SECRET, "TCP port; 8883 is usual with TLS.")
    protocol: str = setting("5", choice("5", "3.1.1"), PLAIN, "Version of MQTT.")
    transport: str = setting("tcp", choice("tcp", "websockets"), TAKES_SECRET, "What carries it.")
    path: str = setting("/mqtt", PATH, TAKES_SECRET, "Path of the websocket.")
    user: str = setting("", LINE, PLAIN, "User name; empty for none.")
    password: str = setting("", SECRET, PLAIN, "Password; empty for none.")
    client_id: str = setting("", LINE, PLAIN, "Client id; empty for han2x- and a number drawn once.")
    keepalive_s: int = setting(30, integer(5, 3600), PLAIN, "Silence after which the connection is tried.")
    tls: bool = setting(
        False, BOOLEAN, TAKES_SECRET, "Whether the connection is encrypted and the broker's name checked."
    )
    ca_file: str = setting(
        "",
        FILE,
        READS_FILE | TAKES_SECRET,
        "Certificates of who may vouch for the broker; empty for the system's.",
    )
    cert_file: str = setting(
        "", FILE, READS_FILE, "Our own certificate, for brokers that ask for one; empty for none."
    )
    key_file: str = setting("", FILE, READS_FILE, "Its private key; empty if cert_file holds it.")
    publish: str = setting(
        "on_change",
        choice("on_change", "every_telegram", "interval"),
        PLAIN,
        "When values are published; on_change is as the device, with heartbeat_s.",
    )
    heartbeat_s: int = setting(
        600, integer(10, 86_400), PLAIN, "A value that stays the same is repeated so often."
    )
    interval_s: int = setting(
        10, integer(1, 3600), PLAIN, "How often every value is published, if publish is interval."
    )
    retain_values: bool = setting(
        False, BOOLEAN, PLAIN, "Whether the broker keeps powers, currents and voltages."
    )
    retain_energies: bool = setting(True, BOOLEAN, PLAIN, "Whether it keeps energies and who the meter is.")
    qos_values: int = setting(0, integer(0, 2), PLAIN, "Quality of service of powers, currents and voltages.")
    qos_energies: int = setting(
        1, integer(0, 2), PLAIN, "Quality of service of energies and who the meter is."
    )
    discovery: str = setting(
        "device",
        choice("device", "entities", "off"),
        PLAIN,
        "Home Assistant discovery: one message a device, one an entity (before 2025.6), or none.",
    )
    discovery_prefix: str = setting("homeassistant", PREFIX, PLAIN, "Topic under which Home Assistant looks.")
    prices_topic: str = setting(
        "", TOPIC, PLAIN, "Topic that spot prices come from, as CSV or JSON; empty for none."
    )
    raw: str = setting(
        "off", choice("off", "hex", "binary"), SHOWS_BYTES, "Whether each telegram is published as it came."
    )
    history: str = setting(
        "off",
        choice("off", *EXTENTS),
        PLAIN,
        "What of the history is published, for han2x collect: hours, minutes too, or ten seconds too.",
    )

    def __post_init__(self) -> None:
        _identify(self, "broker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """`[web]`: the web page and its API."""

    enabled: bool = setting(True, BOOLEAN, PLAIN, "Whether the page is served.")
    host: str = setting("", HOST, PLAIN, "Address to listen on; empty for all.")
    port: int = setting(8080, integer(1, 65535), PLAIN, "TCP port, unlike those of Modbus.")
    allow: str = setting("", NETWORKS, PLAIN, "Networks that browsers may come from; empty for everyone.")
    trusted_proxies: str = setting(
        "", NETWORKS, ADMITS, "Networks of reverse proxies whose headers name the client; empty for none."
    )
    name: str = setting("han2x", TITLE, PLAIN, "What the page calls this gateway.")
    language: str = setting(
        "", choice("", "nb", "en"), PLAIN, "Language of the page; empty for the browser's."
    )
    tls: bool = setting(False, BOOLEAN, PLAIN, "Whether the page is served over HTTPS.")
    cert_file: str = setting("", FILE, READS_FILE, "Its certificate; empty for one that is made here.")
    key_file: str = setting(
        "", FILE, READS_FILE, "The certificate's private key; empty if cert_file holds it."
    )
    user: str = setting("bits", USER, ADMITS, "User name of the page.")
    password: str = setting("", PASSWORD_HASH, ADMITS, "The password's hash; empty for the first password.")
    manual_default: bool = setting(
        True, BOOLEAN, ADMITS, "Let vari open the page from connected networks until a password is set."
    )
    metrics: bool = setting(
        False, BOOLEAN, PLAIN, "Whether /metrics is there for Prometheus, without a log-in."
    )
    amsreader: bool = setting(
        False, BOOLEAN, PLAIN, "Whether /data.json answers as amsreader, without a log-in."
    )
    homewizard: bool = setting(
        False, BOOLEAN, PLAIN, "Whether /api answers as a HomeWizard P1, without a log-in."
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
    modbus_tcp: ModbusTcp = ModbusTcp()
    modbus_maps: ModbusMaps = ModbusMaps()
    modbus_rtu: ModbusRtu = ModbusRtu()
    modbus_rtu_tcp: ModbusRtuTcp = ModbusRtuTcp()
    modbus_tls: ModbusTls = field(default=ModbusTls())
    mqtt: tuple[Mqtt, ...] = (Mqtt(),)
    history: History = History()
    postgres: Postgres = field(default=Postgres())
    collect: Collect = field(default=Collect())
    board: Board = field(default=Board())
    network: Network = field(default=Network())
    announce: Announce = field(default=Announce())
    web: Web = Web()


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
