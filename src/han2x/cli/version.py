"""`han2x version`."""

import argparse

from .. import __version__


def configure(_: argparse.ArgumentParser) -> None:
    """No arguments."""


def run(_: argparse.Namespace) -> int:
    """Print the version."""
    print(f"han2x {__version__}")
    return 0
