"""The certificate of the page: one's own files, or one that is made here by the openssl command."""

import asyncio
import logging
import os
import socket
import ssl
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from ..model.timekeeping import is_set
from ..runtime.files import read, replace
from ..runtime.gateway import Trouble
from ..runtime.stored_files import CERTIFICATE, KEY, Say, put_aside
from ..settings.schema import Page

log = logging.getLogger("han2x")

DAYS = 3650
RENEWED_S, CLOCKS_S = 2 * 86_400, 86_400
"""A pair of ours is made anew so long before its end; so far a clock may be behind the one it was made by."""

MAKING_S = 30.0
MEMORY = Path("/dev/shm")
"""Where a pair is made: it works with a full disk too."""


class Pair(NamedTuple):
    """A certificate and its key, to be served; `notice`: what is wrong with its dates, "" for nothing."""

    context: ssl.SSLContext
    notice: str = ""


async def pair_of(section: Page, state_dir: Path | None, say: Say, now_s: int) -> Pair:
    """What TLS needs at a moment: one's own files, or a pair that is made and kept in the state directory.

    `now_s`: Unix seconds. Raises `Trouble`.
    """
    if section.cert_file:
        certificate, key = Path(section.cert_file), Path(section.key_file or section.cert_file)
        try:
            context = await asyncio.to_thread(_loaded, certificate, key)
        except (OSError, ValueError) as error:
            raise Trouble(f"the certificate {certificate} cannot be used: {error}") from None
        return Pair(context, _notice(certificate, await asyncio.to_thread(_wrong_dates, certificate, now_s)))
    if state_dir is None:
        raise Trouble("there is no place to keep a certificate: set web.cert_file, or give a state directory")
    kept = await asyncio.to_thread(_kept, state_dir, say, now_s)
    return Pair(kept or await _made(state_dir, say))


def _notice(certificate: Path, wrong: str) -> str:
    return f"the certificate {certificate} {wrong}: browsers warn of it. Replace it" if wrong else ""


def _kept(state_dir: Path, say: Say, now_s: int) -> ssl.SSLContext | None:
    """The pair that was made before; None where there is none that is valid.

    What cannot be used is set aside, and said.
    """
    files = {kind: state_dir / kind.pattern for kind in (CERTIFICATE, KEY)}
    there = {kind: path for kind, path in files.items() if os.path.lexists(path)}
    if not there:
        return None
    try:
        context = _loaded(files[CERTIFICATE], files[KEY])
    except (OSError, ValueError) as error:
        why = str(error.strerror if isinstance(error, OSError) and error.strerror else error)
        for kind, path in there.items():
            put_aside(path, kind, why, say)
        return None
    wrong = _wrong_dates(files[CERTIFICATE], now_s, RENEWED_S)
    if wrong:
        log.warning(
            "web: the certificate in %s %s: another is made, browsers ask once more", state_dir, wrong
        )
    return None if wrong else context


def _loaded(certificate: Path, key: Path) -> ssl.SSLContext:
    """The context of a pair that belongs together; raises OSError, as SSLError is one, or ValueError."""
    for path, kind in ((certificate, CERTIFICATE), (key, KEY)):
        read(path, kind.most)  # OpenSSL would wait for a pipe, and read a device without end
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError:
        raise ValueError("certificate and key are damaged, or do not belong together") from None
    return context


def _no_password() -> str:
    raise ValueError("its key has a password")  # OpenSSL would ask for it on the terminal


def _wrong_dates(certificate: Path, now_s: int, before_s: int = 0) -> str:
    """What is wrong with a certificate's dates at a moment, or so long before its end; "" where all is well.

    A clock that was never set judges nothing.
    """
    words = ["openssl", "x509", "-startdate", "-enddate", "-noout", "-in", str(certificate)]
    try:
        told = subprocess.run(words, capture_output=True, text=True, timeout=MAKING_S, check=True).stdout
        dates = dict(line.split("=", 1) for line in told.splitlines())
        begin, end = (ssl.cert_time_to_seconds(dates[name]) for name in ("notBefore", "notAfter"))
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):  # nobody can tell
        return ""
    if not is_set(now_s):
        return ""
    if now_s + before_s >= end:
        return f"expires on {_day(end)}" if now_s < end else f"has expired on {_day(end)}"
    return f"is not valid before {_day(begin)}" if now_s < begin - CLOCKS_S else ""


def _day(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).date().isoformat()


async def _made(state_dir: Path, say: Say) -> ssl.SSLContext:
    """A new pair; without room for it on the disk it serves this run, and that is said. Raises `Trouble`."""
    with tempfile.TemporaryDirectory(prefix="han2x-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        certificate, key = Path(folder) / CERTIFICATE.pattern, Path(folder) / KEY.pattern
        await _make(certificate, key)
        try:
            context = await asyncio.to_thread(_loaded, certificate, key)
        except (OSError, ValueError) as error:
            raise Trouble(f"openssl has made a certificate that cannot be used: {error}") from None
        try:
            for path in (key, certificate):
                await asyncio.to_thread(replace, state_dir / path.name, path.read_bytes(), private=True)
        except OSError as error:
            why = error.strerror or error
            say(f"the TLS certificate cannot be stored in {state_dir}: {why}. Each start makes another")
    return context


async def _make(certificate: Path, key: Path) -> None:
    """A P-256 key, and a certificate for this machine's names that it signs itself."""
    host = socket.gethostname()
    names = f"subjectAltName=DNS:{host},DNS:{host}.local,DNS:localhost,IP:127.0.0.1"
    words = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-days", str(DAYS), "-subj", f"/CN={host[:60]}", "-addext", names),
        *("-keyout", str(key), "-out", str(certificate)),
    ]
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(MAKING_S):
            _, said = await process.communicate()
    except FileNotFoundError:
        text = "the openssl command is not there to make a certificate: install it, or set web.cert_file"
        raise Trouble(text) from None
    except (OSError, TimeoutError) as error:
        raise Trouble(f"no certificate could be made: {error}") from None
    if process.returncode:
        raise Trouble(f"openssl could not make a certificate: {said.decode(errors='replace').strip()[-200:]}")
