"""What is published of a meter as JSON objects, for programs: one row a topic. Pure."""

import json
from collections.abc import Callable

from ..model.instant import Instant
from ..model.line import Fault
from ..model.quantity import BESIDES, ENERGIES, PHASE_ENERGIES, PRINCIPAL, Quantity
from ..model.view import View
from ..tariff import plain
from .topic import Content, Kind, Stamp, Topic, fresh, kilo_of, read_energies, read_last, read_now, utc

_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

Q = Quantity
Values = dict[str, object]
_BESIDES = tuple(quantity for quantity in BESIDES if quantity not in PHASE_ENERGIES)


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
        return _json({**whole, "time": utc(stamp.read_ms)}).encode()

    return Topic(name, kind, content, payload, read_at, meaning, repeat_s=repeat_s)


def _meter(view: View) -> Values | None:
    if not view.vendor:
        return None
    return {"vendor": view.vendor, **view.identity._asdict(), "net": view.net}


def _registers(view: View) -> Values | None:
    known = any(energy in view.values for energy in ENERGIES)
    phases = [energy for energy in PHASE_ENERGIES if energy in view.values]
    return {energy.value: kilo_of(view.values, energy) for energy in (*ENERGIES, *phases)} if known else None


def _state(view: View) -> Values | None:
    """Powers in W and var, currents in A, voltages in V, energies in kWh and kvarh; null: unknown or old."""
    if not view.received:
        return None
    return {
        "net_pow": view.net_power if view.is_fresh(Q.ACT_POW_POS) else None,
        **{quantity.value: fresh(view, quantity) for quantity in PRINCIPAL if quantity not in ENERGIES},
        **{quantity.value: fresh(view, quantity) for quantity in _BESIDES if quantity in view.values},
        **{f"{energy.value}_est": kilo_of(view.estimates, energy) for energy in ENERGIES},
        **{f"{energy.value}_hour": kilo_of(view.hour, energy) for energy in ENERGIES},
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


def _prices(view: View) -> Values | None:
    return plain.kwh_prices(view.costs) if view.costs else None


STATUS, METER_STATUS = "status", "meter/status"
METER, ENERGY, STATE, DIAGNOSTICS = "meter", "energy", "state", "diagnostics"
ONLINE, OFFLINE = "online", "offline"
QUIET = ("hour_rest_s", "hour_rests_on_s", "hour_gap_s")
"""What goes on by itself."""

CAPACITY, COST, PRICES = "capacity", "cost", "prices"
STATE_REPEAT_S, DIAGNOSTICS_REPEAT_S = 20, 60


def _meter_status(view: View) -> str:
    return ONLINE if view.is_live else OFFLINE


OBJECTS: tuple[Topic, ...] = (
    _object(METER, _meter, kind=Kind.ENERGY, read_at=read_last, meaning="who the meter is"),
    _object(
        ENERGY,
        _registers,
        kind=Kind.ENERGY,
        read_at=read_energies,
        meaning="the energy registers, kWh, kvarh",
    ),
    _object(
        CAPACITY,
        _capacity,
        kind=Kind.ENERGY,
        read_at=read_now,
        meaning="the capacity step: W, kWh, NOK a month",
    ),
    _object(COST, _costs, kind=Kind.ENERGY, read_at=read_now, meaning="what power and the hours cost, NOK"),
    _object(
        PRICES,
        _prices,
        kind=Kind.ENERGY,
        read_at=read_now,
        meaning="what a kWh costs and earns today and tomorrow, NOK, and the cheapest hours",
    ),
    _object(
        STATE,
        _state,
        kind=Kind.VALUE,
        read_at=read_last,
        meaning="everything measured: W, var, A, V; estimates and this hour in kWh, kvarh; its limit",
        quiet=QUIET,
        repeat_s=STATE_REPEAT_S,
    ),
    _object(
        DIAGNOSTICS,
        _diagnostics,
        kind=Kind.STATUS,
        read_at=read_now,
        meaning="how the line to the meter fares",
        watched=("open", "live", "fault"),
        repeat_s=DIAGNOSTICS_REPEAT_S,
    ),
    Topic(
        METER_STATUS,
        Kind.STATUS,
        _meter_status,
        lambda view, text, _: str(text).encode(),
        read_now,
        "online while telegrams come (within 30 s), else offline",
    ),
)
