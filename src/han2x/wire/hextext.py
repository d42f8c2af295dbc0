"""Frames that firmware or a bridge writes as hex text: `7EA027…`, `7E A0 27 …`, `0x7E, 0xA0, …`.

The digits are turned to octets and looked at like any others, so the same checksums decide.
"""

import re
from collections.abc import Callable

from . import hdlc, mbus
from .candidate import NOTHING, Failed
from .hdlc import Frame
from .result import Kind, Segment

HEADER_TEXT_MAX = 128
TEXT_MAX = 6144
"""Characters of a frame at the most: 1024 octets as `0x7E, `."""

_GAP = rb"(?:[ \t\r\n,;:-]|0[xX])*"
_OCTET = rb"[0-9A-Fa-f]{2}"
_LOOK = re.compile(rb"7[eE]" + _GAP + rb"[aA][0-9A-Fa-f]|68" + _GAP + rb"(" + _OCTET + rb")" + _GAP + rb"\1")
_BEGUN = re.compile(
    rb"7(?:[eE]" + _GAP + rb"[aA0]?)?|6(?:8(?:" + _GAP + rb"[0-9A-Fa-f]){0,4}" + _GAP + rb")?"
)
_RUN = re.compile(rb"(?:[0-9A-Fa-f \t\r\n,;:-]|(?<=0)[xX])*")
_PREFIX = re.compile(rb"0[xX]")
_DIGIT = re.compile(rb"(?:0[xX])?([0-9A-Fa-f])")
_SEPARATORS = b" \t\r\n,;:-"
_BEGUN_MAX = 24

Framing = Callable[[bytearray, int, int], Frame | Segment | Failed | int]
_FRAMINGS: dict[int, Framing] = {hdlc.FLAG: hdlc.frame, mbus.START: mbus.candidate}


def candidate(buffer: bytearray, start: int, offset: int) -> Frame | Segment | Failed | int:
    """The frame written from `start` on, why there is none, or the buffer length needed to know."""
    if _LOOK.match(buffer, start) is None:
        begun = len(buffer) - start < _BEGUN_MAX and _BEGUN.fullmatch(buffer, start)
        return len(buffer) + 1 if begun else NOTHING
    for most in (HEADER_TEXT_MAX, TEXT_MAX):  # what is no header costs no more than one
        run = bytes(buffer[start : _end_of_run(buffer, start, start + most)])
        digits = _PREFIX.sub(b"", run).translate(None, _SEPARATORS)
        octets = bytearray.fromhex(digits[: len(digits) // 2 * 2].decode("ascii"))
        outcome = _FRAMINGS[octets[0]](octets, 0, 0)
        if not isinstance(outcome, int) or len(run) < most:
            break
    if isinstance(outcome, Failed):
        return NOTHING
    if isinstance(outcome, int):
        missing = 2 * (outcome - len(octets)) - len(digits) % 2
        open_end = start + len(run) == len(buffer) and len(run) + missing <= TEXT_MAX
        return len(buffer) + missing if open_end else NOTHING
    length = _characters(buffer, start, 2 * outcome.length)
    return outcome._replace(offset=offset + start, length=length)


def _end_of_run(buffer: bytearray, start: int, limit: int) -> int:
    """Where the digits and what separates them end."""
    run = _RUN.match(buffer, start, limit)
    return run.end() if run else start


def _characters(buffer: bytearray, start: int, digits: int) -> int:
    """How many characters a number of digits takes up, with all that stands between them."""
    position = start
    for _ in range(digits):
        found = _DIGIT.search(buffer, position)
        assert found
        position = found.end()
    return position - start


def truncated(buffer: bytearray, start: int, _: int) -> Failed:
    """The verdict on a candidate that would have needed more characters."""
    have = len(buffer) - start
    if _LOOK.match(buffer, start) is None:
        return NOTHING
    return Failed(Kind.TRUNCATED, f"truncated: a frame as hex text ends after {have} characters", have)
