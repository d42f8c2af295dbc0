"""`han2x listen`: a live view of what arrives from a source, and what is wrong with it (manual row M5)."""

import argparse
import asyncio
import sys

from ..app import clock
from ..intake.pipeline import Outcome
from ..intake.reader import Reader
from ..model.reading import Reading
from ..runtime.gateway import Trouble
from ..settings.source import SourceError, parse_source
from ..vendors.decoding_options import Manner
from . import NO, OK, Wrong, meter_keys
from .telegram_text import line

PERIOD_S = 10.0


def configure(parser: argparse.ArgumentParser) -> None:
    """The source, and how long."""
    parser.add_argument(
        "source", help="as in the settings: serial:auto, serial:DEVICE, tcp:HOST:PORT, replay:FILE, …"
    )
    parser.add_argument("--seconds", type=float, help="stop after so long (default: never)")
    meter_keys.configure(parser)
    parser.add_argument("--unchecked", action="store_true", help="believe P1 text that carries no check sum")
    parser.epilog = "Exit status: 0 if good telegrams arrived, 1 if not."


def run(arguments: argparse.Namespace) -> int:
    """Listen until told to stop, or until the source ends."""
    try:
        given = meter_keys.given(arguments)
        manner = Manner(given if given.encryption else None, arguments.unchecked)
        reader = Reader(parse_source(arguments.source), clock, _show, manner=manner)
    except (SourceError, Trouble) as error:
        raise Wrong(str(error)) from None
    try:
        asyncio.run(_listen(reader, arguments.seconds))
    except KeyboardInterrupt:
        print(file=sys.stderr)
    except Trouble as trouble:
        _report(reader)
        raise Wrong(str(trouble)) from None
    _report(reader)
    return OK if reader.good else NO


async def _listen(reader: Reader, seconds: float | None) -> None:
    reporting = asyncio.create_task(_report_often(reader))
    try:
        async with asyncio.timeout(seconds):
            await reader.read()
    except TimeoutError:
        pass
    finally:
        reporting.cancel()


async def _report_often(reader: Reader) -> None:
    while True:
        await asyncio.sleep(PERIOD_S)
        _report(reader)


def _report(reader: Reader) -> None:
    found = reader.diagnosis()
    print(f"-- {found.headline} ({found.seen}). {found.next_step}", flush=True)


def _show(outcome: Outcome) -> None:
    if isinstance(outcome, Reading):
        print(line(outcome), flush=True)
    else:
        print(f"rejected {outcome.length} octets: {outcome.reason}", flush=True)
