"""A small file that always loads: two slots, written in turn, each with its own check sum.

A slot is overwritten in place, so that neither a full disk nor a kill at any moment can lose the other;
a power cut costs at most what was not yet synced. Nothing else is written to, which spares SD cards.
"""

import errno
import os
import stat
import zlib
from pathlib import Path

from .files import read_head, replace

SLOT = 4096
HEAD = 64
PAYLOAD_MAX = SLOT - HEAD - 1
"""What is left of a slot, less the line feed at its end: one octet more would damage the other slot."""


class StateFile:
    """One payload of at most `PAYLOAD_MAX` octets, loaded when made. Methods raise OSError.

    `damage`: what is wrong with the file that was loaded, "" for nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sequence = 0
        self.damage = ""
        self.payload = self._newest()

    def save(self, payload: bytes) -> None:
        """Write the payload to the older slot: when it returns, a kill of the process cannot lose it."""
        if len(payload) > PAYLOAD_MAX:
            raise OSError(f"a state of {len(payload)} octets is too large")
        sequence = self._sequence + 1
        head = f"han2x {sequence} {_check(sequence, payload)} {len(payload)}".encode().ljust(HEAD - 1)
        slot = (head + b"\n" + payload).ljust(SLOT - 1) + b"\n"
        try:
            fd = self._open()
        except FileNotFoundError:  # made whole, so that a full disk later finds both slots allocated
            empty = bytes(SLOT)
            replace(self._path, empty + slot if sequence % 2 else slot + empty)
            self._sequence = sequence
            return
        try:
            if os.pwrite(fd, slot, SLOT * (sequence % 2)) != SLOT:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(fd)
        self._sequence = sequence  # only now: what failed is tried in the same slot, the other stays whole

    def sync(self) -> None:
        """Wait until what was saved is on the disk, where a power cut cannot lose it; call it in a thread."""
        fd = self._open()
        try:
            os.fdatasync(fd)
        finally:
            os.close(fd)

    def _open(self) -> int:
        fd = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(errno.EINVAL, "it is not a regular file")
        return fd

    def _newest(self) -> bytes | None:
        """The payload with the highest sequence number whose check sum is right."""
        try:
            content = read_head(self._path, 2 * SLOT + 1)
        except FileNotFoundError:
            return None
        found = [
            slot for begin in (0, SLOT) if (slot := _read_slot(content[begin : begin + SLOT])) and slot[0]
        ]
        if not found:
            self.damage = "it is empty" if not content.strip(b"\0") else "its content is damaged"
            return None
        self._sequence, newest = max(found)
        if (len(found) == 1 and self._sequence > 1) or len(content) > 2 * SLOT:
            self.damage = "one of its two copies is damaged; the other is used"
        return newest


def _read_slot(slot: bytes) -> tuple[int, bytes] | None:
    words = slot[:HEAD].split()
    if len(words) != 4 or words[0] != b"han2x" or not all(word.isdigit() for word in words[1:]):
        return None
    sequence, check, length = (int(word) for word in words[1:])
    payload = slot[HEAD : HEAD + length]
    whole = len(payload) == length and _check(sequence, payload) == check
    return (sequence, payload) if whole else None


def _check(sequence: int, payload: bytes) -> int:
    """The check sum of a slot; a damaged sequence number must not make an old slot the newest."""
    return zlib.crc32(payload, sequence & 0xFFFFFFFF)
