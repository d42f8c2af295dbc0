"""Where a request comes from: its peer, what proxies say of others, and the name it asked for. Pure.

Headers are believed of a trusted proxy only. Of anybody else, each sign of a proxy means that the client is
elsewhere, wherever the headers say. What cannot be read means the same.

Sources: RFC 7239 (Forwarded), RFC 9110 7.2 and 7.6.3 (Host, Via), and the usual names of other headers.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from ..settings.networks import Network, parse_networks, within

Headers = Sequence[tuple[str, str]]
"""Names and values as they came; a name may come several times."""

HOME = parse_networks(
    "127.0.0.0/8, ::1, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, fc00::/7, fe80::/10"
)
"""Loopback, private and link-local networks (manual row M40)."""

HOME_NAMES = (".local", ".lan", ".home", ".home.arpa", ".internal", ".localdomain", ".localhost")

PROXY = re.compile(
    r"forward|fwd|proxy|ingress|client-?ip|real-?ip|(^|-)(ips?|addr|address|via)$"
    r"|^(cdn-loop|early-data|front-end-https|x-host|x-scheme|x-script-name|x-request-(id|start))$"
    r"|^(x-)?(akamai|amzn?|appengine|arr|azure|b3|cdn|cf|client|cloud|cluster|envoy|fastly|fd|fly|goog|haproxy"
    r"|hass|incap|nf|nginx|ngrok|original|real|remote|ssl|sucuri|tailscale|traefik|url|varnish|vercel)-"
)
"""Names of headers that proxies, tunnels and content delivery networks add, and browsers do not."""

CHAINS = ("x-forwarded-for", "forwarded", "x-real-ip")
"""What tells the addresses that a request came through, the last one right-most."""

ALSO = ("cf-connecting-ip", "cf-connecting-ipv6", "true-client-ip", "x-client-ip", "fastly-client-ip")
"""What else may name the client."""

UNKNOWN = ""
"""An address that a header does not tell: `unknown`, an obfuscated name, nonsense."""

ELEMENT = re.compile(r'(?:[^,;"]|"(?:[^"\\]|\\.)*")+|[,;]', re.DOTALL)
IPV4_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}")
QUOTED_RIGHT = re.compile(r'(?:[^"]|"(?:[^"\\]|\\.)*")*', re.DOTALL)
BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)(?:%[^\]\s]*)?\](?::[0-9]{1,5})?")
HOST_PORT = re.compile(r"(\[[^\]\s]*\]|[^:\s]*)(?::[0-9]{0,5})?")
NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?")
NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")
"""A name whose last part is a number is an address to a browser, in a spelling of its own."""


@dataclass(frozen=True, slots=True)
class Client:
    """`address`: what counts for throttling and the log. `home`: nothing says that it is elsewhere."""

    address: str
    home: bool


def client_of(peer: str, headers: Headers, trusted: Iterable[Network] = (), http: str = "1.1") -> Client:
    """Who asks. `peer`: the address that is connected. `http`: the version; no browser speaks 1.0."""
    networks = tuple(trusted)
    address = plain(peer)
    said = _by_name(headers)
    if within(address, networks):
        return _behind_proxy(address, said, networks)
    signs = http == "1.0" or any(map(PROXY.search, said))
    return Client(address, not signs and within(address, HOME) and _asked_at_home(said.get("host", ())))


def plain(address: str) -> str:
    """An address without its zone; of IPv4 that IPv6 carries the IPv4 address; `UNKNOWN` of anything else."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(found)


def is_home_name(host: str) -> bool:
    """Whether a Host header has an address of a home, or a name that only a home's network gives.

    A name of the wide world may be a stranger's page that was given our address (DNS rebinding).
    """
    match = HOST_PORT.fullmatch(host.strip().lower())
    name = match[1] if match else ""
    if address := plain(name.removeprefix("[").removesuffix("]")):
        return (name.startswith("[")) == (":" in name) and within(address, HOME)
    if not NAME.fullmatch(name) or NUMERIC.fullmatch(name):
        return False
    absolute, name = name.endswith("."), name.rstrip(".")
    return name.endswith(HOME_NAMES) or name == "localhost" or ("." not in name and not absolute)


def _behind_proxy(peer: str, said: dict[str, list[str]], trusted: tuple[Network, ...]) -> Client:
    """Who asks by a trusted proxy: the right-most address that is none of a trusted proxy.

    Others that are named besides must be at home too, for a proxy passes on what it does not know.
    """
    counted = [_right_most(_chain(name, said[name]), trusted) for name in CHAINS if name in said]
    named = {one for one in counted if not within(one, trusted)} or set(counted[:1])
    if len(named) != 1 or UNKNOWN in named:
        return Client(peer, home=False)
    others = [_address(text) for name in ALSO for text in said.get(name, ())]
    home = all(within(one, HOME) for one in (*named, *others))
    hosts = said.get("host", ())
    return Client(named.pop(), home and _asked_at_home(hosts) and _forwarded_hosts_at_home(said))


def _right_most(chain: list[str], trusted: tuple[Network, ...]) -> str:
    """Of addresses by the order of hops: the last that is no trusted proxy; the first if all are."""
    others = (one for one in reversed(chain) if not within(one, trusted))
    return next(others, chain[0] if chain else UNKNOWN)


def _chain(name: str, values: list[str]) -> list[str]:
    if name == "forwarded":
        return [_address(text) for text in _forwarded(values, "for")]
    return [_address(text) for value in values for text in value.split(",")]


def _forwarded(values: list[str], wanted: str) -> list[str]:
    """A parameter of each element of Forwarded, "" where an element has none (RFC 7239 4).

    A quotation that does not end may hide what a proxy has added behind it, so it hides all.
    """
    found: list[str] = []
    for value in values:
        texts = [""]
        value = value if QUOTED_RIGHT.fullmatch(value) else ""
        for match in ELEMENT.finditer(value):
            if match[0] == ",":
                found += texts
                texts = [""]
            name, equals, text = match[0].partition("=")
            if equals and name.strip().lower() == wanted:
                texts = [text.strip()] if texts == [""] else [*texts, text.strip()]
        found += texts
    return [_unquoted(text) for text in found]


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _address(text: str) -> str:
    """The address of a hop, without quotes, brackets, port and zone; `UNKNOWN` of anything else."""
    text = _unquoted(text.strip())
    for form in (IPV4_PORT, BRACKETED):
        if match := form.fullmatch(text):
            return plain(match[1])
    return plain(text)


def _asked_at_home(hosts: Sequence[str]) -> bool:
    return len(hosts) == 1 and is_home_name(hosts[0])


def _forwarded_hosts_at_home(said: dict[str, list[str]]) -> bool:
    named = [text.strip() for value in said.get("x-forwarded-host", ()) for text in value.split(",")]
    named += filter(None, _forwarded(said.get("forwarded", []), "host"))
    return all(map(is_home_name, named))


def _by_name(headers: Headers) -> dict[str, list[str]]:
    """The values of each name; `_` is `-`, as to programs behind CGI."""
    said: dict[str, list[str]] = {}
    for name, value in headers:
        said.setdefault(name.strip().lower().replace("_", "-"), []).append(value)
    return said
