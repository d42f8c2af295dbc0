"""`han2x probe`."""

import argparse
import socket

from ..runtime.settings_file import load
from ..settings.amend import Refused
from . import NO, OK, Wrong, paths

READ = bytes.fromhex("000100000006010300000001")
"""Read register 40001 of unit 1: any answer, a refusal too, shows that the server works."""
HEAD = 6


def configure(parser: argparse.ArgumentParser) -> None:
    """Whose Modbus server is asked."""
    paths.configure(parser)
    parser.add_argument("--seconds", type=float, default=3.0, help="patience (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Ask the Modbus server of this machine, as a health check does."""
    paths.check(arguments.settings)
    settings = load(arguments.settings)
    if isinstance(settings, Refused):
        raise Wrong(f"the settings in {arguments.settings} are refused:\n{settings}")
    modbus = settings.modbus_tcp
    if not modbus.enabled:
        raise Wrong("there is nobody to ask: modbus_tcp.enabled is off")
    host = modbus.host if modbus.host not in ("", "0.0.0.0", "::") else "127.0.0.1"
    try:
        with socket.create_connection((host, modbus.port), timeout=arguments.seconds) as client:
            client.sendall(READ)
            answered = len(client.recv(260)) > HEAD
    except OSError as error:
        print(f"{host}:{modbus.port} does not answer: {error.strerror or error}")
        return NO
    print(f"{host}:{modbus.port} {'answers' if answered else 'hangs up'}")
    return OK if answered else NO
