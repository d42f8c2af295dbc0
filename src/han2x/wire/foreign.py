"""What skipped octets look like: other protocols of customer ports, recognised so that they can be named."""

import re

from .result import Kind

_LOOKS: tuple[tuple[re.Pattern[bytes], Kind, str], ...] = (
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

_P1_LINE = re.compile(rb"[01]-\d:\d+\.\d+\.\d+\(")


def describe(noise: bytes) -> tuple[Kind, str]:
    """Kind and name of octets that are no frame."""
    if _P1_LINE.search(noise.translate(_UPRIGHT)):
        return Kind.NOISE, INVERTED
    for look, kind, name in _LOOKS:
        if look.search(noise):
            return kind, name
    return Kind.NOISE, "no frame: not HDLC"
