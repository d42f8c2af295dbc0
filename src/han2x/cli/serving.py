"""What `run` and `demo` share: logging, the event loop, and how a gateway is started."""

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .. import app
from ..runtime.gateway import Gateway
from ..runtime.log_filter import LogFilter
from ..runtime.service import Service
from ..settings.amend import Refused
from ..settings.schema import Settings
from . import Wrong


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of every command that serves."""
    parser.add_argument("--verbose", action="store_true", help="log in detail")
    parser.add_argument(
        "--loop",
        choices=("asyncio", "uvloop"),
        default="asyncio",
        help="the event loop; uvloop is faster and needs han2x[speed]",
    )


def serve(
    arguments: argparse.Namespace,
    settings: Settings,
    *,
    settings_file: Path | None,
    state_dir: Path | None,
    ready: Callable[[Gateway], None] = lambda _: None,
    services: tuple[Service, ...] = app.SERVICES,
    broken: Refused | None = None,
    adjusted: Callable[[Settings], Settings] = lambda settings: settings,
) -> int:
    """Serve until the process is told to stop."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if arguments.verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(message)s",
    )
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # its warnings are of what strangers do
    for handler in logging.getLogger().handlers if not arguments.verbose else ():
        handler.addFilter(LogFilter(time.monotonic))
    serving = app.run(
        settings,
        settings_file=settings_file,
        state_dir=state_dir,
        ready=ready,
        services=services,
        broken=broken,
        adjusted=adjusted,
    )
    with asyncio.Runner(loop_factory=_loop_factory(arguments.loop)) as runner:
        runner.run(serving)
    return 0


def _loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError:
        raise Wrong("uvloop is not installed: install han2x[speed]") from None
    return uvloop.new_event_loop
