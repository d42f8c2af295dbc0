"""A real proxy before the page: nginx as it comes, and as its users set it up."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ..ports import free_ports

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian: nginx-light)")

CONFIG = """\
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder};
    proxy_temp_path {folder};
    fastcgi_temp_path {folder};
    uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    {servers}
}}
"""
SERVER = (
    "server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{page}; {lines} }} }}\n"
)
FORWARDED = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
HOST = "proxy_set_header Host $http_host;"
SETUPS = {
    "as it comes": "",
    "with the name asked for": HOST,
    "with addresses": HOST + FORWARDED,
    "with the client's address": HOST + "proxy_set_header X-Real-IP $remote_addr;",
    "with HTTP/1.1": "proxy_http_version 1.1; proxy_set_header X-Forwarded-Proto $scheme;" + HOST,
}


@pytest.fixture(scope="module")
def proxies(shared: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """The port of each setup of nginx."""
    folder = tmp_path_factory.mktemp("nginx")
    ports = dict(zip(SETUPS, free_ports(len(SETUPS)), strict=True))
    servers = [
        SERVER.format(port=ports[name], page=shared.web_port, lines=lines) for name, lines in SETUPS.items()
    ]
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(folder=folder, servers="".join(servers)))
    with subprocess.Popen([str(NGINX), "-e", "stderr", "-c", str(config), "-g", "daemon off;"]) as process:
        shared.until(lambda: httpx2.get(f"http://127.0.0.1:{ports['as it comes']}/").status_code == 200)
        yield ports
        process.terminate()


def log_in(port: int, **headers: str) -> int:
    body = {"user": "bits", "password": "vari"}
    return httpx2.post(f"http://127.0.0.1:{port}/v1/session", json=body, headers=headers).status_code


@pytest.mark.parametrize("setup", SETUPS)
def test_the_default_password_opens_nothing_behind_a_proxy(proxies: dict[str, int], setup: str) -> None:
    """However the proxy is set up, and though it is on this machine."""
    assert log_in(proxies[setup]) == 403


def test_behind_a_trusted_proxy_the_clients_address_counts(own: Any, tmp_path: Path) -> None:
    """nginx adds its client's address last; what the client has written itself before changes nothing."""
    (port,) = free_ports(1)
    config = tmp_path / "nginx.conf"
    server = SERVER.format(port=port, page=own.web_port, lines=HOST + FORWARDED)
    config.write_text(CONFIG.format(folder=tmp_path, servers=server))
    change = {"changes": {"web.trusted_proxies": "127.0.0.1"}}
    assert own.owner().patch("v1/settings", json=change).status_code == 200
    with subprocess.Popen([str(NGINX), "-e", "stderr", "-c", str(config), "-g", "daemon off;"]) as process:
        own.until(lambda: httpx2.get(f"http://127.0.0.1:{port}/").status_code == 200)
        assert log_in(port) == 204
        assert log_in(port, **{"X-Forwarded-For": "203.0.113.9"}) == 403  # only proxies come after it
        assert log_in(port, Forwarded="for=203.0.113.9") == 403
        assert log_in(port, Host="meter.example.com") == 403
        process.terminate()
