"""What is published over MQTT."""

from typing import NamedTuple


class Message(NamedTuple):
    """`payload` octets to a full `topic`; `retain`: the broker keeps it for who comes later."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
