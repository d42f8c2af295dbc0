"""The page where it is not at its own address, and where its gateway is not there."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Open, Running, Start, enter, go

PREFIX = b"/ingress/abc"


class Proxy:
    """A reverse proxy below a path prefix, as Home Assistant's ingress: one request a connection."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}{PREFIX.decode()}/"

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(peer,), daemon=True).start()

    def _pass(self, peer: socket.socket) -> None:
        with peer, socket.create_connection(("127.0.0.1", self._target)) as gateway:
            head = b""
            while b"\r\n\r\n" not in head:
                head += (data := peer.recv(65536))
                if not data:
                    return
            line, rest = head.split(b"\r\n", 1)
            assert line.split()[1].startswith(PREFIX + b"/"), "the page left its prefix"
            gateway.sendall(line.replace(PREFIX, b"", 1) + b"\r\nConnection: close\r\n" + rest)
            threading.Thread(target=_pour, args=(peer, gateway), daemon=True).start()
            _pour(gateway, peer)


def _pour(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass


@pytest.fixture(scope="module")
def gateway(start: Start, browser: Any) -> Running:
    return start(main="simulate:kaifa")


@pytest.fixture
def proxy(gateway: Running) -> Iterator[Proxy]:
    one = Proxy(gateway.web)
    yield one
    one.close()


def test_page_works_below_a_prefix(gateway: Running, proxy: Proxy, browse: Open) -> None:
    """Behind a proxy below a path, everything stays below it: log-in, live values, settings, installing."""
    page = browse(gateway, log_in=False)
    page.goto(proxy.url)
    enter(page)
    go(page, "now")
    page.wait_for_selector("#net-power:not(:text('–'))")
    go(page, "settings/site")
    page.wait_for_selector("[data-path='site.time_zone']")
    installed = page.evaluate("navigator.serviceWorker.ready.then(one => one.scope)")
    assert installed == proxy.url


def test_installed_page_opens_without_its_gateway(start: Start, browse: Open) -> None:
    """What is installed opens while the gateway is away, says so, and goes on by itself when it is back."""
    running = start(main="simulate:kaifa")
    page = browse(running)
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()
    page.wait_for_selector("header.head")
    kept = page.evaluate(
        "caches.open('han2x-shell').then(all => all.keys()).then(all => all.map(one => one.url))"
    )
    assert f"{running.url}js/app.js" in kept
    assert not any("/v1/" in address for address in kept)
    running.stop()
    page.reload()
    page.wait_for_selector("text=The gateway cannot be reached")
    running.start()
    page.wait_for_selector("header.head", timeout=20_000)
