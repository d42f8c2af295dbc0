"""`han2x find`."""

import argparse
import asyncio
import json

from ..board.finding import LEAST_S, Found, find
from ..runtime.gateway import Trouble
from . import NO, OK, Wrong


def configure(parser: argparse.ArgumentParser) -> None:
    """How long to listen, and the form of the answer."""
    parser.add_argument(
        "--seconds",
        type=float,
        default=3.0,
        help=f"how long to wait for answers, at least {LEAST_S:g} (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")


def run(arguments: argparse.Namespace) -> int:
    """List the gateways that answer."""
    try:
        gateways = asyncio.run(find(arguments.seconds))
    except Trouble as trouble:
        raise Wrong(str(trouble)) from None
    for gateway in gateways:
        print(json.dumps(gateway._asdict()) if arguments.json else _line(gateway))
    if not gateways and not arguments.json:
        print("No gateway answers. It must be on the same network and have announce.enabled = true.")
    return OK if gateways else NO


def _line(gateway: Found) -> str:
    parts = [gateway.host, ", ".join(gateway.addresses), f"han2x {gateway.version}"]
    parts += [f"Modbus TCP port {gateway.modbus_port}"] if gateway.modbus_port else []
    parts += [f"http://{gateway.host}:{gateway.web_port}/"] if gateway.web_port else []
    return "  ".join(parts)
