"""A connection to an MQTT broker: one object from its connect to its loss, never connected again.

paho speaks the protocol in a thread of its own, so that neither name look-ups nor TLS nor a slow broker hold
up the loop. Nothing is queued beyond `ROOM` messages: whoever publishes waits for room, then says the newest.
What goes wrong becomes `Trouble` with a sentence that names no password.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode

from ..settings.schema import Mqtt
from .broker_words import loss, refusal, silent_end, unreachable
from .gateway import Trouble
from .mqtt_client import PAYLOAD_MAX, Message, open_later

__all__ = ["Broker", "Mail", "Message", "connect"]

AT_ONCE = 12
"""Messages for which paho's thread is woken once: enough for a telegram's values."""

ROOM = 64
"""Messages on their way at most before a publisher has to wait; one meter's telegram makes half as many."""

ANSWER_S, FAREWELL_S = 15.0, 2.0
INBOX = 256


class Mail(NamedTuple):
    """What has been delivered; `mid`: what it is acknowledged by, in a session."""

    topic: str
    payload: bytes
    mid: int


class Broker:
    """An open connection. Methods are called on the loop that made it; call `close` when done.

    `session`: the broker keeps what it has for us while we are away, hands out `SESSION_ROOM` messages at
    once, and again what was not acknowledged. It goes by the client id, and needs MQTT 5.
    """

    def __init__(self, entry: Mqtt, *, client_id: str, will: Message | None, session: bool = False) -> None:
        self.peer = f"{entry.host}:{entry.port}"
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self._room: asyncio.Future[None] | None = None
        self._mail: asyncio.Future[None] | None = None
        self._inbox: deque[Mail] = deque(maxlen=INBOX)
        self._sent = self._done = 0
        self._answers: dict[int, asyncio.Future[str]] = {}
        self._answered = 0
        self._session = session
        self._client = open_later(entry, client_id, will, session=session)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message
        self._client.on_subscribe = self._client.on_unsubscribe = self._on_subscribe
        for future in (self._connected, self._lost):
            future.add_done_callback(lambda done: done.cancelled() or done.exception())  # may go unread

    # -- for the loop -------------------------------------------------------------------------------

    def publish(self, message: Message) -> None:
        """Send a message after those before it."""
        self._sent += 1
        with suppress(AttributeError, OSError):  # the connection has ended this moment, as `lost` will tell
            self._client.publish(message.topic, message.payload, message.qos, message.retain)

    def publish_all(self, messages: Iterable[Message]) -> list[Message]:
        """Send messages in this order, some at a time, as they are made; what was sent."""
        coming, sent = iter(messages), list[Message]()
        while some := self._client.at_once(partial(self._publish_some, coming)):
            sent += some
        return sent

    def _publish_some(self, coming: Iterator[Message]) -> list[Message]:
        some = []
        for message in islice(coming, AT_ONCE):
            self.publish(message)
            some.append(message)
        return some

    async def delivered(self, message: Message) -> str:
        """Publish with QoS 1, wait until the broker has it, and return its reason (MQTT 5, 3.4.2.1).

        Raises `Trouble` when it is gone.
        """
        self._sent += 1
        self._answered += 1  # before paho can answer
        try:
            info = self._client.publish(message.topic, message.payload, 1, message.retain)
            return await self._answer(info.mid)
        finally:
            self._answered -= 1

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

    async def subscribed(self, topic: str) -> None:
        """Subscribe with QoS 1, and wait for the broker's answer; raises `Trouble` if it is no."""
        self._answered += 1
        try:
            _, mid = self._client.subscribe(topic, qos=1)
            reason = await self._answer(mid or 0)
        finally:
            self._answered -= 1
        if not reason.startswith("Granted"):
            raise Trouble(f"{self.peer} does not allow to subscribe to {topic}: {reason}")

    async def unsubscribed(self, topic: str) -> None:
        """Have no more delivered of a topic, and wait until the broker has seen to it."""
        self._answered += 1
        try:
            _, mid = self._client.unsubscribe(topic)
            await self._answer(mid or 0)
        finally:
            self._answered -= 1

    def end_session(self) -> None:
        """Disconnect, and have the broker forget us and all it had for us."""
        self._client.end_session()

    def acknowledge(self, mail: Mail) -> None:
        """The broker need not keep a message any more."""
        self._client.ack(mail.mid, 1)

    async def mail(self) -> list[Mail]:
        """All that has come, at least one message; raises `Trouble` when the broker is gone."""
        found = [await self.receive()]
        while self._inbox:  # paho's thread may put more into it
            found.append(self._inbox.popleft())
        return found

    async def receive(self) -> Mail:
        """The next message; raises `Trouble` when the broker is gone."""
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
            self._soon(_fail, self._connected, unreachable(self.peer, error))
        else:
            self._client.loop_start()

    def _on_connect(self, client: Any, data: Any, flags: Any, code: ReasonCode, properties: Any) -> None:
        if code.is_failure:
            self._soon(_fail, self._connected, refusal(self.peer, code.getName()))
        else:
            self._soon(_finish, self._connected)

    def _on_disconnect(self, client: Any, data: Any, flags: Any, code: ReasonCode, properties: Any) -> None:
        self._soon(_fail, self._connected, silent_end(self.peer))
        self._soon(_fail, self._lost, loss(self.peer, code.getName()))

    def _on_publish(self, client: Any, data: Any, mid: int, code: Any, properties: Any) -> None:
        self._done += 1
        if self._answered:
            self._soon(self._answer_with, mid, code.getName())
        if self._room and (self._done == self._sent or self._sent - self._done == ROOM // 2):
            self._soon(self._wake_publishers)

    def _on_message(self, client: Any, data: Any, message: paho.MQTTMessage) -> None:
        if self._session and not message.qos:
            return  # the broker neither counts it nor would send it again: it could only crowd others out
        if len(message.payload) <= PAYLOAD_MAX and not message.retain:  # retained: nobody knows how old
            self._inbox.append(Mail(message.topic, bytes(message.payload), message.mid))
            self._soon(self._wake_receiver)
        elif self._session:
            client.ack(message.mid, message.qos)

    def _on_subscribe(self, client: Any, data: Any, mid: int, codes: Any, properties: Any) -> None:
        if self._answered:
            self._soon(self._answer_with, mid, codes[0].getName() if codes else "")

    def _soon(self, call: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            self._loop.call_soon_threadsafe(call, *arguments)

    def _wake_publishers(self) -> None:
        if self._room:
            _finish(self._room)
            self._room = None

    def _answer_with(self, mid: int, reason: str) -> None:
        if mid in self._answers and not self._answers[mid].done():
            self._answers[mid].set_result(reason)

    def _wake_receiver(self) -> None:
        if self._mail:
            _finish(self._mail)


async def connect(
    entry: Mqtt, *, client_id: str, will: Message | None = None, session: bool = False
) -> Broker:
    """An open connection to a broker; raises `Trouble` with what is in the way.

    No two connections may have the same `client_id`, or the broker lets only the newer one live.
    """
    broker = Broker(entry, client_id=client_id, will=will, session=session)
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
