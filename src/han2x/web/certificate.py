"""The certificate of the page: one's own files, or one that is made here by the openssl command."""

import asyncio
import socket
from pathlib import Path

from ..runtime.gateway import Trouble
from ..settings.schema import Page

DAYS = 3650
MAKING_S = 30.0


async def files_of(section: Page, state_dir: Path | None) -> tuple[Path, Path | None]:
    """Certificate and key; made, and kept in the state directory, where none is given. Raises `Trouble`."""
    if section.cert_file:
        return Path(section.cert_file), Path(section.key_file) if section.key_file else None
    if state_dir is None:
        raise Trouble("there is no place to keep a certificate: set web.cert_file, or give a state directory")
    certificate, key = state_dir / "web-cert.pem", state_dir / "web-key.pem"
    if not (certificate.exists() and key.exists()):
        await _make(certificate, key)
    return certificate, key


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
        await asyncio.to_thread(certificate.parent.mkdir, parents=True, exist_ok=True)
        process = await asyncio.create_subprocess_exec(
            *words, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(MAKING_S):
            _, said = await process.communicate()
        await asyncio.to_thread(key.chmod, 0o600)
    except FileNotFoundError:
        text = "the openssl command is not there to make a certificate: install it, or set web.cert_file"
        raise Trouble(text) from None
    except (OSError, TimeoutError) as error:
        raise Trouble(f"no certificate could be made: {error}") from None
    if process.returncode:
        raise Trouble(f"openssl could not make a certificate: {said.decode(errors='replace').strip()[-200:]}")
