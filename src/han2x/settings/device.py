"""The settings of the box itself: its lines, its network, and how it is found."""

from dataclasses import dataclass

from .reach import PLAIN, READS_FILE
from .rule import ADDRESS, BOOLEAN, IPV4, IPV4_LIST, choice, integer, setting, text

FILE = text(r"(/[^\0\n]{1,1023})?", "the whole path of a file, or empty")
GPIO = r"([A-Za-z0-9_.-]{1,31}:)?[A-Za-z0-9_. +-]{1,31}"
LINE_IN = text(f"({GPIO})?", "a GPIO line: its name, its number, or gpiochip0:17; or empty for none")
LAMP = text(
    rf"({GPIO}|led:[A-Za-z0-9_.:-]{{1,63}})?",
    "a GPIO line: its name, its number, or gpiochip0:17; led:NAME for a lamp of the kernel; or empty",
)
INTERFACE = text(r"[A-Za-z0-9_.@-]{0,15}", "the name of a network interface, or empty for the wired one")
HOST_NAME = text(
    r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)?", "a host name of a-z, 0-9 and -, or empty to leave it"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """`[board]`: lamps, button, input and sensor of the machine; a factory reset leaves them."""

    enabled: bool = setting(True, BOOLEAN, PLAIN, "Use lamps, button, input and sensor.")
    button: str = setting("", LINE_IN, PLAIN, "Line of the button FACTRESET.")
    button_inverted: bool = setting(True, BOOLEAN, PLAIN, "The button connects its line to ground.")
    digital_input: str = setting("", LINE_IN, PLAIN, "Line of the digital input.")
    digital_inverted: bool = setting(True, BOOLEAN, PLAIN, "A closed contact connects the line to ground.")
    debounce_ms: int = setting(20, integer(0, 1000), PLAIN, "How long a contact must stay before it counts.")
    power_lamp: str = setting("", LAMP, PLAIN, "Line of the lamp POWER, lit while the program runs.")
    han_lamp: str = setting("", LAMP, PLAIN, "Line of the lamp HAN, lit while telegrams come.")
    temperature: str = setting(
        "", FILE, READS_FILE, "File of the temperature sensor; empty for the machine's first."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """`[network]`: the machine's own network, through NetworkManager; off unless asked for."""

    manage: bool = setting(False, BOOLEAN, PLAIN, "Let the program set the machine's network.")
    interface: str = setting("", INTERFACE, PLAIN, "Network interface that is set.")
    method: str = setting("static", choice("static", "dhcp"), PLAIN, "Where the address comes from.")
    address: str = setting(
        "192.168.1.232/24", ADDRESS, PLAIN, "Static address; also used where DHCP gives none within 8 s."
    )
    gateway: str = setting("", IPV4, PLAIN, "Default gateway of the static address; empty for none.")
    dns: str = setting("", IPV4_LIST, PLAIN, "Name servers, separated by commas; empty for those of DHCP.")
    host_name: str = setting("", HOST_NAME, PLAIN, "Host name of the machine.")
    trial_s: int = setting(
        120, integer(20, 3600), PLAIN, "A change undoes itself after so many seconds unless it is confirmed."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """`[announce]`: how the gateway is found on the local network (mDNS)."""

    enabled: bool = setting(False, BOOLEAN, PLAIN, "Announce it; needs han2x[mdns].")
    name: str = setting("", HOST_NAME, PLAIN, "Name before .local; empty for han2x- and a number drawn once.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What the announcement depends on. `meter`: whose number names the gateway; a port of 0 is none."""

    announce: Announce
    meter: str
    modbus_port: int
    web_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the watchdog tries: the Modbus server.

    `server`: the service that must run first, empty for none. `port`: to ask, 0 for none.
    """

    server: str
    host: str
    port: int
