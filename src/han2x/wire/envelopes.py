"""What readers and bridges put around telegrams in a message, taken off again (sheet 5, row 21). Pure.

Each envelope is a function from octets to what is in them, () where its mark is missing. They are tried in
turn, within each other to a depth of `DEPTH`, and count only where a telegram is in the end: what nothing
recognises is left as it came, for the decoder to judge. Nothing a message holds costs more than
`OPENED_MAX` octets of opened contents.
"""

import json
import re
import zlib
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from . import sml
from .assemble import LLC
from .axdr import AxdrError, decode
from .cipher import sealed
from .crc import check_sequence
from .dlms import DATA_NOTIFICATION, GENERAL_GLO_CIPHERING, Malformed, read
from .hdlc import FLAG, FORMAT_TYPE_3
from .mbus import START
from .protobuf import lengthy

PAYLOAD_MAX = 65_536
OPENED_MAX = 131_072
"""Octets that may be opened of one message, all envelopes together: what decompression may grow to."""

DEPTH = 4
VALUE_COST = 16
"""What a value counts beside its octets, so that many small ones are bounded too."""

_DIGITS = re.compile(
    rb"(?:[A-Za-z_][A-Za-z_ ]{0,31}[:=])??[\"'\[{( ]{0,3}"
    rb"((?:0[xX]|\\x|\$|[0-9A-Fa-f \t\r\n,;:-])++)[\"'\])}]?"
)
_PREFIX = re.compile(rb"0[xX]|\\x|\$")
_SEPARATORS = b" \t\r\n,;:-"
_BASE64 = re.compile(rb"[A-Za-z0-9+/_\r\n-]{16,}+={0,2}")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_HEADER = re.compile(rb"/[A-Za-z]{3}[^\r\n\0\x80-\xff]{1,80}[\r\n]")
_LAST_LINE = re.compile(rb"![ \t]*+[0-9A-Fa-f]{0,4}[ \t]*+(?:\r*+\n|\r|\Z)")
_HEAD = bytes((DATA_NOTIFICATION, 0, 0, 0, 0, 0))
"""Of a message without a date-time, for a body that came alone."""

_ARRAY_OR_STRUCTURE = (1, 2)
_ADDRESSES = b"\x01\x02\x01\x10"
INFORMATION_MAX = 2047 - 2 - len(_ADDRESSES) - 4


def unwrap(payload: bytes) -> bytes:
    """The telegrams in a message, one behind the other; the message itself where there are none."""
    if len(payload) > PAYLOAD_MAX:
        return payload
    return _Opening().open(payload, DEPTH) or b"".join(_hex(payload)) or payload


class _Opening:
    """The opening of one message, and how many octets it may still take."""

    def __init__(self) -> None:
        self._left = OPENED_MAX

    def open(self, content: bytes, depth: int) -> bytes:
        """The telegrams in a content, b"" for none."""
        if whole := telegrams(content):
            return whole
        for envelope in ENVELOPES if depth else ():
            if found := b"".join(self.open(part, depth - 1) for part in self._afford(envelope(content))):
                return found
        return b""

    def _afford(self, contents: Sequence[bytes]) -> Iterator[bytes]:
        for content in contents:
            self._left -= len(content) + VALUE_COST
            if self._left < 0:
                return
            yield content


def telegrams(content: bytes) -> bytes:
    """The telegrams that a content is or bears, b"" for none: what is marked and checked best first."""
    return _marked(content) or _message(content)


def bears_telegrams(content: bytes) -> bool:
    """Whether a content is or bears telegrams as a stream carries them."""
    return bool(_marked(content)) or _is_message(content.removeprefix(LLC))


def _marked(content: bytes) -> bytes:
    """The telegrams that have marks of their own."""
    framed = _sml(content) or b"".join(_frames(content))
    return framed or _mbus(content) or _text(content)


def _sml(content: bytes) -> bytes:
    """SML telegrams, from the first start mark to the last end."""
    begin, end = content.find(sml.START), content.rfind(sml.END_MARK)
    return content[begin : end + sml.END_SIZE] if 0 <= begin < end else b""


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


def _mbus(content: bytes) -> bytes:
    """Wired M-Bus long frames, told by the first one's header."""
    head = content[:4]
    return content if len(head) == 4 and head[0] == head[3] == START and head[1] == head[2] else b""


def _text(content: bytes) -> bytes:
    """P1 texts, from the first header to the last checksum; a last line end that was cut is put back."""
    header = _HEADER.search(content)
    end = _LAST_LINE.match(content, content.rfind(b"!")) if header and b"!" in content else None
    if header is None or end is None or end.start() < header.end() - 1:
        return b""
    text = content[header.start() : end.end()]
    return text if text[-1:] in (b"\r", b"\n") else text + b"\r\n"


def _message(content: bytes) -> bytes:
    """A message or its body alone, in the frame it lacks; a very long message as it is."""
    message = content.removeprefix(LLC)
    if _is_body(message):
        message = _HEAD + message
    if not _is_message(message):
        return b""
    return _framed(LLC + message) if len(LLC + message) <= INFORMATION_MAX else content


def _is_message(content: bytes) -> bool:
    """Whether a content is one message to its last octet, plain or encrypted; zeros may fill it up."""
    if content[:1] == bytes((GENERAL_GLO_CIPHERING,)):
        parts = sealed(content)
        return not isinstance(parts, Malformed) and parts.size == len(content)
    outcome = read(content)
    return not isinstance(outcome, Malformed) and not any(content[outcome[1] :])


def _is_body(content: bytes) -> bool:
    """Whether a content is one structure or array to its last octet."""
    if not content or content[0] not in _ARRAY_OR_STRUCTURE:
        return False
    try:
        body, end = decode(content, 0)
    except AxdrError:
        return False
    return end == len(content) and isinstance(body, Sequence) and bool(body)


def _framed(information: bytes) -> bytes:
    """An HDLC frame, so that a message after any other can be told from damage."""
    size = 2 + len(_ADDRESSES) + 2 + len(information) + 2
    head = bytes((FORMAT_TYPE_3 | size >> 8, size & 0xFF)) + _ADDRESSES
    inner = head + check_sequence(head) + information
    return bytes((FLAG,)) + inner + check_sequence(inner) + bytes((FLAG,))


def _json(content: bytes) -> Sequence[bytes]:
    """The strings of an object, an array or a string, and arrays of octets or lines as what they mean."""
    if content.lstrip()[:1] not in (b"{", b"[", b'"'):
        return ()
    try:
        return tuple(_values(json.loads(content, strict=False)))
    except (ValueError, RecursionError):
        return ()


def _values(value: Any) -> Iterator[bytes]:
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value.encode("utf-8", "surrogatepass")
        elif isinstance(value, dict):
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list) and value:
            joined = _joined(value)
            waiting.extend(() if joined else reversed(value))
            yield from joined


def _joined(values: list[Any]) -> Sequence[bytes]:
    """A list of octets, or of a P1 text's lines."""
    if all(type(one) is int and 0 <= one <= 255 for one in values):
        return (bytes(values),)
    if all(isinstance(one, str) for one in values) and values[0].startswith("/"):
        return ("\r\n".join(line.rstrip("\r\n") for line in values).encode("utf-8", "surrogatepass"),)
    return ()


def _hex(content: bytes) -> Sequence[bytes]:
    """Hex digits, with or without separators, a prefix to each octet, brackets, or a name before them."""
    text = _DIGITS.fullmatch(content.strip())
    digits = _PREFIX.sub(b"", text.group(1)).translate(None, _SEPARATORS) if text else b""
    return (bytes.fromhex(digits.decode("ascii")),) if digits and len(digits) % 2 == 0 else ()


def _base64(content: bytes) -> Sequence[bytes]:
    """Base64 in either alphabet, the filling left out or not."""
    if not _BASE64.fullmatch(content.strip()):
        return ()
    digits = content.translate(_TO_STANDARD, b" \t\r\n=")
    try:
        return (a2b_base64(digits + b"=" * (-len(digits) % 4), strict_mode=True),)
    except Base64Error:
        return ()


def _deflated(content: bytes) -> Sequence[bytes]:
    """A zlib or gzip stream, which may end with a flush only; one that grows too much is refused."""
    is_zlib = len(content) > 2 and content[0] & 0x8F == 8 and int.from_bytes(content[:2], "big") % 31 == 0
    if not is_zlib and content[:3] != b"\x1f\x8b\x08":
        return ()
    inflater = zlib.decompressobj(zlib.MAX_WBITS + 32)
    try:
        opened = inflater.decompress(content, PAYLOAD_MAX)
    except zlib.error:
        return ()
    return () if inflater.unconsumed_tail else (opened,)


def _pieces(content: bytes) -> Sequence[bytes]:
    """The pieces of one stream that the parts of a protobuf message hold (Tibber Pulse on P1), joined."""
    pieces: dict[int, list[bytes]] = {}
    for _, part in lengthy(content):
        for number, piece in lengthy(part):
            pieces.setdefault(number, []).append(piece)
    return tuple(b"".join(some) for some in pieces.values())


def _protobuf(content: bytes) -> Sequence[bytes]:
    """The length-delimited fields of a protobuf message."""
    return tuple(field for _, field in lengthy(content))


Envelope = Callable[[bytes], Sequence[bytes]]
ENVELOPES: tuple[Envelope, ...] = (_json, _hex, _base64, _deflated, _pieces, _protobuf)
