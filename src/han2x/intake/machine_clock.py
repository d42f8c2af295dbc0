"""Whether the machine's clock is wrong, by a meter's. Pure."""

from datetime import tzinfo

from ..model.instant import Instant
from ..model.reading import Reading
from ..model.timekeeping import NEAR_S, WATCHED_S, dated, is_set

_UNITS = (("days", 86_400), ("h", 3600), ("min", 60), ("s", 1))


class MachineClock:
    """Compares the machine's clock with the clock of one meter, list by list.

    `text`: what is wrong with it and what to do, "" for nothing. One list alone may have come late, so two
    have to say the same; not where the machine shows a time before the program's release.
    """

    def __init__(self) -> None:
        self.text = ""
        self._ahead_s: int | None = None

    def read(self, reading: Reading, now: Instant, zone: tzinfo) -> None:
        """One more reading, which came at `now`."""
        if reading.clock is None:
            return
        sent = now.plus_ms(-reading.mark_age_ms)
        now_s = sent.unix_ms // 1000
        found = dated(reading.clock, now_s, zone)
        if not found.sure:
            return
        ahead_s, before = now_s - found.at_s, self._ahead_s
        self._ahead_s = ahead_s
        if abs(ahead_s) <= WATCHED_S:
            self.text = ""
        elif not is_set(now_s) or (before is not None and abs(before - ahead_s) <= NEAR_S):
            self.text = self.text or _text(ahead_s)


def _text(ahead_s: int) -> str:
    way = "ahead of" if ahead_s > 0 else "behind"
    return (
        f"The machine's clock is wrong: it is {_span(abs(ahead_s))} {way} the meter's · hours are dated by "
        "the meter's clock meanwhile · set the machine's, or let it reach a time server"
    )


def _span(seconds: int) -> str:
    """The two largest units."""
    parts: list[str] = []
    for unit, length in _UNITS:
        count, seconds = divmod(seconds, length)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(part for part in parts[:2] if not part.startswith("0 "))
