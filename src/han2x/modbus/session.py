"""One client's octets in, its answers out: framing and functions together, without a socket.

TCP is a stream, so requests may come in pieces or many at once; they are answered in order. What is left
of an unfinished request waits for the next octets. A turn ends after a request that may write: a change
of settings costs far more than a read, and other clients must not wait for a row of them.
"""

import asyncio
from collections.abc import Callable, Mapping
from struct import Struct
from struct import error as OddLength

from . import mbap, pdu
from .authorization import Responder

PLAIN_READ = 12
"""Octets of a read request; the key of a kept answer is all of it but the transaction id."""

_READS = Struct(f"2s{PLAIN_READ - 2}s").iter_unpack


class Session:
    """The conversation with one client.

    `rest`: octets that are not answered yet. They are the beginning of a request (at most 259 octets), unless
    `pending`: then requests wait for another turn, `feed(b"")`; or `broken`: then they are not Modbus, and
    nothing more will be answered. `storing`: a write has to be on the disk before anything else is answered,
    by `stored`. `requests` and `exceptions` count what was answered; `last_exception` is
    the code of the last, 0 before the first.
    """

    __slots__ = (
        "_banks",
        "_owed",
        "_peer",
        "broken",
        "exceptions",
        "last_exception",
        "pending",
        "requests",
        "rest",
        "storing",
    )

    def __init__(self, banks: Responder, peer: str) -> None:
        self._banks = banks
        self._peer = peer
        self.rest = b""
        self.pending = False
        self.broken = False
        self.storing: asyncio.Future[bool] | None = None
        self._owed: Callable[[bool], bytes] | None = None
        self.requests = 0
        self.exceptions = 0
        self.last_exception = 0

    @property
    def known(self) -> Mapping[bytes, bytes]:
        """Answers to single requests, both without the transaction id."""
        return self._banks.answers

    @property
    def peer(self) -> str:
        """Who it is with."""
        return self._peer

    def stored(self) -> bytes:
        """The answer that waited for the disk."""
        storing, owed = self.storing, self._owed
        self.storing = self._owed = None
        return owed(storing.result()) if storing and owed else b""

    def feed(self, octets: bytes) -> bytes:
        """The answers to what the octets complete, up to and with the first that may have written.

        The fast path takes all of them for reads whose answers are known: an answer that is found proves
        that the header is right and the request 12 octets long, so that nothing else needs to be looked
        at. One that is not found sends all of them the long way.
        """
        known = self._banks.answers
        data = self.rest + octets
        try:
            answers = [transaction + known[read] for transaction, read in _READS(data)]
        except (KeyError, OddLength):
            return self._answer_each(data)
        self.rest = b""
        self.pending = False
        self.requests += len(answers)
        return b"".join(answers)

    def _answer_each(self, data: bytes) -> bytes:
        answers: list[bytes] = []
        at = 0
        self.pending = False
        while at < len(data) and not (self.pending or self.storing) and (adu := self._next(data, at)):
            answers.append(self._answer(adu, data[at + 2 : adu.end]))
            at = adu.end
            self.pending = adu.pdu[0] in pdu.WRITES and at < len(data)
        self.rest = data[at:]
        self.requests += len(answers)
        return b"".join(answers)

    def _next(self, data: bytes, at: int) -> mbap.Adu | None:
        try:
            return mbap.parse(data, at)
        except mbap.BadHeader:
            self.broken = True
            return None

    def _answer(self, adu: mbap.Adu, request: bytes) -> bytes:
        """The response, nothing for one that has to wait; answers to reads are kept."""
        if answer := self._banks.answers.get(request):
            return adu.transaction + answer
        response = self._banks.respond(adu.unit, adu.pdu, self._peer)
        if storing := self._banks.claim():
            self.storing = storing
            failed = pdu.exception(adu.pdu, pdu.ExceptionCode.SERVER_FAILURE)
            self._owed = lambda stored: self._finished(adu, response if stored else failed)
            return b""
        answer = self._finished(adu, response)
        if response[0] in pdu.READS:
            self._banks.keep(request, answer[2:])
        return answer

    def _finished(self, adu: mbap.Adu, response: bytes) -> bytes:
        """A whole response, counted if it is an exception."""
        if response[0] & 0x80:
            self.exceptions += 1
            self.last_exception = response[1]
        return adu.transaction + mbap.after_transaction(adu.unit, response)
