"""`han2x demo`."""

import argparse
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from ..app import now_utc
from ..runtime.gateway import Gateway
from ..runtime.health import Condition, Health
from ..settings.amend import Refused, from_table
from . import Wrong, serving

HOST = "127.0.0.1"


def configure(parser: argparse.ArgumentParser) -> None:
    """What is simulated, and where it is served."""
    parser.add_argument("--port", type=int, default=1502, help="Modbus TCP port (default: %(default)s)")
    parser.add_argument("--web-port", type=int, default=8080, help="the page's port (default: %(default)s)")
    parser.add_argument("--source", help="source of the telegrams (default: a Kaifa meter, see below)")
    parser.epilog = (
        "The simulated Kaifa meter's clock is set to ten seconds before a full hour, so that its energies "
        "come after twenty seconds and not after up to an hour."
    )
    serving.configure(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve a simulated meter; its history is in a folder that goes when the demo ends."""
    with tempfile.TemporaryDirectory(prefix="han2x-demo-") as folder:
        return _serve(arguments, Path(folder) / "history.sqlite")


def _serve(arguments: argparse.Namespace, history: Path) -> int:
    settings = from_table(
        {
            "meters": [{"name": "demo", "source": arguments.source or _kaifa()}],
            "modbus_tcp": {"host": HOST, "port": arguments.port},
            "web": {"host": HOST, "port": arguments.web_port},
            "history": {"path": str(history), "write_every_s": 5},
        }
    )
    if isinstance(settings, Refused):
        raise Wrong(str(settings))
    return serving.serve(arguments, settings, settings_file=None, state_dir=None, ready=_announce)


def _kaifa() -> str:
    """A Kaifa meter whose clock is ten seconds before the next full hour."""
    hour = now_utc().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return f"simulate:kaifa?start={(hour - timedelta(seconds=10)):%Y-%m-%dT%H:%M:%SZ}"


def _announce(gateway: Gateway) -> None:
    """Say how to see and read the demo, once it can be."""
    port, web_port = gateway.settings.value.modbus_tcp.port, gateway.settings.value.web.port

    def watch(health: Mapping[str, Health]) -> None:
        page, served = health.get("web"), health.get("modbus tcp")
        if _settled(page) and _settled(served):
            stop()
            if page and page.condition is Condition.OK:
                print(f"The page is at http://{HOST}:{web_port}/ for user bits, password vari.")
            print(f"A simulated meter answers Modbus TCP at {HOST}:{port}, unit 1. Its voltage L1 in V x 10:")
            print(f"  mbpoll -m tcp -p {port} -a 1 -t 4:int -B -0 -r 14 -c 1 -1 {HOST}")
            print("Ctrl-C ends it.", flush=True)

    stop = gateway.health.watch(watch)


def _settled(health: Health | None) -> bool:
    """Whether a service runs, or has said that it cannot."""
    return health is not None and health.condition is not Condition.STARTING
