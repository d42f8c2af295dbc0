"""What a single value must be. A rule says no with a sentence that a person can act on."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .identity import ID, LABEL_MAX, is_label, tidy
from .networks import parse_networks
from .reach import ReachOf
from .source import SourceError, parse_source


@dataclass(frozen=True, slots=True)
class Rule:
    """A check of one value, and its description for the documentation: `must` completes "must be …".

    `secret`: the value is shown to nobody. `kind`, `low`, `high` and `choices` say the same to forms; no
    form needs more than them, and all that is refused is refused by `holds`. `tidy`: makes of what was typed
    what is meant. `made_once`: nobody changes it, so no form has it.
    """

    must: str
    holds: Callable[[object], bool]
    explain: Callable[[object], str | None] = lambda _: None
    secret: bool = False
    kind: str = "text"
    low: int | None = None
    high: int | None = None
    choices: tuple[str | int, ...] = ()
    tidy: Callable[[Any], Any] = lambda value: value
    made_once: bool = False

    def complaint(self, value: object) -> str | None:
        """Why a value is refused, or None; `explain` may know better than the general rule."""
        if self.holds(self.tidy(value)):
            return None
        if self.secret:
            return f"must be {self.must}"
        return self.explain(value) or f"must be {self.must}, not {value!r}"


def setting(default: Any, rule: Rule, reach: ReachOf, doc: str) -> Any:
    """A field of a section: its default, its rule, how far it reaches, and what it means in one sentence.

    A secret is never shown: not in a section's repr, not in complaints, not by `han2x settings`.
    """
    return field(default=default, metadata={"rule": rule, "reach": reach, "doc": doc}, repr=not rule.secret)


def integer(low: int, high: int) -> Rule:
    """A whole number within bounds."""

    def holds(value: object) -> bool:
        return type(value) is int and low <= value <= high

    return Rule(f"a whole number from {low} to {high}", holds, kind="integer", low=low, high=high)


def choice(*values: str) -> Rule:
    """One of some words."""
    must = "one of " + ", ".join(f'"{v}"' for v in values)
    return Rule(must, lambda value: value in values, kind="choice", choices=values)


def text(pattern: str, must: str, *, secret: bool = False, kind: str = "text") -> Rule:
    """A text that matches a pattern as a whole."""

    def holds(value: object) -> bool:
        return isinstance(value, str) and re.fullmatch(pattern, value) is not None

    return Rule(must, holds, secret=secret, kind="secret" if secret else kind)


def _wrong_source(value: object) -> str | None:
    """What is wrong with a source, in its own words; None for what is no text."""
    if isinstance(value, str):
        try:
            parse_source(value)
        except SourceError as error:
            return str(error)
    return None


def _is_source(value: object) -> bool:
    return isinstance(value, str) and _wrong_source(value) is None


def _wrong_networks(value: object) -> str | None:
    """What is wrong with a list of networks; None for what is no text."""
    if isinstance(value, str):
        try:
            parse_networks(value)
        except ValueError as error:
            return str(error)
    return None


def _are_networks(value: object) -> bool:
    return isinstance(value, str) and _wrong_networks(value) is None


def _is_ipv4(value: str) -> bool:
    """Whether a machine can have this address."""
    from ipaddress import AddressValueError, IPv4Address

    try:
        address = IPv4Address(value)
    except AddressValueError:
        return False
    return 0 < int(address) >> 24 < 224


def _is_address(value: object) -> bool:
    """Whether it is a machine's address and its prefix, not the network's own address nor its broadcast."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9.]+/[0-9]{1,2}", value):
        return False
    from ipaddress import IPv4Interface

    if not _is_ipv4(value.partition("/")[0]) or not 1 <= int(value.partition("/")[2]) <= 30:
        return False
    address = IPv4Interface(value)
    return address.ip not in (address.network.network_address, address.network.broadcast_address)


def _are_ipv4(value: object) -> bool:
    return isinstance(value, str) and all(_is_ipv4(one.strip()) for one in value.split(",") if value)


ZONE_MAX = 64
"""Characters of a zone's name; Python goes down a folder for each part of a longer one."""


def _is_time_zone(value: object) -> bool:
    from zoneinfo import ZoneInfo  # costs start time, and most settings files name no zone

    try:
        return isinstance(value, str) and len(value) <= ZONE_MAX and bool(ZoneInfo(value))
    except (LookupError, ValueError, OSError):  # unknown, or no name of a file at all
        return False


BOOLEAN = Rule("true or false", lambda value: type(value) is bool, kind="boolean")
NAME = text(
    r"[a-z0-9][a-z0-9_-]{0,31}", "1 to 32 of a-z, 0-9, - and _, beginning with a letter or digit", kind="name"
)
IDENTITY = replace(text(ID, "1 to 32 of a-z, 0-9, - and _, beginning with a letter or digit"), made_once=True)
LABEL = Rule(
    f"a name of 1 to {LABEL_MAX} characters, without control characters",
    is_label,
    kind="label",
    high=LABEL_MAX,
    tidy=tidy,
)
HOST = text(
    r"[A-Za-z0-9.:%_-]{0,255}",
    "a host name or an IP address, or empty for all of this machine's",
    kind="host",
)
KEY = text(r"([0-9A-Fa-f]{32})?", "32 hex digits, or empty for none", secret=True)
NETWORKS = Rule(
    "networks such as 192.168.1.0/24, separated by commas, or empty",
    _are_networks,
    _wrong_networks,
    kind="networks",
)
ADDRESS = Rule("an IPv4 address with its prefix, such as 192.168.1.232/24", _is_address)
IPV4 = Rule(
    "an IPv4 address, or empty", lambda value: isinstance(value, str) and (not value or _is_ipv4(value))
)
IPV4_LIST = Rule("IPv4 addresses separated by commas, or empty", _are_ipv4)
TIME_ZONE = Rule("the name of a time zone, such as Europe/Oslo", _is_time_zone, kind="time_zone")
SOURCE = Rule(
    "serial:DEVICE, tcp:HOST:PORT, mqtt:TOPIC, replay:FILE or simulate:VENDOR, with options after a ?",
    _is_source,
    _wrong_source,
    kind="source",
)
