"""The page's files: an index made once, so that a path is looked up and never walked.

What is beside a file with `.gz` is its compressed form; where there is none, it is made when first asked for.
"""

import gzip
import hashlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".txt": "text/plain; charset=utf-8",
}
COMPRESSED = frozenset((".html", ".css", ".js", ".json", ".webmanifest", ".svg", ".txt"))
INDEX = "index.html"
CACHE = "no-cache"
"""Kept by browsers, and asked for anew by its tag: an update is seen at once, and costs a few octets else."""


class _File:
    """A file of the page."""

    __slots__ = ("_packed", "_path", "tag")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._packed: bytes | None = None
        self.tag = f'"{hashlib.sha256(path.read_bytes()).hexdigest()[:20]}"'

    @property
    def type(self) -> str:
        return TYPES[self._path.suffix]

    def octets(self) -> bytes:
        return self._path.read_bytes()

    def packed(self) -> bytes | None:
        """The compressed form, None for what does not get smaller."""
        if self._path.suffix not in COMPRESSED:
            return None
        if self._packed is None:
            beside = self._path.with_name(f"{self._path.name}.gz")
            fresh = beside.exists() and beside.stat().st_mtime >= self._path.stat().st_mtime
            self._packed = beside.read_bytes() if fresh else gzip.compress(self.octets(), 9, mtime=0)
        return self._packed


class Files:
    """All files of a folder, by their path in it. `build`: another one when any of them is another."""

    def __init__(self, folder: Path) -> None:
        found = (path for path in folder.rglob("*") if path.suffix in TYPES and path.is_file())
        self._files = {path.relative_to(folder).as_posix(): _File(path) for path in found}
        tags = "".join(f"{path}{file.tag}" for path, file in sorted(self._files.items()))
        self.build = hashlib.sha256(tags.encode()).hexdigest()[:12]

    def answer(self, path: str, request: Request) -> Response | None:
        """The file at a path, or that it has not changed; None where there is none."""
        file = self._files.get(path or INDEX)
        if file is None:
            return None
        headers = {"ETag": file.tag, "Cache-Control": CACHE, "Vary": "Accept-Encoding"}
        if file.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        packed = file.packed() if "gzip" in request.headers.get("accept-encoding", "") else None
        if packed is not None:
            headers["Content-Encoding"] = "gzip"
        return Response(packed or file.octets(), headers={**headers, "Content-Type": file.type})
