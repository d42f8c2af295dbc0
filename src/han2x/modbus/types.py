"""How values lie in 16-bit registers: integers, floats and text, and what stands for "unknown".

A number that does not fit stops at the nearest end of its type and never wraps (manual row M22). What
stands for "unknown" is the value that SunSpec gives the type, which no measurement takes: the greatest
unsigned, the least signed integer, NaN, or no text.
"""

from collections.abc import Callable
from dataclasses import dataclass
from struct import pack, unpack

Number = int | float
Known = Number | str


@dataclass(frozen=True, slots=True)
class Type:
    """A type: 16-bit words, its octets (high word first) for a value, and the value of its octets."""

    name: str
    words: int
    encode: Callable[[Known], bytes]
    decode: Callable[[bytes], Known]
    unknown: bytes

    def octets(self, value: Known | None) -> bytes:
        """A value's octets, `unknown` for None."""
        return self.unknown if value is None else self.encode(value)

    def value(self, octets: bytes) -> Known | None:
        """What octets say; None for `unknown`."""
        return None if octets == self.unknown else self.decode(octets)


def _integer(name: str, words: int, *, signed: bool) -> Type:
    low = -(1 << 16 * words - 1) if signed else 0
    high = (1 << 16 * words - signed) - 1

    def encode(value: Known) -> bytes:
        return min(max(int(value), low), high).to_bytes(2 * words, "big", signed=signed)

    def decode(octets: bytes) -> int:
        return int.from_bytes(octets, "big", signed=signed)

    return Type(name, words, encode, decode, encode(low if signed else high))


def text(words: int) -> Type:
    """ASCII of at most `2 x words` characters, padded with NULs."""

    def encode(value: Known) -> bytes:
        return str(value).encode("ascii", "replace")[: 2 * words].ljust(2 * words, b"\0")

    return Type(
        f"text{2 * words}", words, encode, lambda octets: octets.rstrip(b"\0").decode(), bytes(2 * words)
    )


UINT16 = _integer("uint16", 1, signed=False)
INT16 = _integer("int16", 1, signed=True)
UINT32 = _integer("uint32", 2, signed=False)
INT32 = _integer("int32", 2, signed=True)
UINT64 = _integer("uint64", 4, signed=False)
INT64 = _integer("int64", 4, signed=True)
FLOAT32_MAX = unpack(">f", bytes.fromhex("7f7fffff"))[0]
FLOAT32 = Type(
    "float32",
    2,
    lambda value: pack(">f", min(max(float(value), -FLOAT32_MAX), FLOAT32_MAX)),
    lambda octets: float(unpack(">f", octets)[0]),
    bytes.fromhex("7fc00000"),
)
