"""A simulated meter: which list leaves when, and what it says (han-port sheet 4.1-4.3 and 8).

`SCHEDULES` has the vendors' rhythms, `MODELS` the meter for each net. The rhythm is locked to the real
minute. Power is constant from one sample to the next, and the counters are its exact integral; the clock
and the counters of an hourly list are always those of the same moment, `Schedule.mark_ms` after the hour.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import NamedTuple

from ..model.quantity import Quantity
from ..model.reading import Identity, ListType
from ..settings.source import SimulatedSource, SourceError
from .clock import HOUR_MS, local_time, unix_ms
from .counters import Counters, Flow
from .dialect import DIALECTS
from .encode import frame
from .faults import misbehaving
from .household import Household
from .mains import NETS, Mains, Weather
from .telegram import Message, Telegram


class Schedule(NamedTuple):
    """A vendor's rhythm, in ms: a sample each `grid_ms`, list 2 every ten seconds, list 1 between them.

    The hourly list leaves `hourly_ms` after the hour, in place of a list 2 that is due then; its clock
    and counters are those of `mark_ms` after the hour.
    """

    grid_ms: int
    hourly_ms: int
    mark_ms: int

    def hour(self) -> list[tuple[int, ListType]]:
        """What leaves in an hour: ms after it, and the list."""
        lists = dict.fromkeys(range(0, HOUR_MS, self.grid_ms), ListType.FAST)
        lists |= dict.fromkeys(range(0, HOUR_MS, 10000), ListType.TEN_SECONDS)
        return sorted((lists | {self.hourly_ms: ListType.HOURLY}).items())


SCHEDULES: dict[str, Schedule] = {
    "aidon": Schedule(grid_ms=2_500, hourly_ms=10_000, mark_ms=0),
    "kaifa": Schedule(grid_ms=2_000, hourly_ms=10_000, mark_ms=10_000),
    "kamstrup": Schedule(grid_ms=10_000, hourly_ms=5_000, mark_ms=5_000),
}

MODELS: dict[tuple[str, str], str] = {
    ("aidon", "1"): "6515",
    ("aidon", "it"): "6525",
    ("aidon", "tn"): "6534",
    ("kaifa", "1"): "MA105H2E",
    ("kaifa", "it"): "MA304H3E",
    ("kaifa", "tn"): "MA304H4",
    ("kamstrup", "1"): "6861111BN242101040",
    ("kamstrup", "it"): "6841121BN243101040",
    ("kamstrup", "tn"): "6841131BN243101040",
}

ID_BEGINS = {"aidon": "735999", "kaifa": "69706314", "kamstrup": "5706567"}
ID_DIGITS = 16

LEFT_OUT = {("aidon", "it"): (Quantity.CURR_L2,)}
"""What a 3-wire meter does not send at all."""

SENT_AS_ZERO = {("kaifa", "it"): (Quantity.VOLT_L2,)}
"""What a 3-wire meter sends as zero, for it does not measure it (KFM18 p3)."""

SIGNED_CURRENTS = ("aidon",)
"""Who sends a current with the sign of its element's active power (sheet 4.1)."""

CURRENTS = (Quantity.CURR_L1, Quantity.CURR_L2, Quantity.CURR_L3)
VOLTAGES = (Quantity.VOLT_L1, Quantity.VOLT_L2, Quantity.VOLT_L3)
ELEMENTS = {"1": CURRENTS[:1], "it": (Quantity.CURR_L1, Quantity.CURR_L3), "tn": CURRENTS}
"""The current of each measuring element."""


def telegrams(source: SimulatedSource, start: datetime) -> Iterator[Telegram]:
    """All telegrams from the first on the grid at or after `start`, without end.

    `start`: aware; the source's own `start` goes before it. Raises `SourceError` for a source that makes
    no sense, ValueError for a naive `start`.
    """
    begin_ms = unix_ms(_own_start(source.start) or start)
    return misbehaving(_regular(source, begin_ms), source)


def identity(source: SimulatedSource) -> Identity:
    """An invented meter: its id has the vendor's form and is drawn from the seed."""
    begins = ID_BEGINS[source.vendor]
    digits = ID_DIGITS - len(begins)
    number = Random(f"{source.seed}:{source.vendor}").randrange(10**digits)
    model = MODELS[source.vendor, source.net]
    return Identity(DIALECTS[source.vendor].list_version, f"{begins}{number:0{digits}}", model)


def _own_start(text: str) -> datetime | None:
    """The start in a source's text; UTC where it names no time zone."""
    try:
        start = datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise SourceError(f"start= must be a time such as 2025-12-14T15:59:50Z, not {text!r}") from error
    return start.replace(tzinfo=UTC) if start and start.tzinfo is None else start


def _regular(source: SimulatedSource, begin_ms: int) -> Iterator[Telegram]:
    """The telegrams of a meter without faults."""
    meter = _Meter(source)
    for moment in meter.moments(begin_ms // HOUR_MS * HOUR_MS):
        if moment.at_ms >= begin_ms:
            message = meter.message(moment)
            yield Telegram(moment.at_ms - begin_ms, moment.at_ms, message, moment.counters, frame(message))


class _Moment(NamedTuple):
    """When a list leaves (UTC, ms since 1970): the power and the counters then, the counters at the mark."""

    at_ms: int
    list_type: ListType
    flow: Flow
    counters: Counters
    marked: Counters


class _Meter:
    """A meter, its house and its net."""

    def __init__(self, source: SimulatedSource) -> None:
        self._vendor, self._net = self._model = source.vendor, source.net
        self._schedule = SCHEDULES[source.vendor]
        self._identity = identity(source)
        self._weather = Weather(source.seed)
        self._house = Household(
            seed=source.seed,
            net=source.net,
            solar_w=source.solar_w,
            slot_ms=self._schedule.grid_ms,
        )

    def moments(self, hour_ms: int) -> Iterator[_Moment]:
        """All that is sent from a full hour on; it begins there, so that the hour's mark is known."""
        schedule, house = self._schedule, self._house
        marked = counters = house.counters(hour_ms)
        flow, before_ms = house.flow(hour_ms), hour_ms
        for at_ms, list_type in _instants(schedule, hour_ms):
            counters, before_ms = counters.plus(flow, at_ms - before_ms), at_ms
            flow = house.flow(at_ms)
            marked = counters if at_ms % HOUR_MS == schedule.mark_ms else marked
            yield _Moment(at_ms, list_type, flow, counters, marked)

    def message(self, moment: _Moment) -> Message:
        """What a list says."""
        base = DIALECTS[self._vendor].clock.base
        hourly = moment.list_type is ListType.HOURLY
        mark_ms = moment.at_ms // HOUR_MS * HOUR_MS + self._schedule.mark_ms
        return Message(
            vendor=self._vendor,
            list_type=moment.list_type,
            identity=self._identity,
            values=self._values(moment) | (moment.marked.in_wh() if hourly else {}),
            sent=local_time(moment.at_ms, base),
            clock=local_time(mark_ms, base) if hourly else None,
        )

    def _values(self, moment: _Moment) -> dict[Quantity, int]:
        if moment.list_type is ListType.FAST:
            return {Quantity.ACT_POW_POS: max(moment.flow.active, 0)}
        loads = self._house.loads(moment.at_ms)
        measured = NETS[self._net](loads, self._weather.factors(moment.at_ms))
        return _powers(moment.flow) | self._measured(measured)

    def _measured(self, mains: Mains) -> dict[Quantity, int]:
        """Currents and voltages, as far as the meter sends them."""
        values = dict(zip(CURRENTS, mains.currents, strict=False))
        values |= dict(zip(VOLTAGES, mains.voltages, strict=False))
        if self._vendor in SIGNED_CURRENTS:
            values |= _exporting(values, dict(zip(ELEMENTS[self._net], mains.elements, strict=True)))
        for quantity in LEFT_OUT.get(self._model, ()):
            del values[quantity]
        for quantity in SENT_AS_ZERO.get(self._model, ()):
            values[quantity] = 0
        return values


def _instants(schedule: Schedule, hour_ms: int) -> Iterator[tuple[int, ListType]]:
    """All moments of sending from a full hour on."""
    hour = schedule.hour()
    for begins_ms in count(hour_ms, HOUR_MS):
        for ms, list_type in hour:
            yield begins_ms + ms, list_type


def _exporting(values: dict[Quantity, int], elements: dict[Quantity, float]) -> dict[Quantity, int]:
    """The currents of elements that export, negative."""
    return {current: -values[current] for current, watts in elements.items() if watts < 0}


def _powers(flow: Flow) -> dict[Quantity, int]:
    """Import and export apart, one of them zero."""
    return {
        Quantity.ACT_POW_POS: max(flow.active, 0),
        Quantity.ACT_POW_NEG: max(-flow.active, 0),
        Quantity.REACT_POW_POS: max(flow.reactive, 0),
        Quantity.REACT_POW_NEG: max(-flow.reactive, 0),
    }
