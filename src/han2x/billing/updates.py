"""The service that fetches price lists and levies once a day, checks them, keeps the old ones on doubt."""

import asyncio
import random
from collections.abc import Iterator, Mapping
from datetime import date

from ..runtime.gateway import Gateway, Trouble
from ..runtime.health import Condition
from ..runtime.price_lists import LEVIES, Fetched, PriceLists, Unusable
from ..settings import bounded_toml
from ..settings.schema import TariffUpdates
from ..tariff.calendar import local
from ..tariff.levies import Levies, on
from ..tariff.levies_reading import levies
from ..tariff.tariff import Period
from . import gather
from .collection import Collection, collection

DAY_S = 86_400.0
AGAIN_S = 3600.0
"""Until the next attempt after one that failed; up to half of that, and of a day, more by chance."""

JUMP = 8
"""A price that becomes so many times higher or lower is rather a fault of units: a month is a twelfth of a
year, an øre a hundredth of a krone."""


async def run(section: TariffUpdates, gateway: Gateway, name: str) -> None:
    """Fetch, until cancelled; what was fetched on this day from the same addresses is not fetched again."""
    lists = PriceLists("", gateway.state_dir)
    before = await asyncio.to_thread(lists.fetched)
    if (before.address, before.day) == (_addresses(section), _today(gateway).isoformat()):
        gateway.report(name, Condition.OK, f"fetched {before.day}")
        await asyncio.sleep(DAY_S / 2 * random.uniform(1.0, 1.5))
    while True:
        today = _today(gateway)
        try:
            text = await asyncio.to_thread(update, section, lists, today)
            gateway.report(name, Condition.OK, text)
            wait_s = DAY_S
        except Trouble as trouble:
            gateway.report(name, Condition.FAILING, f"{trouble}; those known already stay in use")
            wait_s = AGAIN_S
        await asyncio.sleep(wait_s * random.uniform(1.0, 1.5 if wait_s < DAY_S else 1.1))


def update(section: TariffUpdates, lists: PriceLists, today: date) -> str:
    """Fetch all there is to fetch, and keep it if all of it is good; says what it was. Raises `Trouble`."""
    texts: dict[str, str] = {}
    said = []
    if section.address:
        found = collection(section.address, gather.from_address(section.address), today)
        _refuse(section.address, _doubts(found, lists, section.names, today))
        texts |= found.texts
        said.append(f"{len(found.tariffs)} tariffs, {len(found.omitted)} price lists not converted")
    if section.levies:
        [text] = gather.from_address(section.levies).values() or [""]
        texts[LEVIES] = text
    if LEVIES in texts:
        _refuse(
            section.levies or section.address, _levy_doubts(texts[LEVIES], lists, section.tax_zone, today)
        )
        said.append("levies")
    kept = {**lists.fetched().texts, **texts}  # what has vanished there stays here, and grows old
    try:
        lists.store(Fetched(_addresses(section), today.isoformat(), kept))
    except OSError as error:
        raise Trouble(f"what was fetched cannot be stored: {error.strerror or error}") from None
    return f"fetched {today}: {', '.join(said)}"


def _addresses(section: TariffUpdates) -> str:
    return " ".join(filter(None, (section.address, section.levies)))


def _today(gateway: Gateway) -> date:
    moment = gateway.local_time(gateway.now()).unix_ms // 1000
    return local(moment, gateway.accounts.zone).date()


def _refuse(address: str, doubts: Iterator[str]) -> None:
    if found := list(doubts):
        more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
        raise Trouble(f"{address}: {'; '.join(found[:5])}{more}. Nothing of it is used")


def _doubts(new: Collection, lists: PriceLists, used: tuple[str, ...], today: date) -> Iterator[str]:
    """What speaks against taking price lists in place of those there are."""
    for name, tariff in new.tariffs.items():
        try:
            before = lists.tariff(name)
        except Unusable:
            continue
        if tariff.checked and before.checked and tariff.checked < before.checked:
            yield f"{name} was checked on {tariff.checked}, and the one known already on {before.checked}"
        old, now = before.on(today), tariff.on(today)
        if old and not now and name in used:
            yield f"{name} has no price list for today any more"
        if old and now and (what := _jump(old, now)):
            yield f"{name}: {what} is {JUMP} times what it was, or more, or so much less"


def _jump(old: Period, new: Period) -> str:
    """What has changed as no price changes; "" if nothing has."""
    pairs = {"its energy charge": [max(c.price for c in p.charges) if p.charges else 0 for p in (old, new)]}
    if old.rule == new.rule:
        pairs["its first step"] = [p.steps[0].price if p.steps else p.base for p in (old, new)]
        pairs["its last step"] = [p.steps[-1].price if p.steps else p.per_kw for p in (old, new)]
    for what, (before, after) in pairs.items():
        low, high = sorted((before, after))
        if low > 0 and high >= JUMP * low:
            return what
    return ""


def _levy_doubts(text: str, lists: PriceLists, tax_zone: str, today: date) -> Iterator[str]:
    """What speaks against taking levies in place of those there are."""
    try:
        table: Mapping[str, object] = bounded_toml.loads(text)
    except (ValueError, RecursionError) as error:
        yield f"it is not TOML: {error}"
        return
    new, complaints = levies(table)
    yield from complaints
    if tax_zone not in new.zones:
        yield f"it has no zone {tax_zone!r}"
    try:
        _, before = lists.levies()
    except Unusable:
        return
    yield from (f"it has no row of {what} for today any more" for what in _lost(before, new, today))


def _lost(before: Levies, new: Levies, today: date) -> Iterator[str]:
    pairs = {
        "taxes": (on(before.taxes, today), on(new.taxes, today)),
        "support": (on(before.supports, today), on(new.supports, today)),
        "norgespris": (on(before.fixed, today), on(new.fixed, today)),
    }
    yield from (what for what, (old, now) in pairs.items() if old and not now)
