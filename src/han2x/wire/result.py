"""What comes out of the bytes: an APDU whose checksums are right, or what was discarded and why."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """Why bytes gave no reading; the diagnosis (manual row M5) is drawn from these."""

    NOISE = "noise"  # no frame to be seen
    TRUNCATED = "truncated"  # a frame or message that stops early
    CHECKSUM = "checksum"  # a frame whose HCS or FCS is wrong
    ENCRYPTED = "encrypted"
    FOREIGN = "foreign"  # recognised, but a protocol or feature that is not decoded
    UNKNOWN = "unknown"  # right checksums, content that no table explains


class Framing(StrEnum):
    """How a telegram was wrapped."""

    HDLC = "hdlc"
    LLC = "llc"
    APDU = "apdu"
    MBUS = "mbus"
    P1 = "p1"
    SML = "sml"


class Apdu(NamedTuple):
    """One application message: `data` begins with its tag; `offset` and `length` in the input's octets.

    With `Framing.P1`, `data` is the text from `/` to its last line, or what it is encrypted in; with
    `Framing.SML`, the messages without what stands around them. `header` is
    the HDLC header of the first frame from destination address to control, empty without
    HDLC; it hints at the vendor where the message itself carries no identity.
    """

    data: bytes
    framing: Framing
    offset: int
    length: int
    header: bytes = b""


class Discarded(NamedTuple):
    """Octets that gave no reading: `reason` in plain words, for people."""

    kind: Kind
    reason: str
    offset: int
    length: int


class Segment(NamedTuple):
    """A wired M-Bus long frame with right checksum; `number` from 0, `final` for the last of a message.

    `header` is C, A, STSAP and DTSAP: what all segments of one message have in common.
    """

    header: bytes
    data: bytes
    number: int
    final: bool
    offset: int
    length: int
