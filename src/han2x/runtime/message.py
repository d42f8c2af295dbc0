"""What is published over MQTT, and how it is written down. Pure."""

from typing import NamedTuple


class Message(NamedTuple):
    """`payload` octets to a full `topic`; `retain`: the broker keeps it for who comes later."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


PUBLISH, RETAIN = 0x30, 0x01
NO_PROPERTIES = b"\0"


def packet(message: Message, *, properties: bool) -> bytes:
    """The PUBLISH packet of a message of QoS 0 (MQTT 5, 3.3; `properties`: it has them, unlike 3.1.1's)."""
    topic = message.topic.encode()
    rest = len(topic).to_bytes(2) + topic + (NO_PROPERTIES if properties else b"") + message.payload
    return bytes((PUBLISH | message.retain,)) + _variable(len(rest)) + rest


def _variable(length: int) -> bytes:
    """A variable byte integer (MQTT 5, 1.5.5)."""
    octets = bytearray()
    while length > 0x7F:
        octets.append(0x80 | length & 0x7F)
        length >>= 7
    octets.append(length)
    return bytes(octets)
