"""Long answers: sent piece by piece, few at once, ended with the server."""

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator, Mapping

from starlette.responses import StreamingResponse

from .endpoint import Refusal
from .state import State

PIECE = 16_384
"""Characters that are gathered before they are sent."""


async def stream(
    state: State,
    pieces: AsyncIterator[bytes],
    media: str,
    headers: Mapping[str, str] | None = None,
) -> StreamingResponse:
    """An answer of pieces; raises `Refusal` when there are too many such at once."""
    if state.streams.locked():
        raise Refusal(503, "busy", "Too much is being sent at once; try again soon.", retry_s=5)
    return StreamingResponse(_kept(state, pieces), media_type=media, headers=headers)


async def _kept(state: State, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async with state.streams:
        async for piece in pieces:
            if state.ending.is_set():
                return
            yield piece


async def from_thread(lines: Generator[str, None, None]) -> AsyncIterator[bytes]:
    """What a generator that blocks yields, worked out in a thread; what it raises first is raised at once."""
    return _threaded(lines, await asyncio.to_thread(_gathered, lines))


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
