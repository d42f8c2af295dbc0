"""Who is logged in, and which tokens there are: only hashes are kept, and they survive a restart.

A session holds for the credentials it was opened with: a new name or password ends all others.
"""

import contextlib
import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ..runtime.files import replace as write_file
from ..runtime.stored_files import WEB, Damaged, Say, load, put_aside, table_of, text, whole
from ..runtime.stored_state import MS_MAX
from ..settings.page import PASSWORD_HASH

log = logging.getLogger("han2x.web")

T = TypeVar("T")

FORMAT = 1
HASH_MAX = 64
SCOPES = ("read", "write")
SESSIONS, TOKENS = 64, 64
"""How many are kept; of sessions the one that was used longest ago makes room."""

IDLE_MS = 30 * 24 * 3_600_000
LOOK_MS = 3_600_000
"""How exactly it is kept when one was last used: a disk is not written for each request."""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is logged in; `stamp`: of the credentials. Times are Unix ms."""

    hash: str
    stamp: str
    created_ms: int
    used_ms: int


@dataclass(frozen=True, slots=True)
class Token:
    """A program's key to the API; `scope`: read or write."""

    id: str
    name: str
    scope: str
    hash: str
    created_ms: int
    used_ms: int | None = None


Memory = tuple[dict[str, Session], dict[str, Token], bool, bool]
"""But for the first password, which is there before anybody can change anything."""


class Keys:
    """Sessions, tokens, the first password, and whether the wizard was finished.

    `path` None keeps them for this process only. `initial`: the first password's hash, "" before one is
    drawn, None where an older version stored them, which drew none.
    """

    def __init__(self, path: Path | None, say: Say = log.warning) -> None:
        self._path = path
        known = load(path, WEB, _parsed, say) or Known()
        self._sessions = {one.hash: one for one in known.sessions}
        self._tokens = {one.id: one for one in known.tokens}
        self.wizard_done, self.initial = known.wizard_done, known.initial
        self.changed = False
        if path and known.damaged:
            put_aside(path, WEB, "a part of its content is damaged", say)
            with contextlib.suppress(OSError):  # what is right in it must not wait for the next change
                self.write(self.to_text())

    def memory(self) -> Memory:
        """All that is known, for `restore`."""
        return dict(self._sessions), dict(self._tokens), self.wizard_done, self.changed

    def restore(self, memory: Memory) -> None:
        """Have all as it was."""
        self._sessions, self._tokens, self.wizard_done, self.changed = memory

    def begin(self, hashed: str) -> None:
        """The first password, as a hash."""
        self.initial, self.changed = hashed, True

    def open(self, stamp: str, now_ms: int) -> str:
        """A new session's secret."""
        secret = secrets.token_urlsafe(32)
        session = Session(_hash(secret), stamp, now_ms, now_ms)
        self._sessions[session.hash] = session
        while len(self._sessions) > SESSIONS:
            del self._sessions[min(self._sessions.values(), key=lambda one: one.used_ms).hash]
        self.changed = True
        return secret

    def session(self, secret: str, stamp: str, now_ms: int) -> Session | None:
        """The session of a secret, if it still holds."""
        found = self._sessions.get(_hash(secret)) if secret else None
        if found is None or not hmac.compare_digest(found.stamp, stamp):
            return None
        if now_ms - found.used_ms > IDLE_MS:
            self.close(secret)
            return None
        if now_ms - found.used_ms > LOOK_MS:
            self._sessions[found.hash] = replace(found, used_ms=now_ms)
            self.changed = True
        return found

    def close(self, secret: str) -> None:
        """End a session."""
        self.changed |= self._sessions.pop(_hash(secret), None) is not None

    def close_all(self) -> None:
        """End all sessions."""
        self._sessions.clear()
        self.changed = True

    def tokens(self) -> list[Token]:
        """All tokens, the oldest first."""
        return list(self._tokens.values())

    def add_token(self, name: str, scope: str, now_ms: int) -> tuple[str, str] | None:
        """A new token's id and secret; None when there are too many."""
        if len(self._tokens) >= TOKENS:
            return None
        secret, key = f"han2x_{secrets.token_urlsafe(32)}", secrets.token_hex(4)
        self._tokens[key] = Token(key, name, scope, _hash(secret), now_ms)
        self.changed = True
        return key, secret

    def token(self, secret: str, now_ms: int) -> Token | None:
        """The token of a secret."""
        wanted = _hash(secret)
        found = next((one for one in self._tokens.values() if hmac.compare_digest(one.hash, wanted)), None)
        if found and (found.used_ms is None or now_ms - found.used_ms > LOOK_MS):
            found = self._tokens[found.id] = replace(found, used_ms=now_ms)
            self.changed = True
        return found

    def revoke(self, key: str) -> bool:
        """End a token; whether there was one."""
        gone = self._tokens.pop(key, None) is not None
        self.changed |= gone
        return gone

    def finish_wizard(self) -> None:
        """The wizard is not shown again."""
        self.changed |= not self.wizard_done
        self.wizard_done = True

    def forget(self) -> None:
        """As on the first day."""
        self._sessions.clear()
        self._tokens.clear()
        self.wizard_done, self.changed = False, True

    def to_text(self) -> str:
        """What is to be kept."""
        self.changed = False
        table = {
            "format": FORMAT,
            "wizard_done": self.wizard_done,
            "initial": self.initial,
            "sessions": [asdict(one) for one in self._sessions.values()],
            "tokens": [asdict(one) for one in self._tokens.values()],
        }
        return json.dumps(table)

    def write(self, text: str) -> None:
        """Keep it; blocks, and raises OSError."""
        if self._path is not None:
            write_file(self._path, text)


def stamp(user: str, password: str) -> str:
    """What a session keeps of the credentials it was opened with."""
    return _hash(f"{user}\0{password}")


def csrf(secret: str) -> str:
    """What a page must say beside the cookie: only whoever may read our answers knows it."""
    return _hash(f"csrf\0{secret}")[:32]


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


class Known(NamedTuple):
    """What was kept; `damaged`: some of it is not here, as it is not what this version writes."""

    sessions: tuple[Session, ...] = ()
    tokens: tuple[Token, ...] = ()
    wizard_done: bool = False
    initial: str | None = ""
    damaged: bool = False


def _parsed(content: bytes) -> Known:
    table = table_of(content, FORMAT)
    sessions, tokens = table.get("sessions"), table.get("tokens")
    wizard_done, initial = table.get("wizard_done"), table.get("initial")
    hashed = initial is None or PASSWORD_HASH.holds(initial)
    kept = [_row(_session, row) for row in _rows(sessions)], [_row(_token, row) for row in _rows(tokens)]
    right = isinstance(sessions, list) and isinstance(tokens, list) and isinstance(wizard_done, bool)
    damaged = not (right and hashed) or None in kept[0] or None in kept[1]
    return Known(
        tuple(one for one in kept[0] if one)[-SESSIONS:],
        tuple(one for one in kept[1] if one)[-TOKENS:],
        wizard_done is True,
        initial if hashed and (initial or not damaged) else "",
        damaged,
    )


def _rows(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _row(make: Callable[..., T], row: Any) -> T | None:
    try:
        return make(**row)
    except (TypeError, ValueError):
        return None


def _session(hash: Any, stamp: Any, created_ms: Any, used_ms: Any) -> Session:
    return Session(_ascii(hash), _ascii(stamp), whole(created_ms, 0, MS_MAX), whole(used_ms, 0, MS_MAX))


def _token(id: Any, name: Any, scope: Any, hash: Any, created_ms: Any, used_ms: Any) -> Token:
    if scope not in SCOPES:
        raise Damaged("its scope is none")
    used = None if used_ms is None else whole(used_ms, 0, MS_MAX)
    return Token(text(id, 64), text(name, 64), scope, _ascii(hash), whole(created_ms, 0, MS_MAX), used)


def _ascii(value: Any) -> str:
    """A hash or stamp; raises `Damaged`: a comparison of others would raise."""
    if not isinstance(value, str) or not value.isascii() or len(value) > HASH_MAX:
        raise Damaged("it is no hash")
    return value
