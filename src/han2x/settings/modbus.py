"""The settings of Modbus: what its maps show, and the servers on TCP, serial lines, RTU over TCP and TLS."""

from dataclasses import dataclass

from .device import FILE
from .reach import ADMITS, OPENS_DEVICE, PLAIN, READS_FILE
from .rule import BOOLEAN, HOST, NETWORKS, Rule, choice, integer, setting, text

WHEN_STALE = choice("hold", "unavailable", "zero", "exception")
DEVICE = text(r"(/[^\0\n]{1,255})?", "the path of a serial device, such as /dev/ttyUSB0, or empty")
BAUD_RATES = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
BAUD_RATE = Rule(
    f"one of {', '.join(map(str, BAUD_RATES))}",
    lambda value: type(value) is int and value in BAUD_RATES,
    kind="choice",
    choices=BAUD_RATES,
)
ROLES = text(r"[^\0\r\n]{0,255}", "names of roles, separated by commas, or empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusMaps:
    """`[modbus_maps]`: what the maps show, on TCP and on serial lines alike."""

    stale_after_s: int = setting(
        30, integer(30, 3600), PLAIN, "Silence of the meter after which its values are stale."
    )
    han2x_when_stale: str = setting(
        "hold", WHEN_STALE, PLAIN, "What the HAN2X map then does; hold is as the device."
    )
    swapped_when_stale: str = setting("hold", WHEN_STALE, PLAIN, "What the word-swapped map then does.")
    float_when_stale: str = setting("unavailable", WHEN_STALE, PLAIN, "What the float32 map then does.")
    sunspec_when_stale: str = setting("unavailable", WHEN_STALE, PLAIN, "What the SunSpec map then does.")
    em24_when_stale: str = setting("exception", WHEN_STALE, PLAIN, "What the EM24 map then does.")
    sunspec_models: str = setting(
        "203", choice("203", "213", "203+213"), PLAIN, "SunSpec meter models that are served."
    )
    sunspec_fill: bool = setting(
        False, BOOLEAN, PLAIN, "Copy an IT net's voltages to the phase voltages of SunSpec."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusTcp:
    """`[modbus_tcp]`: the Modbus TCP server."""

    enabled: bool = setting(True, BOOLEAN, PLAIN, "Run the server.")
    host: str = setting("", HOST, PLAIN, "Address to listen on; empty for all.")
    port: int = setting(
        1502, integer(1, 65535), PLAIN, "TCP port; 502 is the standard's and needs privileges."
    )
    allow: str = setting("", NETWORKS, PLAIN, "Networks that clients may come from; empty for everyone.")
    writable: bool = setting(True, BOOLEAN, PLAIN, "Let clients write the scale factor.")
    max_connections: int = setting(
        512, integer(1, 4096), PLAIN, "Most clients at once; the longest idle one makes room."
    )
    idle_timeout_s: int = setting(
        0, integer(0, 86_400), PLAIN, "Close a client idle for so many seconds; 0 never does."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusRtu:
    """`[modbus_rtu]`: the Modbus server on a serial line; the meters' unit ids are its slave addresses."""

    enabled: bool = setting(False, BOOLEAN, PLAIN, "Run the server.")
    device: str = setting("", DEVICE, OPENS_DEVICE, "Serial device; best the name under /dev/serial/by-id.")
    baud_rate: int = setting(19200, BAUD_RATE, PLAIN, "Bits a second, as the line's master has it.")
    parity: str = setting(
        "E", choice("N", "E", "O"), PLAIN, "Parity: none, even or odd; even is the standard's."
    )
    stop_bits: int = setting(
        1, integer(1, 2), PLAIN, "Stop bits; the standard has 2 where there is no parity."
    )
    rs485: str = setting(
        "auto",
        choice("auto", "on", "off"),
        PLAIN,
        "Have the driver switch the direction; auto: if it can.",
    )
    gap_ms: int = setting(
        0,
        integer(0, 1000),
        PLAIN,
        "Least silence, in ms, that ends a frame; 0 chooses by what the driver can do.",
    )
    writable: bool = setting(True, BOOLEAN, PLAIN, "Let the master write the scale factor.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusRtuTcp:
    """`[modbus_rtu_tcp]`: Modbus RTU frames over TCP, for serial device servers that connect to us."""

    enabled: bool = setting(False, BOOLEAN, PLAIN, "Run the server.")
    host: str = setting("", HOST, PLAIN, "Address to listen on; empty for all.")
    port: int = setting(1503, integer(1, 65535), PLAIN, "TCP port, unlike that of modbus_tcp.")
    allow: str = setting("", NETWORKS, PLAIN, "Networks that clients may come from; empty for everyone.")
    writable: bool = setting(True, BOOLEAN, PLAIN, "Let clients write the scale factor.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusTls:
    """`[modbus_tls]`: the Modbus Security server (MODBUS/TCP Security), beside the plain one."""

    enabled: bool = setting(False, BOOLEAN, PLAIN, "Serve Modbus over TLS, for clients with a certificate.")
    host: str = setting("", HOST, PLAIN, "Address to listen on; empty for all.")
    port: int = setting(
        1802, integer(1, 65535), PLAIN, "TCP port; 802 is the standard's and needs privileges."
    )
    allow: str = setting("", NETWORKS, PLAIN, "Networks that clients may come from; empty for everyone.")
    read_roles: str = setting("read-only", ROLES, PLAIN, "Roles that may read, separated by commas.")
    write_roles: str = setting("read-write", ROLES, PLAIN, "Roles that may read, and write the scale factor.")
    without_role: str = setting(
        "refuse",
        choice("refuse", "read"),
        PLAIN,
        "What a certificate without a role may do: nothing, or read.",
    )
    cert_file: str = setting(
        "", FILE, READS_FILE, "The server's certificate; empty for one that is made here."
    )
    key_file: str = setting("", FILE, READS_FILE, "Its private key; empty if cert_file holds it.")
    ca_file: str = setting(
        "",
        FILE,
        READS_FILE | ADMITS,
        "CA that signs the clients' certificates, and its revocation list; empty for the one made here.",
    )
    max_connections: int = setting(
        64, integer(1, 512), PLAIN, "Maximum number of clients; the one idle for longest makes room."
    )
    idle_timeout_s: int = setting(
        0, integer(0, 86_400), PLAIN, "Close a client that has been idle for this many seconds; 0 never does."
    )
