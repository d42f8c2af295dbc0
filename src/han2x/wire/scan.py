"""Telegrams out of a byte stream cut anywhere, whatever frames them: HDLC, M-Bus, P1 text, SML, hex text.

Each framing tells from the octets where a telegram may begin (`FRAMINGS`); nothing is remembered of what
came before, so a stream may change its framing at any octet. When a candidate fails, only its first octet
is dropped and the search goes on in what is buffered, so that damage never costs the telegram behind it
(han-port sheet 2.5, 2.6). What was skipped is reported once, octet for octet, never raised.
"""

import re
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from typing import NamedTuple

from . import hdlc
from .candidate import NOTHING, Failed
from .cipher import Keyring, sealed
from .dlms import GENERAL_GLO_CIPHERING, Malformed
from .hdlc import FLAG, Frame
from .other_protocols import describe
from .result import Apdu, Discarded, Framing, Kind, Segment

NOISE_MAX = 2048
"""Skipped octets kept to tell what they are; longer noise is reported in pieces."""

SEALED_MAX = 4096
_SEALED = re.compile(rb"\xdb\x08[A-Za-z]{3}")
_SEALED_ALONE = "encrypted (general-glo-ciphering) without a frame: needs the grid company's keys"

Found = Frame | Segment | Apdu


class FramingRow(NamedTuple):
    """A framing: what is at a place of a buffer, and the verdict on what ends too early."""

    candidate: Callable[[bytearray, int, int], Found | Failed | int]
    truncated: Callable[[bytearray, int, int], Found | Failed]


def _sealed(buffer: bytearray, start: int, offset: int) -> Apdu | Failed | int:
    """An encrypted message that no frame surrounds, as P1 text may be sent (han-port sheet 6.2)."""
    head = _SEALED.match(buffer, start)
    if head is None:
        begun = bytes(buffer[start : start + 5])
        return start + 5 if begun in (b"\xdb", b"\xdb\x08") else NOTHING
    octets = bytes(buffer[start : start + SEALED_MAX])
    parts = sealed(octets)
    if isinstance(parts, Malformed):
        return len(buffer) + 1 if parts.incomplete and len(octets) < SEALED_MAX else NOTHING
    return Apdu(octets[: parts.size], Framing.P1, offset + start, parts.size)


def _truncated_seal(buffer: bytearray, start: int, _: int) -> Failed:
    have = len(buffer) - start
    return Failed(Kind.TRUNCATED, f"truncated: an encrypted message ends after {have} octets", have)


def _later(name: str) -> FramingRow:
    """A framing of this package, imported when a telegram may first begin with its octet."""
    module = cache(partial(import_module, f"{__package__}.{name}"))

    def candidate(buffer: bytearray, start: int, offset: int) -> Found | Failed | int:
        return module().candidate(buffer, start, offset)  # type: ignore[no-any-return]

    def truncated(buffer: bytearray, start: int, offset: int) -> Found | Failed:
        return module().truncated(buffer, start, offset)  # type: ignore[no-any-return]

    return FramingRow(candidate, truncated)


MBUS, SLASH, ESCAPE, HEX_DIGITS = 0x68, 0x2F, 0x1B, b"76"
FRAMINGS: dict[int, FramingRow] = {
    FLAG: FramingRow(hdlc.frame, hdlc.truncated),
    MBUS: _later("mbus"),
    SLASH: _later("p1"),
    ESCAPE: _later("sml"),
    GENERAL_GLO_CIPHERING: FramingRow(_sealed, _truncated_seal),
    **dict.fromkeys(HEX_DIGITS, _later("hextext")),
}
"""By the octet that a telegram begins with."""

_IDLE = re.compile(rb"(?:[~\r\n\t ,;:-]|0[xX])*")
"""Flags, line ends, and what separates the digits of hex text."""

_START = re.compile(b"[" + re.escape(bytes(FRAMINGS)) + b"]").search


class Deframer:
    """Bytes in any cut to telegrams and discarded stretches. Holds at most one telegram and some noise."""

    def __init__(self, offset: int = 0, keyring: Keyring | None = None) -> None:
        self._buffer = bytearray()
        self._offset = offset  # of the buffer's first octet in the stream
        self._accounted = offset  # stream offset up to which every octet is in a frame or blamed
        self._noise = bytearray()
        self._enough = 0  # buffer length below which a waiting candidate cannot get further
        self._keyring = keyring

    def feed(self, data: bytes) -> list[Found | Discarded]:
        """What the octets complete."""
        self._buffer += data
        return self._scan(final=False) if len(self._buffer) >= self._enough else []

    @property
    def waiting(self) -> bool:
        """Whether octets are held beyond a closing flag."""
        return len(self._buffer) > 1

    def flush(self) -> list[Found | Discarded]:
        """What is left, when no more octets belong to it: the line fell silent, or the input ended."""
        found = self._scan(final=True)
        self._report_noise(found)
        return found

    def _scan(self, *, final: bool) -> list[Found | Discarded]:
        found: list[Found | Discarded] = []
        buffer, position, self._enough = self._buffer, 0, 0
        while (start := position if buffer.startswith(b"\x7e", position) else self._next(position)) >= 0:
            if start > position:
                self._skip(position, start, found)
            octet = buffer[start]
            outcome: Found | Failed | int
            hdlc_opens = octet == FLAG  # by far the most
            outcome = hdlc.frame(buffer, start, self._offset) if hdlc_opens else self._other(octet, start)
            if isinstance(outcome, int):
                if not final:
                    self._enough = outcome - start
                    position = start
                    break
                outcome = FRAMINGS[octet].truncated(buffer, start, self._offset)
            if isinstance(outcome, Failed):
                self._blame(start, outcome, found)
                position = start + 1
                self._skip(start, position, found)
            else:
                self._report_noise(found)
                found.append(outcome)
                position = start + outcome.length
                self._accounted = self._offset + position
                if hdlc_opens:  # its closing flag may open the next one, unless that has its own
                    position -= not buffer.startswith(b"\x7e", position)
        else:
            self._skip(position, len(buffer), found)
            position = len(buffer)
        del buffer[:position]
        self._offset += position
        return found

    def _next(self, position: int) -> int:
        """Where the next telegram may begin, -1 for nowhere."""
        found = _START(self._buffer, position)
        return found.start() if found else -1

    def _other(self, octet: int, start: int) -> Found | Failed | int:
        """What is there in other framings than HDLC."""
        outcome = FRAMINGS[octet].candidate(self._buffer, start, self._offset)
        if octet != GENERAL_GLO_CIPHERING or not isinstance(outcome, Apdu):
            return outcome
        # Encrypted P1 text, which no frame surrounds, is believed only when the keys prove it.
        proven = self._keyring is not None and self._keyring.proves(outcome.data)
        return outcome if proven else Failed(Kind.ENCRYPTED, _SEALED_ALONE, outcome.length)

    def _blame(self, start: int, failed: Failed, found: list[Found | Discarded]) -> None:
        """Report a failed frame, unless it lies within one that has been reported."""
        offset = self._offset + start
        if failed.extent and offset >= self._accounted:
            self._report_noise(found)
            found.append(Discarded(failed.kind, failed.reason, offset, failed.extent))
            self._accounted = offset + failed.extent

    def _skip(self, begin: int, end: int, found: list[Found | Discarded]) -> None:
        """Octets that belong to no frame: noise, as far as nothing has accounted for them."""
        begin = max(begin, self._accounted - self._offset)
        while begin < end:
            piece = self._buffer[begin : min(end, begin + NOISE_MAX - len(self._noise))]
            self._noise += piece
            begin += len(piece)
            self._accounted = self._offset + begin
            if len(self._noise) >= NOISE_MAX:
                self._report_noise(found)

    def _report_noise(self, found: list[Found | Discarded]) -> None:
        """The noise up to here as one stretch; what stands idle between telegrams is none."""
        if self._noise and not _IDLE.fullmatch(self._noise):
            kind, reason = describe(bytes(self._noise))
            found.append(Discarded(kind, reason, self._accounted - len(self._noise), len(self._noise)))
        self._noise.clear()
