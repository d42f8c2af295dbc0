"""A password of the device's own, drawn at its first start; in force until a person sets one.

Its hash is in web.json. The text is shown once, on standard error and not in the log, which the page shows;
where that is no terminal, the text is in a file for the owner alone too, until a password is set.
"""

import asyncio
import contextlib
import logging
import secrets
import socket
import sys
from pathlib import Path

from ..runtime.files import replace
from ..runtime.stored_files import FIRST_PASSWORD
from .state import State

log = logging.getLogger("han2x.web")

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without look-alikes."""
GROUPS, EACH = 4, 4


def drawn() -> str:
    """A password of 79 bits, in groups that a person can copy."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(EACH)) for _ in range(GROUPS))


async def draw(state: State) -> str:
    """Give the device its password if it needs one; "" if not. Before anybody can log in."""
    folder = state.gateway.state_dir
    if folder is None or state.gateway.settings.value.web.password:
        forget(folder)
        return ""
    if state.keys.initial != "":
        return ""
    password = drawn()
    hashed = await state.passwords.made(password)
    if not sys.stderr.isatty():
        try:
            await asyncio.to_thread(replace, folder / FIRST_PASSWORD.pattern, f"{password}\n", private=True)
        except OSError as error:
            log.warning("the first password cannot be stored in a file: %s", error.strerror or error)
    state.keys.begin(hashed)
    await state.save()
    return password


def show(state: State, password: str) -> None:
    """Say the password once, and later where it is."""
    web, folder = state.gateway.settings.value.web, state.gateway.state_dir
    file = folder / FIRST_PASSWORD.pattern if folder else None
    kept = file is not None and file.is_file()
    if password:
        scheme = "https" if web.tls else "http"
        page = f"{scheme}://{_address(web.host)}:{web.port}/"
        where = f"It is also in {file}, until you change it" if kept else "It is not shown again: change it"
        text = f"The page is at {page} for user {web.user}, password {password}\n{where} under System."
        with contextlib.suppress(OSError, ValueError):
            print(text, file=sys.stderr, flush=True)
    elif kept:
        log.info("the page's password is in %s, until it is changed", file)


def forget(folder: Path | None) -> None:
    """The first password is no longer in force: its text goes."""
    if folder:
        with contextlib.suppress(OSError):
            (folder / FIRST_PASSWORD.pattern).unlink()


def _address(host: str) -> str:
    """Where a browser finds this machine, for the setting `web.host`."""
    if host and host not in ("0.0.0.0", "::"):
        return f"[{host}]" if ":" in host else host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only picks the address
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
