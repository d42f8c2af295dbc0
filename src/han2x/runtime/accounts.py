"""The live accounts: hours are handed in, and every meter's capacity step and costs are there for its view.

Hours that history writes or corrects come by the gateway's `hours`; those from before are `put` in by whoever
keeps them and follows `asking`, which tells since when they are needed. Tariffs, levies and prices come from
their services. An account is worked out when a view asks for it, and kept until one of these, a setting or
the hour changes.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import tzinfo
from types import MappingProxyType
from zoneinfo import ZoneInfo

from ..model.hour import HOUR_S, Basis, Hour
from ..model.instant import Instant
from ..model.quantity import Quantity
from ..model.view import SCALE_ONE
from ..settings.schema import Meter, Settings
from ..tariff.account import NO_ACCOUNT, Account
from ..tariff.calendar import day_start, local, month_of
from ..tariff.capacity import Capacity, begins, capacity
from ..tariff.cost import Costs, Terms, costs
from ..tariff.levies import Levies
from ..tariff.prices import Row, Series, merge
from ..tariff.standing import notices, standing
from ..tariff.tariff import Tariff
from ..tariff.use import Use
from .latest import Latest

ESTIMATES = frozenset({Basis.SPREAD, Basis.UNCERTAIN, Basis.ESTIMATED})
"""Hours that may still be corrected."""

MILLIOERE_PER_OERE = 1000

_NO_TARIFFS: Mapping[str, Tariff] = MappingProxyType({})
_NOTHING: Mapping[str, int] = MappingProxyType({})


class Accounts:
    """All meters' accounts.

    `tariffs`: by name. `levies`, `prices`: None until their services have some. `asking`: for the meters
    that have an account, since when (Unix seconds) their hours are needed; set anew when that grows.
    """

    def __init__(
        self, settings: Latest[Settings], hours: Latest[Mapping[str, Sequence[Hour]]], now: Instant
    ) -> None:
        self.tariffs: Latest[Mapping[str, Tariff]] = Latest(_NO_TARIFFS)
        self.levies: Latest[Levies | None] = Latest(None)
        self.prices: Latest[Series | None] = Latest(None)
        self.asking: Latest[Mapping[str, int]] = Latest(_NOTHING)
        self._settings = settings
        self._now_s = now.unix_ms // 1000
        self._uses: dict[str, dict[int, Use]] = {}
        self._made: dict[str, tuple[int, Meter, Account]] = {}
        self._zone: tuple[str, tzinfo] | None = None
        self._feeding = asyncio.Lock()
        hours.watch(self._written)
        settings.watch(self._changed)
        self.tariffs.watch(self._changed)
        self.levies.watch(self._changed)
        self.prices.watch(self._changed)
        self._changed(None)

    def _written(self, hours: Mapping[str, Sequence[Hour]]) -> None:
        for meter, some in hours.items():
            self.put(meter, some)

    def put(self, meter: str, hours: Iterable[Hour]) -> None:
        """Hours of a meter that are new, or known better than before; the order does not matter."""
        since = self.asking.value.get(meter)
        if since is None:
            return
        known = self._uses.setdefault(meter, {})
        known.update((hour.start, use(hour)) for hour in hours if hour.start >= since)
        self._made.pop(meter, None)

    async def feed(self, read: Callable[[], Iterable[Row]]) -> None:
        """Take in what `read` gives, in a thread: spot prices from file, web, API or MQTT.

        Raises what `read` does, and ValueError as `merge` does.
        """
        async with self._feeding:
            rows = await asyncio.to_thread(lambda: list(read()))
            while True:
                before = self.prices.value
                series = before or Series(self._settings.value.prices.area)
                merged = await asyncio.to_thread(merge, series, rows)
                if self.prices.value is before:
                    self.prices.set(merged)
                    return

    def at(self, meter: Meter, now: Instant) -> Account:
        """What a meter's hours make at a moment; nothing where neither a tariff nor prices are chosen."""
        self._now_s = now.unix_ms // 1000
        if meter.id not in self.asking.value:
            return NO_ACCOUNT
        hour = self._now_s // HOUR_S
        made = self._made.get(meter.id)
        if made is None or made[:2] != (hour, meter):
            self._turn(meter)
            made = self._made[meter.id] = hour, meter, self._make(meter)
        account = made[2]
        if account.costs and self.prices.value:  # the price alone changes within the hour
            price = self.prices.value.at(self._now_s)
            account = account._replace(costs=account.costs.at(self._now_s, price))
        return account

    def _make(self, meter: Meter) -> Account:
        uses = self._uses.get(meter.id, {}).values()
        chosen, tariff = self._settings.value.prices, self.tariffs.value.get(meter.tariff)
        today = local(self._now_s, self.zone).date()
        return Account(
            self._capacity(meter, uses),
            self._costs(meter, uses),
            standing(tariff, today) if tariff else None,
            notices(
                today,
                tariff=tariff,
                levies=self.levies.value if chosen.enabled else None,
                contract=chosen.contract,
            ),
        )

    def _capacity(self, meter: Meter, uses: Iterable[Use]) -> Capacity | None:
        tariff = self.tariffs.value.get(meter.tariff)
        if tariff is None:
            return None
        levies = self.levies.value
        home = levies.zones.get(self._settings.value.prices.tax_zone) if levies else None
        vat = home.vat if home else 0
        return capacity(tariff, uses, now_s=self._now_s, zone=self.zone, fuse_a=meter.fuse_a, vat=vat)

    def _costs(self, meter: Meter, uses: Iterable[Use]) -> Costs | None:
        terms = self.terms(meter)
        return costs(terms, uses, now_s=self._now_s, zone=self.zone) if terms else None

    def terms(self, meter: Meter) -> Terms | None:
        """What decides a meter's prices; None where prices are off or not there yet."""
        chosen, series, levies = self._settings.value.prices, self.prices.value, self.levies.value
        if not chosen.enabled or series is None or levies is None or chosen.tax_zone not in levies.zones:
            return None
        return Terms(
            series=series,
            levies=levies,
            zone=chosen.tax_zone,
            contract=chosen.contract,
            markup=chosen.markup,
            tariff=self.tariffs.value.get(meter.tariff),
            fixed=chosen.fixed_price,
            fee=chosen.monthly_fee * MILLIOERE_PER_OERE,
            sold_markup=chosen.export_markup,
            sold_least=chosen.export_minimum,
        )

    def _since(self, meter: Meter) -> int | None:
        """From when on a meter's hours are needed; None if they are not."""
        tariff = self.tariffs.value.get(meter.tariff)
        if tariff is not None:
            return begins(tariff, now_s=self._now_s, zone=self.zone)
        if not self._settings.value.prices.enabled:
            return None
        return day_start(month_of(local(self._now_s, self.zone).date()), self.zone)

    def _changed(self, _: object) -> None:
        """Work out everything anew, and ask for more hours if that takes them."""
        self._made.clear()
        since = {meter.id: self._since(meter) for meter in self._settings.value.meters}
        asking = {name: start for name, start in since.items() if start is not None}
        before = self.asking.value
        for name in [name for name in self._uses if name not in asking]:
            del self._uses[name]
        if asking.keys() - before or any(start < before.get(name, 0) for name, start in asking.items()):
            self.asking.set(asking)
        elif asking.keys() != before.keys():
            self.asking.set({name: before[name] for name in asking})

    def _turn(self, meter: Meter) -> None:
        """Let go of hours that no rule looks back to any more; ask for those that a new price list does."""
        since, known = self._since(meter), self._uses.get(meter.id)
        if since is None:
            return
        if since < self.asking.value[meter.id]:
            self._changed(None)
        if known and min(known) < since:
            self._uses[meter.id] = {start: use for start, use in known.items() if start >= since}

    @property
    def zone(self) -> tzinfo:
        """The time zone of local days."""
        name = self._settings.value.site.time_zone
        if self._zone is None or self._zone[0] != name:
            self._zone = name, ZoneInfo(name)
        return self._zone[1]


def use(hour: Hour) -> Use:
    """An hour as accounts count it: scaled by the factor in force then."""
    return Use(
        start=hour.start,
        imported=hour.energies.get(Quantity.ACT_ENERGY_POS, 0) * hour.scale // SCALE_ONE,
        exported=hour.energies.get(Quantity.ACT_ENERGY_NEG, 0) * hour.scale // SCALE_ONE,
        estimated=hour.basis in ESTIMATES,
    )
