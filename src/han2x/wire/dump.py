"""Recorded files: raw octets, hex text, `han2x record`'s, what bridges send. Told apart by how they begin."""

import re

from .enveloped_stream import EnvelopedStream
from .recording import MAGIC, octets

_SEPARATORS = b" \t\r\n,;:-"
UNDECIDED_MAX = 4096  # blank octets at the start that are held until the form shows
_HEX = re.compile(rb"[0-9A-Fa-f \t\r\n,;:xX-]*")
_PREFIX = re.compile(rb"0[xX]")
_NO_DIGIT = re.compile(rb"[^0-9A-Fa-f]+")


class Dump:
    """A recorded file's octets, chunk by chunk, without what bridges put around telegrams.

    Hex digits may be spaced, prefixed and broken at will.
    """

    def __init__(self) -> None:
        self._is_hex: bool | None = None
        self._is_recording = False
        self._carry = b""
        self._envelopes = EnvelopedStream()

    def feed(self, chunk: bytes) -> bytes:
        """The octets that a chunk of the file means."""
        return self._envelopes.feed(self._octets(chunk))

    def _octets(self, chunk: bytes) -> bytes:
        if self._is_hex is None:
            chunk, self._carry = self._carry + chunk, b""
            if MAGIC.startswith(chunk[: len(MAGIC)]):
                if len(chunk) < len(MAGIC):
                    self._carry = chunk
                    return b""
                self._is_recording, self._is_hex, chunk = True, False, chunk[len(MAGIC) :]
                return self._from_lines(chunk)
            if len(chunk.strip(_SEPARATORS)) < 2 and len(chunk) < UNDECIDED_MAX:
                self._carry = chunk
                return b""
            self._is_hex = _HEX.fullmatch(chunk) is not None
        if self._is_recording:
            return self._from_lines(chunk)
        return self._from_hex(chunk) if self._is_hex else chunk

    def _from_lines(self, chunk: bytes) -> bytes:
        *lines, self._carry = (self._carry + chunk).split(b"\n")
        return b"".join(map(octets, lines))

    def _from_hex(self, chunk: bytes) -> bytes:
        text = self._carry + chunk
        self._carry = b""
        if text[-1:] in b"0":  # may be the first half of a prefix or of an octet
            text, self._carry = text[:-1], text[-1:]
        digits = _NO_DIGIT.sub(b"", _PREFIX.sub(b"", text))
        if len(digits) % 2:
            digits, self._carry = digits[:-1], digits[-1:] + self._carry
        return bytes.fromhex(digits.decode("ascii"))

    def flush(self) -> bytes:
        """The octets held back, at the end of the file; half an octet is none."""
        return self._envelopes.feed(self._rest()) + self._envelopes.flush()

    def _rest(self) -> bytes:
        carry, self._carry = self._carry, b""
        if self._is_recording:
            return octets(carry)
        if self._is_hex is None:
            return carry
        return bytes.fromhex(carry.decode("ascii")) if len(carry) == 2 else b""
