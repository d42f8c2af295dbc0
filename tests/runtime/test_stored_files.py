"""Stored files of the wrong shape: JSON that no version has written is damage like any other."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from han2x.mqtt.announced_entities import Memory
from han2x.runtime import network_trial
from han2x.runtime.numbers import Numbers
from han2x.runtime.stored_files import Say
from han2x.settings.schema import Settings
from han2x.web.sessions import Keys

SHAPES: dict[str, object] = {
    "a list": [1, 2],
    "a number": 1e308,
    "a newer format": {"format": 99, "sessions": [], "numbers": {}, "announced": []},
    "an older format": {"format": 0},
    "no format": {},
    "nulls": dict.fromkeys(("format", "sessions", "tokens", "numbers", "tried", "before")),
    "wrong fields": {
        "format": 1,
        "wizard_done": 3,
        "sessions": [{"hash": 1, "stamp": [], "created_ms": "x", "used_ms": None}],
        "tokens": {"a": 1},
        "numbers": {"main": "12345678"},
        "announced": [{"number": [], "keys": "act_pow_pos"}],
        "tried": [1],
        "before": "x",
    },
    "numbers beyond all": {
        "format": 1,
        "sessions": [{"hash": "æ" * 64, "stamp": "x", "created_ms": 10**400, "used_ms": 1e400}],
        "tokens": [],
        "numbers": {"main": 10**400},
        "announced": [10**400],
        "tried": {},
        "before": {},
    },
}

READERS: dict[str, Callable[[Path, Say], Any]] = {
    "numbers.json": lambda path, say: Numbers(path.parent, say),
    "web.json": Keys,
    "mqtt-main.json": Memory,
    "network.json": lambda path, say: network_trial.taken_back(Settings(), path.parent, say),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_wrong_shape_is_set_aside_and_said(tmp_path: Path, name: str, shape: object) -> None:
    """One sentence that names the file; its content is there under another name; the next start is silent."""
    path, said = tmp_path / name, list[str]()
    path.write_text(json.dumps(shape))
    READERS[name](path, said.append)
    assert len(said) == 1
    assert str(path) in said[0]
    assert (tmp_path / f"{name}.damaged-1").read_text() == json.dumps(shape)
    READERS[name](path, said.append)
    assert len(said) == 1


def test_right_tokens_beside_a_wrong_one_stay(tmp_path: Path) -> None:
    """What can be used is used, and is on the disk at once; a scope that is none is nobody's."""
    path, said = tmp_path / "web.json", list[str]()
    keys = Keys(path)
    _, good = keys.add_token("plc", "read", 1) or ("", "")
    _, bad = keys.add_token("other", "read", 1) or ("", "")
    table = json.loads(keys.to_text())
    table["tokens"][1]["scope"] = "owner"
    path.write_text(json.dumps(table))
    for _ in range(2):
        keys = Keys(path, said.append)
        assert keys.token(good, 2)
        assert keys.token(bad, 2) is None
    assert len(said) == 1
