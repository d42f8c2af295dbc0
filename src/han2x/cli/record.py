"""`han2x record`: what a source sends, with times, to a file that `decode`, `run` and `bundle` read."""

import argparse
import asyncio
import sys
from collections import deque
from pathlib import Path
from typing import BinaryIO

from ..app import clock
from ..intake.pipeline import Outcome
from ..intake.reader import Reader
from ..model.reading import Reading
from ..runtime.gateway import Trouble
from ..settings.source import SourceError, parse_source
from ..vendors.decoding_options import Manner
from ..wire.recording import MAGIC, line
from . import NO, OK, Wrong, meter_keys, output_file

RING_OCTETS = 65_536
AFTER_MS = 30_000
FILE_MAX = 64_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    """The source, the file, and what is kept."""
    parser.add_argument("source", help="as in the settings: serial:auto, tcp:HOST:PORT, mqtt://HOST/TOPIC, …")
    parser.add_argument("--file", type=Path, required=True, help="the new file to write")
    output_file.configure(parser)
    parser.add_argument("--seconds", type=float, help="stop after so long (default: never)")
    parser.add_argument(
        "--on-error",
        action="store_true",
        help="write only what is around trouble: 64 KiB before a telegram that is not read, and 30 s after",
    )
    meter_keys.configure(parser)
    parser.epilog = (
        "The file holds meter numbers and what the house uses; han2x bundle takes the numbers out."
    )


class Recorder:
    """What was read, to a file: all of it, or what is around trouble."""

    def __init__(self, file: BinaryIO, *, on_error: bool) -> None:
        self._file, self._on_error = file, on_error
        self._since_ms = clock().mono_ms
        self._ring: deque[tuple[int, bytes]] = deque()
        self._held = self.written = 0
        self._until_ms = -1

    def read(self, octets: bytes) -> None:
        """Octets that have come."""
        now_ms = clock().mono_ms - self._since_ms
        if not self._on_error or now_ms <= self._until_ms:
            self._write(now_ms, octets)
            return
        self._ring.append((now_ms, octets))
        self._held += len(octets)
        while self._held > RING_OCTETS:
            self._held -= len(self._ring.popleft()[1])

    def outcome(self, outcome: Outcome) -> None:
        """What became of them: trouble brings the ring into the file."""
        if self._on_error and not isinstance(outcome, Reading):
            print(f"kept: {outcome.reason}", file=sys.stderr, flush=True)
            self._until_ms = clock().mono_ms - self._since_ms + AFTER_MS
            for ms, octets in self._ring:
                self._write(ms, octets)
            self._ring.clear()
            self._held = 0

    def _write(self, ms: int, octets: bytes) -> None:
        text = line(ms, octets)
        self.written += len(text)
        if self.written > FILE_MAX:
            raise Trouble(f"the file has reached {FILE_MAX // 1_000_000} MB")
        self._file.write(text)
        self._file.flush()


def run(arguments: argparse.Namespace) -> int:
    """Record until told to stop, until the source ends, or until the file is full."""
    given = meter_keys.given(arguments)
    try:
        source = parse_source(arguments.source)
        with output_file.created(arguments.file, force=arguments.force, private=True) as file:
            file.write(MAGIC)
            recorder = Recorder(file, on_error=arguments.on_error)
            manner = Manner(given if given.encryption else None, unchecked=True)
            reader = Reader(source, clock, recorder.outcome, manner=manner, ear=recorder.read)
            try:
                asyncio.run(_record(reader, arguments.seconds))
            except KeyboardInterrupt:
                print(file=sys.stderr)
    except (SourceError, Trouble) as error:
        raise Wrong(str(error)) from None
    print(f"{arguments.file}: {recorder.written} characters, {reader.good} good telegrams")
    return OK if recorder.written else NO


async def _record(reader: Reader, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await reader.read()
    except TimeoutError:
        pass
