"""TOML from strangers: read in a time that grows with its length, or refused."""

import time
import tomllib
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.settings.bounded_toml import DEPTH_MAX, loads

SIZE = 100_000
QUICK_S = 1.0
"""Of this thread's own time: the proofs below take from 20 s to hours where nothing bounds them."""

HOSTILE = {
    "a dotted key": ".".join("a" * (SIZE // 2)) + "=1",
    "a dotted key with spaces": " . ".join("a" * (SIZE // 4)) + "=1",
    "a dotted key of quoted parts": ".".join(['"."'] * (SIZE // 4)) + "=1",
    "a dotted table": "[" + ".".join("a" * (SIZE // 2)) + "]",
    "a dotted table of an array": "[[" + ".".join("a" * (SIZE // 2)) + "]]",
    "a dotted key in an inline table": "x={" + ".".join("a" * (SIZE // 2)) + "=1}",
    "many keys as deep as allowed": "".join(f"k{n}.{'a.' * 14}a=1\n" for n in range(SIZE // 40)),
    "lists in lists": "a=" + "[" * SIZE,
    "tables in tables": "x=" + "{a=" * (SIZE // 3),
    "many digits": "a=" + "1" * SIZE,
    "many hex digits": "a=0x" + "f" * SIZE,
    "a long fraction": "a=0." + "1" * SIZE,
    "an open string": 'a="' + "\\\\" * (SIZE // 2),
    "an open long string": 'a="""' + '\\"""' * (SIZE // 4),
    "open quotes again and again": 'a="""\\' * (SIZE // 6),
    "single quotes": "'" * SIZE,
    "double quotes": '"' * SIZE,
    "blank lines": "\n" * SIZE,
    "comments": "#\n" * (SIZE // 2),
    "backslashes": "\\" * SIZE,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_would_take_long_is_refused_or_quick(text: str) -> None:
    """A hundred kilobytes of each kind: an answer within a second of the thread's own time, or a refusal."""
    began = time.thread_time()
    with suppress(ValueError, RecursionError):
        loads(text)
    assert time.thread_time() - began < QUICK_S


@pytest.mark.parametrize("parts", [1, 2, DEPTH_MAX])
def test_what_is_as_deep_as_allowed_is_read(parts: int) -> None:
    """Keys, tables and lists of so many parts mean what the standard library says; one more is refused."""
    for text in (".".join("a" * parts) + "=1", "x=" + "[" * parts + "]" * parts):
        assert loads(text) == tomllib.loads(text)
    deeper = DEPTH_MAX + 1
    for text in (".".join("a" * deeper) + "=1", "x=" + "[" * deeper + "]" * deeper):
        with pytest.raises(ValueError, match=str(DEPTH_MAX)):
            loads(text)


def test_dots_in_texts_and_comments_are_no_parts_of_keys() -> None:
    """Lists of networks, host names and remarks may have as many dots and brackets as they like."""
    many = "10.0.0.1, [[[" * 50
    text = f"a = \"{many}\"  # {many}\nb = '{many}'\nc = \"\"\"\n{many}\n\"\"\"\nd = '''{many}'''\n"
    assert loads(text) == tomllib.loads(text)


@given(st.text(alphabet="a.=[]{}\"'#\\\n ,1", max_size=40))
def test_it_reads_what_the_standard_library_reads(text: str) -> None:
    """Short texts of all that has a meaning in TOML: the same table, or both refuse."""
    outcomes: list[dict[str, Any] | None] = []
    for read in (loads, tomllib.loads):
        try:
            outcomes.append(read(text))
        except ValueError:
            outcomes.append(None)
    deep = max(text.count("."), text.count("[") + text.count("{")) >= DEPTH_MAX
    assert deep or all(one == other for one, other in pairwise(outcomes))
