"""What is published of a meter, a value each: one row a topic. Pure.

The first rows are the HAN2X manual's (rows M33, M34), with exactly its names and keys; the others are ours.
A topic's content is what decides whether it has changed; None is nothing to say. Powers, currents and
voltages that are too old are None: what nobody measures now must not look live.
"""

import json
from collections.abc import Callable

from ..model.instant import Instant
from ..model.quantity import BESIDES, PHASE_ENERGIES, Quantity
from ..model.view import View
from .topic import (
    Content,
    Kind,
    Stamp,
    Topic,
    fresh,
    iso,
    kilo_of,
    read_by_list,
    read_energies,
    read_last,
    read_now,
    utc,
)

_json = json.JSONEncoder(ensure_ascii=False).encode

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
            "dateTime": iso(stamp.read_ms // 1000, stamp.zone),
            "dateTimeUtc": utc(stamp.read_ms),
            "topic": stamp.topic,
        }
        return _json(table).encode()

    return Topic(name, kind, content, payload, read_at, meaning, unit)


def _value(name: str, quantity: Quantity) -> Topic:
    return _manual(
        name,
        lambda view: fresh(view, quantity),
        kind=Kind.VALUE,
        read_at=read_by_list(quantity),
        unit=quantity.unit.display,
        meaning=quantity.label,
    )


def _net(name: str, power: Quantity, net: Callable[[View], int | None]) -> Topic:
    return _manual(
        name,
        lambda view: net(view) if view.is_fresh(power) else None,
        kind=Kind.VALUE,
        read_at=read_by_list(power),
        unit=power.unit.display,
        meaning=power.label.replace("import", "import less export"),
    )


def _energy(name: str, energy: Quantity) -> Topic:
    return _manual(
        name,
        lambda view: kilo_of(view.values, energy),
        kind=Kind.ENERGY,
        read_at=read_energies,
        unit=f"k{energy.unit.display}",
        meaning=f"{energy.label}, the meter's register",
    )


def _estimate(name: str, energy: Quantity) -> Topic:
    return _manual(
        name,
        lambda view: kilo_of(view.estimates, energy),
        kind=Kind.VALUE,
        read_at=read_last,
        unit=f"k{energy.unit.display}",
        meaning=f"{energy.label}, the register and what has been used since",
    )


def _identity(name: str, part: int, meaning: str) -> Topic:
    def content(view: View) -> Content:
        return view.identity[part] or None

    return _manual(name, content, kind=Kind.ENERGY, read_at=read_last, unit="", meaning=meaning)


def _digital_input(view: View) -> int:
    return int(view.digital_input)


def _camel(quantity: Quantity) -> str:
    """`act_pow_pos_l1` in the manual's manner: `actPowPosL1`."""
    first, *others = quantity.value.split("_")
    return first + "".join(map(str.capitalize, others))


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
        read_at=read_now,
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
    *(
        (_energy if quantity in PHASE_ENERGIES else _value)(_camel(quantity), quantity)
        for quantity in BESIDES
    ),
)
