"""What is wrong with a meter's line, in plain words, and what to do next (manual row M5). Pure.

The verdict is the best that was seen in the last minute: one good telegram is good news whatever
else came; after that the most telling kind of damage decides.
"""

from enum import StrEnum

from ..model.diagnosis import TEXTS, Diagnosis, Evidence, Verdict
from ..vendors.decoder import NO_CHECK_SUM
from ..wire.other_protocols import (
    BODY,
    HEADER_ONLY,
    HTTP,
    INVERTED,
    MBUS,
    MODBUS,
    PARITY_7E1,
    PARITY_8E1,
    SML_CHECKSUM,
    SML_TRUNCATED,
    TEXT,
)
from ..wire.result import Kind
from .pipeline import FRAMES, Tally

RECENT_MS = 60_000
"""The HAN lamp's minute (manual row M3)."""


_BY_KIND = (
    (Kind.ENCRYPTED, Verdict.ENCRYPTED),
    (Kind.FOREIGN, Verdict.FOREIGN),
    (Kind.UNKNOWN, Verdict.UNKNOWN),
    (Kind.CHECKSUM, Verdict.DAMAGED),
    (Kind.TRUNCATED, Verdict.DAMAGED),
    (Kind.NOISE, Verdict.NO_FRAMES),
)


_BY_REASON = {
    INVERTED: Verdict.INVERTED,
    NO_CHECK_SUM: Verdict.UNCHECKED,
    HEADER_ONLY: Verdict.P1_HEADER,
    PARITY_8E1: Verdict.PARITY_8E1,
    PARITY_7E1: Verdict.PARITY_7E1,
    SML_CHECKSUM: Verdict.SML,
    SML_TRUNCATED: Verdict.SML,
    MODBUS: Verdict.MODBUS,
    MBUS: Verdict.MBUS,
    BODY: Verdict.BODY,
    TEXT: Verdict.TEXT,
    HTTP: Verdict.HTTP,
}
"""Where the last reason is more telling than its kind."""


class Way(StrEnum):
    """How octets come here: a serial line here, a bridge on the network, messages or a file."""

    LINE = "line"
    BRIDGE = "bridge"
    FEED = "feed"


_BY_WAY: dict[Way, dict[Verdict, Verdict]] = {
    Way.LINE: {},
    Way.BRIDGE: {
        Verdict.WEAK: Verdict.WEAK_BRIDGE,
        Verdict.DAMAGED: Verdict.DAMAGED_BRIDGE,
        Verdict.NO_FRAMES: Verdict.NO_FRAMES_BRIDGE,
        Verdict.SILENT: Verdict.SILENT_BRIDGE,
    },
    Way.FEED: {
        Verdict.WEAK: Verdict.WEAK_FEED,
        Verdict.DAMAGED: Verdict.DAMAGED_FEED,
        Verdict.NO_FRAMES: Verdict.NO_FRAMES_FEED,
        Verdict.SILENT: Verdict.SILENT_FEED,
        Verdict.INVERTED: Verdict.NO_FRAMES_FEED,
        Verdict.PARITY_8E1: Verdict.NO_FRAMES_FEED,
        Verdict.PARITY_7E1: Verdict.NO_FRAMES_FEED,
        Verdict.P1_HEADER: Verdict.DAMAGED_FEED,
        Verdict.SML: Verdict.SML_FEED,
        Verdict.TEXT: Verdict.NO_FRAMES_FEED,
    },
}
"""Where the next step is another one, because there is no line here that could be looked at."""


def diagnose(
    tally: Tally, *, mono_ms: int, since_ms: int, octets_per_s: float = 0.0, way: Way = Way.LINE
) -> Diagnosis:
    """The verdict at a moment; `since_ms`: when listening began."""
    found = _verdict(tally, mono_ms, since_ms)
    verdict = _BY_WAY[way].get(found, found)
    headline, next_step = TEXTS[verdict]
    seen = _seen(tally, mono_ms, verdict)
    return Diagnosis(verdict, headline, seen, next_step, evidence(tally, octets_per_s))


def evidence(tally: Tally, octets_per_s: float = 0.0) -> Evidence:
    """What a verdict rests on."""
    discarded = {kind.value: count for kind, count in tally.discarded.items()}
    return Evidence(tally.octets, tally.octet_at, octets_per_s, tally.good, discarded)


def _mere_noise(tally: Tally) -> bool:
    """Whether what looked like damaged frames is chance: noise has a flag and a 0xA_ each 4096 octets."""
    return tally.discarded[Kind.NOISE] > 2 * sum(tally.discarded[kind] for kind in FRAMES)


def _verdict(tally: Tally, mono_ms: int, since_ms: int) -> Verdict:
    if _recent(tally.good_at, mono_ms):
        weak = tally.long_bad > 3 * tally.long_good and tally.short_good > 0
        found = Verdict.REDUCED if tally.reduced else Verdict.GOOD
        return Verdict.WEAK if weak else found
    for kind, verdict in _BY_KIND:
        if _recent(tally.discarded_at.get(kind), mono_ms) and not (kind in FRAMES and _mere_noise(tally)):
            return _BY_REASON.get(tally.reason, verdict) if tally.last is kind else verdict
    if _recent(tally.octet_at, mono_ms):
        return Verdict.NO_FRAMES if tally.octets > 2 * SCRAP else Verdict.WAITING
    return Verdict.SILENT if mono_ms - since_ms >= PATIENCE_MS else Verdict.WAITING


SCRAP = 512
PATIENCE_MS = 30_000
"""How long nothing at all may come before it is called silence: three periods of the slowest meter."""


def _recent(at_ms: int | None, mono_ms: int) -> bool:
    return at_ms is not None and mono_ms - at_ms <= RECENT_MS


def _seen(tally: Tally, mono_ms: int, verdict: Verdict) -> str:
    if tally.octet_at is None:
        return "nothing received at all"
    ago = (mono_ms - tally.octet_at) // 1000
    parts = [f"{tally.octets} octets, the last {ago} s ago", f"{tally.good} good telegrams"]
    parts += [f"{count} {kind.value}" for kind, count in sorted(tally.discarded.items())]
    text = ", ".join(parts)
    return f"{text} ({tally.reason})" if tally.reason and verdict is not Verdict.GOOD else text
