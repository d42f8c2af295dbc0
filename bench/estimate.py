"""`python -m bench estimate`: how far an estimated energy and the forecast of an hour are from the truth.

Days of simulated households, and of real meters where there are recordings (bytes of a HAN port with a power
every 2 s or so). The truth is the integral of all powers; the meter's register is that, cut off to its step
and sent 10 s after the full hour. The rule of before, that a register is taken as exact and a forecast goes
on with the mean of the last ten minutes, runs beside ours on the same powers.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from han2x.cli.decode import decoded
from han2x.model.estimate import WMS_PER_WH, Estimate
from han2x.model.load import MINUTE_MS, Ahead, Load
from han2x.model.quantity import Quantity
from han2x.simulator.household import Household
from han2x.tariff.budget import Pace, budget
from han2x.wire.result import Discarded

from .decode import TELEGRAMS
from .harness import Bar, Figure, median_of

HOUR_MS = 3_600_000
LATE_MS = 10_000
DAY_MS = 24 * HOUR_MS
SLOT_MS = 2000
BEGIN_MS = 1_767_225_600_000  # 2026-01-01
EPOCH = datetime(1970, 1, 1)
STILL_S, NOTICED_S = 5.0, 30.0
Series = Sequence[tuple[int, int]]
"""Moments, ms, and the import power, W, from then on."""


class Meter(NamedTuple):
    """A kind of meter: how often it sends power, how finely it counts, whose it is, and its p95's bar."""

    title: str
    list_ms: int
    step_wh: int
    vendor: str
    bar_wh: float


METERS = (
    Meter("1 Wh, every 2 s (Kaifa)", 2000, 1, "kaifa", 0.5),
    Meter("10 Wh, every 2 s (Aidon)", 2000, 10, "aidon", 4),
    Meter("10 Wh, every 10 s (Kamstrup)", 10_000, 10, "kamstrup", 10),
)


class Errors(NamedTuple):
    """Of an estimate, in Wh: the mean, and what 95 of 100 are below; the longest time it stood still, s."""

    mean: float
    p95: float
    still_s: float


def simulated(seed: int, day: int) -> Series:
    """A day of a household without solar power."""
    house = Household(seed=seed, net="it", solar_w=0, slot_ms=SLOT_MS)
    begin = BEGIN_MS + day * DAY_MS
    return [(at, max(0, house.flow(at).active)) for at in range(begin, begin + DAY_MS, SLOT_MS)]


def taken_as_exact(estimate: Estimate, wh: int, mark_ms: int, vendor: str) -> Estimate:
    """The rule of before."""
    found = Estimate(samples=estimate.samples).registered(wh, mark_ms=mark_ms)
    return replace(found, shown=max(found.shown, estimate.shown))


def cut_off(estimate: Estimate, wh: int, mark_ms: int, vendor: str) -> Estimate:
    """Ours."""
    return estimate.registered(wh, mark_ms=mark_ms, vendor=vendor)


Rule = Callable[[Estimate, int, int, str], Estimate]
RULES: dict[str, Rule] = {"taken as exact": taken_as_exact, "ours": cut_off}


def errors(series: Series, meter: Meter, rule: Rule, first_wms: int) -> Errors:
    """How a rule fares; `first_wms`: what the meter has counted at the first power."""
    off, still = [], 0.0
    estimate, energy, last_ms, last_w = Estimate(), first_wms, series[0][0], 0
    due: tuple[int, int] | None = None
    moved_ms, moved = series[0][0], 0
    for at, power in series:
        hour = at - at % HOUR_MS
        if last_ms < hour <= at:
            counted = (energy + last_w * (hour - last_ms)) // (meter.step_wh * WMS_PER_WH) * meter.step_wh
            due = (counted, hour)
        energy += last_w * (at - last_ms)
        last_ms, last_w = at, power
        if at % meter.list_ms == series[0][0] % meter.list_ms:
            estimate = estimate.powered(power, at)
        if due and at >= due[1] + LATE_MS:
            estimate, due = rule(estimate, due[0], due[1], meter.vendor), None
        if not estimate.known or at % meter.list_ms:
            continue
        off.append((estimate.shown - energy) / WMS_PER_WH)
        if estimate.shown != moved or power == 0:
            moved_ms, moved = at, estimate.shown
        still = max(still, (at - moved_ms) / 1000)
    return Errors(sum(off) / len(off), sorted(map(abs, off))[len(off) * 95 // 100], still)


class Forecast:
    """What the rest of an hour is expected to take, by the rule of before or by ours."""

    def __init__(self, *, ours: bool) -> None:
        self._ours = ours
        self._estimate, self._load = Estimate(), Load()

    def powered(self, power: int, at_ms: int) -> None:
        """A telegram with a power."""
        self._estimate = self._estimate.powered(power, at_ms)
        load = self._load.after(self._estimate.samples)
        self._load = load if self._ours else replace(load, change=None, rise=None, lasted=())

    def rest(self, power: int, at_ms: int, rest_ms: int) -> int:
        """Wh that are expected in the time left."""
        ahead = self._load.ahead(at_ms) or Ahead(power)
        pace = Pace(
            elapsed_ms=HOUR_MS - rest_ms,
            used=0,
            gap_ms=0,
            power=ahead.watts,
            rests_on_ms=0,
            passing=ahead.passing_w,
            passing_ms=ahead.passing_ms,
        )
        return budget(pace, None).forecast


def forecast_errors(series: Series, *, ours: bool) -> dict[int, list[float]]:
    """By minute of the hour: how far the forecast was from what whole hours came to, Wh."""
    found: dict[int, list[float]] = {}
    forecast, energy, last_ms, last_w = Forecast(ours=ours), 0, series[0][0], 0
    hour = series[0][0] // HOUR_MS
    begun: int | None = None
    said: dict[int, float] = {}
    for at, power in series:
        energy += last_w * (at - last_ms)
        last_ms, last_w = at, power
        if at // HOUR_MS != hour:
            for minute, came_to in said.items():
                found.setdefault(minute, []).append(abs(came_to - (energy - (begun or 0)) / WMS_PER_WH))
            hour, begun, said = at // HOUR_MS, energy, {}
        forecast.powered(power, at)
        minute = at % HOUR_MS // MINUTE_MS
        if begun is not None and minute not in said:
            rest = forecast.rest(power, at, HOUR_MS - at % HOUR_MS)
            said[minute] = (energy - begun) / WMS_PER_WH + rest
    return found


def noticed_s(before_w: int, after_w: int, *, list_ms: int, ours: bool) -> float:
    """After how many seconds a lasting step has moved the forecast by nine tenths of what it should."""
    forecast, at = Forecast(ours=ours), 0
    while at < 20 * MINUTE_MS:
        forecast.powered(before_w, at)
        at += list_ms
    was = forecast.rest(before_w, at, HOUR_MS)
    for later in range(at, at + HOUR_MS, list_ms):
        forecast.powered(after_w, later)
        if abs(forecast.rest(after_w, later, HOUR_MS) - was) >= 0.9 * abs(after_w - before_w):
            return (later - at) / 1000
    return HOUR_MS / 1000


def fooled_wh(watts: int, seconds: int, *, ours: bool) -> int:
    """By how much a kettle moves the forecast of a whole hour at most beyond what it takes itself."""
    forecast, at, most = Forecast(ours=ours), 0, 0
    while at < 20 * MINUTE_MS:
        forecast.powered(400, at)
        at += SLOT_MS
    was = forecast.rest(400, at, HOUR_MS)
    for later in range(at, at + seconds * 1000 + 5 * MINUTE_MS, SLOT_MS):
        power = 400 + (watts if later < at + seconds * 1000 else 0)
        forecast.powered(power, later)
        most = max(most, forecast.rest(power, later, HOUR_MS) - was)
    return most


def recorded(folder: Path) -> Iterator[tuple[str, Series]]:
    """Hours of powers of real meters, from recordings of their HAN ports."""
    for path in sorted(folder.glob("*.bin")):
        series: list[tuple[int, int]] = []
        for clock, power in powers(path.read_bytes()):
            at = int((clock - EPOCH).total_seconds() * 1000)
            if not series or at > series[-1][0]:
                series.append((at, power))
        gapless = all(b[0] - a[0] <= LATE_MS for a, b in pairwise(series))
        if gapless and series and series[-1][0] - series[0][0] > 4 * HOUR_MS:
            yield path.stem, series


def powers(octets: bytes) -> Iterator[tuple[datetime, int]]:
    """The meter's clock and import power of each telegram that has both."""
    for _, reading in (found for found in decoded(BytesIO(octets)) if not isinstance(found, Discarded)):
        power = reading.values.get(Quantity.ACT_POW_POS)
        if reading.clock and power is not None:
            yield reading.clock.local, power


def run(runs: int, folder: Path) -> list[Figure]:
    """Everything, of `runs` days of households and the recordings."""
    days = [("simulated", simulated(seed, 10 + 31 * seed)) for seed in range(runs)]
    kinds: dict[str, list[Series]] = {}
    for kind, series in (*days, *(("recorded", series) for _, series in recorded(TELEGRAMS / "streams"))):
        kinds.setdefault(kind, []).append(series)
    return [
        figure
        for kind, all_series in kinds.items()
        for figure in (*_estimates(kind, all_series), *_forecasts(kind, all_series))
    ] + list(_steps())


def hint(folder: Path) -> None:
    """Nothing beyond the figures helps to find out why an error is large."""


def _estimates(kind: str, all_series: Sequence[Series]) -> Iterator[Figure]:
    for meter in METERS:
        for name, rule in RULES.items():
            found = [
                errors(series, meter, rule, tenths * meter.step_wh * WMS_PER_WH // 10 + WMS_PER_WH * 10**7)
                for series in all_series
                for tenths in range(1, 10, 2)
            ]
            bar = Bar("<", meter.bar_wh) if rule is cut_off else None
            still = Bar("<", STILL_S) if rule is cut_off and meter.list_ms == SLOT_MS else None
            what = f"{kind}, {meter.title}, {name}"
            yield median_of("estimate", f"{what}: p95", [one.p95 for one in found], "Wh", bar)
            yield Figure("estimate", f"{what}: mean", mean(one.mean for one in found), "Wh")
            yield Figure("estimate", f"{what}: still", max(one.still_s for one in found), "s", bar=still)


def _forecasts(kind: str, all_series: Sequence[Series]) -> Iterator[Figure]:
    for ours, name in ((False, "before"), (True, "ours")):
        found: dict[int, list[float]] = {}
        for series in all_series:
            for minute, off in forecast_errors(series, ours=ours).items():
                found.setdefault(minute, []).extend(off)
        for minute in (5, 15, 30, 45, 55):
            yield Figure(
                "forecast", f"{kind}, {name}: mean error at minute {minute}", mean(found[minute]), "Wh"
            )
        yield Figure("forecast", f"{kind}, {name}: mean error", mean(map(mean, found.values())), "Wh")


def _steps() -> Iterator[Figure]:
    for ours, name in ((False, "before"), (True, "ours")):
        bar = Bar("<", NOTICED_S) if ours else None
        for list_ms in (2500, 10_000):
            for before_w, after_w in ((400, 3400), (3400, 400), (9000, 200)):
                what = f"{name}: {before_w} to {after_w} W noticed, list every {list_ms / 1000:g} s"
                took = noticed_s(before_w, after_w, list_ms=list_ms, ours=ours)
                yield Figure("forecast", what, took, "s", bar=bar)
        what = f"{name}: a kettle (2.2 kW, 200 s) moves an hour by"
        yield Figure("forecast", what, fooled_wh(2200, 200, ours=ours), "Wh")
