"""Home Assistant: YAML for the `modbus:` integration, a sensor for each measurement.

`count` is only for text, as its checks demand; less than 5 s between reads it advises against. A total that
reads 0 while it is unknown gets no `state_class`: statistics would take the step from 0 for consumption.
"""

from ..listing import Row
from ..units import TOTAL, unit
from .choice import is_text, kind, marker, measured
from .target import Target
from .text import yaml

DATA_TYPES = {
    **{type_: type_ for type_ in ("int16", "uint16", "int32", "uint32", "int64", "uint64", "float32")},
    "acc32": "uint32",
    "text": "string",
}
KINDS = frozenset({*DATA_TYPES, *(f"{type_}_swap" for type_ in DATA_TYPES)})
SECONDS = {"2 s": 5, "1 s": 10, "10 s": 10}
NO_DEVICE_CLASS = frozenset({"reactive_energy", "apparent_energy"})
"""Those that not every release knows."""


def render(table: list[Row], target: Target) -> str:
    """A hub with its sensors, for configuration.yaml or a package."""
    hub = {
        "name": target.name,
        "type": "tcp",
        "host": target.host,
        "port": target.port,
        "sensors": [_sensor(row, target) for row in measured(table, KINDS)],
    }
    return f"# {target.title}\n{yaml({'modbus': [hub]})}"


def _sensor(row: Row, target: Target) -> dict[str, str | int | float]:
    return {
        "name": f"{target.name} {row.meaning}",
        "unique_id": f"{target.name}_{target.unit}_{row.name}",
        "device_address": target.unit,
        "address": row.address,
        "input_type": "holding",
        "data_type": DATA_TYPES[kind(row).removesuffix("_swap")],
        **({"swap": "word"} if kind(row).endswith("_swap") else {}),
        **({"count": row.words} if is_text(row) else _number(row)),
        "scan_interval": SECONDS.get(row.interval, 60),
    }


def _number(row: Row) -> dict[str, str | int | float]:
    found = unit(row.unit)
    unknown = marker(row)
    return {
        "scale": found.scale,
        "precision": 3 if row.type == "float32" else found.decimals,
        "unit_of_measurement": found.base,
        **({} if found.kind in NO_DEVICE_CLASS else {"device_class": found.kind}),
        **({} if _may_step(row) else {"state_class": found.state_class}),
        **({} if unknown is None else {"nan_value": unknown}),
    }


def _may_step(row: Row) -> bool:
    """Whether it is a total whose "unknown" is 0."""
    return unit(row.unit).state_class == TOTAL and not row.unknown.strip("0 ")
