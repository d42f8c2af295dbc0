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
    WEAK_BRIDGE = "weak-bridge"
    WEAK_FEED = "weak-feed"
    DAMAGED_BRIDGE = "damaged-bridge"
    DAMAGED_FEED = "damaged-feed"
    NO_FRAMES_BRIDGE = "no-frames-bridge"
    NO_FRAMES_FEED = "no-frames-feed"
    SILENT_BRIDGE = "silent-bridge"
    SILENT_FEED = "silent-feed"
    PARITY_8E1 = "parity-8e1"
    PARITY_7E1 = "parity-7e1"
    P1_HEADER = "p1-header"
    SML = "sml"
    SML_FEED = "sml-feed"
    REDUCED = "reduced"
    MODBUS = "modbus"
    MBUS = "mbus"
    BODY = "body"
    TEXT = "text"
    HTTP = "http"


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
        "Choose what the values mean under Teach this list on the page Signal, or with [[lists]] in the "
        "settings (docs/adding-a-meter.md), or send us a recording (han2x bundle).",
    ),
    Verdict.DAMAGED: (
        "Frames arrive with wrong checksums",
        "Check wiring, cable length and adapter; a serial bridge must be in raw mode (no CR LF translation).",
    ),
    Verdict.INVERTED: (
        "The signal is inverted",
        "P1 inverts its data line: use an adapter or bridge made for P1, or set it to invert.",
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
    Verdict.WEAK_BRIDGE: (
        "Short telegrams arrive, long ones are damaged",
        "The bridge loses the end of long telegrams: give it a larger serial buffer, and an adapter "
        "with a TSS721 chip.",
    ),
    Verdict.WEAK_FEED: (
        "Short telegrams arrive, long ones are damaged",
        "The reader that publishes the telegrams cuts long ones: see its settings for the maximum "
        "message size.",
    ),
    Verdict.DAMAGED_BRIDGE: (
        "Frames arrive from the bridge with wrong checksums",
        "Set the bridge to raw mode (no telnet, no CR LF translation), and check what it is "
        "connected to the meter with.",
    ),
    Verdict.DAMAGED_FEED: (
        "The source delivers damaged telegrams",
        "The reader receives or publishes them incomplete: see its own log, and have it publish raw "
        "telegrams (bytes, hex, base64 or JSON).",
    ),
    Verdict.NO_FRAMES_BRIDGE: (
        "Bytes arrive from the bridge, but no frames",
        "The bridge's serial settings do not fit the meter: set its speed to 2400, 115200 or 9600 "
        "Bd (see docs/meters.md), 8 data bits, raw mode.",
    ),
    Verdict.NO_FRAMES_FEED: (
        "Messages arrive, but hold no telegram",
        "Set the reader to publish raw telegrams (bytes, hex, base64 or JSON), and the source to "
        "that topic; decoded values cannot be read.",
    ),
    Verdict.SILENT_BRIDGE: (
        "Nothing is received from the bridge",
        "The connection stands. Does the bridge receive anything from the meter? Is the HAN port "
        "opened by the grid company (it is closed at delivery)?",
    ),
    Verdict.SILENT_FEED: (
        "No message is received",
        "Check the topic (it is case-sensitive), and that the reader publishes. Retained messages "
        "are not read.",
    ),
    Verdict.PARITY_8E1: (
        "The line is 8E1, but read as 8N1",
        "All received bytes have an odd number of ones. Add ?line=8E1 to a serial source, or set 8E1 "
        "in the bridge.",
    ),
    Verdict.PARITY_7E1: (
        "The line is 7E1, but read as 8N1",
        "All received bytes have an even number of ones. Add ?line=9600-7E1 to a serial source, or "
        "set 7E1 in the bridge.",
    ),
    Verdict.P1_HEADER: (
        "Only the P1 header arrives",
        "The meter is not asked for data: P1 needs 5 V on its request line (pin 2 to pin 1). With "
        "some adapters ?request=rts at the end of a serial source gives them; a bridge has a setting "
        "of its own.",
    ),
    Verdict.SML: (
        "SML telegrams arrive damaged",
        "Move the reading head until it sits over the meter's optical port, and shade it from "
        "sunlight. The line is 9600 8N1.",
    ),
    Verdict.REDUCED: (
        "The meter sends whole kWh and no power",
        "Enter the PIN, which the grid company has, at the meter's optical key, and set INF to on: the "
        "meter then sends power and decimals.",
    ),
    Verdict.MODBUS: (
        "The device speaks Modbus RTU",
        "This is not a HAN port: connect the source to the meter's HAN port; devices on RS-485 have "
        "to be asked and are not read.",
    ),
    Verdict.SML_FEED: (
        "The source delivers damaged SML telegrams",
        "The reader receives or publishes them incomplete: see its own log, and have it publish whole "
        "telegrams.",
    ),
    Verdict.MBUS: (
        "Another kind of meter sends M-Bus telegrams",
        "These are telegrams of water, heat or gas meters, which are not read. Connect the source to "
        "the HAN port of the electricity meter.",
    ),
    Verdict.BODY: (
        "Lists arrive without their frame",
        "Nothing shows whether they are damaged. Set the bridge or reader to pass on whole telegrams; "
        "lists without a frame are read from a topic or a network bridge only, one a message.",
    ),
    Verdict.TEXT: (
        "Text arrives that is no telegram",
        "The device sends its log or a prompt: turn that off, or use the port on which it passes on "
        "the meter's bytes unchanged.",
    ),
    Verdict.HTTP: (
        "The source speaks HTTP",
        "This is a web server, not a serial bridge: set the port on which the device serves its raw "
        "serial data.",
    ),
    Verdict.NO_SOURCE: ("The source cannot be opened", "See what the source says."),
}
"""What is the matter, and what to do next; of a source that cannot be opened, its `Trouble` says that."""


def no_source(trouble: str, evidence: Evidence = Evidence()) -> Diagnosis:
    """A source that cannot be opened, with the sentence that says why."""
    return Diagnosis(Verdict.NO_SOURCE, TEXTS[Verdict.NO_SOURCE][0], trouble, trouble, evidence)


LISTENING = Diagnosis(Verdict.WAITING, TEXTS[Verdict.WAITING][0], "", TEXTS[Verdict.WAITING][1])
"""Before anything is known."""
