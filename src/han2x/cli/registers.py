"""`han2x registers`."""

import argparse
import sys

from ..modbus import exports, listing
from ..modbus.catalogue import MAPS
from ..settings.modbus import ModbusMaps, ModbusTcp
from . import Wrong

DEFAULT_HOST = "127.0.0.1"


def configure(parser: argparse.ArgumentParser) -> None:
    """The map, the format, and where the tool will find the gateway."""
    parser.add_argument("--map", choices=MAPS, default="han2x", help="which map (default: %(default)s)")
    parser.add_argument(
        "--format",
        choices=[*listing.FORMATS, *exports.FORMATS],
        default="md",
        help="for which tool (default: %(default)s)",
    )
    parser.add_argument(
        "--unit", type=_unit, help="unit id of the map in your settings (default for the han2x map: 1)"
    )
    parser.add_argument(
        "--host",
        default=DEFAULT_HOST,
        help="the gateway's address as the tool sees it (default: %(default)s)",
    )
    parser.add_argument(
        "--port", type=int, default=ModbusTcp().port, help="its Modbus TCP port (default: %(default)s)"
    )
    parser.add_argument(
        "--sunspec-models",
        choices=("203", "213", "203+213"),
        default="203",
        help="the SunSpec map's meter models, as in your settings (default: %(default)s)",
    )


def _unit(word: str) -> int:
    if word.isdecimal() and int(word) <= 255:
        return int(word)
    raise argparse.ArgumentTypeError("must be a number from 0 to 255")


def run(arguments: argparse.Namespace) -> int:
    """Print a register map."""
    found = MAPS[arguments.map](ModbusMaps(sunspec_models=arguments.sunspec_models))
    if arguments.format in listing.FORMATS:
        sys.stdout.write(listing.render(arguments.format, found))
        return 0
    if arguments.unit is None and arguments.map != "han2x":
        raise Wrong(f"--unit is needed: the unit id that shows the map {arguments.map} in your settings")
    unit = 1 if arguments.unit is None else arguments.unit
    target = exports.Target(arguments.map, arguments.host, arguments.port, unit)
    sys.stdout.write(exports.render(arguments.format, found, target))
    return 0
