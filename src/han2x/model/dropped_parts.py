"""Sums whose part is dropped for good: after a day they go on with the part's last value. Pure.

A meter may be set to other tariffs, and then never sends a register again. Its last value stays part of the
total, so the total neither falls nor forgets what was used meanwhile; see `partial` for the first day.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from .quantity import ENERGIES, Quantity
from .reading import Parts, Reading

RELEASED_MS = 24 * 3600 * 1000

NOTE = "{} has been made of the last value of a register for a day: it is not sent any more"


class Dropped(NamedTuple):
    """Parts that are missing from a sum. `last`: what they made when they were sent, in the sum's unit;
    `since_ms`: Unix time when they were first missing; `total`: the sum with them, by the newest telegram.
    """

    missing: frozenset[int]
    last: int
    since_ms: int
    total: int


def gone_on(
    dropped: Mapping[Quantity, Dropped],
    known: tuple[Parts, Mapping[Quantity, int]],
    sent: Reading,
    held: Reading,
    unix_ms: int,
) -> tuple[Mapping[Quantity, Dropped], Reading]:
    """What is missing by now, and the reading with the sums that have been held for a day.

    `known`: what sums have been made of, and their values; `sent`: the reading with what its parts make;
    `held`: the same without the sums that lack a part.
    """
    if not held.partial:
        return {what: each for what, each in dropped.items() if what not in held.values}, held
    parts, totals = known
    lacking = dict(dropped)
    for quantity in held.partial:
        missing = parts[quantity] - dict(sent.parts)[quantity]
        before = lacking.pop(quantity, None)
        total = before.total if before else totals.get(quantity)
        if total is not None:
            lacking[quantity] = _dropped(before, missing, total, quantity, sent.values[quantity], unix_ms)
    released = {
        what: each.total
        for what, each in lacking.items()
        if what in held.partial and unix_ms - each.since_ms >= RELEASED_MS
    }
    if not released:
        return lacking, held
    return lacking, replace(
        held,
        values={**held.values, **released},
        notes=(*sent.notes, *(NOTE.format(what.label) for what in released)),
        partial=held.partial - released.keys(),
    )


def _dropped(
    before: Dropped | None, missing: frozenset[int], total: int, quantity: Quantity, rest: int, unix_ms: int
) -> Dropped:
    """What is missing, by the telegram that lacks it: `rest` is what the others make."""
    if before and before.missing == missing:
        return before._replace(total=rest + before.last)
    last = max(0, total - rest) if quantity in ENERGIES else 0
    return Dropped(missing, last, unix_ms, rest + last)
