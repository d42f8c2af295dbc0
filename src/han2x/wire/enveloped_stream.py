"""Envelopes in a stream: a bridge's connection, or a file. Pure.

A message ends with its line, with the brackets of its JSON, or where the stream pauses or ends; then it is
opened like a message of a broker (`envelopes`). What begins as a telegram does is never held back, and
nothing is once a whole message was none: such a stream is bare for good.
"""

import re

from .envelopes import PAYLOAD_MAX, bears_telegrams, unwrap

LINE_MIN = 16
"""A shorter line holds no telegram."""

_BARE = re.compile(
    rb"[\r\n\0]*+(?:~|h(.)\1h|/[A-Za-z]{3}|\x0f|\xdb|\xe6\xe7|\x1b|7[ \t,;:-]*[eE][ \t,;:-]*[aA])", re.DOTALL
)
"""How telegrams begin, and their hex text (`scan`)."""

_JSON = re.compile(rb"[ \t\r\n]*+[{\[]")
_TEXT = re.compile(rb"[\t\r\n\x20-\x7e\x80-\xff]*+")


class EnvelopedStream:
    """A stream's octets without their envelopes; holds one message of at most `PAYLOAD_MAX` octets."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._bare = self._opened = False
        self._start_anew()

    def _start_anew(self) -> None:
        self._held.clear()
        self._line = 0  # where the line that has not ended begins
        self._depth = 0  # brackets that are open
        self._may_be_json = True

    @property
    def waiting(self) -> bool:
        """Whether octets are held that a pause would settle."""
        return bool(self._held)

    def feed(self, data: bytes) -> bytes:
        """What the octets complete."""
        if self._bare:
            return data
        self._held += data
        if _BARE.match(self._held) or len(self._held) > PAYLOAD_MAX:
            return self._as_it_is()
        found = b""
        while (end := self._held.find(b"\n", self._line) + 1) > 0:
            if opened := self._end_of_line(bytes(self._held[self._line : end])):
                rest = self._held[end:]
                found += opened
                self._start_anew()
                self._held += rest
            else:
                self._line = end
        return found

    def flush(self) -> bytes:
        """What is held, when the stream pauses or has ended."""
        if not self._held:
            return b""
        opened = self._open(bytes(self._held))
        if not opened:
            return self._as_it_is()
        self._start_anew()
        return opened

    def _end_of_line(self, line: bytes) -> bytes:
        """What a line holds, or it and those before it, where they are one JSON text."""
        if line.isspace():
            return b""
        self._depth += sum(map(line.count, (b"{", b"["))) - sum(map(line.count, (b"}", b"]")))
        if len(line) >= LINE_MIN and _TEXT.fullmatch(line) and (opened := self._open(line)):
            return (
                bytes(self._held[: self._line]) + opened
            )  # what came before is accounted for by who reads it
        if self._line and self._may_be_json and not self._depth:
            self._may_be_json = False
            return self._open(bytes(self._held[: self._line]) + line) if _JSON.match(self._held) else b""
        return b""

    def _open(self, message: bytes) -> bytes:
        """The telegrams in a message's envelopes, b"" where there are none, or no envelope."""
        found = b"" if bears_telegrams(message) else unwrap(message)
        if not found or found == message:
            return b""
        self._opened = True
        return found

    def _as_it_is(self) -> bytes:
        """All that is held: it is no envelope, and where there has never been one there will be none."""
        held = bytes(self._held)
        self._start_anew()
        self._bare = not self._opened
        return held
