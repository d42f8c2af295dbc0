"""`han2x demo`."""

import argparse
from collections.abc import Mapping

from ..runtime.gateway import Condition, Gateway, Health
from ..settings.amend import Refused, from_table
from . import Wrong, serving

HOST = "127.0.0.1"


def configure(parser: argparse.ArgumentParser) -> None:
    """What is simulated, and where it is served."""
    parser.add_argument("--port", type=int, default=1502, help="Modbus TCP port (default: %(default)s)")
    parser.add_argument(
        "--source", default="simulate:kaifa", help="source of the telegrams (default: %(default)s)"
    )
    serving.configure(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve a simulated meter; nothing is stored."""
    settings = from_table(
        {
            "meters": [{"name": "demo", "source": arguments.source}],
            "modbus_tcp": {"host": HOST, "port": arguments.port},
        }
    )
    if isinstance(settings, Refused):
        raise Wrong(str(settings))
    return serving.serve(arguments, settings, settings_file=None, state_dir=None, ready=_announce)


def _announce(gateway: Gateway) -> None:
    """Say how to read the demo, once it can be read."""
    port = gateway.settings.value.modbus_tcp.port

    def watch(health: Mapping[str, Health]) -> None:
        served = health.get("modbus tcp")
        if served and served.condition is Condition.OK:
            stop()
            print(f"A simulated meter answers Modbus TCP at {HOST}:{port}, unit 1. Its voltage L1 in V x 10:")
            print(f"  mbpoll -m tcp -p {port} -a 1 -t 4:int -B -0 -r 14 -c 1 -1 {HOST}")
            print("Ctrl-C ends it.", flush=True)

    stop = gateway.health.watch(watch)
