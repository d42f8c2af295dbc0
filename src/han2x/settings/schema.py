"""Every setting, one line each: default, rule, meaning. Form, file, check and documentation follow.

A section is a frozen dataclass; a service is restarted when its section is no longer equal.
"""

from dataclasses import dataclass, field, fields
from typing import Any

from .rule import BOOLEAN, HOST, NAME, NETWORKS, SOURCE, TIME_ZONE, Rule, choice, integer, text

UNIT = integer(0, 247)
WHEN_STALE = choice("hold", "unavailable", "zero", "exception")
SCALE = integer(10, 999_999_999)
FILE = text(r"(/[^\0\n]{1,255})?", "the path of a file, beginning with /, or empty")
DEVICE = text(r"(/[^\0\n]{1,255})?", "the path of a serial device, such as /dev/ttyUSB0, or empty")
BAUD_RATES = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
BAUD_RATE = Rule(
    f"one of {', '.join(map(str, BAUD_RATES))}", lambda value: type(value) is int and value in BAUD_RATES
)


def setting(default: Any, rule: Rule, doc: str) -> Any:
    """A field of a section: its default, its rule, and what it means in one sentence."""
    return field(default=default, metadata={"rule": rule, "doc": doc})


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """`[[meters]]`: one meter. Repeat the table for each meter."""

    name: str = setting("main", NAME, "Name of the meter, unlike the others'; its stored state goes by it.")
    source: str = setting("serial:auto", SOURCE, "Where its telegrams come from.")
    unit_id: int = setting(1, integer(1, 247), "Modbus unit id (slave address) that answers for it.")
    swapped_unit_id: int = setting(0, UNIT, "Unit id of the HAN2X map with the low word first; 0 is off.")
    float_unit_id: int = setting(0, UNIT, "Unit id of the float32 map; 0 is off.")
    sunspec_unit_id: int = setting(0, UNIT, "Unit id of the SunSpec map; 0 is off.")
    em24_unit_id: int = setting(0, UNIT, "Unit id of the Carlo Gavazzi EM24 map; 0 is off.")
    scale: int = setting(1000, SCALE, "Factor for powers, currents and energies, in thousandths.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """`[site]`: where the gateway is."""

    time_zone: str = setting("Europe/Oslo", TIME_ZONE, "Time zone of local times, of days and of months.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusMaps:
    """`[modbus_maps]`: what the maps show, on TCP and on serial lines alike."""

    stale_after_s: int = setting(
        30, integer(30, 3600), "Silence of the meter after which its values are stale."
    )
    han2x_when_stale: str = setting(
        "hold", WHEN_STALE, "What the HAN2X map then does; hold is as the device."
    )
    swapped_when_stale: str = setting("hold", WHEN_STALE, "What the word-swapped map then does.")
    float_when_stale: str = setting("unavailable", WHEN_STALE, "What the float32 map then does.")
    sunspec_when_stale: str = setting("unavailable", WHEN_STALE, "What the SunSpec map then does.")
    em24_when_stale: str = setting("exception", WHEN_STALE, "What the EM24 map then does.")
    sunspec_models: str = setting(
        "203", choice("203", "213", "203+213"), "SunSpec meter models that are served."
    )
    sunspec_fill: bool = setting(
        False, BOOLEAN, "Copy an IT net's voltages to the phase voltages of SunSpec."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The part of a meter's settings that its reading depends on: not its factor, not its unit id."""

    name: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusTcp:
    """`[modbus_tcp]`: the Modbus TCP server."""

    enabled: bool = setting(True, BOOLEAN, "Whether the server runs.")
    host: str = setting("", HOST, "Address to listen on; empty for all.")
    port: int = setting(1502, integer(1, 65535), "TCP port; 502 is the standard's and needs privileges.")
    allow: str = setting("", NETWORKS, "Networks that clients may come from; empty for everyone.")
    writable: bool = setting(True, BOOLEAN, "Whether clients may write the scale factor.")
    max_connections: int = setting(
        512, integer(1, 4096), "Most clients at once; the longest idle one makes room."
    )
    idle_timeout_s: int = setting(
        0, integer(0, 86_400), "Close a client idle for so many seconds; 0 never does."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusRtu:
    """`[modbus_rtu]`: the Modbus server on a serial line; the meters' unit ids are its slave addresses."""

    enabled: bool = setting(False, BOOLEAN, "Whether the server runs.")
    device: str = setting("", DEVICE, "Serial device; best the name under /dev/serial/by-id.")
    baud_rate: int = setting(19200, BAUD_RATE, "Bits a second, as the line's master has it.")
    parity: str = setting("E", choice("N", "E", "O"), "Parity: none, even or odd; even is the standard's.")
    stop_bits: int = setting(1, integer(1, 2), "Stop bits; the standard has 2 where there is no parity.")
    rs485: str = setting(
        "auto", choice("auto", "on", "off"), "Whether the driver switches the direction; auto: if it can."
    )
    gap_ms: int = setting(
        0, integer(0, 1000), "Least silence, in ms, that ends a frame; 0 chooses by what the driver can do."
    )
    writable: bool = setting(True, BOOLEAN, "Whether the master may write the scale factor.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusRtuTcp:
    """`[modbus_rtu_tcp]`: Modbus RTU frames over TCP, for serial device servers that connect to us."""

    enabled: bool = setting(False, BOOLEAN, "Whether the server runs.")
    host: str = setting("", HOST, "Address to listen on; empty for all.")
    port: int = setting(1503, integer(1, 65535), "TCP port, unlike that of modbus_tcp.")
    allow: str = setting("", NETWORKS, "Networks that clients may come from; empty for everyone.")
    writable: bool = setting(True, BOOLEAN, "Whether clients may write the scale factor.")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """`[history]`: what is kept of what was measured."""

    enabled: bool = setting(True, BOOLEAN, "Whether a history is kept, where there is a place for it.")
    path: str = setting("", FILE, "File it is kept in; empty for history.sqlite in the state directory.")
    keep_raw_days: int = setting(14, integer(1, 3650), "Days for which means of ten seconds are kept.")
    keep_minute_days: int = setting(
        400, integer(1, 36_500), "Days for which means of minutes are kept; hours are kept for ever."
    )
    max_mb: int = setting(
        512,
        integer(16, 1_000_000),
        "Most megabytes of the file; then the oldest means go first, never hours.",
    )
    write_every_s: int = setting(
        60, integer(5, 600), "Seconds between writes, which a power cut may cost; hours are written at once."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What the history service depends on: its settings, the meters it follows, and their time zone."""

    history: History
    meters: tuple[str, ...]
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one gateway."""

    meters: tuple[Meter, ...] = (Meter(),)
    site: Site = Site()
    modbus_tcp: ModbusTcp = ModbusTcp()
    modbus_maps: ModbusMaps = ModbusMaps()
    modbus_rtu: ModbusRtu = ModbusRtu()
    modbus_rtu_tcp: ModbusRtuTcp = ModbusRtuTcp()
    history: History = History()


SECTIONS: dict[str, type] = {
    "meters": Meter,
    "site": Site,
    "modbus_tcp": ModbusTcp,
    "modbus_maps": ModbusMaps,
    "modbus_rtu": ModbusRtu,
    "modbus_rtu_tcp": ModbusRtuTcp,
    "history": History,
}
"""Sections by the name of their TOML table; `meters` is an array of tables."""

REPEATED = frozenset({"meters"})


def rules(section: type) -> dict[str, Rule]:
    """The rule of each setting of a section."""
    return {f.name: f.metadata["rule"] for f in fields(section)}
