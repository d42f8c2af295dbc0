"""The DLMS data-notification: what is plain, what is encrypted, and what is something else.

The date-time field comes in four forms (han-port sheet 3.1): absent, the standard's bare octet string,
an octet string with a stray tag before it, and a tagged date-time.
"""

from typing import NamedTuple

from .attribute_list import MARK as ATTRIBUTE_LIST
from .attribute_list import attribute_list
from .axdr import AxdrError, Data, decode
from .result import Apdu, Discarded, Framing, Kind

DATA_NOTIFICATION = 0x0F
GENERAL_GLO_CIPHERING = 0xDB
GENERAL_BLOCK_TRANSFER = 0xE0
INVOKE_ID = slice(1, 5)
"""Where the long-invoke-id-and-priority of a data-notification is."""

SERVICES = {
    0x0C: "read-response",
    0x18: "information-report",
    0xC0: "get-request",
    0xC1: "set-request",
    0xC2: "event-notification",
    0xC3: "action-request",
    0xC4: "get-response",
    0xC5: "set-response",
    0xC7: "action-response",
    0xC8: "glo-get-request",
    0xCA: "glo-event-notification",
    0xCC: "glo-get-response",
    0xD8: "exception-response",
    0xDC: "general-ded-ciphering",
    0xDD: "general-ciphering",
    0xDF: "general-signing",
    0xE0: "general-block-transfer",
}
"""Messages of DLMS that are no data-notification, by their tag (Green Book 9.5)."""

SECOND_OCTET_MAX = 0x10
"""Behind the tag of such a message stands a choice, a priority or a length; in what is concealed anything."""

TIME_SIZE = 12
AES_BLOCK = 16


class Notification(NamedTuple):
    """A push message: `sent_at` the 12 octets of its date-time or b"", `body` its A-XDR value."""

    sent_at: bytes
    body: Data


class Malformed(NamedTuple):
    """An APDU that is no readable data-notification; `incomplete`: it may only be too short."""

    kind: Kind
    reason: str
    incomplete: bool = False

    def discarded(self, apdu: Apdu) -> Discarded:
        """The same, said of an APDU's octets."""
        return Discarded(self.kind, self.reason, apdu.offset, apdu.length)


def parse(apdu: Apdu) -> Notification | Discarded:
    """The notification in an APDU, or why there is none."""
    outcome = read(apdu.data)
    if isinstance(outcome, Malformed):
        kind, reason, _ = outcome
        if _maybe_ecb(apdu) and (kind is Kind.UNKNOWN or apdu.data[1] > SECOND_OCTET_MAX):
            kind, reason = Kind.ENCRYPTED, "encrypted: perhaps AES-128-ECB of a Kaifa (KFM_001), no key"
        return Discarded(kind, reason, apdu.offset, apdu.length)
    notification, end = outcome
    if any(apdu.data[end:]):
        return Discarded(Kind.UNKNOWN, "octets after the end of the message", apdu.offset, apdu.length)
    return notification


def read(data: bytes) -> tuple[Notification, int] | Malformed:
    """The notification that `data` begins with, and where it ends."""
    tag = data[0] if data else -1
    if tag == GENERAL_GLO_CIPHERING:
        return Malformed(Kind.ENCRYPTED, "encrypted (general-glo-ciphering): needs the grid company's keys")
    if service := SERVICES.get(tag):
        return Malformed(Kind.FOREIGN, f"DLMS {service} (tag 0x{tag:02X}), which is not read")
    if tag != DATA_NOTIFICATION:
        return Malformed(Kind.UNKNOWN, f"not a data-notification (tag 0x{max(tag, 0):02X})", tag < 0)
    try:
        sent_at, position = date_time(data)
        reads = attribute_list if data.startswith(ATTRIBUTE_LIST, position) else decode
        body, position = reads(data, position)
    except AxdrError as error:
        kind = Kind.FOREIGN if error.unsupported else Kind.UNKNOWN
        return Malformed(kind, str(error), error.incomplete)
    return Notification(sent_at, body), position


def date_time(data: bytes) -> tuple[bytes, int]:
    """The date-time's 12 octets (b"" if absent), and where the body begins; raises `AxdrError`."""
    position = INVOKE_ID.stop
    head = data[position : position + 2]
    if not head or head == b"\x09":
        raise AxdrError("the message ends before its date-time", incomplete=True)
    if head[0] == 0x00:
        return b"", position + 1
    if head == b"\x09\x0c":
        position += 2
    elif head[0] in (0x0C, 0x19):
        position += 1
    else:
        raise AxdrError(f"the date-time field begins with 0x{head[0]:02X}")
    end = position + TIME_SIZE
    if len(data) < end:
        raise AxdrError("the message ends within its date-time", incomplete=True)
    return data[position:end], end


def _maybe_ecb(apdu: Apdu) -> bool:
    return apdu.framing is Framing.HDLC and bool(apdu.data) and len(apdu.data) % AES_BLOCK == 0
