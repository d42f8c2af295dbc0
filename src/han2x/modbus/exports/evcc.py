"""evcc: YAML for a grid meter; a template where evcc knows the map, else a custom meter of registers.

Power is positive for import, energies are in kWh, currents and voltages always three. A number is read as
0 when it is unknown, so that a lost phase does not lose the others.
"""

from collections.abc import Sequence

from ..listing import Row
from .choice import kind
from .target import Target
from .text import yaml

TEMPLATES = {"sunspec": "sunspec-meter", "em24": "cg-em24_e1"}
ENCODINGS = {
    "int16": "int16nan",
    "uint16": "uint16nan",
    "int32": "int32nan",
    "uint32": "uint32nan",
    "uint64": "uint64nan",
    "float32": "float32",
    "int32_swap": "int32s",
    "uint32_swap": "uint32s",
    "float32_swap": "float32s",
}
ONE = {
    "power": ("net_pow",),
    "energy": ("x_act_energy_pos_est", "act_energy_pos_est"),
    "returnenergy": ("x_act_energy_neg_est", "act_energy_neg_est"),
}
THREE = {"currents": "curr", "voltages": "volt"}
"""What evcc wants, and the rows that have it; the first that it can read is taken."""


def render(table: list[Row], target: Target) -> str:
    """The `meters:` section with a grid meter."""
    meter = _template(target) if target.map in TEMPLATES else _custom(table, target)
    site = "# The site finds it by its name: under site, meters, say  grid: grid\n"
    return f"# {target.title}\n{site}{yaml({'meters': [meter]})}"


def _template(target: Target) -> dict[str, object]:
    return {
        "name": "grid",
        "type": "template",
        "template": TEMPLATES[target.map],
        "usage": "grid",
        "modbus": "tcpip",
        "host": target.host,
        "port": target.port,
        "id": target.unit,
    }


def _custom(table: list[Row], target: Target) -> dict[str, object]:
    rows = {row.name: row for row in table if kind(row) in ENCODINGS}
    return {
        "name": "grid",
        "type": "custom",
        **{key: _source(rows, names, target) for key, names in ONE.items()},
        **{
            key: [_source(rows, (f"x_{name}_l{phase}", f"{name}_l{phase}"), target) for phase in (1, 2, 3)]
            for key, name in THREE.items()
        },
    }


def _source(rows: dict[str, Row], names: Sequence[str], target: Target) -> dict[str, object]:
    row = next(rows[name] for name in names if name in rows)
    return {
        "source": "modbus",
        "uri": f"{target.host}:{target.port}",
        "id": target.unit,
        "register": {"address": row.address, "type": "holding", "encoding": ENCODINGS[kind(row)]},
        **({"scale": row.scale} if row.scale != 1 else {}),
    }
