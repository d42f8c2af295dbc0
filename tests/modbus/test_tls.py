"""Modbus Security: pymodbus' TLS client and a gateway; right, wrong, expired and role-less certificates.

Certificates are made by `han2x keys` and by openssl. What TLS does with half a handshake, floods of
connections and cut streams is tried with plain sockets.
"""

import contextlib
import datetime
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from han2x.cli import main
from han2x.runtime.authority import ROLE_OID, Authority

pymodbus = pytest.importorskip("pymodbus.client", reason="pymodbus is not installed")
VOLTAGE = bytes.fromhex("0001 0000 0006 01 03 000E 0002")
VOLTAGE_ANSWER = bytes.fromhex("0001 0000 0007 01 03 04 0000 0956")
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client")])
ROLE = b"\x0c\x0aread-write"
READ_ONLY, READ_WRITE, NOTHING = "read-only", "read-write", ""


class Secured(NamedTuple):
    """A gateway with the Modbus Security server, and its state directory."""

    port: int
    state: Path
    log: Path

    @property
    def authority(self) -> Authority:
        """The gateway's own."""
        return Authority(self.state / "modbus-tls")

    def context(self, certificate: Path | None, *, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        """What a client needs that checks the gateway by its CA."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.state / "modbus-tls" / "ca.pem")
        context.check_hostname = False
        if certificate:
            context.load_cert_chain(certificate)
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def open(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """A connection."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        return context.wrap_socket(plain, server_hostname="localhost")

    def client(self, certificate: Path) -> Any:
        """pymodbus, connected."""
        client = pymodbus.ModbusTlsClient("127.0.0.1", port=self.port, sslctx=self.context(certificate))
        assert client.connect()
        return client


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory with an authority in it."""
    folder = tmp_path_factory.mktemp("state")
    Authority(folder / "modbus-tls").server()
    return folder


@pytest.fixture(scope="module")
def secured(state: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Secured]:
    """A running gateway."""
    yield from gateway(state, tmp_path_factory.mktemp("log"))


def gateway(state: Path, folder: Path, *words: str) -> Generator[Secured]:
    """A process with the server alone, its port read from what it says."""
    log = folder / "server.log"
    server = Path(__file__).resolve().parents[2] / "bench" / "peers" / "han2x_server.py"
    command = [sys.executable, str(server), "--tls", str(state), "modbus_tls.host=127.0.0.1", *words]
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line.startswith("listening on 127.0.0.1:"), log.read_text()
            yield Secured(int(line.rpartition(":")[2]), state, log)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def certificate(state: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes the certificate of a client, in one file with its key."""
    made: dict[str, Path] = {}
    folder = tmp_path_factory.mktemp("clients")

    def make(role: str) -> Path:
        if role not in made:
            name = f"client {role or 'none'}"
            assert (
                main(["keys", "--state", str(state), "add", name, "--role", role, "--folder", str(folder)])
                == 0
            )
            made[role] = folder / f"{name.replace(' ', '_')}.pem"
        return made[role]

    return make


def by_hand(folder: Path, authority: Path | None, *, first: int, last: int, listed: bool = True) -> Path:
    """A certificate with the role that may write, valid from and to so many days from now.

    Signed by an authority's key, and on its list of clients, or by itself.
    """
    serial = x509.random_serial_number()
    if authority and listed:
        serial = int(Authority(authority).issue("by hand", READ_WRITE, now_ms=0).client.serial, 16)
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    issuer, signer = NAME, key
    if authority:
        issuer = x509.load_pem_x509_certificate((authority / "ca.pem").read_bytes()).subject
        loaded = serialization.load_pem_private_key((authority / "ca-key.pem").read_bytes(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        signer = loaded
    made = (
        x509.CertificateBuilder(issuer, NAME, key.public_key(), serial)
        .not_valid_before(now + datetime.timedelta(first))
        .not_valid_after(now + datetime.timedelta(last))
        .add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier(ROLE_OID), ROLE), False)
        .sign(signer, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = folder / "both.pem"
    path.write_bytes(
        made.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def ask(client: Any, request: bytes = VOLTAGE) -> bytes:
    """One request, and what comes; b"" for an end."""
    try:
        client.sendall(request)
        return client.recv(300)  # type: ignore[no-any-return]
    except (ConnectionError, ssl.SSLError):
        return b""


def test_pymodbus_reads_with_a_reading_role(secured: Secured, certificate: Callable[..., Path]) -> None:
    """Reads are answered; each way to write is exception 01, and changes nothing."""
    client = secured.client(certificate(READ_ONLY))
    assert client.read_holding_registers(14, count=2, device_id=1).registers == [0, 2390]
    refused = [
        client.write_registers(48, [0, 2000], device_id=1),
        client.write_register(49, 2000, device_id=1),
        client.mask_write_register(address=49, and_mask=0, or_mask=2000, device_id=1),
        client.readwrite_registers(
            read_address=48, read_count=2, write_address=48, values=[0, 9], device_id=1
        ),
    ]
    assert [answer.exception_code for answer in refused] == [1, 1, 1, 1]
    assert client.read_holding_registers(48, count=2, device_id=1).registers == [0, 1000]
    client.close()


def test_pymodbus_writes_with_a_writing_role(secured: Secured, certificate: Callable[..., Path]) -> None:
    """A role that may write reads and writes."""
    client = secured.client(certificate(READ_WRITE))
    client.write_registers(48, [0, 2000], device_id=1)
    assert client.read_holding_registers(48, count=2, device_id=1).registers == [0, 2000]
    client.write_registers(48, [0, 1000], device_id=1)
    client.close()


@pytest.mark.parametrize("role", [NOTHING, "stranger", "READ-ONLY"])
def test_other_roles_may_nothing(secured: Secured, certificate: Callable[..., Path], role: str) -> None:
    """A good certificate with no role, or one that no setting names, is answered exception 01, always."""
    client = secured.client(certificate(role))
    for _ in range(2):
        assert client.read_holding_registers(14, count=2, device_id=1).exception_code == 1
    client.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_of_tls(secured: Secured, certificate: Callable[..., Path], version: ssl.TLSVersion) -> None:
    """TLS 1.2 and 1.3 are spoken."""
    with secured.open(secured.context(certificate(READ_ONLY), version=version)) as client:
        assert ask(client) == VOLTAGE_ANSWER


def test_older_tls_is_refused(secured: Secured, certificate: Callable[..., Path]) -> None:
    """TLS 1.1 gets no connection."""
    context = secured.context(certificate(READ_ONLY))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        secured.open(context)


def refused(secured: Secured, certificate: Path | None) -> None:
    """A client with this certificate gets no answer, in either version of TLS."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = secured.context(certificate, version=version)
        with contextlib.suppress(ssl.SSLError, ConnectionError), secured.open(context) as client:
            assert ask(client) == b""


def test_no_certificate(secured: Secured) -> None:
    """Without a certificate there is no connection."""
    refused(secured, None)


def test_certificate_of_another_authority(secured: Secured, tmp_path: Path) -> None:
    """A certificate that signs itself is none, whatever role it claims."""
    refused(secured, by_hand(tmp_path, None, first=-1, last=1))


def test_certificate_of_our_authority_made_elsewhere(secured: Secured, tmp_path: Path) -> None:
    """What our CA has signed is good if it is listed: the list may be lost, but opens nothing then."""
    path = by_hand(tmp_path, secured.state / "modbus-tls", first=-1, last=1)
    with secured.open(secured.context(path)) as client:
        assert ask(client) == VOLTAGE_ANSWER
    refused(secured, by_hand(tmp_path, secured.state / "modbus-tls", first=-1, last=1, listed=False))


def test_list_of_clients_that_is_damaged_or_gone_lets_nobody_in(tmp_path: Path) -> None:
    """Whoever was revoked does not come back with the list's loss; restored, it lets in who was listed."""
    state = tmp_path / "state"
    authority = Authority(state / "modbus-tls")
    issued = authority.issue("one", READ_ONLY, now_ms=0)
    path = tmp_path / "one.pem"
    path.write_text(issued.certificate + issued.key)
    clients = state / "modbus-tls" / "clients.json"
    good = clients.read_bytes()
    servers = gateway(state, tmp_path)
    secured = next(servers)
    for damaged in (b"", b"[{}]", b"[]", good[:-9], None):
        clients.unlink(missing_ok=True)
        if damaged is not None:
            clients.write_bytes(damaged)
        refused(secured, path)
    clients.write_bytes(good)
    with secured.open(secured.context(path)) as client:
        assert ask(client) == VOLTAGE_ANSWER
    servers.close()


@pytest.mark.parametrize(("first", "last"), [(-30, -1), (1, 30)])
def test_certificate_out_of_its_time(secured: Secured, tmp_path: Path, first: int, last: int) -> None:
    """One that our CA has signed and that has expired, or is not valid yet, is refused."""
    refused(secured, by_hand(tmp_path, secured.state / "modbus-tls", first=first, last=last))


def test_server_certificate_used_by_a_client(secured: Secured, tmp_path: Path) -> None:
    """The server's own certificate is for servers alone."""
    both = tmp_path / "both.pem"
    folder = secured.state / "modbus-tls"
    both.write_text((folder / "server.pem").read_text() + (folder / "server-key.pem").read_text())
    refused(secured, both)


def test_revoked_certificate(secured: Secured, certificate: Callable[..., Path], tmp_path: Path) -> None:
    """A revoked client is refused, and an open connection of it ends within seconds."""
    issued = secured.authority.issue("to go", READ_ONLY, now_ms=0)
    path = tmp_path / "gone.pem"
    path.write_text(issued.certificate + issued.key)
    with secured.open(secured.context(path)) as client:
        assert ask(client) == VOLTAGE_ANSWER
        assert main(["keys", "--state", str(secured.state), "revoke", issued.client.serial]) == 0
        client.settimeout(10)
        assert client.recv(1) == b""
    refused(secured, path)
    with secured.open(secured.context(certificate(READ_ONLY))) as client:
        assert ask(client) == VOLTAGE_ANSWER


def test_many_requests_in_pieces_and_at_once(secured: Secured, certificate: Callable[..., Path]) -> None:
    """Requests may come byte by byte, and thousands in a row whose answers are read late."""
    with secured.open(secured.context(certificate(READ_ONLY))) as client:
        for at in range(len(VOLTAGE)):
            client.sendall(VOLTAGE[at : at + 1])
        assert client.recv(100) == VOLTAGE_ANSWER
        requests = [number.to_bytes(2, "big") + VOLTAGE[2:] for number in range(3000)]
        client.sendall(b"".join(requests))
        expected = b"".join(request[:2] + VOLTAGE_ANSWER[2:] for request in requests)
        received = b""
        while len(received) < len(expected):
            received += client.recv(65536)
        assert received == expected


def test_close_is_told(secured: Secured, certificate: Callable[..., Path]) -> None:
    """A client that says goodbye is answered goodbye: nothing was cut off."""
    with secured.open(secured.context(certificate(READ_ONLY))) as client:
        assert ask(client) == VOLTAGE_ANSWER
        client.unwrap().close()


def test_connections_without_handshake_take_no_place(tmp_path: Path, state: Path, certificate: Any) -> None:
    """Connections that say nothing, or nonsense, make room for each other, not for who is logged in."""
    servers = gateway(state, tmp_path, "modbus_tls.max_connections=4")
    secured = next(servers)
    path = certificate(READ_ONLY)
    with secured.open(secured.context(path)) as client:
        assert ask(client) == VOLTAGE_ANSWER
        silent = [socket.create_connection(("127.0.0.1", secured.port), timeout=10) for _ in range(40)]
        for one in silent[::2]:
            with contextlib.suppress(ConnectionError):
                one.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with secured.open(secured.context(path)) as other:
            assert ask(other) == ask(client) == VOLTAGE_ANSWER
        for one in silent:
            one.close()
    servers.close()
    said = secured.log.read_text()
    assert said.count("no TLS connection") <= 1
    assert "Traceback" not in said


def test_role_of_no_certificate_may_be_reading(tmp_path: Path, state: Path, certificate: Any) -> None:
    """`without_role = "read"` lets certificates without a role read, and no more."""
    servers = gateway(state, tmp_path, "modbus_tls.without_role=read")
    secured = next(servers)
    client = secured.client(certificate(NOTHING))
    assert client.read_holding_registers(14, count=2, device_id=1).registers == [0, 2390]
    assert client.write_register(49, 2000, device_id=1).exception_code == 1
    client.close()
    servers.close()
