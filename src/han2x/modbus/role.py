"""The role in a client's certificate (MODBUS/TCP Security, 8.4: a UTF8String in an extension). Pure.

OpenSSL has verified the certificate before; here only one extension is looked up in its DER (X.690), which
Python's `ssl` does not show.
"""

from collections.abc import Iterator
from typing import NamedTuple

ROLE_OID = bytes.fromhex("2b 06 01 04 01 83 89 0c 86 22 01")
"""1.3.6.1.4.1.50316.802.1, content octets of its encoding."""

ROLE_MAX = 256
SEQUENCE, OID, OCTET_STRING, UTF8_STRING, EXTENSIONS = 0x30, 0x06, 0x04, 0x0C, 0xA3


class NoRole(ValueError):
    """The certificate's role cannot be told; the message says why."""


class Element(NamedTuple):
    """One element of DER: its tag and its content."""

    tag: int
    content: bytes


def role_of(certificate: bytes) -> str:
    """The role in a certificate's DER, "" if it has none; raises `NoRole` for two, or an unreadable one."""
    found = [value for oid, value in _extensions(certificate) if oid == ROLE_OID]
    if len(found) > 1:
        raise NoRole("the certificate has more than one role")
    return _text(found[0]) if found else ""


def _extensions(certificate: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The extensions' OIDs and values (RFC 5280, 4.1)."""
    body = _only(_only(certificate, SEQUENCE), SEQUENCE, more=True)
    for element in _elements(body):
        if element.tag == EXTENSIONS:
            for extension in _elements(_only(element.content, SEQUENCE)):
                parts = list(_elements(extension.content))  # OID, critical (optional), value
                if len(parts) >= 2 and parts[0].tag == OID and parts[-1].tag == OCTET_STRING:
                    yield parts[0].content, parts[-1].content


def _text(value: bytes) -> str:
    if len(value) > ROLE_MAX:
        raise NoRole("the certificate's role is too long")
    try:
        return _only(value, UTF8_STRING).decode("utf-8")
    except UnicodeDecodeError:
        raise NoRole("the certificate's role is not UTF-8") from None


def _only(der: bytes, tag: int, *, more: bool = False) -> bytes:
    """The content of the first element, which has this tag and, unless `more` may follow, is the only one."""
    elements = list(_elements(der)) if not more else [next(_elements(der), Element(0, b""))]
    if len(elements) != 1 or elements[0].tag != tag:
        raise NoRole("the certificate is not encoded as expected")
    return elements[0].content


def _elements(der: bytes) -> Iterator[Element]:
    """The elements one after the other, of definite length (X.690, 8.1.3)."""
    at = 0
    while at < len(der):
        try:
            tag, length = der[at], der[at + 1]
            at += 2
            if length & 0x80:
                size = length & 0x7F
                if not 1 <= size <= 4 or at + size > len(der):
                    raise NoRole("the certificate is not encoded as expected")
                length = int.from_bytes(der[at : at + size], "big")
                at += size
        except IndexError:
            raise NoRole("the certificate is not encoded as expected") from None
        if at + length > len(der):
            raise NoRole("the certificate is not encoded as expected")
        yield Element(tag, der[at : at + length])
        at += length
