"""`han2x simulate`."""

import argparse
import asyncio
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from ..app import now_utc
from ..settings.source import FAULTS, NETS, VENDORS, SimulatedSource, SourceError, parse_source
from ..simulator.meter import telegrams
from ..simulator.outlets import Timed, at_line_rate, to_pty, to_tcp, write
from . import OK, Wrong, output_file


def configure(parser: argparse.ArgumentParser) -> None:
    """The meter, and where it sends to."""
    parser.add_argument(
        "meter",
        metavar="METER",
        help=f"{', '.join(VENDORS)}, with options after a ?: kaifa?net=it&speed=60&solar=5000&seed=7",
    )
    outlet = parser.add_mutually_exclusive_group(required=True)
    outlet.add_argument(
        "--pty", nargs="?", const="", metavar="LINK", help="a pseudo terminal, linked as LINK"
    )
    outlet.add_argument("--tcp", metavar="HOST:PORT", help="a TCP port, as a network serial bridge has it")
    outlet.add_argument("--file", type=Path, metavar="FILE", help="a new file, written at once")
    parser.add_argument("--hours", type=float, default=1.0, help="length of the file in hours (default: 1)")
    output_file.configure(parser)
    parser.add_argument("--line-rate", action="store_true", help="octets at the pace of a line of 2400 Bd")
    parser.epilog = (
        f"Options of a meter: net={'|'.join(NETS)}, speed=FACTOR or max, seed=N, solar=W, start=TIME, "
        f"faults=A,B with {', '.join(FAULTS)}."
    )


def run(arguments: argparse.Namespace) -> int:
    """Send until told to stop, or write the file."""
    try:
        source = parse_source(f"simulate:{arguments.meter.removeprefix('simulate:')}")
        assert isinstance(source, SimulatedSource)
        sent: Iterable[Timed] = telegrams(source, now_utc())
        if arguments.line_rate:
            sent = at_line_rate(sent)
        if arguments.file:
            with output_file.created(arguments.file, force=arguments.force) as file:
                write(sent, file, timedelta(hours=arguments.hours))
        else:
            asyncio.run(_send(arguments, sent, source.speed))
    except SourceError as error:
        raise Wrong(str(error)) from None
    except OSError as error:
        raise Wrong(f"{error.filename or arguments.tcp or 'pty'}: {error.strerror or error}") from None
    return OK


async def _send(arguments: argparse.Namespace, sent: Iterable[Timed], speed: float) -> None:
    if arguments.tcp is None:
        link = Path(arguments.pty) if arguments.pty else None
        await to_pty(sent, speed, link, opened=lambda path: _say(f"read it with: han2x listen serial:{path}"))
        return
    host, _, port = arguments.tcp.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise Wrong(f"--tcp needs HOST:PORT, not {arguments.tcp!r}")
    await to_tcp(
        sent,
        speed,
        host,
        int(port),
        opened=lambda taken: _say(f"read it with: han2x listen tcp:{host}:{taken}"),
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
