"""What a client's role lets it do (MODBUS/TCP Security, 8.3): refused functions are exception 01. Pure."""

import asyncio
from collections.abc import Mapping, MutableMapping
from enum import IntEnum
from typing import Protocol

from . import pdu


class Rights(IntEnum):
    """What a client may do; each includes those before it."""

    NOTHING = 0
    READ = 1
    WRITE = 2


class Responder(Protocol):
    """What answers requests: `bank.Banks`, or a part of it.

    `answers`: what follows the transaction id of a read request, to what follows it in the response.
    """

    @property
    def answers(self) -> Mapping[bytes, bytes]: ...

    def respond(self, unit_id: int, request: bytes, peer: str) -> bytes:
        """The response PDU of a unit id."""
        ...

    def claim(self) -> "asyncio.Future[bool] | None":
        """What the last response has to wait for, once; its result: whether the write is on the disk."""
        ...

    def keep(self, request: bytes, response: bytes) -> None:
        """Remember the answer to a read until something changes."""
        ...


class Authorized:
    """A responder as clients with some rights see it."""

    def __init__(self, responder: Responder, rights: Rights) -> None:
        self._responder, self._rights = responder, rights
        self._nothing: MutableMapping[bytes, bytes] = {}

    @property
    def answers(self) -> Mapping[bytes, bytes]:
        """Kept answers to reads, for those that may read."""
        return self._responder.answers if self._rights >= Rights.READ else self._nothing

    def respond(self, unit_id: int, request: bytes, peer: str) -> bytes:
        """The response PDU; exception 01 for a function that the role does not include."""
        needed = Rights.WRITE if request[0] in pdu.WRITES else Rights.READ
        if self._rights < needed:
            return pdu.exception(request, pdu.ExceptionCode.ILLEGAL_FUNCTION)
        return self._responder.respond(unit_id, request, peer)

    def claim(self) -> "asyncio.Future[bool] | None":
        """What the last response has to wait for."""
        return self._responder.claim()

    def keep(self, request: bytes, response: bytes) -> None:
        """Remember an answer, if it may be given to others."""
        if self._rights >= Rights.READ:
            self._responder.keep(request, response)
