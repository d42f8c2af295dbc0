"""Periods as CSV and JSON: one line a period, scaled, in the units people read. Pure, and a stream."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo

from ..model.hour import HOUR_S, Basis, Hour
from ..model.quantity import ENERGIES, Quantity
from ..model.record import MEASURED
from ..model.view import SCALE_ONE
from .periods import Period, Sum
from .rows import Row, all_means

Value = str | int | float | None
Record = Mapping[str, Value]

FORMATS = ("csv", "json")

_ROW = ("covered_s", "net_pow_min_w", "net_pow_max_w", *(quantity.key for quantity in MEASURED), "sure")
_ENERGIES = tuple(energy.key for energy in ENERGIES)
_DRIFTS = tuple(f"drift_{key}" for key in _ENERGIES)
_HOURS = (*(f"hours_{basis.name.lower()}" for basis in Basis), "hours_missing")

COLUMNS: dict[str, tuple[str, ...]] = {
    "10s": _ROW,
    "minute": _ROW,
    "hour": ("basis", *_ENERGIES, *_DRIFTS),
    **dict.fromkeys(("day", "week", "month", "year"), (*_ENERGIES, *_DRIFTS, *_HOURS)),
}
"""By resolution, after `start`, `end` and `unix`."""


def written(found: Iterable[Period], resolution: str, form: str, zone: tzinfo) -> Iterator[str]:
    """The lines of a file, each with its end. Unknown is an empty field in CSV, null in JSON."""
    columns = ("start", "end", "unix", *COLUMNS[resolution])
    records = (record(period, zone) for period in found)
    return _csv(records, columns) if form == "csv" else _json(records, columns)


def record(period: Period, zone: tzinfo) -> Record:
    """One period: `start` and `end` in local time with its offset, `unix` the start in Unix seconds."""
    if isinstance(period, Row):
        return _times(period.start, period.start + period.span_s, zone) | _row(period)
    if isinstance(period, Hour):
        return _times(period.start, period.start + HOUR_S, zone) | _hour(period)
    return _times(period.start, period.end, zone) | _sum(period)


def _row(row: Row) -> dict[str, Value]:
    values: dict[str, Value] = {"covered_s": row.covered_s, "sure": int(row.sure)}
    values["net_pow_min_w"], values["net_pow_max_w"] = (
        None if value is None else scaled(value, row.scale) for value in (row.low, row.high)
    )
    for quantity, mean in zip(MEASURED, all_means(row), strict=True):
        if mean is not None:
            value = scaled(mean, row.scale) if quantity.scaled else mean
            values[quantity.key] = quantity.displayed(value)
    return values


def _hour(hour: Hour) -> dict[str, Value]:
    used = {energy: scaled(wh, hour.scale) for energy, wh in hour.energies.items()}
    drift = {energy: scaled(wh, hour.scale) for energy, wh in hour.drift.items()}
    return {"basis": hour.basis.name.lower(), **_energies(used), **_drifts(drift)}


def _sum(found: Sum) -> dict[str, Value]:
    hours = {f"hours_{basis.name.lower()}": found.hours.get(basis, 0) for basis in Basis}
    return {**_energies(found.energies), **_drifts(found.drift), **hours, "hours_missing": found.missing}


def _energies(values: Mapping[Quantity, int]) -> dict[str, Value]:
    return {energy.key: wh for energy, wh in values.items()}


def _drifts(values: Mapping[Quantity, int]) -> dict[str, Value]:
    return {f"drift_{energy.key}": wh for energy, wh in values.items()}


def scaled(value: int, scale: int) -> int:
    """A value by a factor in thousandths, truncated toward zero."""
    product = abs(value) * scale // SCALE_ONE
    return -product if value < 0 else product


def _times(start: int, end: int, zone: tzinfo) -> dict[str, Value]:
    texts = (datetime.fromtimestamp(seconds, UTC).astimezone(zone).isoformat() for seconds in (start, end))
    return dict(zip(("start", "end"), texts, strict=True)) | {"unix": start}


def _csv(records: Iterable[Record], columns: tuple[str, ...]) -> Iterator[str]:
    """No value has a comma or a quotation mark in it, so nothing is quoted."""
    yield ",".join(columns) + "\n"
    for found in records:
        values = (found.get(column) for column in columns)
        yield ",".join("" if value is None else str(value) for value in values) + "\n"


def _json(records: Iterable[Record], columns: tuple[str, ...]) -> Iterator[str]:
    """An array, one record a line."""
    separator = "["
    for found in records:
        yield f"{separator}\n{json.dumps({column: found.get(column) for column in columns})}"
        separator = ","
    yield "[]\n" if separator == "[" else "\n]\n"
