"""The Modbus Security server (MODBUS/TCP Security, port 802): Modbus TCP inside TLS, with roles of clients.

Sockets, limits and turns are those of `tcp`; TLS is kept beside the socket (`ssl.MemoryBIO`), so that a
client that does not shake hands costs no more than one that sends half a request. A handshake costs a
hundred reads: few are done in one turn of the loop. Without a good certificate of the set CA nothing is
answered at all; with one, its role decides (`authorization`), and a function that it does not include is
exception 01.
"""

import asyncio
import logging
import os
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..runtime.authority import MODBUS_FOLDER, Authority
from ..runtime.files import read, read_head
from ..runtime.gateway import Gateway, Trouble
from ..runtime.health import Condition
from ..runtime.rate_limited_log import RateLimitedLog
from ..settings.modbus import ModbusTcp, ModbusTls
from .authorization import Authorized, Rights
from .connection import TURN, Connection
from .ready import Ready
from .role import NoRole, role_of
from .tcp import Server, serve

log = logging.getLogger("han2x.modbus")

AT_ONCE = 4
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
WITHOUT_ROLE = {"refuse": Rights.NOTHING, "read": Rights.READ}
CRL_MARK = b"BEGIN X509 CRL"
NAME_MAX = 64
PEM_MAX = 16_000_000
CLIENTS = "modbus_tls clients"
"""In health, while the list of clients cannot be read."""


async def run(section: ModbusTls, gateway: Gateway, name: str) -> None:
    """Serve the registers until cancelled; raises `Trouble` for a port or a file that cannot be used."""
    loop = asyncio.get_running_loop()

    def say(text: str) -> None:
        loop.call_soon_threadsafe(gateway.damaged, text)

    authority = Authority(gateway.state_dir / MODBUS_FOLDER, say) if gateway.state_dir else None
    context = await asyncio.to_thread(context_of, section, authority)
    own = authority if not section.ca_file else None
    try:
        await serve(TlsServer(section, gateway, context, own, clock=time.monotonic), gateway, name)
    finally:
        if CLIENTS in gateway.health.value:
            gateway.forget(CLIENTS)


def context_of(section: ModbusTls, authority: Authority | None) -> ssl.SSLContext:
    """TLS 1.2 or 1.3, a certificate asked of every client; raises `Trouble`. Blocks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION
    context.num_tickets = 0  # a resumed session would outlive its certificate
    if authority is None and not (section.cert_file and section.ca_file):
        raise Trouble(
            "there is no place to keep certificates: set modbus_tls.cert_file and modbus_tls.ca_file"
        )
    if section.cert_file:
        _load("cert_file", section.cert_file, lambda: _present(context, section))
    elif authority:
        context.load_cert_chain(*authority.server())
    if section.ca_file:
        _load("ca_file", section.ca_file, lambda: _trust(context, section.ca_file))
    elif authority:
        authority.server()
        context.load_verify_locations(authority.certificate)
    return context


def _present(context: ssl.SSLContext, section: ModbusTls) -> None:
    if section.key_file:
        read_head(Path(section.key_file), 1)  # a pipe in its place must not stop the program
    context.load_cert_chain(section.cert_file, section.key_file or None, password="")


def _trust(context: ssl.SSLContext, ca_file: str) -> None:
    context.load_verify_locations(ca_file)
    if CRL_MARK in read(Path(ca_file), PEM_MAX):
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF


def _load(setting: str, path: str, load: Callable[[], None]) -> None:
    try:
        read_head(Path(path), 1)
        load()
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise Trouble(f"modbus_tls.{setting} {path} cannot be used: {why}") from None


class TlsConnection(Connection):
    """One client's socket, and the TLS between it and the session."""

    _server: "TlsServer"

    __slots__ = ("_coming", "_ends_s", "_going", "_goodbye", "_serial", "_tls")

    def __init__(self, server: "TlsServer", client: socket.socket, name: tuple[Any, ...] | None) -> None:
        super().__init__(server, client, name)
        self._coming, self._going = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = server.context.wrap_bio(self._coming, self._going, server_side=True)
        self._serial, self._ends_s, self._goodbye = "", 0.0, False
        self._unfinished = self.since  # the handshake is the first request, and must end as soon

    @property
    def _shaken(self) -> bool:
        return bool(self._serial)

    @property
    def worth(self) -> float:
        """Whoever has not shown a certificate makes room first."""
        return self.heard if self._shaken else self.since - 1e12

    def readable(self) -> None:
        """Take in what has come, as far as it completes records."""
        try:
            octets = os.read(self._fd, TURN)
        except BlockingIOError:
            return
        except OSError:
            self.drop()
            return
        if not octets:
            self._leave()
            return
        self.heard = self._clock()
        self._coming.write(octets)
        try:
            plain = self._plain()
        except (ssl.SSLError, NoRole) as error:
            self._refuse(error)
            return
        self._flush()
        if plain:
            self.received(plain)
        if self._goodbye:
            self._leave()

    def overdue(self, now: float, idle_s: int) -> bool:
        """Whether its time is over: that of a request, of silence, or of its certificate."""
        if self._shaken and not self._server.good(self._serial, self._ends_s):
            return True
        return super().overdue(now, idle_s)

    def _plain(self) -> bytes:
        """What the records that are complete hold; the handshake comes first."""
        parts = []
        with suppress(ssl.SSLWantReadError):
            if not self._shaken:
                self._tls.do_handshake()
                self._welcome()
            while part := self._tls.read(TURN):
                parts.append(part)
            self._goodbye = True
        return b"".join(parts)

    def _welcome(self) -> None:
        """The client has shown a good certificate: a conversation by the rights of its role."""
        shown = self._tls.getpeercert() or {}
        der = self._tls.getpeercert(binary_form=True) or b""
        serial = f"{int(str(shown['serialNumber']), 16):X}"
        ends_s = float(ssl.cert_time_to_seconds(str(shown["notAfter"])))
        if not self._server.admits(serial, ends_s):
            raise NoRole("the certificate was revoked, or is not on the list of clients")
        banks = Authorized(self._server.banks, self._server.rights(role_of(der)))
        self.session = self.conversation(banks, self.session.peer + _common_name(shown))
        self._serial, self._ends_s = serial, ends_s
        self._unfinished = None

    def _refuse(self, error: Exception) -> None:
        """Say why in an alert and in the log, and close."""
        why = getattr(error, "verify_message", "") or getattr(error, "reason", "") or str(error)
        self._server.unfit.warning(f"{self.session.peer}: no TLS connection: {why}")
        self._flush()
        super()._leave()

    def _leave(self) -> None:
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        self._flush()
        super()._leave()

    def _send(self, answers: bytes) -> None:
        with suppress(ssl.SSLError):  # the client has closed: the socket's end tells it too
            self._tls.write(answers)
        self._flush()

    def _flush(self) -> None:
        """Send the records that TLS has made."""
        records = self._going.read()
        if records and self._untaken:
            self._untaken += records
        elif records and not self.closed:
            self._write(records)

    def send(self, answers: bytes) -> None:
        """Send what was decided while nothing was read."""
        self._send(answers)


class TlsServer(Server):
    """The Modbus TCP server with connections that speak TLS.

    `authority`: whose list of clients tells who may come in; None where the CA is someone else's.
    """

    section = "modbus_tls"
    speaks = TlsConnection

    def __init__(
        self,
        limits: ModbusTls,
        gateway: Gateway,
        context: ssl.SSLContext,
        authority: Authority | None,
        *,
        clock: Callable[[], float],
    ) -> None:
        plain = ModbusTcp(
            host=limits.host,
            port=limits.port,
            allow=limits.allow,
            max_connections=limits.max_connections,
            idle_timeout_s=limits.idle_timeout_s,
        )
        super().__init__(plain, gateway, clock=clock)
        self.ready.close()
        self.ready = Ready(AT_ONCE)
        self.context = context
        self.unfit = RateLimitedLog(log, clock=clock)
        self._authority = authority
        self._seen: object = None
        self._listed: frozenset[str] = frozenset()
        self._readable = False
        self._roles = {
            **dict.fromkeys(_names(limits.read_roles), Rights.READ),
            **dict.fromkeys(_names(limits.write_roles), Rights.WRITE),
            "": WITHOUT_ROLE[limits.without_role],
        }
        self._reload()

    def rights(self, role: str) -> Rights:
        """What a role may do; one that no setting names, nothing."""
        return self._roles.get(role, Rights.NOTHING)

    def good(self, serial: str, ends_s: float) -> bool:
        """Whether a certificate that was good at the handshake still is."""
        listed = self._authority is None or serial in self._listed
        return listed and self.banks.gateway.now().unix_ms < 1000 * ends_s

    def admits(self, serial: str, ends_s: float) -> bool:
        """Whether a certificate of the CA is good now: our own CA's are on its list, and not revoked."""
        self._reload()
        return self.good(serial, ends_s)

    def second(self) -> None:
        """Another second has passed: look who is listed, too."""
        self._reload()
        super().second()

    def _reload(self) -> None:
        """Read the list of clients where it has changed; nobody is let in by a list that cannot be read."""
        if self._authority is None:
            return
        seen = self._authority.stamp()
        if seen == self._seen and self._readable:
            return
        said, self._seen = seen == self._seen, seen
        try:
            self._listed = frozenset(one.serial for one in self._authority.clients() if not one.revoked)
            self._readable = True
        except Trouble as trouble:
            self._listed, self._readable = frozenset(), False
            self.banks.gateway.report(CLIENTS, Condition.FAILING, str(trouble))
            if not said:
                log.warning("%s", trouble)
            return
        if CLIENTS in self.banks.gateway.health.value:
            self.banks.gateway.forget(CLIENTS)


def _names(setting: str) -> list[str]:
    return [name.strip() for name in setting.split(",") if name.strip()]


def _common_name(shown: Mapping[str, Any]) -> str:
    """Whose certificate it is, for the log and the list of clients."""
    found = dict(pair for row in shown.get("subject", ()) for pair in row).get("commonName", "")
    name = "".join(letter for letter in str(found)[:NAME_MAX] if letter.isprintable())
    return f" ({name})" if name else ""
