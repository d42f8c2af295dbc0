"""What is due to be published of one meter at one broker. Pure: a view and the time in, messages out.

By default as the manual (row M31): a topic is published when its content changes, or every ten minutes if it
does not. Otherwise with every telegram that brings it, or every so many seconds. What cannot be said (None)
is forgotten, so that it is said again when it comes back, even if it is the same.
"""

from collections.abc import Iterator
from datetime import tzinfo

from ..model.instant import Instant
from ..model.view import FRESH_MS, View
from ..runtime.message import Message
from ..settings.broker import Mqtt
from .objects import OBJECTS
from .topic import Content, Kind, Stamp, Topic
from .topics import COUNTERS, MOMENT, MORE

PARTS = (MOMENT, (*COUNTERS, *MORE), OBJECTS)
TOPICS = tuple(topic for part in PARTS for topic in part)

LOOK_MS = 10_000
"""How often to look without a telegram, at least: for the line's state, which no telegram tells of."""


class _Row:
    """A topic of one meter: how it is said, and what was last said and when (`at_ms`, None: nothing)."""

    __slots__ = (
        "at_ms",
        "content",
        "every_telegram",
        "full",
        "on_change",
        "qos",
        "read_ms",
        "repeat_ms",
        "retain",
        "topic",
    )

    def __init__(self, topic: Topic, broker: Mqtt, main_topic: str) -> None:
        self.topic, self.full = topic, f"{main_topic}/{topic.name}"
        status = topic.kind is Kind.STATUS
        self.on_change = status or broker.publish == "on_change"
        self.every_telegram = broker.publish == "every_telegram"
        self.repeat_ms = 1000 * min(topic.repeat_s or broker.heartbeat_s, broker.heartbeat_s)
        if broker.publish == "interval" and not status:
            self.repeat_ms = 1000 * broker.interval_s
        self.qos, self.retain = {
            Kind.VALUE: (broker.qos_values, broker.retain_values),
            Kind.ENERGY: (broker.qos_energies, broker.retain_energies),
            Kind.STATUS: (1, True),
        }[topic.kind]
        self.at_ms: int | None = None
        self.content: Content = None
        self.read_ms = 0

    def due(self, view: View, now: Instant, zone: tzinfo) -> Message | None:
        """What there is to say, if it is time to say it."""
        content = self.topic.content(view)
        if content is None:
            self.at_ms = None
            return None
        if not self._is_due(content, view, now):
            return None
        self.content, self.read_ms, self.at_ms = content, self.topic.read_at(view, now), now.mono_ms
        payload = self.topic.payload(view, content, Stamp(self.full, self.read_ms, zone))
        return Message(self.full, payload, self.qos, self.retain)

    def _is_due(self, content: Content, view: View, now: Instant) -> bool:
        if self.at_ms is None or now.mono_ms - self.at_ms >= self.repeat_ms:
            return True
        if self.on_change:
            return content != self.content
        return self.every_telegram and abs(self.topic.read_at(view, now) - self.read_ms) >= SAME_MS


class Plan:
    """The topics of one meter below `main_topic`, and when each was last published."""

    def __init__(self, broker: Mqtt, main_topic: str, zone: tzinfo) -> None:
        self._parts = [[_Row(topic, broker, main_topic) for topic in topics] for topics in PARTS]
        self._rows = [row for rows in self._parts for row in rows]
        self._zone = zone

    def repeat(self) -> None:
        """The JSON objects are due again, for a Home Assistant that has just begun to listen."""
        for row in self._rows:
            if row.topic in OBJECTS:
                row.at_ms = None

    def forget(self) -> None:
        """Everything is due again."""
        for row in self._rows:
            row.at_ms = None

    def due(self, view: View, now: Instant) -> list[Message]:
        """The messages to publish now, in the order of the table."""
        return [message for part in self.parts(view, now) for message in part]

    def parts(self, view: View, now: Instant) -> Iterator[list[Message]]:
        """The same in parts, so that the first is on its way while the next is made."""
        for rows in self._parts:
            yield [message for row in rows if (message := row.due(view, now, self._zone))]

    def wait_ms(self, view: View, now: Instant) -> int:
        """How long nothing will be due if no telegram comes."""
        waits = [LOOK_MS]
        if view.age_ms is not None and view.is_live:
            waits.append(FRESH_MS + 1 - view.age_ms)
        waits += [row.at_ms + row.repeat_ms - now.mono_ms for row in self._rows if row.at_ms is not None]
        return max(min(waits), 1)


SAME_MS = 500
"""Two readings nearer than this are one: the machine's clock may have been corrected a little."""
