"""What skipped octets look like: other protocols of customer ports, recognised so that they can be named."""

import re

from .result import Kind

SML_TRUNCATED = "an SML telegram that is incomplete"
SML_CHECKSUM = "an SML telegram whose checksum is wrong"

_LOOKS: tuple[tuple[re.Pattern[bytes], Kind, str], ...] = (
    (re.compile(rb"\x1b{4}\x1a[\0-\3]"), Kind.TRUNCATED, SML_TRUNCATED),
    (
        re.compile(
            rb"/[A-Za-z]{3}[0-9a-zA-Z][^\r\n]{0,80}\r?\n|\r\n?[01]-\d:\d+\.\d+\.\d+\(|![0-9A-Fa-f]{4}\r\n"
        ),
        Kind.TRUNCATED,
        "P1 text (DSMR, IEC 62056-21) whose beginning or end is missing or damaged",
    ),
    (
        re.compile(rb"^(\xe6\xe7\x00|\x0f.{4}(\x00[\x01\x02]|\x0c\x07|\x09\x0c))", re.DOTALL),
        Kind.TRUNCATED,
        "a message without HDLC frame (LLC or bare APDU) that is damaged or incomplete",
    ),
    (
        re.compile(rb"^\x7e*\x13\x2b\x0f\x1e"),
        Kind.NOISE,
        "a Kamstrup telegram read with parity: the line is 8N1, not 8E1",
    ),
)


INVERTED = "P1 text upside down: the signal is inverted"
_UPRIGHT = bytes(~(octet >> 1) & 0x7F for octet in range(256))
"""What a UART that reads an inverted line at 8N1 takes for its octets: it starts at each stop bit, so the
inverted start bit comes first and all are shifted by one."""

HEADER_ONLY = "a P1 header without lines"
MODBUS = "Modbus RTU: a device that is asked, not a HAN port"
MBUS = "M-Bus: a meter of water, heat or gas, or its master"
BODY = "a list without its frame"
TEXT = "text that is no telegram"
HTTP = "HTTP: a web server, not a HAN port"
PARITY_8E1 = "all octets have an odd number of ones: the line is 8E1, and read as 8N1"
PARITY_7E1 = "text whose octets all have an even number of ones: the line is 7E1, and read as 8N1"

_HTTP = re.compile(rb"HTTP/1\.[01] \d{3} |(?:GET|POST|PUT|HEAD) /[^\r\n]* HTTP/1")
_BODY = re.compile(
    rb"[\x01\x02][\x01-\x40](?:\x02[\x02\x03])?+"
    rb"(?:\x09\x06[\0\1].{4}\xff|[\x09\x0a][\x06-\x14][A-Z][0-9A-Za-z_]{4}|\x09\x0c\x07[\xd0-\xff])",
    re.DOTALL,
)
"""An array or structure that begins as those of meters do: with an OBIS code, a name, or a clock."""

_TEXT = re.compile(rb"\s*+[\x20-\x7e][\t\r\n\x1b\x20-\x7e]{15,}+")
_MBUS_BEGIN = re.compile(rb"h(.)\1h[\x08\x18\x28\x38\x40\x53\x5b\x73\x7b]", re.DOTALL)
_MODBUS_READS, _MODBUS_WRITES = range(1, 5), (5, 6, 15, 16)
_PARITY_MIN, _PARITY_KINDS_MIN = 32, 8
"""Octets, and different ones, from which on a parity in common is no chance."""

_PARITY = bytes(octet.bit_count() & 1 for octet in range(256))
_LOW_BITS = bytes(octet & 0x7F for octet in range(256))

_P1_LINE = re.compile(rb"[01]-\d:\d+\.\d+\.\d+\(")


def describe(noise: bytes) -> tuple[Kind, str]:
    """Kind and name of octets that are no frame."""
    if _P1_LINE.search(noise.translate(_UPRIGHT)):
        return Kind.NOISE, INVERTED
    if other := _protocol(noise):
        return Kind.FOREIGN, other
    if parity := _parity(noise):
        return Kind.NOISE, parity
    if _BODY.match(noise):
        return Kind.NOISE, BODY
    for look, kind, name in _LOOKS:
        if look.search(noise):
            return kind, name
    if _TEXT.fullmatch(noise):
        return Kind.NOISE, TEXT
    return Kind.NOISE, "no frame: not HDLC"


def _protocol(noise: bytes) -> str:
    """The protocol whose mark octets bear, "" for none."""
    if _HTTP.search(noise):
        return HTTP
    if any(map(_mbus_checked, (noise[one.start() :] for one in _MBUS_BEGIN.finditer(noise)))):
        return MBUS
    return MODBUS if any(_modbus_checked(noise[:size]) for size in _modbus_sizes(noise)) else ""


def _mbus_checked(octets: bytes) -> bool:
    """Whether octets begin with an M-Bus long frame whose checksum is right (EN 13757-2)."""
    end = octets[1] + 4
    return octets[end + 1 : end + 2] == b"\x16" and sum(octets[4:end]) & 0xFF == octets[end]


def _modbus_sizes(noise: bytes) -> tuple[int, ...]:
    """Octets of the Modbus RTU message that may stand at the beginning: a request's, a response's."""
    if len(noise) < 5 or not 1 <= noise[0] <= 247:
        return ()
    if noise[1] in _MODBUS_READS:
        return 8, 5 + noise[2]
    return (8,) if noise[1] in _MODBUS_WRITES else ()


def _modbus_checked(message: bytes) -> bool:
    """Whether a message ends with its right CRC-16/MODBUS (remainder 0)."""
    crc = 0xFFFF
    for octet in message:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc == 0


def _parity(noise: bytes) -> str:
    """What a parity that all octets have in common says of the line, "" for nothing."""
    if len(noise) < _PARITY_MIN or len(set(noise)) < _PARITY_KINDS_MIN:
        return ""
    parities = set(noise.translate(_PARITY))
    if parities == {1}:
        return PARITY_8E1
    text = noise.translate(_LOW_BITS)
    is_text = all(0x20 <= octet < 0x7F or octet in b"\r\n\t" for octet in text)
    return PARITY_7E1 if parities == {0} and is_text else ""
