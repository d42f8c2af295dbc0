"""The text of a tariff file."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any


def text(table: Mapping[str, Any]) -> str:
    """TOML of a tariff's table: what it is, then its periods."""
    head = [f"{name} = {_value(value)}" for name, value in table.items() if name != "periods"]
    parts = ["\n".join(head), *("\n".join(_period(period)) for period in table["periods"])]
    return "\n\n".join(parts) + "\n"


def _period(period: Mapping[str, Any]) -> Iterator[str]:
    yield "[[periods]]"
    for name, value in period.items():
        yield f"{name} = {_rows(value) if _is_table_list(value) else _value(value)}"


def _is_table_list(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, dict) for one in value)


def _rows(rows: list[Mapping[str, Any]]) -> str:
    if len(rows) == 1:
        return f"[{_inline(rows[0])}]"
    return "\n".join(["[", *(f"  {_inline(row)}," for row in rows), "]"])


def _inline(row: Mapping[str, Any]) -> str:
    return "{ " + ", ".join(f"{name} = {_value(value)}" for name, value in row.items()) + " }"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        plain = f"{value:f}"
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
