"""The service that brings spot prices in, from a file that is read again when it changes, or from the web."""

import asyncio
import random
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from ..runtime.gateway import Gateway, Trouble
from ..runtime.health import Condition
from ..settings.schema import Prices
from ..tariff.calendar import day_start, local, month_of
from ..tariff.price_feed import MOST_OCTETS, Unreadable, of_day, rows
from ..tariff.prices import QUARTER_S, Row, Series
from . import web
from .files import modified, read_text

LOOK_S = 30.0
"""How often the file is looked at for changes."""

ASK_S = 1200.0
"""How often the web is asked for days that are missing, and half of that more by chance, so that not all
gateways ask at once."""

BETWEEN_S = 1.0
"""Pause from one day's file to the next."""

PUBLISHED_HOUR = 13
"""Tomorrow's prices are there in the afternoon, local time; before that nobody asks."""


async def run(section: Prices, gateway: Gateway, name: str) -> None:
    """Bring prices in until cancelled; raises `Trouble` for a wrong file."""
    known = gateway.accounts.prices.value
    if known is None or known.area != section.area:
        gateway.accounts.prices.set(Series(section.area))
    await (_from_web if section.source == "web" else _from_file)(section, gateway, name)


async def _from_file(section: Prices, gateway: Gateway, name: str) -> None:
    """Without a file, prices come by API or MQTT, and there is nothing to do."""
    path = Path(section.file)
    while section.file:
        seen = await asyncio.to_thread(modified, path)
        await gateway.accounts.feed(partial(_read, path))
        gateway.report(name, Condition.OK)
        while await asyncio.to_thread(modified, path) == seen:
            await asyncio.sleep(LOOK_S)
    gateway.report(name, Condition.OK)
    await asyncio.Event().wait()


def _read(path: Path) -> list[Row]:
    try:
        return rows(read_text(path, MOST_OCTETS))
    except Unreadable as error:
        raise Trouble(f"{path}: {error}") from None


async def _from_web(section: Prices, gateway: Gateway, name: str) -> None:
    """Ask for what is missing now and then; a day in the past that is not there is not asked for again."""
    absent: set[date] = set()
    while True:
        try:
            await ask(section, gateway, absent)
            gateway.report(name, Condition.OK)
        except Trouble as trouble:
            gateway.report(name, Condition.FAILING, f"{trouble}; prices already known stay")
        await asyncio.sleep(ASK_S * random.uniform(1.0, 1.5))


async def ask(section: Prices, gateway: Gateway, absent: set[date], fetch: web.Fetch = web.fetch) -> None:
    """Fetch the days that are missing, one after the other; raises `Trouble` at the first that fails."""
    for day in _missing(gateway, absent):
        address = web.address(section.url, section.area, day)
        content = await asyncio.to_thread(fetch, address)
        if content is None:
            absent.add(day)
        else:
            try:
                await gateway.accounts.feed(partial(of_day, content))
            except Unreadable as error:
                raise Trouble(f"{address}: {error}") from None
        await asyncio.sleep(BETWEEN_S)


def _missing(gateway: Gateway, absent: set[date]) -> list[date]:
    """The days from the month's first to the last that is published, today first, of which prices lack."""
    zone = gateway.accounts.zone
    now = local(gateway.local_time(gateway.now()).unix_ms // 1000, zone)
    today, last = now.date(), now.date() + timedelta(days=now.hour >= PUBLISHED_HOUR)
    absent -= {last}  # the newest may come any time
    first = month_of(today)
    days = [first + timedelta(days=count) for count in range((last - first).days + 1)]
    wanted = [day for day in days if day not in absent and not _complete(gateway, day)]
    return sorted(wanted, key=lambda day: (day < today, day))


def _complete(gateway: Gateway, day: date) -> bool:
    zone, series = gateway.accounts.zone, gateway.accounts.prices.value
    quarters = range(day_start(day, zone), day_start(day + timedelta(days=1), zone), QUARTER_S)
    return series is not None and all(quarter in series.quarters for quarter in quarters)
