"""The settings of the web page and its API."""

from dataclasses import dataclass

from .device import FILE
from .reach import ADMITS, PLAIN, READS_FILE
from .rule import BOOLEAN, HOST, NETWORKS, choice, integer, setting, text

HASH = r"(scrypt:[A-Za-z0-9+/=]{24}:[A-Za-z0-9+/=]{44})?"
PASSWORD_HASH = text(HASH, "a hash that the page has written, or empty", secret=True)
USER = text(r"[^\0\r\n:]{1,64}", "a name of 1 to 64 characters")
TITLE = text(r"[^\0\r\n]{1,64}", "a line of 1 to 64 characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """`[web]`: the web page and its API."""

    enabled: bool = setting(True, BOOLEAN, PLAIN, "Serve the page.")
    host: str = setting("", HOST, PLAIN, "Address to listen on; empty for all.")
    port: int = setting(8080, integer(1, 65535), PLAIN, "TCP port, unlike those of Modbus.")
    allow: str = setting("", NETWORKS, PLAIN, "Networks that browsers may come from; empty for everyone.")
    trusted_proxies: str = setting(
        "", NETWORKS, ADMITS, "Networks of reverse proxies whose headers name the client; empty for none."
    )
    name: str = setting("han2x", TITLE, PLAIN, "What the page calls this gateway.")
    language: str = setting(
        "", choice("", "nb", "en"), PLAIN, "Language of the page; empty for the browser's."
    )
    tls: bool = setting(False, BOOLEAN, PLAIN, "Serve the page over HTTPS.")
    cert_file: str = setting("", FILE, READS_FILE, "Its certificate; empty for one that is made here.")
    key_file: str = setting(
        "", FILE, READS_FILE, "The certificate's private key; empty if cert_file holds it."
    )
    user: str = setting("bits", USER, ADMITS, "User name of the page.")
    password: str = setting("", PASSWORD_HASH, ADMITS, "The password's hash; empty for the first password.")
    manual_default: bool = setting(
        True, BOOLEAN, ADMITS, "Let vari open the page from connected networks until a password is set."
    )
    metrics: bool = setting(False, BOOLEAN, PLAIN, "Serve /metrics for Prometheus, without a log-in.")
    amsreader: bool = setting(False, BOOLEAN, PLAIN, "Answer /data.json as amsreader does, without a log-in.")
    homewizard: bool = setting(
        False, BOOLEAN, PLAIN, "Answer /api as a HomeWizard P1 does, without a log-in."
    )
