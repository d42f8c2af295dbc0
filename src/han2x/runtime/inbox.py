"""What has been delivered by a broker and is not taken yet: bounded by not reading on, never by dropping.

A subscription says what becomes of messages that wait. While an inbox is full its connection is not read, so
what more there is waits in the sockets' buffers and then at the broker. Pure.
"""

from enum import Enum
from typing import NamedTuple

from paho.mqtt.client import topic_matches_sub

ROOM, ROOM_OCTETS = 256, 4 * 1024 * 1024
"""Messages that may wait, and their octets, before the connection is not read any more."""

SHARED = "$share/"


class Keep(Enum):
    """What of a subscription's messages is kept until somebody takes it."""

    ALL = "all"
    """Each message, in the order they came: the broker has to wait."""

    NEWEST = "newest"
    """Of each topic the newest: what it says replaces what was said before."""


class Mail(NamedTuple):
    """A message that was delivered; `mid`: what it is acknowledged by, in a session."""

    topic: str
    payload: bytes
    mid: int


class Inbox:
    """The messages of one connection; a topic that nobody has named (of an older session) is kept whole."""

    def __init__(self) -> None:
        self._waiting: dict[str | int, Mail] = {}
        self._policies: dict[str, Keep] = {}
        self._count = self._octets = 0
        self.replaced = 0
        """Messages of `Keep.NEWEST` that a newer one has taken the place of."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether no more should be read until something is taken."""
        return len(self._waiting) >= ROOM or self._octets >= ROOM_OCTETS

    def keep(self, topic_filter: str, policy: Keep) -> None:
        """What becomes of the messages of a subscription; of a shared one its filter counts."""
        if topic_filter.startswith(SHARED):
            topic_filter = topic_filter.split("/", 2)[2]
        self._policies[topic_filter] = policy

    def put(self, mail: Mail) -> None:
        """Have a message wait; it is never refused, so who reads looks at `full` after each."""
        self._count += 1
        key = mail.topic if self._policy(mail.topic) is Keep.NEWEST else self._count
        if former := self._waiting.pop(key, None):
            self._octets -= len(former.payload)
            self.replaced += 1
        self._waiting[key] = mail
        self._octets += len(mail.payload)

    def take(self) -> Mail:
        """The message that has waited longest. Raises KeyError when there is none."""
        key = next(iter(self._waiting), 0)
        mail = self._waiting.pop(key)
        self._octets -= len(mail.payload)
        return mail

    def take_all(self) -> list[Mail]:
        """All that waits, in the order it came."""
        found = list(self._waiting.values())
        self._waiting.clear()
        self._octets = 0
        return found

    def _policy(self, topic: str) -> Keep:
        found = (policy for name, policy in self._policies.items() if topic_matches_sub(name, topic))
        return next(found, Keep.ALL)
