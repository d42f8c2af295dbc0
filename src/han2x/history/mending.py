"""Puts right what an earlier version made of registers that could not be, whenever the file is opened.

One impossible register ended the series of a meter: it was believed, and the good ones after it had fallen.
It is taken away where the series after it goes on from the one before it, and its hours are made again.
"""

import logging
import sqlite3
from itertools import pairwise

from ..model.hour import ONE
from ..model.hours import Register, begins_anew
from ..model.registers import PHYSICAL_W, Since, can_follow
from .ledger import Ledger, register_of
from .schema import COUNTERS

log = logging.getLogger("han2x")

_REGISTER = f"SELECT t, series, sure, {', '.join(COUNTERS)} FROM register WHERE meter = ? AND series = ?"
_SERIES = "SELECT id, meter, identity FROM series ORDER BY meter, id"


def mend(file: sqlite3.Connection) -> None:
    """Look where one series of a meter ends and the next begins."""
    rows = file.execute(_SERIES).fetchall()
    for (series, meter, identity), (after, other, same) in pairwise(rows):
        if meter == other and identity == same:
            _mend(file, meter, series, after)


def _mend(file: sqlite3.Connection, meter: int, series: int, after: int) -> None:
    last = [register_of(row) for row in file.execute(f"{_REGISTER} ORDER BY t DESC LIMIT 2", (meter, series))]
    first = file.execute(f"{_REGISTER} ORDER BY t LIMIT 1", (meter, after)).fetchone()
    if len(last) < 2 or first is None:
        return
    wrong, before = last
    good = register_of(first)
    if _possible(before, wrong) or not _possible(before, good) or good.mark <= wrong.mark:
        return
    file.execute("DELETE FROM register WHERE meter = ? AND t = ?", (meter, wrong.mark))
    file.execute("UPDATE register SET series = ? WHERE meter = ? AND series = ?", (series, meter, after))
    file.execute("DELETE FROM series WHERE id = ?", (after,))
    Ledger(file, meter).again(before, good, ONE)
    log.warning("history: an energy of %s that cannot be is taken out of it", dict(wrong.energies))


def _possible(before: Register, after: Register) -> bool:
    since = Since(after.mark - before.mark, 0, {}, 1, PHYSICAL_W)
    return not begins_anew(before, after) and can_follow(before.energies, after.energies, since)
