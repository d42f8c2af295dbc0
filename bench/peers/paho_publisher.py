"""The least that publishes a meter's values with paho-mqtt: values in on a socket, one message each out.

    python paho_publisher.py BROKER_PORT     prints the TCP port on which it takes values

A line of JSON (a list of topic, value and unit) is one telegram, already decoded; nothing is checked,
remembered or timed. Messages have the HAN2X manual's keys.
"""

import json
import socket
import sys
from datetime import UTC, datetime

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion


def main() -> None:
    """Publish what comes until it ends."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", int(sys.argv[1]))
    client.loop_start()
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        meter, _ = server.accept()
        for line in meter.makefile("rb"):
            now = datetime.now(UTC)
            for topic, value, unit in json.loads(line):
                payload = {
                    "value": value,
                    "unit": unit,
                    "dateTime": now.astimezone().isoformat(),
                    "dateTimeUtc": now.isoformat(),
                    "topic": topic,
                }
                client.publish(topic, json.dumps(payload))


main()
