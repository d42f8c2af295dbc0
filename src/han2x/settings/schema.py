"""Every setting, one line each: default, rule, meaning. Form, file, check and documentation follow.

A section is a frozen dataclass; a service is restarted when its section is no longer equal.
"""

from dataclasses import dataclass, field, fields
from typing import Any

from .rule import BOOLEAN, HOST, NAME, SOURCE, Rule, integer

SCALE = integer(10, 999_999_999)


def setting(default: Any, rule: Rule, doc: str) -> Any:
    """A field of a section: its default, its rule, and what it means in one sentence."""
    return field(default=default, metadata={"rule": rule, "doc": doc})


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """`[[meters]]`: one meter. Repeat the table for each meter."""

    name: str = setting("main", NAME, "Name of the meter, unlike the others'; its stored state goes by it.")
    source: str = setting("serial:auto", SOURCE, "Where its telegrams come from.")
    unit_id: int = setting(1, integer(1, 247), "Modbus unit id (slave address) that answers for it.")
    scale: int = setting(1000, SCALE, "Factor for powers, currents and energies, in thousandths.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The part of a meter's settings that its reading depends on: not its factor, not its unit id."""

    name: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusTcp:
    """`[modbus_tcp]`: the Modbus TCP server."""

    enabled: bool = setting(True, BOOLEAN, "Whether the server runs.")
    host: str = setting("", HOST, "Address to listen on; empty for all.")
    port: int = setting(1502, integer(1, 65535), "TCP port; 502 is the standard's and needs privileges.")
    writable: bool = setting(True, BOOLEAN, "Whether clients may write the scale factor.")
    max_connections: int = setting(
        512, integer(1, 4096), "Most clients at once; the longest idle one makes room."
    )
    idle_timeout_s: int = setting(
        0, integer(0, 86_400), "Close a client idle for so many seconds; 0 never does."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one gateway."""

    meters: tuple[Meter, ...] = (Meter(),)
    modbus_tcp: ModbusTcp = ModbusTcp()


SECTIONS: dict[str, type] = {"meters": Meter, "modbus_tcp": ModbusTcp}
"""Sections by the name of their TOML table; `meters` is an array of tables."""

REPEATED = frozenset({"meters"})


def rules(section: type) -> dict[str, Rule]:
    """The rule of each setting of a section."""
    return {f.name: f.metadata["rule"] for f in fields(section)}
