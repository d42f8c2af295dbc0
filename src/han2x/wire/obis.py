"""OBIS codes (IEC 62056-61): A-B:C.D.E.F in six octets."""


def obis(octets: bytes) -> str:
    """The code of six octets as people write it: `1-0:1.7.0` (F is 255 throughout and left out)."""
    a, b, c, d, e = octets[:5]
    return f"{a}-{b}:{c}.{d}.{e}"


def cde(code: str) -> bytes:
    """The three octets C, D and E of `"1.7.0"`, by which a quantity is told whatever A and B are."""
    return bytes(map(int, code.split(".")))


def electricity(code: str) -> bytes:
    """The six octets of `1-0:C.D.E.255` for `"C.D.E"`: the code that a value without one stands for."""
    return b"\x01\x00" + cde(code) + b"\xff"
