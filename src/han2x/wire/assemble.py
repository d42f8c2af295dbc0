"""Frames to messages: the LLC header taken off, segments and transfer blocks put together.

Segments (HDLC bit S, wired M-Bus) and blocks (general block transfer) follow one rule: pieces in unbroken
order, and any gap drops what was gathered (han-port sheet 2.7, 6.3, 6.5).
"""

from .axdr import AxdrError, length
from .dlms import AES_BLOCK, GENERAL_BLOCK_TRANSFER
from .hdlc import Frame
from .result import Apdu, Discarded, Framing, Kind, Segment

LLC = b"\xe6\xe7\x00"
MESSAGE_MAX = 8192
LAST_BLOCK = 0x80


class Assembler:
    """Frames in order to APDUs. Holds one message in the making, of at most `MESSAGE_MAX` octets."""

    def __init__(self) -> None:
        self._segments = _Gathering("segment")
        self._blocks = _Gathering("transfer block")
        self._mbus = _Gathering("wired M-Bus segment")

    def feed(self, frame: Frame) -> list[Apdu | Discarded]:
        """What the frame completes, and what it shows to be lost."""
        lost: list[Apdu | Discarded] = self._mbus.drop() if self._mbus.pieces else []
        if not frame.segmented and not self._segments.pieces:
            whole: Frame | None = frame
        else:
            whole = self._join(frame, lost)
        return [*lost, *(self._message(whole) if whole else ())]

    def feed_segment(self, segment: Segment) -> list[Apdu | Discarded]:
        """What a wired M-Bus segment completes, and what it shows to be lost (sheet 6.3)."""
        gathering = self._mbus
        lost = [*self._segments.drop(), *self._blocks.drop()]
        if segment.number == 0 or segment.header != gathering.header:
            lost += gathering.drop()
        if segment.number != len(gathering.pieces):
            reason = f"wired M-Bus segment {segment.number} where {len(gathering.pieces)} was expected"
            lost += gathering.drop()
            return [*lost, Discarded(Kind.TRUNCATED, reason, segment.offset, segment.length)]
        gathering.add(segment.header, segment.data, segment.offset, segment.length)
        if not segment.final:
            return lost
        header, data, offset, length = gathering.take()
        return [*lost, Apdu(data, Framing.MBUS, offset, length, header)]

    def broken(self) -> list[Apdu | Discarded]:
        """Damage between frames: what was gathered is lost."""
        return [*self._segments.drop(), *self._blocks.drop(), *self._mbus.drop()]

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
        gathering.add(frame.header, frame.information, frame.offset, frame.length)
        if gathering.size > MESSAGE_MAX:
            lost += gathering.drop()
        if frame.segmented or not gathering.pieces:
            return None
        header, information, offset, length = gathering.take()
        return Frame(header, information, False, offset, length)

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
        if size != len(data) - position and not gathering.pieces and len(data) % AES_BLOCK == 0:
            return [Apdu(data, Framing.HDLC, frame.offset, frame.length, frame.header)]  # perhaps Kaifa's ECB
        if number == 1:
            lost += gathering.drop()
        if size != len(data) - position or number != len(gathering.pieces) + 1:
            reason = f"transfer block {number} where {len(gathering.pieces) + 1} was expected"
            lost += gathering.drop()
            return [*lost, Discarded(Kind.TRUNCATED, reason, frame.offset, frame.length)]
        gathering.add(frame.header, data[position:], frame.offset, frame.length)
        if gathering.size > MESSAGE_MAX:
            return [*lost, *gathering.drop()]
        if not data[1] & LAST_BLOCK:
            return lost
        header, octets, offset, extent = gathering.take()
        return [*lost, Apdu(octets, Framing.HDLC, offset, extent, header)]


class _Gathering:
    """Pieces of one message, in order."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self.pieces: list[bytes] = []
        self.size = 0
        self.header = b""
        self._offset = self._end = 0

    def add(self, header: bytes, octets: bytes, offset: int, length: int) -> None:
        if not self.pieces:
            self.header, self._offset = header, offset
        self.pieces.append(octets)
        self.size += len(octets) or 1  # empty pieces without end are bounded too
        self._end = offset + length

    def take(self) -> tuple[bytes, bytes, int, int]:
        """Header, the pieces as one, offset and length; and nothing is left."""
        whole = self.header, b"".join(self.pieces), self._offset, self._end - self._offset
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
