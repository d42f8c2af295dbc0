"""What a row of the route table is, what its function is handed, and what it may answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from ..model.instant import Instant
from ..runtime.audit import Act, Kind, Who, did
from ..runtime.gateway import Gateway
from .client_address import Client

if TYPE_CHECKING:
    from .state import State


class Access(IntEnum):
    """What a caller must be; each may do what those before it may."""

    OPEN = 0  # anybody
    READ = 1  # a token that reads
    WRITE = 2  # a token that writes
    OWNER = 3  # a person who is logged in


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: `session` the secret of a log-in, "" for none. `peer`: the address that is connected.

    `token`: a token's id, "" for none; `name`: what it is called.
    """

    access: Access
    client: Client
    peer: str
    session: str = ""
    token: str = ""
    name: str = ""

    @property
    def host(self) -> str:
        """The address that counts: the peer's, or the one that a trusted proxy names."""
        return self.client.address

    def who(self, way: Kind = Kind.OWNER) -> Who:
        """Whose a change of settings is; `way`: how a person makes it."""
        return Who(Kind.TOKEN, self.name) if self.token else Who(way, self.host)


class Refusal(Exception):
    """There is no answer: a status, a stable code, and a sentence for people."""

    def __init__(
        self,
        status: int,
        code: str,
        text: str,
        *,
        complaints: list[Any] | None = None,
        retry_s: int | None = None,
        default_password: bool | None = None,
        initial_password: bool | None = None,
    ) -> None:
        super().__init__(text)
        self.status, self.code, self.text = status, code, text
        self.default_password, self.initial_password = default_password, initial_password
        self.complaints, self.retry_s = complaints, retry_s


@dataclass(frozen=True, slots=True)
class Call:
    """One request: path parameters, checked query and body. `now`: when it came."""

    request: Request
    state: "State"
    caller: Caller
    now: Instant
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Any

    @property
    def gateway(self) -> Gateway:
        """The gateway."""
        return self.state.gateway

    def note(self, act: Act, name: str = "") -> None:
        """Have what was done in the list of who changed what."""
        self.gateway.audit.note(self.caller.who(), [did(act, name)], self.gateway.now())


@dataclass(frozen=True, slots=True)
class Param:
    """A query parameter: `kind` str, int or bool; `low`, `high` of a number; `choices` of a text."""

    doc: str
    kind: type = str
    default: str | int | bool | None = None
    low: int = 0
    high: int = 0
    choices: tuple[str, ...] = ()
    required: bool = False


Handler = Callable[[Call], Awaitable[Any]]
"""Answers with JSON (what `answer` says), with a `Response`, or with None for nothing to say."""

JSON, SSE, TEXT, OCTETS, LINES = (
    "application/json",
    "text/event-stream",
    "text/plain",
    "application/octet-stream",
    "application/x-ndjson",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A row of the route table.

    `path`: without a leading slash, parameters in braces. `answer`: the type of its JSON; None for nothing.
    `media`: of the answer. `body`: the type of the JSON it takes, or "text". `errors`: what it may refuse
    with, beside what all may. `texts`: what a status means where that is not what it usually does. `off`: the
    boolean setting of `[web]` without which there is no such thing.
    """

    method: str
    path: str
    handler: Handler
    doc: str
    answer: Any = None
    media: str = JSON
    access: Access = Access.READ
    body: Any = None
    query: Mapping[str, Param] = field(default_factory=dict)
    errors: tuple[int, ...] = ()
    texts: Mapping[int, str] = field(default_factory=dict)
    status: int = 0
    off: str = ""

    @property
    def changes(self) -> bool:
        """Whether it changes something."""
        return self.method not in ("GET", "HEAD")

    @property
    def success(self) -> int:
        """The status when all is well."""
        return self.status or (204 if self.answer is None and self.media == JSON else 200)


def no_content() -> Response:
    """Nothing to say."""
    return Response(status_code=204)
