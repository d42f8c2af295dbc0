"""What is due to be published of one meter at one broker. Pure: a view and the time in, messages out.

By default as the manual (row M31): a topic is published when its content changes, or every ten minutes if it
does not. Otherwise with every telegram that brings it, or every so many seconds. What cannot be said (None)
is forgotten, so that it is said again when it comes back, even if it is the same.
"""

from collections.abc import Iterator
from datetime import tzinfo
from typing import NamedTuple

from ..model.instant import Instant
from ..model.view import FRESH_MS, View
from ..runtime.message import Message
from ..settings.schema import Mqtt
from .topics import OBJECTS, TOPICS, Content, Kind, Stamp, Topic

LOOK_MS = 10_000
"""How often to look without a telegram, at least: for the line's state, which no telegram tells of."""


class _Sent(NamedTuple):
    content: Content
    read_ms: int
    at_ms: int


class Plan:
    """The topics of one meter below `main_topic`, and when each was last published."""

    def __init__(self, broker: Mqtt, main_topic: str, zone: tzinfo) -> None:
        self._broker, self._main_topic, self._zone = broker, main_topic, zone
        self._sent: dict[str, _Sent] = {}
        self._manners = {
            Kind.VALUE: (broker.qos_values, broker.retain_values),
            Kind.ENERGY: (broker.qos_energies, broker.retain_energies),
            Kind.STATUS: (1, True),
        }

    def repeat(self) -> None:
        """The JSON objects are due again, for a Home Assistant that has just begun to listen."""
        for topic in OBJECTS:
            self._sent.pop(topic.name, None)

    def forget(self) -> None:
        """Everything is due again."""
        self._sent.clear()

    def due(self, view: View, now: Instant) -> list[Message]:
        """The messages to publish now, in the order of the table."""
        return list(self.each(view, now))

    def each(self, view: View, now: Instant) -> Iterator[Message]:
        """The same, one by one, so that the first are on their way while the last are made."""
        for topic in TOPICS:
            content = topic.content(view)
            if content is None:
                self._sent.pop(topic.name, None)
                continue
            read_ms = topic.read_at(view, now)
            sent = self._sent.get(topic.name)
            if sent is None or self._is_due(topic, sent, content, read_ms, now):
                self._sent[topic.name] = _Sent(content, read_ms, now.mono_ms)
                full = f"{self._main_topic}/{topic.name}"
                payload = topic.payload(view, content, Stamp(full, read_ms, self._zone))
                yield Message(full, payload, *self._manners[topic.kind])

    def _is_due(self, topic: Topic, sent: _Sent, content: Content, read_ms: int, now: Instant) -> bool:
        if now.mono_ms - sent.at_ms >= self._repeat_ms(topic):
            return True
        if topic.kind is Kind.STATUS or self._broker.publish == "on_change":
            return content != sent.content
        return self._broker.publish == "every_telegram" and abs(read_ms - sent.read_ms) >= SAME_MS

    def _repeat_ms(self, topic: Topic) -> int:
        if topic.kind is not Kind.STATUS and self._broker.publish == "interval":
            return self._broker.interval_s * 1000
        return 1000 * min(topic.repeat_s or self._broker.heartbeat_s, self._broker.heartbeat_s)

    def wait_ms(self, view: View, now: Instant) -> int:
        """How long nothing will be due if no telegram comes."""
        waits = [LOOK_MS]
        if view.age_ms is not None and view.is_live:
            waits.append(FRESH_MS + 1 - view.age_ms)
        said = ((topic, self._sent.get(topic.name)) for topic in TOPICS)
        waits += [sent.at_ms + self._repeat_ms(topic) - now.mono_ms for topic, sent in said if sent]
        return max(min(waits), 1)


SAME_MS = 500
"""Two readings nearer than this are one: the machine's clock may have been corrected a little."""
