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
    """A tariff on a day. `begins`, `until`: of the price list in force, None where there is none, or no end.

    `age_days`: since it was checked, None where that is not known; `ends`: the first day without a price.
    """

    name: str
    title: str
    source: str
    checked: date | None
    age_days: int | None
    begins: date | None
    ends: date | None
    state: State


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


def standing(tariff: Tariff, today: date) -> Standing:
    """How a tariff stands on a local day."""
    period = tariff.on(today)
    age = (today - tariff.checked).days if tariff.checked else None
    ends = end_of([(one.begins, one.ends) for one in tariff.periods], today)
    return Standing(
        name=tariff.name,
        title=tariff.title or tariff.name,
        source=tariff.source,
        checked=tariff.checked,
        age_days=age,
        begins=period.begins if period else None,
        ends=ends,
        state=_state(period, ends, age, today),
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
