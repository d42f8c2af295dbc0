"""Frames to messages: the LLC header taken off, segments and transfer blocks put together.

Segments (HDLC bit S) and blocks (general block transfer) both follow one rule: pieces in unbroken
order, and any gap drops what was gathered (han-port sheet 2.7, 6.5).
"""

from .axdr import AxdrError, length
from .dlms import GENERAL_BLOCK_TRANSFER
from .hdlc import Frame
from .result import Apdu, Discarded, Framing, Kind

LLC = b"\xe6\xe7\x00"
MESSAGE_MAX = 8192
LAST_BLOCK = 0x80


class Assembler:
    """Frames in order to APDUs. Holds one message in the making, of at most `MESSAGE_MAX` octets."""

    def __init__(self) -> None:
        self._segments = _Gathering("segment")
        self._blocks = _Gathering("transfer block")

    def feed(self, frame: Frame) -> list[Apdu | Discarded]:
        """What the frame completes, and what it shows to be lost."""
        lost: list[Apdu | Discarded] = []
        if not frame.segmented and not self._segments.pieces:
            whole: Frame | None = frame
        else:
            whole = self._join(frame, lost)
        return [*lost, *(self._message(whole) if whole else ())]

    def broken(self) -> list[Apdu | Discarded]:
        """Damage between frames: what was gathered is lost."""
        return [*self._segments.drop(), *self._blocks.drop()]

    def _join(self, frame: Frame, lost: list[Apdu | Discarded]) -> Frame | None:
        """The frame that the segments up to this one make, once the last is there."""
        gathering = self._segments
        begins = frame.information.startswith(LLC)
        if begins or frame.header[:-1] != gathering.header[:-1]:  # addresses; the control octet may differ
            lost += gathering.drop()
        if not begins and not gathering.pieces:
            reason = "a segment whose beginning is missing"
            lost.append(Discarded(Kind.TRUNCATED, reason, frame.offset, frame.length))
            return None
        gathering.add(frame, frame.information)
        if gathering.size > MESSAGE_MAX:
            lost += gathering.drop()
        return None if frame.segmented or not gathering.pieces else gathering.take(frame)

    def _message(self, frame: Frame) -> list[Apdu | Discarded]:
        information = frame.information
        if information.startswith(LLC):
            data = information[3:]
        elif information[:1] == bytes((GENERAL_BLOCK_TRANSFER,)):
            data = information
        else:
            return [Discarded(Kind.UNKNOWN, "no LLC header", frame.offset, frame.length)]
        if data[:1] == bytes((GENERAL_BLOCK_TRANSFER,)):
            return self._block(frame, data)
        return [
            *self._blocks.drop(),
            Apdu(data, Framing.HDLC, frame.offset, frame.length, frame.header),
        ]

    def _block(self, frame: Frame, data: bytes) -> list[Apdu | Discarded]:
        """General block transfer: control, number, acknowledged number, length, octets of the APDU."""
        gathering = self._blocks
        try:
            size, position = length(data, 6)
            number = data[2] << 8 | data[3]
        except (AxdrError, IndexError):
            size, position, number = -1, 0, 0
        lost: list[Apdu | Discarded] = []
        if number == 1:
            lost += gathering.drop()
        if size != len(data) - position or number != len(gathering.pieces) + 1:
            reason = f"transfer block {number} where {len(gathering.pieces) + 1} was expected"
            lost += gathering.drop()
            return [*lost, Discarded(Kind.TRUNCATED, reason, frame.offset, frame.length)]
        gathering.add(frame, data[position:])
        if gathering.size > MESSAGE_MAX:
            return [*lost, *gathering.drop()]
        if not data[1] & LAST_BLOCK:
            return lost
        whole = gathering.take(frame)
        return [*lost, Apdu(whole.information, Framing.HDLC, whole.offset, whole.length, whole.header)]


class _Gathering:
    """Pieces of one message, in order."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self.pieces: list[bytes] = []
        self.size = 0
        self.header = b""
        self._offset = self._end = 0

    def add(self, frame: Frame, octets: bytes) -> None:
        if not self.pieces:
            self.header, self._offset = frame.header, frame.offset
        self.pieces.append(octets)
        self.size += len(octets) or 1  # empty pieces without end are bounded too
        self._end = frame.offset + frame.length

    def take(self, last: Frame) -> Frame:
        """The pieces as one frame, and nothing is left."""
        whole = Frame(self.header, b"".join(self.pieces), False, self._offset, self._end - self._offset)
        self._clear()
        return whole

    def drop(self) -> list[Apdu | Discarded]:
        """Nothing is left; what was there is reported as lost."""
        if not self.pieces:
            return []
        reason = f"incomplete: {len(self.pieces)} {self._noun}(s), the rest is missing"
        lost = Discarded(Kind.TRUNCATED, reason, self._offset, self._end - self._offset)
        self._clear()
        return [lost]

    def _clear(self) -> None:
        self.pieces = []
        self.size = 0
        self.header = b""
