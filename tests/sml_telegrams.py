"""SML telegrams of our own making: an encoder that shares nothing with the program, and made-up meters.

The forms of the lists follow SML 1.04 and what people report of each kind of meter; numbers are invented.
"""

from collections.abc import Callable, Iterable

Sum = Callable[[bytes], bytes]
NONE = b"\x01"
ESCAPE = b"\x1b" * 4
WH, W, V, A, HZ = 30, 27, 35, 33, 44


def crc(octets: bytes, begin: int) -> int:
    """The polynomial 0x1021 reflected, bit by bit."""
    register = begin
    for octet in octets:
        register ^= octet
        for _ in range(8):
            register = register >> 1 ^ (0x8408 if register & 1 else 0)
    return register


def x25(octets: bytes) -> bytes:
    return (crc(octets, 0xFFFF) ^ 0xFFFF).to_bytes(2, "little")


def kermit(octets: bytes) -> bytes:
    return crc(octets, 0).to_bytes(2, "big")


def text(octets: bytes) -> bytes:
    if len(octets) < 15:
        return bytes((len(octets) + 1,)) + octets
    size = len(octets) + 2
    return bytes((0x80 | size >> 4, size & 15)) + octets


def unsigned(number: int, size: int = 4) -> bytes:
    return bytes((0x60 | size + 1,)) + number.to_bytes(size, "big")


def signed(number: int, size: int = 4) -> bytes:
    return bytes((0x50 | size + 1,)) + number.to_bytes(size, "big", signed=True)


def listed(*elements: bytes) -> bytes:
    count = len(elements)
    head = bytes((0x70 | count,)) if count < 16 else bytes((0xF0 | count >> 4, count & 15))
    return head + b"".join(elements)


def server_id(letters: str, serial: int, *, block: int = 0, head: int = 0x0A) -> bytes:
    return bytes((head, 1)) + letters.encode() + bytes((block,)) + serial.to_bytes(4, "big")


def code(written: str) -> bytes:
    """Six octets of 1-0:1.8.0, or with the last group behind an asterisk."""
    channel, _, rest = written.partition(":")
    group, _, last = rest.partition("*")
    return bytes(map(int, (*channel.split("-"), *group.split("."), last or 255)))


def entry(
    what: str, value: bytes, unit: int | None = None, scaler: int = 0, *, status: bytes = NONE,
    time: bytes = NONE,
) -> bytes:  # fmt: skip
    meaning = (NONE, NONE) if unit is None else (unsigned(unit, 1), signed(scaler, 1))
    return listed(text(code(what)), status, time, *meaning, value, NONE)


def message(number: int, kind: int, body: bytes, check: Sum) -> bytes:
    inside = b"\x76" + text(number.to_bytes(4, "big")) + unsigned(0, 1) * 2 + listed(unsigned(kind, 2), body)
    return inside + b"\x63" + check(inside) + b"\x00"


def framed(messages: bytes, check: Sum = x25) -> bytes:
    messages = messages.replace(ESCAPE, ESCAPE * 2)
    padding = -len(messages) % 4
    octets = ESCAPE + b"\1\1\1\1" + messages + bytes(padding) + ESCAPE + bytes((0x1A, padding))
    return octets + check(octets)


def telegram(
    entries: Iterable[bytes], server: bytes, *, time: bytes | None = None, check: Sum = x25
) -> bytes:
    """Open, list and close, as every meter sends them. `time`: of the list; seconds since the start else."""
    time = time or listed(unsigned(1, 1), unsigned(4711))
    opened = listed(NONE, NONE, text(b"\0\1\2\3"), text(server), NONE, NONE)
    values = listed(NONE, text(server), text(code("1-0:98.10.255")), time, listed(*entries), NONE, NONE)
    bodies = ((0x0101, opened), (0x0701, values), (0x0201, listed(NONE)))
    return framed(b"".join(message(n, kind, body, check) for n, (kind, body) in enumerate(bodies, 90)), check)


EMH = server_id("EMH", 12_345_678, head=0x09)
ISK = server_id("ISK", 70_000_001)
HLY = server_id("HLY", 1_234_567, block=2)


def ehz(power: int, status: int = 0x182) -> bytes:
    """An EMH eHZ that counts both ways: net power with a sign, in 0.1 W, by phase too."""
    status_word = unsigned(status, 3)
    return telegram(
        (
            entry("129-129:199.130.3", text(b"EMH")),
            entry("1-0:0.0.9", text(EMH)),
            entry("1-0:1.8.0", signed(85_712_862, 5), WH, -1, status=status_word),
            entry("1-0:2.8.0", signed(1543, 5), WH, -1, status=status_word),
            entry("1-0:1.8.1", signed(85_712_862, 5), WH, -1),
            entry("1-0:1.8.2", signed(0, 5), WH, -1),
            entry("1-0:16.7.0", signed(power), W, -1),
            entry("1-0:36.7.0", signed(power - 1500), W, -1),
            entry("1-0:56.7.0", signed(1500), W, -1),
            entry("1-0:76.7.0", signed(0), W, -1),
            entry("129-129:199.130.5", text(bytes(range(48)))),
        ),
        EMH,
    )


def ed300l(power: int, status: int) -> bytes:
    """An EMH ED300L: the size of the power alone; its direction is in the status of the energy."""
    return telegram(
        (
            entry("129-129:199.130.3", text(b"EMH")),
            entry("1-0:0.0.9", text(EMH)),
            entry("1-0:1.8.0", signed(172_436_756, 5), WH, -1, status=unsigned(status, 2)),
            entry("1-0:2.8.0", signed(9_876_543, 5), WH, -1, status=unsigned(status, 2)),
            entry("1-0:15.7.0", signed(power), W, -1),
        ),
        EMH,
    )


def mt175(power: int | None = 2144) -> bytes:
    """An Iskraemeco MT175 (basic meter): before its PIN is entered it sends whole kWh and no power."""
    open_ = power is not None
    return telegram(
        (
            entry("1-0:96.50.1*1", text(b"ISK")),
            entry("1-0:96.1.0", text(ISK)),
            entry("1-0:1.8.0", unsigned(791_393 if open_ else 790_000), WH, -1, status=unsigned(0x100104)),
            entry("1-0:2.8.0", unsigned(0, 1), WH, -1),
            *((entry("1-0:16.7.0", signed(power, 2), W),) if power is not None else ()),
        ),
        ISK,
    )


def dtz541(power: int = -1602, *, check: Sum = kermit) -> bytes:
    """A Holley DTZ541 of the first years: bare times, other checksums; a long list with all phases."""
    exporting = 0x1C1904 if power < 0 else 0x1C0104
    word, time = unsigned(exporting), unsigned(173_554_560)
    volts = ((32, 2422), (52, 2383), (72, 2421))
    amps = ((31, 725), (51, 12), (71, 46))
    return telegram(
        (
            entry("1-0:96.50.1*1", text(b"HLY")),
            entry("1-0:96.1.0", text(HLY)),
            entry("1-0:1.8.0", unsigned(107_961_400), WH, -1, status=word, time=time),
            entry("1-0:2.8.0", unsigned(136_143_615), WH, -1, status=word, time=time),
            entry("1-0:16.7.0", signed(power, 2), W),
            *(entry(f"1-0:{c}.7.0", unsigned(number, 2), V, -1) for c, number in volts),
            *(entry(f"1-0:{c}.7.0", unsigned(number, 2), A, -2) for c, number in amps),
            *(entry(f"1-0:81.7.{e}", unsigned(120, 1), 8) for e in (1, 2, 4, 15, 26)),
            entry("1-0:14.7.0", unsigned(499, 2), HZ, -1),
            entry("1-0:0.2.0", text(b"02.03.007")),
        ),
        HLY, time=time, check=check,
    )  # fmt: skip
