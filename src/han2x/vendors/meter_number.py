"""Which of the texts that a meter sends is its number: in order of trust, if they look like one."""

import re
from collections.abc import Iterable
from functools import lru_cache

P1_CODES = (
    *("0-0:96.1.1", "0-0:96.1.0", "1-0:96.1.1", "1-0:96.1.0", "96.1.0", "96.1.1"),  # C.1.0 and C.1.1 too
    *("0-0:42.0.0", "0-0:1.0.0", "0-0:0.0.0", "1-1:0.0.0", "42.0.0", "0.0.0"),
)
"""Lines of P1 text that may hold the number, in the order in which they are believed."""

_MARK = re.compile(r"(?:ER|V|FW|SW)?[0-9]{1,3}|[A-Za-z]{1,3}[0-9]{0,3}", re.IGNORECASE)
"""EDIS marks (ER23), versions and other short words."""

_NUMBER = re.compile(r"(?=(?:.*[0-9]){4})[0-9A-Za-z][\x20-\x7e]{3,}")
"""Four digits at least, however they are set apart."""

_NAME = re.compile(r"(?=.*[0-9])[0-9A-Za-z][0-9A-Za-z_ /-]{4,}")
"""What some meters are called by whoever fitted them; a version has dots."""


def chosen(candidates: Iterable[str | None]) -> str | None:
    """The first that looks like a number, rather one that is not all the same digit, or a name.

    An empty text says that the meter has such an element; None: nothing was sent that can be a number.
    """
    return _chosen(tuple(candidates))


@lru_cache(maxsize=64)
def _chosen(candidates: tuple[str | None, ...]) -> str | None:
    texts = [text for text in candidates if text and not _is_mark(text)]
    numbers = [text for text in texts if _NUMBER.fullmatch(text)]
    told = [text for text in numbers if len(set(text)) > 1]
    names = [text for text in texts if _NAME.fullmatch(text)]
    return next(iter((*told, *numbers, *names)), "" if "" in candidates else None)


def _is_mark(text: str) -> bool:
    """Whether a text, or the text that its hex digits stand for, is a mark of a kind of meters."""
    try:
        spelled = bytes.fromhex(text).decode("ascii")
    except ValueError:
        spelled = ""
    return any(_MARK.fullmatch(form.strip()) for form in (text, spelled))
