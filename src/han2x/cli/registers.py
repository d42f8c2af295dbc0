"""`han2x registers`."""

import argparse
import sys

from ..modbus.listing import FORMATS, render


def configure(parser: argparse.ArgumentParser) -> None:
    """The format."""
    parser.add_argument("--format", choices=FORMATS, default="md", help="md (default), csv or json")


def run(arguments: argparse.Namespace) -> int:
    """Print the register table."""
    sys.stdout.write(render(arguments.format))
    return 0
