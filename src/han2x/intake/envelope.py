"""What a reader publishes to an MQTT topic, to a meter's octets. Pure.

Readers wrap telegrams in different ways: as they came from the meter, as hex text (amsreader), or several
HDLC frames behind and between octets of their own (Tibber Pulse; han-port sheet 5, row 21). Whole frames are
known by the length in their header; where there is one, nothing else in the message is the meter's.
"""

from collections.abc import Iterator
from string import hexdigits

FLAG = 0x7E
FORMAT_TYPE_3 = 0xA0
HEX = frozenset((hexdigits + " \t\r\n:-").encode())


def octets(payload: bytes) -> bytes:
    """The meter's octets in a message; the message itself where nothing tells how it is wrapped."""
    content = _from_hex(payload)
    return b"".join(_frames(content)) or content


def _from_hex(payload: bytes) -> bytes:
    if not payload or not HEX.issuperset(payload):
        return payload
    try:
        return bytes.fromhex(payload.translate(None, b":- \t\r\n").decode("ascii"))
    except ValueError:
        return payload


def _frames(content: bytes) -> Iterator[bytes]:
    """HDLC frames with both flags; two frames may share one."""
    at = content.find(FLAG)
    while 0 <= at < len(content) - 2:
        size = (content[at + 1] & 7) << 8 | content[at + 2]
        end = at + size + 1
        if content[at + 1] & 0xF0 == FORMAT_TYPE_3 and end < len(content) and content[end] == FLAG:
            yield content[at : end + 1]
            at = end if content[end + 1 : end + 2] != bytes((FLAG,)) else end + 1
        else:
            at = content.find(FLAG, at + 1)
