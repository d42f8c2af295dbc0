"""`han2x keys`: certificates for clients of the Modbus Security server."""

import argparse
import contextlib
from pathlib import Path

from ..app import clock
from ..runtime.audit import COMMAND, Act, Audit, did
from ..runtime.authority import CLIENT_DAYS, MODBUS_FOLDER, Authority, Client
from ..runtime.gateway import Trouble
from . import NO, OK, Wrong, output_file, paths


def configure(parser: argparse.ArgumentParser) -> None:
    """Add, list, revoke."""
    parser.add_argument(
        "--state", type=Path, default=paths.state_directory(), help="state directory (default: %(default)s)"
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    adding = actions.add_parser("add", help="make a certificate and key for a client")
    adding.add_argument("name", help="name of the client, 1 to 64 characters")
    adding.add_argument(
        "--role",
        default="read-only",
        help="role in the certificate, as modbus_tls.read_roles or write_roles names it; "
        "empty for none (default: %(default)s)",
    )
    adding.add_argument(
        "--days", type=int, default=CLIENT_DAYS, help="days until it expires (default: %(default)s)"
    )
    adding.add_argument("--folder", type=Path, default=Path(), help="where the files go (default: here)")
    output_file.configure(adding)
    actions.add_parser("list", help="list the certificates")
    revoking = actions.add_parser("revoke", help="refuse a client from now on")
    revoking.add_argument("serial", help="serial number, as listed")


def run(arguments: argparse.Namespace) -> int:
    """Carry out one action; exit status 1 if there is no such certificate."""
    authority = Authority(arguments.state / MODBUS_FOLDER)
    try:
        return _ACTIONS[arguments.action](arguments, authority)
    except Trouble as trouble:
        raise Wrong(str(trouble)) from None


def _add(arguments: argparse.Namespace, authority: Authority) -> int:
    name, folder = arguments.name, arguments.folder
    stem = (
        "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name).lstrip(".")
        or "client"
    )
    client, ca = folder / f"{stem}.pem", folder / f"{stem}-ca.pem"
    with contextlib.ExitStack() as files:  # both are there before a certificate is made for them
        key_file, ca_file = (
            files.enter_context(output_file.created(path, force=arguments.force, private=True))
            for path in (client, ca)
        )
        issued = authority.issue(name, arguments.role, now_ms=clock().unix_ms, days=arguments.days)
        key_file.write((issued.certificate + issued.key).encode("ascii"))
        ca_file.write(issued.authority.encode("ascii"))
    _note(arguments, Act.CERTIFICATE_MADE, name)
    print(f"{client}: certificate and private key of {name}, role {arguments.role or '(none)'}")
    print(f"{ca}: CA by which the client checks this gateway")
    return OK


def _list(_: argparse.Namespace, authority: Authority) -> int:
    for client in authority.clients():
        print(_line(client))
    return OK


def _line(client: Client) -> str:
    state = "revoked" if client.revoked else f"{client.days} days"
    return f"{client.serial}  {client.role or '-':12}  {state:10}  {client.name}"


def _revoke(arguments: argparse.Namespace, authority: Authority) -> int:
    serial = arguments.serial.upper()
    name = next((one.name for one in authority.clients() if one.serial == serial), "")
    if authority.revoke(serial):
        _note(arguments, Act.CERTIFICATE_REVOKED, name)
        return OK
    print(f"No certificate has the serial number {arguments.serial}.")
    return NO


def _note(arguments: argparse.Namespace, act: Act, name: str) -> None:
    """Have it in the list of who changed what."""
    audit = Audit(arguments.state)
    audit.note(COMMAND, [did(act, name)], clock())
    audit.close()


_ACTIONS = {"add": _add, "list": _list, "revoke": _revoke}
