"""The service that brings prices in: from a file, and from a web server of our own that answers as the public
one does. Nothing here leaves the machine."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from han2x.billing import prices, web
from han2x.billing.prices import ask, run
from han2x.model.instant import Instant
from han2x.runtime.gateway import Gateway, Trouble
from han2x.runtime.health import Condition
from han2x.settings.schema import Prices, Settings
from han2x.tariff.prices import Price, Row

from .conftest import Server

OSLO = ZoneInfo("Europe/Oslo")
NOON = datetime(2026, 10, 25, 12, 30, tzinfo=OSLO)  # the day on which summer time ends


def gateway(now: datetime = NOON) -> Gateway:
    moment = Instant(int(now.timestamp()) * 1000, 0)
    return Gateway(Settings(prices=Prices(enabled=True, area="NO5")), clock=lambda: moment)


def a_day(day: date, minutes: int = 15) -> list[dict[str, object]]:
    """A day's file, every quarter at a price that tells the day and the number of the quarter."""
    begin = datetime(day.year, day.month, day.day, tzinfo=OSLO)
    end = datetime.combine(day + timedelta(days=1), datetime.min.time(), OSLO)
    starts = range(int(begin.timestamp()), int(end.timestamp()), 60 * minutes)
    return [
        {
            "NOK_per_kWh": day.day + index / 1000,
            "EUR_per_kWh": 0.1,
            "EXR": 11.5,
            "time_start": datetime.fromtimestamp(start, OSLO).isoformat(),
            "time_end": datetime.fromtimestamp(start + 60 * minutes, OSLO).isoformat(),
        }
        for index, start in enumerate(starts)
    ]


def publish(server: Server, *days: date, minutes: int = 15) -> None:
    for day in days:
        body = json.dumps(a_day(day, minutes)).encode()
        server.answers[f"/api/{day:%Y/%m-%d}_NO5.json"] = 200, body


def section(server: Server) -> Prices:
    return Prices(enabled=True, area="NO5", source="web", url=server.url)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between one day's file and the next."""
    monkeypatch.setattr(prices, "BETWEEN_S", 0.0)
    monkeypatch.setattr(prices, "LOOK_S", 0.01)


def test_the_month_so_far(server: Server) -> None:
    """Today comes first, then the month's other days; the day of 25 hours has its hundred quarters."""
    days = [date(2026, 10, day) for day in range(1, 26)]
    publish(server, *days)
    found = gateway()
    asyncio.run(ask(section(server), found, set()))
    assert server.asked[:2] == ["/api/2026/10-25_NO5.json", "/api/2026/10-01_NO5.json"]
    series = found.accounts.prices.value
    assert series
    assert len(series.quarters) == 24 * 96 + 100
    last = int(datetime(2026, 10, 25, 23, 45, tzinfo=OSLO).timestamp())
    assert series.at(last) == Price(2_509_900, True)
    asked = len(server.asked)
    asyncio.run(ask(section(server), found, set()))
    assert len(server.asked) == asked  # nothing lacks, nobody asks


def test_hourly_files(server: Server) -> None:
    """Files of hours, as before October 2025, are as good."""
    publish(server, date(2026, 10, 25), minutes=60)
    found = gateway()
    absent: set[date] = set()
    asyncio.run(ask(section(server), found, absent))
    assert found.accounts.prices.value
    assert len(found.accounts.prices.value.quarters) == 100
    assert len(absent) == 24
    asked = len(server.asked)
    asyncio.run(ask(section(server), found, absent))
    assert len(server.asked) == asked  # days of the past that are not there are asked for once


@pytest.mark.parametrize(("hour", "asks"), [(12, False), (13, True)])
def test_tomorrow_is_asked_for_in_the_afternoon(server: Server, hour: int, asks: bool) -> None:
    """Before they are published nobody asks; afterwards again and again until they are there."""
    publish(server, *[date(2026, 10, day) for day in range(1, 26)])
    found, absent = gateway(NOON.replace(hour=hour)), set[date]()
    asyncio.run(ask(section(server), found, absent))
    asyncio.run(ask(section(server), found, absent))
    assert server.asked.count("/api/2026/10-26_NO5.json") == 2 * asks


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, b"", "answers 500"),
        (302, b"", "answers 302"),
        (200, b"<html>closed</html>", "the first line must name the columns"),
        (200, b"[]", "no list of prices"),
        (200, b'[{"NOK_per_kWh": "dear"}]', r"\[0\].time_start or time_end must be a time"),
        (200, b"\xff\xfe", "sends no text"),
        (200, b" " * 500_001, "sends more than 500000 octets"),
    ],
)
def test_bad_answers(server: Server, status: int, body: bytes, message: str) -> None:
    """Whatever comes in place of prices is refused with the address, and no price is made of it."""
    server.answers["/api/2026/10-25_NO5.json"] = status, body
    found = gateway()
    with pytest.raises(Trouble, match=message) as refused:
        asyncio.run(ask(section(server), found, set()))
    assert server.url in str(refused.value)
    assert found.accounts.prices.value is None
    assert "/elsewhere" not in server.asked


def test_an_answer_that_trickles_in(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer in more pieces than any honest one is given up, for it might never end."""
    server.answers["/api/x"] = 200, b"[]" * 100
    assert web.fetch(f"{server.url}/x") == "[]" * 100
    monkeypatch.setattr(web, "MOST_READS", 1)
    with pytest.raises(Trouble, match="too many pieces"):
        web.fetch(f"{server.url}/x")


def test_a_server_that_is_not_there() -> None:
    """Where nobody listens, that is what is said."""
    with pytest.raises(Trouble, match=r"cannot be read: .*refused"):
        web.fetch("http://127.0.0.1:9/api/2026/10-25_NO5.json")


def test_an_error_leaves_the_known_prices(server: Server) -> None:
    """The service says what is wrong, keeps what it has, and goes on."""
    server.answers["/api/2026/10-25_NO5.json"] = 503, b""
    found = gateway()

    async def check() -> None:
        await found.accounts.feed(lambda: [Row(0, 900, 5)])
        async with asyncio.timeout(60):
            while "prices" not in found.health.value:
                await asyncio.sleep(0.01)
        assert found.health.value["prices"].condition is Condition.FAILING
        assert "503" in found.health.value["prices"].text
        assert found.accounts.prices.value
        assert found.accounts.prices.value.at(0) == Price(5, True)

    kept(section(server), found, check)


def kept(section: Prices, gateway: Gateway, check: Callable[[], Awaitable[None]]) -> None:
    async def both() -> None:
        task = asyncio.create_task(run(section, gateway, "prices"))
        try:
            await check()
        finally:
            task.cancel()
            await asyncio.wait([task])

    asyncio.run(both())


def test_a_file_is_read_and_read_again(tmp_path: Path) -> None:
    """Prices from a file are there, and follow the file; another area begins anew."""
    path = tmp_path / "prices.csv"
    path.write_text("start,price\n2026-10-25T12:00:00+01:00,0.5\n")
    found = gateway()

    async def price(expected: int) -> None:
        async with asyncio.timeout(60):
            while True:
                series = found.accounts.prices.value
                known = series.at(int(NOON.timestamp())) if series else None
                if known and known.price == expected:
                    return
                await asyncio.sleep(0.005)

    async def check() -> None:
        await price(50_000)
        path.write_text("start,price\n2026-10-25T12:00:00+01:00,-0.25\n")
        await price(-25_000)

    kept(Prices(enabled=True, area="NO5", file=str(path)), found, check)
    kept(Prices(enabled=True, area="NO1"), found, _soon)
    assert found.accounts.prices.value
    assert (found.accounts.prices.value.area, dict(found.accounts.prices.value.quarters)) == ("NO1", {})


async def _soon() -> None:
    await asyncio.sleep(0)
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("start,price\n2026-10-25T12:00:00+01:00,dear\n", r"prices\.csv: \[0\]\.price must be a number"),
        (None, r"prices\.csv cannot be read: No such file"),
    ],
)
def test_a_wrong_file(tmp_path: Path, text: str | None, message: str) -> None:
    """A wrong or missing file is named, with what is wrong with it."""
    path = tmp_path / "prices.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(Trouble, match=message):
        asyncio.run(run(Prices(enabled=True, file=str(path)), gateway(), "prices"))


def test_addresses() -> None:
    """One file a day and area, by the date with its zeros."""
    expected = "https://example.org/api/v1/prices/2026/01-05_NO1.json"
    assert web.address("https://example.org/api/v1/prices/", "NO1", date(2026, 1, 5)) == expected
