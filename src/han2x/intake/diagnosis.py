"""What is wrong with a meter's line, in plain words, and what to do next (manual row M5). Pure.

The verdict is the best that was seen in the last minute: one good telegram is good news whatever
else came; after that the most telling kind of damage decides.
"""

from dataclasses import dataclass
from enum import StrEnum

from ..vendors.decoder import NO_CHECK_SUM
from ..wire.foreign import INVERTED
from ..wire.result import Kind
from .pipeline import Tally

RECENT_MS = 60_000
"""The HAN lamp's minute (manual row M3)."""


class Verdict(StrEnum):
    """What the line is like."""

    GOOD = "good"
    WEAK = "weak"
    ENCRYPTED = "encrypted"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"
    DAMAGED = "damaged"
    NO_FRAMES = "no-frames"
    INVERTED = "inverted"
    UNCHECKED = "unchecked"
    SILENT = "silent"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A verdict, what was seen, and the next step for the person who looks at it."""

    verdict: Verdict
    headline: str
    seen: str
    next_step: str


_TEXTS: dict[Verdict, tuple[str, str]] = {
    Verdict.GOOD: ("Good telegrams arrive", "Nothing to do."),
    Verdict.WAITING: ("Listening", "Wait: telegrams come every 2 to 10 seconds."),
    Verdict.WEAK: (
        "Short telegrams arrive, long ones are damaged",
        "The adapter loses the end of long telegrams: use one with a TSS721 chip, a shorter cable, and no "
        "second device on the port.",
    ),
    Verdict.ENCRYPTED: (
        "The telegrams are encrypted",
        "Set the meter's key and auth_key: the grid company has them, or can turn encryption off. "
        "If they are set, one of them is wrong.",
    ),
    Verdict.FOREIGN: (
        "The telegrams use a feature that is not read",
        "It is recognised but not decoded so far; send us a recording (han2x bundle).",
    ),
    Verdict.UNKNOWN: (
        "The telegrams are whole, but their list is not known",
        "Send us a bundle (han2x record, han2x bundle), so that it can be added.",
    ),
    Verdict.DAMAGED: (
        "Frames arrive with wrong checksums",
        "Check wiring, cable length and adapter; a serial bridge must be in raw mode (no CR LF translation).",
    ),
    Verdict.INVERTED: (
        "The signal is inverted",
        "P1 needs an adapter that inverts its data line: use a P1 cable, or set the adapter to invert.",
    ),
    Verdict.UNCHECKED: (
        "The telegrams carry no check sum",
        "If the meter's documentation confirms that, set unchecked = true; damage cannot be told then.",
    ),
    Verdict.NO_FRAMES: (
        "Bytes arrive, but no frames",
        "The line's speed or parity is wrong, the signal is inverted, or it is noise: 2400, 115200 and "
        "9600 Bd are tried in turn; check that the adapter is an M-Bus slave, not a master.",
    ),
    Verdict.SILENT: (
        "Nothing is received at all",
        "Is the HAN port opened by the grid company (it is closed at delivery)? Is the adapter on pins 1 and "
        "2? A multimeter shows 24 to 30 V there, dipping every few seconds. Listening goes on.",
    ),
}
"""What is the matter, and what to do next."""

_BY_KIND = (
    (Kind.ENCRYPTED, Verdict.ENCRYPTED),
    (Kind.FOREIGN, Verdict.FOREIGN),
    (Kind.UNKNOWN, Verdict.UNKNOWN),
    (Kind.CHECKSUM, Verdict.DAMAGED),
    (Kind.TRUNCATED, Verdict.DAMAGED),
    (Kind.NOISE, Verdict.NO_FRAMES),
)


_BY_REASON = {INVERTED: Verdict.INVERTED, NO_CHECK_SUM: Verdict.UNCHECKED}
"""Where the last reason is more telling than its kind."""


def diagnose(tally: Tally, *, mono_ms: int, since_ms: int) -> Diagnosis:
    """The verdict at a moment; `since_ms`: when listening began."""
    verdict = _verdict(tally, mono_ms, since_ms)
    headline, next_step = _TEXTS[verdict]
    return Diagnosis(verdict, headline, _seen(tally, mono_ms, verdict), next_step)


_FRAMES = (Kind.CHECKSUM, Kind.TRUNCATED)


def _mere_noise(tally: Tally) -> bool:
    """Whether what looked like damaged frames is chance: noise has a flag and a 0xA_ each 4096 octets."""
    return tally.discarded[Kind.NOISE] > 2 * sum(tally.discarded[kind] for kind in _FRAMES)


def _verdict(tally: Tally, mono_ms: int, since_ms: int) -> Verdict:
    if _recent(tally.good_at, mono_ms):
        weak = tally.long_bad > 3 * tally.long_good and tally.short_good > 0
        return Verdict.WEAK if weak else Verdict.GOOD
    for kind, verdict in _BY_KIND:
        if _recent(tally.discarded_at.get(kind), mono_ms) and not (kind in _FRAMES and _mere_noise(tally)):
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
