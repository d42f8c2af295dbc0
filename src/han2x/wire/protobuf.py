"""Protocol Buffers' wire format, as far as it takes to find the octet strings of a message. Pure."""

VARINT, FIXED64, LENGTHY, FIXED32 = 0, 1, 2, 5
FIXED = {FIXED64: 8, FIXED32: 4}
VARINT_SIZE_MAX = 10


def lengthy(message: bytes) -> list[tuple[int, bytes]]:
    """Number and content of each length-delimited field; [] unless every octet belongs to a field."""
    found: list[tuple[int, bytes]] = []
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, wire_type = key >> 3, key & 7
        size = FIXED.get(wire_type, 0)
        if wire_type in (VARINT, LENGTHY):
            size, position = _varint(message, position)
        elif not size:
            return []
        begin, position = position, position + (0 if wire_type == VARINT else size)
        if number == 0 or position > len(message):
            return []
        if wire_type == LENGTHY:
            found.append((number, message[begin:position]))
    return found


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """The number at a place and where it ends; behind the message where there is none."""
    value = 0
    for shift, octet in enumerate(message[position : position + VARINT_SIZE_MAX]):
        value |= (octet & 0x7F) << 7 * shift
        if octet < 0x80:
            return value, position + shift + 1
    return 0, len(message) + 1
