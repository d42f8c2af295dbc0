"""A connection to an MQTT broker: one object from its connect to its loss, never connected again.

A thread looks the name up, connects and shakes hands; then paho speaks the protocol on the loop, where its
socket never waits. What the broker does not take stays in the kernel's small buffer: whoever publishes waits
for room, then says the newest. What comes and is not taken is not dropped: the socket is not read until there
is room in the `Inbox`. What goes wrong becomes `Trouble` with a sentence that names no password.
"""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode

from ..settings.broker import Mqtt
from .broker_errors import loss, refusal, silent_end, unreachable
from .gateway import Trouble
from .inbox import Inbox, Keep, Mail
from .message import Message
from .mqtt_client import PAYLOAD_MAX, context_of, open_later
from .turns import turns

ROOM = 64
"""Messages without their acknowledgement (QoS 1) at most before a publisher has to wait."""

ANSWER_S, FAREWELL_S, LOOK_S = 15.0, 2.0, 1.0


TOPIC_SHOWN = 80
"""Characters of a topic that are told."""


class Broker:
    """An open connection. Methods are called on the loop that made it; call `close` when done.

    `session`: the broker keeps what it has for us while we are away, hands out `SESSION_ROOM` messages at
    once, and again what was not acknowledged. It goes by the client id, and needs MQTT 5. All that is
    delivered is to be acknowledged, whatever it is: no more comes when as many are open as may be handed out.
    """

    def __init__(
        self,
        entry: Mqtt,
        *,
        client_id: str,
        will: Message | None,
        context: ssl.SSLContext | None,
        session: bool = False,
    ) -> None:
        self.peer = f"{entry.host}:{entry.port}"
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self._room: asyncio.Future[None] | None = None
        self._mail: asyncio.Future[None] | None = None
        self._inbox = Inbox()
        self._paused = self._due = False
        self._turns = turns()
        self.dropped = 0
        """Messages that were refused: too large, of nobody knows when, or of QoS 0 in a session."""
        self.on_refused: Callable[[str], None] = lambda _: None
        """Told what was refused and why, ever more rarely: nobody may fill a log, or health."""
        self._unanswered: set[int] = set()
        self._answers: dict[int, asyncio.Future[str]] = {}
        self._session = session
        self.resumed = False
        """Whether the broker had kept a session for us, with its subscriptions."""
        self._let_go = self._writing = False
        self._fd = -1
        self._look: asyncio.TimerHandle | None = None
        self._client = open_later(entry, client_id, will, context, session=session)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_subscribe = self._client.on_unsubscribe = self._on_subscribe
        for future in (self._connected, self._lost):
            future.add_done_callback(lambda done: done.cancelled() or done.exception())  # may go unread

    # -- what may be asked of it --------------------------------------------------------------------

    async def opened(self) -> None:
        """Connect and wait for the broker's answer; raises `Trouble`."""
        threading.Thread(target=self._open, name=f"mqtt {self.peer}", daemon=True).start()
        try:
            async with asyncio.timeout(ANSWER_S):
                await asyncio.shield(self._connected)
        except TimeoutError:
            raise Trouble(f"{self.peer} does not answer: is it an MQTT broker?") from None

    def publish(self, message: Message) -> None:
        """Send a message after those before it; without a connection it is lost, as `lost` will tell."""
        self._publish(message)
        self._after()

    def publish_all(self, messages: Iterable[Message]) -> None:
        """Send messages in this order, a segment at a time."""
        with self._client.together():
            for message in messages:
                if not self._client.post(message):
                    self._publish(message)
        self._after()

    async def delivered(self, message: Message) -> str:
        """Publish with QoS 1, wait until the broker has it, and return its reason (MQTT 5, 3.4.2.1).

        Raises `Trouble` when it is gone.
        """
        mid = self._publish(message._replace(qos=1))
        self._after()
        return await self._answer(mid)

    def _publish(self, message: Message) -> int:
        if message.qos:  # with a callback for QoS 0 too, paho would take twice as long for each
            self._client.on_publish = self._on_publish
        mid = self._client.publish(*message).mid
        if message.qos:
            self._unanswered.add(mid)
        return mid

    async def _answer(self, mid: int) -> str:
        answer = self._answers[mid] = self._loop.create_future()
        try:
            await asyncio.wait((answer, self._lost), return_when=asyncio.FIRST_COMPLETED)
            self._raise_if_lost()
            return str(answer.result())
        finally:
            del self._answers[mid]

    @property
    def has_room(self) -> bool:
        """Whether the broker takes what it is sent."""
        return not self._writing and len(self._unanswered) < ROOM

    async def room(self) -> None:
        """Wait until the broker takes what it is sent; raises `Trouble` when it is gone."""
        while not self.has_room:
            await self._moved()

    async def taken(self) -> None:
        """Wait until the broker has taken everything; raises `Trouble` when it is gone."""
        while self._writing or self._unanswered:
            await self._moved()

    async def _moved(self) -> None:
        self._room = self._room or self._loop.create_future()
        await asyncio.wait((self._room, self._lost), return_when=asyncio.FIRST_COMPLETED)
        self._raise_if_lost()

    def subscribe(self, topic: str, keep: Keep) -> None:
        """Have a topic's messages delivered to `receive`, but not those that the broker has kept."""
        self._inbox.keep(topic, keep)
        self._client.subscribe(topic, qos=1)
        self._after()

    async def subscribed(self, topic: str, keep: Keep) -> None:
        """Subscribe with QoS 1, and wait for the broker's answer; raises `Trouble` if it is no.

        The answer may come behind more messages than the inbox holds: they must be taken meanwhile.
        """
        self._inbox.keep(topic, keep)
        _, mid = self._client.subscribe(topic, qos=1)
        self._after()
        reason = await self._answer(mid or 0)
        if not reason.startswith("Granted"):
            raise Trouble(f"{self.peer} does not allow to subscribe to {topic}: {reason}")

    async def unsubscribed(self, topic: str) -> None:
        """Have no more delivered of a topic, and wait for the broker's answer; mail is taken meanwhile."""
        _, mid = self._client.unsubscribe(topic)
        self._after()
        await self._answer(mid or 0)

    def end_session(self) -> None:
        """Disconnect, and have the broker forget us and all it had for us."""
        self._client.end_session()
        self._after()

    def acknowledge(self, mail: Iterable[Mail]) -> None:
        """The broker need not keep these messages any more."""
        with self._client.together():
            for one in mail:
                self._client.ack(one.mid, 1)
        self._after()

    async def arrived(self) -> None:
        """Wait until a message is there to be taken; raises `Trouble` when the broker is gone."""
        while not self._inbox:
            self._mail = self._loop.create_future()
            await asyncio.wait((self._mail, self._lost), return_when=asyncio.FIRST_COMPLETED)
            self._raise_if_lost()

    async def receive(self) -> Mail:
        """The next message; raises `Trouble` when the broker is gone."""
        await self.arrived()
        mail = self._inbox.take()
        self._read_on()
        return mail

    def mail(self) -> list[Mail]:
        """All that has arrived."""
        found = self._inbox.take_all()
        self._read_on()
        return found

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
                self._after()
                await asyncio.wait((self._lost,))
        except (TimeoutError, Trouble):
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        """Let go at once; a broker that listens is told."""
        self._let_go = True
        self._client.disconnect()
        self._client.hang_up()
        if self._look is not None:
            self._client.close()
        _fail(self._lost, loss(self.peer, ""))

    def _raise_if_lost(self) -> None:
        if self._lost.done():
            self._lost.result()

    # -- in a thread of its own, while connecting ---------------------------------------------------

    def _open(self) -> None:
        try:
            self._client.reconnect()
        except Exception as error:
            self._soon(_fail, self._connected, unreachable(self.peer, error))
        else:
            self._soon(self._attach)

    def _soon(self, call: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            self._loop.call_soon_threadsafe(call, *arguments)

    # -- paho on the loop ---------------------------------------------------------------------------

    def _attach(self) -> None:
        """The socket is open: from here on the loop tells when it may be read, and written to."""
        socket = self._client.socket()
        if self._let_go or socket is None:
            self._client.close()
            return
        self._fd = socket.fileno()
        self._client.on_socket_close = self._on_socket_close
        self._loop.add_reader(self._fd, self._read_soon)
        self._watch()

    def _on_socket_close(self, client: Any, data: Any, socket: Any) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)

    def _read_soon(self) -> None:
        """There is something to read."""
        if not self._due:
            self._due = True
            self._turns.add(self._read)

    def _read(self) -> None:
        """Take in one packet, or part of one; what TLS has read beyond it, the loop cannot see."""
        self._due = False
        if self._paused or self._look is None:
            return
        self._client.take_in()
        self._after()
        if self._inbox.full and self._look is not None:
            self._paused = True
            self._loop.remove_reader(self._fd)
        elif self._client.has_more:
            self._read_soon()

    def _read_on(self) -> None:
        """Read again what the full inbox held up."""
        if not self._paused or self._inbox.full:
            return
        self._paused = False
        self._client.excuse_silence()
        if self._look is not None:
            self._loop.add_reader(self._fd, self._read_soon)
            self._read_soon()

    def _watch(self) -> None:
        """Once a second: a sign of life when it is time for one, or the end if the last had no answer."""
        self._look = self._loop.call_later(LOOK_S, self._watch)
        if self._paused:
            self._client.excuse_silence()
        self._client.loop_misc()
        self._after()

    def _write(self) -> None:
        self._client.send_held()
        self._client.loop_write()
        self._after()

    def _after(self) -> None:
        """paho has sent what the socket took at once; the rest goes when it takes more."""
        rest = self._client.want_write()
        if rest == self._writing or self._look is None:
            return
        self._writing = rest
        if rest:
            self._loop.add_writer(self._fd, self._write)
        else:
            self._loop.remove_writer(self._fd)
            self._wake_publishers()

    def _on_connect(self, client: Any, data: Any, flags: Any, code: ReasonCode, properties: Any) -> None:
        if code.is_failure:
            _fail(self._connected, refusal(self.peer, code.getName()))
        else:
            self.resumed = bool(flags.session_present)
            _finish(self._connected)

    def _on_disconnect(self, client: Any, data: Any, flags: Any, code: ReasonCode, properties: Any) -> None:
        _fail(self._connected, silent_end(self.peer))
        _fail(self._lost, loss(self.peer, code.getName()))

    def _on_publish(self, client: Any, data: Any, mid: int, code: Any, properties: Any) -> None:
        self._unanswered.discard(mid)
        if not self._unanswered:
            self._client.on_publish = None
        self._answer_with(mid, code.getName())
        self._wake_publishers()

    def _on_message(self, client: Any, data: Any, message: paho.MQTTMessage) -> None:
        if why := self._objection(message):
            self.dropped += 1
            if self.dropped.bit_length() > (self.dropped - 1).bit_length():
                topic = f"{message.topic!r:.{TOPIC_SHOWN}}"
                count = "1 message was" if self.dropped == 1 else f"{self.dropped} messages were"
                self.on_refused(f"{count} refused, the last on {topic}: {why}")
            return
        self._inbox.put(Mail(message.topic, bytes(message.payload), message.mid))
        if self._mail:
            _finish(self._mail)

    def _objection(self, message: paho.MQTTMessage) -> str:
        """Why a message is not taken in, "" if it is."""
        if self._session:  # such the broker neither counts nor repeats: they could only crowd others out
            return "" if message.qos > 0 else "it has QoS 0. Publish with QoS 1"
        if len(message.payload) > PAYLOAD_MAX:
            return f"it is larger than {PAYLOAD_MAX} bytes"
        return "it was retained, so its age is not known. Publish without retain" if message.retain else ""

    def _on_subscribe(self, client: Any, data: Any, mid: int, codes: Any, properties: Any) -> None:
        self._answer_with(mid, codes[0].getName() if codes else "")

    def _wake_publishers(self) -> None:
        if self._room:
            _finish(self._room)
            self._room = None

    def _answer_with(self, mid: int, reason: str) -> None:
        if mid in self._answers and not self._answers[mid].done():
            self._answers[mid].set_result(reason)


async def connect(
    entry: Mqtt, *, client_id: str, will: Message | None = None, session: bool = False
) -> Broker:
    """An open connection to a broker; raises `Trouble` with what is in the way.

    No two connections may have the same `client_id`, or the broker lets only the newer one live.
    """
    context = await asyncio.to_thread(context_of, entry) if entry.tls else None
    broker = Broker(entry, client_id=client_id, will=will, context=context, session=session)
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
