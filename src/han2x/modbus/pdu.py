"""A request PDU and a bank of registers in, a response PDU out (MODBUS Application Protocol V1.1b3).

Rules: bytes in, bytes out; nothing here knows of TCP, of serial lines or of what a register means. Checks
are made in the order of the figures of each function, not of the general figure 9: function code
(exception 01), structure (03), addresses (02), then the value, which only the bank can judge (03).
Nothing is written before all checks have passed.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from struct import Struct
from typing import Protocol

MAX_PDU = 253
"""Octets in a PDU at most (4.1)."""

MAX_READ, MAX_WRITE, MAX_READ_WRITE = 125, 123, 121
"""Registers in one request at most: read (6.3), write (6.12), write of read-write (6.17)."""


class ExceptionCode(IntEnum):
    """Why a request is refused (7)."""

    ILLEGAL_FUNCTION = 0x01
    ILLEGAL_ADDRESS = 0x02
    ILLEGAL_VALUE = 0x03
    SERVER_FAILURE = 0x04
    GATEWAY_TARGET = 0x0B


class Bank(Protocol):
    """The registers that one unit id shows.

    `writable`: blocks of addresses that take writes. `identification`: the texts of objects 0, 1, 2 … (6.21).
    """

    def read(self, address: int, quantity: int) -> bytes | None:
        """The octets of registers, the newest at each look; None where one of them does not exist."""
        ...

    @property
    def writable(self) -> Iterable[range]: ...

    @property
    def identification(self) -> Sequence[bytes]: ...

    def write(self, block: range, octets: bytes) -> bool:
        """Make `octets` the contents of a whole writable block; False refuses the value; raises `Failed`."""
        ...


class Failed(Exception):
    """A bank could not do what was asked of it, through no fault of the client."""


class _Refused(Exception):
    """Ends a request with an exception code; never leaves this module."""


def respond(pdu: bytes, bank: Bank) -> bytes:
    """The response to a request PDU of one octet or more; never longer than `MAX_PDU`."""
    try:
        return FUNCTIONS.get(pdu[0], _unknown)(pdu, bank)
    except _Refused as refused:
        return exception(pdu, refused.args[0])


def exception(pdu: bytes, code: ExceptionCode) -> bytes:
    """The exception response to a request PDU."""
    return bytes((pdu[0] | 0x80, code))


def _demand(holds: bool, code: ExceptionCode) -> None:
    if not holds:
        raise _Refused(code)


def _fields(layout: Struct, pdu: bytes, *, data: bool = False) -> tuple[int, ...]:
    """The fields after the function code of a PDU that is as long as its layout, or, with data, longer."""
    _demand(len(pdu) > layout.size if data else len(pdu) == layout.size, ExceptionCode.ILLEGAL_VALUE)
    return layout.unpack_from(pdu)


def _registers(bank: Bank, address: int, quantity: int) -> bytes:
    """The octets of registers that all exist."""
    octets = bank.read(address, quantity)
    if octets is None:
        raise _Refused(ExceptionCode.ILLEGAL_ADDRESS)
    return octets


def _block(bank: Bank, address: int, quantity: int) -> range:
    """The writable block that all addresses lie in."""
    for block in bank.writable:
        if address in block and address + quantity <= block.stop:
            return block
    raise _Refused(ExceptionCode.ILLEGAL_ADDRESS)


def _write(bank: Bank, address: int, data: bytes) -> None:
    """Write registers of one block; those of the block that are not written keep their value."""
    block = _block(bank, address, len(data) // 2)
    old = _registers(bank, block.start, len(block))
    at = 2 * (address - block.start)
    new = old[:at] + data + old[at + len(data) :]
    try:
        _demand(bank.write(block, new), ExceptionCode.ILLEGAL_VALUE)
    except Failed:
        raise _Refused(ExceptionCode.SERVER_FAILURE) from None


_TWO_WORDS = Struct(">xHH")
_MASK = Struct(">xHHH")
_MULTIPLE = Struct(">xHHB")
_READ_WRITE = Struct(">xHHHHB")
_IDENTIFICATION = Struct(">xBBB")


def _read(pdu: bytes, bank: Bank) -> bytes:
    """0x03 and its mirror 0x04 (6.3, 6.4)."""
    address, quantity = _fields(_TWO_WORDS, pdu)
    _demand(1 <= quantity <= MAX_READ, ExceptionCode.ILLEGAL_VALUE)
    return bytes((pdu[0], 2 * quantity)) + _registers(bank, address, quantity)


def _write_single(pdu: bytes, bank: Bank) -> bytes:
    """0x06 (6.6): any 16-bit value has a right structure."""
    address, _ = _fields(_TWO_WORDS, pdu)
    _write(bank, address, pdu[3:5])
    return pdu


def _write_multiple(pdu: bytes, bank: Bank) -> bytes:
    """0x10 (6.12)."""
    address, quantity, count = _fields(_MULTIPLE, pdu, data=True)
    data = pdu[_MULTIPLE.size :]
    _demand(1 <= quantity <= MAX_WRITE and count == 2 * quantity == len(data), ExceptionCode.ILLEGAL_VALUE)
    _write(bank, address, data)
    return pdu[:5]


def _mask_write(pdu: bytes, bank: Bank) -> bytes:
    """0x16 (6.16): new = (old AND and_mask) OR (or_mask AND NOT and_mask)."""
    address, keep, put = _fields(_MASK, pdu)
    _block(bank, address, 1)
    old = int.from_bytes(_registers(bank, address, 1), "big")
    _write(bank, address, (old & keep | put & ~keep).to_bytes(2, "big"))
    return pdu


def _mask_or_multiple(pdu: bytes, bank: Bank) -> bytes:
    """0x16, and the manual's "0x16 write multiple holding registers", which means decimal 16 (M12).

    Told apart by length alone: a mask write has 7 octets, a write-multiple 6 + 2n.
    """
    return (_mask_write if len(pdu) == _MASK.size else _write_multiple)(pdu, bank)


def _read_write(pdu: bytes, bank: Bank) -> bytes:
    """0x17 (6.17): both ranges are checked before the write, and the read sees the write."""
    read_at, read, write_at, write, count = _fields(_READ_WRITE, pdu, data=True)
    data = pdu[_READ_WRITE.size :]
    _demand(
        1 <= read <= MAX_READ and 1 <= write <= MAX_READ_WRITE and count == 2 * write == len(data),
        ExceptionCode.ILLEGAL_VALUE,
    )
    _registers(bank, read_at, read)
    _write(bank, write_at, data)
    return bytes((pdu[0], 2 * read)) + _registers(bank, read_at, read)


_MEI = b"\x0e"
_CONFORMITY = 0x82
"""Regular identification, by stream and one by one."""

_LAST_OF_STREAM = {1: 2, 2: 6, 3: 6}
"""The last object of each stream; extended (3) is answered at our own level, regular (2)."""

_ONE_OBJECT = 4


def _identify(pdu: bytes, bank: Bank) -> bytes:
    """0x2B/0x0E, read device identification (6.21); another MEI type is an unknown function."""
    _demand(pdu[1:2] in (b"", _MEI), ExceptionCode.ILLEGAL_FUNCTION)
    mei, code, first = _fields(_IDENTIFICATION, pdu)
    texts = bank.identification
    numbers = _objects(code, first, len(texts))
    objects = b"".join(bytes((number, len(texts[number]))) + texts[number] for number in numbers)
    return bytes((pdu[0], mei, code, _CONFORMITY, 0, 0, len(numbers))) + objects


def _objects(code: int, first: int, known: int) -> range:
    """The object ids that are asked for; a stream from an id that it has not starts over at 0."""
    if code == _ONE_OBJECT:
        _demand(first < known, ExceptionCode.ILLEGAL_ADDRESS)
        return range(first, first + 1)
    _demand(code in _LAST_OF_STREAM, ExceptionCode.ILLEGAL_VALUE)
    end = min(_LAST_OF_STREAM[code] + 1, known)
    return range(first if first < end else 0, end)


def _unknown(pdu: bytes, bank: Bank) -> bytes:
    return exception(pdu, ExceptionCode.ILLEGAL_FUNCTION)


READS = frozenset((0x03, 0x04))
"""Functions whose answer is the same until the image changes."""

WRITES = frozenset((0x06, 0x10, 0x16, 0x17))
"""Functions that may change something."""

FUNCTIONS: dict[int, Callable[[bytes, Bank], bytes]] = {
    0x03: _read,
    0x04: _read,
    0x06: _write_single,
    0x10: _write_multiple,
    0x16: _mask_or_multiple,
    0x17: _read_write,
    0x2B: _identify,
}
"""What is served; every other function code is exception 01."""
