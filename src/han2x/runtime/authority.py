"""The gateway's own certificate authority, for clients that log in with a certificate; made by openssl.

A folder of the state directory holds it: `ca.pem` and `ca-key.pem`, the server's certificate and key, and
`clients.json`, which lists the certificates that were handed out. The clients' keys are not kept. All
here blocks.
"""

import json
import logging
import os
import secrets
import socket
import ssl
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from .files import read, replace
from .gateway import Trouble
from .lock import beside
from .stored_files import (
    CA,
    CLIENTS,
    MODBUS_FOLDER,
    SERVER,
    SERVER_KEY,
    Damaged,
    Say,
    put_aside,
    text,
    whole,
)

__all__ = ["MODBUS_FOLDER", "ROLE_OID", "Authority", "Client", "Issued"]

log = logging.getLogger("han2x")

ROLE_OID = "1.3.6.1.4.1.50316.802.1"
"""MODBUS/TCP Security, 8.4: a client's role, as UTF8String."""

CA_DAYS, SERVER_DAYS, CLIENT_DAYS = 7300, 3650, 1095
OPENSSL_S = 30.0
CLIENTS_MAX = 1000
MS_MAX, DAYS_MAX = 1 << 53, 1_000_000


@dataclass(frozen=True, slots=True)
class Client:
    """A certificate that was handed out; `serial`: in hex, as `ssl` prints it. `created_ms`: Unix time."""

    serial: str
    name: str
    role: str
    created_ms: int
    days: int
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Issued:
    """What a new client is given: certificate, private key, and the CA that has signed the server's."""

    client: Client
    certificate: str
    key: str
    authority: str


class Authority:
    """The authority in a folder, which is made when it is first needed; raises `Trouble`.

    `say` takes what is damaged and made anew; it is called in the thread that the methods are called in.
    """

    def __init__(self, folder: Path, say: Say = log.warning) -> None:
        self._say = say
        self._folder = folder
        self.certificate, self._key = folder / "ca.pem", folder / "ca-key.pem"
        self._list = folder / "clients.json"

    def server(self) -> tuple[Path, Path]:
        """The server's certificate and key: made where they are missing, damaged or about to end."""
        certificate, key = self._folder / "server.pem", self._folder / "server-key.pem"
        self._exist()
        fit = _fit(certificate, key)
        for path, kind in ((certificate, SERVER), (key, SERVER_KEY)):
            if not fit and os.path.lexists(path):
                put_aside(path, kind, "the pair is damaged, or does not belong together", self._say)
        if not (fit and self._holds(certificate)):
            host = socket.gethostname()
            names = f"subjectAltName=DNS:{host},DNS:{host}.local,DNS:localhost,IP:127.0.0.1"
            made = self._signed(host[:60], SERVER_DAYS, (names, "extendedKeyUsage=serverAuth"))
            self._keep(key, made[1])
            self._keep(certificate, made[0] + self.certificate.read_text("ascii"))
        return certificate, key

    def stamp(self) -> object:
        """What differs when the list of clients has changed; None without one."""
        try:
            status = self._list.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            return error.errno
        return status.st_mtime_ns, status.st_size, status.st_ino

    def clients(self) -> list[Client]:
        """The certificates that were handed out; raises `Trouble` where the list is damaged."""
        try:
            return [_client(row) for row in _rows(json.loads(read(self._list, CLIENTS.most)))]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            raise Trouble(
                f"{self._list} cannot be read: no client is let in. Restore it, or delete it and make new "
                "certificates for all clients"
            ) from None

    def issue(self, name: str, role: str, *, now_ms: int, days: int = CLIENT_DAYS) -> Issued:
        """A certificate for a client, on the list before anybody has it."""
        self._exist()
        with beside(self._list, "Try again."):
            return self._issue(name, role, now_ms, days)

    def _issue(self, name: str, role: str, now_ms: int, days: int) -> Issued:
        clients = self.clients()
        if len(clients) >= CLIENTS_MAX:
            raise Trouble(f"there are {CLIENTS_MAX} certificates of clients already; delete {self._list}")
        extensions = (
            "extendedKeyUsage=clientAuth",
            *((f"{ROLE_OID}=ASN1:UTF8String:{role}",) if role else ()),
        )
        serial = f"{secrets.randbits(127) | 1 << 126:X}"
        certificate, key = self._signed(name, days, extensions, serial=serial)
        client = Client(serial, name, role, now_ms, days)
        self._write([*clients, client])
        return Issued(client, certificate, key, self.certificate.read_text("ascii"))

    def revoke(self, serial: str) -> bool:
        """Let a client in no more; False if there is none with this serial number."""
        with beside(self._list, "Try again."):
            clients = self.clients()
            if all(one.serial != serial for one in clients):
                return False
            gone = [Client(**{**asdict(c), "revoked": True}) if c.serial == serial else c for c in clients]
            self._write(gone)
            return True

    def _exist(self) -> None:
        """Make the authority's certificate and key where there are none; damaged ones are left alone."""
        if os.path.lexists(self.certificate) or os.path.lexists(self._key):
            if not _fit(self.certificate, self._key):
                raise Trouble(
                    f"{self.certificate} and {self._key} do not belong together or are damaged: restore "
                    f"them from a backup, or delete {self._folder} and "
                    "hand out new certificates to all clients"
                )
            return
        certificate, key = _openssl(f"/CN=han2x CA {secrets.token_hex(3)}", CA_DAYS, _AUTHORITY)
        self._keep(self._key, key)
        self._keep(self.certificate, certificate)

    def _holds(self, certificate: Path) -> bool:
        """Whether a certificate is signed by this authority, and will be good tomorrow."""
        words = ["openssl", "verify", "-CAfile", str(self.certificate), str(certificate)]
        ends = ["openssl", "x509", "-checkend", "86400", "-noout", "-in", str(certificate)]
        return not _run(words).returncode and not _run(ends).returncode

    def _signed(
        self, name: str, days: int, extensions: tuple[str, ...], *, serial: str = ""
    ) -> tuple[str, str]:
        options = ("basicConstraints=critical,CA:FALSE", *extensions)
        subject = "/CN=" + name.replace("\\", "\\\\").replace("/", "\\/")
        authority = ("-CA", str(self.certificate), "-CAkey", str(self._key))
        return _openssl(
            subject, days, options, *authority, *(("-set_serial", f"0x{serial}") if serial else ())
        )

    def _keep(self, path: Path, text: str) -> None:
        try:
            replace(path, text, private=True)
        except OSError as error:
            raise Trouble(f"{path} cannot be written: {error.strerror or error}") from None

    def _write(self, clients: list[Client]) -> None:
        self._keep(self._list, json.dumps([asdict(client) for client in clients], ensure_ascii=False))


_AUTHORITY = ("basicConstraints=critical,CA:TRUE,pathlen:0", "keyUsage=critical,keyCertSign,cRLSign")


def _rows(found: object) -> list[object]:
    if isinstance(found, list):
        return found
    raise Damaged("its content is damaged")


def _client(row: object) -> Client:
    """A row of the list of clients; a row that leaves open whether it is revoked is damage."""
    if not isinstance(row, dict) or not isinstance(row["revoked"], bool):
        raise Damaged("its content is damaged")
    return Client(
        serial=f"{int(text(row['serial'], 64), 16):X}",
        name=text(row["name"]),
        role=text(row["role"]),
        created_ms=whole(row["created_ms"], 0, MS_MAX),
        days=whole(row["days"], 0, DAYS_MAX),
        revoked=row["revoked"],
    )


def _fit(certificate: Path, key: Path) -> bool:
    """Whether certificate and key are regular files that can be read, and belong together."""
    try:
        read(certificate, CA.most), read(key, CA.most)
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
        return True
    except (OSError, ValueError):
        return False


def _openssl(subject: str, days: int, extensions: tuple[str, ...], *more: str) -> tuple[str, str]:
    """A new P-256 key, and a certificate for it."""
    with tempfile.TemporaryDirectory(prefix="han2x-") as folder:
        certificate, key, config = (Path(folder, name) for name in ("cert.pem", "key.pem", "openssl.cnf"))
        config.write_text("[req]\ndistinguished_name=name\nprompt=no\n[name]\n", "utf-8")
        words = [
            *("openssl", "req", "-x509", "-config", str(config), "-utf8", "-newkey", "ec", "-nodes"),
            *("-pkeyopt", "ec_paramgen_curve:P-256", "-days", str(days), "-subj", subject),
            *(word for extension in extensions for word in ("-addext", extension)),
            *("-keyout", str(key), "-out", str(certificate), *more),
        ]
        done = _run(words)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[-200:]
            raise Trouble(f"openssl could not make a certificate: {said}")
        return certificate.read_text("ascii"), key.read_text("ascii")


def _run(words: list[str]) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=OPENSSL_S, check=False
        )
    except FileNotFoundError:
        raise Trouble("openssl is not installed, and makes certificates: install it") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Trouble(f"openssl could not be run: {error}") from None
