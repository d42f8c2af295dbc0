"""Connecting to a real Mosquitto in every way, and what is said when it cannot be done."""

import asyncio
import contextlib
import gc
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..ports import free_port
from .conftest import Authority, Mosquitto, health, play, poll, publishing, settings, takes, until

Start = Callable[..., Mosquitto]


def health_of(port: int, wanted: str, **more: object) -> str:
    """What the service says of itself once it has said something like that."""
    found = ""

    async def scene() -> None:
        nonlocal found
        async with publishing(settings(port, **more)) as gateway:
            await until(lambda: health(gateway).startswith(("ok", "failing")), "connected or not")
            found = health(gateway)

    play(scene())
    assert re.fullmatch(wanted, found), found
    return found


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_plain(mosquitto: Start, protocol: str) -> None:
    """Both versions of the protocol."""
    broker = mosquitto()
    health_of(broker.port, rf"ok: connected to 127\.0\.0\.1:{broker.port}", protocol=protocol)
    assert f"p{5 if protocol == '5' else 2}, c1, k30" in broker.log.read_text()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_user_and_password(mosquitto: Start, tmp_path: Path, protocol: str) -> None:
    """The right ones are let in; wrong ones are told apart from everything else, and never repeated."""
    secrets = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(secrets), "bits", "hemmelig"], check=True)
    broker = mosquitto("allow_anonymous false", f"password_file {secrets}")
    health_of(broker.port, "ok: .*", user="bits", password="hemmelig", protocol=protocol)
    for user, password in (("bits", "gjettet-ord"), ("vari", "gjettet-ord"), ("", "")):
        refused = rf"failing: 127\.0\.0\.1:{broker.port} refuses the user name or the password.*"
        text = health_of(broker.port, refused, user=user, password=password, protocol=protocol)
        assert "gjettet-ord" not in text


def test_tls_with_a_client_certificate(mosquitto: Start, authority: Authority) -> None:
    """Own authority, own certificate; the broker's name is checked."""
    broker = mosquitto(
        "allow_anonymous true",
        f"cafile {authority.ca}",
        f"certfile {authority.server}",
        f"keyfile {authority.server_key}",
        "require_certificate true",
        "tls_version tlsv1.3",
    )
    trusted = {"tls": True, "ca_file": str(authority.ca)}
    own = {"cert_file": str(authority.client), "key_file": str(authority.client_key)}
    health_of(broker.port, "ok: .*", **trusted, **own)
    health_of(broker.port, "ok: .*", **trusted, **own, host="localhost")
    health_of(
        broker.port, "failing: .* closed the connection without an answer: .*client certificate.*", **trusted
    )
    health_of(broker.port, "failing: .* closed the connection without an answer: does it want TLS.*")


def test_a_certificate_that_is_not_trusted(mosquitto: Start, authority: Authority) -> None:
    """Another authority, the system's, or another name: the certificate is named as what is wrong."""
    broker = mosquitto(
        "allow_anonymous true", f"certfile {authority.server}", f"keyfile {authority.server_key}"
    )
    wrong = r"failing: the certificate of \S+ is not trusted \(.+\): set ca_file .*"
    health_of(broker.port, wrong, tls=True)
    health_of(broker.port, wrong, tls=True, ca_file=str(authority.stranger))
    another_name = "127.0.0.2"  # all of 127.0.0.0/8 is this machine, and the certificate holds 127.0.0.1
    mosquitto(
        "allow_anonymous true",
        f"listener {(port := free_port())} {another_name}",
        f"certfile {authority.server}",
        f"keyfile {authority.server_key}",
    )
    poll(lambda: takes(port, another_name), "the second listener is up")
    health_of(port, wrong, tls=True, ca_file=str(authority.ca), host=another_name)


def test_tls_where_there_is_none(mosquitto: Start, authority: Authority) -> None:
    """A plain port asked for TLS."""
    broker = mosquitto()
    health_of(broker.port, "failing: .*(TLS).*", tls=True, ca_file=str(authority.ca))


@pytest.mark.parametrize("name", ["ca_file", "cert_file"])
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_file_that_is_wrong(tmp_path: Path, name: str, content: str | None) -> None:
    """A file that is not there, or is no certificate, is named."""
    file = tmp_path / "file.pem"
    if content:
        file.write_text(content)
    text = health_of(
        free_port(), f"failing: ({name} )?{file} .*cannot be used: .+", tls=True, **{name: str(file)}
    )
    assert "Errno" not in text


def test_websockets(mosquitto: Start) -> None:
    """MQTT over websockets; at a port that speaks something else it is said."""
    port = free_port()
    plain = mosquitto("allow_anonymous true", f"listener {port} 127.0.0.1", "protocol websockets")
    poll(lambda: takes(port), "the second listener is up")
    health_of(port, rf"ok: connected to 127\.0\.0\.1:{port}", transport="websockets")
    health_of(plain.port, "failing: .*(websockets|closed).*", transport="websockets")


def test_nobody_listens() -> None:
    """A port that refuses, and a name that nobody knows, are told apart."""
    port = free_port()
    health_of(port, rf"failing: 127\.0\.0\.1:{port} refuses: does a broker listen on this port\?")
    health_of(
        port, "failing: no.such.host.invalid is not known on this network: .*", host="no.such.host.invalid"
    )


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that is no broker."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = server.accept()
                    with client, contextlib.suppress(OSError):
                        answer(client)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_what_is_no_broker() -> None:
    """A server that talks nonsense, or hangs up, is said not to answer; nothing is left running."""
    before = threading.active_count()
    with answering(lambda client: client.sendall(b"220 mail.example.org ESMTP\r\n" + bytes(200))) as port:
        health_of(port, "failing: .*")
    with answering(lambda client: client.close()) as port:
        health_of(port, "failing: .* closed the connection without an answer: .*")
        health_of(port, "failing: .*", transport="websockets")
        health_of(port, "failing: .*", tls=True)
    deadline = time.monotonic() + 10
    while threading.active_count() > before + 1:
        assert time.monotonic() < deadline, threading.enumerate()
        time.sleep(0.01)


def test_the_user_name_alone_is_no_password(mosquitto: Start, tmp_path: Path) -> None:
    """Secrets stay out of what objects say of themselves."""
    wanted = settings(1, user="bits", password="hemmelig")
    assert "hemmelig" not in repr(wanted)
    assert "bits" in repr(wanted)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("2003008500", "refuses the client id: set client_id to one that it takes"),
        ("2003008400", "does not know this version of MQTT: set protocol to the other one"),
        ("2003008600", "refuses the user name or the password: check both"),
        ("2003008800", "is not available now"),
        ("2003008900", "is busy now"),
        ("2003008a00", "has banned this client"),
        ("2003009700", "refuses the connection: Quota exceeded"),
        ("2003000000e0018e", "let another client in with the same client id: give each its own"),
        ("2003000000e0018b", "is shutting down; connecting anew"),
        ("2003000000e00187", "does not allow what was published: check the user's rights"),
        ("2003000000", "the connection to 127.0.0.1:{port} was lost; connecting anew"),
    ],
)
def test_what_a_broker_gives_as_its_reason(octets: str, text: str) -> None:
    """A broker of MQTT 5 (tables 3-1 and 3-13 of its standard) tells why; each reason is a sentence."""

    def answer(client: socket.socket) -> None:
        client.recv(1024)
        client.sendall(bytes.fromhex(octets))
        client.shutdown(socket.SHUT_WR)
        while client.recv(1024):  # what is left unread would reset the connection, and the reason with it
            pass

    with answering(answer) as port:

        async def scene() -> None:
            async with publishing(settings(port)) as gateway:
                await until(lambda: health(gateway).startswith("failing"), "refused")
                assert text.format(port=port) in health(gateway)

        play(scene())


@pytest.mark.parametrize(
    "octets",
    [
        "30030010" + "41",  # PUBLISH: a topic longer than the packet
        "3004000180" + "00",  # PUBLISH: a topic that is no UTF-8
        "3005000161" + "ff01",  # PUBLISH: a length of properties beyond the packet
        "4001" + "00",  # PUBACK: half a packet identifier
        "d0ffffffffff",  # PINGRESP: a length of five octets
        "f000",  # AUTH, which nobody has begun
        "0000",  # no packet at all
    ],
)
def test_a_broker_that_sends_what_is_no_packet(octets: str) -> None:
    """After it has let us in: the connection is given up with a sentence, and nothing else comes of it."""

    def answer(client: socket.socket) -> None:
        client.recv(1024)
        client.sendall(bytes.fromhex("2003000000" + octets))
        while client.recv(1024):
            pass

    with answering(answer) as port:
        raised: list[dict[str, object]] = []

        async def scene() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda loop, what: raised.append(what))
            async with publishing(settings(port)) as gateway:
                await until(lambda: health(gateway).startswith("failing"), "given up")
                assert f"the connection to 127.0.0.1:{port} was lost" in health(gateway)

        play(scene())
        assert raised == []


def test_a_service_that_is_stopped_while_it_connects_leaves_at_once() -> None:
    """A broker that never answers does not hold up the end of the program."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as silent:

        async def scene() -> None:
            async with publishing(settings(silent.getsockname()[1])):
                await asyncio.to_thread(silent.accept)

        began = time.monotonic()
        play(scene())
        assert time.monotonic() - began < 5


def test_nothing_stays_open(mosquitto: Start) -> None:
    """Connections that were made, lost or refused close all they had, without waiting for the collector."""
    broker, refused = mosquitto(), free_port()

    async def scene() -> None:
        for _ in range(5):
            async with publishing(settings(broker.port)) as gateway:
                await until(lambda gateway=gateway: health(gateway).startswith("ok"), "connected")  # type: ignore[misc]
            async with publishing(settings(refused)) as gateway:
                await until(lambda gateway=gateway: "refuses" in health(gateway), "refused")  # type: ignore[misc]
            async with publishing(settings(broker.port)) as gateway:
                await until(lambda gateway=gateway: health(gateway).startswith("ok"), "connected")  # type: ignore[misc]
                broker.stop()
                await until(lambda gateway=gateway: "lost" in health(gateway), "lost")  # type: ignore[misc]
                broker.start()

    gc.collect()
    before = open_files()
    gc.disable()
    try:
        play(scene())
        poll(lambda: open_files() <= before, "all is closed")
    finally:
        gc.enable()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
