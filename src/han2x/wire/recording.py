"""Recordings as text: what a link read and when, a line for each read.

    han2x recording 1
    0 7ea02701…
    2004 7ea02701…

Milliseconds since the recording began, then the octets in hex. Lines that begin with # are remarks.
"""

MAGIC = b"han2x recording 1\n"


def line(ms: int, octets: bytes) -> bytes:
    """The line for what was read at a moment."""
    return b"%d %s\n" % (ms, octets.hex().encode("ascii"))


def octets(text: bytes) -> bytes:
    """The octets of a line; none where it is a remark or damaged."""
    digits = text.strip().rpartition(b" ")[2]
    try:
        return b"" if text.startswith(b"#") else bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return b""


def reads(recording: bytes) -> list[tuple[int, bytes]]:
    """Moments and octets of a whole recording; other files are one read."""
    if not recording.startswith(MAGIC):
        return [(0, recording)]
    found = []
    for text in recording[len(MAGIC) :].splitlines():
        ms, _, _ = text.partition(b" ")
        if ms.isdigit() and (read := octets(text)):
            found.append((int(ms), read))
    return found
