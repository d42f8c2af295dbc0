"""Hours from Elhub's CSV, as a customer downloads it from the grid companies' common data hub. Pure.

A head line names the columns: `Fra`, `Til`, and `KWH 60 Forbruk` or `KWH 60 Produksjon` or both (`15` for
quarters of an hour); others, such as `Kvalitet`, are not needed. Fields stand between semicolons or commas,
numbers have a decimal comma or point, times are Norwegian local times, with or without their offset. In
autumn the repeated hour is told by its place: it comes after the first.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import NamedTuple

from ..model.hour import HOUR_S, Basis, Hour
from ..model.quantity import Quantity

_FLOWS = {"forbruk": Quantity.ACT_ENERGY_POS, "produksjon": Quantity.ACT_ENERGY_NEG}
_SERIES = re.compile(r"kwh (15|60) (forbruk|produksjon)")
_TIMES = ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S")
WH_MAX = 10**9
"""More than a gigawatt hour in an hour is no customer's."""


class NotElhub(ValueError):
    """A file that cannot be understood; the message says where and why."""


class _Layout(NamedTuple):
    """Where in a line the time is, and each flow; how long an interval is."""

    start: int
    flows: Mapping[int, Quantity]
    interval_s: int


def read(lines: Iterable[str], zone: tzinfo) -> Iterator[Hour]:
    """The whole hours in a file, as they stand in it; hours without a number are left out.

    `lines`: of the file. `zone`: of its times. Raises `NotElhub`.
    """
    told = iter(lines)
    head = next(told, "").lstrip("\ufeff")
    delimiter = ";" if ";" in head else "\t" if "\t" in head else ","
    rows = _rows(chain([head], told), delimiter)
    layout = _layout(next(rows)[1])
    return _whole_hours(_intervals(rows, layout, zone), layout.interval_s)


def _rows(lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The fields of each line, and its number; an empty one has none."""
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise NotElhub(f"line {reader.line_num}: {error}") from None
        yield reader.line_num, row


def _layout(names: list[str]) -> _Layout:
    plain = [" ".join(name.strip().lower().split()) for name in names]
    series = {index: found for index, name in enumerate(plain) if (found := _SERIES.fullmatch(name))}
    lengths = {found[1] for found in series.values()}
    if "fra" not in plain or len(lengths) != 1:
        raise NotElhub(
            "line 1: no Elhub file: it needs the columns Fra and KWH 60 Forbruk or KWH 60 Produksjon"
        )
    flows = {index: _FLOWS[found[2]] for index, found in series.items()}
    return _Layout(plain.index("fra"), flows, int(lengths.pop()) * 60)


_Interval = tuple[int, Mapping[Quantity, int]]


def _intervals(rows: Iterator[tuple[int, list[str]]], layout: _Layout, zone: tzinfo) -> Iterator[_Interval]:
    """Each line's beginning (Unix seconds) and energies (Wh)."""
    before = None
    for number, row in rows:
        if not any(field.strip() for field in row):
            continue
        try:
            start = _moment(row[layout.start], zone, before)
            energies = {flow: _wh(row[index]) for index, flow in layout.flows.items() if row[index].strip()}
        except IndexError:
            raise NotElhub(f"line {number}: too few columns") from None
        except (ValueError, OverflowError) as error:
            raise NotElhub(f"line {number}: {error}") from None
        if start % layout.interval_s:
            raise NotElhub(f"line {number}: {row[layout.start]} begins no interval of the file")
        before = start
        if energies:
            yield start, energies


def _moment(text: str, zone: tzinfo, before: int | None) -> int:
    """Unix seconds; a local time that is not after the line before is the second of its name."""
    local = _local(text.strip())
    if local.tzinfo is not None:
        return int(local.timestamp())
    first, second = (int(local.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    return second if before is not None and first <= before < second else first


def _local(text: str) -> datetime:
    for form in _TIMES:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise NotElhub(f"{text!r} is no time such as 31.12.2025 23:00") from None


def _wh(text: str) -> int:
    """kWh as text to Wh."""
    plain = text.strip().replace("\xa0", "").replace(" ", "").replace(",", ".")
    try:
        value = Decimal(plain) * 1000
    except InvalidOperation:
        raise NotElhub(f"{text!r} is no number of kWh") from None
    if not (value.is_finite() and 0 <= value <= WH_MAX):
        raise NotElhub(f"{text!r} is no energy of an hour")
    return round(value)


def _whole_hours(intervals: Iterator[_Interval], interval_s: int) -> Iterator[Hour]:
    """Intervals summed up to hours; an hour that lacks a quarter is left out."""
    parts = HOUR_S // interval_s
    hour: int | None = None
    found: list[Mapping[Quantity, int]] = []
    for start, energies in intervals:
        if start // HOUR_S != hour:
            hour, found = start // HOUR_S, []
        found.append(energies)
        if len(found) == parts:
            yield Hour(start=hour * HOUR_S, energies=_summed(found), basis=Basis.IMPORTED, drift={})


def _summed(found: list[Mapping[Quantity, int]]) -> dict[Quantity, int]:
    return {
        flow: sum(energies[flow] for energies in found)
        for flow in found[0]
        if all(flow in energies for energies in found)
    }
