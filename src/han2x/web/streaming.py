"""Long answers: sent piece by piece, few at once, ended with the server or when their time is over."""

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from .endpoint import Call
from .long_answers import Kind

PIECE = 16_384
"""Characters that are gathered before they are sent."""


class Streaming(StreamingResponse):
    """An answer of pieces, which has a place among those of its kind; raises `Refusal` if there is none."""

    def __init__(
        self,
        call: Call,
        kind: Kind,
        pieces: AsyncIterator[bytes],
        media: str,
        headers: Mapping[str, str] | None = None,
        *,
        give_back: Callable[[], None] | None = None,
    ) -> None:
        self._give_back = give_back or call.state.long_answers.take(kind, call.caller)
        super().__init__(_in_time(call, kind, pieces), media_type=media, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._give_back()


async def _in_time(call: Call, kind: Kind, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, until the server ends; what takes too long is broken off, and does not look whole."""
    loop = asyncio.get_running_loop()
    until = loop.time() + kind.value.seconds
    async for piece in pieces:
        if call.state.ending.is_set():
            return
        if loop.time() > until:
            raise ConnectionAbortedError("the answer took too long")
        yield piece


async def from_thread(
    call: Call, kind: Kind, lines: Generator[str, None, None], media: str, headers: Mapping[str, str] | None
) -> Streaming:
    """What a generator that blocks yields, worked out in a thread; what it raises first is raised at once."""
    give_back = call.state.long_answers.take(kind, call.caller)
    try:
        first = await asyncio.to_thread(_gathered, lines)
    except BaseException:
        give_back()
        raise
    return Streaming(call, kind, _threaded(lines, first), media, headers, give_back=give_back)


async def _threaded(lines: Generator[str, None, None], piece: bytes) -> AsyncIterator[bytes]:
    try:
        while piece:
            yield piece
            piece = await asyncio.to_thread(_gathered, lines)
    finally:
        await asyncio.shield(asyncio.to_thread(lines.close))


def _gathered(lines: Iterator[str]) -> bytes:
    text, size = [], 0
    for line in lines:
        text.append(line)
        size += len(line)
        if size >= PIECE:
            break
    return "".join(text).encode()


def attachment(name: str) -> dict[str, str]:
    """Have a browser save the answer under a name of plain characters."""
    return {"Content-Disposition": f'attachment; filename="{name}"'}
