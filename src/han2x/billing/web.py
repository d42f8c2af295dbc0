"""Spot prices from the web: one file a day and area, in the JSON layout of hvakosterstrommen.no.

The seam is `Fetch`: an address in, its text out. Blocking: it is called in a thread.
"""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from http.client import HTTPException, HTTPResponse

from .. import __version__
from ..runtime.gateway import Trouble

TIMEOUT_S = 15.0
MOST_OCTETS = 500_000
"""A day of quarters is 20 kB."""

MOST_READS = 400
"""Each waits for at most `TIMEOUT_S`; a segment of TCP holds more than a kilobyte."""

Fetch = Callable[[str], str | None]
"""The text at an address; None where there is none yet; raises `Trouble`."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Another address than the one that was chosen is not asked."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """None makes it an error."""


def fetch(address: str) -> str | None:
    """The text at an address by HTTP(S), 15 s and 500 kB at most; None for 404; raises `Trouble`."""
    try:
        with opened(address) as answer:
            octets = _body(answer)
    except NotThere:
        return None
    if len(octets) > MOST_OCTETS:
        raise Trouble(f"{address} sends more than {MOST_OCTETS} octets")
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise Trouble(f"{address} sends no text") from None


class NotThere(Trouble):
    """There is nothing at an address."""


@contextmanager
def opened(address: str) -> Iterator[HTTPResponse]:
    """The answer to a request by HTTP(S), without redirects; raises `Trouble`, also while it is read."""
    request = urllib.request.Request(address, headers={"User-Agent": f"han2x/{__version__}"})
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_S) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        kind = NotThere if error.code == 404 else Trouble
        raise kind(f"{address} answers {error.code} {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise Trouble(f"{address} cannot be read: {getattr(error, 'reason', None) or error}") from None


def _body(answer: HTTPResponse) -> bytes:
    """All of an answer, but of one that trickles in only what `MOST_READS` brought."""
    octets = b""
    for _ in range(MOST_READS):
        part = answer.read1(MOST_OCTETS)
        octets += part
        if not part or len(octets) > MOST_OCTETS:
            return octets
    raise HTTPException("it comes in too many pieces")


def address(base: str, area: str, day: date) -> str:
    """Where a day's prices are: BASE/2026/01-31_NO1.json."""
    return f"{base.rstrip('/')}/{day:%Y/%m-%d}_{area}.json"
