"""Who changed which settings, and handed out or revoked what, and when: names, never values; in two files.

A line is on the disk soon after the change, written by a thread that syncs all that wait at once. A Modbus
master may write every second for years: of each there is one line a minute at most, fewer while it goes on;
what it did between two lines is counted in the next one, and lost when the program is killed before.
"""

import contextlib
import json
import logging
import os
import re
import stat
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from ..model.instant import Instant
from .files import read_tail
from .stored_files import AUDIT, AUDIT_BEFORE, text, whole

log = logging.getLogger("han2x")

WAITING_MAX = 1000
"""Lines that wait for a disk that does not take them; then the oldest go."""
NAMES_MAX = 40
"""Names in a line; more are only counted."""
TEXT_MAX = 128
PEERS_MAX = 32
"""Modbus masters with lines of their own; others share one."""
OTHERS = "others"
MINUTE_MS, HOUR_MS = 60_000, 3_600_000


class Kind(StrEnum):
    """Who changes settings, or by what way."""

    OWNER = "owner"
    UNDO = "undo"
    RESTORE = "restore"
    TOKEN = "token"
    MODBUS = "modbus"
    FILE = "file"
    BUTTON = "button"
    COMMAND = "command"
    PROGRAM = "program"


class Act(StrEnum):
    """What may be done beside changes of settings."""

    TOKEN_MADE = "token_made"
    TOKEN_REVOKED = "token_revoked"
    CERTIFICATE_MADE = "certificate_made"
    CERTIFICATE_REVOKED = "certificate_revoked"
    LOGGED_OUT_EVERYWHERE = "logged_out_everywhere"
    SETTINGS_PUT_BACK = "settings_put_back"
    FACTORY_RESET = "factory_reset"


class Who(NamedTuple):
    """`name`: a token's name, else an address; "" where there is none."""

    kind: Kind
    name: str = ""


FILE = Who(Kind.FILE)
BUTTON = Who(Kind.BUTTON)
COMMAND = Who(Kind.COMMAND)
PROGRAM = Who(Kind.PROGRAM)
"""What nobody confirmed is taken back, what was written before a kill is taken again."""


def modbus(peer: str) -> Who:
    """A Modbus master by its address, whatever port it has this time."""
    return Who(Kind.MODBUS, re.sub(r":\d+(?= |$)", "", peer, count=1))


def did(act: Act, name: str = "") -> str:
    """What stands among the names of settings for an act; `name`: of the token or client, never a secret."""
    return f"{act}: {name}" if name else act.value


@dataclass(frozen=True, slots=True)
class Change:
    """One line: `at_ms`: Unix milliseconds of the last of `times` changes; `names`: of settings, or `did`."""

    at_ms: int
    who: Who
    names: tuple[str, ...]
    more: int = 0
    times: int = 1

    def with_another(self, at_ms: int, names: Sequence[str]) -> "Change":
        """This one and a later one in one line."""
        known = tuple(dict.fromkeys((*self.names, *names)))
        dropped = max(0, len(known) - NAMES_MAX)
        return replace(
            self, at_ms=at_ms, names=known[:NAMES_MAX], more=self.more + dropped, times=self.times + 1
        )


@dataclass(slots=True)
class _Peer:
    """A Modbus master: until when it has no other line, how long that is, and what it did since."""

    until_ms: int
    wait_ms: int = MINUTE_MS
    held: Change | None = None


class Audit:
    """The changes of one gateway, kept in `folder`; without one, in memory. `note` from one thread."""

    def __init__(self, folder: Path | None) -> None:
        self._file = folder / AUDIT.pattern if folder else None
        self._before = folder / AUDIT_BEFORE.pattern if folder else None
        self._waiting: deque[Change] = deque(maxlen=WAITING_MAX)
        self._peers: dict[Who, _Peer] = {}
        self._lock, self._disk = threading.Lock(), threading.Lock()
        self._writer: threading.Thread | None = None
        self._failing = False

    def note(self, who: Who, names: Sequence[str], now: Instant) -> None:
        """Settings have been changed; returns before it is on the disk."""
        if not names:
            return
        who = who._replace(name=who.name[:TEXT_MAX])
        shown = tuple(name[:TEXT_MAX] for name in names[:NAMES_MAX])
        change = Change(now.unix_ms, who, shown, len(names) - len(shown))
        due = [change] if who.kind is not Kind.MODBUS else self._due(change, now.mono_ms)
        self._write_soon([*self._overdue(now.mono_ms), *due])

    def changes(self, count: int) -> list[Change]:
        """The newest changes, the oldest of them first; reads files, so in a thread."""
        with self._disk:
            found = [*_read(self._before), *_read(self._file)]
            with self._lock:
                found += self._waiting
                found += [peer.held for peer in self._peers.values() if peer.held]
        return sorted(found, key=lambda one: one.at_ms)[-count:] if count > 0 else []

    def close(self) -> None:
        """Have all that waits on the disk; returns when it is, or the disk refuses."""
        with self._lock:
            held = [peer.held for peer in self._peers.values() if peer.held]
            self._peers.clear()
        self._write_soon(held)
        if writer := self._writer:
            writer.join()

    def _due(self, change: Change, now_ms: int) -> list[Change]:
        """A master's change, if it is to have a line now; else it is held."""
        who = change.who
        if who not in self._peers and len(self._peers) >= PEERS_MAX:
            who = Who(Kind.MODBUS, OTHERS)
        peer = self._peers.get(who)
        if peer is None:
            with self._lock:
                self._peers[who] = _Peer(now_ms + MINUTE_MS)
            return [replace(change, who=who)]
        held = peer.held
        peer.held = held.with_another(change.at_ms, change.names) if held else replace(change, who=who)
        return []

    def _overdue(self, now_ms: int) -> list[Change]:
        """What masters did whose time is over; who did nothing in it is forgotten."""
        found = []
        for who, peer in list(self._peers.items()):
            if now_ms < peer.until_ms:
                continue
            with self._lock:
                if peer.held is None:
                    del self._peers[who]
                    continue
                found.append(peer.held)
                wait_ms = min(2 * peer.wait_ms, HOUR_MS)
                self._peers[who] = _Peer(now_ms + wait_ms, wait_ms)
        return found

    def _write_soon(self, changes: Iterable[Change]) -> None:
        with self._lock:
            for change in changes:
                self._put(change)
            if self._file and self._waiting and self._writer is None:
                self._writer = threading.Thread(target=self._write, name="audit")
                self._writer.start()

    def _put(self, change: Change) -> None:
        """Have a change wait; the same by the same is counted with the one that waits."""
        last = self._waiting[-1] if self._waiting else None
        if last and (last.who, last.names) == (change.who, change.names):
            self._waiting[-1] = replace(
                change, times=last.times + change.times, more=max(last.more, change.more)
            )
        else:
            self._waiting.append(change)

    def _write(self) -> None:
        """Write what waits until nothing does, in a thread."""
        while True:
            with self._disk:
                with self._lock:
                    due = list(self._waiting)
                    self._waiting.clear()
                    if not due:
                        self._writer = None
                        return
                if not self._written(due):
                    return

    def _written(self, due: Sequence[Change]) -> bool:
        try:
            self._append("".join(map(_line, due)).encode("ascii"))
        except OSError as error:
            if not self._failing:
                log.warning(
                    "%s: who changed settings cannot be noted: %s", self._file, error.strerror or error
                )
            self._failing = True
            with self._lock:
                later = list(self._waiting)
                self._waiting.clear()
                self._waiting.extend((*due, *later))
                self._writer = None
            return False
        self._failing = False
        return True

    def _append(self, lines: bytes) -> None:
        """Add lines to the file, on the disk when this returns; a full one becomes the one before."""
        assert self._file
        assert self._before
        with contextlib.suppress(FileNotFoundError):
            if self._file.lstat().st_size + len(lines) > AUDIT.most:
                os.replace(self._file, self._before)
        flags = (
            os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
        )
        fd = os.open(self._file, flags, 0o600)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise OSError("it is no regular file")
            torn = status.st_size and os.pread(fd, 1, status.st_size - 1) != b"\n"
            rest = memoryview(b"\n" + lines if torn else lines)
            while rest:
                rest = rest[os.write(fd, rest) :]
            os.fsync(fd)
        finally:
            os.close(fd)


def _line(change: Change) -> str:
    table = {
        "at_ms": change.at_ms,
        "who": change.who.kind,
        "name": change.who.name,
        "settings": change.names,
        "more": change.more,
        "times": change.times,
    }
    return json.dumps(table, separators=(",", ":")) + "\n"


def _read(path: Path | None) -> list[Change]:
    """The changes in a file; none of a file that cannot be read."""
    try:
        lines = read_tail(path, AUDIT.most).split(b"\n") if path else []
    except OSError:
        return []
    return [change for change in map(_change, lines) if change]


def _change(line: bytes) -> Change | None:
    """A line's change; None of a damaged line."""
    try:
        table = json.loads(line)
        who = Who(Kind(text(table["who"])), text(table["name"], TEXT_MAX))
        names = tuple(text(name, TEXT_MAX) for name in table["settings"][:NAMES_MAX])
        most = 10**15
        at_ms, more, times = (whole(table[key], 0, most) for key in ("at_ms", "more", "times"))
        return Change(at_ms, who, names, more, times)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
