"""TOML from anybody, read in a time that grows with its length only. Pure.

The standard library's reader takes quadratic time for a key of many dotted parts, and recurses for brackets
inside brackets. Nothing of ours needs more than a few of either, so both are counted before it reads.
"""

import re
import tomllib
from itertools import accumulate
from typing import Any

DEPTH_MAX = 16
"""Parts of a dotted key, and brackets inside each other; a settings file needs 2."""

_TEXTS = re.compile(
    r'"""(?:[^\\]|\\.)*?(?:"""|\Z)'
    r"|'''.*?(?:'''|\Z)"
    r'|"(?:[^"\\\n]|\\.)*"?'
    r"|'[^'\n]*'?"
    r"|#[^\n]*",
    re.DOTALL,
)
"""Strings and comments. One without its end reaches as far as it could, so no character is read twice."""

_KEY_ENDS = re.compile(r"[\n=,\[\]{}]")
_BRACKETS = str.maketrans({"{": "[", "}": "]"})


def loads(text: str) -> dict[str, Any]:
    """The table of a TOML text; raises ValueError with what is wrong with it."""
    bare = _TEXTS.sub("_", text)
    if any(key.count(".") >= DEPTH_MAX for key in _KEY_ENDS.split(bare)):
        raise ValueError(f"a key has more than {DEPTH_MAX} parts")
    if max(_depths(bare), default=0) > DEPTH_MAX:
        raise ValueError(f"more than {DEPTH_MAX} brackets are inside each other")
    return tomllib.loads(text)


def _depths(bare: str) -> "accumulate[int]":
    steps = {"[": 1, "]": -1}
    brackets = re.findall(r"[\[\]]", bare.translate(_BRACKETS))
    return accumulate(steps[bracket] for bracket in brackets)
