"""Which maps there are, and which unit id shows which map of which meter."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

from ..settings.modbus import ModbusMaps
from ..settings.schema import Meter, Settings
from .staleness import Policy
from .table import Map

FIRST_METER = (0, 255)
"""Unit ids that mean the device itself on Modbus TCP (Implementation Guide 4.4.1.2, M17)."""


def _constant(module: str, name: str) -> Callable[[ModbusMaps], Map]:
    def load(_: ModbusMaps) -> Map:
        found: Map = getattr(import_module(f"han2x.modbus.maps.{module}"), name)
        return found

    return load


def _sunspec(settings: ModbusMaps) -> Map:
    from .maps.sunspec import sunspec

    models = tuple(map(int, settings.sunspec_models.split("+")))
    return sunspec(models, fill=settings.sunspec_fill)


MAPS: dict[str, Callable[[ModbusMaps], Map]] = {
    "han2x": _constant("han2x", "HAN2X"),
    "swapped": _constant("swapped", "SWAPPED"),
    "float": _constant("float32", "FLOAT"),
    "sunspec": _sunspec,
    "em24": _constant("em24", "EM24"),
}
"""Each map by its name; imported when it is asked for."""


@dataclass(frozen=True, eq=False, slots=True)
class Unit:
    """What a unit id shows: a map of the meter at `index` in the settings, and what it does when stale."""

    map: Map
    index: int
    policy: Policy


def units(settings: Settings) -> dict[int, Unit]:
    """All unit ids that answer."""
    found = {
        unit_id: unit
        for index, meter in enumerate(settings.meters)
        for unit_id, unit in _units(settings.modbus_maps, index, meter)
    }
    return {**dict.fromkeys(FIRST_METER, found[settings.meters[0].unit_id]), **found}


def _units(maps: ModbusMaps, index: int, meter: Meter) -> Iterator[tuple[int, Unit]]:
    for name, load in MAPS.items():
        unit_id = getattr(meter, UNIT_ID[name])
        if unit_id:
            yield unit_id, Unit(load(maps), index, Policy(getattr(maps, f"{name}_when_stale")))


UNIT_ID = {name: "unit_id" if name == "han2x" else f"{name}_unit_id" for name in MAPS}
"""The meter's setting that gives a map its unit id; 0 turns the map off."""
