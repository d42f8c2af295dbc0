"""Recordings that a source may replay: the files of one folder of the state directory."""

import asyncio
import os
from itertools import islice
from pathlib import Path

from . import settings_shapes
from .endpoint import Call
from .permitted import RECORDINGS

LISTED_MAX = 500
"""Files that are looked at; more are not told of."""


async def recordings(call: Call) -> settings_shapes.Recordings:
    """The folder, which is made if need be, and what is in it."""
    if call.gateway.state_dir is None:
        return {"folder": None, "files": []}
    return await asyncio.to_thread(_listed, call.gateway.state_dir / RECORDINGS)


def _listed(folder: Path) -> settings_shapes.Recordings:
    """Regular files by name; of a folder that cannot be read or made, none. Blocks."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        with os.scandir(folder) as entries:
            found = [
                (entry.name, entry.stat(follow_symlinks=False).st_size)
                for entry in islice(entries, LISTED_MAX)
                if entry.is_file(follow_symlinks=False) and _may_be_named(entry.name)
            ]
    except OSError:
        found = []
    return {
        "folder": str(folder),
        "files": [
            {"source": f"replay:{folder / name}", "name": name, "bytes": size} for name, size in sorted(found)
        ],
    }


def _may_be_named(name: str) -> bool:
    """Whether a source may name the file: in one line, and without what begins its options."""
    return name.isprintable() and "?" not in name and not name.startswith(".")
