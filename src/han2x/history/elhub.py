"""Hours from Elhub's CSV, as a customer downloads it from the grid companies' common data hub. Pure.

A head names the columns: `Fra`, `Til`, and `KWH 60 Forbruk` or `KWH 60 Produksjon` or both (`15` for quarters
of an hour); `Kvalitet` and the metering point may stand beside them. Numbers have a decimal comma or point,
times are local, with or without their offset, from the first to the last or the other way. In autumn the
repeated hour is told by its place. Whatever could be understood in two ways is refused with its line.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import NamedTuple

from ..model.hour import HOUR_S, Basis, Hour
from ..model.quantity import Quantity
from .elhub_columns import Columns, Series, columns_of
from .elhub_text import NotElhub, Row, Table, table, text_of

_NUMBER = re.compile(r"\d+([.,]\d+)?|\d{1,3}( \d{3})+([.,]\d+)?")
_POINT = re.compile(r"\d{18}")
_TIMES = ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H.%M")
WH_MAX = 10**9
"""More than a gigawatt hour in an hour is no customer's."""


class Line(NamedTuple):
    """One line that counts: its number, its times as they stand there, and its energies, Wh."""

    number: int
    text: str
    start: datetime
    end: datetime | None
    energies: Mapping[Quantity, int]


class Import(NamedTuple):
    """What a file holds: its whole hours in order, and the beginnings of those in between that are not whole.

    `metering_point`: "" if the file names none. `qualities`: how many lines are of which.
    """

    hours: list[Hour]
    missing: list[int]
    metering_point: str
    qualities: Mapping[str, int]


def read(lines: Iterable[str], zone: tzinfo) -> Iterator[Hour]:
    """The whole hours in the lines of a file, from the first to the last; raises `NotElhub`."""
    return iter(understood("\n".join(line.rstrip("\r\n") for line in lines), zone).hours)


def read_file(content: bytes, zone: tzinfo, metering_point: str = "") -> Import:
    """What the bytes of a file hold; raises `NotElhub`."""
    return understood(text_of(content), zone, metering_point)


def understood(text: str, zone: tzinfo, metering_point: str = "") -> Import:
    """What the text of a file holds. `zone`: of its times. `metering_point`: whose, if there are several.

    Raises `NotElhub` at the first thing that is wrong, or could mean another thing as well.
    """
    found = table(text.removeprefix("\ufeff"), lambda names: columns_of(names) is not None)
    columns = columns_of(found.head.fields)
    assert columns  # it is what the table was found by
    rows = list(found.rows)
    point = _metering_point(found, rows, columns, metering_point)
    if point and columns.point >= 0:
        rows = [row for row in rows if _field(row, columns.point) == point]
    _check_fields(rows, columns, found.delimiter)
    lines = [_line(row, columns) for row in rows]
    interval_s = _interval_s(lines, columns)
    starts = _moments(lines, zone, interval_s)
    hours = list(_whole_hours(zip(starts, lines, strict=True), interval_s))
    qualities = Counter(_field(row, columns.quality) for row in rows) if columns.quality >= 0 else {}
    return Import(hours, _missing(hours, starts), point, qualities)


def _metering_point(found: Table, rows: list[Row], columns: Columns, wanted: str) -> str:
    """Whose values they are: of the column, else of what stands before the head; "" if nothing says so."""
    if columns.point >= 0:
        points = {_field(row, columns.point): row.line for row in reversed(rows)}
    else:
        points = {field: row.line for row in found.before for field in row.fields if _POINT.fullmatch(field)}
    if wanted and wanted not in points:
        raise NotElhub(f"nothing in the file is of metering point {wanted}: it has {_listed(points)}")
    if not wanted and len(points) > 1:
        second = sorted(points.values())[1]
        raise NotElhub(
            f"line {second}: another metering point begins. The file has {_listed(points)}: name one of them"
        )
    return wanted or next(iter(points), "")


def _listed(points: Iterable[str]) -> str:
    return ", ".join(sorted(point or "one without a number" for point in points)) or "none"


def _field(row: Row, index: int) -> str:
    return row.fields[index] if 0 <= index < len(row.fields) else ""


def _check_fields(rows: list[Row], columns: Columns, delimiter: str) -> None:
    """Each line has the fields of the head; one too many is most often a decimal comma without quotes."""
    needed = max(columns.start, *columns.series)
    signs: dict[str, int] = {}
    for row in rows:
        if any(row.fields[columns.width :]):
            why = "has a number a decimal comma and no quotes?" if delimiter == "," else "what is the last?"
            raise NotElhub(
                f"line {row.line}: {len(row.fields)} fields, and the head names {columns.width}: {why}"
            )
        if len(row.fields) <= needed:
            raise NotElhub(f"line {row.line}: too few columns")
        for index in columns.series if delimiter != "," else ():
            signs |= {sign: row.line for sign in ",." if sign in row.fields[index]}
        if len(signs) > 1:
            raise NotElhub(
                f"line {row.line}: a decimal point and, elsewhere, a decimal comma: one may divide thousands"
            )


def _line(row: Row, columns: Columns) -> Line:
    try:
        start = _local(row.fields[columns.start])
        end = _local(text) if (text := _field(row, columns.end)) else None
        energies = {
            series.flow: _wh(row.fields[index], series, columns.names[index])
            for index, series in columns.series.items()
            if row.fields[index]
        }
    except (ValueError, OverflowError) as error:
        raise NotElhub(f"line {row.line}: {error}") from None
    return Line(row.line, row.fields[columns.start], start, end, energies)


def _local(text: str) -> datetime:
    for form in _TIMES:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    try:
        if len(text) > len("2025-12-31"):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise NotElhub(f"{text!r} is no time such as 31.12.2025 23:00")


def _wh(text: str, series: Series, column: str) -> int:
    """An energy as text to Wh."""
    if not _NUMBER.fullmatch(text):
        if re.fullmatch(r"-[\d.,]+|[\d.,]*e\d+|nan|inf", text.lower()):
            raise NotElhub(f"{text!r} is no energy of an hour (column {column})")
        raise NotElhub(f"{text!r} is no number of kWh (column {column})")
    value = Decimal(text.replace(" ", "").replace(",", ".")) * series.unit_wh
    if value > WH_MAX:
        raise NotElhub(f"{text!r} is no energy of an hour (column {column})")
    return round(value)


def _interval_s(lines: list[Line], columns: Columns) -> int:
    """How long an interval is: as the columns are called, else as the first line's `Til` says."""
    named = next(iter(columns.series.values())).interval_s
    if named:
        return named
    for line in lines:
        length = line.end - line.start if line.end else None
        if length in (timedelta(minutes=15), timedelta(hours=1)):
            return int(length.total_seconds())
        raise NotElhub(f"line {line.number}: neither the head nor the times say how long an interval is")
    return HOUR_S


def _moments(lines: list[Line], zone: tzinfo, interval_s: int) -> list[int]:
    """When each line begins, Unix seconds; the lines are put in order, each after the one before."""
    _check_offsets(lines)
    if len(lines) > 1 and _naive(lines[0].start) > _naive(lines[-1].start):
        lines.reverse()
    starts: list[int] = []
    for index, line in enumerate(lines):
        before = starts[-1] if starts else None
        start = _moment(line, before, zone, lines[index + 1 : index + 1 + 2 * HOUR_S // interval_s])
        if start % interval_s:
            raise NotElhub(f"line {line.number}: {line.text} begins no interval of the file")
        if before is not None and start <= before:
            what = "is there twice" if start == before else "is out of order"
            raise NotElhub(f"line {line.number}: {line.text} {what}")
        _check_end(line, start, interval_s, zone)
        starts.append(start)
    return starts


def _check_offsets(lines: list[Line]) -> None:
    for line in lines:
        if (line.start.tzinfo is None) is not (lines[0].start.tzinfo is None):
            raise NotElhub(
                f"line {line.number}: {line.text}: some times have their offset, and others have not"
            )


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _moment(line: Line, before: int | None, zone: tzinfo, after: list[Line]) -> int:
    """Unix seconds. Of an hour that comes twice, the lines before and after tell which it is."""
    local = line.start
    try:
        if local.tzinfo is not None:
            return int(local.timestamp())
        first, second = (int(local.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
        known = datetime.fromtimestamp(first, zone).replace(tzinfo=None) == local
    except (OverflowError, ValueError, OSError):
        raise NotElhub(f"line {line.number}: {line.text} is no time of this century") from None
    if first == second:
        return first
    if not known:
        raise NotElhub(f"line {line.number}: {line.text} is not: clocks go forward then")
    if any(one.start == local for one in after):
        return first
    if before is not None and first <= before < second:
        return second
    raise NotElhub(f"line {line.number}: {line.text} comes twice when clocks go back, and stands here once")


def _check_end(line: Line, start: int, interval_s: int, zone: tzinfo) -> None:
    if line.end is None:
        return
    end = line.end if line.end.tzinfo else None
    ends = {int((end or line.end.replace(tzinfo=zone, fold=fold)).timestamp()) - start for fold in (0, 1)}
    if interval_s not in ends:
        raise NotElhub(
            f"line {line.number}: from {line.text} it is not {interval_s // 60} minutes to {line.end}"
        )


def _whole_hours(lines: Iterable[tuple[int, Line]], interval_s: int) -> Iterator[Hour]:
    """Intervals summed up to hours; an hour that lacks a quarter is none."""
    parts = HOUR_S // interval_s
    hour: int | None = None
    found: list[Mapping[Quantity, int]] = []
    for start, line in lines:
        if start // HOUR_S != hour:
            hour, found = start // HOUR_S, []
        found.append(line.energies)
        energies = _summed(found) if len(found) == parts else {}
        if energies:
            yield Hour(start=hour * HOUR_S, energies=energies, basis=Basis.IMPORTED, drift={})


def _summed(found: list[Mapping[Quantity, int]]) -> dict[Quantity, int]:
    return {
        flow: sum(energies[flow] for energies in found)
        for flow in found[0]
        if all(flow in energies for energies in found)
    }


def _missing(hours: list[Hour], starts: list[int]) -> list[int]:
    """The beginnings of the hours between the first and the last line that are not whole."""
    if not starts:
        return []
    whole = {hour.start for hour in hours}
    first = starts[0] // HOUR_S * HOUR_S
    return [start for start in range(first, starts[-1] + 1, HOUR_S) if start not in whole]
