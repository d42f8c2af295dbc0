"""What services lend to others that show it: asked only when someone wants to see.

Services never import one another. One that knows something which another shows puts it here when it starts,
behind a protocol in the values of `model`; None, or no entry, where it does not run.
"""

from collections.abc import AsyncIterator, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from ..model.diagnosis import Diagnosis
from ..model.explained import Meaning, Named, Part, UnknownList
from ..model.hour import Hour
from ..model.reading import Reading
from ..settings.broker import Mqtt
from ..settings.complaint import Complaint
from ..settings.lists import TaughtList


class Attempt(NamedTuple):
    """How the trial of a source goes. `line`: serial settings, "" where there are none."""

    diagnosis: Diagnosis
    line: str
    reading: Reading | None
    done: bool


class Adapter(NamedTuple):
    """A serial adapter of this machine. `known`: its chip is known to work. `hint`: for people."""

    path: str
    name: str
    known: bool
    hint: str


class Sources(Protocol):
    """What the reading of meters lends."""

    def explain(self, octets: bytes) -> tuple[Part, ...]:
        """A telegram octet by octet; every octet is in exactly one part. Pure."""

    def unknown_list(self, meter: str, octets: bytes) -> UnknownList | None:
        """The list in a meter's telegram that no table of the program explains. Pure."""

    def meanings(self) -> Sequence[Meaning]:
        """What the values of such a list may be taught to mean."""

    def named(self, meter: str, octets: bytes, taught: TaughtList) -> Sequence[Named]:
        """What the values of such a list mean by a table, which is not kept. Pure."""

    def list_complaints(self, lists: tuple[TaughtList, ...]) -> Sequence[Complaint]:
        """What is wrong with the meanings of lists that are right by themselves. Pure."""

    def attempt(self, source: str, seconds: float, broker: Mqtt | None) -> AsyncIterator[Attempt]:
        """Listen to a source, and say each second how that goes; raises `Trouble`."""

    def adapters(self) -> Sequence[Adapter]:
        """The serial adapters that are plugged in. Blocks."""


class Span(NamedTuple):
    """How many rows there are, and when the first and the last begin (Unix seconds)."""

    rows: int
    first: int
    last: int


Lines = Generator[str, None, None]


class Archive(Protocol):
    """What the history lends. Everything blocks: for a thread. Raises `Trouble`."""

    def meters(self) -> Mapping[str, int]:
        """The ids of all meters of which there is anything, and when the last of it was (Unix seconds)."""

    def extent(self, meter: str) -> Mapping[str, Span]:
        """What there is of a meter, by resolution."""

    def columns(self, meter: str, resolution: str, begin: int, end: int) -> Lines:
        """A JSON document of columns and rows for plots, in pieces; `begin`, `end` Unix seconds."""

    def csv(self, meter: str, resolution: str, begin: int, end: int) -> Lines:
        """The lines of a CSV file, as `han2x history export` prints it."""

    def hours(self, meter: str, begin: int, end: int) -> Sequence[Hour]:
        """The hours of a meter, in order."""

    def join(self, was: str, into: str) -> None:
        """Have what there is of a meter under another id, `was`, in the history of the meter `into`."""

    def erase(self) -> None:
        """Forget everything."""


class UnitRow(NamedTuple):
    """A unit id, and which map of which meter it shows; `meter`: its id."""

    unit_id: int
    meter: str
    name: str
    map: str
    title: str


class RegisterRow(NamedTuple):
    """A register as it reads now. `raw`: its words in hex; None, as `value`, while nothing is answered."""

    register: str
    address: int
    hex: str
    name: str
    meaning: str
    type: str
    unit: str
    access: str
    raw: str | None
    value: int | float | str | None


class Registers(Protocol):
    """What Modbus lends."""

    def units(self) -> Sequence[UnitRow]:
        """All unit ids that answer."""

    def rows(self, unit_id: int) -> Sequence[RegisterRow] | None:
        """All registers of a unit id; None where nothing answers."""

    def formats(self) -> Sequence[str]:
        """The tools and forms that lists are written for."""

    def listing(self, map: str, form: str, host: str) -> str | None:
        """A list of a map's registers as `han2x registers` prints it; None for one that there is not."""


class Published(NamedTuple):
    """The last message of a topic, when it was sent (Unix ms)."""

    topic: str
    payload: bytes
    at_ms: int
    retained: bool


class Messages(Protocol):
    """What a broker's publisher lends."""

    def published(self) -> Sequence[Published]:
        """The last message of each topic, as many as are kept."""

    def announced(self) -> Sequence[str]:
        """The topics by which Home Assistant was told."""

    def again(self) -> None:
        """Say everything again."""


@dataclass
class Providers:
    """All that is lent; `messages` by the broker's name."""

    sources: Sources | None = None
    archive: Archive | None = None
    registers: Registers | None = None
    messages: dict[str, Messages] = field(default_factory=dict)
