"""PUBLISH packets, as another implementation writes them."""

import socket

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from han2x.runtime.message import Message, packet

VERSIONS = {False: MQTTProtocolVersion.MQTTv311, True: MQTTProtocolVersion.MQTTv5}


def by_paho(message: Message, *, properties: bool) -> bytes:
    """What paho sends for it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=VERSIONS[properties])
        client._sock = theirs
        client.publish(*message)
        client._sock = None
        theirs.shutdown(socket.SHUT_WR)
        octets = b""
        while piece := ours.recv(65_536):
            octets += piece
        return octets


@pytest.mark.parametrize("properties", [False, True])
@pytest.mark.parametrize("size", [0, 1, 100, 119, 120, 121, 122, 123, 16_375, 16_376, 16_377, 16_378, 16_379])
def test_every_length_of_the_length(properties: bool, size: int) -> None:
    """The lengths around which the length itself takes an octet more."""
    message = Message("main", b"x" * size, 0, size % 2 == 0)
    assert packet(message, properties=properties) == by_paho(message, properties=properties)


TOPICS = st.text(st.characters(exclude_characters="#+\0", exclude_categories=["Cs"]), min_size=1)


@given(TOPICS, st.binary(max_size=400), st.booleans(), st.booleans())
def test_any_message(topic: str, payload: bytes, retain: bool, properties: bool) -> None:
    """Topics in any script, any payload."""
    message = Message(topic, payload, 0, retain)
    assert packet(message, properties=properties) == by_paho(message, properties=properties)
