"""What a meter's line is like, in plain words, and what to do about it (manual row M5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


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
    NO_SOURCE = "no-source"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What has come in since the process started. `octet_at`: monotonic ms of the last octet, None for none.

    `discarded`: stretches that gave nothing, by kind. `octets_per_s`: of late.
    """

    octets: int = 0
    octet_at: int | None = None
    octets_per_s: float = 0.0
    good: int = 0
    discarded: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A verdict, what was seen, and the next step for the person who looks at it."""

    verdict: Verdict
    headline: str
    seen: str
    next_step: str
    evidence: Evidence = Evidence()


TEXTS: dict[Verdict, tuple[str, str]] = {
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
    Verdict.NO_SOURCE: ("The source cannot be opened", "See what the source says."),
}
"""What is the matter, and what to do next; of a source that cannot be opened, its `Trouble` says that."""


def no_source(trouble: str, evidence: Evidence = Evidence()) -> Diagnosis:
    """A source that cannot be opened, with the sentence that says why."""
    return Diagnosis(Verdict.NO_SOURCE, TEXTS[Verdict.NO_SOURCE][0], trouble, trouble, evidence)


LISTENING = Diagnosis(Verdict.WAITING, TEXTS[Verdict.WAITING][0], "", TEXTS[Verdict.WAITING][1])
"""Before anything is known."""
