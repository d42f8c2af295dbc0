"""paho's client as we need it: it can be hung up at any moment, and is set up from a broker's settings."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ..settings.broker import Mqtt
from .broker_errors import why
from .files import read
from .gateway import Trouble
from .message import Message, packet

CONNECT_S = 10.0
PEM_MAX = 2_000_000
PAYLOAD_MAX = 65_536
"""Octets of a message that is taken in; MQTT 5 brokers are told, others' larger messages are dropped."""

PACKET_MAX, SESSION_PACKET_MAX = 2 * PAYLOAD_MAX, 16 * PAYLOAD_MAX
"""Octets of a packet that are kept while it is read; MQTT 5 brokers are told, and send no larger ones. What a
session is sent is larger, for it has to be acknowledged, and what is wrong with it is to be said."""

CONTROL_MAX = 4096
"""Bytes of a packet that is no message: any larger one ends the connection before its body is read."""

PROPERTIES_MAX = 1024
"""Bytes of a message's properties (MQTT 5) that are looked at: paho takes quadratic time for many."""

CHUNK = 65_536
"""Octets that are read at once at most."""

UNTAKEN = 32_768
"""Octets that wait in the kernel (it takes twice as many) for a broker that does not read: they get old."""

SEGMENT = 1400
"""Octets that are sent together: what fits a TCP segment nearly everywhere."""

SESSION_ROOM = 100
"""Messages that a session has at most without their acknowledgement."""

FOR_EVER = 0xFFFF_FFFF
PUBLISH, PUBLISH_TYPE = 0x30, 0xF0
QOS, QOS_2 = 0x06, 0x04
"""In the first octet of a PUBLISH (MQTT 5, 3.3.1.2)."""


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


class _Bounded(bytearray):
    """A packet that is being read; what is beyond its limit is forgotten: no packet fills the memory."""

    limit = PACKET_MAX

    def __iadd__(self, more: Any) -> Self:  # type: ignore[misc]
        return super().__iadd__(more[: self.limit - len(self)])


class Client(paho.Client):
    """paho's client, which can be hung up at any moment, even while it is being connected."""

    packet_max = PACKET_MAX
    _handle: socket.socket | None = None
    _hung_up = False
    _gathering = False
    _held = b""

    def hang_up(self) -> None:
        """End whatever waits for the socket."""
        self._hung_up = True
        handle, self._handle = self._handle, None
        if handle is not None:
            with suppress(OSError):  # it has ended by itself
                handle.shutdown(socket.SHUT_RDWR)
            handle.close()

    def close(self) -> None:
        """Close the socket, which nobody waits for."""
        self.hang_up()
        self._sock_close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send what is published in here a segment at a time, and not each message by itself."""
        self._gathering = True
        try:
            yield
        finally:
            self._gathering = False
            self.send_held()

    def post(self, message: Message) -> bool:
        """Send a message of QoS 0 without what paho does for answers; False if paho has to send it.

        It goes between paho's packets, so only with what is sent together, and while paho has none half sent.
        """
        if message.qos or not self._gathering or super().want_write() or self.socket() is None:
            return False
        self._sock_send(packet(message, properties=self._protocol == MQTTProtocolVersion.MQTTv5))
        return True

    def send_held(self) -> None:
        """Send what is held back, as far as the socket takes it."""
        if not self._held:
            return
        try:
            self._held = self._held[super()._sock_send(self._held) :]
        except BlockingIOError:
            pass
        except OSError:
            self._held = b""
            self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)

    def want_write(self) -> bool:
        """Whether the socket has not taken everything yet."""
        return bool(self._held) or super().want_write()

    def _sock_send(self, buf: bytes | bytearray) -> int:
        if self._gathering:
            self._held += buf
            if len(self._held) >= SEGMENT:
                self.send_held()
            return len(buf)
        self.send_held()
        if self._held:
            raise BlockingIOError
        return super()._sock_send(buf)

    def take_in(self) -> None:
        """Read a packet; one that paho cannot make sense of ends the connection, as one it knows is wrong."""
        if self.socket() is None:
            return
        if not self._in_packet["command"]:
            self._in_packet["packet"] = packet = _Bounded()
            packet.limit = self.packet_max
        try:
            code = self._packet_read()
        except Exception:  # paho names only some of what it may meet
            code = MQTTErrorCode.MQTT_ERR_PROTOCOL
        if code > 0:
            self._loop_rc_handle(code)

    def _sock_recv(self, bufsize: int) -> bytes:
        """Read on, unless the fixed header tells that the packet is larger than any of its kind may be."""
        packet = self._in_packet
        is_message = packet["command"] & PUBLISH_TYPE == PUBLISH
        if packet["have_remaining"] and not is_message and packet["remaining_length"] > CONTROL_MAX:
            raise ConnectionAbortedError("a packet is too large")
        octets = super()._sock_recv(min(bufsize, CHUNK))
        if len(getattr(self.socket(), "_readbuffer", b"")) > 2 * self.packet_max:
            raise ConnectionAbortedError("a frame is too large")
        return octets

    def _handle_publish(self) -> MQTTErrorCode:
        packet = self._in_packet
        if packet["command"] & QOS_2:  # nobody has subscribed with it, and paho would keep it
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        if self._protocol == MQTTProtocolVersion.MQTTv5:
            packet["packet"] = _with_few_properties(packet["packet"], has_id=bool(packet["command"] & QOS))
        return super()._handle_publish()

    def excuse_silence(self) -> None:
        """Forget that an answer is due: what the broker says has not been read."""
        self._ping_t = 0.0
        self._last_bytes_received = time.monotonic()

    @property
    def has_more(self) -> bool:
        """Whether more has been read from the socket than was taken in."""
        pending = getattr(self.socket(), "pending", None)
        return pending is not None and pending() > 0

    def end_session(self) -> None:
        """Disconnect, and let the broker keep nothing for us (MQTT 5, 3.14.2.2.2)."""
        properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 0
        self.disconnect(properties=properties)

    def _create_socket_connection(self) -> socket.socket:
        plain = super()._create_socket_connection()
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNTAKEN)
        self._handle = plain.dup()
        ending = _Socket(plain.family, plain.type, plain.proto, fileno=plain.detach())
        ending.settimeout(self.connect_timeout)
        if self._hung_up:
            self.hang_up()
        return ending


def _with_few_properties(packet: bytearray, *, has_id: bool) -> bytearray:
    """A PUBLISH of MQTT 5 without its properties, if they are too many (3.3.2.3); its payload stays.

    Raises ValueError or IndexError for one that ends within them.
    """
    at = 2 + int.from_bytes(packet[:2]) + 2 * has_id
    size, end = 0, at
    for shift in range(0, 28, 7):
        size |= (packet[end] & 0x7F) << shift
        end += 1
        if not packet[end - 1] & 0x80:
            break
    if end + size > len(packet):
        raise ValueError("a message ends within its properties")
    return packet if size <= PROPERTIES_MAX else packet[:at] + b"\0" + packet[end + size :]


def open_later(
    entry: Mqtt, client_id: str, will: Message | None, context: ssl.SSLContext | None, *, session: bool
) -> Client:
    """A client that `reconnect` connects; `context`: what `context_of` has made."""
    version = MQTTProtocolVersion.MQTTv5 if entry.protocol == "5" else MQTTProtocolVersion.MQTTv311
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=version,
        transport="websockets" if entry.transport == "websockets" else "tcp",
        reconnect_on_failure=False,
        manual_ack=session,
    )
    client.connect_timeout = CONNECT_S
    client.packet_max = SESSION_PACKET_MAX if session else PACKET_MAX
    if entry.transport == "websockets":
        client.ws_set_options(path=entry.path)
    if entry.user or entry.password:
        client.username_pw_set(entry.user, entry.password or None)
    if context:
        client.tls_set_context(context)
    if will:
        client.will_set(will.topic, will.payload, will.qos, will.retain)
    properties = None
    if entry.protocol == "5":
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.MaximumPacketSize = client.packet_max
        if session:
            properties.SessionExpiryInterval = FOR_EVER
            properties.ReceiveMaximum = SESSION_ROOM
    fresh = False if session else paho.MQTT_CLEAN_START_FIRST_ONLY
    client.connect_async(entry.host, entry.port, entry.keepalive_s, clean_start=fresh, properties=properties)
    return client


def context_of(entry: Mqtt) -> ssl.SSLContext | None:
    """What a broker's certificate is checked by, and our own; None without TLS. Blocks.

    Raises `Trouble` for files that are wrong.
    """
    if not entry.tls:
        return None
    try:
        for file in filter(None, (entry.ca_file, entry.cert_file, entry.key_file)):
            read(Path(file), PEM_MAX)  # OpenSSL would wait for a pipe, and read a device without end
    except OSError as error:
        raise Trouble(f"{file} cannot be used: {error.strerror or error}") from None
    try:
        context = ssl.create_default_context(cafile=entry.ca_file or None)
    except (OSError, ValueError) as error:
        raise Trouble(f"ca_file {entry.ca_file} cannot be used: {why(error)}") from None
    try:
        if entry.cert_file:
            context.load_cert_chain(entry.cert_file, entry.key_file or None, password="")
    except (OSError, ValueError) as error:
        raise Trouble(f"cert_file {entry.cert_file} and its key cannot be used: {why(error)}") from None
    context.sslsocket_class = _TlsSocket
    return context
