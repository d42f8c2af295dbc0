"""A client that asks for ever and never reads an answer; a new connection ten times a second.

python flood.py PORT
"""

import socket
import sys
import time

REQUESTS = b"".join(
    number.to_bytes(2, "big") + bytes.fromhex("00000006010300000033") for number in range(5000)
)


def flood(port: int) -> None:
    """Send all that the server takes in a tenth of a second."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setblocking(False)
        end = time.monotonic() + 0.1
        while time.monotonic() < end:
            try:
                client.send(REQUESTS)
            except BlockingIOError:
                time.sleep(0.005)


if __name__ == "__main__":
    while True:
        flood(int(sys.argv[1]))
