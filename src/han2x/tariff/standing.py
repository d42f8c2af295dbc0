"""How a tariff and the levies stand on a day: in force, about to end, ended, or old.

What has ended is not priced: no price of before or after takes its place.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from .levies import Fixed, Levies, Support, Tax
from .tariff import Period, Tariff

WARN_DAYS = 30
"""So long before the last price list or row ends, it is said."""

OLD_DAYS = 365
"""So long after the figures were checked they are old: prices change at least every year."""


Span = tuple[date, date | None]
"""The first day something is in force, and the first day it is no more; None for ever."""


class State(StrEnum):
    """The worst that can be said of a list, the worst first."""

    ENDED = "ended"
    ENDING = "ending"
    OLD = "old"
    OK = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A tariff on a day.

    `age_days`: since it was checked, None where that is not known. `begins`: of the price list in force,
    None where there is none. `ends`: the first day without one, None where none is to come. `by_fuse`: it
    goes by the main fuse, now or some day.
    """

    name: str
    title: str
    customers: tuple[str, ...]
    source: str
    checked: date | None
    age_days: int | None
    begins: date | None
    ends: date | None
    state: State
    by_fuse: bool


class Notice(StrEnum):
    """What is to be said of what a meter's money rests on."""

    TARIFF_ENDED = "tariff_ended"
    TARIFF_ENDING = "tariff_ending"
    TARIFF_OLD = "tariff_old"
    TAXES_ENDED = "taxes_ended"
    TAXES_ENDING = "taxes_ending"
    SUPPORT_ENDED = "support_ended"
    SUPPORT_ENDING = "support_ending"
    NORGESPRIS_ENDED = "norgespris_ended"
    NORGESPRIS_ENDING = "norgespris_ending"


@dataclass(frozen=True, slots=True)
class Said:
    """A notice, with the day it is about: the first without a price, or the one of the last check."""

    notice: Notice
    day: date | None = None
    name: str = ""

    @property
    def text(self) -> str:
        """The sentence."""
        return TEXTS[self.notice].format(day=self.day, tariff=self.name)


_TARIFF = 'tariff "{tariff}"'
_UPDATE = "Update the program, or levies.toml"
_IMPORT = "Import the next one (han2x tariffs import), or add it to its file"
TEXTS = {
    Notice.TARIFF_ENDED: f"{_TARIFF} has no price list for today: no step, no grid costs. {_IMPORT}",
    Notice.TARIFF_ENDING: f"the last price list of {_TARIFF} ends on {{day}}. {_IMPORT}",
    Notice.TARIFF_OLD: f"the price list of {_TARIFF} was checked last on {{day}}. Compare it with theirs",
    Notice.TAXES_ENDED: f"there is no row of taxes for today: no grid costs. {_UPDATE}",
    Notice.TAXES_ENDING: f"the last row of taxes ends on {{day}}. {_UPDATE}",
    Notice.SUPPORT_ENDED: f"there is no row of support for today: power is not priced. {_UPDATE}",
    Notice.SUPPORT_ENDING: f"the last row of support ends on {{day}}. {_UPDATE}",
    Notice.NORGESPRIS_ENDED: f"there is no row of Norgespris for today: power is not priced. {_UPDATE}",
    Notice.NORGESPRIS_ENDING: f"the last row of Norgespris ends on {{day}}. {_UPDATE}",
}
"""What a notice says; the page has the same in its catalogues."""

ENDED = frozenset(notice for notice in Notice if notice.value.endswith("_ended"))
"""What leaves something without a price already."""


def standing(tariff: Tariff, today: date) -> Standing:
    """How a tariff stands on a local day."""
    period = tariff.on(today)
    age = (today - tariff.checked).days if tariff.checked else None
    ends = end_of([(one.begins, one.ends) for one in tariff.periods], today)
    return Standing(
        name=tariff.name,
        title=tariff.title or tariff.name,
        customers=tariff.customers,
        source=tariff.source,
        checked=tariff.checked,
        age_days=age,
        begins=period.begins if period else None,
        ends=ends,
        state=_state(period, ends, age, today),
        by_fuse=any(one.rule == "fuse" for one in tariff.periods),
    )


def _state(period: Period | None, ends: date | None, age: int | None, today: date) -> State:
    if period is None:
        return State.ENDED
    if ends and ends - today <= timedelta(days=WARN_DAYS):
        return State.ENDING
    return State.OLD if age is not None and age > OLD_DAYS else State.OK


def end_of(spans: Iterable[Span], today: date) -> date | None:
    """The first day, from today on, that is in no span; None if there is none."""
    day = today
    for begins, ends in sorted(spans, key=lambda span: span[0]):
        if begins <= day and (ends is None or ends > day):
            if ends is None:
                return None
            day = ends
    return day


def notices(
    today: date, *, tariff: Tariff | None = None, levies: Levies | None = None, contract: str = "spot"
) -> tuple[Said, ...]:
    """What is to be said of what a meter's money rests on; `levies`: None where costs are not worked out."""
    return (*(_of_tariff(tariff, today) if tariff else ()), *(_of_levies(levies, contract, tariff, today)))


def _of_tariff(tariff: Tariff, today: date) -> Iterable[Said]:
    found = standing(tariff, today)
    if found.state in (State.ENDED, State.ENDING):
        notice = Notice.TARIFF_ENDED if found.state is State.ENDED else Notice.TARIFF_ENDING
        day = found.ends if found.state is State.ENDING else _last_end(tariff, today)
        yield Said(notice, day, tariff.name)
    if found.age_days is not None and found.age_days > OLD_DAYS:
        yield Said(Notice.TARIFF_OLD, tariff.checked, tariff.name)


def _last_end(tariff: Tariff, today: date) -> date | None:
    return max((one.ends for one in tariff.periods if one.ends and one.ends <= today), default=None)


def _of_levies(levies: Levies | None, contract: str, tariff: Tariff | None, today: date) -> Iterable[Said]:
    if levies is None:
        return
    chosen = [(_spans(levies.taxes), Notice.TAXES_ENDED, Notice.TAXES_ENDING)] if tariff else []
    if contract == "support":
        chosen.append((_spans(levies.supports), Notice.SUPPORT_ENDED, Notice.SUPPORT_ENDING))
    elif contract.startswith("norgespris"):
        chosen.append((_spans(levies.fixed), Notice.NORGESPRIS_ENDED, Notice.NORGESPRIS_ENDING))
    for spans, ended, ending in chosen:
        ends = end_of(spans, today)
        if ends == today:
            past = [end for _, end in spans if end and end <= today]
            yield Said(ended, max(past, default=None))
        elif ends and ends - today <= timedelta(days=WARN_DAYS):
            yield Said(ending, ends)


def _spans(rows: Iterable[Tax | Support | Fixed]) -> list[Span]:
    return [(row.begins, row.ends) for row in rows]
