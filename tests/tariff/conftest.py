"""Shared by the tests of tariffs: hours written by local time, tariffs that come with the program."""

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from han2x.tariff.reading import tariff
from han2x.tariff.tariff import Tariff
from han2x.tariff.use import Use

OSLO = ZoneInfo("Europe/Oslo")
DATA = Path(__file__).parents[2] / "src" / "han2x" / "data"


def at(text: str, *, fold: int = 0) -> int:
    """Unix seconds of a local time in Oslo, such as 2026-01-31 14:00."""
    return int(datetime.fromisoformat(text).replace(tzinfo=OSLO, fold=fold).timestamp())


def use(text: str, wh: int, *, fold: int = 0, estimated: bool = False, exported: int = 0) -> Use:
    """An hour's use, by its local beginning."""
    return Use(at(text, fold=fold), wh, exported, estimated)


def read(table: dict[str, Any]) -> Tariff:
    """A tariff from a table without faults."""
    found, complaints = tariff("test", table)
    assert not complaints
    return found


def built_in(name: str) -> Tariff:
    """A tariff that comes with the program."""
    return read(tomllib.loads((DATA / "tariffs" / f"{name}.toml").read_text("utf-8")))
