"""What is published of a meter: one row a topic. Pure.

The first rows are the HAN2X manual's (rows M33, M34), with exactly its names and keys; the others are ours.
A topic's content is what decides whether it has changed; None is nothing to say. Powers, currents and
voltages that are too old are None: what nobody measures now must not look live.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

from ..model.instant import Instant
from ..model.line import Fault
from ..model.quantity import ENERGIES, Quantity
from ..model.view import View
from ..tariff import plain


class Kind(Enum):
    """How a topic is sent: by the settings of values, by those of energies, or always kept by the broker."""

    VALUE = auto()
    ENERGY = auto()
    STATUS = auto()


class Stamp(NamedTuple):
    """What a payload tells beside the content: the full topic, and when it was read (Unix ms)."""

    topic: str
    read_ms: int
    zone: tzinfo


Content = object
"""What can be compared; None is nothing to say."""


@dataclass(frozen=True, slots=True)
class Topic:
    """`name` stands below the main topic. `content` tells whether there is something new to say.

    `payload` writes a content of a view down. `read_at`: when what it says was read, Unix ms. `repeat_s`: how
    long it may stay unsaid, 0 for as long as the settings have it. `unit` and `meaning` are for people.
    """

    name: str
    kind: Kind
    content: Callable[[View], Content]
    payload: Callable[[View, Content, Stamp], bytes]
    read_at: Callable[[View, Instant], int]
    meaning: str
    unit: str = ""
    repeat_s: int = 0


# -- when it was read ---------------------------------------------------------------------------------


def _by_list(quantity: Quantity) -> Callable[[View, Instant], int]:
    return lambda view, now: now.unix_ms - (view.age_of(quantity) or 0)


def _last(view: View, now: Instant) -> int:
    """The last telegram, or the one that brought the energies that a restart has kept."""
    return view.last_unix_ms or view.energies_unix_ms or now.unix_ms


def _energies(view: View, now: Instant) -> int:
    return view.energies_unix_ms or now.unix_ms


def _now(view: View, now: Instant) -> int:
    return now.unix_ms


@lru_cache(maxsize=64)
def _iso(unix_s: int, zone: tzinfo) -> str:
    """ISO 8601 in a zone; most topics of a telegram share one."""
    return datetime.fromtimestamp(unix_s, zone).isoformat()


def utc(unix_ms: int) -> str:
    """ISO 8601 in UTC, with Z."""
    return _iso(unix_ms // 1000, UTC).removesuffix("+00:00") + "Z"


_wide = json.JSONEncoder(ensure_ascii=False).encode
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

# -- the manual's payload -----------------------------------------------------------------------------


def _manual(
    name: str,
    content: Callable[[View], Content],
    *,
    kind: Kind,
    read_at: Callable[[View, Instant], int],
    unit: str,
    meaning: str,
) -> Topic:
    def payload(view: View, value: Content, stamp: Stamp) -> bytes:
        table = {
            "value": value,
            "unit": unit,
            "dateTime": _iso(stamp.read_ms // 1000, stamp.zone),
            "dateTimeUtc": utc(stamp.read_ms),
            "topic": stamp.topic,
        }
        return _wide(table).encode()

    return Topic(name, kind, content, payload, read_at, meaning, unit)


def kilo(value: int) -> int | float:
    """Wh in kWh, exact to the Wh; whole numbers stay integers."""
    whole, rest = divmod(value, 1000)
    return value / 1000 if rest else whole


def _fresh(view: View, quantity: Quantity) -> int | float | None:
    return quantity.displayed(view.values[quantity]) if view.is_fresh(quantity) else None


def _kilo_of(values: Mapping[Quantity, int], energy: Quantity) -> int | float | None:
    return kilo(values[energy]) if energy in values else None


def _value(name: str, quantity: Quantity) -> Topic:
    return _manual(
        name,
        lambda view: _fresh(view, quantity),
        kind=Kind.VALUE,
        read_at=_by_list(quantity),
        unit=quantity.unit.display,
        meaning=quantity.label,
    )


def _net(name: str, power: Quantity, net: Callable[[View], int | None]) -> Topic:
    return _manual(
        name,
        lambda view: net(view) if view.is_fresh(power) else None,
        kind=Kind.VALUE,
        read_at=_by_list(power),
        unit=power.unit.display,
        meaning=power.label.replace("import", "import less export"),
    )


def _energy(name: str, energy: Quantity) -> Topic:
    return _manual(
        name,
        lambda view: _kilo_of(view.values, energy),
        kind=Kind.ENERGY,
        read_at=_energies,
        unit=f"k{energy.unit.display}",
        meaning=f"{energy.label}, the meter's register",
    )


def _estimate(name: str, energy: Quantity) -> Topic:
    return _manual(
        name,
        lambda view: _kilo_of(view.estimates, energy),
        kind=Kind.VALUE,
        read_at=_last,
        unit=f"k{energy.unit.display}",
        meaning=f"{energy.label}, the register and what has been used since",
    )


def _identity(name: str, part: int, meaning: str) -> Topic:
    def content(view: View) -> Content:
        return view.identity[part] or None

    return _manual(name, content, kind=Kind.ENERGY, read_at=_last, unit="", meaning=meaning)


def _digital_input(view: View) -> int:
    return int(view.digital_input)


Q = Quantity
MOMENT: tuple[Topic, ...] = (
    _identity("obisListVersion", 0, "version of the meter's lists"),
    _identity("meterId", 1, "the meter's number"),
    _identity("meterType", 2, "the meter's type"),
    _value("actPowPos", Q.ACT_POW_POS),
    _value("actPowNeg", Q.ACT_POW_NEG),
    _value("reactPowPos", Q.REACT_POW_POS),
    _value("reactPowNeg", Q.REACT_POW_NEG),
    _value("currL1", Q.CURR_L1),
    _value("currL2", Q.CURR_L2),
    _value("currL3", Q.CURR_L3),
    _value("voltL1", Q.VOLT_L1),
    _value("voltL2", Q.VOLT_L2),
    _value("voltL3", Q.VOLT_L3),
)
COUNTERS: tuple[Topic, ...] = (
    _energy("actEnergyPos", Q.ACT_ENERGY_POS),
    _energy("actEnergyNeg", Q.ACT_ENERGY_NEG),
    _energy("reactEnergyPos", Q.REACT_ENERGY_POS),
    _energy("reactEnergyNeg", Q.REACT_ENERGY_NEG),
    _manual(
        "digitalInput",
        _digital_input,
        kind=Kind.STATUS,
        read_at=_now,
        unit="",
        meaning="digital input: 0 open (or none), 1 closed",
    ),
)
MANUAL = (*MOMENT, *COUNTERS)

# -- ours: values that the manual has not, in its form ------------------------------------------------

MORE: tuple[Topic, ...] = (
    _net("actPowNet", Q.ACT_POW_POS, lambda view: view.net_power),
    _net("reactPowNet", Q.REACT_POW_POS, lambda view: view.net_reactive_power),
    _estimate("actEnergyPosEstimated", Q.ACT_ENERGY_POS),
    _estimate("actEnergyNegEstimated", Q.ACT_ENERGY_NEG),
    _estimate("reactEnergyPosEstimated", Q.REACT_ENERGY_POS),
    _estimate("reactEnergyNegEstimated", Q.REACT_ENERGY_NEG),
)

# -- ours: one JSON object each -----------------------------------------------------------------------

Values = dict[str, object]


def _object(
    name: str,
    values: Callable[[View], Values | None],
    *,
    kind: Kind,
    read_at: Callable[[View, Instant], int],
    meaning: str,
    watched: tuple[str, ...] = (),
    quiet: tuple[str, ...] = (),
    repeat_s: int = 0,
) -> Topic:
    """`watched`: the keys whose change is worth a message, all but the `quiet` if none is named."""

    def content(view: View) -> Content:
        table = values(view)
        if table is None:
            return None
        return {key: table[key] for key in watched or table if key not in quiet}

    def payload(view: View, table: Content, stamp: Stamp) -> bytes:
        whole = values(view) if watched or quiet else table
        assert isinstance(whole, dict)
        return _compact({**whole, "time": utc(stamp.read_ms)}).encode()

    return Topic(name, kind, content, payload, read_at, meaning, repeat_s=repeat_s)


def _meter(view: View) -> Values | None:
    if not view.vendor:
        return None
    return {"vendor": view.vendor, **view.identity._asdict(), "net": view.net}


def _registers(view: View) -> Values | None:
    known = any(energy in view.values for energy in ENERGIES)
    return {energy.value: _kilo_of(view.values, energy) for energy in ENERGIES} if known else None


def _state(view: View) -> Values | None:
    """Powers in W and var, currents in A, voltages in V, energies in kWh and kvarh; null: unknown or old."""
    if not view.received:
        return None
    return {
        "net_pow": view.net_power if view.is_fresh(Q.ACT_POW_POS) else None,
        **{quantity.value: _fresh(view, quantity) for quantity in Quantity if quantity not in ENERGIES},
        **{f"{energy.value}_est": _kilo_of(view.estimates, energy) for energy in ENERGIES},
        **{f"{energy.value}_hour": _kilo_of(view.hour, energy) for energy in ENERGIES},
        **plain.hour(view.budget),
    }


def _diagnostics(view: View) -> Values:
    line = view.line
    return {
        "open": line.open,
        "live": view.is_live,
        "fault": Fault(line.last_fault).name.lower(),
        "telegrams": view.received,
        "checksum_errors": line.checksum_errors,
        "discarded": line.discarded,
        "last_telegram": utc(view.last_unix_ms) if view.last_unix_ms else None,
    }


def _capacity(view: View) -> Values | None:
    return plain.step(view.capacity) if view.capacity else None


def _costs(view: View) -> Values | None:
    return plain.money(view.costs) if view.costs else None


STATUS, METER_STATUS = "status", "meter/status"
METER, ENERGY, STATE, DIAGNOSTICS = "meter", "energy", "state", "diagnostics"
ONLINE, OFFLINE = "online", "offline"
QUIET = ("hour_rest_s", "hour_rests_on_s", "hour_gap_s")
"""What goes on by itself."""

CAPACITY, COST = "capacity", "cost"
STATE_REPEAT_S, DIAGNOSTICS_REPEAT_S = 20, 60


def _meter_status(view: View) -> str:
    return ONLINE if view.is_live else OFFLINE


OBJECTS: tuple[Topic, ...] = (
    _object(METER, _meter, kind=Kind.ENERGY, read_at=_last, meaning="who the meter is"),
    _object(
        ENERGY, _registers, kind=Kind.ENERGY, read_at=_energies, meaning="the energy registers, kWh, kvarh"
    ),
    _object(
        CAPACITY, _capacity, kind=Kind.ENERGY, read_at=_now, meaning="the capacity step: W, kWh, NOK a month"
    ),
    _object(COST, _costs, kind=Kind.ENERGY, read_at=_now, meaning="what power and the hours cost, NOK"),
    _object(
        STATE,
        _state,
        kind=Kind.VALUE,
        read_at=_last,
        meaning="everything measured: W, var, A, V; estimates and this hour in kWh, kvarh; its limit",
        quiet=QUIET,
        repeat_s=STATE_REPEAT_S,
    ),
    _object(
        DIAGNOSTICS,
        _diagnostics,
        kind=Kind.STATUS,
        read_at=_now,
        meaning="how the line to the meter fares",
        watched=("open", "live", "fault"),
        repeat_s=DIAGNOSTICS_REPEAT_S,
    ),
    Topic(
        METER_STATUS,
        Kind.STATUS,
        _meter_status,
        lambda view, text, _: str(text).encode(),
        _now,
        "online while telegrams come (within 30 s), else offline",
    ),
)

TOPICS: tuple[Topic, ...] = (*MANUAL, *MORE, *OBJECTS)
