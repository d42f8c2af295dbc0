"""The MBAP header of Modbus TCP (Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3).

Rules: pure. A header with a protocol id other than 0 or a length outside 2 to 254 is not Modbus; where the
next header would begin is then a guess, so nothing is answered and the connection has to be closed.
"""

from struct import Struct
from typing import NamedTuple

from .pdu import MAX_PDU

PREFIX = 6
"""Octets up to and with the length field; the length counts what follows."""

MIN_LENGTH, MAX_LENGTH = 2, 1 + MAX_PDU
MAX_ADU = PREFIX + MAX_LENGTH

_PREFIX = Struct(">HHH")
_AFTER_TRANSACTION = Struct(">HHB")


class BadHeader(Exception):
    """The stream is not Modbus TCP, or is out of step; there is no way on but to close it."""


class Adu(NamedTuple):
    """A request: the transaction id's two octets, the unit id, the PDU, and where the next one begins."""

    transaction: bytes
    unit: int
    pdu: bytes
    end: int


def parse(data: bytes, at: int) -> Adu | None:
    """The request that begins at `at`, None if it is not all there yet; raises `BadHeader`."""
    body = at + PREFIX
    if len(data) < body:
        return None
    _, protocol, length = _PREFIX.unpack_from(data, at)
    if protocol != 0 or not MIN_LENGTH <= length <= MAX_LENGTH:
        raise BadHeader
    if len(data) < body + length:
        return None
    return Adu(data[at : at + 2], data[body], data[body + 1 : body + length], body + length)


def after_transaction(unit: int, pdu: bytes) -> bytes:
    """A response without the transaction id, which comes first and is as the request had it."""
    return _AFTER_TRANSACTION.pack(0, len(pdu) + 1, unit) + pdu
