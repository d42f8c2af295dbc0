"""A proxy between a browser and a gateway: what the gateway says can be held back, and all of it cut."""

import socket
import struct
import threading
from contextlib import suppress

AT_ONCE = struct.pack("ii", 1, 0)
"""Of SO_LINGER: a closed connection is reset, as by a process that was killed."""


class Between:
    """Its `port` leads to the gateway's; while `flowing` is clear, what comes from there waits."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open: list[socket.socket] = []
        self.port = 0
        self.flowing = threading.Event()
        self.flowing.set()
        self.mend()

    def mend(self) -> None:
        """Listen, again if need be."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Connections are reset, new ones refused: so a browser sees a gateway that was killed."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            with suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                peer, _ = listener.accept()
                try:
                    gateway = socket.create_connection(("127.0.0.1", self._target))
                except ConnectionRefusedError:
                    peer.close()
                    continue
                self._open += [peer, gateway]
                for source, sink, held in ((peer, gateway, False), (gateway, peer, True)):
                    threading.Thread(target=self._pour, args=(source, sink, held), daemon=True).start()

    def _pour(self, source: socket.socket, sink: socket.socket, held: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if held:
                    self.flowing.wait()
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
