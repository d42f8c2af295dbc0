"""Quoting: YAML, TOML, CSV and names, as far as register lists need them."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def quoted(value: str) -> str:
    """A string in double quotes, which JSON, YAML and TOML read alike."""
    return json.dumps(value, ensure_ascii=False)


def scalar(value: str | int | float) -> str:
    """A string or a number in YAML or TOML."""
    return quoted(value) if isinstance(value, str) else repr(value)


def yaml(value: Any, indent: int = 0) -> str:
    """Mappings, sequences, strings and numbers as a block of YAML."""
    pad = "  " * indent
    if isinstance(value, Mapping):
        return "".join(f"{pad}{key}:{_below(item, indent)}" for key, item in value.items())
    items = (yaml(item, indent + 1) for item in value)
    return "".join(f"{pad}- {item[len(pad) + 2 :]}" for item in items)


def _below(value: Any, indent: int) -> str:
    if isinstance(value, (str, int, float)):
        return f" {scalar(value)}\n"
    return f"\n{yaml(value, indent + 1)}"


def inline_table(values: Mapping[str, str | int | float]) -> str:
    """A TOML table on one line."""
    return "{ " + ", ".join(f"{key} = {scalar(value)}" for key, value in values.items()) + " }"


def separated(lines: Iterable[Sequence[object]], separator: str = ",") -> str:
    """Lines of values with a separator."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(lines)
    return text.getvalue()
