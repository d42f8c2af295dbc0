"""The settings of an MQTT broker: how it is reached, and what is published there."""

from dataclasses import dataclass

from .database import EXTENTS
from .device import FILE
from .identity import DEFAULT_NAME, identify
from .reach import PLAIN, READS_FILE, SHOWS_BYTES, TAKES_SECRET
from .rule import BOOLEAN, IDENTITY, LABEL, choice, integer, setting, text

BROKER_HOST = text(r"[A-Za-z0-9.:%_-]{1,255}", "a host name or an IP address", kind="host")
LINE = text(r"[^\0\r\n]{0,255}", "a line of at most 255 characters")
SECRET = text(r"[^\0\r\n]{0,255}", "a line of at most 255 characters", secret=True)
PATH = text(r"/[!-~]{0,255}", "a path such as /mqtt")
TOPIC = text(
    r"([^\0-\x20+#/$][^\0-\x20+#]{0,127}(?<!/))?", "a topic without spaces, + and #, or empty for the default"
)
PREFIX = text(r"[^\0-\x20+#/$][^\0-\x20+#]{0,64}(?<!/)", "a topic without spaces, + and #")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mqtt:
    """`[[mqtt]]`: an MQTT broker. Repeat the table for each broker."""

    id: str = setting("", IDENTITY, PLAIN, "Who the broker is: sources and stored state go by it. Made once.")
    name: str = setting("main", LABEL, PLAIN, "Name of the broker, for people; may be changed at any time.")
    enabled: bool = setting(False, BOOLEAN, PLAIN, "Publish values there.")
    host: str = setting("localhost", BROKER_HOST, TAKES_SECRET, "Host name or IP address of the broker.")
    port: int = setting(1883, integer(1, 65535), TAKES_SECRET, "TCP port; 8883 is usual with TLS.")
    protocol: str = setting("5", choice("5", "3.1.1"), PLAIN, "Version of MQTT.")
    transport: str = setting("tcp", choice("tcp", "websockets"), TAKES_SECRET, "What carries it.")
    path: str = setting("/mqtt", PATH, TAKES_SECRET, "Path of the websocket.")
    user: str = setting("", LINE, PLAIN, "User name; empty for none.")
    password: str = setting("", SECRET, PLAIN, "Password; empty for none.")
    client_id: str = setting("", LINE, PLAIN, "Client id; empty for han2x- and a number drawn once.")
    keepalive_s: int = setting(30, integer(5, 3600), PLAIN, "Silence after which the connection is tried.")
    tls: bool = setting(False, BOOLEAN, TAKES_SECRET, "Encrypt the connection, and check the broker's name.")
    ca_file: str = setting(
        "",
        FILE,
        READS_FILE | TAKES_SECRET,
        "Certificates of who may vouch for the broker; empty for the system's.",
    )
    cert_file: str = setting(
        "", FILE, READS_FILE, "Our own certificate, for brokers that ask for one; empty for none."
    )
    key_file: str = setting("", FILE, READS_FILE, "Its private key; empty if cert_file holds it.")
    publish: str = setting(
        "on_change",
        choice("on_change", "every_telegram", "interval"),
        PLAIN,
        "When values are published; on_change is as the device, with heartbeat_s.",
    )
    heartbeat_s: int = setting(
        600, integer(10, 86_400), PLAIN, "A value that stays the same is repeated so often."
    )
    interval_s: int = setting(
        10, integer(1, 3600), PLAIN, "How often every value is published, if publish is interval."
    )
    retain_values: bool = setting(
        False, BOOLEAN, PLAIN, "Have the broker keep powers, currents and voltages."
    )
    retain_energies: bool = setting(True, BOOLEAN, PLAIN, "Have it keep energies and who the meter is.")
    qos_values: int = setting(0, integer(0, 2), PLAIN, "Quality of service of powers, currents and voltages.")
    qos_energies: int = setting(
        1, integer(0, 2), PLAIN, "Quality of service of energies and who the meter is."
    )
    discovery: str = setting(
        "device",
        choice("device", "entities", "off"),
        PLAIN,
        "Home Assistant discovery: one message a device, one an entity (before 2025.6), or none.",
    )
    discovery_prefix: str = setting("homeassistant", PREFIX, PLAIN, "Topic under which Home Assistant looks.")
    prices_topic: str = setting(
        "", TOPIC, PLAIN, "Topic that spot prices come from, as CSV or JSON; empty for none."
    )
    raw: str = setting(
        "off", choice("off", "hex", "binary"), SHOWS_BYTES, "Publish each telegram as it came."
    )
    history: str = setting(
        "off",
        choice("off", *EXTENTS),
        PLAIN,
        "What of the history is published, for han2x collect: hours, minutes too, or ten seconds too.",
    )

    def __post_init__(self) -> None:
        identify(self, "broker")

    @property
    def service(self) -> str:
        """What its connection is called in health, log and API: by its id, however many brokers there are.

        That of the broker every installation begins with is `mqtt`.
        """
        return "mqtt" if self.id == DEFAULT_NAME else f"mqtt {self.id}"
