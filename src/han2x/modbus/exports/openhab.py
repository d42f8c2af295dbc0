"""openHAB: text for a `.things` and for an `.items` file of the Modbus binding.

A poller for each block of registers; the profile `modbus:gainOffset` gives values their scale and unit.
The binding reads no text from registers and knows no marker for unknown integers.
"""

from ..listing import Row
from ..units import unit
from .choice import blocks, kind, measured, span
from .target import Target
from .text import quoted

VALUE_TYPES = {
    "int16": "int16",
    "uint16": "uint16",
    "acc32": "uint32",
    "acc32_swap": "uint32_swap",
    **{
        f"{type_}{order}": f"{type_}{order}"
        for type_ in ("int32", "uint32", "float32", "int64", "uint64")
        for order in ("", "_swap")
    },
}
DIMENSIONS = {
    "power": "Power",
    "reactive_power": "Power",
    "apparent_power": "Power",
    "current": "ElectricCurrent",
    "voltage": "ElectricPotential",
    "frequency": "Frequency",
    "energy": "Energy",
    "reactive_energy": "Energy",
    "apparent_energy": "Energy",
    "duration": "Time",
    "temperature": "Temperature",
    "power_factor": "Dimensionless",
}


def render(table: list[Row], target: Target) -> str:
    """Both files, one after the other, each after a line that names it."""
    found = blocks(table, measured(table, VALUE_TYPES))
    pollers = [_poller(block, index) for index, block in enumerate(found)]
    items = [_item(row, index, target) for index, block in enumerate(found) for row in block]
    bridge = f"modbus:tcp:{target.name} [ host={quoted(target.host)}, port={target.port}, id={target.unit} ]"
    return (
        f"// {target.title}\n// Save this part as things/{target.name}.things\n"
        f"Bridge {bridge} {{\n"
        f"{''.join(pollers)}}}\n\n"
        f"// {target.title}\n// Save this part as items/{target.name}.items\n"
        f"{''.join(items)}"
    )


def _poller(block: list[Row], index: int) -> str:
    points = "".join(
        f'        Thing data {row.name} [ readStart="{row.address}", '
        f'readValueType="{VALUE_TYPES[kind(row)]}" ]\n'
        for row in block
    )
    return (
        f"    Bridge poller block{index} [ start={block[0].address}, length={span(block)}, "
        f'refresh=5000, type="holding" ] {{\n{points}    }}\n'
    )


def _item(row: Row, index: int, target: Target) -> str:
    found = unit(row.unit)
    decimals = 3 if row.type == "float32" else found.decimals
    shown = quoted(f"{row.meaning} [%.{decimals}f {found.base.replace('%', '%%')}]")
    return (
        f"Number:{DIMENSIONS[found.kind]} {target.name}_{row.name} {shown} "
        f'{{ channel="modbus:data:{target.name}:block{index}:{row.name}:number" '
        f'[ profile="modbus:gainOffset", gain="{found.scale} {found.base}", pre-gain-offset="0" ] }}\n'
    )
