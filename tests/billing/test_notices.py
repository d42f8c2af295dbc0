"""What health and a meter's view say of price lists and levies as time passes."""

import asyncio
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from han2x.billing.tariffs import run
from han2x.model.diagnosis import LISTENING
from han2x.model.instant import Instant
from han2x.runtime.gateway import Gateway
from han2x.runtime.health import Condition
from han2x.settings.schema import Meter, Prices, Settings, TariffFiles
from han2x.web.meter import meter

OSLO = ZoneInfo("Europe/Oslo")
NORGESPRIS = Settings(
    meters=(Meter(id="main", tariff="elvia"),), prices=Prices(enabled=True, contract="norgespris")
)


def after(day: str) -> tuple[Gateway, Condition, str]:
    """A gateway on a day, once its tariffs are read."""
    moment = Instant(int(datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=OSLO).timestamp()) * 1000, 0)

    async def read() -> Gateway:
        gateway = Gateway(NORGESPRIS, clock=lambda: moment)
        section = TariffFiles(folder="", names=("elvia",), tax_zone="south")
        task = asyncio.create_task(run(section, gateway, "tariffs"))
        async with asyncio.timeout(60):
            while "tariffs" not in gateway.health.value:
                await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.wait([task])
        return gateway

    gateway = asyncio.run(read())
    health = gateway.health.value["tariffs"]
    return gateway, health.condition, health.text


@pytest.mark.parametrize(
    ("day", "condition", "words"),
    [
        ("2026-12-01", Condition.OK, []),
        (
            "2026-12-02",
            Condition.OK,
            ["row of Norgespris ends on 2027-01-01", "row of taxes ends on 2027-01-01"],
        ),
        ("2027-01-01", Condition.FAILING, ["no row of Norgespris for today", "no row of taxes for today"]),
        ("2027-06-06", Condition.FAILING, ["no row of Norgespris", "checked last on 2026-06-05"]),
    ],
)
def test_health(day: str, condition: Condition, words: list[str]) -> None:
    """Nothing until 30 days before an end, then a warning, and failing once something has no price."""
    _, found, text = after(day)
    assert found is condition
    assert all(word in text for word in words)
    assert bool(text) == bool(words)
    assert "support" not in text


def test_a_meter_says_it_in_the_api() -> None:
    """Codes and days for the page's sentences, and how old the tariff is."""
    gateway, _, _ = after("2027-06-06")
    one = gateway.settings.value.meters[0]
    shown = meter(one, gateway.view(one, gateway.now()), LISTENING, gateway.now(), number=1)
    assert shown["notices"] == [
        {"code": "tariff_old", "day": "2026-06-05", "tariff": "elvia"},
        {"code": "taxes_ended", "day": "2027-01-01", "tariff": ""},
        {"code": "norgespris_ended", "day": "2027-01-01", "tariff": ""},
    ]
    tariff = shown["tariff"]
    assert tariff
    assert (tariff["title"], tariff["age_days"], tariff["state"]) == ("Elvia AS", 366, "old")
    assert (tariff["begins"], tariff["ends"]) == ("2026-07-01", None)
    assert date.fromisoformat(tariff["checked"] or "") == date(2026, 6, 5)
