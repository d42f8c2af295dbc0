"""What test files share: the synthetic telegrams of the han-port sheet's appendix A, and an A-XDR encoder.

A test that takes `hdlc_vector` runs once for each telegram that stands in HDLC frames.
"""

import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from han2x.wire.axdr import Array, Data, Structure

settings.register_profile("han2x", deadline=None)  # a busy machine is no failure
settings.load_profile("han2x")

HERE = Path(__file__).parent


def _vectors() -> dict[str, bytes]:
    texts = [HERE / "simulator" / "vectors.txt", HERE / "wire" / "vectors.txt"]
    lines = [line for text in texts for line in text.read_text("ascii").splitlines()]
    pairs = (line.split() for line in lines if not line.startswith("#"))
    return {name: bytes.fromhex(digits) for name, digits in pairs}


VECTORS = _vectors()


@pytest.fixture(scope="session")
def vectors() -> Mapping[str, bytes]:
    """The synthetic telegrams by name, flags and checksums included."""
    return VECTORS


def p1_text(values: Mapping[str, str], *, header: str = "/SIM5\\HAN00000017", checked: bool = True) -> bytes:
    """A P1 telegram with these lines of 1-0; a code with a channel of its own is taken as it is."""
    rows = (f"{code if ':' in code else f'1-0:{code}'}({value})" for code, value in values.items())
    octets = "\r\n".join((header, "", *rows, "!")).encode("ascii")
    return octets + (b"%04X" % crc16(octets) if checked else b"") + b"\r\n"


def crc16(octets: bytes) -> int:
    """CRC-16/ARC bit by bit: reflected 0x8005, from 0."""
    crc = 0
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def mbus_frames(apdu: bytes, size: int = 245) -> bytes:
    """An APDU in wired M-Bus long frames of at most `size` octets of data each (sheet 6.3)."""
    pieces = [apdu[first : first + size] for first in range(0, len(apdu), size)]
    frames = b""
    for number, piece in enumerate(pieces):
        ci = number | (0x10 if number == len(pieces) - 1 else 0)
        content = bytes((0x53, 0xFF, ci, 0x01, 0x67)) + piece
        length = bytes((len(content) & 0xFF,)) * 2
        frames += b"\x68" + length + b"\x68" + content + bytes((sum(content) & 0xFF, 0x16))
    return frames


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "hdlc_vector" in metafunc.fixturenames:
        names = [name for name, octets in VECTORS.items() if octets[0] == 0x7E]
        metafunc.parametrize("hdlc_vector", [VECTORS[name] for name in names], ids=names)


@pytest.fixture(scope="session")
def encode() -> Callable[[Data], bytes]:
    """A-XDR of Python values, written from sheet 3.2: integers take the narrowest signed or unsigned tag."""
    return _encode


def _encode(value: Data) -> bytes:
    match value:
        case None:
            return b"\x00"
        case bool():
            return bytes((0x03, value))
        case int():
            return _encode_int(value)
        case float():
            return struct.pack(">Bd", 0x18, value)
        case bytes():
            return b"\x09" + _length(len(value)) + value
        case str():
            return b"\x0a" + _length(len(value)) + value.encode("ascii")
        case Array():
            return b"\x01" + _length(len(value)) + b"".join(map(_encode, value))
        case Structure():
            return b"\x02" + _length(len(value)) + b"".join(map(_encode, value))


def _encode_int(value: int) -> bytes:
    for tag, layout in ((0x0F, "b"), (0x10, "h"), (0x12, "H"), (0x06, "I"), (0x14, "q"), (0x15, "Q")):
        try:
            return bytes((tag,)) + struct.pack(">" + layout, value)
        except struct.error:
            continue
    raise ValueError(value)


def _length(count: int) -> bytes:
    if count < 0x80:
        return bytes((count,))
    return bytes((0x81, count)) if count < 0x100 else b"\x82" + count.to_bytes(2, "big")
