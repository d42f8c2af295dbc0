"""The last telegrams of each meter, and how often each list comes: what the HAN doctor's page is made of.

Bounded: `RING` telegrams a meter, fewer where there are many meters, and counts of one minute.
"""

from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import NamedTuple

from ..model.diagnosis import Diagnosis
from ..model.explained import Part
from ..model.telegram import Telegram
from ..runtime.gateway import Gateway
from ..settings.schema import Settings
from . import live_shapes
from .times import iso

RING, ALL_RINGS, LEAST = 50, 2000, 5
UNEXPLAINED_MAX = 8
"""Reasons for which whole telegrams were not read, of each of which the newest telegram is kept."""

MINUTE_S = 60


class Kept(NamedTuple):
    """A telegram that is kept; `list`: of its reading, "" without one."""

    id: int
    at_ms: int
    octets: bytes
    vendor: str
    list: str
    reason: str
    kind: str


class _Ears:
    """What is kept of one meter."""

    def __init__(self, ring: int) -> None:
        self.ring: deque[Kept] = deque(maxlen=ring)
        self.unexplained: dict[str, Kept] = {}
        self.seconds: deque[tuple[int, Counter[str]]] = deque(maxlen=MINUTE_S + 1)
        self.errors: deque[tuple[int, Mapping[str, int]]] = deque(maxlen=MINUTE_S + 1)
        self.stops: list[Callable[[], None]] = []


class Recorder:
    """Follows the meters of the settings. `heard` is told of each telegram that is kept."""

    def __init__(self, gateway: Gateway, heard: Callable[[str, Kept], None]) -> None:
        self._gateway, self._heard = gateway, heard
        self._ears: dict[str, _Ears] = {}
        self._next = 1
        self._stop = gateway.settings.watch(self._follow)
        self._follow(gateway.settings.value)

    def stop(self) -> None:
        """Follow nothing any more."""
        self._stop()
        for name in list(self._ears):
            self._leave(name)

    def kept(self, meter: str, limit: int) -> list[Kept]:
        """The last telegrams of a meter, the newest first."""
        ears = self._ears.get(meter)
        return list(reversed(ears.ring))[:limit] if ears else []

    def not_built_in(self, meter: str, vendors: Collection[str]) -> list[Kept]:
        """Telegrams of a meter that were not read, or by one of these vendors; the newest first."""
        ears = self._ears.get(meter)
        found = {one.id: one for one in (*ears.ring, *ears.unexplained.values())} if ears else {}
        return [
            found[id] for id in sorted(found, reverse=True) if found[id].reason or found[id].vendor in vendors
        ]

    def rates(self, meter: str, mono_ms: int) -> live_shapes.Rates:
        """What came in the last minute."""
        ears, since = self._ears.get(meter), mono_ms // 1000 - MINUTE_S
        counts: Counter[str] = Counter()
        for second, some in ears.seconds if ears else ():
            if second > since:
                counts += some
        return {
            "minute": [{"list": name, "count": count} for name, count in sorted(counts.items())],
            "errors": self._errors(ears, meter, since),
            "per": MINUTE_S,
        }

    def _errors(self, ears: _Ears | None, meter: str, since: int) -> dict[str, int]:
        """By how much each count of what was discarded has grown."""
        now = self._gateway.diagnosis(meter).value.evidence.discarded
        older = [counts for second, counts in ears.errors if second <= since] if ears else []
        before = older[-1] if older else (ears.errors[0][1] if ears and ears.errors else {})
        grown = {kind: count - before.get(kind, 0) for kind, count in now.items()}
        return {kind: count for kind, count in grown.items() if count > 0}

    def _follow(self, settings: Settings) -> None:
        names = [meter.id for meter in settings.meters]
        for name in self._ears.keys() - set(names):
            self._leave(name)
        for name in names:
            if name not in self._ears:
                self._join(name, max(LEAST, min(RING, ALL_RINGS // len(names))))

    def _join(self, name: str, ring: int) -> None:
        ears = self._ears[name] = _Ears(ring)
        ears.stops = [
            self._gateway.telegram(name).watch(partial(self._telegram, name, ears)),
            self._gateway.diagnosis(name).watch(partial(self._diagnosis, ears)),
        ]

    def _leave(self, name: str) -> None:
        for stop in self._ears.pop(name).stops:
            stop()

    def _telegram(self, name: str, ears: _Ears, telegram: Telegram | None) -> None:
        if telegram is None:
            return
        reading = telegram.reading
        kept = Kept(
            self._next,
            telegram.at.unix_ms,
            telegram.octets,
            reading.vendor if reading else "",
            reading.list_type.value if reading else "",
            telegram.reason,
            telegram.kind,
        )
        self._next += 1
        ears.ring.append(kept)
        if kept.reason and telegram.whole:
            _keep_newest(ears.unexplained, kept)
        if reading:
            _count(ears.seconds, telegram.at.mono_ms // 1000, kept.list)
        self._heard(name, kept)

    def _diagnosis(self, ears: _Ears, diagnosis: Diagnosis) -> None:
        second = self._gateway.now().mono_ms // 1000
        if not ears.errors or ears.errors[-1][0] != second:
            ears.errors.append((second, diagnosis.evidence.discarded))


def _keep_newest(unexplained: dict[str, Kept], kept: Kept) -> None:
    """A meter's rarer list stays when the more frequent ones have filled the ring."""
    unexplained.pop(kept.reason, None)
    unexplained[kept.reason] = kept
    if len(unexplained) > UNEXPLAINED_MAX:
        del unexplained[next(iter(unexplained))]


def _count(seconds: deque[tuple[int, Counter[str]]], second: int, name: str) -> None:
    if not seconds or seconds[-1][0] != second:
        seconds.append((second, Counter()))
    seconds[-1][1][name] += 1


def telegram(kept: Kept, parts: tuple[Part, ...]) -> live_shapes.TelegramShape:
    """A telegram as JSON."""
    return {
        "id": kept.id,
        "at": iso(kept.at_ms),
        "octets": kept.octets.hex(),
        "vendor": kept.vendor,
        "list": kept.list or None,  # type: ignore[typeddict-item]
        "reason": kept.reason,
        "kind": kept.kind or None,  # type: ignore[typeddict-item]
        "tree": [
            {
                "offset": part.offset,
                "length": part.length,
                "hex": kept.octets[part.offset : part.offset + part.length].hex(),
                "obis": part.obis or None,
                "text": part.text,
                "value": part.value or None,
            }
            for part in parts
        ],
    }
