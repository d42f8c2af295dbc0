"""The command line: a table of commands, each a module that is imported when it is used.

Exit status: 0 all well; 1 the answer is no (nothing decoded, nothing good heard); 2 the call, a file or
the settings are wrong; 3 another process uses them; 130 interrupted.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

COMMANDS: dict[str, str] = {
    "run": "serve the meters of the settings file",
    "demo": "serve a simulated meter on 127.0.0.1 and leave nothing behind",
    "decode": "say what recorded telegrams hold",
    "listen": "watch what arrives from a source, and what is wrong with it",
    "record": "write what a source sends to a file, with times",
    "bundle": "pack a recording for others to look at, without meter numbers and keys",
    "simulate": "be a meter: send telegrams to a pty, a TCP port or a file",
    "registers": "print the Modbus register table",
    "history": "print, fill, compare and copy what is kept of what was measured",
    "collect": "take the history of many gateways from an MQTT broker to a database",
    "tariffs": "list grid tariffs, and convert the open collection of them to tariff files",
    "settings": "print or check the settings",
    "keys": "make, list and revoke certificates of Modbus Security clients",
    "probe": "ask the Modbus server of this machine whether it answers, for health checks",
    "find": "list the gateways of the local network",
    "factory-reset": "put settings, passwords and state back to what they were at first",
    "version": "print the version",
}
"""Each command and its one-line help.

`han2x.cli.<command>`, with _ for -, has `configure(parser)` and `run(arguments)`.
"""

OK, NO, WRONG, BUSY, INTERRUPTED = 0, 1, 2, 3, 130


class Wrong(Exception):
    """The call cannot be carried out; the message says why, for the person who made it."""

    status = WRONG


class Busy(Wrong):
    """Another process uses what the call needs for itself."""

    status = BUSY


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    words = list(sys.argv[1:] if words is None else words)
    parser, configured = _parser(words)
    arguments = parser.parse_args(words)
    run: Callable[[argparse.Namespace], int] = configured[arguments.command].run
    try:
        status = run(arguments)
        print(end="", flush=True)  # a broken pipe shows here, not while the interpreter ends
        return status
    except Wrong as wrong:
        print(f"han2x {arguments.command}: {wrong}", file=sys.stderr)
        return wrong.status
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser(words: Sequence[str]) -> tuple[argparse.ArgumentParser, dict[str, Any]]:
    """The parser; only the command that is called is imported and configured."""
    parser = argparse.ArgumentParser(
        prog="han2x", description="A smart meter's HAN port as Modbus registers.", allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    called = {word for word in words if word in COMMANDS}
    configured = {}
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        if name in called:
            configured[name] = importlib.import_module(f"han2x.cli.{name.replace('-', '_')}")
            configured[name].configure(command)
    return parser, configured
