"""A connection to an MQTT broker: one object from its connect to its loss, never connected again.

paho speaks the protocol in a thread of its own, so that neither name look-ups nor TLS nor a slow broker hold
up the loop. Nothing is queued beyond `ROOM` messages: whoever publishes waits for room, then says the newest.
What goes wrong becomes `Trouble` with a sentence that names no password.
"""

import asyncio
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ..settings.schema import Mqtt
from .gateway import Trouble

ROOM = 64
"""Messages on their way at most before a publisher has to wait; one meter's telegram makes half as many."""

CONNECT_S, ANSWER_S, FAREWELL_S = 10.0, 15.0, 2.0
INBOX = 256
PAYLOAD_MAX = 65_536
"""Octets of a message that is taken in; MQTT 5 brokers are told, others' larger messages are dropped."""


class Message(NamedTuple):
    """What is published: `payload` octets to a full `topic`."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


class Broker:
    """An open connection. Methods are called on the loop that made it; call `close` when done."""

    def __init__(self, entry: Mqtt, *, client_id: str, will: Message | None) -> None:
        self.peer = f"{entry.host}:{entry.port}"
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self._room: asyncio.Future[None] | None = None
        self._mail: asyncio.Future[None] | None = None
        self._inbox: deque[tuple[str, bytes]] = deque(maxlen=INBOX)
        self._sent = self._done = 0
        self._client = _client(entry, client_id, will)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message
        for future in (self._connected, self._lost):
            future.add_done_callback(lambda done: done.cancelled() or done.exception())  # may go unread

    # -- for the loop -------------------------------------------------------------------------------

    def publish(self, message: Message) -> None:
        """Send a message after those before it."""
        self._sent += 1
        self._client.publish(message.topic, message.payload, message.qos, message.retain)

    @property
    def has_room(self) -> bool:
        """Whether the broker takes what it is sent."""
        return self._sent - self._done < ROOM

    async def room(self) -> None:
        """Wait until the broker has taken most of what was sent; raises `Trouble` when it is gone."""
        while not self.has_room:
            self._room = self._room or self._loop.create_future()
            if not self.has_room:  # or it was taken just before there was anything to wake
                await asyncio.wait((self._room, self._lost), return_when=asyncio.FIRST_COMPLETED)
            self._raise_if_lost()

    async def taken(self) -> None:
        """Wait until the broker has taken everything; raises `Trouble` when it is gone."""
        while self._sent != self._done:
            self._room = self._room or self._loop.create_future()
            if self._sent != self._done:
                await asyncio.wait((self._room, self._lost), return_when=asyncio.FIRST_COMPLETED)
            self._raise_if_lost()

    def subscribe(self, topic: str) -> None:
        """Have a topic's messages delivered to `receive`, but not those that the broker has kept."""
        self._client.subscribe(topic, qos=1)

    async def receive(self) -> tuple[str, bytes]:
        """The next message, topic and payload; raises `Trouble` when the broker is gone."""
        while not self._inbox:
            self._mail = self._loop.create_future()
            if not self._inbox:
                await asyncio.wait((self._mail, self._lost), return_when=asyncio.FIRST_COMPLETED)
            self._raise_if_lost()
        return self._inbox.popleft()

    async def lost(self) -> None:
        """Wait for the connection's end; raises `Trouble` that says why."""
        await asyncio.shield(self._lost)

    async def close(self, *farewell: Message) -> None:
        """Say the last words and disconnect; a broker that does not listen is left after two seconds."""
        try:
            async with asyncio.timeout(FAREWELL_S):
                if farewell and not self._lost.done():
                    for message in farewell:
                        self.publish(message)
                    await self.taken()
                self._client.disconnect()
                await asyncio.wait((self._lost,))
        except (TimeoutError, Trouble):
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        """Let go at once, without a word."""
        self._client.disconnect()
        self._client.hang_up()

    async def opened(self) -> None:
        """Connect and wait for the broker's answer; raises `Trouble`."""
        threading.Thread(target=self._open, name=f"mqtt {self.peer}", daemon=True).start()
        try:
            async with asyncio.timeout(ANSWER_S):
                await asyncio.shield(self._connected)
        except TimeoutError:
            raise Trouble(f"{self.peer} does not answer: is it an MQTT broker?") from None

    def _raise_if_lost(self) -> None:
        if self._lost.done():
            self._lost.result()

    # -- in threads of its own and paho's -----------------------------------------------------------

    def _open(self) -> None:
        try:
            self._client.reconnect()
        except Exception as error:
            self._soon(_fail, self._connected, _unreachable(self.peer, error))
        else:
            self._client.loop_start()

    def _on_connect(self, client: Any, data: Any, flags: Any, code: ReasonCode, properties: Any) -> None:
        if code.is_failure:
            self._soon(_fail, self._connected, _refusal(self.peer, code.getName()))
        else:
            self._soon(_finish, self._connected)

    def _on_disconnect(self, client: Any, data: Any, flags: Any, code: ReasonCode, properties: Any) -> None:
        self._soon(_fail, self._connected, _silent_end(self.peer))
        self._soon(_fail, self._lost, _loss(self.peer, code.getName()))

    def _on_publish(self, client: Any, data: Any, mid: int, code: Any, properties: Any) -> None:
        self._done += 1
        if self._room and (self._done == self._sent or self._sent - self._done == ROOM // 2):
            self._soon(self._wake_publishers)

    def _on_message(self, client: Any, data: Any, message: paho.MQTTMessage) -> None:
        if len(message.payload) <= PAYLOAD_MAX and not message.retain:  # retained: nobody knows how old
            self._inbox.append((message.topic, bytes(message.payload)))
            self._soon(self._wake_receiver)

    def _soon(self, call: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            self._loop.call_soon_threadsafe(call, *arguments)

    def _wake_publishers(self) -> None:
        if self._room:
            _finish(self._room)
            self._room = None

    def _wake_receiver(self) -> None:
        if self._mail:
            _finish(self._mail)


async def connect(entry: Mqtt, *, client_id: str, will: Message | None = None) -> Broker:
    """An open connection to a broker; raises `Trouble` with what is in the way.

    No two connections may have the same `client_id`, or the broker lets only the newer one live.
    """
    broker = Broker(entry, client_id=client_id, will=will)
    try:
        await broker.opened()
    except BaseException:
        broker.abort()
        raise
    return broker


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _fail(future: asyncio.Future[None], text: str) -> None:
    if not future.done():
        future.set_exception(Trouble(text))


# -- paho ---------------------------------------------------------------------------------------------


class _Ending:
    """A socket's `recv` that raises at the end: paho's websocket handshake would ask for ever."""

    def recv(self, size: int, flags: int = 0) -> bytes:
        octets: bytes = super().recv(size, flags)  # type: ignore[misc]
        if not octets:
            raise ConnectionAbortedError("the connection was closed")
        return octets


class _Socket(_Ending, socket.socket):
    pass


class _TlsSocket(_Ending, ssl.SSLSocket):  # type: ignore[misc]
    pass


class _Client(paho.Client):
    """paho's client, which can be hung up at any moment, even while it is being connected."""

    _handle: socket.socket | None = None
    _hung_up = False

    def hang_up(self) -> None:
        """End whatever waits for the socket."""
        self._hung_up = True
        handle, self._handle = self._handle, None
        if handle is not None:
            with suppress(OSError):  # it has ended by itself
                handle.shutdown(socket.SHUT_RDWR)
            handle.close()

    def _create_socket_connection(self) -> socket.socket:
        plain = super()._create_socket_connection()
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._handle = plain.dup()
        ending = _Socket(plain.family, plain.type, plain.proto, fileno=plain.detach())
        ending.settimeout(self.connect_timeout)
        if self._hung_up:
            self.hang_up()
        return ending


def _client(entry: Mqtt, client_id: str, will: Message | None) -> _Client:
    version = MQTTProtocolVersion.MQTTv5 if entry.protocol == "5" else MQTTProtocolVersion.MQTTv311
    client = _Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=version,
        transport="websockets" if entry.transport == "websockets" else "tcp",
        reconnect_on_failure=False,
    )
    client.connect_timeout = CONNECT_S
    if entry.transport == "websockets":
        client.ws_set_options(path=entry.path)
    if entry.user or entry.password:
        client.username_pw_set(entry.user, entry.password or None)
    if entry.tls:
        client.tls_set_context(_tls(entry))
    if will:
        client.will_set(will.topic, will.payload, will.qos, will.retain)
    properties = None
    if entry.protocol == "5":
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.MaximumPacketSize = 2 * PAYLOAD_MAX
    client.connect_async(entry.host, entry.port, entry.keepalive_s, properties=properties)
    return client


def _tls(entry: Mqtt) -> ssl.SSLContext:
    """What the broker's certificate is checked by, and our own; raises `Trouble` for files that are wrong."""
    try:
        context = ssl.create_default_context(cafile=entry.ca_file or None)
    except (OSError, ValueError) as error:
        raise Trouble(f"ca_file {entry.ca_file} cannot be used: {_why(error)}") from None
    try:
        if entry.cert_file:
            context.load_cert_chain(entry.cert_file, entry.key_file or None, password="")
    except (OSError, ValueError) as error:
        raise Trouble(f"cert_file {entry.cert_file} and its key cannot be used: {_why(error)}") from None
    context.sslsocket_class = _TlsSocket
    return context


# -- what went wrong, in words -------------------------------------------------------------------------


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "not in PEM form").lower().replace("_", " ")
    return getattr(error, "strerror", None) or str(error)


def _unreachable(peer: str, error: Exception) -> str:
    host = peer.rpartition(":")[0]
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"the certificate of {peer} is not trusted ({error.verify_message.rstrip('.')}): "
                "set ca_file to the authority that signed it, and host to a name that it holds"
            )
        case ssl.SSLError():
            return f"{peer} does not agree on TLS ({_why(error)}): is this its TLS port?"
        case socket.gaierror() | UnicodeError():
            return f"{host} is not known on this network: check the name"
        case ConnectionRefusedError():
            return f"{peer} refuses: does a broker listen on this port?"
        case TimeoutError():
            return f"{peer} does not answer: is the broker on, and the address right?"
        case paho.WebsocketConnectionError():
            return f"{peer} does not speak MQTT over websockets here: check port and path"
        case ConnectionAbortedError() | ConnectionResetError() | BrokenPipeError():
            return _silent_end(peer)
        case OSError():
            return f"{peer} cannot be reached: {_why(error)}"
    return f"{peer} cannot be used: {error}"


def _silent_end(peer: str) -> str:
    return f"{peer} closed the connection without an answer: does it want TLS, or a client certificate?"


_REFUSALS = {
    "Bad user name or password": "{} refuses the user name or the password: check both",
    "Not authorized": "{} refuses the user name or the password, or the user may not connect: check both",
    "Banned": "{} has banned this client",
    "Client identifier not valid": "{} refuses the client id: set client_id to one that it takes",
    "Unsupported protocol version": "{} does not know this version of MQTT: set protocol to the other one",
    "Server unavailable": "{} is not available now",
    "Server busy": "{} is busy now",
}


def _refusal(peer: str, name: str) -> str:
    return _REFUSALS.get(name, f"{{}} refuses the connection: {name}").format(peer)


_LOSSES = {
    "Session taken over": "{} let another client in with the same client id: give each its own",
    "Keep alive timeout": "{} has stopped answering; connecting anew",
    "Server shutting down": "{} is shutting down; connecting anew",
    "Not authorized": "{} does not allow what was published: check the user's rights",
}


def _loss(peer: str, name: str) -> str:
    return _LOSSES.get(name, "the connection to {} was lost; connecting anew").format(peer)
