"""CRC-16/X-25, the check sequence of HDLC and SML, and CRC-16/KERMIT (han-port sheet 2.2).

The standard library's `binascii.crc_hqx` runs the same polynomial (0x1021) most significant bit first;
reversing the bits of every octet going in makes it run reflected, at C speed.
"""

from binascii import crc_hqx

_REVERSED = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))

RESIDUE = 0x1D0F
"""What `remainder` gives for octets followed by their own check sequence: 0xF0B8, bit-reversed."""


def remainder(data: bytes | bytearray) -> int:
    """The bit-reversed register after `data`: `RESIDUE` if it ends with its own right check sequence."""
    return crc_hqx(data.translate(_REVERSED), 0xFFFF)


def check_sequence(data: bytes) -> bytes:
    """The two octets to send after `data`, least significant first."""
    register = remainder(data)
    return bytes((_REVERSED[register >> 8] ^ 0xFF, _REVERSED[register & 0xFF] ^ 0xFF))


def kermit(data: bytes) -> int:
    """CRC-16/KERMIT, the same polynomial begun at 0 and not inverted: 0x2189 for b"123456789"."""
    register = crc_hqx(data.translate(_REVERSED), 0)
    return _REVERSED[register & 0xFF] << 8 | _REVERSED[register >> 8]
