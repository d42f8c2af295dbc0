"""Telegraf: TOML for the `modbus` input, in its "metric" style of configuration.

A scaled field is a float, any other of its own class. Telegraf knows no marker for unknown integers.
"""

from ..listing import Row
from .choice import is_text, kind, measured
from .target import Target
from .text import inline_table, quoted

TYPES = {
    **{
        type_: type_.upper() for type_ in ("int16", "uint16", "int32", "uint32", "int64", "uint64", "float32")
    },
    "acc32": "UINT32",
    "text": "STRING",
}
KINDS = frozenset({*TYPES, *(f"{type_}_swap" for type_ in TYPES)})


def render(table: list[Row], target: Target) -> str:
    """An input with one metric."""
    chosen = measured(table, KINDS)
    order = "CDAB" if table[0].word_order == "low first" else "ABCD"
    fields = "".join(f"      {inline_table(_field(row))},\n" for row in chosen)
    return (
        f"# {target.title}\n"
        "[[inputs.modbus]]\n"
        f"  name = {quoted(target.name)}\n"
        f"  controller = {quoted(f'tcp://{target.host}:{target.port}')}\n"
        '  timeout = "1s"\n'
        '  configuration_type = "metric"\n\n'
        "  [[inputs.modbus.metric]]\n"
        f"    slave_id = {target.unit}\n"
        f'    byte_order = "{order}"\n'
        f"    measurement = {quoted(target.name)}\n"
        f"    fields = [\n{fields}    ]\n"
    )


def _field(row: Row) -> dict[str, str | int | float]:
    return {
        "register": "holding",
        "address": row.address,
        "name": row.name,
        "type": TYPES[kind(row).removesuffix("_swap")],
        **({"length": row.words} if is_text(row) else {}),
        **({"scale": row.scale} if row.scale != 1 else {}),
    }
