"""Bytes of one meter to readings, counting everything that comes. Pure."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from ..model.reading import Reading
from ..vendors.decoder import Decoder
from ..vendors.decoding_options import PLAIN, Manner
from ..wire.result import Apdu, Discarded, Kind
from ..wire.stream import Stream


@dataclass(slots=True)
class Tally:
    """What has come in so far: `octets`, `good` telegrams, discarded stretches by kind, `lost` of all kinds.

    Times are monotonic milliseconds, None for never. `short_good`, `long_good` and `long_bad` count
    telegrams of up to and above `SHORT` octets, the long ones of late: a weak adapter loses their tail.
    `reduced`: the last good telegram says as little as a meter does before its PIN is entered.
    """

    octets: int = 0
    good: int = 0
    discarded: Counter[Kind] = field(default_factory=Counter)
    octet_at: int | None = None
    good_at: int | None = None
    discarded_at: dict[Kind, int] = field(default_factory=dict)
    reason: str = ""
    last: Kind | None = None
    lost: int = 0
    short_good: int = 0
    long_good: int = 0
    long_bad: int = 0
    reduced: bool = False


SHORT = 100
RECENT_LONG = 128


Outcome = Reading | Discarded
Tap = Callable[[bytes, Outcome], None]
"""Is told of each message, whole or damaged: its octets as they came, and what became of them."""

FRAMES = (Kind.CHECKSUM, Kind.TRUNCATED)
"""What is left of a frame that was damaged."""


class Pipeline:
    """Deframing, decoding and counting for one stream; nothing here raises, whatever the octets."""

    def __init__(self, tap: Tap | None = None, manner: Manner = PLAIN) -> None:
        """Raises `CipherMissingError` where there are keys but no AES."""
        self.tally = Tally()
        self._keyring = manner.keyring()
        self._stream = Stream(self._keyring)
        self._decoder = Decoder(self._keyring, manner)
        self._tap = tap
        self._window = Window()

    @property
    def waiting(self) -> bool:
        """Whether octets are held that more octets may complete."""
        return self._stream.waiting

    def restart(self) -> None:
        """The source was opened anew: what was held of the old one is forgotten."""
        self._stream = Stream(self._keyring)
        self._window = Window()

    def feed(self, octets: bytes, mono_ms: int) -> list[Outcome]:
        """What these octets complete, in order."""
        self.tally.octets += len(octets)
        self.tally.octet_at = mono_ms
        if self._tap:
            self._window.add(octets)
        return [self._outcome(item, mono_ms) for item in self._stream.feed(octets)]

    def flush(self, mono_ms: int) -> list[Outcome]:
        """What was waiting for octets that will not come: the line has fallen silent."""
        return [self._outcome(item, mono_ms) for item in self._stream.flush()]

    def _outcome(self, item: Apdu | Discarded, mono_ms: int) -> Outcome:
        if not isinstance(item, Apdu):
            self._count_discarded(item, mono_ms)
            if self._tap and item.kind in FRAMES:
                self._tap(self._window.cut(item.offset, item.length), item)
            return item
        outcome = self._decoder.decode(item)
        if self._tap:
            self._tap(self._window.cut(item.offset, item.length), outcome)
        if isinstance(outcome, Reading):
            self.tally.reduced = outcome.reduced
            self._count_good(item.length, mono_ms)
        else:
            self._count_discarded(outcome, mono_ms)
        return outcome

    def _count_good(self, length: int, mono_ms: int) -> None:
        self.tally.good += 1
        self.tally.good_at = mono_ms
        if length <= SHORT:
            self.tally.short_good += 1
        else:
            self.tally.long_good += 1
            self._fade()

    def _count_discarded(self, discarded: Discarded, mono_ms: int) -> None:
        self.tally.lost += 1
        self.tally.discarded[discarded.kind] += 1
        self.tally.discarded_at[discarded.kind] = mono_ms
        self.tally.reason, self.tally.last = discarded.reason, discarded.kind
        if discarded.kind in (Kind.CHECKSUM, Kind.TRUNCATED) and discarded.length > SHORT:
            self.tally.long_bad += 1
            self._fade()

    def _fade(self) -> None:
        """Let old counts of long telegrams fade, so that an adapter may turn weak after years."""
        if self.tally.long_good + self.tally.long_bad >= RECENT_LONG:
            self.tally.long_good //= 2
            self.tally.long_bad //= 2


WINDOW = 16_384
"""More octets than a message in the making may have."""


class Window:
    """The newest octets of a stream, found by their offset in it."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._begin = 0

    def add(self, octets: bytes) -> None:
        """More octets; the oldest make room."""
        self._octets += octets
        self._drop(len(self._octets) - WINDOW - len(octets))

    def cut(self, offset: int, length: int) -> bytes:
        """Octets that were added, none of them before those of an earlier cut."""
        self._drop(offset - self._begin)
        return bytes(self._octets[:length])

    def _drop(self, count: int) -> None:
        if count > 0:
            del self._octets[:count]
            self._begin += count
