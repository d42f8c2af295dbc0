"""Lists whose entries begin with a COSEM attribute descriptor as it stands in services, not as A-XDR data.

    02 02  16 kind  01 count  { 02 02  class, 2 octets; OBIS code, 6; attribute, 1; then its value }

The customer interface of Czech grid companies (Sagemcom XT211, ZPA): the nine octets of a descriptor carry no
tags, so what reads data stumbles over them. Read, an entry is class, code, attribute and value.
"""

from .axdr import ARRAY, Array, AxdrError, Data, Structure, decode, length

MARK = b"\x02\x02\x16"
ENTRY = b"\x02\x02"
DESCRIPTOR_SIZE = 9


class AttributeList(Array):
    """The entries, each a structure of class, code, attribute and value."""

    __slots__ = ()


def attribute_list(data: bytes, position: int) -> tuple[Data, int]:
    """The list that begins there as plain values, and where it ends; raises `AxdrError`."""
    try:
        kind, tag = data[position + 3], data[position + 4]
        count, position = length(data, position + 5)
    except IndexError:
        raise _cut() from None
    if tag != ARRAY:
        raise AxdrError("a list of attributes without an array")
    entries: list[Data] = []
    for _ in range(count):
        entry, position = _entry(data, position)
        entries.append(entry)
    return Structure((kind, AttributeList(entries))), position


def _entry(data: bytes, position: int) -> tuple[Structure, int]:
    begin = position + len(ENTRY)
    value_at = begin + DESCRIPTOR_SIZE
    if not ENTRY.startswith(data[position:begin]):
        raise AxdrError("an entry of a list of attributes does not begin as one")
    descriptor = data[begin:value_at]
    if len(descriptor) < DESCRIPTOR_SIZE:
        raise _cut()
    value, end = decode(data, value_at)
    number = int.from_bytes(descriptor[:2], "big")
    return Structure((number, descriptor[2:8], descriptor[8], value)), end


def _cut() -> AxdrError:
    return AxdrError("a list of attributes is cut off", incomplete=True)
