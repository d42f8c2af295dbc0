"""The settings of Modbus Security: Modbus TCP over TLS, with certificates and roles of clients."""

from dataclasses import dataclass

from .device import FILE
from .reach import ADMITS, PLAIN, READS_FILE
from .rule import BOOLEAN, HOST, NETWORKS, choice, integer, setting, text

ROLES = text(r"[^\0\r\n]{0,255}", "names of roles, separated by commas, or empty")


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
