"""Ports for the programs that tests start: none that another worker or a connection may take meanwhile.

The kernel draws ports of outgoing connections from its ephemeral range (32768 up by default), and hands
them out for port 0: one that was free a moment ago may be gone. Each worker has a range of its own below.
"""

import itertools
import os
import socket

FIRST, SHARE, WORKERS = 10_000, 1_400, 16
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw15").removeprefix("gw")) % WORKERS
_begin = FIRST + _worker * SHARE
_ports = itertools.cycle(range(_begin, _begin + SHARE))
for _ in range(os.getpid() * 37 % SHARE):  # two runs beside each other seldom begin alike
    next(_ports)


def free_port() -> int:
    """A TCP port that nobody listens at, nor will soon."""
    for port in itertools.islice(_ports, SHARE):
        try:
            with socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True):
                return port
        except OSError:
            continue
    raise AssertionError("no port is free")


def free_ports(count: int) -> list[int]:
    """Several of them."""
    return [free_port() for _ in range(count)]
