"""A meter's byte stream to APDUs, whatever wraps them: frames and text (`scan`), LLC + APDU, or bare APDUs.

Whether messages come without any frame is seen from the first octets. Without a frame there is no checksum: a
message is then believed only when its own structure ends exactly where the next begins, or where the input
ends; anything else turns the search to frames for good. A damaged stream can thus never be read unwrapped.
"""

from typing import Any

from .assemble import LLC, Assembler
from .cipher import Keyring, sealed
from .dlms import GENERAL_GLO_CIPHERING, Malformed, read
from .hdlc import Frame
from .result import Apdu, Discarded, Framing, Segment
from .scan import Deframer

UNWRAPPED_MAX = 4096
BEGINNING_SIZE = 10
"""LLC, tag, invoke id and the date-time's first octets: an HDLC check sequence and header are told apart."""


class Stream:
    """Bytes in any cut to APDUs and discarded stretches; memory is bounded by one message."""

    def __init__(self, keyring: Keyring | None = None) -> None:
        self._keyring = keyring
        self._deframer = Deframer(keyring=keyring)
        self._assembler = Assembler()
        self._unwrapped: bytearray | None = bytearray()
        self._offset = 0

    def feed(self, data: bytes) -> list[Apdu | Discarded]:
        """What the octets complete."""
        if self._unwrapped is not None:
            return self._feed_unwrapped(data)
        return self._assembled(self._deframer.feed(data))

    @property
    def waiting(self) -> bool:
        """Whether octets are held that more octets may complete."""
        return bool(self._unwrapped) or self._deframer.waiting

    def flush(self) -> list[Apdu | Discarded]:
        """What is left when the line has fallen silent or the input has ended."""
        found = self._feed_unwrapped(b"", final=True) if self._unwrapped is not None else []
        return [*found, *self._assembled(self._deframer.flush()), *self._assembler.broken()]

    def _assembled(self, outcomes: list[Any]) -> list[Apdu | Discarded]:
        found: list[Apdu | Discarded] = []
        for outcome in outcomes:
            if isinstance(outcome, Frame):
                found += self._assembler.feed(outcome)
            elif isinstance(outcome, Segment):
                found += self._assembler.feed_segment(outcome)
            else:
                found += self._assembler.broken()
                found.append(outcome)
        return found

    def _feed_unwrapped(self, data: bytes, *, final: bool = False) -> list[Apdu | Discarded]:
        """Messages without HDLC, as long as the stream looks like that."""
        assert self._unwrapped is not None
        self._unwrapped += data
        if self._keyring and self._keyring.proves(bytes(self._unwrapped)):
            return self._to_frames()  # encrypted P1 text, which need not wait for the next to confirm it
        found: list[Apdu | Discarded] = []
        while self._unwrapped and (size := _message_size(bytes(self._unwrapped), final)) > 0:
            found.append(_message(bytes(self._unwrapped[:size]), self._offset))
            del self._unwrapped[:size]
            self._offset += size
        if self._unwrapped and size < 0:
            found += self._to_frames()
        return found

    def _to_frames(self) -> list[Apdu | Discarded]:
        rest, self._unwrapped = bytes(self._unwrapped or b""), None
        self._deframer = Deframer(self._offset, self._keyring)
        return self._assembled(self._deframer.feed(rest))


def _message(octets: bytes, offset: int) -> Apdu:
    if octets.startswith(LLC):
        return Apdu(octets[len(LLC) :], Framing.LLC, offset, len(octets))
    return Apdu(octets, Framing.APDU, offset, len(octets))


def _message_size(octets: bytes, final: bool) -> int:
    """Octets of the unwrapped message that `octets` begin with: 0 if more are needed, -1 if there is none."""
    begin = len(LLC) if octets.startswith(LLC) else 0
    if not final and len(octets) <= len(LLC) and LLC.startswith(octets):
        return 0
    size = _apdu_size(octets[begin:])
    if size > 0:
        return _confirmed(begin + size, octets[begin + size :][:BEGINNING_SIZE], final)
    return -1 if size < 0 or final or len(octets) > UNWRAPPED_MAX else 0


def _confirmed(size: int, rest: bytes, final: bool) -> int:
    """The size of a message that `rest` follows, as `_message_size`: another message must begin there."""
    if not rest:
        return size if final else 0
    begin = len(LLC) if rest.startswith(LLC) else 0
    if not LLC.startswith(rest) and _apdu_size(rest[begin:]) < 0:
        return -1
    if len(rest) < BEGINNING_SIZE:
        return -1 if final else 0
    return size


def _apdu_size(octets: bytes) -> int:
    """Octets of the APDU that `octets` begin with: 0 if they may be too few, -1 if there is none."""
    if octets[:1] == bytes((GENERAL_GLO_CIPHERING,)):
        return _ciphered_size(octets)
    outcome = read(octets)
    if isinstance(outcome, Malformed):
        return 0 if outcome.incomplete else -1
    return outcome[1]


def _ciphered_size(octets: bytes) -> int:
    """Octets of a general-glo-ciphering APDU, as `_apdu_size`."""
    parts = sealed(octets)
    if isinstance(parts, Malformed):
        return 0 if parts.incomplete else -1
    return parts.size
