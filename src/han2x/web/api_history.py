"""What was measured, and what power costs."""

import asyncio

from starlette.responses import Response

from ..model.hour import HOUR_S
from ..runtime.accounts import use
from ..runtime.gateway import Trouble
from ..runtime.providers import Archive, Span
from ..tariff.cost_periods import begins, period_costs
from ..tariff.price_feed import Unreadable, rows
from ..tariff.prices import QUARTER_S
from . import shapes
from .api_meters import named
from .endpoint import JSON, Call, Refusal
from .events import dumps
from .long_answers import Kind
from .meter import MILLIOERE, cost
from .streaming import attachment, from_thread
from .times import iso, seconds

RESOLUTIONS = ("10s", "minute", "hour", "day", "week", "month", "year")
LONGEST_S = {"10s": 15 * 86_400, "minute": 401 * 86_400}
"""How much may be asked for at once in the fine resolutions."""

COSTS_LONGEST_S = {"hour": 62 * 86_400, "day": 401 * 86_400, "month": 3660 * 86_400}

EARLIEST, LATEST = 0, 4_102_444_800
DAY_S = 86_400


def _archive(call: Call) -> Archive:
    if call.gateway.providers.archive is None:
        raise Refusal(404, "no_history", "No history is kept.")
    return call.gateway.providers.archive


def _span(call: Call, begin: int, end: int) -> tuple[int, int]:
    """The time that is asked for, with what it is where that is not said; raises `Refusal`."""
    try:
        begin, end = (
            seconds(text) if text else default
            for text, default in ((call.query["begin"], begin), (call.query["end"], end))
        )
    except ValueError:
        raise Refusal(400, "query", "begin and end must be moments such as 2026-11-22T16:00:00Z.") from None
    if not EARLIEST <= begin <= end <= LATEST:
        raise Refusal(400, "query", "begin must be before end, both from 1970 to 2100.")
    return begin, end


def _now_s(call: Call, meter: str | None = None) -> int:
    return call.gateway.local_time(call.now, meter).unix_ms // 1000


async def show(call: Call) -> Response:
    """What is known of a meter, as columns for plots or as CSV."""
    name, archive = named(call, call.path["meter"]).id, _archive(call)
    now_s, resolution = _now_s(call, name) + 1, call.query["resolution"]
    begin, end = _span(call, now_s - DAY_S, now_s)
    if end - begin > LONGEST_S.get(resolution, end - begin):
        raise Refusal(400, "query", "That is too long a time for this resolution.")
    csv = call.query["format"] == "csv"
    lines = (archive.csv if csv else archive.columns)(name, resolution, begin, end)
    headers = attachment(f"{name}-{resolution}.csv") if csv else None
    try:
        return await from_thread(call, Kind.HISTORY, lines, "text/csv" if csv else JSON, headers)
    except Trouble as trouble:
        raise Refusal(503, "history", str(trouble), retry_s=10) from None


async def extent(call: Call) -> dict[str, shapes.ExtentShape]:
    """How much is known of a meter."""
    name, archive = named(call, call.path["meter"]).id, _archive(call)
    try:
        found = await asyncio.to_thread(archive.extent, name)
    except Trouble as trouble:
        raise Refusal(503, "history", str(trouble), retry_s=10) from None
    return {resolution: _extent(span) for resolution, span in found.items()}


def _extent(span: Span) -> shapes.ExtentShape:
    first, last = (iso(at * 1000) if span.rows else None for at in (span.first, span.last))
    return {"count": span.rows, "first": first, "last": last}


async def costs(call: Call) -> list[shapes.PeriodCostShape]:
    """What each period cost, as far as its hours and prices are known."""
    named_meter, archive = named(call, call.path["meter"]), _archive(call)
    accounts, period = call.gateway.accounts, call.query["period"]
    now_s = _now_s(call, named_meter.id) // HOUR_S * HOUR_S
    begin, end = _span(call, now_s - 31 * DAY_S, now_s)
    if end - begin > COSTS_LONGEST_S[period]:
        raise Refusal(400, "query", "That is too long a time for this period.")
    terms, zone = accounts.terms(named_meter), accounts.zone
    if terms is None:
        raise Refusal(404, "no_prices", "No prices are known, or costs are switched off.")

    def work() -> list[shapes.PeriodCostShape]:
        found = archive.hours(named_meter.id, begins(begin, zone), min(end, now_s))
        made = period_costs(
            terms, map(use, found), begin=begin, end=min(end, now_s), period=period, zone=zone
        )
        return [{"t": iso(one.start * 1000), "end": iso(one.end * 1000), **cost(one.cost)} for one in made]

    try:
        return await asyncio.to_thread(work)
    except Trouble as trouble:
        raise Refusal(503, "history", str(trouble), retry_s=10) from None


async def prices(call: Call) -> list[shapes.PriceRow]:
    """Spot prices by quarters of an hour; of today and tomorrow where it is not said."""
    now_s = _now_s(call)
    begin, end = _span(call, now_s - DAY_S, now_s + 2 * DAY_S)
    series = call.gateway.accounts.prices.value
    known = series.quarters if series else {}
    return [
        {
            "t": iso(start * 1000),
            "nok_per_kwh": known[start].price / MILLIOERE,
            "provisional": not known[start].final,
        }
        for start in sorted(known)
        if begin - QUARTER_S < start < end
    ]


async def feed_prices(call: Call) -> None:
    """Take prices in."""
    try:
        await call.gateway.accounts.feed(lambda: rows(dumps(call.body)))
    except (Unreadable, ValueError) as error:
        raise Refusal(422, "prices", str(error)) from None
