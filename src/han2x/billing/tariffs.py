"""The service that reads the tariffs the meters name, and the levies, again whenever a file changes."""

import asyncio
from collections.abc import Mapping

from ..runtime.gateway import Gateway, Trouble
from ..runtime.health import Condition
from ..runtime.price_lists import PriceLists, Unusable
from ..settings.schema import TariffFiles
from ..tariff.calendar import local
from ..tariff.levies import Levies
from ..tariff.standing import ENDED, notices
from ..tariff.tariff import Tariff

LOOK_S = 30.0
"""How often the files are looked at for changes."""


async def run(section: TariffFiles, gateway: Gateway, name: str) -> None:
    """Read the files, again whenever one changes; raises `Trouble` for a wrong one."""
    lists = PriceLists(section.folder, gateway.state_dir)
    await asyncio.to_thread(lists.fetched, gateway.damaged)
    while True:
        seen = await asyncio.to_thread(lists.states, section.names)
        tariffs, levied = await asyncio.to_thread(load, lists, section)
        gateway.accounts.levies.set(levied)
        gateway.accounts.tariffs.set(tariffs)
        while await asyncio.to_thread(lists.states, section.names) == seen:
            gateway.report(name, *_health(gateway, tariffs, levied))
            await asyncio.sleep(LOOK_S)


def _health(gateway: Gateway, tariffs: Mapping[str, Tariff], levied: Levies) -> tuple[Condition, str]:
    """What is to be said of what is in force today: failing if something is not priced for it."""
    prices, accounts = gateway.settings.value.prices, gateway.accounts
    today = local(gateway.local_time(gateway.now()).unix_ms // 1000, accounts.zone).date()
    counted = levied if prices.enabled else None
    said = {
        one
        for tariff in (*tariffs.values(), None)
        for one in notices(today, tariff=tariff, levies=counted, contract=prices.contract)
    }
    ordered = sorted(said, key=lambda one: (one.notice not in ENDED, one.text))
    ended = bool(ordered) and ordered[0].notice in ENDED
    return Condition.FAILING if ended else Condition.OK, " · ".join(one.text for one in ordered)


def load(lists: PriceLists, section: TariffFiles) -> tuple[dict[str, Tariff], Levies]:
    """The tariffs by name, and the levies; raises `Trouble` for the first file that is wrong."""
    try:
        where, levied = lists.levies()
        if section.tax_zone not in levied.zones:
            zones = ", ".join(levied.zones)
            raise Trouble(f"prices.tax_zone {section.tax_zone!r} is not in {where}, which has {zones}")
        return {name: lists.tariff(name) for name in section.names}, levied
    except Unusable as error:
        raise Trouble(str(error)) from None
